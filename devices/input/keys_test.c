/*
 * keys_test.c: names, usages and characters lead to the right keys, and no two keys share a code.
 */
#include "devices/input/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    for (unsigned k = 1; k < KEY_COUNT; k++) {
        assert_int_equal(key_by_name(key_info(k)->name), k);
        assert_int_equal(key_by_usage(key_info(k)->usage), k);
    }
    assert_int_equal(key_by_name("asterisk"), KEY_KP_MULTIPLY);
    assert_int_equal(key_by_name("0x1e"), KEY_A);
    assert_int_equal(key_by_name("0xc8"), KEY_UP); /* E0 48 */
    assert_int_equal(key_by_name("0xfff"), KEY_NONE);
    assert_int_equal(key_by_name("0x"), KEY_NONE);
    assert_int_equal(key_by_name(""), KEY_NONE);
    assert_int_equal(key_by_name("nosuch"), KEY_NONE);
    assert_int_equal(key_by_usage(0), KEY_NONE);
    assert_int_equal(key_by_usage(0x32), KEY_BACKSLASH);
    assert_string_equal(key_nearest_name("retu"), "ret");
    assert_string_equal(key_nearest_name("backspce"), "backspace");
    assert_string_equal(key_info(KEY_COUNT)->name, "");
    assert_string_equal(key_info((enum key) - 1)->name, "");
}

static void codes_are_unique(void **state)
{
    (void)state;
    for (unsigned a = 1; a < KEY_COUNT; a++) {
        for (unsigned b = a + 1; b < KEY_COUNT; b++) {
            const struct key_info *x = key_info(a), *y = key_info(b);
            assert_int_not_equal(x->set1, y->set1);
            assert_int_not_equal(x->set2, y->set2);
            assert_true(!x->set3 || x->set3 != y->set3);
        }
    }
}

static void characters(void **state)
{
    static const struct {
        u32 c;
        enum key key;
        bool shift, ctrl;
    } cases[] = {
        {'a', KEY_A, false, false},
        {'Z', KEY_Z, true, false},
        {'1', KEY_1, false, false},
        {'!', KEY_1, true, false},
        {'|', KEY_BACKSLASH, true, false},
        {'"', KEY_APOSTROPHE, true, false},
        {'\n', KEY_RET, false, false},
        {' ', KEY_SPC, false, false},
        {3, KEY_C, false, true},
        {'~', KEY_GRAVE_ACCENT, true, false},
        {0x7f, KEY_BACKSPACE, false, false},
    };
    enum key key;
    bool shift, ctrl;
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(key_by_char(cases[i].c, &key, &shift, &ctrl));
        assert_int_equal(key, cases[i].key);
        assert_int_equal(shift, cases[i].shift);
        assert_int_equal(ctrl, cases[i].ctrl);
    }
    for (u32 c = ' '; c < 0x7f; c++) {
        assert_true(key_by_char(c, &key, &shift, &ctrl));
    }
    assert_false(key_by_char(0, &key, &shift, &ctrl));
    assert_false(key_by_char(0xe4, &key, &shift, &ctrl));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(codes_are_unique),
        cmocka_unit_test(characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
