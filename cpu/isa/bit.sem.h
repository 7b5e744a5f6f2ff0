/*
 * bit.sem.h: bit tests with an immediate, scans, counts and BMI1/BMI2 bit fields.
 */

static inline __attribute__((always_inline)) val bit_index(struct ctx *c, const struct insn *i, unsigned w)
{
    return v_and(c, 8, op_read(c, i, 1, 1), v_imm(c, 8 * w - 1));
}

static inline __attribute__((always_inline)) void set_bit_flag(struct ctx *c, unsigned w, val a, val n)
{
    set_flags(c, FLAG_CF, v_and(c, w, v_shr(c, w, a, n), v_imm(c, 1)));
}

SEM(bt_imm)
{
    val a = op_read(c, i, w, 0);
    set_bit_flag(c, w, a, bit_index(c, i, w));
}

SEM(bts_imm)
{
    val a = op_rmw(c, i, w, 0);
    val n = bit_index(c, i, w);
    op_write(c, i, w, 0, v_or(c, w, a, v_shl(c, w, v_imm(c, 1), n)));
    set_bit_flag(c, w, a, n);
}

SEM(btr_imm)
{
    val a = op_rmw(c, i, w, 0);
    val n = bit_index(c, i, w);
    op_write(c, i, w, 0, v_and(c, w, a, v_not(c, w, v_shl(c, w, v_imm(c, 1), n))));
    set_bit_flag(c, w, a, n);
}

SEM(btc_imm)
{
    val a = op_rmw(c, i, w, 0);
    val n = bit_index(c, i, w);
    op_write(c, i, w, 0, v_xor(c, w, a, v_shl(c, w, v_imm(c, 1), n)));
    set_bit_flag(c, w, a, n);
}

/* A zero source leaves the destination as it was (APM Vol. 3 BSF, and what Intel's processors do). */
SEM(bsf)
{
    val a = op_read(c, i, w, 1);
    v_if (c, a) {
        op_write(c, i, w, 0, v_ctz(c, w, a));
    }
    set_cc(c, CC_LOGIC, w, a, v_imm(c, 0));
}

SEM(bsr)
{
    val a = op_read(c, i, w, 1);
    v_if (c, a) {
        op_write(c, i, w, 0, v_sub(c, w, v_imm(c, 8 * w - 1), v_clz(c, w, a)));
    }
    set_cc(c, CC_LOGIC, w, a, v_imm(c, 0));
}

SEM(tzcnt)
{
    val a = op_read(c, i, w, 1);
    val r = v_ctz(c, w, a);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_is_zero(c, a));
}

SEM(lzcnt)
{
    val a = op_read(c, i, w, 1);
    val r = v_clz(c, w, a);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_is_zero(c, a));
}

SEM(popcnt)
{
    val a = op_read(c, i, w, 1);
    op_write(c, i, w, 0, v_popcnt(c, a));
    set_flags(c, FLAG_ARITH, v_shl(c, 4, v_is_zero(c, a), v_imm(c, 6)));
}

SEM(andn)
{
    val a = op_read(c, i, w, 1);
    val r = v_and(c, w, v_not(c, w, a), op_read(c, i, w, 2));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_LOGIC, w, r, v_imm(c, 0));
}

SEM(blsr)
{
    val a = op_read(c, i, w, 1);
    val r = v_and(c, w, a, v_sub(c, w, a, v_imm(c, 1)));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_is_zero(c, a));
}

SEM(blsmsk)
{
    val a = op_read(c, i, w, 1);
    val r = v_xor(c, w, a, v_sub(c, w, a, v_imm(c, 1)));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_is_zero(c, a));
}

SEM(blsi)
{
    val a = op_read(c, i, w, 1);
    val r = v_and(c, w, a, v_sub(c, w, v_imm(c, 0), a));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_nonzero(c, a));
}

SEM(bextr)
{
    val a     = op_read(c, i, w, 1);
    val ctl   = op_read(c, i, w, 2);
    val start = v_and(c, 8, ctl, v_imm(c, 0xff));
    val len   = v_and(c, 8, v_shr(c, 8, ctl, v_imm(c, 8)), v_imm(c, 0xff));
    val part  = v_select(c, v_ltu(c, start, v_imm(c, 64)), v_shr(c, 8, a, v_and(c, 8, start, v_imm(c, 63))), v_imm(c, 0));
    val mask  = v_sub(c, 8, v_shl(c, 8, v_imm(c, 1), v_and(c, 8, len, v_imm(c, 63))), v_imm(c, 1));
    val r     = v_select(c, v_ltu(c, len, v_imm(c, 64)), v_and(c, 8, part, mask), part);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_LOGIC, w, r, v_imm(c, 0));
}

SEM(bzhi)
{
    val a    = op_read(c, i, w, 1);
    val n    = v_and(c, 8, op_read(c, i, w, 2), v_imm(c, 0xff));
    val fits = v_ltu(c, n, v_imm(c, 8 * w));
    val mask = v_sub(c, 8, v_shl(c, 8, v_imm(c, 1), v_and(c, 8, n, v_imm(c, 63))), v_imm(c, 1));
    val r    = v_select(c, fits, v_and(c, w, a, mask), a);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_is_zero(c, fits));
}
