/*
 * i440fx_test.c: where RAM is seen, PAM, SMRAM and its lock.
 */
#include "devices/chipset/i440fx.h"

#include "devices/chipset/chipset_test.h"

enum { RAM_SIZE = 4 << 20 };

struct bridge {
    struct board *board;
    struct i440fx *i440fx;
    struct region rom, vga;
    struct mapping rom_mapping, vga_mapping;
};

static u64 vga_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)size;
    return 0x77;
}

static const struct region_ops vga_ops = {.read = vga_read, .min_size = 1, .max_size = 1};

static int set_up(void **state)
{
    struct bridge *t = mem_zeroed(1, sizeof *t);

    t->board = board_create(RAM_SIZE);
    t->i440fx = i440fx_create(t->board->bus, &t->board->ram);
    assert_true(region_init_rom(&t->rom, "bios", 0x20000));
    memset(t->rom.host, 0x99, 0x20000);
    space_map(t->board->memory, &t->rom_mapping, &t->rom, 0xe0000, PRIORITY_PCI);
    region_init_io(&t->vga, "vga", 0x20000, &vga_ops, NULL);
    space_map(t->board->memory, &t->vga_mapping, &t->vga, 0xa0000, PRIORITY_PCI);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct bridge *t = *state;

    space_unmap(&t->rom_mapping);
    space_unmap(&t->vga_mapping);
    region_destroy(&t->rom);
    device_destroy(i440fx_device(t->i440fx));
    board_destroy(t->board);
    free(t);
    return 0;
}

static u8 peek(struct bridge *t, paddr addr, bool smm)
{
    return (u8)space_read(t->board->memory, addr, 1, smm);
}

static void poke(struct bridge *t, paddr addr, u8 value, bool smm)
{
    space_write(t->board->memory, addr, value, 1, smm);
}

static void config(struct bridge *t, unsigned reg, u8 value)
{
    pci_config_write(t->board->bus, 0, reg, value, 1);
}

static void layout(void **state)
{
    struct ram_layout l;

    (void)state;
    l = ram_layout(0xd0000000);
    assert_int_equal(l.below_4g, 0xd0000000);
    assert_int_equal(l.above_4g, 0);
    l = ram_layout(0xe0000000);
    assert_int_equal(l.below_4g, 0xc0000000);
    assert_int_equal(l.above_4g, 0x20000000);
    l = ram_layout(8ull << 30);
    assert_int_equal(l.above_4g, 5ull << 30);
}

static void fixed_ram(void **state)
{
    struct bridge *t = *state;

    poke(t, 0x9ffff, 1, false);
    poke(t, 0x100000, 2, false);
    poke(t, RAM_SIZE - 1, 3, false);
    assert_int_equal(peek(t, 0x9ffff, false), 1);
    assert_int_equal(peek(t, 0x100000, false), 2);
    assert_int_equal(peek(t, RAM_SIZE - 1, false), 3);
    assert_int_equal(peek(t, RAM_SIZE, false), 0xff);
    assert_int_equal(peek(t, 0xc0000, false), 0xff);
}

static void shadow(void **state)
{
    struct bridge *t = *state;

    assert_int_equal(peek(t, 0xf0000, false), 0x99);
    config(t, 0x59, 0x20); /* write RAM, read PCI */
    poke(t, 0xf0000, 0x11, false);
    assert_int_equal(peek(t, 0xf0000, false), 0x99);
    config(t, 0x59, 0x10); /* read RAM, write PCI */
    assert_int_equal(peek(t, 0xf0000, false), 0x11);
    poke(t, 0xf0000, 0x22, false);
    assert_int_equal(peek(t, 0xf0000, false), 0x11);
    config(t, 0x59, 0x30);
    poke(t, 0xfffff, 0x33, false);
    assert_int_equal(peek(t, 0xfffff, true), 0x33);
    config(t, 0x59, 0);
    assert_int_equal(peek(t, 0xfffff, false), 0x99);
}

static void every_segment(void **state)
{
    struct bridge *t = *state;

    for (unsigned i = 0; i < 12; i++) {
        paddr base = 0xc0000 + i * 0x4000u;

        config(t, 0x5a + i / 2, i & 1 ? 0x30 : 0x03);
        poke(t, base, (u8)(i + 1), false);
        poke(t, base + 0x3fff, (u8)(i + 1), false);
        assert_int_equal(peek(t, base, false), i + 1);
        assert_int_equal(peek(t, base + 0x3fff, false), i + 1);
        assert_int_equal(peek(t, base + 0x4000, false), base + 0x4000 < 0xe0000 ? 0xff : 0x99);
        config(t, 0x5a + i / 2, 0);
    }
}

static void smram(void **state)
{
    struct bridge *t = *state;

    config(t, 0x72, 0x4a); /* open */
    poke(t, 0xa8000, 0x44, false);
    assert_int_equal(peek(t, 0xa8000, false), 0x44);
    config(t, 0x72, 0x0a); /* closed */
    assert_int_equal(peek(t, 0xa8000, false), 0x77);
    assert_int_equal(peek(t, 0xa8000, true), 0x44);
    config(t, 0x72, 0x02); /* off */
    assert_int_equal(peek(t, 0xa8000, true), 0x77);
    config(t, 0x72, 0x5a); /* locking closes */
    assert_int_equal(pci_config_read(t->board->bus, 0, 0x72, 1), 0x1a);
    config(t, 0x72, 0x4a);
    assert_int_equal(pci_config_read(t->board->bus, 0, 0x72, 1), 0x1a);
    assert_int_equal(peek(t, 0xa8000, false), 0x77);
    assert_int_equal(peek(t, 0xa8000, true), 0x44);
    device_reset(i440fx_device(t->i440fx));
    assert_int_equal(pci_config_read(t->board->bus, 0, 0x72, 1), 0x02);
    assert_int_equal(peek(t, 0xa8000, true), 0x77);
}

static void identity(void **state)
{
    struct bridge *t = *state;

    assert_int_equal(pci_config_read(t->board->bus, 0, 0, 4), 0x12378086);
    assert_int_equal(pci_config_read(t->board->bus, 0, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x11001af4);
    assert_int_equal(pci_config_read(t->board->bus, 0, PCI_REVISION_ID, 4), 0x06000002);
}

static void random_guest(void **state)
{
    struct bridge *t = *state;

    srand(2);
    for (int i = 0; i < 20000; i++) {
        unsigned size = 1u << rand() % 3;

        pci_config_write(t->board->bus, 0, (u8)rand(), random32(), size);
        poke(t, 0xa0000 + random32() % 0x60000, (u8)i, rand() & 1);
        peek(t, 0xa0000 + random32() % 0x60000, rand() & 1);
    }
}

static void state_of_device(void **state)
{
    struct bridge *t = *state, *fresh;
    void *other;

    random_guest(state);
    set_up(&other);
    fresh = other;
    assert_saved_alike(i440fx_device(t->i440fx), i440fx_device(fresh->i440fx));
    for (paddr a = 0xa0000; a < 0x100000; a += 0x4000) {
        poke(t, a, 0x5a, false);
        poke(fresh, a, 0x5a, false);
        assert_int_equal(peek(t, a, false), peek(fresh, a, false));
    }
    tear_down(&other);
    set_up(&other);
    fresh = other;
    device_reset(i440fx_device(t->i440fx));
    assert_same_state(i440fx_device(t->i440fx), i440fx_device(fresh->i440fx));
    tear_down(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(layout), TEST(fixed_ram), TEST(shadow),       TEST(every_segment),
        TEST(smram),  TEST(identity),  TEST(random_guest), TEST(state_of_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
