/*
 * ir.c: the table of ops, building blocks of them, and printing them.
 */
#include "tcg/ir.h"

#include <assert.h>
#include <inttypes.h>

enum { W0 = 0, W1 = 1, W2 = 2, W4 = 4, W8 = 8, W48 = W4 | W8, W248 = W2 | W48, W1248 = W1 | W248 };

#define PURE   IR_PURE
#define READS  IR_READS
#define FAULTS IR_FAULTS
#define LEAVES IR_LEAVES
#define CALLS  IR_CALLS
#define ENDS   IR_ENDS
#define IR(name_, result_, a0, a1, a2, a3, widths_, attr_, meaning)                                \
    [IR_##name_] = {.name = #name_,                                                                \
                    .result = IR_##result_,                                                        \
                    .arg = {IR_##a0, IR_##a1, IR_##a2, IR_##a3},                                   \
                    .widths = widths_,                                                             \
                    .attr = attr_},
const struct ir_row ir_rows[IR_CODES] = {
#include "tcg/ir_ops.def"
};
#undef IR

void ir_clear(struct ir *ir)
{
    ir->count = ir->constants = 0;
}

bool ir_has_room(const struct ir *ir)
{
    return ir->count + 2 * IR_INSN_ROOM <= IR_OPS_MAX &&
           ir->constants + 2 * IR_INSN_ROOM <= IR_CONSTS_MAX;
}

ir_ref ir_emit(struct ir *ir, struct ir_op op)
{
    assert(ir->count < IR_OPS_MAX);
    ir->op[ir->count] = op;
    return (ir_ref)ir->count++;
}

ir_ref ir_constant(struct ir *ir, u64 n)
{
    for (unsigned k = ir->constants, seen = 0; k-- && seen < 32; seen++) {
        if (ir->constant[k] == n) {
            return (ir_ref)(IR_CONST | k);
        }
    }
    if (ir->constants == IR_CONSTS_MAX) {
        return IR_ABSENT;
    }
    ir->constant[ir->constants] = n;
    return (ir_ref)(IR_CONST | ir->constants++);
}

static unsigned bits_of(enum ir_type type, unsigned width)
{
    switch (type) {
    case IR_W:
    case IR_LOW:
        return width == 8 ? 64 : 32;
    case IR_I32:
        return 32;
    case IR_I64:
        return 64;
    default:
        return 0;
    }
}

unsigned ir_bits(const struct ir_op *op)
{
    return bits_of(ir_rows[op->code].result, op->width);
}

unsigned ir_arg_bits(const struct ir_op *op, unsigned k)
{
    return bits_of(ir_rows[op->code].arg[k], op->width);
}

unsigned ir_args(const struct ir_op *op)
{
    unsigned n = 0;
    while (n < 4 && ir_rows[op->code].arg[n] != IR_NONE) {
        n++;
    }
    return n;
}

u32 ir_flags_read(const struct ir_op *op)
{
    static const u16 of_condition[8] = {
        FLAG_OF, FLAG_CF, FLAG_ZF,           FLAG_CF | FLAG_ZF,
        FLAG_SF, FLAG_PF, FLAG_SF | FLAG_OF, FLAG_ZF | FLAG_SF | FLAG_OF};
    switch (op->code) {
    case IR_cond:
        return of_condition[op->aux >> 1 & 7];
    case IR_flags:
        return FLAG_ARITH;
    default:
        return 0;
    }
}

/* ---- text */

static const char *const register_names[16] = {"ax",  "cx",  "dx",  "bx", "sp",  "bp",
                                               "si",  "di",  "r8",  "r9", "r10", "r11",
                                               "r12", "r13", "r14", "r15"};
static const char *const segment_names[] = {"es", "cs", "ss",   "ds",
                                            "fs", "gs", "flat", "flat_stack"};
static const char *const condition_names[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                              "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const char *const kind_names[] = {"eflags", "bits", "logic", "add", "sub", "inc", "dec"};

static void print_register(unsigned offset, unsigned width, FILE *out)
{
    unsigned n = offset >> 3;
    if (n == R_IPBASE) {
        fputs("ipbase", out);
    } else if (width == 1 && n < 4) {
        fprintf(out, "%c%c", register_names[n][0], offset & 1 ? 'h' : 'l');
    } else if (n < 8) {
        fprintf(out, "%s%s%s",
                width == 8   ? "r"
                : width == 4 ? "e"
                             : "",
                register_names[n], width == 1 ? "l" : "");
    } else {
        fprintf(out, "%s%s", register_names[n & 15],
                width == 1   ? "b"
                : width == 2 ? "w"
                : width == 4 ? "d"
                             : "");
    }
}

static void print_flags(u32 flags, FILE *out)
{
    static const struct {
        u16 bit;
        char name;
    } names[] = {{FLAG_CF, 'c'}, {FLAG_PF, 'p'}, {FLAG_AF, 'a'},
                 {FLAG_ZF, 'z'}, {FLAG_SF, 's'}, {FLAG_OF, 'o'}};
    for (unsigned k = 0; k < ARRAY_LEN(names); k++) {
        if (flags & names[k].bit) {
            fputc(names[k].name, out);
        }
    }
    if (!flags) {
        fputc('-', out);
    }
}

static void print_ref(const struct ir *ir, ir_ref r, FILE *out)
{
    if (r == IR_ABSENT) {
        fputc('?', out);
    } else if (!ir_is_const(r)) {
        fprintf(out, "v%u", r);
    } else {
        u64 n = ir_const_value(ir, r);
        fprintf(out, n < 10 ? "%" PRIu64 : "0x%" PRIx64, n);
    }
}

/* What stands before the arguments. */
static void print_detail(const struct ir_op *op, FILE *out)
{
    switch (op->code) {
    case IR_get_reg:
    case IR_set_reg:
        fputc(' ', out);
        print_register(op->imm, op->width, out);
        break;
    case IR_set_cc:
        fprintf(out, " %s", kind_names[op->aux]);
        break;
    case IR_set_flags:
        fputc(' ', out);
        print_flags(ir_flags_mask(op), out);
        break;
    case IR_cond:
        fprintf(out, " %s", condition_names[op->aux]);
        break;
    case IR_load:
    case IR_load_w:
    case IR_store:
        fprintf(out, " %s", segment_names[op->aux]);
        break;
    case IR_ea:
        fprintf(out, " <<%u", op->aux);
        break;
    case IR_set_df:
        fprintf(out, " %u", op->aux);
        break;
    case IR_raise:
        fprintf(out, " %u", op->imm);
        break;
    default:
        break;
    }
}

static void print_op(const struct ir *ir, unsigned n, unsigned depth, FILE *out)
{
    const struct ir_op *op = &ir->op[n];
    fprintf(out, "%*s", (int)(2 + 2 * depth), "");
    if (ir_bits(op)) {
        fprintf(out, "v%u = ", n);
    }
    fputs(ir_rows[op->code].name, out);
    if (op->width) {
        fprintf(out, ".%u", op->width);
    }
    print_detail(op, out);
    for (unsigned k = 0; k < ir_args(op); k++) {
        fputs(k ? ", " : " ", out);
        print_ref(ir, op->arg[k], out);
    }
    bool writes_flags = op->code == IR_set_cc || op->code == IR_set_flags;
    if (writes_flags && ir_flags_live(op) != ir_flags_mask(op)) {
        fputs(" live ", out);
        print_flags(ir_flags_live(op), out);
    }
    fputc('\n', out);
}

void ir_print(const struct ir *ir, FILE *out)
{
    unsigned depth = 0, insn = ~0u;
    for (unsigned n = 0; n < ir->count; n++) {
        const struct ir_op *op = &ir->op[n];
        if (op->code == IR_nop) {
            continue;
        }
        if (op->insn != insn) {
            insn = op->insn;
            fprintf(out, "%u:\n", insn);
        }
        depth -= op->code == IR_endif && depth;
        print_op(ir, n, depth, out);
        depth += op->code == IR_if;
    }
}
