/*
 * acpi_tables.h: the `pc` machine's ACPI tables, handed to firmware as fw_cfg files with a script
 * for its table loader.
 *
 * Documents: ACPI 1.0b chapter 5 (RSDP, RSDT, FADT, FACS), ACPI 3.0 5.2.11 (MADT), IA-PC
 * HPET 1.0a 3.2.4, WAET; QEMU's table loader as SeaBIOS runs it. The DSDT is roms/acpi/dsdt.asl.
 * The FADT's ports follow the PM base that firmware has programmed by the time it reads the tables.
 */
#ifndef DEVICES_CHIPSET_ACPI_TABLES_H
#define DEVICES_CHIPSET_ACPI_TABLES_H

#include "devices/chipset/fw_cfg.h"
#include "devices/chipset/piix4_pm.h"

struct acpi_config {
    unsigned cpus;    /* 1 to 255, local APIC identifiers 0 and up */
    u64 ram_below_4g; /* bytes */
    bool hpet, floppy, parallel, ps2;
    bool com[4];
    struct piix4_pm *pm;
};

struct acpi_tables;

/* Adds etc/acpi/tables, etc/acpi/rsdp and etc/table-loader. Destroy after `fw`. */
struct acpi_tables *acpi_tables_create(struct fw_cfg *fw, const struct acpi_config *config);
void acpi_tables_destroy(struct acpi_tables *tables);

/* Where firmware starts to place PCI memory, given the RAM below it; the hole ends below the I/O
 * APIC. */
u32 pci_hole_start(u64 ram_below_4g);

#endif
