/*
 * boot_image.h: what boot_kernel.c shares with the parsers of each kind of kernel.
 */
#ifndef FRONTEND_MACHINE_BOOT_IMAGE_H
#define FRONTEND_MACHINE_BOOT_IMAGE_H

#include "cpu/base/bits.h"
#include "frontend/machine/boot_kernel.h"

/* A file in memory. */
struct image {
    const char *path;
    u8 *bytes; /* from malloc() */
    size_t size;
};

/* Reads a regular, non-empty file of at most `limit` bytes. `what` is for messages: "kernel",
 * "initrd". */
bool image_read(struct image *image, const char *path, const char *what, u64 limit,
                struct error *err);
void image_free(struct image *image);
/* Replaces what gzip packed by what it was, of at most `limit` bytes; leaves everything else alone. */
bool image_gunzip(struct image *image, const char *what, u64 limit, struct error *err);

struct boot_job {
    const struct boot_kernel *args;
    struct fw_cfg *fw;
    struct image kernel;
    u64 ram_below_4g;
    struct error *err;
};

/* Low memory for information structures, which the ROMs extend by the memory map. */
enum { BOOT_INFO_ADDR = 0x8000, BOOT_INFO_MAX = 0x6000 };

/* Firmware keeps its tables and data at the end of RAM below 4 GiB; the ROMs know exactly how much.
 */
enum { BOOT_FIRMWARE_RESERVE = 0x40000 };

bool linux_recognise(const struct image *kernel);
bool linux_load(struct boot_job *job);

/* The file offset of the header, or false. */
bool multiboot_recognise(const struct image *kernel, size_t *header);
bool multiboot_load(struct boot_job *job, size_t header);

bool pvh_recognise(const struct image *kernel);
bool pvh_load(struct boot_job *job);

/* Adds bytes as three items: address, size, data. Takes over `bytes`. */
void boot_add_blob(struct fw_cfg *fw, u16 addr_key, u16 size_key, u16 data_key, u64 addr, u8 *bytes,
                   size_t size);
void boot_add_rom(struct fw_cfg *fw, const void *rom, size_t size);
/* The highest page from which `size` bytes end at or below `end`, 0 when that is below `low`. */
u64 boot_place_high(u64 size, u64 end, u64 low);

/* An ELF executable, as its PT_LOAD segments describe it. */
struct elf_image {
    u64 low, high; /* physical, with zeroed parts */
    u64 entry;     /* physical */
    u64 pvh_entry; /* from the note; 0: none */
};
bool elf_recognise(const struct image *file);
bool elf_parse(const struct image *file, struct elf_image *elf, struct error *err);
/* Copies what the segments load to `to`, which stands for `low` and is zeroed. */
void elf_copy(const struct image *file, const struct elf_image *elf, u8 *to);

#endif
