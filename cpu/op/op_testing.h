/*
 * op_testing.h: a processor with 4 MiB of RAM, descriptor tables and flat segments, for the tests of cpu/op. Instructions are put
 * into memory and stepped, so that decoder and run loop are part of what is tested.
 */
#ifndef CPU_OP_OP_TESTING_H
#define CPU_OP_OP_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/op/op.h"

enum {
    BED_RAM = 4 << 20,
    GDT = 0x1000,
    IDT = 0x2000,
    TSS = 0x3000,
    TSS2 = 0x3400,
    LDT = 0x3800,
    CODE0 = 0x10000,
    CODE3 = 0x20000,
    HANDLERS = 0x30000, /* vector n: + 16 n */
    STACK0 = 0x40000,
    STACK3 = 0x50000,
    PAGES = 0x100000,
    /* selectors */
    KCODE = 0x08,
    KDATA = 0x10,
    UCODE = 0x1b,
    UDATA = 0x23,
    SEL_TSS = 0x28,
    SEL_TSS2 = 0x30,
    SEL_GATE = 0x38,
    SEL_CONFORMING = 0x40,
    SEL_SPARE = 0x48,
    KCODE64 = 0x50,
    UCODE64 = 0x5b,
    SEL_TSS64 = 0x60,
    SEL_LDT = 0x70,
    GDT_LIMIT = 0xff,
};

struct bed {
    struct space  *memory, *ports;
    struct region  ram;
    struct mapping map;
    struct cpu    *cpu;
    bool           shut_down;
    i64            now;
};

static inline void bed_shutdown(void *opaque)
{
    ((struct bed *)opaque)->shut_down = true;
}

static inline int bed_acknowledge(void *opaque)
{
    (void)opaque;
    return 0x40;
}

static inline i64 bed_now(void *opaque)
{
    return ((struct bed *)opaque)->now;
}

static inline struct bed *bed_create(const char *model)
{
    struct bed         *b = calloc(1, sizeof *b);
    struct cpu_features features;
    struct error        err;
    b->memory = space_create("memory", 40);
    b->ports = space_create("ports", 16);
    assert_true(region_init_ram(&b->ram, "ram", BED_RAM));
    space_map(b->memory, &b->map, &b->ram, 0, 0);
    const struct cpu_model *m = cpu_model_find(model, &features, &err);
    assert_non_null(m);
    b->cpu = cpu_create(&(struct cpu_config){
        .model = m,
        .features = features,
        .memory = b->memory,
        .ports = b->ports,
        .tsc_hz = 2000000000,
        .bus = {.opaque = b, .acknowledge = bed_acknowledge, .shutdown = bed_shutdown, .now_ns = bed_now}});
    return b;
}

static inline void bed_destroy(struct bed *b)
{
    space_unmap(&b->map); /* tells the processor */
    cpu_destroy(b->cpu);
    region_destroy(&b->ram);
    space_destroy(b->memory);
    space_destroy(b->ports);
    free(b);
}

static inline void poke(struct bed *b, paddr at, u64 value, unsigned size)
{
    space_write(b->memory, at, value, size, false);
}

static inline u64 peek(struct bed *b, paddr at, unsigned size)
{
    return space_read(b->memory, at, size, false);
}

static inline void put_code(struct bed *b, paddr at, const char *bytes, unsigned size)
{
    for (unsigned n = 0; n < size; n++) {
        poke(b, at + n, (u8)bytes[n], 1);
    }
}
#define CODE(b, at, bytes) put_code(b, at, bytes, sizeof(bytes) - 1)

/* attr as struct segment keeps it: type, S, DPL, P in the low byte; AVL, L, D, G in bits 12-15. */
static inline void set_descriptor(struct bed *b, u16 selector, u32 base, u32 limit, unsigned attr)
{
    u32 lo = (limit & 0xffff) | base << 16;
    u32 hi = (base >> 16 & 0xff) | (attr & 0xff) << 8 | (limit & 0xf0000) | (attr & 0xf000) << 8 | (base & 0xff000000);
    poke(b, GDT + (selector & ~7u), lo | (u64)hi << 32, 8);
}

static inline void set_gate(struct bed *b, paddr at, u16 selector, u32 offset, unsigned attr, unsigned params)
{
    u32 lo = (offset & 0xffff) | (u32)selector << 16;
    u32 hi = (offset & 0xffff0000) | (attr & 0xff) << 8 | params;
    poke(b, at, lo | (u64)hi << 32, 8);
}

static inline void set_idt(struct bed *b, unsigned vector, u16 selector, unsigned attr)
{
    set_gate(b, IDT + 8 * vector, selector, HANDLERS + 16 * vector, attr, 0);
}

static inline u8 access_byte(struct bed *b, u16 selector)
{
    return (u8)peek(b, GDT + (selector & ~7u) + 5, 1);
}

static inline struct segment bed_segment(struct bed *b, u16 selector)
{
    u64               raw = peek(b, GDT + (selector & ~7u), 8);
    struct descriptor d = {.lo = (u32)raw, .hi = (u32)(raw >> 32)};
    return descriptor_segment(&d, selector);
}

static inline void bed_tables(struct bed *b)
{
    set_descriptor(b, KCODE, 0, 0xfffff, 0xc09b);
    set_descriptor(b, KDATA, 0, 0xfffff, 0xc093);
    set_descriptor(b, UCODE, 0, 0xfffff, 0xc0fb);
    set_descriptor(b, UDATA, 0, 0xfffff, 0xc0f3);
    set_descriptor(b, SEL_TSS, TSS, 0x67, 0x8b);
    set_descriptor(b, SEL_TSS2, TSS2, 0x67, 0x89);
    set_descriptor(b, SEL_CONFORMING, 0, 0xfffff, 0xc09f);
    set_descriptor(b, KCODE64, 0, 0xfffff, 0xa09b);
    set_descriptor(b, UCODE64, 0, 0xfffff, 0xa0fb);
    set_descriptor(b, SEL_TSS64, TSS, 0x67, 0x8b);
    set_descriptor(b, SEL_LDT, LDT, 0x1f, 0x82);
    for (unsigned v = 0; v < 256; v++) {
        set_idt(b, v, KCODE, 0x8e);
    }
    poke(b, TSS + 4, STACK0, 4);
    poke(b, TSS + 8, KDATA, 4);
    poke(b, TSS + 102, 0x68, 2);
    poke(b, TSS2 + 102, 0x68, 2);
    b->cpu->gdtr = (struct table_register){GDT, GDT_LIMIT};
    b->cpu->idtr = (struct table_register){IDT, 0x7ff};
}

/* Flat 32-bit protected mode in ring 0 or 3, at CODE0 or CODE3. */
static inline void bed_protected(struct bed *b, unsigned cpl)
{
    struct cpu *cpu = b->cpu;
    bed_tables(b);
    cpu->cr0 |= CR0_PE;
    cpu->cpl = (u8)cpl;
    cpu->seg[SEG_CS] = bed_segment(b, cpl ? UCODE : KCODE);
    u16 data = cpl ? UDATA : KDATA;
    for (unsigned n = 0; n < 6; n++) {
        if (n != SEG_CS) {
            cpu->seg[n] = bed_segment(b, data);
        }
    }
    cpu->tr = bed_segment(b, SEL_TSS);
    cpu->ldtr = segment_null(0);
    cpu->ip = cpl ? CODE3 : CODE0;
    cpu->regs[R_SP] = cpl ? STACK3 : STACK0;
    flags_set(cpu, FLAG_IF | FLAG_1);
    cpu_update_mode(cpu);
}

/* Long mode with 4 MiB mapped to themselves for all rings; 64-bit code. */
static inline void bed_long(struct bed *b, unsigned cpl)
{
    struct cpu *cpu = b->cpu;
    bed_protected(b, cpl);
    poke(b, PAGES, PAGES + 0x1007, 8);
    poke(b, PAGES + 0x1000, PAGES + 0x2007, 8);
    poke(b, PAGES + 0x2000, 0x87, 8);
    poke(b, PAGES + 0x2008, 0x200087, 8);
    cpu->cr3 = PAGES;
    cpu->cr4 |= CR4_PAE;
    cpu->efer |= EFER_LME | EFER_LMA | EFER_SCE;
    cpu->cr0 |= CR0_PG;
    cpu->seg[SEG_CS] = bed_segment(b, cpl ? UCODE64 : KCODE64);
    poke(b, TSS + 4, STACK0, 8);
    cpu->tr = bed_segment(b, SEL_TSS64);
    poke(b, GDT + (SEL_TSS64 & ~7) + 8, 0, 8);
    for (unsigned v = 0; v < 256; v++) {
        poke(b, IDT + 16 * v, ((HANDLERS + 16 * v) & 0xffff) | KCODE64 << 16 | (u64)(0x8e00 | ((HANDLERS + 16 * v) & 0xffff0000)) << 32, 8);
        poke(b, IDT + 16 * v + 8, 0, 8);
    }
    cpu->idtr.limit = 0xfff;
    tlb_flush(&cpu->tlb);
    cpu_update_mode(cpu);
}

/* One instruction; if it raises, the exception has been delivered afterwards. */
static inline void step(struct bed *b)
{
    cpu_step(b->cpu);
}

static inline u32 stack32(struct bed *b, unsigned n)
{
    return (u32)peek(b, b->cpu->regs[R_SP] + 4 * n, 4);
}

/* The handler of `vector` has been entered. */
#define assert_vector(b, vector) assert_int_equal((b)->cpu->ip, HANDLERS + 16 * (vector))

#endif
