/*
 * muldiv.sem.h: multiplication. CF and OF say that the upper half is significant (SDM Vol. 2 MUL, IMUL); SF, ZF and PF, undefined,
 * follow the lower half, AF is 0.
 */

static inline __attribute__((always_inline)) void write_product(struct ctx *c, unsigned w, val low, val hi)
{
    if (w == 1) {
        reg_write(c, R_AX, 2, v_or(c, 8, low, v_shl(c, 4, hi, v_imm(c, 8))));
    } else {
        reg_write(c, R_AX, w, low);
        reg_write(c, R_DX, w, hi);
    }
}

SEM(mul)
{
    val a   = reg_read(c, R_AX, w);
    val b   = op_read(c, i, w, 0);
    val low = v_mul(c, w, a, b);
    val hi  = v_mulhu(c, w, a, b);
    write_product(c, w, low, hi);
    set_cc(c, CC_BITS, w, low, v_mulu_flags(c, w, a, b));
}

SEM(imul1)
{
    val a   = reg_read(c, R_AX, w);
    val b   = op_read(c, i, w, 0);
    val low = v_mul(c, w, a, b);
    val hi  = v_mulhs(c, w, a, b);
    write_product(c, w, low, hi);
    set_cc(c, CC_BITS, w, low, v_muls_flags(c, w, a, b));
}

static inline __attribute__((always_inline)) void imul(struct ctx *c, const struct insn *i, unsigned w, val a, val b)
{
    val low = v_mul(c, w, a, b);
    op_write(c, i, w, 0, low);
    set_cc(c, CC_BITS, w, low, v_muls_flags(c, w, a, b));
}

SEM(imul2)
{
    val b = op_read(c, i, w, 1);
    imul(c, i, w, op_read(c, i, w, 0), b);
}

SEM(imul3)
{
    val a = op_read(c, i, w, 1);
    imul(c, i, w, a, op_read(c, i, w, 2));
}
