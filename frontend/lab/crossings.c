/*
 * crossings.c: see crossings.h.
 */
#include "frontend/lab/crossings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpu/base/mem.h"
#include "frontend/lab/history.h"

/* A piece of time: 2^shift units long, from `origin` on. */
struct piece {
    u64 spent[LANES];
    u32 crossings;
};
enum { PIECES = 2048, FIRSTS = 128 };
struct pieces {
    u64 origin;
    unsigned shift;
    struct piece piece[PIECES];
};

struct crossings {
    struct machine *machine;
    struct crossing_listener listener;
    bool running;
    size_t capacity;
    struct crossing_record *record; /* number n is at n % capacity */
    u64 count, oldest;
    u64 next;     /* the next one to come: below `count` only in the past */
    u64 returns;  /* times that the machine had gone back when somebody last looked */
    u64 began[UNITS], last[UNITS];
    u8 lane; /* since the last one */
    enum crossings_unit unit;
    struct crossings_stats stats;
    struct pieces pieces;
    struct crossing_record first[FIRSTS];
    unsigned firsts;
};

/* ---- time */

static void now(const struct crossings *c, u64 at[UNITS])
{
    const struct machine *m = c->machine;
    at[UNIT_INSTRUCTIONS] = m->config.counted && m->cpu ? cpu_icount(m->cpu) : 0;
    at[UNIT_NS] = (u64)clock_now(m->clock);
}

enum crossings_lane crossings_lane_of(const struct crossing_point *p)
{
    return p->smm ? LANE_SMM : p->halted ? LANE_IDLE : (enum crossings_lane)(LANE_RING0 + (p->ring & 3));
}

const char *crossings_lane_name(unsigned lane)
{
    static const char *const names[LANES] = {"ring 0", "ring 1", "ring 2", "ring 3", "SMM", "halted"};
    return names[lane];
}

/* ---- pieces */

static void halve(struct pieces *p)
{
    for (unsigned n = 0; n < PIECES / 2; n++) {
        struct piece a = p->piece[2 * n], b = p->piece[2 * n + 1];
        for (unsigned l = 0; l < LANES; l++) {
            a.spent[l] += b.spent[l];
        }
        a.crossings += b.crossings;
        p->piece[n] = a;
    }
    memset(&p->piece[PIECES / 2], 0, sizeof p->piece / 2);
    p->shift++;
}

/* Adds what was spent in a lane from `first` to `last`, and a crossing at `last`; or takes it away again. */
static void account(struct pieces *p, unsigned lane, u64 first, u64 last, bool take)
{
    u64 a = first - p->origin, b = last - p->origin;
    while (b >> p->shift >= PIECES) {
        halve(p);
    }
    p->piece[b >> p->shift].crossings += take ? ~(u32)0 : 1;
    for (u64 at = a; at < b;) {
        u64 end = ((at >> p->shift) + 1) << p->shift, part = (end < b ? end : b) - at;
        p->piece[at >> p->shift].spent[lane] += take ? ~part + 1 : part;
        at += part;
    }
}

/* ---- noting */

static bool changes_ring(const struct crossing *c)
{
    return c->from.ring != c->to.ring || c->from.smm != c->to.smm;
}

static void count_one(struct crossings_stats *s, const struct crossing_record *r, bool take)
{
    const struct crossing *c = &r->crossing;
    u64 one = take ? ~(u64)0 : 1;
    s->kinds[c->kind] += one;
    if (c->kind == CROSSING_EXCEPTION) {
        s->exceptions[c->vector & 31] += one;
    } else if (c->kind == CROSSING_IRQ || c->kind == CROSSING_INT) {
        (c->kind == CROSSING_IRQ ? s->interrupts : s->calls)[c->vector] += one;
    }
    if (changes_ring(c)) {
        s->changes += one;
    }
    for (unsigned u = 0; u < UNITS; u++) {
        s->spent[u][r->lane] += take ? ~r->spent[u] + 1 : r->spent[u];
    }
}

static struct crossing_record *place(const struct crossings *c, u64 number)
{
    return &c->record[number % c->capacity];
}

static bool same_sort(const struct crossing *a, const struct crossing *b)
{
    return a->kind == b->kind && a->vector == b->vector && (a->kind != CROSSING_MODE || a->to.mode == b->to.mode);
}

static u64 moment(const struct crossings *c, const struct crossing_record *r)
{
    return r->at[c->unit];
}

static void note_first(struct crossings *c, const struct crossing_record *r)
{
    for (unsigned n = c->firsts; n-- > 0;) {
        if (same_sort(&c->first[n].crossing, &r->crossing)) {
            return;
        }
    }
    if (c->firsts < FIRSTS) {
        c->first[c->firsts++] = *r;
    }
}

/* What was counted of one may be the first of its sort: then its count is 1. */
static bool is_new_sort(const struct crossings *c, const struct crossing *x)
{
    const struct crossings_stats *s = &c->stats;
    switch (x->kind) {
    case CROSSING_EXCEPTION:
        return s->exceptions[x->vector & 31] == 1;
    case CROSSING_IRQ:
        return s->interrupts[x->vector] == 1;
    case CROSSING_INT:
        return s->calls[x->vector] == 1;
    default:
        return s->kinds[x->kind] == 1 || x->kind == CROSSING_MODE;
    }
}

static void begin(struct crossings *c)
{
    struct crossing_point here = crossing_here(c->machine->cpu);
    memset(&c->stats, 0, sizeof c->stats);
    memset(&c->pieces, 0, sizeof c->pieces);
    c->count = c->oldest = c->next = 0;
    c->firsts = 0;
    c->lane = (u8)crossings_lane_of(&here);
    now(c, c->began);
    memcpy(c->last, c->began, sizeof c->last);
    c->pieces.origin = c->began[c->unit];
}

/* The one that was noted last has not happened. */
static void take_back(struct crossings *c)
{
    const struct crossing_record *r = place(c, --c->count);
    count_one(&c->stats, r, true);
    account(&c->pieces, r->lane, moment(c, r) - r->spent[c->unit], moment(c, r), true);
    for (unsigned u = 0; u < UNITS; u++) {
        c->last[u] = r->at[u] - r->spent[u];
    }
    c->lane = r->lane;
    if (c->firsts && c->first[c->firsts - 1].number == r->number) {
        c->firsts--;
    }
}

static bool came_before(const struct crossing_record *r, const struct crossing *x)
{
    const struct crossing *o = &r->crossing;
    return o->kind == x->kind && o->vector == x->vector && o->count == x->count && o->from.ip == x->from.ip &&
           o->to.ip == x->to.ip && o->to.sp == x->to.sp && o->to.flags == x->to.flags;
}

/* The machine has gone back, and this is the first crossing since. */
static void find_place(struct crossings *c, u64 count)
{
    u64 low = c->oldest, high = c->count;
    while (low < high) {
        u64 middle = low + (high - low) / 2;
        if (place(c, middle)->crossing.count < count) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    c->next = low;
}

/* True: it has been noted when it happened first. */
static bool known(struct crossings *c, const struct crossing *x)
{
    const struct history *h = c->machine->history;
    u64 returns = h ? history_stats(h).returns : 0;
    if (returns != c->returns) {
        c->returns = returns;
        find_place(c, x->count);
    }
    if (x->count < c->began[UNIT_INSTRUCTIONS]) {
        return true;
    }
    if (c->next == c->count) {
        return false;
    }
    const struct crossing_record *r = place(c, c->next);
    if (came_before(r, x)) {
        c->next++;
        return true;
    }
    if (x->count < r->crossing.count && c->next == c->oldest) {
        return true; /* from before those that are kept */
    }
    while (c->count > c->next) { /* it goes another way */
        take_back(c);
    }
    return false;
}

static void crossed(void *opaque, const struct crossing *x)
{
    struct crossings *c = opaque;
    if (c->machine->history && known(c, x)) {
        return;
    }
    struct crossing_record *r = place(c, c->count);
    if (c->count - c->oldest == c->capacity) {
        c->oldest++;
    }
    r->number = c->count++;
    r->crossing = *x;
    r->lane = c->lane;
    now(c, r->at);
    if (c->machine->config.counted) {
        r->at[UNIT_INSTRUCTIONS] = x->count;
    }
    for (unsigned u = 0; u < UNITS; u++) {
        if (r->at[u] < c->last[u]) { /* it was stopped for a while, or the clock was set */
            r->at[u] = c->last[u];
        }
        r->spent[u] = r->at[u] - c->last[u];
        c->last[u] = r->at[u];
    }
    c->lane = (u8)crossings_lane_of(&x->to);
    c->next = c->count;
    count_one(&c->stats, r, false);
    account(&c->pieces, r->lane, moment(c, r) - r->spent[c->unit], moment(c, r), false);
    if (is_new_sort(c, x)) {
        note_first(c, r);
    }
}

/* ---- life */

void crossings_start(struct machine *m, size_t capacity)
{
    crossings_destroy(m);
    struct crossings *c = mem_zeroed(1, sizeof *c);
    c->machine = m;
    c->capacity = !capacity ? CROSSINGS_DEFAULT : capacity < CROSSINGS_MAX ? capacity : CROSSINGS_MAX;
    c->record = mem_check(calloc(c->capacity, sizeof *c->record));
    c->unit = m->config.counted ? UNIT_INSTRUCTIONS : UNIT_NS;
    c->listener = (struct crossing_listener){.crossed = crossed, .opaque = c};
    m->crossings = c;
    begin(c);
    crossings_resume(m);
}

void crossings_stop(struct machine *m)
{
    struct crossings *c = m->crossings;
    if (c && c->running) {
        crossing_ignore(m->cpu, &c->listener);
        c->running = false;
    }
}

void crossings_resume(struct machine *m)
{
    struct crossings *c = m->crossings;
    if (c && !c->running) {
        struct crossing_point here = crossing_here(m->cpu);
        c->returns = m->history ? history_stats(m->history).returns : 0;
        c->running = true;
        if (c->next == c->count) { /* nothing is known of the time in between */
            c->lane = (u8)crossings_lane_of(&here);
            now(c, c->last);
        }
        crossing_listen(m->cpu, &c->listener);
    }
}

size_t crossings_capacity(const struct crossings *c)
{
    return c->capacity;
}

bool crossings_running(const struct crossings *c)
{
    return c && c->running;
}

void crossings_destroy(struct machine *m)
{
    crossings_stop(m);
    if (m->crossings) {
        free(m->crossings->record);
        free(m->crossings);
        m->crossings = NULL;
    }
}

/* ---- asking */

const struct machine *crossings_machine(const struct crossings *c)
{
    return c->machine;
}

enum crossings_unit crossings_unit(const struct crossings *c)
{
    return c->unit;
}

u64 crossings_count(const struct crossings *c)
{
    return c->count;
}

u64 crossings_oldest(const struct crossings *c)
{
    return c->oldest;
}

const struct crossing_record *crossings_at(const struct crossings *c, u64 number)
{
    return number >= c->oldest && number < c->count ? place(c, number) : NULL;
}

u64 crossings_find(const struct crossings *c, u64 at)
{
    u64 low = c->oldest, high = c->count;
    while (low < high) {
        u64 middle = low + (high - low) / 2;
        if (moment(c, place(c, middle)) < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

u64 crossings_began(const struct crossings *c)
{
    return c->began[c->unit];
}

u64 crossings_now(const struct crossings *c)
{
    u64 at[UNITS];
    now(c, at);
    return at[c->unit];
}

u64 crossings_latest(const struct crossings *c)
{
    u64 present = crossings_now(c), latest = c->last[c->unit];
    return c->running && present > latest ? present : latest;
}

/* Since the last crossing, if the log goes on. */
static u64 open_span(const struct crossings *c, enum crossings_unit unit)
{
    u64 at[UNITS];
    now(c, at);
    return c->running && c->next == c->count && at[unit] > c->last[unit] ? at[unit] - c->last[unit] : 0;
}

void crossings_stats(const struct crossings *c, struct crossings_stats *stats)
{
    *stats = c->stats;
    for (unsigned u = 0; u < UNITS; u++) {
        stats->spent[u][c->lane] += open_span(c, u);
    }
}

/* a part of `whole` units, `part` of them. */
static u64 share(u64 amount, u64 part, u64 whole)
{
    return part == whole ? amount : (u64)((double)amount * (double)part / (double)whole + 0.5);
}

static void add_pieces(const struct crossings *c, u64 first, u64 last, struct crossings_span *span)
{
    const struct pieces *p = &c->pieces;
    u64 from = first - p->origin, to = last - p->origin, known = c->last[c->unit] - p->origin;
    to = to < known ? to : known;
    for (u64 n = from >> p->shift; n < PIECES && n << p->shift < to; n++) {
        u64 begins = n << p->shift, whole = begins + BIT(p->shift), ends = whole < known ? whole : known, size = ends - begins;
        u64 part = (ends < to ? ends : to) - (begins > from ? begins : from);
        for (unsigned l = 0; l < LANES; l++) {
            span->spent[l] += share(p->piece[n].spent[l], part, size);
        }
        span->crossings += share(p->piece[n].crossings, part, size);
    }
}

static void add_overlap(struct crossings_span *span, unsigned lane, u64 a, u64 b, u64 first, u64 last)
{
    a = a > first ? a : first;
    b = b < last ? b : last;
    span->spent[lane] += b > a ? b - a : 0;
}

static void add_records(const struct crossings *c, u64 first, u64 last, struct crossings_span *span)
{
    for (u64 n = crossings_find(c, first); n < c->count; n++) {
        const struct crossing_record *r = place(c, n);
        add_overlap(span, r->lane, moment(c, r) - r->spent[c->unit], moment(c, r), first, last);
        if (moment(c, r) >= last) {
            break;
        }
        span->crossings++;
    }
}

void crossings_span(const struct crossings *c, u64 first, u64 last, struct crossings_span *span)
{
    *span = (struct crossings_span){0};
    first = first > c->began[c->unit] ? first : c->began[c->unit];
    if (last <= first) {
        return;
    }
    if (!c->oldest || first >= moment(c, place(c, c->oldest))) {
        add_records(c, first, last, span);
    } else {
        add_pieces(c, first, last, span);
    }
    add_overlap(span, c->lane, c->last[c->unit], c->last[c->unit] + open_span(c, c->unit), first, last);
}

const struct crossing_record *crossings_first(const struct crossings *c, unsigned nth)
{
    return nth < c->firsts ? &c->first[nth] : NULL;
}

/* ---- filters */

bool crossings_match(const struct crossings_filter *f, const struct crossing_record *r)
{
    const struct crossing *c = &r->crossing;
    return (!f->kinds || f->kinds >> c->kind & 1) && (f->vector < 0 || f->vector == c->vector) &&
           (f->from < 0 || (unsigned)f->from == c->from.ring) && (f->to < 0 || (unsigned)f->to == c->to.ring) &&
           (!f->changes || changes_ring(c));
}

/* "int80", "irq20": letters and a vector in hexadecimal. */
static bool with_vector(struct crossings_filter *f, const char *word, const char *letters, enum crossing_kind kind)
{
    char *end;
    size_t n = strlen(letters);
    if (strncasecmp(word, letters, n) || !word[n]) {
        return false;
    }
    unsigned long vector = strtoul(word + n, &end, 16);
    if (*end && strcasecmp(end, "h")) {
        return false;
    }
    f->kinds |= (u32)BIT(kind);
    f->vector = (int)(vector & 0xff);
    return vector < 256;
}

static bool ring_word(int *ring, const char *word, const char *letters)
{
    size_t n = strlen(letters);
    if (strncasecmp(word, letters, n) || word[n] < '0' || word[n] > '3' || word[n + 1]) {
        return false;
    }
    *ring = word[n] - '0';
    return true;
}

bool crossings_filter_word(struct crossings_filter *f, const char *word, struct error *err)
{
    if (!strcasecmp(word, "changes")) {
        return f->changes = true;
    }
    if (ring_word(&f->from, word, "from") || ring_word(&f->to, word, "to") || with_vector(f, word, "int", CROSSING_INT) ||
        with_vector(f, word, "irq", CROSSING_IRQ)) {
        return true;
    }
    for (unsigned v = 0; v < 32; v++) {
        if (exception_name(v) && exception_name(v)[0] == '#' && !strcasecmp(word, exception_name(v))) {
            f->kinds |= (u32)BIT(CROSSING_EXCEPTION);
            f->vector = (int)v;
            return true;
        }
    }
    for (unsigned k = 0; k < CROSSING_KINDS; k++) {
        const char *name = crossing_kind_name(k);
        if (!strncasecmp(word, name, strlen(word)) && strlen(word) >= 3) {
            f->kinds |= (u32)BIT(k);
            return true;
        }
    }
    return error_set(err, "%.40s: no sort of crossing; there are int, int80, exception, #PF, irq, irq20, iret, call, retf, task, "
                          "sysenter, sysexit, syscall, sysret, smi, rsm, nmi, mode, halt, reset, from0 to from3, to0 to to3, "
                          "changes",
                     word);
}
