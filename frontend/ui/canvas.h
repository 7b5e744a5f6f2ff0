/*
 * canvas.h: drawing on a surface: areas, patterns, letters, and a picture at another size.
 *
 * Whatever lies outside of the surface is not drawn.
 */
#ifndef FRONTEND_UI_CANVAS_H
#define FRONTEND_UI_CANVAS_H

#include "devices/display/surface.h"
#include "frontend/ui/font.h"

void canvas_fill(struct surface *to, struct rect area, u32 color);
/* The border of `area`, one dot wide. */
void canvas_frame(struct surface *to, struct rect area, u32 color);
/* Fills where a pattern of 8 by 8 dots, repeated from the surface's corner, has a 1. */
void canvas_pattern(struct surface *to, struct rect area, const u8 pattern[8], u32 color);
/* Letters of code page 437, transparent; returns where the next one goes. `scale` times as large.
 */
u32 canvas_text(struct surface *to, const struct font *font, u32 x, u32 y, u32 scale, u32 color,
                const char *text);

/* Draws the part `part` of `from` as it lies when the whole of `from` fills `area` of `to`, and
 * returns the rectangle of `to` that was drawn. Whole multiples keep every dot sharp; other sizes
 * are interpolated. */
struct rect canvas_scaled(struct surface *to, struct rect area, const struct surface *from,
                          struct rect part);

/* The largest place for a picture of width x height in the middle of `room`: whole multiples if
 * `integer` and one fits. */
struct rect canvas_fit(struct rect room, u32 width, u32 height, bool integer);

#endif
