/*
 * debugexit.h: a port through which a guest ends the emulator with a status of its choice.
 */
#ifndef DEVICES_SERIAL_DEBUGEXIT_H
#define DEVICES_SERIAL_DEBUGEXIT_H

#include "devices/core/device.h"

/* A write of v calls quit(opaque, (v << 1) | 1). `size` is 1 to 8 ports; QEMU's defaults are 501h
 * and 2. */
struct device *debugexit_create(struct space *ports, u16 base, unsigned size,
                                void (*quit)(void *opaque, int status), void *opaque);

#endif
