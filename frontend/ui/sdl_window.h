/*
 * sdl_window.h: what the files of the window share. Private to them. All of it belongs to the
 * window's thread.
 */
#ifndef FRONTEND_UI_SDL_WINDOW_H
#define FRONTEND_UI_SDL_WINDOW_H

#include "frontend/ui/canvas.h"
#include "frontend/ui/feed.h"
#include "frontend/ui/sdl_library.h"

struct sdl_window {
    struct sdl_library sdl;
    struct feed *feed;
    SDL_Window *window;
    SDL_Surface *shadow; /* where the window's own pixels have another format */
    char name[64];
    struct font font;
    char shown_title[160];

    struct status status;
    u32 picture_width, picture_height; /* of the picture last drawn */
    bool integer, full_screen, user_sized;
    bool redraw; /* everything */

    bool grabbed, help;
    unsigned buttons; /* PS2MOUSE_*: held now, as the guest knows it */

    char message[256]; /* "" for none */
    Uint32 message_until;

    bool quit; /* the thread ends */
};

/* sdl_draw.c */
/* Brings the window up to date with the feed. */
void window_draw(struct sdl_window *w);
void window_message(struct sdl_window *w, const char *format, ...) PRINTF_LIKE(2, 3);
/* Milliseconds until something must be drawn that no event announces; -1: never. */
int window_timeout(const struct sdl_window *w);

/* sdl_input.c */
void window_event(struct sdl_window *w, const SDL_Event *event);
void window_set_grab(struct sdl_window *w, bool grabbed);
/* The keys that are ours, as lines of help, ended by NULL. */
const char *const *window_help(void);

#endif
