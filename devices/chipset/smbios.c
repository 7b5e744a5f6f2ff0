/*
 * smbios.c: see smbios.h. Each structure: type, length of the formatted part, handle, fields, then
 * its strings.
 */
#include "devices/chipset/smbios.h"

#include <stdio.h>

#include "cpu/base/bits.h"
#include "devices/chipset/i440fx.h"

enum {
    ANCHOR_SIZE = 31,

    HANDLE_BIOS = 0x000,
    HANDLE_SYSTEM = 0x100,
    HANDLE_CHASSIS = 0x300,
    HANDLE_PROCESSOR = 0x400,
    HANDLE_ARRAY = 0x1000,
    HANDLE_DEVICE = 0x1100,
    HANDLE_ARRAY_RANGE = 0x1300,
    HANDLE_BOOT = 0x2000,
    HANDLE_END = 0x7f00,
    NO_HANDLE = 0xfffe,

    STATUS_SAFE = 3,
    OTHER = 1,
    UNKNOWN = 2,
};

/* Memory devices are described in modules of at most this size; type 17 has 15 bits of MiB before
 * it needs more. */
#define MODULE_SIZE (16ull << 30)
#define MIB         (1ull << 20)

struct tables {
    struct blob blob;
    unsigned count, largest;
    size_t start; /* of the structure being built */
    char strings[256];
    size_t strings_used;
    u8 string_count;
};

static void put(struct tables *t, u64 value, unsigned size)
{
    u8 bytes[8];

    store64(bytes, value);
    blob_put(&t->blob, bytes, size);
}

static void begin(struct tables *t, u8 type, u16 handle)
{
    t->start = t->blob.size;
    t->strings_used = 0;
    t->string_count = 0;
    put(t, type, 1);
    put(t, 0, 1);
    put(t, handle, 2);
}

/* Puts the number of a string; the string itself follows the formatted part. */
static void put_string(struct tables *t, const char *text)
{
    size_t length = strlen(text);

    if (!length || length >= sizeof t->strings - t->strings_used) {
        put(t, 0, 1);
        return;
    }
    memcpy(t->strings + t->strings_used, text, length + 1);
    t->strings_used += length + 1;
    put(t, ++t->string_count, 1);
}

static void end(struct tables *t)
{
    unsigned size;

    t->blob.data[t->start + 1] = (u8)(t->blob.size - t->start);
    blob_put(&t->blob, t->strings, t->strings_used);
    put(t, 0, t->string_count ? 1 : 2);
    size = (unsigned)(t->blob.size - t->start);
    t->largest = size > t->largest ? size : t->largest;
    t->count++;
}

static void bios(struct tables *t)
{
    begin(t, 0, HANDLE_BIOS);
    put_string(t, "SeaBIOS");
    put_string(t, "Ringside");
    put(t, 0xe800, 2); /* starting segment */
    put_string(t, "01/01/2024");
    put(t, 0, 1);    /* 64 KiB */
    put(t, 0x08, 8); /* characteristics are not supported */
    put(t, 0, 1);
    put(t, 0x14, 1); /* virtual machine, targeted content distribution */
    put(t, 0, 2);
    put(t, 0xffff, 2); /* no embedded controller */
    end(t);
}

/* SMBIOS 2.6: the first three fields of a UUID are little-endian. */
static void put_uuid(struct tables *t, const u8 uuid[16])
{
    static const u8 order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

    for (unsigned i = 0; i < 16; i++) {
        put(t, uuid[order[i]], 1);
    }
}

static void system_and_chassis(struct tables *t, const struct smbios_config *c)
{
    begin(t, 1, HANDLE_SYSTEM);
    put_string(t, "Ringside");
    put_string(t, "Standard PC (i440FX + PIIX)");
    put_string(t, "pc-i440fx");
    put(t, 0, 1); /* serial number */
    put_uuid(t, c->uuid);
    put(t, 6, 1); /* wake-up: power switch */
    put(t, 0, 1);
    put(t, 0, 1);
    end(t);

    begin(t, 3, HANDLE_CHASSIS);
    put_string(t, "Ringside");
    put(t, OTHER, 1);
    put_string(t, "pc-i440fx");
    put(t, 0, 2); /* serial number, asset tag */
    for (unsigned i = 0; i < 3; i++) {
        put(t, STATUS_SAFE, 1);
    }
    put(t, UNKNOWN, 1);
    put(t, 0, 4);
    put(t, 0, 1);
    put(t, 0, 1); /* power cords */
    put(t, 0, 2); /* no elements */
    put(t, 0, 1); /* SKU */
    end(t);
}

static void processor(struct tables *t, const struct smbios_config *c, unsigned index)
{
    char socket[16];

    snprintf(socket, sizeof socket, "CPU %u", index);
    begin(t, 4, (u16)(HANDLE_PROCESSOR + index));
    put_string(t, socket);
    put(t, 3, 1); /* central processor */
    put(t, OTHER, 1);
    put_string(t, "Ringside");
    put(t, c->cpu_eax, 4);
    put(t, c->cpu_edx, 4);
    put_string(t, c->processor ? c->processor : "");
    put(t, 0, 1);    /* voltage */
    put(t, 0, 2);    /* external clock */
    put(t, 2000, 2); /* MHz */
    put(t, 2000, 2);
    put(t, 0x41, 1); /* populated, enabled */
    put(t, OTHER, 1);
    for (unsigned i = 0; i < 3; i++) {
        put(t, 0xffff, 2); /* no cache information */
    }
    put(t, 0, 3); /* serial number, asset tag, part number */
    put(t, 1, 1); /* cores, enabled cores, threads */
    put(t, 1, 1);
    put(t, 1, 1);
    put(t, UNKNOWN, 2);
    put(t, OTHER, 2);
    end(t);
}

static void memory_device(struct tables *t, unsigned index, u64 size)
{
    char name[16];

    snprintf(name, sizeof name, "DIMM %u", index);
    begin(t, 17, (u16)(HANDLE_DEVICE + index));
    put(t, HANDLE_ARRAY, 2);
    put(t, NO_HANDLE, 2);
    put(t, 0xffff, 2); /* widths: unknown */
    put(t, 0xffff, 2);
    put(t, size / MIB, 2);
    put(t, 9, 1); /* DIMM */
    put(t, 0, 1);
    put_string(t, name);
    put(t, 0, 1);
    put(t, 7, 1); /* RAM */
    put(t, 2, 2); /* other */
    put(t, 0, 2); /* speed unknown */
    put_string(t, "Ringside");
    put(t, 0, 3);
    put(t, 0, 1);
    put(t, 0, 4); /* extended size */
    put(t, 0, 2);
    put(t, 0, 6); /* voltages */
    end(t);
}

static void mapped_range(struct tables *t, unsigned index, u64 start, u64 size)
{
    bool wide = (start + size) >> 42;

    begin(t, 19, (u16)(HANDLE_ARRAY_RANGE + index));
    put(t, wide ? 0xffffffff : start >> 10, 4);
    put(t, wide ? 0xffffffff : ((start + size) >> 10) - 1, 4);
    put(t, HANDLE_ARRAY, 2);
    put(t, 1, 1);
    put(t, wide ? start : 0, 8);
    put(t, wide ? start + size - 1 : 0, 8);
    end(t);
}

static void memory(struct tables *t, u64 ram_size)
{
    struct ram_layout layout = ram_layout(ram_size);
    unsigned devices = (unsigned)((ram_size + MODULE_SIZE - 1) / MODULE_SIZE);
    bool wide = ram_size >> 41; /* maximum capacity in KiB has 31 bits */

    begin(t, 16, HANDLE_ARRAY);
    put(t, OTHER, 1);
    put(t, 3, 1); /* system memory */
    put(t, 6, 1); /* multi-bit ECC */
    put(t, wide ? 0x80000000 : ram_size >> 10, 4);
    put(t, NO_HANDLE, 2);
    put(t, devices, 2);
    put(t, wide ? ram_size : 0, 8);
    end(t);
    for (unsigned i = 0; i < devices; i++) {
        u64 rest = ram_size - i * MODULE_SIZE;

        memory_device(t, i, rest < MODULE_SIZE ? rest : MODULE_SIZE);
    }
    mapped_range(t, 0, 0, layout.below_4g);
    if (layout.above_4g) {
        mapped_range(t, 1, BIT(32), layout.above_4g);
    }
}

static u8 checksum(const u8 *bytes, size_t size)
{
    u8 sum = 0;

    while (size--) {
        sum += *bytes++;
    }
    return (u8)-sum;
}

/* Firmware moves the tables, so that it fills in their address and both checksums again. */
static void add_anchor(struct fw_cfg *fw, const struct tables *t)
{
    u8 a[ANCHOR_SIZE] = "_SM_";

    a[5] = ANCHOR_SIZE;
    a[6] = 2; /* version 2.8 */
    a[7] = 8;
    store16(a + 8, (u16)t->largest);
    memcpy(a + 16, "_DMI_", 5);
    store16(a + 22, (u16)t->blob.size);
    store16(a + 28, (u16)t->count);
    a[30] = 0x28;
    a[21] = checksum(a + 16, 15);
    a[4] = checksum(a, sizeof a);
    fw_cfg_add_file(fw, "etc/smbios/smbios-anchor", a, sizeof a);
}

void smbios_add(struct fw_cfg *fw, const struct smbios_config *c)
{
    struct tables t = {0};

    bios(&t);
    system_and_chassis(&t, c);
    for (unsigned i = 0; i < c->cpus; i++) {
        processor(&t, c, i);
    }
    memory(&t, c->ram_size);
    begin(&t, 32, HANDLE_BOOT);
    put(&t, 0, 6);
    put(&t, 0, 1); /* no errors */
    end(&t);
    begin(&t, 127, HANDLE_END);
    end(&t);
    fw_cfg_add_file(fw, "etc/smbios/smbios-tables", t.blob.data, t.blob.size);
    add_anchor(fw, &t);
    blob_free(&t.blob);
}
