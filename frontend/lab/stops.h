/*
 * stops.h: where a machine is to pause: before an instruction, after an access to memory, when the ring changes, at an interrupt,
 * an exception, a system call; and step by step.
 *
 * A stop costs nothing until it is near: only code in the page of a breakpoint is interpreted, block by block; only accesses to the
 * page of watched memory are looked at; rings and events are told by code that is seldom executed. What the guest can see does not
 * depend on stops: they may be set while a run is recorded, replayed, or in its past.
 *
 * Addresses are linear, as the processor uses them: the same memory at another linear address is not meant. A machine pauses
 *
 *   at an instruction   before it is executed, once it has been fetched: the page faults of fetching it come first. Once for all
 *                       iterations of a repeated string instruction, unless it was interrupted. Behind MOV SS and STI too. Again
 *                       when it is executed again after a fault. Not where the machine goes on from: that is left first.
 *   at memory           after the instruction, or delivery, that accesses it. Page tables that the processor walks, and devices,
 *                       do not use linear addresses, and are not seen
 *   at what happens     after it, before the next instruction: of a fault, before the first instruction of its handler
 *
 * All of it on the machine's thread, while the processor is not executing.
 */
#ifndef FRONTEND_LAB_STOPS_H
#define FRONTEND_LAB_STOPS_H

#include "cpu/crossing.h"
#include "frontend/machine/machine.h"

struct view;

enum { STOPS_MAX = 64, STOP_CONDITION = 128, STOP_BYTES_MAX = 1 << 16, STOP_ANY = -1 };

enum stop_kind {
    STOP_EXEC,
    STOP_WRITE,
    STOP_READ,
    STOP_ACCESS,
    STOP_RING,      /* CPL changes, to `ring` */
    STOP_INTERRUPT, /* `vector`; NMI too */
    STOP_EXCEPTION, /* `vector`, `rule` */
    STOP_SYSCALL,   /* SYSCALL, SYSENTER, INT n; with `vector` INT of that number only */
    STOP_TO_RING3,  /* from a lower one */
    STOP_HYPERCALL, /* `vector` is the function */
    STOP_KINDS
};

struct stop {
    enum stop_kind kind;
    vaddr address; /* STOP_EXEC, _WRITE, _READ, _ACCESS */
    u64 bytes;     /* of memory; 0 is 1 */
    int ring, vector, rule;         /* STOP_ANY: any. A rule is one of enum rule */
    char condition[STOP_CONDITION]; /* an expression that must not be 0, as the monitor takes it; "": none */
    u64 ignore;                     /* so many times it does not pause */
    bool once;                      /* it goes when it has paused the machine */
    /* told */
    int number;
    u64 hits;
};

/* Any of that kind, without an address. */
#define STOP_OF(kind_) ((struct stop){.kind = (kind_), .ring = STOP_ANY, .vector = STOP_ANY, .rule = STOP_ANY})

/* Returns its number, from 1 on; 0: `err` says why not. */
int stops_add(struct machine *machine, const struct stop *stop, struct error *err);
bool stops_remove(struct machine *machine, int number);
/* Those that there are, by age; NULL: there are not so many. */
const struct stop *stops_at(struct machine *machine, unsigned n);

/* ---- going on: the machine runs, and pauses there or at any other stop; listeners are told. When these return it has often
 * paused already; if not, it will, in machine_run(). */
/* One instruction, or the delivery of one interrupt or exception. */
void stops_step(struct machine *machine);
/* The same, but a call, INT n or repeated string instruction as a whole. */
void stops_step_over(struct machine *machine);
/* Until the present function has returned (RET, IRET and their like have been executed). */
void stops_finish(struct machine *machine);
/* Until the next of that kind, without an address. False: there are too many stops. */
bool stops_until(struct machine *machine, enum stop_kind kind, struct error *err);
/* Until the stop, once. 0 as for stops_add(). */
int stops_run_to(struct machine *machine, const struct stop *stop, struct error *err);

/* ---- why */

enum stop_why {
    WHY_NONE,     /* it runs, or was paused by somebody's wish */
    WHY_STOP,     /* a stop: `stop` */
    WHY_STEP,     /* so many steps were asked for */
    WHY_RETURNED, /* stops_finish() */
};

struct stop_reason {
    enum stop_why why;
    struct stop stop;  /* as it was set */
    u64 count;         /* instructions executed since power-on */
    /* The instruction that did it, or was interrupted or faulted. */
    u16 cs;
    u64 ip;
    unsigned ring_before, ring;
    bool crossed; /* something happened: `crossing` */
    struct crossing crossing;
    /* memory: what is watched, and up to 8 bytes of what was accessed */
    vaddr address;
    unsigned bytes;
    bool write;
    u64 before, after;
};

/* Of the last pause. */
const struct stop_reason *stops_reason(struct machine *machine);
/* One line, without a line feed. */
void stops_print_reason(struct machine *machine, char *text, size_t size);
/* Every stop, numbered. */
void stops_describe(struct machine *machine, struct view *view);
/* A stop as words: "write of 4 bytes at 00001000". */
void stop_words(const struct stop *stop, char *text, size_t size);

/* ---- for history.h, which lets the machine run for purposes of its own */

/* Nothing is asked meanwhile. */
void stops_suspend(struct machine *machine, bool suspended);
/* From now on the machine does not pause, but the last pause before so many instructions that there would be is noted. */
void stops_seek(struct machine *machine, u64 before);
/* No more; after how many instructions it would have been. False: there was none. Nothing is asked from here on. */
bool stops_found(struct machine *machine, u64 *count);
/* The machine, counted, is where it was before that pause; it comes to it again, and is paused there, for that reason. False: it
 * does not come there. */
bool stops_come_to(struct machine *machine, u64 count);

#endif
