/*
 * chardev_mux.c: several fronts on one host terminal, with QEMU's Ctrl-A keys.
 *
 * Input goes to the front that has the focus, through a buffer, because the keys must work even
 * when that front takes nothing. When the buffer is full, a terminal's typing is dropped (but its
 * keys still act); a pipe waits.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "devices/serial/chardev.h"

enum { PORT_LIMIT = 8, BUFFER_BYTES = 4096, KEY_ESCAPE = 1 /* Ctrl-A */ };

struct mux_port {
    struct chardev base; /* first: container_of() leads back */
    struct chardev_mux *mux;
    u8 buffer[BUFFER_BYTES]; /* a ring */
    size_t first, count;
    bool delivering;
};

struct chardev_mux {
    struct chardev *host;
    struct mux_keys keys;
    struct mux_port ports[PORT_LIMIT];
    unsigned port_count, focus;
    bool escape; /* Ctrl-A was the last key */
};

static struct mux_port *port_of(struct chardev *c)
{
    return container_of(c, struct mux_port, base);
}

/* ---- from the fronts to the host ---- */

static size_t port_write(struct chardev *c, const u8 *data, size_t size)
{
    return chardev_write(port_of(c)->mux->host, data, size);
}

static bool port_writable(struct chardev *c)
{
    return chardev_writable(port_of(c)->mux->host);
}

/* Gives the front what it can take. */
static void port_deliver(struct mux_port *port)
{
    const struct char_front *front = &port->base.front;
    if (port->delivering) {
        return; /* the front asked for more from within input() */
    }
    port->delivering = true;
    while (port->count) {
        size_t room = front->can_take ? front->can_take(front->opaque) : 0;
        size_t n = BUFFER_BYTES - port->first; /* up to the ring's end */
        n = n < port->count ? n : port->count;
        n = n < room ? n : room;
        if (!n) {
            break;
        }
        u8 data[BUFFER_BYTES];
        memcpy(data, port->buffer + port->first, n);
        port->first = (port->first + n) % BUFFER_BYTES;
        port->count -= n;
        front->input(front->opaque, data, n);
    }
    port->delivering = false;
}

static void port_accept(struct chardev *c)
{
    struct mux_port *port = port_of(c);
    bool was_full = port->count == BUFFER_BYTES;
    port_deliver(port);
    if (was_full && port->count < BUFFER_BYTES) {
        chardev_accept(port->mux->host);
    }
}

static void port_destroy(struct chardev *c)
{
    c->front = (struct char_front){0}; /* the multiplexer owns the rest */
}

static const struct chardev_ops port_ops = {
    .write = port_write, .writable = port_writable, .accept = port_accept, .destroy = port_destroy};

/* ---- from the host to the fronts ---- */

static void port_event(struct mux_port *port, enum char_event event)
{
    if (port->base.front.event) {
        port->base.front.event(port->base.front.opaque, event);
    }
}

static void set_focus(struct chardev_mux *mux, unsigned index)
{
    if (index == mux->focus) {
        return;
    }
    port_event(&mux->ports[mux->focus], CHAR_FOCUS_OUT);
    mux->focus = index;
    port_event(&mux->ports[index], CHAR_FOCUS_IN);
    chardev_accept(mux->host);
}

static void print_help(struct chardev_mux *mux)
{
    static const char text[] = "\r\nKeys after Ctrl-A:\r\n"
                               "  h       this help\r\n"
                               "  x       end the emulator\r\n"
                               "  s       write disk snapshots back to their files\r\n"
                               "  b       send a break\r\n"
                               "  c       next of console and monitor\r\n"
                               "  Ctrl-A  send Ctrl-A itself\r\n";
    chardev_write(mux->host, text, sizeof text - 1);
}

static void put_input(struct mux_port *port, u8 byte)
{
    if (port->count < BUFFER_BYTES) {
        port->buffer[(port->first + port->count) % BUFFER_BYTES] = byte;
        port->count++;
    }
}

static void do_key(struct chardev_mux *mux, u8 key)
{
    struct mux_port *focus = &mux->ports[mux->focus];
    switch (key) {
    case 'h':
    case '?':
        print_help(mux);
        break;
    case 'x':
        mux->keys.quit(mux->keys.opaque);
        break;
    case 's':
        if (mux->keys.save) {
            mux->keys.save(mux->keys.opaque);
        }
        break;
    case 'b':
        port_event(focus, CHAR_BREAK);
        break;
    case 'c':
        set_focus(mux, (mux->focus + 1) % mux->port_count);
        break;
    case KEY_ESCAPE:
        put_input(focus, KEY_ESCAPE);
        break;
    default:
        break; /* not a key of ours: swallowed, as both keys were meant for us */
    }
}

static size_t mux_can_take(void *opaque)
{
    struct chardev_mux *mux = opaque;
    if (!mux->port_count) {
        return 0;
    }
    size_t room = BUFFER_BYTES - mux->ports[mux->focus].count;
    return room || !chardev_is_terminal(mux->host) ? room : 1;
}

static void mux_input(void *opaque, const u8 *data, size_t size)
{
    struct chardev_mux *mux = opaque;
    for (size_t i = 0; i < size; i++) {
        if (mux->escape) {
            mux->escape = false;
            do_key(mux, data[i]);
        } else if (data[i] == KEY_ESCAPE) {
            mux->escape = true;
        } else {
            put_input(&mux->ports[mux->focus], data[i]);
        }
        port_deliver(&mux->ports[mux->focus]);
    }
}

static void mux_event(void *opaque, enum char_event event)
{
    struct chardev_mux *mux = opaque;
    if (mux->port_count) {
        port_event(&mux->ports[mux->focus], event);
    }
}

static void mux_writable(void *opaque)
{
    struct chardev_mux *mux = opaque;
    for (unsigned i = 0; i < mux->port_count; i++) {
        const struct char_front *front = &mux->ports[i].base.front;
        if (front->writable) {
            front->writable(front->opaque);
        }
    }
}

/* ---- for the machine ---- */

struct chardev_mux *chardev_mux_create(struct chardev *host, const struct mux_keys *keys)
{
    struct chardev_mux *mux = mem_zeroed(1, sizeof *mux);
    mux->host = host;
    mux->keys = *keys;
    chardev_attach(host, &(struct char_front){.can_take = mux_can_take,
                                              .input = mux_input,
                                              .event = mux_event,
                                              .writable = mux_writable,
                                              .opaque = mux});
    return mux;
}

struct chardev *chardev_mux_port(struct chardev_mux *mux)
{
    if (mux->port_count == PORT_LIMIT) {
        return NULL;
    }
    struct mux_port *port = &mux->ports[mux->port_count++];
    port->base.ops = &port_ops;
    port->mux = mux;
    chardev_accept(mux->host);
    return &port->base;
}

bool chardev_is_shared(const struct chardev *c)
{
    return c && c->ops == &port_ops;
}

void chardev_mux_focus(struct chardev_mux *mux, struct chardev *port)
{
    set_focus(mux, (unsigned)(port_of(port) - mux->ports));
}

void chardev_mux_destroy(struct chardev_mux *mux)
{
    chardev_attach(mux->host, NULL);
    chardev_destroy(mux->host);
    free(mux);
}
