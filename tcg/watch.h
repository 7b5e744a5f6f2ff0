/*
 * watch.h: who looks at translated code as it is made: -d in_asm, -perfmap.
 */
#ifndef TCG_WATCH_H
#define TCG_WATCH_H

#include "cpu/interp/icache.h"

/* Host code, where it runs. */
struct code_piece {
    const u8 *code;
    size_t    bytes;
};

enum { CODE_PIECES = 2 }; /* of a block: what usually runs, and the rest */

struct code_watch {
    void *opaque;
    /* A block was translated (or refused: no bytes), for cpu's present mode. Backends without host code give no bytes either. */
    void (*block)(void *opaque, const struct cpu *cpu, const struct block *block, const struct code_piece piece[CODE_PIECES]);
    /* Code that belongs to no block. */
    void (*stub)(void *opaque, const char *name, struct code_piece piece);
};

/* Where the block that is being translated begins in its code segment; with cpu->code_base, its linear address. */
static inline u64 code_watch_ip(const struct cpu *cpu, const struct block *b)
{
    return (cpu->regs[R_IPBASE] + b->insn[0].offset) & cpu->ip_mask;
}

#endif
