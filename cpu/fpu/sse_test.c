/*
 * sse_test.c: published vectors for what does not follow from a line of C: AES, SHA-1, carry-less products, CRC-32C, string compares,
 * approximations; fused multiply-add and half precision. (Whole instructions are judged by the host in tests/host.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/flags.h"
#include "cpu/fpu/softfloat.h"
#include "cpu/operand.h"
#include "cpu/state.h"

VEC(aesenc);
VEC(aesenclast);
VEC(aesdec);
VEC(aesdeclast);
VEC(aesimc);
VEC(aeskeygenassist);
VEC(pclmulqdq);
VEC(sha1rnds4);
VEC(sha1nexte);
VEC(sha1msg1);
VEC(sha1msg2);
VEC(rcpps);
VEC(rsqrtps);
VEC(addps);
OP(pcmpistri);
OP(crc32);
OP(now3d);

static struct cpu *fresh(void)
{
    static struct cpu cpu;
    memset(&cpu, 0, sizeof cpu);
    cpu.cr4   = CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu.mxcsr = 0x1f80;
    return &cpu;
}

static void from_hex(const char *hex, u8 *bytes)
{
    for (unsigned k = 0; k < 16; k++) {
        char     digits[3] = { hex[2 * k], hex[2 * k + 1], 0 };
        unsigned v         = (unsigned)strtoul(digits, NULL, 16);
        bytes[k]           = (u8)v;
    }
}

/* FIPS 197 appendix A.1: the next round key from AESKEYGENASSIST's answer. */
static void next_key(const u8 *key, const u8 *assist, u8 *next)
{
    u32 word = load32(assist + 12);
    for (unsigned k = 0; k < 16; k += 4) {
        word ^= load32(key + k);
        store32(next + k, word);
    }
}

/* FIPS 197 appendix B and C.1 in both directions. */
static void aes_vectors(void **state)
{
    static const char *const vectors[2][3] = {
        { "2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32" },
        { "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a" },
    };
    static const u8 rcon[10] = { 1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36 };
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        u8 key[11][16], assist[16], x[16], plain[16], cipher[16], inverse[16];
        from_hex(vectors[v][0], key[0]);
        from_hex(vectors[v][1], plain);
        from_hex(vectors[v][2], cipher);
        for (unsigned k = 0; k < 10; k++) {
            vec_aeskeygenassist(fresh(), assist, key[k], rcon[k]);
            next_key(key[k], assist, key[k + 1]);
        }
        for (unsigned k = 0; k < 16; k++) {
            x[k] = plain[k] ^ key[0][k];
        }
        for (unsigned k = 1; k < 10; k++) {
            vec_aesenc(fresh(), x, key[k], 0);
        }
        vec_aesenclast(fresh(), x, key[10], 0);
        assert_memory_equal(x, cipher, 16);

        for (unsigned k = 0; k < 16; k++) {
            x[k] ^= key[10][k];
        }
        for (unsigned k = 9; k; k--) {
            vec_aesimc(fresh(), inverse, key[k], 0);
            vec_aesdec(fresh(), x, inverse, 0);
        }
        vec_aesdeclast(fresh(), x, key[0], 0);
        assert_memory_equal(x, plain, 16);
    }
}

/* FIPS 180 example: "abc". The first word of a register is in its highest lane. */
static void sha1_vector(void **state)
{
    static const u32 start[4] = { 0x10325476, 0x98badcfe, 0xefcdab89, 0x67452301 }, digest[4] = { 0x7850c26c, 0xba3e2571, 0x4706816a, 0xa9993e36 };
    u32 w[20][4] = { { 0, 0, 0, 0x61626380 }, { 0 }, { 0 }, { 24, 0, 0, 0 } }, abcd[4], before[4], e[4], last[4] = { 0, 0, 0, 0xc3d2e1f0 };
    (void)state;
    memcpy(abcd, start, 16);
    for (unsigned g = 0; g < 20; g++) {
        if (g >= 4) {
            memcpy(w[g], w[g - 4], 16);
            vec_sha1msg1(fresh(), w[g], w[g - 3], 0);
            for (unsigned k = 0; k < 4; k++) {
                w[g][k] ^= w[g - 2][k];
            }
            vec_sha1msg2(fresh(), w[g], w[g - 1], 0);
        }
        if (g == 0) {
            memcpy(e, w[0], 16);
            e[3] += last[3];
        } else {
            memcpy(e, before, 16);
            vec_sha1nexte(fresh(), e, w[g], 0);
        }
        memcpy(before, abcd, 16);
        vec_sha1rnds4(fresh(), abcd, e, (u8)(g / 5));
    }
    vec_sha1nexte(fresh(), before, last, 0);
    assert_int_equal(before[3], 0x9cd0d89d);
    for (unsigned k = 0; k < 4; k++) {
        assert_int_equal(abcd[k] + start[k], digest[k]);
    }
}

/* (1 + 2^-52)(1 - 2^-52) - 1 = -2^-104: a product that was rounded would give 0. */
static void one_rounding(void **state)
{
    struct fp_status s = fp_status_sse(0x1f80);
    (void)state;
    assert_true(f64_multiply_add(0x3ff0000000000001, 0x3feffffffffffffe, 0xbff0000000000000, false, false, &s) == 0xb970000000000000);
    assert_int_equal(s.flags, 0);
    assert_true(f64_multiply_add(0x3ff0000000000001, 0x3ff0000000000001, 0x3ca0000000000000, false, true, &s) == 0x3ff0000000000002);
    assert_int_equal(s.flags, FP_INEXACT);
    assert_int_equal(f32_multiply_add(0x7f800000, 0, 0x3f800000, false, false, &s), 0xffc00000);
    assert_int_equal(s.flags, FP_INEXACT | FP_INVALID);
}

static void half_precision(void **state)
{
    struct fp_status s = fp_status_sse(0x9f80); /* with FTZ, which does not count */
    (void)state;
    assert_int_equal(f32_to_f16(0x477fe000, &s), 0x7bff);
    assert_int_equal(f32_to_f16(0x33800000, &s), 0x0001);
    assert_int_equal(s.flags, 0);
    assert_int_equal(f32_to_f16(0x477ff000, &s), 0x7c00);
    assert_int_equal(s.flags, FP_OVERFLOW | FP_INEXACT);
    assert_int_equal(f16_to_f32(0x0001, &s), 0x33800000);
    assert_int_equal(f16_to_f32(0x7d01, &s), 0x7fe02000);
    assert_int_equal(s.flags, FP_OVERFLOW | FP_INEXACT | FP_INVALID);
}

static float float_of(u32 bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static u64 now3d(u64 d, u64 s, u8 suffix)
{
    struct cpu *cpu = fresh();
    struct insn i   = { .imm = suffix, .reg = 0, .rm = 1 };
    cpu->features.word[WORD_81D] = ~0u;
    cpu->x87.reg[0].mantissa = d;
    cpu->x87.reg[1].mantissa = s;
    op_now3d(cpu, &i);
    assert_int_equal(cpu->x87.valid, 0xff);
    return cpu->x87.reg[0].mantissa;
}

/* AMD 21928: saturation, zeroes, conversions; and the sequences of its chapter 3 for 1/x and 1/sqrt(x). */
static void pairs_of_reals(void **state)
{
    (void)state;
    assert_true(now3d(0x3f8000007f7fffff, 0x400000007f7fffff, 0x9e) == 0x404000007f7fffff);         /* PFADD */
    assert_true(now3d(0x0080000000800000, 0x0080000080000001, 0x9a) == 0x0000000000800000);         /* PFSUB: denormals are 0 */
    assert_true(now3d(0x3f80000040000000, 0x4040000040800000, 0xae) == 0x40e0000040400000);         /* PFACC */
    assert_true(now3d(0, 0x7f7fffffcf000001, 0x1d) == 0x7fffffff80000000);                          /* PF2ID */
    assert_true(now3d(0, 0x00000001ffffffff, 0x0d) == 0x3f800000bf800000);                          /* PI2FD */
    assert_true(now3d(0, 0x01000001fefffffd, 0x0d) == 0x4b800000cb800001);                          /* towards zero */
    assert_true(now3d(0x8000000000000000, 0x00000000bf800000, 0xa4) == 0);                          /* PFMAX: +0 */
    assert_true(now3d(0x3f80000080000000, 0x3f80000000000000, 0xb0) == ~(u64)0);                    /* PFCMPEQ */
    assert_true(now3d(0, 0x0123456789abcdef, 0xbb) == 0x89abcdef01234567);                          /* PSWAPD */
    assert_true(now3d(0x7fff0001ffff8000, 0x7fff8000ffff8000, 0xb7) == 0x3fff000000004000);         /* PMULHRW */
    for (u32 bits = 0x3f000000; bits < 0x40800000; bits += 4099) {
        u64    w = bits | (u64)bits << 32, x0 = now3d(0, w, 0x96), x1 = now3d(now3d(w, x0, 0xa6), x0, 0xb6);
        u64    r0 = now3d(0, w, 0x97), r1 = now3d(now3d(now3d(r0, r0, 0xb4), w, 0xa7), r0, 0xb6);
        double f = float_of(bits), inverse = 1 / f, root = 1 / __builtin_sqrt(f);
        assert_true(__builtin_fabs(float_of((u32)x1) - inverse) <= inverse * 0x1p-23);
        assert_true(__builtin_fabs(float_of((u32)r1) - root) <= root * 0x1p-22);
    }
}

/* Intel, Carry-Less Multiplication Instruction, figure 1 and its text. */
static void carry_less_product(void **state)
{
    u64 a[2] = { 0x63746f725d53475d, 0x7b5b546573745665 }, b[2] = { 0x5b477565726f6e5d, 0x4869285368617929 };
    (void)state;
    vec_pclmulqdq(fresh(), a, b, 0x00);
    assert_true(a[0] == 0x929633d5d36f0451ull && a[1] == 0x1d4d84c85c3440c0ull);
}

/* RFC 3720 B.4: 32 bytes of zeroes. */
static void crc_vector(void **state)
{
    struct cpu *cpu = fresh();
    struct insn i   = { .opcode = 0x02f1, .opsize = 4, .w = 4, .reg = R_AX * 8, .rm = R_BX * 8 };
    (void)state;
    cpu->regs[R_AX] = 0xffffffff;
    for (unsigned k = 0; k < 8; k++) {
        op_crc32(cpu, &i);
    }
    assert_int_equal((u32)~cpu->regs[R_AX], 0x8a9136aa);
}

/* The first occurrence of "cd" in text that ends inside the register: equal ordered. */
static void string_search(void **state)
{
    struct cpu *cpu = fresh();
    struct insn i   = { .imm = 0x0c, .reg = 0, .rm = 1 };
    (void)state;
    memcpy(cpu->xmm[0].b, "cd", 2);
    memcpy(cpu->xmm[1].b, "abcabcdab", 9);
    op_pcmpistri(cpu, &i);
    assert_int_equal(cpu->regs[R_CX], 5);
    assert_int_equal(flags_arith(cpu), FLAG_CF | FLAG_ZF | FLAG_SF);
}

/* The manual promises a relative error of at most 1.5 * 2^-12; ours is at most 2^-12. */
static void approximation_error(void **state)
{
    (void)state;
    for (u32 bits = 0x3f000000; bits < 0x40800000; bits += 4 * 61) {
        u32 x[4], r[4], q[4];
        for (unsigned k = 0; k < 4; k++) {
            x[k] = bits + 61 * k;
        }
        vec_rcpps(fresh(), r, x, 0);
        vec_rsqrtps(fresh(), q, x, 0);
        for (unsigned k = 0; k < 4; k++) {
            double f = float_of(x[k]), inverse = 1 / f, root = 1 / __builtin_sqrt(f);
            assert_true(__builtin_fabs(float_of(r[k]) - inverse) <= inverse * 0x1p-12);
            assert_true(__builtin_fabs(float_of(q[k]) - root) <= root * 0x1.1p-12);
        }
    }
}

static void approximation_limits(void **state)
{
    u32 x[4] = { 0x00000000, 0x80000001, 0x7f800000, 0xff800001 }, r[4];
    u32 reciprocals[4] = { 0x7f800000, 0xff800000, 0x00000000, 0xffc00001 };
    u32 roots[4]       = { 0x7f800000, 0xff800000, 0x00000000, 0xffc00001 };
    (void)state;
    vec_rcpps(fresh(), r, x, 0);
    assert_memory_equal(r, reciprocals, 16);
    vec_rsqrtps(fresh(), r, x, 0);
    assert_memory_equal(r, roots, 16);
    x[0] = 0xbf800000; /* -1 */
    x[1] = 0x7f7fffff; /* its reciprocal is too small: 0 */
    vec_rcpps(fresh(), r, x, 0);
    assert_int_equal(r[0], 0xbf800000);
    assert_int_equal(r[1], 0);
    vec_rsqrtps(fresh(), r, x, 0);
    assert_int_equal(r[0], F32_DEFAULT_NAN);
}

/* Masked: all lanes' flags are collected. Unmasked: nothing is written, and an unmasked invalid hides the flags of results. */
static void exceptions(void **state)
{
    u32         a[4] = { 0x7f7fffff, 0x7f800001, 0x3f800000, 1 }, b[4] = { 0x7f7fffff, 0, 0x33000000, 0 }, d[4];
    struct cpu *cpu  = fresh();
    (void)state;
    memcpy(d, a, sizeof d);
    vec_addps(cpu, d, b, 0);
    assert_int_equal(cpu->mxcsr & FP_ALL, FP_INVALID | FP_DENORMAL | FP_OVERFLOW | FP_INEXACT);
    assert_int_equal(d[0], 0x7f800000);
    assert_int_equal(d[1], 0x7fc00001);

    cpu        = fresh();
    cpu->mxcsr = 0x1f00; /* invalid unmasked */
    memcpy(d, a, sizeof d);
    if (!sigsetjmp(cpu->fault_exit, 0)) {
        vec_addps(cpu, d, b, 0);
        fail();
    }
    assert_int_equal(rule_table[cpu->raised.rule].vector, VEC_XM);
    assert_int_equal(cpu->mxcsr & FP_ALL, FP_INVALID | FP_DENORMAL);
    assert_memory_equal(d, a, sizeof d);
    if (!sigsetjmp(cpu->fault_exit, 0)) {
        cpu->cr4 &= ~(u64)CR4_OSXMMEXCPT;
        vec_addps(cpu, d, b, 0);
        fail();
    }
    assert_int_equal(rule_table[cpu->raised.rule].vector, VEC_UD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_vectors),         cmocka_unit_test(carry_less_product), cmocka_unit_test(crc_vector),
        cmocka_unit_test(string_search),       cmocka_unit_test(approximation_error), cmocka_unit_test(approximation_limits),
        cmocka_unit_test(exceptions),          cmocka_unit_test(sha1_vector),         cmocka_unit_test(one_rounding),
        cmocka_unit_test(half_precision),      cmocka_unit_test(pairs_of_reals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
