/*
 * system.c: instructions on EFLAGS, segment registers and the like, in their plain cases; the interpreter, or their C function, has
 * the others.
 */
#include "tcg/backend/x86_64/emit.h"

void lower_df(struct emit *e)
{
    flags_clobber(e);
    put_0f(&e->hot, 0xba, 4, (e->insn->opcode & 1) ? 5 : 6, CPU(eflags)); /* BTS, BTR */
    put8(&e->hot, 10);
}

/* cmp byte [cpu], 0 */
static void put_is_zero(struct out *o, size_t member)
{
    put_op(o, 0x80, 1, ALU_CMP, rm_cpu(member));
    put8(o, 0);
}

/* In ring 0, with nothing pending that depends on EFLAGS.IF. */
void lower_cli(struct emit *e)
{
    const u8 *otherwise = leave_to_interpreter(e, e->insn);
    flags_clobber(e);
    put_is_zero(&e->hot, offsetof(struct cpu, cpl));
    put_jcc(&e->hot, CC_NE, otherwise);
    put_poll(e, otherwise);
    put_alu_imm(&e->hot, ALU_AND, 4, CPU(eflags), ~FLAG_IF);
}

/* In ring 0, with no interrupt waiting. One that comes has to wait for one instruction: cpu->icount stands still meanwhile. */
void lower_sti(struct emit *e)
{
    const u8 *otherwise = leave_to_interpreter(e, e->insn);
    flags_clobber(e);
    put_is_zero(&e->hot, offsetof(struct cpu, cpl));
    put_jcc(&e->hot, CC_NE, otherwise);
    put_is_zero(&e->hot, offsetof(struct cpu, intr));
    put_jcc(&e->hot, CC_NE, otherwise);
    put_test8(&e->hot, rm_cpu(offsetof(struct cpu, eflags) + 1), FLAG_IF >> 8);
    u8 *set = put_jcc_ahead(&e->hot, CC_NE);
    put_alu_imm(&e->hot, ALU_OR, 4, CPU(eflags), FLAG_IF);
    if (e->mode & MODE_COUNTED) {
        put_load(&e->hot, 8, T0, CPU(budget_end));
        put_alu(&e->hot, ALU_SUB, 8, T0, CPU(budget));
        put_lea(&e->hot, 8, T0, rm_mem(T0, (i32)e->insn->number - (i32)e->block->count));
    } else {
        put_load(&e->hot, 8, T0, CPU(icount));
    }
    put_store(&e->hot, 8, CPU(shadow_at), T0);
    put_store_imm(&e->hot, 1, CPU(shadow_ss), 0);
    put_jump_here(&e->hot, set);
}

void lower_swapgs(struct emit *e)
{
    struct rm base = rm_cpu(offsetof(struct cpu, seg) + SEG_GS * sizeof(struct segment) + offsetof(struct segment, base));
    flags_clobber(e);
    put_is_zero(&e->hot, offsetof(struct cpu, cpl));
    put_jcc(&e->hot, CC_NE, leave_to_interpreter(e, e->insn));
    put_load(&e->hot, 8, T0, base);
    put_load(&e->hot, 8, T1, CPU(msr.kernel_gs_base));
    put_store(&e->hot, 8, base, T1);
    put_store(&e->hot, 8, CPU(msr.kernel_gs_base), T0);
}

/* Somebody waits: for what may be pending. */
void lower_pause(struct emit *e)
{
    const u8 *otherwise = leave_to_interpreter(e, e->insn);
    put_poll(e, otherwise);
    put_alu_imm(&e->hot, ALU_SUB, 4, CPU(spin.left), 1);
    put_jcc(&e->hot, CC_S, otherwise);
}

/* ---- segment registers, EFLAGS */

bool system_must_call(const struct emit *e, const struct insn *i)
{
    switch ((enum how)e->rules[i->row].how) {
    case LOWER_PUSHF: return e->mode & MODE_REAL;
    case LOWER_STORE_SEG: return i->reg > SEG_GS;
    default: return false;
    }
}

void lower_push_seg(struct emit *e)
{
    const struct insn *i    = e->insn;
    struct rm          rm   = memory_stack(e, R_SP, -(i32)i->opsize, i->opsize, true);
    unsigned           temp = temp_free(e, busy_in(&rm));
    put_zext(&e->hot, 2, temp, rm_selector(i->reg));
    put_store(&e->hot, i->opsize, rm, temp);
    put_stack_pointer(e, R15, -(i32)i->opsize);
}

/* MOV of a segment register to memory or a general register. */
void lower_store_seg(struct emit *e)
{
    const struct insn *i    = e->insn;
    struct out        *o    = &e->hot;
    unsigned           host = i->mem ? (unsigned)NO_REG : host_of(i->rm >> 3);
    if (i->mem) {
        struct rm rm   = memory_operand(e, 2, true, false);
        unsigned  temp = temp_free(e, busy_in(&rm));
        put_zext(o, 2, temp, rm_selector(i->reg));
        put_store(o, 2, rm, temp);
    } else if (host != NO_REG && i->opsize == 2) {
        put_load(o, 2, host, rm_selector(i->reg));
    } else if (host != NO_REG) {
        put_zext(o, 2, host, rm_selector(i->reg));
    } else {
        unsigned temp = temp_free(e, 0);
        put_zext(o, 2, temp, rm_selector(i->reg));
        put_store(o, i->opsize == 2 ? 2 : 8, rm_cpu(i->rm), temp);
        held_drop(e, HELD_GUEST + (i->rm >> 3));
    }
}

void lower_pushf(struct emit *e)
{
    const struct insn *i = e->insn;
    flags_save(e);
    flags_clobber(e);
    struct rm rm   = memory_stack(e, R_SP, -(i32)i->opsize, i->opsize, true);
    unsigned  temp = temp_free(e, busy_in(&rm));
    flags_put_image(e, temp);
    put_alu_imm(&e->hot, ALU_AND, 4, rm_reg(temp), ~(FLAG_RF | FLAG_VM));
    put_store(&e->hot, i->opsize, rm, temp);
    put_stack_pointer(e, R15, -(i32)i->opsize);
}

/* POPF that changes arithmetic flags only, and RF, which it clears; its C function does the rest. */
void lower_popf(struct emit *e)
{
    const struct insn *i = e->insn;
    struct out        *o = &e->hot;
    if (i->opsize == 2 || e->mode & MODE_REAL) {
        lower_call_on(e);
        return;
    }
    struct rm rm = memory_stack(e, R_SP, 0, i->opsize, false);
    put_load(o, 4, T2, rm);
    const u8 *otherwise = e->cold.p;
    u8       *back      = put_call_instead(e);
    put_mov(o, 4, T1, T2);
    put_alu(o, ALU_XOR, 4, T1, CPU(eflags));
    put_op(o, 0xf7, 4, 0, rm_reg(T1)); /* test */
    put32(o, FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_ID);
    put_jcc(o, CC_NE, otherwise);
    put_alu_imm(o, ALU_AND, 4, CPU(eflags), ~FLAG_RF);
    flags_take_image(e, T2, T1);
    put_stack_pointer(e, R15, i->opsize);
    called_instead(e, back);
}
