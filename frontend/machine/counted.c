/*
 * counted.c: see counted.h.
 */
#include "frontend/machine/counted.h"

static u64 count(void *opaque)
{
    return cpu_icount(((struct machine *)opaque)->cpu);
}

/* How far the processor may go. At a moment at which timers have been run, one instruction at least: a timer that is always due
 * must not stop the world. */
static void set_limit(void *opaque)
{
    struct machine *m = opaque;
    i64 deadline = clock_next_deadline(m->clock);
    u64 now = cpu_icount(m->cpu), limit = deadline == CLOCK_NEVER ? ICOUNT_FOREVER : clock_count_at(m->clock, deadline);
    if (limit <= now) {
        limit = now + (clock_now(m->clock) == m->timers_at);
    }
    limit = limit < m->round_end ? limit : m->round_end;
    cpu_set_limit(m->cpu, limit < m->stop_at ? limit : m->stop_at);
}

void counted_start(struct machine *m)
{
    cpu_set_counted(m->cpu, true);
    clock_set_counted(m->clock, true);
    clock_set_counter(m->clock, count, m, m->config.count_shift);
    clock_on_deadline(m->clock, set_limit, m);
    m->timers_at = -1;
    m->stop_at = ICOUNT_FOREVER;
    m->round_end = COUNTED_ROUND;
    m->host_from = host_now();
}

static void run_timers(struct machine *m)
{
    i64 now = clock_now(m->clock);
    if (now > m->timers_at) {
        m->timers_at = now;
        clock_run_timers(m->clock);
    }
}

/* What a TLB still knows of page tables that have changed can be seen by guests; so that a machine can be taken up again where a
 * round begins, it knows nothing then. */
static void start_round(struct machine *m)
{
    if (cpu_icount(m->cpu) >= m->round_end) {
        tlb_flush(&m->cpu->tlb);
        m->round_end += COUNTED_ROUND;
    }
}

/* How long the host must sleep until it is `then` for the guest too. What the guest is behind is lost. */
static i64 host_wait(struct machine *m, i64 then)
{
    i64 host = host_now(), wait = (then - m->guest_from) - (host - m->host_from);
    if (wait <= 0) {
        m->guest_from = then;
        m->host_from = host;
    }
    return wait;
}

/* The guest is idle: its time goes on to the next deadline. */
static i64 sleep(struct machine *m)
{
    i64 deadline = clock_next_deadline(m->clock);
    if (deadline == CLOCK_NEVER) {
        return -1;
    }
    i64 wait = m->config.count_sleeps ? host_wait(m, deadline) : 0;
    if (wait > 0) {
        return wait;
    }
    i64 left = deadline - clock_now(m->clock);
    clock_advance(m->clock, left > 0 ? left : 0);
    return 0;
}

void counted_set_time(struct machine *m, i64 now)
{
    u64 count = cpu_icount(m->cpu);
    clock_set(m->clock, now);
    m->timers_at = now;
    m->round_end = (count / COUNTED_ROUND + 1) * COUNTED_ROUND;
    m->guest_from = now;
    m->host_from = host_now();
}

void counted_open(struct machine *m)
{
    m->open = true;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        chardev_accept(m->line[i]);
    }
    if (m->outside) {
        m->outside->moment(m->outside->opaque);
    }
}

i64 counted_run(struct machine *m)
{
    set_limit(m);
    m->cpu_idle = !cpu_run(m->cpu);
    bool due = m->outside && m->outside->due(m->outside->opaque);
    i64 wait = m->cpu_idle && !m->requests && !due ? sleep(m) : 0;
    run_timers(m);
    start_round(m);
    if (m->outside) {
        m->outside->moment(m->outside->opaque);
    }
    return m->requests ? 0 : wait;
}
