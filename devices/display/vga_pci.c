/*
 * vga_pci.c: see vga_pci.h.
 */
#include "devices/display/vga_pci.h"

#include "cpu/base/mem.h"
#include "devices/display/vga_state.h"

struct vga_pci {
    struct device dev;
    struct pci_function pci;
    struct vga vga;
};

static void vga_pci_reset(struct device *dev)
{
    struct vga_pci *card = container_of(dev, struct vga_pci, dev);
    pci_reset(&card->pci);
    vga_reset(&card->vga);
}

static void vga_pci_destroy(struct device *dev)
{
    struct vga_pci *card = container_of(dev, struct vga_pci, dev);
    pci_function_fini(&card->pci);
    vga_fini(&card->vga);
    free(card);
}

static void vga_pci_loaded(struct device *dev)
{
    struct vga_pci *card = container_of(dev, struct vga_pci, dev);
    pci_loaded(&card->pci);
    vga_loaded(&card->vga);
}

static const struct field vga_pci_fields[] = {
    FIELD_STRUCT(struct vga_pci, pci, pci_function_fields),
    FIELD_STRUCT(struct vga_pci, vga, vga_fields),
    FIELD_END,
};

static const struct device_class vga_pci_class = {
    .name = "VGA",
    .version = 1,
    .reset = vga_pci_reset,
    .destroy = vga_pci_destroy,
    .loaded = vga_pci_loaded,
    .fields = vga_pci_fields,
};

struct device *vga_pci_create(struct pci_bus *bus, u8 devfn, struct clock *clock, const void *rom,
                              size_t rom_size, struct error *err)
{
    static const struct pci_id id = {.vendor = 0x1234,
                                     .device = 0x1111,
                                     .class_code = 0x030000,
                                     .revision = 2,
                                     .subsystem_vendor = 0x1af4,
                                     .subsystem = 0x1100};
    struct vga_pci *card = mem_zeroed(1, sizeof *card);
    card->dev.class = &vga_pci_class;
    if (!vga_init(&card->vga, bus->memory, bus->ports, clock, PRIORITY_PCI)) {
        error_set(err, "the host has no memory for the display adapter");
        free(card);
        return NULL;
    }
    pci_function_init(&card->pci, bus, devfn, "VGA", &id);
    card->pci.writable[PCI_COMMAND] |= PCI_COMMAND_IO; /* for its ISA ports; firmware looks for it */
    pci_set_bar(&card->pci, 0, PCI_BAR_MEM32_PREFETCH, &card->vga.vram);
    pci_set_bar(&card->pci, 2, PCI_BAR_MEM32, &card->vga.mmio);
    if (rom && !pci_set_rom(&card->pci, rom, rom_size)) {
        error_set(err, "the VGA BIOS of %zu bytes is too large", rom_size);
        vga_pci_destroy(&card->dev);
        return NULL;
    }
    pci_reset(&card->pci);
    return &card->dev;
}

struct vga *vga_pci_vga(struct device *dev)
{
    return &container_of(dev, struct vga_pci, dev)->vga;
}
