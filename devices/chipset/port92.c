/*
 * port92.c: see port92.h.
 */
#include "devices/chipset/port92.h"

#include "cpu/base/mem.h"
#include "devices/chipset/pci.h"

enum {
    FAST_INIT = 1 << 0,
    FAST_A20 = 1 << 1,
};

struct port92 {
    struct device dev;
    u8 value;

    /* derived or host-side: not saved */
    struct region region;
    struct mapping mapping;
    struct irq *a20, *init;
};

static u64 port92_read(void *opaque, u64 offset, unsigned size)
{
    struct port92 *p = opaque;

    (void)offset;
    (void)size;
    return p->value;
}

static void port92_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct port92 *p = opaque;
    u8 old = p->value;

    (void)offset;
    (void)size;
    p->value = (u8)value;
    irq_set(p->a20, value & FAST_A20);
    if (value & ~old & FAST_INIT) {
        irq_pulse(p->init);
    }
}

static const struct region_ops port92_ops = {
    .read = port92_read, .write = port92_write, .min_size = 1, .max_size = 1};

static void port92_reset(struct device *dev)
{
    struct port92 *p = container_of(dev, struct port92, dev);

    p->value = 0;
}

static void port92_destroy(struct device *dev)
{
    struct port92 *p = container_of(dev, struct port92, dev);

    space_unmap(&p->mapping);
    region_destroy(&p->region);
    free(p);
}

static const struct field port92_fields[] = {
    FIELD(struct port92, value),
    FIELD_END,
};

static const struct device_class port92_class = {
    .name = "port92",
    .version = 1,
    .reset = port92_reset,
    .destroy = port92_destroy,
    .fields = port92_fields,
};

struct device *port92_create(struct space *ports, struct irq *a20, struct irq *init)
{
    struct port92 *p = mem_zeroed(1, sizeof *p);

    p->dev.class = &port92_class;
    p->a20 = a20;
    p->init = init;
    region_init_io(&p->region, "port92", 1, &port92_ops, p);
    space_map(ports, &p->mapping, &p->region, 0x92, PRIORITY_PCI);
    device_reset(&p->dev);
    return &p->dev;
}
