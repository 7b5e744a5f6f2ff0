/*
 * generate.h: random user-level instructions from the table of rows, with operands worth trying.
 */
#ifndef TESTS_HOST_GENERATE_H
#define TESTS_HOST_GENERATE_H

#include "cpu/decode.h"
#include "tests/host/host_case.h"

struct random {
    u64 state;
};
u64      random_next(struct random *r);
unsigned random_below(struct random *r, unsigned n);
/* True once in n. */
bool random_once(struct random *r, unsigned n);

/* Whether row `row` can run in a process: not a system instruction, nothing that reads time, identity or the kernel's tables. */
bool generate_can(unsigned row);

/* An instruction of row `row` for code of `code_bytes` (4 or 8). False: the row does not exist there, or no try fitted. */
bool generate(struct random *r, const struct decoder *decoder, unsigned row, unsigned code_bytes, struct host_case *c,
              struct insn *insn);

#endif
