/*
 * run.c: going on, stepping, going back, detaching; and why the machine has stopped (Debugging with GDB, E.2; E.3, Stop Reply
 * Packets).
 */
#include <inttypes.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "frontend/gdb/stub_state.h"
#include "frontend/lab/history.h"

/* ---- why it stands still */

/* gdb goes on by itself when a breakpoint is told that it cannot find at its pc, an offset in a segment perhaps. */
static bool knows(const struct gdb *g, const struct gdb_breakpoint *p)
{
    u8 pc[GDB_REGISTER_BYTES];
    gdb_register_read(&g->registers, g->registers.pc, pc);
    return load64(pc) == p->address && (p->type == GDB_HARDWARE ? g->knows_hwbreak : g->knows_swbreak);
}

static void put_point(struct gdb *g, const struct gdb_breakpoint *p)
{
    static const char *const watch[GDB_POINT_TYPES] = {[GDB_WRITE] = "watch", [GDB_READ] = "rwatch", [GDB_ACCESS] = "awatch"};
    if (watch[p->type]) {
        text_printf(&g->reply, "%s:%" PRIx64 ";", watch[p->type], p->address);
    } else if (knows(g, p)) {
        text_put(&g->reply, p->type == GDB_HARDWARE ? "hwbreak:;" : "swbreak:;");
    }
}

/* At the end of a recording the processor may not go on (tape.c). */
static bool at_end(const struct machine *m)
{
    return m->stop_at <= cpu_icount(m->cpu) && m->config.counted;
}

static void put_signal(struct gdb *g, unsigned signal)
{
    text_printf(&g->reply, "T%02xthread:1;", signal);
}

void gdb_put_stop(struct gdb *g)
{
    const struct stop_reason *reason = stops_reason(g->machine);
    const struct gdb_breakpoint *p = reason->why == WHY_STOP ? gdb_breakpoint_of(&g->breakpoints, reason->stop.number) : NULL;
    if (reason->why == WHY_NONE && !g->interrupted && at_end(g->machine)) {
        put_signal(g, GDB_SIGTRAP);
        text_put(&g->reply, "replaylog:end;");
        return;
    }
    put_signal(g, reason->why == WHY_NONE ? GDB_SIGINT : GDB_SIGTRAP);
    if (p) {
        put_point(g, p);
    }
}

void gdb_why(struct gdb *g, const char *at)
{
    (void)at;
    gdb_put_stop(g);
}

/* ---- going on */

static void go(struct gdb *g, bool step)
{
    g->silent = g->waiting = true;
    g->interrupted = false;
    if (step) {
        stops_step(g->machine);
    } else {
        machine_continue(g->machine);
    }
}

/* `at`: an address to begin at, or nothing. */
static void go_from(struct gdb *g, const char *at, bool step)
{
    struct error err;
    u64 address;
    u8 value[GDB_REGISTER_BYTES] = {0};
    if (!*at) {
        go(g, step);
    } else if (!hex_number(&at, &address)) {
        gdb_refuse_number(g, E_INVALID);
    } else if (!outside_is_free(g->machine, "registers", &err)) {
        gdb_refuse(g, "%s", err.text);
    } else {
        store64(value, address);
        gdb_register_write(&g->registers, g->registers.pc, value, &err);
        go(g, step);
    }
}

void gdb_continue(struct gdb *g, const char *at)
{
    go_from(g, at, false);
}

void gdb_step(struct gdb *g, const char *at)
{
    go_from(g, at, true);
}

/* "signal;address": a guest has no use for the signal. */
static const char *after_signal(const char *at)
{
    at += strcspn(at, ";");
    return at + (*at != 0);
}

void gdb_continue_signal(struct gdb *g, const char *at)
{
    go_from(g, after_signal(at), false);
}

void gdb_step_signal(struct gdb *g, const char *at)
{
    go_from(g, after_signal(at), true);
}

/* vCont: "action:thread;action:thread...". The first that means our only thread counts. */
void gdb_actions(struct gdb *g, const char *at)
{
    u64 thread;
    for (size_t length; *at; at += length + (at[length] != 0)) {
        length = strcspn(at, ";");
        const char *colon = memchr(at, ':', length), *number = colon ? colon + 1 : "1";
        bool ours = number[0] == '-' || (hex_number(&number, &thread) && thread <= 1);
        if (ours && strchr("cCsS", *at)) {
            go(g, *at == 's' || *at == 'S');
            return;
        }
    }
    gdb_refuse_number(g, E_INVALID);
}

/* ---- going back */

static void put_begin(struct gdb *g)
{
    put_signal(g, GDB_SIGTRAP);
    text_put(&g->reply, "replaylog:begin;");
}

struct place {
    vaddr la;
    u64 sp; /* deliveries push something */
};

static struct place place_of(const struct cpu *cpu)
{
    return (struct place){cpu->code_base + cpu->ip, cpu->regs[R_SP]};
}

/* To before the last thing that happened: an instruction, or the delivery of an interrupt or exception behind it. */
static bool go_before(struct gdb *g, struct error *err)
{
    struct cpu *cpu = g->machine->cpu;
    struct history *h = g->machine->history;
    struct place here = place_of(cpu);
    u64 now = cpu_icount(cpu);
    if (!history_go(h, now, err)) {
        return false;
    }
    struct place there = place_of(cpu);
    return here.la != there.la || here.sp != there.sp || now <= history_stats(h).oldest || history_go(h, now - 1, err);
}

/* Whether something may have been delivered since the last instruction. After history_go() nothing has. */
static bool may_be_delivered(struct gdb *g)
{
    const struct stop_reason *reason = stops_reason(g->machine);
    bool at_stop = reason->why == WHY_STOP && reason->stop.kind == STOP_EXEC;
    return reason->why != WHY_NONE && reason->count == cpu_icount(g->machine->cpu) && (reason->crossed || at_stop);
}

static void step_back(struct gdb *g)
{
    struct history *h = g->machine->history;
    u64 now = cpu_icount(g->machine->cpu);
    struct error err;
    if (now <= history_stats(h).oldest) {
        put_begin(g);
    } else if (may_be_delivered(g) ? go_before(g, &err) : history_go(h, now - 1, &err)) {
        put_signal(g, GDB_SIGTRAP);
    } else {
        gdb_refuse(g, "%s", err.text);
    }
}

static bool goes_on(void *opaque, u64 count)
{
    struct gdb *g = opaque;
    (void)count;
    g->interrupted = g->link.interrupted(g->link.opaque);
    return !g->interrupted;
}

/* To a breakpoint, or to before what met a watchpoint: there gdb finds the value changed. */
static bool go_to_stop(struct gdb *g, struct error *err)
{
    struct stop stop = stops_reason(g->machine)->stop;
    const struct gdb_breakpoint *p = gdb_breakpoint_of(&g->breakpoints, stop.number);
    if (stop.kind != STOP_EXEC && !go_before(g, err)) {
        return false;
    }
    put_signal(g, GDB_SIGTRAP);
    if (p) {
        put_point(g, p);
    }
    return true;
}

static void continue_back(struct gdb *g)
{
    struct error err;
    g->interrupted = false;
    bool found, ok = history_last_stop(g->machine->history, true, &found, goes_on, g, &err);
    if (ok && !found) {
        put_begin(g);
    } else if (g->interrupted) {
        put_signal(g, GDB_SIGINT);
    } else if (!ok || !go_to_stop(g, &err)) {
        gdb_refuse(g, "%s", err.text);
    }
}

/* bs, bc */
void gdb_backwards(struct gdb *g, const char *at)
{
    bool known = !strcmp(at, "s") || !strcmp(at, "c");
    if (known && !g->machine->history) {
        gdb_refuse(g, "no past is kept: start with -checkpoints on (with -replay, -record or -clock counted)");
    } else if (known && *at == 's') {
        step_back(g);
    } else if (known) {
        continue_back(g);
    }
}

/* ---- leaving */

void gdb_detach(struct gdb *g, const char *at)
{
    (void)at;
    gdb_breakpoints_clear(&g->breakpoints);
    gdb_ok(g);
    gdb_send_reply(g);
    g->silent = true;
    g->attached = false;
    machine_continue(g->machine);
}

void gdb_kill(struct gdb *g, const char *at)
{
    (void)at;
    g->silent = true;
    g->attached = false;
    machine_quit(g->machine, 0);
}
