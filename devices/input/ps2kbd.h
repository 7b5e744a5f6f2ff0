/*
 * ps2kbd.h: the PS/2 keyboard: 101/102 keys and later ones, scancode sets 1, 2 and 3, typematic.
 *
 * Document: IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)".
 * Differences: the self test takes no time; the shift codes that a real keyboard puts around its
 * cursor keys while Num Lock is on are not sent (no system needs them, E0h tells the keys apart).
 */
#ifndef DEVICES_INPUT_PS2KBD_H
#define DEVICES_INPUT_PS2KBD_H

#include "devices/core/device.h"
#include "devices/input/keys.h"
#include "devices/input/ps2.h"

struct ps2kbd;

enum { PS2KBD_LED_SCROLL = 1, PS2KBD_LED_NUM = 2, PS2KBD_LED_CAPS = 4 };

struct ps2kbd *ps2kbd_create(struct clock *clock);
struct device *ps2kbd_device(struct ps2kbd *kbd);
struct ps2_port *ps2kbd_port(struct ps2kbd *kbd);

/* The only entrance of key presses. A key that is down already (or up already) is ignored: the
 * keyboard makes its own repetitions. */
void ps2kbd_key(struct ps2kbd *kbd, enum key key, bool down);
/* Releases every key that is down (the window lost the focus). */
void ps2kbd_release_all(struct ps2kbd *kbd);
/* Nothing waits to be read and the guest wants keys: whoever types a text sends the next key. */
bool ps2kbd_idle(const struct ps2kbd *kbd);
u8 ps2kbd_leds(const struct ps2kbd *kbd); /* PS2KBD_LED_* */

#endif
