/*
 * cross.c: the monitor's commands about crossings between rings: frontend/lab/crossings.h, timeline.h.
 */
#include <inttypes.h>
#include <string.h>

#include "frontend/lab/marks.h"
#include "frontend/lab/report.h"
#include "frontend/lab/timeline.h"
#include "frontend/monitor/info.h"
#include "frontend/monitor/monitor_state.h"

enum { COLUMNS = 80, SHOWN = 20 };

static struct crossings *log_of(const struct call *c, struct error *err)
{
    if (!c->machine->crossings) {
        error_set(err, "crossings are not noted: say `crossings on`, or start with -crossings on");
    }
    return c->machine->crossings;
}

static bool print_page(struct view *page, FILE *out)
{
    view_print(page, out);
    view_free(page);
    return true;
}

static bool turn_on(struct call *c, struct error *err)
{
    u64 capacity = 0;
    if (c->count > 1 && !call_number(c, c->word[1], &capacity, err)) {
        return false;
    }
    if (capacity > CROSSINGS_MAX) {
        return error_set(err, "crossings on %s: at most %d are kept", c->word[1], CROSSINGS_MAX);
    }
    if (c->machine->crossings && c->count == 1) {
        crossings_resume(c->machine);
    } else {
        if (c->machine->crossings && crossings_count(c->machine->crossings)) {
            fputs("What was noted until now is forgotten.\n", c->out);
        }
        crossings_start(c->machine, (size_t)capacity);
    }
    return true;
}

/* `crossings [on [N] | off | [n] [which...]]` */
static bool run_crossings(struct call *c, struct error *err)
{
    struct crossings_filter filter = {.vector = -1, .from = -1, .to = -1};
    u64 rows = SHOWN;
    unsigned at = 0;
    if (c->count && !strcmp(c->word[0], "on")) {
        return turn_on(c, err);
    }
    struct crossings *log = log_of(c, err);
    if (!log) {
        return false;
    }
    if (c->count == 1 && !strcmp(c->word[0], "off")) {
        crossings_stop(c->machine);
        return true;
    }
    if (c->count && strspn(c->word[0], "0123456789") == strlen(c->word[0])) {
        if (!call_number(c, c->word[at++], &rows, err)) {
            return false;
        }
    }
    for (; at < c->count; at++) {
        if (!crossings_filter_word(&filter, c->word[at], err)) {
            return false;
        }
    }
    struct view page;
    view_init(&page, COLUMNS);
    crossings_page(&page, log, &filter, crossings_count(log), rows < VIEW_ROWS_MAX ? (unsigned)rows : VIEW_ROWS_MAX);
    return print_page(&page, c->out);
}

static bool run_crossing(struct call *c, struct error *err)
{
    struct crossings *log = log_of(c, err);
    u64 number;
    if (!log) {
        return false;
    }
    number = crossings_count(log) - 1;
    if (c->count && !call_number(c, c->word[0], &number, err)) {
        return false;
    }
    const struct crossing_record *r = crossings_at(log, number);
    if (!r) {
        return crossings_count(log) ? error_set(err, "crossing %s: %" PRIu64 " to %" PRIu64 " are kept", c->count ? c->word[0] : "",
                                                crossings_oldest(log), crossings_count(log) - 1)
                                    : error_set(err, "no crossing has been noted yet");
    }
    struct view page;
    view_init(&page, COLUMNS);
    crossing_page(&page, r, c->machine->symbols);
    return print_page(&page, c->out);
}

/* A number, or what the guest has called it. */
static bool read_moment(struct call *c, const char *word, u64 *moment, struct error *err)
{
    const struct mark *mark;
    if (!marks_find(c->machine->marks, word, &mark, err)) {
        return false;
    }
    if (mark) {
        *moment = marks_moment(c->machine, mark);
        return true;
    }
    return call_number(c, word, moment, err);
}

static bool run_timeline(struct call *c, struct error *err)
{
    struct crossings *log = log_of(c, err);
    u64 first, last;
    if (!log || (c->count && !read_moment(c, c->word[0], &first, err)) ||
        (c->count > 1 && !read_moment(c, c->word[1], &last, err))) {
        return false;
    }
    struct timeline_range range = c->count == 1 ? timeline_latest(log, first) : timeline_all(log);
    if (c->count > 1) {
        if (first >= last) {
            return error_set(err, "timeline %s %s: the first moment is not before the last one", c->word[0], c->word[1]);
        }
        range = (struct timeline_range){.first = first, .last = last};
    }
    struct view page;
    view_init(&page, COLUMNS);
    timeline_page(&page, log, &range);
    return print_page(&page, c->out);
}

bool info_marks(struct call *c, struct error *err)
{
    struct view page;
    (void)err;
    view_init(&page, COLUMNS);
    marks_page(&page, c->machine, MARKS_MAX);
    return print_page(&page, c->out);
}

bool info_crossings(struct call *c, struct error *err)
{
    struct crossings *log = log_of(c, err);
    struct view page;
    if (!log) {
        return false;
    }
    view_init(&page, COLUMNS);
    crossings_stats_page(&page, log);
    return print_page(&page, c->out);
}

/* `report file [first last]` */
static bool run_report(struct call *c, struct error *err)
{
    struct report_spec spec = {.path = c->word[0], .rows = REPORT_ROWS, .from = c->count > 1 ? c->word[1] : NULL,
                               .to = c->count > 2 ? c->word[2] : NULL};
    return report_now(c->machine, &spec, err);
}

const struct command cross_commands[] = {
    {"report", "file [first [last]]", "write what crossed the rings, from one moment or mark to another: .html, or .svg", 1,
     run_report},
    {"crossings", "[on [N]|off] [n] [which]",
     "note crossings between rings, the latest N in full; list n of them: irq, int80, #PF, to3, changes ...", 0, run_crossings},
    {"crossing", "[number]", "one of them: what was pushed, and where the target came from", 0, run_crossing},
    {"timeline", "[n | first last]", "which ring ran when: all, the last n instructions, or from one moment or mark to another", 0,
     run_timeline},
    {0},
};
