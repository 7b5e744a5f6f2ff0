/*
 * pmu.c: performance counters of instructions and cycles. Intel SDM Vol. 3B 18.2 (architectural performance monitoring, versions 2
 * and 3), 19.2 (events), 18.6.9 of older editions for the P6 family; Vol. 2 RDPMC.
 *
 * Events C0h (instructions retired) and 3Ch (unhalted cycles, core and reference alike; of the P6 family 79h), fixed counters 0 to
 * 2. Cycles are ticks of the TSC while the processor is not halted, so they cost nothing. While an instruction counter is enabled,
 * instructions are counted: code_mode has MODE_COUNTED, in which translated code takes each block from a budget, and counters
 * overflow exactly. An iteration of a repeated string instruction is one. Other events, cache and branch events among them, count
 * nothing and CPUID says so. AMD's counters and the Pentium's do not count. Not modelled: PEBS, freezing on overflow, full-width
 * writes.
 */
#include "cpu/cpu.h"
#include "cpu/op/op.h"

#include "cpu/base/clock.h"

enum {
    PMC0 = 0xc1,
    SELECT0 = 0x186,
    FIXED0 = 0x309,
    FIXED_CTRL = 0x38d,
    GLOBAL_STATUS = 0x38e,
    GLOBAL_CTRL = 0x38f,
    GLOBAL_OVF_CTRL = 0x390,
};
#define SELECT_USR  BIT(16)
#define SELECT_OS   BIT(17)
#define SELECT_EDGE BIT(18)
#define SELECT_INT  BIT(20)
#define SELECT_ANY  BIT(21)
#define SELECT_EN   BIT(22)
#define SELECT_INV  BIT(23)

/* General counters come first. */
#define FIXED_FIRST PMU_GENERAL

struct shape {
    u8 version, general, fixed, width;
};

static struct shape shape(const struct cpu *cpu)
{
    static const struct shape p6 = {0, 2, 0, 40}, core = {2, 2, 3, 40}, nehalem = {3, 4, 3, 48}, generic = {2, 4, 3, 48};
    static const struct shape none = {0};
    if (cpu->features.no_pmu) {
        return none;
    }
    switch (cpu->model->kind) {
    case KIND_P6: return p6;
    case KIND_CORE: return core;
    case KIND_NEHALEM:
    case KIND_HASWELL: return nehalem;
    case KIND_GENERIC: return generic;
    default: return none;
    }
}

struct cpuid_result pmu_leaf(const struct cpu *cpu)
{
    struct shape s = shape(cpu);
    if (!s.version) {
        return (struct cpuid_result){0};
    }
    return (struct cpuid_result){.eax = s.version | (u32)s.general << 8 | (u32)s.width << 16 | 7u << 24,
                                 .ebx = 0x78, /* no events of caches and branches */
                                 .edx = s.fixed | (u32)s.width << 5};
}

/* ---- what counts */

enum what { NOTHING, INSTRUCTIONS, CYCLES };

static enum what event(const struct shape *s, u64 select)
{
    unsigned code = select & 0xff, umask = select >> 8 & 0xff, threshold = select >> 24 & 0xff;
    if (threshold || select & (SELECT_EDGE | SELECT_INV)) { /* fewer than so many instructions in a cycle: all of them */
        return code == 0xc0 && threshold && select & SELECT_INV ? CYCLES : NOTHING;
    }
    if (code == 0xc0 && !umask) {
        return INSTRUCTIONS;
    }
    return s->version ? (code == 0x3c && umask <= 1 ? CYCLES : NOTHING) : code == 0x79 ? CYCLES : NOTHING;
}

struct use {
    enum what what;
    bool      os, user, interrupt;
};

static struct use use(const struct cpu *cpu, const struct shape *s, unsigned n)
{
    const struct pmu *p = &cpu->pmu;
    struct use        u = {NOTHING, false, false, false};
    if (n >= FIXED_FIRST) {
        unsigned k = n - FIXED_FIRST, ctrl = p->fixed_ctrl >> (4 * k) & 15;
        if (k < s->fixed && p->global_ctrl >> (32 + k) & 1) {
            u = (struct use){k ? CYCLES : INSTRUCTIONS, ctrl & 1, ctrl & 2, ctrl & 8};
        }
    } else if (n < s->general) {
        u64  select  = p->select[n];
        bool enabled = s->version ? select & SELECT_EN && p->global_ctrl >> n & 1 : p->select[0] & SELECT_EN;
        if (enabled) {
            u = (struct use){event(s, select), select & SELECT_OS, select & SELECT_USR, select & SELECT_INT};
        }
    }
    if (!u.os && !u.user) {
        u.what = NOTHING;
    }
    return u;
}

static bool counts_now(const struct cpu *cpu, const struct use *u)
{
    return u->what != NOTHING && (cpu->pmu.user ? u->user : u->os);
}

/* ---- bringing the counters up to now */

static u64 ticks(struct cpu *cpu)
{
    return cpu_tsc(cpu) - cpu->msr.tsc_offset;
}

/* Adds to one counter. Returns whether an overflow is to interrupt. */
static bool add(struct cpu *cpu, const struct shape *s, unsigned n, const struct use *u, u64 amount)
{
    u64 *counter = &cpu->pmu.counter[n], sum = *counter + amount;
    *counter = sum & (BIT(s->width) - 1);
    if (!(sum >> s->width)) {
        return false;
    }
    cpu->pmu.global_status |= n >= FIXED_FIRST ? BIT(32 + n - FIXED_FIRST) : BIT(n);
    return u->interrupt;
}

static void sync(struct cpu *cpu)
{
    struct pmu  *p = &cpu->pmu;
    struct shape s = shape(cpu);
    if (!p->on) {
        return;
    }
    bool interrupt = false;
    u64  icount = cpu_icount(cpu), now = ticks(cpu);
    u64  instructions = p->instructions ? icount - p->icount_at : 0, cycles = p->asleep ? 0 : now - p->ticks_at;
    p->icount_at = icount;
    p->ticks_at  = now;
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        struct use u = use(cpu, &s, n);
        if (counts_now(cpu, &u)) {
            interrupt |= add(cpu, &s, n, &u, u.what == INSTRUCTIONS ? instructions : cycles);
        }
    }
    if (interrupt && cpu->bus.perf_interrupt) {
        cpu->bus.perf_interrupt(cpu->bus.opaque);
    }
}

/* When the next counter overflows that is to interrupt. */
static void arm(struct cpu *cpu)
{
    struct pmu  *p = &cpu->pmu;
    struct shape s = shape(cpu);
    u64          instructions = ICOUNT_FOREVER, cycles = ICOUNT_FOREVER;
    for (unsigned n = 0; p->on && n < PMU_COUNTERS; n++) {
        struct use u    = use(cpu, &s, n);
        u64       *next = u.what == INSTRUCTIONS ? &instructions : &cycles, left = BIT(s.width) - p->counter[n];
        if (u.interrupt && counts_now(cpu, &u) && left < *next) {
            *next = left;
        }
    }
    p->limit = instructions == ICOUNT_FOREVER || !p->instructions ? ICOUNT_FOREVER : cpu_icount(cpu) + instructions;
    cpu_set_limit(cpu, cpu->clock_limit);
    if (cpu->bus.perf_timer && (p->timed || cycles != ICOUNT_FOREVER)) {
        p->timed = cycles != ICOUNT_FOREVER && !p->asleep;
        i64 at   = CLOCK_NEVER;
        if (p->timed) {
            at = cpu->bus.now_ns(cpu->bus.opaque) + (i64)muldiv64(cycles, NS_PER_SECOND, cpu->tsc_hz) + 1;
        }
        cpu->bus.perf_timer(cpu->bus.opaque, at);
    }
}

void pmu_settle(struct cpu *cpu)
{
    struct pmu  *p = &cpu->pmu;
    struct shape s = shape(cpu);
    sync(cpu);
    p->on = p->split = p->instructions = false;
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        struct use u = use(cpu, &s, n);
        p->on |= u.what != NOTHING;
        p->split |= u.what != NOTHING && u.os != u.user;
        p->instructions |= u.what == INSTRUCTIONS;
    }
    p->user      = cpu->cpl > 0;
    p->icount_at = cpu_icount(cpu);
    p->ticks_at  = ticks(cpu);
    cpu_update_counted(cpu);
    arm(cpu);
}

void pmu_ring(struct cpu *cpu)
{
    bool user = cpu->cpl > 0;
    if (cpu->pmu.user != user) {
        sync(cpu);
        cpu->pmu.user = user;
        arm(cpu);
    }
}

void pmu_expired(struct cpu *cpu)
{
    sync(cpu);
    arm(cpu);
}

void pmu_sleep(struct cpu *cpu)
{
    if (cpu->pmu.on) {
        sync(cpu);
        cpu->pmu.asleep = true;
        arm(cpu);
    }
}

void pmu_wake(struct cpu *cpu)
{
    sync(cpu);
    cpu->pmu.asleep = false;
    arm(cpu);
}

void pmu_loaded(struct cpu *cpu)
{
    struct shape s = shape(cpu);
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        cpu->pmu.counter[n] &= s.width ? BIT(s.width) - 1 : 0; /* whatever a damaged state says */
    }
    cpu->pmu.on     = false;
    cpu->pmu.asleep = cpu->activity != ACTIVITY_RUN;
    pmu_settle(cpu);
}

void pmu_reset(struct cpu *cpu)
{
    struct shape s = shape(cpu);
    cpu->pmu = (struct pmu){.global_ctrl = s.version ? BIT(s.general) - 1 : 0, .limit = ICOUNT_FOREVER, .timed = cpu->pmu.timed};
    cpu_update_counted(cpu);
    arm(cpu);
}

/* ---- registers */

/* Which counter an MSR is, or -1. */
static int counter_of(const struct shape *s, u32 index)
{
    if (index - PMC0 < s->general) {
        return (int)(index - PMC0);
    }
    return index - FIXED0 < s->fixed ? (int)(FIXED_FIRST + index - FIXED0) : -1;
}

bool pmu_has(const struct cpu *cpu, u32 index)
{
    struct shape s = shape(cpu);
    return counter_of(&s, index) >= 0 || index - SELECT0 < s.general ||
           (s.version && index >= FIXED_CTRL && index <= GLOBAL_OVF_CTRL);
}

u64 pmu_read(struct cpu *cpu, u32 index)
{
    struct pmu  *p = &cpu->pmu;
    struct shape s = shape(cpu);
    int          n = counter_of(&s, index);
    sync(cpu);
    if (n >= 0) {
        return p->counter[n];
    }
    switch (index) {
    case FIXED_CTRL: return p->fixed_ctrl;
    case GLOBAL_STATUS: return p->global_status;
    case GLOBAL_CTRL: return p->global_ctrl;
    case GLOBAL_OVF_CTRL: return 0;
    default: return p->select[index - SELECT0];
    }
}

static u64 enable_bits(const struct shape *s)
{
    return (BIT(s->general) - 1) | (BIT(s->fixed) - 1) << 32;
}

/* The bits that software may set. */
static u64 writable(const struct shape *s, u32 index)
{
    switch (index) {
    case FIXED_CTRL: return s->version >= 3 ? 0xfff : 0xbbb;
    case GLOBAL_STATUS: return 0;
    case GLOBAL_CTRL: return enable_bits(s);
    case GLOBAL_OVF_CTRL: return enable_bits(s) | BIT(62) | BIT(63);
    }
    if (index - FIXED0 < s->fixed) {
        return BIT(s->width) - 1;
    }
    return index - PMC0 < s->general ? ~(u64)0 : 0xffffffff & ~(s->version >= 3 ? 0 : SELECT_ANY);
}

bool pmu_write(struct cpu *cpu, u32 index, u64 value)
{
    struct pmu  *p = &cpu->pmu;
    struct shape s = shape(cpu);
    int          n = counter_of(&s, index);
    if (index == GLOBAL_STATUS || value & ~writable(&s, index)) {
        return false;
    }
    sync(cpu);
    if (n >= (int)FIXED_FIRST) {
        p->counter[n] = value;
    } else if (n >= 0) { /* 32 bits, sign-extended: 18.2.1.1 */
        p->counter[n] = (u64)(i64)(i32)value & (BIT(s.width) - 1);
    } else if (index == FIXED_CTRL) {
        p->fixed_ctrl = value;
    } else if (index == GLOBAL_CTRL) {
        p->global_ctrl = value;
    } else if (index == GLOBAL_OVF_CTRL) {
        p->global_status &= ~value;
    } else {
        p->select[index - SELECT0] = value;
    }
    __atomic_fetch_or(&cpu->pending, PENDING_PMU, __ATOMIC_RELEASE); /* counting begins and ends between instructions */
    return true;
}

bool pmu_rdpmc(struct cpu *cpu, u32 index, u64 *value)
{
    struct shape s = shape(cpu);
    bool         fixed = index >> 30 == 1;
    u32          n = fixed ? index & 0x3fffffff : index;
    if (n >= (fixed ? s.fixed : s.general)) {
        return false;
    }
    sync(cpu);
    *value = cpu->pmu.counter[fixed ? FIXED_FIRST + n : n];
    return true;
}
