/*
 * explain_steps.c: what was written down of an instruction, as a person reads it.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frontend/lab/explain_parts.h"
#include "frontend/monitor/disas.h"

typedef unsigned long long ull;

static void say(struct step *s, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct step *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
}

void bytes_text(const u8 *bytes, unsigned count, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (unsigned n = 0; n < count && at + 4 < size; n++) {
        at += (size_t)snprintf(text + at, size - at, n ? " %02x" : "%02x", bytes[n]);
    }
}

static void value_bytes(u64 value, unsigned count, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (unsigned n = 0; n < count && at + 4 < size; n++) {
        at += (size_t)snprintf(text + at, size - at, n ? " %02x" : "%02x", (unsigned)(value >> (8 * n)) & 0xff);
    }
}

bool vector_has_error(int vector)
{
    return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC || vector == VEC_CP;
}

/* ---- the instruction */

void instruction_text(const struct explanation *e, char *text, size_t size)
{
    char line[DISAS_TEXT];
    if (!e->length) {
        snprintf(text, size, "(its bytes are not mapped)");
        return;
    }
    disas_bytes(e->bytes, e->available, e->before.ip, e->before.code_bytes, line);
    snprintf(text, size, "%s", line);
}

static const char *const wide_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                         "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

/* A general register or a part of it, a segment register, or a control register. */
static bool named_register(const struct explain_state *s, const char *name, u64 *value)
{
    static const char *const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    static const char *const bytes[] = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
    for (unsigned n = 0; n < ARRAY_LEN(wide_names); n++) {
        const char *wide = wide_names[n];
        char part[8];
        if (!strcmp(name, wide)) {
            *value = s->regs[n];
            return true;
        }
        snprintf(part, sizeof part, n < 8 ? "e%s" : "%sd", n < 8 ? wide + 1 : wide);
        if (!strcmp(name, part)) {
            *value = (u32)s->regs[n];
            return true;
        }
        snprintf(part, sizeof part, n < 8 ? "%s" : "%sw", n < 8 ? wide + 1 : wide);
        if (!strcmp(name, part)) {
            *value = (u16)s->regs[n];
            return true;
        }
    }
    for (unsigned n = 0; n < 8; n++) {
        if (!strcmp(name, bytes[n])) {
            *value = s->regs[n & 3] >> (n & 4 ? 8 : 0) & 0xff;
            return true;
        }
    }
    for (unsigned n = 0; n < ARRAY_LEN(segments); n++) {
        if (!strcmp(name, segments[n])) {
            *value = s->seg[n].selector;
            return true;
        }
    }
    const u64 control[] = {s->cr0, s->cr2, s->cr3, s->cr4, s->cr8};
    static const char *const controls[] = {"cr0", "cr2", "cr3", "cr4", "cr8"};
    for (unsigned n = 0; n < ARRAY_LEN(controls); n++) {
        if (!strcmp(name, controls[n])) {
            *value = control[n];
            return true;
        }
    }
    return false;
}

/* Registers that instructions use without naming them. */
static const char *const hidden_operands[][4] = {
    {"rdmsr", "ecx"}, {"wrmsr", "ecx", "edx", "eax"}, {"xsetbv", "ecx", "edx", "eax"}, {"xgetbv", "ecx"}, {"rdpmc", "ecx"},
    {"wrpkru", "ecx", "edx", "eax"}, {"rdpkru", "ecx"}, {"monitor", "eax", "ecx", "edx"}, {"mwait", "eax", "ecx"},
    {"div", "edx", "eax"}, {"idiv", "edx", "eax"}, {"push", "esp"}, {"pop", "esp"}, {"call", "esp"},
    {"lcall", "esp"}, {"ret", "esp"}, {"retf", "esp"}, {"iretd", "esp"}, {"iretq", "rsp"}, {"iret", "esp"},
    {"sysexit", "edx", "ecx"}, {"sysretq", "rcx"},
    {"sysret", "rcx"},
};

static unsigned add_operand(const struct explanation *e, const char *name, struct named_operand *operands, unsigned count)
{
    u64 value;
    for (unsigned n = 0; n < count; n++) {
        if (!strcmp(operands[n].name, name)) {
            return count;
        }
    }
    if (count < EXPLAIN_OPERANDS && named_register(&e->before, name, &value)) {
        snprintf(operands[count].name, sizeof operands[count].name, "%s", name);
        operands[count++].value = value;
    }
    return count;
}

unsigned operands_of(const struct explanation *e, struct named_operand operands[EXPLAIN_OPERANDS])
{
    char text[DISAS_TEXT], word[16];
    unsigned count = 0;
    instruction_text(e, text, sizeof text);
    size_t mnemonic = strcspn(text, " ");
    for (const char *t = text + mnemonic; e->length && *t;) {
        size_t length = 0;
        while (isalnum((unsigned char)t[length])) {
            length++;
        }
        if (length && length < sizeof word) {
            snprintf(word, sizeof word, "%.*s", (int)length, t);
            count = add_operand(e, word, operands, count);
        }
        t += length ? length : 1;
    }
    text[mnemonic] = 0;
    for (unsigned n = 0; n < ARRAY_LEN(hidden_operands); n++) {
        for (unsigned k = 1; !strcmp(text, hidden_operands[n][0]) && k < 4 && hidden_operands[n][k]; k++) {
            count = add_operand(e, hidden_operands[n][k], operands, count);
        }
    }
    return count;
}

/* ---- page walks */

static bool adds(struct explain_event *checks, unsigned *count, unsigned room, const struct explain_event *walk, enum rule rule)
{
    if (rule == walk->rule || *count == room) {
        return false;
    }
    checks[(*count)++] = (struct explain_event){.kind = EXPLAIN_CHECK, .ok = true, .rule = (u16)rule, .cpl = walk->cpl};
    return true;
}

unsigned walk_checks(const struct explain_state *s, const struct explain_event *walk, struct explain_event *checks, unsigned room)
{
    unsigned count = 0;
    bool write = walk->access == ACCESS_WRITE || walk->access == ACCESS_SHADOW_WRITE, shadow = walk->access >= ACCESS_SHADOW_READ;
    const struct {
        enum rule rule;
        bool applies;
    } order[] = {
        {RULE_PF_NOT_PRESENT, true},
        {RULE_PF_RESERVED, true},
        {RULE_PF_USER, walk->user},
        {RULE_PF_SHADOW_USER, shadow && !walk->user},
        {RULE_PF_SHADOW_PAGE, shadow},
        {RULE_PF_NX, walk->access == ACCESS_FETCH && s->efer & EFER_NXE && walk->walk.mode != PAGING_32},
        {RULE_PF_SMEP, walk->access == ACCESS_FETCH && !walk->user && s->cr4 & CR4_SMEP},
        {RULE_PF_SMAP, walk->access <= ACCESS_WRITE && !walk->user && s->cr4 & CR4_SMAP && !walk->override},
        {RULE_PF_WRITE, walk->access == ACCESS_WRITE && (walk->user || s->cr0 & CR0_WP)},
        {RULE_PF_PKRU_ACCESS, walk->access != ACCESS_FETCH && s->long_mode && s->cr4 & CR4_PKE},
        {RULE_PF_PKRU_WRITE, write && s->long_mode && s->cr4 & CR4_PKE},
        {RULE_PF_PKRS_ACCESS, walk->access != ACCESS_FETCH && !walk->user && s->long_mode && s->cr4 & CR4_PKS},
        {RULE_PF_PKRS_WRITE, write && !walk->user && s->long_mode && s->cr4 & CR4_PKS},
    };
    for (unsigned n = 0; n < ARRAY_LEN(order); n++) {
        if (order[n].rule == walk->rule) {
            break;
        }
        if (order[n].applies && !adds(checks, &count, room, walk, order[n].rule)) {
            break;
        }
    }
    return count;
}

static void entry_flags(u64 entry, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s%s%s%s", entry & 1 ? "P" : "not present", !(entry & 1) ? "" : entry & 2 ? " W" : " read-only",
             !(entry & 1) ? "" : entry & 4 ? " user" : " supervisor", entry & 1 && entry & 0x80 ? " large" : "",
             entry & 1 && entry & 0x40 ? " dirty" : "", entry & 1 && entry >> 63 ? " XD" : "");
}

static void walk_step(const struct explanation *e, const struct explain_event *v, struct step *s)
{
    static const char *const kinds[] = {"read", "write", "fetch", "shadow-stack read", "shadow-stack write"};
    size_t at = 0;
    s->what = "walk";
    s->rule = RULE_NONE;
    s->kind = v->ok ? STEP_CHECK : STEP_LOOK;
    s->ok = v->ok;
    say(s, "%s linear 0x%llx, %s %s", v->ok ? "paging translates and allows" : "page walk of", (ull)v->linear,
             v->user ? "user" : "supervisor", kinds[v->access]);
    if (e->before.long_mode == false && v->walk.mode == PAGING_PAE) {
        u64 pdpte = e->before.pdpte[v->linear >> 30 & 3];
        at += (size_t)snprintf(s->detail, sizeof s->detail, "PDPTE (register) 0x%llx: %s; ", (ull)pdpte,
                               pdpte & 1 ? "P" : "not present");
    }
    for (unsigned n = 0; n < v->walk.depth && at < sizeof s->detail; n++) {
        char flags[48];
        entry_flags(v->walk.entry[n].value, flags, sizeof flags);
        at += (size_t)snprintf(s->detail + at, sizeof s->detail - at, "%s at 0x%llx = 0x%llx: %s; ", walk_level_name(&v->walk, n),
                               (ull)v->walk.entry[n].addr, (ull)v->walk.entry[n].value, flags);
    }
    if (at >= sizeof s->detail) {
        at = sizeof s->detail - 1;
    }
    if (v->ok && at < sizeof s->detail) {
        snprintf(s->detail + at, sizeof s->detail - at, "physical 0x%llx", (ull)v->value);
    } else if (at >= 2) {
        s->detail[at - 2] = 0;
    }
}

/* ---- tables and accesses */

static bool inside(vaddr la, u64 base, u64 limit)
{
    return la - base <= limit;
}

/* The name of a field of a TSS; wide: of a 32-bit one. */
static void tss_field(const struct explain_state *s, bool wide, u64 at, char *text, size_t size)
{
    static const char *const fields32[] = {"back link", "ESP0", "SS0", "ESP1", "SS1", "ESP2", "SS2", "CR3", "EIP", "EFLAGS", "EAX",
                                           "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI", "ES", "CS", "SS", "DS", "FS", "GS",
                                           "LDT", "T, I/O map base"};
    static const char *const fields16[] = {"back link", "SP0", "SS0", "SP1", "SS1", "SP2", "SS2", "IP", "FLAGS", "AX", "CX",
                                           "DX", "BX", "SP", "BP", "SI", "DI", "ES", "CS", "SS", "DS", "LDT"};
    if (s->long_mode && at >= 4 && at < 28) {
        snprintf(text, size, "RSP%u", (unsigned)(at - 4) / 8);
    } else if (s->long_mode && at >= 36 && at < 92) {
        snprintf(text, size, "IST%u", (unsigned)(at - 28) / 8);
    } else if (at == 102) {
        snprintf(text, size, "I/O map base");
    } else if (!s->long_mode && wide && at / 4 < ARRAY_LEN(fields32)) {
        snprintf(text, size, "%s", fields32[at / 4]);
    } else if (!s->long_mode && !wide && at / 2 < ARRAY_LEN(fields16)) {
        snprintf(text, size, "%s", fields16[at / 2]);
    } else {
        snprintf(text, size, "bitmaps");
    }
}

/* The TSS that these bytes are in: the present task's, or one whose descriptor was read. */
static bool tss_of(const struct explanation *e, unsigned n, u16 *selector, u64 *base, bool *wide)
{
    const u32 types = BIT(SYS_TSS16) | BIT(SYS_TSS16_BUSY) | BIT(SYS_TSS32) | BIT(SYS_TSS32_BUSY);
    vaddr la = e->event[n].linear;
    for (unsigned k = n; k-- > 0;) {
        const struct explain_event *v = &e->event[k];
        struct descriptor d = {.lo = (u32)v->value, .hi = (u32)(v->value >> 32), .upper = (u32)v->upper};
        if (v->kind == EXPLAIN_DESCRIPTOR && v->ok && types >> desc_type(&d) & 1 && inside(la, desc_base(&d), desc_limit(&d))) {
            *selector = v->selector;
            *base = desc_base(&d);
            *wide = desc_type(&d) & 8;
            return true;
        }
    }
    const struct segment *tr = &e->before.tr;
    *selector = tr->selector;
    *base = tr->base;
    *wide = tr->attr & 8;
    return tr->attr & ATTR_P && inside(la, tr->base, tr->limit);
}

static bool linear_step(const struct explanation *e, unsigned n, struct step *s)
{
    const struct explain_event *v = &e->event[n];
    const struct explain_state *b = &e->before;
    char field[48];
    bool write = v->access == ACCESS_WRITE || v->access == ACCESS_SHADOW_WRITE, shadow = v->access >= ACCESS_SHADOW_READ;
    for (unsigned k = n + 1; k < e->count && k < n + 8; k++) { /* a descriptor or a gate says it better */
        const struct explain_event *t = &e->event[k];
        if ((t->kind == EXPLAIN_DESCRIPTOR || t->kind == EXPLAIN_GATE) && v->linear - t->linear < 16) {
            return false;
        }
    }
    s->kind = STEP_LOOK;
    s->what = "table";
    u16 selector;
    u64 base;
    bool wide;
    if (!shadow && tss_of(e, n, &selector, &base, &wide)) {
        tss_field(b, wide, v->linear - base, field, sizeof field);
        say(s, "%sTSS 0x%x + 0x%llx (%s): 0x%llx", write ? "writes " : "", selector, (ull)(v->linear - base), field, (ull)v->value);
    } else {
        say(s, "%s %u byte%s at linear 0x%llx%s%s", write ? "writes" : "reads", v->size, v->size == 1 ? "" : "s",
            (ull)v->linear,
                 shadow ? " of the shadow stack" : "", v->has_value ? "" : ": it does not come to that");
        if (v->has_value) {
            size_t at = strlen(s->text);
            snprintf(s->text + at, sizeof s->text - at, ": 0x%llx", (ull)v->value);
        }
    }
    value_bytes(v->value, v->has_value && !write ? v->size : 0, s->detail, sizeof s->detail);
    return true;
}

static void access_step(const struct explain_event *v, struct step *s)
{
    bool write = v->access == ACCESS_WRITE;
    s->kind = STEP_LOOK;
    s->what = "access";
    say(s, "%s %u byte%s at %s:0x%llx, linear 0x%llx", write ? "writes" : "reads", v->size, v->size == 1 ? "" : "s",
             segment_name(v->seg), (ull)v->address, (ull)v->linear);
    if (v->has_value) {
        size_t at = strlen(s->text);
        snprintf(s->text + at, sizeof s->text - at, ": 0x%llx", (ull)v->value);
    }
}

static void descriptor_step(const struct explanation *e, const struct explain_event *v, struct step *s)
{
    char words[96], bytes[64];
    const char *table = v->selector & 4 ? "LDT" : "GDT";
    s->kind = STEP_LOOK;
    s->what = "descriptor";
    if (!v->ok) {
        say(s, "selector 0x%04x: entry 0x%x of the %s at 0x%llx, which ends at 0x%x", v->selector, v->selector & 0xfff8,
                 table, (ull)v->base, v->limit);
        return;
    }
    struct descriptor d = {.lo = (u32)v->value, .hi = (u32)(v->value >> 32), .upper = (u32)v->upper};
    unsigned type = desc_type(&d);
    descriptor_words(&e->before, v->value, words, sizeof words);
    value_bytes(v->value, 8, bytes, sizeof bytes);
    bool gate = !(type & TYPE_S) && (type & 7) >= 4;
    say(s, "descriptor 0x%04x, %s+0x%x at linear 0x%llx: %s", v->selector, table, v->selector & 0xfff8, (ull)v->linear,
             words);
    if (gate) {
        snprintf(s->detail, sizeof s->detail, "%s; to %04x:0x%llx", bytes, gate_selector(&d),
                 (ull)gate_offset(&d, e->before.long_mode));
    } else {
        snprintf(s->detail, sizeof s->detail, "%s; base 0x%llx, limit 0x%x", bytes, (ull)desc_base(&d), desc_limit(&d));
    }
}

static void gate_step(const struct explanation *e, const struct explain_event *v, struct step *s)
{
    char words[96], bytes[64], more[64] = "";
    struct descriptor d = {.lo = (u32)v->value, .hi = (u32)(v->value >> 32), .upper = (u32)v->upper};
    descriptor_words(&e->before, v->value, words, sizeof words);
    value_bytes(v->value, 8, bytes, sizeof bytes);
    if (v->size == 16) {
        value_bytes(v->upper, 8, more, sizeof more);
    }
    s->kind = STEP_LOOK;
    s->what = "gate";
    say(s, "gate 0x%02x of the IDT, at linear 0x%llx: %s", v->vector, (ull)v->linear, words);
    snprintf(s->detail, sizeof s->detail, "%s%s%s; to %04x:0x%llx", bytes, more[0] ? " " : "", more, gate_selector(&d),
             (ull)gate_offset(&d, e->before.long_mode));
}

static void frame_step(const struct explain_event *v, struct step *s)
{
    size_t at = 0;
    s->kind = STEP_LOOK;
    s->what = "stack";
    say(s, "pushes %u values of %u bytes, from %04x:0x%llx down", v->count, v->size, v->selector, (ull)v->address);
    for (unsigned n = 0; n < v->count && n < EXPLAIN_PUSHED && at < sizeof s->detail; n++) {
        at += (size_t)snprintf(s->detail + at, sizeof s->detail - at, n ? ", 0x%llx" : "0x%llx", (ull)v->pushed[n]);
    }
}

/* ---- deliveries */

static void delivery_step(const struct explain_event *v, struct step *s)
{
    s->kind = STEP_DELIVERY;
    s->what = "delivery";
    if (v->vector < 32 && strcmp(vector_name(v->vector), "INT")) {
        say(s, "delivery of %s, %s, vector %u", vector_name(v->vector), vector_title(v->vector), v->vector);
    } else {
        say(s, "delivery of vector 0x%02x", v->vector);
    }
    if (v->has_value) {
        snprintf(s->detail, sizeof s->detail, "error code 0x%04x", v->error);
    }
}

static void entered_step(const struct explain_event *v, struct step *s)
{
    s->kind = STEP_ENTERED;
    s->what = "entered";
    say(s, "the handler runs at %04x:0x%llx in ring %u, stack %04llx:0x%llx", v->selector, (ull)v->address, v->cpl,
             (ull)v->value, (ull)v->base);
}

/* A check that passed because it does not apply here at all. */
static bool idle_check(const struct explain_state *s, const struct explain_event *v)
{
    const char *name = rule_table[v->rule].name;
    bool aligned = s->cr0 & CR0_AM && s->eflags & FLAG_AC && s->cpl == 3;
    bool shadow = strstr(name, "SSP") || strstr(name, "CET") || !strncmp(name, "CP_", 3);
    return v->ok && ((v->rule == RULE_GP_HANDLER_VM86 && !s->vm86) || (v->rule == RULE_AC_UNALIGNED && !aligned) ||
                     (v->rule == RULE_GP_FAR_TYPE_LONG && !s->long_mode) ||
                     (shadow && !(s->cr4 & CR4_CET)));
}

static void check_step(const struct explanation *e, unsigned n, struct step *s)
{
    struct scene scene = scene_at(e, n);
    s->kind = STEP_CHECK;
    s->what = "check";
    s->rule = e->event[n].rule;
    s->ok = e->event[n].ok;
    const struct explain_row *row = &explain_rows[s->rule];
    scene_expand(&scene, row->needs, s->text, sizeof s->text);
    if (!scene_expand(&scene, row->found, s->detail, sizeof s->detail) && s->ok) {
        s->detail[0] = 0;
    }
}

bool step_of(const struct explanation *e, unsigned n, struct step *s)
{
    const struct explain_event *v = &e->event[n];
    *s = (struct step){.rule = RULE_NONE, .ok = true, .what = ""};
    switch (v->kind) {
    case EXPLAIN_CHECK:
        if (idle_check(&e->before, v)) {
            return false;
        }
        check_step(e, n, s);
        return true;
    case EXPLAIN_ACCESS: access_step(v, s); return true;
    case EXPLAIN_LINEAR: return linear_step(e, n, s);
    case EXPLAIN_WALK: walk_step(e, v, s); return true;
    case EXPLAIN_DESCRIPTOR: descriptor_step(e, v, s); return true;
    case EXPLAIN_GATE: gate_step(e, v, s); return true;
    case EXPLAIN_FRAME: frame_step(v, s); return true;
    case EXPLAIN_PORT:
        s->kind = STEP_LOOK;
        s->what = "port";
        say(s, "port 0x%llx, %u byte%s", (ull)v->address, v->size, v->size == 1 ? "" : "s");
        return true;
    case EXPLAIN_DELIVERY: delivery_step(v, s); return true;
    case EXPLAIN_ENTERED: entered_step(v, s); return true;
    default: return false; /* numbers are part of a check's words */
    }
}

/* SDM Vol. 3A tables 6-4 and 6-5. */
static const char *class_of(int vector)
{
    bool contributory = vector == VEC_DE || (vector >= VEC_TS && vector <= VEC_GP) || vector == VEC_CP;
    return vector == VEC_PF ? "a page fault" : vector == VEC_DF ? "a double fault" : contributory ? "contributory" : "benign";
}

void failure_outcome(const struct explanation *e, unsigned n, char *text, size_t size)
{
    int second = rule_table[e->event[e->failure[n].at].rule].vector, delivered = failed_vector(e, n), first = -1;
    text[0] = 0;
    for (unsigned k = 0; k < e->failure[n].at; k++) {
        if (e->event[k].kind == EXPLAIN_DELIVERY) {
            first = e->event[k].vector;
        }
        if (e->event[k].kind == EXPLAIN_ENTERED) {
            first = -1;
        }
    }
    if (first < 0 || (delivered == second && delivered != VEC_DF)) {
        return;
    }
    snprintf(text, size, "%s (%s) while %s (%s) was being delivered: %s (SDM Vol. 3A tables 6-4 and 6-5)", vector_name(second),
             class_of(second), vector_name(first), class_of(first),
             delivered < 0 ? "the processor shuts down, a triple fault" : "a double fault");
}
