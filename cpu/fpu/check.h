/*
 * check.h: what x87, MMX and SSE instructions check before they run, and how x87 and SSE errors are
 * reported.
 */
#ifndef CPU_FPU_CHECK_H
#define CPU_FPU_CHECK_H

#include "cpu/state.h"

enum {
    X87_SF = 1 << 6, /* stack fault */
    X87_ES = 1 << 7, /* an unmasked exception is pending */
    X87_C0 = 1 << 8,
    X87_C1 = 1 << 9,
    X87_C2 = 1 << 10,
    X87_C3 = 1 << 14,
    X87_B = 1 << 15, /* a copy of ES since the 387 */
    X87_CONDITIONS = X87_C0 | X87_C1 | X87_C2 | X87_C3,
};

void x87_check_slow(struct cpu *cpu);
/* Waiting x87 instructions: #NM by CR0.EM and CR0.TS, then a pending unmasked exception: #MF if
 * CR0.NE. With CR0.NE = 0 FERR# was asserted when it happened, and the instruction runs. */
static inline void x87_check(struct cpu *cpu)
{
    if (unlikely((cpu->cr0 & (CR0_EM | CR0_TS)) | (cpu->x87.status & X87_ES))) {
        x87_check_slow(cpu);
    }
}
/* Non-waiting x87 instructions (FNINIT, FNSTSW ...): only #NM. */
void x87_check_no_wait(struct cpu *cpu);
/* #UD by CR0.EM, #NM by CR0.TS, then a pending x87 exception. Changes nothing. */
void mmx_check(struct cpu *cpu);
/* #UD by CR0.EM and CR4.OSFXSR, #NM by CR0.TS. */
void sse_check(struct cpu *cpu);
/* #UD by CR4.OSXSAVE and XCR0, #NM by CR0.TS: before VEX-encoded instructions on vectors. */
void avx_check(struct cpu *cpu);
/* Adds exception flags (enum fp_flag) to MXCSR, and raises #XM (or #UD without CR4.OSXMMEXCPT) if
 * one is unmasked. */
void sse_exceptions(struct cpu *cpu, unsigned flags);

/* Makes ES, B and FERR# follow exception flags and masks, after either has changed. */
void x87_update_ferr(struct cpu *cpu);
/* The machine's port F0h: drops IRQ 13. The pending error stays ignored (IGNNE#) until it is
 * cleared. */
void x87_clear_ferr(struct cpu *cpu);
/* XINUSE of what XCR0 enables: SDM Vol. 1 13.6. */
u64 xsave_in_use(const struct cpu *cpu);
/* Component `bit` of the XSAVE area, for CPUID: false: there is none. `offset`: in the standard form; 0: only in the compacted one. */
bool xsave_component(unsigned bit, u32 *offset, u32 *bytes);
/* Of an area with these components. */
u32 xsave_area_bytes(u64 set, bool compacted);
/* FNINIT, and the x87 part of RESET: the registers' contents stay. */
void x87_init(struct cpu *cpu);

#endif
