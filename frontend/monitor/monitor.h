/*
 * monitor.h: the command line that inspects and steers the machine, in QEMU's words (its "human
 * monitor").
 */
#ifndef FRONTEND_MONITOR_MONITOR_H
#define FRONTEND_MONITOR_MONITOR_H

#include "devices/serial/chardev.h"
#include "frontend/machine/machine.h"

struct monitor;

/* Becomes the front of `chardev`, which stays its owner's. */
struct monitor *monitor_create(struct machine *machine, struct chardev *chardev);
/* Before the chardev and the machine are destroyed. NULL is nothing. */
void monitor_destroy(struct monitor *monitor);
/* Carries out one line as if it had been typed; what it prints goes to `out`. */
void monitor_execute(struct monitor *monitor, const char *line, FILE *out);

#endif
