/*
 * x87_test.c: images of saved state, checks and error reporting, transcendental functions.
 *
 * Arithmetic is judged by the host processor in tests/host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/fpu/check.h"
#include "cpu/fpu/f80_trans.h"
#include "cpu/operand.h"

OP(fld1);
OP(fldz);
OP(fldpi);
OP(fld_m64);
OP(fdiv_st0);
OP(fnop);
OP(wait);
OP(fnclex);
OP(fninit);
OP(fnstcw);
OP(fnstenv);
OP(fldenv);
OP(fnsave);
OP(frstor);
OP(fxsave);
OP(fxrstor);
OP(xsave);
OP(xsaveopt);
OP(xrstor);
OP(xsavec);
OP(xsaves);
OP(xrstors);
OP(ldmxcsr);
OP(stmxcsr);
OP(emms);

/* A processor whose one page of memory is reached through the TLB at its host address. */
struct bench {
    struct cpu cpu;
    struct insn insn;
    u8 *memory; /* one page */
    struct irq ferr;
    bool ferr_level;
    unsigned ferr_changes;
};

static void ferr_set(void *opaque, int line, bool level)
{
    struct bench *b = opaque;
    (void)line;
    b->ferr_level = level;
    b->ferr_changes++;
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->memory = aligned_alloc(4096, 4096);
    memset(b->memory, 0xcc, 4096);
    struct cpu *c = &b->cpu;
    vaddr la = (u64)(uintptr_t)b->memory;
    c->cr0 = CR0_PE | CR0_NE | CR0_MP;
    c->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    c->xcr0 = 3;
    c->mxcsr = 0x1f80;
    c->code_bytes = 8;
    c->protected_mode = c->long_mode = true;
    c->ip_mask = ~(u64)0;
    c->features.word[WORD_1D] = ~0u;
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        c->seg[n].read_bytes = c->seg[n].write_bytes = ~(u64)0;
        c->seg[n].selector = (u16)(8 * n + 8);
    }
    tlb_init(&c->tlb);
    c->tlb_read = c->tlb.data[0][TLB_READ];
    c->tlb_write = c->tlb.data[0][TLB_WRITE];
    c->tlb.data[0][TLB_READ][tlb_index(la)] = (struct tlb_entry){la, la};
    c->tlb.data[0][TLB_WRITE][tlb_index(la)] = (struct tlb_entry){la, la};
    c->regs[R_BX] = la;
    b->ferr = (struct irq){ferr_set, b, 13};
    c->ferr_irq = &b->ferr;
    x87_init(c);
    b->insn.opcode = 0xd9;
    b->insn.base = R_BX;
    b->insn.index = R_ZERO;
    b->insn.seg = SEG_DS;
    b->insn.opsize = 4;
    b->insn.offset = 0x123;
    c->regs[R_IPBASE] = 0x7000;
    c->current = &b->insn;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    free(b->memory);
    free(b);
    return 0;
}

/* Runs an instruction; `mem`: it has a memory operand at `at` in the page. The rule that it
 * violated, or RULE_NONE. */
static enum rule run_at(struct bench *b, op_fn op, unsigned at)
{
    b->insn.mem = true;
    b->insn.disp = at;
    if (sigsetjmp(b->cpu.fault_exit, 0)) {
        return b->cpu.raised.rule;
    }
    op(&b->cpu, &b->insn);
    return RULE_NONE;
}

static enum rule run(struct bench *b, op_fn op)
{
    b->insn.mem = false;
    if (sigsetjmp(b->cpu.fault_exit, 0)) {
        return b->cpu.raised.rule;
    }
    op(&b->cpu, &b->insn);
    return RULE_NONE;
}

static void divide_by_zero(struct bench *b)
{
    run(b, op_fldz);
    run(b, op_fld1);
    b->insn.rm = 1;
    assert_int_equal(run(b, op_fdiv_st0), RULE_NONE);
}

/* ---- checks */

static void test_device_not_available(void **state)
{
    struct bench *b = *state;
    b->cpu.cr0 |= CR0_TS;
    assert_int_equal(run(b, op_fld1), RULE_NM_TASK_SWITCHED);
    assert_int_equal(run(b, op_fninit), RULE_NM_TASK_SWITCHED);
    assert_int_equal(run(b, op_wait), RULE_NM_WAIT);
    assert_int_equal(run(b, op_emms), RULE_NM_TASK_SWITCHED);
    assert_int_equal(run_at(b, op_fxsave, 0), RULE_NM_TASK_SWITCHED);
    assert_int_equal(run_at(b, op_xsave, 0), RULE_NM_TASK_SWITCHED);
    assert_int_equal(run_at(b, op_ldmxcsr, 0), RULE_NM_TASK_SWITCHED);
    b->cpu.cr0 &= ~(u64)CR0_MP;
    assert_int_equal(run(b, op_wait), RULE_NONE);
    b->cpu.cr0 ^= CR0_TS | CR0_EM;
    assert_int_equal(run(b, op_fld1), RULE_NM_EMULATE);
    assert_int_equal(run(b, op_emms), RULE_UD_MMX_EM);
    assert_int_equal(run_at(b, op_ldmxcsr, 0), RULE_UD_SSE_OFF);
    assert_int_equal(b->cpu.x87.valid, 0);
}

static void test_pending_exception(void **state)
{
    struct bench *b = *state;
    b->cpu.x87.control = 0x37b; /* divide by zero unmasked */
    divide_by_zero(b);
    assert_int_equal(b->cpu.x87.status & 0xff, 0x84);
    assert_int_equal(b->cpu.x87.valid, 0xc0); /* nothing stored, nothing popped */
    assert_int_equal(b->cpu.x87.reg[6].sign_exponent, 0x3fff);
    assert_int_equal(run_at(b, op_fnstcw, 0), RULE_NONE); /* does not wait */
    assert_int_equal(run(b, op_fnop), RULE_MF_PENDING);
    assert_int_equal(run(b, op_wait), RULE_MF_PENDING);
    assert_int_equal(run(b, op_emms), RULE_MF_PENDING);
    assert_int_equal(run(b, op_fnclex), RULE_NONE);
    assert_int_equal(run(b, op_fnop), RULE_NONE);
    assert_int_equal(b->ferr_changes, 0);
}

static void test_ferr(void **state)
{
    struct bench *b = *state;
    b->cpu.cr0 &= ~(u64)CR0_NE;
    b->cpu.x87.control = 0x37b;
    divide_by_zero(b);
    assert_true(b->ferr_level && b->cpu.ferr);
    x87_clear_ferr(&b->cpu);
    assert_false(b->ferr_level || b->cpu.ferr);
    assert_int_equal(run(b, op_fnop), RULE_NONE); /* IGNNE# */
    assert_int_equal(b->cpu.x87.status & 0x80, 0x80);
    run(b, op_fnclex);
    assert_int_equal(b->ferr_changes, 2);
    run(b, op_fdiv_st0);
    assert_true(b->ferr_level);
    run(b, op_fninit);
    assert_false(b->ferr_level);
}

static void test_stack_faults(void **state)
{
    struct bench *b = *state;
    for (unsigned n = 0; n < 8; n++) {
        run(b, op_fld1);
    }
    run(b, op_fldz);
    assert_int_equal(b->cpu.x87.status, 0x241); /* C1: overflow */
    assert_int_equal(b->cpu.x87.reg[7].sign_exponent, 0xffff);
    assert_int_equal(b->cpu.x87.top, 7);
}

/* ---- images */

static void fill(struct bench *b)
{
    struct x87 *x = &b->cpu.x87;
    run(b, op_fld1);
    run(b, op_fldz);
    run(b, op_fldpi);
    x->opcode = 0x5a5;
    x->ip = 0x12345;
    x->ip_selector = 0x1000;
    x->dp = 0x6789a;
    x->dp_selector = 0x2000;
}

static void test_environment_protected(void **state)
{
    static const u8 wide[28] = {0x7f, 0x03, 0xff, 0xff, 0x00, 0x28, 0xff, 0xff, 0xff, 0x13,
                                0xff, 0xff, 0x45, 0x23, 0x01, 0x00, 0x00, 0x10, 0xa5, 0x05,
                                0x9a, 0x78, 0x06, 0x00, 0x00, 0x20, 0xff, 0xff};
    static const u8 narrow[14] = {0x7f, 0x03, 0x00, 0x28, 0xff, 0x13, 0x45,
                                  0x23, 0x00, 0x10, 0x9a, 0x78, 0x00, 0x20};
    struct bench *b = *state;
    fill(b);
    b->cpu.x87.control = 0x37f;
    assert_int_equal(run_at(b, op_fnstenv, 64), RULE_NONE);
    assert_memory_equal(b->memory + 64, wide, sizeof wide);
    assert_int_equal(b->memory[64 + 28], 0xcc);
    b->insn.opsize = 2;
    assert_int_equal(run_at(b, op_fnstenv, 128), RULE_NONE);
    assert_memory_equal(b->memory + 128, narrow, sizeof narrow);
    assert_int_equal(b->memory[128 + 14], 0xcc);
    b->insn.opsize = 4;
    x87_init(&b->cpu);
    assert_int_equal(run_at(b, op_fldenv, 64), RULE_NONE);
    assert_int_equal(b->cpu.x87.top, 5);
    assert_int_equal(b->cpu.x87.valid, 0xe0);
    assert_int_equal(b->cpu.x87.opcode, 0x5a5);
    assert_int_equal(b->cpu.x87.ip, 0x12345);
    assert_int_equal(b->cpu.x87.dp_selector, 0x2000);
}

static void test_environment_real(void **state)
{
    /* linear: 10000h + 12345h = 22345h, 20000h + 6789Ah = 8789Ah */
    static const u8 wide[28] = {0x7f, 0x03, 0xff, 0xff, 0x00, 0x28, 0xff, 0xff, 0xff, 0x13,
                                0xff, 0xff, 0x45, 0x23, 0xff, 0xff, 0xa5, 0x25, 0x00, 0x00,
                                0x9a, 0x78, 0xff, 0xff, 0x00, 0x80, 0x00, 0x00};
    static const u8 narrow[14] = {0x7f, 0x03, 0x00, 0x28, 0xff, 0x13, 0x45,
                                  0x23, 0xa5, 0x25, 0x9a, 0x78, 0x00, 0x80};
    struct bench *b = *state;
    fill(b);
    b->cpu.protected_mode = b->cpu.long_mode = false;
    run_at(b, op_fnstenv, 64);
    assert_memory_equal(b->memory + 64, wide, sizeof wide);
    b->insn.opsize = 2;
    run_at(b, op_fnstenv, 128);
    assert_memory_equal(b->memory + 128, narrow, sizeof narrow);
    x87_init(&b->cpu);
    run_at(b, op_fldenv, 128);
    memset(b->memory + 128, 0, 14);
    run_at(b, op_fnstenv, 128);
    assert_memory_equal(b->memory + 128, narrow, sizeof narrow);
}

static void test_environment_unmasks(void **state)
{
    struct bench *b = *state;
    divide_by_zero(b);
    run_at(b, op_fnstenv, 64);
    b->memory[64] = 0x7b;
    assert_int_equal(run_at(b, op_fldenv, 64), RULE_NONE);
    assert_int_equal(b->cpu.x87.status & 0x8080, 0x8080);
    assert_int_equal(run(b, op_fnop), RULE_MF_PENDING);
}

static void test_save_restore(void **state)
{
    struct bench *b = *state;
    fill(b);
    struct x87 before = b->cpu.x87;
    run_at(b, op_fnsave, 256);
    assert_int_equal(b->cpu.x87.valid, 0);
    assert_int_equal(b->cpu.x87.top, 0);
    memset(b->cpu.x87.reg, 0, sizeof b->cpu.x87.reg);
    run_at(b, op_frstor, 256);
    assert_memory_equal(&before, &b->cpu.x87, sizeof before);
    assert_int_equal(load16(b->memory + 256 + 28 + 8), 0x4000); /* ST(0) first: pi */
}

static void test_fxsave(void **state)
{
    struct bench *b = *state;
    fill(b);
    b->cpu.xmm[15].q[1] = 0x1122334455667788;
    struct x87 before = b->cpu.x87;
    assert_int_equal(run_at(b, op_fxsave, 8), RULE_GP_FXSAVE_UNALIGNED);
    run_at(b, op_fxsave, 512);
    u8 *m = b->memory + 512;
    assert_int_equal(m[4], 0xe0);
    assert_int_equal(load16(m + 6), 0x5a5);
    assert_int_equal(load32(m + 8), 0x12345);
    assert_int_equal(load16(m + 12), 0x1000);
    assert_int_equal(load32(m + 24), 0x1f80);
    assert_int_equal(load32(m + 28), 0xffff);
    assert_int_equal(load16(m + 32 + 8), 0x4000);
    assert_int_equal(load64(m + 160 + 15 * 16 + 8), 0x1122334455667788);
    assert_int_equal(m[416], 0xcc);
    x87_init(&b->cpu);
    memset(b->cpu.xmm, 0, sizeof b->cpu.xmm);
    assert_int_equal(run_at(b, op_fxrstor, 512), RULE_NONE);
    assert_memory_equal(&before, &b->cpu.x87, sizeof before);
    assert_int_equal(b->cpu.xmm[15].q[1], 0x1122334455667788);
    store32(m + 24, 0x10000);
    assert_int_equal(run_at(b, op_fxrstor, 512), RULE_GP_MXCSR);
    b->cpu.code_bytes = 4;
    memset(m, 0xcc, 512);
    run_at(b, op_fxsave, 512);
    assert_int_equal(m[160 + 8 * 16], 0xcc);
}

static void test_xsave(void **state)
{
    struct bench *b = *state;
    u8 *m = b->memory + 1024;
    memset(m, 0, 576);
    b->cpu.regs[R_AX] = 3;
    b->cpu.xmm[3].d[1] = 7;
    assert_int_equal(run_at(b, op_xsave, 1024 + 16), RULE_GP_XSAVE_UNALIGNED);
    assert_int_equal(run_at(b, op_xsaveopt, 1024), RULE_NONE);
    assert_int_equal(load64(m + 512), 2); /* x87 is in its initial state */
    assert_int_equal(load16(m), 0);
    fill(b);
    struct x87 before = b->cpu.x87;
    run_at(b, op_xsave, 1024);
    assert_int_equal(load64(m + 512), 3);
    m[512] = 2;
    run_at(b, op_xrstor, 1024);
    assert_int_equal(b->cpu.x87.valid, 0);
    assert_int_equal(b->cpu.xmm[3].d[1], 7);
    m[512] = 1;
    run_at(b, op_xrstor, 1024);
    assert_memory_equal(&before, &b->cpu.x87, sizeof before);
    assert_int_equal(b->cpu.xmm[3].d[1], 0);
    m[512] = 4;
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_GP_XRSTOR_BV);
    m[512] = 3;
    m[520] = 1;
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_GP_XRSTOR_HEADER);
    m[520] = 0;
    m[527] = 0x80;
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_GP_XRSTOR_COMPACTED);
    b->cpu.cr4 = 0;
    assert_int_equal(run_at(b, op_xsave, 1024), RULE_UD_XSAVE_OFF);
}

/* The upper halves of YMM registers: a component of their own, in both forms of the area. */
static void test_xsave_avx(void **state)
{
    struct bench *b = *state;
    u8 *m = b->memory + 1024;
    memset(m, 0, 832);
    b->cpu.xcr0 = 7;
    b->cpu.features.word[WORD_D1A] = 15;
    b->cpu.regs[R_AX] = XCR0_AVX;
    b->cpu.xmm[3].q[0] = 5;
    b->cpu.xmm[3].q[3] = 0x0102030405060708;
    assert_int_equal(run_at(b, op_xsaveopt, 1024), RULE_NONE);
    assert_int_equal(load64(m + 512), XCR0_AVX);
    assert_int_equal(load32(m + 24), 0x1f80); /* MXCSR goes with AVX too */
    assert_true(load64(m + 576 + 16 * 3 + 8) == 0x0102030405060708);
    memset(b->cpu.xmm, 0xff, sizeof b->cpu.xmm);
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_NONE);
    assert_true(b->cpu.xmm[3].q[3] == 0x0102030405060708 && b->cpu.xmm[4].q[2] == 0);
    assert_true(b->cpu.xmm[3].q[0] == ~(u64)0);

    memset(m, 0xcc, 832);
    b->cpu.regs[R_AX] = 7;
    memset(b->cpu.xmm, 0, sizeof b->cpu.xmm);
    b->cpu.xmm[1].q[2] = 9;
    b->cpu.mxcsr = 0x1fa0;
    assert_int_equal(run_at(b, op_xsavec, 1024), RULE_NONE);
    assert_true(load64(m + 512) == (XCR0_SSE | XCR0_AVX) && load64(m + 520) == (BIT(63) | 7));
    assert_int_equal(load32(m + 528), 0xcccccccc);
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_GP_XRSTOR_HEADER);
    memset(m + 528, 0, 48);
    b->cpu.xmm[1].q[2] = 0;
    b->cpu.mxcsr = 0x1f80;
    assert_int_equal(run_at(b, op_xrstors, 1024), RULE_NONE);
    assert_true(b->cpu.xmm[1].q[2] == 9 && b->cpu.mxcsr == 0x1fa0);
    m[512] = XCR0_AVX; /* SSE state, and MXCSR with it, in its initial configuration */
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_NONE);
    assert_int_equal(b->cpu.mxcsr, 0x1f80);
    m[520] = 3;
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_GP_XRSTOR_LAYOUT);
    b->cpu.xcr0 = 3;
    m[520] = 7;
    assert_int_equal(run_at(b, op_xrstor, 1024), RULE_GP_XRSTOR_LAYOUT);
    m[527] = 0;
    assert_int_equal(run_at(b, op_xrstors, 1024), RULE_GP_XRSTORS_STANDARD);
    b->cpu.cpl = 3;
    assert_int_equal(run_at(b, op_xrstors, 1024), RULE_GP_XSAVES_CPL);
    assert_int_equal(run_at(b, op_xsaves, 1024), RULE_GP_XSAVES_CPL);
}

static void test_mxcsr(void **state)
{
    struct bench *b = *state;
    store32(b->memory, 0x1fc0);
    assert_int_equal(run_at(b, op_ldmxcsr, 0), RULE_NONE);
    run_at(b, op_stmxcsr, 8);
    assert_int_equal(load32(b->memory + 8), 0x1fc0);
    store32(b->memory, 0x80000000);
    assert_int_equal(run_at(b, op_ldmxcsr, 0), RULE_GP_MXCSR);
    sse_exceptions(&b->cpu, FP_INEXACT);
    assert_int_equal(b->cpu.mxcsr, 0x1fe0);
    b->cpu.mxcsr &= ~0x1000u;
    if (!sigsetjmp(b->cpu.fault_exit, 0)) {
        sse_exceptions(&b->cpu, FP_INEXACT);
        fail();
    }
    assert_int_equal(b->cpu.raised.rule, RULE_XM_UNMASKED);
    b->cpu.cr4 &= ~(u64)CR4_OSXMMEXCPT;
    if (!sigsetjmp(b->cpu.fault_exit, 0)) {
        sse_exceptions(&b->cpu, FP_INEXACT);
        fail();
    }
    assert_int_equal(b->cpu.raised.rule, RULE_UD_XM_OFF);
}

static void test_pointers(void **state)
{
    struct bench *b = *state;
    b->insn.modrm = 0x43;
    b->insn.opcode = 0xdd;
    store64(b->memory + 16, 0x3ff0000000000000);
    run_at(b, op_fld_m64, 16);
    assert_int_equal(b->cpu.x87.opcode, 0x543);
    assert_int_equal(b->cpu.x87.ip, 0x7123);
    assert_int_equal(b->cpu.x87.dp, (u64)(uintptr_t)b->memory + 16);
    assert_int_equal(b->cpu.x87.dp_selector, b->cpu.seg[SEG_DS].selector);
    b->insn.modrm = 0xe8;
    run(b, op_fld1); /* no memory operand: FDP stays */
    assert_int_equal(b->cpu.x87.dp, (u64)(uintptr_t)b->memory + 16);
    run_at(b, op_fnstcw, 32); /* control instructions leave all of them */
    assert_int_equal(b->cpu.x87.opcode, 0x5e8);
}

/* ---- transcendental functions: expected results rounded from 400 bits; the trigonometric ones
 * with the 66-bit pi */

enum function { SIN, COS, TAN, EXP, LOG, LOG1P, ATAN };
struct sample {
    enum function function;
    struct float80 y, x, result;
};
static const struct sample samples[] = {
    {ATAN,
     {0x9d2c67eda13ffe79ull, 0x3ffc},
     {0xcdabb4817253edc6ull, 0x3ffc},
     {0xa70c02aba6af58ffull, 0x3ffe}},
    {ATAN,
     {0xb0b17d0b09208a65ull, 0xbffd},
     {0xc7321cc007b37e14ull, 0x4001},
     {0xe2d92eb6a45cbb60ull, 0xbffa}},
    {ATAN,
     {0xc105cca7b53302fcull, 0xbfff},
     {0x834c687a3acb6266ull, 0x3ffe},
     {0x9f193dfeb4c4593cull, 0xbfff}},
    {ATAN,
     {0xfaf8cda9601e5b45ull, 0x4000},
     {0x90f5380e12b2a414ull, 0x4004},
     {0xdcc0c62bd1ee034aull, 0x3ffb}},
    {ATAN,
     {0xad7c50487ca07386ull, 0xc004},
     {0xf28a6fcf303a07b2ull, 0x4002},
     {0x9e05f59b4dae5588ull, 0xbfff}},
    {ATAN,
     {0xaff3600735f11af2ull, 0xc000},
     {0x9a1de24edab871d5ull, 0xc004},
     {0xc480c2ae373f248dull, 0xc000}},
    {ATAN,
     {0x99edbce703f8670dull, 0x3fff},
     {0xf40572419f452c07ull, 0xbffc},
     {0xe21a262153737a51ull, 0x3fff}},
    {ATAN,
     {0x8dce6f52f0be600dull, 0xbffd},
     {0xe361b9f8f33c1a7full, 0xc001},
     {0xc6918f857557709cull, 0xc000}},
    {ATAN,
     {0xfa285a0db869135cull, 0x3ffb},
     {0xfab366023a782ebbull, 0xc002},
     {0xc8902249de7b00abull, 0x4000}},
    {ATAN,
     {0xde68b7ca482ea760ull, 0xc002},
     {0xa1af214af91acb8dull, 0x3ffb},
     {0xc855c09e73e40251ull, 0xbfff}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0xc90fdaa22168c235ull, 0x4000},
     {0x8000000000000000ull, 0xbfff}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0xcf44dd3f89e7d15full, 0xc02f},
     {0xeb2e6bb64c26edb7ull, 0xbffa}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0x97491e2370c6a5b8ull, 0xbff0},
     {0xfffffffd34c54c81ull, 0x3ffe}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0x902a174f11fa2ac0ull, 0x4039},
     {0xff8cada9d073b3e7ull, 0xbffe}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0xacc6d8f2c74c7ccfull, 0x3ff9},
     {0xfff16ca9a997d9eeull, 0x3ffe}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0xbb5d6b48fc3b66faull, 0x4039},
     {0xacac7ee357ade8ccull, 0xbffb}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0x8ac793f519af685dull, 0x3fe9},
     {0xfffffffffff69887ull, 0x3ffe}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0xfbd55ee6965768e0ull, 0x4020},
     {0xe0bfcebf50e5a0f8ull, 0x3ffe}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0xebe49ee714186ebfull, 0x3fdd},
     {0x8000000000000000ull, 0x3fff}},
    {COS,
     {0x0000000000000000ull, 0x0000},
     {0x9da9b14dda36e0d6ull, 0x4025},
     {0x879966fc75b24d2bull, 0xbffd}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0xdda1494c73cf256dull, 0xbff2},
     {0x999c68cb733dda79ull, 0xbff2}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0x986e86cb0ab8ab67ull, 0xbfed},
     {0xd3509f9209f74890ull, 0xbfec}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0xa3ea284d3bd03346ull, 0x3fea},
     {0xe33bea1eec72cf58ull, 0x3fe9}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0x9b98fbe466809a11ull, 0x3ffc},
     {0xe37918d8e0858d44ull, 0x3ffb}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0xcfab6f3e164f1513ull, 0x3feb},
     {0x8ff21ac1ec5dcf66ull, 0x3feb}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0xa4ca83b26b52b08dull, 0x3fed},
     {0xe47306d1131215b3ull, 0x3fec}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0xc21e7a607108e022ull, 0xbfe1},
     {0x868d965ab9b64c16ull, 0xbfe1}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0xe2d74145ddd4a054ull, 0xbfe6},
     {0x9d3bed0904ac2b2cull, 0xbfe6}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0x89e803191bea8593ull, 0xbff1},
     {0xbf2ca334ac06ecdbull, 0xbff0}},
    {EXP,
     {0x0000000000000000ull, 0x0000},
     {0xb65fdcd647bc7548ull, 0xbffe},
     {0xc7863ec1ef0faa23ull, 0xbffd}},
    {LOG,
     {0xc7fde805ec99108dull, 0x4008},
     {0xdae445508201e2bdull, 0x3ffe},
     {0xb4bbe403d522dee3ull, 0xc006}},
    {LOG,
     {0xa767779673f778aaull, 0xc012},
     {0x9f8558a628518867ull, 0x34c1},
     {0xeb3900eef043224dull, 0x401d}},
    {LOG,
     {0xa9964aef012d0ea6ull, 0x3ff0},
     {0xc735af1ca7a11490ull, 0x3fff},
     {0xd871268240ab06c3ull, 0x3fef}},
    {LOG,
     {0x911b8aaa62f28d1aull, 0xbfec},
     {0x8023b682af5570eeull, 0x3b1c},
     {0xb146570f8386b013ull, 0x3ff6}},
    {LOG,
     {0xe8f918d8f6cdb2f8ull, 0x3ff2},
     {0xb4ff00ae3f1347deull, 0x3ffe},
     {0xe90f2f1ee08bc0e1ull, 0xbff1}},
    {LOG,
     {0xebb6a3de65151c40ull, 0x3ff8},
     {0xdd44fd3645114889ull, 0x473e},
     {0xd59751f3dd01deb3ull, 0x4003}},
    {LOG,
     {0xd4366c219c3ecb54ull, 0x3ffd},
     {0x9304145212ca3f70ull, 0x3ffe},
     {0xa9ce714b1f701f1bull, 0xbffd}},
    {LOG,
     {0xcf91540c27756991ull, 0xbff9},
     {0xbfdf23489c461cb5ull, 0x4b7d},
     {0x951e15bf665a0876ull, 0xc005}},
    {LOG,
     {0xbd0840fb41536363ull, 0x4004},
     {0xd2df2c206bba8d21ull, 0x3fff},
     {0x88252c30e9753271ull, 0x4004}},
    {LOG,
     {0xbfbd7d143437f5abull, 0x3fec},
     {0xe953404844e9e4a5ull, 0x428a},
     {0xf41e796b75906cf4ull, 0x3ff5}},
    {LOG1P,
     {0xc7fde805ec99108dull, 0x4008},
     {0xcdcc69292f45e678ull, 0x3fe3},
     {0xe7f275f8ccc703edull, 0x3fed}},
    {LOG1P,
     {0xa767779673f778aaull, 0xc012},
     {0x8743feb6d4ea65d0ull, 0x3fc7},
     {0xff38d93de5bcbd34ull, 0xbfda}},
    {LOG1P,
     {0xa9964aef012d0ea6ull, 0x3ff0},
     {0x8d1fe1daff666589ull, 0x3ff8},
     {0x864c04d67c8688fbull, 0x3fea}},
    {LOG1P,
     {0x911b8aaa62f28d1aull, 0xbfec},
     {0xed52a24135b00a54ull, 0x3fc6},
     {0xc2129320877b1547ull, 0xbfb4}},
    {LOG1P,
     {0xe8f918d8f6cdb2f8ull, 0x3ff2},
     {0x8f552c9402cdf2afull, 0xbfe0},
     {0xbc2f6ba3ab0af452ull, 0xbfd4}},
    {LOG1P,
     {0xebb6a3de65151c40ull, 0x3ff8},
     {0xff769e374ddc74c8ull, 0x3ffb},
     {0x9fe5c661c34a1c59ull, 0x3ff6}},
    {LOG1P,
     {0xd4366c219c3ecb54ull, 0x3ffd},
     {0x952e1b8b356f8bd1ull, 0x3feb},
     {0xb268aa4722563126ull, 0x3fea}},
    {LOG1P,
     {0xcf91540c27756991ull, 0xbff9},
     {0xa891dd3c3096c6c8ull, 0xbff2},
     {0xc533702b0893bf9aull, 0x3fed}},
    {LOG1P,
     {0xbd0840fb41536363ull, 0x4004},
     {0x852395744b1e943eull, 0xbfce},
     {0x8dd51e76b7771618ull, 0xbfd4}},
    {LOG1P,
     {0xbfbd7d143437f5abull, 0x3fec},
     {0x8f7a04433fc2a908ull, 0x3fc5},
     {0x9b08e17966e80ed7ull, 0x3fb3}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0xc90fdaa22168c235ull, 0x4000},
     {0x8000000000000000ull, 0xbfbf}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0xcf44dd3f89e7d15full, 0xc02f},
     {0xff93e20a44cae717ull, 0xbffe}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0x97491e2370c6a5b8ull, 0xbff0},
     {0x97491e22e3e2adc8ull, 0xbff0}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0x902a174f11fa2ac0ull, 0x4039},
     {0xf2e259792b05f138ull, 0xbffa}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0xacc6d8f2c74c7ccfull, 0x3ff9},
     {0xacc3917f7c94f06dull, 0x3ff9}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0xbb5d6b48fc3b66faull, 0x4039},
     {0xff16a5274825b5c7ull, 0xbffe}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0x8ac793f519af685dull, 0x3fe9},
     {0x8ac793f519adb554ull, 0x3fe9}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0xfbd55ee6965768e0ull, 0x4020},
     {0xf5249d17d2743e20ull, 0xbffd}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0xebe49ee714186ebfull, 0x3fdd},
     {0xebe49ee714186ebfull, 0x3fdd}},
    {SIN,
     {0x0000000000000000ull, 0x0000},
     {0x9da9b14dda36e0d6ull, 0x4025},
     {0xf6dbd30bc2a20583ull, 0xbffe}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0xc90fdaa22168c235ull, 0x4000},
     {0x8000000000000000ull, 0x3fbf}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0xcf44dd3f89e7d15full, 0xc02f},
     {0x8b19d6710521c8c9ull, 0x4003}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0x97491e2370c6a5b8ull, 0xbff0},
     {0x97491e248a8e959cull, 0xbff0}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0x902a174f11fa2ac0ull, 0x4039},
     {0xf34ff4a597d36569ull, 0x3ffa}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0xacc6d8f2c74c7ccfull, 0x3ff9},
     {0xaccd682f69543a96ull, 0x3ff9}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0xbb5d6b48fc3b66faull, 0x4039},
     {0xbd17ae0d92a4ec4cull, 0x4002}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0x8ac793f519af685dull, 0x3fe9},
     {0x8ac793f519b2ce70ull, 0x3fe9}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0xfbd55ee6965768e0ull, 0x4020},
     {0x8b9d5f4a1b1d6e77ull, 0xbffe}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0xebe49ee714186ebfull, 0x3fdd},
     {0xebe49ee714186ebfull, 0x3fdd}},
    {TAN,
     {0x0000000000000000ull, 0x0000},
     {0x9da9b14dda36e0d6ull, 0x4025},
     {0xe906371db2ecbf7eull, 0x4000}},
};

static struct float80 evaluate(const struct sample *v, struct fp_status *s)
{
    struct float80 r = {0, 0};
    switch (v->function) {
    case SIN:
    case COS:
        assert_true(f80_sine(v->x, v->function == COS, &r, s));
        return r;
    case TAN:
        assert_true(f80_tan(v->x, &r, s));
        return r;
    case EXP:
        return f80_2xm1(v->x, s);
    case LOG:
        return f80_yl2x(v->y, v->x, s);
    case LOG1P:
        return f80_yl2xp1(v->y, v->x, s);
    default:
        return f80_atan2(v->y, v->x, s);
    }
}

static void test_transcendental(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LEN(samples); n++) {
        struct fp_status s = fp_status_x87(0x37f);
        struct float80 r = evaluate(&samples[n], &s);
        assert_int_equal(r.mantissa, samples[n].result.mantissa);
        assert_int_equal(r.sign_exponent, samples[n].result.sign_exponent);
        assert_int_equal(s.flags, FP_INEXACT);
    }
}

static void test_transcendental_special(void **state)
{
    (void)state;
    static const struct float80 one = {(u64)1 << 63, 0x3fff}, minus_one = {(u64)1 << 63, 0xbfff},
                                big = {(u64)1 << 63, 0x403e};
    static const struct float80 infinity = {(u64)1 << 63, 0x7fff}, zero = {0, 0},
                                eight = {(u64)1 << 63, 0x4002};
    struct float80 r;
    struct fp_status s = fp_status_x87(0x37f);
    assert_false(f80_sine(big, false, &r, &s));
    assert_false(f80_tan(big, &r, &s));
    r = f80_2xm1(minus_one, &s);
    assert_int_equal(r.sign_exponent, 0xbffe);
    assert_int_equal(f80_2xm1(one, &s).sign_exponent, 0x3fff);
    r = f80_yl2x(one, eight, &s);
    assert_int_equal(r.sign_exponent, 0x4000);
    assert_int_equal(r.mantissa, 0xc000000000000000); /* log2(8) = 3, exactly */
    assert_int_equal(s.flags, 0);
    r = f80_yl2x(one, zero, &s);
    assert_int_equal(r.sign_exponent, 0xffff);
    assert_int_equal(s.flags, FP_DIVZERO);
    s.flags = 0;
    f80_yl2x(infinity, one, &s);
    assert_int_equal(s.flags, FP_INVALID);
    s.flags = 0;
    r = f80_atan2(infinity, infinity, &s);
    assert_int_equal(r.mantissa, 0xc90fdaa22168c235);
    assert_int_equal(r.sign_exponent, 0x3ffe);
}

/* Whatever the operands, nothing may go wrong in the host. */
static void test_transcendental_random(void **state)
{
    (void)state;
    u64 seed = 1;
    for (unsigned n = 0; n < 50000; n++) {
        struct float80 v[2], r, q;
        for (unsigned k = 0; k < 2; k++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            v[k].sign_exponent = (u16)(n % 3 ? seed >> 48 : 0x3fff - 40 + (seed >> 50) % 110);
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            v[k].mantissa = seed ^ seed >> 29;
            v[k].mantissa |= n & 8 ? (u64)1 << 63 : 0;
        }
        struct fp_status s = fp_status_x87((u16)(seed >> 32));
        f80_sincos(v[0], &r, &q, &s);
        f80_tan(v[0], &r, &s);
        f80_2xm1(v[0], &s);
        f80_yl2x(v[0], v[1], &s);
        f80_yl2xp1(v[0], v[1], &s);
        f80_atan2(v[0], v[1], &s);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_device_not_available),
        TEST(test_pending_exception),
        TEST(test_ferr),
        TEST(test_stack_faults),
        TEST(test_environment_protected),
        TEST(test_environment_real),
        TEST(test_environment_unmasks),
        TEST(test_save_restore),
        TEST(test_fxsave),
        TEST(test_xsave),
        TEST(test_xsave_avx),
        TEST(test_mxcsr),
        TEST(test_pointers),
        TEST(test_transcendental),
        TEST(test_transcendental_special),
        TEST(test_transcendental_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
