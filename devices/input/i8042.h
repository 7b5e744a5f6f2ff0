/*
 * i8042.h: the keyboard controller of the PS/2, an 8042 at ports 60h and 64h with an auxiliary
 * port.
 *
 * Documents: IBM PS/2 Hardware Interface Technical Reference, "Keyboard/Auxiliary Device
 * Controller"; Intel UPI-41/42 for the bus buffer. Differences: the controller itself answers at
 * once (its input buffer is never seen full); passwords and the diagnostic dump do not exist.
 *
 * A byte of a device takes 300 us to arrive after the last one was read, as over the serial line:
 * old handlers read port 60h twice and expect to see the same byte.
 */
#ifndef DEVICES_INPUT_I8042_H
#define DEVICES_INPUT_I8042_H

#include "devices/core/device.h"
#include "devices/input/ps2.h"

/* The devices' ports live as long as the controller. `a20` follows the output port's bit 1, `reset`
 * is pulsed when its bit 0 goes low. */
struct device *i8042_create(struct space *ports, struct clock *clock, struct ps2_port *keyboard,
                            struct ps2_port *mouse, struct irq *irq1, struct irq *irq12,
                            struct irq *a20, struct irq *reset);

#endif
