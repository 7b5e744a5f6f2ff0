/*
 * fdc.c: registers and commands of a floppy controller, 82077AA with the identification commands of
 * the 82078, wired as in a PC-AT (no status registers A and B, interrupt and DMA gated by DOR).
 *
 * Documents: Intel 82077AA data sheet (290166), 82078 data sheet (290468). Not modelled: motors and
 * head load (a drive is always up to speed), power-down modes, SAVE, RESTORE and OPTION of the
 * 82078, tape drives, step rates (a seek takes the same time whatever its way).
 */
#include "devices/storage/fdc.h"

#include <assert.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "devices/storage/fdc_state.h"

#define SEEK_NS  500000
#define RESET_NS 50000

enum { DOR_NRESET = 0x04, DOR_DMAGATE = 0x08 };
enum { DSR_SW_RESET = 0x80 };
enum { MSR_RQM = 0x80, MSR_DIO = 0x40, MSR_NON_DMA = 0x20, MSR_BUSY = 0x10 };
enum { CONFIGURE_EFIFO = 0x20, CONFIGURE_POLL = 0x10 };
enum { ST3_WRITE_PROTECT = 0x40, ST3_READY = 0x20, ST3_TRACK_0 = 0x10, ST3_TWO_SIDE = 0x08 };

#define LAST_CYLINDER 84 /* where the heads stop */

static struct fdc *fdc_of(struct device *dev)
{
    return container_of(dev, struct fdc, dev);
}

struct fdc_drive *fdc_selected(struct fdc *fdc, unsigned unit)
{
    return unit < FDC_UNITS && fdc->drive[unit].type ? &fdc->drive[unit] : NULL;
}

bool fdc_non_dma(const struct fdc *fdc)
{
    return fdc->specify[1] & 1;
}

static void update_irq(struct fdc *fdc)
{
    irq_set(fdc->irq, fdc->interrupt && (fdc->dor & DOR_DMAGATE));
}

void fdc_set_interrupt(struct fdc *fdc, bool on)
{
    fdc->interrupt = on;
    update_irq(fdc);
}

void fdc_result(struct fdc *fdc, unsigned length, bool interrupt)
{
    fdc->phase = length ? FDC_PHASE_RESULT : FDC_PHASE_COMMAND;
    fdc->result_length = (u8)length;
    fdc->result_pos = 0;
    fdc->command_length = 0;
    if (interrupt) {
        fdc_set_interrupt(fdc, true);
    }
}

/* ---- reset ---- */

static void stop(struct fdc *fdc)
{
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        struct fdc_drive *drive = &fdc->drive[i];
        if (drive->image) {
            block_drain(drive->image);
        }
        timer_cancel(&drive->seek_timer);
        drive->seeking = drive->seek_done = false;
    }
    timer_cancel(&fdc->step_timer);
    timer_cancel(&fdc->reset_timer);
    fdc->phase = FDC_PHASE_COMMAND;
    fdc->command_length = fdc->result_length = fdc->result_pos = 0;
    fdc->reset_senses = 0;
    fdc_set_interrupt(fdc, false);
}

/* 82077AA 4.2: by DOR or DSR; LOCK keeps CONFIGURE's values. */
static void controller_reset(struct fdc *fdc)
{
    stop(fdc);
    if (!fdc->locked) {
        fdc->configuration = CONFIGURE_EFIFO;
        fdc->precompensation_track = 0;
    }
    timer_set(&fdc->reset_timer, clock_now(fdc->clock) + RESET_NS);
}

/* Polling finds that all four drives have "become ready": 82077AA 7.3. */
static void reset_over(void *opaque)
{
    struct fdc *fdc = opaque;
    if (!(fdc->configuration & CONFIGURE_POLL)) {
        fdc->reset_senses = 4;
        fdc_set_interrupt(fdc, true);
    }
}

/* ---- commands without a data phase ---- */

static void invalid_command(struct fdc *fdc)
{
    log_at(LOG_GUEST_ERROR, "fdc: invalid command %02x", fdc->command[0]);
    fdc->result[0] = ST0_INVALID;
    fdc_result(fdc, 1, false);
}

static void specify(struct fdc *fdc)
{
    fdc->specify[0] = fdc->command[1];
    fdc->specify[1] = fdc->command[2];
    fdc_result(fdc, 0, false);
}

static void sense_drive(struct fdc *fdc)
{
    struct fdc_drive *drive = fdc_selected(fdc, fdc->command[1] & 3);
    u8 st3 = (u8)((fdc->command[1] & 7) | ST3_READY | ST3_TWO_SIDE);
    if (drive && drive->cylinder == 0) {
        st3 |= ST3_TRACK_0;
    }
    if (drive && drive->image && block_read_only(drive->image)) {
        st3 |= ST3_WRITE_PROTECT;
    }
    fdc->result[0] = st3;
    fdc_result(fdc, 1, false);
}

static bool sense_reset(struct fdc *fdc)
{
    if (!fdc->reset_senses) {
        return false;
    }
    unsigned unit = 4u - fdc->reset_senses--;
    fdc->result[0] = (u8)(0xc0 | unit);
    fdc->result[1] = unit < FDC_UNITS ? fdc->drive[unit].cylinder : 0;
    return true;
}

static bool sense_seek(struct fdc *fdc)
{
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        struct fdc_drive *drive = &fdc->drive[i];
        if (drive->seek_done) {
            drive->seek_done = drive->seeking = false;
            fdc->result[0] = drive->seek_st0;
            fdc->result[1] = drive->cylinder;
            return true;
        }
    }
    return false;
}

static void sense_interrupt(struct fdc *fdc)
{
    bool more = false;
    if (!sense_reset(fdc) && !sense_seek(fdc)) {
        invalid_command(fdc);
        return;
    }
    fdc_set_interrupt(fdc, false);
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        more |= fdc->drive[i].seek_done;
    }
    fdc_result(fdc, 2, more && !fdc->reset_senses);
}

static void seek_over(void *opaque)
{
    struct fdc_drive *drive = opaque;
    drive->seek_done = true;
    fdc_set_interrupt(drive->fdc, true);
}

/* Step pulses with a disk in the drive clear the disk change line. */
static void move_heads(struct fdc *fdc, unsigned unit, int cylinder)
{
    struct fdc_drive *drive = &fdc->drive[unit];
    drive->cylinder = (u8)(cylinder < 0 ? 0 : cylinder > LAST_CYLINDER ? LAST_CYLINDER : cylinder);
    if (drive->image) {
        drive->changed = false;
    }
}

static void begin_seek(struct fdc *fdc, int cylinder)
{
    unsigned select = fdc->command[1] & 7, unit = select & 3;
    struct fdc_drive *drive = &fdc->drive[unit % FDC_UNITS];

    if (fdc_selected(fdc, unit)) {
        move_heads(fdc, unit, cylinder);
        drive->seek_st0 = (u8)(ST0_SEEK_END | select);
    } else { /* track 0 is never seen */
        drive->seek_st0 = (u8)(ST0_ABNORMAL | ST0_SEEK_END | ST0_EQUIPMENT_CHECK | select);
    }
    drive->seeking = true;
    drive->seek_done = false;
    timer_set(&drive->seek_timer, clock_now(fdc->clock) + SEEK_NS);
    fdc_result(fdc, 0, false);
}

static void recalibrate(struct fdc *fdc)
{
    fdc->command[1] &= 3;
    begin_seek(fdc, 0);
}

static void seek(struct fdc *fdc)
{
    begin_seek(fdc, fdc->command[2]);
}

static void relative_seek(struct fdc *fdc)
{
    struct fdc_drive *drive = fdc_selected(fdc, fdc->command[1] & 3);
    int from = drive ? drive->cylinder : 0;
    bool inwards = fdc->command[0] & 0x40;
    begin_seek(fdc, inwards ? from + fdc->command[2] : from - fdc->command[2]);
}

static u8 lock_and_perpendicular(const struct fdc *fdc)
{
    return (u8)((fdc->locked ? 0x80 : 0) | (fdc->perpendicular & 0x3f));
}

static void dump_registers(struct fdc *fdc)
{
    memset(fdc->result, 0, sizeof fdc->result);
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        fdc->result[i] = fdc->drive[i].cylinder;
    }
    fdc->result[4] = fdc->specify[0];
    fdc->result[5] = fdc->specify[1];
    fdc->result[6] = fdc->last_eot;
    fdc->result[7] = lock_and_perpendicular(fdc);
    fdc->result[8] = fdc->configuration;
    fdc->result[9] = fdc->precompensation_track;
    fdc_result(fdc, 10, false);
}

static void version(struct fdc *fdc)
{
    fdc->result[0] = 0x90; /* an enhanced controller */
    fdc_result(fdc, 1, false);
}

static void part_id(struct fdc *fdc)
{
    fdc->result[0] = 0x41; /* 82078, stepping 1 */
    fdc_result(fdc, 1, false);
}

/* Bit 7 lets the drives' bits 2-5 be written. */
static void perpendicular_mode(struct fdc *fdc)
{
    u8 value = fdc->command[1], mask = value & 0x80 ? 0x3f : 0x03;
    fdc->perpendicular = (u8)((fdc->perpendicular & ~mask) | (value & mask));
    fdc_result(fdc, 0, false);
}

static void configure(struct fdc *fdc)
{
    fdc->configuration = fdc->command[2] & 0x7f;
    fdc->precompensation_track = fdc->command[3];
    fdc_result(fdc, 0, false);
}

static void lock(struct fdc *fdc)
{
    fdc->locked = fdc->command[0] & 0x80;
    fdc->result[0] = fdc->locked ? 0x10 : 0;
    fdc_result(fdc, 1, false);
}

static void power_down_mode(struct fdc *fdc)
{
    fdc->result[0] = fdc->command[1];
    fdc_result(fdc, 1, false);
}

/* 82078 6.2.13: parameters until one has DN (80h); NRP (40h) asks for no result. */
static void drive_specification(struct fdc *fdc)
{
    u8 last = fdc->command[fdc->command_length - 1];
    if (!(last & 0x80) && fdc->command_length < 6) {
        fdc->command_wanted++;
        return;
    }
    memset(fdc->result, 0, 4);
    fdc_result(fdc, last & 0x40 ? 0 : 4, false);
}

/* ---- the command table ---- */

static const struct fdc_command {
    u8 mask, value, length; /* length with the command byte */
    void (*run)(struct fdc *fdc);
} commands[] = {
    {0x9f, FDC_READ_TRACK, 9, fdc_start_transfer},
    {0xff, 0x03, 3, specify},
    {0xff, 0x04, 2, sense_drive},
    {0x3f, FDC_WRITE, 9, fdc_start_transfer},
    {0x1f, FDC_READ, 9, fdc_start_transfer},
    {0xff, 0x07, 2, recalibrate},
    {0xff, 0x08, 1, sense_interrupt},
    {0x3f, FDC_WRITE_DELETED, 9, fdc_start_transfer},
    {0xbf, FDC_READ_ID, 2, fdc_start_transfer},
    {0x1f, FDC_READ_DELETED, 9, fdc_start_transfer},
    {0xbf, FDC_FORMAT, 6, fdc_start_transfer},
    {0xff, 0x0e, 1, dump_registers},
    {0xff, 0x0f, 3, seek},
    {0xbf, 0x8f, 3, relative_seek},
    {0xff, 0x10, 1, version},
    {0x1f, FDC_SCAN_EQUAL, 9, fdc_start_transfer},
    {0xff, 0x12, 2, perpendicular_mode},
    {0xff, 0x13, 4, configure},
    {0x7f, 0x14, 1, lock},
    {0x1f, FDC_VERIFY, 9, fdc_start_transfer},
    {0xff, 0x17, 2, power_down_mode},
    {0xff, 0x18, 1, part_id},
    {0x1f, FDC_SCAN_LOW_OR_EQUAL, 9, fdc_start_transfer},
    {0x1f, FDC_SCAN_HIGH_OR_EQUAL, 9, fdc_start_transfer},
    {0xff, 0x8e, 2, drive_specification},
};

static const struct fdc_command *find_command(u8 byte)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if ((byte & commands[i].mask) == commands[i].value) {
            return &commands[i];
        }
    }
    return NULL;
}

static void log_command(const struct fdc *fdc)
{
    log_at(LOG_DEVICE, "fdc: command %02x drive %02x C %02x H %02x R %02x N %02x EOT %02x",
           fdc->command[0], fdc->command[1], fdc->command[2], fdc->command[3], fdc->command[4],
           fdc->command[5], fdc->command[6]);
}

static void command_byte(struct fdc *fdc, u8 value)
{
    if (fdc->command_length == 0) {
        memset(fdc->command, 0, sizeof fdc->command);
        const struct fdc_command *command = find_command(value);
        fdc->command_wanted = command ? command->length : 1;
    }
    fdc->command[fdc->command_length++] = value;
    if (fdc->command_length < fdc->command_wanted) {
        return;
    }
    const struct fdc_command *command = find_command(fdc->command[0]);
    log_command(fdc);
    if (command) {
        command->run(fdc);
    } else {
        invalid_command(fdc);
    }
}

/* ---- registers ---- */

static bool in_reset(const struct fdc *fdc)
{
    return !(fdc->dor & DOR_NRESET);
}

static u8 main_status(const struct fdc *fdc)
{
    u8 msr = 0;
    if (in_reset(fdc)) {
        return 0;
    }
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        msr |= (u8)(fdc->drive[i].seeking << i);
    }
    switch (fdc->phase) {
    case FDC_PHASE_COMMAND:
        return timer_armed(&fdc->reset_timer)
                   ? 0
                   : (u8)(msr | MSR_RQM | (fdc->command_length ? MSR_BUSY : 0));
    case FDC_PHASE_RESULT:
        return msr | MSR_RQM | MSR_DIO | MSR_BUSY;
    default:
        msr |= MSR_BUSY;
        if (fdc_non_dma(fdc)) {
            msr |= MSR_NON_DMA | (fdc_fifo_to_host(fdc) ? MSR_DIO : 0) |
                   (fdc_fifo_ready(fdc) ? MSR_RQM : 0);
        }
        return msr;
    }
}

static u8 read_fifo(struct fdc *fdc)
{
    if (fdc->phase == FDC_PHASE_EXECUTE && fdc_fifo_ready(fdc) && fdc_fifo_to_host(fdc)) {
        return fdc_fifo_read(fdc);
    }
    if (fdc->phase != FDC_PHASE_RESULT) {
        log_at(LOG_GUEST_ERROR, "fdc: FIFO read with nothing in it");
        return 0;
    }
    if (fdc->result_pos == 0 && fdc->interrupt && !fdc->reset_senses) {
        fdc_set_interrupt(fdc, false);
        for (unsigned i = 0; i < FDC_UNITS; i++) {
            if (fdc->drive[i].seek_done) {
                fdc_set_interrupt(fdc, true);
            }
        }
    }
    u8 value = fdc->result[fdc->result_pos++];
    if (fdc->result_pos == fdc->result_length) {
        fdc_result(fdc, 0, false);
    }
    return value;
}

static void write_fifo(struct fdc *fdc, u8 value)
{
    if (in_reset(fdc) || timer_armed(&fdc->reset_timer)) {
        return;
    }
    if (fdc->phase == FDC_PHASE_EXECUTE && fdc_fifo_ready(fdc) && !fdc_fifo_to_host(fdc)) {
        fdc_fifo_write(fdc, value);
    } else if (fdc->phase == FDC_PHASE_COMMAND) {
        command_byte(fdc, value);
    } else {
        log_at(LOG_GUEST_ERROR, "fdc: FIFO written out of turn");
    }
}

static void write_dor(struct fdc *fdc, u8 value)
{
    bool was_reset = in_reset(fdc);
    fdc->dor = value;
    if (in_reset(fdc)) {
        stop(fdc);
    } else if (was_reset) {
        controller_reset(fdc);
    }
    update_irq(fdc);
}

static void write_dsr(struct fdc *fdc, u8 value)
{
    fdc->rate = value & 3;
    if ((value & DSR_SW_RESET) && !in_reset(fdc)) {
        controller_reset(fdc);
    }
}

static u64 ports_read(void *opaque, u64 offset, unsigned size)
{
    struct fdc *fdc = opaque;
    (void)size;
    switch (offset) {
    case 2:
        return fdc->dor;
    case 3:
        return fdc->tdr;
    case 4:
        return main_status(fdc);
    case 5:
        return read_fifo(fdc);
    default:
        return 0xff;
    }
}

static void ports_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct fdc *fdc = opaque;
    (void)size;
    switch (offset) {
    case 2:
        write_dor(fdc, (u8)value);
        break;
    case 3:
        fdc->tdr = value & 3;
        break;
    case 4:
        write_dsr(fdc, (u8)value);
        break;
    case 5:
        write_fifo(fdc, (u8)value);
        break;
    default:
        break;
    }
}

/* DIR: the selected drive's disk change line; CCR: the data rate. */
static u64 dir_read(void *opaque, u64 offset, unsigned size)
{
    struct fdc *fdc = opaque;
    struct fdc_drive *drive = fdc_selected(fdc, fdc->dor & 3);
    (void)offset;
    (void)size;
    return drive && drive->changed ? 0x80 : 0;
}

static void ccr_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct fdc *fdc = opaque;
    (void)offset;
    (void)size;
    fdc->rate = value & 3;
}

static const struct region_ops ports_ops = {
    .read = ports_read, .write = ports_write, .min_size = 1, .max_size = 1};
static const struct region_ops dir_ops = {
    .read = dir_read, .write = ccr_write, .min_size = 1, .max_size = 1};

/* ---- the device ---- */

static const struct field drive_fields[] = {FIELD(struct fdc_drive, cylinder),
                                            FIELD(struct fdc_drive, changed),
                                            FIELD(struct fdc_drive, seeking),
                                            FIELD(struct fdc_drive, seek_done),
                                            FIELD(struct fdc_drive, seek_st0),
                                            FIELD_TIMER(struct fdc_drive, seek_timer),
                                            FIELD_END};

static const struct field fdc_fields[] = {FIELD_STRUCTS(struct fdc, drive, drive_fields),
                                          FIELD(struct fdc, dor),
                                          FIELD(struct fdc, tdr),
                                          FIELD(struct fdc, rate),
                                          FIELD(struct fdc, phase),
                                          FIELD_BYTES(struct fdc, command),
                                          FIELD(struct fdc, command_length),
                                          FIELD(struct fdc, command_wanted),
                                          FIELD_BYTES(struct fdc, result),
                                          FIELD(struct fdc, result_length),
                                          FIELD(struct fdc, result_pos),
                                          FIELD(struct fdc, interrupt),
                                          FIELD(struct fdc, reset_senses),
                                          FIELD_BYTES(struct fdc, specify),
                                          FIELD(struct fdc, configuration),
                                          FIELD(struct fdc, precompensation_track),
                                          FIELD(struct fdc, perpendicular),
                                          FIELD(struct fdc, last_eot),
                                          FIELD(struct fdc, locked),
                                          FIELD(struct fdc, step),
                                          FIELD(struct fdc, unit),
                                          FIELD(struct fdc, head),
                                          FIELD(struct fdc, c),
                                          FIELD(struct fdc, h),
                                          FIELD(struct fdc, r),
                                          FIELD(struct fdc, n),
                                          FIELD(struct fdc, eot),
                                          FIELD(struct fdc, st1),
                                          FIELD(struct fdc, st2),
                                          FIELD(struct fdc, format_left),
                                          FIELD(struct fdc, verify_left),
                                          FIELD(struct fdc, scan_step),
                                          FIELD(struct fdc, tc),
                                          FIELD(struct fdc, size),
                                          FIELD(struct fdc, pos),
                                          FIELD(struct fdc, starved),
                                          FIELD(struct fdc, io_error),
                                          FIELD_BYTES(struct fdc, sector),
                                          FIELD_BYTES(struct fdc, scan_data),
                                          FIELD_TIMER(struct fdc, step_timer),
                                          FIELD_TIMER(struct fdc, reset_timer),
                                          FIELD_END};

static void reset_transfer(struct fdc *fdc)
{
    fdc->step = fdc->unit = fdc->head = 0;
    fdc->c = fdc->h = fdc->r = fdc->n = fdc->eot = fdc->st1 = fdc->st2 = 0;
    fdc->format_left = fdc->verify_left = fdc->scan_step = fdc->io_error = 0;
    fdc->tc = false;
    fdc->size = fdc->pos = fdc->starved = 0;
    memset(fdc->sector, 0, sizeof fdc->sector);
    memset(fdc->scan_data, 0, sizeof fdc->scan_data);
}

static void fdc_reset(struct device *dev)
{
    struct fdc *fdc = fdc_of(dev);
    stop(fdc);
    reset_transfer(fdc);
    fdc->dor = fdc->tdr = 0;
    fdc->rate = RATE_250K;
    memset(fdc->command, 0, sizeof fdc->command);
    memset(fdc->result, 0, sizeof fdc->result);
    fdc->command_wanted = 0;
    memset(fdc->specify, 0, sizeof fdc->specify);
    fdc->configuration = CONFIGURE_EFIFO;
    fdc->precompensation_track = fdc->perpendicular = fdc->last_eot = 0;
    fdc->locked = false;
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        struct fdc_drive *drive = &fdc->drive[i];
        drive->cylinder = drive->seek_st0 = 0;
        drive->changed = drive->type != FDC_NO_DRIVE;
    }
    update_irq(fdc);
}

/* A saved state comes from a file: what is used as an index must be in range. */
static bool consistent(const struct fdc *fdc)
{
    return fdc->phase <= FDC_PHASE_RESULT && fdc->step < STEP_COUNT && fdc->size <= FDC_SECTOR &&
           fdc->pos <= fdc->size && fdc->result_length <= sizeof fdc->result &&
           (fdc->phase != FDC_PHASE_RESULT || fdc->result_pos < fdc->result_length) &&
           (fdc->phase != FDC_PHASE_EXECUTE || find_command(fdc->command[0])) &&
           fdc->command_wanted <= sizeof fdc->command &&
           (fdc->phase != FDC_PHASE_COMMAND || !fdc->command_length ||
            fdc->command_length < fdc->command_wanted) &&
           fdc->reset_senses <= 4;
}

static void fdc_loaded(struct device *dev)
{
    struct fdc *fdc = fdc_of(dev);
    if (!consistent(fdc)) {
        fdc_reset(dev);
    }
    update_irq(fdc);
}

static void fdc_destroy(struct device *dev)
{
    struct fdc *fdc = fdc_of(dev);
    stop(fdc);
    space_unmap(&fdc->ports_map);
    space_unmap(&fdc->dir_map);
    region_destroy(&fdc->ports);
    region_destroy(&fdc->dir_port);
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        block_close(fdc->drive[i].image);
    }
    free(fdc);
}

static const struct device_class fdc_class = {.name = "isa-fdc",
                                              .version = 1,
                                              .reset = fdc_reset,
                                              .destroy = fdc_destroy,
                                              .loaded = fdc_loaded,
                                              .fields = fdc_fields};

struct device *fdc_create(struct space *ports, struct clock *clock, struct irq *irq6,
                          const struct fdc_dma *dma)
{
    struct fdc *fdc = mem_zeroed(1, sizeof *fdc);
    fdc->dev.class = &fdc_class;
    fdc->clock = clock;
    fdc->irq = irq6;
    fdc->dma = *dma;
    timer_init(&fdc->step_timer, clock, fdc_step_fired, fdc);
    timer_init(&fdc->reset_timer, clock, reset_over, fdc);
    for (unsigned i = 0; i < FDC_UNITS; i++) {
        fdc->drive[i].fdc = fdc;
        timer_init(&fdc->drive[i].seek_timer, clock, seek_over, &fdc->drive[i]);
    }
    region_init_io(&fdc->ports, "fdc", 6, &ports_ops, fdc);
    region_init_io(&fdc->dir_port, "fdc-dir", 1, &dir_ops, fdc);
    space_map(ports, &fdc->ports_map, &fdc->ports, 0x3f0, 0);
    space_map(ports, &fdc->dir_map, &fdc->dir_port, 0x3f7, 0);
    fdc_reset(&fdc->dev);
    return &fdc->dev;
}

/* ---- drives and disks, from outside ---- */

static const struct fdc_format formats[] = {
    {160, 40, 1, 8, RATE_250K, FDC_360K},    {180, 40, 1, 9, RATE_250K, FDC_360K},
    {320, 40, 2, 8, RATE_250K, FDC_360K},    {360, 40, 2, 9, RATE_250K, FDC_360K},
    {720, 80, 2, 9, RATE_250K, FDC_1440K},   {1200, 80, 2, 15, RATE_500K, FDC_1200K},
    {1440, 80, 2, 18, RATE_500K, FDC_1440K}, {1680, 80, 2, 21, RATE_500K, FDC_1440K},
    {1722, 82, 2, 21, RATE_500K, FDC_1440K}, {2880, 80, 2, 36, RATE_1M, FDC_2880K},
};
#define FORMAT_1440 (&formats[6])
#define FORMAT_2880 (&formats[9])

/* An image of no floppy's size is the beginning of the next larger 3.5-inch disk. */
static const struct fdc_format *format_of(u64 bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (bytes == formats[i].kilobytes * 1024ull) {
            return &formats[i];
        }
    }
    if (bytes <= FORMAT_1440->kilobytes * 1024ull) {
        return FORMAT_1440;
    }
    return bytes <= FORMAT_2880->kilobytes * 1024ull ? FORMAT_2880 : NULL;
}

static bool check_medium(struct block *medium, const struct fdc_format **format, struct error *err)
{
    *format = medium ? format_of(block_size(medium)) : NULL;
    if (medium && !*format) {
        return error_set(err, "'%s' is too large for a floppy disk (2.88M at most)",
                         block_name(medium));
    }
    return true;
}

bool fdc_add_drive(struct device *dev, unsigned unit, struct block *medium, struct error *err)
{
    const struct fdc_format *format;
    assert(unit < FDC_UNITS && !fdc_of(dev)->drive[unit].type);
    if (!check_medium(medium, &format, err)) {
        return false;
    }
    struct fdc_drive *drive = &fdc_of(dev)->drive[unit];
    drive->type = format ? format->drive : FDC_1440K;
    drive->image = medium;
    drive->format = format;
    drive->changed = true;
    return true;
}

bool fdc_change_media(struct device *dev, unsigned unit, struct block *medium, struct error *err)
{
    const struct fdc_format *format;
    struct fdc_drive *drive = fdc_selected(fdc_of(dev), unit);
    if (!drive) {
        return error_set(err, "there is no floppy drive %u", unit);
    }
    if (!check_medium(medium, &format, err)) {
        return false;
    }
    if (format == FORMAT_2880 && drive->type != FDC_2880K) {
        return error_set(err, "'%s' is a 2.88M floppy disk, and drive %u cannot read those",
                         block_name(medium), unit);
    }
    if (drive->image) {
        block_drain(drive->image);
    }
    block_close(drive->image);
    drive->image = medium;
    drive->format = format;
    drive->changed = true;
    return true;
}

enum fdc_drive_type fdc_drive_type(struct device *dev, unsigned unit)
{
    return unit < FDC_UNITS ? fdc_of(dev)->drive[unit].type : FDC_NO_DRIVE;
}

struct block *fdc_image(struct device *dev, unsigned unit)
{
    return unit < FDC_UNITS ? fdc_of(dev)->drive[unit].image : NULL;
}

struct activity fdc_activity(struct device *dev, unsigned unit)
{
    assert(unit < FDC_UNITS);
    return fdc_of(dev)->drive[unit].activity;
}
