/*
 * inspect_users.h: who uses an entry of a descriptor table: segment registers, TR and LDTR, gates, the TSS, SYSCALL and SYSENTER.
 * Private to the inspectors.
 */
#ifndef FRONTEND_LAB_INSPECT_USERS_H
#define FRONTEND_LAB_INSPECT_USERS_H

#include "frontend/lab/inspect_parts.h"

enum { USERS_GATES = 64, USERS_TEXT = 256, VECTORS = 256 };

/* What was found in the tables, gathered once for a page. */
struct users {
    const struct cpu *cpu;
    bool on; /* protected mode: selectors name descriptors */
    struct {
        bool used;
        u16 selector;
    } vector[VECTORS]; /* gates of the IDT that are present */
    struct {
        u16 at, selector;
    } gate[USERS_GATES]; /* call and task gates: where they stand, and what they name */
    unsigned gates;
    u16 tss_ss[3], tss_link, tss_ldt;
    bool tss_old; /* of 16 or 32 bits */
};

void users_gather(struct users *users, struct cpu *cpu);
/* "CS, IDT 00-1f 80, SYSCALL" for an entry's selector (RPL 0). Empty: nobody. */
void users_text(const struct users *users, u16 selector, char text[USERS_TEXT]);

/* A gate of the IDT as it lies in memory. False: beyond the limit, or not mapped. */
bool inspect_gate(struct cpu *cpu, unsigned vector, struct descriptor *d);
bool inspect_is_gate(const struct cpu *cpu, unsigned type);
/* "0-5 7 f": appends ranges of the numbers for which `is` says so, as hexadecimal of `digits`. */
void inspect_ranges(char *text, size_t size, unsigned count, int digits, bool (*is)(const void *opaque, unsigned n),
                    const void *opaque);

#endif
