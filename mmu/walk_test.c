/*
 * walk_test.c: what is said of pages beside one that was walked to, against walks to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "mmu/walk.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, TABLE_BYTES = 4096, TABLES_BYTES = 4 * TABLE_BYTES };

struct fixture {
    struct space  *space;
    struct region  ram;
    struct mapping mapping;
    u64            seed;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->space          = space_create("memory", 40);
    f->seed           = 1;
    region_init_ram(&f->ram, "ram", TABLES_BYTES);
    space_map(f->space, &f->mapping, &f->ram, 0, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    space_destroy(f->space);
    region_destroy(&f->ram);
    free(f);
    return 0;
}

static u64 below(struct fixture *f, unsigned n)
{
    f->seed = f->seed * 6364136223846793005 + 1442695040888963407;
    return (f->seed >> 33) % n;
}

static bool once(struct fixture *f, unsigned n)
{
    return !below(f, n);
}

static void put(struct fixture *f, unsigned table, unsigned index, unsigned size, u64 value)
{
    store_le(f->ram.host + table * TABLE_BYTES + index * size, value, size);
}

/* Rights that mostly allow. */
static u64 entry(struct fixture *f, unsigned size, u64 frame)
{
    return frame | (once(f, 16) ? 0 : P) | (once(f, 8) ? 0 : W) | (once(f, 8) ? 0 : U) | (once(f, 8) ? 0 : A) | (once(f, 4) ? 0 : D) |
           (once(f, 4) ? BIT(8) : 0) | (size == 8 && once(f, 8) ? BIT(63) : 0) | (size == 8 && once(f, 8) ? below(f, 16) << 59 : 0) |
           (size == 8 && once(f, 32) ? BIT(51) : 0);
}

static void fill_tables(struct fixture *f, struct paging *p)
{
    unsigned size = p->mode == PAGING_32 ? 4 : 8, levels = p->mode == PAGING_32 || p->mode == PAGING_PAE ? 1 : 3;
    memset(f->ram.host, 0, TABLES_BYTES);
    p->root = 0;
    for (unsigned k = 0; k < 4; k++) {
        p->pdpte[k] = P;
    }
    for (unsigned k = 0; k < levels; k++) {
        put(f, k, 0, size, entry(f, 4, (k + 1) * TABLE_BYTES) | P);
    }
    for (unsigned k = 0; k < 64; k++) {
        put(f, levels, k, size, entry(f, size, (16 + k) * PAGE_SIZE));
    }
}

/* What it says is what a walk says, which then changes nothing; it says nothing only where a walk faults or sets bits. */
static void test_beside(void **state)
{
    static const enum paging_mode modes[] = {PAGING_32, PAGING_PAE, PAGING_4LEVEL};
    struct fixture               *f       = *state;
    unsigned                      said = 0, rounds = 0;
    for (unsigned n = 0; n < 10000; n++) {
        struct paging p = {.mode = modes[below(f, 3)], .wp = once(f, 2), .nxe = once(f, 2), .smep = once(f, 2), .smap = once(f, 2),
                           .pge = once(f, 2), .phys_bits = 40, .a20_mask = ~(u64)0};
        bool               user = once(f, 2), ac = once(f, 2);
        enum access_kind   kind = (enum access_kind)below(f, 3);
        vaddr              la   = below(f, 64) << PAGE_SHIFT;
        struct walk_result found, beside, walked;
        if (p.mode == PAGING_4LEVEL && once(f, 2)) {
            p.key_no_access = once(f, 2) ? (u32)f->seed : 0;
            p.key_no_write  = (u32)(f->seed >> 8);
        }
        fill_tables(f, &p);
        found = walk(&p, f->space, la, kind, user, ac);
        for (unsigned k = 0; found.rule == RULE_NONE && k < 8; k++) {
            vaddr at = (la & ~(vaddr)(8 * PAGE_SIZE - 1)) + k * PAGE_SIZE;
            u8    before[TABLES_BYTES];
            memcpy(before, f->ram.host, sizeof before);
            bool says = walk_beside(&p, f->space, at, kind, user, ac, &found, &beside);
            assert_memory_equal(before, f->ram.host, sizeof before);
            walked       = walk(&p, f->space, at, kind, user, ac);
            bool changed = memcmp(before, f->ram.host, sizeof before);
            assert_int_equal(says, walked.rule == RULE_NONE && !changed);
            if (says) {
                assert_int_equal(beside.phys, walked.phys);
                assert_int_equal(beside.page_bytes, PAGE_SIZE);
                assert_int_equal(beside.global, walked.global);
                assert_int_equal(beside.writable, walked.writable);
                assert_int_equal(beside.user, walked.user);
                assert_int_equal(beside.key, walked.key);
            }
            said += says;
            rounds++;
        }
    }
    assert_in_range(said, rounds / 4, rounds - rounds / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_beside, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
