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

/* Translated code looks at an entry that need not be that of its address: 32-bit code at the tag alone, 64-bit code at `host` too. */
static void no_empty_entry_is_hit(const struct tlb *tlb)
{
    for (unsigned n = 0; n < TLB_VIEWS * TLB_KINDS * TLB_ENTRIES; n++) {
        assert_true((&tlb->data[0][0][0])[n].tag > UINT32_MAX);
        assert_int_equal((&tlb->data[0][0][0])[n].host, 0);
    }
}

static void test_empty_elsewhere(void **state)
{
    struct tlb *tlb = *state;
    no_empty_entry_is_hit(tlb);
    for (unsigned page = 0; page < 3 * TLB_ENTRIES; page += 7) {
        tlb_fill(tlb, page % TLB_VIEWS, page % TLB_KINDS, (vaddr)page << PAGE_SHIFT, HOST(page), page % 5 == 0, PAGE_SIZE, 0);
    }
    for (unsigned page = 0; page < TLB_ENTRIES; page++) {
        tlb_flush_page(tlb, (vaddr)page << PAGE_SHIFT);
    }
    tlb_flush_local(tlb);
    tlb_flush(tlb);
    no_empty_entry_is_hit(tlb);
}

static void test_hit_and_page_end(void **state)
{
    struct tlb *tlb = *state;
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x5555000, HOST(3), false, PAGE_SIZE, 0);
    assert_ptr_equal(tlb_hit(tlb->data[TLB_USER][TLB_READ], 0x5555ff8, 8), HOST(3) + 0xff8);
    assert_null(tlb_hit(tlb->data[TLB_USER][TLB_READ], 0x5555ff9, 8));
    assert_false(has(tlb, TLB_USER, TLB_WRITE, 0x5555000));
    assert_false(has(tlb, TLB_SUPERVISOR, TLB_READ, 0x5555000));
}

static void test_local_flush_keeps_global(void **state)
{
    struct tlb *tlb = *state;
    for (u64 n = 0; n < TLB_ENTRIES; n++) {
        tlb_fill(tlb, TLB_SUPERVISOR, TLB_WRITE, n << PAGE_SHIFT, HOST(n), n % 3 == 0, PAGE_SIZE, 0);
        tlb_fill_fetch(tlb, TLB_USER, (n + TLB_ENTRIES) << PAGE_SHIFT, HOST(n), n % 5 == 0, PAGE_SIZE, 0);
    }
    tlb_flush_local(tlb);
    for (u64 n = 0; n < TLB_ENTRIES; n++) {
        assert_int_equal(has(tlb, TLB_SUPERVISOR, TLB_WRITE, n << PAGE_SHIFT), n % 3 == 0);
        assert_int_equal(has_fetch(tlb, TLB_USER, (n + TLB_ENTRIES) << PAGE_SHIFT), n % 5 == 0);
    }
    tlb_flush(tlb);
    test_empty(state);
}

/* A slot that held a global page and now holds a local one is local, and the other way around. */
static void test_slot_changes_kind(void **state)
{
    struct tlb *tlb = *state;
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x1000, HOST(1), true, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x1000 + TLB_ENTRIES * PAGE_SIZE, HOST(2), false, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x2000, HOST(1), false, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x2000 + TLB_ENTRIES * PAGE_SIZE, HOST(2), true, PAGE_SIZE, 0);
    tlb_flush_local(tlb);
    assert_false(has(tlb, TLB_USER, TLB_READ, 0x1000 + TLB_ENTRIES * PAGE_SIZE));
    assert_true(has(tlb, TLB_USER, TLB_READ, 0x2000 + TLB_ENTRIES * PAGE_SIZE));
}

static void test_flush_page(void **state)
{
    struct tlb *tlb = *state;
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        for (vaddr la = 0x1000; la <= 0x3000; la += PAGE_SIZE) {
            tlb_fill(tlb, view, TLB_READ, la, HOST(1), false, PAGE_SIZE, 0);
            tlb_fill(tlb, view, TLB_WRITE, la, HOST(1), false, PAGE_SIZE, 0);
            tlb_fill_fetch(tlb, view, la, HOST(1), false, PAGE_SIZE, 0);
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
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_READ, large, HOST(0), true, bytes, 0);
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_WRITE, large + bytes - PAGE_SIZE, HOST(511), true, bytes, 0);
    tlb_fill_fetch(tlb, TLB_SUPERVISOR, large + 0x5000, HOST(5), false, bytes, 0);
    tlb_fill(tlb, TLB_USER, TLB_READ, other, HOST(9), false, PAGE_SIZE, 0);
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
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_WRITE, 0x1000, HOST(1), true, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_WRITE, 0x77000, HOST(1), false, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x77000, HOST(1), false, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_WRITE, 0x78000, HOST(2), false, PAGE_SIZE, 0);
    tlb_flush_writes(tlb, HOST(1));
    assert_false(has(tlb, TLB_SUPERVISOR, TLB_WRITE, 0x1000));
    assert_false(has(tlb, TLB_USER, TLB_WRITE, 0x77000));
    assert_true(has(tlb, TLB_USER, TLB_READ, 0x77000));
    assert_true(has(tlb, TLB_USER, TLB_WRITE, 0x78000));
    tlb_flush_writes(tlb, NULL);
    assert_false(has(tlb, TLB_USER, TLB_WRITE, 0x78000));
    assert_true(has(tlb, TLB_USER, TLB_READ, 0x77000));
}

/* Two pages that compete for an entry: the second level keeps the loser, with the rights that it had. */
static void test_second_level(void **state)
{
    struct tlb *tlb = *state;
    vaddr       a = 0x400000, b = a + TLB_ENTRIES * PAGE_SIZE;
    tlb_fill(tlb, TLB_USER, TLB_READ, a, HOST(1), false, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_READ, b, HOST(2), true, 2u << 20, 0);
    assert_false(has(tlb, TLB_USER, TLB_READ, a));
    assert_null(tlb_refill(tlb, TLB_USER, TLB_WRITE, a));
    assert_null(tlb_refill(tlb, TLB_SUPERVISOR, TLB_READ, a));
    assert_null(tlb_refill_fetch(tlb, TLB_USER, a));
    assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_READ, a + 0x123), HOST(1));
    assert_true(has(tlb, TLB_USER, TLB_READ, a));
    tlb_flush_local(tlb);
    assert_null(tlb_refill(tlb, TLB_USER, TLB_READ, a));
    assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_READ, b), HOST(2));
    tlb_flush_page(tlb, b + PAGE_SIZE); /* of the same large page */
    assert_false(has(tlb, TLB_USER, TLB_READ, b));
    assert_null(tlb_refill(tlb, TLB_USER, TLB_READ, b));
}

static void test_second_level_writes(void **state)
{
    struct tlb *tlb = *state;
    vaddr       a = 0x400000;
    tlb_fill(tlb, TLB_USER, TLB_WRITE, a, HOST(1), false, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_READ, a, HOST(1), false, PAGE_SIZE, 0);
    tlb_flush_writes(tlb, HOST(1));
    assert_null(tlb_refill(tlb, TLB_USER, TLB_WRITE, a));
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_READ, a, HOST(1), false, PAGE_SIZE, 0);
    assert_null(tlb_refill(tlb, TLB_USER, TLB_WRITE, a));
    assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_READ, a), HOST(1));
}

/* A page that is found at another place takes its old place's entries with it. */
static void test_moved_page(void **state)
{
    struct tlb *tlb = *state;
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x5000, HOST(1), false, PAGE_SIZE, 0);
    tlb_fill(tlb, TLB_USER, TLB_WRITE, 0x5000, HOST(2), false, PAGE_SIZE, 0);
    assert_false(has(tlb, TLB_USER, TLB_READ, 0x5000));
    assert_null(tlb_refill(tlb, TLB_USER, TLB_READ, 0x5000));
}

static void test_pcids(void **state)
{
    struct tlb *tlb = *state;
    vaddr       la = 0x7000, other = 0x9000;
    tlb_fill(tlb, TLB_SUPERVISOR, TLB_READ, other, HOST(9), true, PAGE_SIZE, 0);
    for (unsigned pcid = 1; pcid < 5; pcid++) {
        tlb_set_pcid(tlb, pcid);
        assert_false(has(tlb, TLB_USER, TLB_READ, la));
        assert_null(tlb_refill(tlb, TLB_USER, TLB_READ, la));
        tlb_fill(tlb, TLB_USER, TLB_READ, la, HOST(pcid), false, PAGE_SIZE, 0);
        assert_true(has(tlb, TLB_SUPERVISOR, TLB_READ, other));
    }
    tlb_flush_pcid(tlb, 2);
    tlb_flush_pcid(tlb, 4);
    assert_false(has(tlb, TLB_USER, TLB_READ, la));
    tlb_set_pcid(tlb, 3);
    tlb_flush_page(tlb, la);
    for (unsigned pcid = 0; pcid < 5; pcid++) {
        tlb_set_pcid(tlb, pcid);
        assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_READ, la), pcid == 1 ? HOST(1) : NULL);
    }
    tlb_flush_all_pcids(tlb);
    assert_true(has(tlb, TLB_SUPERVISOR, TLB_READ, other));
    tlb_set_pcid(tlb, 1);
    assert_null(tlb_refill(tlb, TLB_USER, TLB_READ, la));
    tlb_fill(tlb, TLB_USER, TLB_READ, la, HOST(1), false, PAGE_SIZE, 0);
    tlb_set_pcid(tlb, 0);
    tlb_flush(tlb);
    tlb_set_pcid(tlb, 1);
    assert_null(tlb_refill(tlb, TLB_USER, TLB_READ, la));
    assert_null(tlb_refill(tlb, TLB_SUPERVISOR, TLB_READ, other));
}

/* What jumps remember of a view is void when something of its code may have moved, and only then. */
static void test_code_stamps(void **state)
{
    struct tlb *tlb    = *state;
    const u64  *stamps = tlb->code.stamp;
    tlb_fill_fetch(tlb, TLB_USER, 0x401000, HOST(1), false, PAGE_SIZE, 0);
    tlb_fill_fetch(tlb, TLB_SUPERVISOR, 0xffffffff81000000, HOST(2), true, PAGE_SIZE, 0);
    u64 user = stamps[TLB_USER], supervisor = stamps[TLB_SUPERVISOR];
    tlb_fill(tlb, TLB_USER, TLB_WRITE, 0x777000, HOST(3), false, PAGE_SIZE, 0);
    tlb_flush_page(tlb, 0x777000); /* data */
    assert_true(stamps[TLB_USER] == user && stamps[TLB_SUPERVISOR] == supervisor);
    tlb_flush_local(tlb);
    assert_true(stamps[TLB_USER] != user && stamps[TLB_SUPERVISOR] == supervisor);
    user = stamps[TLB_USER];
    tlb_flush_page(tlb, 0xffffffff81000000);
    assert_true(stamps[TLB_USER] == user && stamps[TLB_SUPERVISOR] != supervisor);
    supervisor = stamps[TLB_SUPERVISOR];
    tlb_fill_fetch(tlb, TLB_SUPERVISOR, 0x1000, HOST(4), false, PAGE_SIZE, 0);
    tlb_set_pcid(tlb, 3);
    assert_true(stamps[TLB_SUPERVISOR] != supervisor);
    user = stamps[TLB_USER], supervisor = stamps[TLB_SUPERVISOR];
    tlb_flush(tlb);
    assert_true(stamps[TLB_USER] != user && stamps[TLB_SUPERVISOR] != supervisor);
    assert_int_equal(stamps[TLB_USER] & 0xffff, 0);
}

/* Those with an odd number; with `opaque`, those without. */
static bool odd(void *opaque, unsigned kind, vaddr page)
{
    (void)kind;
    return (page >> PAGE_SHIFT & 1) != (opaque != NULL);
}

/* The same for where data is: its filter is filled by translated code, here by hand. */
static void test_near_stamps(void **state)
{
    struct tlb        *tlb = *state;
    struct tlb_stamps *s   = &tlb->near, was;
    memset(s->filter, 0xff, sizeof s->filter);
    s->local  = 1 << TLB_USER;
    s->global = 1 << TLB_SUPERVISOR;
    was       = *s;
    tlb_flush_writes(tlb, NULL);
    tlb_code_moved(tlb);
    assert_true(s->stamp[TLB_USER] == was.stamp[TLB_USER] && s->stamp[TLB_SUPERVISOR] == was.stamp[TLB_SUPERVISOR]);
    tlb_flush_page(tlb, 0x777000);
    assert_true(s->stamp[TLB_USER] != was.stamp[TLB_USER] && s->stamp[TLB_SUPERVISOR] != was.stamp[TLB_SUPERVISOR]);
    was = *s;
    tlb_deny_keys(tlb, TLB_USER, TLB_READ, 1u << 17);
    assert_true(s->stamp[TLB_USER] != was.stamp[TLB_USER]);
    was = *s;
    tlb_flush_local(tlb);
    assert_true(s->stamp[TLB_USER] != was.stamp[TLB_USER] && s->stamp[TLB_SUPERVISOR] == was.stamp[TLB_SUPERVISOR]);
    assert_true(!s->filter[TLB_USER][0] && s->filter[TLB_SUPERVISOR][0] && !s->local);
    was = *s;
    tlb_hold(tlb, odd, NULL);
    assert_true(s->stamp[TLB_USER] != was.stamp[TLB_USER] && s->stamp[TLB_SUPERVISOR] != was.stamp[TLB_SUPERVISOR]);
    was = *s;
    tlb_hold(tlb, NULL, NULL);
    tlb_flush(tlb);
    assert_true(s->stamp[TLB_USER] != was.stamp[TLB_USER] && s->stamp[TLB_SUPERVISOR] != was.stamp[TLB_SUPERVISOR]);
    assert_true(!s->filter[TLB_SUPERVISOR][0] && !s->global);
}

/* A key that becomes forbidden takes its pages out of the first level; allowed again, they come back from the second. */
static void test_keys(void **state)
{
    enum { USER_KEY_1 = 17 };
    struct tlb             *tlb  = *state;
    const struct tlb_entry *read = tlb->data[TLB_USER][TLB_READ], *write = tlb->data[TLB_USER][TLB_WRITE];
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x1000, HOST(1), false, PAGE_SIZE, USER_KEY_1);
    tlb_fill(tlb, TLB_USER, TLB_WRITE, 0x1000, HOST(1), false, PAGE_SIZE, USER_KEY_1);
    tlb_fill(tlb, TLB_USER, TLB_READ, 0x2000, HOST(2), true, PAGE_SIZE, 16);
    tlb_deny_keys(tlb, TLB_USER, TLB_WRITE, 1u << USER_KEY_1);
    assert_ptr_equal(tlb_hit(read, 0x1000, 1), HOST(1));
    assert_null(tlb_hit(write, 0x1000, 1));
    assert_null(tlb_refill(tlb, TLB_USER, TLB_WRITE, 0x1000));
    tlb_deny_keys(tlb, TLB_USER, TLB_WRITE, 0);
    assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_WRITE, 0x1000), HOST(1));
    tlb_deny_keys(tlb, TLB_USER, TLB_READ, 1u << 1); /* the same key of supervisor-mode addresses */
    assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_READ, 0x1000), HOST(1));
    tlb_deny_keys(tlb, TLB_USER, TLB_READ, 1u << 16);
    assert_null(tlb_hit(read, 0x2000, 1));
    assert_null(tlb_refill(tlb, TLB_USER, TLB_READ, 0x2000));
    assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_READ, 0x1000), HOST(1));
    tlb_fill_fetch(tlb, TLB_USER, 0x1000, HOST(1), false, PAGE_SIZE, USER_KEY_1);
    tlb_deny_keys(tlb, TLB_USER, TLB_READ, ~0u);
    assert_ptr_equal(tlb_refill_fetch(tlb, TLB_USER, 0x1000), HOST(1)); /* code has no key */
}

/* Whatever is filled and flushed: the first level knows nothing that the flushes since should have dropped. */
static void test_random(void **state)
{
    enum { PAGES = 64, PCIDS = 4 };
    struct tlb *tlb = *state;
    u64         filled[PCIDS][PAGES] = {{0}}; /* 0: must not be known; else the host page */
    u64         seed = 1;
    unsigned    pcid = 0;
    for (unsigned n = 0; n < 300000; n++) {
        seed       = seed * 6364136223846793005 + 1442695040888963407;
        unsigned k = seed >> 33 & (PAGES - 1), what = seed >> 41 & 127;
        vaddr    la = (vaddr)(k & 7) << PAGE_SHIFT | (vaddr)(k >> 3) << 25; /* eight pages compete for an entry */
        if (what < 60) {
            tlb_fill(tlb, TLB_USER, TLB_READ, la, HOST(filled[pcid][k] ? filled[pcid][k] : n + 1), false, PAGE_SIZE, 0);
            filled[pcid][k] = filled[pcid][k] ? filled[pcid][k] : n + 1;
        } else if (what < 110) {
            const u8 *host = tlb_hit(tlb->data[TLB_USER][TLB_READ], la, 1);
            host           = host ? host : tlb_refill(tlb, TLB_USER, TLB_READ, la);
            assert_true(!host || (filled[pcid][k] && host == HOST(filled[pcid][k])));
        } else if (what < 120) {
            pcid = k % PCIDS;
            tlb_set_pcid(tlb, pcid);
        } else if (what < 125) {
            tlb_flush_page(tlb, la);
            filled[pcid][k] = 0;
        } else {
            unsigned p = what == 125 ? k % PCIDS : pcid;
            what == 125 ? tlb_flush_pcid(tlb, p) : tlb_flush_local(tlb);
            for (k = 0; k < PAGES; k++) {
                filled[p][k] = 0;
            }
        }
    }
}

/* ---- pages that are held back */

static void test_held(void **state)
{
    struct tlb *tlb = *state;
    vaddr page = 0x5555000;
    tlb_fill(tlb, TLB_USER, TLB_READ, page, HOST(3), false, PAGE_SIZE, 0);
    tlb_hold(tlb, odd, NULL);
    assert_false(has(tlb, TLB_USER, TLB_READ, page));
    no_empty_entry_is_hit(tlb);
    assert_ptr_equal(tlb_held(tlb, TLB_USER, TLB_READ, page + 5), HOST(3));
    assert_ptr_equal(tlb_refill(tlb, TLB_USER, TLB_READ, page), HOST(3));
    assert_false(has(tlb, TLB_USER, TLB_READ, page));
    assert_null(tlb_held(tlb, TLB_USER, TLB_WRITE, page));
    tlb_fill_fetch(tlb, TLB_USER, page, HOST(3), false, PAGE_SIZE, 0);
    assert_false(has_fetch(tlb, TLB_USER, page));
    assert_ptr_equal(tlb_held(tlb, TLB_USER, TLB_FETCH, page), HOST(3));
    tlb_hold(tlb, odd, tlb);
    assert_true(has(tlb, TLB_USER, TLB_READ, page));
    tlb_hold(tlb, odd, NULL);
    tlb_flush_page(tlb, page);
    assert_null(tlb_held(tlb, TLB_USER, TLB_READ, page));
    tlb_hold(tlb, NULL, NULL);
    assert_false(has(tlb, TLB_USER, TLB_READ, page));
}

/* Whatever happens to it, a TLB that holds pages back knows what one that does not knows. */
static void test_held_random(void **state)
{
    struct tlb *plain = *state, *tlb = calloc(1, sizeof *tlb);
    u64 seed = 3;
    tlb_init(tlb);
    for (unsigned n = 0; n < 200000; n++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        unsigned k = seed >> 33 & 63, what = seed >> 41 & 127;
        enum tlb_view view = seed >> 50 & 1;
        enum tlb_kind kind = seed >> 51 & 1;
        vaddr la = (vaddr)(k & 7) << PAGE_SHIFT | (vaddr)(k >> 3) << 25;
        bool global = k & 8, large = (k & 0x30) == 0x30;
        if (what < 60) {
            tlb_fill(plain, view, kind, la, HOST(k + 1), global, large ? 1 << 21 : PAGE_SIZE, k & 3);
            tlb_fill(tlb, view, kind, la, HOST(k + 1), global, large ? 1 << 21 : PAGE_SIZE, k & 3);
        } else if (what < 110) {
            const u8 *known = tlb_hit(plain->data[view][kind], la, 1), *seen = tlb_hit(tlb->data[view][kind], la, 1);
            const u8 *held = tlb_held(tlb, view, kind, la);
            assert_true(!seen || !held);
            assert_ptr_equal(known, seen ? seen : held);
            assert_ptr_equal(known ? known : tlb_refill(plain, view, kind, la), seen ? seen : tlb_refill(tlb, view, kind, la));
        } else if (what < 114) {
            tlb_set_pcid(plain, k & 3);
            tlb_set_pcid(tlb, k & 3);
        } else if (what < 119) {
            tlb_flush_page(plain, la);
            tlb_flush_page(tlb, la);
        } else if (what == 120) {
            tlb_flush_local(plain);
            tlb_flush_local(tlb);
        } else if (what == 121) {
            tlb_flush_writes(plain, k & 1 ? HOST(k + 1) : NULL);
            tlb_flush_writes(tlb, k & 1 ? HOST(k + 1) : NULL);
        } else if (what == 122) {
            tlb_deny_keys(plain, view, kind, k & 15);
            tlb_deny_keys(tlb, view, kind, k & 15);
        } else if (what == 123 && k < 4) {
            tlb_flush(plain);
            tlb_flush(tlb);
        } else if (what > 124) {
            tlb_hold(tlb, k & 4 ? odd : NULL, k & 2 ? tlb : NULL);
        }
    }
    tlb_hold(tlb, NULL, NULL);
    free(tlb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hit_and_page_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_local_flush_keeps_global, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slot_changes_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_large_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_level_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_moved_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pcids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_code_stamps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_near_stamps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_held, setup, teardown),
        cmocka_unit_test_setup_teardown(test_held_random, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
