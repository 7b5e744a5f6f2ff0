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
#include "cpu/isa/form.h"
#include "cpu/mem.h"
#include "cpu/operand.h"
#include "cpu/raise.h"

/* A guest value, zero-extended to its width. A struct, so that it does not mix with decode-time numbers. */
typedef struct {
    u64 n;
} val;

enum flow { FLOW_NEXT, FLOW_RELATIVE, FLOW_JUMP };

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

#define EVAL_BINARY(name)                                                                          \
    EVAL val v_##name(struct ctx *c, unsigned w, val a, val b)                                     \
    {                                                                                              \
        (void)c;                                                                                   \
        return (val){arith_##name(a.n, b.n, w)};                                                   \
    }
EVAL_BINARY(add)
EVAL_BINARY(sub)
EVAL_BINARY(and)
EVAL_BINARY(or)
EVAL_BINARY(xor)
EVAL_BINARY(mul)
EVAL_BINARY(mulhu)
EVAL_BINARY(mulhs)
EVAL_BINARY(shl)
EVAL_BINARY(shr)
EVAL_BINARY(sar)
EVAL_BINARY(rol)
/* CF and OF of products, and of shifts by a count that is not zero */
EVAL_BINARY(mulu_flags)
EVAL_BINARY(muls_flags)
EVAL_BINARY(shl_flags)
EVAL_BINARY(shr_flags)
EVAL_BINARY(sar_flags)

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
    return (val){arith_bswap(a.n, w)};
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

/* Zeroes below the lowest, above the highest bit of w bytes. */
EVAL val v_ctz(struct ctx *c, unsigned w, val a)
{
    (void)c;
    return (val){arith_ctz(a.n, w)};
}

EVAL val v_clz(struct ctx *c, unsigned w, val a)
{
    (void)c;
    return (val){arith_clz(a.n, w)};
}

EVAL val v_popcnt(struct ctx *c, val a)
{
    (void)c;
    return (val){(u64)__builtin_popcountll(a.n)};
}

EVAL val v_double_left(struct ctx *c, unsigned w, val a, val b, val n)
{
    (void)c;
    return (val){arith_double_left(a.n, b.n, n.n, w)};
}

EVAL val v_double_right(struct ctx *c, unsigned w, val a, val b, val n)
{
    (void)c;
    return (val){arith_double_right(a.n, b.n, n.n, w)};
}

/* ---- flags */
EVAL val v_cond(struct ctx *c, unsigned cc)
{
    return (val){arith_condition(&c->cpu->cc, cc, arith_all_flags)};
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

/* The direction flag: 0 or 1. */
EVAL val v_df(struct ctx *c)
{
    return (val){c->cpu->eflags >> 10 & 1};
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
EVAL val op_address(struct ctx *c, const struct insn *i)
{
    return (val){insn_ea(c->cpu, i)};
}

EVAL val op_read(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    unsigned width = form_width(&c->form, w, k);
    if (form_is_immediate(&c->form, k)) {
        return (val){i->imm & arith_mask(w)};
    }
    if (form_is_memory(&c->form, k)) {
        c->cpu->current = i;
        return (val){mem_read(c->cpu, i->seg, insn_ea(c->cpu, i), width)};
    }
    return (val){gpr_read(c->cpu, form_register(&c->form, i, k), width)};
}

/* Reads operand k, which op_write() will write: memory is checked for writing first. */
EVAL val op_rmw(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    struct cpu *cpu = c->cpu;
    if (!form_is_memory(&c->form, k)) {
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
    if (!form_is_memory(&c->form, k)) {
        gpr_write(c->cpu, form_register(&c->form, i, k), form_width(&c->form, w, k), v.n);
    } else if (c->rmw_host) {
        store_le(c->rmw_host, v.n, w);
    } else {
        c->cpu->current = i;
        mem_write(c->cpu, i->seg, insn_ea(c->cpu, i), v.n, form_width(&c->form, w, k));
    }
}

/* ---- memory at an offset in a segment */
EVAL val seg_read(struct ctx *c, const struct insn *i, unsigned seg, unsigned w, val at)
{
    c->cpu->current = i;
    return (val){mem_read(c->cpu, seg, at.n, w)};
}

EVAL void seg_write(struct ctx *c, const struct insn *i, unsigned seg, unsigned w, val at, val v)
{
    c->cpu->current = i;
    mem_write(c->cpu, seg, at.n, v.n, w);
}

/* ES, as string instructions use it. */
EVAL unsigned target_segment(struct ctx *c)
{
    return c->cpu->code_bytes == 8 ? SEG_FLAT : SEG_ES;
}

/* ---- stack */
/* A register as a stack pointer: as wide as the stack's addresses are. */
EVAL val stack_register(struct ctx *c, unsigned reg)
{
    return (val){c->cpu->regs[reg] & c->cpu->stack_mask};
}

EVAL val stack_pointer(struct ctx *c)
{
    return stack_register(c, R_SP);
}

EVAL val stack_add(struct ctx *c, val sp, u64 n)
{
    return (val){(sp.n + n) & c->cpu->stack_mask};
}

EVAL void set_stack_pointer(struct ctx *c, val sp)
{
    c->cpu->regs[R_SP] = stack_merge(c->cpu->regs[R_SP], c->cpu->stack_mask, sp.n);
}

EVAL val read_stack(struct ctx *c, const struct insn *i, unsigned w, val at)
{
    return seg_read(c, i, c->cpu->stack_seg, w, at);
}

EVAL void push(struct ctx *c, const struct insn *i, unsigned w, val v)
{
    val sp = stack_add(c, stack_pointer(c), -(u64)w);
    seg_write(c, i, c->cpu->stack_seg, w, sp, v);
    set_stack_pointer(c, sp);
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
        explain_note(c->cpu, "target", target.n);
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
