/*
 * why.c: the monitor's commands about exceptions: frontend/lab/explain.h.
 */
#include <string.h>

#include "frontend/lab/explain.h"
#include "frontend/lab/history.h"
#include "frontend/monitor/info.h"
#include "frontend/monitor/monitor_state.h"

enum { COLUMNS = 80 };

/* Exceptions that happened before explanations were turned on: with a past, it is executed again. The machine may have been paused
 * behind the delivery of an interrupt, and is before it then: that is said. */
static bool look_back(struct call *c, struct error *err)
{
    struct machine *m = c->machine;
    u64 now = cpu_icount(m->cpu), oldest = history_stats(m->history).oldest, ip = m->cpu->ip;
    for (u64 span = (u64)1 << 20; !explain_last(m, 0) && span <= (u64)1 << 26; span <<= 2) {
        u64 from = now > span && now - span > oldest ? now - span : oldest;
        if (!history_go(m->history, from, err) || !history_go(m->history, now, err)) {
            return false;
        }
        if (from == oldest) {
            break;
        }
    }
    if (m->cpu->ip != ip) {
        monitor_where(c->monitor, c->out);
    }
    return true;
}

static bool run_why(struct call *c, struct error *err)
{
    u64 back = 0;
    bool json = false;
    for (unsigned n = 0; n < c->count; n++) {
        if (!strcmp(c->word[n], "on")) {
            explain_start(c->machine);
            return true;
        }
        if (!strcmp(c->word[n], "off")) {
            explain_stop(c->machine);
            return true;
        }
        if (!strcmp(c->word[n], "-json")) {
            json = true;
        } else if (!call_number(c, c->word[n], &back, err)) {
            return false;
        }
    }
    if (!c->machine->explainer && !c->machine->history) {
        return error_set(err, "exceptions are not explained yet: say `why on`, or start with -explain FILE or -lab");
    }
    explain_start(c->machine);
    if (!explain_last(c->machine, 0) && c->machine->history && !look_back(c, err)) {
        return false;
    }
    const struct explanation *e = back < EXPLAIN_KEPT ? explain_last(c->machine, (unsigned)back) : NULL;
    if (!e) {
        return error_set(err, back ? "so many exceptions are not kept: `info exceptions` shows those that are"
                                   : "there was no exception since explanations were turned on, or in the past that is kept");
    }
    if (json) {
        explain_json(c->out, e);
        return true;
    }
    struct view page;
    view_init(&page, COLUMNS);
    explain_page(&page, e);
    view_print(&page, c->out);
    view_free(&page);
    return true;
}

bool info_exceptions(struct call *c, struct error *err)
{
    struct view page;
    (void)err;
    view_init(&page, COLUMNS);
    exceptions_page(&page, c->machine);
    view_print(&page, c->out);
    view_free(&page);
    return true;
}

const struct command why_commands[] = {
    {"why", "[n] [-json] | on | off", "why the last exception happened, or the nth before it", 0, run_why},
    {0},
};
