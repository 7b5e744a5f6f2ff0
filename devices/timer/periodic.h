/*
 * periodic.h: when a periodic event is due next, for devices whose host may be late.
 */
#ifndef DEVICES_TIMER_PERIODIC_H
#define DEVICES_TIMER_PERIODIC_H

#include "cpu/base/types.h"

/* The event due at `due_ns` fires at `now_ns`: the next one. The grid is kept exactly. A late event
 * is still followed by each of its successors, so that no tick is lost, unless there is no point in
 * it (the period is shorter than a guest can follow) or too many have piled up. */
static inline i64 periodic_next(i64 due_ns, i64 period_ns, i64 now_ns)
{
    enum { SHORTEST_NS = 20000, LATEST_NS = 100000000 };
    i64 next = due_ns + period_ns;
    if (next > now_ns || (period_ns >= SHORTEST_NS && now_ns - next < LATEST_NS)) {
        return next;
    }
    return now_ns - (now_ns - due_ns) % period_ns + period_ns;
}

#endif
