/*
 * x87_test.c: transcendental functions of registers that are in the host against the same in struct cpu: all registers, tags,
 * flags and the record of the instruction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/fpu/check.h"
#include "cpu/fpu/softfloat.h"
#include "cpu/operand.h"
#include "tcg/native.h"

OP(f2xm1);
OP(fyl2x);
OP(fpatan);
OP(fyl2xp1);
OP(fsin);
OP(fcos);

enum { CASES = 400000 };

static const struct {
    u8 modrm;
    void (*op)(struct cpu *cpu, const struct insn *i);
} functions[] = {{0xf0, op_f2xm1}, {0xf1, op_fyl2x}, {0xf3, op_fpatan}, {0xf9, op_fyl2xp1}, {0xfe, op_fsin}, {0xff, op_fcos}};

static u64 random_next(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x2545f4914f6cdd1du;
}

static struct float80 random_value(u64 *seed)
{
    static const u64 mantissas[] = {0, (u64)1 << 63, (u64)3 << 62, ~(u64)0, 1};
    u64              kind = random_next(seed), r = random_next(seed);
    u64              mantissa = kind & 7 ? r | (u64)1 << 63 : kind & 8 ? r : mantissas[r % ARRAY_LEN(mantissas)];
    u16              exponent = (u16)(kind >> 32);
    if (kind >> 4 & 15) {
        exponent = (u16)((exponent & 0x8000) | (0x3fff - 40 + (exponent & 0x7fff) % (kind & 0x100 ? 42 : 106)));
    } else if (kind & 0x200) {
        exponent = (u16)((exponent & 0x8000) | (kind & 0x400 ? 0x7fff : 0));
    }
    if ((kind >> 16 & 7) == 0) { /* few bits, which logarithms and cosines like */
        mantissa &= ~(u64)0 << (kind >> 20 & 63);
        mantissa |= kind & 7 ? (u64)1 << 63 : 0;
    }
    return (struct float80){mantissa, exponent};
}

static void random_state(struct x87 *x, u64 *seed)
{
    u64 kind = random_next(seed);
    memset(x, 0, sizeof *x);
    for (unsigned k = 0; k < 8; k++) {
        x->reg[k] = random_value(seed);
    }
    x->top     = kind & 7;
    x->valid   = kind >> 3 & 7 ? 0xff : (u8)(kind >> 8);
    x->control = (u16)(0x37f | (kind >> 16 & 0xc00));
    if (!(kind >> 32 & 7)) {
        x->control = (u16)((kind >> 40 & 0xf3f) | 0x40);
    }
    x->status = (u16)(kind >> 48 & (X87_CONDITIONS | FP_ALL) & ~(kind & 0x100 ? 0u : (unsigned)X87_C2));
    x->status &= (u16)(x->control | ~FP_ALL); /* none is pending */
    if (!(kind >> 35 & 15)) {
        x->status |= X87_SF | FP_INVALID;
        x->control |= FP_INVALID;
    }
}

static void test_functions(void **state)
{
    struct cpu *ours = calloc(1, sizeof *ours), *host = calloc(1, sizeof *host);
    u64         seed = 88172645463325252u;
    unsigned    taken = 0;
    (void)state;
    ours->cr0     = CR0_PE | CR0_NE | CR0_MP;
    ours->ip_mask = ~(u64)0;
    for (unsigned n = 0; n < CASES; n++) {
        unsigned    f    = n % ARRAY_LEN(functions);
        struct insn insn = {.opcode = 0xd9, .modrm = functions[f].modrm, .offset = (u16)(n & 0xfff)};
        random_state(&ours->x87, &seed);
        memcpy(host, ours, sizeof *host);
        functions[f].op(ours, &insn);
        x87_to_host(host);
        bool executed = x87_function(host, &insn);
        x87_from_host(host);
        taken += executed;
        if (!executed) {
            functions[f].op(host, &insn);
        }
        if (memcmp(&ours->x87, &host->x87, sizeof ours->x87) != 0) {
            const struct x87 *o = &ours->x87, *h = &host->x87;
            fail_msg("case %u, D9 %02x, in the host %d: status %04x, not %04x; ST(0) %04x:%016llx, not %04x:%016llx", n,
                     functions[f].modrm, executed, h->status, o->status, h->reg[h->top].sign_exponent,
                     (unsigned long long)h->reg[h->top].mantissa, o->reg[o->top].sign_exponent,
                     (unsigned long long)o->reg[o->top].mantissa);
        }
    }
    assert_in_range(taken, CASES / 4, CASES);
    free(ours);
    free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
