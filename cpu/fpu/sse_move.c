/*
 * sse_move.c: moves between XMM, YMM, MMX, general registers and memory; masks; cache lines. MXCSR and EMMS are in state.c.
 *
 * Document: Intel SDM Vol. 2 (instruction pages by name). Non-temporal hints have no effect: guest memory is always coherent here.
 */
#include "cpu/flags.h"
#include "cpu/fpu/check.h"
#include "cpu/fpu/lanes.h"
#include "cpu/fpu/mmx.h"
#include "cpu/fpu/vex.h"

/* ---- pure moves; loads from memory clear the rest of the register, register forms keep it */

VEC(mov128)
{
    UNUSED_OPERANDS();
    memmove(dst, src, 16);
}

VEC(mov256)
{
    UNUSED_OPERANDS();
    memmove(dst, src, 32);
}

VEC(load64)
{
    u64 r[2] = { load64(src), 0 };
    UNUSED_OPERANDS();
    memcpy(dst, r, 16);
}

VEC(load32)
{
    u32 r[4] = { load32(src), 0, 0, 0 };
    UNUSED_OPERANDS();
    memcpy(dst, r, 16);
}

VEC(mov64)
{
    UNUSED_OPERANDS();
    store64(dst, load64(src));
}

VEC(mov32)
{
    UNUSED_OPERANDS();
    store32(dst, load32(src));
}

VEC(low_to_high)
{
    UNUSED_OPERANDS();
    store64((u8 *)dst + 8, load64(src));
}

VEC(high_to_low)
{
    UNUSED_OPERANDS();
    store64(dst, load64((const u8 *)src + 8));
}

XMIX(movsldup, u32, u32, s[k & 2])
XMIX(movshdup, u32, u32, s[k | 1])

VEC(movddup)
{
    u64 r[2] = { load64(src), load64(src) };
    UNUSED_OPERANDS();
    memcpy(dst, r, 16);
}
TWICE(movddup, imm)

/* ---- general registers and memory to and from XMM */

static unsigned general_width(const struct insn *i)
{
    return i->rex_w ? 8 : 4;
}

OP(movd_load)
{
    vec_check(cpu, i);
    u64 v             = rm_read(cpu, i, general_width(i));
    cpu->xmm[i->reg].q[0] = v;
    cpu->xmm[i->reg].q[1] = 0;
    vec_clear_upper(cpu, i, i->reg);
}

OP(movd_store)
{
    vec_check(cpu, i);
    rm_write(cpu, i, general_width(i), load_le(&cpu->xmm[i->reg], general_width(i)));
}

OP(mmx_movd_load)
{
    mmx_check(cpu);
    u64 v = rm_read(cpu, i, general_width(i));
    mmx_enter(cpu);
    mmx_write(cpu, i->reg, v);
}

OP(mmx_movd_store)
{
    mmx_check(cpu);
    rm_write(cpu, i, general_width(i), load_le(&cpu->x87.reg[i->reg], general_width(i)));
    mmx_enter(cpu);
}

static void store_quad(struct cpu *cpu, const struct insn *i, unsigned at)
{
    vec_check(cpu, i);
    mem_write(cpu, i->seg, insn_ea(cpu, i), cpu->xmm[i->reg].q[at], 8);
}

OP(movlps_store)
{
    store_quad(cpu, i, 0);
}

OP(movhps_store)
{
    store_quad(cpu, i, 1);
}

OP(movntq)
{
    mmx_check(cpu);
    mem_write(cpu, i->seg, insn_ea(cpu, i), cpu->x87.reg[i->reg].mantissa, 8);
    mmx_enter(cpu);
}

OP(mmx_store)
{
    mmx_check(cpu);
    u64 v = cpu->x87.reg[i->reg].mantissa;
    if (i->mem) {
        mem_write(cpu, i->seg, insn_ea(cpu, i), v, 8);
    }
    mmx_enter(cpu);
    if (!i->mem) {
        mmx_write(cpu, i->rm, v);
    }
}

OP(movntps)
{
    vec_check(cpu, i);
    u64 offset = insn_ea(cpu, i);
    vec_check_aligned(cpu, i->seg, offset, vec_bytes(i), true, true);
    mem_write_bytes(cpu, i->seg, offset, &cpu->xmm[i->reg], vec_bytes(i));
}

/* MOVNTI is a general-register instruction: no check of CR0.EM, CR0.TS or CR4.OSFXSR. */
OP(movnti)
{
    mem_write(cpu, i->seg, insn_ea(cpu, i), gpr_read(cpu, i->reg, general_width(i)), general_width(i));
}

OP(movq2dq)
{
    sse_check(cpu);
    mmx_check(cpu);
    mmx_enter(cpu);
    cpu->xmm[i->reg].q[0] = cpu->x87.reg[i->rm].mantissa;
    cpu->xmm[i->reg].q[1] = 0;
}

OP(movdq2q)
{
    sse_check(cpu);
    mmx_check(cpu);
    mmx_enter(cpu);
    mmx_write(cpu, i->reg, cpu->xmm[i->rm].q[0]);
}

/* ---- single lanes */

static void insert(struct cpu *cpu, const struct insn *i, unsigned size)
{
    vec_check(cpu, i);
    u64      v    = rm_read(cpu, i, size);
    unsigned lane = (unsigned)i->imm & (16 / size - 1);
    vec_take_first(cpu, i);
    store_le(cpu->xmm[i->reg].b + lane * size, v, size);
}

OP(pinsrb)
{
    insert(cpu, i, 1);
}

OP(pinsrw)
{
    insert(cpu, i, 2);
}

OP(pinsrd)
{
    insert(cpu, i, general_width(i));
}

OP(mmx_pinsrw)
{
    mmx_check(cpu);
    u64      v  = rm_read(cpu, i, 2);
    unsigned at = ((unsigned)i->imm & 3) * 16;
    mmx_enter(cpu);
    mmx_write(cpu, i->reg, merge_bits(cpu->x87.reg[i->reg].mantissa, 0xffffull << at, v << at));
}

/* To a register the lane is zero-extended to the whole of it; memory gets only the lane. */
static void extract(struct cpu *cpu, const struct insn *i, unsigned size)
{
    vec_check(cpu, i);
    unsigned lane = (unsigned)i->imm & (16 / size - 1);
    u64      v    = load_le(cpu->xmm[i->reg].b + lane * size, size);
    if (i->mem) {
        mem_write(cpu, i->seg, insn_ea(cpu, i), v, size);
    } else {
        gpr_write(cpu, i->rm, 8, v);
    }
}

OP(pextrb)
{
    extract(cpu, i, 1);
}

OP(pextrw)
{
    extract(cpu, i, 2);
}

OP(pextrd)
{
    extract(cpu, i, general_width(i));
}

OP(extractps)
{
    extract(cpu, i, 4);
}

/* The form of SSE2: general register in modrm.reg, XMM in r/m. */
OP(pextrw_reg)
{
    vec_check(cpu, i);
    gpr_write(cpu, i->reg, 8, cpu->xmm[i->rm].w[i->imm & 7]);
}

OP(mmx_pextrw)
{
    mmx_check(cpu);
    mmx_enter(cpu);
    gpr_write(cpu, i->reg, 8, cpu->x87.reg[i->rm].mantissa >> (i->imm & 3) * 16 & 0xffff);
}

/* ---- masks */

/* The top bit of each of `lanes` lanes of `size` bytes. */
static u32 sign_mask(const void *p, unsigned lanes, unsigned size)
{
    u32 mask = 0;
    for (unsigned k = 0; k < lanes; k++) {
        mask |= (u32)(((const u8 *)p)[k * size + size - 1] >> 7) << k;
    }
    return mask;
}

OP(pmovmskb)
{
    vec_check(cpu, i);
    gpr_write(cpu, i->reg, 8, sign_mask(&cpu->xmm[i->rm], vec_bytes(i), 1));
}

OP(mmx_pmovmskb)
{
    mmx_check(cpu);
    mmx_enter(cpu);
    gpr_write(cpu, i->reg, 8, sign_mask(&cpu->x87.reg[i->rm], 8, 1));
}

OP(movmskps)
{
    vec_check(cpu, i);
    gpr_write(cpu, i->reg, 8, sign_mask(&cpu->xmm[i->rm], vec_bytes(i) / 4, 4));
}

OP(movmskpd)
{
    vec_check(cpu, i);
    gpr_write(cpu, i->reg, 8, sign_mask(&cpu->xmm[i->rm], vec_bytes(i) / 8, 8));
}

/* ZF from AND, CF from ANDN, of the bits in `mask` of each quadword; the other flags are cleared (PTEST, VTESTPS pages). */
static void test_bits(struct cpu *cpu, const void *dst, const void *src, unsigned bytes, u64 mask)
{
    u64 both = 0, rest = 0;
    for (unsigned at = 0; at < bytes; at += 8) {
        u64 d = load64((const u8 *)dst + at), s = load64((const u8 *)src + at);
        both |= d & s & mask;
        rest |= ~d & s & mask;
    }
    flags_set_arith(cpu, (both ? 0 : FLAG_ZF) | (rest ? 0 : FLAG_CF));
}

#define TEST_BITS(name, mask)                                                                      \
    VEC(name)                                                                                      \
    {                                                                                              \
        (void)imm;                                                                                 \
        test_bits(cpu, dst, src, 16, mask);                                                        \
    }                                                                                              \
    VEC(ymm_##name)                                                                                \
    {                                                                                              \
        (void)imm;                                                                                 \
        test_bits(cpu, dst, src, 32, mask);                                                        \
    }
TEST_BITS(ptest, ~(u64)0)
TEST_BITS(vtestps, 0x8000000080000000)
TEST_BITS(vtestpd, 0x8000000000000000)

/* Writes the bytes whose mask bit is set to [seg:rDI], all or none. A mask of zeroes touches no memory. */
static void store_masked(struct cpu *cpu, const struct insn *i, const u8 *bytes, const u8 *mask, unsigned count)
{
    u64 offset_mask = ~(u64)0 >> i->ea_shift, base = cpu->regs[R_DI];
    for (unsigned k = 0; k < count; k++) {
        if (mask[k] >> 7) {
            mem_probe_write(cpu, i->seg, (base + k) & offset_mask, 1);
        }
    }
    for (unsigned k = 0; k < count; k++) {
        if (mask[k] >> 7) {
            mem_write(cpu, i->seg, (base + k) & offset_mask, bytes[k], 1);
        }
    }
}

OP(maskmovdqu)
{
    vec_check(cpu, i);
    store_masked(cpu, i, cpu->xmm[i->reg].b, cpu->xmm[i->rm].b, 16);
}

OP(maskmovq)
{
    mmx_check(cpu);
    u8 bytes[8], mask[8];
    store64(bytes, cpu->x87.reg[i->reg].mantissa);
    store64(mask, cpu->x87.reg[i->rm].mantissa);
    store_masked(cpu, i, bytes, mask, 8);
    mmx_enter(cpu);
}

/* ---- cache lines */

/* CLFLUSH, CLFLUSHOPT, CLWB: checked as a read of one byte, but of execute-only code too (CLFLUSH page). */
OP(clflush)
{
    const struct segment *s      = &cpu->seg[i->seg];
    u64                   offset = insn_ea(cpu, i);
    if (unlikely((s->attr & (ATTR_P | ATTR_CODE | ATTR_WRITE)) == (ATTR_P | ATTR_CODE))) {
        cpu_check(cpu, offset <= s->limit, RULE_GP_DATA_LIMIT, 0);
        lin_read(cpu, s->base + offset, 1);
    } else {
        mem_probe_read(cpu, i->seg, offset, 1);
    }
}
