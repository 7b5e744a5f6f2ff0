/*
 * whatif_parts.h: what the files of whatif.h share.
 */
#ifndef FRONTEND_LAB_WHATIF_PARTS_H
#define FRONTEND_LAB_WHATIF_PARTS_H

#include "frontend/lab/whatif.h"

/* Makes the changes, up to the first that cannot be made. */
bool whatif_apply(struct machine *machine, const char *changes, struct error *err);

#endif
