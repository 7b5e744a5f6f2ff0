/*
 * sdl.c: the window's thread, its beginning and its end. See sdl.h.
 */
#include "frontend/ui/sdl.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/machine/firmware.h"
#include "frontend/ui/sdl_window.h"

enum { VGA_BIOS_MAX = 1 << 20, FIRST_WIDTH = 720, FIRST_HEIGHT = 400 + 24 };

struct sdl_display {
    struct display display;
    struct machine *machine;
    struct sdl_window window;
    bool full_screen, lab;
    pthread_t thread;
    Uint32 wake_event;
    _Atomic bool woken; /* a wake event is on its way */
    _Atomic bool stop;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t started_changed;
    enum { STARTING, STARTED, FAILED } started;
    char failure[256];
};

/* ---- the window's thread */

static void tell_started(struct sdl_display *d, bool ok)
{
    pthread_mutex_lock(&d->lock);
    d->started = ok ? STARTED : FAILED;
    if (!ok) {
        snprintf(d->failure, sizeof d->failure, "%s", d->window.sdl.GetError());
    }
    pthread_cond_signal(&d->started_changed);
    pthread_mutex_unlock(&d->lock);
}

static bool open_window(struct sdl_display *d)
{
    struct sdl_window *w = &d->window;
    w->sdl.SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    w->sdl.SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    w->sdl.SetHint(SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0");
    w->sdl.SetHint(SDL_HINT_MOUSE_RELATIVE_SCALING, "0");
    if (w->sdl.InitSubSystem(SDL_INIT_VIDEO)) {
        return false;
    }
    if (!strcmp(w->sdl.GetCurrentVideoDriver(), "x11")) {
        w->sdl.SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION,
                       "0"); /* small damage goes straight to shared memory */
    }
    w->sdl.EnableScreenSaver();
    d->wake_event = w->sdl.RegisterEvents(1);
    w->window = w->sdl.CreateWindow(
        "Ringside", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, FIRST_WIDTH, FIRST_HEIGHT,
        SDL_WINDOW_RESIZABLE | (d->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0));
    if (!w->window) {
        w->sdl.QuitSubSystem(SDL_INIT_VIDEO);
        return false;
    }
    w->sdl.SetWindowMinimumSize(w->window, 320, 224);
    w->sdl.StopTextInput(); /* keys, not letters */
    if (d->lab) {
        window_show_lab(w, LAB_BOTH);
    }
    return true;
}

/* SDL's connections stay until the program ends. It wakes this thread by a message to the window, on an X connection of its own
 * (SDL 2.26); when X takes one only after the window has gone, closing that connection would find the error, for which libX11
 * ends the program with status 1. */
static void close_window(struct sdl_window *w)
{
    window_set_grab(w, false);
    window_close_lab(w);
    w->sdl.FreeSurface(w->shadow);
    w->sdl.DestroyWindow(w->window);
}

static void run_window(struct sdl_display *d)
{
    SDL_Event event;
    while (!d->stop) {
        window_draw(&d->window);
        int some = d->window.sdl.WaitEventTimeout(&event, window_timeout(&d->window));
        d->woken = false;
        for (; some; some = d->window.sdl.PollEvent(&event)) {
            window_event(&d->window, &event);
        }
    }
}

static void *window_thread(void *opaque)
{
    struct sdl_display *d = opaque;
    bool ok = open_window(d);
    tell_started(d, ok);
    if (ok) {
        /* The feed is there once the starter knows of the window. */
        pthread_mutex_lock(&d->lock);
        while (!d->window.feed && !d->stop) {
            pthread_cond_wait(&d->started_changed, &d->lock);
        }
        pthread_mutex_unlock(&d->lock);
        run_window(d);
        pthread_mutex_lock(&d->lock); /* SDL may be waking this thread still: see join() */
        pthread_mutex_unlock(&d->lock);
        close_window(&d->window);
    }
    d->window.sdl.TLSCleanup(); /* SDL does so for its own threads only */
    return NULL;
}

/* ---- the machine's thread */

static void wake(void *opaque)
{
    struct sdl_display *d = opaque;
    if (!atomic_exchange(&d->woken, true)) {
        SDL_Event event = {.type = d->wake_event};
        d->window.sdl.PushEvent(&event);
    }
}

static void join(struct sdl_display *d)
{
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->started_changed);
    if (d->started == STARTED) {
        d->woken = false;
        wake(d);
    }
    pthread_mutex_unlock(&d->lock); /* only now may the window be closed */
    pthread_join(d->thread, NULL);
}

static void release(struct sdl_display *d)
{
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->started_changed);
    free(d);
}

static void sdl_destroy(struct display *display)
{
    struct sdl_display *d = container_of(display, struct sdl_display, display);
    join(d);
    feed_destroy(d->window.feed);
    release(d);
}

/* Letters as the guest's own firmware draws them. */
static void load_font(struct font *font, const struct machine_config *config)
{
    struct firmware_image image;
    bool found = false;
    if (firmware_load(FIRMWARE_VGA_BIOS, config->firmware_dirs, VGA_BIOS_MAX, &image, NULL)) {
        found = font_from_vga_bios(font, image.bytes, image.size);
        free(image.bytes);
    }
    if (!found) {
        font_plain(font);
    }
}

/* Signals are the machine thread's. */
static bool start_thread(struct sdl_display *d)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = !pthread_create(&d->thread, NULL, window_thread, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

static bool wait_started(struct sdl_display *d)
{
    pthread_mutex_lock(&d->lock);
    while (d->started == STARTING) {
        pthread_cond_wait(&d->started_changed, &d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return d->started == STARTED;
}

static void connect(struct sdl_display *d)
{
    struct feed *feed = feed_create(d->machine, wake, d);
    pthread_mutex_lock(&d->lock);
    d->window.feed = feed;
    pthread_cond_signal(&d->started_changed);
    pthread_mutex_unlock(&d->lock);
}

bool sdl_usable(const struct options *options)
{
    (void)options;
    static const char *const names[] = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0]) {
            return true;
        }
    }
    return false;
}

struct display *sdl_open(struct machine *m, const struct options *options, struct error *err)
{
    if (!m->vga) {
        error_set(
            err,
            "a window needs a display adapter to show: leave out -vga none, or say -display none");
        return NULL;
    }
    struct sdl_library sdl;
    if (!sdl_library_load(&sdl, err)) {
        return NULL;
    }
    struct sdl_display *d = mem_zeroed(1, sizeof *d);
    d->display.destroy = sdl_destroy;
    d->window.sdl = sdl;
    d->machine = m;
    d->full_screen = d->window.full_screen = options->full_screen;
    d->window.integer = d->window.redraw = true;
    d->lab = options->lab;
    snprintf(d->window.name, sizeof d->window.name, "%s", options->name ? options->name : "");
    load_font(&d->window.font, &m->config);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->started_changed, NULL);
    if (!start_thread(d)) {
        error_set(err, "the host has no thread for the window");
        release(d);
        return NULL;
    }
    if (!wait_started(d)) {
        error_set(err, "no window can be opened (%s); say -display none or -display curses",
                  d->failure);
        pthread_join(d->thread, NULL);
        release(d);
        return NULL;
    }
    connect(d);
    return &d->display;
}
