/*
 * i8042_test.c: the controller through ports 60h and 64h, with a keyboard and a mouse behind it.
 */
#include "devices/input/i8042.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"

enum { IRQ1, IRQ12, A20, RESET, WIRES };

struct board {
    struct clock *clock;
    struct space *ports;
    struct ps2kbd *kbd;
    struct ps2mouse *mouse;
    struct device *kbc;
    struct irq wire[WIRES];
    bool level[WIRES];
    unsigned edges[WIRES];
};

static void set_wire(void *opaque, int line, bool level)
{
    struct board *b = opaque;
    b->edges[line] += level && !b->level[line];
    b->level[line] = level;
}

static struct device *make_kbc(struct board *b)
{
    return i8042_create(b->ports, b->clock, ps2kbd_port(b->kbd), ps2mouse_port(b->mouse),
                        &b->wire[IRQ1], &b->wire[IRQ12], &b->wire[A20], &b->wire[RESET]);
}

static int set_up(void **state)
{
    struct board *b = calloc(1, sizeof *b);
    b->clock = clock_create();
    clock_set_counted(b->clock, true);
    clock_start(b->clock);
    b->ports = space_create("ports", 16);
    b->kbd = ps2kbd_create(b->clock);
    b->mouse = ps2mouse_create(b->clock);
    for (int i = 0; i < WIRES; i++) {
        b->wire[i] = (struct irq){.set = set_wire, .opaque = b, .line = i};
    }
    b->kbc = make_kbc(b);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct board *b = *state;
    device_destroy(b->kbc);
    device_destroy(ps2kbd_device(b->kbd));
    device_destroy(ps2mouse_device(b->mouse));
    space_destroy(b->ports);
    clock_destroy(b->clock);
    free(b);
    return 0;
}

static void pass(struct board *b, i64 us)
{
    clock_advance(b->clock, us * 1000);
    clock_run_timers(b->clock);
}

static void out(struct board *b, u16 port, u8 value)
{
    space_write(b->ports, port, value, 1, false);
}

static u8 in(struct board *b, u16 port)
{
    return (u8)space_read(b->ports, port, 1, false);
}

/* Bytes arrive in this order; `aux` says from whom. */
static void expect_from(struct board *b, bool aux, const char *hex)
{
    for (char *end; *hex; hex = end) {
        pass(b, 300);
        assert_int_equal(in(b, 0x64) & 0x21, aux ? 0x21 : 0x01);
        assert_int_equal(in(b, 0x60), (u8)strtoul(hex, &end, 16));
        end += *end == ' ';
    }
    pass(b, 300);
    assert_int_equal(in(b, 0x64) & 1, 0);
}

static void expect(struct board *b, const char *hex)
{
    expect_from(b, false, hex);
}

static void set_ccb(struct board *b, u8 value)
{
    out(b, 0x64, 0x60);
    out(b, 0x60, value);
}

static void controller_commands(void **state)
{
    struct board *b = *state;
    assert_int_equal(in(b, 0x64), 0x18);
    out(b, 0x64, 0xaa);
    expect(b, "55");
    assert_int_equal(in(b, 0x64), 0x1c);
    out(b, 0x64, 0x20);
    expect(b, "07");
    set_ccb(b, 0x65);
    assert_int_equal(in(b, 0x64) & 8, 0);
    out(b, 0x64, 0x20);
    expect(b, "65");
    out(b, 0x64, 0x65), out(b, 0x60, 0x99), out(b, 0x64, 0x25);
    expect(b, "99");
    out(b, 0x64, 0xa9);
    expect(b, "00");
    out(b, 0x64, 0xab);
    expect(b, "00");
    out(b, 0x64, 0xa4);
    expect(b, "f1");
    out(b, 0x64, 0xad), out(b, 0x64, 0xa7), out(b, 0x64, 0x20);
    expect(b, "75");
    out(b, 0x64, 0xe0);
    expect(b, "00");
    out(b, 0x64, 0xae), out(b, 0x64, 0xa8), out(b, 0x64, 0x20);
    expect(b, "45");
    out(b, 0x64, 0xe0);
    expect(b, "03");
    out(b, 0x64, 0xd2), out(b, 0x60, 0xf0); /* loopback is not translated */
    expect(b, "f0");
    out(b, 0x64, 0xd3), out(b, 0x60, 0x5a);
    expect_from(b, true, "5a");
    out(b, 0x64, 0xc0);
    expect(b, "80");
    assert_int_equal(in(b, 0x60), 0x80); /* an empty buffer keeps its byte */
}

static void interrupts(void **state)
{
    struct board *b = *state;
    set_ccb(b, 0x43);
    ps2kbd_key(b->kbd, KEY_A, true);
    ps2kbd_key(b->kbd, KEY_A, false);
    assert_true(b->level[IRQ1]);
    assert_int_equal(in(b, 0x60), 0x1e);
    assert_false(b->level[IRQ1]);
    assert_int_equal(in(b, 0x60), 0x1e); /* the next byte takes its time */
    pass(b, 299);
    assert_false(b->level[IRQ1]);
    pass(b, 1);
    assert_true(b->level[IRQ1]);
    assert_int_equal(in(b, 0x60), 0x9e);
    assert_int_equal(b->edges[IRQ1], 2);
    pass(b, 300);
    out(b, 0x64, 0xd4), out(b, 0x60, 0xf4);
    assert_true(b->level[IRQ12]);
    assert_false(b->level[IRQ1]);
    expect_from(b, true, "fa");
    set_ccb(b, 0x40);
    ps2mouse_motion(b->mouse, 1, 1, 0, 0);
    assert_false(b->level[IRQ12]);
    set_ccb(b, 0x42);
    assert_true(b->level[IRQ12]);
    expect_from(b, true, "28 01 ff");
}

/* Every key arrives translated as what set 1 says. */
static void translation(void **state)
{
    struct board *b = *state;
    set_ccb(b, 0x41);
    for (unsigned key = 1; key < KEY_COUNT; key++) {
        u16 code = key_info(key)->set1;
        if (key == KEY_PRINT || key == KEY_PAUSE) {
            continue;
        }
        for (unsigned up = 0; up < 2; up++) {
            ps2kbd_key(b->kbd, key, !up);
            if (code >> 8) {
                assert_int_equal(in(b, 0x60), code >> 8);
                pass(b, 300);
            }
            assert_int_equal(in(b, 0x60), (code & 0x7f) | up << 7);
            pass(b, 300);
            assert_int_equal(in(b, 0x64) & 1, 0);
        }
    }
    ps2kbd_key(b->kbd, KEY_PRINT, true);
    ps2kbd_key(b->kbd, KEY_PRINT, false);
    expect(b, "e0 2a e0 37 e0 b7 e0 aa");
    ps2kbd_key(b->kbd, KEY_PAUSE, true);
    expect(b, "e1 1d 45 e1 9d c5");
    out(b, 0x60, 0xf2);
    expect(b, "fa ab 41");
    set_ccb(b, 0x01);
    ps2kbd_key(b->kbd, KEY_F7, true);
    expect(b, "83");
}

static void disabled_lines(void **state)
{
    struct board *b = *state;
    set_ccb(b, 0x53);
    ps2kbd_key(b->kbd, KEY_A, true);
    assert_int_equal(in(b, 0x64) & 1, 0);
    out(b, 0x64, 0xae);
    expect(b, "1e");
    out(b, 0x64, 0xad);
    out(b, 0x60, 0xee); /* a command opens the line */
    expect(b, "ee");
    out(b, 0x64, 0x20);
    expect(b, "43");
}

static void outputs(void **state)
{
    struct board *b = *state;
    out(b, 0x64, 0xd1), out(b, 0x60, 0xdf);
    assert_true(b->level[A20]);
    out(b, 0x64, 0xd1), out(b, 0x60, 0xdd);
    assert_false(b->level[A20]);
    out(b, 0x64, 0xd0);
    expect(b, "cd");
    out(b, 0x64, 0xdf);
    assert_true(b->level[A20]);
    out(b, 0x64, 0xdd);
    assert_false(b->level[A20]);
    assert_int_equal(b->edges[RESET], 0);
    out(b, 0x64, 0xfe);
    assert_int_equal(b->edges[RESET], 1);
    out(b, 0x64, 0xff);
    assert_int_equal(b->edges[RESET], 1);
    out(b, 0x64, 0xd1), out(b, 0x60, 0x02);
    assert_int_equal(b->edges[RESET], 2);
    device_reset(b->kbc);
    assert_true(b->level[A20]);
}

static void save_and_load(void **state)
{
    struct board *b = *state;
    struct blob first = {0}, second = {0}, fresh = {0}, again = {0};
    struct error err;
    device_save(b->kbc, &fresh);
    set_ccb(b, 0x43);
    ps2kbd_key(b->kbd, KEY_UP, true);
    in(b, 0x60);
    out(b, 0x64, 0xd1);
    device_save(b->kbc, &first);
    device_reset(b->kbc);
    device_save(b->kbc, &again);
    assert_int_equal(fresh.size, again.size);
    assert_memory_equal(fresh.data, again.data, fresh.size);
    assert_true(device_load(b->kbc, &first, &err));
    device_save(b->kbc, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    blob_free(&first), blob_free(&second), blob_free(&fresh), blob_free(&again);
}

static void random_accesses(void **state)
{
    struct board *b = *state;
    srand(3);
    for (unsigned i = 0; i < 100000; i++) {
        unsigned r = (unsigned)rand();
        u16 port = r & 1 ? 0x64 : 0x60;
        switch (r >> 1 & 7) {
        case 0:
        case 1:
        case 2:
            out(b, port, (u8)(r >> 8));
            break;
        case 3:
            ps2kbd_key(b->kbd, (enum key)((r >> 8) % KEY_COUNT), r >> 20 & 1);
            break;
        case 4:
            ps2mouse_motion(b->mouse, (int)(r >> 8 & 0x3ff) - 512, rand() % 9, 0, r >> 4);
            break;
        case 5:
            pass(b, r >> 8 & 0xfff);
            break;
        default:
            in(b, port);
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(controller_commands), TEST(interrupts), TEST(translation),
        TEST(disabled_lines),      TEST(outputs),    TEST(save_and_load),
        TEST(random_accesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
