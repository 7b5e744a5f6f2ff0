/*
 * program.h: random programs of many blocks, with states to start them from.
 */
#ifndef TESTS_DIFF_PROGRAM_H
#define TESTS_DIFF_PROGRAM_H

#include "tests/diff/blocks.h"

void program_make(struct noise *n, const struct decoder *decoder, struct rig_start *start);

#endif
