/*
 * rig.c: a processor in a little memory, put into any state, executing single blocks by an executor
 * of one's choice.
 */
#include "tests/diff/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "cpu/flags.h"
#include "cpu/interp/interp.h"
#include "cpu/mem.h"
#include "cpu/operand.h"
#ifdef RINGSIDE_NATIVE
#include "tcg/native.h"
#endif

enum { PTE_P = 1, PTE_W = 2, PTE_U = 4 };

static int no_interrupt(void *opaque)
{
    (void)opaque;
    return 0x40;
}

static void ignore(void *opaque)
{
    (void)opaque;
}

static i64 no_time(void *opaque)
{
    (void)opaque;
    return 12345;
}

struct rig *rig_create(struct tcg *tcg)
{
    struct rig *r = mem_zeroed(1, sizeof *r);
    struct error err;
    struct cpu_config config = {
        .tsc_hz = 1000000000,
        .bus = {.opaque = r, .acknowledge = no_interrupt, .shutdown = ignore, .now_ns = no_time}};
    config.model = cpu_model_find("max", &config.features, &err);
    if (!config.model || !region_init_ram(&r->ram, "ram", RIG_END)) {
        abort();
    }
    r->memory = config.memory = space_create("memory", 40);
    r->ports = config.ports = space_create("ports", 16);
    space_map(r->memory, &r->mapping, &r->ram, 0, 0);
    r->cpu = cpu_create(&config);
    r->tcg = tcg;
    r->fresh = mem_zeroed(1, sizeof *r->fresh);
    memcpy(r->fresh, r->cpu, sizeof *r->fresh);
    return r;
}

struct rig *rig_create_native(void)
{
#ifdef RINGSIDE_NATIVE
    struct rig *r = rig_create(NULL);
    struct error err;
    r->native = native_create(r->cpu, &(struct native_config){.at_once = true}, &err);
    return r;
#else
    return NULL;
#endif
}

void rig_destroy(struct rig *r)
{
#ifdef RINGSIDE_NATIVE
    if (r->native) {
        native_destroy(r->native);
    }
#endif
    space_unmap(&r->mapping);
    cpu_destroy(r->cpu);
    if (r->tcg) {
        tcg_destroy(r->tcg);
    }
    region_destroy(&r->ram);
    space_destroy(r->memory);
    space_destroy(r->ports);
    free(r->fresh);
    free(r);
}

/* ---- modes */

unsigned rig_code_bytes(enum rig_mode mode)
{
    return mode == RIG_64 ? 8 : mode == RIG_32 || mode == RIG_32_SEGMENTS ? 4 : 2;
}

u64 rig_code_base(enum rig_mode mode)
{
    return mode == RIG_32_SEGMENTS              ? RIG_CODE - 0x10
           : mode == RIG_REAL || mode == RIG_16 ? RIG_CODE - 0x1000
                                                : 0;
}

u64 rig_data_base(enum rig_mode mode)
{
    return mode == RIG_32_SEGMENTS || mode == RIG_REAL ? RIG_DATA - 0x800 : 0;
}

static void set_segments(struct cpu *cpu, const struct rig_start *s)
{
    bool flat = s->mode == RIG_64 || s->mode == RIG_32, real = s->mode == RIG_REAL;
    u16 dpl = (u16)(s->cpl << ATTR_DPL_SHIFT);
    u16 big = rig_code_bytes(s->mode) == 4 ? ATTR_DB : 0;
    u32 limit = flat ? 0xffffffff : real ? 0xffff : RIG_END - 0x1000;
    u64 base = rig_data_base(s->mode);
    u16 data = (u16)(0x93 | dpl | ATTR_DB | (flat ? ATTR_G : 0));
    for (unsigned k = 0; k < 6; k++) {
        cpu->seg[k] = (struct segment){
            .base = base, .limit = limit, .attr = data, .selector = (u16)(0x20 | s->cpl)};
    }
    cpu->seg[SEG_ES].limit = flat || real ? limit : 0x4fff;
    cpu->seg[SEG_GS].base = RIG_DATA + 0x40;
    cpu->seg[SEG_SS].attr = (u16)(data & ~(s->mode == RIG_16 || real ? ATTR_DB : 0));
    cpu->seg[SEG_CS] =
        (struct segment){.base = rig_code_base(s->mode),
                         .limit = flat   ? 0xffffffff
                                  : real ? 0xffff
                                         : 0x2fff,
                         .attr = (u16)(0x9b | dpl | (s->mode == RIG_64 ? ATTR_L : big)),
                         .selector = (u16)(0x10 | s->cpl)};
    for (unsigned k = SEG_FLAT; k < SEG_COUNT; k++) {
        cpu->seg[k] = (struct segment){.limit = 0xffffffff, .attr = 0x93};
    }
}

static void set_system(struct cpu *cpu, const struct rig_start *s)
{
    bool real = s->mode == RIG_REAL;
    cpu->cr0 = CR0_ET | CR0_NE | CR0_MP | (real ? 0 : CR0_PE | CR0_WP | CR0_AM | CR0_PG);
    cpu->cr3 = real ? 0 : RIG_TABLES;
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | (real ? 0 : CR4_PAE | CR4_PGE);
    cpu->efer = real ? 0 : EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    cpu->xcr0 = 3;
    cpu->gdtr = cpu->idtr = (struct table_register){.limit = 0};
    cpu->cpl = s->cpl;
}

/* ---- memory */

static void build_tables(struct rig *r, const struct rig_start *s)
{
    u8 *tables = r->ram.host + RIG_TABLES;
    memset(tables, 0, 0x4000);
    for (unsigned level = 0; level < 3; level++) {
        store64(tables + level * 0x1000,
                (RIG_TABLES + (level + 1) * 0x1000u) | PTE_P | PTE_W | PTE_U);
    }
    for (unsigned page = RIG_CODE >> 12; page < RIG_END >> 12; page++) {
        u64 rights = page != s->fault_page ? PTE_P | PTE_W : s->read_only ? PTE_P : 0;
        store64(tables + 0x3000 + 8 * page, (u64)page << 12 | PTE_U | rights);
    }
}

static void load(struct rig *r, const struct rig_start *s)
{
    struct cpu *cpu = r->cpu;
    space_written(r->memory, &r->ram, RIG_CODE, 0x1000);
    space_written(r->memory, &r->ram, RIG_CODE + 0x1000, 0x1000);
    memset(r->ram.host, 0, RIG_TABLES);
    memcpy(r->ram.host + RIG_CODE, s->memory + RIG_CODE, RIG_END - RIG_CODE);
    build_tables(r, s);
    memcpy(cpu, r->fresh, offsetof(struct cpu, tlb_read));
    memcpy(&cpu->ldtr, &r->fresh->ldtr, offsetof(struct cpu, tlb) - offsetof(struct cpu, ldtr));
    memcpy(cpu->regs, s->regs, sizeof s->regs);
    for (unsigned k = 0; k < 16; k++) {
        memcpy(&cpu->xmm[k], s->vectors + 8 * k, 16);
    }
    for (unsigned k = 0; k < 8; k++) {
        cpu->x87.reg[k] =
            (struct float80){load64(s->vectors + 24 * k), load16(s->vectors + 24 * k + 8)};
    }
    cpu->x87.valid = s->vectors[200];
    cpu->x87.top = s->vectors[201] & 7;
    cpu->ip = s->ip;
    cpu->activity = ACTIVITY_RUN;
    cpu->intr = false;
    cpu->current = NULL;
    set_system(cpu, s);
    set_segments(cpu, s);
    flags_set(cpu, s->flags);
    tlb_flush(&cpu->tlb);
    cpu_set_a20(cpu, true);
    cpu_update_mode(cpu);
    cpu->pending = PENDING_EXIT; /* one block at a time */
}

/* ---- running */

static void step(struct rig *r)
{
    if (r->tcg) {
        tcg_run_block(r->tcg, r->cpu);
    } else {
        interp_run_block(r->cpu);
    }
}

/* As the run loop does, but the exception is only noted. */
static void raised(struct rig *r)
{
    struct cpu *cpu = r->cpu;
    r->rule = cpu->raised.rule;
    r->error = cpu->raised.error_code;
    r->cr2 = cpu->raised.cr2;
    if (r->native) {
        r->native->unwind(r->native, cpu);
    }
    if (cpu->current) {
        cpu->ip = insn_ip(cpu, cpu->current) & cpu->ip_mask;
        cpu->icount += cpu->current->number - 1u;
    }
}

void rig_run(struct rig *r, const struct rig_start *s, unsigned blocks)
{
    struct cpu *cpu = r->cpu;
    load(r, s);
    r->rule = RULE_NONE;
    r->error = 0;
    r->cr2 = cpu->raised.cr2 = 0;
    r->blocks = 0;
    if (sigsetjmp(cpu->fault_exit, 0)) {
        raised(r);
    } else {
        while (r->blocks < blocks && cpu->activity == ACTIVITY_RUN) {
            r->blocks++;
            step(r);
            cpu->current = NULL;
        }
    }
    flags_set_arith(cpu, flags_arith(cpu)); /* one form of lazy flags, to compare */
    cpu->cc.result = 0;
    cpu->pending &= ~(u32)PENDING_STEP;
}

bool rig_same(struct rig *a, struct rig *b, char *what, size_t size)
{
    if (a->rule != b->rule || a->error != b->error || a->cr2 != b->cr2 || a->blocks != b->blocks) {
        snprintf(what, size, "rule %d/%d error %x/%x cr2 %llx/%llx blocks %u/%u", a->rule, b->rule,
                 a->error, b->error, (unsigned long long)a->cr2, (unsigned long long)b->cr2,
                 a->blocks, b->blocks);
        return false;
    }
    if (fields_differ(cpu_fields, a->cpu, b->cpu, what, size)) {
        return false;
    }
    for (unsigned k = 0; memcmp(a->ram.host, b->ram.host, RIG_END) != 0 && k < RIG_END; k++) {
        if (a->ram.host[k] != b->ram.host[k]) {
            snprintf(what, size, "memory at %x: %02x/%02x", k, a->ram.host[k], b->ram.host[k]);
            return false;
        }
    }
    return true;
}
