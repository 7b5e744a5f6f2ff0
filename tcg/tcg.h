/*
 * tcg.h: the translator as an executor: finds the translation of the block at cpu->ip, or makes it,
 * and runs it.
 */
#ifndef TCG_TCG_H
#define TCG_TCG_H

#include <stdio.h>

#include "cpu/exec.h"
#include "tcg/backend/backend.h"
#include "tcg/watch.h"

struct tcg_stats {
    u64 blocks, insns, flushes;      /* translated */
    u64 translate_ns;
    u64 stepped;                     /* instructions run outside blocks */
    u64 ops_built, ops;              /* of them, before and after the passes */
    u64 runs, insns_run, ops_of_run; /* blocks entered; the instructions and ops that they have */
};

struct tcg {
    struct executor executor; /* cpu->executor */
    const struct backend *backend;
    bool optimise;
    struct tcg_stats stats;
    /* Looks at the IR of each block, before and after the passes; NULL: nobody. */
    void (*watch)(void *opaque, const struct ir *ir, const struct block *block, bool optimised);
    void *watch_opaque;
    const struct code_watch *code_watch; /* sees each block; NULL: nobody */
    struct translation **bucket;
    u8 *arena;
    size_t used;
    u64 icache_flushes; /* decoded blocks of which the translations are */
    struct ir *ir;
};

struct tcg *tcg_create(const struct backend *backend, bool optimise);
void tcg_destroy(struct tcg *tcg);
/* The monitor's `info jit`. */
void tcg_print(const struct tcg *tcg, FILE *out);

/* Executes blocks until something is pending. Raises. */
void tcg_run(struct tcg *tcg, struct cpu *cpu);
/* Executes the block at cpu->ip, whatever is pending. Raises. */
void tcg_run_block(struct tcg *tcg, struct cpu *cpu);

#endif
