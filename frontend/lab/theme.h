/*
 * theme.h: how renderers draw the styles of a page: light letters on dark, each with a contrast of 4.5 to 1 at least (WCAG 2.1,
 * success criterion 1.4.3), and a pattern of dots for each ring. The status bar's rings look the same.
 */
#ifndef FRONTEND_LAB_THEME_H
#define FRONTEND_LAB_THEME_H

#include "frontend/lab/view.h"

enum { THEME_PATTERN = 8 /* dots, either way */ };

#define THEME_PAPER    0x12161b
#define THEME_SELECTED 0x213b58 /* behind letters with STYLE_SELECTED */

struct theme_style {
    const char *name; /* a word, for classes of CSS */
    u32 color;
    bool bold;
    u8 attribute; /* of a terminal's cell, as VGA counts colours */
};

/* Without STYLE_SELECTED; any number is allowed. */
const struct theme_style *theme_style(unsigned style);

struct theme_pattern {
    u32 color;
    u8 rows[THEME_PATTERN]; /* bit 7 is the leftmost dot */
};

/* Of RUNE_RING0 to RUNE_END - 1; NULL for other letters. */
const struct theme_pattern *theme_pattern(u32 rune);

#endif
