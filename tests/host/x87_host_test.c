/*
 * x87_host_test.c: the 80-bit arithmetic of cpu/fpu against the host's own x87, on x86-64 hosts.
 *
 * Random and directed operands, all roundings and precisions, exceptions masked and unmasked;
 * results, flags and C1 must match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/float_cases.h"

#if defined(__x86_64__)

enum { CASES = 300000, C1 = 1 << 9, C2 = 1 << 10, CONDITIONS = 0x4700 };

struct x87_case {
    struct float80 a, b;
    u8 bcd[10];
    u64 integer;
    u16 control;
};

struct x87_result {
    struct float80 st0;
    u64 memory; /* stores and integers */
    u8 bcd[10];
    u16 status;
};

typedef void (*host_fn)(const struct x87_case *c, struct x87_result *r);
typedef void (*ours_fn)(const struct x87_case *c, struct x87_result *r, struct fp_status *s);

/* ---- the host's side: FNSTSW and FNCLEX come before any waiting instruction, so that unmasked
 * exceptions never trap */

/* `after` puts back what a popping instruction took away. */
#define HOST_POP(name, text, after)                                                                \
    static void host_##name(const struct x87_case *c, struct x87_result *r)                        \
    {                                                                                              \
        static const u16 all_masked = 0x37f;                                                       \
        __asm__ volatile(                                                                          \
            "fninit\n\tfldt %[b]\n\tfldt %[a]\n\tfnclex\n\tfldcw %[cw]\n\t" text                   \
            "\n\tfnstsw %[sw]\n\tfnclex\n\tfldcw %[masked]\n\t" after "\n\tfstpt %[st0]\n\tfninit" \
            :                                                                                      \
            [sw] "=m"(r->status), [st0] "=m"(r->st0), [memory] "+m"(r->memory), [bcd] "+m"(r->bcd) \
            : [a] "m"(c->a), [b] "m"(c->b), [cw] "m"(c->control), [masked] "m"(all_masked),        \
              [integer] "m"(c->integer), [packed] "m"(c->bcd));                                    \
    }
#define HOST_OP(name, text) HOST_POP(name, text, "")

HOST_OP(add, "fadd %%st(1), %%st")
HOST_OP(sub, "fsub %%st(1), %%st")
HOST_OP(mul, "fmul %%st(1), %%st")
HOST_OP(div, "fdiv %%st(1), %%st")
HOST_OP(sqrt, "fsqrt")
HOST_OP(rint, "frndint")
HOST_OP(scale, "fscale")
HOST_OP(prem, "fprem")
HOST_OP(prem1, "fprem1")
HOST_OP(com, "fcom %%st(1)")
HOST_OP(ucom, "fucom %%st(1)")
HOST_OP(st_f32, "fsts %[memory]")
HOST_OP(st_f64, "fstl %[memory]")
HOST_OP(ist16, "fists %[memory]")
HOST_OP(ist32, "fistl %[memory]")
HOST_POP(ist64, "fistpll %[memory]", "fldt %[a]")
HOST_POP(bstp, "fbstp %[bcd]", "fldt %[a]")
HOST_OP(bld, "fbld %[packed]")
HOST_OP(ild64, "fildll %[integer]")
HOST_OP(ld_f64, "fldl %[integer]")
HOST_OP(ld_f32, "flds %[integer]")
HOST_OP(add_f64, "faddl %[integer]")
HOST_OP(div_f32, "fdivs %[integer]")
HOST_OP(xtract, "fxtract")

/* ---- ours, as x87.c calls it */

static bool stopped(const struct fp_status *s)
{
    return s->flags & FP_PRE & ~s->masked;
}

static void finish(struct x87_result *r, struct float80 old, struct float80 value,
                   const struct fp_status *s)
{
    r->st0 = stopped(s) ? old : value;
}

#define OURS_BINARY(name, call)                                                                    \
    static void ours_##name(const struct x87_case *c, struct x87_result *r, struct fp_status *s)   \
    {                                                                                              \
        finish(r, c->a, call, s);                                                                  \
    }
OURS_BINARY(add, f80_add(c->a, c->b, s))
OURS_BINARY(sub, f80_sub(c->a, c->b, s))
OURS_BINARY(mul, f80_mul(c->a, c->b, s))
OURS_BINARY(div, f80_div(c->a, c->b, s))
OURS_BINARY(sqrt, f80_sqrt(c->a, s))
OURS_BINARY(rint, f80_round_to_int(c->a, s))
OURS_BINARY(scale, f80_scale(c->a, c->b, s))

static void remainder_result(const struct x87_case *c, struct x87_result *r, struct fp_status *s,
                             bool nearest)
{
    u64 q;
    bool partial;
    finish(r, c->a, f80_remainder(c->a, c->b, nearest, &q, &partial, s), s);
    r->status = (u16)((q & 1) << 9 | (q >> 1 & 1) << 14 | (q >> 2 & 1) << 8 | partial << 10);
}

static void ours_prem(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    remainder_result(c, r, s, false);
}

static void ours_prem1(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    remainder_result(c, r, s, true);
}

static void compare_result(const struct x87_case *c, struct x87_result *r, struct fp_status *s,
                           bool signaling)
{
    static const u16 codes[] = {
        [FP_LESS] = 0x100, [FP_EQUAL] = 0x4000, [FP_GREATER] = 0, [FP_UNORDERED] = 0x4500};
    r->status = codes[f80_compare(c->a, c->b, signaling, s)];
    r->st0 = c->a;
}

static void ours_com(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    compare_result(c, r, s, true);
}

static void ours_ucom(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    compare_result(c, r, s, false);
}

#define OURS_STORE(name, type, call)                                                               \
    static void ours_##name(const struct x87_case *c, struct x87_result *r, struct fp_status *s)   \
    {                                                                                              \
        type value = call;                                                                         \
        r->st0 = c->a;                                                                             \
        if (!(s->flags & ~s->masked & (FP_PRE | FP_OVERFLOW | FP_UNDERFLOW))) {                    \
            memcpy(&r->memory, &value, sizeof value);                                              \
        }                                                                                          \
    }
OURS_STORE(st_f32, u32, f80_to_f32(c->a, s))
OURS_STORE(st_f64, u64, f80_to_f64(c->a, s))
OURS_STORE(ist16, i16, f80_to_i16(c->a, s))
OURS_STORE(ist32, i32, f80_to_i32(c->a, s))
OURS_STORE(ist64, i64, f80_to_i64(c->a, s))

static void ours_bstp(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    f80_to_bcd(c->a, r->bcd, s);
    r->st0 = c->a;
}

static void ours_bld(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    (void)s;
    r->st0 = f80_from_bcd(c->bcd);
}

static void ours_ild64(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    (void)s;
    r->st0 = f80_from_i64((i64)c->integer);
}

static void ours_ld_f64(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    finish(r, c->a, f80_from_f64(c->integer, s), s);
}

static void ours_ld_f32(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    finish(r, c->a, f80_from_f32((u32)c->integer, s), s);
}

static struct float80
with_narrow(struct float80 a, struct float80 b, bool denormal, struct fp_status *s,
            struct float80 (*op)(struct float80, struct float80, struct fp_status *))
{
    if (denormal && f80_classify(a) < FP_QUIET_NAN) {
        s->flags |= FP_DENORMAL;
        if (stopped(s)) {
            return a;
        }
    }
    return op(a, b, s);
}

static void ours_add_f64(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    bool denormal;
    struct float80 b = f80_widen_f64(c->integer, &denormal);
    finish(r, c->a, with_narrow(c->a, b, denormal, s, f80_add), s);
}

static void ours_div_f32(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    bool denormal;
    struct float80 b = f80_widen_f32((u32)c->integer, &denormal);
    finish(r, c->a, with_narrow(c->a, b, denormal, s, f80_div), s);
}

static void ours_xtract(const struct x87_case *c, struct x87_result *r, struct fp_status *s)
{
    struct float80 exponent;
    finish(r, c->a, f80_extract(c->a, &exponent, s), s);
}

/* ---- comparison */

static struct x87_case random_case(struct random *random)
{
    struct x87_case c;
    memset(&c, 0, sizeof c);
    c.a = random_f80(random, (struct float80){0, 0x3fff});
    c.b = random_f80(random, c.a);
    u64 how = random_u64(random);
    c.control = (u16)((how & 3) << 10 | 0x40);
    c.control |= (u16)((how >> 2 & 1 ? 3 : (how >> 3 & 1) * 2) << 8);
    c.control |= how >> 4 & 3 ? 63 : how >> 8 & 63;
    c.integer =
        how >> 16 & 1 ? random_f64(random, 0x3ff0000000000000ull) : random_f32(random, 0x3f800000);
    for (int i = 0; i < 10; i++) {
        c.bcd[i] = (u8)(random_u64(random) % 10 << 4 | random_u64(random) % 10);
    }
    return c;
}

static void print_case(const char *name, const struct x87_case *c, const struct x87_result *host,
                       const struct x87_result *ours)
{
    printf("%s a=%04x:%016llx b=%04x:%016llx m=%016llx cw=%03x\n  host %04x:%016llx m=%016llx "
           "sw=%04x\n  ours %04x:%016llx "
           "m=%016llx sw=%04x\n",
           name, c->a.sign_exponent, (unsigned long long)c->a.mantissa, c->b.sign_exponent,
           (unsigned long long)c->b.mantissa, (unsigned long long)c->integer, c->control,
           host->st0.sign_exponent, (unsigned long long)host->st0.mantissa,
           (unsigned long long)host->memory, host->status, ours->st0.sign_exponent,
           (unsigned long long)ours->st0.mantissa, (unsigned long long)ours->memory, ours->status);
}

static void run(const char *name, host_fn host, ours_fn ours, u16 conditions, bool force_masked)
{
    struct random random = {1};
    unsigned mismatches = 0;
    for (unsigned n = 0; n < CASES; n++) {
        struct x87_case c = random_case(&random);
        struct x87_result h, o;
        if (force_masked) {
            c.control |= 63;
        }
        memset(&h, 0xaa, sizeof h);
        memset(&o, 0xaa, sizeof o);
        o.status = 0;
        host(&c, &h);
        struct fp_status s = fp_status_x87(c.control);
        ours(&c, &o, &s);
        o.status |= s.flags | (s.rounded_up ? C1 : 0);
        o.status &= conditions | 63;
        h.status &= conditions | 63;
        if (stopped(&s)) { /* condition codes are undefined, results unchanged */
            o.status &= ~CONDITIONS;
            h.status &= ~CONDITIONS;
        }
        bool same =
            o.status == h.status && o.memory == h.memory && o.st0.mantissa == h.st0.mantissa &&
            o.st0.sign_exponent == h.st0.sign_exponent && !memcmp(o.bcd, h.bcd, sizeof o.bcd);
        if (!same && mismatches++ < 5) {
            print_case(name, &c, &h, &o);
        }
    }
    if (mismatches) {
        fail_msg("%s: %u of %u cases differ", name, mismatches, CASES);
    }
}

#define TEST(name, conditions, masked)                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        run(#name, host_##name, ours_##name, conditions, masked);                                  \
    }
TEST(add, C1, false)
TEST(sub, C1, false)
TEST(mul, C1, false)
TEST(div, C1, false)
TEST(sqrt, C1, false)
TEST(rint, C1, false)
TEST(scale, C1, false)
TEST(prem, C2, false)
TEST(prem1, C2, false)
TEST(com, CONDITIONS & ~C1, true)
TEST(ucom, CONDITIONS & ~C1, true)
TEST(st_f32, C1, false)
TEST(st_f64, C1, false)
TEST(ist16, C1, false)
TEST(ist32, C1, false)
TEST(ist64, C1, true)
TEST(bstp, C1, true)
TEST(bld, 0, false)
TEST(ild64, 0, false)
TEST(ld_f64, 0, true)
TEST(ld_f32, 0, true)
TEST(add_f64, C1, false)
TEST(div_f32, C1, false)
TEST(xtract, 0, true)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),     cmocka_unit_test(test_sub),
        cmocka_unit_test(test_mul),     cmocka_unit_test(test_div),
        cmocka_unit_test(test_sqrt),    cmocka_unit_test(test_rint),
        cmocka_unit_test(test_scale),   cmocka_unit_test(test_prem),
        cmocka_unit_test(test_prem1),   cmocka_unit_test(test_com),
        cmocka_unit_test(test_ucom),    cmocka_unit_test(test_st_f32),
        cmocka_unit_test(test_st_f64),  cmocka_unit_test(test_ist16),
        cmocka_unit_test(test_ist32),   cmocka_unit_test(test_ist64),
        cmocka_unit_test(test_bstp),    cmocka_unit_test(test_bld),
        cmocka_unit_test(test_ild64),   cmocka_unit_test(test_ld_f64),
        cmocka_unit_test(test_ld_f32),  cmocka_unit_test(test_add_f64),
        cmocka_unit_test(test_div_f32), cmocka_unit_test(test_xtract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    printf("skipped: the judge is an x86-64 host\n");
    return 0;
}

#endif
