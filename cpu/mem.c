/*
 * mem.c: the slow half of guest memory: segment checks, page walks, TLB fills, device accesses, page crossing.
 *
 * Intel SDM Vol. 3A chapters 4 and 5.
 */
#include "cpu/mem.h"

#include "cpu/explain.h"
#include "cpu/interp/icache.h"
#include "cpu/op/op.h"
#include "cpu/raise.h"
#include "cpu/stop.h"

/* Whose rights apply to an access. */
struct rights {
    bool user, ac;
    enum tlb_view view;
};

static struct rights current_rights(const struct cpu *cpu)
{
    return (struct rights){cpu->cpl == 3, cpu->view == TLB_SUPERVISOR_AC, cpu->view};
}

static struct rights rights_of(const struct cpu *cpu, bool user)
{
    return user == (cpu->cpl == 3) ? current_rights(cpu) : (struct rights){user, false, user ? TLB_USER : TLB_SUPERVISOR};
}

static const struct rights implicit_supervisor = {false, false, TLB_SUPERVISOR};

/* A translated piece of guest memory inside one page. */
struct place {
    struct walk_result walk;
    paddr              phys;
    struct target      target;
};

static struct target target_of(struct cpu *cpu, paddr phys, bool write)
{
    const struct window *ram = &cpu->paging.ram;
    u64                  at  = phys - ram->first;
    if (likely(at < ram->bytes)) {
        return (struct target){.region = ram->region, .offset = ram->offset + at, .left = ram->bytes - at};
    }
    return space_find(cpu->memory, phys, write, cpu->in_smm);
}

static struct place translate(struct cpu *cpu, vaddr la, enum access_kind kind, struct rights rights)
{
    struct place p;
    if (unlikely(cpu->explain)) {
        p.walk = explain_walk(cpu, la, kind, rights.user, rights.ac);
    } else {
        p.walk = walk(&cpu->paging, cpu->memory, la, kind, rights.user, rights.ac);
    }
    if (unlikely(p.walk.rule != RULE_NONE)) {
        tlb_flush_page(&cpu->tlb, la); /* SDM Vol. 3A 4.10.4.1: a page fault drops what is known of its page */
        cpu_raise_page_fault(cpu, p.walk.rule, la, p.walk.error_code);
    }
    p.phys   = p.walk.phys & cpu->paging.a20_mask;
    p.target = target_of(cpu, p.phys, access_writes(kind));
    return p;
}

static bool is_memory(const struct target *t, unsigned size)
{
    return t->region && t->region->kind != REGION_IO && t->left >= size;
}

/* Whether all of the page around `p` is the same memory, so that one TLB entry can stand for it. */
static bool whole_page(const struct place *p)
{
    unsigned in_page = p->phys & (PAGE_SIZE - 1);
    return p->target.offset >= in_page && p->target.left >= PAGE_SIZE - in_page &&
           !((p->target.offset - in_page) & (PAGE_SIZE - 1));
}

/* Whether somebody asks about one of the bytes, or of the page (stop.h). */
static bool range_asked(const struct cpu *cpu, vaddr la, u64 size, bool write)
{
    return unlikely(cpu->stops) && cpu->stops->data_range(cpu->stops->opaque, la, size, write);
}

static bool data_asked(const struct cpu *cpu, vaddr la, bool write)
{
    return unlikely(cpu->stops) && cpu->stops->data_page(cpu->stops->opaque, la & PAGE_MASK, write);
}

/* Data breakpoints are looked for on the slow path only: watched pages stay out of the TLB. */
static void watch(struct cpu *cpu, vaddr la, u64 size, bool write)
{
    if (range_asked(cpu, la, size, write)) {
        cpu->stops->access(cpu->stops->opaque, la, size, write, true);
    }
    if (likely(!debug_breakpoints_on(cpu))) {
        return;
    }
    u32 hits = debug_data_hits(cpu, la, size, write);
    if (hits) {
        cpu->pending_db |= hits;
        cpu_update_debug(cpu);
    }
}

/* A device is about to be reached. In counted time an instruction that does not end its block does so by itself: then what the device asks
 * for is seen right behind it, whatever the block. (Those that end theirs know the count already.) */
static void be_alone(struct cpu *cpu)
{
    const struct insn *i = cpu->current;
    if (i && !(cpu->pending & PENDING_STEP) && i != cpu->single && !(row_table[i->row].attr & END) && !i->rep) {
        cpu_execute_alone(cpu);
    }
}

static void reach_device(struct cpu *cpu)
{
    if (unlikely(cpu->counted || cpu->stops)) {
        be_alone(cpu);
    }
}

/* Memory is about to be accessed at a linear address. When somebody looks, the instruction is executed by itself, so that he can
 * stop the processor right behind it. */
static void about(struct cpu *cpu, vaddr la, u64 size, bool write)
{
    if (range_asked(cpu, la, size, write)) {
        be_alone(cpu);
        cpu->stops->access(cpu->stops->opaque, la, size, write, false);
    }
}

static u64 read_in_page(struct cpu *cpu, vaddr la, unsigned size, struct rights rights)
{
    const u8 *hit = tlb_hit(cpu->tlb.data[rights.view][TLB_READ], la, size);
    if (hit) {
        return load_le(hit, size);
    }
    const u8 *page = tlb_refill(&cpu->tlb, rights.view, TLB_READ, la);
    if (page) {
        return load_le(page + (la & (PAGE_SIZE - 1)), size);
    }
    struct place p = translate(cpu, la, ACCESS_READ, rights);
    if (unlikely(cpu->explain)) {
        return explain_read(cpu, p.phys, size);
    }
    if (!is_memory(&p.target, size)) {
        reach_device(cpu);
        cpu_sync_devices(cpu);
        return space_read(cpu->memory, p.phys, size, cpu->in_smm);
    }
    const u8 *host = p.target.region->host + p.target.offset;
    if (whole_page(&p) && !debug_page_watched(cpu, la)) {
        tlb_fill(&cpu->tlb, rights.view, TLB_READ, la, host - (la & (PAGE_SIZE - 1)), p.walk.global, p.walk.page_bytes, p.walk.key);
    }
    return load_le(host, size);
}

/* RAM at `p` is about to be written: code there is dropped, and the TLB takes the page if nothing watches it any more. */
static void writing(struct cpu *cpu, vaddr la, unsigned size, struct rights rights, const struct place *p)
{
    struct region *region = p->target.region;
    u64            offset = p->target.offset;
    u8            *host   = region->host + offset;
    if (region->pages[offset >> PAGE_SHIFT].flags) {
        space_written(cpu->memory, region, offset, size);
    }
    if (!region->pages[offset >> PAGE_SHIFT].flags && whole_page(p) && !debug_page_watched(cpu, la)) {
        tlb_fill(&cpu->tlb, rights.view, TLB_WRITE, la, host - (la & (PAGE_SIZE - 1)), p->walk.global, p->walk.page_bytes, p->walk.key);
    }
}

static void write_place(struct cpu *cpu, vaddr la, u64 value, unsigned size, struct rights rights, const struct place *p)
{
    struct region *region = p->target.region;
    if (unlikely(cpu->explain)) {
        explain_write(cpu, p->phys, value, size);
        return;
    }
    if (!is_memory(&p->target, size) || region->kind != REGION_RAM) {
        reach_device(cpu);
        space_write(cpu->memory, p->phys, value, size, cpu->in_smm);
        return;
    }
    writing(cpu, la, size, rights, p);
    store_le(region->host + p->target.offset, value, size);
}

static void write_in_page(struct cpu *cpu, vaddr la, u64 value, unsigned size, struct rights rights)
{
    u8 *hit = tlb_hit(cpu->tlb.data[rights.view][TLB_WRITE], la, size);
    if (!hit) {
        u8 *page = (u8 *)(uintptr_t)tlb_refill(&cpu->tlb, rights.view, TLB_WRITE, la);
        hit      = page ? page + (la & (PAGE_SIZE - 1)) : NULL;
    }
    if (hit) {
        store_le(hit, value, size);
        return;
    }
    struct place p = translate(cpu, la, ACCESS_WRITE, rights);
    write_place(cpu, la, value, size, rights, &p);
}

/* The linear address after `la`, wrapping as the mode does. */
static vaddr wrap(const struct cpu *cpu, vaddr la)
{
    return cpu->long_mode ? la : (u32)la;
}

static unsigned left_in_page(vaddr la)
{
    return PAGE_SIZE - (la & (PAGE_SIZE - 1));
}

static u64 read_linear(struct cpu *cpu, vaddr la, unsigned size, struct rights rights)
{
    unsigned first = left_in_page(la);
    if (likely(size <= first)) {
        return read_in_page(cpu, la, size, rights);
    }
    u64 v = 0;
    for (unsigned k = 0; k < first; k++) {
        v |= read_in_page(cpu, la + k, 1, rights) << (8 * k);
    }
    for (unsigned k = first; k < size; k++) {
        v |= read_in_page(cpu, wrap(cpu, la + k), 1, rights) << (8 * k);
    }
    return v;
}

static void write_linear(struct cpu *cpu, vaddr la, u64 value, unsigned size, struct rights rights)
{
    unsigned first = left_in_page(la);
    if (likely(size <= first)) {
        write_in_page(cpu, la, value, size, rights);
        return;
    }
    translate(cpu, la, ACCESS_WRITE, rights);
    translate(cpu, wrap(cpu, la + first), ACCESS_WRITE, rights);
    for (unsigned k = 0; k < size; k++) {
        write_in_page(cpu, wrap(cpu, la + k), value >> (8 * k), 1, rights);
    }
}

static void probe_linear(struct cpu *cpu, vaddr la, unsigned size, enum access_kind kind, struct rights rights)
{
    for (unsigned first = left_in_page(la);; first = PAGE_SIZE) {
        translate(cpu, la, kind, rights);
        if (size <= first) {
            return;
        }
        la = wrap(cpu, la + first);
        size -= first;
    }
}

/* ---- segments */

static vaddr linear64(struct cpu *cpu, unsigned seg, u64 offset, unsigned size)
{
    vaddr la = cpu->seg[seg].base + offset;
    cpu_check(cpu, cpu_canonical(cpu, la) && cpu_canonical(cpu, la + size - 1),
              seg == SEG_FLAT_STACK ? RULE_SS_CANONICAL : RULE_GP_CANONICAL, 0);
    return la;
}

static void check_type(struct cpu *cpu, unsigned seg, bool write)
{
    const struct segment *s = &cpu->seg[seg];
    cpu_check(cpu, s->attr & ATTR_P, RULE_GP_DATA_NULL, 0);
    if (s->attr & ATTR_CODE) {
        cpu_check(cpu, !write, RULE_GP_DATA_NOT_WRITABLE, 0);
        cpu_check(cpu, s->attr & ATTR_WRITE, RULE_GP_CODE_NOT_READABLE, 0);
    } else if (write) {
        cpu_check(cpu, s->attr & ATTR_WRITE, seg == SEG_SS ? RULE_SS_NOT_WRITABLE : RULE_GP_DATA_NOT_WRITABLE, 0);
    }
}

static bool inside_limit(const struct cpu *cpu, const struct segment *s, u64 offset, unsigned size)
{
    u64 last = offset + size - 1;
    if (cpu->protected_mode && !cpu->vm86 && (s->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN) {
        return offset > s->limit && last <= (s->attr & ATTR_DB ? 0xffffffff : 0xffff);
    }
    return last <= s->limit;
}

vaddr mem_linear(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, bool write)
{
    if (unlikely(cpu->explain)) {
        explain_access(cpu, seg, offset, size, write);
    }
    if (cpu->code_bytes == 8) {
        return linear64(cpu, seg, offset, size);
    }
    const struct segment *s = &cpu->seg[seg];
    if (cpu->protected_mode && !cpu->vm86) {
        check_type(cpu, seg, write);
    }
    cpu_check(cpu, inside_limit(cpu, s, offset, size), seg == SEG_SS ? RULE_SS_LIMIT : RULE_GP_DATA_LIMIT, 0);
    return (u32)(s->base + offset);
}

static vaddr aligned_linear(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, bool write)
{
    vaddr la = mem_linear(cpu, seg, offset, size, write);
    if (cpu->align_check) {
        cpu_check(cpu, !(la & (size - 1)), RULE_AC_UNALIGNED, 0);
    }
    return la;
}

void mem_check_aligned_slow(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, unsigned align, bool write)
{
    cpu_check(cpu, !(mem_linear(cpu, seg, offset, size, write) & (align - 1)), RULE_AC_UNALIGNED, 0);
}

u64 mem_read_slow(struct cpu *cpu, unsigned seg, u64 offset, unsigned size)
{
    vaddr la = aligned_linear(cpu, seg, offset, size, false);
    about(cpu, la, size, false);
    u64 v = read_linear(cpu, la, size, current_rights(cpu));
    watch(cpu, la, size, false);
    if (unlikely(cpu->explain)) {
        explain_value(cpu, v);
    }
    return v;
}

void mem_write_slow(struct cpu *cpu, unsigned seg, u64 offset, u64 value, unsigned size)
{
    vaddr la = aligned_linear(cpu, seg, offset, size, true);
    about(cpu, la, size, true);
    if (unlikely(cpu->explain)) {
        explain_value(cpu, value);
    }
    write_linear(cpu, la, value, size, current_rights(cpu));
    watch(cpu, la, size, true);
}

/* The host's address of bytes inside one page that the TLB knows, or NULL: FXSAVE images and 16-byte operands are hot. */
static void *direct(const struct cpu *cpu, const struct tlb_entry *table, unsigned seg, u64 passes, u64 offset, unsigned size)
{
    return offset + size <= passes ? tlb_hit(table, cpu->seg[seg].base + offset, size) : NULL;
}

void mem_probe_write(struct cpu *cpu, unsigned seg, u64 offset, unsigned size)
{
    if (direct(cpu, cpu->tlb_write, seg, cpu->seg[seg].write_bytes, offset, size)) {
        return;
    }
    vaddr la = size <= 8 && !(size & (size - 1)) ? aligned_linear(cpu, seg, offset, size, true) : mem_linear(cpu, seg, offset, size, true);
    if (unlikely(cpu->stops) && size <= left_in_page(la) && tlb_held(&cpu->tlb, cpu->view, TLB_WRITE, la)) {
        return;
    }
    probe_linear(cpu, la, size, ACCESS_WRITE, current_rights(cpu));
}

void mem_probe_read(struct cpu *cpu, unsigned seg, u64 offset, unsigned size)
{
    probe_linear(cpu, mem_linear(cpu, seg, offset, size, false), size, ACCESS_READ, current_rights(cpu));
}

void mem_read_bytes(struct cpu *cpu, unsigned seg, u64 offset, void *buffer, unsigned size)
{
    const void *host = direct(cpu, cpu->tlb_read, seg, cpu->seg[seg].read_bytes, offset, size);
    if (likely(host)) {
        memcpy(buffer, host, size);
        return;
    }
    vaddr         la     = mem_linear(cpu, seg, offset, size, false);
    struct rights rights = current_rights(cpu);
    u8           *to     = buffer;
    about(cpu, la, size, false);
    if (size > left_in_page(la)) {
        probe_linear(cpu, la, size, ACCESS_READ, rights);
    }
    for (unsigned done = 0, n; done < size; done += n) {
        vaddr at = wrap(cpu, la + done);
        n        = size - done >= 8 && left_in_page(at) >= 8 ? 8 : 1;
        store_le(to + done, read_in_page(cpu, at, n, rights), n);
    }
    watch(cpu, la, size, false);
}

void mem_write_bytes(struct cpu *cpu, unsigned seg, u64 offset, const void *buffer, unsigned size)
{
    void *host = direct(cpu, cpu->tlb_write, seg, cpu->seg[seg].write_bytes, offset, size);
    if (likely(host)) {
        memcpy(host, buffer, size);
        return;
    }
    vaddr         la     = mem_linear(cpu, seg, offset, size, true);
    struct rights rights = current_rights(cpu);
    const u8     *from   = buffer;
    about(cpu, la, size, true);
    if (size > left_in_page(la)) {
        probe_linear(cpu, la, size, ACCESS_WRITE, rights);
    }
    for (unsigned done = 0, n; done < size; done += n) {
        vaddr at = wrap(cpu, la + done);
        n        = size - done >= 8 && left_in_page(at) >= 8 ? 8 : 1;
        write_in_page(cpu, at, load_le(from + done, n), n, rights);
    }
    watch(cpu, la, size, true);
}

u8 *mem_open_write(struct cpu *cpu, unsigned seg, u64 offset, unsigned size)
{
    vaddr         la     = mem_linear(cpu, seg, offset, size, true);
    struct rights rights = current_rights(cpu);
    if (data_asked(cpu, la, true)) {
        return NULL;
    }
    struct place p = translate(cpu, la, ACCESS_WRITE, rights);
    if (!is_memory(&p.target, size) || p.target.region->kind != REGION_RAM || debug_page_watched(cpu, la) || cpu->explain) {
        return NULL;
    }
    writing(cpu, la, size, rights, &p);
    return p.target.region->host + p.target.offset;
}

/* ---- linear and physical */

static vaddr check_linear(struct cpu *cpu, vaddr la)
{
    if (!cpu->long_mode) {
        return (u32)la;
    }
    cpu_check(cpu, cpu_canonical(cpu, la), RULE_GP_CANONICAL, 0);
    return la;
}

/* A supervisor's access, whoever runs: where rights are those of CPL 3 it is not. */
static bool is_implicit(struct rights rights, const struct cpu *cpu)
{
    return !rights.user && cpu->cpl == 3;
}

/* A page that somebody watches is not in the TLB, nor one that may not be accessed. */
static u8 *plain(struct cpu *cpu, enum tlb_kind kind, vaddr la, unsigned size, struct rights rights)
{
    return likely(!cpu->explain) ? tlb_hit(cpu->tlb.data[rights.view][kind], la, size) : NULL;
}

static u64 lin_read_with(struct cpu *cpu, vaddr la, unsigned size, struct rights rights)
{
    const u8 *host = plain(cpu, TLB_READ, la, size, rights);
    if (likely(host)) {
        return load_le(host, size);
    }
    if (unlikely(cpu->explain)) {
        explain_linear(cpu, la, size, ACCESS_READ, is_implicit(rights, cpu));
    }
    la = check_linear(cpu, la);
    about(cpu, la, size, false);
    u64 v = read_linear(cpu, la, size, rights);
    watch(cpu, la, size, false);
    if (unlikely(cpu->explain)) {
        explain_value(cpu, v);
    }
    return v;
}

static void lin_write_with(struct cpu *cpu, vaddr la, u64 value, unsigned size, struct rights rights)
{
    u8 *host = plain(cpu, TLB_WRITE, la, size, rights);
    if (likely(host)) {
        store_le(host, value, size);
        return;
    }
    if (unlikely(cpu->explain)) {
        explain_linear(cpu, la, size, ACCESS_WRITE, is_implicit(rights, cpu));
        explain_value(cpu, value);
    }
    la = check_linear(cpu, la);
    about(cpu, la, size, true);
    write_linear(cpu, la, value, size, rights);
    watch(cpu, la, size, true);
}

u64 lin_read(struct cpu *cpu, vaddr la, unsigned size)
{
    return lin_read_with(cpu, la, size, current_rights(cpu));
}

void lin_write(struct cpu *cpu, vaddr la, u64 value, unsigned size)
{
    lin_write_with(cpu, la, value, size, current_rights(cpu));
}

u64 lin_read_as(struct cpu *cpu, vaddr la, unsigned size, bool user)
{
    return lin_read_with(cpu, la, size, rights_of(cpu, user));
}

void lin_write_as(struct cpu *cpu, vaddr la, u64 value, unsigned size, bool user)
{
    lin_write_with(cpu, la, value, size, rights_of(cpu, user));
}

void lin_probe_write_as(struct cpu *cpu, vaddr la, unsigned size, bool user)
{
    probe_linear(cpu, check_linear(cpu, la), size, ACCESS_WRITE, rights_of(cpu, user));
}

u64 sys_read(struct cpu *cpu, vaddr la, unsigned size)
{
    return lin_read_with(cpu, la, size, implicit_supervisor);
}

void sys_write(struct cpu *cpu, vaddr la, u64 value, unsigned size)
{
    lin_write_with(cpu, la, value, size, implicit_supervisor);
}

void sys_probe_write(struct cpu *cpu, vaddr la, unsigned size)
{
    probe_linear(cpu, check_linear(cpu, la), size, ACCESS_WRITE, implicit_supervisor);
}

/* ---- shadow stacks */

u64 shadow_read(struct cpu *cpu, vaddr la, unsigned size, bool user)
{
    struct rights rights = rights_of(cpu, user);
    la                   = check_linear(cpu, la);
    if (size == 8 && size > left_in_page(la)) {
        u64 low = shadow_read(cpu, la, 4, user);
        return low | shadow_read(cpu, wrap(cpu, la + 4), 4, user) << 32;
    }
    about(cpu, la, size, false);
    if (unlikely(cpu->explain)) {
        explain_linear(cpu, la, size, ACCESS_SHADOW_READ, false);
    }
    struct place p = translate(cpu, la, ACCESS_SHADOW_READ, rights);
    watch(cpu, la, size, false);
    if (unlikely(cpu->explain)) {
        u64 v = explain_read(cpu, p.phys, size);
        explain_value(cpu, v);
        return v;
    }
    return is_memory(&p.target, size) ? load_le(p.target.region->host + p.target.offset, size)
                                      : space_read(cpu->memory, p.phys, size, cpu->in_smm);
}

void shadow_write(struct cpu *cpu, vaddr la, u64 value, unsigned size, bool user)
{
    struct rights rights = rights_of(cpu, user);
    la                   = check_linear(cpu, la);
    if (size == 8 && size > left_in_page(la)) {
        shadow_write(cpu, la, (u32)value, 4, user);
        shadow_write(cpu, wrap(cpu, la + 4), value >> 32, 4, user);
        return;
    }
    about(cpu, la, size, true);
    struct place p = translate(cpu, la, ACCESS_SHADOW_WRITE, rights);
    watch(cpu, la, size, true);
    if (unlikely(cpu->explain)) {
        explain_write(cpu, p.phys, value, size);
        return;
    }
    if (!is_memory(&p.target, size) || p.target.region->kind != REGION_RAM) {
        space_write(cpu->memory, p.phys, value, size, cpu->in_smm);
        return;
    }
    if (p.target.region->pages[p.target.offset >> PAGE_SHIFT].flags) {
        space_written(cpu->memory, p.target.region, p.target.offset, size);
    }
    store_le(p.target.region->host + p.target.offset, value, size);
}

void shadow_probe(struct cpu *cpu, vaddr la, unsigned size, bool user)
{
    probe_linear(cpu, check_linear(cpu, la), size, ACCESS_SHADOW_WRITE, rights_of(cpu, user));
}

u64 phys_read(struct cpu *cpu, paddr addr, unsigned size)
{
    if (unlikely(cpu->explain)) {
        return explain_read(cpu, addr & cpu->paging.a20_mask, size);
    }
    return space_read(cpu->memory, addr & cpu->paging.a20_mask, size, cpu->in_smm);
}

void phys_write(struct cpu *cpu, paddr addr, u64 value, unsigned size)
{
    if (unlikely(cpu->explain)) {
        explain_write(cpu, addr & cpu->paging.a20_mask, value, size);
        return;
    }
    space_write(cpu->memory, addr & cpu->paging.a20_mask, value, size, cpu->in_smm);
}

bool mem_peek(struct cpu *cpu, vaddr la, void *buffer, unsigned size)
{
    for (unsigned done = 0, part; done < size; done += part) {
        paddr phys;
        vaddr at = wrap(cpu, la + done);
        if (!walk_peek(&cpu->paging, cpu->memory, at, &phys)) {
            return false;
        }
        struct target t = space_find(cpu->memory, phys & cpu->paging.a20_mask, false, cpu->in_smm);
        if (!is_memory(&t, 1)) {
            return false;
        }
        u64 room = left_in_page(at) < t.left ? left_in_page(at) : t.left;
        part     = size - done < room ? size - done : (unsigned)room;
        memcpy((u8 *)buffer + done, t.region->host + t.offset, part);
    }
    return true;
}

/* ---- translated code */

static bool is_ready_for_write(struct cpu *cpu, vaddr la, struct rights rights)
{
    struct walk_result w = walk(&cpu->paging, cpu->memory, la, ACCESS_READ, rights.user, rights.ac);
    return w.rule == RULE_NONE && w.writable;
}

/* Whether somebody must see the access as such. */
static bool is_asked(struct cpu *cpu, vaddr la, unsigned size, bool write)
{
    return debug_page_watched(cpu, la) || range_asked(cpu, la, size, false) || (write && range_asked(cpu, la, size, true));
}

/* As far as the TLB knows. */
static u8 *known_place(struct cpu *cpu, vaddr la, enum tlb_view view, bool write)
{
    const u8 *page = tlb_refill(&cpu->tlb, view, write ? TLB_WRITE : TLB_READ, la);
    return page ? (u8 *)(uintptr_t)page + (la & (PAGE_SIZE - 1)) : NULL;
}

/* Two pages that are side by side. */
static u8 *known_pair(struct cpu *cpu, vaddr la, unsigned size)
{
    unsigned first = left_in_page(la);
    vaddr    next  = wrap(cpu, la + first);
    if (!cpu_canonical(cpu, la) || !cpu_canonical(cpu, next) || is_asked(cpu, la, first, false) || is_asked(cpu, next, size - first, false)) {
        return NULL;
    }
    enum tlb_view view = current_rights(cpu).view;
    u8           *host = known_place(cpu, la, view, false), *beside = known_place(cpu, next, view, false);
    return host && beside == host + first ? host : NULL;
}

void *mem_direct(struct cpu *cpu, vaddr la, unsigned size, enum direct how)
{
    if (how == DIRECT_READ_SOME && size > left_in_page(la)) {
        return known_pair(cpu, la, size);
    }
    struct rights    rights = current_rights(cpu);
    bool             write  = how == DIRECT_WRITE || how == DIRECT_WRITE_LATER;
    enum access_kind kind   = write ? ACCESS_WRITE : ACCESS_READ;
    if (size > left_in_page(la) || !cpu_canonical(cpu, la) || is_asked(cpu, la, size, write)) {
        return NULL;
    }
    u8 *known = known_place(cpu, la, rights.view, write);
    if (known) {
        return known;
    }
    if (how == DIRECT_WRITE_LATER && !is_ready_for_write(cpu, la, rights)) {
        return NULL;
    }
    struct place p = {.walk = walk(&cpu->paging, cpu->memory, la, kind, rights.user, rights.ac)};
    if (p.walk.rule != RULE_NONE) {
        return NULL;
    }
    p.phys   = p.walk.phys & cpu->paging.a20_mask;
    p.target = target_of(cpu, p.phys, write);
    if (!is_memory(&p.target, size) || (write && p.target.region->kind != REGION_RAM)) {
        return NULL;
    }
    u64 offset = p.target.offset;
    u8 *host   = p.target.region->host + offset;
    if (write && p.target.region->pages[offset >> PAGE_SHIFT].flags) {
        bool code = p.target.region->pages[offset >> PAGE_SHIFT].flags == PAGE_HAS_CODE;
        return code && !icache_holds(cpu->icache, host, size) ? host : NULL;
    }
    if (whole_page(&p)) {
        tlb_fill(&cpu->tlb, rights.view, write ? TLB_WRITE : TLB_READ, la, host - (la & (PAGE_SIZE - 1)), p.walk.global, p.walk.page_bytes, p.walk.key);
    }
    return host;
}

/* ---- instruction fetch */

static bool in_window(const struct window *w, const u8 *host)
{
    return w->bytes && (u64)(host - (w->region->host + w->offset)) < w->bytes;
}

const u8 *mem_held_code(const struct cpu *cpu, vaddr la)
{
    return likely(!cpu->stops) ? NULL : tlb_held(&cpu->tlb, cpu->cpl == 3 ? TLB_USER : TLB_SUPERVISOR, TLB_FETCH, wrap(cpu, la));
}

bool mem_page_asked(const struct cpu *cpu, vaddr la)
{
    return unlikely(cpu->stops) && cpu->stops->code_page(cpu->stops->opaque, wrap(cpu, la) & PAGE_MASK);
}

const u8 *mem_fetch_page(struct cpu *cpu, vaddr la, struct region **region, u64 *offset)
{
    enum tlb_view view   = cpu->cpl == 3 ? TLB_USER : TLB_SUPERVISOR;
    struct rights rights = {cpu->cpl == 3, false, view};
    const u8     *known  = tlb_refill_fetch(&cpu->tlb, view, la);
    if (known && in_window(&cpu->paging.ram, known)) {
        *region = cpu->paging.ram.region;
        *offset = (u64)(known - (*region)->host);
        return known;
    }
    struct place p = translate(cpu, la, ACCESS_FETCH, rights);
    if (!is_memory(&p.target, 1) || !whole_page(&p)) {
        return NULL;
    }
    const u8 *page = p.target.region->host + p.target.offset - (la & (PAGE_SIZE - 1));
    *region        = p.target.region;
    *offset        = p.target.offset - (la & (PAGE_SIZE - 1));
    if (unlikely(cpu->explain)) {
        return page; /* the next byte is looked for again */
    }
    tlb_fill_fetch(&cpu->tlb, view, la, page, p.walk.global, p.walk.page_bytes, p.walk.key);
    return page;
}

u8 mem_fetch_byte(struct cpu *cpu, vaddr la)
{
    const struct tlb_entry *e = &cpu->tlb_fetch[tlb_fetch_index(la)];
    if (likely(e->tag == (la & PAGE_MASK))) {
        return *(const u8 *)(uintptr_t)(la - e->tag + e->host);
    }
    struct region *region;
    u64            offset;
    la             = wrap(cpu, la);
    const u8 *held = mem_held_code(cpu, la);
    const u8 *page = held ? held : mem_fetch_page(cpu, la, &region, &offset);
    if (page) {
        return page[la & (PAGE_SIZE - 1)];
    }
    struct rights rights = {cpu->cpl == 3, false, cpu->cpl == 3 ? TLB_USER : TLB_SUPERVISOR};
    struct place  p      = translate(cpu, la, ACCESS_FETCH, rights);
    if (is_memory(&p.target, 1)) {
        return p.target.region->host[p.target.offset];
    }
    if (unlikely(cpu->explain)) {
        return (u8)explain_read(cpu, p.phys, 1);
    }
    return (u8)space_read(cpu->memory, p.phys, 1, cpu->in_smm);
}
