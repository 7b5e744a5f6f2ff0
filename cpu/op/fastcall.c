/*
 * fastcall.c: SYSENTER, SYSEXIT, SYSCALL, SYSRET. Intel SDM Vol. 2 by instruction, Vol. 3A 5.8.7, 5.8.8; AMD APM Vol. 2 6.1 for
 * SYSCALL outside 64-bit mode, which only AMD's processors have.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

enum flat_kind { FLAT_32, FLAT_64 };

/* The fixed descriptors that these instructions load without looking at a table. */
static struct segment flat_code(unsigned selector, unsigned cpl, enum flat_kind kind)
{
    return (struct segment){.limit = 0xffffffff,
                            .selector = (u16)selector,
                            .attr = (u16)(ATTR_P | ATTR_S | ATTR_CODE | ATTR_WRITE | ATTR_ACCESSED | ATTR_G |
                                          cpl << ATTR_DPL_SHIFT | (kind == FLAT_64 ? ATTR_L : ATTR_DB))};
}

static struct segment flat_stack(unsigned selector, unsigned cpl)
{
    return (struct segment){
        .limit = 0xffffffff,
        .selector = (u16)selector,
        .attr = (u16)(ATTR_P | ATTR_S | ATTR_WRITE | ATTR_ACCESSED | ATTR_G | ATTR_DB | cpl << ATTR_DPL_SHIFT)};
}

static void enter(struct cpu *cpu, struct segment cs, struct segment ss, unsigned cpl, u64 ip)
{
    cpu->seg[SEG_CS] = cs;
    cpu->seg[SEG_SS] = ss;
    cpu->cpl = (u8)cpl;
    cpu->ip = ip;
}

OP(sysenter)
{
    (void)i;
    crossing_begin(cpu, CROSSING_SYSENTER, 0);
    cpu_check(cpu, cpu->protected_mode, RULE_GP_SYSENTER_REAL, 0);
    u32 cs = (u32)cpu->msr.sysenter_cs & 0xfffc;
    cpu_check(cpu, cs != 0, RULE_GP_SYSENTER_CS, 0);
    bool wide = cpu->long_mode, shadow = cet_shadow_on(cpu, cpu->cpl);
    u64  ip = wide ? cpu->msr.sysenter_eip : (u32)cpu->msr.sysenter_eip;
    crossing_source(cpu, SOURCE_SYSENTER, 0, 0, cpu->msr.sysenter_cs, cpu->msr.sysenter_eip);
    crossing_stack(cpu, STACK_MSR, 0, 0, cpu->msr.sysenter_esp, 0);
    cpu->regs[R_SP] = wide ? cpu->msr.sysenter_esp : (u32)cpu->msr.sysenter_esp;
    enter(cpu, flat_code(cs, 0, wide ? FLAT_64 : FLAT_32), flat_stack(cs + 8, 0), 0, ip);
    flags_set(cpu, flags_get(cpu) & ~(u32)(FLAG_VM | FLAG_IF | FLAG_RF));
    cpu_update_privilege(cpu);
    cet_enter_kernel(cpu, shadow);
    crossing_end(cpu);
}

OP(sysexit)
{
    u32  cs = (u32)cpu->msr.sysenter_cs & 0xfffc;
    bool wide = i->rex_w;
    crossing_begin(cpu, CROSSING_SYSEXIT, 0);
    cpu_check(cpu, cpu->protected_mode && cpu->cpl == 0, RULE_GP_SYSEXIT_CPL, 0);
    cpu_check(cpu, cs != 0, RULE_GP_SYSENTER_CS, 0);
    u64 ip = cpu->regs[R_DX], sp = cpu->regs[R_CX];
    if (wide) {
        cpu_check(cpu, cpu_canonical(cpu, ip) && cpu_canonical(cpu, sp), RULE_GP_SYSEXIT_CANONICAL, 0);
    }
    crossing_source(cpu, SOURCE_REGISTERS, 0, 0, cpu->msr.sysenter_cs, ip);
    crossing_stack(cpu, STACK_REGISTER, 0, 0, sp, 0);
    cpu->regs[R_SP] = wide ? sp : (u32)sp;
    enter(cpu, flat_code((cs + (wide ? 32 : 16)) | 3, 3, wide ? FLAT_64 : FLAT_32),
          flat_stack((cs + (wide ? 40 : 24)) | 3, 3), 3, wide ? ip : (u32)ip);
    cpu_update_privilege(cpu);
    cet_leave_kernel(cpu);
    crossing_end(cpu);
}

static void syscall_long(struct cpu *cpu)
{
    bool from64 = cpu->code_bytes == 8, shadow = cet_shadow_on(cpu, cpu->cpl);
    u32  cs = (u32)(cpu->msr.star >> 32) & 0xfffc, flags = flags_get(cpu);
    cpu->regs[R_CX] = cpu->ip;
    cpu->regs[R_11] = flags & ~(u32)FLAG_RF;
    enter(cpu, flat_code(cs, 0, FLAT_64), flat_stack(cs + 8, 0), 0, from64 ? cpu->msr.lstar : cpu->msr.cstar);
    flags_set(cpu, flags & ~((u32)cpu->msr.sfmask | FLAG_RF));
    if (!(cpu->eflags & FLAG_TF)) {
        cpu->pending_db &= ~(u64)DR6_BS; /* SYSCALL is not trapped when it masks TF */
    }
    cpu_update_privilege(cpu);
    cet_enter_kernel(cpu, shadow);
}

static void syscall_legacy(struct cpu *cpu)
{
    u32  cs = (u32)(cpu->msr.star >> 32) & 0xfffc;
    bool shadow = cet_shadow_on(cpu, cpu->cpl);
    cpu->regs[R_CX] = (u32)cpu->ip;
    enter(cpu, flat_code(cs, 0, FLAT_32), flat_stack(cs + 8, 0), 0, (u32)cpu->msr.star);
    flags_set(cpu, flags_get(cpu) & ~(u32)(FLAG_VM | FLAG_IF | FLAG_RF));
    cpu_update_privilege(cpu);
    cet_enter_kernel(cpu, shadow);
}

static bool outside_64bit_allowed(const struct cpu *cpu)
{
    return cpu_model_is_amd(cpu->model) && cpu->protected_mode;
}

OP(syscall)
{
    (void)i;
    crossing_begin(cpu, CROSSING_SYSCALL, 0);
    cpu_check(cpu, cpu->efer & EFER_SCE, RULE_UD_SYSCALL_SCE, 0);
    cpu_check(cpu, cpu->code_bytes == 8 || outside_64bit_allowed(cpu), RULE_UD_SYSCALL_MODE, 0);
    bool from64 = cpu->code_bytes == 8;
    crossing_source(cpu, SOURCE_SYSCALL, 0, 0, cpu->msr.star, !cpu->long_mode ? 0 : from64 ? cpu->msr.lstar : cpu->msr.cstar);
    crossing_stack(cpu, STACK_KEPT, 0, 0, cpu->msr.sfmask, 0);
    if (cpu->long_mode) {
        syscall_long(cpu);
    } else {
        syscall_legacy(cpu);
    }
    crossing_end(cpu);
}

OP(sysret)
{
    bool wide = i->rex_w;
    u32  star = (u32)(cpu->msr.star >> 48);
    crossing_begin(cpu, CROSSING_SYSRET, 0);
    cpu_check(cpu, cpu->efer & EFER_SCE, RULE_UD_SYSCALL_SCE, 0);
    cpu_check(cpu, cpu->code_bytes == 8 || outside_64bit_allowed(cpu), RULE_UD_SYSCALL_MODE, 0);
    cpu_check(cpu, cpu->protected_mode && cpu->cpl == 0, RULE_GP_SYSRET_CPL, 0);
    u64 ip = wide ? cpu->regs[R_CX] : (u32)cpu->regs[R_CX];
    if (wide) {
        cpu_check(cpu, cpu_canonical(cpu, ip), RULE_GP_SYSRET_CANONICAL, 0);
    }
    crossing_source(cpu, SOURCE_REGISTERS, 0, 0, cpu->msr.star, ip);
    crossing_stack(cpu, STACK_KEPT, 0, 0, 0, 0);
    u32 flags = cpu->long_mode ? ((u32)cpu->regs[R_11] & eflags_valid(cpu) & ~(u32)(FLAG_RF | FLAG_VM))
                               : flags_get(cpu) | FLAG_IF;
    enter(cpu, flat_code((star + (wide ? 16 : 0)) | 3, 3, wide ? FLAT_64 : FLAT_32), flat_stack((star + 8) | 3, 3),
          3, ip);
    flags_set(cpu, flags);
    cpu_update_debug(cpu);
    cpu_update_privilege(cpu);
    cet_leave_kernel(cpu);
    crossing_end(cpu);
}
