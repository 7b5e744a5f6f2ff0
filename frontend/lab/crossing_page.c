/*
 * crossing_page.c: see timeline.h: crossings as text: one in full, a list, numbers.
 */
#include <inttypes.h>
#include <string.h>

#include "frontend/lab/symbols.h"
#include "frontend/lab/timeline.h"

enum { MARGIN = 11 };

static enum style ring_style(const struct crossing_point *p)
{
    static const u8 styles[LANES] = {STYLE_RING0, STYLE_RING1, STYLE_RING2, STYLE_RING3, STYLE_SMM, STYLE_DIM};
    return (enum style)styles[crossings_lane_of(p)];
}

static void head(struct view *page, const char *name)
{
    view_put(page, STYLE_STRONG, name);
    view_tab(page, MARGIN);
}

static void line_end(struct view *page)
{
    view_put(page, STYLE_TEXT, "\n");
}

/* ---- one crossing */

static bool is_wide(const struct crossing_point *p)
{
    return p->mode == MODE_IS_64;
}

static void put_address(struct view *page, enum style style, u16 selector, u64 offset, bool wide)
{
    view_printf(page, style, wide ? "%04x:%016" PRIx64 : "%04x:%08" PRIx64, selector, offset);
}

static void put_flags(struct view *page, u32 flags)
{
    static const struct {
        u8 bit;
        const char *name;
    } names[] = {{0, "CF"}, {2, "PF"}, {4, "AF"}, {6, "ZF"}, {7, "SF"}, {8, "TF"}, {9, "IF"}, {10, "DF"},
                 {11, "OF"}, {14, "NT"}, {16, "RF"}, {17, "VM"}, {18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"}};
    view_printf(page, STYLE_TEXT, "%08x", flags);
    for (unsigned n = 0; n < ARRAY_LEN(names); n++) {
        if (flags >> names[n].bit & 1) {
            view_printf(page, STYLE_DIM, " %s", names[n].name);
        }
    }
    if (flags & 0x3000) {
        view_printf(page, STYLE_DIM, " IOPL %u", flags >> 12 & 3);
    }
}

static void put_point(struct view *page, const char *name, const struct crossing_point *p, const struct symbols *symbols)
{
    char text[SYMBOL_TEXT];
    head(page, name);
    view_printf(page, ring_style(p), "ring %u", p->ring);
    view_printf(page, STYLE_TEXT, ", %s%s%s", crossing_mode_name(p->mode), p->smm ? ", SMM" : "", p->halted ? ", halted" : "");
    line_end(page);
    view_tab(page, MARGIN);
    view_put(page, STYLE_DIM, is_wide(p) ? "CS:RIP " : "CS:EIP ");
    put_address(page, STYLE_TEXT, p->cs, p->ip, is_wide(p));
    if (symbols_text(symbols, p->ip, text)) {
        view_printf(page, STYLE_STRONG, "  %s", text);
    }
    line_end(page);
    view_tab(page, MARGIN);
    view_put(page, STYLE_DIM, is_wide(p) ? "SS:RSP " : "SS:ESP ");
    put_address(page, STYLE_TEXT, p->ss, p->sp, is_wide(p));
    line_end(page);
    view_tab(page, MARGIN);
    view_put(page, STYLE_DIM, is_wide(p) ? "RFLAGS " : "EFLAGS ");
    put_flags(page, p->flags);
    line_end(page);
}

/* A gate as it lies in memory: SDM Vol. 3A 3.5, 6.11, 6.14.1. */
static void put_gate(struct view *page, const struct crossing_origin *o, bool wide)
{
    static const char *const types[16] = {[4] = "16-bit call gate", [5] = "task gate", [6] = "16-bit interrupt gate",
                                          [7] = "16-bit trap gate", [9] = "TSS", [11] = "busy TSS", [12] = "call gate",
                                          [14] = "interrupt gate", [15] = "trap gate"};
    u32 lo = (u32)o->data[0], hi = (u32)(o->data[0] >> 32);
    unsigned type = hi >> 8 & 15;
    u64 offset = (lo & 0xffff) | (type == 4 || type == 6 || type == 7 ? 0 : hi & 0xffff0000);
    offset |= wide ? (u64)(u32)o->data[1] << 32 : 0;
    view_printf(page, STYLE_TEXT, "%s, DPL %u, to %04x", types[type] ? types[type] : "gate", hi >> 13 & 3, lo >> 16);
    if (type != 5) {
        view_printf(page, STYLE_TEXT, wide ? ":%016" PRIx64 : ":%08" PRIx64, offset);
    }
    if (wide && hi & 7 && type >= 14) {
        view_printf(page, STYLE_TEXT, ", IST %u", hi & 7);
    }
}

static void put_source(struct view *page, const struct crossing *c)
{
    const struct crossing_origin *o = &c->source;
    bool wide = c->to.mode >= MODE_IS_COMPAT16;
    head(page, "target");
    switch (o->source) {
    case SOURCE_IVT:
        view_printf(page, STYLE_TEXT, "entry %02x of the real-mode interrupt table, at %" PRIx64 ": %04x:%04x", c->vector, o->at,
                    (unsigned)(o->data[0] >> 16), (unsigned)(o->data[0] & 0xffff));
        break;
    case SOURCE_IDT:
        view_printf(page, STYLE_TEXT, "entry %02x of the IDT, at %" PRIx64 ":", c->vector, o->at);
        line_end(page);
        view_tab(page, MARGIN);
        put_gate(page, o, wide);
        break;
    case SOURCE_GATE:
    case SOURCE_TASK_GATE:
        view_printf(page, STYLE_TEXT, "%s entry of selector %04x, at %" PRIx64 ":", o->selector & 4 ? "LDT" : "GDT", o->selector,
                    o->at);
        line_end(page);
        view_tab(page, MARGIN);
        put_gate(page, o, wide && o->source == SOURCE_GATE);
        view_put(page, STYLE_TEXT, c->jump ? ", by JMP" : ", by CALL");
        break;
    case SOURCE_TSS:
        view_printf(page, STYLE_TEXT, "the TSS of selector %04x, by %s", o->selector, c->jump ? "JMP" : "CALL");
        break;
    case SOURCE_LINK:
        view_printf(page, STYLE_TEXT, "the TSS of selector %04x, by IRET: NT is set, and the", o->selector);
        line_end(page);
        view_tab(page, MARGIN);
        view_printf(page, STYLE_TEXT, "link of the present TSS, at %" PRIx64 ", says so", o->at);
        break;
    case SOURCE_SYSENTER:
        view_printf(page, STYLE_TEXT, "IA32_SYSENTER_CS %04x, IA32_SYSENTER_EIP %" PRIx64, (unsigned)o->data[0] & 0xffff,
                    o->data[1]);
        break;
    case SOURCE_SYSCALL:
        view_printf(page, STYLE_TEXT, "STAR %016" PRIx64, o->data[0]);
        if (o->data[1]) {
            view_printf(page, STYLE_TEXT, ", %s %016" PRIx64, c->from.mode == MODE_IS_64 ? "LSTAR" : "CSTAR", o->data[1]);
        }
        break;
    case SOURCE_STACK:
        view_put(page, STYLE_TEXT, "popped from the stack");
        break;
    case SOURCE_REGISTERS:
        view_printf(page, STYLE_TEXT, c->kind == CROSSING_SYSRET ? "RCX %" PRIx64 ", segments by STAR %" PRIx64
                                                                 : "RDX %" PRIx64 ", segments by IA32_SYSENTER_CS %" PRIx64,
                    o->data[1], o->data[0]);
        break;
    case SOURCE_SMBASE:
        view_printf(page, STYLE_TEXT, "SMBASE %" PRIx64 "; the state save map lies at %" PRIx64, o->at, o->at + 0xfe00);
        break;
    case SOURCE_FIXED:
        view_put(page, STYLE_TEXT, "where processors begin: FFFFFFF0h");
        break;
    default:
        view_put(page, STYLE_DIM, "goes on where it was");
        break;
    }
    line_end(page);
}

static void put_stack(struct view *page, const struct crossing *c)
{
    const struct crossing_origin *o = &c->stack;
    bool wide = c->to.mode >= MODE_IS_COMPAT16;
    head(page, "stack");
    switch (o->source) {
    case STACK_TSS:
        view_printf(page, STYLE_TEXT, "%s%u in the TSS, at %" PRIx64 ": ", wide ? "RSP" : "SS:ESP", o->index, o->at);
        if (wide) {
            view_printf(page, STYLE_TEXT, "%016" PRIx64, o->data[0]);
        } else {
            put_address(page, STYLE_TEXT, (u16)o->data[1], o->data[0], false);
        }
        break;
    case STACK_IST:
        view_printf(page, STYLE_TEXT, "IST%u in the TSS, at %" PRIx64 ": %016" PRIx64, o->index, o->at, o->data[0]);
        break;
    case STACK_MSR:
        view_printf(page, STYLE_TEXT, "IA32_SYSENTER_ESP %" PRIx64, o->data[0]);
        break;
    case STACK_KEPT:
        view_put(page, STYLE_TEXT, "RSP is as it was; only SS was loaded");
        if (c->kind == CROSSING_SYSCALL) {
            view_printf(page, STYLE_TEXT, "; SFMASK %08" PRIx64 " cleared flags", o->data[0]);
        }
        break;
    case STACK_POPPED:
        view_put(page, STYLE_TEXT, "popped from the old one");
        break;
    case STACK_REGISTER:
        view_printf(page, STYLE_TEXT, "RCX %" PRIx64, o->data[0]);
        break;
    case STACK_TASK:
        view_put(page, STYLE_TEXT, "that of the new task, in its TSS");
        break;
    case STACK_FIXED:
        view_put(page, STYLE_TEXT, "cleared");
        break;
    default:
        view_put(page, STYLE_DIM, "the same");
        break;
    }
    line_end(page);
}

/* What the nth value from the lowest address on is. */
static const char *value_name(const struct crossing *c, unsigned n)
{
    static const char *const plain[] = {"IP", "CS", "FLAGS", "SP", "SS", "ES", "DS", "FS", "GS"};
    unsigned count = c->frame.count, error = c->has_error && !c->frame.popped ? 1 : 0;
    if (error && !n) {
        return "error code";
    }
    n -= error;
    if (c->task_to) {
        return "error code";
    }
    if (c->kind == CROSSING_GATE || c->kind == CROSSING_RETF) {
        bool stack = count > 3;
        return n < 2 ? plain[n] : stack && n + 2 >= count ? plain[n + 5 - count] : "parameter";
    }
    return n < ARRAY_LEN(plain) ? plain[n] : "value";
}

static void put_frame(struct view *page, const struct crossing *c)
{
    unsigned count = c->frame.count, stored = count < CROSSING_VALUES ? count : CROSSING_VALUES;
    if (!count) {
        return;
    }
    head(page, c->frame.popped ? "popped" : "pushed");
    view_printf(page, STYLE_TEXT, "%u values of %u bytes, from linear address %" PRIx64 " on", count, c->frame.width, c->frame.at);
    line_end(page);
    for (unsigned k = 0; k < stored; k++) {
        unsigned n = stored == count || k < stored - 2 ? k : count - stored + k;
        if (n != k && k == stored - 2) {
            view_tab(page, MARGIN);
            view_printf(page, STYLE_DIM, "... %u more parameters", count - stored);
            line_end(page);
        }
        view_tab(page, MARGIN);
        view_printf(page, STYLE_DIM, "+%02x %-10s ", n * c->frame.width, value_name(c, n));
        view_printf(page, STYLE_TEXT, "%0*" PRIx64, 2 * c->frame.width, c->frame.value[k]);
        line_end(page);
    }
}

static void put_rule(struct view *page, const struct crossing *c)
{
    if (c->kind != CROSSING_EXCEPTION) {
        return;
    }
    head(page, "why");
    if (c->rule && c->rule < RULE_COUNT) {
        char text[512];
        snprintf(text, sizeof text, "%s (%s)", rule_table[c->rule].sentence, rule_table[c->rule].section);
        view_wrap(page, STYLE_TEXT, MARGIN, text);
        line_end(page);
        view_tab(page, MARGIN);
        view_printf(page, STYLE_DIM, "rule %s", rule_table[c->rule].name);
    } else {
        view_put(page, STYLE_TEXT, "the processor has no rule for it");
    }
    if (c->has_error) {
        view_printf(page, STYLE_TEXT, "  error code %04x", c->error_code);
    }
    if (c->vector == VEC_PF) {
        view_printf(page, STYLE_TEXT, "  CR2 %" PRIx64, c->cr2);
    }
    line_end(page);
    if (c->during) {
        char name[CROSSING_NAME];
        struct crossing stopped = {.kind = (u8)(c->during - 1), .vector = c->during_vector};
        bool has_vector = stopped.kind <= CROSSING_IRQ;
        head(page, "stopped");
        view_printf(page, STYLE_TEXT, "%s, which was under way",
                    has_vector ? crossing_name(&stopped, name) : crossing_kind_name(stopped.kind));
        line_end(page);
    }
}

void crossing_page(struct view *page, const struct crossing_record *r, const struct symbols *symbols)
{
    const struct crossing *c = &r->crossing;
    char name[CROSSING_NAME], text[TIMELINE_MOMENT];
    view_printf(page, STYLE_TITLE, "%" PRIu64 " %s", r->number, crossing_name(c, name));
    view_put(page, STYLE_TEXT, ": ");
    view_put(page, ring_style(&c->from), crossings_lane_name(crossings_lane_of(&c->from)));
    view_put(page, STYLE_TEXT, " to ");
    view_put(page, ring_style(&c->to), crossings_lane_name(crossings_lane_of(&c->to)));
    line_end(page);
    head(page, "when");
    if (r->at[UNIT_INSTRUCTIONS]) {
        view_printf(page, STYLE_TEXT, "after %s, ", timeline_moment(UNIT_INSTRUCTIONS, r->at[UNIT_INSTRUCTIONS], text));
    }
    view_printf(page, STYLE_TEXT, "%s", timeline_moment(UNIT_NS, r->at[UNIT_NS], text));
    line_end(page);
    put_rule(page, c);
    put_point(page, "before", &c->from, symbols);
    put_point(page, "behind", &c->to, symbols);
    if (c->task_to) {
        head(page, "task");
        view_printf(page, STYLE_TEXT, "TR %04x to %04x", c->task_from, c->task_to);
        line_end(page);
    }
    put_source(page, c);
    put_stack(page, c);
    put_frame(page, c);
}

/* ---- a list */

/* Two of them have room on a line of 80. */
static void put_place(struct view *page, const struct crossing_point *p)
{
    if (is_wide(p)) {
        view_printf(page, STYLE_TEXT, "%016" PRIx64, p->ip);
    } else {
        put_address(page, STYLE_TEXT, p->cs, p->ip, false);
    }
}

static void put_short(struct view *page, enum crossings_unit unit, const struct crossing_record *r)
{
    const struct crossing *c = &r->crossing;
    char name[CROSSING_NAME], number[TIMELINE_NUMBER];
    view_printf(page, STYLE_DIM, "%8" PRIu64 " ", r->number);
    if (unit == UNIT_INSTRUCTIONS) {
        view_printf(page, STYLE_TEXT, "%15s ", timeline_number(r->at[unit], number));
    } else {
        view_printf(page, STYLE_TEXT, "%5" PRIu64 ".%09" PRIu64 " ", r->at[unit] / 1000000000, r->at[unit] % 1000000000);
    }
    view_printf(page, STYLE_STRONG, "%-9s ", crossing_name(c, name));
    view_rune(page, ring_style(&c->from), c->from.smm ? 'S' : '0' + c->from.ring);
    view_rune(page, STYLE_TEXT, '>');
    view_rune(page, ring_style(&c->to), c->to.smm ? 'S' : '0' + c->to.ring);
    view_rune(page, STYLE_TEXT, ' ');
    put_place(page, &c->from);
    view_put(page, STYLE_DIM, " to ");
    put_place(page, &c->to);
    line_end(page);
}

void crossings_page(struct view *page, const struct crossings *c, const struct crossings_filter *filter, u64 end, unsigned rows)
{
    u64 oldest = crossings_oldest(c), first = end < crossings_count(c) ? end : crossings_count(c);
    unsigned found = 0;
    end = first;
    while (first > oldest && found < rows) {
        found += !filter || crossings_match(filter, crossings_at(c, first - 1));
        first--;
    }
    if (!found) {
        view_put(page, STYLE_DIM, "No such crossing has been noted.\n");
        return;
    }
    view_printf(page, STYLE_TITLE, "%8s %15s what      rings, from and to", "number",
                crossings_unit(c) == UNIT_NS ? "s" : "instructions");
    line_end(page);
    for (u64 n = first; n < end; n++) {
        const struct crossing_record *r = crossings_at(c, n);
        if (!filter || crossings_match(filter, r)) {
            put_short(page, crossings_unit(c), r);
        }
    }
}

/* ---- numbers */

static void put_spent(struct view *page, const struct crossings *c, const struct crossings_stats *s)
{
    bool counted = crossings_unit(c) == UNIT_INSTRUCTIONS;
    u64 whole = 0;
    for (unsigned l = 0; l < LANES; l++) {
        whole += s->spent[counted ? UNIT_INSTRUCTIONS : UNIT_NS][l];
    }
    view_printf(page, STYLE_TITLE, counted ? "%-8s %20s %8s %18s\n" : "%-8s %.0s%8s %18s\n", "", "instructions", "share",
                "guest time, s");
    for (unsigned l = 0; l < LANES; l++) {
        u64 ns = s->spent[UNIT_NS][l], insns = s->spent[UNIT_INSTRUCTIONS][l];
        char number[TIMELINE_NUMBER];
        if (!ns && !insns) {
            continue;
        }
        view_printf(page, STYLE_RING0, "%-8s ", crossings_lane_name(l));
        if (counted) {
            view_printf(page, STYLE_TEXT, "%20s ", timeline_number(insns, number));
        }
        view_printf(page, STYLE_TEXT, "%6.2f %%", whole ? 100.0 * (double)(counted ? insns : ns) / (double)whole : 0);
        view_printf(page, STYLE_TEXT, " %8" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
    }
}

static void put_vectors(struct view *page, const char *title, const u64 *counts, unsigned n, bool names)
{
    bool any = false;
    for (unsigned v = 0; v < n; v++) {
        if (!counts[v]) {
            continue;
        }
        char text[64], number[TIMELINE_NUMBER];
        if (names && exception_name(v)) {
            snprintf(text, sizeof text, "%s %s  ", exception_name(v), timeline_number(counts[v], number));
        } else {
            snprintf(text, sizeof text, "%02Xh %s  ", v, timeline_number(counts[v], number));
        }
        if (!any) {
            view_printf(page, STYLE_STRONG, "%-12s ", title);
        }
        any = true;
        view_wrap(page, STYLE_TEXT, 13, text);
    }
    if (any) {
        line_end(page);
    }
}

void crossings_stats_page(struct view *page, const struct crossings *c)
{
    struct crossings_stats s;
    char number[TIMELINE_NUMBER], kept[TIMELINE_NUMBER], changes[TIMELINE_NUMBER];
    crossings_stats(c, &s);
    view_printf(page, STYLE_TEXT, "%s crossings, %s of them to another ring; the latest %s are kept%s.\n\n",
                timeline_number(crossings_count(c), number), timeline_number(s.changes, changes),
                timeline_number(crossings_count(c) - crossings_oldest(c), kept),
                crossings_running(c) ? "" : "; the log is stopped");
    put_spent(page, c, &s);
    line_end(page);
    for (unsigned k = 0; k < CROSSING_KINDS; k++) {
        if (s.kinds[k]) {
            view_printf(page, STYLE_STRONG, "%-12s ", crossing_kind_name(k));
            view_printf(page, STYLE_TEXT, "%16s\n", timeline_number(s.kinds[k], number));
        }
    }
    line_end(page);
    put_vectors(page, "exceptions", s.exceptions, ARRAY_LEN(s.exceptions), true);
    put_vectors(page, "IRQs", s.interrupts, ARRAY_LEN(s.interrupts), false);
    put_vectors(page, "INT n", s.calls, ARRAY_LEN(s.calls), false);
}
