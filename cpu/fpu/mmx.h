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
static inline void mmx_write(struct cpu *cpu, unsigned reg, u64 value)
{
    cpu->x87.reg[reg] = (struct float80){ value, 0xffff };
}

/* A 16-byte memory operand. */
static inline void mem_read_vec(struct cpu *cpu, const struct insn *i, union vec *v, bool aligned)
{
    u64 offset = insn_ea(cpu, i);
    cpu_check(cpu, !aligned || !((cpu->seg[i->seg].base + offset) & 15), RULE_GP_SSE_UNALIGNED, 0);
    mem_read_bytes(cpu, i->seg, offset, v, 16);
}

#endif
