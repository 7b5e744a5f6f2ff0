/*
 * iret.c: IRET, IRETD, IRETQ: real mode, VM86, same and outer ring, back to VM86, nested tasks. Intel SDM Vol. 2 IRET.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

/* Flags that IRET takes from the stack at this CPL and IOPL. */
static u32 iret_flags_mask(const struct cpu *cpu, unsigned width)
{
    u32 mask = FLAG_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    if (width > 2) {
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    }
    if (cpu->cpl <= iopl(cpu)) {
        mask |= FLAG_IF;
    }
    if (cpu->cpl == 0) {
        mask |= FLAG_IOPL;
        if (width > 2) {
            mask |= FLAG_VIF | FLAG_VIP;
        }
    }
    return mask & eflags_valid(cpu);
}

/* `mask` was taken with the CPL before the return. */
static void set_flags(struct cpu *cpu, u32 mask, u32 image)
{
    u32 flags = (u32)merge_bits(flags_get(cpu), mask, image);
    if (!debug_breakpoints_on(cpu)) {
        flags &= ~(u32)FLAG_RF; /* without breakpoints RF has no effect, and ends with the next instruction */
    }
    flags_set(cpu, flags);
    cpu_update_debug(cpu);
}

static void iret_real(struct cpu *cpu, unsigned w)
{
    u64 ip = stack_read(cpu, 0, w);
    u16 cs = (u16)stack_read(cpu, w, w);
    u32 image = (u32)stack_read(cpu, 2 * w, w);
    explain_note(cpu, "target", ip);
    explain_note(cpu, "target.limit", cpu->seg[SEG_CS].limit);
    cpu_check(cpu, ip <= cpu->seg[SEG_CS].limit, RULE_GP_TARGET_LIMIT, 0);
    u32 mask = iret_flags_mask(cpu, w) & ~(u32)(FLAG_VIF | FLAG_VIP);
    if (cpu->vm86) {
        mask &= ~(u32)FLAG_IOPL;
    }
    crossing_return(cpu, w, 3, (const u64[]){ip, cs, image}, false);
    stack_adjust(cpu, 3 * w);
    segment_load_real(cpu, SEG_CS, cs);
    cpu->ip = ip;
    set_flags(cpu, mask, image);
    cpu_update_privilege(cpu);
}

/* VM86 with IOPL < 3 and CR4.VME, 16-bit: IF goes to VIF (SDM Vol. 3B 20.3.3.3). */
static void iret_vme(struct cpu *cpu)
{
    u64 ip = stack_read(cpu, 0, 2);
    u16 cs = (u16)stack_read(cpu, 2, 2);
    u32 image = (u32)stack_read(cpu, 4, 2);
    bool pending = image & FLAG_IF && cpu->eflags & FLAG_VIP;
    explain_note(cpu, "image", image);
    cpu_check(cpu, !pending && !(image & FLAG_TF), RULE_GP_VME_POPF, 0);
    explain_note(cpu, "target", ip);
    explain_note(cpu, "target.limit", cpu->seg[SEG_CS].limit);
    cpu_check(cpu, ip <= cpu->seg[SEG_CS].limit, RULE_GP_TARGET_LIMIT, 0);
    crossing_return(cpu, 2, 3, (const u64[]){ip, cs, image}, false);
    stack_adjust(cpu, 6);
    segment_load_real(cpu, SEG_CS, cs);
    cpu->ip = ip;
    image = (u32)merge_bits(image, FLAG_VIF, image & FLAG_IF ? FLAG_VIF : 0);
    set_flags(cpu, FLAG_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_VIF, image);
    cpu_update_privilege(cpu);
}

static void iret_vm86(struct cpu *cpu, unsigned w)
{
    if (iopl(cpu) == 3) {
        iret_real(cpu, w);
        return;
    }
    cpu_check(cpu, cpu->cr4 & CR4_VME && w == 2, RULE_GP_VM86_IOPL, 0);
    iret_vme(cpu);
}

static void return_to_vm86(struct cpu *cpu, u64 ip, u16 cs, u32 image)
{
    static const u8 order[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    u64             sp = stack_read(cpu, 12, 4);
    u16             ss = (u16)stack_read(cpu, 16, 4);
    u16             data[ARRAY_LEN(order)];
    for (unsigned n = 0; n < ARRAY_LEN(order); n++) {
        data[n] = (u16)stack_read(cpu, 20 + 4 * n, 4);
    }
    struct shadow_return shadow;
    explain_note(cpu, "target", ip);
    cpu_check(cpu, ip <= 0xffff, RULE_GP_IRET_VM86_IP, 0);
    shadow_return_check(cpu, &shadow, NULL, ip, RETURN_VM86);
    shadow_return(cpu, &shadow);
    crossing_return(cpu, 4, 7, (const u64[]){ip, cs, image, sp, ss, data[0], data[1], data[2], data[3]}, true);
    u32 mask = (FLAG_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID |
                FLAG_VIF | FLAG_VIP) &
               eflags_valid(cpu);
    cpu->cpl = 3;
    cpu->ip = ip;
    set_flags(cpu, mask | FLAG_VM, image | FLAG_VM);
    segment_load_real(cpu, SEG_CS, cs);
    segment_load_real(cpu, SEG_SS, ss);
    for (unsigned n = 0; n < ARRAY_LEN(order); n++) {
        segment_load_real(cpu, order[n], data[n]);
    }
    cpu->regs[R_SP] = (u32)sp;
    cpu_update_mode(cpu);
}

static void return_same(struct cpu *cpu, struct descriptor *d, unsigned w, u64 ip, u32 image)
{
    struct shadow_return shadow;
    code_check_ip(cpu, d, ip);
    shadow_return_check(cpu, &shadow, d, ip, RETURN_IRET);
    descriptor_set_accessed(cpu, d);
    shadow_return(cpu, &shadow);
    crossing_return(cpu, w, 3, (const u64[]){ip, d->selector, image}, false);
    stack_adjust(cpu, 3 * w);
    code_enter(cpu, d, cpu->cpl, ip);
    set_flags(cpu, iret_flags_mask(cpu, w), image);
    cpu_update_privilege(cpu);
}

/* To an outer ring; from 64-bit mode always, whatever the ring. */
static void return_outer(struct cpu *cpu, struct descriptor *d, unsigned w, u64 ip, u32 image)
{
    unsigned          cpl = d->selector & 3, old = cpu->cpl;
    u64               sp = stack_read(cpu, 3 * w, w);
    u16               selector = (u16)stack_read(cpu, 4 * w, w);
    bool              to64 = desc_code64(cpu, d);
    struct segment    segment;
    struct descriptor ss;
    struct shadow_return shadow;
    if (selector_null(selector) && to64 && cpl != 3) {
        explain_note(cpu, "ss.sel", selector);
        explain_note(cpu, "ring", cpl);
        cpu_check(cpu, (selector & 3u) == cpl, RULE_GP_RETURN_SS_RPL, 0);
        segment = segment_null(selector);
        code_check_ip(cpu, d, ip);
    } else {
        stack_segment_check(cpu, selector, cpl, &stack_rules_return, &ss);
        code_check_ip(cpu, d, ip);
        segment = descriptor_segment(&ss, selector);
    }
    shadow_return_check(cpu, &shadow, d, ip, RETURN_IRET);
    if (segment.attr) {
        descriptor_set_accessed(cpu, &ss);
        segment = descriptor_segment(&ss, selector);
    }
    descriptor_set_accessed(cpu, d);
    shadow_return(cpu, &shadow);
    u32 mask = iret_flags_mask(cpu, w);
    crossing_return(cpu, w, 3, (const u64[]){ip, d->selector, image, sp, selector}, true);
    cpu->seg[SEG_SS] = segment;
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], to64 ? ~(u64)0 : segment_stack_mask(&segment), sp);
    code_enter(cpu, d, cpl, ip);
    set_flags(cpu, mask, image);
    cpu_update_privilege(cpu);
    if (cpl > old) {
        segments_drop_inner(cpu);
    }
}

static void iret_protected(struct cpu *cpu, unsigned w)
{
    if (cpu->eflags & FLAG_NT) {
        cpu_check(cpu, !cpu->long_mode, RULE_GP_IRET_NT_LONG, 0);
        task_return(cpu);
        return;
    }
    u64               ip = stack_read(cpu, 0, w);
    u16               cs = (u16)stack_read(cpu, w, w);
    u32               image = (u32)stack_read(cpu, 2 * w, w);
    struct descriptor d;
    if (image & FLAG_VM && w == 4 && cpu->cpl == 0 && !cpu->long_mode) {
        return_to_vm86(cpu, ip, cs, image);
        return;
    }
    code_return_check(cpu, cs, &d);
    if (cpu->code_bytes == 8 || (cs & 3u) > cpu->cpl) {
        return_outer(cpu, &d, w, ip, image);
    } else {
        return_same(cpu, &d, w, ip, image);
    }
}

OP(iret)
{
    crossing_begin(cpu, CROSSING_IRET, 0);
    cpu->nmi_blocked = false; /* even if IRET itself faults: SDM Vol. 3A 6.7.1 */
    if (!cpu->protected_mode) {
        iret_real(cpu, i->opsize);
    } else if (cpu->vm86) {
        iret_vm86(cpu, i->opsize);
    } else {
        iret_protected(cpu, i->opsize);
    }
    crossing_end(cpu);
}
