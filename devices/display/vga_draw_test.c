/*
 * vga_draw_test.c: every kind of picture against what the manual's data flow says about single
 * dots; only what changed is drawn, and it is all that changed.
 */
#include "devices/display/vga_board.h"

/* ---- text ---- */

/* A font of our own: line l of character c has these dots. */
static u8 glyph(u8 ch, u32 line, u8 font)
{
    return (u8)(ch * 37 + line * 11 + font * 101);
}

static void load_font(struct board *b, u8 font, u32 base)
{
    out_index(b, 0x3c4, 2, 4);
    out_index(b, 0x3c4, 4, 6);
    out_index(b, 0x3ce, 5, 0);
    out_index(b, 0x3ce, 6, 4);
    for (u32 i = 0; i < 256 * 32; i++) {
        poke(b, 0xa0000 + base + i, glyph((u8)(i / 32), i % 32, font), 1);
    }
    out_index(b, 0x3c4, 2, 3);
    out_index(b, 0x3c4, 4, 2);
    out_index(b, 0x3ce, 5, 0x10);
    out_index(b, 0x3ce, 6, 0x0e);
}

static void put_char(struct board *b, u32 cell, u8 ch, u8 attr)
{
    poke(b, 0xb8000 + cell * 2, ch | attr << 8, 2);
}

static void text_mode(struct board *b)
{
    set_mode(b, &mode_3);
    load_font(b, 0, 0);
    for (u32 i = 0; i < 2000; i++) {
        put_char(b, i, (u8)(i * 7), (u8)(i & 0x7f));
    }
    out_index(b, 0x3d4, 0xe, 0xff); /* cursor out of the way */
}

static u32 attribute_color(unsigned attr)
{
    return dac(mode_3.ar[attr & 15]);
}

static void text_dots(void **state)
{
    struct board *b = *state;
    text_mode(b);
    assert_size(b, 720, 400);
    for (u32 y = 0; y < 400; y++) {
        for (u32 x = 0; x < 720; x++) {
            u32 cell = y / 16 * 80 + x / 9, dot = x % 9;
            u8 ch = (u8)(cell * 7), attr = cell & 0x7f, bits = glyph(ch, y % 16, 0);
            bool ink = dot < 8 ? bits >> (7 - dot) & 1 : ch >= 0xc0 && ch <= 0xdf && bits & 1;
            assert_int_equal(pixel(b, x, y), attribute_color(ink ? attr : attr >> 4));
        }
    }
    set_attribute(b, 0x10, 0x08); /* no line graphics */
    put_char(b, 0, 0xc1, 0x07);
    vga_update(b->vga);
    for (u32 y = 0; y < 16; y++) {
        assert_int_equal(pixel(b, 8, y), attribute_color(0));
    }
}

static void text_8_dots_and_40_columns(void **state)
{
    struct board *b = *state;
    text_mode(b);
    out_index(b, 0x3c4, 1, 1);
    assert_size(b, 640, 400);
    assert_int_equal(pixel(b, 8 * 5 + 3, 16 + 4),
                     attribute_color(glyph((u8)(85 * 7), 4, 0) >> 4 & 1 ? 85 : 85 >> 4));
    set_mode(b, &mode_1);
    load_font(b, 0, 0);
    put_char(b, 41, 0x41, 0x1e);
    assert_size(b, 720, 400);
    for (u32 x = 0; x < 18; x++) {
        bool ink = x / 2 < 8 && glyph(0x41, 9, 0) >> (7 - x / 2) & 1;
        assert_int_equal(pixel(b, 18 + x, 16 + 9), attribute_color(ink ? 0xe : 1));
    }
}

static void two_fonts(void **state)
{
    struct board *b = *state;
    text_mode(b);
    load_font(b, 1, 0x2000); /* the fifth font, number 4 */
    put_char(b, 0, 0x33, 0x07);
    put_char(b, 1, 0x33, 0x0f);
    out_index(b, 0x3c4, 3, 0x20); /* A (attribute bit 3 set) is font 4, B font 0 */
    vga_update(b->vga);
    for (u32 i = 0; i < 8 * 16; i++) {
        u32 x = i % 8, y = i / 8;
        assert_int_equal(pixel(b, x, y), attribute_color(glyph(0x33, y, 0) >> (7 - x) & 1 ? 7 : 0));
        assert_int_equal(pixel(b, 9 + x, y),
                         attribute_color(glyph(0x33, y, 1) >> (7 - x) & 1 ? 15 : 0));
    }
}

/* On for 8 frames of 14.29 ms, off for 8; characters 16 and 16. */
static void cursor_and_blinking(void **state)
{
    struct board *b = *state;
    struct rect rect;
    text_mode(b);
    put_char(b, 82, 0x00, 0x07);
    put_char(b, 83, 0xff, 0x87);
    out_index(b, 0x3d4, 0xe, 0), out_index(b, 0x3d4, 0xf, 82);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 18, 16 + 12),
                     attribute_color(0x07 & (glyph(0, 12, 0) & 0x80 ? 7 : 0)));
    for (u32 y = 13; y <= 14; y++) {
        for (u32 x = 18; x < 27; x++) {
            assert_int_equal(pixel(b, x, 16 + y), attribute_color(7));
        }
    }
    assert_int_equal(vga_take_damage(b->vga, &rect, 1), 1);
    pass(b, 8 * 14285715);
    assert_true(vga_update(b->vga));
    assert_int_equal(vga_take_damage(b->vga, &rect, 1), 1);
    assert_int_equal(rect.x, 18);
    assert_int_equal(rect.y, 16);
    assert_int_equal(rect.width, 9);
    assert_int_equal(rect.height, 16);
    assert_int_equal(pixel(b, 18, 16 + 13), attribute_color(glyph(0, 13, 0) & 0x80 ? 7 : 0));
    set_attribute(b, 0x10, 0x0c | 0x08);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 27, 16), attribute_color(glyph(0xff, 0, 0) & 0x80 ? 7 : 0));
    pass(b, 8 * 14285715);
    vga_update(b->vga);
    for (u32 x = 27; x < 35; x++) {
        assert_int_equal(pixel(b, x, 16), attribute_color(0));
    }
    set_attribute(b, 0x10, 0x04); /* bright background instead */
    vga_update(b->vga);
    for (u32 x = 27; x < 35; x++) {
        bool ink = glyph(0xff, 0, 0) >> (34 - x) & 1;
        assert_int_equal(pixel(b, x, 16), attribute_color(ink ? 7 : 8));
    }
    out_index(b, 0x3d4, 0xa, 0x2d); /* cursor off */
    assert_picture_complete(b);
}

static void text_scrolling(void **state)
{
    struct board *b = *state;
    text_mode(b);
    out_index(b, 0x3d4, 0xd, 80); /* one row down */
    assert_size(b, 720, 400);
    assert_int_equal(pixel(b, 0, 0), attribute_color(glyph((u8)(80 * 7), 0, 0) & 0x80 ? 80 : 5));
    out_index(b, 0x3d4, 8, 3); /* and three lines */
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 0), attribute_color(glyph((u8)(80 * 7), 3, 0) & 0x80 ? 80 : 5));
    assert_int_equal(pixel(b, 0, 13), attribute_color(glyph((u8)(160 * 7), 0, 0) & 0x80 ? 32 : 2));
    set_attribute(b, 0x13, 2); /* and three dots */
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 0), attribute_color(glyph((u8)(80 * 7), 3, 0) & 0x10 ? 80 : 5));
    assert_int_equal(pixel(b, 6, 0), attribute_color(glyph((u8)(81 * 7), 3, 0) & 0x80 ? 81 : 5));
    assert_picture_complete(b);
    out_index(b, 0x3d4, 0x18, 99); /* split below line 99: from address 0 */
    out_index(b, 0x3d4, 7, 0x0f);
    out_index(b, 0x3d4, 9, 0x0f);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 9 - 3, 116),
                     attribute_color(glyph((u8)(81 * 7), 0, 0) & 0x80 ? 81 : 5));
    set_attribute(b, 0x10, 0x2c); /* the lower part without panning */
    vga_update(b->vga);
    assert_int_equal(pixel(b, 9, 116), attribute_color(glyph((u8)(81 * 7), 0, 0) & 0x80 ? 81 : 5));
    assert_picture_complete(b);
}

static void text_read_out(void **state)
{
    struct board *b = *state;
    struct vga_text *text = malloc(sizeof *text);
    text_mode(b);
    put_char(b, 3 * 80 + 5, 'x', 0x1f);
    out_index(b, 0x3d4, 0xe, 0), out_index(b, 0x3d4, 0xf, 80 + 5);
    out_index(b, 0x3d4, 0xd, 80);
    assert_true(vga_text(b->vga, text));
    assert_int_equal(text->columns, 80);
    assert_int_equal(text->rows, 25);
    assert_int_equal(text->cell[2 * 80 + 5].ch, 'x');
    assert_int_equal(text->cell[2 * 80 + 5].attr, 0x1f);
    assert_true(text->cursor);
    assert_int_equal(text->cursor_x, 5);
    assert_int_equal(text->cursor_y, 0);
    assert_true(text->blink);
    set_mode(b, &mode_12);
    assert_false(vga_text(b->vga, text));
    free(text);
}

/* Nothing changed: no damage. One character: its cell. */
static void damage(void **state)
{
    struct board *b = *state;
    struct rect rects[4];
    text_mode(b);
    out_index(b, 0x3d4, 0xa, 0x20);
    assert_true(vga_update(b->vga));
    assert_int_equal(vga_take_damage(b->vga, rects, 4), 1);
    assert_int_equal(rects[0].width, 720);
    assert_int_equal(rects[0].height, 400);
    assert_false(vga_update(b->vga));
    assert_int_equal(vga_take_damage(b->vga, rects, 4), 0);
    put_char(b, 10 * 80 + 20, '!', 0x4f);
    put_char(b, 20 * 80 + 79, '!', 0x4f);
    put_char(b, 24 * 80, '!', 0x4f);
    assert_true(vga_update(b->vga));
    assert_int_equal(vga_take_damage(b->vga, rects, 2), 2);
    assert_memory_equal(&rects[0], (&(struct rect){180, 160, 9, 16}), sizeof rects[0]);
    assert_memory_equal(&rects[1], (&(struct rect){0, 320, 720, 80}), sizeof rects[0]);
    put_char(b, 10 * 80 + 20, '!', 0x4f); /* the same again */
    assert_false(vga_update(b->vga));
    assert_picture_complete(b);
}

/* ---- graphics ---- */

static void mode_13_dots(void **state)
{
    struct board *b = *state;
    struct rect rect;
    set_mode(b, &mode_13);
    for (u32 i = 0; i < 64000; i++) {
        poke(b, 0xa0000 + i, i * 13 + i / 320, 1);
    }
    assert_size(b, 640, 400);
    for (u32 y = 0; y < 400; y++) {
        for (u32 x = 0; x < 640; x++) {
            u32 i = y / 2 * 320 + x / 2;
            assert_int_equal(pixel(b, x, y), dac((i * 13 + i / 320) & 0xff));
        }
    }
    vga_take_damage(b->vga, &rect, 1);
    poke(b, 0xa0000 + 100 * 320 + 7, 0x55, 1); /* one page is some 13 lines of 320 */
    assert_true(vga_update(b->vga));
    assert_int_equal(vga_take_damage(b->vga, &rect, 1), 1);
    assert_in_range(rect.height, 24, 28);
    assert_true(rect.y <= 200 && rect.y + rect.height >= 202);
    assert_int_equal(pixel(b, 15, 201), dac(0x55));
    out(b, 0x3c6, 0x0f); /* PEL mask */
    vga_update(b->vga);
    assert_int_equal(pixel(b, 14, 200), dac(0x05));
}

/* Mode X: 320x240, unchained, byte addressing. */
static void mode_x(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_13);
    out_index(b, 0x3c4, 4, 6);
    out_index(b, 0x3d4, 0x14, 0), out_index(b, 0x3d4, 0x17, 0xe3);
    out(b, 0x3c2, 0xe3);
    out_index(b, 0x3d4, 6, 0x0d), out_index(b, 0x3d4, 7, 0x3e), out_index(b, 0x3d4, 9, 0x41);
    out_index(b, 0x3d4, 0x10, 0xea), out_index(b, 0x3d4, 0x11, 0x2c),
        out_index(b, 0x3d4, 0x12, 0xdf);
    for (u32 plane = 0; plane < 4; plane++) {
        out_index(b, 0x3c4, 2, (u8)(1 << plane));
        for (u32 o = 0; o < 19200 + 80; o++) {
            poke(b, 0xa0000 + o, (o * 4 + plane) * 5 + o / 80, 1);
        }
    }
    assert_size(b, 640, 480);
    for (u32 y = 0; y < 480; y += 3) {
        for (u32 x = 0; x < 640; x++) {
            u32 i = y / 2 * 320 + x / 2;
            assert_int_equal(pixel(b, x, y), dac((i * 5 + y / 2) & 0xff));
        }
    }
    out_index(b, 0x3d4, 0xd, 80); /* page flip by one line */
    set_attribute(b, 0x13, 2);    /* and one pixel */
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 0), dac((321 * 5 + 1) & 0xff));
    assert_picture_complete(b);
}

static void mode_12_dots(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_12);
    for (u32 plane = 0; plane < 4; plane++) {
        out_index(b, 0x3c4, 2, (u8)(1 << plane));
        for (u32 o = 0; o < 38400; o++) {
            poke(b, 0xa0000 + o, o * (3 + plane * 2) + o / 80, 1);
        }
    }
    assert_size(b, 640, 480);
    for (u32 y = 0; y < 480; y++) {
        for (u32 x = 0; x < 640; x++) {
            u32 o = y * 80 + x / 8, index = 0;
            for (u32 plane = 0; plane < 4; plane++) {
                u8 byte = (u8)(o * (3 + plane * 2) + o / 80);
                index |= (byte >> (7 - x % 8) & 1u) << plane;
            }
            assert_int_equal(pixel(b, x, y), attribute_color(index));
        }
    }
    set_attribute(b, 0x12, 0x7); /* Color Plane Enable */
    assert_picture_complete(b);
    set_attribute(b, 0x14, 0x04); /* Color Select: bits 6 and 7 */
    vga_update(b->vga);
    poke(b, 0xa0000, 0, 1);
    out_index(b, 0x3c4, 2, 0xf);
    poke(b, 0xa0000, 0, 1);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 0), dac(0x40));
}

static void mode_d_panning(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_d);
    for (u32 o = 0; o < 8000; o++) {
        poke(b, 0xa0000 + o, o & 1 ? 0x00 : 0xff, 1);
    }
    assert_size(b, 640, 400);
    for (u32 x = 0; x < 640; x++) {
        assert_int_equal(pixel(b, x, 7), attribute_color(x / 16 & 1 ? 0 : 15));
    }
    set_attribute(b, 0x13, 3);
    vga_update(b->vga);
    for (u32 x = 0; x < 600; x++) {
        assert_int_equal(pixel(b, x, 7), attribute_color((x / 2 + 3) / 8 & 1 ? 0 : 15));
    }
    out_index(b, 0x3d4, 8, 0x20); /* byte panning */
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 0), attribute_color(0));
    assert_picture_complete(b);
}

static void cga_modes(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_4);
    for (u32 i = 0; i < 0x4000; i++) {
        poke(b, 0xb8000 + i, i * 29 + i / 77, 1);
    }
    assert_size(b, 640, 400);
    for (u32 y = 0; y < 400; y++) {
        for (u32 x = 0; x < 640; x++) {
            u32 cx = x / 2, cy = y / 2;
            u32 i = (cy & 1) * 0x2000 + cy / 2 * 80 + cx / 4;
            u8 byte = (u8)(i * 29 + i / 77);
            assert_int_equal(pixel(b, x, y), dac(mode_4.ar[byte >> (6 - cx % 4 * 2) & 3]));
        }
    }
    set_mode(b, &mode_6);
    for (u32 i = 0; i < 0x4000; i++) {
        poke(b, 0xb8000 + i, i * 29 + i / 77, 1);
    }
    assert_size(b, 640, 400);
    for (u32 y = 0; y < 400; y++) {
        for (u32 x = 0; x < 640; x++) {
            u32 cy = y / 2, i = (cy & 1) * 0x2000 + cy / 2 * 80 + x / 8;
            u8 byte = (u8)(i * 29 + i / 77);
            assert_int_equal(pixel(b, x, y), dac(byte >> (7 - x % 8) & 1 ? 0x17 : 0));
        }
    }
}

static void blanking(void **state)
{
    struct board *b = *state;
    text_mode(b);
    vga_update(b->vga);
    in(b, 0x3da);
    out(b, 0x3c0, 0);
    assert_size(b, 720, 400);
    for (u32 x = 0; x < 720; x++) {
        assert_int_equal(pixel(b, x, 100), 0);
    }
    out(b, 0x3c0, 0x20);
    out(b, 0x3c0, 0x20);
    in(b, 0x3da);
    out(b, 0x3c0, 0x20);
    assert_picture_complete(b);
    assert_int_equal(pixel(b, 0, 0) | pixel(b, 9, 20) | pixel(b, 300, 300) ? 1 : 0, 1);
    out_index(b, 0x3c4, 1, 0x20);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 300, 300), 0);
}

/* ---- VBE ---- */

static void vbe_mode(struct board *b, u16 width, u16 height, u16 bpp)
{
    vbe(b, VBE_ENABLE, 0);
    vbe(b, VBE_XRES, width), vbe(b, VBE_YRES, height), vbe(b, VBE_BPP, bpp);
    vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
}

static void vbe_formats(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_13);
    vbe_mode(b, 800, 600, 8);
    poke(b, LFB + 800 + 5, 0xa7, 1);
    assert_size(b, 800, 600);
    assert_int_equal(pixel(b, 5, 1), dac(0xa7));
    vbe_mode(b, 800, 600, 15);
    poke(b, LFB + 1600 + 10, 0x7c1f, 2);
    assert_size(b, 800, 600);
    assert_int_equal(pixel(b, 5, 1), 0xff00ff);
    vbe_mode(b, 800, 600, 16);
    poke(b, LFB + 1600 + 10, 0x87ef, 2);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 5, 1), 0x84ff7b);
    vbe_mode(b, 640, 480, 24);
    poke(b, LFB + 1920 + 15, 0x123456, 4);
    assert_size(b, 640, 480);
    assert_int_equal(pixel(b, 5, 1), 0x123456);
    vbe_mode(b, 1024, 768, 32);
    poke(b, LFB + 4096 + 20, 0x99abcdef, 4);
    assert_size(b, 1024, 768);
    assert_int_equal(pixel(b, 5, 1), 0xabcdef);
    vbe(b, VBE_X_OFFSET, 0), vbe(b, VBE_VIRT_WIDTH, 2048), vbe(b, VBE_X_OFFSET, 8);
    vbe(b, VBE_Y_OFFSET, 100);
    poke(b, LFB + (100 * 2048 + 8) * 4, 0x13579b, 4);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 0), 0x13579b);
    vbe_mode(b, 800, 600, 8); /* a palette of 8 bits */
    vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_LFB | VBE_8BIT_DAC);
    out(b, 0x3c8, 3), out(b, 0x3c9, 0x81), out(b, 0x3c9, 0x92), out(b, 0x3c9, 0xa3);
    poke(b, LFB, 3, 1);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 0), 0x8192a3);
    assert_picture_complete(b);
}

static void vbe_planes(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_12);
    vbe_mode(b, 800, 600, 4);
    out_index(b, 0x3c4, 2, 0x5);
    poke(b, 0xa0000 + 100 * 3 + 2, 0x08, 1);
    assert_size(b, 800, 600);
    assert_int_equal(pixel(b, 20, 3), attribute_color(5));
    assert_int_equal(pixel(b, 21, 3), attribute_color(0));
    vbe(b, VBE_VIRT_WIDTH, 1024);
    vbe(b, VBE_X_OFFSET, 3);
    vbe(b, VBE_Y_OFFSET, 599);
    vbe(b, VBE_BANK, 1);
    out_index(b, 0x3c4, 2, 0xf);
    poke(b, 0xa0000 + 599 * 128 + 128 - 65536, 0x10, 1);
    vga_update(b->vga);
    assert_int_equal(pixel(b, 0, 1), attribute_color(15));
    assert_picture_complete(b);
}

static void vbe_damage(void **state)
{
    struct board *b = *state;
    struct rect rect;
    set_mode(b, &mode_13);
    vbe_mode(b, 1024, 768, 32);
    vga_update(b->vga);
    vga_take_damage(b->vga, &rect, 1);
    assert_false(vga_update(b->vga));
    poke(b, LFB + 700 * 4096 + 4, 1, 4);
    assert_true(vga_update(b->vga));
    assert_int_equal(vga_take_damage(b->vga, &rect, 1), 1);
    assert_memory_equal(&rect, (&(struct rect){0, 700, 1024, 1}), sizeof rect);
    poke(b, LFB + 768 * 4096, 1, 4); /* below the picture */
    assert_false(vga_update(b->vga));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_dots),      TEST(text_8_dots_and_40_columns),
        TEST(two_fonts),      TEST(cursor_and_blinking),
        TEST(text_scrolling), TEST(text_read_out),
        TEST(damage),         TEST(mode_13_dots),
        TEST(mode_x),         TEST(mode_12_dots),
        TEST(mode_d_panning), TEST(cga_modes),
        TEST(blanking),       TEST(vbe_formats),
        TEST(vbe_planes),     TEST(vbe_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
