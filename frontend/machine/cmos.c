/*
 * cmos.c: see cmos.h. The layout is that of the IBM AT (10h-2Fh, Ralf Brown's CMOS list) with
 * QEMU's additions (34h-3Dh, 5Bh-5Dh, 5Fh), which SeaBIOS reads.
 */
#include "frontend/machine/cmos.h"

#include <string.h>

#include "devices/chipset/i440fx.h"
#include "devices/storage/fdc.h"
#include "devices/storage/ide.h"
#include "devices/timer/mc146818.h"

enum {
    CMOS_FLOPPY_TYPES = 0x10,
    CMOS_DISK_TYPES = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_MEMORY = 0x15,
    CMOS_EXTENDED_MEMORY = 0x17,
    CMOS_DISK_TYPE_EXTRA = 0x19,
    CMOS_DISK_TABLES = 0x1b, /* nine bytes for each of two disks */
    CMOS_CHECKSUM = 0x2e,
    CMOS_EXTENDED_MEMORY2 = 0x30,
    CMOS_MEMORY_ABOVE_16M = 0x34, /* 64 KiB units */
    CMOS_BOOT_THIRD = 0x38,       /* bits 7:4 */
    CMOS_DISK_TRANSLATION = 0x39,
    CMOS_BOOT_FIRST_TWO = 0x3d,
    CMOS_MEMORY_ABOVE_4G = 0x5b, /* 64 KiB units, three bytes */
    CMOS_EXTRA_PROCESSORS = 0x5f,
};

static void put16(struct machine *m, unsigned index, u64 value)
{
    rtc_set_cmos(m->rtc, (u8)index, (u8)value);
    rtc_set_cmos(m->rtc, (u8)(index + 1), (u8)(value >> 8));
}

static u64 at_most(u64 value, u64 limit)
{
    return value < limit ? value : limit;
}

static void describe_memory(struct machine *m)
{
    struct ram_layout ram = ram_layout(m->config.ram_bytes);
    u64 extended = ram.below_4g > 0x100000 ? (ram.below_4g - 0x100000) >> 10 : 0;
    u64 high = ram.below_4g > 0x1000000 ? (ram.below_4g - 0x1000000) >> 16 : 0;
    put16(m, CMOS_BASE_MEMORY, 640);
    put16(m, CMOS_EXTENDED_MEMORY, at_most(extended, 0xffff));
    put16(m, CMOS_EXTENDED_MEMORY2, at_most(extended, 0xffff));
    put16(m, CMOS_MEMORY_ABOVE_16M, at_most(high, 0xffff));
    put16(m, CMOS_MEMORY_ABOVE_4G, ram.above_4g >> 16);
    rtc_set_cmos(m->rtc, CMOS_MEMORY_ABOVE_4G + 2, (u8)(ram.above_4g >> 32));
    rtc_set_cmos(m->rtc, CMOS_EXTRA_PROCESSORS, 0);
}

static void describe_floppies(struct machine *m)
{
    unsigned a = fdc_drive_type(m->fdc, 0), b = fdc_drive_type(m->fdc, 1),
             count = (a != 0) + (b != 0);
    u8 equipment = 0x04 | 0x02; /* a PS/2 mouse, an FPU */
    if (count) {
        equipment |= (u8)(1 | (count - 1) << 6);
    }
    rtc_set_cmos(m->rtc, CMOS_FLOPPY_TYPES, (u8)(a << 4 | b));
    rtc_set_cmos(m->rtc, CMOS_EQUIPMENT, equipment);
}

/* A user-defined drive type (47) for each disk on the first channel. */
static void describe_disk(struct machine *m, unsigned unit, const struct ide_geometry *g)
{
    unsigned at = CMOS_DISK_TABLES + 9 * unit;
    u8 types = rtc_get_cmos(m->rtc, CMOS_DISK_TYPES);
    rtc_set_cmos(m->rtc, CMOS_DISK_TYPES, types | (u8)(unit ? 0x0f : 0xf0));
    rtc_set_cmos(m->rtc, (u8)(CMOS_DISK_TYPE_EXTRA + unit), 47);
    put16(m, at, g->cylinders);
    rtc_set_cmos(m->rtc, (u8)(at + 2), g->heads);
    put16(m, at + 3, 0xffff); /* no write precompensation */
    rtc_set_cmos(m->rtc, (u8)(at + 5), (u8)(0xc0 | (g->heads > 8) << 3)); /* control byte */
    put16(m, at + 6, g->cylinders);                                       /* landing zone */
    rtc_set_cmos(m->rtc, (u8)(at + 8), g->sectors);
}

static void describe_disks(struct machine *m)
{
    u8 translation = 0;
    for (unsigned unit = 0; unit < IDE_UNITS; unit++) {
        struct ide_geometry g;
        if (!ide_geometry(m->ide, unit, &g)) {
            continue;
        }
        if (unit < 2) {
            describe_disk(m, unit, &g);
        }
        translation |= (u8)(g.lba_translation << 2 * unit);
    }
    rtc_set_cmos(m->rtc, CMOS_DISK_TRANSLATION, translation);
}

static void set_checksum(struct machine *m)
{
    unsigned sum = 0;
    for (unsigned i = CMOS_FLOPPY_TYPES; i < CMOS_CHECKSUM; i++) {
        sum += rtc_get_cmos(m->rtc, (u8)i);
    }
    rtc_set_cmos(m->rtc, CMOS_CHECKSUM, (u8)(sum >> 8));
    rtc_set_cmos(m->rtc, CMOS_CHECKSUM + 1, (u8)sum);
}

void cmos_describe(struct machine *m)
{
    describe_memory(m);
    describe_floppies(m);
    describe_disks(m);
    set_checksum(m);
}

static unsigned boot_device(char letter)
{
    static const char letters[] = "acdn";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? (unsigned)(at - letters) + 1 : 0;
}

void cmos_set_boot_order(struct machine *m, const char *order)
{
    unsigned device[3] = {0};
    for (unsigned i = 0; i < 3 && order[i]; i++) {
        device[i] = boot_device(order[i]);
    }
    rtc_set_cmos(m->rtc, CMOS_BOOT_FIRST_TWO, (u8)(device[0] | device[1] << 4));
    rtc_set_cmos(m->rtc, CMOS_BOOT_THIRD, (u8)(device[2] << 4));
}
