/*
 * alu.sem.h: addition, logic, comparison, increments. SDM Vol. 2, each instruction's page.
 */

SEM(add)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val r = v_add(c, w, a, b);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_ADD, w, r, b);
}

SEM(sub)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val r = v_sub(c, w, a, b);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_SUB, w, r, b);
}

SEM(adc)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val r = v_add(c, w, v_add(c, w, a, b), v_cond(c, COND_B));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_add_flags(c, w, a, b, r));
}

SEM(sbb)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val r = v_sub(c, w, v_sub(c, w, a, b), v_cond(c, COND_B));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_BITS, w, r, v_sub_flags(c, w, a, b, r));
}

SEM(and)
{
    val a = op_rmw(c, i, w, 0);
    val r = v_and(c, w, a, op_read(c, i, w, 1));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_LOGIC, w, r, v_imm(c, 0));
}

SEM(or)
{
    val a = op_rmw(c, i, w, 0);
    val r = v_or(c, w, a, op_read(c, i, w, 1));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_LOGIC, w, r, v_imm(c, 0));
}

SEM(xor)
{
    val a = op_rmw(c, i, w, 0);
    val r = v_xor(c, w, a, op_read(c, i, w, 1));
    op_write(c, i, w, 0, r);
    set_cc(c, CC_LOGIC, w, r, v_imm(c, 0));
}

SEM(cmp)
{
    val a = op_read(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    set_cc(c, CC_SUB, w, v_sub(c, w, a, b), b);
}

SEM(test)
{
    val a = op_read(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    set_cc(c, CC_LOGIC, w, v_and(c, w, a, b), v_imm(c, 0));
}

SEM(inc)
{
    val a  = op_rmw(c, i, w, 0);
    val r  = v_add(c, w, a, v_imm(c, 1));
    val cf = v_cond(c, COND_B);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_INC, w, r, cf);
}

SEM(dec)
{
    val a  = op_rmw(c, i, w, 0);
    val r  = v_sub(c, w, a, v_imm(c, 1));
    val cf = v_cond(c, COND_B);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_DEC, w, r, cf);
}

SEM(neg)
{
    val a = op_rmw(c, i, w, 0);
    val r = v_sub(c, w, v_imm(c, 0), a);
    op_write(c, i, w, 0, r);
    set_cc(c, CC_SUB, w, r, a);
}

SEM(not)
{
    val a = op_rmw(c, i, w, 0);
    op_write(c, i, w, 0, v_not(c, w, a));
}

SEM(xadd)
{
    val a = op_rmw(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val r = v_add(c, w, a, b);
    if (form_is_memory(&c->form, 0)) { /* memory first: it may fault */
        op_write(c, i, w, 0, r);
        op_write(c, i, w, 1, a);
    } else { /* register to itself: the sum stays */
        op_write(c, i, w, 1, a);
        op_write(c, i, w, 0, r);
    }
    set_cc(c, CC_ADD, w, r, b);
}

SEM(cmpxchg)
{
    val a     = op_rmw(c, i, w, 0);
    val acc   = reg_read(c, R_AX, w);
    val diff  = v_sub(c, w, acc, a);
    val equal = v_is_zero(c, diff);
    val src   = op_read(c, i, w, 1);
    if (c->form.mem) {
        op_write(c, i, w, 0, v_select(c, equal, src, a)); /* written in both cases: SDM Vol. 2 CMPXCHG */
    } else {
        v_if (c, equal) { /* a register that keeps its value keeps its upper half too */
            op_write(c, i, w, 0, src);
        }
    }
    v_if (c, v_is_zero(c, equal)) {
        reg_write(c, R_AX, w, a);
    }
    set_cc(c, CC_SUB, w, diff, a);
}

/* ADCX and ADOX touch one flag only. */
SEM(adcx)
{
    val a = op_read(c, i, w, 0);
    val b = op_read(c, i, w, 1);
    val r = v_add(c, w, v_add(c, w, a, b), v_cond(c, COND_B));
    val f = v_add_flags(c, w, a, b, r);
    op_write(c, i, w, 0, r);
    set_flags(c, FLAG_CF, f);
}

SEM(adox)
{
    val a  = op_read(c, i, w, 0);
    val b  = op_read(c, i, w, 1);
    val r  = v_add(c, w, v_add(c, w, a, b), v_cond(c, COND_O));
    val cf = v_and(c, 8, v_add_flags(c, w, a, b, r), v_imm(c, FLAG_CF));
    op_write(c, i, w, 0, r);
    set_flags(c, FLAG_OF, v_shl(c, 4, cf, v_imm(c, 11)));
}
