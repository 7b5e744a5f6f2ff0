/*
 * storage_test.h: what the storage tests share: temporary images, recorded wires, save and load.
 */
#ifndef DEVICES_STORAGE_STORAGE_TEST_H
#define DEVICES_STORAGE_STORAGE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "devices/core/device.h"
#include "devices/storage/block/block.h"

struct image {
    char path[64];
};

/* A file in which every 512-byte sector holds its number in its first 4 bytes and a pattern after
 * them. */
static inline void image_make(struct image *image, u64 bytes)
{
    strcpy(image->path, "/tmp/ringside-test-XXXXXX");
    int fd = mkstemp(image->path);
    assert_true(fd >= 0);
    for (u64 at = 0; at < bytes; at += 512) {
        u8 sector[512];
        memset(sector, (int)(at / 512 * 7 + 1), sizeof sector);
        store32(sector, (u32)(at / 512));
        u64 n = bytes - at < 512 ? bytes - at : 512;
        assert_int_equal(write(fd, sector, n), n);
    }
    close(fd);
}

static inline void image_remove(struct image *image)
{
    unlink(image->path);
}

static inline struct block *image_open(struct image *image, bool read_only)
{
    struct error err = {""};
    struct block *block = block_open(
        image->path, &(struct block_options){.format = "raw", .read_only = read_only}, &err);
    assert_string_equal(err.text, "");
    assert_non_null(block);
    return block;
}

struct wire {
    struct irq irq;
    bool level;
    unsigned edges; /* rising */
};

static inline void wire_set(void *opaque, int line, bool level)
{
    struct wire *wire = opaque;
    (void)line;
    wire->edges += level && !wire->level;
    wire->level = level;
}

static inline void wire_init(struct wire *wire)
{
    *wire = (struct wire){.irq = {.set = wire_set, .opaque = wire}};
}

static inline void assert_same_state(struct device *a, struct device *b)
{
    char path[256];
    if (fields_differ(a->class->fields, a, b, path, sizeof path)) {
        fail_msg("'%s' differs", path);
    }
}

/* save, load, save is equal */
static inline void assert_saves(struct device *dev)
{
    struct blob first = {0}, second = {0};
    struct error err = {""};
    device_save(dev, &first);
    assert_true(device_load(dev, &first, &err));
    device_save(dev, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    blob_free(&first);
    blob_free(&second);
}

static inline u32 next_random(u64 *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(*state >> 33);
}

#endif
