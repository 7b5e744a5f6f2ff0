/*
 * phys.h: the guest-physical address space (RAM, ROM, device regions) and the port space.
 *
 * A `struct space` maps regions at addresses, by priority. Reads and writes resolve apart, and so do accesses in and
 * outside system-management mode: PAM (read RAM, write PCI) and SMRAM are plain mappings. Addresses with no region
 * read as all ones and ignore writes.
 *
 * RAM and ROM have per-page state (struct page): which pages hold cached code, and which were written since a reader
 * (the display) last asked.
 */
#ifndef MMU_PHYS_H
#define MMU_PHYS_H

#include "cpu/base/types.h"

struct region_ops {
    /* `offset` is inside the region, `size` 1, 2, 4 or 8. A value has `size` bytes, upper bits zero. */
    u64 (*read)(void *opaque, u64 offset, unsigned size);
    void (*write)(void *opaque, u64 offset, u64 value, unsigned size);
    /* Sizes that read/write handle; 0 means 1 and 4. Wider accesses are split (ascending addresses), narrower ones are
     * passed on with their own size when min_size allows it, else widened: read whole, and write with zeroes. */
    u8 min_size, max_size;
};

enum region_kind { REGION_IO, REGION_RAM, REGION_ROM };

/* Per 4 KiB page of a RAM or ROM region. */
struct page {
    u8 flags; /* PAGE_HAS_CODE ... */
};
enum {
    PAGE_HAS_CODE = 1, /* decoded or translated code lies in it: writes go through space_written() */
    PAGE_CLEAN    = 2, /* not written since region_take_dirty(): the next write must clear this */
    PAGE_KEPT     = 4, /* somebody keeps its content: he is told before the next write, which clears this */
    PAGE_WATCHED  = 8, /* somebody is told before each write */
};

struct region {
    const char              *name;
    enum region_kind         kind;
    u64                      size; /* bytes */
    const struct region_ops *ops;  /* REGION_IO; for REGION_ROM an optional writer (flash) */
    void                    *opaque;
    u8                      *host; /* REGION_RAM, REGION_ROM: page-aligned memory */
    struct page             *pages;
    bool                     coherent; /* derived: host memory is owned by the region */
};

/* A region of device registers. */
void region_init_io(struct region *region, const char *name, u64 size, const struct region_ops *ops, void *opaque);
/* Memory of `size` bytes (rounded up to pages), zeroed, allocated lazily by the host. False: the host has none. */
bool region_init_ram(struct region *region, const char *name, u64 size);
bool region_init_rom(struct region *region, const char *name, u64 size);
/* Frees what init allocated. The region must be unmapped. */
void region_destroy(struct region *region);

/* For a RAM region whose writes are watched (video memory): appends nothing, returns whether the page at `offset` was
 * written since the last call for it, and starts watching it again. Call space_protect() after a batch of these. */
bool region_take_dirty(struct region *region, u64 offset);

struct space;

enum map_access {
    MAP_READ   = 1,
    MAP_WRITE  = 2,
    MAP_NORMAL = 4, /* seen outside system-management mode */
    MAP_SMM    = 8, /* seen in system-management mode */
    MAP_ALL    = 15,
};

/* One mapping; the owner keeps it and may change it by unmapping first. Zero it before first use. */
struct mapping {
    struct space   *space; /* NULL: not mapped */
    struct region  *region;
    paddr           base;
    u64             offset, size; /* the part of the region that is seen */
    int             priority;     /* the higher one wins; equal: the one mapped later */
    unsigned        access;       /* MAP_* */
    struct mapping *next;
};

/* `bits` is the width of an address: 16 for ports, 36..52 for memory. */
struct space *space_create(const char *name, unsigned bits);
void          space_destroy(struct space *space);

void space_map(struct space *space, struct mapping *mapping, struct region *region, paddr base, int priority);
void space_map_part(struct space *space, struct mapping *mapping, struct region *region, u64 offset, u64 size,
                    paddr base, int priority, unsigned access);
void space_unmap(struct mapping *mapping);
/* Between begin and end, maps change without the listeners being told; end tells them once. */
void space_begin(struct space *space);
void space_end(struct space *space);

/* What an access to one address meets. */
struct target {
    struct region *region; /* NULL: nothing there */
    u64            offset; /* in region */
    u64            left;   /* bytes from here on that meet the same region, at least 1 */
};
struct target space_find(struct space *space, paddr addr, bool write, bool smm);

/* A range of addresses that is one piece of RAM to read and to write. Whoever keeps one drops it when told that the map changed. */
struct window {
    paddr          first;
    u64            bytes; /* 0: nothing is known */
    struct region *region;
    u64            offset; /* in region, of first */
};
/* The one around `addr`; empty when it is not RAM. */
struct window space_window(struct space *space, paddr addr, bool smm);

/* Accesses of 1, 2, 4 or 8 bytes, any alignment, any mix of regions. */
u64  space_read(struct space *space, paddr addr, unsigned size, bool smm);
void space_write(struct space *space, paddr addr, u64 value, unsigned size, bool smm);

/* Host code wrote (or is about to write) RAM behind the processor's back: invalidates code, marks dirty. */
void space_written(struct space *space, struct region *region, u64 offset, u64 size);
/* Write access that processors cached may no longer be used (PAGE_CLEAN or PAGE_HAS_CODE was set somewhere). */
void space_protect(struct space *space);

/* Who caches translations of this space (processors). All run on the machine thread. */
struct space_listener {
    void (*changed)(void *opaque);  /* the map changed: drop every cached host address */
    void (*protect)(void *opaque);  /* drop every cached permission to write */
    /* Bytes of a PAGE_HAS_CODE page are about to change (called before they do; at most one page a call). */
    void (*written)(void *opaque, const u8 *host, u64 size);
    /* Bytes of a PAGE_KEPT or PAGE_WATCHED page are about to change; at most one page a call. May be NULL. */
    void (*about)(void *opaque, struct region *region, u64 offset, u64 size);
    void                  *opaque;
    struct space_listener *next;
};
void space_listen(struct space *space, struct space_listener *listener);

/* Prints the map as the monitor's `info mtree` does. */
#include <stdio.h>
void space_print(struct space *space, FILE *out);

#endif
