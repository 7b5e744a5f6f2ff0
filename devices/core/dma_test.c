/*
 * dma_test.c: DMA reaches RAM and nothing else; a device's saved form is checked on load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "devices/core/device.h"
#include "devices/core/dma.h"

static u64 forbidden_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque, (void)offset, (void)size;
    fail_msg("DMA read a device register");
    return 0;
}

static void forbidden_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)opaque, (void)offset, (void)value, (void)size;
    fail_msg("DMA wrote a device register");
}

static const struct region_ops forbidden = {.read = forbidden_read, .write = forbidden_write};

static void test_targets(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 36);
    struct region ram, rom, io;
    struct mapping m[3] = {0};
    u8 buffer[0x4000];
    assert_true(region_init_ram(&ram, "ram", 0x1000));
    assert_true(region_init_rom(&rom, "rom", 0x1000));
    region_init_io(&io, "io", 0x1000, &forbidden, NULL);
    space_map(space, &m[0], &ram, 0, 0);
    space_map(space, &m[1], &rom, 0x1000, 0);
    space_map(space, &m[2], &io, 0x2000, 0);
    memset(ram.host, 1, 0x1000);
    memset(rom.host, 2, 0x1000);
    struct dma dma = {.memory = space};
    assert_true(dma_read(&dma, 0x800, buffer, 0x1000));
    assert_int_equal(buffer[0x7ff], 1);
    assert_int_equal(buffer[0x800], 2);
    assert_false(dma_read(&dma, 0, buffer, 0x4000));
    assert_int_equal(buffer[0x1fff], 2);
    assert_int_equal(buffer[0x2000], 0xff);
    assert_int_equal(buffer[0x3fff], 0xff);
    memset(buffer, 9, sizeof buffer);
    assert_true(dma_write(&dma, 0, buffer, 0x1000));
    assert_false(dma_write(&dma, 0, buffer, 0x4000));
    assert_int_equal(ram.host[0xfff], 9);
    assert_int_equal(rom.host[0], 2);
    assert_false(dma_read(&dma, ~(u64)0 - 0xfff, buffer, 0x1001)); /* wraps to address 0 */
    assert_int_equal(buffer[0xfff], 0xff);
    assert_int_equal(buffer[0x1000], 9);
    bool master = false;
    dma.enabled = &master;
    assert_false(dma_read(&dma, 0, buffer, 4));
    assert_int_equal(buffer[3], 0xff);
    assert_false(dma_write(&dma, 0, buffer, 4));
    assert_int_equal(ram.host[0], 9);
    assert_true(region_take_dirty(&ram, 0));
    master = true;
    assert_true(dma_write(&dma, 0, buffer, 4));
    assert_true(region_take_dirty(&ram, 0));
    space_destroy(space);
    region_destroy(&ram);
    region_destroy(&rom);
}

struct toy {
    struct device dev;
    u32 value;
    int loads;
};

static void toy_loaded(struct device *dev)
{
    container_of(dev, struct toy, dev)->loads++;
}

static const struct field toy_fields[] = {FIELD(struct toy, value), FIELD_END};
static const struct device_class toy_class = {
    .name = "toy", .version = 3, .loaded = toy_loaded, .fields = toy_fields};
static const struct device_class newer_toy_class = {
    .name = "toy", .version = 4, .fields = toy_fields};
static const struct device_class other_class = {.name = "tin", .version = 3, .fields = toy_fields};

static void test_save_and_load(void **state)
{
    (void)state;
    struct toy a = {.dev.class = &toy_class, .value = 77}, b = {.dev.class = &toy_class};
    struct toy newer = {.dev.class = &newer_toy_class}, other = {.dev.class = &other_class};
    struct blob blob = {0};
    struct error err;
    device_reset(&a.dev); /* a class without reset */
    device_save(&a.dev, &blob);
    assert_true(device_load(&b.dev, &blob, &err));
    assert_int_equal(b.value, 77);
    assert_int_equal(b.loads, 1);
    assert_false(device_load(&b.dev, &blob, &err));
    blob.pos = 0;
    assert_false(device_load(&newer.dev, &blob, &err));
    assert_non_null(strstr(err.text, "version"));
    blob.pos = 0;
    assert_false(device_load(&other.dev, &blob, &err));
    blob_free(&blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_save_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
