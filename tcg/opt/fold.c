/*
 * fold.c: constants are computed, identities go, and what only lower bits of a value are wanted for
 * takes it unmasked.
 */
#include "tcg/ir_compute.h"
#include "tcg/opt/rename.h"

struct folder {
    struct ir *ir;
    struct rename names;
};

static bool constant(const struct folder *f, ir_ref r, u64 *n)
{
    if (!ir_is_const(r)) {
        return false;
    }
    *n = ir_const_value(f->ir, r);
    return true;
}

/* Op n has the value `value`. */
static bool is_constant(struct folder *f, unsigned n, u64 value)
{
    ir_ref r = ir_constant(f->ir, value);
    if (r == IR_ABSENT) {
        return false;
    }
    rename_op(&f->names, f->ir, n, r);
    return true;
}

static bool is_value(struct folder *f, unsigned n, ir_ref r)
{
    unsigned bits = ir_bits(&f->ir->op[n]);
    u64 k;
    if (constant(f, r, &k) ? bits == 32 && k != (u32)k : ir_bits(&f->ir->op[r]) != bits) {
        return false;
    }
    rename_op(&f->names, f->ir, n, r);
    return true;
}

/* All arguments constant. */
static bool compute(struct folder *f, unsigned n)
{
    const struct ir_op *op = &f->ir->op[n];
    u64 a[4] = {0};
    for (unsigned k = 0; k < ir_args(op); k++) {
        if (!constant(f, op->arg[k], &a[k])) {
            return false;
        }
    }
    return is_constant(f, n, ir_compute(op, a[0], a[1], a[2]));
}

/* The largest value that r can have, as far as its op tells. */
static u64 bound(const struct folder *f, ir_ref r)
{
    u64 k;
    if (constant(f, r, &k)) {
        return k;
    }
    const struct ir_op *op = &f->ir->op[r];
    switch (op->code) {
    case IR_zext8:
        return 0xff;
    case IR_zext16:
        return 0xffff;
    case IR_zext32:
        return 0xffffffff;
    case IR_get_reg:
    case IR_load:
    case IR_load_w:
        return arith_mask(op->width);
    case IR_nonzero:
    case IR_is_zero:
    case IR_ltu:
    case IR_cond:
        return 1;
    case IR_and:
        if (constant(f, op->arg[1], &k)) {
            return k;
        }
        break;
    default:
        break;
    }
    return ir_bits(op) == 32 ? 0xffffffff : ~(u64)0;
}

/* Whether every value up to `most` passes `mask` unchanged. */
static bool mask_keeps(u64 mask, u64 most)
{
    return !(mask & (mask + 1)) && most <= mask;
}

static bool fold_and(struct folder *f, unsigned n, ir_ref a, ir_ref b)
{
    u64 k;
    if (a == b) {
        return is_value(f, n, a);
    }
    if (!constant(f, b, &k)) {
        return false;
    }
    return k == 0 ? is_constant(f, n, 0) : mask_keeps(k, bound(f, a)) && is_value(f, n, a);
}

/* Neutral right arguments, and x with itself. */
static bool identity(struct folder *f, unsigned n)
{
    const struct ir_op *op = &f->ir->op[n];
    ir_ref a = op->arg[0], b = op->arg[1];
    u64 k;
    bool zero = constant(f, b, &k) && k == 0;
    switch (op->code) {
    case IR_sub:
    case IR_xor:
        if (a == b) {
            return is_constant(f, n, 0);
        }
        return zero && is_value(f, n, a);
    case IR_or:
        return (zero || a == b) && is_value(f, n, a);
    case IR_add:
    case IR_shl:
    case IR_shr:
    case IR_sar:
    case IR_rol:
        return zero && is_value(f, n, a);
    case IR_and:
        return fold_and(f, n, a, b);
    case IR_zext8:
        return bound(f, a) <= 0xff && is_value(f, n, a);
    case IR_zext16:
        return bound(f, a) <= 0xffff && is_value(f, n, a);
    case IR_trunc:
        return ir_is(f->ir, a, IR_zext32) && is_value(f, n, f->ir->op[a].arg[0]);
    case IR_select:
        return constant(f, a, &k) ? is_value(f, n, k ? b : op->arg[2])
                                  : b == op->arg[2] && is_value(f, n, b);
    default:
        return false;
    }
}

/* Constants stand on the right, so that there is one pattern to look for. */
static void turn(struct ir_op *op)
{
    bool swaps = op->code == IR_add || op->code == IR_mul || op->code == IR_and ||
                 op->code == IR_or || op->code == IR_xor;
    if (swaps && ir_is_const(op->arg[0]) && !ir_is_const(op->arg[1])) {
        ir_ref a = op->arg[0];
        op->arg[0] = op->arg[1];
        op->arg[1] = a;
    }
}

/* Whether flags are those of op n: a backend then wants the operation itself. */
static bool makes_flags(const struct ir *ir, unsigned n)
{
    for (unsigned k = n + 1; k < ir->count && ir->op[k].insn == ir->op[n].insn; k++) {
        if (ir->op[k].code == IR_set_cc && ir->op[k].arg[0] == n) {
            return true;
        }
    }
    return false;
}

/* (a + k1) + k2, (a & k1) & k2: one op. */
static void reassociate(struct folder *f, unsigned n)
{
    struct ir_op *op = &f->ir->op[n];
    u64 inner, outer;
    if ((op->code != IR_add && op->code != IR_and) || !constant(f, op->arg[1], &outer) ||
        !ir_is(f->ir, op->arg[0], (enum ir_code)op->code)) {
        return;
    }
    const struct ir_op *of = &f->ir->op[op->arg[0]];
    if (of->width != op->width || !constant(f, of->arg[1], &inner) || makes_flags(f->ir, n)) {
        return;
    }
    ir_ref sum = ir_constant(f->ir, ir_compute(op, inner, outer, 0));
    if (sum != IR_ABSENT) {
        op->arg[0] = of->arg[0];
        op->arg[1] = sum;
    }
}

/* Extensions of extensions. */
static void unwrap(struct folder *f, struct ir_op *op)
{
    ir_ref a = op->arg[0];
    if (op->code == IR_trunc && (ir_is(f->ir, a, IR_sext8) || ir_is(f->ir, a, IR_sext16))) {
        op->code = f->ir->op[a].code; /* to 32 bits at once */
        op->arg[0] = f->ir->op[a].arg[0];
    }
    if (op->code == IR_zext8 &&
        (ir_is(f->ir, a, IR_zext16) || ir_is(f->ir, a, IR_sext8) || ir_is(f->ir, a, IR_sext16))) {
        op->arg[0] = f->ir->op[a].width == 4 ? f->ir->op[a].arg[0] : a;
    }
    if (op->code == IR_zext16 && ir_is(f->ir, a, IR_sext16) && f->ir->op[a].width == 4) {
        op->arg[0] = f->ir->op[a].arg[0];
    }
}

/* An argument of which only `width` bytes count need not be masked to them. */
static void take_unmasked(struct folder *f, struct ir_op *op)
{
    for (unsigned k = 0; k < ir_args(op); k++) {
        ir_ref *a = &op->arg[k];
        if (ir_rows[op->code].arg[k] == IR_LOW &&
            ((op->width == 1 && (ir_is(f->ir, *a, IR_zext8) || ir_is(f->ir, *a, IR_zext16))) ||
             (op->width == 2 && ir_is(f->ir, *a, IR_zext16)))) {
            *a = f->ir->op[*a].arg[0];
        }
    }
}

/* An if on a constant: its frame goes, or all of it. Returns the op to go on after. */
static unsigned fold_if(struct folder *f, unsigned n)
{
    u64 k;
    unsigned end = n, depth = 0;
    if (!constant(f, f->ir->op[n].arg[0], &k)) {
        return n;
    }
    do {
        depth += f->ir->op[end].code == IR_if;
        depth -= f->ir->op[end].code == IR_endif;
        end++;
    } while (depth);
    end--;
    bool ends = ir_has(&f->ir->op[end - 1], IR_ENDS);
    if (k && ends) {
        return n; /* code would follow a terminator */
    }
    for (unsigned m = n; m <= end; m++) {
        if (!k || m == n || m == end) {
            f->names.to[m] = (ir_ref)m;
            delete_op(f->ir, m);
        }
    }
    return k ? n : end;
}

void ir_fold(struct ir *ir)
{
    struct folder f;
    f.ir = ir;
    for (unsigned n = 0; n < ir->count; n++) {
        struct ir_op *op = &ir->op[n];
        rename_args(&f.names, ir, n);
        if (op->code == IR_if) {
            n = fold_if(&f, n);
        } else if (ir_has(op, IR_PURE) && !compute(&f, n)) {
            turn(op);
            unwrap(&f, op);
            reassociate(&f, n);
            if (!identity(&f, n)) {
                take_unmasked(&f, op);
            }
        } else if (!ir_has(op, IR_PURE)) {
            take_unmasked(&f, op);
        }
    }
}
