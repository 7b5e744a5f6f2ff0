/*
 * history.c: see history.h. What is kept is kept backwards: each checkpoint has the content that pages had at it, of those that
 * were written before the next one.
 */
#include "frontend/lab/history.h"

#include <inttypes.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "devices/display/vga.h"
#include "devices/storage/fdc.h"
#include "devices/storage/ide.h"
#include "frontend/lab/state.h"
#include "frontend/lab/stops.h"
#include "frontend/machine/counted.h"

/* A guest that so many timers do not wake will not wake. */
enum { ASLEEP_MAX = 100000 };
enum { CLUSTER = 4096, TIMERS_MAX = 256, IMAGES = IDE_UNITS + FDC_UNITS, REGIONS = 2 };

/* What a page or a cluster of a disk was. */
struct kept {
    struct region *region; /* NULL: of `image` */
    struct block *image;
    u64 offset;
    u8 *data; /* NULL: zeroes */
};

struct checkpoint {
    u64 count;
    i64 ns;
    struct blob state;
    unsigned timer_count;
    struct timer *timer[TIMERS_MAX];
    i64 deadline[TIMERS_MAX];
    size_t events; /* of the log, before it */
    struct kept *kept;
    size_t kept_count, kept_room;
};

/* What came from outside. */
struct entry {
    u64 count;
    i64 ns;
    struct outside_event event; /* its data is owned */
};

struct history {
    struct machine *machine;
    struct outside_watch watch;
    const struct outside_watch *next; /* who else watches */
    struct space_listener listener;
    struct checkpoint **checkpoint;
    unsigned checkpoints, room;
    struct region *region[REGIONS];
    struct block *image[IMAGES];
    u8 *image_kept[IMAGES]; /* bit per cluster: in the last checkpoint */
    struct entry *log;
    size_t log_count, log_room, log_next; /* log_next: what comes next, in the past */
    bool in_past, sleeps;
    bool trying; /* what happens now has never happened */
    unsigned requests, resets; /* from before it */
    int exit_status;
    u64 latest, next_checkpoint, target;
    i64 latest_ns;
    /* a search */
    struct region *watched;
    u64 watched_at, watched_size, found;
    bool has_found, abandoned;
    unsigned ring, ring_before;
    u64 present, stop_at;
    struct history_stats stats;
};

/* ---- keeping */

static struct checkpoint *last(const struct history *h)
{
    return h->checkpoint[h->checkpoints - 1];
}

static bool is_zero(const u8 *data, size_t size)
{
    return !data[0] && !memcmp(data, data + 1, size - 1);
}

static u64 cost(const struct kept *k)
{
    return sizeof *k + (k->data ? CLUSTER : 0);
}

static void thin(struct history *h);

/* `data`: what it was. */
static void keep(struct history *h, struct kept k, const u8 *data)
{
    struct checkpoint *c = last(h);
    if (c->kept_count == c->kept_room) {
        c->kept_room = c->kept_room * 2 + 64;
        c->kept = mem_resize(c->kept, c->kept_room * sizeof *c->kept);
    }
    if (!is_zero(data, CLUSTER)) {
        k.data = mem_check(malloc(CLUSTER));
        memcpy(k.data, data, CLUSTER);
    }
    c->kept[c->kept_count++] = k;
    h->stats.bytes += cost(&k);
    while (h->stats.bytes > h->stats.limit && h->checkpoints > 2) {
        thin(h);
    }
}

static void about_memory(void *opaque, struct region *region, u64 offset, u64 size)
{
    struct history *h = opaque;
    u64 page = offset & PAGE_MASK;
    if (region->pages[page >> PAGE_SHIFT].flags & PAGE_KEPT) {
        keep(h, (struct kept){.region = region, .offset = page}, region->host + page);
    }
    if (region == h->watched && offset < h->watched_at + h->watched_size && h->watched_at < offset + size) {
        h->found = cpu_icount(h->machine->cpu);
        h->has_found = true;
    }
}

static void ignore(void *opaque, int error)
{
    (void)opaque;
    (void)error;
}

static void about_image(void *opaque, struct block *image, u64 offset, u64 length)
{
    struct history *h = opaque;
    unsigned k = 0;
    while (h->image[k] != image) {
        k++;
    }
    for (u64 at = offset & ~(u64)(CLUSTER - 1); at < offset + length; at += CLUSTER) {
        u8 *byte = &h->image_kept[k][at / CLUSTER / 8], bit = (u8)(1u << (at / CLUSTER & 7));
        u8 data[CLUSTER] = {0};
        u64 left = block_size(image) - at;
        if (!(*byte & bit)) {
            *byte |= bit;
            block_read(image, at, data, left < CLUSTER ? left : CLUSTER, ignore, NULL);
            keep(h, (struct kept){.image = image, .offset = at}, data);
        }
    }
}

/* Nothing of it is kept in the last checkpoint: it will be, before it changes. */
static void open_kept(struct history *h, const struct kept *k)
{
    if (k->region) {
        k->region->pages[k->offset >> PAGE_SHIFT].flags |= PAGE_KEPT;
    } else {
        for (unsigned n = 0; n < IMAGES; n++) {
            if (h->image[n] == k->image) {
                h->image_kept[n][k->offset / CLUSTER / 8] &= (u8) ~(1u << (k->offset / CLUSTER & 7));
            }
        }
    }
}

static void restore(const struct history *h, const struct kept *k)
{
    static const u8 zero[CLUSTER];
    const u8 *data = k->data ? k->data : zero;
    if (!k->region) {
        u64 left = block_size(k->image) - k->offset;
        block_write(k->image, k->offset, data, left < CLUSTER ? left : CLUSTER, ignore, NULL);
        return;
    }
    u8 *page = k->region->host + k->offset;
    for (unsigned at = 0; at < PAGE_SIZE; at += 64) { /* code whose bytes are the same stays */
        if (memcmp(page + at, data + at, 64)) {
            space_written(h->machine->memory, k->region, k->offset + at, 64);
            memcpy(page + at, data + at, 64);
        }
    }
}

/* ---- checkpoints */

static void drop_kept(struct history *h, struct kept *k)
{
    h->stats.bytes -= cost(k);
    free(k->data);
}

/* The checkpoint, of which nothing is kept any more, goes. */
static void drop(struct history *h, unsigned n)
{
    struct checkpoint *c = h->checkpoint[n];
    h->stats.bytes -= c->state.size + sizeof *c;
    blob_free(&c->state);
    free(c->kept);
    free(c);
    memmove(&h->checkpoint[n], &h->checkpoint[n + 1], (h->checkpoints - n - 1) * sizeof *h->checkpoint);
    h->checkpoints--;
}

static u64 place_of(const struct kept *k)
{
    return (u64)(uintptr_t)(k->region ? (const void *)k->region : (const void *)k->image) * 31 + k->offset / CLUSTER;
}

static bool same_place(const struct kept *a, const struct kept *b)
{
    return a->region == b->region && a->image == b->image && a->offset == b->offset;
}

/* What a checkpoint keeps and the one before does not, that one keeps: there it was the same. */
static void merge_down(struct history *h, unsigned n)
{
    struct checkpoint *from = h->checkpoint[n], *to = h->checkpoint[n - 1];
    size_t slots = 64, old = to->kept_count;
    while (slots < 2 * old) {
        slots *= 2;
    }
    u32 *slot = mem_zeroed(slots, sizeof *slot); /* number of an element of `to`, from 1 on */
    for (size_t k = 0; k < old; k++) {
        size_t at = place_of(&to->kept[k]) & (slots - 1);
        while (slot[at]) {
            at = (at + 1) & (slots - 1);
        }
        slot[at] = (u32)k + 1;
    }
    to->kept_room = old + from->kept_count;
    to->kept = mem_resize(to->kept, (to->kept_room + 1) * sizeof *to->kept);
    for (size_t k = 0; k < from->kept_count; k++) {
        size_t at = place_of(&from->kept[k]) & (slots - 1);
        while (slot[at] && !same_place(&to->kept[slot[at] - 1], &from->kept[k])) {
            at = (at + 1) & (slots - 1);
        }
        if (slot[at]) {
            drop_kept(h, &from->kept[k]);
        } else {
            to->kept[to->kept_count++] = from->kept[k];
        }
    }
    free(slot);
}

/* One between others goes, where the gap is small for how long ago it was; when there are few, the oldest. */
static void thin(struct history *h)
{
    unsigned best = 0;
    double least = 0;
    for (unsigned n = 1; n + 2 < h->checkpoints; n++) {
        double gap = (double)(h->checkpoint[n + 1]->count - h->checkpoint[n - 1]->count);
        double badness = gap / (double)(last(h)->count - h->checkpoint[n]->count);
        if (!best || badness < least) {
            best = n;
            least = badness;
        }
    }
    if (best && h->checkpoints > 16) {
        merge_down(h, best);
        drop(h, best);
    } else {
        for (size_t k = 0; k < h->checkpoint[0]->kept_count; k++) {
            drop_kept(h, &h->checkpoint[0]->kept[k]);
        }
        drop(h, 0);
    }
    h->stats.dropped++;
}

static void protect_all(struct history *h)
{
    if (h->checkpoints > 1) { /* what the one before keeps was written since */
        const struct checkpoint *before = h->checkpoint[h->checkpoints - 2];
        for (size_t k = 0; k < before->kept_count; k++) {
            open_kept(h, &before->kept[k]);
        }
        return;
    }
    for (unsigned n = 0; n < REGIONS && h->region[n]; n++) {
        for (u64 page = 0; page < h->region[n]->size >> PAGE_SHIFT; page++) {
            h->region[n]->pages[page].flags |= PAGE_KEPT;
        }
    }
}

static void take_checkpoint(struct history *h)
{
    struct machine *m = h->machine;
    struct checkpoint *c = mem_zeroed(1, sizeof *c);
    if (h->checkpoints == h->room) {
        h->room = h->room * 2 + 64;
        h->checkpoint = mem_resize(h->checkpoint, h->room * sizeof(struct checkpoint *));
    }
    c->count = cpu_icount(m->cpu);
    c->ns = clock_now(m->clock);
    c->events = h->in_past ? h->log_next : h->log_count;
    c->timer_count = clock_timers(m->clock, c->timer, TIMERS_MAX);
    for (unsigned k = 0; k < c->timer_count; k++) {
        c->deadline[k] = c->timer[k]->deadline_ns;
    }
    c->state.without_buffers = true;
    state_save(m, &c->state);
    h->checkpoint[h->checkpoints++] = c;
    h->stats.bytes += c->state.size + sizeof *c;
    h->stats.taken++;
    protect_all(h);
    space_protect(m->memory);
    h->next_checkpoint = m->round_end;
    while (h->stats.bytes > h->stats.limit && h->checkpoints > 2) {
        thin(h);
    }
}

/* To the state at checkpoint n; later ones go. */
static bool return_to(struct history *h, unsigned n, struct error *err)
{
    struct machine *m = h->machine;
    for (unsigned k = 0; k < IMAGES; k++) {
        if (h->image[k]) {
            block_watch(h->image[k], NULL, NULL);
        }
    }
    h->listener.about = NULL;
    for (unsigned k = h->checkpoints; k-- > n;) {
        struct checkpoint *c = h->checkpoint[k];
        for (size_t j = 0; j < c->kept_count; j++) {
            restore(h, &c->kept[j]);
            open_kept(h, &c->kept[j]);
            drop_kept(h, &c->kept[j]);
        }
        c->kept_count = 0;
        if (k > n) {
            drop(h, k);
        }
    }
    h->listener.about = about_memory;
    for (unsigned k = 0; k < IMAGES; k++) {
        if (h->image[k]) {
            block_watch(h->image[k], about_image, h);
        }
    }
    struct checkpoint *c = last(h);
    c->state.pos = 0;
    if (!state_load(m, &c->state, err)) {
        return false;
    }
    for (unsigned k = 0; k < c->timer_count; k++) {
        timer_set(c->timer[k], c->deadline[k]);
    }
    space_protect(m->memory);
    h->log_next = c->events;
    h->next_checkpoint = m->round_end;
    h->stats.returns++;
    return true;
}

/* ---- what comes from outside */

static bool pass(void *opaque, const struct outside_event *event)
{
    struct history *h = opaque;
    return !h->in_past && !h->trying && (!h->next || h->next->pass(h->next->opaque, event));
}

static void entered(void *opaque, const struct outside_event *event)
{
    struct history *h = opaque;
    if (h->in_past) {
        return;
    }
    if (h->log_count == h->log_room) {
        h->log_room = h->log_room * 2 + 256;
        h->log = mem_resize(h->log, h->log_room * sizeof *h->log);
    }
    u8 *data = mem_check(malloc(event->size + 1));
    if (event->size) {
        memcpy(data, event->data, event->size);
    }
    struct entry *e = &h->log[h->log_count++];
    *e = (struct entry){.count = cpu_icount(h->machine->cpu), .ns = clock_now(h->machine->clock), .event = *event};
    e->event.data = data;
}

static bool is_now(const struct history *h, u64 count, i64 ns)
{
    return count == cpu_icount(h->machine->cpu) && ns == clock_now(h->machine->clock);
}

static bool due(void *opaque)
{
    struct history *h = opaque;
    if (h->trying) {
        return false;
    }
    if (!h->in_past) {
        return h->next && h->next->due(h->next->opaque);
    }
    const struct entry *e = &h->log[h->log_next];
    return h->log_next < h->log_count ? is_now(h, e->count, e->ns) : is_now(h, h->latest, h->latest_ns);
}

static void set_past(struct history *h, bool in_past)
{
    struct machine *m = h->machine;
    if (in_past == h->in_past) {
        return;
    }
    if (in_past) {
        h->latest = cpu_icount(m->cpu);
        h->latest_ns = clock_now(m->clock);
        h->sleeps = m->config.count_sleeps;
    }
    h->in_past = m->muted = in_past;
    m->config.count_sleeps = h->sleeps && !in_past;
    h->watch.closed = in_past || (h->next && h->next->closed);
}

/* When to stop for something of that moment, which has not come. */
static void stop_for(struct machine *m, u64 count)
{
    u64 now = cpu_icount(m->cpu), at = count > now ? count : now + 1; /* else the machine is about to be idle */
    m->stop_at = at < m->stop_at ? at : m->stop_at;
}

static void relive(struct history *h)
{
    struct machine *m = h->machine;
    while (h->log_next < h->log_count && is_now(h, h->log[h->log_next].count, h->log[h->log_next].ns)) {
        outside_apply(m, &h->log[h->log_next++].event);
    }
    if (h->log_next < h->log_count) {
        stop_for(m, h->log[h->log_next].count);
    } else if (is_now(h, h->latest, h->latest_ns)) {
        set_past(h, false);
    } else {
        stop_for(m, h->latest);
    }
}

static void moment(void *opaque)
{
    struct history *h = opaque;
    struct machine *m = h->machine;
    u64 now = cpu_icount(m->cpu);
    m->stop_at = ICOUNT_FOREVER;
    if (h->trying) {
        return;
    }
    if (h->in_past) {
        relive(h);
    }
    if (!h->in_past && h->next) {
        h->next->moment(h->next->opaque);
    }
    if (now >= h->next_checkpoint) {
        take_checkpoint(h);
    }
    if (h->target > now) {
        stop_for(m, h->target);
    }
}

/* ---- moments */

/* Forward. */
static bool run_to(struct history *h, u64 count, struct error *err)
{
    struct machine *m = h->machine;
    u64 from = cpu_icount(m->cpu), known = h->in_past ? h->latest : from;
    i64 wait = 0;
    unsigned asleep = 0; /* timers that came without waking it */
    h->target = count;
    moment(h);
    while (cpu_icount(m->cpu) < count && wait >= 0 && m->stop_at > cpu_icount(m->cpu) && /* it may not at a recording's end */
           asleep < ASLEEP_MAX) {
        machine_take_requests(m);
        if (m->requests & REQUEST_QUIT) {
            break;
        }
        u64 before = cpu_icount(m->cpu);
        wait = counted_run(m);
        asleep = cpu_icount(m->cpu) == before ? asleep + 1 : 0;
    }
    h->target = 0;
    h->stats.executed += (known < cpu_icount(m->cpu) ? known : cpu_icount(m->cpu)) - from;
    return cpu_icount(m->cpu) == count || error_set(err, "the machine does not come to that moment");
}

/* The last checkpoint that is not after `count`, or -1. */
static int checkpoint_before(const struct history *h, u64 count)
{
    int n = (int)h->checkpoints - 1;
    while (n >= 0 && h->checkpoint[n]->count > count) {
        n--;
    }
    return n;
}

static bool go(struct history *h, u64 count, struct error *err)
{
    struct machine *m = h->machine;
    if (count <= cpu_icount(m->cpu)) {
        int n = checkpoint_before(h, count);
        if (n < 0) {
            return error_set(err, "nothing older is kept than after %" PRIu64 " instructions", h->checkpoint[0]->count);
        }
        set_past(h, true);
        if (!return_to(h, (unsigned)n, err)) {
            return false;
        }
    }
    return run_to(h, count, err);
}

bool history_go(struct history *h, u64 count, struct error *err)
{
    machine_pause(h->machine);
    stops_suspend(h->machine, true);
    bool ok = go(h, count, err);
    stops_suspend(h->machine, false);
    return ok;
}

bool history_try(struct history *h, struct error *err)
{
    struct machine *m = h->machine;
    machine_pause(m);
    stops_suspend(m, true);
    if (!go(h, cpu_icount(m->cpu), err)) {
        stops_suspend(m, false);
        return false;
    }
    h->requests = m->requests;
    h->resets = m->resets;
    h->exit_status = m->exit_status;
    m->requests = 0;
    set_past(h, true); /* what was the latest moment stays it */
    h->trying = true;
    moment(h);
    return true;
}

bool history_end_try(struct history *h, u64 count, struct error *err)
{
    struct machine *m = h->machine;
    h->trying = false;
    m->requests = h->requests;
    m->resets = h->resets;
    m->exit_status = h->exit_status;
    bool ok = go(h, count, err);
    stops_suspend(m, false);
    return ok;
}

void history_return(struct history *h)
{
    struct machine *m = h->machine;
    unsigned requests = m->requests;
    m->requests = 0;
    stops_suspend(m, true);
    for (i64 wait = 0; h->in_past && wait >= 0 && m->stop_at > cpu_icount(m->cpu);) {
        machine_take_requests(m);
        wait = counted_run(m);
    }
    stops_suspend(m, false);
    m->requests |= requests;
}

/* ---- searches: interval by interval, from the last on. Each interval is executed up to where the search came from. */

struct search {
    void (*begin)(struct history *h);  /* the interval begins: watch */
    void (*end)(struct history *h);
    bool (*may)(struct history *h, unsigned n); /* whether it can be after checkpoint n; NULL: always */
};

static bool search_back(struct history *h, const struct search *s, history_progress *progress, void *opaque, struct error *err)
{
    u64 present = cpu_icount(h->machine->cpu), end = present;
    machine_pause(h->machine);
    for (int n; end && (n = checkpoint_before(h, end - 1)) >= 0;) {
        u64 start = h->checkpoint[n]->count;
        if (!s->may || s->may(h, (unsigned)n)) {
            h->abandoned = progress && !progress(opaque, end);
            if (h->abandoned) {
                return go(h, present, err) && error_set(err, "the search was ended");
            }
            if (!go(h, start, err)) {
                return false;
            }
            h->has_found = false;
            s->begin(h);
            bool ok = run_to(h, end, err);
            s->end(h);
            if (!ok) {
                return false;
            }
            if (h->has_found) {
                return go(h, h->found, err);
            }
        }
        end = start;
    }
    u64 oldest = h->checkpoint[0]->count;
    return go(h, present, err) &&
           error_set(err, "not since the oldest moment that is kept, after %" PRIu64 " instructions", oldest);
}

static bool search(struct history *h, const struct search *s, history_progress *progress, void *opaque, struct error *err)
{
    stops_suspend(h->machine, true);
    bool ok = search_back(h, s, progress, opaque, err);
    stops_suspend(h->machine, false);
    return ok;
}

/* Whether the page is among what checkpoint n keeps. */
static bool page_was_written(struct history *h, unsigned n)
{
    const struct checkpoint *c = h->checkpoint[n];
    for (size_t k = 0; k < c->kept_count; k++) {
        u64 at = c->kept[k].offset;
        if (c->kept[k].region == h->watched && at < h->watched_at + h->watched_size && h->watched_at < at + PAGE_SIZE) {
            return true;
        }
    }
    return false;
}

static void watch_pages(struct history *h, bool on)
{
    for (u64 at = h->watched_at & PAGE_MASK; at < h->watched_at + h->watched_size; at += PAGE_SIZE) {
        u8 *flags = &h->watched->pages[at >> PAGE_SHIFT].flags;
        *flags = (u8)(on ? *flags | PAGE_WATCHED : *flags & ~PAGE_WATCHED);
    }
    space_protect(h->machine->memory);
}

static void begin_watching(struct history *h)
{
    watch_pages(h, true);
}

static void end_watching(struct history *h)
{
    watch_pages(h, false);
}

bool history_last_write(struct history *h, paddr address, u64 size, history_progress *progress, void *opaque, struct error *err)
{
    static const struct search s = {.begin = begin_watching, .end = end_watching, .may = page_was_written};
    struct target t = space_find(h->machine->memory, address, true, false);
    if (!t.region || t.region->kind != REGION_RAM || t.left < size || !size) {
        return error_set(err, "there is no RAM at %" PRIx64, address);
    }
    h->watched_at = t.offset;
    h->watched_size = size;
    h->watched = t.region;
    bool ok = search(h, &s, progress, opaque, err);
    h->watched = NULL;
    return ok;
}

/* The processor's privilege may have changed: by the instruction that is executed, or before the next one. */
static void note_ring(void *opaque)
{
    struct history *h = opaque;
    const struct cpu *cpu = h->machine->cpu;
    u64 now = cpu_icount(cpu);
    if (h->ring_before == h->ring && cpu->cpl != h->ring && (cpu->current || now)) {
        h->found = cpu->current ? now : now - 1;
        h->has_found = true;
    }
    h->ring_before = cpu->cpl;
}

static void begin_ring(struct history *h)
{
    h->ring_before = h->machine->cpu->cpl;
    h->machine->cpu->privilege_opaque = h;
    h->machine->cpu->privilege = note_ring;
}

static void end_ring(struct history *h)
{
    h->machine->cpu->privilege = NULL;
    if (h->machine->cpu->cpl == h->ring) {
        h->found = cpu_icount(h->machine->cpu) - 1;
        h->has_found = true;
    }
}

bool history_last_ring(struct history *h, unsigned ring, history_progress *progress, void *opaque, struct error *err)
{
    static const struct search s = {.begin = begin_ring, .end = end_ring};
    h->ring = ring;
    return search(h, &s, progress, opaque, err);
}

static void begin_stops(struct history *h)
{
    stops_seek(h->machine, h->present);
}

static void end_stops(struct history *h)
{
    h->has_found = stops_found(h->machine, &h->stop_at);
    h->found = h->stop_at ? h->stop_at - 1 : 0;
}

bool history_last_stop(struct history *h, bool inclusive, bool *found, history_progress *progress, void *opaque,
                       struct error *err)
{
    static const struct search s = {.begin = begin_stops, .end = end_stops};
    struct machine *m = h->machine;
    h->present = cpu_icount(m->cpu) + inclusive;
    h->has_found = h->abandoned = false;
    *found = stops_at(m, 0) && search(h, &s, progress, opaque, err);
    if (!*found) {
        return !h->has_found && !h->abandoned && history_go(h, h->checkpoint[0]->count, err);
    }
    m->paused = false; /* nobody is told: it has been paused all the time */
    bool there = stops_come_to(m, h->stop_at);
    m->paused = true;
    return there || error_set(err, "the machine does not come to that moment");
}

/* ---- life */

static void find_images(struct history *h)
{
    struct machine *m = h->machine;
    for (unsigned k = 0; k < IMAGES; k++) {
        struct block *image = k < IDE_UNITS ? ide_image(m->ide, k) : fdc_image(m->fdc, k - IDE_UNITS);
        if (image && !block_read_only(image)) {
            h->image[k] = image;
            h->image_kept[k] = mem_zeroed(1, block_size(image) / CLUSTER / 8 + 1);
            block_watch(image, about_image, h);
        }
    }
}

void history_create(struct machine *m, u64 limit_bytes)
{
    struct history *h = mem_zeroed(1, sizeof *h);
    h->machine = m;
    h->stats.limit = limit_bytes;
    h->next = m->outside;
    h->watch = (struct outside_watch){
        .pass = pass, .moment = moment, .due = due, .entered = entered, .opaque = h, .closed = h->next && h->next->closed};
    h->listener = (struct space_listener){.about = about_memory, .opaque = h};
    h->region[0] = &m->ram;
    h->region[1] = m->vga ? vga_memory(m->vga) : NULL;
    find_images(h);
    space_listen(m->memory, &h->listener);
    m->history = h;
    m->outside = &h->watch;
    take_checkpoint(h);
}

void history_destroy(struct history *h)
{
    if (!h) {
        return;
    }
    while (h->checkpoints) {
        struct checkpoint *c = last(h);
        for (size_t k = 0; k < c->kept_count; k++) {
            drop_kept(h, &c->kept[k]);
        }
        drop(h, h->checkpoints - 1);
    }
    for (size_t k = 0; k < h->log_count; k++) {
        free((void *)(uintptr_t)h->log[k].event.data);
    }
    for (unsigned k = 0; k < IMAGES; k++) {
        free(h->image_kept[k]);
    }
    free(h->log);
    free(h->checkpoint);
    free(h);
}

struct history_stats history_stats(const struct history *h)
{
    struct history_stats s = h->stats;
    s.oldest = h->checkpoint[0]->count;
    s.now = cpu_icount(h->machine->cpu);
    s.latest = h->in_past ? h->latest : s.now;
    s.checkpoints = h->checkpoints;
    return s;
}
