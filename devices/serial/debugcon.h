/*
 * debugcon.h: a port that a guest may print to, as Bochs and QEMU have it.
 */
#ifndef DEVICES_SERIAL_DEBUGCON_H
#define DEVICES_SERIAL_DEBUGCON_H

#include "devices/core/device.h"
#include "devices/serial/chardev.h"

/* Usually at port E9h, or 402h for SeaBIOS' messages. Both read as E9h, by which guests find them.
 */
struct device *debugcon_create(struct space *ports, u16 port, struct chardev *chardev);

#endif
