/*
 * ide_drive.h: what ide.c (channels), bmdma.c (bus master), ata.c (disks) and atapi.c (CD-ROM)
 * share. Private to them.
 *
 * A drive runs one command at a time. Data passes through its buffer in chunks of up to IDE_BUFFER
 * bytes: from the image in one request, to the host in DRQ blocks (PIO) or by the bus master (DMA).
 * After each request to the image the drive stays busy for IDE_LATENCY_NS, so that a guest sees BSY
 * and gets its interrupt after the instruction that asked.
 */
#ifndef DEVICES_STORAGE_IDE_DRIVE_H
#define DEVICES_STORAGE_IDE_DRIVE_H

#include "devices/storage/ide.h"

#define IDE_BUFFER     131072u
#define IDE_LATENCY_NS 10000

/* ATA-7 vol. 1, 5.14: the Status register; 5.9: the Error register. */
enum {
    STATUS_ERR = 0x01,
    STATUS_DRQ = 0x08,
    STATUS_DSC = 0x10, /* seek complete (before ATA-4) */
    STATUS_DRDY = 0x40,
    STATUS_BSY = 0x80,
};
enum {
    ERROR_ABRT = 0x04,
    ERROR_IDNF = 0x10,
    ERROR_UNC = 0x40,
};
enum { DEVICE_DEV = 0x10, DEVICE_LBA = 0x40, DEVICE_FIXED = 0xa0 };

enum ide_kind { IDE_ABSENT, IDE_DISK, IDE_CDROM };

enum ide_phase {
    PHASE_IDLE,
    PHASE_BUSY, /* a request to the image, or the pause after it */
    PHASE_IN,   /* DRQ: the host reads the data port */
    PHASE_OUT,  /* DRQ: the host writes it */
    PHASE_DMA_IN,
    PHASE_DMA_OUT,
    PHASE_COUNT,
};

enum ide_flow {
    FLOW_NONE,
    FLOW_REPLY,  /* the buffer holds all there is to read */
    FLOW_TAKE,   /* the host writes a parameter block, then it is acted upon */
    FLOW_READ,   /* from the image to the host */
    FLOW_WRITE,  /* from the host to the image */
    FLOW_WAIT,   /* no data: flush, verify */
    FLOW_PACKET, /* the host writes a command packet */
    FLOW_COUNT,
};

struct ide_registers {
    u8 features, sector_count, lba_low, lba_mid, lba_high;
};

struct ide_drive {
    struct ide_registers reg;
    struct ide_registers previous; /* what a 48-bit command reads as high-order bytes */
    u8 device, status, error;
    u8 phase, flow, command;
    bool irq_pending;
    bool dma;   /* the command moves its data by bus master */
    bool lba48; /* the command has 48-bit addresses */
    bool chs;   /* the command came with cylinder, head and sector */
    bool asleep;
    u8 io_error;              /* errno of the last request */
    u32 size, pos, block_end; /* buffer: valid bytes, next byte, end of the DRQ block */
    u64 lba;                  /* of the first sector in the buffer */
    u32 left;                 /* sectors from there on */
    u32 block_bytes;          /* largest DRQ block */
    struct timer timer;
    u8 buffer[IDE_BUFFER];

    /* Settings. */
    u8 transfer_mode; /* as SET FEATURES 03h gave it */
    u8 multiple;      /* sectors per DRQ block of READ/WRITE MULTIPLE; 0: not set */
    u16 cylinders;    /* current translation, INITIALIZE DEVICE PARAMETERS */
    u8 heads, sectors;
    bool write_cache, look_ahead, smart, smart_autosave;
    u8 power; /* CHECK POWER MODE's answer */

    /* ATAPI. */
    u8 sense_key, asc, ascq;
    u8 attention_asc; /* pending unit attention: 29h reset, 28h medium changed; 0 none */
    bool report_gone; /* the change is first seen as a missing medium */
    bool tray_open, locked;
    u8 media_event;   /* GET EVENT STATUS NOTIFICATION, media class */
    u16 sector_bytes; /* of the READ under way: 2048, or up to 2352 */
    u8 cd_flags;      /* READ CD byte 9 */

    /* derived or host-side: not saved */
    struct ide_channel *channel;
    enum ide_kind kind;
    struct block *image;
    char serial[21];
    struct activity activity;
};

struct ide_channel {
    struct ide_drive drive[2];
    u8 selected; /* 0 or 1 */
    u8 control;  /* Device Control: HOB 80h, SRST 04h, nIEN 02h */

    /* Bus master: 82371SB data sheet, 2.7. */
    u8 bm_command, bm_status;
    u32 bm_table;
    u32 prd_next; /* address of the next descriptor */
    u32 prd_addr; /* of the rest of the current one */
    u32 prd_left;
    bool prd_last;
    u16 prd_count; /* descriptors fetched since the start: a table has at most 64 KiB */

    /* derived or host-side: not saved */
    struct ide *ide;
    struct irq *irq;
    bool irq_level;
    struct region command_ports, control_port;
    struct mapping command_map, control_map;
};

struct ide {
    struct device dev;
    struct ide_channel channel[2];

    /* derived or host-side: not saved */
    struct clock *clock;
    struct dma dma;
    struct region bm_ports;
};

/* ide.c: what both kinds of drive use. */
void ide_raise(struct ide_drive *drive);          /* the drive wants INTRQ */
void ide_update_irq(struct ide_channel *channel); /* puts the selected drive's INTRQ on the wire */
void ide_finish(struct ide_drive *drive);         /* the command ends well, with an interrupt */
void ide_fail(struct ide_drive *drive, u8 error); /* it ends with ERR */
void ide_end(struct ide_drive *drive, u8 status); /* it ends without an interrupt */
void ide_signature(struct ide_drive *drive);
void ide_abandon(struct ide_drive *drive); /* stops what is under way */
/* Data phases over the buffer from `pos`: one DRQ block to or from the host, or as much as there is
 * by DMA. */
void ide_offer(struct ide_drive *drive);
void ide_request(struct ide_drive *drive, bool interrupt);
/* Requests to the image; the drive is busy until ata_step() or atapi_step() is called. */
void ide_image_read(struct ide_drive *drive, u64 offset, u32 length);
void ide_image_write(struct ide_drive *drive, u64 offset, u32 length, bool through);
void ide_image_flush(struct ide_drive *drive);
void ide_pause(struct ide_drive *drive); /* busy, no request */
/* An IDENTIFY string: `bytes` characters, padded, swapped in each word. */
void ide_put_string(u8 *at, const char *text, unsigned bytes);
/* IDENTIFY words 63 and 88: supported modes, and the one selected. */
void ide_put_modes(u8 *identify, u8 transfer_mode);
bool ide_mode_valid(u8 transfer_mode);

/* bmdma.c */
void bmdma_run(struct ide_channel *channel);
u64 bmdma_read(void *opaque, u64 offset, unsigned size);
void bmdma_write(void *opaque, u64 offset, u64 value, unsigned size);

/* ata.c and atapi.c: power-on values, a command, the end of a DRQ block, of a buffer, of a request
 * to the image. */
void ata_reset(struct ide_drive *drive);
void ata_command(struct ide_drive *drive, u8 command);
void ata_block_moved(struct ide_drive *drive);
void ata_buffer_moved(struct ide_drive *drive);
void ata_step(struct ide_drive *drive);
void ata_default_geometry(const struct ide_drive *drive, struct ide_geometry *geometry);

void atapi_reset(struct ide_drive *drive);
void atapi_command(struct ide_drive *drive, u8 command);
void atapi_block_moved(struct ide_drive *drive);
void atapi_buffer_moved(struct ide_drive *drive);
void atapi_step(struct ide_drive *drive);
void atapi_medium_changed(struct ide_drive *drive);
void atapi_eject_button(struct ide_drive *drive);

#endif
