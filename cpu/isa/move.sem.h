/*
 * move.sem.h: moves, extensions, exchanges, conditional moves, flag moves.
 */

SEM(nop)
{
    (void)c;
    (void)i;
    (void)w;
}

SEM(mov)
{
    op_write(c, i, w, 0, op_read(c, i, w, 1));
}

SEM(lea)
{
    op_write(c, i, w, 0, v_trunc(c, w, op_address(c, i)));
}

SEM(movzx)
{
    op_write(c, i, w, 0, op_read(c, i, w, 1));
}

SEM(movsx)
{
    val a = op_read(c, i, w, 1);
    op_write(c, i, w, 0, v_trunc(c, w, v_sext(c, form_width(&c->form, w, 1), a)));
}

SEM(movsxd)
{
    val a = op_read(c, i, w, 1);
    op_write(c, i, w, 0, v_trunc(c, w, v_sext(c, 4, a)));
}

SEM(xchg)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    op_write(c, i, w, 0, b);
    op_write(c, i, w, 1, a);
}

/* 90 without REX.B is NOP: it does not even clear the upper half of RAX. */
SEM(xchg_ax)
{
    if (form_register(&c->form, i, 0) != R_AX * 8) {
        val a = op_read(c, i, w, 0);
        val b = op_read(c, i, w, 1);
        op_write(c, i, w, 0, b);
        op_write(c, i, w, 1, a);
    }
}

SEM(movbe)
{
    op_write(c, i, w, 0, v_bswap(c, w, op_read(c, i, w, 1)));
}

SEM(bswap)
{
    /* the result for 16 bits is undefined; ours is zero, as on the processors that we know */
    val a = op_read(c, i, w, 0);
    op_write(c, i, w, 0, w == 2 ? v_imm(c, 0) : v_bswap(c, w, a));
}

SEM(setcc)
{
    op_write(c, i, w, 0, v_cond(c, form_condition(&c->form)));
}

SEM(cmovcc)
{
    val b = op_read(c, i, w, 1);
    val a = op_read(c, i, w, 0);
    op_write(c, i, w, 0, v_select(c, v_cond(c, form_condition(&c->form)), b, a));
}

/* CBW, CWDE, CDQE */
SEM(cbw)
{
    reg_write(c, R_AX, w, v_trunc(c, w, v_sext(c, w / 2, reg_read(c, R_AX, w / 2))));
    (void)i;
}

/* CWD, CDQ, CQO */
SEM(cwd)
{
    val a = reg_read(c, R_AX, w);
    reg_write(c, R_DX, w, v_sar(c, w, a, v_imm(c, 8 * w - 1)));
    (void)i;
}

SEM(lahf)
{
    val f = v_or(c, 8, v_and(c, 8, v_flags(c), v_imm(c, 0xd5)), v_imm(c, FLAG_1));
    reg_write_high(c, R_AX, f);
    (void)i;
    (void)w;
}

SEM(sahf)
{
    set_flags(c, FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF, reg_read_high(c, R_AX));
    (void)i;
    (void)w;
}

SEM(clc)
{
    set_flags(c, FLAG_CF, v_imm(c, 0));
    (void)i;
    (void)w;
}

SEM(stc)
{
    set_flags(c, FLAG_CF, v_imm(c, FLAG_CF));
    (void)i;
    (void)w;
}

SEM(cmc)
{
    set_flags(c, FLAG_CF, v_is_zero(c, v_cond(c, COND_B)));
    (void)i;
    (void)w;
}

SEM(cld)
{
    set_df(c, false);
    (void)i;
    (void)w;
}

SEM(std)
{
    set_df(c, true);
    (void)i;
    (void)w;
}
