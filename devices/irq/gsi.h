/*
 * gsi.h: the board's wiring of interrupt lines to both interrupt controllers.
 *
 * Lines 0..15 are the ISA IRQs: each goes to its input of the 8259s and to the IOAPIC's pin of the
 * same number, but IRQ 0 goes to pin 2 (ACPI tells it by an interrupt source override) and line 2
 * to pin 2 alone. Lines 16..23 reach the IOAPIC only.
 */
#ifndef DEVICES_IRQ_GSI_H
#define DEVICES_IRQ_GSI_H

#include "cpu/base/irq.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"

struct gsi {
    struct irq lines[IOAPIC_PINS];
    struct irq *pic[16], *ioapic[IOAPIC_PINS];
};

/* `ioapic` may be NULL (a machine without one). */
void gsi_init(struct gsi *gsi, struct i8259 *pic, struct ioapic *ioapic);

#endif
