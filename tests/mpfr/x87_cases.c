/*
 * x87_cases.c: random operands and corners: denormals, limits of ranges, few bits, neighbours of one, of powers of 2, of the points
 * where series and quadrants change, and of multiples of pi/2; all roundings and precisions.
 */
#include <string.h>

#include "cpu/fpu/softfloat.h"
#include "cpu/operand.h"
#include "tests/host/float_cases.h"
#include "tests/mpfr/x87_cases.h"

OP(f2xm1);
OP(fyl2x);
OP(fptan);
OP(fpatan);
OP(fprem1);
OP(fprem);
OP(fyl2xp1);
OP(fsqrt);
OP(fsincos);
OP(fsin);
OP(fcos);

const struct x87_function_info x87_functions[X87_FUNCTIONS] = {
    [F2XM1] = {"F2XM1", 0xf0, false, op_f2xm1},      [FYL2X] = {"FYL2X", 0xf1, true, op_fyl2x},
    [FPTAN] = {"FPTAN", 0xf2, false, op_fptan},      [FPATAN] = {"FPATAN", 0xf3, true, op_fpatan},
    [FPREM1] = {"FPREM1", 0xf5, true, op_fprem1},    [FPREM] = {"FPREM", 0xf8, true, op_fprem},
    [FYL2XP1] = {"FYL2XP1", 0xf9, true, op_fyl2xp1}, [FSQRT] = {"FSQRT", 0xfa, false, op_fsqrt},
    [FSINCOS] = {"FSINCOS", 0xfb, false, op_fsincos}, [FSIN] = {"FSIN", 0xfe, false, op_fsin},
    [FCOS] = {"FCOS", 0xff, false, op_fcos},
};

enum { BIAS = 16383, EXPONENT_MAX = 0x7fff, SIGN = 0x8000 };
#define INTEGER_BIT ((u64)1 << 63)
#define PI_66       ((u128)3 << 64 | 0x243f6a8885a308d3) /* by 2^64 */

static struct float80 make(bool sign, int exponent, u64 mantissa)
{
    return (struct float80){mantissa | INTEGER_BIT, (u16)((sign ? SIGN : 0) | (exponent + BIAS))};
}

/* m * 2^(e - 127), cut off to 64 bits. */
static struct float80 from_wide(bool sign, u128 m, int e)
{
    while (!(m >> 127)) {
        m <<= 1;
        e--;
    }
    return make(sign, e, (u64)(m >> 64));
}

/* One to four units in the last place more or less. */
static struct float80 nearby(struct float80 a, u64 r)
{
    i64 step = (i64)(r % 9) - 4;
    u64 m    = a.mantissa + (u64)step;
    if (m & INTEGER_BIT) {
        a.mantissa = m;
    } else if (step < 0) {
        a.mantissa = m << 1 | INTEGER_BIT;
        a.sign_exponent--;
    } else {
        a.mantissa = INTEGER_BIT;
        a.sign_exponent++;
    }
    return a;
}

static struct float80 denormal(struct random *r)
{
    u64 v = random_u64(r);
    return (struct float80){random_mantissa(r) & ~INTEGER_BIT >> (v >> 8 & 63), v & 1 ? SIGN : 0};
}

/* Zero, infinity, the limits of the range, one. */
static struct float80 special(struct random *r)
{
    static const struct float80 values[] = {
        {0, 0}, {INTEGER_BIT, EXPONENT_MAX}, {INTEGER_BIT, 1}, {1, 0}, {~INTEGER_BIT, 0}, {~(u64)0, EXPONENT_MAX - 1},
        {INTEGER_BIT, BIAS}, {INTEGER_BIT, 0}, {INTEGER_BIT, BIAS + 63}, {~(u64)0, BIAS + 62}, {INTEGER_BIT, BIAS - 63}};
    u64            v = random_u64(r);
    struct float80 a = values[(v >> 8) % ARRAY_LEN(values)];
    a.sign_exponent |= v & 1 ? SIGN : 0;
    return a;
}

/* Exponents low..high. */
static struct float80 in_range(struct random *r, int low, int high)
{
    u64 v = random_u64(r);
    return make(v & 1, low + (int)((v >> 8) % (u64)(high - low + 1)), random_mantissa(r));
}

static struct float80 anything(struct random *r)
{
    u64 v = random_u64(r);
    switch (v & 15) {
    case 0: return denormal(r);
    case 1: return special(r);
    case 2: return in_range(r, 1 - BIAS, 60 - BIAS);
    case 3: return in_range(r, BIAS - 60, BIAS);
    case 4: case 5: case 6: return in_range(r, 1 - BIAS, BIAS);
    default: return in_range(r, -70, 70);
    }
}

/* Near a multiple of pi/4, by the pi of 66 bits. */
static struct float80 near_pi(struct random *r)
{
    u64  v = random_u64(r);
    u128 n = (random_u64(r) >> (2 + v % 60)) | 1;
    return nearby(from_wide(v >> 8 & 1, n * PI_66, 61), v >> 16);
}

static struct float80 angle(struct random *r)
{
    switch (random_u64(r) & 15) {
    case 0: return anything(r);
    case 1: case 2: return denormal(r);
    case 3: return in_range(r, -70, -30);
    case 4: return in_range(r, 58, 63);
    case 5: case 6: case 7: case 8: return near_pi(r);
    case 9: case 10: return in_range(r, 5, 62);
    default: return in_range(r, -8, 4);
    }
}

static struct float80 near_one(struct random *r)
{
    u64 v = random_u64(r), tail = random_u64(r) >> (v >> 8 & 63);
    return v & 1 ? make(false, 0, tail >> 1) : make(false, -1, ~tail);
}

static struct float80 near_half_octave(struct random *r) /* the square root of 2 */
{
    u64 v = random_u64(r);
    return nearby(make(false, (v & 1) ? 0 : (int)(v >> 8 & 63) - 32, 0xb504f333f9de6484), v >> 16);
}

static struct float80 log_operand(struct random *r)
{
    struct float80 a;
    switch (random_u64(r) & 15) {
    case 0: return anything(r);
    case 1: a = denormal(r); break;
    case 2: case 3: case 4: case 5: return near_one(r);
    case 6: return near_half_octave(r);
    case 7: a = make(false, (int)(random_u64(r) % 2000) - 1000, 0); break; /* a power of 2 */
    case 8: a = in_range(r, 1 - BIAS, BIAS); break;
    default: a = in_range(r, -12, 12); break;
    }
    a.sign_exponent &= (u16)~SIGN;
    return a;
}

static struct float80 log_plus_1_operand(struct random *r)
{
    u64 v = random_u64(r);
    switch (v & 15) {
    case 0: return anything(r);
    case 1: return denormal(r);
    case 2: return nearby(make(false, -2, v & 16 ? 0xd413cccfe7799211 : 0x95f619980c4336f7), v >> 8); /* sqrt 2 - 1, 1 - sqrt 0.5 */
    case 3: return nearby(make(true, -2, 0x95f619980c4336f7), v >> 8);
    case 4: return make(v >> 8 & 1, -2 - (int)(v >> 16 & 1), 0);
    case 5: return in_range(r, -16380, -70);
    case 6: return make(true, -1, ~(u64)0 << (v >> 8 & 63)); /* 2^-n - 1 */
    case 7: return in_range(r, 0, 70);
    case 8: return make(false, (int)(v >> 16 & (v & 256 ? 255 : 16383)), 0);
    default: return in_range(r, -70, -1);
    }
}

static struct float80 power_operand(struct random *r)
{
    u64 v = random_u64(r);
    switch (v & 15) {
    case 0: case 1: return denormal(r);
    case 2: return make(v >> 8 & 1, 0, 0);
    case 3: case 4: return make(v >> 8 & 1, -1, ~(v >> (16 + (v >> 9 & 31))));
    case 5: return in_range(r, -16382, -70);
    case 6: return special(r);
    default: return in_range(r, -70, -1);
    }
}

/* y for a given x: where exponents meet, and near k/32 times x, where the arc tangent changes its table's entry. */
static struct float80 partner(struct random *r, struct float80 x)
{
    u64 v = random_u64(r);
    if ((x.sign_exponent & EXPONENT_MAX) < 80 || (x.sign_exponent & EXPONENT_MAX) > EXPONENT_MAX - 80 || (v & 3) == 0) {
        return anything(r);
    }
    int e = (x.sign_exponent & EXPONENT_MAX) - BIAS;
    if (v & 4) {
        return make(v >> 8 & 1, e + (int)((v >> 16) % 141) - 70, random_mantissa(r));
    }
    struct float80 y = from_wide(v >> 8 & 1, (u128)x.mantissa * (1 + (v >> 16) % 32), e + 59);
    return nearby(y, v >> 24);
}

/* A quotient next to a power of 2, and so small that the arc tangent moves it by about as much. */
static void near_own_tangent(struct random *r, struct x87_case *c)
{
    u64 v  = random_u64(r);
    int e  = v >> 16 & 1 ? (int)(v >> 24) % 16000 : -(int)(v >> 24 & 255);
    c->st0 = make(v & 1, e, ~(v >> 1 & 3));
    c->st1 = make(v >> 3 & 1, e - 56 - (int)((v >> 4) % 12), v >> 15 & 1 ? 0 : (u64)3 << 60);
    if (!(v >> 56 & 7)) {
        c->st0 = (struct float80){~(u64)0 >> 1, (u16)(v & 1 ? SIGN : 0)};
        c->st1 = (struct float80){1 + (v >> 4 & 3), (u16)(v & 8 ? SIGN : 0)};
    }
}

struct x87_case x87_case(enum x87_function function, u64 number)
{
    struct random   r = {number * X87_FUNCTIONS + function + 1};
    struct x87_case c = {.function = function};
    r.state           = random_u64(&r);
    switch (function) {
    case F2XM1: c.st0 = power_operand(&r); break;
    case FYL2X: c.st0 = log_operand(&r), c.st1 = anything(&r); break;
    case FYL2XP1: c.st0 = log_plus_1_operand(&r), c.st1 = anything(&r); break;
    case FSQRT: c.st0 = anything(&r), c.st0.sign_exponent &= number % 16 ? EXPONENT_MAX : (u16)~0; break;
    case FPATAN: case FPREM: case FPREM1:
        c.st0 = anything(&r);
        c.st1 = partner(&r, c.st0);
        if (function == FPATAN && number % 32 >= 28) {
            near_own_tangent(&r, &c);
        }
        break;
    default: c.st0 = angle(&r); break;
    }
    /* Precision and rounding in turn; now and then overflow, underflow and inexact results unmasked. */
    c.control = (u16)(0x7f | (number & 3) << 10 | (number >> 2 & 3) << 8);
    if (number % 7 == 0) {
        c.control &= (u16) ~(random_u64(&r) & (FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT));
    }
    return c;
}

void x87_case_begin(const struct x87_case *c, struct cpu *cpu, struct insn *i)
{
    bool two = x87_functions[c->function].two;
    memset(&cpu->x87, 0, sizeof cpu->x87);
    memset(i, 0, sizeof *i);
    cpu->cr0         = CR0_PE | CR0_NE | CR0_MP;
    cpu->ip_mask     = ~(u64)0;
    cpu->x87.control = c->control;
    cpu->x87.top     = 3;
    cpu->x87.valid   = (u8)(two ? 3 << 3 : 1 << 3);
    cpu->x87.reg[3]  = c->st0;
    cpu->x87.reg[4]  = c->st1;
    i->opcode        = 0xd9;
    i->modrm         = x87_functions[c->function].modrm;
}

static u64 add(u64 digest, u64 value, unsigned bytes)
{
    for (unsigned k = 0; k < bytes; k++) {
        digest = (digest ^ (value >> 8 * k & 0xff)) * 0x100000001b3ull;
    }
    return digest;
}

u64 x87_digest(u64 digest, const struct x87 *after)
{
    for (unsigned k = 2; k < 5; k++) {
        digest = add(digest, after->reg[k].mantissa, 8);
        digest = add(digest, after->reg[k].sign_exponent, 2);
    }
    digest = add(digest, after->status, 2);
    return add(digest, (u64)after->valid << 8 | after->top, 2);
}
