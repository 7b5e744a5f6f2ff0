/*
 * pci.h: a PCI bus and what every function on it has: configuration space, base addresses, INTx.
 *
 * Models PCI Local Bus Specification 3.0: type 0 headers, configuration mechanism #1, memory, I/O
 * and expansion ROM base addresses decoded as the command register says, INTA#..INTD# swizzled to
 * four lines. Not modelled: bridges, parity, latency, message-signalled interrupts.
 *
 * A device embeds `struct pci_function pci` right after its `struct device dev`, puts
 * FIELD_STRUCT(struct x, pci, pci_function_fields) first into its field table, calls pci_reset()
 * from its reset, pci_loaded() from its loaded, and pci_function_fini() from its destroy.
 */
#ifndef DEVICES_CHIPSET_PCI_H
#define DEVICES_CHIPSET_PCI_H

#include "cpu/base/bits.h"
#include "devices/core/device.h"
#include "devices/core/dma.h"

#define PCI_DEVFN(slot, function) ((u8)((slot) << 3 | (function)))

/* Header registers, PCI 3.0 chapter 6.1. */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_CLASS_CODE = 0x09,
    PCI_CACHE_LINE_SIZE = 0x0c,
    PCI_LATENCY_TIMER = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_ROM_ADDRESS = 0x30,
    PCI_CAPABILITY_LIST = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,

    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_PARITY = 1 << 6,
    PCI_COMMAND_SERR = 1 << 8,
    PCI_COMMAND_INTX_DISABLE = 1 << 10,

    PCI_STATUS_INTERRUPT = 1 << 3,
    PCI_STATUS_CAP_LIST = 1 << 4,
};

/*
 * Priorities of mappings in the memory space: what RAM covers hides PCI, what the chipset decodes
 * hides RAM. Firmware and VGA's low window are mapped at PRIORITY_PCI, so that PAM and SMRAM can
 * put RAM over them.
 */
enum map_priority {
    PRIORITY_PCI_BAR = 0,
    PRIORITY_PCI = 10, /* fixed decodes on the PCI or ISA side: A0000h, firmware */
    PRIORITY_RAM = 20,
    PRIORITY_PAM = 30,
    PRIORITY_CHIPSET = 40, /* local APIC, IOAPIC, HPET */
};

enum { PCI_BAR_COUNT = 6, PCI_ROM_BAR = 6 };

enum pci_bar_kind {
    PCI_BAR_NONE,
    PCI_BAR_IO,
    PCI_BAR_MEM32,
    PCI_BAR_MEM32_PREFETCH,
    PCI_BAR_MEM64, /* takes two base address registers */
    PCI_BAR_MEM64_PREFETCH,
};

struct pci_bar {
    enum pci_bar_kind kind;
    struct region *region;
    struct mapping mapping;
};

struct pci_bus;

struct pci_function {
    u8 config[256];
    bool intx_level; /* what the device asserts, before Interrupt Disable */

    /* derived or host-side: not saved */
    bool master; /* Bus Master Enable: give its address to struct dma.enabled */
    bool intx_driven;
    u8 devfn;
    u8 initial[256], writable[256], clear_on_write[256];
    struct pci_bus *bus;
    struct pci_bar bar[PCI_BAR_COUNT + 1];
    struct region rom;
    struct irq intx;
    const char *name;
    /* Optional: called after the guest wrote bytes [offset, offset + size) of config, and after
     * reset and load. */
    void (*config_written)(struct pci_function *pci, unsigned offset, unsigned size);
};
extern const struct field pci_function_fields[];

struct pci_id {
    u16 vendor, device;
    u32 class_code; /* 24 bits: class, subclass, interface */
    u8 revision;
    u16 subsystem_vendor, subsystem; /* 0, 0: none */
    u8 interrupt_pin;                /* 0: none, 1: INTA# ... */
    bool multifunction;
};

/* The bus is a device too: `&bus->dev` belongs into the machine's list, before the functions. */
struct pci_bus {
    struct device dev;
    u32 config_address; /* CF8h */

    /* derived or host-side: not saved */
    struct space *memory, *ports;
    struct region config_ports;
    struct mapping config_mapping;
    struct pci_function *function[256];
    struct irq *pirq[4];
    unsigned pirq_count[4]; /* functions that drive the line */
    const struct region_ops *cf9;
    void *cf9_opaque;
};

struct pci_bus *pci_bus_create(struct space *memory, struct space *ports);
/* Where PIRQA#..PIRQD# lead: the ISA bridge. */
void pci_bus_connect(struct pci_bus *bus, struct irq *const pirq[4]);
/* Byte accesses to port CF9h, which lies inside CONFIG_ADDRESS, go to the ISA bridge (offset 0,
 * size 1). */
void pci_bus_set_cf9(struct pci_bus *bus, const struct region_ops *ops, void *opaque);
/* For the monitor's `info pci`. */
void pci_bus_print(struct pci_bus *bus, FILE *out);

/* Configuration accesses as the host bridge makes them; all ones from an empty slot. */
u32 pci_config_read(struct pci_bus *bus, u8 devfn, unsigned offset, unsigned size);
void pci_config_write(struct pci_bus *bus, u8 devfn, unsigned offset, u32 value, unsigned size);

/* Puts a zeroed function on the bus. `name` must live as long as the function. */
void pci_function_init(struct pci_function *pci, struct pci_bus *bus, u8 devfn, const char *name,
                       const struct pci_id *id);
void pci_function_fini(struct pci_function *pci);
void pci_reset(struct pci_function *pci);
void pci_loaded(struct pci_function *pci);

/* The reset value of configuration bytes (in effect at once), and which of their bits the guest can
 * write. */
void pci_define8(struct pci_function *pci, unsigned offset, u8 value, u8 writable);
void pci_define16(struct pci_function *pci, unsigned offset, u16 value, u16 writable);
void pci_define32(struct pci_function *pci, unsigned offset, u32 value, u32 writable);

/* Base address register `index` decodes `region`, whose size is a power of two: I/O 4 to 256,
 * memory 16 and up. */
void pci_set_bar(struct pci_function *pci, unsigned index, enum pci_bar_kind kind,
                 struct region *region);
/* Where a base address register puts its region now, or PCI_UNMAPPED. */
#define PCI_UNMAPPED UINT64_MAX
u64 pci_bar_address(const struct pci_function *pci, unsigned index);
/* An expansion ROM holding a copy of `bytes`, at most 16 MiB. False: no memory, or too large. */
bool pci_set_rom(struct pci_function *pci, const void *bytes, size_t size);
/* Links a capability of `size` bytes at `offset` (a multiple of 4 from 40h on) into the list. */
void pci_add_capability(struct pci_function *pci, u8 id, unsigned offset, unsigned size);

/* The level of the function's interrupt pin. */
void pci_set_intx(struct pci_function *pci, bool level);
/* The same as a wire. */
static inline struct irq *pci_intx(struct pci_function *pci)
{
    return &pci->intx;
}

/* Bus-master access to guest memory. */
static inline struct dma pci_dma(struct pci_function *pci)
{
    return (struct dma){.memory = pci->bus->memory, .enabled = &pci->master};
}

#endif
