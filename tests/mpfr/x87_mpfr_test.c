/*
 * x87_mpfr_test.c: MPFR judges the x87 functions: less than one unit in the last place from the true value, in every rounding and
 * precision, and flags and C1 as rounding makes them. FSQRT, FPREM and FPREM1 are exact. Where translated code has a shorter way
 * for a function (tcg/backend/x86_64/x87.c), it must leave the same bits.
 *
 *   x87_mpfr_test [--cases N] [--first N] [--function NAME]     default: 10000 cases a function
 *
 * The long form is --cases 1000000. Operands whose result the manual leaves undefined are left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpu/fpu/softfloat.h"
#include "cpu/fpu/x87.h"
#include "tests/mpfr/reference.h"
#if defined(__x86_64__)
#include "tcg/native.h"
#endif

enum {
    BIAS = 16383, EMIN = -16382, EMAX = 16383, BITS = 64, REWRAP = 24576, STEPS = 2000, SHOW = 10,
    JUDGED_STATUS = FP_ALL | X87_SF | X87_C1 | X87_C2,
};

struct tally {
    u64    judged, undefined, not_nearest, failed, shorter;
    double error[2]; /* the largest, in units of the last place: rounding to nearest, directed rounding */
};

struct run {
    struct cpu      *cpu, *other;
    struct insn      insn;
    struct reference reference;
    mpfr_t           result, wanted, distance;
    struct tally     tally;
    const char      *wrong; /* NULL: the case is right */
};

static mpfr_rnd_t rounding(u16 control)
{
    static const mpfr_rnd_t modes[4] = {MPFR_RNDN, MPFR_RNDD, MPFR_RNDU, MPFR_RNDZ};
    return modes[control >> 10 & 3];
}

static bool same_value(const mpfr_t a, const mpfr_t b)
{
    return mpfr_equal_p(a, b) && mpfr_signbit(a) == mpfr_signbit(b);
}

/* The exponent of a number after rounding to `bits`, whatever the range. */
static mpfr_exp_t rounded_exponent(const mpfr_t value, unsigned bits, mpfr_rnd_t mode)
{
    mpfr_t a;
    mpfr_init2(a, bits);
    mpfr_set(a, value, mode);
    mpfr_exp_t e = mpfr_get_exp(a) - 1;
    mpfr_clear(a);
    return e;
}

/* value * 2^-shift as an integer, and back. */
static void round_at(mpfr_t to, const mpfr_t value, mpfr_exp_t shift, mpfr_rnd_t mode)
{
    mpfr_div_2si(to, value, shift, MPFR_RNDN);
    if (mode == MPFR_RNDN) {
        mpfr_roundeven(to, to);
    } else {
        mpfr_rint(to, to, mode);
    }
    mpfr_mul_2si(to, to, shift, MPFR_RNDN);
}

/* run->wanted: what exact rounding gives; run->distance: ours from the true value, in units of its last place. */
static u16 judge_number(struct run *run, mpfr_t value, bool exact, u16 control, unsigned bits)
{
    mpfr_rnd_t mode  = rounding(control);
    mpfr_exp_t e     = rounded_exponent(value, bits, mode);
    bool       tiny  = e < EMIN, huge = e > EMAX;
    u16        flags = 0;
    if (tiny && !(control & FP_UNDERFLOW)) {
        mpfr_mul_2ui(value, value, REWRAP, MPFR_RNDN);
        flags |= FP_UNDERFLOW;
        tiny = false;
    } else if (huge && !(control & FP_OVERFLOW)) {
        mpfr_div_2ui(value, value, REWRAP, MPFR_RNDN);
        flags |= FP_OVERFLOW;
        huge = false;
    }
    mpfr_exp_t last = mpfr_get_exp(value) - (mpfr_exp_t)bits; /* the exponent of the last place */
    last = last < EMIN - BITS + 1 ? EMIN - BITS + 1 : last;
    round_at(run->wanted, value, last, mode);
    if (huge) {
        bool outwards = mode == MPFR_RNDN || mode == (mpfr_signbit(value) ? MPFR_RNDD : MPFR_RNDU);
        flags |= FP_OVERFLOW | FP_INEXACT | (outwards ? X87_C1 : 0);
        reference_set(run->wanted, outwards ? (struct float80){(u64)1 << 63, 0x7fff} : (struct float80){~(u64)0, 0x7ffe});
        mpfr_copysign(run->wanted, run->wanted, value, MPFR_RNDN);
        mpfr_set_zero(run->distance, 1);
        return flags;
    }
    mpfr_sub(run->distance, run->result, value, MPFR_RNDN);
    mpfr_div_2si(run->distance, run->distance, last, MPFR_RNDN);
    mpfr_abs(run->distance, run->distance, MPFR_RNDN);
    if (!exact || mpfr_cmp(run->wanted, value) != 0) {
        flags |= FP_INEXACT | (tiny ? FP_UNDERFLOW : 0);
        flags |= mpfr_cmpabs(run->result, value) > 0 ? X87_C1 : 0;
    }
    return flags;
}

static bool is_default_nan(struct float80 a)
{
    return a.mantissa == F80_DEFAULT_NAN.mantissa && a.sign_exponent == F80_DEFAULT_NAN.sign_exponent;
}

/* One result against the true value; returns the flags that it must have raised. */
static u16 judge_value(struct run *run, struct float80 ours, mpfr_t value, u16 control, unsigned bits)
{
    bool nearest = rounding(control) == MPFR_RNDN;
    reference_set(run->result, ours);
    if (mpfr_nan_p(value)) {
        run->wrong = is_default_nan(ours) ? run->wrong : "no NaN";
        return FP_INVALID;
    }
    if (!mpfr_regular_p(value)) {
        run->wrong = same_value(run->result, value) ? run->wrong : "zero or infinity";
        return run->reference.by_zero ? FP_DIVZERO : 0;
    }
    u16 flags = judge_number(run, value, run->reference.exact, control, bits);
    if (!same_value(run->result, run->wanted)) {
        run->tally.not_nearest++;
        if (flags & FP_OVERFLOW || !mpfr_number_p(run->result) || mpfr_cmp_ui(run->distance, 1) >= 0 || run->reference.exact) {
            run->wrong = "value";
            return flags;
        }
    }
    double *most = &run->tally.error[!nearest], error = mpfr_get_d(run->distance, MPFR_RNDD);
    *most = error > *most ? error : *most;
    return flags;
}

static bool is_denormal(struct float80 a)
{
    return f80_classify(a) == FP_DENORMAL_CLASS;
}

static const struct float80 *st(const struct cpu *cpu, unsigned n)
{
    return &cpu->x87.reg[(cpu->x87.top + n) & 7];
}

/* Where the result is, and how deep the stack must be. */
static void judge_stack(struct run *run, const struct x87_case *c)
{
    static const struct float80 one = {(u64)1 << 63, BIAS};
    bool push = c->function == FSINCOS || c->function == FPTAN, pop = x87_functions[c->function].two;
    if (run->cpu->x87.top != 3u + pop - push || run->cpu->x87.valid != (push ? 3 << 2 : pop ? 1 << 4 : 1 << 3)) {
        run->wrong = "stack";
    } else if (c->function == FPTAN && !mpfr_nan_p(run->reference.value) && memcmp(st(run->cpu, 0), &one, 10) != 0) {
        run->wrong = "FPTAN's one";
    }
}

static void judge_function(struct run *run, const struct x87_case *c)
{
    struct reference *r   = &run->reference;
    const struct x87 *x87 = &run->cpu->x87;
    static const u8   precisions[4] = {24, 64, 53, 64};
    reference_of(c, r);
    if (r->kind == REFERENCE_UNDEFINED) {
        run->tally.undefined++;
        return;
    }
    run->tally.judged++;
    if (r->kind == REFERENCE_RANGE) {
        bool kept  = x87->top == 3 && !memcmp(&x87->reg[3], &c->st0, 10) && (x87->status & JUDGED_STATUS) == X87_C2;
        run->wrong = kept ? NULL : "operand out of range";
        return;
    }
    judge_stack(run, c);
    bool     push = c->function == FSINCOS || c->function == FPTAN;
    unsigned bits = c->function == FSQRT ? precisions[c->control >> 8 & 3] : BITS;
    u16      flags = judge_value(run, *st(run->cpu, push), r->value, c->control, bits);
    if (c->function == FSINCOS) { /* C1 tells of the sine */
        flags |= judge_value(run, *st(run->cpu, 0), r->second, c->control, bits) & FP_ALL;
    }
    if (!(flags & (FP_INVALID | FP_DIVZERO)) && (is_denormal(c->st0) || (x87_functions[c->function].two && is_denormal(c->st1)))) {
        flags |= FP_DENORMAL;
    }
    if ((x87->status & JUDGED_STATUS) != flags) {
        run->wrong = run->wrong ? run->wrong : "status";
    }
}

/* The whole remainder, step by step: C2 until it is there. */
static void judge_remainder(struct run *run, const struct x87_case *c)
{
    struct cpu *cpu = run->cpu;
    mpfr_t      x, y, before;
    mpfr_inits2(BITS, x, y, before, (mpfr_ptr)0);
    reference_set(x, c->st0);
    reference_set(y, c->st1);
    run->tally.judged++;
    run->reference.exact = true;
    u16 flags            = is_denormal(c->st0) || is_denormal(c->st1) ? FP_DENORMAL : 0;
    mpfr_set(before, x, MPFR_RNDN);
    for (unsigned n = 0; cpu->x87.status & X87_C2 && n < STEPS; n++) {
        reference_set(run->result, *st(cpu, 0));
        if (mpfr_cmpabs(run->result, before) >= 0) {
            run->wrong = "a step that leads nowhere";
        }
        mpfr_set(before, run->result, MPFR_RNDN);
        flags |= is_denormal(*st(cpu, 0)) ? FP_DENORMAL : 0;
        x87_functions[c->function].op(cpu, &run->insn);
    }
    reference_set(run->result, *st(cpu, 0));
    if (c->function == FPREM) {
        mpfr_fmod(run->wanted, x, y, MPFR_RNDN);
    } else {
        mpfr_remainder(run->wanted, x, y, MPFR_RNDN);
    }
    if (mpfr_nan_p(run->wanted)) {
        run->wrong = is_default_nan(*st(cpu, 0)) && (cpu->x87.status & FP_ALL) == FP_INVALID ? run->wrong : "no NaN";
    } else if (!same_value(run->wanted, run->result)) {
        run->wrong = "remainder";
    } else {
        mpz_t q;
        mpz_init(q);
        if (mpfr_inf_p(y)) {
            mpfr_set_zero(run->distance, 1);
        } else {
            mpfr_sub(run->distance, before, run->result, MPFR_RNDN);
            mpfr_div(run->distance, run->distance, y, MPFR_RNDN);
        }
        mpfr_get_z(q, run->distance, MPFR_RNDZ);
        mpz_abs(q, q);
        u64 low = mpz_get_ui(q);
        flags |= (u16)((low & 1 ? X87_C1 : 0) | (low & 2 ? X87_C3 : 0) | (low & 4 ? X87_C0 : 0));
        mpz_clear(q);
        if ((cpu->x87.status & (JUDGED_STATUS | X87_C0 | X87_C3)) != flags) {
            run->wrong = "quotient or flags";
        }
    }
    mpfr_clears(x, y, before, (mpfr_ptr)0);
}

/* The same by way of the host's registers, if translated code would do so. */
static void judge_shorter(struct run *run, const struct x87_case *c)
{
#if defined(__x86_64__)
    struct insn insn;
    x87_case_begin(c, run->other, &insn);
    x87_to_host(run->other);
    bool executed = x87_function(run->other, &insn);
    x87_from_host(run->other);
    run->tally.shorter += executed;
    if (executed && memcmp(&run->other->x87, &run->cpu->x87, sizeof run->cpu->x87) != 0) {
        run->wrong = "the shorter way of translated code";
    }
#else
    (void)run;
    (void)c;
#endif
}

static void explain(const struct run *run, const struct x87_case *c, u64 number)
{
    const struct float80 *a = st(run->cpu, 0), *b = st(run->cpu, 1);
    printf("%s case %llu: %s: ST(0) %04x:%016llx ST(1) %04x:%016llx control %04x", x87_functions[c->function].name,
           (unsigned long long)number, run->wrong, c->st0.sign_exponent, (unsigned long long)c->st0.mantissa, c->st1.sign_exponent,
           (unsigned long long)c->st1.mantissa, c->control);
    printf(" -> %04x:%016llx %04x:%016llx status %04x", a->sign_exponent, (unsigned long long)a->mantissa, b->sign_exponent,
           (unsigned long long)b->mantissa, run->cpu->x87.status);
    mpfr_printf(", true %.30Re\n", run->reference.value);
}

static void run_case(struct run *run, enum x87_function f, u64 number)
{
    struct x87_case c = x87_case(f, number);
    if (f == FPREM || f == FPREM1) {
        c.control |= FP_ALL; /* exact results, so only underflow could tell; and steps would raise it */
    }
    run->wrong = NULL;
    x87_case_begin(&c, run->cpu, &run->insn);
    x87_functions[f].op(run->cpu, &run->insn);
    judge_shorter(run, &c);
    if (f == FPREM || f == FPREM1) {
        judge_remainder(run, &c);
    } else {
        judge_function(run, &c);
    }
    if (run->wrong && run->tally.failed++ < SHOW) {
        explain(run, &c, number);
    }
}

static bool run_function(struct run *run, enum x87_function f, u64 first, u64 cases)
{
    const struct tally *t = &run->tally;
    memset(&run->tally, 0, sizeof run->tally);
    for (u64 n = 0; n < cases; n++) {
        run_case(run, f, first + n);
    }
    printf("%-8s %8llu judged, %llu undefined, %llu wrong; largest error %.6f ulp to nearest, %.6f directed; "
           "%llu not as exact rounding; %llu by the shorter way\n",
           x87_functions[f].name, (unsigned long long)t->judged, (unsigned long long)t->undefined, (unsigned long long)t->failed,
           t->error[0], t->error[1], (unsigned long long)t->not_nearest, (unsigned long long)t->shorter);
    fflush(stdout);
    return !t->failed;
}

int main(int argc, char **argv)
{
    u64         cases = 10000, first = 0;
    const char *only  = NULL;
    bool        right = argc % 2;
    for (int k = 1; k + 1 < argc; k += 2) {
        if (!strcmp(argv[k], "--cases")) {
            cases = strtoull(argv[k + 1], NULL, 0);
        } else if (!strcmp(argv[k], "--first")) {
            first = strtoull(argv[k + 1], NULL, 0);
        } else if (!strcmp(argv[k], "--function")) {
            only = argv[k + 1];
        } else {
            right = false;
        }
    }
    if (!right) {
        fprintf(stderr, "usage: x87_mpfr_test [--cases N] [--first N] [--function NAME]\n");
        return 2;
    }
    struct run run = {.cpu = calloc(1, sizeof *run.cpu), .other = calloc(1, sizeof *run.other)};
    reference_init(&run.reference);
    mpfr_inits2(REFERENCE_BITS + 1, run.result, run.wanted, run.distance, (mpfr_ptr)0);
    for (enum x87_function f = 0; f < X87_FUNCTIONS; f++) {
        if (!only || !strcasecmp(only, x87_functions[f].name)) {
            right &= run_function(&run, f, first, cases);
        }
    }
    mpfr_clears(run.result, run.wanted, run.distance, (mpfr_ptr)0);
    reference_clear(&run.reference);
    mpfr_free_cache();
    free(run.cpu);
    free(run.other);
    return right ? 0 : 1;
}
