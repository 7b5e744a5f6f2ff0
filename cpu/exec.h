/*
 * exec.h: what executes guest code beside the interpreter.
 */
#ifndef CPU_EXEC_H
#define CPU_EXEC_H

#include "cpu/base/types.h"

struct block;
struct cpu;
struct insn;

/*
 * Either `run` takes the interpreter's place altogether, or the interpreter goes on executing blocks, and those that it has executed
 * `heat` times are translated: then all the other functions are there.
 */
struct executor {
    /* Executes blocks until something is pending, as interp_run() does. Raises. */
    void (*run)(struct executor *executor, struct cpu *cpu);
    u16 heat;
    /* Sets block->translation. False: it cannot be had. No translated code may be executing. */
    bool (*translate)(struct executor *executor, struct block *block);
    /* Executes translated code from `block` on, R_IPBASE set for it, until it has to leave. Returns the instruction, of whatever block,
     * at which the interpreter goes on, or NULL: the block at cpu->ip. Raises. */
    const struct insn *(*enter)(struct executor *executor, struct cpu *cpu, const struct block *block);
    /* The block's bytes have changed. */
    void (*forget)(struct executor *executor, struct block *block);
    /* All blocks are gone. */
    void (*forget_all)(struct executor *executor);
    /* An exception was raised, perhaps by what translated code had called. */
    void (*unwind)(struct executor *executor, struct cpu *cpu);
};

#endif
