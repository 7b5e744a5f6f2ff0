/*
 * i8237.c: two cascaded 8237A DMA controllers with the AT's page registers.
 *
 * Intel 8237A data sheet (231466-005), September 1993; page registers: 82371SB (PIIX3) data sheet
 * (290550-002), 2.5.1.
 *
 * A device moves as much as it has at once: demand, single and block mode differ in bus timing
 * only. Not modelled: memory-to-memory transfers (the AT's page registers make them useless),
 * priorities, compressed timing. A transfer whose programmed direction is not the device's moves
 * nothing but counts.
 */
#include "devices/timer/i8237.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

/* Register numbers of a chip */
enum {
    REG_STATUS_COMMAND = 8,
    REG_REQUEST = 9,
    REG_SINGLE_MASK = 10,
    REG_MODE = 11,
    REG_CLEAR_FLIP_FLOP = 12,
    REG_TEMPORARY_MASTER_CLEAR = 13,
    REG_CLEAR_MASK = 14,
    REG_ALL_MASK = 15,
};

enum {
    COMMAND_MEMORY_TO_MEMORY = 0x01,
    COMMAND_DISABLE = 0x04,
    MODE_TRANSFER = 0x0c,
    MODE_VERIFY = 0x00,
    MODE_WRITE = 0x04, /* device to memory */
    MODE_READ = 0x08,
    MODE_AUTOINIT = 0x10,
    MODE_DECREMENT = 0x20,
    MODE_CASCADE = 0xc0,
};

/* Channel -> offset of its page register from port 80h. Channel 4 has none: its slot is the refresh
 * page. */
static const u8 page_register[8] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

static struct i8237_channel *channel_of(struct i8237 *dma, unsigned channel)
{
    return &dma->chip[channel >> 2 & 1].channel[channel & 3];
}

static bool chip_ready(const struct i8237_chip *chip, unsigned channel)
{
    return !(chip->command & COMMAND_DISABLE) && !(chip->mask >> channel & 1);
}

static bool is_cascade(const struct i8237_channel *c)
{
    return (c->mode & MODE_CASCADE) == MODE_CASCADE;
}

bool i8237_ready(const struct i8237 *dma, unsigned channel)
{
    channel &= 7;
    const struct i8237_chip *chip = &dma->chip[channel >> 2];
    if (!chip_ready(chip, channel & 3) || is_cascade(&chip->channel[channel & 3])) {
        return false;
    }
    /* channels 0-3 reach the bus through channel 4 */
    return channel >= 4 || chip_ready(&dma->chip[1], 0);
}

static void tell_ready(struct i8237 *dma)
{
    for (unsigned channel = 0; channel < 8; channel++) {
        u8 requests = dma->chip[channel >> 2].requests;
        if (dma->listener[channel].ready && requests >> (channel & 3) & 1 &&
            i8237_ready(dma, channel)) {
            dma->listener[channel].ready(dma->listener[channel].opaque);
        }
    }
}

void i8237_listen(struct i8237 *dma, unsigned channel, void (*ready)(void *opaque), void *opaque)
{
    dma->listener[channel & 7].ready = ready;
    dma->listener[channel & 7].opaque = opaque;
}

void i8237_request(struct i8237 *dma, unsigned channel, bool level)
{
    struct i8237_chip *chip = &dma->chip[channel >> 2 & 1];
    u8 mask = (u8)(1u << (channel & 3));
    chip->requests = (u8)merge_bits(chip->requests, mask, level ? mask : 0);
}

u32 i8237_remaining(const struct i8237 *dma, unsigned channel)
{
    channel &= 7;
    u32 units = dma->chip[channel >> 2].channel[channel & 3].count + 1u;
    return channel >= 4 ? units * 2 : units;
}

/* Where the current address points. Word channels have the page's bit 0 replaced by the address's
 * top bit. */
static paddr physical(const struct i8237 *dma, unsigned channel, u16 address)
{
    u8 page = dma->page[page_register[channel]];
    if (channel >= 4) {
        return (paddr)(page & 0xfe) << 16 | (paddr)address << 1;
    }
    return (paddr)page << 16 | address;
}

static void move(struct i8237 *dma, u8 transfer, enum i8237_direction direction, paddr addr,
                 u8 *buffer, u32 size)
{
    if (direction == I8237_TO_MEMORY && transfer == MODE_WRITE) {
        dma_write(&dma->dma, addr, buffer, size);
    } else if (direction == I8237_FROM_MEMORY && transfer == MODE_READ) {
        dma_read(&dma->dma, addr, buffer, size);
    } else if (direction == I8237_FROM_MEMORY) {
        memset(buffer, 0xff, size); /* nobody drives the bus */
    }
}

/* At most `units`, up to the terminal count and, counting up, to the end of the page: returns how
 * many. */
static u32 move_run(struct i8237 *dma, unsigned channel, enum i8237_direction direction, u8 *buffer,
                    u32 units)
{
    struct i8237_channel *c = channel_of(dma, channel);
    u32 unit_size = channel >= 4 ? 2 : 1;
    u32 run = units < c->count + 1u ? units : c->count + 1u;
    bool down = c->mode & MODE_DECREMENT;
    u32 in_page = down ? 1 : 0x10000u - c->address;
    run = run < in_page ? run : in_page;
    move(dma, c->mode & MODE_TRANSFER, direction, physical(dma, channel, c->address), buffer,
         run * unit_size);
    c->address = (u16)(down ? c->address - run : c->address + run);
    c->count = (u16)(c->count - run);
    return run;
}

static void terminal_count(struct i8237_chip *chip, unsigned channel)
{
    struct i8237_channel *c = &chip->channel[channel];
    chip->terminal_counts |= (u8)(1u << channel);
    chip->software_requests &= (u8) ~(1u << channel);
    if (c->mode & MODE_AUTOINIT) {
        c->address = c->base_address;
        c->count = c->base_count;
    } else {
        chip->mask |= (u8)(1u << channel);
    }
}

u32 i8237_transfer(struct i8237 *dma, unsigned channel, enum i8237_direction direction,
                   void *buffer, u32 size, bool *tc)
{
    channel &= 7;
    *tc = false;
    if (!i8237_ready(dma, channel)) {
        return 0;
    }
    struct i8237_channel *c = channel_of(dma, channel);
    u8 *at = buffer;
    u32 unit_size = channel >= 4 ? 2 : 1;
    u32 left = size / unit_size;
    while (left && !*tc) {
        u32 last = c->count + 1u;
        u32 run = move_run(dma, channel, direction, at, left);
        at += run * unit_size;
        left -= run;
        *tc = run == last;
    }
    if (*tc) {
        terminal_count(&dma->chip[channel >> 2], channel & 3);
    }
    return (u32)(at - (u8 *)buffer);
}

/* Ports */

static u8 read_word(struct i8237_chip *chip, u16 word)
{
    bool high = chip->high_byte_next;
    chip->high_byte_next = !high;
    return (u8)(high ? word >> 8 : word);
}

static void write_word(struct i8237_chip *chip, u16 *base, u16 *current, u8 value)
{
    unsigned shift = chip->high_byte_next ? 8 : 0;
    chip->high_byte_next = !chip->high_byte_next;
    *base = (u16)merge_bits(*base, 0xffu << shift, (u32)value << shift);
    *current = (u16)merge_bits(*current, 0xffu << shift, (u32)value << shift);
}

static void master_clear(struct i8237_chip *chip)
{
    chip->command = 0;
    chip->mask = 0xf;
    chip->software_requests = 0;
    chip->terminal_counts = 0;
    chip->high_byte_next = false;
}

static u8 read_chip(struct i8237_chip *chip, unsigned reg)
{
    if (reg < 8) {
        const struct i8237_channel *c = &chip->channel[reg >> 1];
        return read_word(chip, reg & 1 ? c->count : c->address);
    }
    if (reg == REG_STATUS_COMMAND) {
        u8 status = (u8)((chip->requests | chip->software_requests) << 4 | chip->terminal_counts);
        chip->terminal_counts = 0;
        return status;
    }
    if (reg == REG_ALL_MASK) {
        return chip->mask | 0xf0; /* as the PIIX3's */
    }
    return 0;
}

static void set_bit(u8 *bits, unsigned bit, bool value)
{
    *bits = (u8)merge_bits(*bits, 1u << bit, value ? 1u << bit : 0);
}

static void write_chip(struct i8237_chip *chip, unsigned reg, u8 value)
{
    switch (reg) {
    case REG_STATUS_COMMAND:
        if (value & COMMAND_MEMORY_TO_MEMORY) {
            log_at(LOG_UNIMP, "i8237: memory-to-memory transfer");
        }
        chip->command = value;
        break;
    case REG_REQUEST:
        set_bit(&chip->software_requests, value & 3, value & 4);
        break;
    case REG_SINGLE_MASK:
        set_bit(&chip->mask, value & 3, value & 4);
        break;
    case REG_MODE:
        chip->channel[value & 3].mode = value & 0xfc;
        break;
    case REG_CLEAR_FLIP_FLOP:
        chip->high_byte_next = false;
        break;
    case REG_TEMPORARY_MASTER_CLEAR:
        master_clear(chip);
        break;
    case REG_CLEAR_MASK:
        chip->mask = 0;
        break;
    case REG_ALL_MASK:
        chip->mask = value & 0xf;
        break;
    default: {
        struct i8237_channel *c = &chip->channel[reg >> 1 & 3];
        if (reg & 1) {
            write_word(chip, &c->base_count, &c->count, value);
        } else {
            write_word(chip, &c->base_address, &c->address, value);
        }
        break;
    }
    }
}

static u64 bytes_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    struct i8237 *dma = opaque;
    return read_chip(&dma->chip[0], (unsigned)offset);
}

static void bytes_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    struct i8237 *dma = opaque;
    write_chip(&dma->chip[0], (unsigned)offset, (u8)value);
    tell_ready(dma);
}

/* The word controller's address lines start at A1. */
static u64 words_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    struct i8237 *dma = opaque;
    return read_chip(&dma->chip[1], (unsigned)offset >> 1);
}

static void words_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    struct i8237 *dma = opaque;
    write_chip(&dma->chip[1], (unsigned)offset >> 1, (u8)value);
    tell_ready(dma);
}

static u64 page_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    struct i8237 *dma = opaque;
    return dma->page[offset + 1];
}

static void page_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    struct i8237 *dma = opaque;
    dma->page[offset + 1] = (u8)value;
}

static const struct region_ops chip_ops[2] = {
    {.read = bytes_read, .write = bytes_write, .min_size = 1, .max_size = 1},
    {.read = words_read, .write = words_write, .min_size = 1, .max_size = 1},
};
static const struct region_ops page_ops = {
    .read = page_read, .write = page_write, .min_size = 1, .max_size = 1};

/* The device */

/* DREQ lines keep their levels: they are their drivers'. */
static void i8237_reset(struct device *dev)
{
    struct i8237 *dma = container_of(dev, struct i8237, dev);
    for (unsigned i = 0; i < 2; i++) {
        u8 requests = dma->chip[i].requests;
        dma->chip[i] = (struct i8237_chip){.requests = requests};
        master_clear(&dma->chip[i]);
    }
    memset(dma->page, 0, sizeof dma->page);
}

static void i8237_destroy(struct device *dev)
{
    struct i8237 *dma = container_of(dev, struct i8237, dev);
    for (unsigned i = 0; i < 2; i++) {
        space_unmap(&dma->chip_maps[i]);
        region_destroy(&dma->chip_ports[i]);
    }
    space_unmap(&dma->page_map);
    region_destroy(&dma->page_ports);
    free(dma);
}

static const struct field channel_fields[] = {
    FIELD(struct i8237_channel, base_address), FIELD(struct i8237_channel, base_count),
    FIELD(struct i8237_channel, address),      FIELD(struct i8237_channel, count),
    FIELD(struct i8237_channel, mode),         FIELD_END,
};
static const struct field chip_fields[] = {
    FIELD_STRUCTS(struct i8237_chip, channel, channel_fields),
    FIELD(struct i8237_chip, command),
    FIELD(struct i8237_chip, mask),
    FIELD(struct i8237_chip, requests),
    FIELD(struct i8237_chip, software_requests),
    FIELD(struct i8237_chip, terminal_counts),
    FIELD(struct i8237_chip, high_byte_next),
    FIELD_END,
};
static const struct field i8237_fields[] = {
    FIELD_STRUCTS(struct i8237, chip, chip_fields),
    FIELD_BYTES(struct i8237, page),
    FIELD_END,
};
static const struct device_class i8237_class = {
    .name = "i8237",
    .version = 1,
    .reset = i8237_reset,
    .destroy = i8237_destroy,
    .fields = i8237_fields,
};

struct i8237 *i8237_create(struct space *ports, struct space *memory)
{
    struct i8237 *dma = mem_zeroed(1, sizeof *dma);
    dma->dev.class = &i8237_class;
    dma->dma.memory = memory;
    region_init_io(&dma->chip_ports[0], "dma-bytes", 0x10, &chip_ops[0], dma);
    region_init_io(&dma->chip_ports[1], "dma-words", 0x20, &chip_ops[1], dma);
    region_init_io(&dma->page_ports, "dma-page", 0xf, &page_ops, dma);
    space_map(ports, &dma->chip_maps[0], &dma->chip_ports[0], 0x00, 0);
    space_map(ports, &dma->chip_maps[1], &dma->chip_ports[1], 0xc0, 0);
    space_map(ports, &dma->page_map, &dma->page_ports, 0x81, 0);
    i8237_reset(&dma->dev);
    return dma;
}
