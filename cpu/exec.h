/*
 * exec.h: what executes guest code in the interpreter's place.
 */
#ifndef CPU_EXEC_H
#define CPU_EXEC_H

struct cpu;

struct executor {
    /* Executes blocks until something is pending, as interp_run() does. Raises. */
    void (*run)(struct executor *executor, struct cpu *cpu);
};

#endif
