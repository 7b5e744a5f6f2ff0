/*
 * device.h: what every device has: a class, a field table, reset and destroy.
 *
 * A device's own create() takes every wire that it needs and returns it ready, in its reset state.
 */
#ifndef DEVICES_CORE_DEVICE_H
#define DEVICES_CORE_DEVICE_H

#include "cpu/base/clock.h"
#include "cpu/base/error.h"
#include "cpu/base/fields.h"
#include "cpu/base/irq.h"
#include "cpu/base/log.h"
#include "cpu/base/types.h"
#include "mmu/phys.h"

struct device;

struct device_class {
    const char *name;    /* QEMU's name where QEMU has the device */
    u32         version; /* of the field table */
    void (*reset)(struct device *dev);
    void (*destroy)(struct device *dev); /* unmaps, disarms, frees */
    /* After a load: recompute what is derived (mappings, levels of wires). May be NULL. */
    void (*loaded)(struct device *dev);
    const struct field *fields;
};

struct device {
    const struct device_class *class;
    struct device             *next; /* in the machine's list, in order of creation */
};

void device_reset(struct device *dev);
void device_destroy(struct device *dev);
/* Name, version and fields. */
void device_save(struct device *dev, struct blob *blob);
bool device_load(struct device *dev, struct blob *blob, struct error *err);

#endif
