/*
 * opt_test.c: what translation and passes make of guest code, as text.
 */
#include "tcg/ir_testing.h"

static struct ir ir;

#define CODE(bytes) bytes, sizeof bytes - 1

static void build(const char *bytes, unsigned size)
{
    ir_of_bytes(&ir, bytes, size);
    assert_valid(&ir);
}

static void optimise(const char *bytes, unsigned size)
{
    build(bytes, size);
    ir_copy(&ir);
    assert_valid(&ir);
    ir_fold(&ir);
    assert_valid(&ir);
    ir_deadflags(&ir);
    assert_valid(&ir);
    ir_dce(&ir);
    assert_valid(&ir);
}

/* add [rdi], al; cmp ah, 5 */
static void test_built(void **state)
{
    (void)state;
    build(CODE("\x00\x07\x80\xfc\x05"));
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.8 rdi\n"
                     "  v1 = load_w.1 flat v0\n"
                     "  v2 = get_reg.1 al\n"
                     "  v3 = add.4 v1, v2\n"
                     "  v4 = zext8.4 v3\n"
                     "  store_w.1 v1, v4\n"
                     "  set_cc.1 add v4, v2\n"
                     "  boundary\n"
                     "1:\n"
                     "  v8 = get_reg.1 ah\n"
                     "  v9 = sub.4 v8, 5\n"
                     "  v10 = zext8.4 v9\n"
                     "  set_cc.1 sub v10, 5\n"
                     "  jump_rel.8 5\n");
}

/* The same: masks that nobody needs go; the flags of the first matter only where the block may be
 * left. */
static void test_masks(void **state)
{
    (void)state;
    optimise(CODE("\x00\x07\x80\xfc\x05"));
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.8 rdi\n"
                     "  v1 = load_w.1 flat v0\n"
                     "  v2 = get_reg.1 al\n"
                     "  v3 = add.4 v1, v2\n"
                     "  store_w.1 v1, v3\n"
                     "  set_cc.1 add v3, v2 live -\n"
                     "  boundary\n"
                     "1:\n"
                     "  v7 = get_reg.1 ah\n"
                     "  v8 = sub.4 v7, 5\n"
                     "  set_cc.1 sub v8, 5\n"
                     "  jump_rel.8 5\n");
}

/* push rbp; mov rbp, rsp; push rbx; sub rsp, 24 */
static void test_stack(void **state)
{
    (void)state;
    optimise(CODE("\x55\x48\x89\xe5\x53\x48\x83\xec\x18"));
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.8 rbp\n"
                     "  v1 = get_reg.8 rsp\n"
                     "  v2 = add.8 v1, 0xfffffffffffffff8\n"
                     "  store.8 flat_stack v2, v0\n"
                     "  set_reg.8 rsp v2\n"
                     "  boundary\n"
                     "1:\n"
                     "  set_reg.8 rbp v2\n"
                     "2:\n"
                     "  v7 = get_reg.8 rbx\n"
                     "  v8 = add.8 v1, 0xfffffffffffffff0\n"
                     "  store.8 flat_stack v8, v7\n"
                     "  set_reg.8 rsp v8\n"
                     "  boundary\n"
                     "3:\n"
                     "  v12 = sub.8 v8, 0x18\n"
                     "  set_reg.8 rsp v12\n"
                     "  set_cc.8 sub v12, 0x18\n"
                     "  jump_rel.8 9\n");
}

/* movzx eax, byte [rsi]; and eax, 15; imul eax, edx: two writes of EAX and the flags of AND go, for
 * nothing can fault between */
static void test_registers(void **state)
{
    (void)state;
    optimise(CODE("\x0f\xb6\x06\x83\xe0\x0f\x0f\xaf\xc2"));
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.8 rsi\n"
                     "  v1 = load.1 flat v0\n"
                     "1:\n"
                     "  v2 = and.4 v1, 0xf\n"
                     "2:\n"
                     "  v3 = get_reg.4 edx\n"
                     "  v4 = mul.4 v2, v3\n"
                     "  set_reg.4 eax v4\n"
                     "  v6 = muls_flags.4 v2, v3\n"
                     "  set_cc.4 bits v4, v6\n"
                     "  jump_rel.8 9\n");
}

/* and eax, 15; mov ecx, [rbx]; xor eax, eax: now something can fault between, and would show EAX
 * and the flags */
static void test_fault_between(void **state)
{
    (void)state;
    optimise(CODE("\x83\xe0\x0f\x8b\x0b\x31\xc0"));
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.4 eax\n"
                     "  v1 = and.4 v0, 0xf\n"
                     "  set_reg.4 eax v1\n"
                     "  set_cc.4 logic v1, 0 live -\n"
                     "1:\n"
                     "  v4 = get_reg.8 rbx\n"
                     "  v5 = load.4 flat v4\n"
                     "  set_reg.4 ecx v5\n"
                     "2:\n"
                     "  set_reg.4 eax 0\n"
                     "  set_cc.4 logic 0, 0\n"
                     "  jump_rel.8 7\n");
}

/* shl eax, 3; shl ecx, cl; jc +1: the first shift's count is known; the second may leave its flags
 */
static void test_shifts(void **state)
{
    (void)state;
    optimise(CODE("\xc1\xe0\x03\xd3\xe1\x72\x01"));
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.4 eax\n"
                     "  v1 = shl.4 v0, 3\n"
                     "  set_reg.4 eax v1\n"
                     "  v3 = shl_flags.4 v0, 3\n"
                     "  set_cc.4 bits v1, v3\n"
                     "1:\n"
                     "  v5 = get_reg.4 ecx\n"
                     "  v6 = get_reg.1 cl\n"
                     "  v7 = and.4 v6, 0x1f\n"
                     "  v8 = shl.4 v5, v7\n"
                     "  set_reg.4 ecx v8\n"
                     "  if.4 v7\n"
                     "    v11 = shl_flags.4 v5, v7\n"
                     "    set_cc.4 bits v8, v11\n"
                     "  endif\n"
                     "2:\n"
                     "  v14 = cond b\n"
                     "  if.4 v14\n"
                     "    jump_rel.8 8\n"
                     "  endif\n"
                     "  jump_rel.8 7\n");
}

/* mov ecx, 40; inc ecx; mov al, 3; add rcx, rax; stc: constants, up to a partial write; INC keeps
 * CF, which nobody reads */
static void test_constants(void **state)
{
    (void)state;
    optimise(CODE("\xb9\x28\x00\x00\x00\xff\xc1\xb0\x03\x48\x01\xc1\xf9"));
    assert_text(&ir, "2:\n"
                     "  set_reg.1 al 3\n"
                     "3:\n"
                     "  v1 = get_reg.8 rax\n"
                     "  v2 = add.8 v1, 0x29\n"
                     "  set_reg.8 rcx v2\n"
                     "  set_cc.8 add v2, v1 live pazso\n"
                     "4:\n"
                     "  set_flags c 1\n"
                     "  jump_rel.8 0xd\n");
}

/* lea eax, [rip+8]; call +0: what depends on where the block lies is read from R_IPBASE */
static void test_position(void **state)
{
    (void)state;
    optimise(CODE("\x48\x8d\x05\x08\x00\x00\x00\xe8\x00\x00\x00\x00"));
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.8 ipbase\n"
                     "  v1 = add.8 v0, 0xf\n"
                     "  set_reg.8 rax v1\n"
                     "1:\n"
                     "  v3 = add.8 v0, 0xc\n"
                     "  v4 = get_reg.8 rsp\n"
                     "  v5 = add.8 v4, 0xfffffffffffffff8\n"
                     "  store.8 flat_stack v5, v3\n"
                     "  set_reg.8 rsp v5\n"
                     "  jump_rel.8 0xc\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built),         cmocka_unit_test(test_masks),
        cmocka_unit_test(test_stack),         cmocka_unit_test(test_registers),
        cmocka_unit_test(test_shifts),        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_fault_between), cmocka_unit_test(test_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
