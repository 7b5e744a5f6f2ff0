/*
 * ioapic.h: the I/O APIC with 24 inputs.
 */
#ifndef DEVICES_IRQ_IOAPIC_H
#define DEVICES_IRQ_IOAPIC_H

#include <stdio.h>

#include "devices/core/device.h"
#include "devices/irq/apic_bus.h"

enum { IOAPIC_PINS = 24, IOAPIC_INPUTS = 32 };

struct ioapic {
    struct device dev;
    u8 ioregsel, id;
    u32 lines;  /* levels of the pins; high means asserted, whatever the polarity bit says */
    u32 driven; /* levels of the inputs: those from IOAPIC_PINS on share a pin with others */
    u32 irr;    /* requests that have not been sent */
    u64 redirection[IOAPIC_PINS];
    /* derived or host-side: not saved */
    struct irq inputs[IOAPIC_INPUTS];
    unsigned input_count;
    u32 inputs_of[IOAPIC_PINS]; /* bit per input */
    struct apic_bus *bus;
    struct apic_agent agent;
    struct region registers;
    struct mapping map;
};

/* Registers at `base` (FEC00000h on a PC) of `memory`. */
struct ioapic *ioapic_create(struct space *memory, paddr base, struct apic_bus *bus);

/* One more driver of a pin, which is asserted while any of its drivers says so. */
struct irq *ioapic_share(struct ioapic *ioapic, unsigned pin);

void ioapic_print(const struct ioapic *ioapic, FILE *out);

#endif
