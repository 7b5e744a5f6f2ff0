/*
 * lab_state.h: what the files of the lab share. Private to them.
 */
#ifndef FRONTEND_LAB_LAB_STATE_H
#define FRONTEND_LAB_LAB_STATE_H

#include "frontend/lab/lab.h"
#include "frontend/lab/timeline.h"
#include "frontend/monitor/line_editor.h"
#include "frontend/monitor/monitor.h"

enum { LAB_PAGES_MAX = 32, LAB_OUTPUT_MAX = 1 << 18 };

/* Who gets letters: keys of the lab; a line of text. */
enum lab_mode { LAB_KEYS, LAB_COMMAND, LAB_ADDRESS };

/* A part of the screen that scrolls. */
struct lab_part {
    unsigned top;        /* the first row that is seen */
    unsigned rows, room; /* that it has; that are seen */
};

struct lab {
    struct machine *machine;
    struct chardev port; /* where the monitor speaks on its own */
    struct monitor *monitor;

    unsigned page;
    struct lab_part part[LAB_PAGES_MAX], panel_part;
    struct lab_panel panel; /* draw NULL: none */
    bool panel_has_keys;
    unsigned follow_row, follow_rows; /* of the panel; rows 0: nothing is asked for */

    enum lab_mode mode;
    struct line_editor editor; /* for commands */
    struct line_editor address_editor;
    u64 address; /* that pages show */
    bool address_given;

    struct timeline_range range; /* of the timeline, if it stays where it is */
    bool range_stays;
    u64 live_units; /* of it otherwise */
    unsigned why_back; /* exceptions before the last one: which is explained */

    struct blob output;   /* of commands */
    size_t output_from;   /* where the last command's begins */
    bool output_fresh;    /* it has not been seen */
    char message[256];
    enum style message_style;

    struct view screen, before;
    bool dirty, drawn_paused;
    u64 drawn_count;
    i64 drawn_at;
};

struct lab_action {
    u32 key;
    const char *label; /* of the key; NULL: the letter */
    const char *does;  /* NULL: it is not shown */
    void (*act)(struct lab *lab, unsigned argument);
    unsigned argument;
    const char *help; /* for the page of help */
};

/* ---- lab_pages.c */

struct lab_page {
    u32 key;
    const char *name;
    void (*draw)(struct lab *lab, struct view *page); /* NULL: inspect.h's page of the name `inspect` */
    const char *inspect;
    const struct lab_action *actions; /* keys of this page alone, ended by one without a key; NULL: none */
};

extern const struct lab_page lab_pages[];
unsigned lab_page_count(void);
void lab_page_draw(struct lab *lab, struct view *page);
/* LAB_PAGES_MAX: there is none. */
unsigned lab_page_find(const char *name);
/* The linear address that pages show. */
u64 lab_address(const struct lab *lab);

/* ---- lab_timeline.c */

void lab_timeline_page(struct lab *lab, struct view *page);
extern const struct lab_action lab_timeline_actions[];

/* ---- lab_keys.c */

extern const struct lab_action lab_actions[];
unsigned lab_action_count(void);
/* Whether the key has a meaning now; others are not shown. */
bool lab_action_shown(const struct lab *lab, const struct lab_action *action);
const char *lab_key_label(const struct lab_action *action, char text[8]);
/* Of the line that is typed now. */
struct line_editor *lab_editor(struct lab *lab);

/* Carries out a line of the monitor's; a short answer is a message, a long one the page of output. */
void lab_execute(struct lab *lab, const char *line);
struct lab_part *lab_active_part(struct lab *lab);

#endif
