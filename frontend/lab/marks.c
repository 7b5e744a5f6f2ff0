/*
 * marks.c: see marks.h.
 */
#include "frontend/lab/marks.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cpu/base/log.h"
#include "cpu/base/mem.h"
#include "frontend/lab/crossings.h"
#include "frontend/lab/history.h"
#include "frontend/lab/timeline.h"

struct marks {
    struct machine *machine;
    struct hypercall_watch watch;
    struct mark *mark;
    unsigned count;
    unsigned failures; /* told */
};

/* Of assertions; more are in the list only: nobody wants to read them all. */
enum { FAILURES_TOLD = 100 };

/* The number of marks before a moment. */
static unsigned before(const struct marks *k, u64 count)
{
    unsigned n = k->count;
    while (n && k->mark[n - 1].count >= count) {
        n--;
    }
    return n;
}

static bool same(const struct hypercall *a, const struct hypercall *b)
{
    return a->function == b->function && a->argument == b->argument && a->ring == b->ring && !strcmp(a->text, b->text);
}

/* False: it has been kept when it was said first. What was said after a moment that has now come otherwise is forgotten. */
static bool is_new(struct marks *k, const struct mark *mark)
{
    if (!k->machine->history) {
        return true;
    }
    unsigned at = before(k, mark->count);
    if (at == k->count) {
        return true;
    }
    if (k->mark[at].count == mark->count && same(&k->mark[at].call, &mark->call)) {
        return false;
    }
    k->count = at;
    return true;
}

static void tell(struct marks *k, const struct mark *mark)
{
    const struct hypercall *c = &mark->call;
    if (c->failed && k->failures < FAILURES_TOLD) {
        k->failures++;
        log_write("the guest expected to be in ring %" PRIu64 " and is in ring %u", c->argument, c->ring);
    } else if (c->function == HYPERCALL_LOG) {
        log_at(LOG_HYPERCALL, "guest, ring %u: %s", c->ring, c->text);
    } else {
        static const char *const names[HYPERCALL_FUNCTIONS] = {"",          "mark", "", "assertion", "trace start",
                                                               "trace stop", "snapshot"};
        log_at(LOG_HYPERCALL, "%s, ring %u: %s", names[c->function], c->ring, c->text);
    }
}

static void trace(struct machine *m, bool on)
{
    if (!on) {
        crossings_stop(m);
    } else if (m->crossings) {
        crossings_resume(m);
    } else {
        crossings_start(m, 0);
    }
}

static void called(void *opaque, const struct hypercall *call)
{
    struct marks *k = opaque;
    struct machine *m = k->machine;
    struct mark mark = {.count = m->config.counted ? cpu_icount(m->cpu) : 0, .ns = (u64)clock_now(m->clock), .call = *call};
    if (call->function == HYPERCALL_TRACE_START || call->function == HYPERCALL_TRACE_STOP) {
        trace(m, call->function == HYPERCALL_TRACE_START);
    }
    if (!is_new(k, &mark)) {
        return;
    }
    if (k->count == MARKS_MAX) {
        memmove(k->mark, k->mark + MARKS_MAX / 4, (MARKS_MAX - MARKS_MAX / 4) * sizeof *k->mark);
        k->count -= MARKS_MAX / 4;
    }
    k->mark[k->count++] = mark;
    tell(k, &mark);
}

void marks_create(struct machine *m)
{
    if (!m->config.hypercalls || m->marks) {
        return;
    }
    struct marks *k = mem_zeroed(1, sizeof *k);
    k->machine = m;
    k->mark = mem_zeroed(MARKS_MAX, sizeof *k->mark);
    k->watch = (struct hypercall_watch){.called = called, .opaque = k};
    m->marks = k;
    hypercall_listen(m, &k->watch);
}

void marks_destroy(struct machine *m)
{
    if (m->marks) {
        hypercall_ignore(m, &m->marks->watch);
        free(m->marks->mark);
        free(m->marks);
        m->marks = NULL;
    }
}

unsigned marks_count(const struct marks *k)
{
    return k ? k->count : 0;
}

const struct mark *marks_at(const struct marks *k, unsigned nth)
{
    return nth < marks_count(k) ? &k->mark[nth] : NULL;
}

const struct mark *marks_named(const struct marks *k, const char *name)
{
    for (unsigned n = marks_count(k); n-- > 0;) {
        const struct hypercall *c = &k->mark[n].call;
        if ((c->function == HYPERCALL_MARK_MOMENT || c->function == HYPERCALL_SNAPSHOT) && !strcmp(c->text, name)) {
            return &k->mark[n];
        }
    }
    return NULL;
}

bool marks_find(const struct marks *k, const char *word, const struct mark **mark, struct error *err)
{
    *mark = marks_named(k, word);
    return *mark || !(isalpha((u8)*word) || *word == '_') ||
           error_set(err, "%.60s is neither a number nor a mark that the guest has made (info marks)", word);
}

u64 marks_moment(const struct machine *m, const struct mark *mark)
{
    return m->config.counted ? mark->count : mark->ns;
}

static void put_mark(struct view *page, const struct machine *m, const struct mark *mark)
{
    const struct hypercall *c = &mark->call;
    char number[TIMELINE_NUMBER];
    if (m->config.counted) {
        view_printf(page, STYLE_TEXT, "%15s ", timeline_number(mark->count, number));
    } else {
        view_printf(page, STYLE_TEXT, "%5" PRIu64 ".%09" PRIu64 " ", mark->ns / 1000000000, mark->ns % 1000000000);
    }
    view_printf(page, (enum style)(STYLE_RING0 + (c->ring & 3)), "ring %u ", c->ring);
    switch (c->function) {
    case HYPERCALL_ASSERT_RING:
        view_printf(page, c->failed ? STYLE_BAD : STYLE_GOOD, "expects ring %" PRIu64 ": %s", c->argument,
                    c->failed ? "wrong" : "right");
        break;
    case HYPERCALL_TRACE_START:
    case HYPERCALL_TRACE_STOP:
        view_put(page, STYLE_TEXT, c->function == HYPERCALL_TRACE_START ? "starts the trace" : "stops the trace");
        break;
    case HYPERCALL_LOG:
        view_wrap(page, STYLE_TEXT, 23, c->text);
        break;
    default:
        view_put(page, STYLE_STRONG, c->function == HYPERCALL_SNAPSHOT ? "snapshot " : "mark ");
        view_wrap(page, STYLE_TEXT, 23, c->text);
        break;
    }
    view_put(page, STYLE_TEXT, "\n");
}

void marks_page(struct view *page, const struct machine *m, unsigned rows)
{
    unsigned count = marks_count(m->marks);
    if (!m->config.hypercalls) {
        view_wrap(page, STYLE_DIM, 0,
                  "This machine does not listen to hypercalls: start it with -hypercalls on, -lab or -record.\n");
    } else if (!count) {
        view_wrap(page, STYLE_DIM, 0, "The guest has said nothing.\n");
    } else {
        view_printf(page, STYLE_TITLE, "%15s who    what\n", m->config.counted ? "instructions" : "s");
    }
    for (unsigned n = count > rows ? count - rows : 0; n < count; n++) {
        put_mark(page, m, &m->marks->mark[n]);
    }
}
