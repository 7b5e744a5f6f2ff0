/*
 * vga_regs.c: the VGA's registers at 3B0h-3DFh, the retrace bits, and the MMIO BAR that shows
 * registers and EDID.
 *
 * Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"; QEMU
 * docs/specs/standard-vga for the BAR.
 */
#include "devices/display/vga_state.h"

/* Bits that exist; others read as zero. */
static const u8 sr_bits[VGA_SR_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const u8 gr_bits[VGA_GR_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const u8 ar_bits[VGA_AR_COUNT] = {0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                         0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                         0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f};

/* ---- where the beam is ---- */

struct timing {
    i64 line_ns;
    u32 htotal, hdisplay; /* character clocks */
    u32 vtotal, vdisplay; /* lines */
    u32 retrace_start, retrace_end;
};

/* 640x480 at 60 Hz, for VBE modes and while the CRTC holds nothing sensible. */
static const struct timing standard_timing = {31778, 100, 80, 525, 480, 490, 492};

static struct timing crtc_timing(const struct vga *vga)
{
    const u8 *cr = vga->cr;
    u32 dots = vga->sr[1] & SR1_8_DOTS ? 8 : 9;
    u64 clock_hz = (vga->misc >> 2 & 3) == 1 ? 28322000 : 25175000;
    struct timing t;
    if (vga_vbe_on(vga)) {
        return standard_timing;
    }
    t.htotal = cr[0] + 5u;
    t.hdisplay = cr[1] + 1u;
    t.vtotal = (cr[6] | (cr[7] & 0x01u) << 8 | (cr[7] & 0x20u) << 4) + 2;
    t.vdisplay = (cr[0x12] | (cr[7] & 0x02u) << 7 | (cr[7] & 0x40u) << 3) + 1;
    t.retrace_start = cr[0x10] | (cr[7] & 0x04u) << 6 | (cr[7] & 0x80u) << 2;
    t.retrace_end = (t.retrace_start & ~15u) | (cr[0x11] & 15u);
    t.retrace_end += t.retrace_end <= t.retrace_start ? 16 : 0;
    if (t.retrace_start >= t.vtotal || t.vdisplay > t.vtotal || t.hdisplay > t.htotal) {
        return standard_timing;
    }
    if (vga->sr[1] & SR1_HALF_CLOCK) {
        clock_hz /= 2;
    }
    t.line_ns = (i64)(t.htotal * dots * NS_PER_SECOND / clock_hz);
    return t;
}

/* Input Status 1: bit 0 while no picture is drawn, bit 3 during vertical retrace. */
static u8 input_status_1(struct vga *vga)
{
    struct timing t = crtc_timing(vga);
    i64 in_frame = clock_now(vga->clock) % (t.line_ns * t.vtotal);
    u32 line = (u32)(in_frame / t.line_ns);
    u32 character = (u32)(in_frame % t.line_ns * t.htotal / t.line_ns);
    u8 status = line >= t.vdisplay || character >= t.hdisplay ? 0x01 : 0;
    return status | (line >= t.retrace_start && line < t.retrace_end ? 0x08 : 0);
}

/* ---- attribute controller, DAC ---- */

static void write_attribute(struct vga *vga, u8 value)
{
    unsigned index = vga->ar_index & 0x1f;
    if (!vga->ar_data) {
        vga->ar_index = value & 0x3f;
    } else if (index < 16 ? !(vga->ar_index & AR_SCREEN_ON) : index < VGA_AR_COUNT) {
        vga->ar[index] = value & ar_bits[index]; /* the palette is locked while it is in use */
    }
    vga->ar_data = !vga->ar_data;
}

static u8 read_attribute(const struct vga *vga)
{
    unsigned index = vga->ar_index & 0x1f;
    return index < VGA_AR_COUNT ? vga->ar[index] : 0;
}

static u8 dac_bits(const struct vga *vga)
{
    return vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? 0xff : 0x3f;
}

static u8 read_dac(struct vga *vga)
{
    u8 value = vga->dac[vga->dac_read * 3 + vga->dac_part % 3];
    if (++vga->dac_part >= 3) {
        vga->dac_part = 0;
        vga->dac_read++;
    }
    return value & dac_bits(vga);
}

static void write_dac(struct vga *vga, u8 value)
{
    vga->dac_latch[vga->dac_part % 3] = value & dac_bits(vga);
    if (++vga->dac_part >= 3) {
        for (unsigned i = 0; i < 3; i++) {
            vga->dac[vga->dac_write * 3 + i] = vga->dac_latch[i];
        }
        vga->dac_part = 0;
        vga->dac_write++;
    }
}

/* ---- indexed registers ---- */

static void write_sequencer(struct vga *vga, u8 value)
{
    unsigned index = vga->sr_index & 7;
    u8 old = vga->sr[index];
    vga->sr[index] = value & sr_bits[index];
    if (vga->sr[index] != old && (index == 2 || index == 4)) {
        vga_memory_changed(vga);
    }
}

static void write_graphics(struct vga *vga, u8 value)
{
    unsigned index = vga->gr_index;
    if (index >= VGA_GR_COUNT) {
        return;
    }
    u8 old = vga->gr[index];
    vga->gr[index] = value & gr_bits[index];
    if (vga->gr[index] != old) {
        vga_memory_changed(vga);
    }
}

static void write_crtc(struct vga *vga, u8 value)
{
    unsigned index = vga->cr_index;
    if (index >= VGA_CR_COUNT) {
        return;
    }
    if (vga->cr[0x11] & CR11_PROTECT && index <= 7) {
        if (index == 7) { /* the line compare bit is not protected */
            vga->cr[7] = (u8)merge_bits(vga->cr[7], 0x10, value);
        }
        return;
    }
    vga->cr[index] = value;
}

static u8 read_crtc(const struct vga *vga)
{
    switch (vga->cr_index) {
    case 0x22: /* undocumented, in IBM's and most other chips: the latch of the read plane */
        return (u8)(vga->latch >> ((vga->gr[4] & 3) * 8));
    case 0x24: /* the attribute controller's flip-flop */
        return (u8)(vga->ar_data << 7 | vga->ar_index);
    default:
        return vga->cr_index < VGA_CR_COUNT ? vga->cr[vga->cr_index] : 0;
    }
}

/* ---- ports ---- */

/* 3Bxh answers in monochrome emulation, 3Dxh in colour. */
static bool selected(const struct vga *vga, unsigned port)
{
    return (port & 0xff0) == 0x3c0 || (vga->misc & MISC_COLOR ? port >= 0x3d0 : port < 0x3c0);
}

static u8 read_dual(struct vga *vga, unsigned port)
{
    switch (port & 0xf) {
    case 0x4:
        return vga->cr_index;
    case 0x5:
        return read_crtc(vga);
    case 0xa:
        vga->ar_data = false;
        return input_status_1(vga);
    default:
        return 0xff;
    }
}

static void write_dual(struct vga *vga, unsigned port, u8 value)
{
    switch (port & 0xf) {
    case 0x4:
        vga->cr_index = value & 0x3f;
        break;
    case 0x5:
        write_crtc(vga, value);
        break;
    case 0xa:
        vga->feature = value & 0x10;
        break;
    default:
        break;
    }
}

u8 vga_port_read(struct vga *vga, unsigned port)
{
    if (!selected(vga, port)) {
        return 0xff;
    }
    switch (port) {
    case 0x3c0:
        return vga->ar_index;
    case 0x3c1:
        return read_attribute(vga);
    case 0x3c2:
        return 0x10; /* Input Status 0: a colour monitor */
    case 0x3c3:
        return vga->enable;
    case 0x3c4:
        return vga->sr_index;
    case 0x3c5:
        return vga->sr[vga->sr_index & 7];
    case 0x3c6:
        return vga->dac_mask;
    case 0x3c7:
        return vga->dac_state;
    case 0x3c8:
        return vga->dac_write;
    case 0x3c9:
        return read_dac(vga);
    case 0x3ca:
        return vga->feature;
    case 0x3cc:
        return vga->misc;
    case 0x3ce:
        return vga->gr_index;
    case 0x3cf:
        return vga->gr_index < VGA_GR_COUNT ? vga->gr[vga->gr_index] : 0;
    default:
        return (port & 0xff0) == 0x3c0 ? 0xff : read_dual(vga, port);
    }
}

static void set_dac_index(struct vga *vga, u8 value, bool write)
{
    vga->dac_part = 0;
    vga->dac_state = write ? 0 : 3;
    if (write) {
        vga->dac_write = value;
    } else {
        vga->dac_read = value;
    }
}

void vga_port_write(struct vga *vga, unsigned port, u8 value)
{
    if (!selected(vga, port)) {
        return;
    }
    switch (port) {
    case 0x3c0:
        write_attribute(vga, value);
        break;
    case 0x3c2:
        vga->misc = value & 0xef;
        vga_memory_changed(vga);
        break;
    case 0x3c3:
        vga->enable = value & 1;
        break;
    case 0x3c4:
        vga->sr_index = value & 7;
        break;
    case 0x3c5:
        write_sequencer(vga, value);
        break;
    case 0x3c6:
        vga->dac_mask = value;
        break;
    case 0x3c7:
        set_dac_index(vga, value, false);
        break;
    case 0x3c8:
        set_dac_index(vga, value, true);
        break;
    case 0x3c9:
        write_dac(vga, value);
        break;
    case 0x3ce:
        vga->gr_index = value & 0xf;
        break;
    case 0x3cf:
        write_graphics(vga, value);
        break;
    default:
        if ((port & 0xff0) != 0x3c0) {
            write_dual(vga, port, value);
        }
        break;
    }
}

static u64 port_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    return vga_port_read(opaque, 0x3b0 + (unsigned)offset);
}

static void port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    vga_port_write(opaque, 0x3b0 + (unsigned)offset, (u8)value);
}

const struct region_ops vga_port_ops = {
    .read = port_read, .write = port_write, .min_size = 1, .max_size = 1};

/* ---- MMIO BAR ---- */

enum {
    MMIO_EDID_END = 0x400,
    MMIO_VGA = 0x400, /* 3C0h to 3DFh */
    MMIO_VGA_END = 0x420,
    MMIO_VBE = 0x500,
    MMIO_VBE_END = MMIO_VBE + VBE_COUNT * 2,
    MMIO_EXT = 0x600,

    EXT_BYTE_ORDER = 0x04,
    EXT_LITTLE_ENDIAN = 0x1e1e1e1e,
};

static u8 mmio_byte(struct vga *vga, u64 offset)
{
    if (offset < MMIO_EDID_END) {
        return offset < EDID_SIZE ? vga->edid[offset] : 0;
    }
    if (offset < MMIO_VGA_END) {
        return vga_port_read(vga, 0x3c0 + (unsigned)(offset - MMIO_VGA));
    }
    if (offset >= MMIO_VBE && offset < MMIO_VBE_END) {
        return (u8)(vga_vbe_read(vga, (unsigned)(offset - MMIO_VBE) / 2) >> (offset % 2 * 8));
    }
    if (offset >= MMIO_EXT && offset < MMIO_EXT + 8) {
        u32 value = offset - MMIO_EXT < EXT_BYTE_ORDER ? 8 : EXT_LITTLE_ENDIAN;
        return (u8)(value >> (offset % 4 * 8));
    }
    return 0xff;
}

static u64 mmio_read(void *opaque, u64 offset, unsigned size)
{
    u64 value = 0;
    for (unsigned i = 0; i < size && offset + i < VGA_MMIO_SIZE; i++) {
        value |= (u64)mmio_byte(opaque, offset + i) << (i * 8);
    }
    return value;
}

/* Registers of 16 bits are written as a whole; a byte stands for a word with zeroes above. */
static void mmio_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct vga *vga = opaque;
    if (offset >= MMIO_VBE && offset < MMIO_VBE_END) {
        for (unsigned i = 0; i < size; i += 2) {
            vga_vbe_write(vga, (unsigned)(offset - MMIO_VBE + i) / 2, (u16)(value >> (i * 8)));
        }
    } else if (offset >= MMIO_VGA) {
        for (unsigned i = 0; i < size && offset + i < MMIO_VGA_END; i++) {
            vga_port_write(vga, 0x3c0 + (unsigned)(offset - MMIO_VGA) + i, (u8)(value >> (i * 8)));
        }
    }
    if (offset == MMIO_EXT + EXT_BYTE_ORDER && value != EXT_LITTLE_ENDIAN) {
        log_at(LOG_UNIMP, "vga: big-endian frame buffers are not there");
    }
}

const struct region_ops vga_mmio_ops = {
    .read = mmio_read, .write = mmio_write, .min_size = 1, .max_size = 4};
