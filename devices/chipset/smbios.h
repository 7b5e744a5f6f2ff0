/*
 * smbios.h: SMBIOS 2.8 tables, handed to firmware as fw_cfg files.
 *
 * Document: DMTF DSP0134 2.8.0. Structures: BIOS, system, chassis, processors, physical memory
 * array, memory devices, mapped addresses, boot status.
 */
#ifndef DEVICES_CHIPSET_SMBIOS_H
#define DEVICES_CHIPSET_SMBIOS_H

#include "devices/chipset/fw_cfg.h"

struct smbios_config {
    u64 ram_size; /* bytes */
    unsigned cpus;
    const char *processor; /* as the guest shall see it named */
    u32 cpu_eax, cpu_edx;  /* of CPUID leaf 1 */
    u8 uuid[16];           /* in the order in which it is written */
};

/* Adds etc/smbios/smbios-tables and etc/smbios/smbios-anchor. */
void smbios_add(struct fw_cfg *fw, const struct smbios_config *config);

#endif
