/*
 * curses.h: VGA text, or the lab's screen, on the terminal that is the program's standard input and
 * output, which it takes over.
 *
 * Ctrl-A leads to keys of its own and to a monitor, as on a multiplexed terminal. Plain ANSI
 * (ECMA-48) sequences and UTF-8; no terminfo.
 */
#ifndef FRONTEND_UI_CURSES_H
#define FRONTEND_UI_CURSES_H

#include "frontend/display.h"

/* Standard input and output are a terminal, and nothing else uses them. */
bool curses_usable(const struct options *options);
/* NULL and `err`: no terminal, or nothing to show: no VGA, and no -lab. */
struct display *curses_open(struct machine *machine, const struct options *options,
                            struct error *err);

#endif
