/*
 * bits.h: bit fields, little-endian memory and powers of two.
 */
#ifndef CPU_BASE_BITS_H
#define CPU_BASE_BITS_H

#include <string.h>

#include "cpu/base/types.h"

#define BIT(n) ((u64)1 << (n))

/* Bits hi..lo of `value`, shifted down. */
static inline u64 bits(u64 value, unsigned hi, unsigned lo)
{
    return (value >> lo) & (~(u64)0 >> (63 - (hi - lo)));
}

/* `value` with its bits under `mask` replaced by those of `bits`. */
static inline u64 merge_bits(u64 value, u64 mask, u64 bits)
{
    return (value & ~mask) | (bits & mask);
}

static inline u64 align_down(u64 value, u64 power_of_two)
{
    return value & ~(power_of_two - 1);
}

static inline u64 align_up(u64 value, u64 power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

static inline bool is_power_of_two(u64 value)
{
    return value && !(value & (value - 1));
}

/* Little-endian loads and stores of guest structures at any alignment; hosts are little-endian. */
static inline u16 load16(const void *p)
{
    u16 v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline u32 load32(const void *p)
{
    u32 v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline u64 load64(const void *p)
{
    u64 v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store16(void *p, u16 v)
{
    memcpy(p, &v, sizeof v);
}

static inline void store32(void *p, u32 v)
{
    memcpy(p, &v, sizeof v);
}

static inline void store64(void *p, u64 v)
{
    memcpy(p, &v, sizeof v);
}

/* memcpy(), without a call for what is usual. */
static inline void copy_few(void *to, const void *from, unsigned size)
{
    switch (size) {
    case 1: memcpy(to, from, 1); break;
    case 2: memcpy(to, from, 2); break;
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    default: memcpy(to, from, size); break;
    }
}

/* A little-endian value of 1 to 8 bytes. */
static inline u64 load_le(const void *p, unsigned size)
{
    u64 v = 0;
    copy_few(&v, p, size);
    return v;
}

static inline void store_le(void *p, u64 v, unsigned size)
{
    copy_few(p, &v, size);
}

#endif
