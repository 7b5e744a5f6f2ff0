/*
 * line_editor.h: typing a line on a terminal: backspace, Ctrl-U, Ctrl-W, a history with the arrow
 * keys.
 */
#ifndef FRONTEND_MONITOR_LINE_EDITOR_H
#define FRONTEND_MONITOR_LINE_EDITOR_H

#include "cpu/base/fields.h"
#include "cpu/base/types.h"

enum { EDITOR_LINE = 1024, EDITOR_HISTORY = 32 };

struct line_editor {
    char line[EDITOR_LINE];
    unsigned length;
    char *history[EDITOR_HISTORY]; /* the latest last */
    unsigned history_count, history_at;
    unsigned escape;   /* bytes of a control sequence so far */
    bool after_return; /* a line feed now belongs to the carriage return before it */
};

/* Takes a byte; what the terminal is to show is appended to `echo`. True: `line` is whole; call
 * line_editor_next() after it. */
bool line_editor_byte(struct line_editor *editor, u8 byte, struct blob *echo);
/* Remembers the line and begins a new one. */
void line_editor_next(struct line_editor *editor);
void line_editor_free(struct line_editor *editor);

#endif
