/*
 * check.c: checks before x87, MMX, SSE and AVX instructions, and the reporting of their errors (SDM Vol.
 * 1 8.7, 11.5; Vol. 3A 2.5, 13.1).
 *
 * With CR0.NE = 0 FERR# is asserted as soon as an unmasked exception happens, as a 387 does. The
 * freeze of a processor whose FERR# goes unanswered is not modelled: the next x87 instruction runs
 * as with IGNNE#.
 */
#include "cpu/fpu/check.h"

#include "cpu/fpu/softfloat.h"
#include "cpu/mem.h"
#include "cpu/raise.h"

static void check_available(struct cpu *cpu)
{
    cpu_check(cpu, !(cpu->cr0 & CR0_EM), RULE_NM_EMULATE, 0);
    cpu_check(cpu, !(cpu->cr0 & CR0_TS), RULE_NM_TASK_SWITCHED, 0);
}

static void check_pending(struct cpu *cpu)
{
    cpu_check(cpu, !(cpu->x87.status & X87_ES) || !(cpu->cr0 & CR0_NE), RULE_MF_PENDING, 0);
}

void x87_check_slow(struct cpu *cpu)
{
    check_available(cpu);
    check_pending(cpu);
}

void x87_check_no_wait(struct cpu *cpu)
{
    if (unlikely(cpu->cr0 & (CR0_EM | CR0_TS))) {
        check_available(cpu);
    }
}

void mmx_check(struct cpu *cpu)
{
    cpu_check(cpu, !(cpu->cr0 & CR0_EM), RULE_UD_MMX_EM, 0);
    cpu_check(cpu, !(cpu->cr0 & CR0_TS), RULE_NM_TASK_SWITCHED, 0);
    check_pending(cpu);
}

void sse_check(struct cpu *cpu)
{
    cpu_check(cpu, !(cpu->cr0 & CR0_EM) && cpu->cr4 & CR4_OSFXSR, RULE_UD_SSE_OFF, 0);
    cpu_check(cpu, !(cpu->cr0 & CR0_TS), RULE_NM_TASK_SWITCHED, 0);
}

void avx_check(struct cpu *cpu)
{
    cpu_check(cpu, cpu->cr4 & CR4_OSXSAVE && (cpu->xcr0 & XCR0_YMM) == XCR0_YMM, RULE_UD_AVX_OFF, 0);
    cpu_check(cpu, !(cpu->cr0 & CR0_TS), RULE_NM_TASK_SWITCHED, 0);
}

void sse_exceptions(struct cpu *cpu, unsigned flags)
{
    cpu->mxcsr |= flags & FP_ALL;
    if (unlikely(flags & FP_ALL & ~(cpu->mxcsr >> 7))) {
        cpu_raise(cpu, cpu->cr4 & CR4_OSXMMEXCPT ? RULE_XM_UNMASKED : RULE_UD_XM_OFF, 0);
    }
}

static void set_ferr(struct cpu *cpu, bool level)
{
    if (cpu->ferr != level) {
        cpu->ferr = level;
        irq_set(cpu->ferr_irq, level);
    }
}

void x87_update_ferr(struct cpu *cpu)
{
    bool old = cpu->x87.status & X87_ES;
    bool pending = cpu->x87.status & ~cpu->x87.control & FP_ALL;
    if (pending) {
        cpu->x87.status |= X87_ES | X87_B;
        if (!old && !(cpu->cr0 & CR0_NE)) {
            set_ferr(cpu, true);
        }
    } else {
        cpu->x87.status &= (u16) ~(X87_ES | X87_B);
        set_ferr(cpu, false);
    }
    cpu_update_code_mode(cpu);
}

void x87_clear_ferr(struct cpu *cpu)
{
    set_ferr(cpu, false);
}

void x87_init(struct cpu *cpu)
{
    struct x87 *x = &cpu->x87;
    x->control = 0x37f;
    x->status = 0;
    x->top = 0;
    x->valid = 0;
    x->opcode = 0;
    x->ip = 0;
    x->dp = 0;
    x->ip_selector = 0;
    x->dp_selector = 0;
    x87_update_ferr(cpu);
}
