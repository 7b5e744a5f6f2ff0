/*
 * cpu.h: one processor as the machine sees it: create, reset, run, wires.
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "cpu/state.h"

struct cpu_config {
    const struct cpu_model *model;
    struct cpu_features     features;
    struct space           *memory, *ports;
    struct cpu_bus          bus;
    struct irq             *ferr_irq;
    u64                     tsc_hz;
};

/* Ready at its reset state. Listens to changes of `memory`. */
struct cpu *cpu_create(const struct cpu_config *config);
void        cpu_destroy(struct cpu *cpu);

/* Executes until cpu_kick() asks for control, or the processor has nothing to do (it is halted, waits for SIPI, is in shutdown and
 * nothing is pending). True: there is more to execute. */
bool cpu_run(struct cpu *cpu);
/* How many nanoseconds the host may rest before the next cpu_run(), unless something happens: the guest only waits. 0: not at all. */
i64 cpu_rest(struct cpu *cpu);
/* Makes cpu_run() return soon. Any thread. */
void cpu_kick(struct cpu *cpu);

/* Counted time, from here on: cpu_run() stops, for good, exactly when cpu->icount_limit instructions have been executed. An iteration of a
 * repeated string instruction is one. Whatever the executor, devices are reached with cpu_icount() exact, and what they ask for is seen
 * before the next instruction. */
void cpu_set_counted(struct cpu *cpu, bool counted);
/* Instructions executed since power-on, while one is executed too (then without it). Exact when counted. */
u64 cpu_icount(const struct cpu *cpu);
void cpu_set_limit(struct cpu *cpu, u64 limit);

/* Executes one instruction, or delivers one pending event. For tests, debuggers and the ring lab. */
void cpu_step(struct cpu *cpu);

/* Wires. All on the machine thread. */
void cpu_set_intr(struct cpu *cpu, bool level);
void cpu_raise_nmi(struct cpu *cpu);
void cpu_raise_smi(struct cpu *cpu);
void cpu_raise_init(struct cpu *cpu);
void cpu_set_a20(struct cpu *cpu, bool on);

#endif
