/*
 * native.c: which blocks are translated, where their code lies, how jumps are linked, and the loop between C and that code.
 */
#include "tcg/native.h"

#include <string.h>
#include <time.h>

#include "cpu/base/mem.h"
#include "cpu/flags.h"
#include "cpu/interp/interp.h"
#include "cpu/mem.h"
#include "cpu/operand.h"
#include "tcg/backend/x86_64/host.h"

/* Where computed jumps find code, for one mode. */
struct jump_table {
    struct native_jump jump[NATIVE_JUMPS];
};

static struct native *native_of(struct executor *executor)
{
    return container_of(executor, struct native, executor);
}

/* ---- the cache of code */

static void clear_tables(struct native *n)
{
    memset(n->tables, 0, n->modes * sizeof *n->tables);
    tlb_code_moved(&n->cpu->tlb);
}

static struct jump_table *find_table(struct native *n, u16 mode)
{
    for (unsigned k = 0; k < n->modes; k++) {
        if (n->mode[k] == mode) {
            return &n->tables[k];
        }
    }
    return NULL;
}

/* The table of a mode. When there are more modes than tables, the last one changes hands. */
static struct jump_table *table_of(struct native *n, u16 mode)
{
    struct jump_table *t = find_table(n, mode);
    if (t) {
        return t;
    }
    if (n->modes < NATIVE_MODES) {
        n->modes++;
    } else {
        memset(&n->tables[NATIVE_MODES - 1], 0, sizeof *n->tables);
    }
    n->mode[n->modes - 1] = mode;
    return &n->tables[n->modes - 1];
}

static unsigned jump_index(const u8 *host)
{
    uintptr_t h = (uintptr_t)host;
    return (unsigned)(h >> PAGE_SHIFT ^ h) & (NATIVE_JUMPS - 1);
}

/* Computed jumps do not find the block's code any more. */
static void drop_jump(struct native *n, const struct block *b)
{
    struct jump_table *t = find_table(n, b->mode);
    for (unsigned k = 0; t && k < 2; k++) {
        struct native_jump *jump = &t->jump[jump_index(b->host) ^ k];
        if (jump->host == b->host) {
            *jump = (struct native_jump){0};
        }
    }
}

static u8 *code_at(const struct native *n, u32 offset)
{
    return n->code.write + offset;
}

static u32 offset_of(const struct native *n, const u8 *code)
{
    return (u32)(code - n->code.write);
}

/* The part holds nothing. Its room is divided as what was translated so far was. */
static void clear_part(struct native *n, struct native_part *p)
{
    u64    hot   = n->hot_bytes + 60000, all = hot + n->cold_bytes + 40000; /* at first, as usual */
    size_t bytes = (size_t)(p->end - p->begin);
    p->hot_end   = p->begin + (u64)bytes * hot / all;
    p->hot       = p->begin;
    p->cold      = p->hot_end;
    p->data      = p->end;
    p->near      = p->near_begin;
    p->links     = 1;
    p->translations = 0;
}

static void empty(struct native *n)
{
    for (unsigned k = 0; k < NATIVE_PARTS; k++) {
        clear_part(n, &n->part[k]);
    }
    n->now = 0;
    clear_tables(n);
}

static void forget_all(struct executor *executor)
{
    empty(native_of(executor));
}

/* Whether the translation is still that of its block. */
static bool is_valid(const struct translation *t)
{
    return t->block && t->block->translation == t;
}

/* The jumps to the translation leave instead. */
static void unlink_jumps(struct native *n, struct translation *t)
{
    for (u32 k = t->incoming; k; k = n->link[k].next) {
        const struct link *l = &n->link[k];
        if (is_valid(&n->translation[l->translation])) { /* else its jump may be the one that was put over the entry, below */
            patch_jump(code_at(n, l->from), code_at(n, l->otherwise));
        }
    }
    t->incoming = 0;
}

/* The block's bytes have changed: nothing enters its code any more. */
static void forget(struct executor *executor, struct block *b)
{
    struct native      *n = native_of(executor);
    struct translation *t = b->translation;
    unlink_jumps(n, t);
    drop_jump(n, b);
    t->entry[0] = 0xe9;
    patch_jump(t->entry + 1, t->left);
    b->translation = NULL;
    n->stats.stale++;
}

/* Links with the numbers from `first` on, `count` of them, are gone. */
static void drop_links(struct native *n, struct translation *t, u32 first, u32 count)
{
    for (u32 *k = &t->incoming; *k;) {
        if (*k - first < count) {
            *k = n->link[*k].next;
        } else {
            k = &n->link[*k].next;
        }
    }
}

/* The code of a part goes; its blocks are counted anew, and are soon hot again. */
static void evict(struct native *n, unsigned number)
{
    struct native_part *p     = &n->part[number];
    struct translation *first = &n->translation[number * n->translations_max];
    for (u32 k = 0; k < p->translations; k++) {
        struct translation *t     = &first[k];
        bool                valid = is_valid(t);
        unlink_jumps(n, t);
        if (valid) {
            drop_jump(n, t->block);
            t->block->translation = NULL;
            if (!t->block->stale) {
                interp_count(t->block, n->heat_again);
            }
        }
        t->block = NULL;
    }
    for (unsigned k = 0; k < NATIVE_PARTS; k++) {
        for (u32 m = 0; k != number && m < n->part[k].translations; m++) {
            drop_links(n, &n->translation[k * n->translations_max + m], number * n->links_max, n->links_max);
        }
    }
    tlb_code_moved(&n->cpu->tlb);
    clear_part(n, p);
    n->stats.evictions++;
}

u8 *native_remember(struct native *n, const void *data, size_t bytes)
{
    struct native_part *p  = &n->part[n->now];
    u8                 *at = p->near;
    if ((size_t)(p->near_end - at) < bytes) {
        return NULL;
    }
    memcpy(at, data, bytes);
    p->near += bytes;
    return at;
}

u32 native_link(struct native *n, const u8 *displacement, unsigned offset, bool apart)
{
    u32 k      = n->now * n->links_max + n->part[n->now].links++, from = offset_of(n, displacement);
    n->link[k] = (struct link){.from = from, .otherwise = from + 4 + load32(displacement), .translation = n->current, .offset = (u16)offset, .apart = apart};
    return k;
}

void native_link_early(struct native *n, u32 link, const u8 *displacement)
{
    n->link[link].early = native_link(n, displacement, n->link[link].offset, false);
}

static void add_incoming(struct native *n, u32 link, struct translation *to)
{
    n->link[link].next = to->incoming;
    to->incoming       = link;
}

void native_link_loop(struct native *n, u32 link)
{
    add_incoming(n, link, &n->translation[n->current]);
}

void native_loop_begins(struct native *n, const u8 *at)
{
    for (u32 k = n->translation[n->current].incoming; k; k = n->link[k].next) {
        patch_jump(code_at(n, n->link[k].from), at);
    }
}

static u64 now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* Of one block, twice. */
#define LINKS_MAX (2 * (4 * BLOCK_INSNS_MAX + 2))

/* One of so many translations is timed. */
#define TIMED 16

/* After so many jumps were linked, which may be anywhere, the addresses for writing are given back. */
#define LINKS_AT_REST 4096

/* How often the thresholds are reconsidered. */
#define ADAPT_NS 20000000u

/* A block whose code was evicted is soon hot again. But when code comes and goes so fast that translating takes much of the time, it is
 * better to translate less. */
static void adapt(struct native *n, u64 now)
{
    u64      passed = now - n->adapted.at, spent = n->stats.translate_ns - n->adapted.translate_ns;
    unsigned least = n->threshold / 2, most = n->threshold < 1000 ? 16 * n->threshold : 64000;
    if (passed < ADAPT_NS) {
        return;
    }
    if (spent > passed / 6 && n->stats.evictions != n->adapted.evictions) {
        n->heat_again = n->heat_again * 2 + 1 < most ? n->heat_again * 2 + 1 : most;
    } else if (spent < passed / 12) {
        n->heat_again = n->heat_again / 4 > least ? n->heat_again / 4 : least;
    }
    n->executor.heat        = (u16)(n->heat_again > n->threshold ? n->heat_again : n->threshold);
    n->adapted.at           = now;
    n->adapted.translate_ns = n->stats.translate_ns;
    n->adapted.evictions    = n->stats.evictions;
}

/* On to the part that was filled the longest time ago. */
static void next_part(struct native *n)
{
    codebuf_rest(&n->code); /* for what counts as resident */
    n->now = (n->now + 1) % NATIVE_PARTS;
    if (n->part[n->now].translations) {
        evict(n, n->now);
    } else {
        clear_part(n, &n->part[n->now]);
    }
}

/* Where the interpreter goes on in a block whose bytes have changed is known from this. */
static const u8 *put_lengths(struct out *o, const struct block *b)
{
    u8 lengths[BLOCK_INSNS_MAX];
    for (unsigned k = 0; k < b->count; k++) {
        lengths[k] = b->insn[k].length;
    }
    return put_data(o, lengths, b->count);
}

static bool emit(struct native *n, struct block *b)
{
    struct native_part *p    = &n->part[n->now];
    struct out          hot  = {.p = p->hot, .end = p->hot_end}, cold = {.p = p->cold, .end = p->data};
    n->current               = n->now * n->translations_max + p->translations;
    struct translation *t    = &n->translation[n->current];
    u32                 links = p->links;
    u8                 *near  = p->near;
    if (p->translations == n->translations_max || p->links + LINKS_MAX > n->links_max) {
        return false;
    }
    *t         = (struct translation){.block = b, .entry = p->hot};
    t->lengths = put_lengths(&cold, b);
    if (!x86_64_emit(n, b, &hot, &cold, t)) {
        p->links = links;
        p->near  = near;
        return false;
    }
    t->bytes = (u32)(hot.p - p->hot + (cold.p - p->cold));
    n->hot_bytes += (u64)(hot.p - p->hot);
    n->cold_bytes += (u64)(cold.p - p->cold + (p->data - cold.end));
    p->hot  = hot.p;
    p->cold = cold.p;
    p->data = cold.end;
    p->translations++;
    b->translation = t;
    b->code        = offset_of(n, t->entry);
    return true;
}

/* The block that was translated last. */
static void show_block(const struct native *n, const struct block *b)
{
    const struct native_part *p        = &n->part[n->now];
    const struct translation *t        = b->translation;
    size_t                    hot      = (size_t)(p->hot - t->entry), cold = t->bytes - hot;
    const struct code_piece   pieces[] = {{codebuf_run(&n->code, t->entry), hot}, {codebuf_run(&n->code, p->cold - cold), cold}};
    n->watch->block(n->watch->opaque, n->cpu, b, pieces);
}

static bool translate(struct executor *executor, struct block *b)
{
    struct native *n     = native_of(executor);
    bool           timed = n->stats.blocks % TIMED == 0;
    u64            start = timed ? now_ns() : 0;
    bool flat = (b->mode & MODE_CODE_BYTES) == 8 || b->mode & MODE_FLAT;
    if (b->mode & MODE_ALIGN || (b->spanning && !flat)) {
        return false;
    }
    if (!emit(n, b)) {
        next_part(n);
        if (!emit(n, b)) {
            return false;
        }
    }
    n->stats.blocks++;
    n->stats.insns += b->count;
    n->stats.bytes += b->translation->bytes;
    if (timed) {
        u64 end = now_ns();
        n->stats.translate_ns += TIMED * (end - start);
        adapt(n, end);
    }
    if (n->watch) {
        show_block(n, b);
    }
    return true;
}

/* ---- called by translated code */

#define UNREADY_MAX 250
#define SPREAD_MAX  64
#define PATIENCE    7

/* The block is to be translated in another way. */
static void translate_anew(struct native *n, struct block *b)
{
    forget(&n->executor, b);
    interp_count(b, 0);
}

/* A block that reads what it may write afterwards has found a page that is not ready for that. */
static void note_unready(struct native *n, struct translation *t)
{
    if (++t->unready == UNREADY_MAX && is_valid(t)) {
        t->block->unwritten = true;
        translate_anew(n, t->block);
    }
}

/* `count` times an element of a table was not in the page of its beginning, or a table's two pages are not side by side or not known. */
static void note_spread(struct native *n, u64 insn, unsigned count)
{
    struct translation *t = &n->translation[insn >> 7];
    t->spread += (u8)count;
    if (t->spread >= SPREAD_MAX && is_valid(t)) {
        block_note_spread(t->block, insn & (BLOCK_INSNS_MAX - 1)); /* the likeliest one */
        translate_anew(n, t->block);
    }
}

/* Whether the block of instruction `at` is as it was when so many were stale; else an accessed bit has been set in its own code. */
static bool is_unchanged(const struct native *n, u64 at, u64 stale)
{
    return n->stats.stale == stale || !n->translation[at >> 7].block->stale;
}

struct native_pointer native_miss(struct cpu *cpu, u64 la, const struct native_access *access)
{
    struct native *n     = native_of(cpu->executor);
    u64            at    = access->at;
    u64            stale = n->stats.stale;
    n->stats.misses++;
    cpu->host.patience = PATIENCE;
    if (access->how & NATIVE_TABLE && tlb_index(la) << 4 != cpu->host.kept[0]) {
        note_spread(n, at, PATIENCE + 1);
    }
    void *host = mem_direct(cpu, la, (access->how & ~NATIVE_TABLE) >> 1, access->how & 1 ? DIRECT_WRITE : DIRECT_READ);
    return (struct native_pointer){.host = is_unchanged(n, at, stale) ? (u64)(uintptr_t)host : 0, .exit = at << 2 | NATIVE_EXIT_INSN};
}

u64 native_miss_range(struct cpu *cpu, u64 la, u64 range)
{
    struct native *n     = native_of(cpu->executor);
    enum direct    how   = range & 3;
    u64            stale = n->stats.stale;
    n->stats.misses++;
    void *host = mem_direct(cpu, la, range >> NATIVE_RANGE_SHIFT & NATIVE_RANGE_MAX, how);
    if (!host && how == DIRECT_READ_SOME) {
        note_spread(n, range >> 16, 1);
    }
    if (!host && how == DIRECT_WRITE_LATER) {
        note_unready(n, &n->translation[range >> 23]);
    }
    return is_unchanged(n, range >> 16, stale) ? (u64)(uintptr_t)host : 0;
}

/* Flags as translated code keeps them. */
static void pack_flags(struct cpu *cpu)
{
    if (cpu->cc.op != CC_OP(CC_LAHF, 0)) {
        u32 f          = flags_arith(cpu);
        cpu->cc.op     = CC_OP(CC_LAHF, 0);
        cpu->cc.source = (f & 0xd5) << 8 | f >> 11;
    }
}

static bool touches_x87(const struct insn *insn)
{
    const struct row *row = &row_table[insn->row];
    return (row->map == M1 && (row->opcode & 0xf8) == 0xd8) || row->feature == FEATURE_MMX || row->feature == FEATURE_SSE ||
           row->feature == FEATURE_FXSR || row->feature == FEATURE_XSAVE || row->feature == FEATURE_XSAVEOPT || row->feature == FEATURE_SSSE3 ||
           row->feature == FEATURE_XSAVEC || row->feature == FEATURE_XSAVES || row->feature == FEATURE_SSE2 || row->feature == FEATURE_3DNOW ||
           row->feature == FEATURE_MMX2 ||
           (row->map == M1 && row->opcode == 0x9b);
}

/* What was executed before the block of the translation that names an instruction: all of the block has been taken from the budget. */
static u64 count_at(const struct native *n, const struct cpu *cpu, u64 at)
{
    return cpu->budget_end - (u64)cpu->budget - n->translation[at >> 7].block->count;
}

u64 native_call(struct cpu *cpu, const struct native_call_site *site)
{
    struct native     *n    = native_of(cpu->executor);
    const struct insn *insn = &site->insn;
    u16                mode = cpu->code_mode;
    u64                stale = n->stats.stale;
    u64                next  = insn_next_ip(cpu, insn);
    n->stats.calls++;
    cpu->ip = next;
    if (n->profile) {
        native_profile_call(n->profile, insn, site->run);
    }
    if (cpu->counted) {
        cpu->icount = count_at(n, cpu, site->at);
    }
    bool done = cpu->host.live & NATIVE_LIVE_X87 && x87_function(cpu, insn);
    if (!done) {
        if (cpu->host.live && touches_x87(insn)) {
            x87_from_host(cpu);
        }
        interp_isolated(cpu, insn);
        pack_flags(cpu);
    }
    bool again = cpu->ip != next; /* a REP instruction has iterations left */
    bool leave = again || cpu->code_mode != mode || cpu->pending || (cpu->counted && cpu->icount_limit != cpu->budget_end) ||
                 (n->stats.stale != stale && n->translation[site->at >> 7].block->stale);
    if (n->profile) {
        native_profile_called(n->profile);
    }
    return leave ? (u64)(site->at + !again) << 2 | NATIVE_EXIT_INSN : 0;
}

/* ---- in and out */

#ifdef __x86_64__
static u32 host_mxcsr(void)
{
    u32 m;
    __asm__("stmxcsr %0" : "=m"(m));
    return m;
}
#endif

static u64 run(struct native *n, const struct block *b)
{
    u64 (*enter)(const u8 *code, struct cpu *cpu) = (u64(*)(const u8 *, struct cpu *))(uintptr_t)codebuf_run(&n->code, n->stub.enter);
    return enter(n->code.run + b->code, n->cpu);
}

/* Where shared checks have failed: the twin, which shares none, of the rest of the block at cpu->ip. NULL: the interpreter
 * goes on there, for what forbids the twin forbids the block too. */
static struct block *rest_apart(struct native *n, struct cpu *cpu)
{
    struct block *b = interp_block(cpu, cpu->code_mode | MODE_APART);
    if (b && !b->translation && translate(&n->executor, b)) {
        interp_translated(b);
    }
    return b;
}

static void put_linked(struct native *n, u32 number, struct translation *to)
{
    patch_jump(code_at(n, n->link[number].from), to->entry);
    add_incoming(n, number, to);
}

/* A jump inside its page that is not linked: links it if its target is translated. NULL: it is not. */
static const struct block *follow(struct native *n, struct cpu *cpu, u32 number)
{
    struct link        *l         = &n->link[number];
    const struct block *from      = n->translation[l->translation].block;
    const u8           *page      = (const u8 *)((uintptr_t)from->host & ~(uintptr_t)(PAGE_SIZE - 1));
    u64                 evictions = n->stats.evictions + cpu->icache->flushes;
    struct block       *b         = NULL;
    cpu->ip                       = (cpu->regs[R_IPBASE] + l->offset) & cpu->ip_mask;
    if (cpu->icount >= cpu->icount_limit) {
        return NULL;
    }
    if (l->apart) {
        b = rest_apart(n, cpu);
    } else if (!cpu->pending) {
        b = icache_find(cpu->icache, page + l->offset, from->mode & ~(unsigned)MODE_APART);
    }
    if (!b || !b->translation) {
        return NULL;
    }
    if (n->stats.evictions + cpu->icache->flushes != evictions || cpu->pending) {
        return b; /* the jump is gone, or would not look whether something is pending */
    }
    if (++n->stats.links % LINKS_AT_REST == 0) {
        codebuf_rest(&n->code);
    }
    put_linked(n, number, b->translation);
    if (l->early && b->translation->flags_dead) {
        put_linked(n, l->early, b->translation);
    }
    return b;
}

/* Computed jumps find the blocks of this mode. */
static void use_table(struct native *n, struct cpu *cpu, u16 mode)
{
    cpu->host.jumps = table_of(n, mode)->jump;
    n->mode_now     = mode;
    u64 *stamp      = &cpu->tlb.code.stamp[(mode >> MODE_VIEW_SHIFT & 3) != TLB_USER];
    *stamp          = (*stamp & ~(u64)0xffff) | mode;
}

/* Whether a computed jump has looked for the block, or none can have. Others are left out of the table until then: looking at their place
 * in it takes longer than all else on the way into translated code. */
static bool is_wanted(const struct native *n, const struct cpu *cpu, const struct block *b)
{
    return b->translation == &n->translation[n->current] ||
           n->wanted == cpu->regs[R_IPBASE] + ((uintptr_t)b->host & (PAGE_SIZE - 1));
}

/* Computed jumps will find the block. */
static void add_jump(const struct native *n, struct cpu *cpu, const struct block *b)
{
    struct native_jump *jump  = (struct native_jump *)(uintptr_t)cpu->host.jumps;
    unsigned            index = jump_index(b->host);
    if (jump[index].host != b->host) {
        jump[index ^ 1] = jump[index];
    }
    jump[index] = (struct native_jump){b->host, n->code.run + b->code};
}

/* The instruction that translated code has named, decoded; NULL: the bytes have changed, and cpu->ip says where to go on. */
static const struct insn *resume(const struct native *n, struct cpu *cpu, u64 at)
{
    const struct translation *t      = &n->translation[at >> 7];
    unsigned                  number = at & 127, offset;
    if (likely(!t->block->stale)) {
        return interp_decoded(cpu, t->block) + number;
    }
    offset = (uintptr_t)t->block->host & (PAGE_SIZE - 1);
    for (unsigned k = 0; k < number; k++) {
        offset += t->lengths[k];
    }
    cpu->ip = (cpu->regs[R_IPBASE] + offset) & cpu->ip_mask;
    if (cpu->counted) {
        cpu->icount += number;
    }
    return NULL;
}

/* Jumps that remember where code is look again when they have led to void code so often: looking costs all of them some time. */
#define GONE_MAX 64

static const struct insn *enter(struct executor *executor, struct cpu *cpu, const struct block *b)
{
    struct native *n = native_of(executor);
    if (n->mode_now != b->mode) {
        use_table(n, cpu, b->mode);
    }
    if (is_wanted(n, cpu, b)) {
        add_jump(n, cpu, b);
    }
    pack_flags(cpu);
    if (n->profile) {
        native_profile_enter(n->profile, cpu);
    }
    if (cpu->counted) {
        cpu->budget_end = cpu->icount_limit;
        cpu->budget     = (i64)(cpu->icount_limit - cpu->icount);
    } else {
        cpu->icount += b->count; /* what was to wait for one instruction need not wait any more */
    }
    n->stats.enters++;
    u64 exit;
    do {
        exit = run(n, b);
        b    = NULL;
        if ((exit & NATIVE_EXIT_MASK) == NATIVE_EXIT_LINK) {
            cpu->icount = cpu->counted ? cpu->budget_end - (u64)cpu->budget : cpu->icount;
            cpu->host.live &= (u8)~(NATIVE_LIVE_XMM | NATIVE_LIVE_YMM);
            b = follow(n, cpu, (u32)(exit >> 2));
        }
    } while (b);
    n->wanted = (exit & NATIVE_EXIT_MASK) == NATIVE_EXIT_IP ? cpu->ip : NATIVE_NOWHERE;
    if (exit == NATIVE_EXIT_GONE && ++n->gone % GONE_MAX == 0) {
        tlb_code_moved(&cpu->tlb);
    }
    if (cpu->host.live & NATIVE_LIVE_X87) {
        x87_from_host(cpu);
    }
    cpu->host.live = 0;
    if (cpu->counted) {
        bool inside = (exit & NATIVE_EXIT_MASK) == NATIVE_EXIT_INSN;
        cpu->icount = inside ? count_at(n, cpu, exit >> 2) : cpu->budget_end - (u64)cpu->budget;
    }
    const struct insn *next = NULL;
    if ((exit & NATIVE_EXIT_MASK) == NATIVE_EXIT_INSN) {
        n->stats.left++;
        next = resume(n, cpu, exit >> 2);
    }
    if (n->profile) {
        native_profile_exit(n->profile, cpu, next);
    }
    return next;
}

/* An exception has left translated code from a C function. */
static void unwind(struct executor *executor, struct cpu *cpu)
{
    const struct native *n = native_of(executor);
    if (cpu->host.live & NATIVE_LIVE_X87) {
        x87_from_host(cpu);
    }
    cpu->host.live = 0;
    if (n->profile) {
        native_profile_raised(n->profile, cpu);
    }
}

struct native_stats native_stats(const struct executor *executor)
{
    return container_of(executor, struct native, executor)->stats;
}

/* ---- life */

static void show_stubs(const struct native *n)
{
    static const struct {
        const char *name;
        size_t      at;
    } stubs[] = {
#define STUB(name) {#name, offsetof(struct native, stub.name)}
        STUB(enter), STUB(exit),
#define MISS(view, name) {"read_" name, offsetof(struct native, stub.miss[view][TLB_READ])}, {"write_" name, offsetof(struct native, stub.miss[view][TLB_WRITE])}
        MISS(TLB_USER, "user"), MISS(TLB_SUPERVISOR, "supervisor"), MISS(TLB_SUPERVISOR_AC, "supervisor_ac"),
#undef MISS
        STUB(save_flags), STUB(leave[0]), STUB(gone[0]), STUB(leave[1]), STUB(gone[1]), STUB(miss_range),
        STUB(miss_table[0][0]), STUB(miss_table[0][1]), STUB(miss_table[1][0]), STUB(miss_table[1][1]), STUB(miss_table[2][0]), STUB(miss_table[2][1]),
        STUB(near[0]), STUB(near[1]), STUB(near[2]), STUB(call), STUB(load_xmm), STUB(load_x87),
#undef STUB
#define STUB(name, at) {name, offsetof(struct native, stub.at)}
        STUB("unlinked", unlinked), STUB("jump_user", find[0][0]), STUB("return_user", find[0][1]), STUB("jump_supervisor", find[1][0]), STUB("return_supervisor", find[1][1]),
        STUB("far_user", far[0]), STUB("far_supervisor", far[1]),
#undef STUB
    };
    const u8 *end = n->stubs_end;
    for (unsigned k = ARRAY_LEN(stubs); k-- > 0;) {
        const u8 *code = *(const u8 *const *)(const void *)((const u8 *)n + stubs[k].at);
        n->watch->stub(n->watch->opaque, stubs[k].name, (struct code_piece){codebuf_run(&n->code, code), (size_t)(end - code)});
        end = code;
    }
}

struct executor *native_create(struct cpu *cpu, const struct native_config *config, struct error *error)
{
    size_t bytes = config->cache_bytes ? config->cache_bytes : NATIVE_CACHE_BYTES, near = bytes / NATIVE_NEAR & ~(size_t)(PAGE_SIZE - 1);
    if (!rules_host_fits()) {
        error_set(error, "this host's processor is too old for translated code (no LAHF in 64-bit mode): try -accel interp");
        return NULL;
    }
    struct native *n = mem_zeroed(1, sizeof *n);
    if (!codebuf_create(&n->code, bytes, near, error)) {
        free(n);
        return NULL;
    }
    n->executor = (struct executor){.translate = translate, .enter = enter, .forget = forget, .forget_all = forget_all, .unwind = unwind};
    n->cpu              = cpu;
    n->threshold        = config->at_once ? 0 : config->threshold ? config->threshold : NATIVE_THRESHOLD;
    n->executor.heat    = (u16)n->threshold;
    n->heat_again       = n->threshold / 2;
    n->rules            = rules_create();
    n->has_rorx         = rules_host_has_bmi2();
    n->watch            = config->watch;
    n->profile          = config->profile ? native_profile_create() : NULL;
    n->tables           = mem_zeroed(NATIVE_MODES, sizeof *n->tables);
    n->links_max        = (u32)(bytes / 48 / NATIVE_PARTS);
    n->translations_max = (u32)(bytes / 128 / NATIVE_PARTS);
    n->link             = mem_zeroed(NATIVE_PARTS * n->links_max, sizeof *n->link);
    n->translation      = mem_zeroed(NATIVE_PARTS * n->translations_max, sizeof *n->translation);
    struct out o        = {.p = n->code.write, .end = n->code.write + bytes};
    x86_64_stubs(n, &o);
    n->stubs_end    = o.p;
    size_t part = (bytes - (size_t)(o.p - n->code.write)) / NATIVE_PARTS & ~(size_t)15;
    for (unsigned k = 0; k < NATIVE_PARTS; k++) {
        u8 *data   = n->code.data + k * (near / NATIVE_PARTS & ~(size_t)7);
        n->part[k] = (struct native_part){.begin = o.p + k * part, .end = o.p + (k + 1) * part,
                                          .near_begin = data, .near_end = data + (near / NATIVE_PARTS & ~(size_t)7)};
    }
    cpu->executor         = &n->executor;
    cpu->icache->executor = &n->executor;
    cpu->host.mxcsr = host_mxcsr();
    empty(n);
    if (n->watch) {
        show_stubs(n);
    }
    return &n->executor;
}

void native_destroy(struct executor *executor)
{
    struct native *n = native_of(executor);
    n->cpu->executor = n->cpu->icache->executor = NULL;
    codebuf_destroy(&n->code);
    native_profile_destroy(n->profile);
    free(n->rules);
    free(n->tables);
    free(n->link);
    free(n->translation);
    free(n);
}
