/*
 * lab_pages.c: the lab's pages, each with its key.
 */
#include "frontend/lab/lab_state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontend/lab/explain.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/stops.h"

u64 lab_address(const struct lab *lab)
{
    const struct cpu *cpu = lab->machine->cpu;
    u64 here = cpu->code_base + cpu->ip;
    return lab->address_given ? lab->address : cpu->long_mode ? here : (u32)here;
}

enum { CODE_BEFORE = 4, CODE_AFTER = 9, CODE_COLUMNS = 72, REGISTERS_COLUMNS = 60 };

/* Side by side where there is room. */
static void page_now(struct lab *lab, struct view *page)
{
    if (page->columns < CODE_COLUMNS + REGISTERS_COLUMNS + 2) {
        inspect_code(page, lab->machine, lab_address(lab), CODE_BEFORE, CODE_AFTER);
        view_put(page, STYLE_TEXT, "\n");
        inspect_registers_page(page, lab->machine);
        return;
    }
    struct view code, registers;
    view_init(&code, page->columns - REGISTERS_COLUMNS - 2);
    view_init(&registers, REGISTERS_COLUMNS);
    inspect_code(&code, lab->machine, lab_address(lab), CODE_BEFORE, 2 * CODE_AFTER);
    inspect_registers_page(&registers, lab->machine);
    view_copy(page, 0, 0, &code, 0, code.rows, code.columns);
    view_copy(page, code.columns + 2, 0, &registers, 0, registers.rows, registers.columns);
    view_free(&code);
    view_free(&registers);
}

static void page_stops(struct lab *lab, struct view *page)
{
    stops_describe(lab->machine, page);
    view_put(page, STYLE_TEXT, "\n");
    view_wrap(page, STYLE_DIM, 0,
              "Typed behind : they are made by break ADDRESS, watch ADDRESS, catch ring, interrupt, exception or syscall, and go "
              "by delete NUMBER.\n");
}

static void page_why(struct lab *lab, struct view *page)
{
    while (lab->why_back && !explain_last(lab->machine, lab->why_back)) {
        lab->why_back--;
    }
    const struct explanation *e = explain_last(lab->machine, lab->why_back);
    if (e) {
        if (lab->why_back) {
            view_printf(page, STYLE_NOTE, "%u before the last one:\n", lab->why_back);
        }
        explain_page(page, e);
        view_put(page, STYLE_TEXT, "\n");
    }
    exceptions_page(page, lab->machine);
}

static void act_why(struct lab *lab, unsigned newer)
{
    if (!newer) {
        lab->why_back += explain_last(lab->machine, lab->why_back + 1) != NULL;
    } else if (lab->why_back) {
        lab->why_back--;
    }
    lab->part[lab->page].top = 0;
}

static const struct lab_action why_actions[] = {
    {',', NULL, "exception before", act_why, 0, NULL},
    {'.', NULL, "after", act_why, 1, NULL},
    {0},
};

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

static void put_own_keys(struct view *page, const struct lab_action *own)
{
    for (; own && own->key; own++) {
        char label[8];
        if (own->does) {
            view_put(page, STYLE_TEXT, page->x + strlen(own->does) + 4 > page->columns ? "\n" : "  ");
            view_tab(page, 11);
            view_put(page, STYLE_KEY, lab_key_label(own, label));
            view_printf(page, STYLE_TEXT, " %s", own->does);
        }
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
        put_own_keys(page, lab_pages[n].actions);
        view_put(page, STYLE_TEXT, "\n");
    }
    (void)lab;
}

const struct lab_page lab_pages[] = {
    {'1', "Now", page_now, NULL, NULL},
    {'2', "Segments", NULL, "segments", NULL},
    {'3', "GDT", NULL, "gdt", NULL},
    {'4', "LDT", NULL, "ldt", NULL},
    {'5', "IDT", NULL, "idt", NULL},
    {'6', "TSS", NULL, "tss", NULL},
    {'7', "Paging", NULL, "walk", NULL},
    {'8', "Control", NULL, "control", NULL},
    {'9', "Stacks", NULL, "stacks", NULL},
    {'0', "Interrupts", NULL, "interrupts", NULL},
    {'t', "Timeline", lab_timeline_page, NULL, lab_timeline_actions},
    {'k', "Stops", page_stops, NULL, NULL},
    {'w', "Why", page_why, NULL, why_actions},
    {'o', "Output", page_output, NULL, NULL},
    {'h', "Help", page_help, NULL, NULL},
};

void lab_page_draw(struct lab *lab, struct view *page)
{
    const struct lab_page *p = &lab_pages[lab->page];
    if (p->draw) {
        p->draw(lab, page);
        return;
    }
    const struct inspect_page *inspect = inspect_find(p->inspect);
    if (lab->address_given && inspect->write_at) {
        inspect->write_at(page, lab->machine, lab->address);
    } else {
        inspect->write(page, lab->machine);
    }
}

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
