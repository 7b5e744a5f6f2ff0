/*
 * translate.h: one decoded block of guest code -> IR.
 */
#ifndef TCG_TRANSLATE_TRANSLATE_H
#define TCG_TRANSLATE_TRANSLATE_H

#include "cpu/interp/icache.h"
#include "cpu/mem.h"
#include "tcg/ir.h"

/* What else than its bytes a translation depends on; block->mode knows the rest. */
struct translate_mode {
    u8 stack_bytes; /* of stack addresses: 2, 4, 8 */
    bool near_edge; /* of canonical addresses: a relative jump could leave them */
};

/* For a block at cpu->ip. */
static inline struct translate_mode translate_mode(const struct cpu *cpu)
{
    const u64 reach = (u64)1 << 32; /* more than a displacement of 32 bits and a page */
    return (struct translate_mode){.stack_bytes = cpu->stack_mask == 0xffff       ? 2
                                                  : cpu->stack_mask == 0xffffffff ? 4
                                                                                  : 8,
                                   .near_edge = !cpu_canonical(cpu, cpu->ip - reach) || !cpu_canonical(cpu, cpu->ip + reach)};
}

/* Replaces what `ir` holds. A block that needs more ops than there is room for goes on in another
 * one. */
void translate(struct ir *ir, const struct block *block, struct translate_mode mode);

#endif
