/*
 * ioapic.h: the I/O APIC with 24 inputs.
 */
#ifndef DEVICES_IRQ_IOAPIC_H
#define DEVICES_IRQ_IOAPIC_H

#include <stdio.h>

#include "devices/core/device.h"
#include "devices/irq/apic_bus.h"

enum { IOAPIC_PINS = 24 };

struct ioapic {
    struct device dev;
    u8 ioregsel, id;
    u32 lines; /* levels of the inputs; high means asserted, whatever the polarity bit says */
    u32 irr;   /* requests that have not been sent */
    u64 redirection[IOAPIC_PINS];
    /* derived or host-side: not saved */
    struct irq inputs[IOAPIC_PINS];
    struct apic_bus *bus;
    struct apic_agent agent;
    struct region registers;
    struct mapping map;
};

/* Registers at `base` (FEC00000h on a PC) of `memory`. */
struct ioapic *ioapic_create(struct space *memory, paddr base, struct apic_bus *bus);

void ioapic_print(const struct ioapic *ioapic, FILE *out);

#endif
