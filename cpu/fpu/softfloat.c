/*
 * softfloat.c: 32- and 64-bit arithmetic as SSE does it (SDM Vol. 1 4.8, 4.9, 11.5; Vol. 2, the
 * instruction pages).
 *
 * Written once for all formats; the format is a constant wherever these functions are
 * instantiated.
 */
#include "cpu/fpu/softfloat.h"

#include "cpu/fpu/float_core.h"

ALWAYS_INLINE struct parts unpack(struct format f, u64 a, bool daz)
{
    unsigned fraction_bits = f.precision - 1;
    u64 fraction = a << (64 - fraction_bits) >> 1; /* its leading bit at bit 62 */
    i32 biased = (i32)(a >> fraction_bits) & (2 * f.emax + 1);
    struct parts p = {fraction | (u64)1 << 63, biased - f.emax, a >> f.sign_at & 1, FP_NORMAL};
    if (likely(biased != 0 && biased != 2 * f.emax + 1)) {
        return p;
    }
    if (biased) {
        p.m = fraction;
        p.class = !fraction ? FP_INFINITY : fraction >> 62 ? FP_QUIET_NAN : FP_SIGNALING_NAN;
    } else if (!fraction || daz) {
        p.m = 0;
        p.class = FP_ZERO_CLASS;
    } else {
        unsigned n = (unsigned)__builtin_clzll(fraction);
        p.m = fraction << n;
        p.e = f.emin - (i32)n;
        p.class = FP_DENORMAL_CLASS;
    }
    return p;
}

ALWAYS_INLINE bool is_nan(const struct parts *p)
{
    return p->class == FP_QUIET_NAN || p->class == FP_SIGNALING_NAN;
}

ALWAYS_INLINE u64 infinity(struct format f, bool sign)
{
    return (u64)sign << f.sign_at | (u64)(2 * f.emax + 1) << (f.precision - 1);
}

ALWAYS_INLINE u64 zero(struct format f, bool sign)
{
    return (u64)sign << f.sign_at;
}

ALWAYS_INLINE u64 quiet_bit(struct format f)
{
    return (u64)1 << (f.precision - 2);
}

/* QNaN floating-point indefinite: SDM Vol. 1 4.8.3.7. */
ALWAYS_INLINE u64 invalid(struct format f, struct fp_status *s)
{
    s->flags |= FP_INVALID;
    return infinity(f, true) | quiet_bit(f);
}

/* SDM Vol. 1 table 4-7, the SSE rows: the first operand if it is a NaN, else the second; made
 * quiet. */
ALWAYS_INLINE u64 propagate_nan(struct format f, u64 a, u64 b, const struct parts *pa,
                                const struct parts *pb, struct fp_status *s)
{
    if (pa->class == FP_SIGNALING_NAN || pb->class == FP_SIGNALING_NAN) {
        s->flags |= FP_INVALID;
    }
    return (is_nan(pa) ? a : b) | quiet_bit(f);
}

/* Flags denormal operands; true: unmasked, so the operation ends here. */
ALWAYS_INLINE bool denormal_operand(const struct parts *a, const struct parts *b,
                                    struct fp_status *s)
{
    if (a->class == FP_DENORMAL_CLASS || b->class == FP_DENORMAL_CLASS) {
        s->flags |= FP_DENORMAL;
        return !(s->masked & FP_DENORMAL);
    }
    return false;
}

ALWAYS_INLINE bool both_normal(const struct parts *a, const struct parts *b)
{
    return a->class == FP_NORMAL && b->class == FP_NORMAL;
}

/* a + b, both finite and non-zero. */
ALWAYS_INLINE u64 add_finite(struct format f, struct parts a, struct parts b, struct fp_status *s)
{
    if (a.e < b.e || (a.e == b.e && a.m < b.m)) {
        struct parts t = a;
        a = b;
        b = t;
    }
    u64 m = shift_right_jam(b.m, (unsigned)(a.e - b.e));
    if (a.sign == b.sign) {
        u64 sum = a.m + m;
        if (sum < m) {
            sum = sum >> 1 | (sum & 1) | (u64)1 << 63;
            a.e++;
        }
        return pack_round(f, a.sign, a.e, sum, s);
    }
    u64 difference = a.m - m;
    if (!difference) {
        return zero(f, s->rounding == FP_DOWN);
    }
    unsigned n = (unsigned)__builtin_clzll(difference);
    return pack_round(f, a.sign, a.e - (i32)n, difference << n, s);
}

static NOINLINE u64 add_special(struct format f, u64 a, u64 b, u64 flip, struct fp_status *s)
{
    struct parts pa = unpack(f, a, s->daz), pb = unpack(f, b, s->daz);
    if (is_nan(&pa) || is_nan(&pb)) {
        return propagate_nan(f, a, b, &pa, &pb, s);
    }
    pb.sign ^= flip;
    if (pa.class == FP_INFINITY && pb.class == FP_INFINITY && pa.sign != pb.sign) {
        return invalid(f, s);
    }
    if (denormal_operand(&pa, &pb, s)) {
        return 0;
    }
    if (pa.class == FP_INFINITY || pb.class == FP_INFINITY) {
        return infinity(f, pa.class == FP_INFINITY ? pa.sign : pb.sign);
    }
    if (pa.class == FP_ZERO_CLASS && pb.class == FP_ZERO_CLASS) {
        return zero(f, pa.sign == pb.sign ? pa.sign : s->rounding == FP_DOWN);
    }
    if (pb.class == FP_ZERO_CLASS) {
        return pack_round(f, pa.sign, pa.e, pa.m, s);
    }
    if (pa.class == FP_ZERO_CLASS) {
        return pack_round(f, pb.sign, pb.e, pb.m, s);
    }
    return add_finite(f, pa, pb, s);
}

ALWAYS_INLINE u64 add(struct format f, u64 a, u64 b, bool flip, struct fp_status *s)
{
    struct parts pa = unpack(f, a, s->daz), pb = unpack(f, b, s->daz);
    if (unlikely(!both_normal(&pa, &pb))) {
        return add_special(f, a, b, flip, s);
    }
    pb.sign ^= flip;
    return add_finite(f, pa, pb, s);
}

ALWAYS_INLINE u64 mul_finite(struct format f, const struct parts *a, const struct parts *b,
                             struct fp_status *s)
{
    u128 product = (u128)a->m * b->m;
    i32 e = a->e + b->e + 1;
    if (!(product >> 127)) {
        product <<= 1;
        e--;
    }
    return pack_round(f, a->sign ^ b->sign, e, (u64)(product >> 64) | ((u64)product != 0), s);
}

static NOINLINE u64 mul_special(struct format f, u64 a, u64 b, struct fp_status *s)
{
    struct parts pa = unpack(f, a, s->daz), pb = unpack(f, b, s->daz);
    bool sign = pa.sign ^ pb.sign;
    if (is_nan(&pa) || is_nan(&pb)) {
        return propagate_nan(f, a, b, &pa, &pb, s);
    }
    if ((pa.class == FP_INFINITY && pb.class == FP_ZERO_CLASS) ||
        (pa.class == FP_ZERO_CLASS && pb.class == FP_INFINITY)) {
        return invalid(f, s);
    }
    if (denormal_operand(&pa, &pb, s)) {
        return 0;
    }
    if (pa.class == FP_INFINITY || pb.class == FP_INFINITY) {
        return infinity(f, sign);
    }
    if (pa.class == FP_ZERO_CLASS || pb.class == FP_ZERO_CLASS) {
        return zero(f, sign);
    }
    return mul_finite(f, &pa, &pb, s);
}

ALWAYS_INLINE u64 mul(struct format f, u64 a, u64 b, struct fp_status *s)
{
    struct parts pa = unpack(f, a, s->daz), pb = unpack(f, b, s->daz);
    if (unlikely(!both_normal(&pa, &pb))) {
        return mul_special(f, a, b, s);
    }
    return mul_finite(f, &pa, &pb, s);
}

/* ---- fused multiply-add: SDM Vol. 1 14.5.2 to 14.5.4 */

/* (high:low) * 2^(e - 127), bit 127 set. */
struct wide {
    u128 m;
    i32 e;
    bool sign;
};

/* Their sum, rounded once. Each has at most 106 significant bits, so what shifting loses matters only as "more". */
ALWAYS_INLINE u64 add_wide(struct format f, struct wide a, struct wide b, struct fp_status *s)
{
    if (a.e < b.e || (a.e == b.e && a.m < b.m)) {
        struct wide t = a;
        a = b;
        b = t;
    }
    u128 m = shift_right_jam128(b.m, (unsigned)(a.e - b.e)), r = a.sign == b.sign ? a.m + m : a.m - m;
    if (a.sign == b.sign && r < m) {
        r = r >> 1 | (r & 1) | (u128)1 << 127;
        a.e++;
    }
    if (!r) {
        return zero(f, s->rounding == FP_DOWN);
    }
    unsigned n = (u64)(r >> 64) ? (unsigned)__builtin_clzll((u64)(r >> 64))
                                : 64 + (unsigned)__builtin_clzll((u64)r);
    r <<= n;
    return pack_round(f, a.sign, a.e - (i32)n, (u64)(r >> 64) | ((u64)r != 0), s);
}

/* A NaN operand: the first one, made quiet, without a change of sign. */
static NOINLINE u64 multiply_add_nan(struct format f, const u64 *operands, const struct parts *parts,
                                     struct fp_status *s)
{
    u64 chosen = 0;
    for (unsigned k = 3; k-- > 0;) {
        if (parts[k].class == FP_SIGNALING_NAN) {
            s->flags |= FP_INVALID;
        }
        if (is_nan(&parts[k])) {
            chosen = operands[k];
        }
    }
    return chosen | quiet_bit(f);
}

ALWAYS_INLINE u64 multiply_add(struct format f, u64 a, u64 b, u64 c, bool negate_product,
                               bool negate_addend, struct fp_status *s)
{
    const u64 operands[3] = {a, b, c};
    struct parts p[3] = {unpack(f, a, s->daz), unpack(f, b, s->daz), unpack(f, c, s->daz)};
    bool sign = p[0].sign ^ p[1].sign ^ negate_product, sign_c = p[2].sign ^ negate_addend;
    bool endless = p[0].class == FP_INFINITY || p[1].class == FP_INFINITY;
    bool nothing = p[0].class == FP_ZERO_CLASS || p[1].class == FP_ZERO_CLASS;
    if (is_nan(&p[0]) || is_nan(&p[1]) || is_nan(&p[2])) {
        return multiply_add_nan(f, operands, p, s);
    }
    if (endless && (nothing || (p[2].class == FP_INFINITY && sign != sign_c))) {
        return invalid(f, s);
    }
    if (denormal_operand(&p[0], &p[1], s) || denormal_operand(&p[2], &p[2], s)) {
        return 0;
    }
    if (endless || p[2].class == FP_INFINITY) {
        return infinity(f, endless ? sign : sign_c);
    }
    if (nothing && p[2].class == FP_ZERO_CLASS) {
        return zero(f, sign == sign_c ? sign : s->rounding == FP_DOWN);
    }
    if (nothing) {
        return pack_round(f, sign_c, p[2].e, p[2].m, s);
    }
    struct wide product = {(u128)p[0].m * p[1].m, p[0].e + p[1].e + 1, sign};
    if (!(product.m >> 127)) {
        product.m <<= 1;
        product.e--;
    }
    if (p[2].class == FP_ZERO_CLASS) {
        return pack_round(f, sign, product.e, (u64)(product.m >> 64) | ((u64)product.m != 0), s);
    }
    return add_wide(f, product, (struct wide){(u128)p[2].m << 64, p[2].e, sign_c}, s);
}

ALWAYS_INLINE u64 div_finite(struct format f, const struct parts *a, const struct parts *b,
                             struct fp_status *s)
{
    i32 e = a->e - b->e;
    u64 remainder;
    u64 q = divide_mantissas(a->m, b->m, &e, &remainder);
    return pack_round(f, a->sign ^ b->sign, e, q | (remainder != 0), s);
}

static NOINLINE u64 div_special(struct format f, u64 a, u64 b, struct fp_status *s)
{
    struct parts pa = unpack(f, a, s->daz), pb = unpack(f, b, s->daz);
    bool sign = pa.sign ^ pb.sign;
    if (is_nan(&pa) || is_nan(&pb)) {
        return propagate_nan(f, a, b, &pa, &pb, s);
    }
    if (pa.class == pb.class && (pa.class == FP_INFINITY || pa.class == FP_ZERO_CLASS)) {
        return invalid(f, s);
    }
    if (pb.class == FP_ZERO_CLASS && pa.class != FP_INFINITY) {
        s->flags |= FP_DIVZERO;
        return infinity(f, sign);
    }
    if (denormal_operand(&pa, &pb, s)) {
        return 0;
    }
    if (pa.class == FP_INFINITY) {
        return infinity(f, sign);
    }
    if (pa.class == FP_ZERO_CLASS || pb.class == FP_INFINITY) {
        return zero(f, sign);
    }
    return div_finite(f, &pa, &pb, s);
}

ALWAYS_INLINE u64 div(struct format f, u64 a, u64 b, struct fp_status *s)
{
    struct parts pa = unpack(f, a, s->daz), pb = unpack(f, b, s->daz);
    if (unlikely(!both_normal(&pa, &pb))) {
        return div_special(f, a, b, s);
    }
    return div_finite(f, &pa, &pb, s);
}

ALWAYS_INLINE u64 square_root(struct format f, u64 a, struct fp_status *s)
{
    struct parts p = unpack(f, a, s->daz);
    if (is_nan(&p)) {
        return propagate_nan(f, a, a, &p, &p, s);
    }
    if (p.class == FP_ZERO_CLASS) {
        return zero(f, p.sign);
    }
    if (p.sign) {
        return invalid(f, s);
    }
    if (p.class == FP_INFINITY) {
        return a;
    }
    if (denormal_operand(&p, &p, s)) {
        return 0;
    }
    /* mantissa * 2^(e - 63), with an even exponent left outside of the root */
    u64 root, rest;
    if (f.precision <= 24) {
        root = (u64)isqrt64(p.e & 1 ? p.m : p.m >> 1, &rest) << 32;
        rest |= p.e & 1 ? 0 : p.m & 1;
    } else {
        u128 remainder;
        root = isqrt128((u128)p.m << (p.e & 1 ? 64 : 63), &remainder);
        rest = remainder != 0;
    }
    return pack_round(f, false, p.e >> 1, root | (rest != 0), s);
}

ALWAYS_INLINE enum fp_relation compare(struct format f, u64 a, u64 b, bool signaling,
                                       struct fp_status *s)
{
    struct parts pa = unpack(f, a, s->daz), pb = unpack(f, b, s->daz);
    if (is_nan(&pa) || is_nan(&pb)) {
        if (signaling || pa.class == FP_SIGNALING_NAN || pb.class == FP_SIGNALING_NAN) {
            s->flags |= FP_INVALID;
        }
        return FP_UNORDERED;
    }
    if (denormal_operand(&pa, &pb, s)) {
        return FP_UNORDERED;
    }
    u64 sign = (u64)1 << f.sign_at;
    u64 magnitude_a = pa.class == FP_ZERO_CLASS ? 0 : a & (sign - 1),
        magnitude_b = pb.class == FP_ZERO_CLASS ? 0 : b & (sign - 1);
    i64 va = pa.sign ? -(i64)magnitude_a : (i64)magnitude_a;
    i64 vb = pb.sign ? -(i64)magnitude_b : (i64)magnitude_b;
    return va < vb ? FP_LESS : va == vb ? FP_EQUAL : FP_GREATER;
}

/* MINSS, MAXSS: SDM Vol. 2; `want` is the relation of a to b at which a is the answer. */
ALWAYS_INLINE u64 min_max(struct format f, u64 a, u64 b, enum fp_relation want, struct fp_status *s)
{
    u64 chosen = compare(f, a, b, true, s) == want ? a : b;
    if (s->daz && !(chosen >> (f.precision - 1) & (2 * (u64)f.emax + 1))) {
        chosen &= (u64)1 << f.sign_at;
    }
    return chosen;
}

ALWAYS_INLINE u64 round_to_int(struct format f, u64 a, struct fp_status *s)
{
    struct parts p = unpack(f, a, s->daz);
    if (is_nan(&p)) {
        return propagate_nan(f, a, a, &p, &p, s);
    }
    if (p.class == FP_ZERO_CLASS) {
        return zero(f, p.sign);
    }
    if (p.class == FP_INFINITY || p.e >= (i32)f.precision - 1) {
        return a;
    }
    bool inexact, up;
    u64 whole = p.e < -1 ? round_off(1, 2, p.sign, s->rounding, &inexact, &up)
                : p.e == -1
                    ? round_off(shift_right_jam(p.m, 1), 63, p.sign, s->rounding, &inexact, &up)
                    : round_off(p.m, 63 - (unsigned)p.e, p.sign, s->rounding, &inexact, &up);
    if (inexact) {
        s->flags |= FP_INEXACT;
    }
    if (!whole) {
        return zero(f, p.sign);
    }
    unsigned n = (unsigned)__builtin_clzll(whole);
    return pack_round(f, p.sign, 63 - (i32)n, whole << n, s);
}

/* To a signed integer of `width` bits; out of range gives the integer indefinite, the most negative
 * one. */
ALWAYS_INLINE i64 to_int(struct format f, u64 a, unsigned width, struct fp_status *s)
{
    struct parts p = unpack(f, a, s->daz);
    u64 indefinite = (u64)1 << (width - 1);
    if (p.class == FP_ZERO_CLASS) {
        return 0;
    }
    if (p.class >= FP_INFINITY || p.e > 63) {
        s->flags |= FP_INVALID;
        return -(i64)(indefinite - 1) - 1;
    }
    bool inexact = false, up = false;
    u64 whole = p.e == 63  ? p.m
                : p.e < -1 ? round_off(1, 2, p.sign, s->rounding, &inexact, &up)
                : p.e == -1
                    ? round_off(shift_right_jam(p.m, 1), 63, p.sign, s->rounding, &inexact, &up)
                    : round_off(p.m, 63 - (unsigned)p.e, p.sign, s->rounding, &inexact, &up);
    if (whole > indefinite - !p.sign) {
        s->flags |= FP_INVALID;
        return -(i64)(indefinite - 1) - 1;
    }
    if (inexact) {
        s->flags |= FP_INEXACT;
    }
    return (i64)(p.sign ? 0 - whole : whole);
}

ALWAYS_INLINE u64 from_int(struct format f, i64 a, struct fp_status *s)
{
    if (!a) {
        return 0;
    }
    u64 magnitude = a < 0 ? 0 - (u64)a : (u64)a;
    unsigned n = (unsigned)__builtin_clzll(magnitude);
    return pack_round(f, a < 0, 63 - (i32)n, magnitude << n, s);
}

/* Between the two formats; the NaN keeps its leading payload bits. */
ALWAYS_INLINE u64 convert(struct format from, struct format to, u64 a, struct fp_status *s)
{
    struct parts p = unpack(from, a, s->daz);
    if (likely(p.class == FP_NORMAL)) {
        return pack_round(to, p.sign, p.e, p.m, s);
    }
    switch (p.class) {
    case FP_SIGNALING_NAN:
    case FP_QUIET_NAN:
        if (p.class == FP_SIGNALING_NAN) {
            s->flags |= FP_INVALID;
        }
        return infinity(to, p.sign) | quiet_bit(to) | p.m >> (64 - to.precision);
    case FP_INFINITY:
        return infinity(to, p.sign);
    case FP_ZERO_CLASS:
        return zero(to, p.sign);
    default:
        return denormal_operand(&p, &p, s) ? 0 : pack_round(to, p.sign, p.e, p.m, s);
    }
}

u32 f32_add(u32 a, u32 b, struct fp_status *s)
{
    return (u32)add(FORMAT_F32, a, b, false, s);
}

u32 f32_sub(u32 a, u32 b, struct fp_status *s)
{
    return (u32)add(FORMAT_F32, a, b, true, s);
}

u32 f32_mul(u32 a, u32 b, struct fp_status *s)
{
    return (u32)mul(FORMAT_F32, a, b, s);
}

u32 f32_div(u32 a, u32 b, struct fp_status *s)
{
    return (u32)div(FORMAT_F32, a, b, s);
}

u32 f32_sqrt(u32 a, struct fp_status *s)
{
    return (u32)square_root(FORMAT_F32, a, s);
}

u32 f32_min(u32 a, u32 b, struct fp_status *s)
{
    return (u32)min_max(FORMAT_F32, a, b, FP_LESS, s);
}

u32 f32_max(u32 a, u32 b, struct fp_status *s)
{
    return (u32)min_max(FORMAT_F32, a, b, FP_GREATER, s);
}

u64 f64_add(u64 a, u64 b, struct fp_status *s)
{
    return add(FORMAT_F64, a, b, false, s);
}

u64 f64_sub(u64 a, u64 b, struct fp_status *s)
{
    return add(FORMAT_F64, a, b, true, s);
}

u64 f64_mul(u64 a, u64 b, struct fp_status *s)
{
    return mul(FORMAT_F64, a, b, s);
}

u64 f64_div(u64 a, u64 b, struct fp_status *s)
{
    return div(FORMAT_F64, a, b, s);
}

u64 f64_sqrt(u64 a, struct fp_status *s)
{
    return square_root(FORMAT_F64, a, s);
}

u64 f64_min(u64 a, u64 b, struct fp_status *s)
{
    return min_max(FORMAT_F64, a, b, FP_LESS, s);
}

u64 f64_max(u64 a, u64 b, struct fp_status *s)
{
    return min_max(FORMAT_F64, a, b, FP_GREATER, s);
}

enum fp_relation f32_compare(u32 a, u32 b, bool signaling, struct fp_status *s)
{
    return compare(FORMAT_F32, a, b, signaling, s);
}

enum fp_relation f64_compare(u64 a, u64 b, bool signaling, struct fp_status *s)
{
    return compare(FORMAT_F64, a, b, signaling, s);
}

u32 f32_round_to_int(u32 a, struct fp_status *s)
{
    return (u32)round_to_int(FORMAT_F32, a, s);
}

u64 f64_round_to_int(u64 a, struct fp_status *s)
{
    return round_to_int(FORMAT_F64, a, s);
}

i32 f32_to_i32(u32 a, struct fp_status *s)
{
    return (i32)to_int(FORMAT_F32, a, 32, s);
}

i64 f32_to_i64(u32 a, struct fp_status *s)
{
    return to_int(FORMAT_F32, a, 64, s);
}

i32 f64_to_i32(u64 a, struct fp_status *s)
{
    return (i32)to_int(FORMAT_F64, a, 32, s);
}

i64 f64_to_i64(u64 a, struct fp_status *s)
{
    return to_int(FORMAT_F64, a, 64, s);
}

u32 f32_from_i32(i32 a, struct fp_status *s)
{
    return (u32)from_int(FORMAT_F32, a, s);
}

u32 f32_from_i64(i64 a, struct fp_status *s)
{
    return (u32)from_int(FORMAT_F32, a, s);
}

u64 f64_from_i32(i32 a)
{
    struct fp_status exact = {.masked = FP_ALL};
    return from_int(FORMAT_F64, a, &exact);
}

u64 f64_from_i64(i64 a, struct fp_status *s)
{
    return from_int(FORMAT_F64, a, s);
}

u32 f32_multiply_add(u32 a, u32 b, u32 c, bool negate_product, bool negate_addend,
                     struct fp_status *s)
{
    return (u32)multiply_add(FORMAT_F32, a, b, c, negate_product, negate_addend, s);
}

u64 f64_multiply_add(u64 a, u64 b, u64 c, bool negate_product, bool negate_addend,
                     struct fp_status *s)
{
    return multiply_add(FORMAT_F64, a, b, c, negate_product, negate_addend, s);
}

u32 f16_to_f32(u16 a, struct fp_status *s)
{
    struct fp_status own = {.masked = FP_ALL};
    u32 r = (u32)convert(FORMAT_F16, FORMAT_F32, a, &own);
    s->flags |= own.flags & FP_INVALID;
    return r;
}

u16 f32_to_f16(u32 a, struct fp_status *s)
{
    struct fp_status own = *s;
    own.ftz = false;
    u16 r = (u16)convert(FORMAT_F32, FORMAT_F16, a, &own);
    s->flags = own.flags;
    return r;
}

u64 f32_to_f64(u32 a, struct fp_status *s)
{
    return convert(FORMAT_F32, FORMAT_F64, a, s);
}

u32 f64_to_f32(u64 a, struct fp_status *s)
{
    return (u32)convert(FORMAT_F64, FORMAT_F32, a, s);
}
