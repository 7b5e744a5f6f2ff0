/*
 * inspect_vectors.c: see inspect_vectors.h.
 */
#include "frontend/lab/inspect_vectors.h"

#include <string.h>

#include "cpu/base/bits.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"

const char *inspect_line_name(unsigned irq)
{
    static const char *const names[16] = {"timer", "keyboard", "cascade", "COM2", "COM1",  "LPT2",        "floppy", "LPT1",
                                          "RTC",   "SCI",      "",        "",     "mouse", "coprocessor", "IDE 0",  "IDE 1"};
    return irq < 16 ? names[irq] : "";
}

/* What firmware and DOS put there: the services and tables that every PC has. */
static const char *firmware_name(unsigned vector)
{
    static const char *const names[256] = {[0x05] = "print screen",
                                           [0x10] = "video",
                                           [0x11] = "equipment",
                                           [0x12] = "memory size",
                                           [0x13] = "disk",
                                           [0x14] = "serial port",
                                           [0x15] = "system services",
                                           [0x16] = "keyboard",
                                           [0x17] = "printer",
                                           [0x18] = "no boot device",
                                           [0x19] = "boot",
                                           [0x1a] = "time of day",
                                           [0x1b] = "Ctrl-Break",
                                           [0x1c] = "each timer tick",
                                           [0x1d] = "video parameters",
                                           [0x1e] = "floppy parameters",
                                           [0x1f] = "font, upper half",
                                           [0x20] = "DOS: end of program",
                                           [0x21] = "DOS",
                                           [0x33] = "DOS: mouse",
                                           [0x40] = "floppy",
                                           [0x41] = "disk 0 parameters",
                                           [0x43] = "font",
                                           [0x46] = "disk 1 parameters",
                                           [0x4a] = "alarm",
                                           [0x67] = "expanded memory"};
    return names[vector];
}

/* The ISA line that the 8259s turn into this vector, or -1. */
static int line_of(const struct machine *m, unsigned vector)
{
    for (unsigned irq = 0; m->pic && irq < 16; irq++) {
        if (irq != 2 && ((m->pic->chip[irq / 8].vector_base & 0xf8u) | (irq & 7)) == vector) {
            return (int)irq;
        }
    }
    return -1;
}

/* The pin of the IOAPIC that sends this vector, or -1. */
static int pin_of(const struct machine *m, unsigned vector)
{
    for (unsigned pin = 0; m->ioapic && pin < IOAPIC_PINS; pin++) {
        u64 entry = m->ioapic->redirection[pin];
        if (!(entry & BIT(16)) && (entry & 0xff) == vector && (entry >> 8 & 7) < 2) {
            return (int)pin;
        }
    }
    return -1;
}

bool inspect_vector_name(const struct machine *m, unsigned vector, char text[VECTOR_TEXT])
{
    bool real = !m->cpu->protected_mode;
    int line = line_of(m, vector), pin = pin_of(m, vector);
    const char *exception = exception_title(vector), *name = exception_name(vector), *service = real ? firmware_name(vector) : NULL;
    text[0] = 0;
    if (pin >= 0) { /* the timer, IRQ 0, is wired to pin 2 */
        const char *device = inspect_line_name(pin == 2 ? 0 : (unsigned)pin);
        snprintf(text, VECTOR_TEXT, "IOAPIC pin %d%s%s", pin, device[0] ? " " : "", device);
    } else if (line >= 0 && (real || vector >= 32 || !exception)) {
        snprintf(text, VECTOR_TEXT, "IRQ %d %s", line, inspect_line_name((unsigned)line));
    }
    if (exception && (!real || vector < 8)) {
        snprintf(text + strlen(text), VECTOR_TEXT - strlen(text), "%s%s%s%s", text[0] ? "; " : "",
                 name ? name : "", name ? " " : "", exception);
    } else if (service) {
        snprintf(text + strlen(text), VECTOR_TEXT - strlen(text), "%s%s", text[0] ? "; " : "", service);
    }
    return text[0];
}
