/*
 * tlb.c: filling and flushing the software TLB. A log of fills makes small flushes cheap; when it overflows, arrays are
 * cleared whole.
 */
#include "mmu/tlb.h"

static u64 no_page(unsigned index)
{
    return (u64)(index ^ 1) << PAGE_SHIFT; /* never hit: that page has another index */
}

static void clear_table(struct tlb_entry *table, unsigned entries)
{
    for (unsigned k = 0; k < entries; k++) {
        table[k].tag = no_page(k);
    }
}

static void clear_entry(struct tlb *tlb, struct tlb_entry *e)
{
    struct tlb_entry *data = &tlb->data[0][0][0];
    if (e >= data && e < data + TLB_VIEWS * TLB_KINDS * TLB_ENTRIES) {
        e->tag = no_page((unsigned)(e - data) & (TLB_ENTRIES - 1));
    } else {
        e->tag = no_page((unsigned)(e - &tlb->fetch[0][0]) & (TLB_FETCH_ENTRIES - 1));
    }
}

static void clear_log(struct tlb *tlb)
{
    tlb->log_count = 0;
    for (unsigned k = 0; k < ARRAY_LEN(tlb->log_global); k++) {
        tlb->log_global[k] = 0;
    }
}

static void clear_all(struct tlb *tlb)
{
    clear_table(&tlb->data[0][0][0], TLB_VIEWS * TLB_KINDS * TLB_ENTRIES);
    clear_table(&tlb->fetch[0][0], TLB_VIEWS * TLB_FETCH_ENTRIES);
    clear_log(tlb);
    tlb->large_first = ~(u64)0;
    tlb->large_last  = 0;
}

void tlb_init(struct tlb *tlb)
{
    clear_all(tlb);
}

void tlb_flush(struct tlb *tlb)
{
    if (tlb->log_count > TLB_LOG) {
        clear_all(tlb);
        return;
    }
    for (unsigned k = 0; k < tlb->log_count; k++) {
        clear_entry(tlb, tlb->log[k]);
    }
    clear_log(tlb);
    tlb->large_first = ~(u64)0;
    tlb->large_last  = 0;
}

void tlb_flush_local(struct tlb *tlb)
{
    if (tlb->log_count > TLB_LOG) {
        clear_all(tlb);
        return;
    }
    unsigned kept = 0;
    for (unsigned k = 0; k < tlb->log_count; k++) {
        bool global = tlb->log_global[k / 64] >> (k % 64) & 1;
        if (!global) {
            clear_entry(tlb, tlb->log[k]);
            continue;
        }
        tlb->log_global[k / 64] &= ~((u64)1 << (k % 64));
        tlb->log_global[kept / 64] |= (u64)1 << (kept % 64);
        tlb->log[kept++] = tlb->log[k];
    }
    for (unsigned k = kept; k < tlb->log_count; k++) {
        tlb->log_global[k / 64] &= ~((u64)1 << (k % 64));
    }
    tlb->log_count = kept;
}

void tlb_flush_page(struct tlb *tlb, vaddr la)
{
    if (la >= tlb->large_first && la <= tlb->large_last) {
        tlb_flush(tlb);
        return;
    }
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
            struct tlb_entry *e = &tlb->data[view][kind][tlb_index(la)];
            if (!((e->tag ^ la) & PAGE_MASK)) {
                clear_entry(tlb, e);
            }
        }
        struct tlb_entry *e = &tlb->fetch[view][tlb_fetch_index(la)];
        if (!((e->tag ^ la) & PAGE_MASK)) {
            clear_entry(tlb, e);
        }
    }
}

void tlb_flush_writes(struct tlb *tlb)
{
    struct tlb_entry *data = &tlb->data[0][0][0];
    if (tlb->log_count > TLB_LOG) {
        for (unsigned view = 0; view < TLB_VIEWS; view++) {
            clear_table(tlb->data[view][TLB_WRITE], TLB_ENTRIES);
        }
        return;
    }
    for (unsigned k = 0; k < tlb->log_count; k++) {
        struct tlb_entry *e = tlb->log[k];
        if (e < data || e >= data + TLB_VIEWS * TLB_KINDS * TLB_ENTRIES) {
            continue;
        }
        if ((unsigned)(e - data) / TLB_ENTRIES % TLB_KINDS == TLB_WRITE) {
            clear_entry(tlb, e);
        }
    }
}

static void log_fill(struct tlb *tlb, struct tlb_entry *e, vaddr la, bool global, u64 page_bytes)
{
    if (tlb->log_count < TLB_LOG) {
        tlb->log[tlb->log_count] = e;
        if (global) {
            tlb->log_global[tlb->log_count / 64] |= (u64)1 << (tlb->log_count % 64);
        }
        tlb->log_count++;
    } else {
        tlb->log_count = TLB_LOG + 1;
    }
    if (page_bytes > PAGE_SIZE) {
        u64 first = la & ~(page_bytes - 1), last = first + page_bytes - 1;
        if (first < tlb->large_first) {
            tlb->large_first = first;
        }
        if (last > tlb->large_last) {
            tlb->large_last = last;
        }
    }
}

void tlb_fill(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la, const u8 *host, bool global,
              u64 page_bytes)
{
    struct tlb_entry *e = &tlb->data[view][kind][tlb_index(la)];
    la &= PAGE_MASK;
    e->tag    = la;
    e->addend = (u64)(uintptr_t)host - la;
    log_fill(tlb, e, la, global, page_bytes);
}

void tlb_fill_fetch(struct tlb *tlb, enum tlb_view view, vaddr la, const u8 *host, bool global, u64 page_bytes)
{
    struct tlb_entry *e = &tlb->fetch[view][tlb_fetch_index(la)];
    la &= PAGE_MASK;
    e->tag    = la;
    e->addend = (u64)(uintptr_t)host - la;
    log_fill(tlb, e, la, global, page_bytes);
}
