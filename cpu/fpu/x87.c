/*
 * x87.c: x87 arithmetic, loads, stores, comparisons and control (SDM Vol. 1 chapter 8; Vol. 2, the instruction pages).
 *
 * FOP is kept for every non-control instruction, as processors before the Pentium 4 do, and FCS and FDS are kept. Transcendental
 * instructions are in x87_trans.c; FSAVE and its like in state.c.
 */
#include "cpu/flags.h"
#include "cpu/fpu/x87.h"
#include "cpu/raise.h"

/* ---- arithmetic */

enum arith { ADD, MUL, SUB, SUBR, DIV, DIVR };

ALWAYS_INLINE struct float80 compute(enum arith op, struct float80 a, struct float80 b, struct fp_status *s)
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

/* The answer to an empty operand: the default NaN in ST(dest), if #IS is masked. */
static NOINLINE void underflow(struct cpu *cpu, unsigned dest, bool pop)
{
    if (x87_stack_fault(cpu, false)) {
        x87_set(cpu, dest, F80_DEFAULT_NAN);
        if (pop) {
            x87_pop(cpu);
        }
    }
}

/* ST(dest) = ST(dest) op ST(source). */
ALWAYS_INLINE void arith_st(struct cpu *cpu, const struct insn *i, enum arith op, unsigned dest, unsigned source, bool pop)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, dest) || x87_empty(cpu, source))) {
        underflow(cpu, dest, pop);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   r = compute(op, *x87_st(cpu, dest), *x87_st(cpu, source), &s);
    if (likely(x87_finish(cpu, &s))) {
        x87_set(cpu, dest, r);
        if (pop) {
            x87_pop(cpu);
        }
    }
}

enum memory_kind { M32, M64, I32, I16 };

/* A memory operand of arithmetic or comparison; a narrow denormal has become a normal number on the way. */
ALWAYS_INLINE struct float80 read_operand(struct cpu *cpu, const struct insn *i, enum memory_kind kind, bool *denormal)
{
    u64 offset = insn_ea(cpu, i);
    *denormal  = false;
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

/* Flags a denormal memory operand, unless a NaN beside it takes precedence (SDM Vol. 1 4.9.2). True: unmasked, end here. */
static bool denormal_operand(struct cpu *cpu, struct fp_status *s)
{
    if (f80_classify(*x87_st(cpu, 0)) >= FP_QUIET_NAN) {
        return false;
    }
    s->flags |= FP_DENORMAL;
    return !(s->masked & FP_DENORMAL);
}

/* ST(0) = ST(0) op memory. */
ALWAYS_INLINE void arith_mem(struct cpu *cpu, const struct insn *i, enum arith op, enum memory_kind kind)
{
    bool denormal;
    x87_check(cpu);
    struct float80 b = read_operand(cpu, i, kind, &denormal);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        underflow(cpu, 0, false);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   r = *x87_st(cpu, 0);
    /* a denormal divided by zero is only a division by zero */
    bool by_zero = op == DIVR && f80_classify(r) == FP_ZERO_CLASS;
    if (likely(!denormal || by_zero || !denormal_operand(cpu, &s))) {
        r = compute(op, r, b, &s);
    }
    if (likely(x87_finish(cpu, &s))) {
        x87_set(cpu, 0, r);
    }
}

#define ARITH_OPS(name, op)                                                              \
    OP(f##name##_m32) { arith_mem(cpu, i, op, M32); }                                              \
    OP(f##name##_m64) { arith_mem(cpu, i, op, M64); }                                              \
    OP(fi##name##_m32) { arith_mem(cpu, i, op, I32); }                                             \
    OP(fi##name##_m16) { arith_mem(cpu, i, op, I16); }                                             \
    OP(f##name##_st0) { arith_st(cpu, i, op, 0, i->rm, false); }                                   \
    OP(f##name##_sti) { arith_st(cpu, i, op, i->rm, 0, false); }                                   \
    OP(f##name##p) { arith_st(cpu, i, op, i->rm, 0, true); }
ARITH_OPS(add, ADD)
ARITH_OPS(mul, MUL)
ARITH_OPS(sub, SUB)
ARITH_OPS(subr, SUBR)
ARITH_OPS(div, DIV)
ARITH_OPS(divr, DIVR)

/* ST(0) = f(ST(0)). */
ALWAYS_INLINE void unary(struct cpu *cpu, const struct insn *i, struct float80 (*f)(struct float80, struct fp_status *))
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        underflow(cpu, 0, false);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   r = f(*x87_st(cpu, 0), &s);
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
        underflow(cpu, 0, false);
        return;
    }
    struct float80 *st = x87_st(cpu, 0);
    st->sign_exponent  = (st->sign_exponent & keep) ^ flip;
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
        underflow(cpu, 0, false);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   r = f80_scale(*x87_st(cpu, 0), *x87_st(cpu, 1), &s);
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
        underflow(cpu, 0, false);
        return;
    }
    u64              q;
    bool             partial;
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   r = f80_remainder(*x87_st(cpu, 0), *x87_st(cpu, 1), nearest, &q, &partial, &s);
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
    struct float80   exponent;
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   r = f80_extract(*x87_st(cpu, 0), &exponent, &s);
    if (x87_finish(cpu, &s)) {
        x87_set(cpu, 0, exponent);
        x87_push(cpu, r);
    }
}

/* ---- comparison */

static const u16 relation_codes[] = {
    [FP_LESS] = X87_C0, [FP_EQUAL] = X87_C3, [FP_GREATER] = 0, [FP_UNORDERED] = X87_C3 | X87_C2 | X87_C0
};

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

/* An empty operand compares unordered. The codes are set, here and below, for unmasked exceptions too, as hardware does. */
static NOINLINE void compare_empty(struct cpu *cpu, unsigned pops)
{
    bool masked = x87_stack_fault(cpu, false);
    set_conditions(cpu, relation_codes[FP_UNORDERED]);
    if (masked) {
        pop_many(cpu, pops);
    }
}

ALWAYS_INLINE void compare_with(struct cpu *cpu, struct float80 b, bool signaling, unsigned pops, struct fp_status *s)
{
    enum fp_relation r  = f80_compare(*x87_st(cpu, 0), b, signaling, s);
    bool             ok = x87_finish(cpu, s);
    set_conditions(cpu, relation_codes[r]);
    if (likely(ok)) {
        pop_many(cpu, pops);
    }
}

ALWAYS_INLINE void compare_st(struct cpu *cpu, const struct insn *i, unsigned other, bool signaling, unsigned pops)
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

ALWAYS_INLINE void compare_mem(struct cpu *cpu, const struct insn *i, enum memory_kind kind, unsigned pops)
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
    OP(f##name##_m32) { compare_mem(cpu, i, M32, pops); }                                          \
    OP(f##name##_m64) { compare_mem(cpu, i, M64, pops); }                                          \
    OP(fi##name##_m32) { compare_mem(cpu, i, I32, pops); }                                         \
    OP(fi##name##_m16) { compare_mem(cpu, i, I16, pops); }                                         \
    OP(f##name) { compare_st(cpu, i, i->rm, true, pops); }                                         \
    OP(fu##name) { compare_st(cpu, i, i->rm, false, pops); }
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
    compare_with(cpu, (struct float80){ 0, 0 }, true, 0, &s);
}

/* FCOMI and its kind: the relation in ZF, PF, CF; OF, SF, AF cleared. Vol. 2 FCOMI says that an unmasked #IA leaves EFLAGS alone;
 * processors set them. */
static void compare_flags(struct cpu *cpu, const struct insn *i, bool signaling, bool pop)
{
    static const u8 flags[] = {
        [FP_LESS] = FLAG_CF, [FP_EQUAL] = FLAG_ZF, [FP_GREATER] = 0, [FP_UNORDERED] = FLAG_ZF | FLAG_PF | FLAG_CF
    };
    enum fp_relation r = FP_UNORDERED;
    bool             ok;
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, i->rm))) {
        ok = x87_stack_fault(cpu, false);
    } else {
        struct fp_status s = fp_status_x87(cpu->x87.control);
        r                  = f80_compare(*x87_st(cpu, 0), *x87_st(cpu, i->rm), signaling, &s);
        ok                 = x87_finish(cpu, &s);
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
    struct float80 a    = *x87_st(cpu, 0);
    u16            code = x87_empty(cpu, 0) ? X87_C3 | X87_C0 : codes[f80_classify(a)];
    set_conditions(cpu, code | (a.sign_exponent >> 15 ? X87_C1 : 0));
}

/* ---- loads */

ALWAYS_INLINE void load(struct cpu *cpu, const struct insn *i, struct float80 value, const struct fp_status *s)
{
    x87_note(cpu, i);
    if (unlikely(!x87_empty(cpu, 7))) {
        x87_push_checked(cpu, value);
        return;
    }
    if (likely(x87_finish(cpu, s))) {
        x87_push(cpu, value);
    }
}

OP(fld_m32)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   v = f80_from_f32((u32)mem_read(cpu, i->seg, insn_ea(cpu, i), 4), &s);
    load(cpu, i, v, &s);
}

OP(fld_m64)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   v = f80_from_f64(mem_read(cpu, i->seg, insn_ea(cpu, i), 8), &s);
    load(cpu, i, v, &s);
}

OP(fld_m80)
{
    u8 bytes[10];
    x87_check(cpu);
    mem_read_bytes(cpu, i->seg, insn_ea(cpu, i), bytes, sizeof bytes);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    load(cpu, i, (struct float80){ load64(bytes), load16(bytes + 8) }, &s);
}

ALWAYS_INLINE void load_int(struct cpu *cpu, const struct insn *i, unsigned size)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    i64              v = sign_extend(mem_read(cpu, i->seg, insn_ea(cpu, i), size), size);
    load(cpu, i, f80_from_i64(v), &s);
}

OP(fild_m16)
{
    load_int(cpu, i, 2);
}

OP(fild_m32)
{
    load_int(cpu, i, 4);
}

OP(fild_m64)
{
    load_int(cpu, i, 8);
}

OP(fbld)
{
    u8 bcd[10];
    x87_check(cpu);
    mem_read_bytes(cpu, i->seg, insn_ea(cpu, i), bcd, sizeof bcd);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    load(cpu, i, f80_from_bcd(bcd), &s);
}

OP(fld_st)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    if (unlikely(x87_empty(cpu, i->rm))) {
        x87_note(cpu, i);
        if (x87_stack_fault(cpu, false)) {
            x87_push(cpu, F80_DEFAULT_NAN);
        }
        return;
    }
    load(cpu, i, *x87_st(cpu, i->rm), &s);
}

/* The constants are rounded by RC: `below` is cut off, `up` says whether the next number is nearer. */
static void load_constant(struct cpu *cpu, const struct insn *i, u16 exponent, u64 below, bool up)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    bool             add = s.rounding == FP_UP || (s.rounding == FP_NEAREST && up);
    load(cpu, i, (struct float80){ below + add, exponent }, &s);
}

OP(fldl2t)
{
    load_constant(cpu, i, 0x4000, 0xd49a784bcd1b8afe, false);
}

OP(fldl2e)
{
    load_constant(cpu, i, 0x3fff, 0xb8aa3b295c17f0bb, true);
}

OP(fldpi)
{
    load_constant(cpu, i, 0x4000, 0xc90fdaa22168c234, true);
}

OP(fldlg2)
{
    load_constant(cpu, i, 0x3ffd, 0x9a209a84fbcff798, true);
}

OP(fldln2)
{
    load_constant(cpu, i, 0x3ffe, 0xb17217f7d1cf79ab, true);
}

OP(fld1)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    load(cpu, i, (struct float80){ 0x8000000000000000, 0x3fff }, &s);
}

OP(fldz)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    load(cpu, i, (struct float80){ 0, 0 }, &s);
}

/* ---- stores. Memory is written before anything changes, since the write may fault; an unmasked exception
 * leaves it alone, but not unchecked. */

#define NOT_STORED (FP_PRE | FP_OVERFLOW | FP_UNDERFLOW)

ALWAYS_INLINE void store(struct cpu *cpu, const struct insn *i, u64 value, unsigned size, const struct fp_status *s, bool pop)
{
    bool stored = !(s->flags & ~s->masked & NOT_STORED);
    if (likely(stored)) {
        mem_write(cpu, i->seg, insn_ea(cpu, i), value, size);
    } else {
        mem_probe_write(cpu, i->seg, insn_ea(cpu, i), size);
    }
    x87_note(cpu, i);
    x87_finish(cpu, s);
    if (pop && stored) {
        x87_pop(cpu);
    }
}

/* An empty ST(0): `indefinite` is stored if #IS is masked. */
static NOINLINE void store_empty(struct cpu *cpu, const struct insn *i, u64 indefinite, unsigned size, bool pop)
{
    bool masked = cpu->x87.control & FP_INVALID;
    if (masked) {
        mem_write(cpu, i->seg, insn_ea(cpu, i), indefinite, size);
    } else {
        mem_probe_write(cpu, i->seg, insn_ea(cpu, i), size);
    }
    x87_note(cpu, i);
    x87_stack_fault(cpu, false);
    if (masked && pop) {
        x87_pop(cpu);
    }
}

ALWAYS_INLINE void store_real(struct cpu *cpu, const struct insn *i, unsigned size, bool pop)
{
    x87_check(cpu);
    if (unlikely(x87_empty(cpu, 0))) {
        store_empty(cpu, i, size == 4 ? F32_DEFAULT_NAN : F64_DEFAULT_NAN, size, pop);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   a = *x87_st(cpu, 0);
    u64              v = size == 4 ? f80_to_f32(a, &s) : f80_to_f64(a, &s);
    store(cpu, i, v, size, &s, pop);
}

ALWAYS_INLINE void store_int(struct cpu *cpu, const struct insn *i, unsigned size, bool pop, bool truncate)
{
    x87_check(cpu);
    if (unlikely(x87_empty(cpu, 0))) {
        store_empty(cpu, i, (u64)1 << (8 * size - 1), size, pop);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80   a = *x87_st(cpu, 0);
    if (truncate) {
        s.rounding = FP_ZERO;
    }
    i64 v = size == 2 ? f80_to_i16(a, &s) : size == 4 ? f80_to_i32(a, &s) : f80_to_i64(a, &s);
    store(cpu, i, (u64)v, size, &s, pop);
}

OP(fst_m32) { store_real(cpu, i, 4, false); }
OP(fstp_m32) { store_real(cpu, i, 4, true); }
OP(fst_m64) { store_real(cpu, i, 8, false); }
OP(fstp_m64) { store_real(cpu, i, 8, true); }
OP(fist_m16) { store_int(cpu, i, 2, false, false); }
OP(fistp_m16) { store_int(cpu, i, 2, true, false); }
OP(fist_m32) { store_int(cpu, i, 4, false, false); }
OP(fistp_m32) { store_int(cpu, i, 4, true, false); }
OP(fistp_m64) { store_int(cpu, i, 8, true, false); }
OP(fisttp_m16) { store_int(cpu, i, 2, true, true); }
OP(fisttp_m32) { store_int(cpu, i, 4, true, true); }
OP(fisttp_m64) { store_int(cpu, i, 8, true, true); }

/* The two stores of ten bytes, which always pop. */
static void store_ten(struct cpu *cpu, const struct insn *i, const u8 bytes[10], bool empty, const struct fp_status *s)
{
    bool stored = empty ? cpu->x87.control & FP_INVALID : !(s->flags & ~s->masked & FP_INVALID);
    if (stored) {
        mem_write_bytes(cpu, i->seg, insn_ea(cpu, i), bytes, 10);
    } else {
        mem_probe_write(cpu, i->seg, insn_ea(cpu, i), 10);
    }
    x87_note(cpu, i);
    if (empty) {
        x87_stack_fault(cpu, false);
    } else {
        x87_finish(cpu, s);
    }
    if (stored) {
        x87_pop(cpu);
    }
}

OP(fstp_m80)
{
    u8 bytes[10];
    x87_check(cpu);
    struct fp_status s     = fp_status_x87(cpu->x87.control);
    bool             empty = x87_empty(cpu, 0);
    struct float80   a     = empty ? F80_DEFAULT_NAN : *x87_st(cpu, 0);
    store64(bytes, a.mantissa);
    store16(bytes + 8, a.sign_exponent);
    store_ten(cpu, i, bytes, empty, &s);
}

OP(fbstp)
{
    u8 bcd[10];
    x87_check(cpu);
    struct fp_status s     = fp_status_x87(cpu->x87.control);
    bool             empty = x87_empty(cpu, 0);
    f80_to_bcd(empty ? F80_DEFAULT_NAN : *x87_st(cpu, 0), bcd, &s);
    store_ten(cpu, i, bcd, empty, &s);
}

static void store_st(struct cpu *cpu, const struct insn *i, bool pop)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        underflow(cpu, i->rm, pop);
        return;
    }
    x87_set(cpu, i->rm, *x87_st(cpu, 0));
    cpu->x87.status &= (u16)~X87_C1;
    if (pop) {
        x87_pop(cpu);
    }
}

OP(fst_st)
{
    store_st(cpu, i, false);
}

OP(fstp_st)
{
    store_st(cpu, i, true);
}

/* D9 D8+i: an empty ST(0) is no fault and is not stored. */
OP(fstpnce)
{
    x87_check(cpu);
    if (!x87_empty(cpu, 0)) {
        store_st(cpu, i, true);
        return;
    }
    x87_note(cpu, i);
    cpu->x87.status &= (u16)~X87_C1;
    x87_pop(cpu);
}

OP(fxch)
{
    x87_check(cpu);
    x87_note(cpu, i);
    cpu->x87.status &= (u16)~X87_C1;
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, i->rm))) {
        if (!x87_stack_fault(cpu, false)) {
            return;
        }
        for (unsigned k = 0; k < 2; k++) {
            unsigned n = k ? i->rm : 0;
            if (x87_empty(cpu, n)) {
                x87_set(cpu, n, F80_DEFAULT_NAN);
            }
        }
    }
    struct float80 t       = *x87_st(cpu, 0);
    *x87_st(cpu, 0)        = *x87_st(cpu, i->rm);
    *x87_st(cpu, i->rm)    = t;
}

/* FCMOVcc: the low two bits of the opcode's register group and DA or DB choose the condition. */
static void move_if(struct cpu *cpu, const struct insn *i, unsigned cc)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, i->rm))) {
        underflow(cpu, 0, false);
        return;
    }
    if (flags_condition(cpu, cc)) {
        x87_set(cpu, 0, *x87_st(cpu, i->rm));
    }
}

OP(fcmovb) { move_if(cpu, i, 2); }
OP(fcmovnb) { move_if(cpu, i, 3); }
OP(fcmove) { move_if(cpu, i, 4); }
OP(fcmovne) { move_if(cpu, i, 5); }
OP(fcmovbe) { move_if(cpu, i, 6); }
OP(fcmovnbe) { move_if(cpu, i, 7); }
OP(fcmovu) { move_if(cpu, i, 10); }
OP(fcmovnu) { move_if(cpu, i, 11); }

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
    cpu->x87.valid &= (u8)~(1u << ((cpu->x87.top + i->rm) & 7));
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
    u16 control      = (u16)mem_read(cpu, i->seg, insn_ea(cpu, i), 2);
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
