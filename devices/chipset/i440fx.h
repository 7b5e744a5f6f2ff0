/*
 * i440fx.h: the 82441FX PCI and memory controller as the `pc` machine has it, and the layout of
 * RAM.
 *
 * Document: Intel 440FX PCIset, 82441FX (PMC) and 82442FX (DBX), order number 290549-001.
 * Modelled: PAM0 to PAM6, SMRAM (open, closed, locked). The DRAM row and timing registers are plain
 * storage: firmware for emulators takes the size of RAM from CMOS and fw_cfg. Not modelled: D_CLS
 * (data accesses of SMM code going to PCI), the DRAM error registers, the second host bridge
 * function.
 */
#ifndef DEVICES_CHIPSET_I440FX_H
#define DEVICES_CHIPSET_I440FX_H

#include "devices/chipset/pci.h"

/* RAM that does not fit below the PCI hole goes on at 4 GiB. */
struct ram_layout {
    u64 below_4g, above_4g; /* bytes */
};
struct ram_layout ram_layout(u64 ram_size);

struct i440fx;

/* Puts the host bridge at device 0 and maps `ram` (at least 1 MiB) around the holes of the PC's
 * address map. */
struct i440fx *i440fx_create(struct pci_bus *bus, struct region *ram);
struct device *i440fx_device(struct i440fx *i440fx);

#endif
