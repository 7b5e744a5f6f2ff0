/*
 * now3d.c: 3DNow!: pairs of 32-bit reals in MMX registers.
 *
 * Documents: AMD 21928 (3DNow! Technology Manual), 22466 (extensions). The opcode is the byte behind the operands. There are no
 * exceptions, NaNs, infinities or denormals: operands that are denormal count as zero, results that are too small become zero and
 * those that are too large the largest number. PFRCP and PFRSQRT leave their low bits to the processor: ours are full quotients,
 * and the iteration steps are those of Newton and Raphson, so that the documented sequences end at the same place.
 */
#include "cpu/fpu/check.h"
#include "cpu/fpu/lanes.h"
#include "cpu/fpu/mmx.h"
#include "cpu/fpu/softfloat.h"

enum { ONE = 0x3f800000, TWO = 0x40000000, THREE = 0x40400000, HALF = 0x3f000000, LARGEST = 0x7f7fffff };
#define SIGN 0x80000000u

struct pair {
    u32 d[2];
};

static struct fp_status nearest(void)
{
    return (struct fp_status){.rounding = FP_NEAREST, .masked = FP_ALL, .ftz = true, .daz = true};
}

static u32 saturated(u32 r, const struct fp_status *s)
{
    return s->flags & FP_OVERFLOW ? (r & SIGN) | LARGEST : r;
}

typedef u32 (*pair_fn)(u32 a, u32 b);

#define ARITHMETIC(name, expression)                                                               \
    static u32 name(u32 a, u32 b)                                                                  \
    {                                                                                              \
        struct fp_status s = nearest();                                                            \
        u32              r = expression;                                                           \
        return saturated(r, &s);                                                                   \
    }
ARITHMETIC(add, f32_add(a, b, &s))
ARITHMETIC(sub, f32_sub(a, b, &s))
ARITHMETIC(reverse_sub, f32_sub(b, a, &s))
ARITHMETIC(mul, f32_mul(a, b, &s))
ARITHMETIC(two_minus_product, f32_multiply_add(a, b, TWO, true, false, &s))
ARITHMETIC(three_minus_product_halved, f32_mul(f32_multiply_add(a, b, THREE, true, false, &s), HALF, &s))

/* Zeroes are positive in comparisons and what comes of them. */
static u32 plain(u32 v)
{
    return v & 0x7f800000 ? v : 0;
}

static enum fp_relation relation(u32 a, u32 b)
{
    struct fp_status s = nearest();
    return f32_compare(plain(a), plain(b), false, &s);
}

static u32 larger(u32 a, u32 b)
{
    return relation(a, b) == FP_GREATER ? plain(a) : plain(b);
}

static u32 smaller(u32 a, u32 b)
{
    return relation(a, b) == FP_LESS ? plain(a) : plain(b);
}

static u32 equal(u32 a, u32 b)
{
    return relation(a, b) == FP_EQUAL ? ~0u : 0;
}

static u32 greater(u32 a, u32 b)
{
    return relation(a, b) == FP_GREATER ? ~0u : 0;
}

static u32 not_less(u32 a, u32 b)
{
    return equal(a, b) | greater(a, b);
}

/* ---- conversions: of the second operand, towards zero */

static i64 whole(u32 v, i64 low, i64 high)
{
    struct fp_status s = {.rounding = FP_ZERO, .masked = FP_ALL, .daz = true};
    i64              r = f32_to_i64(v, &s);
    return saturate(s.flags & FP_INVALID ? (v & SIGN ? low : high) : r, low, high);
}

static u32 to_i32(u32 a, u32 b)
{
    (void)a;
    return (u32)whole(b, INT32_MIN, INT32_MAX);
}

static u32 to_i16(u32 a, u32 b)
{
    (void)a;
    return (u32)whole(b, INT16_MIN, INT16_MAX);
}

static u32 from_i32(u32 a, u32 b)
{
    struct fp_status s = {.rounding = FP_ZERO, .masked = FP_ALL};
    (void)a;
    return f32_from_i32((i32)b, &s);
}

static u32 from_i16(u32 a, u32 b)
{
    return from_i32(a, (u32)(i16)b);
}

/* ---- others: both lanes at once */

typedef struct pair (*whole_fn)(struct pair d, struct pair s);

static struct pair accumulate(struct pair d, struct pair s)
{
    return (struct pair){{add(d.d[0], d.d[1]), add(s.d[0], s.d[1])}};
}

static struct pair accumulate_negative(struct pair d, struct pair s)
{
    return (struct pair){{sub(d.d[0], d.d[1]), sub(s.d[0], s.d[1])}};
}

static struct pair accumulate_mixed(struct pair d, struct pair s)
{
    return (struct pair){{sub(d.d[0], d.d[1]), add(s.d[0], s.d[1])}};
}

static struct pair swap(struct pair d, struct pair s)
{
    (void)d;
    return (struct pair){{s.d[1], s.d[0]}};
}

static u32 reciprocal_of(u32 v)
{
    struct fp_status s = nearest();
    return plain(v) ? f32_div(ONE, v, &s) : (v & SIGN) | LARGEST;
}

static struct pair reciprocal(struct pair d, struct pair s)
{
    u32 r = reciprocal_of(s.d[0]);
    (void)d;
    return (struct pair){{r, r}};
}

/* Of the absolute value; the sign stays. */
static struct pair inverse_root(struct pair d, struct pair s)
{
    struct fp_status status = nearest();
    u32              r      = reciprocal_of(f32_sqrt(s.d[0] & ~SIGN, &status)) | (s.d[0] & SIGN);
    (void)d;
    return (struct pair){{r, r}};
}

static struct pair average(struct pair d, struct pair s)
{
    u8 a[8], b[8];
    memcpy(a, &d, 8);
    memcpy(b, &s, 8);
    for (unsigned k = 0; k < 8; k++) {
        a[k] = (u8)((a[k] + b[k] + 1) >> 1);
    }
    memcpy(&d, a, 8);
    return d;
}

static struct pair high_product(struct pair d, struct pair s)
{
    i16 a[4], b[4];
    memcpy(a, &d, 8);
    memcpy(b, &s, 8);
    for (unsigned k = 0; k < 4; k++) {
        a[k] = (i16)(((i32)a[k] * b[k] + 0x8000) >> 16);
    }
    memcpy(&d, a, 8);
    return d;
}

/* ---- by the last byte */

struct operation {
    pair_fn  lane;
    whole_fn all;
    bool     extension;
};

static const struct operation operations[256] = {
    [0x0c] = {.lane = from_i16, .extension = true},
    [0x0d] = {.lane = from_i32},
    [0x1c] = {.lane = to_i16, .extension = true},
    [0x1d] = {.lane = to_i32},
    [0x8a] = {.all = accumulate_negative, .extension = true},
    [0x8e] = {.all = accumulate_mixed, .extension = true},
    [0x90] = {.lane = not_less},
    [0x94] = {.lane = smaller},
    [0x96] = {.all = reciprocal},
    [0x97] = {.all = inverse_root},
    [0x9a] = {.lane = sub},
    [0x9e] = {.lane = add},
    [0xa0] = {.lane = greater},
    [0xa4] = {.lane = larger},
    [0xa6] = {.lane = two_minus_product},
    [0xa7] = {.lane = three_minus_product_halved},
    [0xaa] = {.lane = reverse_sub},
    [0xae] = {.all = accumulate},
    [0xb0] = {.lane = equal},
    [0xb4] = {.lane = mul},
    [0xb6] = {.lane = mul},
    [0xb7] = {.all = high_product},
    [0xbb] = {.all = swap, .extension = true},
    [0xbf] = {.all = average},
};

OP(now3d)
{
    const struct operation *o = &operations[(u8)i->imm];
    cpu_check(cpu, o->lane || o->all, RULE_UD_3DNOW, 0);
    cpu_check(cpu, !o->extension || feature_on(&cpu->features, FEATURE_3DNOWEXT), RULE_UD_3DNOW, 0);
    mmx_check(cpu);
    u64         source = i->mem ? mem_read(cpu, i->seg, insn_ea(cpu, i), 8) : cpu->x87.reg[i->rm].mantissa;
    u64         target = cpu->x87.reg[i->reg].mantissa;
    struct pair d = {{(u32)target, (u32)(target >> 32)}}, s = {{(u32)source, (u32)(source >> 32)}};
    if (o->all) {
        d = o->all(d, s);
    } else {
        d = (struct pair){{o->lane(d.d[0], s.d[0]), o->lane(d.d[1], s.d[1])}};
    }
    mmx_enter(cpu);
    mmx_write(cpu, i->reg, d.d[0] | (u64)d.d[1] << 32);
}
