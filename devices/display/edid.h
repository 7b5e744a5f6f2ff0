/*
 * edid.h: the monitor's description, as it would come over the display data channel.
 *
 * Document: VESA Enhanced Extended Display Identification Data, release A revision 2 (EDID 1.4).
 */
#ifndef DEVICES_DISPLAY_EDID_H
#define DEVICES_DISPLAY_EDID_H

#include "cpu/base/types.h"

enum { EDID_SIZE = 128 };

/* A digital monitor whose preferred picture is width x height at 60 Hz (8 to 4088). */
void edid_build(u8 edid[EDID_SIZE], u32 width, u32 height);

#endif
