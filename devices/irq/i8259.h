/*
 * i8259.h: the PC's two cascaded interrupt controllers.
 */
#ifndef DEVICES_IRQ_I8259_H
#define DEVICES_IRQ_I8259_H

#include <stdio.h>

#include "devices/core/device.h"

/* One 8259A; chip 0 is the master (IRQ 0-7), chip 1 the slave (IRQ 8-15) on the master's input 2.
 */
struct i8259_chip {
    u8 lines; /* levels of the inputs */
    u8 irr, isr, imr;
    u8 elcr;         /* 1: level-triggered */
    u8 vector_base;  /* ICW2 bits 7:3 */
    u8 lowest;       /* the input of lowest priority; 7 unless rotated */
    u8 expected_icw; /* 0: initialised, else the ICW (2..4) that comes next */
    bool needs_icw4, single;
    bool read_isr, poll, special_mask;
    bool auto_eoi, rotate_on_auto_eoi, special_fully_nested;
};

struct i8259 {
    struct device dev;
    struct i8259_chip chip[2];
    /* derived or host-side: not saved */
    struct irq inputs[16]; /* ISA IRQ lines; 2 is the cascade and connects to nothing */
    struct irq *intr;
    struct region ports[2], elcr_ports;
    struct mapping port_maps[2], elcr_map;
};

/* Ports 20h-21h, A0h-A1h and 4D0h-4D1h. `intr` is high while an interrupt waits. */
struct i8259 *i8259_create(struct space *ports, struct irq *intr);

/* The processor's INTA cycles: gives the vector and puts the interrupt in service. When nothing
 * waits (any more) it is the spurious vector of IRQ 7 or 15, which is not put in service. */
int i8259_acknowledge(struct i8259 *pic);

/* The monitor's `info pic`. */
void i8259_print(const struct i8259 *pic, FILE *out);

#endif
