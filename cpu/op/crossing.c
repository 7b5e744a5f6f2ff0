/*
 * crossing.c: see cpu/crossing.h and crossing_note.h.
 */
#include "cpu/op/crossing_note.h"

#include <stdio.h>
#include <stdlib.h>

#include "cpu/base/mem.h"
#include "cpu/cpu.h"

/* ---- listeners */

void crossing_listen(struct cpu *cpu, struct crossing_listener *listener)
{
    if (!cpu->crossing) {
        cpu->crossing = mem_zeroed(1, sizeof *cpu->crossing);
    }
    listener->next = cpu->crossing->listeners;
    cpu->crossing->listeners = listener;
}

void crossing_ignore(struct cpu *cpu, struct crossing_listener *listener)
{
    struct crossing_listener **at = cpu->crossing ? &cpu->crossing->listeners : NULL;
    while (at && *at && *at != listener) {
        at = &(*at)->next;
    }
    if (at && *at) {
        *at = listener->next;
        listener->next = NULL;
    }
    if (cpu->crossing && !cpu->crossing->listeners) {
        free(cpu->crossing);
        cpu->crossing = NULL;
    }
}

/* ---- what is told */

static enum crossing_mode mode_of(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE)) {
        return MODE_IS_REAL;
    }
    if (cpu->eflags & FLAG_VM) {
        return MODE_IS_VM86;
    }
    bool wide = cpu->seg[SEG_CS].attr & ATTR_DB;
    if (!(cpu->efer & EFER_LMA)) {
        return wide ? MODE_IS_32 : MODE_IS_16;
    }
    return cpu->seg[SEG_CS].attr & ATTR_L ? MODE_IS_64 : wide ? MODE_IS_COMPAT32 : MODE_IS_COMPAT16;
}

struct crossing_point crossing_here(const struct cpu *cpu)
{
    return (struct crossing_point){
        .ip = cpu->current ? insn_ip(cpu, cpu->current) & cpu->ip_mask : cpu->ip,
        .sp = cpu->regs[R_SP],
        .flags = flags_get(cpu),
        .cs = cpu->seg[SEG_CS].selector,
        .ss = cpu->seg[SEG_SS].selector,
        .ring = cpu->cpl,
        .mode = (u8)mode_of(cpu),
        .smm = cpu->in_smm,
        .halted = cpu->activity == ACTIVITY_HALT || cpu->activity == ACTIVITY_MWAIT,
    };
}

/* One that a fault has stopped halfway, or one that has happened although a fault followed. */
static void close_open(struct cpu *cpu, struct crossing *next)
{
    struct crossing_notes *n = cpu->crossing;
    if (n->open && next->kind == CROSSING_EXCEPTION) {
        next->during = (u8)(n->now.kind + 1);
        next->during_vector = n->now.vector;
    }
    if (n->open && n->committed) {
        crossing_note_end(cpu);
    }
}

void crossing_note_begin(struct cpu *cpu, enum crossing_kind kind, unsigned vector)
{
    struct crossing c = {.count = cpu_icount(cpu), .kind = (u8)kind, .vector = (u8)vector, .from = crossing_here(cpu)};
    close_open(cpu, &c);
    if (!cpu->crossing) { /* whoever was told of that one looks no more */
        return;
    }
    c.stack.source = STACK_SAME;
    cpu->crossing->now = c;
    cpu->crossing->open = true;
    cpu->crossing->committed = false;
}

/* Values that are pushed come highest address first. */
void crossing_note_frame(struct cpu *cpu, const struct frame *f, u64 sp)
{
    struct crossing *c = crossing_now(cpu);
    if (!c || !f->count) {
        return;
    }
    unsigned stored = f->count < CROSSING_VALUES ? f->count : CROSSING_VALUES, head = stored == f->count ? stored : stored - 2;
    c->frame.popped = false;
    c->frame.width = f->width;
    c->frame.count = f->count;
    c->frame.at = f->wide ? sp : (u32)(f->ss.base + sp);
    for (unsigned k = 0; k < stored; k++) {
        c->frame.value[k] = f->value[k < head ? f->count - 1u - k : stored - 1u - k];
    }
}

void crossing_note_return(struct cpu *cpu, unsigned width, unsigned n, const u64 *value, bool stack)
{
    struct crossing *c = crossing_now(cpu);
    if (!c) {
        return;
    }
    u64 sp = cpu->regs[R_SP] & cpu->stack_mask;
    c->source = (struct crossing_origin){.source = SOURCE_STACK};
    c->stack.source = stack ? STACK_POPPED : STACK_SAME;
    c->frame.popped = true;
    c->frame.width = (u8)width;
    c->frame.count = (u8)(n + (stack ? 2 : 0));
    c->frame.at = cpu->code_bytes == 8 ? sp : (u32)(cpu->seg[SEG_SS].base + sp);
    memcpy(c->frame.value, value, c->frame.count * sizeof *value);
}

void crossing_note_end(struct cpu *cpu)
{
    struct crossing_notes *n = cpu->crossing;
    const struct insn *current = cpu->current;
    if (!n->open) {
        return;
    }
    n->open = false;
    cpu->current = NULL; /* the instruction is over */
    n->now.to = crossing_here(cpu);
    cpu->current = current;
    struct crossing told = n->now;
    for (struct crossing_listener *l = n->listeners, *next; l; l = next) {
        next = l->next;
        l->crossed(l->opaque, &told);
    }
}

/* ---- names */

const char *crossing_kind_name(enum crossing_kind kind)
{
    static const char *const names[CROSSING_KINDS] = {
        [CROSSING_INT] = "INT n", [CROSSING_EXCEPTION] = "exception", [CROSSING_IRQ] = "IRQ", [CROSSING_NMI] = "NMI",
        [CROSSING_IRET] = "IRET", [CROSSING_GATE] = "call gate", [CROSSING_RETF] = "RETF", [CROSSING_TASK] = "task switch",
        [CROSSING_SYSENTER] = "SYSENTER", [CROSSING_SYSEXIT] = "SYSEXIT", [CROSSING_SYSCALL] = "SYSCALL",
        [CROSSING_SYSRET] = "SYSRET", [CROSSING_SMI] = "SMI", [CROSSING_RSM] = "RSM", [CROSSING_MODE] = "mode",
        [CROSSING_HALT] = "halt", [CROSSING_RESET] = "reset", [CROSSING_INIT] = "INIT", [CROSSING_SHUTDOWN] = "shutdown"};
    return names[kind];
}

const char *crossing_mode_name(unsigned mode)
{
    static const char *const names[MODE_IS_COUNT] = {
        "real mode", "virtual-8086 mode", "16-bit protected mode", "32-bit protected mode", "16-bit compatibility mode",
        "32-bit compatibility mode", "64-bit mode"};
    return names[mode];
}

/* What a change of mode leads to. */
static const char *mode_change(const struct crossing *c)
{
    bool was_long = c->from.mode >= MODE_IS_COMPAT16, is_long = c->to.mode >= MODE_IS_COMPAT16;
    if (c->from.mode == MODE_IS_REAL || c->to.mode == MODE_IS_REAL) {
        return c->from.mode == MODE_IS_REAL ? "PE on" : "PE off";
    }
    return was_long == is_long ? "mode" : is_long ? "long on" : "long off";
}

const char *crossing_name(const struct crossing *c, char text[CROSSING_NAME])
{
    const char *exception = exception_name(c->vector);
    switch (c->kind) {
    case CROSSING_EXCEPTION:
        snprintf(text, CROSSING_NAME, "%s", exception ? exception : "exception");
        break;
    case CROSSING_INT:
        snprintf(text, CROSSING_NAME, "INT %02Xh", c->vector);
        break;
    case CROSSING_IRQ:
        snprintf(text, CROSSING_NAME, "IRQ %02Xh", c->vector);
        break;
    case CROSSING_MODE:
        snprintf(text, CROSSING_NAME, "%s", mode_change(c));
        break;
    case CROSSING_GATE:
        snprintf(text, CROSSING_NAME, "gate %04X", c->source.selector);
        break;
    case CROSSING_TASK:
        snprintf(text, CROSSING_NAME, "task %04X", c->task_to);
        break;
    default:
        snprintf(text, CROSSING_NAME, "%s", crossing_kind_name(c->kind));
        break;
    }
    return text;
}
