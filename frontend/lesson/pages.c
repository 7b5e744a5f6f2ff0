/*
 * pages.c: see pages.h. The monitor's texts stand where the lab has no page.
 */
#include "frontend/lesson/pages.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/flags.h"
#include "devices/display/vga.h"
#include "frontend/lab/inspect.h"
#include "frontend/monitor/disas.h"
#include "frontend/monitor/paging.h"
#include "frontend/monitor/registers.h"
#include "frontend/text.h"

enum { SOURCE_BEFORE = 3, SOURCE_AFTER = 5, CODE_LINES = 8, SCREEN_ROWS = 12 };

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

static void show_code(struct view *v, struct guest *g, const char *argument)
{
    struct cpu *cpu = g->machine->cpu;
    u64 at = guest_at(g), ip = cpu->ip, distance;
    (void)argument;
    for (unsigned n = 0; n < CODE_LINES; n++) {
        char text[DISAS_TEXT];
        const char *label = program_label(g->program, at, &distance);
        unsigned size = disas_linear(cpu, at, ip, text);
        if (label && !distance) {
            view_printf(v, STYLE_DIM, "  %s:\n", label);
        }
        if (!size) {
            view_put(v, STYLE_DIM, "  (not mapped)\n");
            break;
        }
        view_printf(v, n ? STYLE_TEXT : STYLE_NOTE, "%s %08llx  %s\n", n ? "  " : "=>", (unsigned long long)ip, text);
        at += size;
        ip += size;
    }
}

static void show_source(struct view *v, struct guest *g, const char *argument)
{
    unsigned here = program_line_at(g->program, guest_at(g));
    (void)argument;
    if (!here) {
        show_code(v, g, "");
        return;
    }
    unsigned first = here > SOURCE_BEFORE ? here - SOURCE_BEFORE : 1;
    for (unsigned n = first; n <= here + SOURCE_AFTER && n <= g->program->lines; n++) {
        view_printf(v, n == here ? STYLE_NOTE : STYLE_TEXT, "%s %4u  %s\n", n == here ? "=>" : "  ", n, g->program->line[n - 1]);
    }
}

static void show_registers(struct view *v, struct guest *g, const char *argument)
{
    (void)argument;
    printed(v, g, registers_print_short);
}

static void show_gdt(struct view *v, struct guest *g, const char *argument)
{
    (void)argument;
    inspect_gdt_page(v, g->machine);
}

static void show_idt(struct view *v, struct guest *g, const char *argument)
{
    (void)argument;
    inspect_idt_page(v, g->machine);
}

static void show_tss(struct view *v, struct guest *g, const char *argument)
{
    (void)argument;
    inspect_tss_page(v, g->machine);
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
        snprintf(text, sizeof text, "%s[%s0x%llx]", size == 8 ? "qword" : size == 4 ? "dword" : "word", size == 8 ? "" : "$ss.base+",
                 (unsigned long long)sp);
        if (guest_eval(g, text, &value, NULL)) {
            view_printf(v, n ? STYLE_TEXT : STYLE_NOTE, "%s %04x:%08llx  %0*llx\n", n ? "  " : "=>", cpu->seg[SEG_SS].selector,
                        (unsigned long long)sp, (int)size * 2, (unsigned long long)value);
        }
    }
}

static void show_flags(struct view *v, struct guest *g, const char *argument)
{
    struct cpu *cpu = g->machine->cpu;
    u32 flags = flags_get(cpu);
    (void)argument;
    view_printf(v, STYLE_TEXT, "EFLAGS=%08x  IOPL=%u IF=%u TF=%u NT=%u VM=%u   CPL=%u\n", flags, (flags & FLAG_IOPL) >> 12,
                !!(flags & FLAG_IF), !!(flags & FLAG_TF), !!(flags & FLAG_NT), !!(flags & FLAG_VM), cpu->cpl);
    view_printf(v, STYLE_TEXT, "CR0=%08x  PE=%u WP=%u PG=%u   CR3=%08llx CR4=%08x EFER=%03x\n", (u32)cpu->cr0, !!(cpu->cr0 & CR0_PE),
                !!(cpu->cr0 & CR0_WP), !!(cpu->cr0 & CR0_PG), (unsigned long long)cpu->cr3, (u32)cpu->cr4, (u32)cpu->efer);
}

static void show_explain(struct view *v, struct guest *g, const char *argument)
{
    const struct rule_info *r = &rule_table[g->last.rule];
    (void)argument;
    if (g->last.kind != GUEST_EXCEPTION) {
        view_put(v, STYLE_DIM, "no exception has been raised\n");
        return;
    }
    view_printf(v, STYLE_STRONG, "exception %u, error code %04x\n", g->last.vector, g->last.error);
    view_wrap(v, STYLE_TEXT, 2, r->sentence);
    view_printf(v, STYLE_DIM, "\n  (%s, SDM %s)\n", r->name, r->section);
}

static void show_timeline(struct view *v, struct guest *g, const char *argument)
{
    (void)argument;
    view_printf(v, STYLE_TEXT, "%u ring changes, %u exceptions, %u interrupts since the program began; ring %u now\n", g->crossings,
                g->exceptions, g->interrupts, g->machine->cpu->cpl);
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

static void show_walk(struct view *v, struct guest *g, const char *argument)
{
    u64 address;
    paddr phys;
    struct error err;
    struct machine *m = g->machine;
    if (!guest_eval(g, argument, &address, &err)) {
        view_printf(v, STYLE_BAD, "%s\n", err.text);
    } else if (walk_peek(&m->cpu->paging, m->memory, address, &phys)) {
        view_printf(v, STYLE_TEXT, "linear %08llx is physical %08llx\n", (unsigned long long)address, (unsigned long long)phys);
    } else {
        view_printf(v, STYLE_TEXT, "linear %08llx is not mapped\n", (unsigned long long)address);
    }
}

static const struct lesson_page {
    const char *name;
    bool argument;
    const char *title;
    page_fn *show;
} pages[] = {
    {"screen", false, "the program's screen", show_screen},
    {"source", false, "the program, at the next instruction", show_source},
    {"code", false, "the next instructions", show_code},
    {"registers", false, "registers", show_registers},
    {"segments", false, "segment registers", show_registers},
    {"control", false, "flags and control registers", show_flags},
    {"gdt", false, "global descriptor table", show_gdt},
    {"ldt", false, "local descriptor table", show_gdt},
    {"idt", false, "interrupt descriptor table", show_idt},
    {"tss", false, "task-state segment", show_tss},
    {"stack", false, "the stack, from its top", show_stack},
    {"stacks", false, "the stacks of the rings", show_stack},
    {"paging", false, "what is mapped", show_pages},
    {"walk", true, "page walk", show_walk},
    {"memory", true, "memory", show_memory},
    {"interrupts", false, "interrupt controllers", show_flags},
    {"timeline", false, "rings so far", show_timeline},
    {"crossings", false, "rings so far", show_timeline},
    {"explain", false, "why the last exception was raised", show_explain},
};

static const struct lesson_page *find(const char *name, const char **argument)
{
    size_t size = strcspn(name, " ");
    for (unsigned n = 0; n < ARRAY_LEN(pages); n++) {
        if (strlen(pages[n].name) == size && !strncmp(name, pages[n].name, size)) {
            *argument = name + size + strspn(name + size, " ");
            return &pages[n];
        }
    }
    return NULL;
}

bool page_known(const char *name)
{
    const char *argument;
    const struct lesson_page *p = find(name, &argument);
    return p && p->argument == (*argument != 0);
}

const char *page_names(void)
{
    return "screen, source, code, registers, segments, control, gdt, ldt, idt, tss, stack, stacks, paging, walk ADDRESS, memory ADDRESS, "
           "interrupts, timeline, crossings, explain";
}

void page_show(struct view *v, struct guest *g, const char *name)
{
    const char *argument;
    const struct lesson_page *p = find(name, &argument);
    if (p) {
        view_printf(v, STYLE_TITLE, "\u2500\u2500 %s%s%s ", p->title, *argument ? " " : "", argument);
        while (v->x < v->columns && v->x < 80) {
            view_rune(v, STYLE_FRAME, 0x2500);
        }
        view_put(v, STYLE_TEXT, "\n");
        p->show(v, g, argument);
    }
}
