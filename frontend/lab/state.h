/*
 * state.h: all that a guest can see of a machine, as bytes: to be kept, compared, and brought back.
 */
#ifndef FRONTEND_LAB_STATE_H
#define FRONTEND_LAB_STATE_H

#include "frontend/machine/machine.h"

/* A fast hash of bytes; of several pieces in turn, each from the last one's. The same on every host. */
u64 hash_bytes(u64 hash, const void *data, size_t size);

/* Everything but memory: devices, processor, time, what waits to be typed. blob->without_buffers leaves out video memory. */
void state_save(struct machine *machine, struct blob *blob);
/* Into the same machine, counted. False: damaged (the machine is then good for nothing). */
bool state_load(struct machine *machine, struct blob *blob, struct error *err);

/* Equal when the guest can see no difference, whatever executes it. */
u64 state_hash(struct machine *machine);
/* Of the processor's registers only: fast. */
u64 state_hash_registers(struct machine *machine);

#endif
