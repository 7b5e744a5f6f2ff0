/*
 * irq_testing.h: what the tests of interrupt controllers and timers share: recorded wires, a
 * counted clock, and damaged snapshots.
 */
#ifndef DEVICES_IRQ_IRQ_TESTING_H
#define DEVICES_IRQ_IRQ_TESTING_H

#include "cpu/base/bits.h"
#include "devices/core/device_test.h"

/* A wire's far end: its level and how often it rose. */
struct probe {
    struct irq irq;
    bool level;
    unsigned rises;
};

static inline void probe_set(void *opaque, int line, bool level)
{
    (void)line;
    struct probe *probe = opaque;
    probe->rises += level && !probe->level;
    probe->level = level;
}

static inline struct irq *probe_init(struct probe *probe)
{
    *probe = (struct probe){.irq = {probe_set, probe, 0}};
    return &probe->irq;
}

static inline struct clock *test_clock(void)
{
    struct clock *clock = clock_create();
    clock_set_counted(clock, true);
    clock_start(clock);
    return clock;
}

/* Advances to `ns`, firing every timer at its own deadline. */
static inline void run_until(struct clock *clock, i64 ns)
{
    while (clock_next_deadline(clock) <= ns) {
        i64 deadline = clock_next_deadline(clock);
        if (deadline > clock_now(clock)) {
            clock_advance(clock, deadline - clock_now(clock));
        }
        clock_run_timers(clock);
    }
    clock_advance(clock, ns - clock_now(clock));
}

static inline void run_for(struct clock *clock, i64 ns)
{
    run_until(clock, clock_now(clock) + ns);
}

static inline u8 in8(struct space *space, paddr addr)
{
    return (u8)space_read(space, addr, 1, false);
}

static inline void out8(struct space *space, paddr addr, u8 value)
{
    space_write(space, addr, value, 1, false);
}

static inline u32 in32(struct space *space, paddr addr)
{
    return (u32)space_read(space, addr, 4, false);
}

static inline void out32(struct space *space, paddr addr, u32 value)
{
    space_write(space, addr, value, 4, false);
}

/* Loads a damaged copy of what `dev` saves: whatever it holds, nothing may break later. */
static inline void load_damaged(struct device *dev, u64 *random)
{
    struct blob blob = {0};
    struct error err;
    device_save(dev, &blob);
    for (unsigned n = 0; n < 3; n++) {
        blob.data[test_random(random) % blob.size] ^= (u8)(1u << test_random(random) % 8);
    }
    device_load(dev, &blob, &err);
    blob_free(&blob);
}

#endif
