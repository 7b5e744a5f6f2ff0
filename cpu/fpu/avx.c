/*
 * avx.c: what AVX and AVX2 have besides the forms of SSE: broadcasts, permutations, halves, shifts by a count for each lane, moves by
 * masks, gathers, VZEROUPPER and VZEROALL.
 *
 * Document: Intel SDM Vol. 2 (instruction pages by name).
 */
#include "cpu/fpu/lanes.h"
#include "cpu/fpu/mmx.h"
#include "cpu/fpu/vex.h"
#include "cpu/raise.h"

/* ---- broadcasts */

XLANES(vbroadcast8, u8, s[0])
XLANES(vbroadcast16, u16, s[0])
XLANES(vbroadcast32, u32, s[0])
XLANES(vbroadcast64, u64, s[0])
LANES_OF(ymm_vbroadcast128, u64, 32, s[k & 1])

/* ---- permutations */

XMIX(vpermilps, u32, u32, d[s[k] & 3])
XMIX(vpermilpd, u64, u64, d[s[k] >> 1 & 1])
MIX_OF(vpermilpd_imm, u64, u64, 16, s[imm >> k & 1])
TWICE(vpermilpd_imm, imm >> 2)
/* The first source holds the numbers. */
MIX_OF(ymm_vpermd, u32, u32, 32, s[d[k] & 7])
MIX_OF(ymm_vpermq, u64, u64, 32, s[imm >> 2 * k & 3])

/* Four bits for each half of the result: which half of which source, or zero. */
static u64 chosen_half(const u64 *d, const u64 *s, unsigned control, unsigned k)
{
    const u64 *from = control & 2 ? s : d;
    return control & 8 ? 0 : from[2 * (control & 1) + (k & 1)];
}
MIX_OF(ymm_vperm2, u64, u64, 32, chosen_half(d, s, imm >> (k & 2 ? 4 : 0), k))

VEC(ymm_vinsert)
{
    (void)cpu;
    memcpy((u8 *)dst + 16 * (imm & 1), src, 16);
}

VEC(ymm_vextract)
{
    (void)cpu;
    memcpy(dst, (const u8 *)src + 16 * (imm & 1), 16);
}

/* ---- shifts, each lane by its own count */

XLANES(vpsllvd, u32, s[k] > 31 ? 0 : d[k] << s[k])
XLANES(vpsllvq, u64, s[k] > 63 ? 0 : d[k] << s[k])
XLANES(vpsrlvd, u32, s[k] > 31 ? 0 : d[k] >> s[k])
XLANES(vpsrlvq, u64, s[k] > 63 ? 0 : d[k] >> s[k])
XLANES(vpsravd, u32, (i32)d[k] >> (s[k] > 31 ? 31 : s[k]))

/* ---- memory by masks; no access of these is checked for alignment (VMASKMOV, VGATHERDPS pages) */

/* VMASKMOVPD and VPMASKMOVQ: lanes of 64 bits. */
static unsigned masked_lane(const struct insn *i)
{
    return row_table[i->row].attr & W1 || (i->opcode & 0xff) == 0x2d || (i->opcode & 0xff) == 0x2f ? 8 : 4;
}

static bool lane_is_chosen(const union vec *mask, unsigned at, unsigned size)
{
    return mask->b[at + size - 1] >> 7;
}

/* Segment checks of all lanes come before paging. Returns the offset. */
static u64 masked_begin(struct cpu *cpu, const struct insn *i, const union vec *mask, unsigned size, bool write)
{
    avx_check(cpu);
    u64 offset = insn_ea(cpu, i);
    for (unsigned at = 0; at < vec_bytes(i); at += size) {
        if (lane_is_chosen(mask, at, size)) {
            mem_linear(cpu, i->seg, offset + at, size, write);
        }
    }
    return offset;
}

OP(vmaskmov_load)
{
    unsigned         size   = masked_lane(i);
    const union vec *mask   = &cpu->xmm[i->vreg];
    union vec        result = {.q = {0}};
    u64              offset = masked_begin(cpu, i, mask, size, false);
    for (unsigned at = 0; at < vec_bytes(i); at += size) {
        if (lane_is_chosen(mask, at, size)) {
            mem_read_bytes(cpu, i->seg, offset + at, result.b + at, size);
        }
    }
    cpu->xmm[i->reg] = result;
}

OP(vmaskmov_store)
{
    unsigned         size = masked_lane(i);
    const union vec *mask = &cpu->xmm[i->vreg], *source = &cpu->xmm[i->reg];
    u64              offset = masked_begin(cpu, i, mask, size, true);
    for (unsigned at = 0; at < vec_bytes(i); at += size) {
        if (lane_is_chosen(mask, at, size)) { /* byte by byte: without a check of alignment */
            mem_probe_write(cpu, i->seg, offset + at, 1);
            mem_probe_write(cpu, i->seg, offset + at + size - 1, 1);
        }
    }
    for (unsigned at = 0; at < vec_bytes(i); at += size) {
        if (lane_is_chosen(mask, at, size)) {
            mem_write_bytes(cpu, i->seg, offset + at, source->b + at, size);
        }
    }
}

/* Lanes are loaded from the lowest on; each clears its part of the mask, so that what a fault interrupts goes on where it was. What
 * is left of the mask is as it was. */
OP(vgather)
{
    unsigned   size = row_table[i->row].attr & W1 ? 8 : 4, index_size = i->opcode & 1 ? 8 : 4;
    unsigned   count = vec_bytes(i) / (size > index_size ? size : index_size);
    u64        offset_mask = ~(u64)0 >> i->ea_shift;
    union vec *target = &cpu->xmm[i->reg], *mask = &cpu->xmm[i->vreg];
    const union vec *index = &cpu->xmm[i->rm];
    avx_check(cpu);
    cpu_check(cpu, target != mask && target != index && mask != index, RULE_UD_GATHER_REGISTERS, 0);
    u64 base = insn_ea(cpu, i);
    for (unsigned k = 0; k < count; k++) {
        if (lane_is_chosen(mask, k * size, size)) {
            u64 n = (u64)sign_extend(load_le(index->b + k * index_size, index_size), index_size);
            mem_read_bytes(cpu, i->seg, (base + (n << i->scale)) & offset_mask, target->b + k * size, size);
        }
        store_le(mask->b + k * size, 0, size);
    }
    memset(mask, 0, sizeof *mask);
    memset(target->b + count * size, 0, sizeof *target - count * size);
}

/* ---- all registers: 8 of them outside 64-bit mode */

static unsigned registers(const struct cpu *cpu)
{
    return cpu->code_bytes == 8 ? 16 : 8;
}

OP(vzeroupper)
{
    (void)i;
    avx_check(cpu);
    for (unsigned k = 0; k < registers(cpu); k++) {
        cpu->xmm[k].q[2] = cpu->xmm[k].q[3] = 0;
    }
}

OP(vzeroall)
{
    (void)i;
    avx_check(cpu);
    memset(cpu->xmm, 0, registers(cpu) * sizeof cpu->xmm[0]);
}
