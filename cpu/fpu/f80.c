/*
 * f80.c: 80-bit arithmetic as the x87 does it: precision control, unsupported encodings, NaN rules,
 * C1 (SDM Vol. 1 4.8, 4.9, 8.2, 8.5).
 *
 * Unmasked overflow and underflow give the result with its exponent wrapped by 24576
 * (8.5.4, 8.5.5). Partial remainders reduce the exponent by 32 to 63, the amount that Intel's
 * processors use.
 */
#include <string.h>

#include "cpu/fpu/float_core.h"

enum { BIAS = 16383, EMIN = -16382, EMAX = 16383, EXPONENT_MAX = 0x7fff, WRAP = 24576 };
#define INTEGER_BIT ((u64)1 << 63)
#define QUIET_BIT   ((u64)1 << 62)

ALWAYS_INLINE struct float80 make(bool sign, u32 biased, u64 mantissa)
{
    return (struct float80){mantissa, (u16)(sign << 15 | biased)};
}

ALWAYS_INLINE struct float80 infinity(bool sign)
{
    return make(sign, EXPONENT_MAX, INTEGER_BIT);
}

ALWAYS_INLINE struct float80 zero(bool sign)
{
    return make(sign, 0, 0);
}

static struct float80 invalid(struct fp_status *s)
{
    s->flags |= FP_INVALID;
    return F80_DEFAULT_NAN;
}

ALWAYS_INLINE bool is_normal(struct float80 a)
{
    return (u16)((a.sign_exponent & EXPONENT_MAX) - 1) < EXPONENT_MAX - 1 && a.mantissa >> 63;
}

enum fp_class f80_classify(struct float80 a)
{
    unsigned exponent = a.sign_exponent & EXPONENT_MAX;
    if (exponent == 0) {
        return a.mantissa ? FP_DENORMAL_CLASS : FP_ZERO_CLASS;
    }
    if (!(a.mantissa >> 63)) {
        return FP_UNSUPPORTED; /* unnormal, pseudo-infinity, pseudo-NaN */
    }
    if (exponent != EXPONENT_MAX) {
        return FP_NORMAL;
    }
    return a.mantissa == INTEGER_BIT ? FP_INFINITY
           : a.mantissa & QUIET_BIT  ? FP_QUIET_NAN
                                     : FP_SIGNALING_NAN;
}

ALWAYS_INLINE struct parts unpack_normal(struct float80 a)
{
    return (struct parts){a.mantissa, (a.sign_exponent & EXPONENT_MAX) - BIAS,
                          a.sign_exponent >> 15, FP_NORMAL};
}

static struct parts unpack(struct float80 a)
{
    struct parts p = unpack_normal(a);
    p.class = f80_classify(a);
    if (p.class == FP_DENORMAL_CLASS) { /* a pseudo-denormal has its integer bit set: n = 0 */
        unsigned n = (unsigned)__builtin_clzll(p.m);
        p.m <<= n;
        p.e = EMIN - (i32)n;
    }
    return p;
}

static bool is_nan_or_unsupported(const struct parts *p)
{
    return p->class >= FP_QUIET_NAN;
}

/* SDM Vol. 1 table 4-7, the x87 rows. */
struct float80 f80_propagate_nan(struct float80 a, struct float80 b, struct fp_status *s)
{
    enum fp_class ca = f80_classify(a), cb = f80_classify(b);
    if (ca == FP_UNSUPPORTED || cb == FP_UNSUPPORTED) {
        return invalid(s);
    }
    if (ca == FP_SIGNALING_NAN || cb == FP_SIGNALING_NAN) {
        s->flags |= FP_INVALID;
    }
    bool take_a;
    if (ca >= FP_QUIET_NAN && cb >= FP_QUIET_NAN) {
        if (ca != cb) {
            take_a = ca == FP_QUIET_NAN;
        } else if (a.mantissa != b.mantissa) {
            take_a = a.mantissa > b.mantissa;
        } else {
            take_a = !(a.sign_exponent >> 15);
        }
    } else {
        take_a = ca >= FP_QUIET_NAN;
    }
    struct float80 r = take_a ? a : b;
    r.mantissa |= QUIET_BIT;
    return r;
}

/* Flags denormal operands; true: unmasked, so the operation ends here. */
static bool denormal_operand(const struct parts *a, const struct parts *b, struct fp_status *s)
{
    if (a->class == FP_DENORMAL_CLASS || b->class == FP_DENORMAL_CLASS) {
        s->flags |= FP_DENORMAL;
        return !(s->masked & FP_DENORMAL);
    }
    return false;
}

/* ---- rounding and packing */

/* Rounds high:low to the precision in force; true: carried out, and *high is the leading bit alone.
 */
ALWAYS_INLINE bool round_mantissa(bool sign, u64 *high, u64 low, const struct fp_status *s,
                                  bool *inexact, bool *up)
{
    u64 old = *high;
    if (likely(s->precision == 64)) {
        *inexact = low != 0;
        *up = low && round_increments(s->rounding, sign, old & 1, low >> 63, low << 1 != 0);
        *high = old + *up;
    } else {
        unsigned drop = 64 - s->precision;
        *high = round_off(old | (low != 0), drop, sign, s->rounding, inexact, up) << drop;
    }
    if (unlikely(*up && !*high)) {
        *high = INTEGER_BIT;
        return true;
    }
    return false;
}

static struct float80 wrap_or_overflow(bool sign, i32 e, u64 m, bool inexact, bool up,
                                       struct fp_status *s)
{
    overflow_flags(s, inexact);
    if (!(s->masked & FP_OVERFLOW)) {
        s->rounded_up = up;
        e -= WRAP;
        if (e <= EMAX) {
            return make(sign, (u32)(e + BIAS), m);
        }
        s->flags |= FP_INEXACT; /* FSCALE can go past even that: SDM Vol. 2 FSCALE */
        s->rounded_up = true;
        return infinity(sign);
    }
    s->rounded_up = overflow_to_infinity(s->rounding, sign);
    return s->rounded_up ? infinity(sign)
                         : make(sign, EXPONENT_MAX - 1, ~(u64)0 << (64 - s->precision));
}

static struct float80 wrap_or_denormal(bool sign, i32 e, u64 high, u64 low, struct fp_status *s)
{
    bool inexact, up;
    u64 m = high;
    bool carry = round_mantissa(sign, &m, low, s, &inexact, &up);
    bool tiny = !carry || e < EMIN - 1;
    if (tiny && !(s->masked & FP_UNDERFLOW)) {
        s->flags |= FP_UNDERFLOW | (inexact ? FP_INEXACT : 0);
        s->rounded_up = up;
        e += WRAP + carry;
        if (e >= EMIN) {
            return make(sign, (u32)(e + BIAS), m);
        }
        s->flags |= FP_INEXACT;
        s->rounded_up = false;
        return zero(sign);
    }
    u128 wide = shift_right_jam128((u128)high << 64 | low, (unsigned)(EMIN - e));
    high = (u64)(wide >> 64);
    round_mantissa(sign, &high, (u64)wide, s, &inexact,
                   &up); /* cannot carry out: bit 63 was clear */
    if (inexact) {
        s->flags |= FP_INEXACT | (tiny ? FP_UNDERFLOW : 0);
    }
    s->rounded_up = up;
    return make(sign, high >> 63, high);
}

ALWAYS_INLINE struct float80 pack(bool sign, i32 e, u64 high, u64 low, struct fp_status *s)
{
    if (unlikely(e < EMIN)) {
        return wrap_or_denormal(sign, e, high, low, s);
    }
    bool inexact, up;
    e += round_mantissa(sign, &high, low, s, &inexact, &up);
    if (unlikely(e > EMAX)) {
        return wrap_or_overflow(sign, e, high, inexact, up, s);
    }
    if (inexact) {
        s->flags |= FP_INEXACT;
    }
    s->rounded_up = up;
    return make(sign, (u32)(e + BIAS), high);
}

struct float80 f80_round_pack(bool sign, i32 exponent, u64 high, u64 low, struct fp_status *s)
{
    return pack(sign, exponent, high, low, s);
}

/* ---- add, multiply, divide, root */

ALWAYS_INLINE struct float80 add_finite(struct parts a, struct parts b, struct fp_status *s)
{
    if (a.e < b.e || (a.e == b.e && a.m < b.m)) {
        struct parts t = a;
        a = b;
        b = t;
    }
    u128 wide = shift_right_jam128((u128)b.m << 64, (unsigned)(a.e - b.e));
    u64 high = (u64)(wide >> 64), low = (u64)wide;
    if (a.sign == b.sign) {
        u64 sum = a.m + high;
        if (sum < high) {
            low = sum << 63 | low >> 1 | (low & 1);
            sum = sum >> 1 | INTEGER_BIT;
            a.e++;
        }
        return pack(a.sign, a.e, sum, low, s);
    }
    u128 difference = ((u128)a.m << 64) - wide;
    if (!difference) {
        return zero(s->rounding == FP_DOWN);
    }
    u64 top = (u64)(difference >> 64);
    unsigned n =
        top ? (unsigned)__builtin_clzll(top) : 64 + (unsigned)__builtin_clzll((u64)difference);
    difference <<= n;
    return pack(a.sign, a.e - (i32)n, (u64)(difference >> 64), (u64)difference, s);
}

/* A finite operand as the result: rounded to the precision in force. */
static struct float80 pack_parts(const struct parts *p, struct fp_status *s)
{
    return pack(p->sign, p->e, p->m, 0, s);
}

static NOINLINE struct float80 add_special(struct float80 a, struct float80 b, bool flip,
                                           struct fp_status *s)
{
    struct parts pa = unpack(a), pb = unpack(b);
    if (is_nan_or_unsupported(&pa) || is_nan_or_unsupported(&pb)) {
        return f80_propagate_nan(a, b, s);
    }
    pb.sign ^= flip;
    if (pa.class == FP_INFINITY && pb.class == FP_INFINITY && pa.sign != pb.sign) {
        return invalid(s);
    }
    if (denormal_operand(&pa, &pb, s)) {
        return a;
    }
    if (pa.class == FP_INFINITY || pb.class == FP_INFINITY) {
        return infinity(pa.class == FP_INFINITY ? pa.sign : pb.sign);
    }
    if (pa.class == FP_ZERO_CLASS && pb.class == FP_ZERO_CLASS) {
        return zero(pa.sign == pb.sign ? pa.sign : s->rounding == FP_DOWN);
    }
    if (pb.class == FP_ZERO_CLASS) {
        return pack_parts(&pa, s);
    }
    if (pa.class == FP_ZERO_CLASS) {
        return pack_parts(&pb, s);
    }
    return add_finite(pa, pb, s);
}

ALWAYS_INLINE struct float80 add(struct float80 a, struct float80 b, bool flip, struct fp_status *s)
{
    s->rounded_up = false;
    if (unlikely(!is_normal(a) || !is_normal(b))) {
        return add_special(a, b, flip, s);
    }
    struct parts pb = unpack_normal(b);
    pb.sign ^= flip;
    return add_finite(unpack_normal(a), pb, s);
}

struct float80 f80_add(struct float80 a, struct float80 b, struct fp_status *s)
{
    return add(a, b, false, s);
}

struct float80 f80_sub(struct float80 a, struct float80 b, struct fp_status *s)
{
    return add(a, b, true, s);
}

ALWAYS_INLINE struct float80 mul_finite(const struct parts *a, const struct parts *b,
                                        struct fp_status *s)
{
    u128 product = (u128)a->m * b->m;
    i32 e = a->e + b->e + 1;
    if (!(product >> 127)) {
        product <<= 1;
        e--;
    }
    return pack(a->sign ^ b->sign, e, (u64)(product >> 64), (u64)product, s);
}

static NOINLINE struct float80 mul_special(struct float80 a, struct float80 b, struct fp_status *s)
{
    struct parts pa = unpack(a), pb = unpack(b);
    bool sign = pa.sign ^ pb.sign;
    if (is_nan_or_unsupported(&pa) || is_nan_or_unsupported(&pb)) {
        return f80_propagate_nan(a, b, s);
    }
    if ((pa.class == FP_INFINITY && pb.class == FP_ZERO_CLASS) ||
        (pa.class == FP_ZERO_CLASS && pb.class == FP_INFINITY)) {
        return invalid(s);
    }
    if (denormal_operand(&pa, &pb, s)) {
        return a;
    }
    if (pa.class == FP_INFINITY || pb.class == FP_INFINITY) {
        return infinity(sign);
    }
    if (pa.class == FP_ZERO_CLASS || pb.class == FP_ZERO_CLASS) {
        return zero(sign);
    }
    return mul_finite(&pa, &pb, s);
}

struct float80 f80_mul(struct float80 a, struct float80 b, struct fp_status *s)
{
    s->rounded_up = false;
    if (unlikely(!is_normal(a) || !is_normal(b))) {
        return mul_special(a, b, s);
    }
    struct parts pa = unpack_normal(a), pb = unpack_normal(b);
    return mul_finite(&pa, &pb, s);
}

ALWAYS_INLINE struct float80 div_finite(const struct parts *a, const struct parts *b,
                                        struct fp_status *s)
{
    i32 e = a->e - b->e;
    u64 remainder;
    u64 q = divide_mantissas(a->m, b->m, &e, &remainder);
    /* The remainder against half of the divisor says on which side of a half the rest lies. */
    u64 low = !remainder                      ? 0
              : remainder > b->m - remainder  ? 3
              : remainder == b->m - remainder ? 2
                                              : 1;
    return pack(a->sign ^ b->sign, e, q, low << 62, s);
}

static NOINLINE struct float80 div_special(struct float80 a, struct float80 b, struct fp_status *s)
{
    struct parts pa = unpack(a), pb = unpack(b);
    bool sign = pa.sign ^ pb.sign;
    if (is_nan_or_unsupported(&pa) || is_nan_or_unsupported(&pb)) {
        return f80_propagate_nan(a, b, s);
    }
    if (pa.class == pb.class && (pa.class == FP_INFINITY || pa.class == FP_ZERO_CLASS)) {
        return invalid(s);
    }
    if (pb.class == FP_ZERO_CLASS && pa.class != FP_INFINITY) {
        s->flags |= FP_DIVZERO;
        return infinity(sign);
    }
    if (denormal_operand(&pa, &pb, s)) {
        return a;
    }
    if (pa.class == FP_INFINITY) {
        return infinity(sign);
    }
    if (pa.class == FP_ZERO_CLASS || pb.class == FP_INFINITY) {
        return zero(sign);
    }
    return div_finite(&pa, &pb, s);
}

struct float80 f80_div(struct float80 a, struct float80 b, struct fp_status *s)
{
    s->rounded_up = false;
    if (unlikely(!is_normal(a) || !is_normal(b))) {
        return div_special(a, b, s);
    }
    struct parts pa = unpack_normal(a), pb = unpack_normal(b);
    return div_finite(&pa, &pb, s);
}

struct float80 f80_sqrt(struct float80 a, struct fp_status *s)
{
    struct parts p = unpack(a);
    s->rounded_up = false;
    if (is_nan_or_unsupported(&p)) {
        return f80_propagate_nan(a, a, s);
    }
    if (p.class == FP_ZERO_CLASS) {
        return a;
    }
    if (p.sign) {
        return invalid(s);
    }
    if (p.class == FP_INFINITY || denormal_operand(&p, &p, s)) {
        return a;
    }
    u128 remainder;
    u64 root = isqrt128((u128)p.m << (p.e & 1 ? 64 : 63), &remainder);
    /* (root + 1/2)^2 = root^2 + root + 1/4: a remainder above root means more than a half */
    u64 low = !remainder ? 0 : remainder > root ? 3 : 1;
    return pack(false, p.e >> 1, root, low << 62, s);
}

/* ---- integers, scaling, remainder, comparison */

/* |p| as a whole number, rounded; p.e < 64. */
static u64 round_whole(const struct parts *p, u8 rounding, bool *inexact, bool *up)
{
    *inexact = *up = false;
    if (p->e == 63) {
        return p->m;
    }
    if (p->e < -1) {
        return round_off(1, 2, p->sign, rounding, inexact, up);
    }
    if (p->e == -1) {
        return round_off(shift_right_jam(p->m, 1), 63, p->sign, rounding, inexact, up);
    }
    return round_off(p->m, 63 - (unsigned)p->e, p->sign, rounding, inexact, up);
}

struct float80 f80_round_to_int(struct float80 a, struct fp_status *s)
{
    struct parts p = unpack(a);
    s->rounded_up = false;
    if (is_nan_or_unsupported(&p)) {
        return f80_propagate_nan(a, a, s);
    }
    if (p.class == FP_ZERO_CLASS || p.class == FP_INFINITY || denormal_operand(&p, &p, s) ||
        p.e >= 63) {
        return a;
    }
    bool inexact;
    u64 whole = round_whole(&p, s->rounding, &inexact, &s->rounded_up);
    if (inexact) {
        s->flags |= FP_INEXACT;
    }
    if (!whole) {
        return zero(p.sign);
    }
    unsigned n = (unsigned)__builtin_clzll(whole);
    return make(p.sign, (u32)(63 - (i32)n + BIAS), whole << n);
}

static struct float80 scale_by_infinity(const struct parts *a, const struct parts *b,
                                        struct fp_status *s)
{
    if (b->sign ? a->class == FP_INFINITY : a->class == FP_ZERO_CLASS) {
        return invalid(s);
    }
    if (denormal_operand(a, b, s)) {
        return zero(a->sign);
    }
    return b->sign ? zero(a->sign) : infinity(a->sign);
}

struct float80 f80_scale(struct float80 a, struct float80 b, struct fp_status *s)
{
    struct parts pa = unpack(a), pb = unpack(b);
    s->rounded_up = false;
    if (is_nan_or_unsupported(&pa) || is_nan_or_unsupported(&pb)) {
        return f80_propagate_nan(a, b, s);
    }
    if (pb.class == FP_INFINITY) {
        return scale_by_infinity(&pa, &pb, s);
    }
    if (denormal_operand(&pa, &pb, s) || pa.class == FP_ZERO_CLASS || pa.class == FP_INFINITY) {
        return a;
    }
    i32 n = 0;
    if (pb.class == FP_NORMAL && pb.e >= 0) {
        n = pb.e > 16 ? 1 << 17 : (i32)(pb.m >> (63 - pb.e));
    }
    u8 precision = s->precision; /* FSCALE ignores precision control: SDM Vol. 1 8.1.5.2 */
    s->precision = 64;
    struct float80 r = pack(pa.sign, pa.e + (pb.sign ? -n : n), pa.m, 0, s);
    s->precision = precision;
    return r;
}

struct float80 f80_extract(struct float80 a, struct float80 *exponent, struct fp_status *s)
{
    struct parts p = unpack(a);
    s->rounded_up = false;
    if (is_nan_or_unsupported(&p)) {
        return *exponent = f80_propagate_nan(a, a, s);
    }
    if (p.class == FP_ZERO_CLASS) {
        s->flags |= FP_DIVZERO;
        *exponent = infinity(true);
        return a;
    }
    if (p.class == FP_INFINITY) {
        *exponent = infinity(false);
        return a;
    }
    denormal_operand(&p, &p, s);
    *exponent = f80_from_i64(p.e);
    return make(p.sign, BIAS, p.m);
}

/* The remainder of a finite a by a finite b, both non-zero. */
static struct float80 remainder_finite(const struct parts *a, const struct parts *b, bool nearest,
                                       u64 *quotient, bool *partial, struct fp_status *s)
{
    i32 distance = a->e - b->e;
    bool sign = a->sign;
    if (distance >= 64) {
        unsigned n = 32 + ((unsigned)distance & 31);
        u64 m = (u64)(((u128)a->m << n) % b->m);
        *partial = true;
        i32 e = a->e - (i32)n; /* of m as it stands, bit 63 counted as the leading one */
        if (!m) {
            return zero(sign);
        }
        unsigned zeros = (unsigned)__builtin_clzll(m);
        return pack(sign, e - (i32)zeros, m << zeros, 0, s);
    }
    if (distance < (nearest ? -1 : 0)) {
        return pack_parts(a, s);
    }
    u128 n = distance < 0
                 ? a->m
                 : (u128)a->m << distance; /* in units of b's last place; for -1, of half of it */
    u128 q = 0, m = n, d = b->m;
    i32 e = b->e;
    if (distance < 0) {
        d <<= 1;
        e--;
    } else {
        q = n / d;
        m = n % d;
    }
    if (nearest && (2 * m > d || (2 * m == d && (q & 1)))) {
        m = d - m;
        sign = !sign;
        q++;
    }
    *quotient = (u64)q;
    if (!m) {
        return zero(a->sign);
    }
    unsigned zeros = (u64)(m >> 64) ? 0 : (unsigned)__builtin_clzll((u64)m);
    return pack(sign, e - (i32)zeros, (u64)m << zeros, 0, s);
}

struct float80 f80_remainder(struct float80 a, struct float80 b, bool nearest, u64 *quotient,
                             bool *partial, struct fp_status *s)
{
    struct parts pa = unpack(a), pb = unpack(b);
    *quotient = 0;
    *partial = false;
    s->rounded_up = false;
    if (is_nan_or_unsupported(&pa) || is_nan_or_unsupported(&pb)) {
        return f80_propagate_nan(a, b, s);
    }
    if (pa.class == FP_INFINITY || pb.class == FP_ZERO_CLASS) {
        return invalid(s);
    }
    if (denormal_operand(&pa, &pb, s) || pa.class == FP_ZERO_CLASS) {
        return a;
    }
    if (pb.class == FP_INFINITY) {
        u8 precision = s->precision;
        s->precision = 64;
        a = pack_parts(&pa, s);
        s->precision = precision;
        return a;
    }
    u8 precision = s->precision; /* remainders are exact, whatever the precision in force */
    s->precision = 64;
    struct float80 r = remainder_finite(&pa, &pb, nearest, quotient, partial, s);
    s->precision = precision;
    return r;
}

enum fp_relation f80_compare(struct float80 a, struct float80 b, bool signaling,
                             struct fp_status *s)
{
    struct parts pa = unpack(a), pb = unpack(b);
    s->rounded_up = false;
    if (is_nan_or_unsupported(&pa) || is_nan_or_unsupported(&pb)) {
        if (signaling || pa.class > FP_QUIET_NAN || pb.class > FP_QUIET_NAN) {
            s->flags |= FP_INVALID;
        }
        return FP_UNORDERED;
    }
    denormal_operand(&pa, &pb, s); /* the relation is told even if that is unmasked */
    if (pa.class == FP_ZERO_CLASS && pb.class == FP_ZERO_CLASS) {
        return FP_EQUAL;
    }
    if (pa.class == FP_ZERO_CLASS) {
        return pb.sign ? FP_GREATER : FP_LESS;
    }
    if (pb.class == FP_ZERO_CLASS || pa.sign != pb.sign) {
        return pa.sign ? FP_LESS : FP_GREATER;
    }
    if (pa.e == pb.e && pa.m == pb.m) {
        return FP_EQUAL;
    }
    bool smaller = pa.e < pb.e || (pa.e == pb.e && pa.m < pb.m);
    return smaller != pa.sign ? FP_LESS : FP_GREATER;
}

/* ---- conversions */

ALWAYS_INLINE struct float80 widen(struct format f, u64 a, bool *denormal)
{
    unsigned fraction_bits = f.precision - 1;
    u64 fraction = a << (64 - fraction_bits) >> 1;
    i32 biased = (i32)(a >> fraction_bits) & (2 * f.emax + 1);
    bool sign = a >> f.sign_at & 1;
    *denormal = false;
    if (likely(biased != 0 && biased != 2 * f.emax + 1)) {
        return make(sign, (u32)(biased - f.emax + BIAS), fraction | INTEGER_BIT);
    }
    if (biased) {
        return make(sign, EXPONENT_MAX, fraction | INTEGER_BIT);
    }
    if (!fraction) {
        return zero(sign);
    }
    *denormal = true;
    unsigned n = (unsigned)__builtin_clzll(fraction);
    return make(sign, (u32)(f.emin - (i32)n + BIAS), fraction << n);
}

struct float80 f80_widen_f32(u32 a, bool *denormal)
{
    return widen(FORMAT_F32, a, denormal);
}

struct float80 f80_widen_f64(u64 a, bool *denormal)
{
    return widen(FORMAT_F64, a, denormal);
}

ALWAYS_INLINE struct float80 load_flags(struct float80 r, bool denormal, struct fp_status *s)
{
    if (denormal) {
        s->flags |= FP_DENORMAL;
    } else if (unlikely(f80_classify(r) == FP_SIGNALING_NAN)) {
        s->flags |= FP_INVALID;
        r.mantissa |= QUIET_BIT;
    }
    return r;
}

struct float80 f80_from_f32(u32 a, struct fp_status *s)
{
    bool denormal;
    struct float80 r = widen(FORMAT_F32, a, &denormal);
    return load_flags(r, denormal, s);
}

struct float80 f80_from_f64(u64 a, struct fp_status *s)
{
    bool denormal;
    struct float80 r = widen(FORMAT_F64, a, &denormal);
    return load_flags(r, denormal, s);
}

struct float80 f80_from_i64(i64 a)
{
    if (!a) {
        return zero(false);
    }
    u64 magnitude = a < 0 ? 0 - (u64)a : (u64)a;
    unsigned n = (unsigned)__builtin_clzll(magnitude);
    return make(a < 0, 63 - n + BIAS, magnitude << n);
}

/* FST m32, m64 of a finite number. An unmasked overflow or underflow leaves memory alone, so
 * nothing was rounded: no FP_INEXACT, no C1. */
ALWAYS_INLINE u64 narrow_finite(struct format f, bool sign, i32 e, u64 m, struct fp_status *s)
{
    u8 old = s->flags;
    u64 r = pack_round(f, sign, e, m, s);
    if (unlikely(s->flags & ~s->masked & (FP_OVERFLOW | FP_UNDERFLOW))) {
        s->flags = old | (s->flags & ~FP_INEXACT);
        s->rounded_up = false;
    }
    return r;
}

/* A denormal operand is not flagged, for it becomes an underflow. */
ALWAYS_INLINE u64 narrow(struct format f, struct float80 a, struct fp_status *s)
{
    u64 infinite = (u64)(2 * f.emax + 1) << (f.precision - 1), quiet = (u64)1 << (f.precision - 2);
    s->rounded_up = false;
    if (likely(is_normal(a))) {
        return narrow_finite(f, a.sign_exponent >> 15, (a.sign_exponent & EXPONENT_MAX) - BIAS,
                             a.mantissa, s);
    }
    struct parts p = unpack(a);
    u64 sign = (u64)p.sign << f.sign_at;
    switch (p.class) {
    case FP_ZERO_CLASS:
        return sign;
    case FP_INFINITY:
        return sign | infinite;
    case FP_UNSUPPORTED:
        s->flags |= FP_INVALID;
        return (u64)1 << f.sign_at | infinite | quiet;
    case FP_SIGNALING_NAN:
        s->flags |= FP_INVALID;
        return sign | infinite | quiet | (p.m & ~INTEGER_BIT) >> (64 - f.precision);
    case FP_QUIET_NAN:
        return sign | infinite | (p.m & ~INTEGER_BIT) >> (64 - f.precision);
    default:
        return narrow_finite(f, p.sign, p.e, p.m, s);
    }
}

u32 f80_to_f32(struct float80 a, struct fp_status *s)
{
    return (u32)narrow(FORMAT_F32, a, s);
}

u64 f80_to_f64(struct float80 a, struct fp_status *s)
{
    return narrow(FORMAT_F64, a, s);
}

/* The magnitude of a, rounded to a whole number, if it is at most `limit` (or `limit` + 1 for
 * negative numbers of two's complement). */
static bool to_whole(struct float80 a, u64 limit, bool twos_complement, u64 *whole,
                     struct fp_status *s)
{
    struct parts p = unpack(a);
    bool inexact, up;
    s->rounded_up = false;
    *whole = 0;
    if (p.class == FP_ZERO_CLASS) {
        return true;
    }
    if (p.class >= FP_INFINITY || p.e > 63) {
        s->flags |= FP_INVALID;
        return false;
    }
    *whole = round_whole(&p, s->rounding, &inexact, &up);
    if (*whole > limit + (twos_complement && p.sign)) {
        s->flags |= FP_INVALID;
        return false;
    }
    if (inexact) {
        s->flags |= FP_INEXACT;
    }
    s->rounded_up = up;
    return true;
}

static i64 to_int(struct float80 a, unsigned width, struct fp_status *s)
{
    u64 indefinite = (u64)1 << (width - 1), whole;
    if (!to_whole(a, indefinite - 1, true, &whole, s)) {
        return -(i64)(indefinite - 1) - 1;
    }
    return (i64)(a.sign_exponent >> 15 ? 0 - whole : whole);
}

i16 f80_to_i16(struct float80 a, struct fp_status *s)
{
    return (i16)to_int(a, 16, s);
}

i32 f80_to_i32(struct float80 a, struct fp_status *s)
{
    return (i32)to_int(a, 32, s);
}

i64 f80_to_i64(struct float80 a, struct fp_status *s)
{
    return to_int(a, 64, s);
}

/* Digits above 9 count with their value; the manual leaves them undefined. */
struct float80 f80_from_bcd(const u8 bcd[10])
{
    u64 n = 0;
    for (int i = 8; i >= 0; i--) {
        n = n * 100 + (bcd[i] >> 4) * 10u + (bcd[i] & 15);
    }
    struct float80 r = f80_from_i64((i64)n);
    r.sign_exponent |= (u16)((bcd[9] & 0x80) << 8);
    return r;
}

void f80_to_bcd(struct float80 a, u8 bcd[10], struct fp_status *s)
{
    static const u8 indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff};
    u64 whole;
    if (!to_whole(a, 999999999999999999, false, &whole, s)) {
        memcpy(bcd, indefinite, sizeof indefinite);
        return;
    }
    for (int i = 0; i < 9; i++) {
        bcd[i] = (u8)(whole % 10 | whole / 10 % 10 << 4);
        whole /= 100;
    }
    bcd[9] = a.sign_exponent >> 15 ? 0x80 : 0;
}
