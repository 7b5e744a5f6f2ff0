/*
 * ata.c: the commands of an ATA disk.
 *
 * Documents: ATA/ATAPI-7 volume 1 (T13/1532D), ATA-4 for the older forms. Addresses by cylinder,
 * head and sector, 28 and 48 bits; PIO, multiple, DMA. Not modelled: the security,
 * host-protected-area, streaming, queued, microcode and CFA feature sets (IDENTIFY offers none of
 * them), and logs other than SMART's empty ones. A transfer that begins or ends outside the disk
 * fails as a whole, with ID not found, where a disk would first transfer what exists.
 */
#include <string.h>

#include "cpu/base/bits.h"
#include "devices/storage/ide_drive.h"

#define SECTOR          BLOCK_SECTOR
#define CHUNK_SECTORS   (IDE_BUFFER / SECTOR)
#define MAX_MULTIPLE    16
#define MAX_CYLINDERS   16383
#define DEFAULT_HEADS   16
#define DEFAULT_SECTORS 63

enum { POWER_STANDBY = 0x00, POWER_IDLE = 0x80, POWER_ACTIVE = 0xff };

enum {
    ATA_DATA_SET_MANAGEMENT = 0x06,
    ATA_WRITE_DMA_FUA_EXT = 0x3d,
    ATA_SMART = 0xb0,
    ATA_WRITE_MULTIPLE_FUA_EXT = 0xce,
    ATA_WRITE_BUFFER = 0xe8,
};

static u64 total_sectors(const struct ide_drive *drive)
{
    return drive->image ? block_size(drive->image) / SECTOR : 0;
}

void ata_default_geometry(const struct ide_drive *drive, struct ide_geometry *geometry)
{
    u64 cylinders = total_sectors(drive) / (DEFAULT_HEADS * DEFAULT_SECTORS);
    if (cylinders < 1) {
        cylinders = 1;
    }
    geometry->cylinders = (u16)(cylinders < MAX_CYLINDERS ? cylinders : MAX_CYLINDERS);
    geometry->heads = DEFAULT_HEADS;
    geometry->sectors = DEFAULT_SECTORS;
    geometry->lba_translation = cylinders > 1024;
}

void ata_reset(struct ide_drive *drive)
{
    struct ide_geometry geometry;
    ata_default_geometry(drive, &geometry);
    drive->cylinders = geometry.cylinders;
    drive->heads = geometry.heads;
    drive->sectors = geometry.sectors;
    drive->multiple = 0;
    drive->write_cache = drive->look_ahead = drive->smart = drive->smart_autosave = true;
    drive->power = POWER_ACTIVE;
}

/* ---- addresses ---- */

static u64 address(struct ide_drive *drive)
{
    const struct ide_registers *reg = &drive->reg, *high = &drive->previous;
    u64 low = reg->lba_low | reg->lba_mid << 8 | (u64)reg->lba_high << 16;

    drive->chs = !drive->lba48 && !(drive->device & DEVICE_LBA);
    if (drive->lba48) {
        return low | (u64)high->lba_low << 24 | (u64)high->lba_mid << 32 |
               (u64)high->lba_high << 40;
    }
    if (drive->device & DEVICE_LBA) {
        return low | (u64)(drive->device & 0x0f) << 24;
    }
    u64 cylinder = low >> 8, head = drive->device & 0x0f, sector = reg->lba_low;
    if (sector < 1 || sector > drive->sectors || head >= drive->heads) {
        return ~(u64)0; /* outside every disk */
    }
    return (cylinder * drive->heads + head) * drive->sectors + sector - 1;
}

static void put_address(struct ide_drive *drive, u64 lba)
{
    u8 head_or_high = (u8)(lba >> 24 & 0x0f);
    if (drive->chs) {
        u64 track = lba / drive->sectors;
        head_or_high = (u8)(track % drive->heads);
        lba = (lba % drive->sectors + 1) | (track / drive->heads & 0xffff) << 8;
    }
    drive->reg.lba_low = (u8)lba;
    drive->reg.lba_mid = (u8)(lba >> 8);
    drive->reg.lba_high = (u8)(lba >> 16);
    if (drive->lba48) {
        drive->previous.lba_low = (u8)(lba >> 24);
        drive->previous.lba_mid = (u8)(lba >> 32);
        drive->previous.lba_high = (u8)(lba >> 40);
    } else {
        drive->device = (u8)((drive->device & 0xf0) | head_or_high);
    }
}

static void put_count(struct ide_drive *drive, u32 count)
{
    drive->reg.sector_count = (u8)count;
    if (drive->lba48) {
        drive->previous.sector_count = (u8)(count >> 8);
    }
}

/* A count of zero asks for the most. */
static u32 sector_count(const struct ide_drive *drive)
{
    if (drive->lba48) {
        u32 count = drive->reg.sector_count | (u32)drive->previous.sector_count << 8;
        return count ? count : 65536;
    }
    return drive->reg.sector_count ? drive->reg.sector_count : 256;
}

/* ---- transfers ---- */

static u32 chunk_sectors(const struct ide_drive *drive)
{
    return drive->left < CHUNK_SECTORS ? drive->left : CHUNK_SECTORS;
}

/* The address registers end on the last sector, the count on zero. */
static void transfer_end(struct ide_drive *drive, bool interrupt)
{
    put_address(drive, drive->lba - 1);
    put_count(drive, 0);
    if (interrupt) {
        ide_finish(drive);
    } else {
        ide_end(drive, STATUS_DRDY | STATUS_DSC);
    }
}

static void transfer_failed(struct ide_drive *drive, u8 error)
{
    put_address(drive, drive->lba);
    put_count(drive, drive->left);
    ide_fail(drive, error);
}

static void read_chunk(struct ide_drive *drive)
{
    ide_image_read(drive, drive->lba * SECTOR, chunk_sectors(drive) * SECTOR);
}

static void request_chunk(struct ide_drive *drive, bool interrupt)
{
    drive->size = chunk_sectors(drive) * SECTOR;
    drive->pos = 0;
    ide_request(drive, interrupt);
}

static bool write_through(const struct ide_drive *drive)
{
    return !drive->write_cache || drive->command == ATA_WRITE_DMA_FUA_EXT ||
           drive->command == ATA_WRITE_MULTIPLE_FUA_EXT;
}

static void write_chunk(struct ide_drive *drive)
{
    ide_image_write(drive, drive->lba * SECTOR, drive->size, write_through(drive));
}

/* `drive->size` bytes reached their end. True: there is more. */
static bool advance(struct ide_drive *drive)
{
    u32 sectors = drive->size / SECTOR;
    drive->lba += sectors;
    drive->left -= sectors < drive->left ? sectors : drive->left;
    return drive->left > 0;
}

static void discard_ranges(struct ide_drive *drive);

static void taken(struct ide_drive *drive)
{
    if (drive->command == ATA_DATA_SET_MANAGEMENT) {
        discard_ranges(drive);
    } else {
        ide_finish(drive); /* WRITE BUFFER keeps it; a SMART log of ours is not kept */
    }
}

void ata_block_moved(struct ide_drive *drive)
{
    bool more = drive->pos < drive->size;
    switch (drive->flow) {
    case FLOW_READ:
        if (more) {
            ide_offer(drive);
        } else if (advance(drive)) {
            read_chunk(drive);
        } else {
            transfer_end(drive, false);
        }
        break;
    case FLOW_WRITE:
        if (more) {
            ide_request(drive, true);
        } else {
            write_chunk(drive);
        }
        break;
    case FLOW_TAKE:
        taken(drive);
        break;
    default:
        ide_end(drive, STATUS_DRDY | STATUS_DSC);
        break;
    }
}

void ata_buffer_moved(struct ide_drive *drive)
{
    switch (drive->flow) {
    case FLOW_READ:
        if (advance(drive)) {
            read_chunk(drive);
        } else {
            transfer_end(drive, true);
        }
        break;
    case FLOW_WRITE:
        write_chunk(drive);
        break;
    case FLOW_TAKE:
        taken(drive);
        break;
    default:
        ide_finish(drive);
        break;
    }
}

void ata_step(struct ide_drive *drive)
{
    bool failed = drive->io_error != 0;
    switch (drive->flow) {
    case FLOW_READ:
        if (failed) {
            transfer_failed(drive, ERROR_UNC);
            break;
        }
        drive->size = chunk_sectors(drive) * SECTOR;
        drive->pos = 0;
        ide_offer(drive);
        break;
    case FLOW_WRITE:
        if (failed) {
            transfer_failed(drive, ERROR_ABRT);
        } else if (advance(drive)) {
            request_chunk(drive, true);
        } else {
            transfer_end(drive, true);
        }
        break;
    default:
        if (failed) {
            ide_fail(drive, ERROR_ABRT);
        } else {
            ide_finish(drive);
        }
        break;
    }
}

/* Takes address and count from the registers. False: the command has failed. */
static bool begin_transfer(struct ide_drive *drive)
{
    u64 total = total_sectors(drive);
    drive->lba = address(drive);
    drive->left = sector_count(drive);
    drive->power = POWER_ACTIVE;
    if (drive->lba >= total || drive->left > total - drive->lba) {
        ide_fail(drive, ERROR_IDNF);
        return false;
    }
    return true;
}

enum { MOVE_WRITE = 1, MOVE_DMA = 2, MOVE_MULTIPLE = 4, MOVE_EXT = 8 };

static void transfer(struct ide_drive *drive, unsigned how)
{
    unsigned block = how & MOVE_MULTIPLE ? drive->multiple : 1;

    drive->lba48 = how & MOVE_EXT;
    drive->dma = how & MOVE_DMA;
    if (!block || ((how & MOVE_WRITE) && drive->image && block_read_only(drive->image))) {
        ide_fail(drive, ERROR_ABRT);
        return;
    }
    if (!begin_transfer(drive)) {
        return;
    }
    drive->block_bytes = block * SECTOR;
    if (how & MOVE_WRITE) {
        drive->flow = FLOW_WRITE;
        request_chunk(drive, false);
    } else {
        drive->flow = FLOW_READ;
        read_chunk(drive);
    }
}

static void verify(struct ide_drive *drive, bool lba48)
{
    drive->lba48 = lba48;
    if (begin_transfer(drive)) {
        drive->lba += drive->left;
        put_address(drive, drive->lba - 1);
        put_count(drive, 0);
        drive->flow = FLOW_WAIT;
        ide_pause(drive);
    }
}

static void seek(struct ide_drive *drive)
{
    drive->lba48 = false;
    if (address(drive) < total_sectors(drive)) {
        ide_finish(drive);
    } else {
        ide_fail(drive, ERROR_IDNF);
    }
}

static void flush(struct ide_drive *drive)
{
    drive->flow = FLOW_WAIT;
    ide_image_flush(drive);
}

/* One sector of the drive's own, made in the buffer. */
static void reply(struct ide_drive *drive)
{
    drive->flow = FLOW_REPLY;
    drive->size = drive->block_bytes = SECTOR;
    drive->pos = 0;
    ide_offer(drive);
}

static void take(struct ide_drive *drive, u32 bytes)
{
    drive->flow = FLOW_TAKE;
    drive->size = drive->block_bytes = bytes;
    drive->pos = 0;
    ide_request(drive, false);
}

/* ---- DATA SET MANAGEMENT: TRIM, ATA8-ACS 7.10 ---- */

static void discarded(void *opaque, int error)
{
    (void)opaque;
    (void)error; /* a hint */
}

static void discard_ranges(struct ide_drive *drive)
{
    u64 total = total_sectors(drive);
    for (u32 at = 0; drive->image && at + 8 <= drive->size; at += 8) {
        u64 entry = load64(drive->buffer + at), lba = entry & 0xffffffffffff, count = entry >> 48;
        if (count && lba < total && count <= total - lba) {
            block_discard(drive->image, lba * SECTOR, count * SECTOR, discarded, drive);
        }
    }
    drive->flow = FLOW_WAIT;
    ide_pause(drive);
}

static void data_set_management(struct ide_drive *drive)
{
    u32 count = drive->reg.sector_count;
    if (!(drive->reg.features & 1) || !count || count > 8 || drive->previous.sector_count ||
        !drive->image || block_read_only(drive->image)) {
        ide_fail(drive, ERROR_ABRT);
        return;
    }
    drive->dma = true;
    take(drive, count * SECTOR);
}

/* ---- IDENTIFY DEVICE: ATA-7 vol. 1, 6.17 ---- */

static void put_word(u8 *buffer, unsigned word, u32 value)
{
    store16(buffer + word * 2, (u16)value);
}

/* Feature words 82-87: what there is, then what is on. */
static void put_features(const struct ide_drive *drive, u8 *buffer)
{
    u32 always = 1 << 14 | 1 << 13 | 1 << 12 | 1 << 3;  /* NOP, buffers, power management */
    put_word(buffer, 82, always | 1 << 6 | 1 << 5 | 1); /* look-ahead, write cache, SMART */
    put_word(buffer, 83, 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10); /* flushes, 48 bits */
    put_word(buffer, 84, 1 << 14 | 1 << 6);                      /* FUA */
    put_word(buffer, 85,
             always | (u32)drive->look_ahead << 6 | (u32)drive->write_cache << 5 |
                 (u32)drive->smart);
    put_word(buffer, 86, 1 << 13 | 1 << 12 | 1 << 10);
    put_word(buffer, 87, 1 << 14 | 1 << 6);
}

static void put_capacity(const struct ide_drive *drive, u8 *buffer)
{
    struct ide_geometry geometry;
    u64 total = total_sectors(drive);
    u32 current = (u32)drive->cylinders * drive->heads * drive->sectors;

    ata_default_geometry(drive, &geometry);
    put_word(buffer, 1, geometry.cylinders);
    put_word(buffer, 3, geometry.heads);
    put_word(buffer, 4, geometry.sectors * SECTOR);
    put_word(buffer, 5, SECTOR);
    put_word(buffer, 6, geometry.sectors);
    put_word(buffer, 54, drive->cylinders);
    put_word(buffer, 55, drive->heads);
    put_word(buffer, 56, drive->sectors);
    store32(buffer + 57 * 2, current);
    store32(buffer + 60 * 2, (u32)(total < 0x0fffffff ? total : 0x0fffffff));
    store64(buffer + 100 * 2, total);
}

static void identify(struct ide_drive *drive)
{
    u8 *buffer = drive->buffer, sum = 0;

    memset(buffer, 0, SECTOR);
    put_word(buffer, 0, 0x0040); /* not removable */
    put_capacity(drive, buffer);
    ide_put_string(buffer + 10 * 2, drive->serial, 20);
    put_word(buffer, 20, 3);
    put_word(buffer, 21, CHUNK_SECTORS); /* the buffer, in sectors */
    put_word(buffer, 22, 4);
    ide_put_string(buffer + 23 * 2, "1.0", 8);
    ide_put_string(buffer + 27 * 2, "RINGSIDE HARDDISK", 40);
    put_word(buffer, 47, 0x8000 | MAX_MULTIPLE);
    put_word(buffer, 48, 1);      /* the data port takes 32 bits */
    put_word(buffer, 49, 0x0f00); /* IORDY, LBA, DMA */
    put_word(buffer, 50, 0x4000);
    ide_put_modes(buffer, drive->transfer_mode);
    put_word(buffer, 59, drive->multiple ? 0x100u | drive->multiple : 0);
    put_word(buffer, 80, 0x00f0); /* ATA/ATAPI-4 to 7 */
    put_features(drive, buffer);
    put_word(buffer, 105, 8); /* sectors of TRIM ranges */
    put_word(buffer, 169, 1); /* TRIM */
    buffer[510] = 0xa5;       /* integrity word */
    for (unsigned i = 0; i < 511; i++) {
        sum = (u8)(sum + buffer[i]);
    }
    buffer[511] = (u8)-sum;
    reply(drive);
}

/* ---- SMART: ATA-5, 8.41 ---- */

static void smart_checksum(u8 *buffer)
{
    u8 sum = 0;
    for (unsigned i = 0; i < 511; i++) {
        sum = (u8)(sum + buffer[i]);
    }
    buffer[511] = (u8)-sum;
}

/* No attributes; off-line collection never started; nothing can be self-tested. */
static void smart_data(struct ide_drive *drive)
{
    memset(drive->buffer, 0, SECTOR);
    drive->buffer[0] = 1; /* revision */
    smart_checksum(drive->buffer);
    reply(drive);
}

static void smart_log(struct ide_drive *drive)
{
    if (drive->reg.lba_low > 1 || drive->reg.sector_count != 1) { /* directory, summary of errors */
        ide_fail(drive, ERROR_ABRT);
        return;
    }
    memset(drive->buffer, 0, SECTOR);
    drive->buffer[0] = 1;
    if (drive->reg.lba_low == 1) {
        smart_checksum(drive->buffer);
    } else {
        drive->buffer[2] = 1; /* log 1 has one sector */
    }
    reply(drive);
}

static void smart(struct ide_drive *drive)
{
    u8 feature = drive->reg.features;
    if (drive->reg.lba_mid != 0x4f || drive->reg.lba_high != 0xc2 ||
        (!drive->smart && feature != 0xd8)) {
        ide_fail(drive, ERROR_ABRT);
        return;
    }
    switch (feature) {
    case 0xd0: /* READ DATA */
    case 0xd1: /* READ ATTRIBUTE THRESHOLDS */
        smart_data(drive);
        break;
    case 0xd2: /* ENABLE/DISABLE ATTRIBUTE AUTOSAVE */
        drive->smart_autosave = drive->reg.sector_count == 0xf1;
        ide_finish(drive);
        break;
    case 0xd5: /* READ LOG */
        smart_log(drive);
        break;
    case 0xd8: /* ENABLE */
    case 0xd9: /* DISABLE */
        drive->smart = feature == 0xd8;
        ide_finish(drive);
        break;
    case 0xda: /* RETURN STATUS: the signature stands for "no threshold exceeded" */
        ide_finish(drive);
        break;
    default:
        ide_fail(drive, ERROR_ABRT);
        break;
    }
}

/* ---- settings ---- */

static void set_features(struct ide_drive *drive)
{
    switch (drive->reg.features) {
    case 0x02:
        drive->write_cache = true;
        break;
    case 0x03:
        if (!ide_mode_valid(drive->reg.sector_count)) {
            ide_fail(drive, ERROR_ABRT);
            return;
        }
        drive->transfer_mode = drive->reg.sector_count;
        break;
    case 0x55:
        drive->look_ahead = false;
        break;
    case 0x66: /* keep settings over a soft reset: they are kept anyway */
    case 0xcc:
        break;
    case 0x82:
        drive->write_cache = false;
        flush(drive);
        return;
    case 0xaa:
        drive->look_ahead = true;
        break;
    default:
        ide_fail(drive, ERROR_ABRT);
        return;
    }
    ide_finish(drive);
}

static void set_multiple(struct ide_drive *drive)
{
    u8 count = drive->reg.sector_count;
    if (count > MAX_MULTIPLE || (count && !is_power_of_two(count))) {
        ide_fail(drive, ERROR_ABRT);
        return;
    }
    drive->multiple = count;
    ide_finish(drive);
}

static void initialize_parameters(struct ide_drive *drive)
{
    u8 heads = (u8)((drive->device & 0x0f) + 1), sectors = drive->reg.sector_count;
    u64 total = total_sectors(drive);
    if (!sectors) {
        ide_fail(drive, ERROR_ABRT);
        return;
    }
    u64 cylinders = total / ((u64)heads * sectors);
    drive->heads = heads;
    drive->sectors = sectors;
    drive->cylinders = (u16)(cylinders < 65535 ? cylinders : 65535);
    ide_finish(drive);
}

static void read_native_max(struct ide_drive *drive, bool lba48)
{
    u64 last = total_sectors(drive) - 1;
    drive->lba48 = lba48;
    drive->chs = !lba48 && !(drive->device & DEVICE_LBA);
    if (!lba48 && last > 0x0fffffff) {
        last = 0x0fffffff;
    }
    put_address(drive, last);
    ide_finish(drive);
}

static void set_power(struct ide_drive *drive, u8 power)
{
    drive->power = power;
    if (power == POWER_STANDBY) {
        flush(drive);
    } else {
        ide_finish(drive);
    }
}

static void check_power_mode(struct ide_drive *drive)
{
    drive->reg.sector_count = drive->power;
    ide_finish(drive);
}

static void sleep_drive(struct ide_drive *drive)
{
    drive->asleep = true;
    ide_finish(drive);
}

/* ---- commands ---- */

static bool transfer_command(struct ide_drive *drive, u8 command)
{
    static const struct {
        u8 command, how;
    } transfers[] = {
        {0x20, 0},
        {0x21, 0},
        {0x24, MOVE_EXT},
        {0x25, MOVE_EXT | MOVE_DMA},
        {0x29, MOVE_EXT | MOVE_MULTIPLE},
        {0x30, MOVE_WRITE},
        {0x31, MOVE_WRITE},
        {0x34, MOVE_WRITE | MOVE_EXT},
        {0x35, MOVE_WRITE | MOVE_EXT | MOVE_DMA},
        {0x39, MOVE_WRITE | MOVE_EXT | MOVE_MULTIPLE},
        {ATA_WRITE_DMA_FUA_EXT, MOVE_WRITE | MOVE_EXT | MOVE_DMA},
        {0xc4, MOVE_MULTIPLE},
        {0xc5, MOVE_WRITE | MOVE_MULTIPLE},
        {0xc8, MOVE_DMA},
        {0xc9, MOVE_DMA},
        {0xca, MOVE_WRITE | MOVE_DMA},
        {0xcb, MOVE_WRITE | MOVE_DMA},
        {ATA_WRITE_MULTIPLE_FUA_EXT, MOVE_WRITE | MOVE_EXT | MOVE_MULTIPLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(transfers); i++) {
        if (transfers[i].command == command) {
            transfer(drive, transfers[i].how);
            return true;
        }
    }
    return false;
}

static bool power_command(struct ide_drive *drive, u8 command)
{
    switch (command) {
    case 0x94: /* STANDBY IMMEDIATE, STANDBY */
    case 0xe0:
    case 0x96:
    case 0xe2:
        set_power(drive, POWER_STANDBY);
        return true;
    case 0x95: /* IDLE IMMEDIATE, IDLE */
    case 0xe1:
    case 0x97:
    case 0xe3:
        set_power(drive, POWER_IDLE);
        return true;
    case 0x98:
    case 0xe5:
        check_power_mode(drive);
        return true;
    case 0x99:
    case 0xe6:
        sleep_drive(drive);
        return true;
    default:
        return false;
    }
}

static bool other_command(struct ide_drive *drive, u8 command)
{
    switch (command) {
    case ATA_DATA_SET_MANAGEMENT:
        data_set_management(drive);
        return true;
    case 0x27:
        read_native_max(drive, true);
        return true;
    case 0xf8:
        read_native_max(drive, false);
        return true;
    case 0x40: /* READ VERIFY SECTORS */
    case 0x41:
        verify(drive, false);
        return true;
    case 0x42:
        verify(drive, true);
        return true;
    case 0x91:
        initialize_parameters(drive);
        return true;
    case ATA_SMART:
        smart(drive);
        return true;
    case 0xc6:
        set_multiple(drive);
        return true;
    case 0xe4: /* READ BUFFER */
        reply(drive);
        return true;
    case 0xe7: /* FLUSH CACHE, FLUSH CACHE EXT */
    case 0xea:
        flush(drive);
        return true;
    case ATA_WRITE_BUFFER:
        take(drive, SECTOR);
        return true;
    case 0xec:
        identify(drive);
        return true;
    case 0xef:
        set_features(drive);
        return true;
    default:
        return false;
    }
}

void ata_command(struct ide_drive *drive, u8 command)
{
    drive->lba48 = false;
    if ((command & 0xf0) == 0x10) { /* RECALIBRATE */
        ide_finish(drive);
    } else if ((command & 0xf0) == 0x70) {
        seek(drive);
    } else if (!transfer_command(drive, command) && !power_command(drive, command) &&
               !other_command(drive, command)) {
        if (command) { /* NOP is defined to be aborted */
            log_at(LOG_UNIMP, "ata: command %02x", command);
        }
        ide_fail(drive, ERROR_ABRT);
    }
}
