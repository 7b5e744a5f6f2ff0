/*
 * control.c: the monitor's commands that say where the machine pauses, and go on from there: frontend/lab/stops.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "frontend/lab/explain.h"
#include "frontend/lab/stops.h"
#include "frontend/lab/view.h"
#include "frontend/lab/whatif.h"
#include "frontend/monitor/info.h"
#include "frontend/monitor/monitor_state.h"

/* What follows `if`. */
static bool read_condition(const char *text, struct stop *stop, struct error *err)
{
    text += strspn(text, " \t");
    if (!*text) {
        return true;
    }
    if (strncmp(text, "if", 2) || !strchr(" \t(", text[2]) || !text[2]) {
        return error_set(err, "%.40s: what may follow is if EXPRESSION", text);
    }
    text += 2;
    text += strspn(text, " \t");
    if (strlen(text) >= sizeof stop->condition) {
        return error_set(err, "the condition is longer than %zu letters", sizeof stop->condition - 1);
    }
    snprintf(stop->condition, sizeof stop->condition, "%s", text);
    return true;
}

static bool add(struct call *c, const struct stop *stop, struct error *err)
{
    char words[256];
    int number = stops_add(c->machine, stop, err);
    if (number) {
        stop_words(stop, words, sizeof words);
        fprintf(c->out, "breakpoint %d: %s\n", number, words);
    }
    return number != 0;
}

static bool read_break(struct call *c, struct stop *stop, struct error *err)
{
    const char *text = c->rest;
    *stop = STOP_OF(STOP_EXEC);
    text += *text == '*'; /* as gdb has it */
    return call_expression(c, &text, &stop->address, err) && read_condition(text, stop, err);
}

static bool run_break(struct call *c, struct error *err)
{
    struct stop stop;
    return read_break(c, &stop, err) && add(c, &stop, err);
}

static bool run_tbreak(struct call *c, struct error *err)
{
    struct stop stop;
    if (!read_break(c, &stop, err)) {
        return false;
    }
    stop.once = true;
    return add(c, &stop, err);
}

static bool watch(struct call *c, enum stop_kind kind, struct error *err)
{
    struct stop stop = STOP_OF(kind);
    const char *text = c->rest;
    if (!call_expression(c, &text, &stop.address, err)) {
        return false;
    }
    text += strspn(text, " \t");
    stop.bytes = 1;
    if (*text && strncmp(text, "if", 2) && !call_expression(c, &text, &stop.bytes, err)) {
        return false;
    }
    if (!stop.bytes) {
        return error_set(err, "at least one byte");
    }
    return read_condition(text, &stop, err) && add(c, &stop, err);
}

static bool run_watch(struct call *c, struct error *err)
{
    return watch(c, STOP_WRITE, err);
}

static bool run_rwatch(struct call *c, struct error *err)
{
    return watch(c, STOP_READ, err);
}

static bool run_awatch(struct call *c, struct error *err)
{
    return watch(c, STOP_ACCESS, err);
}

/* ---- what happens, by name */

static const struct {
    const char *name;
    enum stop_kind kind;
} kinds[] = {
    {"ring", STOP_RING},       {"interrupt", STOP_INTERRUPT}, {"exception", STOP_EXCEPTION},
    {"syscall", STOP_SYSCALL}, {"ring3", STOP_TO_RING3},      {"hypercall", STOP_HYPERCALL}};

static bool read_rule(const char *word, struct stop *stop, struct error *err)
{
    for (int rule = 1; rule < RULE_COUNT; rule++) {
        if (!strcasecmp(rule_table[rule].name, word)) {
            stop->rule = rule;
            return true;
        }
    }
    return error_set(err, "%.40s is neither a number nor a rule (-d int shows rules, as GP_DATA_LIMIT)", word);
}

/* What may follow the name: a ring, a vector, a rule. */
static bool read_detail(struct call *c, const char *word, struct stop *stop, struct error *err)
{
    u64 value, most = stop->kind == STOP_RING ? 3 : 255;
    if (stop->kind == STOP_TO_RING3) {
        return error_set(err, "nothing follows ring3 but if EXPRESSION");
    }
    if (stop->kind == STOP_EXCEPTION && !strchr("0123456789$(", *word)) {
        return read_rule(word, stop, err);
    }
    if (!call_number(c, word, &value, err) || (value > most && !error_set(err, "%.20s: from 0 to %" PRIu64, word, most))) {
        return false;
    }
    *(stop->kind == STOP_RING ? &stop->ring : &stop->vector) = (int)value;
    return true;
}

static unsigned happening(const char *word)
{
    unsigned k = 0;
    while (k < ARRAY_LEN(kinds) && strcmp(kinds[k].name, word)) {
        k++;
    }
    return k;
}

static bool read_happening(struct call *c, struct stop *stop, struct error *err)
{
    unsigned k = happening(c->word[0]);
    if (k == ARRAY_LEN(kinds)) {
        return error_set(err, "%.40s: one of ring [N], interrupt [N], exception [N|RULE], syscall [N], ring3, hypercall [N]",
                         c->word[0]);
    }
    if (kinds[k].kind == STOP_HYPERCALL && !c->machine->config.hypercalls) {
        return error_set(err, "hypercall: the guest cannot speak to anybody: start with -hypercalls on, or -lab");
    }
    if (kinds[k].kind == STOP_EXCEPTION) {
        explain_start(c->machine); /* "why" will be the next question */
    }
    *stop = STOP_OF(kinds[k].kind);
    const char *rest = strstr(c->rest, c->word[0]) + strlen(c->word[0]);
    if (c->count > 1 && strcmp(c->word[1], "if")) {
        if (!read_detail(c, c->word[1], stop, err)) {
            return false;
        }
        rest = strstr(rest, c->word[1]) + strlen(c->word[1]);
    }
    return read_condition(rest, stop, err);
}

static bool run_catch(struct call *c, struct error *err)
{
    struct stop stop;
    return read_happening(c, &stop, err) && add(c, &stop, err);
}

/* ---- those that there are */

static bool run_delete(struct call *c, struct error *err)
{
    u64 number;
    if (!c->count) {
        for (const struct stop *stop; (stop = stops_at(c->machine, 0));) {
            stops_remove(c->machine, stop->number);
        }
        return true;
    }
    return call_number(c, c->word[0], &number, err) && (stops_remove(c->machine, number > INT32_MAX ? 0 : (int)number) ||
           error_set(err, "there is no breakpoint %s; see info breakpoints", c->word[0]));
}

bool info_breakpoints(struct call *c, struct error *err)
{
    (void)err;
    struct view view;
    view_init(&view, 132);
    stops_describe(c->machine, &view);
    view_print(&view, c->out);
    view_free(&view);
    return true;
}

/* ---- going on */

/* It has paused, or will tell later. */
static bool tell(struct call *c)
{
    if (c->machine->paused) {
        monitor_where(c->monitor, c->out);
    }
    return true;
}

static bool run_step(struct call *c, struct error *err)
{
    u64 n = 1;
    if ((c->count && !call_number(c, c->word[0], &n, err)) || (!n && !error_set(err, "by at least one instruction"))) {
        return false;
    }
    do {
        stops_step(c->machine);
    } while (--n && c->machine->paused && stops_reason(c->machine)->why == WHY_STEP);
    return tell(c);
}

static bool run_next(struct call *c, struct error *err)
{
    (void)err;
    stops_step_over(c->machine);
    return tell(c);
}

static bool run_finish(struct call *c, struct error *err)
{
    (void)err;
    stops_finish(c->machine);
    return tell(c);
}

static bool run_until(struct call *c, struct error *err)
{
    struct stop stop;
    bool named = happening(c->word[0]) < ARRAY_LEN(kinds);
    return (named ? read_happening(c, &stop, err) : read_break(c, &stop, err)) && stops_run_to(c->machine, &stop, err) && tell(c);
}

/* ---- what if */

static bool run_set(struct call *c, struct error *err)
{
    return whatif_set(c->machine, c->rest, err);
}

/* `whatif CHANGES [for N]` */
static bool run_whatif(struct call *c, struct error *err)
{
    char changes[LINE_MAX_BYTES];
    u64 most = WHATIF_USUAL;
    snprintf(changes, sizeof changes, "%s", c->rest);
    char *last = strstr(changes, " for ");
    if (last) {
        *last = 0;
        if (!call_number(c, last + 5, &most, err)) {
            return false;
        }
        if (!most || most > WHATIF_MOST) {
            return error_set(err, "for 1 to %u instructions", (unsigned)WHATIF_MOST);
        }
    }
    struct view page;
    view_init(&page, 120);
    bool ok = whatif_page(&page, c->machine, changes, (unsigned)most, err);
    if (ok) {
        view_print(&page, c->out);
    }
    view_free(&page);
    return ok;
}

const struct command control_commands[] = {
    {"break|b", "[*]addr [if expr]", "pause before the instruction at a linear address", 1, run_break},
    {"tbreak", "addr [if expr]", "the same, once", 1, run_tbreak},
    {"watch", "addr [len] [if expr]", "pause when memory there is written to", 1, run_watch},
    {"rwatch", "addr [len] [if expr]", "when it is read", 1, run_rwatch},
    {"awatch", "addr [len] [if expr]", "when it is read or written to", 1, run_awatch},
    {"catch", "what [n] [if expr]", "pause at ring [n], interrupt [n], exception [n|rule], syscall [n], ring3", 1, run_catch},
    {"delete|d", "[n]", "forget a breakpoint, or all", 0, run_delete},
    {"step|si", "[n]", "execute n instructions, or what comes between, and pause", 0, run_step},
    {"next|ni", "", "the same, but a call as a whole", 0, run_next},
    {"finish", "", "go on until this function has returned", 0, run_finish},
    {"set", "what=value[, ...]", "change $register, d[addr], pte[addr], gdt[sel], idt[n]; also |= and &=", 1, run_set},
    {"whatif", "what=value[, ...] [for n]", "what would happen then, beside what does; needs -checkpoints", 1, run_whatif},
    {"until", "addr|what [n] [if expr]", "go on until there, or as catch", 1, run_until},
    {0},
};
