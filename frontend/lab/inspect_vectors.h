/*
 * inspect_vectors.h: what a vector is for, as far as the processor, the interrupt controllers and a PC's firmware say. Private to
 * the inspectors.
 */
#ifndef FRONTEND_LAB_INSPECT_VECTORS_H
#define FRONTEND_LAB_INSPECT_VECTORS_H

#include "frontend/machine/machine.h"

enum { VECTOR_TEXT = 80 };

/* "#GP general protection", "IRQ 1 keyboard". False: nothing is known. */
bool inspect_vector_name(const struct machine *machine, unsigned vector, char text[VECTOR_TEXT]);
/* The device on an ISA interrupt line; "" if there is none. */
const char *inspect_line_name(unsigned irq);

#endif
