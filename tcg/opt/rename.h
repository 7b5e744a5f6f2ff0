/*
 * rename.h: what the forward passes share: values that became other values.
 */
#ifndef TCG_OPT_RENAME_H
#define TCG_OPT_RENAME_H

#include "tcg/ir.h"

/* By value: what stands for it. Filled in as a pass goes forward. */
struct rename {
    ir_ref to[IR_OPS_MAX];
};

/* Op n makes its own value, and takes what its arguments have become. */
static inline void rename_args(struct rename *names, struct ir *ir, unsigned n)
{
    struct ir_op *op = &ir->op[n];
    names->to[n] = (ir_ref)n;
    for (unsigned k = 0; k < ir_args(op); k++) {
        if (!(op->arg[k] & IR_CONST)) {
            op->arg[k] = names->to[op->arg[k]];
        }
    }
}

static inline void delete_op(struct ir *ir, unsigned n)
{
    ir->op[n] = (struct ir_op){.code = IR_nop, .insn = ir->op[n].insn};
}

/* Op n is not needed: `by` has its value. */
static inline void rename_op(struct rename *names, struct ir *ir, unsigned n, ir_ref by)
{
    names->to[n] = by;
    delete_op(ir, n);
}

#endif
