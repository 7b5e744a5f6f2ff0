/*
 * rig.c: a processor in a little memory, put into any state, executing single blocks by an executor of one's choice.
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
    struct rig       *r = mem_zeroed(1, sizeof *r);
    struct error      err;
    struct cpu_config config = {.tsc_hz = 1000000000,
                                .bus    = {.opaque = r, .acknowledge = no_interrupt, .shutdown = ignore, .now_ns = no_time}};
    config.model             = cpu_model_find("max", &config.features, &err);
    if (!config.model || !region_init_ram(&r->ram, "ram", RIG_END) || !region_init_ram(&r->high, "high", RIG_END)) {
        abort();
    }
    r->memory = config.memory = space_create("memory", 40);
    r->ports = config.ports = space_create("ports", 16);
    space_map(r->memory, &r->mapping, &r->ram, 0, 0);
    space_map(r->memory, &r->high_mapping, &r->high, RIG_HIGH, 0);
    rig_device_create(r);
    r->cpu   = cpu_create(&config);
    r->tcg   = tcg;
    r->fresh = mem_zeroed(1, sizeof *r->fresh);
    memcpy(r->fresh, r->cpu, sizeof *r->fresh);
    return r;
}

struct rig *rig_create_native(void)
{
#ifdef RINGSIDE_NATIVE
    struct rig  *r = rig_create(NULL);
    struct error err;
    r->native = native_create(r->cpu, &(struct native_config){.at_once = true, .cache_bytes = 1 << 20}, &err);
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
    space_unmap(&r->high_mapping);
    rig_device_destroy(r);
    cpu_destroy(r->cpu);
    if (r->tcg) {
        tcg_destroy(r->tcg);
    }
    region_destroy(&r->ram);
    region_destroy(&r->high);
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
    switch (mode) {
    case RIG_32_SEGMENTS: return RIG_CODE - 0x10;
    case RIG_16: return RIG_CODE - 0x1000;
    case RIG_REAL: return RIG_CODE - 0x7f0;
    default: return 0;
    }
}

u64 rig_data_base(enum rig_mode mode)
{
    switch (mode) {
    case RIG_32_SEGMENTS: case RIG_REAL: return RIG_CODE - 0x800;
    case RIG_16: return RIG_CODE - 0x1000;
    default: return 0;
    }
}

static bool is_flat(enum rig_mode mode)
{
    return mode == RIG_64 || mode == RIG_32;
}

static struct segment segment_of(const struct rig_start *s, unsigned selector)
{
    bool           flat = is_flat(s->mode), real = s->mode == RIG_REAL;
    u16            dpl  = (u16)(s->cpl << ATTR_DPL_SHIFT), big = rig_code_bytes(s->mode) == 4 ? ATTR_DB : 0;
    u16            data = (u16)(0x93 | dpl | (flat ? ATTR_G : 0) | (s->mode == RIG_16 || real || s->short_stack ? 0 : ATTR_DB));
    u32            limit = flat ? 0xffffffff : real ? 0xffff : RIG_END - 0x1000;
    struct segment g     = {.base = rig_data_base(s->mode), .limit = limit, .attr = data, .selector = (u16)(selector | s->cpl)};
    switch (selector) {
    case RIG_SEL_CODE: case RIG_SEL_CODE_OTHER:
        g.base  = rig_code_base(s->mode);
        g.limit = flat ? 0xffffffff : real ? 0xffff : s->code_limit;
        g.attr  = (u16)(0x9b | dpl | (flat ? ATTR_G : 0) | (s->mode == RIG_64 ? ATTR_L : big));
        if (selector == RIG_SEL_CODE_OTHER) {
            g.attr ^= s->mode == RIG_64 ? ATTR_L | ATTR_DB : ATTR_DB;
        }
        break;
    case RIG_SEL_FLAT:
        g.base  = 0;
        g.limit = 0xffffffff;
        g.attr  = (u16)(0x93 | dpl | ATTR_G | ATTR_DB);
        break;
    case RIG_SEL_SHORT: g.limit = 0x8fff; break;
    case RIG_SEL_DOWN:
        g.limit = 0x47ff;
        g.attr |= ATTR_DOWN;
        break;
    case RIG_SEL_READ_ONLY: g.attr &= (u16)~ATTR_WRITE; break;
    default: break;
    }
    return g;
}

static void set_segments(struct cpu *cpu, const struct rig_start *s)
{
    for (unsigned k = 0; k < 6; k++) {
        cpu->seg[k] = segment_of(s, k == SEG_CS ? RIG_SEL_CODE : RIG_SEL_DATA);
    }
    if (!is_flat(s->mode) && s->mode != RIG_REAL) {
        cpu->seg[SEG_ES] = segment_of(s, RIG_SEL_SHORT);
    }
    cpu->seg[SEG_GS].base = RIG_DATA + 0x40;
    for (unsigned k = SEG_FLAT; k < SEG_COUNT; k++) {
        cpu->seg[k] = (struct segment){.limit = 0xffffffff, .attr = 0x93};
    }
}

static void set_system(struct cpu *cpu, const struct rig_start *s)
{
    bool real = s->mode == RIG_REAL;
    cpu->cr0  = CR0_ET | CR0_NE | CR0_MP | (real ? 0 : CR0_PE | CR0_WP | CR0_AM | CR0_PG) | (s->task_switched ? CR0_TS : 0);
    cpu->cr3  = real ? 0 : RIG_TABLES;
    cpu->cr4  = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | (real ? 0 : CR4_PAE | CR4_PGE) | (s->smap ? CR4_SMAP : 0);
    cpu->efer = real ? 0 : EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    cpu->cr4 |= s->no_avx ? 0 : CR4_OSXSAVE;
    cpu->xcr0 = 7;
    cpu->idtr = (struct table_register){.limit = 0};
    cpu->gdtr = (struct table_register){.base = RIG_GDT, .limit = RIG_SEL_END - 1};
    cpu->cpl  = s->cpl;
}

/* ---- memory */

static void build_gdt(u8 *gdt, const struct rig_start *s)
{
    for (unsigned sel = RIG_SEL_CODE; sel < RIG_SEL_END; sel += 8) {
        struct segment g     = segment_of(s, sel);
        u64            limit = g.attr & ATTR_G ? g.limit >> 12 : g.limit;
        store64(gdt + sel, (limit & 0xffff) | (g.base & 0xffffff) << 16 | (u64)g.attr << 40 | (limit >> 16 & 15) << 48 | (g.base >> 24) << 56);
    }
}

static u64 physical(const struct rig_start *s, unsigned page)
{
    bool high = s->program && (page == RIG_TWIN >> 12 || page == RIG_HIGH_DATA >> 12);
    return (u64)page << 12 | (high ? RIG_HIGH : 0);
}

static void build_tables(struct rig *r, const struct rig_start *s)
{
    u8 *tables = r->ram.host + RIG_TABLES;
    memset(tables, 0, 0x4000);
    for (unsigned level = 0; level < 3; level++) {
        store64(tables + level * 0x1000, (RIG_TABLES + (level + 1) * 0x1000u) | PTE_P | PTE_W | PTE_U);
    }
    for (unsigned page = RIG_CODE >> 12; page <= RIG_DEVICE >> 12; page++) {
        u64 rights = page != s->fault_page ? PTE_P | PTE_W : s->read_only ? PTE_P : 0;
        store64(tables + 0x3000 + 8 * page, physical(s, page) | PTE_U | rights);
    }
    store64(tables + 0x3000 + 8 * (RIG_GDT >> 12), RIG_GDT | PTE_P);
}

static void load_memory(struct rig *r, const struct rig_start *s)
{
    space_written(r->memory, &r->ram, 0, RIG_END);
    memset(r->ram.host, 0, RIG_CODE);
    memcpy(r->ram.host + RIG_CODE, s->memory + RIG_CODE, RIG_END - RIG_CODE);
    space_written(r->memory, &r->high, 0, RIG_END);
    memset(r->high.host, 0, RIG_END);
    if (s->program) {
        memcpy(r->high.host + RIG_TWIN, s->high, sizeof s->high);
    }
    build_tables(r, s);
    build_gdt(r->ram.host + RIG_GDT, s);
}

void rig_load(struct rig *r, const struct rig_start *s)
{
    struct cpu *cpu = r->cpu;
    r->start        = s;
    load_memory(r, s);
    memcpy(cpu, r->fresh, offsetof(struct cpu, tlb_read));
    memcpy(&cpu->ldtr, &r->fresh->ldtr, offsetof(struct cpu, tlb) - offsetof(struct cpu, ldtr));
    memcpy(cpu->regs, s->regs, sizeof s->regs);
    for (unsigned k = 0; k < 16; k++) {
        memcpy(&cpu->xmm[k], s->vectors + 8 * k, 32);
    }
    for (unsigned k = 0; k < 8; k++) {
        cpu->x87.reg[k] = (struct float80){load64(s->vectors + 24 * k), load16(s->vectors + 24 * k + 8)};
    }
    cpu->x87.valid   = s->vectors[200];
    cpu->x87.top     = s->vectors[201] & 7;
    cpu->x87.control = s->x87_control;
    cpu->x87.status  = s->x87_status;
    cpu->mxcsr       = s->mxcsr;
    cpu->ip          = s->ip;
    cpu->activity    = ACTIVITY_RUN;
    cpu->intr        = false;
    cpu->current     = NULL;
    set_system(cpu, s);
    set_segments(cpu, s);
    flags_set(cpu, s->flags);
    tlb_flush(&cpu->tlb);
    cpu_set_a20(cpu, true);
    cpu->alone = false;
    cpu_set_counted(cpu, s->program && s->counted);
    cpu_update_mode(cpu);
    cpu->raised.cr2 = 0;
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
    cpu->eflags &= ~(u32)FLAG_RF; /* set if iterations of a REP were made one by one */
    if (r->native) {
        r->native->unwind(r->native, cpu);
    }
    if (cpu->current) {
        cpu->ip = insn_ip(cpu, cpu->current) & cpu->ip_mask;
        cpu->icount += cpu->current->number - 1u;
    }
}

void rig_finish(struct rig *r)
{
    flags_set_arith(r->cpu, flags_arith(r->cpu));
    r->cpu->cc.result = 0;
    r->cpu->pending   = 0;
}

static void begin(struct rig *r, const struct rig_start *s)
{
    rig_load(r, s);
    r->cpu->pending = PENDING_EXIT; /* one block at a time */
    r->rule = RULE_NONE;
    r->error = 0;
    r->cr2 = r->cpu->raised.cr2 = 0;
    r->blocks = 0;
}

void rig_run(struct rig *r, const struct rig_start *s, unsigned blocks)
{
    struct cpu *cpu = r->cpu;
    begin(r, s);
    if (sigsetjmp(cpu->fault_exit, 0)) {
        raised(r);
    } else {
        while (r->blocks < blocks && cpu->activity == ACTIVITY_RUN) {
            r->blocks++;
            step(r);
            cpu->current = NULL;
        }
    }
    rig_finish(r);
}

bool rig_meets(struct rig *r, const struct rig_start *s, struct rig *other)
{
    enum { STEPS_MAX = RIG_END }; /* REP is a step for each element */
    struct cpu *cpu = r->cpu;
    volatile bool same = false;
    char what[200];
    begin(r, s);
    r->blocks = other->blocks;
    if (sigsetjmp(cpu->fault_exit, 0)) {
        raised(r);
    }
    for (volatile unsigned k = 0; !same && k < STEPS_MAX; k++) {
        rig_finish(r);
        other->cpu->icount    = cpu->icount;
        other->cpu->shadow_at = cpu->shadow_at;
        same                  = rig_same(r, other, what, sizeof what);
        if (r->rule != RULE_NONE || cpu->activity != ACTIVITY_RUN) {
            break;
        }
        interp_step(cpu);
        cpu->current = NULL;
    }
    return same;
}

static bool same_memory(const struct region *a, const struct region *b, char *what, size_t size)
{
    if (!memcmp(a->host, b->host, RIG_END)) {
        return true;
    }
    unsigned k = 0;
    while (a->host[k] == b->host[k]) {
        k++;
    }
    snprintf(what, size, "memory at %x of %s: %02x/%02x", k, a->name, a->host[k], b->host[k]);
    return false;
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
    return same_memory(&a->ram, &b->ram, what, size) && same_memory(&a->high, &b->high, what, size);
}
