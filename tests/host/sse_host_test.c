/*
 * sse_host_test.c: the 32- and 64-bit arithmetic of cpu/fpu against the host's SSE, on x86-64
 * hosts.
 *
 * Random and directed operands under every rounding, DAZ and FTZ; results and flags must match. In
 * a second run of each operation random exceptions are unmasked: then the host traps, and the flags
 * that it reports must match ours.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/float_cases.h"

#if defined(__x86_64__)

#include <ucontext.h>

enum { CASES = 200000, TRAP_CASES = 20000, MASKED = 0x1f80 };

typedef u64 (*host_fn)(u64 a, u64 b, u32 *mxcsr);
typedef u64 (*ours_fn)(u64 a, u64 b, struct fp_status *s);

static sigjmp_buf trapped;
static u32 trap_mxcsr;

static void on_sigfpe(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    trap_mxcsr = ((ucontext_t *)context)->uc_mcontext.fpregs->mxcsr;
    siglongjmp(trapped, 1);
}

#define HOST_XMM(name, text)                                                                       \
    static u64 host_##name(u64 a, u64 b, u32 *mxcsr)                                               \
    {                                                                                              \
        static const u32 quiet = MASKED;                                                           \
        u64 r = a;                                                                                 \
        __asm__ volatile("movq %[r], %%xmm0\n\tmovq %[b], %%xmm1\n\tldmxcsr %[csr]\n\t" text       \
                         "\n\tstmxcsr %[csr]\n\tldmxcsr %[quiet]\n\tmovq %%xmm0, %[r]"             \
                         : [r] "+r"(r), [csr] "+m"(*mxcsr)                                         \
                         : [b] "r"(b), [quiet] "m"(quiet)                                          \
                         : "xmm0", "xmm1", "cc");                                                  \
        return r;                                                                                  \
    }
/* To a general register. */
#define HOST_GPR(name, text)                                                                       \
    static u64 host_##name(u64 a, u64 b, u32 *mxcsr)                                               \
    {                                                                                              \
        static const u32 quiet = MASKED;                                                           \
        u64 r = 0;                                                                                 \
        __asm__ volatile("movq %[a], %%xmm0\n\tmovq %[b], %%xmm1\n\tldmxcsr %[csr]\n\t" text       \
                         "\n\tstmxcsr %[csr]\n\tldmxcsr %[quiet]"                                  \
                         : [r] "+r"(r), [csr] "+m"(*mxcsr)                                         \
                         : [a] "r"(a), [b] "r"(b), [quiet] "m"(quiet)                              \
                         : "xmm0", "xmm1", "cc", "rax");                                           \
        return r;                                                                                  \
    }

#define PAIR(name, operation, call)                                                                \
    HOST_XMM(name##_f32, operation "ss %%xmm1, %%xmm0")                                            \
    HOST_XMM(name##_f64, operation "sd %%xmm1, %%xmm0")                                            \
    static u64 ours_##name##_f32(u64 a, u64 b, struct fp_status *s)                                \
    {                                                                                              \
        return f32_##call((u32)a, (u32)b, s);                                                      \
    }                                                                                              \
    static u64 ours_##name##_f64(u64 a, u64 b, struct fp_status *s)                                \
    {                                                                                              \
        return f64_##call(a, b, s);                                                                \
    }
PAIR(add, "add", add)
PAIR(sub, "sub", sub)
PAIR(mul, "mul", mul)
PAIR(div, "div", div)
PAIR(min, "min", min)
PAIR(max, "max", max)

#define UNARY(name, text, expression)                                                              \
    HOST_XMM(name, text)                                                                           \
    static u64 ours_##name(u64 a, u64 b, struct fp_status *s)                                      \
    {                                                                                              \
        (void)a;                                                                                   \
        return expression;                                                                         \
    }
UNARY(sqrt_f32, "sqrtss %%xmm1, %%xmm0", f32_sqrt((u32)b, s))
UNARY(sqrt_f64, "sqrtsd %%xmm1, %%xmm0", f64_sqrt(b, s))
UNARY(round_f32, "roundss $4, %%xmm1, %%xmm0", f32_round_to_int((u32)b, s))
UNARY(round_f64, "roundsd $4, %%xmm1, %%xmm0", f64_round_to_int(b, s))
UNARY(widen, "cvtss2sd %%xmm1, %%xmm0", f32_to_f64((u32)b, s))
UNARY(narrow, "cvtsd2ss %%xmm1, %%xmm0", f64_to_f32(b, s))
UNARY(from_i32_f32, "cvtsi2ssl %k[b], %%xmm0", f32_from_i32((i32)b, s))
UNARY(from_i64_f32, "cvtsi2ssq %[b], %%xmm0", f32_from_i64((i64)b, s))
UNARY(from_i64_f64, "cvtsi2sdq %[b], %%xmm0", f64_from_i64((i64)b, s))
UNARY(from_i32_f64, "cvtsi2sdl %k[b], %%xmm0", ((void)s, f64_from_i32((i32)b)))

#define TO_INT(name, text, expression)                                                             \
    HOST_GPR(name, text)                                                                           \
    static u64 ours_##name(u64 a, u64 b, struct fp_status *s)                                      \
    {                                                                                              \
        (void)a;                                                                                   \
        return expression;                                                                         \
    }
static struct fp_status *truncating(struct fp_status *s)
{
    s->rounding = FP_ZERO;
    return s;
}
TO_INT(f32_i32, "cvtss2si %%xmm1, %k[r]", (u32)f32_to_i32((u32)b, s))
TO_INT(f32_i64, "cvtss2si %%xmm1, %q[r]", (u64)f32_to_i64((u32)b, s))
TO_INT(f64_i32, "cvtsd2si %%xmm1, %k[r]", (u32)f64_to_i32(b, s))
TO_INT(f64_i64, "cvtsd2si %%xmm1, %q[r]", (u64)f64_to_i64(b, s))
TO_INT(f32_i32t, "cvttss2si %%xmm1, %k[r]", (u32)f32_to_i32((u32)b, truncating(s)))
TO_INT(f64_i64t, "cvttsd2si %%xmm1, %q[r]", (u64)f64_to_i64(b, truncating(s)))

/* The flags ZF, PF, CF as COMISS sets them, in bits 6, 2, 0. */
#define COMPARE(name, text, expression)                                                            \
    TO_INT(name, text "\n\tlahf\n\tmovzbl %%ah, %k[r]", compare_flags(expression))
static u64 compare_flags(enum fp_relation r)
{
    static const u8 flags[] = {
        [FP_LESS] = 1, [FP_EQUAL] = 0x40, [FP_GREATER] = 0, [FP_UNORDERED] = 0x45};
    return flags[r] | 2;
}
COMPARE(comi_f32, "comiss %%xmm1, %%xmm0", f32_compare((u32)a, (u32)b, true, s))
COMPARE(ucomi_f32, "ucomiss %%xmm1, %%xmm0", f32_compare((u32)a, (u32)b, false, s))
COMPARE(comi_f64, "comisd %%xmm1, %%xmm0", f64_compare(a, b, true, s))
COMPARE(ucomi_f64, "ucomisd %%xmm1, %%xmm0", f64_compare(a, b, false, s))

static bool differs(const char *name, host_fn host, ours_fn ours, u64 a, u64 b, u32 control,
                    u64 mask)
{
    u32 mxcsr = control;
    volatile bool trap = true;
    volatile u64 h = 0;
    if (!sigsetjmp(trapped, 0)) {
        h = host(a, b, &mxcsr);
        trap = false;
    } else {
        mxcsr = trap_mxcsr;
    }
    struct fp_status s = fp_status_sse(control);
    u64 o = ours(a, b, &s);
    bool unmasked = s.flags & ~s.masked;
    if (trap == unmasked && (mxcsr & 63) == s.flags && (trap || (h & mask) == (o & mask))) {
        return false;
    }
    printf("%s a=%016llx b=%016llx mxcsr=%04x: host %016llx flags %02x trap %d, ours %016llx flags "
           "%02x trap %d\n",
           name, (unsigned long long)a, (unsigned long long)b, control, (unsigned long long)h,
           mxcsr & 63, trap, (unsigned long long)o, s.flags, unmasked);
    return true;
}

static void run(const char *name, host_fn host, ours_fn ours, unsigned operand_bits,
                unsigned result_bits)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_sigfpe;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGFPE, &action,
              NULL); /* here, since cmocka puts its own in place before each test */
    struct random random = {7};
    unsigned mismatches = 0;
    for (unsigned n = 0; n < CASES + TRAP_CASES && mismatches < 5; n++) {
        u64 how = random_u64(&random);
        u32 control =
            (u32)((how & 3) << 13 | (how >> 2 & 3 ? 0 : 1u << 15) | (how >> 4 & 3 ? 0 : 1 << 6));
        control |= n < CASES ? MASKED : (u32)(how >> 20 & 63) << 7;
        u64 a = operand_bits == 32 ? random_f32(&random, 0x3f800000)
                                   : random_f64(&random, 0x3ff0000000000000ull);
        u64 b = operand_bits == 32   ? random_f32(&random, (u32)a)
                : operand_bits == 64 ? random_f64(&random, a)
                                     : random_mantissa(&random);
        mismatches += differs(name, host, ours, a, b, control, ~(u64)0 >> (64 - result_bits));
    }
    assert_int_equal(mismatches, 0);
}

#define TEST(name, operand_bits, result_bits)                                                      \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        run(#name, host_##name, ours_##name, operand_bits, result_bits);                           \
    }
#define ALL_TESTS(T)                                                                               \
    T(add_f32, 32, 32)                                                                             \
    T(add_f64, 64, 64) T(sub_f32, 32, 32) T(sub_f64, 64, 64) T(mul_f32, 32, 32) T(mul_f64, 64, 64) \
        T(div_f32, 32, 32) T(div_f64, 64, 64) T(min_f32, 32, 32) T(min_f64, 64, 64)                \
            T(max_f32, 32, 32) T(max_f64, 64, 64) T(sqrt_f32, 32, 32) T(sqrt_f64, 64, 64)          \
                T(round_f32, 32, 32) T(round_f64, 64, 64) T(widen, 32, 64) T(narrow, 64, 32)       \
                    T(from_i32_f32, 1, 32) T(from_i64_f32, 1, 32) T(from_i32_f64, 1, 64)           \
                        T(from_i64_f64, 1, 64) T(f32_i32, 32, 32) T(f32_i64, 32, 64)               \
                            T(f64_i32, 64, 32) T(f64_i64, 64, 64) T(f32_i32t, 32, 32)              \
                                T(f64_i64t, 64, 64) T(comi_f32, 32, 64) T(ucomi_f32, 32, 64)       \
                                    T(comi_f64, 64, 64) T(ucomi_f64, 64, 64)
ALL_TESTS(TEST)

int main(void)
{
#define UNIT_TEST(name, ...) cmocka_unit_test(test_##name),
    const struct CMUnitTest tests[] = {ALL_TESTS(UNIT_TEST)};
    if (!__builtin_cpu_supports("sse4.1")) {
        printf("skipped: the judge needs SSE4.1\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    printf("skipped: the judge is an x86-64 host\n");
    return 0;
}

#endif
