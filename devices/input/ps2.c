/*
 * ps2.c: see ps2.h.
 */
#include "devices/input/ps2.h"

const struct field ps2_queue_fields[] = {
    FIELD_ARRAY(struct ps2_queue, bytes),
    FIELD(struct ps2_queue, head),
    FIELD(struct ps2_queue, count),
    FIELD_END,
};

void ps2_queue_clear(struct ps2_queue *queue)
{
    *queue = (struct ps2_queue){0};
}

unsigned ps2_queue_room(const struct ps2_queue *queue)
{
    return PS2_QUEUE_SIZE - queue->count;
}

bool ps2_queue_put(struct ps2_queue *queue, u8 value)
{
    if (queue->count == PS2_QUEUE_SIZE) {
        return false;
    }
    queue->bytes[(queue->head + queue->count++) % PS2_QUEUE_SIZE] = value;
    return true;
}

bool ps2_queue_get(struct ps2_queue *queue, u8 *value)
{
    if (!queue->count) {
        return false;
    }
    *value = queue->bytes[queue->head];
    queue->head = (u8)((queue->head + 1) % PS2_QUEUE_SIZE);
    queue->count--;
    return true;
}

void ps2_queue_loaded(struct ps2_queue *queue)
{
    queue->head %= PS2_QUEUE_SIZE;
    if (queue->count > PS2_QUEUE_SIZE) {
        queue->count = PS2_QUEUE_SIZE;
    }
}
