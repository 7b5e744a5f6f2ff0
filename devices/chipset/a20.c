/*
 * a20.c: see a20.h. At reset no source has spoken yet and the line is open, so that the processor
 * can fetch its first instruction at FFFFFFF0h.
 */
#include "devices/chipset/a20.h"

#include "cpu/base/mem.h"

struct a20 {
    struct device dev;
    bool open;

    /* derived or host-side: not saved */
    struct irq input[A20_SOURCES];
    struct irq *out;
};

static void set_input(void *opaque, int line, bool level)
{
    struct a20 *a20 = opaque;

    (void)line;
    a20->open = level;
    irq_set(a20->out, level);
}

static void a20_reset(struct device *dev)
{
    struct a20 *a20 = container_of(dev, struct a20, dev);

    a20->open = true;
    irq_set(a20->out, true);
}

static void a20_destroy(struct device *dev)
{
    free(container_of(dev, struct a20, dev));
}

static void a20_loaded(struct device *dev)
{
    struct a20 *a20 = container_of(dev, struct a20, dev);

    irq_set(a20->out, a20->open);
}

static const struct field a20_fields[] = {
    FIELD(struct a20, open),
    FIELD_END,
};

static const struct device_class a20_class = {
    .name = "a20-gate",
    .version = 1,
    .reset = a20_reset,
    .destroy = a20_destroy,
    .loaded = a20_loaded,
    .fields = a20_fields,
};

struct a20 *a20_create(struct irq *out)
{
    struct a20 *a20 = mem_zeroed(1, sizeof *a20);

    a20->dev.class = &a20_class;
    a20->out = out;
    for (int i = 0; i < A20_SOURCES; i++) {
        a20->input[i] = (struct irq){.set = set_input, .opaque = a20, .line = i};
    }
    device_reset(&a20->dev);
    return a20;
}

struct device *a20_device(struct a20 *a20)
{
    return &a20->dev;
}

struct irq *a20_input(struct a20 *a20, enum a20_source source)
{
    return &a20->input[source];
}
