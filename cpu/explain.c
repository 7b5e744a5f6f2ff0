/*
 * explain.c: the copy of a processor that executes to be explained, and what is written down of it.
 */
#include "cpu/explain.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/log.h"
#include "cpu/base/mem.h"
#include "cpu/interp/interp.h"
#include "cpu/op/op.h"

/* ---- events */

/* A new one at the end. When there is no more room the middle goes: how it began stays, and how it ended. */
static struct explain_event *add(struct cpu *cpu, enum explain_kind kind)
{
    struct explain *t    = cpu->explain;
    const unsigned  half = EXPLAIN_EVENTS / 2, gone = EXPLAIN_EVENTS / 8;
    if (t->count == EXPLAIN_EVENTS) {
        memmove(&t->event[half], &t->event[half + gone], (EXPLAIN_EVENTS - half - gone) * sizeof t->event[0]);
        t->count -= gone;
        t->skipped += gone;
    }
    struct explain_event *e = &t->event[t->count++];
    *e                      = (struct explain_event){.kind = (u8)kind, .cpl = cpu->cpl, .ok = true};
    return e;
}

/* The last one of a kind, at most `back` events ago; NULL: there is none. */
static struct explain_event *last(struct cpu *cpu, enum explain_kind kind, unsigned back)
{
    struct explain *t = cpu->explain;
    for (unsigned n = t->count; n-- > 0 && back-- > 0;) {
        if (t->event[n].kind == kind) {
            return &t->event[n];
        }
    }
    return NULL;
}

void explain_check(struct cpu *cpu, bool ok, enum rule rule, u32 error)
{
    const struct explain *t = cpu->explain;
    unsigned              n = t->count;
    if (n > 1 && t->event[n - 1].kind == EXPLAIN_WALK && t->event[n - 1].access == ACCESS_FETCH) {
        n--;
    }
    if (ok && n && t->event[n - 1].kind == EXPLAIN_CHECK && t->event[n - 1].rule == rule) {
        return; /* the same for the next byte of an instruction, or in a loop */
    }
    struct explain_event *e = add(cpu, EXPLAIN_CHECK);
    e->ok                   = ok;
    e->rule                 = (u16)rule;
    e->error                = error;
}

void explain_access(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, bool write)
{
    struct explain_event *e = add(cpu, EXPLAIN_ACCESS);
    e->seg                  = (u8)seg;
    e->address              = offset;
    e->linear               = cpu->seg[seg].base + offset;
    e->size                 = (u16)size;
    e->limit                = cpu->seg[seg].limit;
    e->base                 = cpu->seg[seg].base;
    e->selector             = cpu->seg[seg].selector;
    e->attr                 = cpu->seg[seg].attr;
    e->access               = write ? ACCESS_WRITE : ACCESS_READ;
    if (!cpu->long_mode) {
        e->linear = (u32)e->linear;
    }
}

void explain_linear(struct cpu *cpu, vaddr la, unsigned size, enum access_kind access, bool implicit)
{
    struct explain_event *e = add(cpu, EXPLAIN_LINEAR);
    e->linear               = la;
    e->size                 = (u16)size;
    e->access               = (u8)access;
    e->implicit             = implicit;
}

void explain_value(struct cpu *cpu, u64 value)
{
    struct explain *t = cpu->explain;
    for (unsigned n = t->count; n-- > 0;) {
        struct explain_event *e = &t->event[n];
        if (e->kind == EXPLAIN_ACCESS || e->kind == EXPLAIN_LINEAR) {
            e->value     = value;
            e->has_value = true;
            return;
        }
    }
}

struct walk_result explain_walk(struct cpu *cpu, vaddr la, enum access_kind access, bool user, bool override)
{
    struct walk_trace           trace;
    struct walk_result          r     = walk_explain(&cpu->paging, cpu->memory, la, access, user, override, &trace);
    const struct explain_event *known = last(cpu, EXPLAIN_WALK, 12);
    if (cpu->paging.mode == PAGING_NONE && r.rule == RULE_NONE) {
        return r;
    }
    if (known && r.rule == RULE_NONE && known->linear >> PAGE_SHIFT == la >> PAGE_SHIFT && known->access == access &&
        known->user == user) {
        return r;
    }
    struct explain_event *e = add(cpu, EXPLAIN_WALK);
    e->linear               = la;
    e->access               = (u8)access;
    e->user                 = user;
    e->override             = override;
    e->rule                 = (u16)r.rule;
    e->ok                   = r.rule == RULE_NONE;
    e->value                = r.phys;
    e->error                = r.error_code;
    e->walk                 = trace;
    return r;
}

/* ---- memory, apart from the guest's */

u64 explain_read(struct cpu *cpu, paddr at, unsigned size)
{
    const struct explain *t = cpu->explain;
    u64                   v = 0;
    for (unsigned k = 0; k < size; k++) {
        struct target where = space_find(cpu->memory, at + k, false, cpu->in_smm);
        u8            byte  = where.region && where.region->kind != REGION_IO ? where.region->host[where.offset] : 0xff;
        for (unsigned n = 0; n < t->writes; n++) {
            if (t->write[n].at == at + k) {
                byte = t->write[n].value;
            }
        }
        v |= (u64)byte << (8 * k);
    }
    return v;
}

void explain_write(struct cpu *cpu, paddr at, u64 value, unsigned size)
{
    struct explain *t = cpu->explain;
    for (unsigned k = 0; k < size && t->writes < EXPLAIN_WRITES; k++) {
        t->write[t->writes].at      = at + k;
        t->write[t->writes++].value = (u8)(value >> (8 * k));
    }
}

void explain_port(struct cpu *cpu, u16 port, unsigned size, bool write)
{
    struct explain_event *e = add(cpu, EXPLAIN_PORT);
    e->address              = port;
    e->size                 = (u16)size;
    e->access               = write ? ACCESS_WRITE : ACCESS_READ;
}

/* ---- tables and stacks */

void explain_descriptor(struct cpu *cpu, u16 selector, u64 base, u32 limit, const struct descriptor *d)
{
    struct explain_event *e = add(cpu, EXPLAIN_DESCRIPTOR);
    e->selector             = selector;
    e->base                 = base;
    e->limit                = limit;
    e->ok                   = d != NULL;
    e->linear               = base + (selector & 0xfff8);
    e->value                = d ? d->lo | (u64)d->hi << 32 : 0;
}

void explain_upper(struct cpu *cpu, u64 upper)
{
    struct explain_event *e = last(cpu, EXPLAIN_DESCRIPTOR, EXPLAIN_EVENTS);
    if (e) {
        e->upper     = upper;
        e->has_value = true;
    }
}

void explain_gate(struct cpu *cpu, unsigned vector, const struct descriptor *d)
{
    struct explain_event *e = add(cpu, EXPLAIN_GATE);
    e->vector               = (u8)vector;
    e->linear               = d->address;
    e->value                = d->lo | (u64)d->hi << 32;
    e->upper                = d->upper;
    e->size                 = cpu->long_mode ? 16 : 8;
}

bool explain_frame(struct cpu *cpu, const struct frame *f)
{
    const struct explain_event *known = last(cpu, EXPLAIN_FRAME, EXPLAIN_EVENTS);
    if (known && known->address == f->sp && known->count == f->count && known->size == f->width &&
        known->selector == f->ss.selector) {
        return false;
    }
    struct explain_event *e = add(cpu, EXPLAIN_FRAME);
    e->selector             = f->ss.selector;
    e->base                 = f->ss.base;
    e->limit                = f->ss.limit;
    e->attr                 = f->ss.attr;
    e->address              = f->sp;
    e->size                 = f->width;
    e->count                = f->count;
    e->user                 = f->user;
    for (unsigned n = 0; n < f->count && n < EXPLAIN_PUSHED; n++) {
        e->pushed[n] = f->value[n];
    }
    return true;
}

void explain_delivery(struct cpu *cpu, unsigned vector, bool has_error, u32 error)
{
    struct explain_event *e = add(cpu, EXPLAIN_DELIVERY);
    e->vector               = (u8)vector;
    e->has_value            = has_error;
    e->error                = error;
    e->rule                 = (u16)cpu->raised.rule;
}

void explain_number(struct cpu *cpu, const char *name, u64 value)
{
    struct explain_event *e = add(cpu, EXPLAIN_NUMBER);
    e->name                 = name;
    e->value                = value;
}

void explain_entered(struct cpu *cpu)
{
    struct explain_event *e = add(cpu, EXPLAIN_ENTERED);
    e->selector             = cpu->seg[SEG_CS].selector;
    e->address              = cpu->ip;
    e->base                 = cpu->regs[R_SP];
    e->value                = cpu->seg[SEG_SS].selector;
    e->error                = flags_get(cpu);
    e->cpl                  = cpu->cpl;
}

/* ---- the copy */

/* What stands for the machine around it: questions go on to the real one, nothing is told. */
struct outside {
    const struct cpu *cpu;
    enum rule         rule; /* that was raised */
};

static bool copy_read_msr(void *opaque, u32 index, u64 *value)
{
    const struct outside *o = opaque;
    return o->cpu->bus.apic_read_msr && o->cpu->bus.apic_read_msr(o->cpu->bus.opaque, index, value);
}

/* Whether the local APIC would take the value is not asked again: it has said so. */
static bool copy_write_msr(void *opaque, u32 index, u64 value)
{
    const struct outside *o = opaque;
    (void)index;
    (void)value;
    return o->cpu->bus.apic_write_msr && o->rule != RULE_GP_WRMSR;
}

static u8 copy_get_cr8(void *opaque)
{
    const struct outside *o = opaque;
    return o->cpu->bus.get_cr8 ? o->cpu->bus.get_cr8(o->cpu->bus.opaque) : (u8)o->cpu->cr8;
}

static i64 copy_now(void *opaque)
{
    const struct outside *o = opaque;
    return o->cpu->bus.now_ns ? o->cpu->bus.now_ns(o->cpu->bus.opaque) : 0;
}

struct copy {
    struct cpu     cpu; /* first */
    struct outside outside;
};

static struct copy *copy_of(struct cpu *cpu)
{
    return (struct copy *)(void *)cpu;
}

struct cpu *explain_copy_create(void)
{
    struct copy *c = mem_zeroed(1, sizeof *c);
    c->cpu.single  = mem_zeroed(2, sizeof *c->cpu.single);
    tlb_init(&c->cpu.tlb);
    return &c->cpu;
}

void explain_copy_destroy(struct cpu *copy)
{
    if (copy) {
        free(copy->single);
        free(copy_of(copy));
    }
}

void explain_copy_take(struct cpu *copy, const struct cpu *cpu)
{
    struct copy *c = copy_of(copy);
    c->outside     = (struct outside){.cpu = cpu, .rule = cpu->raised.rule};
    memcpy((void *)copy, cpu, offsetof(struct cpu, tlb)); /* all that is architectural */
    copy->paging        = cpu->paging;
    copy->model         = cpu->model;
    copy->features      = cpu->features;
    copy->memory        = cpu->memory;
    copy->ports         = cpu->ports;
    copy->a20           = cpu->a20;
    copy->decoder       = cpu->decoder;
    copy->icache        = cpu->icache;
    copy->tsc_hz        = cpu->tsc_hz;
    copy->raised        = cpu->raised;
    copy->delivering    = cpu->delivering;
    copy->delivering_ac = cpu->delivering_ac;
    copy->pmu           = cpu->pmu;
    copy->pmu.split     = false;
    copy->icount_limit = copy->clock_limit = ICOUNT_FOREVER;
    copy->bus = (struct cpu_bus){.opaque = &c->outside,
                                 .apic_read_msr = cpu->bus.apic_read_msr ? copy_read_msr : NULL,
                                 .apic_write_msr = cpu->bus.apic_write_msr ? copy_write_msr : NULL,
                                 .get_cr8 = cpu->bus.get_cr8 ? copy_get_cr8 : NULL,
                                 .now_ns = cpu->bus.now_ns ? copy_now : NULL};
    copy->pending = 0;
    copy->next = copy->current = NULL;
    copy->next_block           = NULL;
    if (cpu->current) {
        copy->ip = insn_ip(cpu, cpu->current) & cpu->ip_mask;
    }
    cpu_update_mode(copy);
}

/* ---- executing it */

static void run_instruction(struct cpu *copy, const struct explain_request *r)
{
    (void)r;
    copy->delivering = -1;
    if (copy->cr4 & CR4_CET) {
        cpu_update_tracker(copy);
    }
    interp_step(copy);
}

static void run_raised(struct cpu *copy, const struct explain_request *r)
{
    copy->delivering = -1;
    copy->pending_db = r->pending_db;
    cpu_raise(copy, r->rule, r->error);
}

static void run_interrupt(struct cpu *copy, const struct explain_request *r)
{
    copy->delivering = -1;
    cpu_deliver(copy, (int)r->vector, (enum delivery)r->kind, r->has_error, r->error);
}

static void run_exception(struct cpu *copy, const struct explain_request *r)
{
    (void)r;
    cpu_exception(copy);
}

/* False: it raised an exception, which is in copy->raised; the IP is back at the instruction. */
static bool attempt(struct cpu *copy, void (*run)(struct cpu *, const struct explain_request *), const struct explain_request *r)
{
    if (sigsetjmp(copy->fault_exit, 0)) {
        if (copy->current) {
            copy->ip      = insn_ip(copy, copy->current) & copy->ip_mask;
            copy->current = NULL;
        }
        return false;
    }
    run(copy, r);
    copy->current = NULL;
    return true;
}

/* Faults of a delivery lead to others at most this often: a double fault, a triple one. */
enum { DELIVERIES_MAX = 6 };

void explain_execute(struct cpu *copy, struct explain *trace, const struct explain_request *request)
{
    static void (*const begin[])(struct cpu *, const struct explain_request *) = {
        [EXPLAIN_INSTRUCTION] = run_instruction, [EXPLAIN_RAISED] = run_raised, [EXPLAIN_INTERRUPT] = run_interrupt};
    u32 log = log_mask;
    trace->count = trace->skipped = trace->writes = 0;
    copy->explain                                 = trace;
    copy_of(copy)->outside.rule                   = request->rule;
    log_mask                                      = 0;
    copy->single->length = 0;
    bool done            = attempt(copy, begin[request->begin], request);
    trace->length        = copy->single->length;
    for (unsigned n = 0; n < DELIVERIES_MAX && !done; n++) {
        done = attempt(copy, run_exception, request);
    }
    copy->explain = NULL;
    log_mask      = log;
}
