/*
 * registers.c: see registers.h. Names and features of gdb's: Debugging with GDB, G.5.7 (i386 Features); names of system
 * registers are QEMU's where it has them.
 */
#include "frontend/gdb/registers.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "cpu/fpu/check.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "frontend/gdb/packet.h"

enum kind {
    GENERAL,
    IP,
    FLAGS,
    SELECTOR,
    ST,
    FPU,
    XMM,
    MXCSR,
    YMM_HIGH,
    BASE,
    KERNEL_GS,
    CONTROL,
    EFER,
    TABLE, /* index: 0 and 1 GDTR's base and limit, 2 and 3 IDTR's, 4 and 5 TR's base and selector, 6 and 7 LDTR's */
    DEBUG,
    CPL,
    LINEAR,
};

enum { FPU_CONTROL, FPU_STATUS, FPU_TAG, FPU_IP_SELECTOR, FPU_IP, FPU_DP_SELECTOR, FPU_DP, FPU_OPCODE };
enum { LINEAR_PC, LINEAR_SP };
#define MSR_EFER 0xc0000080u

/* ---- the table */

/* Registers are added to the feature that was named last. */
struct builder {
    struct gdb_registers *registers;
    const char *feature;
};

static void add(struct builder *b, const char *name, const char *type, unsigned bytes, enum kind kind, unsigned index)
{
    struct gdb_register *g = &b->registers->table[b->registers->count++];
    snprintf(g->name, sizeof g->name, "%s", name);
    g->feature = b->feature;
    g->type = type;
    g->bytes = (u8)bytes;
    g->kind = (u8)kind;
    g->index = (u8)index;
}

static void add_numbered(struct builder *b, const char *format, unsigned first, unsigned end, const char *type, unsigned bytes,
                         enum kind kind)
{
    for (unsigned n = first; n < end; n++) {
        char name[12];
        snprintf(name, sizeof name, format, n);
        add(b, name, type, bytes, kind, n);
    }
}

struct named {
    const char *name;
    u8 index;
};

static void add_core(struct builder *b, bool wide)
{
    static const struct named general[2][8] = {
        {{"eax", R_AX}, {"ecx", R_CX}, {"edx", R_DX}, {"ebx", R_BX}, {"esp", R_SP}, {"ebp", R_BP}, {"esi", R_SI}, {"edi", R_DI}},
        {{"rax", R_AX}, {"rbx", R_BX}, {"rcx", R_CX}, {"rdx", R_DX}, {"rsi", R_SI}, {"rdi", R_DI}, {"rbp", R_BP}, {"rsp", R_SP}}};
    static const struct named segments[] = {{"cs", SEG_CS}, {"ss", SEG_SS}, {"ds", SEG_DS},
                                            {"es", SEG_ES}, {"fs", SEG_FS}, {"gs", SEG_GS}};
    static const char *const fpu[] = {"fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"};
    unsigned bytes = wide ? 8 : 4;
    for (unsigned k = 0; k < 8; k++) {
        u8 index = general[wide][k].index;
        const char *number = wide ? "int64" : "int32";
        add(b, general[wide][k].name, index == R_SP || index == R_BP ? "data_ptr" : number, bytes, GENERAL, index);
    }
    if (wide) {
        add_numbered(b, "r%u", 8, 16, "int64", 8, GENERAL);
    }
    b->registers->pc = b->registers->count;
    add(b, wide ? "rip" : "eip", "code_ptr", bytes, IP, 0);
    add(b, "eflags", "i386_eflags", 4, FLAGS, 0);
    for (unsigned k = 0; k < ARRAY_LEN(segments); k++) {
        add(b, segments[k].name, "int32", 4, SELECTOR, segments[k].index);
    }
    add_numbered(b, "st%u", 0, 8, "i387_ext", 10, ST);
    for (unsigned k = 0; k < ARRAY_LEN(fpu); k++) {
        add(b, fpu[k], "int", 4, FPU, k);
    }
}

static void add_bases(struct builder *b, bool wide)
{
    static const struct named bases[] = {{"cs_base", SEG_CS}, {"ss_base", SEG_SS}, {"ds_base", SEG_DS},
                                         {"es_base", SEG_ES}, {"fs_base", SEG_FS}, {"gs_base", SEG_GS}};
    for (unsigned k = 0; k < (wide ? 4u : 6u); k++) { /* FS and GS have a feature of gdb's in x86-64 */
        add(b, bases[k].name, wide ? "int64" : "int32", wide ? 8 : 4, BASE, bases[k].index);
    }
    if (wide) {
        add(b, "k_gs_base", "int64", 8, KERNEL_GS, 0);
    }
}

static void add_system(struct builder *b, bool wide)
{
    static const char *const tables[] = {"gdt_base", "gdt_limit", "idt_base", "idt_limit", "tr_base", "tr", "ldt_base", "ldtr"};
    unsigned bytes = wide ? 8 : 4;
    const char *address = wide ? "int64" : "int32";
    add(b, "cr0", "x86_cr0", 4, CONTROL, 0); /* gdb assigns integers to flags of their size only */
    add(b, "cr2", address, bytes, CONTROL, 2);
    add(b, "cr3", address, bytes, CONTROL, 3);
    add(b, "cr4", "x86_cr4", 4, CONTROL, 4);
    if (wide) {
        add(b, "cr8", address, bytes, CONTROL, 8);
    }
    add(b, "efer", "x86_efer", 4, EFER, 0);
    for (unsigned k = 0; k < ARRAY_LEN(tables); k++) {
        add(b, tables[k], address, bytes, TABLE, k);
    }
    add_numbered(b, "dr%u", 0, 4, address, bytes, DEBUG);
    add_numbered(b, "dr%u", 6, 8, address, bytes, DEBUG);
    add(b, "cpl", "int32", 4, CPL, 0);
    add(b, "linear_pc", "code_ptr", bytes, LINEAR, LINEAR_PC);
    add(b, "linear_sp", "data_ptr", bytes, LINEAR, LINEAR_SP);
}

void gdb_registers_init(struct gdb_registers *r, struct cpu *cpu, enum gdb_architecture architecture)
{
    struct builder b = {.registers = r, .feature = "org.gnu.gdb.i386.core"};
    bool wide = feature_on(&cpu->features, FEATURE_LM) && architecture != GDB_I386;
    unsigned vectors = wide ? 16 : 8;
    memset(r, 0, sizeof *r);
    r->cpu = cpu;
    r->wide = wide;
    add_core(&b, wide);
    if (feature_on(&cpu->features, FEATURE_SSE)) {
        b.feature = "org.gnu.gdb.i386.sse";
        add_numbered(&b, "xmm%u", 0, vectors, "vec128", 16, XMM);
        add(&b, "mxcsr", "i386_mxcsr", 4, MXCSR, 0);
    }
    if (feature_on(&cpu->features, FEATURE_AVX)) {
        b.feature = "org.gnu.gdb.i386.avx";
        add_numbered(&b, "ymm%uh", 0, vectors, "uint128", 16, YMM_HIGH);
    }
    if (wide) {
        b.feature = "org.gnu.gdb.i386.segments";
        add(&b, "fs_base", "int64", 8, BASE, SEG_FS);
        add(&b, "gs_base", "int64", 8, BASE, SEG_GS);
    }
    b.feature = "ringside.system";
    add_bases(&b, wide);
    add_system(&b, wide);
}

/* ---- the description */

struct bit {
    const char *name;
    u8 bit, last; /* last: of a field of several; 0: one bit */
};

static const struct bit eflags_bits[] = {{"", 22, 31},  {"CF", 0, 0},  {"", 1, 0},    {"PF", 2, 0},   {"AF", 4, 0},   {"ZF", 6, 0},
                                         {"SF", 7, 0},  {"TF", 8, 0},  {"IF", 9, 0},  {"DF", 10, 0},  {"OF", 11, 0},  {"NT", 14, 0},
                                         {"RF", 16, 0}, {"VM", 17, 0}, {"AC", 18, 0}, {"VIF", 19, 0}, {"VIP", 20, 0}, {"ID", 21, 0},
                                         {NULL, 0, 0}};
static const struct bit mxcsr_bits[] = {{"IE", 0, 0},  {"DE", 1, 0},  {"ZE", 2, 0},  {"OE", 3, 0},  {"UE", 4, 0},
                                        {"PE", 5, 0},  {"DAZ", 6, 0}, {"IM", 7, 0},  {"DM", 8, 0},  {"ZM", 9, 0},
                                        {"OM", 10, 0}, {"UM", 11, 0}, {"PM", 12, 0}, {"FZ", 15, 0}, {NULL, 0, 0}};
static const struct bit cr0_bits[] = {{"PE", 0, 0},  {"MP", 1, 0},  {"EM", 2, 0},  {"TS", 3, 0},  {"ET", 4, 0},  {"NE", 5, 0},
                                      {"WP", 16, 0}, {"AM", 18, 0}, {"NW", 29, 0}, {"CD", 30, 0}, {"PG", 31, 0}, {NULL, 0, 0}};
static const struct bit cr4_bits[] = {
    {"VME", 0, 0},         {"PVI", 1, 0},  {"TSD", 2, 0},   {"DE", 3, 0},       {"PSE", 4, 0},   {"PAE", 5, 0},      {"MCE", 6, 0},
    {"PGE", 7, 0},         {"PCE", 8, 0},  {"OSFXSR", 9, 0}, {"OSXMMEXCPT", 10, 0}, {"UMIP", 11, 0}, {"LA57", 12, 0},
    {"FSGSBASE", 16, 0},   {"PCIDE", 17, 0}, {"OSXSAVE", 18, 0}, {"SMEP", 20, 0}, {"SMAP", 21, 0}, {"PKE", 22, 0},
    {"CET", 23, 0},        {"PKS", 24, 0}, {NULL, 0, 0}};
static const struct bit efer_bits[] = {{"SCE", 0, 0}, {"LME", 8, 0}, {"LMA", 10, 0}, {"NXE", 11, 0}, {NULL, 0, 0}};

static void describe_flags(struct blob *out, const char *id, const struct bit *bits)
{
    text_printf(out, "<flags id=\"%s\" size=\"4\">", id);
    for (; bits->name; bits++) {
        unsigned last = bits->last ? bits->last : bits->bit;
        text_printf(out, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", bits->name, bits->bit, last);
    }
    text_put(out, "</flags>\n");
}

static void describe_vectors(struct blob *out)
{
    static const struct {
        const char *id, *type, *name;
        unsigned count;
    } views[] = {{"v4f", "ieee_single", "v4_float", 4}, {"v2d", "ieee_double", "v2_double", 2}, {"v16i8", "int8", "v16_int8", 16},
                 {"v8i16", "int16", "v8_int16", 8},     {"v4i32", "int32", "v4_int32", 4},      {"v2i64", "int64", "v2_int64", 2}};
    for (unsigned k = 0; k < ARRAY_LEN(views); k++) {
        text_printf(out, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>", views[k].id, views[k].type, views[k].count);
    }
    text_put(out, "<union id=\"vec128\">");
    for (unsigned k = 0; k < ARRAY_LEN(views); k++) {
        text_printf(out, "<field name=\"%s\" type=\"%s\"/>", views[k].name, views[k].id);
    }
    text_put(out, "<field name=\"uint128\" type=\"uint128\"/></union>\n");
}

/* The types that a feature's registers use. */
static void describe_types(const char *feature, struct blob *out)
{
    if (strstr(feature, ".core")) {
        describe_flags(out, "i386_eflags", eflags_bits);
    } else if (strstr(feature, ".sse")) {
        describe_vectors(out);
        describe_flags(out, "i386_mxcsr", mxcsr_bits);
    } else if (strstr(feature, "system")) {
        describe_flags(out, "x86_cr0", cr0_bits);
        describe_flags(out, "x86_cr4", cr4_bits);
        describe_flags(out, "x86_efer", efer_bits);
    }
}

/* i386 is not said: that would be stronger than `set architecture i8086`, and the same registers serve both. */
void gdb_registers_describe(const struct gdb_registers *r, struct blob *out)
{
    const char *feature = NULL;
    text_put(out, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n");
    text_put(out, r->wide ? "<architecture>i386:x86-64</architecture>\n" : "");
    for (unsigned n = 0; n < r->count; n++) {
        const struct gdb_register *g = &r->table[n];
        if (g->feature != feature) {
            text_printf(out, "%s<feature name=\"%s\">\n", feature ? "</feature>\n" : "", g->feature);
            describe_types(g->feature, out);
            feature = g->feature;
        }
        const char *group = g->kind == ST || g->kind == FPU      ? " group=\"float\""
                            : g->kind == XMM || g->kind == MXCSR ? " group=\"vector\""
                                                                 : "";
        text_printf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s/>\n", g->name, g->bytes * 8u, g->type, group);
    }
    text_put(out, "</feature>\n</target>\n");
}

/* ---- reading */

/* What a pointer of that segment is behind its base; in 64-bit code it is 0. */
static u64 code_offset(const struct gdb_registers *r)
{
    return r->linear ? r->cpu->code_base : 0;
}

static u64 stack_linear(const struct cpu *cpu, u64 offset)
{
    return cpu->seg[cpu->stack_seg].base + (offset & cpu->stack_mask);
}

static u64 read_general(const struct gdb_registers *r, unsigned index)
{
    u64 value = r->cpu->regs[index];
    return r->linear && (index == R_SP || index == R_BP) ? stack_linear(r->cpu, value) : value;
}

/* FSTENV's: SDM Vol. 1 8.1.7. */
static u16 tag_word(const struct x87 *x)
{
    u16 tags = 0;
    for (unsigned n = 0; n < 8; n++) {
        const struct float80 *f = &x->reg[n];
        unsigned exponent = f->sign_exponent & 0x7fff;
        bool normal = exponent && exponent != 0x7fff && f->mantissa >> 63;
        unsigned tag = !(x->valid >> n & 1) ? 3 : normal ? 0 : exponent || f->mantissa ? 2 : 1;
        tags |= (u16)(tag << 2 * n);
    }
    return tags;
}

static u64 read_fpu(const struct x87 *x, unsigned index)
{
    switch (index) {
    case FPU_CONTROL:
        return x->control;
    case FPU_STATUS:
        return x->status | x->top << 11;
    case FPU_TAG:
        return tag_word(x);
    case FPU_IP_SELECTOR:
        return x->ip_selector;
    case FPU_IP:
        return (u32)x->ip;
    case FPU_DP_SELECTOR:
        return x->dp_selector;
    case FPU_DP:
        return (u32)x->dp;
    default:
        return x->opcode;
    }
}

static u64 read_table(const struct cpu *cpu, unsigned index)
{
    const u64 values[] = {cpu->gdtr.base, cpu->gdtr.limit,   cpu->idtr.base, cpu->idtr.limit,
                          cpu->tr.base,   cpu->tr.selector, cpu->ldtr.base, cpu->ldtr.selector};
    return values[index];
}

static u64 read_number(const struct gdb_registers *r, const struct gdb_register *g)
{
    struct cpu *cpu = r->cpu;
    switch (g->kind) {
    case GENERAL:
        return read_general(r, g->index);
    case IP:
        return cpu->ip + code_offset(r);
    case FLAGS:
        return flags_get(cpu);
    case SELECTOR:
        return cpu->seg[g->index].selector;
    case FPU:
        return read_fpu(&cpu->x87, g->index);
    case MXCSR:
        return cpu->mxcsr;
    case BASE:
        return cpu->seg[g->index].base;
    case KERNEL_GS:
        return cpu->msr.kernel_gs_base;
    case CONTROL:
        return cr_read(cpu, g->index);
    case EFER:
        return cpu->efer;
    case TABLE:
        return read_table(cpu, g->index);
    case DEBUG:
        return cpu->dr[g->index];
    case CPL:
        return cpu->cpl;
    default:
        return g->index == LINEAR_PC ? cpu->code_base + cpu->ip : stack_linear(cpu, cpu->regs[R_SP]);
    }
}

/* ST(n). */
static struct float80 *stack_register(struct cpu *cpu, unsigned n)
{
    return &cpu->x87.reg[(cpu->x87.top + n) & 7];
}

void gdb_register_read(const struct gdb_registers *r, unsigned n, u8 value[GDB_REGISTER_BYTES])
{
    const struct gdb_register *g = &r->table[n];
    memset(value, 0, GDB_REGISTER_BYTES);
    if (g->kind == ST) {
        const struct float80 *f = stack_register(r->cpu, g->index);
        store64(value, f->mantissa);
        store16(value + 8, f->sign_exponent);
    } else if (g->kind == XMM || g->kind == YMM_HIGH) {
        memcpy(value, r->cpu->xmm[g->index].b + (g->kind == XMM ? 0 : 16), 16);
    } else {
        store64(value, read_number(r, g));
    }
}

/* ---- writing */

static bool write_general(const struct gdb_registers *r, unsigned index, u64 value)
{
    struct cpu *cpu = r->cpu;
    if (r->linear && (index == R_SP || index == R_BP)) {
        value = stack_merge(cpu->regs[index], cpu->stack_mask, value - cpu->seg[cpu->stack_seg].base);
    }
    cpu->regs[index] = cpu->long_mode ? value : (u32)value;
    return true;
}

static bool write_ip(const struct gdb_registers *r, u64 value)
{
    r->cpu->ip = (value - code_offset(r)) & r->cpu->ip_mask;
    r->cpu->alone = false;
    return true;
}

/* VM86 is entered and left by the processor only: the segments would not fit. */
static bool write_flags(struct cpu *cpu, u32 value)
{
    u32 may = eflags_valid(cpu) & ~(u32)FLAG_VM;
    flags_set(cpu, (cpu->eflags & FLAG_VM) | (value & may));
    return true;
}

static bool write_fpu(struct cpu *cpu, unsigned index, u32 value)
{
    struct x87 *x = &cpu->x87;
    switch (index) {
    case FPU_CONTROL:
        x->control = (value & 0x1f7f) | 0x40;
        break;
    case FPU_STATUS:
        x->top = value >> 11 & 7;
        x->status = (value & ~(7u << 11 | X87_ES | X87_B)) | (x->status & X87_ES);
        break;
    case FPU_TAG:
        x->valid = 0;
        for (unsigned n = 0; n < 8; n++) {
            x->valid |= (u8)(((value >> 2 * n & 3) != 3) << n);
        }
        break;
    case FPU_IP_SELECTOR:
        x->ip_selector = (u16)value;
        break;
    case FPU_IP:
        x->ip = value;
        break;
    case FPU_DP_SELECTOR:
        x->dp_selector = (u16)value;
        break;
    case FPU_DP:
        x->dp = value;
        break;
    default:
        x->opcode = value & 0x7ff;
        break;
    }
    x87_update_ferr(cpu);
    cpu_update_code_mode(cpu);
    return true;
}

static bool write_mxcsr(struct cpu *cpu, u32 value, struct error *err)
{
    if (value >> 16) {
        return error_set(err, "mxcsr: bits 16 to 31 are reserved");
    }
    cpu->mxcsr = value;
    cpu_update_code_mode(cpu);
    return true;
}

static bool write_selector(struct cpu *cpu, unsigned seg, u16 selector, struct error *err)
{
    if (seg != SEG_CS) {
        segment_load(cpu, seg, selector);
        return true;
    }
    if (!real_or_vm86(cpu)) {
        return error_set(err, "in protected mode CS is changed by far transfers only");
    }
    segment_load_real(cpu, seg, selector);
    cpu_update_privilege(cpu);
    return true;
}

static bool write_base(struct cpu *cpu, unsigned seg, u64 value, struct error *err)
{
    if (seg != SEG_FS && seg != SEG_GS) {
        return error_set(err, "only the bases of FS and GS can be written");
    }
    if (!base_canonical(cpu, value)) {
        return error_set(err, "the address is not canonical");
    }
    cpu->seg[seg].base = cpu->long_mode ? value : (u32)value;
    cpu_update_segment(cpu, seg);
    return true;
}

/* What the processor itself would do with the value; it may raise. */
static NOINLINE bool write_number(const struct gdb_registers *r, const struct gdb_register *g, u64 value, struct error *err)
{
    struct cpu *cpu = r->cpu;
    switch (g->kind) {
    case GENERAL:
        return write_general(r, g->index, value);
    case IP:
        return write_ip(r, value);
    case FLAGS:
        return write_flags(cpu, (u32)value);
    case SELECTOR:
        return write_selector(cpu, g->index, (u16)value, err);
    case FPU:
        return write_fpu(cpu, g->index, (u32)value);
    case MXCSR:
        return write_mxcsr(cpu, (u32)value, err);
    case BASE:
        return write_base(cpu, g->index, value, err);
    case KERNEL_GS:
        cpu->msr.kernel_gs_base = value;
        return true;
    case CONTROL:
        cr_write(cpu, g->index, value);
        return true;
    case EFER:
        return msr_write(cpu, MSR_EFER, value) || error_set(err, "the processor refuses this value");
    default:
        return error_set(err, "%s can only be read", g->name);
    }
}

static bool write_guarded(const struct gdb_registers *r, const struct gdb_register *g, u64 value, struct error *err)
{
    if (sigsetjmp(r->cpu->fault_exit, 0)) {
        return error_set(err, "the processor refuses this value: %.160s", rule_table[r->cpu->raised.rule].sentence);
    }
    return write_number(r, g, value, err);
}

static void write_vector(const struct gdb_registers *r, const struct gdb_register *g, const u8 *value)
{
    if (g->kind == ST) {
        *stack_register(r->cpu, g->index) = (struct float80){load64(value), load16(value + 8)};
    } else {
        memcpy(r->cpu->xmm[g->index].b + (g->kind == XMM ? 0 : 16), value, 16);
    }
}

bool gdb_register_write(const struct gdb_registers *r, unsigned n, const u8 value[GDB_REGISTER_BYTES], struct error *err)
{
    const struct gdb_register *g = &r->table[n];
    u8 now[GDB_REGISTER_BYTES];
    gdb_register_read(r, n, now);
    if (!memcmp(now, value, g->bytes)) {
        return true;
    }
    if (g->kind == ST || g->kind == XMM || g->kind == YMM_HIGH) {
        write_vector(r, g, value);
        return true;
    }
    return write_guarded(r, g, g->bytes == 8 ? load64(value) : load32(value), err);
}
