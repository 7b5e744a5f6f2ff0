/*
 * i8254_test.c: the 8254 and port 61h through their ports, with a counted clock.
 */
#include "devices/irq/irq_testing.h"

#include "devices/timer/i8254.h"

struct fixture {
    struct space *ports;
    struct clock *clock;
    struct probe out[3], nmi;
    struct i8254 *pit;
};

static struct i8254 *create(struct fixture *f)
{
    struct irq *out[3];
    for (unsigned i = 0; i < 3; i++) {
        out[i] = probe_init(&f->out[i]);
    }
    return i8254_create(f->ports, f->clock, out, probe_init(&f->nmi));
}

static int setup(void **state)
{
    static struct fixture f;
    f.ports = space_create("ports", 16);
    f.clock = test_clock();
    f.pit = create(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    device_destroy(&f->pit->dev);
    clock_destroy(f->clock);
    space_destroy(f->ports);
    return 0;
}

/* Goes to the middle of tick `n`, so that rounding does not matter. */
static void to_tick(struct fixture *f, u64 n)
{
    run_until(f->clock, (i64)((2 * n + 1) * NS_PER_SECOND / (2 * I8254_HZ)));
}

static void control(struct fixture *f, u8 value)
{
    out8(f->ports, 0x43, value);
}

static void count(struct fixture *f, unsigned which, u16 value)
{
    out8(f->ports, 0x40 + which, (u8)value);
    out8(f->ports, 0x40 + which, (u8)(value >> 8));
}

static u16 read_count(struct fixture *f, unsigned which)
{
    control(f, (u8)(which << 6));
    u16 low = in8(f->ports, 0x40 + which);
    return (u16)(low | in8(f->ports, 0x40 + which) << 8);
}

static u8 status(struct fixture *f, unsigned which)
{
    control(f, (u8)(0xe0 | 2u << which));
    return in8(f->ports, 0x40 + which);
}

static void test_mode0(void **state)
{
    struct fixture *f = *state;
    control(f, 0x30);
    assert_int_equal(status(f, 0), 0x70); /* null count */
    to_tick(f, 10);
    count(f, 0, 100);
    assert_int_equal(status(f, 0), 0x70); /* the next tick loads it */
    to_tick(f, 11);
    assert_int_equal(status(f, 0), 0x30);
    assert_int_equal(read_count(f, 0), 100);
    to_tick(f, 61);
    assert_int_equal(read_count(f, 0), 50);
    to_tick(f, 110);
    assert_false(f->out[0].level);
    assert_int_equal(read_count(f, 0), 1);
    to_tick(f, 111);
    assert_true(f->out[0].level);
    assert_int_equal(status(f, 0), 0xb0);
    to_tick(f, 112);
    assert_int_equal(read_count(f, 0), 0xffff); /* counts on */
    out8(f->ports, 0x40, 5); /* half a new count: OUT falls and the count stops */
    assert_false(f->out[0].level);
    to_tick(f, 200);
    assert_int_equal(read_count(f, 0), 0xffff);
    out8(f->ports, 0x40, 0);
    to_tick(f, 206);
    assert_true(f->out[0].level);
}

static void test_edge_is_exact(void **state)
{
    struct fixture *f = *state;
    control(f, 0x30);
    count(f, 0, 11931); /* loaded at tick 1, ends at tick 11932: 10000151 ns and a bit */
    i64 expected = (i64)((11932 * NS_PER_SECOND + I8254_HZ - 1) / I8254_HZ);
    run_until(f->clock, expected - 1);
    assert_false(f->out[0].level);
    run_until(f->clock, expected);
    assert_true(f->out[0].level);
}

static void test_mode1(void **state)
{
    struct fixture *f = *state;
    control(f, 0xb2);
    assert_true(f->out[2].level);
    count(f, 2, 10);
    to_tick(f, 20);
    assert_true(f->out[2].level); /* waits for the gate */
    out8(f->ports, 0x61, 1);
    to_tick(f, 21);
    assert_false(f->out[2].level);
    out8(f->ports, 0x61, 0);
    to_tick(f, 25);
    out8(f->ports, 0x61, 1); /* retriggers */
    to_tick(f, 35);
    assert_false(f->out[2].level);
    to_tick(f, 36);
    assert_true(f->out[2].level);
}

static void test_mode2(void **state)
{
    struct fixture *f = *state;
    control(f, 0x34);
    assert_true(f->out[0].level);
    count(f, 0, 1000); /* loaded at tick 1 */
    unsigned rises = f->out[0].rises;
    to_tick(f, 500);
    assert_int_equal(read_count(f, 0), 501);
    to_tick(f, 999);
    assert_int_equal(status(f, 0) >> 7, 1);
    to_tick(f, 1000);
    assert_int_equal(read_count(f, 0), 1);
    assert_int_equal(status(f, 0) >> 7, 0); /* low for the last tick */
    assert_int_equal(f->out[0].rises, rises);
    to_tick(f, 1001);
    assert_int_equal(read_count(f, 0), 1000);
    assert_int_equal(f->out[0].rises, rises + 1);
    to_tick(f, 1501);
    count(f, 0, 100); /* takes effect with the next period */
    assert_int_equal(status(f, 0), 0xf4);
    to_tick(f, 2000);
    assert_int_equal(f->out[0].rises, rises + 1);
    to_tick(f, 2001);
    assert_int_equal(f->out[0].rises, rises + 2);
    assert_int_equal(status(f, 0), 0xb4);
    to_tick(f, 2101);
    assert_int_equal(f->out[0].rises, rises + 3);
    assert_int_equal(read_count(f, 0), 100);
}

static void test_18_2_hz(void **state)
{
    struct fixture *f = *state;
    control(f, 0x36);
    count(f, 0, 0);
    unsigned rises = f->out[0].rises;
    run_until(f->clock, 60 * (i64)NS_PER_SECOND);
    assert_int_equal(f->out[0].rises - rises, 60 * I8254_HZ / 65536);
}

static void test_mode3(void **state)
{
    struct fixture *f = *state;
    static const u8 even[6] = {6, 4, 2, 6, 4, 2};
    static const u8 odd[5] = {4, 2, 0, 4, 2};
    control(f, 0x36);
    count(f, 0, 6);
    for (unsigned n = 0; n < 18; n++) {
        to_tick(f, 1 + n);
        assert_int_equal(read_count(f, 0), even[n % 6]);
        assert_int_equal(f->out[0].level, n % 6 < 3);
    }
    control(f, 0x36);
    count(f, 0, 5);
    for (unsigned n = 0; n < 15; n++) {
        to_tick(f, 19 + n);
        assert_int_equal(read_count(f, 0), odd[n % 5]);
        assert_int_equal(f->out[0].level, n % 5 < 3);
    }
}

static void test_mode3_change(void **state)
{
    struct fixture *f = *state;
    control(f, 0x36);
    count(f, 0, 100); /* high 1..50, low 51..100 */
    to_tick(f, 20);
    count(f, 0, 10); /* from the end of the half: low 51..55, high 56..60 */
    to_tick(f, 50);
    assert_true(f->out[0].level);
    to_tick(f, 51);
    assert_false(f->out[0].level);
    assert_int_equal(read_count(f, 0), 10);
    to_tick(f, 55);
    assert_false(f->out[0].level);
    to_tick(f, 56);
    assert_true(f->out[0].level);
    to_tick(f, 61);
    assert_false(f->out[0].level);
}

static void test_modes_4_and_5(void **state)
{
    struct fixture *f = *state;
    control(f, 0x38);
    count(f, 0, 10);
    to_tick(f, 10);
    assert_true(f->out[0].level);
    to_tick(f, 11);
    assert_false(f->out[0].level);
    to_tick(f, 12);
    assert_true(f->out[0].level);
    control(f, 0xba);
    count(f, 2, 10);
    to_tick(f, 30);
    assert_true(f->out[2].level);
    out8(f->ports, 0x61, 1);
    to_tick(f, 40);
    assert_true(f->out[2].level);
    to_tick(f, 41);
    assert_false(f->out[2].level);
    to_tick(f, 42);
    assert_true(f->out[2].level);
}

static void test_bcd_and_access(void **state)
{
    struct fixture *f = *state;
    control(f, 0x35);
    count(f, 0, 0x1000);
    to_tick(f, 2);
    assert_int_equal(read_count(f, 0), 0x0999);
    count(f, 0, 0);
    to_tick(f, 1002);
    assert_int_equal(read_count(f, 0), 0x9999);
    control(f, 0x14); /* low byte only */
    out8(f->ports, 0x40, 200);
    to_tick(f, 1013);
    assert_int_equal(in8(f->ports, 0x40), 190);
    assert_int_equal(in8(f->ports, 0x40), 190);
    control(f, 0x24); /* high byte only */
    out8(f->ports, 0x40, 2);
    to_tick(f, 1015);
    assert_int_equal(in8(f->ports, 0x40), 1);
}

static void test_latches(void **state)
{
    struct fixture *f = *state;
    control(f, 0x34);
    count(f, 0, 1000);
    control(f, 0x74);
    count(f, 1, 2000);
    to_tick(f, 101);
    control(f, 0xc6); /* read back: count and status of 0 and 1 */
    to_tick(f, 201);
    control(f, 0x00); /* already latched */
    assert_int_equal(in8(f->ports, 0x40), 0xb4);
    assert_int_equal(in8(f->ports, 0x40), 900 & 0xff);
    assert_int_equal(in8(f->ports, 0x40), 900 >> 8);
    assert_int_equal(in8(f->ports, 0x41), 0xb4);
    assert_int_equal(in8(f->ports, 0x41), 1900 & 0xff);
    assert_int_equal(in8(f->ports, 0x41), 1900 >> 8);
    assert_int_equal(read_count(f, 0), 800);
}

static void test_gate(void **state)
{
    struct fixture *f = *state;
    out8(f->ports, 0x61, 1);
    control(f, 0xb0);
    count(f, 2, 100);
    to_tick(f, 31);
    out8(f->ports, 0x61, 0);
    to_tick(f, 500);
    assert_int_equal(read_count(f, 2), 70);
    out8(f->ports, 0x61, 1);
    to_tick(f, 569);
    assert_int_equal(in8(f->ports, 0x61) & 0x20, 0);
    to_tick(f, 570);
    assert_int_equal(in8(f->ports, 0x61) & 0x20, 0x20);
}

static void test_port61(void **state)
{
    struct fixture *f = *state;
    unsigned toggles = 0;
    u8 last = in8(f->ports, 0x61) & 0x10;
    for (unsigned n = 0; n < 1000; n++) {
        run_for(f->clock, 1000);
        u8 now = in8(f->ports, 0x61) & 0x10;
        toggles += now != last;
        last = now;
    }
    assert_in_range(toggles, 65, 67); /* every 15.085 us */
    out8(f->ports, 0x61, 3);
    control(f, 0xb6);
    count(f, 2, 1193);
    to_tick(f, 2000);
    assert_int_equal(i8254_speaker_hz(f->pit), 1000);
    out8(f->ports, 0x61, 1);
    assert_int_equal(i8254_speaker_hz(f->pit), 0);
    irq_set(&f->pit->serr, true);
    assert_true(f->nmi.level);
    assert_int_equal(in8(f->ports, 0x61) & 0xc0, 0x80);
    irq_set(&f->pit->serr, false);
    assert_true(f->nmi.level);
    out8(f->ports, 0x61, 0x04);
    assert_false(f->nmi.level);
    assert_int_equal(in8(f->ports, 0x61) & 0xcf, 0x04);
}

static void test_late_host(void **state)
{
    struct fixture *f = *state;
    control(f, 0x34);
    count(f, 0, 1193); /* 1 kHz */
    run_for(f->clock, 1000000);
    unsigned rises = f->out[0].rises;
    clock_advance(f->clock, 20000000);
    for (unsigned n = 0; n < 100; n++) {
        clock_run_timers(f->clock);
    }
    assert_in_range(f->out[0].rises - rises, 20, 21); /* made up */
    clock_advance(f->clock, 5 * (i64)NS_PER_SECOND);
    for (unsigned n = 0; n < 100; n++) {
        clock_run_timers(f->clock);
    }
    assert_in_range(f->out[0].rises - rises, 21, 25); /* too many: forgotten */
    assert_true(clock_next_deadline(f->clock) > clock_now(f->clock));
}

static void test_state(void **state)
{
    struct fixture *f = *state;
    struct fixture g = {.ports = space_create("ports", 16), .clock = test_clock()};
    g.pit = create(&g);
    control(f, 0x36);
    count(f, 0, 1000);
    control(f, 0xb0);
    out8(f->ports, 0x42, 7);
    run_for(f->clock, 1234567);
    count(f, 0, 500);
    clock_advance(g.clock, clock_now(f->clock));
    expect_save_load_save(&f->pit->dev, &g.pit->dev);
    for (unsigned n = 0; n < 100; n++) {
        run_for(f->clock, 100000);
        run_for(g.clock, 100000);
        assert_int_equal(f->out[0].level, g.out[0].level);
    }
    expect_save_load_save(&f->pit->dev, &g.pit->dev);
    device_destroy(&g.pit->dev);
    g.pit = create(&g);
    expect_reset_is_fresh(&f->pit->dev, &g.pit->dev);
    device_destroy(&g.pit->dev);
    clock_destroy(g.clock);
    space_destroy(g.ports);
}

static void test_random_accesses(void **state)
{
    struct fixture *f = *state;
    u64 random = 3;
    for (unsigned n = 0; n < 20000; n++) {
        random_accesses(f->ports, 0x40, 4, 5, random);
        u32 r = test_random(&random);
        out8(f->ports, 0x61, (u8)r);
        in8(f->ports, 0x61);
        clock_advance(f->clock, 1 << (r % 28));
        clock_run_timers(f->clock);
        i8254_speaker_hz(f->pit);
        if (n % 100 == 0) {
            load_damaged(&f->pit->dev, &random);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mode0, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edge_is_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_18_2_hz, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode3_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_modes_4_and_5, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bcd_and_access, setup, teardown),
        cmocka_unit_test_setup_teardown(test_latches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port61, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_accesses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
