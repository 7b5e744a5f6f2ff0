/*
 * piix3_ide.h: the IDE function of a PIIX3 on the PCI bus (8086:7010, usually at 00:01.1).
 */
#ifndef DEVICES_STORAGE_PIIX3_IDE_H
#define DEVICES_STORAGE_PIIX3_IDE_H

#include "devices/chipset/pci.h"

/* The PCI face of `ide` (of ide_create()): maps its bus-master registers at BAR 4, and lets it
 * reach memory as the command register says. It is destroyed before `ide`. */
struct device *piix3_ide_create(struct pci_bus *bus, u8 devfn, struct device *ide);

#endif
