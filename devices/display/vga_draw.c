/*
 * vga_draw.c: from video memory to the picture, as CRTC, graphics and attribute controller would
 * scan it out; and the characters of text modes.
 *
 * Document: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".
 *
 * An update gathers everything that the registers say into a struct vga_view. If that differs from
 * the view that was drawn, all is drawn; else only lines that show written pages, and in text modes
 * only cells whose character, attribute, cursor or blinking changed.
 */
#include <string.h>

#include "cpu/base/mem.h"
#include "devices/display/vga_state.h"

enum {
    LINE_DOTS = 8192,    /* more than 257 characters of 18 dots, or a VBE line */
    FRAME_NS = 14285714, /* 70 Hz; blinking is counted in frames */
};

/* ---- what the registers say ---- */

static u32 dac_color(const struct vga *vga, unsigned index)
{
    const u8 *rgb = &vga->dac[(index & vga->dac_mask) * 3];
    u32 color = 0;
    for (unsigned i = 0; i < 3; i++) {
        u8 v = rgb[i];
        if (!(vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC)) {
            v = (u8)((v & 0x3f) << 2 | (v & 0x3f) >> 4);
        }
        color = color << 8 | v;
    }
    return color;
}

static void fill_palette(const struct vga *vga, struct vga_view *v)
{
    const u8 *ar = vga->ar;
    for (unsigned i = 0; i < 256; i++) {
        v->palette[i] = dac_color(vga, i);
    }
    for (unsigned i = 0; i < 16; i++) {
        u8 a = ar[i & ar[0x12] & 0xf]; /* Color Plane Enable, then the palette registers */
        unsigned index = ar[0x10] & AR10_P54_SELECT ? (a & 0x0f) | (ar[0x14] & 0x0f) << 4
                                                    : (a & 0x3f) | (ar[0x14] & 0x0c) << 4;
        v->color[i] = v->palette[index];
    }
}

static void fill_packed(const struct vga *vga, struct vga_view *v)
{
    v->kind = VGA_LINEAR;
    v->width = vga->vbe[VBE_XRES];
    v->height = vga->vbe[VBE_YRES];
    v->bpp = vga->vbe[VBE_BPP];
    v->pitch = vga_vbe_pitch(vga);
    v->base = vga->vbe[VBE_Y_OFFSET] * v->pitch + vga->vbe[VBE_X_OFFSET] * vga_vbe_bits(vga) / 8;
}

static void fill_vbe_planes(const struct vga *vga, struct vga_view *v)
{
    v->kind = VGA_PLANAR;
    v->linear_planes = true;
    v->width = vga->vbe[VBE_XRES];
    v->height = vga->vbe[VBE_YRES];
    v->chars = v->width / 8;
    v->dots = 8;
    v->repeat = v->lines_per_row = 1;
    v->row_offset = vga->vbe[VBE_VIRT_WIDTH] / 8u;
    v->start = vga->vbe[VBE_Y_OFFSET] * v->row_offset + vga->vbe[VBE_X_OFFSET] / 8u;
    v->pan = v->split_pan = vga->vbe[VBE_X_OFFSET] & 7;
    v->line_compare = UINT32_MAX;
}

/* Horizontal PEL Panning: in 9-dot modes 8 means none and 0 means one dot. */
static u32 pel_pan(const struct vga *vga, const struct vga_view *v)
{
    u32 pan = vga->ar[0x13] & 0xf;
    if (v->dots == 9) {
        return pan >= 8 ? 0 : pan + 1;
    }
    return v->byte_colors ? pan & 6 : pan & 7;
}

static void fill_crtc(const struct vga *vga, struct vga_view *v)
{
    const u8 *cr = vga->cr;
    v->chars = cr[1] + 1u;
    v->repeat = vga->sr[1] & SR1_HALF_CLOCK ? 2 : 1;
    v->height = (cr[0x12] | (cr[7] & 0x02u) << 7 | (cr[7] & 0x40u) << 3) + 1;
    v->line_compare = cr[0x18] | (cr[7] & 0x10u) << 4 | (cr[9] & 0x40u) << 3;
    if (cr[0x17] & CR17_HALF_VERTICAL) {
        v->height *= 2;
        v->line_compare = v->line_compare * 2 + 1;
    }
    v->row_offset = cr[0x13] * 2u;
    v->max_row = cr[9] & 0x1f;
    v->lines_per_row = cr[9] & CR9_DOUBLE_SCAN ? 2 : 1;
    v->preset_row = cr[8] & 0x1f;
    v->byte_pan = cr[8] >> 5 & 3;
    v->count_shift = cr[0x14] & CR14_COUNT_BY_4 ? 2 : cr[0x17] & CR17_COUNT_BY_2 ? 1 : 0;
    v->dword = !!(cr[0x14] & CR14_DWORD);
    v->word = !(cr[0x17] & CR17_BYTE);
    v->wrap_bit = cr[0x17] & CR17_WRAP_64K ? 15 : 13;
    v->cr17 = cr[0x17] & (CR17_MA13 | CR17_MA14);
    v->chained = vga->chained;
}

static u32 crtc_start(const struct vga *vga)
{
    return (u32)vga->cr[0xc] << 8 | vga->cr[0xd];
}

static void fill_text(const struct vga *vga, struct vga_view *v)
{
    v->kind = VGA_TEXT;
    v->dots = vga->sr[1] & SR1_8_DOTS ? 8 : 9;
    v->blink = !!(vga->ar[0x10] & AR10_BLINK);
    v->line_graphics = !!(vga->ar[0x10] & AR10_LINE_GRAPHICS);
    v->mono = !!(vga->ar[0x10] & AR10_MONO);
    v->underline_row = vga->cr[0x14] & 0x1f;
    v->font_select = vga->sr[3];
}

static void fill_graphics(const struct vga *vga, struct vga_view *v)
{
    v->kind = VGA_PLANAR;
    v->dots = 8;
    v->start = crtc_start(vga);
    v->interleaved = !!(vga->gr[5] & GR5_INTERLEAVED);
    v->colors_256 = !!(vga->gr[5] & GR5_256_COLORS);
    v->byte_colors = v->colors_256 && vga->ar[0x10] & AR10_8_BIT_COLOR;
}

static void fill_legacy(const struct vga *vga, struct vga_view *v)
{
    fill_crtc(vga, v);
    if (vga->gr[6] & GR6_GRAPHICS) {
        fill_graphics(vga, v);
    } else {
        fill_text(vga, v);
    }
    v->width = v->chars * v->dots * v->repeat;
    v->pan = pel_pan(vga, v);
    v->split_pan = vga->ar[0x10] & AR10_SPLIT_NO_PAN ? 0 : v->pan;
}

static bool blanked(const struct vga *vga)
{
    if (!(vga->ar_index & AR_SCREEN_ON)) {
        return true;
    }
    return !vga_vbe_on(vga) && (vga->sr[1] & SR1_SCREEN_OFF || !(vga->cr[0x17] & CR17_SYNC_ON));
}

/* Every byte is written, padding too, so that views compare by memcmp(). */
static void build_view(const struct vga *vga, struct vga_view *v)
{
    memset(v, 0, sizeof *v);
    if (blanked(vga)) {
        v->kind = VGA_BLANK; /* of the size that was there */
        v->width = vga->surface.width ? vga->surface.width : 720;
        v->height = vga->surface.height ? vga->surface.height : 400;
        return;
    }
    fill_palette(vga, v);
    if (vga_vbe_packed(vga)) {
        fill_packed(vga, v);
    } else if (vga_vbe_on(vga)) {
        fill_vbe_planes(vga, v);
    } else {
        fill_legacy(vga, v);
    }
}

/* ---- scanning ---- */

/* Which row of memory a line shows. */
struct scan {
    u32 row;   /* address counter at its left end */
    u32 scan;  /* row scan counter */
    u32 lines; /* of this row scan that were shown */
    u32 pan;
    u32 group; /* counts rows from the top of the screen */
};

static struct scan scan_start(const struct vga_view *v, u32 start)
{
    return (struct scan){.row = start + v->byte_pan, .scan = v->preset_row, .pan = v->pan};
}

static void scan_next(const struct vga_view *v, struct scan *s, u32 y)
{
    if (y == v->line_compare) {
        *s = (struct scan){.pan = v->split_pan, .group = s->group + 1};
        return;
    }
    if (++s->lines < v->lines_per_row) {
        return;
    }
    s->lines = 0;
    if (s->scan == v->max_row) {
        s->scan = 0;
        s->row += v->row_offset;
        s->group++;
    } else {
        s->scan = (s->scan + 1) & 0x1f;
    }
}

/* "CRT Controller", CRTC Mode Control: from the address counter to a byte of video memory. */
static u32 memory_address(const struct vga_view *v, u32 counter, u32 scan)
{
    u32 o = counter;
    if (v->linear_planes) {
        return vga_plane_address(false, true, counter);
    }
    if (v->dword) {
        o = counter << 2 | (counter >> 14 & 3);
    } else if (v->word) {
        o = counter << 1 | (counter >> v->wrap_bit & 1);
    }
    if (!(v->cr17 & CR17_MA13)) { /* odd lines in the upper 8 KiB: CGA */
        o = (o & ~0x2000u) | (scan & 1) << 13;
    }
    if (!(v->cr17 & CR17_MA14)) {
        o = (o & ~0x4000u) | (scan >> 1 & 1) << 14;
    }
    return vga_plane_address(v->chained, false, o);
}

/* ---- damage ---- */

static void damage_line(struct vga *vga, u32 y, u32 left, u32 right)
{
    if (left < vga->damage[y].left) {
        vga->damage[y].left = (u16)left;
    }
    if (right > vga->damage[y].right) {
        vga->damage[y].right = (u16)right;
    }
    vga->damaged = true;
}

static void clear_damage(struct vga *vga, u32 y)
{
    vga->damage[y].left = UINT16_MAX;
    vga->damage[y].right = 0;
}

static void resize(struct vga *vga, u32 width, u32 height)
{
    surface_resize(&vga->surface, width, height);
    vga->damage = mem_resize(vga->damage, height * sizeof *vga->damage);
    for (u32 y = 0; y < height; y++) {
        clear_damage(vga, y);
    }
}

static u32 *surface_line(struct vga *vga, u32 y)
{
    return vga->surface.pixels + (size_t)y * vga->surface.stride;
}

static struct rect take_rect(struct vga *vga, u32 *y)
{
    struct rect r = {.y = *y};
    u32 left = UINT16_MAX, right = 0;
    for (; *y < vga->surface.height && vga->damage[*y].right; ++*y) {
        left = vga->damage[*y].left < left ? vga->damage[*y].left : left;
        right = vga->damage[*y].right > right ? vga->damage[*y].right : right;
        clear_damage(vga, *y);
    }
    r.x = left;
    r.width = right - left;
    r.height = *y - r.y;
    return r;
}

static struct rect join(struct rect a, struct rect b)
{
    u32 right = a.x + a.width > b.x + b.width ? a.x + a.width : b.x + b.width;
    a.x = a.x < b.x ? a.x : b.x;
    a.width = right - a.x;
    a.height = b.y + b.height - a.y;
    return a;
}

unsigned vga_take_damage(struct vga *vga, struct rect *rects, unsigned max)
{
    unsigned count = 0;
    if (!vga->damaged || !max) {
        return 0;
    }
    for (u32 y = 0; y < vga->surface.height;) {
        if (!vga->damage[y].right) {
            y++;
            continue;
        }
        struct rect r = take_rect(vga, &y);
        if (count < max) {
            rects[count++] = r;
        } else {
            rects[max - 1] = join(rects[max - 1], r);
        }
    }
    vga->damaged = false;
    return count;
}

/* ---- written pages ---- */

static bool page_dirty(const struct vga *vga, u32 page)
{
    return vga->dirty[page / 64] >> (page % 64) & 1;
}

static bool range_dirty(const struct vga *vga, u32 first, u32 last)
{
    for (u32 page = first >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++) {
        if (page_dirty(vga, page)) {
            return true;
        }
    }
    return false;
}

/* The part of video memory that the picture can come from. */
static void shown_range(const struct vga_view *v, u32 *first, u32 *last)
{
    u64 end = VGA_LEGACY_SIZE;
    *first = 0;
    if (v->kind == VGA_LINEAR) {
        *first = v->base;
        end = v->base + (u64)v->pitch * v->height;
    } else if (v->linear_planes) {
        *first = v->start * 4;
        end = *first + (u64)v->row_offset * 4 * (v->height + 1);
    }
    *last = (u32)(end < VGA_VRAM_SIZE ? end : VGA_VRAM_SIZE) - 1;
}

static bool collect_dirty(struct vga *vga, const struct vga_view *v)
{
    u32 first, last;
    bool any = false;
    memset(vga->dirty, 0, sizeof vga->dirty);
    if (v->kind == VGA_BLANK) {
        return false;
    }
    shown_range(v, &first, &last);
    for (u32 page = first >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++) {
        if (region_take_dirty(&vga->vram, (u64)page << PAGE_SHIFT)) {
            vga->dirty[page / 64] |= BIT(page % 64);
            any = true;
        }
    }
    if (any) {
        space_protect(vga->memory);
    }
    return any;
}

/* ---- text ---- */

/* What a cell looks like, besides its colours and font. */
enum {
    CELL_CURSOR = 1 << 16,
    CELL_HIDDEN = 1 << 17, /* blinking, and dark now */
    CELL_FIRST_SHIFT = 18, /* lines of the cursor */
    CELL_LAST_SHIFT = 23,
};
#define CELL_VALID 0x80000000u

static struct vga_text_inputs text_inputs(const struct vga *vga, const struct vga_view *v)
{
    const u8 *cr = vga->cr;
    struct vga_text_inputs in;
    i64 frame = clock_now(vga->clock) / FRAME_NS;
    memset(&in, 0, sizeof in);
    in.start = crtc_start(vga);
    in.cursor = (u32)cr[0xe] << 8 | cr[0xf];
    in.cursor_first = cr[0xa] & 0x1f;
    in.cursor_last = cr[0xb] & 0x1f;
    in.cursor_shown = !(cr[0xa] & CRA_CURSOR_OFF) && in.cursor_first <= in.cursor_last;
    in.cursor_phase = in.cursor_shown && !(frame & 8); /* "blinks at the rate of vsync / 16" */
    in.blink_phase = v->blink && frame & 16;           /* characters at half that rate */
    return in;
}

/* Character Map Select: three bits name 8 KiB of plane 2, the quarters before what is between. */
static u32 font_base(unsigned map)
{
    return (map & 3) << 14 | (map >> 2 & 1) << 13;
}

/* True when a font is not what it was. */
static bool refresh_fonts(struct vga *vga, const struct vga_view *v)
{
    u8 s = v->font_select;
    unsigned maps[2] = {(s & 3) | (s >> 2 & 4), (s >> 2 & 3) | (s >> 3 & 4)}; /* B, A */
    bool changed = false;
    for (unsigned f = 0; f < 2; f++) {
        u32 base = font_base(maps[f]);
        for (u32 i = 0; i < VGA_FONT_BYTES; i++) {
            u8 bits = vga->vram.host[vga_plane_address(v->chained, false, base + i) + 2];
            changed |= vga->font[f][i] != bits;
            vga->font[f][i] = bits;
        }
    }
    return changed;
}

static u32 cell_key(const struct vga *vga, const struct vga_view *v,
                    const struct vga_text_inputs *in, u32 counter)
{
    counter &= 0xffff;
    u32 key = CELL_VALID | load16(vga->vram.host + memory_address(v, counter, 0));
    if (in->cursor_phase && counter == in->cursor) {
        key |= CELL_CURSOR | (u32)in->cursor_first << CELL_FIRST_SHIFT |
               (u32)in->cursor_last << CELL_LAST_SHIFT;
    }
    return in->blink_phase && key & 0x8000 ? key | CELL_HIDDEN : key;
}

static bool on_cursor(u32 key, u32 scan)
{
    return key & CELL_CURSOR && scan >= (key >> CELL_FIRST_SHIFT & 0x1f) &&
           scan <= (key >> CELL_LAST_SHIFT & 0x1f);
}

/* One line of one cell: its dots as nine bits, the leftmost the highest. */
static u32 cell_bits(const struct vga *vga, const struct vga_view *v, u32 key, u32 scan)
{
    u8 ch = (u8)key, attr = (u8)(key >> 8);
    if (on_cursor(key, scan)) {
        return 0x1ff;
    }
    if (key & CELL_HIDDEN) {
        return 0;
    }
    if (v->mono && scan == v->underline_row && (attr & 7) == 1) {
        return 0x1ff;
    }
    u32 bits = (u32)vga->font[attr >> 3 & 1][ch * 32 + scan] << 1;
    bool continued = v->line_graphics && (ch & 0xe0) == 0xc0; /* C0h to DFh */
    return continued ? bits | (bits >> 1 & 1) : bits;
}

static void draw_cell(const struct vga *vga, const struct vga_view *v, u32 *out, u32 key, u32 scan)
{
    u8 attr = (u8)(key >> 8);
    u32 ink[2] = {v->color[attr >> 4 & (v->blink ? 7 : 15)], v->color[attr & 15]};
    u32 bits = cell_bits(vga, v, key, scan);
    for (u32 dot = 0; dot < v->dots; dot++) {
        u32 color = ink[bits >> (8 - dot) & 1];
        for (u32 i = 0; i < v->repeat; i++) {
            *out++ = color;
        }
    }
}

/* The cells of a row that changed: [first, last]. */
struct span {
    u32 first, last;
};

static struct span update_row(struct vga *vga, const struct vga_view *v,
                              const struct vga_text_inputs *in, const struct scan *s, u32 *cells)
{
    struct span span = {UINT32_MAX, 0};
    for (u32 i = 0; i <= v->chars; i++) {
        u32 key = cell_key(vga, v, in, s->row + (i >> v->count_shift));
        if (key != cells[i]) {
            cells[i] = key;
            span.first = i < span.first ? i : span.first;
            span.last = i;
        }
    }
    return span;
}

static void draw_text_line(struct vga *vga, const struct vga_view *v, const struct scan *s,
                           const u32 *cells, struct span span, u32 y)
{
    u32 cell_dots = v->dots * v->repeat;
    u32 *line = surface_line(vga, y);
    if (s->pan) { /* cells are cut: by way of a whole line */
        for (u32 i = 0; i <= v->chars; i++) {
            draw_cell(vga, v, vga->line + i * cell_dots, cells[i], s->scan);
        }
        memcpy(line, vga->line + s->pan * v->repeat, v->width * sizeof *line);
        damage_line(vga, y, 0, v->width);
        return;
    }
    u32 end = span.last < v->chars ? span.last + 1 : v->chars; /* one more is kept for panning */
    for (u32 i = span.first; i < end; i++) {
        draw_cell(vga, v, line + i * cell_dots, cells[i], s->scan);
    }
    if (span.first < end) {
        damage_line(vga, y, span.first * cell_dots, end * cell_dots);
    }
}

static void draw_text(struct vga *vga, const struct vga_view *v, const struct vga_text_inputs *in,
                      bool all)
{
    size_t count = (size_t)v->height * (v->chars + 1);
    if (all) {
        if (count > vga->cell_count) {
            vga->cells = mem_resize(vga->cells, count * sizeof *vga->cells);
            vga->cell_count = count;
        }
        memset(vga->cells, 0, count * sizeof *vga->cells);
    }
    struct scan s = scan_start(v, in->start);
    struct span span = {0, 0};
    u32 group = UINT32_MAX;
    for (u32 y = 0; y < v->height; y++) {
        u32 *cells = vga->cells + (size_t)s.group * (v->chars + 1);
        if (s.group != group) {
            group = s.group;
            span = update_row(vga, v, in, &s, cells);
        }
        if (span.first <= span.last) {
            draw_text_line(vga, v, &s, cells, span, y);
        }
        scan_next(v, &s, y);
    }
}

static void update_text(struct vga *vga, const struct vga_view *v, bool all, bool any)
{
    struct vga_text_inputs in = text_inputs(vga, v);
    if (!all && !any && !memcmp(&in, &vga->text_inputs, sizeof in)) {
        return;
    }
    if (all || any) {
        all |= refresh_fonts(vga, v);
    }
    vga->text_inputs = in;
    draw_text(vga, v, &in, all);
}

/* ---- graphics ---- */

/* Eight bits to eight bytes of 0 or 1, the highest bit first in memory. */
static u64 spread(u8 bits)
{
    return (bits * 0x8040201008040201ull >> 7) & 0x0101010101010101ull;
}

/* The eight dots of a character clock. */
static void planar_dots(const struct vga_view *v, u32 *out, u32 planes)
{
    u64 dots = spread((u8)planes) | spread((u8)(planes >> 8)) << 1 |
               spread((u8)(planes >> 16)) << 2 | spread((u8)(planes >> 24)) << 3;
    for (unsigned i = 0; i < 8; i++) {
        out[i] = v->color[dots >> (i * 8) & 0xf];
    }
}

/* Shift Register Mode 1: two bits a dot from planes 0 and 2, then from 1 and 3. */
static void interleaved_dots(const struct vga_view *v, u32 *out, u32 planes)
{
    for (unsigned i = 0; i < 8; i++) {
        u32 pair = planes >> (i < 4 ? 0 : 8), shift = 6 - i % 4 * 2;
        out[i] = v->color[(pair >> shift & 3) | (pair >> (16 + shift) & 3) << 2];
    }
}

/* 256-Color Mode: a nibble each dot clock; the attribute controller may join two. */
static void dots_256(const struct vga_view *v, u32 *out, u32 planes)
{
    for (unsigned i = 0; i < 4; i++) {
        u8 byte = (u8)(planes >> (i * 8));
        out[i * 2] = v->byte_colors ? v->palette[byte] : v->color[byte >> 4];
        out[i * 2 + 1] = v->byte_colors ? v->palette[byte] : v->color[byte & 0xf];
    }
}

static void double_dots(u32 *dots)
{
    for (unsigned i = 8; i-- > 0;) {
        dots[i * 2] = dots[i * 2 + 1] = dots[i];
    }
}

static void planar_line(const struct vga *vga, const struct vga_view *v, const struct scan *s,
                        u32 *out, u32 chars)
{
    for (u32 i = 0; i < chars; i++, out += 8 * v->repeat) {
        u32 at = memory_address(v, s->row + (i >> v->count_shift), s->scan);
        u32 planes = load32(vga->vram.host + at);
        if (v->colors_256) {
            dots_256(v, out, planes);
        } else if (v->interleaved) {
            interleaved_dots(v, out, planes);
        } else {
            planar_dots(v, out, planes);
        }
        if (v->repeat == 2) {
            double_dots(out);
        }
    }
}

/* Rows wrap and CGA's interleave folds, so that the ends may lie in the wrong order: then any page
 * counts. */
static bool row_dirty(const struct vga *vga, const struct vga_view *v, const struct scan *s)
{
    u32 first = memory_address(v, s->row, s->scan);
    u32 last = memory_address(v, s->row + (v->chars >> v->count_shift), s->scan);
    return last < first || range_dirty(vga, first, last + 3);
}

static void draw_planar(struct vga *vga, const struct vga_view *v, bool all)
{
    struct scan s = scan_start(v, v->start), above = s;
    bool drawn = false;
    for (u32 y = 0; y < v->height; y++) {
        u32 *line = surface_line(vga, y);
        bool same = y > 0 && s.pan == above.pan &&
                    memory_address(v, s.row, s.scan) == memory_address(v, above.row, above.scan);
        drawn = same ? drawn : all || row_dirty(vga, v, &s);
        if (drawn && same) {
            memcpy(line, surface_line(vga, y - 1), v->width * sizeof *line);
        } else if (drawn && s.pan) {
            planar_line(vga, v, &s, vga->line, v->chars + 1);
            memcpy(line, vga->line + s.pan * v->repeat, v->width * sizeof *line);
        } else if (drawn) {
            planar_line(vga, v, &s, line, v->chars);
        }
        if (drawn) {
            damage_line(vga, y, 0, v->width);
        }
        above = s;
        scan_next(v, &s, y);
    }
}

/* ---- packed VBE modes ---- */

static u32 scale5(u32 value)
{
    return (value & 0x1f) << 3 | (value & 0x1f) >> 2;
}

static u32 scale6(u32 value)
{
    return (value & 0x3f) << 2 | (value & 0x3f) >> 4;
}

static u32 from_555(u16 p)
{
    return scale5(p >> 10) << 16 | scale5(p >> 5) << 8 | scale5(p);
}

static u32 from_565(u16 p)
{
    return scale5(p >> 11) << 16 | scale6(p >> 5) << 8 | scale5(p);
}

static void packed_line(const struct vga_view *v, u32 *out, const u8 *in)
{
    u32 x;
    switch (v->bpp) {
    case 8:
        for (x = 0; x < v->width; x++) {
            out[x] = v->palette[in[x]];
        }
        break;
    case 15:
        for (x = 0; x < v->width; x++) {
            out[x] = from_555(load16(in + x * 2));
        }
        break;
    case 16:
        for (x = 0; x < v->width; x++) {
            out[x] = from_565(load16(in + x * 2));
        }
        break;
    case 24:
        for (x = 0; x < v->width; x++) {
            out[x] = load16(in + x * 3) | (u32)in[x * 3 + 2] << 16;
        }
        break;
    default:
        memcpy(out, in, v->width * sizeof *out);
        break;
    }
}

static void draw_packed(struct vga *vga, const struct vga_view *v, bool all)
{
    u32 bytes = v->width * ((v->bpp + 7) / 8);
    for (u32 y = 0; y < v->height; y++) {
        u64 at = v->base + (u64)y * v->pitch;
        if (at + bytes > VGA_VRAM_SIZE) {
            break; /* vga_vbe_fix() does not let it happen */
        }
        if (all || range_dirty(vga, (u32)at, (u32)at + bytes - 1)) {
            packed_line(v, surface_line(vga, y), vga->vram.host + at);
            damage_line(vga, y, 0, v->width);
        }
    }
}

/* ---- all of it ---- */

static void draw_blank(struct vga *vga, const struct vga_view *v)
{
    for (u32 y = 0; y < v->height; y++) {
        memset(surface_line(vga, y), 0, v->width * sizeof(u32));
        damage_line(vga, y, 0, v->width);
    }
}

bool vga_update(struct vga *vga)
{
    struct vga_view v;
    build_view(vga, &v);
    bool all = memcmp(&v, &vga->view, sizeof v) != 0;
    if (v.width != vga->surface.width || v.height != vga->surface.height) {
        resize(vga, v.width, v.height);
    }
    if (!vga->line) {
        vga->line = mem_zeroed(LINE_DOTS, sizeof *vga->line);
    }
    vga->view = v;
    bool any = collect_dirty(vga, &v);
    if (v.kind == VGA_TEXT) {
        update_text(vga, &v, all, any);
    } else if (v.kind == VGA_BLANK && all) {
        draw_blank(vga, &v);
    } else if (v.kind == VGA_PLANAR && (all || any)) {
        draw_planar(vga, &v, all);
    } else if (v.kind == VGA_LINEAR && (all || any)) {
        draw_packed(vga, &v, all);
    }
    return vga->damaged;
}

const struct surface *vga_surface(const struct vga *vga)
{
    return &vga->surface;
}

void vga_redraw(struct vga *vga)
{
    vga->view.kind = VGA_NOTHING;
}

/* ---- the characters ---- */

static void read_row(const struct vga *vga, const struct vga_view *v, struct vga_text *text,
                     u32 row, const struct vga_text_inputs *in)
{
    struct vga_cell *cells = text->cell + (size_t)text->rows * text->columns;
    for (u32 i = 0; i < v->chars; i++) {
        u32 counter = (row + (i >> v->count_shift)) & 0xffff;
        const u8 *bytes = vga->vram.host + memory_address(v, counter, 0);
        cells[i] = (struct vga_cell){.ch = bytes[0], .attr = bytes[1]};
        if (in->cursor_shown && counter == in->cursor && !text->cursor) {
            text->cursor = true;
            text->cursor_x = i;
            text->cursor_y = text->rows;
        }
    }
    text->rows++;
}

bool vga_text(struct vga *vga, struct vga_text *text)
{
    struct vga_view v = {0};
    text->columns = text->rows = 0;
    text->cursor = false;
    if (vga_vbe_on(vga) || vga->gr[6] & GR6_GRAPHICS) {
        return false;
    }
    fill_legacy(vga, &v);
    struct vga_text_inputs in = text_inputs(vga, &v);
    struct scan s = scan_start(&v, in.start);
    u32 group = UINT32_MAX;
    text->columns = v.chars;
    text->blink = v.blink;
    for (u32 y = 0; y < v.height; y++) {
        if (s.group != group && (text->rows + 1) * text->columns <= VGA_TEXT_CELLS) {
            group = s.group;
            read_row(vga, &v, text, s.row, &in);
        }
        scan_next(&v, &s, y);
    }
    return true;
}
