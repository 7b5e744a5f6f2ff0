/*
 * clock_test.c: order of timers, counted and stopped time, timers that arm or cancel each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "cpu/base/clock.h"

struct log {
    char text[64];
    int length;
};

struct named {
    struct timer timer;
    struct log *log;
    char name;
    i64 again_in; /* 0: not armed again */
    struct timer *cancel;
};

static void fire(void *opaque)
{
    struct named *n = opaque;
    n->log->text[n->log->length++] = n->name;
    if (n->again_in) {
        timer_set(&n->timer, clock_now(n->timer.clock) + n->again_in);
    }
    if (n->cancel) {
        timer_cancel(n->cancel);
    }
}

static void named_init(struct named *n, struct clock *clock, struct log *log, char name)
{
    *n = (struct named){.log = log, .name = name};
    timer_init(&n->timer, clock, fire, n);
}

static struct clock *counted_clock(void)
{
    struct clock *clock = clock_create();
    clock_set_counted(clock, true);
    clock_start(clock);
    return clock;
}

static void test_order(void **state)
{
    (void)state;
    struct clock *clock = counted_clock();
    struct log log = {0};
    struct named a, b, c;
    named_init(&a, clock, &log, 'a');
    named_init(&b, clock, &log, 'b');
    named_init(&c, clock, &log, 'c');
    assert_int_equal(clock_next_deadline(clock), CLOCK_NEVER);
    timer_set(&a.timer, 300);
    timer_set(&b.timer, 100);
    timer_set(&c.timer, 100);
    assert_int_equal(clock_next_deadline(clock), 100);
    clock_run_timers(clock);
    assert_int_equal(log.length, 0);
    clock_advance(clock, 100);
    clock_run_timers(clock);
    assert_string_equal(log.text, "bc"); /* equal deadlines: in the order in which they were set */
    assert_false(timer_armed(&b.timer));
    assert_true(timer_armed(&a.timer));
    timer_set(&b.timer, 200);
    clock_advance(clock, 1000);
    clock_run_timers(clock);
    assert_string_equal(log.text, "bcba");
    assert_int_equal(clock_next_deadline(clock), CLOCK_NEVER);
    clock_destroy(clock);
}

static void test_rearm_fires_once_per_call(void **state)
{
    (void)state;
    struct clock *clock = counted_clock();
    struct log log = {0};
    struct named a;
    named_init(&a, clock, &log, 'a');
    a.again_in = -50; /* always in the past */
    timer_set(&a.timer, -1);
    clock_run_timers(clock);
    clock_run_timers(clock);
    assert_string_equal(log.text, "aa");
    assert_int_equal(clock_next_deadline(clock), -50);
    clock_destroy(clock);
}

static void test_cancel_of_a_due_timer(void **state)
{
    (void)state;
    struct clock *clock = counted_clock();
    struct log log = {0};
    struct named a, b, c;
    named_init(&a, clock, &log, 'a');
    named_init(&b, clock, &log, 'b');
    named_init(&c, clock, &log, 'c');
    a.cancel = &b.timer;
    timer_set(&a.timer, 1);
    timer_set(&b.timer, 2);
    timer_set(&c.timer, 3);
    clock_advance(clock, 5);
    clock_run_timers(clock);
    assert_string_equal(log.text, "ac");
    assert_false(timer_armed(&b.timer));
    clock_destroy(clock);
}

static void count_call(void *opaque)
{
    ++*(int *)opaque;
}

static void test_listener_hears_only_of_closer_deadlines(void **state)
{
    (void)state;
    struct clock *clock = counted_clock();
    struct log log = {0};
    struct named a, b;
    int calls = 0;
    named_init(&a, clock, &log, 'a');
    named_init(&b, clock, &log, 'b');
    clock_on_deadline(clock, count_call, &calls);
    timer_set(&a.timer, 1000);
    assert_int_equal(calls, 1);
    timer_set(&b.timer, 2000);
    timer_set(&a.timer, 1500);
    timer_cancel(&b.timer);
    assert_int_equal(calls, 1);
    timer_set(&b.timer, 500);
    assert_int_equal(calls, 2);
    clock_forget_deadline(clock, &calls);
    timer_set(&b.timer, 100);
    assert_int_equal(calls, 2);
    clock_destroy(clock);
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void test_host_time(void **state)
{
    (void)state;
    struct clock *clock = clock_create();
    struct timer timer;
    timer_init(&timer, clock, count_call, NULL);
    assert_int_equal(clock_now(clock), 0);
    sleep_ms(2);
    assert_int_equal(clock_now(clock), 0);
    timer_set(&timer, 5000000);
    assert_true(clock_host_deadline(clock) == CLOCK_NEVER); /* stopped */
    i64 before = host_now();
    clock_start(clock);
    sleep_ms(2);
    i64 first = clock_now(clock);
    assert_true(first >= 2000000);
    i64 deadline = clock_host_deadline(clock);
    assert_true(deadline >= before + 5000000 && deadline <= host_now() + 5000000);
    clock_stop(clock);
    i64 stopped = clock_now(clock);
    assert_true(stopped >= first);
    sleep_ms(2);
    assert_int_equal(clock_now(clock), stopped);
    clock_set_counted(clock, true);
    clock_start(clock);
    clock_advance(clock, 7);
    assert_int_equal(clock_now(clock), stopped + 7);
    clock_set_counted(clock, false);
    assert_true(clock_now(clock) >= stopped + 7);
    clock_destroy(clock);
}

static u64 counted_so_far(void *opaque)
{
    return *(u64 *)opaque;
}

static void test_counter(void **state)
{
    (void)state;
    struct clock *clock = clock_create();
    u64 count = 1000;
    clock_set_counted(clock, true);
    clock_advance(clock, 50);
    clock_set_counter(clock, counted_so_far, &count, 2);
    assert_true(clock_has_counter(clock));
    assert_int_equal(clock_now(clock), 50);
    count += 10;
    assert_int_equal(clock_now(clock), 90);
    assert_int_equal(clock_count_at(clock, 90), 1010);
    assert_int_equal(clock_count_at(clock, 91), 1011); /* not before it */
    assert_int_equal(clock_count_at(clock, 94), 1011);
    assert_int_equal(clock_count_at(clock, 10), 1010); /* past */
    clock_advance(clock, 1000);                        /* an idle guest */
    assert_int_equal(clock_now(clock), 1090);
    assert_int_equal(clock_count_at(clock, 1094), 1011);
    clock_stop(clock);
    clock_start(clock);
    assert_int_equal(clock_now(clock), 1090);
    count = 3;
    clock_set(clock, 70); /* the machine went back */
    count += 1;
    assert_int_equal(clock_now(clock), 74);
    clock_destroy(clock);
}

static void test_muldiv(void **state)
{
    (void)state;
    assert_true(muldiv64(1ull << 62, 1193182, NS_PER_SECOND) == 5502580746839227ull);
    assert_true(muldiv64(NS_PER_SECOND, 14318180, NS_PER_SECOND) == 14318180);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_rearm_fires_once_per_call),
        cmocka_unit_test(test_cancel_of_a_due_timer),
        cmocka_unit_test(test_listener_hears_only_of_closer_deadlines),
        cmocka_unit_test(test_host_time),
        cmocka_unit_test(test_counter), cmocka_unit_test(test_muldiv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
