/*
 * tlb_test.c: which entries each flush drops and keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "mmu/tlb.h"

#define HOST(n) ((const u8 *)(uintptr_t)(0x7f0000000000 + (u64)(n) * PAGE_SIZE))

static int setup(void **state)
{
    struct tlb *tlb = calloc(1, sizeof *tlb);
    tlb_init(tlb);
    *state = tlb;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static bool has(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la)
{
    return tlb_hit(tlb->data[view][kind], la, 1);
}

static bool has_fetch(struct tlb *tlb, enum tlb_view view, vaddr la)
{
    return tlb->fetch[view][tlb_fetch_index(la)].tag == (la & PAGE_MASK);
}

static void test_empty(void **state)
{
    struct tlb *tlb = *state;
    for (u64 page = 0; page < 3 * TLB_ENTRIES; page++) {
        for (unsigned view = 0; view < TLB_VIEWS; view++) {
            assert_false(has(tlb, view, TLB_READ, page << PAGE_SHIFT));
            assert_false(has(tlb, view, TLB_WRITE, (page << PAGE_SHIFT) + 0xfff));
            assert_false(has_fetch(tlb, view, page << PAGE_SHIFT));
        }
    }
}

static void test_hit_and_page_end(void **state)
{
    struct tlb *tlb = *state;
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x5555000, HOST(3), false, PAGE_SIZE);
    assert_ptr_equal(tlb_hit(tlb->data[TLB_USER][TLB_READ], 0x5555ff8, 8), HOST(3) + 0xff8);
    assert_null(tlb_hit(tlb->data[TLB_USER][TLB_READ], 0x5555ff9, 8));
    assert_false(has(tlb, TLB_USER, TLB_WRITE, 0x5555000));
    assert_false(has(tlb, TLB_SUPERVISOR, TLB_READ, 0x5555000));
}

static void test_local_flush_keeps_global(void **state)
{
    struct tlb *tlb = *state;
    for (u64 n = 0; n < TLB_ENTRIES; n++) {
        tlb_fill(tlb, TLB_SUPERVISOR, TLB_WRITE, n << PAGE_SHIFT, HOST(n), n % 3 == 0, PAGE_SIZE);
        tlb_fill_fetch(tlb, TLB_USER, n << PAGE_SHIFT, HOST(n), n % 5 == 0, PAGE_SIZE);
    }
    tlb_flush_local(tlb);
    for (u64 n = 0; n < TLB_ENTRIES; n++) {
        assert_int_equal(has(tlb, TLB_SUPERVISOR, TLB_WRITE, n << PAGE_SHIFT), n % 3 == 0);
        assert_int_equal(has_fetch(tlb, TLB_USER, n << PAGE_SHIFT), n % 5 == 0);
    }
    tlb_flush(tlb);
    test_empty(state);
}

/* A slot that held a global page and now holds a local one is local, and the other way around. */
static void test_slot_changes_kind(void **state)
{
    struct tlb *tlb = *state;
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x1000, HOST(1), true, PAGE_SIZE);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x1000 + TLB_ENTRIES * PAGE_SIZE, HOST(2), false, PAGE_SIZE);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x2000, HOST(1), false, PAGE_SIZE);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x2000 + TLB_ENTRIES * PAGE_SIZE, HOST(2), true, PAGE_SIZE);
    tlb_flush_local(tlb);
    assert_false(has(tlb, TLB_USER, TLB_READ, 0x1000 + TLB_ENTRIES * PAGE_SIZE));
    assert_true(has(tlb, TLB_USER, TLB_READ, 0x2000 + TLB_ENTRIES * PAGE_SIZE));
}

static void test_flush_page(void **state)
{
    struct tlb *tlb = *state;
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        for (vaddr la = 0x1000; la <= 0x3000; la += PAGE_SIZE) {
            tlb_fill(tlb, view, TLB_READ, la, HOST(1), true, PAGE_SIZE);
            tlb_fill(tlb, view, TLB_WRITE, la, HOST(1), false, PAGE_SIZE);
            tlb_fill_fetch(tlb, view, la, HOST(1), false, PAGE_SIZE);
        }
    }
    tlb_flush_page(tlb, 0x2345);
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        for (vaddr la = 0x1000; la <= 0x3000; la += PAGE_SIZE) {
            assert_int_equal(has(tlb, view, TLB_READ, la), la != 0x2000);
            assert_int_equal(has(tlb, view, TLB_WRITE, la), la != 0x2000);
            assert_int_equal(has_fetch(tlb, view, la), la != 0x2000);
        }
    }
}

/* Every piece of the large page goes, whichever address in it INVLPG names; pages elsewhere stay. */
static void flush_large(struct tlb *tlb, u64 bytes)
{
    vaddr large = 0xffff888040000000, other = 0x7ffff7dd3000;
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_READ, large, HOST(0), true, bytes);
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_WRITE, large + bytes - PAGE_SIZE, HOST(511), true, bytes);
    tlb_fill_fetch(tlb, TLB_SUPERVISOR, large + 0x5000, HOST(5), false, bytes);
    tlb_fill(tlb, TLB_USER, TLB_READ, other, HOST(9), false, PAGE_SIZE);
    tlb_flush_page(tlb, other + PAGE_SIZE);
    assert_true(has(tlb, TLB_SUPERVISOR, TLB_READ, large));
    tlb_flush_page(tlb, large + bytes / 2);
    assert_false(has(tlb, TLB_SUPERVISOR, TLB_READ, large));
    assert_false(has(tlb, TLB_SUPERVISOR, TLB_WRITE, large + bytes - PAGE_SIZE));
    assert_false(has_fetch(tlb, TLB_SUPERVISOR, large + 0x5000));
    assert_true(has(tlb, TLB_USER, TLB_READ, other));
    tlb_flush(tlb);
}

static void test_flush_large_page(void **state)
{
    flush_large(*state, 2u << 20);
    flush_large(*state, 4u << 20);
    flush_large(*state, 1u << 30);
}

static void test_flush_writes(void **state)
{
    struct tlb *tlb = *state;
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_WRITE, 0x1000, HOST(1), true, PAGE_SIZE);
    tlb_fill(tlb, TLB_USER, TLB_WRITE, 0x77000, HOST(1), false, PAGE_SIZE);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x77000, HOST(1), false, PAGE_SIZE);
    tlb_fill(tlb, TLB_USER, TLB_WRITE, 0x78000, HOST(2), false, PAGE_SIZE);
    tlb_flush_writes(tlb, HOST(1));
    assert_false(has(tlb, TLB_SUPERVISOR, TLB_WRITE, 0x1000));
    assert_false(has(tlb, TLB_USER, TLB_WRITE, 0x77000));
    assert_true(has(tlb, TLB_USER, TLB_READ, 0x77000));
    assert_true(has(tlb, TLB_USER, TLB_WRITE, 0x78000));
    tlb_flush_writes(tlb, NULL);
    assert_false(has(tlb, TLB_USER, TLB_WRITE, 0x78000));
    assert_true(has(tlb, TLB_USER, TLB_READ, 0x77000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hit_and_page_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_local_flush_keeps_global, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slot_changes_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_large_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_writes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
