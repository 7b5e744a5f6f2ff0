/*
 * parallel.c: the PC/AT's printer adapter, and a printer that is always ready.
 *
 * Models: IBM Personal Computer AT Technical Reference (1984), Serial/Parallel Adapter; IEEE
 * 1284-1994 compatibility mode: data, status and control, the strobe that hands a byte over, BUSY
 * while it lasts, the ACK pulse and its interrupt. Not modelled: the bidirectional (PS/2), EPP and
 * ECP modes; software that probes for them finds none.
 */
#include "devices/serial/parallel.h"

#include <stdlib.h>

#include "cpu/base/mem.h"

/* The data sheet's signals as they read: a bar over BUSY, ACK and ERROR means that 1 is "not". */
enum {
    STATUS_RESERVED = 0x07,
    STATUS_nERROR = 0x08,
    STATUS_SELECT = 0x10,
    STATUS_PAPER_END = 0x20,
    STATUS_nACK = 0x40,
    STATUS_nBUSY = 0x80
};
enum {
    CONTROL_STROBE = 0x01,
    CONTROL_AUTO_FEED = 0x02,
    CONTROL_nINIT = 0x04,
    CONTROL_SELECT_IN = 0x08,
    CONTROL_IRQ_ENABLE = 0x10,
    CONTROL_MASK = 0x1f,
    CONTROL_RESERVED = 0xc0 /* read as ones */
};

struct parallel {
    struct device dev;
    struct region region;
    struct mapping mapping;
    struct irq *irq;
    struct chardev *chardev;
    u8 data, control;
    bool acknowledging; /* nACK is low until somebody has seen it */
};

static const struct field parallel_fields[] = {FIELD(struct parallel, data),
                                               FIELD(struct parallel, control),
                                               FIELD(struct parallel, acknowledging), FIELD_END};

static u8 read_status(struct parallel *p)
{
    if (!p->chardev) {
        return STATUS_RESERVED | STATUS_PAPER_END | STATUS_nACK |
               STATUS_nERROR; /* pulled up; busy */
    }
    u8 status = STATUS_RESERVED | STATUS_nERROR | STATUS_SELECT;
    status |= p->control & CONTROL_STROBE ? 0 : STATUS_nBUSY;
    status |= p->acknowledging ? 0 : STATUS_nACK;
    p->acknowledging = false;
    return status;
}

static void write_control(struct parallel *p, u8 value)
{
    u8 rises = value & ~p->control, falls = p->control & ~value;
    p->control = value & CONTROL_MASK;
    if (!p->chardev) {
        return;
    }
    if ((rises & CONTROL_STROBE) && (value & CONTROL_nINIT)) {
        chardev_write(p->chardev, &p->data, 1);
    }
    if (falls & CONTROL_STROBE) {
        p->acknowledging = true;
        if (value & CONTROL_IRQ_ENABLE) {
            irq_pulse(p->irq);
        }
    }
}

static u64 parallel_read(void *opaque, u64 offset, unsigned size)
{
    struct parallel *p = opaque;
    (void)size;
    switch (offset) {
    case 0:
        return p->data; /* the adapter reads its own latch back */
    case 1:
        return read_status(p);
    default:
        return p->control | CONTROL_RESERVED;
    }
}

static void parallel_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct parallel *p = opaque;
    (void)size;
    if (offset == 0) {
        p->data = (u8)value;
    } else if (offset == 2) {
        write_control(p, (u8)value);
    }
}

static const struct region_ops parallel_ops = {
    .read = parallel_read, .write = parallel_write, .min_size = 1, .max_size = 1};

static struct parallel *parallel_of(struct device *dev)
{
    return container_of(dev, struct parallel, dev);
}

static void parallel_reset(struct device *dev)
{
    struct parallel *p = parallel_of(dev);
    p->data = 0;
    p->control = CONTROL_nINIT | CONTROL_SELECT_IN;
    p->acknowledging = false;
    irq_set(p->irq, false);
}

static void parallel_destroy(struct device *dev)
{
    struct parallel *p = parallel_of(dev);
    chardev_attach(p->chardev, NULL);
    space_unmap(&p->mapping);
    free(p);
}

static const struct device_class parallel_class = {.name = "isa-parallel",
                                                   .version = 1,
                                                   .reset = parallel_reset,
                                                   .destroy = parallel_destroy,
                                                   .fields = parallel_fields};

struct device *parallel_create(struct space *ports, u16 base, struct irq *irq,
                               struct chardev *chardev)
{
    struct parallel *p = mem_zeroed(1, sizeof *p);
    p->dev.class = &parallel_class;
    p->irq = irq;
    p->chardev = chardev;
    chardev_attach(chardev, &(struct char_front){.opaque = p});
    region_init_io(&p->region, "parallel", 3, &parallel_ops, p);
    space_map(ports, &p->mapping, &p->region, base, 0);
    parallel_reset(&p->dev);
    return &p->dev;
}
