/*
 * copy.c: registers as values. A read of a register becomes the value last written or read; a write
 * that another one covers before anybody can see it goes.
 */
#include <string.h>

#include "tcg/opt/rename.h"

#include "cpu/isa/arith.h"

/* What is known of one register, by part: 64, 32, 16, 8 bits, and bits 8-15. */
enum part { PART_8, PART_4, PART_2, PART_1, PART_HIGH, PARTS };

struct registers {
    ir_ref part[R_IPBASE + 1][PARTS];
};

static enum part part_of(const struct ir_op *op)
{
    static const u8 by_width[9] = {[8] = PART_8, [4] = PART_4, [2] = PART_2, [1] = PART_1};
    return op->imm & 1 ? PART_HIGH : (enum part)by_width[op->width];
}

static void forget(ir_ref *parts)
{
    for (unsigned k = 0; k < PARTS; k++) {
        parts[k] = IR_ABSENT;
    }
}

/* A call may change every register but R_IPBASE. */
static void forget_all(struct registers *r)
{
    for (unsigned k = 0; k < R_IPBASE; k++) {
        forget(r->part[k]);
    }
}

static void written(ir_ref *parts, enum part part, ir_ref value)
{
    ir_ref low = parts[PART_1], high = parts[PART_HIGH];
    forget(parts);
    if (part == PART_1) {
        parts[PART_HIGH] = high;
    } else if (part == PART_HIGH) {
        parts[PART_1] = low;
    }
    parts[part] = value;
}

/* set_reg takes the low bits of its argument; a reader of 8 or 16 bits wants it masked. */
static bool is_masked(const struct ir *ir, ir_ref r, unsigned width)
{
    if (ir_is_const(r)) {
        return !(ir_const_value(ir, r) & ~arith_mask(width));
    }
    const struct ir_op *op = &ir->op[r];
    return width >= 4 ||
           ((op->code == IR_get_reg || op->code == IR_load || op->code == IR_load_w) &&
            op->width <= width) ||
           op->code == IR_zext8 || (op->code == IR_zext16 && width == 2) || op->code == IR_cond;
}

/* Op n, a read, becomes `code` of `value`. */
static void becomes(struct ir *ir, unsigned n, enum ir_code code, unsigned width, ir_ref value)
{
    ir->op[n] = (struct ir_op){
        .code = (u8)code, .width = (u8)width, .insn = ir->op[n].insn, .arg = {value}};
}

static bool widths_fit(const struct ir *ir, ir_ref r, unsigned bits)
{
    return ir_is_const(r) || ir_bits(&ir->op[r]) == bits;
}

/* A read of part of what is known as a whole. */
static bool from_wider(struct ir *ir, unsigned n, const ir_ref *parts)
{
    const struct ir_op *op = &ir->op[n];
    ir_ref v4 = parts[PART_4], v8 = parts[PART_8];
    if (op->imm & 1) {
        return false;
    }
    if (op->width == 8 && v4 != IR_ABSENT && !ir_is_const(v4)) {
        if (ir_is(ir, v4, IR_get_reg) || ir_is(ir, v4, IR_trunc)) {
            return false; /* only the lower half is known */
        }
        becomes(ir, n, IR_zext32, 8, v4);
        return true;
    }
    if (op->width == 4 && v8 != IR_ABSENT && !ir_is_const(v8) && !ir_is(ir, v8, IR_get_reg)) {
        becomes(ir, n, IR_trunc, 4, v8);
        return true;
    }
    if (op->width <= 2 && v4 != IR_ABSENT && !ir_is_const(v4) && !ir_is(ir, v4, IR_get_reg)) {
        becomes(ir, n, op->width == 1 ? IR_zext8 : IR_zext16, 4, v4);
        return true;
    }
    return false;
}

static void read_register(struct rename *names, struct ir *ir, struct registers *r, unsigned n)
{
    struct ir_op *op = &ir->op[n];
    ir_ref *parts = r->part[op->imm >> 3], known = parts[part_of(op)];
    enum part part = part_of(op);
    if (known == IR_ABSENT) {
        from_wider(ir, n, parts);
        parts[part] = (ir_ref)n;
    } else if (is_masked(ir, known, op->width)) {
        rename_op(names, ir, n, known);
    } else {
        becomes(ir, n, op->width == 1 ? IR_zext8 : IR_zext16, 4, known);
        parts[part] = (ir_ref)n;
    }
}

static void write_register(struct ir *ir, struct registers *r, unsigned n)
{
    const struct ir_op *op = &ir->op[n];
    ir_ref v = op->arg[0];
    if (op->width == 4 && ir_is_const(v)) {
        written(r->part[op->imm >> 3], PART_8, v); /* the upper half is known too */
        r->part[op->imm >> 3][PART_4] = v;
    } else if (widths_fit(ir, v, op->width == 8 ? 64 : 32)) {
        written(r->part[op->imm >> 3], part_of(op), v);
    } else {
        forget(r->part[op->imm >> 3]);
    }
}

/* Forgets what an if may have written, and values that were made in it. */
static void leave_if(struct registers *now, const struct registers *before, bool goes_on)
{
    for (unsigned k = 0; k <= R_IPBASE; k++) {
        for (unsigned p = 0; p < PARTS; p++) {
            bool same = now->part[k][p] == before->part[k][p];
            now->part[k][p] = same || !goes_on ? before->part[k][p] : IR_ABSENT;
        }
    }
}

static void forward(struct ir *ir)
{
    struct rename names;
    struct registers r[IR_IF_DEPTH + 1];
    unsigned depth = 0;
    bool ended = false;
    for (unsigned k = 0; k <= R_IPBASE; k++) {
        forget(r[0].part[k]);
    }
    for (unsigned n = 0; n < ir->count; n++) {
        const struct ir_op *op = &ir->op[n];
        rename_args(&names, ir, n);
        switch (op->code) {
        case IR_get_reg:
            read_register(&names, ir, &r[depth], n);
            break;
        case IR_set_reg:
            write_register(ir, &r[depth], n);
            break;
        case IR_if:
            r[depth + 1] = r[depth];
            depth++;
            break;
        case IR_endif:
            leave_if(&r[depth], &r[depth - 1], !ended);
            r[depth - 1] = r[depth];
            depth--;
            break;
        default:
            if (ir_has(op, IR_CALLS)) {
                forget_all(&r[depth]);
            }
            break;
        }
        ended = ir_has(op, IR_ENDS);
    }
}

/* ---- writes that nobody sees */

/* By byte of each register: whether it is looked at later. */
struct liveness {
    u8 live[R_IPBASE + 1];
};

static u8 bytes_of(const struct ir_op *op)
{
    return (u8)(((1u << op->width) - 1) << (op->imm & 7));
}

static void all_live(struct liveness *l)
{
    memset(l->live, 0xff, sizeof l->live);
}

static void look_back(struct ir *ir, struct liveness *l, unsigned n)
{
    const struct ir_op *op = &ir->op[n];
    u8 *live = &l->live[op->imm >> 3 < R_IPBASE ? op->imm >> 3 : R_IPBASE];
    if (ir_has(op, IR_ENDS | IR_FAULTS | IR_LEAVES)) {
        all_live(l);
    } else if (op->code == IR_get_reg) {
        *live |= bytes_of(op);
    } else if (op->code == IR_set_reg) {
        u8 covers = op->width == 4 ? 0xff : bytes_of(op); /* 32 bits clear the upper half */
        if (*live & covers) {
            *live &= (u8)~covers;
        } else {
            delete_op(ir, n);
        }
    }
}

static void drop_dead_writes(struct ir *ir)
{
    struct liveness now, after[IR_IF_DEPTH];
    unsigned depth = 0;
    all_live(&now);
    for (unsigned n = ir->count; n--;) {
        if (ir->op[n].code == IR_endif) {
            after[depth++] = now;
        } else if (ir->op[n].code == IR_if) {
            depth--;
            for (unsigned k = 0; k < ARRAY_LEN(now.live); k++) {
                now.live[k] |= after[depth].live[k];
            }
        } else {
            look_back(ir, &now, n);
        }
    }
}

void ir_copy(struct ir *ir)
{
    forward(ir);
    drop_dead_writes(ir);
}
