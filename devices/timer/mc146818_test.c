/*
 * mc146818_test.c: the real-time clock through its ports, with a counted clock.
 */
#include "devices/irq/irq_testing.h"

#include "devices/timer/mc146818.h"

struct fixture {
    struct space *ports;
    struct clock *clock;
    struct probe irq;
    struct mc146818 *rtc;
};

#define SECOND ((i64)NS_PER_SECOND)

static struct mc146818 *create(struct fixture *f, bool slew)
{
    struct mc146818_config config = {.slew = slew};
    return mc146818_create(f->ports, f->clock, probe_init(&f->irq), &config);
}

static int setup(void **state)
{
    static struct fixture f;
    f.ports = space_create("ports", 16);
    f.clock = test_clock();
    clock_set_epoch(f.clock, 951782399); /* 2000-02-28 23:59:59, a Monday */
    f.rtc = create(&f, false);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    device_destroy(&f->rtc->dev);
    clock_destroy(f->clock);
    space_destroy(f->ports);
    return 0;
}

static u8 get(struct fixture *f, u8 index)
{
    out8(f->ports, 0x70, index);
    return in8(f->ports, 0x71);
}

static void put(struct fixture *f, u8 index, u8 value)
{
    out8(f->ports, 0x70, index);
    out8(f->ports, 0x71, value);
}

static void expect_time(struct fixture *f, u8 century, u8 year, u8 month, u8 day, u8 hour,
                        u8 minute, u8 second, u8 weekday)
{
    assert_int_equal(get(f, 0x32), century);
    assert_int_equal(get(f, 9), year);
    assert_int_equal(get(f, 8), month);
    assert_int_equal(get(f, 7), day);
    assert_int_equal(get(f, 4), hour);
    assert_int_equal(get(f, 2), minute);
    assert_int_equal(get(f, 0), second);
    assert_int_equal(get(f, 6), weekday);
}

static void test_time(void **state)
{
    struct fixture *f = *state;
    expect_time(f, 0x20, 0x00, 0x02, 0x28, 0x23, 0x59, 0x59, 2);
    clock_advance(f->clock, SECOND - 1); /* no timer has run: reads are exact all the same */
    assert_int_equal(get(f, 0), 0x59);
    clock_advance(f->clock, 1);
    expect_time(f, 0x20, 0x00, 0x02, 0x29, 0x00, 0x00, 0x00, 3);
    run_for(f->clock, 86400 * SECOND);
    expect_time(f, 0x20, 0x00, 0x03, 0x01, 0x00, 0x00, 0x00, 4);
    assert_int_equal(get(f, 0x0d), 0x80);
}

static void test_formats(void **state)
{
    struct fixture *f = *state;
    put(f, 0x0b, 0x06); /* binary */
    expect_time(f, 20, 0, 2, 28, 23, 59, 59, 2);
    put(f, 0x0b, 0x00); /* 12 hours */
    assert_int_equal(get(f, 4), 0x91);
    run_for(f->clock, SECOND);
    assert_int_equal(get(f, 4), 0x12);
    put(f, 4, 0x92); /* noon */
    put(f, 0x0b, 0x02);
    assert_int_equal(get(f, 4), 0x12);
}

static void test_set(void **state)
{
    struct fixture *f = *state;
    put(f, 0x0b, 0x92); /* SET clears UIE */
    assert_int_equal(get(f, 0x0b), 0x82);
    put(f, 0x32, 0x19);
    put(f, 9, 0x99);
    put(f, 8, 0x12);
    put(f, 7, 0x31);
    put(f, 4, 0x23);
    put(f, 2, 0x59);
    put(f, 0, 0x58);
    put(f, 6, 0x06);
    run_for(f->clock, 5 * SECOND);
    assert_int_equal(get(f, 0x0a) & 0x80, 0);
    expect_time(f, 0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58, 6);
    put(f, 0x0b, 0x02);
    run_for(f->clock, 2 * SECOND);
    expect_time(f, 0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 7);
    put(f, 2, 0x30); /* without SET */
    run_for(f->clock, SECOND);
    expect_time(f, 0x20, 0x00, 0x01, 0x01, 0x00, 0x30, 0x01, 7);
}

static void test_divider_reset(void **state)
{
    struct fixture *f = *state;
    run_for(f->clock, SECOND / 4);
    put(f, 0x0a, 0x76);
    run_for(f->clock, 10 * SECOND);
    assert_int_equal(get(f, 0), 0x59);
    put(f, 0x0a, 0x26);
    run_for(f->clock, SECOND / 2 - 1);
    assert_int_equal(get(f, 0), 0x59);
    run_for(f->clock, 1);
    assert_int_equal(get(f, 0), 0x00);
}

static void test_update_and_uip(void **state)
{
    struct fixture *f = *state;
    run_until(f->clock, SECOND - 244001);
    assert_int_equal(get(f, 0x0a), 0x26);
    run_for(f->clock, 1);
    assert_int_equal(get(f, 0x0a), 0xa6);
    run_until(f->clock, SECOND);
    assert_int_equal(get(f, 0x0a), 0x26);
    assert_int_equal(get(f, 0x0c) & 0x90, 0x10); /* the flag without the interrupt */
    assert_int_equal(get(f, 0x0c), 0);
    put(f, 0x0b, 0x12);
    run_until(f->clock, 2 * SECOND - 1);
    assert_false(f->irq.level);
    run_until(f->clock, 2 * SECOND);
    assert_true(f->irq.level);
    assert_int_equal(get(f, 0x0c) & 0x90, 0x90);
    assert_false(f->irq.level);
}

static void test_alarm(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 0x05);
    put(f, 3, 0x00);
    put(f, 5, 0x00);
    put(f, 0x0b, 0x22);
    run_until(f->clock, 6 * SECOND - 1);
    assert_false(f->irq.level);
    run_until(f->clock, 6 * SECOND);
    assert_true(f->irq.level);
    assert_int_equal(get(f, 0x0c) & 0xa0, 0xa0);
    put(f, 1, 0x10);
    put(f, 3, 0xff); /* each minute */
    put(f, 5, 0xc0);
    run_until(f->clock, 11 * SECOND);
    assert_true(f->irq.level);
    get(f, 0x0c);
    run_until(f->clock, 71 * SECOND - 1);
    assert_false(f->irq.level);
    run_until(f->clock, 71 * SECOND);
    assert_true(f->irq.level);
}

static void test_periodic(void **state)
{
    struct fixture *f = *state;
    put(f, 0x0b, 0x42); /* 1024 Hz */
    unsigned interrupts = 0;
    for (unsigned n = 0; n < 20000; n++) {
        run_for(f->clock, 100000);
        interrupts += f->irq.level;
        get(f, 0x0c);
    }
    assert_in_range(interrupts, 2047, 2048); /* in two seconds */
    put(f, 0x0a, 0x2f);                      /* 2 Hz */
    run_until(f->clock, 3 * SECOND - 1);
    get(f, 0x0c);
    run_for(f->clock, 1);
    assert_true(f->irq.level);
    get(f, 0x0c);
    put(f, 0x0a, 0x21); /* 256 Hz */
    run_for(f->clock, SECOND / 256);
    assert_true(f->irq.level);
    put(f, 0x0b, 0x02);
    assert_false(f->irq.level);
    assert_false(timer_armed(&f->rtc->periodic_timer));
}

static unsigned ticks_after_stall(struct fixture *f)
{
    unsigned ticks = 0;
    put(f, 0x0b, 0x42);
    clock_advance(f->clock, SECOND / 64); /* the host stalls for 16 ticks */
    clock_run_timers(f->clock);
    for (unsigned n = 0; n < 1000; n++) {
        run_for(f->clock, 50000);
        ticks += get(f, 0x0c) >> 7;
    }
    return ticks;
}

static void test_slew(void **state)
{
    struct fixture *f = *state;
    assert_in_range(ticks_after_stall(f), 51, 53); /* 50 ms, and one for the stall */
    device_destroy(&f->rtc->dev);
    f->rtc = create(f, true);
    assert_in_range(ticks_after_stall(f), 66, 68);
}

static void test_cmos(void **state)
{
    struct fixture *f = *state;
    rtc_set_cmos(f->rtc, 0x34, 0x12);
    rtc_set_cmos(f->rtc, 0x0a, 0xff); /* not the machine's */
    assert_int_equal(get(f, 0x34), 0x12);
    assert_int_equal(get(f, 0x0a), 0x26);
    put(f, 0x7f, 0x55);
    assert_int_equal(rtc_get_cmos(f->rtc, 0x7f), 0x55);
    out8(f->ports, 0x70, 0x8f);
    assert_true(rtc_nmi_masked(f->rtc));
    out8(f->ports, 0x70, 0x0f);
    assert_false(rtc_nmi_masked(f->rtc));
    assert_int_equal(in8(f->ports, 0x70), 0xff);
}

static void test_every_day(void **state)
{
    struct fixture *f = *state;
    static const u8 lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = 1899, month = 12, day = 31, weekday = 1; /* a Sunday */
    put(f, 0x0b, 0x06);
    for (i64 days = -25568; days < 50000; days++) {
        rtc_set_time(f->rtc, days * 86400 + 3661);
        expect_time(f, (u8)(year / 100), (u8)(year % 100), (u8)month, (u8)day, 1, 1, 1,
                    (u8)weekday);
        bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);
        weekday = weekday % 7 + 1;
        if (++day > lengths[month - 1] + (leap && month == 2 ? 1u : 0u)) {
            day = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
}

static void test_state(void **state)
{
    struct fixture *f = *state;
    struct fixture g = {.ports = space_create("ports", 16), .clock = test_clock()};
    clock_set_epoch(g.clock, 951782399);
    g.rtc = create(&g, false);
    put(f, 0x0b, 0x72);
    put(f, 0x20, 0x99);
    run_for(f->clock, 3 * SECOND + 12345);
    clock_advance(g.clock, clock_now(f->clock));
    expect_save_load_save(&f->rtc->dev, &g.rtc->dev);
    assert_int_equal(f->irq.level, g.irq.level);
    device_reset(&f->rtc->dev);
    assert_false(f->irq.level);
    assert_int_equal(get(f, 0x0b), 0x02);
    assert_int_equal(get(f, 0x20), 0x99); /* the battery's */
    put(f, 0x20, 0x00);
    device_destroy(&g.rtc->dev);
    g.rtc = create(&g, false);
    get(f, 0x0c);
    put(f, 0x0a, 0x26);
    out8(f->ports, 0x70, 0);
    f->rtc->periodic_count = g.rtc->periodic_count; /* phases since each one's own start */
    f->rtc->divider_ns = g.rtc->divider_ns;
    expect_reset_is_fresh(&f->rtc->dev, &g.rtc->dev);
    device_destroy(&g.rtc->dev);
    clock_destroy(g.clock);
    space_destroy(g.ports);
}

static void test_random_accesses(void **state)
{
    struct fixture *f = *state;
    u64 random = 5;
    device_destroy(&f->rtc->dev);
    f->rtc = create(f, true);
    for (unsigned n = 0; n < 20000; n++) {
        u32 r = test_random(&random);
        put(f, r & 31, (u8)(r >> 8));
        random_accesses(f->ports, 0x70, 2, 5, random);
        clock_advance(f->clock, (i64)1 << (r % 33));
        clock_run_timers(f->clock);
        if (n % 100 == 0) {
            load_damaged(&f->rtc->dev, &random);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_divider_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_update_and_uip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alarm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_periodic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cmos, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_day, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_accesses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
