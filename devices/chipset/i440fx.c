/*
 * i440fx.c: see i440fx.h.
 */
#include "devices/chipset/i440fx.h"

#include <assert.h>

#include "cpu/base/mem.h"

enum {
    PAM0 = 0x59, /* ..PAM6 = 5fh: two segments each, except that the low half of PAM0 is reserved */
    SMRAM = 0x72,

    PAM_RE = 1 << 0, /* of each nibble */
    PAM_WE = 1 << 1,

    D_OPEN = 1 << 6,
    D_CLS = 1 << 5,
    D_LCK = 1 << 4,
    G_SMRAME = 1 << 3,
    C_BASE_SEG = 2, /* A0000h, the only value */

    SEGMENT_COUNT = 13,
};

struct i440fx {
    struct device dev;
    struct pci_function pci;
    u8 smram; /* register 72h as it was before the last write: the lock is judged by it */

    /* derived or host-side: not saved */
    struct region *ram;
    struct mapping low, middle, high;
    struct mapping segment[SEGMENT_COUNT];
    struct mapping smm;
};

struct ram_layout ram_layout(u64 ram_size)
{
    /* A machine that needs the hole starts it at 3 GiB, so that both parts can use 1 GiB pages. */
    u64 below = ram_size < 0xe0000000 ? ram_size : 0xc0000000;

    return (struct ram_layout){.below_4g = below, .above_4g = ram_size - below};
}

static paddr segment_base(unsigned index)
{
    return index == 0 ? 0xf0000 : 0xc0000 + (index - 1) * 0x4000u;
}

static u64 segment_size(unsigned index)
{
    return index == 0 ? 0x10000 : 0x4000;
}

/* The nibble of PAM0..PAM6 for a segment: F0000h is the high half of PAM0, then C0000h up, low half
 * first. */
static u8 segment_attributes(const struct i440fx *f, unsigned index)
{
    unsigned nibble = index + 1;

    return f->pci.config[PAM0 + nibble / 2] >> 4 * (nibble & 1) & 0xf;
}

static void map_ram(struct i440fx *f, struct mapping *mapping, u64 base, u64 size, unsigned access)
{
    if (mapping->space && mapping->access == access) {
        return;
    }
    space_unmap(mapping);
    if (access & (MAP_READ | MAP_WRITE)) {
        space_map_part(f->pci.bus->memory, mapping, f->ram, base, size, base, PRIORITY_PAM, access);
    }
}

static void map_segments(struct i440fx *f)
{
    for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
        u8 attributes = segment_attributes(f, i);
        unsigned access = MAP_NORMAL | MAP_SMM;

        access |= attributes & PAM_RE ? MAP_READ : 0;
        access |= attributes & PAM_WE ? MAP_WRITE : 0;
        map_ram(f, &f->segment[i], segment_base(i), segment_size(i), access);
    }
}

/* SMRAM is what lies in RAM at A0000h, behind the VGA window. */
static void map_smram(struct i440fx *f)
{
    u8 smram = f->pci.config[SMRAM];
    unsigned access = 0;

    if (smram & G_SMRAME) {
        access = MAP_READ | MAP_WRITE | MAP_SMM | (smram & D_OPEN ? MAP_NORMAL : 0);
    }
    map_ram(f, &f->smm, 0xa0000, 0x20000, access);
}

static void map_all(struct i440fx *f)
{
    struct space *memory = f->pci.bus->memory;

    space_begin(memory);
    map_segments(f);
    map_smram(f);
    space_end(memory);
}

/* 82441FX, SMRAM: setting D_LCK clears D_OPEN, and from then on the register is read-only until a
 * reset. */
static void write_smram(struct i440fx *f)
{
    u8 *smram = &f->pci.config[SMRAM];

    if (f->smram & D_LCK) {
        *smram = f->smram;
    } else if (*smram & D_LCK) {
        *smram &= (u8)~D_OPEN;
    }
    *smram = (*smram & (D_OPEN | D_CLS | D_LCK | G_SMRAME)) | C_BASE_SEG;
    f->smram = *smram;
}

static void config_written(struct pci_function *pci, unsigned offset, unsigned size)
{
    struct i440fx *f = container_of(pci, struct i440fx, pci);

    if (offset <= SMRAM && offset + size > SMRAM) {
        write_smram(f);
    }
    if (offset <= SMRAM && offset + size > PAM0) {
        map_all(f);
    }
}

static void i440fx_reset(struct device *dev)
{
    struct i440fx *f = container_of(dev, struct i440fx, dev);

    f->smram = C_BASE_SEG;
    pci_reset(&f->pci);
}

static void i440fx_loaded(struct device *dev)
{
    struct i440fx *f = container_of(dev, struct i440fx, dev);

    f->smram = f->pci.config[SMRAM];
    pci_loaded(&f->pci);
}

static void i440fx_destroy(struct device *dev)
{
    struct i440fx *f = container_of(dev, struct i440fx, dev);

    pci_function_fini(&f->pci);
    for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
        space_unmap(&f->segment[i]);
    }
    space_unmap(&f->smm);
    space_unmap(&f->low);
    space_unmap(&f->middle);
    space_unmap(&f->high);
    free(f);
}

static const struct field i440fx_fields[] = {
    FIELD_STRUCT(struct i440fx, pci, pci_function_fields),
    FIELD(struct i440fx, smram),
    FIELD_END,
};

static const struct device_class i440fx_class = {
    .name = "i440FX",
    .version = 1,
    .reset = i440fx_reset,
    .destroy = i440fx_destroy,
    .loaded = i440fx_loaded,
    .fields = i440fx_fields,
};

static void map_fixed_ram(struct i440fx *f)
{
    struct space *memory = f->pci.bus->memory;
    struct ram_layout layout = ram_layout(f->ram->size);

    space_map_part(memory, &f->low, f->ram, 0, 0xa0000, 0, PRIORITY_RAM, MAP_ALL);
    if (layout.below_4g > 0x100000) {
        space_map_part(memory, &f->middle, f->ram, 0x100000, layout.below_4g - 0x100000, 0x100000,
                       PRIORITY_RAM, MAP_ALL);
    }
    if (layout.above_4g) {
        space_map_part(memory, &f->high, f->ram, layout.below_4g, layout.above_4g, BIT(32),
                       PRIORITY_RAM, MAP_ALL);
    }
}

struct i440fx *i440fx_create(struct pci_bus *bus, struct region *ram)
{
    /* The subsystem is the one by which SeaBIOS knows that fw_cfg is there. */
    static const struct pci_id id = {.vendor = 0x8086,
                                     .device = 0x1237,
                                     .class_code = 0x060000,
                                     .revision = 2,
                                     .subsystem_vendor = 0x1af4,
                                     .subsystem = 0x1100};
    struct i440fx *f = mem_zeroed(1, sizeof *f);

    assert(ram->size >= 0x100000);
    f->dev.class = &i440fx_class;
    f->ram = ram;
    pci_function_init(&f->pci, bus, PCI_DEVFN(0, 0), "i440FX", &id);
    pci_define8(&f->pci, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, PCI_COMMAND_PARITY);
    pci_define16(&f->pci, PCI_STATUS, 0x0280, 0);
    for (unsigned i = 0x40; i < 0x100; i++) {
        pci_define8(&f->pci, i, 0, 0xff);
    }
    pci_define8(&f->pci, PAM0, 0, 0xf0);
    for (unsigned i = 1; i < 7; i++) {
        pci_define8(&f->pci, PAM0 + i, 0, 0xff);
    }
    pci_define8(&f->pci, SMRAM, C_BASE_SEG, 0xff);
    f->pci.config_written = config_written;
    map_fixed_ram(f);
    device_reset(&f->dev);
    return f;
}

struct device *i440fx_device(struct i440fx *f)
{
    return &f->dev;
}
