/*
 * dce.c: values that nobody uses, ifs with nothing in them and deleted ops go; the rest is numbered
 * anew.
 */
#include "tcg/opt/rename.h"

static void count_uses(const struct ir_op *op, u16 *uses, int by)
{
    for (unsigned k = 0; k < ir_args(op); k++) {
        if (!(op->arg[k] & IR_CONST)) {
            uses[op->arg[k]] = (u16)(uses[op->arg[k]] + by);
        }
    }
}

/* The if that op n, an endif, closes, when nothing is between. */
static bool closes_empty_if(const struct ir *ir, unsigned n, unsigned *start)
{
    unsigned k = n;
    while (k-- && ir->op[k].code == IR_nop) {
    }
    *start = k;
    return ir->op[n].code == IR_endif && ir->op[k].code == IR_if;
}

static void drop(struct ir *ir, u16 *uses)
{
    for (unsigned n = ir->count; n--;) {
        const struct ir_op *op = &ir->op[n];
        if (ir_has(op, IR_PURE | IR_READS) && !uses[n]) {
            count_uses(op, uses, -1);
            delete_op(ir, n);
        }
    }
}

static bool drop_empty_ifs(struct ir *ir, u16 *uses)
{
    bool any = false;
    unsigned start;
    for (unsigned n = 1; n < ir->count; n++) {
        if (ir->op[n].code == IR_endif && closes_empty_if(ir, n, &start)) {
            count_uses(&ir->op[start], uses, -1);
            delete_op(ir, start);
            delete_op(ir, n);
            any = true;
        }
    }
    return any;
}

static void renumber(struct ir *ir)
{
    struct rename names;
    unsigned kept = 0;
    for (unsigned n = 0; n < ir->count; n++) {
        if (ir->op[n].code != IR_nop) {
            rename_args(&names, ir, n);
            names.to[n] = (ir_ref)kept;
            ir->op[kept++] = ir->op[n];
        }
    }
    ir->count = kept;
}

void ir_dce(struct ir *ir)
{
    u16 uses[IR_OPS_MAX] = {0};
    for (unsigned n = 0; n < ir->count; n++) {
        count_uses(&ir->op[n], uses, 1);
    }
    do {
        drop(ir, uses);
    } while (drop_empty_ifs(ir, uses));
    renumber(ir);
}

void ir_optimise(struct ir *ir)
{
    ir_copy(ir);
    ir_fold(ir);
    ir_deadflags(ir);
    ir_dce(ir);
}
