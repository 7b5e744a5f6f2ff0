/*
 * hypercall.h: guests speak to whoever watches the machine: cpu/hypercall.h says how. Only machines whose configuration has
 * hypercalls listen. What a guest says is a part of its run: it says the same again when the run is repeated.
 */
#ifndef FRONTEND_MACHINE_HYPERCALL_H
#define FRONTEND_MACHINE_HYPERCALL_H

#include "cpu/hypercall.h"
#include "frontend/machine/machine.h"

enum { HYPERCALL_TEXT = 120 };

struct hypercall {
    enum hypercall_function function;
    u64 argument;
    u8 ring;
    bool failed; /* of an assertion */
    char text[HYPERCALL_TEXT]; /* printable; "" if the function has none, or it cannot be read */
};

/* Who listens: in a list, machine->hypercall_watch. Called in the middle of an instruction that changes nothing: pausing and so on
 * take effect before the next one. */
struct hypercall_watch {
    void (*called)(void *opaque, const struct hypercall *call);
    void *opaque;
    struct hypercall_watch *next;
};

/* For pc_build(): the port, and the processor's wire. */
void hypercall_create(struct machine *machine);
void hypercall_destroy(struct machine *machine);
void hypercall_listen(struct machine *machine, struct hypercall_watch *watch);
void hypercall_ignore(struct machine *machine, struct hypercall_watch *watch);

#endif
