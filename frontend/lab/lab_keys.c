/*
 * lab_keys.c: what the lab's keys do.
 */
#include "frontend/lab/lab_state.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/lab/inspect.h"
#include "frontend/lab/stops.h"

/* ---- lines of text */

struct line_editor *lab_editor(struct lab *lab)
{
    return lab->mode == LAB_ADDRESS ? &lab->address_editor : &lab->editor;
}

static unsigned lines_in(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void keep_output(struct lab *lab, const char *line, const char *text)
{
    struct blob *o = &lab->output;
    size_t length = strlen(text);
    if (o->size + strlen(line) + length + 8 > LAB_OUTPUT_MAX) {
        o->size = 0;
    }
    lab->output_from = o->size;
    blob_put(o, "> ", 2);
    blob_put(o, line, strlen(line));
    blob_put(o, "\n", 1);
    blob_put(o, text, length < LAB_OUTPUT_MAX ? length : LAB_OUTPUT_MAX);
    lab->output_fresh = true;
}

void lab_execute(struct lab *lab, const char *line)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return;
    }
    monitor_execute(lab->monitor, line, out);
    fclose(out);
    keep_output(lab, line, text);
    if (lines_in(text) > 1) {
        lab_show(lab, "Output");
    } else {
        text[strcspn(text, "\n")] = 0;
        lab_say(lab, "%s", size ? text : "done");
        lab->message_style = !strncmp(text, "Error", 5) ? STYLE_BAD : STYLE_NOTE;
    }
    free(text);
    lab_touch(lab);
}

static void take_address(struct lab *lab, const char *text)
{
    struct error err;
    lab->address_given = text[0];
    if (!text[0]) {
        lab_say(lab, "the address is that of the next instruction");
    } else if (!inspect_number(lab->machine, text, &lab->address, &err)) {
        lab->address_given = false;
        lab_say(lab, "%s", err.text);
        lab->message_style = STYLE_BAD;
    }
}

static void take_line(struct lab *lab)
{
    enum lab_mode mode = lab->mode;
    struct line_editor *e = lab_editor(lab);
    char line[EDITOR_LINE];
    snprintf(line, sizeof line, "%s", e->line);
    line_editor_next(e);
    lab->mode = LAB_KEYS;
    if (mode == LAB_ADDRESS) {
        take_address(lab, line);
    } else if (line[strspn(line, " ")]) {
        lab_execute(lab, line);
    }
}

/* As a terminal sends it. */
static void line_key(struct lab *lab, u32 key)
{
    struct blob echo = {0};
    struct line_editor *e = lab_editor(lab);
    char bytes[8] = "";
    if (key == LAB_ESCAPE || (key == LAB_BACKSPACE && !e->length)) {
        e->length = 0;
        lab->mode = LAB_KEYS;
        return;
    }
    if (key == LAB_UP || key == LAB_DOWN) {
        snprintf(bytes, sizeof bytes, "\033[%c", key == LAB_UP ? 'A' : 'B');
    } else if (key < LAB_UP) {
        rune_write(key, bytes);
    }
    bool whole = false;
    for (const char *b = bytes; *b && !whole; b++) {
        whole = line_editor_byte(e, (u8)*b, &echo);
    }
    blob_free(&echo);
    if (whole) {
        take_line(lab);
    }
}

/* ---- keys */

static void act_run(struct lab *lab, unsigned argument)
{
    (void)argument;
    if (lab->machine->paused) {
        machine_continue(lab->machine);
    } else {
        machine_pause(lab->machine);
    }
}

static void act_step(struct lab *lab, unsigned argument)
{
    (void)argument;
    stops_step(lab->machine);
}

static void act_step_over(struct lab *lab, unsigned argument)
{
    (void)argument;
    stops_step_over(lab->machine);
}

static void act_finish(struct lab *lab, unsigned argument)
{
    (void)argument;
    stops_finish(lab->machine);
}

static void act_until(struct lab *lab, unsigned kind)
{
    struct error err;
    if (!stops_until(lab->machine, kind, &err)) {
        lab_say(lab, "%s", err.text);
    }
}

static void act_back(struct lab *lab, unsigned argument)
{
    (void)argument;
    lab_execute(lab, "reverse-step");
}

static void act_line(struct lab *lab, unsigned mode)
{
    lab->mode = mode;
    lab_editor(lab)->length = 0;
}

static void act_panel(struct lab *lab, unsigned argument)
{
    (void)argument;
    lab->panel_has_keys = !lab->panel_has_keys;
}

static void act_page(struct lab *lab, unsigned forward)
{
    lab->page = (lab->page + (forward ? 1 : lab_page_count() - 1)) % lab_page_count();
}

enum { TO_TOP, TO_END, LINE_UP, LINE_DOWN, SCREEN_UP, SCREEN_DOWN };

struct lab_part *lab_active_part(struct lab *lab)
{
    return lab->panel.draw && lab->panel_has_keys ? &lab->panel_part : &lab->part[lab->page];
}

static void act_scroll(struct lab *lab, unsigned how)
{
    struct lab_part *p = lab_active_part(lab);
    unsigned last = p->rows > p->room ? p->rows - p->room : 0, screen = p->room > 2 ? p->room - 1 : 1;
    unsigned step = how == LINE_UP || how == LINE_DOWN ? 1 : screen;
    if (how == TO_TOP || ((how == LINE_UP || how == SCREEN_UP) && p->top < step)) {
        p->top = 0;
    } else if (how == TO_END || ((how == LINE_DOWN || how == SCREEN_DOWN) && p->top + step > last)) {
        p->top = last;
    } else {
        p->top = how == LINE_DOWN || how == SCREEN_DOWN ? p->top + step : p->top - step;
    }
}

/* Shown are those that say what they do. */
const struct lab_action lab_actions[] = {
    {' ', "Space", "run/pause", act_run, 0, "let the machine run, or pause it"},
    {'s', NULL, "step", act_step, 0, "execute one instruction, or the delivery of one interrupt"},
    {'n', NULL, "over", act_step_over, 0, "step, but over a call or INT n as a whole"},
    {'f', NULL, "finish", act_finish, 0, "run until the present function returns"},
    {'b', NULL, "back", act_back, 0, "go back by one instruction (with -checkpoints on)"},
    {'r', NULL, "to ring change", act_until, STOP_RING, "run until the ring changes"},
    {'u', NULL, "to ring 3", act_until, STOP_TO_RING3, "run until ring 3 is entered"},
    {'y', NULL, "to system call", act_until, STOP_SYSCALL, "run until SYSCALL, SYSENTER or INT n"},
    {'i', NULL, "to interrupt", act_until, STOP_INTERRUPT, "run until an interrupt is delivered"},
    {'e', NULL, "to exception", act_until, STOP_EXCEPTION, "run until an exception"},
    {':', NULL, "command", act_line, LAB_COMMAND,
     "type a command of the monitor: help lists them; whatif $eax=5 shows what would happen then"},
    {'a', NULL, "address", act_line, LAB_ADDRESS,
     "the address that pages show: a number, $esp or a symbol; nothing: the next instruction"},
    {LAB_TAB, "Tab", "panel/page", act_panel, 0, "give the keys to the panel, or to the page"},
    {LAB_LEFT, "\xe2\x86\x90\xe2\x86\x92", "page", act_page, 0, "the page before, the page after"},
    {LAB_RIGHT, NULL, NULL, act_page, 1, NULL},
    {LAB_UP, "\xe2\x86\x91\xe2\x86\x93", "scroll", act_scroll, LINE_UP, "by a line; PgUp and PgDn by a screen, Home and End"},
    {LAB_DOWN, NULL, NULL, act_scroll, LINE_DOWN, NULL},
    {LAB_PGUP, NULL, NULL, act_scroll, SCREEN_UP, NULL},
    {LAB_PGDN, NULL, NULL, act_scroll, SCREEN_DOWN, NULL},
    {LAB_HOME, NULL, NULL, act_scroll, TO_TOP, NULL},
    {LAB_END, NULL, NULL, act_scroll, TO_END, NULL},
};

unsigned lab_action_count(void)
{
    return ARRAY_LEN(lab_actions);
}

bool lab_action_shown(const struct lab *lab, const struct lab_action *a)
{
    return a->does && (a->key != LAB_TAB || lab->panel.draw);
}

const char *lab_key_label(const struct lab_action *a, char text[8])
{
    if (a->label) {
        return a->label;
    }
    rune_write(a->key, text);
    return text;
}

static void plain_key(struct lab *lab, u32 key)
{
    for (const struct lab_action *own = lab_pages[lab->page].actions; own && own->key; own++) {
        if (own->key == key) {
            own->act(lab, own->argument);
            return;
        }
    }
    for (unsigned n = 0; n < ARRAY_LEN(lab_actions); n++) {
        if (lab_actions[n].key == key) {
            lab_actions[n].act(lab, lab_actions[n].argument);
            return;
        }
    }
    for (unsigned n = 0; n < lab_page_count(); n++) {
        if (lab_pages[n].key == key) {
            lab->page = n;
        }
    }
}

void lab_key(struct lab *lab, u32 key)
{
    lab->message[0] = 0;
    lab_touch(lab);
    if (lab->mode != LAB_KEYS) {
        line_key(lab, key);
    } else if (key == LAB_TAB || !lab->panel.draw || !lab->panel_has_keys || !lab->panel.key ||
               !lab->panel.key(lab->panel.opaque, key)) {
        plain_key(lab, key);
    }
}
