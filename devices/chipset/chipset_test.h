/*
 * chipset_test.h: what the chipset's tests share: spaces, RAM, a bus, a counted clock and recorded
 * wires.
 */
#ifndef DEVICES_CHIPSET_CHIPSET_TEST_H
#define DEVICES_CHIPSET_CHIPSET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/base/mem.h"
#include "devices/chipset/pci.h"

enum { BOARD_WIRES = 24 };

struct board {
    struct space *memory, *ports;
    struct region ram;
    struct mapping ram_mapping;
    struct clock *clock;
    struct pci_bus *bus;
    struct irq wire[BOARD_WIRES];
    bool level[BOARD_WIRES];
    unsigned rises[BOARD_WIRES];
};

static inline void board_wire(void *opaque, int line, bool level)
{
    struct board *b = opaque;

    b->rises[line] += level && !b->level[line];
    b->level[line] = level;
}

static inline struct board *board_create(u64 ram_size)
{
    struct board *b = mem_zeroed(1, sizeof *b);

    b->memory = space_create("memory", 40);
    b->ports = space_create("ports", 16);
    b->clock = clock_create();
    clock_set_counted(b->clock, true);
    clock_start(b->clock);
    b->bus = pci_bus_create(b->memory, b->ports);
    assert_true(region_init_ram(&b->ram, "ram", ram_size));
    for (int i = 0; i < BOARD_WIRES; i++) {
        b->wire[i] = (struct irq){.set = board_wire, .opaque = b, .line = i};
    }
    return b;
}

/* All RAM at 0, for tests without a host bridge. */
static inline void board_map_ram(struct board *b)
{
    space_map(b->memory, &b->ram_mapping, &b->ram, 0, PRIORITY_RAM);
}

static inline void board_destroy(struct board *b)
{
    device_destroy(&b->bus->dev);
    space_unmap(&b->ram_mapping);
    region_destroy(&b->ram);
    space_destroy(b->memory);
    space_destroy(b->ports);
    clock_destroy(b->clock);
    free(b);
}

static inline void board_advance(struct board *b, i64 ns)
{
    clock_advance(b->clock, ns);
    clock_run_timers(b->clock);
}

static inline void out(struct board *b, unsigned port, u32 value, unsigned size)
{
    space_write(b->ports, port, value, size, false);
}

static inline u32 in(struct board *b, unsigned port, unsigned size)
{
    return (u32)space_read(b->ports, port, size, false);
}

static inline u32 random32(void)
{
    return (u32)rand() << 16 ^ (u32)rand();
}

/* Saves `used`, loads it into `other`, saves that: both must be equal. */
static inline void assert_saved_alike(struct device *used, struct device *other)
{
    struct blob first = {0}, second = {0};
    struct error err;

    device_save(used, &first);
    assert_true(device_load(other, &first, &err));
    device_save(other, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    blob_free(&first);
    blob_free(&second);
}

static inline void assert_same_state(struct device *a, struct device *b)
{
    struct blob first = {0}, second = {0};

    device_save(a, &first);
    device_save(b, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    blob_free(&first);
    blob_free(&second);
}

#endif
