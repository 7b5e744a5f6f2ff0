/*
 * overlay.c: a writable image over a base that is only read (-snapshot). Written clusters live in
 * an unlinked sparse file at the same offsets; a bit per cluster says which.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/storage/block/driver.h"

#define CLUSTER 4096u

struct overlay {
    struct block block;
    struct block *base;
    int fd;
    u8 *present; /* bit per cluster: it is in `fd` */
};

static bool is_present(const struct overlay *overlay, u64 cluster)
{
    return overlay->present[cluster / 8] >> (cluster % 8) & 1;
}

static void set_present(struct overlay *overlay, u64 cluster)
{
    overlay->present[cluster / 8] |= (u8)(1u << (cluster % 8));
}

/* The part of a request up to where clusters change between present and absent. */
static u64 run_length(const struct overlay *overlay, u64 offset, u64 length)
{
    bool present = is_present(overlay, offset / CLUSTER);
    u64 end = (offset / CLUSTER + 1) * CLUSTER;
    while (end < offset + length && is_present(overlay, end / CLUSTER) == present) {
        end += CLUSTER;
    }
    return end < offset + length ? end - offset : length;
}

static int overlay_read(struct block *block, u64 offset, u8 *buffer, u64 length)
{
    struct overlay *overlay = container_of(block, struct overlay, block);
    while (length) {
        u64 run = run_length(overlay, offset, length);
        int error = is_present(overlay, offset / CLUSTER)
                        ? file_read(overlay->fd, offset, buffer, run)
                        : overlay->base->driver->read(overlay->base, offset, buffer, run);
        if (error) {
            return error;
        }
        offset += run;
        buffer += run;
        length -= run;
    }
    return 0;
}

/* Brings the cluster in from the base, so that a part of it can be written. */
static int fill_cluster(struct overlay *overlay, u64 cluster)
{
    u8 buffer[CLUSTER];
    u64 offset = cluster * CLUSTER;
    u64 left = overlay->block.size - offset;
    u64 length = left < CLUSTER ? left : CLUSTER;
    if (is_present(overlay, cluster)) {
        return 0;
    }
    int error = overlay->base->driver->read(overlay->base, offset, buffer, length);
    return error ? error : file_write(overlay->fd, offset, buffer, length);
}

static int overlay_write(struct block *block, u64 offset, const u8 *buffer, u64 length)
{
    struct overlay *overlay = container_of(block, struct overlay, block);
    u64 first = offset / CLUSTER, last = (offset + length - 1) / CLUSTER;
    int error = 0;

    if (offset % CLUSTER) {
        error = fill_cluster(overlay, first);
    }
    if (!error && (offset + length) % CLUSTER && (last != first || !(offset % CLUSTER))) {
        error = fill_cluster(overlay, last);
    }
    if (!error) {
        error = file_write(overlay->fd, offset, buffer, length);
    }
    for (u64 cluster = first; !error && cluster <= last; cluster++) {
        set_present(overlay, cluster);
    }
    return error;
}

/* The content is thrown away at close, so there is nothing to make durable. */
static int overlay_flush(struct block *block)
{
    (void)block;
    return 0;
}

/* Whole clusters become holes, which read as zeroes; parts of clusters are kept. */
static int overlay_discard(struct block *block, u64 offset, u64 length)
{
    struct overlay *overlay = container_of(block, struct overlay, block);
    u64 first = (offset + CLUSTER - 1) / CLUSTER, end = (offset + length) / CLUSTER;
    if (first < end && fallocate(overlay->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 (off_t)(first * CLUSTER), (off_t)((end - first) * CLUSTER)) == 0) {
        for (u64 cluster = first; cluster < end; cluster++) {
            set_present(overlay, cluster);
        }
    }
    return 0;
}

static void overlay_close(struct block *block)
{
    struct overlay *overlay = container_of(block, struct overlay, block);
    close(overlay->fd);
    block_close(overlay->base);
    free(overlay->present);
    free(overlay);
}

static const struct block_driver overlay_driver = {
    .read = overlay_read,
    .write = overlay_write,
    .flush = overlay_flush,
    .discard = overlay_discard,
    .close = overlay_close,
};

/* A file that no name leads to: it goes when the emulator does, however that ends. */
static int open_unlinked(struct error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    if (!folder || !*folder) {
        folder = "/var/tmp";
    }
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* not every file system can do that */
        snprintf(path, sizeof path, "%s/ringside-XXXXXX", folder);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0) {
            unlink(path);
        }
    }
    if (fd < 0) {
        error_set(err, "cannot make a temporary file in '%s': %s (set TMPDIR)", folder,
                  strerror(errno));
    }
    return fd;
}

struct block *overlay_open(struct block *base, struct error *err)
{
    int fd = open_unlinked(err);
    if (fd < 0) {
        block_close(base);
        return NULL;
    }
    struct overlay *overlay = calloc(1, sizeof *overlay);
    u8 *present = calloc(base->size / CLUSTER / 8 + 1, 1);
    char *name = strdup(base->name);
    if (!overlay || !present || !name || ftruncate(fd, (off_t)base->size) < 0) {
        error_set(err, "cannot make a snapshot of '%s': %s", base->name, strerror(errno));
        free(overlay);
        free(present);
        free(name);
        close(fd);
        block_close(base);
        return NULL;
    }
    overlay->fd = fd;
    overlay->base = base;
    overlay->present = present;
    overlay->block = (struct block){.driver = &overlay_driver, .name = name, .size = base->size};
    return &overlay->block;
}
