/*
 * pci_test.c: configuration mechanism #1, base addresses, interrupt swizzling, save and load.
 */
#include "devices/chipset/pci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/base/mem.h"

struct card {
    struct device dev;
    struct pci_function pci;
    struct region io, memory, window;
    u64 last;
};

static u64 card_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)size;
    return 0x40 + offset;
}

static void card_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct card *card = opaque;

    (void)size;
    card->last = offset << 32 | value;
}

static const struct region_ops card_ops = {
    .read = card_read, .write = card_write, .min_size = 1, .max_size = 4};

static void card_reset(struct device *dev)
{
    pci_reset(&container_of(dev, struct card, dev)->pci);
}

static void card_destroy(struct device *dev)
{
    struct card *card = container_of(dev, struct card, dev);

    pci_function_fini(&card->pci);
    free(card);
}

static void card_loaded(struct device *dev)
{
    pci_loaded(&container_of(dev, struct card, dev)->pci);
}

static const struct field card_fields[] = {
    FIELD_STRUCT(struct card, pci, pci_function_fields),
    FIELD_END,
};

static const struct device_class card_class = {.name = "card",
                                               .version = 1,
                                               .reset = card_reset,
                                               .destroy = card_destroy,
                                               .loaded = card_loaded,
                                               .fields = card_fields};

static struct card *card_create(struct pci_bus *bus, u8 devfn)
{
    static const struct pci_id id = {
        .vendor = 0x1234, .device = 0x5678, .class_code = 0x020000, .interrupt_pin = 1};
    static const u8 rom[3000] = {0x55, 0xaa, 6};
    struct card *card = mem_zeroed(1, sizeof *card);

    card->dev.class = &card_class;
    pci_function_init(&card->pci, bus, devfn, "card", &id);
    region_init_io(&card->io, "card-io", 0x20, &card_ops, card);
    region_init_io(&card->memory, "card-memory", 0x1000, &card_ops, card);
    region_init_io(&card->window, "card-window", 0x100000, &card_ops, card);
    pci_set_bar(&card->pci, 0, PCI_BAR_IO, &card->io);
    pci_set_bar(&card->pci, 1, PCI_BAR_MEM32, &card->memory);
    pci_set_bar(&card->pci, 2, PCI_BAR_MEM64_PREFETCH, &card->window);
    assert_true(pci_set_rom(&card->pci, rom, sizeof rom));
    pci_add_capability(&card->pci, 1, 0x50, 8);
    pci_add_capability(&card->pci, 9, 0x60, 4);
    device_reset(&card->dev);
    return card;
}

struct board {
    struct space *memory, *ports;
    struct pci_bus *bus;
    struct card *card;
    struct irq pirq[4];
    bool level[4];
    u8 cf9;
};

static void board_pirq(void *opaque, int line, bool level)
{
    ((struct board *)opaque)->level[line] = level;
}

static u64 cf9_read(void *opaque, u64 offset, unsigned size)
{
    (void)offset;
    (void)size;
    return ((struct board *)opaque)->cf9;
}

static void cf9_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)offset;
    (void)size;
    ((struct board *)opaque)->cf9 = (u8)value;
}

static const struct region_ops cf9_ops = {.read = cf9_read, .write = cf9_write};

static int set_up(void **state)
{
    struct board *b = mem_zeroed(1, sizeof *b);
    struct irq *pirq[4];

    b->memory = space_create("memory", 40);
    b->ports = space_create("ports", 16);
    b->bus = pci_bus_create(b->memory, b->ports);
    for (int i = 0; i < 4; i++) {
        b->pirq[i] = (struct irq){.set = board_pirq, .opaque = b, .line = i};
        pirq[i] = &b->pirq[i];
    }
    pci_bus_connect(b->bus, pirq);
    pci_bus_set_cf9(b->bus, &cf9_ops, b);
    b->card = card_create(b->bus, PCI_DEVFN(3, 0));
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct board *b = *state;

    device_destroy(&b->card->dev);
    device_destroy(&b->bus->dev);
    space_destroy(b->memory);
    space_destroy(b->ports);
    free(b);
    return 0;
}

static void out(struct board *b, u16 port, u32 value, unsigned size)
{
    space_write(b->ports, port, value, size, false);
}

static u32 in(struct board *b, u16 port, unsigned size)
{
    return (u32)space_read(b->ports, port, size, false);
}

static u32 config_in(struct board *b, unsigned devfn, unsigned reg, unsigned size)
{
    out(b, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc), 4);
    return in(b, (u16)(0xcfc + (reg & 3)), size);
}

static void config_out(struct board *b, unsigned devfn, unsigned reg, u32 value, unsigned size)
{
    out(b, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc), 4);
    out(b, (u16)(0xcfc + (reg & 3)), value, size);
}

enum { CARD = PCI_DEVFN(3, 0) };

static void mechanism_one(void **state)
{
    struct board *b = *state;

    out(b, 0xcf8, 0xffffffff, 4);
    assert_int_equal(in(b, 0xcf8, 4), 0x80fffffc);
    out(b, 0xcf8, 0x12, 1); /* bytes do not reach CONFIG_ADDRESS */
    assert_int_equal(in(b, 0xcf8, 4), 0x80fffffc);
    out(b, 0xcf9, 6, 1);
    assert_int_equal(b->cf9, 6);
    assert_int_equal(in(b, 0xcf9, 1), 6);
    assert_int_equal(config_in(b, CARD, 0, 4), 0x56781234);
    assert_int_equal(config_in(b, CARD, 2, 2), 0x5678);
    assert_int_equal(config_in(b, CARD, 0xb, 1), 0x02);
    assert_int_equal(config_in(b, CARD + 1, 0, 4), 0xffffffff);
    out(b, 0xcf8, 0x80010000u | CARD << 8, 4); /* bus 1 */
    assert_int_equal(in(b, 0xcfc, 4), 0xffffffff);
    out(b, 0xcf8, CARD << 8, 4); /* not enabled */
    assert_int_equal(in(b, 0xcfc, 4), 0xffffffff);
    config_out(b, CARD, 0, 0, 4);
    assert_int_equal(config_in(b, CARD, 0, 4), 0x56781234);
}

static void sizes_of_bars(void **state)
{
    struct board *b = *state;
    static const u32 size[] = {0xffffffe1, 0xfffff000, 0xfff0000c, 0xffffffff, 0, 0};

    config_out(b, CARD, PCI_COMMAND, 3, 2);
    for (unsigned i = 0; i < 6; i++) {
        config_out(b, CARD, PCI_BAR0 + 4 * i, 0xffffffff, 4);
        assert_int_equal(config_in(b, CARD, PCI_BAR0 + 4 * i, 4), size[i]);
    }
    config_out(b, CARD, PCI_ROM_ADDRESS, 0xfffffffe, 4);
    assert_int_equal(config_in(b, CARD, PCI_ROM_ADDRESS, 4), 0xfffff000);
}

static void decoding(void **state)
{
    struct board *b = *state;

    config_out(b, CARD, PCI_BAR0, 0xc000, 4);
    config_out(b, CARD, PCI_BAR0 + 4, 0xfebf0000, 4);
    config_out(b, CARD, PCI_BAR0 + 8, 0, 4);
    config_out(b, CARD, PCI_BAR0 + 12, 1, 4);
    config_out(b, CARD, PCI_ROM_ADDRESS, 0xfeb00001, 4);
    assert_int_equal(in(b, 0xc004, 1), 0xff);
    config_out(b, CARD, PCI_COMMAND, PCI_COMMAND_IO, 2);
    assert_int_equal(in(b, 0xc004, 1), 0x44);
    assert_int_equal(space_read(b->memory, 0xfebf0008, 1, false), 0xff);
    config_out(b, CARD, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    assert_int_equal(in(b, 0xc004, 1), 0xff);
    assert_int_equal(space_read(b->memory, 0xfebf0008, 1, false), 0x48);
    assert_int_equal(space_read(b->memory, 0x100000010, 4, false), 0x50);
    assert_int_equal(space_read(b->memory, 0xfeb00000, 2, false), 0xaa55);
    space_write(b->memory, 0x1000ffffc, 7, 4, false);
    assert_int_equal(b->card->last, 0xffffcull << 32 | 7);
    config_out(b, CARD, PCI_ROM_ADDRESS, 0xfeb00000, 4);
    assert_int_equal(space_read(b->memory, 0xfeb00000, 2, false), 0xffff);
    config_out(b, CARD, PCI_BAR0 + 4, 0xe0000000, 4);
    assert_int_equal(space_read(b->memory, 0xfebf0008, 1, false), 0xff);
    assert_int_equal(space_read(b->memory, 0xe0000008, 1, false), 0x48);
    assert_int_equal(pci_bar_address(&b->card->pci, 1), 0xe0000000);
    device_reset(&b->card->dev);
    assert_int_equal(space_read(b->memory, 0xe0000008, 1, false), 0xff);
}

static void bus_master(void **state)
{
    struct board *b = *state;

    assert_false(*pci_dma(&b->card->pci).enabled);
    config_out(b, CARD, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
    assert_true(*pci_dma(&b->card->pci).enabled);
    device_reset(&b->card->dev);
    assert_false(*pci_dma(&b->card->pci).enabled);
}

static void interrupts(void **state)
{
    struct board *b = *state;
    struct card *other = card_create(b->bus, PCI_DEVFN(7, 0));

    irq_set(pci_intx(&b->card->pci), true); /* device 3, INTA#: PIRQC# */
    assert_true(b->level[2]);
    assert_int_equal(config_in(b, CARD, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT,
                     PCI_STATUS_INTERRUPT);
    pci_set_intx(&other->pci, true); /* device 7 shares the line */
    pci_set_intx(&b->card->pci, false);
    assert_true(b->level[2]);
    config_out(b, PCI_DEVFN(7, 0), PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    assert_false(b->level[2]);
    config_out(b, PCI_DEVFN(7, 0), PCI_COMMAND, 0, 2);
    assert_true(b->level[2]);
    device_destroy(&other->dev);
    assert_false(b->level[2]);
    assert_int_equal(config_in(b, PCI_DEVFN(7, 0), 0, 4), 0xffffffff);
}

static void capabilities(void **state)
{
    struct board *b = *state;

    assert_int_equal(config_in(b, CARD, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST);
    assert_int_equal(config_in(b, CARD, PCI_CAPABILITY_LIST, 1), 0x60);
    assert_int_equal(config_in(b, CARD, 0x60, 2), 0x5009);
    assert_int_equal(config_in(b, CARD, 0x50, 2), 0x0001);
}

static void random_guest(void **state)
{
    struct board *b = *state;

    srand(1);
    for (int i = 0; i < 30000; i++) {
        u32 value = (u32)rand() << 8 ^ (u32)rand();
        unsigned size = 1u << rand() % 3;

        if (rand() % 2) {
            out(b, 0xcf8, 0x80000000u | CARD << 8 | (value & 0xff), 4);
        }
        out(b, (u16)(0xcf8 + rand() % 8), value, size);
        in(b, (u16)(0xcf8 + rand() % 8), size);
    }
}

static void saved_state(void **state)
{
    struct board *b = *state;
    struct blob first = {0}, second = {0};
    struct error err;

    random_guest(state);
    config_out(b, CARD, PCI_BAR0, 0xd000, 4);
    config_out(b, CARD, PCI_COMMAND, PCI_COMMAND_IO, 2);
    pci_set_intx(&b->card->pci, true);
    device_save(&b->card->dev, &first);
    device_reset(&b->card->dev);
    assert_false(b->level[2]);
    assert_int_equal(in(b, 0xd001, 1), 0xff);
    assert_true(device_load(&b->card->dev, &first, &err));
    device_save(&b->card->dev, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    assert_true(b->level[2]);
    assert_int_equal(in(b, 0xd001, 1), 0x41);
    blob_free(&first);
    blob_free(&second);
}

static void reset_is_fresh(void **state)
{
    struct board *b = *state;
    struct card *fresh = card_create(b->bus, PCI_DEVFN(9, 0));
    char path[64];

    random_guest(state);
    device_reset(&b->card->dev);
    assert_false(fields_differ(card_fields, b->card, fresh, path, sizeof path));
    device_destroy(&fresh->dev);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(mechanism_one), TEST(sizes_of_bars), TEST(decoding),
        TEST(bus_master),    TEST(interrupts),    TEST(capabilities),
        TEST(random_guest),  TEST(saved_state),   TEST(reset_is_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
