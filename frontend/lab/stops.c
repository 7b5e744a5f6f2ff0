/*
 * stops.c: see stops.h. The processor asks by cpu/stop.h, and tells by cpu/crossing.h. What is found while it executes is noted,
 * and the machine asked to pause, which it does between two instructions.
 */
#include "frontend/lab/stops.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "cpu/decode.h"
#include "cpu/interp/icache.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "cpu/stop.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/view.h"
#include "frontend/machine/counted.h"
#include "frontend/machine/hypercall.h"

enum { SLICES_MAX = 1000, INSTRUCTIONS_MAX = 1 << 22 };

enum motion { MOTION_RUN, MOTION_STEP, MOTION_FINISH };

struct entry {
    struct stop stop;
    bool until; /* goes when the machine pauses, whatever for */
};

/* Where a run began: the instruction there is executed without looking. */
struct instant {
    bool set;
    u64 count;
    vaddr la;
};

/* What the present instruction did to watched memory. */
struct data_access {
    vaddr address;
    unsigned bytes; /* 0: nothing */
    bool write, happened; /* not happened: it may have faulted */
    u64 before, ip;
    u16 cs;
    u8 ring;
};

struct stops {
    struct machine *machine;
    struct machine_listener listener;
    struct cpu_stops hooks;
    struct crossing_listener crossings;
    struct hypercall_watch hypercalls;
    bool listening; /* to crossings */
    struct entry entry[STOPS_MAX];
    struct data_access access[STOPS_MAX]; /* to each of these */
    unsigned count;
    int last_number;
    bool suspended;
    /* of this run */
    enum motion motion;
    bool hit; /* `reason` says what; the machine has been asked to pause */
    struct instant from;
    struct {
        vaddr la;
        u64 count, left;
    } rep; /* the last repeated string instruction that was asked about */
    struct {
        bool set;
        vaddr la;
        u64 sp;
        unsigned ring;
    } over; /* pause there: what was called has returned */
    enum { SEEK_NO, SEEK_LAST, SEEK_AGAIN } seek; /* the last pause; the pause at `sought` */
    bool found;
    u64 sought, found_at;
    u64 finish_sp;
    unsigned finish_ring;
    struct stop_reason reason;
};

/* ---- what the processor is at */

static struct cpu *cpu_of(const struct stops *s)
{
    return s->machine->cpu;
}

static vaddr wrap(const struct cpu *cpu, vaddr la)
{
    return cpu->long_mode ? la : (u32)la;
}

static vaddr next_linear(const struct cpu *cpu)
{
    return wrap(cpu, cpu->code_base + cpu->ip);
}

static u64 stack_pointer(const struct cpu *cpu)
{
    return cpu->regs[R_SP] & cpu->stack_mask;
}

static u64 iterations_left(const struct cpu *cpu, const struct insn *i)
{
    return cpu->regs[R_CX] & (~(u64)0 >> i->ea_shift);
}

/* The instruction that is executed, or is next. */
static u64 ip_at_work(const struct cpu *cpu)
{
    return cpu->current ? insn_ip(cpu, cpu->current) & cpu->ip_mask : cpu->ip;
}

static struct instant now(const struct stops *s)
{
    const struct cpu *cpu = cpu_of(s);
    return (struct instant){.set = true, .count = cpu_icount(cpu), .la = next_linear(cpu)};
}

static bool is_from(const struct stops *s)
{
    struct instant n = now(s);
    return s->from.set && s->from.count == n.count && s->from.la == n.la;
}

/* ---- stops */

static bool is_data(enum stop_kind kind)
{
    return kind == STOP_WRITE || kind == STOP_READ || kind == STOP_ACCESS;
}

static bool overlap(vaddr a, u64 a_bytes, vaddr b, u64 b_bytes)
{
    return a - b < b_bytes || b - a < a_bytes;
}

/* What cannot be told is a reason to pause. */
static bool condition_holds(const struct stops *s, const struct stop *stop)
{
    struct error err;
    u64 value;
    return !stop->condition[0] || !inspect_number(s->machine, stop->condition, &value, &err) || value;
}

/* It has happened. False: it is to be ignored. */
static bool counts(struct stop *stop)
{
    stop->hits++;
    if (stop->ignore) {
        stop->ignore--;
        return false;
    }
    return true;
}

/* ---- pausing */

static void ask_to_pause(struct stops *s)
{
    s->hit = true;
    machine_request_pause(s->machine);
}

static void begin_reason(struct stops *s, enum stop_why why)
{
    const struct cpu *cpu = cpu_of(s);
    s->reason = (struct stop_reason){
        .why = why, .cs = cpu->seg[SEG_CS].selector, .ip = ip_at_work(cpu), .ring_before = cpu->cpl, .ring = cpu->cpl};
}

/* That a step ends is said only if nothing else is to be said. */
static bool is_told(const struct stops *s)
{
    return s->hit && s->reason.why == WHY_STOP;
}

/* How many instructions will have been executed when the machine pauses for what happens now. */
static u64 pause_count(const struct cpu *cpu)
{
    return cpu_icount(cpu) + (cpu->current != NULL);
}

/* The past is executed again. */
static bool is_sought(struct stops *s, struct stop *stop)
{
    u64 count = pause_count(cpu_of(s));
    if (s->seek == SEEK_AGAIN) {
        return !is_told(s) && count == s->sought && condition_holds(s, stop);
    }
    if (count < s->sought && condition_holds(s, stop)) {
        s->found = true;
        s->found_at = count;
    }
    return false;
}

/* `stop` is reached, and nothing else was before, between the same two instructions. */
static bool reached(struct stops *s, struct stop *stop)
{
    if (s->seek) {
        if (!is_sought(s, stop)) {
            return false;
        }
    } else if (is_told(s) || !condition_holds(s, stop) || !counts(stop)) {
        return false;
    }
    begin_reason(s, WHY_STOP);
    s->reason.stop = *stop;
    ask_to_pause(s);
    return true;
}

static bool is_exec_at(const struct stop *stop, vaddr la, u64 bytes)
{
    return stop->kind == STOP_EXEC && stop->address - la < bytes;
}

/* ---- asked by the processor: instructions */

static bool exec_in(const struct stops *s, vaddr la, u64 bytes)
{
    for (unsigned n = 0; n < s->count; n++) {
        if (is_exec_at(&s->entry[n].stop, la, bytes)) {
            return true;
        }
    }
    return s->over.set && s->over.la - la < bytes;
}

static bool code_page(void *opaque, vaddr page)
{
    return exec_in(opaque, page, PAGE_SIZE);
}

static bool code_range(void *opaque, vaddr la, unsigned bytes)
{
    return exec_in(opaque, la, bytes);
}

/* The iterations of a repeated instruction are one. */
static bool goes_on(struct stops *s, vaddr la)
{
    const struct cpu *cpu = cpu_of(s);
    const struct insn *i = cpu->single;
    if (!i->rep) {
        return false;
    }
    u64 count = cpu_icount(cpu), left = iterations_left(cpu, i), done = count - s->rep.count;
    bool same = s->rep.la == la && done && s->rep.left - left == done;
    s->rep.la = la;
    s->rep.count = count;
    s->rep.left = left;
    return same;
}

static bool at_breakpoint(struct stops *s, vaddr la)
{
    for (unsigned n = 0; n < s->count; n++) {
        struct stop *stop = &s->entry[n].stop;
        if (is_exec_at(stop, la, 1) && reached(s, stop)) {
            return true;
        }
    }
    return false;
}

static bool has_returned(const struct stops *s, vaddr la)
{
    const struct cpu *cpu = cpu_of(s);
    return s->over.set && s->over.la == la && s->over.ring == cpu->cpl && stack_pointer(cpu) >= s->over.sp;
}

static bool is_named(const struct insn *i, const char *const *names)
{
    for (; *names && i->row != ROW_NONE; names++) {
        if (!strcmp(row_table[i->row].name, *names)) {
            return true;
        }
    }
    return false;
}

static bool calls(const struct insn *i)
{
    static const char *const names[] = {"CALL", "CALLF", "INT", "INT3", "INTO", "INT1", "SYSCALL", "SYSENTER", NULL};
    return i->rep || is_named(i, names);
}

static bool returns(const struct insn *i)
{
    static const char *const names[] = {"RET", "RETF", "IRET", "SYSRET", "SYSEXIT", "RSM", NULL};
    return is_named(i, names);
}

static void install(struct stops *s);

/* Pause when what the instruction calls has returned. */
static void step_over(struct stops *s, const struct insn *i)
{
    const struct cpu *cpu = cpu_of(s);
    s->over.set = true;
    s->over.la = wrap(cpu, next_linear(cpu) + i->length);
    s->over.sp = stack_pointer(cpu);
    s->over.ring = cpu->cpl;
}

/* stops_finish(), before each instruction of the function, and of what interrupts it. */
static void look_for_return(struct stops *s)
{
    const struct cpu *cpu = cpu_of(s);
    const struct insn *i = cpu->single;
    if (cpu->cpl != s->finish_ring) {
        return;
    }
    if (returns(i) && stack_pointer(cpu) >= s->finish_sp) {
        begin_reason(s, WHY_RETURNED);
        ask_to_pause(s);
    } else if (calls(i)) {
        step_over(s, i);
        install(s);
    }
}

static bool before(void *opaque)
{
    struct stops *s = opaque;
    vaddr la = next_linear(cpu_of(s));
    if (s->hit) {
        return true;
    }
    bool asked = exec_in(s, la, 1);
    if (!(asked && goes_on(s, la)) && !is_from(s)) {
        if (asked && at_breakpoint(s, la)) {
            return true;
        }
        if (has_returned(s, la) && s->motion != MOTION_FINISH) {
            begin_reason(s, WHY_STEP);
            ask_to_pause(s);
            return true;
        }
    }
    if (s->motion == MOTION_STEP) { /* this one, and no more */
        begin_reason(s, WHY_STEP);
        ask_to_pause(s);
    } else if (s->motion == MOTION_FINISH) {
        if (has_returned(s, la)) {
            s->over.set = false;
            install(s);
        }
        if (!s->over.set) {
            look_for_return(s);
        }
    }
    return false;
}

/* ---- data */

static bool wants(const struct stop *stop, bool write)
{
    return stop->kind == STOP_ACCESS || stop->kind == (write ? STOP_WRITE : STOP_READ);
}

/* What reads and writes in one looks for the right to write only. */
static bool data_page(void *opaque, vaddr page, bool write)
{
    const struct stops *s = opaque;
    for (unsigned n = 0; n < s->count; n++) {
        const struct stop *stop = &s->entry[n].stop;
        if (is_data(stop->kind) && (write || stop->kind != STOP_WRITE) && overlap(stop->address, stop->bytes, page, PAGE_SIZE)) {
            return true;
        }
    }
    return false;
}

static bool data_range(void *opaque, vaddr la, u64 bytes, bool write)
{
    const struct stops *s = opaque;
    for (unsigned n = 0; n < s->count; n++) {
        if (wants(&s->entry[n].stop, write) && overlap(s->entry[n].stop.address, s->entry[n].stop.bytes, la, bytes)) {
            return true;
        }
    }
    return false;
}

static u64 peek(struct cpu *cpu, vaddr la, unsigned bytes)
{
    u8 data[8] = {0};
    return mem_peek(cpu, la, data, bytes) ? load64(data) : 0;
}

/* What an instruction accesses: the first write, or the first read. The rest is seen to behind it. */
static void access(void *opaque, vaddr la, u64 bytes, bool write, bool done)
{
    struct stops *s = opaque;
    if (done) {
        cpu_ask_after(cpu_of(s));
    }
    for (unsigned n = 0; n < s->count; n++) {
        const struct stop *stop = &s->entry[n].stop;
        struct data_access *d = &s->access[n];
        if (!wants(stop, write) || !overlap(stop->address, stop->bytes, la, bytes)) {
            continue;
        }
        if (done) {
            d->happened = d->bytes != 0;
            continue;
        }
        if (d->happened && (d->write || !write)) {
            continue;
        }
        d->happened = false;
        vaddr first = stop->address - la < bytes ? stop->address : la;
        u64 here = bytes - (first - la), watched = stop->bytes - (first - stop->address), common = here < watched ? here : watched;
        d->address = first;
        d->bytes = common < 8 ? (unsigned)common : 8;
        d->write = write;
        d->before = peek(cpu_of(s), first, d->bytes);
        d->cs = cpu_of(s)->seg[SEG_CS].selector;
        d->ip = ip_at_work(cpu_of(s));
        d->ring = cpu_of(s)->cpl;
    }
}

/* The instruction is complete. */
static void after(void *opaque)
{
    struct stops *s = opaque;
    for (unsigned n = 0; n < s->count; n++) {
        const struct data_access *d = &s->access[n];
        if (d->happened && reached(s, &s->entry[n].stop)) {
            struct stop_reason *r = &s->reason;
            r->address = d->address;
            r->bytes = d->bytes;
            r->write = d->write;
            r->before = d->before;
            r->after = peek(cpu_of(s), d->address, d->bytes);
            r->cs = d->cs;
            r->ip = d->ip;
            r->ring_before = d->ring;
        }
    }
    memset(s->access, 0, sizeof s->access);
}

/* ---- crossings */

/* The same of what has happened. */
static void crossed_at(struct stops *s, const struct crossing *c)
{
    s->reason.cs = c->from.cs;
    s->reason.ip = c->from.ip;
    s->reason.ring_before = c->from.ring;
    s->reason.ring = c->to.ring;
    s->reason.crossed = true;
    s->reason.crossing = *c;
}

static bool is_one_of(int wanted, int value)
{
    return wanted == STOP_ANY || wanted == value;
}

static bool is_exception(const struct stop *stop, const struct crossing *c)
{
    if (c->kind == CROSSING_SHUTDOWN) {
        return is_one_of(stop->vector, VEC_DF) && is_one_of(stop->rule, c->rule);
    }
    bool on_the_way = c->during == CROSSING_EXCEPTION + 1; /* an exception that could not be delivered */
    return c->kind == CROSSING_EXCEPTION && ((is_one_of(stop->vector, c->vector) && is_one_of(stop->rule, c->rule)) ||
                                             (on_the_way && stop->vector == c->during_vector && stop->rule == STOP_ANY));
}

static bool is_that(const struct stop *stop, const struct crossing *c)
{
    switch (stop->kind) {
    case STOP_RING:
        return c->from.ring != c->to.ring && is_one_of(stop->ring, c->to.ring);
    case STOP_TO_RING3:
        return c->from.ring != c->to.ring && c->to.ring == 3;
    case STOP_EXCEPTION:
        return is_exception(stop, c);
    case STOP_INTERRUPT:
        return (c->kind == CROSSING_IRQ || c->kind == CROSSING_NMI) && is_one_of(stop->vector, c->vector);
    case STOP_SYSCALL:
        return c->kind == CROSSING_INT ? is_one_of(stop->vector, c->vector)
                                       : stop->vector == STOP_ANY && (c->kind == CROSSING_SYSCALL || c->kind == CROSSING_SYSENTER);
    default:
        return false;
    }
}

/* What comes between instructions ends a step. */
static bool is_between(const struct crossing *c)
{
    return c->kind == CROSSING_EXCEPTION || c->kind == CROSSING_IRQ || c->kind == CROSSING_NMI || c->kind == CROSSING_SMI ||
           c->kind == CROSSING_SHUTDOWN || c->kind == CROSSING_RESET || c->kind == CROSSING_INIT;
}

static void crossed(void *opaque, const struct crossing *c)
{
    struct stops *s = opaque;
    for (unsigned n = 0; n < s->count; n++) {
        struct stop *stop = &s->entry[n].stop;
        if (is_that(stop, c) && reached(s, stop)) {
            crossed_at(s, c);
        }
    }
    if (s->motion == MOTION_STEP && !is_told(s) && is_between(c)) {
        begin_reason(s, WHY_STEP);
        crossed_at(s, c);
        ask_to_pause(s);
    }
}

static void spoken(void *opaque, const struct hypercall *call)
{
    struct stops *s = opaque;
    for (unsigned n = 0; !s->suspended && n < s->count; n++) {
        struct stop *stop = &s->entry[n].stop;
        if (stop->kind == STOP_HYPERCALL && is_one_of(stop->vector, (int)call->function)) {
            reached(s, stop);
        }
    }
}

/* ---- the machine */

static bool is_crossing(const struct stop *stop)
{
    return stop->kind >= STOP_RING && stop->kind <= STOP_TO_RING3;
}

static void listen(struct stops *s, bool wanted)
{
    bool any = s->motion == MOTION_STEP;
    for (unsigned n = 0; n < s->count; n++) {
        any = any || is_crossing(&s->entry[n].stop);
    }
    any = any && wanted;
    if (any && !s->listening) {
        crossing_listen(cpu_of(s), &s->crossings);
    } else if (!any && s->listening) {
        crossing_ignore(cpu_of(s), &s->crossings);
    }
    s->listening = any;
}

/* Hooks are there when there is something to ask about. */
static void install(struct stops *s)
{
    bool wanted = !s->suspended && (s->count || s->motion != MOTION_RUN || s->over.set);
    bool every = wanted && (s->motion == MOTION_STEP || (s->motion == MOTION_FINISH && !s->over.set));
    if (wanted || cpu_of(s)->stops) {
        cpu_set_stops(cpu_of(s), wanted ? &s->hooks : NULL);
        cpu_ask(cpu_of(s), every);
    }
    listen(s, wanted);
}

static void remove_at(struct stops *s, unsigned n)
{
    memmove(&s->entry[n], &s->entry[n + 1], (s->count - n - 1) * sizeof *s->entry);
    memset(s->access, 0, sizeof s->access);
    s->count--;
}

static void begin_run(struct stops *s)
{
    s->hit = false;
    s->from = now(s);
    s->rep.la = 0;
    s->rep.count = 0;
    s->reason = (struct stop_reason){.why = WHY_NONE};
    install(s);
}

/* Stepping has led to a breakpoint. */
static void look_at_place(struct stops *s)
{
    vaddr la = next_linear(cpu_of(s));
    for (unsigned n = 0; n < s->count && s->reason.why != WHY_STOP; n++) {
        struct stop *stop = &s->entry[n].stop;
        if (is_exec_at(stop, la, 1) && condition_holds(s, stop) && counts(stop)) {
            s->reason.why = WHY_STOP;
            s->reason.stop = *stop;
        }
    }
}

static void end_run(struct stops *s)
{
    if (s->hit && (s->reason.why == WHY_STEP || s->reason.why == WHY_RETURNED)) {
        look_at_place(s);
    }
    s->hit = false;
    s->motion = MOTION_RUN;
    s->over.set = false;
    s->reason.count = cpu_icount(cpu_of(s));
    s->reason.ring = cpu_of(s)->cpl;
    for (unsigned n = s->count; n-- > 0;) {
        const struct entry *e = &s->entry[n];
        if (!s->seek && (e->until || (e->stop.once && s->reason.why == WHY_STOP && s->reason.stop.number == e->stop.number))) {
            remove_at(s, n);
        }
    }
    install(s);
}

static void changed(void *opaque)
{
    struct stops *s = opaque;
    if (s->suspended || s->seek) {
        return;
    }
    if (s->machine->paused) {
        end_run(s);
    } else {
        begin_run(s);
    }
}

void stops_suspend(struct machine *m, bool suspended)
{
    struct stops *s = m->stops;
    if (s && s->suspended != suspended) {
        s->suspended = suspended;
        s->reason = (struct stop_reason){.why = WHY_NONE};
        if (!suspended && !m->paused) {
            begin_run(s);
        }
        install(s);
    }
}

static struct entry *find(struct stops *s, int number)
{
    for (unsigned n = 0; n < s->count; n++) {
        if (s->entry[n].stop.number == number) {
            return &s->entry[n];
        }
    }
    return NULL;
}

static void gone(void *opaque)
{
    struct stops *s = opaque;
    s->suspended = true;
    install(s);
    hypercall_ignore(s->machine, &s->hypercalls);
    s->machine->stops = NULL;
    free(s);
}

static struct stops *of(struct machine *m)
{
    if (m->stops) {
        return m->stops;
    }
    struct stops *s = mem_zeroed(1, sizeof *s);
    s->machine = m;
    s->hooks = (struct cpu_stops){.opaque = s,
                                  .code_page = code_page,
                                  .code_range = code_range,
                                  .before = before,
                                  .data_page = data_page,
                                  .data_range = data_range,
                                  .access = access,
                                  .after = after};
    s->crossings = (struct crossing_listener){.crossed = crossed, .opaque = s};
    s->hypercalls = (struct hypercall_watch){.called = spoken, .opaque = s};
    hypercall_listen(m, &s->hypercalls);
    s->listener = (struct machine_listener){.changed = changed, .gone = gone, .opaque = s, .next = m->listeners};
    m->listeners = &s->listener; /* before all others: they ask for the reason */
    m->stops = s;
    return s;
}

/* ---- the past */

void stops_seek(struct machine *m, u64 before)
{
    struct stops *s = of(m);
    s->seek = SEEK_LAST;
    s->sought = before;
    s->found = false;
    s->suspended = false;
    begin_run(s);
    s->from.set = false;
}

bool stops_found(struct machine *m, u64 *count)
{
    struct stops *s = of(m);
    s->seek = SEEK_NO;
    s->suspended = true;
    install(s);
    *count = s->found_at;
    return s->found;
}

bool stops_come_to(struct machine *m, u64 count)
{
    struct stops *s = of(m);
    bool was_suspended = s->suspended;
    s->seek = SEEK_AGAIN;
    s->sought = count;
    s->suspended = false;
    begin_run(s);
    m->requests &= ~(unsigned)REQUEST_PAUSE;
    for (i64 wait = 0; !(m->requests & (REQUEST_PAUSE | REQUEST_QUIT)) && wait >= 0 && cpu_icount(m->cpu) <= count;) {
        machine_take_requests(m);
        wait = counted_run(m);
    }
    bool there = s->hit;
    m->requests &= ~(unsigned)REQUEST_PAUSE;
    end_run(s);
    s->seek = SEEK_NO;
    s->suspended = was_suspended;
    install(s);
    return there;
}

/* ---- setting them */

static bool check(struct machine *m, const struct stop *stop, struct error *err)
{
    u64 value;
    if (is_data(stop->kind) && stop->bytes > STOP_BYTES_MAX) {
        return error_set(err, "at most %u bytes can be watched at once", (unsigned)STOP_BYTES_MAX);
    }
    return !stop->condition[0] || inspect_number(m, stop->condition, &value, err);
}

static int add(struct machine *m, const struct stop *stop, bool until, struct error *err)
{
    struct stops *s = of(m);
    if (s->count == STOPS_MAX) {
        error_set(err, "there are %u breakpoints already, and cannot be more; delete one", (unsigned)STOPS_MAX);
        return 0;
    }
    if (!check(m, stop, err)) {
        return 0;
    }
    struct entry *e = &s->entry[s->count++];
    *e = (struct entry){.stop = *stop, .until = until};
    e->stop.bytes = stop->bytes ? stop->bytes : 1;
    e->stop.number = until ? 0 : ++s->last_number;
    e->stop.hits = 0;
    if (!m->paused && !m->cpu->stops) {
        begin_run(s);
        s->from.set = false;
    }
    install(s);
    return until ? 1 : e->stop.number;
}

int stops_add(struct machine *m, const struct stop *stop, struct error *err)
{
    return add(m, stop, false, err);
}

bool stops_remove(struct machine *m, int number)
{
    struct stops *s = of(m);
    struct entry *e = number > 0 ? find(s, number) : NULL;
    if (!e) {
        return false;
    }
    remove_at(s, (unsigned)(e - s->entry));
    install(s);
    return true;
}

const struct stop *stops_at(struct machine *m, unsigned n)
{
    const struct stops *s = of(m);
    return n < s->count ? &s->entry[n].stop : NULL;
}

/* ---- going on */

/* What is near is reached at once. Where instructions are not counted, only a step is sure to end: while this goes on, nothing of
 * the host comes in that would end a slice. */
static void run_a_while(struct machine *m)
{
    u64 end = cpu_icount(m->cpu) + INSTRUCTIONS_MAX;
    bool ends = m->config.counted || of(m)->motion == MOTION_STEP;
    machine_continue(m);
    for (unsigned k = 0; ends && k < SLICES_MAX && cpu_icount(m->cpu) < end && !m->paused && !(m->requests & REQUEST_QUIT); k++) {
        i64 wait = machine_slice(m);
        if (m->requests & REQUEST_PAUSE) {
            machine_take_requests(m);
        } else if (wait) {
            return;
        }
    }
}

/* A step of a machine that runs is one from where it is now. */
static struct stops *paused(struct machine *m)
{
    machine_pause(m);
    return of(m);
}

void stops_step(struct machine *m)
{
    paused(m)->motion = MOTION_STEP;
    run_a_while(m);
}

/* The next instruction. False: it cannot be told. */
static bool decode_next(struct cpu *cpu, struct insn *i)
{
    u8 bytes[INSN_BYTES_MAX];
    unsigned n = 0;
    enum rule rule;
    vaddr la = next_linear(cpu);
    while (n < sizeof bytes && mem_peek(cpu, la + n, bytes + n, 1)) {
        n++;
    }
    unsigned mode = (cpu->code_mode & MODE_CODE_BYTES) | (cpu->code_mode & MODE_REAL ? DECODE_REAL : 0u);
    return decode(cpu->decoder, bytes, n, mode, (unsigned)(la & (PAGE_SIZE - 1)), i, &rule) == DECODE_OK;
}

void stops_step_over(struct machine *m)
{
    struct stops *s = paused(m);
    struct insn insn[2];
    if (decode_next(m->cpu, insn) && calls(insn)) {
        step_over(s, insn);
    } else {
        s->motion = MOTION_STEP;
    }
    run_a_while(m);
}

void stops_finish(struct machine *m)
{
    struct stops *s = paused(m);
    s->motion = MOTION_FINISH;
    s->finish_sp = stack_pointer(m->cpu);
    s->finish_ring = m->cpu->cpl;
    run_a_while(m);
}

int stops_run_to(struct machine *m, const struct stop *stop, struct error *err)
{
    int number = add(m, stop, true, err);
    if (number) {
        run_a_while(m);
    }
    return number;
}

bool stops_until(struct machine *m, enum stop_kind kind, struct error *err)
{
    return stops_run_to(m, &STOP_OF(kind), err);
}

/* ---- why */

const struct stop_reason *stops_reason(struct machine *m)
{
    return &of(m)->reason;
}

static const char *const kind_words[STOP_KINDS] = {
    [STOP_EXEC] = "the instruction at", [STOP_WRITE] = "a write of", [STOP_READ] = "a read of", [STOP_ACCESS] = "an access to",
    [STOP_RING] = "a change of the ring", [STOP_INTERRUPT] = "an interrupt", [STOP_EXCEPTION] = "an exception",
    [STOP_SYSCALL] = "a system call", [STOP_TO_RING3] = "a change to ring 3", [STOP_HYPERCALL] = "a hypercall"};

static void put(char *text, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
static void put(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + length, size - length, format, args);
    va_end(args);
}

void stop_words(const struct stop *stop, char *text, size_t size)
{
    snprintf(text, size, "%s", kind_words[stop->kind]);
    if (stop->kind == STOP_EXEC) {
        put(text, size, " %08" PRIx64, stop->address);
    } else if (is_data(stop->kind)) {
        put(text, size, " %" PRIu64 " byte%s at %08" PRIx64, stop->bytes, stop->bytes == 1 ? "" : "s", stop->address);
    } else if (stop->kind == STOP_RING && stop->ring != STOP_ANY) {
        put(text, size, " to %d", stop->ring);
    } else if (stop->rule != STOP_ANY) {
        put(text, size, " by rule %s", rule_table[stop->rule].name);
    } else if (stop->vector != STOP_ANY) {
        put(text, size, "%s %02x", stop->kind == STOP_SYSCALL ? " by INT" : "", (unsigned)stop->vector);
    }
    if (stop->condition[0]) {
        put(text, size, " if %s", stop->condition);
    }
}

void stops_describe(struct machine *m, struct view *view)
{
    const struct stops *s = of(m);
    char text[256];
    bool any = false;
    for (unsigned n = 0; n < s->count; n++) {
        const struct stop *stop = &s->entry[n].stop;
        if (stop->number) {
            stop_words(stop, text, sizeof text);
            view_printf(view, STYLE_STRONG, "%3d ", stop->number);
            view_printf(view, STYLE_TEXT, "%s%s", text, stop->once ? ", once" : "");
            view_printf(view, STYLE_DIM, "; happened %" PRIu64 " times", stop->hits);
            if (stop->ignore) {
                view_printf(view, STYLE_DIM, ", the next %" PRIu64 " are ignored", stop->ignore);
            }
            view_put(view, STYLE_TEXT, "\n");
            any = true;
        }
    }
    if (!any) {
        view_put(view, STYLE_TEXT, "no breakpoints\n");
    }
}

/* What happened is called. */
static void put_crossing(const struct stop_reason *r, char *text, size_t size)
{
    char name[CROSSING_NAME];
    if (r->crossed) {
        put(text, size, ": %s", crossing_name(&r->crossing, name));
        if (r->crossing.rule) {
            put(text, size, " by %s", rule_table[r->crossing.rule].name);
        }
    }
}

static void put_stop(const struct stop_reason *r, char *text, size_t size)
{
    const struct stop *stop = &r->stop;
    if (stop->number) {
        put(text, size, "breakpoint %d: ", stop->number);
    }
    if (stop->kind == STOP_EXEC || stop->kind == STOP_HYPERCALL) {
        stop_words(stop, text + strlen(text), size - strlen(text));
    } else if (is_data(stop->kind)) {
        put(text, size, "%04x:%08" PRIx64 " %s %08" PRIx64, r->cs, r->ip, r->write ? "wrote" : "read", r->address);
        put(text, size, ", %" PRIx64, r->before);
        if (r->write) {
            put(text, size, " became %" PRIx64, r->after);
        }
    } else if (stop->kind == STOP_RING || stop->kind == STOP_TO_RING3) {
        put(text, size, "ring %u became ring %u at %04x:%08" PRIx64, r->ring_before, r->ring, r->cs, r->ip);
    } else {
        put(text, size, "%s", kind_words[stop->kind]);
        put_crossing(r, text, size);
        put(text, size, ", at %04x:%08" PRIx64 " in ring %u", r->cs, r->ip, r->ring_before);
    }
}

void stops_print_reason(struct machine *m, char *text, size_t size)
{
    const struct stop_reason *r = stops_reason(m);
    text[0] = 0;
    switch (r->why) {
    case WHY_STOP:
        put_stop(r, text, size);
        break;
    case WHY_STEP:
        put(text, size, "step");
        put_crossing(r, text, size);
        break;
    case WHY_RETURNED:
        put(text, size, "returned from %04x:%08" PRIx64, r->cs, r->ip);
        break;
    case WHY_NONE:
        put(text, size, m->paused ? "paused" : "running");
        break;
    }
}
