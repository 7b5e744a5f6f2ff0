/*
 * bmdma.c: the bus-master half of the PIIX3's IDE function.
 *
 * Documents: 82371SB data sheet, 2.7 (registers) and 3.5; Programming Interface for Bus Master IDE
 * Controller 1.0. A transfer runs when the drive is in its DMA phase and Start is set, in whichever
 * order that comes about. Not modelled: a direction bit that contradicts the command moves the data
 * as the command says, where hardware hangs.
 */
#include "cpu/base/bits.h"
#include "devices/storage/ide_drive.h"

enum { BM_START = 0x01, BM_TO_MEMORY = 0x08 };                   /* BMICX */
enum { BM_ACTIVE = 0x01, BM_ERROR = 0x02, BM_INTERRUPT = 0x04 }; /* BMISX */
#define BM_CAPABLE 0x60

#define TABLE_DESCRIPTORS 8192 /* a table does not cross a 64 KiB boundary */

static void stop(struct ide_channel *channel, bool error)
{
    channel->bm_status &= (u8)~BM_ACTIVE;
    if (error) {
        channel->bm_status |= BM_ERROR;
    }
}

/* False when there is none left, or it cannot be read. */
static bool next_descriptor(struct ide_channel *channel)
{
    u8 prd[8];
    if (channel->prd_last || channel->prd_count >= TABLE_DESCRIPTORS) {
        stop(channel, !channel->prd_last);
        return false;
    }
    if (!dma_read(&channel->ide->dma, channel->prd_next, prd, sizeof prd)) {
        stop(channel, true);
        return false;
    }
    u32 count = load16(prd + 4) & 0xfffe;
    channel->prd_addr = load32(prd) & ~1u;
    channel->prd_left = count ? count : 0x10000;
    channel->prd_last = prd[7] & 0x80;
    channel->prd_next += 8;
    channel->prd_count++;
    return true;
}

/* The part of the buffer that the current descriptor takes. */
static void move(struct ide_channel *channel, struct ide_drive *drive)
{
    u32 rest = drive->size - drive->pos;
    u32 n = rest < channel->prd_left ? rest : channel->prd_left;
    u8 *data = drive->buffer + drive->pos;
    bool ok = drive->phase == PHASE_DMA_IN
                  ? dma_write(&channel->ide->dma, channel->prd_addr, data, n)
                  : dma_read(&channel->ide->dma, channel->prd_addr, data, n);
    if (!ok) {
        channel->bm_status |= BM_ERROR;
    }
    channel->prd_addr += n;
    channel->prd_left -= n;
    drive->pos += n;
}

static struct ide_drive *drive_in_dma(struct ide_channel *channel)
{
    for (unsigned i = 0; i < 2; i++) {
        if (channel->drive[i].phase == PHASE_DMA_IN || channel->drive[i].phase == PHASE_DMA_OUT) {
            return &channel->drive[i];
        }
    }
    return NULL;
}

/* One buffer of the drive's, if it waits for one; each buffer comes after a pause, so this does not
 * recurse. */
void bmdma_run(struct ide_channel *channel)
{
    struct ide_drive *drive = drive_in_dma(channel);

    if (!drive || !(channel->bm_command & BM_START) || !(channel->bm_status & BM_ACTIVE)) {
        return;
    }
    while (drive->pos < drive->size) {
        if (!channel->prd_left && !next_descriptor(channel)) {
            return; /* the table was too short: the drive keeps waiting, until it is reset */
        }
        move(channel, drive);
    }
    if (channel->prd_last && !channel->prd_left) {
        stop(channel, false);
    }
    if (drive->kind == IDE_CDROM) {
        atapi_buffer_moved(drive);
    } else {
        ata_buffer_moved(drive);
    }
}

static void write_command(struct ide_channel *channel, u8 value)
{
    bool was = channel->bm_command & BM_START;
    channel->bm_command = value & (BM_START | BM_TO_MEMORY);
    if (!(value & BM_START)) {
        channel->bm_status &= (u8)~BM_ACTIVE;
    } else if (!was) {
        channel->bm_status |= BM_ACTIVE;
        channel->prd_next = channel->bm_table;
        channel->prd_left = 0;
        channel->prd_last = false;
        channel->prd_count = 0;
        bmdma_run(channel);
    }
}

static void write_byte(struct ide_channel *channel, unsigned offset, u8 value)
{
    switch (offset) {
    case 0:
        write_command(channel, value);
        break;
    case 2: /* error and interrupt are cleared by ones */
        channel->bm_status =
            (u8)((channel->bm_status & ~BM_CAPABLE & ~(value & (BM_ERROR | BM_INTERRUPT))) |
                 (value & BM_CAPABLE));
        break;
    case 4:
    case 5:
    case 6:
    case 7: {
        unsigned shift = (offset - 4) * 8;
        channel->bm_table =
            (u32)merge_bits(channel->bm_table, 0xffull << shift, (u64)value << shift) & ~3u;
        break;
    }
    default:
        break;
    }
}

static u8 read_byte(const struct ide_channel *channel, unsigned offset)
{
    switch (offset) {
    case 0:
        return channel->bm_command;
    case 2:
        return channel->bm_status;
    case 4:
    case 5:
    case 6:
    case 7:
        return (u8)(channel->bm_table >> ((offset - 4) * 8));
    default:
        return 0;
    }
}

u64 bmdma_read(void *opaque, u64 offset, unsigned size)
{
    struct ide *ide = opaque;
    u64 value = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = (unsigned)(offset + i) & 15;
        value |= (u64)read_byte(&ide->channel[at >> 3], at & 7) << (8 * i);
    }
    return value;
}

void bmdma_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct ide *ide = opaque;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = (unsigned)(offset + i) & 15;
        write_byte(&ide->channel[at >> 3], at & 7, (u8)(value >> (8 * i)));
    }
}
