/*
 * vex.h: what an OP of SSE does besides when it is VEX-encoded (SDM Vol. 2 2.3.10): another check, a first source of its own, and
 * zeroes above the result.
 */
#ifndef CPU_FPU_VEX_H
#define CPU_FPU_VEX_H

#include <string.h>

#include "cpu/decode.h"
#include "cpu/fpu/check.h"

static inline bool vec_is_vex(const struct insn *i)
{
    return row_table[i->row].attr & VEX;
}

/* Of a whole vector. */
static inline unsigned vec_bytes(const struct insn *i)
{
    return row_table[i->row].attr & L1 ? 32 : 16;
}

static inline void vec_check(struct cpu *cpu, const struct insn *i)
{
    if (vec_is_vex(i)) {
        avx_check(cpu);
    } else {
        sse_check(cpu);
    }
}

/* XMM register `reg` has been written. */
static inline void vec_clear_upper(struct cpu *cpu, const struct insn *i, unsigned reg)
{
    if (vec_is_vex(i)) {
        cpu->xmm[reg].q[2] = cpu->xmm[reg].q[3] = 0;
    }
}

/* Instructions that change part of a register: VEX-encoded, of the register that VEX.vvvv names. After the last check. */
static inline void vec_take_first(struct cpu *cpu, const struct insn *i)
{
    if (vec_is_vex(i)) {
        memmove(&cpu->xmm[i->reg], &cpu->xmm[i->vreg], 16);
        vec_clear_upper(cpu, i, i->reg);
    }
}

#endif
