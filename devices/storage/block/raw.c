/*
 * raw.c: images that are the disk's bytes and nothing else, in a regular file or a host block
 * device.
 *
 * The file is locked with an open-file-description lock (exclusive for writers, shared for
 * readers), so that no two emulators, nor two drives of one, write the same image. A host file
 * system without locks is used unlocked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/base/bits.h"
#include "devices/storage/block/driver.h"

struct raw {
    struct block block;
    int fd;
    u64 file_size; /* bytes; block.size is this, rounded up to a sector */
};

int file_read(int fd, u64 offset, u8 *buffer, u64 length)
{
    while (length) {
        ssize_t n = pread(fd, buffer, length, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        if (n == 0) { /* the end of the file: padding, or it shrank under us */
            memset(buffer, 0, length);
            return 0;
        }
        buffer += n;
        offset += (u64)n;
        length -= (u64)n;
    }
    return 0;
}

int file_write(int fd, u64 offset, const u8 *buffer, u64 length)
{
    while (length) {
        ssize_t n = pwrite(fd, buffer, length, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        buffer += n;
        offset += (u64)n;
        length -= (u64)n;
    }
    return 0;
}

static int raw_read(struct block *block, u64 offset, u8 *buffer, u64 length)
{
    return file_read(container_of(block, struct raw, block)->fd, offset, buffer, length);
}

static bool all_zero(const u8 *buffer, u64 length)
{
    return !length || (buffer[0] == 0 && !memcmp(buffer, buffer + 1, length - 1));
}

/* An image keeps its size: what falls into the padding must be what is there, zeroes. */
static int raw_write(struct block *block, u64 offset, const u8 *buffer, u64 length)
{
    struct raw *raw = container_of(block, struct raw, block);
    if (offset + length > raw->file_size) {
        u64 inside = offset < raw->file_size ? raw->file_size - offset : 0;
        if (!all_zero(buffer + inside, length - inside)) {
            return ENOSPC;
        }
        length = inside;
    }
    return file_write(raw->fd, offset, buffer, length);
}

static int raw_flush(struct block *block)
{
    return fdatasync(container_of(block, struct raw, block)->fd) < 0 ? errno : 0;
}

/* A hint: a file system that cannot free the bytes keeps them. */
static int raw_discard(struct block *block, u64 offset, u64 length)
{
    struct raw *raw = container_of(block, struct raw, block);
    if (offset < raw->file_size) {
        u64 inside = raw->file_size - offset < length ? raw->file_size - offset : length;
        (void)!fallocate(raw->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                         (off_t)inside);
    }
    return 0;
}

static void raw_close(struct block *block)
{
    struct raw *raw = container_of(block, struct raw, block);
    close(raw->fd);
    free(raw);
}

static const struct block_driver raw_driver = {
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .discard = raw_discard,
    .close = raw_close,
};

static bool lock_image(int fd, const char *path, bool read_only, struct error *err)
{
    struct flock lock = {.l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0 && (errno == EAGAIN || errno == EACCES)) {
        return error_set(err, "'%s' is in use by another drive or process%s", path,
                         read_only ? " that writes it" : "");
    }
    return true;
}

static bool image_size(int fd, const char *path, u64 *size, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return error_set(err, "cannot read '%s': %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return error_set(err, "'%s' is a directory, not a disk image", path);
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        return error_set(err, "'%s' is neither a file nor a block device", path);
    }
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0) {
        return error_set(err, "cannot find the size of '%s': %s", path, strerror(errno));
    }
    if (end == 0) {
        return error_set(err, "disk image '%s' is empty", path);
    }
    *size = (u64)end;
    return true;
}

static bool cannot_open(const char *path, bool read_only, int reason, struct error *err)
{
    if (reason == EISDIR) {
        return error_set(err, "'%s' is a directory, not a disk image", path);
    }
    if (!read_only && (reason == EACCES || reason == EROFS || reason == EPERM)) {
        return error_set(err, "cannot open '%s' for writing: %s (-snapshot needs no write access)",
                         path, strerror(reason));
    }
    return error_set(err, "cannot open '%s': %s", path, strerror(reason));
}

struct block *raw_open(const char *path, bool read_only, struct error *err)
{
    u64 size = 0;
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        cannot_open(path, read_only, errno, err);
        return NULL;
    }
    struct raw *raw = NULL;
    char *name = NULL;
    if (image_size(fd, path, &size, err) && lock_image(fd, path, read_only, err)) {
        raw = calloc(1, sizeof *raw);
        name = strdup(path);
        if (!raw || !name) {
            error_set(err, "no memory to open '%s'", path);
        }
    }
    if (!raw || !name) {
        free(raw);
        free(name);
        close(fd);
        return NULL;
    }
    raw->fd = fd;
    raw->file_size = size;
    raw->block = (struct block){.driver = &raw_driver,
                                .name = name,
                                .size = align_up(size, BLOCK_SECTOR),
                                .read_only = read_only};
    return &raw->block;
}
