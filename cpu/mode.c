/*
 * mode.c: what derives from control registers, segments, CPL and EFLAGS: sizes, views, segment windows, paging.
 */
#include "cpu/mem.h"
#include "cpu/op/op.h"

static void update_segment(struct cpu *cpu, unsigned seg)
{
    struct segment *s = &cpu->seg[seg];
    s->read_bytes = s->write_bytes = 0;
    if (cpu->align_check) {
        return; /* every access takes the slow path, which checks alignment */
    }
    if (cpu->code_bytes == 8 && seg >= SEG_FS) {
        s->read_bytes = s->write_bytes = ~(u64)0;
        return;
    }
    if (!cpu->protected_mode || cpu->vm86) {
        s->read_bytes = s->write_bytes = (u64)s->limit + 1;
        return;
    }
    bool code = s->attr & ATTR_CODE;
    if ((s->attr & (ATTR_P | ATTR_S)) != (ATTR_P | ATTR_S) || (!code && s->attr & ATTR_DOWN)) {
        return;
    }
    if (!code || s->attr & ATTR_WRITE) {
        s->read_bytes = (u64)s->limit + 1;
    }
    if (!code && s->attr & ATTR_WRITE) {
        s->write_bytes = (u64)s->limit + 1;
    }
}

/* Every second bit of a register of rights, from bit `first` on: one for each of the 16 keys. */
static u32 key_bits(u32 rights, unsigned first)
{
    u32 keys = 0;
    for (unsigned k = 0; k < 16; k++) {
        keys |= (rights >> (2 * k + first) & 1) << k;
    }
    return keys;
}

void cpu_update_keys(struct cpu *cpu)
{
    struct paging *p    = &cpu->paging;
    bool           on   = cpu->long_mode && cpu->cr0 & CR0_PG;
    u32            user = on && cpu->cr4 & CR4_PKE ? cpu->pkru : 0, super = on && cpu->cr4 & CR4_PKS ? (u32)cpu->msr.pkrs : 0;
    p->key_no_access    = key_bits(user, 0) << 16 | key_bits(super, 0);
    p->key_no_write     = key_bits(user, 1) << 16 | key_bits(super, 1);
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        u32 no_write = view == TLB_USER || cpu->cr0 & CR0_WP ? p->key_no_write : 0;
        tlb_deny_keys(&cpu->tlb, view, TLB_READ, p->key_no_access);
        tlb_deny_keys(&cpu->tlb, view, TLB_WRITE, p->key_no_access | no_write);
    }
}

void cpu_update_paging(struct cpu *cpu)
{
    struct paging *p = &cpu->paging;
    p->mode      = !(cpu->cr0 & CR0_PG) ? PAGING_NONE
                   : cpu->long_mode     ? (cpu->cr4 & CR4_LA57 ? PAGING_5LEVEL : PAGING_4LEVEL)
                   : cpu->cr4 & CR4_PAE ? PAGING_PAE
                                        : PAGING_32;
    p->pse       = cpu->cr4 & CR4_PSE;
    p->wp        = cpu->cr0 & CR0_WP;
    p->nxe       = cpu->efer & EFER_NXE;
    p->smep      = cpu->cr4 & CR4_SMEP;
    p->smap      = cpu->cr4 & CR4_SMAP;
    p->pge       = cpu->cr4 & CR4_PGE;
    p->page1gb   = feature_on(&cpu->features, FEATURE_PDPE1GB);
    p->pse36     = feature_on(&cpu->features, FEATURE_PSE36);
    p->phys_bits = cpu->model->phys_bits;
    p->reserved  = paging_reserved(p);
    p->root      = p->mode >= PAGING_4LEVEL ? cpu->cr3 & 0xffffffffff000 : p->mode == PAGING_PAE ? cpu->cr3 & 0xffffffe0 : cpu->cr3 & 0xfffff000;
    if (p->smm != cpu->in_smm) {
        p->smm       = cpu->in_smm;
        p->ram.bytes = 0;
    }
    p->a20_mask  = cpu->a20 ? ~(u64)0 : ~(u64)(1 << 20);
    tlb_set_pcid(&cpu->tlb, cpu->cr4 & CR4_PCIDE ? cpu->cr3 & 0xfff : 0);
}

static void update_code(struct cpu *cpu)
{
    const struct segment *cs = &cpu->seg[SEG_CS], *ss = &cpu->seg[SEG_SS];
    cpu->code_bytes          = cpu->long_mode && cs->attr & ATTR_L ? 8 : cs->attr & ATTR_DB ? 4 : 2;
    if (cpu->code_bytes == 8) {
        cpu->stack_mask = cpu->ip_mask = ~(u64)0;
        cpu->stack_seg                 = SEG_FLAT_STACK;
        cpu->code_base                 = 0;
        cpu->code_low                  = (u64)(INT64_MIN >> cpu->linear_spare);
        cpu->code_span                 = ~(u64)0 >> cpu->linear_spare;
        cpu->code_limited              = false;
        return;
    }
    cpu->stack_mask   = ss->attr & ATTR_DB ? 0xffffffff : 0xffff;
    cpu->stack_seg    = SEG_SS;
    cpu->ip_mask      = 0xffffffff;
    cpu->code_base    = cs->base;
    cpu->code_low     = 0;
    cpu->code_span    = cs->limit;
    cpu->code_limited = cs->limit != 0xffffffff || cs->base & 0xfff;
}

static void update_view(struct cpu *cpu)
{
    cpu->view = cpu->cpl == 3                                         ? TLB_USER
                : cpu->cr4 & CR4_SMAP && cpu->eflags & FLAG_AC        ? TLB_SUPERVISOR_AC
                                                                      : TLB_SUPERVISOR;
    cpu->tlb_read  = cpu->tlb.data[cpu->view][TLB_READ];
    cpu->tlb_write = cpu->tlb.data[cpu->view][TLB_WRITE];
    cpu->tlb_fetch = cpu->tlb.fetch[cpu->view == TLB_SUPERVISOR_AC ? TLB_SUPERVISOR : cpu->view];
}

/* What the windows of all segments depend on. */
static unsigned segment_rules(const struct cpu *cpu)
{
    return cpu->align_check | cpu->vm86 << 1 | (cpu->code_bytes == 8) << 2;
}

/* What of CET is on: SDM Vol. 1 17.1.2. */
static u64 cet_bits(const struct cpu *cpu)
{
    bool on = cpu->cr4 & CR4_CET && cpu->protected_mode && !cpu->vm86;
    return !on ? 0 : cpu->cpl == 3 ? cpu->msr.u_cet : cpu->msr.s_cet;
}

void cpu_update_tracker(struct cpu *cpu)
{
    u64 cet = cet_bits(cpu);
    if (cet & CET_ENDBR_EN && cet & (CET_TRACKER | CET_SUPPRESS)) {
        __atomic_fetch_or(&cpu->pending, PENDING_TRACKER, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_and(&cpu->pending, ~(u32)PENDING_TRACKER, __ATOMIC_RELAXED);
    }
}

static void update_privilege(struct cpu *cpu)
{
    if (unlikely(cpu->privilege)) {
        cpu->privilege(cpu->privilege_opaque);
    }
    if (unlikely(cpu->pmu.split)) {
        pmu_ring(cpu);
    }
    cpu->vm86        = cpu->eflags & FLAG_VM;
    cpu->align_check = cpu->cr0 & CR0_AM && cpu->eflags & FLAG_AC && cpu->cpl == 3;
    update_code(cpu);
    update_view(cpu);
    if (unlikely(cpu->cr4 & CR4_CET || cpu->pending & PENDING_TRACKER)) {
        cpu_update_tracker(cpu);
    }
}

static bool is_flat(const struct segment *s)
{
    return !s->base && s->read_bytes == BIT(32) && s->write_bytes == BIT(32);
}

static bool is_all_flat(const struct cpu *cpu)
{
    return cpu->code_bytes == 8 || (!cpu->code_base && is_flat(&cpu->seg[SEG_DS]) && is_flat(&cpu->seg[SEG_ES]) && is_flat(&cpu->seg[SEG_SS]));
}

/* MXCSR, the x87's control and status words: every exception masked, none pending. */
static unsigned fp_mode(const struct cpu *cpu)
{
    if (cpu->cr0 & (CR0_EM | CR0_TS)) {
        return 0;
    }
    bool sse = cpu->cr4 & CR4_OSFXSR && (cpu->mxcsr & 0x1f80) == 0x1f80;
    bool x87 = (cpu->x87.control & 0x3f) == 0x3f && !(cpu->x87.status & 0x80);
    return (sse ? MODE_SSE : 0) | (x87 ? MODE_X87 : 0);
}

static unsigned vex_mode(const struct cpu *cpu)
{
    if (!cpu->protected_mode || cpu->vm86) {
        return MODE_REAL;
    }
    return cpu->cr4 & CR4_OSXSAVE && (cpu->xcr0 & XCR0_YMM) == XCR0_YMM && !(cpu->cr0 & CR0_TS) ? MODE_AVX : 0;
}

void cpu_update_code_mode(struct cpu *cpu)
{
    cpu->code_mode = (u16)(cpu->code_bytes | (cpu->code_limited ? MODE_LIMITED : 0) | (unsigned)cpu->view << MODE_VIEW_SHIFT |
                           (cpu->stack_mask == 0xffff ? MODE_STACK16 : 0) | (is_all_flat(cpu) ? MODE_FLAT : 0) |
                           (cpu->align_check ? MODE_ALIGN : 0) | (cpu->counted ? MODE_COUNTED : 0) | fp_mode(cpu) | vex_mode(cpu) |
                           (cet_bits(cpu) & (CET_SH_STK_EN | CET_ENDBR_EN) ? MODE_CET : 0));
}

void cpu_update_segment(struct cpu *cpu, unsigned seg)
{
    update_segment(cpu, seg);
    cpu->code_mode = (u16)merge_bits(cpu->code_mode, MODE_FLAT, is_all_flat(cpu) ? MODE_FLAT : 0);
}

static void update_segments(struct cpu *cpu)
{
    for (unsigned seg = 0; seg < SEG_COUNT; seg++) {
        update_segment(cpu, seg);
    }
}

void cpu_update_privilege(struct cpu *cpu)
{
    unsigned rules = segment_rules(cpu);
    update_privilege(cpu);
    if (segment_rules(cpu) != rules) {
        update_segments(cpu);
    } else {
        update_segment(cpu, SEG_CS);
        update_segment(cpu, SEG_SS);
    }
    cpu_update_code_mode(cpu);
}

void cpu_update_mode(struct cpu *cpu)
{
    cpu->protected_mode = cpu->cr0 & CR0_PE;
    cpu->long_mode      = cpu->efer & EFER_LMA;
    cpu->linear_spare   = cpu->cr4 & CR4_LA57 ? 7 : 16;
    cpu_update_paging(cpu);
    cpu_update_keys(cpu);
    update_privilege(cpu);
    update_segments(cpu);
    cpu_update_code_mode(cpu);
}

void cpu_update_counted(struct cpu *cpu)
{
    bool counted = cpu->clock_counted || cpu->pmu.instructions;
    if (cpu->counted != counted) {
        cpu->counted = counted;
        cpu_update_code_mode(cpu);
    }
}
