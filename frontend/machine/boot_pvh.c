/*
 * boot_pvh.c: ELF kernels with a PVH entry point.
 *
 * Document: Xen's x86/HVM direct boot ABI (docs/misc/pvh.pandoc, public/arch-x86/hvm/start_info.h,
 * version 1).
 */
#include "frontend/machine/boot_image.h"

#include <stdlib.h>

#include "roms/boot/pvh.h"

enum {
    START_MAGIC = 0x336ec578,
    START_VERSION = 1,

    START_NR_MODULES = 12,
    START_MODLIST_PADDR = 16,
    START_CMDLINE_PADDR = 24,
    START_SIZE = 56,

    MODULE_PADDR = 0,
    MODULE_BYTES = 8,
    MODULE_SIZE = 32,
};

bool pvh_recognise(const struct image *kernel)
{
    struct elf_image elf;

    return elf_recognise(kernel) && elf_parse(kernel, &elf, NULL) && elf.pvh_entry;
}

static bool load_image(struct boot_job *job, const struct elf_image *elf)
{
    u8 *bytes;

    if (elf->high > job->ram_below_4g - BOOT_FIRMWARE_RESERVE) {
        return error_set(job->err, "kernel '%s': does not fit into %llu MiB of memory",
                         job->kernel.path, (unsigned long long)(job->ram_below_4g >> 20));
    }
    bytes = calloc(1, elf->high - elf->low);
    if (!bytes) {
        return error_set(job->err, "kernel '%s': the host has no memory for it", job->kernel.path);
    }
    elf_copy(&job->kernel, elf, bytes);
    boot_add_blob(job->fw, FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, elf->low,
                  bytes, elf->high - elf->low);
    fw_cfg_add_u32(job->fw, FW_CFG_KERNEL_ENTRY, (u32)elf->pvh_entry);
    return true;
}

static bool load_initrd(struct boot_job *job, const struct elf_image *elf, u8 *info)
{
    struct image initrd;
    u64 at;

    if (!image_read(&initrd, job->args->initrd, "initrd", job->ram_below_4g, job->err)) {
        return false;
    }
    at = boot_place_high(initrd.size, job->ram_below_4g, elf->high);
    if (!at) {
        error_set(job->err,
                  "initrd '%s': %llu bytes do not fit beside the kernel into %llu MiB of memory",
                  initrd.path, (unsigned long long)initrd.size,
                  (unsigned long long)(job->ram_below_4g >> 20));
        image_free(&initrd);
        return false;
    }
    store32(info + START_NR_MODULES, 1);
    store64(info + START_MODLIST_PADDR, BOOT_INFO_ADDR + START_SIZE);
    store64(info + START_SIZE + MODULE_PADDR, at);
    store64(info + START_SIZE + MODULE_BYTES, initrd.size);
    boot_add_blob(job->fw, FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, at,
                  initrd.bytes, initrd.size);
    return true;
}

static bool load_info(struct boot_job *job, const struct elf_image *elf)
{
    const char *append = job->args->append ? job->args->append : "";
    size_t size = START_SIZE + MODULE_SIZE + strlen(append) + 1;
    u8 *info;

    if (size > BOOT_INFO_MAX) {
        return error_set(job->err, "kernel '%s': its command line is too long", job->kernel.path);
    }
    info = calloc(1, size);
    if (!info) {
        return error_set(job->err, "kernel '%s': the host has no memory for it", job->kernel.path);
    }
    store32(info, START_MAGIC);
    store32(info + 4, START_VERSION);
    store64(info + START_CMDLINE_PADDR, BOOT_INFO_ADDR + START_SIZE + MODULE_SIZE);
    memcpy(info + START_SIZE + MODULE_SIZE, append, strlen(append) + 1);
    if (job->args->initrd && !load_initrd(job, elf, info)) {
        free(info);
        return false;
    }
    boot_add_blob(job->fw, FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA, BOOT_INFO_ADDR,
                  info, size);
    return true;
}

bool pvh_load(struct boot_job *job)
{
    struct elf_image elf;

    if (!elf_parse(&job->kernel, &elf, job->err) || !load_image(job, &elf) ||
        !load_info(job, &elf)) {
        return false;
    }
    boot_add_rom(job->fw, pvh_rom, sizeof pvh_rom);
    return true;
}
