/*
 * lapic.h: the local APIC of one processor.
 *
 * It knows its processor only by the wires in struct lapic_config and is driven by the functions
 * below. The INTR wire is a level: high exactly while lapic_acknowledge() has something to give, so
 * that the processor polls nothing.
 */
#ifndef DEVICES_IRQ_LAPIC_H
#define DEVICES_IRQ_LAPIC_H

#include <stdio.h>

#include "devices/core/device.h"
#include "devices/irq/apic_bus.h"

struct lapic;

/* The timer counts a bus clock of 1 GHz: a tick of the undivided timer is a nanosecond of guest
 * time. */
#define LAPIC_BUS_HZ 1000000000ull

struct lapic_config {
    u32 id;   /* the initial APIC ID */
    bool bsp; /* the bootstrap processor: LINT0 starts as ExtINT, as firmware would leave it */
    bool has_x2apic;       /* CPUID.01H:ECX.x2APIC */
    bool has_tsc_deadline; /* CPUID.01H:ECX.TSC_Deadline */
    u8 phys_bits;          /* MAXPHYADDR */

    /* Wires to the processor. NMI, SMI and INIT are pulsed. */
    struct irq *intr, *nmi, *smi, *init;
    void (*sipi)(void *opaque, u8 vector); /* start-up IPI: run at vector << 12 if waiting for it */
    /* The guest's time-stamp counter now, and its constant rate, for the TSC-deadline timer. */
    u64 (*read_tsc)(void *opaque);
    u64 tsc_hz;
    void *processor; /* the opaque of sipi and read_tsc */

    /* The INTA cycles of ExtINT: i8259_acknowledge(). NULL on processors without a PIC. */
    int (*pic_acknowledge)(void *opaque);
    void *pic;
};

struct lapic *lapic_create(struct space *memory, struct clock *clock, struct apic_bus *bus,
                           const struct lapic_config *config);
struct device *lapic_device(struct lapic *lapic);

/* The LINT0 (the PIC's INTR) and LINT1 (NMI) pins: levels. */
struct irq *lapic_lint(struct lapic *lapic, unsigned pin);

/* Takes the interrupt that INTR announces: its vector, the spurious vector if TPR has since gone
 * up, -1 for none. */
int lapic_acknowledge(struct lapic *lapic);

/* MSRs 1Bh (IA32_APIC_BASE), 6E0h (IA32_TSC_DEADLINE) and 800h..8FFh. False: the processor raises
 * #GP(0). */
bool lapic_read_msr(struct lapic *lapic, u32 index, u64 *value);
bool lapic_write_msr(struct lapic *lapic, u32 index, u64 value);
u64 lapic_get_base(const struct lapic *lapic);
bool lapic_set_base(struct lapic *lapic, u64 value);

/* CR8: bits 7:4 of TPR. */
unsigned lapic_get_cr8(const struct lapic *lapic);
void lapic_set_cr8(struct lapic *lapic, unsigned value);

/* CPUID.01H:EBX[31:24], .0BH:EDX; the CPUID.APIC bit follows IA32_APIC_BASE.EN. */
u32 lapic_id(const struct lapic *lapic);
bool lapic_enabled(const struct lapic *lapic);

/* INIT reached the processor by another way than the APIC bus (the chipset): the local APIC starts
 * anew. */
void lapic_init_reset(struct lapic *lapic);
/* The processor wrote its TSC: a TSC deadline moves on the clock. */
void lapic_tsc_changed(struct lapic *lapic);

/* Interrupts that the processor itself raises through the local vector table. */
enum lapic_source { LAPIC_THERMAL, LAPIC_PERFORMANCE };
void lapic_local_interrupt(struct lapic *lapic, enum lapic_source source);

void lapic_print(struct lapic *lapic, FILE *out);

/* Its state, for who looks at it. */
struct lapic_look {
    bool enabled, software, x2apic; /* by IA32_APIC_BASE; by the spurious-interrupt register */
    u64 base;
    u32 id;
    u8 tpr, ppr;
    u32 irr[8], isr[8], lvt[6]; /* timer, thermal, performance, LINT0, LINT1, error */
};
void lapic_look(const struct lapic *lapic, struct lapic_look *look);

#endif
