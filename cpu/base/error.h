/*
 * error.h: an error of the host's or the user's, as one line of text for a person.
 *
 * Functions that can fail return false and fill a `struct error` of their caller's; only frontend prints it.
 */
#ifndef CPU_BASE_ERROR_H
#define CPU_BASE_ERROR_H

#include "cpu/base/types.h"

struct error {
    char text[512]; /* what is wrong, where, what to do; no newline */
};

/* Fills `err` (which may be NULL) and returns false, so that `return error_set(...)` reads well. */
bool error_set(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
