/*
 * line.c: what stands between a serial port and its chardev in counted time: see outside.h.
 */
#include "cpu/base/mem.h"
#include "devices/serial/chardev.h"
#include "frontend/machine/machine.h"
#include "frontend/machine/outside.h"

struct line {
    struct chardev base; /* first: container_of() leads back */
    struct machine *machine;
    unsigned unit;
    struct chardev *host;
};

static struct line *line_of(struct chardev *c)
{
    return container_of(c, struct line, base);
}

/* ---- towards the host: whether it takes output must not be seen by the guest */

static size_t write_line(struct chardev *c, const u8 *data, size_t size)
{
    const struct line *line = line_of(c);
    if (!line->machine->muted) {
        chardev_write(line->host, data, size);
    }
    return size;
}

static bool writable(struct chardev *c)
{
    (void)c;
    return true;
}

static void accept(struct chardev *c)
{
    chardev_accept(line_of(c)->host);
}

static void destroy(struct chardev *c)
{
    chardev_attach(line_of(c)->host, NULL);
    free(line_of(c));
}

static const struct chardev_ops line_ops = {.write = write_line, .writable = writable, .accept = accept, .destroy = destroy};

/* ---- towards the guest */

static size_t room(const struct line *line)
{
    const struct char_front *front = &line->base.front;
    return front->can_take ? front->can_take(front->opaque) : 0;
}

static size_t can_take(void *opaque)
{
    struct line *line = opaque;
    const struct machine *m = line->machine;
    return m->open && !(m->outside && m->outside->closed) ? room(line) : 0;
}

static void input(void *opaque, const u8 *data, size_t size)
{
    struct line *line = opaque;
    outside(line->machine, OUTSIDE_LINE, line->unit, data, size);
}

static void event(void *opaque, enum char_event what)
{
    struct line *line = opaque;
    if (what == CHAR_BREAK) {
        outside(line->machine, OUTSIDE_BREAK, line->unit, NULL, 0);
    }
}

bool line_input(struct chardev *c, const u8 *data, size_t size)
{
    struct line *line = line_of(c);
    if (size > room(line) || !line->base.front.input) {
        return false;
    }
    line->base.front.input(line->base.front.opaque, data, size);
    return true;
}

void line_break(struct chardev *c)
{
    if (c->front.event) {
        c->front.event(c->front.opaque, CHAR_BREAK);
    }
}

struct chardev *line_create(struct machine *m, unsigned unit, struct chardev *host)
{
    struct line *line = mem_zeroed(1, sizeof *line);
    *line = (struct line){.base = {.ops = &line_ops}, .machine = m, .unit = unit, .host = host};
    chardev_attach(host, &(struct char_front){.can_take = can_take, .input = input, .event = event, .opaque = line});
    return &line->base;
}
