/*
 * tlb.h: the software TLB: direct-mapped, one array per kind of access and privilege view.
 *
 * An entry exists only where the access is plain RAM (or ROM, to read), permitted, with accessed and dirty bits already
 * set and, for writes, in a page that holds no cached code and is not watched for being written. A hit therefore needs
 * one subtraction and one comparison, which also tests for page crossing; everything else takes the slow path.
 */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include "cpu/base/types.h"

#define TLB_ENTRIES       1024 /* per kind and view */
#define TLB_FETCH_ENTRIES 256
#define TLB_LOG           192 /* fills remembered for a flush in proportion */

/* Which rules of privilege apply. */
enum tlb_view {
    TLB_USER,          /* CPL 3 */
    TLB_SUPERVISOR,    /* CPL 0-2, user pages refused when CR4.SMAP */
    TLB_SUPERVISOR_AC, /* CPL 0-2 with EFLAGS.AC: SMAP does not apply */
    TLB_VIEWS
};
enum tlb_kind { TLB_READ, TLB_WRITE, TLB_KINDS };

struct tlb_entry {
    u64 tag;    /* linear address of the page; an empty entry has a page that maps to its neighbour */
    u64 addend; /* host address = linear address + addend */
};

struct tlb {
    struct tlb_entry data[TLB_VIEWS][TLB_KINDS][TLB_ENTRIES];
    struct tlb_entry fetch[TLB_VIEWS][TLB_FETCH_ENTRIES];
    u32              log_count; /* > TLB_LOG: some fills were not logged */
    struct tlb_entry *log[TLB_LOG];
    u64              log_global[TLB_LOG / 64]; /* bit per log entry: a global page */
    u64              large_first, large_last;  /* linear range that covers every large page filled */
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
    return (void *)(uintptr_t)(la + e->addend);
}

void tlb_init(struct tlb *tlb);
/* Everything, global pages too. */
void tlb_flush(struct tlb *tlb);
/* All but global pages (a CR3 load). */
void tlb_flush_local(struct tlb *tlb);
/* INVLPG: the page of `la`, whatever its size. */
void tlb_flush_page(struct tlb *tlb, vaddr la);
/* Every permission to write. */
void tlb_flush_writes(struct tlb *tlb);
/* Enters a page; `host` is where its first byte lies, page_bytes the size of the guest's page. */
void tlb_fill(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la, const u8 *host, bool global,
              u64 page_bytes);
void tlb_fill_fetch(struct tlb *tlb, enum tlb_view view, vaddr la, const u8 *host, bool global, u64 page_bytes);

#endif
