/*
 * mmx.h: MMX registers for OPs; the checks are in check.h, packed operations in sse_int.c.
 */
#ifndef CPU_FPU_MMX_H
#define CPU_FPU_MMX_H

#include "cpu/mem.h"
#include "cpu/operand.h"
#include "cpu/raise.h"

/* Every MMX instruction but EMMS: TOP 0, no register empty (SDM Vol. 3A 12.2). After the last check that may fail. */
static inline void mmx_enter(struct cpu *cpu)
{
    cpu->x87.top   = 0;
    cpu->x87.valid = 0xff;
}

/* A written MMX register has sign and exponent all ones (SDM Vol. 3A 12.2). */
static inline void mmx_written(struct cpu *cpu, unsigned reg)
{
    cpu->x87.reg[reg].sign_exponent = 0xffff;
}

static inline void mmx_write(struct cpu *cpu, unsigned reg, u64 value)
{
    cpu->x87.reg[reg].mantissa = value;
    mmx_written(cpu, reg);
}

/* Alignment of an operand of 16 or 32 bytes, checked before anything else about it. #AC asks for 16 at most, as processors do. */
static inline void vec_check_aligned(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, bool always, bool write)
{
    if (unlikely((cpu->seg[seg].base + offset) & (size - 1))) {
        explain_note(cpu, "address", cpu->seg[seg].base + offset);
        cpu_check(cpu, !always, RULE_GP_SSE_UNALIGNED, 0);
        if (unlikely(cpu->align_check) && (cpu->seg[seg].base + offset) & 15) {
            mem_linear(cpu, seg, offset, size, write); /* its own faults come first */
            cpu_raise(cpu, RULE_AC_UNALIGNED, 0);
        }
    }
}

/* A 16-byte memory operand. */
static inline void mem_read_vec(struct cpu *cpu, const struct insn *i, union vec *v, bool aligned)
{
    u64 offset = insn_ea(cpu, i);
    vec_check_aligned(cpu, i->seg, offset, 16, aligned, false);
    mem_read_bytes(cpu, i->seg, offset, v, 16);
}

#endif
