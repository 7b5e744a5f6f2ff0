/*
 * known.h: short programs that executors have once differed in.
 */
#ifndef TESTS_DIFF_KNOWN_H
#define TESTS_DIFF_KNOWN_H

#include "tests/diff/rig.h"

enum { SHORT_STACK = 1 << 8 }; /* 32-bit code has a stack of 16 bits */

struct known {
    const char   *what;
    unsigned      mode; /* enum rig_mode, perhaps with SHORT_STACK */
    u16           control; /* of the x87 */
    u8            bytes, code[32];
};

unsigned known_count(void);
/* Returns what the case is about. */
const char *known_make(unsigned number, struct rig_start *start);

#endif
