/*
 * values.c: random operand values.
 */
#include "tests/host/values.h"

#include <string.h>

#include "cpu/base/bits.h"

u64 random_next(struct random *r)
{
    u64 z = r->state += 0x9e3779b97f4a7c15ull; /* SplitMix64 (Steele, Lea, Flood 2014) */
    z     = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z     = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

unsigned random_below(struct random *r, unsigned n)
{
    return (unsigned)((random_next(r) >> 32) * n >> 32);
}

bool random_once(struct random *r, unsigned n)
{
    return random_below(r, n) == 0;
}

u64 value_integer(struct random *r)
{
    static const u64 limits[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
                                  0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff };
    switch (random_below(r, 5)) {
    case 0:
        return limits[random_below(r, ARRAY_LEN(limits))];
    case 1:
        return limits[random_below(r, ARRAY_LEN(limits))] + random_below(r, 5) - 2;
    case 2:
        return random_next(r) >> random_below(r, 64);
    case 3:
        return (u64)((i64)random_next(r) >> random_below(r, 64));
    default:
        return random_next(r);
    }
}

/* A real of `exponent_bits` and `fraction_bits`, as bits. */
static u64 value_real(struct random *r, unsigned exponent_bits, unsigned fraction_bits)
{
    u64 exponent_max = BIT(exponent_bits) - 1, bias = exponent_max >> 1, fraction_mask = BIT(fraction_bits) - 1;
    u64 sign = random_once(r, 2) ? BIT(exponent_bits + fraction_bits) : 0, exponent, fraction;
    switch (random_below(r, 12)) {
    case 0: case 1:
        exponent = 0; /* zeros and denormals */
        break;
    case 2: case 3:
        exponent = exponent_max; /* infinities and NaNs */
        break;
    case 4:
        exponent = 1 + random_below(r, 3);
        break;
    case 5:
        exponent = exponent_max - 1 - random_below(r, 3);
        break;
    case 6:
        exponent = bias + 28 + random_below(r, 40); /* around the limits of integers */
        break;
    case 7:
        exponent = random_next(r) & exponent_max;
        break;
    case 8:
        exponent = bias / 2 + random_below(r, 64); /* products near the smallest numbers */
        break;
    default:
        exponent = bias - 8 + random_below(r, 24);
        break;
    }
    switch (random_below(r, 6)) {
    case 0:
        fraction = 0;
        break;
    case 1:
        fraction = fraction_mask - random_below(r, 2);
        break;
    case 2:
        fraction = BIT(random_below(r, fraction_bits));
        break;
    case 3:
        fraction = fraction_mask << random_below(r, fraction_bits);
        break;
    default:
        fraction = random_next(r);
        break;
    }
    return sign | (exponent & exponent_max) << fraction_bits | (fraction & fraction_mask);
}

static void value_text(struct random *r, u8 *bytes)
{
    unsigned step = random_once(r, 2) ? 1 : 2;
    memset(bytes, 0, 16);
    for (unsigned k = 0; k < 16; k += step) {
        bytes[k] = random_once(r, 12) ? 0 : (u8)('a' + random_below(r, 4));
    }
}

void value_vector(struct random *r, u8 *bytes, const u8 *near)
{
    switch (random_below(r, 8)) {
    case 0: case 1:
        for (unsigned k = 0; k < 16; k += 4) {
            store32(bytes + k, (u32)value_real(r, 8, 23));
        }
        break;
    case 2: case 3:
        for (unsigned k = 0; k < 16; k += 8) {
            store64(bytes + k, value_real(r, 11, 52));
        }
        break;
    case 4:
        value_text(r, bytes);
        break;
    case 5:
        for (unsigned k = 0; k < 16; k += 8) {
            store64(bytes + k, value_integer(r));
        }
        break;
    case 6:
        if (near) {
            memcpy(bytes, near, 16);
            bytes[random_below(r, 16)] ^= (u8)(1u << random_below(r, 8));
            break;
        }
        /* fall through */
    default:
        store64(bytes, random_next(r));
        store64(bytes + 8, random_next(r));
        break;
    }
}

/* An 80-bit real: now and then an encoding that the x87 does not support. */
static void value_real80(struct random *r, u8 *bytes)
{
    u64 v        = value_real(r, 15, 48);
    u16 top      = (u16)(v >> 48);
    u64 mantissa = v << 16 >> 1 | (random_once(r, 2) ? random_next(r) & 0x7fff : 0);
    if (top & 0x7fff || random_once(r, 16)) {
        mantissa |= (u64)!random_once(r, 24) << 63;
    }
    store64(bytes, mantissa);
    store16(bytes + 8, top);
    memset(bytes + 10, 0, 6);
}

static u16 value_control_word(struct random *r)
{
    u16 control = 0x037f;
    if (random_once(r, 3)) {
        control = (u16)(0x40 | random_below(r, 16) << 8 | (random_once(r, 3) ? random_below(r, 64) : 0x3f));
    }
    return control;
}

/* ES and B follow from the flags and masks, as the processor would have them. */
static u16 value_status_word(struct random *r, u16 control)
{
    u16 status = (u16)(random_next(r) & 0x7f00);
    if (random_once(r, 4)) {
        status |= random_next(r) & (random_once(r, 8) ? 0x7f : 0x7f & (control | 0x40));
    }
    return status & ~control & 0x3f ? status | 0x8080 : status;
}

void value_fx(struct random *r, u8 *fx)
{
    u16 control = value_control_word(r);
    memset(fx, 0, FX_BYTES);
    store16(fx + FX_FCW, control);
    store16(fx + FX_FSW, value_status_word(r, control));
    fx[FX_FTW] = (u8)(random_once(r, 3) ? random_next(r) : random_next(r) | random_next(r) | random_next(r));
    u32 mxcsr  = 0x1f80;
    if (random_once(r, 2)) {
        mxcsr = (u32)(random_next(r) & 0xe07f) | (random_once(r, 4) ? (u32)random_next(r) & 0x1f80 : 0x1f80);
    }
    store32(fx + FX_MXCSR, mxcsr);
    for (unsigned k = 0; k < 8; k++) {
        value_real80(r, fx + FX_ST + 16 * k);
        value_vector(r, fx + FX_XMM + 32 * k, k ? fx + FX_XMM : NULL);
        value_vector(r, fx + FX_XMM + 32 * k + 16, fx + FX_XMM + 32 * k);
    }
}
