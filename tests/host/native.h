/*
 * native.h: runs cases on the host processor, in a child process that may die.
 */
#ifndef TESTS_HOST_NATIVE_H
#define TESTS_HOST_NATIVE_H

#include "cpu/model.h"
#include "tests/host/host_case.h"

#define NATIVE_BATCH 128

struct native;

/* NULL: this host cannot (no x86-64, no Linux, a sanitizer). */
struct native *native_open(void);
void           native_close(struct native *native);

/* The instruction-set extensions of the host; all, where it cannot run cases. */
void native_features(struct cpu_features *features);

/* Runs `count` (at most NATIVE_BATCH) cases. The results stay valid until the next call. */
const struct host_result *native_run(struct native *native, const struct host_case *cases, unsigned count);

#endif
