/*
 * dma.c: see dma.h. Devices see memory as the processor does outside system-management mode.
 */
#include "devices/core/dma.h"

#include <string.h>

static bool enabled(const struct dma *dma)
{
    return !dma->enabled || *dma->enabled;
}

static u64 min_u64(u64 a, u64 b)
{
    return a < b ? a : b;
}

bool dma_read(const struct dma *dma, paddr addr, void *buffer, u64 size)
{
    if (!enabled(dma)) {
        memset(buffer, 0xff, size);
        return false;
    }
    bool all = true;
    u8 *to = buffer;
    while (size) {
        struct target t = space_find(dma->memory, addr, false, false);
        u64 n = min_u64(t.left, size);
        if (t.region && t.region->kind != REGION_IO) {
            memcpy(to, t.region->host + t.offset, n);
        } else {
            memset(to, 0xff, n);
            all = false;
        }
        to += n;
        addr += n;
        size -= n;
    }
    return all;
}

bool dma_write(const struct dma *dma, paddr addr, const void *buffer, u64 size)
{
    if (!enabled(dma)) {
        return false;
    }
    bool all = true;
    const u8 *from = buffer;
    while (size) {
        struct target t = space_find(dma->memory, addr, true, false);
        u64 n = min_u64(t.left, size);
        if (t.region && t.region->kind == REGION_RAM) {
            space_written(dma->memory, t.region, t.offset, n);
            memcpy(t.region->host + t.offset, from, n);
        } else {
            all = false;
        }
        from += n;
        addr += n;
        size -= n;
    }
    return all;
}
