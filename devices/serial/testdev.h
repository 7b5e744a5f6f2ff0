/*
 * testdev.h: QEMU's pc-testdev, which kvm-unit-tests drive.
 */
#ifndef DEVICES_SERIAL_TESTDEV_H
#define DEVICES_SERIAL_TESTDEV_H

#include "devices/core/device.h"

enum { TESTDEV_LINES = 24 };

/* lines[n] is the wire that a write to port 2000h + n drives; NULL: not connected. */
struct device *testdev_create(struct space *ports, struct space *memory,
                              struct irq *const lines[TESTDEV_LINES]);

#endif
