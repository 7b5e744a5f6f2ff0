/*
 * raise.h: the one way to raise an exception.
 */
#ifndef CPU_RAISE_H
#define CPU_RAISE_H

#include "cpu/explain.h"
#include "cpu/state.h"

/* Abandons the current instruction with the exception of `rule` (its vector is rule_table[rule].vector). The error code is
 * ignored for vectors that have none. Does not return: it jumps to the run loop, so the caller must hold no lock or allocation
 * and must not have changed architectural state, except where the manual says so. */
_Noreturn void cpu_raise(struct cpu *cpu, enum rule rule, u32 error_code);
/* #PF: also sets CR2 when it is delivered. */
_Noreturn void cpu_raise_page_fault(struct cpu *cpu, enum rule rule, vaddr la, u32 error_code);

/* Abandons the current instruction, of which nothing has happened, in order to execute it by itself. */
_Noreturn void cpu_execute_alone(struct cpu *cpu);

/* While somebody is told of checks: cpu/explain.h. */
void cpu_check_passed(struct cpu *cpu, enum rule rule);

/* Raises `rule` with error code `code` unless `condition`. */
#define cpu_check(cpu, condition, rule, code)                                                      \
    do {                                                                                           \
        if (unlikely(!(condition))) {                                                              \
            cpu_raise(cpu, rule, code);                                                            \
        }                                                                                          \
        if (unlikely((cpu)->explain)) {                                                            \
            cpu_check_passed(cpu, rule);                                                           \
        }                                                                                          \
    } while (0)

#endif
