/*
 * backends.h: opens the host's character devices that the command line names, and hands them to the
 * machine's ports, the debug ports and the monitor.
 */
#ifndef FRONTEND_BACKENDS_H
#define FRONTEND_BACKENDS_H

#include "frontend/options.h"

struct backends;

/* Fills the chardevs of `config`. NULL and `err` on failure. */
struct backends *backends_open(struct machine *machine, const struct options *options,
                               struct machine_config *config, struct error *err);
/* After machine_dismantle(). */
void backends_close(struct backends *backends);
/* Where the monitor speaks, or NULL. */
struct chardev *backends_monitor(struct backends *backends);
/* Where gdb speaks, or NULL: nowhere, or by a socket. */
struct chardev *backends_gdb(struct backends *backends);

#endif
