/*
 * ide.h: the two IDE channels of a PIIX3, with up to four ATA disks and ATAPI CD-ROM drives.
 *
 * A unit is 0..3: primary master and slave, secondary master and slave (-hda to -hdd).
 */
#ifndef DEVICES_STORAGE_IDE_H
#define DEVICES_STORAGE_IDE_H

#include "devices/core/device.h"
#include "devices/core/dma.h"
#include "devices/storage/activity.h"
#include "devices/storage/block/block.h"

#define IDE_UNITS 4

/* Maps 1F0h-1F7h, 3F6h and 170h-177h, 376h; no drives yet. `dma` is copied. */
struct device *ide_create(struct space *ports, struct clock *clock, const struct dma *dma,
                          struct irq *irq14, struct irq *irq15);

/* Puts drives in, before the machine runs. The drive owns and closes the image. Serial NULL: one of
 * our own. */
void ide_attach_disk(struct device *dev, unsigned unit, struct block *image, const char *serial);
void ide_attach_cdrom(struct device *dev, unsigned unit, struct block *medium, const char *serial);
bool ide_is_cdrom(struct device *dev, unsigned unit);
bool ide_is_disk(struct device *dev, unsigned unit);

/* Another disc (NULL: none) for a CD-ROM drive; the old one is closed. While the guest locks the
 * tray, a change without `force` only tells the guest that the button was pressed, and fails;
 * `medium` is then still the caller's. */
bool ide_change_media(struct device *dev, unsigned unit, struct block *medium, bool force,
                      struct error *err);
/* The image in a drive, or NULL. */
struct block *ide_image(struct device *dev, unsigned unit);

/* The default geometry of a disk, which the BIOS finds in CMOS. False: no disk there. */
struct ide_geometry {
    u16 cylinders;
    u8 heads, sectors;
    bool lba_translation; /* too large for the BIOS's 1024 cylinders */
};
bool ide_geometry(struct device *dev, unsigned unit, struct ide_geometry *geometry);

struct activity ide_activity(struct device *dev, unsigned unit);

/* The 16 bytes of bus-master registers (BAR 4 of the PCI function). */
struct region *ide_bmdma_region(struct device *dev);
/* As struct dma.enabled, when the PCI function is made after the channels. */
void ide_set_bus_master(struct device *dev, const bool *enabled);

#endif
