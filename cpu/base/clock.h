/*
 * clock.h: the machine's one clock, and the timers that hang on it.
 *
 * All guest time derives from clock_now(). In host mode it follows the host's monotonic clock while it runs and stands
 * still while stopped; in counted mode it is advanced by executed instructions, which makes a run repeatable. Timers
 * fire from clock_run_timers() only, in order of deadline, on the machine's thread.
 */
#ifndef CPU_BASE_CLOCK_H
#define CPU_BASE_CLOCK_H

#include "cpu/base/types.h"

#define NS_PER_SECOND 1000000000ull
#define CLOCK_NEVER   INT64_MAX

struct clock;

struct timer {
    struct clock *clock;
    void (*fire)(void *opaque);
    void         *opaque;
    i64           deadline_ns; /* CLOCK_NEVER: not armed */
    struct timer *next;        /* in the clock's list, by deadline */
};

struct clock *clock_create(void);
void          clock_destroy(struct clock *clock);

/* Guest nanoseconds since the machine was made. Never goes back. */
i64  clock_now(struct clock *clock);
void clock_stop(struct clock *clock);  /* time stands still (machine paused) */
void clock_start(struct clock *clock); /* clocks are created stopped, at 0 */
bool clock_running(const struct clock *clock);

/* Counted mode (and tests): from here on clock_now() returns only what clock_advance() adds. */
void clock_set_counted(struct clock *clock, bool counted);
bool clock_counted(const struct clock *clock);
void clock_advance(struct clock *clock, i64 ns);
/* In counted mode time also advances by itself, 2^shift nanoseconds for each unit that count(opaque) has grown. Then whoever counts runs the
 * timers, not loop_dispatch(). NULL: by clock_advance() alone. */
void clock_set_counter(struct clock *clock, u64 (*count)(void *opaque), void *opaque, unsigned shift);
/* With a counter: now it is `now_ns`. Time goes back only where the whole machine does. */
void clock_set(struct clock *clock, i64 now_ns);
bool clock_has_counter(const struct clock *clock);
/* The count at which clock_now() will have come to `deadline_ns`; the present one if it is past. */
u64 clock_count_at(const struct clock *clock, i64 deadline_ns);

/* Seconds since 1970-01-01 UTC at guest time 0; the RTC and only the RTC uses it. */
i64  clock_epoch(struct clock *clock);
void clock_set_epoch(struct clock *clock, i64 unix_seconds);

void timer_init(struct timer *timer, struct clock *clock, void (*fire)(void *opaque), void *opaque);
/* Arms `timer` for `deadline_ns` of clock_now(); a deadline in the past fires at the next opportunity. */
void timer_set(struct timer *timer, i64 deadline_ns);
void timer_cancel(struct timer *timer);
static inline bool timer_armed(const struct timer *timer)
{
    return timer->deadline_ns != CLOCK_NEVER;
}

/* The earliest deadline, or CLOCK_NEVER. Any thread. */
i64 clock_next_deadline(struct clock *clock);
/* The same in the host's monotonic nanoseconds; CLOCK_NEVER too while the clock is stopped or counted. Any thread. */
i64 clock_host_deadline(struct clock *clock);
/* Fires every timer whose deadline is not after clock_now(); at most once each per call. */
void clock_run_timers(struct clock *clock);
/* Those that are armed, in the order in which they will fire; at most `max`. Set again in this order they fire in this order. */
unsigned clock_timers(struct clock *clock, struct timer **timers, unsigned max);
/* Called whenever the earliest deadline may have moved closer (so that a running processor can be told). Up to four
 * listeners; all are called. */
void clock_on_deadline(struct clock *clock, void (*changed)(void *opaque), void *opaque);
void clock_forget_deadline(struct clock *clock, void *opaque);

/* The host's monotonic clock: for waiting on the host, never for guest time. */
i64 host_now(void);

/* value * numerator / denominator without overflow: ns <-> ticks. */
static inline u64 muldiv64(u64 value, u64 numerator, u64 denominator)
{
    u64 rest;
    if (!__builtin_mul_overflow(value % denominator, numerator, &rest)) { /* a division of 128 bits is slow */
        return value / denominator * numerator + rest / denominator;
    }
    return (u64)((u128)value * numerator / denominator);
}

#endif
