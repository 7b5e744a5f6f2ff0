/*
 * symbols.c: see symbols.h. ELF: "Tool Interface Standard, Executable and Linking Format" 1.2; its 64-bit form: System V ABI.
 */
#include "frontend/lab/symbols.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum {
    TABLE_BYTES_MAX = 256 << 20, /* of symbols, or of their names */
    MAP_BYTES_MAX = 64 << 20,
    REACH = 16 << 10, /* of a symbol whose size is not known, or that is smaller */
    NAME_MAX_BYTES = 512,
};
/* Where the upper half of 64-bit addresses begins, and the lower one ends. */
#define UPPER_HALF 0xffff800000000000ull
#define LOWER_HALF 0x0000800000000000ull

struct symbols {
    struct symbol *item;           /* by address */
    const struct symbol **named;   /* by name */
    size_t count, room, addresses; /* those from `addresses` on are found by name only */
    char **text;                   /* blocks of names */
    size_t texts;
};

struct symbols *symbols_create(void)
{
    return mem_zeroed(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *s)
{
    if (s) {
        for (size_t n = 0; n < s->texts; n++) {
            free(s->text[n]);
        }
        free(s->text);
        free(s->named);
        free(s->item);
        free(s);
    }
}

size_t symbols_count(const struct symbols *s)
{
    return s ? s->count : 0;
}

/* ---- order */

static int compare(u64 a, u64 b)
{
    return a < b ? -1 : a > b;
}

static int by_address(const void *left, const void *right)
{
    const struct symbol *a = left, *b = right;
    int order = compare(a->by_name, b->by_name);
    order = order ? order : compare(a->address, b->address);
    order = order ? order : compare(a->rank, b->rank);
    return order ? order : strcmp(a->name, b->name);
}

static int by_name(const void *left, const void *right)
{
    const struct symbol *a = *(const struct symbol *const *)left, *b = *(const struct symbol *const *)right;
    int order = strcmp(a->name, b->name);
    order = order ? order : compare(a->rank, b->rank);
    return order ? order : compare(a->address, b->address);
}

static void sort(struct symbols *s)
{
    if (!s->count) {
        return;
    }
    qsort(s->item, s->count, sizeof *s->item, by_address);
    s->named = mem_resize(s->named, s->count * sizeof *s->named);
    s->addresses = 0;
    for (size_t n = 0; n < s->count; n++) {
        s->named[n] = &s->item[n];
        s->addresses += !s->item[n].by_name;
    }
    qsort(s->named, s->count, sizeof *s->named, by_name);
}

static void add(struct symbols *s, const struct symbol *symbol)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 1024;
        s->item = mem_resize(s->item, s->room * sizeof *s->item);
    }
    s->item[s->count++] = *symbol;
}

/* The block lives as long as the symbols. */
static void keep_text(struct symbols *s, char *text)
{
    s->text = mem_resize(s->text, (s->texts + 1) * sizeof *s->text);
    s->text[s->texts++] = text;
}

/* In a kernel of the upper half, low values are offsets, as of its data for each processor. */
static void mark_offsets(struct symbols *s, size_t from, u64 offset)
{
    bool upper = false;
    for (size_t n = from; n < s->count; n++) {
        upper |= s->item[n].address - offset >= UPPER_HALF;
    }
    for (size_t n = from; n < s->count; n++) {
        s->item[n].by_name |= upper && s->item[n].address - offset < LOWER_HALF;
    }
}

/* ---- files */

/* `size` bytes and a zero; NULL: they are not in the file. */
static char *read_part(FILE *file, u64 at, u64 size)
{
    char *data = at <= INT64_MAX && !fseeko(file, (off_t)at, SEEK_SET) ? malloc((size_t)size + 1) : NULL;
    if (data && fread(data, 1, (size_t)size, file) != size) {
        free(data);
        data = NULL;
    }
    if (data) {
        data[size] = 0;
    }
    return data;
}

static u64 file_size(FILE *file)
{
    return !fseeko(file, 0, SEEK_END) && ftello(file) > 0 ? (u64)ftello(file) : 0;
}

/* ---- ELF */

enum {
    SHT_SYMTAB = 2,
    SHT_DYNSYM = 11,
    SHN_ABS = 0xfff1,
    STT_FUNC = 2,
    STT_SECTION = 3,
    STT_FILE = 4,
    STT_TLS = 6,
    STB_LOCAL = 0,
    STB_WEAK = 2
};

struct section {
    u32 type, link;
    u64 offset, size;
};

struct elf {
    FILE *file;
    const char *path;
    bool wide;
    u8 *sections;
    u64 count;
};

static unsigned section_bytes(const struct elf *e)
{
    return e->wide ? 64 : 40;
}

static struct section section_at(const struct elf *e, u64 n)
{
    const u8 *s = e->sections + n * section_bytes(e);
    if (e->wide) {
        return (struct section){load32(s + 4), load32(s + 40), load64(s + 24), load64(s + 32)};
    }
    return (struct section){load32(s + 4), load32(s + 24), load32(s + 16), load32(s + 20)};
}

static bool read_sections(struct elf *e, const u8 *head, u64 bytes, struct error *err)
{
    u64 at = e->wide ? load64(head + 40) : load32(head + 32);
    unsigned each = load16(head + (e->wide ? 58 : 46));
    e->count = load16(head + (e->wide ? 60 : 48));
    if (!at || !e->count) {
        return error_set(err, "%s: this ELF file has no sections, so no symbols: it was stripped", e->path);
    }
    if (each != section_bytes(e) || at > bytes || e->count * each > bytes - at) {
        return error_set(err, "%s: the ELF file is damaged: its sections lie outside of it", e->path);
    }
    e->sections = (u8 *)read_part(e->file, at, e->count * each);
    return e->sections || error_set(err, "%s: it cannot be read", e->path);
}

static bool find_section(const struct elf *e, u32 type, struct section *found)
{
    for (u64 n = 0; n < e->count; n++) {
        *found = section_at(e, n);
        if (found->type == type) {
            return true;
        }
    }
    return false;
}

/* False: it is none that anybody looks for. */
static bool take_elf(const struct elf *e, const u8 *entry, const char *names, u64 names_size, u64 offset, struct symbol *s)
{
    u32 name = load32(entry);
    u8 info = entry[e->wide ? 4 : 12];
    u16 section = load16(entry + (e->wide ? 6 : 14));
    unsigned type = info & 15, bind = info >> 4;
    if (name >= names_size || !names[name] || !section || type == STT_SECTION || type == STT_FILE || names[name] == '$' ||
        !strncmp(names + name, ".L", 2) || strnlen(names + name, NAME_MAX_BYTES + 1) > NAME_MAX_BYTES) {
        return false;
    }
    u64 value = e->wide ? load64(entry + 8) : load32(entry + 4);
    *s = (struct symbol){.address = section == SHN_ABS ? value : value + offset,
                         .size = e->wide ? load64(entry + 16) : load32(entry + 8),
                         .name = names + name,
                         .function = type == STT_FUNC,
                         .by_name = section == SHN_ABS || type == STT_TLS,
                         .rank = (u8)((type == STT_FUNC ? 0
                                       : type           ? 3
                                                        : 6) +
                                      (bind == STB_LOCAL ? 2 : bind == STB_WEAK))};
    return true;
}

static bool load_table(struct symbols *s, const struct elf *e, u64 bytes, u64 offset, struct error *err)
{
    struct section table, strings;
    if (!find_section(e, SHT_SYMTAB, &table) && !find_section(e, SHT_DYNSYM, &table)) {
        return error_set(err, "%s: this ELF file has no symbol table: it was stripped", e->path);
    }
    unsigned each = e->wide ? 24 : 16;
    if (table.link >= e->count || table.offset > bytes || table.size > bytes - table.offset || table.size > TABLE_BYTES_MAX) {
        return error_set(err, "%s: the ELF file is damaged: its symbols lie outside of it", e->path);
    }
    strings = section_at(e, table.link);
    if (strings.offset > bytes || strings.size > bytes - strings.offset || strings.size > TABLE_BYTES_MAX) {
        return error_set(err, "%s: the ELF file is damaged: the names of its symbols lie outside of it", e->path);
    }
    u8 *entries = (u8 *)read_part(e->file, table.offset, table.size);
    char *names = read_part(e->file, strings.offset, strings.size);
    if (!entries || !names) {
        free(entries);
        free(names);
        return error_set(err, "%s: its symbols cannot be read", e->path);
    }
    keep_text(s, names);
    size_t before = s->count;
    for (u64 at = 0; at + each <= table.size; at += each) {
        struct symbol symbol;
        if (take_elf(e, entries + at, names, strings.size, offset, &symbol)) {
            add(s, &symbol);
        }
    }
    free(entries);
    mark_offsets(s, before, offset);
    return s->count > before || error_set(err, "%s: its symbol table is empty", e->path);
}

static bool load_elf(struct symbols *s, FILE *file, const char *path, const u8 *head, u64 bytes, u64 offset, struct error *err)
{
    struct elf e = {.file = file, .path = path, .wide = head[4] == 2};
    unsigned machine = load16(head + 18);
    if (bytes < 64 || (head[4] != 1 && head[4] != 2) || head[5] != 1) {
        return error_set(err, "%s: the ELF file is damaged, or big-endian", path);
    }
    if (machine != 3 && machine != 62) { /* EM_386, EM_X86_64 */
        return error_set(err, "%s: an ELF file for another processor (ELF machine %u)", path, machine);
    }
    bool ok = read_sections(&e, head, bytes, err) && load_table(s, &e, bytes, offset, err);
    free(e.sections);
    return ok;
}

/* ---- System.map */

/* "ffffffff81000000 T _text"; *line moves to the next one. False: this one is something else. The name is cut off where it ends. */
static bool take_map(char **line, u64 offset, struct symbol *s)
{
    char *at = *line, *end = at + strcspn(at, "\n"), *number;
    *line = *end ? end + 1 : end;
    *end = 0;
    errno = 0;
    u64 value = strtoull(at, &number, 16);
    if (!isxdigit((u8)*at) || number == at || number - at > 16 || number[0] != ' ' || !number[1] || number[2] != ' ') {
        return false;
    }
    char kind = number[1], *name = number + 3;
    name[strcspn(name, " \t\r")] = 0;
    if (!*name || strlen(name) > NAME_MAX_BYTES || (!isalpha((u8)kind) && kind != '?')) {
        return false;
    }
    bool absolute = kind == 'A' || kind == 'a';
    bool function = strchr("tTwWi", kind);
    *s = (struct symbol){.address = absolute ? value : value + offset,
                         .name = name,
                         .function = function,
                         .by_name = absolute,
                         .rank = (u8)((function ? 0 : 3) + (islower((u8)kind) ? 2 : 0))};
    return true;
}

static bool load_map(struct symbols *s, FILE *file, const char *path, u64 bytes, u64 offset, struct error *err)
{
    char *text = bytes <= MAP_BYTES_MAX ? read_part(file, 0, bytes) : NULL;
    if (!text) {
        return error_set(err, "%s: it cannot be read as a list of symbols", path);
    }
    size_t before = s->count, wrong = 0;
    for (char *line = text; *line;) {
        struct symbol symbol;
        bool empty = *line == '\n';
        if (take_map(&line, offset, &symbol)) {
            add(s, &symbol);
        } else {
            wrong += !empty;
        }
    }
    if (s->count == before || wrong > s->count - before) {
        s->count = before;
        free(text);
        return error_set(err, "%s: neither an ELF file nor a System.map (lines such as \"c1000000 T _text\")", path);
    }
    keep_text(s, text);
    mark_offsets(s, before, offset);
    return true;
}

bool symbols_load(struct symbols *s, const char *path, u64 offset, struct error *err)
{
    u8 head[0x206] = {0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        return error_set(err, "%s: %s", path, strerror(errno));
    }
    size_t have = fread(head, 1, sizeof head, file);
    u64 bytes = file_size(file);
    bool ok;
    if (have == sizeof head && !memcmp(head + 0x202, "HdrS", 4)) {
        ok = error_set(err, "%s: a compressed kernel has no symbols; take its System.map, or the vmlinux that it was made from",
                       path);
    } else if (have >= 20 && !memcmp(head, "\177ELF", 4)) {
        ok = load_elf(s, file, path, head, bytes, offset, err);
    } else {
        ok = load_map(s, file, path, bytes, offset, err);
    }
    fclose(file);
    sort(s);
    return ok;
}

/* ---- looking up */

/* How many symbols lie at or below the address. */
static size_t up_to(const struct symbols *s, u64 address)
{
    size_t low = 0, high = s->addresses;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->item[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct symbol *symbols_find(const struct symbols *s, u64 address)
{
    size_t n = s ? up_to(s, address) : 0;
    if (!n) {
        return NULL;
    }
    u64 at = s->item[n - 1].address;
    const struct symbol *first = &s->item[at ? up_to(s, at - 1) : 0];
    u64 reach = first->size > REACH ? first->size : REACH;
    return address - at < reach ? first : NULL;
}

/* The first whose name is not below this one. */
static size_t name_place(const struct symbols *s, const char *name)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(s->named[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct symbol *symbols_named(const struct symbols *s, const char *name)
{
    size_t n = s ? name_place(s, name) : 0;
    return s && n < s->count && !strcmp(s->named[n]->name, name) ? s->named[n] : NULL;
}

const char *symbols_complete(const struct symbols *s, const char *letters, size_t nth)
{
    size_t n = s ? name_place(s, letters) + nth : 0;
    return s && n < s->count && !strncmp(s->named[n]->name, letters, strlen(letters)) ? s->named[n]->name : NULL;
}

bool symbols_text(const struct symbols *s, u64 address, char text[SYMBOL_TEXT])
{
    const struct symbol *found = symbols_find(s, address);
    text[0] = 0;
    if (found && found->address == address) {
        snprintf(text, SYMBOL_TEXT, "%s", found->name);
    } else if (found) {
        snprintf(text, SYMBOL_TEXT, "%.70s+0x%llx", found->name, (unsigned long long)(address - found->address));
    }
    return found;
}

/* The address that the text of an operand names; false: none, or one that needs a register. */
static bool operand_address(const char *operand, u64 next, u64 code_base, u64 *address)
{
    const char *bracket = strchr(operand, '[');
    char sign, closing;
    unsigned long long number = 0;
    if (!bracket) {
        bool alone = sscanf(operand, "0x%llx%c", &number, &closing) == 1;
        *address = code_base + number;
        return alone && !strncmp(operand, "0x", 2);
    }
    if (sscanf(bracket, "[rip %c 0x%llx%c", &sign, &number, &closing) == 3 && closing == ']') {
        *address = sign == '-' ? next - number : next + number;
        return true;
    }
    if (sscanf(bracket, "[0x%llx%c", &number, &closing) == 2 && closing == ']') {
        *address = number;
        return true;
    }
    return false;
}

bool symbols_operand(const struct symbols *s, const char *insn, u64 next, u64 code_base, char text[SYMBOL_TEXT])
{
    size_t word = strcspn(insn, " ");
    u64 address;
    bool jump = insn[0] == 'j' || !strncmp(insn, "call", 4) || !strncmp(insn, "loop", 4);
    text[0] = 0;
    return insn[word] && (jump || strchr(insn, '[')) && !strstr(insn, "gs:") && !strstr(insn, "fs:") &&
           operand_address(insn + word + 1, next, code_base, &address) && symbols_text(s, address, text);
}
