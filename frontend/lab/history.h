/*
 * history.h: the past of a machine in counted time: checkpoints in memory, and going back.
 *
 * A checkpoint is made at every COUNTED_ROUND: the state of devices and processor, and, as they are written to for the first time
 * after it, the pages of memory and the clusters of disks as they were. To be at any earlier moment the machine goes back to the
 * checkpoint before it and executes up to there, with what came from outside in between coming again, and what it says unheard.
 * When there is more to keep than allowed, checkpoints go, more of the distant past than of the near one; the oldest stays as
 * long as it fits.
 *
 * Moments are named by the instructions executed since power-on: at N the Nth instruction is complete, the timers that are due
 * have been run, what came from outside has entered, and the next instruction or interrupt has not begun.
 *
 * The machine may then go on: up to the latest moment it was at, things come to it as they came; from there on it is live again.
 */
#ifndef FRONTEND_LAB_HISTORY_H
#define FRONTEND_LAB_HISTORY_H

#include "frontend/machine/machine.h"

/* What is kept in memory unless somebody says otherwise. */
#define HISTORY_BYTES ((u64)256 << 20)

struct history_stats {
    u64 oldest, now, latest; /* moments */
    unsigned checkpoints;
    u64 bytes, limit; /* in memory for them */
    u64 taken, dropped, returns, executed; /* ever: checkpoints; times the machine went back; instructions executed again */
};

/* From now on, for a machine that has not run yet. It becomes machine->history. */
void history_create(struct machine *machine, u64 limit_bytes);
/* After machine_dismantle(). NULL is allowed. */
void history_destroy(struct history *history);
struct history_stats history_stats(const struct history *history);

/* Goes to a moment of the past, or forward; the machine is paused there. False: it is older than all checkpoints, or is not
 * reached. */
bool history_go(struct history *history, u64 count, struct error *err);

/* A trial: the machine may be changed and let run (counted_run()), unheard, with nothing coming from outside and no stops; then
 * history_end_try() brings it back to `count`, where it was. */
bool history_try(struct history *history, struct error *err);
bool history_end_try(struct history *history, u64 count, struct error *err);

/* To the latest moment, if it is in the past: before the machine is left for good. */
void history_return(struct history *history);

/* Told of the progress of a search: it is now looking at what happened before `count`. False: that is enough; the machine is where
 * it was. May be NULL. */
typedef bool history_progress(void *opaque, u64 count);

/* Searches: each goes to the moment before the last instruction that did it, before the present one. False: it is not found. */
/* Wrote one of `size` bytes at the guest-physical address. */
bool history_last_write(struct history *history, paddr address, u64 size, history_progress *progress, void *opaque,
                        struct error *err);
/* Would have paused the machine now, by one of its stops (stops.h). The machine is where it paused then, for that reason. If there
 * was none, it is at the oldest moment, and *found is false. `inclusive`: behind an instruction that would have paused it just now,
 * that one counts too. */
bool history_last_stop(struct history *history, bool inclusive, bool *found, history_progress *progress, void *opaque,
                       struct error *err);
/* Was executed in that ring. */
bool history_last_ring(struct history *history, unsigned ring, history_progress *progress, void *opaque, struct error *err);

#endif
