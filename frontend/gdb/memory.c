/*
 * memory.c: see memory.h.
 */
#include "frontend/gdb/memory.h"

#include <string.h>

/* What lies at an address, up to the end of its page. NULL: no memory. */
static u8 *find(struct cpu *cpu, bool physical, u64 address, bool write, struct target *target, size_t *left)
{
    paddr phys = address;
    u64 linear = cpu->long_mode ? address : (u32)address;
    if (!physical && !walk_peek(&cpu->paging, cpu->memory, linear, &phys)) {
        return NULL;
    }
    *target = space_find(cpu->memory, phys & cpu->paging.a20_mask, write, cpu->in_smm);
    const struct region *region = target->region;
    if (!region || (region->kind != REGION_RAM && (write || region->kind != REGION_ROM))) {
        return NULL;
    }
    *left = PAGE_SIZE - (address & (PAGE_SIZE - 1));
    *left = target->left < *left ? (size_t)target->left : *left;
    return region->host + target->offset;
}

size_t gdb_memory_read(struct cpu *cpu, bool physical, u64 address, u8 *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        struct target target;
        size_t part;
        const u8 *host = find(cpu, physical, address + done, false, &target, &part);
        if (!host) {
            break;
        }
        part = part < size - done ? part : size - done;
        memcpy(bytes + done, host, part);
        done += part;
    }
    return done;
}

static bool writable(struct cpu *cpu, bool physical, u64 address, size_t size)
{
    size_t part = 0;
    for (size_t done = 0; done < size; done += part) {
        struct target target;
        if (!find(cpu, physical, address + done, true, &target, &part)) {
            return false;
        }
    }
    return true;
}

bool gdb_memory_write(struct cpu *cpu, bool physical, u64 address, const u8 *bytes, size_t size)
{
    if (!writable(cpu, physical, address, size)) {
        return false;
    }
    for (size_t done = 0; done < size;) {
        struct target target;
        size_t part;
        u8 *host = find(cpu, physical, address + done, true, &target, &part);
        part = part < size - done ? part : size - done;
        space_written(cpu->memory, target.region, target.offset, part);
        memcpy(host, bytes + done, part);
        done += part;
    }
    return true;
}
