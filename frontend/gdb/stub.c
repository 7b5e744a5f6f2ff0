/*
 * stub.c: see stub.h. A connection: what comes in is taken apart, one packet after the other; replies and stops go out.
 */
#include "frontend/gdb/stub.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/gdb/stub_state.h"

/* ---- going out */

static void send_frame(struct gdb *g)
{
    g->link.send(g->link.opaque, g->frame.data, g->frame.size);
}

void gdb_send_reply(struct gdb *g)
{
    g->frame.size = 0;
    gdb_frame(&g->frame, g->reply.data, g->reply.size);
    g->reply.size = 0;
    send_frame(g);
}

void gdb_refuse(struct gdb *g, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    g->reply.size = 0;
    text_put(&g->reply, "E.");
    text_put(&g->reply, text);
}

void gdb_refuse_number(struct gdb *g, unsigned number)
{
    g->reply.size = 0;
    text_printf(&g->reply, "E%02x", number);
}

void gdb_ok(struct gdb *g)
{
    text_put(&g->reply, "OK");
}

/* ---- coming in */

static void run_packet(struct gdb *g)
{
    g->silent = false;
    g->reply.size = 0;
    if (!g->no_ack) {
        g->link.send(g->link.opaque, "+", 1);
    }
    gdb_execute(g);
    if (!g->silent) {
        gdb_send_reply(g);
    }
}

/* gdb says something while the machine runs: it wants attention. What it waits for is the stop. */
static void interrupt(struct gdb *g)
{
    if (g->waiting) {
        g->interrupted = true;
    }
    machine_pause(g->machine);
}

static void take(struct gdb *g, enum gdb_input what)
{
    switch (what) {
    case GDB_PACKET:
        if (g->waiting) {
            interrupt(g);
        } else {
            machine_pause(g->machine); /* somebody else may have let it go on */
            run_packet(g);
        }
        break;
    case GDB_INTERRUPT:
        interrupt(g);
        break;
    case GDB_BROKEN:
        g->link.send(g->link.opaque, "-", g->no_ack ? 0 : 1);
        break;
    case GDB_NAK:
        if (!g->no_ack) {
            send_frame(g);
        }
        break;
    default:
        break;
    }
}

size_t gdb_input(struct gdb *g, const u8 *data, size_t size)
{
    size_t done = 0;
    while (done < size && !g->link.busy(g->link.opaque)) {
        take(g, gdb_reader_byte(&g->reader, data[done++]));
    }
    return done;
}

static void changed(void *opaque)
{
    struct gdb *g = opaque;
    if (g->waiting && g->machine->paused) {
        g->waiting = false;
        gdb_put_stop(g);
        gdb_send_reply(g);
    }
}

void gdb_opened(struct gdb *g)
{
    g->attached = true;
    g->no_ack = g->waiting = g->interrupted = g->knows_swbreak = g->knows_hwbreak = false;
    memset(&g->reader, 0, sizeof g->reader);
    g->frame.size = 0;
    machine_pause(g->machine);
}

void gdb_closed(struct gdb *g)
{
    g->attached = g->waiting = false;
    gdb_breakpoints_clear(&g->breakpoints);
}

/* ---- what the monitor says while a command runs */

static size_t said(struct chardev *c, const u8 *data, size_t size)
{
    struct gdb *g = container_of(c, struct gdb, said);
    if (g->in_command) {
        text_put(&g->reply, "O");
        for (size_t k = 0; k < size; k++) {
            if (data[k] != '\r') {
                hex_put(&g->reply, &data[k], 1);
            }
        }
        gdb_send_reply(g);
    }
    return size;
}

static bool can_say(struct chardev *c)
{
    (void)c;
    return true;
}

static void listen_no_more(struct chardev *c)
{
    (void)c;
}

static const struct chardev_ops said_ops = {
    .write = said, .writable = can_say, .accept = listen_no_more, .destroy = listen_no_more};

/* ---- life */

struct gdb *gdb_create(struct machine *m, const struct gdb_look *look, const struct gdb_link *link)
{
    struct gdb *g = mem_zeroed(1, sizeof *g);
    g->machine = m;
    g->link = *link;
    g->breakpoints.machine = m;
    gdb_registers_init(&g->registers, m->cpu, look->architecture);
    g->registers.linear = look->linear;
    gdb_registers_describe(&g->registers, &g->description);
    g->said.ops = &said_ops;
    g->monitor = monitor_create(m, &g->said);
    g->listener = (struct machine_listener){.changed = changed, .opaque = g};
    machine_listen(m, &g->listener);
    return g;
}

void gdb_destroy(struct gdb *g, int status)
{
    if (!g) {
        return;
    }
    if (g->waiting) {
        text_printf(&g->reply, "W%02x", (unsigned)status & 255);
        gdb_send_reply(g);
    }
    gdb_breakpoints_clear(&g->breakpoints);
    machine_forget(g->machine, &g->listener);
    monitor_destroy(g->monitor);
    blob_free(&g->reply);
    blob_free(&g->frame);
    blob_free(&g->description);
    free(g);
}
