/*
 * inspect_interrupts.c: what asks for interrupts, what holds them back, and which vectors they will be: the processor, the two
 * 8259s, the local APIC, the IOAPIC. SDM Vol. 3A 6.8 (masking), 10.8 (local APIC); the data sheets of 8259A and 82093AA.
 */
#include <string.h>

#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "frontend/lab/inspect_users.h"
#include "frontend/lab/inspect_vectors.h"

static const char *const deliveries[] = {"fixed", "lowest priority", "SMI", "reserved", "NMI", "INIT", "start-up", "ExtINT"};

/* ---- the processor */

static void put_processor(struct view *page, const struct cpu *cpu)
{
    bool on = cpu->eflags & FLAG_IF;
    view_put(page, STYLE_TITLE, "Processor  ");
    view_put(page, on ? STYLE_GOOD : STYLE_NOTE, on ? "IF=1: interrupts are taken" : "IF=0: interrupts wait");
    if (cpu->shadow_at == cpu->icount) {
        view_printf(page, STYLE_NOTE, "; not before the next instruction is done (%s)", cpu->shadow_ss ? "MOV SS" : "STI");
    }
    view_printf(page, STYLE_TEXT, "\n  INTR is %s", cpu->intr ? "asserted: a controller asks" : "low: nobody asks");
    if (cpu->nmi_blocked) {
        view_put(page, STYLE_NOTE, "; NMIs are blocked until IRET");
    }
    view_put(page, STYLE_TEXT, cpu->pending & PENDING_NMI ? "; an NMI is pending\n" : "\n");
}

/* ---- the 8259s */

void inspect_lines(struct view *page, const struct i8259 *pic)
{
    for (unsigned irq = 0; irq < 16; irq++) {
        const struct i8259_chip *chip = &pic->chip[irq / 8];
        unsigned bit = irq & 7;
        bool masked = chip->imr >> bit & 1, service = chip->isr >> bit & 1, asked = chip->irr >> bit & 1;
        view_printf(page, masked ? STYLE_DIM : STYLE_TEXT, "%2u: vector %02x %s %s%s ", irq, (chip->vector_base & 0xf8u) | bit,
                    chip->elcr >> bit & 1 ? "level" : "edge ", chip->lines >> bit & 1 ? "high" : "low ",
                    masked ? " masked" : "       ");
        view_put(page, STYLE_NOTE, service ? "in service" : asked ? "requested " : "          ");
        view_printf(page, masked ? STYLE_DIM : STYLE_TEXT, " %s\n", inspect_line_name(irq));
    }
}

static void put_pic(struct view *page, const struct i8259 *pic)
{
    view_put(page, STYLE_TITLE, "\n8259s (PIC): the lower the line, the more urgent; 8 to 15 rank as line 2\n");
    inspect_lines(page, pic);
    view_put(page, STYLE_DIM, "requested: it waits to be taken; in service: taken, and no EOI has ended it\n");
    for (unsigned n = 0; n < 2; n++) {
        const struct i8259_chip *c = &pic->chip[n];
        if (c->auto_eoi || c->special_mask || c->lowest != 7 || c->special_fully_nested) {
            view_printf(page, STYLE_NOTE, "chip %u:%s%s%s", n, c->auto_eoi ? " ends interrupts by itself;" : "",
                        c->special_mask ? " special mask;" : "", c->special_fully_nested ? " special fully nested;" : "");
            view_printf(page, STYLE_NOTE, " lowest priority: line %u\n", c->lowest + 8 * n);
        }
    }
}

/* ---- the local APIC */

static bool vector_is(const void *opaque, unsigned n)
{
    return ((const u32 *)opaque)[n / 32] >> (n % 32) & 1;
}

static void put_vectors(struct view *page, struct machine *m, const char *what, const u32 *set)
{
    char text[600] = "", name[VECTOR_TEXT];
    inspect_ranges(text, sizeof text, VECTORS, 2, vector_is, set);
    view_printf(page, STYLE_TEXT, "  %-12s", what);
    view_wrap(page, text[0] ? STYLE_NOTE : STYLE_DIM, 14, text[0] ? text : "none");
    view_put(page, STYLE_TEXT, "\n");
    for (unsigned v = 32; v < VECTORS; v++) {
        if (vector_is(set, v) && inspect_vector_name(m, v, name)) {
            view_printf(page, STYLE_TEXT, "%14s%02x %s\n", "", v, name);
        }
    }
}

static void put_local(struct view *page, const char *name, u32 entry)
{
    static const char *const timers[] = {", one shot", ", periodic", ", at a TSC deadline", ""};
    bool masked = entry >> 16 & 1, timer = !strcmp(name, "timer");
    unsigned mode = entry >> 8 & 7;
    view_printf(page, masked ? STYLE_DIM : STYLE_TEXT, "  %-12s", name);
    if (timer || mode == 0) {
        view_printf(page, masked ? STYLE_DIM : STYLE_TEXT, "vector %02x%s", entry & 0xff, timer ? timers[entry >> 17 & 3] : "");
    } else {
        view_printf(page, masked ? STYLE_DIM : STYLE_TEXT, "%s", mode == 7 ? "ExtINT: the 8259s say the vector" : deliveries[mode]);
    }
    view_put(page, masked ? STYLE_DIM : STYLE_TEXT, masked ? ", masked" : "");
    view_put(page, STYLE_NOTE, entry >> 12 & 1 ? ", being sent" : "");
    view_put(page, STYLE_TEXT, "\n");
}

static void put_lapic(struct view *page, struct machine *m)
{
    static const char *const names[] = {"timer", "thermal", "performance", "LINT0", "LINT1", "error"};
    struct lapic_look look;
    lapic_look(m->lapic, &look);
    view_printf(page, STYLE_TITLE, "\nLocal APIC %u", look.id);
    if (!look.enabled) {
        view_put(page, STYLE_TEXT, ": switched off (IA32_APIC_BASE); the 8259s reach the processor directly\n");
        return;
    }
    view_printf(page, STYLE_TEXT, ": %s", look.x2apic ? "x2APIC, registers are MSRs" : "registers at ");
    if (!look.x2apic) {
        view_printf(page, STYLE_TEXT, "%llx", (ull)look.base);
    }
    view_put(page, look.software ? STYLE_TEXT : STYLE_NOTE,
             look.software ? "\n" : "; disabled by software: only LINT0 and LINT1\n");
    view_printf(page, STYLE_TEXT, "  %-12s%02x, by the task's %02x (TPR, CR8): vectors from %x0 on are delivered\n", "priority",
                look.ppr, look.tpr, (look.ppr >> 4) + 1u);
    put_vectors(page, m, "requested", look.irr);
    put_vectors(page, m, "in service", look.isr);
    for (unsigned n = 0; n < ARRAY_LEN(names); n++) {
        put_local(page, names[n], look.lvt[n]);
    }
}

/* ---- the IOAPIC */

static bool pin_masked(const void *opaque, unsigned pin)
{
    return ((const struct ioapic *)opaque)->redirection[pin] >> 16 & 1;
}

static void put_pin(struct view *page, const struct ioapic *a, unsigned pin)
{
    u64 e = a->redirection[pin];
    const char *device = inspect_line_name(pin == 2 ? 0 : pin);
    view_printf(page, STYLE_TEXT, "  pin %-2u ", pin);
    view_printf(page, STYLE_STRONG, "vector %02x", (unsigned)(e & 0xff));
    view_printf(page, STYLE_TEXT, " %s, %s, to %s %02x", deliveries[e >> 8 & 7], e & BIT(15) ? "level" : "edge",
                e & BIT(11) ? "group" : "APIC", (unsigned)(e >> 56));
    view_printf(page, STYLE_NOTE, "%s%s%s", a->lines >> pin & 1 ? ", asserted" : "", a->irr >> pin & 1 ? ", requested" : "",
                e & BIT(14) ? ", in service" : "");
    view_printf(page, STYLE_DIM, "%s%s\n", device[0] ? "  " : "", device);
}

static void put_ioapic(struct view *page, const struct ioapic *a)
{
    char text[200] = "";
    view_printf(page, STYLE_TITLE, "\nIOAPIC %u: %u pins\n", a->id, IOAPIC_PINS);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        if (!pin_masked(a, pin)) {
            put_pin(page, a, pin);
        }
    }
    inspect_ranges(text, sizeof text, IOAPIC_PINS, 1, pin_masked, a);
    view_printf(page, STYLE_DIM, "  masked (hexadecimal): %s\n", text[0] ? text : "none");
}

void inspect_interrupts_page(struct view *page, struct machine *m)
{
    put_processor(page, m->cpu);
    if (m->pic) {
        put_pic(page, m->pic);
    }
    if (m->lapic) {
        put_lapic(page, m);
    }
    if (m->ioapic) {
        put_ioapic(page, m->ioapic);
    }
}
