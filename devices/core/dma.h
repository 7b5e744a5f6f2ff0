/*
 * dma.h: how devices reach guest memory. Only RAM (and ROM, to read) can be a target: a device region reads as all
 * ones and swallows writes, so that no device can be made to call another one, or itself.
 */
#ifndef DEVICES_CORE_DMA_H
#define DEVICES_CORE_DMA_H

#include "mmu/phys.h"

struct dma {
    struct space *memory;
    /* Bus mastering is on (PCI command register); false: reads give all ones, writes are dropped. NULL: always on. */
    const bool *enabled;
};

/* False when any byte met no RAM. */
bool dma_read(const struct dma *dma, paddr addr, void *buffer, u64 size);
bool dma_write(const struct dma *dma, paddr addr, const void *buffer, u64 size);

#endif
