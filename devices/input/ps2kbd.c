/*
 * ps2kbd.c: see ps2kbd.h.
 */
#include "devices/input/ps2kbd.h"

#include <string.h>

#include "cpu/base/mem.h"

/* Commands, Technical Reference, "Commands from the System". */
enum {
    KBD_SET_LEDS = 0xed,
    KBD_ECHO = 0xee,
    KBD_SCANCODE_SET = 0xf0,
    KBD_READ_ID = 0xf2,
    KBD_SET_TYPEMATIC = 0xf3,
    KBD_ENABLE = 0xf4,
    KBD_DISABLE = 0xf5,
    KBD_DEFAULTS = 0xf6,
    KBD_ALL_TYPEMATIC = 0xf7,
    KBD_ALL_MAKE_BREAK = 0xf8,
    KBD_ALL_MAKE = 0xf9,
    KBD_ALL_TYPEMATIC_MAKE_BREAK = 0xfa,
    KBD_KEY_TYPEMATIC = 0xfb,
    KBD_KEY_MAKE_BREAK = 0xfc,
    KBD_KEY_MAKE = 0xfd,
    KBD_RESEND = 0xfe,
    KBD_RESET = 0xff,

    KBD_ACK = 0xfa,
    KBD_BAT_OK = 0xaa,
    KBD_NAK = 0xfe,

    TYPEMATIC_DEFAULT = 0x2b, /* 500 ms, 10.9 a second */
};

/* What a key does in scancode set 3; sets 1 and 2 always do both. */
enum { TYPE_BREAK = 1, TYPE_REPEAT = 2 };

struct ps2kbd {
    struct device dev;
    struct ps2_queue keys;    /* the 16-byte buffer of the keyboard */
    struct ps2_queue answers; /* to commands; go out first */
    u8 scancode_set;
    u8 command; /* whose argument is awaited, or 0 */
    u8 leds, typematic;
    u8 last_sent;
    bool scanning;
    u8 down[KEY_COUNT];    /* as the user holds them */
    u8 type[KEY_COUNT];    /* TYPE_*, for set 3 */
    u8 special[KEY_COUNT]; /* the codes that Print was pressed with, so that it ends with them */
    u16 repeating;         /* enum key */
    struct timer repeat;

    /* derived or host-side: not saved */
    struct ps2_port port;
    struct clock *clock;
};

/* ---- what is sent ---- */

/* The codes of one event, at most the 8 bytes of Pause. */
struct burst {
    u8 bytes[8];
    u8 count;
};

static void add(struct burst *b, u8 value)
{
    b->bytes[b->count++] = value;
}

/* One code of set 1, 2 or 3, its prefix included. */
static void add_code(struct burst *b, unsigned set, u16 code, bool down)
{
    if (code >> 8) {
        add(b, (u8)(code >> 8));
    }
    if (!down && set != 1) {
        add(b, 0xf0);
    }
    add(b, (u8)(code | (!down && set == 1 ? 0x80 : 0)));
}

/* The forms of Print: alone (with a shift code around it), with Shift or Ctrl, with Alt. */
enum { PRINT_ALONE, PRINT_SHIFTED, PRINT_SYSRQ };

static void print_codes(struct burst *b, unsigned set, unsigned form, bool down)
{
    u16 shift = set == 1 ? 0xe02a : 0xe012;
    if (form == PRINT_SYSRQ) {
        add_code(b, set, set == 1 ? 0x54 : 0x84, down);
        return;
    }
    if (form == PRINT_ALONE && down) {
        add_code(b, set, shift, true);
    }
    add_code(b, set, set == 1 ? 0xe037 : 0xe07c, down);
    if (form == PRINT_ALONE && !down) {
        add_code(b, set, shift, false);
    }
}

/* Pause has no break code: everything is sent when it is pressed. */
static void pause_codes(struct burst *b, unsigned set, bool ctrl)
{
    static const u8 set1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    static const u8 set2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
    if (ctrl) { /* Break */
        u16 code = set == 1 ? 0xe046 : 0xe07e;
        add_code(b, set, code, true);
        add_code(b, set, code, false);
        return;
    }
    const u8 *codes = set == 1 ? set1 : set2;
    unsigned count = set == 1 ? sizeof set1 : sizeof set2;
    for (unsigned i = 0; i < count; i++) {
        add(b, codes[i]);
    }
}

static unsigned print_form(const struct ps2kbd *kbd)
{
    if (kbd->down[KEY_ALT] || kbd->down[KEY_ALT_R]) {
        return PRINT_SYSRQ;
    }
    return kbd->down[KEY_SHIFT] || kbd->down[KEY_SHIFT_R] || kbd->down[KEY_CTRL] ||
                   kbd->down[KEY_CTRL_R]
               ? PRINT_SHIFTED
               : PRINT_ALONE;
}

static void key_codes(struct ps2kbd *kbd, struct burst *b, enum key key, bool down)
{
    const struct key_info *info = key_info(key);
    unsigned set = kbd->scancode_set;
    if (set == 3) {
        if (info->set3 && (down || kbd->type[key] & TYPE_BREAK)) {
            add_code(b, 3, info->set3, down);
        }
    } else if (key == KEY_PRINT) {
        if (down) {
            kbd->special[key] = (u8)print_form(kbd);
        }
        print_codes(b, set, kbd->special[key], down);
    } else if (key == KEY_PAUSE) {
        if (down) {
            pause_codes(b, set, kbd->down[KEY_CTRL] || kbd->down[KEY_CTRL_R]);
        }
    } else {
        add_code(b, set, set == 1 ? info->set1 : info->set2, down);
    }
}

/* An event that does not fit is lost whole; the last place of the buffer tells of it ("Overrun
 * character": 00h in sets 2 and 3, FFh in set 1). */
static void send_burst(struct ps2kbd *kbd, const struct burst *b)
{
    if (ps2_queue_room(&kbd->keys) <= b->count) {
        ps2_queue_put(&kbd->keys, kbd->scancode_set == 1 ? 0xff : 0x00);
    } else {
        for (unsigned i = 0; i < b->count; i++) {
            ps2_queue_put(&kbd->keys, b->bytes[i]);
        }
    }
    ps2_ready(&kbd->port);
}

/* ---- typematic ---- */

static i64 repeat_delay_ns(const struct ps2kbd *kbd)
{
    return (i64)((kbd->typematic >> 5 & 3) + 1) * 250000000;
}

/* Technical Reference, "Set Typematic Rate/Delay": (8 + A) * 2^B * 4.17 ms. */
static i64 repeat_period_ns(const struct ps2kbd *kbd)
{
    return (i64)(8 + (kbd->typematic & 7)) * (1 << (kbd->typematic >> 3 & 3)) * 4170000;
}

static bool repeats(const struct ps2kbd *kbd, enum key key)
{
    if (kbd->scancode_set == 3) {
        return kbd->type[key] & TYPE_REPEAT;
    }
    return key != KEY_PAUSE;
}

static void stop_repeating(struct ps2kbd *kbd)
{
    kbd->repeating = KEY_NONE;
    timer_cancel(&kbd->repeat);
}

static void repeat_key(void *opaque)
{
    struct ps2kbd *kbd = opaque;
    enum key key = kbd->repeating;
    if (!kbd->scanning || key == KEY_NONE || key >= KEY_COUNT) {
        return;
    }
    /* A guest that does not read gets no more: repetitions never fill the buffer. */
    if (!kbd->keys.count) {
        struct burst b = {.count = 0};
        if (key == KEY_PRINT && kbd->scancode_set != 3) { /* the shift code comes only once */
            bool sysrq = kbd->special[key] == PRINT_SYSRQ;
            print_codes(&b, kbd->scancode_set, sysrq ? PRINT_SYSRQ : PRINT_SHIFTED, true);
        } else {
            key_codes(kbd, &b, key, true);
        }
        send_burst(kbd, &b);
    }
    timer_set(&kbd->repeat, clock_now(kbd->clock) + repeat_period_ns(kbd));
}

/* ---- keys ---- */

void ps2kbd_key(struct ps2kbd *kbd, enum key key, bool down)
{
    if (key <= KEY_NONE || key >= KEY_COUNT || kbd->down[key] == down) {
        return;
    }
    kbd->down[key] = down;
    if (!kbd->scanning) {
        return;
    }
    if (down && repeats(kbd, key)) {
        kbd->repeating = key;
        timer_set(&kbd->repeat, clock_now(kbd->clock) + repeat_delay_ns(kbd));
    } else if (down || kbd->repeating == key) {
        stop_repeating(kbd);
    }
    struct burst b = {.count = 0};
    key_codes(kbd, &b, key, down);
    if (b.count) {
        send_burst(kbd, &b);
    }
}

void ps2kbd_release_all(struct ps2kbd *kbd)
{
    for (unsigned key = 1; key < KEY_COUNT; key++) {
        ps2kbd_key(kbd, key, false);
    }
}

bool ps2kbd_idle(const struct ps2kbd *kbd)
{
    return kbd->scanning && !kbd->keys.count && !kbd->answers.count;
}

u8 ps2kbd_leds(const struct ps2kbd *kbd)
{
    return kbd->leds;
}

/* ---- commands ---- */

/* Technical Reference, "Scan Code Set 3": the default types, by set 3 code. */
static u8 default_type(u16 code)
{
    static const u8 make_break[] = {0x11, 0x12, 0x14, 0x19, 0x59};
    static const u8 make_only[] = {0x07, 0x08, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x39, 0x3f,
                                   0x47, 0x4f, 0x56, 0x57, 0x58, 0x5e, 0x5f, 0x62, 0x65, 0x67,
                                   0x69, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73,
                                   0x74, 0x75, 0x76, 0x77, 0x79, 0x7a, 0x7d, 0x7e, 0x84};
    if (memchr(make_break, code, sizeof make_break)) {
        return TYPE_BREAK;
    }
    return memchr(make_only, code, sizeof make_only) ? 0 : TYPE_REPEAT;
}

static void set_all_types(struct ps2kbd *kbd, u8 type)
{
    memset(kbd->type, type, sizeof kbd->type);
}

static void default_types(struct ps2kbd *kbd)
{
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        kbd->type[key] = default_type(key_info(key)->set3);
    }
}

/* "Default": clears the buffer, 10.9 a second after 500 ms, default key types. */
static void set_defaults(struct ps2kbd *kbd)
{
    ps2_queue_clear(&kbd->keys);
    stop_repeating(kbd);
    kbd->typematic = TYPEMATIC_DEFAULT;
    default_types(kbd);
}

static void power_on(struct ps2kbd *kbd)
{
    set_defaults(kbd);
    kbd->scancode_set = 2;
    kbd->leds = 0;
    kbd->command = 0;
    kbd->scanning = true;
}

static void answer(struct ps2kbd *kbd, u8 value)
{
    ps2_queue_put(&kbd->answers, value);
    ps2_ready(&kbd->port);
}

static void argument(struct ps2kbd *kbd, u8 command, u8 value)
{
    switch (command) {
    case KBD_SET_LEDS:
        kbd->leds = value & 7;
        answer(kbd, KBD_ACK);
        break;
    case KBD_SET_TYPEMATIC:
        kbd->typematic = value & 0x7f;
        answer(kbd, KBD_ACK);
        break;
    case KBD_SCANCODE_SET:
        if (value > 3) {
            log_at(LOG_GUEST_ERROR, "ps2kbd: scancode set %u does not exist", value);
            answer(kbd, KBD_NAK);
            break;
        }
        answer(kbd, KBD_ACK);
        if (value == 0) {
            answer(kbd, kbd->scancode_set);
        } else {
            kbd->scancode_set = value;
            ps2_queue_clear(&kbd->keys);
            stop_repeating(kbd);
        }
        break;
    default: /* FBh..FDh: a list of set 3 codes, ended by the next command */
        for (unsigned key = 1; key < KEY_COUNT; key++) {
            if (key_info(key)->set3 == value) {
                kbd->type[key] = command == KBD_KEY_TYPEMATIC    ? TYPE_REPEAT
                                 : command == KBD_KEY_MAKE_BREAK ? TYPE_BREAK
                                                                 : 0;
            }
        }
        kbd->command = command;
        answer(kbd, KBD_ACK);
        break;
    }
}

static void reset_command(struct ps2kbd *kbd)
{
    power_on(kbd);
    ps2_queue_clear(&kbd->answers);
    answer(kbd, KBD_ACK);
    answer(kbd, KBD_BAT_OK);
}

static void command(struct ps2kbd *kbd, u8 value)
{
    switch (value) {
    case KBD_SET_LEDS:
    case KBD_SCANCODE_SET:
    case KBD_SET_TYPEMATIC:
    case KBD_KEY_TYPEMATIC:
    case KBD_KEY_MAKE_BREAK:
    case KBD_KEY_MAKE:
        kbd->command = value;
        break;
    case KBD_ECHO:
        answer(kbd, KBD_ECHO);
        return;
    case KBD_READ_ID:
        answer(kbd, KBD_ACK);
        answer(kbd, 0xab);
        answer(kbd, 0x83);
        return;
    case KBD_ENABLE:
        ps2_queue_clear(&kbd->keys);
        kbd->scanning = true;
        break;
    case KBD_DISABLE:
        set_defaults(kbd);
        kbd->scanning = false;
        break;
    case KBD_DEFAULTS:
        set_defaults(kbd);
        break;
    case KBD_ALL_TYPEMATIC:
        set_all_types(kbd, TYPE_REPEAT);
        break;
    case KBD_ALL_MAKE_BREAK:
        set_all_types(kbd, TYPE_BREAK);
        break;
    case KBD_ALL_MAKE:
        set_all_types(kbd, 0);
        break;
    case KBD_ALL_TYPEMATIC_MAKE_BREAK:
        set_all_types(kbd, TYPE_REPEAT | TYPE_BREAK);
        break;
    case KBD_RESEND:
        answer(kbd, kbd->last_sent);
        return;
    case KBD_RESET:
        reset_command(kbd);
        return;
    default:
        log_at(LOG_GUEST_ERROR, "ps2kbd: command %02x does not exist", value);
        answer(kbd, KBD_NAK);
        return;
    }
    answer(kbd, KBD_ACK);
}

/* An argument with bit 7 set where none can have it is a new command. */
static void kbd_receive(struct ps2_port *port, u8 value)
{
    struct ps2kbd *kbd = container_of(port, struct ps2kbd, port);
    u8 awaited = kbd->command;
    bool list = awaited >= KBD_KEY_TYPEMATIC && awaited <= KBD_KEY_MAKE;
    kbd->command = 0;
    if (awaited && (list ? value < KBD_SET_LEDS : value < 0x80)) {
        argument(kbd, awaited, value);
    } else {
        command(kbd, value);
    }
}

static bool kbd_send(struct ps2_port *port, u8 *value)
{
    struct ps2kbd *kbd = container_of(port, struct ps2kbd, port);
    if (!ps2_queue_get(&kbd->answers, value) &&
        (kbd->command || !ps2_queue_get(&kbd->keys, value))) {
        return false; /* keys wait while an argument is awaited */
    }
    if (*value != KBD_RESEND) {
        kbd->last_sent = *value;
    }
    return true;
}

/* ---- device ---- */

static void kbd_reset(struct device *dev)
{
    struct ps2kbd *kbd = container_of(dev, struct ps2kbd, dev);
    power_on(kbd);
    ps2_queue_clear(&kbd->answers);
    kbd->last_sent = 0;
    memset(kbd->down, 0, sizeof kbd->down);
    memset(kbd->special, 0, sizeof kbd->special);
}

static void kbd_destroy(struct device *dev)
{
    struct ps2kbd *kbd = container_of(dev, struct ps2kbd, dev);
    timer_cancel(&kbd->repeat);
    free(kbd);
}

static void kbd_loaded(struct device *dev)
{
    struct ps2kbd *kbd = container_of(dev, struct ps2kbd, dev);
    ps2_queue_loaded(&kbd->keys);
    ps2_queue_loaded(&kbd->answers);
    if (kbd->scancode_set < 1 || kbd->scancode_set > 3) {
        kbd->scancode_set = 2;
    }
}

static const struct field kbd_fields[] = {
    FIELD_STRUCT(struct ps2kbd, keys, ps2_queue_fields),
    FIELD_STRUCT(struct ps2kbd, answers, ps2_queue_fields),
    FIELD(struct ps2kbd, scancode_set),
    FIELD(struct ps2kbd, command),
    FIELD(struct ps2kbd, leds),
    FIELD(struct ps2kbd, typematic),
    FIELD(struct ps2kbd, last_sent),
    FIELD(struct ps2kbd, scanning),
    FIELD_ARRAY(struct ps2kbd, down),
    FIELD_ARRAY(struct ps2kbd, type),
    FIELD_ARRAY(struct ps2kbd, special),
    FIELD(struct ps2kbd, repeating),
    FIELD_TIMER(struct ps2kbd, repeat),
    FIELD_END,
};

static const struct device_class kbd_class = {
    .name = "ps2-kbd",
    .version = 1,
    .reset = kbd_reset,
    .destroy = kbd_destroy,
    .loaded = kbd_loaded,
    .fields = kbd_fields,
};

struct ps2kbd *ps2kbd_create(struct clock *clock)
{
    struct ps2kbd *kbd = mem_zeroed(1, sizeof *kbd);
    kbd->dev.class = &kbd_class;
    kbd->port = (struct ps2_port){.receive = kbd_receive, .send = kbd_send};
    kbd->clock = clock;
    timer_init(&kbd->repeat, clock, repeat_key, kbd);
    device_reset(&kbd->dev);
    return kbd;
}

struct device *ps2kbd_device(struct ps2kbd *kbd)
{
    return &kbd->dev;
}

struct ps2_port *ps2kbd_port(struct ps2kbd *kbd)
{
    return &kbd->port;
}
