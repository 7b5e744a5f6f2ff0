/*
 * smbus.c: see smbus.h.
 */
#include "devices/chipset/smbus.h"

#include "cpu/base/bits.h"

enum {
    SMBHSTSTS = 0x0,
    SMBHSTCNT = 0x2,
    SMBHSTCMD = 0x3,
    SMBHSTADD = 0x4,
    SMBHSTDAT0 = 0x5,
    SMBHSTDAT1 = 0x6,
    SMBBLKDAT = 0x7,

    STS_INTER = 1 << 1,   /* the transaction is over */
    STS_DEV_ERR = 1 << 2, /* nobody answered */
    STS_FAILED = 1 << 4,  /* killed */
    STS_CLEAR = STS_INTER | STS_DEV_ERR | 1 << 3 | STS_FAILED,

    CNT_INTEREN = 1 << 0,
    CNT_KILL = 1 << 1,
    CNT_START = 1 << 6,

    ADDRESS_READ = 1 << 0,

    EEPROM_BASE = 0x50,
};

enum protocol {
    PROTOCOL_QUICK = 0,
    PROTOCOL_BYTE = 1,
    PROTOCOL_BYTE_DATA = 2,
    PROTOCOL_WORD_DATA = 3,
    PROTOCOL_BLOCK = 5,
};

static const struct field eeprom_fields[] = {
    FIELD(struct smbus_eeprom, address),
    FIELD_BYTES(struct smbus_eeprom, data),
    FIELD_END,
};

const struct field smbus_fields[] = {
    FIELD(struct smbus, status),
    FIELD(struct smbus, control),
    FIELD(struct smbus, command),
    FIELD(struct smbus, slave_address),
    FIELD(struct smbus, data0),
    FIELD(struct smbus, data1),
    FIELD_BYTES(struct smbus, block),
    FIELD(struct smbus, block_index),
    FIELD_STRUCTS(struct smbus, eeprom, eeprom_fields),
    FIELD_END,
};

static u8 eeprom_next(struct smbus_eeprom *e)
{
    return e->data[e->address++];
}

static void eeprom_put(struct smbus_eeprom *e, u8 value)
{
    e->data[e->address++] = value;
}

static void read_block(struct smbus *s, struct smbus_eeprom *e)
{
    s->data0 = eeprom_next(e);
    for (unsigned i = 0; i < s->data0 && i < SMBUS_BLOCK; i++) {
        s->block[i] = eeprom_next(e);
    }
    s->block_index = 0;
}

static void write_block(struct smbus *s, struct smbus_eeprom *e)
{
    eeprom_put(e, s->data0);
    for (unsigned i = 0; i < s->data0 && i < SMBUS_BLOCK; i++) {
        eeprom_put(e, s->block[i]);
    }
    s->block_index = 0;
}

static void transfer_read(struct smbus *s, struct smbus_eeprom *e, enum protocol protocol)
{
    if (protocol == PROTOCOL_BYTE) { /* current address read */
        s->data0 = eeprom_next(e);
        return;
    }
    e->address = s->command;
    if (protocol == PROTOCOL_BLOCK) {
        read_block(s, e);
        return;
    }
    s->data0 = eeprom_next(e);
    if (protocol == PROTOCOL_WORD_DATA) {
        s->data1 = eeprom_next(e);
    }
}

static void transfer_write(struct smbus *s, struct smbus_eeprom *e, enum protocol protocol)
{
    e->address = s->command;
    if (protocol == PROTOCOL_BLOCK) {
        write_block(s, e);
    } else if (protocol != PROTOCOL_BYTE) {
        eeprom_put(e, s->data0);
        if (protocol == PROTOCOL_WORD_DATA) {
            eeprom_put(e, s->data1);
        }
    }
}

static void start(struct smbus *s)
{
    unsigned device = s->slave_address >> 1;
    unsigned protocol = (unsigned)bits(s->control, 4, 2);

    if (device < EEPROM_BASE || device >= EEPROM_BASE + SMBUS_EEPROMS || protocol == 4 ||
        protocol > PROTOCOL_BLOCK) {
        s->status |= STS_DEV_ERR;
        return;
    }
    if (protocol != PROTOCOL_QUICK) {
        struct smbus_eeprom *e = &s->eeprom[device - EEPROM_BASE];

        if (s->slave_address & ADDRESS_READ) {
            transfer_read(s, e, protocol);
        } else {
            transfer_write(s, e, protocol);
        }
    }
    s->status |= STS_INTER;
}

void smbus_update(struct smbus *s)
{
    irq_set(s->interrupt, (s->control & CNT_INTEREN) && s->status);
}

static void write_control(struct smbus *s, u8 value)
{
    s->control = value & (u8)~CNT_START; /* START reads as 0 */
    if (value & CNT_KILL) {
        s->status |= STS_FAILED;
    } else if (value & CNT_START) {
        start(s);
    }
}

static u64 smbus_read(void *opaque, u64 offset, unsigned size)
{
    struct smbus *s = opaque;
    u8 value;

    (void)size;
    switch (offset) {
    case SMBHSTSTS:
        return s->status;
    case SMBHSTCNT:
        s->block_index = 0; /* reading it starts the block buffer over */
        return s->control;
    case SMBHSTCMD:
        return s->command;
    case SMBHSTADD:
        return s->slave_address;
    case SMBHSTDAT0:
        return s->data0;
    case SMBHSTDAT1:
        return s->data1;
    case SMBBLKDAT:
        value = s->block[s->block_index % SMBUS_BLOCK];
        s->block_index = (s->block_index + 1) % SMBUS_BLOCK;
        return value;
    default:
        return 0;
    }
}

static void smbus_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct smbus *s = opaque;

    (void)size;
    switch (offset) {
    case SMBHSTSTS:
        s->status &= (u8) ~(value & STS_CLEAR);
        s->block_index = 0;
        break;
    case SMBHSTCNT:
        write_control(s, (u8)value);
        break;
    case SMBHSTCMD:
        s->command = (u8)value;
        break;
    case SMBHSTADD:
        s->slave_address = (u8)value;
        break;
    case SMBHSTDAT0:
        s->data0 = (u8)value;
        break;
    case SMBHSTDAT1:
        s->data1 = (u8)value;
        break;
    case SMBBLKDAT:
        s->block[s->block_index % SMBUS_BLOCK] = (u8)value;
        s->block_index = (s->block_index + 1) % SMBUS_BLOCK;
        break;
    default:
        break;
    }
    smbus_update(s);
}

static const struct region_ops smbus_ops = {
    .read = smbus_read, .write = smbus_write, .min_size = 1, .max_size = 1};

void smbus_init(struct smbus *s, struct irq *interrupt)
{
    s->interrupt = interrupt;
    region_init_io(&s->region, "smbus", SMBUS_PORTS, &smbus_ops, s);
}

void smbus_fini(struct smbus *s)
{
    region_destroy(&s->region);
}

/* EEPROMs keep their contents; their address counters start over with the power. */
void smbus_reset(struct smbus *s)
{
    s->status = s->control = s->command = s->slave_address = s->data0 = s->data1 = 0;
    memset(s->block, 0, sizeof s->block);
    s->block_index = 0;
    for (unsigned i = 0; i < SMBUS_EEPROMS; i++) {
        s->eeprom[i].address = 0;
    }
    smbus_update(s);
}
