/*
 * hpet.h: high-precision event timer, three timers at 100 MHz.
 */
#ifndef DEVICES_TIMER_HPET_H
#define DEVICES_TIMER_HPET_H

#include <stdio.h>

#include "devices/core/device.h"

enum { HPET_TIMERS = 3, HPET_ROUTES = 32, HPET_PERIOD_NS = 10 };

struct hpet_timer {
    u64 config;     /* bits 31:0 of the configuration register; the routes above are derived */
    u64 comparator; /* 32 bits wide in 32-bit mode */
    u64 period;     /* periodic mode: added at each match */
    u64 seen;       /* counter when a timer that is not heard was last looked at */
    u64 fsb;        /* stored only */
    struct timer timer;
    /* derived or host-side: not saved */
    struct hpet *hpet;
};

struct hpet {
    struct device dev;
    u64 config;  /* ENABLE_CNF, LEG_RT_CNF */
    u64 status;  /* general interrupt status */
    u64 counter; /* main counter at start_ns, or while it is stopped */
    i64 start_ns;
    bool pit_level, rtc_level; /* levels of the two inputs below */
    struct hpet_timer timer[HPET_TIMERS];
    /* derived or host-side: not saved */
    struct irq pit_in,
        rtc_in; /* inputs: PIT OUT0 and the RTC's IRQ, passed on unless legacy replacement is on */
    struct irq *routes[HPET_ROUTES];
    struct irq *irq0, *irq8;
    u32 route_mask;
    struct clock *clock;
    struct region registers;
    struct mapping map;
};

struct hpet_config {
    /* Bit n: a timer's interrupt can be routed to routes[n]. QEMU's pc has 4 (IOAPIC pin 2), its
     * q35 FF0104h. */
    u32 route_mask;
    struct irq *routes[HPET_ROUTES];
    struct irq *irq0,
        *irq8; /* ISA IRQ 0 and 8: legacy replacement, and what pit_in and rtc_in pass on */
};

/* Registers at `base` (FED00000h) of `memory`. */
struct hpet *hpet_create(struct space *memory, paddr base, struct clock *clock,
                         const struct hpet_config *config);

void hpet_print(struct hpet *hpet, FILE *out);

#endif
