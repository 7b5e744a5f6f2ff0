/*
 * registers.c: see registers.h. `info registers` has QEMU's shape, which people and scripts know.
 */
#include "frontend/monitor/registers.h"

#include <string.h>
#include <strings.h>

#include "cpu/flags.h"
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
