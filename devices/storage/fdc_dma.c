/*
 * fdc_dma.c: the floppy controller's wires to channel 2 of the 8237.
 */
#include "devices/storage/fdc.h"
#include "devices/timer/i8237.h"

#define CHANNEL 2

static u32 transfer(void *opaque, u8 *buffer, u32 length, bool to_memory, bool *tc)
{
    struct i8237 *dma = opaque;
    i8237_request(dma, CHANNEL, true);
    u32 n = i8237_transfer(dma, CHANNEL, to_memory ? I8237_TO_MEMORY : I8237_FROM_MEMORY, buffer,
                           length, tc);
    i8237_request(dma, CHANNEL, false);
    return n;
}

struct fdc_dma fdc_dma_8237(struct i8237 *dma)
{
    return (struct fdc_dma){.transfer = transfer, .opaque = dma};
}
