/*
 * port92.h: port 92h, System Control Port A of the PS/2: fast A20 and fast INIT.
 *
 * Document: IBM PS/2 Hardware Interface Technical Reference; 82371SB (PIIX3), order number
 * 290550-002, "Port 92".
 */
#ifndef DEVICES_CHIPSET_PORT92_H
#define DEVICES_CHIPSET_PORT92_H

#include "devices/core/device.h"

/* `a20` follows bit 1; `init` is pulsed when bit 0 goes from 0 to 1. */
struct device *port92_create(struct space *ports, struct irq *a20, struct irq *init);

#endif
