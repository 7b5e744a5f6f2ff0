/*
 * paging.c: see paging.h. SDM Vol. 3A chapter 4. A hostile guest can make its tables point at each
 * other without end: the walk stops after ENTRIES_MAX entries and says so.
 */
#include "frontend/monitor/paging.h"

#include "cpu/base/bits.h"

typedef unsigned long long ull;

enum {
    ENTRIES_MAX = 1 << 22,
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_PWT = 8,
    PTE_PCD = 16,
    PTE_A = 32,
    PTE_D = 64,
    PTE_PS = 128,
    PTE_G = 256
};
#define PTE_NX      ((u64)1 << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull
#define RIGHTS      (PTE_P | PTE_W | PTE_U)

struct page_walk {
    struct cpu *cpu;
    FILE *out;
    unsigned entries;
    bool ranges;
    /* of the range that is growing */
    u64 start, end;
    u64 rights; /* 0: none */
};

/* One level of tables: how wide its entries are, which address bits select one, whether it may map
 * a page itself. */
struct level {
    unsigned shift, bits, entry_bytes;
    bool leaf; /* the last level */
    bool large;
};

static bool read_entry(struct page_walk *w, paddr at, unsigned size, u64 *entry)
{
    struct target t =
        space_find(w->cpu->memory, at & w->cpu->paging.a20_mask, false, w->cpu->in_smm);
    if (!t.region || t.region->kind == REGION_IO || t.left < size) {
        return false;
    }
    const u8 *host = t.region->host + t.offset;
    *entry = size == 8 ? load64(host) : load32(host);
    return true;
}

static u64 canonical(const struct page_walk *w, u64 la)
{
    unsigned spare = w->cpu->linear_spare;
    return w->cpu->long_mode ? (u64)((i64)(la << spare) >> spare) : la;
}

static void end_range(struct page_walk *w)
{
    int digits = w->cpu->long_mode ? 16 : 8;
    if (w->rights) {
        fprintf(w->out, "%0*llx-%0*llx %0*llx %c%c%c\n", digits, (ull)canonical(w, w->start),
                digits, (ull)canonical(w, w->end), digits, (ull)(w->end - w->start),
                w->rights & PTE_U ? 'u' : '-', 'r', w->rights & PTE_W ? 'w' : '-');
    }
    w->rights = 0;
}

static void add_range(struct page_walk *w, u64 la, u64 size, u64 rights)
{
    if (rights != w->rights || la != w->end) {
        end_range(w);
        w->start = la;
        w->rights = rights;
    }
    w->end = la + size;
}

static void print_page(struct page_walk *w, u64 la, u64 size, u64 entry, u64 rights)
{
    int digits = w->cpu->long_mode ? 16 : 8;
    bool large = size > PAGE_SIZE;
    u64 phys = entry & PTE_ADDRESS & ~(size - 1);
    if (size == 4u << 20) {
        phys |= (entry >> 13 & 0xff) << 32; /* PSE-36 */
    }
    fprintf(w->out, "%0*llx: %016llx %c%c%c%c%c%c%c%c%c\n", digits, (ull)canonical(w, la),
            (ull)phys, entry & PTE_NX ? 'X' : '-', entry & PTE_G ? 'G' : '-', large ? 'P' : '-',
            entry & PTE_D ? 'D' : '-', entry & PTE_A ? 'A' : '-', entry & PTE_PCD ? 'C' : '-',
            entry & PTE_PWT ? 'T' : '-', rights & PTE_U ? 'U' : '-', rights & PTE_W ? 'W' : '-');
}

static void visit(struct page_walk *w, const struct level *level, paddr table, u64 la, u64 rights)
{
    for (unsigned i = 0; i < 1u << level->bits; i++) {
        u64 entry, address = la + ((u64)i << level->shift);
        if (w->entries == ENTRIES_MAX) {
            return;
        }
        w->entries++;
        if (!read_entry(w, table + i * level->entry_bytes, level->entry_bytes, &entry) ||
            !(entry & PTE_P)) {
            continue;
        }
        u64 both = rights & entry & RIGHTS, size = (u64)1 << level->shift;
        if (!level->leaf && !(level->large && entry & PTE_PS)) {
            visit(w, level + 1, entry & PTE_ADDRESS, address, both);
        } else if (w->ranges) {
            add_range(w, address, size, both);
        } else {
            print_page(w, address, size, entry, both);
        }
    }
}

static void walk_all(struct page_walk *w)
{
    const struct paging *p = &w->cpu->paging;
    const struct level two[] = {{22, 10, 4, false, p->pse}, {12, 10, 4, true, false}};
    const struct level five[] = {{48, 9, 8, false, false},
                                 {39, 9, 8, false, false},
                                 {30, 9, 8, false, p->page1gb},
                                 {21, 9, 8, false, true},
                                 {12, 9, 8, true, false}};
    switch (p->mode) {
    case PAGING_NONE:
        fprintf(w->out, "paging is off\n");
        break;
    case PAGING_32:
        visit(w, two, p->root, 0, RIGHTS);
        break;
    case PAGING_PAE:
        for (unsigned i = 0; i < 4; i++) {
            if (p->pdpte[i] & PTE_P) {
                visit(w, five + 3, p->pdpte[i] & PTE_ADDRESS, (u64)i << 30, RIGHTS);
            }
        }
        break;
    case PAGING_4LEVEL:
        visit(w, five + 1, p->root, 0, RIGHTS);
        break;
    case PAGING_5LEVEL:
        visit(w, five, p->root, 0, RIGHTS);
        break;
    }
    end_range(w);
    if (w->entries == ENTRIES_MAX) {
        fprintf(w->out, "(the tables go on: stopped after %d entries)\n", ENTRIES_MAX);
    }
}

void paging_print_ranges(struct cpu *cpu, FILE *out)
{
    walk_all(&(struct page_walk){.cpu = cpu, .out = out, .ranges = true});
}

void paging_print_pages(struct cpu *cpu, FILE *out)
{
    walk_all(&(struct page_walk){.cpu = cpu, .out = out});
}
