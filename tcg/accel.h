/*
 * accel.h: how a processor executes: interpreted, or translated as well as this host can.
 */
#ifndef TCG_ACCEL_H
#define TCG_ACCEL_H

#include <stddef.h>
#include <stdio.h>

#include "cpu/base/error.h"

struct code_watch;
struct cpu;

enum accel {
    ACCEL_DEFAULT, /* translated on hosts that have a translator of their own, else interpreted */
    ACCEL_INTERP,
    ACCEL_TCG, /* translated, if need be by the portable backend */
};

struct accel_config {
    enum accel accel;
    size_t     cache_bytes; /* for translated code; 0: the default */
    unsigned   threshold;   /* executions after which a block is translated; 0: the default */
    bool       profile;     /* guest instructions are counted */
    const struct code_watch *watch; /* tcg/watch.h: sees blocks as they are translated, or first interpreted; may be NULL */
};

/* For a processor that has not executed anything yet. False: *error says why not. */
bool accel_attach(struct cpu *cpu, const struct accel_config *config, struct error *error);
/* Before cpu_destroy(). NULL is allowed. */
void accel_detach(struct cpu *cpu);
/* What there is to know about translation: the monitor's `info jit`. */
void accel_print(const struct cpu *cpu, FILE *out);

#endif
