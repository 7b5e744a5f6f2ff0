/*
 * values.h: operand values worth trying: limits, denormals, NaNs, neighbours of what converts, and noise.
 */
#ifndef TESTS_HOST_VALUES_H
#define TESTS_HOST_VALUES_H

#include "tests/host/generate.h"

u64 value_integer(struct random *r);
/* 16 bytes: reals, integers, text or noise. `near`: 16 bytes that some of it may repeat, or NULL. */
void value_vector(struct random *r, u8 *bytes, const u8 *near);
/* x87 and SSE state as FXSAVE has it. */
void value_fx(struct random *r, u8 *fx);

#endif
