/*
 * cpu_fuzz.c: random bytes, and random instructions of the table, as code in every mode, over random registers, descriptor
 * tables and page tables. cpu_fuzz [SEED [SECONDS [translated]]]
 *
 * Nothing may crash or assert, and after each instruction the processor must be in a state that hardware can be in. Ports are a
 * device that does its worst: it raises interrupts, changes the memory map, writes over the code that runs.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpu/base/bits.h"
#include "cpu/cpu.h"
#include "cpu/decode.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "tcg/accel.h"

enum {
    RAM = 4 << 20,
    GDT = 0x1000, IDT = 0x2000, LDT = 0x3800, TSS = 0x4000,
    CODE = 0x10000, STACK = 0x40000, DATA = 0x60000, TABLES = 0x100000, TABLE_PAGES = 16,
    OVERLAY = 0x80000,
    SMM_CODE = 0x38000,
    RUN_MICROSECONDS = 300,
    STALL_SECONDS = 20,
};

struct bed {
    struct space  *memory, *ports;
    struct region  ram, overlay, device, port_device;
    struct mapping ram_map, overlay_map, device_map, port_map;
    struct cpu    *cpu;
    u64            seed, cases, steps;
    i64            now;
    bool           translated;
};

/* ---- random numbers */

static u64 any64(struct bed *b)
{
    b->seed += 0x9e3779b97f4a7c15; /* SplitMix64 */
    u64 z = b->seed;
    z     = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z     = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static u32 below(struct bed *b, u32 n)
{
    return (u32)((any64(b) >> 32) * n >> 32);
}

static bool one_in(struct bed *b, u32 n)
{
    return below(b, n) == 0;
}

#define PICK(b, array) ((array)[below(b, ARRAY_LEN(array))])

static u64 odd_value(struct bed *b)
{
    switch (below(b, 8)) {
    case 0:
        return 0;
    case 1:
        return BIT(below(b, 64));
    case 2:
        return BIT(below(b, 64)) - 1;
    case 3:
        return below(b, 256);
    case 4:
        return DATA + below(b, 0x2000);
    case 5:
        return 0xfff0 + below(b, 0x20);
    default:
        return any64(b);
    }
}

/* As a device writes: code that lies there is noticed. */
static void poke(struct bed *b, paddr at, u64 value, unsigned size)
{
    space_written(b->memory, &b->ram, at, size);
    store_le(b->ram.host + at, value, size);
}

/* ---- the device at every port and at FE000000h */

static void misbehave(struct bed *b)
{
    static const u16 code[] = {0x9090, 0xfeeb, 0xf4f4, 0x0b0f, 0xa5f3};
    switch (below(b, 12)) {
    case 0:
        cpu_set_intr(b->cpu, one_in(b, 2));
        break;
    case 1:
        cpu_raise_nmi(b->cpu);
        break;
    case 2:
        cpu_raise_smi(b->cpu);
        break;
    case 3:
        if (one_in(b, 16)) {
            cpu_raise_init(b->cpu);
        }
        break;
    case 4:
        cpu_set_a20(b->cpu, one_in(b, 2));
        break;
    case 5: /* the code itself becomes other memory */
        space_unmap(&b->overlay_map);
        if (one_in(b, 2)) {
            space_map(b->memory, &b->overlay_map, &b->overlay, one_in(b, 2) ? CODE : below(b, RAM >> 12) << 12, 1);
        }
        break;
    case 6: /* DMA over it */
        poke(b, CODE + below(b, 4096), PICK(b, code), 2);
        break;
    case 7:
        space_protect(b->memory);
        break;
    default:
        break;
    }
    cpu_kick(b->cpu);
}

static u64 device_read(void *opaque, u64 offset, unsigned size)
{
    (void)offset;
    misbehave(opaque);
    u64 value = any64(opaque);
    return size == 8 ? value : value & (BIT(8 * size) - 1);
}

static void device_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)offset, (void)value, (void)size;
    misbehave(opaque);
}

static const struct region_ops device_ops = {.read = device_read, .write = device_write, .min_size = 1, .max_size = 4};

static int acknowledge(void *opaque)
{
    struct bed *b = opaque;
    cpu_set_intr(b->cpu, false);
    return one_in(b, 8) ? -1 : (int)below(b, 256);
}

static void shut_down(void *opaque)
{
    (void)opaque;
}

static i64 bed_now(void *opaque)
{
    return ((struct bed *)opaque)->now += 7;
}

static bool apic_read(void *opaque, u32 index, u64 *value)
{
    *value = any64(opaque);
    return index & 1;
}

static bool apic_write(void *opaque, u32 index, u64 value)
{
    (void)opaque, (void)value;
    return index & 1;
}

static u8 get_cr8(void *opaque)
{
    return (u8)below(opaque, 16);
}

static void set_cr8(void *opaque, u8 value)
{
    (void)opaque, (void)value;
}

static void bed_create(struct bed *b, const char *model)
{
    struct cpu_features     features;
    struct error            err;
    const struct cpu_model *m = cpu_model_find(model, &features, &err);
    b->memory                 = space_create("memory", 52);
    b->ports                  = space_create("ports", 16);
    if (!m || !region_init_ram(&b->ram, "ram", RAM) || !region_init_ram(&b->overlay, "overlay", 4096)) {
        abort();
    }
    region_init_io(&b->device, "device", 4096, &device_ops, b);
    region_init_io(&b->port_device, "ports", 0x10000, &device_ops, b);
    space_map(b->memory, &b->ram_map, &b->ram, 0, 0);
    space_map(b->memory, &b->device_map, &b->device, 0xfe000000, 0);
    space_map(b->ports, &b->port_map, &b->port_device, 0, 0);
    b->cpu = cpu_create(&(struct cpu_config){.model = m,
                                             .features = features,
                                             .memory = b->memory,
                                             .ports = b->ports,
                                             .tsc_hz = 2000000000,
                                             .bus = {.opaque = b,
                                                     .acknowledge = acknowledge,
                                                     .shutdown = shut_down,
                                                     .apic_read_msr = apic_read,
                                                     .apic_write_msr = apic_write,
                                                     .get_cr8 = get_cr8,
                                                     .set_cr8 = set_cr8,
                                                     .now_ns = bed_now}});
    struct error error;
    if (b->translated && !accel_attach(b->cpu, &(struct accel_config){.accel = ACCEL_TCG, .threshold = 1, .cache_bytes = 1 << 20}, &error)) {
        abort();
    }
}

static void bed_destroy(struct bed *b)
{
    space_unmap(&b->overlay_map);
    space_unmap(&b->ram_map); /* tells the processor */
    space_unmap(&b->device_map);
    space_unmap(&b->port_map);
    struct cpu *cpu = b->cpu;
    b->cpu          = NULL; /* the timer goes on */
    if (b->translated) {
        accel_detach(cpu);
    }
    cpu_destroy(cpu);
    region_destroy(&b->ram);
    region_destroy(&b->overlay);
    space_destroy(b->memory);
    space_destroy(b->ports);
}

/* ---- tables: mostly usable, with nonsense in between */

static u64 any_descriptor(struct bed *b)
{
    static const u8 types[] = {0x9a, 0x92, 0xfa, 0xf2, 0x9e, 0x96, 0x98, 0x89, 0x8b, 0x81, 0x82, 0x8c, 0xec, 0x84, 0xe5, 0x8e,
                               0x8f, 0xee, 0x86, 0x7a, 0x12, 0xba, 0xb2};
    u64 base  = one_in(b, 3) ? 0 : one_in(b, 8) ? (u32)any64(b) : (u64)below(b, RAM);
    u64 limit = one_in(b, 2) ? 0xfffff : below(b, 0x100000);
    u64 type  = one_in(b, 16) ? below(b, 256) : PICK(b, types);
    return (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | (limit >> 16) << 48 | (u64)below(b, 16) << 52 |
           (base >> 24) << 56;
}

static u64 any_gate(struct bed *b)
{
    static const u8 types[] = {0x8e, 0x8f, 0xee, 0xef, 0x8e, 0x85, 0x86, 0x87, 0xe5, 0x8c};
    static const u8 codes[] = {1, 1, 5, 5, 3, 6};
    u64 offset = CODE + below(b, 4096), type = one_in(b, 16) ? below(b, 256) : PICK(b, types);
    u64 code   = one_in(b, 4) ? below(b, 32) : PICK(b, codes);
    return (offset & 0xffff) | code << 19 | (u64)below(b, 8) << 32 | type << 40 | (offset >> 16) << 48;
}

/* A selector that is probably good for something. */
static u64 any_selector(struct bed *b)
{
    static const u8 good[] = {0x08, 0x10, 0x1b, 0x23, 0x28, 0x33, 0x10, 0x23};
    return one_in(b, 4) ? below(b, 0x100) : PICK(b, good);
}

/* The first ones are good: code, data; for ring 3; 64-bit code for both. Of the others a third are gates and tasks. */
static void fill_descriptors(struct bed *b)
{
    static const u64 good[]  = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff,
                                0x00af9b000000ffff, 0x00affb000000ffff};
    static const u8  gates[] = {0x8c, 0xec, 0x84, 0xe4, 0xec};
    static const u8  tasks[] = {0x89, 0xe9, 0x81, 0xe1, 0x8b};
    for (unsigned n = 0; n < 64; n++) {
        u64 value = any_descriptor(b);
        switch (below(b, 6)) {
        case 0:
            value = (any_gate(b) & ~(0xffull << 40)) | (u64)PICK(b, gates) << 40;
            break;
        case 1:
            value = 0x68 + below(b, 0x100) + ((u64)(TSS + (below(b, 4) << 8)) << 16 | (u64)PICK(b, tasks) << 40);
            break;
        default:
            break;
        }
        poke(b, (n < 32 ? GDT : LDT - 0x100) + 8 * n, n < ARRAY_LEN(good) ? good[n] : value, 8);
    }
}

/* Four tasks; the offsets are those of the 32-bit form, and of the 64-bit one where it differs by luck. */
static void fill_tasks(struct bed *b)
{
    for (unsigned t = 0; t < 4; t++) {
        paddr at = TSS + 0x100 * t;
        for (unsigned n = 0; n < 0x68; n += 4) {
            poke(b, at + n, STACK + below(b, 4096), 4);
        }
        for (unsigned n = 0; n < 3; n++) {
            poke(b, at + 8 + 8 * n, any_selector(b), 4);
        }
        poke(b, at, below(b, 0x100), 2);
        poke(b, at + 0x1c, TABLES, 4);
        poke(b, at + 0x20, CODE + below(b, 4096), 4);
        poke(b, at + 0x24, any64(b) & 0xffffffff, 4);
        for (unsigned n = 0x48; n < 0x60; n += 4) {
            poke(b, at + n, n == 0x4c && one_in(b, 2) ? 8 : any_selector(b), 4);
        }
        poke(b, at + 0x60, one_in(b, 2) ? 0 : any_selector(b), 4);
        poke(b, at + 0x64, below(b, 2), 2);
        poke(b, at + 0x66, one_in(b, 2) ? 0x68 : below(b, 0x200), 2);
    }
}

static void fill_tables(struct bed *b, bool wide_gates)
{
    fill_descriptors(b);
    for (unsigned n = 0; n < 512; n++) {
        poke(b, IDT + 8 * n, wide_gates && n & 1 ? 0 : any_gate(b), 8);
    }
    fill_tasks(b);
    for (unsigned n = 0; n < 0x2000; n += 8) { /* far pointers, and frames to return to */
        poke(b, DATA + n, one_in(b, 4) ? odd_value(b) : (CODE + below(b, 4096)) | any_selector(b) << 32, 8);
        poke(b, STACK + n / 2, one_in(b, 2) ? CODE + below(b, 4096) : any_selector(b), 4);
    }
}

/* Tables that mostly lead to RAM, in any of the three forms; some lead into themselves. */
static void fill_pages(struct bed *b, bool wide)
{
    for (unsigned page = 0; page < TABLE_PAGES; page++) {
        space_written(b->memory, &b->ram, TABLES + 4096 * page, 4096);
        for (unsigned n = 0; n < 4096; n += 8) {
            u8 *to    = b->ram.host + TABLES + 4096 * page + n;
            u64 flags = one_in(b, 8) ? any64(b) & 0xfff : 0x07 | (any64(b) & 0x160);
            u64 next  = one_in(b, 32) ? any64(b) & 0xffffff000 : TABLES + 4096 * (u64)below(b, TABLE_PAGES);
            u64 entry = one_in(b, 4) ? (u64)below(b, RAM >> 12) << 12 | flags : next | flags;
            if (wide) {
                entry |= one_in(b, 64) ? any64(b) & BIT(63) : 0;
                store64(to, entry);
            } else {
                store32(to, (u32)entry);
                store32(to + 4, below(b, RAM >> 12) << 12 | ((u32)flags & ~0x80u));
            }
        }
    }
    /* The low 4 MiB where code is lead to themselves: every level by large pages or the last table. */
    if (wide) {
        poke(b, TABLES, (TABLES + 0x1000) | 7, 8);
        poke(b, TABLES + 0x1000, (TABLES + 0x2000) | 7, 8);
        poke(b, TABLES + 0x2000, 0x87, 8);
        poke(b, TABLES + 0x2008, 0x200087, 8);
    } else {
        poke(b, TABLES, (TABLES + 0x1000) | 7, 4);
        for (unsigned n = 0; n < 1024; n++) {
            poke(b, TABLES + 0x1000 + 4 * n, n << 12 | 7, 4);
        }
    }
}

/* ---- modes */

static struct segment load(struct bed *b, u16 selector)
{
    u64               raw = space_read(b->memory, (selector & 4 ? LDT : GDT) + (selector & ~7u), 8, false);
    struct descriptor d   = {.lo = (u32)raw, .hi = (u32)(raw >> 32)};
    return descriptor_segment(&d, selector);
}

/* Code and its operand size; the last three page, the others may. */
enum mode { REAL, VM86, PROTECTED16, PROTECTED32, PAE, COMPATIBILITY, LONG, MODES };

static void set_real(struct cpu *cpu, bool vm86)
{
    for (unsigned s = 0; s < 6; s++) {
        cpu->seg[s] = (struct segment){.limit = 0xffff, .attr = vm86 ? 0xf3 : 0x93};
    }
    cpu->seg[SEG_CS].base     = CODE;
    cpu->seg[SEG_CS].selector = CODE >> 4;
    cpu->seg[SEG_DS].base     = DATA;
    cpu->seg[SEG_DS].selector = DATA >> 4;
    cpu->seg[SEG_SS].base     = STACK;
    cpu->seg[SEG_SS].selector = STACK >> 4;
}

static void set_protected(struct bed *b, enum mode mode, unsigned cpl)
{
    struct cpu *cpu  = b->cpu;
    u16         code = cpl ? 0x1b : 0x08, data = cpl ? 0x23 : 0x10;
    if (mode == LONG) {
        code = cpl ? 0x33 : 0x28;
    }
    for (unsigned s = 0; s < 6; s++) {
        cpu->seg[s] = load(b, s == SEG_CS ? code : data);
    }
    if (mode == PROTECTED16) {
        cpu->seg[SEG_CS].attr &= (u16)~ATTR_DB;
        cpu->seg[SEG_SS].attr &= one_in(b, 2) ? 0xffff : (u16)~ATTR_DB;
    }
    cpu->cpl = (u8)cpl;
}

/* Protection keys, shadow stacks, the tracker of indirect branches; before cpu_update_mode(). */
static void set_protections(struct bed *b)
{
    struct cpu *cpu = b->cpu;
    cpu->cr4 |= any64(b) & (CR4_PKE | CR4_PKS | CR4_CET) & cr4_valid(cpu);
    cpu->cr0 |= cpu->cr4 & CR4_CET ? CR0_WP : 0;
    cpu->pkru      = one_in(b, 2) ? 0 : (u32)any64(b);
    cpu->msr.pkrs  = one_in(b, 2) ? 0 : (u32)any64(b);
    cpu->msr.u_cet = any64(b) & 0x43f;
    cpu->msr.s_cet = any64(b) & (one_in(b, 2) ? 0x43f : 0x83f);
    for (unsigned n = 0; n < 4; n++) {
        cpu->msr.pl_ssp[n] = DATA + (below(b, 0x2000) & ~3u);
    }
    cpu->msr.ssp_table = DATA + below(b, 0x1000);
    cpu->ssp           = (one_in(b, 4) ? odd_value(b) : DATA + below(b, 0x2000)) & ~(u64)3;
}

/* A state in which hardware can be. */
static void set_mode(struct bed *b, enum mode mode)
{
    struct cpu *cpu     = b->cpu;
    u32         pae     = mode >= PAE ? CR4_PAE : 0;
    bool        paging  = mode >= PAE || (mode != REAL && one_in(b, 2));
    static const u32 cr4_bits = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;

    cpu_reset(cpu, false);
    cpu->cr0 = CR0_ET | (any64(b) & (CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM)) | (mode == REAL ? 0 : CR0_PE) |
               (paging ? CR0_PG : 0);
    if (one_in(b, 2)) {
        cpu->cr0 &= ~(u64)(CR0_EM | CR0_TS);
    }
    cpu->cr4  = (any64(b) & cr4_bits & cr4_valid(cpu)) | pae;
    cpu->xcr0 = one_in(b, 4) ? 1 | (any64(b) & XCR0_SSE) : xcr0_valid(cpu);
    cpu->cr3  = TABLES;
    if (one_in(b, 4)) {
        set_protections(b);
    }
    cpu->efer = mode >= COMPATIBILITY ? EFER_LME | EFER_LMA | (any64(b) & (EFER_SCE | EFER_NXE)) : 0;
    cpu->gdtr = (struct table_register){GDT, one_in(b, 8) ? (u16)below(b, 0x100) : 0xff};
    cpu->idtr = (struct table_register){IDT, one_in(b, 8) ? (u16)below(b, 0x1000) : 0xfff};
    cpu->ldtr = (struct segment){.base = LDT, .limit = 0xff, .selector = 0x40, .attr = 0x82};
    cpu->tr   = (struct segment){.base = TSS, .limit = 0x200, .selector = 0x48, .attr = 0x8b};
    u32 flags = (u32)any64(b) & eflags_valid(cpu) & ~(u32)(FLAG_VM | (one_in(b, 4) ? 0 : FLAG_TF));
    if (mode == REAL || mode == VM86) {
        cpu->cpl = mode == VM86 ? 3 : 0;
        set_real(cpu, mode == VM86);
        flags |= mode == VM86 ? FLAG_VM : 0;
        cpu->ip = below(b, 0x800);
        if (mode == REAL) {
            cpu->idtr = (struct table_register){one_in(b, 2) ? IDT : 0, 0x3ff};
        }
    } else {
        set_protected(b, mode, below(b, 2) * 3);
        cpu->ip = CODE + below(b, 0x800);
    }
    flags_set(cpu, flags | FLAG_1);
    tlb_flush(&cpu->tlb);
    cpu_update_mode(cpu);
}

static void set_registers(struct bed *b)
{
    static const u32 msrs[]   = {0x10, 0x1b, 0x3a, 0x48, 0x49, 0x79, 0x8b, 0xfe, 0x10a, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x17b, 0x1a0,
                                 0x1d9, 0x200, 0x201, 0x20f, 0x250, 0x268, 0x26f, 0x277, 0x2ff, 0x400, 0x403, 0x6a0, 0x6a2, 0x6a4, 0x6a7, 0x6a8, 0x6e0, 0x6e1, 0xda0, 0x802, 0x830,
                                 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
                                 0xc0000103, 0xc0010015, 0xc001001f, 0xc0011029, 0x40000000, 0x1234, 0, 1, 2, 7, 0xd};
    static const u32 leaves[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 0xa, 0xb, 0xd, 0x14, 0x15, 0x16, 0x40000000, 0x40000001, 0x40000010,
                                 0x80000000, 0x80000001, 0x80000002, 0x80000004, 0x80000005, 0x80000006, 0x80000007, 0x80000008,
                                 0x8000000a, 0x8000001e, 0xd01, 0x901, 0x500, 0x200002};
    struct cpu *cpu = b->cpu;
    for (unsigned r = 0; r < 16; r++) {
        cpu->regs[r] = one_in(b, 2) ? DATA + below(b, 0x2000) : odd_value(b);
        if (!cpu->long_mode) {
            cpu->regs[r] = r < 8 ? (u32)cpu->regs[r] : 0;
        }
    }
    if (one_in(b, 4)) { /* what control registers hold */
        cpu->regs[below(b, 8)] = one_in(b, 2) ? 0x80010033 ^ BIT(below(b, 32)) : BIT(below(b, 22)) | (any64(b) & 0x6f0);
        cpu->regs[below(b, 8)] = TABLES;
        cpu->regs[below(b, 8)] = any_selector(b);
    }
    cpu->msr.star         = any_selector(b) << 32 | any_selector(b) << 48 | CODE;
    cpu->msr.lstar        = CODE + below(b, 4096);
    cpu->msr.cstar        = CODE + below(b, 4096);
    cpu->msr.sysenter_cs  = any_selector(b);
    cpu->msr.sysenter_eip = CODE + below(b, 4096);
    cpu->msr.sysenter_esp = STACK + 4096;
    if (one_in(b, 2)) {
        cpu->regs[R_CX] = PICK(b, msrs);
        cpu->regs[R_AX] = one_in(b, 2) ? PICK(b, leaves) : cpu->regs[R_AX];
    }
    cpu->regs[R_SP] = one_in(b, 8) ? odd_value(b) : cpu->vm86 || !cpu->protected_mode ? below(b, 0x10000) : STACK + below(b, 4096);
    if (!cpu->long_mode) {
        cpu->regs[R_SP] = (u32)cpu->regs[R_SP];
    }
    for (unsigned n = 0; n < 16; n++) {
        cpu->xmm[n].q[0] = odd_value(b);
        cpu->xmm[n].q[1] = odd_value(b);
    }
    cpu->mxcsr = one_in(b, 2) ? 0x1f80 : (u32)any64(b) & 0xffbf;
    for (unsigned n = 0; n < 8; n++) {
        cpu->x87.reg[n] = (struct float80){one_in(b, 2) ? any64(b) | BIT(63) : odd_value(b),
                                           one_in(b, 2) ? (u16)any64(b) : (u16)(0x3ff0 + below(b, 32))};
    }
    cpu->x87.valid   = (u8)any64(b);
    cpu->x87.top     = (u8)below(b, 8);
    cpu->x87.control = one_in(b, 2) ? 0x37f : (u16)((any64(b) & 0x1f3f) | 0x40);
    cpu->x87.status  = one_in(b, 2) ? 0 : (u16)(any64(b) & 0x477f);
    if (one_in(b, 8)) {
        cpu->dr[below(b, 4)] = DATA + below(b, 64);
        cpu->dr[7]           = DR7_FIXED | (any64(b) & 0xffff03ff);
        cpu_update_debug(cpu);
    }
}

/* ---- code */

/* An instruction of the table with random operands, or just bytes. */
static unsigned put_instruction(struct bed *b, u8 *to)
{
    static const u8 prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65};
    const struct row *row      = &row_table[below(b, row_count)];
    for (unsigned n = one_in(b, 3) ? 8 : 0; n > 0 && row->kind != KIND_OP; n--) { /* mostly system instructions */
        row = &row_table[below(b, row_count)];
    }
    unsigned          n        = 0;
    if (one_in(b, 16)) {
        for (n = 0; n < 4; n++) {
            to[n] = (u8)any64(b);
        }
        return n;
    }
    while (one_in(b, 5)) {
        to[n++] = PICK(b, prefixes);
        if (n == 3) {
            break;
        }
    }
    if (row->prefix >= P66 && row->prefix <= PF2 && !(row->attr & VEX)) {
        static const u8 mandatory[] = {[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2};
        to[n++]                     = mandatory[row->prefix];
    }
    if (row->attr & VEX) {
        to[n++] = 0xc4;
        to[n++] = (u8)(0xe0 | row->map);
        u8 w    = row->attr & W1 ? 0x80 : row->attr & W0 ? 0 : (u8)(any64(b) & 0x80);
        to[n++] = w | (one_in(b, 2) ? 0x78 : (u8)(any64(b) & 0x78)) | (row->attr & L1 ? 4 : 0) |
                  (row->prefix >= P66 ? (u8)(row->prefix - P66 + 1) : 0);
    } else {
        if (b->cpu->code_bytes == 8 && one_in(b, 2)) {
            to[n++] = (u8)(0x40 | below(b, 16));
        }
        if (row->map != M1) {
            to[n++] = 0x0f;
        }
        if (row->map >= M38) {
            to[n++] = row->map == M38 ? 0x38 : 0x3a;
        }
    }
    to[n++] = row->opcode;
    to[n]   = (u8)any64(b);
    if (row->slash != __) {
        to[n] = row->slash & 0x100 ? (u8)row->slash : (u8)((to[n] & 0xc7) | row->slash << 3);
    }
    n++;
    if (row->map == M1 && (row->opcode == 0x9a || row->opcode == 0xea)) { /* ptr16:32 */
        store32(to + n - 1, CODE + below(b, 4096));
        store16(to + n + 3, (u16)any_selector(b));
        return n + 5;
    }
    for (unsigned k = below(b, 6); k > 0; k--) { /* displacement and immediate: small ones stay near */
        to[n++] = (u8)(one_in(b, 2) ? below(b, 4) : any64(b));
    }
    return n;
}

static void put_code(struct bed *b)
{
    u8 code[4096 + 64];
    for (unsigned n = 0; n < 4096;) {
        n += put_instruction(b, code + n);
    }
    space_written(b->memory, &b->ram, CODE, 4096);
    memcpy(b->ram.host + CODE, code, 4096);
    space_written(b->memory, &b->ram, SMM_CODE, 4096);
    memcpy(b->ram.host + SMM_CODE, code, 4096);
}

/* ---- what must hold between instructions */

static const char *wrong(const struct cpu *cpu)
{
    u32  flags = cpu->eflags;
    bool lma   = cpu->efer & EFER_LMA;
    if (cpu->regs[R_ZERO]) {
        return "R_ZERO is not 0";
    }
    if (cpu->cr0 & CR0_PG && !(cpu->cr0 & CR0_PE)) {
        return "paging without protection";
    }
    if (lma && (!(cpu->cr0 & CR0_PG) || !(cpu->cr4 & CR4_PAE) || !(cpu->efer & EFER_LME))) {
        return "long mode without paging, PAE or LME";
    }
    if (lma != cpu->long_mode || cpu->protected_mode != !!(cpu->cr0 & CR0_PE)) {
        return "mode bits are stale";
    }
    if (flags & FLAG_VM && (cpu->cpl != 3 || !cpu->vm86 || lma)) {
        return "VM86 outside ring 3 or in long mode";
    }
    if (cpu->cpl > 3 || (!cpu->protected_mode && cpu->cpl)) {
        return "CPL";
    }
    if (flags & ~(u32)(eflags_valid(cpu) | FLAG_1 | FLAG_VM | FLAG_RF)) {
        return "reserved flags are set";
    }
    if (cpu->ip & ~cpu->ip_mask) {
        return "IP is wider than its mode";
    }
    if (cpu->mxcsr & ~0xffffu || cpu->x87.top > 7) {
        return "MXCSR or TOP";
    }
    if (cpu->cr4 & ~(u64)cr4_valid(cpu)) {
        return "reserved bits of CR4 are set";
    }
    return NULL;
}

/* ---- the run */

static struct bed *current; /* for the handlers below only */
static u64         first_seed;

static void kick(int signal_number)
{
    (void)signal_number;
    if (current->cpu) {
        cpu_kick(current->cpu);
    }
}

static void report(int signal_number)
{
    char text[160];
    int  n = snprintf(text, sizeof text, "cpu_fuzz: %s: seed %" PRIu64 ", case %" PRIu64 ", step %" PRIu64 "\n",
                      strsignal(signal_number), first_seed, current->cases, current->steps);
    if (write(2, text, (size_t)n) < 0) {
        /* nowhere to say it */
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number == SIGALRM ? SIGABRT : signal_number);
}

static void check(struct bed *b)
{
    const char *what = wrong(b->cpu);
    if (what) {
        fprintf(stderr, "%s: ip %" PRIx64 " cr0 %" PRIx64 " cr4 %" PRIx64 " efer %" PRIx64 " eflags %x cpl %u\n", what, b->cpu->ip,
                b->cpu->cr0, b->cpu->cr4, b->cpu->efer, b->cpu->eflags, b->cpu->cpl);
        report(SIGABRT);
    }
}

/* Some instructions one by one; or whole blocks, until a port access or the timer ends them. */
static void run(struct bed *b)
{
    bool whole = one_in(b, 3);
    for (unsigned n = 0; n < (whole ? 2 : 25) && b->cpu->activity == ACTIVITY_RUN; n++, b->steps++) {
        if (whole) {
            cpu_run(b->cpu);
        } else {
            cpu_step(b->cpu);
        }
        check(b);
    }
}

/* One set of tables, in which much is tried. */
static void one_case(struct bed *b)
{
    static const enum mode plain[] = {REAL, PROTECTED16, PROTECTED32};
    bool                   lm      = feature_on(&b->cpu->features, FEATURE_LM);
    enum mode              mode    = lm ? (enum mode)below(b, MODES) : one_in(b, 2) ? PICK(b, plain) : VM86;
    b->cases++;
    fill_tables(b, mode >= COMPATIBILITY);
    fill_pages(b, mode >= PAE);
    for (unsigned n = 0; n < 40; n++) {
        set_mode(b, mode);
        if (n % 8 == 0) {
            put_code(b);
        }
        set_registers(b);
        run(b);
    }
}

int main(int argc, char **argv)
{
    static const char *const models[] = {"max", "qemu64", "x86-64-v2", "pentium3", "486", "pentium", "qemu32", "x86-64-v3", "386", "486dx4", "athlon", "Haswell"};
    u64                      seed     = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, cases = 0, rounds = 0;
    double                   seconds  = argc > 2 ? atof(argv[2]) : 5;
    i64                      end      = host_now() + (i64)(seconds * (double)NS_PER_SECOND);
    struct bed               b;
    current = &b;
    memset(&b, 0, sizeof b);
    signal(SIGALRM, report);
    signal(SIGABRT, report);
    signal(SIGVTALRM, kick);
    struct sigevent   event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
    struct itimerspec often = {{0, RUN_MICROSECONDS * 1000}, {0, RUN_MICROSECONDS * 1000}};
    timer_t           timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &often, NULL) < 0) {
        perror("timer");
        return 1;
    }
    for (; host_now() < end; rounds++) {
        memset(&b, 0, sizeof b);
        b.translated = argc > 3;
        b.seed = first_seed = seed + rounds;
        bed_create(&b, models[b.seed % ARRAY_LEN(models)]);
        for (unsigned n = 0; n < 50 && host_now() < end; n++) {
            alarm(STALL_SECONDS);
            one_case(&b);
        }
        cases += b.cases;
        bed_destroy(&b);
    }
    alarm(0);
    signal(SIGVTALRM, SIG_IGN); /* the timer goes on, the bed does not */
    printf("%" PRIu64 " processors, %" PRIu64 " sets of tables\n", rounds, cases);
    return 0;
}
