/*
 * expression.h: numbers as the monitor takes them: 0x1000, $eip+4*2, ($esp & ~0xf), with C's
 * operators and 64-bit arithmetic.
 */
#ifndef FRONTEND_MONITOR_EXPRESSION_H
#define FRONTEND_MONITOR_EXPRESSION_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

/* False: there is no register of that name (without its $). */
typedef bool expression_register(void *opaque, const char *name, u64 *value);

/* Reads from `*text` on and moves it behind what was read: white space ends an expression outside
 * of parentheses only where no operator follows. `find` may be NULL: no registers. */
bool expression_read(const char **text, expression_register *find, void *opaque, u64 *value,
                     struct error *err);

#endif
