/*
 * backend.h: what turns IR into something that runs.
 *
 * A backend sees the IR, the decoded block that it came from (for C functions, faults and counts)
 * and struct cpu, nothing else.
 */
#ifndef TCG_BACKEND_BACKEND_H
#define TCG_BACKEND_BACKEND_H

#include "cpu/interp/icache.h"
#include "tcg/ir.h"

struct backend {
    const char *name;
    /* Writes the code of a block into `room`; returns its size, or 0 when the room is too small. */
    size_t (*emit)(const struct ir *ir, const struct block *block, void *room, size_t bytes);
    /*
     * Executes that code, with R_IPBASE set for it. Afterwards cpu->ip is where to go on and
     * cpu->icount has counted what was executed. It may go on in further blocks, but looks at
     * cpu->pending before each. Raises, with cpu->current set, and all state but cpu->ip and
     * cpu->icount as at the beginning of that instruction; these two as at the beginning of the
     * block.
     */
    void (*run)(struct cpu *cpu, const void *code);
};

extern const struct backend backend_portable;

#endif
