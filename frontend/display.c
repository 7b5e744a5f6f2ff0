/*
 * display.c: see display.h.
 */
#include "frontend/display.h"

typedef struct display *open_display(struct machine *machine, const struct options *options, struct error *err);

static const struct {
    enum display_kind kind;
    const char       *name;
    bool (*usable)(void); /* would a person see it here? */
    open_display *open;
} displays[] = {
    {DISPLAY_NONE, "none", NULL, NULL},
};

static bool open_kind(unsigned i, struct machine *m, const struct options *o, struct display **display, struct error *err)
{
    if (!displays[i].open) {
        return true;
    }
    *display = displays[i].open(m, o, err);
    return *display;
}

bool display_open(struct machine *m, const struct options *o, struct display **display, struct error *err)
{
    *display = NULL;
    for (unsigned i = 0; i < ARRAY_LEN(displays); i++) {
        bool wanted = o->display == DISPLAY_AUTO ? displays[i].usable && displays[i].usable() : displays[i].kind == o->display;
        if (wanted) {
            return open_kind(i, m, o, display, err);
        }
    }
    return o->display == DISPLAY_AUTO || error_set(err, "this build of Ringside has no such display");
}

void display_close(struct display *display)
{
    if (display) {
        display->destroy(display);
    }
}
