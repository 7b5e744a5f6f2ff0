/*
 * ps2kbd_test.c: scancodes of all sets, special sequences, typematic, commands, the full buffer.
 */
#include "devices/input/ps2kbd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct board {
    struct clock *clock;
    struct ps2kbd *kbd;
};

static int set_up(void **state)
{
    struct board *b = calloc(1, sizeof *b);
    b->clock = clock_create();
    clock_set_counted(b->clock, true);
    clock_start(b->clock);
    b->kbd = ps2kbd_create(b->clock);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct board *b = *state;
    device_destroy(ps2kbd_device(b->kbd));
    clock_destroy(b->clock);
    free(b);
    return 0;
}

static void pass(struct board *b, i64 ms)
{
    for (i64 i = 0; i < ms; i++) {
        clock_advance(b->clock, 1000000);
        clock_run_timers(b->clock);
    }
}

static void put(struct board *b, u8 value)
{
    ps2kbd_port(b->kbd)->receive(ps2kbd_port(b->kbd), value);
}

static bool get(struct board *b, u8 *value)
{
    return ps2kbd_port(b->kbd)->send(ps2kbd_port(b->kbd), value);
}

/* The keyboard sends exactly these bytes, given in hexadecimal. */
static void expect(struct board *b, const char *hex)
{
    u8 value;
    for (char *end; *hex; hex = end) {
        u8 wanted = (u8)strtoul(hex, &end, 16);
        assert_true(get(b, &value));
        assert_int_equal(value, wanted);
        end += *end == ' ';
    }
    assert_false(get(b, &value));
}

static void press(struct board *b, enum key key)
{
    ps2kbd_key(b->kbd, key, true);
}

static void release(struct board *b, enum key key)
{
    ps2kbd_key(b->kbd, key, false);
}

static void use_set(struct board *b, u8 set)
{
    put(b, 0xf0);
    expect(b, "fa");
    put(b, set);
    expect(b, "fa");
}

static void sets(void **state)
{
    struct board *b = *state;
    press(b, KEY_A), release(b, KEY_A);
    expect(b, "1c f0 1c");
    press(b, KEY_UP), release(b, KEY_UP);
    expect(b, "e0 75 e0 f0 75");
    use_set(b, 1);
    press(b, KEY_A), release(b, KEY_A);
    expect(b, "1e 9e");
    press(b, KEY_UP), release(b, KEY_UP);
    expect(b, "e0 48 e0 c8");
    use_set(b, 3);
    press(b, KEY_A), release(b, KEY_A);
    expect(b, "1c"); /* typematic only */
    press(b, KEY_SHIFT), release(b, KEY_SHIFT);
    expect(b, "12 f0 12");
    put(b, 0xf8); /* all make/break */
    expect(b, "fa");
    press(b, KEY_UP), release(b, KEY_UP);
    expect(b, "63 f0 63");
    put(b, 0xfd), put(b, 0x63), put(b, 0xf4); /* this one make only */
    expect(b, "fa fa fa");
    press(b, KEY_UP), release(b, KEY_UP);
    expect(b, "63");
    put(b, 0xf0);
    expect(b, "fa");
    put(b, 0);
    expect(b, "fa 03");
    put(b, 0xf0), put(b, 9);
    expect(b, "fa fe");
}

static void print_and_pause(void **state)
{
    struct board *b = *state;
    press(b, KEY_PRINT), release(b, KEY_PRINT);
    expect(b, "e0 12 e0 7c e0 f0 7c e0 f0 12");
    press(b, KEY_PAUSE), release(b, KEY_PAUSE);
    expect(b, "e1 14 77 e1 f0 14 f0 77");
    use_set(b, 1);
    press(b, KEY_PRINT), release(b, KEY_PRINT);
    expect(b, "e0 2a e0 37 e0 b7 e0 aa");
    press(b, KEY_PAUSE), release(b, KEY_PAUSE);
    expect(b, "e1 1d 45 e1 9d c5");
    press(b, KEY_SHIFT), press(b, KEY_PRINT), release(b, KEY_SHIFT), release(b, KEY_PRINT);
    expect(b, "2a e0 37 aa e0 b7");
    press(b, KEY_ALT), press(b, KEY_PRINT), release(b, KEY_PRINT), release(b, KEY_ALT);
    expect(b, "38 54 d4 b8");
    press(b, KEY_CTRL), press(b, KEY_PAUSE), release(b, KEY_PAUSE), release(b, KEY_CTRL);
    expect(b, "1d e0 46 e0 c6 9d");
    use_set(b, 3);
    press(b, KEY_PRINT), press(b, KEY_PAUSE);
    expect(b, "57 62");
}

static void typematic(void **state)
{
    struct board *b = *state;
    press(b, KEY_B);
    expect(b, "32");
    pass(b, 498);
    expect(b, "");
    pass(b, 4);
    expect(b, "32");
    pass(b, 80);
    expect(b, "");
    pass(b, 20); /* 91.7 ms */
    expect(b, "32");
    press(b, KEY_B); /* the host's own repetition */
    expect(b, "");
    release(b, KEY_B);
    pass(b, 1000);
    expect(b, "f0 32");
    put(b, 0xf3), put(b, 0x00); /* 250 ms, 30 a second */
    expect(b, "fa fa");
    press(b, KEY_B);
    pass(b, 2000); /* nobody reads: no heap of repetitions */
    expect(b, "32");
    press(b, KEY_PAUSE); /* ends the repetition */
    pass(b, 2000);
    expect(b, "e1 14 77 e1 f0 14 f0 77");
}

static void commands(void **state)
{
    struct board *b = *state;
    put(b, 0xff);
    expect(b, "fa aa");
    put(b, 0xf2);
    expect(b, "fa ab 83");
    put(b, 0xee);
    expect(b, "ee");
    put(b, 0xed), put(b, 5);
    expect(b, "fa fa");
    assert_int_equal(ps2kbd_leds(b->kbd), PS2KBD_LED_SCROLL | PS2KBD_LED_CAPS);
    put(b, 0xed), put(b, 0xf4); /* a command instead of the argument */
    expect(b, "fa fa");
    assert_int_equal(ps2kbd_leds(b->kbd), 5);
    put(b, 0xfe);
    expect(b, "fa");
    put(b, 0x05);
    expect(b, "fe");
    put(b, 0xf5);
    expect(b, "fa");
    assert_false(ps2kbd_idle(b->kbd));
    press(b, KEY_X);
    expect(b, "");
    release(b, KEY_X);
    put(b, 0xf4);
    expect(b, "fa");
    assert_true(ps2kbd_idle(b->kbd));
    press(b, KEY_X);
    assert_false(ps2kbd_idle(b->kbd));
    put(b, 0xed); /* the answer overtakes, and keys wait for the argument */
    expect(b, "fa");
    put(b, 0);
    expect(b, "fa 22");
}

static void overrun(void **state)
{
    struct board *b = *state;
    for (unsigned i = 0; i < 30; i++) {
        press(b, KEY_A), release(b, KEY_A);
    }
    expect(b, "1c f0 1c 1c f0 1c 1c f0 1c 1c f0 1c 1c f0 1c 00");
    press(b, KEY_A);
    expect(b, "1c");
    press(b, KEY_SHIFT);
    ps2kbd_release_all(b->kbd);
    expect(b, "12 f0 1c f0 12");
}

/* What does not exist, and every key in every set. */
static void all_keys(void **state)
{
    struct board *b = *state;
    u8 value;
    ps2kbd_key(b->kbd, KEY_NONE, true);
    ps2kbd_key(b->kbd, KEY_COUNT, true);
    expect(b, "");
    for (u8 set = 1; set <= 3; set++) {
        use_set(b, set);
        for (unsigned key = 1; key < KEY_COUNT; key++) {
            unsigned sent = 0;
            press(b, key), release(b, key);
            while (get(b, &value)) {
                sent++;
            }
            assert_true(sent > 0 || set == 3);
        }
    }
}

static void save_and_load(void **state)
{
    struct board *b = *state;
    struct blob first = {0}, second = {0};
    struct ps2kbd *other = ps2kbd_create(b->clock);
    struct error err;
    char path[64];
    press(b, KEY_PRINT);
    put(b, 0xed);
    device_save(ps2kbd_device(b->kbd), &first);
    assert_true(device_load(ps2kbd_device(other), &first, &err));
    device_save(ps2kbd_device(other), &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    device_reset(ps2kbd_device(b->kbd));
    device_destroy(ps2kbd_device(other));
    other = ps2kbd_create(b->clock);
    assert_false(fields_differ(ps2kbd_device(other)->class->fields, b->kbd, other, path, 64));
    device_destroy(ps2kbd_device(other));
    blob_free(&first);
    blob_free(&second);
}

static void random_traffic(void **state)
{
    struct board *b = *state;
    u8 value;
    srand(1);
    for (unsigned i = 0; i < 50000; i++) {
        int r = rand();
        switch (r >> 4 & 3) {
        case 0:
            put(b, (u8)(r >> 8));
            break;
        case 1:
            ps2kbd_key(b->kbd, (enum key)((r >> 8) % (KEY_COUNT + 2)), r >> 20 & 1);
            break;
        case 2:
            get(b, &value);
            break;
        default:
            pass(b, 1 + (r >> 8) % 50);
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sets),    TEST(print_and_pause), TEST(typematic),     TEST(commands),
        TEST(overrun), TEST(all_keys),        TEST(save_and_load), TEST(random_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
