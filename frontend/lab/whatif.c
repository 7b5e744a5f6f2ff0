/*
 * whatif.c: two runs from one moment, side by side: see whatif.h.
 */
#include "frontend/lab/whatif.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "cpu/crossing.h"
#include "cpu/flags.h"
#include "cpu/stop.h"
#include "frontend/lab/history.h"
#include "frontend/lab/stops.h"
#include "frontend/lab/whatif_parts.h"
#include "frontend/machine/counted.h"
#include "frontend/monitor/disas.h"

enum { LINE_TEXT = 160, ROUNDS_MAX = 100000 };

/* An instruction, or what came between two. */
struct line {
    char where[32], text[LINE_TEXT];
    u8 ring;
    bool crossing;
};

struct trace {
    struct machine *m;
    struct cpu_stops hooks;
    struct crossing_listener listener;
    struct line *line;
    unsigned count, most;
    bool done;
    bool has_before; /* the last line is an instruction, executed with these registers */
    u64 before[16];
    u32 flags_before;
};

/* ---- a run */

/* What the last instruction has changed. */
static void put_changes(struct trace *t)
{
    static const char names[16][4] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "8", "9", "10", "11", "12", "13", "14", "15"};
    const struct cpu *cpu = t->m->cpu;
    if (!t->has_before) {
        return;
    }
    struct line *l = &t->line[t->count - 1];
    const char *prefix = cpu->code_bytes == 8 ? "r" : "e";
    for (unsigned n = 0; n < 16; n++) {
        if (cpu->regs[n] != t->before[n] && n != R_SP) {
            size_t length = strlen(l->text);
            snprintf(l->text + length, sizeof l->text - length, "  %s%s=%" PRIx64, n < 8 ? prefix : "r", names[n], cpu->regs[n]);
        }
    }
    t->has_before = false;
}

static struct line *next_line(struct trace *t)
{
    put_changes(t);
    struct line *l = &t->line[t->count++];
    *l = (struct line){.ring = t->m->cpu->cpl};
    return l;
}

static bool before(void *opaque)
{
    struct trace *t = opaque;
    struct cpu *cpu = t->m->cpu;
    if (t->done || t->count >= t->most) {
        put_changes(t);
        t->done = true;
        cpu_kick(cpu);
        return true;
    }
    struct line *l = next_line(t);
    char text[DISAS_TEXT];
    vaddr la = cpu->code_base + cpu->ip;
    disas_linear(cpu, cpu->long_mode ? la : (u32)la, cpu->ip, text);
    snprintf(l->where, sizeof l->where, "%0*" PRIx64, cpu->code_bytes == 2 ? 4 : 8, cpu->ip);
    snprintf(l->text, sizeof l->text, "%.*s", LINE_TEXT - 1, text);
    memcpy(t->before, cpu->regs, sizeof t->before);
    t->has_before = true;
    return false;
}

static void crossed(void *opaque, const struct crossing *c)
{
    struct trace *t = opaque;
    char name[CROSSING_NAME];
    if (t->done) {
        return;
    }
    struct line *l = next_line(t);
    l->crossing = true;
    l->ring = c->from.ring;
    int n = snprintf(l->text, sizeof l->text, "%s", crossing_name(c, name));
    if (c->rule) {
        n += snprintf(l->text + n, sizeof l->text - (size_t)n, " %s", rule_table[c->rule].name);
    }
    if (c->kind == CROSSING_EXCEPTION && c->has_error) {
        n += snprintf(l->text + n, sizeof l->text - (size_t)n, " error %x", c->error_code);
    }
    if (c->vector == VEC_PF && c->kind == CROSSING_EXCEPTION) {
        n += snprintf(l->text + n, sizeof l->text - (size_t)n, " at %" PRIx64, c->cr2);
    }
    if (c->from.ring != c->to.ring) {
        snprintf(l->text + n, sizeof l->text - (size_t)n, ", to ring %u", c->to.ring);
    }
    t->done = c->kind == CROSSING_EXCEPTION || c->kind == CROSSING_SHUTDOWN || c->from.ring != c->to.ring ||
              t->count >= t->most; /* before() may be far: interrupts can follow each other without an instruction between them */
    if (t->done) {
        cpu_kick(t->m->cpu);
    }
}

static bool no_code(void *opaque, vaddr page)
{
    (void)opaque;
    (void)page;
    return false;
}

static bool no_range(void *opaque, vaddr la, unsigned bytes)
{
    (void)opaque;
    (void)la;
    (void)bytes;
    return false;
}

static bool no_data(void *opaque, vaddr page, bool write)
{
    (void)opaque;
    (void)page;
    (void)write;
    return false;
}

static bool no_data_range(void *opaque, vaddr la, u64 bytes, bool write)
{
    (void)opaque;
    (void)la;
    (void)bytes;
    (void)write;
    return false;
}

static void run(struct trace *t)
{
    struct machine *m = t->m;
    t->hooks = (struct cpu_stops){.opaque = t, .before = before, .code_page = no_code, .code_range = no_range, .data_page = no_data,
                                  .data_range = no_data_range};
    t->listener = (struct crossing_listener){.crossed = crossed, .opaque = t};
    cpu_set_stops(m->cpu, &t->hooks);
    cpu_ask(m->cpu, true);
    crossing_listen(m->cpu, &t->listener);
    i64 wait = 0;
    for (unsigned k = 0; !t->done && !m->requests && wait >= 0 && k < ROUNDS_MAX; k++) {
        wait = counted_run(m);
    }
    crossing_ignore(m->cpu, &t->listener);
    cpu_ask(m->cpu, false);
    cpu_set_stops(m->cpu, NULL);
    if (!t->done && t->count < t->most) {
        snprintf(next_line(t)->text, LINE_TEXT, "%s",
                 m->requests ? "reset, or power off" : wait < 0 ? "halted: no interrupt comes" : "halted for too long");
    }
    put_changes(t);
}

/* From the present, with `changes` (NULL: none), and back. */
static bool try_it(struct trace *t, struct machine *m, const char *changes, unsigned most, struct error *err)
{
    u64 count = cpu_icount(m->cpu);
    struct error back;
    *t = (struct trace){.m = m, .most = most, .line = mem_zeroed(most + 2, sizeof *t->line)};
    if (!history_try(m->history, err)) {
        return false;
    }
    bool ok = !changes || whatif_apply(m, changes, err);
    if (ok) {
        run(t);
    }
    if (!history_end_try(m->history, count, &back)) {
        return error_set(err, "%s", back.text);
    }
    return ok;
}

/* ---- the page */

static bool same_line(const struct line *a, const struct line *b)
{
    return a->ring == b->ring && a->crossing == b->crossing && !strcmp(a->where, b->where) && !strcmp(a->text, b->text);
}

static void put_line(struct view *page, unsigned x, unsigned width, const struct line *l, bool differs)
{
    struct view part;
    view_init(&part, width);
    view_printf(&part, (enum style)(STYLE_RING0 + (l->ring & 3)), "%u ", l->ring);
    if (l->crossing) {
        view_printf(&part, STYLE_BAD, "-- %s", l->text);
    } else {
        view_printf(&part, STYLE_DIM, "%s ", l->where);
        view_put(&part, differs ? STYLE_STRONG : STYLE_TEXT, l->text);
    }
    view_copy(page, x, page->y, &part, 0, 1, width);
    view_free(&part);
}

static void put_rows(struct view *page, const struct trace *was, const struct trace *is, unsigned width)
{
    unsigned rows = was->count > is->count ? was->count : is->count;
    bool differ = false;
    for (unsigned n = 0; n < rows; n++) {
        unsigned y = page->y;
        bool first = !differ;
        differ = differ || n >= was->count || n >= is->count || !same_line(&was->line[n], &is->line[n]);
        view_at(page, 0, y);
        view_put(page, STYLE_TEXT, " "); /* the row is there */
        view_at(page, 0, y);
        if (n < was->count) {
            put_line(page, 0, width, &was->line[n], differ);
        }
        view_at(page, width, y);
        view_put(page, differ ? STYLE_NOTE : STYLE_FRAME, differ && first ? " > " : differ ? " | " : " = ");
        view_at(page, width + 3, y);
        if (n < is->count) {
            put_line(page, width + 3, width, &is->line[n], differ);
        }
        view_at(page, 0, y + 1);
    }
    view_put(page, STYLE_NOTE, differ ? "> marks the first difference" : "nothing is different");
    view_put(page, STYLE_DIM, "; the machine is where it was\n");
}

bool whatif_page(struct view *page, struct machine *m, const char *changes, unsigned most, struct error *err)
{
    struct trace was = {0}, is = {0};
    if (!m->history) {
        return error_set(err, "no past is kept: start with -checkpoints on (with -replay, -record or -clock counted)");
    }
    most = most < 1 ? 1 : most > WHATIF_MOST ? WHATIF_MOST : most;
    machine_pause(m);
    const struct stop_reason *r = stops_reason(m);
    bool delivered = r->crossed && r->count == cpu_icount(m->cpu);
    bool ok = try_it(&was, m, NULL, most, err) && try_it(&is, m, changes, most, err);
    if (delivered) {
        stops_step(m); /* an interrupt or exception had been delivered, which belongs to the same moment */
    }
    if (ok) {
        unsigned width = (page->columns - 3) / 2;
        view_put(page, STYLE_TITLE, "as it is");
        view_tab(page, width + 3);
        view_printf(page, STYLE_TITLE, "with %s\n", changes);
        put_rows(page, &was, &is, width);
    }
    free(was.line);
    free(is.line);
    return ok;
}
