/*
 * statusbar.h: the bar below the picture: ring, processor mode, speed, drives, and what the mouse
 * does.
 *
 * Nothing is told by colour alone: the ring is a lit figure with a pattern of its own, and a height
 * in the strip chart.
 */
#ifndef FRONTEND_UI_STATUSBAR_H
#define FRONTEND_UI_STATUSBAR_H

#include "frontend/ui/canvas.h"
#include "frontend/ui/status.h"

enum { STATUSBAR_HEIGHT = 24 };

/* Fills `bar`, which is STATUSBAR_HEIGHT high. `note` is written at the right end, always; what has
 * no room beside it is left out. */
void statusbar_draw(struct surface *bar, const struct font *font, const struct status *status,
                    const char *note);

#endif
