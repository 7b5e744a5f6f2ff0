/*
 * i8254.h: the PC's interval timer and port 61h.
 */
#ifndef DEVICES_TIMER_I8254_H
#define DEVICES_TIMER_I8254_H

#include <stdio.h>

#include "devices/core/device.h"

#define I8254_HZ 1193182ull

/* All times are ticks of the 1.193182 MHz input since guest time 0. */
struct i8254_counter {
    u8 mode;   /* 0..5 */
    u8 access; /* control word RW: 1 low byte, 2 high byte, 3 both */
    bool bcd;
    bool gate;
    bool high_byte_next_write, high_byte_next_read;
    u8 write_low; /* the low byte of a two-byte count */
    bool count_latched, status_latched;
    u16 latched_count;
    u8 latched_status;
    u32 next;                /* CR: the count written last, 1..10000h */
    bool next_valid;         /* CR holds a count since the last control word */
    bool null_count;         /* CR has not reached CE */
    bool counting;           /* CE was loaded since the last control word */
    bool frozen;             /* the gate (or a half-written count) stops CE, at `elapsed` */
    bool out_low_until_load; /* mode 0: OUT is low from the control word on */
    u32 period;              /* the count that CE was loaded with */
    i64 start;               /* CE holds `period` at this tick */
    i64 elapsed;             /* while frozen: ticks since the load */
    bool switching;          /* modes 2 and 3: `next` becomes `period` at `switch_tick` */
    i64 switch_tick;
    i64 edge; /* the tick of the OUT edge that `timer` waits for */
    struct timer timer;
    /* derived or host-side: not saved */
    struct irq *out;
};

struct i8254 {
    struct device dev;
    struct i8254_counter counter[3];
    u8 port61;     /* bits 3:0 as written */
    u8 nmi_status; /* bit 6: IOCHK#, bit 7: SERR# */
    u8 nmi_lines;  /* the same bits, levels of the inputs */
    /* derived or host-side: not saved */
    struct irq iochk, serr; /* inputs: NMI sources */
    struct irq *nmi;
    struct clock *clock;
    struct region ports, port_b;
    struct mapping port_map, port_b_map;
};

/* Ports 40h-43h and 61h. out[0] is IRQ 0's wire; any wire may be NULL. `nmi` is high while a source
 * waits: port 70h's mask is the machine's to apply. */
struct i8254 *i8254_create(struct space *ports, struct clock *clock, struct irq *const out[3],
                           struct irq *nmi);

/* The speaker: the frequency of its square wave, 0 if it is silent. */
unsigned i8254_speaker_hz(struct i8254 *pit);

void i8254_print(struct i8254 *pit, FILE *out);

#endif
