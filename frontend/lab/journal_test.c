/*
 * journal_test.c: recordings are read as they were written, and damaged ones end where the damage is.
 */
#include "frontend/lab/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/base/bits.h"

enum { EVENTS = 5000 };

static u64 next_random(u64 *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static struct journal_event make_event(u64 n, u8 *data)
{
    u64 seed = n;
    struct journal_event e = {.count = n * 1000, .ns = n * 1500, .kind = n % 7 ? (u8)(n % 11) : JOURNAL_CHECK,
                              .unit = (u8)(n & 3), .data = data};
    e.size = e.kind == JOURNAL_CHECK ? 8 : (u32)(next_random(&seed) % 40);
    for (u32 k = 0; k < e.size; k++) {
        data[k] = (u8)next_random(&seed);
    }
    return e;
}

static void write_recording(const char *path)
{
    struct blob head = {0};
    struct error err;
    u8 data[64] = {0};
    journal_put_text(&head, "word", "-m");
    journal_put_text(&head, "word", "");
    journal_put_text(&head, "memory", "128");
    struct journal_writer *w = journal_create(path, &head, &err);
    assert_non_null(w);
    for (u64 n = 0; n < EVENTS; n++) {
        struct journal_event e = make_event(n, data);
        journal_put(w, &e);
    }
    journal_put(w, &(struct journal_event){.count = EVENTS * 1000, .ns = EVENTS * 1500, .kind = JOURNAL_END, .size = 8,
                                         .data = data});
    assert_true(journal_close(w, &err));
    blob_free(&head);
}

static void what_is_written_is_read(void **state)
{
    char path[] = "/tmp/ringside-journal.XXXXXX";
    struct error err;
    const char *damaged;
    const struct journal_event *got;
    u8 data[64];
    (void)state;
    close(mkstemp(path));
    write_recording(path);
    struct journal_reader *r = journal_open(path, &err);
    assert_non_null(r);
    assert_string_equal(journal_text(r, "word", 0), "-m");
    assert_string_equal(journal_text(r, "word", 1), "");
    assert_null(journal_text(r, "word", 2));
    assert_string_equal(journal_text(r, "memory", 0), "128");
    for (u64 n = 0; n < EVENTS; n++) {
        struct journal_event e = make_event(n, data);
        got = journal_next(r, &damaged);
        assert_non_null(got);
        assert_ptr_equal(journal_next(r, &damaged), got);
        assert_true(got->count == e.count && got->ns == e.ns && got->kind == e.kind && got->unit == e.unit && got->size == e.size);
        assert_memory_equal(got->data, e.data, e.size);
        journal_take(r);
    }
    got = journal_next(r, &damaged);
    assert_true(got && got->kind == JOURNAL_END);
    journal_take(r);
    assert_null(journal_next(r, &damaged));
    assert_null(damaged);
    journal_free(r);
    unlink(path);
}

/* Reads all that can be read. */
static void read_through(const char *path)
{
    struct error err;
    const char *damaged;
    struct journal_reader *r = journal_open(path, &err);
    if (!r) {
        assert_true(err.text[0]);
        return;
    }
    u64 count = 0;
    journal_text(r, "word", 3);
    for (const struct journal_event *e; (e = journal_next(r, &damaged));) {
        u8 sum = 0;
        assert_true(e->count >= count && e->size <= JOURNAL_DATA_MAX);
        for (u32 k = 0; k < e->size; k++) {
            sum = (u8)(sum + e->data[k]);
        }
        count = e->count + (sum & 0);
        journal_take(r);
    }
    journal_free(r);
}

static void damage_does_no_harm(void **state)
{
    char path[] = "/tmp/ringside-journal.XXXXXX";
    u64 seed = 12345;
    (void)state;
    close(mkstemp(path));
    write_recording(path);
    FILE *f = fopen(path, "rb");
    static u8 whole[1 << 20], bytes[1 << 20];
    size_t size = fread(whole, 1, sizeof whole, f);
    fclose(f);
    for (unsigned n = 0; n < 3000; n++) {
        size_t cut = n % 3 ? size : next_random(&seed) % (size + 1);
        memcpy(bytes, whole, size);
        for (u64 k = next_random(&seed) % 6; k > 0; k--) {
            u64 place = next_random(&seed) % 4 ? next_random(&seed) % 200 : next_random(&seed) % size;
            bytes[place % size] = (u8)next_random(&seed);
        }
        f = fopen(path, "wb");
        fwrite(bytes, 1, cut, f);
        fclose(f);
        read_through(path);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
