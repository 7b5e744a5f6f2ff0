/*
 * form.h: what an instruction's row and ModRM byte say of its operands; the same in both readings of the meanings.
 *
 * The interpreter's handlers have a constant form, so that all of this vanishes there.
 */
#ifndef CPU_ISA_FORM_H
#define CPU_ISA_FORM_H

#include "cpu/decode.h"

struct form {
    u16  operand[4]; /* enum operand */
    bool mem;        /* r/m is memory */
    u8   opcode;     /* last byte: its low bits are a condition code */
};

ALWAYS_INLINE unsigned form_condition(const struct form *f)
{
    return f->opcode & 15;
}

/* The width of operand k of an instruction of width w. */
ALWAYS_INLINE unsigned form_width(const struct form *f, unsigned w, unsigned k)
{
    unsigned width = OPERAND_WIDTH(f->operand[k]);
    return width && width <= 8 ? width : w;
}

ALWAYS_INLINE bool form_is_immediate(const struct form *f, unsigned k)
{
    return OPERAND_CLASS(f->operand[k]) == OPERAND_IMMEDIATE;
}

ALWAYS_INLINE bool form_is_memory(const struct form *f, unsigned k)
{
    unsigned class = OPERAND_CLASS(f->operand[k]);
    return class == OPERAND_MOFFS || class == OPERAND_MEMORY || (class == OPERAND_RM && f->mem);
}

/* Where a register operand lies in cpu->regs. */
ALWAYS_INLINE unsigned form_register(const struct form *f, const struct insn *i, unsigned k)
{
    unsigned class = OPERAND_CLASS(f->operand[k]);
    return class == OPERAND_GPR_FIELD   ? i->reg
           : class == OPERAND_VVVV      ? i->vreg
           : class == OPERAND_FIXED_GPR ? OPERAND_VARIANT(f->operand[k]) * 8
                                        : i->rm;
}

#endif
