/*
 * input.h: the one entrance for what a person does to the machine: keys, mouse, pasted text.
 *
 * Windows, terminals and the monitor call these functions and nothing else. Each asks outside.h whether it may.
 */
#ifndef FRONTEND_MACHINE_INPUT_H
#define FRONTEND_MACHINE_INPUT_H

#include "cpu/base/clock.h"
#include "cpu/base/error.h"
#include "cpu/base/fields.h"
#include "devices/input/keys.h"

struct ps2kbd;
struct ps2mouse;
struct input;
struct machine;
struct outside_event;

/* `machine` NULL: nobody is asked. */
struct input *input_create(struct clock *clock, struct ps2kbd *keyboard, struct ps2mouse *mouse, struct machine *machine);
void input_destroy(struct input *input);
/* Drops what waits to be typed (a reset). */
void input_reset(struct input *input);

void input_key(struct input *input, enum key key, bool down);
/* Every key goes up: the window lost the focus. */
void input_release_all(struct input *input);
/* Relative motion: dx to the right, dy down, dz of the wheel towards the user; `buttons` held now
 * (PS2MOUSE_*). */
void input_mouse(struct input *input, int dx, int dy, int dz, unsigned buttons);

/* Types `utf8` as fast as the guest takes it. Characters that a US keyboard lacks are left out.
 * False: too much waits. */
bool input_type(struct input *input, const char *utf8);
/* Presses the keys of "ctrl-alt-delete" together, and releases them after `hold_ms` of guest time.
 */
bool input_chord(struct input *input, const char *names, unsigned hold_ms, struct error *err);
/* What one of these functions has asked for happens. False: it is no such event. */
bool input_apply(struct input *input, const struct outside_event *event);
/* What waits to be typed. */
void input_save(const struct input *input, struct blob *blob);
bool input_load(struct input *input, struct blob *blob);
/* Still typing. */
bool input_busy(const struct input *input);

#endif
