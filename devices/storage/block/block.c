/*
 * block.c: opening images by format, checks common to all formats, and telling kinds of file apart.
 *
 * Requests are carried out at once; the completion is the seam at which host threads can come in.
 */
#include "devices/storage/block/block.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/base/bits.h"
#include "devices/storage/block/driver.h"

struct block *block_open(const char *path, const struct block_options *options, struct error *err)
{
    static const struct block_options plain = {0};
    enum image_kind kind;

    if (!options) {
        options = &plain;
    }
    if (options->format && strcmp(options->format, "raw") != 0) {
        error_set(err, "cannot open '%s': image format '%s' is not supported (raw is)", path,
                  options->format);
        return NULL;
    }
    struct block *block = raw_open(path, options->read_only || options->snapshot, err);
    if (!block) {
        return NULL;
    }
    if (!options->format && block_probe_file(path, &kind, NULL) && kind == IMAGE_FOREIGN) {
        error_set(
            err, "'%s' is not a raw image; convert it (qemu-img convert -O raw), or say format=raw",
            path);
        block_close(block);
        return NULL;
    }
    return options->snapshot ? overlay_open(block, err) : block;
}

void block_close(struct block *block)
{
    if (!block) {
        return;
    }
    block_drain(block);
    if (!block->read_only) {
        block->driver->flush(block);
    }
    free(block->name);
    block->driver->close(block);
}

u64 block_size(const struct block *block)
{
    return block->size;
}

bool block_read_only(const struct block *block)
{
    return block->read_only;
}

const char *block_name(const struct block *block)
{
    return block->name;
}

static bool in_image(const struct block *block, u64 offset, u64 length)
{
    return offset <= block->size && length <= block->size - offset;
}

void block_read(struct block *block, u64 offset, void *buffer, u64 length, block_done *done,
                void *opaque)
{
    int error = 0;
    if (!in_image(block, offset, length)) {
        error = EINVAL;
    } else if (length) {
        error = block->driver->read(block, offset, buffer, length);
    }
    done(opaque, error);
}

void block_watch(struct block *block, void (*about)(void *opaque, struct block *block, u64 offset, u64 length), void *opaque)
{
    block->about = about;
    block->about_opaque = opaque;
}

static void tell_about(struct block *block, u64 offset, u64 length)
{
    if (block->about) {
        block->about(block->about_opaque, block, offset, length);
    }
}

void block_write(struct block *block, u64 offset, const void *buffer, u64 length, block_done *done,
                 void *opaque)
{
    int error = 0;
    if (block->read_only) {
        error = EROFS;
    } else if (!in_image(block, offset, length)) {
        error = EINVAL;
    } else if (length) {
        tell_about(block, offset, length);
        error = block->driver->write(block, offset, buffer, length);
    }
    done(opaque, error);
}

void block_flush(struct block *block, block_done *done, void *opaque)
{
    done(opaque, block->read_only ? 0 : block->driver->flush(block));
}

void block_discard(struct block *block, u64 offset, u64 length, block_done *done, void *opaque)
{
    int error = 0;
    if (block->read_only) {
        error = EROFS;
    } else if (!in_image(block, offset, length)) {
        error = EINVAL;
    } else if (length) {
        tell_about(block, offset, length);
        error = block->driver->discard(block, offset, length);
    }
    done(opaque, error);
}

void block_drain(struct block *block)
{
    (void)block; /* nothing outlives its call */
}

bool block_is_floppy_size(u64 bytes)
{
    static const u16 kilobytes[] = {160, 180, 320, 360, 720, 1200, 1440, 1680, 1722, 2880};
    for (size_t i = 0; i < ARRAY_LEN(kilobytes); i++) {
        if (bytes == kilobytes[i] * 1024ull) {
            return true;
        }
    }
    return false;
}

#define PROBE_BYTES                                                                                \
    40960u /* up to the first volume descriptor of ISO 9660, and all multiboot headers */

/* Multiboot Specification 0.6.96, 3.1: a multiple of 4 in the first 8192 bytes, with a checksum. */
static bool has_multiboot_header(const u8 *head, size_t size)
{
    for (size_t at = 0; at + 12 <= size && at < 8192; at += 4) {
        if (load32(head + at) == 0x1badb002 &&
            load32(head + at) + load32(head + at + 4) + load32(head + at + 8) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_foreign(const u8 *head, size_t size)
{
    return (size >= 4 && (!memcmp(head, "QFI\xfb", 4) || !memcmp(head, "KDMV", 4))) ||
           (size >= 8 && !memcmp(head, "vhdxfile", 8)) ||
           (size >= 68 && load32(head + 64) == 0xbeda107f); /* VDI */
}

static enum image_kind kind_of(const u8 *head, size_t size, u64 file_size)
{
    bool boot_sector = size >= 512 && load16(head + 510) == 0xaa55;

    if (is_foreign(head, size)) {
        return IMAGE_FOREIGN;
    }
    if (boot_sector && size >= 0x210 && !memcmp(head + 0x202, "HdrS", 4)) {
        return IMAGE_LINUX; /* Linux x86 boot protocol, "magic" at 202h */
    }
    if (size >= 0x8006 && !memcmp(head + 0x8001, "CD001", 5)) {
        return IMAGE_CDROM; /* ECMA-119 8.1: the volume descriptors begin at sector 16 */
    }
    if (!boot_sector && has_multiboot_header(head, size)) {
        return IMAGE_MULTIBOOT;
    }
    if (size >= 4 && !memcmp(head,
                             "\x7f"
                             "ELF",
                             4)) {
        return IMAGE_ELF;
    }
    if (block_is_floppy_size(file_size)) {
        return IMAGE_FLOPPY;
    }
    return boot_sector ? IMAGE_DISK : IMAGE_UNKNOWN;
}

static bool probe_fd(int fd, const char *path, enum image_kind *kind, struct error *err)
{
    u8 head[PROBE_BYTES];
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return error_set(err, "cannot read '%s': %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return error_set(err, "'%s' is a directory, not an image", path);
    }
    ssize_t size = pread(fd, head, sizeof head, 0);
    if (size < 0) {
        return error_set(err, "cannot read '%s': %s", path, strerror(errno));
    }
    *kind = kind_of(head, (size_t)size, (u64)st.st_size);
    return true;
}

bool block_probe_file(const char *path, enum image_kind *kind, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return error_set(err, "cannot open '%s': %s", path, strerror(errno));
    }
    bool ok = probe_fd(fd, path, kind, err);
    close(fd);
    return ok;
}
