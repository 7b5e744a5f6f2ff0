/*
 * vex.c: the operands of VEX-encoded VECs: two sources and a destination of their own, of 128 or 256 bits.
 *
 * The functions are those of SSE (for 256 bits ymm_NAME): they compute in a copy of the first source. What the result does not fill of
 * the destination becomes zero (SDM Vol. 2 2.3.10.1).
 */
#include "cpu/fpu/check.h"
#include "cpu/fpu/mmx.h"
#include "cpu/interp/interp.h"

static unsigned memory_bytes(unsigned operand, bool wide)
{
    switch (OPERAND_WIDTH(operand)) {
    case OPERAND_X: return wide ? 32 : 16;
    case OPERAND_O: return 16;
    default: return OPERAND_WIDTH(operand);
    }
}

static bool is_rm(unsigned operand)
{
    unsigned class = OPERAND_CLASS(operand);
    return class == OPERAND_RM_XMM || class == OPERAND_XMM || class == OPERAND_MEMORY;
}

static unsigned register_number(const struct insn *i, unsigned operand)
{
    return operand == Hx ? i->vreg : OPERAND_CLASS(operand) == OPERAND_XMM_FIELD ? i->reg : i->rm;
}

static bool is_immediate(unsigned operand)
{
    return operand == __ || OPERAND_CLASS(operand) == OPERAND_IMMEDIATE;
}

void interp_vex(struct cpu *cpu, const struct insn *i)
{
    const struct row *row = &row_table[i->row];
    const u16        *o   = row->operand;
    bool     wide = row->attr & L1, merges = !is_immediate(o[2]);
    unsigned from = merges ? 2 : 1, target = register_number(i, o[0]);
    u64       ea     = 0;
    unsigned  size   = 0;
    union vec result = {.q = {0}}, memory = {.q = {0}};
    avx_check(cpu);
    const union vec *source = &memory;
    if (!(i->mem && is_rm(o[from]))) {
        source = &cpu->xmm[register_number(i, o[from])];
    }
    if (i->mem) {
        bool store = is_rm(o[0]);
        ea         = insn_ea(cpu, i);
        size       = memory_bytes(o[store ? 0 : from], wide);
        if (size >= 16) {
            vec_check_aligned(cpu, i->seg, ea, size, row->attr & ALIGN16, store);
        }
        if (!store && size >= 16) {
            mem_read_bytes(cpu, i->seg, ea, &memory, size);
        } else if (!store) {
            memory.q[0] = mem_read(cpu, i->seg, ea, size);
        } else if (o[2] == Ib) { /* VCVTPS2PH may raise, but not before the memory does */
            mem_probe_write(cpu, i->seg, ea, size);
        }
    }
    if (row->attr & READS) {
        result = cpu->xmm[target];
    } else if (merges) {
        result = cpu->xmm[register_number(i, o[1])];
    } else if (o[0] == Hx) { /* shifts by an immediate */
        result = *source;
    }
    i->vec(cpu, &result, source, (u8)i->imm);
    if (row->attr & READS) {
        return;
    }
    if (i->mem && is_rm(o[0])) {
        if (size >= 16) {
            mem_write_bytes(cpu, i->seg, ea, &result, size);
        } else {
            mem_write(cpu, i->seg, ea, result.q[0], size);
        }
        return;
    }
    if (!wide) {
        result.q[2] = result.q[3] = 0;
    }
    cpu->xmm[target] = result;
}
