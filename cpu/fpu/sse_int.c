/*
 * sse_int.c: packed integer arithmetic, compares, shifts, packs and shuffles of MMX, SSE2 to SSE4.1, and their AVX2 forms.
 *
 * Document: Intel SDM Vol. 2 (instruction pages by name). The MMX, XMM and YMM forms of an operation are one text (lanes.h).
 */
#include "cpu/fpu/lanes.h"

/* ---- arithmetic, lane by lane */

LANES(paddb, u8, d[k] + s[k])
LANES(paddw, u16, d[k] + s[k])
LANES(paddd, u32, d[k] + s[k])
LANES(paddq, u64, d[k] + s[k])
LANES(psubb, u8, d[k] - s[k])
LANES(psubw, u16, d[k] - s[k])
LANES(psubd, u32, d[k] - s[k])
LANES(psubq, u64, d[k] - s[k])
LANES(paddsb, i8, saturate(d[k] + s[k], INT8_MIN, INT8_MAX))
LANES(paddsw, i16, saturate(d[k] + s[k], INT16_MIN, INT16_MAX))
LANES(psubsb, i8, saturate(d[k] - s[k], INT8_MIN, INT8_MAX))
LANES(psubsw, i16, saturate(d[k] - s[k], INT16_MIN, INT16_MAX))
LANES(paddusb, u8, d[k] + s[k] > UINT8_MAX ? UINT8_MAX : d[k] + s[k])
LANES(paddusw, u16, d[k] + s[k] > UINT16_MAX ? UINT16_MAX : d[k] + s[k])
LANES(psubusb, u8, d[k] < s[k] ? 0 : d[k] - s[k])
LANES(psubusw, u16, d[k] < s[k] ? 0 : d[k] - s[k])
LANES(pmullw, u16, (u32)d[k] * s[k])
LANES(pmulhw, i16, ((i32)d[k] * s[k]) >> 16)
LANES(pmulhuw, u16, ((u32)d[k] * s[k]) >> 16)
LANES(pmulhrsw, i16, ((((i32)d[k] * s[k]) >> 14) + 1) >> 1)
XLANES(pmulld, u32, d[k] * s[k])
LANES(pmuludq, u64, (u64)(u32)d[k] * (u32)s[k])
XLANES(pmuldq, u64, (i64)(i32)d[k] * (i32)s[k])
LANES(pavgb, u8, (d[k] + s[k] + 1) >> 1)
LANES(pavgw, u16, (d[k] + s[k] + 1) >> 1)
LANES(pminub, u8, d[k] < s[k] ? d[k] : s[k])
LANES(pmaxub, u8, d[k] > s[k] ? d[k] : s[k])
LANES(pminsw, i16, d[k] < s[k] ? d[k] : s[k])
LANES(pmaxsw, i16, d[k] > s[k] ? d[k] : s[k])
XLANES(pminsb, i8, d[k] < s[k] ? d[k] : s[k])
XLANES(pmaxsb, i8, d[k] > s[k] ? d[k] : s[k])
XLANES(pminuw, u16, d[k] < s[k] ? d[k] : s[k])
XLANES(pmaxuw, u16, d[k] > s[k] ? d[k] : s[k])
XLANES(pminsd, i32, d[k] < s[k] ? d[k] : s[k])
XLANES(pmaxsd, i32, d[k] > s[k] ? d[k] : s[k])
XLANES(pminud, u32, d[k] < s[k] ? d[k] : s[k])
XLANES(pmaxud, u32, d[k] > s[k] ? d[k] : s[k])
LANES(pabsb, u8, s[k] & 0x80 ? -s[k] : s[k])
LANES(pabsw, u16, s[k] & 0x8000 ? -s[k] : s[k])
LANES(pabsd, u32, s[k] & 0x80000000 ? -s[k] : s[k])
LANES(psignb, i8, s[k] < 0 ? -d[k] : s[k] ? d[k] : 0)
LANES(psignw, i16, s[k] < 0 ? -d[k] : s[k] ? d[k] : 0)
LANES(psignd, u32, (i32)s[k] < 0 ? -d[k] : s[k] ? d[k] : 0)

/* ---- logic and compares */

LANES(pand, u64, d[k] & s[k])
LANES(pandn, u64, ~d[k] & s[k])
LANES(por, u64, d[k] | s[k])
LANES(pxor, u64, d[k] ^ s[k])
LANES(pcmpeqb, u8, d[k] == s[k] ? -1 : 0)
LANES(pcmpeqw, u16, d[k] == s[k] ? -1 : 0)
LANES(pcmpeqd, u32, d[k] == s[k] ? -1 : 0)
XLANES(pcmpeqq, u64, d[k] == s[k] ? -1 : 0)
LANES(pcmpgtb, i8, d[k] > s[k] ? -1 : 0)
LANES(pcmpgtw, i16, d[k] > s[k] ? -1 : 0)
LANES(pcmpgtd, i32, d[k] > s[k] ? -1 : 0)
XLANES(pcmpgtq, i64, d[k] > s[k] ? -1 : 0)

/* ---- sums of products and neighbours */

/* The one overflow, four times 8000h, wraps to 80000000h (PMADDWD page). */
MIX(pmaddwd, i16, u32, (u32)((i32)d[2 * k] * s[2 * k]) + (u32)((i32)d[2 * k + 1] * s[2 * k + 1]))
MIX(pmaddubsw, u8, i16,
    saturate((i32)d[2 * k] * (i8)s[2 * k] + (i32)d[2 * k + 1] * (i8)s[2 * k + 1], INT16_MIN, INT16_MAX))

/* Lane pair k of destination and source put end to end. */
#define PAIR(operation)                                                                            \
    (k < count / 2 ? d[2 * k] operation d[2 * k + 1]                                               \
                   : s[2 * (k - count / 2)] operation s[2 * (k - count / 2) + 1])
MIX(phaddw, u16, u16, PAIR(+))
MIX(phaddd, u32, u32, PAIR(+))
MIX(phaddsw, i16, i16, saturate(PAIR(+), INT16_MIN, INT16_MAX))
MIX(phsubw, u16, u16, PAIR(-))
MIX(phsubd, u32, u32, PAIR(-))
MIX(phsubsw, i16, i16, saturate(PAIR(-), INT16_MIN, INT16_MAX))

static u32 byte_distance(const u8 *a, const u8 *b, unsigned count)
{
    u32 sum = 0;
    for (unsigned k = 0; k < count; k++) {
        sum += a[k] > b[k] ? a[k] - b[k] : b[k] - a[k];
    }
    return sum;
}

MIX(psadbw, u8, u64, byte_distance(d + 8 * k, s + 8 * k, 8))
MIX_OF(mpsadbw, u8, u16, 16, byte_distance(d + (imm >> 2 & 1) * 4 + k, s + (imm & 3) * 4, 4))
TWICE(mpsadbw, imm >> 3)

VEC(phminposuw)
{
    union vec s, r = {0};
    unsigned  least = 0;
    (void)cpu;
    (void)imm;
    memcpy(&s, src, 16);
    for (unsigned k = 1; k < 8; k++) {
        if (s.w[k] < s.w[least]) {
            least = k;
        }
    }
    r.w[0] = s.w[least];
    r.w[1] = (u16)least;
    memcpy(dst, &r, 16);
}

/* ---- shifts: the count is the whole low quadword of the source, or an immediate (the OPs at the end) */

#define SHIFT(name, type, body, past_end)                                                          \
    static inline type shift_##name(type v, u64 n)                                                 \
    {                                                                                              \
        return (type)(n >= 8 * sizeof(type) ? (past_end) : (body));                                \
    }                                                                                              \
    LANES(name, type, shift_##name(d[k], load64(src)))

SHIFT(psllw, u16, (u32)v << n, 0)
SHIFT(pslld, u32, v << n, 0)
SHIFT(psllq, u64, v << n, 0)
SHIFT(psrlw, u16, v >> n, 0)
SHIFT(psrld, u32, v >> n, 0)
SHIFT(psrlq, u64, v >> n, 0)
SHIFT(psraw, i16, v >> n, v >> 15)
SHIFT(psrad, i32, v >> n, v >> 31)

/* Immediate forms: operand 0 is both source and destination. */
#define SHIFT_IMM(name, type)                                                                      \
    LANES(name##_imm, type, shift_##name(d[k], imm))
SHIFT_IMM(psllw, u16)
SHIFT_IMM(pslld, u32)
SHIFT_IMM(psllq, u64)
SHIFT_IMM(psrlw, u16)
SHIFT_IMM(psrld, u32)
SHIFT_IMM(psrlq, u64)
SHIFT_IMM(psraw, i16)
SHIFT_IMM(psrad, i32)

XMIX(pslldq_imm, u8, u8, k >= imm ? d[k - imm] : 0)
XMIX(psrldq_imm, u8, u8, k + imm < 16 ? d[k + imm] : 0)

/* ---- packs and unpacks */

#define PACK(name, type, result, low, high)                                                        \
    MIX(name, type, result, saturate(k < count / 2 ? d[k] : s[k - count / 2], low, high))
PACK(packsswb, i16, i8, INT8_MIN, INT8_MAX)
PACK(packssdw, i32, i16, INT16_MIN, INT16_MAX)
PACK(packuswb, i16, u8, 0, UINT8_MAX)
XMIX(packusdw, i32, u16, saturate(k < count / 2 ? d[k] : s[k - count / 2], 0, UINT16_MAX))

#define UNPACK_LOW(name, type)                                                                     \
    VEC(name)                                                                                      \
    {                                                                                              \
        type d[8 / sizeof(type)], s[8 / sizeof(type)], r[16 / sizeof(type)];                       \
        UNUSED_OPERANDS();                                                                         \
        memcpy(d, dst, 8);                                                                         \
        memcpy(s, src, 8);                                                                         \
        for (unsigned k = 0; k < 8 / sizeof(type); k++) {                                          \
            r[2 * k]     = d[k];                                                                   \
            r[2 * k + 1] = s[k];                                                                   \
        }                                                                                          \
        memcpy(dst, r, 16);                                                                        \
    }                                                                                              \
    TWICE(name, imm)
UNPACK_LOW(punpcklbw, u8)
UNPACK_LOW(punpcklwd, u16)
UNPACK_LOW(punpckldq, u32)
UNPACK_LOW(punpcklqdq, u64)

#define UNPACK_HIGH(type) (k & 1 ? s[count / 2 + k / 2] : d[count / 2 + k / 2])
MIX(punpckhbw, u8, u8, UNPACK_HIGH(u8))
MIX(punpckhwd, u16, u16, UNPACK_HIGH(u16))
MIX(punpckhdq, u32, u32, UNPACK_HIGH(u32))
XMIX(punpckhqdq, u64, u64, UNPACK_HIGH(u64))

/* MMX: a memory source is only 4 bytes. */
#define UNPACK_LOW_MMX(name, type)                                                                 \
    VEC(mmx_##name)                                                                                \
    {                                                                                              \
        type d[4 / sizeof(type)], s[4 / sizeof(type)], r[8 / sizeof(type)];                        \
        UNUSED_OPERANDS();                                                                         \
        memcpy(d, dst, 4);                                                                         \
        memcpy(s, src, 4);                                                                         \
        for (unsigned k = 0; k < 4 / sizeof(type); k++) {                                          \
            r[2 * k]     = d[k];                                                                   \
            r[2 * k + 1] = s[k];                                                                   \
        }                                                                                          \
        memcpy(dst, r, 8);                                                                         \
    }
UNPACK_LOW_MMX(punpcklbw, u8)
UNPACK_LOW_MMX(punpcklwd, u16)
UNPACK_LOW_MMX(punpckldq, u32)

#define WIDEN_TO(name, from, to, bytes)                                                            \
    VEC(name)                                                                                      \
    {                                                                                              \
        from s[(bytes) / sizeof(to)];                                                              \
        to   r[(bytes) / sizeof(to)];                                                              \
        UNUSED_OPERANDS();                                                                         \
        memcpy(s, src, sizeof s);                                                                  \
        for (unsigned k = 0; k < ARRAY_LEN(r); k++) {                                              \
            r[k] = (to)s[k];                                                                       \
        }                                                                                          \
        memcpy(dst, r, sizeof r);                                                                  \
    }
#define WIDEN(name, from, to)                                                                      \
    WIDEN_TO(name, from, to, 16)                                                                   \
    WIDEN_TO(ymm_##name, from, to, 32)
WIDEN(pmovsxbw, i8, i16)
WIDEN(pmovsxbd, i8, i32)
WIDEN(pmovsxbq, i8, i64)
WIDEN(pmovsxwd, i16, i32)
WIDEN(pmovsxwq, i16, i64)
WIDEN(pmovsxdq, i32, i64)
WIDEN(pmovzxbw, u8, u16)
WIDEN(pmovzxbd, u8, u32)
WIDEN(pmovzxbq, u8, u64)
WIDEN(pmovzxwd, u16, u32)
WIDEN(pmovzxwq, u16, u64)
WIDEN(pmovzxdq, u32, u64)

/* ---- shuffles and blends */

MIX(pshufb, u8, u8, s[k] & 0x80 ? 0 : d[s[k] & (count - 1)])
MIX_OF(mmx_pshufw, u16, u16, 8, s[imm >> 2 * k & 3])
XMIX(pshufd, u32, u32, s[imm >> 2 * k & 3])
XMIX(pshuflw, u16, u16, k < 4 ? s[imm >> 2 * k & 3] : s[k])
XMIX(pshufhw, u16, u16, k < 4 ? s[k] : s[4 + (imm >> 2 * (k - 4) & 3)])
XMIX(shufps, u32, u32, k < 2 ? d[imm >> 2 * k & 3] : s[imm >> 2 * k & 3])
MIX_OF(shufpd, u64, u64, 16, k ? s[imm >> 1 & 1] : d[imm & 1])
TWICE(shufpd, imm >> 2)
/* Source (low) and destination (high) end to end, shifted right by imm bytes. */
MIX(palignr, u8, u8,
    (unsigned)imm + k < count ? s[(unsigned)imm + k] : (unsigned)imm + k < 2 * count ? d[imm + k - count] : 0)

LANES_OF(pblendw, u16, 16, imm >> k & 1 ? s[k] : d[k])
TWICE(pblendw, imm)
XLANES(blendps, u32, imm >> k & 1 ? s[k] : d[k])
XLANES(blendpd, u64, imm >> k & 1 ? s[k] : d[k])
/* The register with the mask is named by the immediate of the VEX forms, bits 7:4; SSE4.1 has none, which means XMM0. */
XLANES(pblendvb, u8, cpu->xmm[imm >> 4].b[k] >> 7 ? s[k] : d[k])
XLANES(blendvps, u32, cpu->xmm[imm >> 4].d[k] >> 31 ? s[k] : d[k])
XLANES(blendvpd, u64, cpu->xmm[imm >> 4].q[k] >> 63 ? s[k] : d[k])

/* INSERTPS: a memory source is one lane (the wrapper's copy holds it in lane 0), and then imm[7:6] is not looked at. */
VEC(insertps)
{
    u32 lane = load32((const u8 *)src + 4 * (imm >> 6));
    u32 d[4];
    (void)cpu;
    memcpy(d, dst, 16);
    d[imm >> 4 & 3] = lane;
    for (unsigned k = 0; k < 4; k++) {
        d[k] = imm >> k & 1 ? 0 : d[k];
    }
    memcpy(dst, d, 16);
}

VEC(insertps_mem)
{
    vec_insertps(cpu, dst, src, imm & 0x3f);
}
