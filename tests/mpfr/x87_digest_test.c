/*
 * x87_digest_test.c: the first 10,000 cases of every x87 function, which MPFR judges where it is (x87_mpfr_test), have the same
 * results on every host: registers, tags and status, as a checksum.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/mpfr/x87_cases.h"

enum { CASES = 10000 };

static const u64 digests[X87_FUNCTIONS] = {
    [F2XM1] = 0x8105bcb537ce5815,
    [FYL2X] = 0x2befe3d23097b96f,
    [FPTAN] = 0x5228745ee8261973,
    [FPATAN] = 0x8d899bb7709cd4ec,
    [FPREM1] = 0x00c34a4eff071458,
    [FPREM] = 0xb6aca0c1d04e7771,
    [FYL2XP1] = 0xeadb91997ca1fca2,
    [FSQRT] = 0x641d060d14cdd5a8,
    [FSINCOS] = 0x3bcf199702b1818b,
    [FSIN] = 0x804458cab615b7de,
    [FCOS] = 0x30159de3c10e9996,
};

static void test_digests(void **state)
{
    struct cpu *cpu = calloc(1, sizeof *cpu);
    (void)state;
    for (enum x87_function f = 0; f < X87_FUNCTIONS; f++) {
        u64 digest = X87_DIGEST_BEGIN;
        for (u64 n = 0; n < CASES; n++) {
            struct x87_case c = x87_case(f, n);
            struct insn     insn;
            x87_case_begin(&c, cpu, &insn);
            x87_functions[f].op(cpu, &insn);
            digest = x87_digest(digest, &cpu->x87);
        }
        if (digest != digests[f]) {
            fail_msg("%s: checksum 0x%016llx, not 0x%016llx", x87_functions[f].name, (unsigned long long)digest,
                     (unsigned long long)digests[f]);
        }
    }
    free(cpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
