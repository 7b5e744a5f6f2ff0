/*
 * display.h: where the guest's screen is shown and its keys come from: one of several, chosen by
 * -display.
 *
 * A display hangs on the machine: it watches descriptors (its own, and a timerfd for refreshing) on
 * machine->loop, reads machine->vga and feeds machine->input.
 */
#ifndef FRONTEND_DISPLAY_H
#define FRONTEND_DISPLAY_H

#include "frontend/options.h"

struct display {
    void (*destroy)(struct display *display);
};

/* What -display asks for; without it a window where there is one, else the terminal, else nothing.
 * `*display` is NULL for nothing. */
bool display_open(struct machine *machine, const struct options *options, struct display **display,
                  struct error *err);
void display_close(struct display *display);

#endif
