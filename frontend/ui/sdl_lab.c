/*
 * sdl_lab.c: the lab in the window: beside the guest's picture or below it, where it has more room, or alone.
 */
#include <stdio.h>

#include "frontend/lab/theme.h"
#include "frontend/ui/sdl_window.h"

enum {
    MARGIN = 6, /* around the letters, a frame of one dot included */
    COLUMNS_LEAST = 80,
    ROWS_LEAST = 18,
    COLUMNS_ENOUGH = 160, /* more of them are of little use */
    ROWS_BELOW = 26, /* wanted below the picture */
    DECORATION = 40, /* that a window manager may add */
    FINE_LINES = 1900, /* of a display where letters are twice as large */
};

#define COLOR_FRAME 0x5b6673
#define COLOR_KEYS  0xffd166 /* the keys go here */

/* As many as the display has room for: columns, rows beside a picture or alone. */
static const u32 sizes_wanted[][2] = {{140, 46}, {140, 36}, {120, 46}, {120, 36}, {100, 46}, {100, 36}};
static const unsigned percents[] = {100, 125, 150, 175, 200, 250, 300};

/* ---- showing it */

static void need_letters(struct sdl_window *w)
{
    SDL_Rect usable;
    if (w->letters) {
        return;
    }
    w->letters = letters_create(&w->font);
    int display = w->sdl.GetWindowDisplayIndex(w->window);
    bool fine = display >= 0 && !w->sdl.GetDisplayUsableBounds(display, &usable) && usable.h >= FINE_LINES;
    w->lab_percent = fine ? 200 : 100;
    letters_set_size(w->letters, w->lab_percent);
    const char *why = letters_obstacle(w->letters);
    if (why) {
        fprintf(stderr, "ringside: the lab has no Korean letters: %s\n", why);
        window_message(w, "No Korean letters: %s", why);
    }
}

/* The window's size is looked at anew. */
static void refit(struct sdl_window *w)
{
    w->picture_width = w->picture_height = 0;
    w->redraw = true;
}

void window_show_lab(struct sdl_window *w, enum lab_shown shown)
{
    w->lab_shown = shown;
    if (shown) {
        w->lab_last = shown;
        need_letters(w);
    }
    window_set_lab_keys(w, shown != LAB_HIDDEN);
    refit(w);
}

void window_set_lab_keys(struct sdl_window *w, bool lab_keys)
{
    if (lab_keys == w->lab_keys) {
        return;
    }
    w->lab_keys = lab_keys;
    w->redraw = true;
    if (lab_keys) {
        window_set_grab(w, false);
        w->sdl.StartTextInput();
    } else {
        w->sdl.StopTextInput();
    }
    if (w->feed) {
        feed_send(w->feed, &(struct command_event){.kind = COMMAND_RELEASE_ALL});
    }
}

void window_zoom_lab(struct sdl_window *w, bool larger)
{
    unsigned n = 0;
    if (!w->lab_shown) {
        return;
    }
    while (n + 1 < ARRAY_LEN(percents) && percents[n] < w->lab_percent) {
        n++;
    }
    if (larger && n + 1 < ARRAY_LEN(percents)) {
        n++;
    } else if (!larger && n) {
        n--;
    }
    w->lab_percent = percents[n];
    letters_set_size(w->letters, w->lab_percent);
    window_message(w, "Letters of the lab: %u %%", w->lab_percent);
    refit(w);
}

void window_close_lab(struct sdl_window *w)
{
    letters_destroy(w->letters);
    w->letters = NULL;
}

/* ---- its place */

static unsigned columns_of(const struct sdl_window *w, struct rect area)
{
    return area.width > 2 * MARGIN ? (area.width - 2 * MARGIN) / letters_width(w->letters) : 0;
}

static unsigned rows_of(const struct sdl_window *w, struct rect area)
{
    return area.height > 2 * MARGIN ? (area.height - 2 * MARGIN) / letters_height(w->letters) : 0;
}

/* How good a place is; 0: too small. */
static unsigned worth(const struct sdl_window *w, struct rect area)
{
    unsigned columns = columns_of(w, area), rows = rows_of(w, area);
    columns = columns < COLUMNS_ENOUGH ? columns : COLUMNS_ENOUGH;
    return columns < COLUMNS_LEAST || rows < ROWS_LEAST ? 0 : columns * rows;
}

/* Below a picture that is made as small as it must be. */
static struct rect place_anyhow(struct rect *room)
{
    struct rect lab = *room;
    room->height = room->height * 2 / 5;
    lab.y += room->height;
    lab.height -= room->height;
    return lab;
}

struct rect window_place_lab(const struct sdl_window *w, struct rect *room, u32 width, u32 height)
{
    struct rect all = *room, none = {0};
    if (w->lab_shown == LAB_HIDDEN || !width || !height) {
        return none;
    }
    if (w->lab_shown == LAB_ALONE) {
        *room = none;
        return all;
    }
    u32 most = all.width / width < all.height / height ? all.width / width : all.height / height;
    for (u32 k = most; k; k--) {
        u32 right = width * k, under = height * k;
        struct rect beside = {right, 0, all.width - right, all.height}, below = {0, under, all.width, all.height - under};
        unsigned beside_worth = worth(w, beside), below_worth = worth(w, below);
        if (beside_worth && beside_worth >= below_worth) {
            room->width = right;
            return beside;
        }
        if (below_worth) {
            room->height = under;
            return below;
        }
    }
    return place_anyhow(room);
}

/* The picture that large, and that many columns and rows. False: it is larger than `most`. */
static bool size_with(const struct sdl_window *w, u32 picture_width, u32 picture_height, const u32 cells[2], SDL_Rect most,
                      u32 *width, u32 *height)
{
    bool both = w->lab_shown == LAB_BOTH;
    u32 lab_width = cells[0] * letters_width(w->letters) + 2 * MARGIN, cell = letters_height(w->letters);
    u32 lab_height = cells[1] * cell + 2 * MARGIN, low_height = ROWS_BELOW * cell + 2 * MARGIN;
    *width = lab_width + (both ? picture_width : 0);
    *height = both && picture_height > lab_height ? picture_height : lab_height;
    if (*width <= (u32)most.w && *height <= (u32)most.h) {
        return true;
    }
    *width = picture_width > lab_width ? picture_width : lab_width;
    *height = picture_height + low_height;
    return both && *width <= (u32)most.w && *height <= (u32)most.h;
}

void window_lab_size(struct sdl_window *w, u32 width, u32 height, u32 zoom, u32 *window_width, u32 *window_height)
{
    SDL_Rect most = {.w = 1280, .h = 960};
    int display = w->sdl.GetWindowDisplayIndex(w->window);
    if (display >= 0) {
        w->sdl.GetDisplayUsableBounds(display, &most);
    }
    most.w -= DECORATION;
    most.h -= 2 * DECORATION;
    for (u32 k = zoom; k; k--) {
        for (unsigned n = 0; n < ARRAY_LEN(sizes_wanted); n++) {
            if (size_with(w, width * k, height * k, sizes_wanted[n], most, window_width, window_height)) {
                return;
            }
        }
    }
    *window_width = (u32)most.w;
    *window_height = (u32)most.h;
}

/* ---- drawing */

void window_draw_lab(struct sdl_window *w, const struct layout *l, const struct view *page)
{
    struct surface to = l->to;
    w->lab_area = l->lab;
    if (l->lab.width <= 2 * MARGIN || l->lab.height <= 2 * MARGIN) {
        return;
    }
    struct rect inner = {l->lab.x + MARGIN, l->lab.y + MARGIN, l->lab.width - 2 * MARGIN, l->lab.height - 2 * MARGIN};
    canvas_fill(&to, l->lab, THEME_PAPER);
    letters_draw(w->letters, &to, inner, page);
    canvas_frame(&to, l->lab, w->lab_keys ? COLOR_KEYS : COLOR_FRAME);
}

void window_ask_lab(struct sdl_window *w, const struct layout *l)
{
    unsigned columns = l->lab.width ? columns_of(w, l->lab) : 0, rows = l->lab.width ? rows_of(w, l->lab) : 0;
    if (columns != w->lab_columns || rows != w->lab_rows) {
        w->lab_columns = columns;
        w->lab_rows = rows;
        feed_send(w->feed, &(struct command_event){.kind = COMMAND_LAB_ROOM, .columns = columns, .rows = rows});
    }
}

/* ---- keys */

void window_lab_text(struct sdl_window *w, const char *text)
{
    if (!w->lab_shown || !w->lab_keys || w->sdl.GetModState() & KMOD_CTRL) {
        return;
    }
    for (u32 rune; (rune = rune_next(&text));) {
        feed_send(w->feed, &(struct command_event){.kind = COMMAND_LAB_KEY, .lab_key = rune});
    }
}
