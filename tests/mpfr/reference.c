/*
 * reference.c: x87 functions by MPFR.
 */
#include "tests/mpfr/reference.h"

#include "cpu/fpu/softfloat.h"

enum { BIAS = 16383, OPERAND_BITS = 128 };

void reference_init(struct reference *r)
{
    mpfr_init2(r->value, REFERENCE_BITS + 1); /* see sticky() */
    mpfr_init2(r->second, REFERENCE_BITS + 1);
}

void reference_clear(struct reference *r)
{
    mpfr_clear(r->value);
    mpfr_clear(r->second);
}

void reference_set(mpfr_t to, struct float80 from)
{
    int sign = from.sign_exponent >> 15 ? -1 : 1, biased = from.sign_exponent & 0x7fff;
    switch (f80_classify(from)) {
    case FP_ZERO_CLASS: mpfr_set_zero(to, sign); break;
    case FP_INFINITY: mpfr_set_inf(to, sign); break;
    case FP_NORMAL: case FP_DENORMAL_CLASS:
        mpfr_set_uj_2exp(to, from.mantissa, (biased ? biased : 1) - BIAS - 63, MPFR_RNDN);
        mpfr_setsign(to, to, sign < 0, MPFR_RNDN);
        break;
    default: mpfr_set_nan(to); break;
    }
}

/* Cuts off at REFERENCE_BITS; a last bit more says that something was cut off: 1 - 2^-30000 must not become 1. `inexact`: as the
 * function with MPFR_RNDZ said. */
static void sticky(mpfr_t value, int inexact)
{
    mpfr_prec_round(value, REFERENCE_BITS, MPFR_RNDZ);
    mpfr_prec_round(value, REFERENCE_BITS + 1, MPFR_RNDZ);
    if (inexact && mpfr_regular_p(value)) {
        mpfr_signbit(value) ? mpfr_nextbelow(value) : mpfr_nextabove(value);
    }
}

static bool exactly(struct reference *r, int inexact)
{
    sticky(r->value, inexact);
    return !inexact;
}

/* x = quadrant * pi/2 + rest. */
static long reduce(mpfr_t rest, const mpfr_t x)
{
    long   quadrant;
    mpfr_t half_pi;
    mpfr_init2(half_pi, OPERAND_BITS);
    mpfr_set_str(half_pi, "3243f6a8885a308d3", 16, MPFR_RNDN); /* pi of 66 bits, by 2^64 */
    mpfr_div_2ui(half_pi, half_pi, 65, MPFR_RNDN);
    mpfr_remquo(rest, &quadrant, x, half_pi, MPFR_RNDN);
    mpfr_clear(half_pi);
    return quadrant & 3;
}

static void sine(mpfr_t to, const mpfr_t rest, long quadrant)
{
    sticky(to, quadrant & 1 ? mpfr_cos(to, rest, MPFR_RNDZ) : mpfr_sin(to, rest, MPFR_RNDZ));
    if (quadrant & 2) {
        mpfr_neg(to, to, MPFR_RNDN);
    }
}

static void tangent(mpfr_t to, const mpfr_t rest, long quadrant)
{
    sticky(to, quadrant & 1 ? mpfr_cot(to, rest, MPFR_RNDZ) : mpfr_tan(to, rest, MPFR_RNDZ));
    if (quadrant & 1) {
        mpfr_neg(to, to, MPFR_RNDN);
    }
}

static void trigonometric(enum x87_function f, const mpfr_t x, struct reference *r)
{
    mpfr_t rest;
    if (mpfr_inf_p(x)) {
        mpfr_set_nan(r->value);
        mpfr_set_nan(r->second);
        return;
    }
    if (mpfr_cmpabs_ui(x, 1) > 0 && mpfr_get_exp(x) > 63) {
        r->kind = REFERENCE_RANGE;
        return;
    }
    mpfr_init2(rest, REFERENCE_BITS);
    long quadrant = reduce(rest, x);
    if (f == FPTAN) {
        tangent(r->value, rest, quadrant);
    } else {
        sine(r->value, rest, f == FCOS ? (quadrant + 1) & 3 : quadrant);
        sine(r->second, rest, (quadrant + 1) & 3);
    }
    r->exact = mpfr_zero_p(x);
    mpfr_clear(rest);
}

static void power(const mpfr_t x, struct reference *r)
{
    if (mpfr_inf_p(x) || mpfr_zero_p(x) || mpfr_cmpabs_ui(x, 1) == 0) {
        mpfr_exp2(r->value, x, MPFR_RNDN);
        mpfr_sub_ui(r->value, r->value, 1, MPFR_RNDN);
        if (mpfr_zero_p(x)) {
            mpfr_set(r->value, x, MPFR_RNDN);
        }
        r->exact = true;
    } else if (mpfr_cmpabs_ui(x, 1) > 0) {
        r->kind = REFERENCE_UNDEFINED;
    } else {
        mpfr_const_log2(r->second, MPFR_RNDN);
        mpfr_mul(r->second, r->second, x, MPFR_RNDN);
        mpfr_expm1(r->value, r->second, MPFR_RNDN);
    }
}

/* y * log2(x), or y * log2(x + 1). */
static void logarithm(const mpfr_t y, const mpfr_t x, bool plus_1, struct reference *r)
{
    if (plus_1 && mpfr_cmp_si(x, -1) <= 0) {
        r->kind = REFERENCE_UNDEFINED;
        return;
    }
    int inexact = plus_1 ? mpfr_log2p1(r->second, x, MPFR_RNDZ) : mpfr_log2(r->second, x, MPFR_RNDZ);
    sticky(r->second, inexact);
    inexact |= mpfr_mul(r->value, y, r->second, MPFR_RNDZ);
    r->exact   = exactly(r, inexact);
    r->by_zero = mpfr_inf_p(r->value) && mpfr_number_p(x) && mpfr_number_p(y);
}

void reference_of(const struct x87_case *c, struct reference *r)
{
    mpfr_t x, y;
    mpfr_inits2(OPERAND_BITS, x, y, (mpfr_ptr)0);
    reference_set(x, c->st0);
    reference_set(y, c->st1);
    r->kind  = REFERENCE_VALUE;
    r->exact = r->by_zero = false;
    switch (c->function) {
    case F2XM1: power(x, r); break;
    case FYL2X: logarithm(y, x, false, r); break;
    case FYL2XP1: logarithm(y, x, true, r); break;
    case FPATAN: r->exact = exactly(r, mpfr_atan2(r->value, y, x, MPFR_RNDZ)); break;
    case FSQRT: r->exact = exactly(r, mpfr_sqrt(r->value, x, MPFR_RNDZ)); break;
    default: trigonometric(c->function, x, r); break;
    }
    mpfr_clears(x, y, (mpfr_ptr)0);
}
