/*
 * smm.c: system-management mode: the state save map, SMI and RSM. Intel SDM Vol. 3C chapter 31 (32-bit map, table 31-1); AMD APM
 * Vol. 2 10.2.3 (the map of processors with long mode, revision 20064h). Places of hidden descriptor parts in the 32-bit map
 * are not architectural; firmware that copies the map keeps them. I/O instruction restart is not offered.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

#include "cpu/base/log.h"

#define MAP_OFFSET 0xfe00 /* of the map from SMBASE */
#define MAP_BYTES  0x200
#define REV_32     0x00020000u /* SMBASE relocation */
#define REV_64     0x00020064u

/* Offsets in the map. */
enum {
    MAP_REV = 0xfc,
    MAP_NMI = 0xca, /* NMIs were blocked */
    MAP32_SMBASE = 0xf8,
    MAP32_HALT = 0x102,
    MAP64_SMBASE = 0x100,
    MAP64_HALT = 0xc9,
};

struct map {
    u8 bytes[MAP_BYTES];
};

static void put32(struct map *m, unsigned at, u64 v)
{
    store32(m->bytes + at, (u32)v);
}
static void put64(struct map *m, unsigned at, u64 v)
{
    store64(m->bytes + at, v);
}
static u32 get32(const struct map *m, unsigned at)
{
    return load32(m->bytes + at);
}
static u64 get64(const struct map *m, unsigned at)
{
    return load64(m->bytes + at);
}

/* Where the 32-bit map keeps each segment: selector; rights, limit and base stand in a row at `hidden`. */
struct place32 {
    u16 selector, hidden;
};
static const struct place32 segments32[6] = {
    [SEG_ES] = {0x1a8, 0x184}, [SEG_CS] = {0x1ac, 0x190}, [SEG_SS] = {0x1b0, 0x19c},
    [SEG_DS] = {0x1b4, 0x12c}, [SEG_FS] = {0x1b8, 0x138}, [SEG_GS] = {0x1bc, 0x144}};
static const struct place32 ldtr32 = {0x1c0, 0x178}, tr32 = {0x1c4, 0x15c};

static void save_segment32(struct map *m, const struct place32 *p, const struct segment *s)
{
    put32(m, p->selector, s->selector);
    put32(m, p->hidden, s->attr);
    put32(m, p->hidden + 4u, s->limit);
    put32(m, p->hidden + 8u, s->base);
}

static void load_segment32(const struct map *m, const struct place32 *p, struct segment *s)
{
    s->selector = (u16)get32(m, p->selector);
    s->attr = (u16)(get32(m, p->hidden) & 0xf0ff);
    s->limit = get32(m, p->hidden + 4u);
    s->base = get32(m, p->hidden + 8u);
}

static const u16 gpr32[8] = {0x1d0, 0x1d4, 0x1d8, 0x1dc, 0x1e0, 0x1e4, 0x1e8, 0x1ec};

static void save32(const struct cpu *cpu, struct map *m)
{
    put32(m, 0x1fc, cpu->cr0);
    put32(m, 0x1f8, cpu->cr3);
    put32(m, 0x1f4, flags_get(cpu));
    put32(m, 0x1f0, cpu->ip);
    for (unsigned n = 0; n < 8; n++) {
        put32(m, gpr32[n], cpu->regs[n]);
    }
    put32(m, 0x1cc, cpu->dr[6]);
    put32(m, 0x1c8, cpu->dr[7]);
    for (unsigned n = 0; n < 6; n++) {
        save_segment32(m, &segments32[n], &cpu->seg[n]);
    }
    save_segment32(m, &ldtr32, &cpu->ldtr);
    save_segment32(m, &tr32, &cpu->tr);
    put32(m, 0x174, cpu->gdtr.base);
    put32(m, 0x170, cpu->gdtr.limit);
    put32(m, 0x158, cpu->idtr.base);
    put32(m, 0x154, cpu->idtr.limit);
    put32(m, 0x114, cpu->cr4);
    put32(m, MAP_REV, REV_32);
    put32(m, MAP32_SMBASE, cpu->msr.smbase);
    m->bytes[MAP32_HALT] = cpu->activity == ACTIVITY_HALT;
}

/* The 64-bit map: selector, rights (bits 8-11: AVL, L, D, G), limit, base. */
static void save_segment64(struct map *m, unsigned at, const struct segment *s)
{
    store16(m->bytes + at, s->selector);
    store16(m->bytes + at + 2, (u16)((s->attr & 0xff) | (s->attr >> 4 & 0xf00)));
    put32(m, at + 4, s->limit);
    put64(m, at + 8, s->base);
}

static void load_segment64(const struct map *m, unsigned at, struct segment *s)
{
    u16 attr = load16(m->bytes + at + 2);
    s->selector = load16(m->bytes + at);
    s->attr = (u16)((attr & 0xff) | (attr & 0xf00) << 4);
    s->limit = get32(m, at + 4);
    s->base = get64(m, at + 8);
}

static void save64(const struct cpu *cpu, struct map *m)
{
    for (unsigned n = 0; n < 6; n++) {
        save_segment64(m, 0x10 * n, &cpu->seg[n]);
    }
    put32(m, 0x64, cpu->gdtr.limit);
    put64(m, 0x68, cpu->gdtr.base);
    save_segment64(m, 0x70, &cpu->ldtr);
    put32(m, 0x84, cpu->idtr.limit);
    put64(m, 0x88, cpu->idtr.base);
    save_segment64(m, 0x90, &cpu->tr);
    m->bytes[MAP64_HALT] = cpu->activity == ACTIVITY_HALT;
    put64(m, 0xd0, cpu->efer);
    put32(m, MAP_REV, REV_64);
    put32(m, MAP64_SMBASE, cpu->msr.smbase);
    put64(m, 0x148, cpu->cr4);
    put64(m, 0x150, cpu->cr3);
    put64(m, 0x158, cpu->cr0);
    put64(m, 0x160, cpu->dr[7]);
    put64(m, 0x168, cpu->dr[6]);
    put64(m, 0x170, flags_get(cpu));
    put64(m, 0x178, cpu->ip);
    for (unsigned n = 0; n < 16; n++) {
        put64(m, 0x1f8 - 8 * n, cpu->regs[n]);
    }
}

static bool wide_map(const struct cpu *cpu)
{
    return feature_on(&cpu->features, FEATURE_LM);
}

static void set_smm(struct cpu *cpu, bool in_smm)
{
    cpu->in_smm = in_smm;
    if (cpu->bus.smm_changed) {
        cpu->bus.smm_changed(cpu->bus.opaque, in_smm);
    }
    tlb_flush(&cpu->tlb);
    cpu_update_mode(cpu);
}

/* SDM Vol. 3C table 31-4. */
static void enter_state(struct cpu *cpu)
{
    const u16 data = ATTR_P | ATTR_S | ATTR_WRITE | ATTR_ACCESSED | ATTR_G;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        cpu->seg[n] = (struct segment){.limit = 0xffffffff, .attr = data};
    }
    cpu->seg[SEG_CS].selector = (u16)(cpu->msr.smbase >> 4);
    cpu->seg[SEG_CS].base = cpu->msr.smbase;
    cpu->ip = 0x8000;
    cpu->cpl = 0;
    cpu->cr0 &= ~(u64)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->efer = 0;
    cpu->dr[7] = DR7_FIXED;
    cpu->pending_db = 0;
    cpu->shadow_at = ~(u64)0;
    cpu->activity = ACTIVITY_RUN;
    cpu->nmi_blocked = true;
    flags_set(cpu, FLAG_1);
    cpu_update_mode(cpu);
    cpu_update_debug(cpu);
}

void cpu_enter_smm(struct cpu *cpu)
{
    struct map m = {{0}};
    crossing_begin(cpu, CROSSING_SMI, 0);
    crossing_source(cpu, SOURCE_SMBASE, 0, cpu->msr.smbase, 0, 0);
    if (wide_map(cpu)) {
        save64(cpu, &m);
    } else {
        save32(cpu, &m);
    }
    m.bytes[MAP_NMI] = cpu->nmi_blocked;
    log_at(LOG_INT, "SMI at %04x:%llx, SMBASE %llx", cpu->seg[SEG_CS].selector, (unsigned long long)cpu->ip,
           (unsigned long long)cpu->msr.smbase);
    set_smm(cpu, true);
    for (unsigned n = 0; n < MAP_BYTES; n += 8) {
        phys_write(cpu, (u32)(cpu->msr.smbase + MAP_OFFSET + n), get64(&m, n), 8);
    }
    enter_state(cpu);
    crossing_end(cpu);
}

/* ---- RSM */

struct restored {
    u64 cr0, cr3, cr4, efer, rflags;
};

static void load32_map(struct cpu *cpu, const struct map *m, struct restored *r)
{
    *r = (struct restored){get32(m, 0x1fc), get32(m, 0x1f8), get32(m, 0x114), 0, get32(m, 0x1f4)};
    cpu->ip = get32(m, 0x1f0);
    for (unsigned n = 0; n < 8; n++) {
        cpu->regs[n] = get32(m, gpr32[n]);
    }
    cpu->dr[6] = get32(m, 0x1cc);
    cpu->dr[7] = get32(m, 0x1c8);
    for (unsigned n = 0; n < 6; n++) {
        load_segment32(m, &segments32[n], &cpu->seg[n]);
    }
    load_segment32(m, &ldtr32, &cpu->ldtr);
    load_segment32(m, &tr32, &cpu->tr);
    cpu->gdtr = (struct table_register){get32(m, 0x174), (u16)get32(m, 0x170)};
    cpu->idtr = (struct table_register){get32(m, 0x158), (u16)get32(m, 0x154)};
    cpu->msr.smbase = get32(m, MAP32_SMBASE);
    cpu->activity = m->bytes[MAP32_HALT] & 1 ? ACTIVITY_HALT : ACTIVITY_RUN;
}

static void load64_map(struct cpu *cpu, const struct map *m, struct restored *r)
{
    *r = (struct restored){get64(m, 0x158), get64(m, 0x150), get64(m, 0x148), get64(m, 0xd0), get64(m, 0x170)};
    cpu->ip = get64(m, 0x178);
    for (unsigned n = 0; n < 16; n++) {
        cpu->regs[n] = get64(m, 0x1f8 - 8 * n);
    }
    cpu->dr[6] = get64(m, 0x168) & 0xffffffff;
    cpu->dr[7] = get64(m, 0x160) & 0xffffffff;
    for (unsigned n = 0; n < 6; n++) {
        load_segment64(m, 0x10 * n, &cpu->seg[n]);
    }
    load_segment64(m, 0x70, &cpu->ldtr);
    load_segment64(m, 0x90, &cpu->tr);
    cpu->gdtr = (struct table_register){get64(m, 0x68), (u16)get32(m, 0x64)};
    cpu->idtr = (struct table_register){get64(m, 0x88), (u16)get32(m, 0x84)};
    cpu->msr.smbase = get32(m, MAP64_SMBASE);
    cpu->activity = m->bytes[MAP64_HALT] & 1 ? ACTIVITY_HALT : ACTIVITY_RUN;
}

/* SDM Vol. 3C 31.4: what makes RSM shut the processor down. */
static bool acceptable(const struct cpu *cpu, const struct restored *r)
{
    bool paging = r->cr0 & CR0_PG, in_long = r->efer & EFER_LMA;
    return !(r->cr4 & ~cr4_valid(cpu)) && !(r->efer & ~efer_valid(cpu)) && !(r->cr0 >> 32) &&
           (!paging || r->cr0 & CR0_PE) && (r->cr0 & CR0_CD || !(r->cr0 & CR0_NW)) &&
           (!(r->cr4 & CR4_CET) || r->cr0 & CR0_WP) && (!in_long || (paging && r->cr4 & CR4_PAE)) && (!in_long || !(r->cr3 & phys_reserved(cpu)));
}

static unsigned restored_cpl(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE)) {
        return 0;
    }
    if (cpu->eflags & FLAG_VM) {
        return 3;
    }
    const struct segment *ss = &cpu->seg[SEG_SS];
    return ss->attr & ATTR_P ? (ss->attr & ATTR_DPL) >> ATTR_DPL_SHIFT : cpu->seg[SEG_CS].selector & 3;
}

static void restore(struct cpu *cpu, const struct restored *r)
{
    cpu->cr0 = r->cr0 | CR0_ET;
    cpu->cr3 = r->cr3;
    cpu->cr4 = r->cr4;
    cpu->efer = r->efer;
    flags_set(cpu, (u32)r->rflags & (eflags_valid(cpu) | FLAG_1));
    cpu->dr[6] |= DR6_FIXED;
    cpu->dr[7] |= DR7_FIXED;
    cpu->cpl = (u8)restored_cpl(cpu);
    if (paging_is_pae(cpu)) {
        for (unsigned n = 0; n < 4; n++) {
            cpu->paging.pdpte[n] = phys_read(cpu, (cpu->cr3 & 0xffffffe0) + 8 * n, 8);
        }
    }
    cpu_update_mode(cpu);
    cpu_update_debug(cpu);
}

OP(rsm)
{
    (void)i;
    struct map      m;
    struct restored r;
    cpu_check(cpu, cpu->in_smm, RULE_UD_RSM, 0);
    crossing_begin(cpu, CROSSING_RSM, 0);
    crossing_source(cpu, SOURCE_SMBASE, 0, cpu->msr.smbase, 0, 0);
    for (unsigned n = 0; n < MAP_BYTES; n += 8) {
        put64(&m, n, phys_read(cpu, (u32)(cpu->msr.smbase + MAP_OFFSET + n), 8));
    }
    if (wide_map(cpu)) {
        load64_map(cpu, &m, &r);
    } else {
        load32_map(cpu, &m, &r);
    }
    cpu->nmi_blocked = m.bytes[MAP_NMI] & 1;
    cpu->in_smm = false;
    if (cpu->bus.smm_changed) {
        cpu->bus.smm_changed(cpu->bus.opaque, false);
    }
    tlb_flush(&cpu->tlb);
    if (!acceptable(cpu, &r)) {
        log_at(LOG_GUEST_ERROR, "RSM: invalid saved state: shutdown");
        cpu_update_mode(cpu);
        crossing_begin(cpu, CROSSING_SHUTDOWN, 0);
        cpu->activity = ACTIVITY_SHUTDOWN;
        crossing_end(cpu);
        if (cpu->bus.shutdown) {
            cpu->bus.shutdown(cpu->bus.opaque);
        }
        return;
    }
    restore(cpu, &r);
    crossing_end(cpu);
}
