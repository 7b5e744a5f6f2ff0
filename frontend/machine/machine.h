/*
 * machine.h: one PC: its parts, how it runs, and what may be asked of it from outside.
 *
 * A machine is made in two steps. machine_create() gives the clock, the main loop and the empty
 * address spaces, so that host sides (character devices) can be opened on the loop; pc_build() then
 * wires the board. All functions are for the machine's thread, but machine_quit(), which only asks,
 * may be called from signal handlers' posted work as well.
 *
 * Frontends that need to look at regular times (a window) watch a timerfd of their own on `loop`.
 */
#ifndef FRONTEND_MACHINE_MACHINE_H
#define FRONTEND_MACHINE_MACHINE_H

#include "cpu/base/clock.h"
#include "cpu/base/error.h"
#include "cpu/base/irq.h"
#include "cpu/base/loop.h"
#include "cpu/cpu.h"
#include "devices/core/device.h"
#include "devices/serial/chardev.h"
#include "devices/storage/block/block.h"
#include "frontend/machine/outside.h"
#include "mmu/phys.h"
#include "tcg/accel.h"

enum { MACHINE_SERIALS = 4, MACHINE_DRIVES = 8, MACHINE_DEBUG_PORTS = 8, MACHINE_DEVICES = 64,
       MACHINE_LINES = MACHINE_SERIALS + 1 + MACHINE_DEBUG_PORTS };

enum drive_interface { DRIVE_IDE, DRIVE_FLOPPY };

struct drive_config {
    enum drive_interface interface;
    unsigned unit; /* IDE 0..3 (-hda to -hdd), floppy 0..1 */
    bool cdrom;
    const char *path;   /* NULL: an empty drive (CD-ROM, floppy) */
    const char *serial; /* NULL: one of ours */
    struct block_options options;
};

struct debug_port {
    u16 port;
    struct chardev *chardev;
};

/* Strings and chardevs must outlive the machine. */
struct machine_config {
    u64 ram_bytes;
    struct accel_config accel;
    const char *cpu;                      /* a model's name and feature words */
    const char *bios;                     /* a file's path or name; NULL: SeaBIOS */
    const char *firmware_dirs[8];         /* searched first, in this order */
    bool vga, floppy_drive;               /* a display adapter; drive A: even without a medium */
    bool graphic;                         /* somebody looks at the display */
    const char *kernel, *initrd, *append; /* direct boot; kernel NULL: none */

    struct drive_config drives[MACHINE_DRIVES];
    unsigned drive_count;
    const char *boot_order, *boot_once; /* of the letters a, c, d, n */
    bool boot_menu;
    u32 boot_splash_ms;

    bool has_serial[MACHINE_SERIALS], has_parallel;
    struct chardev *serial[MACHINE_SERIALS], *parallel;
    struct debug_port debug_ports[MACHINE_DEBUG_PORTS];
    unsigned debug_port_count;
    bool debug_exit, test_device;
    u16 debug_exit_port;
    unsigned debug_exit_size;

    bool counted; /* guest time advances with executed instructions, each 2^count_shift ns */
    unsigned count_shift;
    bool count_sleeps; /* an idle guest's time does not run ahead of the host's */
    bool hypercalls;   /* the guest may speak to the lab: hypercall.h */
    i64 epoch; /* seconds since 1970 that the real-time clock starts with */
    bool rtc_slew;
    u8 seed[32]; /* of what is random: RDRAND, the kernel's first entropy */
    u8 uuid[16];
    bool no_reboot,
        no_shutdown; /* quit instead of a reset; pause instead of quitting at power-off */
};

enum machine_request {
    REQUEST_RESET = 1 << 0,
    REQUEST_POWER_OFF = 1 << 1,
    REQUEST_QUIT = 1 << 2,
    REQUEST_PAUSE = 1 << 3,
};

/* Told of a machine. Any function may be NULL. */
struct machine_listener {
    void (*changed)(void *opaque); /* it pauses or goes on; after a reset */
    void (*gone)(void *opaque);    /* it is being dismantled; the listener is forgotten */
    void *opaque;
    struct machine_listener *next;
};

struct crossings;
struct explainer;
struct hypercall_watch;
struct marks;
struct history;
struct lab;
struct symbols;
struct stops;
struct board; /* pc.c: what only the wiring knows */

struct machine {
    struct machine_config config;
    struct clock *clock;
    struct loop *loop;
    struct space *memory, *ports;
    struct region ram;
    struct cpu *cpu;
    struct timer perf_timer; /* the next overflow of a counter of cycles */

    /* In order of creation; reset in this order, destroyed in the reverse one. */
    struct device *devices[MACHINE_DEVICES];
    unsigned device_count;
    struct board *board;

    /* What frontends and the monitor use; NULL where the machine lacks it. */
    struct pci_bus *pci;
    struct i8259 *pic;
    struct ioapic *ioapic;
    struct lapic *lapic;
    struct i8254 *pit;
    struct mc146818 *rtc;
    struct hpet *hpet;
    struct piix4_pm *pm;
    struct device *ide, *fdc;
    struct vga *vga;
    struct input *input;

    const struct outside_watch *outside; /* who watches what comes from outside; NULL: nobody */
    struct chardev *line[MACHINE_LINES]; /* counted time: before config.serial[], then the parallel port, then debug ports */
    bool muted; /* what lines say is not passed on: it has been said */
    struct history *history; /* frontend/lab/history.h; NULL: none */
    struct crossings *crossings; /* frontend/lab/crossings.h; NULL: none */
    struct explainer *explainer; /* frontend/lab/explain.h; NULL: exceptions are not explained */
    struct marks *marks;         /* frontend/lab/marks.h; NULL: it has no hypercalls */
    struct hypercall_watch *hypercall_watch; /* hypercall.h: who listens */
    struct region hypercall_port;
    struct mapping hypercall_mapping;
    struct lab *lab;         /* frontend/lab/lab.h; NULL: it was not opened */
    struct symbols *symbols; /* frontend/lab/symbols.h; NULL: none */
    struct stops *stops;     /* frontend/lab/stops.h; NULL: none */

    /* Counted time. */
    u64 stop_at;        /* the processor stops, for a moment, when it has executed so many instructions */
    bool open;          /* it has begun to run: characters may come */
    u64 round_end;      /* counted.c */
    i64 timers_at;      /* when timers were last run */
    i64 host_from, guest_from; /* what the host's clock and the guest's were when the guest last had caught up */

    /* Running. */
    bool paused, cpu_idle; /* by the user; the processor waits for an interrupt */
    unsigned requests;     /* enum machine_request */
    unsigned resets;       /* since it was made */
    int exit_status;
    struct machine_listener *listeners;
};

struct machine *machine_create(void);
/* Takes the board apart: flushes and closes images. Chardevs are their owner's, who closes them
 * between this and machine_destroy(), which frees the loop that they hang on. */
void machine_dismantle(struct machine *machine);
void machine_destroy(struct machine *machine);

/* Builds the PC that `config` describes and resets it. False and `err`: then only
 * machine_dismantle() may follow. */
bool pc_build(struct machine *machine, const struct machine_config *config, struct error *err);
/* pc.c's half of machine_dismantle(). */
void pc_destroy(struct machine *machine);
/* pc.c's part of a reset: what is neither a device nor the processor. */
void pc_reset(struct machine *machine);

/* Runs until something asks to quit; returns the exit status. The machine starts paused if `paused`
 * is set. */
int machine_run(struct machine *machine);

/* What was asked for happens; between two calls of cpu_run(). */
void machine_take_requests(struct machine *machine);
void machine_pause(struct machine *machine);
void machine_continue(struct machine *machine);
void machine_request_reset(struct machine *machine);
/* Once the processor has come to a halt between two instructions: for who is called while it executes. */
void machine_request_pause(struct machine *machine);
/* Listeners are told in the order in which they came. The structure stays theirs. */
void machine_listen(struct machine *machine, struct machine_listener *listener);
void machine_forget(struct machine *machine, const struct machine_listener *listener);
/* Lets the processor run for as long as nobody wants anything, and timers that are due; for who cannot wait for machine_run() to do
 * so. Returns how long to wait for something to happen, in nanoseconds, negative: for ever. */
i64 machine_slice(struct machine *machine);
void machine_quit(struct machine *machine, int status);
/* Buttons: outside.h. */

/* Adds to the list of devices. Returns `device`. */
struct device *machine_add(struct machine *machine, struct device *device);

#endif
