/*
 * ir_verify.c: the invariants of the IR. Every pass leaves them true; tests call this after each.
 */
#include "tcg/ir.h"

#include <stdarg.h>

struct verifier {
    const struct ir *ir;
    char *why;
    size_t size;
    unsigned n;            /* the op being looked at */
    bool dead[IR_OPS_MAX]; /* values made inside an if that has ended */
    unsigned depth, open[IR_IF_DEPTH];
    u32 known[IR_IF_DEPTH + 1]; /* flags that hold what the guest would see, inside each if */
    bool ended;                 /* the op before was a terminator */
};

static bool PRINTF_LIKE(2, 3) bad(struct verifier *v, const char *format, ...)
{
    va_list args;
    int used = snprintf(v->why, v->size, "op %u: ", v->n);
    va_start(args, format);
    if (used > 0 && (size_t)used < v->size) {
        vsnprintf(v->why + used, v->size - (size_t)used, format, args);
    }
    va_end(args);
    return false;
}

static bool check_argument(struct verifier *v, const struct ir_op *op, unsigned k)
{
    ir_ref r = op->arg[k];
    unsigned want = ir_arg_bits(op, k);
    if (r == IR_ABSENT) {
        return bad(v, "argument %u is missing", k);
    }
    if (ir_is_const(r)) {
        if ((unsigned)(r & ~IR_CONST) >= v->ir->constants) {
            return bad(v, "argument %u is no constant of the block", k);
        }
        u64 n = ir_const_value(v->ir, r);
        return want != 32 || n == (u32)n ||
               bad(v, "argument %u is a constant of more than 32 bits", k);
    }
    if (r >= v->n) {
        return bad(v, "argument %u is used before it is made", k);
    }
    unsigned has = ir_bits(&v->ir->op[r]);
    if (!has) {
        return bad(v, "argument %u is no value", k);
    }
    if (want && has != want) {
        return bad(v, "argument %u has %u bits, not %u", k, has, want);
    }
    return !v->dead[r] || bad(v, "argument %u was made inside an if that has ended", k);
}

static bool check_register(struct verifier *v, const struct ir_op *op)
{
    unsigned reg = op->imm >> 3, byte = op->imm & 7;
    bool readable = reg < 16 || (reg == R_IPBASE && op->code == IR_get_reg);
    return (readable && (byte == 0 || (byte == 1 && op->width == 1))) || bad(v, "no such register");
}

static bool check_store_w(struct verifier *v, const struct ir_op *op)
{
    const struct ir_op *load = &v->ir->op[op->arg[0] & (IR_OPS_MAX - 1)];
    return (ir_is(v->ir, op->arg[0], IR_load_w) && load->width == op->width &&
            load->insn == op->insn) ||
           bad(v, "store_w needs a load_w of its own");
}

/* `known` follows which flags a reader may rely on; writes for faults alone give none. */
static bool check_flags(struct verifier *v, const struct ir_op *op)
{
    u32 *known = &v->known[v->depth];
    u32 reads = ir_flags_read(op);
    if (ir_has(op, IR_CALLS) || (ir_has(op, IR_ENDS) && op->code != IR_raise)) {
        reads = FLAG_ARITH;
    }
    if (reads & ~*known) {
        return bad(v, "reads flags whose last writer thinks that nobody does");
    }
    if (op->code == IR_set_cc || op->code == IR_set_flags) {
        u32 mask = ir_flags_mask(op), live = ir_flags_live(op);
        if (!mask || mask & ~(u32)FLAG_ARITH || live & ~mask ||
            (op->code == IR_set_cc && mask != FLAG_ARITH)) {
            return bad(v, "bad flag masks");
        }
        *known = (*known & ~mask) | live;
    }
    return true;
}

static bool check_if(struct verifier *v, const struct ir_op *op)
{
    if (op->code == IR_if) {
        if (v->depth == IR_IF_DEPTH) {
            return bad(v, "ifs nest too deep");
        }
        v->open[v->depth++] = v->n;
        v->known[v->depth] = v->known[v->depth - 1];
    } else if (op->code == IR_endif) {
        if (!v->depth) {
            return bad(v, "endif without if");
        }
        v->depth--;
        if (!v->ended) {
            v->known[v->depth] &= v->known[v->depth + 1];
        }
        for (unsigned k = v->open[v->depth] + 1; k < v->n; k++) {
            v->dead[k] = true;
        }
    }
    return true;
}

static bool check_aux(struct verifier *v, const struct ir_op *op)
{
    switch (op->code) {
    case IR_get_reg:
    case IR_set_reg:
        return check_register(v, op);
    case IR_load:
    case IR_load_w:
    case IR_store:
        return op->aux < SEG_COUNT || bad(v, "no such segment");
    case IR_store_w:
        return check_store_w(v, op);
    case IR_cond:
        return op->aux < 16 || bad(v, "no such condition");
    case IR_set_cc:
        return op->aux <= CC_DEC || bad(v, "no such kind of flags");
    case IR_ea:
        return op->aux < 4 || bad(v, "no such scale");
    case IR_jump_rel:
        return ir_is_const(op->arg[0]) || bad(v, "the target is not constant");
    default:
        return true;
    }
}

static bool check_op(struct verifier *v, const struct ir_op *op)
{
    if (op->code >= IR_CODES) {
        return bad(v, "no such op");
    }
    unsigned widths = ir_rows[op->code].widths;
    if (widths ? !(op->width & widths) || op->width & (op->width - 1) : op->width != 0) {
        return bad(v, "width %u", op->width);
    }
    if (v->ended && op->code != IR_nop && op->code != IR_endif) {
        return bad(v, "follows a terminator");
    }
    if (v->n && op->insn < v->ir->op[v->n - 1].insn) {
        return bad(v, "guest instructions out of order");
    }
    for (unsigned k = 0; k < ir_args(op); k++) {
        if (!check_argument(v, op, k)) {
            return false;
        }
    }
    if (!check_aux(v, op) || !check_flags(v, op) || !check_if(v, op)) {
        return false;
    }
    if (op->code != IR_nop) {
        v->ended = ir_has(op, IR_ENDS);
    }
    return true;
}

bool ir_verify(const struct ir *ir, char *why, size_t size)
{
    struct verifier v = {.ir = ir, .why = why, .size = size, .known = {FLAG_ARITH}};
    for (v.n = 0; v.n < ir->count; v.n++) {
        if (!check_op(&v, &ir->op[v.n])) {
            return false;
        }
    }
    if (v.depth) {
        return bad(&v, "an if without endif");
    }
    return v.ended || bad(&v, "the block does not end");
}
