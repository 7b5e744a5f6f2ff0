/*
 * act_drives.c: conversations with disks, CD-ROM drives and floppy drives that are nearly right.
 */
#include <string.h>

#include "tests/fuzz/bench.h"

/* ---- IDE */

static const u8 ata_commands[] = {0x00, 0x08, 0x10, 0x20, 0x21, 0x22, 0x24, 0x25, 0x27, 0x29, 0x30, 0x31, 0x34, 0x35, 0x37, 0x39,
                                  0x3d, 0x40, 0x41, 0x42, 0x50, 0x60, 0x61, 0x70, 0x90, 0x91, 0xa0, 0xa1, 0xb0, 0xc4, 0xc5, 0xc6,
                                  0xc8, 0xc9, 0xca, 0xcb, 0xce, 0xe0, 0xe1, 0xe2, 0xe3, 0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xef, 0xf8,
                                  0xf9, 0x06};
static const u8 packets[]      = {0x00, 0x03, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x23, 0x25, 0x28, 0x2b, 0x35, 0x42, 0x43, 0x44,
                                  0x45, 0x46, 0x47, 0x4a, 0x4b, 0x4e, 0x51, 0x52, 0x55, 0x5a, 0xa0, 0xa3, 0xa4, 0xa8, 0xad, 0xb9,
                                  0xbb, 0xbd, 0xbe};

static void descriptors(struct fuzz *f, u32 bmdma)
{
    paddr table = some_address(f) & ~(paddr)3;
    for (unsigned n = 1 + below(f, 9); n > 0; n--, table += 8) {
        u32 count = one_in(f, 4) ? below(f, 0x10000) : (1 + below(f, 16)) * 512;
        poke(f, table, some_address(f), 4);
        poke(f, table + 4, (count & 0xffff) | (n == 1 && !one_in(f, 8) ? 0x80000000u : 0), 4);
    }
    out(f, bmdma + 4, table & ~(paddr)63, 4);
    out(f, bmdma + 2, 0x06 | below(f, 256), 1);
}

static void task_file(struct fuzz *f, u32 base)
{
    static const u8 counts[] = {0, 1, 2, 8, 16, 128, 255};
    for (unsigned pass = below(f, 2); pass < 2; pass++) { /* once or twice: the bytes before last of LBA48 */
        out(f, base + 1, one_in(f, 2) ? below(f, 4) : below(f, 256), 1);
        out(f, base + 2, PICK(f, counts), 1);
        for (unsigned r = 3; r < 6; r++) {
            out(f, base + r, one_in(f, 2) ? below(f, 3) : below(f, 256), 1);
        }
    }
}

/* A packet whose fields are those of the commands that read, or any. */
static void fill_packet(struct fuzz *f, u8 bytes[12])
{
    memset(bytes, 0, 12);
    bytes[0] = one_in(f, 8) ? (u8)below(f, 256) : PICK(f, packets);
    if (one_in(f, 2)) {
        static const u8 reads[] = {0x28, 0xa8, 0xbe, 0xb9};
        bytes[0]                = PICK(f, reads);
        bytes[4]                = (u8)below(f, 7);
        bytes[5]                = (u8)below(f, 256);
        bytes[8]                = bytes[0] == 0x28 ? (u8)below(f, 64) : (u8)below(f, 2); /* READ(12) has its length at 6 */
        bytes[9]                = bytes[0] == 0xa8 ? (u8)below(f, 64) : (u8)(odd_value(f) & 0xf8);
        return;
    }
    for (unsigned n = below(f, 6); n > 0; n--) {
        bytes[1 + below(f, 11)] = (u8)(one_in(f, 2) ? below(f, 16) : odd_value(f));
    }
    if (one_in(f, 2)) { /* room for the answer */
        bytes[4] = bytes[8] = 255;
        bytes[2]            = bytes[0] == 0x5a ? 0x3f : bytes[2];
    }
}

static void packet(struct fuzz *f, u32 base)
{
    u8 bytes[12];
    fill_packet(f, bytes);
    for (unsigned n = 0; n < 12; n += 2) {
        out(f, base, load16(bytes + n), 2);
    }
}

static void data_phase(struct fuzz *f, u32 base)
{
    static const u8 sizes[] = {2, 2, 4, 1};
    unsigned        size    = PICK(f, sizes);
    for (unsigned n = below(f, 3) ? 1200 : 70000; n > 0; n--) {
        if (n % 128 == 0) {
            pass_time(f, 100000);
            if (!(in(f, base + 0x206, 1) & 0x08)) {
                break;
            }
        }
        if (one_in(f, 2)) {
            in(f, base, size);
        } else {
            out(f, base, 0, size);
        }
    }
}

void act_ide(struct fuzz *f)
{
    u32 base = one_in(f, 2) ? 0x1f0 : 0x170, bmdma = IDE_BASE + (base == 0x1f0 ? 0 : 8);
    out(f, base + 6, 0xa0 | (below(f, 2) << 6) | (below(f, 2) << 4) | below(f, 16), 1);
    task_file(f, base);
    u8   command = one_in(f, 16) ? (u8)below(f, 256) : one_in(f, 4) ? 0xa0 : PICK(f, ata_commands);
    bool dma     = one_in(f, 2);
    if (dma) {
        descriptors(f, bmdma);
    }
    if (command == 0xb0) { /* SMART */
        out(f, base + 1, 0xd0 + below(f, 16), 1);
        out(f, base + 4, 0x4f, 1);
        out(f, base + 5, 0xc2, 1);
    }
    if (command == 0xa0 && one_in(f, 2)) {
        out(f, base + 1, dma, 1);
        out(f, base + 4, below(f, 256), 1);
        out(f, base + 5, below(f, 256), 1);
    }
    out(f, base + 7, command, 1);
    if (command == 0xa0 && !one_in(f, 8)) {
        pass_time(f, 10000);
        packet(f, base);
    }
    if (dma) {
        out(f, bmdma, 1 | below(f, 2) << 3, 1);
        pass_time(f, below(f, 50000000));
        in(f, bmdma + 2, 1);
        out(f, bmdma, 0, 1);
    }
    pass_time(f, below(f, 20000000));
    data_phase(f, base);
    if (one_in(f, 16)) {
        out(f, base + 0x206, below(f, 8), 1); /* nIEN, SRST */
    }
    in(f, base + below(f, 8), 1);
}

/* ---- floppy */

static const struct {
    u8 command, bytes;
} fdc_commands[] = {{0x03, 3}, {0x04, 2}, {0x07, 2}, {0x08, 1}, {0x0f, 3}, {0x05, 9}, {0x06, 9}, {0x0a, 2}, {0x0d, 6}, {0x02, 9},
                    {0x09, 9}, {0x0c, 9}, {0x11, 9}, {0x19, 9}, {0x1d, 9}, {0x16, 9}, {0x10, 1}, {0x13, 4}, {0x14, 1}, {0x0e, 1},
                    {0x12, 2}, {0x18, 1}, {0x0b, 4}, {0x2e, 1}, {0x4e, 17}, {0x33, 2}, {0x8e, 6}};

static void dma_channel(struct fuzz *f)
{
    out(f, 0x0a, 6, 1);
    out(f, 0x0c, 0, 1);
    out(f, 0x0b, (below(f, 64) << 2) | 2, 1);
    out(f, 0x04, below(f, 256), 1);
    out(f, 0x04, below(f, 256), 1);
    out(f, 0x81, below(f, 16), 1);
    out(f, 0x05, below(f, 256), 1);
    out(f, 0x05, below(f, 32), 1);
    out(f, 0x0a, 2, 1);
}

static u8 parameter(struct fuzz *f, unsigned n)
{
    static const u8 plausible[10] = {0, 0, 3, 1, 9, 2, 18, 27, 255, 0};
    return (u8)(one_in(f, 3) ? odd_value(f) : below(f, plausible[n % 10] + 1u));
}

void act_floppy(struct fuzz *f)
{
    unsigned i = below(f, ARRAY_LEN(fdc_commands));
    if (one_in(f, 3)) {
        out(f, 0x3f2, one_in(f, 8) ? below(f, 256) : 0x0c | below(f, 2) * 0x31 | 0x10, 1);
    }
    if (one_in(f, 4)) {
        out(f, 0x3f7, below(f, 4), 1);
        out(f, 0x3f4, one_in(f, 8) ? below(f, 256) : 0, 1);
    }
    dma_channel(f);
    pass_time(f, below(f, 1000000));
    out(f, 0x3f5, fdc_commands[i].command | (below(f, 8) << 5 & 0xe0), 1);
    for (unsigned n = 1; n < fdc_commands[i].bytes; n++) {
        out(f, 0x3f5, parameter(f, n), 1);
    }
    if (one_in(f, 4)) { /* SENSE INTERRUPT STATUS after a seek */
        pass_time(f, 50000000);
        out(f, 0x3f5, 8, 1);
    }
    for (unsigned n = below(f, 3) ? 20 : 1100; n > 0; n--) {
        u32 msr = in(f, 0x3f4, 1);
        if ((msr & 0xc0) == 0xc0) {
            in(f, 0x3f5, 1);
        } else if (msr & 0x80 && msr & 0x20) {
            out(f, 0x3f5, below(f, 256), 1);
        } else {
            pass_time(f, below(f, 3) ? 20000 : 30000000);
        }
    }
    in(f, 0x3f0 + below(f, 8), 1);
}
