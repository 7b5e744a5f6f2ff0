/*
 * task.c: hardware task switches with 16-bit and 32-bit TSSs. Intel SDM Vol. 3A chapter 7.
 *
 * Up to the commit point (7.3, step 12) a fault belongs to the old task and nothing has changed. After it, faults are taken
 * in the new task with its CS:EIP; selectors are already those of the new task, their descriptors not yet loaded.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

#include "cpu/base/log.h"

/* What a TSS holds, whatever its format. */
struct tss_state {
    u32 cr3, eip, eflags, gpr[8];
    u16 seg[6], ldt; /* seg: in their encoding order */
    bool trap;
};

struct task {
    struct descriptor *tss;
    enum task_reason   reason;
    u32                flags; /* of the old task, as they are saved: SDM Vol. 3B 17.3.1.1, RF of a fault is set there too */
    bool               wide; /* 32-bit */
    u64                pdpte[4];
    struct shadow_task shadow;
    bool               load_cr3;
    struct tss_state   state;
};

static void read_tss32(struct cpu *cpu, vaddr base, struct tss_state *s)
{
    s->cr3 = (u32)sys_read(cpu, base + 28, 4);
    s->eip = (u32)sys_read(cpu, base + 32, 4);
    s->eflags = (u32)sys_read(cpu, base + 36, 4);
    for (unsigned n = 0; n < 8; n++) {
        s->gpr[n] = (u32)sys_read(cpu, base + 40 + 4 * n, 4);
    }
    for (unsigned n = 0; n < 6; n++) {
        s->seg[n] = (u16)sys_read(cpu, base + 72 + 4 * n, 2);
    }
    s->ldt = (u16)sys_read(cpu, base + 96, 2);
    s->trap = sys_read(cpu, base + 100, 2) & 1;
}

static void read_tss16(struct cpu *cpu, vaddr base, struct tss_state *s)
{
    *s = (struct tss_state){.eip = (u32)sys_read(cpu, base + 14, 2), .eflags = (u32)sys_read(cpu, base + 16, 2)};
    for (unsigned n = 0; n < 8; n++) {
        s->gpr[n] = 0xffff0000 | (u32)sys_read(cpu, base + 18 + 2 * n, 2);
    }
    for (unsigned n = 0; n < 4; n++) {
        s->seg[n] = (u16)sys_read(cpu, base + 34 + 2 * n, 2);
    }
    s->ldt = (u16)sys_read(cpu, base + 42, 2);
}

static void write_tss32(struct cpu *cpu, vaddr base, u32 eflags)
{
    sys_write(cpu, base + 32, cpu->ip, 4);
    sys_write(cpu, base + 36, eflags, 4);
    for (unsigned n = 0; n < 8; n++) {
        sys_write(cpu, base + 40 + 4 * n, (u32)cpu->regs[n], 4);
    }
    for (unsigned n = 0; n < 6; n++) {
        sys_write(cpu, base + 72 + 4 * n, cpu->seg[n].selector, 2);
    }
}

static void write_tss16(struct cpu *cpu, vaddr base, u32 eflags)
{
    sys_write(cpu, base + 14, cpu->ip & 0xffff, 2);
    sys_write(cpu, base + 16, eflags & 0xffff, 2);
    for (unsigned n = 0; n < 8; n++) {
        sys_write(cpu, base + 18 + 2 * n, cpu->regs[n] & 0xffff, 2);
    }
    for (unsigned n = 0; n < 4; n++) {
        sys_write(cpu, base + 34 + 2 * n, cpu->seg[n].selector, 2);
    }
}

static bool old_tss_wide(const struct cpu *cpu)
{
    return cpu->tr.attr & 8;
}

/* Everything that can fault before the commit point: the new TSS is read, all that will be written is probed. */
static void prepare(struct cpu *cpu, struct task *t)
{
    vaddr base = system_linear(cpu, desc_base(t->tss));
    u32   error = selector_error(t->tss->selector);
    bool  nested = t->reason == TASK_CALL || t->reason == TASK_INT;
    t->wide = desc_type(t->tss) & 8;
    explain_note(cpu, "needed", t->wide ? 0x67 : 0x2b);
    cpu_check(cpu, desc_limit(t->tss) >= (t->wide ? 0x67 : 0x2b), RULE_TS_NEW_LIMIT, error);
    unsigned old_last = old_tss_wide(cpu) ? 95 : 41;
    explain_note(cpu, "needed", old_last);
    cpu_check(cpu, cpu->tr.limit >= old_last, RULE_TS_OLD_LIMIT, selector_error(cpu->tr.selector));
    sys_probe_write(cpu, system_linear(cpu, cpu->tr.base + (old_tss_wide(cpu) ? 32 : 14)),
                    old_tss_wide(cpu) ? 64 : 28);
    if (t->wide) {
        read_tss32(cpu, base, &t->state);
    } else {
        read_tss16(cpu, base, &t->state);
    }
    if (nested) {
        sys_probe_write(cpu, base, 2);
    }
    t->load_cr3 = t->wide && cpu->cr0 & CR0_PG;
    if (t->load_cr3 && paging_is_pae(cpu)) {
        pdptes_fetch(cpu, t->state.cr3, t->pdpte);
    }
    sys_probe_write(cpu, t->tss->address, 8);
    unsigned cpl = t->state.eflags & FLAG_VM && t->wide ? 3 : t->state.seg[SEG_CS] & 3;
    shadow_task_leave(cpu, &t->shadow, t->reason == TASK_IRET, cpl);
}

/* Saves the old task: busy bit, flags, state. */
static void leave_old(struct cpu *cpu, const struct task *t)
{
    u32               eflags = t->flags;
    struct descriptor old;
    if (t->reason == TASK_JMP || t->reason == TASK_IRET) {
        if (descriptor_fetch(cpu, cpu->tr.selector, &old)) {
            descriptor_set_busy(cpu, &old, false);
        }
    }
    if (t->reason == TASK_IRET) {
        eflags &= ~(u32)FLAG_NT;
    }
    vaddr base = system_linear(cpu, cpu->tr.base);
    if (old_tss_wide(cpu)) {
        write_tss32(cpu, base, eflags);
    } else {
        write_tss16(cpu, base, eflags);
    }
}

/* Selectors and plain registers of the new task; segments are unusable until load_segments(). */
static void load_state(struct cpu *cpu, const struct task *t)
{
    const struct tss_state *s = &t->state;
    u32  valid = eflags_valid(cpu) | FLAG_ARITH | FLAG_1;
    u32  eflags = s->eflags & (t->wide ? valid : valid & 0xffff);
    bool nested = t->reason == TASK_CALL || t->reason == TASK_INT;
    if (t->load_cr3) {
        memcpy(cpu->paging.pdpte, t->pdpte, sizeof t->pdpte);
        cr3_write(cpu, s->cr3);
    }
    for (unsigned n = 0; n < 8; n++) {
        cpu->regs[n] = s->gpr[n];
    }
    for (unsigned n = 0; n < 6; n++) {
        cpu->seg[n] = segment_null(s->seg[n]);
    }
    cpu->ldtr = segment_null(s->ldt);
    cpu->ip = s->eip;
    cpu->cpl = eflags & FLAG_VM ? 3 : s->seg[SEG_CS] & 3;
    flags_set(cpu, eflags | (nested ? FLAG_NT : 0));
    cpu->dr[7] &= ~(u64)0x155; /* local breakpoints: SDM Vol. 3B 17.2.4 */
    cpu_update_mode(cpu);
    cpu_update_debug(cpu);
}

static void load_ldt(struct cpu *cpu, u16 selector)
{
    struct descriptor d;
    u32               error = selector_error(selector);
    if (selector_null(selector)) {
        return;
    }
    explain_note(cpu, "selector", selector);
    cpu_check(cpu, !(selector & 4) && descriptor_fetch(cpu, selector, &d), RULE_TS_TASK_LDT_LIMIT, error);
    cpu_check(cpu, desc_type(&d) == SYS_LDT, RULE_TS_TASK_LDT_TYPE, error);
    cpu_check(cpu, desc_present(&d), RULE_TS_TASK_LDT_NOT_PRESENT, error);
    cpu->ldtr = descriptor_segment(&d, selector);
}

static void load_code(struct cpu *cpu, u16 selector)
{
    struct descriptor d;
    u32               error = selector_error(selector);
    unsigned          rpl = selector & 3;
    explain_note(cpu, "selector", selector);
    cpu_check(cpu, !selector_null(selector) && descriptor_fetch(cpu, selector, &d), RULE_TS_TASK_CS_LIMIT, error);
    cpu_check(cpu, desc_is_code(&d), RULE_TS_TASK_CS_TYPE, error);
    cpu_check(cpu, desc_conforming(&d) ? desc_dpl(&d) <= rpl : desc_dpl(&d) == rpl, RULE_TS_TASK_CS_DPL, error);
    cpu_check(cpu, desc_present(&d), RULE_NP_TASK_CS, error);
    descriptor_set_accessed(cpu, &d);
    cpu->seg[SEG_CS] = descriptor_segment(&d, selector);
    cpu_update_mode(cpu); /* a fault in what follows is delivered with it */
}

static void load_data(struct cpu *cpu, unsigned seg, u16 selector)
{
    struct descriptor d;
    u32               error = selector_error(selector);
    if (selector_null(selector)) {
        return;
    }
    cpu_check(cpu, descriptor_fetch(cpu, selector, &d), RULE_TS_TASK_DATA_LIMIT, error);
    cpu_check(cpu, desc_readable(&d), RULE_TS_TASK_DATA_TYPE, error);
    cpu_check(cpu, desc_conforming(&d) || (desc_dpl(&d) >= cpu->cpl && desc_dpl(&d) >= (selector & 3u)),
              RULE_TS_TASK_DATA_DPL, error);
    cpu_check(cpu, desc_present(&d), RULE_NP_TASK_DATA, error);
    descriptor_set_accessed(cpu, &d);
    cpu->seg[seg] = descriptor_segment(&d, selector);
    cpu_update_segment(cpu, seg);
}

static void load_segments(struct cpu *cpu, const u16 *selectors, u16 ldt)
{
    static const u8   data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    struct descriptor ss;
    load_ldt(cpu, ldt);
    if (cpu->eflags & FLAG_VM) {
        for (unsigned n = 0; n < 6; n++) {
            segment_load_real(cpu, n, selectors[n]);
        }
        return;
    }
    load_code(cpu, selectors[SEG_CS]);
    stack_segment_check(cpu, selectors[SEG_SS], cpu->cpl, &stack_rules_task, &ss);
    descriptor_set_accessed(cpu, &ss);
    cpu->seg[SEG_SS] = descriptor_segment(&ss, selectors[SEG_SS]);
    cpu_update_mode(cpu);
    for (unsigned n = 0; n < ARRAY_LEN(data); n++) {
        load_data(cpu, data[n], selectors[data[n]]);
    }
}

static void push_error(struct cpu *cpu, unsigned width, u32 error)
{
    struct frame f;
    frame_begin(cpu, &f, width);
    frame_push(&f, error);
    u64 sp = frame_write(cpu, &f);
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
}

void task_switch(struct cpu *cpu, struct descriptor *tss, enum task_reason reason, u32 flags, bool has_error, u32 error)
{
    struct task t = {.tss = tss, .reason = reason, .flags = flags};
    u16         old_selector = cpu->tr.selector;
    for (struct cpu_watch *w = cpu->watch; unlikely(w != NULL); w = w->next) {
        if (w->task_switch) {
            w->task_switch(w->opaque, cpu);
        }
    }
    prepare(cpu, &t);
    log_at(LOG_PCALL, "task switch %04x -> %04x", old_selector, tss->selector);
    leave_old(cpu, &t);
    if (reason == TASK_CALL || reason == TASK_INT) {
        sys_write(cpu, system_linear(cpu, desc_base(tss)), old_selector, 2);
    }
    if (reason != TASK_IRET) {
        descriptor_set_busy(cpu, tss, true);
    }
    shadow_task_left(cpu, &t.shadow);
    /* The commit point. */
    cpu->current = NULL; /* a fault from here on has the new task's IP */
    crossing_commit(cpu);
    crossing_task(cpu, old_selector, tss->selector);
    cpu->tr = descriptor_segment(tss, tss->selector);
    cpu->tr.attr |= 2;
    cpu->cr0 |= CR0_TS;
    load_state(cpu, &t);
    load_segments(cpu, t.state.seg, t.state.ldt);
    cpu_update_mode(cpu);
    if (t.state.trap) {
        cpu->pending_db |= DR6_BT;
        cpu_update_debug(cpu);
    }
    shadow_task_enter(cpu, &t.shadow, reason != TASK_JMP);
    if (has_error) {
        push_error(cpu, t.wide ? 4 : 2, error);
    }
    explain_note(cpu, "target", cpu->ip);
    explain_note(cpu, "target.limit", cpu->seg[SEG_CS].limit);
    cpu_check(cpu, cpu->ip <= cpu->seg[SEG_CS].limit, RULE_GP_TASK_IP, 0);
    crossing_end(cpu);
}

void task_gate(struct cpu *cpu, const struct descriptor *gate, enum task_reason reason, u32 flags, bool has_error,
               u32 error)
{
    u16               selector = gate_selector(gate);
    u32               code = selector_error(selector);
    struct descriptor tss;
    explain_note(cpu, "selector", selector);
    cpu_check(cpu, !(selector & 4), RULE_GP_TSS_NOT_GDT, code);
    cpu_check(cpu, descriptor_fetch(cpu, selector, &tss), RULE_GP_TSS_LIMIT, code);
    cpu_check(cpu, desc_type(&tss) == SYS_TSS16 || desc_type(&tss) == SYS_TSS32, RULE_GP_TSS_BUSY, code);
    cpu_check(cpu, desc_present(&tss), RULE_NP_TSS, code);
    task_switch(cpu, &tss, reason, flags, has_error, error);
}

void task_return(struct cpu *cpu)
{
    u16               selector = (u16)sys_read(cpu, system_linear(cpu, cpu->tr.base), 2);
    u32               error = selector_error(selector);
    struct descriptor tss;
    crossing_begin(cpu, CROSSING_TASK, 0);
    crossing_source(cpu, SOURCE_LINK, selector, system_linear(cpu, cpu->tr.base), 0, 0);
    explain_note(cpu, "selector", selector);
    cpu_check(cpu, !(selector & 4) && descriptor_fetch(cpu, selector, &tss), RULE_TS_LINK_LIMIT, error);
    cpu_check(cpu, desc_type(&tss) == SYS_TSS16_BUSY || desc_type(&tss) == SYS_TSS32_BUSY, RULE_TS_LINK_NOT_BUSY,
              error);
    cpu_check(cpu, desc_present(&tss), RULE_NP_TSS, error);
    task_switch(cpu, &tss, TASK_IRET, flags_get(cpu), false, 0);
}
