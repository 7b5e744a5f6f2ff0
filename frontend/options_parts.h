/*
 * options_parts.h: what the files of the command line share. Private to them.
 */
#ifndef FRONTEND_OPTIONS_PARTS_H
#define FRONTEND_OPTIONS_PARTS_H

#include "frontend/options.h"
#include "frontend/words.h"

/* What the clock of a counted run shows at first unless -rtc base= says otherwise: 2026-01-01. */
#define COUNTED_EPOCH 1767225600

/* -drive before it has a place. */
struct drive_spec {
    const char *id;
    bool placed; /* has a drive_config */
    bool none;   /* if=none: waits for a -device */
    bool has_index;
    struct drive_config drive;
};

/* What is known only while the words are read. */
struct parsing {
    struct options *options;
    struct error *err;
    struct drive_spec drives[MACHINE_DRIVES];
    unsigned drive_count;
    bool snapshot, no_defaults, boot_given, done;
    const char *media[MACHINE_DRIVES]; /* words that are no options: files */
    unsigned media_count;
    u16 debug_port; /* -global isa-debugcon.iobase */
    bool hypercalls_given;
    bool monitor_given, parallel_given, vga_given, epoch_given, clock_given;
    unsigned recorded_serials; /* those that a recording has said; others take their place */
};

/* A copy that lives as long as the options. */
const char *keep(struct parsing *p, const char *text);

/* options_storage.c */
bool option_drive(struct parsing *p, const char *value);
bool option_disk(struct parsing *p, const char *value, unsigned unit, bool cdrom);
bool option_floppy(struct parsing *p, const char *value, unsigned unit);
bool option_boot(struct parsing *p, const char *value);
bool device_drive(struct parsing *p, const char *driver, struct keyvals *list);
/* Files without an option, then places for all drives. */
bool place_drives(struct parsing *p);

/* options_clock.c */
bool option_clock(struct parsing *p, const char *value);
bool option_checkpoints(struct parsing *p, const char *value);
bool option_report(struct parsing *p, const char *value);
bool option_hypercalls(struct parsing *p, const char *value);
bool option_crossings(struct parsing *p, const char *value);
bool option_icount(struct parsing *p, const char *value);

/* options_device.c */
bool option_device(struct parsing *p, const char *value);
bool option_global(struct parsing *p, const char *value);
bool option_chardev(struct parsing *p, const char *value);
bool option_serial(struct parsing *p, const char *value);
bool option_parallel(struct parsing *p, const char *value);
bool option_monitor(struct parsing *p, const char *value);
bool option_mon(struct parsing *p, const char *value);
bool option_debugcon(struct parsing *p, const char *value);
bool option_gdb(struct parsing *p, const char *value);
/* What a machine has that was not mentioned. */
bool default_devices(struct parsing *p);

#endif
