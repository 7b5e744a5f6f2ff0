/*
 * ide.c: the two channels of the IDE function of an 82371SB (PIIX3): command and control block
 * registers, drive selection, interrupts, soft reset, the data port, and the drives' common part.
 *
 * Documents: ATA/ATAPI-7 volumes 1 and 2 (T13/1532D), 82371SB data sheet. Not modelled: the
 * channels' timing registers, overlapped and queued commands, a second drive that answers for an
 * absent first one. An absent drive's registers read as zero.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "devices/storage/ide_drive.h"

enum { CONTROL_NIEN = 0x02, CONTROL_SRST = 0x04, CONTROL_HOB = 0x80 };
enum { COMMAND_EXECUTE_DIAGNOSTIC = 0x90, COMMAND_DEVICE_RESET = 0x08 };

static struct ide *ide_of(struct device *dev)
{
    return container_of(dev, struct ide, dev);
}

static struct ide_drive *selected(struct ide_channel *channel)
{
    return &channel->drive[channel->selected];
}

/* ---- interrupts ---- */

/* Only the selected drive drives INTRQ, and nIEN floats it; the bus master notes the rising edge.
 */
void ide_update_irq(struct ide_channel *channel)
{
    bool level = selected(channel)->irq_pending && !(channel->control & CONTROL_NIEN);
    if (level == channel->irq_level) {
        return;
    }
    channel->irq_level = level;
    if (level) {
        channel->bm_status |= 0x04;
    }
    irq_set(channel->irq, level);
}

void ide_raise(struct ide_drive *drive)
{
    drive->irq_pending = true;
    ide_update_irq(drive->channel);
}

static void lower(struct ide_drive *drive)
{
    drive->irq_pending = false;
    ide_update_irq(drive->channel);
}

/* ---- ends of commands ---- */

void ide_end(struct ide_drive *drive, u8 status)
{
    drive->phase = PHASE_IDLE;
    drive->flow = FLOW_NONE;
    drive->status = status;
}

void ide_finish(struct ide_drive *drive)
{
    ide_end(drive, STATUS_DRDY | STATUS_DSC);
    ide_raise(drive);
}

void ide_fail(struct ide_drive *drive, u8 error)
{
    drive->error = error;
    ide_end(drive, STATUS_DRDY | STATUS_DSC | STATUS_ERR);
    ide_raise(drive);
}

void ide_abandon(struct ide_drive *drive)
{
    if (drive->image) {
        block_drain(drive->image);
    }
    timer_cancel(&drive->timer);
    drive->irq_pending = false;
    ide_end(drive, 0);
}

/* ATA-7 vol. 2, 9.12: what tells a packet device from a disk after a reset. */
void ide_signature(struct ide_drive *drive)
{
    bool packet = drive->kind == IDE_CDROM;
    drive->reg = (struct ide_registers){.sector_count = 1,
                                        .lba_low = 1,
                                        .lba_mid = packet ? 0x14 : 0,
                                        .lba_high = packet ? 0xeb : 0};
    drive->previous = (struct ide_registers){0};
    drive->device = DEVICE_FIXED | (drive == &drive->channel->drive[1] ? DEVICE_DEV : 0);
}

/* ---- data phases ---- */

void ide_offer(struct ide_drive *drive)
{
    drive->status = STATUS_DRDY | STATUS_DSC | STATUS_DRQ;
    if (drive->dma) {
        drive->phase = PHASE_DMA_IN;
        bmdma_run(drive->channel);
        return;
    }
    u32 rest = drive->size - drive->pos;
    drive->block_end = drive->pos + (rest < drive->block_bytes ? rest : drive->block_bytes);
    drive->phase = PHASE_IN;
    ide_raise(drive);
}

void ide_request(struct ide_drive *drive, bool interrupt)
{
    drive->status = STATUS_DRDY | STATUS_DSC | STATUS_DRQ;
    if (drive->dma) {
        drive->phase = PHASE_DMA_OUT;
        bmdma_run(drive->channel);
        return;
    }
    u32 rest = drive->size - drive->pos;
    drive->block_end = drive->pos + (rest < drive->block_bytes ? rest : drive->block_bytes);
    drive->phase = PHASE_OUT;
    if (interrupt) {
        ide_raise(drive);
    }
}

static void block_moved(struct ide_drive *drive)
{
    if (drive->kind == IDE_CDROM) {
        atapi_block_moved(drive);
    } else {
        ata_block_moved(drive);
    }
}

static u32 data_read(struct ide_drive *drive, unsigned size)
{
    u32 value = 0;
    if (drive->phase != PHASE_IN) {
        log_at(LOG_GUEST_ERROR, "ide: data port read without DRQ");
        return ~0u;
    }
    u32 rest = drive->block_end - drive->pos;
    unsigned n = size < rest ? size : rest;
    memcpy(&value, drive->buffer + drive->pos, n);
    drive->pos += n;
    if (drive->pos == drive->block_end) {
        block_moved(drive);
    }
    return value;
}

static void data_write(struct ide_drive *drive, u32 value, unsigned size)
{
    if (drive->phase != PHASE_OUT) {
        log_at(LOG_GUEST_ERROR, "ide: data port written without DRQ");
        return;
    }
    u32 rest = drive->block_end - drive->pos;
    unsigned n = size < rest ? size : rest;
    memcpy(drive->buffer + drive->pos, &value, n);
    drive->pos += n;
    if (drive->pos == drive->block_end) {
        block_moved(drive);
    }
}

/* ---- requests to the image ---- */

static void request_over(void *opaque)
{
    struct ide_drive *drive = opaque;
    if (drive->phase != PHASE_BUSY) {
        return;
    }
    if (drive->kind == IDE_CDROM) {
        atapi_step(drive);
    } else if (drive->kind == IDE_DISK) {
        ata_step(drive);
    }
}

static void image_done(void *opaque, int error)
{
    struct ide_drive *drive = opaque;
    drive->io_error = (u8)(error > 0 && error < 256 ? error : error ? EIO : 0);
    timer_set(&drive->timer, clock_now(drive->channel->ide->clock) + IDE_LATENCY_NS);
}

static void written_through(void *opaque, int error)
{
    struct ide_drive *drive = opaque;
    if (error) {
        image_done(drive, error);
    } else {
        block_flush(drive->image, image_done, drive);
    }
}

static bool begin_request(struct ide_drive *drive)
{
    drive->phase = PHASE_BUSY;
    drive->status = STATUS_BSY;
    if (!drive->image) {
        image_done(drive, ENXIO);
        return false;
    }
    return true;
}

void ide_image_read(struct ide_drive *drive, u64 offset, u32 length)
{
    if (begin_request(drive)) {
        drive->activity.reads++;
        drive->activity.bytes_read += length;
        block_read(drive->image, offset, drive->buffer, length, image_done, drive);
    }
}

void ide_image_write(struct ide_drive *drive, u64 offset, u32 length, bool through)
{
    if (begin_request(drive)) {
        drive->activity.writes++;
        drive->activity.bytes_written += length;
        block_write(drive->image, offset, drive->buffer, length,
                    through ? written_through : image_done, drive);
    }
}

void ide_image_flush(struct ide_drive *drive)
{
    if (begin_request(drive)) {
        block_flush(drive->image, image_done, drive);
    }
}

void ide_pause(struct ide_drive *drive)
{
    drive->phase = PHASE_BUSY;
    drive->status = STATUS_BSY;
    image_done(drive, 0);
}

/* ---- IDENTIFY ---- */

void ide_put_string(u8 *at, const char *text, unsigned bytes)
{
    size_t length = strlen(text);
    for (unsigned i = 0; i < bytes; i++) {
        at[i ^ 1] = (u8)(i < length ? text[i] : ' ');
    }
}

enum { MODE_PIO_FLOW = 0x08, MODE_MWDMA = 0x20, MODE_UDMA = 0x40 };

/* PIO default, PIO with flow control 0-4, multiword DMA 0-2, Ultra DMA 0-5: ATA-7 vol. 1, table 43.
 */
bool ide_mode_valid(u8 mode)
{
    return mode <= 1 || (mode >= MODE_PIO_FLOW && mode <= MODE_PIO_FLOW + 4) ||
           (mode >= MODE_MWDMA && mode <= MODE_MWDMA + 2) ||
           (mode >= MODE_UDMA && mode <= MODE_UDMA + 5);
}

void ide_put_modes(u8 *identify, u8 mode)
{
    u16 multiword = 0x07, ultra = 0x3f;
    if (mode >= MODE_UDMA) {
        ultra |= (u16)(0x100u << (mode & 7));
    } else if (mode >= MODE_MWDMA) {
        multiword |= (u16)(0x100u << (mode & 7));
    }
    store16(identify + 63 * 2, multiword);
    store16(identify + 88 * 2, ultra);
    store16(identify + 51 * 2, 0x0200);
    store16(identify + 52 * 2, 0x0200);
    store16(identify + 53 * 2, 0x0007); /* words 54-58, 64-70 and 88 are valid */
    store16(identify + 64 * 2, 0x0003); /* PIO modes 3 and 4 */
    for (unsigned word = 65; word <= 68; word++) {
        store16(identify + word * 2, 120); /* cycle times, ns */
    }
    store16(identify + 93 * 2, 0x6001); /* 80-conductor cable, found by the drive */
}

/* ---- resets and commands ---- */

static void drive_reset(struct ide_drive *drive)
{
    ide_abandon(drive);
    drive->asleep = false;
    drive->error = drive->kind == IDE_ABSENT ? 0 : 0x01; /* diagnostic passed */
    ide_signature(drive);
    if (drive->kind == IDE_DISK) {
        drive->status = STATUS_DRDY | STATUS_DSC;
    }
}

/* SRST set and cleared: both drives run their diagnostics and drive 0 is selected. */
static void soft_reset(struct ide_channel *channel)
{
    for (unsigned i = 0; i < 2; i++) {
        drive_reset(&channel->drive[i]);
    }
    channel->selected = 0;
    ide_update_irq(channel);
}

static void write_control(struct ide_channel *channel, u8 value)
{
    bool was_reset = channel->control & CONTROL_SRST;
    channel->control = value;
    if (value & CONTROL_SRST) {
        for (unsigned i = 0; !was_reset && i < 2; i++) {
            ide_abandon(&channel->drive[i]);
            channel->drive[i].status = STATUS_BSY;
        }
    } else if (was_reset) {
        soft_reset(channel);
    }
    ide_update_irq(channel);
}

/* Both drives execute it, drive 0 reports: ATA-7 vol. 1, 6.13. */
static void execute_diagnostic(struct ide_channel *channel)
{
    soft_reset(channel);
    if (channel->drive[0].kind != IDE_ABSENT) {
        ide_raise(&channel->drive[0]);
    }
}

static void write_command(struct ide_channel *channel, u8 command)
{
    struct ide_drive *drive = selected(channel);

    lower(drive);
    if (channel->control & CONTROL_SRST) {
        return;
    }
    if (drive->kind == IDE_CDROM && command == COMMAND_DEVICE_RESET) {
        drive_reset(drive);
        return;
    }
    if (drive->phase != PHASE_IDLE) {
        log_at(LOG_GUEST_ERROR, "ide: command %02x while the drive is busy", command);
        return;
    }
    if (drive->kind == IDE_ABSENT || drive->asleep) {
        return;
    }
    log_at(LOG_DEVICE, "ide: command %02x count %02x lba %02x %02x %02x device %02x", command,
           drive->reg.sector_count, drive->reg.lba_low, drive->reg.lba_mid, drive->reg.lba_high,
           drive->device);
    drive->command = command;
    drive->error = 0;
    drive->dma = false;
    if (command == COMMAND_EXECUTE_DIAGNOSTIC) {
        execute_diagnostic(channel);
    } else if (drive->kind == IDE_CDROM) {
        atapi_command(drive, command);
    } else {
        ata_command(drive, command);
    }
}

/* ---- ports ---- */

static u8 *register_at(struct ide_registers *reg, unsigned offset)
{
    u8 *at[] = {&reg->features, &reg->sector_count, &reg->lba_low, &reg->lba_mid, &reg->lba_high};
    return at[offset - 1];
}

static u8 read_register(struct ide_channel *channel, unsigned offset)
{
    struct ide_drive *drive = selected(channel);
    bool hob = channel->control & CONTROL_HOB;

    if (drive->kind == IDE_ABSENT) {
        return 0;
    }
    switch (offset) {
    case 1:
        return hob ? drive->previous.features : drive->error;
    case 6:
        return drive->device;
    case 7:
        lower(drive);
        return drive->status;
    default:
        return *register_at(hob ? &drive->previous : &drive->reg, offset);
    }
}

/* Both drives see every write; each register remembers its previous content for 48-bit commands. */
static void write_register(struct ide_channel *channel, unsigned offset, u8 value)
{
    channel->control &= (u8)~CONTROL_HOB;
    if (offset == 7) {
        write_command(channel, value);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct ide_drive *drive = &channel->drive[i];
        if (offset == 6) {
            drive->device = value | DEVICE_FIXED;
        } else {
            *register_at(&drive->previous, offset) = *register_at(&drive->reg, offset);
            *register_at(&drive->reg, offset) = value;
        }
    }
    if (offset == 6) {
        channel->selected = value & DEVICE_DEV ? 1 : 0;
        ide_update_irq(channel);
    }
}

static u64 command_ports_read(void *opaque, u64 offset, unsigned size)
{
    struct ide_channel *channel = opaque;
    u64 value = 0;

    if (offset == 0) {
        return data_read(selected(channel), size) & (~(u64)0 >> (64 - 8 * size));
    }
    for (unsigned i = 0; i < size; i++) {
        u8 byte = offset + i < 8 ? read_register(channel, (unsigned)offset + i) : 0xff;
        value |= (u64)byte << (8 * i);
    }
    return value;
}

static void command_ports_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct ide_channel *channel = opaque;

    if (offset == 0) {
        data_write(selected(channel), (u32)value, size);
        return;
    }
    for (unsigned i = 0; i < size && offset + i < 8; i++) {
        write_register(channel, (unsigned)offset + i, (u8)(value >> (8 * i)));
    }
}

static u64 control_port_read(void *opaque, u64 offset, unsigned size)
{
    struct ide_channel *channel = opaque;
    (void)offset;
    (void)size;
    return selected(channel)->kind == IDE_ABSENT ? 0 : selected(channel)->status;
}

static void control_port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)offset;
    (void)size;
    write_control(opaque, (u8)value);
}

static const struct region_ops command_ops = {
    .read = command_ports_read, .write = command_ports_write, .min_size = 1, .max_size = 4};
static const struct region_ops control_ops = {
    .read = control_port_read, .write = control_port_write, .min_size = 1, .max_size = 1};
static const struct region_ops bm_ops = {
    .read = bmdma_read, .write = bmdma_write, .min_size = 1, .max_size = 4};

/* ---- the device ---- */

static const struct field register_fields[] = {
    FIELD(struct ide_registers, features), FIELD(struct ide_registers, sector_count),
    FIELD(struct ide_registers, lba_low),  FIELD(struct ide_registers, lba_mid),
    FIELD(struct ide_registers, lba_high), FIELD_END};

static const struct field drive_fields[] = {
    FIELD_STRUCT(struct ide_drive, reg, register_fields),
    FIELD_STRUCT(struct ide_drive, previous, register_fields),
    FIELD(struct ide_drive, device),
    FIELD(struct ide_drive, status),
    FIELD(struct ide_drive, error),
    FIELD(struct ide_drive, phase),
    FIELD(struct ide_drive, flow),
    FIELD(struct ide_drive, command),
    FIELD(struct ide_drive, irq_pending),
    FIELD(struct ide_drive, dma),
    FIELD(struct ide_drive, lba48),
    FIELD(struct ide_drive, chs),
    FIELD(struct ide_drive, asleep),
    FIELD(struct ide_drive, io_error),
    FIELD(struct ide_drive, size),
    FIELD(struct ide_drive, pos),
    FIELD(struct ide_drive, block_end),
    FIELD(struct ide_drive, lba),
    FIELD(struct ide_drive, left),
    FIELD(struct ide_drive, block_bytes),
    FIELD_TIMER(struct ide_drive, timer),
    FIELD_BYTES(struct ide_drive, buffer),
    FIELD(struct ide_drive, transfer_mode),
    FIELD(struct ide_drive, multiple),
    FIELD(struct ide_drive, cylinders),
    FIELD(struct ide_drive, heads),
    FIELD(struct ide_drive, sectors),
    FIELD(struct ide_drive, write_cache),
    FIELD(struct ide_drive, look_ahead),
    FIELD(struct ide_drive, smart),
    FIELD(struct ide_drive, smart_autosave),
    FIELD(struct ide_drive, power),
    FIELD(struct ide_drive, sense_key),
    FIELD(struct ide_drive, asc),
    FIELD(struct ide_drive, ascq),
    FIELD(struct ide_drive, attention_asc),
    FIELD(struct ide_drive, report_gone),
    FIELD(struct ide_drive, tray_open),
    FIELD(struct ide_drive, locked),
    FIELD(struct ide_drive, media_event),
    FIELD(struct ide_drive, sector_bytes),
    FIELD(struct ide_drive, cd_flags),
    FIELD_END};

static const struct field channel_fields[] = {
    FIELD_STRUCTS(struct ide_channel, drive, drive_fields),
    FIELD(struct ide_channel, selected),
    FIELD(struct ide_channel, control),
    FIELD(struct ide_channel, bm_command),
    FIELD(struct ide_channel, bm_status),
    FIELD(struct ide_channel, bm_table),
    FIELD(struct ide_channel, prd_next),
    FIELD(struct ide_channel, prd_addr),
    FIELD(struct ide_channel, prd_left),
    FIELD(struct ide_channel, prd_last),
    FIELD(struct ide_channel, prd_count),
    FIELD_END};

static const struct field ide_fields[] = {FIELD_STRUCTS(struct ide, channel, channel_fields),
                                          FIELD_END};

/* Power-on state; what the drive is, and whether its tray is open, stays. */
static void power_on(struct ide_drive *drive)
{
    ide_abandon(drive);
    drive->command = drive->io_error = 0;
    drive->dma = drive->lba48 = drive->chs = false;
    drive->size = drive->pos = drive->block_end = drive->left = drive->block_bytes = 0;
    drive->lba = 0;
    memset(drive->buffer, 0, sizeof drive->buffer);
    drive->transfer_mode = 0;
    ata_reset(drive);
    atapi_reset(drive);
    drive_reset(drive);
}

static void ide_reset(struct device *dev)
{
    struct ide *ide = ide_of(dev);
    for (unsigned i = 0; i < 2; i++) {
        struct ide_channel *channel = &ide->channel[i];
        power_on(&channel->drive[0]);
        power_on(&channel->drive[1]);
        channel->selected = channel->control = 0;
        channel->bm_command = channel->bm_status = 0;
        channel->bm_table = channel->prd_next = channel->prd_addr = channel->prd_left = 0;
        channel->prd_last = false;
        channel->prd_count = 0;
        ide_update_irq(channel);
    }
}

/* A saved state comes from a file: what indexes the buffer must fit, or the command under way is
 * dropped. */
static bool drive_consistent(const struct ide_drive *drive)
{
    bool block = drive->phase == PHASE_IN || drive->phase == PHASE_OUT;
    return drive->phase < PHASE_COUNT && drive->flow < FLOW_COUNT && drive->size <= IDE_BUFFER &&
           drive->pos <= drive->size &&
           (drive->phase == PHASE_IDLE || drive->kind != IDE_ABSENT) &&
           (!block || (drive->pos < drive->block_end && drive->block_end <= drive->size)) &&
           (!drive->sector_bytes || (drive->sector_bytes >= 4 && drive->sector_bytes <= 2352)) &&
           (drive->flow != FLOW_READ || drive->kind != IDE_CDROM || drive->sector_bytes) &&
           (drive->flow == FLOW_NONE || drive->flow == FLOW_WAIT || drive->block_bytes) &&
           (drive->kind != IDE_DISK || (drive->heads && drive->sectors));
}

static void ide_loaded(struct device *dev)
{
    struct ide *ide = ide_of(dev);
    for (unsigned i = 0; i < 2; i++) {
        struct ide_channel *channel = &ide->channel[i];
        channel->selected &= 1;
        for (unsigned j = 0; j < 2; j++) {
            if (!drive_consistent(&channel->drive[j])) {
                power_on(&channel->drive[j]);
            }
        }
        bool level = selected(channel)->irq_pending && !(channel->control & CONTROL_NIEN);
        channel->irq_level = level;
        irq_set(channel->irq, level);
    }
}

static void ide_destroy(struct device *dev)
{
    struct ide *ide = ide_of(dev);
    for (unsigned i = 0; i < 2; i++) {
        struct ide_channel *channel = &ide->channel[i];
        space_unmap(&channel->command_map);
        space_unmap(&channel->control_map);
        region_destroy(&channel->command_ports);
        region_destroy(&channel->control_port);
        for (unsigned j = 0; j < 2; j++) {
            ide_abandon(&channel->drive[j]);
            block_close(channel->drive[j].image);
        }
    }
    region_destroy(&ide->bm_ports);
    free(ide);
}

static const struct device_class ide_class = {.name = "piix3-ide-channels",
                                              .version = 1,
                                              .reset = ide_reset,
                                              .destroy = ide_destroy,
                                              .loaded = ide_loaded,
                                              .fields = ide_fields};

static void create_channel(struct ide *ide, unsigned index, struct space *ports, struct irq *irq)
{
    struct ide_channel *channel = &ide->channel[index];
    channel->ide = ide;
    channel->irq = irq;
    for (unsigned i = 0; i < 2; i++) {
        channel->drive[i].channel = channel;
        timer_init(&channel->drive[i].timer, ide->clock, request_over, &channel->drive[i]);
    }
    region_init_io(&channel->command_ports, index ? "ide1" : "ide0", 8, &command_ops, channel);
    region_init_io(&channel->control_port, index ? "ide1-control" : "ide0-control", 1, &control_ops,
                   channel);
    space_map(ports, &channel->command_map, &channel->command_ports, index ? 0x170 : 0x1f0, 0);
    space_map(ports, &channel->control_map, &channel->control_port, index ? 0x376 : 0x3f6, 0);
}

struct device *ide_create(struct space *ports, struct clock *clock, const struct dma *dma,
                          struct irq *irq14, struct irq *irq15)
{
    struct ide *ide = mem_zeroed(1, sizeof *ide);
    ide->dev.class = &ide_class;
    ide->clock = clock;
    ide->dma = *dma;
    create_channel(ide, 0, ports, irq14);
    create_channel(ide, 1, ports, irq15);
    region_init_io(&ide->bm_ports, "ide-bus-master", 16, &bm_ops, ide);
    ide_reset(&ide->dev);
    return &ide->dev;
}

/* ---- drives, from outside ---- */

static struct ide_drive *unit_of(struct device *dev, unsigned unit)
{
    assert(unit < IDE_UNITS);
    return &ide_of(dev)->channel[unit / 2].drive[unit % 2];
}

static void attach(struct device *dev, unsigned unit, enum ide_kind kind, struct block *image,
                   const char *serial)
{
    struct ide_drive *drive = unit_of(dev, unit);
    assert(drive->kind == IDE_ABSENT);
    drive->kind = kind;
    drive->image = image;
    if (serial) {
        snprintf(drive->serial, sizeof drive->serial, "%s", serial);
    } else {
        snprintf(drive->serial, sizeof drive->serial, "RS%05u", unit + 1);
    }
    power_on(drive);
}

void ide_attach_disk(struct device *dev, unsigned unit, struct block *image, const char *serial)
{
    attach(dev, unit, IDE_DISK, image, serial);
}

void ide_attach_cdrom(struct device *dev, unsigned unit, struct block *medium, const char *serial)
{
    attach(dev, unit, IDE_CDROM, medium, serial);
}

bool ide_is_cdrom(struct device *dev, unsigned unit)
{
    return unit < IDE_UNITS && unit_of(dev, unit)->kind == IDE_CDROM;
}

bool ide_is_disk(struct device *dev, unsigned unit)
{
    return unit < IDE_UNITS && unit_of(dev, unit)->kind == IDE_DISK;
}

struct block *ide_image(struct device *dev, unsigned unit)
{
    return unit_of(dev, unit)->image;
}

bool ide_change_media(struct device *dev, unsigned unit, struct block *medium, bool force,
                      struct error *err)
{
    if (!ide_is_cdrom(dev, unit)) {
        return error_set(err, "IDE unit %u is not a CD-ROM drive", unit);
    }
    struct ide_drive *drive = unit_of(dev, unit);
    if (drive->locked && !force) {
        atapi_eject_button(drive);
        return error_set(err, "the guest has locked the CD-ROM drive of IDE unit %u", unit);
    }
    if (drive->image) {
        block_drain(drive->image);
    }
    block_close(drive->image);
    drive->image = medium;
    atapi_medium_changed(drive);
    return true;
}

bool ide_geometry(struct device *dev, unsigned unit, struct ide_geometry *geometry)
{
    if (!ide_is_disk(dev, unit)) {
        return false;
    }
    ata_default_geometry(unit_of(dev, unit), geometry);
    return true;
}

struct activity ide_activity(struct device *dev, unsigned unit)
{
    return unit_of(dev, unit)->activity;
}

struct region *ide_bmdma_region(struct device *dev)
{
    return &ide_of(dev)->bm_ports;
}

void ide_set_bus_master(struct device *dev, const bool *enabled)
{
    ide_of(dev)->dma.enabled = enabled;
}
