/*
 * sdl.h: the machine's picture in a window (SDL2), with its keyboard and mouse.
 *
 * The window has a thread of its own, the only one that calls SDL, whose library
 * is loaded with the first window. Builds without SDL (RINGSIDE_SDL=OFF) lack this module.
 */
#ifndef FRONTEND_UI_SDL_H
#define FRONTEND_UI_SDL_H

#include "frontend/display.h"

/* The environment names a display server. */
bool sdl_usable(const struct options *options);
/*
 * NULL and `err`: SDL is not installed, there is no display to open a window on, or the machine
 * has no VGA.
 */
struct display *sdl_open(struct machine *machine, const struct options *options, struct error *err);

#endif
