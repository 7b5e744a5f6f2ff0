/*
 * chardev.h: the host's side of character devices: a terminal, a file, a pseudo-terminal, nothing,
 * and a multiplexer.
 *
 * A device (or the monitor) is the front of a chardev. Input comes only while the front says it can
 * take some, so none is lost. Output never blocks: it is queued, and a front that minds asks
 * chardev_writable() first; when the host has taken nothing for a second, output is dropped until
 * it does. All functions run on the machine thread, and take NULL for a chardev that is not
 * connected.
 */
#ifndef DEVICES_SERIAL_CHARDEV_H
#define DEVICES_SERIAL_CHARDEV_H

#include "cpu/base/error.h"
#include "cpu/base/loop.h"
#include "cpu/base/types.h"

enum char_event {
    CHAR_BREAK,     /* a break condition on the line */
    CHAR_FOCUS_IN,  /* the multiplexer turned to this front */
    CHAR_FOCUS_OUT, /* or away from it */
};

struct char_front {
    size_t (*can_take)(void *opaque); /* how many bytes of input, now; NULL: never any */
    void (*input)(void *opaque, const u8 *data, size_t size);
    void (*event)(void *opaque, enum char_event event); /* may be NULL */
    void (*writable)(void *opaque); /* chardev_writable() has become true; may be NULL */
    void *opaque;
};

struct chardev;

struct chardev_ops {
    size_t (*write)(struct chardev *c, const u8 *data, size_t size);
    bool (*writable)(struct chardev *c);
    void (*accept)(struct chardev *c);
    void (*destroy)(struct chardev *c);
};

struct chardev {
    const struct chardev_ops *ops;
    struct char_front front;
};

/* ---- for fronts ---- */

/* One front at a time; NULL detaches it. */
void chardev_attach(struct chardev *c, const struct char_front *front);
/* Returns how many bytes were taken; the rest is lost unless the front sends it again. */
size_t chardev_write(struct chardev *c, const void *data, size_t size);
/* False while the host lags behind: a UART then keeps its byte. */
bool chardev_writable(struct chardev *c);
/* The front can take input (again). May call front.input before it returns. */
void chardev_accept(struct chardev *c);

/* ---- for the machine ---- */

/* "null", "none", "stdio", "pty" or "file:PATH". `signals`: Ctrl-C and Ctrl-Z of a terminal act on
 * the emulator rather than being input. NULL: `err` says why. For a pty, chardev_path() names its
 * slave. */
struct chardev *chardev_open(struct loop *loop, const char *what, bool signals, struct error *err);
/* Reads from `in` and writes to `out` (either may be -1; they may be equal), and closes them if
 * `own`. */
struct chardev *chardev_fds(struct loop *loop, int in, int out, bool own);
/* The path of a pty's slave or of a file; NULL for others. */
const char *chardev_path(const struct chardev *c);
bool chardev_is_terminal(const struct chardev *c);
/* Writes what is queued, as far as the host takes it within a fifth of a second. */
void chardev_destroy(struct chardev *c);

/* Undoes the raw mode of standard input. Async-signal-safe; called by itself at exit and on fatal
 * signals whose action was the default when "stdio" was opened. */
void chardev_restore_terminal(void);

/* ---- the multiplexer: several fronts on one terminal, told apart by Ctrl-A keys ---- */

struct chardev_mux;

struct mux_keys {
    void (*quit)(void *opaque); /* Ctrl-A x; must not destroy the multiplexer at once */
    void (*save)(void *opaque); /* Ctrl-A s: write disk snapshots back; may be NULL */
    void *opaque;
};

/* Owns `host` from here on. */
struct chardev_mux *chardev_mux_create(struct chardev *host, const struct mux_keys *keys);
/* A new chardev for one front; the first one gets the input. The multiplexer owns it. NULL: there
 * are too many. */
struct chardev *chardev_mux_port(struct chardev_mux *mux);
/* Sends input to `port` from here on. */
void chardev_mux_focus(struct chardev_mux *mux, struct chardev *port);
void chardev_mux_destroy(struct chardev_mux *mux);
/* A multiplexer's port: its front speaks when it gets the focus, not before. */
bool chardev_is_shared(const struct chardev *c);

#endif
