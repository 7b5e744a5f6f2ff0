/*
 * sdl_window.h: what the files of the window share. Private to them. All of it belongs to the
 * window's thread.
 */
#ifndef FRONTEND_UI_SDL_WINDOW_H
#define FRONTEND_UI_SDL_WINDOW_H

#include "frontend/ui/canvas.h"
#include "frontend/ui/feed.h"
#include "frontend/ui/letters.h"
#include "frontend/ui/sdl_library.h"

enum lab_shown { LAB_HIDDEN, LAB_BOTH /* with the guest's picture */, LAB_ALONE };

/* Where things lie in the window. */
struct layout {
    struct surface to;
    u32 bar_scale;
    struct rect picture, lab, bar;
};

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

    enum lab_shown lab_shown, lab_last; /* lab_last: when it was last shown */
    bool lab_keys;                      /* keys go to it, not to the guest */
    struct letters *letters;            /* NULL: it was not shown yet */
    unsigned lab_percent, lab_columns, lab_rows; /* of the letters; the room that was asked for */
    struct rect lab_area;               /* as last drawn */

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

/* sdl_lab.c */
void window_show_lab(struct sdl_window *w, enum lab_shown shown);
void window_set_lab_keys(struct sdl_window *w, bool lab_keys);
void window_zoom_lab(struct sdl_window *w, bool larger);
/* Gives the lab its part of `room`, and takes it away from that, for a picture of width x height. */
struct rect window_place_lab(const struct sdl_window *w, struct rect *room, u32 width, u32 height);
/* How large the window should be, without its bar. */
void window_lab_size(struct sdl_window *w, u32 width, u32 height, u32 zoom, u32 *window_width, u32 *window_height);
void window_draw_lab(struct sdl_window *w, const struct layout *l, const struct view *page);
/* Says how much room there is. */
void window_ask_lab(struct sdl_window *w, const struct layout *l);
void window_close_lab(struct sdl_window *w);
/* Typed text, for the lab. */
void window_lab_text(struct sdl_window *w, const char *text);

/* sdl_input.c */
void window_event(struct sdl_window *w, const SDL_Event *event);
void window_set_grab(struct sdl_window *w, bool grabbed);
/* The keys that are ours, as lines of help, ended by NULL. */
const char *const *window_help(void);

#endif
