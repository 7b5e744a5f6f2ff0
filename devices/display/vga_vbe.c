/*
 * vga_vbe.c: the Bochs display interface: one index and one data register of 16 bits.
 *
 * Document: Bochs VBE display interface, B0C0 to B0C5. A mode that does not fit into the memory is
 * brought to the nearest one that does, as QEMU does.
 */
#include "devices/display/vga_state.h"

static u16 clamp16(u32 value, u32 low, u32 high)
{
    return (u16)(value < low ? low : value > high ? high : value);
}

static bool known_bpp(u16 bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

void vga_vbe_fix(struct vga *vga)
{
    u16 *r = vga->vbe;
    if (!known_bpp(r[VBE_BPP])) {
        log_at(LOG_GUEST_ERROR, "vga: no VBE mode has %u bits a pixel", r[VBE_BPP]);
        r[VBE_BPP] = 8;
    }
    r[VBE_XRES] = clamp16(r[VBE_XRES] & ~7u, 8, VBE_MAX_XRES);
    r[VBE_VIRT_WIDTH] = clamp16(r[VBE_VIRT_WIDTH] & ~7u, r[VBE_XRES], 0xfff8);
    u32 lines = VGA_VRAM_SIZE / vga_vbe_pitch(vga); /* at least 64 */
    r[VBE_YRES] = clamp16(r[VBE_YRES], 1, lines < VBE_MAX_YRES ? lines : VBE_MAX_YRES);
    r[VBE_VIRT_HEIGHT] = clamp16(lines, 1, 0xffff);
    r[VBE_X_OFFSET] = clamp16(r[VBE_X_OFFSET], 0, r[VBE_VIRT_WIDTH] - r[VBE_XRES]);
    r[VBE_Y_OFFSET] = clamp16(r[VBE_Y_OFFSET], 0, r[VBE_VIRT_HEIGHT] - r[VBE_YRES]);
    r[VBE_BANK] &= VGA_VRAM_SIZE / 0x10000 - 1;
}

static u16 capability(unsigned index, u16 value)
{
    switch (index) {
    case VBE_XRES:
        return VBE_MAX_XRES;
    case VBE_YRES:
        return VBE_MAX_YRES;
    case VBE_BPP:
        return VBE_MAX_BPP;
    default:
        return value;
    }
}

u16 vga_vbe_read(struct vga *vga, unsigned index)
{
    if (index >= VBE_COUNT) {
        return 0;
    }
    u16 value = vga->vbe[index];
    return vga->vbe[VBE_ENABLE] & VBE_GET_CAPS ? capability(index, value) : value;
}

static void write_enable(struct vga *vga, u16 value)
{
    bool was_on = vga_vbe_on(vga);
    vga->vbe[VBE_ENABLE] =
        value & (VBE_ENABLED | VBE_GET_CAPS | VBE_8BIT_DAC | VBE_LFB | VBE_NO_CLEAR);
    if (vga_vbe_on(vga) == was_on) {
        return;
    }
    vga->vbe[VBE_BANK] = 0;
    if (!was_on) {
        vga->vbe[VBE_VIRT_WIDTH] = 0;
        vga->vbe[VBE_X_OFFSET] = vga->vbe[VBE_Y_OFFSET] = 0;
        vga_vbe_fix(vga);
    }
    vga_memory_changed(vga);
    if (!was_on && !(value & VBE_NO_CLEAR)) {
        vga_memory_clear(vga, 0, vga_vbe_pitch(vga) * vga->vbe[VBE_YRES]);
    }
}

void vga_vbe_write(struct vga *vga, unsigned index, u16 value)
{
    switch (index) {
    case VBE_ID:
        if (value >= VBE_ID0 && value <= VBE_ID5) {
            vga->vbe[VBE_ID] = value;
        }
        break;
    case VBE_ENABLE:
        write_enable(vga, value);
        break;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_BPP:
    case VBE_BANK:
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        vga->vbe[index] = value;
        if (vga_vbe_on(vga)) {
            vga_vbe_fix(vga);
            vga_memory_changed(vga);
        }
        break;
    default:
        log_at(LOG_GUEST_ERROR, "vga: VBE register %u cannot be written", index);
        break;
    }
}

/* 1CEh index, 1CFh data, and data again at 1D0h, where it is aligned. */
static u64 vbe_port_read(void *opaque, u64 offset, unsigned size)
{
    struct vga *vga = opaque;
    (void)size;
    return offset == 0 ? vga->vbe_index : vga_vbe_read(vga, vga->vbe_index);
}

static void vbe_port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct vga *vga = opaque;
    (void)size;
    if (offset == 0) {
        vga->vbe_index = (u16)value;
    } else {
        vga_vbe_write(vga, vga->vbe_index, (u16)value);
    }
}

const struct region_ops vga_vbe_ops = {
    .read = vbe_port_read, .write = vbe_port_write, .min_size = 1, .max_size = 2};
