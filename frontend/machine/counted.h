/*
 * counted.h: counted time: guest time advances with executed instructions only, so a run repeats itself bit for bit, on any host
 * and with any executor.
 *
 * A moment of such a run is named by how many instructions were executed and by the guest's time, which differ by what an idle
 * guest has slept. At each moment the order of things is fixed: timers that are due, once; then what comes from outside; then
 * requests (a reset); then the next instruction.
 */
#ifndef FRONTEND_MACHINE_COUNTED_H
#define FRONTEND_MACHINE_COUNTED_H

#include "frontend/machine/machine.h"

/* Rounds of so many instructions: see counted.c. */
#define COUNTED_ROUND ((u64)1 << 24)

/* Once the board is built. */
void counted_start(struct machine *machine);
/* Before the first counted_run(): input may come from here on. */
void counted_open(struct machine *machine);
/* The machine's state was replaced by that of another moment of its run, `now` of guest time; what the processor has counted
 * says which. */
void counted_set_time(struct machine *machine, i64 now);
/* Executes until the next timer is due, something from outside wants attention, or the guest is idle; then its time passes, as
 * far as it may. Runs timers. Returns how long to wait for something from outside, in host nanoseconds: 0: not at all, negative:
 * for ever. */
i64 counted_run(struct machine *machine);

#endif
