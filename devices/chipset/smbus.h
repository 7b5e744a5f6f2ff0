/*
 * smbus.h: the SMBus host controller inside the 82371AB (PIIX4), with eight serial-presence-detect
 * EEPROMs behind it.
 *
 * Documents: 82371AB (PIIX4), order number 290562-001, chapter 7.3; System Management Bus
 * Specification 1.0; 24C02. A transaction is over as soon as it starts. The EEPROMs, at addresses
 * 50h to 57h, hold zeroes until a guest writes them, as in QEMU's `pc`. Not modelled: the slave
 * port, ALERT#.
 */
#ifndef DEVICES_CHIPSET_SMBUS_H
#define DEVICES_CHIPSET_SMBUS_H

#include "devices/core/device.h"

enum { SMBUS_EEPROMS = 8, SMBUS_PORTS = 16, SMBUS_BLOCK = 32 };

struct smbus_eeprom {
    u8 address; /* of the next byte */
    u8 data[256];
};

/* Embedded in its owner, which maps `region` where its configuration says. */
struct smbus {
    u8 status, control, command, slave_address, data0, data1;
    u8 block[SMBUS_BLOCK];
    u8 block_index;
    struct smbus_eeprom eeprom[SMBUS_EEPROMS];

    /* derived or host-side: not saved */
    struct region region;
    struct irq *interrupt;
};
extern const struct field smbus_fields[];

void smbus_init(struct smbus *smbus, struct irq *interrupt);
void smbus_fini(struct smbus *smbus);
void smbus_reset(struct smbus *smbus);
/* Drives the interrupt wire again, after a load. */
void smbus_update(struct smbus *smbus);

#endif
