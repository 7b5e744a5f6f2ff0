/*
 * vga.h: what shows the picture sees of the display adapter.
 *
 * Models the VGA at register level and the Bochs dispi extension ("VBE"), the whole of QEMU's
 * `-vga std`. vga_pci.h makes one.
 *
 * Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem" (1992); Bochs VBE
 * display interface, version B0C5; QEMU docs/specs/standard-vga.
 * Not modelled: the vertical retrace interrupt, the light pen, shift-register loads every second or
 * fourth character clock, blinking in graphics modes, the border.
 */
#ifndef DEVICES_DISPLAY_VGA_H
#define DEVICES_DISPLAY_VGA_H

#include "devices/display/surface.h"

struct vga;

/* Brings the picture up to date, at guest time now. True when there is damage that nobody took.
 * Costs next to nothing when the guest changed nothing. */
bool vga_update(struct vga *vga);
/* As of the last update; it may have another size and other pixels after the next one. In dots of
 * the full dot clock: 320x200 is 640x400 here, as on the monitor. */
const struct surface *vga_surface(const struct vga *vga);
/* What changed since the last call, at most `max` rectangles (several changes then share one); a
 * change of size damages everything. */
unsigned vga_take_damage(struct vga *vga, struct rect *rects, unsigned max);
/* The next update draws everything. */
void vga_redraw(struct vga *vga);
/* Its memory. */
struct region *vga_memory(struct vga *vga);

struct vga_cell {
    u8 ch;   /* in the guest's font, as a rule code page 437 */
    u8 attr; /* bits 0-3 foreground, 4-6 background, 7 blink or bright background */
};

enum { VGA_TEXT_CELLS = 16384 };

struct vga_text {
    unsigned columns, rows;
    bool cursor; /* shown now, blinking apart; its place is valid then */
    unsigned cursor_x, cursor_y;
    bool blink;                           /* attribute bit 7 blinks */
    struct vga_cell cell[VGA_TEXT_CELLS]; /* row by row */
};

/* The characters on the screen; false in a graphics mode. */
bool vga_text(struct vga *vga, struct vga_text *text);

#endif
