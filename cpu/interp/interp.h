/*
 * interp.h: the interpreter: decoded blocks, run by direct dispatch from instruction to instruction.
 */
#ifndef CPU_INTERP_INTERP_H
#define CPU_INTERP_INTERP_H

#include "cpu/interp/icache.h"

struct icache *interp_create(void);
/* Executes blocks until something is pending. Raises. */
void interp_run(struct cpu *cpu);
/* Executes exactly one instruction (one iteration of a REP). Raises. */
void interp_step(struct cpu *cpu);

#endif
