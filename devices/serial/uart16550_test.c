/*
 * uart16550_test.c: the 16550A through its ports, by the PC16550D data sheet.
 */
#include "devices/core/device_test.h"
#include "devices/serial/fake_host.h"
#include "devices/serial/uart16550.h"

enum { BASE = 0x3f8, RBR = 0, IER, IIR, LCR, MCR, LSR, MSR, SCR };

struct bed {
    struct space *ports;
    struct clock *clock;
    struct irq irq;
    bool level;
    int edges;
    struct fake_host host;
    struct device *uart;
};

static void set_line(void *opaque, int line, bool level)
{
    struct bed *bed = opaque;
    (void)line;
    bed->edges += level && !bed->level;
    bed->level = level;
}

static int setup(void **state)
{
    static struct bed bed;
    memset(&bed, 0, sizeof bed);
    bed.ports = space_create("ports", 16);
    bed.clock = clock_create();
    clock_set_counted(bed.clock, true);
    bed.irq = (struct irq){.set = set_line, .opaque = &bed};
    fake_init(&bed.host);
    bed.uart = uart16550_create(bed.ports, BASE, bed.clock, &bed.irq, &bed.host.base);
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    device_destroy(bed->uart);
    space_destroy(bed->ports);
    clock_destroy(bed->clock);
    return 0;
}

static u8 in(struct bed *bed, unsigned reg)
{
    return (u8)space_read(bed->ports, BASE + reg, 1, false);
}

static void out(struct bed *bed, unsigned reg, u8 value)
{
    space_write(bed->ports, BASE + reg, value, 1, false);
}

static void pass_ns(struct bed *bed, i64 ns)
{
    clock_advance(bed->clock, ns);
    clock_run_timers(bed->clock);
}

static void test_registers_after_reset(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(in(bed, IER), 0);
    assert_int_equal(in(bed, IIR), 0x01);
    assert_int_equal(in(bed, LCR), 0);
    assert_int_equal(in(bed, MCR), 0);
    assert_int_equal(in(bed, LSR), 0x60);
    assert_int_equal(in(bed, MSR), 0xb0);
    out(bed, SCR, 0xa5);
    out(bed, IER, 0xff);
    out(bed, MCR, 0xef);
    assert_int_equal(in(bed, SCR), 0xa5);
    assert_int_equal(in(bed, IER), 0x0f);
    assert_int_equal(in(bed, MCR), 0x0f);
    out(bed, LCR, 0x83);
    out(bed, 0, 0x34);
    out(bed, 1, 0x12);
    assert_int_equal(in(bed, 0), 0x34);
    assert_int_equal(in(bed, 1), 0x12);
    out(bed, LCR, 0x03);
    assert_int_equal(in(bed, IER), 0x0f);
    assert_string_equal(bed->host.out, "");
}

static void test_transmit(void **state)
{
    struct bed *bed = *state;
    out(bed, 0, 'o');
    out(bed, 0, 'k');
    assert_string_equal(bed->host.out, "ok");
    assert_int_equal(in(bed, LSR), 0x60);
}

static void test_thre_interrupt(void **state)
{
    struct bed *bed = *state;
    out(bed, IER, 0x02);
    assert_false(bed->level); /* OUT2 gates the wire */
    assert_int_equal(in(bed, IIR), 0x02);
    out(bed, MCR, 0x08);
    assert_false(bed->level); /* reading IIR has acknowledged it */
    out(bed, IER, 0x00);
    out(bed, IER, 0x02);
    assert_true(bed->level); /* enabling it with THR empty latches it again */
    int edges = bed->edges;
    out(bed, 0, 'x');
    assert_int_equal(bed->edges, edges + 1); /* it falls and rises */
    assert_int_equal(in(bed, IIR), 0x02);
    assert_false(bed->level);
    assert_int_equal(in(bed, IIR), 0x01);
    assert_true(in(bed, LSR) & 0x20);
}

static void test_receive_without_fifo(void **state)
{
    struct bed *bed = *state;
    out(bed, MCR, 0x08);
    out(bed, IER, 0x01);
    fake_type(&bed->host, "ab");
    assert_true(bed->level);
    assert_int_equal(in(bed, IIR), 0x04);
    assert_int_equal(in(bed, LSR), 0x61);
    assert_int_equal(bed->host.in_size, 1); /* the second waits at the host */
    assert_int_equal(in(bed, RBR), 'a');
    assert_true(bed->level);
    assert_int_equal(in(bed, RBR), 'b');
    assert_false(bed->level);
    assert_int_equal(in(bed, LSR), 0x60);
}

static void test_fifo_trigger_and_timeout(void **state)
{
    struct bed *bed = *state;
    out(bed, LCR, 0x83);
    out(bed, 0, 1); /* 115200 baud: a character takes 86.8 us */
    out(bed, 1, 0);
    out(bed, LCR, 0x03);
    out(bed, IIR, 0x81); /* FIFOs on, trigger level 8 */
    out(bed, MCR, 0x08);
    out(bed, IER, 0x01);
    fake_type(&bed->host, "1234567");
    assert_int_equal(in(bed, IIR), 0xc1);
    pass_ns(bed, 347000); /* just short of four characters */
    assert_false(bed->level);
    pass_ns(bed, 300);
    assert_true(bed->level);
    assert_int_equal(in(bed, IIR), 0xcc);
    assert_int_equal(in(bed, RBR), '1'); /* a read clears the time-out and starts it again */
    assert_false(bed->level);
    pass_ns(bed, 400000);
    assert_int_equal(in(bed, IIR), 0xcc);
    fake_type(&bed->host, "89");
    assert_int_equal(in(bed, IIR), 0xc4);
    fake_type(&bed->host, "0123456789abcdef");
    assert_int_equal(bed->host.in_size, 8);
    for (const char *p = "234567890123456789abcdef"; *p; p++) {
        assert_true(in(bed, LSR) & 1);
        assert_int_equal(in(bed, RBR), *p);
    }
    assert_int_equal(in(bed, LSR), 0x60);
    assert_int_equal(in(bed, IIR), 0xc1);
    pass_ns(bed, 1000000);
    assert_false(bed->level); /* an empty FIFO has no time-out */
    fake_type(&bed->host, "x");
    out(bed, IIR, 0x83); /* clears the receive FIFO */
    assert_int_equal(in(bed, LSR), 0x60);
    pass_ns(bed, 1000000);
    assert_false(bed->level);
}

static void test_break_travels_with_its_character(void **state)
{
    struct bed *bed = *state;
    const struct char_front *front = &bed->host.base.front;
    out(bed, IIR, 0x01);
    out(bed, MCR, 0x08);
    out(bed, IER, 0x04);
    fake_type(&bed->host, "a");
    front->event(front->opaque, CHAR_BREAK);
    assert_int_equal(in(bed, LSR), 0xe1); /* somewhere in the FIFO is an error */
    assert_false(bed->level);
    assert_int_equal(in(bed, RBR), 'a');
    assert_true(bed->level);
    assert_int_equal(in(bed, IIR), 0xc6);
    assert_int_equal(in(bed, LSR), 0xf9); /* BI and FE: it is on top now */
    assert_false(bed->level);
    assert_int_equal(in(bed, LSR), 0x61);
    assert_int_equal(in(bed, RBR), 0);
}

static void test_priorities(void **state)
{
    struct bed *bed = *state;
    const struct char_front *front = &bed->host.base.front;
    out(bed, MCR, 0x18);
    out(bed, MCR, 0x08); /* modem deltas */
    out(bed, IER, 0x0f);
    front->event(front->opaque, CHAR_BREAK);
    assert_int_equal(in(bed, IIR), 0x06);
    in(bed, LSR);
    assert_int_equal(in(bed, IIR), 0x04);
    in(bed, RBR);
    assert_int_equal(in(bed, IIR), 0x02);
    assert_int_equal(in(bed, IIR), 0x00);
    assert_true(bed->level);
    in(bed, MSR);
    assert_int_equal(in(bed, IIR), 0x01);
    assert_false(bed->level);
}

static void test_loopback(void **state)
{
    struct bed *bed = *state;
    in(bed, MSR);
    out(bed, LCR, 0x02); /* 7 bits */
    out(bed, MCR, 0x1a); /* loop, OUT2, RTS: how Linux tells that a port is there */
    assert_int_equal(in(bed, MSR) & 0xf0, 0x90);
    out(bed, 0, 0xc1);
    assert_string_equal(bed->host.out, "");
    assert_int_equal(in(bed, LSR), 0x61);
    out(bed, 0, 0x42);
    assert_int_equal(in(bed, LSR), 0x63); /* overrun: the first one is lost */
    assert_int_equal(in(bed, RBR), 0x42);
    fake_type(&bed->host, "w"); /* waits until the loop is opened */
    assert_int_equal(in(bed, LSR), 0x60);
    out(bed, LCR, 0x43); /* break */
    assert_int_equal(in(bed, LSR), 0x79);
    assert_int_equal(in(bed, RBR), 0);
    in(bed, MSR);
    out(bed, MCR, 0x14); /* RI rises: no delta */
    assert_int_equal(in(bed, MSR) & 0x44, 0x40);
    out(bed, MCR, 0x10); /* and falls: TERI */
    assert_int_equal(in(bed, MSR) & 0x44, 0x04);
    assert_false(bed->level);
    out(bed, MCR, 0);
    assert_int_equal(in(bed, RBR), 'w');
}

static void test_fifo_overrun_in_loopback(void **state)
{
    struct bed *bed = *state;
    out(bed, IIR, 0xc1);
    out(bed, LCR, 3);
    out(bed, MCR, 0x10);
    for (unsigned i = 0; i < 18; i++) {
        out(bed, 0, (u8)i);
    }
    assert_int_equal(in(bed, LSR), 0x63);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(in(bed, RBR), i); /* a full FIFO keeps what it has */
    }
    assert_int_equal(in(bed, LSR), 0x60);
}

static void test_lagging_host(void **state)
{
    struct bed *bed = *state;
    const struct char_front *front = &bed->host.base.front;
    out(bed, IIR, 0x01);
    out(bed, MCR, 0x08);
    bed->host.lagging = true;
    for (const char *p = "0123456789abcdef"; *p; p++) {
        out(bed, 0, (u8)*p);
    }
    assert_int_equal(in(bed, LSR), 0);
    out(bed, IER, 0x02);
    assert_false(bed->level);
    bed->host.lagging = false;
    front->writable(front->opaque);
    assert_string_equal(bed->host.out, "0123456789abcdef");
    assert_true(bed->level);
    assert_int_equal(in(bed, LSR), 0x60);
    bed->host.lagging = true;
    out(bed, 0, 'x');
    out(bed, IIR, 0x05); /* clears the transmit FIFO */
    assert_int_equal(in(bed, LSR), 0x60);
}

static void test_state(void **state)
{
    struct bed *bed = *state;
    struct fake_host hosts[2];
    for (unsigned i = 0; i < 2; i++) {
        fake_init(&hosts[i]);
        hosts[i].lagging = true;
    }
    struct device *other = uart16550_create(bed->ports, 0x2f8, bed->clock, NULL, &hosts[0].base);
    struct device *fresh = uart16550_create(bed->ports, 0x3e8, bed->clock, NULL, &hosts[1].base);
    out(bed, IIR, 0x81);
    out(bed, MCR, 0x08);
    out(bed, IER, 0x0f);
    bed->host.lagging = true;
    out(bed, 0, 'q');
    fake_type(&bed->host, "abc");
    assert_false(bed->level);
    pass_ns(bed, 100000000);
    assert_true(bed->level);
    expect_save_load_save(bed->uart, other);
    assert_int_equal(space_read(bed->ports, 0x2f8 + IIR, 1, false), 0xcc);
    assert_int_equal(space_read(bed->ports, 0x2f8, 1, false), 'a');
    expect_reset_is_fresh(bed->uart, fresh);
    assert_false(bed->level);
    device_destroy(fresh);
    device_destroy(other);
}

static void test_hostile(void **state)
{
    struct bed *bed = *state;
    static char text[100];
    u64 seed = 5;
    struct device *other = uart16550_create(bed->ports, 0x2f8, bed->clock, NULL, NULL);
    memset(text, 'z', sizeof text - 1);
    for (unsigned i = 0; i < 400; i++) {
        bed->host.lagging = test_random(&seed) & 1;
        fake_clear(&bed->host);
        fake_type(&bed->host, text);
        random_accesses(bed->ports, BASE, 8, 200, i);
        pass_ns(bed, test_random(&seed) % 10000000);
    }
    expect_save_load_save(bed->uart, bed->uart);
    for (unsigned i = 0; i < 20000;
         i++) { /* whatever a damaged state says, nothing is read outside */
        struct blob blob = {0};
        struct error err;
        device_save(bed->uart, &blob);
        blob.data[test_random(&seed) % blob.size] = (u8)test_random(&seed);
        device_load(other, &blob, &err);
        random_accesses(bed->ports, 0x2f8, 8, 10, i);
        blob_free(&blob);
    }
    device_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_registers_after_reset),
        T(test_transmit),
        T(test_thre_interrupt),
        T(test_receive_without_fifo),
        T(test_fifo_trigger_and_timeout),
        T(test_break_travels_with_its_character),
        T(test_priorities),
        T(test_loopback),
        T(test_fifo_overrun_in_loopback),
        T(test_lagging_host),
        T(test_state),
        T(test_hostile),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
