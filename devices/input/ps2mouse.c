/*
 * ps2mouse.c: see ps2mouse.h.
 */
#include "devices/input/ps2mouse.h"

#include <string.h>

#include "cpu/base/mem.h"

/* Commands, Technical Reference, "Mouse Commands". */
enum {
    MOUSE_SCALE_1_1 = 0xe6,
    MOUSE_SCALE_2_1 = 0xe7,
    MOUSE_SET_RESOLUTION = 0xe8,
    MOUSE_STATUS = 0xe9,
    MOUSE_STREAM_MODE = 0xea,
    MOUSE_READ_DATA = 0xeb,
    MOUSE_RESET_WRAP = 0xec,
    MOUSE_WRAP_MODE = 0xee,
    MOUSE_REMOTE_MODE = 0xf0,
    MOUSE_READ_ID = 0xf2,
    MOUSE_SET_RATE = 0xf3,
    MOUSE_ENABLE = 0xf4,
    MOUSE_DISABLE = 0xf5,
    MOUSE_DEFAULTS = 0xf6,
    MOUSE_RESEND = 0xfe,
    MOUSE_RESET = 0xff,

    MOUSE_ACK = 0xfa,
    MOUSE_BAT_OK = 0xaa,
    MOUSE_NAK = 0xfe,

    ID_PLAIN = 0,
    ID_WHEEL = 3,
    ID_EXPLORER = 4,
};

struct ps2mouse {
    struct device dev;
    struct ps2_queue packets;
    struct ps2_queue answers; /* to commands; go out first */
    u8 command;               /* whose argument is awaited, or 0 */
    u8 last_sent;
    u8 id, resolution, rate;
    u8 rates[2]; /* the two rates that were set last: they knock for the wheel */
    u8 buttons;  /* as they are */
    u8 reported; /* as they were in the last packet */
    bool scale_2_1, remote, wrap, reporting;
    i32 dx, dy, dz; /* not yet reported, as the window gives them */
    struct timer sample;

    /* derived or host-side: not saved */
    struct ps2_port port;
    struct clock *clock;
};

/* More than this is not saved up while the guest does not listen. */
enum { MOTION_LIMIT = 0x7fff };

static i32 clamp(i64 value, i32 low, i32 high)
{
    return (i32)(value < low ? low : value > high ? high : value);
}

/* ---- packets ---- */

/* Technical Reference, "Scaling 2:1": applied in stream mode only. */
static i32 scaled(const struct ps2mouse *mouse, i32 value)
{
    static const u8 small[] = {0, 1, 1, 3, 6, 9};
    if (!mouse->scale_2_1 || mouse->remote) {
        return value;
    }
    i32 size = value < 0 ? -value : value;
    size = size < (i32)ARRAY_LEN(small) ? small[size] : size * 2;
    return clamp(value < 0 ? -size : size, -255, 255);
}

/* Takes what one packet can carry out of the motion that waits. */
static unsigned build_packet(struct ps2mouse *mouse, u8 packet[4])
{
    i32 dx = clamp(mouse->dx, -255, 255), dy = clamp(mouse->dy, -255, 255);
    i32 dz = clamp(mouse->dz, -8, 7);
    mouse->dx -= dx;
    mouse->dy -= dy;
    mouse->dz = mouse->id == ID_PLAIN ? 0 : mouse->dz - dz;
    mouse->reported = mouse->buttons;
    dx = scaled(mouse, dx);
    dy = -scaled(mouse, dy); /* the mouse counts upwards */
    packet[0] = (u8)((mouse->buttons & 7) | 8 | (dx < 0) << 4 | (dy < 0) << 5);
    packet[1] = (u8)dx;
    packet[2] = (u8)dy;
    packet[3] = (u8)dz;
    if (mouse->id == ID_EXPLORER) {
        packet[3] = (u8)((dz & 0xf) | (mouse->buttons >> 3 & 3) << 4);
    }
    return mouse->id == ID_PLAIN ? 3 : 4;
}

static bool has_news(const struct ps2mouse *mouse)
{
    return mouse->dx || mouse->dy || (mouse->dz && mouse->id != ID_PLAIN) ||
           mouse->buttons != mouse->reported;
}

static bool streaming(const struct ps2mouse *mouse)
{
    return mouse->reporting && !mouse->remote && !mouse->wrap;
}

static void send_packet(struct ps2mouse *mouse)
{
    u8 packet[4];
    unsigned count = build_packet(mouse, packet);
    for (unsigned i = 0; i < count; i++) {
        ps2_queue_put(&mouse->packets, packet[i]);
    }
    ps2_ready(&mouse->port);
}

/* One packet each sampling period, and none while the last one is still to be read. */
static void sample(void *opaque)
{
    struct ps2mouse *mouse = opaque;
    if (!streaming(mouse) || !has_news(mouse)) {
        return;
    }
    if (!mouse->packets.count) {
        send_packet(mouse);
    }
    timer_set(&mouse->sample, clock_now(mouse->clock) + (i64)NS_PER_SECOND / mouse->rate);
}

void ps2mouse_motion(struct ps2mouse *mouse, int dx, int dy, int dz, unsigned buttons)
{
    buttons &= 0x1f;
    /* A click that is shorter than a sampling period must not get lost. */
    if (streaming(mouse) && mouse->buttons != mouse->reported && buttons != mouse->buttons &&
        ps2_queue_room(&mouse->packets) >= 8) {
        send_packet(mouse);
    }
    mouse->dx = clamp((i64)mouse->dx + dx, -MOTION_LIMIT, MOTION_LIMIT);
    mouse->dy = clamp((i64)mouse->dy + dy, -MOTION_LIMIT, MOTION_LIMIT);
    mouse->dz = clamp((i64)mouse->dz + dz, -MOTION_LIMIT, MOTION_LIMIT);
    mouse->buttons = (u8)buttons;
    if (!streaming(mouse)) { /* a mouse that is not asked for reports forgets */
        if (!mouse->remote) {
            mouse->dx = mouse->dy = mouse->dz = 0;
            mouse->reported = mouse->buttons;
        }
    } else if (!timer_armed(&mouse->sample)) {
        sample(mouse);
    }
}

/* ---- commands ---- */

static void forget_motion(struct ps2mouse *mouse)
{
    mouse->dx = mouse->dy = mouse->dz = 0;
    mouse->reported = mouse->buttons;
    ps2_queue_clear(&mouse->packets);
    timer_cancel(&mouse->sample);
}

static void set_defaults(struct ps2mouse *mouse)
{
    forget_motion(mouse);
    mouse->rate = 100;
    mouse->resolution = 2;
    mouse->scale_2_1 = mouse->remote = mouse->wrap = mouse->reporting = false;
    mouse->command = 0;
}

static void power_on(struct ps2mouse *mouse)
{
    set_defaults(mouse);
    mouse->id = ID_PLAIN;
    mouse->rates[0] = mouse->rates[1] = 0;
}

static void answer(struct ps2mouse *mouse, u8 value)
{
    ps2_queue_put(&mouse->answers, value);
    ps2_ready(&mouse->port);
}

static void answer_status(struct ps2mouse *mouse)
{
    u8 b = mouse->buttons;
    answer(mouse, MOUSE_ACK);
    answer(mouse, (u8)(mouse->remote << 6 | mouse->reporting << 5 | mouse->scale_2_1 << 4 |
                       (b & PS2MOUSE_LEFT ? 4 : 0) | (b & PS2MOUSE_MIDDLE ? 2 : 0) |
                       (b & PS2MOUSE_RIGHT ? 1 : 0)));
    answer(mouse, mouse->resolution);
    answer(mouse, mouse->rate);
}

static void answer_packet(struct ps2mouse *mouse)
{
    u8 packet[4];
    unsigned count = build_packet(mouse, packet);
    answer(mouse, MOUSE_ACK);
    for (unsigned i = 0; i < count; i++) {
        answer(mouse, packet[i]);
    }
}

/* The rates 200, 100, 80 wake the wheel; 200, 200, 80 after that the further buttons. */
static void set_rate(struct ps2mouse *mouse, u8 rate)
{
    if (rate == 80 && mouse->rates[0] == 200) {
        if (mouse->rates[1] == 100) {
            mouse->id = ID_WHEEL;
        } else if (mouse->rates[1] == 200 && mouse->id == ID_WHEEL) {
            mouse->id = ID_EXPLORER;
        }
    }
    mouse->rates[0] = mouse->rates[1];
    mouse->rates[1] = rate;
    mouse->rate = rate;
}

static void argument(struct ps2mouse *mouse, u8 command, u8 value)
{
    static const u8 rates[] = {10, 20, 40, 60, 80, 100, 200};
    if (command == MOUSE_SET_RATE && memchr(rates, value, sizeof rates)) {
        set_rate(mouse, value);
        answer(mouse, MOUSE_ACK);
    } else if (command == MOUSE_SET_RESOLUTION && value < 4) {
        mouse->resolution = value;
        answer(mouse, MOUSE_ACK);
    } else {
        log_at(LOG_GUEST_ERROR, "ps2mouse: command %02x has no argument %02x", command, value);
        answer(mouse, MOUSE_NAK);
    }
}

static void command(struct ps2mouse *mouse, u8 value)
{
    switch (value) {
    case MOUSE_SCALE_1_1:
    case MOUSE_SCALE_2_1:
        mouse->scale_2_1 = value == MOUSE_SCALE_2_1;
        break;
    case MOUSE_SET_RESOLUTION:
    case MOUSE_SET_RATE:
        mouse->command = value;
        break;
    case MOUSE_STATUS:
        answer_status(mouse);
        return;
    case MOUSE_STREAM_MODE:
    case MOUSE_REMOTE_MODE:
        forget_motion(mouse);
        mouse->remote = value == MOUSE_REMOTE_MODE;
        break;
    case MOUSE_READ_DATA:
        answer_packet(mouse);
        return;
    case MOUSE_WRAP_MODE:
        forget_motion(mouse);
        mouse->wrap = true;
        break;
    case MOUSE_RESET_WRAP:
        break;
    case MOUSE_READ_ID:
        answer(mouse, MOUSE_ACK);
        answer(mouse, mouse->id);
        return;
    case MOUSE_ENABLE:
        forget_motion(mouse);
        mouse->reporting = true;
        break;
    case MOUSE_DISABLE:
        forget_motion(mouse);
        mouse->reporting = false;
        break;
    case MOUSE_DEFAULTS:
        set_defaults(mouse);
        break;
    case MOUSE_RESEND:
        answer(mouse, mouse->last_sent);
        return;
    case MOUSE_RESET:
        power_on(mouse);
        ps2_queue_clear(&mouse->answers);
        answer(mouse, MOUSE_ACK);
        answer(mouse, MOUSE_BAT_OK);
        answer(mouse, mouse->id);
        return;
    default:
        log_at(LOG_GUEST_ERROR, "ps2mouse: command %02x does not exist", value);
        answer(mouse, MOUSE_NAK);
        return;
    }
    answer(mouse, MOUSE_ACK);
}

static void mouse_receive(struct ps2_port *port, u8 value)
{
    struct ps2mouse *mouse = container_of(port, struct ps2mouse, port);
    u8 awaited = mouse->command;
    if (mouse->wrap && value != MOUSE_RESET && value != MOUSE_RESET_WRAP) {
        answer(mouse, value);
        return;
    }
    mouse->wrap = false;
    mouse->command = 0;
    if (awaited) {
        argument(mouse, awaited, value);
    } else {
        command(mouse, value);
    }
}

static bool mouse_send(struct ps2_port *port, u8 *value)
{
    struct ps2mouse *mouse = container_of(port, struct ps2mouse, port);
    if (!ps2_queue_get(&mouse->answers, value) &&
        (mouse->command || !ps2_queue_get(&mouse->packets, value))) {
        return false;
    }
    if (*value != MOUSE_RESEND) {
        mouse->last_sent = *value;
    }
    return true;
}

/* ---- device ---- */

static void mouse_reset(struct device *dev)
{
    struct ps2mouse *mouse = container_of(dev, struct ps2mouse, dev);
    mouse->buttons = 0;
    power_on(mouse);
    ps2_queue_clear(&mouse->answers);
    mouse->last_sent = 0;
}

static void mouse_destroy(struct device *dev)
{
    struct ps2mouse *mouse = container_of(dev, struct ps2mouse, dev);
    timer_cancel(&mouse->sample);
    free(mouse);
}

static void mouse_loaded(struct device *dev)
{
    struct ps2mouse *mouse = container_of(dev, struct ps2mouse, dev);
    ps2_queue_loaded(&mouse->packets);
    ps2_queue_loaded(&mouse->answers);
    if (mouse->rate < 10) {
        mouse->rate = 10; /* it divides */
    }
    mouse->dx = clamp(mouse->dx, -MOTION_LIMIT, MOTION_LIMIT);
    mouse->dy = clamp(mouse->dy, -MOTION_LIMIT, MOTION_LIMIT);
    mouse->dz = clamp(mouse->dz, -MOTION_LIMIT, MOTION_LIMIT);
}

static const struct field mouse_fields[] = {
    FIELD_STRUCT(struct ps2mouse, packets, ps2_queue_fields),
    FIELD_STRUCT(struct ps2mouse, answers, ps2_queue_fields),
    FIELD(struct ps2mouse, command),
    FIELD(struct ps2mouse, last_sent),
    FIELD(struct ps2mouse, id),
    FIELD(struct ps2mouse, resolution),
    FIELD(struct ps2mouse, rate),
    FIELD_ARRAY(struct ps2mouse, rates),
    FIELD(struct ps2mouse, buttons),
    FIELD(struct ps2mouse, reported),
    FIELD(struct ps2mouse, scale_2_1),
    FIELD(struct ps2mouse, remote),
    FIELD(struct ps2mouse, wrap),
    FIELD(struct ps2mouse, reporting),
    FIELD(struct ps2mouse, dx),
    FIELD(struct ps2mouse, dy),
    FIELD(struct ps2mouse, dz),
    FIELD_TIMER(struct ps2mouse, sample),
    FIELD_END,
};

static const struct device_class mouse_class = {
    .name = "ps2-mouse",
    .version = 1,
    .reset = mouse_reset,
    .destroy = mouse_destroy,
    .loaded = mouse_loaded,
    .fields = mouse_fields,
};

struct ps2mouse *ps2mouse_create(struct clock *clock)
{
    struct ps2mouse *mouse = mem_zeroed(1, sizeof *mouse);
    mouse->dev.class = &mouse_class;
    mouse->port = (struct ps2_port){.receive = mouse_receive, .send = mouse_send};
    mouse->clock = clock;
    timer_init(&mouse->sample, clock, sample, mouse);
    device_reset(&mouse->dev);
    return mouse;
}

struct device *ps2mouse_device(struct ps2mouse *mouse)
{
    return &mouse->dev;
}

struct ps2_port *ps2mouse_port(struct ps2mouse *mouse)
{
    return &mouse->port;
}
