/*
 * words_test.c: QEMU's option syntax and suggestions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/words.h"

static void lists_have_keys_values_and_doubled_commas(void **state)
{
    (void)state;
    struct keyvals list;
    struct error err;
    assert_true(keyvals_parse(&list, "a,,b.img,if=ide,index=2,snapshot,noopen", "file", &err));
    assert_string_equal(keyvals_get(&list, "file"), "a,b.img");
    assert_string_equal(keyvals_get(&list, "if"), "ide");
    assert_string_equal(keyvals_get(&list, "index"), "2");
    assert_string_equal(keyvals_get(&list, "snapshot"), "on");
    assert_null(keyvals_get(&list, "format"));
    assert_false(keyvals_end(&list, "-drive", (const char *const[]){"openx", NULL}, &err));
    assert_non_null(strstr(err.text, "`open`"));
    assert_non_null(strstr(err.text, "`openx`"));
    assert_string_equal(keyvals_get(&list, "open"), "off");
    assert_true(keyvals_end(&list, "-drive", NULL, &err));
    keyvals_free(&list);
}

static void odd_lists_are_refused_or_empty(void **state)
{
    (void)state;
    struct keyvals list;
    struct error err;
    assert_false(keyvals_parse(&list, "word", NULL, &err));
    assert_true(keyvals_parse(&list, "", "file", &err));
    assert_int_equal(list.count, 0);
    keyvals_free(&list);
    assert_true(keyvals_parse(&list, ",,", "file", &err));
    assert_string_equal(keyvals_get(&list, "file"), ",");
    keyvals_free(&list);
    char many[200] = "";
    for (int i = 0; i < 50; i++) {
        strcat(many, "a=,");
    }
    assert_false(keyvals_parse(&list, many, NULL, &err));
}

static void sizes_and_numbers(void **state)
{
    (void)state;
    struct error err;
    u64 v;
    assert_true(parse_size("512", 1 << 20, &v, &err));
    assert_int_equal(v, 512ull << 20);
    assert_true(parse_size("2G", 1 << 20, &v, &err));
    assert_int_equal(v, 2ull << 30);
    assert_true(parse_size("64k", 1 << 20, &v, &err));
    assert_int_equal(v, 64 << 10);
    const char *const bad[] = {"", "G", "1X", "-1", "1GG", "99999999999999T", "0x10"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(parse_size(bad[i], 1 << 20, &v, &err));
    }
    assert_true(parse_number("0x402", 0xffff, &v, &err));
    assert_int_equal(v, 0x402);
    assert_false(parse_number("65536", 0xffff, &v, &err));
    assert_false(parse_number("12z", 0xffff, &v, &err));
}

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    const char *const words[] = {"-kernel", "-initrd", "-append", "-hda", "-cdrom", NULL};
    assert_string_equal(nearest_word("-kernal", words), "-kernel");
    assert_string_equal(nearest_word("-inirtd", words), "-initrd");
    assert_string_equal(nearest_word("-had", words), "-hda");
    assert_null(nearest_word("-virtualization", words));
    assert_int_equal(word_distance("ab", "ba"), 1);
    assert_int_equal(word_distance("", "abc"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_have_keys_values_and_doubled_commas),
        cmocka_unit_test(odd_lists_are_refused_or_empty),
        cmocka_unit_test(sizes_and_numbers),
        cmocka_unit_test(the_nearest_word_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
