/*
 * translate.c: one decoded block of guest code -> IR.
 */
#include "tcg/translate/translate.h"

#include "cpu/isa/rows.h"
#include "cpu/op/op.h"
#include "tcg/translate/build.h"

#include "cpu/isa/alu.sem.h"
#include "cpu/isa/bit.sem.h"
#include "cpu/isa/flow.sem.h"
#include "cpu/isa/move.sem.h"
#include "cpu/isa/muldiv.sem.h"
#include "cpu/isa/shift.sem.h"
#include "cpu/isa/string.sem.h"

/* By row; NULL for OPs and VECs. */
#define ROW_SEM(fn, ...) sem_##fn,
#define ROW_OP(...)      NULL,
#define ROW_VEC(...)     NULL,
static void (*const meanings[])(struct ctx *c, const struct insn *i, unsigned w) = {
#include "cpu/isa/opcodes.def"
};

/* Whether what was just built has left the block for good. */
static bool has_ended(const struct ctx *c)
{
    return c->ir->count && ir_has(&c->ir->op[c->ir->count - 1], IR_ENDS);
}

static void call(struct ctx *c, enum ir_code code)
{
    build(c, (struct ir_op){.code = (u8)code});
    c->writes = true;
}

static void translate_insn(struct ctx *c, const struct insn *i, unsigned mode)
{
    c->rmw = IR_ABSENT;
    c->checked = c->writes = false;
    if (i->row == ROW_NONE) {
        build(c, (struct ir_op){.code = IR_raise, .imm = (u32)i->imm});
        return;
    }
    const struct row *row = &row_table[i->row];
    c->form = (struct form){.mem = i->mem, .opcode = row->opcode};
    for (unsigned k = 0; k < 4; k++) {
        c->form.operand[k] = row->operand[k];
    }
    if (mode & MODE_CET && cet_near(i)) {
        call(c, IR_call_end);
    } else if (row->kind == KIND_SEM) {
        meanings[i->row](c, i, i->w);
    } else if (row->kind == KIND_VEC) {
        call(c, IR_call_vec);
    } else {
        call(c, row->attr & END || i->rep ? IR_call_end : IR_call_op);
    }
}

/* On to the instruction at `offset` in the page. */
static void fall_through(struct ctx *c, u64 offset)
{
    build1(c, IR_jump_rel, op_size(c->code_bytes), v_imm(c, offset));
}

void translate(struct ir *ir, const struct block *b, struct translate_mode mode)
{
    struct ctx c = {.ir = ir,
                    .code_bytes = b->mode & MODE_CODE_BYTES,
                    .limited = b->mode & MODE_LIMITED,
                    .near_edge = mode.near_edge,
                    .stack_bytes = mode.stack_bytes};
    ir_clear(ir);
    for (unsigned k = 0; k < b->count; k++) {
        c.insn = (u8)k;
        translate_insn(&c, &b->insn[k], b->mode);
        if (has_ended(&c)) {
            return;
        }
        bool last = k + 1u == b->count || !ir_has_room(ir);
        if (last) {
            fall_through(&c, b->insn[k].offset + b->insn[k].length);
            return;
        }
        if (c.writes) {
            build(&c, (struct ir_op){.code = IR_boundary});
        }
    }
}
