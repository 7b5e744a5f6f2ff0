/*
 * inspect_segments.c: segment registers: the selector that software loaded, the hidden part that the processor works with, and what
 * the descriptor in memory says now. SDM Vol. 3A 3.4.3 (hidden parts), 3.4.4 (64-bit mode), 20.1.1 (real mode).
 */
#include "frontend/lab/inspect_users.h"

static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};

enum { COLUMN_WHERE = 10, COLUMN_BASE = 25, WORDS_LEAST = 28 };

static bool ignored_in_64(const struct cpu *cpu, unsigned seg)
{
    return cpu->code_bytes == 8 && seg < SEG_FS;
}

/* Where words begin: on a narrow page, on the next line. */
static unsigned words_column(const struct view *page, const struct cpu *cpu)
{
    unsigned column = COLUMN_BASE + (unsigned)inspect_digits(cpu) + 11;
    return page->columns < column + WORDS_LEAST ? COLUMN_WHERE : column;
}

static void go_to_words(struct view *page, const struct cpu *cpu)
{
    if (page->x > words_column(page, cpu)) {
        view_put(page, STYLE_TEXT, "\n");
    }
    view_tab(page, words_column(page, cpu));
}

/* Selector, where it leads, base and limit: what all lines begin with. */
static void put_start(struct view *page, const struct cpu *cpu, const char *name, const struct segment *s, bool table, bool ignored)
{
    view_put(page, STYLE_STRONG, name);
    view_tab(page, 5);
    view_printf(page, STYLE_TEXT, "%04x", s->selector);
    view_tab(page, COLUMN_WHERE);
    if (table && selector_null(s->selector)) {
        view_put(page, STYLE_TEXT, "null");
    } else if (table) {
        view_printf(page, STYLE_TEXT, "%s %u, RPL %u", s->selector & 4 ? "LDT" : "GDT", s->selector >> 3, s->selector & 3);
    }
    view_tab(page, COLUMN_BASE);
    if (ignored) {
        view_put(page, STYLE_DIM, "(ignored)");
    } else {
        view_printf(page, STYLE_TEXT, "%0*llx %08x", inspect_digits(cpu), (ull)s->base, s->limit);
    }
    go_to_words(page, cpu);
}

/* ---- real and virtual-8086 mode */

static void put_real(struct view *page, const struct cpu *cpu, unsigned seg)
{
    const struct segment *s = &cpu->seg[seg];
    unsigned column = words_column(page, cpu);
    put_start(page, cpu, names[seg], s, false, false);
    if (s->base == (u64)s->selector << 4) {
        view_wrap(page, STYLE_DIM, column, "base = 16 * selector");
    } else {
        view_wrap(page, STYLE_NOTE, column, "base is not 16 * selector: from reset, or protected mode");
    }
    if (s->limit != 0xffff) {
        view_wrap(page, STYLE_NOTE, column, "; limit kept from protected mode (\"unreal mode\")");
    }
    view_put(page, STYLE_TEXT, "\n");
}

/* ---- protected mode */

/* Without the accessed bit: what has been loaded is accessed. */
static unsigned told(unsigned attr)
{
    return attr & ATTR_S ? attr & ~(unsigned)ATTR_ACCESSED : attr;
}

static void put_hidden(struct view *page, const struct cpu *cpu, const struct segment *s, unsigned seg)
{
    char words[128];
    unsigned column = words_column(page, cpu);
    if (!(s->attr & ATTR_P)) {
        bool fine = cpu->code_bytes == 8 && (seg != SEG_SS || cpu->cpl < 3);
        view_wrap(page, fine ? STYLE_DIM : STYLE_NOTE, column,
                  fine            ? "null: 64-bit code may use it"
                  : seg == SEG_SS ? "null: any use raises #SS"
                                  : "null: any use raises #GP");
        return;
    }
    inspect_kind_words(cpu, told(s->attr), words, sizeof words);
    view_wrap(page, STYLE_TEXT, column, words);
    if (seg == SEG_SS && cpu->code_bytes != 8) {
        view_wrap(page, STYLE_TEXT, column, s->attr & ATTR_DB ? ", 32-bit stack" : ", 16-bit stack");
    }
}

/* What the descriptor in memory says now, when it is not what was loaded. */
static void put_difference(struct view *page, struct cpu *cpu, const struct segment *s, unsigned seg)
{
    struct descriptor d;
    unsigned column = words_column(page, cpu);
    if (!(s->attr & ATTR_P) && selector_null(s->selector)) {
        return;
    }
    enum inspect_why why = inspect_descriptor(cpu, s->selector, &d);
    if (seg < SEG_FLAT && s->base == (u64)s->selector << 4 && s->attr & ATTR_P && (why != WHY_FOUND || desc_base(&d) != s->base)) {
        view_wrap(page, STYLE_NOTE, column, ". Still as in real mode: it works so until it is loaded again");
        return;
    }
    if (why != WHY_FOUND) {
        inspect_wrap(page, STYLE_NOTE, column, ". Its table: %s", inspect_why_text(why));
        return;
    }
    struct segment now = descriptor_segment(&d, s->selector);
    /* FS and GS of 64-bit code have their bases from MSRs, and SYSCALL and the like load fixed descriptors */
    bool base = now.base != s->base && !(cpu->long_mode && (seg == SEG_FS || seg == SEG_GS)), limit = now.limit != s->limit;
    bool attr = (now.attr ^ s->attr) & (0xf0ff & ~(ATTR_AVL | ATTR_ACCESSED | ATTR_G));
    if (!base && !limit && !attr) {
        return;
    }
    view_wrap(page, STYLE_NOTE, column, ". THE TABLE SAYS OTHERWISE NOW:");
    if (base) {
        inspect_wrap(page, STYLE_NOTE, column, " base %0*llx%s", inspect_digits(cpu), (ull)now.base, limit || attr ? "," : "");
    }
    if (limit) {
        inspect_wrap(page, STYLE_NOTE, column, " limit %08x%s", now.limit, attr ? "," : "");
    }
    if (attr) {
        char words[128];
        inspect_kind_words(cpu, told(now.attr), words, sizeof words);
        inspect_wrap(page, STYLE_NOTE, column, " %s", words);
    }
}

static void put_protected(struct view *page, struct cpu *cpu, const char *name, const struct segment *s, unsigned seg)
{
    put_start(page, cpu, name, s, true, seg < SEG_FLAT && ignored_in_64(cpu, seg));
    put_hidden(page, cpu, s, seg);
    put_difference(page, cpu, s, seg);
    view_put(page, STYLE_TEXT, "\n");
}

/* ---- what stands below */

static void put_system(struct view *page, struct cpu *cpu, const char *name, const struct segment *s)
{
    if (!(s->attr & ATTR_P) || (s->attr & ATTR_S) || selector_null(s->selector)) {
        view_printf(page, STYLE_DIM, "%-4s %04x  none is loaded\n", name, s->selector);
        return;
    }
    put_protected(page, cpu, name, s, SEG_COUNT);
}

static void put_table(struct view *page, const struct cpu *cpu, const char *name, const struct table_register *t, const char *words)
{
    view_put(page, STYLE_STRONG, name);
    view_tab(page, COLUMN_BASE);
    view_printf(page, STYLE_TEXT, "%0*llx %8x", inspect_digits(cpu), (ull)t->base, t->limit);
    go_to_words(page, cpu);
    view_wrap(page, STYLE_TEXT, words_column(page, cpu), words);
    view_put(page, STYLE_TEXT, "\n");
}

static void put_tables(struct view *page, const struct cpu *cpu)
{
    char words[80];
    unsigned gate = cpu->long_mode ? 16 : cpu->protected_mode ? 8 : 4;
    snprintf(words, sizeof words, "room for %u descriptors", (cpu->gdtr.limit + 1u) / 8);
    put_table(page, cpu, "GDTR", &cpu->gdtr, words);
    unsigned vectors = (cpu->idtr.limit + 1u) / gate;
    snprintf(words, sizeof words, "room for %u %s", vectors < VECTORS ? vectors : VECTORS,
             cpu->protected_mode ? "gates" : "vectors");
    put_table(page, cpu, "IDTR", &cpu->idtr, words);
}

static void put_footnote(struct view *page, const struct cpu *cpu, bool real)
{
    view_put(page, STYLE_TEXT, "\n");
    if (real) {
        view_wrap(
            page, STYLE_DIM, 0,
            cpu->vm86
                ? "Virtual-8086 mode: loading a selector sets base = 16 * selector, limit ffff. No table is looked at. CPL is 3."
                : "Loading a selector sets base = 16 * selector and leaves limit and rights as they are. No table is looked at.");
    } else {
        view_wrap(page, STYLE_DIM, 0,
                  "Base, limit and rights are the hidden part: copied from the descriptor when the selector is loaded. "
                  "Where the table says something else now, that is said; it has no effect until the selector is loaded again.");
    }
    if (cpu->long_mode) {
        view_put(page, STYLE_TEXT, "\n");
        inspect_wrap(
            page, STYLE_DIM, 0,
            "64-bit code ignores bases and limits, but for the bases of FS and GS, which are in MSRs; SWAPGS exchanges that of "
            "GS with KERNEL_GS_BASE, now %016llx.",
            (ull)cpu->msr.kernel_gs_base);
    }
    view_put(page, STYLE_TEXT, "\n");
}

void inspect_segments_page(struct view *page, struct machine *m)
{
    struct cpu *cpu = m->cpu;
    bool real = real_or_vm86(cpu);
    static const u8 order[] = {SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    inspect_title(page, "Segment registers: %s, ring %u", inspect_mode(cpu), cpu->cpl);
    view_put(page, STYLE_FRAME, "     selector");
    view_tab(page, COLUMN_BASE);
    view_printf(page, STYLE_FRAME, "%-*s limit\n", inspect_digits(cpu), "base");
    for (unsigned n = 0; n < ARRAY_LEN(order); n++) {
        if (real) {
            put_real(page, cpu, order[n]);
        } else {
            put_protected(page, cpu, names[order[n]], &cpu->seg[order[n]], order[n]);
        }
    }
    put_system(page, cpu, "TR", &cpu->tr);
    put_system(page, cpu, "LDTR", &cpu->ldtr);
    put_tables(page, cpu);
    put_footnote(page, cpu, real);
}
