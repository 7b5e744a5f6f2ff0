/*
 * block.h: an image file as a disk controller sees it: bytes at offsets.
 *
 * Requests carry a completion, done(opaque, error), with 0 or an errno value. It is called exactly
 * once, on the machine's thread, perhaps before the request function returns; a caller must be
 * ready for both. Requests of one image take effect in the order in which they are made; a
 * completed flush means that all writes completed before it are on the host's disk.
 *
 * The size is always a multiple of 512: the last sector of an odd-sized file is padded with zeroes,
 * and only zeroes can be written to the padding.
 */
#ifndef DEVICES_STORAGE_BLOCK_BLOCK_H
#define DEVICES_STORAGE_BLOCK_BLOCK_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

#define BLOCK_SECTOR 512u

struct block;

struct block_options {
    const char *format; /* "raw"; NULL: raw too, but a file in a known other format is refused */
    bool read_only;     /* the image is opened for reading; the guest's writes fail */
    bool snapshot; /* the image is opened for reading; writes go to a temporary file, lost at close
                    */
};

/* Opens and locks the image at `path` (`options` NULL: raw, read-write). NULL and `err` filled on
 * failure. */
struct block *block_open(const char *path, const struct block_options *options, struct error *err);
/* Waits for what is under way, flushes, unlocks, frees. `block` may be NULL. */
void block_close(struct block *block);

u64 block_size(const struct block *block);
bool block_read_only(const struct block *block);
const char *block_name(const struct block *block); /* the path */

typedef void block_done(void *opaque, int error);

/* EINVAL outside the image; EROFS for writes to a read-only one. */
void block_read(struct block *block, u64 offset, void *buffer, u64 length, block_done *done,
                void *opaque);
void block_write(struct block *block, u64 offset, const void *buffer, u64 length, block_done *done,
                 void *opaque);
void block_flush(struct block *block, block_done *done, void *opaque);
/* The guest no longer needs these bytes; they may read as zeroes afterwards. */
void block_discard(struct block *block, u64 offset, u64 length, block_done *done, void *opaque);
/* about(opaque, block, offset, length) is called before these bytes change. NULL: nobody is told. */
void block_watch(struct block *block, void (*about)(void *opaque, struct block *block, u64 offset, u64 length), void *opaque);
/* Returns when every request has completed (its done was called). */
void block_drain(struct block *block);

/* What a file seems to be, by content and size. */
enum image_kind {
    IMAGE_UNKNOWN,
    IMAGE_LINUX,     /* a Linux kernel with a setup header (bzImage, zImage) */
    IMAGE_MULTIBOOT, /* has a multiboot 1 header (may be ELF too) */
    IMAGE_ELF,       /* any other ELF file: perhaps a PVH kernel */
    IMAGE_CDROM,     /* ISO 9660, hybrid or not */
    IMAGE_FLOPPY,    /* exactly the size of a floppy disk */
    IMAGE_DISK,      /* has a boot sector */
    IMAGE_FOREIGN,   /* a disk image in a format that is not raw: qcow2, VMDK, VDI, VHDX */
};
/* False and `err` filled when the file cannot be read. */
bool block_probe_file(const char *path, enum image_kind *kind, struct error *err);
/* Whether this is the size of a floppy disk (160K to 2.88M). */
bool block_is_floppy_size(u64 bytes);

#endif
