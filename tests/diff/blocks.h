/*
 * blocks.h: random blocks of instructions from the table of rows, with states to start them from.
 */
#ifndef TESTS_DIFF_BLOCKS_H
#define TESTS_DIFF_BLOCKS_H

#include "cpu/decode.h"
#include "tests/diff/rig.h"

struct noise {
    u64 state;
};
u64 noise_next(struct noise *n);
unsigned noise_below(struct noise *n, unsigned limit);
/* True once in k. */
bool noise_once(struct noise *n, unsigned k);

/* One that has bits set at both ends, often. */
u64 noise_value(struct noise *n);

/* ---- random instructions, one after the other */
struct maker {
    struct noise     *n;
    struct rig_start *start;
    unsigned          code_bytes, at; /* linear address of the next instruction */
    u8               *pages; /* NULL: nobody asks */
    bool              near;  /* operands are near to what one register points to, or it and an index: */
    u8                base, index, scale;
    bool              upper; /* base + 8 and index + 8, by REX */
    unsigned          page_count;
    /* the instruction being made */
    u8       byte[32];
    unsigned count;
    bool     address16, is_memory, vsib;
    int      rip_disp_at; /* of a RIP-relative displacement, or -1 */
    u32      rip_target;
};

/* One try at an instruction of that row. Returns its length, 0 when it is no instruction here. */
unsigned maker_insn(struct maker *m, const struct decoder *decoder, const struct row *row, struct insn *insn);
/* A linear address of data, or of code now and then. */
u32 maker_address(struct maker *m);
/* A value for a register that points to data. */
u64 maker_data_pointer(struct maker *m);
/* Registers to start from. */
void maker_state(struct maker *m);

/* A block in a state. `pages`: the numbers of the data pages that its operands name outright. */
void block_make(struct noise *n, const struct decoder *decoder, struct rig_start *start,
                u8 pages[16], unsigned *page_count);

#endif
