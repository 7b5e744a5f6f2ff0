/*
 * tape.h: -record and -replay: everything that comes from outside is written to a file, or is taken from one.
 *
 * A recorded machine runs in counted time; at each moment (counted.h) a replayed one gets what the recorded one got. Every
 * COUNTED_ROUND instructions the processor's registers are compared, and the whole state at the end.
 */
#ifndef FRONTEND_LAB_TAPE_H
#define FRONTEND_LAB_TAPE_H

#include "frontend/lab/journal.h"
#include "frontend/options.h"

struct tape;

/* Opens what `options` ask for, and takes over from a recording what cannot be told from its words: time and random numbers.
 * *tape NULL: neither is asked for. Before pc_build(). */
bool tape_open(const struct options *options, struct machine_config *config, struct tape **tape, struct error *err);
/* Once the machine is built: writes down what it is, or compares. */
bool tape_start(struct tape *tape, struct machine *machine, struct error *err);
/* The machine has stopped for good. False: it could not be written, or was not the same. `tape` may be NULL. */
bool tape_end(struct tape *tape, struct error *err);
void tape_free(struct tape *tape);

#endif
