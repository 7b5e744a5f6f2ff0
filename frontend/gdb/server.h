/*
 * server.h: where gdb connects: a TCP port, a Unix socket, or a character device (stdio, pty, -chardev). One gdb at a time.
 */
#ifndef FRONTEND_GDB_SERVER_H
#define FRONTEND_GDB_SERVER_H

#include "frontend/gdb/stub.h"

struct gdb_server;

/* `where`: "tcp:HOST:PORT" (no HOST: this host only; PORT 0: any, which is told on standard error), "unix:PATH", or anything else
 * if `chardev` is what it stands for, which stays its owner's. NULL: `err` says why. */
struct gdb_server *gdb_server_create(struct machine *machine, const char *where, struct chardev *chardev,
                                     const struct gdb_look *look, struct error *err);
/* The machine has ended with that status. NULL is nothing. */
void gdb_server_destroy(struct gdb_server *server, int status);
/* Whether `where` is a socket, not a character device. */
bool gdb_server_is_socket(const char *where);

#endif
