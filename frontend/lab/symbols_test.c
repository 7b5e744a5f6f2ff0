/*
 * symbols_test.c: symbols of ELF files of both widths and of System.map, looking them up, and files that are damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "frontend/lab/symbols.h"

static char path[] = "/tmp/symbols-test-XXXXXX";

static void write_file(const void *data, size_t size)
{
    remove(path); /* some file systems write out at once what takes the place of something else */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static struct symbols *loaded(u64 offset)
{
    struct symbols *s = symbols_create();
    struct error err = {""};
    if (!symbols_load(s, path, offset, &err)) {
        fail_msg("%s", err.text);
    }
    return s;
}

static void assert_error(const char *part)
{
    struct symbols *s = symbols_create();
    struct error err;
    assert_false(symbols_load(s, path, 0, &err));
    assert_non_null(strstr(err.text, part));
    assert_int_equal(symbols_count(s), 0);
    symbols_free(s);
}

static void assert_text(const struct symbols *s, u64 address, const char *expected)
{
    char text[SYMBOL_TEXT];
    assert_int_equal(symbols_text(s, address, text), expected[0] != 0);
    assert_string_equal(text, expected);
}

/* ---- ELF */

struct entry {
    u32 name;
    u64 value, size;
    u8 info;
    u16 section;
};

static const char names[] = "\0start\0helper\0data\0.Llocal\0constant\0start_alias";
enum { NAME_START = 1, NAME_HELPER = 7, NAME_DATA = 14, NAME_LOCAL = 19, NAME_CONSTANT = 27, NAME_ALIAS = 36 };

static const struct entry entries[] = {
    {0, 0, 0, 0, 0},
    {NAME_ALIAS, 0x401000, 0, 0x10, 1},     /* no type */
    {NAME_START, 0x401000, 0x20, 0x12, 1},  /* a global function */
    {NAME_HELPER, 0x401020, 0x10, 0x02, 1}, /* a local one */
    {NAME_LOCAL, 0x401024, 0, 0, 1},
    {NAME_DATA, 0x600000, 0x20000, 0x11, 2},    /* a large object */
    {NAME_CONSTANT, 0x401028, 0, 0x10, 0xfff1}, /* absolute */
};

/* Returns its size: header, 3 section headers, symbols, names. */
static size_t make_elf(u8 *file, bool wide)
{
    unsigned head = wide ? 64 : 52, section = wide ? 64 : 40, each = wide ? 24 : 16, table = head + 3 * section,
             strings = table + (unsigned)ARRAY_LEN(entries) * each;
    memset(file, 0, strings);
    memcpy(file, "\177ELF", 4);
    file[4] = wide ? 2 : 1;
    file[5] = file[6] = 1;
    store_le(file + 18, wide ? 62 : 3, 2);
    store_le(file + (wide ? 40 : 32), head, wide ? 8 : 4);
    store_le(file + (wide ? 58 : 46), section, 2);
    store_le(file + (wide ? 60 : 48), 3, 2);
    for (unsigned n = 1; n < 3; n++) {
        u8 *s = file + head + n * section;
        store_le(s + 4, n == 1 ? 2 : 3, 4); /* SHT_SYMTAB, SHT_STRTAB */
        store_le(s + (wide ? 24 : 16), n == 1 ? table : strings, wide ? 8 : 4);
        store_le(s + (wide ? 32 : 20), n == 1 ? strings - table : sizeof names, wide ? 8 : 4);
        store_le(s + (wide ? 40 : 24), n == 1 ? 2 : 0, 4);
    }
    for (unsigned n = 0; n < ARRAY_LEN(entries); n++) {
        u8 *e = file + table + n * each;
        const struct entry *from = &entries[n];
        store_le(e, from->name, 4);
        store_le(e + (wide ? 8 : 4), from->value, wide ? 8 : 4);
        store_le(e + (wide ? 16 : 8), from->size, wide ? 8 : 4);
        e[wide ? 4 : 12] = from->info;
        store_le(e + (wide ? 6 : 14), from->section, 2);
    }
    memcpy(file + strings, names, sizeof names);
    return strings + sizeof names;
}

static void elf(void **state)
{
    (void)state;
    u8 file[1024];
    for (unsigned wide = 0; wide < 2; wide++) {
        write_file(file, make_elf(file, wide));
        struct symbols *s = loaded(0x1000);
        assert_int_equal(symbols_count(s), 5);
        assert_text(s, 0x402000, "start"); /* the function, not the name without a type */
        assert_text(s, 0x402004, "start+0x4");
        assert_text(s, 0x402028, "helper+0x8");
        assert_text(s, 0x401fff, "");
        assert_text(s, 0x620fff, "data+0x1ffff");
        assert_text(s, 0x621000, ""); /* behind its end, and far */
        assert_text(s, 0x40601f, "helper+0x3fff");
        assert_text(s, 0x406020, "");
        assert_int_equal(symbols_named(s, "constant")->address, 0x401028); /* an absolute one is not moved */
        assert_int_equal(symbols_named(s, "start_alias")->address, 0x402000);
        assert_null(symbols_named(s, "nothing"));
        assert_string_equal(symbols_complete(s, "sta", 1), "start_alias");
        assert_null(symbols_complete(s, "sta", 2));
        symbols_free(s);
    }
}

/* Names without an end that all lie in each other would take hours to sort. */
static void elf_long_names(void **state)
{
    (void)state;
    enum { LONG = 2000 };
    u8 file[1024 + LONG];
    size_t size = make_elf(file, true);
    memset(file + size, 'a', LONG);
    store_le(file + 64 + 2 * 64 + 32, sizeof names + LONG, 8); /* the names are longer */
    store_le(file + 64 + 3 * 64 + 3 * 24, sizeof names, 4);    /* helper's is all of this */
    write_file(file, size + LONG);
    struct symbols *s = loaded(0);
    assert_int_equal(symbols_count(s), 4);
    assert_text(s, 0x401028, "start+0x28");
    symbols_free(s);
}

static void elf_damaged(void **state)
{
    (void)state;
    u8 file[1024], copy[1024];
    u32 seed = 1;
    for (unsigned wide = 0; wide < 2; wide++) {
        size_t size = make_elf(file, wide);
        for (size_t n = 4; n < size; n += 3) { /* cut off anywhere */
            struct symbols *s = symbols_create();
            struct error err;
            write_file(file, n);
            symbols_load(s, path, 0, &err);
            symbols_free(s);
        }
        for (unsigned round = 0; round < 1000; round++) {
            struct symbols *s = symbols_create();
            struct error err;
            char text[SYMBOL_TEXT];
            memcpy(copy, file, size);
            for (unsigned n = 0; n < 3; n++) {
                seed = seed * 1664525 + 1013904223;
                copy[4 + (seed >> 16) % (size - 4)] = (u8)(seed >> 8);
            }
            write_file(copy, size);
            symbols_load(s, path, seed, &err);
            symbols_text(s, seed, text);
            symbols_free(s);
        }
    }
    make_elf(file, true);
    file[18] = 183;
    write_file(file, 512);
    assert_error("another processor");
    make_elf(file, true);
    store_le(file + 60, 0, 2);
    write_file(file, 512);
    assert_error("stripped");
    make_elf(file, true);
    store_le(file + 64 + 64 + 24, 1u << 30, 8);
    write_file(file, 512);
    assert_error("damaged");
}

/* ---- lists of names */

static void write_text(const char *text)
{
    write_file(text, strlen(text));
}

static void system_map(void **state)
{
    (void)state;
    write_text("0000000000000000 D __per_cpu_start\n"
               "0000000000014000 d current_task\n"
               "00000000000007c0 A phys_offset\n"
               "ffffffff81000000 T _text\n"
               "ffffffff81000000 T startup_64\n"
               "ffffffff81001234 t local_one\t[module]\r\n"
               "\n"
               "no line of this kind\n"
               "ffffffff82000000 D init_task\n");
    struct symbols *s = loaded(0);
    assert_int_equal(symbols_count(s), 7);
    assert_text(s, 0xffffffff81001240, "local_one+0xc");
    assert_text(s, 0xffffffff81000000, "_text");
    assert_text(s, 0x14000, ""); /* an offset, no address */
    assert_text(s, 0x7c0, "");
    assert_int_equal(symbols_named(s, "current_task")->address, 0x14000);
    assert_false(symbols_named(s, "init_task")->function);
    struct error err;
    assert_true(symbols_load(s, path, 0x1000, &err)); /* a second file */
    assert_text(s, 0xffffffff81002234, "local_one");
    symbols_free(s);
    assert_text(NULL, 0x1000, "");
    assert_null(symbols_named(NULL, "x"));
    assert_int_equal(symbols_count(NULL), 0);
}

static void no_symbols(void **state)
{
    (void)state;
    u8 kernel[0x400] = {0};
    write_text("root:x:0:0\n");
    assert_error("neither an ELF file nor a System.map");
    write_text("");
    assert_error("neither");
    memcpy(kernel + 0x202, "HdrS", 4);
    write_file(kernel, sizeof kernel);
    assert_error("System.map, or the vmlinux");
    struct symbols *s = symbols_create();
    struct error err;
    assert_false(symbols_load(s, "/nowhere/x", 0, &err));
    assert_non_null(strstr(err.text, "/nowhere/x"));
    assert_false(symbols_load(s, "/", 0, &err));
    symbols_free(s);
}

static void operands(void **state)
{
    (void)state;
    static const struct {
        const char *insn, *text;
        u64 next, base;
    } cases[] = {
        {"call 0xc1000010", "f+0x10", 0xc1000005, 0},
        {"call 0x10", "f+0x10", 0, 0xc1000000},
        {"jne 0xc1000000", "f", 0, 0},
        {"mov eax, dword ptr [0xc1000004]", "f+0x4", 0, 0},
        {"lea rax, [rip + 0x20]", "f+0x24", 0xc1000004, 0},
        {"lea rax, [rip - 0x4]", "f", 0xc1000004, 0},
        {"mov rax, qword ptr gs:[rip + 0x20]", "", 0xc1000004, 0},
        {"mov eax, 0xc1000000", "", 0, 0},
        {"mov eax, dword ptr [ebx + 0xc1000000]", "", 0, 0},
        {"ret", "", 0, 0},
        {"call dword ptr [0xc1000000]", "f", 0, 0},
        {"jmp eax", "", 0, 0},
    };
    write_text("c1000000 T f\n");
    struct symbols *s = loaded(0);
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        char text[SYMBOL_TEXT];
        assert_int_equal(symbols_operand(s, cases[n].insn, cases[n].next, cases[n].base, text), cases[n].text[0] != 0);
        assert_string_equal(text, cases[n].text);
    }
    symbols_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elf),        cmocka_unit_test(elf_damaged), cmocka_unit_test(system_map),
        cmocka_unit_test(no_symbols), cmocka_unit_test(operands),    cmocka_unit_test(elf_long_names),
    };
    close(mkstemp(path));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(path);
    return failed;
}
