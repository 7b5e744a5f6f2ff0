/*
 * x87.h: the register stack, and how x87 instructions begin and end. For the files that implement
 * them.
 */
#ifndef CPU_FPU_X87_H
#define CPU_FPU_X87_H

#include "cpu/fpu/check.h"
#include "cpu/fpu/softfloat.h"
#include "cpu/operand.h"

/* ST(n). */
ALWAYS_INLINE struct float80 *x87_st(struct cpu *cpu, unsigned n)
{
    return &cpu->x87.reg[(cpu->x87.top + n) & 7];
}

ALWAYS_INLINE bool x87_empty(const struct cpu *cpu, unsigned n)
{
    return !(cpu->x87.valid >> ((cpu->x87.top + n) & 7) & 1);
}

ALWAYS_INLINE void x87_set(struct cpu *cpu, unsigned n, struct float80 value)
{
    unsigned r = (cpu->x87.top + n) & 7;
    cpu->x87.reg[r] = value;
    cpu->x87.valid |= (u8)(1u << r);
}

ALWAYS_INLINE void x87_pop(struct cpu *cpu)
{
    cpu->x87.valid &= (u8) ~(1u << cpu->x87.top);
    cpu->x87.top = (cpu->x87.top + 1) & 7;
}

ALWAYS_INLINE void x87_push(struct cpu *cpu, struct float80 value)
{
    cpu->x87.top = (cpu->x87.top - 1) & 7;
    x87_set(cpu, 0, value);
}

/* FOP, FIP, FCS of a non-control instruction; FDP, FDS if it has a memory operand (SDM Vol.
 * 1 8.1.8). */
ALWAYS_INLINE void x87_note(struct cpu *cpu, const struct insn *i)
{
    struct x87 *x = &cpu->x87;
    x->opcode = (u16)((i->opcode & 7) << 8 | i->modrm);
    x->ip = insn_ip(cpu, i) & cpu->ip_mask;
    x->ip_selector = cpu->seg[SEG_CS].selector;
    if (i->mem) {
        x->dp = insn_ea(cpu, i);
        x->dp_selector = cpu->seg[i->seg].selector;
    }
}

/* An instruction's exceptions and C1. False: an exception of the operands is unmasked, nothing may
 * be stored. */
ALWAYS_INLINE bool x87_finish(struct cpu *cpu, const struct fp_status *s)
{
    u16 status = cpu->x87.status & (u16)~X87_C1;
    if (s->rounded_up) {
        status |= X87_C1;
    }
    cpu->x87.status = status | s->flags;
    if (unlikely(s->flags & ~s->masked)) {
        x87_update_ferr(cpu);
        return !(s->flags & ~s->masked & FP_PRE);
    }
    return true;
}

/* Stack overflow or underflow: #IS. True if it is masked: the answer is the default NaN. */
static inline bool x87_stack_fault(struct cpu *cpu, bool overflow)
{
    cpu->x87.status =
        (cpu->x87.status & (u16)~X87_C1) | FP_INVALID | X87_SF | (overflow ? X87_C1 : 0);
    x87_update_ferr(cpu);
    return cpu->x87.control & FP_INVALID;
}

/* The answer to an empty operand: the default NaN in ST(dest), if #IS is masked. */
void x87_underflow(struct cpu *cpu, unsigned dest, bool pop);

/* Pushes `value`, or answers the overflow of the stack. */
ALWAYS_INLINE void x87_push_checked(struct cpu *cpu, struct float80 value)
{
    if (unlikely(!x87_empty(cpu, 7))) {
        if (x87_stack_fault(cpu, true)) {
            x87_push(cpu, F80_DEFAULT_NAN);
        }
        return;
    }
    x87_push(cpu, value);
}

#endif
