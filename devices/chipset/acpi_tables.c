/*
 * acpi_tables.c: see acpi_tables.h.
 */
#include "devices/chipset/acpi_tables.h"

#include <assert.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "roms/acpi/dsdt.h"

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"
#define LOADER_FILE "etc/table-loader"

enum {
    HEADER_SIZE = 36,
    HEADER_LENGTH = 4,
    HEADER_CHECKSUM = 9,

    FADT_SIZE = 116, /* revision 1 */
    FACS_SIZE = 64,
    RSDP_SIZE = 20,

    /* Offsets in the FADT. */
    FADT_FIRMWARE_CTRL = 36,
    FADT_DSDT = 40,
    FADT_PM1A_EVT = 56,
    FADT_PM1A_CNT = 64,
    FADT_PM_TMR = 76,

    SCI_INTERRUPT = 9,
    CMOS_CENTURY = 0x32,

    LOADER_ENTRY = 128,
    LOADER_NAME = 56,
    LOADER_ALLOCATE = 1,
    LOADER_POINTER = 2,
    LOADER_CHECKSUM = 3,
    ZONE_HIGH = 1,
    ZONE_FSEG = 2,

    /* Bits of PRES in dsdt.asl. */
    PRESENT_COM1 = 1 << 0,
    PRESENT_LPT1 = 1 << 4,
    PRESENT_FLOPPY = 1 << 5,
    PRESENT_HPET = 1 << 6,
    PRESENT_PS2 = 1 << 7,
};

#define LAPIC_BASE  0xfee00000u
#define IOAPIC_BASE 0xfec00000u
#define HPET_BASE   0xfed00000u

struct acpi_tables {
    struct fw_cfg *fw;
    struct piix4_pm *pm;
    u32 fadt; /* offset in the tables file */
};

u32 pci_hole_start(u64 ram_below_4g)
{
    if (ram_below_4g <= 0x80000000) {
        return 0x80000000;
    }
    return ram_below_4g <= 0xc0000000 ? 0xc0000000 : 0xe0000000;
}

/* ---- bytes ---- */

static u32 put(struct blob *b, u64 value, unsigned size)
{
    u8 bytes[8];

    store64(bytes, value);
    blob_put(b, bytes, size);
    return (u32)b->size - size;
}

static void put_zeroes(struct blob *b, size_t count)
{
    while (count--) {
        put(b, 0, 1);
    }
}

/* Starts a table; its length is filled in by end_table(). */
static u32 begin_table(struct blob *b, const char *signature, u8 revision)
{
    u32 start = (u32)b->size;

    blob_put(b, signature, 4);
    put(b, 0, 4);
    put(b, revision, 1);
    put(b, 0, 1); /* checksum: the loader's */
    blob_put(b, "RINGSD", 6);
    blob_put(b, "RINGSIDE", 8);
    put(b, 1, 4);
    blob_put(b, "RING", 4);
    put(b, 1, 4);
    return start;
}

static void end_table(struct blob *b, u32 start)
{
    store32(b->data + start + HEADER_LENGTH, (u32)b->size - start);
}

/* ---- the loader's script ---- */

static void loader_entry(struct blob *loader, const u8 entry[LOADER_ENTRY])
{
    blob_put(loader, entry, LOADER_ENTRY);
}

static void set_name(u8 *at, const char *name)
{
    memcpy(at, name, strlen(name));
}

static void loader_allocate(struct blob *loader, const char *file, u32 align, u8 zone)
{
    u8 e[LOADER_ENTRY] = {LOADER_ALLOCATE};

    set_name(e + 4, file);
    store32(e + 4 + LOADER_NAME, align);
    e[8 + LOADER_NAME] = zone;
    loader_entry(loader, e);
}

/* Adds the address of the tables file to the 4 bytes at `offset` of `file`. */
static void loader_pointer(struct blob *loader, const char *file, u32 offset)
{
    u8 e[LOADER_ENTRY] = {LOADER_POINTER};

    set_name(e + 4, file);
    set_name(e + 4 + LOADER_NAME, TABLES_FILE);
    store32(e + 4 + 2 * LOADER_NAME, offset);
    e[8 + 2 * LOADER_NAME] = 4;
    loader_entry(loader, e);
}

static void loader_checksum(struct blob *loader, const char *file, u32 at, u32 start, u32 length)
{
    u8 e[LOADER_ENTRY] = {LOADER_CHECKSUM};

    set_name(e + 4, file);
    store32(e + 4 + LOADER_NAME, at);
    store32(e + 8 + LOADER_NAME, start);
    store32(e + 12 + LOADER_NAME, length);
    loader_entry(loader, e);
}

static void checksum_table(struct blob *loader, const struct blob *tables, u32 start)
{
    loader_checksum(loader, TABLES_FILE, start + HEADER_CHECKSUM, start,
                    load32(tables->data + start + HEADER_LENGTH));
}

/* ---- tables ---- */

static void patch_dsdt(u8 *dsdt, size_t size, const char *name, u32 value)
{
    /* Name (NAME, dword) is 08 'N' 'A' 'M' 'E' 0C and the value. */
    for (size_t i = 0; i + 10 <= size; i++) {
        if (dsdt[i] == 0x08 && !memcmp(dsdt + i + 1, name, 4) && dsdt[i + 5] == 0x0c) {
            store32(dsdt + i + 6, value);
            return;
        }
    }
    assert(!"dsdt.asl has lost a name that is patched");
}

static u32 presence(const struct acpi_config *c)
{
    u32 present = 0;

    for (unsigned i = 0; i < 4; i++) {
        present |= c->com[i] ? PRESENT_COM1 << i : 0;
    }
    present |= c->parallel ? PRESENT_LPT1 : 0;
    present |= c->floppy ? PRESENT_FLOPPY : 0;
    present |= c->hpet ? PRESENT_HPET : 0;
    present |= c->ps2 ? PRESENT_PS2 : 0;
    return present;
}

static u32 build_dsdt(struct blob *b, const struct acpi_config *c)
{
    u32 start = (u32)b->size;

    blob_put(b, dsdt_aml, sizeof dsdt_aml);
    patch_dsdt(b->data + start, sizeof dsdt_aml, "PCIL", pci_hole_start(c->ram_below_4g));
    patch_dsdt(b->data + start, sizeof dsdt_aml, "PRES", presence(c));
    b->data[start + HEADER_CHECKSUM] = 0;
    return start;
}

static void build_facs(struct blob *b)
{
    blob_put(b, "FACS", 4);
    put(b, FACS_SIZE, 4);
    put_zeroes(b, FACS_SIZE - 8);
}

static void set_pm_ports(u8 *fadt, u16 base)
{
    store32(fadt + FADT_PM1A_EVT, base);
    store32(fadt + FADT_PM1A_CNT, base + 4u);
    store32(fadt + FADT_PM_TMR, base + 8u);
}

static u32 build_fadt(struct blob *b, u32 facs, u32 dsdt)
{
    enum {
        WBINVD = 1 << 0,
        PROC_C1 = 1 << 2,
        SLP_BUTTON = 1 << 5 /* a control method's, so: none */
    };
    u32 start = begin_table(b, "FACP", 1);

    put(b, facs, 4);
    put(b, dsdt, 4);
    put(b, 1, 1); /* INT_MODEL: PC-AT with APIC */
    put(b, 0, 1);
    put(b, SCI_INTERRUPT, 2);
    put(b, PIIX4_APM_PORT, 4); /* SMI_CMD */
    put(b, PIIX4_ACPI_ENABLE, 1);
    put(b, PIIX4_ACPI_DISABLE, 1);
    put_zeroes(b, 2);
    put_zeroes(b, 6 * 4); /* PM1a and PM1b event and control, PM2, timer: set_pm_ports() */
    put(b, PIIX4_GPE0_PORT, 4);
    put(b, 0, 4); /* GPE1 */
    put(b, 4, 1); /* PM1_EVT_LEN */
    put(b, 2, 1); /* PM1_CNT_LEN */
    put(b, 0, 1); /* PM2_CNT_LEN */
    put(b, 4, 1); /* PM_TMR_LEN */
    put(b, PIIX4_GPE0_SIZE, 1);
    put_zeroes(b, 3);
    put(b, 0xfff, 2); /* P_LVL2_LAT and P_LVL3_LAT: no C2, no C3 */
    put(b, 0xfff, 2);
    put_zeroes(b, 8);
    put(b, CMOS_CENTURY, 1);
    put_zeroes(b, 3);
    put(b, WBINVD | PROC_C1 | SLP_BUTTON, 4);
    assert(b->size - start == FADT_SIZE);
    end_table(b, start);
    return start;
}

static void put_override(struct blob *b, u8 irq, u32 gsi, u16 flags)
{
    put(b, 2, 1);
    put(b, 10, 1);
    put(b, 0, 1); /* ISA */
    put(b, irq, 1);
    put(b, gsi, 4);
    put(b, flags, 2);
}

static u32 build_madt(struct blob *b, const struct acpi_config *c)
{
    enum { PCAT_COMPAT = 1, ENABLED = 1, HIGH_LEVEL = 0xd };
    static const u8 level[] = {5, 9, 10, 11}; /* PIRQs and SCI */
    u32 start = begin_table(b, "APIC", 1);

    put(b, LAPIC_BASE, 4);
    put(b, PCAT_COMPAT, 4);
    for (unsigned i = 0; i < c->cpus; i++) {
        put(b, 0, 1);
        put(b, 8, 1);
        put(b, i, 1); /* ACPI processor */
        put(b, i, 1); /* local APIC */
        put(b, ENABLED, 4);
    }
    put(b, 1, 1); /* I/O APIC */
    put(b, 12, 1);
    put(b, 0, 2); /* its identifier */
    put(b, IOAPIC_BASE, 4);
    put(b, 0, 4);
    put_override(b, 0, 2, 0);
    for (unsigned i = 0; i < ARRAY_LEN(level); i++) {
        put_override(b, level[i], level[i], HIGH_LEVEL);
    }
    put(b, 4, 1); /* NMI on LINT1 of every processor */
    put(b, 6, 1);
    put(b, 0xff, 1);
    put(b, 0, 2);
    put(b, 1, 1);
    end_table(b, start);
    return start;
}

static u32 build_hpet(struct blob *b)
{
    u32 start = begin_table(b, "HPET", 1);

    put(b, 0x8086a201, 4); /* event timer block: General Capabilities 31..0 */
    put(b, 0, 4);          /* generic address: memory */
    put(b, HPET_BASE, 8);
    put(b, 0, 1); /* HPET number */
    put(b, 0, 2); /* minimum tick */
    put(b, 0, 1);
    end_table(b, start);
    return start;
}

static u32 build_waet(struct blob *b)
{
    u32 start = begin_table(b, "WAET", 1);

    put(b, 1 << 1, 4); /* one read of the PM timer is enough */
    end_table(b, start);
    return start;
}

static u32 build_rsdt(struct blob *b, struct blob *loader, const u32 *table, unsigned count)
{
    u32 start = begin_table(b, "RSDT", 1);

    for (unsigned i = 0; i < count; i++) {
        loader_pointer(loader, TABLES_FILE, put(b, table[i], 4));
    }
    end_table(b, start);
    return start;
}

static void build_rsdp(struct fw_cfg *fw, struct blob *loader, u32 rsdt)
{
    u8 rsdp[RSDP_SIZE] = "RSD PTR ";

    memcpy(rsdp + 9, "RINGSD", 6);
    store32(rsdp + 16, rsdt);
    fw_cfg_add_file(fw, RSDP_FILE, rsdp, sizeof rsdp);
    loader_pointer(loader, RSDP_FILE, 16);
    loader_checksum(loader, RSDP_FILE, 8, 0, sizeof rsdp);
}

/* Firmware selects the tables: by now it has put the PM registers where it wants them. */
static void follow_pm_base(void *opaque)
{
    struct acpi_tables *t = opaque;

    set_pm_ports(fw_cfg_file(t->fw, TABLES_FILE, NULL) + t->fadt, piix4_pm_base(t->pm));
}

static void build(struct acpi_tables *t, const struct acpi_config *c, struct blob *b,
                  struct blob *loader)
{
    u32 table[4], count = 0, dsdt, rsdt;

    loader_allocate(loader, RSDP_FILE, 16, ZONE_FSEG);
    loader_allocate(loader, TABLES_FILE, FACS_SIZE, ZONE_HIGH);
    build_facs(b); /* at offset 0, which is aligned to 64 bytes as it must be */
    dsdt = build_dsdt(b, c);
    checksum_table(loader, b, dsdt);
    t->fadt = table[count++] = build_fadt(b, 0, dsdt);
    loader_pointer(loader, TABLES_FILE, t->fadt + FADT_FIRMWARE_CTRL);
    loader_pointer(loader, TABLES_FILE, t->fadt + FADT_DSDT);
    table[count++] = build_madt(b, c);
    if (c->hpet) {
        table[count++] = build_hpet(b);
    }
    table[count++] = build_waet(b);
    for (unsigned i = 0; i < count; i++) {
        checksum_table(loader, b, table[i]);
    }
    rsdt = build_rsdt(b, loader, table, count);
    checksum_table(loader, b, rsdt);
    build_rsdp(t->fw, loader, rsdt);
}

struct acpi_tables *acpi_tables_create(struct fw_cfg *fw, const struct acpi_config *config)
{
    struct acpi_tables *t = mem_zeroed(1, sizeof *t);
    struct blob tables = {0}, loader = {0};

    t->fw = fw;
    t->pm = config->pm;
    build(t, config, &tables, &loader);
    fw_cfg_add_file(fw, TABLES_FILE, tables.data, tables.size);
    fw_cfg_add_file(fw, LOADER_FILE, loader.data, loader.size);
    fw_cfg_on_select(fw, TABLES_FILE, follow_pm_base, t);
    blob_free(&tables);
    blob_free(&loader);
    return t;
}

void acpi_tables_destroy(struct acpi_tables *t)
{
    free(t);
}
