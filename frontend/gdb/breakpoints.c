/*
 * breakpoints.c: see breakpoints.h.
 */
#include "frontend/gdb/breakpoints.h"

#include <string.h>

/* For a breakpoint gdb says the length of an instruction of its own, which does not matter. */
static u64 watched_bytes(enum gdb_point type, u64 bytes)
{
    return type >= GDB_WRITE ? bytes : 0;
}

static struct gdb_breakpoint *find(struct gdb_breakpoints *b, enum gdb_point type, u64 address, u64 bytes)
{
    for (unsigned k = 0; k < b->count; k++) {
        struct gdb_breakpoint *p = &b->point[k];
        if (p->type == type && p->address == address && p->bytes == watched_bytes(type, bytes)) {
            return p;
        }
    }
    return NULL;
}

bool gdb_breakpoint_insert(struct gdb_breakpoints *b, enum gdb_point type, u64 address, u64 bytes, struct error *err)
{
    static const enum stop_kind kinds[GDB_POINT_TYPES] = {STOP_EXEC, STOP_EXEC, STOP_WRITE, STOP_READ, STOP_ACCESS};
    struct stop stop = STOP_OF(kinds[type]);
    if (find(b, type, address, bytes)) {
        return true;
    }
    stop.address = b->machine->cpu->long_mode ? address : (u32)address;
    stop.bytes = watched_bytes(type, bytes);
    if (b->count == STOPS_MAX) {
        return error_set(err, "there are %u breakpoints already", STOPS_MAX);
    }
    int number = stops_add(b->machine, &stop, err);
    if (!number) {
        return false;
    }
    b->point[b->count++] = (struct gdb_breakpoint){type, address, stop.bytes, number};
    return true;
}

static void drop(struct gdb_breakpoints *b, struct gdb_breakpoint *p)
{
    stops_remove(b->machine, p->stop);
    *p = b->point[--b->count];
}

void gdb_breakpoint_remove(struct gdb_breakpoints *b, enum gdb_point type, u64 address, u64 bytes)
{
    struct gdb_breakpoint *p = find(b, type, address, bytes);
    if (p) {
        drop(b, p);
    }
}

void gdb_breakpoints_clear(struct gdb_breakpoints *b)
{
    while (b->count) {
        drop(b, &b->point[b->count - 1]);
    }
}

const struct gdb_breakpoint *gdb_breakpoint_of(const struct gdb_breakpoints *b, int stop)
{
    for (unsigned k = 0; k < b->count; k++) {
        if (b->point[k].stop == stop) {
            return &b->point[k];
        }
    }
    return NULL;
}
