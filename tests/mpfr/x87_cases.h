/*
 * x87_cases.h: operands for the x87 functions whose results are judged by MPFR, and what our processor makes of them. The same on
 * every host: nothing here uses the host's floating point.
 */
#ifndef TESTS_MPFR_X87_CASES_H
#define TESTS_MPFR_X87_CASES_H

#include "cpu/decode.h"
#include "cpu/state.h"

enum x87_function { F2XM1, FYL2X, FPTAN, FPATAN, FPREM1, FPREM, FYL2XP1, FSQRT, FSINCOS, FSIN, FCOS, X87_FUNCTIONS };

struct x87_function_info {
    const char *name;
    u8          modrm;
    bool        two; /* operands */
    void (*op)(struct cpu *cpu, const struct insn *i);
};
extern const struct x87_function_info x87_functions[X87_FUNCTIONS];

struct x87_case {
    enum x87_function function;
    struct float80    st0, st1; /* st1: the other functions do not look at it */
    u16               control;
};

/* Case `number` of a function; the same for ever, since x87_digest_test knows what comes out. */
struct x87_case x87_case(enum x87_function function, u64 number);

/* `cpu`: the state with which the case begins; *i: its instruction. */
void x87_case_begin(const struct x87_case *c, struct cpu *cpu, struct insn *i);

/* Adds all that the instruction has changed to a checksum (FNV-1a). */
u64 x87_digest(u64 digest, const struct x87 *after);
#define X87_DIGEST_BEGIN 0xcbf29ce484222325ull

#endif
