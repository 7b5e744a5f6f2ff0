/*
 * clock.c: see clock.h.
 *
 * Guest time is host monotonic time plus an offset while the clock follows the host, and a plain
 * number while it is stopped or counted. Timers stand in one list by deadline: a machine has a few
 * dozen. The earliest deadline and the offset are atomics, so that the loop's watching thread can
 * compute when to wake without a lock.
 */
#include "cpu/base/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <time.h>

#include "cpu/base/mem.h"

struct clock {
    bool running, counted;
    i64 frozen;                /* guest time while stopped or counted */
    _Atomic i64 offset;        /* guest time - host time, while following the host */
    _Atomic bool follows_host; /* running && !counted */
    _Atomic i64 earliest;      /* deadline of timers' head */
    u64 (*count)(void *opaque);
    void *count_opaque;
    u64 counted_from; /* what it was at guest time `frozen` */
    unsigned shift;
    i64 epoch;
    struct timer *timers; /* by deadline; equal ones in the order in which they were set */
    struct timer *due;    /* taken from `timers` by clock_run_timers(), not fired yet */
    bool firing;
    struct {
        void (*changed)(void *opaque);
        void *opaque;
    } listeners[4];
    unsigned listener_count;
};

i64 host_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (i64)ts.tv_sec * (i64)NS_PER_SECOND + ts.tv_nsec;
}

struct clock *clock_create(void)
{
    struct clock *clock = mem_zeroed(1, sizeof *clock);
    atomic_init(&clock->offset, 0);
    atomic_init(&clock->follows_host, false);
    atomic_init(&clock->earliest, CLOCK_NEVER);
    return clock;
}

void clock_destroy(struct clock *clock)
{
    free(clock);
}

static bool follows_host(const struct clock *clock)
{
    return clock->running && !clock->counted;
}

static bool follows_count(const struct clock *clock)
{
    return clock->counted && clock->count;
}

i64 clock_now(struct clock *clock)
{
    if (follows_count(clock)) {
        return clock->frozen + (i64)((clock->count(clock->count_opaque) - clock->counted_from) << clock->shift);
    }
    if (!follows_host(clock)) {
        return clock->frozen;
    }
    return host_now() + atomic_load_explicit(&clock->offset, memory_order_relaxed);
}

static void tell_listeners(struct clock *clock)
{
    for (unsigned i = 0; i < clock->listener_count; i++) {
        clock->listeners[i].changed(clock->listeners[i].opaque);
    }
}

/* Changes what drives the time, without a jump. */
static void set_mode(struct clock *clock, bool running, bool counted)
{
    i64 now = clock_now(clock);
    clock->running = running;
    clock->counted = counted;
    clock->frozen = now;
    if (follows_count(clock)) {
        clock->counted_from = clock->count(clock->count_opaque);
    }
    if (follows_host(clock)) {
        atomic_store(&clock->offset, now - host_now());
    }
    atomic_store(&clock->follows_host, follows_host(clock));
    tell_listeners(clock);
}

void clock_stop(struct clock *clock)
{
    set_mode(clock, false, clock->counted);
}

void clock_start(struct clock *clock)
{
    set_mode(clock, true, clock->counted);
}

bool clock_running(const struct clock *clock)
{
    return clock->running;
}

void clock_set_counted(struct clock *clock, bool counted)
{
    set_mode(clock, clock->running, counted);
}

bool clock_counted(const struct clock *clock)
{
    return clock->counted;
}

void clock_advance(struct clock *clock, i64 ns)
{
    assert(ns >= 0);
    if (clock->counted) {
        clock->frozen += ns;
    }
}

void clock_set_counter(struct clock *clock, u64 (*count)(void *opaque), void *opaque, unsigned shift)
{
    clock->frozen = clock_now(clock);
    clock->count = count;
    clock->count_opaque = opaque;
    clock->counted_from = count ? count(opaque) : 0;
    clock->shift = shift;
}

void clock_set(struct clock *clock, i64 now_ns)
{
    assert(follows_count(clock));
    clock->frozen = now_ns;
    clock->counted_from = clock->count(clock->count_opaque);
}

bool clock_has_counter(const struct clock *clock)
{
    return follows_count(clock);
}

u64 clock_count_at(const struct clock *clock, i64 deadline_ns)
{
    u64 ns = deadline_ns > clock->frozen ? (u64)deadline_ns - (u64)clock->frozen : 0;
    u64 at = clock->counted_from + (ns >> clock->shift) + ((ns & ((1ull << clock->shift) - 1)) != 0);
    u64 now = clock->count(clock->count_opaque);
    return at > now ? at : now;
}

i64 clock_epoch(struct clock *clock)
{
    return clock->epoch;
}

void clock_set_epoch(struct clock *clock, i64 unix_seconds)
{
    clock->epoch = unix_seconds;
}

void timer_init(struct timer *timer, struct clock *clock, void (*fire)(void *opaque), void *opaque)
{
    *timer =
        (struct timer){.clock = clock, .fire = fire, .opaque = opaque, .deadline_ns = CLOCK_NEVER};
}

static void update_earliest(struct clock *clock)
{
    i64 earliest = clock->timers ? clock->timers->deadline_ns : CLOCK_NEVER;
    atomic_store_explicit(&clock->earliest, earliest, memory_order_release);
}

static bool unlink_from(struct timer **list, struct timer *timer)
{
    for (; *list; list = &(*list)->next) {
        if (*list == timer) {
            *list = timer->next;
            return true;
        }
    }
    return false;
}

static void unlink_timer(struct timer *timer)
{
    if (timer_armed(timer) && !unlink_from(&timer->clock->timers, timer)) {
        unlink_from(&timer->clock->due, timer);
    }
    timer->deadline_ns = CLOCK_NEVER;
    timer->next = NULL;
}

void timer_cancel(struct timer *timer)
{
    if (timer_armed(timer)) {
        unlink_timer(timer);
        update_earliest(timer->clock);
    }
}

void timer_set(struct timer *timer, i64 deadline_ns)
{
    struct clock *clock = timer->clock;
    i64 before = atomic_load_explicit(&clock->earliest, memory_order_relaxed);
    unlink_timer(timer);
    if (deadline_ns != CLOCK_NEVER) {
        struct timer **at = &clock->timers;
        while (*at && (*at)->deadline_ns <= deadline_ns) {
            at = &(*at)->next;
        }
        timer->deadline_ns = deadline_ns;
        timer->next = *at;
        *at = timer;
    }
    update_earliest(clock);
    if (deadline_ns < before) {
        tell_listeners(clock);
    }
}

i64 clock_next_deadline(struct clock *clock)
{
    return atomic_load_explicit(&clock->earliest, memory_order_acquire);
}

i64 clock_host_deadline(struct clock *clock)
{
    i64 earliest = clock_next_deadline(clock);
    if (earliest == CLOCK_NEVER || !atomic_load(&clock->follows_host)) {
        return CLOCK_NEVER;
    }
    i64 host;
    if (__builtin_sub_overflow(earliest, atomic_load(&clock->offset), &host)) {
        return earliest < 0 ? 0 : CLOCK_NEVER; /* no host lives that long, or it is long past */
    }
    return host;
}

/* Moves the timers that are due at `now` from `timers` to `due`. */
static void collect_due(struct clock *clock, i64 now)
{
    struct timer **end = &clock->timers;
    while (*end && (*end)->deadline_ns <= now) {
        end = &(*end)->next;
    }
    if (end == &clock->timers) {
        return;
    }
    clock->due = clock->timers;
    clock->timers = *end;
    *end = NULL;
}

void clock_run_timers(struct clock *clock)
{
    if (clock->firing || clock_next_deadline(clock) == CLOCK_NEVER) {
        return;
    }
    clock->firing = true;
    collect_due(clock, clock_now(clock));
    update_earliest(clock);
    while (clock->due) {
        struct timer *timer = clock->due;
        clock->due = timer->next;
        timer->next = NULL;
        timer->deadline_ns = CLOCK_NEVER;
        timer->fire(timer->opaque);
    }
    clock->firing = false;
}

unsigned clock_timers(struct clock *clock, struct timer **timers, unsigned max)
{
    unsigned count = 0;
    for (struct timer *timer = clock->timers; timer && count < max; timer = timer->next) {
        timers[count++] = timer;
    }
    return count;
}

void clock_on_deadline(struct clock *clock, void (*changed)(void *opaque), void *opaque)
{
    assert(clock->listener_count < ARRAY_LEN(clock->listeners));
    clock->listeners[clock->listener_count].changed = changed;
    clock->listeners[clock->listener_count].opaque = opaque;
    clock->listener_count++;
}

void clock_forget_deadline(struct clock *clock, void *opaque)
{
    for (unsigned i = 0; i < clock->listener_count; i++) {
        if (clock->listeners[i].opaque == opaque) {
            clock->listeners[i--] = clock->listeners[--clock->listener_count];
        }
    }
}
