/*
 * input.c: see input.h. Typed text and chords are a queue of key movements that a timer works off:
 * the next one goes out when its pause is over and the guest has taken the last.
 */
#include "frontend/machine/input.h"

#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"
#include "frontend/machine/outside.h"

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
    struct machine *machine;
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

struct input *input_create(struct clock *clock, struct ps2kbd *keyboard, struct ps2mouse *mouse, struct machine *machine)
{
    struct input *in = mem_zeroed(1, sizeof *in);
    in->clock = clock;
    in->keyboard = keyboard;
    in->mouse = mouse;
    in->machine = machine;
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

/* ---- events: little-endian words */

static bool send(struct input *in, enum outside_kind kind, const void *data, size_t size)
{
    struct outside_event e = {.kind = kind, .size = size, .data = data};
    return in->machine ? outside_pass(in->machine, &e) && outside_apply(in->machine, &e) : input_apply(in, &e);
}

void input_key(struct input *in, enum key key, bool down)
{
    u8 data[3];
    store16(data, (u16)key);
    data[2] = down;
    send(in, OUTSIDE_KEY, data, sizeof data);
}

void input_release_all(struct input *in)
{
    send(in, OUTSIDE_RELEASE_ALL, NULL, 0);
}

void input_mouse(struct input *in, int dx, int dy, int dz, unsigned buttons)
{
    u8 data[16];
    store32(data, (u32)dx);
    store32(data + 4, (u32)dy);
    store32(data + 8, (u32)dz);
    store32(data + 12, buttons);
    send(in, OUTSIDE_MOUSE, data, sizeof data);
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

static bool type(struct input *in, const char *utf8)
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

static bool press(struct input *in, const char *names, unsigned hold_ms, struct error *err)
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

bool input_type(struct input *in, const char *utf8)
{
    return send(in, OUTSIDE_TYPE, utf8, strlen(utf8));
}

bool input_chord(struct input *in, const char *names, unsigned hold_ms, struct error *err)
{
    enum key keys[CHORD_KEYS];
    unsigned count;
    struct blob event = {0};
    u8 hold[4];
    if (!parse_chord(names, keys, &count, err)) {
        return false;
    }
    store32(hold, hold_ms);
    blob_put(&event, hold, sizeof hold);
    blob_put(&event, names, strlen(names));
    bool ok = send(in, OUTSIDE_CHORD, event.data, event.size);
    blob_free(&event);
    return ok || error_set(err, "keys are not taken now, or too many wait to be typed");
}

/* The text of an event, which may hold zeroes. */
static bool with_text(struct input *in, const struct outside_event *e, size_t from)
{
    char *text = mem_zeroed(1, e->size - from + 1);
    struct error err;
    if (e->size > from) {
        memcpy(text, e->data + from, e->size - from);
    }
    bool ok = from ? press(in, text, load32(e->data), &err) : type(in, text);
    free(text);
    return ok;
}

bool input_apply(struct input *in, const struct outside_event *e)
{
    switch (e->kind) {
    case OUTSIDE_KEY:
        if (e->size != 3 || load16(e->data) >= KEY_COUNT) {
            return false;
        }
        ps2kbd_key(in->keyboard, (enum key)load16(e->data), e->data[2] & 1);
        return true;
    case OUTSIDE_RELEASE_ALL: ps2kbd_release_all(in->keyboard); return true;
    case OUTSIDE_MOUSE:
        if (e->size != 16) {
            return false;
        }
        ps2mouse_motion(in->mouse, (i32)load32(e->data), (i32)load32(e->data + 4), (i32)load32(e->data + 8), load32(e->data + 12));
        return true;
    case OUTSIDE_TYPE: return with_text(in, e, 0);
    case OUTSIDE_CHORD: return e->size >= 4 && with_text(in, e, 4);
    default: return false;
    }
}

void input_save(const struct input *in, struct blob *blob)
{
    blob_put(blob, &in->timer.deadline_ns, sizeof in->timer.deadline_ns);
    blob_put(blob, &in->count, sizeof in->count);
    for (unsigned k = 0; k < in->count; k++) {
        blob_put(blob, &in->queue[(in->head + k) % QUEUE_SIZE], sizeof *in->queue);
    }
}

bool input_load(struct input *in, struct blob *blob)
{
    i64 deadline;
    in->head = in->count = 0;
    if (!blob_get(blob, &deadline, sizeof deadline) || !blob_get(blob, &in->count, sizeof in->count) || in->count > QUEUE_SIZE ||
        !blob_get(blob, in->queue, in->count * sizeof *in->queue)) {
        in->count = 0;
        return false;
    }
    timer_set(&in->timer, deadline);
    return true;
}
