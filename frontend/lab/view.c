/*
 * view.c: see view.h.
 */
#include "frontend/lab/view.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

/* ---- letters */

unsigned rune_cells(u32 rune)
{
    /* Unicode Standard Annex 11: wide and full-width; of what combines, only the marks that follow Latin letters. */
    static const struct {
        u32 first, last;
    } wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
                {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if (rune >= 0x300 && rune <= 0x36f) {
        return 0;
    }
    for (unsigned n = 0; n < ARRAY_LEN(wide); n++) {
        if (rune >= wide[n].first && rune <= wide[n].last) {
            return 2;
        }
    }
    return 1;
}

u32 rune_next(const char **text)
{
    static const u32 least[] = {0, 0x80, 0x800, 0x10000};
    const u8 *s = (const u8 *)*text;
    u32 rune = *s;
    unsigned more = rune < 0x80 ? 0 : rune >= 0xf0 && rune < 0xf8 ? 3 : rune >= 0xe0 ? 2 : 1;
    if (!rune) {
        return 0;
    }
    if (rune >= 0x80 && (rune < 0xc2 || rune >= 0xf8)) {
        *text += 1;
        return 0xfffd;
    }
    rune &= more ? 0x3fu >> more : 0x7f;
    for (unsigned n = 1; n <= more; n++) {
        if ((s[n] & 0xc0) != 0x80) {
            *text += n;
            return 0xfffd;
        }
        rune = rune << 6 | (s[n] & 0x3f);
    }
    *text += more + 1;
    bool valid = rune >= least[more] && rune < 0x110000 && (rune < 0xd800 || rune > 0xdfff);
    return valid ? rune : 0xfffd;
}

unsigned rune_write(u32 rune, char text[8])
{
    static const u32 looks[RUNE_END - RUNE_RING0] = {0x2588, 0x259a, 0x2592, 0x2591, 0x2573, 0x25a4, 0x2500};
    if (rune >= RUNE_RING0 && rune < RUNE_END) {
        rune = looks[rune - RUNE_RING0];
    }
    unsigned more = rune < 0x80 ? 0 : rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
    static const u8 first[] = {0, 0xc0, 0xe0, 0xf0};
    for (unsigned n = more; n; n--) {
        text[n] = (char)(0x80 | (rune & 0x3f));
        rune >>= 6;
    }
    text[0] = (char)(first[more] | rune);
    text[more + 1] = 0;
    return more + 1;
}

/* ---- pages */

void view_init(struct view *view, unsigned columns)
{
    *view = (struct view){.columns = columns < VIEW_COLUMNS_MAX ? columns : VIEW_COLUMNS_MAX};
}

void view_free(struct view *view)
{
    free(view->cells);
    *view = (struct view){0};
}

void view_clear(struct view *view, unsigned columns)
{
    view_free(view);
    view_init(view, columns);
}

/* Row `y` exists; false: it may not. */
static bool make_row(struct view *view, unsigned y)
{
    if (y >= VIEW_ROWS_MAX || !view->columns) {
        return false;
    }
    if (y >= view->room) {
        view->room = y + 1 > 2 * view->room ? y + 1 : 2 * view->room;
        view->cells = mem_resize(view->cells, (size_t)view->room * view->columns * sizeof *view->cells);
    }
    for (; view->rows <= y; view->rows++) {
        for (unsigned x = 0; x < view->columns; x++) {
            view->cells[(size_t)view->rows * view->columns + x] = (struct cell){' ', STYLE_TEXT};
        }
    }
    return true;
}

static struct cell *cell_at(const struct view *view, unsigned x, unsigned y)
{
    return &view->cells[(size_t)y * view->columns + x];
}

/* A terminal would do something at it. */
static bool is_control(u32 rune)
{
    return rune < ' ' || (rune >= 0x7f && rune < 0xa0);
}

void view_rune(struct view *view, enum style style, u32 rune)
{
    if (rune == '\n') {
        make_row(view, view->y);
        view->x = 0;
        view->y++;
        return;
    }
    unsigned cells = rune_cells(rune);
    if (cells && make_row(view, view->y)) {
        bool fits = view->x < view->columns && cells <= view->columns - view->x;
        for (unsigned n = 0; fits && n < cells; n++) {
            *cell_at(view, view->x + n, view->y) = (struct cell){n ? 0 : is_control(rune) ? 0xfffd : rune, (u8)style};
        }
        view->x = fits ? view->x + cells : view->columns;
    }
}

void view_put(struct view *view, enum style style, const char *text)
{
    for (u32 rune; (rune = rune_next(&text));) {
        view_rune(view, style, rune);
    }
}

void view_printf(struct view *view, enum style style, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    view_put(view, style, text);
}

/* Cells up to the next blank or line's end. */
static unsigned word_cells(const char *text)
{
    unsigned cells = 0;
    for (u32 rune; (rune = rune_next(&text)) && rune != ' ' && rune != '\n';) {
        cells += rune_cells(rune);
    }
    return cells;
}

void view_wrap(struct view *view, enum style style, unsigned indent, const char *text)
{
    while (*text) {
        unsigned cells = word_cells(text);
        if (view->x > indent && view->x + cells > view->columns && cells <= view->columns - indent) {
            view_rune(view, style, '\n');
        }
        if (view->x < indent && indent < view->columns) {
            view_tab(view, indent);
        }
        u32 rune = 1;
        while (*text && rune != ' ' && rune != '\n') {
            rune = rune_next(&text);
            if (rune == ' ' && view->x >= view->columns) {
                rune = '\n'; /* a blank at the line's end is the line's end */
            }
            if (rune != '\n' && view->x + rune_cells(rune) > view->columns) {
                view_rune(view, style, '\n'); /* a word longer than a line */
                view_tab(view, indent);
            }
            view_rune(view, style, rune);
        }
    }
}

void view_tab(struct view *view, unsigned column)
{
    if (view->x < column) {
        view->x = column;
    }
}

void view_at(struct view *view, unsigned x, unsigned y)
{
    view->x = x;
    view->y = y;
}

void view_select(struct view *view, unsigned row)
{
    for (unsigned x = 0; row < view->rows && x < view->columns; x++) {
        cell_at(view, x, row)->style |= STYLE_SELECTED;
    }
}

void view_copy(struct view *to, unsigned x, unsigned y, const struct view *from, unsigned top, unsigned rows, unsigned columns)
{
    for (unsigned row = 0; row < rows && top + row < from->rows && make_row(to, y + row); row++) {
        for (unsigned n = 0; n < columns && n < from->columns && x + n < to->columns; n++) {
            *cell_at(to, x + n, y + row) = *cell_at(from, n, top + row);
        }
    }
}

void view_print(const struct view *view, FILE *out)
{
    for (unsigned y = 0; y < view->rows; y++) {
        unsigned end = view->columns;
        while (end && (cell_at(view, end - 1, y)->rune == ' ' || !cell_at(view, end - 1, y)->rune) &&
               !(end > 1 && !cell_at(view, end - 1, y)->rune && cell_at(view, end - 2, y)->rune != ' ')) {
            end--;
        }
        for (unsigned x = 0; x < end; x++) {
            char text[8];
            if (cell_at(view, x, y)->rune) {
                rune_write(cell_at(view, x, y)->rune, text);
                fputs(text, out);
            }
        }
        fputc('\n', out);
    }
}
