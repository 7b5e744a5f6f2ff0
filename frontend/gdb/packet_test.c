/*
 * packet_test.c: frames as gdb sends them, broken ones, and noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/gdb/packet.h"

/* What the last byte of a text comes to. */
static enum gdb_input feed(struct gdb_reader *r, const void *data, size_t size)
{
    enum gdb_input what = GDB_NOTHING;
    for (size_t k = 0; k < size; k++) {
        what = gdb_reader_byte(r, ((const u8 *)data)[k]);
    }
    return what;
}

static enum gdb_input feed_text(struct gdb_reader *r, const char *text)
{
    return feed(r, text, strlen(text));
}

static void packets(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    assert_int_equal(feed_text(&r, "$g#67"), GDB_PACKET);
    assert_string_equal((char *)r.data, "g");
    assert_int_equal(feed_text(&r, "+"), GDB_ACK);
    assert_int_equal(feed_text(&r, "-"), GDB_NAK);
    assert_int_equal(feed_text(&r, "\003"), GDB_INTERRUPT);
    assert_int_equal(feed_text(&r, "$#00"), GDB_PACKET);
    assert_int_equal(r.size, 0);
    assert_int_equal(feed_text(&r, "$X}\003#d8"), GDB_PACKET); /* } and # */
    assert_int_equal(r.size, 2);
    assert_string_equal((char *)r.data, "X#");
    assert_int_equal(feed_text(&r, "$m10,4#2E"), GDB_PACKET); /* digits of either case */
}

static void broken(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    assert_int_equal(feed_text(&r, "$g#68"), GDB_BROKEN);
    assert_int_equal(feed_text(&r, "$g#zz"), GDB_BROKEN);
    assert_int_equal(feed_text(&r, "$g}#e4"), GDB_BROKEN); /* nothing is escaped */
    assert_int_equal(feed_text(&r, "$lost$g#67"), GDB_PACKET);
    assert_string_equal((char *)r.data, "g");
    assert_int_equal(feed_text(&r, "noise\n$g#67"), GDB_PACKET);
}

static void long_ones(void **state)
{
    struct gdb_reader r = {0};
    u8 data[GDB_PACKET_MAX + 8];
    struct blob frame = {0};
    (void)state;
    memset(data, 'a', sizeof data);
    gdb_frame(&frame, data, GDB_PACKET_MAX);
    assert_int_equal(feed(&r, frame.data, frame.size), GDB_PACKET);
    assert_int_equal(r.size, GDB_PACKET_MAX);
    frame.size = 0;
    gdb_frame(&frame, data, GDB_PACKET_MAX + 1);
    assert_int_equal(feed(&r, frame.data, frame.size), GDB_BROKEN);
    assert_int_equal(feed_text(&r, "$g#67"), GDB_PACKET);
    blob_free(&frame);
}

/* Every byte comes back from a frame as it went in. */
static void there_and_back(void **state)
{
    struct gdb_reader r = {0};
    struct blob frame = {0};
    u8 data[256];
    (void)state;
    for (unsigned k = 0; k < sizeof data; k++) {
        data[k] = (u8)k;
    }
    gdb_frame(&frame, data, sizeof data);
    assert_int_equal(feed(&r, frame.data, frame.size), GDB_PACKET);
    assert_int_equal(r.size, sizeof data);
    assert_memory_equal(r.data, data, sizeof data);
    blob_free(&frame);
}

static void noise(void **state)
{
    struct gdb_reader r = {0};
    (void)state;
    srand(1);
    for (unsigned k = 0; k < 2000000; k++) {
        gdb_reader_byte(&r, k % 5 ? (u8)rand() : (u8)"$#}+\003a0"[rand() % 7]);
        assert_true(r.size <= GDB_PACKET_MAX);
    }
}

static void numbers(void **state)
{
    const char *at = "1f,";
    u64 value;
    u8 bytes[2];
    struct blob out = {0};
    (void)state;
    assert_true(hex_number(&at, &value));
    assert_int_equal(value, 0x1f);
    assert_int_equal(*at, ',');
    assert_false(hex_number(&at, &value));
    at = "ffffffffffffffff";
    assert_true(hex_number(&at, &value) && value == ~(u64)0);
    at = "10000000000000000";
    assert_false(hex_number(&at, &value));
    at = "12aF3";
    assert_true(hex_bytes(&at, bytes, 2) && bytes[0] == 0x12 && bytes[1] == 0xaf);
    assert_false(hex_bytes(&at, bytes, 1));
    hex_put(&out, bytes, 2);
    assert_memory_equal(out.data, "12af", 4);
    blob_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets), cmocka_unit_test(broken), cmocka_unit_test(long_ones),
        cmocka_unit_test(there_and_back), cmocka_unit_test(noise), cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
