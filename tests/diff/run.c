/*
 * run.c: whole programs on a rig: exceptions are noted and skipped, a device changes the machine under the program, and a timer
 * interrupts it where nobody can foretell.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/base/bits.h"
#include "cpu/flags.h"
#include "cpu/interp/interp.h"
#include "cpu/mem.h"
#include "cpu/operand.h"
#include "tests/diff/rig.h"
#ifdef RINGSIDE_NATIVE
#include "tcg/native.h"
#endif

enum {
    PTE_TWIN     = RIG_TABLES + 0x3000 + 8 * (RIG_TWIN >> 12),
    WATCH_NS     = 2000000, /* how often a program that takes long is looked at */
    INSNS_MAX    = 60000,   /* of the interpreter, which counts */
    WATCHES_MAX  = 1500,    /* of the others */
    DISTURB_NS   = 40000,
};

/* ---- time */

static struct cpu           *watched;
static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    if (watched) {
        alarms++;
        cpu_kick(watched);
    }
}

static void alarm_in(long ns)
{
    static timer_t timer;
    static bool    there;
    if (!there) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
        signal(SIGALRM, on_alarm);
        if (timer_create(CLOCK_MONOTONIC, &event, &timer)) {
            abort();
        }
        there = true;
    }
    timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = ns}, NULL);
}

static u64 noise(struct rig *r)
{
    r->noise = r->noise * 6364136223846793005 + 1442695040888963407;
    return r->noise >> 33;
}

static void set_alarm(struct rig *r, bool disturb)
{
    alarm_in(disturb ? 1 + (long)(noise(r) % DISTURB_NS) : WATCH_NS);
}

/* ---- what is seen */

static u64 hash(u64 h, const u64 *data, unsigned count)
{
    for (; count; count--, data++) {
        h = (h ^ *data) * 0x9e3779b97f4a7c15;
        h ^= h >> 29;
    }
    return h;
}

/* Everything but general registers and flags. */
static void look_at_rest(struct cpu *cpu, u64 rest[RESTS])
{
#ifdef RINGSIDE_NATIVE
    x87_from_host(cpu); /* the device may ask while translated code executes */
#endif
    const struct x87 *x = &cpu->x87;
    for (unsigned k = 0; k < 16; k++) {
        rest[REST_XMM] = hash(rest[REST_XMM], cpu->xmm[k].q, 4);
    }
    for (unsigned k = 0; k < 8; k++) {
        rest[REST_X87] = hash(rest[REST_X87], (u64[]){x->reg[k].mantissa, x->reg[k].sign_exponent}, 2);
    }
    rest[REST_MXCSR]       = cpu->mxcsr;
    rest[REST_X87_CONTROL] = x->control | (u64)x->status << 16 | (u64)x->top << 32 | (u64)x->valid << 40;
    rest[REST_X87_RECORD]  = hash(1, (u64[]){x->opcode, x->ip_selector, x->dp_selector, x->ip, x->dp}, 5);
    for (unsigned k = 0; k < 6; k++) {
        rest[REST_SEGMENTS] = hash(rest[REST_SEGMENTS], (u64[]){cpu->seg[k].base, cpu->seg[k].selector, cpu->seg[k].limit}, 3);
    }
    rest[REST_SYSTEM] = hash(1, (u64[]){cpu->cr0, cpu->cr4, cpu->cpl}, 3);
}

static void note(struct rig *r, enum rule rule)
{
    struct cpu *cpu = r->cpu;
    if (r->events == RIG_EVENTS_MAX) {
        return;
    }
    struct rig_event *e = &r->event[r->events++];
    *e = (struct rig_event){.rule = rule, .flags = flags_get(cpu), .count = cpu->counted ? cpu_icount(cpu) : 0};
    look_at_rest(cpu, e->rest);
    memcpy(e->regs, cpu->regs, sizeof e->regs);
    if (rule != RULE_NONE) {
        e->ip    = cpu->ip;
        e->error = cpu->raised.error_code;
        e->cr2   = cpu->raised.cr2;
    }
    if (r->events == RIG_EVENTS_MAX) {
        r->stopped = true;
        cpu_kick(cpu);
    }
}

/* ---- the device */

/* Code is exchanged behind the processor's back. */
static void dma(struct rig *r, unsigned value)
{
    const struct rig_start *s = r->start;
    if (!s->spots) {
        return;
    }
    unsigned k = value % s->spots;
    u8      *a = r->ram.host + s->spot[k], *b = r->ram.host + s->other[k], keep[RIG_SPOT_BYTES];
    space_written(r->memory, &r->ram, s->spot[k], RIG_SPOT_BYTES);
    space_written(r->memory, &r->ram, s->other[k], RIG_SPOT_BYTES);
    memcpy(keep, a, sizeof keep);
    memcpy(a, b, sizeof keep);
    memcpy(b, keep, sizeof keep);
}

/* Not from code in a page that changes, the twin or one above 1 MiB: how much of it the processor had fetched is its own affair. */
static bool moves(const struct cpu *cpu)
{
    u32 page = (u32)(cpu->code_base + cpu->regs[R_IPBASE]);
    return page == RIG_TWIN || page & RIG_HIGH;
}

static void act(struct rig *r, unsigned action, u64 value)
{
    struct cpu *cpu = r->cpu;
    if (!r->start->program) {
        return;
    }
    switch (action) {
    case ACTION_KICK:
        r->kicked = true;
        cpu_kick(cpu);
        break;
    case ACTION_A20:
        if (!moves(cpu)) {
            cpu_set_a20(cpu, !cpu->a20);
        }
        break;
    case ACTION_TWIN:
        if (!moves(cpu) && cpu->cr0 & CR0_PG) {
            r->ram.host[PTE_TWIN + 2] ^= 0x10;
            tlb_flush_page(&cpu->tlb, RIG_TWIN);
        }
        break;
    case ACTION_DMA: dma(r, (unsigned)value & 0xff); break;
    case ACTION_FLUSH: tlb_flush(&cpu->tlb); break;
    default: break;
    }
}

/* Reading register 0 brings forward what limits counted time. */
static u64 device_read(void *opaque, u64 offset, unsigned size)
{
    struct rig *r   = opaque;
    struct cpu *cpu = r->cpu;
    if (r->start->program && cpu->counted && offset < 8 && cpu_icount(cpu) + 2 < cpu->icount_limit) {
        cpu_set_limit(cpu, cpu_icount(cpu) + 2);
    }
    return offset * 0x0101010101010101 & (~(u64)0 >> (64 - 8 * size));
}

static void device_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    act(opaque, (unsigned)(offset >> 3) % RIG_ACTIONS, value);
}

static void port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct rig *r = opaque;
    (void)size;
    if (r->start->program) {
        note(r, RULE_NONE);
    }
    act(r, (unsigned)offset, value);
}

void rig_device_create(struct rig *r)
{
    static const struct region_ops memory = {device_read, device_write, 1, 8}, ports = {device_read, port_write, 1, 4};
    region_init_io(&r->device, "device", 0x1000, &memory, r);
    region_init_io(&r->port, "port", 8, &ports, r);
    space_map(r->memory, &r->device_mapping, &r->device, RIG_DEVICE, 0);
    space_map(r->ports, &r->port_mapping, &r->port, RIG_PORTS, 0);
}

void rig_device_destroy(struct rig *r)
{
    space_unmap(&r->device_mapping);
    space_unmap(&r->port_mapping);
}

/* ---- running */

/* The instruction that raised is noted and skipped, one that must be executed alone is gone back to. */
static void raised(struct rig *r)
{
    struct cpu *cpu = r->cpu;
    if (r->native) {
        r->native->unwind(r->native, cpu);
    }
    cpu->pending &= ~(u32)PENDING_STEP;
    const struct insn *i = cpu->current;
    cpu->current         = NULL;
    if (i) {
        cpu->ip = insn_ip(cpu, i) & cpu->ip_mask;
        cpu->icount += i->number - cpu->alone;
    }
    if (cpu->alone) {
        return;
    }
    cpu->eflags &= ~(u32)FLAG_RF; /* set if iterations of a REP were made one by one */
    note(r, cpu->raised.rule);
    if (!i || (u32)(cpu->code_base + cpu->ip) == r->start->end) {
        r->stopped = true;
        return;
    }
    cpu->ip = (cpu->ip + i->length) & cpu->ip_mask;
    cpu->raised.cr2 = 0;
    cpu->delivering = -1;
}

/* What programs must not notice. */
static void disturb(struct rig *r)
{
    struct cpu *cpu = r->cpu;
    switch (noise(r) % 32) {
    case 0: icache_flush(cpu->icache); break;
    case 1: tlb_flush(&cpu->tlb); break;
    case 2: tlb_flush_writes(&cpu->tlb, NULL); break;
    case 3: case 4: case 5:
        if (cpu->icount < cpu->icount_limit) {
            interp_step(cpu);
        }
        break;
    default: break;
    }
}

static bool is_late(const struct rig *r)
{
    return r->native || r->tcg ? alarms > WATCHES_MAX : r->cpu->icount > INSNS_MAX;
}

/* A REP instruction that was interrupted has overwritten itself: its opcode, which is its last byte, or its prefix. Whoever goes on with it
 * reads another one. */
static bool is_overwritten(const struct rig *r, const struct insn *i)
{
    struct cpu    *cpu = r->cpu;
    struct region *region;
    u64            offset;
    vaddr          at   = (cpu->code_base + cpu->ip) & cpu->ip_mask;
    unsigned       last = i->length - 1u, in_page = at & (PAGE_SIZE - 1);
    const u8      *code = mem_fetch_page(cpu, at - in_page, &region, &offset);
    bool           prefix = false;
    if (!code || in_page + last >= PAGE_SIZE || code[in_page + last] != (u8)i->opcode) {
        return true;
    }
    for (unsigned k = 0; k < last; k++) {
        prefix |= (code[in_page + k] & 0xfe) == 0xf2;
    }
    return !prefix;
}

static void proceed(struct rig *r, bool disturbed)
{
    struct cpu *cpu     = r->cpu;
    u32         pending = __atomic_load_n(&cpu->pending, __ATOMIC_ACQUIRE);
    bool        over    = cpu->icount >= cpu->icount_limit;
    const struct insn *i = cpu->current;
    cpu->current         = NULL;
    if (pending & PENDING_EXIT || over) {
        r->unclear |= i && i->rep && (i->fn == cpu->icache->stale || i == cpu->single || is_overwritten(r, i));
    }
    if (pending & PENDING_EXIT) {
        __atomic_fetch_and(&cpu->pending, ~(u32)PENDING_EXIT, __ATOMIC_RELEASE);
        cpu->activity = ACTIVITY_RUN; /* HLT goes on */
        if (r->kicked && cpu->counted) { /* this is seen right behind the instruction that has reached the device */
            note(r, RULE_NONE);
        }
        r->kicked = false;
        if (disturbed && r->kicks++ < 50 && !r->stopped) {
            set_alarm(r, true);
            disturb(r);
        } else {
            set_alarm(r, false);
        }
    } else if (over) {
        r->beyond |= cpu->icount > cpu->icount_limit;
        cpu_set_limit(cpu, cpu->icount + 1 + noise(r) % 40);
    } else if (pending || cpu->alone) {
        cpu->alone = false;
        interp_step(cpu);
    } else if (r->tcg) {
        tcg_run(r->tcg, cpu);
    } else {
        interp_run(cpu);
    }
}

bool rig_run_program(struct rig *r, const struct rig_start *s, bool disturbed)
{
    struct cpu *cpu = r->cpu;
    rig_load(r, s);
    cpu->pending    = 0;
    r->rule         = RULE_NONE;
    r->error        = 0;
    r->cr2          = 0;
    r->events       = r->kicks = r->blocks = 0;
    r->stopped = r->unclear = r->beyond = r->kicked = false;
    if (s->counted && disturbed) {
        cpu_set_limit(cpu, 0);
    }
    watched         = cpu;
    alarms          = 0;
    set_alarm(r, disturbed);
    while (!r->stopped && !is_late(r)) {
        if (sigsetjmp(cpu->fault_exit, 0)) {
            raised(r);
        } else {
            proceed(r, disturbed);
        }
    }
    watched = NULL;
    alarm_in(0);
    rig_finish(r);
    return r->stopped;
}

static bool same_event(const struct rig_event *a, const struct rig_event *b, unsigned number, char *what, size_t size)
{
    if (!memcmp(a, b, sizeof *a)) {
        return true;
    }
    static const char *const rests[] = {"xmm", "mxcsr", "x87", "x87 control", "x87 record", "segments", "system"};
    size_t n = (size_t)snprintf(what, size, "event %u at %llx/%llx count %llu/%llu rule %d/%d error %x/%x cr2 %llx/%llx flags %x/%x;", number,
                                (unsigned long long)a->ip, (unsigned long long)b->ip, (unsigned long long)a->count, (unsigned long long)b->count, a->rule, b->rule, a->error, b->error,
                                (unsigned long long)a->cr2, (unsigned long long)b->cr2, a->flags, b->flags);
    for (unsigned k = 0; k < 16 && n < size; k++) {
        if (a->regs[k] != b->regs[k]) {
            n += (size_t)snprintf(what + n, size - n, " r%u %llx/%llx", k, (unsigned long long)a->regs[k], (unsigned long long)b->regs[k]);
        }
    }
    for (unsigned k = 0; k < RESTS && n < size; k++) {
        if (a->rest[k] != b->rest[k]) {
            n += (size_t)snprintf(what + n, size - n, " %s %llx/%llx", rests[k], (unsigned long long)a->rest[k], (unsigned long long)b->rest[k]);
        }
    }
    return false;
}

bool rig_same_program(struct rig *a, struct rig *b, char *what, size_t size)
{
    for (unsigned k = 0; k < a->events && k < b->events; k++) {
        if (!same_event(&a->event[k], &b->event[k], k, what, size)) {
            return false;
        }
    }
    if (b->beyond) {
        snprintf(what, size, "executed more than it was allowed to");
        return false;
    }
    if (a->events != b->events) {
        snprintf(what, size, "%u/%u events", a->events, b->events);
        return false;
    }
    return rig_same(a, b, what, size);
}
