/*
 * pc_firmware.h: the fw_cfg items that SeaBIOS expects on the `pc` machine: memory map, processor
 * counts, boot settings.
 */
#ifndef DEVICES_CHIPSET_PC_FIRMWARE_H
#define DEVICES_CHIPSET_PC_FIRMWARE_H

#include "devices/chipset/fw_cfg.h"

struct pc_firmware {
    u64 ram_size; /* bytes */
    unsigned cpus;
    bool graphic;           /* there is a display */
    bool boot_menu;         /* wait for F12 (SeaBIOS: ESC) */
    const char *boot_order; /* device paths, one a line, first first; NULL: firmware's own order */
};

void pc_firmware_add(struct fw_cfg *fw, const struct pc_firmware *config);

#endif
