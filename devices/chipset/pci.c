/*
 * pci.c: see pci.h. PCI Local Bus Specification 3.0, chapters 2.2.6 (interrupts), 3.2.2.3.2
 * (configuration mechanism #1) and 6 (configuration space).
 */
#include "devices/chipset/pci.h"

#include <assert.h>
#include <stdlib.h>

#include "cpu/base/mem.h"

enum {
    CONFIG_ADDRESS_ENABLE = 1u << 31,
    CONFIG_ADDRESS_MASK = 0x80fffffc,

    BAR_IO_SPACE = 1 << 0,
    BAR_MEM64 = 2 << 1,
    BAR_PREFETCH = 1 << 3,
    ROM_ENABLE = 1 << 0,

    ROM_MIN_SIZE = 2048,
    ROM_MAX_SIZE = 16 << 20,
};

/* Addresses that a 64-bit base address register may decode. */
#define PCI_MEMORY_BITS 40

const struct field pci_function_fields[] = {
    FIELD_BYTES(struct pci_function, config),
    FIELD(struct pci_function, intx_level),
    FIELD_END,
};

/* ---- base addresses ---- */

static unsigned bar_offset(unsigned index)
{
    return index == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BAR0 + 4 * index;
}

static bool bar_is_mem64(enum pci_bar_kind kind)
{
    return kind == PCI_BAR_MEM64 || kind == PCI_BAR_MEM64_PREFETCH;
}

u64 pci_bar_address(const struct pci_function *pci, unsigned index)
{
    const struct pci_bar *bar = &pci->bar[index];
    unsigned offset = bar_offset(index);
    u16 command = load16(pci->config + PCI_COMMAND);
    u64 base, limit;

    if (bar->kind == PCI_BAR_NONE) {
        return PCI_UNMAPPED;
    }
    if (bar->kind == PCI_BAR_IO) {
        base = load32(pci->config + offset) & ~3u;
        limit = 0x10000;
    } else if (bar_is_mem64(bar->kind)) {
        base = load64(pci->config + offset) & ~(u64)15;
        limit = BIT(PCI_MEMORY_BITS);
    } else {
        base = load32(pci->config + offset) & ~15u;
        limit = BIT(32) - 1; /* all ones is a size probe, not an address below the firmware */
    }
    if (index == PCI_ROM_BAR) {
        if (!(load32(pci->config + offset) & ROM_ENABLE)) {
            return PCI_UNMAPPED;
        }
        base &= ~(u64)(ROM_MIN_SIZE - 1);
    }
    if (!(command & (bar->kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY))) {
        return PCI_UNMAPPED;
    }
    /* Address 0 means "not assigned": RAM and the vectors of the ISA ports live there. */
    if (base == 0 || base >= limit || bar->region->size > limit - base) {
        return PCI_UNMAPPED;
    }
    return base;
}

static void map_bar(struct pci_function *pci, unsigned index)
{
    struct pci_bar *bar = &pci->bar[index];
    u64 base = pci_bar_address(pci, index);
    struct space *space = bar->kind == PCI_BAR_IO ? pci->bus->ports : pci->bus->memory;

    if (base == (bar->mapping.space ? bar->mapping.base : PCI_UNMAPPED)) {
        return;
    }
    if (bar->mapping.space) {
        space_unmap(&bar->mapping);
    }
    if (base != PCI_UNMAPPED) {
        space_map(space, &bar->mapping, bar->region, base, PRIORITY_PCI_BAR);
    }
}

static void map_bars(struct pci_function *pci)
{
    space_begin(pci->bus->ports);
    space_begin(pci->bus->memory);
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        map_bar(pci, i);
    }
    space_end(pci->bus->memory);
    space_end(pci->bus->ports);
}

void pci_set_bar(struct pci_function *pci, unsigned index, enum pci_bar_kind kind,
                 struct region *region)
{
    u32 low = 0;
    u64 size = region->size, mask = ~(size - 1);

    assert(index <= PCI_ROM_BAR && is_power_of_two(size));
    assert(kind == PCI_BAR_IO ? size >= 4 && size <= 256 : size >= 16);
    pci->bar[index].kind = kind;
    pci->bar[index].region = region;
    if (kind == PCI_BAR_IO) {
        low = BAR_IO_SPACE;
    } else if (bar_is_mem64(kind)) {
        assert(index + 1 < PCI_BAR_COUNT);
        low = BAR_MEM64;
        pci_define32(pci, bar_offset(index + 1), 0, (u32)(mask >> 32));
    }
    if (kind == PCI_BAR_MEM32_PREFETCH || kind == PCI_BAR_MEM64_PREFETCH) {
        low |= BAR_PREFETCH;
    }
    pci_define32(pci, bar_offset(index), low,
                 index == PCI_ROM_BAR ? (u32)mask | ROM_ENABLE : (u32)mask);
    if (kind == PCI_BAR_IO) {
        pci->writable[PCI_COMMAND] |= PCI_COMMAND_IO;
    } else {
        pci->writable[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
    }
}

bool pci_set_rom(struct pci_function *pci, const void *bytes, size_t size)
{
    u64 rom_size = ROM_MIN_SIZE;

    if (size > ROM_MAX_SIZE) {
        return false;
    }
    while (rom_size < size || rom_size < PAGE_SIZE) {
        rom_size <<= 1;
    }
    if (!region_init_rom(&pci->rom, "pci.rom", rom_size)) {
        return false;
    }
    memcpy(pci->rom.host, bytes, size);
    pci_set_bar(pci, PCI_ROM_BAR, PCI_BAR_MEM32, &pci->rom);
    return true;
}

/* ---- interrupts ---- */

/* INTx of the devices on this board, as the i440FX boards wire it: the device number rotates the
 * four lines. */
static unsigned pirq_of(const struct pci_function *pci)
{
    unsigned pin = pci->config[PCI_INTERRUPT_PIN] - 1u;

    return (pin + (pci->devfn >> 3) - 1u) & 3;
}

static void drive_intx(struct pci_function *pci)
{
    u16 command = load16(pci->config + PCI_COMMAND);
    bool level = pci->intx_level && !(command & PCI_COMMAND_INTX_DISABLE);
    struct pci_bus *bus = pci->bus;
    unsigned line = pirq_of(pci);

    if (pci->intx_level) {
        pci->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    } else {
        pci->config[PCI_STATUS] &= (u8)~PCI_STATUS_INTERRUPT;
    }
    if (level == pci->intx_driven || !pci->initial[PCI_INTERRUPT_PIN]) {
        return;
    }
    pci->intx_driven = level;
    if (level) {
        bus->pirq_count[line]++;
    } else {
        bus->pirq_count[line]--;
    }
    irq_set(bus->pirq[line], bus->pirq_count[line] != 0);
}

void pci_set_intx(struct pci_function *pci, bool level)
{
    if (pci->intx_level != level) {
        pci->intx_level = level;
        drive_intx(pci);
    }
}

static void intx_wire(void *opaque, int line, bool level)
{
    (void)line;
    pci_set_intx(opaque, level);
}

/* ---- configuration space ---- */

static void config_changed(struct pci_function *pci, unsigned offset, unsigned size)
{
    pci->master = pci->config[PCI_COMMAND] & PCI_COMMAND_MASTER;
    if (offset < PCI_INTERRUPT_LINE) {
        map_bars(pci);
        drive_intx(pci);
    }
    if (pci->config_written) {
        pci->config_written(pci, offset, size);
    }
}

u32 pci_config_read(struct pci_bus *bus, u8 devfn, unsigned offset, unsigned size)
{
    struct pci_function *pci = bus->function[devfn];

    if (!pci || size > 4 || offset + size > sizeof pci->config) {
        return (u32)bits(~0ull, size >= 4 ? 31 : 8 * size - 1, 0);
    }
    return (u32)load_le(pci->config + offset, size);
}

void pci_config_write(struct pci_bus *bus, u8 devfn, unsigned offset, u32 value, unsigned size)
{
    struct pci_function *pci = bus->function[devfn];

    if (!pci || size > 4 || offset + size > sizeof pci->config) {
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        unsigned at = offset + i;
        u8 byte = (u8)(value >> 8 * i);

        pci->config[at] = (u8)merge_bits(pci->config[at], pci->writable[at], byte);
        pci->config[at] &= (u8) ~(byte & pci->clear_on_write[at]);
    }
    config_changed(pci, offset, size);
}

void pci_define8(struct pci_function *pci, unsigned offset, u8 value, u8 writable)
{
    assert(offset < sizeof pci->config);
    pci->config[offset] = pci->initial[offset] = value;
    pci->writable[offset] = writable;
}

void pci_define16(struct pci_function *pci, unsigned offset, u16 value, u16 writable)
{
    pci_define8(pci, offset, (u8)value, (u8)writable);
    pci_define8(pci, offset + 1, (u8)(value >> 8), (u8)(writable >> 8));
}

void pci_define32(struct pci_function *pci, unsigned offset, u32 value, u32 writable)
{
    pci_define16(pci, offset, (u16)value, (u16)writable);
    pci_define16(pci, offset + 2, (u16)(value >> 16), (u16)(writable >> 16));
}

void pci_add_capability(struct pci_function *pci, u8 id, unsigned offset, unsigned size)
{
    assert(offset >= 0x40 && offset % 4 == 0 && size >= 2 && offset + size <= sizeof pci->config);
    pci_define8(pci, offset, id, 0);
    pci_define8(pci, offset + 1, pci->config[PCI_CAPABILITY_LIST], 0);
    pci_define8(pci, PCI_CAPABILITY_LIST, (u8)offset, 0);
    pci_define8(pci, PCI_STATUS, pci->config[PCI_STATUS] | PCI_STATUS_CAP_LIST, 0);
}

void pci_function_init(struct pci_function *pci, struct pci_bus *bus, u8 devfn, const char *name,
                       const struct pci_id *id)
{
    assert(!bus->function[devfn]);
    pci->bus = bus;
    pci->devfn = devfn;
    pci->name = name;
    pci->intx = (struct irq){.set = intx_wire, .opaque = pci};
    bus->function[devfn] = pci;
    pci_define16(pci, PCI_VENDOR_ID, id->vendor, 0);
    pci_define16(pci, PCI_DEVICE_ID, id->device, 0);
    pci_define16(pci, PCI_COMMAND, 0,
                 PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
                     PCI_COMMAND_INTX_DISABLE);
    pci_define32(pci, PCI_REVISION_ID, id->class_code << 8 | id->revision, 0);
    pci_define8(pci, PCI_CACHE_LINE_SIZE, 0, 0xff);
    pci_define8(pci, PCI_LATENCY_TIMER, 0, 0xff);
    pci_define8(pci, PCI_HEADER_TYPE, id->multifunction ? 0x80 : 0, 0);
    pci_define16(pci, PCI_SUBSYSTEM_VENDOR_ID, id->subsystem_vendor, 0);
    pci_define16(pci, PCI_SUBSYSTEM_ID, id->subsystem, 0);
    pci_define8(pci, PCI_INTERRUPT_LINE, 0, 0xff);
    pci_define8(pci, PCI_INTERRUPT_PIN, id->interrupt_pin, 0);
    /* Error bits that the guest may clear; nothing here ever sets them. */
    pci->clear_on_write[PCI_STATUS + 1] = 0xf9;
}

void pci_function_fini(struct pci_function *pci)
{
    pci_set_intx(pci, false);
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        if (pci->bar[i].mapping.space) {
            space_unmap(&pci->bar[i].mapping);
        }
    }
    if (pci->rom.host) {
        region_destroy(&pci->rom);
    }
    pci->bus->function[pci->devfn] = NULL;
}

void pci_reset(struct pci_function *pci)
{
    pci->intx_level = false;
    memcpy(pci->config, pci->initial, sizeof pci->config);
    config_changed(pci, 0, sizeof pci->config);
}

void pci_loaded(struct pci_function *pci)
{
    config_changed(pci, 0, sizeof pci->config);
}

/* ---- the bus ---- */

/* Ports CF8h..CFFh: a dword at CF8h is CONFIG_ADDRESS, a byte at CF9h the reset register, CFCh.. is
 * CONFIG_DATA. */
static u64 config_ports_read(void *opaque, u64 offset, unsigned size)
{
    struct pci_bus *bus = opaque;
    u32 address = bus->config_address;

    if (offset >= 4 && (address & CONFIG_ADDRESS_ENABLE) && bits(address, 23, 16) == 0) {
        return pci_config_read(bus, (u8)(address >> 8), (address & 0xfc) + (offset & 3), size);
    }
    if (offset == 0 && size == 4) {
        return address;
    }
    if (offset == 1 && size == 1 && bus->cf9) {
        return bus->cf9->read(bus->cf9_opaque, 0, 1);
    }
    return bits(~0ull, 8 * size - 1, 0);
}

static void config_ports_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct pci_bus *bus = opaque;
    u32 address = bus->config_address;

    if (offset >= 4) {
        if ((address & CONFIG_ADDRESS_ENABLE) && bits(address, 23, 16) == 0) {
            pci_config_write(bus, (u8)(address >> 8), (address & 0xfc) + (offset & 3), (u32)value,
                             size);
        }
    } else if (offset == 0 && size == 4) {
        bus->config_address = (u32)value & CONFIG_ADDRESS_MASK;
    } else if (offset == 1 && size == 1 && bus->cf9) {
        bus->cf9->write(bus->cf9_opaque, 0, value, 1);
    }
}

static const struct region_ops config_ports_ops = {
    .read = config_ports_read, .write = config_ports_write, .min_size = 1, .max_size = 4};

static void pci_bus_reset(struct device *dev)
{
    struct pci_bus *bus = container_of(dev, struct pci_bus, dev);

    bus->config_address = 0;
}

static void pci_bus_destroy(struct device *dev)
{
    struct pci_bus *bus = container_of(dev, struct pci_bus, dev);

    space_unmap(&bus->config_mapping);
    region_destroy(&bus->config_ports);
    free(bus);
}

static void pci_bus_loaded(struct device *dev)
{
    struct pci_bus *bus = container_of(dev, struct pci_bus, dev);

    bus->config_address &= CONFIG_ADDRESS_MASK;
}

static const struct field pci_bus_fields[] = {
    FIELD(struct pci_bus, config_address),
    FIELD_END,
};

static const struct device_class pci_bus_class = {
    .name = "pci-bus",
    .version = 1,
    .reset = pci_bus_reset,
    .destroy = pci_bus_destroy,
    .loaded = pci_bus_loaded,
    .fields = pci_bus_fields,
};

struct pci_bus *pci_bus_create(struct space *memory, struct space *ports)
{
    struct pci_bus *bus = mem_zeroed(1, sizeof *bus);

    bus->dev.class = &pci_bus_class;
    bus->memory = memory;
    bus->ports = ports;
    region_init_io(&bus->config_ports, "pci-config", 8, &config_ports_ops, bus);
    space_map(ports, &bus->config_mapping, &bus->config_ports, 0xcf8, PRIORITY_PCI);
    return bus;
}

void pci_bus_connect(struct pci_bus *bus, struct irq *const pirq[4])
{
    for (unsigned i = 0; i < 4; i++) {
        bus->pirq[i] = pirq[i];
        irq_set(pirq[i], bus->pirq_count[i] != 0);
    }
}

void pci_bus_set_cf9(struct pci_bus *bus, const struct region_ops *ops, void *opaque)
{
    bus->cf9 = ops;
    bus->cf9_opaque = opaque;
}

static void print_function(const struct pci_function *pci, FILE *out)
{
    static const char *const kinds[] = {"",
                                        "I/O",
                                        "32 bit memory",
                                        "32 bit prefetchable memory",
                                        "64 bit memory",
                                        "64 bit prefetchable memory"};

    fprintf(out, "  Bus  0, device %3u, function %u: %s %04x:%04x, class %06x\n", pci->devfn >> 3,
            pci->devfn & 7, pci->name, load16(pci->config), load16(pci->config + PCI_DEVICE_ID),
            load32(pci->config + PCI_REVISION_ID) >> 8);
    if (pci->config[PCI_INTERRUPT_PIN]) {
        fprintf(out, "      IRQ %u, pin %c\n", pci->config[PCI_INTERRUPT_LINE],
                'A' + pci->config[PCI_INTERRUPT_PIN] - 1);
    }
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        const struct pci_bar *bar = &pci->bar[i];
        u64 base = pci_bar_address(pci, i);

        if (bar->kind == PCI_BAR_NONE) {
            continue;
        }
        fprintf(out, "      BAR%u: %s%s ", i, kinds[bar->kind], i == PCI_ROM_BAR ? " (ROM)" : "");
        if (base == PCI_UNMAPPED) {
            fprintf(out, "not mapped (0x%llx bytes)\n", (unsigned long long)bar->region->size);
        } else {
            fprintf(out, "at 0x%llx [0x%llx]\n", (unsigned long long)base,
                    (unsigned long long)(base + bar->region->size - 1));
        }
    }
}

void pci_bus_print(struct pci_bus *bus, FILE *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(bus->function); i++) {
        if (bus->function[i]) {
            print_function(bus->function[i], out);
        }
    }
}
