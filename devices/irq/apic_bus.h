/*
 * apic_bus.h: messages between IOAPICs, devices with message-signalled interrupts, and local APICs.
 *
 * Agents (local APICs and IOAPICs) hang themselves on the bus; whoever has a message sends it.
 * Everything is delivered at once, on the machine's thread.
 */
#ifndef DEVICES_IRQ_APIC_BUS_H
#define DEVICES_IRQ_APIC_BUS_H

#include "cpu/base/types.h"

/* SDM Vol. 3A 10.6.1, ICR delivery mode. */
enum apic_delivery {
    APIC_FIXED,
    APIC_LOWEST,
    APIC_SMI,
    APIC_DELIVERY_RESERVED,
    APIC_NMI,
    APIC_INIT,
    APIC_SIPI,
    APIC_EXTINT,
};

#define APIC_BROADCAST 0xffffffffu

struct apic_message {
    u32 dest; /* a physical ID (APIC_BROADCAST: all) or a logical destination */
    bool logical;
    u8 delivery; /* enum apic_delivery */
    u8 vector;
    bool assert;          /* "level" in the ICR; false only for the INIT de-assert */
    bool level_triggered; /* an EOI is broadcast when it has been serviced */
};

struct apic_agent {
    /* Is this message for it? NULL: it takes none (an IOAPIC). */
    bool (*matches)(void *opaque, const struct apic_message *message);
    /* For lowest-priority delivery: 0..255, the lowest wins; -1: cannot take interrupts. */
    int (*priority)(void *opaque);
    void (*accept)(void *opaque, const struct apic_message *message);
    /* A level-triggered interrupt with this vector has been serviced. NULL: not interested. */
    void (*eoi)(void *opaque, u8 vector);
    void *opaque;
    struct apic_agent *next; /* in order of attachment */
};

struct apic_bus {
    struct apic_agent *agents;
};

void apic_bus_attach(struct apic_bus *bus, struct apic_agent *agent);
void apic_bus_detach(struct apic_bus *bus, struct apic_agent *agent);

/* Delivers to every agent that the destination names (to one of them for lowest priority). */
void apic_bus_send(struct apic_bus *bus, const struct apic_message *message);
/* The same, but not to `except`: the "all excluding self" shorthand. */
void apic_bus_send_except(struct apic_bus *bus, const struct apic_message *message,
                          const struct apic_agent *except);
void apic_bus_eoi(struct apic_bus *bus, u8 vector);

/* Is `address` in the range where a device's write is an interrupt message? */
static inline bool apic_bus_is_msi(u64 address)
{
    return address >> 20 == 0xfee;
}
/* A message-signalled interrupt: SDM Vol. 3A 10.11. */
void apic_bus_msi(struct apic_bus *bus, u64 address, u32 data);

#endif
