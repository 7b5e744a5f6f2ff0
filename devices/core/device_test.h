/*
 * device_test.h: what every device's unit test checks: its saved form, its reset, and random
 * accesses.
 */
#ifndef DEVICES_CORE_DEVICE_TEST_H
#define DEVICES_CORE_DEVICE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "devices/core/device.h"

static inline void expect_same_state(const struct device *a, const struct device *b)
{
    char path[128];
    if (fields_differ(a->class->fields, a, b, path, sizeof path)) {
        fail_msg("%s: %s differs", a->class->name, path);
    }
}

/* Saves `dev`, loads that into `other` (of the same class), and both must then save alike. */
static inline void expect_save_load_save(struct device *dev, struct device *other)
{
    struct blob first = {0}, second = {0};
    struct error err = {0};
    device_save(dev, &first);
    if (!device_load(other, &first, &err)) {
        fail_msg("%s", err.text);
    }
    expect_same_state(dev, other);
    device_save(other, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    blob_free(&first);
    blob_free(&second);
}

/* Resets `dev`, which must then equal `fresh`. */
static inline void expect_reset_is_fresh(struct device *dev, const struct device *fresh)
{
    device_reset(dev);
    expect_same_state(dev, fresh);
}

/* A repeatable sequence of numbers that is the same on every host. */
static inline u32 test_random(u64 *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(*seed >> 33);
}

/* `count` random reads and writes of 1, 2 and 4 bytes in base .. base + size - 1. */
static inline void random_accesses(struct space *space, paddr base, u32 size, unsigned count,
                                   u64 seed)
{
    for (unsigned i = 0; i < count; i++) {
        u32 r = test_random(&seed);
        paddr addr = base + (r >> 8) % size;
        unsigned bytes = 1u << (r & 3) % 3;
        if (r & 4) {
            space_read(space, addr, bytes, false);
        } else {
            space_write(space, addr, test_random(&seed), bytes, false);
        }
    }
}

#endif
