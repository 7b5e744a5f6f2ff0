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

/* A block in a state. `pages`: the numbers of the data pages that its operands name outright. */
void block_make(struct noise *n, const struct decoder *decoder, struct rig_start *start,
                u8 pages[16], unsigned *page_count);

#endif
