/*
 * breakpoints.h: gdb's breakpoints and watchpoints (Z and z packets), as stops of the machine. No byte of the guest is changed for
 * them, so the two kinds of breakpoints differ in name only.
 */
#ifndef FRONTEND_GDB_BREAKPOINTS_H
#define FRONTEND_GDB_BREAKPOINTS_H

#include "frontend/lab/stops.h"

/* In the order of the protocol's numbers. */
enum gdb_point { GDB_SOFTWARE, GDB_HARDWARE, GDB_WRITE, GDB_READ, GDB_ACCESS, GDB_POINT_TYPES };

struct gdb_breakpoint {
    enum gdb_point type;
    u64 address, bytes;
    int stop; /* its number */
};

struct gdb_breakpoints {
    struct machine *machine;
    unsigned count;
    struct gdb_breakpoint point[STOPS_MAX];
};

/* What is there already, or is gone already, stays so. */
bool gdb_breakpoint_insert(struct gdb_breakpoints *breakpoints, enum gdb_point type, u64 address, u64 bytes, struct error *err);
void gdb_breakpoint_remove(struct gdb_breakpoints *breakpoints, enum gdb_point type, u64 address, u64 bytes);
void gdb_breakpoints_clear(struct gdb_breakpoints *breakpoints);
/* The one with that stop; NULL: it is somebody else's. */
const struct gdb_breakpoint *gdb_breakpoint_of(const struct gdb_breakpoints *breakpoints, int stop);

#endif
