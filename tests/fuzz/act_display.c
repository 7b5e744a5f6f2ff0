/*
 * act_display.c: the display in every mode that its registers can say, drawn to the end.
 */
#include "devices/display/vga.h"
#include "tests/fuzz/bench.h"

static void indexed(struct fuzz *f, u32 port, u8 index, u64 value)
{
    out(f, port, index, 1);
    out(f, port + 1, value, 1);
}

/* The registers of a known mode, so that most of what follows draws something. */
struct mode {
    u8 misc, seq[5], gc[9], crtc[25], attr_mode;
};
static const struct mode modes[] = {
    {0x67, /* 80x25 text */
     {3, 0, 3, 0, 2},
     {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
     {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9,
      0xa3, 0xff},
     0x0c},
    {0xe3, /* 640x480, 16 colours */
     {3, 1, 15, 0, 6},
     {0, 0, 0, 0, 0, 0, 5, 15, 0xff},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x04, 0xe3,
      0xff},
     0x01},
    {0x63, /* 320x200, 256 colours */
     {3, 1, 15, 0, 14},
     {0, 0, 0, 0, 0, 0x40, 5, 15, 0xff},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3,
      0xff},
     0x41},
    {0x63, /* 320x200, CGA's four colours */
     {3, 9, 3, 0, 2},
     {0, 0, 0, 0, 0, 0x30, 15, 0, 0xff},
     {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0, 0x96, 0xb9, 0xa2,
      0xff},
     0x01},
};

static void set_mode(struct fuzz *f, const struct mode *mode)
{
    out(f, 0x3c2, mode->misc, 1);
    for (unsigned n = 0; n < 5; n++) {
        indexed(f, 0x3c4, (u8)n, mode->seq[n]);
    }
    indexed(f, 0x3d4, 0x11, 0);
    for (unsigned n = 0; n < 25; n++) {
        indexed(f, 0x3d4, (u8)n, mode->crtc[n]);
    }
    for (unsigned n = 0; n < 9; n++) {
        indexed(f, 0x3ce, (u8)n, mode->gc[n]);
    }
    in(f, 0x3da, 1);
    for (unsigned n = 0; n < 21; n++) {
        out(f, 0x3c0, n, 1);
        out(f, 0x3c0, n < 16 ? n : n == 16 ? mode->attr_mode : 0, 1);
    }
    out(f, 0x3c0, 0x20, 1);
}

static void vbe(struct fuzz *f, u32 index, u64 value)
{
    out(f, 0x1ce, index, 2);
    out(f, 0x1cf, value, 2);
}

static void set_vbe(struct fuzz *f)
{
    static const u16 sides[] = {0, 1, 7, 8, 320, 640, 800, 1024, 1280, 1600, 2560, 4096, 0xffff};
    static const u8  depths[] = {0, 4, 8, 15, 16, 24, 32, 1};
    vbe(f, 4, 0);
    vbe(f, 1, PICK(f, sides));
    vbe(f, 2, PICK(f, sides));
    vbe(f, 3, PICK(f, depths));
    vbe(f, 4, one_in(f, 8) ? below(f, 256) : 0x41 | (below(f, 2) << 7));
    if (one_in(f, 2)) {
        vbe(f, below(f, 12), odd_value(f));
        vbe(f, 6 + below(f, 4), one_in(f, 2) ? below(f, 2000) : odd_value(f));
    }
}

static void spoil(struct fuzz *f)
{
    static const u16 pairs[] = {0x3c4, 0x3ce, 0x3d4, 0x3d4, 0x3d4};
    switch (below(f, 4)) {
    case 0:
        in(f, 0x3da, 1);
        out(f, 0x3c0, below(f, 32) | 0x20, 1);
        out(f, 0x3c0, below(f, 256), 1);
        break;
    case 1:
        out(f, 0x3c2, below(f, 256), 1);
        break;
    case 2: { /* the same registers through the MMIO BAR */
        paddr reg = VGA_MMIO + 0x400 + below(f, 0x210);
        poke(f, reg, odd_value(f), 1u << below(f, 3));
        break;
    }
    default:
        indexed(f, PICK(f, pairs), (u8)below(f, 32), one_in(f, 2) ? below(f, 256) : odd_value(f));
        break;
    }
}

static void draw(struct fuzz *f)
{
    static struct vga_text text; /* large */
    struct rect            damage[8];
    struct vga            *vga = f->m->vga;
    vga_update(vga);
    const struct surface *s = vga_surface(vga);
    unsigned              n = vga_take_damage(vga, damage, 1 + below(f, 8));
    for (unsigned i = 0; i < n; i++) { /* somebody copies what changed */
        volatile u32 *last = (volatile u32 *)&s->pixels[(size_t)(damage[i].y + damage[i].height - 1) * s->stride + damage[i].x +
                                                        damage[i].width - 1];
        (void)*last;
    }
    vga_text(vga, &text);
    if (one_in(f, 8)) {
        vga_redraw(vga);
    }
}

void act_vga(struct fuzz *f)
{
    if (!f->m->vga) {
        return;
    }
    switch (below(f, 6)) {
    case 0:
        vbe(f, 4, 0);
        set_mode(f, &PICK(f, modes));
        break;
    case 1:
        set_vbe(f);
        break;
    default:
        spoil(f);
        break;
    }
    for (unsigned n = below(f, 40); n > 0; n--) {
        paddr at = one_in(f, 2) ? 0xa0000 + below(f, 0x20000) : VGA_FB + below(f, 16 << 20);
        if (one_in(f, 4)) {
            peek(f, at, 1u << below(f, 4));
        } else {
            poke(f, at, any64(f), 1u << below(f, 4));
        }
    }
    pass_time(f, below(f, 30000000));
    draw(f);
}
