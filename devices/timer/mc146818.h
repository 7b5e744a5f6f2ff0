/*
 * mc146818.h: the real-time clock and the CMOS memory.
 */
#ifndef DEVICES_TIMER_MC146818_H
#define DEVICES_TIMER_MC146818_H

#include <stdio.h>

#include "devices/core/device.h"

struct mc146818 {
    struct device dev;
    u8 cmos[128]; /* registers A to D and memory; the time registers as of `seconds` or as written
                     under SET */
    u8 index;     /* port 70h, bits 6:0 */
    bool nmi_masked;    /* port 70h, bit 7 */
    i64 seconds;        /* the time shown, in seconds since 1970 */
    u8 weekday_shift;   /* register 6 is the date's weekday (1..7) plus this */
    i64 update_ns;      /* the next update of the time */
    i64 divider_ns;     /* the phase of the divider chain: periodic ticks count from here */
    u64 periodic_count; /* periodic ticks since divider_ns that have been noted */
    u32 lost_ticks;     /* periodic interrupts owed to the guest (slew) */
    struct timer update_timer, periodic_timer;
    /* derived or host-side: not saved */
    bool slew;
    struct irq *irq;
    struct clock *clock;
    struct region ports;
    struct mapping map;
};

struct mc146818_config {
    bool slew; /* QEMU's -rtc driftfix=slew: periodic interrupts that the guest was too late for are
                  made up */
};

/* Ports 70h-71h; `irq` is IRQ 8's wire. The time starts at clock_epoch(). */
struct mc146818 *mc146818_create(struct space *ports, struct clock *clock, struct irq *irq,
                                 const struct mc146818_config *config);

/* CMOS contents, for the machine to describe itself to the firmware (index 0Eh..7Fh but 32h). */
void rtc_set_cmos(struct mc146818 *rtc, u8 index, u8 value);
u8 rtc_get_cmos(struct mc146818 *rtc, u8 index);

/* Shows another time from now on. */
void rtc_set_time(struct mc146818 *rtc, i64 unix_seconds);

/* Bit 7 of port 70h: the processor's NMI input is shut. */
bool rtc_nmi_masked(const struct mc146818 *rtc);

void rtc_print(struct mc146818 *rtc, FILE *out);

#endif
