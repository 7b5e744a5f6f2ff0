/*
 * boot_kernel.h: `-kernel`: hands a Linux, Multiboot or PVH kernel to the guest through fw_cfg and
 * a boot ROM of our own (roms/boot), so that it starts on a PC that SeaBIOS has initialised.
 */
#ifndef FRONTEND_MACHINE_BOOT_KERNEL_H
#define FRONTEND_MACHINE_BOOT_KERNEL_H

#include "devices/chipset/fw_cfg.h"

/* The line for "bootorder" that makes firmware start the kernel. */
#define BOOT_KERNEL_DEVICE "/rom@genroms/kernelboot.bin"

struct boot_kernel {
    const char *kernel; /* path */
    const char *initrd; /* NULL: none. Multiboot: modules "path args,path args" (",," is a comma) */
    const char *append; /* NULL: nothing */
    u8 seed[32]; /* of the kernel's random numbers */
};

/*
 * Recognises the kernel and adds what its boot ROM needs to `fw`. What Linux, Multiboot and PVH
 * take:
 * - Linux: every version of the x86 boot protocol, and zImages from before it; `vga=` as a boot
 * loader reads it
 * - Multiboot 1: a.out kludge, ELF32 and ELF64, modules
 * - ELF with a PVH entry note (Linux's vmlinux, Xen)
 */
bool boot_kernel_load(const struct boot_kernel *args, struct fw_cfg *fw, u64 ram_size,
                      struct error *err);

/* Whether the file at `path` looks like one of these. */
bool boot_kernel_recognise(const char *path);

#endif
