/*
 * commands.c: the packets of one letter: registers, memory, breakpoints, threads. Debugging with GDB, E.2.
 */
#include <inttypes.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "frontend/gdb/memory.h"
#include "frontend/gdb/stub_state.h"

enum { READ_MAX = GDB_PACKET_MAX / 2 - 16 };

/* ---- registers */

static void read_all(struct gdb *g, const char *at)
{
    u8 value[GDB_REGISTER_BYTES];
    (void)at;
    for (unsigned n = 0; n < g->registers.count; n++) {
        gdb_register_read(&g->registers, n, value);
        hex_put(&g->reply, value, g->registers.table[n].bytes);
    }
}

static bool may_change(struct gdb *g, const char *what, struct error *err)
{
    return outside_is_free(g->machine, what, err);
}

static bool write_one(struct gdb *g, unsigned n, const char **at, struct error *err)
{
    u8 value[GDB_REGISTER_BYTES] = {0}, bytes = g->registers.table[n].bytes;
    return (hex_bytes(at, value, bytes) || error_set(err, "the value is not %u bytes", bytes)) &&
           gdb_register_write(&g->registers, n, value, err);
}

static void write_all(struct gdb *g, const char *at)
{
    struct error err;
    bool ok = may_change(g, "registers", &err);
    for (unsigned n = 0; ok && n < g->registers.count && *at; n++) {
        ok = write_one(g, n, &at, &err);
    }
    if (ok) {
        gdb_ok(g);
    } else {
        gdb_refuse(g, "%s", err.text);
    }
}

static void read_register(struct gdb *g, const char *at)
{
    u8 value[GDB_REGISTER_BYTES];
    u64 n;
    if (!hex_number(&at, &n) || n >= g->registers.count) {
        gdb_refuse_number(g, E_INVALID);
        return;
    }
    gdb_register_read(&g->registers, (unsigned)n, value);
    hex_put(&g->reply, value, g->registers.table[n].bytes);
}

static void write_register(struct gdb *g, const char *at)
{
    struct error err;
    u64 n;
    if (!hex_number(&at, &n) || n >= g->registers.count || *at++ != '=') {
        gdb_refuse_number(g, E_INVALID);
    } else if (!may_change(g, "registers", &err) || !write_one(g, (unsigned)n, &at, &err)) {
        gdb_refuse(g, "%s", err.text);
    } else {
        gdb_ok(g);
    }
}

/* ---- memory */

bool gdb_read_range(const char **at, u64 *address, u64 *length)
{
    if (!hex_number(at, address) || **at != ',') {
        return false;
    }
    ++*at;
    return hex_number(at, length);
}

/* Reads what m and x ask for. 0: an error has been told. */
static size_t read_range(struct gdb *g, const char *at, u8 *bytes)
{
    u64 address, length;
    if (!gdb_read_range(&at, &address, &length)) {
        gdb_refuse_number(g, E_INVALID);
        return 0;
    }
    size_t done = gdb_memory_read(g->machine->cpu, g->physical, address, bytes, length < READ_MAX ? (size_t)length : READ_MAX);
    if (!done && length) {
        gdb_refuse_number(g, E_FAULT);
    }
    return done;
}

static void read_memory(struct gdb *g, const char *at)
{
    u8 bytes[READ_MAX];
    hex_put(&g->reply, bytes, read_range(g, at, bytes));
}

static void read_binary(struct gdb *g, const char *at)
{
    u8 bytes[READ_MAX];
    size_t done = read_range(g, at, bytes);
    if (done || !g->reply.size) {
        text_put(&g->reply, "b");
        blob_put(&g->reply, bytes, done);
    }
}

static void write_bytes(struct gdb *g, u64 address, const u8 *bytes, size_t size)
{
    struct error err;
    if (!may_change(g, "memory", &err)) {
        gdb_refuse(g, "%s", err.text);
    } else if (!gdb_memory_write(g->machine->cpu, g->physical, address, bytes, size)) {
        gdb_refuse_number(g, E_FAULT);
    } else {
        gdb_ok(g);
    }
}

static void write_memory(struct gdb *g, const char *at)
{
    u8 bytes[GDB_PACKET_MAX / 2];
    u64 address, length;
    if (gdb_read_range(&at, &address, &length) && *at++ == ':' && length <= sizeof bytes && hex_bytes(&at, bytes, (size_t)length)) {
        write_bytes(g, address, bytes, (size_t)length);
    } else {
        gdb_refuse_number(g, E_INVALID);
    }
}

static void write_binary(struct gdb *g, const char *at)
{
    u64 address, length;
    if (gdb_read_range(&at, &address, &length) && *at++ == ':' &&
        length <= (u64)((const char *)g->reader.data + g->reader.size - at)) {
        write_bytes(g, address, (const u8 *)at, (size_t)length);
    } else {
        gdb_refuse_number(g, E_INVALID);
    }
}

/* ---- breakpoints: "type,address,kind" */

static bool read_point(struct gdb *g, const char *at, enum gdb_point *type, u64 *address, u64 *kind)
{
    u64 number;
    if (!hex_number(&at, &number) || *at++ != ',' || !gdb_read_range(&at, address, kind)) {
        gdb_refuse_number(g, E_INVALID);
        return false;
    }
    *type = (enum gdb_point)number;
    return number < GDB_POINT_TYPES; /* else an empty reply: not supported */
}

static void insert_point(struct gdb *g, const char *at)
{
    struct error err;
    enum gdb_point type;
    u64 address, kind;
    if (read_point(g, at, &type, &address, &kind)) {
        if (gdb_breakpoint_insert(&g->breakpoints, type, address, kind, &err)) {
            gdb_ok(g);
        } else {
            gdb_refuse(g, "%s", err.text);
        }
    }
}

static void remove_point(struct gdb *g, const char *at)
{
    enum gdb_point type;
    u64 address, kind;
    if (read_point(g, at, &type, &address, &kind)) {
        gdb_breakpoint_remove(&g->breakpoints, type, address, kind);
        gdb_ok(g);
    }
}

/* ---- threads: the processor is thread 1; 0 is any, -1 all */

static void check_thread(struct gdb *g, const char *at)
{
    u64 thread;
    if (!strcmp(at, "-1") || (hex_number(&at, &thread) && thread <= 1)) {
        gdb_ok(g);
    } else {
        gdb_refuse_number(g, E_INVALID);
    }
}

/* Hg, Hc */
static void select_thread(struct gdb *g, const char *at)
{
    check_thread(g, *at ? at + 1 : at);
}

void gdb_execute(struct gdb *g)
{
    static const struct {
        char letter;
        gdb_command *run;
    } commands[] = {
        {'?', gdb_why},          {'g', read_all},     {'G', write_all},           {'p', read_register}, {'P', write_register},
        {'m', read_memory},      {'M', write_memory}, {'x', read_binary},         {'X', write_binary},  {'Z', insert_point},
        {'z', remove_point},     {'H', select_thread}, {'T', check_thread},       {'c', gdb_continue},  {'C', gdb_continue_signal},
        {'s', gdb_step},         {'S', gdb_step_signal}, {'b', gdb_backwards},    {'D', gdb_detach},    {'k', gdb_kill},
        {'q', gdb_query},        {'Q', gdb_set},      {'v', gdb_verbose},
    };
    const char *packet = (const char *)g->reader.data;
    for (unsigned k = 0; k < ARRAY_LEN(commands); k++) {
        if (packet[0] == commands[k].letter && g->reader.size) {
            commands[k].run(g, packet + 1);
        }
    }
}
