/*
 * icache.c: the cache of decoded blocks, and which RAM pages it depends on.
 */
#include "cpu/interp/icache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/base/mem.h"
#include "cpu/exec.h"
#include "mmu/phys.h"

#define RING_BYTES   (4u << 20)
#define BLOCKS       (1u << 18)
#define ICACHE_PAGES (1u << 15)
#define PAGES_FULL   (ICACHE_PAGES / 8 * 7) /* beyond, a free slot is far */
#define GRANULE      64

/* A page with code: its blocks, and which 64-byte granules they touch. */
struct code_page {
    const u8      *host; /* NULL: free */
    struct region *region;
    u64            offset;
    u32            blocks; /* number of the first */
    u64            granules;
};

/* Address space; the host gives pages as they are used. */
static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        abort(); /* the host has none left */
    }
    return p;
}

struct icache *icache_create(exec_fn stale, block_fn run_stale)
{
    struct icache *c = mem_zeroed(1, sizeof *c);
    c->stale         = stale;
    c->run_stale     = run_stale;
    c->pages         = mem_zeroed(ICACHE_PAGES, sizeof *c->pages);
    c->bucket        = reserve(ICACHE_BUCKETS * sizeof *c->bucket);
    c->block         = reserve(BLOCKS * sizeof *c->block);
    c->ring          = reserve(RING_BYTES);
    c->used          = 1;
    c->end           = RING_BYTES;
    return c;
}

void icache_destroy(struct icache *cache)
{
    if (cache) {
        munmap(cache->ring, RING_BYTES);
        munmap(cache->block, BLOCKS * sizeof *cache->block);
        munmap(cache->bucket, ICACHE_BUCKETS * sizeof *cache->bucket);
        free(cache->pages);
        free(cache);
    }
}

/* ---- blocks */

static u32 pages_decoded(const struct icache *cache)
{
    return (u32)(cache->decoded / PAGE_SIZE);
}

/* A stale block can be used anew when all instructions that may be linked to it have gone from the ring. */
static struct block *reuse(struct icache *cache)
{
    struct block *b = &cache->block[cache->retired_first];
    if (!cache->retired_first || pages_decoded(cache) - b->retired < 2 * RING_BYTES / PAGE_SIZE) {
        return NULL;
    }
    cache->retired_first = b->page_next;
    return b;
}

static void retire(struct icache *cache, struct block *b)
{
    u32 k        = icache_number(cache, b);
    b->retired   = pages_decoded(cache);
    b->page_next = 0;
    if (cache->retired_first) {
        cache->block[cache->retired_last].page_next = k;
    } else {
        cache->retired_first = k;
    }
    cache->retired_last = k;
}

bool icache_full(const struct icache *cache)
{
    return cache->used + 2 > BLOCKS || cache->pages_used + 2 > PAGES_FULL;
}

struct block *icache_new(struct icache *cache, const u8 *host, unsigned mode)
{
    struct block *b = reuse(cache);
    b               = b ? b : &cache->block[cache->used++];
    *b              = (struct block){.host = host, .mode = (u16)mode, .serial = (u32)cache->blocks++};
    return b;
}

/* ---- the ring */

/* The oldest instructions go. */
static void evict(struct icache *cache)
{
    const struct decoded *d = (const struct decoded *)(const void *)(cache->ring + cache->oldest);
    if (d->block->insn == d->insn) {
        d->block->insn = NULL;
    }
    cache->oldest += d->bytes;
    if (cache->oldest == cache->end) {
        cache->oldest  = 0;
        cache->wrapped = false;
    }
}

struct decoded *icache_room(struct icache *cache)
{
    size_t most = sizeof(struct decoded) + (BLOCK_INSNS_MAX + 1) * sizeof(struct insn) + 63;
    if (cache->next + most > RING_BYTES) {
        while (cache->wrapped) {
            evict(cache);
        }
        cache->wrapped = cache->oldest != cache->next;
        cache->oldest  = cache->wrapped ? cache->oldest : 0;
        cache->end     = cache->next;
        cache->next    = 0;
    }
    while (cache->wrapped && cache->oldest < cache->next + most) {
        evict(cache);
    }
    return (struct decoded *)(void *)(cache->ring + cache->next);
}

void icache_keep(struct icache *cache, struct decoded *d, struct block *b)
{
    d->block = b;
    d->bytes = (u32)((sizeof *d + (b->count + 1u) * sizeof(struct insn) + 63) & ~(size_t)63);
    b->insn  = d->insn;
    cache->next += d->bytes;
    cache->decoded += d->bytes;
}

/* ---- pages */

/* The slot of a page: its own, or the free one where it belongs; there are free ones, for the cache is flushed at PAGES_FULL. */
static struct code_page *page_slot(struct icache *cache, const u8 *page)
{
    for (unsigned k = (unsigned)((uintptr_t)page >> PAGE_SHIFT);; k++) {
        struct code_page *p = &cache->pages[k & (ICACHE_PAGES - 1)];
        if (p->host == page || !p->host) {
            return p;
        }
    }
}

static u64 granules_of(unsigned offset, u64 size)
{
    unsigned first = offset / GRANULE;
    u64      last  = (offset + size - 1) / GRANULE;
    last           = last > 63 ? 63 : last;
    return (~(u64)0 >> (63 - (last - first))) << first;
}

void icache_add(struct icache *cache, struct block *b, struct region *region, u64 page_offset)
{
    const u8         *page   = (const u8 *)((uintptr_t)b->host & ~(uintptr_t)(PAGE_SIZE - 1));
    struct code_page *p      = page_slot(cache, page);
    u32              *bucket = &cache->bucket[icache_bucket(b->host, b->mode)], k = icache_number(cache, b);
    b->hash_next             = *bucket;
    *bucket                  = k;
    cache->pages_used += !p->host;
    p->host      = page;
    p->region    = region;
    p->offset    = page_offset;
    b->page_next = p->blocks;
    p->blocks    = k;
    p->granules |= granules_of((unsigned)(b->host - page), b->bytes);
    region->pages[page_offset >> PAGE_SHIFT].flags |= PAGE_HAS_CODE;
}

void icache_flush(struct icache *cache)
{
    for (unsigned k = 0; k < ICACHE_PAGES; k++) {
        struct code_page *p = &cache->pages[k];
        if (p->host && p->blocks) {
            p->region->pages[p->offset >> PAGE_SHIFT].flags &= (u8)~PAGE_HAS_CODE;
        }
    }
    if (cache->executor) {
        cache->executor->forget_all(cache->executor);
    }
    memset(cache->pages, 0, ICACHE_PAGES * sizeof *cache->pages);
    memset(cache->bucket, 0, ICACHE_BUCKETS * sizeof *cache->bucket);
    cache->used          = 1;
    cache->pages_used    = 0;
    cache->retired_first = 0;
    cache->next = cache->oldest = 0;
    cache->wrapped              = false;
    cache->flushes++;
}

static void make_stale(struct icache *cache, struct block *b)
{
    if (b->stale) {
        return;
    }
    u32 *link = &cache->bucket[icache_bucket(b->host, b->mode)], k = icache_number(cache, b);
    while (*link && *link != k) {
        link = &cache->block[*link].hash_next;
    }
    if (*link) {
        *link = b->hash_next;
    }
    b->stale = true;
    b->run   = cache->run_stale;
    if (b->translation) {
        cache->executor->forget(cache->executor, b);
    }
    for (unsigned n = 0; b->insn && n <= b->count; n++) {
        b->insn[n].fn = cache->stale;
    }
    if (b->mode == BLOCK_TAIL) {
        make_stale(cache, icache_other(cache, b));
    } else if (!b->spanning) {
        retire(cache, b);
    }
}

static void written_in_page(struct icache *cache, const u8 *page, unsigned offset, unsigned size)
{
    struct code_page *p = page_slot(cache, page);
    if (!p->host || !(p->granules & granules_of(offset, size))) {
        return;
    }
    p->granules = 0;
    for (u32 *link = &p->blocks; *link;) {
        struct block *b     = &cache->block[*link];
        unsigned      start = (unsigned)(b->host - page);
        if (start < offset + size && offset < start + b->bytes) {
            *link = b->page_next;
            make_stale(cache, b);
        } else {
            p->granules |= granules_of(start, b->bytes);
            link = &b->page_next;
        }
    }
    if (!p->blocks) {
        p->region->pages[p->offset >> PAGE_SHIFT].flags &= (u8)~PAGE_HAS_CODE;
    }
}

bool icache_holds(const struct icache *cache, const u8 *host, u64 size)
{
    unsigned                offset = (unsigned)((uintptr_t)host & (PAGE_SIZE - 1));
    const struct code_page *p      = page_slot((struct icache *)(uintptr_t)cache, host - offset);
    return p->host && p->granules & granules_of(offset, size);
}

void icache_written(struct icache *cache, const u8 *host, u64 size)
{
    while (size) {
        unsigned offset = (unsigned)((uintptr_t)host & (PAGE_SIZE - 1));
        unsigned n      = PAGE_SIZE - offset < size ? PAGE_SIZE - offset : (unsigned)size;
        written_in_page(cache, host - offset, offset, n);
        host += n;
        size -= n;
    }
}
