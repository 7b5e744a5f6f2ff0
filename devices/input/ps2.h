/*
 * ps2.h: the serial line of a PS/2 device, byte by byte, and the queue that such a device sends
 * from.
 *
 * The device owns its `struct ps2_port`; the controller connects itself with `ready`. Bits, clock
 * and parity of the line are not modelled: every byte arrives intact.
 */
#ifndef DEVICES_INPUT_PS2_H
#define DEVICES_INPUT_PS2_H

#include "cpu/base/fields.h"
#include "cpu/base/types.h"

struct ps2_port {
    /* Of the device: a byte from the controller, and the next byte to it (false: none waits). */
    void (*receive)(struct ps2_port *port, u8 value);
    bool (*send)(struct ps2_port *port, u8 *value);
    /* Of the controller: the device has something to send now. */
    void (*ready)(void *opaque);
    void *opaque;
};

static inline void ps2_ready(struct ps2_port *port)
{
    if (port->ready) {
        port->ready(port->opaque);
    }
}

enum { PS2_QUEUE_SIZE = 16 };

struct ps2_queue {
    u8 bytes[PS2_QUEUE_SIZE];
    u8 head, count;
};
extern const struct field ps2_queue_fields[];

void ps2_queue_clear(struct ps2_queue *queue);
/* Bytes that still fit. */
unsigned ps2_queue_room(const struct ps2_queue *queue);
/* False, and nothing stored, when it is full. */
bool ps2_queue_put(struct ps2_queue *queue, u8 value);
bool ps2_queue_get(struct ps2_queue *queue, u8 *value);
/* Brings head and count of a loaded state back into their ranges. */
void ps2_queue_loaded(struct ps2_queue *queue);

#endif
