/*
 * cpu.c: creating a processor, its wires, and the run loop: exceptions, interrupts, single steps, halting.
 */
#include "cpu/cpu.h"

#include <stdlib.h>

#include "cpu/base/log.h"
#include "cpu/base/mem.h"
#include "cpu/decode.h"
#include "cpu/exec.h"
#include "cpu/interp/interp.h"
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"
#include "cpu/stop.h"

static void memory_changed(void *opaque)
{
    struct cpu *cpu       = opaque;
    cpu->paging.ram.bytes = 0;
    tlb_flush(&cpu->tlb);
}

static void memory_protect(void *opaque)
{
    struct cpu *cpu = opaque;
    tlb_flush_writes(&cpu->tlb, NULL);
}

static void memory_written(void *opaque, const u8 *host, u64 size)
{
    struct cpu *cpu = opaque;
    icache_written(cpu->icache, host, size);
}

struct cpu *cpu_create(const struct cpu_config *config)
{
    u8         *room = mem_zeroed(1, CPU_ROOM_BELOW + sizeof(struct cpu));
    struct cpu *cpu  = (struct cpu *)(void *)(room + CPU_ROOM_BELOW);
    cpu->model      = config->model;
    cpu->features   = config->features;
    cpu->memory     = config->memory;
    cpu->ports      = config->ports;
    cpu->bus        = config->bus;
    cpu->ferr_irq   = config->ferr_irq;
    cpu->pmu.limit = ICOUNT_FOREVER;
    cpu_set_limit(cpu, ICOUNT_FOREVER);
    cpu->tsc_hz     = config->tsc_hz;
    cpu->a20        = true;
    cpu->decoder    = decoder_create(&cpu->features);
    cpu->icache     = interp_create();
    cpu->single     = calloc(2, sizeof *cpu->single);
    cpu->isolated   = calloc(2, sizeof *cpu->isolated);
    cpu->delivering = -1;
    tlb_init(&cpu->tlb);
    cpu->listener = (struct space_listener){
        .changed = memory_changed, .protect = memory_protect, .written = memory_written, .opaque = cpu};
    space_listen(cpu->memory, &cpu->listener);
    cpu_reset(cpu, false);
    return cpu;
}

void cpu_destroy(struct cpu *cpu)
{
    if (cpu) {
        tlb_hold(&cpu->tlb, NULL, NULL);
        icache_destroy(cpu->icache);
        decoder_destroy(cpu->decoder);
        free(cpu->single);
        free(cpu->isolated);
        free(cpu->crossing);
        free((u8 *)cpu - CPU_ROOM_BELOW);
    }
}

/* ---- wires */

static void set_pending(struct cpu *cpu, u32 bits)
{
    __atomic_fetch_or(&cpu->pending, bits, __ATOMIC_RELEASE);
}

static void clear_pending(struct cpu *cpu, u32 bits)
{
    __atomic_fetch_and(&cpu->pending, ~bits, __ATOMIC_RELEASE);
}

void cpu_kick(struct cpu *cpu)
{
    set_pending(cpu, PENDING_EXIT);
}

void cpu_set_intr(struct cpu *cpu, bool level)
{
    cpu->intr = level;
    cpu_update_intr(cpu);
}

void cpu_raise_nmi(struct cpu *cpu)
{
    set_pending(cpu, PENDING_NMI);
}

void cpu_raise_smi(struct cpu *cpu)
{
    set_pending(cpu, PENDING_SMI);
}

void cpu_raise_init(struct cpu *cpu)
{
    set_pending(cpu, PENDING_INIT);
}

void cpu_set_a20(struct cpu *cpu, bool on)
{
    if (cpu->a20 != on) {
        cpu->a20 = on;
        cpu_update_mode(cpu);
        tlb_flush(&cpu->tlb);
    }
}

/* ---- counted time */

void cpu_set_counted(struct cpu *cpu, bool counted)
{
    cpu->clock_counted = counted;
    cpu_set_limit(cpu, ICOUNT_FOREVER);
    cpu_update_counted(cpu);
}

void cpu_set_limit(struct cpu *cpu, u64 limit)
{
    cpu->clock_limit  = limit;
    cpu->icount_limit = limit < cpu->pmu.limit ? limit : cpu->pmu.limit;
}

u64 cpu_icount(const struct cpu *cpu)
{
    return cpu->icount + (cpu->current ? cpu->current->number - 1u : 0u);
}

/* ---- somebody outside looks */

static bool holds(void *opaque, unsigned kind, vaddr page)
{
    const struct cpu_stops *stops = ((const struct cpu *)opaque)->stops;
    return kind == TLB_FETCH ? stops->code_page(stops->opaque, page) : stops->data_page(stops->opaque, page, kind == TLB_WRITE);
}

void cpu_set_stops(struct cpu *cpu, const struct cpu_stops *stops)
{
    cpu->stops = stops;
    tlb_hold(&cpu->tlb, stops ? holds : NULL, cpu);
}

void cpu_ask(struct cpu *cpu, bool every)
{
    if (every) {
        set_pending(cpu, PENDING_ASK);
    } else {
        clear_pending(cpu, PENDING_ASK);
    }
}

void cpu_ask_after(struct cpu *cpu)
{
    set_pending(cpu, PENDING_AFTER);
}

/* ---- the run loop */

/* After cpu_raise(): back to the start of the instruction that faulted. */
static void unwind(struct cpu *cpu)
{
    if (cpu->executor && cpu->executor->unwind) {
        cpu->executor->unwind(cpu->executor, cpu);
    }
    if (cpu->current) {
        cpu->ip = insn_ip(cpu, cpu->current) & cpu->ip_mask;
        cpu->icount += cpu->current->number - 1u;
        cpu->current = NULL;
    }
    clear_pending(cpu, PENDING_STEP);
}

static bool shadowed(const struct cpu *cpu)
{
    return cpu->shadow_at == cpu->icount;
}

/* SDM Vol. 3B 17.4: with BTF only branches are stepped; with LBR they are noted. REP going on is no branch; a jump to the next
 * instruction is not told from going on there. */
static void after_step(struct cpu *cpu, u64 from)
{
    const struct insn *i = cpu->single;
    if (i->rep || cpu->ip == ((from + i->length) & cpu->ip_mask)) {
        if (cpu->msr.debugctl & DEBUGCTL_BTF) {
            cpu->pending_db &= ~(u64)DR6_BS;
        }
    } else {
        debug_branched(cpu, from);
    }
}

/* One instruction with everything that debugging asks for: breakpoints before it, traps after it. */
static void step_debugged(struct cpu *cpu)
{
    bool tf   = cpu->eflags & FLAG_TF;
    u32  hits = debug_breakpoints_on(cpu) ? debug_instruction_hits(cpu, cpu->code_base + cpu->ip) : 0;
    if (shadowed(cpu) && cpu->shadow_ss) {
        hits = 0; /* SDM Vol. 3A 6.8.3: suppressed behind MOV SS and POP SS */
    }
    cpu->current = NULL;
    if (hits) {
        cpu->pending_db = hits;
        cpu_raise(cpu, RULE_DB_INSTRUCTION, 0);
    }
    u32 rf     = cpu->eflags & FLAG_RF;
    u64 traps  = cpu->pending_db;
    cpu->eflags &= ~(u32)FLAG_RF; /* it has served; what the instruction itself loads stays */
    if (tf) {
        cpu->pending_db |= DR6_BS; /* dropped by a fault, and by what clears TF on its way into the kernel (INT n, SYSCALL) */
    }
    u64 from = cpu->ip;
    if (!interp_step(cpu)) {
        cpu->eflags |= rf;
        cpu->pending_db = traps;
        return;
    }
    cpu->current = NULL;
    if (unlikely(cpu->msr.debugctl & (DEBUGCTL_LBR | DEBUGCTL_BTF))) {
        after_step(cpu, from);
    }
    cpu_update_debug(cpu);
}

/* Takes the most urgent event (SDM Vol. 3A 6.9). False: none may be taken now. */
static bool take_event(struct cpu *cpu, u32 pending)
{
    cpu->current = NULL;
    if (cpu->pmu.asleep) {
        pmu_wake(cpu);
    }
    if (pending & PENDING_MCE) { /* SDM Vol. 3A table 6-2: before all else */
        clear_pending(cpu, PENDING_MCE);
        machine_check_take(cpu);
        cpu->delivering = -1;
        return true;
    }
    if (pending & PENDING_INIT) {
        clear_pending(cpu, PENDING_INIT);
        cpu_reset(cpu, true);
        return true;
    }
    if (pending & PENDING_SMI && !cpu->in_smm) {
        clear_pending(cpu, PENDING_SMI);
        cpu_enter_smm(cpu); /* saves whether it was halted */
        return true;
    }
    if (cpu->pending_db && !(shadowed(cpu) && cpu->shadow_ss)) {
        cpu_debug_trap(cpu);
        return true;
    }
    if (pending & PENDING_NMI && !cpu->nmi_blocked && !shadowed(cpu)) {
        clear_pending(cpu, PENDING_NMI);
        cpu->activity = ACTIVITY_RUN;
        cpu_deliver_nmi(cpu);
        return true;
    }
    if (pending & PENDING_INTR && !shadowed(cpu)) {
        int vector    = cpu->bus.acknowledge(cpu->bus.opaque);
        cpu->activity = ACTIVITY_RUN;
        if (vector >= 0) {
            cpu_deliver(cpu, vector, DELIVER_INTERRUPT, false, 0);
            cpu->delivering = -1;
        }
        return true;
    }
    if (cpu->activity == ACTIVITY_MWAIT && cpu->intr) {
        crossing_begin(cpu, CROSSING_HALT, 0);
        cpu->activity = ACTIVITY_RUN;
        crossing_end(cpu);
        return true;
    }
    return false;
}

/* Executes until there is something to look at. Raises. */
static void execute(struct cpu *cpu, u32 pending)
{
    bool alone = cpu->alone;
    if (cpu->activity != ACTIVITY_RUN) {
        return;
    }
    cpu->alone = false;
    if (pending & PENDING_DEBUG) {
        step_debugged(cpu);
    } else if (pending || alone) { /* an event that must wait for one instruction */
        interp_step(cpu);
    } else if (cpu->executor && cpu->executor->run) {
        cpu->executor->run(cpu->executor, cpu);
    } else {
        interp_run(cpu);
    }
    cpu->current = NULL;
}

/* An exception left the instruction or a delivery: deliver it; another one on the way comes back here. */
static void after_raise(struct cpu *cpu)
{
    unwind(cpu);
    if (!cpu->alone && cpu_exception(cpu)) {
        cpu->delivering = -1;
    }
}

/* What of `pending` can be acted on now, whether by an event or by executing on past it. */
static bool runnable(const struct cpu *cpu, u32 pending)
{
    if (cpu->activity == ACTIVITY_RUN) {
        return true;
    }
    if (cpu->activity == ACTIVITY_HALT || cpu->activity == ACTIVITY_MWAIT) {
        return (cpu->activity == ACTIVITY_MWAIT && cpu->intr) || pending & (PENDING_SMI | PENDING_INIT | PENDING_MCE) ||
               (pending & PENDING_NMI && !cpu->nmi_blocked) || pending & PENDING_INTR || cpu->pending_db;
    }
    return pending & PENDING_INIT;
}

i64 cpu_rest(struct cpu *cpu)
{
    i64 rest          = cpu->spin.rest_ns;
    cpu->spin.rest_ns = 0;
    return rest;
}

/* What the run loop does for itself and for who looks, between two instructions. */
enum { PENDING_OURS = PENDING_PMU | PENDING_BLOCK | PENDING_AFTER };

static void look_up(struct cpu *cpu, u32 pending)
{
    clear_pending(cpu, pending & PENDING_OURS);
    if (pending & PENDING_PMU) {
        pmu_settle(cpu);
    }
    if (pending & PENDING_AFTER && cpu->stops) {
        cpu->stops->after(cpu->stops->opaque);
    }
}

bool cpu_run(struct cpu *cpu)
{
    if (sigsetjmp(cpu->fault_exit, 0)) {
        after_raise(cpu);
    }
    for (;;) {
        u32 pending = __atomic_load_n(&cpu->pending, __ATOMIC_ACQUIRE);
        if (unlikely(pending & PENDING_OURS)) {
            look_up(cpu, pending);
            continue;
        }
        if (pending & PENDING_EXIT) {
            clear_pending(cpu, PENDING_EXIT);
            return runnable(cpu, pending);
        }
        if (!runnable(cpu, pending)) {
            return false;
        }
        if (cpu->icount >= cpu->icount_limit) {
            if (cpu->icount < cpu->pmu.limit) {
                return true;
            }
            pmu_expired(cpu);
            continue;
        }
        if ((!pending && cpu->activity == ACTIVITY_RUN) || !take_event(cpu, pending)) {
            execute(cpu, pending);
        }
    }
}

void cpu_step(struct cpu *cpu)
{
    if (sigsetjmp(cpu->fault_exit, 0)) {
        after_raise(cpu);
        return;
    }
    look_up(cpu, __atomic_load_n(&cpu->pending, __ATOMIC_ACQUIRE));
    u32 pending = __atomic_load_n(&cpu->pending, __ATOMIC_ACQUIRE) & ~(u32)PENDING_EXIT;
    if (runnable(cpu, pending) && !take_event(cpu, pending)) {
        execute(cpu, pending | PENDING_STEP);
    }
}
