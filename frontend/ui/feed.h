/*
 * feed.h: what passes between the machine's thread and a window's: the picture, the lab's screen and
 * the status one way, keys and mouse the other.
 *
 * The machine's thread looks at the display at regular times, copies what changed and says so; it
 * never waits for the window.
 */
#ifndef FRONTEND_UI_FEED_H
#define FRONTEND_UI_FEED_H

#include <pthread.h>

#include "devices/display/vga.h"
#include "devices/input/keys.h"
#include "frontend/lab/view.h"
#include "frontend/ui/status.h"

enum { FEED_RECTS = 32 };

enum command {
    COMMAND_KEY,
    COMMAND_RELEASE_ALL,
    COMMAND_MOUSE,
    COMMAND_CHORD, /* text: the keys' names */
    COMMAND_TYPE,  /* text */
    COMMAND_PAUSE, /* or go on */
    COMMAND_RESET,
    COMMAND_POWER_BUTTON,
    COMMAND_QUIT,
    COMMAND_LAB_KEY,  /* lab_key */
    COMMAND_LAB_ROOM, /* columns and rows that the window has for the lab; 0: it does not show it */
};

struct command_event {
    enum command kind;
    enum key key;
    bool down;
    int dx, dy, dz;
    unsigned buttons;
    u32 lab_key;
    unsigned columns, rows;
    char *text; /* malloc()ed, the receiver's */
};

/* What the window has not drawn yet. */
struct feed_news {
    struct rect damage[FEED_RECTS];
    unsigned damage_count;
    bool status, lab;
};

struct feed;

/* changed(opaque) is called, on the machine's thread, when there is news; it must not call back. */
struct feed *feed_create(struct machine *machine, void (*changed)(void *opaque), void *opaque);
/* The window's thread must have ended. Carries out what it has sent. */
void feed_destroy(struct feed *feed);

/* ---- for the window's thread */

/* Locks picture and status until feed_unlock(); what `news` tells counts as drawn. */
const struct surface *feed_lock(struct feed *feed, struct feed_news *news, struct status *status);
void feed_unlock(struct feed *feed);
/* Between these two: the lab's screen; it has no rows before there is one. */
const struct view *feed_lab(const struct feed *feed);
/* In order; too many at once are dropped, but never the last of a key's. */
void feed_send(struct feed *feed, const struct command_event *event);

#endif
