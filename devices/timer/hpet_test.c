/*
 * hpet_test.c: the HPET through its registers, with a counted clock.
 */
#include "devices/irq/irq_testing.h"

#include "devices/timer/hpet.h"

#define BASE 0xfed00000ull

struct fixture {
    struct space *memory;
    struct clock *clock;
    struct probe irq0, irq8, pin2, pin20;
    struct hpet *hpet;
};

static struct hpet *create(struct fixture *f)
{
    struct hpet_config config = {
        .route_mask = 0x100004,
        .irq0 = probe_init(&f->irq0),
        .irq8 = probe_init(&f->irq8),
    };
    config.routes[2] = probe_init(&f->pin2);
    config.routes[20] = probe_init(&f->pin20);
    return hpet_create(f->memory, BASE, f->clock, &config);
}

static int setup(void **state)
{
    static struct fixture f;
    f.memory = space_create("memory", 40);
    f.clock = test_clock();
    f.hpet = create(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    device_destroy(&f->hpet->dev);
    clock_destroy(f->clock);
    space_destroy(f->memory);
    return 0;
}

static u64 get(struct fixture *f, unsigned offset)
{
    return space_read(f->memory, BASE + offset, 8, false);
}

static void put(struct fixture *f, unsigned offset, u64 value)
{
    space_write(f->memory, BASE + offset, value, 8, false);
}

static void test_counter(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, 0), 0x009896808086a201ull);
    assert_int_equal(get(f, 0x100), 0x0010000400000030ull);
    run_for(f->clock, 1000);
    assert_int_equal(get(f, 0xf0), 0);
    put(f, 0x10, 1);
    run_for(f->clock, 1009);
    assert_int_equal(get(f, 0xf0), 100);
    assert_int_equal(in32(f->memory, BASE + 0xf4), 0);
    put(f, 0x10, 0);
    run_for(f->clock, 1000);
    assert_int_equal(get(f, 0xf0), 100);
    out32(f->memory, BASE + 0xf4, 1);
    out32(f->memory, BASE + 0xf0, 0xfffffff0);
    put(f, 0x10, 1);
    run_for(f->clock, 200);
    assert_int_equal(get(f, 0xf0), 0x200000004ull);
}

static void test_one_shot(void **state)
{
    struct fixture *f = *state;
    put(f, 0x100, 2 << 9 | 4);
    put(f, 0x108, 1000);
    put(f, 0x10, 1);
    run_until(f->clock, 9999);
    assert_int_equal(f->pin2.rises, 0);
    run_until(f->clock, 10000);
    assert_int_equal(f->pin2.rises, 1);
    assert_false(f->pin2.level);
    run_until(f->clock, 100000000000);
    assert_int_equal(f->pin2.rises, 1);
    put(f, 0x100, 2 << 9 | 4 | 1 << 8); /* 32 bits: once per wrap */
    run_until(f->clock, 100000000000 + 43000000000);
    assert_int_equal(f->pin2.rises, 2);
}

static void test_late_comparator(void **state)
{
    struct fixture *f = *state;
    put(f, 0x100, 2 << 9 | 4 | 1 << 8);
    put(f, 0x10, 1);
    run_until(f->clock, 100000);
    out32(f->memory, BASE + 0x108, 9990); /* ten ticks ago */
    clock_run_timers(f->clock);
    assert_int_equal(f->pin2.rises, 1);
}

static void test_level(void **state)
{
    struct fixture *f = *state;
    put(f, 0x120, 20 << 9 | 2 | 4);
    put(f, 0x128, 100);
    put(f, 0x10, 1);
    run_until(f->clock, 2000);
    assert_true(f->pin20.level);
    assert_int_equal(get(f, 0x20), 2);
    put(f, 0x20, 2);
    assert_false(f->pin20.level);
    assert_int_equal(get(f, 0x20), 0);
}

static void test_periodic_as_linux_does(void **state)
{
    struct fixture *f = *state;
    put(f, 0x10, 1);
    run_until(f->clock, 1000);
    out32(f->memory, BASE + 0x100, 2 << 9 | 4 | 8 | 0x40 | 0x100);
    out32(f->memory, BASE + 0x108, 10100); /* the first match */
    out32(f->memory, BASE + 0x108, 10000); /* and the period */
    run_until(f->clock, 100999);
    assert_int_equal(f->pin2.rises, 0);
    run_until(f->clock, 101000);
    assert_int_equal(f->pin2.rises, 1);
    assert_int_equal(in32(f->memory, BASE + 0x108), 20100);
    run_until(f->clock, 1001000);
    assert_int_equal(f->pin2.rises, 10);
    clock_advance(f->clock, 1000000); /* the host is late by ten */
    for (unsigned n = 0; n < 100; n++) {
        clock_run_timers(f->clock);
    }
    assert_int_equal(f->pin2.rises, 20);
}

/* Linux leaves its periodic timer running without its interrupt. */
static void test_periodic_unheard(void **state)
{
    struct fixture *f = *state;
    put(f, 0x10, 1);
    out32(f->memory, BASE + 0x100, 2 << 9 | 8 | 0x40 | 0x100);
    out32(f->memory, BASE + 0x108, 100);
    out32(f->memory, BASE + 0x108, 10000);
    assert_true(clock_next_deadline(f->clock) == CLOCK_NEVER);
    run_until(f->clock, 999);
    assert_int_equal(in32(f->memory, BASE + 0x108), 100);
    run_until(f->clock, 1000);
    assert_int_equal(in32(f->memory, BASE + 0x108), 10100);
    run_until(f->clock, 100000ull * 10000000 + 1000); /* more than a wrap of its 32 bits */
    assert_int_equal(in32(f->memory, BASE + 0x108), (u32)(10000ull * 10000001 + 100));
    out32(f->memory, BASE + 0x100, 2 << 9 | 4 | 8 | 0x100); /* now it is heard */
    run_until(f->clock, 100000ull * 10000001 + 999);
    assert_int_equal(f->pin2.rises, 0);
    run_until(f->clock, 100000ull * 10000001 + 1000);
    assert_int_equal(f->pin2.rises, 1);
}

static void test_legacy(void **state)
{
    struct fixture *f = *state;
    irq_set(&f->hpet->pit_in, true);
    assert_true(f->irq0.level);
    irq_set(&f->hpet->pit_in, false);
    put(f, 0x100, 4);
    put(f, 0x108, 1000);
    put(f, 0x120, 4);
    put(f, 0x128, 2000);
    put(f, 0x10, 3);
    irq_pulse(&f->hpet->pit_in);
    irq_set(&f->hpet->rtc_in, true);
    assert_int_equal(f->irq0.rises, 1);
    assert_int_equal(f->irq8.rises, 0);
    run_until(f->clock, 10000);
    assert_int_equal(f->irq0.rises, 2);
    run_until(f->clock, 20000);
    assert_int_equal(f->irq8.rises, 1);
    put(f, 0x10, 1);
    assert_true(f->irq8.level); /* the RTC's line is high */
}

static void test_state(void **state)
{
    struct fixture *f = *state;
    struct fixture g = {.memory = space_create("memory", 40), .clock = test_clock()};
    g.hpet = create(&g);
    put(f, 0x100, 20 << 9 | 2 | 4 | 8 | 0x40);
    put(f, 0x108, 100);
    put(f, 0x10, 3);
    run_for(f->clock, 12345);
    clock_advance(g.clock, clock_now(f->clock));
    expect_save_load_save(&f->hpet->dev, &g.hpet->dev);
    assert_int_equal(f->irq0.level, g.irq0.level);
    device_destroy(&g.hpet->dev);
    g.hpet = create(&g);
    expect_reset_is_fresh(&f->hpet->dev, &g.hpet->dev);
    device_destroy(&g.hpet->dev);
    clock_destroy(g.clock);
    space_destroy(g.memory);
}

static void test_random_accesses(void **state)
{
    struct fixture *f = *state;
    u64 random = 11;
    for (unsigned n = 0; n < 20000; n++) {
        u32 r = test_random(&random);
        random_accesses(f->memory, BASE, 0x180, 3, random);
        space_write(f->memory, BASE + (r & 0x178), test_random(&random), 8, false);
        space_read(f->memory, BASE + (r & 0x1f8), 8, false);
        put(f, 0x10, r >> 10 & 3);
        clock_advance(f->clock, (i64)1 << (r >> 12) % 34);
        clock_run_timers(f->clock);
        if (n % 100 == 0) {
            load_damaged(&f->hpet->dev, &random);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_shot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_comparator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_periodic_as_linux_does, setup, teardown),
        cmocka_unit_test_setup_teardown(test_periodic_unheard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_legacy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_accesses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
