/*
 * testdev.c: QEMU's pc-testdev: interrupt lines, a register to test port accesses of all sizes, and
 * a page of memory that is a device.
 *
 *   ports 2000h..2017h     the level of interrupt line 0..23
 *   ports E0h..E3h         32 bits, accessible in any size; E8h..EBh the same, as four byte
 * registers ports E4h..E7h         "flush the page of this address": nothing, as no host mapping of
 * ours needs it memory FF000000h       64 KiB that behave as memory but are served access by access
 */
#include "devices/serial/testdev.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum {
    PORT_WORD = 0xe0,
    PORT_FLUSH = 0xe4,
    PORT_BYTES = 0xe8,
    PORT_LINES = 0x2000,
    IOMEM_SIZE = 0x10000
};
#define IOMEM_BASE 0xff000000u

struct testdev {
    struct device dev;
    struct region word, bytes, flush, lines, iomem;
    struct mapping word_map, bytes_map, flush_map, lines_map, iomem_map;
    struct irq *line[TESTDEV_LINES];
    u32 levels; /* of the lines, bit by bit */
    u8 data[4];
    u8 memory[IOMEM_SIZE];
};

static const struct field testdev_fields[] = {
    FIELD(struct testdev, levels), FIELD_BYTES(struct testdev, data),
    FIELD_BYTES(struct testdev, memory), FIELD_END};

static u64 word_read(void *opaque, u64 offset, unsigned size)
{
    struct testdev *t = opaque;
    return load_le(t->data + offset, size);
}

static void word_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct testdev *t = opaque;
    memcpy(t->data + offset, &value, size); /* for store_le() gcc 12 would warn of 8 bytes that never come */
}

static void flush_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)opaque, (void)offset, (void)value, (void)size;
}

static void lines_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct testdev *t = opaque;
    (void)size;
    t->levels = (u32)merge_bits(t->levels, BIT(offset), value ? BIT(offset) : 0);
    irq_set(t->line[offset], value != 0);
}

static u64 iomem_read(void *opaque, u64 offset, unsigned size)
{
    struct testdev *t = opaque;
    return load_le(t->memory + offset, size);
}

static void iomem_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct testdev *t = opaque;
    store_le(t->memory + offset, value, size);
}

static const struct region_ops word_ops = {
    .read = word_read, .write = word_write, .min_size = 1, .max_size = 4};
static const struct region_ops bytes_ops = {
    .read = word_read, .write = word_write, .min_size = 1, .max_size = 1};
static const struct region_ops flush_ops = {.write = flush_write, .min_size = 1, .max_size = 4};
static const struct region_ops lines_ops = {.write = lines_write, .min_size = 1, .max_size = 1};
static const struct region_ops iomem_ops = {
    .read = iomem_read, .write = iomem_write, .min_size = 1, .max_size = 8};

static void testdev_reset(struct device *dev)
{
    struct testdev *t = container_of(dev, struct testdev, dev);
    memset(t->data, 0, sizeof t->data);
    memset(t->memory, 0, sizeof t->memory);
    for (unsigned i = 0; i < TESTDEV_LINES; i++) {
        if (t->levels & BIT(i)) {
            irq_set(t->line[i], false);
        }
    }
    t->levels = 0;
}

static void testdev_destroy(struct device *dev)
{
    struct testdev *t = container_of(dev, struct testdev, dev);
    space_unmap(&t->word_map);
    space_unmap(&t->bytes_map);
    space_unmap(&t->flush_map);
    space_unmap(&t->lines_map);
    space_unmap(&t->iomem_map);
    free(t);
}

static const struct device_class testdev_class = {.name = "pc-testdev",
                                                  .version = 2,
                                                  .reset = testdev_reset,
                                                  .destroy = testdev_destroy,
                                                  .fields = testdev_fields};

struct device *testdev_create(struct space *ports, struct space *memory,
                              struct irq *const lines[TESTDEV_LINES])
{
    struct testdev *t = mem_zeroed(1, sizeof *t);
    t->dev.class = &testdev_class;
    memcpy(t->line, lines, sizeof t->line);
    region_init_io(&t->word, "pc-testdev-ioport", 4, &word_ops, t);
    region_init_io(&t->bytes, "pc-testdev-ioport-byte", 4, &bytes_ops, t);
    region_init_io(&t->flush, "pc-testdev-flush-page", 4, &flush_ops, t);
    region_init_io(&t->lines, "pc-testdev-irq-line", TESTDEV_LINES, &lines_ops, t);
    region_init_io(&t->iomem, "pc-testdev-iomem", IOMEM_SIZE, &iomem_ops, t);
    space_map(ports, &t->word_map, &t->word, PORT_WORD, 0);
    space_map(ports, &t->bytes_map, &t->bytes, PORT_BYTES, 0);
    space_map(ports, &t->flush_map, &t->flush, PORT_FLUSH, 0);
    space_map(ports, &t->lines_map, &t->lines, PORT_LINES, 0);
    space_map(memory, &t->iomem_map, &t->iomem, IOMEM_BASE, 0);
    return &t->dev;
}
