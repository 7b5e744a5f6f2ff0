/* far_test.c: segment loads, far JMP, CALL, RET, call gates, LAR and its kin. */
#include "cpu/op/op_testing.h"

static void expect_fault(struct bed *b, unsigned vector, u32 error)
{
    step(b);
    assert_vector(b, vector);
    assert_int_equal(stack32(b, 0), error);
}

static void jmp_far_loads_code(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    CODE(b, CODE0, "\xea\x00\x02\x01\x00\x40\x00"); /* jmp SEL_CONFORMING:0x10200 */
    step(b);
    assert_int_equal(b->cpu->ip, 0x10200);
    assert_int_equal(b->cpu->seg[SEG_CS].selector, SEL_CONFORMING);
    assert_int_equal(b->cpu->cpl, 0);
    bed_destroy(b);
}

static void jmp_far_checks(void **state)
{
    (void)state;
    static const struct {
        u16      selector;
        unsigned attr;
        unsigned vector;
        u32      error;
    } cases[] = {
        {0x00, 0, VEC_GP, 0},                 /* null */
        {0x100, 0, VEC_GP, 0x100},            /* beyond the table */
        {SEL_SPARE, 0xc093, VEC_GP, 0x48},    /* data */
        {SEL_SPARE, 0xc0fb, VEC_GP, 0x48},    /* nonconforming, other DPL */
        {SEL_SPARE | 3, 0xc09b, VEC_GP, 0x48}, /* RPL above CPL */
        {SEL_SPARE, 0xc01b, VEC_NP, 0x48},    /* not present */
        {SEL_SPARE, 0xc0ff, VEC_GP, 0x48},    /* conforming, DPL above CPL */
        {SEL_SPARE, 0x008b, VEC_GP, 0x48},    /* busy TSS */
        {SEL_SPARE, 0x008e, VEC_GP, 0x48},    /* interrupt gate */
    };
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct bed *b = bed_create("qemu32");
        bed_protected(b, 0);
        set_descriptor(b, SEL_SPARE, 0, 0xfffff, cases[n].attr);
        CODE(b, CODE0, "\xea\x00\x02\x01\x00\x00\x00");
        poke(b, CODE0 + 5, cases[n].selector, 2);
        expect_fault(b, cases[n].vector, cases[n].error);
        assert_int_equal(stack32(b, 1), CODE0);
        assert_int_equal(stack32(b, 3) & FLAG_RF, FLAG_RF);
        bed_destroy(b);
    }
}

/* Ring 3 calls ring 0 with two parameters and comes back. */
static void call_gate_inner_and_back(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 3);
    set_gate(b, GDT + SEL_GATE, KCODE, CODE0, 0xec, 2);
    CODE(b, CODE3, "\x6a\x11\x6a\x22\x9a\x00\x00\x00\x00\x3b\x00"); /* push 11h; push 22h; call gate */
    CODE(b, CODE0, "\xca\x08\x00");                                 /* retf 8 */
    step(b);
    step(b);
    step(b);
    assert_int_equal(b->cpu->cpl, 0);
    assert_int_equal(b->cpu->ip, CODE0);
    assert_int_equal(b->cpu->regs[R_SP], STACK0 - 24);
    assert_int_equal(stack32(b, 0), CODE3 + 11);
    assert_int_equal(stack32(b, 1), UCODE);
    assert_int_equal(stack32(b, 2), 0x22);
    assert_int_equal(stack32(b, 3), 0x11);
    assert_int_equal(stack32(b, 4), STACK3 - 8);
    assert_int_equal(stack32(b, 5), UDATA);
    b->cpu->seg[SEG_DS] = bed_segment(b, KDATA);
    step(b);
    assert_int_equal(b->cpu->cpl, 3);
    assert_int_equal(b->cpu->ip, CODE3 + 11);
    assert_int_equal(b->cpu->regs[R_SP], STACK3);
    assert_int_equal(b->cpu->seg[SEG_SS].selector, UDATA);
    assert_int_equal(b->cpu->seg[SEG_DS].selector, 0); /* ring 3 may not keep it */
    assert_int_equal(b->cpu->seg[SEG_ES].selector, UDATA);
    bed_destroy(b);
}

static void call_gate_checks(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 3);
    CODE(b, CODE3, "\x9a\x00\x00\x00\x00\x3b\x00");
    set_gate(b, GDT + SEL_GATE, KCODE, CODE0, 0x8c, 0); /* DPL 0 */
    expect_fault(b, VEC_GP, SEL_GATE);
    bed_protected(b, 3);
    set_gate(b, GDT + SEL_GATE, KCODE, CODE0, 0x6c, 0); /* not present */
    expect_fault(b, VEC_NP, SEL_GATE);
    bed_protected(b, 3);
    set_gate(b, GDT + SEL_GATE, KCODE, CODE0, 0xec, 0);
    poke(b, TSS + 8, UDATA, 4); /* SS of the wrong ring: #TS, and then #TS again while delivering it: #DF, triple fault */
    step(b);
    step(b);
    assert_true(b->shut_down);
    bed_destroy(b);
}

static void real_mode_far(void **state)
{
    (void)state;
    struct bed *b = bed_create("486");
    b->cpu->seg[SEG_CS].base = 0;
    b->cpu->seg[SEG_CS].selector = 0;
    b->cpu->ip = 0x500;
    b->cpu->regs[R_SP] = 0x400;
    cpu_update_mode(b->cpu);
    CODE(b, 0x500, "\x9a\x10\x00\x00\x01"); /* call 0100:0010 */
    CODE(b, 0x1010, "\xcb");
    step(b);
    assert_int_equal(b->cpu->ip, 0x10);
    assert_int_equal(b->cpu->seg[SEG_CS].base, 0x1000);
    assert_int_equal(peek(b, 0x3fc, 4), 0x00000505);
    step(b);
    assert_int_equal(b->cpu->ip, 0x505);
    assert_int_equal(b->cpu->regs[R_SP], 0x400);
    bed_destroy(b);
}

static void segment_load_checks(void **state)
{
    (void)state;
    static const struct {
        char     opcode;
        u16      selector;
        unsigned attr, vector;
        u32      error;
    } cases[] = {
        {'\xd0', 0, 0, VEC_GP, 0},                    /* mov ss, ax: null */
        {'\xd0', SEL_SPARE | 3, 0xc093, VEC_GP, 0x48}, /* RPL */
        {'\xd0', SEL_SPARE, 0xc0f3, VEC_GP, 0x48},    /* DPL */
        {'\xd0', SEL_SPARE, 0xc091, VEC_GP, 0x48},    /* read-only */
        {'\xd0', SEL_SPARE, 0xc09b, VEC_GP, 0x48},    /* code */
        {'\xd0', SEL_SPARE, 0xc013, VEC_SS, 0x48},    /* not present */
        {'\xd8', SEL_SPARE, 0xc099, VEC_GP, 0x48},    /* mov ds, ax: execute-only */
        {'\xd8', SEL_SPARE | 3, 0xc093, VEC_GP, 0x48}, /* RPL above DPL */
        {'\xd8', SEL_SPARE, 0x0082, VEC_GP, 0x48},    /* system */
        {'\xd8', SEL_SPARE, 0xc013, VEC_NP, 0x48},    /* not present */
        {'\xd8', 0x4c, 0, VEC_GP, 0x4c},              /* no LDT */
    };
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct bed *b = bed_create("qemu32");
        bed_protected(b, 0);
        set_descriptor(b, SEL_SPARE, 0, 0xfffff, cases[n].attr);
        const char code[] = {'\x8e', cases[n].opcode};
        put_code(b, CODE0, code, 2);
        b->cpu->regs[R_AX] = cases[n].selector;
        u16 ds = b->cpu->seg[SEG_DS].selector, ss = b->cpu->seg[SEG_SS].selector;
        expect_fault(b, cases[n].vector, cases[n].error);
        assert_int_equal(b->cpu->seg[SEG_DS].selector, ds);
        assert_int_equal(b->cpu->seg[SEG_SS].selector, ss);
        bed_destroy(b);
    }
}

static void segment_load_sets_accessed(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    set_descriptor(b, SEL_SPARE, 0x12345678, 0xfff, 0x40f2);
    CODE(b, CODE0, "\x8e\xd8\x8e\xd8"); /* mov ds, ax */
    b->cpu->regs[R_AX] = SEL_SPARE;
    step(b);
    assert_int_equal(access_byte(b, SEL_SPARE), 0xf3);
    assert_int_equal(b->cpu->seg[SEG_DS].base, 0x12345678);
    assert_int_equal(b->cpu->seg[SEG_DS].limit, 0xfff);
    b->cpu->regs[R_AX] = 3; /* null with RPL 3 is null */
    step(b);
    assert_int_equal(b->cpu->seg[SEG_DS].attr, 0);
    bed_destroy(b);
}

/* LAR, LSL, VERR, VERW from ring 3: what each type and DPL answers. */
static void lar_lsl_verr_verw(void **state)
{
    (void)state;
    static const struct {
        unsigned attr, dpl;
        bool     lar, lsl, verr, verw;
    } cases[] = {
        {0x93, 3, 1, 1, 1, 1}, {0x91, 3, 1, 1, 1, 0}, {0x9b, 3, 1, 1, 1, 0}, {0x99, 3, 1, 1, 0, 0},
        {0x93, 0, 0, 0, 0, 0}, {0x9f, 0, 1, 1, 1, 0}, {0x9d, 0, 1, 1, 0, 0}, {0x89, 3, 1, 1, 0, 0},
        {0x82, 3, 1, 1, 0, 0}, {0x84, 3, 1, 0, 0, 0}, {0x85, 3, 1, 0, 0, 0}, {0x8c, 3, 1, 0, 0, 0},
        {0x8e, 3, 0, 0, 0, 0}, {0x86, 3, 0, 0, 0, 0}, {0x80, 3, 0, 0, 0, 0}, {0x8a, 3, 0, 0, 0, 0},
        {0x13, 3, 1, 1, 1, 1},
    };
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct bed *b = bed_create("qemu32");
        bed_protected(b, 3);
        set_descriptor(b, SEL_SPARE, 0, 0x12345, 0xc000 | cases[n].attr | cases[n].dpl << 5);
        CODE(b, CODE3, "\x0f\x02\xc8\x0f\x03\xd0\x0f\x00\xe0\x0f\x00\xe8"); /* lar ecx,ax; lsl edx,ax; verr; verw ax */
        b->cpu->regs[R_AX] = SEL_SPARE | 3;
        b->cpu->regs[R_CX] = b->cpu->regs[R_DX] = 7;
        const bool expected[] = {cases[n].lar, cases[n].lsl, cases[n].verr, cases[n].verw};
        for (unsigned k = 0; k < 4; k++) {
            step(b);
            assert_int_equal(!!(flags_arith(b->cpu) & FLAG_ZF), expected[k]);
        }
        u32 rights = (cases[n].attr | cases[n].dpl << 5) << 8 | 0xc00000;
        assert_int_equal(b->cpu->regs[R_CX], cases[n].lar ? rights : 7);
        assert_int_equal(b->cpu->regs[R_DX], cases[n].lsl ? 0x12345fff : 7);
        bed_destroy(b);
    }
}

static void arpl_raises_rpl(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    CODE(b, CODE0, "\x63\xd8\x63\xd8"); /* arpl ax, bx */
    b->cpu->regs[R_AX] = 0xffff0010;
    b->cpu->regs[R_BX] = 3;
    step(b);
    assert_int_equal(b->cpu->regs[R_AX], 0xffff0013);
    assert_true(flags_arith(b->cpu) & FLAG_ZF);
    step(b);
    assert_false(flags_arith(b->cpu) & FLAG_ZF);
    bed_destroy(b);
}

static void lldt_ltr(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    CODE(b, CODE0, "\x0f\x00\xd0\x0f\x00\xdb\x0f\x00\xdb"); /* lldt ax; ltr bx; ltr bx */
    b->cpu->regs[R_AX] = SEL_LDT;
    b->cpu->regs[R_BX] = SEL_TSS2;
    step(b);
    assert_int_equal(b->cpu->ldtr.base, LDT);
    step(b);
    assert_int_equal(b->cpu->tr.base, TSS2);
    assert_int_equal(access_byte(b, SEL_TSS2), 0x8b);
    expect_fault(b, VEC_GP, SEL_TSS2); /* busy now */
    bed_destroy(b);
}

static void privileged_from_ring3(void **state)
{
    (void)state;
    static const char code[][5] = {"\xf4", "\x0f\x06", "\x0f\x22\xc0", "\x0f\x20\xc0", "\x0f\x21\xc0", "\x0f\x30",
                                       "\x0f\x32", "\x0f\x01\x10", "\x0f\x01\x38", "\x0f\x08", "\x0f\x00\xd8", "\xfa",
                                       "\xe4\x80", "\xec"};
    for (unsigned n = 0; n < ARRAY_LEN(code); n++) {
        struct bed *b = bed_create("qemu32");
        bed_protected(b, 3);
        put_code(b, CODE3, code[n], 4);
        expect_fault(b, VEC_GP, 0);
        bed_destroy(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jmp_far_loads_code),    cmocka_unit_test(jmp_far_checks),
        cmocka_unit_test(call_gate_inner_and_back), cmocka_unit_test(call_gate_checks),
        cmocka_unit_test(real_mode_far),         cmocka_unit_test(segment_load_checks),
        cmocka_unit_test(segment_load_sets_accessed), cmocka_unit_test(lar_lsl_verr_verw),
        cmocka_unit_test(arpl_raises_rpl),       cmocka_unit_test(lldt_ltr),
        cmocka_unit_test(privileged_from_ring3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
