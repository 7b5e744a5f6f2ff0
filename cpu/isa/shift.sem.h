/*
 * shift.sem.h: shifts, rotates and double shifts.
 *
 * Counts are masked to 5 bits, 6 for 64-bit operands; a masked count of zero leaves the flags alone (SDM Vol. 2 SAL/SAR/SHL/SHR,
 * RCL/RCR/ROL/ROR, SHLD, SHRD). What the manual leaves undefined: OF of a count above 1 follows the result (arith.h), AF is 0.
 */

static inline __attribute__((always_inline)) val shift_count(struct ctx *c, const struct insn *i, unsigned w, unsigned k)
{
    return v_and(c, 8, op_read(c, i, 1, k), v_imm(c, w == 8 ? 63 : 31));
}

/* CF in bit 0, OF at its place: a bit of 0 or 1 each. */
static inline __attribute__((always_inline)) val cf_of(struct ctx *c, val cf, val of)
{
    return v_or(c, 8, cf, v_shl(c, 4, of, v_imm(c, 11)));
}

SEM(shl)
{
    val a = op_rmw(c, i, w, 0); /* probes for write first: #PF reports W=1, for a zero count too */
    val n = shift_count(c, i, w, 1);
    val r = v_shl(c, w, a, n);
    op_write(c, i, w, 0, r); /* for a zero count too: a 32-bit register still loses its upper half */
    v_if (c, n) {
        set_cc(c, CC_BITS, w, r, v_shl_flags(c, w, a, n));
    }
}

SEM(shr)
{
    val a = op_rmw(c, i, w, 0);
    val n = shift_count(c, i, w, 1);
    val r = v_shr(c, w, a, n);
    op_write(c, i, w, 0, r);
    v_if (c, n) {
        set_cc(c, CC_BITS, w, r, v_shr_flags(c, w, a, n));
    }
}

SEM(sar)
{
    val a = op_rmw(c, i, w, 0);
    val n = shift_count(c, i, w, 1);
    val r = v_sar(c, w, a, n);
    op_write(c, i, w, 0, r);
    v_if (c, n) {
        set_cc(c, CC_BITS, w, r, v_sar_flags(c, w, a, n));
    }
}

SEM(rol)
{
    val a = op_rmw(c, i, w, 0);
    val n = shift_count(c, i, w, 1);
    val r = v_rol(c, w, a, v_and(c, 8, n, v_imm(c, 8 * w - 1)));
    op_write(c, i, w, 0, r);
    v_if (c, n) {
        val cf = v_and(c, 8, r, v_imm(c, 1));
        set_flags(c, FLAG_CF | FLAG_OF, cf_of(c, cf, v_xor(c, 8, v_msb(c, w, r), cf)));
    }
}

SEM(ror)
{
    val a = op_rmw(c, i, w, 0);
    val n = shift_count(c, i, w, 1);
    val r = v_rol(c, w, a, v_and(c, 8, v_sub(c, 4, v_imm(c, 8 * w), n), v_imm(c, 8 * w - 1)));
    op_write(c, i, w, 0, r);
    v_if (c, n) {
        val cf   = v_msb(c, w, r);
        val next = v_msb(c, w, v_shl(c, w, r, v_imm(c, 1)));
        set_flags(c, FLAG_CF | FLAG_OF, cf_of(c, cf, v_xor(c, 8, cf, next)));
    }
}

/* 16-bit double shifts by more than 16 take their bits from the destination again. */
SEM(shld)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val n = shift_count(c, i, w, 2);
    val r = v_double_left(c, w, a, b, n);
    op_write(c, i, w, 0, r);
    v_if (c, n) {
        val before = v_double_left(c, w, a, b, v_sub(c, 4, n, v_imm(c, 1)));
        val cf     = v_msb(c, w, before);
        set_cc(c, CC_BITS, w, r, cf_of(c, cf, v_xor(c, 8, v_msb(c, w, r), v_msb(c, w, a))));
    }
}

SEM(shrd)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val n = shift_count(c, i, w, 2);
    val r = v_double_right(c, w, a, b, n);
    op_write(c, i, w, 0, r);
    v_if (c, n) {
        val before = v_double_right(c, w, a, b, v_sub(c, 4, n, v_imm(c, 1)));
        val cf     = v_and(c, 8, before, v_imm(c, 1));
        set_cc(c, CC_BITS, w, r, cf_of(c, cf, v_xor(c, 8, v_msb(c, w, r), v_msb(c, w, a))));
    }
}

/* BMI2: no flags */
SEM(shlx)
{
    val a = op_read(c, i, w, 1);
    op_write(c, i, w, 0, v_shl(c, w, a, shift_count(c, i, w, 2)));
}

SEM(shrx)
{
    val a = op_read(c, i, w, 1);
    op_write(c, i, w, 0, v_shr(c, w, a, shift_count(c, i, w, 2)));
}

SEM(sarx)
{
    val a = op_read(c, i, w, 1);
    op_write(c, i, w, 0, v_sar(c, w, a, shift_count(c, i, w, 2)));
}

SEM(rorx)
{
    val a = op_read(c, i, w, 1);
    val n = v_sub(c, 4, v_imm(c, 8 * w), v_and(c, 8, op_read(c, i, 1, 2), v_imm(c, 8 * w - 1)));
    op_write(c, i, w, 0, v_rol(c, w, a, v_and(c, 8, n, v_imm(c, 8 * w - 1))));
}
