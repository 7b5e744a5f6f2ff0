/*
 * emulated.h: runs cases on our processor: a small guest with page tables, descriptor tables and a handler for each vector.
 */
#ifndef TESTS_HOST_EMULATED_H
#define TESTS_HOST_EMULATED_H

#include "cpu/cpu.h"
#include "tests/host/host_case.h"

struct emulated;

/* A processor of model `words` (as -cpu takes them); `translated`: it runs translated code, where the host has that. NULL: err says
 * why. */
struct emulated *emulated_open(const char *words, bool translated, struct error *err);
void             emulated_close(struct emulated *e);

/* `stepped`: instruction by instruction, outside the block cache. */
void emulated_run(struct emulated *e, const struct host_case *c, bool stepped, struct host_result *result);

#endif
