/*
 * lab_pages.c: the lab's pages, each with its key.
 */
#include "frontend/lab/lab_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontend/monitor/disas.h"
#include "frontend/monitor/registers.h"

u64 lab_address(const struct lab *lab)
{
    const struct cpu *cpu = lab->machine->cpu;
    u64 here = cpu->code_base + cpu->ip;
    return lab->address_given ? lab->address : cpu->long_mode ? here : (u32)here;
}

/* What a monitor's command prints. */
static void put_command(struct lab *lab, struct view *page, const char *line)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        monitor_execute(lab->monitor, line, out);
        fclose(out);
        view_wrap(page, STYLE_TEXT, 0, text);
        free(text);
    }
}

enum { CODE_LINES = 12 };

/* Instructions from the next one on. */
static void put_code(struct cpu *cpu, struct view *page)
{
    vaddr la = cpu->code_base + cpu->ip;
    u64 ip = cpu->ip;
    for (unsigned n = 0; n < CODE_LINES; n++) {
        char text[DISAS_TEXT];
        unsigned length = disas_linear(cpu, cpu->long_mode ? la : (u32)la, ip, text);
        view_printf(page, n ? STYLE_DIM : STYLE_STRONG, "%s %04x:%08" PRIx64 "  ", n ? " " : ">", cpu->seg[SEG_CS].selector, ip);
        view_put(page, n ? STYLE_TEXT : STYLE_STRONG, length ? text : "(not mapped)");
        view_put(page, STYLE_TEXT, "\n");
        if (!length) {
            return;
        }
        ip += length;
        la += length;
    }
}

static void page_now(struct lab *lab, struct view *page)
{
    struct cpu *cpu = lab->machine->cpu;
    put_code(cpu, page);
    view_put(page, STYLE_TEXT, "\n");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        registers_print_short(cpu, out);
        fclose(out);
        view_wrap(page, STYLE_TEXT, 0, text);
        free(text);
    }
}

static void page_gdt(struct lab *lab, struct view *page)
{
    put_command(lab, page, "info gdt");
}

static void page_idt(struct lab *lab, struct view *page)
{
    put_command(lab, page, "info idt");
}

static void page_tss(struct lab *lab, struct view *page)
{
    put_command(lab, page, "info tss");
}

static void page_interrupts(struct lab *lab, struct view *page)
{
    put_command(lab, page, "info irq");
}

/* `size` bytes, which are no string. */
static void put_bytes(struct view *page, const u8 *bytes, size_t size)
{
    char *text = strndup((const char *)bytes, size);
    if (text) {
        view_wrap(page, STYLE_TEXT, 0, text);
        free(text);
    }
}

static void page_output(struct lab *lab, struct view *page)
{
    const struct blob *o = &lab->output;
    if (!o->size) {
        view_wrap(page, STYLE_DIM, 0, "Press : and type a command of the monitor; what it prints comes here. help lists them.\n");
        return;
    }
    put_bytes(page, o->data, lab->output_from);
    unsigned row = page->y;
    put_bytes(page, o->data + lab->output_from, o->size - lab->output_from);
    if (lab->output_fresh) {
        lab->part[lab->page].top = row;
        lab->output_fresh = false;
    }
}

static void page_help(struct lab *lab, struct view *page)
{
    static const char *const about[] = {
        "The lab shows the machine while it runs and while it is paused; nothing of it can be noticed by the guest.",
        "Ctrl-Alt-R (in a terminal Ctrl-A R) closes it, and opens it again."};
    for (unsigned n = 0; n < ARRAY_LEN(about); n++) {
        view_wrap(page, STYLE_TEXT, 0, about[n]);
        view_put(page, STYLE_TEXT, "\n");
    }
    view_put(page, STYLE_TITLE, "\nKeys\n");
    for (unsigned n = 0; n < lab_action_count(); n++) {
        const struct lab_action *a = &lab_actions[n];
        char label[8];
        if (a->help) {
            view_printf(page, STYLE_KEY, "  %-8s ", lab_key_label(a, label));
            view_wrap(page, STYLE_TEXT, 11, a->help);
            view_put(page, STYLE_TEXT, "\n");
        }
    }
    view_put(page, STYLE_TITLE, "\nPages\n");
    for (unsigned n = 0; n < lab_page_count(); n++) {
        view_put(page, STYLE_KEY, "  ");
        view_rune(page, STYLE_KEY, lab_pages[n].key);
        view_tab(page, 11);
        view_put(page, STYLE_TEXT, lab_pages[n].name);
        view_put(page, STYLE_TEXT, "\n");
    }
    (void)lab;
}

const struct lab_page lab_pages[] = {
    {'1', "Now", page_now},
    {'3', "GDT", page_gdt},
    {'5', "IDT", page_idt},
    {'6', "TSS", page_tss},
    {'0', "Interrupts", page_interrupts},
    {'o', "Output", page_output},
    {'h', "Help", page_help},
};

unsigned lab_page_count(void)
{
    return ARRAY_LEN(lab_pages);
}

unsigned lab_page_find(const char *name)
{
    for (unsigned n = 0; n < ARRAY_LEN(lab_pages); n++) {
        if (!strcasecmp(lab_pages[n].name, name)) {
            return n;
        }
    }
    return LAB_PAGES_MAX;
}
