/*
 * sse_cvt.c: CVT*: conversions between integers and reals in XMM, MMX and general registers.
 *
 * Document: Intel SDM Vol. 2 (instruction pages by name). CVTT forms truncate whatever MXCSR.RC says.
 */
#include "cpu/fpu/check.h"
#include "cpu/fpu/lanes.h"
#include "cpu/fpu/mmx.h"
#include "cpu/fpu/sse_status.h"
#include "cpu/fpu/vex.h"

static struct fp_status status_of(const struct cpu *cpu, bool truncate)
{
    struct fp_status status = fp_status_sse(cpu->mxcsr);
    if (truncate) {
        status.rounding = FP_ZERO;
    }
    return status;
}

/* ---- XMM to XMM: `lanes` results; the rest of the first `bytes` bytes of the destination is cleared */
#define CONVERT(name, from, to, lanes, bytes, truncate, ...)                                       \
    VEC(name)                                                                                      \
    {                                                                                              \
        from             s[lanes];                                                                 \
        to               r[(bytes) / sizeof(to)] = { 0 };                                          \
        struct fp_status status                  = status_of(cpu, truncate);                       \
        (void)imm;                                                                                 \
        memcpy(s, src, sizeof s);                                                                  \
        for (unsigned k = 0; k < (lanes); k++) {                                                   \
            r[k] = (to)(__VA_ARGS__);                                                              \
        }                                                                                          \
        sse_finish(cpu, &status);                                                                  \
        memcpy(dst, r, sizeof r);                                                                  \
    }
CONVERT(cvtss2sd, u32, u64, 1, 8, false, f32_to_f64(s[k], &status))
CONVERT(cvtsd2ss, u64, u32, 1, 4, false, f64_to_f32(s[k], &status))

/* For XMM and YMM. Where the lanes of one side are wider, they fill the register, and the others half of it. */
#define CONVERTS(name, from, to, lanes, bytes, truncate, ...)                                      \
    CONVERT(name, from, to, lanes, 16, truncate, __VA_ARGS__)                                      \
    CONVERT(ymm_##name, from, to, 2 * (lanes), bytes, truncate, __VA_ARGS__)
CONVERTS(cvtdq2ps, i32, u32, 4, 32, false, f32_from_i32(s[k], &status))
CONVERTS(cvtps2dq, u32, i32, 4, 32, false, f32_to_i32(s[k], &status))
CONVERTS(cvttps2dq, u32, i32, 4, 32, true, f32_to_i32(s[k], &status))
CONVERTS(cvtdq2pd, i32, u64, 2, 32, false, f64_from_i32(s[k]))
CONVERTS(cvtpd2dq, u64, i32, 2, 16, false, f64_to_i32(s[k], &status))
CONVERTS(cvttpd2dq, u64, i32, 2, 16, true, f64_to_i32(s[k], &status))
CONVERTS(cvtps2pd, u32, u64, 2, 32, false, f32_to_f64(s[k], &status))
CONVERTS(cvtpd2ps, u64, u32, 2, 16, false, f64_to_f32(s[k], &status))

/* ---- general registers: 64-bit with REX.W */

static unsigned general_width(const struct insn *i)
{
    return i->rex_w ? 8 : 4;
}

OP(cvtsi2ss)
{
    vec_check(cpu, i);
    i64              v      = sign_extend(rm_read(cpu, i, general_width(i)), general_width(i));
    struct fp_status status = status_of(cpu, false);
    u32              r      = f32_from_i64(v, &status);
    sse_finish(cpu, &status);
    vec_take_first(cpu, i);
    cpu->xmm[i->reg].d[0] = r;
}

OP(cvtsi2sd)
{
    vec_check(cpu, i);
    i64              v      = sign_extend(rm_read(cpu, i, general_width(i)), general_width(i));
    struct fp_status status = status_of(cpu, false);
    u64              r      = f64_from_i64(v, &status);
    sse_finish(cpu, &status);
    vec_take_first(cpu, i);
    cpu->xmm[i->reg].q[0] = r;
}

static u64 scalar_source(struct cpu *cpu, const struct insn *i, unsigned size)
{
    return i->mem ? mem_read(cpu, i->seg, insn_ea(cpu, i), size) : load_le(&cpu->xmm[i->rm], size);
}

static void to_general(struct cpu *cpu, const struct insn *i, bool is_double, bool truncate)
{
    vec_check(cpu, i);
    struct fp_status status = status_of(cpu, truncate);
    u64              s      = scalar_source(cpu, i, is_double ? 8 : 4);
    u64              r;
    if (i->rex_w) {
        r = (u64)(is_double ? f64_to_i64(s, &status) : f32_to_i64((u32)s, &status));
    } else {
        r = (u32)(is_double ? f64_to_i32(s, &status) : f32_to_i32((u32)s, &status));
    }
    sse_finish(cpu, &status);
    gpr_write(cpu, i->reg, general_width(i), r);
}

OP(cvtss2si)
{
    to_general(cpu, i, false, false);
}

OP(cvttss2si)
{
    to_general(cpu, i, false, true);
}

OP(cvtsd2si)
{
    to_general(cpu, i, true, false);
}

OP(cvttsd2si)
{
    to_general(cpu, i, true, true);
}

/* ---- MMX registers */

/* All of them check as SSE instructions first, and then as MMX ones. The wrapper's VEC forms know one register file only. */
static void from_mmx(struct cpu *cpu, const struct insn *i, vec_fn function, bool enter)
{
    u64 s;
    sse_check(cpu);
    if (enter) {
        mmx_check(cpu);
    }
    s = i->mem ? mem_read(cpu, i->seg, insn_ea(cpu, i), 8) : cpu->x87.reg[i->rm].mantissa;
    function(cpu, &cpu->xmm[i->reg], &s, 0);
    if (enter) {
        mmx_enter(cpu);
    }
}

CONVERT(pi2ps, i32, u32, 2, 8, false, f32_from_i32(s[k], &status))

OP(cvtpi2ps)
{
    from_mmx(cpu, i, vec_pi2ps, true);
}

/* A memory operand makes CVTPI2PD a pure SSE instruction (CVTPI2PD page). */
OP(cvtpi2pd)
{
    from_mmx(cpu, i, vec_cvtdq2pd, !i->mem);
}

CONVERT(ps2pi, u32, i32, 2, 8, false, f32_to_i32(s[k], &status))
CONVERT(tps2pi, u32, i32, 2, 8, true, f32_to_i32(s[k], &status))
CONVERT(pd2pi, u64, i32, 2, 8, false, f64_to_i32(s[k], &status))
CONVERT(tpd2pi, u64, i32, 2, 8, true, f64_to_i32(s[k], &status))

static void to_mmx(struct cpu *cpu, const struct insn *i, vec_fn function, unsigned size)
{
    union vec s;
    u64       r;
    sse_check(cpu);
    mmx_check(cpu);
    if (!i->mem) {
        s = cpu->xmm[i->rm];
    } else if (size == 16) {
        mem_read_vec(cpu, i, &s, true);
    } else {
        s.q[0] = mem_read(cpu, i->seg, insn_ea(cpu, i), 8);
    }
    function(cpu, &r, &s, 0);
    mmx_enter(cpu);
    mmx_write(cpu, i->reg, r);
}

OP(cvtps2pi)
{
    to_mmx(cpu, i, vec_ps2pi, 8);
}

OP(cvttps2pi)
{
    to_mmx(cpu, i, vec_tps2pi, 8);
}

OP(cvtpd2pi)
{
    to_mmx(cpu, i, vec_pd2pi, 16);
}

OP(cvttpd2pi)
{
    to_mmx(cpu, i, vec_tpd2pi, 16);
}
