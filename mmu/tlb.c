/*
 * tlb.c: filling and flushing the software TLB. Bitmaps say which entries are filled, local and global ones apart, so that a
 * flush touches those only. A large page enters as pieces of 4 KiB; INVLPG must drop all of them (SDM Vol. 3A 4.10.4.1).
 */
#include "mmu/tlb.h"

#include "cpu/base/bits.h"

/* The tables in the order of tlb->fills. */
static struct tlb_entry *table_at(struct tlb *tlb, unsigned n)
{
    struct tlb_entry *data = &tlb->data[0][0][0], *fetch = &tlb->fetch[0][0];
    return n < TLB_VIEWS * TLB_KINDS ? data + n * TLB_ENTRIES : fetch + (n - TLB_VIEWS * TLB_KINDS) * TLB_FETCH_ENTRIES;
}

static u64 no_page(unsigned index)
{
    return (u64)(index ^ 1) << PAGE_SHIFT; /* never hit: that page has another index */
}

static void clear_bits(struct tlb_entry *table, unsigned word, u64 set)
{
    for (; set; set &= set - 1) {
        unsigned index   = word * 64 + (unsigned)__builtin_ctzll(set);
        table[index].tag = no_page(index);
    }
}

static void clear_filled(struct tlb_entry *table, u64 *filled, u32 *words)
{
    for (u32 rest = *words; rest; rest &= rest - 1) {
        unsigned word = (unsigned)__builtin_ctz(rest);
        clear_bits(table, word, filled[word]);
        filled[word] = 0;
    }
    *words = 0;
}


static void drop(struct tlb *tlb, unsigned table, unsigned index)
{
    struct tlb_fills *f = &tlb->fills[table];
    table_at(tlb, table)[index].tag = no_page(index);
    f->local[index / 64] &= ~BIT(index % 64);
    f->global[index / 64] &= ~BIT(index % 64);
}

static void forget_large(struct tlb *tlb)
{
    tlb->large_bytes = 0;
    for (unsigned k = 0; k < ARRAY_LEN(tlb->large_filter); k++) {
        tlb->large_filter[k] = 0;
    }
}

void tlb_init(struct tlb *tlb)
{
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        for (unsigned word = 0; word < TLB_WORDS; word++) {
            clear_bits(table_at(tlb, n), word, ~(u64)0);
        }
        tlb->fills[n] = (struct tlb_fills){0};
    }
    forget_large(tlb);
}

void tlb_flush(struct tlb *tlb)
{
    tlb_flush_local(tlb);
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        clear_filled(table_at(tlb, n), tlb->fills[n].global, &tlb->fills[n].global_words);
    }
    forget_large(tlb);
}

void tlb_flush_local(struct tlb *tlb)
{
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        clear_filled(table_at(tlb, n), tlb->fills[n].local, &tlb->fills[n].local_words);
    }
}

/* ---- one page */

static u64 *filter_word(struct tlb *tlb, vaddr la, u64 *bit)
{
    u64      quarter = la >> 30 ^ la >> 38 ^ la >> 46; /* 1 GiB: one quarter of the filter */
    unsigned n       = (unsigned)(bits(la, 29, TLB_LARGE_SHIFT) | (quarter & 3) << (30 - TLB_LARGE_SHIFT));
    *bit             = BIT(n % 64);
    return &tlb->large_filter[n / 64];
}

/* Pieces of large pages that may belong to the same one as `la`: too many dropped is no error. */
static void drop_large(struct tlb *tlb, vaddr la)
{
    u64 unit = tlb->large_bytes > BIT(TLB_LARGE_SHIFT) ? tlb->large_bytes : BIT(TLB_LARGE_SHIFT);
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        struct tlb_fills *f = &tlb->fills[n];
        for (unsigned word = 0; word < TLB_WORDS; word++) {
            for (u64 set = (f->local[word] | f->global[word]) & f->large[word]; set; set &= set - 1) {
                unsigned index = word * 64 + (unsigned)__builtin_ctzll(set);
                if ((table_at(tlb, n)[index].tag ^ la) < unit) {
                    drop(tlb, n, index);
                }
            }
        }
    }
}

void tlb_flush_page(struct tlb *tlb, vaddr la)
{
    u64      bit;
    unsigned index = tlb_index(la);
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        if (!((table_at(tlb, n)[index].tag ^ la) & PAGE_MASK)) {
            drop(tlb, n, index);
        }
    }
    if (*filter_word(tlb, la, &bit) & bit) {
        drop_large(tlb, la);
    }
}

void tlb_flush_writes(struct tlb *tlb, const u8 *page)
{
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        unsigned          n     = view * TLB_KINDS + TLB_WRITE;
        struct tlb_fills *f     = &tlb->fills[n];
        struct tlb_entry *table = tlb->data[view][TLB_WRITE];
        for (u32 words = f->local_words | f->global_words; words; words &= words - 1) {
            unsigned word = (unsigned)__builtin_ctz(words);
            for (u64 set = f->local[word] | f->global[word]; set; set &= set - 1) {
                unsigned index = word * 64 + (unsigned)__builtin_ctzll(set);
                if (!page || table[index].tag + table[index].addend == (u64)(uintptr_t)page) {
                    drop(tlb, n, index);
                }
            }
        }
    }
}

/* ---- filling */

static void note_large(struct tlb *tlb, vaddr la, u64 page_bytes)
{
    u64 bit, *word = filter_word(tlb, la & ~(page_bytes - 1), &bit);
    if (page_bytes > tlb->large_bytes) {
        tlb->large_bytes = page_bytes;
    }
    if (page_bytes <= BIT(TLB_LARGE_SHIFT)) {
        *word |= bit;
        return;
    }
    for (unsigned k = 0; k < TLB_LARGE_FILTER / 64 / 4; k++) {
        word[k] = ~(u64)0;
    }
}

static void fill(struct tlb *tlb, unsigned n, vaddr la, const u8 *host, bool global, u64 page_bytes)
{
    unsigned          index = tlb_index(la), word = index / 64;
    u64               bit = BIT(index % 64);
    struct tlb_fills *f   = &tlb->fills[n];
    struct tlb_entry *e   = &table_at(tlb, n)[index];
    la &= PAGE_MASK;
    e->tag    = la;
    e->addend = (u64)(uintptr_t)host - la;
    if (global) {
        f->global[word] |= bit;
        f->local[word] &= ~bit;
        f->global_words |= 1u << word;
    } else {
        f->local[word] |= bit;
        f->global[word] &= ~bit;
        f->local_words |= 1u << word;
    }
    if (unlikely(page_bytes > PAGE_SIZE)) {
        f->large[word] |= bit;
        note_large(tlb, la, page_bytes);
    } else {
        f->large[word] &= ~bit;
    }
}

void tlb_fill(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la, const u8 *host, bool global,
              u64 page_bytes)
{
    fill(tlb, view * TLB_KINDS + kind, la, host, global, page_bytes);
}

void tlb_fill_fetch(struct tlb *tlb, enum tlb_view view, vaddr la, const u8 *host, bool global, u64 page_bytes)
{
    fill(tlb, TLB_VIEWS * TLB_KINDS + view, la, host, global, page_bytes);
}
