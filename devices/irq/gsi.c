/*
 * gsi.c: see gsi.h.
 */
#include "devices/irq/gsi.h"

static void line_set(void *opaque, int line, bool level)
{
    struct gsi *gsi = opaque;
    if (line < 16) {
        irq_set(gsi->pic[line], level);
    }
    irq_set(gsi->ioapic[line], level);
}

void gsi_init(struct gsi *gsi, struct i8259 *pic, struct ioapic *ioapic)
{
    *gsi = (struct gsi){0};
    for (int line = 0; line < IOAPIC_PINS; line++) {
        gsi->lines[line] = (struct irq){line_set, gsi, line};
        if (line < 16 && line != 2) {
            gsi->pic[line] = &pic->inputs[line];
        }
        if (ioapic) {
            gsi->ioapic[line] = line == 0 ? ioapic_share(ioapic, 2) : &ioapic->inputs[line];
        }
    }
}
