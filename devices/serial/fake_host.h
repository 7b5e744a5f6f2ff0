/*
 * fake_host.h: a chardev for unit tests: keeps the output, feeds input as far as the front takes
 * it.
 */
#ifndef DEVICES_SERIAL_FAKE_HOST_H
#define DEVICES_SERIAL_FAKE_HOST_H

#include <stdio.h>
#include <string.h>

#include "devices/serial/chardev.h"

struct fake_host {
    struct chardev base; /* first: container_of() leads back */
    char out[4096];
    size_t out_size;
    const char *in;
    size_t in_size;
    bool lagging, feeding, destroyed;
};

static inline size_t fake_write(struct chardev *c, const u8 *data, size_t size)
{
    struct fake_host *h = container_of(c, struct fake_host, base);
    size_t room = sizeof h->out - 1 - h->out_size;
    size = size < room ? size : room;
    memcpy(h->out + h->out_size, data, size);
    h->out_size += size;
    h->out[h->out_size] = 0;
    return size;
}

static inline bool fake_writable(struct chardev *c)
{
    return !container_of(c, struct fake_host, base)->lagging;
}

static inline void fake_accept(struct chardev *c)
{
    struct fake_host *h = container_of(c, struct fake_host, base);
    if (h->feeding) {
        return;
    }
    h->feeding = true;
    while (h->in_size && c->front.can_take) {
        size_t n = c->front.can_take(c->front.opaque);
        n = n < h->in_size ? n : h->in_size;
        if (!n) {
            break;
        }
        const u8 *data = (const u8 *)h->in;
        h->in += n;
        h->in_size -= n;
        c->front.input(c->front.opaque, data, n);
    }
    h->feeding = false;
}

static inline void fake_destroy(struct chardev *c)
{
    container_of(c, struct fake_host, base)->destroyed = true;
}

static const struct chardev_ops fake_ops = {
    .write = fake_write, .writable = fake_writable, .accept = fake_accept, .destroy = fake_destroy};

static inline void fake_init(struct fake_host *h)
{
    memset(h, 0, sizeof *h);
    h->base.ops = &fake_ops;
}

static inline void fake_type(struct fake_host *h, const char *text)
{
    h->in = text;
    h->in_size = strlen(text);
    fake_accept(&h->base);
}

static inline void fake_clear(struct fake_host *h)
{
    h->out_size = 0;
    h->out[0] = 0;
}

#endif
