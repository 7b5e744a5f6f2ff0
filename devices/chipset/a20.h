/*
 * a20.h: the gate on address line 20: whichever of its sources wrote last decides. (A PIIX3 combines the keyboard
 * controller's output with port 92h by a wire OR, so that software which knows one of the two could never close the line
 * once firmware has opened it by the other. Virtual PCs have let the last write decide for decades, and DOS relies on it.)
 * A source drives its input when it is written to, not at reset nor when a state is loaded.
 */
#ifndef DEVICES_CHIPSET_A20_H
#define DEVICES_CHIPSET_A20_H

#include "devices/core/device.h"

enum a20_source { A20_KEYBOARD, A20_PORT92, A20_SOURCES };

struct a20;

/* `out` goes to the processor: true lets line 20 through. */
struct a20 *a20_create(struct irq *out);
struct device *a20_device(struct a20 *a20);
struct irq *a20_input(struct a20 *a20, enum a20_source source);

#endif
