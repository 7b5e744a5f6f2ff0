/*
 * vga_pci.h: the display adapter as a PCI function, QEMU's `-vga std`: 1234:1111, base address 0
 * the frame buffer, base address 2 registers and EDID, its BIOS as expansion ROM.
 *
 * Document: QEMU docs/specs/standard-vga.
 */
#ifndef DEVICES_DISPLAY_VGA_PCI_H
#define DEVICES_DISPLAY_VGA_PCI_H

#include "devices/chipset/pci.h"
#include "devices/display/vga.h"

/* `rom` (copied; NULL: none) is the VGA BIOS. NULL with `err` filled when there is no memory or the
 * ROM is too large. */
struct device *vga_pci_create(struct pci_bus *bus, u8 devfn, struct clock *clock, const void *rom,
                              size_t rom_size, struct error *err);
struct vga *vga_pci_vga(struct device *dev);

#endif
