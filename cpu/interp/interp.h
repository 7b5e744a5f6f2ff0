/*
 * interp.h: the interpreter: decoded blocks, run by direct dispatch from instruction to instruction.
 */
#ifndef CPU_INTERP_INTERP_H
#define CPU_INTERP_INTERP_H

#include "cpu/interp/icache.h"

struct icache *interp_create(void);
/* Executes blocks until something is pending. Raises. */
void interp_run(struct cpu *cpu);
/* The same, but begins with a block whatever is pending: then with something pending that one block is all. Raises. */
void interp_run_block(struct cpu *cpu);
/* Executes exactly one instruction (one iteration of a REP). False: somebody does not want it now (stop.h). Raises. */
bool interp_step(struct cpu *cpu);

/* For other executors: the block at cpu->ip in this mode, which is cpu->code_mode or that with MODE_APART, decoded if need be, R_IPBASE set
 * for it; NULL: the instruction there must be executed alone, by interp_step(). Raises. The next call may free its instructions. */
struct block *interp_block(struct cpu *cpu, unsigned mode);
/* The block's instructions, decoded if need be; those of others may go. No block may be executing. */
const struct insn *interp_decoded(struct cpu *cpu, struct block *block);
/* The block's executions are counted: after `heat` of them cpu->executor translates it. */
void interp_count(struct block *block, unsigned heat);
/* The block has a translation: that is executed from now on. */
void interp_translated(struct block *block);
/* Executes an instruction that does not end its block, and nothing after it; sets cpu->current. Raises. */
void interp_isolated(struct cpu *cpu, const struct insn *i);
/* Executes a VEC with its operands and checks; cpu->current is set. Raises. */
void interp_vec(struct cpu *cpu, const struct insn *i);
/* The same, VEX-encoded: vex.c. */
void interp_vex(struct cpu *cpu, const struct insn *i);

#endif
