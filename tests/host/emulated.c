/*
 * emulated.c: the guest in which our processor runs a case: long mode, user pages as native.c maps them, and above them a kernel of
 * one HLT per vector. What an exception pushed is read back from the kernel's stack, as the host's kernel reads its own.
 */
#include "tests/host/emulated.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/flags.h"
#include "cpu/fpu/check.h"
#include "cpu/mem.h"
#include "tests/host/segments.h"
#ifdef RINGSIDE_NATIVE
#include "tcg/native.h"
#endif

#define KERNEL_AT 0xffffffff80000000ull /* linear address of physical 0 */

/* Physical layout. */
enum {
    GDT_AT      = 0x1000,
    LDT_AT      = 0x1400,
    TSS_AT      = 0x1800,
    IDT_AT      = 0x2000,
    HANDLERS_AT = 0x3000,
    STACK_TOP   = 0x6000,
    PML4_AT     = 0x10000,
    TABLES_AT   = 0x11000, /* handed out one by one */
    TABLES_END  = 0x20000,
    PHYS_CODE   = 0x20000,
    PHYS_DATA   = 0x30000,
    PHYS_FIXED  = 0x38000,
    RAM_BYTES   = 0x40000,
};

enum { SELECTOR_KERNEL_CODE = 0x10, SELECTOR_KERNEL_DATA = 0x18, SELECTOR_TSS = 0x40, SELECTOR_NODE = 0x78 /* Linux has one */ };

#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_NX BIT(63)

struct emulated {
    struct cpu    *cpu;
    struct executor *native; /* NULL: it interprets */
    struct space  *memory, *ports;
    struct region  ram;
    struct mapping mapping;
    u32            next_table;
    u8             background[DATA_END - DATA_AT];
};

static u8 *ram_at(struct emulated *e, u64 phys)
{
    return e->ram.host + phys;
}

/* The entry of the table at `phys` that leads to `la` at `level` (3: PML4), with a table behind it. */
static u64 table_below(struct emulated *e, u64 phys, vaddr la, unsigned level)
{
    u8 *entry = ram_at(e, phys) + 8 * (la >> (12 + 9 * level) & 511);
    if (!load64(entry)) {
        store64(entry, e->next_table | PTE_P | PTE_W | PTE_U);
        e->next_table += PAGE_SIZE;
        assert(e->next_table <= TABLES_END);
    }
    return load64(entry) & 0xffffffff000ull;
}

static void map_pages(struct emulated *e, vaddr la, u64 phys, u64 bytes, u64 bits)
{
    for (u64 k = 0; k < bytes; k += PAGE_SIZE) {
        u64 table = PML4_AT;
        for (unsigned level = 3; level; level--) {
            table = table_below(e, table, la + k, level);
        }
        store64(ram_at(e, table) + 8 * ((la + k) >> 12 & 511), (phys + k) | PTE_P | bits);
    }
}

/* Interrupt gates to one HLT each; INT3 and INTO may be reached from ring 3. */
static void build_handlers(struct emulated *e)
{
    for (unsigned v = 0; v < 256; v++) {
        u64 at   = KERNEL_AT + HANDLERS_AT + 16 * v;
        u64 dpl  = v == 3 || v == 4 ? 3 : 0;
        u8 *gate = ram_at(e, IDT_AT + 16 * v);
        store64(gate, (at & 0xffff) | (u64)SELECTOR_KERNEL_CODE << 16 | (0x8e | dpl << 5) << 40 | (at >> 16 & 0xffff) << 48);
        store64(gate + 8, at >> 32);
        *ram_at(e, HANDLERS_AT + 16 * v) = 0xf4;
    }
}

static void build_tables(struct emulated *e)
{
    static const u64 gdt[] = { 0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff };
    u64              tss   = KERNEL_AT + TSS_AT;
    memcpy(ram_at(e, GDT_AT), gdt, sizeof gdt);
    store64(ram_at(e, GDT_AT + SELECTOR_NODE), 0x0040f50000000000 | NODE_LIMIT);
    store64(ram_at(e, GDT_AT + SELECTOR_TSS), 0x67 | (tss & 0xffffff) << 16 | 0x8bull << 40 | (tss >> 24 & 0xff) << 56);
    store64(ram_at(e, GDT_AT + SELECTOR_TSS + 8), tss >> 32);
    for (unsigned k = 0; k < LDT_COUNT; k++) {
        store64(ram_at(e, LDT_AT + 8 * k), host_descriptor_bytes(&host_ldt[k]));
    }
    store64(ram_at(e, TSS_AT + 4), KERNEL_AT + STACK_TOP);
    store16(ram_at(e, TSS_AT + 0x66), 0x68);
    map_pages(e, KERNEL_AT, 0, 0x10000, PTE_W);
    map_pages(e, CODE_AT, PHYS_CODE, CODE_END - CODE_AT, PTE_U);
    map_pages(e, DATA_AT, PHYS_DATA, DATA_END - DATA_AT, PTE_U | PTE_W | PTE_NX);
    map_pages(e, FIXED_AT, PHYS_FIXED, FIXED_END - FIXED_AT, PTE_U | PTE_NX);
    build_handlers(e);
}

/* What loading the selector would leave in the segment register. */
static struct segment segment(u16 selector)
{
    const struct host_descriptor *d = host_descriptor_of(selector);
    if (!d) {
        return (struct segment){ .selector = selector };
    }
    u16 attr = (u16)(host_descriptor_bytes(d) >> 40 & 0xf0ff);
    return (struct segment){ .selector = selector, .attr = attr, .base = d->base, .limit = host_descriptor_limit(d) };
}

/* 64-bit code: no bases but GS's. */
static void load_segments(struct cpu *cpu, const struct host_case *c)
{
    for (unsigned k = 0; k < 6; k++) {
        cpu->seg[k] = segment(c->in.seg[k]);
    }
    if (c->code_bytes == 8) {
        cpu->seg[SEG_CS]      = (struct segment){ .selector = SELECTOR_CODE64, .attr = 0xa0fb, .limit = 0xffffffff };
        cpu->seg[SEG_GS].base = GS_BASE;
    }
}

static void set_system_registers(struct cpu *cpu)
{
    cpu->cr0  = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    cpu->cr3  = PML4_AT;
    cpu->cr4  = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE | CR4_FSGSBASE | CR4_UMIP;
    cpu->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    cpu->xcr0 = 7;
    cpu->gdtr = (struct table_register){ KERNEL_AT + GDT_AT, 0x7f };
    cpu->idtr = (struct table_register){ KERNEL_AT + IDT_AT, 0xfff };
    cpu->ldtr = (struct segment){ .selector = 0x50, .attr = 0x82, .base = KERNEL_AT + LDT_AT, .limit = 8 * LDT_COUNT - 1 };
    cpu->tr   = (struct segment){ .selector = SELECTOR_TSS, .attr = 0x8b, .base = KERNEL_AT + TSS_AT, .limit = 0x67 };
}

struct emulated *emulated_open(const char *words, bool translated, struct error *err)
{
    struct emulated  *e      = calloc(1, sizeof *e);
    struct cpu_config config = { .tsc_hz = 1000000000 };
    u8                fixed[FIXED_END - FIXED_AT];
    config.model = cpu_model_find(words, &config.features, err);
    if (!config.model || !region_init_ram(&e->ram, "ram", RAM_BYTES)) {
        free(e);
        return NULL;
    }
    e->memory = config.memory = space_create("memory", 40);
    e->ports = config.ports = space_create("ports", 16);
    space_map(e->memory, &e->mapping, &e->ram, 0, 0);
    e->next_table = TABLES_AT;
    build_tables(e);
    host_memory_background(e->background, fixed);
    memcpy(ram_at(e, PHYS_FIXED), fixed, sizeof fixed);
    memset(ram_at(e, PHYS_CODE), 0xcc, CODE_END - CODE_AT);
    e->cpu = cpu_create(&config);
    cpu_set_a20(e->cpu, true);
    set_system_registers(e->cpu);
#ifdef RINGSIDE_NATIVE
    if (translated) {
        e->native = native_create(e->cpu, &(struct native_config){.at_once = true}, err);
    }
#else
    (void)translated;
#endif
    return e;
}

void emulated_close(struct emulated *e)
{
#ifdef RINGSIDE_NATIVE
    if (e->native) {
        native_destroy(e->native);
    }
#endif
    space_unmap(&e->mapping); /* the processor listens */
    cpu_destroy(e->cpu);
    space_destroy(e->memory);
    space_destroy(e->ports);
    region_destroy(&e->ram);
    free(e);
}

/* ---- state in and out */

static void load_fx(struct cpu *cpu, const u8 *fx, const u8 *upper)
{
    struct x87 *x = &cpu->x87;
    u16         status = load16(fx + FX_FSW);
    x->control         = load16(fx + FX_FCW);
    x->status          = status & (u16)~0x3800;
    x->top             = status >> 11 & 7;
    x->valid           = fx[FX_FTW];
    cpu->mxcsr         = load32(fx + FX_MXCSR);
    for (unsigned k = 0; k < 8; k++) {
        const u8 *st            = fx + FX_ST + 16 * k;
        x->reg[(x->top + k) & 7] = (struct float80){ load64(st), load16(st + 8) };
    }
    for (unsigned k = 0; k < 16; k++) {
        memcpy(&cpu->xmm[k], fx + FX_XMM + 16 * k, 16);
        memcpy(&cpu->xmm[k].q[2], upper + 16 * k, 16);
    }
    x87_update_ferr(cpu);
}

static void save_fx(const struct cpu *cpu, u8 *fx, u8 *upper)
{
    const struct x87 *x = &cpu->x87;
    memset(fx, 0, FX_BYTES);
    store16(fx + FX_FCW, x->control);
    store16(fx + FX_FSW, (u16)(x->status | x->top << 11));
    fx[FX_FTW] = x->valid;
    store32(fx + FX_MXCSR, cpu->mxcsr);
    for (unsigned k = 0; k < 8; k++) {
        const struct float80 *st = &x->reg[(x->top + k) & 7];
        store64(fx + FX_ST + 16 * k, st->mantissa);
        store16(fx + FX_ST + 16 * k + 8, st->sign_exponent);
    }
    for (unsigned k = 0; k < 16; k++) {
        memcpy(fx + FX_XMM + 16 * k, &cpu->xmm[k], 16);
        memcpy(upper + 16 * k, &cpu->xmm[k].q[2], 16);
    }
}

static void load_state(struct emulated *e, const struct host_case *c)
{
    struct cpu *cpu = e->cpu;
    memcpy(cpu->regs, c->in.gpr, sizeof c->in.gpr);
    cpu->ip          = c->in.ip;
    cpu->cpl         = 3;
    cpu->activity    = ACTIVITY_RUN;
    cpu->pending_db  = 0;
    cpu->shadow_at   = ~(u64)0;
    load_segments(cpu, c);
    load_fx(cpu, c->in.fx, c->in.upper);
    flags_set(cpu, (u32)c->in.flags);
    cpu_update_mode(cpu);
    for (unsigned k = 0; k < SEG_COUNT; k++) {
        cpu_update_segment(cpu, k);
    }
}

static void load_memory(struct emulated *e, const struct host_case *c)
{
    u64    at   = c->code_at - CODE_AT;
    size_t room = CODE_END - CODE_AT - at;
    space_written(e->memory, &e->ram, PHYS_CODE, PAGE_SIZE);
    space_written(e->memory, &e->ram, PHYS_CODE + PAGE_SIZE, PAGE_SIZE);
    memset(ram_at(e, PHYS_CODE), 0xcc, CODE_END - CODE_AT);
    memcpy(ram_at(e, PHYS_CODE + at), c->code, room < CODE_ROOM ? room : CODE_ROOM);
    host_memory_prepare(c, e->background, ram_at(e, PHYS_DATA));
}

static bool has_error_code(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

/* The frame that the exception pushed. */
static void save_state(struct emulated *e, struct host_result *r)
{
    struct cpu *cpu   = e->cpu;
    const u8   *frame = ram_at(e, cpu->regs[R_SP] - KERNEL_AT);
    r->vector         = (u8)((cpu->ip - KERNEL_AT - HANDLERS_AT) / 16);
    r->error          = 0;
    r->cr2            = cpu->cr2;
    if (has_error_code(r->vector)) {
        r->error = load32(frame);
        frame += 8;
    }
    memcpy(r->out.gpr, cpu->regs, sizeof r->out.gpr);
    r->out.ip        = load64(frame);
    r->out.flags     = load64(frame + 16);
    r->out.gpr[R_SP] = load64(frame + 24);
    for (unsigned k = 0; k < 6; k++) {
        r->out.seg[k] = k == SEG_FS ? 0 : cpu->seg[k].selector;
    }
    r->out.seg[SEG_CS] = load16(frame + 8);
    r->out.seg[SEG_SS] = load16(frame + 32);
    save_fx(cpu, r->out.fx, r->out.upper);
    memcpy(r->data, ram_at(e, PHYS_DATA), sizeof r->data);
}

/* More steps than any REP can need: memory ends before. */
#define STEPS_MAX 100000

void emulated_run(struct emulated *e, const struct host_case *c, bool stepped, struct host_result *r)
{
    struct cpu *cpu = e->cpu;
    load_memory(e, c);
    load_state(e, c);
    for (unsigned n = 0; n < STEPS_MAX && cpu->activity == ACTIVITY_RUN; n++) {
        if (stepped) {
            cpu_step(cpu);
        } else {
            cpu_run(cpu);
        }
    }
    u64 stack = cpu->regs[R_SP] - KERNEL_AT;
    if (cpu->activity != ACTIVITY_HALT || stack < STACK_TOP - 64 || stack >= STACK_TOP) {
        memset(r, 0, sizeof *r);
        r->vector = VECTOR_LOST;
        return;
    }
    save_state(e, r);
}
