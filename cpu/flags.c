/*
 * flags.c: reading lazy flags back, and setting EFLAGS as a whole.
 */
#include "cpu/flags.h"

#include "cpu/isa/arith.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"

u32 arith_all_flags(const struct lazy_flags *f)
{
    unsigned w = 1u << (f->op & 3);
    u64      r = f->result, b = f->source;
    switch ((enum cc_kind)(f->op >> 2)) {
    case CC_EFLAGS: return (u32)b & FLAG_ARITH;
    case CC_BITS: return ((u32)b & (FLAG_CF | FLAG_AF | FLAG_OF)) | arith_szp(r, w);
    case CC_LOGIC: return arith_szp(r, w);
    case CC_ADD: return arith_add_flags((r - b) & arith_mask(w), b, r, w) | arith_szp(r, w);
    case CC_SUB: return arith_sub_flags((r + b) & arith_mask(w), b, r, w) | arith_szp(r, w);
    case CC_INC:
        return (arith_add_flags((r - 1) & arith_mask(w), 1, r, w) & ~FLAG_CF) | (u32)b | arith_szp(r, w);
    case CC_DEC:
        return (arith_sub_flags((r + 1) & arith_mask(w), 1, r, w) & ~FLAG_CF) | (u32)b | arith_szp(r, w);
    case CC_LAHF: return (u32)(b >> 8 & (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF)) | (b & 1 ? FLAG_OF : 0);
    }
    return 0;
}

u32 flags_arith(const struct cpu *cpu)
{
    return arith_all_flags(&cpu->cc);
}

bool flags_condition(const struct cpu *cpu, unsigned cc)
{
    return arith_condition(&cpu->cc, cc, arith_all_flags);
}

void cpu_update_intr(struct cpu *cpu)
{
    if (cpu->intr && cpu->eflags & FLAG_IF) {
        __atomic_fetch_or(&cpu->pending, PENDING_INTR, __ATOMIC_RELAXED);
    } else if (cpu->pending & PENDING_INTR) {
        __atomic_fetch_and(&cpu->pending, ~(u32)PENDING_INTR, __ATOMIC_RELAXED);
    }
}

void flags_set(struct cpu *cpu, u32 eflags)
{
    u32 changed = cpu->eflags ^ eflags;
    flags_set_arith(cpu, eflags);
    cpu->eflags = eflags & ~(u32)(FLAG_ARITH | FLAG_1);
    if (changed & (FLAG_TF | FLAG_RF)) {
        cpu_update_debug(cpu);
    }
    if (changed & FLAG_IF) {
        cpu_update_intr(cpu);
    }
    if (changed & (FLAG_VM | FLAG_AC)) {
        cpu_update_privilege(cpu);
    }
}
