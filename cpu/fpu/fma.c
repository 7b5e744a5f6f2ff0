/*
 * fma.c: FMA and F16C.
 *
 * Documents: Intel SDM Vol. 1 14.4, 14.5, Vol. 2 (instruction pages by name).
 */
#include "cpu/fpu/lanes.h"
#include "cpu/fpu/mmx.h"
#include "cpu/fpu/sse_status.h"
#include "cpu/fpu/vex.h"

/* ---- FMA: everything is in the opcode: 96-9F, A6-AF, B6-BF (SDM Vol. 2 appendix A, table A-4) */

enum { ADDSUB = 6, SUBADD = 7, MADD = 8, MSUB = 10, NMADD = 12, NMSUB = 14 };

static u64 fused(u64 a, u64 b, u64 c, unsigned size, unsigned what, unsigned lane, struct fp_status *status)
{
    bool negate_product = what == NMADD || what == NMSUB;
    bool negate_addend  = what == MSUB || what == NMSUB || (what == ADDSUB && !(lane & 1)) || (what == SUBADD && lane & 1);
    return size == 8 ? f64_multiply_add(a, b, c, negate_product, negate_addend, status)
                     : f32_multiply_add((u32)a, (u32)b, (u32)c, negate_product, negate_addend, status);
}

static void read_third(struct cpu *cpu, const struct insn *i, unsigned bytes, union vec *v)
{
    if (!i->mem) {
        *v = cpu->xmm[i->rm];
        return;
    }
    u64 offset = insn_ea(cpu, i);
    if (bytes < 16) {
        v->q[0] = mem_read(cpu, i->seg, offset, bytes);
        return;
    }
    vec_check_aligned(cpu, i->seg, offset, bytes, false, false);
    mem_read_bytes(cpu, i->seg, offset, v, bytes);
}

/* The digits of the name say which operands are multiplied: 132 the first and the third, and the second is added. */
OP(vfma)
{
    unsigned  opcode = i->opcode & 0xff, size = row_table[i->row].attr & W1 ? 8 : 4;
    bool      scalar = (opcode & 15) > SUBADD && opcode & 1;
    unsigned  what = (opcode & 15) > SUBADD ? opcode & 14 : opcode & 15, bytes = scalar ? size : vec_bytes(i);
    union vec source[3] = {cpu->xmm[i->reg], cpu->xmm[i->vreg], {.q = {0}}}, result = cpu->xmm[i->reg];
    static const u8 order[3][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}};
    const u8        *n          = order[(opcode >> 4) - 9];
    struct fp_status status     = fp_status_sse(cpu->mxcsr);
    avx_check(cpu);
    read_third(cpu, i, bytes, &source[2]);
    for (unsigned at = 0; at < bytes; at += size) {
        u64 r = fused(load_le(source[n[0]].b + at, size), load_le(source[n[1]].b + at, size), load_le(source[n[2]].b + at, size), size,
                      what, at / size, &status);
        store_le(result.b + at, r, size);
    }
    sse_finish(cpu, &status);
    cpu->xmm[i->reg] = result;
    if (bytes != 32) {
        vec_clear_upper(cpu, i, i->reg);
    }
}

/* ---- half precision */

static void from_half(struct cpu *cpu, void *dst, const void *src, unsigned count)
{
    u16              s[8];
    u32              r[8];
    struct fp_status status = fp_status_sse(cpu->mxcsr);
    memcpy(s, src, count * sizeof *s);
    for (unsigned k = 0; k < count; k++) {
        r[k] = f16_to_f32(s[k], &status);
    }
    sse_finish(cpu, &status);
    memcpy(dst, r, count * sizeof *r);
}

VEC(vcvtph2ps)
{
    (void)imm;
    from_half(cpu, dst, src, 4);
}

VEC(ymm_vcvtph2ps)
{
    (void)imm;
    from_half(cpu, dst, src, 8);
}

/* imm[1:0] rounding, imm[2] MXCSR's instead. */
static void to_half(struct cpu *cpu, void *dst, const void *src, u8 imm, unsigned count)
{
    u32              s[8];
    u16              r[8];
    struct fp_status status = fp_status_sse(cpu->mxcsr);
    if (!(imm & 4)) {
        status.rounding = imm & 3;
    }
    memcpy(s, src, count * sizeof *s);
    for (unsigned k = 0; k < count; k++) {
        r[k] = f32_to_f16(s[k], &status);
    }
    sse_finish(cpu, &status);
    memcpy(dst, r, count * sizeof *r);
}

VEC(vcvtps2ph)
{
    to_half(cpu, dst, src, imm, 4);
}

VEC(ymm_vcvtps2ph)
{
    to_half(cpu, dst, src, imm, 8);
}
