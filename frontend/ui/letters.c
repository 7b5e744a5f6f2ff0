/*
 * letters.c: see letters.h. How each letter covers its dots is kept: a screen has some hundred different ones.
 */
#include "frontend/ui/letters.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/lab/theme.h"
#include "frontend/text.h"
#include "frontend/ui/canvas.h"
#include "frontend/ui/freetype.h"

enum { KEPT = 1024 /* letters, by their number modulo this */, FILE_EM = 16, FILE_HEIGHT = 18, BOLD = 1u << 31 };

struct kept {
    u32 key; /* the letter, and BOLD; 0: none */
    u8 *coverage;
};

struct letters {
    const struct font *font;
    struct typeface *face; /* NULL: `obstacle` says why */
    struct error obstacle;
    u32 percent, width, height, baseline, scale; /* scale: of dots of patterns and of the firmware's font */
    struct kept kept[KEPT];
};

/* ---- life */

static void forget(struct letters *l)
{
    for (unsigned n = 0; n < KEPT; n++) {
        free(l->kept[n].coverage);
        l->kept[n] = (struct kept){0};
    }
}

struct letters *letters_create(const struct font *font)
{
    struct letters *l = mem_zeroed(1, sizeof *l);
    l->font = font;
    l->face = typeface_open(&l->obstacle);
    letters_set_size(l, 100);
    return l;
}

void letters_destroy(struct letters *l)
{
    if (l) {
        forget(l);
        typeface_close(l->face);
        free(l);
    }
}

const char *letters_obstacle(const struct letters *l)
{
    return l->face ? NULL : l->obstacle.text;
}

void letters_set_size(struct letters *l, unsigned percent)
{
    percent = percent < LETTERS_PERCENT_MIN ? LETTERS_PERCENT_MIN : percent < LETTERS_PERCENT_MAX ? percent : LETTERS_PERCENT_MAX;
    forget(l);
    l->percent = percent;
    l->scale = percent >= 200 ? percent / 100 : 1;
    if (l->face) {
        u32 em = (FILE_EM * percent / 100 + 1) & ~1u; /* so that half of it is whole */
        l->width = em / 2;
        l->height = (FILE_HEIGHT * percent + 50) / 100;
        typeface_set_size(l->face, em, l->height, &l->baseline);
    } else {
        l->width = FONT_WIDTH * l->scale;
        l->height = FONT_HEIGHT * l->scale;
    }
}

u32 letters_width(const struct letters *l)
{
    return l->width;
}

u32 letters_height(const struct letters *l)
{
    return l->height;
}

/* ---- letters */

/* Of the firmware's font. */
static void draw_plain(const struct letters *l, u32 rune, u32 width, u8 *coverage)
{
    unsigned ch = 0;
    while (ch < 256 && text_unicode((u8)ch) != rune) {
        ch++;
    }
    for (u32 y = 0; y < l->height && y < FONT_HEIGHT * l->scale; y++) {
        u8 row = l->font->rows[ch < 256 ? ch : '?'][y / l->scale];
        for (u32 x = 0; x < FONT_WIDTH * l->scale && x < width; x++) {
            coverage[y * width + x] = row >> (7 - x / l->scale) & 1 ? 255 : 0;
        }
    }
}

static const u8 *coverage_of(struct letters *l, u32 rune, bool bold)
{
    u32 key = rune | (bold ? BOLD : 0), width = l->width * (rune_cells(rune) == 2 ? 2 : 1);
    struct kept *k = &l->kept[(rune * 2 + bold) % KEPT];
    if (k->key != key) {
        free(k->coverage);
        k->coverage = mem_zeroed((size_t)width * l->height, 1);
        k->key = key;
        if (!l->face || !typeface_draw(l->face, rune, bold, l->baseline, width, l->height, k->coverage)) {
            draw_plain(l, rune, width, k->coverage);
        }
    }
    return k->coverage;
}

static u32 mix(u32 back, u32 fore, u32 weight)
{
    u32 r = ((back >> 16 & 0xff) * (255 - weight) + (fore >> 16 & 0xff) * weight) / 255;
    u32 g = ((back >> 8 & 0xff) * (255 - weight) + (fore >> 8 & 0xff) * weight) / 255;
    u32 b = ((back & 0xff) * (255 - weight) + (fore & 0xff) * weight) / 255;
    return r << 16 | g << 8 | b;
}

static void draw_letter(struct letters *l, struct surface *to, u32 left, u32 top, u32 width, u32 rune, bool bold, u32 color)
{
    const u8 *coverage = coverage_of(l, rune, bold);
    for (u32 y = 0; y < l->height; y++) {
        u32 *row = to->pixels + (size_t)(top + y) * to->stride + left;
        for (u32 x = 0; x < width; x++) {
            u8 weight = coverage[y * width + x];
            if (weight) {
                row[x] = mix(row[x], color, weight);
            }
        }
    }
}

/* ---- lines and patterns */

enum { ARM_LEFT = 1, ARM_RIGHT = 2, ARM_UP = 4, ARM_DOWN = 8, HEAVY = 16 };

/* Unicode's box drawing, without double lines and dashes. 0: it is none. */
static unsigned arms_of(u32 rune)
{
    static const struct {
        u16 rune;
        u8 arms;
    } table[] = {
        {0x2500, ARM_LEFT | ARM_RIGHT},          {0x2501, ARM_LEFT | ARM_RIGHT | HEAVY},
        {0x2502, ARM_UP | ARM_DOWN},             {0x2503, ARM_UP | ARM_DOWN | HEAVY},
        {0x250c, ARM_RIGHT | ARM_DOWN},          {0x2510, ARM_LEFT | ARM_DOWN},
        {0x2514, ARM_RIGHT | ARM_UP},            {0x2518, ARM_LEFT | ARM_UP},
        {0x251c, ARM_RIGHT | ARM_UP | ARM_DOWN}, {0x2524, ARM_LEFT | ARM_UP | ARM_DOWN},
        {0x252c, ARM_LEFT | ARM_RIGHT | ARM_DOWN}, {0x2534, ARM_LEFT | ARM_RIGHT | ARM_UP},
        {0x253c, ARM_LEFT | ARM_RIGHT | ARM_UP | ARM_DOWN},
        {0x256d, ARM_RIGHT | ARM_DOWN},          {0x256e, ARM_LEFT | ARM_DOWN},
        {0x256f, ARM_LEFT | ARM_UP},             {0x2570, ARM_RIGHT | ARM_UP}};
    for (unsigned n = 0; n < ARRAY_LEN(table); n++) {
        if (table[n].rune == rune) {
            return table[n].arms;
        }
    }
    return 0;
}

static void draw_arms(const struct letters *l, struct surface *to, u32 x, u32 y, unsigned arms, u32 color)
{
    u32 thick = l->scale * (arms & HEAVY ? 2 : 1), middle_x = (l->width - thick) / 2, middle_y = (l->height - thick) / 2;
    u32 left = arms & ARM_LEFT ? 0 : middle_x, right = arms & ARM_RIGHT ? l->width : middle_x + thick;
    u32 top = arms & ARM_UP ? 0 : middle_y, bottom = arms & ARM_DOWN ? l->height : middle_y + thick;
    if (arms & (ARM_LEFT | ARM_RIGHT)) {
        canvas_fill(to, (struct rect){x + left, y + middle_y, right - left, thick}, color);
    }
    if (arms & (ARM_UP | ARM_DOWN)) {
        canvas_fill(to, (struct rect){x + middle_x, y + top, thick, bottom - top}, color);
    }
}

/* Dots are counted from the surface's corner, so that cells join. */
static void draw_pattern(const struct letters *l, struct surface *to, u32 left, u32 top, const struct theme_pattern *p)
{
    for (u32 y = top + l->scale; y < top + l->height - l->scale; y++) {
        u32 *row = to->pixels + (size_t)y * to->stride;
        for (u32 x = left; x < left + l->width; x++) {
            if (p->rows[y / l->scale % THEME_PATTERN] >> (7 - x / l->scale % THEME_PATTERN) & 1) {
                row[x] = p->color;
            }
        }
    }
}

/* ---- pages */

static void draw_cell(struct letters *l, struct surface *to, u32 x, u32 y, u32 width, const struct cell *c)
{
    const struct theme_style *style = theme_style(c->style);
    const struct theme_pattern *pattern = theme_pattern(c->rune);
    unsigned arms = arms_of(c->rune);
    if (c->style & STYLE_SELECTED) {
        canvas_fill(to, (struct rect){x, y, width, l->height}, THEME_SELECTED);
    }
    if (pattern) {
        draw_pattern(l, to, x, y, pattern);
    } else if (arms) {
        draw_arms(l, to, x, y, arms, style->color);
    } else if (c->rune != ' ') {
        draw_letter(l, to, x, y, width, c->rune, style->bold, style->color);
    }
}

void letters_draw(struct letters *l, struct surface *to, struct rect area, const struct view *page)
{
    struct rect all = {0, 0, to->width, to->height};
    area.x = area.x < all.width ? area.x : all.width;
    area.y = area.y < all.height ? area.y : all.height;
    area.width = area.width < all.width - area.x ? area.width : all.width - area.x;
    area.height = area.height < all.height - area.y ? area.height : all.height - area.y;
    canvas_fill(to, area, THEME_PAPER);
    for (unsigned y = 0; y < page->rows && (y + 1) * l->height <= area.height; y++) {
        const struct cell *row = &page->cells[(size_t)y * page->columns];
        for (unsigned x = 0; x < page->columns && (x + 1) * l->width <= area.width; x++) {
            u32 width = l->width * (rune_cells(row[x].rune) == 2 ? 2 : 1);
            if (row[x].rune && x * l->width + width <= area.width) {
                draw_cell(l, to, area.x + x * l->width, area.y + y * l->height, width, &row[x]);
            }
        }
    }
}
