/*
 * ide_test_bench.h: an IDE controller between a port space, a memory of 1 MiB and two recorded
 * wires, and a driver for it.
 */
#ifndef DEVICES_STORAGE_IDE_TEST_BENCH_H
#define DEVICES_STORAGE_IDE_TEST_BENCH_H

#include "devices/storage/ide.h"
#include "devices/storage/storage_test.h"

#define BM_BASE 0xc000

struct bench {
    struct space *ports, *memory;
    struct clock *clock;
    struct region ram;
    struct mapping ram_map, bm_map;
    struct wire irq[2];
    struct device *ide;
};

static inline void bench_open(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->ports = space_create("ports", 16);
    b->memory = space_create("memory", 32);
    b->clock = clock_create();
    clock_set_counted(b->clock, true);
    clock_start(b->clock);
    assert_true(region_init_ram(&b->ram, "ram", 1 << 20));
    space_map(b->memory, &b->ram_map, &b->ram, 0, 0);
    wire_init(&b->irq[0]);
    wire_init(&b->irq[1]);
    b->ide = ide_create(b->ports, b->clock, &(struct dma){.memory = b->memory}, &b->irq[0].irq,
                        &b->irq[1].irq);
    space_map(b->ports, &b->bm_map, ide_bmdma_region(b->ide), BM_BASE, 0);
}

static inline void bench_close(struct bench *b)
{
    space_unmap(&b->bm_map);
    device_destroy(b->ide);
    space_unmap(&b->ram_map);
    region_destroy(&b->ram);
    space_destroy(b->ports);
    space_destroy(b->memory);
    clock_destroy(b->clock);
}

static inline void out8(struct bench *b, u16 port, u8 value)
{
    space_write(b->ports, port, value, 1, false);
}

static inline u8 in8(struct bench *b, u16 port)
{
    return (u8)space_read(b->ports, port, 1, false);
}

static inline u16 in16(struct bench *b, u16 port)
{
    return (u16)space_read(b->ports, port, 2, false);
}

/* Lets time pass until nothing is due. */
static inline void settle(struct bench *b)
{
    for (int i = 0; i < 10000 && clock_next_deadline(b->clock) != CLOCK_NEVER; i++) {
        i64 left = clock_next_deadline(b->clock) - clock_now(b->clock);
        clock_advance(b->clock, left > 0 ? left : 0);
        clock_run_timers(b->clock);
    }
}

static inline void data_in(struct bench *b, u16 base, void *buffer, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) {
        store16((u8 *)buffer + i, in16(b, base));
    }
}

static inline void data_out(struct bench *b, u16 base, const void *buffer, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) {
        space_write(b->ports, base, load16((const u8 *)buffer + i), 2, false);
    }
}

/* Sector count, address and device of a 28-bit command, then the command. */
static inline void command28(struct bench *b, u16 base, u8 command, u8 device, u32 lba, u8 count)
{
    out8(b, base + 6, (u8)(device | (lba >> 24 & 0xf)));
    out8(b, base + 2, count);
    out8(b, base + 3, (u8)lba);
    out8(b, base + 4, (u8)(lba >> 8));
    out8(b, base + 5, (u8)(lba >> 16));
    out8(b, base + 7, command);
}

static inline void command48(struct bench *b, u16 base, u8 command, u8 device, u64 lba, u16 count)
{
    out8(b, base + 6, device | 0x40);
    out8(b, base + 2, (u8)(count >> 8));
    out8(b, base + 3, (u8)(lba >> 24));
    out8(b, base + 4, (u8)(lba >> 32));
    out8(b, base + 5, (u8)(lba >> 40));
    out8(b, base + 2, (u8)count);
    out8(b, base + 3, (u8)lba);
    out8(b, base + 4, (u8)(lba >> 8));
    out8(b, base + 5, (u8)(lba >> 16));
    out8(b, base + 7, command);
}

/* A descriptor table at 1000h. */
static inline void put_prd(struct bench *b, unsigned index, u32 addr, u16 count, bool last)
{
    u8 prd[8];
    store32(prd, addr);
    store16(prd + 4, count);
    store16(prd + 6, last ? 0x8000 : 0);
    memcpy(b->ram.host + 0x1000 + index * 8, prd, sizeof prd);
}

static inline void bm_start(struct bench *b, unsigned channel, bool to_memory)
{
    u16 base = (u16)(BM_BASE + channel * 8);
    space_write(b->ports, base + 4, 0x1000, 4, false);
    out8(b, base + 2, 0x06);
    out8(b, base, to_memory ? 0x08 : 0x00);
    out8(b, base, to_memory ? 0x09 : 0x01);
}

/* Random accesses to every register of a controller with one drive of each kind; now and then time
 * passes. */
static inline void fuzz(struct bench *b, u64 seed, int accesses)
{
    for (int i = 0; i < accesses; i++) {
        u16 channel = next_random(&seed) & 1 ? 0x1f0 : 0x170;
        unsigned pick = next_random(&seed) % 16;
        u16 port = pick < 8     ? (u16)(channel + pick)
                   : pick == 8  ? (u16)(channel + 0x206)
                   : pick == 9  ? (u16)(channel + 7)
                   : pick == 10 ? channel
                                : (u16)(BM_BASE + next_random(&seed) % 16);
        unsigned size = 1u << (next_random(&seed) % 3);
        u64 value = next_random(&seed) & (~(u64)0 >> (64 - 8 * size));
        if (pick >= 11 && next_random(&seed) % 2) {
            value &= 0x000fffff; /* tables within RAM */
        }
        if (next_random(&seed) % 2) {
            space_read(b->ports, port, size, false);
        } else {
            space_write(b->ports, port, value, size, false);
        }
        if (next_random(&seed) % 8 == 0) {
            settle(b);
        }
    }
}

#endif
