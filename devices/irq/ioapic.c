/*
 * ioapic.c: I/O APIC, version 20h: 24 redirection entries and the EOI register.
 *
 * Intel 82093AA data sheet (290566-001), May 1996; EOI register: ICH4 data sheet
 * (290744-001), 12.1.
 *
 * An input is "asserted" or not: the polarity bit is stored only. Messages are delivered at once,
 * so that "send pending" always reads 0. SMI, NMI, INIT and ExtINT entries are treated as
 * edge-triggered.
 */
#include "devices/irq/ioapic.h"

#include <assert.h>
#include <stdlib.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum {
    IOREGSEL = 0x00,
    IOWIN = 0x10,
    IOEOI = 0x40,
    IOAPICID = 0x00,
    IOAPICVER = 0x01,
    IOAPICARB = 0x02,
    IOREDTBL = 0x10,
};

#define VERSION 0x20u

/* Redirection entries: 82093AA 3.2.4 */
#define RTE_LOGICAL    BIT(11)
#define RTE_REMOTE_IRR BIT(14)
#define RTE_LEVEL      BIT(15)
#define RTE_MASKED     BIT(16)
#define RTE_WRITABLE   (0xff00000000000000ull | BIT(16) | BIT(15) | BIT(13) | 0xfffull)

static unsigned delivery_mode(u64 rte)
{
    return (unsigned)bits(rte, 10, 8);
}

static bool is_level(u64 rte)
{
    return rte & RTE_LEVEL && delivery_mode(rte) <= APIC_LOWEST;
}

/* Sends the request of `pin` if its entry lets it. */
static void service(struct ioapic *ioapic, unsigned pin)
{
    u64 *rte = &ioapic->redirection[pin];
    if (!(ioapic->irr >> pin & 1) || *rte & RTE_MASKED) {
        return;
    }
    if (is_level(*rte)) {
        if (*rte & RTE_REMOTE_IRR) {
            return;
        }
        *rte |= RTE_REMOTE_IRR;
    } else {
        ioapic->irr &= ~(1u << pin);
    }
    struct apic_message message = {
        .dest = (u32)(*rte >> 56),
        .logical = *rte & RTE_LOGICAL,
        .delivery = (u8)delivery_mode(*rte),
        .vector = (u8)*rte,
        .assert = true,
        .level_triggered = is_level(*rte),
    };
    if (!message.logical && message.dest == 0xff) {
        message.dest = APIC_BROADCAST;
    }
    apic_bus_send(ioapic->bus, &message);
}

/* `line`: number of the input, shifted left by eight, and its pin. Each driver of a shared pin
 * makes edges of its own: PIT and HPET share pin 2, and OUT of the PIT is high nearly always. */
static void input_set(void *opaque, int line, bool level)
{
    struct ioapic *ioapic = opaque;
    unsigned pin = line & 0xff;
    u32 input = 1u << (line >> 8), mask = 1u << pin;
    bool was = ioapic->driven & input;
    ioapic->driven = (u32)merge_bits(ioapic->driven, input, level ? input : 0);
    bool high = ioapic->driven & ioapic->inputs_of[pin];
    ioapic->lines = (u32)merge_bits(ioapic->lines, mask, high ? mask : 0);
    u64 rte = ioapic->redirection[pin];
    if (is_level(rte)) {
        ioapic->irr = (u32)merge_bits(ioapic->irr, mask, high ? mask : 0);
    } else if (level && !was && !(rte & RTE_MASKED)) { /* masked edges are lost: 82093AA 3.2.4 */
        ioapic->irr |= mask;
    }
    service(ioapic, pin);
}

static void end_of_interrupt(void *opaque, u8 vector)
{
    struct ioapic *ioapic = opaque;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        u64 *rte = &ioapic->redirection[pin];
        if ((u8)*rte == vector && *rte & RTE_REMOTE_IRR) {
            *rte &= ~RTE_REMOTE_IRR;
            service(ioapic, pin);
        }
    }
}

static void write_entry(struct ioapic *ioapic, unsigned pin, u64 mask, u64 value)
{
    u64 *rte = &ioapic->redirection[pin];
    bool was_level = is_level(*rte);
    *rte = merge_bits(*rte, mask & RTE_WRITABLE, value);
    if (is_level(*rte)) {
        ioapic->irr = (u32)merge_bits(ioapic->irr, 1u << pin, ioapic->lines);
    } else {
        /* Linux clears a stuck remote IRR by a turn through edge mode */
        *rte &= ~RTE_REMOTE_IRR;
        if (was_level) {
            ioapic->irr &= ~(1u << pin);
        }
    }
    service(ioapic, pin);
}

static u32 read_register(struct ioapic *ioapic)
{
    u8 index = ioapic->ioregsel;
    switch (index) {
    case IOAPICID:
    case IOAPICARB:
        return (u32)ioapic->id << 24;
    case IOAPICVER:
        return VERSION | (IOAPIC_PINS - 1) << 16;
    }
    if (index >= IOREDTBL && index < IOREDTBL + 2 * IOAPIC_PINS) {
        u64 rte = ioapic->redirection[(index - IOREDTBL) / 2];
        return (u32)(index & 1 ? rte >> 32 : rte);
    }
    return 0;
}

static void write_register(struct ioapic *ioapic, u32 value)
{
    u8 index = ioapic->ioregsel;
    if (index == IOAPICID) {
        ioapic->id = value >> 24 & 0xf;
    } else if (index >= IOREDTBL && index < IOREDTBL + 2 * IOAPIC_PINS) {
        unsigned shift = index & 1 ? 32 : 0;
        write_entry(ioapic, (index - IOREDTBL) / 2, (u64)0xffffffff << shift, (u64)value << shift);
    } else {
        log_at(LOG_GUEST_ERROR, "ioapic: write of %08x to register %02x", value, index);
    }
}

static u64 ioapic_read(void *opaque, u64 offset, unsigned size)
{
    struct ioapic *ioapic = opaque;
    switch (offset & 0xff) {
    case IOREGSEL:
        return ioapic->ioregsel;
    case IOWIN:
        return read_register(ioapic) & (BIT(8 * size) - 1);
    }
    return 0;
}

static void ioapic_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct ioapic *ioapic = opaque;
    switch (offset & 0xff) {
    case IOREGSEL:
        ioapic->ioregsel = (u8)value;
        break;
    case IOWIN:
        if (size == 4) {
            write_register(ioapic, (u32)value);
        }
        break;
    case IOEOI:
        end_of_interrupt(ioapic, (u8)value);
        break;
    }
}

static const struct region_ops ioapic_ops = {
    .read = ioapic_read, .write = ioapic_write, .min_size = 1, .max_size = 4};

/* The lines keep their levels: they are their drivers'. */
static void ioapic_reset(struct device *dev)
{
    struct ioapic *ioapic = container_of(dev, struct ioapic, dev);
    ioapic->ioregsel = 0;
    ioapic->id = 0;
    ioapic->irr = 0;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        ioapic->redirection[pin] = RTE_MASKED;
    }
}

static void ioapic_destroy(struct device *dev)
{
    struct ioapic *ioapic = container_of(dev, struct ioapic, dev);
    apic_bus_detach(ioapic->bus, &ioapic->agent);
    space_unmap(&ioapic->map);
    region_destroy(&ioapic->registers);
    free(ioapic);
}

static const struct field ioapic_fields[] = {
    FIELD(struct ioapic, ioregsel),
    FIELD(struct ioapic, id),
    FIELD(struct ioapic, lines),
    FIELD(struct ioapic, driven),
    FIELD(struct ioapic, irr),
    FIELD_ARRAY(struct ioapic, redirection),
    FIELD_END,
};
static const struct device_class ioapic_class = {
    .name = "ioapic",
    .version = 2,
    .reset = ioapic_reset,
    .destroy = ioapic_destroy,
    .fields = ioapic_fields,
};

struct irq *ioapic_share(struct ioapic *ioapic, unsigned pin)
{
    unsigned input = ioapic->input_count++;
    assert(input < IOAPIC_INPUTS && pin < IOAPIC_PINS);
    ioapic->inputs[input] = (struct irq){input_set, ioapic, (int)(input << 8 | pin)};
    ioapic->inputs_of[pin] |= 1u << input;
    return &ioapic->inputs[input];
}

struct ioapic *ioapic_create(struct space *memory, paddr base, struct apic_bus *bus)
{
    struct ioapic *ioapic = mem_zeroed(1, sizeof *ioapic);
    ioapic->dev.class = &ioapic_class;
    ioapic->bus = bus;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        ioapic_share(ioapic, pin);
    }
    ioapic->agent = (struct apic_agent){.eoi = end_of_interrupt, .opaque = ioapic};
    apic_bus_attach(bus, &ioapic->agent);
    region_init_io(&ioapic->registers, "ioapic", 0x1000, &ioapic_ops, ioapic);
    space_map(memory, &ioapic->map, &ioapic->registers, base, 100);
    ioapic_reset(&ioapic->dev);
    return ioapic;
}

void ioapic_print(const struct ioapic *ioapic, FILE *out)
{
    fprintf(out, "ioapic: id=%d sel=%02x lines=%06x irr=%06x\n", ioapic->id, ioapic->ioregsel,
            ioapic->lines, ioapic->irr);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        u64 rte = ioapic->redirection[pin];
        fprintf(out, "  pin %-2u %016llx vec=%02x mode=%u %s %s%s%s dest=%02x\n", pin,
                (unsigned long long)rte, (u8)rte, delivery_mode(rte),
                rte & RTE_LOGICAL ? "logical" : "physical", rte & RTE_LEVEL ? "level" : "edge",
                rte & RTE_MASKED ? " masked" : "", rte & RTE_REMOTE_IRR ? " remote-irr" : "",
                (unsigned)(rte >> 56));
    }
}
