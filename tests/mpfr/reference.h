/*
 * reference.h: what MPFR says about x87 functions.
 *
 * pi: sine, cosine and tangent are those of Intel's processors (SDM Vol. 1 8.3.8): the operand is reduced, exactly, by the pi of 66
 * bits, 4 * 0.C90FDAA22168C234Ch, and the function of what remains is the true one.
 */
#ifndef TESTS_MPFR_REFERENCE_H
#define TESTS_MPFR_REFERENCE_H

#define MPFR_USE_INTMAX_T 1
#include <stdint.h>

#include <mpfr.h>

#include "tests/mpfr/x87_cases.h"

enum { REFERENCE_BITS = 320 }; /* of the mantissa: far more than any rounding of 64 bits can ask for */

enum reference_kind {
    REFERENCE_VALUE,     /* a number, zero, infinity, or NaN for an invalid operation */
    REFERENCE_RANGE,     /* C2: nothing is done */
    REFERENCE_UNDEFINED, /* by the manual */
};
struct reference {
    enum reference_kind kind;
    mpfr_t              value, second; /* second: FSINCOS's cosine */
    bool                exact;         /* `value` is not rounded */
    bool                by_zero;       /* an infinity out of nothing but numbers */
};

void reference_init(struct reference *r);
void reference_clear(struct reference *r);
/* All functions but FPREM and FPREM1, whose quotients may be very long. */
void reference_of(const struct x87_case *c, struct reference *r);

/* Exactly; NaNs are not numbers here. */
void reference_set(mpfr_t to, struct float80 from);

#endif
