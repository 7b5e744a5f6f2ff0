/*
 * i8259.c: two cascaded 8259A interrupt controllers with edge/level control registers.
 *
 * Intel 8259A data sheet (231468-003), 1988; ELCR: 82371SB (PIIX3) data sheet (290550-002), 2.5.5.
 *
 * Trigger mode comes from ELCR alone: the PIIX3 ignores ICW1.LTIM. An edge is remembered until it
 * is acknowledged, even if the line falls before (a bare 8259A would answer with a spurious IRQ 7),
 * because pulses are edges here. The master's input 2 follows the slave's output, so that a slave
 * whose request vanishes takes it back. Not modelled: the 8080/85 call mode, buffered mode (no
 * effect on a PC), single mode's absent slave.
 */
#include "devices/irq/i8259.h"

#include <stdlib.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum { MASTER, SLAVE, CASCADE = 2, SPURIOUS = 7 };

enum {
    ICW1_IC4 = 0x01,
    ICW1_SNGL = 0x02,
    ICW1 = 0x10, /* tells ICW1 from OCW2 and OCW3 */
    ICW4_AEOI = 0x02,
    ICW4_SFNM = 0x10,
    OCW3 = 0x08, /* tells OCW3 from OCW2 */
    OCW3_RIS = 0x01,
    OCW3_RR = 0x02,
    OCW3_P = 0x04,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,
};

/* ELCR bits that can be set: IRQ 0, 1, 2, 8 and 13 are always edge-triggered. */
static const u8 elcr_writable[2] = {0xf8, 0xde};

/* The position of the highest-priority bit of `requests`, counted from the input after `lowest`; 8
 * if there is none. */
static unsigned priority_of(const struct i8259_chip *chip, u8 requests)
{
    for (unsigned p = 0; p < 8; p++) {
        if (requests >> ((chip->lowest + 1 + p) & 7) & 1) {
            return p;
        }
    }
    return 8;
}

/* The input that may interrupt now, or -1. */
static int pending_input(const struct i8259 *pic, int which)
{
    const struct i8259_chip *chip = &pic->chip[which];
    u8 in_service = chip->isr;
    if (chip->special_mask) {
        in_service &= ~chip->imr;
    }
    if (which == MASTER && chip->special_fully_nested) {
        /* a slave in service may interrupt again: it has resolved its own priorities */
        in_service &= (u8) ~(1u << CASCADE);
    }
    unsigned request = priority_of(chip, chip->irr & ~chip->imr);
    if (request >= priority_of(chip, in_service)) {
        return -1;
    }
    return (chip->lowest + 1 + request) & 7;
}

static void set_line(struct i8259_chip *chip, unsigned input, bool level, bool follow)
{
    u8 mask = (u8)(1u << input);
    bool was = chip->lines & mask;
    chip->lines = (u8)merge_bits(chip->lines, mask, level ? mask : 0);
    if (follow || chip->elcr & mask) {
        chip->irr = (u8)merge_bits(chip->irr, mask, level ? mask : 0);
    } else if (level && !was) {
        chip->irr |= mask;
    }
}

/* Carries the slave's output to the master and the master's to the processor. */
static void update(struct i8259 *pic)
{
    set_line(&pic->chip[MASTER], CASCADE, pending_input(pic, SLAVE) >= 0, true);
    irq_set(pic->intr, pending_input(pic, MASTER) >= 0);
}

static void input_set(void *opaque, int line, bool level)
{
    struct i8259 *pic = opaque;
    if (line == CASCADE) {
        return;
    }
    set_line(&pic->chip[line >> 3], line & 7, level, false);
    update(pic);
}

/* Puts `input` in service, as the first INTA pulse does. */
static void take(struct i8259_chip *chip, unsigned input)
{
    u8 mask = (u8)(1u << input);
    if (!(chip->elcr & mask)) {
        chip->irr &= ~mask;
    }
    if (!chip->auto_eoi) {
        chip->isr |= mask;
    } else if (chip->rotate_on_auto_eoi) {
        chip->lowest = (u8)input;
    }
}

int i8259_acknowledge(struct i8259 *pic)
{
    struct i8259_chip *master = &pic->chip[MASTER], *slave = &pic->chip[SLAVE];
    int input = pending_input(pic, MASTER);
    if (input < 0) {
        return master->vector_base | SPURIOUS;
    }
    take(master, input);
    int vector = master->vector_base | input;
    if (input == CASCADE) {
        int slave_input = pending_input(pic, SLAVE);
        if (slave_input >= 0) {
            take(slave, slave_input);
        }
        vector = slave->vector_base | (slave_input >= 0 ? slave_input : SPURIOUS);
    }
    update(pic);
    return vector;
}

static void end_of_interrupt(struct i8259_chip *chip, bool specific, unsigned level, bool rotate)
{
    unsigned input = level;
    if (!specific) {
        /* in special mask mode a masked input's bit is not cleared (data sheet, EOI) */
        u8 in_service = chip->special_mask ? chip->isr & ~chip->imr : chip->isr;
        unsigned p = priority_of(chip, in_service);
        if (p == 8) {
            return;
        }
        input = (chip->lowest + 1 + p) & 7;
    }
    chip->isr &= (u8) ~(1u << input);
    if (rotate) {
        chip->lowest = (u8)input;
    }
}

static void write_ocw2(struct i8259_chip *chip, u8 value)
{
    unsigned level = value & 7;
    switch (value >> 5) { /* R, SL, EOI */
    case 0:
        chip->rotate_on_auto_eoi = false;
        break;
    case 1:
    case 5:
        end_of_interrupt(chip, false, 0, value >> 7);
        break;
    case 2: /* no operation */
        break;
    case 3:
    case 7:
        end_of_interrupt(chip, true, level, value >> 7);
        break;
    case 4:
        chip->rotate_on_auto_eoi = true;
        break;
    case 6:
        chip->lowest = (u8)level;
        break;
    }
}

static void write_ocw3(struct i8259_chip *chip, u8 value)
{
    if (value & OCW3_ESMM) {
        chip->special_mask = value & OCW3_SMM;
    }
    if (value & OCW3_P) {
        chip->poll = true;
    }
    if (value & OCW3_RR) {
        chip->read_isr = value & OCW3_RIS;
    }
}

static void write_icw1(struct i8259_chip *chip, u8 value)
{
    chip->irr = chip->lines & chip->elcr; /* the edge sense circuit is reset */
    chip->isr = 0;
    chip->imr = 0;
    chip->lowest = 7;
    chip->special_mask = false;
    chip->read_isr = false;
    chip->poll = false;
    chip->auto_eoi = false;
    chip->rotate_on_auto_eoi = false;
    chip->special_fully_nested = false;
    chip->needs_icw4 = value & ICW1_IC4;
    chip->single = value & ICW1_SNGL;
    chip->expected_icw = 2;
}

/* A write to the odd port: ICW2, ICW3, ICW4 after ICW1, else OCW1. */
static void write_odd(struct i8259_chip *chip, u8 value)
{
    switch (chip->expected_icw) {
    case 2:
        chip->vector_base = value & 0xf8;
        chip->expected_icw = chip->single ? (chip->needs_icw4 ? 4 : 0) : 3;
        break;
    case 3: /* the cascade is wired: what ICW3 says is not needed */
        chip->expected_icw = chip->needs_icw4 ? 4 : 0;
        break;
    case 4:
        chip->auto_eoi = value & ICW4_AEOI;
        chip->special_fully_nested = value & ICW4_SFNM;
        chip->expected_icw = 0;
        break;
    default:
        chip->imr = value;
        break;
    }
}

static void write_chip(struct i8259 *pic, int which, u64 offset, u8 value)
{
    struct i8259_chip *chip = &pic->chip[which];
    if (offset & 1) {
        write_odd(chip, value);
    } else if (value & ICW1) {
        write_icw1(chip, value);
    } else if (value & OCW3) {
        write_ocw3(chip, value);
    } else {
        write_ocw2(chip, value);
    }
    update(pic);
}

static u8 read_chip(struct i8259 *pic, int which, u64 offset)
{
    struct i8259_chip *chip = &pic->chip[which];
    if (chip->poll) { /* the next read, of either port, is the acknowledge */
        chip->poll = false;
        int input = pending_input(pic, which);
        if (input < 0) {
            return 0;
        }
        take(chip, input);
        update(pic);
        return (u8)(0x80 | input);
    }
    if (offset & 1) {
        return chip->imr;
    }
    return chip->read_isr ? chip->isr : chip->irr;
}

static u64 master_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    return read_chip(opaque, MASTER, offset);
}

static void master_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    write_chip(opaque, MASTER, offset, (u8)value);
}

static u64 slave_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    return read_chip(opaque, SLAVE, offset);
}

static void slave_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    write_chip(opaque, SLAVE, offset, (u8)value);
}

static u64 elcr_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    struct i8259 *pic = opaque;
    return pic->chip[offset & 1].elcr;
}

static void elcr_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    struct i8259 *pic = opaque;
    struct i8259_chip *chip = &pic->chip[offset & 1];
    u8 before = chip->elcr;
    chip->elcr = (u8)value & elcr_writable[offset & 1];
    u8 now_level = chip->elcr & ~before;
    chip->irr = (u8)merge_bits(chip->irr, now_level, chip->lines);
    update(pic);
}

static const struct region_ops chip_ops[2] = {
    {.read = master_read, .write = master_write, .min_size = 1, .max_size = 1},
    {.read = slave_read, .write = slave_write, .min_size = 1, .max_size = 1},
};
static const struct region_ops elcr_ops = {
    .read = elcr_read, .write = elcr_write, .min_size = 1, .max_size = 1};

/* The lines keep their levels: they are their drivers'. */
static void i8259_reset(struct device *dev)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    for (int i = 0; i < 2; i++) {
        u8 lines = pic->chip[i].lines;
        pic->chip[i] = (struct i8259_chip){.lines = lines, .lowest = 7};
    }
    update(pic);
}

static void i8259_loaded(struct device *dev)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    for (int i = 0; i < 2; i++) {
        pic->chip[i].lowest &= 7;
        pic->chip[i].elcr &= elcr_writable[i];
        pic->chip[i].vector_base &= 0xf8;
    }
    update(pic);
}

static void i8259_destroy(struct device *dev)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    for (int i = 0; i < 2; i++) {
        space_unmap(&pic->port_maps[i]);
        region_destroy(&pic->ports[i]);
    }
    space_unmap(&pic->elcr_map);
    region_destroy(&pic->elcr_ports);
    free(pic);
}

static const struct field chip_fields[] = {
    FIELD(struct i8259_chip, lines),
    FIELD(struct i8259_chip, irr),
    FIELD(struct i8259_chip, isr),
    FIELD(struct i8259_chip, imr),
    FIELD(struct i8259_chip, elcr),
    FIELD(struct i8259_chip, vector_base),
    FIELD(struct i8259_chip, lowest),
    FIELD(struct i8259_chip, expected_icw),
    FIELD(struct i8259_chip, needs_icw4),
    FIELD(struct i8259_chip, single),
    FIELD(struct i8259_chip, read_isr),
    FIELD(struct i8259_chip, poll),
    FIELD(struct i8259_chip, special_mask),
    FIELD(struct i8259_chip, auto_eoi),
    FIELD(struct i8259_chip, rotate_on_auto_eoi),
    FIELD(struct i8259_chip, special_fully_nested),
    FIELD_END,
};
static const struct field i8259_fields[] = {
    FIELD_STRUCTS(struct i8259, chip, chip_fields),
    FIELD_END,
};
static const struct device_class i8259_class = {
    .name = "isa-i8259",
    .version = 1,
    .reset = i8259_reset,
    .destroy = i8259_destroy,
    .loaded = i8259_loaded,
    .fields = i8259_fields,
};

struct i8259 *i8259_create(struct space *ports, struct irq *intr)
{
    static const paddr bases[2] = {0x20, 0xa0};
    static const char *const names[2] = {"pic-master", "pic-slave"};
    struct i8259 *pic = mem_zeroed(1, sizeof *pic);
    pic->dev.class = &i8259_class;
    pic->intr = intr;
    for (int line = 0; line < 16; line++) {
        pic->inputs[line] = (struct irq){input_set, pic, line};
    }
    for (int i = 0; i < 2; i++) {
        region_init_io(&pic->ports[i], names[i], 2, &chip_ops[i], pic);
        space_map(ports, &pic->port_maps[i], &pic->ports[i], bases[i], 0);
    }
    region_init_io(&pic->elcr_ports, "elcr", 2, &elcr_ops, pic);
    space_map(ports, &pic->elcr_map, &pic->elcr_ports, 0x4d0, 0);
    i8259_reset(&pic->dev);
    return pic;
}

void i8259_print(const struct i8259 *pic, FILE *out)
{
    for (int i = 0; i < 2; i++) {
        const struct i8259_chip *chip = &pic->chip[i];
        fprintf(out,
                "pic%d: irr=%02x imr=%02x isr=%02x lines=%02x base=%02x lowest=%d elcr=%02x"
                " special_mask=%d sfnm=%d aeoi=%d\n",
                i, chip->irr, chip->imr, chip->isr, chip->lines, chip->vector_base, chip->lowest,
                chip->elcr, chip->special_mask, chip->special_fully_nested, chip->auto_eoi);
    }
}
