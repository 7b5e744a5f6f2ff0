/*
 * inspect_users.c: see inspect_users.h.
 */
#include "frontend/lab/inspect_users.h"

#include <stdarg.h>
#include <string.h>

static void append(char *text, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
static void append(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + length, size - length, format, args);
    va_end(args);
}

void inspect_ranges(char *text, size_t size, unsigned count, int digits, bool (*is)(const void *opaque, unsigned n),
                    const void *opaque)
{
    for (unsigned n = 0; n < count; n++) {
        if (!is(opaque, n)) {
            continue;
        }
        unsigned first = n;
        while (n + 1 < count && is(opaque, n + 1)) {
            n++;
        }
        append(text, size, "%s%0*x", text[0] && text[strlen(text) - 1] != ' ' ? " " : "", digits, first);
        if (n > first) {
            append(text, size, "-%0*x", digits, n);
        }
    }
}

bool inspect_is_gate(const struct cpu *cpu, unsigned type)
{
    if (cpu->long_mode) {
        return type == SYS_CALL32 || type == SYS_INT32 || type == SYS_TRAP32;
    }
    return type == SYS_CALL16 || (type >= SYS_TASK_GATE && type <= SYS_TRAP16) || type == SYS_CALL32 || type == SYS_INT32 ||
           type == SYS_TRAP32;
}

bool inspect_gate(struct cpu *cpu, unsigned vector, struct descriptor *d)
{
    unsigned size = cpu->long_mode ? 16 : 8;
    u64 raw, upper = 0;
    *d = (struct descriptor){.address = cpu->idtr.base + vector * size};
    if (vector * size + size - 1 > cpu->idtr.limit || !inspect_peek(cpu, d->address, 8, &raw) ||
        (cpu->long_mode && !inspect_peek(cpu, d->address + 8, 8, &upper))) {
        return false;
    }
    d->lo = (u32)raw;
    d->hi = (u32)(raw >> 32);
    d->upper = (u32)upper;
    return true;
}

/* ---- gathering */

static void gather_vectors(struct users *u, struct cpu *cpu)
{
    struct descriptor d;
    for (unsigned v = 0; v < VECTORS && inspect_gate(cpu, v, &d); v++) {
        u->vector[v].used = desc_present(&d) && inspect_is_gate(cpu, desc_type(&d));
        u->vector[v].selector = gate_selector(&d);
    }
}

static void gather_gates(struct users *u, struct cpu *cpu, u16 table, u32 limit)
{
    struct descriptor d;
    for (u32 at = table ? 0 : 8; at + 7 <= limit && u->gates < USERS_GATES; at += 8) {
        u16 selector = (u16)(at | table);
        if (inspect_descriptor(cpu, selector, &d) != WHY_FOUND || desc_type(&d) & TYPE_S) {
            continue;
        }
        if (inspect_is_gate(cpu, desc_type(&d)) && desc_present(&d)) {
            u->gate[u->gates].at = selector;
            u->gate[u->gates++].selector = gate_selector(&d);
        }
        at += cpu->long_mode && desc_type(&d) ? 8 : 0;
    }
}

static void gather_tss(struct users *u, struct cpu *cpu)
{
    unsigned type = cpu->tr.attr & ATTR_TYPE;
    bool narrow = type == SYS_TSS16 || type == SYS_TSS16_BUSY;
    u64 value;
    u->tss_old = cpu->tr.attr & ATTR_P && !selector_null(cpu->tr.selector) && !cpu->long_mode;
    for (unsigned n = 0; n < 3 && u->tss_old; n++) {
        u->tss_ss[n] = inspect_peek(cpu, cpu->tr.base + (narrow ? 4 + 4 * n : 8 + 8 * n), 2, &value) ? (u16)value : 0;
    }
    u->tss_link = u->tss_old && inspect_peek(cpu, cpu->tr.base, 2, &value) ? (u16)value : 0;
    u->tss_ldt = u->tss_old && inspect_peek(cpu, cpu->tr.base + (narrow ? 42 : 96), 2, &value) ? (u16)value : 0;
}

void users_gather(struct users *u, struct cpu *cpu)
{
    *u = (struct users){.cpu = cpu, .on = cpu->protected_mode};
    if (u->on) {
        gather_vectors(u, cpu);
        gather_gates(u, cpu, 0, cpu->gdtr.limit);
        if (cpu->ldtr.attr & ATTR_P && !selector_null(cpu->ldtr.selector)) {
            gather_gates(u, cpu, 4, cpu->ldtr.limit < 0xffff ? cpu->ldtr.limit : 0xffff);
        }
        gather_tss(u, cpu);
    }
}

/* ---- telling */

static bool same(u16 used, u16 selector)
{
    return !selector_null(used) && (used & 0xfffc) == (selector & 0xfffc);
}

static void tell(char *text, const char *format, ...) PRINTF_LIKE(2, 3);
static void tell(char *text, const char *format, ...)
{
    char words[64];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    append(text, USERS_TEXT, "%s%s", text[0] ? ", " : "", words);
}

static void tell_registers(const struct users *u, u16 selector, char *text)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    static const u8 order[] = {SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    bool any = false;
    for (unsigned n = 0; n < ARRAY_LEN(order) && !u->cpu->vm86; n++) {
        if (same(u->cpu->seg[order[n]].selector, selector)) {
            append(text, USERS_TEXT, "%s%s", any ? " " : "", names[order[n]]);
            any = true;
        }
    }
    if (same(u->cpu->tr.selector, selector)) {
        tell(text, "TR: the running task");
    }
    if (same(u->cpu->ldtr.selector, selector)) {
        tell(text, "LDTR");
    }
}

static void tell_tss(const struct users *u, u16 selector, char *text)
{
    for (unsigned n = 0; n < 3 && u->tss_old; n++) {
        if (same(u->tss_ss[n], selector)) {
            tell(text, "SS%u of the TSS", n);
        }
    }
    if (u->tss_old && u->cpu->eflags & FLAG_NT && same(u->tss_link, selector)) {
        tell(text, "back link of the task");
    }
}

struct vectors_to {
    const struct users *users;
    u16 selector;
};

static bool leads_there(const void *opaque, unsigned n)
{
    const struct vectors_to *to = opaque;
    return to->users->vector[n].used && same(to->users->vector[n].selector, to->selector);
}

static void tell_gates(const struct users *u, u16 selector, char *text)
{
    struct vectors_to to = {u, selector};
    char list[128] = "";
    inspect_ranges(list, sizeof list, VECTORS, 2, leads_there, &to);
    if (list[0]) {
        append(text, USERS_TEXT, "%sIDT %s", text[0] ? ", " : "", list);
    }
    for (unsigned n = 0; n < u->gates; n++) {
        if (same(u->gate[n].selector, selector)) {
            tell(text, "gate %04x", u->gate[n].at);
        }
    }
}

/* SDM Vol. 2B: SYSCALL, SYSRET, SYSENTER, SYSEXIT: selectors that follow from one number. */
static void tell_calls(const struct users *u, u16 selector, char *text)
{
    const struct cpu *cpu = u->cpu;
    u16 call = (u16)(cpu->msr.star >> 32), back = (u16)(cpu->msr.star >> 48), enter = (u16)cpu->msr.sysenter_cs;
    const struct {
        bool on;
        u16 selector;
        const char *name;
    } list[] = {
        {cpu->efer & EFER_SCE, call, "SYSCALL CS"},
        {cpu->efer & EFER_SCE, (u16)(call + 8), "SYSCALL SS"},
        {cpu->efer & EFER_SCE && !cpu->long_mode, back, "SYSRET CS"},
        {cpu->efer & EFER_SCE && cpu->long_mode, back, "SYSRET CS (32-bit)"},
        {cpu->efer & EFER_SCE, (u16)(back + 8), "SYSRET SS"},
        {cpu->efer & EFER_SCE && cpu->long_mode, (u16)(back + 16), "SYSRET CS (64-bit)"},
        {!selector_null(enter), enter, "SYSENTER CS"},
        {!selector_null(enter), (u16)(enter + 8), "SYSENTER SS"},
        {!selector_null(enter), (u16)(enter + 16), "SYSEXIT CS"},
        {!selector_null(enter), (u16)(enter + 24), "SYSEXIT SS"},
        {!selector_null(enter) && cpu->long_mode, (u16)(enter + 32), "SYSEXIT CS (64-bit)"},
        {!selector_null(enter) && cpu->long_mode, (u16)(enter + 40), "SYSEXIT SS (64-bit)"},
    };
    for (unsigned n = 0; n < ARRAY_LEN(list); n++) {
        if (list[n].on && same(list[n].selector, selector)) {
            tell(text, "%s", list[n].name);
        }
    }
}

void users_text(const struct users *u, u16 selector, char text[USERS_TEXT])
{
    text[0] = 0;
    if (u->on) {
        tell_registers(u, selector, text);
        tell_tss(u, selector, text);
        tell_gates(u, selector, text);
        tell_calls(u, selector, text);
    }
}
