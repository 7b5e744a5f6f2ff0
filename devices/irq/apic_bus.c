/*
 * apic_bus.c: routing of interrupt messages.
 *
 * Intel SDM Vol. 3A 10.6 (interprocessor interrupts), 10.11 (message-signalled interrupts).
 *
 * Lowest-priority delivery picks the first of the agents with the lowest priority. An MSI's
 * redirection hint is not needed: the delivery mode says the same.
 */
#include "devices/irq/apic_bus.h"

#include "cpu/base/bits.h"

void apic_bus_attach(struct apic_bus *bus, struct apic_agent *agent)
{
    struct apic_agent **at = &bus->agents;
    while (*at) {
        at = &(*at)->next;
    }
    agent->next = NULL;
    *at = agent;
}

void apic_bus_detach(struct apic_bus *bus, struct apic_agent *agent)
{
    for (struct apic_agent **at = &bus->agents; *at; at = &(*at)->next) {
        if (*at == agent) {
            *at = agent->next;
            return;
        }
    }
}

static bool is_for(const struct apic_agent *agent, const struct apic_message *message,
                   const struct apic_agent *except)
{
    return agent != except && agent->matches && agent->matches(agent->opaque, message);
}

static void send_to_lowest(struct apic_bus *bus, const struct apic_message *message,
                           const struct apic_agent *except)
{
    struct apic_agent *best = NULL;
    int best_priority = 256;
    for (struct apic_agent *agent = bus->agents; agent; agent = agent->next) {
        if (!is_for(agent, message, except)) {
            continue;
        }
        int priority = agent->priority(agent->opaque);
        if (priority >= 0 && priority < best_priority) {
            best = agent;
            best_priority = priority;
        }
    }
    if (best) {
        best->accept(best->opaque, message);
    }
}

void apic_bus_send_except(struct apic_bus *bus, const struct apic_message *message,
                          const struct apic_agent *except)
{
    if (message->delivery == APIC_LOWEST) {
        send_to_lowest(bus, message, except);
        return;
    }
    for (struct apic_agent *agent = bus->agents; agent; agent = agent->next) {
        if (is_for(agent, message, except)) {
            agent->accept(agent->opaque, message);
        }
    }
}

void apic_bus_send(struct apic_bus *bus, const struct apic_message *message)
{
    apic_bus_send_except(bus, message, NULL);
}

void apic_bus_eoi(struct apic_bus *bus, u8 vector)
{
    for (struct apic_agent *agent = bus->agents; agent; agent = agent->next) {
        if (agent->eoi) {
            agent->eoi(agent->opaque, vector);
        }
    }
}

void apic_bus_msi(struct apic_bus *bus, u64 address, u32 data)
{
    struct apic_message message = {
        .dest = (u32)bits(address, 19, 12),
        .logical = bits(address, 2, 2),
        .delivery = (u8)bits(data, 10, 8),
        .vector = (u8)data,
        .assert = true,
        .level_triggered = bits(data, 15, 15),
    };
    if (!message.logical && message.dest == 0xff) {
        message.dest = APIC_BROADCAST;
    }
    if (message.level_triggered && !bits(data, 14, 14)) {
        return; /* a level de-assert: nothing was latched for it */
    }
    apic_bus_send(bus, &message);
}
