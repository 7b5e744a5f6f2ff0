/*
 * explain_names.c: the {names} in explain.def: what they stand for, at a check.
 */
#include <stdio.h>
#include <string.h>

#include "cpu/mem.h"
#include "frontend/lab/explain_parts.h"

typedef unsigned long long ull;

/* ---- words */

const char *segment_name(unsigned seg)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS", "DS", "SS"};
    return seg < ARRAY_LEN(names) ? names[seg] : "?";
}

const char *vector_name(int vector)
{
    const char *name = exception_name((unsigned)vector);
    return name ? name : "INT";
}

const char *vector_title(int vector)
{
    const char *title = exception_title((unsigned)vector);
    return title ? title : "interrupt";
}

static const char *system_type_words(unsigned type, bool long_mode)
{
    static const char *const names[16] = {
        [0] = "reserved", [SYS_TSS16] = "16-bit TSS, available", [SYS_LDT] = "LDT", [SYS_TSS16_BUSY] = "16-bit TSS, busy",
        [SYS_CALL16] = "16-bit call gate", [SYS_TASK_GATE] = "task gate", [SYS_INT16] = "16-bit interrupt gate",
        [SYS_TRAP16] = "16-bit trap gate", [8] = "reserved", [SYS_TSS32] = "32-bit TSS, available", [10] = "reserved",
        [SYS_TSS32_BUSY] = "32-bit TSS, busy", [SYS_CALL32] = "32-bit call gate", [13] = "reserved",
        [SYS_INT32] = "32-bit interrupt gate", [SYS_TRAP32] = "32-bit trap gate"};
    static const char *const longs[16] = {
        [0] = "upper half, or none", [SYS_LDT] = "LDT", [SYS_TSS32] = "64-bit TSS, available",
        [SYS_TSS32_BUSY] = "64-bit TSS, busy", [SYS_CALL32] = "64-bit call gate", [SYS_INT32] = "64-bit interrupt gate",
        [SYS_TRAP32] = "64-bit trap gate"};
    return long_mode ? (longs[type] ? longs[type] : "reserved") : names[type];
}

static void type_words(const struct explain_state *state, unsigned type, char *text, size_t size)
{
    if (!(type & TYPE_S)) {
        snprintf(text, size, "%s", system_type_words(type, state->long_mode));
    } else if (type & 8) {
        snprintf(text, size, "code, %s%s", type & 2 ? "readable" : "execute-only", type & 4 ? ", conforming" : "");
    } else {
        snprintf(text, size, "data, %s%s", type & 2 ? "writable" : "read-only", type & 4 ? ", expand-down" : "");
    }
}

static struct descriptor unpack(u64 raw, u64 upper)
{
    return (struct descriptor){.lo = (u32)raw, .hi = (u32)(raw >> 32), .upper = (u32)upper};
}

void descriptor_words(const struct explain_state *state, u64 raw, char *text, size_t size)
{
    struct descriptor d = unpack(raw, 0);
    char type[48];
    type_words(state, desc_type(&d), type, sizeof type);
    snprintf(text, size, "%s, DPL %u, %s%s", type, desc_dpl(&d), desc_present(&d) ? "present" : "not present",
             desc_is_code(&d) && desc_long(&d) ? ", 64-bit" : "");
}

void descriptor_type(const struct explain_state *state, unsigned type, char *text, size_t size)
{
    char words[48];
    type_words(state, type, words, sizeof words);
    snprintf(text, size, " (%s)", words);
}

const char *walk_level_name(const struct walk_trace *walk, unsigned n)
{
    static const char *const names[] = {"PML5E", "PML4E", "PDPTE", "PDE", "PTE"};
    unsigned first = walk->mode == PAGING_5LEVEL ? 0 : walk->mode == PAGING_4LEVEL ? 1 : 3;
    return first + n < ARRAY_LEN(names) ? names[first + n] : "?";
}

static const char *mode_words(const struct explain_state *s)
{
    return !s->protected_mode      ? "real mode"
           : s->vm86               ? "virtual-8086 mode"
           : s->code_bytes == 8    ? "64-bit mode"
           : s->long_mode          ? "compatibility mode"
                                   : "protected mode";
}

/* ---- what surrounds an event */

struct scene scene_at(const struct explanation *e, unsigned at)
{
    struct scene s = {.e = e, .at = at, .now = &e->event[at]};
    for (unsigned n = 0; n <= at; n++) {
        const struct explain_event *v = &e->event[n];
        switch (v->kind) {
        case EXPLAIN_ACCESS: s.access = s.memory = v; break;
        case EXPLAIN_LINEAR: s.memory = v; break;
        case EXPLAIN_DESCRIPTOR: s.descriptor = v; break;
        case EXPLAIN_GATE: s.gate = v; break;
        case EXPLAIN_FRAME: s.frame = v; break;
        case EXPLAIN_WALK: s.walk = v; break;
        case EXPLAIN_PORT: s.port = v; break;
        case EXPLAIN_DELIVERY: s.delivery = v; break;
        default: break;
        }
    }
    return s;
}

/* ---- values */

static bool number(struct value *v, enum format format, u64 n)
{
    v->format = format;
    v->number = n;
    snprintf(v->text, sizeof v->text, format == FORMAT_DEC ? "%llu" : n < 10 ? "%llu" : "0x%llx", (ull)n);
    return true;
}

static bool text_value(struct value *v, const char *text)
{
    v->format = FORMAT_TEXT;
    v->number = 0;
    snprintf(v->text, sizeof v->text, "%s", text);
    return true;
}

#define HEX(name, n)                                                                               \
    if (!strcmp(what, name)) {                                                                     \
        return number(v, FORMAT_HEX, (u64)(n));                                                    \
    }
#define DEC(name, n)                                                                               \
    if (!strcmp(what, name)) {                                                                     \
        return number(v, FORMAT_DEC, (u64)(n));                                                    \
    }
#define TEXT(name, t)                                                                              \
    if (!strcmp(what, name)) {                                                                     \
        return text_value(v, t);                                                                   \
    }

static bool register_value(const struct scene *s, const char *what, struct value *v)
{
    static const char *const low[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const wide[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"};
    const struct explain_state *b = &s->e->before;
    for (unsigned n = 0; n < ARRAY_LEN(low); n++) {
        HEX(low[n], (u32)b->regs[n])
        HEX(wide[n], b->regs[n])
    }
    HEX("ip", b->ip)
    HEX("cr0", b->cr0)
    HEX("cr3", b->cr3)
    HEX("cr4", b->cr4)
    HEX("efer", b->efer)
    HEX("xcr0", b->xcr0)
    HEX("eflags", b->eflags)
    HEX("dr6", b->dr[6])
    HEX("dr7", b->dr[7])
    HEX("mxcsr", b->mxcsr)
    HEX("pkru", b->pkru)
    HEX("pkrs", b->pkrs)
    HEX("ssp", b->ssp)
    HEX("u_cet", b->u_cet)
    HEX("s_cet", b->s_cet)
    HEX("pl0_ssp", b->pl_ssp[0])
    HEX("sysenter_cs", b->sysenter_cs)
    HEX("x87_status", b->x87_status)
    HEX("x87_control", b->x87_control)
    DEC("cpl", s->now->cpl)
    DEC("iopl", b->eflags >> 12 & 3)
    TEXT("mode", mode_words(b))
    HEX("pending_db", b->pending_db)
    DEC("phys_bits", b->phys_bits)
    DEC("la_bits", b->cr4 & CR4_LA57 ? 57 : 48)
    return false;
}

static bool table_value(const struct scene *s, const char *what, struct value *v)
{
    const struct explain_state *b = &s->e->before;
    HEX("gdt.base", b->gdtr.base)
    HEX("gdt.limit", b->gdtr.limit)
    HEX("idt.base", b->idtr.base)
    HEX("idt.limit", b->idtr.limit)
    HEX("ldt.limit", b->ldtr.limit)
    HEX("tr", b->tr.selector)
    HEX("tr.base", b->tr.base)
    HEX("tr.limit", b->tr.limit)
    HEX("cs", b->seg[SEG_CS].selector)
    HEX("cs.limit", b->seg[SEG_CS].limit)
    HEX("cs.base", b->seg[SEG_CS].base)
    return false;
}

static unsigned accessed_bytes(const struct explain_event *a)
{
    return a->size ? a->size : 1;
}

static bool access_value(const struct scene *s, const char *what, struct value *v)
{
    const struct explain_event *a = s->access, *m = s->memory;
    if (a) {
        TEXT("seg", segment_name(a->seg))
        HEX("offset", a->address)
        HEX("last", a->address + accessed_bytes(a) - 1)
        HEX("limit", a->limit)
        HEX("seg.selector", a->selector)
        HEX("seg.base", a->base)
        HEX("limit.needed", (a->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN ? a->address - 1 : a->address + accessed_bytes(a) - 1)
        TEXT("inside", (a->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN ? "above" : "up to")
    }
    const struct explain_event *f = s->frame;
    if (f && (!m || f > m)) {
        u64 low = f->address - (u64)f->size * f->count;
        HEX("la", s->e->before.code_bytes == 8 ? low : (u32)(f->base + low))
        DEC("size", f->size)
    }
    if (m) {
        HEX("la", m->linear)
        HEX("la.last", m->linear + accessed_bytes(m) - 1)
        DEC("size", accessed_bytes(m))
        TEXT("reads", m->access == ACCESS_WRITE || m->access == ACCESS_SHADOW_WRITE ? "writes" : "reads")
        HEX("misaligned", m->linear & (accessed_bytes(m) - 1))
        HEX("read", m->value)
    }
    return false;
}

static bool descriptor_value(const struct scene *s, const char *what, struct value *v)
{
    const struct explain_event *e = s->descriptor;
    if (!e) {
        return false;
    }
    struct descriptor d = unpack(e->value, e->upper);
    char words[64];
    HEX("sel", e->selector)
    DEC("rpl", e->selector & 3)
    HEX("index", e->selector & 0xfff8)
    TEXT("table", e->selector & 4 ? "LDT" : "GDT")
    HEX("table.base", e->base)
    HEX("table.limit", e->limit)
    HEX("end", (e->selector & 0xfff8) + 7)
    HEX("end16", (e->selector & 0xfff8) + 15)
    HEX("desc", e->value)
    HEX("desc.at", e->linear)
    DEC("dpl", desc_dpl(&d))
    DEC("present", desc_present(&d))
    HEX("desc.limit", desc_limit(&d))
    HEX("desc.base", desc_base(&d))
    DEC("desc.l", desc_long(&d))
    DEC("desc.d", desc_default32(&d))
    HEX("desc.type", desc_type(&d))
    HEX("desc.upper", e->upper)
    HEX("target.sel", gate_selector(&d))
    DEC("dpl.needed", s->now->cpl > (e->selector & 3u) ? s->now->cpl : e->selector & 3u)
    if (!strcmp(what, "type")) {
        type_words(&s->e->before, desc_type(&d), words, sizeof words);
        return text_value(v, words);
    }
    return false;
}

static bool gate_value(const struct scene *s, const char *what, struct value *v)
{
    unsigned bytes = s->e->before.long_mode ? 16 : s->e->before.protected_mode ? 8 : 4;
    const struct explain_event *e = s->gate;
    if (s->delivery) {
        HEX("vector", s->delivery->vector)
        HEX("vector.at", s->delivery->vector * bytes)
        HEX("vector.end", s->delivery->vector * bytes + bytes - 1)
    }
    if (!e) {
        return false;
    }
    struct descriptor d = unpack(e->value, e->upper);
    char words[64];
    DEC("gate.dpl", desc_dpl(&d))
    DEC("gate.present", desc_present(&d))
    HEX("gate.sel", gate_selector(&d))
    HEX("gate.offset", gate_offset(&d, s->e->before.long_mode))
    DEC("gate.ist", d.hi & 7)
    if (!strcmp(what, "gate.type")) {
        type_words(&s->e->before, desc_type(&d), words, sizeof words);
        return text_value(v, words);
    }
    return false;
}

static bool frame_value(const struct scene *s, const char *what, struct value *v)
{
    const struct explain_event *f = s->frame;
    if (!f) {
        return false;
    }
    u64 mask = f->attr & ATTR_DB || s->e->before.code_bytes == 8 ? ~(u64)0 : 0xffff;
    HEX("sp", f->address)
    DEC("frame.size", f->size * f->count)
    HEX("frame.low", (f->address - (u64)f->size * f->count) & mask)
    HEX("frame.last", (f->address - 1) & mask)
    bool down = (f->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN;
    HEX("frame.needed", down ? ((f->address - (u64)f->size * f->count) & mask) - 1 : (f->address - 1) & mask)
    HEX("ss", f->selector)
    HEX("ss.limit", f->limit)
    return false;
}

static bool walk_value(const struct scene *s, const char *what, struct value *v)
{
    const struct explain_event *w = s->walk;
    if (s->port) {
        HEX("port", s->port->address)
        DEC("port.size", s->port->size)
    }
    if (!w) {
        return false;
    }
    HEX("page", w->linear & PAGE_MASK)
    HEX("walk.la", w->linear)
    TEXT("by", w->user ? "user" : "supervisor")
    if (!w->walk.depth) {
        bool pae = w->walk.mode == PAGING_PAE;
        TEXT("entry", pae ? "PDPTE (a register)" : "page, without paging,")
        HEX("entry.value", pae ? s->e->before.pdpte[w->linear >> 30 & 3] : 0)
        return false;
    }
    unsigned last = w->walk.depth - 1u;
    u64 leaf = w->walk.entry[last].value;
    TEXT("entry", walk_level_name(&w->walk, last))
    HEX("entry.value", leaf)
    HEX("entry.at", w->walk.entry[last].addr)
    DEC("key", leaf >> 59 & 15)
    return false;
}

/* The I/O permission bitmap, and the code that is fetched. */
static bool place_value(const struct scene *s, const char *what, struct value *v)
{
    struct value map, byte;
    if (!strcmp(what, "bitmap")) {
        if (!scene_value(s, "map", &map) || !scene_value(s, "map.byte", &byte)) {
            return text_value(v, "there is no bitmap: no 32-bit TSS of limit 0x67 at least");
        }
        char text[sizeof v->text];
        snprintf(text, sizeof text, "bitmap at %.20s, the port's bits from byte %.20s on", map.text, byte.text);
        return text_value(v, text);
    }
    if (!strcmp(what, "code.needed")) {
        return scene_value(s, "target", v) || number(v, FORMAT_HEX, s->e->before.ip + (s->e->length ? s->e->length - 1u : 0));
    }
    return false;
}

/* What is on the stack: pushed together, or read and written. */
static bool stack_value(const struct scene *s, const char *what, struct value *v)
{
    const struct explain_event *f = s->frame, *a = s->access;
    bool pushed = f && (!a || f > a), wide = s->e->before.code_bytes == 8;
    if (!pushed && !a) {
        return false;
    }
    u64 mask = wide ? ~(u64)0 : s->e->before.seg[SEG_SS].attr & ATTR_DB ? 0xffffffff : 0xffff;
    u64 first = pushed ? (f->address - (u64)f->size * f->count) & mask : a->address;
    u64 last = pushed ? (f->address - 1) & mask : a->address + accessed_bytes(a) - 1;
    HEX("stack.first", first)
    HEX("stack.last", last)
    HEX("stack.la", pushed ? first : a->linear)
    bool down = ((pushed ? f->attr : a->attr) & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN;
    HEX("stack.needed", down ? first - 1 : last)
    HEX("stack.limit", pushed ? f->limit : a->limit)
    return false;
}

/* explain_note() in cpu. */
static bool noted_value(const struct scene *s, const char *what, struct value *v)
{
    for (unsigned n = s->at + 1; n-- > 0;) {
        const struct explain_event *e = &s->e->event[n];
        if (e->kind == EXPLAIN_NUMBER && !strcmp(e->name, what)) {
            return number(v, FORMAT_HEX, e->value);
        }
    }
    return false;
}

bool scene_value(const struct scene *s, const char *name, struct value *v)
{
    static bool (*const subjects[])(const struct scene *, const char *, struct value *) = {
        noted_value, register_value, table_value, access_value, descriptor_value,
        gate_value,  frame_value,    walk_value,  stack_value,  place_value};
    for (unsigned n = 0; n < ARRAY_LEN(subjects); n++) {
        if (subjects[n](s, name, v)) {
            return true;
        }
    }
    return false;
}

bool scene_expand(const struct scene *s, const char *text, char *out, size_t size)
{
    bool all = true, failed = s->now->kind == EXPLAIN_CHECK && !s->now->ok;
    size_t at = 0;
    while (*text && at + 1 < size) {
        if (*text == '|') { /* what follows is said of failures */
            if (!failed) {
                break;
            }
            text++;
            continue;
        }
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        if (!end) {
            out[at++] = *text++;
            continue;
        }
        char name[32];
        struct value v;
        snprintf(name, sizeof name, "%.*s", (int)(end - text - 1), text + 1);
        bool known = scene_value(s, name, &v);
        int length = snprintf(out + at, size - at, "%s", known ? v.text : "?");
        all = all && known;
        at = at + (size_t)length < size ? at + (size_t)length : size - 1;
        text = end + 1;
    }
    out[at] = 0;
    return all;
}
