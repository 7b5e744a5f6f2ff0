/*
 * surface.h: a picture in memory, and its form as a PNG or PPM file.
 */
#ifndef DEVICES_DISPLAY_SURFACE_H
#define DEVICES_DISPLAY_SURFACE_H

#include "cpu/base/error.h"
#include "cpu/base/fields.h"
#include "cpu/base/types.h"

struct surface {
    u32 *pixels; /* XRGB8888, the X is anything */
    u32 width, height;
    u32 stride; /* pixels from one line to the next */
};

struct rect {
    u32 x, y, width, height;
};

/* Makes `surface` (zeroed, or of another size) this large, and black. */
void surface_resize(struct surface *surface, u32 width, u32 height);
void surface_free(struct surface *surface);

/* Appends the file's bytes. */
void surface_to_png(const struct surface *surface, struct blob *file);
void surface_to_ppm(const struct surface *surface, struct blob *file);
/* Writes a PNG when `path` ends in ".png", else a PPM. */
bool surface_write(const struct surface *surface, const char *path, struct error *err);

#endif
