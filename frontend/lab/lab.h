/*
 * lab.h: the ring lab: a screen of cells on which a person looks at the machine, steers it and goes back in time.
 *
 * From above: where the processor is; the pages there are, each with its key; the page; a line for messages and commands; the other
 * keys. Beside the page, or below it, there may be a panel: a lesson. Displays ask for the screen as large as they have room,
 * some ten times a second, and hand on keys; all of it on the machine's thread.
 */
#ifndef FRONTEND_LAB_LAB_H
#define FRONTEND_LAB_LAB_H

#include "frontend/lab/view.h"
#include "frontend/machine/machine.h"

/* A key is the letter that it types, as Unicode, or one of these. */
enum lab_key {
    LAB_BACKSPACE = '\b',
    LAB_TAB = '\t',
    LAB_ENTER = '\r',
    LAB_ESCAPE = 0x1b,
    LAB_UP = 0x110000, /* behind Unicode */
    LAB_DOWN,
    LAB_LEFT,
    LAB_RIGHT,
    LAB_PGUP,
    LAB_PGDN,
    LAB_HOME,
    LAB_END,
    LAB_DELETE,
    LAB_BACKTAB,
    LAB_F1, /* to F12 */
    LAB_F12 = LAB_F1 + 11
};

/* At least that large a screen is drawn; what has no room is left out. */
enum { LAB_COLUMNS_MIN = 40, LAB_ROWS_MIN = 10 };

struct lab;

/* machine->lab; made when it is first asked for. */
struct lab *lab_open(struct machine *machine);
/* Before machine_dismantle(). NULL is allowed. */
void lab_destroy(struct lab *lab);

/* ---- for displays */

void lab_key(struct lab *lab, u32 key);
/* The screen as it should be now. It stays the lab's, until the next call. *changed: it is not as it was at the last call. */
const struct view *lab_screen(struct lab *lab, unsigned columns, unsigned rows, bool *changed);

/* ---- for others */

/* Something has changed that pages show: draw again soon. */
void lab_touch(struct lab *lab);
/* Turns to the page of that name: its word in the line of pages, whatever the case. False: there is none. */
bool lab_show(struct lab *lab, const char *page);
/* A line for the person, until the next key. */
void lab_say(struct lab *lab, const char *format, ...) PRINTF_LIKE(2, 3);

/* What stands beside the pages. Tab moves the keys between panel and page. */
struct lab_panel {
    const char *title;
    /* Writes the panel, as wide as `page` was made: 40 columns and more. */
    void (*draw)(void *opaque, struct view *page);
    /* A key comes while the panel has them. False: it has no use for it, and it does what it does in the lab: arrows and so on
     * scroll the panel. May be NULL. */
    bool (*key)(void *opaque, u32 key);
    void *opaque;
};

/* NULL: none. It gets the keys; what it points to must stay. */
void lab_set_panel(struct lab *lab, const struct lab_panel *panel);
/* Scrolls the panel so that these rows are seen. */
void lab_panel_follow(struct lab *lab, unsigned row, unsigned rows);

#endif
