/*
 * loop_test.c: descriptors, posted work, timers and kicks; who is woken, and that sleeping costs no
 * processor time.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/base/loop.h"

#define MS 1000000ll

struct bed {
    struct clock *clock;
    struct loop *loop;
    int pipe[2];
    int reads, writes, works, fires;
    _Atomic int kicks;
};

static void bed_kicked(void *opaque)
{
    atomic_fetch_add(&((struct bed *)opaque)->kicks, 1);
}

static void bed_ready(void *opaque, unsigned events)
{
    struct bed *bed = opaque;
    bed->reads += !!(events & LOOP_READ);
    bed->writes += !!(events & LOOP_WRITE);
}

static void bed_work(void *opaque)
{
    ((struct bed *)opaque)->works++;
}

static void bed_fire(void *opaque)
{
    ((struct bed *)opaque)->fires++;
}

static int setup(void **state)
{
    static struct bed bed; /* one per test program */
    bed = (struct bed){0};
    bed.clock = clock_create();
    bed.loop = loop_create(bed.clock);
    loop_on_ready(bed.loop, bed_kicked, &bed);
    *state = &bed;
    return pipe(bed.pipe);
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    loop_destroy(bed->loop);
    clock_destroy(bed->clock);
    close(bed->pipe[0]);
    close(bed->pipe[1]);
    return 0;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MS}, NULL);
}

static bool kicked_within(struct bed *bed, int kicks, int ms)
{
    for (; ms > 0 && atomic_load(&bed->kicks) < kicks; ms--) {
        sleep_ms(1);
    }
    return atomic_load(&bed->kicks) >= kicks;
}

static i64 cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (i64)ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

static void test_descriptor(void **state)
{
    struct bed *bed = *state;
    char byte;
    loop_watch(bed->loop, bed->pipe[0], LOOP_READ, bed_ready, bed);
    loop_dispatch(bed->loop, false, 0);
    assert_int_equal(bed->reads, 0);
    assert_int_equal(write(bed->pipe[1], "x", 1), 1);
    loop_dispatch(bed->loop, true, -1);
    assert_int_equal(bed->reads, 1);
    loop_dispatch(bed->loop, false, 0); /* still ready */
    assert_int_equal(bed->reads, 2);
    assert_int_equal(read(bed->pipe[0], &byte, 1), 1);
    loop_dispatch(bed->loop, false, 0);
    assert_int_equal(bed->reads, 2);
    loop_watch(bed->loop, bed->pipe[1], LOOP_WRITE, bed_ready, bed);
    loop_dispatch(bed->loop, true, -1);
    assert_int_equal(bed->writes, 1);
    loop_watch(bed->loop, bed->pipe[1], 0, NULL, NULL);
    loop_dispatch(bed->loop, false, 0);
    assert_int_equal(bed->writes, 1);
    close(bed->pipe[1]);
    bed->pipe[1] = dup(bed->pipe[0]);
    loop_dispatch(bed->loop, true, -1); /* a hang-up counts as readable */
    assert_int_equal(bed->reads, 3);
    loop_watch(bed->loop, bed->pipe[0], 0, NULL, NULL);
}

static void test_wait_ends_at_timeout_and_timer(void **state)
{
    struct bed *bed = *state;
    struct timer timer;
    timer_init(&timer, bed->clock, bed_fire, bed);
    i64 start = host_now();
    loop_dispatch(bed->loop, true, 5 * MS);
    assert_true(host_now() - start >= 5 * MS);
    timer_set(&timer, 8 * MS);
    loop_dispatch(bed->loop, true, 5 * MS); /* the clock is stopped: no timer fires */
    assert_int_equal(bed->fires, 0);
    clock_start(bed->clock);
    start = host_now();
    while (!bed->fires) {
        loop_dispatch(bed->loop, true, -1);
    }
    assert_true(host_now() - start >= 7 * MS);
    assert_true(clock_now(bed->clock) >= 8 * MS);
}

static void *post_later(void *opaque)
{
    struct bed *bed = opaque;
    sleep_ms(5);
    loop_post(bed->loop, bed_work, bed);
    return NULL;
}

static void test_post_from_another_thread(void **state)
{
    struct bed *bed = *state;
    pthread_t thread;
    pthread_create(&thread, NULL, post_later, bed);
    while (!bed->works) {
        loop_dispatch(bed->loop, true, -1);
    }
    pthread_join(thread, NULL);
    assert_int_equal(bed->works, 1);
}

static void test_watcher_wakes_a_running_processor(void **state)
{
    struct bed *bed = *state;
    loop_watch(bed->loop, bed->pipe[0], LOOP_READ, bed_ready, bed);
    loop_dispatch(bed->loop, false, 0); /* arms the watcher */
    sleep_ms(5);
    assert_int_equal(atomic_load(&bed->kicks), 0);
    assert_int_equal(write(bed->pipe[1], "x", 1), 1);
    assert_true(kicked_within(bed, 1, 1000));
    i64 before = cpu_ns();
    sleep_ms(50);
    assert_true(cpu_ns() - before < 5 * MS); /* it parks, although the descriptor stays ready */
    assert_int_equal(atomic_load(&bed->kicks), 1);
    loop_dispatch(bed->loop, false, 0);
    assert_int_equal(bed->reads, 1);
    assert_true(kicked_within(bed, 2, 1000)); /* armed again: still ready */
    loop_watch(bed->loop, bed->pipe[0], 0, NULL, NULL);
    loop_dispatch(bed->loop, false, 0);
    sleep_ms(5);
    int kicks = atomic_load(&bed->kicks);
    loop_kick(bed->loop);
    assert_true(kicked_within(bed, kicks + 1, 1000));
}

static void test_watcher_meets_deadlines(void **state)
{
    struct bed *bed = *state;
    struct timer timer, late;
    timer_init(&timer, bed->clock, bed_fire, bed);
    timer_init(&late, bed->clock, bed_fire, bed);
    clock_start(bed->clock);
    timer_set(&late, 3600000 * MS);
    loop_dispatch(bed->loop, false, 0);
    sleep_ms(3);
    timer_set(&timer, clock_now(bed->clock) + 10 * MS); /* closer: the sleeping watcher must hear */
    assert_true(kicked_within(bed, 1, 1000));
    assert_true(clock_now(bed->clock) >= timer.deadline_ns);
    loop_dispatch(bed->loop, false, 0);
    assert_int_equal(bed->fires, 1);
    /* moved away before it was due: nobody is bothered */
    timer_set(&timer, clock_now(bed->clock) + 100 * MS);
    sleep_ms(1);
    timer_set(&timer, 3600000 * MS);
    sleep_ms(120);
    assert_int_equal(atomic_load(&bed->kicks), 1);
    timer_set(&timer, clock_now(bed->clock) + 5 * MS); /* closer again, after the host's timer was too early */
    assert_true(kicked_within(bed, 2, 1000));
    timer_cancel(&timer);
    timer_cancel(&late);
}

static void test_idle_is_cheap(void **state)
{
    struct bed *bed = *state;
    struct timer timer;
    timer_init(&timer, bed->clock, bed_fire, bed);
    clock_start(bed->clock);
    i64 before = cpu_ns();
    while (bed->fires < 25) { /* 250 Hz for 100 ms */
        if (!timer_armed(&timer)) {
            timer_set(&timer, clock_now(bed->clock) + 4 * MS);
        }
        loop_dispatch(bed->loop, true, -1);
    }
    assert_true(cpu_ns() - before < 20 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_descriptor),
        T(test_wait_ends_at_timeout_and_timer),
        T(test_post_from_another_thread),
        T(test_watcher_wakes_a_running_processor),
        T(test_watcher_meets_deadlines),
        T(test_idle_is_cheap),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
