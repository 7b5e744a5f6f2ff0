/*
 * i8237_test.c: the DMA controllers through their ports, with a device of the test's own.
 */
#include "devices/irq/irq_testing.h"

#include "devices/timer/i8237.h"

enum { RAM_BYTES = 0x100000 };

struct fixture {
    struct space *ports, *memory;
    struct region ram;
    struct mapping map;
    struct i8237 *dma;
    unsigned readies;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    f.ports = space_create("ports", 16);
    f.memory = space_create("memory", 36);
    assert_true(region_init_ram(&f.ram, "ram", RAM_BYTES));
    space_map(f.memory, &f.map, &f.ram, 0, 0);
    f.dma = i8237_create(f.ports, f.memory);
    out8(f.ports, 0xd6, 0xc0); /* channel 4 carries the cascade */
    out8(f.ports, 0xd4, 0x00);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    device_destroy(&f->dma->dev);
    space_unmap(&f->map);
    region_destroy(&f->ram);
    space_destroy(f->memory);
    space_destroy(f->ports);
    return 0;
}

/* Programs channel 2, the floppy's. */
static void program(struct fixture *f, u8 mode, u8 page, u16 address, u16 count)
{
    out8(f->ports, 0x0a, 0x06);
    out8(f->ports, 0x0c, 0);
    out8(f->ports, 0x0b, mode | 2);
    out8(f->ports, 0x04, (u8)address);
    out8(f->ports, 0x04, (u8)(address >> 8));
    out8(f->ports, 0x05, (u8)count);
    out8(f->ports, 0x05, (u8)(count >> 8));
    out8(f->ports, 0x81, page);
    out8(f->ports, 0x0a, 0x02);
}

static u16 read16(struct fixture *f, u16 port)
{
    out8(f->ports, 0x0c, 0);
    u16 low = in8(f->ports, port);
    return (u16)(low | in8(f->ports, port) << 8);
}

static void fill(u8 *buffer, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        buffer[i] = (u8)(i * 7 + 1);
    }
}

static void test_write_transfer(void **state)
{
    struct fixture *f = *state;
    u8 buffer[512];
    bool tc;
    fill(buffer, sizeof buffer);
    program(f, 0x44, 1, 0x2000, 1023);
    assert_int_equal(i8237_remaining(f->dma, 2), 1024);
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_TO_MEMORY, buffer, 512, &tc), 512);
    assert_false(tc);
    assert_memory_equal(f->ram.host + 0x12000, buffer, 512);
    assert_int_equal(read16(f, 4), 0x2200);
    assert_int_equal(read16(f, 5), 511);
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_TO_MEMORY, buffer, 512, &tc), 512);
    assert_true(tc);
    assert_int_equal(in8(f->ports, 0x08), 0x04);
    assert_int_equal(in8(f->ports, 0x08), 0x00); /* a read clears it */
    assert_int_equal(read16(f, 5), 0xffff);
    assert_false(i8237_ready(f->dma, 2)); /* masked itself */
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_TO_MEMORY, buffer, 512, &tc), 0);
}

static void test_read_transfer_stops(void **state)
{
    struct fixture *f = *state;
    u8 buffer[512] = {0};
    bool tc;
    fill(f->ram.host + 0x30000, 512);
    program(f, 0x48, 3, 0, 99);
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_FROM_MEMORY, buffer, 512, &tc), 100);
    assert_true(tc);
    assert_memory_equal(f->ram.host + 0x30000, buffer, 100);
    assert_int_equal(buffer[100], 0);
}

static void test_page_wrap(void **state)
{
    struct fixture *f = *state;
    u8 buffer[32];
    bool tc;
    fill(buffer, sizeof buffer);
    program(f, 0x44, 2, 0xfff0, 31);
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_TO_MEMORY, buffer, 32, &tc), 32);
    assert_memory_equal(f->ram.host + 0x2fff0, buffer, 16);
    assert_memory_equal(f->ram.host + 0x20000, buffer + 16, 16); /* the page stays */
}

static void test_decrement_and_autoinit(void **state)
{
    struct fixture *f = *state;
    u8 buffer[4] = {1, 2, 3, 4};
    bool tc;
    program(f, 0x74, 0, 0x1003, 3);
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_TO_MEMORY, buffer, 4, &tc), 4);
    assert_true(tc);
    assert_int_equal(load32(f->ram.host + 0x1000), 0x01020304);
    assert_true(i8237_ready(f->dma, 2));
    assert_int_equal(read16(f, 4), 0x1003);
    assert_int_equal(read16(f, 5), 3);
}

static void test_verify_and_wrong_direction(void **state)
{
    struct fixture *f = *state;
    u8 buffer[16];
    bool tc;
    fill(buffer, sizeof buffer);
    program(f, 0x40, 0, 0x1000, 15);
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_TO_MEMORY, buffer, 16, &tc), 16);
    assert_true(tc);
    assert_int_equal(load32(f->ram.host + 0x1000), 0);
    program(f, 0x48, 0, 0x1000, 15);
    assert_int_equal(i8237_transfer(f->dma, 2, I8237_TO_MEMORY, buffer, 16, &tc), 16);
    assert_int_equal(load32(f->ram.host + 0x1000), 0);
}

static void test_words(void **state)
{
    struct fixture *f = *state;
    u8 buffer[8];
    bool tc;
    fill(buffer, sizeof buffer);
    out8(f->ports, 0xd8, 0);
    out8(f->ports, 0xd6, 0x45); /* channel 5 */
    out8(f->ports, 0xc4, 0xfe);
    out8(f->ports, 0xc4, 0xff);
    out8(f->ports, 0xc6, 0x03);
    out8(f->ports, 0xc6, 0x00);
    out8(f->ports, 0x8b, 0x05); /* bit 0 is not used: 128K pages */
    out8(f->ports, 0xd4, 0x01);
    assert_int_equal(i8237_remaining(f->dma, 5), 8);
    assert_int_equal(i8237_transfer(f->dma, 5, I8237_TO_MEMORY, buffer, 8, &tc), 8);
    assert_true(tc);
    assert_memory_equal(f->ram.host + 0x5fffc, buffer, 4);
    assert_memory_equal(f->ram.host + 0x40000, buffer + 4, 4);
}

static void ready(void *opaque)
{
    struct fixture *f = opaque;
    f->readies++;
}

static void test_masks_and_requests(void **state)
{
    struct fixture *f = *state;
    i8237_listen(f->dma, 2, ready, f);
    program(f, 0x44, 0, 0, 15);
    assert_int_equal(f->readies, 0);
    i8237_request(f->dma, 2, true);
    assert_int_equal(in8(f->ports, 0x08), 0x40);
    out8(f->ports, 0x0a, 0x06);
    assert_int_equal(f->readies, 0);
    out8(f->ports, 0x0a, 0x02);
    assert_int_equal(f->readies, 1);
    out8(f->ports, 0x08, 0x04); /* controller off */
    assert_false(i8237_ready(f->dma, 2));
    out8(f->ports, 0x08, 0x00);
    out8(f->ports, 0xd4, 0x04); /* no cascade */
    assert_false(i8237_ready(f->dma, 2));
    out8(f->ports, 0xdc, 0);
    assert_true(i8237_ready(f->dma, 2));
    out8(f->ports, 0x0f, 0x0f);
    assert_int_equal(in8(f->ports, 0x0f), 0xff);
    assert_false(i8237_ready(f->dma, 2));
    out8(f->ports, 0x0e, 0);
    assert_true(i8237_ready(f->dma, 2));
    out8(f->ports, 0x0d, 0); /* master clear masks all */
    assert_false(i8237_ready(f->dma, 2));
    i8237_request(f->dma, 2, false);
}

static void test_state(void **state)
{
    struct fixture *f = *state;
    struct space *ports = space_create("ports", 16);
    struct i8237 *other = i8237_create(ports, f->memory);
    program(f, 0x54, 7, 0x1234, 99);
    expect_save_load_save(&f->dma->dev, &other->dev);
    device_destroy(&other->dev);
    other = i8237_create(ports, f->memory);
    expect_reset_is_fresh(&f->dma->dev, &other->dev);
    device_destroy(&other->dev);
    space_destroy(ports);
}

static void test_random_accesses(void **state)
{
    struct fixture *f = *state;
    static u8 buffer[0x3000];
    u64 random = 13;
    bool tc;
    for (unsigned n = 0; n < 20000; n++) {
        u32 r = test_random(&random);
        random_accesses(f->ports, 0x00, 0x10, 3, random);
        random_accesses(f->ports, 0x81, 0xf, 1, random);
        random_accesses(f->ports, 0xc0, 0x20, 3, random + 1);
        out8(f->ports, 0xd4, 0);
        u32 size = test_random(&random) % sizeof buffer;
        assert_in_range(i8237_transfer(f->dma, r, r & 8 ? I8237_TO_MEMORY : I8237_FROM_MEMORY,
                                       buffer, size, &tc),
                        0, size);
        if (n % 100 == 0) {
            load_damaged(&f->dma->dev, &random);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_transfer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_transfer_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_page_wrap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decrement_and_autoinit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verify_and_wrong_direction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_masks_and_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_accesses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
