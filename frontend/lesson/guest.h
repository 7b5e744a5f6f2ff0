/*
 * guest.h: a lesson's program in a machine: put there before the machine has run, executed up to a condition, asked and changed.
 *
 * The program needs no firmware: it lies at 0:7C00 and is next, in real mode, with a text screen that is ready. Time is counted, so
 * what it does it does again in the same way: to be somewhere else in it is to begin again and come there.
 */
#ifndef FRONTEND_LESSON_GUEST_H
#define FRONTEND_LESSON_GUEST_H

#include "cpu/crossing.h"
#include "frontend/lesson/lesson.h"
#include "frontend/lesson/program.h"
#include "frontend/machine/machine.h"

/* Instructions that a lesson may let pass until a condition holds. */
enum { GUEST_LIMIT = 2000000 };

struct guest {
    struct machine *machine;
    const struct program *program; /* the one that is loaded */
    struct crossing_listener listener;
    bool crossed;              /* in the last step */
    struct crossing crossing;  /* what it was */
    struct crossing last;      /* the last exception or interrupt; its kind is CROSSING_KINDS when there was none */
    u32 exceptions, interrupts, crossings; /* since it began; a crossing is a change of ring here */
    unsigned ring_before;
    bool shutdown, halted; /* a triple fault; it waits for nothing that will come */
    u64 started_at;        /* instructions executed when it began */
};

/* Of a machine that is built, counted, and has not run. Its history begins here. */
bool guest_create(struct guest *guest, struct machine *machine, const struct program *program, u64 history_bytes,
                  struct error *err);
void guest_destroy(struct guest *guest);

/* As it was at the beginning, with that program. */
bool guest_restart(struct guest *guest, const struct program *program, struct error *err);
/* One instruction, or one event's delivery. False: the program has ended (guest->shutdown, guest->halted). */
bool guest_step(struct guest *guest);
/* False, and why: it does not come there. */
bool guest_run(struct guest *guest, const struct condition *until, struct error *err);

/* "$ring == 3 and dword[esp0] > 0x1000": comparisons of the monitor's expressions, in which labels of the program, names of rules
 * (GP_PRIVILEGED) and byte[], word[], dword[], qword[] of linear addresses may stand. Without a comparison: the value. */
bool guest_eval(struct guest *guest, const char *text, u64 *value, struct error *err);
/* "$eflags = $eflags | 0x3000; byte[gdt + 5] = 0xfa" */
bool guest_assign(struct guest *guest, const char *text, struct error *err);

/* The linear address of the next instruction. */
u64 guest_at(const struct guest *guest);

#endif
