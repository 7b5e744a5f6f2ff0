/*
 * piix3.c: see piix3.h.
 */
#include "devices/chipset/piix3.h"

#include <assert.h>

#include "cpu/base/mem.h"

enum {
    PIRQRCA = 0x60, /* ..PIRQRCD = 63h */

    PIRQ_DISABLED = 1 << 7,
    PIRQ_LINES = 0xdef8, /* 3-7, 9-12, 14, 15: what PIRQRCx may select */

    RC_SRST = 1 << 1, /* port CF9h: hard instead of soft */
    RC_RCPU = 1 << 2, /* 0 to 1: do it */

    SOURCE_COUNT = 64,
};

struct piix3 {
    struct device dev;
    struct pci_function pci;
    u8 reset_control;
    bool pirq_level[4];
    u64 source_level; /* bit per source */

    /* derived or host-side: not saved */
    struct piix3_wires wires;
    u16 driven; /* what wires.isa carries */
    struct irq pirq[4];
    struct irq source[SOURCE_COUNT];
    unsigned source_count;
    u64 sources_of[16]; /* bit per source */
};

/* The ISA lines that PIRQs pull up now. */
static u16 steered(const struct piix3 *p)
{
    u16 lines = 0;

    for (unsigned i = 0; i < 4; i++) {
        u8 route = p->pci.config[PIRQRCA + i];

        if (p->pirq_level[i] && !(route & PIRQ_DISABLED)) {
            lines |= (u16)(1u << (route & 15));
        }
    }
    return lines & PIRQ_LINES;
}

static void drive_line(struct piix3 *p, unsigned irq, u16 pirqs)
{
    bool level = (p->source_level & p->sources_of[irq]) || (pirqs >> irq & 1);

    if (level != (p->driven >> irq & 1)) {
        p->driven ^= (u16)(1u << irq);
        irq_set(p->wires.isa[irq], level);
    }
}

static void drive_all(struct piix3 *p)
{
    u16 pirqs = steered(p);

    for (unsigned i = 0; i < 16; i++) {
        drive_line(p, i, pirqs);
    }
}

static void set_pirq(void *opaque, int line, bool level)
{
    struct piix3 *p = opaque;

    if (p->pirq_level[line] != level) {
        p->pirq_level[line] = level;
        drive_all(p);
    }
}

static void set_source(void *opaque, int line, bool level)
{
    struct piix3 *p = opaque;
    u64 bit = BIT((unsigned)line >> 4);

    p->source_level = level ? p->source_level | bit : p->source_level & ~bit;
    drive_line(p, line & 15, steered(p));
}

struct irq *piix3_irq(struct piix3 *p, unsigned irq)
{
    unsigned index = p->source_count++;

    assert(index < SOURCE_COUNT && irq < 16);
    p->source[index] =
        (struct irq){.set = set_source, .opaque = p, .line = (int)(index << 4 | irq)};
    p->sources_of[irq] |= BIT(index);
    return &p->source[index];
}

static u64 reset_control_read(void *opaque, u64 offset, unsigned size)
{
    (void)offset;
    (void)size;
    return ((struct piix3 *)opaque)->reset_control;
}

static void reset_control_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct piix3 *p = opaque;

    (void)offset;
    (void)size;
    p->reset_control = value & RC_SRST; /* RCPU never stays: the reset that it starts clears it */
    if (value & RC_RCPU) {
        irq_pulse(value & RC_SRST ? p->wires.reset : p->wires.init);
    }
}

static const struct region_ops reset_control_ops = {
    .read = reset_control_read, .write = reset_control_write, .min_size = 1, .max_size = 1};

static void config_written(struct pci_function *pci, unsigned offset, unsigned size)
{
    if (offset < PIRQRCA + 4 && offset + size > PIRQRCA) {
        drive_all(container_of(pci, struct piix3, pci));
    }
}

/* Levels of sources and PIRQs are the drivers' own: a reset of theirs lowers them. */
static void piix3_reset(struct device *dev)
{
    struct piix3 *p = container_of(dev, struct piix3, dev);

    p->reset_control = 0;
    pci_reset(&p->pci);
}

static void piix3_loaded(struct device *dev)
{
    struct piix3 *p = container_of(dev, struct piix3, dev);

    pci_loaded(&p->pci);
    drive_all(p);
}

static void piix3_destroy(struct device *dev)
{
    struct piix3 *p = container_of(dev, struct piix3, dev);

    pci_bus_set_cf9(p->pci.bus, NULL, NULL);
    pci_bus_connect(p->pci.bus, (struct irq *const[4]){NULL, NULL, NULL, NULL});
    pci_function_fini(&p->pci);
    free(p);
}

static const struct field piix3_fields[] = {
    FIELD_STRUCT(struct piix3, pci, pci_function_fields),
    FIELD(struct piix3, reset_control),
    FIELD_ARRAY(struct piix3, pirq_level),
    FIELD(struct piix3, source_level),
    FIELD_END,
};

static const struct device_class piix3_class = {
    .name = "PIIX3",
    .version = 1,
    .reset = piix3_reset,
    .destroy = piix3_destroy,
    .loaded = piix3_loaded,
    .fields = piix3_fields,
};

/* Reset values of the 82371SB's own registers; those that are left out are 0. */
static void define_registers(struct pci_function *pci)
{
    static const struct {
        u8 offset, value;
    } initial[] = {
        {0x4c, 0x4d}, /* IORT: ISA recovery time */
        {0x4e, 0x03}, /* XBCS: X-bus chip select */
        {0x69, 0x02}, /* TOM: top of memory */
        {0x70, 0x80}, /* MBIRQ0 */
        {0x76, 0x0c}, /* MBDMA0 */
        {0x77, 0x0c}, /* MBDMA1 */
        {0x78, 0x02}, /* PCSC */
        {0xa0, 0x08}, /* SMICNTL */
        {0xa8, 0x0f}, /* FTMR */
    };

    for (unsigned i = 0x40; i < 0x100; i++) {
        pci_define8(pci, i, 0, 0xff);
    }
    for (unsigned i = 0; i < ARRAY_LEN(initial); i++) {
        pci_define8(pci, initial[i].offset, initial[i].value, 0xff);
    }
    for (unsigned i = 0; i < 4; i++) {
        pci_define8(pci, PIRQRCA + i, PIRQ_DISABLED, 0x8f);
    }
    /* The bridge always decodes and can always be a master. */
    pci_define16(pci, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
                 PCI_COMMAND_SERR);
    pci_define16(pci, PCI_STATUS, 0x0200, 0);
}

struct piix3 *piix3_create(struct pci_bus *bus, u8 devfn, const struct piix3_wires *wires)
{
    static const struct pci_id id = {.vendor = 0x8086,
                                     .device = 0x7000,
                                     .class_code = 0x060100,
                                     .subsystem_vendor = 0x1af4,
                                     .subsystem = 0x1100,
                                     .multifunction = true};
    struct piix3 *p = mem_zeroed(1, sizeof *p);
    struct irq *pirq[4];

    p->dev.class = &piix3_class;
    p->wires = *wires;
    pci_function_init(&p->pci, bus, devfn, "PIIX3", &id);
    define_registers(&p->pci);
    p->pci.config_written = config_written;
    for (int i = 0; i < 4; i++) {
        p->pirq[i] = (struct irq){.set = set_pirq, .opaque = p, .line = i};
        pirq[i] = &p->pirq[i];
    }
    pci_bus_connect(bus, pirq);
    pci_bus_set_cf9(bus, &reset_control_ops, p);
    device_reset(&p->dev);
    return p;
}

struct device *piix3_device(struct piix3 *p)
{
    return &p->dev;
}
