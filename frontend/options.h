/*
 * options.h: the command line, in QEMU's words.
 */
#ifndef FRONTEND_OPTIONS_H
#define FRONTEND_OPTIONS_H

#include "frontend/gdb/stub.h"
#include "frontend/lab/report.h"
#include "frontend/machine/machine.h"

enum { OPTIONS_CHARDEVS = 16, OPTIONS_SYMBOLS = 16 };

enum display_kind { DISPLAY_AUTO, DISPLAY_SDL, DISPLAY_CURSES, DISPLAY_NONE };

/* -chardev, before it is opened. */
struct chardev_spec {
    const char *id, *what; /* what: as chardev_open() takes it */
    bool mux, signals;
};

struct debug_port_spec {
    u16 port;
    bool port_given;
    const char *chardev; /* as -serial takes it */
};

/* -symbols */
struct symbols_spec {
    const char *path;
    u64 offset;
};

struct options {
    struct machine_config machine; /* all but the chardevs */
    enum display_kind display;
    bool nographic, full_screen;
    const char *name; /* of the window */
    bool paused;      /* -S */
    bool lab;         /* -lab: open it at once */
    bool perf_map;    /* -perfmap */
    const char *log_items, *log_file;
    const char *record, *replay; /* files; NULL: none */
    const char *explain;         /* the same, for exceptions */
    u64 checkpoint_bytes;        /* for the past of the machine; 0: none is kept */
    struct symbols_spec symbols[OPTIONS_SYMBOLS];
    unsigned symbols_count;
    struct report_spec report; /* -report; path NULL: none */
    u64 crossings; /* noted from the start, so many kept; 0: none */
    const char *const *words;    /* the command line, for a recording */
    unsigned word_count;

    struct chardev_spec chardevs[OPTIONS_CHARDEVS];
    unsigned chardev_count;
    /* "stdio", "mon:stdio", "null", "none", "pty", "file:PATH", "chardev:ID". NULL: not given. */
    const char *serial[MACHINE_SERIALS], *parallel, *monitor;
    unsigned serial_count;
    struct debug_port_spec debug_ports[MACHINE_DEBUG_PORTS];
    unsigned debug_port_count;
    const char *gdb; /* where gdb connects: gdb/server.h, or as -serial takes it; NULL: nowhere */
    struct gdb_look gdb_look;

    char **strings; /* owned */
    unsigned string_count;
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_DONE, /* help or a version was asked for and has been printed */
    OPTIONS_BAD,  /* `err` says why */
};

enum options_result options_parse(struct options *options, int argc, char **argv,
                                  struct error *err);
void options_free(struct options *options);

#endif
