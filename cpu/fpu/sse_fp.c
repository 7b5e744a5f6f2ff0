/*
 * sse_fp.c: SSE, SSE2, SSE3, SSE4.1 and AVX arithmetic, compares and roundings on packed and scalar reals.
 *
 * Document: Intel SDM Vol. 1 chapter 11.5 (exceptions), Vol. 2 (instruction pages by name). All lanes are computed first; then the
 * flags of all lanes go to MXCSR, and an unmasked one raises #XM with the destination unchanged. RCPxx and RSQRTxx leave their low
 * bits to the processor: ours are the exact value rounded to 12 significant bits, the same on every host.
 */
#include "cpu/flags.h"
#include "cpu/fpu/check.h"
#include "cpu/fpu/lanes.h"
#include "cpu/fpu/sse_status.h"

/* ---- two operands, lane by lane */

#define FP_LANES(name, type, lanes, ...)                                                           \
    VEC(name)                                                                                      \
    {                                                                                              \
        type             d[lanes], s[lanes];                                                       \
        struct fp_status status = fp_status_sse(cpu->mxcsr);                                       \
        (void)imm;                                                                                 \
        memcpy(d, dst, sizeof d);                                                                  \
        memcpy(s, src, sizeof s);                                                                  \
        for (unsigned k = 0; k < (lanes); k++) {                                                   \
            d[k] = (__VA_ARGS__);                                                                  \
        }                                                                                          \
        sse_finish(cpu, &status);                                                                  \
        memcpy(dst, d, sizeof d);                                                                  \
    }

/* For XMM and YMM. */
#define FP_PACKED(name, type, ...)                                                                 \
    FP_LANES(name, type, 16 / sizeof(type), __VA_ARGS__)                                           \
    FP_LANES(ymm_##name, type, 32 / sizeof(type), __VA_ARGS__)

#define FP_ARITHMETIC(name)                                                                        \
    FP_PACKED(name##ps, u32, f32_##name(d[k], s[k], &status))                                      \
    FP_LANES(name##ss, u32, 1, f32_##name(d[k], s[k], &status))                                    \
    FP_PACKED(name##pd, u64, f64_##name(d[k], s[k], &status))                                      \
    FP_LANES(name##sd, u64, 1, f64_##name(d[k], s[k], &status))
FP_ARITHMETIC(add)
FP_ARITHMETIC(sub)
FP_ARITHMETIC(mul)
FP_ARITHMETIC(div)
FP_ARITHMETIC(min)
FP_ARITHMETIC(max)

FP_PACKED(sqrtps, u32, f32_sqrt(s[k], &status))
FP_LANES(sqrtss, u32, 1, f32_sqrt(s[k], &status))
FP_PACKED(sqrtpd, u64, f64_sqrt(s[k], &status))
FP_LANES(sqrtsd, u64, 1, f64_sqrt(s[k], &status))

FP_PACKED(addsubps, u32, k & 1 ? f32_add(d[k], s[k], &status) : f32_sub(d[k], s[k], &status))
FP_PACKED(addsubpd, u64, k & 1 ? f64_add(d[k], s[k], &status) : f64_sub(d[k], s[k], &status))

/* ---- neighbours */

/* Each half of a YMM register for itself. */
#define FP_HORIZONTAL_OF(name, type, bytes, function)                                              \
    VEC(name)                                                                                      \
    {                                                                                              \
        enum { half = 16 / sizeof(type), count = (bytes) / sizeof(type) };                         \
        type             d[count], s[count], r[count];                                             \
        struct fp_status status = fp_status_sse(cpu->mxcsr);                                       \
        (void)imm;                                                                                 \
        memcpy(d, dst, bytes);                                                                     \
        memcpy(s, src, bytes);                                                                     \
        for (unsigned k = 0; k < count; k++) {                                                     \
            unsigned    at   = k / half * half + 2 * (k % half) % half;                            \
            const type *from = k % half < half / 2 ? d : s;                                        \
            r[k]             = function(from[at], from[at + 1], &status);                          \
        }                                                                                          \
        sse_finish(cpu, &status);                                                                  \
        memcpy(dst, r, bytes);                                                                     \
    }
#define FP_HORIZONTAL(name, type, function)                                                        \
    FP_HORIZONTAL_OF(name, type, 16, function)                                                     \
    FP_HORIZONTAL_OF(ymm_##name, type, 32, function)
FP_HORIZONTAL(haddps, u32, f32_add)
FP_HORIZONTAL(haddpd, u64, f64_add)
FP_HORIZONTAL(hsubps, u32, f32_sub)
FP_HORIZONTAL(hsubpd, u64, f64_sub)

/* DPPS, DPPD: each stage may raise (DPPS page, operation). */
static void dot_product4(struct cpu *cpu, void *dst, const void *src, u8 imm, unsigned halves)
{
    u32              d[8], s[8];
    struct fp_status status = fp_status_sse(cpu->mxcsr);
    memcpy(d, dst, 16 * halves);
    memcpy(s, src, 16 * halves);
    for (unsigned k = 0; k < 4 * halves; k++) {
        d[k] = imm >> (4 + (k & 3)) & 1 ? f32_mul(d[k], s[k], &status) : 0;
    }
    sse_finish(cpu, &status);
    for (unsigned k = 0; k < 4 * halves; k += 2) {
        d[k] = f32_add(d[k], d[k + 1], &status);
    }
    sse_finish(cpu, &status);
    for (unsigned k = 0; k < 4 * halves; k += 4) {
        d[k] = f32_add(d[k], d[k + 2], &status);
    }
    sse_finish(cpu, &status);
    for (unsigned k = 4 * halves; k-- > 0;) {
        d[k] = imm >> (k & 3) & 1 ? d[k & 4] : 0;
    }
    memcpy(dst, d, 16 * halves);
}

VEC(dpps)
{
    dot_product4(cpu, dst, src, imm, 1);
}

VEC(ymm_dpps)
{
    dot_product4(cpu, dst, src, imm, 2);
}

VEC(dppd)
{
    u64              d[2], s[2];
    struct fp_status status = fp_status_sse(cpu->mxcsr);
    memcpy(d, dst, 16);
    memcpy(s, src, 16);
    for (unsigned k = 0; k < 2; k++) {
        d[k] = imm >> (4 + k) & 1 ? f64_mul(d[k], s[k], &status) : 0;
    }
    sse_finish(cpu, &status);
    u64 sum = f64_add(d[0], d[1], &status);
    sse_finish(cpu, &status);
    for (unsigned k = 0; k < 2; k++) {
        d[k] = imm >> k & 1 ? sum : 0;
    }
    memcpy(dst, d, 16);
}

/* ---- compares */

/* Predicates 0-3: EQ, LT, LE, UNORD; bit 2 inverts, bit 3 (VEX forms) changes the answer for unordered operands (CMPPS page,
 * table 3-1). */
static bool holds(enum fp_relation relation, unsigned predicate)
{
    static const u8 relations[4] = { 1 << FP_EQUAL, 1 << FP_LESS, 1 << FP_LESS | 1 << FP_EQUAL, 1 << FP_UNORDERED };
    return (relations[predicate & 3] >> relation & 1) ^ (predicate >> 2 & 1) ^ (predicate >> 3 & (relation == FP_UNORDERED));
}

/* Whether quiet NaNs are invalid: bit 4 is the other way round. */
static bool predicate_signals(unsigned predicate)
{
    return ((predicate & 3) == 1 || (predicate & 3) == 2) ^ (predicate >> 4 & 1);
}

/* Bits of the immediate: 3 of SSE's, 5 of AVX's. */
#define FP_COMPARE(name, type, lanes, function, predicate)                                         \
    FP_LANES(name, type, lanes,                                                                    \
             (type)-holds(function(d[k], s[k], predicate_signals(imm & (predicate)), &status), imm & (predicate)))
#define FP_COMPARES(letter, type, function)                                                        \
    FP_COMPARE(cmpp##letter, type, 16 / sizeof(type), function, 7)                                 \
    FP_COMPARE(cmps##letter, type, 1, function, 7)                                                 \
    FP_COMPARE(vcmpp##letter, type, 16 / sizeof(type), function, 31)                               \
    FP_COMPARE(ymm_vcmpp##letter, type, 32 / sizeof(type), function, 31)                           \
    FP_COMPARE(vcmps##letter, type, 1, function, 31)
FP_COMPARES(s, u32, f32_compare)
FP_COMPARES(d, u64, f64_compare)

/* ZF, PF, CF; the other arithmetic flags are cleared (COMISS page). */
static void set_relation(struct cpu *cpu, enum fp_relation relation)
{
    static const u8 flags[4] = { [FP_LESS] = FLAG_CF, [FP_EQUAL] = FLAG_ZF, [FP_GREATER] = 0,
                                 [FP_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF };
    flags_set_arith(cpu, flags[relation]);
}

#define FP_COMPARE_FLAGS(name, load, function, signaling)                                          \
    VEC(name)                                                                                      \
    {                                                                                              \
        struct fp_status status   = fp_status_sse(cpu->mxcsr);                                     \
        enum fp_relation relation = function(load(dst), load(src), signaling, &status);            \
        (void)imm;                                                                                 \
        sse_finish(cpu, &status);                                                                  \
        set_relation(cpu, relation);                                                               \
    }
FP_COMPARE_FLAGS(comiss, load32, f32_compare, true)
FP_COMPARE_FLAGS(ucomiss, load32, f32_compare, false)
FP_COMPARE_FLAGS(comisd, load64, f64_compare, true)
FP_COMPARE_FLAGS(ucomisd, load64, f64_compare, false)

/* ---- rounding to an integer */

/* imm[1:0] rounding, imm[2] MXCSR's instead, imm[3] no precision exception (ROUNDPS page, figure 4-24). */
static struct fp_status round_status(const struct cpu *cpu, u8 imm)
{
    struct fp_status status = fp_status_sse(cpu->mxcsr);
    if (!(imm & 4)) {
        status.rounding = imm & 3;
    }
    return status;
}

#define FP_ROUND(name, type, lanes, function)                                                      \
    VEC(name)                                                                                      \
    {                                                                                              \
        type             s[lanes];                                                                 \
        struct fp_status status = round_status(cpu, imm);                                          \
        memcpy(s, src, sizeof s);                                                                  \
        for (unsigned k = 0; k < (lanes); k++) {                                                   \
            s[k] = function(s[k], &status);                                                        \
        }                                                                                          \
        if (imm & 8) {                                                                             \
            status.flags &= (u8)~FP_INEXACT;                                                       \
        }                                                                                          \
        sse_finish(cpu, &status);                                                                  \
        memcpy(dst, s, sizeof s);                                                                  \
    }
FP_ROUND(roundps, u32, 4, f32_round_to_int)
FP_ROUND(ymm_roundps, u32, 8, f32_round_to_int)
FP_ROUND(roundss, u32, 1, f32_round_to_int)
FP_ROUND(roundpd, u64, 2, f64_round_to_int)
FP_ROUND(ymm_roundpd, u64, 4, f64_round_to_int)
FP_ROUND(roundsd, u64, 1, f64_round_to_int)

/* ---- approximations: no flags, denormals are zeros in and out whatever MXCSR says (RCPPS, RSQRTPS pages) */

#define F32_INFINITY   0x7f800000u
#define F32_QUIET_BIT  0x00400000u
#define F32_SIGN       0x80000000u

/* A real of 12 significant bits: q * 2^(exponent - 11) with q in 2^11..2^12. */
static u32 pack12(u32 sign, i32 exponent, u32 q)
{
    if (q == 1u << 12) {
        q = 1u << 11;
        exponent++;
    }
    i32 biased = exponent + 127;
    return biased <= 0 ? sign : sign | (u32)biased << 23 | (q & 0x7ff) << 12;
}

/* 1/x: floor(2^35 / significand + 1/2), a 12-bit quotient. */
static u32 approximate_reciprocal(u32 x)
{
    u32 sign = x & F32_SIGN, magnitude = x & ~F32_SIGN, biased = magnitude >> 23;
    if (magnitude > F32_INFINITY) {
        return x | F32_QUIET_BIT;
    }
    if (magnitude == F32_INFINITY) {
        return sign;
    }
    if (biased == 0) {
        return sign | F32_INFINITY;
    }
    u64 significand = (magnitude & 0x7fffff) | 0x800000;
    u32 q           = (u32)(((2ull << 35) / significand + 1) >> 1);
    return pack12(sign, 126 - (i32)biased, q);
}

/* floor(2^30 / sqrt(m)) for m in 2^23..2^25. */
static u32 inverse_root(u64 m)
{
    u32 root = 0;
    for (u32 bit = 1u << 18; bit; bit >>= 1) {
        u64 trial = root | bit;
        if (trial * trial * m <= 1ull << 60) {
            root |= bit;
        }
    }
    return root;
}

/* 1/sqrt(x): floor(2^30 / sqrt(significand)), then 12 bits of it, half rounded up. */
static u32 approximate_inverse_root(u32 x)
{
    u32 sign = x & F32_SIGN, magnitude = x & ~F32_SIGN, biased = magnitude >> 23;
    if (magnitude > F32_INFINITY) {
        return x | F32_QUIET_BIT;
    }
    if (biased == 0) {
        return sign | F32_INFINITY;
    }
    if (sign) {
        return F32_DEFAULT_NAN;
    }
    if (magnitude == F32_INFINITY) {
        return 0;
    }
    u64 significand = (magnitude & 0x7fffff) | 0x800000;
    i32 exponent    = (i32)biased - 150;
    if (exponent & 1) {
        significand <<= 1;
        exponent--;
    }
    u32      root  = inverse_root(significand); /* 18 or 19 bits */
    unsigned extra = root >> 18 ? 7 : 6;
    u32      q     = ((root >> (extra - 1)) + 1) >> 1;
    return pack12(0, -exponent / 2 - 30 + 11 + (i32)extra, q);
}

XLANES(rcpps, u32, approximate_reciprocal(s[k]))
LANES_OF(rcpss, u32, 4, approximate_reciprocal(s[k]))
XLANES(rsqrtps, u32, approximate_inverse_root(s[k]))
LANES_OF(rsqrtss, u32, 4, approximate_inverse_root(s[k]))
