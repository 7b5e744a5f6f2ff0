/*
 * walk.h: page walks of every paging mode: none, 32-bit (PSE, PSE-36), PAE, 4-level, 5-level.
 * Intel SDM Vol. 3A chapter 4.
 */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "cpu/base/rules.h"
#include "mmu/phys.h"

enum paging_mode { PAGING_NONE, PAGING_32, PAGING_PAE, PAGING_4LEVEL, PAGING_5LEVEL };

/* What a walk depends on, by value: the processor fills it when a control register changes. */
struct paging {
    enum paging_mode mode;
    bool             pse, wp, nxe, smep, smap, pge, page1gb, pse36;
    u8               phys_bits;
    u64              reserved; /* paging_reserved() */
    /* Protection keys (SDM Vol. 3A 4.6.2): bit per page_key(): no data access; no write, where CR0.WP or the user is asked */
    u32              key_no_access, key_no_write;
    u64              root;    /* CR3: address bits only */
    u64              pdpte[4]; /* PAE: loaded with CR3 (SDM Vol. 3A 4.4.1) */
    bool             smm;
    u64              a20_mask; /* ANDed with every physical address */
    struct window    ram;      /* where the last tables lay: spares looking for every entry's place. Emptied when the map or `smm` changes */
};

/* Bits that must be 0 in any 8-byte entry: by mode, nxe and phys_bits. */
u64 paging_reserved(const struct paging *paging);

/* SHADOW: of a shadow stack, by the instructions and transfers that may. */
enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH, ACCESS_SHADOW_READ, ACCESS_SHADOW_WRITE };

static inline bool access_writes(enum access_kind kind)
{
    return kind == ACCESS_WRITE || kind == ACCESS_SHADOW_WRITE;
}

struct walk_result {
    enum rule rule; /* RULE_NONE: translated; else the rule of #PF that failed */
    u32       error_code;
    paddr     phys;       /* A20 not applied */
    u64       page_bytes; /* size of the guest's page */
    bool      global, writable /* dirty is set and a write is permitted */, user;
    u8        key; /* page_key() */
};

/* Which of 32 protection keys: those of user-mode addresses, which PKRU concerns, are 16 to 31; IA32_PKRS concerns 0 to 15. */
static inline unsigned page_key(u64 leaf, bool user)
{
    return (unsigned)(leaf >> 59 & 15) | (user ? 16 : 0);
}

/* Translates `la` for one access and sets accessed and dirty bits as hardware does (SDM Vol. 3A 4.8). `user`: CPL 3 and not an
 * implicit supervisor access; `ac`: SMAP is overridden by EFLAGS.AC. */
struct walk_result walk(struct paging *paging, struct space *memory, vaddr la, enum access_kind kind, bool user, bool ac);
/* The entries that a walk looked at, from the root on; the last one may be what stopped it. PAE's directory pointers are
 * registers. */
struct walk_trace {
    struct {
        paddr addr;
        u64   value;
    } entry[5];
    u8 depth, mode; /* enum paging_mode */
};
/* The same as walk(), but accessed and dirty bits stay. */
struct walk_result walk_explain(struct paging *paging, struct space *memory, vaddr la, enum access_kind kind, bool user, bool ac,
                                struct walk_trace *trace);
/* The same with no side effect and no rights: for the monitor and debuggers. False: not mapped. */
bool walk_peek(struct paging *paging, struct space *memory, vaddr la, paddr *phys);

#endif
