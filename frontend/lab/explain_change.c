/*
 * explain_change.c: the smallest change with which a check would have passed: its words, and making it.
 *
 * explain.def writes a change as "target=value": what is to be what. A value is a number or a {name}'s, or a sum.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/flags.h"
#include "cpu/mem.h"
#include "frontend/lab/explain_parts.h"

typedef unsigned long long ull;

static void say(struct change *c, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct change *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->text, sizeof c->text, format, args);
    va_end(args);
}

/* ---- registers */

/* A register of struct cpu, and where explain_state has it. */
struct place {
    const char *name, *title;
    size_t in_cpu, in_state;
    u8 bytes;
};
#define PLACE(name, title, cpu_member, state_member, bytes)                                        \
    {name, title, offsetof(struct cpu, cpu_member), offsetof(struct explain_state, state_member), bytes}
static const struct place places[] = {
    PLACE("cr0", "CR0", cr0, cr0, 8), PLACE("cr3", "CR3", cr3, cr3, 8), PLACE("cr4", "CR4", cr4, cr4, 8),
    PLACE("efer", "EFER", efer, efer, 8), PLACE("xcr0", "XCR0", xcr0, xcr0, 8), PLACE("dr7", "DR7", dr[7], dr[7], 8),
    PLACE("mxcsr", "MXCSR", mxcsr, mxcsr, 4), PLACE("pkru", "PKRU", pkru, pkru, 4), PLACE("pkrs", "IA32_PKRS", msr.pkrs, pkrs, 8),
    PLACE("ssp", "SSP", ssp, ssp, 8), PLACE("u_cet", "IA32_U_CET", msr.u_cet, u_cet, 8),
    PLACE("s_cet", "IA32_S_CET", msr.s_cet, s_cet, 8), PLACE("pl0_ssp", "IA32_PL0_SSP", msr.pl_ssp[0], pl_ssp[0], 8),
    PLACE("sysenter_cs", "IA32_SYSENTER_CS", msr.sysenter_cs, sysenter_cs, 8),
    PLACE("x87_status", "the x87 status word", x87.status, x87_status, 2),
    PLACE("x87_control", "the x87 control word", x87.control, x87_control, 2),
    PLACE("gdt.limit", "the limit in GDTR", gdtr.limit, gdtr.limit, 2),
    PLACE("idt.limit", "the limit in IDTR", idtr.limit, idtr.limit, 2),
    PLACE("ldt.limit", "the LDT's limit", ldtr.limit, ldtr.limit, 4),
    PLACE("tr.limit", "the limit of the TSS", tr.limit, tr.limit, 4),
    PLACE("cs.limit", "the limit of CS", seg[SEG_CS].limit, seg[SEG_CS].limit, 4),
    PLACE("ss.limit", "the limit of SS", seg[SEG_SS].limit, seg[SEG_SS].limit, 4),
};

static const struct {
    const char *name;
    u8 bit;
} bit_names[] = {
    {"cr0.PE", 0}, {"cr0.EM", 2}, {"cr0.TS", 3}, {"cr0.NE", 5}, {"cr0.WP", 16}, {"cr0.AM", 18}, {"cr0.CD", 30}, {"cr0.MP", 1},
    {"cr4.VME", 0}, {"cr4.TSD", 2}, {"cr4.DE", 3}, {"cr4.PAE", 5}, {"cr4.PCE", 8}, {"cr4.OSFXSR", 9}, {"cr4.OSXMMEXCPT", 10},
    {"cr4.UMIP", 11}, {"cr4.FSGSBASE", 16}, {"cr4.PCIDE", 17}, {"cr4.OSXSAVE", 18}, {"cr4.SMEP", 20}, {"cr4.SMAP", 21},
    {"cr4.PKE", 22}, {"cr4.CET", 23}, {"efer.SCE", 0}, {"dr7.GD", 13}, {"u_cet.SH_STK_EN", 0}, {"s_cet.SH_STK_EN", 0},
    {"u_cet.WR_SHSTK_EN", 1}, {"s_cet.WR_SHSTK_EN", 1}, {"u_cet.ENDBR_EN", 2}, {"s_cet.ENDBR_EN", 2},
    {"x87_status.ES", 7}, {"xcr0.SSE", 1}, {"xcr0.AVX", 2},
};
static const struct {
    const char *name;
    u32 flag;
} flag_names[] = {{"flag.AC", FLAG_AC}, {"flag.OF", FLAG_OF}, {"flag.VIP", FLAG_VIP}, {"flag.NT", FLAG_NT}, {"flag.CF", FLAG_CF},
                  {"flag.VM", FLAG_VM}, {"flag.RF", FLAG_RF}, {"flag.TF", FLAG_TF}};

static const struct place *place_of(const char *name, size_t length)
{
    for (unsigned n = 0; n < ARRAY_LEN(places); n++) {
        if (strlen(places[n].name) == length && !strncmp(places[n].name, name, length)) {
            return &places[n];
        }
    }
    return NULL;
}

static u64 load_place(const void *from, size_t at, unsigned bytes)
{
    const u8 *p = (const u8 *)from + at;
    u16 half;
    u32 word;
    u64 whole;
    switch (bytes) {
    case 2: memcpy(&half, p, 2); return half;
    case 4: memcpy(&word, p, 4); return word;
    default: memcpy(&whole, p, 8); return whole;
    }
}

static void store_place(void *to, size_t at, u64 value, unsigned bytes)
{
    u8 *p = (u8 *)to + at;
    u16 half = (u16)value;
    u32 word = (u32)value;
    memcpy(p, bytes == 2 ? (const void *)&half : bytes == 4 ? (const void *)&word : (const void *)&value, bytes);
}

/* ---- reading explain.def */

/* One number, or a sum of them. */
static bool parse_value(const struct scene *s, const char *text, u64 *value)
{
    *value = 0;
    for (;;) {
        char name[32], *end;
        const char *close = *text == '{' ? strchr(text, '}') : NULL;
        struct value v;
        if (close) {
            snprintf(name, sizeof name, "%.*s", (int)(close - text - 1), text + 1);
            if (!scene_value(s, name, &v) || v.format == FORMAT_TEXT) {
                return false;
            }
            *value += v.number;
            text = close + 1;
        } else {
            *value += strtoull(text, &end, 0);
            if (end == text) {
                return false;
            }
            text = end;
        }
        if (*text != '+') {
            return true;
        }
        text++;
    }
}

static void in_memory(struct change *c, vaddr at, unsigned size, u64 before, u64 after)
{
    c->at = at;
    c->size = size;
    c->before = before;
    c->after = after;
    c->known = true;
}

/* ---- the fields of descriptors and gates */

static const struct {
    const char *name, *title;
    u8 byte, shift, bits; /* bits of one byte */
} fields[] = {{"p", "P", 5, 7, 1}, {"dpl", "DPL", 5, 5, 2},  {"type", "type", 5, 0, 5},
              {"l", "L", 6, 5, 1},       {"d", "D/B", 6, 6, 1}};

/* A byte as the change before this one leaves it. */
static u8 byte_now(const struct explain_event *e, unsigned byte, const struct change *c, bool follows)
{
    return follows && c[-1].at == e->linear + byte && c[-1].size == 1 ? (u8)c[-1].after : (u8)(e->value >> (8 * byte));
}

static bool descriptor_field(const struct scene *s, const struct explain_event *e, const char *kind, const char *name,
                             struct change *c, bool follows)
{
    char place[64], type[64] = "";
    if (!e || !e->ok) {
        return false;
    }
    for (unsigned n = 0; n < ARRAY_LEN(fields); n++) {
        if (strcmp(fields[n].name, name)) {
            continue;
        }
        u8 old = byte_now(e, fields[n].byte, c, follows), mask = (u8)(((1u << fields[n].bits) - 1) << fields[n].shift);
        u8 new = (u8)((old & ~mask) | ((c->value << fields[n].shift) & mask));
        if (e->kind == EXPLAIN_GATE) {
            snprintf(place, sizeof place, "IDT+0x%llx", (ull)(e->linear - s->e->before.idtr.base));
        } else {
            snprintf(place, sizeof place, "%s+0x%x", e->selector & 4 ? "LDT" : "GDT", e->selector & 0xfff8);
        }
        if (!strcmp(name, "type")) {
            descriptor_type(&s->e->before, (unsigned)c->value, type, sizeof type);
        }
        in_memory(c, e->linear + fields[n].byte, 1, old, new);
        c->void_of_effect = new == old;
        say(c, "%s %u%s instead of %u: byte %u of the %s at %s (linear 0x%llx) 0x%02x instead of 0x%02x",
                 fields[n].title, (unsigned)c->value, type, (unsigned)(old & mask) >> fields[n].shift, fields[n].byte, kind, place,
                 (ull)c->at, new, old);
        return true;
    }
    return false;
}

/* The upper half of a system descriptor of long mode: inside its table, of type 0. */
static bool upper_change(const struct explain_event *e, struct change *c)
{
    u32 end = (e->selector & 0xfff8u) + 15;
    if (end > e->limit) {
        snprintf(c->target, sizeof c->target, e->selector & 4 ? "ldt.limit" : "gdt.limit");
        say(c, "the %s's limit at least 0x%x instead of 0x%x", e->selector & 4 ? "LDT" : "GDT", end, e->limit);
        c->value = end;
        return c->known = true;
    }
    in_memory(c, e->linear + 13, 1, e->upper >> 40 & 0xff, e->upper >> 40 & 0xe0);
    say(c, "type 0 in the upper half of the descriptor: byte 13, at linear 0x%llx, 0x%02x instead of 0x%02x",
             (ull)c->at, (unsigned)c->after, (unsigned)c->before);
    return true;
}

/* A limit of at least that. */
static bool descriptor_limit(const struct explain_event *e, struct change *c)
{
    struct descriptor d = {.lo = (u32)e->value, .hi = (u32)(e->value >> 32)};
    u32 limit = d.hi & BIT(23) ? (u32)(c->value >> 12) : (u32)c->value;
    if (!e->ok || limit > 0xfffff) {
        return false;
    }
    u64 after = (e->value & ~(u64)0x000f00000000ffff) | (limit & 0xffff) | (u64)(limit >> 16) << 48;
    in_memory(c, e->linear, 8, e->value, after);
    say(c, "a limit of at least 0x%llx instead of 0x%x in the descriptor at %s+0x%x", (ull)c->value,
             desc_limit(&d), e->selector & 4 ? "LDT" : "GDT", e->selector & 0xfff8);
    return true;
}

/* The code selector in a gate. */
static bool gate_selector_change(const struct explain_event *e, struct change *c)
{
    struct descriptor d = {.lo = (u32)e->value};
    if (!e || !e->ok) {
        return false;
    }
    in_memory(c, e->linear + 2, 2, gate_selector(&d), c->value);
    say(c, "selector 0x%llx instead of 0x%x in the gate: bytes 2 and 3, at linear 0x%llx", (ull)c->value,
             gate_selector(&d), (ull)c->at);
    return true;
}

/* ---- page tables */

static const struct {
    const char *name, *title;
    u8 bit;
} page_bits[] = {{"p", "present (bit 0)", 0}, {"w", "R/W (bit 1)", 1}, {"u", "U/S (bit 2)", 2}, {"d", "dirty (bit 6)", 6},
                 {"x", "XD (bit 63)", 63}};

/* SDM Vol. 3A 4.3 to 4.5: what must be 0 in the last entry that a walk looked at. */
static u64 reserved_bits(const struct scene *s)
{
    const struct explain_state *b = &s->e->before;
    const struct walk_trace *w = &s->walk->walk;
    unsigned levels = w->mode == PAGING_5LEVEL ? 5 : w->mode == PAGING_4LEVEL ? 4 : 2;
    unsigned last = w->depth - 1u, above = levels - 1 - last;
    u64 value = w->entry[last].value, r = ~(u64)0 << b->phys_bits & (BIT(52) - 1);
    if (w->mode == PAGING_32) {
        return value & 0x3fe000;
    }
    r |= w->mode == PAGING_PAE ? (u64)0x7ff << 52 : 0;
    r |= b->efer & EFER_NXE ? 0 : BIT(63);
    if (above >= 3 || (above == 2 && value & 0x80)) {
        r |= 0x80; /* no such large page, or none that the processor has; where it has, its low address bits */
    }
    return above && value & 0x80 ? r | (BIT(12 + 9 * above) - BIT(13)) : r;
}

static unsigned reserved_change(const struct scene *s, struct change *c)
{
    const struct walk_trace *w = &s->walk->walk;
    if (!w->depth) {
        return 0;
    }
    u64 old = w->entry[w->depth - 1].value, reserved = old & reserved_bits(s);
    *c = (struct change){.is_physical = true, .physical = w->entry[w->depth - 1].addr};
    in_memory(c, c->physical, w->mode == PAGING_32 ? 4 : 8, old, old & ~reserved);
    snprintf(c->target, sizeof c->target, "pte.rsvd");
    say(c, "%s at physical 0x%llx: reserved bits 0x%llx = 0: 0x%llx instead of 0x%llx",
             walk_level_name(w, w->depth - 1u), (ull)c->physical, (ull)reserved, (ull)(old & ~reserved), (ull)old);
    return 1;
}

/* SDM Vol. 3A 4.6: the page of a shadow stack. */
static unsigned shadow_changes(const struct scene *s, struct change *changes, unsigned room)
{
    const struct walk_trace *w = &s->walk->walk;
    unsigned count = 0;
    for (unsigned n = 0; n < w->depth && count < room; n++) {
        bool last = n + 1u == w->depth;
        u64 old = w->entry[n].value, new = last ? (old & ~(u64)2) | 0x40 : old | 2;
        if (new != old) {
            struct change *c = &changes[count++];
            *c = (struct change){.is_physical = true, .physical = w->entry[n].addr};
            in_memory(c, w->entry[n].addr, w->mode == PAGING_32 ? 4 : 8, old, new);
            snprintf(c->target, sizeof c->target, "pte.shadow");
            say(c, "%s at physical 0x%llx: %s: 0x%llx instead of 0x%llx", walk_level_name(w, n), (ull)c->physical,
                     last ? "R/W (bit 1) = 0, dirty (bit 6) = 1" : "R/W (bit 1) = 1", (ull)new, (ull)old);
        }
    }
    return count;
}

/* All entries that must change; returns how many changes there are. */
static unsigned page_changes(const struct scene *s, const char *name, u64 value, struct change *changes, unsigned room)
{
    const struct walk_trace *w = &s->walk->walk;
    unsigned count = 0, bytes = w->mode == PAGING_32 ? 4 : 8;
    for (unsigned k = 0; k < ARRAY_LEN(page_bits); k++) {
        /* A right counts when all levels give it (U, W), a ban when one gives it; the rest are the last entry's. */
        bool every = (page_bits[k].bit == 1 || page_bits[k].bit == 2) && value;
        for (unsigned n = 0; n < w->depth && count < room && !strcmp(page_bits[k].name, name); n++) {
            u64 old = w->entry[n].value, mask = BIT(page_bits[k].bit), new = (old & ~mask) | (value ? mask : 0);
            bool here = every || page_bits[k].bit == 63 || n + 1u == w->depth;
            if (!here || new == old) {
                continue;
            }
            struct change *c = &changes[count++];
            in_memory(c, w->entry[n].addr, bytes, old, new);
            c->is_physical = true;
            c->physical = w->entry[n].addr;
            c->value = value;
            snprintf(c->target, sizeof c->target, "pte.%s", name);
            say(c, "%s at physical 0x%llx: %s = %u: 0x%llx instead of 0x%llx", walk_level_name(w, n),
                     (ull)w->entry[n].addr, page_bits[k].title, (unsigned)value, (ull)new, (ull)old);
        }
    }
    return count;
}

/* ---- selectors */

static const char *const gpr_names[] = {"AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI"};

/* The register that MOV to a segment register, LLDT, LTR and their like take it from; -1: none. */
static int selector_register(const struct explanation *e)
{
    unsigned n = 0;
    while (n < e->length && memchr("\x66\x67\x2e\x36\x3e\x26\x64\x65\xf0\xf2\xf3", e->bytes[n], 11)) {
        n++;
    }
    if (e->before.code_bytes == 8 && n < e->length && (e->bytes[n] & 0xf8) == 0x40) {
        return -1; /* R8 to R15: said in words */
    }
    if (n + 1 < e->length && e->bytes[n] == 0x8e && e->bytes[n + 1] >= 0xc0) {
        return e->bytes[n + 1] & 7;
    }
    return n + 2 < e->length && e->bytes[n] == 0x0f && e->bytes[n + 1] == 0 && e->bytes[n + 2] >= 0xc0 ? e->bytes[n + 2] & 7 : -1;
}

/* Where the selector of a descriptor came from: memory that was read before, a register, or the instruction itself. */
static bool selector_change(const struct scene *s, struct change *c)
{
    const struct explanation *e = s->e;
    u16 old = s->descriptor ? s->descriptor->selector : 0;
    bool any = s->descriptor == NULL; /* a null selector is not looked up: the last word that was read */
    for (unsigned n = s->at; n-- > 0;) {
        const struct explain_event *v = &e->event[n];
        if ((v->kind == EXPLAIN_ACCESS || v->kind == EXPLAIN_LINEAR) && v->has_value && v->access == ACCESS_READ && v->size <= 8 &&
            (any || (u16)v->value == old)) {
            in_memory(c, v->linear, 2, v->value & 0xffff, c->value);
            say(c, "selector 0x%04llx instead of 0x%04llx, where it is read: linear 0x%llx", (ull)c->value,
                     (ull)c->before, (ull)v->linear);
            return true;
        }
    }
    int reg = selector_register(e);
    if (reg >= 0 && (any || (u16)e->before.regs[reg] == old)) {
        c->known = true;
        snprintf(c->target, sizeof c->target, "gpr%d", reg);
        say(c, "selector 0x%04llx instead of 0x%04x in %s", (ull)c->value, (unsigned)e->before.regs[reg] & 0xffff,
                 gpr_names[reg]);
        return true;
    }
    for (unsigned n = 1; !any && n + 1 < e->length; n++) {
        if ((e->bytes[n] | e->bytes[n + 1] << 8) == old) {
            in_memory(c, e->code + n, 2, old, c->value);
            say(c, "selector 0x%04llx instead of 0x%04x in the instruction", (ull)c->value, old);
            return true;
        }
    }
    say(c, "selector 0x%04llx instead of 0x%04x", (ull)c->value, old);
    return true;
}

/* ---- one change */

static bool register_change(const struct scene *s, struct change *c)
{
    static const char *const low[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    const char *dot = strchr(c->target, '.');
    const struct explain_state *b = &s->e->before;
    for (unsigned n = 0; n < ARRAY_LEN(low); n++) {
        if (!strcmp(c->target, low[n])) {
            say(c, "E%s = 0x%llx instead of 0x%llx", gpr_names[n], (ull)c->value, (ull)(u32)b->regs[n]);
            return c->known = true;
        }
    }
    for (unsigned n = 0; n < ARRAY_LEN(bit_names); n++) {
        if (!strcmp(c->target, bit_names[n].name)) {
            const struct place *p = place_of(c->target, (size_t)(dot - c->target));
            u64 old = load_place(b, p->in_state, p->bytes), mask = BIT(bit_names[n].bit);
            c->void_of_effect = !(old & mask) == !c->value;
            say(c, "%s.%s (bit %u) = %u: 0x%llx instead of 0x%llx", p->title, dot + 1, bit_names[n].bit,
                     (unsigned)c->value, (ull)((old & ~mask) | (c->value ? mask : 0)), (ull)old);
            return c->known = true;
        }
    }
    for (unsigned n = 0; n < ARRAY_LEN(flag_names); n++) {
        if (!strcmp(c->target, flag_names[n].name)) {
            say(c, "EFLAGS.%s = %u instead of %u", dot + 1, (unsigned)c->value,
                     b->eflags & flag_names[n].flag ? 1 : 0);
            return c->known = true;
        }
    }
    const struct place *p = place_of(c->target, strlen(c->target));
    if (p) {
        bool limit = dot && !strcmp(dot, ".limit");
        say(c, "%s %s0x%llx instead of 0x%llx", p->title, limit ? "at least " : "= ", (ull)c->value,
                 (ull)load_place(b, p->in_state, p->bytes));
    }
    return c->known = p != NULL;
}

static bool privilege_change(const struct scene *s, struct change *c)
{
    if (!strcmp(c->target, "cpl") && (s->e->before.vm86 || !s->e->before.protected_mode)) {
        say(c, "CPL %u in protected mode, outside virtual-8086 mode", (unsigned)c->value);
        return true;
    }
    if (!strcmp(c->target, "iopl") && s->e->before.vm86 && s->port) {
        say(c, "the port's bits clear in the I/O permission bitmap");
        return true;
    }
    if (!strcmp(c->target, "cpl")) {
        say(c, "CPL %u instead of %u", (unsigned)c->value, s->now->cpl);
    } else if (!strcmp(c->target, "iopl")) {
        say(c, "IOPL %u (EFLAGS bits 13:12) instead of %u", (unsigned)c->value, s->e->before.eflags >> 12 & 3);
    } else {
        return false;
    }
    return c->known = true;
}

/* An access around the end of all offsets; or, in a segment that grows down, above its upper end. */
static bool no_limit_helps(const struct explain_event *segment, u64 first, u64 last, struct change *c)
{
    bool down = (segment->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN;
    if (first > last || last > 0xffffffff) {
        say(c, "an offset from which all bytes lie before 0xffffffff: these go around the end");
        return true;
    }
    if (down && !first) {
        say(c, "an offset above the limit: in an expand-down segment 0 never is");
        return true;
    }
    if (down && first > segment->limit) {
        say(c, "B (bit 22 of the descriptor's second word) = 1: without it offsets end at 0xffff");
        return true;
    }
    return false;
}

/* The segment register of the last access by segment. */
static bool segment_change(const struct scene *s, struct change *c)
{
    const struct explain_event *a = s->access;
    if (!a || strncmp(c->target, "seg.", 4)) {
        return false;
    }
    const char *what = c->target + 4;
    if (!strcmp(what, "limit") && no_limit_helps(a, a->address, a->address + (a->size ? a->size : 1u) - 1, c)) {
        return true;
    }
    if (!strcmp(what, "limit")) {
        say(c, "a limit of %s 0x%llx instead of 0x%x in the segment of %s (selector 0x%04x)",
                 (a->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN ? "at most" : "at least", (ull)c->value, a->limit,
                 segment_name(a->seg), a->selector);
    } else if (!strcmp(what, "w")) {
        say(c, "type \"data, writable\" in the segment of %s (selector 0x%04x)", segment_name(a->seg), a->selector);
    } else if (!strcmp(what, "r")) {
        say(c, "type \"code, readable\" in the segment of %s (selector 0x%04x)", segment_name(a->seg), a->selector);
    } else {
        say(c, "%s loaded with the selector of a data segment instead of 0x%04x", segment_name(a->seg), a->selector);
    }
    return c->known = true;
}

static bool memory_change(const struct scene *s, struct change *c)
{
    const struct explain_event *m = s->memory;
    unsigned size = m ? m->size : 0;
    if (!m || strcmp(c->target, "read") || size > 8) {
        return false;
    }
    in_memory(c, m->linear, size, m->value, c->value);
    say(c, "0x%llx instead of 0x%llx in the %u bytes at linear 0x%llx", (ull)c->value, (ull)m->value, size,
             (ull)m->linear);
    return true;
}

/* The limit of the stack segment, unless the stack would go around its end. */
static bool stack_change(const struct scene *s, struct change *c)
{
    struct value first, last;
    bool pushed = s->now->rule == RULE_SS_NEW_LIMIT, known = scene_value(s, pushed ? "frame.low" : "stack.first", &first) &&
                                                             scene_value(s, pushed ? "frame.last" : "stack.last", &last);
    if (!known) {
        return false;
    }
    bool together = pushed || !s->access || (s->frame && s->frame > s->access);
    if (no_limit_helps(together ? s->frame : s->access, first.number, last.number, c)) {
        return true;
    }
    if (pushed) {
        return s->descriptor && descriptor_limit(s->descriptor, c);
    }
    snprintf(c->target, sizeof c->target, "ss.limit");
    return register_change(s, c);
}

/* The limit in the descriptor of the new TSS: the first that was read. */
static bool tss_change(const struct scene *s, struct change *c)
{
    for (unsigned n = s->delivery ? (unsigned)(s->delivery - s->e->event) : 0; n < s->at; n++) {
        const struct explain_event *v = &s->e->event[n];
        unsigned type = (unsigned)(v->value >> 40) & 0x1f;
        const u32 tss = BIT(SYS_TSS16) | BIT(SYS_TSS16_BUSY) | BIT(SYS_TSS32) | BIT(SYS_TSS32_BUSY);
        if (v->kind == EXPLAIN_DESCRIPTOR && v->ok && tss >> type & 1) {
            return descriptor_limit(v, c);
        }
    }
    return false;
}

static bool structure_change(const struct scene *s, struct change *c, bool follows)
{
    if (!strncmp(c->target, "desc.", 5)) {
        const struct explain_event *d = s->descriptor;
        return d && (!strcmp(c->target, "desc.limit") ? descriptor_limit(d, c)
                     : !strcmp(c->target, "desc.sel") ? gate_selector_change(d, c)
                                                      : descriptor_field(s, d, "descriptor", c->target + 5, c, follows));
    }
    if (!strncmp(c->target, "gate.", 5)) {
        return s->gate && (!strcmp(c->target, "gate.sel") ? gate_selector_change(s->gate, c)
                                                          : descriptor_field(s, s->gate, "gate", c->target + 5, c, follows));
    }
    if (!strcmp(c->target, "table.limit")) {
        bool local = s->descriptor && s->descriptor->selector & 4;
        if (local && !(s->e->before.ldtr.attr & ATTR_P)) {
            say(c, "an LDT in LDTR, with a limit of at least 0x%llx: there is none", (ull)c->value);
            return true;
        }
        snprintf(c->target, sizeof c->target, local ? "ldt.limit" : "gdt.limit");
        return register_change(s, c);
    }
    if (!strcmp(c->target, "stack.limit")) {
        return stack_change(s, c);
    }
    if (!strcmp(c->target, "tss.limit")) {
        return tss_change(s, c);
    }
    if (!strcmp(c->target, "upper")) {
        return s->descriptor && upper_change(s->descriptor, c);
    }
    return !strcmp(c->target, "sel") && selector_change(s, c);
}

static bool describe(const struct scene *s, struct change *c, bool follows)
{
    return privilege_change(s, c) || segment_change(s, c) || memory_change(s, c) || structure_change(s, c, follows) ||
           register_change(s, c);
}

unsigned changes_of(const struct explanation *e, const struct failure *f, struct change changes[EXPLAIN_CHANGES])
{
    struct scene s = scene_at(e, f->at);
    const struct explain_row *row = &explain_rows[s.now->rule];
    unsigned count = 0;
    for (const char *text = row->change; text && *text && count < EXPLAIN_CHANGES;) {
        struct change *c = &changes[count];
        size_t name = strcspn(text, "="), all = strcspn(text, ";");
        u64 value;
        *c = (struct change){0};
        snprintf(c->target, sizeof c->target, "%.*s", (int)name, text);
        if (name < all && parse_value(&s, text + name + 1, &value)) {
            c->value = value;
            if (!strncmp(c->target, "pte.", 4)) {
                char bit[8];
                snprintf(bit, sizeof bit, "%s", c->target + 4);
                count += !s.walk                  ? 0
                         : !strcmp(bit, "rsvd")   ? reserved_change(&s, c)
                         : !strcmp(bit, "shadow") ? shadow_changes(&s, c, EXPLAIN_CHANGES - count)
                                                  : page_changes(&s, bit, value, c, EXPLAIN_CHANGES - count);
            } else if (describe(&s, c, count > 0) && !c->void_of_effect) {
                count++;
            }
        }
        text += all;
        text += *text ? 1 + strspn(text + 1, " ") : 0;
    }
    return count;
}

/* ---- making it */

static bool poke_memory(struct cpu *copy, const struct change *c, struct poke *p)
{
    paddr physical = c->physical;
    if (!c->is_physical && !walk_peek(&copy->paging, copy->memory, c->at, &physical)) {
        return false;
    }
    struct target t = space_find(copy->memory, physical & copy->paging.a20_mask, false, copy->in_smm);
    bool one_page = (physical & (PAGE_SIZE - 1)) + c->size <= PAGE_SIZE;
    if (!t.region || t.region->kind == REGION_IO || t.left < c->size || !one_page) {
        return false;
    }
    p->host = t.region->host + t.offset;
    p->size = c->size;
    memcpy(p->old, p->host, p->size);
    store_le(p->host, c->after, c->size);
    return true;
}

void change_undo(const struct poke *p)
{
    if (p->size) {
        memcpy(p->host, p->old, p->size);
    }
}

static bool make_segment(struct cpu *copy, const struct scene *s, const struct change *c)
{
    struct segment *seg = &copy->seg[s->access->seg];
    const char *what = c->target + 4;
    if (!strcmp(what, "limit")) {
        seg->limit = (u32)c->value;
    } else if (!strcmp(what, "w")) {
        seg->attr = (u16)((seg->attr & ~(ATTR_CODE | ATTR_DOWN)) | ATTR_WRITE);
    } else if (!strcmp(what, "r")) {
        seg->attr |= ATTR_WRITE;
    } else {
        *seg = (struct segment){.limit = 0xffffffff, .selector = seg->selector,
                                .attr = ATTR_P | ATTR_S | ATTR_WRITE | ATTR_ACCESSED | ATTR_DPL | ATTR_DB | ATTR_G};
    }
    return true;
}

static void make_cpl(struct cpu *copy, unsigned cpl)
{
    copy->cpl = (u8)cpl;
    copy->seg[SEG_CS].selector = (u16)((copy->seg[SEG_CS].selector & ~3) | cpl);
    copy->seg[SEG_SS].selector = (u16)((copy->seg[SEG_SS].selector & ~3) | cpl);
}

static bool make_bits(struct cpu *copy, const struct change *c)
{
    for (unsigned n = 0; n < ARRAY_LEN(flag_names); n++) {
        if (!strcmp(c->target, flag_names[n].name)) {
            u32 flags = flags_get(copy) & ~flag_names[n].flag;
            flags_set(copy, flags | (c->value ? flag_names[n].flag : 0));
            return true;
        }
    }
    for (unsigned n = 0; n < ARRAY_LEN(bit_names); n++) {
        if (!strcmp(c->target, bit_names[n].name)) {
            const struct place *p = place_of(c->target, strcspn(c->target, "."));
            u64 mask = BIT(bit_names[n].bit), old = load_place(copy, p->in_cpu, p->bytes);
            store_place(copy, p->in_cpu, (old & ~mask) | (c->value ? mask : 0), p->bytes);
            return true;
        }
    }
    return false;
}

static bool make_register(struct cpu *copy, const struct change *c)
{
    static const char *const low[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    if (!strncmp(c->target, "gpr", 3)) {
        u64 *reg = &copy->regs[c->target[3] - '0'];
        *reg = (*reg & ~(u64)0xffff) | (u16)c->value;
        return true;
    }
    for (unsigned n = 0; n < ARRAY_LEN(low); n++) {
        if (!strcmp(c->target, low[n])) {
            copy->regs[n] = (u32)c->value;
            return true;
        }
    }
    const struct place *p = place_of(c->target, strlen(c->target));
    if (p) {
        store_place(copy, p->in_cpu, c->value, p->bytes);
    }
    return p != NULL;
}

bool change_make(struct cpu *copy, const struct explanation *e, const struct failure *f, const struct change *c, struct poke *p)
{
    struct scene s = scene_at(e, f->at);
    bool made;
    if (c->size) {
        return poke_memory(copy, c, p);
    }
    if (!strncmp(c->target, "seg.", 4)) {
        made = s.access && make_segment(copy, &s, c);
    } else if (!strcmp(c->target, "cpl")) {
        make_cpl(copy, (unsigned)c->value & 3);
        made = true;
    } else if (!strcmp(c->target, "iopl")) {
        copy->eflags = (copy->eflags & ~(u32)FLAG_IOPL) | (u32)(c->value & 3) << 12;
        made = true;
    } else {
        made = make_bits(copy, c) || make_register(copy, c);
    }
    cpu_update_mode(copy);
    return made;
}
