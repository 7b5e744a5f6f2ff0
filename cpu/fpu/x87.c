/*
 * x87.c: x87 arithmetic, comparisons and control (SDM Vol. 1 chapter 8; Vol. 2, the
 * instruction pages).
 *
 * FOP is kept for every non-control instruction, as processors before the Pentium 4 do, and FCS and
 * FDS are kept. Loads, stores and moves are in x87_move.c, transcendental instructions in x87_trans.c, FSAVE and
 * its like in state.c.
 */
#include "cpu/flags.h"
#include "cpu/fpu/x87.h"
#include "cpu/raise.h"

/* ---- arithmetic */

enum arith { ADD, MUL, SUB, SUBR, DIV, DIVR };

ALWAYS_INLINE struct float80 compute(enum arith op, struct float80 a, struct float80 b,
                                     struct fp_status *s)
{
    switch (op) {
    case ADD:
        return f80_add(a, b, s);
    case MUL:
        return f80_mul(a, b, s);
    case SUB:
        return f80_sub(a, b, s);
    case SUBR:
        return f80_sub(b, a, s);
    case DIV:
        return f80_div(a, b, s);
    default:
        return f80_div(b, a, s);
    }
}

void x87_underflow(struct cpu *cpu, unsigned dest, bool pop)
{
    if (x87_stack_fault(cpu, false)) {
        x87_set(cpu, dest, F80_DEFAULT_NAN);
        if (pop) {
            x87_pop(cpu);
        }
    }
}

/* ST(dest) = ST(dest) op ST(source). */
ALWAYS_INLINE void arith_st(struct cpu *cpu, const struct insn *i, enum arith op, unsigned dest,
                            unsigned source, bool pop)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, dest) || x87_empty(cpu, source))) {
        x87_underflow(cpu, dest, pop);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = compute(op, *x87_st(cpu, dest), *x87_st(cpu, source), &s);
    if (likely(x87_finish(cpu, &s))) {
        x87_set(cpu, dest, r);
        if (pop) {
            x87_pop(cpu);
        }
    }
}

enum memory_kind { M32, M64, I32, I16 };

/* A memory operand of arithmetic or comparison; a narrow denormal has become a normal number on the
 * way. */
ALWAYS_INLINE struct float80 read_operand(struct cpu *cpu, const struct insn *i,
                                          enum memory_kind kind, bool *denormal)
{
    u64 offset = insn_ea(cpu, i);
    *denormal = false;
    switch (kind) {
    case M32:
        return f80_widen_f32((u32)mem_read(cpu, i->seg, offset, 4), denormal);
    case M64:
        return f80_widen_f64(mem_read(cpu, i->seg, offset, 8), denormal);
    case I32:
        return f80_from_i64((i32)mem_read(cpu, i->seg, offset, 4));
    default:
        return f80_from_i64((i16)mem_read(cpu, i->seg, offset, 2));
    }
}

/* Flags a denormal memory operand, unless a NaN beside it takes precedence (SDM Vol. 1 4.9.2).
 * True: unmasked, end here. */
static bool denormal_operand(struct cpu *cpu, struct fp_status *s)
{
    if (f80_classify(*x87_st(cpu, 0)) >= FP_QUIET_NAN) {
        return false;
    }
    s->flags |= FP_DENORMAL;
    return !(s->masked & FP_DENORMAL);
}

/* ST(0) = ST(0) op memory. */
ALWAYS_INLINE void arith_mem(struct cpu *cpu, const struct insn *i, enum arith op,
                             enum memory_kind kind)
{
    bool denormal;
    x87_check(cpu);
    struct float80 b = read_operand(cpu, i, kind, &denormal);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        x87_underflow(cpu, 0, false);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = *x87_st(cpu, 0);
    /* a denormal divided by zero is only a division by zero */
    bool by_zero = op == DIVR && f80_classify(r) == FP_ZERO_CLASS;
    if (likely(!denormal || by_zero || !denormal_operand(cpu, &s))) {
        r = compute(op, r, b, &s);
    }
    if (likely(x87_finish(cpu, &s))) {
        x87_set(cpu, 0, r);
    }
}

#define ARITH_OPS(name, op)                                                                        \
    OP(f##name##_m32)                                                                              \
    {                                                                                              \
        arith_mem(cpu, i, op, M32);                                                                \
    }                                                                                              \
    OP(f##name##_m64)                                                                              \
    {                                                                                              \
        arith_mem(cpu, i, op, M64);                                                                \
    }                                                                                              \
    OP(fi##name##_m32)                                                                             \
    {                                                                                              \
        arith_mem(cpu, i, op, I32);                                                                \
    }                                                                                              \
    OP(fi##name##_m16)                                                                             \
    {                                                                                              \
        arith_mem(cpu, i, op, I16);                                                                \
    }                                                                                              \
    OP(f##name##_st0)                                                                              \
    {                                                                                              \
        arith_st(cpu, i, op, 0, i->rm, false);                                                     \
    }                                                                                              \
    OP(f##name##_sti)                                                                              \
    {                                                                                              \
        arith_st(cpu, i, op, i->rm, 0, false);                                                     \
    }                                                                                              \
    OP(f##name##p)                                                                                 \
    {                                                                                              \
        arith_st(cpu, i, op, i->rm, 0, true);                                                      \
    }
ARITH_OPS(add, ADD)
ARITH_OPS(mul, MUL)
ARITH_OPS(sub, SUB)
ARITH_OPS(subr, SUBR)
ARITH_OPS(div, DIV)
ARITH_OPS(divr, DIVR)

/* ST(0) = f(ST(0)). */
ALWAYS_INLINE void unary(struct cpu *cpu, const struct insn *i,
                         struct float80 (*f)(struct float80, struct fp_status *))
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        x87_underflow(cpu, 0, false);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = f(*x87_st(cpu, 0), &s);
    if (x87_finish(cpu, &s)) {
        x87_set(cpu, 0, r);
    }
}

OP(fsqrt)
{
    unary(cpu, i, f80_sqrt);
}

OP(frndint)
{
    unary(cpu, i, f80_round_to_int);
}

/* FCHS and FABS work on any bit pattern. */
static void change_sign(struct cpu *cpu, const struct insn *i, u16 keep, u16 flip)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        x87_underflow(cpu, 0, false);
        return;
    }
    struct float80 *st = x87_st(cpu, 0);
    st->sign_exponent = (st->sign_exponent & keep) ^ flip;
    cpu->x87.status &= (u16)~X87_C1;
}

OP(fchs)
{
    change_sign(cpu, i, 0xffff, 0x8000);
}

OP(fabs)
{
    change_sign(cpu, i, 0x7fff, 0);
}

OP(fscale)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, 1))) {
        x87_underflow(cpu, 0, false);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = f80_scale(*x87_st(cpu, 0), *x87_st(cpu, 1), &s);
    if (x87_finish(cpu, &s)) {
        x87_set(cpu, 0, r);
    }
}

static void remainder_op(struct cpu *cpu, const struct insn *i, bool nearest)
{
    x87_check(cpu);
    x87_note(cpu, i);
    cpu->x87.status &= (u16)~X87_C2;
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, 1))) {
        x87_underflow(cpu, 0, false);
        return;
    }
    u64 q;
    bool partial;
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = f80_remainder(*x87_st(cpu, 0), *x87_st(cpu, 1), nearest, &q, &partial, &s);
    if (!x87_finish(cpu, &s)) {
        return;
    }
    x87_set(cpu, 0, r);
    if (f80_classify(r) < FP_QUIET_NAN) { /* C0 and C3 keep their values beside a NaN */
        u16 codes = (u16)((q & 1) << 9 | (q >> 1 & 1) << 14 | (q >> 2 & 1) << 8 | partial << 10);
        cpu->x87.status = (cpu->x87.status & (u16)~X87_CONDITIONS) | codes;
    }
}

OP(fprem)
{
    remainder_op(cpu, i, false);
}

OP(fprem1)
{
    remainder_op(cpu, i, true);
}

OP(fxtract)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || !x87_empty(cpu, 7))) {
        if (x87_stack_fault(cpu, !x87_empty(cpu, 0))) {
            x87_set(cpu, 0, F80_DEFAULT_NAN);
            x87_push(cpu, F80_DEFAULT_NAN);
        }
        return;
    }
    struct float80 exponent;
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = f80_extract(*x87_st(cpu, 0), &exponent, &s);
    if (x87_finish(cpu, &s)) {
        x87_set(cpu, 0, exponent);
        x87_push(cpu, r);
    }
}

/* ---- comparison */

static const u16 relation_codes[] = {[FP_LESS] = X87_C0,
                                     [FP_EQUAL] = X87_C3,
                                     [FP_GREATER] = 0,
                                     [FP_UNORDERED] = X87_C3 | X87_C2 | X87_C0};

static void set_conditions(struct cpu *cpu, u16 codes)
{
    cpu->x87.status = (cpu->x87.status & (u16)~X87_CONDITIONS) | codes;
}

static void pop_many(struct cpu *cpu, unsigned pops)
{
    while (pops--) {
        x87_pop(cpu);
    }
}

/* An empty operand compares unordered. The codes are set, here and below, for unmasked exceptions
 * too, as hardware does. */
static NOINLINE void compare_empty(struct cpu *cpu, unsigned pops)
{
    bool masked = x87_stack_fault(cpu, false);
    set_conditions(cpu, relation_codes[FP_UNORDERED]);
    if (masked) {
        pop_many(cpu, pops);
    }
}

ALWAYS_INLINE void compare_with(struct cpu *cpu, struct float80 b, bool signaling, unsigned pops,
                                struct fp_status *s)
{
    enum fp_relation r = f80_compare(*x87_st(cpu, 0), b, signaling, s);
    bool ok = x87_finish(cpu, s);
    set_conditions(cpu, relation_codes[r]);
    if (likely(ok)) {
        pop_many(cpu, pops);
    }
}

ALWAYS_INLINE void compare_st(struct cpu *cpu, const struct insn *i, unsigned other, bool signaling,
                              unsigned pops)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, other))) {
        compare_empty(cpu, pops);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    compare_with(cpu, *x87_st(cpu, other), signaling, pops, &s);
}

ALWAYS_INLINE void compare_mem(struct cpu *cpu, const struct insn *i, enum memory_kind kind,
                               unsigned pops)
{
    bool denormal;
    x87_check(cpu);
    struct float80 b = read_operand(cpu, i, kind, &denormal);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        compare_empty(cpu, pops);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    if (unlikely(denormal)) {
        denormal_operand(cpu, &s);
    }
    compare_with(cpu, b, true, pops, &s);
}

#define COMPARE_OPS(name, pops)                                                                    \
    OP(f##name##_m32)                                                                              \
    {                                                                                              \
        compare_mem(cpu, i, M32, pops);                                                            \
    }                                                                                              \
    OP(f##name##_m64)                                                                              \
    {                                                                                              \
        compare_mem(cpu, i, M64, pops);                                                            \
    }                                                                                              \
    OP(fi##name##_m32)                                                                             \
    {                                                                                              \
        compare_mem(cpu, i, I32, pops);                                                            \
    }                                                                                              \
    OP(fi##name##_m16)                                                                             \
    {                                                                                              \
        compare_mem(cpu, i, I16, pops);                                                            \
    }                                                                                              \
    OP(f##name)                                                                                    \
    {                                                                                              \
        compare_st(cpu, i, i->rm, true, pops);                                                     \
    }                                                                                              \
    OP(fu##name)                                                                                   \
    {                                                                                              \
        compare_st(cpu, i, i->rm, false, pops);                                                    \
    }
COMPARE_OPS(com, 0)
COMPARE_OPS(comp, 1)

OP(fcompp)
{
    compare_st(cpu, i, 1, true, 2);
}

OP(fucompp)
{
    compare_st(cpu, i, 1, false, 2);
}

OP(ftst)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        compare_empty(cpu, 0);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    compare_with(cpu, (struct float80){0, 0}, true, 0, &s);
}

/* FCOMI and its kind: the relation in ZF, PF, CF; OF, SF, AF cleared. Vol. 2 FCOMI says that an
 * unmasked #IA leaves EFLAGS alone; processors set them. */
static void compare_flags(struct cpu *cpu, const struct insn *i, bool signaling, bool pop)
{
    static const u8 flags[] = {[FP_LESS] = FLAG_CF,
                               [FP_EQUAL] = FLAG_ZF,
                               [FP_GREATER] = 0,
                               [FP_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF};
    enum fp_relation r = FP_UNORDERED;
    bool ok;
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, i->rm))) {
        ok = x87_stack_fault(cpu, false);
    } else {
        struct fp_status s = fp_status_x87(cpu->x87.control);
        r = f80_compare(*x87_st(cpu, 0), *x87_st(cpu, i->rm), signaling, &s);
        ok = x87_finish(cpu, &s);
    }
    flags_set_arith(cpu, flags[r]);
    if (ok && pop) {
        x87_pop(cpu);
    }
}

OP(fcomi)
{
    compare_flags(cpu, i, true, false);
}

OP(fcomip)
{
    compare_flags(cpu, i, true, true);
}

OP(fucomi)
{
    compare_flags(cpu, i, false, false);
}

OP(fucomip)
{
    compare_flags(cpu, i, false, true);
}

OP(fxam)
{
    static const u16 codes[] = {
        [FP_UNSUPPORTED] = 0,
        [FP_QUIET_NAN] = X87_C0,
        [FP_SIGNALING_NAN] = X87_C0,
        [FP_NORMAL] = X87_C2,
        [FP_INFINITY] = X87_C2 | X87_C0,
        [FP_ZERO_CLASS] = X87_C3,
        [FP_DENORMAL_CLASS] = X87_C3 | X87_C2,
    };
    x87_check(cpu);
    x87_note(cpu, i);
    struct float80 a = *x87_st(cpu, 0);
    u16 code = x87_empty(cpu, 0) ? X87_C3 | X87_C0 : codes[f80_classify(a)];
    set_conditions(cpu, code | (a.sign_exponent >> 15 ? X87_C1 : 0));
}

/* ---- control */

OP(fnop)
{
    x87_check(cpu);
    x87_note(cpu, i);
}

/* FNENI, FNDISI of the 8087 and FNSETPM of the 287: accepted, no effect since the 387. */
OP(fnop_no_wait)
{
    (void)i;
    x87_check_no_wait(cpu);
}

static void rotate_stack(struct cpu *cpu, const struct insn *i, unsigned by)
{
    x87_check(cpu);
    x87_note(cpu, i);
    cpu->x87.top = (cpu->x87.top + by) & 7;
    cpu->x87.status &= (u16)~X87_C1;
}

OP(fincstp)
{
    rotate_stack(cpu, i, 1);
}

OP(fdecstp)
{
    rotate_stack(cpu, i, 7);
}

OP(ffree)
{
    x87_check(cpu);
    x87_note(cpu, i);
    cpu->x87.valid &= (u8) ~(1u << ((cpu->x87.top + i->rm) & 7));
    cpu->x87.status &= (u16)~X87_C1;
}

OP(ffreep)
{
    op_ffree(cpu, i);
    x87_pop(cpu);
}

OP(fldcw)
{
    x87_check(cpu);
    u16 control = (u16)mem_read(cpu, i->seg, insn_ea(cpu, i), 2);
    cpu->x87.control = (control & 0x1f7f) | 0x40;
    x87_update_ferr(cpu);
}

OP(fnstcw)
{
    x87_check_no_wait(cpu);
    mem_write(cpu, i->seg, insn_ea(cpu, i), cpu->x87.control, 2);
}

static u16 status_word(const struct cpu *cpu)
{
    return cpu->x87.status | (u16)(cpu->x87.top << 11);
}

OP(fnstsw)
{
    x87_check_no_wait(cpu);
    mem_write(cpu, i->seg, insn_ea(cpu, i), status_word(cpu), 2);
}

OP(fnstsw_ax)
{
    (void)i;
    x87_check_no_wait(cpu);
    store16(&cpu->regs[R_AX], status_word(cpu));
}

OP(fnclex)
{
    (void)i;
    x87_check_no_wait(cpu);
    cpu->x87.status &= X87_CONDITIONS;
    x87_update_ferr(cpu);
}

OP(fninit)
{
    (void)i;
    x87_check_no_wait(cpu);
    x87_init(cpu);
}

OP(wait)
{
    (void)i;
    cpu_check(cpu, (cpu->cr0 & (CR0_MP | CR0_TS)) != (CR0_MP | CR0_TS), RULE_NM_WAIT, 0);
    cpu_check(cpu, !(cpu->x87.status & X87_ES) || !(cpu->cr0 & CR0_NE), RULE_MF_PENDING, 0);
}
