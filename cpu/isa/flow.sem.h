/*
 * flow.sem.h: the stack, near jumps, calls and returns.
 */

SEM(push)
{
    val v = op_read(c, i, w, 0);
    push(c, i, w, v);
}

SEM(pop)
{
    val v = read_stack(c, i, w, stack_pointer(c));
    set_stack_pointer(c, stack_add(c, stack_pointer(c), w));
    op_write(c, i, w, 0, v);
}

SEM(leave)
{
    val bp = stack_register(c, R_BP);
    val v  = read_stack(c, i, w, bp);
    set_stack_pointer(c, stack_add(c, bp, w));
    reg_write(c, R_BP, w, v);
}

SEM(jmp_rel)
{
    (void)w;
    jump_relative(c, i);
}

SEM(jcc)
{
    (void)w;
    v_if (c, v_cond(c, form_condition(&c->form))) {
        jump_relative(c, i);
    }
}

SEM(call_rel)
{
    check_relative(c, i); /* before the push: a bad target faults with nothing changed */
    push(c, i, w, v_trunc(c, w, next_ip(c, i)));
    jump_relative(c, i);
}

SEM(jmp_abs)
{
    val target = op_read(c, i, w, 0);
    check_target(c, i, target);
    jump(c, i, target);
}

SEM(call_abs)
{
    val target = op_read(c, i, w, 0);
    check_target(c, i, target);
    push(c, i, w, v_trunc(c, w, next_ip(c, i)));
    jump(c, i, target);
}

SEM(ret)
{
    val target = read_stack(c, i, w, stack_pointer(c));
    check_target(c, i, target);
    set_stack_pointer(c, stack_add(c, stack_pointer(c), w + i->imm));
    jump(c, i, target);
}

/* LOOP and JrCXZ count in CX, ECX or RCX by address size. */
static inline __attribute__((always_inline)) val count_down(struct ctx *c, const struct insn *i)
{
    return v_sub(c, i->asize, reg_read(c, R_CX, i->asize), v_imm(c, 1));
}

SEM(loop)
{
    (void)w;
    val n     = count_down(c, i);
    val taken = n;
    v_if (c, taken) {
        check_relative(c, i);
    }
    reg_write(c, R_CX, i->asize, n);
    v_if (c, taken) {
        jump_relative(c, i);
    }
}

SEM(loope)
{
    (void)w;
    val n     = count_down(c, i);
    val taken = v_and(c, 8, v_nonzero(c, n), v_cond(c, COND_E));
    v_if (c, taken) {
        check_relative(c, i);
    }
    reg_write(c, R_CX, i->asize, n);
    v_if (c, taken) {
        jump_relative(c, i);
    }
}

SEM(loopne)
{
    (void)w;
    val n     = count_down(c, i);
    val taken = v_and(c, 8, v_nonzero(c, n), v_is_zero(c, v_cond(c, COND_E)));
    v_if (c, taken) {
        check_relative(c, i);
    }
    reg_write(c, R_CX, i->asize, n);
    v_if (c, taken) {
        jump_relative(c, i);
    }
}

SEM(jrcxz)
{
    (void)w;
    v_if (c, v_is_zero(c, reg_read(c, R_CX, i->asize))) {
        jump_relative(c, i);
    }
}
