/*
 * lab.c: see lab.h. The screen is composed anew each time, and compared with what it was.
 */
#include "frontend/lab/lab_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/lab/crossings.h"
#include "frontend/lab/explain.h"
#include "frontend/lab/stops.h"
#include "frontend/monitor/registers.h"

enum { RUNNING_MS = 100, PAUSED_MS = 500, BESIDE_COLUMNS = 132, PAGE_COLUMNS = 80, PANEL_MAX = 72, STACKED_ROWS = 20,
       RULED_ROWS = 24 };

/* ---- life */

/* What commands say before they have ended. */
static size_t port_write(struct chardev *c, const u8 *data, size_t size)
{
    struct lab *lab = container_of(c, struct lab, port);
    if (lab->output.size + size <= LAB_OUTPUT_MAX) {
        blob_put(&lab->output, data, size);
    }
    return size;
}

static bool port_writable(struct chardev *c)
{
    (void)c;
    return true;
}

static void port_nothing(struct chardev *c)
{
    (void)c;
}

static const struct chardev_ops port_ops = {
    .write = port_write, .writable = port_writable, .accept = port_nothing, .destroy = port_nothing};

struct lab *lab_open(struct machine *machine)
{
    if (!machine->lab) {
        struct lab *lab = mem_zeroed(1, sizeof *lab);
        lab->machine = machine;
        lab->port.ops = &port_ops;
        lab->monitor = monitor_create(machine, &lab->port);
        lab->output.size = 0; /* its greeting */
        lab->dirty = true;
        machine->lab = lab;
        if (!machine->crossings) {
            crossings_start(machine, 0);
        }
        explain_start(machine);
    }
    return machine->lab;
}

void lab_destroy(struct lab *lab)
{
    if (lab) {
        lab->machine->lab = NULL;
        monitor_destroy(lab->monitor);
        line_editor_free(&lab->editor);
        line_editor_free(&lab->address_editor);
        blob_free(&lab->output);
        view_free(&lab->screen);
        view_free(&lab->before);
        free(lab);
    }
}

/* ---- for others */

void lab_touch(struct lab *lab)
{
    lab->dirty = true;
}

bool lab_show(struct lab *lab, const char *page)
{
    unsigned n = lab_page_find(page);
    if (n == LAB_PAGES_MAX) {
        return false;
    }
    lab->page = n;
    lab_touch(lab);
    return true;
}

void lab_say(struct lab *lab, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(lab->message, sizeof lab->message, format, args);
    va_end(args);
    lab->message_style = STYLE_NOTE;
    lab_touch(lab);
}

void lab_set_panel(struct lab *lab, const struct lab_panel *panel)
{
    lab->panel = panel ? *panel : (struct lab_panel){0};
    lab->panel_has_keys = panel != NULL;
    lab->panel_part = (struct lab_part){0};
    lab_touch(lab);
}

void lab_panel_follow(struct lab *lab, unsigned row, unsigned rows)
{
    lab->follow_row = row;
    lab->follow_rows = rows;
    lab_touch(lab);
}

/* ---- lines of the screen */

/* One that begins at x, y, and has that room. */
struct area {
    unsigned x, y, columns, rows;
};

static void title_line(struct lab *lab, struct view *screen)
{
    const struct machine *m = lab->machine;
    const struct cpu *cpu = m->cpu;
    unsigned ring = cpu->cpl & 3;
    enum style style = cpu->in_smm ? STYLE_SMM : (enum style)(STYLE_RING0 + ring);
    u32 pattern = m->cpu_idle && !m->paused ? RUNE_IDLE : cpu->in_smm ? RUNE_SMM : RUNE_RING0 + ring;
    view_rune(screen, style, pattern);
    view_rune(screen, style, pattern);
    view_printf(screen, style, cpu->in_smm ? " SMM " : " ring %u ", ring);
    view_printf(screen, STYLE_TEXT, " %s", registers_mode(cpu));
    view_printf(screen, STYLE_TEXT, "  %04x:%08" PRIx64, cpu->seg[SEG_CS].selector, cpu->ip);
    view_put(screen, m->paused ? STYLE_NOTE : STYLE_GOOD, m->paused ? "  PAUSED" : m->cpu_idle ? "  idle" : "  running");
    if (cpu->counted) {
        char count[TIMELINE_NUMBER];
        view_printf(screen, STYLE_DIM, "  after %s instructions", timeline_number(cpu_icount(m->cpu), count));
    }
}

/* Goes on in the next line when there is no room for an item of that width. */
static void next_item(struct view *screen, unsigned width)
{
    if (screen->x && screen->x + width > screen->columns) {
        view_put(screen, STYLE_TEXT, "\n");
    }
}

static unsigned text_cells(const char *text)
{
    unsigned cells = 0;
    for (u32 rune; (rune = rune_next(&text));) {
        cells += rune_cells(rune);
    }
    return cells;
}

static void page_items(struct lab *lab, struct view *screen)
{
    for (unsigned n = 0; n < lab_page_count(); n++) {
        const struct lab_page *p = &lab_pages[n];
        unsigned on = n == lab->page ? STYLE_SELECTED : 0;
        next_item(screen, text_cells(p->name) + 3);
        view_rune(screen, STYLE_TEXT | on, on ? '[' : ' ');
        view_rune(screen, STYLE_KEY | on, p->key);
        view_rune(screen, STYLE_TEXT | on, ' ');
        view_put(screen, (on ? STYLE_STRONG : STYLE_TEXT) | on, p->name);
        view_rune(screen, STYLE_TEXT | on, on ? ']' : ' ');
    }
    view_put(screen, STYLE_TEXT, "\n");
}

static void key_item(struct view *screen, const struct lab_action *a)
{
    char text[8];
    const char *label = lab_key_label(a, text);
    next_item(screen, text_cells(label) + text_cells(a->does) + 2);
    view_put(screen, STYLE_KEY, label);
    view_printf(screen, STYLE_TEXT, " %s  ", a->does);
}

/* The page's own keys first. */
static void key_items(struct lab *lab, struct view *screen)
{
    const struct lab_action *own = lab_pages[lab->page].actions;
    for (; own && own->key; own++) {
        if (own->does) {
            key_item(screen, own);
        }
    }
    if (screen->x) {
        view_put(screen, STYLE_TEXT, "\n");
    }
    for (unsigned n = 0; n < lab_action_count(); n++) {
        if (lab_action_shown(lab, &lab_actions[n])) {
            key_item(screen, &lab_actions[n]);
        }
    }
}

static void line_keys(struct view *screen)
{
    static const char *const keys[][2] = {
        {"Enter", "do it"}, {"Esc", "leave it"}, {"\xe2\x86\x91\xe2\x86\x93", "lines typed before"}};
    for (unsigned n = 0; n < ARRAY_LEN(keys); n++) {
        view_put(screen, STYLE_KEY, keys[n][0]);
        view_printf(screen, STYLE_TEXT, " %s  ", keys[n][1]);
    }
}

/* Across the screen, from x on. */
static void rule(struct view *screen)
{
    while (screen->x < screen->columns) {
        view_rune(screen, STYLE_FRAME, 0x2500);
    }
}

/* What was said, or else why the machine is paused. */
static void put_message(struct lab *lab, struct view *screen)
{
    char reason[sizeof lab->message] = "";
    const char *text = lab->message;
    if (!text[0] && lab->machine->paused && stops_reason(lab->machine)->why != WHY_NONE) {
        stops_print_reason(lab->machine, reason, sizeof reason);
        text = reason;
    }
    if (text[0]) {
        view_wrap(screen, text == reason ? STYLE_NOTE : lab->message_style, 0, text);
        view_put(screen, STYLE_TEXT, " ");
    }
}

/* What is typed, or was said: a line, or more if it is long. */
static void draw_message(struct lab *lab, struct view *page)
{
    if (lab->mode == LAB_KEYS) {
        rule(page);
        view_at(page, 0, 0);
        put_message(lab, page);
        return;
    }
    const struct line_editor *e = lab_editor(lab);
    char line[EDITOR_LINE];
    snprintf(line, sizeof line, "%.*s", (int)e->length, e->line);
    view_put(page, STYLE_KEY, lab->mode == LAB_ADDRESS ? "address: " : ": ");
    unsigned room = page->columns - page->x - 1;
    view_put(page, STYLE_STRONG, line + (e->length > room ? e->length - room : 0));
    view_rune(page, STYLE_TEXT | STYLE_SELECTED, ' ');
}

/* At the end of the message's last line: which part of the page is seen. */
static void put_place(struct lab *lab, struct view *message)
{
    const struct lab_part *p = lab_active_part(lab);
    char place[48];
    snprintf(place, sizeof place, " lines %u to %u of %u", p->top + 1, p->top + p->room, p->rows);
    unsigned length = (unsigned)strlen(place);
    if (p->rows > p->room && message->x + length + 2 <= message->columns) {
        view_at(message, message->columns - length, message->y);
        view_put(message, STYLE_DIM, place);
    }
}

/* ---- pages and panel */

static void place_part(struct view *screen, const struct area *a, const struct view *page, struct lab_part *part)
{
    part->rows = page->rows;
    part->room = a->rows;
    unsigned last = part->rows > part->room ? part->rows - part->room : 0;
    part->top = part->top < last ? part->top : last;
    view_copy(screen, a->x, a->y, page, part->top, a->rows, a->columns);
}

static void draw_page(struct lab *lab, struct view *screen, const struct area *a)
{
    struct view page;
    if (a->rows) {
        view_init(&page, a->columns);
        lab_page_draw(lab, &page);
        place_part(screen, a, &page, &lab->part[lab->page]);
        view_free(&page);
    }
}

static void heading(struct view *screen, const struct area *a, const char *text, bool active)
{
    view_at(screen, a->x, a->y);
    view_put(screen, STYLE_FRAME, active ? "\xe2\x94\x81\xe2\x94\x81 " : "\xe2\x94\x80\xe2\x94\x80 ");
    view_put(screen, active ? STYLE_TITLE : STYLE_DIM, text);
    view_put(screen, STYLE_FRAME, " ");
    while (screen->x < a->x + a->columns && screen->x < screen->columns) {
        view_rune(screen, STYLE_FRAME, active ? 0x2501 : 0x2500);
    }
}

static void follow(struct lab *lab, unsigned room)
{
    struct lab_part *p = &lab->panel_part;
    if (lab->follow_rows) {
        if (lab->follow_row < p->top || lab->follow_rows >= room) {
            p->top = lab->follow_row;
        } else if (lab->follow_row + lab->follow_rows > p->top + room) {
            p->top = lab->follow_row + lab->follow_rows - room;
        }
        lab->follow_rows = 0;
    }
}

static void draw_panel(struct lab *lab, struct view *screen, const struct area *a)
{
    struct view page;
    if (a->rows < 2) {
        return;
    }
    struct area rest = {a->x, a->y + 1, a->columns, a->rows - 1};
    view_init(&page, a->columns);
    lab->panel.draw(lab->panel.opaque, &page);
    follow(lab, rest.rows);
    place_part(screen, &rest, &page, &lab->panel_part);
    view_free(&page);
    heading(screen, a, lab->panel.title, lab->panel_has_keys);
}

static void draw_titled_page(struct lab *lab, struct view *screen, const struct area *a)
{
    struct area rest = {a->x, a->y + 1, a->columns, a->rows ? a->rows - 1 : 0};
    draw_page(lab, screen, &rest);
    heading(screen, a, lab_pages[lab->page].name, !lab->panel_has_keys);
}

/* Beside each other where that leaves a page its columns, else one above the other, else the one that has the keys. */
static void draw_both(struct lab *lab, struct view *screen, struct area a)
{
    struct area page = a, panel = a;
    if (a.columns >= BESIDE_COLUMNS) {
        panel.columns = a.columns - PAGE_COLUMNS - 2;
        panel.columns = panel.columns < PANEL_MAX ? panel.columns : PANEL_MAX;
        page.x += panel.columns + 2;
        page.columns -= panel.columns + 2;
    } else if (a.rows >= STACKED_ROWS) {
        panel.rows = a.rows / 2;
        page.y += panel.rows;
        page.rows -= panel.rows;
    } else if (lab->panel_has_keys) {
        page.rows = 0;
    } else {
        panel.rows = 0;
    }
    draw_panel(lab, screen, &panel);
    if (page.rows) {
        draw_titled_page(lab, screen, &page);
    }
}

/* ---- the screen */

/* Rows that the keys take, at the screen's end. */
static void draw_keys(struct lab *lab, struct view *keys)
{
    if (lab->mode == LAB_KEYS) {
        key_items(lab, keys);
    } else {
        line_keys(keys);
    }
}

static void compose(struct lab *lab, struct view *screen, unsigned columns, unsigned rows)
{
    struct view keys, message;
    view_init(&keys, columns);
    view_init(&message, columns);
    draw_keys(lab, &keys);
    draw_message(lab, &message);
    view_clear(screen, columns);
    view_at(screen, 0, rows - 1);
    view_put(screen, STYLE_TEXT, " "); /* all rows are there */
    view_at(screen, 0, 0);
    title_line(lab, screen);
    view_put(screen, STYLE_TEXT, "\n");
    page_items(lab, screen);
    if (rows >= RULED_ROWS && !lab->panel.draw) {
        rule(screen);
        view_put(screen, STYLE_TEXT, "\n");
    }
    unsigned used = screen->y + message.rows + keys.rows;
    struct area body = {0, screen->y, columns, rows > used ? rows - used : 0};
    if (lab->panel.draw) {
        draw_both(lab, screen, body);
    } else {
        draw_page(lab, screen, &body);
    }
    put_place(lab, &message);
    view_copy(screen, 0, body.y + body.rows, &message, 0, message.rows, columns);
    view_copy(screen, 0, body.y + body.rows + message.rows, &keys, 0, keys.rows, columns);
    screen->rows = rows;
    view_free(&keys);
    view_free(&message);
}

static bool due(struct lab *lab, unsigned columns, unsigned rows)
{
    const struct machine *m = lab->machine;
    i64 since = host_now() - lab->drawn_at;
    u64 count = cpu_icount(m->cpu);
    bool moved = m->paused && (!lab->drawn_paused || count != lab->drawn_count);
    return lab->dirty || moved || columns != lab->screen.columns || rows != lab->screen.rows ||
           since >= (m->paused ? PAUSED_MS : RUNNING_MS) * (i64)(NS_PER_SECOND / 1000);
}

static bool same(const struct view *a, const struct view *b)
{
    if (a->columns != b->columns || a->rows != b->rows) {
        return false;
    }
    for (size_t n = 0; n < (size_t)a->columns * a->rows; n++) {
        if (a->cells[n].rune != b->cells[n].rune || a->cells[n].style != b->cells[n].style) {
            return false;
        }
    }
    return true;
}

const struct view *lab_screen(struct lab *lab, unsigned columns, unsigned rows, bool *changed)
{
    columns = columns < LAB_COLUMNS_MIN ? LAB_COLUMNS_MIN : columns < VIEW_COLUMNS_MAX ? columns : VIEW_COLUMNS_MAX;
    rows = rows < LAB_ROWS_MIN ? LAB_ROWS_MIN : rows < VIEW_COLUMNS_MAX ? rows : VIEW_COLUMNS_MAX;
    *changed = false;
    if (!due(lab, columns, rows)) {
        return &lab->screen;
    }
    struct view last = lab->screen;
    lab->screen = lab->before;
    lab->before = last;
    lab->dirty = false;
    lab->drawn_paused = lab->machine->paused;
    lab->drawn_count = cpu_icount(lab->machine->cpu);
    compose(lab, &lab->screen, columns, rows);
    lab->drawn_at = host_now();
    *changed = !same(&lab->screen, &lab->before);
    return &lab->screen;
}
