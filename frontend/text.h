/*
 * text.h: code page 437 as Unicode, and the VGA's text screen as UTF-8.
 */
#ifndef FRONTEND_TEXT_H
#define FRONTEND_TEXT_H

#include <stdio.h>

#include "devices/display/vga.h"

/* The character that the IBM PC's font shows for a byte; NUL and FFh are blanks. */
u32 text_unicode(u8 ch);
/* Writes 1 to 4 bytes and a NUL; returns how many without it. */
unsigned text_utf8(u32 unicode, char out[5]);
/* The screen line by line, without trailing blanks. */
void text_print(const struct vga_text *text, FILE *out);

#endif
