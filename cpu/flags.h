/*
 * flags.h: lazy arithmetic flags: what set_cc() keeps, and how each flag is read back.
 *
 * struct cpu never holds another form. `result` and `source` are zero-extended to the width.
 */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "cpu/state.h"

enum cc_kind {
    CC_EFLAGS, /* source: the six flags as in EFLAGS; result unused */
    CC_BITS,   /* SF, ZF, PF from result; CF, AF, OF as in EFLAGS in source */
    CC_LOGIC,  /* from result; CF = OF = AF = 0 */
    CC_ADD,    /* result = a + b, source = b */
    CC_SUB,    /* result = a - b, source = b */
    CC_INC,    /* result = a + 1, source = CF before (0 or 1) */
    CC_DEC,    /* result = a - 1, source = CF before */
    CC_LAHF,   /* source, in its low 16 bits: OF in bit 0; from bit 8 on the others, as LAHF has them */
};

#define CC_OP(kind, log2_width) ((u32)(kind) << 2 | (log2_width))

/* The six arithmetic flags as EFLAGS bits. */
u32 flags_arith(const struct cpu *cpu);
/* All of EFLAGS/RFLAGS, bit 1 set. */
static inline u32 flags_get(const struct cpu *cpu)
{
    return cpu->eflags | flags_arith(cpu) | FLAG_1;
}
/* Sets the six arithmetic flags from EFLAGS bits. */
static inline void flags_set_arith(struct cpu *cpu, u32 eflags)
{
    cpu->cc.op     = CC_OP(CC_EFLAGS, 0);
    cpu->cc.source = eflags & FLAG_ARITH;
}
/* Sets all of EFLAGS as given (the caller has decided which bits may change). Derived state follows TF, AC, VM and IF. */
void flags_set(struct cpu *cpu, u32 eflags);
/* PENDING_INTR follows INTR and EFLAGS.IF: call after either has changed. */
void cpu_update_intr(struct cpu *cpu);
/* Condition code 0..15 as in Jcc, SETcc, CMOVcc. */
bool flags_condition(const struct cpu *cpu, unsigned cc);

#endif
