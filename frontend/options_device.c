/*
 * options_device.c: character devices, serial ports, the monitor, and devices that can be added.
 */
#include "frontend/options_parts.h"

#include <string.h>

#include "frontend/gdb/server.h"

/* ---- character devices */

static bool starts(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

/* What -serial, -parallel, -monitor and -debugcon take. */
static const char *char_spec(struct parsing *p, const char *option, const char *value)
{
    static const char *const words[] = {"stdio", "mon:stdio", "null",       "none", "pty",
                                        "vc",    "file:PATH", "chardev:ID", NULL};
    if (!strcmp(value, "vc") || starts(value, "vc:")) {
        return "null"; /* there are no text consoles beside the screen */
    }
    bool known = starts(value, "file:") || starts(value, "chardev:");
    for (unsigned i = 0; words[i]; i++) {
        known |= !strcmp(value, words[i]);
    }
    if (known) {
        return keep(p, value);
    }
    const char *near = nearest_word(value, words);
    error_set(
        p->err,
        "%s %s: this version has stdio, mon:stdio, file:PATH, pty, null, none and chardev:ID%s%s%s",
        option, value, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

bool option_chardev(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"backend", "id", "path", "mux", "signal", "append", NULL};
    struct options *o = p->options;
    struct keyvals list;
    if (o->chardev_count == OPTIONS_CHARDEVS) {
        return error_set(p->err, "-chardev: there are more than %d", OPTIONS_CHARDEVS);
    }
    if (!keyvals_parse(&list, value, "backend", p->err)) {
        return false;
    }
    struct chardev_spec *c = &o->chardevs[o->chardev_count];
    const char *backend = keyvals_get(&list, "backend"), *id = keyvals_get(&list, "id"),
               *path = keyvals_get(&list, "path");
    const char *mux = keyvals_get(&list, "mux"), *signal = keyvals_get(&list, "signal");
    *c = (struct chardev_spec){.signals = true};
    bool ok = (!mux || parse_on_off(mux, &c->mux, p->err)) &&
              (!signal || parse_on_off(signal, &c->signals, p->err)) &&
              keyvals_end(&list, "-chardev", keys, p->err);
    if (ok && (!id || !*id)) {
        ok = error_set(p->err, "-chardev %s: it needs id=", value);
    } else if (ok && backend && !strcmp(backend, "file")) {
        char what[4200];
        snprintf(what, sizeof what, "file:%s", path ? path : "");
        c->what = keep(p, what);
        ok = (path && *path) || error_set(p->err, "-chardev file needs path=");
    } else if (ok && backend &&
               (!strcmp(backend, "stdio") || !strcmp(backend, "null") || !strcmp(backend, "pty"))) {
        c->what = keep(p, backend);
    } else if (ok) {
        ok = error_set(p->err, "-chardev %s: this version has file, stdio, null and pty",
                       backend ? backend : "");
    }
    if (ok) {
        c->id = keep(p, id);
        o->chardev_count++;
    }
    keyvals_free(&list);
    return ok;
}

bool option_serial(struct parsing *p, const char *value)
{
    struct options *o = p->options;
    if (p->recorded_serials) {
        o->serial_count = p->recorded_serials = 0;
    }
    if (o->serial_count == MACHINE_SERIALS) {
        return error_set(p->err, "-serial: the machine has %d serial ports", MACHINE_SERIALS);
    }
    o->serial[o->serial_count] = char_spec(p, "-serial", value);
    return o->serial[o->serial_count++];
}

bool option_parallel(struct parsing *p, const char *value)
{
    p->parallel_given = true;
    p->options->parallel = char_spec(p, "-parallel", value);
    return p->options->parallel;
}

bool option_monitor(struct parsing *p, const char *value)
{
    p->monitor_given = true;
    p->options->monitor = char_spec(p, "-monitor", value);
    return p->options->monitor;
}

bool option_mon(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"chardev", "mode", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, "chardev", p->err)) {
        return false;
    }
    const char *id = keyvals_get(&list, "chardev"), *mode = keyvals_get(&list, "mode");
    char what[128];
    snprintf(what, sizeof what, "chardev:%s", id ? id : "");
    bool ok = keyvals_end(&list, "-mon", keys, p->err);
    if (ok && mode && strcmp(mode, "readline")) {
        ok = error_set(p->err, "-mon mode=%s: this version has the readline monitor only", mode);
    }
    keyvals_free(&list);
    return ok && option_monitor(p, what);
}

/* The first words are ours; of QEMU's for sockets, those that say what we do anyway are taken. */
static bool gdb_look(struct parsing *p, struct keyvals *list)
{
    struct options *o = p->options;
    const char *arch = keyvals_get(list, "arch"), *pc = keyvals_get(list, "pc"), *server = keyvals_get(list, "server"),
               *wait = keyvals_get(list, "wait");
    bool serves = true, waits = false;
    if (arch && strcmp(arch, "i386") && strcmp(arch, "x86-64")) {
        return error_set(p->err, "-gdb arch=%s: it is i386 or x86-64", arch);
    }
    if (pc && strcmp(pc, "offset") && strcmp(pc, "linear")) {
        return error_set(p->err, "-gdb pc=%s: it is offset or linear (with the base of CS)", pc);
    }
    if ((server && !parse_on_off(server, &serves, p->err)) || (wait && !parse_on_off(wait, &waits, p->err))) {
        return false;
    }
    o->gdb_look.architecture = !arch ? GDB_BY_MODEL : !strcmp(arch, "i386") ? GDB_I386 : GDB_X86_64;
    o->gdb_look.linear = pc && !strcmp(pc, "linear");
    o->paused |= waits;
    return serves || error_set(p->err, "-gdb server=off: gdb comes to the machine, not the machine to gdb");
}

bool option_gdb(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"arch", "pc", "server", "wait", "nodelay", "ipv4", "ipv6", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, "where", p->err)) {
        return false;
    }
    const char *where = keyvals_get(&list, "where");
    keyvals_get(&list, "nodelay");
    keyvals_get(&list, "ipv4");
    keyvals_get(&list, "ipv6");
    bool ok = where ? gdb_look(p, &list) && keyvals_end(&list, "-gdb", keys, p->err)
                    : error_set(p->err, "-gdb %s: where? tcp::1234, unix:PATH, stdio, pty or chardev:ID", value);
    if (ok) {
        p->options->gdb = gdb_server_is_socket(where) ? keep(p, where) : char_spec(p, "-gdb", where);
        ok = p->options->gdb || error_set(p->err, "-gdb %s: say tcp::PORT, unix:PATH, stdio, pty, chardev:ID or none", where);
    }
    keyvals_free(&list);
    return ok;
}

/* ---- devices */

static struct debug_port_spec *new_debug_port(struct parsing *p)
{
    struct options *o = p->options;
    if (o->debug_port_count == MACHINE_DEBUG_PORTS) {
        error_set(p->err, "there are more than %d isa-debugcon devices", MACHINE_DEBUG_PORTS);
        return NULL;
    }
    return &o->debug_ports[o->debug_port_count++];
}

bool option_debugcon(struct parsing *p, const char *value)
{
    struct debug_port_spec *d = new_debug_port(p);
    return d && (d->chardev = char_spec(p, "-debugcon", value));
}

static bool port_setting(struct parsing *p, struct keyvals *list, const char *key, u64 max,
                         u64 *value)
{
    const char *text = keyvals_get(list, key);
    return !text || parse_number(text, max, value, p->err);
}

static bool device_debug_exit(struct parsing *p, struct keyvals *list)
{
    struct machine_config *c = &p->options->machine;
    u64 port = 0x501, size = 2;
    if (!port_setting(p, list, "iobase", 0xffff, &port) ||
        !port_setting(p, list, "iosize", 8, &size)) {
        return false;
    }
    if (!size || port + size > 0x10000) {
        return error_set(p->err, "-device isa-debug-exit: iosize is 1 to 8, below port 10000h");
    }
    c->debug_exit = true;
    c->debug_exit_port = (u16)port;
    c->debug_exit_size = (unsigned)size;
    return true;
}

static bool device_debugcon(struct parsing *p, struct keyvals *list)
{
    const char *id = keyvals_get(list, "chardev"), *base = keyvals_get(list, "iobase");
    struct debug_port_spec *d = new_debug_port(p);
    char what[128];
    u64 port = 0;
    if (!d || (base && !parse_number(base, 0xffff, &port, p->err))) {
        return false;
    }
    if (!id) {
        return error_set(p->err, "-device isa-debugcon needs chardev=");
    }
    snprintf(what, sizeof what, "chardev:%s", id);
    d->port = (u16)port;
    d->port_given = base;
    d->chardev = keep(p, what);
    return true;
}

static bool device_serial(struct parsing *p, struct keyvals *list)
{
    const char *id = keyvals_get(list, "chardev");
    char what[128];
    snprintf(what, sizeof what, id ? "chardev:%s" : "null", id);
    return option_serial(p, what);
}

static bool device_testdev(struct parsing *p, struct keyvals *list)
{
    (void)list;
    p->options->machine.test_device = true;
    return true;
}

static bool device_vga(struct parsing *p, struct keyvals *list)
{
    (void)list;
    p->options->machine.vga = p->vga_given = true;
    return true;
}

static const char *const device_names[] = {"isa-debug-exit", "isa-debugcon", "pc-testdev",
                                           "isa-serial",     "ide-hd",       "ide-cd",
                                           "floppy",         "VGA",          NULL};
static const char *const device_keys[] = {"iobase", "iosize", "chardev", "drive", "bus",
                                          "unit",   "id",     "serial",  NULL};

static bool add_device(struct parsing *p, const char *driver, struct keyvals *list)
{
    static bool (*const add[])(struct parsing *, struct keyvals *) = {
        device_debug_exit, device_debugcon, device_testdev, device_serial, NULL, NULL, NULL,
        device_vga};
    for (unsigned i = 0; device_names[i]; i++) {
        if (!strcmp(device_names[i], driver)) {
            return add[i] ? add[i](p, list) : device_drive(p, driver, list);
        }
    }
    const char *near = nearest_word(driver, device_names);
    if (near) {
        return error_set(p->err, "-device %s: there is no such device; did you mean %s?", driver,
                         near);
    }
    return error_set(
        p->err, "-device %s: this version has no such device (-device help lists them)", driver);
}

static void list_devices(struct parsing *p)
{
    for (unsigned i = 0; device_names[i]; i++) {
        puts(device_names[i]);
    }
    p->done = true;
}

bool option_device(struct parsing *p, const char *value)
{
    struct keyvals list;
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        list_devices(p);
        return true;
    }
    if (!keyvals_parse(&list, value, "driver", p->err)) {
        return false;
    }
    const char *driver = keyvals_get(&list, "driver");
    bool ok = driver ? add_device(p, driver, &list)
                     : error_set(p->err, "-device needs the name of a device");
    keyvals_get(&list, "id");
    ok = ok && keyvals_end(&list, "-device", device_keys, p->err);
    keyvals_free(&list);
    return ok;
}

bool option_global(struct parsing *p, const char *value)
{
    const char *number = NULL;
    u64 port;
    static const char *const known[] = {"isa-debugcon.iobase", "PIIX4_PM.disable_s3",
                                        "PIIX4_PM.disable_s4", NULL};
    for (unsigned i = 0; known[i]; i++) {
        size_t length = strlen(known[i]);
        if (!strncmp(value, known[i], length) && value[length] == '=') {
            number = value + length + 1;
            if (i > 0) {
                return parse_number(number, 1, &port,
                                    p->err); /* sleep states S3 and S4 are never offered */
            }
        }
    }
    if (!number) {
        const char *near = nearest_word(value, known);
        return error_set(p->err, "-global %s: there is no such property%s%s%s", value,
                         near ? "; did you mean " : "", near ? near : "", near ? "=...?" : "");
    }
    if (!parse_number(number, 0xffff, &port, p->err)) {
        return false;
    }
    p->debug_port = (u16)port;
    return true;
}

/* ---- defaults */

bool default_devices(struct parsing *p)
{
    struct options *o = p->options;
    struct machine_config *c = &o->machine;
    if (!p->no_defaults && !o->serial_count) {
        o->serial[o->serial_count++] = o->nographic ? "mon:stdio" : "null";
        if (o->nographic && !p->monitor_given) {
            o->monitor = "mon:stdio";
        }
    }
    for (unsigned i = 0; i < o->serial_count; i++) {
        c->has_serial[i] = strcmp(o->serial[i], "none");
    }
    c->has_parallel = o->parallel ? strcmp(o->parallel, "none") != 0 : !p->no_defaults;
    for (unsigned i = 0; i < o->debug_port_count; i++) {
        if (!o->debug_ports[i].port_given) {
            o->debug_ports[i].port = p->debug_port;
        }
    }
    if (!p->vga_given) {
        c->vga = !p->no_defaults;
    }
    c->graphic = !o->nographic;
    return true;
}
