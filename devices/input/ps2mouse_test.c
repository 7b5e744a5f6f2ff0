/*
 * ps2mouse_test.c: packets, device identities, modes, sampling.
 */
#include "devices/input/ps2mouse.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct board {
    struct clock *clock;
    struct ps2mouse *mouse;
};

static int set_up(void **state)
{
    struct board *b = calloc(1, sizeof *b);
    b->clock = clock_create();
    clock_set_counted(b->clock, true);
    clock_start(b->clock);
    b->mouse = ps2mouse_create(b->clock);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct board *b = *state;
    device_destroy(ps2mouse_device(b->mouse));
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
    ps2mouse_port(b->mouse)->receive(ps2mouse_port(b->mouse), value);
}

static bool get(struct board *b, u8 *value)
{
    return ps2mouse_port(b->mouse)->send(ps2mouse_port(b->mouse), value);
}

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

static void command(struct board *b, u8 value, const char *answer)
{
    put(b, value);
    expect(b, answer);
}

static void set_rate(struct board *b, u8 rate)
{
    command(b, 0xf3, "fa");
    command(b, rate, "fa");
}

static void identities(void **state)
{
    struct board *b = *state;
    command(b, 0xff, "fa aa 00");
    command(b, 0xf2, "fa 00");
    set_rate(b, 200), set_rate(b, 200), set_rate(b, 80); /* not before the wheel */
    command(b, 0xf2, "fa 00");
    set_rate(b, 200), set_rate(b, 100), set_rate(b, 80);
    command(b, 0xf2, "fa 03");
    command(b, 0xf4, "fa");
    ps2mouse_motion(b->mouse, 0, 0, 1, 0);
    expect(b, "08 00 00 01");
    pass(b, 20);
    set_rate(b, 200), set_rate(b, 200), set_rate(b, 80);
    command(b, 0xf2, "fa 04");
    ps2mouse_motion(b->mouse, 1, 2, -1, PS2MOUSE_SIDE | PS2MOUSE_LEFT);
    expect(b, "29 01 fe 1f");
    pass(b, 20);
    ps2mouse_motion(b->mouse, 0, 0, 0, PS2MOUSE_EXTRA);
    expect(b, "08 00 00 20");
    command(b, 0xff, "fa aa 00");
}

static void streaming(void **state)
{
    struct board *b = *state;
    ps2mouse_motion(b->mouse, 5, 5, 0, 1);
    expect(b, ""); /* not enabled */
    ps2mouse_motion(b->mouse, 0, 0, 0, 0);
    command(b, 0xf4, "fa");
    ps2mouse_motion(b->mouse, 3, -4, 0, PS2MOUSE_RIGHT);
    expect(b, "0a 03 04");
    ps2mouse_motion(b->mouse, -1, 1, 0, PS2MOUSE_RIGHT); /* inside the period of 10 ms */
    ps2mouse_motion(b->mouse, -1, 1, 0, PS2MOUSE_RIGHT);
    expect(b, "");
    pass(b, 11);
    expect(b, "3a fe fe");
    pass(b, 50);
    expect(b, "");
    ps2mouse_motion(b->mouse, 600, 0, 0, 0); /* more than a packet holds */
    expect(b, "08 ff 00");
    pass(b, 11);
    expect(b, "08 ff 00");
    pass(b, 11);
    expect(b, "08 5a 00");
    pass(b, 50);
    ps2mouse_motion(b->mouse, 0, 0, 0, 1); /* two clicks at once */
    ps2mouse_motion(b->mouse, 0, 0, 0, 0);
    ps2mouse_motion(b->mouse, 0, 0, 0, 1);
    ps2mouse_motion(b->mouse, 0, 0, 0, 0);
    for (unsigned i = 0; i < 4; i++) {
        u8 packet[3] = {0};
        assert_true(get(b, &packet[0]) && get(b, &packet[1]) && get(b, &packet[2]));
        assert_int_equal(packet[0], i % 2 ? 8 : 9);
        if (i == 2) {
            pass(b, 11);
        }
    }
    command(b, 0xf5, "fa");
    ps2mouse_motion(b->mouse, INT_MAX, INT_MIN, INT_MAX, 0xffff);
    expect(b, "");
}

static void modes(void **state)
{
    struct board *b = *state;
    command(b, 0xe9, "fa 00 02 64");
    command(b, 0xe8, "fa");
    command(b, 3, "fa");
    command(b, 0xe7, "fa");
    command(b, 0xf4, "fa");
    ps2mouse_motion(b->mouse, 3, -5, 0, 5);
    expect(b, "0d 03 09"); /* 2:1 */
    command(b, 0xe9, "fa 36 03 64");
    command(b, 0xf0, "fa");
    ps2mouse_motion(b->mouse, 3, -5, 0, 5);
    expect(b, "");
    command(b, 0xeb, "fa 0d 03 05");
    command(b, 0xeb, "fa 0d 00 00");
    command(b, 0xee, "fa");
    command(b, 0x12, "12");
    command(b, 0xe9, "e9");
    command(b, 0xec, "fa");
    command(b, 0xea, "fa");
    command(b, 0xf6, "fa");
    command(b, 0xe9, "fa 06 02 64");
    command(b, 0xf3, "fa");
    command(b, 77, "fe");
    command(b, 0xe8, "fa");
    command(b, 4, "fe");
    command(b, 0x00, "fe");
    command(b, 0xfa, "fe");
}

static void save_and_load(void **state)
{
    struct board *b = *state;
    struct blob first = {0}, second = {0};
    struct ps2mouse *other = ps2mouse_create(b->clock);
    struct error err;
    char path[64];
    put(b, 0xf4);
    ps2mouse_motion(b->mouse, 3, -4, 0, PS2MOUSE_RIGHT);
    ps2mouse_motion(b->mouse, 3, -4, 0, PS2MOUSE_LEFT);
    device_save(ps2mouse_device(b->mouse), &first);
    assert_true(device_load(ps2mouse_device(other), &first, &err));
    device_save(ps2mouse_device(other), &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    device_reset(ps2mouse_device(b->mouse));
    device_destroy(ps2mouse_device(other));
    other = ps2mouse_create(b->clock);
    assert_false(fields_differ(ps2mouse_device(other)->class->fields, b->mouse, other, path, 64));
    device_destroy(ps2mouse_device(other));
    blob_free(&first);
    blob_free(&second);
}

static void random_traffic(void **state)
{
    struct board *b = *state;
    u8 value;
    srand(2);
    for (unsigned i = 0; i < 50000; i++) {
        int r = rand();
        switch (r >> 4 & 3) {
        case 0:
            put(b, (u8)(r >> 8));
            break;
        case 1:
            ps2mouse_motion(b->mouse, rand() - rand(), rand() % 300 - 150, rand() % 9 - 4,
                            (unsigned)r >> 8);
            break;
        case 2:
            get(b, &value);
            break;
        default:
            pass(b, 1 + (r >> 8) % 20);
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(identities), TEST(streaming), TEST(modes), TEST(save_and_load), TEST(random_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
