/*
 * fdc_state.h: what fdc.c (registers, commands) and fdc_transfer.c (commands that touch the disk)
 * share. Private to them.
 */
#ifndef DEVICES_STORAGE_FDC_STATE_H
#define DEVICES_STORAGE_FDC_STATE_H

#include "devices/storage/fdc.h"

#define FDC_SECTOR 512u

/* 82077AA data sheet, 5: ST0 to ST3. */
enum {
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_SEEK_END = 0x20,
    ST0_EQUIPMENT_CHECK = 0x10,
    ST1_END_OF_CYLINDER = 0x80,
    ST1_DATA_ERROR = 0x20,
    ST1_OVERRUN = 0x10,
    ST1_NO_DATA = 0x04,
    ST1_NOT_WRITABLE = 0x02,
    ST1_MISSING_MARK = 0x01,
    ST2_CONTROL_MARK = 0x40,
    ST2_DATA_ERROR = 0x20,
    ST2_WRONG_CYLINDER = 0x10,
    ST2_SCAN_EQUAL = 0x08,
    ST2_SCAN_NOT_SATISFIED = 0x04,
};

/* Command bytes without MT, MFM and SK. */
enum {
    FDC_READ_TRACK = 0x02,
    FDC_WRITE = 0x05,
    FDC_READ = 0x06,
    FDC_WRITE_DELETED = 0x09,
    FDC_READ_ID = 0x0a,
    FDC_READ_DELETED = 0x0c,
    FDC_FORMAT = 0x0d,
    FDC_SCAN_EQUAL = 0x11,
    FDC_VERIFY = 0x16,
    FDC_SCAN_LOW_OR_EQUAL = 0x19,
    FDC_SCAN_HIGH_OR_EQUAL = 0x1d,
};
enum { COMMAND_MT = 0x80, COMMAND_MFM = 0x40, COMMAND_SK = 0x20 };

enum fdc_phase {
    FDC_PHASE_COMMAND,
    FDC_PHASE_EXECUTE,
    FDC_PHASE_RESULT,
};

/* What the execution phase does when its timer fires. */
enum fdc_step {
    STEP_BEGIN, /* look for the next sector */
    STEP_GIVE,  /* a sector has been read: on to the host */
    STEP_TAKE,  /* a sector's bytes are wanted from the host */
    STEP_WROTE, /* a sector has been written */
    STEP_READ_ID,
    STEP_COUNT,
};

enum fdc_rate { RATE_500K, RATE_300K, RATE_250K, RATE_1M };

struct fdc_format {
    u16 kilobytes;
    u8 cylinders, heads, sectors;
    enum fdc_rate rate; /* RATE_250K: 300 kbit/s too, in a faster drive */
    enum fdc_drive_type drive;
};

struct fdc_drive {
    u8 cylinder;
    bool changed; /* the disk change line */
    bool seeking; /* until SENSE INTERRUPT STATUS */
    bool seek_done;
    u8 seek_st0;
    struct timer seek_timer;

    /* derived or host-side: not saved */
    struct fdc *fdc;
    enum fdc_drive_type type;
    struct block *image;
    const struct fdc_format *format; /* NULL: no disk */
    struct activity activity;
};

struct fdc {
    struct device dev;
    struct fdc_drive drive[FDC_UNITS];
    u8 dor, tdr, rate;
    u8 phase;
    u8 command[9]; /* the command byte and its parameters */
    u8 command_length, command_wanted;
    u8 result[10];
    u8 result_length, result_pos;
    bool interrupt;
    u8 reset_senses; /* SENSE INTERRUPT STATUS answers owed after a reset */
    u8 specify[2], configuration, precompensation_track, perpendicular, last_eot;
    bool locked;

    /* Execution phase. */
    u8 step;
    u8 unit, head;      /* selected for this command */
    u8 c, h, r, n, eot; /* the sector ID looked for, and the last one of the track */
    u8 st1, st2;
    u8 format_left; /* sectors still to be formatted */
    u8 verify_left;
    u8 scan_step;
    bool tc;
    u16 size, pos; /* bytes to move for this sector, and moved */
    u16 starved;   /* tries for which the DMA channel had nothing */
    u8 io_error;
    u8 sector[FDC_SECTOR];
    u8 scan_data[FDC_SECTOR]; /* what the host gave to compare with, or for FORMAT */
    struct timer step_timer;
    struct timer reset_timer;

    /* derived or host-side: not saved */
    struct clock *clock;
    struct irq *irq;
    struct fdc_dma dma;
    struct region ports, dir_port;
    struct mapping ports_map, dir_map;
};

/* fdc.c */
void fdc_set_interrupt(struct fdc *fdc, bool on);
/* Into the result phase; with an interrupt after commands that have an execution phase. */
void fdc_result(struct fdc *fdc, unsigned length, bool interrupt);
/* The drive that a command's second byte selects; NULL: not there. */
struct fdc_drive *fdc_selected(struct fdc *fdc, unsigned unit);
bool fdc_non_dma(const struct fdc *fdc);

/* fdc_transfer.c */
void fdc_start_transfer(struct fdc *fdc); /* all its parameters are there */
void fdc_step_fired(void *opaque);
/* Non-DMA mode: bytes through the FIFO port during execution. */
bool fdc_fifo_ready(const struct fdc *fdc); /* RQM */
bool fdc_fifo_to_host(const struct fdc *fdc);
u8 fdc_fifo_read(struct fdc *fdc);
void fdc_fifo_write(struct fdc *fdc, u8 value);

#endif
