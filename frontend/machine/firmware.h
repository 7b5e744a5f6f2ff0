/*
 * firmware.h: where system firmware is found. SeaBIOS and its VGA BIOS are not ours: Debian's
 * package `seabios` has them.
 */
#ifndef FRONTEND_MACHINE_FIRMWARE_H
#define FRONTEND_MACHINE_FIRMWARE_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

#define FIRMWARE_BIOS     "bios-256k.bin"
#define FIRMWARE_VGA_BIOS "vgabios-stdvga.bin"

struct firmware_image {
    u8 *bytes; /* malloc()ed */
    size_t size;
};

/* Reads `name`: as a path if it holds a slash or lies in the working directory, else from `dirs`
 * (ended by NULL), then $RINGSIDE_FIRMWARE, then where distributions put it. */
bool firmware_load(const char *name, const char *const *dirs, size_t max_size,
                   struct firmware_image *image, struct error *err);

#endif
