/*
 * keys.c: see keys.h.
 */
#include "devices/input/keys.h"

#include <stdlib.h>
#include <string.h>

static const struct key_info infos[KEY_COUNT] = {[KEY_NONE] = {.name = ""},
#define X(key, name, set1, set2, set3, usage) [key] = {name, set1, set2, set3, usage},
                                                 KEYS(X)
#undef X
};

static const struct {
    const char *name;
    enum key key;
} aliases[] = {
    {"asterisk", KEY_KP_MULTIPLY},
    {"sysrq", KEY_PRINT},
    {"menu", KEY_COMPOSE},
    {"enter", KEY_RET},
    {"return", KEY_RET},
    {"space", KEY_SPC},
    {"escape", KEY_ESC},
    {"caps", KEY_CAPS_LOCK},
    {"num", KEY_NUM_LOCK},
    {"scroll", KEY_SCROLL_LOCK},
    {"ctrl_l", KEY_CTRL},
    {"shift_l", KEY_SHIFT},
    {"alt_l", KEY_ALT},
    {"altgr", KEY_ALT_R},
    {"page_up", KEY_PGUP},
    {"page_down", KEY_PGDN},
    {"del", KEY_DELETE},
    {"ins", KEY_INSERT},
    {"hiragana", KEY_KATAKANAHIRAGANA},
};

/* The characters of the US layout, each after its key: plain, then shifted. */
static const struct {
    u8 key, plain, shifted;
} layout[] = {
    {KEY_1, '1', '!'},
    {KEY_2, '2', '@'},
    {KEY_3, '3', '#'},
    {KEY_4, '4', '$'},
    {KEY_5, '5', '%'},
    {KEY_6, '6', '^'},
    {KEY_7, '7', '&'},
    {KEY_8, '8', '*'},
    {KEY_9, '9', '('},
    {KEY_0, '0', ')'},
    {KEY_MINUS, '-', '_'},
    {KEY_EQUAL, '=', '+'},
    {KEY_BRACKET_LEFT, '[', '{'},
    {KEY_BRACKET_RIGHT, ']', '}'},
    {KEY_BACKSLASH, '\\', '|'},
    {KEY_SEMICOLON, ';', ':'},
    {KEY_APOSTROPHE, '\'', '"'},
    {KEY_GRAVE_ACCENT, '`', '~'},
    {KEY_COMMA, ',', '<'},
    {KEY_DOT, '.', '>'},
    {KEY_SLASH, '/', '?'},
    {KEY_SPC, ' ', 0},
    {KEY_RET, '\n', 0},
    {KEY_RET, '\r', 0},
    {KEY_TAB, '\t', 0},
    {KEY_ESC, 0x1b, 0},
    {KEY_BACKSPACE, '\b', 0},
    {KEY_BACKSPACE, 0x7f, 0},
};

const struct key_info *key_info(enum key key)
{
    return &infos[(unsigned)key < KEY_COUNT ? key : KEY_NONE];
}

static enum key key_by_number(const char *text)
{
    char *end;
    unsigned long code = strtoul(text, &end, 0);
    if (*end || end == text || code == 0 || code > 0xff) {
        return KEY_NONE;
    }
    u16 set1 = (u16)(code & 0x80 ? 0xe000 | (code & 0x7f) : code);
    for (unsigned k = 1; k < KEY_COUNT; k++) {
        if (infos[k].set1 == set1) {
            return k;
        }
    }
    return KEY_NONE;
}

enum key key_by_name(const char *name)
{
    for (unsigned k = 1; k < KEY_COUNT; k++) {
        if (!strcmp(infos[k].name, name)) {
            return k;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(aliases); i++) {
        if (!strcmp(aliases[i].name, name)) {
            return aliases[i].key;
        }
    }
    return !strncmp(name, "0x", 2) ? key_by_number(name) : KEY_NONE;
}

enum key key_by_usage(unsigned usage)
{
    if (usage == 0x32) { /* Non-US # and ~: the key that sends what backslash sends */
        return KEY_BACKSLASH;
    }
    for (unsigned k = 1; k < KEY_COUNT; k++) {
        if (infos[k].usage == usage) {
            return k;
        }
    }
    return KEY_NONE;
}

/* Edit distance of two names, the longer cut at 31 characters. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[32], la = (unsigned)strnlen(a, 31), lb = (unsigned)strnlen(b, 31);
    for (unsigned j = 0; j <= lb; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= la; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[lb];
}

const char *key_nearest_name(const char *name)
{
    enum key best = 1;
    for (unsigned k = 2; k < KEY_COUNT; k++) {
        if (distance(name, infos[k].name) < distance(name, infos[best].name)) {
            best = k;
        }
    }
    return infos[best].name;
}

static bool letter(u32 c, enum key *key)
{
    if (c < 'a' || c > 'z') {
        return false;
    }
    *key = KEY_A + (c - 'a');
    return true;
}

bool key_by_char(u32 unicode, enum key *key, bool *shift, bool *ctrl)
{
    *shift = *ctrl = false;
    for (unsigned i = 0; unicode && i < ARRAY_LEN(layout); i++) {
        if (unicode == layout[i].plain || unicode == layout[i].shifted) {
            *key = layout[i].key;
            *shift = unicode == layout[i].shifted;
            return true;
        }
    }
    if (unicode >= 'A' && unicode <= 'Z') {
        *shift = true;
        return letter(unicode + ('a' - 'A'), key);
    }
    if (unicode >= 1 && unicode <= 26) {
        *ctrl = true;
        return letter(unicode + ('a' - 1), key);
    }
    return letter(unicode, key);
}
