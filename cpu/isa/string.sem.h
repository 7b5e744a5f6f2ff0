/*
 * string.sem.h: MOVS, STOS, LODS, SCAS and CMPS without REP; with it they are OPs (op/string.c).
 */

/* Moves an index register on by an element, up or down. */
static inline __attribute__((always_inline)) void string_advance(struct ctx *c, const struct insn *i, unsigned reg, val step)
{
    reg_write(c, reg, i->asize, v_add(c, i->asize, reg_read(c, reg, i->asize), step));
}

static inline __attribute__((always_inline)) val string_step(struct ctx *c, const struct insn *i, unsigned w)
{
    return v_select(c, v_df(c), v_imm(c, -(u64)w & arith_mask(i->asize)), v_imm(c, w));
}

SEM(movs)
{
    val step = string_step(c, i, w);
    val v    = seg_read(c, i, i->seg, w, reg_read(c, R_SI, i->asize));
    seg_write(c, i, target_segment(c), w, reg_read(c, R_DI, i->asize), v);
    string_advance(c, i, R_SI, step);
    string_advance(c, i, R_DI, step);
}

SEM(stos)
{
    val step = string_step(c, i, w);
    val v    = reg_read(c, R_AX, w);
    seg_write(c, i, target_segment(c), w, reg_read(c, R_DI, i->asize), v);
    string_advance(c, i, R_DI, step);
}

SEM(lods)
{
    val step = string_step(c, i, w);
    val v    = seg_read(c, i, i->seg, w, reg_read(c, R_SI, i->asize));
    reg_write(c, R_AX, w, v);
    string_advance(c, i, R_SI, step);
}

SEM(scas)
{
    val step = string_step(c, i, w);
    val a    = reg_read(c, R_AX, w);
    val b    = seg_read(c, i, target_segment(c), w, reg_read(c, R_DI, i->asize));
    string_advance(c, i, R_DI, step);
    set_cc(c, CC_SUB, w, v_sub(c, w, a, b), b);
}

SEM(cmps)
{
    val step = string_step(c, i, w);
    val a    = seg_read(c, i, i->seg, w, reg_read(c, R_SI, i->asize));
    val b    = seg_read(c, i, target_segment(c), w, reg_read(c, R_DI, i->asize));
    string_advance(c, i, R_SI, step);
    string_advance(c, i, R_DI, step);
    set_cc(c, CC_SUB, w, v_sub(c, w, a, b), b);
}
