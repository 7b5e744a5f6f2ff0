/*
 * display.c: see display.h.
 */
#include "frontend/display.h"

#include "frontend/ui/curses.h"
#include "frontend/ui/sdl.h"

typedef struct display *open_display(struct machine *machine, const struct options *options,
                                     struct error *err);

static const struct {
    enum display_kind kind;
    bool (*usable)(const struct options
                       *options); /* would a person see it here, without disturbing other uses? */
    open_display *open;
} displays[] = {
#ifdef RINGSIDE_SDL
    {DISPLAY_SDL, sdl_usable, sdl_open},
#endif
    {DISPLAY_CURSES, curses_usable, curses_open},
    {DISPLAY_NONE, NULL, NULL},
};

/* The first that works; without a VGA and the lab there is nothing to show. */
static void open_any(struct machine *m, const struct options *o, struct display **display)
{
    for (unsigned i = 0; (m->vga || o->lab) && !*display && i < ARRAY_LEN(displays); i++) {
        if (displays[i].open && displays[i].usable(o)) {
            *display = displays[i].open(m, o, NULL);
        }
    }
}

bool display_open(struct machine *m, const struct options *o, struct display **display,
                  struct error *err)
{
    *display = NULL;
    if (o->display == DISPLAY_AUTO) {
        open_any(m, o, display);
        return *display || !o->lab || error_set(err, "-lab needs a window or a terminal to be seen in");
    }
    for (unsigned i = 0; i < ARRAY_LEN(displays); i++) {
        if (displays[i].kind == o->display) {
            *display = displays[i].open ? displays[i].open(m, o, err) : NULL;
            if (!displays[i].open && o->lab) {
                return error_set(err, "-lab needs a window or a terminal to be seen in: leave out -display none and -nographic");
            }
            return *display || !displays[i].open;
        }
    }
    return error_set(err, "this build of Ringside has no such display");
}

void display_close(struct display *display)
{
    if (display) {
        display->destroy(display);
    }
}
