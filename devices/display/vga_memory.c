/*
 * vga_memory.c: how the processor sees video memory through A0000h-BFFFFh: plane selection, write
 * modes 0 to 3, read modes 0 and 1, odd/even, chain 4, VBE banks.
 *
 * Document: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Graphics
 * Controller" and "Sequencer".
 */
#include <string.h>

#include "cpu/base/mem.h"
#include "devices/display/vga_state.h"

/* Bit p of a nibble becomes byte p, all ones. */
static const u32 nibble_bytes[16] = {
    0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
    0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff, 0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
};

static u32 all_planes(u8 value)
{
    return value * 0x01010101u;
}

/* Address inside the window as Memory Map (GR6 bits 2-3) decodes it; false: not ours. */
static bool decode(const struct vga *vga, u32 offset, u32 *address)
{
    static const struct {
        u32 base, size;
    } maps[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned map = vga->gr[6] >> 2 & 3;
    if (!(vga->misc & MISC_RAM_ENABLE) || offset < maps[map].base ||
        offset - maps[map].base >= maps[map].size) {
        return false;
    }
    *address = offset - maps[map].base;
    return true;
}

/* Which planes an address can reach, and the plane offset it means. */
struct reach {
    u32 at;        /* in video memory */
    u8 planes;     /* that a write may change */
    u8 read_plane; /* read mode 0 */
};

static struct reach reach(const struct vga *vga, u32 a)
{
    struct reach r = {.planes = vga->sr[2] & 0xf, .read_plane = vga->gr[4] & 3};
    bool linear = vga_vbe_on(vga);
    u32 o = a;
    if (vga->sr[4] & SR4_CHAIN4) {
        r.read_plane = a & 3;
        r.planes &= (u8)(1 << (a & 3));
        o = linear ? a >> 2 : (a & 0xfffc) | (a >> 16 & 3);
    } else {
        if (vga->gr[6] & GR6_CHAIN_ODD_EVEN) {
            /* address bit 0 selects planes; in the 128 KiB map bit 16 takes its place */
            o = (a & 0xfffe) | (a >> 16 & 1);
        }
        if (!(vga->sr[4] & SR4_SEQUENTIAL)) {
            r.planes &= a & 1 ? 0xa : 0x5;
        }
        if (vga->gr[5] & GR5_ODD_EVEN) {
            r.read_plane = (u8)((vga->gr[4] & 2) | (a & 1));
        }
    }
    if (linear) {
        o += (u32)vga->vbe[VBE_BANK] << (vga->sr[4] & SR4_CHAIN4 ? 14 : 16);
    }
    r.at = vga_plane_address(vga->chained, linear, o);
    return r;
}

static u8 read_planes(struct vga *vga, u32 a)
{
    struct reach r = reach(vga, a);
    vga->latch = load32(vga->vram.host + r.at);
    if (!(vga->gr[5] & GR5_READ_COMPARE)) {
        return (u8)(vga->latch >> (r.read_plane * 8));
    }
    /* read mode 1: 1 where all planes that matter equal Color Compare */
    u32 differ = (vga->latch ^ nibble_bytes[vga->gr[2] & 0xf]) & nibble_bytes[vga->gr[7] & 0xf];
    return (u8) ~(differ | differ >> 8 | differ >> 16 | differ >> 24);
}

/* Function Select of GR3, with what the latches hold. */
static u32 combine(const struct vga *vga, u32 value)
{
    switch (vga->gr[3] >> 3 & 3) {
    case 1:
        return value & vga->latch;
    case 2:
        return value | vga->latch;
    case 3:
        return value ^ vga->latch;
    default:
        return value;
    }
}

static u8 rotated(const struct vga *vga, u8 value)
{
    unsigned n = vga->gr[3] & 7;
    return (u8)(value >> n | value << (8 - n));
}

/* What the four planes would become. */
static u32 write_value(const struct vga *vga, u8 value)
{
    u8 mask = vga->gr[8];
    u32 set = nibble_bytes[vga->gr[0] & 0xf];
    u32 data;
    switch (vga->gr[5] & 3) {
    case 0: {
        u32 enable = nibble_bytes[vga->gr[1] & 0xf];
        data = combine(vga, (all_planes(rotated(vga, value)) & ~enable) | (set & enable));
        break;
    }
    case 1:
        return vga->latch;
    case 2:
        data = combine(vga, nibble_bytes[value & 0xf]);
        break;
    default:
        mask &= rotated(vga, value);
        data = combine(vga, set);
        break;
    }
    return (u32)merge_bits(vga->latch, all_planes(mask), data);
}

static void about_to_write(struct vga *vga, u32 at)
{
    if (vga->vram.pages[at >> PAGE_SHIFT].flags) {
        space_written(vga->memory, &vga->vram, at, 4);
    }
}

static void write_planes(struct vga *vga, u32 a, u8 value)
{
    struct reach r = reach(vga, a);
    u8 *bytes = vga->vram.host + r.at;
    about_to_write(vga, r.at);
    store32(bytes, (u32)merge_bits(load32(bytes), nibble_bytes[r.planes], write_value(vga, value)));
}

/* A packed VBE mode shows its bank at A0000h whatever the VGA's registers say. */
static bool bank_address(const struct vga *vga, u32 offset, u32 *at)
{
    *at = ((u32)vga->vbe[VBE_BANK] << 16 | offset) & (VGA_VRAM_SIZE - 1);
    return offset < 0x10000;
}

static u64 window_read(void *opaque, u64 offset, unsigned size)
{
    struct vga *vga = opaque;
    u32 a;
    (void)size;
    if (vga_vbe_packed(vga)) {
        return bank_address(vga, (u32)offset, &a) ? vga->vram.host[a] : 0xff;
    }
    return decode(vga, (u32)offset, &a) ? read_planes(vga, a) : 0xff;
}

static void window_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct vga *vga = opaque;
    u32 a;
    (void)size;
    if (vga_vbe_packed(vga)) {
        if (bank_address(vga, (u32)offset, &a)) {
            about_to_write(vga, a & ~3u);
            vga->vram.host[a] = (u8)value;
        }
    } else if (decode(vga, (u32)offset, &a)) {
        write_planes(vga, a, (u8)value);
    }
}

const struct region_ops vga_window_ops = {
    .read = window_read, .write = window_write, .min_size = 1, .max_size = 1};

/* ---- the window as plain memory ---- */

struct direct {
    u32 offset, size, base; /* size 0: not possible */
};

/* Chain 4 with nothing between processor and memory, or a packed VBE mode. */
static struct direct direct_window(const struct vga *vga)
{
    static const struct direct maps[4] = {
        {0, 0x20000, 0xa0000}, {0, 0x10000, 0xa0000}, {0, 0x8000, 0xb0000}, {0, 0x8000, 0xb8000}};
    if (vga_vbe_packed(vga)) {
        u32 offset = ((u32)vga->vbe[VBE_BANK] << 16) & (VGA_VRAM_SIZE - 1);
        return (struct direct){offset, 0x10000, 0xa0000};
    }
    bool plain = vga->chained && vga->misc & MISC_RAM_ENABLE && (vga->sr[2] & 0xf) == 0xf &&
                 !(vga->gr[1] & 0xf) && !(vga->gr[3] & 0x1f) && vga->gr[8] == 0xff &&
                 !(vga->gr[5] & (GR5_READ_COMPARE | 3));
    return plain ? maps[vga->gr[6] >> 2 & 3] : (struct direct){0};
}

static void map_window(struct vga *vga)
{
    struct direct want = direct_window(vga);
    struct mapping *m = &vga->direct_map;
    if (m->space ? m->offset == want.offset && m->size == want.size && m->base == want.base
                 : !want.size) {
        return;
    }
    space_begin(vga->memory);
    space_unmap(m);
    if (want.size) {
        space_map_part(vga->memory, m, &vga->vram, want.offset, want.size, want.base,
                       vga->priority + 1, MAP_ALL);
    }
    space_end(vga->memory);
}

/* Moves the bytes between the two orders, see vga_state.h. */
static void reorder(struct vga *vga, bool chained)
{
    u8 *copy = mem_zeroed(1, VGA_LEGACY_SIZE);
    memcpy(copy, vga->vram.host, VGA_LEGACY_SIZE);
    space_written(vga->memory, &vga->vram, 0, VGA_LEGACY_SIZE);
    for (u32 o = 0; o < VGA_PLANE_SIZE; o++) {
        memcpy(vga->vram.host + vga_plane_address(chained, false, o),
               copy + vga_plane_address(!chained, false, o), 4);
    }
    free(copy);
    vga->chained = chained;
}

void vga_memory_changed(struct vga *vga)
{
    bool chained = vga->sr[4] & SR4_CHAIN4 && !vga_vbe_on(vga);
    if (chained != vga->chained) {
        reorder(vga, chained);
    }
    map_window(vga);
}

void vga_memory_clear(struct vga *vga, u32 offset, u32 size)
{
    static const u8 zero[PAGE_SIZE];
    u32 end = size < VGA_VRAM_SIZE - offset ? offset + size : VGA_VRAM_SIZE;
    while (offset < end) {
        u32 next = (u32)align_down(offset, PAGE_SIZE) + PAGE_SIZE;
        u32 count = (next < end ? next : end) - offset;
        if (memcmp(vga->vram.host + offset, zero, count)) { /* leaves untouched pages to the host */
            space_written(vga->memory, &vga->vram, offset, count);
            memset(vga->vram.host + offset, 0, count);
        }
        offset += count;
    }
}
