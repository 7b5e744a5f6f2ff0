/*
 * cmos.h: what the machine writes about itself into CMOS memory for firmware to read, as on QEMU's
 * `pc`.
 */
#ifndef FRONTEND_MACHINE_CMOS_H
#define FRONTEND_MACHINE_CMOS_H

#include "frontend/machine/machine.h"

void cmos_describe(struct machine *machine);
/* `order`: up to three of the letters a, c, d, n. */
void cmos_set_boot_order(struct machine *machine, const char *order);

#endif
