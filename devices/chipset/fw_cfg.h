/*
 * fw_cfg.h: QEMU's firmware configuration device, ports 510h to 51Bh: numbered items and named
 * files that firmware reads, byte by byte or by DMA.
 *
 * Document: QEMU, docs/specs/fw_cfg (interface description). Modelled: selector and data port, the
 * DMA interface, the file directory, files that the guest may write by DMA. Not modelled: writing
 * through the data port (ignored there too).
 */
#ifndef DEVICES_CHIPSET_FW_CFG_H
#define DEVICES_CHIPSET_FW_CFG_H

#include "devices/core/device.h"
#include "devices/core/dma.h"

/* Item numbers. */
enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,

    FW_CFG_ACPI_TABLES = 0x8000,
    FW_CFG_SMBIOS = 0x8001,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
    FW_CFG_E820_TABLE = 0x8003,
    FW_CFG_HPET = 0x8004,

    FW_CFG_FILE_NAME_SIZE = 56,
    FW_CFG_MAX_FILES = 96,
    FW_CFG_WRITABLE_BYTES = 4096, /* of all writable files together */
};

struct fw_cfg;

/* With items 0, 1 and the directory. `memory` is where DMA goes. */
struct fw_cfg *fw_cfg_create(struct space *ports, struct space *memory);
struct device *fw_cfg_device(struct fw_cfg *fw);

/* Numbered items; a second value for one item replaces the first. Bytes are copied. */
void fw_cfg_add_bytes(struct fw_cfg *fw, u16 key, const void *bytes, size_t size);
void fw_cfg_add_u16(struct fw_cfg *fw, u16 key, u16 value);
void fw_cfg_add_u32(struct fw_cfg *fw, u16 key, u32 value);
void fw_cfg_add_u64(struct fw_cfg *fw, u16 key, u64 value);
/* Takes over `bytes`, which malloc() gave: for kernels and initial ramdisks. */
void fw_cfg_add_owned(struct fw_cfg *fw, u16 key, void *bytes, size_t size);

/* Named files; the directory is sorted by name. A second file of one name replaces the first. */
void fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *bytes, size_t size);
/* Text with its terminating 0. */
void fw_cfg_add_string(struct fw_cfg *fw, const char *name, const char *text);
/* A file of zeroes that the guest may write. */
void fw_cfg_add_writable(struct fw_cfg *fw, const char *name, size_t size);
/* `prepare` is called when the guest selects the file: it may rewrite the bytes in place, through
 * fw_cfg_file(). */
void fw_cfg_on_select(struct fw_cfg *fw, const char *name, void (*prepare)(void *opaque),
                      void *opaque);
/* The current bytes of a file, NULL when there is none. */
u8 *fw_cfg_file(struct fw_cfg *fw, const char *name, size_t *size);
/* The current bytes of a numbered item. */
u8 *fw_cfg_item(struct fw_cfg *fw, u16 key, size_t *size);

#endif
