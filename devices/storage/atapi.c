/*
 * atapi.c: a DVD-ROM drive behind the PACKET command.
 *
 * Documents: ATA/ATAPI-7 (T13/1532D) for PACKET, MMC-5 (T10/1675D) and SPC-3 for the packets. The
 * disc has one session with one data track of 2048-byte sectors. Not modelled: audio, writing,
 * changers, DVD structures and keys; READ CD gives zeroes where a sector's error correction would
 * be.
 */
#include <string.h>

#include "cpu/base/bits.h"
#include "devices/storage/ide_drive.h"

#define CD_SECTOR      2048u
#define RAW_SECTOR     2352u
#define CD_MAX_SECTORS (90u * 60 * 75) /* more than that is no CD */
#define PACKET_BYTES   12
#define LEAD_OUT       0xaa
#define DATA_TRACK     0x14 /* ADR 1 (position), CONTROL 4 (data) */

/* Interrupt Reason, in the sector count register: ATA-7 vol. 2, 5.2.9. */
enum { REASON_COMMAND = 1, REASON_TO_HOST = 2 };

enum {
    SENSE_NONE,
    SENSE_NOT_READY = 2,
    SENSE_MEDIUM_ERROR = 3,
    SENSE_ILLEGAL = 5,
    SENSE_ATTENTION = 6
};

enum {
    ASC_READ_ERROR = 0x11,
    ASC_INVALID_OPCODE = 0x20,
    ASC_LBA_OUT_OF_RANGE = 0x21,
    ASC_INVALID_FIELD = 0x24,
    ASC_MEDIUM_CHANGED = 0x28,
    ASC_RESET = 0x29,
    ASC_SAVING_UNSUPPORTED = 0x39,
    ASC_NO_MEDIUM = 0x3a,
    ASC_REMOVAL_PREVENTED = 0x53,
};

enum { EVENT_NONE, EVENT_EJECT_REQUEST, EVENT_NEW_MEDIA, EVENT_REMOVAL };
enum { ATA_PACKET = 0xa0, ATA_IDENTIFY_PACKET = 0xa1 };
enum { PROFILE_NONE, PROFILE_CD_ROM = 0x08, PROFILE_DVD_ROM = 0x10 };

static u16 be16(const u8 *p)
{
    return (u16)(p[0] << 8 | p[1]);
}

static u32 be32(const u8 *p)
{
    return (u32)be16(p) << 16 | be16(p + 2);
}

static void put_be16(u8 *p, u32 value)
{
    p[0] = (u8)(value >> 8);
    p[1] = (u8)value;
}

static void put_be32(u8 *p, u32 value)
{
    put_be16(p, value >> 16);
    put_be16(p + 2, value);
}

/* ---- the disc ---- */

static bool has_disc(const struct ide_drive *drive)
{
    return drive->image && !drive->tray_open;
}

static u32 total_sectors(const struct ide_drive *drive)
{
    u64 total = has_disc(drive) ? block_size(drive->image) / CD_SECTOR : 0;
    return (u32)(total < 0xffffffff ? total : 0xffffffff);
}

static u16 profile(const struct ide_drive *drive)
{
    if (!has_disc(drive)) {
        return PROFILE_NONE;
    }
    return total_sectors(drive) > CD_MAX_SECTORS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static void put_msf(u8 *p, u32 lba)
{
    lba += 150; /* two seconds of lead-in pregap: MMC-5 4.2.3.6 */
    p[0] = (u8)(lba / 75 / 60);
    p[1] = (u8)(lba / 75 % 60);
    p[2] = (u8)(lba % 75);
}

static void put_address(u8 *p, u32 lba, bool msf)
{
    if (msf) {
        p[0] = 0;
        put_msf(p + 1, lba);
    } else {
        put_be32(p, lba);
    }
}

static void insert_disc(struct ide_drive *drive)
{
    drive->attention_asc = ASC_MEDIUM_CHANGED;
    drive->media_event = EVENT_NEW_MEDIA;
}

/* Guests notice a change only if the medium was away in between. */
void atapi_medium_changed(struct ide_drive *drive)
{
    drive->tray_open = false;
    if (drive->image) {
        insert_disc(drive);
        drive->report_gone = true;
    } else {
        drive->media_event = EVENT_REMOVAL;
    }
}

void atapi_eject_button(struct ide_drive *drive)
{
    drive->media_event = EVENT_EJECT_REQUEST;
}

void atapi_reset(struct ide_drive *drive)
{
    drive->sense_key = drive->asc = drive->ascq = 0;
    drive->attention_asc = drive->kind == IDE_CDROM ? ASC_RESET : 0;
    drive->report_gone = drive->locked = false;
    drive->media_event = EVENT_NONE;
    drive->sector_bytes = 0;
    drive->cd_flags = 0;
}

/* ---- ends and data phases of a packet ---- */

static void packet_end(struct ide_drive *drive)
{
    drive->reg.sector_count = REASON_COMMAND | REASON_TO_HOST;
    ide_finish(drive);
}

static void packet_fail(struct ide_drive *drive, u8 key, u8 asc, u8 ascq)
{
    drive->sense_key = key;
    drive->asc = asc;
    drive->ascq = ascq;
    drive->reg.sector_count = REASON_COMMAND | REASON_TO_HOST;
    ide_fail(drive, (u8)(key << 4 | (key == SENSE_ILLEGAL ? ERROR_ABRT : 0)));
}

static void invalid_field(struct ide_drive *drive)
{
    packet_fail(drive, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
}

static void offer(struct ide_drive *drive)
{
    u32 rest = drive->size - drive->pos;
    u32 n = rest < drive->block_bytes ? rest : drive->block_bytes;
    drive->reg.sector_count = REASON_TO_HOST;
    drive->reg.lba_mid = (u8)n;
    drive->reg.lba_high = (u8)(n >> 8);
    ide_offer(drive);
}

/* The first `length` bytes of the buffer, but no more than the host has room for. */
static void reply(struct ide_drive *drive, u32 length, u32 allocated)
{
    drive->flow = FLOW_REPLY;
    drive->size = length < allocated ? length : allocated;
    drive->pos = 0;
    if (drive->size) {
        offer(drive);
    } else {
        packet_end(drive);
    }
}

static u32 chunk_sectors(const struct ide_drive *drive)
{
    u32 most = IDE_BUFFER / (drive->sector_bytes > CD_SECTOR ? drive->sector_bytes : CD_SECTOR);
    return drive->left < most ? drive->left : most;
}

static void read_chunk(struct ide_drive *drive)
{
    ide_image_read(drive, drive->lba * CD_SECTOR, chunk_sectors(drive) * CD_SECTOR);
}

static void execute(struct ide_drive *drive);

void atapi_block_moved(struct ide_drive *drive)
{
    if (drive->flow == FLOW_PACKET) {
        execute(drive);
    } else if (drive->pos < drive->size) {
        offer(drive);
    } else if (drive->command == ATA_IDENTIFY_PACKET) {
        ide_end(drive, STATUS_DRDY | STATUS_DSC);
    } else {
        atapi_buffer_moved(drive);
    }
}

void atapi_buffer_moved(struct ide_drive *drive)
{
    if (drive->flow == FLOW_READ) {
        u32 sectors = drive->size / drive->sector_bytes;
        drive->lba += sectors;
        drive->left -= sectors < drive->left ? sectors : drive->left;
        if (drive->left) {
            read_chunk(drive);
            return;
        }
    }
    packet_end(drive);
}

/* ---- READ ---- */

enum { CD_SYNC = 0x80, CD_HEADER = 0x20, CD_USER_DATA = 0x10, CD_ECC = 0x08 }; /* READ CD byte 9 */

static u16 selected_bytes(u8 flags)
{
    return (u16)((flags & CD_SYNC ? 12 : 0) + (flags & CD_HEADER ? 4 : 0) +
                 (flags & CD_USER_DATA ? CD_SECTOR : 0) + (flags & CD_ECC ? 288 : 0));
}

/* The chosen parts of one mode 1 sector; returns the end of them. */
static u8 *put_sector(u8 *to, const u8 *data, u32 lba, u8 flags)
{
    if (flags & CD_SYNC) {
        memset(to, 0xff, 12);
        to[0] = to[11] = 0;
        to += 12;
    }
    if (flags & CD_HEADER) {
        put_msf(to, lba);
        to[3] = 1; /* mode 1 */
        to += 4;
    }
    if (flags & CD_USER_DATA) {
        memcpy(to, data, CD_SECTOR);
        to += CD_SECTOR;
    }
    if (flags & CD_ECC) {
        memset(to, 0, 288);
        to += 288;
    }
    return to;
}

/* In place: larger sectors from the last one on, smaller ones from the first. */
static void rearrange(struct ide_drive *drive, u32 sectors)
{
    u8 data[CD_SECTOR];
    for (u32 i = 0; i < sectors; i++) {
        u32 n = drive->sector_bytes > CD_SECTOR ? sectors - 1 - i : i;
        memcpy(data, drive->buffer + n * CD_SECTOR, CD_SECTOR);
        put_sector(drive->buffer + n * drive->sector_bytes, data, (u32)drive->lba + n,
                   drive->cd_flags);
    }
}

void atapi_step(struct ide_drive *drive)
{
    if (drive->flow != FLOW_READ) {
        packet_end(drive);
        return;
    }
    if (drive->io_error) {
        packet_fail(drive, SENSE_MEDIUM_ERROR, ASC_READ_ERROR, 0);
        return;
    }
    u32 sectors = chunk_sectors(drive);
    if (drive->cd_flags != CD_USER_DATA) {
        rearrange(drive, sectors);
    }
    drive->size = sectors * drive->sector_bytes;
    drive->pos = 0;
    offer(drive);
}

static void start_read(struct ide_drive *drive, u32 lba, u32 count, u8 flags)
{
    u32 total = total_sectors(drive);
    if (lba > total || count > total - lba) {
        packet_fail(drive, SENSE_ILLEGAL, ASC_LBA_OUT_OF_RANGE, 0);
        return;
    }
    drive->cd_flags = flags;
    drive->sector_bytes = selected_bytes(flags);
    if (!count || !drive->sector_bytes) {
        packet_end(drive);
        return;
    }
    drive->flow = FLOW_READ;
    drive->lba = lba;
    drive->left = count;
    read_chunk(drive);
}

static void read_10(struct ide_drive *drive, const u8 *packet)
{
    start_read(drive, be32(packet + 2), be16(packet + 7), CD_USER_DATA);
}

static void read_12(struct ide_drive *drive, const u8 *packet)
{
    start_read(drive, be32(packet + 2), be32(packet + 6), CD_USER_DATA);
}

static void read_cd(struct ide_drive *drive, const u8 *packet)
{
    u8 type = packet[1] >> 2 & 7, flags = packet[9];
    if ((type != 0 && type != 2) || (flags & 0x07) || (packet[10] & 7)) {
        invalid_field(drive); /* another type of sector than mode 1, C2 pointers, subchannels */
        return;
    }
    start_read(drive, be32(packet + 2), be32(packet + 5) & 0xffffff,
               flags & (CD_SYNC | CD_HEADER | CD_USER_DATA | CD_ECC));
}

static void seek(struct ide_drive *drive, const u8 *packet)
{
    if (be32(packet + 2) >= total_sectors(drive)) {
        packet_fail(drive, SENSE_ILLEGAL, ASC_LBA_OUT_OF_RANGE, 0);
    } else {
        packet_end(drive);
    }
}

/* ---- what the drive is ---- */

static void inquiry(struct ide_drive *drive, const u8 *packet)
{
    u8 *p = drive->buffer;
    if (packet[1] & 1 || packet[2]) { /* vital product data */
        invalid_field(drive);
        return;
    }
    memset(p, 0, 36);
    p[0] = 0x05; /* CD/DVD */
    p[1] = 0x80; /* removable */
    p[3] = 0x21; /* ATAPI response format */
    p[4] = 31;
    memcpy(p + 8, "RINGSIDEDVD-ROM         1.0 ", 28);
    reply(drive, 36, be16(packet + 3));
}

static void request_sense(struct ide_drive *drive, const u8 *packet)
{
    u8 *p = drive->buffer;
    if (!drive->sense_key && drive->attention_asc && !drive->report_gone) {
        drive->sense_key = SENSE_ATTENTION;
        drive->asc = drive->attention_asc;
        drive->ascq = 0;
        drive->attention_asc = 0;
    }
    memset(p, 0, 18);
    p[0] = 0x70;
    p[2] = drive->sense_key;
    p[7] = 10;
    p[12] = drive->asc;
    p[13] = drive->ascq;
    drive->sense_key = drive->asc = drive->ascq = 0;
    reply(drive, 18, packet[4]);
}

static void test_unit_ready(struct ide_drive *drive, const u8 *packet)
{
    (void)packet;
    packet_end(drive);
}

struct page_text {
    u8 code, length;
    u8 data[18];
};

/* MMC-5 7: error recovery, CD audio control, power condition, capabilities and mechanical status.
 */
static const struct page_text mode_pages[] = {
    {0x01, 6, {0x00, 0x05}},
    {0x0e, 14, {0x04}},
    {0x1a, 10, {0}},
    /* reads CD-R, CD-RW, DVD; multisession; a tray that locks and ejects; 24 x 176 kB/s; 128 KiB
       buffer */
    {0x2a, 18, {0x3b, 0, 0x70, 0, 0x29, 0, 0x10, 0x8a, 0, 0, 0, 0x80, 0x10, 0x8a}},
};

static u32 put_mode_pages(const struct ide_drive *drive, u8 *to, u8 code, bool changeable)
{
    u32 length = 0;
    for (size_t i = 0; i < ARRAY_LEN(mode_pages); i++) {
        const struct page_text *page = &mode_pages[i];
        if (code != 0x3f && code != page->code) {
            continue;
        }
        u8 *p = to + length;
        p[0] = page->code;
        p[1] = page->length;
        memcpy(p + 2, page->data, page->length);
        if (changeable) {
            memset(p + 2, 0, page->length);
        } else if (page->code == 0x2a && drive->locked) {
            p[6] |= 0x02;
        }
        length += 2u + page->length;
    }
    return length;
}

static u8 medium_type(const struct ide_drive *drive)
{
    return drive->tray_open ? 0x71 : has_disc(drive) ? 0x01 : 0x70;
}

static void mode_sense(struct ide_drive *drive, const u8 *packet, u32 header, u32 allocated)
{
    u8 control = packet[2] >> 6;
    u8 *p = drive->buffer;

    if (control == 3) {
        packet_fail(drive, SENSE_ILLEGAL, ASC_SAVING_UNSUPPORTED, 0);
        return;
    }
    memset(p, 0, header);
    u32 length = put_mode_pages(drive, p + header, packet[2] & 0x3f, control == 1);
    if (!length) {
        invalid_field(drive);
        return;
    }
    if (header == 8) {
        put_be16(p, length + header - 2);
        p[2] = medium_type(drive);
    } else {
        p[0] = (u8)(length + header - 1);
        p[1] = medium_type(drive);
    }
    reply(drive, length + header, allocated);
}

static void mode_sense_6(struct ide_drive *drive, const u8 *packet)
{
    mode_sense(drive, packet, 4, packet[4]);
}

static void mode_sense_10(struct ide_drive *drive, const u8 *packet)
{
    mode_sense(drive, packet, 8, be16(packet + 7));
}

/* ---- GET CONFIGURATION: MMC-5 6.6 ---- */

struct feature {
    u16 code;
    u8 version;
    bool persistent;
    u16 profile; /* current with a disc of this profile; 0: always */
    u8 length;
    u8 data[8];
};

static const struct feature features[] = {
    {0x0000, 0, true, 0, 8, {0, PROFILE_DVD_ROM, 0, 0, 0, PROFILE_CD_ROM, 0, 0}}, /* profiles */
    {0x0001, 1, true, 0, 8, {0, 0, 0, 2, 1, 0, 0, 0}},                            /* core: ATAPI */
    {0x0003, 0, true, 0, 4, {0x29, 0, 0, 0}},    /* removable medium */
    {0x001e, 1, false, PROFILE_CD_ROM, 4, {0}},  /* CD read */
    {0x001f, 0, false, PROFILE_DVD_ROM, 0, {0}}, /* DVD read */
    {0x0100, 0, true, 0, 0, {0}},                /* power */
};

static u32 put_feature(const struct feature *feature, u8 *p, u16 current_profile, bool current)
{
    put_be16(p, feature->code);
    p[2] = (u8)(feature->version << 2 | (feature->persistent ? 2 : 0) | (current ? 1 : 0));
    p[3] = feature->length;
    memcpy(p + 4, feature->data, feature->length);
    if (feature->code == 0x0000) { /* each profile says whether it is the current one */
        p[4 + 2] = current_profile == PROFILE_DVD_ROM;
        p[8 + 2] = current_profile == PROFILE_CD_ROM;
    }
    return 4u + feature->length;
}

static void get_configuration(struct ide_drive *drive, const u8 *packet)
{
    u8 how = packet[1] & 3;
    u16 first = be16(packet + 2), now = profile(drive);
    u8 *p = drive->buffer;
    u32 length = 8;

    if (how == 3) {
        invalid_field(drive);
        return;
    }
    memset(p, 0, 8);
    for (size_t i = 0; i < ARRAY_LEN(features); i++) {
        const struct feature *feature = &features[i];
        bool current = !feature->profile || feature->profile == now;
        if (feature->code < first || (how == 2 && feature->code != first) ||
            (how == 1 && !current)) {
            continue;
        }
        length += put_feature(feature, p + length, now, current);
    }
    put_be32(p, length - 4);
    put_be16(p + 6, now);
    reply(drive, length, be16(packet + 7));
}

/* ---- events, tray ---- */

static void get_event_status(struct ide_drive *drive, const u8 *packet)
{
    enum { CLASS_MEDIA = 4 };
    u8 *p = drive->buffer;
    u32 allocated = be16(packet + 7);

    if (!(packet[1] & 1)) { /* asynchronous notification needs queueing */
        invalid_field(drive);
        return;
    }
    memset(p, 0, 8);
    p[3] = 1 << CLASS_MEDIA;
    if (!(packet[4] & 1 << CLASS_MEDIA)) {
        put_be16(p, 2);
        p[2] = 0x80; /* no event available */
        reply(drive, 4, allocated);
        return;
    }
    put_be16(p, 6);
    p[2] = CLASS_MEDIA;
    p[4] = drive->media_event;
    p[5] = (u8)((drive->tray_open ? 1 : 0) | (has_disc(drive) ? 2 : 0));
    if (allocated > 4) {
        drive->media_event = EVENT_NONE;
    }
    reply(drive, 8, allocated);
}

static void start_stop(struct ide_drive *drive, const u8 *packet)
{
    bool start = packet[4] & 1, load_eject = packet[4] & 2;

    if (packet[4] >> 4 || !load_eject) { /* power conditions, spinning */
        packet_end(drive);
        return;
    }
    if (!start && drive->locked) {
        packet_fail(drive, SENSE_ILLEGAL, ASC_REMOVAL_PREVENTED, 2);
        return;
    }
    if (!start && !drive->tray_open) {
        drive->tray_open = true;
        drive->attention_asc = 0;
        drive->media_event = EVENT_REMOVAL;
    } else if (start && drive->tray_open) {
        drive->tray_open = false;
        if (drive->image) {
            insert_disc(drive);
        }
    }
    packet_end(drive);
}

static void prevent_allow(struct ide_drive *drive, const u8 *packet)
{
    drive->locked = packet[4] & 1;
    packet_end(drive);
}

static void mechanism_status(struct ide_drive *drive, const u8 *packet)
{
    memset(drive->buffer, 0, 8);
    drive->buffer[1] = drive->tray_open ? 0x10 : 0;
    drive->buffer[5] = 1; /* one slot */
    reply(drive, 8, be16(packet + 8));
}

static void set_speed(struct ide_drive *drive, const u8 *packet)
{
    (void)packet;
    packet_end(drive);
}

/* ---- what is on the disc ---- */

static void read_capacity(struct ide_drive *drive, const u8 *packet)
{
    (void)packet;
    put_be32(drive->buffer, total_sectors(drive) - 1);
    put_be32(drive->buffer + 4, CD_SECTOR);
    reply(drive, 8, 8);
}

static u32 put_track(u8 *p, u8 track, u32 lba, bool msf)
{
    p[0] = 0;
    p[1] = DATA_TRACK;
    p[2] = track;
    p[3] = 0;
    put_address(p + 4, lba, msf);
    return 8;
}

/* Format 2: the entries of the lead-in, always in minutes, seconds and frames. */
static u32 put_lead_in(u8 *p, u8 point, u8 minute, u8 second, u8 frame)
{
    memset(p, 0, 11);
    p[0] = 1; /* session */
    p[1] = DATA_TRACK;
    p[3] = point;
    p[8] = minute;
    p[9] = second;
    p[10] = frame;
    return 11;
}

static u32 put_toc(const struct ide_drive *drive, u8 *p, u8 format, u8 start, bool msf)
{
    u32 total = total_sectors(drive), length = 4;
    u8 end[3], begin[3];

    switch (format) {
    case 0:
        if (start <= 1) {
            length += put_track(p + length, 1, 0, msf);
        }
        return length + put_track(p + length, LEAD_OUT, total, msf);
    case 1:
        return length + put_track(p + length, 1, 0, msf);
    default:
        put_msf(end, total);
        put_msf(begin, 0);
        length += put_lead_in(p + length, 0xa0, 1, 0, 0);
        length += put_lead_in(p + length, 0xa1, 1, 0, 0);
        length += put_lead_in(p + length, 0xa2, end[0], end[1], end[2]);
        return length + put_lead_in(p + length, 1, begin[0], begin[1], begin[2]);
    }
}

static void read_toc(struct ide_drive *drive, const u8 *packet)
{
    bool msf = packet[1] & 2;
    u8 format = packet[2] & 0x0f, start = packet[6];
    u8 *p = drive->buffer;

    if (!format) {
        format = packet[9] >> 6; /* SFF-8020i had it there */
    }
    if (format > 2 || (format == 0 && start > 1 && start != LEAD_OUT) ||
        (format == 2 && start > 1)) {
        invalid_field(drive);
        return;
    }
    u32 length = put_toc(drive, p, format, start, msf);
    put_be16(p, length - 2);
    p[2] = p[3] = 1; /* first and last: track, or session */
    reply(drive, length, be16(packet + 7));
}

static void read_disc_information(struct ide_drive *drive, const u8 *packet)
{
    u8 *p = drive->buffer;
    if (packet[1] & 7) {
        invalid_field(drive);
        return;
    }
    memset(p, 0, 34);
    put_be16(p, 32);
    p[2] = 0x0e; /* finalized disc, complete session */
    p[3] = p[4] = p[5] = p[6] = 1;
    p[7] = 0x20; /* unrestricted use */
    reply(drive, 34, be16(packet + 7));
}

static void read_subchannel(struct ide_drive *drive, const u8 *packet)
{
    u8 *p = drive->buffer, format = packet[3];
    u32 length = format == 1 ? 16 : 24;

    if (!(packet[2] & 0x40)) {
        length = 4; /* no Q data asked for */
    } else if (format < 1 || format > 3) {
        invalid_field(drive);
        return;
    }
    memset(p, 0, 24);
    p[1] = 0x15; /* no audio status */
    put_be16(p + 2, length - 4);
    p[4] = format;
    if (format == 1) { /* the pickup rests at the beginning of track 1 */
        p[5] = DATA_TRACK;
        p[6] = p[7] = 1;
        put_address(p + 8, 0, packet[1] & 2);
    }
    reply(drive, length, be16(packet + 7));
}

/* ---- packets ---- */

enum { NEEDS_DISC = 1, IGNORES_ATTENTION = 2 };

static const struct packet_command {
    u8 opcode, flags;
    void (*run)(struct ide_drive *drive, const u8 *packet);
} packet_commands[] = {
    {0x00, NEEDS_DISC, test_unit_ready},
    {0x03, IGNORES_ATTENTION, request_sense},
    {0x12, IGNORES_ATTENTION, inquiry},
    {0x1a, 0, mode_sense_6},
    {0x1b, 0, start_stop},
    {0x1e, 0, prevent_allow},
    {0x25, NEEDS_DISC, read_capacity},
    {0x28, NEEDS_DISC, read_10},
    {0x2b, NEEDS_DISC, seek},
    {0x42, NEEDS_DISC, read_subchannel},
    {0x43, NEEDS_DISC, read_toc},
    {0x46, IGNORES_ATTENTION, get_configuration},
    {0x4a, IGNORES_ATTENTION, get_event_status},
    {0x51, NEEDS_DISC, read_disc_information},
    {0x5a, 0, mode_sense_10},
    {0xa8, NEEDS_DISC, read_12},
    {0xbb, 0, set_speed},
    {0xbd, 0, mechanism_status},
    {0xbe, NEEDS_DISC, read_cd},
};

/* True: the packet ends here, with the news that the drive was reset or its disc changed:
 * SPC-3 4.5.6. */
static bool attention(struct ide_drive *drive, const struct packet_command *command)
{
    if (command->flags & IGNORES_ATTENTION) {
        return false;
    }
    if (drive->report_gone) {
        drive->report_gone = false;
        packet_fail(drive, SENSE_NOT_READY, ASC_NO_MEDIUM, 0);
        return true;
    }
    if (drive->attention_asc) {
        u8 asc = drive->attention_asc;
        drive->attention_asc = 0;
        packet_fail(drive, SENSE_ATTENTION, asc, 0);
        return true;
    }
    return false;
}

static const struct packet_command *find_packet(u8 opcode)
{
    for (size_t i = 0; i < ARRAY_LEN(packet_commands); i++) {
        if (packet_commands[i].opcode == opcode) {
            return &packet_commands[i];
        }
    }
    return NULL;
}

static void execute(struct ide_drive *drive)
{
    u8 packet[PACKET_BYTES];
    memcpy(packet, drive->buffer, sizeof packet);
    const struct packet_command *command = find_packet(packet[0]);

    log_at(LOG_DEVICE, "atapi: packet %02x %02x %02x%02x%02x%02x %02x%02x%02x", packet[0],
           packet[1], packet[2], packet[3], packet[4], packet[5], packet[6], packet[7], packet[8]);
    drive->dma = drive->reg.features & 1;
    drive->flow = FLOW_NONE;
    if (packet[0] != 0x03) {
        drive->sense_key = drive->asc = drive->ascq = 0;
    }
    if (!command) {
        log_at(LOG_UNIMP, "atapi: packet command %02x", packet[0]);
        packet_fail(drive, SENSE_ILLEGAL, ASC_INVALID_OPCODE, 0);
    } else if (attention(drive, command)) {
        return;
    } else if ((command->flags & NEEDS_DISC) && !has_disc(drive)) {
        /* MMC-5 annex F: 3A/01 tray closed, 3A/02 tray open */
        packet_fail(drive, SENSE_NOT_READY, ASC_NO_MEDIUM, drive->tray_open ? 2 : 1);
    } else {
        command->run(drive, packet);
    }
}

/* ---- ATA commands of a packet device ---- */

/* Waits for 12 bytes, without an interrupt; their data goes in blocks of the byte count the host
 * has set. */
static void begin_packet(struct ide_drive *drive)
{
    u32 limit = drive->reg.lba_mid | (u32)drive->reg.lba_high << 8;
    drive->flow = FLOW_PACKET;
    drive->size = drive->block_bytes = PACKET_BYTES;
    drive->pos = 0;
    drive->reg.sector_count = REASON_COMMAND;
    ide_request(drive, false);
    drive->block_bytes = limit < 2 || limit == 0xffff ? 0xfffe : limit & 0xfffe;
}

static void put_word(u8 *buffer, unsigned word, u32 value)
{
    store16(buffer + word * 2, (u16)value);
}

/* ATA-7 vol. 1, 6.18 */
static void identify_packet(struct ide_drive *drive)
{
    u8 *buffer = drive->buffer;
    memset(buffer, 0, 512);
    put_word(buffer, 0, 0x85c0); /* ATAPI CD-ROM, removable, DRQ within 50 us, 12-byte packets */
    ide_put_string(buffer + 10 * 2, drive->serial, 20);
    ide_put_string(buffer + 23 * 2, "1.0", 8);
    ide_put_string(buffer + 27 * 2, "RINGSIDE DVD-ROM", 40);
    put_word(buffer, 48, 1);
    put_word(buffer, 49, 0x0f00); /* IORDY, LBA, DMA */
    put_word(buffer, 50, 0x4000);
    ide_put_modes(buffer, drive->transfer_mode);
    put_word(buffer, 80, 0x00f0);
    put_word(buffer, 82, 1 << 14 | 1 << 9 | 1 << 4 | 1 << 3); /* NOP, DEVICE RESET, PACKET, power */
    put_word(buffer, 83, 1 << 14);
    put_word(buffer, 84, 1 << 14);
    put_word(buffer, 85, 1 << 14 | 1 << 9 | 1 << 4 | 1 << 3);
    put_word(buffer, 87, 1 << 14);
    drive->flow = FLOW_REPLY;
    drive->size = drive->block_bytes = 512;
    drive->pos = 0;
    ide_offer(drive);
}

static void set_features(struct ide_drive *drive)
{
    u8 feature = drive->reg.features, mode = drive->reg.sector_count;
    if (feature == 0x03 && ide_mode_valid(mode)) {
        drive->transfer_mode = mode;
        ide_finish(drive);
    } else if (feature == 0x66 || feature == 0xcc) {
        ide_finish(drive);
    } else {
        ide_fail(drive, ERROR_ABRT);
    }
}

static void power_command(struct ide_drive *drive, u8 command)
{
    if (command == 0xe5) { /* CHECK POWER MODE: active */
        drive->reg.sector_count = 0xff;
    } else if (command == 0xe6) {
        drive->asleep = true;
    }
    ide_finish(drive);
}

void atapi_command(struct ide_drive *drive, u8 command)
{
    switch (command) {
    case ATA_PACKET:
        begin_packet(drive);
        break;
    case ATA_IDENTIFY_PACKET:
        identify_packet(drive);
        break;
    case 0xef:
        set_features(drive);
        break;
    case 0xe0: /* STANDBY IMMEDIATE, IDLE IMMEDIATE, CHECK POWER MODE, SLEEP */
    case 0xe1:
    case 0xe5:
    case 0xe6:
        power_command(drive, command);
        break;
    case 0x20: /* READ SECTORS, IDENTIFY DEVICE: the signature says what to ask instead */
    case 0xec:
        ide_signature(drive);
        ide_fail(drive, ERROR_ABRT);
        break;
    default:
        ide_fail(drive, ERROR_ABRT);
        break;
    }
}
