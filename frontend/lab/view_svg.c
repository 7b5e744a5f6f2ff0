/*
 * view_svg.c: see view_svg.h. A run of cells in one style is one element; a picture places each run by itself, and gives its width,
 * so that what stands below each other does so in whatever font there is.
 */
#include "frontend/lab/view_svg.h"

#include <string.h>

#include "frontend/lab/theme.h"

/* Of a picture; a cell is as wide as a pattern, so that these join. */
enum { CELL_WIDTH = 8, CELL_HEIGHT = 16, BASELINE = 12, MARGIN = 8, FONT_SIZE = 13 };

#define FONTS "'D2Coding','Nanum Gothic Coding','DejaVu Sans Mono',Menlo,Consolas,monospace"

static const struct cell *row_of(const struct view *v, unsigned y)
{
    return &v->cells[(size_t)y * v->columns];
}

/* ---- letters */

/* XML 1.0, production 2, without the control characters that it only discourages. */
static bool allowed(u32 rune)
{
    return rune >= ' ' && !(rune >= 0x7f && rune < 0xa0) && (rune & 0xfffe) != 0xfffe;
}

static void put_rune(u32 rune, FILE *out)
{
    char text[8];
    switch (rune) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    case '\'':
        fputs("&#39;", out);
        break;
    default:
        rune_write(allowed(rune) ? rune : 0xfffd, text);
        fputs(text, out);
    }
}

void view_escape(const char *text, FILE *out)
{
    for (u32 rune; (rune = rune_next(&text));) {
        if (rune == '\n') {
            fputc('\n', out);
        } else {
            put_rune(rune, out);
        }
    }
}

/* ---- runs of cells */

enum { RUN_BLANK, RUN_TEXT, RUN_PATTERN };

static int kind_of(const struct cell *cell)
{
    return theme_pattern(cell->rune) ? RUN_PATTERN : cell->rune == ' ' ? RUN_BLANK : RUN_TEXT;
}

/* Where the run that begins at `x` ends: cells of one style and kind; a letter that takes two is a run of its own, for fonts differ
 * most in these. */
static unsigned run_end(const struct cell *row, unsigned x, unsigned columns)
{
    unsigned end = x + 1;
    bool wide = end < columns && !row[end].rune;
    if (wide) {
        return end + 1;
    }
    for (; end < columns && row[end].style == row[x].style && kind_of(&row[end]) == kind_of(&row[x]); end++) {
        bool same = row[end].rune == row[x].rune || kind_of(&row[x]) != RUN_PATTERN;
        if (!row[end].rune || !same || (end + 1 < columns && !row[end + 1].rune)) {
            break;
        }
    }
    return end;
}

static unsigned last_column(const struct cell *row, unsigned columns)
{
    while (columns && row[columns - 1].rune == ' ' && !(row[columns - 1].style & STYLE_SELECTED)) {
        columns--;
    }
    return columns;
}

/* ---- SVG */

static void svg_patterns(FILE *out)
{
    fputs("<defs>\n", out);
    for (u32 rune = RUNE_RING0; rune < RUNE_END; rune++) {
        const struct theme_pattern *p = theme_pattern(rune);
        fprintf(out, "<pattern id=\"lab-p%u\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path fill=\"#%06x\" d=\"",
                rune - RUNE_RING0, p->color);
        for (unsigned y = 0; y < THEME_PATTERN; y++) {
            for (unsigned x = 0; x < THEME_PATTERN; x++) {
                if (p->rows[y] >> (7 - x) & 1) {
                    fprintf(out, "M%u %uh1v1h-1z", x, y);
                }
            }
        }
        fputs("\"/></pattern>\n", out);
    }
    fputs("</defs>\n", out);
}

static void svg_run(const struct cell *row, unsigned x, unsigned end, unsigned y, FILE *out)
{
    const struct theme_style *style = theme_style(row[x].style);
    unsigned left = MARGIN + x * CELL_WIDTH, top = MARGIN + y * CELL_HEIGHT, width = (end - x) * CELL_WIDTH;
    if (row[x].style & STYLE_SELECTED) {
        fprintf(out, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"#%06x\"/>\n", left, top, width, CELL_HEIGHT,
                THEME_SELECTED);
    }
    if (kind_of(&row[x]) == RUN_PATTERN) {
        fprintf(out, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"url(#lab-p%u)\"/>\n", left, top + 1, width,
                CELL_HEIGHT - 2, row[x].rune - RUNE_RING0);
    } else if (kind_of(&row[x]) == RUN_TEXT) {
        fprintf(out, "<text x=\"%u\" y=\"%u\" textLength=\"%u\" fill=\"#%06x\"%s>", left, top + BASELINE, width, style->color,
                style->bold ? " font-weight=\"bold\"" : "");
        for (; x < end; x++) {
            if (row[x].rune) {
                put_rune(row[x].rune, out);
            }
        }
        fputs("</text>\n", out);
    }
}

void view_svg(const struct view *v, const char *title, FILE *out)
{
    unsigned width = v->columns * CELL_WIDTH + 2 * MARGIN, height = v->rows * CELL_HEIGHT + 2 * MARGIN;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" role=\"img\"", width,
            height, width, height);
    fprintf(out, " font-family=\"%s\" font-size=\"%u\" xml:space=\"preserve\">\n", FONTS, FONT_SIZE);
    if (title) {
        fputs("<title>", out);
        view_escape(title, out);
        fputs("</title>\n", out);
    }
    svg_patterns(out);
    fprintf(out, "<rect width=\"%u\" height=\"%u\" fill=\"#%06x\"/>\n", width, height, THEME_PAPER);
    for (unsigned y = 0; y < v->rows; y++) {
        const struct cell *row = row_of(v, y);
        unsigned columns = last_column(row, v->columns);
        for (unsigned x = 0, end; x < columns; x = end) {
            end = run_end(row, x, columns);
            svg_run(row, x, end, y, out);
        }
    }
    fputs("</svg>\n", out);
}

/* ---- HTML */

void view_html_style(FILE *out)
{
    fprintf(out, "pre.lab{background:#%06x;color:#%06x;padding:8px;overflow-x:auto;font:13px/16px %s}\n", THEME_PAPER,
            theme_style(STYLE_TEXT)->color, FONTS);
    for (unsigned n = 1; n < STYLE_COUNT; n++) {
        const struct theme_style *style = theme_style(n);
        fprintf(out, "pre.lab .%s{color:#%06x%s}\n", style->name, style->color, style->bold ? ";font-weight:bold" : "");
    }
    fprintf(out, "pre.lab .selected{background:#%06x}\n", THEME_SELECTED);
}

static void html_span(u8 style, FILE *out)
{
    bool plain = !(style & ~STYLE_SELECTED), selected = style & STYLE_SELECTED;
    fprintf(out, "<span class=\"%s%s%s\">", plain ? "" : theme_style(style)->name, selected && !plain ? " " : "",
            selected ? "selected" : "");
}

static void html_row(const struct cell *row, unsigned columns, FILE *out)
{
    u8 style = STYLE_TEXT;
    for (unsigned x = 0; x < columns; x++) {
        if (row[x].style != style) {
            fputs(style ? "</span>" : "", out);
            style = row[x].style;
            if (style) {
                html_span(style, out);
            }
        }
        if (row[x].rune) {
            put_rune(row[x].rune, out);
        }
    }
    fputs(style ? "</span>\n" : "\n", out);
}

void view_html(const struct view *v, FILE *out)
{
    fputs("<pre class=\"lab\">\n", out); /* this line's end is no part of it: HTML, 13.2.6.4.7 */
    for (unsigned y = 0; y < v->rows; y++) {
        html_row(row_of(v, y), last_column(row_of(v, y), v->columns), out);
    }
    fputs("</pre>\n", out);
}
