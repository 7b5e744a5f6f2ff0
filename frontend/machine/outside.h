/*
 * outside.h: the one place where what is outside enters a machine while it runs. Nothing else that a guest can see comes from
 * outside:
 *
 *   keys, mouse, typed text    input.c, which asks outside_pass()
 *   characters on serial ports line.c, which stands between each port and its chardev
 *   buttons: reset, power, NMI; the monitor's port accesses: below
 *   the end of the run         machine_quit()
 *   before the run, in struct machine_config: the real-time clock's time, the seed of random numbers
 *   disks, kernels, firmware   files: they must not change; what a recorded guest writes stays in an overlay
 *
 * Media are not changed while somebody records or replays. In counted time, with these things at the same moments, a machine
 * does the same again: whoever watches here can write them down, or keep out what comes and bring in what was written down.
 * tests/lint checks that nobody goes by.
 */
#ifndef FRONTEND_MACHINE_OUTSIDE_H
#define FRONTEND_MACHINE_OUTSIDE_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

struct machine;

enum outside_kind {
    OUTSIDE_KEY, /* input.c */
    OUTSIDE_RELEASE_ALL,
    OUTSIDE_MOUSE,
    OUTSIDE_TYPE,
    OUTSIDE_CHORD,
    OUTSIDE_LINE,  /* characters; the unit is the serial port */
    OUTSIDE_BREAK, /* on a serial line */
    OUTSIDE_RESET,
    OUTSIDE_POWER_BUTTON,
    OUTSIDE_NMI,
    OUTSIDE_PORT, /* struct outside_port */
    OUTSIDE_KINDS
};

struct outside_event {
    enum outside_kind kind;
    unsigned unit;
    size_t size;
    const u8 *data;
};

struct outside_watch {
    /* Something comes. False: it is not let in. */
    bool (*pass)(void *opaque, const struct outside_event *event);
    /* Counted time: at every moment at which things may come, after its timers have run. */
    void (*moment)(void *opaque);
    /* Whether something comes at this very moment: an idle guest does not sleep past it. */
    bool (*due)(void *opaque);
    void *opaque;
    /* Something has been let in. May be NULL. */
    void (*entered)(void *opaque, const struct outside_event *event);
    bool closed; /* nothing is let in: characters wait outside */
};

/* Whether what comes may enter; it does so by outside_apply(). */
bool outside_pass(struct machine *machine, const struct outside_event *event);
/* It enters. `data` may come from a damaged file. False: it is nothing that can enter now. */
bool outside_apply(struct machine *machine, const struct outside_event *event);
/* Both. */
bool outside(struct machine *machine, enum outside_kind kind, unsigned unit, const void *data, size_t size);

/* Buttons. */
void outside_reset(struct machine *machine);
void outside_power_button(struct machine *machine);
void outside_nmi(struct machine *machine);

struct outside_port {
    u16 port;
    u8 size;
    bool write;
    u32 value;
};
/* The monitor reads or writes a port. False: it may not now. */
bool outside_port(struct machine *machine, struct outside_port *access);

/* False, and why, while what happens is recorded or replayed: media cannot be changed then. */
bool outside_is_free(const struct machine *machine, const char *what, struct error *err);

/* line.c: stands before `host` (may be NULL) as serial port `unit`: output is always taken, input comes by outside(). Its owner
 * destroys it after the port. */
struct chardev;
struct chardev *line_create(struct machine *machine, unsigned unit, struct chardev *host);
bool line_input(struct chardev *line, const u8 *data, size_t size);
void line_break(struct chardev *line);

#endif
