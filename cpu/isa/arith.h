/*
 * arith.h: integer primitives on zero-extended values of a width in bytes, and the flags that they make.
 *
 * Written once; the interpreter, the constant folder and the portable backend call these. A width `w` is in bytes; arguments are
 * zero-extended to it, and so are results.
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

/* ---- numbers */

#define ARITH_BINARY(name, expression)                                                             \
    ALWAYS_INLINE u64 arith_##name(u64 a, u64 b, unsigned w)                                       \
    {                                                                                              \
        return (u64)(expression)&arith_mask(w);                                                    \
    }
ARITH_BINARY(add, a + b)
ARITH_BINARY(sub, a - b)
ARITH_BINARY(and, a & b)
ARITH_BINARY(or, a | b)
ARITH_BINARY(xor, a ^ b)
ARITH_BINARY(mul, a *b)
ARITH_BINARY(mulhu, (u128)a *b >> (8 * w))
ARITH_BINARY(mulhs, (i128)arith_sext(a, w) * arith_sext(b, w) >> (8 * w))
/* Counts are below 32, for w = 8 below 64. */
ARITH_BINARY(shl, a << (b & 63))
ARITH_BINARY(shr, a >> (b & 63))
ARITH_BINARY(sar, arith_sext(a, w) >> (b & 63))
ARITH_BINARY(rol, b ? a << b | a >> (8 * w - b) : a) /* b < bits of w */

ALWAYS_INLINE u64 arith_bswap(u64 a, unsigned w)
{
    return __builtin_bswap64(a) >> (64 - 8 * w);
}

/* Zeroes below the lowest and above the highest bit of w bytes; all of its bits for zero. */
ALWAYS_INLINE u64 arith_ctz(u64 a, unsigned w)
{
    return a ? (u64)__builtin_ctzll(a) : 8 * w;
}

ALWAYS_INLINE u64 arith_clz(u64 a, unsigned w)
{
    return a ? (u64)__builtin_clzll(a) - (64 - 8 * w) : 8 * w;
}

/* The upper w bytes of a:b shifted left by n; the lower ones of b:a shifted right. n < 32, for 64 bits < 64. */
ALWAYS_INLINE u64 arith_double_left(u64 a, u64 b, u64 n, unsigned w)
{
    if (w == 2) {
        return (a << 32 | b << 16 | a) << n >> 32 & 0xffff;
    }
    return (n ? a << n | b >> (8 * w - n) : a) & arith_mask(w);
}

ALWAYS_INLINE u64 arith_double_right(u64 a, u64 b, u64 n, unsigned w)
{
    if (w == 2) {
        return (a << 32 | b << 16 | a) >> n & 0xffff;
    }
    return (n ? a >> n | b << (8 * w - n) : a) & arith_mask(w);
}

/* ---- flags */

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

/* CF and OF of products: whether the upper half is significant. */
ALWAYS_INLINE u32 arith_mulu_flags(u64 a, u64 b, unsigned w)
{
    return arith_mulhu(a, b, w) ? FLAG_CF | FLAG_OF : 0;
}

ALWAYS_INLINE u32 arith_muls_flags(u64 a, u64 b, unsigned w)
{
    return arith_mulhs(a, b, w) != arith_sar(arith_mul(a, b, w), 8 * w - 1, w) ? FLAG_CF | FLAG_OF : 0;
}

/* CF and OF of shifts by a count n that is not zero. OF, undefined for n > 1, is then what the upper two bits of the
 * result say: for SHL with CF as the upper one. */
ALWAYS_INLINE u32 arith_shl_flags(u64 a, u64 n, unsigned w)
{
    u64 cf = n <= 8 * w ? a >> ((8 * w - n) & 63) & 1 : 0; /* nothing is left to shift out when the count exceeds the width */
    u64 of = (arith_shl(a, n, w) >> (8 * w - 1)) ^ cf;
    return (u32)(cf | of << 11);
}

ALWAYS_INLINE u32 arith_shr_flags(u64 a, u64 n, unsigned w)
{
    return (u32)((a >> ((n - 1) & 63) & 1) | (n == 1 ? a >> (8 * w - 1) : 0) << 11);
}

ALWAYS_INLINE u32 arith_sar_flags(u64 a, u64 n, unsigned w)
{
    return (u32)(arith_sext(a, w) >> ((n - 1) & 63) & 1);
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
            r     = f->source & 1; /* CC_INC, CC_DEC, CC_BITS, CC_EFLAGS: bit 0 */
            known = kind != CC_LAHF;
        }
        break;
    case 2: /* E: ZF */
        r     = f->result == 0;
        known = kind != CC_EFLAGS && kind != CC_LAHF;
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
        known = kind != CC_EFLAGS && kind != CC_LAHF;
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
    case CC_LAHF:
        old   = arith_all_flags(f);
        f->op = CC_OP(CC_EFLAGS, 0);
        break;
    default: /* an addition or subtraction: rare, so the whole set is made */
        old   = arith_all_flags(f);
        f->op = CC_OP(CC_BITS, f->op & 3);
        break;
    }
    f->source = (old & ~(u64)mask) | (flags & mask);
}

#endif
