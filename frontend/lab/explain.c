/*
 * explain.c: when exceptions are explained, and what is kept of them.
 */
#include "frontend/lab/explain.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "frontend/lab/explain_parts.h"
#include "frontend/monitor/disas.h"

const struct explain_row explain_rows[RULE_COUNT] = {
#define EXPLAIN(rule, ...) [RULE_##rule] = {__VA_ARGS__},
#include "frontend/lab/explain.def"
#undef EXPLAIN
};

/* ---- one explanation */

static void state_take(struct explain_state *s, const struct cpu *cpu)
{
    memset(s, 0, sizeof *s);
    memcpy(s->regs, cpu->regs, sizeof s->regs);
    memcpy(s->dr, cpu->dr, sizeof s->dr);
    memcpy(s->seg, cpu->seg, sizeof s->seg);
    memcpy(s->pl_ssp, cpu->msr.pl_ssp, sizeof s->pl_ssp);
    memcpy(s->pdpte, cpu->paging.pdpte, sizeof s->pdpte);
    s->ip = cpu->ip;
    s->cr0 = cpu->cr0;
    s->cr2 = cpu->cr2;
    s->cr3 = cpu->cr3;
    s->cr4 = cpu->cr4;
    s->cr8 = cpu->cr8;
    s->efer = cpu->efer;
    s->xcr0 = cpu->xcr0;
    s->xss = cpu->msr.xss;
    s->ssp = cpu->ssp;
    s->pkrs = cpu->msr.pkrs;
    s->u_cet = cpu->msr.u_cet;
    s->s_cet = cpu->msr.s_cet;
    s->ssp_table = cpu->msr.ssp_table;
    s->sysenter_cs = cpu->msr.sysenter_cs;
    s->star = cpu->msr.star;
    s->lstar = cpu->msr.lstar;
    s->pending_db = cpu->pending_db;
    s->eflags = flags_get(cpu);
    s->mxcsr = cpu->mxcsr;
    s->pkru = cpu->pkru;
    s->cpl = cpu->cpl;
    s->code_bytes = cpu->code_bytes;
    s->stack_seg = cpu->stack_seg;
    s->phys_bits = cpu->paging.phys_bits;
    s->long_mode = cpu->long_mode;
    s->protected_mode = cpu->protected_mode;
    s->vm86 = cpu->vm86;
    s->in_smm = cpu->in_smm;
    s->ldtr = cpu->ldtr;
    s->tr = cpu->tr;
    s->gdtr = cpu->gdtr;
    s->idtr = cpu->idtr;
    s->x87_status = cpu->x87.status;
    s->x87_control = cpu->x87.control;
}

static void bytes_take(struct explanation *e, struct cpu *cpu)
{
    vaddr la = cpu->code_base + cpu->ip;
    e->code = cpu->long_mode ? la : (u32)la;
    while (e->available < sizeof e->bytes && mem_peek(cpu, e->code + e->available, &e->bytes[e->available], 1)) {
        e->available++;
    }
}

/* Of an instruction that is none for the processor, or was not executed. */
static u8 undecoded_length(const struct explanation *e)
{
    char text[DISAS_TEXT];
    return e->available ? (u8)disas_bytes(e->bytes, e->available, e->before.ip, e->before.code_bytes, text) : 0;
}

enum { WALK_CHECKS = 8 };

/* Copies what was written down; before a page walk's failure, what it had passed. */
static void events_take(struct explanation *e, const struct explain *trace)
{
    e->event = mem_zeroed(trace->count + EXPLAIN_FAILURES * WALK_CHECKS + 1, sizeof *e->event);
    e->skipped = trace->skipped;
    unsigned room = EXPLAIN_FAILURES * WALK_CHECKS;
    for (unsigned n = 0; n < trace->count; n++) {
        const struct explain_event *v = &trace->event[n];
        e->event[e->count++] = *v;
        if (v->kind == EXPLAIN_WALK && !v->ok) {
            unsigned checks = walk_checks(&e->before, v, &e->event[e->count], room < WALK_CHECKS ? room : WALK_CHECKS);
            e->count += checks;
            room -= checks;
        }
    }
}

static void failures_find(struct explanation *e)
{
    for (unsigned n = 0; n < e->count && e->failures < EXPLAIN_FAILURES; n++) {
        if (e->event[n].kind == EXPLAIN_CHECK && !e->event[n].ok) {
            e->failure[e->failures++].at = n;
        }
    }
}

/* Where the nth failure stands in what was written down; its number of events: there were fewer. */
static unsigned nth_failure(const struct explain *t, unsigned nth)
{
    unsigned n = 0;
    while (n < t->count && (t->event[n].kind != EXPLAIN_CHECK || t->event[n].ok || nth-- > 0)) {
        n++;
    }
    return n;
}

/* How many levels the walk before an event saw. */
static unsigned walk_depth(const struct explain *t, unsigned at)
{
    unsigned depth = 0;
    for (unsigned n = 0; n < at; n++) {
        depth = t->event[n].kind == EXPLAIN_WALK ? t->event[n].walk.depth : depth;
    }
    return depth;
}

/* How far it comes up to a failure: what comes further has passed the check that failed, even if the next failure is of the same
 * rule. */
struct progress {
    unsigned events, depth;
};

static struct progress progress_of(const struct explain *t, unsigned nth)
{
    unsigned at = nth_failure(t, nth);
    return (struct progress){.events = at, .depth = walk_depth(t, at)};
}

/* Executes with the changes, to see whether they help. */
static void try_changes(struct explainer *x, struct explanation *e, const struct cpu *cpu, unsigned nth, struct progress before)
{
    struct failure *f = &e->failure[nth];
    struct change changes[EXPLAIN_CHANGES];
    struct poke poke[EXPLAIN_CHANGES] = {{0}};
    unsigned count = changes_of(e, f, changes), made = 0;
    enum rule rule = e->event[f->at].rule;
    if (!count || e->request.begin == EXPLAIN_RAISED) {
        return;
    }
    explain_copy_take(x->copy, cpu);
    while (made < count && changes[made].known && change_make(x->copy, e, f, &changes[made], &poke[made])) {
        made++;
    }
    if (made == count) {
        struct explain_request again = e->request;
        again.rule = RULE_NONE;
        explain_execute(x->copy, &x->trace, &again);
        struct progress after = progress_of(&x->trace, nth);
        f->tried = true;
        f->next = after.events < x->trace.count ? x->trace.event[after.events].rule : RULE_NONE;
        f->passes = f->next != rule || after.events > before.events || after.depth > before.depth;
    }
    while (made-- > 0) {
        change_undo(&poke[made]);
    }
}

/* The error code is what is pushed: a delivery that began outside of the program sets bit 0. */
static void error_find(struct explanation *e)
{
    for (unsigned n = e->failures ? e->failure[0].at : e->count; n < e->count; n++) {
        const struct explain_event *v = &e->event[n];
        if (v->kind == EXPLAIN_DELIVERY) {
            e->error = v->vector == rule_table[e->rule].vector && v->has_value ? v->error : e->error;
            return;
        }
    }
}

static struct explanation *explain(struct explainer *x, struct cpu *cpu, const struct explain_request *request)
{
    struct explanation *e = mem_zeroed(1, sizeof *e);
    e->request = *request;
    e->rule = request->rule;
    e->error = request->error;
    e->icount = cpu_icount(cpu);
    explain_copy_take(x->copy, cpu);
    state_take(&e->before, x->copy);
    bytes_take(e, x->copy);
    explain_execute(x->copy, &x->trace, request);
    e->length = x->trace.length && x->trace.length <= e->available ? (u8)x->trace.length : undecoded_length(e);
    events_take(e, &x->trace);
    failures_find(e);
    e->same = e->failures && e->event[e->failure[0].at].rule == e->rule;
    if (e->same) {
        error_find(e);
    }
    struct progress before[EXPLAIN_FAILURES];
    for (unsigned n = 0; n < e->failures; n++) {
        before[n] = progress_of(&x->trace, n);
    }
    for (unsigned n = 0; n < e->failures; n++) {
        try_changes(x, e, cpu, n, before[n]);
    }
    return e;
}

static void explanation_free(struct explanation *e)
{
    if (e) {
        free(e->event);
        free(e);
    }
}

/* ---- those that are kept */

static struct explanation **kept_at(struct explainer *x, unsigned n)
{
    return &x->kept[(x->first + n) % EXPLAIN_KEPT];
}

/* What has not happened yet goes: the machine went back. Without counted time all stays. */
static void forget_future(struct explainer *x, u64 icount)
{
    while (x->machine->config.counted && x->count && (*kept_at(x, x->count - 1))->icount >= icount) {
        x->number = (*kept_at(x, x->count - 1))->number;
        explanation_free(*kept_at(x, --x->count));
        *kept_at(x, x->count) = NULL;
    }
}

static void keep(struct explainer *x, struct explanation *e)
{
    forget_future(x, e->icount);
    if (x->count == EXPLAIN_KEPT) {
        explanation_free(x->kept[x->first]);
        x->first = (x->first + 1) % EXPLAIN_KEPT;
        x->count--;
    }
    e->number = x->number++;
    *kept_at(x, x->count++) = e;
    if (x->told && !x->machine->muted) {
        x->told(x->told_opaque, e);
    }
}

/* ---- when */

/* Exceptions that no instruction raises when it is executed again. */
static bool raised_alone(enum rule rule)
{
    return rule == RULE_DB_INSTRUCTION || rule == RULE_DB_TRAP;
}

static void on_exception(void *opaque, struct cpu *cpu)
{
    struct explainer *x = opaque;
    struct explain_request r = {.begin = EXPLAIN_INSTRUCTION, .rule = cpu->raised.rule, .error = cpu->raised.error_code};
    if (x->part_of && cpu->delivering >= 0) {
        x->part_of--; /* it came of one that was explained up to here */
        return;
    }
    x->part_of = 0;
    if (x->ahead && x->ahead->rule == r.rule) {
        struct explanation *e = x->ahead;
        x->ahead = NULL;
        x->part_of = e->failures > 1 ? e->failures - 1 : 0;
        keep(x, e);
        return;
    }
    explanation_free(x->ahead);
    x->ahead = NULL;
    if (cpu->delivering >= 0 && cpu->delivering != DELIVERING_SOFT) {
        enum rule rule = r.rule;
        u32 error = r.error;
        r = x->interrupt;
        r.rule = rule;
        r.error = error;
    } else if (raised_alone(r.rule)) {
        r.begin = EXPLAIN_RAISED;
        r.pending_db = cpu->pending_db;
    }
    struct explanation *e = explain(x, cpu, &r);
    x->part_of = e->failures > 1 ? e->failures - 1 : 0;
    keep(x, e);
}

static void on_interrupt(void *opaque, struct cpu *cpu, unsigned vector, int kind, bool has_error, u32 error)
{
    struct explainer *x = opaque;
    (void)cpu;
    if (kind == DELIVER_SOFT || kind == DELIVER_ICEBP) {
        return; /* an instruction does it */
    }
    x->part_of = 0;
    x->interrupt = (struct explain_request){
        .begin = EXPLAIN_INTERRUPT, .vector = vector, .kind = kind, .has_error = has_error, .error = error};
}

/* Faults in a task switch's second half have the new task's state: what led to them is executed now. */
static void on_task_switch(void *opaque, struct cpu *cpu)
{
    struct explainer *x = opaque;
    struct explain_request r = {.begin = EXPLAIN_INSTRUCTION};
    if (cpu->delivering >= 0 && cpu->delivering != DELIVERING_SOFT) {
        if (cpu->delivering != DELIVERING_EXTERNAL) {
            return; /* of an exception: explained with it */
        }
        r = x->interrupt;
    }
    explanation_free(x->ahead);
    x->ahead = explain(x, cpu, &r);
    x->ahead->rule = x->ahead->failures ? x->ahead->event[x->ahead->failure[0].at].rule : RULE_NONE;
    x->ahead->error = x->ahead->failures ? x->ahead->event[x->ahead->failure[0].at].error : 0;
    x->ahead->same = true;
}

void explain_start(struct machine *machine)
{
    if (machine->explainer) {
        return;
    }
    struct explainer *x = mem_zeroed(1, sizeof *x);
    x->machine = machine;
    x->copy = explain_copy_create();
    x->watch = (struct cpu_watch){.exception = on_exception, .interrupt = on_interrupt, .task_switch = on_task_switch, .opaque = x,
                                  .next = machine->cpu->watch};
    machine->cpu->watch = &x->watch;
    machine->explainer = x;
}

void explain_stop(struct machine *machine)
{
    struct explainer *x = machine->explainer;
    if (!x) {
        return;
    }
    for (struct cpu_watch **w = &machine->cpu->watch; *w; w = &(*w)->next) {
        if (*w == &x->watch) {
            *w = x->watch.next;
            break;
        }
    }
    for (unsigned n = 0; n < x->count; n++) {
        explanation_free(*kept_at(x, n));
    }
    explanation_free(x->ahead);
    explain_copy_destroy(x->copy);
    free(x);
    machine->explainer = NULL;
}

/* ---- what was asked for */

/* The latest one that has happened where the machine is now. */
static unsigned kept_now(const struct explainer *x)
{
    unsigned n = x->count;
    while (x->machine->config.counted && n && x->kept[(x->first + n - 1) % EXPLAIN_KEPT]->icount > cpu_icount(x->machine->cpu)) {
        n--;
    }
    return n;
}

const struct explanation *explain_last(const struct machine *machine, unsigned back)
{
    const struct explainer *x = machine->explainer;
    unsigned count = x ? kept_now(x) : 0;
    return back < count ? x->kept[(x->first + count - 1 - back) % EXPLAIN_KEPT] : NULL;
}

u64 explain_count(const struct machine *machine)
{
    const struct explanation *e = explain_last(machine, 0);
    return e ? e->number + 1 : 0;
}

void explain_tell(struct machine *machine, explain_told *told, void *opaque)
{
    if (machine->explainer) {
        machine->explainer->told = told;
        machine->explainer->told_opaque = opaque;
    }
}

enum rule explanation_rule(const struct explanation *e)
{
    return e->rule;
}

int explanation_vector(const struct explanation *e)
{
    return rule_table[e->rule].vector;
}

u64 explanation_icount(const struct explanation *e)
{
    return e->icount;
}

bool explanation_same(const struct explanation *e)
{
    return e->same;
}

int failed_vector(const struct explanation *e, unsigned n)
{
    for (unsigned k = e->failure[n].at; k < e->count && e->failure[n].at < e->count; k++) {
        if (e->event[k].kind == EXPLAIN_DELIVERY) {
            return e->event[k].vector;
        }
    }
    return -1;
}

int explanation_end(const struct explanation *e)
{
    return e->failures ? failed_vector(e, e->failures - 1) : explanation_vector(e);
}

void explanation_line(const struct explanation *e, char *text, size_t size)
{
    const struct rule_info *r = &rule_table[e->rule];
    char error[16] = "";
    int end = explanation_end(e);
    if (e->before.protected_mode && vector_has_error(r->vector)) {
        snprintf(error, sizeof error, "(%04x)", e->error);
    }
    snprintf(text, size, "%s%s at %04x:%0*llx, ring %u: %s: %s%s", vector_name(r->vector), error, e->before.seg[SEG_CS].selector,
             e->before.code_bytes == 8 ? 16 : 8, (unsigned long long)e->before.ip, e->before.cpl, r->name, r->sentence,
             end < 0 ? "; then a triple fault" : end == VEC_DF && r->vector != VEC_DF ? "; then a double fault" : "");
}

void exceptions_page(struct view *page, const struct machine *machine)
{
    char line[EXPLAIN_TEXT], number[64];
    view_put(page, STYLE_TITLE, "The last exceptions\n");
    if (!machine->explainer) {
        view_put(page, STYLE_NOTE, "They are not explained: start with -explain FILE or -lab, or say `why on`.\n");
        return;
    }
    const struct explanation *e = explain_last(machine, 0);
    if (!e) {
        view_put(page, STYLE_DIM, "none yet\n");
    }
    for (unsigned n = 0; (e = explain_last(machine, n)) != NULL; n++) {
        explanation_line(e, line, sizeof line);
        snprintf(number, sizeof number, "%3u  ", n);
        view_put(page, n ? STYLE_DIM : STYLE_STRONG, number);
        view_wrap(page, n ? STYLE_TEXT : STYLE_STRONG, 5, line);
        view_put(page, STYLE_TEXT, "\n");
    }
}
