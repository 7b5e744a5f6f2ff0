/*
 * block_test.c: raw images, overlays, locks, errors, probing.
 */
#include "devices/storage/block/block.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "devices/storage/storage_test.h"

static void note(void *opaque, int error)
{
    *(int *)opaque = error;
}

static int get(struct block *block, u64 offset, void *buffer, u64 length)
{
    int result = -1;
    block_read(block, offset, buffer, length, note, &result);
    return result;
}

static int put(struct block *block, u64 offset, const void *buffer, u64 length)
{
    int result = -1;
    block_write(block, offset, buffer, length, note, &result);
    return result;
}

static void raw_reads_and_writes(void **state)
{
    struct image image;
    u8 buffer[1024];
    int result = -1;
    (void)state;
    image_make(&image, 64 * 512);
    struct block *block = image_open(&image, false);
    assert_int_equal(block_size(block), 64 * 512);
    assert_int_equal(get(block, 5 * 512, buffer, 1024), 0);
    assert_int_equal(load32(buffer), 5);
    assert_int_equal(load32(buffer + 512), 6);
    memset(buffer, 0xee, sizeof buffer);
    assert_int_equal(put(block, 10 * 512 + 3, buffer, 600), 0);
    block_flush(block, note, &result);
    assert_int_equal(result, 0);
    block_close(block);
    block = image_open(&image, true);
    memset(buffer, 0, sizeof buffer);
    assert_int_equal(get(block, 10 * 512, buffer, 1024), 0);
    assert_int_equal(load32(buffer) & 0xffffff, 10);
    assert_int_equal(buffer[3], 0xee);
    assert_int_equal(buffer[602], 0xee);
    assert_int_equal(buffer[603], (u8)(11 * 7 + 1));
    assert_int_equal(put(block, 0, buffer, 1), EROFS);
    block_close(block);
    image_remove(&image);
}

static void requests_outside_fail(void **state)
{
    struct image image;
    u8 buffer[1024];
    (void)state;
    image_make(&image, 4096);
    struct block *block = image_open(&image, false);
    assert_int_equal(get(block, 4096, buffer, 1), EINVAL);
    assert_int_equal(get(block, 4095, buffer, 2), EINVAL);
    assert_int_equal(get(block, ~(u64)0, buffer, 1024), EINVAL);
    assert_int_equal(put(block, 1024, buffer, ~(u64)0), EINVAL);
    assert_int_equal(get(block, 4096, buffer, 0), 0);
    block_close(block);
    image_remove(&image);
}

static void odd_size_is_padded(void **state)
{
    struct image image;
    struct stat st;
    u8 buffer[512];
    (void)state;
    image_make(&image, 1000);
    struct block *block = image_open(&image, false);
    assert_int_equal(block_size(block), 1024);
    assert_int_equal(get(block, 512, buffer, 512), 0);
    assert_int_equal(buffer[487], 8);
    assert_int_equal(buffer[488], 0);
    assert_int_equal(buffer[511], 0);
    memset(buffer, 0x55, 488);
    assert_int_equal(put(block, 512, buffer, 512), 0);
    buffer[488] = 1;
    assert_int_equal(put(block, 512, buffer, 512), ENOSPC);
    block_close(block);
    assert_int_equal(stat(image.path, &st), 0);
    assert_int_equal(st.st_size, 1000);
    image_remove(&image);
}

static void a_writer_excludes_others(void **state)
{
    struct image image;
    struct error err = {""};
    (void)state;
    image_make(&image, 4096);
    struct block *writer = image_open(&image, false);
    assert_null(block_open(image.path, NULL, &err));
    assert_non_null(strstr(err.text, "in use"));
    assert_null(block_open(image.path, &(struct block_options){.snapshot = true}, &err));
    block_close(writer);
    struct block *reader = image_open(&image, true), *other = image_open(&image, true);
    assert_null(block_open(image.path, NULL, &err));
    block_close(reader);
    block_close(other);
    writer = image_open(&image, false);
    block_close(writer);
    image_remove(&image);
}

static void errors_are_one_line(void **state)
{
    struct image image;
    struct error err;
    (void)state;
    static const char *const paths[] = {"/nonexistent/disk", "/tmp", "/dev/null"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        err.text[0] = 0;
        assert_null(block_open(paths[i], NULL, &err));
        assert_non_null(strstr(err.text, paths[i]));
        assert_null(strchr(err.text, '\n'));
    }
    image_make(&image, 0);
    assert_null(block_open(image.path, NULL, &err));
    assert_non_null(strstr(err.text, "empty"));
    image_remove(&image);
    image_make(&image, 512);
    assert_null(block_open(image.path, &(struct block_options){.format = "qcow2"}, &err));
    assert_non_null(strstr(err.text, "qcow2"));
    image_remove(&image);
}

/* Random writes, discards and reads against a copy in memory; the base stays as it was. */
static void overlay_agrees_with_a_copy(void **state)
{
    enum { SIZE = 20 * 4096 + 512, MOST = 3 * 4096 };
    struct image image;
    struct error err = {""};
    u64 seed = 1;
    u8 *copy = mem_zeroed(1, SIZE), *before = mem_zeroed(1, SIZE), data[MOST];
    (void)state;
    image_make(&image, SIZE);
    struct block *block = block_open(image.path, &(struct block_options){.snapshot = true}, &err);
    assert_non_null(block);
    assert_false(block_read_only(block));
    assert_int_equal(get(block, 0, copy, SIZE), 0);
    memcpy(before, copy, SIZE);
    for (int i = 0; i < 3000; i++) {
        u64 offset = next_random(&seed) % SIZE;
        u64 length = next_random(&seed) % MOST;
        length = length < SIZE - offset ? length : SIZE - offset;
        if (next_random(&seed) % 2) {
            memset(data, (int)i, length);
            assert_int_equal(put(block, offset, data, length), 0);
            memcpy(copy + offset, data, length);
        } else {
            assert_int_equal(get(block, offset, data, length), 0);
            assert_memory_equal(data, copy + offset, length);
        }
    }
    int result = -1;
    block_discard(block, 4096, 4096, note, &result);
    assert_int_equal(result, 0);
    assert_int_equal(get(block, 4096, data, 4096), 0);
    assert_true(data[0] == 0 || !memcmp(data, copy + 4096, 4096));
    block_close(block);
    block = image_open(&image, true);
    assert_int_equal(get(block, 0, copy, SIZE), 0);
    assert_memory_equal(copy, before, SIZE);
    block_close(block);
    image_remove(&image);
    free(copy);
    free(before);
}

static enum image_kind probe(u64 size, u64 at, const void *text, size_t length, bool boot_sector)
{
    struct image image;
    struct error err = {""};
    enum image_kind kind = IMAGE_UNKNOWN;
    image_make(&image, size);
    int fd = open(image.path, O_WRONLY);
    assert_int_equal(pwrite(fd, text, length, (off_t)at), length);
    if (boot_sector) {
        assert_int_equal(pwrite(fd, "\x55\xaa", 2, 510), 2);
    }
    close(fd);
    assert_true(block_probe_file(image.path, &kind, &err));
    image_remove(&image);
    return kind;
}

static void kinds_of_file(void **state)
{
    static const u32 header[3] = {0x1badb002, 3, -(0x1badb002u + 3)};
    enum image_kind kind;
    struct error err;
    (void)state;
    assert_int_equal(probe(65536, 0x8001, "CD001", 5, false), IMAGE_CDROM);
    assert_int_equal(probe(65536, 0x8001, "CD001", 5, true), IMAGE_CDROM);
    assert_int_equal(probe(65536, 0x202, "HdrS", 4, true), IMAGE_LINUX);
    assert_int_equal(probe(65536, 0x100, header, 12, false), IMAGE_MULTIBOOT);
    assert_int_equal(probe(65536, 0,
                           "\x7f"
                           "ELF",
                           4, false),
                     IMAGE_ELF);
    assert_int_equal(probe(1474560, 0, "x", 1, true), IMAGE_FLOPPY);
    assert_int_equal(probe(1474560, 0, "x", 1, false), IMAGE_FLOPPY);
    assert_int_equal(probe(65536, 0, "x", 1, true), IMAGE_DISK);
    assert_int_equal(probe(65536, 0, "x", 1, false), IMAGE_UNKNOWN);
    assert_int_equal(probe(3, 0, "xyz", 3, false), IMAGE_UNKNOWN);
    assert_int_equal(probe(65536, 0, "QFI\xfb", 4, false), IMAGE_FOREIGN);
    assert_false(block_probe_file("/nonexistent", &kind, &err));
    assert_false(block_probe_file("/tmp", &kind, &err));
}

static void foreign_images_need_a_word(void **state)
{
    struct image image;
    struct error err = {""};
    (void)state;
    image_make(&image, 65536);
    int fd = open(image.path, O_WRONLY);
    assert_int_equal(pwrite(fd, "QFI\xfb", 4, 0), 4);
    close(fd);
    assert_null(block_open(image.path, NULL, &err));
    assert_non_null(strstr(err.text, "raw"));
    block_close(image_open(&image, false));
    image_remove(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_reads_and_writes), cmocka_unit_test(requests_outside_fail),
        cmocka_unit_test(odd_size_is_padded),   cmocka_unit_test(a_writer_excludes_others),
        cmocka_unit_test(errors_are_one_line),  cmocka_unit_test(overlay_agrees_with_a_copy),
        cmocka_unit_test(kinds_of_file),        cmocka_unit_test(foreign_images_need_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
