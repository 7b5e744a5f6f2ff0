/*
 * inspect_tables.c: the global and the local descriptor table, each entry with what uses it. SDM Vol. 3A 3.4.5, 3.5; in long mode
 * system descriptors take 16 bytes (7.2.3). Lines begin as those of QEMU's `info gdt`.
 */
#include <string.h>

#include "frontend/lab/inspect_users.h"

enum { COLUMN_USERS = 54, COLUMN_WORDS = 54, INDENT_USERS = 6, WORDS = 50, WIDE = 130 };

struct table {
    struct view *page;
    struct machine *machine;
    struct users users;
    u16 which; /* 4: the LDT */
    u32 limit;
};

/* The linear address where a gate leads; false: its selector names no code. */
static bool gate_target(struct cpu *cpu, const struct descriptor *gate, u64 *linear)
{
    struct descriptor code;
    if (inspect_descriptor(cpu, gate_selector(gate), &code) != WHY_FOUND || !desc_is_code(&code)) {
        return false;
    }
    *linear = system_linear(cpu, (cpu->long_mode ? 0 : desc_base(&code)) + gate_offset(gate, cpu->long_mode));
    return true;
}

static void put_dpl(struct view *page, unsigned dpl)
{
    view_printf(page, (enum style)(STYLE_RING0 + dpl), "DPL=%u", dpl);
}

void inspect_put_gate(struct view *page, struct machine *m, const struct descriptor *d)
{
    char kind[REGISTERS_KIND];
    struct cpu *cpu = m->cpu;
    unsigned type = desc_type(d);
    bool task = type == SYS_TASK_GATE;
    int digits = cpu->long_mode ? 16 : type & 8 ? 8 : 4;
    if (task) {
        view_printf(page, STYLE_TEXT, "%04x      ", gate_selector(d));
    } else {
        view_printf(page, STYLE_TEXT, "%04x:%0*llx ", gate_selector(d), digits, (ull)gate_offset(d, cpu->long_mode));
    }
    put_dpl(page, desc_dpl(d));
    view_printf(page, STYLE_TEXT, " %s", registers_kind(cpu, d->hi >> 8 & 0xff, kind));
    if (!cpu->long_mode && (type == SYS_CALL16 || type == SYS_CALL32) && d->hi & 31) {
        view_printf(page, STYLE_TEXT, ", copies %u", d->hi & 31);
    }
    if (!desc_present(d)) {
        view_put(page, STYLE_NOTE, " NOT PRESENT");
    }
}

/* On this line if there is room. */
static void put_target(struct view *page, enum style style, const char *text, unsigned indent)
{
    if (page->x + strlen(text) > page->columns) {
        view_put(page, STYLE_TEXT, "\n");
        view_tab(page, indent);
    }
    view_put(page, style, text);
}

void inspect_put_gate_target(struct view *page, struct machine *m, const struct descriptor *d, unsigned indent)
{
    struct cpu *cpu = m->cpu;
    struct descriptor target;
    char symbol[SYMBOL_TEXT], text[SYMBOL_TEXT + 4];
    u64 linear;
    if (desc_type(d) == SYS_TASK_GATE) {
        bool tss = inspect_descriptor(cpu, gate_selector(d), &target) == WHY_FOUND && !(desc_type(&target) & TYPE_S) &&
                   !(gate_selector(d) & 4) && ((desc_type(&target) & 7) == SYS_TSS16 || (desc_type(&target) & 7) == SYS_TSS16_BUSY);
        put_target(page, tss ? STYLE_TEXT : STYLE_BAD, tss ? "switches to that task" : "its selector names no TSS: #GP", indent);
    } else if (!gate_target(cpu, d, &linear)) {
        put_target(page, STYLE_BAD, "its selector names no code: #GP", indent);
    } else if (symbols_text(m->symbols, linear, symbol)) {
        snprintf(text, sizeof text, "<%s>", symbol);
        put_target(page, STYLE_STRONG, text, indent);
    }
}

/* ---- one entry */

static void put_segment(struct table *t, const struct descriptor *d)
{
    struct view *page = t->page;
    const struct cpu *cpu = t->machine->cpu;
    struct segment s = descriptor_segment(d, d->selector);
    char kind[REGISTERS_KIND];
    view_printf(page, STYLE_TEXT, "base=%08llx limit=%08x ", (ull)s.base, s.limit);
    put_dpl(page, desc_dpl(d));
    view_printf(page, STYLE_TEXT, " %s", registers_kind(cpu, s.attr, kind));
    if (!desc_present(d)) {
        view_put(page, STYLE_NOTE, " NOT PRESENT");
    }
    if (page->columns >= WIDE) {
        char words[128];
        inspect_kind_words(cpu, s.attr, words, sizeof words);
        view_put(page, STYLE_TEXT, " ");
        view_tab(page, COLUMN_WORDS);
        view_put(page, STYLE_DIM, words);
    }
}

static void put_users(struct table *t, u16 selector)
{
    char text[USERS_TEXT];
    unsigned column = t->page->columns >= WIDE ? COLUMN_WORDS + WORDS : COLUMN_USERS;
    users_text(&t->users, selector, text);
    if (!text[0]) {
        return;
    }
    if (t->page->x >= column || column + strlen(text) + 2 > t->page->columns) {
        column = INDENT_USERS;
        view_put(t->page, STYLE_TEXT, "\n");
    }
    view_tab(t->page, column);
    view_put(t->page, STYLE_TEXT, "< ");
    view_wrap(t->page, STYLE_STRONG, column + 2, text);
}

/* Returns the bytes it takes. */
static u32 put_entry(struct table *t, u32 at, const struct descriptor *d)
{
    struct view *page = t->page;
    struct cpu *cpu = t->machine->cpu;
    bool system = !(desc_type(d) & TYPE_S);
    view_printf(page, STYLE_TEXT, "%04x: ", at);
    if (!at && !t->which) {
        view_put(page, STYLE_DIM, "null: the processor does not read it");
    } else if (system && inspect_is_gate(cpu, desc_type(d))) {
        inspect_put_gate(page, t->machine, d);
        view_put(page, STYLE_TEXT, " ");
        inspect_put_gate_target(page, t->machine, d, INDENT_USERS);
    } else {
        put_segment(t, d);
    }
    put_users(t, d->selector);
    view_put(page, STYLE_TEXT, "\n");
    return system && t->machine->cpu->long_mode && desc_type(d) ? 16 : 8;
}

/* An entry as it lies there, the first of the GDT too. */
static bool read_entry(struct table *t, u32 at, struct descriptor *d)
{
    u16 selector = (u16)(at | t->which);
    struct cpu *cpu = t->machine->cpu;
    if (at || t->which) {
        return inspect_descriptor(cpu, selector, d) == WHY_FOUND;
    }
    u64 raw;
    bool ok = inspect_peek(cpu, cpu->gdtr.base, 8, &raw);
    *d = (struct descriptor){.lo = (u32)raw, .hi = (u32)(raw >> 32)};
    return ok;
}

static void put_empty(struct view *page, u32 first, u32 end)
{
    if (end > first + 8) {
        view_printf(page, STYLE_DIM, "%04x-%04x: empty\n", first, end - 8);
    } else if (end > first) {
        view_printf(page, STYLE_DIM, "%04x: empty\n", first);
    }
}

static void put_table(struct table *t)
{
    struct descriptor d;
    u32 at = 0, empty_from = 0;
    while (at + 7 <= t->limit) {
        if (!read_entry(t, at, &d)) {
            put_empty(t->page, empty_from, at);
            view_printf(t->page, STYLE_NOTE, "%04x: not mapped\n", at);
            return;
        }
        if (!d.lo && !d.hi && (at || t->which)) {
            at += 8;
            continue;
        }
        put_empty(t->page, empty_from, at);
        at += put_entry(t, at, &d);
        empty_from = at;
    }
    put_empty(t->page, empty_from, at);
}

static void put_legend(struct view *page)
{
    view_put(page, STYLE_TEXT, "\n");
    view_wrap(
        page, STYLE_DIM, 0,
        "CS code, DS data, of 16, 32 or 64 bits. [CRA]: conforming, readable, accessed; [EWA]: expand-down, writable, accessed. "
        "< who uses it: registers, the TSS, gates of the IDT by vector, system calls.");
    view_put(page, STYLE_TEXT, "\n");
}

/* ---- pages */

void inspect_gdt_page(struct view *page, struct machine *m)
{
    struct table t = {.page = page, .machine = m, .limit = m->cpu->gdtr.limit};
    users_gather(&t.users, m->cpu);
    view_printf(page, STYLE_TITLE, "GDT base=%llx limit=%04x", (ull)m->cpu->gdtr.base, m->cpu->gdtr.limit);
    view_printf(page, STYLE_TEXT, "  room for %u descriptors%s\n", (t.limit + 1) / 8,
                real_or_vm86(m->cpu) ? "; not used in this mode" : "");
    put_table(&t);
    put_legend(page);
}

void inspect_ldt_page(struct view *page, struct machine *m)
{
    const struct segment *ldtr = &m->cpu->ldtr;
    struct table t = {.page = page, .machine = m, .which = 4, .limit = ldtr->limit < 0xffff ? ldtr->limit : 0xffff};
    if (!m->cpu->protected_mode || !(ldtr->attr & ATTR_P) || selector_null(ldtr->selector)) {
        inspect_title(page, "LDT: none is loaded");
        view_wrap(page, STYLE_TEXT, 0, "LLDT loads one, and so does a task switch; selectors with bit 2 set would lead there.\n");
        return;
    }
    users_gather(&t.users, m->cpu);
    view_printf(page, STYLE_TITLE, "LDT base=%llx limit=%04x", (ull)ldtr->base, ldtr->limit);
    view_printf(page, STYLE_TEXT, "  by selector %04x; room for %u descriptors\n", ldtr->selector, (t.limit + 1) / 8);
    put_table(&t);
    put_legend(page);
}
