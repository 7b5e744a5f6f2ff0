/*
 * boot_kernel.c: see boot_kernel.h.
 */
#include "frontend/machine/boot_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "devices/chipset/i440fx.h"

static bool read_all(struct image *image, FILE *file, const char *what, struct error *err)
{
    if (fread(image->bytes, 1, image->size, file) != image->size) {
        return error_set(err, "%s '%s': %s", what, image->path,
                         ferror(file) ? strerror(errno)
                                      : "the file became shorter while it was read");
    }
    return true;
}

static bool open_image(struct image *image, FILE *file, const char *what, u64 limit,
                       struct error *err)
{
    struct stat status;

    if (fstat(fileno(file), &status)) {
        return error_set(err, "%s '%s': %s", what, image->path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(err, "%s '%s': not a regular file", what, image->path);
    }
    if (status.st_size == 0) {
        return error_set(err, "%s '%s': the file is empty", what, image->path);
    }
    if ((u64)status.st_size > limit) {
        return error_set(err, "%s '%s': %llu bytes do not fit into %llu MiB of memory", what,
                         image->path, (unsigned long long)status.st_size,
                         (unsigned long long)(limit >> 20));
    }
    image->size = (size_t)status.st_size;
    image->bytes = malloc(image->size);
    if (!image->bytes) {
        return error_set(err, "%s '%s': the host has no memory for it", what, image->path);
    }
    return read_all(image, file, what, err);
}

bool image_read(struct image *image, const char *path, const char *what, u64 limit,
                struct error *err)
{
    FILE *file = fopen(path, "rb");
    bool good;

    *image = (struct image){.path = path};
    if (!file) {
        return error_set(err, "%s '%s': %s", what, path, strerror(errno));
    }
    good = open_image(image, file, what, limit, err);
    fclose(file);
    if (!good) {
        image_free(image);
    }
    return good;
}

void image_free(struct image *image)
{
    free(image->bytes);
    image->bytes = NULL;
}

void boot_add_blob(struct fw_cfg *fw, u16 addr_key, u16 size_key, u16 data_key, u64 addr, u8 *bytes,
                   size_t size)
{
    fw_cfg_add_u32(fw, addr_key, (u32)addr);
    fw_cfg_add_u32(fw, size_key, (u32)size);
    fw_cfg_add_owned(fw, data_key, bytes, size);
}

void boot_add_rom(struct fw_cfg *fw, const void *rom, size_t size)
{
    fw_cfg_add_file(fw, "genroms/kernelboot.bin", rom, size);
}

u64 boot_place_high(u64 size, u64 end, u64 low)
{
    u64 at;

    if (size > end) {
        return 0;
    }
    at = align_down(end - size, PAGE_SIZE);
    return at < low ? 0 : at;
}

static bool dispatch(struct boot_job *job)
{
    size_t header;

    if (linux_recognise(&job->kernel)) {
        return linux_load(job);
    }
    if (multiboot_recognise(&job->kernel, &header)) {
        return multiboot_load(job, header);
    }
    if (pvh_recognise(&job->kernel)) {
        return pvh_load(job);
    }
    return error_set(
        job->err,
        "kernel '%s': neither a Linux image (bzImage, zImage) nor a Multiboot kernel nor an ELF "
        "file with a PVH entry point",
        job->kernel.path);
}

bool boot_kernel_load(const struct boot_kernel *args, struct fw_cfg *fw, u64 ram_size,
                      struct error *err)
{
    struct boot_job job = {
        .args = args, .fw = fw, .ram_below_4g = ram_layout(ram_size).below_4g, .err = err};
    bool good;

    if (!image_read(&job.kernel, args->kernel, "kernel", job.ram_below_4g, err)) {
        return false;
    }
    good = image_gunzip(&job.kernel, "kernel", job.ram_below_4g, err) && dispatch(&job);
    image_free(&job.kernel);
    return good;
}

bool boot_kernel_recognise(const char *path)
{
    enum { KERNEL_LIMIT = 128 << 20 };
    struct image image;
    size_t header;
    bool good;

    if (!image_read(&image, path, "kernel", KERNEL_LIMIT, NULL)) {
        return false;
    }
    good = image_gunzip(&image, "kernel", KERNEL_LIMIT, NULL) &&
           (linux_recognise(&image) || multiboot_recognise(&image, &header) || pvh_recognise(&image));
    image_free(&image);
    return good;
}
