/*
 * loop.h: the machine thread's wait for host events: file descriptors, posted work, and a deadline.
 *
 * Only loop_post() and loop_kick() may be called from other threads. A second thread inside the loop watches the
 * descriptors and the clock's next deadline while the processor runs, and calls `on_ready` (from that thread) so that
 * the processor leaves its run loop; the machine thread then calls loop_dispatch().
 */
#ifndef CPU_BASE_LOOP_H
#define CPU_BASE_LOOP_H

#include "cpu/base/clock.h"
#include "cpu/base/types.h"

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_create(struct clock *clock);
void         loop_destroy(struct loop *loop);

/* Calls ready(opaque, LOOP_READ|LOOP_WRITE) on the machine thread while `fd` is ready. events 0 stops watching; set
 * again replaces. A descriptor that hangs up is reported as readable once per dispatch. */
void loop_watch(struct loop *loop, int fd, unsigned events, void (*ready)(void *opaque, unsigned events),
                void *opaque);

/* Queues work(opaque) for the machine thread; any thread, any time. */
void loop_post(struct loop *loop, void (*work)(void *opaque), void *opaque);
/* Makes loop_dispatch() return early and on_ready be called. */
void loop_kick(struct loop *loop);

/* Called from the watching thread when there is something for loop_dispatch() to do. It must only set a flag. */
void loop_on_ready(struct loop *loop, void (*on_ready)(void *opaque), void *opaque);

/* Runs posted work, ready descriptors and due timers. With `wait`, first sleeps until one of them is there, for at most
 * timeout_ns (negative: no limit) of host time; sleeping uses no processor time. */
void loop_dispatch(struct loop *loop, bool wait, i64 timeout_ns);

#endif
