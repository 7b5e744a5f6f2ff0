/*
 * registers.c: see registers.h. `info registers` has QEMU's shape, which people and scripts know.
 */
#include "frontend/monitor/registers.h"

#include <string.h>
#include <strings.h>

#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"

typedef unsigned long long ull;

static const char *const segment_names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};

const char *registers_mode(const struct cpu *cpu)
{
    if (!cpu->protected_mode) {
        return "real mode";
    }
    if (cpu->vm86) {
        return "VM86";
    }
    return cpu->code_bytes == 8 ? "64-bit" : cpu->code_bytes == 4 ? "32-bit" : "16-bit";
}

/* ---- parts */

static bool wide(const struct cpu *cpu)
{
    return cpu->long_mode;
}

static void print_general(const struct cpu *cpu, FILE *out)
{
    static const char *const names[] = {"AX", "BX", "CX", "DX", "SI", "DI", "BP", "SP"};
    static const u8 order[] = {R_AX, R_BX, R_CX, R_DX, R_SI, R_DI, R_BP, R_SP};
    for (unsigned i = 0; i < 8; i++) {
        if (wide(cpu)) {
            fprintf(out, "R%s=%016llx%c", names[i], (ull)cpu->regs[order[i]],
                    i % 4 == 3 ? '\n' : ' ');
        } else {
            fprintf(out, "E%s=%08x%c", names[i], (u32)cpu->regs[order[i]], i % 4 == 3 ? '\n' : ' ');
        }
    }
    for (unsigned i = 8; wide(cpu) && i < 16; i++) {
        fprintf(out, "R%-2u=%016llx%c", i, (ull)cpu->regs[i], i % 4 == 3 ? '\n' : ' ');
    }
}

static void print_flags(const struct cpu *cpu, FILE *out)
{
    static const struct {
        u32 bit;
        char letter;
    } letters[] = {{FLAG_DF, 'D'}, {FLAG_OF, 'O'}, {FLAG_SF, 'S'}, {FLAG_ZF, 'Z'},
                   {FLAG_AF, 'A'}, {FLAG_PF, 'P'}, {FLAG_CF, 'C'}};
    u32 flags = flags_get(cpu);
    char text[ARRAY_LEN(letters) + 1] = {0};
    for (unsigned i = 0; i < ARRAY_LEN(letters); i++) {
        text[i] = flags & letters[i].bit ? letters[i].letter : '-';
    }
    fprintf(out, wide(cpu) ? "RIP=%016llx RFL=%08x" : "EIP=%08llx EFL=%08x", (ull)cpu->ip, flags);
    fprintf(out, " [%s] CPL=%u II=%u A20=%u SMM=%u HLT=%u\n", text, cpu->cpl,
            cpu->shadow_at == cpu->icount, cpu->a20, cpu->in_smm, cpu->activity == ACTIVITY_HALT);
}

static const char *system_kind(unsigned type, bool long_mode)
{
    static const char *const names[16] = {[SYS_TSS16] = "TSS16-avl",       [SYS_LDT] = "LDT",
                                          [SYS_TSS16_BUSY] = "TSS16-busy", [SYS_CALL16] = "call gate 16",
                                          [SYS_TASK_GATE] = "task gate",   [SYS_INT16] = "int gate 16",
                                          [SYS_TRAP16] = "trap gate 16",   [SYS_TSS32] = "TSS32-avl",
                                          [SYS_TSS32_BUSY] = "TSS32-busy", [SYS_CALL32] = "call gate 32",
                                          [SYS_INT32] = "int gate 32",     [SYS_TRAP32] = "trap gate 32"};
    static const char *const longs[16] = {[SYS_LDT] = "LDT",
                                          [SYS_TSS32] = "TSS64-avl",
                                          [SYS_TSS32_BUSY] = "TSS64-busy",
                                          [SYS_CALL32] = "call gate 64",
                                          [SYS_INT32] = "int gate 64",
                                          [SYS_TRAP32] = "trap gate 64"};
    const char *name = (long_mode ? longs : names)[type & 15];
    return name ? name : "(reserved)";
}

const char *registers_kind(const struct cpu *cpu, unsigned attr, char text[REGISTERS_KIND])
{
    bool code = attr & ATTR_CODE;
    if (!(attr & ATTR_S)) {
        return system_kind(attr & ATTR_TYPE, cpu->long_mode);
    }
    snprintf(text, REGISTERS_KIND, "%cS%s [%c%c%c]", code ? 'C' : 'D',
             code && attr & ATTR_L && cpu->long_mode ? "64"
             : attr & ATTR_DB                        ? "32"
                                                     : "16",
             attr & ATTR_DOWN ? code ? 'C' : 'E' : '-', attr & ATTR_WRITE ? code ? 'R' : 'W' : '-',
             attr & ATTR_ACCESSED ? 'A' : '-');
    return text;
}

/* The attributes as they stand in a descriptor's second word. */
static void print_segment(const struct cpu *cpu, const char *name, const struct segment *s,
                          FILE *out)
{
    char text[REGISTERS_KIND];
    fprintf(out, wide(cpu) ? "%-3s=%04x %016llx %08x %08x" : "%-3s=%04x %08llx %08x %08x", name,
            s->selector, (ull)s->base, s->limit, (u32)s->attr << 8);
    fprintf(out, " DPL=%u %s\n", (s->attr & ATTR_DPL) >> ATTR_DPL_SHIFT,
            s->attr & ATTR_P ? registers_kind(cpu, s->attr, text) : "");
}

static void print_table(const struct cpu *cpu, const char *name, const struct table_register *t,
                        FILE *out)
{
    fprintf(out, wide(cpu) ? "%s=     %016llx %08x\n" : "%s=     %08llx %08x\n", name, (ull)t->base,
            t->limit);
}

static void print_control(const struct cpu *cpu, FILE *out)
{
    fprintf(out,
            wide(cpu) ? "CR0=%08x CR2=%016llx CR3=%016llx CR4=%08x\n"
                      : "CR0=%08x CR2=%08llx CR3=%08llx CR4=%08x\n",
            (u32)cpu->cr0, (ull)cpu->cr2, (ull)cpu->cr3, (u32)cpu->cr4);
}

static void print_debug(const struct cpu *cpu, FILE *out)
{
    for (unsigned i = 0; i < 4; i++) {
        fprintf(out, "DR%u=%016llx%c", i, (ull)cpu->dr[i], i == 3 ? '\n' : ' ');
    }
    fprintf(out, "DR6=%016llx DR7=%016llx\nEFER=%016llx\n", (ull)cpu->dr[6], (ull)cpu->dr[7],
            (ull)cpu->efer);
}

static void print_float(const struct cpu *cpu, FILE *out)
{
    const struct x87 *f = &cpu->x87;
    fprintf(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n", f->control,
            f->status | f->top << 11, f->top, (u8)~f->valid, cpu->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        fprintf(out, "FPR%u=%016llx %04x%c", i, (ull)f->reg[i].mantissa, f->reg[i].sign_exponent,
                i % 2 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < (wide(cpu) ? 16u : 8u); i++) {
        fprintf(out, "XMM%02u=%016llx%016llx%c", i, (ull)cpu->xmm[i].q[1], (ull)cpu->xmm[i].q[0],
                i % 2 ? '\n' : ' ');
    }
    for (unsigned i = 0; cpu->xcr0 & XCR0_AVX && i < (wide(cpu) ? 16u : 8u); i++) {
        fprintf(out, "YMM%02u.hi=%016llx%016llx%c", i, (ull)cpu->xmm[i].q[3], (ull)cpu->xmm[i].q[2],
                i % 2 ? '\n' : ' ');
    }
}

void registers_print_short(struct cpu *cpu, FILE *out)
{
    print_general(cpu, out);
    print_flags(cpu, out);
    for (unsigned i = SEG_ES; i <= SEG_GS; i++) {
        print_segment(cpu, segment_names[i], &cpu->seg[i], out);
    }
    print_control(cpu, out);
}

void registers_print(struct cpu *cpu, FILE *out)
{
    fprintf(out, "CPU#0\n");
    print_general(cpu, out);
    print_flags(cpu, out);
    for (unsigned i = SEG_ES; i <= SEG_GS; i++) {
        print_segment(cpu, segment_names[i], &cpu->seg[i], out);
    }
    print_segment(cpu, "LDT", &cpu->ldtr, out);
    print_segment(cpu, "TR", &cpu->tr, out);
    print_table(cpu, "GDT", &cpu->gdtr, out);
    print_table(cpu, "IDT", &cpu->idtr, out);
    print_control(cpu, out);
    print_debug(cpu, out);
    print_float(cpu, out);
}

/* ---- by name */

static bool find_general(struct cpu *cpu, const char *name, u64 *value)
{
    static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    char first = name[0] | 0x20;
    bool prefix = first == 'e' || first == 'r';
    for (unsigned i = 0; i < 8; i++) {
        if (!strcasecmp(name + prefix, names[i])) {
            u64 mask = !prefix ? 0xffff : first == 'e' ? 0xffffffff : ~(u64)0;
            *value = cpu->regs[i] & mask;
            return true;
        }
    }
    unsigned number;
    int end;
    if (sscanf(name, "r%u%n", &number, &end) == 1 && !name[end] && number >= 8 && number < 16) {
        *value = cpu->regs[number];
        return true;
    }
    return false;
}

static bool find_segment(struct cpu *cpu, const char *name, u64 *value)
{
    for (unsigned i = SEG_ES; i <= SEG_GS; i++) {
        if (!strncasecmp(name, segment_names[i], 2) &&
            (!name[2] || !strcasecmp(name + 2, ".base"))) {
            *value = name[2] ? cpu->seg[i].base : cpu->seg[i].selector;
            return true;
        }
    }
    return false;
}

bool registers_find(struct cpu *cpu, const char *name, u64 *value)
{
    const struct {
        const char *name;
        u64 value;
    } others[] = {
        {"pc", cpu->code_base + cpu->ip},
        {"eip", (u32)cpu->ip},
        {"rip", cpu->ip},
        {"ip", (u16)cpu->ip},
        {"eflags", flags_get(cpu)},
        {"rflags", flags_get(cpu)},
        {"cr0", cpu->cr0},
        {"cr2", cpu->cr2},
        {"cr3", cpu->cr3},
        {"cr4", cpu->cr4},
        {"cr8", cpu->cr8},
        {"efer", cpu->efer},
        {"dr6", cpu->dr[6]},
        {"dr7", cpu->dr[7]},
        {"gdtr", cpu->gdtr.base},
        {"idtr", cpu->idtr.base},
        {"tr", cpu->tr.selector},
        {"tr.base", cpu->tr.base},
        {"ldtr", cpu->ldtr.selector},
        {"cpl", cpu->cpl},
    };
    for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
        if (!strcasecmp(name, others[i].name)) {
            *value = others[i].value;
            return true;
        }
    }
    return find_general(cpu, name, value) || find_segment(cpu, name, value);
}

/* ---- tables in memory */

static bool peek32(struct cpu *cpu, vaddr la, u32 *value)
{
    u8 bytes[4];
    if (!mem_peek(cpu, system_linear(cpu, la), bytes, sizeof bytes)) {
        return false;
    }
    *value = load32(bytes);
    return true;
}

static u32 peek32_or_0(struct cpu *cpu, vaddr la)
{
    u32 value = 0;
    peek32(cpu, la, &value);
    return value;
}

static bool is_gate(unsigned type)
{
    return type == SYS_CALL16 || (type >= SYS_TASK_GATE && type <= SYS_TRAP16) ||
           type == SYS_CALL32 || type >= SYS_INT32;
}

static void print_gate(const struct descriptor *d, bool long_mode, FILE *out)
{
    fprintf(out, "%04x:%llx DPL=%u %s%s\n", gate_selector(d), (ull)gate_offset(d, long_mode),
            desc_dpl(d), system_kind(desc_type(d), long_mode),
            desc_present(d) ? "" : " not present");
}

/* Returns whether it took 16 bytes. */
static bool print_descriptor(struct cpu *cpu, struct descriptor *d, FILE *out)
{
    unsigned type = desc_type(d);
    bool system = !(type & TYPE_S), twice = system && cpu->long_mode && type != 0;
    if (twice) {
        d->upper = peek32_or_0(cpu, d->address + 8) | (u64)peek32_or_0(cpu, d->address + 12) << 32;
    }
    if (system && is_gate(type)) {
        print_gate(d, cpu->long_mode, out);
        return twice;
    }
    struct segment s = descriptor_segment(d, d->selector);
    char text[REGISTERS_KIND];
    u64 base = system && cpu->long_mode ? (s.base & 0xffffffff) | d->upper << 32 : s.base;
    fprintf(out, "base=%08llx limit=%08x DPL=%u %s\n", (ull)base, s.limit, desc_dpl(d), registers_kind(cpu, s.attr, text));
    return twice;
}

void registers_print_gdt(struct cpu *cpu, FILE *out)
{
    fprintf(out, "GDT base=%llx limit=%04x\n", (ull)cpu->gdtr.base, cpu->gdtr.limit);
    for (u32 at = 0; at + 7 <= cpu->gdtr.limit; at += 8) {
        struct descriptor d = {.address = cpu->gdtr.base + at, .selector = (u16)at};
        if (!peek32(cpu, d.address, &d.lo) || !peek32(cpu, d.address + 4, &d.hi)) {
            fprintf(out, "%04x: not mapped\n", at);
            break;
        }
        if (d.lo || d.hi) {
            fprintf(out, "%04x: ", at);
            at += print_descriptor(cpu, &d, out) ? 8 : 0;
        }
    }
}

static void print_real_vectors(struct cpu *cpu, FILE *out)
{
    for (unsigned v = 0; v < 256 && v * 4 + 3 <= cpu->idtr.limit; v++) {
        u32 vector;
        if (peek32(cpu, cpu->idtr.base + v * 4, &vector)) {
            fprintf(out, "%02x: %04x:%04x%s", v, vector >> 16, vector & 0xffff,
                    v % 4 == 3 ? "\n" : "  ");
        }
    }
}

void registers_print_idt(struct cpu *cpu, FILE *out)
{
    unsigned size = cpu->long_mode ? 16 : 8;
    fprintf(out, "IDT base=%llx limit=%04x\n", (ull)cpu->idtr.base, cpu->idtr.limit);
    if (!cpu->protected_mode) {
        print_real_vectors(cpu, out);
        return;
    }
    for (unsigned v = 0; v < 256 && v * size + size - 1 <= cpu->idtr.limit; v++) {
        struct descriptor d = {.address = cpu->idtr.base + v * size};
        if (!peek32(cpu, d.address, &d.lo) || !peek32(cpu, d.address + 4, &d.hi)) {
            fprintf(out, "%02x: not mapped\n", v);
            break;
        }
        if (cpu->long_mode) {
            d.upper = peek32_or_0(cpu, d.address + 8) | (u64)peek32_or_0(cpu, d.address + 12) << 32;
        }
        if (d.lo || d.hi) {
            fprintf(out, "%02x: ", v);
            print_gate(&d, cpu->long_mode, out);
        }
    }
}

static void print_tss64(struct cpu *cpu, FILE *out)
{
    for (unsigned i = 0; i < 10; i++) { /* RSP0-2, reserved, IST1-7 (SDM Vol. 3A 8.7) */
        vaddr at = cpu->tr.base + 4 + i * 8 + (i >= 3 ? 8 : 0);
        u64 value = peek32_or_0(cpu, at) | (u64)peek32_or_0(cpu, at + 4) << 32;
        fprintf(out, "%s%u=%016llx\n", i < 3 ? "RSP" : "IST", i < 3 ? i : i - 2, (ull)value);
    }
    fprintf(out, "I/O map at %04x\n", peek32_or_0(cpu, cpu->tr.base + 100) >> 16);
}

static void print_tss32(struct cpu *cpu, FILE *out)
{
    static const char *const names[] = {"back link", "ESP0", "SS0",    "ESP1", "SS1", "ESP2", "SS2",
                                        "CR3",       "EIP",  "EFLAGS", "EAX",  "ECX", "EDX",  "EBX",
                                        "ESP",       "EBP",  "ESI",    "EDI",  "ES",  "CS",   "SS",
                                        "DS",        "FS",   "GS",     "LDT"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        fprintf(out, "%-9s %08x%s", names[i], peek32_or_0(cpu, cpu->tr.base + i * 4),
                i % 4 == 3 ? "\n" : "  ");
    }
    fprintf(out, "\nI/O map at %04x\n", peek32_or_0(cpu, cpu->tr.base + 100) >> 16);
}

static void print_tss16(struct cpu *cpu, FILE *out)
{
    static const char *const names[] = {"back link", "SP0", "SS0", "SP1", "SS1", "SP2", "SS2", "IP",
                                        "FLAGS",     "AX",  "CX",  "DX",  "BX",  "SP",  "BP",  "SI",
                                        "DI",        "ES",  "CS",  "SS",  "DS",  "LDT"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        fprintf(out, "%-9s %04x%s", names[i], peek32_or_0(cpu, cpu->tr.base + i * 2) & 0xffff,
                i % 4 == 3 ? "\n" : "  ");
    }
    fprintf(out, "\n");
}

void registers_print_tss(struct cpu *cpu, FILE *out)
{
    unsigned type = cpu->tr.attr & ATTR_TYPE;
    fprintf(out, "TR=%04x base=%llx limit=%08x %s\n", cpu->tr.selector, (ull)cpu->tr.base,
            cpu->tr.limit, system_kind(type, cpu->long_mode));
    if (selector_null(cpu->tr.selector) || !(cpu->tr.attr & ATTR_P)) {
        fprintf(out, "no task is loaded\n");
    } else if (type == SYS_TSS16_BUSY || type == SYS_TSS16) {
        print_tss16(cpu, out);
    } else if (cpu->long_mode) {
        print_tss64(cpu, out);
    } else {
        print_tss32(cpu, out);
    }
}
