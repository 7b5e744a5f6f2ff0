/*
 * deadflags.c: who sees a flag write.
 *
 * Flags that later code overwrites are still visible in the frame of a fault, and wherever a block
 * may be left early. So a write goes only if nothing in between can look at all; if faults alone
 * can, it stays with an empty `live` mask.
 */
#include "tcg/opt/rename.h"

struct seen {
    u32 live;    /* flags that an op or another block reads before they are overwritten */
    u32 visible; /* flags that a fault would show */
};

static void look_back(struct ir *ir, struct seen *s, unsigned n)
{
    struct ir_op *op = &ir->op[n];
    if (op->code == IR_set_cc || op->code == IR_set_flags) {
        u32 mask = ir_flags_mask(op), live = s->live & mask;
        op->imm = IR_FLAGS_IMM(mask, live);
        if (!live && !(s->visible & mask)) {
            delete_op(ir, n);
        }
        s->live &= ~mask;
        s->visible &= ~mask;
    } else if (ir_has(op, IR_ENDS | IR_CALLS)) {
        s->live = s->visible = FLAG_ARITH;
    } else if (ir_has(op, IR_FAULTS | IR_LEAVES)) {
        s->visible = FLAG_ARITH;
    }
    s->live |= ir_flags_read(op);
}

void ir_deadflags(struct ir *ir)
{
    struct seen now = {FLAG_ARITH, FLAG_ARITH}, after[IR_IF_DEPTH];
    unsigned depth = 0;
    for (unsigned n = ir->count; n--;) {
        if (ir->op[n].code == IR_endif) {
            after[depth++] = now;
        } else if (ir->op[n].code == IR_if) {
            depth--;
            now.live |= after[depth].live;
            now.visible |= after[depth].visible;
        } else {
            look_back(ir, &now, n);
        }
    }
}
