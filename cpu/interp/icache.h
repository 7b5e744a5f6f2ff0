/*
 * icache.h: decoded blocks, found by the host address of their first byte.
 *
 * The host address names RAM page and offset at once, whatever linear address the page has and whatever A20, PAM and SMRAM say.
 * A block never crosses a page. When bytes of a block change, every instruction in it gets the handler `stale`, so that
 * an executor that is inside the block, or jumps into it by a link, looks up again; memory is reclaimed when the cache is full.
 */
#ifndef CPU_INTERP_ICACHE_H
#define CPU_INTERP_ICACHE_H

#include "cpu/decode.h"

#define BLOCK_INSNS_MAX 64
#define INSN_BYTES_MAX  15
#define ROW_NONE        0xffff /* insn->row: the bytes are no instruction, insn->imm says by which rule */

/* block->mode of no block that is looked for: see block->spans. */
#define BLOCK_TAIL 0xffff

struct block {
    const u8     *host;
    struct block *hash_next; /* in the same bucket */
    struct block *page_next; /* of the same page */
    u16           bytes;
    u16           mode; /* cpu->code_mode */
    bool          stale;
    bool          split; /* reached where checks that a translation shares have failed: it shares none */
    u8            count; /* instructions, without the one that leaves the block */
    u16           heat;  /* executions until it is worth translating */
    exec_fn       first; /* handler of the first instruction: insn[0].fn may count executions, or enter translated code */
    struct translation *translation; /* the executor's; NULL: none */
    /* A block of one instruction that goes on in the next page: where that page must be, the instruction's own handler, and in a
     * block without instructions that stands for its bytes there, the block itself. */
    const u8     *second;
    exec_fn       whole;
    struct block *spans;
    struct insn   insn[];
};

#define ICACHE_BUCKETS (1u << 16)

/* An instruction that runs outside any block, most often because it spans two pages, as it was last decoded here. */
struct lone_insn {
    vaddr       la;
    u8          mode; /* 0: free */
    u8          bytes[INSN_BYTES_MAX];
    struct insn insn;
};
#define ICACHE_LONE 256

struct icache {
    struct block     *bucket[ICACHE_BUCKETS];
    struct code_page *pages; /* hash table of ICACHE_PAGES */
    u8               *arena;
    size_t            used;
    exec_fn           stale;
    struct executor  *executor; /* who translates blocks; NULL: nobody */
    u64               flushes, blocks;
    struct lone_insn  lone[ICACHE_LONE]; /* by linear address; the bytes are compared at every use */
};

static inline unsigned icache_bucket(const u8 *host, unsigned mode)
{
    uintptr_t h = (uintptr_t)host;
    return (unsigned)(h ^ h >> 15 ^ mode << 3 ^ mode >> 4) & (ICACHE_BUCKETS - 1);
}

/* What a block of `count` instructions takes. */
static inline size_t block_bytes(unsigned count)
{
    return (sizeof(struct block) + (count + 1u) * sizeof(struct insn) + 63) & ~(size_t)63;
}

/* `stale` is the handler that looks up again at its own instruction. */
struct icache *icache_create(exec_fn stale);
void           icache_destroy(struct icache *cache);

static inline struct block *icache_find(const struct icache *cache, const u8 *host, unsigned mode)
{
    struct block *b = cache->bucket[icache_bucket(host, mode)];
    while (b && (b->host != host || b->mode != mode)) {
        b = b->hash_next;
    }
    return b;
}

/* Room for a block of BLOCK_INSNS_MAX instructions and one more at the end of the arena; NULL: flush first. */
struct block *icache_room(struct icache *cache);
/* Publishes the block that was built in that room. */
void icache_add(struct icache *cache, struct block *block, struct region *region, u64 page_offset);
/* Whether one of the bytes belongs to a block, or may. */
bool icache_holds(const struct icache *cache, const u8 *host, u64 size);
/* Forgets everything. No block may be executing. */
void icache_flush(struct icache *cache);
/* Bytes at `host` change. */
void icache_written(struct icache *cache, const u8 *host, u64 size);

#endif
