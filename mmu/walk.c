/*
 * walk.c: page walks: 32-bit, PAE, 4-level and 5-level paging, with rights and accessed/dirty bits.
 *
 * Intel SDM Vol. 3A 4.3-4.8. Accessed and dirty bits are set by compare-and-swap, so that several processors may share
 * tables. Reserved bits are checked as the manual's formats for each mode say, by the width of physical addresses.
 */
#include "mmu/walk.h"

#include "cpu/base/bits.h"

enum {
    PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80, PTE_G = 0x100,
    PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16, PF_PK = 32, PF_SS = 64,
};
#define PTE_NX BIT(63)

/* One table entry: where it lies and what it says. */
struct entry {
    paddr addr;
    u64   value;
};

/* The host memory of a table entry, or NULL when it is not in RAM. */
ALWAYS_INLINE u8 *entry_host(struct paging *p, struct space *memory, paddr addr)
{
    if (unlikely(addr - p->ram.first >= p->ram.bytes)) {
        p->ram = space_window(memory, addr, p->smm);
        if (p->ram.bytes - (addr - p->ram.first) < 8 || !p->ram.bytes) {
            p->ram.bytes = 0;
            return NULL;
        }
    }
    return p->ram.region->host + p->ram.offset + (addr - p->ram.first);
}

ALWAYS_INLINE u64 read_entry(struct paging *p, struct space *memory, paddr addr, unsigned size)
{
    const u8 *host = entry_host(p, memory, addr);
    if (unlikely(!host)) {
        return space_read(memory, addr, size, p->smm); /* tables in ROM, or nowhere */
    }
    return size == 8 ? __atomic_load_n((const u64 *)(const void *)host, __ATOMIC_RELAXED)
                     : __atomic_load_n((const u32 *)(const void *)host, __ATOMIC_RELAXED);
}

/* Sets accessed (and dirty) bits; false: the entry changed meanwhile, walk again. */
static bool set_bits(struct paging *p, struct space *memory, struct entry e, u64 set, unsigned size)
{
    u8 *host = entry_host(p, memory, e.addr);
    if (!host) {
        space_write(memory, e.addr, e.value | set, size, p->smm);
        return true;
    }
    u64 offset = p->ram.offset + (e.addr - p->ram.first);
    if (p->ram.region->pages[offset >> PAGE_SHIFT].flags) {
        space_written(memory, p->ram.region, offset, size);
    }
    if (size == 8) {
        u64 old = e.value;
        return __atomic_compare_exchange_n((u64 *)(void *)host, &old, old | set, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
    u32 old = (u32)e.value;
    return __atomic_compare_exchange_n((u32 *)(void *)host, &old, old | (u32)set, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

/* What a walk has gathered. */
struct state {
    struct entry entry[5];
    unsigned     depth;    /* entries used */
    u64          all, any; /* what all of them say, and one of them */
    u64          page_bytes;
    paddr        frame; /* of the page */
    enum rule    rule;
};

static const struct state at_root = {.all = ~(u64)0, .rule = RULE_NONE};

ALWAYS_INLINE void gather(struct state *s, paddr addr, u64 value)
{
    s->entry[s->depth++] = (struct entry){addr, value};
    s->all &= value;
    s->any |= value;
}

static bool is_user(const struct state *s)
{
    return s->all & PTE_U;
}

static void walk32(struct paging *p, struct space *memory, vaddr la, struct state *s)
{
    paddr addr = ((p->root & 0xfffff000) | bits(la, 31, 22) << 2) & p->a20_mask;
    u32   pde  = (u32)read_entry(p, memory, addr, 4);
    gather(s, addr, pde);
    if (!(pde & PTE_P)) {
        s->rule = RULE_PF_NOT_PRESENT;
        return;
    }
    if (pde & PTE_PS && p->pse) {
        /* PSE-36: bits 13.. of the entry are physical address bits 32.., up to bit 39 */
        unsigned high     = p->phys_bits < 40 ? p->phys_bits - 32u : 8;
        u32      reserved = 0x3fe000u & ~((1u << (13 + high)) - 1);
        if (p->pse36 && pde & reserved) {
            s->rule = RULE_PF_RESERVED;
        }
        s->page_bytes = 4u << 20;
        s->frame      = (pde & 0xffc00000) | (p->pse36 ? bits(pde, 20, 13) << 32 : 0);
        return;
    }
    addr    = ((pde & 0xfffff000) | bits(la, 21, 12) << 2) & p->a20_mask;
    u32 pte = (u32)read_entry(p, memory, addr, 4);
    gather(s, addr, pte);
    if (!(pte & PTE_P)) {
        s->rule = RULE_PF_NOT_PRESENT;
        return;
    }
    s->page_bytes = PAGE_SIZE;
    s->frame      = pte & 0xfffff000;
}

u64 paging_reserved(const struct paging *p)
{
    u64 r = bits(~(u64)0, 51, p->phys_bits) << p->phys_bits;
    if (p->mode == PAGING_PAE) {
        r |= bits(~(u64)0, 62, 52) << 52;
    }
    if (!p->nxe) {
        r |= PTE_NX;
    }
    return r;
}

/* Whether an entry with bit 7 set is a page's. */
static bool is_large(const struct paging *p, u64 entry, unsigned shift)
{
    bool may_be = shift == 21 || (shift == 30 && p->page1gb); /* else bit 7 is reserved: SDM Vol. 3A 4.5 */
    return may_be && !(entry & (BIT(shift) - BIT(13)));
}

static void walk64(struct paging *p, struct space *memory, vaddr la, struct state *s)
{
    const u64 frame_mask = BIT(52) - PAGE_SIZE;
    u64       table      = p->root;
    unsigned  shift      = p->mode == PAGING_5LEVEL ? 48 : 39;
    if (p->mode == PAGING_PAE) {
        u64 pdpte = p->pdpte[bits(la, 31, 30)]; /* its bits 63 and 1, 2, 5-8 are no rights: SDM Vol. 3A table 4-8 */
        if (!(pdpte & PTE_P)) {
            s->rule = RULE_PF_NOT_PRESENT;
            return;
        }
        table = pdpte;
        shift = 21;
    }
    for (;; shift -= 9) {
        paddr addr = ((table & frame_mask) + (bits(la, shift + 8, shift) << 3)) & p->a20_mask;
        u64   e    = read_entry(p, memory, addr, 8);
        gather(s, addr, e);
        if (unlikely((e & (PTE_P | p->reserved)) != PTE_P)) {
            s->rule = e & PTE_P ? RULE_PF_RESERVED : RULE_PF_NOT_PRESENT;
            return;
        }
        if (shift == PAGE_SHIFT || e & PTE_PS) {
            s->rule       = shift == PAGE_SHIFT || is_large(p, e, shift) ? RULE_NONE : RULE_PF_RESERVED;
            s->page_bytes = BIT(shift);
            s->frame      = e & frame_mask & ~(s->page_bytes - 1);
            return;
        }
        table = e;
    }
}

static u64 leaf_of(const struct state *s)
{
    return s->entry[s->depth - 1].value;
}

/* SDM Vol. 3A 4.6.2: the rule of protection keys that a data access violates. */
static enum rule check_key(const struct paging *p, const struct state *s, enum access_kind kind, bool user)
{
    unsigned key = page_key(leaf_of(s), is_user(s));
    if (user && !is_user(s)) {
        return RULE_NONE; /* forbidden without a key */
    }
    if (p->key_no_access >> key & 1) {
        return is_user(s) ? RULE_PF_PKRU_ACCESS : RULE_PF_PKRS_ACCESS;
    }
    if (access_writes(kind) && p->key_no_write >> key & 1 && (user || p->wp)) {
        return is_user(s) ? RULE_PF_PKRU_WRITE : RULE_PF_PKRS_WRITE;
    }
    return RULE_NONE;
}

/* SDM Vol. 3A 4.6: a shadow stack's page is read-only and dirty, and all tables above it allow writing. */
static enum rule check_shadow(const struct paging *p, const struct state *s, enum access_kind kind, bool user)
{
    if (user != is_user(s)) {
        return user ? RULE_PF_USER : RULE_PF_SHADOW_USER;
    }
    u64 above = PTE_W;
    for (unsigned k = 0; k + 1 < s->depth; k++) {
        above &= s->entry[k].value;
    }
    if (!above || (leaf_of(s) & (PTE_W | PTE_D)) != PTE_D) {
        return RULE_PF_SHADOW_PAGE;
    }
    return check_key(p, s, kind, user);
}

static enum rule check_rights(const struct paging *p, const struct state *s, enum access_kind kind, bool user, bool ac)
{
    if (kind >= ACCESS_SHADOW_READ) {
        return check_shadow(p, s, kind, user);
    }
    if (user && !is_user(s)) {
        return RULE_PF_USER;
    }
    if (kind == ACCESS_FETCH) {
        if (s->any & PTE_NX) {
            return RULE_PF_NX;
        }
        return !user && is_user(s) && p->smep ? RULE_PF_SMEP : RULE_NONE;
    }
    if (!user && is_user(s) && p->smap && !ac) {
        return RULE_PF_SMAP;
    }
    if (kind == ACCESS_WRITE && !(s->all & PTE_W) && (user || p->wp)) {
        return RULE_PF_WRITE;
    }
    return p->key_no_access | p->key_no_write ? check_key(p, s, kind, user) : RULE_NONE;
}

static u32 error_code(const struct paging *p, const struct state *s, enum access_kind kind, bool user)
{
    enum rule rule = s->rule;
    u32       code = (access_writes(kind) ? PF_W : 0) | (user ? PF_U : 0) | (kind >= ACCESS_SHADOW_READ ? PF_SS : 0);
    if (rule != RULE_PF_NOT_PRESENT) {
        code |= PF_P;
    }
    if (rule == RULE_PF_RESERVED) {
        code |= PF_RSVD;
    } else if (rule != RULE_PF_NOT_PRESENT && kind != ACCESS_FETCH && check_key(p, s, kind, user) != RULE_NONE) {
        code |= PF_PK; /* also where another right is missing: SDM Vol. 3A 4.7 */
    }
    if (kind == ACCESS_FETCH && (p->smep || (p->nxe && p->mode != PAGING_32))) {
        code |= PF_I;
    }
    return code;
}

/* Reads and checks. */
ALWAYS_INLINE void look(struct paging *p, struct space *memory, vaddr la, enum access_kind kind, bool user, bool ac,
                        struct state *s, struct walk_result *r)
{
    if (p->mode == PAGING_32) {
        walk32(p, memory, la, s);
    } else {
        walk64(p, memory, la, s);
    }
    if (s->rule == RULE_NONE) {
        s->rule = check_rights(p, s, kind, user, ac);
    }
    r->rule = s->rule;
    if (s->rule != RULE_NONE) {
        r->error_code = error_code(p, s, kind, user);
    }
}

/* Accessed and dirty bits; false: an entry has changed meanwhile. */
static NOINLINE bool note_access(struct paging *p, struct space *memory, const struct state *s, enum access_kind kind)
{
    unsigned size = p->mode == PAGING_32 ? 4 : 8;
    for (unsigned k = 0; k < s->depth; k++) {
        bool last = k + 1 == s->depth;
        u64  set  = PTE_A | (last && kind == ACCESS_WRITE ? PTE_D : 0);
        if ((s->entry[k].value & set) != set && !set_bits(p, memory, s->entry[k], set, size)) {
            return false;
        }
    }
    return true;
}

/* One pass; false: an entry changed while its bits were being set. */
static bool try_walk(struct paging *p, struct space *memory, vaddr la, enum access_kind kind, bool user, bool ac,
                     struct walk_result *r)
{
    struct state s = at_root;
    look(p, memory, la, kind, user, ac, &s, r);
    if (s.rule != RULE_NONE) {
        return true;
    }
    u64 leaf = leaf_of(&s);
    if (unlikely(!(s.all & PTE_A) || (kind == ACCESS_WRITE && !(leaf & PTE_D))) && !note_access(p, memory, &s, kind)) {
        return false;
    }
    r->page_bytes = s.page_bytes;
    r->phys       = s.frame | (la & (s.page_bytes - 1));
    r->global     = p->pge && leaf & PTE_G;
    r->user       = is_user(&s);
    r->key        = (u8)page_key(leaf, is_user(&s));
    r->writable   = (kind == ACCESS_WRITE || leaf & PTE_D) && (s.all & PTE_W || (!user && !p->wp));
    return true;
}

static struct walk_result without_paging(vaddr la, enum access_kind kind, bool user)
{
    struct walk_result r = {.phys = la, .page_bytes = PAGE_SIZE, .global = true, .writable = true, .user = true};
    if (kind >= ACCESS_SHADOW_READ) { /* no page is a shadow stack's */
        r.rule       = RULE_PF_SHADOW_PAGE;
        r.error_code = PF_P | PF_SS | (access_writes(kind) ? PF_W : 0) | (user ? PF_U : 0);
    }
    return r;
}

struct walk_result walk_explain(struct paging *p, struct space *memory, vaddr la, enum access_kind kind, bool user, bool ac,
                                struct walk_trace *trace)
{
    struct state       s = at_root;
    struct walk_result r = without_paging(la, kind, user);
    *trace               = (struct walk_trace){.mode = (u8)p->mode};
    if (p->mode != PAGING_NONE) {
        look(p, memory, la, kind, user, ac, &s, &r);
        for (; trace->depth < s.depth; trace->depth++) {
            trace->entry[trace->depth].addr  = s.entry[trace->depth].addr;
            trace->entry[trace->depth].value = s.entry[trace->depth].value;
        }
        r.phys = s.frame | (la & (s.page_bytes - 1));
    }
    return r;
}

struct walk_result walk(struct paging *p, struct space *memory, vaddr la, enum access_kind kind, bool user, bool ac)
{
    struct walk_result r = {.phys = la, .page_bytes = PAGE_SIZE, .global = true, .writable = true, .user = true};
    if (p->mode == PAGING_NONE) {
        return without_paging(la, kind, user);
    }
    while (!try_walk(p, memory, la, kind, user, ac, &r)) {
    }
    return r;
}

bool walk_peek(struct paging *p, struct space *memory, vaddr la, paddr *phys)
{
    struct state s = at_root;
    *phys          = la;
    if (p->mode == PAGING_NONE) {
        return true;
    }
    if (p->mode == PAGING_32) {
        walk32(p, memory, la, &s);
    } else {
        walk64(p, memory, la, &s);
    }
    *phys = s.frame | (la & (s.page_bytes - 1));
    return s.rule == RULE_NONE;
}
