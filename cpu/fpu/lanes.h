/*
 * lanes.h: how packed operations are written: one expression per lane, for XMM, YMM and MMX alike.
 *
 * Operands are copied to local arrays first, so that source and destination may be one register and the compiler may use the
 * host's vector instructions.
 */
#ifndef CPU_FPU_LANES_H
#define CPU_FPU_LANES_H

#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/operand.h"

#define UNUSED_OPERANDS() ((void)cpu, (void)src, (void)imm)

/* One packed operation on `bytes` bytes of lanes of `type`: d[k] and s[k] are the lanes, `count` how many there are. */
#define LANES_OF(name, type, bytes, ...)                                                           \
    VEC(name)                                                                                      \
    {                                                                                              \
        enum { count = (bytes) / sizeof(type) };                                                   \
        type d[count], s[count];                                                                   \
        UNUSED_OPERANDS();                                                                         \
        memcpy(d, dst, sizeof d);                                                                  \
        memcpy(s, src, sizeof s);                                                                  \
        for (unsigned k = 0; k < count; k++) {                                                     \
            d[k] = (type)(__VA_ARGS__);                                                            \
        }                                                                                          \
        memcpy(dst, d, sizeof d);                                                                  \
    }

/* The same for lanes of the result that read any lane of the operands: r[k] is computed from d[] and s[]. */
#define MIX_OF(name, type, result, bytes, ...)                                                     \
    VEC(name)                                                                                      \
    {                                                                                              \
        enum { count = (bytes) / sizeof(result) };                                                 \
        type   d[(bytes) / sizeof(type)], s[(bytes) / sizeof(type)];                               \
        result r[count];                                                                           \
        UNUSED_OPERANDS();                                                                         \
        memcpy(d, dst, sizeof d);                                                                  \
        memcpy(s, src, sizeof s);                                                                  \
        for (unsigned k = 0; k < count; k++) {                                                     \
            r[k] = (result)(__VA_ARGS__);                                                          \
        }                                                                                          \
        memcpy(dst, r, sizeof r);                                                                  \
    }

/* The 256-bit form of an operation that does the same in both halves; `high`: the immediate for the upper one. */
#define TWICE(name, high)                                                                          \
    VEC(ymm_##name)                                                                                \
    {                                                                                              \
        vec_##name(cpu, dst, src, imm);                                                            \
        vec_##name(cpu, (u8 *)dst + 16, (const u8 *)src + 16, (u8)(high));                         \
    }

/* For XMM as vec_NAME, for YMM as vec_ymm_NAME; LANES and MIX also for MMX as vec_mmx_NAME. */
#define XLANES(name, type, ...)                                                                    \
    LANES_OF(name, type, 16, __VA_ARGS__)                                                          \
    LANES_OF(ymm_##name, type, 32, __VA_ARGS__)
#define XMIX(name, type, result, ...)                                                              \
    MIX_OF(name, type, result, 16, __VA_ARGS__)                                                    \
    TWICE(name, imm)
#define LANES(name, type, ...)                                                                     \
    XLANES(name, type, __VA_ARGS__)                                                                \
    LANES_OF(mmx_##name, type, 8, __VA_ARGS__)
#define MIX(name, type, result, ...)                                                               \
    XMIX(name, type, result, __VA_ARGS__)                                                          \
    MIX_OF(mmx_##name, type, result, 8, __VA_ARGS__)

static inline i64 saturate(i64 v, i64 low, i64 high)
{
    return v < low ? low : v > high ? high : v;
}

#endif
