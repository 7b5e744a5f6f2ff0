/*
 * phys.c: see phys.h.
 *
 * The mappings of a space are flattened, for each of its four views (read or write, in or outside
 * SMM), into ranges that cover every address: sorted, without overlap, holes included. Lookups are
 * a binary search that first tries the range of the last hit; the port space has a table of all
 * ports instead. Ranges are built again at the first lookup after a change. Spaces whose mappings
 * are all plain (MAP_ALL) share one view.
 */
#include "mmu/phys.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

struct range {
    paddr start, end;      /* end: the first address after it */
    struct region *region; /* NULL: a hole */
    u64 offset;            /* in region, of start */
};

struct view {
    struct range *ranges;
    u32 count, capacity;
    u32 last;   /* index of the last hit */
    u16 *ports; /* port spaces: the range of each port */
};

enum { VIEW_READ, VIEW_WRITE, VIEW_SMM_READ, VIEW_SMM_WRITE, VIEW_COUNT };
enum { PORT_BITS = 16 };

struct space {
    const char *name;
    paddr limit;              /* the first address after the space */
    struct mapping *mappings; /* highest priority first, of equals the latest first */
    struct space_listener *listeners;
    struct view views[VIEW_COUNT];
    u8 use[VIEW_COUNT]; /* the view that stands for each */
    bool stale;         /* views must be built */
    unsigned depth;     /* of space_begin() */
    bool changed;       /* since the outermost space_begin() */
};

/* ---- regions ---- */

void region_init_io(struct region *region, const char *name, u64 size, const struct region_ops *ops,
                    void *opaque)
{
    assert(size > 0);
    assert(size % (ops->min_size ? ops->min_size : 1) == 0);
    *region = (struct region){
        .name = name, .kind = REGION_IO, .size = size, .ops = ops, .opaque = opaque};
}

static bool init_memory(struct region *region, enum region_kind kind, const char *name, u64 size)
{
    *region = (struct region){.name = name, .kind = kind};
    size = align_up(size, PAGE_SIZE);
    if (size == 0 || size > SIZE_MAX / 2) {
        return false;
    }
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED) {
        return false;
    }
    region->pages = calloc(size >> PAGE_SHIFT, sizeof *region->pages);
    if (!region->pages) {
        munmap(host, size);
        return false;
    }
    region->host = host;
    region->size = size;
    region->coherent = true;
    return true;
}

bool region_init_ram(struct region *region, const char *name, u64 size)
{
    return init_memory(region, REGION_RAM, name, size);
}

bool region_init_rom(struct region *region, const char *name, u64 size)
{
    return init_memory(region, REGION_ROM, name, size);
}

void region_destroy(struct region *region)
{
    if (region->coherent) {
        munmap(region->host, region->size);
        free(region->pages);
    }
    *region = (struct region){0};
}

bool region_take_dirty(struct region *region, u64 offset)
{
    if (offset >= region->size) {
        return false;
    }
    struct page *page = &region->pages[offset >> PAGE_SHIFT];
    bool dirty = !(page->flags & PAGE_CLEAN);
    page->flags |= PAGE_CLEAN;
    return dirty;
}

/* ---- accesses inside one region ---- */

/* A register access as the device sees it: `size` bytes at `offset`, of which `used` from byte
 * `skip` on matter. */
struct piece {
    u64 offset;
    unsigned size, skip, used;
};

static struct piece next_piece(const struct region_ops *ops, u64 offset, unsigned rest)
{
    unsigned min = ops->min_size ? ops->min_size : 1;
    unsigned max = ops->max_size ? ops->max_size : 4;
    unsigned size = 8;
    while (size > max || size > rest) {
        size /= 2;
    }
    if (size >= min && !(offset & (min - 1))) {
        return (struct piece){.offset = offset, .size = size, .used = size};
    }
    unsigned skip = (unsigned)(offset & (min - 1));
    unsigned used = min - skip < rest ? min - skip : rest;
    return (struct piece){.offset = offset - skip, .size = min, .skip = skip, .used = used};
}

static u64 low_bytes(u64 value, unsigned size)
{
    return size >= 8 ? value : value & (BIT(size * 8) - 1);
}

static u64 io_read(const struct region *region, u64 offset, unsigned size)
{
    const struct region_ops *ops = region->ops;
    u64 value = 0;
    for (unsigned done = 0; done < size;) {
        struct piece p = next_piece(ops, offset + done, size - done);
        u64 v = ops->read ? ops->read(region->opaque, p.offset, p.size) : ~(u64)0;
        value |= low_bytes(v >> (p.skip * 8), p.used) << (done * 8);
        done += p.used;
    }
    return value;
}

static void io_write(const struct region *region, u64 offset, u64 value, unsigned size)
{
    const struct region_ops *ops = region->ops;
    if (!ops || !ops->write) {
        return;
    }
    for (unsigned done = 0; done < size;) {
        struct piece p = next_piece(ops, offset + done, size - done);
        u64 v = low_bytes(value >> (done * 8), p.used) << (p.skip * 8);
        ops->write(region->opaque, p.offset, v, p.size);
        done += p.used;
    }
}

static u64 load_memory(const u8 *host, unsigned size)
{
    switch (size) {
    case 1:
        return *host;
    case 2:
        return load16(host);
    case 4:
        return load32(host);
    case 8:
        return load64(host);
    default:
        return load_le(host, size);
    }
}

static void store_memory(struct space *space, struct region *region, u64 offset, u64 value,
                         unsigned size)
{
    u64 first = offset >> PAGE_SHIFT, last = (offset + size - 1) >> PAGE_SHIFT;
    if (unlikely(region->pages[first].flags | region->pages[last].flags)) {
        space_written(space, region, offset, size);
    }
    store_le(region->host + offset, value, size);
}

static u64 region_read(const struct region *region, u64 offset, unsigned size)
{
    if (!region) {
        return low_bytes(~(u64)0, size);
    }
    return region->kind == REGION_IO ? io_read(region, offset, size)
                                     : load_memory(region->host + offset, size);
}

static void region_write(struct space *space, struct region *region, u64 offset, u64 value,
                         unsigned size)
{
    if (!region) {
        return;
    }
    if (region->kind == REGION_RAM) {
        store_memory(space, region, offset, value, size);
    } else {
        io_write(region, offset, value, size); /* a ROM without a writer ignores it */
    }
}

/* ---- mappings ---- */

struct space *space_create(const char *name, unsigned address_bits)
{
    assert(address_bits >= PORT_BITS && address_bits <= 52);
    struct space *space = mem_zeroed(1, sizeof *space);
    space->name = name;
    space->limit = BIT(address_bits);
    space->stale = true;
    return space;
}

void space_destroy(struct space *space)
{
    for (struct mapping *m = space->mappings; m; m = m->next) {
        m->space = NULL;
    }
    for (unsigned i = 0; i < VIEW_COUNT; i++) {
        free(space->views[i].ranges);
        free(space->views[i].ports);
    }
    free(space);
}

static void tell_changed(struct space *space)
{
    space->changed = false;
    for (struct space_listener *l = space->listeners; l; l = l->next) {
        if (l->changed) {
            l->changed(l->opaque);
        }
    }
}

static void note_change(struct space *space)
{
    space->stale = true;
    space->changed = true;
    if (!space->depth) {
        tell_changed(space);
    }
}

void space_begin(struct space *space)
{
    space->depth++;
}

void space_end(struct space *space)
{
    assert(space->depth > 0);
    if (--space->depth == 0 && space->changed) {
        tell_changed(space);
    }
}

void space_map_part(struct space *space, struct mapping *mapping, struct region *region, u64 offset,
                    u64 size, paddr base, int priority, unsigned access)
{
    assert(!mapping->space);
    assert(offset <= region->size && size <= region->size - offset);
    struct mapping **at = &space->mappings;
    while (*at && (*at)->priority > priority) {
        at = &(*at)->next;
    }
    *mapping = (struct mapping){.space = space,
                                .region = region,
                                .base = base,
                                .offset = offset,
                                .size = size,
                                .priority = priority,
                                .access = access,
                                .next = *at};
    *at = mapping;
    note_change(space);
}

void space_map(struct space *space, struct mapping *mapping, struct region *region, paddr base,
               int priority)
{
    space_map_part(space, mapping, region, 0, region->size, base, priority, MAP_ALL);
}

void space_unmap(struct mapping *mapping)
{
    struct space *space = mapping->space;
    if (!space) {
        return;
    }
    struct mapping **at = &space->mappings;
    while (*at != mapping) {
        at = &(*at)->next;
    }
    *at = mapping->next;
    mapping->space = NULL;
    mapping->next = NULL;
    note_change(space);
}

/* ---- flattening ---- */

/* The end of a mapping, cut at the end of the space: a guest may place a BAR anywhere. */
static paddr mapping_end(const struct space *space, const struct mapping *m)
{
    return m->size < space->limit - m->base ? m->base + m->size : space->limit;
}

static bool seen_in(const struct space *space, const struct mapping *m, unsigned view)
{
    unsigned need = (view == VIEW_READ || view == VIEW_SMM_READ ? MAP_READ : MAP_WRITE) |
                    (view == VIEW_READ || view == VIEW_WRITE ? MAP_NORMAL : MAP_SMM);
    return (m->access & need) == need && m->base < space->limit && m->size;
}

static int compare_addresses(const void *a, const void *b)
{
    paddr x = *(const paddr *)a, y = *(const paddr *)b;
    return (x > y) - (x < y);
}

/* All addresses where the answer may change, sorted; the caller frees them. */
static paddr *collect_edges(const struct space *space, unsigned view, unsigned *count)
{
    unsigned n = 2;
    for (const struct mapping *m = space->mappings; m; m = m->next) {
        n += 2;
    }
    paddr *edges = mem_zeroed(n, sizeof *edges);
    edges[0] = 0;
    edges[1] = space->limit;
    n = 2;
    for (const struct mapping *m = space->mappings; m; m = m->next) {
        if (seen_in(space, m, view)) {
            edges[n++] = m->base;
            edges[n++] = mapping_end(space, m);
        }
    }
    qsort(edges, n, sizeof *edges, compare_addresses);
    *count = n;
    return edges;
}

static const struct mapping *top_mapping(const struct space *space, unsigned view, paddr addr)
{
    for (const struct mapping *m = space->mappings; m; m = m->next) {
        if (seen_in(space, m, view) && addr >= m->base && addr - m->base < m->size) {
            return m;
        }
    }
    return NULL;
}

static void add_range(struct view *view, struct range range)
{
    struct range *last = view->count ? &view->ranges[view->count - 1] : NULL;
    if (last && last->region == range.region &&
        (!range.region || last->offset + (range.start - last->start) == range.offset)) {
        last->end = range.end;
        return;
    }
    if (view->count == view->capacity) {
        view->capacity = view->capacity * 2 + 16;
        view->ranges = mem_resize(view->ranges, view->capacity * sizeof *view->ranges);
    }
    view->ranges[view->count++] = range;
}

static void fill_ports(const struct space *space, struct view *view)
{
    if (!view->ports) {
        view->ports = mem_zeroed(space->limit, sizeof *view->ports);
    }
    for (u32 i = 0; i < view->count; i++) {
        for (paddr port = view->ranges[i].start; port < view->ranges[i].end; port++) {
            view->ports[port] = (u16)i; /* at most 65,536 ranges, so that it fits */
        }
    }
}

static void build_view(struct space *space, unsigned index)
{
    struct view *view = &space->views[index];
    unsigned count;
    paddr *edges = collect_edges(space, index, &count);
    view->count = 0;
    view->last = 0;
    for (unsigned i = 0; i + 1 < count; i++) {
        if (edges[i] == edges[i + 1]) {
            continue;
        }
        const struct mapping *m = top_mapping(space, index, edges[i]);
        add_range(view, (struct range){.start = edges[i],
                                       .end = edges[i + 1],
                                       .region = m ? m->region : NULL,
                                       .offset = m ? m->offset + (edges[i] - m->base) : 0});
    }
    free(edges);
    if (space->limit == BIT(PORT_BITS)) {
        fill_ports(space, view);
    }
}

static NOINLINE void build_views(struct space *space)
{
    bool plain = true;
    for (const struct mapping *m = space->mappings; m; m = m->next) {
        plain &= m->access == MAP_ALL;
    }
    for (unsigned i = 0; i < VIEW_COUNT; i++) {
        space->use[i] = plain ? 0 : (u8)i;
        if (space->use[i] == i) {
            build_view(space, i);
        }
    }
    space->stale = false;
}

/* ---- lookups ---- */

static NOINLINE const struct range *search_range(struct view *view, paddr addr)
{
    u32 low = 0, high = view->count - 1;
    while (low < high) {
        u32 middle = low + (high - low + 1) / 2;
        if (view->ranges[middle].start <= addr) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    view->last = low;
    return &view->ranges[low];
}

/* `addr` lies inside the space, so that some range has it. */
static const struct range *find_range(struct view *view, paddr addr)
{
    if (view->ports) {
        return &view->ranges[view->ports[addr]];
    }
    const struct range *range = &view->ranges[view->last];
    if (likely(addr >= range->start && addr < range->end)) {
        return range;
    }
    return search_range(view, addr);
}

struct target space_find(struct space *space, paddr addr, bool write, bool smm)
{
    if (unlikely(addr >= space->limit)) {
        u64 left = 0 - addr; /* up to the end of all addresses, 2^64 */
        return (struct target){.left = left};
    }
    if (unlikely(space->stale)) {
        build_views(space);
    }
    unsigned view = (smm ? VIEW_SMM_READ : VIEW_READ) + write;
    const struct range *range = find_range(&space->views[space->use[view]], addr);
    return (struct target){.region = range->region,
                           .offset = range->offset + (addr - range->start),
                           .left = range->end - addr};
}

struct window space_window(struct space *space, paddr addr, bool smm)
{
    struct target to_read = space_find(space, addr, false, smm), to_write = space_find(space, addr, true, smm);
    if (!to_read.region || to_read.region->kind != REGION_RAM || to_write.region != to_read.region ||
        to_write.offset != to_read.offset) {
        return (struct window){.bytes = 0};
    }
    const struct range *r = find_range(&space->views[space->use[smm ? VIEW_SMM_READ : VIEW_READ]], addr);
    const struct range *w = find_range(&space->views[space->use[smm ? VIEW_SMM_WRITE : VIEW_WRITE]], addr);
    paddr first = r->start > w->start ? r->start : w->start, end = r->end < w->end ? r->end : w->end;
    return (struct window){
        .first = first, .bytes = end - first, .region = r->region, .offset = r->offset + (first - r->start)};
}

u64 space_read(struct space *space, paddr addr, unsigned size, bool smm)
{
    u64 value = 0;
    for (unsigned done = 0; done < size;) {
        struct target t = space_find(space, addr + done, false, smm);
        unsigned n = t.left < size - done ? (unsigned)t.left : size - done;
        value |= region_read(t.region, t.offset, n) << (done * 8);
        done += n;
    }
    return value;
}

void space_write(struct space *space, paddr addr, u64 value, unsigned size, bool smm)
{
    for (unsigned done = 0; done < size;) {
        struct target t = space_find(space, addr + done, true, smm);
        unsigned n = t.left < size - done ? (unsigned)t.left : size - done;
        region_write(space, t.region, t.offset, low_bytes(value >> (done * 8), n), n);
        done += n;
    }
}

/* ---- what processors cache ---- */

void space_listen(struct space *space, struct space_listener *listener)
{
    listener->next = space->listeners;
    space->listeners = listener;
}

static void tell_written(struct space *space, const u8 *host, u64 size)
{
    for (struct space_listener *l = space->listeners; l; l = l->next) {
        if (l->written) {
            l->written(l->opaque, host, size);
        }
    }
}

static void tell_about(struct space *space, struct region *region, u64 offset, u64 size)
{
    for (struct space_listener *l = space->listeners; l; l = l->next) {
        if (l->about) {
            l->about(l->opaque, region, offset, size);
        }
    }
}

void space_written(struct space *space, struct region *region, u64 offset, u64 size)
{
    if (!region->pages || offset >= region->size) {
        return;
    }
    u64 end = size < region->size - offset ? offset + size : region->size;
    while (offset < end) {
        struct page *page = &region->pages[offset >> PAGE_SHIFT];
        u64 next = align_down(offset, PAGE_SIZE) + PAGE_SIZE;
        u64 stop = next < end ? next : end;
        if (page->flags & (PAGE_KEPT | PAGE_WATCHED)) {
            tell_about(space, region, offset, stop - offset);
        }
        page->flags &= (u8) ~(PAGE_CLEAN | PAGE_KEPT);
        if (page->flags & PAGE_HAS_CODE) {
            tell_written(space, region->host + offset, stop - offset);
        }
        offset = stop;
    }
}

void space_protect(struct space *space)
{
    for (struct space_listener *l = space->listeners; l; l = l->next) {
        if (l->protect) {
            l->protect(l->opaque);
        }
    }
}

/* ---- printing ---- */

static int compare_bases(const void *a, const void *b)
{
    const struct mapping *x = *(const struct mapping *const *)a;
    const struct mapping *y = *(const struct mapping *const *)b;
    if (x->base != y->base) {
        return x->base < y->base ? -1 : 1;
    }
    return (x->priority < y->priority) - (x->priority > y->priority);
}

static void print_mapping(const struct mapping *m, FILE *out)
{
    static const char *const kinds[] = {
        [REGION_IO] = "i/o", [REGION_RAM] = "ram", [REGION_ROM] = "rom"};
    fprintf(out, "  %016" PRIx64 "-%016" PRIx64 " (prio %d, %s): %s", m->base,
            m->base + m->size - 1, m->priority, kinds[m->region->kind], m->region->name);
    if (m->offset) {
        fprintf(out, " @%016" PRIx64, m->offset);
    }
    if (m->access != MAP_ALL) {
        fprintf(out, " [%s%s%s%s ]", m->access & MAP_READ ? " read" : "",
                m->access & MAP_WRITE ? " write" : "", m->access & MAP_NORMAL ? " normal" : "",
                m->access & MAP_SMM ? " smm" : "");
    }
    putc('\n', out);
}

void space_print(struct space *space, FILE *out)
{
    size_t count = 0;
    for (struct mapping *m = space->mappings; m; m = m->next) {
        count++;
    }
    const struct mapping **sorted = mem_zeroed(count, sizeof *sorted);
    count = 0;
    for (const struct mapping *m = space->mappings; m; m = m->next) {
        sorted[count++] = m;
    }
    qsort(sorted, count, sizeof *sorted, compare_bases);
    fprintf(out, "address-space: %s\n", space->name);
    for (size_t i = 0; i < count; i++) {
        print_mapping(sorted[i], out);
    }
    free(sorted);
}
