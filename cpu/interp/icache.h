/*
 * icache.h: decoded blocks, found by the host address of their first byte.
 *
 * The host address names RAM page and offset at once, whatever linear address the page has and whatever A20, PAM and SMRAM say.
 * A block never crosses a page. When bytes of a block change, every instruction in it gets the handler `stale`, so that
 * an executor that is inside the block, or jumps into it by a link, looks up again.
 *
 * A block lives until its bytes change, but its decoded instructions only as long as there is room: they lie in a ring, where new
 * ones take the place of the oldest. What runs often is translated, and seldom asks for them; the rest is decoded again.
 */
#ifndef CPU_INTERP_ICACHE_H
#define CPU_INTERP_ICACHE_H

#include "cpu/decode.h"

#define BLOCK_INSNS_MAX 64
#define INSN_BYTES_MAX  15
#define ROW_NONE        0xffff /* insn->row: the bytes are no instruction, insn->imm says by which rule */

/* block->mode of no block that is looked for: see block->other. */
#define BLOCK_TAIL 0xffff

/* Runs a block and then its successors. */
typedef void (*block_fn)(struct cpu *cpu, struct block *block);

/* One line of the host's cache: most are looked for long after they were last used. */
struct block {
    _Alignas(64) block_fn run;
    struct insn          *insn; /* `count`, and one that leaves the block; NULL: to be decoded anew */
    const u8             *host;
    struct translation   *translation; /* the executor's; NULL: none */
    /* A block of one instruction that goes on in the next page has a block without instructions for its bytes there (mode BLOCK_TAIL):
     * the number of the other one. In a stale one, how old it is: icache->decoded, in pages. */
    union {
        u32 other;
        u32 retired;
    };
    u32  spread; /* bit per two instructions: one of them indexes a table that is seldom all in the page of its beginning */
    u32  hash_next, page_next; /* number of a block in the same bucket, of the same page; 0: none */
    u32  serial; /* no other block has had it for long */
    u32  code;   /* the executor's: where the translation's code begins */
    u16  bytes;
    u16  mode; /* cpu->code_mode, or with MODE_APART */
    u16  heat; /* executions until it is worth translating */
    u8   count; /* instructions, without the one that leaves the block */
    bool stale : 1;
    bool spanning : 1;
    bool unwritten : 1; /* what it reads is seldom ready to be written */
};

static inline void block_note_spread(struct block *block, unsigned insn)
{
    block->spread |= 1u << insn / 2;
}

static inline bool block_is_spread(const struct block *block, unsigned insn)
{
    return block->spread >> insn / 2 & 1;
}

/* The instructions of a block in the ring. */
struct decoded {
    struct block *block;
    u32           bytes;
    exec_fn       whole; /* of an instruction that goes on in the next page: its own handler */
    _Alignas(64) struct insn insn[];
};

#define ICACHE_BUCKETS (1u << 18)

/* An instruction that runs outside any block, most often because it spans two pages, as it was last decoded here. */
struct lone_insn {
    vaddr       la;
    u8          mode; /* 0: free */
    u8          bytes[INSN_BYTES_MAX];
    struct insn insn;
};
#define ICACHE_LONE 256

struct icache {
    u32              *bucket; /* numbers of blocks */
    struct block     *block;  /* the first one stays unused */
    u32               used;
    u32               retired_first, retired_last; /* stale blocks, the oldest first, by page_next */
    struct code_page *pages; /* hash table of ICACHE_PAGES */
    u32               pages_used;
    u8               *ring;
    size_t            next, oldest, end; /* in the ring: room; what is decoded goes from `oldest` to `next`, or */
    bool              wrapped;           /* to `end` and then from 0 to `next` */
    u64               decoded;           /* bytes, ever */
    exec_fn           stale;
    block_fn          run_stale;
    struct executor  *executor; /* who translates blocks; NULL: nobody */
    u64               flushes, blocks, again;
    struct lone_insn  lone[ICACHE_LONE]; /* by linear address; the bytes are compared at every use */
};

/* Blocks near each other have buckets near each other. */
static inline unsigned icache_bucket(const u8 *host, unsigned mode)
{
    uintptr_t h = (uintptr_t)host >> 2;
    return (unsigned)(h ^ h >> 17 ^ mode << 3 ^ mode >> 4) & (ICACHE_BUCKETS - 1);
}

/* `stale` and `run_stale` look up again: at their own instruction, or where the block began. */
struct icache *icache_create(exec_fn stale, block_fn run_stale);
void           icache_destroy(struct icache *cache);

static inline struct block *icache_find(const struct icache *cache, const u8 *host, unsigned mode)
{
    u32 k = cache->bucket[icache_bucket(host, mode)];
    while (k) {
        struct block *b = &cache->block[k];
        if (b->host == host && b->mode == mode) {
            return b;
        }
        k = b->hash_next;
    }
    return NULL;
}

static inline u32 icache_number(const struct icache *cache, const struct block *block)
{
    return (u32)(block - cache->block);
}

static inline struct block *icache_other(const struct icache *cache, const struct block *block)
{
    return &cache->block[block->other];
}

/* Whether there may be no room for two more blocks: then flush first. */
bool icache_full(const struct icache *cache);
/* A new block, not to be found yet. */
struct block *icache_new(struct icache *cache, const u8 *host, unsigned mode);
/* The block can be found. */
void icache_add(struct icache *cache, struct block *block, struct region *region, u64 page_offset);

/* Room for BLOCK_INSNS_MAX instructions and one more; the oldest ones go. No block may be executing. */
struct decoded *icache_room(struct icache *cache);
/* What was decoded there is the block's. */
void icache_keep(struct icache *cache, struct decoded *decoded, struct block *block);
static inline struct decoded *icache_decoded(const struct insn *first)
{
    return (struct decoded *)(uintptr_t)((const u8 *)first - offsetof(struct decoded, insn));
}

/* Whether one of the bytes belongs to a block, or may. */
bool icache_holds(const struct icache *cache, const u8 *host, u64 size);
/* Forgets everything. No block may be executing. */
void icache_flush(struct icache *cache);
/* Bytes at `host` change. */
void icache_written(struct icache *cache, const u8 *host, u64 size);

#endif
