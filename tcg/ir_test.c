/*
 * ir_test.c: the printer, and what the verifier refuses.
 */
#include "cpu/base/bits.h"
#include "tcg/ir_testing.h"

static struct ir ir;

static ir_ref op(struct ir_op o)
{
    return ir_emit(&ir, o);
}

static ir_ref get(unsigned reg, u8 width)
{
    return op((struct ir_op){.code = IR_get_reg, .width = width, .imm = reg * 8});
}

static void set(unsigned reg, u8 width, ir_ref v)
{
    op((struct ir_op){.code = IR_set_reg, .width = width, .imm = reg * 8, .arg = {v}});
}

static void end(void)
{
    op((struct ir_op){.code = IR_jump_rel, .width = 8, .arg = {ir_constant(&ir, 5)}});
}

static void test_print(void **state)
{
    (void)state;
    ir_clear(&ir);
    ir_ref a = get(R_BX, 4);
    ir_ref r = op((struct ir_op){.code = IR_add, .width = 4, .arg = {a, ir_constant(&ir, 0x10)}});
    set(R_BX, 4, r);
    op((struct ir_op){.code = IR_set_cc,
                      .width = 4,
                      .aux = CC_ADD,
                      .imm = IR_FLAGS_IMM(FLAG_ARITH, FLAG_ZF),
                      .arg = {r, a}});
    ir_ref z = op((struct ir_op){.code = IR_cond, .aux = 4, .insn = 1});
    op((struct ir_op){.code = IR_if, .width = 4, .insn = 1, .arg = {z}});
    op((struct ir_op){
        .code = IR_store, .width = 1, .aux = SEG_DS, .insn = 1, .arg = {a, ir_constant(&ir, 7)}});
    op((struct ir_op){.code = IR_endif, .insn = 1});
    op((struct ir_op){.code = IR_raise, .insn = 1, .imm = 3});
    assert_valid(&ir);
    assert_text(&ir, "0:\n"
                     "  v0 = get_reg.4 ebx\n"
                     "  v1 = add.4 v0, 0x10\n"
                     "  set_reg.4 ebx v1\n"
                     "  set_cc.4 add v1, v0 live z\n"
                     "1:\n"
                     "  v4 = cond e\n"
                     "  if.4 v4\n"
                     "    store.1 ds v0, 7\n"
                     "  endif\n"
                     "  raise 3\n");
}

static void refuse(const char *expected)
{
    char why[200] = "";
    assert_false(ir_verify(&ir, why, sizeof why));
    assert_non_null(strstr(why, expected));
    ir_clear(&ir);
}

static void test_refuses_values(void **state)
{
    (void)state;
    ir_clear(&ir);
    get(R_AX, 8);
    op((struct ir_op){.code = IR_add, .width = 4, .arg = {0, ir_constant(&ir, 1)}});
    refuse("has 64 bits, not 32");
    op((struct ir_op){.code = IR_add, .width = 4, .arg = {1, 1}});
    refuse("used before it is made");
    get(R_AX, 4);
    op((struct ir_op){.code = IR_add, .width = 4, .arg = {0, ir_constant(&ir, BIT(32))}});
    refuse("more than 32 bits");
    get(R_AX, 4);
    set(R_AX, 4, 0);
    op((struct ir_op){.code = IR_nonzero, .width = 4, .arg = {1}});
    refuse("is no value");
    get(R_AX, 4);
    op((struct ir_op){.code = IR_add, .width = 2, .arg = {0, 0}});
    refuse("width 2");
    op((struct ir_op){.code = IR_nonzero, .width = 4, .arg = {IR_ABSENT}});
    refuse("is missing");
}

static void test_refuses_structure(void **state)
{
    (void)state;
    ir_clear(&ir);
    get(R_AX, 4);
    refuse("does not end");
    end();
    get(R_AX, 4);
    refuse("follows a terminator");
    op((struct ir_op){.code = IR_if, .width = 4, .arg = {ir_constant(&ir, 1)}});
    end();
    refuse("an if without endif");
    op((struct ir_op){.code = IR_endif});
    refuse("endif without if");
    op((struct ir_op){.code = IR_if, .width = 4, .arg = {ir_constant(&ir, 1)}});
    get(R_AX, 4);
    op((struct ir_op){.code = IR_endif});
    set(R_AX, 4, 1);
    refuse("inside an if that has ended");
    op((struct ir_op){.code = IR_endif, .insn = 2});
    ir_clear(&ir);
    op((struct ir_op){.code = IR_cond, .insn = 2});
    op((struct ir_op){.code = IR_cond, .insn = 1});
    refuse("out of order");
}

static void test_refuses_state(void **state)
{
    (void)state;
    ir_clear(&ir);
    get(R_ZERO, 8);
    refuse("no such register");
    op((struct ir_op){.code = IR_get_reg, .width = 2, .imm = 1});
    refuse("no such register");
    set(R_IPBASE, 8, ir_constant(&ir, 1));
    refuse("no such register");
    op((struct ir_op){.code = IR_load, .width = 4, .aux = SEG_COUNT, .arg = {ir_constant(&ir, 1)}});
    refuse("no such segment");
    op((struct ir_op){.code = IR_load, .width = 4, .aux = SEG_DS, .arg = {ir_constant(&ir, 1)}});
    op((struct ir_op){.code = IR_store_w, .width = 4, .arg = {0, 0}});
    refuse("store_w needs a load_w");
    op((struct ir_op){.code = IR_set_cc,
                      .width = 4,
                      .aux = CC_LOGIC,
                      .imm = IR_FLAGS_IMM(FLAG_ARITH, FLAG_CF),
                      .arg = {ir_constant(&ir, 0), ir_constant(&ir, 0)}});
    op((struct ir_op){.code = IR_cond, .aux = 2});
    op((struct ir_op){.code = IR_cond, .aux = 4});
    refuse("op 2: reads flags");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_refuses_values),
        cmocka_unit_test(test_refuses_structure),
        cmocka_unit_test(test_refuses_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
