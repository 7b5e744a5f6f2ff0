/*
 * inspect_test.c: the inspectors' pages, of processors and memories put together for it, against the texts in inspect_test/.
 *
 * With RINGSIDE_WRITE_GOLDEN set the texts are written anew: read them before they are committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "devices/irq/i8259.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/symbols.h"

enum { RAM = 4 << 20, GDT = 0x1000, LDT = 0x1800, IDT = 0x2000, TSS = 0x3000, CODE = 0x7c00, ROOT = 0x100000 };

/* ---- a machine of processor, memory and 8259s */

static struct region ram;
static struct mapping mapping;
static struct irq no_irq;

static void ignore_irq(void *opaque, int line, bool level)
{
    (void)opaque, (void)line, (void)level;
}

static void ignore(void *opaque)
{
    (void)opaque;
}

static i64 no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

static struct machine *begin(void)
{
    struct machine *m = mem_zeroed(1, sizeof *m);
    struct cpu_config config = {.tsc_hz = 1000000000, .bus = {.shutdown = ignore, .now_ns = no_time}};
    struct error err;
    config.model = cpu_model_find("max", &config.features, &err);
    assert_non_null(config.model);
    assert_true(region_init_ram(&ram, "ram", RAM));
    m->memory = config.memory = space_create("memory", 40);
    m->ports = config.ports = space_create("ports", 16);
    mapping = (struct mapping){0};
    space_map(m->memory, &mapping, &ram, 0, 0);
    m->cpu = cpu_create(&config);
    m->cpu->a20 = true;
    no_irq = (struct irq){ignore_irq, NULL, 0};
    m->pic = i8259_create(m->ports, &no_irq);
    return m;
}

static void end(struct machine *m)
{
    device_destroy(&m->pic->dev);
    space_unmap(&mapping);
    cpu_destroy(m->cpu);
    region_destroy(&ram);
    space_destroy(m->memory);
    space_destroy(m->ports);
    symbols_free(m->symbols);
    free(m);
}

/* ---- comparing */

static char *text_of(struct machine *m, const char *name, unsigned columns, bool at, u64 argument)
{
    const struct inspect_page *p = inspect_find(name);
    struct view page;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(p);
    view_init(&page, columns);
    if (at) {
        p->write_at(&page, m, argument);
    } else {
        p->write(&page, m);
    }
    view_print(&page, out);
    view_free(&page);
    fclose(out);
    return text;
}

static char *read_golden(const char *path)
{
    char *text = NULL;
    size_t size;
    FILE *file = fopen(path, "r"), *out = open_memstream(&text, &size);
    for (int c; file && (c = fgetc(file)) != EOF;) {
        fputc(c, out);
    }
    if (file) {
        fclose(file);
    }
    fclose(out);
    return text;
}

/* All pages of a state stand in one file. */
struct golden {
    const char *name;
    FILE *out;
    char *text;
    size_t size;
};

static void golden_begin(struct golden *g, const char *name)
{
    g->name = name;
    g->text = NULL;
    g->out = open_memstream(&g->text, &g->size);
}

static void golden_page(struct golden *g, struct machine *m, const char *name)
{
    char *text = text_of(m, name, 80, false, 0);
    fprintf(g->out, "==== %s\n%s\n", name, text);
    free(text);
}

static void golden_at(struct golden *g, struct machine *m, const char *name, u64 argument)
{
    char *text = text_of(m, name, 80, true, argument);
    fprintf(g->out, "==== %s %llx\n%s\n", name, (unsigned long long)argument, text);
    free(text);
}

static void golden_end(struct golden *g)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.txt", GOLDEN, g->name);
    fclose(g->out);
    if (getenv("RINGSIDE_WRITE_GOLDEN")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(g->text, file);
        fclose(file);
    }
    char *expected = read_golden(path);
    assert_string_equal(g->text, expected);
    free(expected);
    free(g->text);
}

/* ---- building */

static void put(u64 at, u64 value, unsigned size)
{
    store_le(ram.host + at, value, size);
}

static void put_text(u64 at, const void *bytes, size_t size)
{
    memcpy(ram.host + at, bytes, size);
}

/* `rights`: bits 8 to 15 and 20 to 23 of the upper half, >> 8. */
static void put_descriptor(u64 at, u32 base, u32 limit, u32 rights)
{
    put(at, (limit & 0xffff) | base << 16, 4);
    put(at + 4, base >> 16 & 0xff, 4);
    put(at + 4, load32(ram.host + at + 4) | (base & 0xff000000) | rights << 8 | (limit & 0xf0000), 4);
}

static void put_gate(u64 at, u16 selector, u32 offset, u32 rights, unsigned parameters)
{
    put(at, (u32)selector << 16 | (offset & 0xffff), 4);
    put(at + 4, (offset & 0xffff0000) | rights << 8 | parameters, 4);
}

static void load_segment(struct cpu *cpu, unsigned seg, u16 selector)
{
    const u8 *host = ram.host + (selector & 4 ? cpu->ldtr.base : cpu->gdtr.base) + (selector & 0xfff8);
    struct descriptor d = {.lo = load32(host), .hi = load32(host + 4)};
    cpu->seg[seg] = descriptor_segment(&d, selector);
}

static struct segment system_segment(u16 selector, u64 base, u32 limit, u16 type)
{
    return (struct segment){.base = base, .limit = limit, .selector = selector, .attr = (u16)(ATTR_P | type)};
}

/* Names of the test's own. */
static void load_names(struct machine *m, const char *text)
{
    char path[] = "/tmp/inspect-test-XXXXXX";
    struct error err;
    FILE *file = fdopen(mkstemp(path), "w");
    fputs(text, file);
    fclose(file);
    assert_true(inspect_load_symbols(m, path, 0, &err));
    remove(path);
}

/* ---- real mode */

static void real_mode(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    static const u8 code[] = {0x31, 0xc0, 0x8e, 0xd8, 0xcd, 0x10, 0xe8, 0x01, 0x00, 0xf4, 0xc3};
    put_text(CODE, code, sizeof code);
    for (unsigned v = 0; v < 256; v++) {
        put(v * 4, v < 32 ? 0xf0000000u + v * 16 : 0xf000ff53, 4);
    }
    put(0x21 * 4, 0x12340056, 4);
    cpu->idtr = (struct table_register){0, 0x3ff};
    cpu->seg[SEG_CS].selector = 0;
    cpu->seg[SEG_CS].base = 0;
    cpu->seg[SEG_SS].selector = 0x900;
    cpu->seg[SEG_SS].base = 0x9000;
    cpu->seg[SEG_FS].limit = 0xffffffff;
    cpu->seg[SEG_GS].base = 0x100000;
    cpu->ip = CODE + 6;
    cpu->regs[R_SP] = 0xff8;
    cpu->regs[R_AX] = 0x1234;
    put(0x9ff8, CODE + 9, 2); /* behind a CALL */
    put(0x9ffa, CODE + 6, 2); /* behind an INT: IP, CS, flags */
    put(0x9ffc, 0, 2);
    put(0x9ffe, 0x0202, 2);
    cpu_update_mode(cpu);
    load_names(m, "00007c00 T boot\n00007c0a t helper\n00012396 T dos\n");
    golden_begin(&g, "real");
    static const char *const names[] = {"registers", "segments", "code", "idt", "stacks", "ldt", "tss", "interrupts", "walk"};
    for (unsigned n = 0; n < ARRAY_LEN(names); n++) {
        golden_page(&g, m, names[n]);
    }
    golden_end(&g);
    end(m);
}

/* ---- protected mode */

/* GDT: 08 code0, 10 data0, 18 code3, 20 data3, 28 TSS, 30 LDT, 38 call gate, 40 empty, 48 data1, 50 16-bit TSS, 58 not present. */
static void build_protected(struct cpu *cpu)
{
    put_descriptor(GDT + 0x08, 0, 0xfffff, 0xc09b);
    put_descriptor(GDT + 0x10, 0, 0xfffff, 0xc093);
    put_descriptor(GDT + 0x18, 0, 0xfffff, 0xc0fb);
    put_descriptor(GDT + 0x20, 0, 0xfffff, 0xc0f3);
    put_descriptor(GDT + 0x28, TSS, 0x67 + 0x22, 0x008b);
    put_descriptor(GDT + 0x30, LDT, 0x17, 0x0082);
    put_gate(GDT + 0x38, 0x08, 0x8000, 0xec, 2);
    put_descriptor(GDT + 0x48, 0, 0xfffff, 0xc0b3);
    put_descriptor(GDT + 0x50, TSS + 0x200, 0x2b, 0x0081);
    put_descriptor(GDT + 0x58, 0x12345678, 0x9a, 0x0012);
    put_descriptor(LDT + 0x00, 0x10000, 0xffff, 0x00ba); /* conforming would be be: this is code, DPL 1, 16-bit */
    put_descriptor(LDT + 0x08, 0x20000, 0xfff, 0x00f6);  /* expand-down */
    put_gate(LDT + 0x10, 0x50, 0, 0xe5, 0);              /* a task gate */
    for (unsigned v = 0; v < 16; v++) {
        put_gate(IDT + v * 8, 0x08, 0x9000 + v * 16, 0x8e, 0);
    }
    put_gate(IDT + 3 * 8, 0x08, 0x9030, 0xef, 0);
    put_gate(IDT + 8 * 8, 0x50, 0, 0x85, 0);
    put_gate(IDT + 9 * 8, 0x10, 0x9090, 0x8e, 0);  /* a data segment */
    put_gate(IDT + 11 * 8, 0x08, 0x90b0, 0x0e, 0); /* not present */
    for (unsigned v = 0x30; v < 0x40; v++) {
        put_gate(IDT + v * 8, 0x08, 0xa000 + v * 8, 0x8e, 0);
    }
    put_gate(IDT + 0x40 * 8, 0x08, 0xa900, 0xee, 0);
    cpu->gdtr = (struct table_register){GDT, 0x5f};
    cpu->idtr = (struct table_register){IDT, 0x41 * 8 - 1};
    cpu->ldtr = system_segment(0x30, LDT, 0x17, SYS_LDT);
    cpu->tr = system_segment(0x28, TSS, 0x67 + 0x22, SYS_TSS32_BUSY);
    put(TSS + 4, 0x6000, 4);
    put(TSS + 8, 0x10, 2);
    put(TSS + 12, 0x5000, 4);
    put(TSS + 16, 0x49, 2);
    put(TSS + 32, 0x401234, 4);
    put(TSS + 102, 0x68, 2);
    memset(ram.host + TSS + 0x68, 0xff, 0x22);
    put(TSS + 0x68 + 0x60 / 8, 0xee, 1); /* ports 60h and 64h */
    put(TSS + 0x68 + 0x80 / 8, 0, 2);    /* 80h to 8fh */
    cpu->cr0 = CR0_PE | CR0_ET;
}

static void protected_ring0(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    static const u8 user[] = {0x90, 0x9a, 0, 0, 0, 0, 0x3b, 0, 0x90}; /* a far call that ends at 408 */
    build_protected(cpu);
    load_segment(cpu, SEG_CS, 0x08);
    load_segment(cpu, SEG_SS, 0x10);
    load_segment(cpu, SEG_DS, 0x10);
    load_segment(cpu, SEG_ES, 0x0f);
    load_segment(cpu, SEG_FS, 0x23);
    cpu->seg[SEG_GS] = segment_null(0);
    put_descriptor(GDT + 0x20, 0x10000, 0xfff, 0x40f3); /* FS has the old one */
    cpu->ip = 0x9034;
    put_text(0x9030, "\x50\xe8\x0a\x00\x00\x00\xcf", 7); /* push eax; call 9040; iret */
    cpu->ip = 0x9031;
    put_text(0x400, user, sizeof user);
    static const u32 stack[] = {0x9036, 0x1234, 0x408, 0x1b, 0x202, 0xbffc, 0x23};
    for (unsigned n = 0; n < ARRAY_LEN(stack); n++) {
        put(0x6000 - sizeof stack + 4 * n, stack[n], 4);
    }
    cpu->regs[R_SP] = 0x6000 - sizeof stack;
    cpu->eflags |= FLAG_NT;
    m->pic->chip[0].vector_base = 0x20;
    m->pic->chip[1].vector_base = 0x28;
    m->pic->chip[0].imr = 0xf8;
    m->pic->chip[0].isr = 1;
    m->pic->chip[0].irr = 2;
    cpu_update_mode(cpu);
    load_names(m,
               "00000400 T user_main\n00008000 T gate_entry\n00009030 T breakpoint_handler\n00009040 t print\n0000b000 D table\n");
    golden_begin(&g, "protected");
    static const char *const names[] = {"registers", "segments", "code",   "gdt",        "ldt",
                                        "idt",       "tss",      "stacks", "interrupts", "control"};
    for (unsigned n = 0; n < ARRAY_LEN(names); n++) {
        golden_page(&g, m, names[n]);
    }
    golden_end(&g);
    end(m);
}

/* A 16-bit task in ring 1, entered by a call gate from ring 3. */
static void protected16(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    static const u8 caller[] = {0x9a, 0, 0, 0x3b, 0}; /* call far 003b:0000 */
    build_protected(cpu);
    put_descriptor(GDT + 0x18, 0x30000, 0xffff, 0x00fb);
    put_descriptor(GDT + 0x20, 0x38000, 0x7fff, 0x00f3);
    put_descriptor(GDT + 0x48, 0x40000, 0xffff, 0x00b3);
    put_text(0x30100, caller, sizeof caller);
    cpu->tr = system_segment(0x50, TSS + 0x200, 0x2b, SYS_TSS16_BUSY);
    put(TSS + 0x200, 0x28, 2);
    put(TSS + 0x202, 0xfffe, 2);
    put(TSS + 0x204, 0x10, 2);
    put(TSS + 0x206, 0x1000, 2);
    put(TSS + 0x208, 0x49, 2);
    put(TSS + 0x20a, 0x1000, 2);
    put(TSS + 0x20c, 0x10, 2); /* of the wrong ring */
    put(TSS + 0x20e, 0x105, 2);
    load_segment(cpu, SEG_CS, 0x05);
    load_segment(cpu, SEG_SS, 0x49);
    load_segment(cpu, SEG_DS, 0x0d);
    cpu->cpl = 1;
    cpu->seg[SEG_CS].attr |= ATTR_ACCESSED;
    put_text(0x10000, "\x55\x89\xe5\xcb", 4);
    static const u16 stack[] = {0x105, 0x1b, 0xaaaa, 0xbbbb, 0x7f00, 0x23};
    for (unsigned n = 0; n < ARRAY_LEN(stack); n++) {
        put(0x40f00 + 2 * n, stack[n], 2);
    }
    cpu->regs[R_SP] = 0xf00;
    cpu->ip = 0;
    cpu_update_mode(cpu);
    golden_begin(&g, "protected16");
    static const char *const names[] = {"segments", "code", "tss", "stacks"};
    for (unsigned n = 0; n < ARRAY_LEN(names); n++) {
        golden_page(&g, m, names[n]);
    }
    golden_end(&g);
    end(m);
}

/* Ring 0, by an interrupt from a virtual-8086 task; and in that task, with VME. */
static void virtual_8086(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    build_protected(cpu);
    cpu->cr4 |= CR4_VME;
    put(TSS + 102, 0x88, 2);
    memset(ram.host + TSS + 0x68, 0xff, 32);
    put(TSS + 0x68 + 2, 0xfe, 1); /* INT 10h */
    put(TSS + 0x68 + 4, 0xfd, 1); /* INT 21h */
    load_segment(cpu, SEG_CS, 0x08);
    load_segment(cpu, SEG_SS, 0x10);
    static const u32 stack[] = {0x105, 0x2000, 0x23202, 0xff00, 0x3000, 0x1111, 0x2222, 0, 0};
    for (unsigned n = 0; n < ARRAY_LEN(stack); n++) {
        put(0x6000 - sizeof stack + 4 * n, stack[n], 4);
    }
    put(0x3ff00, 0x4321, 2);
    cpu->regs[R_SP] = 0x6000 - sizeof stack;
    cpu->ip = 0x9000;
    cpu_update_mode(cpu);
    golden_begin(&g, "vm86");
    golden_page(&g, m, "stacks");
    cpu->eflags |= FLAG_VM | 3 << 12;
    cpu->cpl = 3;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        cpu->seg[n] = (struct segment){.selector = 0x2000, .base = 0x20000, .limit = 0xffff, .attr = ATTR_P | ATTR_S | 0xf3};
    }
    put_text(0x20100, "\xcd\x21\xb4\x4c", 4);
    cpu->ip = 0x100;
    cpu->regs[R_SP] = 0xff00;
    cpu_update_mode(cpu);
    static const char *const names[] = {"registers", "segments", "code", "tss", "stacks"};
    for (unsigned n = 0; n < ARRAY_LEN(names); n++) {
        golden_page(&g, m, names[n]);
    }
    golden_end(&g);
    end(m);
}

/* ---- paging */

static void paging_32(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    build_protected(cpu);
    put(ROOT + 0, (ROOT + 0x1000) | 0x27, 4);
    put(ROOT + 4, 0x00400000 | 0x83, 4);           /* 4 MiB, not accessed, supervisor */
    put(ROOT + 0x1000 + 4 * 1, 0x5000 | 0x67, 4);  /* user, writable, dirty */
    put(ROOT + 0x1000 + 4 * 2, 0x6000 | 0x25, 4);  /* user, read-only */
    put(ROOT + 0x1000 + 4 * 3, 0x7000 | 0x121, 4); /* supervisor, read-only, global */
    put(ROOT + 0x1000 + 4 * 4, 0x8000 | 0x26, 4);  /* not present */
    cpu->cr0 |= CR0_PG;
    cpu->cr4 |= CR4_PSE;
    cpu->cr3 = ROOT;
    cpu_update_mode(cpu);
    golden_begin(&g, "paging32");
    golden_at(&g, m, "walk", 0x1234);
    golden_at(&g, m, "walk", 0x2234);
    golden_at(&g, m, "walk", 0x3234);
    golden_at(&g, m, "walk", 0x4234);
    golden_at(&g, m, "walk", 0x401234);
    golden_at(&g, m, "walk", 0xfffff000);
    cpu->cr0 |= CR0_WP;
    cpu->cr4 |= CR4_SMEP | CR4_SMAP;
    cpu_update_mode(cpu);
    golden_at(&g, m, "walk", 0x2234);
    golden_end(&g);
    end(m);
}

static void paging_pae(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    build_protected(cpu);
    put(ROOT + 0x1000, (ROOT + 0x2000) | 0x27, 8);
    put(ROOT + 0x1008, BIT(63) | 0x200000 | 0xe7, 8);
    put(ROOT + 0x2008, BIT(63) | 0x5000 | 0x67, 8);
    put(ROOT + 0x2010, BIT(60) | 0x6000 | 0x67, 8); /* a reserved bit */
    cpu->cr0 |= CR0_PG;
    cpu->cr4 |= CR4_PAE;
    cpu->efer |= EFER_NXE;
    cpu->cr3 = ROOT;
    cpu_update_mode(cpu);
    cpu->paging.pdpte[0] = (ROOT + 0x1000) | 1;
    golden_begin(&g, "pae");
    golden_at(&g, m, "walk", 0x1234);
    golden_at(&g, m, "walk", 0x2234);
    golden_at(&g, m, "walk", 0x201234);
    golden_at(&g, m, "walk", 0x40000000);
    golden_end(&g);
    end(m);
}

/* ---- long mode */

static void put_gate64(u64 at, u16 selector, u64 offset, u32 rights, unsigned ist)
{
    put_gate(at, selector, (u32)offset, rights, ist);
    put(at + 8, offset >> 32, 8);
}

/* The first 2 MiB in pages of 4 KiB: supervisor, user from 64 KiB on; and the same at the top of the addresses. */
static void build_tables(struct cpu *cpu, bool five)
{
    u64 pml4 = five ? ROOT + 0x1000 : ROOT, pdpt = ROOT + 0x2000, pd = ROOT + 0x3000, pt = ROOT + 0x4000;
    if (five) {
        put(ROOT, pml4 | 0x27, 8);
        put(ROOT + 511 * 8, pml4 | 0x27, 8);
    }
    put(pml4, pdpt | 0x27, 8);
    put(pml4 + 511 * 8, pdpt | 0x23, 8);
    put(pdpt, pd | 0x27, 8);
    put(pdpt + 510 * 8, pd | 0x23, 8);
    put(pd, pt | 0x27, 8);
    put(pd + 8, BIT(59) | 0x200000 | 0xa7, 8); /* key 1 */
    for (unsigned n = 0; n < 512; n++) {
        put(pt + 8 * n, (n << 12) | (n < 16 ? 0x163 : 0x27), 8);
    }
    put(pt + 8 * 0x20, BIT(63) | 0x20000 | 0x67, 8);
    cpu->cr3 = ROOT;
    cpu->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    cpu->cr4 |= CR4_PAE | (five ? CR4_LA57 : 0);
    cpu->efer |= EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
}

#define HIGH 0xffffffff80000000ull

static void build_long(struct cpu *cpu)
{
    put_descriptor(GDT + 0x08, 0, 0xfffff, 0xa09b);
    put_descriptor(GDT + 0x10, 0, 0xfffff, 0xc093);
    put_descriptor(GDT + 0x18, 0, 0xfffff, 0xc0fb);
    put_descriptor(GDT + 0x20, 0, 0xfffff, 0xc0f3);
    put_descriptor(GDT + 0x28, 0, 0xfffff, 0xa0fb);
    put_descriptor(GDT + 0x30, (u32)HIGH + TSS, 0x67, 0x008b);
    put(GDT + 0x38, HIGH >> 32, 8);
    for (unsigned v = 0; v < 32; v++) {
        put_gate64(IDT + v * 16, 0x08, HIGH + 0x9000 + v * 16, 0x8e, v == 8 ? 1 : 0);
    }
    for (unsigned v = 32; v < 48; v++) {
        put_gate64(IDT + v * 16, 0x08, HIGH + 0xa000 + v * 16, 0x8e, 0);
    }
    put_gate64(IDT + 7 * 16, 0x20, HIGH + 0x9070, 0x8e, 0); /* no code */
    cpu->gdtr = (struct table_register){HIGH + GDT, 0x3f};
    cpu->idtr = (struct table_register){HIGH + IDT, 48 * 16 - 1};
    cpu->tr = system_segment(0x30, HIGH + TSS, 0x67, SYS_TSS32_BUSY);
    put(TSS + 4, HIGH + 0x6000, 8);
    put(TSS + 36, HIGH + 0x5000, 8);
    put(TSS + 102, 0x68, 2);
    cpu->msr.star = (u64)0x18 << 48 | (u64)0x08 << 32;
    put_text(0x9000, "\x48\x83\xec\x08\xe8\x07\x00\x00\x00\xff\x15\x10\x00\x00\x00\x48\xcf", 17);
    put_text(0x10000, "\x90\x90\x0f\x0b", 4);
}

static void long_mode(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    build_tables(cpu, false);
    build_long(cpu);
    cpu->gdtr.base = GDT; /* where load_segment() finds it */
    load_segment(cpu, SEG_CS, 0x08);
    load_segment(cpu, SEG_SS, 0x10);
    cpu->gdtr.base = HIGH + GDT;
    cpu->seg[SEG_DS] = cpu->seg[SEG_ES] = cpu->seg[SEG_FS] = cpu->seg[SEG_GS] = segment_null(0);
    cpu->seg[SEG_GS].base = HIGH + 0x8000;
    cpu->cpl = 0;
    cpu->ip = HIGH + 0x9004;
    cpu->cr4 |= CR4_SMEP | CR4_SMAP | CR4_PKE;
    cpu->pkru = 0xc; /* key 1: no access, no write */
    static const u64 stack[] = {HIGH + 0x9009, 0, 0x10002, 0x2b, 0x10246, 0x7ff000, 0x23};
    for (unsigned n = 0; n < ARRAY_LEN(stack); n++) {
        put(0x6000 - sizeof stack + 8 * n, stack[n], 8);
    }
    cpu->regs[R_SP] = HIGH + 0x6000 - sizeof stack;
    cpu_update_mode(cpu);
    load_names(
        m, "ffffffff80009000 T divide_error\nffffffff80009010 T debug\nffffffff80009020 D pointer\n0000000000001000 D percpu\n");
    golden_begin(&g, "long");
    static const char *const names[] = {"registers", "segments", "code", "gdt", "idt", "tss", "stacks", "control"};
    for (unsigned n = 0; n < ARRAY_LEN(names); n++) {
        golden_page(&g, m, names[n]);
    }
    static const u64 addresses[] = {0x1000, 0x10000, 0x20000, 0x201000, HIGH + 0x1000, 0x400000, 0x800000000000};
    for (unsigned n = 0; n < ARRAY_LEN(addresses); n++) {
        golden_at(&g, m, "walk", addresses[n]);
    }
    golden_end(&g);
    end(m);
}

static void five_levels(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    struct golden g;
    build_tables(cpu, true);
    cpu_update_mode(cpu);
    golden_begin(&g, "five");
    golden_at(&g, m, "walk", 0x10000);
    golden_at(&g, m, "walk", 0x800000000000);
    golden_at(&g, m, "walk", 0x0100000000000000);
    golden_end(&g);
    end(m);
}

/* ---- whatever a guest makes of its tables */

static void random_states(void **state)
{
    (void)state;
    struct machine *m = begin();
    struct cpu *cpu = m->cpu;
    u64 seed = 1;
    for (unsigned round = 0; round < 60; round++) {
        for (u64 n = 0; n < 0x8000; n += 8) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            put(n, seed >> 8, 8);
            put(ROOT + n, seed >> 16 & (round & 1 ? ~(u64)0 : 0x1ff0e7), 8);
        }
        bool wide = round % 3 == 2;
        cpu->cr0 = CR0_ET | (round % 3 ? CR0_PE : 0) | (round % 3 && round & 4 ? CR0_PG : 0) | (wide ? CR0_PG : 0);
        cpu->cr4 = wide ? CR4_PAE | (round & 8 ? CR4_LA57 : 0) : round & 8 ? CR4_PAE : 0;
        cpu->efer = wide ? EFER_LME | EFER_LMA | EFER_SCE : 0;
        cpu->cr3 = ROOT;
        cpu->gdtr = (struct table_register){(u32)seed & 0x7000, (u16)(seed >> 32)};
        cpu->idtr = (struct table_register){(u32)(seed >> 16) & 0x7000, (u16)(seed >> 40)};
        cpu->ldtr = system_segment((u16)(seed >> 20), (u32)seed & 0x7fff, (u32)(seed >> 30), SYS_LDT);
        cpu->tr = system_segment((u16)(seed >> 24), (u32)seed & 0x7fff, (u32)(seed >> 31), (u16)(seed >> 50 & 15));
        for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
            cpu->seg[n] = (struct segment){seed >> n, 0, 0, (u32)(seed >> n), (u16)(seed >> n), (u16)(seed >> (n + 9)) & 0xf0ff};
        }
        cpu->ip = seed >> 13 & 0xffff;
        cpu->regs[R_SP] = seed >> 11;
        cpu_update_mode(cpu);
        for (const struct inspect_page *p = inspect_pages; p->name; p++) {
            free(text_of(m, p->name, round & 1 ? 80 : 40 + round, false, 0));
            if (p->write_at) {
                free(text_of(m, p->name, 160, true, seed));
            }
        }
    }
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_mode),    cmocka_unit_test(protected_ring0), cmocka_unit_test(protected16),
        cmocka_unit_test(virtual_8086), cmocka_unit_test(paging_32),       cmocka_unit_test(paging_pae),
        cmocka_unit_test(long_mode),    cmocka_unit_test(five_levels),     cmocka_unit_test(random_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
