/*
 * uart16550.h: a serial port at eight I/O ports.
 */
#ifndef DEVICES_SERIAL_UART16550_H
#define DEVICES_SERIAL_UART16550_H

#include "devices/core/device.h"
#include "devices/serial/chardev.h"

/* `chardev` may be NULL: nothing is plugged in. It must outlive the device. */
struct device *uart16550_create(struct space *ports, u16 base, struct clock *clock, struct irq *irq,
                                struct chardev *chardev);

#endif
