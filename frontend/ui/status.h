/*
 * status.h: what a person wants to see of a running machine at a glance: the ring it is in now, its
 * speed, its drives.
 *
 * The ring is a sample: that of the instruction at which the processor was stopped to be looked at.
 */
#ifndef FRONTEND_UI_STATUS_H
#define FRONTEND_UI_STATUS_H

#include "frontend/machine/machine.h"

/* Where a sample found the processor. */
enum place {
    PLACE_RING0,
    PLACE_RING1,
    PLACE_RING2,
    PLACE_RING3,
    PLACE_SMM,
    PLACE_IDLE,
    PLACE_COUNT
};

enum lamp { LAMP_DISK, LAMP_CD, LAMP_FLOPPY, LAMP_COUNT };
enum lamp_state { LAMP_NONE /* no such drive */, LAMP_OFF, LAMP_READ, LAMP_WRITE };

enum { STATUS_HISTORY = 48 };

/* Compared as bytes: it has no padding that is not zero. */
struct status {
    u32 place;           /* enum place, the latest sample */
    char mode[16];       /* "real mode", "VM86", "32-bit", ... */
    u32 mips;            /* million instructions a second over the last interval */
    bool uncounted;      /* translated code does not count instructions: mips is unknown */
    u8 lamp[LAMP_COUNT]; /* enum lamp_state */
    u8 paused;
    u8 history[STATUS_HISTORY]; /* enum place, the latest last */
};

/* Samples into a status. All on the machine's thread. */
struct sampler {
    struct machine *machine;
    u64 icount;
    i64 at; /* host_now() of the last sample */
    u64 reads[LAMP_COUNT], writes[LAMP_COUNT];
    struct status status;
};

void sampler_init(struct sampler *sampler, struct machine *machine);
/* Call some ten times a second. True: something has changed. */
bool sampler_take(struct sampler *sampler);
const char *place_name(enum place place);

#endif
