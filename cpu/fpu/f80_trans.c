/*
 * f80_trans.c: sine, cosine, tangent, arc tangent, 2^x - 1 and logarithms of 80-bit numbers (SDM
 * Vol. 2, the instruction pages).
 *
 * Computed with mantissas of 128 bits by integer arithmetic, so results are the same on every host,
 * and nearly always those that exact rounding gives (tests/mpfr); processors differ from them, and
 * from each other, in the last bit. Arguments of trigonometric functions are reduced, exactly, by the 66-bit
 * value of pi that Intel's processors use (SDM Vol. 1 8.3.8).
 */
#include "cpu/fpu/f80_trans.h"

#include "cpu/fpu/float_core.h"
#include "cpu/fpu/trans_tables.h"

enum { BIAS = 16383, EMIN = -16382 };
#define TOP_BIT  ((u128)1 << 127)
#define PI_66    U128(3, 0x243f6a8885a308d3) /* by 2^64; pi/2 by 2^65 */
#define F80_ZERO ((struct float80){0, 0})

static unsigned leading_zeros(u128 m)
{
    u64 high = (u64)(m >> 64);
    return high ? (unsigned)__builtin_clzll(high) : 64 + (unsigned)__builtin_clzll((u64)m);
}

/* a * b / 2^128, or up to 2 less: the product of the low halves is left out. Exact if both are 0. */
ALWAYS_INLINE u128 mul_high(u128 a, u128 b)
{
    u64 a1 = (u64)(a >> 64), a0 = (u64)a, b1 = (u64)(b >> 64), b0 = (u64)b;
    u64 m1 = (u64)((u128)a1 * b0 >> 64), m2 = (u64)((u128)a0 * b1 >> 64);
    return (u128)a1 * b1 + m1 + m2;
}

/* n / d, which is below 2^64. */
ALWAYS_INLINE u64 divide_128_64(u128 n, u64 d)
{
#if defined(__x86_64__)
    u64 q, r;
    __asm__("divq %4"
            : "=a"(q), "=d"(r)
            : "0"((u64)n), "1"((u64)(n >> 64)), "rm"(d)
            : "cc");
    return q;
#else
    return (u64)(n / d);
#endif
}

/* m * 2^(e - 127) with m normalised; m is not 0. */
static struct f80_wide wide_make(bool sign, i32 e, u128 m)
{
    unsigned n = leading_zeros(m);
    return (struct f80_wide){m << n, e - (i32)n, sign};
}

static struct f80_wide wide_from(struct float80 a)
{
    i32 biased = a.sign_exponent & 0x7fff;
    return wide_make(a.sign_exponent >> 15, biased ? biased - BIAS : EMIN, (u128)a.mantissa << 64);
}

static struct f80_wide wide_mul(struct f80_wide a, struct f80_wide b)
{
    return wide_make(a.sign ^ b.sign, a.e + b.e + 1, mul_high(a.m, b.m));
}

/* floor(n * 2^(64 * digits) / d) for n < d, bit 127 of d set (Knuth, volume 2, 4.3.1, algorithm D).
 * *rest: what to go on with. */
ALWAYS_INLINE u128 divide_digits(u128 n, u128 d, int digits, u128 *rest)
{
    u64 d1 = (u64)(d >> 64), d0 = (u64)d;
    u128 q = 0;
    for (int digit = 0; digit < digits; digit++) {
        u64 guess = (u64)(n >> 64) >= d1 ? ~(u64)0 : divide_128_64(n, d1);
        u128 partial = (u128)guess * d0;
        u128 high = (u128)guess * d1 + (partial >> 64);
        u64 low = (u64)partial;
        while (high > n || (high == n && low)) {
            guess--;
            high -= d1 + (u128)(low < d0);
            low -= d0;
        }
        n = ((n - high) << 64) - low;
        q = q << 64 | guess;
    }
    *rest = n;
    return q;
}

static u128 divide_fraction(u128 n, u128 d)
{
    u128 rest;
    return divide_digits(n, d, 2, &rest);
}

static struct f80_wide wide_div(struct f80_wide a, struct f80_wide b)
{
    bool less = a.m < b.m;
    return wide_make(a.sign ^ b.sign, a.e - b.e - less,
                     divide_fraction(less ? a.m : a.m >> 1, b.m));
}

/* |a| as a fixed-point number, scaled by 2^bits; it must fit. */
static u128 wide_fixed(struct f80_wide a, int bits)
{
    int shift = 127 - a.e - bits;
    return shift > 127 ? 0 : a.m >> shift;
}

/* c[0] + c[1] z + c[2] z^2 ..., or with alternating signs; z by 2^128, coefficients and result by
 * 2^127. As two series in z^2, which the host computes side by side. */
static u128 series(const u128 *c, unsigned count, u128 z, bool alternating)
{
    u128 z2 = mul_high(z, z), odd = 0;
    unsigned k = count & ~1u;
    u128 even = count & 1 ? c[k] : 0;
    while (k) {
        k -= 2;
        even = c[k] + mul_high(z2, even);
        odd = c[k + 1] + mul_high(z2, odd);
    }
    odd = mul_high(z, odd);
    return alternating ? even - odd : even + odd;
}

/* An alternating sum that is below 1 even if the second term vanishes. */
static u128 below_one(u128 sum)
{
    return sum - (sum >> 127);
}

/* How many terms matter if z < 2^-bits, to 2^-112. */
static unsigned terms(unsigned count, struct f80_wide z)
{
    unsigned bits = z.e < -113 ? 113 : (unsigned)-(z.e + 1);
    unsigned need = bits ? 112 / bits + 2 : count;
    return need < count ? need : count;
}

/* Rounds; the exact value is never representable, so something always lies behind the last bit. */
static struct float80 wide_round(struct f80_wide a, struct fp_status *s)
{
    return f80_round_pack(a.sign, a.e, (u64)(a.m >> 64), (u64)a.m | 1, s);
}

/* ---- sine, cosine, tangent */

/* |a| < 2^63 = quadrant * pi/2 + r, |r| <= pi/4. */
static struct f80_wide reduce(struct f80_wide a, unsigned *quadrant)
{
    *quadrant = 0;
    if (a.e < -2) {
        return a;
    }
    u128 n = (a.m >> 64) << (a.e + 2); /* by 2^65 */
    u64 q = divide_128_64(n >> 2, (u64)(PI_66 >> 2)); /* or one too many */
    i128 rest = (i128)(n - q * PI_66);
    q -= rest < 0;
    u128 r = (u128)(rest < 0 ? rest + (i128)PI_66 : rest);
    bool over = 2 * r > PI_66;
    *quadrant = ((unsigned)q + over) & 3;
    struct f80_wide w = wide_make(a.sign ^ over, 62, over ? PI_66 - r : r);
    if (a.sign) {
        *quadrant = (4 - *quadrant) & 3;
    }
    return w;
}

/* Sine and cosine of |r| <= pi/4, by the square of r. */
static struct f80_wide sine_reduced(struct f80_wide r, struct f80_wide square)
{
    u128 s = series(sin_series, terms(ARRAY_LEN(sin_series), square), wide_fixed(square, 128), true);
    return wide_mul(r, wide_make(false, 0, below_one(s)));
}

static struct f80_wide cosine_reduced(struct f80_wide square)
{
    u128 c = series(cos_series, terms(ARRAY_LEN(cos_series), square), wide_fixed(square, 128), true);
    return wide_make(false, 0, below_one(c));
}

static void sine_cosine(struct f80_wide r, struct f80_wide *sine, struct f80_wide *cosine)
{
    struct f80_wide square = wide_mul(r, r);
    *sine = sine_reduced(r, square);
    *cosine = cosine_reduced(square);
}

static struct f80_wide negate_if(struct f80_wide a, bool negate)
{
    a.sign ^= negate;
    return a;
}

/* |a| < 2^63. */
static struct f80_wide sine_finite(struct f80_wide a, bool cosine)
{
    unsigned quadrant;
    struct f80_wide r = reduce(a, &quadrant), square = wide_mul(r, r);
    quadrant = (quadrant + cosine) & 3;
    return negate_if(quadrant & 1 ? cosine_reduced(square) : sine_reduced(r, square), quadrant >= 2);
}

/* What all functions of one operand share. True: *r is the answer, or an exception of the operand
 * is unmasked. */
static bool trivial_operand(struct float80 a, struct float80 *r, struct fp_status *s)
{
    enum fp_class class = f80_classify(a);
    s->rounded_up = false;
    *r = a;
    if (class >= FP_QUIET_NAN) {
        *r = f80_propagate_nan(a, a, s);
        return true;
    }
    if (class == FP_DENORMAL_CLASS) {
        s->flags |= FP_DENORMAL;
        return !(s->masked & FP_DENORMAL);
    }
    return class == FP_ZERO_CLASS;
}

static struct float80 invalid(struct fp_status *s)
{
    s->flags |= FP_INVALID;
    return F80_DEFAULT_NAN;
}

static bool is_infinite(struct float80 a)
{
    return f80_classify(a) == FP_INFINITY;
}

static struct float80 one(bool sign)
{
    return (struct float80){(u64)1 << 63, (u16)(sign << 15 | BIAS)};
}

static struct float80 infinity(bool sign)
{
    return (struct float80){(u64)1 << 63, (u16)(sign << 15 | 0x7fff)};
}

static struct float80 zero(bool sign)
{
    return (struct float80){0, (u16)(sign << 15)};
}

bool f80_sincos(struct float80 a, struct float80 *sine, struct float80 *cosine, struct fp_status *s)
{
    unsigned quadrant;
    struct f80_wide sn, cs;
    s->precision = 64;
    if (trivial_operand(a, sine, s)) {
        *cosine = f80_classify(a) == FP_ZERO_CLASS ? one(false) : *sine;
        return true;
    }
    if (is_infinite(a)) {
        *sine = *cosine = invalid(s);
        return true;
    }
    struct f80_wide w = wide_from(a);
    if (w.e >= 63) {
        return false;
    }
    sine_cosine(reduce(w, &quadrant), &sn, &cs);
    struct fp_status other = *s; /* underflow can only come from the sine; C1 is the sine's too */
    *cosine = wide_round(negate_if(quadrant & 1 ? sn : cs, quadrant == 1 || quadrant == 2), &other);
    *sine = wide_round(negate_if(quadrant & 1 ? cs : sn, quadrant >= 2), s);
    s->flags |= other.flags;
    return true;
}

bool f80_sine(struct float80 a, bool cosine, struct float80 *r, struct fp_status *s)
{
    s->precision = 64;
    if (trivial_operand(a, r, s)) {
        if (cosine && f80_classify(a) == FP_ZERO_CLASS) {
            *r = one(false);
        }
        return true;
    }
    if (is_infinite(a)) {
        *r = invalid(s);
        return true;
    }
    struct f80_wide w = wide_from(a);
    if (w.e >= 63) {
        return false;
    }
    *r = wide_round(sine_finite(w, cosine), s);
    return true;
}

bool f80_tan(struct float80 a, struct float80 *r, struct fp_status *s)
{
    unsigned quadrant;
    struct f80_wide sn, cs;
    s->precision = 64;
    if (trivial_operand(a, r, s)) {
        return true;
    }
    if (is_infinite(a)) {
        *r = invalid(s);
        return true;
    }
    struct f80_wide w = wide_from(a);
    if (w.e >= 63) {
        return false;
    }
    struct f80_wide reduced = reduce(w, &quadrant);
    if (reduced.e < -60) { /* tan(x) - x is beyond the last bit, and lies outwards */
        *r = wide_round(
            quadrant & 1 ? negate_if(wide_div(wide_from(one(false)), reduced), true) : reduced, s);
        return true;
    }
    sine_cosine(reduced, &sn, &cs);
    *r = wide_round(quadrant & 1 ? negate_if(wide_div(cs, sn), true) : wide_div(sn, cs), s);
    return true;
}

/* ---- arc tangent */

/* atan(z) = z - z^3 / 3 for z = y / x < 2^-50, from mantissas of 64 bits. 128 bits may not tell on which
 * side of a number of 64 bits, or of the middle between two, the result lies; 192 bits do. */
static struct f80_wide atan_small(struct f80_wide y, struct f80_wide x)
{
    bool less = y.m < x.m;
    u128 rest, end, high = divide_digits(less ? y.m : y.m >> 1, x.m, 2, &rest);
    u64 low = (u64)divide_digits(rest, x.m, 1, &end) | (end != 0);
    struct f80_wide z = {high, y.e - x.e - less, false};
    struct f80_wide cube = wide_mul(z, wide_mul(z, z));
    int shift = z.e - cube.e - 64; /* of the cube, to the last place of 192 bits */
    u128 third = (shift > 127 ? 0 : cube.m / 3 >> shift) + 1;
    u128 tail = high << 64 | low;
    u64 top = (u64)(high >> 64) - (tail < third);
    tail -= third;
    if (!(top >> 63)) {
        top = top << 1 | (u64)(tail >> 127);
        tail <<= 1;
        z.e--;
    }
    z.m = (u128)top << 64 | tail >> 64 | ((u64)tail != 0);
    return z;
}

/* atan(y / x) for 0 < y <= x, as a multiple of 1/16's arc tangent plus that of what remains. */
static struct f80_wide atan_octant(struct f80_wide y, struct f80_wide x, unsigned *k)
{
    i32 distance = x.e - y.e;
    u128 sum = 0;
    *k = 0;
    struct f80_wide z;
    if (distance <= 6) { /* exact in units of y's last place */
        u128 yn = y.m >> 64, xn = (x.m >> 64) << distance;
        u64 yk = (u64)(yn >> (distance + 8)), xk = (u64)(xn >> (distance + 8));
        *k = (unsigned)((32 * yk + xk) / (2 * xk));
        u128 a = 16 * yn, b = *k * xn;
        if (a == b) {
            return (struct f80_wide){0, 0, false};
        }
        z = wide_div(wide_make(a < b, 0, a < b ? b - a : a - b),
                     wide_make(false, 0, 16 * xn + *k * yn));
    } else if (distance > 51) {
        return atan_small(y, x);
    } else {
        z = wide_div(y, x);
    }
    struct f80_wide square = wide_mul(z, z);
    sum = series(odd_series, terms(13, square), wide_fixed(square, 128), true);
    return wide_mul(z, wide_make(false, 0, below_one(sum)));
}

/* atan2(y, x) of finite non-zero operands. */
static struct f80_wide atan_finite(struct f80_wide y, struct f80_wide x)
{
    unsigned k;
    bool sign = y.sign, left = x.sign;
    bool steep = y.e > x.e || (y.e == x.e && y.m > x.m);
    y.sign = x.sign = false;
    struct f80_wide small = steep ? atan_octant(x, y, &k) : atan_octant(y, x, &k);
    if (!k && !steep && !left) {
        small.sign = sign;
        return small;
    }
    u128 rest = small.m ? wide_fixed(small, 126) : 0;
    u128 angle = small.sign ? atan_table[k] - rest : atan_table[k] + rest;
    if (steep) {
        angle = HALF_PI_Q126 - angle;
    }
    if (left) {
        angle = PI_Q126 - angle;
    }
    return wide_make(sign, 1, angle);
}

/* Zeros and infinities: a multiple of pi/4, or zero. */
static struct float80 atan_special(struct float80 y, struct float80 x, struct fp_status *s)
{
    bool sign = y.sign_exponent >> 15, left = x.sign_exponent >> 15;
    bool vertical = is_infinite(y) || f80_classify(x) == FP_ZERO_CLASS;
    unsigned quarters;
    if (is_infinite(y) && is_infinite(x)) {
        quarters = left ? 3 : 1;
    } else if (f80_classify(y) == FP_ZERO_CLASS || !vertical) {
        quarters = left ? 4 : 0;
    } else {
        quarters = 2;
    }
    if (!quarters) {
        return zero(sign);
    }
    return wide_round(wide_make(sign, 1, PI_Q126 / 4 * quarters), s);
}

/* Two operands: NaNs, denormals. True: *r is the answer, or an exception is unmasked. */
static bool trivial_operands(struct float80 y, struct float80 x, struct float80 *r,
                             struct fp_status *s)
{
    enum fp_class cy = f80_classify(y), cx = f80_classify(x);
    s->rounded_up = false;
    *r = y;
    if (cy >= FP_QUIET_NAN || cx >= FP_QUIET_NAN) {
        *r = f80_propagate_nan(x, y, s);
        return true;
    }
    return false;
}

static bool denormal_operands(struct float80 y, struct float80 x, struct fp_status *s)
{
    if (f80_classify(y) == FP_DENORMAL_CLASS || f80_classify(x) == FP_DENORMAL_CLASS) {
        s->flags |= FP_DENORMAL;
        return !(s->masked & FP_DENORMAL);
    }
    return false;
}

static bool is_finite_nonzero(struct float80 a)
{
    enum fp_class class = f80_classify(a);
    return class == FP_NORMAL || class == FP_DENORMAL_CLASS;
}

struct float80 f80_atan2(struct float80 y, struct float80 x, struct fp_status *s)
{
    struct float80 r;
    s->precision = 64;
    if (trivial_operands(y, x, &r, s) || denormal_operands(y, x, s)) {
        return r;
    }
    if (!is_finite_nonzero(y) || !is_finite_nonzero(x)) {
        return atan_special(y, x, s);
    }
    return wide_round(atan_finite(wide_from(y), wide_from(x)), s);
}

/* ---- powers and logarithms of 2 */

/* |w| < 1. */
static struct f80_wide exp_finite(struct f80_wide w)
{
    struct f80_wide z = wide_mul(w, wide_make(false, -1, LN2_Q128));
    u128 sum = series(exp_series, terms(ARRAY_LEN(exp_series), z), wide_fixed(z, 128), w.sign);
    return wide_mul(z, wide_make(false, 0, sum));
}

struct float80 f80_2xm1(struct float80 a, struct fp_status *s)
{
    struct float80 r;
    bool sign = a.sign_exponent >> 15;
    s->precision = 64;
    if (trivial_operand(a, &r, s)) {
        return r;
    }
    if (is_infinite(a)) {
        return sign ? one(true) : a;
    }
    struct f80_wide w = wide_from(a);
    if (w.e >= 0) { /* +1 and -1 are exact; beyond them the manual leaves the result undefined: the
                       operand stays */
        return w.e == 0 && w.m == TOP_BIT && sign
                   ? (struct float80){(u64)1 << 63, 0x8000 | (BIAS - 1)}
                   : a;
    }
    return wide_round(exp_finite(w), s);
}

/* log2((1 + t) / (1 - t)) */
static struct f80_wide log2_of_ratio(struct f80_wide t)
{
    struct f80_wide square = wide_mul(t, t);
    u128 sum =
        series(odd_series, terms(ARRAY_LEN(odd_series), square), wide_fixed(square, 128), false);
    return wide_mul(wide_mul(t, wide_make(false, 0, sum)), wide_make(false, 1, TWO_BY_LN2));
}

/* log2 of x > 0. m is 0 if it is 0; *exact if it is a whole number. */
static struct f80_wide log2_wide(struct f80_wide x, bool *exact)
{
    bool above =
        x.m > U128(0xb504f333f9de6484,
                   0x597d89b3754abe9f); /* the square root of 2: take half, so that |log2| <= 1/2 */
    i32 e = x.e + above;
    *exact = x.m == TOP_BIT;
    if (*exact) {
        return e ? wide_make(e < 0, 127, (u128)(e < 0 ? -e : e)) : (struct f80_wide){0, 0, false};
    }
    /* (m - 1) / (m + 1) by 2^126; the halved m by 2^127 */
    struct f80_wide n = above ? wide_make(true, 0, 0 - x.m) : wide_make(false, 1, x.m - TOP_BIT);
    struct f80_wide d = above ? wide_make(false, 1, (x.m >> 1) + TOP_BIT)
                          : wide_make(false, 2, (x.m >> 1) + (TOP_BIT >> 1));
    struct f80_wide l = log2_of_ratio(wide_div(n, d));
    if (!e) {
        return l;
    }
    i128 whole = (i128)e * ((i128)1 << 110);
    i128 rest = (i128)wide_fixed(l, 110);
    i128 sum = l.sign ? whole - rest : whole + rest;
    return wide_make(sum < 0, 17, (u128)(sum < 0 ? -sum : sum));
}

/* y * log, or an exact product. */
static struct float80 times_log(struct float80 y, struct f80_wide log, bool exact, struct fp_status *s)
{
    struct f80_wide w = wide_mul(wide_from(y), log);
    if (exact) { /* 64 by 15 bits: nothing was lost */
        return f80_round_pack(w.sign, w.e, (u64)(w.m >> 64), (u64)w.m, s);
    }
    return wide_round(w, s);
}

/* y * log2(x) where y or x is zero or infinite, or x is 1; `log_sign`: the logarithm's sign,
 * `log_zero`: it is 0. */
static struct float80 special_product(struct float80 y, bool log_infinite, bool log_zero,
                                      bool log_sign, struct fp_status *s)
{
    bool sign = (y.sign_exponent >> 15) ^ log_sign;
    bool y_zero = f80_classify(y) == FP_ZERO_CLASS;
    if ((log_infinite && y_zero) || (log_zero && is_infinite(y))) {
        return invalid(s);
    }
    return log_infinite || is_infinite(y) ? infinity(sign) : zero(sign);
}

struct float80 f80_yl2x(struct float80 y, struct float80 x, struct fp_status *s)
{
    struct float80 r;
    enum fp_class cx = f80_classify(x);
    bool exact;
    s->precision = 64;
    if (trivial_operands(y, x, &r, s)) {
        return r;
    }
    if (x.sign_exponent >> 15 && cx != FP_ZERO_CLASS) {
        return invalid(s);
    }
    if (cx == FP_ZERO_CLASS && is_finite_nonzero(y)) {
        s->flags |= FP_DIVZERO;
        return infinity(!(y.sign_exponent >> 15));
    }
    bool log_zero = x.mantissa == one(false).mantissa && x.sign_exponent == BIAS;
    bool log_sign = (x.sign_exponent & 0x7fff) < BIAS;
    if (cx == FP_ZERO_CLASS || cx == FP_INFINITY || log_zero || !is_finite_nonzero(y)) {
        r = special_product(y, cx == FP_ZERO_CLASS || cx == FP_INFINITY, log_zero, log_sign, s);
        return s->flags & FP_INVALID || !denormal_operands(y, x, s) ? r : y;
    }
    if (denormal_operands(y, x, s)) {
        return y;
    }
    struct f80_wide log = log2_wide(wide_from(x), &exact);
    return times_log(y, log, exact, s);
}

/* log2(1 + x), x > -1 and not 0. */
static struct f80_wide log2_plus_1(struct f80_wide x, bool *exact)
{
    *exact = false;
    if (x.e < -2) {
        u128 fixed = wide_fixed(x, 126); /* x / (2 + x), by 2^126 */
        return log2_of_ratio(
            wide_div(x, wide_make(false, 1, x.sign ? TOP_BIT - fixed : TOP_BIT + fixed)));
    }
    if (x.e < 0) {
        u128 fixed = wide_fixed(x, 127);
        return log2_wide(wide_make(false, 0, x.sign ? TOP_BIT - fixed : TOP_BIT + fixed), exact);
    }
    u128 unit = x.e < 128 ? TOP_BIT >> x.e : 0, sum = x.m + unit;
    bool carry = sum < unit;
    struct f80_wide r = log2_wide((struct f80_wide){carry ? sum >> 1 | TOP_BIT : sum, x.e + carry, false}, exact);
    *exact &= unit != 0; /* else the 1 is lost, but x + 1 is no power of 2 */
    return r;
}

struct float80 f80_yl2xp1(struct float80 y, struct float80 x, struct fp_status *s)
{
    struct float80 r;
    enum fp_class cx = f80_classify(x);
    bool exact, sign = x.sign_exponent >> 15;
    s->precision = 64;
    if (trivial_operands(y, x, &r, s)) {
        return r;
    }
    /* At and below -1, where the manual leaves the result undefined, as FYL2X answers a negative
     * operand. */
    if (sign && (x.sign_exponent & 0x7fff) >= BIAS) {
        return invalid(s);
    }
    if (!is_finite_nonzero(x) || !is_finite_nonzero(y)) {
        r = special_product(y, cx == FP_INFINITY, cx == FP_ZERO_CLASS, sign, s);
        return s->flags & FP_INVALID || !denormal_operands(y, x, s) ? r : y;
    }
    if (denormal_operands(y, x, s)) {
        return y;
    }
    struct f80_wide log = log2_plus_1(wide_from(x), &exact);
    return times_log(y, log, exact, s);
}

/* ---- without rounding */

static bool is_normal(struct float80 a)
{
    unsigned e = a.sign_exponent & 0x7fff;
    return e && e != 0x7fff && a.mantissa >> 63;
}

bool f80_unrounded(enum f80_function f, struct float80 y, struct float80 x, struct f80_wide *r)
{
    bool exact = false;
    if (!is_normal(x) || (f >= F80_ATAN2 && !is_normal(y))) {
        return false;
    }
    struct f80_wide w = wide_from(x);
    bool bad_log = f == F80_YL2XP1 ? w.sign && w.e >= 0 : w.sign || (!w.e && w.m == TOP_BIT);
    if (f <= F80_COSINE ? w.e >= 63 : f == F80_2XM1 ? w.e >= 0 : f >= F80_YL2X && bad_log) {
        return false;
    }
    switch (f) {
    case F80_SINE: case F80_COSINE: *r = sine_finite(w, f == F80_COSINE); break;
    case F80_2XM1: *r = exp_finite(w); break;
    case F80_ATAN2: *r = atan_finite(wide_from(y), w); break;
    case F80_YL2X: *r = wide_mul(wide_from(y), log2_wide(w, &exact)); break;
    case F80_YL2XP1: *r = wide_mul(wide_from(y), log2_plus_1(w, &exact)); break;
    }
    r->m |= !exact;
    return true;
}
