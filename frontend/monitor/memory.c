/*
 * memory.c: the monitor's looks into memory and ports: x, xp, print, gva2gpa, memsave, pmemsave, i,
 * o.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/mem.h"
#include "frontend/lab/symbols.h"
#include "frontend/monitor/disas.h"
#include "frontend/monitor/monitor_state.h"

typedef unsigned long long ull;

enum { COUNT_MAX = 1 << 16, INSN_BYTES_MAX = 15 };

/* "/10xw": how many, how written, how wide. */
struct format {
    unsigned count, size;
    char letter; /* x d u o c i s */
};

static bool parse_format(const char *text, struct format *f, struct error *err)
{
    const char *at = text;
    f->count = 1;
    if (isdigit((u8)*at)) {
        char *end;
        unsigned long count = strtoul(at, &end, 10);
        f->count = count && count <= COUNT_MAX ? (unsigned)count : COUNT_MAX;
        at = end;
    }
    for (; *at; at++) {
        const char *width = strchr("bhwg", *at);
        if (width) {
            f->size = 1u << (width - strchr("bhwg", 'b'));
        } else if (strchr("xduocis", *at)) {
            f->letter = *at;
        } else {
            return error_set(
                err, "/%s: formats are a count, one of x d u o c i s, and one of b h w g", text);
        }
    }
    f->size = f->letter == 'c' || f->letter == 's' ? 1 : f->size;
    return true;
}

static void print_value(FILE *out, const struct format *f, u64 value)
{
    int digits = (int)f->size * 2;
    i64 number = (i64)(value << (64 - f->size * 8)) >> (64 - f->size * 8);
    switch (f->letter) {
    case 'd':
        fprintf(out, " %lld", (long long)number);
        break;
    case 'u':
        fprintf(out, " %llu", (ull)value);
        break;
    case 'o':
        fprintf(out, " 0%llo", (ull)value);
        break;
    case 'c':
        fprintf(out, isprint((int)(u8)value) ? " '%c'" : " '\\x%02x'", (unsigned)(u8)value);
        break;
    default:
        fprintf(out, " 0x%0*llx", digits, (ull)value);
        break;
    }
}

/* Bytes without side effects: RAM and ROM only. */
static bool peek(struct cpu *cpu, bool physical, u64 address, void *buffer, unsigned size)
{
    if (!physical) {
        return mem_peek(cpu, address, buffer, size);
    }
    for (unsigned i = 0; i < size; i++) {
        struct target t =
            space_find(cpu->memory, (address + i) & cpu->paging.a20_mask, false, cpu->in_smm);
        if (!t.region || t.region->kind == REGION_IO) {
            return false;
        }
        ((u8 *)buffer)[i] = t.region->host[t.offset];
    }
    return true;
}

static void print_address(struct call *c, bool physical, u64 address)
{
    fprintf(c->out, "%0*llx:", physical || c->machine->cpu->long_mode ? 16 : 8, (ull)address);
}

static void dump_values(struct call *c, const struct format *f, bool physical, u64 address)
{
    unsigned per_line = f->letter == 'c' ? 8 : 16 / f->size;
    for (unsigned i = 0; i < f->count; i++, address += f->size) {
        u8 bytes[8] = {0};
        if (i % per_line == 0) {
            print_address(c, physical, address);
        }
        if (!peek(c->machine->cpu, physical, address, bytes, f->size)) {
            fprintf(c->out, " cannot be read\n");
            return;
        }
        print_value(c->out, f, load64(bytes));
        if (i % per_line == per_line - 1 || i + 1 == f->count) {
            fprintf(c->out, "\n");
        }
    }
}

static void dump_code(struct call *c, const struct format *f, bool physical, u64 address)
{
    struct cpu *cpu = c->machine->cpu;
    unsigned code_bytes = f->size == 2 || f->size == 4 || f->size == 8 ? f->size : cpu->code_bytes;
    for (unsigned i = 0; i < f->count; i++) {
        u8 bytes[INSN_BYTES_MAX];
        unsigned have = 0;
        char text[DISAS_TEXT], symbol[SYMBOL_TEXT];
        if (!physical && symbols_text(c->machine->symbols, address, symbol) && (!i || !strchr(symbol, '+'))) {
            fprintf(c->out, "%s:\n", symbol);
        }
        while (have < sizeof bytes && peek(cpu, physical, address + have, &bytes[have], 1)) {
            have++;
        }
        print_address(c, physical, address);
        if (!have) {
            fprintf(c->out, "  cannot be read\n");
            return;
        }
        unsigned length = disas_bytes(bytes, have, address, code_bytes, text);
        fprintf(c->out, "  ");
        for (unsigned b = 0; b < 10; b++) {
            fprintf(c->out, b < length ? "%02x" : "  ", b < length ? bytes[b] : 0);
        }
        bool named = !physical && symbols_operand(c->machine->symbols, text, address + length, cpu->code_base, symbol);
        fprintf(c->out, named ? " %s <%s>\n" : " %s\n", text, symbol);
        address += length;
    }
}

static void dump_string(struct call *c, const struct format *f, bool physical, u64 address)
{
    u8 byte;
    for (unsigned i = 0; i < f->count; i++) {
        print_address(c, physical, address);
        fprintf(c->out, " \"");
        unsigned length = 0;
        while (length++ < COUNT_MAX && peek(c->machine->cpu, physical, address++, &byte, 1) &&
               byte) {
            fprintf(c->out, isprint(byte) ? "%c" : "\\x%02x", byte);
        }
        fprintf(c->out, "\"\n");
    }
}

static bool dump(struct call *c, bool physical, struct error *err)
{
    struct format f = {.letter = 'x', .size = 4};
    u64 address;
    if (strchr(c->format, 'i')) {
        f.size = 0; /* the current mode's */
    }
    if (!parse_format(c->format, &f, err) || !call_number(c, c->rest, &address, err)) {
        return false;
    }
    if (f.letter == 'i') {
        dump_code(c, &f, physical, address);
    } else if (f.letter == 's') {
        dump_string(c, &f, physical, address);
    } else {
        dump_values(c, &f, physical, address);
    }
    return true;
}

static bool run_x(struct call *c, struct error *err)
{
    return dump(c, false, err);
}

static bool run_xp(struct call *c, struct error *err)
{
    return dump(c, true, err);
}

static bool run_print(struct call *c, struct error *err)
{
    struct format f = {.letter = 'x', .size = 8};
    u64 value;
    if (!parse_format(c->format, &f, err) || !call_number(c, c->rest, &value, err)) {
        return false;
    }
    if (f.letter == 'x' && !strpbrk(c->format, "bhwg")) {
        fprintf(c->out, "0x%llx\n", (ull)value);
    } else {
        print_value(c->out, &f, f.size < 8 ? value & (((u64)1 << f.size * 8) - 1) : value);
        fprintf(c->out, "\n");
    }
    return true;
}

static bool run_gva2gpa(struct call *c, struct error *err)
{
    u64 la;
    paddr phys;
    struct cpu *cpu = c->machine->cpu;
    if (!call_number(c, c->rest, &la, err)) {
        return false;
    }
    if (walk_peek(&cpu->paging, cpu->memory, la, &phys)) {
        fprintf(c->out, "gpa: 0x%llx\n", (ull)phys);
    } else {
        fprintf(c->out, "Unmapped\n");
    }
    return true;
}

static bool save(struct call *c, bool physical, struct error *err)
{
    u64 address, size;
    const char *path = c->word[2];
    if (!call_number(c, c->word[0], &address, err) || !call_number(c, c->word[1], &size, err)) {
        return false;
    }
    FILE *file = fopen(path, "wb");
    if (!file) {
        return error_set(err, "%s: %s", path, strerror(errno));
    }
    bool ok = true;
    for (u64 done = 0; ok && done < size;) {
        u8 page[PAGE_SIZE];
        u64 left = size - done, room = PAGE_SIZE - ((address + done) & (PAGE_SIZE - 1));
        unsigned part = (unsigned)(left < room ? left : room);
        ok = (peek(c->machine->cpu, physical, address + done, page, part) ||
              error_set(err, "%llx cannot be read", (ull)(address + done))) &&
             (fwrite(page, part, 1, file) == 1 || error_set(err, "%s: %s", path, strerror(errno)));
        done += part;
    }
    return (!fclose(file) || !ok || error_set(err, "%s: %s", path, strerror(errno))) && ok;
}

static bool run_memsave(struct call *c, struct error *err)
{
    return save(c, false, err);
}

static bool run_pmemsave(struct call *c, struct error *err)
{
    return save(c, true, err);
}

static bool port_width(struct call *c, struct format *f, struct error *err)
{
    f->letter = 'x';
    f->size = 1;
    return parse_format(c->format, f, err) &&
           (f->size <= 4 || error_set(err, "ports are 1, 2 or 4 bytes wide"));
}

static bool run_i(struct call *c, struct error *err)
{
    struct format f;
    u64 port;
    if (!port_width(c, &f, err) || !call_number(c, c->rest, &port, err)) {
        return false;
    }
    struct outside_port access = {.port = (u16)port, .size = (u8)f.size};
    if (!outside_port(c->machine, &access)) {
        return error_set(err, "ports are not accessed while a run is replayed");
    }
    fprintf(c->out, "port%c[0x%04x] =",
            f.size == 1   ? 'b'
            : f.size == 2 ? 'w'
                          : 'l',
            (unsigned)(u16)port);
    print_value(c->out, &f, access.value);
    fprintf(c->out, "\n");
    return true;
}

static bool run_o(struct call *c, struct error *err)
{
    struct format f;
    u64 port, value;
    if (!port_width(c, &f, err) || !call_number(c, c->word[0], &port, err) ||
        !call_number(c, c->word[1], &value, err)) {
        return false;
    }
    struct outside_port access = {.port = (u16)port, .size = (u8)f.size, .write = true,
                                  .value = (u32)(value & (((u64)1 << f.size * 8) - 1))};
    return outside_port(c->machine, &access) || error_set(err, "ports are not accessed while a run is replayed");
}

const struct command memory_commands[] = {
    {"x", "/fmt addr", "memory at a linear address (fmt: count, x d u o c i s, b h w g)", 1, run_x},
    {"xp", "/fmt addr", "memory at a physical address", 1, run_xp},
    {"print|p", "/fmt expr", "the value of an expression ($eax, $pc, $cs.base, symbols, + - * / % & | ^ ~)",
     1, run_print},
    {"gva2gpa", "addr", "the physical address of a linear one", 1, run_gva2gpa},
    {"memsave", "addr size file", "write memory at a linear address to a file", 3, run_memsave},
    {"pmemsave", "addr size file", "write memory at a physical address to a file", 3, run_pmemsave},
    {"i", "/fmt port", "read a port", 1, run_i},
    {"o", "/fmt port value", "write a port", 2, run_o},
    {0},
};
