/*
 * fdc.h: a floppy controller (82077AA/82078 in PC-AT mode) with up to two drives.
 */
#ifndef DEVICES_STORAGE_FDC_H
#define DEVICES_STORAGE_FDC_H

#include "devices/core/device.h"
#include "devices/storage/activity.h"
#include "devices/storage/block/block.h"

#define FDC_UNITS 2

/* The controller's DMA channel. */
struct fdc_dma {
    /* Moves up to `length` bytes, as far as the channel is programmed and not masked, and returns
     * how many. Sets `*tc` when the channel reached its terminal count. */
    u32 (*transfer)(void *opaque, u8 *buffer, u32 length, bool to_memory, bool *tc);
    void *opaque;
};

/* Channel 2 of the PC's 8237, with DREQ raised for as long as a transfer lasts. */
struct i8237;
struct fdc_dma fdc_dma_8237(struct i8237 *dma);

/* Drive types as the BIOS finds them in CMOS register 10h. */
enum fdc_drive_type {
    FDC_NO_DRIVE,
    FDC_360K,
    FDC_1200K,
    FDC_720K,
    FDC_1440K,
    FDC_2880K,
};

/* Maps 3F0h-3F5h and 3F7h. */
struct device *fdc_create(struct space *ports, struct clock *clock, struct irq *irq6,
                          const struct fdc_dma *dma);

/* Puts a drive in, of the type that fits the medium (NULL: 1.44M). It owns and closes the image.
 * False, and `medium` is still the caller's: no floppy disk has that size. */
bool fdc_add_drive(struct device *dev, unsigned unit, struct block *medium, struct error *err);
/* Another disk (NULL: none); the old one is closed. */
bool fdc_change_media(struct device *dev, unsigned unit, struct block *medium, struct error *err);

enum fdc_drive_type fdc_drive_type(struct device *dev, unsigned unit);
struct block *fdc_image(struct device *dev, unsigned unit);
struct activity fdc_activity(struct device *dev, unsigned unit);

#endif
