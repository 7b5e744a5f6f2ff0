/*
 * vga_board.h: for the tests of the display adapter: one on a PCI bus, its standard modes, and its
 * ports and memory as a guest reaches them.
 */
#ifndef DEVICES_DISPLAY_VGA_BOARD_H
#define DEVICES_DISPLAY_VGA_BOARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices/display/vga_pci.h"
#include "devices/display/vga_state.h"

enum { LFB = 0xe0000000u, MMIO = 0xf0000000u };

struct board {
    struct clock *clock;
    struct space *memory, *ports;
    struct pci_bus *bus;
    struct device *dev;
    struct vga *vga;
};

struct mode {
    u8 misc, sr[5], cr[25], gr[9], ar[21];
};

#define PALETTE_16                                                                                 \
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
#define PALETTE_256 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15

/* Register values of the BIOS modes: Technical Reference, "Video Subsystem", "Mode Tables". */
static const struct mode mode_3 = {
    0x67,
    {3, 0x00, 3, 0, 2},
    {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
    {PALETTE_16, 0x0c, 0, 0x0f, 0x08, 0},
};
static const struct mode mode_1 = {
    0x67,
    {3, 0x08, 3, 0, 2},
    {0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
    {PALETTE_16, 0x0c, 0, 0x0f, 0x08, 0},
};
static const struct mode mode_13 = {
    0x63,
    {3, 0x01, 0xf, 0, 0xe},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0,    0,   0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
    {0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff},
    {PALETTE_256, 0x41, 0, 0x0f, 0, 0},
};
static const struct mode mode_12 = {
    0xe3,
    {3, 0x01, 0xf, 0, 6},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0,    0,   0,
     0,    0,    0,    0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
    {0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff},
    {PALETTE_16, 0x01, 0, 0x0f, 0, 0},
};
static const struct mode mode_d = {
    0x63,
    {3, 0x09, 0xf, 0, 6},
    {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc0, 0,    0,   0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff},
    {0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff},
    {PALETTE_16, 0x01, 0, 0x0f, 0, 0},
};
static const struct mode mode_4 = {
    0x63,
    {3, 0x09, 3, 0, 2},
    {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0,    0,   0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},
    {0, 0, 0, 0, 0, 0x30, 0x0f, 0, 0xff},
    {0x00, 0x13, 0x15, 0x17, 2,    4,    6, 7,    0x10, 0x11, 0x12,
     0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0, 0x03, 0,    0},
};
static const struct mode mode_6 = {
    0x63,
    {3, 0x01, 1, 0, 6},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0,    0,   0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},
    {0, 0, 0, 0, 0, 0x00, 0x0d, 0, 0xff},
    {0x00, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
     0x17, 0x17, 0x17, 0x17, 0x17, 0x01, 0,    0x01, 0,    0},
};
static const struct mode *const all_modes[] = {&mode_3, &mode_1, &mode_13, &mode_12,
                                               &mode_d, &mode_4, &mode_6};

static inline void out(struct board *b, u16 port, u32 value)
{
    space_write(b->ports, port, value, 1, false);
}

static inline u8 in(struct board *b, u16 port)
{
    return (u8)space_read(b->ports, port, 1, false);
}

static inline void out_index(struct board *b, u16 port, u8 index, u8 value)
{
    space_write(b->ports, port, index | (u32)value << 8, 2, false);
}

static inline void vbe(struct board *b, u16 index, u16 value)
{
    space_write(b->ports, 0x1ce, index, 2, false);
    space_write(b->ports, 0x1cf, value, 2, false);
}

static inline u16 vbe_in(struct board *b, u16 index)
{
    space_write(b->ports, 0x1ce, index, 2, false);
    return (u16)space_read(b->ports, 0x1d0, 2, false);
}

static inline void poke(struct board *b, u64 address, u64 value, unsigned size)
{
    space_write(b->memory, address, value, size, false);
}

static inline u64 peek(struct board *b, u64 address, unsigned size)
{
    return space_read(b->memory, address, size, false);
}

static inline void set_attribute(struct board *b, u8 index, u8 value)
{
    in(b, 0x3da);
    out(b, 0x3c0, index);
    out(b, 0x3c0, value);
    out(b, 0x3c0, 0x20);
}

/* DAC entry i gets the colour that dac() gives, so that pixels name their index. */
static inline u32 dac(unsigned i)
{
    u32 r = i & 0x3f, g = i >> 2 & 0x3f, b = (i * 7) & 0x3f;
    return (r << 2 | r >> 4) << 16 | (g << 2 | g >> 4) << 8 | (b << 2 | b >> 4);
}

static inline void set_mode(struct board *b, const struct mode *m)
{
    out(b, 0x3c2, m->misc);
    for (u8 i = 0; i < 5; i++) {
        out_index(b, 0x3c4, i, m->sr[i]);
    }
    out_index(b, 0x3d4, 0x11, 0);
    for (u8 i = 0; i < 25; i++) {
        out_index(b, 0x3d4, i, m->cr[i]);
    }
    for (u8 i = 0; i < 9; i++) {
        out_index(b, 0x3ce, i, m->gr[i]);
    }
    in(b, 0x3da);
    for (u8 i = 0; i < 21; i++) {
        out(b, 0x3c0, i);
        out(b, 0x3c0, m->ar[i]);
    }
    out(b, 0x3c0, 0x20);
    out(b, 0x3c6, 0xff);
    out(b, 0x3c8, 0);
    for (unsigned i = 0; i < 256; i++) {
        out(b, 0x3c9, i & 0x3f);
        out(b, 0x3c9, i >> 2 & 0x3f);
        out(b, 0x3c9, (i * 7) & 0x3f);
    }
}

static inline u32 pixel(struct board *b, u32 x, u32 y)
{
    const struct surface *s = vga_surface(b->vga);
    assert_true(x < s->width && y < s->height);
    return s->pixels[y * s->stride + x] & 0xffffff;
}

static inline void assert_size(struct board *b, u32 width, u32 height)
{
    vga_update(b->vga);
    assert_int_equal(vga_surface(b->vga)->width, width);
    assert_int_equal(vga_surface(b->vga)->height, height);
}

static inline void pass(struct board *b, i64 ns)
{
    clock_advance(b->clock, ns);
}

/* What was drawn bit by bit is what would be drawn afresh. */
static inline void assert_picture_complete(struct board *b)
{
    vga_update(b->vga);
    const struct surface *s = vga_surface(b->vga);
    size_t size = (size_t)s->width * s->height * sizeof(u32);
    u32 *before = malloc(size);
    memcpy(before, s->pixels, size);
    vga_redraw(b->vga);
    vga_update(b->vga);
    assert_memory_equal(before, s->pixels, size);
    free(before);
}

static inline struct device *make_vga(struct board *b, u8 slot)
{
    static const u8 rom[1024] = {0x55, 0xaa, 2};
    struct error err;
    struct device *dev =
        vga_pci_create(b->bus, PCI_DEVFN(slot, 0), b->clock, rom, sizeof rom, &err);
    assert_non_null(dev);
    return dev;
}

static inline void place_bars(struct board *b)
{
    pci_config_write(b->bus, PCI_DEVFN(2, 0), PCI_BAR0, LFB, 4);
    pci_config_write(b->bus, PCI_DEVFN(2, 0), PCI_BAR0 + 8, MMIO, 4);
    pci_config_write(b->bus, PCI_DEVFN(2, 0), PCI_COMMAND, 3, 2);
}

static inline int set_up(void **state)
{
    struct board *b = calloc(1, sizeof *b);
    b->clock = clock_create();
    clock_set_counted(b->clock, true);
    clock_start(b->clock);
    b->memory = space_create("memory", 36);
    b->ports = space_create("ports", 16);
    b->bus = pci_bus_create(b->memory, b->ports);
    b->dev = make_vga(b, 2);
    b->vga = vga_pci_vga(b->dev);
    place_bars(b);
    *state = b;
    return 0;
}

static inline int tear_down(void **state)
{
    struct board *b = *state;
    device_destroy(b->dev);
    device_destroy(&b->bus->dev);
    space_destroy(b->memory);
    space_destroy(b->ports);
    clock_destroy(b->clock);
    free(b);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
