/*
 * flagsops.c: instructions that change EFLAGS as a whole or interrupt masking: PUSHF, POPF, CLI, STI. Intel SDM Vol. 2;
 * the virtual interrupt flag of CR4.VME and CR4.PVI: Vol. 3B 20.3, 20.4.
 */
#include "cpu/op/op.h"

OP(pushf)
{
    u32 flags = flags_get(cpu) & ~(u32)(FLAG_RF | FLAG_VM);
    if (cpu->vm86 && iopl(cpu) < 3) {
        cpu_check(cpu, cpu->cr4 & CR4_VME && i->opsize == 2, RULE_GP_VM86_IOPL, 0);
        flags = (u32)merge_bits(flags, FLAG_IF, flags & FLAG_VIF ? FLAG_IF : 0) | FLAG_IOPL;
    }
    u64 sp = (cpu->regs[R_SP] - i->opsize) & cpu->stack_mask;
    mem_write(cpu, stack_segment(cpu), sp, i->opsize == 2 ? flags & 0xffff : flags, i->opsize);
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
}

static void popf_vme(struct cpu *cpu, u32 image)
{
    bool pending = image & FLAG_IF && cpu->eflags & FLAG_VIP;
    explain_note(cpu, "image", image);
    cpu_check(cpu, !pending && !(image & FLAG_TF), RULE_GP_VME_POPF, 0);
    u32 mask = FLAG_ARITH | FLAG_DF | FLAG_NT | FLAG_TF | FLAG_VIF;
    image = (u32)merge_bits(image, FLAG_VIF, image & FLAG_IF ? FLAG_VIF : 0);
    stack_adjust(cpu, 2);
    flags_set(cpu, (u32)merge_bits(flags_get(cpu), mask, image));
}

OP(popf)
{
    u32 image = (u32)stack_read(cpu, 0, i->opsize);
    u32 mask = FLAG_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    if (cpu->vm86 && iopl(cpu) < 3) {
        cpu_check(cpu, cpu->cr4 & CR4_VME && i->opsize == 2, RULE_GP_VM86_IOPL, 0);
        popf_vme(cpu, image);
        return;
    }
    if (cpu->cpl <= iopl(cpu)) { /* real mode: CPL 0; VM86 with IOPL 3 */
        mask |= FLAG_IF;
    }
    if (cpu->cpl == 0) {
        mask |= FLAG_IOPL;
    }
    if (i->opsize > 2) {
        mask |= FLAG_AC | FLAG_ID | FLAG_RF;
        image &= ~(u32)FLAG_RF;
    }
    mask &= eflags_valid(cpu);
    stack_adjust(cpu, i->opsize);
    flags_set(cpu, (u32)merge_bits(flags_get(cpu), mask, image));
    cpu_update_debug(cpu);
}

enum mask_right { MASK_REAL_FLAG, MASK_VIRTUAL_FLAG };

/* Who may use CLI and STI, and on which flag. */
static enum mask_right mask_right(struct cpu *cpu)
{
    if (!cpu->protected_mode || iopl(cpu) >= cpu->cpl) {
        return MASK_REAL_FLAG;
    }
    bool has_virtual = cpu->vm86 ? cpu->cr4 & CR4_VME : cpu->cpl == 3 && cpu->cr4 & CR4_PVI;
    cpu_check(cpu, has_virtual, RULE_GP_CLI_IOPL, 0);
    return MASK_VIRTUAL_FLAG;
}

OP(cli)
{
    (void)i;
    u32 flag = mask_right(cpu) == MASK_REAL_FLAG ? FLAG_IF : FLAG_VIF;
    cpu->eflags &= ~flag;
    cpu_update_intr(cpu);
}

OP(sti)
{
    if (mask_right(cpu) == MASK_VIRTUAL_FLAG) {
        cpu_check(cpu, !(cpu->eflags & FLAG_VIP), RULE_GP_STI_VIP, 0);
        cpu->eflags |= FLAG_VIF;
        return;
    }
    if (!(cpu->eflags & FLAG_IF)) {
        cpu->eflags |= FLAG_IF;
        cpu_update_intr(cpu);
        shadow_next(cpu, i, false);
    }
}
