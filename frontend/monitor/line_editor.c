/*
 * line_editor.c: see line_editor.h.
 */
#include "frontend/monitor/line_editor.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"

enum {
    CTRL_C = 3,
    CTRL_H = 8,
    CTRL_N = 14,
    CTRL_P = 16,
    CTRL_U = 21,
    CTRL_W = 23,
    ESC = 27,
    DEL = 127
};

static void echo_text(struct blob *echo, const char *text)
{
    blob_put(echo, text, strlen(text));
}

static void erase(struct line_editor *e, unsigned count, struct blob *echo)
{
    for (; count && e->length; count--) {
        e->length--;
        echo_text(echo, "\b \b");
    }
}

static unsigned last_word(const struct line_editor *e)
{
    unsigned at = e->length;
    while (at && e->line[at - 1] == ' ') {
        at--;
    }
    while (at && e->line[at - 1] != ' ') {
        at--;
    }
    return e->length - at;
}

static void add(struct line_editor *e, u8 byte, struct blob *echo)
{
    if (e->length + 1 < EDITOR_LINE) {
        e->line[e->length++] = (char)byte;
        blob_put(echo, &byte, 1);
    }
}

static void recall(struct line_editor *e, int step, struct blob *echo)
{
    if (step < 0 ? !e->history_at : e->history_at >= e->history_count) {
        return;
    }
    e->history_at += (unsigned)step;
    erase(e, e->length, echo);
    const char *text = e->history_at < e->history_count ? e->history[e->history_at] : "";
    for (; *text; text++) {
        add(e, (u8)*text, echo);
    }
}

/* Up and down; other sequences are swallowed whole. */
static void escape_byte(struct line_editor *e, u8 byte, struct blob *echo)
{
    e->escape++;
    if (e->escape == 2) {
        e->escape = byte == '[' || byte == 'O' ? 2 : 0;
    } else if (byte >= 0x40) {
        e->escape = 0;
        recall(e, byte == 'A' ? -1 : byte == 'B' ? 1 : 0, echo);
    }
}

static void control(struct line_editor *e, u8 byte, struct blob *echo)
{
    switch (byte) {
    case CTRL_H:
    case DEL:
        erase(e, 1, echo);
        break;
    case CTRL_W:
        erase(e, last_word(e), echo);
        break;
    case CTRL_U:
    case CTRL_C:
        erase(e, e->length, echo);
        break;
    case CTRL_P:
        recall(e, -1, echo);
        break;
    case CTRL_N:
        recall(e, 1, echo);
        break;
    case ESC:
        e->escape = 1;
        break;
    case '\t':
        add(e, ' ', echo);
        break;
    default:
        break;
    }
}

bool line_editor_byte(struct line_editor *e, u8 byte, struct blob *echo)
{
    bool second_half = e->after_return && byte == '\n';
    e->after_return = byte == '\r';
    if (e->escape) {
        escape_byte(e, byte, echo);
    } else if (byte == '\r' || byte == '\n') {
        e->line[e->length] = 0;
        return !second_half;
    } else if (byte < 0x20 || byte == DEL) {
        control(e, byte, echo);
    } else {
        add(e, byte, echo);
    }
    return false;
}

static void remember(struct line_editor *e)
{
    if (!e->length || (e->history_count && !strcmp(e->history[e->history_count - 1], e->line))) {
        return;
    }
    if (e->history_count == EDITOR_HISTORY) {
        free(e->history[0]);
        memmove(e->history, e->history + 1, (EDITOR_HISTORY - 1) * sizeof *e->history);
        e->history_count--;
    }
    e->history[e->history_count++] = mem_check(strdup(e->line));
}

void line_editor_next(struct line_editor *e)
{
    remember(e);
    e->history_at = e->history_count;
    e->length = 0;
}

void line_editor_free(struct line_editor *e)
{
    for (unsigned i = 0; i < e->history_count; i++) {
        free(e->history[i]);
    }
}
