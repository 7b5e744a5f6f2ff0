/*
 * inspect_tss.c: the task-state segment: stacks of the rings, what a task switch keeps, the I/O bitmap, the map of redirected
 * interrupts. SDM Vol. 3A 7.2.1 (32-bit), 7.6 (16-bit), 7.7 (64-bit); Vol. 1 18.5.2 (I/O bitmap); Vol. 3A 20.3.3 (redirection).
 */
#include <string.h>

#include "frontend/lab/inspect_users.h"

enum { PORTS = 65536, MAP_TEXT = 600 };

static u64 field(struct cpu *cpu, unsigned offset, unsigned size)
{
    u64 value;
    return inspect_peek(cpu, cpu->tr.base + offset, size, &value) ? value : 0;
}

/* ---- maps of bits */

struct bitmap {
    u8 bytes[PORTS / 8 + 1];
    u32 valid; /* bits */
    bool wanted;
};

static bool bit_is(const void *opaque, unsigned n)
{
    const struct bitmap *map = opaque;
    return n < map->valid && (map->bytes[n / 8] >> (n % 8) & 1) == map->wanted;
}

/* `bytes` of them at an offset, as far as they are mapped. Returns the bytes read. */
static u32 read_bytes(struct cpu *cpu, u32 offset, u8 *bytes, u32 count)
{
    for (u32 n = 0; n < count; n++) {
        u64 value;
        if (!inspect_peek(cpu, cpu->tr.base + offset + n, 1, &value)) {
            return n;
        }
        bytes[n] = (u8)value;
    }
    return count;
}

static void put_ports(struct view *page, struct cpu *cpu)
{
    struct bitmap map = {.wanted = false};
    char text[MAP_TEXT] = "";
    u32 at = (u32)field(cpu, 102, 2);
    view_printf(page, STYLE_STRONG, "I/O map at %04x", at);
    if (at >= cpu->tr.limit) {
        view_put(page, STYLE_TEXT, ": beyond the limit: only IOPL allows ports\n");
        return;
    }
    u32 room = cpu->tr.limit - at; /* two bytes are read for each port, so the last one only ends the map */
    u32 count = read_bytes(cpu, at, map.bytes, room < PORTS / 8 ? room : PORTS / 8);
    map.valid = count * 8;
    inspect_ranges(text, sizeof text, PORTS, 2, bit_is, &map);
    view_printf(page, STYLE_TEXT, " for ports 0-%x; with CPL > IOPL (%u) allowed are: ", map.valid ? map.valid - 1 : 0, iopl(cpu));
    view_wrap(page, text[0] ? STYLE_GOOD : STYLE_TEXT, 2, text[0] ? text : "none");
    view_put(page, STYLE_TEXT, strlen(text) == sizeof text - 1 ? " ... and more\n" : "\n");
}

/* 32 bytes below the I/O map: 0 sends INT n of virtual-8086 mode to the program's own vectors, 1 to the IDT. */
static void put_redirection(struct view *page, struct cpu *cpu)
{
    struct bitmap map = {.valid = VECTORS};
    char text[MAP_TEXT] = "";
    u32 at = (u32)field(cpu, 102, 2);
    if (!(cpu->cr4 & CR4_VME)) {
        return;
    }
    view_put(page, STYLE_STRONG, "Interrupt redirection map (CR4.VME): ");
    if (at < 32 || at - 1 > cpu->tr.limit || read_bytes(cpu, at - 32, map.bytes, 32) < 32) {
        view_put(page, STYLE_NOTE, "outside of the TSS\n");
        return;
    }
    inspect_ranges(text, sizeof text, VECTORS, 2, bit_is, &map);
    view_put(page, STYLE_TEXT, "INT n of virtual-8086 mode\n  to the program's own vectors: ");
    view_wrap(page, STYLE_TEXT, 4, text[0] ? text : "none; all go through the IDT");
    view_put(page, STYLE_TEXT, "\n");
}

/* ---- the three formats */

static void put_stack(struct view *page, struct cpu *cpu, unsigned ring, unsigned ss, u64 sp, int digits)
{
    view_printf(page, (enum style)(STYLE_RING0 + ring), "  ring %u", ring);
    if (digits == 16) {
        view_printf(page, STYLE_TEXT, "  RSP%u=%016llx\n", ring, (ull)sp);
        return;
    }
    view_printf(page, STYLE_TEXT, "  SS%u:%s%u=%04x:%0*llx", ring, digits == 8 ? "ESP" : "SP", ring, ss, digits, (ull)sp);
    struct descriptor d;
    if (selector_null((u16)ss)) {
        view_put(page, ring > cpu->cpl ? STYLE_DIM : STYLE_TEXT, "  null: a call into this ring would raise #TS");
    } else if (inspect_descriptor(cpu, (u16)ss, &d) != WHY_FOUND || !desc_writable_data(&d) || desc_dpl(&d) != ring ||
               (ss & 3) != ring) {
        view_put(page, STYLE_BAD, "  no writable data segment of that ring: #TS");
    }
    view_put(page, STYLE_TEXT, "\n");
}

static bool ist_is(const void *opaque, unsigned vector)
{
    return ((const u8 *)opaque)[vector];
}

static void put_tss64(struct view *page, struct machine *m)
{
    struct cpu *cpu = m->cpu;
    inspect_title(page, "Stacks for the inner rings");
    for (unsigned n = 0; n < 3; n++) {
        put_stack(page, cpu, n, 0, field(cpu, 4 + 8 * n, 8), 16);
    }
    inspect_title(page, "Interrupt stacks: gates that name one use it whatever the ring was");
    for (unsigned n = 1; n < 8; n++) {
        u8 uses[VECTORS] = {0};
        char text[128] = "";
        struct descriptor d;
        for (unsigned v = 0; v < VECTORS && inspect_gate(cpu, v, &d); v++) {
            uses[v] = desc_present(&d) && inspect_is_gate(cpu, desc_type(&d)) && (d.hi & 7) == n;
        }
        inspect_ranges(text, sizeof text, VECTORS, 2, ist_is, uses);
        view_printf(page, STYLE_TEXT, "  IST%u=%016llx%s", n, (ull)field(cpu, 36 + 8 * (n - 1), 8), text[0] ? "  vectors " : "");
        view_put(page, STYLE_STRONG, text);
        view_put(page, STYLE_TEXT, "\n");
    }
    put_ports(page, cpu);
}

struct tss_field {
    u8 offset, size;
    const char *name;
};

/* What a task switch keeps, some on a line. */
static void put_fields(struct view *page, struct cpu *cpu, const struct tss_field *list, unsigned count)
{
    unsigned width = 20, per_line = (page->columns - 2) / width;
    per_line = per_line > 8 ? 8 : per_line ? per_line : 1;
    for (unsigned n = 0; n < count; n++) {
        view_tab(page, 2 + n % per_line * width);
        view_printf(page, STYLE_TEXT, "%-9s %0*llx", list[n].name, list[n].size * 2, (ull)field(cpu, list[n].offset, list[n].size));
        view_put(page, STYLE_TEXT, n % per_line == per_line - 1 || n + 1 == count ? "\n" : "");
    }
}

static void put_kept(struct view *page, struct cpu *cpu, const struct tss_field *list, unsigned count)
{
    bool any = false;
    for (unsigned n = 0; n < count; n++) {
        any |= field(cpu, list[n].offset, list[n].size) != 0;
    }
    if (any) {
        inspect_title(page, "Kept for the next switch to this task (the processor has its registers of now)");
        put_fields(page, cpu, list, count);
    } else {
        view_put(page, STYLE_TEXT, "No task switch has left registers here yet: all are 0\n");
    }
}

static void put_link(struct view *page, struct cpu *cpu)
{
    view_printf(page, STYLE_TEXT, "Back link %04llx: %s\n", (ull)field(cpu, 0, 2),
                cpu->eflags & FLAG_NT ? "IRET switches back to that task (EFLAGS.NT)" : "not in use (EFLAGS.NT is 0)");
}

static void put_tss32(struct view *page, struct machine *m)
{
    static const struct tss_field kept[] = {{32, 4, "EIP"}, {36, 4, "EFLAGS"}, {28, 4, "CR3"}, {96, 2, "LDT"}, {40, 4, "EAX"},
                                            {44, 4, "ECX"}, {48, 4, "EDX"},    {52, 4, "EBX"}, {56, 4, "ESP"}, {60, 4, "EBP"},
                                            {64, 4, "ESI"}, {68, 4, "EDI"},    {72, 2, "ES"},  {76, 2, "CS"},  {80, 2, "SS"},
                                            {84, 2, "DS"},  {88, 2, "FS"},     {92, 2, "GS"}};
    struct cpu *cpu = m->cpu;
    inspect_title(page, "Stacks for the inner rings");
    for (unsigned n = 0; n < 3; n++) {
        put_stack(page, cpu, n, (unsigned)field(cpu, 8 + 8 * n, 2), field(cpu, 4 + 8 * n, 4), 8);
    }
    put_kept(page, cpu, kept, ARRAY_LEN(kept));
    put_link(page, cpu);
    if (field(cpu, 100, 2) & 1) {
        view_put(page, STYLE_NOTE, "T is set: a switch to this task raises #DB\n");
    }
    put_ports(page, cpu);
    put_redirection(page, cpu);
}

static void put_tss16(struct view *page, struct machine *m)
{
    static const struct tss_field kept[] = {{14, 2, "IP"}, {16, 2, "FLAGS"}, {18, 2, "AX"}, {20, 2, "CX"}, {22, 2, "DX"},
                                            {24, 2, "BX"}, {26, 2, "SP"},    {28, 2, "BP"}, {30, 2, "SI"}, {32, 2, "DI"},
                                            {34, 2, "ES"}, {36, 2, "CS"},    {38, 2, "SS"}, {40, 2, "DS"}, {42, 2, "LDT"}};
    struct cpu *cpu = m->cpu;
    inspect_title(page, "Stacks for the inner rings");
    for (unsigned n = 0; n < 3; n++) {
        put_stack(page, cpu, n, (unsigned)field(cpu, 4 + 4 * n, 2), field(cpu, 2 + 4 * n, 2), 4);
    }
    put_kept(page, cpu, kept, ARRAY_LEN(kept));
    put_link(page, cpu);
    view_put(page, STYLE_TEXT, "A 16-bit TSS has no I/O map: only IOPL allows ports\n");
}

void inspect_tss_page(struct view *page, struct machine *m)
{
    struct cpu *cpu = m->cpu;
    char kind[REGISTERS_KIND];
    unsigned type = cpu->tr.attr & ATTR_TYPE;
    u64 value;
    view_printf(page, STYLE_TITLE, "TR=%04x base=%llx limit=%08x %s\n", cpu->tr.selector, (ull)cpu->tr.base, cpu->tr.limit,
                registers_kind(cpu, cpu->tr.attr, kind));
    if (!cpu->protected_mode || selector_null(cpu->tr.selector) || !(cpu->tr.attr & ATTR_P)) {
        view_wrap(page, STYLE_TEXT, 0, "no task is loaded (LTR): transfers to an inner ring have no stack to go to\n");
    } else if (!inspect_peek(cpu, cpu->tr.base, 8, &value)) {
        view_put(page, STYLE_BAD, "the TSS is not mapped\n");
    } else if (cpu->long_mode) {
        put_tss64(page, m);
    } else if (type == SYS_TSS16_BUSY || type == SYS_TSS16) {
        put_tss16(page, m);
    } else {
        put_tss32(page, m);
    }
}
