/*
 * x87_move.c: x87 loads, constants, stores, exchanges and conditional moves (SDM Vol. 2).
 */
#include "cpu/flags.h"
#include "cpu/fpu/x87.h"

/* ---- loads */

ALWAYS_INLINE void load(struct cpu *cpu, const struct insn *i, struct float80 value,
                        const struct fp_status *s)
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
    struct float80 v = f80_from_f32((u32)mem_read(cpu, i->seg, insn_ea(cpu, i), 4), &s);
    load(cpu, i, v, &s);
}

OP(fld_m64)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 v = f80_from_f64(mem_read(cpu, i->seg, insn_ea(cpu, i), 8), &s);
    load(cpu, i, v, &s);
}

OP(fld_m80)
{
    u8 bytes[10];
    x87_check(cpu);
    mem_check_aligned(cpu, i->seg, insn_ea(cpu, i), 10, 8, false);
    mem_read_bytes(cpu, i->seg, insn_ea(cpu, i), bytes, sizeof bytes);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    load(cpu, i, (struct float80){load64(bytes), load16(bytes + 8)}, &s);
}

ALWAYS_INLINE void load_int(struct cpu *cpu, const struct insn *i, unsigned size)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    i64 v = sign_extend(mem_read(cpu, i->seg, insn_ea(cpu, i), size), size);
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
    mem_check_aligned(cpu, i->seg, insn_ea(cpu, i), 10, 8, false);
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

/* The constants are rounded by RC: `below` is cut off, `up` says whether the next number is nearer.
 */
static void load_constant(struct cpu *cpu, const struct insn *i, u16 exponent, u64 below, bool up)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    bool add = s.rounding == FP_UP || (s.rounding == FP_NEAREST && up);
    load(cpu, i, (struct float80){below + add, exponent}, &s);
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
    load(cpu, i, (struct float80){0x8000000000000000, 0x3fff}, &s);
}

OP(fldz)
{
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    load(cpu, i, (struct float80){0, 0}, &s);
}

/* ---- stores. Memory is written before anything changes, since the write may fault; an unmasked
 * exception leaves it alone, but not unchecked. */

#define NOT_STORED (FP_PRE | FP_OVERFLOW | FP_UNDERFLOW)

ALWAYS_INLINE void store(struct cpu *cpu, const struct insn *i, u64 value, unsigned size,
                         const struct fp_status *s, bool pop)
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
static NOINLINE void store_empty(struct cpu *cpu, const struct insn *i, u64 indefinite,
                                 unsigned size, bool pop)
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
    struct float80 a = *x87_st(cpu, 0);
    u64 v = size == 4 ? f80_to_f32(a, &s) : f80_to_f64(a, &s);
    store(cpu, i, v, size, &s, pop);
}

ALWAYS_INLINE void store_int(struct cpu *cpu, const struct insn *i, unsigned size, bool pop,
                             bool truncate)
{
    x87_check(cpu);
    if (unlikely(x87_empty(cpu, 0))) {
        store_empty(cpu, i, (u64)1 << (8 * size - 1), size, pop);
        return;
    }
    struct fp_status s = fp_status_x87(cpu->x87.control);
    struct float80 a = *x87_st(cpu, 0);
    if (truncate) {
        s.rounding = FP_ZERO;
    }
    i64 v = size == 2 ? f80_to_i16(a, &s) : size == 4 ? f80_to_i32(a, &s) : f80_to_i64(a, &s);
    store(cpu, i, (u64)v, size, &s, pop);
}

OP(fst_m32)
{
    store_real(cpu, i, 4, false);
}
OP(fstp_m32)
{
    store_real(cpu, i, 4, true);
}
OP(fst_m64)
{
    store_real(cpu, i, 8, false);
}
OP(fstp_m64)
{
    store_real(cpu, i, 8, true);
}
OP(fist_m16)
{
    store_int(cpu, i, 2, false, false);
}
OP(fistp_m16)
{
    store_int(cpu, i, 2, true, false);
}
OP(fist_m32)
{
    store_int(cpu, i, 4, false, false);
}
OP(fistp_m32)
{
    store_int(cpu, i, 4, true, false);
}
OP(fistp_m64)
{
    store_int(cpu, i, 8, true, false);
}
OP(fisttp_m16)
{
    store_int(cpu, i, 2, true, true);
}
OP(fisttp_m32)
{
    store_int(cpu, i, 4, true, true);
}
OP(fisttp_m64)
{
    store_int(cpu, i, 8, true, true);
}

/* The two stores of ten bytes, which always pop. */
static void store_ten(struct cpu *cpu, const struct insn *i, const u8 bytes[10], bool empty,
                      const struct fp_status *s)
{
    mem_check_aligned(cpu, i->seg, insn_ea(cpu, i), 10, 8, true);
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
    struct fp_status s = fp_status_x87(cpu->x87.control);
    bool empty = x87_empty(cpu, 0);
    struct float80 a = empty ? F80_DEFAULT_NAN : *x87_st(cpu, 0);
    store64(bytes, a.mantissa);
    store16(bytes + 8, a.sign_exponent);
    store_ten(cpu, i, bytes, empty, &s);
}

OP(fbstp)
{
    u8 bcd[10];
    x87_check(cpu);
    struct fp_status s = fp_status_x87(cpu->x87.control);
    bool empty = x87_empty(cpu, 0);
    f80_to_bcd(empty ? F80_DEFAULT_NAN : *x87_st(cpu, 0), bcd, &s);
    store_ten(cpu, i, bcd, empty, &s);
}

static void store_st(struct cpu *cpu, const struct insn *i, bool pop)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0))) {
        x87_underflow(cpu, i->rm, pop);
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
    struct float80 t = *x87_st(cpu, 0);
    *x87_st(cpu, 0) = *x87_st(cpu, i->rm);
    *x87_st(cpu, i->rm) = t;
}

/* FCMOVcc: the low two bits of the opcode's register group and DA or DB choose the condition. */
static void move_if(struct cpu *cpu, const struct insn *i, unsigned cc)
{
    x87_check(cpu);
    x87_note(cpu, i);
    if (unlikely(x87_empty(cpu, 0) || x87_empty(cpu, i->rm))) {
        x87_underflow(cpu, 0, false);
        return;
    }
    if (flags_condition(cpu, cc)) {
        x87_set(cpu, 0, *x87_st(cpu, i->rm));
    }
}

OP(fcmovb)
{
    move_if(cpu, i, 2);
}
OP(fcmovnb)
{
    move_if(cpu, i, 3);
}
OP(fcmove)
{
    move_if(cpu, i, 4);
}
OP(fcmovne)
{
    move_if(cpu, i, 5);
}
OP(fcmovbe)
{
    move_if(cpu, i, 6);
}
OP(fcmovnbe)
{
    move_if(cpu, i, 7);
}
OP(fcmovu)
{
    move_if(cpu, i, 10);
}
OP(fcmovnu)
{
    move_if(cpu, i, 11);
}
