/*
 * intr.c: delivery of exceptions and interrupts in every mode, the double-fault rules, and the instructions that ask for
 * an interrupt. Intel SDM Vol. 3A chapter 6, Vol. 2 INT n/INTO/INT3, Vol. 3B 20.3 (virtual-8086 mode).
 *
 * Whatever can fail is checked before anything changes, so that a fault during delivery is reported with the state of the
 * interrupted program. cpu->delivering says what is under way; cpu_exception() derives double faults and the error code's EXT
 * bit from it.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

#include "cpu/base/log.h"
#include "cpu/cpu.h"

/* One event on its way. */
struct event {
    unsigned      vector;
    enum delivery kind;
    bool          has_error;
    u32           error;
    u32           flags; /* the image to push */
};

/* The error code of a faulty IDT entry: the vector, and the IDT bit. */
static u32 idt_error(const struct event *e)
{
    return e->vector << 3 | 2;
}

/* ---- real mode; VM86 through the real-mode table */

static void enter_real_vector(struct cpu *cpu, u64 table, const struct event *e, u32 clear)
{
    vaddr at = system_linear(cpu, table + e->vector * 4);
    u64   ip = sys_read(cpu, at, 2);
    u16   cs = (u16)sys_read(cpu, at + 2, 2);
    crossing_source(cpu, SOURCE_IVT, 0, at, (u64)cs << 16 | ip, 0);
    struct frame f;
    frame_begin(cpu, &f, 2);
    frame_push(&f, e->flags);
    frame_push(&f, cpu->seg[SEG_CS].selector);
    frame_push(&f, cpu->ip);
    u64 sp = frame_write(cpu, &f);
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
    segment_load_real(cpu, SEG_CS, cs);
    cpu->ip = ip;
    flags_set(cpu, flags_get(cpu) & ~clear);
    cpu_update_privilege(cpu);
}

static void deliver_real(struct cpu *cpu, const struct event *e)
{
    cpu_check(cpu, e->vector * 4 + 3 <= cpu->idtr.limit, RULE_GP_IVT_LIMIT, idt_error(e));
    enter_real_vector(cpu, cpu->idtr.base, e, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
}

/* ---- protected mode, long mode */

static unsigned gate_bytes(const struct cpu *cpu)
{
    return cpu->long_mode ? 16 : 8;
}

static void fetch_gate(struct cpu *cpu, const struct event *e, struct descriptor *gate)
{
    unsigned bytes = gate_bytes(cpu);
    u32      offset = e->vector * bytes, error = idt_error(e);
    cpu_check(cpu, offset + bytes - 1 <= cpu->idtr.limit, RULE_GP_IDT_LIMIT, error);
    vaddr at = system_linear(cpu, cpu->idtr.base + offset);
    u64   low = sys_read(cpu, at, 8);
    *gate = (struct descriptor){.lo = (u32)low, .hi = (u32)(low >> 32), .address = at};
    if (cpu->long_mode) {
        gate->upper = (u32)sys_read(cpu, at + 8, 8);
    }
    crossing_gate(cpu, SOURCE_IDT, gate);
    if (unlikely(cpu->explain)) {
        explain_gate(cpu, e->vector, gate);
    }
    u32 types = cpu->long_mode ? BIT(SYS_INT32) | BIT(SYS_TRAP32)
                               : BIT(SYS_TASK_GATE) | BIT(SYS_INT16) | BIT(SYS_TRAP16) | BIT(SYS_INT32) |
                                     BIT(SYS_TRAP32);
    cpu_check(cpu, types >> desc_type(gate) & 1, RULE_GP_IDT_TYPE, error);
    if (e->kind == DELIVER_SOFT) {
        cpu_check(cpu, desc_dpl(gate) >= cpu->cpl, RULE_GP_IDT_DPL, error);
    }
    cpu_check(cpu, desc_present(gate), RULE_NP_IDT, error);
}

static void fetch_handler(struct cpu *cpu, const struct descriptor *gate, struct descriptor *d)
{
    u16 selector = gate_selector(gate);
    u32 error = selector_error(selector);
    cpu_check(cpu, !selector_null(selector), RULE_GP_HANDLER_NULL, 0);
    cpu_check(cpu, descriptor_fetch(cpu, selector, d), RULE_GP_HANDLER_LIMIT, error);
    cpu_check(cpu, desc_is_code(d), RULE_GP_HANDLER_TYPE, error);
    cpu_check(cpu, desc_dpl(d) <= cpu->cpl, RULE_GP_HANDLER_DPL, error);
    if (cpu->long_mode) {
        cpu_check(cpu, desc_long(d) && !desc_default32(d), RULE_GP_HANDLER_NOT_64, error);
    }
    cpu_check(cpu, desc_present(d), RULE_NP_HANDLER, error);
}

/* Clears what a handler starts without; an interrupt gate also masks interrupts. */
static void enter_handler(struct cpu *cpu, const struct descriptor *gate, struct descriptor *d, unsigned cpl,
                          u64 ip)
{
    u32 clear = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM;
    if (!(desc_type(gate) & 1)) {
        clear |= FLAG_IF;
    }
    code_enter(cpu, d, cpl, ip);
    flags_set(cpu, flags_get(cpu) & ~clear);
    cpu_update_privilege(cpu);
    cet_track_far(cpu);
}

static void push_return(struct cpu *cpu, struct frame *f, const struct event *e)
{
    frame_push(f, e->flags);
    frame_push(f, cpu->seg[SEG_CS].selector);
    frame_push(f, cpu->ip);
    if (e->has_error) {
        frame_push(f, e->error);
    }
}

static void deliver_same(struct cpu *cpu, const struct event *e, const struct descriptor *gate,
                         struct descriptor *d, u64 ip)
{
    struct frame        f;
    struct shadow_frame shadow;
    frame_begin(cpu, &f, desc_type(gate) & 8 ? 4 : 2);
    push_return(cpu, &f, e);
    frame_check(cpu, &f);
    code_check_ip(cpu, d, ip);
    shadow_call_check(cpu, &shadow, false);
    descriptor_set_accessed(cpu, d);
    u64 sp = frame_write(cpu, &f);
    shadow_frame_write(cpu, &shadow);
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
    enter_handler(cpu, gate, d, cpu->cpl, ip);
}

static void deliver_inner(struct cpu *cpu, const struct event *e, const struct descriptor *gate,
                          struct descriptor *d, u64 ip)
{
    static const u8    data[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
    unsigned           cpl = desc_dpl(d);
    bool               vm86 = cpu->vm86;
    struct inner_stack stack;
    struct frame       f;
    struct shadow_frame shadow;
    inner_stack_fetch(cpu, cpl, 0, &stack);
    frame_begin_on(&f, &stack.ss, stack.sp, false, cpl, desc_type(gate) & 8 ? 4 : 2,
                   selector_error(stack.ss.selector));
    for (unsigned n = 0; vm86 && n < ARRAY_LEN(data); n++) {
        frame_push(&f, cpu->seg[data[n]].selector);
    }
    frame_push(&f, cpu->seg[SEG_SS].selector);
    frame_push(&f, cpu->regs[R_SP]);
    push_return(cpu, &f, e);
    frame_check(cpu, &f);
    code_check_ip(cpu, d, ip);
    shadow_inner_check(cpu, &shadow, cpl, 0, false);
    descriptor_set_accessed(cpu, d);
    u64 sp = frame_write(cpu, &f);
    shadow_frame_write(cpu, &shadow);
    for (unsigned n = 0; vm86 && n < ARRAY_LEN(data); n++) {
        cpu->seg[data[n]] = segment_null(0);
    }
    cpu->seg[SEG_SS] = stack.ss;
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], f.mask, sp);
    enter_handler(cpu, gate, d, cpl, ip);
}

/* Long mode: SS:RSP is always pushed, on a stack aligned to 16 bytes (SDM Vol. 3A 6.14). */
static void deliver_long(struct cpu *cpu, const struct event *e, const struct descriptor *gate,
                         struct descriptor *d, u64 ip)
{
    unsigned           ist = gate->hi & 7;
    bool               inner = !desc_conforming(d) && desc_dpl(d) < cpu->cpl;
    unsigned           cpl = inner ? desc_dpl(d) : cpu->cpl;
    struct inner_stack stack = {.sp = cpu->regs[R_SP], .ss = cpu->seg[SEG_SS], .wide = true};
    struct frame       f;
    struct shadow_frame shadow;
    if (inner || ist) {
        inner_stack_fetch(cpu, cpl, ist, &stack);
        if (!inner) {
            stack.ss = cpu->seg[SEG_SS];
        }
    }
    frame_begin_on(&f, &stack.ss, stack.sp & ~(u64)15, true, cpl, 8, 0);
    frame_push(&f, cpu->seg[SEG_SS].selector);
    frame_push(&f, cpu->regs[R_SP]);
    push_return(cpu, &f, e);
    frame_check(cpu, &f);
    code_check_ip(cpu, d, ip);
    if (inner || ist) {
        shadow_inner_check(cpu, &shadow, cpl, ist, true);
    } else {
        shadow_call_check(cpu, &shadow, true);
    }
    descriptor_set_accessed(cpu, d);
    u64 sp = frame_write(cpu, &f);
    shadow_frame_write(cpu, &shadow);
    cpu->seg[SEG_SS] = stack.ss;
    cpu->regs[R_SP] = sp;
    enter_handler(cpu, gate, d, cpl, ip);
}

static void deliver_protected(struct cpu *cpu, const struct event *e)
{
    struct descriptor gate, d;
    fetch_gate(cpu, e, &gate);
    if (desc_type(&gate) == SYS_TASK_GATE) {
        task_gate(cpu, &gate, TASK_INT, e->flags, e->has_error, e->error);
        return;
    }
    fetch_handler(cpu, &gate, &d);
    u64 ip = gate_offset(&gate, cpu->long_mode);
    if (cpu->long_mode) {
        deliver_long(cpu, e, &gate, &d, ip);
    } else if (!desc_conforming(&d) && desc_dpl(&d) < cpu->cpl) {
        cpu_check(cpu, !cpu->vm86 || desc_dpl(&d) == 0, RULE_GP_HANDLER_VM86,
                  selector_error(d.selector));
        deliver_inner(cpu, e, &gate, &d, ip);
    } else {
        cpu_check(cpu, !cpu->vm86, RULE_GP_HANDLER_VM86, selector_error(d.selector));
        deliver_same(cpu, e, &gate, &d, ip);
    }
}

static void note_delivery(struct cpu *cpu, const struct event *e)
{
    bool machine_check = e->vector == VEC_MC && cpu->msr.mcg_status & MCG_MCIP;
    enum crossing_kind kind = e->kind == DELIVER_EXCEPTION || (e->kind == DELIVER_INTERRUPT && machine_check) ? CROSSING_EXCEPTION
                              : e->kind != DELIVER_INTERRUPT                                                  ? CROSSING_INT
                              : e->vector == VEC_NMI                                                          ? CROSSING_NMI
                                                                                                              : CROSSING_IRQ;
    crossing_begin(cpu, kind, e->vector);
    struct crossing *c = crossing_now(cpu);
    if (c) {
        c->has_error = e->has_error;
        c->error_code = e->error;
        c->rule = e->kind == DELIVER_EXCEPTION ? (u16)cpu->raised.rule : RULE_NONE;
        c->cr2 = cpu->cr2;
    }
}

static void deliver(struct cpu *cpu, const struct event *e)
{
    u64 from = cpu->ip;
    if (unlikely(cpu->crossing)) {
        note_delivery(cpu, e);
    }
    if (unlikely(cpu->explain)) {
        explain_delivery(cpu, e->vector, e->has_error, e->error);
    }
    if (cpu->protected_mode) {
        deliver_protected(cpu, e);
    } else {
        deliver_real(cpu, e);
    }
    if (unlikely(cpu->msr.debugctl & DEBUGCTL_LBR)) {
        cpu->msr.last_branch[2] = cpu->msr.last_branch[0];
        cpu->msr.last_branch[3] = cpu->msr.last_branch[1];
        debug_branched(cpu, from);
    }
    cpu->delivering = -1;
    cpu->shadow_at = ~(u64)0;
    cpu->activity = ACTIVITY_RUN;
    crossing_end(cpu);
    if (unlikely(cpu->explain)) {
        explain_entered(cpu);
    }
}

void cpu_deliver(struct cpu *cpu, int vector, enum delivery kind, bool has_error, u32 error)
{
    if (kind != DELIVER_EXCEPTION) {
        cpu->delivering = kind == DELIVER_SOFT ? DELIVERING_SOFT : DELIVERING_EXTERNAL;
        cpu->delivering_ac = false;
        cpu->pending_db &= ~(u64)DR6_BS; /* INT n clears TF: no single-step trap follows it (SDM Vol. 3B 17.3.1.4) */
    }
    for (struct cpu_watch *w = cpu->watch; unlikely(w != NULL); w = w->next) {
        if (w->interrupt) {
            w->interrupt(w->opaque, cpu, (unsigned)vector & 0xff, (int)kind, has_error, error);
        }
    }
    if (kind == DELIVER_INTERRUPT) {
        log_at(LOG_INT, "interrupt %02x at %04x:%llx", (unsigned)vector, cpu->seg[SEG_CS].selector,
               (unsigned long long)cpu->ip);
    }
    deliver(cpu, &(struct event){.vector = (unsigned)vector & 0xff,
                                 .kind = kind,
                                 .has_error = has_error,
                                 .error = error,
                                 .flags = flags_get(cpu)});
}

void cpu_deliver_nmi(struct cpu *cpu)
{
    cpu->nmi_blocked = true;
    cpu_deliver(cpu, VEC_NMI, DELIVER_INTERRUPT, false, 0);
}

/* ---- exceptions */

/* SDM Vol. 3A table 6-4. */
static bool contributory(int vector)
{
    return vector == VEC_DE || (vector >= VEC_TS && vector <= VEC_GP) || vector == VEC_CP;
}

static bool has_error_code(int vector)
{
    return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC || vector == VEC_CP;
}

enum combination { SERIAL, DOUBLE_FAULT, TRIPLE_FAULT };

/* SDM Vol. 3A table 6-5. `again`: a second alignment check within one delivery; that would go on for ever, so it counts as a
 * double fault. */
static enum combination combine(int first, int second, bool again)
{
    bool second_severe = contributory(second) || second == VEC_PF;
    if (first == VEC_DF) {
        return second_severe || second == VEC_AC ? TRIPLE_FAULT : SERIAL;
    }
    if ((contributory(first) && contributory(second)) || (first == VEC_PF && second_severe) || again) {
        return DOUBLE_FAULT;
    }
    return SERIAL;
}

/* The image of EFLAGS that an exception pushes: faults set RF, but not instruction breakpoints (SDM Vol. 3B 17.3.1.1). */
static u32 exception_flags(const struct cpu *cpu, enum rule rule, int vector)
{
    u32 flags = flags_get(cpu);
    return cpu->protected_mode && vector != VEC_DF && rule != RULE_DB_INSTRUCTION && rule != RULE_DB_TRAP
               ? flags | FLAG_RF
               : flags;
}

static void debug_registers(struct cpu *cpu, enum rule rule)
{
    cpu->dr[6] |= cpu->pending_db | (rule == RULE_DB_GENERAL_DETECT ? DR6_BD : 0);
    cpu->dr[7] &= ~(u64)DR7_GD;
    cpu->msr.debugctl &= ~(u64)(DEBUGCTL_LBR | DEBUGCTL_BTF); /* SDM Vol. 3B 17.4.1, 17.4.3 */
}

static void log_exception(struct cpu *cpu, int vector, u32 error)
{
    const struct rule_info *r = &rule_table[cpu->raised.rule];
    log_write("exception %02x error %04x at %04x:%016llx cpl %u: %s (%s): %s", (unsigned)vector, error,
              cpu->seg[SEG_CS].selector, (unsigned long long)cpu->ip, cpu->cpl, r->name, r->section,
              r->sentence);
    if (cpu->bus.exception) {
        cpu->bus.exception(cpu);
    }
}

void cpu_shut_down(struct cpu *cpu)
{
    crossing_begin(cpu, CROSSING_SHUTDOWN, 0);
    cpu->delivering = -1;
    cpu->activity = ACTIVITY_SHUTDOWN;
    crossing_end(cpu);
    if (cpu->bus.shutdown) {
        cpu->bus.shutdown(cpu->bus.opaque);
    }
}

static bool triple_fault(struct cpu *cpu)
{
    log_at(LOG_INT, "triple fault: shutdown");
    cpu_shut_down(cpu);
    return false;
}

static void tell_watches(struct cpu *cpu)
{
    for (struct cpu_watch *w = cpu->watch; w; w = w->next) {
        if (w->exception) {
            w->exception(w->opaque, cpu);
        }
    }
}

bool cpu_exception(struct cpu *cpu)
{
    enum rule rule = cpu->raised.rule;
    int       vector = rule_table[rule].vector;
    u32       error = cpu->raised.error_code;
    int       first = cpu->delivering;
    bool      ext = first >= 0 && first != DELIVERING_SOFT;
    if (ext && ((vector >= VEC_TS && vector <= VEC_GP) || vector == VEC_AC)) {
        error |= 1; /* SDM Vol. 3A 6.13; 6.15 #AC: its error code is 0 but for this */
    }
    if (log_on(LOG_INT)) {
        log_exception(cpu, vector, error);
    }
    if (unlikely(cpu->watch)) {
        tell_watches(cpu);
    }
    if (vector == VEC_PF) {
        cpu->cr2 = cpu->raised.cr2;
    }
    bool again = first >= 0 && vector == VEC_AC && cpu->delivering_ac;
    cpu->delivering_ac = vector == VEC_AC || (first >= 0 && cpu->delivering_ac);
    switch (first >= 0 ? combine(first, vector, again) : SERIAL) {
    case TRIPLE_FAULT:
        return triple_fault(cpu);
    case DOUBLE_FAULT:
        vector = VEC_DF;
        error = 0;
        break;
    default:
        break;
    }
    if (vector == VEC_DB) {
        debug_registers(cpu, rule);
    }
    cpu->pending_db = 0;
    cpu_update_debug(cpu);
    cpu->delivering = vector;
    deliver(cpu, &(struct event){.vector = (unsigned)vector,
                                 .kind = DELIVER_EXCEPTION,
                                 .has_error = cpu->protected_mode && has_error_code(vector),
                                 .error = error,
                                 .flags = exception_flags(cpu, rule, vector)});
    return true;
}

void cpu_debug_trap(struct cpu *cpu)
{
    cpu->raised.rule = RULE_DB_TRAP;
    cpu->raised.error_code = 0;
    cpu->delivering = -1;
    cpu_exception(cpu);
}

/* ---- instructions */

/* VM86 with CR4.VME: does the TSS's redirection bitmap send this INT n to the 8086 program's own table (bit clear)?
 * SDM Vol. 3B 20.3.3. */
static bool redirected_to_program(struct cpu *cpu, unsigned vector)
{
    if (cpu->tr.limit < 103) {
        return false;
    }
    u32 io_map = (u32)sys_read(cpu, system_linear(cpu, cpu->tr.base + 102), 2);
    u32 at = io_map - 32 + vector / 8;
    explain_note(cpu, "map", io_map);
    cpu_check(cpu, io_map >= 32 && at <= cpu->tr.limit, RULE_GP_VME_BITMAP, 0);
    return !(sys_read(cpu, system_linear(cpu, cpu->tr.base + at), 1) >> (vector & 7) & 1);
}

static void deliver_vme(struct cpu *cpu, unsigned vector)
{
    u32          flags = flags_get(cpu), clear = FLAG_TF | FLAG_RF | FLAG_NT;
    struct event e = {.vector = vector, .kind = DELIVER_SOFT};
    if (iopl(cpu) == 3) {
        clear |= FLAG_IF;
    } else {
        flags = (u32)merge_bits(flags, FLAG_IF, flags & FLAG_VIF ? FLAG_IF : 0) | FLAG_IOPL;
        clear |= FLAG_VIF;
    }
    e.flags = flags;
    crossing_begin(cpu, CROSSING_INT, vector);
    enter_real_vector(cpu, 0, &e, clear);
    cpu->pending_db &= ~(u64)DR6_BS;
    crossing_end(cpu);
}

OP(int_n)
{
    unsigned vector = (u8)i->imm;
    if (cpu->vm86) {
        if (cpu->cr4 & CR4_VME && redirected_to_program(cpu, vector)) {
            deliver_vme(cpu, vector);
            return;
        }
        cpu_check(cpu, iopl(cpu) == 3, RULE_GP_VM86_IOPL, 0);
    }
    cpu_deliver(cpu, (int)vector, DELIVER_SOFT, false, 0);
}

OP(int3)
{
    (void)i;
    cpu_deliver(cpu, VEC_BP, DELIVER_SOFT, false, 0);
}

OP(into)
{
    (void)i;
    if (flags_arith(cpu) & FLAG_OF) {
        cpu->raised.rule = RULE_OF_INTO; /* a trap: delivered like INT n, not raised */
        if (log_on(LOG_INT)) {
            log_exception(cpu, VEC_OF, 0);
        }
        if (unlikely(cpu->watch)) {
            tell_watches(cpu);
        }
        if (unlikely(cpu->explain)) {
            explain_check(cpu, false, RULE_OF_INTO, 0);
        }
        cpu_deliver(cpu, VEC_OF, DELIVER_SOFT, false, 0);
    }
}

OP(icebp)
{
    (void)i;
    cpu->dr[6] |= cpu->pending_db & DR6_B; /* held back by MOV SS: this #DB tells of them, none follows it */
    cpu->pending_db &= ~(u64)DR6_B;
    cpu->dr[7] &= ~(u64)DR7_GD;
    cpu_deliver(cpu, VEC_DB, DELIVER_ICEBP, false, 0);
}

OP(hlt)
{
    (void)i;
    require_cpl0(cpu);
    crossing_begin(cpu, CROSSING_HALT, 0);
    pmu_sleep(cpu);
    cpu->activity = ACTIVITY_HALT;
    crossing_end(cpu);
    cpu_kick(cpu); /* the run loop sees the new activity */
}

OP(bound)
{
    u64 ea = insn_ea(cpu, i), mask = ~(u64)0 >> i->ea_shift;
    i64 low = sign_extend(mem_read(cpu, i->seg, ea, i->opsize), i->opsize);
    i64 high = sign_extend(mem_read(cpu, i->seg, (ea + i->opsize) & mask, i->opsize), i->opsize);
    i64 index = sign_extend(gpr_read(cpu, i->reg, i->opsize), i->opsize);
    explain_note(cpu, "index", (u64)index);
    explain_note(cpu, "bound.low", (u64)low);
    explain_note(cpu, "bound.high", (u64)high);
    cpu_check(cpu, index >= low && index <= high, RULE_BR_BOUND, 0);
}
