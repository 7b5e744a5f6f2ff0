/*
 * raise.c: the one way to raise an exception.
 */
#include "cpu/raise.h"

void cpu_check_passed(struct cpu *cpu, enum rule rule)
{
    explain_check(cpu, true, rule, 0);
}

_Noreturn void cpu_raise(struct cpu *cpu, enum rule rule, u32 error_code)
{
    if (unlikely(cpu->explain)) {
        explain_check(cpu, false, rule, error_code);
    }
    cpu->raised.rule       = rule;
    cpu->raised.error_code = error_code;
    siglongjmp(cpu->fault_exit, 1);
}

_Noreturn void cpu_raise_page_fault(struct cpu *cpu, enum rule rule, vaddr la, u32 error_code)
{
    cpu->raised.cr2 = la;
    cpu_raise(cpu, rule, error_code);
}

_Noreturn void cpu_execute_alone(struct cpu *cpu)
{
    cpu->alone = true;
    siglongjmp(cpu->fault_exit, 1);
}
