/*
 * lapic_state.h: what the parts of the local APIC share: lapic.c and lapic_timer.c. Private to them.
 */
#ifndef DEVICES_IRQ_LAPIC_STATE_H
#define DEVICES_IRQ_LAPIC_STATE_H

#include "cpu/base/bits.h"
#include "devices/irq/lapic.h"

enum { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

#define LVT_REMOTE_IRR BIT(14)
#define LVT_LEVEL      BIT(15)
#define LVT_MASKED     BIT(16)

enum timer_mode { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_TSC_DEADLINE, TIMER_RESERVED };

struct lapic {
    struct device dev;
    u64 base; /* IA32_APIC_BASE */
    u32 id;   /* the ID register: 8 bits in xAPIC mode */
    u32 tpr, ldr, dfr, svr;
    u32 isr[8], tmr[8], irr[8];
    u32 esr, esr_latched; /* errors collected; and as the last write to ESR showed them */
    u64 icr;
    u32 lvt[LVT_COUNT];
    bool lint_level[2];
    bool extint; /* an ExtINT message from the bus waits */
    u32 initial_count, divide;
    bool counting;
    i64 count_start_ns; /* when the timer held initial_count (periodic: in this period) */
    u64 tsc_deadline;
    struct timer timer;
    /* derived or host-side: not saved */
    struct lapic_config config;
    struct apic_bus *bus;
    struct apic_agent agent;
    struct irq lint[2];
    struct space *memory;
    struct region registers;
    struct mapping map;
};

/* An entry of the local vector table delivers, unless it is masked. */
void lapic_local_vector(struct lapic *lapic, unsigned entry);

/* ---- the timer (lapic_timer.c): SDM Vol. 3A 10.5.4 */
void lapic_timer_create(struct lapic *lapic, struct clock *clock);
void lapic_timer_reset(struct lapic *lapic);
/* After a saved state has been loaded: values that no run leads to do no harm. */
void lapic_timer_loaded(struct lapic *lapic);
enum timer_mode lapic_timer_mode(const struct lapic *lapic);
/* The entry of the local vector table has been written; `before`: its mode until then. */
void lapic_timer_mode_changed(struct lapic *lapic, enum timer_mode before);
u32  lapic_timer_current(struct lapic *lapic);
void lapic_timer_write_initial(struct lapic *lapic, u32 value);
void lapic_timer_write_divide(struct lapic *lapic, u32 value);
void lapic_timer_write_deadline(struct lapic *lapic, u64 value);

#endif
