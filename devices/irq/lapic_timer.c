/*
 * lapic_timer.c: the local APIC's timer: one-shot, periodic, TSC deadline.
 *
 * Intel SDM Vol. 3A, 10.5.4 (325384-077). It counts a bus clock of 1 GHz, divided; the current count is computed when it is asked
 * for.
 */
#include "devices/irq/lapic_state.h"

#include "devices/timer/periodic.h"

enum timer_mode lapic_timer_mode(const struct lapic *lapic)
{
    return (enum timer_mode)bits(lapic->lvt[LVT_TIMER], 18, 17);
}

/* Nanoseconds per count. */
static i64 count_ns(const struct lapic *lapic)
{
    unsigned code = (lapic->divide & 3) | (lapic->divide >> 1 & 4);
    return (i64)1 << ((code + 1) & 7);
}

u32 lapic_timer_current(struct lapic *lapic)
{
    if (!lapic->counting || !lapic->initial_count) {
        return 0;
    }
    u64 elapsed =
        (u64)(clock_now(lapic->timer.clock) - lapic->count_start_ns) / (u64)count_ns(lapic);
    if (lapic_timer_mode(lapic) == TIMER_PERIODIC) {
        return lapic->initial_count - (u32)(elapsed % lapic->initial_count);
    }
    return elapsed < lapic->initial_count ? lapic->initial_count - (u32)elapsed : 0;
}

static i64 timer_period_ns(const struct lapic *lapic)
{
    return (i64)lapic->initial_count * count_ns(lapic);
}

static void arm_count(struct lapic *lapic)
{
    if (lapic->counting) {
        timer_set(&lapic->timer, lapic->count_start_ns + timer_period_ns(lapic));
    } else {
        timer_cancel(&lapic->timer);
    }
}

static void arm_tsc_deadline(struct lapic *lapic)
{
    const struct lapic_config *config = &lapic->config;
    if (!lapic->tsc_deadline) {
        timer_cancel(&lapic->timer);
        return;
    }
    u64 tsc = config->read_tsc(config->processor);
    i64 now = clock_now(lapic->timer.clock);
    u64 left = lapic->tsc_deadline > tsc ? lapic->tsc_deadline - tsc : 0;
    u128 ns = ((u128)left * NS_PER_SECOND + config->tsc_hz - 1) / config->tsc_hz;
    if (ns > (u128)(CLOCK_NEVER / 2)) {
        timer_cancel(&lapic->timer); /* centuries away */
    } else {
        timer_set(&lapic->timer, now + (i64)ns);
    }
}

void lapic_tsc_changed(struct lapic *lapic)
{
    if (lapic_timer_mode(lapic) == TIMER_TSC_DEADLINE) {
        arm_tsc_deadline(lapic);
    }
}

static void tsc_deadline_fire(struct lapic *lapic)
{
    const struct lapic_config *config = &lapic->config;
    if (config->read_tsc(config->processor) < lapic->tsc_deadline) {
        arm_tsc_deadline(lapic); /* the counter has been set back */
        return;
    }
    lapic->tsc_deadline = 0;
    lapic_local_vector(lapic, LVT_TIMER);
}

static void timer_fire(void *opaque)
{
    struct lapic *lapic = opaque;
    if (lapic_timer_mode(lapic) == TIMER_TSC_DEADLINE) {
        tsc_deadline_fire(lapic);
        return;
    }
    if (!lapic->counting) {
        return; /* only a damaged snapshot arms a stopped timer */
    }
    if (lapic_timer_mode(lapic) == TIMER_PERIODIC) {
        i64 period = timer_period_ns(lapic);
        i64 due = lapic->count_start_ns + period;
        i64 next = periodic_next(due, period, clock_now(lapic->timer.clock));
        lapic->count_start_ns = next - period;
    } else {
        lapic->counting = false;
    }
    arm_count(lapic);
    lapic_local_vector(lapic, LVT_TIMER);
}

void lapic_timer_write_initial(struct lapic *lapic, u32 value)
{
    if (lapic_timer_mode(lapic) == TIMER_TSC_DEADLINE) {
        return; /* ignored: SDM Vol. 3A 10.5.4.1 */
    }
    lapic->initial_count = value;
    lapic->counting = value != 0;
    lapic->count_start_ns = clock_now(lapic->timer.clock);
    arm_count(lapic);
}

/* The count goes on from where it is, at the new rate. */
void lapic_timer_write_divide(struct lapic *lapic, u32 value)
{
    u32 current = lapic_timer_current(lapic);
    lapic->divide = value & 0xb;
    if (lapic_timer_mode(lapic) != TIMER_TSC_DEADLINE) {
        i64 done = (i64)(lapic->initial_count - current) * count_ns(lapic);
        lapic->count_start_ns = clock_now(lapic->timer.clock) - done;
        arm_count(lapic);
    }
}

void lapic_timer_mode_changed(struct lapic *lapic, enum timer_mode before)
{
    if (before == lapic_timer_mode(lapic)) {
        return;
    }
    /* entering or leaving TSC-deadline mode disarms: SDM Vol. 3A 10.5.4.1 */
    if (before == TIMER_TSC_DEADLINE || lapic_timer_mode(lapic) == TIMER_TSC_DEADLINE) {
        lapic->counting = false;
        lapic->initial_count = 0;
        lapic->tsc_deadline = 0;
        timer_cancel(&lapic->timer);
    }
}

void lapic_timer_write_deadline(struct lapic *lapic, u64 value)
{
    if (lapic_timer_mode(lapic) == TIMER_TSC_DEADLINE) {
        lapic->tsc_deadline = value;
        arm_tsc_deadline(lapic);
    }
}

void lapic_timer_reset(struct lapic *lapic)
{
    timer_cancel(&lapic->timer);
    lapic->initial_count = lapic->divide = 0;
    lapic->counting = false;
    lapic->count_start_ns = 0;
    lapic->tsc_deadline = 0;
}

void lapic_timer_loaded(struct lapic *lapic)
{
    lapic->counting = lapic->counting && lapic->initial_count;
    lapic->count_start_ns %= CLOCK_NEVER / 4; /* no overflow from a damaged snapshot */
}

void lapic_timer_create(struct lapic *lapic, struct clock *clock)
{
    timer_init(&lapic->timer, clock, timer_fire, lapic);
}
