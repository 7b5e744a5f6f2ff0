/*
 * driver.h: what a kind of image does for block.c. Private to this folder.
 */
#ifndef DEVICES_STORAGE_BLOCK_DRIVER_H
#define DEVICES_STORAGE_BLOCK_DRIVER_H

#include "devices/storage/block/block.h"

/* Ranges are inside the image and lengths above 0; results are 0 or an errno value. */
struct block_driver {
    int (*read)(struct block *block, u64 offset, u8 *buffer, u64 length);
    int (*write)(struct block *block, u64 offset, const u8 *buffer, u64 length);
    int (*flush)(struct block *block);
    int (*discard)(struct block *block, u64 offset, u64 length);
    void (*close)(struct block *block); /* frees the driver's own struct */
};

/* First in each driver's own struct. */
struct block {
    const struct block_driver *driver;
    char *name;
    u64 size; /* bytes, a multiple of 512 */
    bool read_only;
    void (*about)(void *opaque, struct block *block, u64 offset, u64 length);
    void *about_opaque;
};

struct block *raw_open(const char *path, bool read_only, struct error *err);
/* Takes over `base`, also when it fails. */
struct block *overlay_open(struct block *base, struct error *err);

/* pread and pwrite of everything; what lies beyond the end of the file reads as zeroes. */
int file_read(int fd, u64 offset, u8 *buffer, u64 length);
int file_write(int fd, u64 offset, const u8 *buffer, u64 length);

#endif
