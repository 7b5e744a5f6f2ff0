/*
 * vga_state.h: the adapter's state and what its files share. See vga.h.
 *
 * Video memory holds the four planes byte by byte: plane p of plane offset o is byte o * 4 + p, so
 * that one 32-bit word is what the latches and the shift registers load.
 *
 * While chain 4 is on and no VBE mode, its first 256 KiB lie so that the processor's addresses are
 * consecutive (vga->chained): there plane offset o is at (o & 3) << 16 | (o & FFFCh). The legacy
 * window can then be mapped as plain memory; a switch of chain 4 moves the bytes, so that the guest
 * sees what the hardware shows. In VBE modes the memory is linear and the order is that of planes.
 */
#ifndef DEVICES_DISPLAY_VGA_STATE_H
#define DEVICES_DISPLAY_VGA_STATE_H

#include "cpu/base/bits.h"
#include "devices/core/device.h"
#include "devices/display/edid.h"
#include "devices/display/vga.h"

enum {
    VGA_VRAM_SIZE = 16 << 20,
    VGA_PLANE_SIZE = 1 << 16, /* of the VGA proper */
    VGA_LEGACY_SIZE = 4 * VGA_PLANE_SIZE,
    VGA_WINDOW_BASE = 0xa0000,
    VGA_WINDOW_SIZE = 0x20000,
    VGA_MMIO_SIZE = 0x1000,
    VGA_SR_COUNT = 8,
    VGA_GR_COUNT = 9,
    VGA_AR_COUNT = 21,
    VGA_CR_COUNT = 25,
};

/* Register bits, by the names of the registers in the Technical Reference. */
enum {
    MISC_COLOR = 0x01, /* CRTC at 3D4h */
    MISC_RAM_ENABLE = 0x02,

    SR1_8_DOTS = 0x01,
    SR1_HALF_CLOCK = 0x08,
    SR1_SCREEN_OFF = 0x20,
    SR4_SEQUENTIAL = 0x04, /* odd/even off */
    SR4_CHAIN4 = 0x08,

    GR5_READ_COMPARE = 0x08,
    GR5_ODD_EVEN = 0x10,
    GR5_INTERLEAVED = 0x20,
    GR5_256_COLORS = 0x40,
    GR6_GRAPHICS = 0x01,
    GR6_CHAIN_ODD_EVEN = 0x02,

    AR10_MONO = 0x02,
    AR10_LINE_GRAPHICS = 0x04,
    AR10_BLINK = 0x08,
    AR10_SPLIT_NO_PAN = 0x20,
    AR10_8_BIT_COLOR = 0x40,
    AR10_P54_SELECT = 0x80,
    AR_SCREEN_ON = 0x20, /* of the index: palette address source */

    CR9_DOUBLE_SCAN = 0x80,
    CRA_CURSOR_OFF = 0x20,
    CR11_PROTECT = 0x80,
    CR14_DWORD = 0x40,
    CR14_COUNT_BY_4 = 0x20,
    CR17_MA13 = 0x01,
    CR17_MA14 = 0x02,
    CR17_HALF_VERTICAL = 0x04,
    CR17_COUNT_BY_2 = 0x08,
    CR17_WRAP_64K = 0x20,
    CR17_BYTE = 0x40,
    CR17_SYNC_ON = 0x80,
};

enum vbe_register {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
    VBE_COUNT,
};

enum {
    VBE_ENABLED = 0x01,
    VBE_GET_CAPS = 0x02,
    VBE_8BIT_DAC = 0x20,
    VBE_LFB = 0x40,
    VBE_NO_CLEAR = 0x80,

    VBE_ID0 = 0xb0c0,
    VBE_ID5 = 0xb0c5,
    VBE_MAX_XRES = 5120,
    VBE_MAX_YRES = 4096,
    VBE_MAX_BPP = 32,
};

/* How the picture is made. */
enum vga_kind { VGA_NOTHING, VGA_BLANK, VGA_TEXT, VGA_PLANAR, VGA_LINEAR };

/*
 * All that the picture depends on besides video memory, cursor, and (in text modes) start address:
 * as long as two of these are equal, byte by byte, only what was written has to be drawn.
 */
struct vga_view {
    u32 kind; /* enum vga_kind */
    u32 width, height;
    u32 palette[256]; /* XRGB8888 by DAC index */
    u32 color[16];    /* XRGB8888 by attribute */
    u32 chars;        /* character clocks in a line */
    u32 dots;         /* of a character clock: 8 or 9 */
    u32 repeat;       /* screen dots of one dot: 2 with the halved dot clock */
    u32 start, row_offset, line_compare;
    u32 preset_row, max_row, lines_per_row; /* row scan counter */
    u32 byte_pan, pan, split_pan;
    u32 count_shift;
    u8 dword, word, wrap_bit, cr17; /* address translation */
    u8 chained, linear_planes;
    u8 interleaved, colors_256, byte_colors;
    u8 blink, line_graphics, underline_row, mono, font_select;
    u32 bpp, pitch, base; /* VGA_LINEAR; bytes */
};

/* What the text picture depends on besides its memory. */
struct vga_text_inputs {
    u32 start, cursor;
    u8 cursor_first, cursor_last, cursor_shown, cursor_phase, blink_phase;
};

enum { VGA_FONT_BYTES = 256 * 32 };

struct vga {
    u8 misc, feature, enable;
    u8 sr_index, sr[VGA_SR_COUNT];
    u8 gr_index, gr[VGA_GR_COUNT];
    u8 ar_index, ar[VGA_AR_COUNT];
    bool ar_data; /* the flip-flop: the next write to 3C0h is data */
    u8 cr_index, cr[VGA_CR_COUNT];
    u8 dac_mask, dac_state, dac_read, dac_write, dac_part;
    u8 dac_latch[3];
    u8 dac[768];
    u32 latch;
    u16 vbe_index, vbe[VBE_COUNT];
    bool chained;

    /* derived or host-side: not saved */
    struct space *memory;
    struct clock *clock;
    int priority;
    struct region vram; /* its bytes are saved */
    struct region window, ports, vbe_ports, mmio;
    struct mapping window_map, direct_map, port_map[5], vbe_map;
    u8 edid[EDID_SIZE];

    struct surface surface;
    struct vga_view view; /* as it was drawn */
    struct vga_text_inputs text_inputs;
    u64 dirty[VGA_VRAM_SIZE / PAGE_SIZE / 64]; /* pages written since the last update */
    u8 font[2][VGA_FONT_BYTES];
    u32 *cells; /* as drawn, row by row: text modes */
    size_t cell_count;
    u32 *line; /* one line before panning */
    struct {
        u16 left, right; /* damaged [left, right) */
    } * damage;          /* by line of the surface */
    bool damaged;
};
extern const struct field vga_fields[];

/* Maps ports and the legacy window; `priority` is that of the window. False: no host memory. */
bool vga_init(struct vga *vga, struct space *memory, struct space *ports, struct clock *clock,
              int priority);
void vga_reset(struct vga *vga);
void vga_loaded(struct vga *vga);
void vga_fini(struct vga *vga);

/* vga_regs.c: VGA registers by port, 3B0h..3DFh; also from the MMIO BAR. */
u8 vga_port_read(struct vga *vga, unsigned port);
void vga_port_write(struct vga *vga, unsigned port, u8 value);
extern const struct region_ops vga_port_ops, vga_mmio_ops;

/* vga_vbe.c */
u16 vga_vbe_read(struct vga *vga, unsigned index);
void vga_vbe_write(struct vga *vga, unsigned index, u16 value);
/* Brings the registers of an enabled mode into what memory and limits allow. */
void vga_vbe_fix(struct vga *vga);
extern const struct region_ops vga_vbe_ops;

static inline bool vga_vbe_on(const struct vga *vga)
{
    return vga->vbe[VBE_ENABLE] & VBE_ENABLED;
}

/* Bits that a pixel of the VBE mode takes in memory. */
static inline u32 vga_vbe_bits(const struct vga *vga)
{
    return vga->vbe[VBE_BPP] == 15 ? 16 : vga->vbe[VBE_BPP];
}

/* A VBE mode whose pixels are bytes, not planes. */
static inline bool vga_vbe_packed(const struct vga *vga)
{
    return vga_vbe_on(vga) && vga->vbe[VBE_BPP] > 4;
}

/* Bytes of a line of the VBE mode. */
static inline u32 vga_vbe_pitch(const struct vga *vga)
{
    return (u32)vga->vbe[VBE_VIRT_WIDTH] * vga_vbe_bits(vga) / 8;
}

/* vga_memory.c */
extern const struct region_ops vga_window_ops;
/* A register changed that says how the processor sees video memory. */
void vga_memory_changed(struct vga *vga);
/* Zeroes video memory from `offset` on. */
void vga_memory_clear(struct vga *vga, u32 offset, u32 size);

/* Where the four bytes of plane offset `o` lie in video memory. */
static inline u32 vga_plane_address(bool chained, bool linear, u32 o)
{
    if (linear) {
        return o * 4 & (VGA_VRAM_SIZE - 1);
    }
    return chained ? (o & 3) << 16 | (o & 0xfffc) : (o & 0xffff) * 4;
}

#endif
