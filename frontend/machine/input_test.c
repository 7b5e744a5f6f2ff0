/*
 * input_test.c: typed text and chords reach the keyboard in order, no faster than the guest reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"
#include "frontend/machine/input.h"

struct rig {
    struct clock *clock;
    struct ps2kbd *keyboard;
    struct ps2mouse *mouse;
    struct input *input;
    u8 got[4096];
    size_t count;
};

static int setup(void **state)
{
    static struct rig rig;
    rig = (struct rig){.clock = clock_create()};
    clock_set_counted(rig.clock, true);
    clock_start(rig.clock);
    rig.keyboard = ps2kbd_create(rig.clock);
    rig.mouse = ps2mouse_create(rig.clock);
    rig.input = input_create(rig.clock, rig.keyboard, rig.mouse, NULL);
    struct ps2_port *port = ps2kbd_port(rig.keyboard);
    port->receive(port, 0xf4); /* the guest wants keys */
    u8 ack;
    while (port->send(port, &ack)) {
    }
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    input_destroy(rig->input);
    device_destroy(ps2mouse_device(rig->mouse));
    device_destroy(ps2kbd_device(rig->keyboard));
    clock_destroy(rig->clock);
    return 0;
}

static void run(struct rig *rig, unsigned ms, bool reading)
{
    struct ps2_port *port = ps2kbd_port(rig->keyboard);
    for (unsigned i = 0; i < ms; i++) {
        clock_advance(rig->clock, 1000000);
        clock_run_timers(rig->clock);
        while (reading && rig->count < sizeof rig->got && port->send(port, &rig->got[rig->count])) {
            rig->count++;
        }
    }
}

/* Scancode set 2. */
static void expect_bytes(struct rig *rig, const u8 *bytes, size_t count)
{
    assert_int_equal(rig->count, count);
    assert_memory_equal(rig->got, bytes, count);
}

static void text_becomes_keystrokes(void **state)
{
    struct rig *rig = *state;
    assert_true(
        input_type(rig->input, "aB\xc3\xa9\n")); /* e acute: a US keyboard has no such key */
    assert_true(input_busy(rig->input));
    run(rig, 200, true);
    assert_false(input_busy(rig->input));
    static const u8 keys[] = {0x1c, 0xf0, 0x1c, 0x12, 0x32, 0xf0,
                              0x32, 0xf0, 0x12, 0x5a, 0xf0, 0x5a};
    expect_bytes(rig, keys, sizeof keys);
}

static void a_slow_guest_loses_nothing(void **state)
{
    struct rig *rig = *state;
    assert_true(input_type(rig->input, "0123456789"));
    run(rig, 500, false);
    assert_true(input_busy(rig->input));
    run(rig, 1000, true);
    assert_false(input_busy(rig->input));
    assert_int_equal(rig->count, 30);
}

static void chords_are_held_and_released_in_reverse(void **state)
{
    struct rig *rig = *state;
    struct error err;
    assert_true(input_chord(rig->input, "ctrl-alt-a", 100, &err));
    run(rig, 50, true);
    static const u8 down[] = {0x14, 0x11, 0x1c};
    expect_bytes(rig, down, sizeof down);
    run(rig, 200, true);
    static const u8 all[] = {0x14, 0x11, 0x1c, 0xf0, 0x1c, 0xf0, 0x11, 0xf0, 0x14};
    expect_bytes(rig, all, sizeof all);
}

static void wrong_names_are_told(void **state)
{
    struct rig *rig = *state;
    struct error err;
    assert_false(input_chord(rig->input, "ctrl-delte", 100, &err));
    assert_non_null(strstr(err.text, "delete"));
    assert_false(input_chord(rig->input, "", 100, &err));
    assert_false(input_chord(rig->input, "a-b-c-d-e-f-g-h-i", 100, &err));
    assert_false(input_chord(rig->input, "an_impossibly_long_name_for_a_key", 100, &err));
    assert_false(input_busy(rig->input));
}

static void the_queue_is_bounded(void **state)
{
    struct rig *rig = *state;
    bool ok = true;
    for (unsigned i = 0; ok && i < 10000; i++) {
        ok = input_type(rig->input, "AAAAAAAAAAAAAAAA");
    }
    assert_false(ok);
    input_reset(rig->input);
    assert_false(input_busy(rig->input));
}

static void broken_utf8_does_no_harm(void **state)
{
    struct rig *rig = *state;
    assert_true(input_type(rig->input, "\xff\xc3\xe2\x82\xf0\x9f\x98"));
    assert_true(input_type(rig->input, "\x80\xbf"
                                       "a"));
    run(rig, 100, true);
    assert_int_equal(rig->count, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(text_becomes_keystrokes),
        TEST(a_slow_guest_loses_nothing),
        TEST(chords_are_held_and_released_in_reverse),
        TEST(wrong_names_are_told),
        TEST(the_queue_is_bounded),
        TEST(broken_utf8_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
