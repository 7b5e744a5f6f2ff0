/*
 * build.h: the meanings of isa/ read as "emit IR": a val is an IR reference, v_add appends an op.
 *
 * Widths up to 4 bytes use 32-bit ops, whose results are masked to 8 or 16 bits where they could
 * exceed them. Where a meaning says width 8 of values that have 32 bits ("as numbers"), logic stays
 * at 32 bits and everything else is extended first.
 */
#ifndef TCG_TRANSLATE_BUILD_H
#define TCG_TRANSLATE_BUILD_H

#include "cpu/base/bits.h"
#include "cpu/isa/arith.h"
#include "cpu/isa/form.h"
#include "tcg/ir.h"

typedef struct {
    ir_ref ref;
} val;

struct ctx {
    struct ir *ir;
    struct form form;
    u8 insn;        /* index of the guest instruction */
    u8 code_bytes;  /* 2, 4, 8 */
    u8 stack_bytes; /* of stack addresses: 2, 4, 8 */
    bool limited;   /* the end of CS is near: jumps check it */
    bool near_edge; /* of canonical addresses */
    bool checked;   /* the relative target of this instruction was checked */
    bool writes;    /* memory */
    ir_ref rmw;     /* the load_w that op_write() must write back to */
};

#define SEM(name) static void sem_##name(struct ctx *c, const struct insn *i, const unsigned w)
#define BUILD     static inline

enum { COND_O = 0, COND_B = 2, COND_E = 4 };

#define v_if(c, condition) for (bool open_ = build_if(c, condition); open_; open_ = build_endif(c))

/* ---- appending */

static inline val build(struct ctx *c, struct ir_op op)
{
    op.insn = c->insn;
    return (val){ir_emit(c->ir, op)};
}

static inline val build2(struct ctx *c, enum ir_code code, unsigned width, val a, val b)
{
    return build(c, (struct ir_op){.code = (u8)code, .width = (u8)width, .arg = {a.ref, b.ref}});
}

static inline val build1(struct ctx *c, enum ir_code code, unsigned width, val a)
{
    return build(c, (struct ir_op){.code = (u8)code, .width = (u8)width, .arg = {a.ref}});
}

BUILD val v_imm(struct ctx *c, u64 n)
{
    return (val){ir_constant(c->ir, n)};
}

/* Whether the value fits in 32 bits by its type. */
static inline bool is_narrow(struct ctx *c, val a)
{
    if (ir_is_const(a.ref)) {
        u64 n = ir_const_value(c->ir, a.ref);
        return n == (u32)n;
    }
    return ir_bits(&c->ir->op[a.ref]) == 32;
}

/* The value as an argument of an op of `width`. */
static inline val fit(struct ctx *c, val a, unsigned width)
{
    bool narrow = is_narrow(c, a);
    if (ir_is_const(a.ref)) {
        return width == 8 || narrow ? a : v_imm(c, (u32)ir_const_value(c->ir, a.ref));
    }
    if (width == 8) {
        return narrow ? build1(c, IR_zext32, 8, a) : a;
    }
    return narrow ? a : build1(c, IR_trunc, 4, a);
}

/* The width of ops on operands of w bytes. */
static inline unsigned op_size(unsigned w)
{
    return w == 8 ? 8 : 4;
}

static inline val mask_to(struct ctx *c, unsigned w, val a)
{
    return w >= 4 ? a : build1(c, w == 1 ? IR_zext8 : IR_zext16, 4, a);
}

static inline val binary(struct ctx *c, enum ir_code code, unsigned size, val a, val b)
{
    val x = fit(c, a, size);
    val y = fit(c, b, size);
    return build2(c, code, size, x, y);
}

static inline bool build_if(struct ctx *c, val condition)
{
    build1(c, IR_if, is_narrow(c, condition) ? 4 : 8, condition);
    return true;
}

static inline bool build_endif(struct ctx *c)
{
    build(c, (struct ir_op){.code = IR_endif});
    return false;
}

/* ---- numbers */

#define BUILD_ARITHMETIC(name)                                                                     \
    BUILD val v_##name(struct ctx *c, unsigned w, val a, val b)                                    \
    {                                                                                              \
        return mask_to(c, w, binary(c, IR_##name, op_size(w), a, b));                              \
    }
BUILD_ARITHMETIC(add)
BUILD_ARITHMETIC(sub)
BUILD_ARITHMETIC(mul)

/* 8 and 16 bits: the upper half of a 32-bit product. */
BUILD val v_mulhu(struct ctx *c, unsigned w, val a, val b)
{
    if (w >= 4) {
        return binary(c, IR_mulhu, w, a, b);
    }
    return build2(c, IR_shr, 4, binary(c, IR_mul, 4, a, b), v_imm(c, 8 * w));
}

BUILD val v_mulhs(struct ctx *c, unsigned w, val a, val b)
{
    if (w >= 4) {
        return binary(c, IR_mulhs, w, a, b);
    }
    enum ir_code sext = w == 1 ? IR_sext8 : IR_sext16;
    val x = build1(c, sext, 4, fit(c, a, 4));
    val y = build1(c, sext, 4, fit(c, b, 4));
    return mask_to(c, w, build2(c, IR_shr, 4, build2(c, IR_mul, 4, x, y), v_imm(c, 8 * w)));
}

#define BUILD_LOGIC(name, narrow)                                                                  \
    BUILD val v_##name(struct ctx *c, unsigned w, val a, val b)                                    \
    {                                                                                              \
        bool x = is_narrow(c, a), y = is_narrow(c, b);                                             \
        return binary(c, IR_##name, w == 8 && !(narrow) ? 8 : 4, a, b);                            \
    }
BUILD_LOGIC(and, x || y)
BUILD_LOGIC(or, x &&y)
BUILD_LOGIC(xor, x &&y)

static inline val build_shift(struct ctx *c, enum ir_code code, unsigned size, val a, val n)
{
    return build2(c, code, size, fit(c, a, size), n);
}

static inline val signed_from(struct ctx *c, unsigned w, val a, unsigned size)
{
    static const u8 codes[5] = {0, IR_sext8, IR_sext16, 0, IR_sext32};
    return w >= size ? fit(c, a, size) : build1(c, (enum ir_code)codes[w], size, fit(c, a, 4));
}

BUILD val v_shl(struct ctx *c, unsigned w, val a, val n)
{
    return mask_to(c, w, build_shift(c, IR_shl, op_size(w), a, n));
}

BUILD val v_shr(struct ctx *c, unsigned w, val a, val n)
{
    return build_shift(c, IR_shr, op_size(w), a, n);
}

BUILD val v_sar(struct ctx *c, unsigned w, val a, val n)
{
    return mask_to(c, w, build_shift(c, IR_sar, op_size(w), signed_from(c, w, a, op_size(w)), n));
}

/* n is below the bits of the width */
BUILD val v_rol(struct ctx *c, unsigned w, val a, val n)
{
    if (w >= 4) {
        return build_shift(c, IR_rol, w, a, n);
    }
    val up = build_shift(c, IR_shl, 4, a, n);
    val back = build2(c, IR_sub, 4, v_imm(c, 8 * w), n);
    val down = build_shift(c, IR_shr, 4, a, back);
    return mask_to(c, w, build2(c, IR_or, 4, up, down));
}

#define BUILD_MUL_FLAGS(name)                                                                      \
    BUILD val v_##name(struct ctx *c, unsigned w, val a, val b)                                    \
    {                                                                                              \
        val x = fit(c, a, op_size(w));                                                             \
        val y = fit(c, b, op_size(w));                                                             \
        return build2(c, IR_##name, w, x, y);                                                      \
    }
BUILD_MUL_FLAGS(mulu_flags)
BUILD_MUL_FLAGS(muls_flags)

#define BUILD_SHIFT_FLAGS(name)                                                                    \
    BUILD val v_##name(struct ctx *c, unsigned w, val a, val n)                                    \
    {                                                                                              \
        return build2(c, IR_##name, w, fit(c, a, op_size(w)), n);                                  \
    }
BUILD_SHIFT_FLAGS(shl_flags)
BUILD_SHIFT_FLAGS(shr_flags)
BUILD_SHIFT_FLAGS(sar_flags)

BUILD val v_not(struct ctx *c, unsigned w, val a)
{
    return binary(c, IR_xor, op_size(w), a, v_imm(c, arith_mask(w)));
}

BUILD val v_trunc(struct ctx *c, unsigned w, val a)
{
    return w == 8 ? a : mask_to(c, w, fit(c, a, 4));
}

BUILD val v_sext(struct ctx *c, unsigned w, val a)
{
    return signed_from(c, w, a, 8);
}

BUILD val v_msb(struct ctx *c, unsigned w, val a)
{
    return build_shift(c, IR_shr, op_size(w), a, v_imm(c, 8 * w - 1));
}

BUILD val v_bswap(struct ctx *c, unsigned w, val a)
{
    val r = build1(c, IR_bswap, op_size(w), fit(c, a, op_size(w)));
    return w == 2 ? build2(c, IR_shr, 4, r, v_imm(c, 16)) : r;
}

static inline val test_of(struct ctx *c, enum ir_code code, val a)
{
    return build1(c, code, is_narrow(c, a) ? 4 : 8, a);
}

BUILD val v_nonzero(struct ctx *c, val a)
{
    return test_of(c, IR_nonzero, a);
}

BUILD val v_is_zero(struct ctx *c, val a)
{
    return test_of(c, IR_is_zero, a);
}

static inline unsigned common_size(struct ctx *c, val a, val b)
{
    return is_narrow(c, a) && is_narrow(c, b) ? 4 : 8;
}

BUILD val v_ltu(struct ctx *c, val a, val b)
{
    return binary(c, IR_ltu, common_size(c, a, b), a, b);
}

BUILD val v_select(struct ctx *c, val condition, val yes, val no)
{
    unsigned size = common_size(c, yes, no);
    val k = is_narrow(c, condition) ? condition : v_nonzero(c, condition);
    val a = fit(c, yes, size);
    val b = fit(c, no, size);
    return build(
        c, (struct ir_op){.code = IR_select, .width = (u8)size, .arg = {k.ref, a.ref, b.ref}});
}

/* Zeroes within w bytes: a bit set above them bounds the search from below, leaving them out bounds
 * it from above. */
BUILD val v_ctz(struct ctx *c, unsigned w, val a)
{
    val bounded = w >= 4 ? fit(c, a, w) : build2(c, IR_or, 4, a, v_imm(c, BIT(8 * w)));
    return build1(c, IR_ctz, op_size(w), bounded);
}

BUILD val v_clz(struct ctx *c, unsigned w, val a)
{
    val n = build1(c, IR_clz, op_size(w), fit(c, a, op_size(w)));
    return w >= 4 ? n : build2(c, IR_sub, 4, n, v_imm(c, 32 - 8 * w));
}

BUILD val v_popcnt(struct ctx *c, val a)
{
    return build1(c, IR_popcnt, is_narrow(c, a) ? 4 : 8, a);
}

static inline val build_double(struct ctx *c, enum ir_code code, unsigned w, val a, val b, val n)
{
    val x = fit(c, a, w);
    val y = fit(c, b, w);
    return build(c, (struct ir_op){.code = (u8)code, .width = (u8)w, .arg = {x.ref, y.ref, n.ref}});
}

/* a:b:a in 48 bits: 16-bit double shifts by more than 16 take their bits from the destination again
 */
static inline val triple16(struct ctx *c, val a, val b)
{
    val top = build2(c, IR_shl, 8, fit(c, a, 8), v_imm(c, 32));
    val low = build2(c, IR_or, 4, build2(c, IR_shl, 4, b, v_imm(c, 16)), a);
    return build2(c, IR_or, 8, top, fit(c, low, 8));
}

BUILD val v_double_left(struct ctx *c, unsigned w, val a, val b, val n)
{
    if (w >= 4) {
        return build_double(c, IR_shld, w, a, b, n);
    }
    val shifted = build2(c, IR_shl, 8, triple16(c, a, b), n);
    return v_trunc(c, 2, build2(c, IR_shr, 8, shifted, v_imm(c, 32)));
}

BUILD val v_double_right(struct ctx *c, unsigned w, val a, val b, val n)
{
    if (w >= 4) {
        return build_double(c, IR_shrd, w, a, b, n);
    }
    return v_trunc(c, 2, build2(c, IR_shr, 8, triple16(c, a, b), n));
}

/* ---- flags */

BUILD val v_cond(struct ctx *c, unsigned cc)
{
    return build(c, (struct ir_op){.code = IR_cond, .aux = (u8)cc});
}

BUILD val v_flags(struct ctx *c)
{
    return build(c, (struct ir_op){.code = IR_flags});
}

static inline val flags_of(struct ctx *c, enum ir_code code, unsigned w, val a, val b, val r)
{
    val x = fit(c, a, op_size(w));
    val y = fit(c, b, op_size(w));
    val z = fit(c, r, op_size(w));
    return build(c, (struct ir_op){.code = (u8)code, .width = (u8)w, .arg = {x.ref, y.ref, z.ref}});
}

BUILD val v_add_flags(struct ctx *c, unsigned w, val a, val b, val r)
{
    return flags_of(c, IR_add_flags, w, a, b, r);
}

BUILD val v_sub_flags(struct ctx *c, unsigned w, val a, val b, val r)
{
    return flags_of(c, IR_sub_flags, w, a, b, r);
}

BUILD void set_cc(struct ctx *c, enum cc_kind kind, unsigned w, val result, val source)
{
    val r = fit(c, result, op_size(w));
    build(c, (struct ir_op){.code = IR_set_cc,
                            .width = (u8)w,
                            .aux = (u8)kind,
                            .imm = IR_FLAGS_IMM(FLAG_ARITH, FLAG_ARITH),
                            .arg = {r.ref, source.ref}});
}

BUILD void set_flags(struct ctx *c, u32 mask, val flags)
{
    val f = fit(c, flags, 4);
    build(c, (struct ir_op){.code = IR_set_flags, .imm = IR_FLAGS_IMM(mask, mask), .arg = {f.ref}});
}

BUILD void set_df(struct ctx *c, bool down)
{
    build(c, (struct ir_op){.code = IR_set_df, .aux = down});
}

BUILD val v_df(struct ctx *c)
{
    return build(c, (struct ir_op){.code = IR_df});
}

/* ---- registers */

static inline val get_reg(struct ctx *c, unsigned offset, unsigned w)
{
    return build(c, (struct ir_op){.code = IR_get_reg, .width = (u8)w, .imm = offset});
}

static inline void set_reg(struct ctx *c, unsigned offset, unsigned w, val v)
{
    val a = fit(c, v, op_size(w));
    build(c, (struct ir_op){.code = IR_set_reg, .width = (u8)w, .imm = offset, .arg = {a.ref}});
}

BUILD val reg_read(struct ctx *c, unsigned reg, unsigned w)
{
    return get_reg(c, reg * 8, w);
}

BUILD void reg_write(struct ctx *c, unsigned reg, unsigned w, val v)
{
    set_reg(c, reg * 8, w, v);
}

BUILD val reg_read_high(struct ctx *c, unsigned reg)
{
    return get_reg(c, reg * 8 + 1, 1);
}

BUILD void reg_write_high(struct ctx *c, unsigned reg, val v)
{
    set_reg(c, reg * 8 + 1, 1, v);
}

/* ---- memory */

static inline val load(struct ctx *c, enum ir_code code, unsigned seg, unsigned w, val at)
{
    return build(c,
                 (struct ir_op){.code = (u8)code, .width = (u8)w, .aux = (u8)seg, .arg = {at.ref}});
}

static inline void store(struct ctx *c, unsigned seg, unsigned w, val at, val v)
{
    val a = fit(c, v, op_size(w));
    c->writes = true;
    build(c,
          (struct ir_op){.code = IR_store, .width = (u8)w, .aux = (u8)seg, .arg = {at.ref, a.ref}});
}

BUILD val seg_read(struct ctx *c, const struct insn *i, unsigned seg, unsigned w, val at)
{
    (void)i;
    return load(c, IR_load, seg, w, at);
}

BUILD void seg_write(struct ctx *c, const struct insn *i, unsigned seg, unsigned w, val at, val v)
{
    (void)i;
    store(c, seg, w, at, v);
}

/* ES, as string instructions use it. */
static inline unsigned target_segment(const struct ctx *c)
{
    return c->code_bytes == 8 ? SEG_FLAT : SEG_ES;
}

BUILD val op_address(struct ctx *c, const struct insn *i)
{
    unsigned w = i->asize;
    val base = i->base == R_ZERO ? v_imm(c, 0) : get_reg(c, i->base * 8u, w);
    val disp = v_imm(c, (u64)i->disp & arith_mask(w));
    if (i->index == R_ZERO) {
        return i->base == R_ZERO ? disp : i->disp ? v_add(c, w, base, disp) : base;
    }
    val index = get_reg(c, i->index * 8u, w);
    return build(c, (struct ir_op){.code = IR_ea,
                                   .width = (u8)w,
                                   .aux = i->scale,
                                   .arg = {base.ref, index.ref, disp.ref}});
}

BUILD val op_read(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    unsigned width = form_width(&c->form, w, k);
    if (form_is_immediate(&c->form, k)) {
        return v_imm(c, i->imm & arith_mask(w));
    }
    if (form_is_memory(&c->form, k)) {
        return load(c, IR_load, i->seg, width, op_address(c, i));
    }
    return get_reg(c, form_register(&c->form, i, k), width);
}

BUILD val op_rmw(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    if (!form_is_memory(&c->form, k)) {
        return op_read(c, i, w, k);
    }
    val v = load(c, IR_load_w, i->seg, w, op_address(c, i));
    c->rmw = v.ref;
    return v;
}

BUILD void op_write(struct ctx *c, const struct insn *i, unsigned w, unsigned k, val v)
{
    unsigned width = form_width(&c->form, w, k);
    if (!form_is_memory(&c->form, k)) {
        set_reg(c, form_register(&c->form, i, k), width, v);
    } else if (c->rmw != IR_ABSENT) {
        c->writes = true;
        build2(c, IR_store_w, w, (val){c->rmw}, fit(c, v, op_size(w)));
    } else {
        store(c, i->seg, width, op_address(c, i), v);
    }
}

/* ---- stack */

static inline unsigned stack_segment_of(const struct ctx *c)
{
    return c->code_bytes == 8 ? SEG_FLAT_STACK : SEG_SS;
}

BUILD val stack_register(struct ctx *c, unsigned reg)
{
    return get_reg(c, reg * 8, c->stack_bytes);
}

BUILD val stack_pointer(struct ctx *c)
{
    return stack_register(c, R_SP);
}

BUILD val stack_add(struct ctx *c, val sp, u64 n)
{
    return v_add(c, c->stack_bytes, sp, v_imm(c, n & arith_mask(c->stack_bytes)));
}

BUILD void set_stack_pointer(struct ctx *c, val sp)
{
    set_reg(c, R_SP * 8, c->stack_bytes, sp);
}

BUILD val read_stack(struct ctx *c, const struct insn *i, unsigned w, val at)
{
    (void)i;
    return load(c, IR_load, stack_segment_of(c), w, at);
}

BUILD void push(struct ctx *c, const struct insn *i, unsigned w, val v)
{
    (void)i;
    val sp = stack_add(c, stack_pointer(c), -(u64)w);
    store(c, stack_segment_of(c), w, sp, v);
    set_stack_pointer(c, sp);
}

/* ---- jumps */

/* R_IPBASE + offset, modulo w bytes */
static inline val ip_at(struct ctx *c, u64 offset, unsigned w)
{
    unsigned size = op_size(w);
    return v_add(c, w, get_reg(c, R_IPBASE * 8, size), v_imm(c, offset & arith_mask(size)));
}

BUILD val next_ip(struct ctx *c, const struct insn *i)
{
    return ip_at(c, i->offset + i->length, op_size(c->code_bytes));
}

BUILD void check_target(struct ctx *c, const struct insn *i, val target)
{
    (void)i;
    build1(c, IR_check_target, is_narrow(c, target) ? 4 : 8, target);
}

static inline u64 target_offset(const struct insn *i)
{
    return i->offset + i->length + i->imm;
}

/* A 32-bit IP cannot leave an unlimited CS, and a jump inside its page cannot leave canonical
 * addresses. */
BUILD void check_relative(struct ctx *c, const struct insn *i)
{
    bool leaves = c->code_bytes == 8 && c->near_edge && target_offset(i) >= PAGE_SIZE;
    if ((c->limited || leaves) && !c->checked) {
        check_target(c, i, ip_at(c, target_offset(i), i->opsize));
    }
    c->checked = true;
}

BUILD void jump(struct ctx *c, const struct insn *i, val target)
{
    (void)i;
    build1(c, IR_jump, is_narrow(c, target) ? 4 : 8, target);
}

BUILD void jump_relative(struct ctx *c, const struct insn *i)
{
    check_relative(c, i);
    if (i->opsize == 2) {
        jump(c, i, ip_at(c, target_offset(i), 2));
    } else {
        build1(c, IR_jump_rel, i->opsize, v_imm(c, target_offset(i)));
    }
}

#endif
