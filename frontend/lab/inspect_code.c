/*
 * inspect_code.c: instructions around a place, with names of functions, and the place itself marked. What stands before it is found
 * by decoding from some earlier byte on so that an instruction begins there: mostly, but not always, what was executed.
 */
#include <string.h>

#include "cpu/mem.h"
#include "frontend/lab/inspect_parts.h"
#include "frontend/monitor/disas.h"

enum { INSN_BYTES = 15, BEFORE_MAX = 64, AFTER_MAX = 4096, FUNCTION_MAX = 2048 };

/* ---- where instructions begin */

static unsigned length_at(struct cpu *cpu, u64 linear)
{
    char text[DISAS_TEXT];
    unsigned length = disas_linear(cpu, linear, linear - cpu->code_base, text);
    return strncmp(text, "(bad)", 5) ? length : 0;
}

/* Decoding from `from` on meets `linear`: how many instructions stand before it, and where; 0: it does not. */
static unsigned path_to(struct cpu *cpu, u64 from, u64 linear, u64 place[BEFORE_MAX])
{
    unsigned count = 0;
    while (from < linear) {
        unsigned length = length_at(cpu, from);
        if (!length) {
            return 0;
        }
        place[count++ % BEFORE_MAX] = from;
        from += length;
    }
    return from == linear ? count : 0;
}

/* Appends the last `wanted` places of a path that has `count` before those that are there, `have`. */
static unsigned put_before(u64 *places, unsigned have, const u64 path[BEFORE_MAX], unsigned count, unsigned wanted)
{
    unsigned most = wanted < BEFORE_MAX ? wanted : BEFORE_MAX, shown = count < most ? count : most;
    memmove(places + shown, places, have * sizeof *places);
    for (unsigned n = 0; n < shown; n++) {
        places[n] = path[(count - shown + n) % BEFORE_MAX];
    }
    return have + shown;
}

/* By symbols: instructions begin where they are. */
static unsigned places_by_symbols(struct machine *m, u64 linear, unsigned wanted, u64 *places)
{
    u64 path[BEFORE_MAX];
    unsigned have = 0, count;
    while (have < wanted && linear) {
        const struct symbol *symbol = symbols_find(m->symbols, linear - 1);
        if (!symbol || linear - symbol->address >= FUNCTION_MAX || !(count = path_to(m->cpu, symbol->address, linear, path))) {
            break;
        }
        have = put_before(places, have, path, count, wanted - have);
        linear = symbol->address;
    }
    return have;
}

/* Places up to the last one that holds zeros are no code, and dropped. */
static unsigned without_zeros(struct cpu *cpu, u64 *places, unsigned count)
{
    unsigned first = 0;
    for (unsigned n = 0; n < count; n++) {
        u64 bytes;
        first = inspect_peek(cpu, places[n], 2, &bytes) && !bytes ? n + 1 : first;
    }
    memmove(places, places + first, (count - first) * sizeof *places);
    return count - first;
}

/* The places of up to `wanted` instructions before `linear`, in order. */
static unsigned places_before(struct machine *m, u64 linear, unsigned wanted, u64 *places)
{
    u64 path[BEFORE_MAX];
    unsigned have = places_by_symbols(m, linear, wanted, places), count = 0;
    if (have) {
        return without_zeros(m->cpu, places, have);
    }
    u64 back = (u64)wanted * 4 + INSN_BYTES, room = system_linear(m->cpu, linear - m->cpu->code_base); /* of the segment below it */
    for (back = back < room ? back : room; !count && back; back--) {
        count = path_to(m->cpu, linear - back, linear, path);
    }
    return without_zeros(m->cpu, places, put_before(places, 0, path, count, wanted));
}

/* ---- lines */

static void put_address(struct view *page, const struct cpu *cpu, u64 linear)
{
    if (cpu->code_base || cpu->code_bytes == 2) {
        view_printf(page, STYLE_DIM, "%04x:%04llx ", cpu->seg[SEG_CS].selector, (ull)(linear - cpu->code_base));
    } else {
        view_printf(page, STYLE_DIM, "%0*llx ", inspect_digits(cpu), (ull)linear);
    }
}

/* A line "name:" above the first instruction of a function. */
static void put_label(struct view *page, const struct machine *m, u64 linear, bool first)
{
    const struct symbol *symbol = symbols_find(m->symbols, linear);
    char text[SYMBOL_TEXT];
    if (symbol && (first || symbol->address == linear) && symbols_text(m->symbols, linear, text)) {
        view_printf(page, STYLE_STRONG, "%s:\n", text);
    }
}

static void put_notes(struct view *page, struct machine *m, const char *text, u64 next)
{
    char symbol[SYMBOL_TEXT];
    if (symbols_operand(m->symbols, text, next, m->cpu->code_base, symbol)) {
        view_printf(page, STYLE_STRONG, " <%s>", symbol);
    }
}

/* One line; returns the instruction's length, 0: there is no memory. */
static unsigned put_insn(struct view *page, struct machine *m, u64 linear, unsigned bytes_shown)
{
    struct cpu *cpu = m->cpu;
    char text[DISAS_TEXT];
    bool here = linear == system_linear(cpu, cpu->code_base + cpu->ip);
    u64 ip = linear - cpu->code_base;
    unsigned length = disas_linear(cpu, linear, ip, text);
    view_put(page, STYLE_NOTE, here ? "> " : "  ");
    put_address(page, cpu, linear);
    if (!length) {
        view_put(page, STYLE_NOTE, "not mapped: fetching from here would fault\n");
        return 0;
    }
    unsigned column = page->x;
    for (unsigned n = 0; n < length && n < bytes_shown; n++) {
        u64 byte = 0;
        inspect_peek(cpu, linear + n, 1, &byte);
        view_printf(page, STYLE_DIM, "%02x", (unsigned)byte);
    }
    view_put(page, STYLE_DIM, length > bytes_shown ? "+" : "");
    view_tab(page, column + 2 * bytes_shown + 2);
    view_put(page, here ? STYLE_STRONG : STYLE_TEXT, text);
    put_notes(page, m, text, cpu->code_base + ip + length);
    view_put(page, STYLE_TEXT, "\n");
    return length;
}

/* Nothing but zeros from here on, for some bytes: no code. */
static bool zeros(struct cpu *cpu, u64 linear)
{
    u64 low, high;
    return inspect_peek(cpu, linear, 8, &low) && inspect_peek(cpu, linear + 8, 8, &high) && !low && !high;
}

void inspect_code(struct view *page, struct machine *m, u64 linear, unsigned before, unsigned after)
{
    u64 places[BEFORE_MAX];
    unsigned bytes_shown = page->columns >= 100 ? 10 : 6, lines = after < AFTER_MAX ? after : AFTER_MAX;
    linear = system_linear(m->cpu, linear);
    unsigned count = places_before(m, linear, before < BEFORE_MAX ? before : BEFORE_MAX, places);
    for (unsigned n = 0; n < count; n++) {
        put_label(page, m, places[n], n == 0);
        put_insn(page, m, places[n], bytes_shown);
    }
    for (unsigned n = 0; n <= lines; n++) {
        put_label(page, m, linear, n == 0 && count == 0);
        if (n && zeros(m->cpu, linear)) {
            view_put(page, STYLE_DIM, "  ");
            put_address(page, m->cpu, linear);
            view_put(page, STYLE_DIM, "zeros\n");
            return;
        }
        unsigned length = put_insn(page, m, linear, bytes_shown);
        if (!length) {
            return;
        }
        linear = system_linear(m->cpu, linear + length);
    }
}

void inspect_code_page(struct view *page, struct machine *m)
{
    const struct cpu *cpu = m->cpu;
    inspect_title(page, "Code at CS:IP: %s, ring %u", inspect_mode(cpu), cpu->cpl);
    inspect_code(page, m, cpu->code_base + cpu->ip, 8, 16);
}
