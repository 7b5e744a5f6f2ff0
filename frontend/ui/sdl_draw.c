/*
 * sdl_draw.c: the window's contents: the picture, the lab, the status bar, and what is laid over them. Only
 * what changed is drawn and sent to the display server.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frontend/ui/sdl_window.h"
#include "frontend/ui/statusbar.h"

enum { MESSAGE_MS = 4000, LARGE_DISPLAY = 1170 /* lines */, RECTS_MAX = FEED_RECTS + 2 };

#define COLOR_SURROUND 0x000000
#define COLOR_BOX      0x1d2229
#define COLOR_EDGE     0x5b6673
#define COLOR_LETTERS  0xf2f4f7

void window_message(struct sdl_window *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->message, sizeof w->message, format, args);
    va_end(args);
    w->message_until = w->sdl.GetTicks() + MESSAGE_MS;
    w->redraw = true;
}

int window_timeout(const struct sdl_window *w)
{
    if (!w->message[0]) {
        return -1;
    }
    Sint32 left = (Sint32)(w->message_until - w->sdl.GetTicks());
    return left > 0 ? left : 0;
}

/* ---- the surface that is drawn on */

static bool is_plain(const SDL_Surface *s)
{
    return s->format->BytesPerPixel == 4 && s->format->Rmask == 0xff0000 &&
           s->format->Gmask == 0xff00 && s->format->Bmask == 0xff && !SDL_MUSTLOCK(s);
}

/* The window's own pixels, or others of the same size that are converted later. */
static SDL_Surface *drawable(struct sdl_window *w, SDL_Surface *own)
{
    if (is_plain(own)) {
        return own;
    }
    if (!w->shadow || w->shadow->w != own->w || w->shadow->h != own->h) {
        w->sdl.FreeSurface(w->shadow);
        w->shadow =
            w->sdl.CreateRGBSurfaceWithFormat(0, own->w, own->h, 32, SDL_PIXELFORMAT_RGB888);
        w->redraw = true;
    }
    return w->shadow;
}

static struct layout lay_out(const struct sdl_window *w, const SDL_Surface *s, u32 width,
                             u32 height)
{
    struct layout l = {.to = {.pixels = s->pixels,
                              .width = (u32)s->w,
                              .height = (u32)s->h,
                              .stride = (u32)s->pitch / 4}};
    bool large = l.to.height >= LARGE_DISPLAY || (w->lab_shown && w->lab_percent >= 200);
    l.bar_scale = large && l.to.width >= 1280 ? 2 : 1;
    u32 bar = STATUSBAR_HEIGHT * l.bar_scale;
    bar = bar < l.to.height ? bar : 0;
    l.bar = (struct rect){0, l.to.height - bar, l.to.width, bar};
    struct rect room = {0, 0, l.to.width, l.bar.y};
    l.lab = window_place_lab(w, &room, width, height);
    l.picture = canvas_fit(room, width, height, w->integer);
    return l;
}

/* ---- parts */

static void draw_bar(struct sdl_window *w, const struct layout *l)
{
    struct surface bar = {0};
    const char *note = w->grabbed      ? "Ctrl-Alt-G frees mouse"
                       : !w->lab_shown ? "Ctrl-Alt-H: help"
                       : w->lab_keys   ? "Keys: lab  Ctrl-Alt-K  H: help"
                                       : "Keys: guest  Ctrl-Alt-K  H: help";
    if (l->bar.height) {
        surface_resize(&bar, (l->to.width + l->bar_scale - 1) / l->bar_scale, STATUSBAR_HEIGHT);
        statusbar_draw(&bar, &w->font, &w->status, note);
        struct surface to = l->to;
        struct rect area = {0, l->bar.y, bar.width * l->bar_scale, l->bar.height};
        canvas_scaled(&to, area, &bar, (struct rect){0, 0, bar.width, bar.height});
        surface_free(&bar);
    }
}

/* Lines of text in a box; `y_percent` of the room above it. */
static void draw_box(struct sdl_window *w, const struct layout *l, const char *const *lines,
                     u32 y_percent)
{
    u32 columns = 0, rows = 0, scale = l->bar_scale;
    for (; lines[rows]; rows++) {
        u32 length = (u32)strlen(lines[rows]);
        columns = length > columns ? length : columns;
    }
    struct surface to = l->to;
    struct rect box = {0, 0, (columns + 4) * FONT_WIDTH * scale, (rows * FONT_HEIGHT + 16) * scale};
    box.x = to.width > box.width ? (to.width - box.width) / 2 : 0;
    box.y = l->bar.y > box.height ? (l->bar.y - box.height) * y_percent / 100 : 0;
    canvas_fill(&to, box, COLOR_BOX);
    canvas_frame(&to, box, COLOR_EDGE);
    for (u32 i = 0; i < rows; i++) {
        canvas_text(&to, &w->font, box.x + 2 * FONT_WIDTH * scale,
                    box.y + (8 + i * FONT_HEIGHT) * scale, scale, COLOR_LETTERS, lines[i]);
    }
}

static void draw_overlays(struct sdl_window *w, const struct layout *l)
{
    if (w->help) {
        draw_box(w, l, window_help(), 50);
    }
    if (w->message[0]) {
        draw_box(w, l, (const char *const[]){w->message, NULL}, 95);
    }
}

static void update_title(struct sdl_window *w)
{
    char title[sizeof w->shown_title];
    snprintf(title, sizeof title, "%s%sRingside%s%s", w->name, w->name[0] ? " - " : "",
             w->status.paused ? " [paused]" : "",
             w->grabbed ? " - Ctrl-Alt-G frees the mouse" : "");
    if (strcmp(title, w->shown_title)) {
        strcpy(w->shown_title, title);
        w->sdl.SetWindowTitle(w->window, title);
    }
}

/* ---- the window's size */

/* Twice as large where the display is so fine that it still fits well. */
static u32 zoom_for(struct sdl_window *w, u32 width, u32 height)
{
    SDL_Rect usable;
    int display = w->sdl.GetWindowDisplayIndex(w->window);
    if (display < 0 || w->sdl.GetDisplayUsableBounds(display, &usable)) {
        return 1;
    }
    return width * 20 <= (u32)usable.w * 7 &&
                   (height * 2 + STATUSBAR_HEIGHT) * 10 <= (u32)usable.h * 7
               ? 2
               : 1;
}

/* Moves it so that all of it is seen, where that is possible. */
static void keep_on_display(struct sdl_window *w, int width, int height)
{
    SDL_Rect usable;
    int x, y, display = w->sdl.GetWindowDisplayIndex(w->window);
    if (display < 0 || w->sdl.GetDisplayUsableBounds(display, &usable)) {
        return;
    }
    w->sdl.GetWindowPosition(w->window, &x, &y);
    int left = usable.x + usable.w - width, top = usable.y + usable.h - height;
    left = x < left ? x : left > usable.x ? left : usable.x;
    top = y < top ? y : top > usable.y ? top : usable.y;
    if (left != x || top != y) {
        w->sdl.SetWindowPosition(w->window, left, top);
    }
}

/* The window follows the picture until a person has given it a size. */
static void follow_picture(struct sdl_window *w, u32 width, u32 height)
{
    if (width == w->picture_width && height == w->picture_height) {
        return;
    }
    w->picture_width = width;
    w->picture_height = height;
    w->redraw = true;
    bool large = w->sdl.GetWindowFlags(w->window) & (SDL_WINDOW_FULLSCREEN | SDL_WINDOW_MAXIMIZED);
    if (!w->user_sized && !large && width && height) {
        u32 k = zoom_for(w, width, height), all_width = width * k, all_height = height * k;
        if (w->lab_shown) {
            window_lab_size(w, width, height, k, &all_width, &all_height);
        }
        w->sdl.SetWindowSize(w->window, (int)all_width, (int)all_height + STATUSBAR_HEIGHT);
        keep_on_display(w, (int)all_width, (int)all_height + STATUSBAR_HEIGHT);
    }
}

/* ---- the whole */

static SDL_Rect sdl_rect(struct rect r)
{
    return (SDL_Rect){(int)r.x, (int)r.y, (int)r.width, (int)r.height};
}

static void draw_all(struct sdl_window *w, const struct layout *l, const struct surface *picture)
{
    struct surface to = l->to;
    canvas_fill(&to, (struct rect){0, 0, to.width, to.height}, COLOR_SURROUND);
    canvas_scaled(&to, l->picture, picture, (struct rect){0, 0, picture->width, picture->height});
    window_draw_lab(w, l, feed_lab(w->feed));
    draw_bar(w, l);
}

/* Returns how many rectangles of the window have changed. */
static unsigned draw_changes(struct sdl_window *w, const struct layout *l,
                             const struct surface *picture, const struct feed_news *news,
                             SDL_Rect rects[RECTS_MAX])
{
    unsigned count = 0;
    struct surface to = l->to;
    for (unsigned i = 0; i < news->damage_count; i++) {
        struct rect r = canvas_scaled(&to, l->picture, picture, news->damage[i]);
        if (r.width) {
            rects[count++] = sdl_rect(r);
        }
    }
    if (news->lab && w->lab_shown) {
        window_draw_lab(w, l, feed_lab(w->feed));
        rects[count++] = sdl_rect(l->lab);
    }
    if (news->status && l->bar.height) {
        draw_bar(w, l);
        rects[count++] = sdl_rect(l->bar);
    }
    return count;
}

static void expire_message(struct sdl_window *w)
{
    if (w->message[0] && !window_timeout(w)) {
        w->message[0] = 0;
        w->redraw = true;
    }
}

void window_draw(struct sdl_window *w)
{
    struct feed_news news;
    SDL_Rect rects[RECTS_MAX];
    unsigned count = 1;
    const struct surface *picture = feed_lock(w->feed, &news, &w->status);
    expire_message(w);
    follow_picture(w, picture->width, picture->height);
    SDL_Surface *own = w->sdl.GetWindowSurface(w->window), *s = own ? drawable(w, own) : NULL;
    if (!s) {
        feed_unlock(w->feed);
        w->redraw = true; /* the window is being changed: there will be an event */
        return;
    }
    struct layout l = lay_out(w, s, picture->width, picture->height);
    if ((w->help || w->message[0]) && (news.damage_count || news.lab)) {
        w->redraw = true; /* what is laid over the picture must be drawn after it */
    }
    if (w->redraw) {
        draw_all(w, &l, picture);
        rects[0] = (SDL_Rect){0, 0, s->w, s->h};
    } else {
        count = draw_changes(w, &l, picture, &news, rects);
    }
    feed_unlock(w->feed);
    window_ask_lab(w, &l);
    if (w->redraw) {
        draw_overlays(w, &l);
    }
    w->redraw = false;
    for (unsigned i = 0; s != own && i < count; i++) {
        SDL_Rect to = rects[i];
        w->sdl.UpperBlit(s, &rects[i], own, &to);
    }
    if (count) {
        w->sdl.UpdateWindowSurfaceRects(w->window, rects, (int)count);
    }
    update_title(w);
}
