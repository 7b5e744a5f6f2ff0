/*
 * stub.h: gdb debugs the guest: gdb's remote protocol (Debugging with GDB, appendix E), what of it QEMU's stub speaks and more.
 *
 * A stub knows nothing of sockets: bytes come by gdb_input(), and go by its link. All on the machine thread, between two runs of
 * the processor. Addresses are linear ones, by the page tables of now.
 */
#ifndef FRONTEND_GDB_STUB_H
#define FRONTEND_GDB_STUB_H

#include "frontend/gdb/registers.h"
#include "frontend/machine/machine.h"

struct gdb;

struct gdb_link {
    void (*send)(void *opaque, const void *data, size_t size);
    bool (*busy)(void *opaque); /* what was sent waits to go: nothing more is taken in meanwhile */
    bool (*interrupted)(void *opaque); /* Ctrl-C waits to be taken in */
    void *opaque;
};

/* How the processor is told to gdb, from the command line. */
struct gdb_look {
    enum gdb_architecture architecture;
    bool linear; /* pc, sp and bp with the bases of their segments */
};

struct gdb *gdb_create(struct machine *machine, const struct gdb_look *look, const struct gdb_link *link);
/* The machine has ended with that status: a gdb that waits for a stop is told. NULL is nothing. */
void gdb_destroy(struct gdb *gdb, int status);

/* Somebody is there: the machine pauses, as QEMU's does. */
void gdb_opened(struct gdb *gdb);
/* He has gone, without detaching: his breakpoints go with him, and the machine stays as it is. */
void gdb_closed(struct gdb *gdb);
/* He says something, whether the machine is paused or not. Returns how much was taken: all of it, unless the link is busy. */
size_t gdb_input(struct gdb *gdb, const u8 *data, size_t size);

#endif
