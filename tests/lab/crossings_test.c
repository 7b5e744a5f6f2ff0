/*
 * crossings_test.c: the log of crossings of a firmware's run: the same whatever executes it and wherever the machine has been in
 * between; what it counts adds up; it holds no more than it may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/lab/crossings.h"
#include "frontend/lab/history.h"
#include "frontend/lab/timeline.h"
#include "frontend/machine/counted.h"

enum { END = 12000000 };

static struct machine *create(enum accel accel, size_t capacity)
{
    struct machine_config config = {.ram_bytes = 32 << 20, .cpu = "qemu64", .vga = true, .boot_order = "c", .counted = true,
                                    .epoch = 1700000000, .accel = {.accel = accel, .threshold = 1}};
    struct error err;
    struct machine *m = machine_create();
    if (!pc_build(m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    history_create(m, HISTORY_BYTES);
    counted_open(m);
    crossings_start(m, capacity);
    return m;
}

static void destroy(struct machine *m)
{
    struct history *h = m->history;
    crossings_destroy(m);
    assert_null(m->cpu->crossing);
    machine_dismantle(m);
    machine_destroy(m);
    history_destroy(h);
}

static void go(struct machine *m, u64 count)
{
    struct error err;
    if (!history_go(m->history, count, &err)) {
        fail_msg("%llu: %s", (unsigned long long)count, err.text);
    }
}

static u64 sum(const u64 spent[LANES])
{
    u64 all = 0;
    for (unsigned l = 0; l < LANES; l++) {
        all += spent[l];
    }
    return all;
}

/* Every instruction was spent somewhere, in whatever pieces one looks at it. */
static void check_sums(const struct crossings *c)
{
    struct crossings_stats stats;
    struct crossings_span span;
    crossings_stats(c, &stats);
    u64 began = crossings_began(c), length = crossings_latest(c) - began, spent = 0, kinds = 0, crossings = 0;
    assert_int_equal(sum(stats.spent[UNIT_INSTRUCTIONS]), length);
    for (unsigned k = 0; k < CROSSING_KINDS; k++) {
        kinds += stats.kinds[k];
    }
    assert_int_equal(kinds, crossings_count(c));
    for (unsigned n = 0; n < 10; n++) {
        crossings_span(c, began + length * n / 10, began + length * (n + 1) / 10, &span);
        spent += sum(span.spent);
        crossings += span.crossings;
    }
    assert_true(spent + 100 > length && spent < length + 100); /* rounded where it is coarse */
    assert_true(crossings + 100 > kinds && crossings <= kinds + 100);
    u64 before = 0;
    for (u64 n = crossings_oldest(c); n < crossings_count(c); n++) {
        const struct crossing_record *r = crossings_at(c, n);
        assert_int_equal(r->number, n);
        assert_true(r->at[UNIT_INSTRUCTIONS] >= before);
        before = r->at[UNIT_INSTRUCTIONS];
    }
    assert_null(crossings_at(c, crossings_count(c)));
}

static void assert_same_point(const struct crossing_point *a, const struct crossing_point *b)
{
    assert_true(a->ip == b->ip && a->sp == b->sp && a->flags == b->flags && a->cs == b->cs && a->ss == b->ss);
    assert_true(a->ring == b->ring && a->mode == b->mode && a->smm == b->smm && a->halted == b->halted);
}

/* Not its padding. */
static void assert_same_record(const struct crossing_record *a, const struct crossing_record *b)
{
    const struct crossing *x = &a->crossing, *y = &b->crossing;
    assert_memory_equal(a->at, b->at, sizeof a->at);
    assert_memory_equal(a->spent, b->spent, sizeof a->spent);
    assert_int_equal(a->lane, b->lane);
    assert_true(x->count == y->count && x->kind == y->kind && x->vector == y->vector && x->rule == y->rule);
    assert_same_point(&x->from, &y->from);
    assert_same_point(&x->to, &y->to);
    assert_true(x->source.source == y->source.source && x->source.at == y->source.at && x->stack.source == y->stack.source);
    assert_true(x->frame.at == y->frame.at && x->frame.count == y->frame.count);
    assert_memory_equal(x->frame.value, y->frame.value, sizeof x->frame.value);
}

static void assert_same_log(const struct crossings *a, const struct crossings *b)
{
    struct crossings_stats sa, sb;
    crossings_stats(a, &sa);
    crossings_stats(b, &sb);
    assert_int_equal(crossings_count(a), crossings_count(b));
    assert_int_equal(crossings_oldest(a), crossings_oldest(b));
    for (u64 n = crossings_oldest(a); n < crossings_count(a); n++) {
        assert_same_record(crossings_at(a, n), crossings_at(b, n));
    }
    assert_memory_equal(&sa, &sb, sizeof sa);
}

static void same_in_both_executors(void **state)
{
    (void)state;
    struct machine *a = create(ACCEL_INTERP, 0), *b = create(ACCEL_TCG, 0);
    go(a, END);
    go(b, END);
    assert_true(crossings_count(a->crossings) > 1000);
    assert_int_equal(crossings_oldest(a->crossings), 0);
    assert_same_log(a->crossings, b->crossings);
    check_sums(a->crossings);
    destroy(a);
    destroy(b);
}

static void goes_back(size_t capacity)
{
    struct machine *a = create(ACCEL_TCG, capacity), *b = create(ACCEL_TCG, capacity);
    static const u32 moments[] = {3000000, 9000000, 9000001, 100, END - 1, 5000000, 4999999, END};
    go(a, END);
    go(b, END);
    for (unsigned n = 0; n < ARRAY_LEN(moments); n++) {
        go(b, moments[n]);
        assert_int_equal(crossings_now(b->crossings), moments[n]);
        assert_int_equal(crossings_latest(b->crossings) <= END, 1);
        assert_int_equal(crossings_count(a->crossings), crossings_count(b->crossings));
    }
    assert_same_log(a->crossings, b->crossings);
    check_sums(b->crossings);
    destroy(a);
    destroy(b);
}

static void same_after_going_back(void **state)
{
    (void)state;
    goes_back(0);
    goes_back(50);
}

/* An NMI that did not come the first time: what followed then has not happened. */
static void another_way(void **state)
{
    (void)state;
    struct machine *m = create(ACCEL_TCG, 0);
    go(m, END);
    u64 was = crossings_count(m->crossings), first = crossings_find(m->crossings, 6000000);
    assert_true(first < was);
    u8 then = crossings_at(m->crossings, first)->crossing.kind;
    go(m, 6000000);
    cpu_raise_nmi(m->cpu);
    go(m, 6000100);
    const struct crossing_record *r = crossings_at(m->crossings, first);
    assert_int_not_equal(r->crossing.kind, then); /* an NMI or, if it could not be delivered, a shutdown */
    assert_int_equal(r->at[UNIT_INSTRUCTIONS], 6000000);
    assert_true(crossings_count(m->crossings) < was);
    check_sums(m->crossings);
    crossings_stop(m);
    assert_null(m->cpu->crossing);
    go(m, 6000200);
    crossings_resume(m);
    assert_true(crossings_running(m->crossings));
    destroy(m);
}

static void bounded(void **state)
{
    (void)state;
    struct machine *m = create(ACCEL_INTERP, 64);
    go(m, END);
    assert_true(crossings_count(m->crossings) > 1000);
    assert_int_equal(crossings_count(m->crossings) - crossings_oldest(m->crossings), 64);
    assert_null(crossings_at(m->crossings, 0));
    check_sums(m->crossings);
    assert_non_null(crossings_first(m->crossings, 0));
    destroy(m);
}

/* Pages of all sorts, at all widths and in all ranges: nothing breaks. */
static void pages(void **state)
{
    (void)state;
    struct machine *m = create(ACCEL_TCG, 500);
    struct crossings *c = m->crossings;
    static const unsigned widths[] = {1, 20, 30, 40, 80, 132, 200};
    go(m, END / 2);
    struct timeline_range r = timeline_all(c);
    for (unsigned n = 0; n < 60; n++) {
        struct view v;
        view_init(&v, widths[n % ARRAY_LEN(widths)]);
        timeline_page(&v, c, &r);
        crossings_page(&v, c, NULL, crossings_count(c), 10);
        crossings_stats_page(&v, c);
        if (r.chosen) {
            crossing_page(&v, crossings_at(c, r.number), NULL);
        }
        view_free(&v);
        assert_true(r.first < r.last);
        if (n % 3) {
            timeline_zoom(&r, c, n < 40);
        } else {
            timeline_choose(&r, c, n % 2 ? 1 : -1);
        }
        timeline_move(&r, c, n % 5 ? 1 : -1);
    }
    destroy(m);
}

static void filters(void **state)
{
    (void)state;
    struct error err;
    struct crossings_filter f = {.vector = -1, .from = -1, .to = -1};
    struct crossing_record r = {.crossing = {.kind = CROSSING_INT, .vector = 0x80, .from.ring = 3}};
    assert_true(crossings_match(&f, &r));
    assert_true(crossings_filter_word(&f, "int80", &err));
    assert_true(crossings_match(&f, &r));
    assert_true(crossings_filter_word(&f, "from3", &err));
    assert_true(crossings_filter_word(&f, "changes", &err));
    assert_true(crossings_match(&f, &r));
    assert_true(crossings_filter_word(&f, "to1", &err));
    assert_false(crossings_match(&f, &r));
    f = (struct crossings_filter){.vector = -1, .from = -1, .to = -1};
    assert_true(crossings_filter_word(&f, "#pf", &err));
    assert_false(crossings_match(&f, &r));
    r.crossing = (struct crossing){.kind = CROSSING_EXCEPTION, .vector = VEC_PF};
    assert_true(crossings_match(&f, &r));
    assert_true(crossings_filter_word(&f, "syscall", &err));
    assert_false(crossings_filter_word(&f, "sysfoo", &err));
    assert_false(crossings_filter_word(&f, "int999", &err));
    assert_false(crossings_filter_word(&f, "", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_in_both_executors), cmocka_unit_test(same_after_going_back), cmocka_unit_test(another_way),
        cmocka_unit_test(bounded),                cmocka_unit_test(pages),                 cmocka_unit_test(filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
