/*
 * interp_test.c: blocks whose instructions have gone from the ring and are decoded again.
 */
#include "cpu/interp/interp.h"

#include "cpu/op/op_testing.h"

enum { BLOCKS = 3000, PAGE_END = CODE0 + PAGE_SIZE }; /* 64 instructions each: more than the ring holds */

/* A block ends before an instruction that goes on in the next page. It does not grow when the bytes of that one change. */
static void test_decoded_again(void **state)
{
    (void)state;
    struct bed *b   = bed_create("base");
    struct cpu *cpu = b->cpu;
    bed_protected(b, 0);
    CODE(b, PAGE_END - 4, "\x40\x40\x81\xc3"); /* inc eax twice; add ebx, ... */
    cpu->ip                = PAGE_END - 4;
    const struct block *it = interp_block(cpu, cpu->code_mode);
    assert_int_equal(it->count, 2);
    CODE(b, PAGE_END - 2, "\x40\x40");
    for (unsigned n = 0; n < BLOCKS; n++) {
        memset(b->ram.host + PAGES + 64 * n, 0x90, 64);
        cpu->ip = PAGES + 64 * n;
        interp_block(cpu, cpu->code_mode);
    }
    assert_null(it->insn);
    assert_false(it->stale);
    cpu->regs[0] = 0;
    cpu->ip      = PAGE_END - 4;
    cpu->pending = 1; /* one block is all */
    interp_run_block(cpu);
    assert_int_equal(cpu->regs[0], 2);
    assert_int_equal(cpu->ip, PAGE_END - 2);
    bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_decoded_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
