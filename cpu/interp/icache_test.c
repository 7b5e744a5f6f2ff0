/*
 * icache_test.c: the ring of decoded instructions, and blocks whose places are used anew.
 */
#include "cpu/interp/icache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mmu/phys.h"

enum { PAGES = 64, RING = 8 << 20 };

struct fixture {
    struct icache *cache;
    u8            *ram;
    struct region  region;
};

static void stale(struct cpu *cpu, const struct insn *i)
{
    (void)cpu;
    (void)i;
}

static void run_stale(struct cpu *cpu, struct block *b)
{
    (void)cpu;
    (void)b;
}

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->cache          = icache_create(stale, run_stale);
    f->ram            = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    f->region.pages   = calloc(PAGES, sizeof *f->region.pages);
    *state            = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    icache_destroy(f->cache);
    free(f->ram);
    free(f->region.pages);
    free(f);
    return 0;
}

static void decode_into(struct fixture *f, struct block *b)
{
    struct decoded *d = icache_room(f->cache);
    for (unsigned k = 0; k <= b->count; k++) {
        d->insn[k] = (struct insn){.imm = b->serial, .number = (u8)k};
    }
    icache_keep(f->cache, d, b);
}

static struct block *add(struct fixture *f, unsigned at, unsigned count)
{
    struct block *b = icache_new(f->cache, f->ram + at, 8);
    b->count        = (u8)count;
    b->bytes        = 4;
    decode_into(f, b);
    icache_add(f->cache, b, &f->region, at & ~(PAGE_SIZE - 1u));
    return b;
}

static bool is_intact(const struct block *b)
{
    for (unsigned k = 0; k <= b->count; k++) {
        if (b->insn[k].imm != b->serial || b->insn[k].number != k) {
            return false;
        }
    }
    return true;
}

/* Whatever is decoded is as it was decoded, and the newest is there. */
static void test_ring(void **state)
{
    struct fixture *f = *state;
    enum { BLOCKS = 10000 };
    static struct block *block[BLOCKS];
    u32 noise = 1;
    for (unsigned k = 0; k < BLOCKS; k++) {
        noise    = noise * 1664525 + 1013904223;
        block[k] = add(f, k * 16, 1 + (noise >> 24) % BLOCK_INSNS_MAX);
    }
    unsigned evicted = 0;
    for (unsigned round = 0; round < 20000; round++) {
        noise           = noise * 1664525 + 1013904223;
        struct block *b = block[(noise >> 8) % BLOCKS];
        if (!b->insn) {
            decode_into(f, b);
            evicted++;
        }
        assert_true(is_intact(b));
        if (round % 1000 == 0) {
            size_t bytes = 0;
            for (unsigned k = 0; k < BLOCKS; k++) {
                if (block[k]->insn) {
                    assert_true(is_intact(block[k]));
                    bytes += sizeof(struct decoded) + (block[k]->count + 1u) * sizeof(struct insn);
                }
            }
            assert_true(bytes <= RING);
        }
    }
    assert_true(evicted > 1000);
    for (unsigned k = 0; k < BLOCKS; k++) {
        assert_ptr_equal(icache_find(f->cache, f->ram + k * 16, 8), block[k]);
        assert_null(icache_find(f->cache, f->ram + k * 16, 4));
    }
}

/* The place of a block whose bytes have changed is used anew, but not before everything decoded meanwhile has gone. */
static void test_reuse(void **state)
{
    struct fixture *f = *state;
    struct block   *old = add(f, 100, 3), *other = add(f, 200, 3);
    assert_true(f->region.pages[0].flags & PAGE_HAS_CODE);
    icache_written(f->cache, f->ram + 103, 1);
    assert_true(old->stale);
    assert_ptr_equal(old->run, run_stale);
    assert_ptr_equal(old->insn[0].fn, stale);
    assert_false(other->stale);
    assert_null(icache_find(f->cache, f->ram + 100, 8));
    assert_ptr_not_equal(add(f, 100, 3), old);
    struct block *b = add(f, 300, BLOCK_INSNS_MAX);
    for (unsigned k = 0; k < 2 * RING / (BLOCK_INSNS_MAX * sizeof(struct insn)) + 10; k++) {
        decode_into(f, b);
    }
    assert_true(is_intact(b));
    assert_null(other->insn);
    assert_ptr_equal(add(f, 400, 3), old);
    assert_false(old->stale);
    icache_written(f->cache, f->ram, PAGE_SIZE);
    assert_false(f->region.pages[0].flags & PAGE_HAS_CODE);
    assert_true(b->stale && other->stale && old->stale);
}

static void test_flush(void **state)
{
    struct fixture *f = *state;
    add(f, 100, 3);
    add(f, PAGE_SIZE + 8, 3);
    assert_true(icache_holds(f->cache, f->ram + 100, 1));
    icache_flush(f->cache);
    assert_null(icache_find(f->cache, f->ram + 100, 8));
    assert_false(icache_holds(f->cache, f->ram + 100, 1));
    assert_false((f->region.pages[0].flags | f->region.pages[1].flags) & PAGE_HAS_CODE);
    assert_true(is_intact(add(f, 100, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ring, begin, end),
        cmocka_unit_test_setup_teardown(test_reuse, begin, end),
        cmocka_unit_test_setup_teardown(test_flush, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
