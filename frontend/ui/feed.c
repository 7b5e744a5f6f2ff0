/*
 * feed.c: see feed.h.
 */
#include "frontend/ui/feed.h"

#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cpu/base/mem.h"
#include "frontend/lab/lab.h"
#include "frontend/machine/input.h"

/* The picture is looked at 60 times a second while it changes, and 20 times a second when it has
 * not for a second. */
enum { FAST_HZ = 60, SLOW_HZ = 20, STATUS_HZ = 10, CHORD_MS = 100, QUEUE_LIMIT = 4096 };

struct feed {
    struct machine *machine;
    void (*changed)(void *opaque);
    void *opaque;

    /* of the machine's thread */
    int timer;
    unsigned hz, quiet, since_status; /* quiet and since_status in ticks */
    struct sampler sampler;
    unsigned lab_columns, lab_rows; /* 0: nobody looks at the lab */

    pthread_mutex_t lock; /* for the picture's side */
    struct surface picture;
    struct view lab;
    struct feed_news news;
    struct status status;

    pthread_mutex_t input_lock;
    struct command_event *queue;
    unsigned count;
    bool posted;
};

/* ---- the picture */

static struct rect whole(const struct surface *s)
{
    return (struct rect){0, 0, s->width, s->height};
}

static void copy(struct surface *to, const struct surface *from, struct rect r)
{
    for (u32 y = r.y; y < r.y + r.height; y++) {
        memcpy(to->pixels + (size_t)y * to->stride + r.x,
               from->pixels + (size_t)y * from->stride + r.x, r.width * sizeof *to->pixels);
    }
}

static void add_damage(struct feed *f, struct rect r)
{
    if (f->news.damage_count == FEED_RECTS) {
        f->news.damage[0] = whole(&f->picture);
        f->news.damage_count = 1;
    } else {
        f->news.damage[f->news.damage_count++] = r;
    }
}

/* With the lock held. */
static bool take_picture(struct feed *f)
{
    struct vga *vga = f->machine->vga;
    if (!vga_update(vga)) {
        return false;
    }
    struct rect rects[FEED_RECTS];
    const struct surface *from = vga_surface(vga);
    unsigned count = vga_take_damage(vga, rects, FEED_RECTS);
    if (from->width != f->picture.width || from->height != f->picture.height) {
        surface_resize(&f->picture, from->width, from->height);
        f->news.damage_count = 0;
        rects[0] = whole(from);
        count = 1;
    }
    for (unsigned i = 0; i < count; i++) {
        copy(&f->picture, from, rects[i]);
        add_damage(f, rects[i]);
    }
    return count;
}

static bool take_status(struct feed *f)
{
    if (++f->since_status < f->hz / STATUS_HZ) {
        return false;
    }
    f->since_status = 0;
    if (!sampler_take(&f->sampler)) {
        return false;
    }
    f->status = f->sampler.status;
    f->news.status = true;
    return true;
}

/* With the lock held. */
static bool take_lab(struct feed *f)
{
    if (!f->lab_columns) {
        return false;
    }
    bool changed;
    const struct view *screen = lab_screen(lab_open(f->machine), f->lab_columns, f->lab_rows, &changed);
    if (!changed && f->lab.rows) {
        return false;
    }
    view_clear(&f->lab, screen->columns);
    view_copy(&f->lab, 0, 0, screen, 0, screen->rows, screen->columns);
    f->news.lab = true;
    return true;
}

/* ---- the timer */

static void set_rate(struct feed *f, unsigned hz)
{
    long ns = (long)NS_PER_SECOND / hz;
    struct itimerspec every = {.it_interval = {.tv_nsec = ns}, .it_value = {.tv_nsec = ns}};
    if (hz != f->hz) {
        f->hz = hz;
        f->quiet = 0;
        timerfd_settime(f->timer, 0, &every, NULL);
    }
}

static void tick(void *opaque, unsigned events)
{
    struct feed *f = opaque;
    u64 expired;
    (void)events;
    if (read(f->timer, &expired, sizeof expired) != sizeof expired) {
        return;
    }
    if (pthread_mutex_trylock(&f->lock)) {
        return; /* the window is drawing; what changes meanwhile is found at the next tick */
    }
    bool picture = take_picture(f), status = take_status(f), lab = take_lab(f);
    pthread_mutex_unlock(&f->lock);
    if (picture || status || lab) {
        f->changed(f->opaque);
    }
    f->quiet = picture ? 0 : f->quiet + 1;
    if (picture) {
        set_rate(f, FAST_HZ);
    } else if (f->quiet > FAST_HZ) {
        set_rate(f, SLOW_HZ);
    }
}

/* ---- commands */

static void toggle_pause(struct machine *m)
{
    if (m->paused) {
        machine_continue(m);
    } else {
        machine_pause(m);
    }
}

static void carry_out(struct feed *f, const struct command_event *e)
{
    struct machine *m = f->machine;
    switch (e->kind) {
    case COMMAND_KEY:
        input_key(m->input, e->key, e->down);
        break;
    case COMMAND_RELEASE_ALL:
        input_release_all(m->input);
        break;
    case COMMAND_MOUSE:
        input_mouse(m->input, e->dx, e->dy, e->dz, e->buttons);
        break;
    case COMMAND_CHORD:
        input_chord(m->input, e->text, CHORD_MS, NULL);
        break;
    case COMMAND_TYPE:
        input_type(m->input, e->text);
        break;
    case COMMAND_PAUSE:
        toggle_pause(m);
        break;
    case COMMAND_RESET:
        outside_reset(m);
        break;
    case COMMAND_POWER_BUTTON:
        outside_power_button(m);
        break;
    case COMMAND_QUIT:
        machine_quit(m, 0);
        break;
    case COMMAND_LAB_KEY:
        lab_key(lab_open(m), e->lab_key);
        break;
    case COMMAND_LAB_ROOM:
        f->lab_columns = e->columns;
        f->lab_rows = e->rows;
        break;
    }
}

/* Posted work: takes what has come so far. */
static void drain(void *opaque)
{
    struct feed *f = opaque;
    pthread_mutex_lock(&f->input_lock);
    struct command_event *queue = f->queue;
    unsigned count = f->count;
    f->queue = NULL;
    f->count = 0;
    f->posted = false;
    pthread_mutex_unlock(&f->input_lock);
    for (unsigned i = 0; i < count; i++) {
        carry_out(f, &queue[i]);
        free(queue[i].text);
    }
    free(queue);
    if (f->timer >= 0) {
        set_rate(f, FAST_HZ); /* an answer on the screen is likely */
    }
}

/* Motion with the same buttons adds up. */
static bool merge(struct command_event *last, const struct command_event *e)
{
    if (e->kind != COMMAND_MOUSE || last->kind != COMMAND_MOUSE || e->buttons != last->buttons) {
        return false;
    }
    last->dx += e->dx;
    last->dy += e->dy;
    last->dz += e->dz;
    return true;
}

static bool append(struct feed *f, const struct command_event *e)
{
    if (f->count && merge(&f->queue[f->count - 1], e)) {
        return true;
    }
    bool release = e->kind == COMMAND_RELEASE_ALL || (e->kind == COMMAND_KEY && !e->down);
    if (f->count >= QUEUE_LIMIT && !(release && f->count < 2 * QUEUE_LIMIT)) {
        return false;
    }
    if (!f->queue) {
        f->queue = mem_zeroed(2 * QUEUE_LIMIT, sizeof *f->queue);
    }
    f->queue[f->count++] = *e;
    return true;
}

void feed_send(struct feed *f, const struct command_event *e)
{
    pthread_mutex_lock(&f->input_lock);
    bool kept = append(f, e);
    bool post = kept && !f->posted;
    f->posted |= post;
    pthread_mutex_unlock(&f->input_lock);
    if (!kept) {
        free(e->text);
    }
    if (post) {
        loop_post(f->machine->loop, drain, f);
    }
}

/* ---- both */

const struct surface *feed_lock(struct feed *f, struct feed_news *news, struct status *status)
{
    pthread_mutex_lock(&f->lock);
    *news = f->news;
    *status = f->status;
    f->news.damage_count = 0;
    f->news.status = f->news.lab = false;
    return &f->picture;
}

void feed_unlock(struct feed *f)
{
    pthread_mutex_unlock(&f->lock);
}

const struct view *feed_lab(const struct feed *f)
{
    return &f->lab;
}

struct feed *feed_create(struct machine *m, void (*changed)(void *opaque), void *opaque)
{
    struct feed *f = mem_zeroed(1, sizeof *f);
    f->machine = m;
    f->changed = changed;
    f->opaque = opaque;
    f->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->input_lock, NULL);
    sampler_init(&f->sampler, m);
    f->status = f->sampler.status;
    vga_redraw(m->vga);
    take_picture(f);
    loop_watch(m->loop, f->timer, LOOP_READ, tick, f);
    set_rate(f, FAST_HZ);
    return f;
}

void feed_destroy(struct feed *f)
{
    loop_watch(f->machine->loop, f->timer, 0, NULL, NULL);
    close(f->timer);
    f->timer = -1;
    loop_dispatch(f->machine->loop, false, 0); /* a drain() may be posted */
    surface_free(&f->picture);
    view_free(&f->lab);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->input_lock);
    free(f->queue);
    free(f);
}
