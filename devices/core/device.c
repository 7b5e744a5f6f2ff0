/*
 * device.c: see device.h.
 */
#include "devices/core/device.h"

#include <string.h>

void device_reset(struct device *dev)
{
    if (dev->class->reset) {
        dev->class->reset(dev);
    }
}

void device_destroy(struct device *dev)
{
    dev->class->destroy(dev);
}

void device_save(struct device *dev, struct blob *blob)
{
    u8 length = (u8)strlen(dev->class->name);
    blob_put(blob, &length, 1);
    blob_put(blob, dev->class->name, length);
    blob_put(blob, &dev->class->version, 4);
    if (dev->class->fields) {
        fields_save(dev->class->fields, dev, blob);
    }
}

bool device_load(struct device *dev, struct blob *blob, struct error *err)
{
    const char *name = dev->class->name;
    u8 length;
    char found[256] = "";
    u32 version;
    if (!blob_get(blob, &length, 1) || !blob_get(blob, found, length)) {
        return error_set(err, "saved state ends before device '%s'", name);
    }
    if (length != strlen(name) || memcmp(found, name, length)) {
        return error_set(err, "saved state has another device in the place of '%s'", name);
    }
    if (!blob_get(blob, &version, 4) || version != dev->class->version) {
        return error_set(err, "saved state of '%s' has version %u, this is version %u", name,
                         version, dev->class->version);
    }
    if (dev->class->fields && !fields_load(dev->class->fields, dev, blob, err)) {
        return false;
    }
    if (dev->class->loaded) {
        dev->class->loaded(dev);
    }
    return true;
}
