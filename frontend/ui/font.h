/*
 * font.h: letters of 8 by 16 dots for the status bar and the help that is laid over the picture.
 */
#ifndef FRONTEND_UI_FONT_H
#define FRONTEND_UI_FONT_H

#include "cpu/base/types.h"

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16 };

struct font {
    u8 rows[256][FONT_HEIGHT]; /* by code page 437; bit 7 is the leftmost dot */
};

/* Takes the 8x16 font out of a VGA BIOS image. False: none is found there. */
bool font_from_vga_bios(struct font *font, const u8 *image, size_t size);
/* A plain font of our own: capitals, figures and punctuation; the rest is blank. */
void font_plain(struct font *font);

#endif
