/*
 * letters.h: pages of cells as dots: letters of a font file (FreeType), with Hangul, at any size; without FreeType or a font that
 * it can read, those of the firmware's font, which has none. Lines and patterns are drawn so that they join.
 */
#ifndef FRONTEND_UI_LETTERS_H
#define FRONTEND_UI_LETTERS_H

#include "devices/display/surface.h"
#include "frontend/lab/view.h"
#include "frontend/ui/font.h"

enum { LETTERS_PERCENT_MIN = 50, LETTERS_PERCENT_MAX = 400 };

struct letters;

/* `font` must stay. */
struct letters *letters_create(const struct font *font);
void letters_destroy(struct letters *letters);
/* What somebody must know whose letters are not from a font file: why; NULL: they are. */
const char *letters_obstacle(const struct letters *letters);

/* 100 percent: letters 16 dots high, as far as the font has that size. */
void letters_set_size(struct letters *letters, unsigned percent);
u32 letters_width(const struct letters *letters); /* of a cell */
u32 letters_height(const struct letters *letters);

/* The page from the corner x, y on; what has no room in `area` is cut off. */
void letters_draw(struct letters *letters, struct surface *to, struct rect area, const struct view *page);

#endif
