/*
 * outside.c: see outside.h.
 */
#include "frontend/machine/outside.h"

#include <string.h>

#include "devices/chipset/piix4_pm.h"
#include "devices/irq/lapic.h"
#include "frontend/machine/input.h"
#include "frontend/machine/machine.h"

bool outside_pass(struct machine *m, const struct outside_event *e)
{
    return !m->outside || m->outside->pass(m->outside->opaque, e);
}

/* An NMI button pulls LINT1, which the guest programs; without a local APIC, the processor's own pin. */
static void press_nmi(struct machine *m)
{
    if (m->lapic) {
        irq_set(lapic_lint(m->lapic, 1), true);
        irq_set(lapic_lint(m->lapic, 1), false);
    } else {
        cpu_raise_nmi(m->cpu);
    }
}

static bool access_port(struct machine *m, struct outside_port *a)
{
    if (a->size != 1 && a->size != 2 && a->size != 4) {
        return false;
    }
    if (a->write) {
        space_write(m->ports, a->port, a->value, a->size, false);
    } else {
        a->value = (u32)space_read(m->ports, a->port, a->size, false);
    }
    return true;
}

static bool enter(struct machine *m, const struct outside_event *e)
{
    struct outside_port port;
    struct chardev *line = e->unit < MACHINE_SERIALS ? m->line[e->unit] : NULL;
    switch (e->kind) {
    case OUTSIDE_LINE: return line && line_input(line, e->data, e->size);
    case OUTSIDE_BREAK:
        if (line) {
            line_break(line);
        }
        return line;
    case OUTSIDE_RESET: machine_request_reset(m); return true;
    case OUTSIDE_POWER_BUTTON: piix4_pm_power_button(m->pm); return true;
    case OUTSIDE_NMI: press_nmi(m); return true;
    case OUTSIDE_PORT:
        if (e->size != sizeof port) {
            return false;
        }
        port.write = e->data[offsetof(struct outside_port, write)] != 0;
        memcpy(&port.port, e->data + offsetof(struct outside_port, port), sizeof port.port);
        memcpy(&port.size, e->data + offsetof(struct outside_port, size), sizeof port.size);
        memcpy(&port.value, e->data + offsetof(struct outside_port, value), sizeof port.value);
        return access_port(m, &port);
    default: return input_apply(m->input, e);
    }
}

static void note(struct machine *m, const struct outside_event *e)
{
    if (m->outside && m->outside->entered) {
        m->outside->entered(m->outside->opaque, e);
    }
}

bool outside_apply(struct machine *m, const struct outside_event *e)
{
    note(m, e);
    return enter(m, e);
}

bool outside(struct machine *m, enum outside_kind kind, unsigned unit, const void *data, size_t size)
{
    struct outside_event e = {.kind = kind, .unit = unit, .size = size, .data = data};
    return outside_pass(m, &e) && outside_apply(m, &e);
}

void outside_reset(struct machine *m)
{
    outside(m, OUTSIDE_RESET, 0, NULL, 0);
}

void outside_power_button(struct machine *m)
{
    outside(m, OUTSIDE_POWER_BUTTON, 0, NULL, 0);
}

void outside_nmi(struct machine *m)
{
    outside(m, OUTSIDE_NMI, 0, NULL, 0);
}

bool outside_port(struct machine *m, struct outside_port *a)
{
    struct outside_port clean;
    memset(&clean, 0, sizeof clean); /* it may be written to a file */
    clean.port = a->port;
    clean.size = a->size;
    clean.write = a->write;
    clean.value = a->write ? a->value : 0;
    struct outside_event e = {.kind = OUTSIDE_PORT, .size = sizeof clean, .data = (const u8 *)&clean};
    if (!outside_pass(m, &e)) {
        return false;
    }
    note(m, &e);
    return access_port(m, a);
}

bool outside_is_free(const struct machine *m, const char *what, struct error *err)
{
    return !m->outside || error_set(err, "%s: not while the run is recorded or replayed, or its past is kept", what);
}
