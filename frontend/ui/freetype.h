/*
 * freetype.h: font files, by FreeType, whose library is loaded when the first letter is wanted; builds without its headers have
 * none. Private to letters.c.
 */
#ifndef FRONTEND_UI_FREETYPE_H
#define FRONTEND_UI_FREETYPE_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

struct typeface;

/* The best font that is installed. NULL and `err`: there is none, or no FreeType. */
struct typeface *typeface_open(struct error *err);
void typeface_close(struct typeface *face);
/* Letters that high; *baseline: from the top of a cell of `height` dots. */
void typeface_set_size(struct typeface *face, u32 dots, u32 height, u32 *baseline);
/* How much of each dot of a box the letter covers, 0 to 255, row by row; `coverage` is zeroed. False: the font lacks it. */
bool typeface_draw(struct typeface *face, u32 rune, bool bold, u32 baseline, u32 width, u32 height, u8 *coverage);

#endif
