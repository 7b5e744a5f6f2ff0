/*
 * whatif_set.c: changes of a machine's state by hand: see whatif.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/whatif_parts.h"

enum { NAME_MAX_BYTES = 16 };

/* ---- registers */

static const char *const general[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
static const char *const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};

static int index_of(const char *const *names, unsigned count, const char *name)
{
    for (unsigned n = 0; n < count; n++) {
        if (!strcmp(names[n], name)) {
            return (int)n;
        }
    }
    return -1;
}

/* "ax", "eax", "rax", "r8". A general register and its width; -1: none. */
static int general_register(const char *name, unsigned *bytes)
{
    *bytes = *name == 'r' ? 8 : *name == 'e' ? 4 : 2;
    int n = index_of(general, ARRAY_LEN(general), name + (*bytes != 2));
    if (n < 0 && *name == 'r' && name[1] >= '1' && name[1] <= '9') {
        char *end;
        long number = strtol(name + 1, &end, 10);
        n = !*end && number >= 8 && number <= 15 ? (int)number : -1;
    } else if (n < 0 && (!strcmp(name, "r8") || !strcmp(name, "r9"))) {
        n = name[1] - '0';
    }
    return n;
}

static struct segment *segment_named(struct cpu *cpu, const char *name)
{
    int n = index_of(segments, ARRAY_LEN(segments), name);
    return n >= 0 ? &cpu->seg[n] : !strcmp(name, "tr") ? &cpu->tr : !strcmp(name, "ldtr") ? &cpu->ldtr : NULL;
}

static bool set_table(struct table_register *table, const char *part, u64 value)
{
    if (!strcmp(part, "base")) {
        table->base = value;
    } else if (!strcmp(part, "limit")) {
        table->limit = (u16)value;
    } else {
        return false;
    }
    return true;
}

/* `name`: "ds.base". */
static bool set_part(struct cpu *cpu, char *name, u64 value)
{
    char *part = strchr(name, '.');
    *part++ = 0;
    if (!strcmp(name, "gdtr") || !strcmp(name, "idtr")) {
        return set_table(*name == 'g' ? &cpu->gdtr : &cpu->idtr, part, value);
    }
    struct segment *s = segment_named(cpu, name);
    if (!s) {
        return false;
    }
    if (!strcmp(part, "base")) {
        s->base = cpu->long_mode ? value : (u32)value;
    } else if (!strcmp(part, "limit")) {
        s->limit = (u32)value;
    } else if (!strcmp(part, "attr")) {
        s->attr = (u16)(value & 0xf0ff);
    } else if (!strcmp(part, "sel")) {
        s->selector = (u16)value;
    } else {
        return false;
    }
    return true;
}

/* Registers of which only some bits may be changed by hand: others change the mode, which takes more than that. */
static bool set_bits(u64 *reg, u64 allowed, u64 value, const char *name, struct error *err)
{
    u64 others = (*reg ^ value) & ~allowed;
    if (others) {
        return error_set(err, "$%s: the bits %" PRIx64 " cannot be changed by hand", name, others);
    }
    *reg = value;
    return true;
}

static bool set_control(struct cpu *cpu, const char *name, u64 value, bool *known, struct error *err)
{
    *known = true;
    if (!strcmp(name, "cr0")) {
        return set_bits(&cpu->cr0, CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM, value, name, err);
    }
    if (!strcmp(name, "cr4")) {
        u64 allowed = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PCE | CR4_OSFXSR | CR4_UMIP | CR4_SMEP | CR4_SMAP;
        return set_bits(&cpu->cr4, allowed, value, name, err);
    }
    if (!strcmp(name, "efer")) {
        return set_bits(&cpu->efer, EFER_SCE | EFER_NXE, value, name, err);
    }
    if (!strcmp(name, "cr3")) {
        return cpu->paging.mode == PAGING_PAE ? error_set(err, "$cr3 cannot be changed by hand with PAE paging")
                                              : set_bits(&cpu->cr3, 0xffffffffff018, value, name, err);
    }
    if (!strcmp(name, "cr2")) {
        cpu->cr2 = value;
        return true;
    }
    if (!strcmp(name, "cpl")) {
        cpu->cpl = (u8)(value & 3);
        return value < 4 || error_set(err, "rings are 0 to 3");
    }
    *known = false;
    return true;
}

static bool set_register(struct cpu *cpu, const char *text, u64 value, struct error *err)
{
    char name[NAME_MAX_BYTES];
    unsigned bytes;
    bool known;
    snprintf(name, sizeof name, "%s", text);
    bool ok = set_control(cpu, name, value, &known, err);
    if (known) {
        return ok;
    }
    int n = general_register(name, &bytes);
    if (n >= 0) {
        cpu->regs[n] = bytes == 8 ? value : bytes == 4 ? (u32)value : (cpu->regs[n] & ~(u64)0xffff) | (u16)value;
        return true;
    }
    if (!strcmp(name, "ip") || !strcmp(name, "eip") || !strcmp(name, "rip")) {
        cpu->ip = value & cpu->ip_mask;
        return true;
    }
    if (!strcmp(name, "eflags") || !strcmp(name, "rflags") || !strcmp(name, "flags")) {
        u64 flags = flags_get(cpu);
        if (!set_bits(&flags, 0x257fd5, value | FLAG_1, name, err)) {
            return false;
        }
        flags_set(cpu, (u32)flags);
        return true;
    }
    return (strchr(name, '.') && set_part(cpu, name, value)) ||
           error_set(err, "$%s cannot be changed: general registers, $ip, $eflags, $cr0, $cr2, $cr3, $cr4, $efer, $cpl, $ds.base, "
                     ".limit, .attr, .sel, $gdtr.base", text);
}

/* ---- memory */

static bool write_bytes(struct machine *m, paddr phys, u64 value, unsigned bytes, struct error *err)
{
    struct target t = space_find(m->memory, phys & m->cpu->paging.a20_mask, true, m->cpu->in_smm);
    if (!t.region || t.region->kind != REGION_RAM || t.left < bytes) {
        return error_set(err, "there is no RAM at the physical address %" PRIx64, phys);
    }
    space_written(m->memory, t.region, t.offset, bytes);
    store_le(t.region->host + t.offset, value, bytes);
    return true;
}

static bool write_linear(struct machine *m, vaddr la, u64 value, unsigned bytes, struct error *err)
{
    for (unsigned k = 0; k < bytes; k++, value >>= 8) {
        paddr phys;
        if (!walk_peek(&m->cpu->paging, m->memory, la + k, &phys)) {
            return error_set(err, "%" PRIx64 " is not mapped", la + k);
        }
        if (!write_bytes(m, phys, value & 0xff, 1, err)) {
            return false;
        }
    }
    return true;
}

/* ---- places: one that can be read and written */

enum place_kind { PLACE_REGISTER, PLACE_LINEAR, PLACE_PHYSICAL };

struct place {
    enum place_kind kind;
    char name[NAME_MAX_BYTES];
    u64 address;
    unsigned bytes;
};

static bool read_place(struct machine *m, const struct place *p, u64 *value, struct error *err)
{
    u8 data[8] = {0};
    if (p->kind == PLACE_REGISTER) {
        char text[NAME_MAX_BYTES + 1];
        snprintf(text, sizeof text, "$%s", p->name);
        return inspect_number(m, text, value, err);
    }
    if (p->kind == PLACE_PHYSICAL) {
        *value = space_read(m->memory, p->address, p->bytes, m->cpu->in_smm);
        return true;
    }
    if (!mem_peek(m->cpu, p->address, data, p->bytes)) {
        return error_set(err, "%" PRIx64 " is not mapped", p->address);
    }
    *value = load64(data);
    return true;
}

static bool write_place(struct machine *m, const struct place *p, u64 value, struct error *err)
{
    return p->kind == PLACE_REGISTER   ? set_register(m->cpu, p->name, value, err)
           : p->kind == PLACE_PHYSICAL ? write_bytes(m, p->address, value, p->bytes, err)
                                       : write_linear(m, p->address, value, p->bytes, err);
}

/* Entries of page tables, from the last level up. */
static const char *const levels[] = {"pte", "pde", "pdpte", "pml4e", "pml5e"};

/* An entry of a page walk, of the level of that name; a pte: the last one there is. */
static bool entry_of(struct machine *m, unsigned level, vaddr la, struct place *p, struct error *err)
{
    static const u8 depths[] = {[PAGING_32] = 2, [PAGING_PAE] = 2, [PAGING_4LEVEL] = 4, [PAGING_5LEVEL] = 5};
    struct cpu *cpu = m->cpu;
    struct walk_trace trace;
    walk_explain(&cpu->paging, m->memory, la, ACCESS_READ, false, true, &trace);
    if (!trace.depth) {
        return error_set(err, "paging is off: there is no entry for %" PRIx64, la);
    }
    unsigned at = level ? depths[cpu->paging.mode] - 1u - level : trace.depth - 1u;
    if (at >= trace.depth) {
        return error_set(err, "the walk to %" PRIx64 " looks at no %s in memory", la, levels[level]);
    }
    p->kind = PLACE_PHYSICAL;
    p->address = trace.entry[at].addr;
    p->bytes = cpu->paging.mode == PAGING_32 ? 4 : 8;
    return true;
}

static bool descriptor_of(struct machine *m, const char *table, u64 index, struct place *p, struct error *err)
{
    const struct cpu *cpu = m->cpu;
    bool idt = *table == 'i';
    u64 offset = idt ? index * (cpu->long_mode ? 16 : 8) : index & 0xfff8;
    u64 base = idt ? cpu->idtr.base : *table == 'g' ? cpu->gdtr.base : cpu->ldtr.base;
    u64 limit = idt ? cpu->idtr.limit : *table == 'g' ? cpu->gdtr.limit : cpu->ldtr.limit;
    p->kind = PLACE_LINEAR;
    p->address = base + offset;
    p->bytes = 8;
    return offset + 7 <= limit || error_set(err, "%s[%" PRIx64 "] is outside the table's limit", table, index);
}

static bool in_brackets(struct machine *m, const char *word, u64 index, struct place *p, struct error *err)
{
    static const char widths[] = "bwdq";
    const char *width = strchr(widths, *word ? *word : 'd');
    if (strlen(word) <= 1 && width) {
        *p = (struct place){.kind = PLACE_LINEAR, .address = index, .bytes = 1u << (width - widths)};
        return true;
    }
    for (unsigned level = 0; level < ARRAY_LEN(levels); level++) {
        if (!strcmp(word, levels[level])) {
            return entry_of(m, level, index, p, err);
        }
    }
    if (!strcmp(word, "gdt") || !strcmp(word, "ldt") || !strcmp(word, "idt")) {
        return descriptor_of(m, word, index, p, err);
    }
    return error_set(err, "%s[]: one of b w d q (memory), pte, pde, pdpte, pml4e, pml5e, gdt, ldt, idt", word);
}

static bool parse_place(struct machine *m, const char **text, struct place *p, struct error *err)
{
    const char *at = *text + strspn(*text, " \t");
    bool reg = *at == '$';
    size_t length = strcspn(at + reg, "=|&[ \t");
    if (length >= sizeof p->name) {
        return error_set(err, "%.20s is nothing that can be changed", at);
    }
    *p = (struct place){.kind = PLACE_REGISTER};
    memcpy(p->name, at + reg, length);
    at += reg + length;
    if (!reg && *at == '[') {
        u64 index;
        char word[NAME_MAX_BYTES];
        snprintf(word, sizeof word, "%s", p->name);
        at++;
        if (!inspect_expression(m, &at, &index, err) || (*at != ']' && !error_set(err, "a ] is missing"))) {
            return false;
        }
        at++;
        if (!in_brackets(m, word, index, p, err)) {
            return false;
        }
    } else if (!reg) {
        return error_set(err, "%.20s: a $register, [address], pte[], gdt[], ldt[] or idt[] is expected", *text);
    }
    *text = at + strspn(at, " \t");
    return true;
}

/* One change, from *text on. */
static bool change_one(struct machine *m, const char **text, struct error *err)
{
    struct place p;
    u64 old = 0, value;
    if (!parse_place(m, text, &p, err)) {
        return false;
    }
    char sign = **text;
    *text += sign == '|' || sign == '&';
    if (**text != '=') {
        return error_set(err, "what is to change is followed by = (or |=, &=) and a value%s%.20s", **text ? ", not " : "", *text);
    }
    ++*text;
    if (!inspect_expression(m, text, &value, err) || (sign != '=' && !read_place(m, &p, &old, err))) {
        return false;
    }
    return write_place(m, &p, sign == '|' ? old | value : sign == '&' ? old & value : value, err);
}

bool whatif_apply(struct machine *m, const char *changes, struct error *err)
{
    bool ok = change_one(m, &changes, err);
    for (changes += strspn(changes, " \t"); ok && *changes; changes += strspn(changes, " \t")) {
        ok = *changes++ == ',' ? change_one(m, &changes, err)
                               : error_set(err, "%.20s: a , is expected between changes", changes - 1);
    }
    cpu_update_mode(m->cpu);
    cpu_update_debug(m->cpu);
    tlb_flush(&m->cpu->tlb);
    return ok;
}

bool whatif_set(struct machine *m, const char *changes, struct error *err)
{
    if (m->history) {
        return error_set(err, "with a past (-checkpoints) the present follows from it: say whatif instead of set");
    }
    return outside_is_free(m, "the machine's state", err) && whatif_apply(m, changes, err);
}
