/*
 * float_cases.h: random and directed floating-point operands for tests against a judge.
 */
#ifndef TESTS_HOST_FLOAT_CASES_H
#define TESTS_HOST_FLOAT_CASES_H

#include "cpu/fpu/softfloat.h"

struct random {
    u64 state;
};

/* splitmix64 */
static inline u64 random_u64(struct random *r)
{
    u64 z = r->state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* A mantissa of 64 bits: random, sparse, long runs of ones or zeros, next to a rounding boundary.
 */
static inline u64 random_mantissa(struct random *r)
{
    u64 v = random_u64(r), n = random_u64(r);
    switch (n & 7) {
    case 0:
        return (u64)1 << (v & 63);
    case 1:
        return (u64)1 << (v & 63) | (u64)1 << (v >> 6 & 63);
    case 2:
        return ~(u64)0 << (v & 63);
    case 3:
        return ~((u64)1 << (v & 63));
    case 4:
        return v & ~(u64)0 << (n >> 8 & 63);
    case 5:
        return v | (((u64)1 << (n >> 8 & 63)) - 1);
    default:
        return v;
    }
}

/* A biased exponent below 2^bits: anywhere, near the middle, near either end, near `other`. */
static inline unsigned random_exponent(struct random *r, unsigned bits, unsigned other)
{
    unsigned top = (1u << bits) - 1, v = (unsigned)random_u64(r);
    switch (random_u64(r) % 6) {
    case 0:
        return v & top;
    case 1:
        return (top / 2 - 70 + v % 140) & top;
    case 2:
        return v % 70 & top;
    case 3:
        return top - v % 70 % top;
    default:
        return (other - 70 + v % 140) & top;
    }
}

static const struct float80 f80_directed[] = {
    {0, 0},                     /* zero */
    {1, 0},                     /* smallest denormal */
    {0x7fffffffffffffffull, 0}, /* largest denormal */
    {0x8000000000000000ull, 0}, /* pseudo-denormals */
    {0xffffffffffffffffull, 0},
    {0x8000000000000000ull, 1}, /* smallest normal */
    {0x8000000000000001ull, 1},
    {0x7fffffffffffffffull, 1}, /* unnormals */
    {0, 0x3fff},
    {0x4000000000000000ull, 0x4000},
    {0x8000000000000000ull, 0x3fff}, /* 1 and its neighbours */
    {0x8000000000000001ull, 0x3fff},
    {0xffffffffffffffffull, 0x3ffe},
    {0x8000000000000000ull, 0x3ffe}, /* 0.5 */
    {0xc000000000000000ull, 0x3fff}, /* 1.5 */
    {0x8000000000000000ull, 0x4000},
    {0xffffffffffffffffull, 0x7ffe}, /* largest */
    {0xffffff0000000000ull, 0x7ffe},
    {0x8000000000000000ull, 0x7fff}, /* infinity */
    {0xc000000000000000ull, 0x7fff}, /* NaNs */
    {0xc000000000000001ull, 0x7fff},
    {0xffffffffffffffffull, 0x7fff},
    {0xe000000000000000ull, 0x7fff},
    {0x8000000000000001ull, 0x7fff},
    {0xbfffffffffffffffull, 0x7fff},
    {0xa000000000000000ull, 0x7fff},
    {0, 0x7fff}, /* pseudo-infinity, pseudo-NaN */
    {0x4000000000000000ull, 0x7fff},
    {0xffffffffffffffffull, 0x403d}, /* about the limits of integers */
    {0x8000000000000000ull, 0x403e},
    {0x8000000000000000ull, 0x401e},
    {0xfffffffe00000000ull, 0x401d},
    {0xfffffffeffffffffull, 0x401d},
    {0x8000000000000000ull, 0x400e},
    {0xfffe000000000000ull, 0x400d},
    {0xffff000000000000ull, 0x400d},
    {0xde0b6b3a763fffe0ull, 0x403a}, /* 10^18 - 1 ... */
    {0xde0b6b3a763ffff0ull, 0x403a},
    {0xde0b6b3a76400000ull, 0x403a},
};

static inline struct float80 random_f80(struct random *r, struct float80 other)
{
    u64 how = random_u64(r);
    if (how % 4 == 0) {
        struct float80 a = f80_directed[(how >> 8) % ARRAY_LEN(f80_directed)];
        a.sign_exponent |= (u16)((how >> 40 & 1) << 15);
        return a;
    }
    struct float80 a;
    a.sign_exponent =
        (u16)(random_exponent(r, 15, other.sign_exponent & 0x7fff) | (how >> 40 & 1) << 15);
    a.mantissa = random_mantissa(r);
    if (how >> 41 & 31 && a.sign_exponent & 0x7fff) {
        a.mantissa |= (u64)1 << 63;
    }
    return a;
}

static inline u64 random_f64(struct random *r, u64 other)
{
    u64 how = random_u64(r);
    u64 m = random_mantissa(r) >> (how & 1 ? 0 : 12) & 0xfffffffffffffull;
    unsigned e = random_exponent(r, 11, other >> 52 & 0x7ff);
    u64 sign = how >> 63 << 63;
    if ((how >> 8) % 8 == 0) {
        m = 0;
    }
    if ((how >> 16) % 16 == 0) {
        e = how >> 32 & 1 ? 0x7ff : 0;
    }
    return sign | (u64)e << 52 | m;
}

static inline u32 random_f32(struct random *r, u32 other)
{
    u64 how = random_u64(r);
    u32 m = (u32)(random_mantissa(r) >> (how & 1 ? 0 : 41)) & 0x7fffff;
    unsigned e = random_exponent(r, 8, other >> 23 & 0xff);
    u32 sign = (u32)(how >> 63) << 31;
    if ((how >> 8) % 8 == 0) {
        m = 0;
    }
    if ((how >> 16) % 16 == 0) {
        e = how >> 32 & 1 ? 0xff : 0;
    }
    return sign | e << 23 | m;
}

#endif
