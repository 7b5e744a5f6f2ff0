/*
 * tlb.c: filling and flushing the software TLB. Bitmaps say which entries are filled, local and global ones apart, so that a
 * flush touches those only. A large page enters as pieces of 4 KiB; INVLPG must drop all of them (SDM Vol. 3A 4.10.4.1).
 *
 * The second level holds whatever the first holds, and more. Its entries are dropped by age, all at once, or one by one.
 */
#include "mmu/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

_Static_assert(sizeof(struct tlb_second) == 32, "an entry divides a cache line");

/* The tables in the order of tlb->fills. */
static struct tlb_entry *table_at(struct tlb *tlb, unsigned n)
{
    struct tlb_entry *data = &tlb->data[0][0][0], *fetch = &tlb->fetch[0][0];
    return n < TLB_VIEWS * TLB_KINDS ? data + n * TLB_ENTRIES : fetch + (n - TLB_VIEWS * TLB_KINDS) * TLB_FETCH_ENTRIES;
}

static u64 no_page(unsigned index)
{
    return BIT(32) | (u64)(index ^ 1) << PAGE_SHIFT; /* never hit: that page has another index, and no address of 32 bits is in it */
}

static struct tlb_entry empty_entry(unsigned index)
{
    return (struct tlb_entry){.tag = no_page(index)};
}

static void clear_bits(struct tlb_entry *table, unsigned word, u64 set)
{
    for (; set; set &= set - 1) {
        unsigned index = word * 64 + (unsigned)__builtin_ctzll(set);
        table[index]   = empty_entry(index);
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
    table_at(tlb, table)[index] = empty_entry(index);
    f->local[index / 64] &= ~BIT(index % 64);
    f->global[index / 64] &= ~BIT(index % 64);
}

/* ---- what others remember of pages */

#define STAMP_STEP ((u64)1 << 16)

static void moved(struct tlb_stamps *s)
{
    s->stamp[TLB_USER] += STAMP_STEP;
    s->stamp[TLB_SUPERVISOR] += STAMP_STEP;
}

void tlb_code_moved(struct tlb *tlb)
{
    moved(&tlb->code);
}

static void all_moved(struct tlb *tlb)
{
    moved(&tlb->code);
    moved(&tlb->near);
}

/* Addresses of the upper half, where kernels are, have a hash of their own. */
static u64 *stamp_word(struct tlb_stamps *s, unsigned view, vaddr page, u64 *bit)
{
    unsigned h = (unsigned)(page >> PAGE_SHIFT ^ page >> 25) & (TLB_STAMP_FILTER / 2 - 1);
    h |= (unsigned)(page >> 63) * (TLB_STAMP_FILTER / 2);
    *bit = BIT(h % 64);
    return &s->filter[view][h / 64];
}

static void note_code(struct tlb *tlb, unsigned view, vaddr page, bool global)
{
    u64 bit;
    *stamp_word(&tlb->code, view, page, &bit) |= bit;
    *(global ? &tlb->code.global : &tlb->code.local) |= (u8)(1u << view);
}

static void page_moved(struct tlb_stamps *s, vaddr page)
{
    for (unsigned view = TLB_USER; view <= TLB_SUPERVISOR; view++) {
        u64 bit, *word = stamp_word(s, view, page, &bit);
        s->stamp[view] += *word & bit ? STAMP_STEP : 0;
    }
}

static void local_moved(struct tlb_stamps *s)
{
    for (unsigned view = TLB_USER; view <= TLB_SUPERVISOR; view++) {
        if (s->local >> view & 1) {
            s->stamp[view] += STAMP_STEP;
            if (!(s->global >> view & 1)) {
                memset(s->filter[view], 0, sizeof s->filter[view]);
            }
        }
    }
    s->local = 0;
}

static void forget_remembered(struct tlb_stamps *s)
{
    moved(s);
    memset(s->filter, 0, sizeof s->filter);
    s->global = 0;
}

/* ---- entries that are held back: they are filled, but say what an empty one says */

/* The table's place in `held`. */
static struct tlb_entry *held_at(const struct tlb *tlb, unsigned n, unsigned index)
{
    return &tlb->held[n * TLB_ENTRIES + index];
}

static unsigned kind_of(unsigned n)
{
    return n < TLB_VIEWS * TLB_KINDS ? n % TLB_KINDS : TLB_FETCH;
}

/* What a filled entry says, or would if it were not held back. */
static struct tlb_entry entry_of(struct tlb *tlb, unsigned n, unsigned index)
{
    return tlb->held && held_at(tlb, n, index)->tag != TLB_NOT_HELD ? *held_at(tlb, n, index) : table_at(tlb, n)[index];
}

static bool is_filled(const struct tlb *tlb, unsigned n, unsigned index)
{
    const struct tlb_fills *f = &tlb->fills[n];
    return (f->local[index / 64] | f->global[index / 64]) >> (index % 64) & 1;
}

/* What an entry says from now on. */
static void put_entry(struct tlb *tlb, unsigned n, unsigned index, struct tlb_entry entry)
{
    bool hold = tlb->held && tlb->holds(tlb->holds_opaque, kind_of(n), entry.tag);
    table_at(tlb, n)[index] = hold ? empty_entry(index) : entry;
    if (tlb->held) {
        *held_at(tlb, n, index) = hold ? entry : (struct tlb_entry){.tag = TLB_NOT_HELD};
    }
}

static void retag_all(struct tlb *tlb)
{
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        for (unsigned index = 0; index < TLB_ENTRIES; index++) {
            if (is_filled(tlb, n, index)) {
                put_entry(tlb, n, index, entry_of(tlb, n, index));
            }
        }
    }
    all_moved(tlb);
}

static bool holds_nothing(void *opaque, unsigned kind, vaddr page)
{
    (void)opaque;
    (void)kind;
    (void)page;
    return false;
}

void tlb_hold(struct tlb *tlb, bool (*holds)(void *opaque, unsigned kind, vaddr page), void *opaque)
{
    if (!holds && !tlb->held) {
        return;
    }
    if (!tlb->held) {
        tlb->held = mem_zeroed(TLB_TABLES * TLB_ENTRIES, sizeof *tlb->held);
        for (unsigned k = 0; k < TLB_TABLES * TLB_ENTRIES; k++) {
            tlb->held[k].tag = TLB_NOT_HELD;
        }
    }
    tlb->holds        = holds ? holds : holds_nothing;
    tlb->holds_opaque = opaque;
    retag_all(tlb);
    if (!holds) {
        free(tlb->held);
        tlb->held = NULL;
    }
}

static const u8 *held(const struct tlb *tlb, unsigned n, vaddr la)
{
    unsigned index = tlb_index(la);
    if (likely(!tlb->held) || held_at(tlb, n, index)->tag != (la & PAGE_MASK) || !is_filled(tlb, n, index)) {
        return NULL;
    }
    return (const u8 *)(uintptr_t)held_at(tlb, n, index)->host;
}

const u8 *tlb_held(const struct tlb *tlb, enum tlb_view view, unsigned kind, vaddr la)
{
    return held(tlb, kind == TLB_FETCH ? TLB_VIEWS * TLB_KINDS + view : view * TLB_KINDS + kind, la);
}

static void forget_large(struct tlb *tlb)
{
    tlb->huge_filter = 0;
    for (unsigned k = 0; k < ARRAY_LEN(tlb->large_filter); k++) {
        tlb->large_filter[k] = 0;
    }
}

/* ---- all at once */

static u64 new_age(struct tlb *tlb)
{
    return ++tlb->last_age;
}

static void new_local_age(struct tlb *tlb)
{
    tlb->local_age = tlb->pcid_age[tlb->pcid] = new_age(tlb);
}

static void clear_local(struct tlb *tlb)
{
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        clear_filled(table_at(tlb, n), tlb->fills[n].local, &tlb->fills[n].local_words);
    }
    local_moved(&tlb->code);
    local_moved(&tlb->near);
}

void tlb_init(struct tlb *tlb)
{
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        for (unsigned word = 0; word < TLB_WORDS; word++) {
            clear_bits(table_at(tlb, n), word, ~(u64)0);
        }
        tlb->fills[n] = (struct tlb_fills){0};
    }
    tlb->pcid   = 0;
    tlb->second = (struct tlb_second *)(((uintptr_t)tlb->second_room + sizeof(struct tlb_second) - 1) &
                                        ~(uintptr_t)(sizeof(struct tlb_second) - 1));
    tlb_flush(tlb);
}

void tlb_flush(struct tlb *tlb)
{
    tlb_flush_all_pcids(tlb);
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        clear_filled(table_at(tlb, n), tlb->fills[n].global, &tlb->fills[n].global_words);
    }
    tlb->global_age = new_age(tlb);
    tlb->odd[0] = tlb->odd[1] = false;
    forget_remembered(&tlb->code);
    forget_remembered(&tlb->near);
    forget_large(tlb);
}

void tlb_flush_local(struct tlb *tlb)
{
    clear_local(tlb);
    new_local_age(tlb);
}

void tlb_set_pcid(struct tlb *tlb, unsigned pcid)
{
    if (pcid == tlb->pcid) {
        return;
    }
    clear_local(tlb);
    tlb->pcid      = (u16)pcid;
    tlb->local_age = tlb->pcid_age[pcid];
    if (tlb->local_age < tlb->oldest_age) {
        new_local_age(tlb);
    }
}

void tlb_flush_pcid(struct tlb *tlb, unsigned pcid)
{
    if (pcid == tlb->pcid) {
        tlb_flush_local(tlb);
    } else {
        tlb->pcid_age[pcid] = new_age(tlb);
    }
}

void tlb_flush_all_pcids(struct tlb *tlb)
{
    clear_local(tlb);
    tlb->oldest_age = tlb->last_age + 1;
    new_local_age(tlb);
}

/* ---- one page */

/* Pages of different PCIDs, and global ones, lie in different places. */
static struct tlb_second *second_at(struct tlb *tlb, vaddr page, u64 age)
{
    u64 h = ((page >> PAGE_SHIFT) + age * TLB_AGE_FACTOR) * TLB_HASH_FACTOR;
    return &tlb->second[h >> TLB_SECOND_SHIFT];
}

static struct tlb_second *find_aged(struct tlb *tlb, vaddr page, u64 age)
{
    struct tlb_second *s = second_at(tlb, page, age);
    return s->page == page && s->age == age ? s : NULL;
}

static struct tlb_second *find_second(struct tlb *tlb, vaddr page)
{
    bool               high = page >> 63; /* there pages are global, mostly */
    struct tlb_second *s    = find_aged(tlb, page, high ? tlb->global_age : tlb->local_age);
    return s || !tlb->odd[high] ? s : find_aged(tlb, page, high ? tlb->local_age : tlb->global_age);
}

static u64 *filter_word(struct tlb *tlb, vaddr la, u64 *bit)
{
    u64 h = (la >> TLB_LARGE_SHIFT) * TLB_HASH_FACTOR >> 52;
    *bit  = BIT(h % 64);
    return &tlb->large_filter[h / 64];
}

static u64 huge_bit(vaddr la)
{
    return BIT((la >> 30) * TLB_HASH_FACTOR >> 58);
}

static bool may_be_large(struct tlb *tlb, vaddr la)
{
    u64 bit, *word = filter_word(tlb, la, &bit);
    return *word & bit || tlb->huge_filter & huge_bit(la);
}

/* Pieces of large pages that may belong to the same one as `la`: too many dropped is no error. */
static void drop_large(struct tlb *tlb, vaddr la)
{
    u64 unit = tlb->huge_filter & huge_bit(la) ? BIT(30) : BIT(TLB_LARGE_SHIFT);
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        struct tlb_fills *f = &tlb->fills[n];
        for (unsigned word = 0; word < TLB_WORDS; word++) {
            for (u64 set = (f->local[word] | f->global[word]) & f->large[word]; set; set &= set - 1) {
                unsigned index = word * 64 + (unsigned)__builtin_ctzll(set);
                if ((entry_of(tlb, n, index).tag ^ la) < unit) {
                    drop(tlb, n, index);
                }
            }
        }
    }
    new_local_age(tlb);
    tlb->global_age = new_age(tlb);
    all_moved(tlb);
}

/* The tables and the second level, 4 KiB only. */
static void drop_page(struct tlb *tlb, vaddr page)
{
    unsigned           index = tlb_index(page);
    struct tlb_second *s;
    for (unsigned n = 0; n < TLB_TABLES; n++) {
        if (entry_of(tlb, n, index).tag == page) {
            drop(tlb, n, index);
        }
    }
    while ((s = find_second(tlb, page))) {
        s->age = 0;
    }
    page_moved(&tlb->code, page);
    page_moved(&tlb->near, page);
}

void tlb_flush_page(struct tlb *tlb, vaddr la)
{
    drop_page(tlb, la & PAGE_MASK);
    if (may_be_large(tlb, la)) {
        drop_large(tlb, la);
    }
}

void tlb_flush_writes(struct tlb *tlb, const u8 *page)
{
    if (!++tlb->write_age) {
        tlb_flush(tlb); /* the age has come round */
    }
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        unsigned          n = view * TLB_KINDS + TLB_WRITE;
        struct tlb_fills *f = &tlb->fills[n];
        for (u32 words = f->local_words | f->global_words; words; words &= words - 1) {
            unsigned word = (unsigned)__builtin_ctz(words);
            for (u64 set = f->local[word] | f->global[word]; set; set &= set - 1) {
                unsigned index = word * 64 + (unsigned)__builtin_ctzll(set);
                if (!page || entry_of(tlb, n, index).host == (u64)(uintptr_t)page) {
                    drop(tlb, n, index);
                }
            }
        }
    }
}

void tlb_deny_keys(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, u32 keys)
{
    const u32         zero = 1 << 16 | 1; /* key 0 of both kinds of address */
    unsigned          n    = view * TLB_KINDS + kind;
    struct tlb_fills *f    = &tlb->fills[n];
    u32               more = keys & ~tlb->denied[n];
    tlb->denied[n]         = keys;
    if (more && kind == TLB_READ) {
        moved(&tlb->near);
    }
    for (u32 words = more ? f->local_words | f->global_words : 0; words; words &= words - 1) {
        unsigned word = (unsigned)__builtin_ctz(words);
        for (u64 set = (f->local[word] | f->global[word]) & (more & zero ? ~(u64)0 : f->keyed[word]); set; set &= set - 1) {
            drop(tlb, n, word * 64 + (unsigned)__builtin_ctzll(set));
        }
    }
}

/* ---- filling */

static void note_large(struct tlb *tlb, vaddr la, u64 page_bytes)
{
    if (page_bytes > BIT(TLB_LARGE_SHIFT)) {
        tlb->huge_filter |= huge_bit(la);
    } else {
        u64 bit, *word = filter_word(tlb, la, &bit);
        *word |= bit;
    }
}

/* Into the first level. */
static void fill_first(struct tlb *tlb, unsigned n, vaddr page, u64 host, bool global, bool large, unsigned key)
{
    unsigned          index = tlb_index(page), word = index / 64;
    u64               bit = BIT(index % 64);
    struct tlb_fills *f   = &tlb->fills[n];
    put_entry(tlb, n, index, (struct tlb_entry){.tag = page, .host = host});
    if (global) {
        f->global[word] |= bit;
        f->local[word] &= ~bit;
        f->global_words |= 1u << word;
    } else {
        f->local[word] |= bit;
        f->global[word] &= ~bit;
        f->local_words |= 1u << word;
    }
    f->large[word] = (f->large[word] & ~bit) | (large ? bit : 0);
    f->keyed[word] = (f->keyed[word] & ~bit) | (key & 15 ? bit : 0);
    if (n >= TLB_VIEWS * TLB_KINDS) {
        note_code(tlb, n - TLB_VIEWS * TLB_KINDS == TLB_USER ? TLB_USER : TLB_SUPERVISOR, page, global);
    }
}

static bool is_write(unsigned n)
{
    return n < TLB_VIEWS * TLB_KINDS && n % TLB_KINDS == TLB_WRITE;
}

enum { WRITE_TABLES = 1 << TLB_WRITE | 1 << (TLB_KINDS + TLB_WRITE) | 1 << (2 * TLB_KINDS + TLB_WRITE) };

/* The tables that may take the page now. */
static unsigned tables_of(const struct tlb *tlb, const struct tlb_second *s)
{
    return s->write_age == tlb->write_age ? s->tables : s->tables & ~(unsigned)WRITE_TABLES;
}

static void fill(struct tlb *tlb, unsigned n, vaddr la, const u8 *host, bool global, u64 page_bytes, unsigned key)
{
    vaddr              page = la & PAGE_MASK;
    u64                at = (u64)(uintptr_t)host;
    u64                age    = global ? tlb->global_age : tlb->local_age;
    tlb->odd[page >> 63] |= global != page >> 63;
    struct tlb_second *known  = find_aged(tlb, page, age);
    if (known && known->host != at) {
        drop_page(tlb, page); /* it was mapped elsewhere: one linear page has one translation, for reads and writes */
        known = NULL;
    }
    if (known) {
        known->tables = (u16)(tables_of(tlb, known) | 1u << n);
    } else {
        known  = second_at(tlb, page, age);
        *known = (struct tlb_second){.page = page, .host = at, .age = age, .tables = (u16)(1u << n)};
    }
    known->write_age = tlb->write_age;
    known->large     = page_bytes > PAGE_SIZE;
    known->key       = key & 31;
    if (known->large) {
        note_large(tlb, page, page_bytes);
    }
    fill_first(tlb, n, page, at, global, known->large, key);
}

static bool is_denied(const struct tlb *tlb, unsigned n, unsigned key)
{
    return n < TLB_VIEWS * TLB_KINDS && tlb->denied[n] >> key & 1;
}

static const u8 *refill(struct tlb *tlb, unsigned n, vaddr la)
{
    vaddr     page  = la & PAGE_MASK;
    const u8 *known = held(tlb, n, la);
    if (unlikely(known)) {
        return known;
    }
    const struct tlb_second *s = find_second(tlb, page);
    if (!s || !(s->tables >> n & 1) || (is_write(n) && s->write_age != tlb->write_age) || is_denied(tlb, n, s->key)) {
        return NULL;
    }
    fill_first(tlb, n, page, s->host, s->age == tlb->global_age, s->large, s->key);
    return (const u8 *)(uintptr_t)s->host;
}

void tlb_fill(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la, const u8 *host, bool global,
              u64 page_bytes, unsigned key)
{
    fill(tlb, view * TLB_KINDS + kind, la, host, global, page_bytes, key);
}

void tlb_fill_fetch(struct tlb *tlb, enum tlb_view view, vaddr la, const u8 *host, bool global, u64 page_bytes, unsigned key)
{
    fill(tlb, TLB_VIEWS * TLB_KINDS + view, la, host, global, page_bytes, key);
}

const u8 *tlb_refill(struct tlb *tlb, enum tlb_view view, enum tlb_kind kind, vaddr la)
{
    return refill(tlb, view * TLB_KINDS + kind, la);
}

const u8 *tlb_refill_fetch(struct tlb *tlb, enum tlb_view view, vaddr la)
{
    return refill(tlb, TLB_VIEWS * TLB_KINDS + view, la);
}
