/*
 * expression.h: numbers as the monitor takes them: 0x1000, $eip+4*2, ($esp & ~0xf), start_kernel+5, with C's operators (but & ^ |
 * bind tighter than comparisons) and unsigned 64-bit arithmetic; b[ADDR], w[ADDR], d[ADDR] (or [ADDR]) and q[ADDR] are memory of 1,
 * 2, 4 and 8 bytes at a linear address.
 */
#ifndef FRONTEND_MONITOR_EXPRESSION_H
#define FRONTEND_MONITOR_EXPRESSION_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

/* What names stand for. False: there is none of that name. A function may be NULL. */
struct expression_names {
    bool (*find_register)(void *opaque, const char *name, u64 *value); /* without its $ */
    bool (*find_symbol)(void *opaque, const char *name, u64 *value, struct error *err);
    void *opaque;
    bool (*read_memory)(void *opaque, u64 address, unsigned bytes, u64 *value, struct error *err);
};

/* Reads from `*text` on and moves it behind what was read: white space ends an expression outside
 * of parentheses only where no operator follows. `names` may be NULL. */
bool expression_read(const char **text, const struct expression_names *names, u64 *value, struct error *err);

#endif
