/*
 * x87_trans.c: the transcendental x87 instructions (SDM Vol. 2); the functions themselves are in
 * f80_trans.c.
 */
#include "cpu/fpu/f80_trans.h"
#include "cpu/fpu/x87.h"

/* |ST(0)| >= 2^63: nothing is computed. */
static void out_of_range(struct cpu *cpu)
{
    cpu->x87.status = (cpu->x87.status & (u16)~X87_C1) | X87_C2;
}

/* Checks; false: the stack fault of an empty ST(0) has been answered. */
static bool begin(struct cpu *cpu, const struct insn *i, u16 clear)
{
    x87_check(cpu);
    x87_note(cpu, i);
    cpu->x87.status &= (u16)~clear;
    if (unlikely(x87_empty(cpu, 0))) {
        if (x87_stack_fault(cpu, false)) {
            x87_set(cpu, 0, F80_DEFAULT_NAN);
        }
        return false;
    }
    return true;
}

OP(f2xm1)
{
    if (!begin(cpu, i, 0)) {
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = f80_2xm1(*x87_st(cpu, 0), &s);
    if (x87_finish(cpu, &s)) {
        x87_set(cpu, 0, r);
    }
}

static void sine(struct cpu *cpu, const struct insn *i, bool cosine)
{
    struct float80 r;
    if (!begin(cpu, i, X87_C2)) {
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    if (!f80_sine(*x87_st(cpu, 0), cosine, &r, &s)) {
        out_of_range(cpu);
    } else if (x87_finish(cpu, &s)) {
        x87_set(cpu, 0, r);
    }
}

OP(fsin)
{
    sine(cpu, i, false);
}

OP(fcos)
{
    sine(cpu, i, true);
}

/* FSINCOS and FPTAN push: an empty ST(0) or a full stack gives two NaNs. */
static bool begin_push(struct cpu *cpu, const struct insn *i)
{
    x87_check(cpu);
    x87_note(cpu, i);
    cpu->x87.status &= (u16)~X87_C2;
    bool empty = x87_empty(cpu, 0);
    if (unlikely(empty || !x87_empty(cpu, 7))) {
        if (x87_stack_fault(cpu, !empty)) {
            x87_set(cpu, 0, F80_DEFAULT_NAN);
            x87_push(cpu, F80_DEFAULT_NAN);
        }
        return false;
    }
    return true;
}

OP(fsincos)
{
    struct float80 sn, cs;
    if (!begin_push(cpu, i)) {
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    if (!f80_sincos(*x87_st(cpu, 0), &sn, &cs, &s)) {
        out_of_range(cpu);
    } else if (x87_finish(cpu, &s)) {
        x87_set(cpu, 0, sn);
        x87_push(cpu, cs);
    }
}

OP(fptan)
{
    struct float80 r;
    if (!begin_push(cpu, i)) {
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    if (!f80_tan(*x87_st(cpu, 0), &r, &s)) {
        out_of_range(cpu);
    } else if (x87_finish(cpu, &s)) {
        bool nan = f80_classify(r) == FP_QUIET_NAN;
        x87_set(cpu, 0, r);
        x87_push(cpu, nan ? r : (struct float80){(u64)1 << 63, 0x3fff});
    }
}

/* ST(1) = f(ST(1), ST(0)), pop. */
static void binary(struct cpu *cpu, const struct insn *i,
                   struct float80 (*f)(struct float80, struct float80, struct fp_status *))
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, 1))) {
        if (x87_stack_fault(cpu, false)) {
            x87_set(cpu, 1, F80_DEFAULT_NAN);
            x87_pop(cpu);
        }
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 r = f(*x87_st(cpu, 1), *x87_st(cpu, 0), &s);
    if (x87_finish(cpu, &s)) {
        x87_set(cpu, 1, r);
        x87_pop(cpu);
    }
}

OP(fyl2x)
{
    binary(cpu, i, f80_yl2x);
}

OP(fyl2xp1)
{
    binary(cpu, i, f80_yl2xp1);
}

OP(fpatan)
{
    binary(cpu, i, f80_atan2);
}
