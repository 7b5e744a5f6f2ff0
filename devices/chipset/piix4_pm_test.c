/*
 * piix4_pm_test.c: PM timer and events, SCI, S5, APM and its SMI, SMBus.
 */
#include "devices/chipset/piix4_pm.h"

#include "devices/chipset/chipset_test.h"

enum { WIRE_SCI, WIRE_SMI, WIRE_OFF };
enum { PM = PCI_DEVFN(1, 3), BASE = 0x600, SMB = 0x700 };

struct power {
    struct board *board;
    struct piix4_pm *pm;
};

static void config(struct board *b, unsigned reg, u32 value, unsigned size)
{
    pci_config_write(b->bus, PM, reg, value, size);
}

static struct power *power_create(void)
{
    struct power *t = mem_zeroed(1, sizeof *t);
    struct board *b = t->board = board_create(1 << 20);
    struct piix4_pm_wires wires = {
        .sci = &b->wire[WIRE_SCI], .smi = &b->wire[WIRE_SMI], .power_off = &b->wire[WIRE_OFF]};

    t->pm = piix4_pm_create(b->bus, PM, b->clock, &wires);
    return t;
}

/* As SeaBIOS does it. */
static void firmware(struct board *b)
{
    config(b, 0x40, BASE | 1, 4);
    config(b, 0x80, 1, 1);
    config(b, 0x90, SMB | 1, 4);
    config(b, 0xd2, 9, 1);
}

static int set_up(void **state)
{
    struct power *t = power_create();

    firmware(t->board);
    *state = t;
    return 0;
}

static void power_destroy(struct power *t)
{
    device_destroy(piix4_pm_device(t->pm));
    board_destroy(t->board);
    free(t);
}

static int tear_down(void **state)
{
    power_destroy(*state);
    return 0;
}

static void decoding(void **state)
{
    struct power *t = *state;
    struct board *b = t->board;

    assert_int_equal(pci_config_read(b->bus, PM, 0, 4), 0x71138086);
    assert_int_equal(piix4_pm_base(t->pm), BASE);
    assert_int_equal(in(b, BASE + 4, 2), 0);
    config(b, 0x80, 0, 1);
    assert_int_equal(piix4_pm_base(t->pm), 0);
    assert_int_equal(in(b, BASE + 4, 2), 0xffff);
    config(b, 0x80, 1, 1);
    config(b, 0x40, 0xb000, 4);
    assert_int_equal(in(b, 0xb004, 2), 0);
    assert_int_equal(in(b, BASE + 4, 2), 0xffff);
}

static void timer_counts(void **state)
{
    struct board *b = ((struct power *)*state)->board;

    assert_int_equal(in(b, BASE + 8, 4), 0);
    board_advance(b, NS_PER_SECOND);
    assert_int_equal(in(b, BASE + 8, 4), 3579545);
    board_advance(b, 4 * (i64)NS_PER_SECOND);
    assert_int_equal(in(b, BASE + 8, 4), 5 * 3579545 & 0xffffff);
}

static void timer_event(void **state)
{
    struct board *b = ((struct power *)*state)->board;

    out(b, BASE + 2, 1, 2);
    out(b, BASE + 4, 1, 2);
    board_advance(b, 2343000000);
    assert_false(b->level[WIRE_SCI]);
    board_advance(b, 1000000); /* 2^23 ticks are 2.3435 s */
    assert_true(b->level[WIRE_SCI]);
    assert_int_equal(in(b, BASE, 2), 1);
    out(b, BASE, 1, 2);
    assert_int_equal(in(b, BASE, 2), 0);
    assert_false(b->level[WIRE_SCI]);
    board_advance(b, 2344000000);
    assert_true(b->level[WIRE_SCI]);
}

static void status_without_interrupt(void **state)
{
    struct board *b = ((struct power *)*state)->board;

    board_advance(b, 30 * (i64)NS_PER_SECOND);
    assert_int_equal(in(b, BASE, 2), 1);
    out(b, BASE, 0xffff, 2);
    assert_int_equal(in(b, BASE, 2), 0);
    assert_int_equal(clock_next_deadline(b->clock), CLOCK_NEVER);
}

static void power_button(void **state)
{
    struct power *t = *state;
    struct board *b = t->board;

    piix4_pm_power_button(t->pm);
    out(b, BASE + 2, 0x100, 2);
    assert_false(b->level[WIRE_SCI]); /* SCI_EN is not set */
    out(b, 0xb2, PIIX4_ACPI_ENABLE, 1);
    assert_int_equal(in(b, BASE + 4, 2), 1);
    assert_true(b->level[WIRE_SCI]);
    out(b, BASE + 1, 0x01, 1);
    assert_false(b->level[WIRE_SCI]);
    out(b, 0xb2, PIIX4_ACPI_DISABLE, 1);
    assert_int_equal(in(b, BASE + 4, 2), 0);
}

static void rtc_and_gpe(void **state)
{
    struct power *t = *state;
    struct board *b = t->board;

    out(b, BASE + 4, 1, 2);
    out(b, BASE + 2, 0x400, 2);
    irq_set(piix4_pm_rtc_input(t->pm), true);
    assert_true(b->level[WIRE_SCI]);
    out(b, BASE, 0x400, 2); /* an event is the rise, not the level */
    assert_false(b->level[WIRE_SCI]);
    piix4_pm_raise_gpe(t->pm, 9);
    assert_int_equal(in(b, 0xafe0, 2), 0x200);
    out(b, 0xafe3, 0x02, 1);
    assert_true(b->level[WIRE_SCI]);
    out(b, 0xafe0, 0x200, 2);
    assert_false(b->level[WIRE_SCI]);
}

static void sleep_states(void **state)
{
    struct board *b = ((struct power *)*state)->board;

    out(b, BASE + 4, 0x2401, 2); /* S3: refused, and awake at once */
    assert_int_equal(b->rises[WIRE_OFF], 0);
    assert_int_equal(in(b, BASE, 2) & 0x8000, 0x8000);
    assert_int_equal(in(b, BASE + 4, 2), 0x0401);
    out(b, BASE + 4, 0x2001, 2);
    assert_int_equal(b->rises[WIRE_OFF], 1);
}

static void apm(void **state)
{
    struct board *b = ((struct power *)*state)->board;

    out(b, 0xb3, 1, 1);
    out(b, 0xb2, 0, 1);
    assert_int_equal(b->rises[WIRE_SMI], 0);
    config(b, 0x58, 1u << 25, 4);
    out(b, 0xb2, 0x42, 1);
    assert_int_equal(b->rises[WIRE_SMI], 1);
    assert_int_equal(in(b, 0xb2, 1), 0x42);
    assert_int_equal(in(b, 0xb3, 1), 1);
}

static u32 smbus_transfer(struct board *b, u8 address, u8 command, u8 protocol)
{
    out(b, SMB + 0, 0x1e, 1);
    out(b, SMB + 4, address, 1);
    out(b, SMB + 3, command, 1);
    out(b, SMB + 2, (u32)(protocol << 2 | 0x40), 1);
    return in(b, SMB, 1);
}

static void smbus(void **state)
{
    struct board *b = ((struct power *)*state)->board;

    out(b, SMB + 5, 0x12, 1);
    out(b, SMB + 6, 0x34, 1);
    assert_int_equal(smbus_transfer(b, 0xa2, 7, 3), 2);
    out(b, SMB + 5, 0, 1);
    assert_int_equal(smbus_transfer(b, 0xa3, 8, 2), 2);
    assert_int_equal(in(b, SMB + 5, 1), 0x34);
    assert_int_equal(smbus_transfer(b, 0xa2, 7, 1), 2);
    assert_int_equal(smbus_transfer(b, 0xa3, 0, 1), 2);
    assert_int_equal(in(b, SMB + 5, 1), 0x12);
    assert_int_equal(smbus_transfer(b, 0xb1, 0, 2), 4); /* nobody there */
    out(b, SMB + 5, 2, 1);
    in(b, SMB + 2, 1);
    out(b, SMB + 7, 0xaa, 1);
    out(b, SMB + 7, 0xbb, 1);
    assert_int_equal(smbus_transfer(b, 0xa0, 0x10, 5), 2);
    assert_int_equal(smbus_transfer(b, 0xa1, 0x10, 5), 2);
    assert_int_equal(in(b, SMB + 5, 1), 2);
    assert_int_equal(in(b, SMB + 7, 1), 0xaa);
    assert_int_equal(in(b, SMB + 7, 1), 0xbb);
    out(b, SMB + 2, 1, 1); /* with its interrupt on IRQ9 */
    assert_true(b->level[WIRE_SCI]);
    out(b, SMB, 0x1e, 1);
    assert_false(b->level[WIRE_SCI]);
}

static void random_guest(void **state)
{
    struct board *b = ((struct power *)*state)->board;
    static const u16 ports[] = {BASE, BASE + 16, BASE + 32, BASE + 48, SMB, 0xafe0, 0xb2};

    srand(4);
    for (int i = 0; i < 50000; i++) {
        unsigned port = ports[rand() % (int)ARRAY_LEN(ports)] + (unsigned)rand() % 16;
        unsigned size = 1u << rand() % 3;

        if (rand() & 1) {
            out(b, port, random32(), size);
        } else {
            in(b, port, size);
        }
        if (rand() % 64 == 0) {
            board_advance(b, rand());
        }
    }
    for (int i = 0; i < 10000; i++) {
        config(b, (u8)rand(), random32(), 1u << rand() % 3);
    }
    firmware(b);
}

static void state_of_device(void **state)
{
    struct power *t = *state, *fresh = power_create();

    random_guest(state);
    out(t->board, BASE + 2, 0x101, 2);
    out(t->board, BASE + 4, 1, 2);
    piix4_pm_power_button(t->pm);
    board_advance(fresh->board, clock_now(t->board->clock));
    assert_saved_alike(piix4_pm_device(t->pm), piix4_pm_device(fresh->pm));
    assert_true(fresh->board->level[WIRE_SCI]);
    assert_int_equal(in(fresh->board, BASE + 8, 4), in(t->board, BASE + 8, 4));
    device_reset(piix4_pm_device(t->pm));
    device_reset(piix4_pm_device(fresh->pm));
    assert_same_state(piix4_pm_device(t->pm), piix4_pm_device(fresh->pm));
    power_destroy(fresh);
}

static void reset_is_fresh(void **state)
{
    struct power *t = *state, *fresh = power_create();

    out(t->board, BASE + 2, 0x101, 2);
    out(t->board, BASE + 4, 1, 2);
    out(t->board, 0xb2, 0x33, 1);
    out(t->board, SMB + 3, 1, 1);
    piix4_pm_power_button(t->pm);
    device_reset(piix4_pm_device(t->pm));
    assert_false(t->board->level[WIRE_SCI]);
    assert_same_state(piix4_pm_device(t->pm), piix4_pm_device(fresh->pm));
    power_destroy(fresh);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(decoding),        TEST(timer_counts),
        TEST(timer_event),     TEST(status_without_interrupt),
        TEST(power_button),    TEST(rtc_and_gpe),
        TEST(sleep_states),    TEST(apm),
        TEST(smbus),           TEST(random_guest),
        TEST(state_of_device), TEST(reset_is_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
