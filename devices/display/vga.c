/*
 * vga.c: the adapter's life: what it maps, its reset, its saved state. See vga.h and vga_state.h.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/display/vga_state.h"

const struct field vga_fields[] = {
    FIELD(struct vga, misc),
    FIELD(struct vga, feature),
    FIELD(struct vga, enable),
    FIELD(struct vga, sr_index),
    FIELD_ARRAY(struct vga, sr),
    FIELD(struct vga, gr_index),
    FIELD_ARRAY(struct vga, gr),
    FIELD(struct vga, ar_index),
    FIELD_ARRAY(struct vga, ar),
    FIELD(struct vga, ar_data),
    FIELD(struct vga, cr_index),
    FIELD_ARRAY(struct vga, cr),
    FIELD(struct vga, dac_mask),
    FIELD(struct vga, dac_state),
    FIELD(struct vga, dac_read),
    FIELD(struct vga, dac_write),
    FIELD(struct vga, dac_part),
    FIELD_ARRAY(struct vga, dac_latch),
    FIELD_ARRAY(struct vga, dac),
    FIELD(struct vga, latch),
    FIELD(struct vga, vbe_index),
    FIELD_ARRAY(struct vga, vbe),
    FIELD(struct vga, chained),
    FIELD_BUFFER(struct vga, vram.host, VGA_VRAM_SIZE),
    FIELD_END,
};

static void reset_registers(struct vga *vga)
{
    vga->misc = vga->feature = vga->enable = 0;
    vga->sr_index = vga->gr_index = vga->ar_index = vga->cr_index = 0;
    memset(vga->sr, 0, sizeof vga->sr);
    memset(vga->gr, 0, sizeof vga->gr);
    memset(vga->ar, 0, sizeof vga->ar);
    memset(vga->cr, 0, sizeof vga->cr);
    vga->ar_data = false;
    vga->dac_mask = 0xff;
    vga->dac_state = vga->dac_read = vga->dac_write = vga->dac_part = 0;
    memset(vga->dac_latch, 0, sizeof vga->dac_latch);
    memset(vga->dac, 0, sizeof vga->dac);
    vga->latch = 0;
    vga->vbe_index = 0;
    memset(vga->vbe, 0, sizeof vga->vbe);
    vga->vbe[VBE_ID] = VBE_ID5;
    vga->vbe[VBE_MEMORY_64K] = VGA_VRAM_SIZE / 0x10000;
}

void vga_reset(struct vga *vga)
{
    vga_memory_clear(vga, 0, VGA_VRAM_SIZE);
    reset_registers(vga);
    vga_memory_changed(vga);
}

/* The saved bytes lie in the order that `chained` says; a state that contradicts itself is brought
 * into order. */
struct region *vga_memory(struct vga *vga)
{
    return &vga->vram;
}

void vga_loaded(struct vga *vga)
{
    vga->vbe[VBE_MEMORY_64K] = VGA_VRAM_SIZE / 0x10000;
    if (vga_vbe_on(vga)) {
        vga_vbe_fix(vga);
    }
    vga->ar_index &= 0x3f;
    vga->dac_part %= 3;
    space_written(vga->memory, &vga->vram, 0, VGA_VRAM_SIZE);
    vga_memory_changed(vga);
    vga_redraw(vga);
}

static void map_ports(struct vga *vga, struct space *ports)
{
    /* what lies between belongs to others: a parallel port at 3BCh */
    static const struct {
        u16 first, count;
    } ranges[ARRAY_LEN(vga->port_map)] = {
        {0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 2}, {0x3da, 1},
    };
    for (unsigned i = 0; i < ARRAY_LEN(ranges); i++) {
        space_map_part(ports, &vga->port_map[i], &vga->ports, ranges[i].first - 0x3b0,
                       ranges[i].count, ranges[i].first, 0, MAP_ALL);
    }
    space_map(ports, &vga->vbe_map, &vga->vbe_ports, 0x1ce, 0);
}

bool vga_init(struct vga *vga, struct space *memory, struct space *ports, struct clock *clock,
              int priority)
{
    if (!region_init_ram(&vga->vram, "vga.vram", VGA_VRAM_SIZE)) {
        return false;
    }
    vga->memory = memory;
    vga->clock = clock;
    vga->priority = priority;
    edid_build(vga->edid, 1024, 768);
    region_init_io(&vga->window, "vga-lowmem", VGA_WINDOW_SIZE, &vga_window_ops, vga);
    region_init_io(&vga->ports, "vga", 0x30, &vga_port_ops, vga);
    region_init_io(&vga->vbe_ports, "vbe", 4, &vga_vbe_ops, vga);
    region_init_io(&vga->mmio, "vga.mmio", VGA_MMIO_SIZE, &vga_mmio_ops, vga);
    space_map(memory, &vga->window_map, &vga->window, VGA_WINDOW_BASE, priority);
    map_ports(vga, ports);
    reset_registers(vga);
    return true;
}

void vga_fini(struct vga *vga)
{
    space_unmap(&vga->direct_map);
    space_unmap(&vga->window_map);
    space_unmap(&vga->vbe_map);
    for (unsigned i = 0; i < ARRAY_LEN(vga->port_map); i++) {
        space_unmap(&vga->port_map[i]);
    }
    region_destroy(&vga->window);
    region_destroy(&vga->ports);
    region_destroy(&vga->vbe_ports);
    region_destroy(&vga->mmio);
    region_destroy(&vga->vram);
    surface_free(&vga->surface);
    free(vga->cells);
    free(vga->line);
    free(vga->damage);
}
