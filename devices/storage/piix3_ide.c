/*
 * piix3_ide.c: configuration space of function 1 of an 82371SB (PIIX3).
 *
 * Document: 82371SB data sheet (290550), 2.3. Not modelled: the timing registers only store, and
 * the channels' legacy ports are always decoded, whatever IDETIM and the I/O enable bit say.
 */
#include "devices/storage/piix3_ide.h"

#include "cpu/base/mem.h"
#include "devices/storage/ide.h"

enum { IDETIM = 0x40, SIDETIM = 0x44, BMIBA = 4 /* base address register */ };

struct piix3_ide {
    struct device dev;
    struct pci_function pci;

    /* derived or host-side: not saved */
    struct device *ide;
};

static void piix3_ide_reset(struct device *dev)
{
    pci_reset(&container_of(dev, struct piix3_ide, dev)->pci);
}

static void piix3_ide_loaded(struct device *dev)
{
    pci_loaded(&container_of(dev, struct piix3_ide, dev)->pci);
}

static void piix3_ide_destroy(struct device *dev)
{
    struct piix3_ide *function = container_of(dev, struct piix3_ide, dev);
    ide_set_bus_master(function->ide, NULL);
    pci_function_fini(&function->pci);
    free(function);
}

static const struct field piix3_ide_fields[] = {
    FIELD_STRUCT(struct piix3_ide, pci, pci_function_fields), FIELD_END};

static const struct device_class piix3_ide_class = {.name = "piix3-ide",
                                                    .version = 1,
                                                    .reset = piix3_ide_reset,
                                                    .destroy = piix3_ide_destroy,
                                                    .loaded = piix3_ide_loaded,
                                                    .fields = piix3_ide_fields};

struct device *piix3_ide_create(struct pci_bus *bus, u8 devfn, struct device *ide)
{
    static const struct pci_id id = {.vendor = 0x8086,
                                     .device = 0x7010,
                                     .class_code = 0x010180, /* bus master, both channels legacy */
                                     .subsystem_vendor = 0x1af4,
                                     .subsystem = 0x1100};
    struct piix3_ide *function = mem_zeroed(1, sizeof *function);

    function->dev.class = &piix3_ide_class;
    function->ide = ide;
    pci_function_init(&function->pci, bus, devfn, "piix3-ide", &id);
    pci_define16(&function->pci, PCI_STATUS, 0x0280, 0); /* fast back-to-back, medium DEVSEL# */
    pci_define16(&function->pci, IDETIM, 0, 0xffff);
    pci_define16(&function->pci, IDETIM + 2, 0, 0xffff);
    pci_define8(&function->pci, SIDETIM, 0, 0xff);
    pci_set_bar(&function->pci, BMIBA, PCI_BAR_IO, ide_bmdma_region(ide));
    ide_set_bus_master(ide, pci_dma(&function->pci).enabled);
    device_reset(&function->dev);
    return &function->dev;
}
