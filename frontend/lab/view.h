/*
 * view.h: what the lab shows, before anybody draws it: a page of cells, each a letter in a style.
 *
 * Whoever has something to show writes a page; the window, the terminal and SVG or HTML draw the same cells. A page is as wide as it
 * was made and grows downwards. Letters are Unicode; those of Korean and the like take two cells. What a style stands for
 * is also said in words or by another letter: nobody needs the colours.
 */
#ifndef FRONTEND_LAB_VIEW_H
#define FRONTEND_LAB_VIEW_H

#include <stdio.h>

#include "cpu/base/types.h"

enum { VIEW_COLUMNS_MAX = 512, VIEW_ROWS_MAX = 65536 };

enum style {
    STYLE_TEXT,
    STYLE_DIM,    /* of less interest */
    STYLE_STRONG,
    STYLE_TITLE,
    STYLE_KEY,    /* a key to press */
    STYLE_GOOD,   /* a check that passed */
    STYLE_BAD,    /* one that failed */
    STYLE_NOTE,   /* look here */
    STYLE_FRAME,  /* lines around things */
    STYLE_RING0,  /* the four rings, system-management mode, the guest of a hypervisor */
    STYLE_RING1,
    STYLE_RING2,
    STYLE_RING3,
    STYLE_SMM,
    STYLE_GUEST,
    STYLE_COUNT,
    STYLE_SELECTED = 0x80 /* added to one of the above: the one that keys act upon */
};

/* Letters that stand for time spent in a ring (add 0 to 3), in SMM, as the guest of a hypervisor, and halted: each renderer draws
 * a pattern of its own for each. In the private area of Unicode. */
enum { RUNE_RING0 = 0xe000, RUNE_SMM = 0xe004, RUNE_GUEST, RUNE_IDLE, RUNE_END };

struct cell {
    u32 rune; /* 0: the right half of the letter before it */
    u8 style;
};

struct view {
    unsigned columns, rows;
    unsigned x, y; /* where the next letter goes */
    unsigned room; /* rows */
    struct cell *cells;
};

void view_init(struct view *view, unsigned columns);
void view_free(struct view *view);
/* Empty again, and as wide as that. */
void view_clear(struct view *view, unsigned columns);

/* Writes at x, y, which moves on. What does not fit on the line is cut off; '\n' begins the next one. Text is UTF-8; bytes that are
 * none are shown as U+FFFD. */
void view_put(struct view *view, enum style style, const char *text);
void view_printf(struct view *view, enum style style, const char *format, ...) PRINTF_LIKE(3, 4);
void view_rune(struct view *view, enum style style, u32 rune);
/* As view_put(), but words that do not fit go on in the next line, `indent` cells from the left. */
void view_wrap(struct view *view, enum style style, unsigned indent, const char *text);
/* Moves to a column of this line, if it is not past it. */
void view_tab(struct view *view, unsigned column);
/* Moves anywhere. */
void view_at(struct view *view, unsigned x, unsigned y);
/* Adds STYLE_SELECTED to a row. */
void view_select(struct view *view, unsigned row);
/* Copies `rows` rows of `from`, from row `top` on, to x, y; what is outside of either is left out. */
void view_copy(struct view *to, unsigned x, unsigned y, const struct view *from, unsigned top, unsigned rows, unsigned columns);

/* As plain text, without trailing blanks. */
void view_print(const struct view *view, FILE *out);

/* Cells that a letter takes: 0 (combining), 1 or 2. */
unsigned rune_cells(u32 rune);
/* The next letter of UTF-8 text; *text moves on. 0 at its end. */
u32 rune_next(const char **text);
/* Writes it as UTF-8, with a 0 behind; RUNE_RING0 and the like as letters that look like their patterns. Returns the bytes. */
unsigned rune_write(u32 rune, char text[8]);

#endif
