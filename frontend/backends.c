/*
 * backends.c: see backends.h. A host device is opened once: several users of one share it through a
 * multiplexer, which mon:stdio and mux=on make.
 */
#include "frontend/backends.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/gdb/server.h"

enum { BACKENDS_MAX = OPTIONS_CHARDEVS + MACHINE_SERIALS + MACHINE_DEBUG_PORTS + 5 };

struct backend {
    const char *id; /* of -chardev, or the words themselves */
    struct chardev *chardev;
    struct chardev_mux *mux; /* owns `chardev` */
    bool in_use;
};

struct backends {
    struct machine *machine;
    struct backend backend[BACKENDS_MAX];
    unsigned count;
    bool has_stdio;
    struct chardev *monitor, *gdb;
};

static void quit_key(void *opaque)
{
    machine_quit(((struct backends *)opaque)->machine, 0);
}

static struct backend *open_backend(struct backends *b, const char *id, const char *what, bool mux,
                                    bool signals, struct error *err)
{
    bool stdio = !strcmp(what, "stdio");
    if (stdio && b->has_stdio) {
        error_set(err, "standard input and output cannot serve two devices; say mon:stdio for both "
                       "to share them");
        return NULL;
    }
    struct chardev *c = chardev_open(b->machine->loop, what, signals, err);
    if (!c) {
        return NULL;
    }
    b->has_stdio |= stdio;
    if (!strcmp(what, "pty")) {
        fprintf(stderr, "ringside: %s is at %s\n", id, chardev_path(c));
    }
    struct backend *backend = &b->backend[b->count++];
    *backend = (struct backend){.id = id, .chardev = c};
    if (mux) {
        const struct mux_keys keys = {.quit = quit_key, .opaque = b};
        backend->mux = chardev_mux_create(c, &keys);
    }
    return backend;
}

static struct backend *find_backend(struct backends *b, const char *id)
{
    for (unsigned i = 0; i < b->count; i++) {
        if (!strcmp(b->backend[i].id, id)) {
            return &b->backend[i];
        }
    }
    return NULL;
}

/* One user's end of it. */
static bool take(struct backend *backend, const char *id, struct chardev **chardev,
                 struct error *err)
{
    if (backend->mux) {
        *chardev = chardev_mux_port(backend->mux);
        return *chardev || error_set(err, "%s has too many users", id);
    }
    if (backend->in_use) {
        return error_set(err, "%s has two users; give it mux=on to share it", id);
    }
    backend->in_use = true;
    *chardev = backend->chardev;
    return true;
}

/* `spec` is what -serial and its like take; `name` is for messages. */
static bool resolve(struct backends *b, const char *name, const char *spec,
                    struct chardev **chardev, struct error *err)
{
    struct backend *backend;
    *chardev = NULL;
    if (!spec || !strcmp(spec, "none") || !strcmp(spec, "null")) {
        return true;
    }
    if (!strncmp(spec, "chardev:", 8)) {
        backend = find_backend(b, spec + 8);
        if (!backend) {
            return error_set(err, "%s: there is no -chardev with id=%s", name, spec + 8);
        }
    } else if (!strcmp(spec, "mon:stdio")) {
        backend = find_backend(b, spec);
        backend = backend ? backend : open_backend(b, spec, "stdio", true, false, err);
    } else {
        backend = open_backend(b, name, spec, false, true, err);
    }
    return backend && take(backend, name, chardev, err);
}

static bool open_serial(struct backends *b, const struct options *o, struct machine_config *c,
                        struct error *err)
{
    static const char *const names[MACHINE_SERIALS] = {"serial0", "serial1", "serial2", "serial3"};
    for (unsigned i = 0; i < o->serial_count; i++) {
        if (!resolve(b, names[i], o->serial[i], &c->serial[i], err)) {
            return false;
        }
    }
    return resolve(b, "parallel0", o->parallel, &c->parallel, err);
}

static bool open_debug_ports(struct backends *b, const struct options *o, struct machine_config *c,
                             struct error *err)
{
    for (unsigned i = 0; i < o->debug_port_count; i++) {
        c->debug_ports[i].port = o->debug_ports[i].port;
        if (!resolve(b, "debugcon", o->debug_ports[i].chardev, &c->debug_ports[i].chardev, err)) {
            return false;
        }
    }
    c->debug_port_count = o->debug_port_count;
    return true;
}

/* The monitor has a place of its own, or shares a serial port's terminal. */
static bool open_monitor(struct backends *b, const struct options *o, struct error *err)
{
    const char *spec = o->monitor;
    if (find_backend(b, "mon:stdio") && (!spec || !strcmp(spec, "none") || !strcmp(spec, "null"))) {
        spec = "mon:stdio";
    }
    return resolve(b, "monitor", spec, &b->monitor, err);
}

static bool open_gdb(struct backends *b, const struct options *o, struct error *err)
{
    return !o->gdb || gdb_server_is_socket(o->gdb) || resolve(b, "gdb", o->gdb, &b->gdb, err);
}

struct backends *backends_open(struct machine *machine, const struct options *o,
                               struct machine_config *config, struct error *err)
{
    struct backends *b = mem_zeroed(1, sizeof *b);
    b->machine = machine;
    bool ok = true;
    for (unsigned i = 0; ok && i < o->chardev_count; i++) {
        const struct chardev_spec *s = &o->chardevs[i];
        if (find_backend(b, s->id)) {
            ok = error_set(err, "there are two -chardev with id=%s", s->id);
        } else {
            ok = open_backend(b, s->id, s->what, s->mux, s->signals, err);
        }
    }
    ok = ok && open_serial(b, o, config, err) && open_debug_ports(b, o, config, err) &&
         open_monitor(b, o, err) && open_gdb(b, o, err);
    if (!ok) {
        backends_close(b);
        return NULL;
    }
    return b;
}

void backends_close(struct backends *b)
{
    if (!b) {
        return;
    }
    for (unsigned i = b->count; i-- > 0;) {
        if (b->backend[i].mux) {
            chardev_mux_destroy(b->backend[i].mux);
        } else {
            chardev_destroy(b->backend[i].chardev);
        }
    }
    free(b);
}

struct chardev *backends_monitor(struct backends *b)
{
    return b->monitor;
}

struct chardev *backends_gdb(struct backends *b)
{
    return b->gdb;
}
