/*
 * piix3_test.c: interrupt steering, shared ISA lines, reset control, port 92h and the A20 gate.
 */
#include "devices/chipset/piix3.h"

#include "devices/chipset/a20.h"
#include "devices/chipset/chipset_test.h"
#include "devices/chipset/port92.h"

enum { WIRE_RESET = 16, WIRE_INIT, WIRE_A20 };
enum { BRIDGE = PCI_DEVFN(1, 0) };

struct bridge {
    struct board *board;
    struct piix3 *piix3;
    struct a20 *a20;
    struct device *port92;
};

static int set_up(void **state)
{
    struct bridge *t = mem_zeroed(1, sizeof *t);
    struct board *b = t->board = board_create(1 << 20);
    struct piix3_wires wires = {.reset = &b->wire[WIRE_RESET], .init = &b->wire[WIRE_INIT]};

    for (unsigned i = 0; i < 16; i++) {
        wires.isa[i] = &b->wire[i];
    }
    t->piix3 = piix3_create(b->bus, BRIDGE, &wires);
    t->a20 = a20_create(&b->wire[WIRE_A20]);
    t->port92 = port92_create(b->ports, a20_input(t->a20, A20_PORT92), &b->wire[WIRE_INIT]);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct bridge *t = *state;

    device_destroy(t->port92);
    device_destroy(a20_device(t->a20));
    device_destroy(piix3_device(t->piix3));
    board_destroy(t->board);
    free(t);
    return 0;
}

static void steering(void **state)
{
    struct bridge *t = *state;
    struct board *b = t->board;

    irq_set(b->bus->pirq[2], true);
    assert_false(b->level[11]);
    pci_config_write(b->bus, BRIDGE, 0x62, 11, 1);
    assert_true(b->level[11]);
    pci_config_write(b->bus, BRIDGE, 0x63, 11, 1);
    irq_set(b->bus->pirq[3], true);
    irq_set(b->bus->pirq[2], false);
    assert_true(b->level[11]);
    pci_config_write(b->bus, BRIDGE, 0x63, 0x8b, 1);
    assert_false(b->level[11]);
    pci_config_write(b->bus, BRIDGE, 0x63, 8, 1); /* not a line that can be selected */
    assert_false(b->level[8]);
}

static void shared_lines(void **state)
{
    struct bridge *t = *state;
    struct board *b = t->board;
    struct irq *com1 = piix3_irq(t->piix3, 4), *com3 = piix3_irq(t->piix3, 4);

    irq_set(com1, true);
    irq_set(com3, true);
    irq_set(com1, false);
    assert_true(b->level[4]);
    irq_set(com3, false);
    assert_false(b->level[4]);
    assert_int_equal(b->rises[4], 1);
    pci_config_write(b->bus, BRIDGE, 0x60, 4, 1);
    irq_set(b->bus->pirq[0], true);
    irq_set(com1, true);
    irq_set(com1, false);
    assert_true(b->level[4]);
}

static void resets(void **state)
{
    struct board *b = ((struct bridge *)*state)->board;

    out(b, 0xcf9, 0x02, 1);
    assert_int_equal(in(b, 0xcf9, 1), 0x02);
    assert_int_equal(b->rises[WIRE_RESET], 0);
    out(b, 0xcf9, 0x06, 1);
    assert_int_equal(b->rises[WIRE_RESET], 1);
    out(b, 0xcf9, 0x04, 1);
    assert_int_equal(b->rises[WIRE_INIT], 1);
    out(b, 0x92, 0x01, 1);
    assert_int_equal(b->rises[WIRE_INIT], 2);
    out(b, 0x92, 0x01, 1);
    assert_int_equal(b->rises[WIRE_INIT], 2);
}

static void gate(void **state)
{
    struct bridge *t = *state;
    struct board *b = t->board;

    assert_true(b->level[WIRE_A20]);
    irq_set(a20_input(t->a20, A20_KEYBOARD), false);
    assert_false(b->level[WIRE_A20]);
    out(b, 0x92, 0x02, 1);
    assert_int_equal(in(b, 0x92, 1), 0x02);
    assert_true(b->level[WIRE_A20]);
    irq_set(a20_input(t->a20, A20_KEYBOARD), true);
    assert_true(b->level[WIRE_A20]);
    out(b, 0x92, 0x00, 1); /* the last write decides */
    assert_false(b->level[WIRE_A20]);
    irq_set(a20_input(t->a20, A20_KEYBOARD), true);
    assert_true(b->level[WIRE_A20]);
}

static void identity(void **state)
{
    struct board *b = ((struct bridge *)*state)->board;

    assert_int_equal(pci_config_read(b->bus, BRIDGE, 0, 4), 0x70008086);
    assert_int_equal(pci_config_read(b->bus, BRIDGE, PCI_REVISION_ID, 4), 0x06010000);
    assert_int_equal(pci_config_read(b->bus, BRIDGE, PCI_HEADER_TYPE, 1), 0x80);
    assert_int_equal(pci_config_read(b->bus, BRIDGE, 0x60, 4), 0x80808080);
}

static void random_guest(void **state)
{
    struct bridge *t = *state;
    struct board *b = t->board;

    srand(3);
    for (int i = 0; i < 30000; i++) {
        pci_config_write(b->bus, BRIDGE, (u8)rand(), random32(), 1u << rand() % 3);
        irq_set(b->bus->pirq[rand() % 4], rand() & 1);
        out(b, 0xcf9, (u8)rand(), 1);
        out(b, 0x92, (u8)rand(), 1);
    }
}

static void state_of_device(void **state)
{
    struct bridge *t = *state, *fresh;
    void *other;

    random_guest(state);
    set_up(&other);
    fresh = other;
    assert_saved_alike(piix3_device(t->piix3), piix3_device(fresh->piix3));
    assert_saved_alike(t->port92, fresh->port92);
    assert_saved_alike(a20_device(t->a20), a20_device(fresh->a20));
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(t->board->level[i], fresh->board->level[i]);
    }
    tear_down(&other);
    set_up(&other);
    fresh = other;
    for (unsigned i = 0; i < 4; i++) {
        irq_set(t->board->bus->pirq[i], false);
    }
    device_reset(piix3_device(t->piix3));
    device_reset(t->port92);
    device_reset(a20_device(t->a20));
    assert_same_state(piix3_device(t->piix3), piix3_device(fresh->piix3));
    assert_same_state(t->port92, fresh->port92);
    assert_same_state(a20_device(t->a20), a20_device(fresh->a20));
    tear_down(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(steering), TEST(shared_lines), TEST(resets),          TEST(gate),
        TEST(identity), TEST(random_guest), TEST(state_of_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
