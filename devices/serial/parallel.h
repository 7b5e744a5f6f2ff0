/*
 * parallel.h: a parallel (printer) port at three I/O ports.
 */
#ifndef DEVICES_SERIAL_PARALLEL_H
#define DEVICES_SERIAL_PARALLEL_H

#include "devices/core/device.h"
#include "devices/serial/chardev.h"

/* What is printed goes to `chardev`; NULL: no printer is plugged in. */
struct device *parallel_create(struct space *ports, u16 base, struct irq *irq,
                               struct chardev *chardev);

#endif
