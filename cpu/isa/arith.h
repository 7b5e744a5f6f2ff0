/*
 * arith.h: integer primitives on zero-extended values of a width in bytes, and the flags that they make.
 *
 * Written once; the interpreter, the constant folder and the portable backend call these.
 */
#ifndef CPU_ISA_ARITH_H
#define CPU_ISA_ARITH_H

#include "cpu/flags.h"

ALWAYS_INLINE u64 arith_mask(unsigned w)
{
    return ~(u64)0 >> (64 - 8 * w);
}

ALWAYS_INLINE u64 arith_msb(unsigned w)
{
    return (u64)1 << (8 * w - 1);
}

ALWAYS_INLINE i64 arith_sext(u64 v, unsigned w)
{
    return (i64)(v << (64 - 8 * w)) >> (64 - 8 * w);
}

ALWAYS_INLINE u32 arith_parity(u64 result)
{
    return __builtin_parityll(result & 0xff) ? 0 : FLAG_PF;
}

/* SF, ZF and PF of a result. */
ALWAYS_INLINE u32 arith_szp(u64 result, unsigned w)
{
    return (result & arith_msb(w) ? FLAG_SF : 0) | (result ? 0 : FLAG_ZF) | arith_parity(result);
}

/* CF, AF and OF of result = a + b (+ carry in), from the vector of carries out of each bit. */
ALWAYS_INLINE u32 arith_carry_flags(u64 carries, unsigned w)
{
    u32 cf = carries & arith_msb(w) ? FLAG_CF : 0;
    u32 of = (carries ^ carries << 1) & arith_msb(w) ? FLAG_OF : 0;
    return cf | of | (carries & 8 ? FLAG_AF : 0);
}

ALWAYS_INLINE u32 arith_add_flags(u64 a, u64 b, u64 result, unsigned w)
{
    return arith_carry_flags((a & b) | ((a | b) & ~result), w);
}

ALWAYS_INLINE u32 arith_sub_flags(u64 a, u64 b, u64 result, unsigned w)
{
    return arith_carry_flags((~a & b) | ((~a | b) & result), w);
}

/* The condition of the lazy flags, for a `cc` that is best a constant. */
ALWAYS_INLINE bool arith_condition(const struct lazy_flags *f, unsigned cc, u32 (*all)(const struct lazy_flags *f))
{
    unsigned kind = f->op >> 2, w = 1u << (f->op & 3);
    bool     r, known = true;
    switch (cc >> 1) {
    case 1: /* B: CF */
        if (kind == CC_SUB) {
            r = ((f->result + f->source) & arith_mask(w)) < f->source;
        } else if (kind == CC_LOGIC) {
            r = false;
        } else if (kind == CC_ADD) {
            r = f->result < f->source;
        } else {
            r = f->source & 1; /* CC_INC, CC_DEC, CC_BITS, CC_EFLAGS: bit 0 */
        }
        break;
    case 2: /* E: ZF */
        r     = f->result == 0;
        known = kind != CC_EFLAGS;
        break;
    case 3: /* BE */
        if (kind == CC_SUB) {
            r = ((f->result + f->source) & arith_mask(w)) <= f->source;
        } else {
            known = false;
        }
        break;
    case 4: /* S */
        r     = f->result & arith_msb(w);
        known = kind != CC_EFLAGS;
        break;
    case 6: /* L */
        if (kind == CC_SUB) {
            r = arith_sext(f->result + f->source, w) < arith_sext(f->source, w);
        } else if (kind == CC_LOGIC) {
            r = f->result & arith_msb(w);
        } else {
            known = false;
        }
        break;
    case 7: /* LE */
        if (kind == CC_SUB) {
            r = arith_sext(f->result + f->source, w) <= arith_sext(f->source, w);
        } else if (kind == CC_LOGIC) {
            r = !f->result || f->result & arith_msb(w);
        } else {
            known = false;
        }
        break;
    default:
        known = false;
        break;
    }
    if (!known) {
        u32 e = all(f);
        switch (cc >> 1) {
        case 0: r = e & FLAG_OF; break;
        case 1: r = e & FLAG_CF; break;
        case 2: r = e & FLAG_ZF; break;
        case 3: r = e & (FLAG_CF | FLAG_ZF); break;
        case 4: r = e & FLAG_SF; break;
        case 5: r = e & FLAG_PF; break;
        case 6: r = !(e & FLAG_SF) != !(e & FLAG_OF); break;
        default: r = e & FLAG_ZF || !(e & FLAG_SF) != !(e & FLAG_OF); break;
        }
    }
    return r != (cc & 1);
}

/* The six flags of a lazy form, as EFLAGS bits (flags.c). */
u32 arith_all_flags(const struct lazy_flags *f);

/* Replaces some of CF, AF and OF in a lazy form, which keeps its result for SF, ZF and PF. */
ALWAYS_INLINE void arith_replace_carries(struct lazy_flags *f, u32 mask, u32 flags)
{
    u64 old = f->source;
    switch ((enum cc_kind)(f->op >> 2)) {
    case CC_EFLAGS: case CC_BITS: break;
    case CC_LOGIC:
        f->op  = CC_OP(CC_BITS, f->op & 3);
        old    = 0;
        break;
    default: /* an addition or subtraction: rare, so the whole set is made */
        old   = arith_all_flags(f);
        f->op = CC_OP(CC_BITS, f->op & 3);
        break;
    }
    f->source = (old & ~(u64)mask) | (flags & mask);
}

#endif
