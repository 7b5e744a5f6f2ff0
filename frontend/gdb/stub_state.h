/*
 * stub_state.h: what the stub's files share. Private to them.
 */
#ifndef FRONTEND_GDB_STUB_STATE_H
#define FRONTEND_GDB_STUB_STATE_H

#include "devices/serial/chardev.h"
#include "frontend/gdb/breakpoints.h"
#include "frontend/gdb/packet.h"
#include "frontend/gdb/stub.h"
#include "frontend/monitor/monitor.h"

enum { GDB_SIGINT = 2, GDB_SIGTRAP = 5 };
/* Errors that gdb shows in its own words. */
enum { E_FAULT = 14, E_INVALID = 22 };

struct gdb {
    struct machine *machine;
    struct machine_listener listener;
    struct gdb_link link;
    struct gdb_registers registers;
    struct gdb_breakpoints breakpoints;
    struct chardev said; /* where the monitor says things on the way: O packets */
    struct monitor *monitor;
    struct gdb_reader reader;
    struct blob reply, frame; /* frame: the last one, to be sent again */
    struct blob description;
    bool attached;
    bool waiting;     /* gdb waits to hear that the machine has stopped */
    bool interrupted; /* it has asked for that */
    bool silent;      /* the present packet gets no reply, or a later one */
    bool no_ack, physical, knows_swbreak, knows_hwbreak;
    bool in_command; /* of the monitor */
};

/* ---- stub.c */

/* Sends g->reply and empties it. */
void gdb_send_reply(struct gdb *g);
/* "E.text": gdb shows it where it shows errors. */
void gdb_refuse(struct gdb *g, const char *format, ...) PRINTF_LIKE(2, 3);
/* A number of errno's where gdb shows no texts, and reads nothing else. */
void gdb_refuse_number(struct gdb *g, unsigned number);
void gdb_ok(struct gdb *g);
/* Why the machine stands still, into g->reply. */
void gdb_put_stop(struct gdb *g);

/* ---- commands.c, queries.c, run.c: `at` is what follows the name. They write g->reply, or set g->silent. */

typedef void gdb_command(struct gdb *g, const char *at);

/* Carries out the packet in g->reader. What is not known gets an empty reply. */
void gdb_execute(struct gdb *g);

/* "addr,length" */
bool gdb_read_range(const char **at, u64 *address, u64 *length);

gdb_command gdb_query, gdb_set, gdb_verbose; /* q, Q, v: queries.c */
gdb_command gdb_continue, gdb_continue_signal, gdb_step, gdb_step_signal, gdb_backwards, gdb_detach, gdb_kill, gdb_why; /* run.c */
gdb_command gdb_actions;                                                                                               /* vCont */

#endif
