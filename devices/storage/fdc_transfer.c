/*
 * fdc_transfer.c: the floppy commands that find sectors: READ, WRITE, VERIFY, SCAN, FORMAT, READ
 * TRACK, READ ID.
 *
 * A disk is what its image is: tracks of equal MFM sectors of 512 bytes, numbered from 1, no
 * deleted ones. Each sector takes SECTOR_NS, less than a real disk. A missing disk gives an error
 * at once, where hardware waits for an index hole. WRITE DELETED DATA writes ordinary sectors;
 * FORMAT with other IDs than the image's own leaves those sectors alone.
 */
#include <errno.h>
#include <string.h>

#include "devices/storage/fdc_state.h"

#define SECTOR_NS    100000
#define STARVE_LIMIT 2000 /* tries, SECTOR_NS apart: a revolution at 300 rpm */

static u8 operation(const struct fdc *fdc)
{
    return fdc->command[0] & 0x1f;
}

static bool is_scan(const struct fdc *fdc)
{
    return operation(fdc) == FDC_SCAN_EQUAL || operation(fdc) == FDC_SCAN_LOW_OR_EQUAL ||
           operation(fdc) == FDC_SCAN_HIGH_OR_EQUAL;
}

static bool is_write(const struct fdc *fdc)
{
    return operation(fdc) == FDC_WRITE || operation(fdc) == FDC_WRITE_DELETED;
}

static bool is_read(const struct fdc *fdc)
{
    return operation(fdc) == FDC_READ || operation(fdc) == FDC_READ_DELETED ||
           operation(fdc) == FDC_READ_TRACK;
}

/* ---- ends ---- */

static void end_transfer(struct fdc *fdc, u8 st0)
{
    fdc->result[0] = (u8)(st0 | fdc->head << 2 | fdc->unit);
    fdc->result[1] = fdc->st1;
    fdc->result[2] = fdc->st2;
    fdc->result[3] = fdc->c;
    fdc->result[4] = fdc->h;
    fdc->result[5] = fdc->r;
    fdc->result[6] = fdc->n;
    timer_cancel(&fdc->step_timer);
    fdc_result(fdc, 7, true);
}

static void fail(struct fdc *fdc, u8 st1, u8 st2)
{
    fdc->st1 |= st1;
    fdc->st2 |= st2;
    end_transfer(fdc, ST0_ABNORMAL);
}

static void next_step(struct fdc *fdc, enum fdc_step step)
{
    fdc->step = step;
    timer_set(&fdc->step_timer, clock_now(fdc->clock) + SECTOR_NS);
}

/* 82077AA 5.1.2.1, table 5-4: the ID after this one. False: past the end of the cylinder. */
static bool next_id(struct fdc *fdc)
{
    if (fdc->r != fdc->eot) {
        fdc->r = (u8)(fdc->r + (is_scan(fdc) ? fdc->scan_step : 1));
        return true;
    }
    fdc->r = 1;
    if ((fdc->command[0] & COMMAND_MT) && operation(fdc) != FDC_READ_TRACK) {
        bool first_side = !(fdc->h & 1);
        fdc->h ^= 1;
        if (first_side) {
            return true;
        }
    }
    fdc->c++;
    return false;
}

/* ---- finding sectors ---- */

/* A 1.2M drive steps twice for each of a 360K disk's cylinders. */
static u8 disk_cylinder(const struct fdc_drive *drive)
{
    bool double_step = drive->type == FDC_1200K && drive->format->cylinders <= 42;
    return double_step ? drive->cylinder / 2 : drive->cylinder;
}

static bool rate_fits(const struct fdc *fdc, const struct fdc_drive *drive)
{
    enum fdc_rate rate = drive->format->rate;
    return rate == fdc->rate || (rate == RATE_250K && fdc->rate == RATE_300K);
}

/* Whether any ID can be read under the head; else ST1 says why not. */
static struct fdc_drive *readable_track(struct fdc *fdc, u8 *st1)
{
    struct fdc_drive *drive = fdc_selected(fdc, fdc->unit);
    *st1 = ST1_MISSING_MARK;
    if (!drive || !drive->image || !rate_fits(fdc, drive) || !(fdc->command[0] & COMMAND_MFM) ||
        disk_cylinder(drive) >= drive->format->cylinders || fdc->head >= drive->format->heads) {
        return NULL;
    }
    *st1 = 0;
    return drive;
}

static u64 sector_offset(const struct fdc *fdc, const struct fdc_drive *drive, u8 sector)
{
    const struct fdc_format *format = drive->format;
    u64 track = (u64)disk_cylinder(drive) * format->heads + fdc->head;
    return (track * format->sectors + sector - 1) * FDC_SECTOR;
}

/* The drive if the ID looked for is on the track, else the command has failed. */
static struct fdc_drive *find_sector(struct fdc *fdc)
{
    u8 st1;
    struct fdc_drive *drive = readable_track(fdc, &st1);
    if (!drive) {
        fail(fdc, st1, 0);
        return NULL;
    }
    bool present = fdc->r >= 1 && fdc->r <= drive->format->sectors;
    if (operation(fdc) == FDC_READ_TRACK) {
        if (!present) { /* more sectors asked for than the track has */
            fail(fdc, ST1_MISSING_MARK, 0);
            return NULL;
        }
        return drive;
    }
    if (fdc->c != disk_cylinder(drive)) {
        fail(fdc, ST1_NO_DATA, ST2_WRONG_CYLINDER);
        return NULL;
    }
    if (!present || fdc->h != fdc->head || fdc->n != 2) {
        fail(fdc, ST1_NO_DATA, 0);
        return NULL;
    }
    return drive;
}

/* ---- requests to the image ---- */

static void image_done(void *opaque, int error)
{
    struct fdc *fdc = opaque;
    fdc->io_error = error ? EIO : 0;
    timer_set(&fdc->step_timer, clock_now(fdc->clock) + SECTOR_NS);
}

/* What the image is too short for reads as zeroes. */
static void read_sector(struct fdc *fdc, struct fdc_drive *drive, u64 offset)
{
    drive->activity.reads++;
    drive->activity.bytes_read += FDC_SECTOR;
    fdc->step = STEP_GIVE;
    if (offset >= block_size(drive->image)) {
        memset(fdc->sector, 0, FDC_SECTOR);
        image_done(fdc, 0);
    } else {
        block_read(drive->image, offset, fdc->sector, FDC_SECTOR, image_done, fdc);
    }
}

static void write_sector(struct fdc *fdc, struct fdc_drive *drive, u64 offset)
{
    drive->activity.writes++;
    drive->activity.bytes_written += FDC_SECTOR;
    fdc->step = STEP_WROTE;
    block_write(drive->image, offset, fdc->sector, FDC_SECTOR, image_done, fdc);
}

/* ---- sectors ---- */

/* The head follows the ID to the other side only when there is something to do there. */
static void next_sector(struct fdc *fdc)
{
    if (operation(fdc) != FDC_READ_TRACK) {
        fdc->head = fdc->h & 1;
    }
    next_step(fdc, STEP_BEGIN);
}

/* The current sector is done: on to the next one, or to the end. */
static void sector_over(struct fdc *fdc)
{
    bool more = next_id(fdc);
    if (fdc->st2 & ST2_CONTROL_MARK) { /* READ DELETED met an ordinary sector, and stops after it */
        end_transfer(fdc, 0);
    } else if (fdc->tc) {
        end_transfer(fdc, 0);
    } else if (more) {
        next_sector(fdc);
    } else if (is_scan(fdc)) {
        fdc->st2 |= ST2_SCAN_NOT_SATISFIED;
        end_transfer(fdc, 0);
    } else {
        fail(fdc, ST1_END_OF_CYLINDER, 0);
    }
}

/* VERIFY with EC set ends after SC sectors, else at EOT: 82077AA 5.1.6. */
static void verified(struct fdc *fdc)
{
    bool counted = fdc->command[1] & 0x80;
    bool more = next_id(fdc);
    if (counted && --fdc->verify_left == 0) {
        end_transfer(fdc, 0);
    } else if (more) {
        next_sector(fdc);
    } else if (counted) {
        fail(fdc, ST1_END_OF_CYLINDER, 0);
    } else {
        end_transfer(fdc, 0);
    }
}

/* What one sector compares as; FFh from the host fits everything: 82077AA 5.1.10. */
static bool scan_matches(struct fdc *fdc, bool *equal)
{
    bool satisfied = true;
    *equal = true;
    for (unsigned i = 0; i < FDC_SECTOR; i++) {
        u8 disk = fdc->sector[i], host = fdc->scan_data[i];
        if (disk == host || disk == 0xff || host == 0xff) {
            continue;
        }
        *equal = false;
        satisfied &= operation(fdc) == FDC_SCAN_LOW_OR_EQUAL    ? disk < host
                     : operation(fdc) == FDC_SCAN_HIGH_OR_EQUAL ? disk > host
                                                                : false;
    }
    return satisfied;
}

static void scanned(struct fdc *fdc)
{
    bool equal, satisfied = scan_matches(fdc, &equal);
    if (satisfied) {
        fdc->st2 |= equal ? ST2_SCAN_EQUAL : 0;
        end_transfer(fdc, 0);
    } else if (fdc->tc) {
        fdc->st2 |= ST2_SCAN_NOT_SATISFIED;
        end_transfer(fdc, 0);
    } else {
        sector_over(fdc);
    }
}

static void want_bytes(struct fdc *fdc, u16 size);

static void format_next(struct fdc *fdc)
{
    if (!fdc->format_left || fdc->tc) {
        end_transfer(fdc, 0);
    } else {
        want_bytes(fdc, 4);
    }
}

static bool is_write_protected(const struct fdc_drive *drive)
{
    return drive->image && block_read_only(drive->image);
}

/* The host gave one sector's ID; it becomes a sector of fill bytes. */
static void format_sector(struct fdc *fdc)
{
    const u8 *id = fdc->scan_data;
    struct fdc_drive *drive = fdc_selected(fdc, fdc->unit);

    fdc->format_left--;
    if (!drive || !drive->image) {
        fail(fdc, ST1_MISSING_MARK, 0);
        return;
    }
    if (disk_cylinder(drive) >= drive->format->cylinders || fdc->head >= drive->format->heads ||
        id[0] != disk_cylinder(drive) || id[1] != fdc->head || id[2] < 1 ||
        id[2] > drive->format->sectors || id[3] != 2) {
        log_at(LOG_UNIMP, "fdc: formatting sector C %02x H %02x R %02x N %02x", id[0], id[1], id[2],
               id[3]);
        fdc->io_error = 0;
        next_step(fdc, STEP_WROTE);
        return;
    }
    memset(fdc->sector, fdc->command[5], FDC_SECTOR);
    write_sector(fdc, drive, sector_offset(fdc, drive, id[2]));
}

/* All bytes of this sector have come from the host. */
static void bytes_taken(struct fdc *fdc)
{
    if (operation(fdc) == FDC_FORMAT) {
        format_sector(fdc);
    } else if (is_scan(fdc)) {
        scanned(fdc);
    } else {
        struct fdc_drive *drive = find_sector(fdc);
        if (drive) {
            write_sector(fdc, drive, sector_offset(fdc, drive, fdc->r));
        }
    }
}

static u8 *taking_buffer(struct fdc *fdc)
{
    return is_write(fdc) ? fdc->sector : fdc->scan_data;
}

static void starve(struct fdc *fdc, enum fdc_step step)
{
    if (++fdc->starved > STARVE_LIMIT) {
        fail(fdc, ST1_OVERRUN, 0);
    } else {
        next_step(fdc, step);
    }
}

static u32 dma_move(struct fdc *fdc, u8 *buffer, bool to_memory)
{
    const u8 gate = 0x08; /* DOR: DMAGATE */
    bool tc = false;
    if (!(fdc->dor & gate)) {
        return 0;
    }
    u32 n =
        fdc->dma.transfer(fdc->dma.opaque, buffer + fdc->pos, fdc->size - fdc->pos, to_memory, &tc);
    fdc->tc |= tc;
    return n;
}

/* A terminal count within a sector ends the data; the rest is written as zeroes: 82077AA 5.1.3. */
static void take(struct fdc *fdc)
{
    u8 *buffer = taking_buffer(fdc);
    u32 n = dma_move(fdc, buffer, false);
    fdc->pos = (u16)(fdc->pos + n);
    if (fdc->tc && fdc->pos < fdc->size) {
        memset(buffer + fdc->pos, 0, fdc->size - fdc->pos);
        fdc->pos = fdc->size;
    }
    if (fdc->pos == fdc->size) {
        fdc->starved = 0;
        bytes_taken(fdc);
    } else {
        starve(fdc, STEP_TAKE);
    }
}

static void want_bytes(struct fdc *fdc, u16 size)
{
    fdc->size = size;
    fdc->pos = 0;
    fdc->step = STEP_TAKE;
    if (fdc_non_dma(fdc)) {
        fdc_set_interrupt(fdc, true);
    } else {
        take(fdc);
    }
}

static void give(struct fdc *fdc)
{
    fdc->pos = (u16)(fdc->pos + dma_move(fdc, fdc->sector, true));
    if (fdc->pos == fdc->size || fdc->tc) {
        fdc->starved = 0;
        sector_over(fdc);
    } else {
        starve(fdc, STEP_GIVE);
    }
}

/* A sector is in the buffer. */
static void sector_read(struct fdc *fdc)
{
    if (fdc->io_error) {
        fail(fdc, ST1_DATA_ERROR, ST2_DATA_ERROR);
    } else if (operation(fdc) == FDC_VERIFY) {
        verified(fdc);
    } else if (is_scan(fdc)) {
        want_bytes(fdc, FDC_SECTOR);
    } else if (fdc_non_dma(fdc)) {
        fdc_set_interrupt(fdc, true);
    } else {
        give(fdc);
    }
}

static void sector_written(struct fdc *fdc)
{
    if (fdc->io_error) {
        fail(fdc, ST1_DATA_ERROR, ST2_DATA_ERROR);
    } else if (operation(fdc) == FDC_FORMAT) {
        format_next(fdc);
    } else {
        sector_over(fdc);
    }
}

static void begin_sector(struct fdc *fdc)
{
    struct fdc_drive *drive = find_sector(fdc);
    if (!drive) {
        return;
    }
    if (is_write(fdc)) {
        if (is_write_protected(drive)) {
            fail(fdc, ST1_NOT_WRITABLE, 0);
        } else {
            want_bytes(fdc, FDC_SECTOR);
        }
        return;
    }
    if (operation(fdc) == FDC_READ_DELETED) {
        if (fdc->command[0] &
            COMMAND_SK) { /* skips every ordinary sector, and there are no others */
            fail(fdc, ST1_NO_DATA, 0);
            return;
        }
        fdc->st2 |= ST2_CONTROL_MARK;
    }
    fdc->size = FDC_SECTOR;
    fdc->pos = 0;
    read_sector(fdc, drive, sector_offset(fdc, drive, fdc->r));
}

static void begin_format(struct fdc *fdc)
{
    u8 st1;
    struct fdc_drive *drive = readable_track(fdc, &st1);
    if (!drive) {
        fail(fdc, st1, 0);
    } else if (is_write_protected(drive)) {
        fail(fdc, ST1_NOT_WRITABLE, 0);
    } else {
        format_next(fdc);
    }
}

static void read_id(struct fdc *fdc)
{
    u8 st1;
    struct fdc_drive *drive = readable_track(fdc, &st1);
    if (!drive) {
        fail(fdc, st1 | ST1_NO_DATA, 0);
        return;
    }
    fdc->c = disk_cylinder(drive);
    fdc->h = fdc->head;
    fdc->r = 1;
    fdc->n = 2;
    end_transfer(fdc, 0);
}

void fdc_step_fired(void *opaque)
{
    struct fdc *fdc = opaque;
    if (fdc->phase != FDC_PHASE_EXECUTE) {
        return;
    }
    switch (fdc->step) {
    case STEP_BEGIN:
        if (operation(fdc) == FDC_FORMAT) {
            begin_format(fdc);
        } else {
            begin_sector(fdc);
        }
        break;
    case STEP_GIVE:
        sector_read(fdc);
        break;
    case STEP_TAKE:
        take(fdc);
        break;
    case STEP_WROTE:
        sector_written(fdc);
        break;
    default:
        read_id(fdc);
        break;
    }
}

/* ---- starting ---- */

static void implied_seek(struct fdc *fdc)
{
    const u8 eis = 0x40; /* CONFIGURE: enable implied seeks */
    struct fdc_drive *drive = fdc_selected(fdc, fdc->unit);
    if (!drive || !(fdc->configuration & eis) || operation(fdc) == FDC_FORMAT ||
        operation(fdc) == FDC_READ_ID || fdc->c > 84) {
        return;
    }
    drive->cylinder = fdc->c;
    if (drive->image) {
        drive->changed = false;
    }
}

static void take_parameters(struct fdc *fdc)
{
    const u8 *p = fdc->command;
    fdc->unit = p[1] & 3;
    fdc->head = p[1] >> 2 & 1;
    fdc->st1 = fdc->st2 = 0;
    fdc->tc = false;
    fdc->starved = 0;
    fdc->size = fdc->pos = 0;
    if (operation(fdc) == FDC_READ_ID) {
        return;
    }
    if (operation(fdc) == FDC_FORMAT) {
        fdc->n = p[2];
        fdc->format_left = p[3];
        return;
    }
    fdc->c = p[2];
    fdc->h = p[3];
    fdc->r = operation(fdc) == FDC_READ_TRACK ? 1 : p[4];
    fdc->n = p[5];
    fdc->eot = fdc->last_eot = p[6];
    fdc->verify_left = p[8];
    fdc->scan_step = p[8] == 2 ? 2 : 1;
}

void fdc_start_transfer(struct fdc *fdc)
{
    take_parameters(fdc);
    implied_seek(fdc);
    fdc->phase = FDC_PHASE_EXECUTE;
    fdc_set_interrupt(fdc, false);
    next_step(fdc, operation(fdc) == FDC_READ_ID ? STEP_READ_ID : STEP_BEGIN);
}

/* ---- non-DMA mode ---- */

bool fdc_fifo_ready(const struct fdc *fdc)
{
    return fdc_non_dma(fdc) && !timer_armed(&fdc->step_timer) && fdc->pos < fdc->size &&
           (fdc->step == STEP_GIVE || fdc->step == STEP_TAKE);
}

bool fdc_fifo_to_host(const struct fdc *fdc)
{
    return is_read(fdc);
}

/* Each byte asks for attention anew, as without a FIFO. */
u8 fdc_fifo_read(struct fdc *fdc)
{
    u8 value = fdc->sector[fdc->pos++];
    fdc_set_interrupt(fdc, false);
    if (fdc->pos == fdc->size) {
        sector_over(fdc);
    } else {
        fdc_set_interrupt(fdc, true);
    }
    return value;
}

void fdc_fifo_write(struct fdc *fdc, u8 value)
{
    taking_buffer(fdc)[fdc->pos++] = value;
    fdc_set_interrupt(fdc, false);
    if (fdc->pos == fdc->size) {
        bytes_taken(fdc);
    } else {
        fdc_set_interrupt(fdc, true);
    }
}
