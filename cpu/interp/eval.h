/*
 * eval.h: the meanings of isa/ read as "compute now": a val is a number, v_add adds it.
 *
 * Every function is inlined into a handler whose width and operand forms are constants, so the choices made here by operand
 * kind cost nothing at run time.
 */
#ifndef CPU_INTERP_EVAL_H
#define CPU_INTERP_EVAL_H

#include "cpu/decode.h"
#include "cpu/flags.h"
#include "cpu/isa/arith.h"
#include "cpu/mem.h"
#include "cpu/operand.h"
#include "cpu/raise.h"

/* A guest value, zero-extended to its width. A struct, so that it does not mix with decode-time numbers. */
typedef struct {
    u64 n;
} val;

enum flow { FLOW_NEXT, FLOW_RELATIVE, FLOW_JUMP };

/* What a handler knows at compile time. */
struct form {
    u8   operand[4];
    bool mem;    /* r/m is memory */
    u8   opcode; /* last byte: its low bits are a condition code */
};

struct ctx {
    struct cpu *cpu;
    struct form form;
    u8         *rmw_host; /* where op_rmw() found its operand; NULL: write by the slow path */
    enum flow   flow;
    u64         target;
};

#define SEM(name) ALWAYS_INLINE void sem_##name(struct ctx *c, const struct insn *i, const unsigned w)
#define EVAL      ALWAYS_INLINE

enum { COND_O = 0, COND_B = 2, COND_E = 4 };

#define v_if(c, condition) if ((condition).n)

/* ---- numbers */
EVAL val v_imm(struct ctx *c, u64 n)
{
    (void)c;
    return (val){n};
}

#define EVAL_BINARY(name, expression)                                                              \
    EVAL val v_##name(struct ctx *c, unsigned w, val a, val b)                                     \
    {                                                                                              \
        (void)c;                                                                                   \
        return (val){(expression)&arith_mask(w)};                                                  \
    }
EVAL_BINARY(add, a.n + b.n)
EVAL_BINARY(sub, a.n - b.n)
EVAL_BINARY(and, a.n &b.n)
EVAL_BINARY(or, a.n | b.n)
EVAL_BINARY(xor, a.n ^ b.n)
EVAL_BINARY(mul, a.n *b.n)
EVAL_BINARY(mulhu, (u64)((u128)a.n * b.n >> (8 * w)))
EVAL_BINARY(mulhs, (u64)((i128)arith_sext(a.n, w) * arith_sext(b.n, w) >> (8 * w)))
EVAL_BINARY(shl, a.n << (b.n & 63))
EVAL_BINARY(shr, a.n >> (b.n & 63))
EVAL_BINARY(sar, (u64)((i64)a.n >> (b.n & 63)))
EVAL_BINARY(rol, b.n ? a.n << b.n | a.n >> (8 * w - b.n) : a.n) /* b < width */

EVAL val v_not(struct ctx *c, unsigned w, val a)
{
    (void)c;
    return (val){~a.n & arith_mask(w)};
}

EVAL val v_trunc(struct ctx *c, unsigned w, val a)
{
    (void)c;
    return (val){a.n & arith_mask(w)};
}

/* From width w to 64 bits. */
EVAL val v_sext(struct ctx *c, unsigned w, val a)
{
    (void)c;
    return (val){(u64)arith_sext(a.n, w)};
}

EVAL val v_msb(struct ctx *c, unsigned w, val a)
{
    (void)c;
    return (val){a.n >> (8 * w - 1) & 1};
}

EVAL val v_bswap(struct ctx *c, unsigned w, val a)
{
    (void)c;
    return (val){__builtin_bswap64(a.n) >> (64 - 8 * w)};
}

EVAL val v_nonzero(struct ctx *c, val a)
{
    (void)c;
    return (val){a.n != 0};
}

EVAL val v_is_zero(struct ctx *c, val a)
{
    (void)c;
    return (val){a.n == 0};
}

EVAL val v_ltu(struct ctx *c, val a, val b)
{
    (void)c;
    return (val){a.n < b.n};
}

EVAL val v_select(struct ctx *c, val condition, val yes, val no)
{
    (void)c;
    return condition.n ? yes : no;
}

/* Of a non-zero value: zeroes below the lowest, above the highest bit of 64; 64 for zero. */
EVAL val v_ctz(struct ctx *c, val a)
{
    (void)c;
    return (val){a.n ? (u64)__builtin_ctzll(a.n) : 64};
}

EVAL val v_clz(struct ctx *c, val a)
{
    (void)c;
    return (val){a.n ? (u64)__builtin_clzll(a.n) : 64};
}

EVAL val v_popcnt(struct ctx *c, val a)
{
    (void)c;
    return (val){(u64)__builtin_popcountll(a.n)};
}

/* The upper w bytes of a:b shifted left by n; the lower ones of b:a shifted right. n < 32, for 64 bits < 64. */
EVAL val v_double_left(struct ctx *c, unsigned w, val a, val b, val n)
{
    (void)c;
    if (w == 2) {
        return (val){(a.n << 32 | b.n << 16 | a.n) << n.n >> 32 & 0xffff};
    }
    return (val){(n.n ? a.n << n.n | b.n >> (8 * w - n.n) : a.n) & arith_mask(w)};
}

EVAL val v_double_right(struct ctx *c, unsigned w, val a, val b, val n)
{
    (void)c;
    if (w == 2) {
        return (val){(a.n << 32 | b.n << 16 | a.n) >> n.n & 0xffff};
    }
    return (val){(n.n ? a.n >> n.n | b.n << (8 * w - n.n) : a.n) & arith_mask(w)};
}

/* ---- flags */
EVAL val v_cond(struct ctx *c, unsigned cc)
{
    return (val){arith_condition(&c->cpu->cc, cc, arith_all_flags)};
}

EVAL unsigned op_condition(struct ctx *c)
{
    return c->form.opcode & 15;
}

EVAL val v_flags(struct ctx *c)
{
    return (val){arith_all_flags(&c->cpu->cc)};
}

EVAL val v_add_flags(struct ctx *c, unsigned w, val a, val b, val r)
{
    (void)c;
    return (val){arith_add_flags(a.n, b.n, r.n, w)};
}

EVAL val v_sub_flags(struct ctx *c, unsigned w, val a, val b, val r)
{
    (void)c;
    return (val){arith_sub_flags(a.n, b.n, r.n, w)};
}

EVAL void set_cc(struct ctx *c, enum cc_kind kind, unsigned w, val result, val source)
{
    c->cpu->cc.op     = CC_OP(kind, (unsigned)__builtin_ctz(w));
    c->cpu->cc.result = result.n;
    c->cpu->cc.source = source.n;
}

/* Replaces the flags in `mask`. */
EVAL void set_flags(struct ctx *c, u32 mask, val flags)
{
    struct lazy_flags *f = &c->cpu->cc;
    if (!(mask & (FLAG_SF | FLAG_ZF | FLAG_PF))) {
        arith_replace_carries(f, mask, (u32)flags.n);
        return;
    }
    u32 kept  = mask == FLAG_ARITH ? 0 : arith_all_flags(f) & ~mask;
    f->op     = CC_OP(CC_EFLAGS, 0);
    f->source = kept | ((u32)flags.n & mask);
}

EVAL void set_df(struct ctx *c, bool down)
{
    c->cpu->eflags = down ? c->cpu->eflags | FLAG_DF : c->cpu->eflags & ~(u32)FLAG_DF;
}

/* ---- registers by name */
EVAL val reg_read(struct ctx *c, unsigned reg, unsigned w)
{
    return (val){gpr_read(c->cpu, reg * 8, w)};
}

EVAL void reg_write(struct ctx *c, unsigned reg, unsigned w, val v)
{
    gpr_write(c->cpu, reg * 8, w, v.n);
}

EVAL val reg_read_high(struct ctx *c, unsigned reg)
{
    return (val){gpr_read(c->cpu, reg * 8 + 1, 1)};
}

EVAL void reg_write_high(struct ctx *c, unsigned reg, val v)
{
    gpr_write(c->cpu, reg * 8 + 1, 1, v.n);
}

/* ---- operands */
EVAL unsigned op_width(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    (void)i;
    switch (c->form.operand[k]) {
    case Eb: case Gb: case Mb: case Zb: case AL: case CL: case Ob: return 1;
    case Ew: case Gw: case Mw: case Zw: case DX: case AX: return 2;
    case Ed: case Gd: case Md: return 4;
    case Eq: case Gq: case Mq: return 8;
    default: return w;
    }
}

EVAL bool operand_is_rm(unsigned o)
{
    switch (o) {
    case Eb: case Ew: case Ed: case Eq: case Ev: case Ey: case Mb: case Mw: case Md: case Mq: case Mv: case My: case M:
        return true;
    default: return false;
    }
}

EVAL bool op_is_memory(struct ctx *c, const struct insn *i, unsigned k)
{
    (void)i;
    unsigned o = c->form.operand[k];
    return o == Ob || o == Ov || (operand_is_rm(o) && c->form.mem);
}

/* Where a register operand lies in cpu->regs. */
EVAL unsigned op_register(struct ctx *c, const struct insn *i, unsigned k)
{
    switch (c->form.operand[k]) {
    case Gb: case Gw: case Gd: case Gq: case Gv: case Gy: return i->reg;
    case By: return i->vreg;
    case AL: case rAX: case AX: case eAX: return R_AX * 8;
    case CL: return R_CX * 8;
    case DX: return R_DX * 8;
    default: return i->rm;
    }
}

EVAL bool op_same_register(struct ctx *c, const struct insn *i, unsigned k, unsigned reg)
{
    return op_register(c, i, k) == reg * 8;
}

EVAL val op_address(struct ctx *c, const struct insn *i)
{
    return (val){insn_ea(c->cpu, i)};
}

EVAL val op_read(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    unsigned width = op_width(c, i, w, k);
    switch (c->form.operand[k]) {
    case Ib: case I1: case sIb: case Iw: case Iz: case Iv: return (val){i->imm & arith_mask(w)};
    default: break;
    }
    if (op_is_memory(c, i, k)) {
        c->cpu->current = i;
        return (val){mem_read(c->cpu, i->seg, insn_ea(c->cpu, i), width)};
    }
    return (val){gpr_read(c->cpu, op_register(c, i, k), width)};
}

/* Reads operand k, which op_write() will write: memory is checked for writing first. */
EVAL val op_rmw(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    struct cpu *cpu = c->cpu;
    if (!op_is_memory(c, i, k)) {
        return op_read(c, i, w, k);
    }
    u64                   ea = insn_ea(cpu, i);
    const struct segment *s  = &cpu->seg[i->seg];
    cpu->current             = i;
    c->rmw_host              = NULL;
    if (likely(ea + w <= s->write_bytes && ea + w <= s->read_bytes)) {
        c->rmw_host = tlb_hit(cpu->tlb_write, s->base + ea, w);
        if (likely(c->rmw_host)) {
            return (val){load_le(c->rmw_host, w)};
        }
    }
    mem_probe_write(cpu, i->seg, ea, w);
    return (val){mem_read(cpu, i->seg, ea, w)};
}

EVAL void op_write(struct ctx *c, const struct insn *i, unsigned w, unsigned k, val v)
{
    if (!op_is_memory(c, i, k)) {
        gpr_write(c->cpu, op_register(c, i, k), op_width(c, i, w, k), v.n);
    } else if (c->rmw_host) {
        store_le(c->rmw_host, v.n, w);
    } else {
        c->cpu->current = i;
        mem_write(c->cpu, i->seg, insn_ea(c->cpu, i), v.n, op_width(c, i, w, k));
    }
}

/* ---- stack */
EVAL val stack_address(struct ctx *c, val sp)
{
    return (val){sp.n & c->cpu->stack_mask};
}

EVAL val stack_pointer(struct ctx *c)
{
    return (val){c->cpu->regs[R_SP] & c->cpu->stack_mask};
}

EVAL void set_stack_pointer(struct ctx *c, val sp)
{
    u64 mask              = c->cpu->stack_mask;
    c->cpu->regs[R_SP] = (c->cpu->regs[R_SP] & ~mask) | (sp.n & mask);
}

EVAL val read_stack(struct ctx *c, const struct insn *i, unsigned w, val at)
{
    c->cpu->current = i;
    return (val){mem_read(c->cpu, c->cpu->stack_seg, at.n, w)};
}

EVAL void push(struct ctx *c, const struct insn *i, unsigned w, val v)
{
    u64 sp          = (c->cpu->regs[R_SP] - w) & c->cpu->stack_mask;
    c->cpu->current = i;
    mem_write(c->cpu, c->cpu->stack_seg, sp, v.n, w);
    set_stack_pointer(c, (val){sp});
}

/* ---- jumps */
EVAL val next_ip(struct ctx *c, const struct insn *i)
{
    return (val){insn_next_ip(c->cpu, i)};
}

EVAL void check_target(struct ctx *c, const struct insn *i, val target)
{
    if (unlikely(target.n - c->cpu->code_low > c->cpu->code_span)) {
        c->cpu->current = i;
        cpu_raise(c->cpu, c->cpu->code_bytes == 8 ? RULE_GP_CODE_CANONICAL : RULE_GP_CODE_LIMIT, 0);
    }
}

EVAL u64 relative_target(struct ctx *c, const struct insn *i)
{
    return (insn_next_ip(c->cpu, i) + i->imm) & arith_mask(i->opsize);
}

EVAL void check_relative(struct ctx *c, const struct insn *i)
{
    if (!i->link) { /* a linked jump stays in its page: checked when it was linked */
        check_target(c, i, (val){relative_target(c, i)});
    }
}

/* Must be the last effect of a meaning. */
EVAL void jump_relative(struct ctx *c, const struct insn *i)
{
    check_relative(c, i);
    c->flow = FLOW_RELATIVE;
}

EVAL void jump(struct ctx *c, const struct insn *i, val target)
{
    (void)i;
    c->target = target.n;
    c->flow   = FLOW_JUMP;
}

#endif
