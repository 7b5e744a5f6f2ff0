/*
 * input.c: see input.h. Typed text and chords are a queue of key movements that a timer works off:
 * the next one goes out when its pause is over and the guest has taken the last.
 */
#include "frontend/machine/input.h"

#include <string.h>

#include "cpu/base/mem.h"
#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"

enum { QUEUE_SIZE = 1 << 16, CHORD_KEYS = 8, STEP_MS = 5, RETRY_MS = 5, NS_PER_MS = 1000000 };

struct movement {
    u16 key; /* enum key */
    bool down;
    u16 pause_ms; /* after it */
};

struct input {
    struct clock *clock;
    struct ps2kbd *keyboard;
    struct ps2mouse *mouse;
    struct timer timer;
    struct movement *queue; /* a ring */
    unsigned head, count;
};

static void next_movement(void *opaque)
{
    struct input *in = opaque;
    unsigned pause_ms = RETRY_MS;
    if (!in->count) {
        return;
    }
    if (ps2kbd_idle(in->keyboard)) {
        struct movement *move = &in->queue[in->head];
        in->head = (in->head + 1) % QUEUE_SIZE;
        in->count--;
        ps2kbd_key(in->keyboard, (enum key)move->key, move->down);
        pause_ms = move->pause_ms;
    }
    timer_set(&in->timer, clock_now(in->clock) + (i64)pause_ms * NS_PER_MS);
}

static bool put(struct input *in, enum key key, bool down, unsigned pause_ms)
{
    if (in->count == QUEUE_SIZE) {
        return false;
    }
    in->queue[(in->head + in->count++) % QUEUE_SIZE] =
        (struct movement){(u16)key, down, (u16)pause_ms};
    if (!timer_armed(&in->timer)) {
        timer_set(&in->timer, clock_now(in->clock));
    }
    return true;
}

struct input *input_create(struct clock *clock, struct ps2kbd *keyboard, struct ps2mouse *mouse)
{
    struct input *in = mem_zeroed(1, sizeof *in);
    in->clock = clock;
    in->keyboard = keyboard;
    in->mouse = mouse;
    in->queue = mem_zeroed(QUEUE_SIZE, sizeof *in->queue);
    timer_init(&in->timer, clock, next_movement, in);
    return in;
}

void input_destroy(struct input *in)
{
    if (in) {
        timer_cancel(&in->timer);
        free(in->queue);
        free(in);
    }
}

void input_reset(struct input *in)
{
    in->count = 0;
    timer_cancel(&in->timer);
}

void input_key(struct input *in, enum key key, bool down)
{
    ps2kbd_key(in->keyboard, key, down);
}

void input_release_all(struct input *in)
{
    ps2kbd_release_all(in->keyboard);
}

void input_mouse(struct input *in, int dx, int dy, int dz, unsigned buttons)
{
    ps2mouse_motion(in->mouse, dx, dy, dz, buttons);
}

bool input_busy(const struct input *in)
{
    return in->count;
}

/* The next character, or 0 at the end; broken sequences give U+FFFD, which no keyboard has. */
static u32 next_char(const char **text)
{
    const u8 *p = (const u8 *)*text;
    u32 c = *p;
    unsigned tail = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c) {
        p++;
    }
    if (tail && (c < 0xc2 || c > 0xf4)) {
        c = 0xfffd;
        tail = 0;
    } else if (tail) {
        c &= 0x3fu >> tail;
    }
    for (; tail; tail--, p++) {
        if ((*p & 0xc0) != 0x80) {
            c = 0xfffd;
            break;
        }
        c = c << 6 | (*p & 0x3f);
    }
    *text = (const char *)p;
    return c;
}

static bool type_char(struct input *in, u32 c)
{
    enum key key;
    bool shift, ctrl;
    if (!key_by_char(c, &key, &shift, &ctrl)) {
        return true;
    }
    if (in->count + 6 > QUEUE_SIZE) {
        return false;
    }
    enum key modifier = shift ? KEY_SHIFT : ctrl ? KEY_CTRL : KEY_NONE;
    if (modifier) {
        put(in, modifier, true, STEP_MS);
    }
    put(in, key, true, STEP_MS);
    put(in, key, false, STEP_MS);
    if (modifier) {
        put(in, modifier, false, STEP_MS);
    }
    return true;
}

bool input_type(struct input *in, const char *utf8)
{
    u32 c;
    bool ok = true;
    while (ok && (c = next_char(&utf8))) {
        ok = type_char(in, c);
    }
    return ok;
}

static bool parse_chord(const char *names, enum key keys[CHORD_KEYS], unsigned *count,
                        struct error *err)
{
    char word[32];
    *count = 0;
    while (*names) {
        /* A lone "-" between separators is the minus key. */
        size_t length = strcspn(names + 1, "-+") + 1;
        if (length >= sizeof word || *count == CHORD_KEYS) {
            return error_set(err, "%.40s: not the names of up to %d keys", names, CHORD_KEYS);
        }
        memcpy(word, names, length);
        word[length] = 0;
        enum key key = key_by_name(word);
        if (!key) {
            return error_set(err, "there is no key %s; did you mean %s?", word,
                             key_nearest_name(word));
        }
        keys[(*count)++] = key;
        names += length;
        names += *names ? 1 : 0;
    }
    return *count ? true : error_set(err, "no key is named");
}

bool input_chord(struct input *in, const char *names, unsigned hold_ms, struct error *err)
{
    enum key keys[CHORD_KEYS];
    unsigned count;
    if (!parse_chord(names, keys, &count, err)) {
        return false;
    }
    if (in->count + 2 * count > QUEUE_SIZE) {
        return error_set(err, "too many keys wait to be typed");
    }
    hold_ms = hold_ms < 60000 ? hold_ms : 60000;
    for (unsigned i = 0; i < count; i++) {
        put(in, keys[i], true, i + 1 < count ? STEP_MS : hold_ms);
    }
    for (unsigned i = count; i-- > 0;) {
        put(in, keys[i], false, STEP_MS);
    }
    return true;
}
