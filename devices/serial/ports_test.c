/*
 * ports_test.c: the small devices: parallel port, debug console, debug exit and test device.
 */
#include "devices/core/device_test.h"
#include "devices/serial/debugcon.h"
#include "devices/serial/debugexit.h"
#include "devices/serial/fake_host.h"
#include "devices/serial/parallel.h"
#include "devices/serial/testdev.h"

struct bed {
    struct space *ports, *memory;
    struct irq irq[TESTDEV_LINES];
    bool level[TESTDEV_LINES];
    int edges, quits, status;
    struct fake_host host;
};

static void set_line(void *opaque, int line, bool level)
{
    struct bed *bed = opaque;
    bed->edges += level && !bed->level[line];
    bed->level[line] = level;
}

static int setup(void **state)
{
    static struct bed bed;
    memset(&bed, 0, sizeof bed);
    bed.ports = space_create("ports", 16);
    bed.memory = space_create("memory", 36);
    for (int i = 0; i < TESTDEV_LINES; i++) {
        bed.irq[i] = (struct irq){.set = set_line, .opaque = &bed, .line = i};
    }
    fake_init(&bed.host);
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    space_destroy(bed->ports);
    space_destroy(bed->memory);
    return 0;
}

static u32 in(struct bed *bed, u16 port, unsigned size)
{
    return (u32)space_read(bed->ports, port, size, false);
}

static void out(struct bed *bed, u16 port, u32 value, unsigned size)
{
    space_write(bed->ports, port, value, size, false);
}

static void test_parallel(void **state)
{
    struct bed *bed = *state;
    struct device *dev = parallel_create(bed->ports, 0x378, &bed->irq[7], &bed->host.base);
    struct device *other = parallel_create(bed->ports, 0x278, NULL, NULL);
    assert_int_equal(in(bed, 0x378, 1), 0);
    assert_int_equal(in(bed, 0x379, 1), 0xdf);
    assert_int_equal(in(bed, 0x37a, 1), 0xcc);
    out(bed, 0x378, 'P', 1);
    assert_int_equal(in(bed, 0x378, 1), 'P');
    out(bed, 0x37a, 0x0d, 1);
    assert_string_equal(bed->host.out, "P");
    assert_int_equal(in(bed, 0x379, 1), 0x5f); /* busy */
    out(bed, 0x37a, 0x0c, 1);
    assert_int_equal(bed->edges, 0);
    assert_int_equal(in(bed, 0x379, 1), 0x9f); /* acknowledged */
    assert_int_equal(in(bed, 0x379, 1), 0xdf);
    out(bed, 0x37a, 0x1d, 1);
    out(bed, 0x37a, 0x1c, 1);
    assert_int_equal(bed->edges, 1);
    assert_string_equal(bed->host.out, "PP");
    assert_int_equal(in(bed, 0x279, 1), 0x6f); /* no printer */
    expect_save_load_save(dev, other);
    random_accesses(bed->ports, 0x378, 3, 20000, 1);
    device_reset(other);
    expect_reset_is_fresh(dev, other);
    device_destroy(dev);
    device_destroy(other);
}

static void test_debugcon(void **state)
{
    struct bed *bed = *state;
    struct device *dev = debugcon_create(bed->ports, 0xe9, &bed->host.base);
    struct device *other = debugcon_create(bed->ports, 0x402, NULL);
    assert_int_equal(in(bed, 0xe9, 1), 0xe9);
    assert_int_equal(in(bed, 0x402, 1), 0xe9);
    out(bed, 0xe9, 'h', 1);
    out(bed, 0xe9, 'i', 1);
    out(bed, 0x402, 'x', 1);
    assert_string_equal(bed->host.out, "hi");
    expect_save_load_save(dev, other);
    random_accesses(bed->ports, 0xe6, 6, 10000, 1);
    device_destroy(dev);
    device_destroy(other);
}

static void on_quit(void *opaque, int status)
{
    struct bed *bed = opaque;
    bed->quits++;
    bed->status = status;
}

static void test_debugexit(void **state)
{
    struct bed *bed = *state;
    struct device *dev = debugexit_create(bed->ports, 0xf4, 4, on_quit, bed);
    assert_int_equal(in(bed, 0xf4, 1), 0);
    assert_int_equal(bed->quits, 0);
    out(bed, 0xf4, 0, 1);
    assert_int_equal(bed->status, 1);
    out(bed, 0xf4, 0x10, 4);
    assert_int_equal(bed->status, 33);
    assert_int_equal(bed->quits, 2);
    random_accesses(bed->ports, 0xf0, 12, 10000, 1);
    expect_save_load_save(dev, dev);
    device_destroy(dev);
}

static void test_testdev(void **state)
{
    struct bed *bed = *state;
    struct irq *lines[TESTDEV_LINES];
    for (unsigned i = 0; i < TESTDEV_LINES; i++) {
        lines[i] = i == 3 ? NULL : &bed->irq[i];
    }
    struct device *dev = testdev_create(bed->ports, bed->memory, lines);
    struct device *con = debugcon_create(bed->ports, 0xe9, NULL);
    out(bed, 0x2005, 1, 1);
    assert_true(bed->level[5]);
    out(bed, 0x2005, 0, 1);
    assert_false(bed->level[5]);
    out(bed, 0x2003, 1, 1);
    out(bed, 0xe0, 0x12345678, 4);
    assert_int_equal(in(bed, 0xe0, 4), 0x12345678);
    assert_int_equal(in(bed, 0xe2, 2), 0x1234);
    out(bed, 0xe1, 0xaa, 1);
    assert_int_equal(in(bed, 0xe0, 4), 0x1234aa78);
    assert_int_equal(in(bed, 0xe8, 1), 0x78);
    assert_int_equal(in(bed, 0xe9, 1), 0xe9); /* the debug console is in front of it */
    out(bed, 0xe4, 0x1000, 4);
    space_write(bed->memory, 0xff000ffd, 0x1122334455667788, 8, false);
    assert_true(space_read(bed->memory, 0xff000ffd, 8, false) == 0x1122334455667788);
    random_accesses(bed->ports, 0xe0, 12, 10000, 1);
    random_accesses(bed->ports, 0x1ff8, 40, 10000, 2);
    random_accesses(bed->memory, 0xfefffff8, 0x10010, 10000, 3);
    struct space *ports = space_create("ports", 16), *memory = space_create("memory", 36);
    struct device *fresh = testdev_create(ports, memory, lines);
    expect_save_load_save(dev, fresh);
    device_reset(fresh);
    expect_reset_is_fresh(dev, fresh);
    device_destroy(fresh);
    space_destroy(ports);
    space_destroy(memory);
    device_destroy(con);
    device_destroy(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parallel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_debugcon, setup, teardown),
        cmocka_unit_test_setup_teardown(test_debugexit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_testdev, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
