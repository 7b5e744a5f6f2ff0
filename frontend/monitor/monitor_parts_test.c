/*
 * monitor_parts_test.c: expressions, the line editor, and instructions as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/monitor/disas.h"
#include "frontend/monitor/expression.h"
#include "frontend/monitor/line_editor.h"

static bool find(void *opaque, const char *name, u64 *value)
{
    (void)opaque;
    *value = 0x100;
    return !strcmp(name, "eax") || !strcmp(name, "cs.base");
}

static bool find_symbol(void *opaque, const char *name, u64 *value, struct error *err)
{
    (void)opaque;
    *value = 0xc1000000;
    return !strcmp(name, "start_kernel") || !strcmp(name, "a.cold") || error_set(err, "no %s", name);
}

static const struct expression_names names = {.find_register = find, .find_symbol = find_symbol};

static void test_expressions(void **state)
{
    static const struct {
        const char *text;
        u64 value;
        const char *rest;
    } good[] = {
        {"1", 1, ""},
        {"0x10 next", 16, " next"},
        {"010", 8, ""},
        {"2+3*4", 14, ""},
        {"(2+3)*4", 20, ""},
        {"10-3-2", 5, ""},
        {"7/2%2", 1, ""},
        {"1|2^3&6", 1 | (2 ^ (3 & 6)), ""},
        {"-1", ~(u64)0, ""},
        {"~0 & 0xff", 0xff, ""},
        {" $eax + $cs.base", 0x200, ""},
        {"- - 5", 5, ""},
        {"start_kernel+0x10 rest", 0xc1000010, " rest"},
        {"a.cold*1", 0xc1000000, ""},
        {"1 == 1", 1, ""},
        {"1+1==3-1 && !0", 1, ""},
        {"3 < 2 || 2 >= 2", 1, ""},
        {"1<<4|1", 17, ""},
        {"6 & 1 == 0", 1, ""},
        {"0x80>>3 != 16", 0, ""},
        {"1 = 2", 1, " = 2"},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
        const char *at = good[i].text;
        u64 value;
        struct error err;
        assert_true(expression_read(&at, &names, &value, &err));
        assert_int_equal(value, good[i].value);
        assert_string_equal(at, good[i].rest);
    }
    static const char *const bad[] = {"",  "+",  "(1",   "1/0", "1%0", "$ebx",
                                      "$", "0x", "12ab", "1+",  "foo", "1==", "[1]", "$toolongnameforaregister"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        const char *at = bad[i];
        u64 value;
        struct error err;
        assert_false(expression_read(&at, &names, &value, &err));
    }
    char deep[4000];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    const char *at = deep;
    u64 value;
    assert_false(expression_read(&at, NULL, &value, NULL));
}

/* Types `text`; returns how many lines were ended, the last in `line`. */
static unsigned type(struct line_editor *e, const char *text, char line[EDITOR_LINE],
                     struct blob *echo)
{
    unsigned count = 0;
    for (; *text; text++) {
        if (line_editor_byte(e, (u8)*text, echo)) {
            strcpy(line, e->line);
            line_editor_next(e);
            count++;
        }
    }
    return count;
}

static void test_line_editor(void **state)
{
    struct line_editor e = {0};
    struct blob echo = {0};
    char line[EDITOR_LINE];
    (void)state;
    assert_int_equal(type(&e, "infx\bo status\r\n", line, &echo), 1);
    assert_string_equal(line, "info status");
    assert_int_equal(type(&e, "\r\r\n\n", line, &echo), 3);
    type(&e, "abc\x15 one two\x17\x17three\n", line, &echo);
    assert_string_equal(line, " three");
    type(&e, "\033[A\033[A!\n", line, &echo);
    assert_string_equal(line, "info status!");
    type(&e,
         "\x10\x10\x10\x10\x0e\x0e\x0e\x0e\x0e"
         "new\033[3~\033OC\n",
         line, &echo);
    assert_string_equal(line, "new");
    type(&e, "\b\b\b\177ok\n", line, &echo);
    assert_string_equal(line, "ok");
    for (unsigned i = 0; i < 3000; i++) {
        type(&e, "x", line, &echo);
    }
    type(&e, "\n", line, &echo);
    assert_int_equal(strlen(line), EDITOR_LINE - 1);
    for (unsigned i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "line %u\n", i);
        type(&e, text, line, &echo);
    }
    assert_int_equal(e.history_count, EDITOR_HISTORY);
    line_editor_free(&e);
    blob_free(&echo);
}

static void test_random_typing(void **state)
{
    struct line_editor e = {0};
    struct blob echo = {0};
    u32 seed = 1;
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        if (line_editor_byte(&e, (u8)(seed >> 24), &echo)) {
            line_editor_next(&e);
        }
        echo.size = 0;
        assert_true(e.length < EDITOR_LINE && e.history_count <= EDITOR_HISTORY);
    }
    line_editor_free(&e);
    blob_free(&echo);
}

static void test_disassembly(void **state)
{
    static const struct {
        u8 bytes[8];
        unsigned size, code_bytes, length;
        const char *text;
    } cases[] = {
        {{0xb8, 0x34, 0x12}, 3, 2, 3, "mov ax, 0x1234"},
        {{0xb8, 0x78, 0x56, 0x34, 0x12}, 5, 4, 5, "mov eax, 0x12345678"},
        {{0x48, 0x89, 0xc3}, 3, 8, 3, "mov rbx, rax"},
        {{0x40}, 1, 4, 1, "inc eax"},
        {{0xeb, 0xfe}, 2, 2, 2, "jmp 0x7c00"},
        {{0x0f, 0xff, 0xff}, 1, 4, 1, "(bad) 0f"},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        char text[DISAS_TEXT];
        assert_int_equal(
            disas_bytes(cases[i].bytes, cases[i].size, 0x7c00, cases[i].code_bytes, text),
            cases[i].length);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_line_editor),
        cmocka_unit_test(test_random_typing),
        cmocka_unit_test(test_disassembly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
