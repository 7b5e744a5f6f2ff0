/*
 * form.h: what an instruction's row and ModRM byte say of its operands; the same in both readings of the meanings.
 *
 * The interpreter's handlers have a constant form, so that all of this vanishes there.
 */
#ifndef CPU_ISA_FORM_H
#define CPU_ISA_FORM_H

#include "cpu/decode.h"

struct form {
    u8   operand[4]; /* enum operand */
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
    switch (f->operand[k]) {
    case Eb: case Gb: case Mb: case Zb: case AL: case CL: case Ob: return 1;
    case Ew: case Gw: case Mw: case Zw: case DX: case AX: return 2;
    case Ed: case Gd: case Md: return 4;
    case Eq: case Gq: case Mq: return 8;
    default: return w;
    }
}

ALWAYS_INLINE bool form_is_immediate(const struct form *f, unsigned k)
{
    switch (f->operand[k]) {
    case Ib: case I1: case sIb: case Iw: case Iz: case Iv: return true;
    default: return false;
    }
}

ALWAYS_INLINE bool form_is_memory(const struct form *f, unsigned k)
{
    switch (f->operand[k]) {
    case Eb: case Ew: case Ed: case Eq: case Ev: case Ey: case Mb: case Mw: case Md: case Mq: case Mv: case My: case M:
        return f->mem;
    case Ob: case Ov: return true;
    default: return false;
    }
}

/* Where a register operand lies in cpu->regs. */
ALWAYS_INLINE unsigned form_register(const struct form *f, const struct insn *i, unsigned k)
{
    switch (f->operand[k]) {
    case Gb: case Gw: case Gd: case Gq: case Gv: case Gy: return i->reg;
    case By: return i->vreg;
    case AL: case rAX: case AX: case eAX: return R_AX * 8;
    case CL: return R_CX * 8;
    case DX: return R_DX * 8;
    default: return i->rm;
    }
}

#endif
