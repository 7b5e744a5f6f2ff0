/*
 * tlb.h: the software TLB: direct-mapped, one array per kind of access and privilege view.
 *
 * An entry exists only where the access is plain RAM (or ROM, to read), permitted, with accessed and dirty bits already
 * set and, for writes, in a page that holds no cached code and is not watched for being written. A hit therefore needs
 * one subtraction and one comparison, which also tests for page crossing; everything else takes the slow path.
 *
 * Behind these tables stands a second level, larger and reached by a hash: it spares page walks where pages compete for an
 * entry, and it keeps the pages of other process-context identifiers (PCID).
 */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include "cpu/base/types.h"

#define TLB_ENTRIES       2048 /* per kind and view */
#define TLB_FETCH_ENTRIES TLB_ENTRIES
#define TLB_WORDS         (TLB_ENTRIES / 64)

/* Which rules of privilege apply. */
enum tlb_view {
    TLB_USER,          /* CPL 3 */
    TLB_SUPERVISOR,    /* CPL 0-2, user pages refused when CR4.SMAP */
    TLB_SUPERVISOR_AC, /* CPL 0-2 with EFLAGS.AC: SMAP does not apply */
    TLB_VIEWS
};
enum tlb_kind { TLB_READ, TLB_WRITE, TLB_KINDS };
#define TLB_FETCH    TLB_KINDS /* where kinds of data and code are told apart */
#define TLB_NOT_HELD 1

struct tlb_entry {
    u64 tag;  /* linear address of the page; an empty entry has a page above 4 GiB that maps to its neighbour */
    u64 host; /* where that page is; 0 in an empty entry */
};

/* Which entries of one table are filled: a flush then costs what was filled, however much that is. */
struct tlb_fills {
    u32 local_words, global_words; /* bit per word below that is not 0 */
    u64 local[TLB_WORDS], global[TLB_WORDS];
    u64 large[TLB_WORDS]; /* of the filled ones: pieces of a page larger than 4 KiB */
    u64 keyed[TLB_WORDS]; /* of the filled ones: pages with a protection key other than 0 */
};

#define TLB_TABLES       (TLB_VIEWS * (TLB_KINDS + 1))
#define TLB_LARGE_SHIFT  22 /* the unit of large_filter: covers a page of 2 or of 4 MiB */
#define TLB_LARGE_FILTER 4096
#define TLB_SECOND       4096
/* A page's place in the second level: the upper bits of (page number + age * TLB_AGE_FACTOR) * TLB_HASH_FACTOR. */
#define TLB_AGE_FACTOR   0x632be5ab
#define TLB_HASH_FACTOR  0x9e3779b97f4a7c15 /* 2^64 divided by the golden ratio */
#define TLB_SECOND_SHIFT 52
#define TLB_PCIDS        4096
#define TLB_STAMP_FILTER 16384

/* One page in the second level. */
struct tlb_second {
    u64  page, host;
    u64  age;       /* valid while it equals that of the global pages or of the current PCID */
    u32  write_age; /* its permissions to write are valid while it equals tlb->write_age */
    u16  tables;    /* bit per table that may take it */
    bool large : 1;
    u8   key : 5; /* page_key() */
};

/* For who remembers something of pages, by view (user, supervisor): true while the stamp is the same. */
struct tlb_stamps {
    u64 stamp[2];                        /* the lower 16 bits are the user's */
    u64 filter[2][TLB_STAMP_FILTER / 64]; /* bit clear: no page of this hash is remembered */
    u8  global, local;                   /* bit per view: a page that is global, or is not, is remembered */
};

struct tlb {
    struct tlb_entry data[TLB_VIEWS][TLB_KINDS][TLB_ENTRIES];
    struct tlb_entry fetch[TLB_VIEWS][TLB_FETCH_ENTRIES];
    struct tlb_fills fills[TLB_TABLES]; /* those of data in their order, then those of fetch */
    u64              large_filter[TLB_LARGE_FILTER / 64]; /* bit clear: no piece of a large page lies in units of this hash */
    u64              huge_filter; /* the same for pages of 1 GiB */
    /* Ages are never used twice: a flush of the second level is a new age. */
    u64               last_age, global_age, local_age;
    u64               oldest_age; /* those of PCIDs below this are void */
    u64               pcid_age[TLB_PCIDS];
    bool              odd[2]; /* by half of the address space: the second level may hold a page that is global below, or is not above */
    u32               write_age;
    u32               denied[TLB_VIEWS * TLB_KINDS]; /* by table of data: bit per page_key() that may not enter it now */
    u16               pcid; /* the current one */
    /* For those who remember where a linear address of code led, and where a page of data is that they read. */
    struct tlb_stamps code, near;
    /* tlb_hold(); NULL: nobody. `held`: by table and index, what an entry that is held back would say, else the tag TLB_NOT_HELD. */
    bool (*holds)(void *opaque, unsigned kind, vaddr page);
    void              *holds_opaque;
    struct tlb_entry  *held;
    struct tlb_second *second; /* second_room, so aligned that no entry lies in two cache lines */
    struct tlb_second second_room[TLB_SECOND + 1];
};

static inline unsigned tlb_index(vaddr la)
{
    return (unsigned)(la >> PAGE_SHIFT) & (TLB_ENTRIES - 1);
}

static inline unsigned tlb_fetch_index(vaddr la)
{
    return (unsigned)(la >> PAGE_SHIFT) & (TLB_FETCH_ENTRIES - 1);
}

/* The host address of `size` bytes at `la`, or NULL: take the slow path. */
ALWAYS_INLINE void *tlb_hit(const struct tlb_entry *table, vaddr la, unsigned size)
{
    const struct tlb_entry *e = &table[tlb_index(la)];
    if (unlikely(la - e->tag > PAGE_SIZE - size)) {
        return NULL;
    }
    return (void *)(uintptr_t)(la - e->tag + e->host);
}

void tlb_init(struct tlb *tlb);
/* Everything, of all PCIDs, global pages too. */
void tlb_flush(struct tlb *tlb);
/* All of the current PCID but global pages (a CR3 load). */
void tlb_flush_local(struct tlb *tlb);
/* INVLPG: the page of `la`, whatever its size, of the current PCID and global. */
void tlb_flush_page(struct tlb *tlb, vaddr la);
/* Code lies elsewhere now, though no mapping has changed: new stamps. */
void tlb_code_moved(struct tlb *tlb);
/* Another PCID becomes the current one; what is known of it comes back. Without CR4.PCIDE there is only PCID 0. */
void tlb_set_pcid(struct tlb *tlb, unsigned pcid);
/* All of one PCID, or of all of them, but global pages. */
void tlb_flush_pcid(struct tlb *tlb, unsigned pcid);
void tlb_flush_all_pcids(struct tlb *tlb);
/* Every permission to write to the host page at `page`; NULL: to any. */
void tlb_flush_writes(struct tlb *tlb, const u8 *page);
/* Rights of protection keys: bit per page_key() that `view` may not access in this way. What has become forbidden leaves the first level;
 * the second knows each page's key. */
void tlb_deny_keys(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, u32 keys);
/* Enters a page; `host` is where its first byte lies, page_bytes the size of the guest's page, `key` its page_key(). */
void tlb_fill(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la, const u8 *host, bool global,
              u64 page_bytes, unsigned key);
/* The host page of `la` from the second level, which then enters the first; NULL: walk. */
const u8 *tlb_refill(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la);
const u8 *tlb_refill_fetch(struct tlb *tlb, enum tlb_view view, vaddr la);
/* From now on pages for which holds(kind, page) says so are held back: the TLB knows what it would know of them, and forgets it
 * when it would, but tlb_hit() and all who look into the tables themselves do not find them, only tlb_refill(), tlb_refill_fetch() and
 * tlb_held(). So every access comes to the slow path, and the guest sees no difference. Again when its answers have changed; NULL:
 * none any more. */
void tlb_hold(struct tlb *tlb, bool (*holds)(void *opaque, unsigned kind, vaddr page), void *opaque);
/* The host page of `la` if the entry is held back, or NULL. kind: TLB_FETCH too. */
const u8 *tlb_held(const struct tlb *tlb, enum tlb_view view, unsigned kind, vaddr la);
void tlb_fill_fetch(struct tlb *tlb, enum tlb_view view, vaddr la, const u8 *host, bool global, u64 page_bytes, unsigned key);

#endif
