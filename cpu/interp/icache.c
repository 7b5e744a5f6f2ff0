/*
 * icache.c: the cache of decoded blocks, and which RAM pages it depends on.
 */
#include "cpu/interp/icache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/exec.h"
#include "mmu/phys.h"

#define ARENA_BYTES  (64u << 20) /* address space; the host gives pages as they are used */
#define ICACHE_PAGES (1u << 15)
#define GRANULE      64

/* A page with code: its blocks, and which 64-byte granules they touch. */
struct code_page {
    const u8      *host; /* NULL: free */
    struct region *region;
    u64            offset;
    struct block  *blocks;
    u64            granules;
};

struct icache *icache_create(exec_fn stale)
{
    struct icache *c = calloc(1, sizeof *c);
    c->stale         = stale;
    c->pages         = calloc(ICACHE_PAGES, sizeof *c->pages);
    c->arena         = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c->arena == MAP_FAILED) {
        abort(); /* the host has no address space left */
    }
    return c;
}

void icache_destroy(struct icache *cache)
{
    if (cache) {
        munmap(cache->arena, ARENA_BYTES);
        free(cache->pages);
        free(cache);
    }
}

/* The slot of a page: its own, or the free one where it belongs; NULL when the table is full. */
static struct code_page *page_slot(struct icache *cache, const u8 *page)
{
    unsigned start = (unsigned)((uintptr_t)page >> PAGE_SHIFT);
    for (unsigned k = 0; k < ICACHE_PAGES; k++) {
        struct code_page *p = &cache->pages[(start + k) & (ICACHE_PAGES - 1)];
        if (p->host == page || !p->host) {
            return p;
        }
    }
    return NULL;
}

struct block *icache_room(struct icache *cache)
{
    size_t most = sizeof(struct block) + (BLOCK_INSNS_MAX + 1) * sizeof(struct insn);
    return cache->used + most > ARENA_BYTES ? NULL : (struct block *)(void *)(cache->arena + cache->used);
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
    const u8         *page = (const u8 *)((uintptr_t)b->host & ~(uintptr_t)(PAGE_SIZE - 1));
    struct code_page *p    = page_slot(cache, page);
    cache->used += block_bytes(b->count);
    struct block **bucket = &cache->bucket[icache_bucket(b->host, b->mode)];
    b->hash_next          = *bucket;
    *bucket               = b;
    cache->blocks++;
    if (!p) {
        cache->used = ARENA_BYTES; /* more code pages than the table holds: flush at the next block */
        b->stale    = true;
        return;
    }
    p->host   = page;
    p->region = region;
    p->offset = page_offset;
    b->page_next = p->blocks;
    p->blocks    = b;
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
    memset(cache->bucket, 0, sizeof cache->bucket);
    cache->used = 0;
    cache->flushes++;
}

static void make_stale(struct icache *cache, struct block *b)
{
    if (b->stale) {
        return;
    }
    struct block **link = &cache->bucket[icache_bucket(b->host, b->mode)];
    while (*link && *link != b) {
        link = &(*link)->hash_next;
    }
    if (*link) {
        *link = b->hash_next;
    }
    b->stale = true;
    if (b->translation) {
        cache->executor->forget(cache->executor, b);
    }
    for (unsigned k = 0; k <= b->count; k++) {
        b->insn[k].fn = cache->stale;
    }
    if (b->spans) {
        make_stale(cache, b->spans);
    }
}

static void written_in_page(struct icache *cache, const u8 *page, unsigned offset, unsigned size)
{
    struct code_page *p = page_slot(cache, page);
    if (!p || !p->host || !(p->granules & granules_of(offset, size))) {
        return;
    }
    p->granules = 0;
    for (struct block **link = &p->blocks; *link;) {
        struct block *b     = *link;
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
    return !p || (p->host && p->granules & granules_of(offset, size));
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
