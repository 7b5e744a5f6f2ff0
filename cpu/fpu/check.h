/*
 * check.h: what x87, MMX and SSE instructions check before they run, and how x87 errors are reported.
 */
#ifndef CPU_FPU_CHECK_H
#define CPU_FPU_CHECK_H

#include "cpu/state.h"

/* Waiting x87 instructions: #NM by CR0.EM and CR0.TS, then a pending unmasked exception: #MF, or FERR# with CR0.NE = 0. */
void x87_check(struct cpu *cpu);
/* Non-waiting x87 instructions (FNINIT, FNSTSW ...): only #NM. */
void x87_check_no_wait(struct cpu *cpu);
/* #UD by CR0.EM, #NM by CR0.TS, pending x87 exceptions; then MMX mode: all registers valid, TOP 0. */
void mmx_check(struct cpu *cpu);
/* #UD by CR0.EM and CR4.OSFXSR, #NM by CR0.TS. */
void sse_check(struct cpu *cpu);
/* Adds exception flags (enum fp_flag) to MXCSR and raises #XM (or #UD without CR4.OSXMMEXCPT) if one is unmasked. */
void sse_exceptions(struct cpu *cpu, unsigned flags);

/* FERR# follows the status word's ES while CR0.NE is 0. */
void x87_update_ferr(struct cpu *cpu);
/* The machine's port F0h: drops IRQ 13 and asserts IGNNE# until the error is cleared. */
void x87_clear_ferr(struct cpu *cpu);

#endif
