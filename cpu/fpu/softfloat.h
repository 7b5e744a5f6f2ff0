/*
 * softfloat.h: exact IEEE 754 arithmetic on 32-, 64- and 80-bit formats, with the rules of x86.
 *
 * f32 and f64 follow SSE (NaN of the first operand wins, DAZ, FTZ); f80 follows x87 (the larger
 * significand wins, precision control, unsupported encodings). Tininess is detected after rounding.
 * Flags have the bits of the x87 status word and of MXCSR.
 *
 * SDM Vol. 1 chapters 4.8, 4.9, 8.5, 11.5. Nothing here depends on the host's floating point.
 */
#ifndef CPU_FPU_SOFTFLOAT_H
#define CPU_FPU_SOFTFLOAT_H

#include "cpu/state.h"

/* As RC encodes it, in MXCSR, in the control word and in the immediates of ROUNDxx. */
enum fp_rounding { FP_NEAREST, FP_DOWN, FP_UP, FP_ZERO };

enum fp_flag {
    FP_INVALID = 1 << 0,
    FP_DENORMAL = 1 << 1,
    FP_DIVZERO = 1 << 2,
    FP_OVERFLOW = 1 << 3,
    FP_UNDERFLOW = 1 << 4,
    FP_INEXACT = 1 << 5,
    FP_ALL = 63,
    FP_PRE = FP_INVALID | FP_DENORMAL |
             FP_DIVZERO, /* found before computing: unmasked, they stop the operation */
};

struct fp_status {
    u8 rounding; /* enum fp_rounding */
    u8 flags;    /* enum fp_flag: functions add, never clear */
    u8 masked; /* enum fp_flag: a bit set = masked. Unmasked underflow is flagged for exact results
                  too; after an unmasked FP_PRE flag the result is meaningless and no later flag is
                  set */
    u8 precision;    /* f80 results: 24, 53 or 64 bits */
    bool ftz, daz;   /* f32 and f64 only */
    bool rounded_up; /* out: the last f80 rounding increased the magnitude (C1); set by every
                        rounding of an x87 function */
};

/* MXCSR's rounding, masks, DAZ and FTZ; no flags yet. */
static inline struct fp_status fp_status_sse(u32 mxcsr)
{
    return (struct fp_status){.rounding = mxcsr >> 13 & 3,
                              .masked = mxcsr >> 7 & 63,
                              .precision = 64,
                              .ftz = mxcsr >> 15 & 1,
                              .daz = mxcsr >> 6 & 1};
}

/* The control word's. PC 01 is reserved and works as 64 bits. */
static inline struct fp_status fp_status_x87(u16 control)
{
    static const u8 bits[4] = {24, 64, 53, 64};
    return (struct fp_status){
        .rounding = control >> 10 & 3, .masked = control & 63, .precision = bits[control >> 8 & 3]};
}

enum fp_relation { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED };

#define F32_DEFAULT_NAN 0xffc00000u
#define F64_DEFAULT_NAN 0xfff8000000000000ull
#define F80_DEFAULT_NAN ((struct float80){0xc000000000000000ull, 0xffff})

/* ---- SSE: a is the destination (first source), b the second source. */
u32 f32_add(u32 a, u32 b, struct fp_status *s);
u32 f32_sub(u32 a, u32 b, struct fp_status *s);
u32 f32_mul(u32 a, u32 b, struct fp_status *s);
u32 f32_div(u32 a, u32 b, struct fp_status *s);
u32 f32_sqrt(u32 a, struct fp_status *s);
u32 f32_min(u32 a, u32 b,
            struct fp_status *s); /* MINSS, MAXSS: b if either is a NaN or both are zero */
u32 f32_max(u32 a, u32 b, struct fp_status *s);
u64 f64_add(u64 a, u64 b, struct fp_status *s);
u64 f64_sub(u64 a, u64 b, struct fp_status *s);
u64 f64_mul(u64 a, u64 b, struct fp_status *s);
u64 f64_div(u64 a, u64 b, struct fp_status *s);
u64 f64_sqrt(u64 a, struct fp_status *s);
u64 f64_min(u64 a, u64 b, struct fp_status *s);
u64 f64_max(u64 a, u64 b, struct fp_status *s);

/* `signaling`: a quiet NaN is invalid too (COMISS, and CMPSS with LT, LE, NLT, NLE). */
enum fp_relation f32_compare(u32 a, u32 b, bool signaling, struct fp_status *s);
enum fp_relation f64_compare(u64 a, u64 b, bool signaling, struct fp_status *s);

/* ROUNDSS/ROUNDSD: rounding from `s`; the caller clears FP_INEXACT where the immediate says so. */
u32 f32_round_to_int(u32 a, struct fp_status *s);
u64 f64_round_to_int(u64 a, struct fp_status *s);

/* To integer with the rounding in `s`: for CVTT set s->rounding = FP_ZERO. Out of range: FP_INVALID
 * and the integer indefinite. */
i32 f32_to_i32(u32 a, struct fp_status *s);
i64 f32_to_i64(u32 a, struct fp_status *s);
i32 f64_to_i32(u64 a, struct fp_status *s);
i64 f64_to_i64(u64 a, struct fp_status *s);
u32 f32_from_i32(i32 a, struct fp_status *s);
u32 f32_from_i64(i64 a, struct fp_status *s);
u64 f64_from_i32(i32 a); /* exact */
u64 f64_from_i64(i64 a, struct fp_status *s);
u64 f32_to_f64(u32 a, struct fp_status *s);
u32 f64_to_f32(u64 a, struct fp_status *s);
/* VCVTPH2PS flags no denormals, and DAZ does not count; VCVTPS2PH does not flush (SDM Vol. 2, their
 * pages). */
u32 f16_to_f32(u16 a, struct fp_status *s);
u16 f32_to_f16(u32 a, struct fp_status *s);
/* a * b + c, each part negated if asked for, with one rounding. */
u32 f32_multiply_add(u32 a, u32 b, u32 c, bool negate_product, bool negate_addend,
                     struct fp_status *s);
u64 f64_multiply_add(u64 a, u64 b, u64 c, bool negate_product, bool negate_addend,
                     struct fp_status *s);

/* ---- x87 */
struct float80 f80_add(struct float80 a, struct float80 b, struct fp_status *s);
struct float80 f80_sub(struct float80 a, struct float80 b, struct fp_status *s);
struct float80 f80_mul(struct float80 a, struct float80 b, struct fp_status *s);
struct float80 f80_div(struct float80 a, struct float80 b, struct fp_status *s);
struct float80 f80_sqrt(struct float80 a, struct fp_status *s);
struct float80 f80_round_to_int(struct float80 a, struct fp_status *s);
/* a * 2^trunc(b), FSCALE. */
struct float80 f80_scale(struct float80 a, struct float80 b, struct fp_status *s);
/* FXTRACT: returns the significand, *exponent gets the exponent. */
struct float80 f80_extract(struct float80 a, struct float80 *exponent, struct fp_status *s);
/* FPREM (nearest = false), FPREM1 (true). Returns the remainder so far; *quotient its low bits,
 * *partial as C2. */
struct float80 f80_remainder(struct float80 a, struct float80 b, bool nearest, u64 *quotient,
                             bool *partial, struct fp_status *s);
enum fp_relation f80_compare(struct float80 a, struct float80 b, bool signaling,
                             struct fp_status *s);

/* Loads: exact. Denormals and signaling NaNs are flagged (NaNs quieted). */
struct float80 f80_from_f32(u32 a, struct fp_status *s);
struct float80 f80_from_f64(u64 a, struct fp_status *s);
struct float80 f80_from_i64(i64 a);
/* The same as operands of arithmetic: nothing is flagged, signaling NaNs stay so; *denormal says
 * that the narrow operand was one. */
struct float80 f80_widen_f32(u32 a, bool *denormal);
struct float80 f80_widen_f64(u64 a, bool *denormal);
u32 f80_to_f32(struct float80 a, struct fp_status *s);
u64 f80_to_f64(struct float80 a, struct fp_status *s);
i16 f80_to_i16(struct float80 a, struct fp_status *s);
i32 f80_to_i32(struct float80 a, struct fp_status *s);
i64 f80_to_i64(struct float80 a, struct fp_status *s);
/* Packed BCD, 10 bytes. */
struct float80 f80_from_bcd(const u8 bcd[10]);
void f80_to_bcd(struct float80 a, u8 bcd[10], struct fp_status *s);

enum fp_class {
    FP_ZERO_CLASS,
    FP_NORMAL,
    FP_DENORMAL_CLASS,
    FP_INFINITY,
    FP_QUIET_NAN,
    FP_SIGNALING_NAN,
    FP_UNSUPPORTED
};
enum fp_class f80_classify(struct float80 a);
/* What an x87 instruction answers when an operand is a NaN or unsupported (a == b for unary ones):
 * sets FP_INVALID as needed. */
struct float80 f80_propagate_nan(struct float80 a, struct float80 b, struct fp_status *s);
/* Rounds (-1)^sign * (high:low) * 2^(exponent - 127), bit 127 of high:low set; low may be a sticky
 * remainder. The exponent is not biased. */
struct float80 f80_round_pack(bool sign, i32 exponent, u64 high, u64 low, struct fp_status *s);

#endif
