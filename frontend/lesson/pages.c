/*
 * pages.c: see pages.h. Those of the lab's inspectors are shown as they are.
 */
#include "frontend/lesson/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/flags.h"
#include "devices/display/vga.h"
#include "frontend/lab/explain.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/timeline.h"
#include "frontend/monitor/paging.h"
#include "frontend/monitor/registers.h"
#include "frontend/text.h"

enum { SOURCE_BEFORE = 3, SOURCE_AFTER = 5, SCREEN_ROWS = 12, CROSSINGS_ROWS = 12, PAGE_COLUMNS = 80 };

typedef void page_fn(struct view *view, struct guest *guest, const char *argument);
typedef void print_fn(struct cpu *cpu, FILE *out);

/* What prints to a file, on a page. */
static void printed(struct view *v, struct guest *g, print_fn *print)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        print(g->machine->cpu, out);
        fclose(out);
        view_put(v, STYLE_TEXT, text);
        free(text);
    }
}

static void show_screen(struct view *v, struct guest *g, const char *argument)
{
    struct vga_text *text = calloc(1, sizeof *text);
    unsigned rows = 0;
    (void)argument;
    vga_update(g->machine->vga);
    if (!text || !vga_text(g->machine->vga, text)) {
        view_put(v, STYLE_DIM, "(a picture)\n");
        free(text);
        return;
    }
    for (unsigned y = 0; y < text->rows; y++) {
        for (unsigned x = 0; x < text->columns; x++) {
            rows = text_unicode(text->cell[y * text->columns + x].ch) == ' ' ? rows : y + 1;
        }
    }
    for (unsigned y = rows > SCREEN_ROWS ? rows - SCREEN_ROWS : 0; y < rows; y++) {
        view_put(v, STYLE_FRAME, "\u2502 ");
        for (unsigned x = 0; x < text->columns; x++) {
            view_rune(v, STYLE_TEXT, text_unicode(text->cell[y * text->columns + x].ch));
        }
        view_put(v, STYLE_TEXT, "\n");
    }
    if (!rows) {
        view_put(v, STYLE_DIM, "(empty)\n");
    }
    free(text);
}

/* Around the next instruction, or around an address that is given. */
static void show_source(struct view *v, struct guest *g, const char *argument)
{
    u64 here = guest_at(g), around = here;
    struct error err;
    if (*argument && !guest_eval(g, argument, &around, &err)) {
        view_printf(v, STYLE_BAD, "%s\n", err.text);
        return;
    }
    unsigned line = program_line_at(g->program, around), mark = program_line_at(g->program, here);
    if (!line) {
        inspect_code(v, g->machine, around, SOURCE_BEFORE, SOURCE_AFTER);
        return;
    }
    unsigned first = line > SOURCE_BEFORE ? line - SOURCE_BEFORE : 1;
    for (unsigned n = first; n <= line + SOURCE_AFTER && n <= g->program->lines; n++) {
        view_printf(v, n == mark ? STYLE_NOTE : STYLE_TEXT, "%s %4u  %s\n", n == mark ? "=>" : "  ", n, g->program->line[n - 1]);
    }
}

static void show_pages(struct view *v, struct guest *g, const char *argument)
{
    (void)argument;
    printed(v, g, paging_print_ranges);
}

/* Words from the top of the present stack. */
static void show_stack(struct view *v, struct guest *g, const char *argument)
{
    struct cpu *cpu = g->machine->cpu;
    unsigned size = cpu->code_bytes == 8 ? 8 : cpu->stack_mask == 0xffff ? 2 : 4;
    (void)argument;
    for (unsigned n = 0; n < 8; n++) {
        char text[64];
        u64 value = 0, sp = (cpu->regs[R_SP] + n * size) & cpu->stack_mask;
        snprintf(text, sizeof text, "%s[%s0x%llx]", size == 8 ? "qword" : size == 4 ? "dword" : "word",
                 size == 8 ? "" : "$ss.base+",
                 (unsigned long long)sp);
        if (guest_eval(g, text, &value, NULL)) {
            view_printf(v, n ? STYLE_TEXT : STYLE_NOTE, "%s %04x:%08llx  %0*llx\n", n ? "  " : "=>", cpu->seg[SEG_SS].selector,
                        (unsigned long long)sp, (int)size * 2, (unsigned long long)value);
        }
    }
}

static void show_explain(struct view *v, struct guest *g, const char *argument)
{
    const struct explanation *e = explain_last(g->machine, 0);
    (void)argument;
    if (e) {
        explain_page(v, e);
    } else {
        view_put(v, STYLE_DIM, "no exception has been raised\n");
    }
}

/* Up to now: what is known of the future, when the student has been there, is no news to be told yet. A delivery that has just
 * been is of the moment at which its instruction is not complete. */
static u64 until_now(const struct guest *g)
{
    return crossings_now(g->machine->crossings) + g->crossed;
}

static void show_timeline(struct view *v, struct guest *g, const char *argument)
{
    const struct crossings *c = g->machine->crossings;
    struct timeline_range range = {.first = crossings_began(c), .last = until_now(g)};
    (void)argument;
    timeline_page(v, c, &range);
}

static void show_crossings(struct view *v, struct guest *g, const char *argument)
{
    const struct crossings *c = g->machine->crossings;
    (void)argument;
    crossings_page(v, c, NULL, crossings_find(c, until_now(g)), CROSSINGS_ROWS);
}

/* Bytes at an expression. */
static void show_memory(struct view *v, struct guest *g, const char *argument)
{
    u64 address, byte;
    struct error err;
    if (!guest_eval(g, argument, &address, &err)) {
        view_printf(v, STYLE_BAD, "%s\n", err.text);
        return;
    }
    for (unsigned n = 0; n < 64; n++) {
        char text[40];
        if (n % 16 == 0) {
            view_printf(v, STYLE_TEXT, "%08llx:", (unsigned long long)(address + n));
        }
        snprintf(text, sizeof text, "byte[0x%llx]", (unsigned long long)(address + n));
        if (guest_eval(g, text, &byte, NULL)) {
            view_printf(v, STYLE_TEXT, " %02x", (unsigned)byte);
        } else {
            view_put(v, STYLE_DIM, " --");
        }
        if (n % 16 == 15) {
            view_put(v, STYLE_TEXT, "\n");
        }
    }
}

/* Those that are not the inspectors'. */
static const struct lesson_page {
    const char *name;
    enum { ARGUMENT_NONE, ARGUMENT_MAY, ARGUMENT_MUST } argument;
    const char *title;
    page_fn *show;
} pages[] = {
    {"screen", ARGUMENT_NONE, "the program's screen", show_screen},
    {"source", ARGUMENT_MAY, "the program", show_source},
    {"stack", ARGUMENT_NONE, "the stack, from its top", show_stack},
    {"memory", ARGUMENT_MUST, "memory", show_memory},
    {"paging", ARGUMENT_NONE, "what is mapped", show_pages},
    {"timeline", ARGUMENT_NONE, "rings so far", show_timeline},
    {"crossings", ARGUMENT_NONE, "the latest crossings between rings", show_crossings},
    {"explain", ARGUMENT_NONE, "why the last exception was raised", show_explain},
};

/* A name and what follows it. */
struct wish {
    char name[32];
    const char *argument; /* "" if there is none */
};

static struct wish read_wish(const char *text)
{
    struct wish w;
    size_t size = strcspn(text, " ");
    snprintf(w.name, sizeof w.name, "%.*s", (int)size, text);
    w.argument = text + size + strspn(text + size, " ");
    return w;
}

static const struct lesson_page *find(const struct wish *w)
{
    for (unsigned n = 0; n < ARRAY_LEN(pages); n++) {
        if (!strcmp(pages[n].name, w->name)) {
            return &pages[n];
        }
    }
    return NULL;
}

bool page_known(const char *text)
{
    struct wish w = read_wish(text);
    const struct lesson_page *p = find(&w);
    const struct inspect_page *inspect = inspect_find(w.name);
    if (inspect) {
        return *w.argument ? inspect->write_at != NULL : inspect->write != NULL;
    }
    return p && (p->argument == ARGUMENT_MAY || (p->argument == ARGUMENT_MUST) == (*w.argument != 0));
}

const char *page_names(void)
{
    return "screen, source, code, registers, segments, control, gdt, ldt, idt, tss, stack, stacks, paging, walk ADDRESS, "
           "memory ADDRESS, interrupts, timeline, crossings, explain";
}

static void show_inspector(struct view *v, struct guest *g, const struct inspect_page *p, const char *argument)
{
    u64 address;
    struct error err;
    if (!*argument) {
        p->write(v, g->machine);
    } else if (guest_eval(g, argument, &address, &err)) {
        p->write_at(v, g->machine, address);
    } else {
        view_printf(v, STYLE_BAD, "%s\n", err.text);
    }
}

void page_show(struct view *v, struct guest *g, const char *text)
{
    struct wish w = read_wish(text);
    const struct lesson_page *p = find(&w);
    const struct inspect_page *inspect = inspect_find(w.name);
    view_put(v, STYLE_FRAME, "\u2500\u2500 ");
    view_printf(v, STYLE_TITLE, "%s%s%s ", inspect ? inspect->title : p ? p->title : w.name, *w.argument ? " " : "", w.argument);
    while (v->x < v->columns && v->x < PAGE_COLUMNS) {
        view_rune(v, STYLE_FRAME, 0x2500);
    }
    view_put(v, STYLE_TEXT, "\n");
    if (inspect) {
        show_inspector(v, g, inspect, w.argument);
    } else if (p) {
        p->show(v, g, w.argument);
    }
    if (v->x) {
        view_put(v, STYLE_TEXT, "\n");
    }
}
