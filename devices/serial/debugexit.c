/*
 * debugexit.c: QEMU's isa-debug-exit, as test kernels use it. Reads give 0.
 */
#include "devices/serial/debugexit.h"

#include <assert.h>
#include <stdlib.h>

#include "cpu/base/mem.h"

struct debugexit {
    struct device dev;
    struct region region;
    struct mapping mapping;
    void (*quit)(void *opaque, int status);
    void *opaque;
};

static const struct field debugexit_fields[] = {FIELD_END};

static u64 debugexit_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque, (void)offset, (void)size;
    return 0;
}

static void debugexit_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct debugexit *d = opaque;
    (void)offset, (void)size;
    d->quit(d->opaque, (int)((u32)value << 1 | 1));
}

static const struct region_ops debugexit_ops = {
    .read = debugexit_read, .write = debugexit_write, .min_size = 1, .max_size = 4};

static void debugexit_destroy(struct device *dev)
{
    struct debugexit *d = container_of(dev, struct debugexit, dev);
    space_unmap(&d->mapping);
    free(d);
}

static const struct device_class debugexit_class = {.name = "isa-debug-exit",
                                                    .version = 1,
                                                    .destroy = debugexit_destroy,
                                                    .fields = debugexit_fields};

struct device *debugexit_create(struct space *ports, u16 base, unsigned size,
                                void (*quit)(void *opaque, int status), void *opaque)
{
    assert(size >= 1 && size <= 8);
    struct debugexit *d = mem_zeroed(1, sizeof *d);
    d->dev.class = &debugexit_class;
    d->quit = quit;
    d->opaque = opaque;
    region_init_io(&d->region, "isa-debug-exit", size, &debugexit_ops, d);
    space_map(ports, &d->mapping, &d->region, base, 0);
    return &d->dev;
}
