/*
 * vga_test.c: registers, the processor's view of video memory, VBE, PCI, saved state, random
 * accesses. Pictures are in vga_draw_test.c.
 */
#include "devices/display/vga_board.h"

/* ---- registers ---- */

static void registers(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_3);
    assert_int_equal(in(b, 0x3cc), 0x67);
    assert_int_equal(in(b, 0x3b4), 0xff); /* colour: nobody at 3Bxh */
    out(b, 0x3c4, 2);
    assert_int_equal(in(b, 0x3c5), 3);
    out(b, 0x3ce, 6);
    assert_int_equal(in(b, 0x3cf), 0x0e);
    out(b, 0x3d4, 0x13);
    assert_int_equal(in(b, 0x3d5), 0x28);
    out_index(b, 0x3d4, 0x11, 0x8e); /* registers 0 to 7 are protected, but for one bit */
    out_index(b, 0x3d4, 1, 0x11);
    out_index(b, 0x3d4, 7, 0x00);
    out(b, 0x3d4, 1);
    assert_int_equal(in(b, 0x3d5), 0x4f);
    out(b, 0x3d4, 7);
    assert_int_equal(in(b, 0x3d5), 0x0f);
    in(b, 0x3da);
    out(b, 0x3c0, 0x33); /* screen on, register 13h */
    assert_int_equal(in(b, 0x3c1), 8);
    out(b, 0x3c0, 3);
    assert_int_equal(in(b, 0x3c1), 3);
    in(b, 0x3da);
    out(b, 0x3c0, 0x21); /* the palette cannot be written while it is used */
    out(b, 0x3c0, 9);
    assert_int_equal(in(b, 0x3c1), 1);
    out(b, 0x3c2, 0x66);
    assert_int_equal(in(b, 0x3d5), 0xff);
    out(b, 0x3b4, 0x13);
    assert_int_equal(in(b, 0x3b5), 0x28);
}

static void dac_access(void **state)
{
    struct board *b = *state;
    out(b, 0x3c8, 255);
    for (unsigned i = 1; i <= 6; i++) {
        out(b, 0x3c9, i | 0x80);
    }
    assert_int_equal(in(b, 0x3c7), 0);
    out(b, 0x3c7, 255);
    assert_int_equal(in(b, 0x3c7), 3);
    for (unsigned i = 1; i <= 6; i++) {
        assert_int_equal(in(b, 0x3c9), i);
    }
    vbe(b, VBE_ENABLE, VBE_8BIT_DAC);
    out(b, 0x3c8, 1);
    out(b, 0x3c9, 0x81), out(b, 0x3c9, 0x82), out(b, 0x3c9, 0x83);
    assert_int_equal(in(b, 0x3c8), 2);
    out(b, 0x3c7, 1);
    assert_int_equal(in(b, 0x3c9), 0x81);
}

/* Mode 3: 449 lines of 31.78 us, 400 shown, retrace at 412 and 413. */
static void retrace(void **state)
{
    struct board *b = *state;
    unsigned counts[16] = {0}, edges = 0;
    set_mode(b, &mode_3);
    u8 last = 0;
    for (unsigned us = 0; us < 142690; us++) { /* ten frames */
        u8 status = in(b, 0x3da);
        counts[status & 15]++;
        edges += (status & 8) && !(last & 8);
        last = status;
        pass(b, 1000);
    }
    assert_int_equal(edges, 10);
    assert_in_range(counts[9], 600, 680);
    assert_in_range(counts[0], 100000, 103000); /* 400 / 449 * 80 / 100 */
    assert_int_equal(counts[8], 0);
    vbe(b, VBE_ENABLE, VBE_ENABLED);
    edges = 0;
    for (unsigned i = 0; i < 1000; i++) {
        edges += in(b, 0x3da) >> 3 & 1;
        pass(b, 1000000);
    }
    assert_true(edges > 0);
}

/* ---- the window ---- */

/* The manual's data flow, bit by bit, for one address. */
struct model {
    u8 plane[4], latch[4];
};

static void model_write(struct model *m, const u8 *gr, u8 map_mask, u8 value)
{
    unsigned mode = gr[5] & 3, turn = gr[3] & 7;
    u8 rotated = (u8)(value >> turn | value << (8 - turn));
    for (unsigned p = 0; p < 4; p++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bool latch = m->latch[p] >> bit & 1, set = gr[0] >> p & 1;
            bool mask = gr[8] >> bit & 1, data = rotated >> bit & 1;
            if (mode == 0) {
                data = gr[1] >> p & 1 ? set : data;
            } else if (mode == 2) {
                data = value >> p & 1;
            } else if (mode == 3) {
                mask &= data;
                data = set;
            }
            switch (gr[3] >> 3 & 3) {
            case 1:
                data &= latch;
                break;
            case 2:
                data |= latch;
                break;
            case 3:
                data ^= latch;
                break;
            }
            bool result = mode == 1 || !mask ? latch : data;
            if (map_mask >> p & 1) {
                m->plane[p] = (u8)((m->plane[p] & ~(1 << bit)) | result << bit);
            }
        }
    }
}

static u8 model_read(struct model *m, const u8 *gr)
{
    u8 value = 0;
    memcpy(m->latch, m->plane, 4);
    if (!(gr[5] & 8)) {
        return m->plane[gr[4] & 3];
    }
    for (unsigned bit = 0; bit < 8; bit++) {
        bool equal = true;
        for (unsigned p = 0; p < 4; p++) {
            equal &= !(gr[7] >> p & 1) || (m->plane[p] >> bit & 1) == (gr[2] >> p & 1);
        }
        value |= equal << bit;
    }
    return value;
}

static void write_and_read_modes(void **state)
{
    struct board *b = *state;
    struct model m[4] = {0};
    u8 latch[4] = {0};
    u8 gr[9];
    memcpy(gr, mode_12.gr, sizeof gr);
    set_mode(b, &mode_12);
    srand(11);
    peek(b, 0xa0000, 1);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned r = (unsigned)rand(), at = r & 3;
        static const u8 index[] = {0, 1, 2, 3, 4, 7, 8, 5};
        if (r >> 4 & 1) {
            u8 which = index[r >> 5 & 7], value = (u8)(r >> 8);
            gr[which] = which == 5 ? value & 0x0b : value;
            out_index(b, 0x3ce, which, gr[which]);
            if (r >> 17 & 1) {
                gr[8] = 0xff;
                out_index(b, 0x3ce, 8, 0xff);
            }
        }
        u8 map_mask = r >> 20 & 0xf;
        out_index(b, 0x3c4, 2, map_mask);
        memcpy(m[at].latch, latch, 4);
        if (r >> 18 & 1) {
            model_write(&m[at], gr, map_mask, (u8)(r >> 8));
            poke(b, 0xa0000 + at * 0x5555, r >> 8 & 0xff, 1);
        } else {
            assert_int_equal(peek(b, 0xa0000 + at * 0x5555, 1), model_read(&m[at], gr));
        }
        memcpy(latch, m[at].latch, 4);
    }
}

static void odd_even(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_3);
    poke(b, 0xb8000, 0x1741, 2);
    assert_int_equal(peek(b, 0xb8000, 2), 0x1741);
    out_index(b, 0x3ce, 6, 0x04); /* as planes, at A0000h */
    out_index(b, 0x3ce, 5, 0x00);
    out_index(b, 0x3ce, 4, 0);
    assert_int_equal(peek(b, 0xa0000, 1), 0x41);
    assert_int_equal(peek(b, 0xa0001, 1), 0);
    out_index(b, 0x3ce, 4, 1);
    assert_int_equal(peek(b, 0xa0000, 1), 0x17);
    assert_int_equal(peek(b, 0xb8000, 1), 0xff); /* nothing decodes it now */
    out(b, 0x3c2, 0x65);
    assert_int_equal(peek(b, 0xa0000, 1), 0xff); /* RAM disabled */
}

/* What chain 4 wrote lies where the hardware puts it: plane A & 3, offset A & ~3. */
static void chain_4_layout(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_13);
    assert_ptr_equal(space_find(b->memory, 0xa1234, true, false).region, &b->vga->vram);
    for (u32 a = 0; a < 64; a++) {
        poke(b, 0xa0000 + a, a + 1, 1);
    }
    poke(b, 0xaffff, 0xee, 1);
    out_index(b, 0x3c4, 4, 6); /* chain 4 off */
    assert_ptr_equal(space_find(b->memory, 0xa1234, true, false).region, &b->vga->window);
    for (u32 a = 0; a < 64; a++) {
        out_index(b, 0x3ce, 4, a & 3);
        assert_int_equal(peek(b, 0xa0000 + (a & ~3u), 1), a + 1);
    }
    assert_int_equal(peek(b, 0xa0001, 1), 0);
    assert_int_equal(peek(b, 0xafffc, 1), 0xee);
    out_index(b, 0x3c4, 2, 1);
    poke(b, 0xa0008, 0x99, 1);
    out_index(b, 0x3c4, 2, 0xf);
    out_index(b, 0x3c4, 4, 0xe);
    assert_int_equal(peek(b, 0xa0008, 4), 0x0c0b0a99);
    out_index(b, 0x3c4, 2, 0x5); /* with a map mask not plain memory any more */
    poke(b, 0xa0008, 0x44332211, 4);
    assert_int_equal(peek(b, 0xa0008, 4), 0x0c330a11);
}

/* ---- VBE ---- */

static void vbe_registers(void **state)
{
    struct board *b = *state;
    assert_int_equal(vbe_in(b, VBE_ID), 0xb0c5);
    vbe(b, VBE_ID, 0xb0c2);
    assert_int_equal(vbe_in(b, VBE_ID), 0xb0c2);
    vbe(b, VBE_ID, 0x1234);
    assert_int_equal(vbe_in(b, VBE_ID), 0xb0c2);
    assert_int_equal(vbe_in(b, VBE_MEMORY_64K), 256);
    vbe(b, VBE_ENABLE, VBE_GET_CAPS);
    assert_int_equal(vbe_in(b, VBE_XRES), VBE_MAX_XRES);
    assert_int_equal(vbe_in(b, VBE_YRES), VBE_MAX_YRES);
    assert_int_equal(vbe_in(b, VBE_BPP), 32);
    vbe(b, VBE_ENABLE, 0);
    vbe(b, VBE_XRES, 1024);
    vbe(b, VBE_YRES, 768);
    vbe(b, VBE_BPP, 32);
    vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
    assert_int_equal(vbe_in(b, VBE_VIRT_WIDTH), 1024);
    assert_int_equal(vbe_in(b, VBE_VIRT_HEIGHT), 4096);
    vbe(b, VBE_Y_OFFSET, 5000);
    assert_int_equal(vbe_in(b, VBE_Y_OFFSET), 4096 - 768);
    vbe(b, VBE_VIRT_WIDTH, 2051);
    assert_int_equal(vbe_in(b, VBE_VIRT_WIDTH), 2048);
    assert_int_equal(vbe_in(b, VBE_VIRT_HEIGHT), 2048);
    assert_int_equal(vbe_in(b, VBE_Y_OFFSET), 2048 - 768);
    vbe(b, VBE_YRES, 9999); /* more than memory holds */
    assert_int_equal(vbe_in(b, VBE_YRES), 2048);
    assert_int_equal(vbe_in(b, 99), 0);
}

static void vbe_banks(void **state)
{
    struct board *b = *state;
    vbe(b, VBE_XRES, 800), vbe(b, VBE_YRES, 600), vbe(b, VBE_BPP, 8);
    poke(b, LFB + 70000, 0x55, 1);
    vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_NO_CLEAR);
    vbe(b, VBE_BANK, 1);
    assert_int_equal(peek(b, 0xa0000 + 70000 - 65536, 1), 0x55);
    poke(b, 0xaffff, 0x77, 1);
    assert_int_equal(peek(b, LFB + 0x1ffff, 1), 0x77);
    vbe(b, VBE_ENABLE, 0);
    vbe(b, VBE_ENABLE, VBE_ENABLED); /* clears what is shown */
    assert_int_equal(peek(b, LFB + 70000, 1), 0);
    assert_int_equal(vbe_in(b, VBE_BANK), 0);
    vbe(b, VBE_BANK, 0xffff);
    poke(b, 0xa0000, 0x12, 1);
    assert_int_equal(peek(b, LFB + 0xff0000, 1), 0x12);
}

/* A frame buffer survives a detour through a VGA mode, in whatever order that keeps its bytes. */
static void vbe_keeps_memory(void **state)
{
    struct board *b = *state;
    set_mode(b, &mode_13);
    vbe(b, VBE_XRES, 640), vbe(b, VBE_YRES, 480), vbe(b, VBE_BPP, 32);
    vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
    for (u32 i = 0; i < VGA_LEGACY_SIZE; i += 4) {
        poke(b, LFB + i, i * 2654435761u, 4);
    }
    vbe(b, VBE_ENABLE, 0);
    vbe(b, VBE_ENABLE, VBE_ENABLED | VBE_LFB | VBE_NO_CLEAR);
    for (u32 i = 0; i < VGA_LEGACY_SIZE; i += 4) {
        assert_int_equal(peek(b, LFB + i, 4), i * 2654435761u);
    }
}

static void mmio(void **state)
{
    struct board *b = *state;
    assert_int_equal(peek(b, MMIO, 4), 0xffffff00);
    assert_int_equal(peek(b, MMIO + 8, 2), 0x644a);
    assert_int_equal(peek(b, MMIO + 0x500, 2), 0xb0c5);
    poke(b, MMIO + 0x502, 1280, 2);
    assert_int_equal(vbe_in(b, VBE_XRES), 1280);
    poke(b, MMIO + 0x402, 0xe3, 1); /* 3C2h */
    assert_int_equal(peek(b, MMIO + 0x40c, 1), 0xe3);
    poke(b, MMIO + 0x404, 0x0302, 2); /* 3C4h: index and data */
    assert_int_equal(peek(b, MMIO + 0x405, 1), 3);
    assert_int_equal(peek(b, MMIO + 0x600, 4), 8);
    assert_int_equal(peek(b, MMIO + 0x604, 4), 0x1e1e1e1e);
    assert_int_equal(peek(b, MMIO + 0x700, 4), 0xffffffff);
    assert_int_equal(pci_config_read(b->bus, PCI_DEVFN(2, 0), 0, 4), 0x11111234);
    assert_int_equal(pci_config_read(b->bus, PCI_DEVFN(2, 0), 8, 4), 0x03000002);
}

/* ---- state ---- */

static void reset_is_fresh(void **state)
{
    struct board *b = *state;
    char path[64] = "";
    set_mode(b, &mode_13);
    poke(b, 0xa0000, 0x1234567, 4);
    poke(b, LFB + VGA_VRAM_SIZE - 4, 1, 4);
    vbe(b, VBE_ENABLE, VBE_ENABLED);
    device_reset(b->dev);
    struct device *other = make_vga(b, 3);
    fields_differ(b->dev->class->fields, b->dev, other, path, sizeof path);
    assert_string_equal(path, "");
    device_destroy(other);
}

static void save_and_load(void **state)
{
    struct board *b = *state;
    struct blob first = {0}, second = {0};
    struct error err;
    set_mode(b, &mode_13);
    for (u32 i = 0; i < 64000; i += 4) {
        poke(b, 0xa0000 + i, i * 2654435761u, 4);
    }
    vga_update(b->vga);
    u32 sample = pixel(b, 123, 45);
    device_save(b->dev, &first);
    device_reset(b->dev);
    vga_update(b->vga);
    assert_true(device_load(b->dev, &first, &err));
    device_save(b->dev, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    assert_int_equal(peek(b, 0xa0100, 4), 0x100 * 2654435761u);
    assert_size(b, 640, 400);
    assert_int_equal(pixel(b, 123, 45), sample);
    blob_free(&first);
    blob_free(&second);
}

/* ---- nonsense ---- */

static void random_access(struct board *b, unsigned r)
{
    static const u16 vga_ports[] = {0x3c0, 0x3c2, 0x3c4, 0x3c5, 0x3c8, 0x3c9,
                                    0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3da, 0x3b5};
    u32 value = (u32)rand() ^ (u32)rand() << 9;
    unsigned size = 1u << (r >> 4 & 1) << (r >> 5 & 1);
    switch (r & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
        space_write(b->ports, vga_ports[(r >> 8) % ARRAY_LEN(vga_ports)], value, r >> 6 & 1 ? 2 : 1,
                    false);
        break;
    case 4:
        space_read(b->ports, 0x3b0 + (r >> 8) % 0x30, size, false);
        break;
    case 5:
        vbe(b, (r >> 8) % 12, r >> 12 & 1 ? (u16)value : value % 1600);
        break;
    case 6:
        space_read(b->ports, 0x1ce + (r >> 8) % 3, size, false);
        break;
    case 7:
        if (r >> 8 & 1) {
            space_write(b->memory, MMIO + value % VGA_MMIO_SIZE, value >> 3, size, false);
        } else {
            space_read(b->memory, MMIO + value % VGA_MMIO_SIZE, size, false);
        }
        break;
    case 8:
        poke(b, LFB + value % VGA_VRAM_SIZE, value, size);
        break;
    case 9:
    case 10:
    case 11:
        poke(b, 0xa0000 + value % 0x20000, value >> 3, size);
        break;
    case 12:
        peek(b, 0xa0000 + value % 0x20000, size);
        break;
    default:
        pass(b, value % 40000000);
        break;
    }
}

static void random_accesses(void **state)
{
    struct board *b = *state;
    struct vga_text *text = malloc(sizeof *text);
    struct rect rects[3];
    srand(12);
    for (unsigned i = 0; i < 30000; i++) {
        unsigned r = (unsigned)rand();
        if (i % 300 == 0) {
            vbe(b, VBE_ENABLE, 0);
            set_mode(b, all_modes[(r >> 4) % ARRAY_LEN(all_modes)]);
        }
        random_access(b, r);
        if (i % 40 == 0) {
            vga_update(b->vga);
            vga_text(b->vga, text);
            vga_take_damage(b->vga, rects, r % 4);
        }
        if (i % 500 == 499) {
            assert_picture_complete(b);
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers),        TEST(dac_access),
        TEST(retrace),          TEST(odd_even),
        TEST(chain_4_layout),   TEST(write_and_read_modes),
        TEST(vbe_registers),    TEST(vbe_banks),
        TEST(vbe_keeps_memory), TEST(mmio),
        TEST(reset_is_fresh),   TEST(save_and_load),
        TEST(random_accesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
