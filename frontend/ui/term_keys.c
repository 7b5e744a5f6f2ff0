/*
 * term_keys.c: see term_keys.h.
 */
#include "frontend/ui/term_keys.h"

#include <stdio.h>
#include <stdlib.h>

enum { ESC = 0x1b, DEL = 0x7f };

static const struct {
    char letter;
    u8 key;
} letters[] = {
    {'A', KEY_UP},   {'B', KEY_DOWN}, {'C', KEY_RIGHT}, {'D', KEY_LEFT},
    {'E', KEY_KP_5}, {'F', KEY_END},  {'H', KEY_HOME},  {'P', KEY_F1},
    {'Q', KEY_F2},   {'R', KEY_F3},   {'S', KEY_F4},    {'M', KEY_KP_ENTER},
};
static const u8 numbered[] = {
    [1] = KEY_HOME, [2] = KEY_INSERT, [3] = KEY_DELETE, [4] = KEY_END,  [5] = KEY_PGUP,
    [6] = KEY_PGDN, [7] = KEY_HOME,   [8] = KEY_END,    [11] = KEY_F1,  [12] = KEY_F2,
    [13] = KEY_F3,  [14] = KEY_F4,    [15] = KEY_F5,    [17] = KEY_F6,  [18] = KEY_F7,
    [19] = KEY_F8,  [20] = KEY_F9,    [21] = KEY_F10,   [23] = KEY_F11, [24] = KEY_F12,
};

static bool by_letter(char letter, struct keystroke *s)
{
    for (unsigned i = 0; i < ARRAY_LEN(letters); i++) {
        if (letters[i].letter == letter) {
            s->key = letters[i].key;
            return true;
        }
    }
    return false;
}

/* One character as a terminal sends it, without Escape. */
static bool plain(u32 c, struct keystroke *s)
{
    static const u8 control[] = {KEY_BACKSLASH, KEY_BRACKET_RIGHT, KEY_6,
                                 KEY_MINUS}; /* Ctrl with \ ] ^ _ */
    *s = (struct keystroke){0};
    if (c == '\r' || c == '\n') {
        s->key = KEY_RET;
    } else if (c == '\t') {
        s->key = KEY_TAB;
    } else if (c == DEL || c == '\b') {
        s->key = KEY_BACKSPACE;
    } else if (c == ESC) {
        s->key = KEY_ESC;
    } else if (c == 0) {
        s->key = KEY_SPC;
        s->ctrl = true;
    } else if (c >= 0x1c && c < 0x20) {
        s->key = control[c - 0x1c];
        s->ctrl = true;
    } else {
        return key_by_char(c, &s->key, &s->shift, &s->ctrl);
    }
    return true;
}

/* CSI parameters and the final byte: "\e[5~", "\e[1;5A", "\e[Z". */
static bool control_sequence(const char *text, char final, struct keystroke *s)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10),
                  modifiers = *end == ';' ? strtoul(end + 1, NULL, 10) : 1;
    *s = (struct keystroke){0};
    if (final == 'Z') {
        s->key = KEY_TAB;
        s->shift = true;
        return true;
    }
    if (final == '~') {
        s->key = number < ARRAY_LEN(numbered) ? numbered[number] : KEY_NONE;
    } else if (!by_letter(final, s)) {
        return false;
    }
    modifiers = modifiers ? modifiers - 1 : 0;
    s->shift = modifiers & 1;
    s->alt = modifiers & 2;
    s->ctrl = modifiers & 4;
    return s->key;
}

/* pending holds ESC and more. Sets `*whole` when nothing can follow. */
static bool escape(struct term_keys *k, bool *whole, struct keystroke *s)
{
    u8 second = k->pending[1], last = k->pending[k->count - 1];
    *whole = true;
    if (second == 'O' || (second == '[' && k->count >= 3 && k->pending[2] == '[')) {
        bool console = second == '[';
        *whole = k->count == (console ? 4 : 3);
        if (console && *whole) { /* the Linux console's F1 to F5 */
            *s = (struct keystroke){.key = KEY_F1 + (last - 'A')};
            return last >= 'A' && last <= 'E';
        }
        *s = (struct keystroke){0};
        return *whole && by_letter((char)last, s);
    }
    if (second == '[') {
        *whole = k->count > 2 && last >= 0x40;
        char text[sizeof k->pending + 1];
        snprintf(text, sizeof text, "%.*s", (int)k->count - 2, (const char *)k->pending + 2);
        return *whole && control_sequence(text, (char)last, s);
    }
    if (second == ESC) {
        k->count = 1; /* Escape twice: the second may begin a sequence */
        *whole = false;
        *s = (struct keystroke){.key = KEY_ESC};
        return true;
    }
    bool ok = plain(second, s);
    s->alt = true;
    return ok;
}

static unsigned utf8_length(u8 first)
{
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

static u32 utf8_value(const u8 *bytes, unsigned length)
{
    u32 c = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (unsigned i = 1; i < length; i++) {
        c = c << 6 | (bytes[i] & 0x3f);
    }
    return c;
}

bool term_keys_byte(struct term_keys *k, u8 byte, struct keystroke *s)
{
    bool whole = false, ok;
    if (k->count == sizeof k->pending) {
        k->count = 0;
    }
    k->pending[k->count++] = byte;
    if (k->pending[0] == ESC) {
        ok = k->count > 1 && escape(k, &whole, s);
    } else {
        unsigned length = utf8_length(k->pending[0]);
        whole = k->count == length;
        ok = whole && plain(utf8_value(k->pending, length), s);
    }
    if (whole) {
        k->count = 0;
    }
    return ok;
}

/* Escape alone, or Alt with the first letter of what looked like a sequence. */
bool term_keys_flush(struct term_keys *k, struct keystroke *s)
{
    bool ok = k->count && k->pending[0] == ESC;
    if (ok) {
        ok = plain(k->pending[k->count > 1], s);
        s->alt = k->count > 1;
    }
    k->count = 0;
    return ok;
}

void keystroke_name(const struct keystroke *s, char name[64])
{
    snprintf(name, 64, "%s%s%s%s", s->ctrl ? "ctrl-" : "", s->alt ? "alt-" : "",
             s->shift ? "shift-" : "", key_info(s->key)->name);
}
