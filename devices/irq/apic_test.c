/*
 * apic_test.c: IOAPIC and local APIC with each other, with an 8259 behind LINT0, and with
 * message-signalled interrupts.
 */
#include "devices/irq/irq_testing.h"

#include "devices/irq/gsi.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"

#define IOAPIC 0xfec00000ull
#define LAPIC  0xfee00000ull

enum { TSC_HZ = 2000000000 };

struct fixture {
    struct space *ports, *memory;
    struct clock *clock;
    struct apic_bus bus;
    struct gsi gsi;
    struct i8259 *pic;
    struct ioapic *ioapic;
    struct lapic *lapic, *second;
    struct lapic_config config;
    struct probe intr, nmi, smi, init, intr2, nmi2;
    unsigned sipis;
    u8 sipi_vector;
    i64 tsc_offset;
};

static u64 read_tsc(void *opaque)
{
    struct fixture *f = opaque;
    return (u64)(clock_now(f->clock) * 2 + f->tsc_offset);
}

static void sipi(void *opaque, u8 vector)
{
    struct fixture *f = opaque;
    f->sipis++;
    f->sipi_vector = vector;
}

static int pic_acknowledge(void *opaque)
{
    return i8259_acknowledge(opaque);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    f.ports = space_create("ports", 16);
    f.memory = space_create("memory", 40);
    f.clock = test_clock();
    f.ioapic = ioapic_create(f.memory, IOAPIC, &f.bus);
    f.config = (struct lapic_config){
        .bsp = true,
        .has_x2apic = true,
        .has_tsc_deadline = true,
        .phys_bits = 40,
        .intr = probe_init(&f.intr),
        .nmi = probe_init(&f.nmi),
        .smi = probe_init(&f.smi),
        .init = probe_init(&f.init),
        .sipi = sipi,
        .read_tsc = read_tsc,
        .tsc_hz = TSC_HZ,
        .processor = &f,
        .pic_acknowledge = pic_acknowledge,
    };
    f.pic = i8259_create(f.ports, NULL);
    f.config.pic = f.pic;
    f.lapic = lapic_create(f.memory, f.clock, &f.bus, &f.config);
    f.pic->intr = lapic_lint(f.lapic, 0);
    gsi_init(&f.gsi, f.pic, f.ioapic);
    out8(f.ports, 0x21, 0xff);
    out8(f.ports, 0xa1, 0xff);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->second) {
        device_destroy(lapic_device(f->second));
    }
    device_destroy(lapic_device(f->lapic));
    device_destroy(&f->ioapic->dev);
    device_destroy(&f->pic->dev);
    clock_destroy(f->clock);
    space_destroy(f->ports);
    space_destroy(f->memory);
    return 0;
}

/* A second processor's APIC. Its registers lie under the first one's: only messages reach it. */
static void add_second(struct fixture *f)
{
    struct lapic_config config = f->config;
    config.id = 1;
    config.bsp = false;
    config.intr = probe_init(&f->intr2);
    config.nmi = probe_init(&f->nmi2);
    f->second = lapic_create(f->memory, f->clock, &f->bus, &config);
    out32(f->memory, LAPIC + 0xf0, 0x1ff); /* the one mapped later is seen: enable it ... */
    out32(f->memory, LAPIC + 0xd0, 0x02000000);
    assert_true(lapic_set_base(f->second, 0xfee10800)); /* ... and move it away */
}

static u32 lapic_read(struct fixture *f, unsigned offset)
{
    return in32(f->memory, LAPIC + offset);
}

static void lapic_write(struct fixture *f, unsigned offset, u32 value)
{
    out32(f->memory, LAPIC + offset, value);
}

static void ioapic_write(struct fixture *f, u8 reg, u32 value)
{
    out32(f->memory, IOAPIC, reg);
    out32(f->memory, IOAPIC + 0x10, value);
}

static u32 ioapic_read(struct fixture *f, u8 reg)
{
    out32(f->memory, IOAPIC, reg);
    return in32(f->memory, IOAPIC + 0x10);
}

static void route(struct fixture *f, unsigned pin, u32 low, u32 high)
{
    ioapic_write(f, (u8)(0x11 + 2 * pin), high);
    ioapic_write(f, (u8)(0x10 + 2 * pin), low);
}

static void enable(struct fixture *f)
{
    lapic_write(f, 0xf0, 0x1ff);
}

static void test_registers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(lapic_read(f, 0x30), 0x50014);
    assert_int_equal(lapic_read(f, 0x20), 0);
    assert_int_equal(lapic_read(f, 0xf0), 0xff);
    assert_int_equal(lapic_read(f, 0x320), 0x10000);
    assert_int_equal(lapic_read(f, 0x350), 0x700);
    assert_int_equal(ioapic_read(f, 1), 0x170020);
    assert_int_equal(ioapic_read(f, 0x10), 0x10000);
    ioapic_write(f, 0, 0x0f000000);
    assert_int_equal(ioapic_read(f, 0), 0x0f000000);
    lapic_read(f, 0x40); /* no such register */
    lapic_write(f, 0x280, 0);
    assert_int_equal(lapic_read(f, 0x280), 0x80);
    lapic_write(f, 0x280, 0);
    assert_int_equal(lapic_read(f, 0x280), 0);
}

static void test_edge_through_ioapic(void **state)
{
    struct fixture *f = *state;
    enable(f);
    irq_set(&f->gsi.lines[1], true); /* masked: the edge is lost */
    irq_set(&f->gsi.lines[1], false);
    route(f, 1, 0x31, 0);
    assert_false(f->intr.level);
    irq_pulse(&f->gsi.lines[1]);
    assert_true(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x31);
    assert_false(f->intr.level);
    assert_int_equal(lapic_read(f, 0x110), 1u << 17); /* ISR of 0x31 */
    lapic_write(f, 0xb0, 0);
    assert_int_equal(lapic_read(f, 0x110), 0);
    assert_int_equal(lapic_acknowledge(f->lapic), -1);
}

static void test_level_and_remote_irr(void **state)
{
    struct fixture *f = *state;
    enable(f);
    route(f, 16, 0x8040 | 0x2000, 0);
    irq_set(&f->gsi.lines[16], true);
    assert_int_equal(ioapic_read(f, 0x30), 0xe040); /* remote IRR */
    assert_int_equal(lapic_acknowledge(f->lapic), 0x40);
    assert_int_equal(lapic_read(f, 0x1a0), 1);
    lapic_write(f, 0xb0, 0);
    assert_true(f->intr.level); /* the line is still high */
    assert_int_equal(lapic_acknowledge(f->lapic), 0x40);
    irq_set(&f->gsi.lines[16], false);
    lapic_write(f, 0xb0, 0);
    assert_false(f->intr.level);
    assert_int_equal(ioapic_read(f, 0x30), 0xa040);
    irq_set(&f->gsi.lines[16], true);
    lapic_acknowledge(f->lapic);
    irq_set(&f->gsi.lines[16], false);
    out32(f->memory, IOAPIC + 0x40, 0x40); /* the IOAPIC's own EOI register */
    assert_int_equal(ioapic_read(f, 0x30), 0xa040);
}

static void test_masked_level_waits(void **state)
{
    struct fixture *f = *state;
    enable(f);
    route(f, 20, 0x18050, 0);
    irq_set(&f->gsi.lines[20], true);
    assert_false(f->intr.level);
    route(f, 20, 0x8050, 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x50);
}

static void test_priorities(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_write(f, 0x80, 0x50);
    assert_int_equal(lapic_get_cr8(f->lapic), 5);
    apic_bus_msi(&f->bus, 0xfee00000, 0x55);
    assert_false(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0xff); /* spurious: TPR hides it */
    apic_bus_msi(&f->bus, 0xfee00000, 0x60);
    assert_true(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x60);
    assert_int_equal(lapic_read(f, 0xa0), 0x60);
    lapic_set_cr8(f->lapic, 0);
    assert_false(f->intr.level); /* 60 is in service */
    apic_bus_msi(&f->bus, 0xfee00000, 0x6f);
    assert_false(f->intr.level); /* of the same class */
    lapic_write(f, 0xb0, 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x6f);
    lapic_write(f, 0xb0, 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x55);
}

static void program_pic(struct fixture *f)
{
    out8(f->ports, 0x20, 0x11);
    out8(f->ports, 0x21, 0x08);
    out8(f->ports, 0x21, 0x04);
    out8(f->ports, 0x21, 0x01);
}

static void test_virtual_wire(void **state)
{
    struct fixture *f = *state;
    program_pic(f);
    irq_set(&f->gsi.lines[0], true);
    assert_true(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x08);
    assert_false(f->intr.level);
    out8(f->ports, 0x20, 0x20);
    lapic_write(f, 0x350, 0x10700);
    irq_set(&f->gsi.lines[0], false);
    irq_set(&f->gsi.lines[0], true);
    assert_false(f->intr.level); /* LINT0 is masked */
    lapic_write(f, 0xf0, 0x1ff);
    lapic_write(f, 0x350, 0x700);
    assert_true(f->intr.level);
    lapic_write(f, 0xf0, 0xff); /* software disable masks it again */
    assert_int_equal(lapic_read(f, 0x350), 0x10700);
    assert_false(f->intr.level);
}

static void test_hardware_disable(void **state)
{
    struct fixture *f = *state;
    program_pic(f);
    assert_true(lapic_set_base(f->lapic, 0xfee00100));
    assert_int_equal(lapic_read(f, 0x30), 0xffffffff); /* nothing is mapped */
    irq_set(&f->gsi.lines[0], true);
    assert_true(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x08);
    apic_bus_msi(&f->bus, 0xfee00000, 0x55);
    assert_false(f->intr.level);
    irq_set(lapic_lint(f->lapic, 1), true);
    assert_int_equal(f->nmi.rises, 1);
    assert_true(lapic_set_base(f->lapic, 0xfed10900)); /* on again, elsewhere */
    assert_int_equal(in32(f->memory, 0xfed10030), 0x50014);
    assert_false(lapic_set_base(f->lapic, 0xfed10901));
    assert_false(lapic_set_base(f->lapic, 1ull << 40 | 0x900));
}

static void test_lint(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_write(f, 0x360, 0x400);
    irq_set(lapic_lint(f->lapic, 1), true);
    assert_int_equal(f->nmi.rises, 1);
    irq_set(lapic_lint(f->lapic, 1), false);
    lapic_write(f, 0x360, 0x36);
    irq_set(lapic_lint(f->lapic, 1), true);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x36);
    lapic_write(f, 0xb0, 0);
    lapic_write(f, 0x350, 0x8037); /* level, fixed */
    irq_set(lapic_lint(f->lapic, 0), true);
    assert_int_equal(lapic_read(f, 0x350), 0xc037);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x37);
    lapic_write(f, 0xb0, 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x37);
    irq_set(lapic_lint(f->lapic, 0), false);
    lapic_write(f, 0xb0, 0);
    assert_int_equal(lapic_read(f, 0x350), 0x8037);
    assert_false(f->intr.level);
}

static void test_ipis(void **state)
{
    struct fixture *f = *state;
    add_second(f);
    enable(f);
    lapic_write(f, 0x300, 0x40041); /* self */
    assert_int_equal(lapic_acknowledge(f->lapic), 0x41);
    lapic_write(f, 0xb0, 0);
    lapic_write(f, 0x310, 0x01000000);
    lapic_write(f, 0x300, 0x4042);
    assert_int_equal(lapic_read(f, 0x310), 0x01000000);
    assert_false(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->second), 0x42);
    lapic_write(f, 0x300, 0x84043); /* all including self */
    assert_int_equal(lapic_acknowledge(f->lapic), 0x43);
    lapic_write(f, 0x300, 0xc4444); /* NMI to all but self */
    assert_int_equal(f->nmi.rises, 0);
    assert_int_equal(f->nmi2.rises, 1);
    lapic_write(f, 0x310, 0x02000000);
    lapic_write(f, 0x300, 0x4855); /* logical: the second one's bit */
    assert_int_equal(lapic_acknowledge(f->second), 0x55);
    lapic_write(f, 0x310, 0x01000000);
    lapic_write(f, 0x300, 0x4500); /* INIT, start-up */
    assert_int_equal(f->init.rises, 1);
    lapic_write(f, 0x300, 0x8500); /* INIT de-assert: nothing */
    lapic_write(f, 0x300, 0x4699);
    assert_int_equal(f->init.rises, 1);
    assert_int_equal(f->sipis, 1);
    assert_int_equal(f->sipi_vector, 0x99);
    lapic_write(f, 0x310, 0);
    lapic_write(f, 0x300, 0x4200);
    assert_int_equal(f->smi.rises, 1);
    lapic_write(f, 0x300, 0x40005); /* an illegal vector */
    lapic_write(f, 0x280, 0);
    assert_int_equal(lapic_read(f, 0x280), 0x20);
}

static void test_lowest_priority(void **state)
{
    struct fixture *f = *state;
    add_second(f);
    enable(f);
    lapic_write(f, 0xd0, 0x01000000);
    lapic_write(f, 0x80, 0x80);
    route(f, 5, 0x00000961, 0x03000000); /* lowest priority, logical, both */
    irq_pulse(&f->gsi.lines[5]);
    assert_int_equal(lapic_acknowledge(f->second), 0x61);
    assert_int_equal(lapic_acknowledge(f->lapic), -1);
    irq_pulse(&f->gsi.lines[5]);
    lapic_write(f, 0x80, 0);
    irq_pulse(&f->gsi.lines[5]); /* the second one has 61 in service */
    assert_int_equal(lapic_acknowledge(f->lapic), 0x61);
}

static void test_cluster_mode(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_write(f, 0xe0, 0x0fffffff);
    lapic_write(f, 0xd0, 0x32000000);
    apic_bus_msi(&f->bus, 0xfee21004, 0x70); /* another cluster */
    assert_false(f->intr.level);
    apic_bus_msi(&f->bus, 0xfee32004, 0x70);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x70);
    lapic_write(f, 0xb0, 0);
    apic_bus_msi(&f->bus, 0xfeeff004, 0x71);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x71);
}

static void test_one_shot(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_write(f, 0x320, 0x32);
    lapic_write(f, 0x3e0, 0x3); /* divide by 16 */
    lapic_write(f, 0x380, 1000);
    run_for(f->clock, 8000);
    assert_int_equal(lapic_read(f, 0x390), 500);
    run_for(f->clock, 7999);
    assert_int_equal(lapic_read(f, 0x390), 1);
    assert_false(f->intr.level);
    run_for(f->clock, 1);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x32);
    assert_int_equal(lapic_read(f, 0x390), 0);
    run_for(f->clock, 100000);
    assert_false(f->intr.level);
}

static void test_periodic(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_write(f, 0x320, 0x20032);
    lapic_write(f, 0x3e0, 0xb); /* divide by 1 */
    lapic_write(f, 0x380, 1000000);
    for (unsigned n = 0; n < 5; n++) {
        run_for(f->clock, 999999);
        assert_false(f->intr.level);
        assert_int_equal(lapic_read(f, 0x390), 1);
        run_for(f->clock, 1);
        assert_int_equal(lapic_acknowledge(f->lapic), 0x32);
        lapic_write(f, 0xb0, 0);
    }
    run_for(f->clock, 250000);
    lapic_write(f, 0x3e0, 0x0); /* divide by 2: goes on from where it is */
    assert_int_equal(lapic_read(f, 0x390), 750000);
    run_for(f->clock, 1499999);
    assert_false(f->intr.level);
    run_for(f->clock, 1);
    assert_true(f->intr.level);
    lapic_write(f, 0x380, 0);
    lapic_acknowledge(f->lapic);
    assert_true(clock_next_deadline(f->clock) == CLOCK_NEVER);
}

static void test_tsc_deadline(void **state)
{
    struct fixture *f = *state;
    enable(f);
    u64 value;
    assert_true(lapic_write_msr(f->lapic, 0x6e0, 1000));
    assert_true(lapic_read_msr(f->lapic, 0x6e0, &value));
    assert_int_equal(value, 0); /* not in this mode */
    lapic_write(f, 0x320, 0x40033);
    assert_true(lapic_write_msr(f->lapic, 0x6e0, 2001));
    run_until(f->clock, 1000);
    assert_false(f->intr.level);
    run_until(f->clock, 1001);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x33);
    lapic_write(f, 0xb0, 0);
    assert_true(lapic_read_msr(f->lapic, 0x6e0, &value));
    assert_int_equal(value, 0);
    assert_true(lapic_write_msr(f->lapic, 0x6e0, 1)); /* in the past */
    run_for(f->clock, 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x33);
    lapic_write(f, 0xb0, 0);
    assert_true(lapic_write_msr(f->lapic, 0x6e0, 100000));
    f->tsc_offset = 90000;
    lapic_tsc_changed(f->lapic);
    run_until(f->clock, 5000);
    assert_true(f->intr.level);
    lapic_write(f, 0x320, 0x33);
    assert_true(lapic_write_msr(f->lapic, 0x6e0, ~0ull));
}

static void test_x2apic(void **state)
{
    struct fixture *f = *state;
    u64 value;
    assert_false(lapic_read_msr(f->lapic, 0x802, &value));
    assert_false(lapic_set_base(f->lapic, 0xfee00500));
    assert_true(lapic_set_base(f->lapic, 0xfee00d00));
    assert_false(lapic_set_base(f->lapic, 0xfee00900));
    assert_int_equal(lapic_read(f, 0x30), 0xffffffff);
    assert_true(lapic_read_msr(f->lapic, 0x802, &value));
    assert_int_equal(value, 0);
    assert_true(lapic_read_msr(f->lapic, 0x80d, &value));
    assert_int_equal(value, 1);
    assert_true(lapic_write_msr(f->lapic, 0x80f, 0x1ff));
    assert_true(lapic_write_msr(f->lapic, 0x83f, 0x77));
    assert_int_equal(lapic_acknowledge(f->lapic), 0x77);
    assert_true(lapic_write_msr(f->lapic, 0x80b, 0));
    assert_false(lapic_write_msr(f->lapic, 0x80b, 1));
    assert_true(lapic_write_msr(f->lapic, 0x830, 0x4078)); /* physical 0 */
    assert_int_equal(lapic_acknowledge(f->lapic), 0x78);
    assert_true(lapic_write_msr(f->lapic, 0x80b, 0));
    assert_true(lapic_write_msr(f->lapic, 0x830, 0x100004879)); /* logical, cluster 0, bit 0 */
    assert_int_equal(lapic_acknowledge(f->lapic), 0x79);
    assert_false(lapic_write_msr(f->lapic, 0x802, 0));
    assert_false(lapic_read_msr(f->lapic, 0x831, &value));
    assert_false(lapic_read_msr(f->lapic, 0x80e, &value));
    assert_false(lapic_read_msr(f->lapic, 0x83f, &value));
    assert_false(lapic_write_msr(f->lapic, 0x808, 0x100));
    assert_true(lapic_set_base(f->lapic, 0xfee00100));
    assert_false(lapic_set_base(f->lapic, 0xfee00d00)); /* only from xAPIC mode */
    assert_true(lapic_set_base(f->lapic, 0xfee00900));
    assert_int_equal(lapic_read(f, 0xf0), 0xff); /* reset on the way */
}

/* What RDMSR and WRMSR of a legal value may do, for each register of the range: SDM Vol. 3A table 10-6. */
static void test_x2apic_registers(void **state)
{
    struct fixture *f = *state;
    static const u8 readable[] = {0x02, 0x03, 0x08, 0x0a, 0x0d, 0x0f, 0x28, 0x30, 0x32,
                                  0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3e};
    static const u8 writable[] = {0x08, 0x0b, 0x0f, 0x28, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3e};
    assert_true(lapic_set_base(f->lapic, 0xfee00d00));
    for (unsigned reg = 0; reg < 0x100; reg++) {
        u64 value;
        bool reads = memchr(readable, (int)reg, sizeof readable) || (reg >= 0x10 && reg < 0x28);
        bool writes = memchr(writable, (int)reg, sizeof writable);
        assert_int_equal(lapic_read_msr(f->lapic, 0x800 + reg, &value), reads);
        if (reg != 0x30 && reg != 0x3f) { /* they send */
            assert_int_equal(lapic_write_msr(f->lapic, 0x800 + reg, 0), writes);
        }
        assert_false(reg != 0x30 && lapic_write_msr(f->lapic, 0x800 + reg, 1ull << 32));
    }
    assert_false(lapic_write_msr(f->lapic, 0x83f, 0x100));
}

/* Figure 10-27: which of the four values of EN and EXTD may follow which. */
static void test_modes(void **state)
{
    struct fixture *f = *state;
    enum { DISABLED = 0, INVALID = 0x400, XAPIC = 0x800, X2APIC = 0xc00 };
    static const struct {
        unsigned from, to;
        bool allowed;
    } ways[] = {{DISABLED, DISABLED, true}, {DISABLED, INVALID, false}, {DISABLED, XAPIC, true}, {DISABLED, X2APIC, false},
                {XAPIC, DISABLED, true},    {XAPIC, INVALID, false},    {XAPIC, XAPIC, true},    {XAPIC, X2APIC, true},
                {X2APIC, DISABLED, true},   {X2APIC, INVALID, false},   {X2APIC, XAPIC, false},  {X2APIC, X2APIC, true}};
    for (unsigned n = 0; n < sizeof ways / sizeof *ways; n++) {
        assert_true(lapic_set_base(f->lapic, 0xfee00100));
        if (ways[n].from != DISABLED) {
            assert_true(lapic_set_base(f->lapic, 0xfee00900));
            assert_true(lapic_set_base(f->lapic, 0xfee00100 | ways[n].from));
        }
        assert_int_equal(lapic_set_base(f->lapic, 0xfee00100 | ways[n].to), ways[n].allowed);
        assert_int_equal(lapic_get_base(f->lapic) & 0xc00, ways[n].allowed ? ways[n].to : ways[n].from);
        assert_int_equal(lapic_enabled(f->lapic), (ways[n].allowed ? ways[n].to : ways[n].from) != DISABLED);
    }
    /* INIT leaves the mode and the ID alone */
    assert_true(lapic_set_base(f->lapic, 0xfee00100));
    assert_true(lapic_set_base(f->lapic, 0xfee00900));
    assert_true(lapic_set_base(f->lapic, 0xfee00d00));
    lapic_init_reset(f->lapic);
    assert_int_equal(lapic_get_base(f->lapic), 0xfee00d00);
}

/* SDM Vol. 3A 10.4.7.2. */
static void test_software_disable(void **state)
{
    struct fixture *f = *state;
    add_second(f);
    enable(f);
    for (unsigned entry = 0x320; entry <= 0x370; entry += 0x10) {
        lapic_write(f, entry, 0x50);
    }
    lapic_write(f, 0xf0, 0xff);
    for (unsigned entry = 0x320; entry <= 0x370; entry += 0x10) {
        assert_true(lapic_read(f, entry) & 0x10000);
        lapic_write(f, entry, 0x51);
        assert_true(lapic_read(f, entry) & 0x10000);
    }
    lapic_write(f, 0x300, 0x40041); /* to itself: not accepted */
    assert_int_equal(lapic_read(f, 0x220), 0);
    lapic_write(f, 0x310, 0x01000000); /* but it sends */
    lapic_write(f, 0x300, 0x4042);
    assert_int_equal(lapic_acknowledge(f->second), 0x42);
    lapic_write(f, 0x310, 0);
    lapic_write(f, 0x300, 0x4400); /* and takes NMI */
    assert_int_equal(f->nmi.rises, 1);
    lapic_write(f, 0x380, 100); /* the timer runs, and is masked */
    run_for(f->clock, 1000);
    assert_false(f->intr.level);
    lapic_write(f, 0xf0, 0x1ff);
    for (unsigned entry = 0x320; entry <= 0x370; entry += 0x10) {
        assert_true(lapic_read(f, entry) & 0x10000);
    }
    assert_false(f->intr.level);
}

/* TPR, PPR, CR8: SDM Vol. 3A 10.8.3.1, 10.8.6. */
static void test_priorities_and_cr8(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_set_cr8(f->lapic, 5);
    assert_int_equal(lapic_read(f, 0x80), 0x50);
    lapic_write(f, 0x80, 0x47);
    assert_int_equal(lapic_get_cr8(f->lapic), 4);
    assert_int_equal(lapic_read(f, 0xa0), 0x47); /* PPR is TPR as long as nothing of a higher class is in service */
    lapic_write(f, 0x300, 0x40045);              /* its own class waits */
    assert_false(f->intr.level);
    lapic_write(f, 0x300, 0x40052);
    assert_true(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x52);
    assert_int_equal(lapic_read(f, 0xa0), 0x50);
    lapic_write(f, 0x300, 0x40058); /* the same class as what is in service */
    assert_false(f->intr.level);
    lapic_write(f, 0x300, 0x40061);
    assert_true(f->intr.level);
    lapic_set_cr8(f->lapic, 6); /* hides it again: what has begun ends with the spurious vector */
    assert_false(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0xff);
    assert_int_equal(lapic_read(f, 0x1b0) & 0x80000000, 0); /* which is not in service */
    lapic_set_cr8(f->lapic, 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x61);
    lapic_write(f, 0xb0, 0);
    lapic_write(f, 0xb0, 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x58);
}

/* SDM Vol. 3A 10.5.3: errors gather until ESR is written, which shows them. */
static void test_errors(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_write(f, 0x370, 0x99);
    lapic_write(f, 0x300, 0x4000f); /* an illegal vector is sent */
    assert_int_equal(lapic_read(f, 0x280), 0);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x99);
    lapic_write(f, 0xb0, 0);
    lapic_write(f, 0x3f0, 0); /* no such register in xAPIC mode */
    lapic_write(f, 0x280, 0);
    assert_int_equal(lapic_read(f, 0x280), 0xa0);
    lapic_write(f, 0x280, 0);
    assert_int_equal(lapic_read(f, 0x280), 0);
    lapic_write(f, 0x320, 0x5); /* an illegal vector of the timer's */
    lapic_write(f, 0x380, 10);
    run_for(f->clock, 100);
    lapic_write(f, 0x280, 0);
    assert_int_equal(lapic_read(f, 0x280), 0x40);
}

/* The counters' interrupt masks itself; shorthands take what table 10-3 says. */
static void test_performance_and_shorthands(void **state)
{
    struct fixture *f = *state;
    enable(f);
    lapic_write(f, 0x340, 0x400);
    lapic_local_interrupt(f->lapic, LAPIC_PERFORMANCE);
    assert_int_equal(f->nmi.rises, 1);
    assert_int_equal(lapic_read(f, 0x340), 0x10400);
    lapic_local_interrupt(f->lapic, LAPIC_PERFORMANCE);
    assert_int_equal(f->nmi.rises, 1);
    lapic_write(f, 0x340, 0x400);
    lapic_local_interrupt(f->lapic, LAPIC_PERFORMANCE);
    assert_int_equal(f->nmi.rises, 2);
    lapic_write(f, 0x300, 0x84400); /* NMI to all including self: invalid */
    lapic_write(f, 0x300, 0x44400); /* to itself: invalid too */
    assert_int_equal(f->nmi.rises, 2);
}

static void test_extint_through_ioapic(void **state)
{
    struct fixture *f = *state;
    program_pic(f);
    enable(f);
    lapic_write(f, 0x350, 0x10000);
    route(f, 2, 0x700, 0);
    irq_set(&f->gsi.lines[0], true); /* IOAPIC pin 2 and IRQ 0 */
    assert_true(f->intr.level);
    assert_int_equal(lapic_acknowledge(f->lapic), 0x08);
    assert_false(f->intr.level);
}

static void test_state(void **state)
{
    struct fixture *f = *state;
    enable(f);
    route(f, 16, 0x8040, 0);
    irq_set(&f->gsi.lines[16], true);
    lapic_write(f, 0x320, 0x20032);
    lapic_write(f, 0x380, 1000);
    run_for(f->clock, 4500);
    lapic_acknowledge(f->lapic);
    struct space *memory = space_create("memory", 40);
    struct apic_bus bus = {0};
    struct ioapic *ioapic = ioapic_create(memory, IOAPIC, &bus);
    struct lapic_config config = f->config;
    struct probe intr;
    config.intr = probe_init(&intr);
    struct lapic *lapic = lapic_create(memory, f->clock, &bus, &config);
    expect_save_load_save(&f->ioapic->dev, &ioapic->dev);
    expect_save_load_save(lapic_device(f->lapic), lapic_device(lapic));
    assert_int_equal(intr.level, f->intr.level);
    irq_set(&f->gsi.lines[16], false);
    device_reset(&f->ioapic->dev);
    device_reset(lapic_device(f->lapic));
    device_destroy(&ioapic->dev);
    device_destroy(lapic_device(lapic));
    ioapic = ioapic_create(memory, IOAPIC, &bus);
    lapic = lapic_create(memory, f->clock, &bus, &config);
    expect_same_state(&f->ioapic->dev, &ioapic->dev);
    expect_same_state(lapic_device(f->lapic), lapic_device(lapic));
    device_destroy(&ioapic->dev);
    device_destroy(lapic_device(lapic));
    space_destroy(memory);
}

static void random_access(struct fixture *f, u32 r, u64 *random)
{
    unsigned size = 1u << (r >> 5 & 3);
    u32 value = test_random(random);
    u64 out;
    switch (r & 7) {
    case 0:
        space_read(f->memory, LAPIC + (r >> 8 & 0xfff), size, false);
        break;
    case 1:
    case 2:
        lapic_write(f, r >> 8 & 0x3f0, value);
        break;
    case 3:
        ioapic_write(f, r >> 8 & 0x7f, value);
        break;
    case 4:
        irq_set(&f->gsi.lines[(r >> 8) % 24], r >> 16 & 1);
        break;
    case 5:
        assert_in_range(lapic_acknowledge(f->lapic) + 1, 0, 256);
        break;
    case 6:
        lapic_write_msr(f->lapic, r & 8 ? 0x6e0 : 0x800 + (r >> 8 & 0x3f), value);
        lapic_read_msr(f->lapic, 0x800 + (r >> 8 & 0x3f), &out);
        if ((r >> 8) % 64 == 0) {
            lapic_set_base(f->lapic, (value & 0xd00) | 0xfee00000);
        }
        break;
    default:
        run_until(f->clock, clock_now(f->clock) + (value & 0xff));
        apic_bus_msi(&f->bus, 0xfee00000 | (value & 0xfffff), test_random(random));
        break;
    }
}

static void test_random_accesses(void **state)
{
    struct fixture *f = *state;
    add_second(f);
    u64 random = 7;
    for (unsigned n = 0; n < 100000; n++) {
        random_access(f, test_random(&random), &random);
        if (n % 500 == 0) {
            load_damaged(lapic_device(f->lapic), &random);
            load_damaged(&f->ioapic->dev, &random);
        }
        if (n % 2500 == 0) {
            lapic_set_base(f->lapic, 0xfee00100);
            lapic_set_base(f->lapic, 0xfee00900);
            enable(f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edge_through_ioapic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_and_remote_irr, setup, teardown),
        cmocka_unit_test_setup_teardown(test_masked_level_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_priorities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_virtual_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hardware_disable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipis, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lowest_priority, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cluster_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_shot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_periodic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tsc_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_x2apic_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_software_disable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_priorities_and_cr8, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_performance_and_shorthands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_x2apic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_extint_through_ioapic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_accesses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
