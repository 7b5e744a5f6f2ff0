/*
 * inspect_walk.c: how the processor finds the page of a linear address: each table entry, its bits, what they allow together, and
 * which accesses would fail, and why. SDM Vol. 3A 4.3 to 4.6.
 */
#include <string.h>

#include "cpu/mem.h"
#include "frontend/lab/inspect_parts.h"

enum { LEVELS_MAX = 5 };

struct walked {
    struct cpu *cpu;
    struct walk_trace trace;
    struct walk_result result; /* of a read in ring 0 with no rights in the way */
    const char *const *names;  /* of the levels, from the root on */
    u64 linear;
    unsigned width; /* of an entry: 4 or 8 */
};

/* ---- bits */

struct entry_bit {
    u8 bit;
    const char *name;
    const char *on, *off; /* what it says; NULL: not worth a word */
};

static const struct entry_bit table_bits[] = {{0, "P", "present", "NOT PRESENT"},
                                              {1, "W", "writable", "read-only"},
                                              {2, "U", "user", "supervisor"},
                                              {3, "PWT", NULL, NULL},
                                              {4, "PCD", NULL, NULL},
                                              {5, "A", "accessed", "never used"}};
static const struct entry_bit page_bits[] = {{6, "D", "dirty", "not written to"}, {8, "G", "global", NULL}};

/* A word and its commas stay together on a line. */
static void put_word(struct view *page, unsigned indent, bool first, enum style style, const char *word)
{
    view_put(page, STYLE_TEXT, first ? "" : ",");
    if (page->x + strlen(word) + 2 > page->columns) {
        view_put(page, STYLE_TEXT, "\n");
        view_tab(page, indent);
    } else {
        view_put(page, STYLE_TEXT, first ? "" : " ");
    }
    view_put(page, style, word);
}

static void put_bits(struct view *page, const struct walked *w, u64 e, bool leaf, bool large, unsigned indent)
{
    bool first = true;
    for (unsigned n = 0; n < ARRAY_LEN(table_bits) + (leaf ? ARRAY_LEN(page_bits) : 0); n++) {
        const struct entry_bit *b = n < ARRAY_LEN(table_bits) ? &table_bits[n] : &page_bits[n - ARRAY_LEN(table_bits)];
        bool on = e >> b->bit & 1;
        const char *words = on ? b->on : b->off;
        char text[64];
        if (n && !(e & 1)) {
            break; /* nothing else counts in an entry that is not present */
        }
        if (words || on) {
            snprintf(text, sizeof text, words ? "%s=%u %s" : "%s=%u", b->name, on, words);
            put_word(page, indent, first, !on && n == 0 ? STYLE_BAD : on ? STYLE_TEXT : STYLE_NOTE, text);
            first = false;
        }
    }
    if (e & 1 && large) {
        put_word(page, indent, first, STYLE_TEXT, "PS=1 a large page");
    }
    if (e & 1 && w->width == 8 && e >> 63) {
        put_word(page, indent, first, STYLE_NOTE, w->cpu->paging.nxe ? "NX=1 no execution" : "NX=1, reserved: EFER.NXE is 0");
    }
    if (e & 1 && leaf && w->width == 8 && e >> 59 & 15 && w->cpu->cr4 & (CR4_PKE | CR4_PKS)) {
        char text[32];
        snprintf(text, sizeof text, "key %u", (unsigned)(e >> 59 & 15));
        put_word(page, indent, first, STYLE_TEXT, text);
    }
}

/* ---- levels */

static unsigned index_of(const struct walked *w, unsigned level)
{
    if (w->width == 4) {
        return (unsigned)(level ? w->linear >> 12 & 1023 : w->linear >> 22 & 1023);
    }
    unsigned levels = w->cpu->paging.mode == PAGING_5LEVEL ? 5 : w->cpu->paging.mode == PAGING_4LEVEL ? 4 : 2;
    return (unsigned)(w->linear >> (12 + 9 * (levels - 1 - level)) & 511);
}

static void put_level(struct view *page, const struct walked *w, unsigned level, bool leaf)
{
    u64 e = w->trace.entry[level].value;
    bool large = leaf && e & 0x80 && strcmp(w->names[level], "PTE");
    view_printf(page, STYLE_STRONG, "%-5s", w->names[level]);
    view_printf(page, STYLE_TEXT, " %5x  %010llx  ", index_of(w, level), (ull)w->trace.entry[level].addr);
    view_printf(page, STYLE_STRONG, "%0*llx", (int)w->width * 2, (ull)e);
    unsigned indent = page->columns >= 110 ? page->x + 2 : 6;
    view_put(page, STYLE_TEXT, page->columns >= 110 ? "  " : "\n");
    view_tab(page, indent);
    put_bits(page, w, e, leaf, large, indent);
    view_put(page, STYLE_TEXT, "\n");
}

/* PAE: loaded with CR3, into registers. */
static void put_pdpte(struct view *page, const struct walked *w)
{
    unsigned n = (unsigned)(w->linear >> 30 & 3);
    u64 e = w->cpu->paging.pdpte[n];
    view_printf(page, STYLE_STRONG, "PDPTE");
    view_printf(page, STYLE_TEXT, " %5x  (register)  ", n);
    view_printf(page, STYLE_STRONG, "%016llx", (ull)e);
    view_printf(page, e & 1 ? STYLE_TEXT : STYLE_BAD, page->columns >= 110 ? "  %s\n" : "\n      %s\n",
                e & 1 ? "P=1 present; it was read when CR3 was loaded" : "P=0 NOT PRESENT when CR3 was loaded");
}

/* ---- who may do what */

enum { KINDS = 3, REASONS = 2 * KINDS };

/* The reasons met so far: a, b, ... */
struct reasons {
    enum rule rule[REASONS];
    unsigned count;
};

static char reason_letter(struct reasons *r, enum rule rule)
{
    for (unsigned n = 0; n < r->count; n++) {
        if (r->rule[n] == rule) {
            return (char)('a' + n);
        }
    }
    r->rule[r->count] = rule;
    return (char)('a' + r->count++);
}

static void put_attempts(struct view *page, const struct walked *w, bool user, struct reasons *reasons)
{
    static const enum access_kind kinds[KINDS] = {ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH};
    struct cpu *cpu = w->cpu;
    bool ac = flags_get(cpu) & FLAG_AC;
    view_put(page, user ? STYLE_RING3 : STYLE_RING0, user ? "  ring 3" : "  rings 0-2");
    for (unsigned n = 0; n < KINDS; n++) {
        struct walk_trace trace;
        struct walk_result r = walk_explain(&cpu->paging, cpu->memory, w->linear, kinds[n], user, ac, &trace);
        view_tab(page, 13 + 16 * n);
        if (r.rule == RULE_NONE) {
            view_put(page, STYLE_GOOD, "yes");
        } else {
            view_printf(page, STYLE_BAD, "NO: #PF(%02x) %c", r.error_code, reason_letter(reasons, r.rule));
        }
    }
    view_put(page, STYLE_TEXT, "\n");
}

static void put_rights(struct view *page, const struct walked *w)
{
    const struct cpu *cpu = w->cpu;
    struct reasons reasons = {.count = 0};
    view_put(page, STYLE_TITLE, "Who may      read            write           fetch\n");
    put_attempts(page, w, false, &reasons);
    put_attempts(page, w, true, &reasons);
    for (unsigned n = 0; n < reasons.count; n++) {
        const struct rule_info *rule = &rule_table[reasons.rule[n]];
        view_printf(page, STYLE_BAD, "  %c: ", 'a' + n);
        inspect_wrap(page, STYLE_TEXT, 5, "%s (%s)", rule->sentence, rule->section);
        view_put(page, STYLE_TEXT, "\n");
    }
    view_tab(page, 2);
    inspect_wrap(page, STYLE_DIM, 2, "with CR0.WP=%u CR4.SMEP=%u CR4.SMAP=%u EFLAGS.AC=%u EFER.NXE=%u", !!(cpu->cr0 & CR0_WP),
                 !!(cpu->cr4 & CR4_SMEP), !!(cpu->cr4 & CR4_SMAP), !!(flags_get(cpu) & FLAG_AC), !!(cpu->efer & EFER_NXE));
    if (cpu->cr4 & CR4_PKE) {
        inspect_wrap(page, STYLE_DIM, 2, " PKRU=%08x", cpu->pkru);
    }
    view_put(page, STYLE_TEXT, "\n");
}

/* ---- the page */

/* By the level where the walk ended. */
static const char *size_text(const struct walked *w)
{
    const char *last = w->names[w->trace.depth - 1];
    return !strcmp(last, "PTE") ? "4 KiB" : strcmp(last, "PDE") ? "1 GiB" : w->width == 4 ? "4 MiB" : "2 MiB";
}

static void put_combined(struct view *page, const struct walked *w)
{
    bool writable = true, user = true, nx = false;
    for (unsigned n = 0; n < w->trace.depth; n++) {
        u64 e = w->trace.entry[n].value;
        writable &= e >> 1 & 1;
        user &= e >> 2 & 1;
        nx |= w->width == 8 && w->cpu->paging.nxe && e >> 63;
    }
    view_printf(page, STYLE_TEXT, "All levels together: %s, %s, %s\n\n", writable ? "writable" : "read-only",
                user ? "user" : "supervisor", nx ? "no execution" : "executable");
}

static void put_result(struct view *page, const struct walked *w)
{
    enum rule rule = w->result.rule;
    if (rule == RULE_PF_NOT_PRESENT || rule == RULE_PF_RESERVED) {
        view_put(page, STYLE_BAD, "Any access raises #PF: ");
        inspect_wrap(page, STYLE_TEXT, 2, "%s (%s)", rule_table[rule].sentence, rule_table[rule].section);
        view_put(page, STYLE_TEXT, "\n");
        return;
    }
    view_printf(page, STYLE_STRONG, "Physical %llx", (ull)w->result.phys);
    view_printf(page, STYLE_TEXT, ", in a page of %s", size_text(w));
    struct target t = space_find(w->cpu->memory, w->result.phys & w->cpu->paging.a20_mask, false, w->cpu->in_smm);
    view_printf(page, STYLE_TEXT, ": %s\n", t.region ? t.region->name : "nothing is there");
    put_combined(page, w);
    put_rights(page, w);
}

static void put_no_paging(struct view *page, struct cpu *cpu, u64 linear)
{
    inspect_title(page, "Linear %08llx: paging is off", (ull)linear);
    view_printf(page, STYLE_STRONG, "Physical %08llx", (ull)(linear & cpu->paging.a20_mask));
    view_put(page, STYLE_TEXT, cpu->a20 ? ": the same\n" : ": address bit 20 is 0, the A20 gate is closed\n");
    view_put(page, STYLE_TEXT, "All rings may read, write and execute: only segments protect.\n");
}

void inspect_walk_page(struct view *page, struct machine *m, u64 linear)
{
    static const char *const two[] = {"PDE", "PTE"}, *const five[] = {"PML5E", "PML4E", "PDPTE", "PDE", "PTE"};
    static const char *const modes[] = {[PAGING_32] = "32-bit paging, 2 levels",
                                        [PAGING_PAE] = "PAE paging, 3 levels",
                                        [PAGING_4LEVEL] = "4-level paging",
                                        [PAGING_5LEVEL] = "5-level paging"};
    struct cpu *cpu = m->cpu;
    linear = system_linear(cpu, linear);
    if (cpu->paging.mode == PAGING_NONE) {
        put_no_paging(page, cpu, linear);
        return;
    }
    struct walked w = {.cpu = cpu, .linear = linear, .width = cpu->paging.mode == PAGING_32 ? 4 : 8};
    w.names = cpu->paging.mode == PAGING_32       ? two
              : cpu->paging.mode == PAGING_PAE    ? five + 3
              : cpu->paging.mode == PAGING_4LEVEL ? five + 1
                                                  : five;
    view_printf(page, STYLE_TITLE, "Linear %0*llx", inspect_digits(cpu), (ull)linear);
    inspect_put_symbol(page, m, linear);
    view_printf(page, STYLE_TITLE, ": %s from CR3 %llx\n", modes[cpu->paging.mode], (ull)cpu->cr3);
    if (!cpu_canonical(cpu, linear)) {
        view_wrap(page, STYLE_BAD, 0,
                  "Not canonical: the upper bits must all equal the highest one that is translated. Any access raises #GP (#SS for "
                  "the stack) before a walk.\n");
        return;
    }
    w.result = walk_explain(&cpu->paging, cpu->memory, linear, ACCESS_READ, false, true, &w.trace);
    view_put(page, STYLE_FRAME, "table index  at          entry\n");
    if (cpu->paging.mode == PAGING_PAE) {
        put_pdpte(page, &w);
    }
    for (unsigned n = 0; n < w.trace.depth; n++) {
        bool failed = w.result.rule == RULE_PF_NOT_PRESENT || w.result.rule == RULE_PF_RESERVED;
        put_level(page, &w, n, n + 1 == w.trace.depth && !failed);
    }
    view_put(page, STYLE_TEXT, "\n");
    put_result(page, &w);
}
