/*
 * irq.h: one wire that carries a level from its driver to its receiver.
 *
 * The receiver owns the `struct irq` and gives drivers a pointer to it. A NULL wire is not connected.
 */
#ifndef CPU_BASE_IRQ_H
#define CPU_BASE_IRQ_H

#include "cpu/base/types.h"

struct irq {
    void (*set)(void *opaque, int line, bool level);
    void *opaque;
    int   line;
};

static inline void irq_set(struct irq *irq, bool level)
{
    if (irq) {
        irq->set(irq->opaque, irq->line, level);
    }
}

static inline void irq_pulse(struct irq *irq)
{
    irq_set(irq, true);
    irq_set(irq, false);
}

#endif
