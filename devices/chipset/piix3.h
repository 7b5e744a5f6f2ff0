/*
 * piix3.h: function 0 of the 82371SB (PIIX3): the ISA bridge, with interrupt steering and reset
 * control.
 *
 * Document: 82371FB (PIIX) and 82371SB (PIIX3), order number 290550-002.
 * Modelled: PIRQRCA..D, the reset control register at port CF9h, the wire OR of every ISA
 * interrupt. The bridge's timing, X-bus, DMA-routing and SMI registers are plain storage. APM
 * ports, 8259s, 8254 and 8237s have files of their own.
 */
#ifndef DEVICES_CHIPSET_PIIX3_H
#define DEVICES_CHIPSET_PIIX3_H

#include "devices/chipset/pci.h"

struct piix3;

struct piix3_wires {
    struct irq *isa[16]; /* to interrupt controllers: 8259 and I/O APIC alike */
    struct irq *reset;   /* pulsed: hard reset of the machine */
    struct irq *init;    /* pulsed: soft reset of the processor */
};

/* Puts the bridge at `devfn` (function 0 of a multi-function device) and takes the bus's PIRQs. */
struct piix3 *piix3_create(struct pci_bus *bus, u8 devfn, const struct piix3_wires *wires);
struct device *piix3_device(struct piix3 *piix3);
/* A new source for ISA interrupt `irq`: each device asks for its own, so that shared lines are
 * ORed. At most 64. */
struct irq *piix3_irq(struct piix3 *piix3, unsigned irq);

#endif
