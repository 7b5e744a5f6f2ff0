/*
 * sse_status.h: how an SSE operation ends: the flags of all its lanes go to MXCSR.
 */
#ifndef CPU_FPU_SSE_STATUS_H
#define CPU_FPU_SSE_STATUS_H

#include "cpu/fpu/check.h"
#include "cpu/fpu/softfloat.h"

/* Raises if a flag is unmasked: the caller has not changed the destination yet. With an unmasked invalid, denormal or divide
 * exception in any lane nothing was computed, so the flags of results do not appear (SDM Vol. 1 11.5.3.2). */
static inline void sse_finish(struct cpu *cpu, const struct fp_status *status)
{
    unsigned flags = status->flags;
    if (likely(!flags)) {
        return;
    }
    if (flags & FP_PRE & ~status->masked) {
        flags &= FP_PRE;
    }
    sse_exceptions(cpu, flags);
}

#endif
