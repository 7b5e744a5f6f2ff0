/*
 * far.c: far JMP, CALL and RET in every mode: direct, through call gates with parameter copy and stack switch, to task gates
 * and TSSs, to outer rings. Intel SDM Vol. 2 CALL, JMP, RET; Vol. 3A 5.8.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

bool desc_code64(const struct cpu *cpu, const struct descriptor *d)
{
    return cpu->long_mode && desc_long(d);
}

void code_check_ip(struct cpu *cpu, const struct descriptor *d, u64 ip)
{
    explain_note(cpu, "target", ip);
    explain_note(cpu, "target.limit", desc_limit(d));
    if (desc_code64(cpu, d)) {
        cpu_check(cpu, cpu_canonical(cpu, ip), RULE_GP_TARGET_CANONICAL, 0);
    } else {
        cpu_check(cpu, ip <= desc_limit(d), RULE_GP_TARGET_LIMIT, 0);
    }
}

void code_enter(struct cpu *cpu, const struct descriptor *d, unsigned cpl, u64 ip)
{
    cpu->seg[SEG_CS] = descriptor_segment(d, (u16)((d->selector & ~3u) | cpl));
    cpu->cpl = (u8)cpl;
    cpu->ip = ip;
}

void inner_stack_fetch(struct cpu *cpu, unsigned cpl, unsigned ist, struct inner_stack *stack)
{
    u32      error = selector_error(cpu->tr.selector);
    unsigned at, size;
    if (cpu->long_mode) {
        at = ist ? 28 + 8 * ist : 4 + 8 * cpl;
        size = 8;
    } else if (cpu->tr.attr & 8) {
        at = 4 + 8 * cpl;
        size = 6;
    } else {
        at = 2 + 4 * cpl;
        size = 4;
    }
    explain_note(cpu, "stack.end", at + size - 1);
    cpu_check(cpu, at + size - 1 <= cpu->tr.limit, RULE_TS_LIMIT, error);
    vaddr address = system_linear(cpu, cpu->tr.base + at);
    if (cpu->long_mode) {
        stack->sp = sys_read(cpu, address, 8);
        stack->ss = segment_null((u16)cpl);
        stack->wide = true;
        crossing_stack(cpu, ist ? STACK_IST : STACK_TSS, ist ? ist : cpl, address, stack->sp, 0);
        return;
    }
    stack->sp = sys_read(cpu, address, size - 2);
    u16               selector = (u16)sys_read(cpu, system_linear(cpu, address + size - 2), 2);
    struct descriptor d;
    stack_segment_check(cpu, selector, cpl, &stack_rules_tss, &d);
    descriptor_set_accessed(cpu, &d);
    stack->ss = descriptor_segment(&d, selector);
    stack->wide = false;
    crossing_stack(cpu, STACK_TSS, cpl, address, stack->sp, selector);
}

/* ---- real mode and VM86 */

static void enter_real(struct cpu *cpu, u16 selector, u64 ip)
{
    segment_load_real(cpu, SEG_CS, selector);
    cpu->ip = ip;
    cpu_update_privilege(cpu);
}

static void far_real(struct cpu *cpu, const struct insn *i, u16 selector, u64 ip, bool call)
{
    explain_note(cpu, "target", ip);
    explain_note(cpu, "target.limit", cpu->seg[SEG_CS].limit);
    cpu_check(cpu, ip <= cpu->seg[SEG_CS].limit, RULE_GP_TARGET_LIMIT, 0);
    if (call) {
        struct frame f;
        frame_begin(cpu, &f, i->opsize);
        frame_push(&f, cpu->seg[SEG_CS].selector);
        frame_push(&f, cpu->ip);
        u64 sp = frame_write(cpu, &f);
        cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
    }
    enter_real(cpu, selector, ip);
}

/* ---- protected mode, direct */

static void far_code(struct cpu *cpu, const struct insn *i, struct descriptor *d, u64 ip, bool call)
{
    u32 error = selector_error(d->selector);
    if (cpu->long_mode) {
        cpu_check(cpu, !(desc_long(d) && desc_default32(d)), RULE_GP_FAR_L_AND_D, error);
    }
    if (desc_conforming(d)) {
        cpu_check(cpu, desc_dpl(d) <= cpu->cpl, RULE_GP_FAR_CONFORMING_DPL, error);
    } else {
        cpu_check(cpu, (d->selector & 3u) <= cpu->cpl, RULE_GP_FAR_RPL, error);
        cpu_check(cpu, desc_dpl(d) == cpu->cpl, RULE_GP_FAR_DPL, error);
    }
    cpu_check(cpu, desc_present(d), RULE_NP_FAR, error);
    struct frame        f;
    struct shadow_frame shadow;
    if (call) {
        frame_begin(cpu, &f, i->opsize);
        frame_push(&f, cpu->seg[SEG_CS].selector);
        frame_push(&f, cpu->ip);
        frame_check(cpu, &f);
    }
    code_check_ip(cpu, d, ip);
    if (call) {
        shadow_call_check(cpu, &shadow, desc_code64(cpu, d));
    } else {
        shadow_jump_check(cpu, desc_code64(cpu, d));
    }
    descriptor_set_accessed(cpu, d);
    if (call) {
        u64 sp = frame_write(cpu, &f);
        cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
        shadow_frame_write(cpu, &shadow);
    }
    code_enter(cpu, d, cpu->cpl, ip);
    cpu_update_privilege(cpu);
    cet_track_far(cpu);
}

/* ---- call gates */

static void gate_target(struct cpu *cpu, const struct descriptor *gate, bool call, struct descriptor *d)
{
    u16 selector = gate_selector(gate);
    u32 error = selector_error(selector);
    cpu_check(cpu, !selector_null(selector), RULE_GP_GATE_NULL, 0);
    cpu_check(cpu, descriptor_fetch(cpu, selector, d), RULE_GP_GATE_TARGET_LIMIT, error);
    cpu_check(cpu, desc_is_code(d), RULE_GP_GATE_TARGET_TYPE, error);
    cpu_check(cpu, desc_dpl(d) <= cpu->cpl, RULE_GP_GATE_TARGET_DPL, error);
    if (!call && !desc_conforming(d)) {
        cpu_check(cpu, desc_dpl(d) == cpu->cpl, RULE_GP_JMP_GATE_DPL, error);
    }
    if (cpu->long_mode) {
        cpu_check(cpu, desc_long(d) && !desc_default32(d), RULE_GP_GATE_TARGET_NOT_64, error);
    }
    cpu_check(cpu, desc_present(d), RULE_NP_GATE_TARGET, error);
}

static unsigned gate_width(const struct cpu *cpu, const struct descriptor *gate)
{
    return cpu->long_mode ? 8 : desc_type(gate) & 8 ? 4 : 2;
}

/* CALL to the same ring, or JMP: no stack switch. */
static void gate_same(struct cpu *cpu, const struct descriptor *gate, struct descriptor *d, u64 ip, bool call)
{
    struct frame        f;
    struct shadow_frame shadow;
    if (call) {
        frame_begin(cpu, &f, gate_width(cpu, gate));
        if (desc_code64(cpu, d)) {
            f.wide = true;
            f.mask = ~(u64)0;
            f.sp = cpu->regs[R_SP];
        }
        frame_push(&f, cpu->seg[SEG_CS].selector);
        frame_push(&f, cpu->ip);
        frame_check(cpu, &f);
    }
    code_check_ip(cpu, d, ip);
    if (call) {
        shadow_call_check(cpu, &shadow, desc_code64(cpu, d));
    } else {
        shadow_jump_check(cpu, desc_code64(cpu, d));
    }
    descriptor_set_accessed(cpu, d);
    if (call) {
        u64 sp = frame_write(cpu, &f);
        cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], f.mask, sp);
        shadow_frame_write(cpu, &shadow);
    }
    code_enter(cpu, d, cpu->cpl, ip);
    cpu_update_privilege(cpu);
    cet_track_far(cpu);
}

static void gate_inner(struct cpu *cpu, const struct descriptor *gate, struct descriptor *d, u64 ip)
{
    unsigned           cpl = desc_dpl(d), width = gate_width(cpu, gate);
    unsigned           params = cpu->long_mode ? 0 : gate->hi & 0x1f;
    struct inner_stack stack;
    struct frame       f;
    struct shadow_frame shadow;
    inner_stack_fetch(cpu, cpl, 0, &stack);
    frame_begin_on(&f, &stack.ss, stack.sp, stack.wide, cpl, width, selector_error(stack.ss.selector));
    frame_push(&f, cpu->seg[SEG_SS].selector);
    frame_push(&f, cpu->regs[R_SP]);
    for (unsigned n = params; n-- > 0;) {
        frame_push(&f, stack_read(cpu, n * width, width));
    }
    frame_push(&f, cpu->seg[SEG_CS].selector);
    frame_push(&f, cpu->ip);
    frame_check(cpu, &f);
    code_check_ip(cpu, d, ip);
    shadow_inner_check(cpu, &shadow, cpl, 0, desc_code64(cpu, d));
    descriptor_set_accessed(cpu, d);
    u64 sp = frame_write(cpu, &f);
    shadow_frame_write(cpu, &shadow);
    cpu->seg[SEG_SS] = stack.ss;
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], f.mask, sp);
    code_enter(cpu, d, cpl, ip);
    cpu_update_privilege(cpu);
    cet_track_far(cpu);
}

static void far_call_gate(struct cpu *cpu, struct descriptor *gate, bool call)
{
    u32               error = selector_error(gate->selector);
    struct descriptor d;
    crossing_begin(cpu, CROSSING_GATE, 0);
    cpu_check(cpu, desc_dpl(gate) >= cpu->cpl, RULE_GP_GATE_CPL, error);
    cpu_check(cpu, desc_dpl(gate) >= (gate->selector & 3u), RULE_GP_GATE_RPL, error);
    cpu_check(cpu, desc_present(gate), RULE_NP_GATE, error);
    if (cpu->long_mode) {
        cpu_check(cpu, descriptor_fetch_upper(cpu, gate), RULE_GP_GATE_UPPER, error);
    }
    crossing_gate(cpu, SOURCE_GATE, gate);
    crossing_is_jump(cpu, !call);
    gate_target(cpu, gate, call, &d);
    u64 ip = gate_offset(gate, cpu->long_mode);
    if (call && !desc_conforming(&d) && desc_dpl(&d) < cpu->cpl) {
        gate_inner(cpu, gate, &d, ip);
    } else {
        gate_same(cpu, gate, &d, ip, call);
    }
    crossing_end(cpu);
}

static void far_tss(struct cpu *cpu, struct descriptor *d, bool call)
{
    u32 error = selector_error(d->selector);
    crossing_begin(cpu, CROSSING_TASK, 0);
    crossing_is_jump(cpu, !call);
    crossing_gate(cpu, SOURCE_TSS, d);
    explain_note(cpu, "selector", d->selector);
    cpu_check(cpu, desc_dpl(d) >= cpu->cpl, RULE_GP_TSS_CPL, error);
    cpu_check(cpu, desc_dpl(d) >= (d->selector & 3u), RULE_GP_TSS_RPL, error);
    cpu_check(cpu, !(d->selector & 4), RULE_GP_TSS_NOT_GDT, error);
    cpu_check(cpu, desc_type(d) == SYS_TSS16 || desc_type(d) == SYS_TSS32, RULE_GP_TSS_BUSY, error);
    cpu_check(cpu, desc_present(d), RULE_NP_TSS, error);
    task_switch(cpu, d, call ? TASK_CALL : TASK_JMP, flags_get(cpu), false, 0);
}

static void far_task_gate(struct cpu *cpu, const struct descriptor *gate, bool call)
{
    u32 error = selector_error(gate->selector);
    crossing_begin(cpu, CROSSING_TASK, 0);
    crossing_is_jump(cpu, !call);
    crossing_gate(cpu, SOURCE_TASK_GATE, gate);
    cpu_check(cpu, desc_dpl(gate) >= cpu->cpl, RULE_GP_TASK_GATE_CPL, error);
    cpu_check(cpu, desc_dpl(gate) >= (gate->selector & 3u), RULE_GP_TASK_GATE_RPL, error);
    cpu_check(cpu, desc_present(gate), RULE_NP_TASK_GATE, error);
    task_gate(cpu, gate, call ? TASK_CALL : TASK_JMP, flags_get(cpu), false, 0);
}

static void far_transfer(struct cpu *cpu, const struct insn *i, u16 selector, u64 ip, bool call)
{
    if (i->opsize == 2) {
        ip &= 0xffff;
    }
    if (real_or_vm86(cpu)) {
        far_real(cpu, i, selector, ip, call);
        return;
    }
    struct descriptor d;
    u32               error = selector_error(selector);
    cpu_check(cpu, !selector_null(selector), RULE_GP_FAR_NULL, 0);
    cpu_check(cpu, descriptor_fetch(cpu, selector, &d), RULE_GP_FAR_LIMIT, error);
    if (desc_is_code(&d)) {
        far_code(cpu, i, &d, ip, call);
        return;
    }
    switch (desc_type(&d)) {
    case SYS_CALL32:
        far_call_gate(cpu, &d, call);
        return;
    case SYS_CALL16:
    case SYS_TASK_GATE:
    case SYS_TSS16:
    case SYS_TSS16_BUSY:
    case SYS_TSS32:
    case SYS_TSS32_BUSY:
        cpu_check(cpu, !cpu->long_mode, RULE_GP_FAR_TYPE_LONG, error);
        if (desc_type(&d) == SYS_CALL16) {
            far_call_gate(cpu, &d, call);
        } else if (desc_type(&d) == SYS_TASK_GATE) {
            far_task_gate(cpu, &d, call);
        } else {
            far_tss(cpu, &d, call);
        }
        return;
    default:
        cpu_raise(cpu, RULE_GP_FAR_TYPE, error);
    }
}

static void far_memory(struct cpu *cpu, const struct insn *i, bool call)
{
    u64 ea = insn_ea(cpu, i);
    u64 ip = mem_read(cpu, i->seg, ea, i->opsize);
    u16 selector = (u16)mem_read(cpu, i->seg, (ea + i->opsize) & (~(u64)0 >> i->ea_shift), 2);
    far_transfer(cpu, i, selector, ip, call);
}

OP(jmp_far_imm)
{
    far_transfer(cpu, i, (u16)(i->imm >> 32), (u32)i->imm, false);
}

OP(call_far_imm)
{
    far_transfer(cpu, i, (u16)(i->imm >> 32), (u32)i->imm, true);
}

OP(jmp_far_mem)
{
    far_memory(cpu, i, false);
}

OP(call_far_mem)
{
    far_memory(cpu, i, true);
}

/* ---- RET */

void code_return_check(struct cpu *cpu, u16 selector, struct descriptor *d)
{
    u32      error = selector_error(selector);
    unsigned rpl = selector & 3;
    cpu_check(cpu, !selector_null(selector), RULE_GP_RETURN_NULL, 0);
    cpu_check(cpu, descriptor_fetch(cpu, selector, d), RULE_GP_RETURN_LIMIT, error);
    cpu_check(cpu, desc_is_code(d), RULE_GP_RETURN_TYPE, error);
    cpu_check(cpu, rpl >= cpu->cpl, RULE_GP_RETURN_RPL, error);
    if (cpu->long_mode) {
        cpu_check(cpu, !(desc_long(d) && desc_default32(d)), RULE_GP_RETURN_L_AND_D, error);
    }
    if (desc_conforming(d)) {
        cpu_check(cpu, desc_dpl(d) <= rpl, RULE_GP_RETURN_CONFORMING_DPL, error);
    } else {
        cpu_check(cpu, desc_dpl(d) == rpl, RULE_GP_RETURN_DPL, error);
    }
    cpu_check(cpu, desc_present(d), RULE_NP_RETURN, error);
}

static void retf_outer(struct cpu *cpu, const struct insn *i, struct descriptor *d, u64 ip)
{
    unsigned          cpl = d->selector & 3, w = i->opsize;
    u64               sp = stack_read(cpu, 2 * w + i->imm, w);
    u16               selector = (u16)stack_read(cpu, 3 * w + i->imm, w);
    bool              to64 = desc_code64(cpu, d);
    struct descriptor ss;
    struct segment    segment;
    struct shadow_return shadow;
    crossing_begin(cpu, CROSSING_RETF, 0);
    if (selector_null(selector) && to64 && cpl != 3) {
        segment = segment_null(selector);
        code_check_ip(cpu, d, ip);
    } else {
        stack_segment_check(cpu, selector, cpl, &stack_rules_return, &ss);
        code_check_ip(cpu, d, ip);
        segment = descriptor_segment(&ss, selector);
    }
    shadow_return_check(cpu, &shadow, d, ip, RETURN_FAR);
    if (segment.attr) {
        descriptor_set_accessed(cpu, &ss);
        segment = descriptor_segment(&ss, selector);
    }
    descriptor_set_accessed(cpu, d);
    shadow_return(cpu, &shadow);
    crossing_return(cpu, w, 2, (const u64[]){ip, d->selector, sp, selector}, true);
    cpu->seg[SEG_SS] = segment;
    cpu->regs[R_SP] =
        stack_merge(cpu->regs[R_SP], to64 ? ~(u64)0 : segment_stack_mask(&segment), sp + i->imm);
    code_enter(cpu, d, cpl, ip);
    cpu_update_privilege(cpu);
    segments_drop_inner(cpu);
    crossing_end(cpu);
}

OP(retf)
{
    unsigned w = i->opsize;
    u64      ip = stack_read(cpu, 0, w);
    u16      selector = (u16)stack_read(cpu, w, w);
    if (real_or_vm86(cpu)) {
        explain_note(cpu, "target", ip);
        explain_note(cpu, "target.limit", cpu->seg[SEG_CS].limit);
        cpu_check(cpu, ip <= cpu->seg[SEG_CS].limit, RULE_GP_TARGET_LIMIT, 0);
        stack_adjust(cpu, 2 * w + i->imm);
        enter_real(cpu, selector, ip);
        return;
    }
    struct descriptor d;
    code_return_check(cpu, selector, &d);
    if ((selector & 3u) > cpu->cpl) {
        retf_outer(cpu, i, &d, ip);
        return;
    }
    struct shadow_return shadow;
    code_check_ip(cpu, &d, ip);
    shadow_return_check(cpu, &shadow, &d, ip, RETURN_FAR);
    descriptor_set_accessed(cpu, &d);
    shadow_return(cpu, &shadow);
    stack_adjust(cpu, 2 * w + i->imm);
    code_enter(cpu, &d, cpu->cpl, ip);
    cpu_update_privilege(cpu);
}
