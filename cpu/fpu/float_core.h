/*
 * float_core.h: what all formats share: rounding, packing of 32- and 64-bit results, integer square
 * roots.
 *
 * A finite non-zero number is taken apart into sign, exponent and a mantissa with bit 63 set: its
 * value is mantissa * 2^(exponent - 63). Bits that fell off are remembered by setting the
 * mantissa's lowest bit ("jamming").
 */
#ifndef CPU_FPU_FLOAT_CORE_H
#define CPU_FPU_FLOAT_CORE_H

#include "cpu/fpu/softfloat.h"

/* A binary interchange format of at most 53 bits of precision; the leading bit is implicit. */
struct format {
    unsigned precision; /* bits, leading one included */
    i32 emin, emax;
    unsigned sign_at; /* bit number of the sign */
};

static const struct format FORMAT_F16 = {11, -14, 15, 15};
static const struct format FORMAT_F32 = {24, -126, 127, 31};
static const struct format FORMAT_F64 = {53, -1022, 1023, 63};

/* An operand, taken apart. */
struct parts {
    u64 m; /* FP_NORMAL, FP_DENORMAL_CLASS: bit 63 set; NaNs: the fraction, left-justified below bit
              63 */
    i32 e;
    bool sign;
    enum fp_class class;
};

ALWAYS_INLINE u64 shift_right_jam(u64 m, unsigned n)
{
    if (n == 0) {
        return m;
    }
    return n < 64 ? m >> n | ((m << (64 - n)) != 0) : m != 0;
}

ALWAYS_INLINE u128 shift_right_jam128(u128 m, unsigned n)
{
    if (n == 0) {
        return m;
    }
    return n < 128 ? m >> n | ((m << (128 - n)) != 0) : m != 0;
}

/* Whether to increment: `odd` is the last kept bit, `half` the first dropped, `rest` whether any
 * other dropped one is set. */
ALWAYS_INLINE bool round_increments(u8 rounding, bool sign, bool odd, bool half, bool rest)
{
    switch (rounding) {
    case FP_NEAREST:
        return half && (rest || odd);
    case FP_DOWN:
        return sign && (half || rest);
    case FP_UP:
        return !sign && (half || rest);
    default:
        return false;
    }
}

/* The mantissa without its low `drop` bits (1..63), rounded. */
ALWAYS_INLINE u64 round_off(u64 m, unsigned drop, bool sign, u8 rounding, bool *inexact, bool *up)
{
    u64 half = (u64)1 << (drop - 1);
    u64 kept = m >> drop;
    bool more = (m & (half - 1)) != 0;
    *inexact = (m & (half + half - 1)) != 0;
    *up = round_increments(rounding, sign, kept & 1, (m & half) != 0, more);
    return kept + *up;
}

ALWAYS_INLINE void overflow_flags(struct fp_status *s, bool inexact)
{
    s->flags |= FP_OVERFLOW;
    if (inexact || (s->masked & FP_OVERFLOW)) {
        s->flags |= FP_INEXACT;
    }
}

/* Whether an overflow goes to infinity (or to the largest finite number). */
ALWAYS_INLINE bool overflow_to_infinity(u8 rounding, bool sign)
{
    return rounding == FP_NEAREST || rounding == (sign ? FP_DOWN : FP_UP);
}

static inline u64 pack_overflow(struct format f, bool sign, bool inexact, struct fp_status *s)
{
    u64 infinity = (u64)(2 * f.emax + 1) << (f.precision - 1);
    overflow_flags(s, inexact);
    s->rounded_up = overflow_to_infinity(s->rounding, sign);
    return (u64)sign << f.sign_at | (s->rounded_up ? infinity : infinity - 1);
}

/* A result below the smallest normal number before rounding: SDM Vol. 1 4.9.1.5. */
static inline u64 pack_tiny(struct format f, bool sign, i32 e, u64 m, struct fp_status *s)
{
    unsigned drop = 64 - f.precision;
    bool inexact, up;
    u64 unbounded = round_off(m, drop, sign, s->rounding, &inexact, &up);
    bool tiny = e < f.emin - 1 || !(unbounded >> f.precision);
    if (tiny && !(s->masked & FP_UNDERFLOW)) { /* inexact as if the exponent had no bounds: 4.9.1.5;
                                                  nothing will be stored */
        s->flags |= FP_UNDERFLOW | (inexact ? FP_INEXACT : 0);
        return 0;
    }
    if (tiny && s->ftz) {
        s->flags |= FP_UNDERFLOW | FP_INEXACT;
        return (u64)sign << f.sign_at;
    }
    u64 kept = round_off(shift_right_jam(m, (unsigned)(f.emin - e)), drop, sign, s->rounding,
                         &inexact, &up);
    if (inexact) {
        s->flags |= FP_INEXACT | (tiny ? FP_UNDERFLOW : 0);
    }
    s->rounded_up = up;
    return (u64)sign << f.sign_at | kept;
}

/* Rounds and packs (-1)^sign * m * 2^(e-63). */
ALWAYS_INLINE u64 pack_round(struct format f, bool sign, i32 e, u64 m, struct fp_status *s)
{
    if (unlikely(e < f.emin)) {
        return pack_tiny(f, sign, e, m, s);
    }
    bool inexact, up;
    u64 kept = round_off(m, 64 - f.precision, sign, s->rounding, &inexact, &up);
    e += (i32)(kept >> f.precision);
    if (unlikely(e > f.emax)) {
        return pack_overflow(f, sign, inexact, s);
    }
    if (inexact) {
        s->flags |= FP_INEXACT;
    }
    s->rounded_up = up;
    /* After a carry all fraction bits are 0; the fraction is masked, so the carry must not count
     * twice. */
    u64 fraction = kept & (((u64)1 << (f.precision - 1)) - 1);
    return (u64)sign << f.sign_at | (u64)(e + f.emax) << (f.precision - 1) | fraction;
}

/* floor(sqrt(n)) of n >= 2^30, in the manner of pencil and paper. */
static inline u32 isqrt32(u32 n)
{
    u32 root = 0;
    for (u32 bit = 1u << 30; bit; bit >>= 2) {
        if (n >= root + bit) {
            n -= root + bit;
            root = root >> 1 | bit;
        } else {
            root >>= 1;
        }
    }
    return root;
}

/* The same of n >= 2^62, by P. Zimmermann's recursion ("Karatsuba Square Root", INRIA RR-3805). */
static inline u32 isqrt64(u64 n, u64 *remainder)
{
    u32 s1 = isqrt32((u32)(n >> 32));
    u64 r1 = (n >> 32) - (u64)s1 * s1;
    u64 t = r1 << 16 | (n >> 16 & 0xffff);
    u64 q = t / (2 * (u64)s1);
    i64 r = (i64)((t % (2 * (u64)s1)) << 16 | (n & 0xffff)) - (i64)(q * q);
    u64 s = ((u64)s1 << 16) + q;
    if (r < 0) {
        r += (i64)(2 * s - 1);
        s--;
    }
    *remainder = (u64)r;
    return (u32)s;
}

/* The same of n >= 2^126. */
static inline u64 isqrt128(u128 n, u128 *remainder)
{
    u64 r1;
    u64 s1 = isqrt64((u64)(n >> 64), &r1);
    u128 t = (u128)r1 << 32 | (u32)((u64)n >> 32);
    u128 q = t / (2 * s1);
    i128 r = (i128)((t % (2 * s1)) << 32 | (u32)n) - (i128)(q * q);
    u128 s = ((u128)s1 << 32) + q;
    if (r < 0) {
        r += (i128)(2 * s - 1);
        s--;
    }
    *remainder = (u128)r;
    return (u64)s;
}

/* a / b with both bit 63 set: a quotient with bit 63 set; *e drops by one if a < b. */
ALWAYS_INLINE u64 divide_mantissas(u64 a, u64 b, i32 *e, u64 *remainder)
{
    u128 n = (u128)a << 63;
    if (a < b) {
        n <<= 1;
        --*e;
    }
    u64 q;
#if defined(__x86_64__)
    __asm__("divq %4"
            : "=a"(q), "=d"(*remainder)
            : "0"((u64)n), "1"((u64)(n >> 64)), "rm"(b)
            : "cc");
#else
    q = (u64)(n / b);
    *remainder = (u64)(n % b);
#endif
    return q;
}

#endif
