/*
 * term_keys.h: what a terminal sends for keys, as keystrokes of a PC keyboard.
 *
 * Knows ECMA-48 control sequences as xterm and the Linux console use them. A terminal tells no
 * releases, and its Escape is the beginning of longer sequences: whoever feeds bytes calls
 * term_keys_flush() when none came for a while.
 */
#ifndef FRONTEND_UI_TERM_KEYS_H
#define FRONTEND_UI_TERM_KEYS_H

#include "devices/input/keys.h"

struct keystroke {
    enum key key;
    bool shift, ctrl, alt;
};

struct term_keys {
    u8 pending[16];
    unsigned count;
};

/* True: `stroke` is a whole keystroke. */
bool term_keys_byte(struct term_keys *keys, u8 byte, struct keystroke *stroke);
/* No more bytes follow for now: what waits stands for itself. */
bool term_keys_flush(struct term_keys *keys, struct keystroke *stroke);
static inline bool term_keys_pending(const struct term_keys *keys)
{
    return keys->count;
}
/* "ctrl-alt-x", as input_chord() takes it. */
void keystroke_name(const struct keystroke *stroke, char name[64]);

#endif
