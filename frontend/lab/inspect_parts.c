/*
 * inspect_parts.c: see inspect_parts.h; and the list of pages.
 */
#include "frontend/lab/inspect_parts.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "cpu/mem.h"
#include "frontend/monitor/expression.h"
#include "frontend/monitor/registers.h"

const char *inspect_mode(const struct cpu *cpu)
{
    if (!cpu->protected_mode) {
        return cpu->in_smm ? "system-management mode" : "real mode";
    }
    if (cpu->vm86) {
        return "virtual-8086 mode";
    }
    if (cpu->long_mode) {
        return cpu->code_bytes == 8   ? "long mode, 64-bit code"
               : cpu->code_bytes == 4 ? "long mode, 32-bit code (compatibility mode)"
                                      : "long mode, 16-bit code (compatibility mode)";
    }
    return cpu->code_bytes == 4 ? "protected mode, 32-bit code" : "protected mode, 16-bit code";
}

enum style inspect_ring_style(const struct cpu *cpu)
{
    return cpu->in_smm ? STYLE_SMM : (enum style)(STYLE_RING0 + cpu->cpl);
}

int inspect_digits(const struct cpu *cpu)
{
    return cpu->long_mode ? 16 : 8;
}

bool inspect_peek(struct cpu *cpu, u64 linear, unsigned size, u64 *value)
{
    u8 bytes[8] = {0};
    bool ok = mem_peek(cpu, system_linear(cpu, linear), bytes, size);
    *value = load64(bytes);
    return ok;
}

void inspect_put_symbol(struct view *page, const struct machine *m, u64 linear)
{
    char text[SYMBOL_TEXT];
    if (symbols_text(m->symbols, linear, text)) {
        view_printf(page, STYLE_STRONG, " <%s>", text);
    }
}

void inspect_title(struct view *page, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    view_wrap(page, STYLE_TITLE, 0, text);
    view_put(page, STYLE_TITLE, "\n");
}

void inspect_wrap(struct view *page, enum style style, unsigned indent, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    view_wrap(page, style, indent, text);
}

/* ---- descriptors */

enum inspect_why inspect_descriptor(struct cpu *cpu, u16 selector, struct descriptor *d)
{
    u64 base = cpu->gdtr.base, raw;
    u32 limit = cpu->gdtr.limit, offset = selector & 0xfff8;
    *d = (struct descriptor){.selector = selector};
    if (selector_null(selector)) {
        return WHY_NULL;
    }
    if (selector & 4) {
        base = cpu->ldtr.base;
        limit = cpu->ldtr.limit;
        if (!(cpu->ldtr.attr & ATTR_P)) {
            return WHY_NO_LDT;
        }
    }
    d->address = system_linear(cpu, base + offset);
    if ((u64)offset + 7 > limit) {
        return WHY_LIMIT;
    }
    if (!inspect_peek(cpu, d->address, 8, &raw)) {
        return WHY_UNMAPPED;
    }
    d->lo = (u32)raw;
    d->hi = (u32)(raw >> 32);
    if (cpu->long_mode && !(desc_type(d) & TYPE_S) && desc_type(d) && (u64)offset + 15 <= limit &&
        inspect_peek(cpu, d->address + 8, 8, &raw)) {
        d->upper = (u32)raw;
    }
    return WHY_FOUND;
}

const char *inspect_why_text(enum inspect_why why)
{
    static const char *const texts[] = {"", "null", "no LDT is loaded", "beyond the table's limit",
                                        "the table is not mapped there"};
    return texts[why];
}

static const char *code_width(const struct cpu *cpu, unsigned attr)
{
    return attr & ATTR_L && cpu->long_mode ? "64" : attr & ATTR_DB ? "32" : "16";
}

void inspect_kind_words(const struct cpu *cpu, unsigned attr, char *text, size_t size)
{
    const char *present = attr & ATTR_P ? "" : ", NOT PRESENT", *accessed = attr & ATTR_ACCESSED ? ", accessed" : "";
    unsigned dpl = (attr & ATTR_DPL) >> ATTR_DPL_SHIFT;
    char kind[REGISTERS_KIND];
    if (!(attr & ATTR_S)) {
        snprintf(text, size, "%s, DPL %u%s", registers_kind(cpu, attr, kind), dpl, present);
    } else if (attr & ATTR_CODE) {
        snprintf(text, size, "code %s-bit, DPL %u%s, %s%s%s", code_width(cpu, attr), dpl, attr & ATTR_DOWN ? ", conforming" : "",
                 attr & ATTR_WRITE ? "readable" : "execute only", accessed, present);
    } else {
        snprintf(text, size, "data, DPL %u, %s%s%s%s", dpl, attr & ATTR_WRITE ? "writable" : "read only",
                 attr & ATTR_DOWN ? attr & ATTR_DB ? ", expand-down from 4 GiB" : ", expand-down from 64 KiB" : "", accessed,
                 present);
    }
}

/* ---- numbers and names */

static bool find_register(void *opaque, const char *name, u64 *value)
{
    return registers_find(((struct machine *)opaque)->cpu, name, value);
}

/* The name may be that of a register, or the beginning of a symbol's. */
static bool no_symbol(struct machine *m, const char *name, struct error *err)
{
    u64 ignored;
    if (registers_find(m->cpu, name, &ignored)) {
        return error_set(err, "%.40s: a register is written $%.40s", name, name);
    }
    if (!symbols_count(m->symbols)) {
        return error_set(err, "%.80s: no symbols are loaded: start with -symbols FILE, or say `symbols FILE` in the monitor", name);
    }
    const char *longer = symbols_complete(m->symbols, name, 0);
    return longer ? error_set(err, "there is no symbol %.80s; did you mean %.80s?", name, longer)
                  : error_set(err, "there is no symbol %.80s", name);
}

static bool find_symbol(void *opaque, const char *name, u64 *value, struct error *err)
{
    struct machine *m = opaque;
    const struct symbol *symbol = symbols_named(m->symbols, name);
    if (!symbol) {
        return no_symbol(m, name, err);
    }
    *value = symbol->address;
    return true;
}

static bool read_memory(void *opaque, u64 address, unsigned bytes, u64 *value, struct error *err)
{
    struct cpu *cpu = ((struct machine *)opaque)->cpu;
    u8 data[8] = {0};
    if (!mem_peek(cpu, cpu->long_mode ? address : (u32)address, data, bytes)) {
        return error_set(err, "%llx is not mapped", (unsigned long long)address);
    }
    *value = load64(data);
    return true;
}

bool inspect_expression(struct machine *m, const char **text, u64 *value, struct error *err)
{
    return expression_read(text, &(struct expression_names){find_register, find_symbol, m, read_memory}, value, err);
}

bool inspect_number(struct machine *m, const char *text, u64 *value, struct error *err)
{
    if (!inspect_expression(m, &text, value, err)) {
        return false;
    }
    text += strspn(text, " \t");
    return !*text || error_set(err, "%.40s follows the expression", text);
}

bool inspect_load_symbols(struct machine *m, const char *path, u64 offset, struct error *err)
{
    if (!m->symbols) {
        m->symbols = symbols_create();
    }
    return symbols_load(m->symbols, path, offset, err);
}

/* ---- the list */

static void code_at(struct view *page, struct machine *m, u64 linear)
{
    inspect_code(page, m, linear, 0, 16);
}

static void walk_here(struct view *page, struct machine *m)
{
    inspect_walk_page(page, m, m->cpu->code_base + m->cpu->ip);
}

const struct inspect_page inspect_pages[] = {
    {"registers", "general registers, flags, mode and ring", NULL, inspect_registers_page, NULL},
    {"code", "instructions around CS:IP", "[addr]", inspect_code_page, code_at},
    {"control", "EFLAGS, CR0 to CR4, EFER, XCR0, bit by bit", NULL, inspect_control_page, NULL},
    {"segments", "segment registers, with their hidden parts", NULL, inspect_segments_page, NULL},
    {"gdt", "the global descriptor table, and who uses it", NULL, inspect_gdt_page, NULL},
    {"ldt", "the local descriptor table, and who uses it", NULL, inspect_ldt_page, NULL},
    {"idt", "what each vector leads to", NULL, inspect_idt_page, NULL},
    {"tss", "the running task: stacks of the rings, allowed ports", NULL, inspect_tss_page, NULL},
    {"walk", "the page walk of an address, level by level", "[addr]", walk_here, inspect_walk_page},
    {"stacks", "the stack of each ring, with guesses", NULL, inspect_stacks_page, NULL},
    {"interrupts", "who asks, what is masked, which vector it becomes", NULL, inspect_interrupts_page, NULL},
    {0},
};

const struct inspect_page *inspect_find(const char *name)
{
    for (const struct inspect_page *p = inspect_pages; p->name; p++) {
        if (!strcasecmp(p->name, name)) {
            return p;
        }
    }
    return NULL;
}
