/*
 * fields_test.c: what is saved comes back; differences are named; damaged input changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/base/fields.h"

struct inner {
    u16 x;
    u8 list[3];
};

struct outer {
    u8 byte;
    u64 wide;
    bool flag, flags[4];
    u32 words[5];
    u8 raw[40];
    struct inner one, many[2];
    struct timer timer;
    u8 *buffer;
};

static const struct field inner_fields[] = {FIELD(struct inner, x), FIELD_ARRAY(struct inner, list),
                                            FIELD_END};
static const struct field outer_fields[] = {FIELD(struct outer, byte),
                                            FIELD(struct outer, wide),
                                            FIELD(struct outer, flag),
                                            FIELD_ARRAY(struct outer, flags),
                                            FIELD_ARRAY(struct outer, words),
                                            FIELD_BYTES(struct outer, raw),
                                            FIELD_STRUCT(struct outer, one, inner_fields),
                                            FIELD_STRUCTS(struct outer, many, inner_fields),
                                            FIELD_TIMER(struct outer, timer),
                                            FIELD_BUFFER(struct outer, buffer, 16),
                                            FIELD_END};

static void never(void *opaque)
{
    (void)opaque;
}

static void outer_init(struct outer *o, struct clock *clock, u8 *buffer)
{
    memset(o, 0, sizeof *o);
    memset(buffer, 0, 16);
    o->buffer = buffer;
    timer_init(&o->timer, clock, never, o);
}

static void outer_fill(struct outer *o)
{
    o->byte = 0x12;
    o->wide = 0x1122334455667788;
    o->flag = true;
    o->flags[2] = true;
    o->words[4] = 0xdeadbeef;
    memset(o->raw, 0xa5, sizeof o->raw);
    o->one.x = 7;
    o->many[1].list[2] = 9;
    timer_set(&o->timer, 12345);
    o->buffer[15] = 0x77;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct clock *clock = clock_create();
    struct outer a, b;
    u8 buffer_a[16], buffer_b[16];
    struct blob first = {0}, second = {0};
    struct error err;
    char path[64];
    outer_init(&a, clock, buffer_a);
    outer_init(&b, clock, buffer_b);
    outer_fill(&a);
    fields_save(outer_fields, &a, &first);
    assert_true(fields_differ(outer_fields, &a, &b, path, sizeof path));
    assert_true(fields_load(outer_fields, &b, &first, &err));
    assert_int_equal(first.pos, first.size);
    assert_false(fields_differ(outer_fields, &a, &b, path, sizeof path));
    assert_int_equal(b.timer.deadline_ns, 12345);
    fields_save(outer_fields, &b, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    timer_cancel(&a.timer);
    timer_cancel(&b.timer);
    blob_free(&first);
    blob_free(&second);
    clock_destroy(clock);
}

static void expect_difference(struct outer *a, struct outer *b, const char *expected)
{
    char path[64];
    assert_true(fields_differ(outer_fields, a, b, path, sizeof path));
    assert_string_equal(path, expected);
}

static void test_differences_are_named(void **state)
{
    (void)state;
    struct clock *clock = clock_create();
    struct outer a, b;
    u8 buffer_a[16], buffer_b[16];
    char tiny[4];
    outer_init(&a, clock, buffer_a);
    outer_init(&b, clock, buffer_b);
    b.buffer[3] = 1;
    expect_difference(&a, &b, "buffer");
    timer_set(&b.timer, 5);
    expect_difference(&a, &b, "timer");
    timer_cancel(&b.timer);
    b.many[1].list[1] = 1;
    expect_difference(&a, &b, "many[1].list[1]");
    assert_true(fields_differ(outer_fields, &a, &b, tiny, sizeof tiny));
    assert_string_equal(tiny, "man");
    b.words[3] = 1;
    expect_difference(&a, &b, "words[3]");
    clock_destroy(clock);
}

/* Whatever happens to the bytes, a load either succeeds or leaves the object as it was. */
static void test_damaged_input(void **state)
{
    (void)state;
    struct clock *clock = clock_create();
    struct outer a, b, clean;
    u8 buffer_a[16], buffer_b[16], buffer_c[16];
    struct blob good = {0};
    struct error err;
    char path[64];
    outer_init(&a, clock, buffer_a);
    outer_init(&clean, clock, buffer_c);
    outer_fill(&a);
    fields_save(outer_fields, &a, &good);
    outer_init(&b, clock, buffer_b);
    for (size_t size = 0; size < good.size; size++) {
        u8 *copy =
            malloc(size + 1); /* its exact size, so that the address sanitizer sees an overrun */
        memcpy(copy, good.data, size);
        struct blob cut = {.data = copy, .size = size, .capacity = size};
        assert_false(fields_load(outer_fields, &b, &cut, &err));
        assert_false(fields_differ(outer_fields, &b, &clean, path, sizeof path));
        free(copy);
    }
    srand(1);
    for (int round = 0; round < 20000; round++) {
        struct blob bad = {0};
        blob_put(&bad, good.data, good.size);
        for (int i = rand() % 4; i >= 0; i--) {
            bad.data[(size_t)rand() % bad.size] = (u8)rand();
        }
        if (!fields_load(outer_fields, &b, &bad, &err)) {
            assert_false(fields_differ(outer_fields, &b, &clean, path, sizeof path));
        } else {
            timer_cancel(&b.timer);
            outer_init(&b, clock, buffer_b);
        }
        blob_free(&bad);
    }
    timer_cancel(&a.timer);
    blob_free(&good);
    clock_destroy(clock);
}

static void test_print(void **state)
{
    (void)state;
    struct clock *clock = clock_create();
    struct outer a;
    u8 buffer[16];
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    outer_init(&a, clock, buffer);
    outer_fill(&a);
    fields_print(outer_fields, &a, out);
    fclose(out);
    assert_non_null(strstr(text, "wide = 0x1122334455667788\n"));
    assert_non_null(strstr(text, "many[1].list = 0x0 0x0 0x9\n"));
    assert_non_null(strstr(text, "timer = 12345 ns\n"));
    free(text);
    timer_cancel(&a.timer);
    clock_destroy(clock);
}

static void test_blob_get(void **state)
{
    (void)state;
    struct blob blob = {0};
    u32 value = 5;
    assert_false(blob_get(&blob, &value, 4));
    assert_int_equal(value, 0);
    blob_put(&blob, "abc", 3);
    assert_false(blob_get(&blob, &value, 4));
    assert_true(blob_get(&blob, &value, 3));
    blob_free(&blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_differences_are_named),
        cmocka_unit_test(test_damaged_input), cmocka_unit_test(test_print),
        cmocka_unit_test(test_blob_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
