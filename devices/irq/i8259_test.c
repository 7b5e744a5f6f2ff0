/*
 * i8259_test.c: the two 8259s through their ports.
 */
#include "devices/irq/irq_testing.h"

#include "devices/irq/i8259.h"

struct fixture {
    struct space *ports;
    struct probe intr;
    struct i8259 *pic;
};

static void program(struct fixture *f, u8 icw4)
{
    out8(f->ports, 0x20, 0x11);
    out8(f->ports, 0x21, 0x08);
    out8(f->ports, 0x21, 0x04);
    out8(f->ports, 0x21, icw4);
    out8(f->ports, 0xa0, 0x11);
    out8(f->ports, 0xa1, 0x70);
    out8(f->ports, 0xa1, 0x02);
    out8(f->ports, 0xa1, icw4);
}

static int setup(void **state)
{
    static struct fixture f;
    f.ports = space_create("ports", 16);
    f.pic = i8259_create(f.ports, probe_init(&f.intr));
    program(&f, 0x01);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    device_destroy(&f->pic->dev);
    space_destroy(f->ports);
    return 0;
}

static void line(struct fixture *f, unsigned n, bool level)
{
    irq_set(&f->pic->inputs[n], level);
}

static void test_edge_and_priority(void **state)
{
    struct fixture *f = *state;
    line(f, 4, true);
    line(f, 1, true);
    assert_true(f->intr.level);
    assert_int_equal(i8259_acknowledge(f->pic), 0x09);
    assert_false(f->intr.level); /* IRQ 4 waits behind IRQ 1 */
    out8(f->ports, 0x20, 0x20);
    assert_true(f->intr.level);
    assert_int_equal(i8259_acknowledge(f->pic), 0x0c);
    out8(f->ports, 0x20, 0x20);
    assert_false(f->intr.level); /* edges: the lines are still high */
    line(f, 4, false);
    line(f, 4, true);
    assert_true(f->intr.level);
}

static void test_nesting(void **state)
{
    struct fixture *f = *state;
    line(f, 4, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x0c);
    line(f, 0, true);
    assert_true(f->intr.level);
    assert_int_equal(i8259_acknowledge(f->pic), 0x08);
    out8(f->ports, 0x20, 0x0b); /* read ISR */
    assert_int_equal(in8(f->ports, 0x20), 0x11);
    out8(f->ports, 0x20, 0x64); /* specific EOI of 4 */
    assert_int_equal(in8(f->ports, 0x20), 0x01);
}

static void test_mask(void **state)
{
    struct fixture *f = *state;
    out8(f->ports, 0x21, 0x10);
    assert_int_equal(in8(f->ports, 0x21), 0x10);
    line(f, 4, true);
    assert_false(f->intr.level);
    out8(f->ports, 0x20, 0x0a);
    assert_int_equal(in8(f->ports, 0x20), 0x10); /* IRR */
    out8(f->ports, 0x21, 0x00);
    assert_true(f->intr.level);
}

static void test_cascade(void **state)
{
    struct fixture *f = *state;
    line(f, 12, true);
    line(f, 3, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x74); /* IRQ 12 has the priority of IRQ 2 */
    out8(f->ports, 0xa0, 0x20);
    out8(f->ports, 0x20, 0x20);
    assert_int_equal(i8259_acknowledge(f->pic), 0x0b);
}

static void test_spurious(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(i8259_acknowledge(f->pic), 0x0f);
    out8(f->ports, 0x20, 0x0b);
    assert_int_equal(in8(f->ports, 0x20), 0x00);
    out8(f->ports, 0x4d1, 0x04); /* IRQ 10 by level: it vanishes with its line */
    line(f, 10, true);
    assert_true(f->intr.level);
    line(f, 10, false);
    assert_false(f->intr.level);
}

static void test_level(void **state)
{
    struct fixture *f = *state;
    out8(f->ports, 0x4d1, 0xff);
    assert_int_equal(in8(f->ports, 0x4d1), 0xde);
    out8(f->ports, 0x4d0, 0xff);
    assert_int_equal(in8(f->ports, 0x4d0), 0xf8);
    line(f, 11, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x73);
    out8(f->ports, 0xa0, 0x20);
    out8(f->ports, 0x20, 0x20);
    assert_true(f->intr.level); /* still asserted */
    line(f, 11, false);
    assert_false(f->intr.level);
}

static void test_auto_eoi(void **state)
{
    struct fixture *f = *state;
    program(f, 0x03);
    line(f, 9, true);
    line(f, 15, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x71);
    assert_true(f->intr.level); /* the slave's second request reaches the master */
    assert_int_equal(i8259_acknowledge(f->pic), 0x77);
    assert_false(f->intr.level);
}

static void test_rotation(void **state)
{
    struct fixture *f = *state;
    line(f, 0, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x08);
    out8(f->ports, 0x20, 0xa0); /* rotate on non-specific EOI: IRQ 0 is lowest now */
    line(f, 0, false);
    line(f, 0, true);
    line(f, 7, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x0f);
    out8(f->ports, 0x20, 0x20);
    out8(f->ports, 0x20, 0xc7); /* set priority: 7 lowest again */
    assert_int_equal(i8259_acknowledge(f->pic), 0x08);
}

static void test_special_mask(void **state)
{
    struct fixture *f = *state;
    line(f, 1, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x09);
    line(f, 5, true);
    assert_false(f->intr.level);
    out8(f->ports, 0x21, 0x02);
    assert_false(f->intr.level);
    out8(f->ports, 0x20, 0x68); /* special mask mode: the masked IRQ 1 no longer holds back IRQ 5 */
    assert_true(f->intr.level);
    assert_int_equal(i8259_acknowledge(f->pic), 0x0d);
    out8(f->ports, 0x20, 0x20); /* ends 5: 1 is masked */
    out8(f->ports, 0x20, 0x0b);
    assert_int_equal(in8(f->ports, 0x20), 0x02);
    out8(f->ports, 0x20, 0x48);
}

static void test_special_fully_nested(void **state)
{
    struct fixture *f = *state;
    line(f, 12, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x74);
    line(f, 8, true);
    assert_false(f->intr.level); /* the master has IRQ 2 in service */
    out8(f->ports, 0xa0, 0x20);
    out8(f->ports, 0x20, 0x20);
    assert_int_equal(i8259_acknowledge(f->pic), 0x70);
    line(f, 8, false);
    line(f, 12, false);
    program(f, 0x11);
    line(f, 12, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x74);
    line(f, 8, true);
    assert_int_equal(i8259_acknowledge(f->pic), 0x70);
}

static void test_poll(void **state)
{
    struct fixture *f = *state;
    out8(f->ports, 0x20, 0x0c);
    assert_int_equal(in8(f->ports, 0x20), 0x00);
    line(f, 6, true);
    out8(f->ports, 0x20, 0x0c);
    assert_int_equal(in8(f->ports, 0x20), 0x86);
    assert_false(f->intr.level);
    out8(f->ports, 0x20, 0x0b);
    assert_int_equal(in8(f->ports, 0x20), 0x40);
}

static void test_state(void **state)
{
    struct fixture *f = *state;
    struct space *ports = space_create("ports", 16);
    struct probe intr;
    struct i8259 *other = i8259_create(ports, probe_init(&intr));
    out8(f->ports, 0x4d0, 0x20);
    line(f, 5, true);
    line(f, 12, true);
    i8259_acknowledge(f->pic);
    line(f, 0, true);
    expect_save_load_save(&f->pic->dev, &other->dev);
    assert_int_equal(intr.level, f->intr.level);
    line(f, 5, false);
    line(f, 12, false);
    line(f, 0, false);
    device_reset(&f->pic->dev);
    device_destroy(&other->dev);
    other = i8259_create(ports, probe_init(&intr));
    expect_same_state(&f->pic->dev, &other->dev);
    device_destroy(&other->dev);
    space_destroy(ports);
}

static void test_random_accesses(void **state)
{
    struct fixture *f = *state;
    static const u16 ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
    u64 random = 1;
    for (unsigned n = 0; n < 100000; n++) {
        u32 r = test_random(&random);
        paddr port = ports[r % 6];
        switch (r >> 8 & 3) {
        case 0:
            space_read(f->ports, port, 1u << (r >> 12 & 1), false);
            break;
        case 1:
            space_write(f->ports, port, r >> 16, 1u << (r >> 12 & 1), false);
            break;
        case 2:
            line(f, r >> 16 & 15, r >> 20 & 1);
            break;
        default:
            assert_in_range(i8259_acknowledge(f->pic), 0, 255);
            break;
        }
        if (n % 1000 == 0) {
            load_damaged(&f->pic->dev, &random);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_edge_and_priority, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nesting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cascade, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spurious, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_auto_eoi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_special_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_special_fully_nested, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_accesses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
