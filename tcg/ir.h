/*
 * ir.h: the intermediate representation: one guest block as a list of ops.
 *
 * A value is the number of the op that makes it; an argument is such a number or one of the block's
 * constants. Guest registers and flags are reached by ops of their own, so a backend is free to
 * keep both in host registers; flag writes stay abstract. Constants are decode-time facts without
 * addresses: what depends on where the block runs adds to register R_IPBASE.
 *
 * Each op names its guest instruction by its place in the block. A fault finds the state exact as
 * at the beginning of that instruction, since meanings change registers and flags after the last
 * check that can fail, and passes keep what is visible. A flag write whose `live` mask is empty
 * matters to faults and boundaries alone: a backend may keep a recipe for it.
 */
#ifndef TCG_IR_H
#define TCG_IR_H

#include <stdio.h>

#include "cpu/flags.h"

enum ir_code {
#define IR(name, ...) IR_##name,
#include "tcg/ir_ops.def"
#undef IR
    IR_CODES
};

enum ir_attr {
    IR_PURE = 1 << 0,
    IR_READS = 1 << 1,
    IR_FAULTS = 1 << 2,
    IR_LEAVES = 1 << 3,
    IR_CALLS = 1 << 4,
    IR_ENDS = 1 << 5,
};

enum ir_type { IR_NONE, IR_W, IR_I32, IR_I64, IR_ANY, IR_LOW };

/* One row of ir_ops.def. */
struct ir_row {
    const char *name;
    u8 result, arg[4]; /* enum ir_type */
    u8 widths;         /* those allowed, in bytes, or-ed together; 0: the op has none */
    u8 attr;           /* enum ir_attr */
};
extern const struct ir_row ir_rows[IR_CODES];

/* A value's number, or IR_CONST | the number of a constant. */
typedef u16 ir_ref;
#define IR_CONST  0x8000u
#define IR_ABSENT 0xffffu

struct ir_op {
    u8 code;  /* enum ir_code */
    u8 width; /* bytes */
    u8 aux;   /* segment, condition, kind of flags, scale */
    u8 insn;  /* guest instruction: index in the block */
    u32 imm;  /* register, flag masks, rule */
    ir_ref arg[4];
};

#define IR_OPS_MAX    4096
#define IR_CONSTS_MAX 4096
#define IR_IF_DEPTH   4
/* More ops and constants than any one instruction needs. */
#define IR_INSN_ROOM 64

struct ir {
    unsigned count, constants;
    struct ir_op op[IR_OPS_MAX];
    u64 constant[IR_CONSTS_MAX];
};

void ir_clear(struct ir *ir);
/* Whether another instruction's ops and constants fit. */
bool ir_has_room(const struct ir *ir);
/* Appends. There must be room. */
ir_ref ir_emit(struct ir *ir, struct ir_op op);
/* The constant n; IR_ABSENT when no more fit. */
ir_ref ir_constant(struct ir *ir, u64 n);

static inline bool ir_is_const(ir_ref r)
{
    return r & IR_CONST && r != IR_ABSENT;
}

static inline u64 ir_const_value(const struct ir *ir, ir_ref r)
{
    return ir->constant[r & ~IR_CONST];
}

static inline bool ir_is(const struct ir *ir, ir_ref r, enum ir_code code)
{
    return !(r & IR_CONST) && ir->op[r].code == code;
}

static inline bool ir_has(const struct ir_op *op, unsigned attr)
{
    return ir_rows[op->code].attr & attr;
}

/* Bits of the value that an op makes: 32, 64, or 0 for none. */
unsigned ir_bits(const struct ir_op *op);
/* Bits of argument k, 0 where either width will do. */
unsigned ir_arg_bits(const struct ir_op *op, unsigned k);
unsigned ir_args(const struct ir_op *op);

/* ---- flags */
#define IR_FLAGS_IMM(mask, live) ((u32)(mask) | (u32)(live) << 16)
static inline u32 ir_flags_mask(const struct ir_op *op)
{
    return op->imm & 0xffff;
}
static inline u32 ir_flags_live(const struct ir_op *op)
{
    return op->imm >> 16;
}
/* Flags that op reads: cond and flags. */
u32 ir_flags_read(const struct ir_op *op);

/* ---- text, checks */
void ir_print(const struct ir *ir, FILE *out);
/* False, and why: an invariant of ours is broken. */
bool ir_verify(const struct ir *ir, char *why, size_t size);

/* ---- passes: IR in, IR out (tcg/opt) */
void ir_copy(
    struct ir *ir); /* reads of registers become the values last written; dead register writes go */
void ir_fold(struct ir *ir);      /* constants, identities */
void ir_deadflags(struct ir *ir); /* flag writes that nobody sees go; the rest learns who sees it */
void ir_dce(struct ir *ir);       /* values that nobody uses go; ops are numbered anew */
void ir_optimise(struct ir *ir);  /* all of them, in order */

#endif
