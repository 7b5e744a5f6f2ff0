/*
 * debugcon.c: the "port E9 hack": each byte written is a character of output (Bochs User Manual,
 * port_e9_hack).
 */
#include "devices/serial/debugcon.h"

#include <stdlib.h>

#include "cpu/base/mem.h"

enum { READBACK = 0xe9 };

struct debugcon {
    struct device dev;
    struct region region;
    struct mapping mapping;
    struct chardev *chardev;
};

static const struct field debugcon_fields[] = {FIELD_END};

static u64 debugcon_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque, (void)offset, (void)size;
    return READBACK;
}

static void debugcon_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct debugcon *d = opaque;
    u8 byte = (u8)value;
    (void)offset, (void)size;
    chardev_write(d->chardev, &byte, 1);
}

static const struct region_ops debugcon_ops = {
    .read = debugcon_read, .write = debugcon_write, .min_size = 1, .max_size = 1};

static void debugcon_destroy(struct device *dev)
{
    struct debugcon *d = container_of(dev, struct debugcon, dev);
    chardev_attach(d->chardev, NULL);
    space_unmap(&d->mapping);
    free(d);
}

static const struct device_class debugcon_class = {
    .name = "isa-debugcon", .version = 1, .destroy = debugcon_destroy, .fields = debugcon_fields};

struct device *debugcon_create(struct space *ports, u16 port, struct chardev *chardev)
{
    struct debugcon *d = mem_zeroed(1, sizeof *d);
    d->dev.class = &debugcon_class;
    d->chardev = chardev;
    chardev_attach(chardev, &(struct char_front){.opaque = d});
    region_init_io(&d->region, "debugcon", 1, &debugcon_ops, d);
    space_map(ports, &d->mapping, &d->region, port, 1); /* above pc-testdev's E8h..EBh */
    return &d->dev;
}
