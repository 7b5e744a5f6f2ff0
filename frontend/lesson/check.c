/*
 * check.c: guest_eval() and guest_assign() of guest.h: labels, rules and memory become numbers, and the monitor's expressions do
 * the rest.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "devices/display/vga.h"
#include "frontend/lesson/guest.h"
#include "frontend/monitor/expression.h"
#include "frontend/monitor/registers.h"

enum { PLAIN_MAX = 1024, DEPTH_MAX = 8, NAME_MAX_BYTES = 80, SCREEN_AT = 0xb8000, SCREEN_BYTES = 80 * 25 * 2 };

/* ---- values */

static bool find_register(void *opaque, const char *name, u64 *value)
{
    struct guest *g = opaque;
    struct cpu *cpu = g->machine->cpu;
    const struct {
        const char *name;
        u64 value;
    } own[] = {
        {"ring", cpu->cpl},
        {"from", g->ring_before},
        {"iopl", (cpu->eflags & FLAG_IOPL) >> 12},
        {"if", (cpu->eflags & FLAG_IF) != 0},
        {"vector", g->last.vector},
        {"error", g->last.error_code},
        {"rule", g->last.rule},
        {"exceptions", g->exceptions},
        {"interrupts", g->interrupts},
        {"crossings", g->crossings},
        {"count", cpu_icount(cpu) - g->started_at},
        {"at", guest_at(g)},
        {"halted", g->halted},
        {"shutdown", g->shutdown},
    };
    for (unsigned n = 0; n < sizeof own / sizeof *own; n++) {
        if (!strcmp(name, own[n].name)) {
            *value = own[n].value;
            return true;
        }
    }
    return registers_find(cpu, name, value);
}

static bool find_name(struct guest *g, const char *name, u64 *value, struct error *err)
{
    if (program_symbol(g->program, name, value)) {
        return true;
    }
    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        if (!strcmp(rule_table[rule].name, name)) {
            *value = rule;
            return true;
        }
    }
    return error_set(err, "the program has no label '%s' (registers are written $%s)", name, name);
}

static unsigned memory_size(const char *name)
{
    return !strcmp(name, "byte") ? 1 : !strcmp(name, "word") ? 2 : !strcmp(name, "dword") ? 4 : !strcmp(name, "qword") ? 8 : 0;
}

static bool eval(struct guest *g, const char *text, size_t size, unsigned depth, u64 *value, struct error *err);

/* From behind the '[' to behind its ']'. NULL: there is none. */
static const char *closing(const char *text)
{
    unsigned open = 1;
    for (; *text; text++) {
        open += *text == '[';
        open -= *text == ']';
        if (!open) {
            return text;
        }
    }
    return NULL;
}

/* "[ADDRESS]" at *text, which moves behind it. */
static bool read_address(struct guest *g, const char **text, unsigned depth, u64 *address, struct error *err)
{
    const char *from = *text + strspn(*text, " "), *end = *from == '[' ? closing(from + 1) : NULL;
    if (!end) {
        return error_set(err, "byte, word, dword and qword need an [address]");
    }
    *text = end + 1;
    return eval(g, from + 1, (size_t)(end - from - 1), depth + 1, address, err);
}

/* The text screen is a device's memory: what is seen there is asked for. */
static bool peek_screen(struct guest *g, u64 address, u8 *buffer, unsigned bytes)
{
    struct vga_text *text = mem_zeroed(1, sizeof *text);
    vga_update(g->machine->vga);
    bool ok = vga_text(g->machine->vga, text);
    for (unsigned n = 0; n < bytes; n++) {
        u64 at = address - SCREEN_AT + n;
        buffer[n] = at & 1 ? text->cell[at / 2].attr : text->cell[at / 2].ch;
    }
    free(text);
    return ok;
}

static bool peek(struct guest *g, u64 address, u8 *buffer, unsigned bytes)
{
    struct machine *m = g->machine;
    paddr phys;
    if (mem_peek(m->cpu, address, buffer, bytes)) {
        return true;
    }
    return walk_peek(&m->cpu->paging, m->memory, address, &phys) && phys >= SCREEN_AT && phys < SCREEN_AT + SCREEN_BYTES &&
           peek_screen(g, phys, buffer, bytes);
}

static bool read_memory(struct guest *g, const char **text, unsigned bytes, unsigned depth, u64 *value, struct error *err)
{
    u8 buffer[8] = {0};
    u64 address;
    if (!read_address(g, text, depth, &address, err)) {
        return false;
    }
    if (!peek(g, address, buffer, bytes)) {
        return error_set(err, "no memory is mapped at 0x%llx", (unsigned long long)address);
    }
    *value = 0;
    for (unsigned n = bytes; n-- > 0;) {
        *value = *value << 8 | buffer[n];
    }
    return true;
}

static bool is_letter(char c)
{
    return isalpha((u8)c) || c == '_' || c == '.';
}

static size_t name_size(const char *text)
{
    size_t n = 0;
    while (is_letter(text[n]) || isdigit((u8)text[n]) || text[n] == '@' || text[n] == '~') {
        n++;
    }
    return n;
}

/* `text` without names, for the monitor's expressions. */
static bool make_plain(struct guest *g, const char *text, const char *end, char *plain, unsigned depth, struct error *err)
{
    size_t used = 0;
    while (text < end && used < PLAIN_MAX - 32) {
        u64 value;
        if (*text == '$' || isdigit((u8)*text)) {
            size_t n = 1 + (*text == '$' ? name_size(text + 1) : strspn(text + 1, "0123456789abcdefABCDEFxX"));
            for (; n && used < PLAIN_MAX - 32; n--) {
                plain[used++] = *text++;
            }
        } else if (is_letter(*text)) {
            char name[NAME_MAX_BYTES];
            size_t n = name_size(text);
            snprintf(name, sizeof name, "%.*s", (int)n, text);
            text += n;
            unsigned bytes = memory_size(name);
            if (!(bytes ? read_memory(g, &text, bytes, depth, &value, err) : find_name(g, name, &value, err))) {
                return false;
            }
            used += (size_t)snprintf(plain + used, PLAIN_MAX - used, "0x%llx", (unsigned long long)value);
        } else {
            plain[used++] = *text++;
        }
    }
    plain[used] = 0;
    return text >= end || error_set(err, "the expression is too long");
}

/* ---- comparisons */

enum relation { NONE, EQUAL, UNEQUAL, LESS, GREATER, AT_MOST, AT_LEAST };

static enum relation read_relation(const char **text)
{
    static const struct {
        const char *sign;
        enum relation relation;
    } signs[] = {{"==", EQUAL}, {"!=", UNEQUAL}, {"<=", AT_MOST}, {">=", AT_LEAST}, {"<", LESS}, {">", GREATER}};
    *text += strspn(*text, " ");
    for (unsigned n = 0; n < sizeof signs / sizeof *signs; n++) {
        size_t size = strlen(signs[n].sign);
        if (!strncmp(*text, signs[n].sign, size)) {
            *text += size;
            return signs[n].relation;
        }
    }
    return NONE;
}

static bool compare(enum relation relation, u64 a, u64 b)
{
    switch (relation) {
    case EQUAL:
        return a == b;
    case UNEQUAL:
        return a != b;
    case LESS:
        return a < b;
    case GREATER:
        return a > b;
    case AT_MOST:
        return a <= b;
    default:
        return a >= b;
    }
}

static bool eval(struct guest *g, const char *text, size_t size, unsigned depth, u64 *value, struct error *err)
{
    char plain[PLAIN_MAX];
    u64 other;
    if (depth > DEPTH_MAX) {
        return error_set(err, "the expression is nested too deeply");
    }
    if (!make_plain(g, text, text + size, plain, depth, err)) {
        return false;
    }
    const char *at = plain;
    const struct expression_names names = {.find_register = find_register, .opaque = g};
    if (!expression_read(&at, &names, value, err)) {
        return false;
    }
    enum relation relation = read_relation(&at);
    if (relation) {
        if (!expression_read(&at, &names, &other, err)) {
            return false;
        }
        *value = compare(relation, *value, other);
    }
    return !at[strspn(at, " ")] || error_set(err, "'%.20s' is left over in '%.60s'", at, text);
}

bool guest_eval(struct guest *g, const char *text, u64 *value, struct error *err)
{
    u64 part = 0;
    bool all = true, several = false;
    for (const char *next; text; text = next) {
        next = strstr(text, " and ");
        if (!eval(g, text, next ? (size_t)(next - text) : strlen(text), 0, &part, err)) {
            return false;
        }
        several |= next != NULL;
        all &= part != 0;
        next = next ? next + 5 : NULL;
    }
    *value = several ? all : part;
    return true;
}

/* ---- changes */

static bool write_memory(struct guest *g, u64 address, unsigned bytes, u64 value, struct error *err)
{
    struct machine *m = g->machine;
    for (unsigned n = 0; n < bytes; n++) {
        paddr phys;
        if (!walk_peek(&m->cpu->paging, m->memory, address + n, &phys)) {
            return error_set(err, "no memory is mapped at 0x%llx", (unsigned long long)(address + n));
        }
        space_write(m->memory, phys, value >> (8 * n) & 0xff, 1, false);
    }
    tlb_flush(&m->cpu->tlb); /* it may have been a page table */
    return true;
}

static bool set_register(struct guest *g, const char *name, u64 value, struct error *err)
{
    static const char *const general[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    struct cpu *cpu = g->machine->cpu;
    bool wide = cpu->code_bytes == 8;
    for (unsigned n = 0; n < 8; n++) {
        if ((name[0] == 'e' || name[0] == 'r') && !strcmp(name + 1, general[n])) {
            cpu->regs[n] = wide ? value : (u32)value;
            return true;
        }
    }
    if (!strcmp(name, "eip") || !strcmp(name, "rip")) {
        cpu->ip = wide ? value : (u32)value;
    } else if (!strcmp(name, "eflags") || !strcmp(name, "rflags")) {
        flags_set(cpu, (u32)value | FLAG_1);
        cpu_update_mode(cpu);
    } else if (!strcmp(name, "iopl") && value < 4) {
        cpu->eflags = (cpu->eflags & ~(u32)FLAG_IOPL) | (u32)value << 12;
    } else {
        return error_set(err, "$%s cannot be changed here: general registers, $eip, $eflags and $iopl can", name);
    }
    return true;
}

static bool assign(struct guest *g, const char *text, size_t size, struct error *err)
{
    char name[NAME_MAX_BYTES], right[PLAIN_MAX];
    u64 address = 0, value;
    text += strspn(text, " ");
    bool is_register = *text == '$';
    size_t n = name_size(text + is_register);
    snprintf(name, sizeof name, "%.*s", (int)n, text + is_register);
    const char *at = text + is_register + n, *end = text + size;
    unsigned bytes = is_register ? 0 : memory_size(name);
    if (!is_register && !bytes) {
        return error_set(err, "say what changes: $REGISTER = VALUE or dword[ADDRESS] = VALUE");
    }
    if (bytes && !read_address(g, &at, 0, &address, err)) {
        return false;
    }
    at += strspn(at, " ");
    if (at >= end || *at != '=' || at[1] == '=') {
        return error_set(err, "say what it becomes: %s%s = VALUE", is_register ? "$" : "", name);
    }
    snprintf(right, sizeof right, "%.*s", (int)(end - at - 1), at + 1);
    if (!guest_eval(g, right, &value, err)) {
        return false;
    }
    return bytes ? write_memory(g, address, bytes, value, err) : set_register(g, name, value, err);
}

bool guest_assign(struct guest *g, const char *text, struct error *err)
{
    for (const char *next; text; text = next) {
        next = strchr(text, ';');
        size_t size = next ? (size_t)(next - text) : strlen(text);
        next = next ? next + 1 : NULL;
        if (!assign(g, text, strnlen(text, size), err)) {
            return false;
        }
    }
    return true;
}
