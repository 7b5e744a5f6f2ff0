/*
 * operand.h: operands of a decoded instruction at run time, for OPs (widths need not be constants).
 */
#ifndef CPU_OPERAND_H
#define CPU_OPERAND_H

#include "cpu/decode.h"
#include "cpu/mem.h"

ALWAYS_INLINE u64 width_mask(unsigned w)
{
    return ~(u64)0 >> (64 - 8 * w);
}

ALWAYS_INLINE i64 sign_extend(u64 v, unsigned w)
{
    return (i64)(v << (64 - 8 * w)) >> (64 - 8 * w);
}

/* `at` is a byte offset in cpu->regs as in insn->reg. A 32-bit write clears the upper half: SDM Vol. 1 3.4.1.1. */
ALWAYS_INLINE u64 gpr_read(const struct cpu *cpu, unsigned at, unsigned w)
{
    const u8 *p = (const u8 *)cpu->regs + at;
    return w == 1 ? *p : w == 2 ? load16(p) : w == 4 ? load32(p) : load64(p);
}

ALWAYS_INLINE void gpr_write(struct cpu *cpu, unsigned at, unsigned w, u64 v)
{
    u8 *p = (u8 *)cpu->regs + at;
    if (w == 1) {
        *p = (u8)v;
    } else if (w == 2) {
        store16(p, (u16)v);
    } else {
        store64(p, w == 4 ? (u32)v : v);
    }
}

/* RSP with what a stack of the given mask (0xffff, 0xffffffff, ~0) holds replaced. As with any other 32-bit result, the upper half
 * becomes zero: SDM Vol. 1 3.4.1.1. */
ALWAYS_INLINE u64 stack_merge(u64 old, u64 mask, u64 sp)
{
    return (mask == 0xffff ? old & ~mask : 0) | (sp & mask);
}

/* Offset (effective address) of the memory operand. */
ALWAYS_INLINE u64 insn_ea(const struct cpu *cpu, const struct insn *i)
{
    return (cpu->regs[i->base] + (cpu->regs[i->index] << i->scale) + (u64)i->disp) & (~(u64)0 >> i->ea_shift);
}

/* r/m, register or memory. */
static inline u64 rm_read(struct cpu *cpu, const struct insn *i, unsigned w)
{
    return i->mem ? mem_read(cpu, i->seg, insn_ea(cpu, i), w) : gpr_read(cpu, i->rm, w);
}

static inline void rm_write(struct cpu *cpu, const struct insn *i, unsigned w, u64 v)
{
    if (i->mem) {
        mem_write(cpu, i->seg, insn_ea(cpu, i), v, w);
    } else {
        gpr_write(cpu, i->rm, w, v);
    }
}

/* IP of this and of the next instruction, not masked to 16 bits. Valid in every executor while insn runs. */
static inline u64 insn_ip(const struct cpu *cpu, const struct insn *i)
{
    return cpu->regs[R_IPBASE] + i->offset;
}

static inline u64 insn_next_ip(const struct cpu *cpu, const struct insn *i)
{
    return (cpu->regs[R_IPBASE] + i->offset + i->length) & cpu->ip_mask;
}

/* Declarations of every OP and VEC function that opcodes.def names. */
#define OP(name)  void op_##name(struct cpu *cpu, const struct insn *i)
#define VEC(name) void vec_##name(struct cpu *cpu, void *dst, const void *src, u8 imm)

#endif
