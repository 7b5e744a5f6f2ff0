/*
 * past.c: the monitor's commands that go back in time, and step by step: frontend/lab/history.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include "frontend/lab/history.h"
#include "frontend/lab/marks.h"
#include "frontend/monitor/info.h"
#include "frontend/monitor/monitor_state.h"

static struct history *history_of(const struct call *c, struct error *err)
{
    if (!c->machine->history) {
        error_set(err, "no past is kept: start with -checkpoints on (with -replay, -record or -clock counted)");
    }
    return c->machine->history;
}

/* Where it is now. */
static bool tell(struct call *c)
{
    monitor_where(c->monitor, c->out);
    return true;
}

static bool by(struct call *c, u64 *n, struct error *err)
{
    *n = 1;
    return (!c->count || call_number(c, c->word[0], n, err)) && (*n || error_set(err, "by at least one instruction"));
}

static bool run_reverse_step(struct call *c, struct error *err)
{
    struct history *h = history_of(c, err);
    u64 n, now = cpu_icount(c->machine->cpu);
    if (!h || !by(c, &n, err)) {
        return false;
    }
    return (n <= now || error_set(err, "only %" PRIu64 " instructions were executed", now)) && history_go(h, now - n, err) &&
           tell(c);
}

static bool run_goto(struct call *c, struct error *err)
{
    struct history *h = history_of(c, err);
    u64 count;
    const struct mark *mark;
    if (!h || !marks_find(c->machine->marks, c->rest, &mark, err) || (!mark && !call_number(c, c->word[0], &count, err))) {
        return false;
    }
    return history_go(h, mark ? mark->count : count, err) && tell(c);
}

/* A search that takes long says how far it is, on the way. */
static bool progress(void *opaque, u64 count)
{
    monitor_say(opaque, "searching before %" PRIu64 " instructions\n", count);
    return true;
}

static bool run_reverse_continue(struct call *c, struct error *err)
{
    struct history *h = history_of(c, err);
    bool found;
    if (!h || !history_last_stop(h, false, &found, progress, c->monitor, err)) {
        return false;
    }
    if (!found) {
        fprintf(c->out, "no breakpoint before; the oldest moment that is kept: ");
    }
    return tell(c);
}

static bool run_last_write(struct call *c, struct error *err)
{
    struct history *h = history_of(c, err);
    u64 address, size = 1, phys;
    if (!h || !call_number(c, c->word[0], &address, err) || (c->count > 1 && !call_number(c, c->word[1], &size, err))) {
        return false;
    }
    if (size < 1 || size > 4096 || address >> 12 != (address + size - 1) >> 12) {
        return error_set(err, "1 to 4096 bytes, inside a page");
    }
    if (!walk_peek(&c->machine->cpu->paging, c->machine->memory, address, &phys)) {
        return error_set(err, "%" PRIx64 " is not mapped now", address);
    }
    return history_last_write(h, phys, size, progress, c->monitor, err) && tell(c);
}

static bool run_last_ring(struct call *c, struct error *err)
{
    struct history *h = history_of(c, err);
    u64 ring;
    if (!h || !call_number(c, c->word[0], &ring, err)) {
        return false;
    }
    return (ring < 4 || error_set(err, "rings are 0 to 3")) &&
           history_last_ring(h, (unsigned)ring, progress, c->monitor, err) && tell(c);
}

bool info_history(struct call *c, struct error *err)
{
    struct history *h = history_of(c, err);
    if (!h) {
        return false;
    }
    struct history_stats s = history_stats(h);
    fprintf(c->out, "now         after %" PRIu64 " instructions%s\n", s.now, s.now < s.latest ? ", in the past" : "");
    fprintf(c->out, "kept        from %" PRIu64 " to %" PRIu64 "\n", s.oldest, s.latest);
    fprintf(c->out, "checkpoints %u in %.1f MiB of %.0f; %" PRIu64 " were made, %" PRIu64 " dropped\n", s.checkpoints,
            (double)s.bytes / (1 << 20), (double)s.limit / (1 << 20), s.taken, s.dropped);
    fprintf(c->out, "went back   %" PRIu64 " times, %" PRIu64 " instructions executed again\n", s.returns, s.executed);
    return true;
}

const struct command past_commands[] = {
    {"reverse-step|rsi", "[n]", "go back by n instructions", 0, run_reverse_step},
    {"reverse-continue|rc", "", "go back to the last breakpoint, or the oldest moment that is kept", 0, run_reverse_continue},
    {"goto", "n|name", "be where n instructions were executed, past or future, or where the guest made a mark", 1, run_goto},
    {"last-write", "addr [size]", "go back to the instruction that last wrote there", 1, run_last_write},
    {"last-ring", "ring", "go back to the last instruction that ran in that ring", 1, run_last_ring},
    {0},
};
