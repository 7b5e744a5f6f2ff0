/*
 * i8237.h: the PC's two DMA controllers and page registers.
 */
#ifndef DEVICES_TIMER_I8237_H
#define DEVICES_TIMER_I8237_H

#include "devices/core/device.h"
#include "devices/core/dma.h"

struct i8237_channel {
    u16 base_address, base_count;
    u16 address, count; /* current */
    u8 mode;
};

struct i8237_chip {
    struct i8237_channel channel[4];
    u8 command, mask, requests; /* requests: bits 7:4 of the status register, DREQ lines */
    u8 software_requests;
    u8 terminal_counts;
    bool high_byte_next; /* the byte flip-flop */
};

struct i8237 {
    struct device dev;
    struct i8237_chip chip[2]; /* channels 0-3 (bytes) and 4-7 (words) */
    u8 page[16];               /* ports 80h-8Fh; 80h itself is not decoded here */
    /* derived or host-side: not saved */
    struct dma dma;
    struct {
        void (*ready)(void *opaque);
        void *opaque;
    } listener[8];
    struct region chip_ports[2], page_ports;
    struct mapping chip_maps[2], page_map;
};

/* Ports 00h-0Fh, C0h-DFh and 81h-8Fh; transfers go to the RAM of `memory`. */
struct i8237 *i8237_create(struct space *ports, struct space *memory);

/* The device on `channel` (0..7) asks for service or stops asking (DREQ). */
void i8237_request(struct i8237 *dma, unsigned channel, bool level);

/* Would a transfer move anything now? (programmed, unmasked, controllers enabled) */
bool i8237_ready(const struct i8237 *dma, unsigned channel);

/* Tells the device on `channel` when a guest's write may have made it ready while DREQ is up. */
void i8237_listen(struct i8237 *dma, unsigned channel, void (*ready)(void *opaque), void *opaque);

enum i8237_direction { I8237_TO_MEMORY, I8237_FROM_MEMORY };

/* Moves up to `size` bytes between the device's `buffer` and memory, as the channel is programmed,
 * and returns how many it moved: fewer at the terminal count (`*tc`), none if the channel is not
 * ready. A channel with auto-initialise can go on after a terminal count: call again. In verify
 * mode nothing is moved, but counted. Words move two bytes. */
u32 i8237_transfer(struct i8237 *dma, unsigned channel, enum i8237_direction direction,
                   void *buffer, u32 size, bool *tc);

/* Bytes left up to and including the terminal count. */
u32 i8237_remaining(const struct i8237 *dma, unsigned channel);

#endif
