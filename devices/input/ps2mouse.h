/*
 * ps2mouse.h: the PS/2 mouse, with wheel (IntelliMouse) and five buttons (IntelliMouse Explorer).
 *
 * Documents: IBM PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft, "IntelliMouse
 * with PS/2 protocol" (device IDs 3 and 4). Differences: motion arrives in the window's units, so
 * the resolution is reported but does not scale; the self test takes no time.
 */
#ifndef DEVICES_INPUT_PS2MOUSE_H
#define DEVICES_INPUT_PS2MOUSE_H

#include "devices/core/device.h"
#include "devices/input/ps2.h"

struct ps2mouse;

enum {
    PS2MOUSE_LEFT = 1,
    PS2MOUSE_RIGHT = 2,
    PS2MOUSE_MIDDLE = 4,
    PS2MOUSE_SIDE = 8,
    PS2MOUSE_EXTRA = 16,
};

struct ps2mouse *ps2mouse_create(struct clock *clock);
struct device *ps2mouse_device(struct ps2mouse *mouse);
struct ps2_port *ps2mouse_port(struct ps2mouse *mouse);

/* The only entrance of motion: dx to the right, dy down the screen, dz of the wheel towards the
 * user; `buttons` are PS2MOUSE_*, those that are held now. */
void ps2mouse_motion(struct ps2mouse *mouse, int dx, int dy, int dz, unsigned buttons);

#endif
