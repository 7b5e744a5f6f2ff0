/*
 * tcg.c: translations by decoded block and mode, and the loop that runs them.
 *
 * The interpreter's cache decides what a block is and when it is stale; a translation lives as long
 * as its decoded block does.
 */
#include "tcg/tcg.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cpu/base/mem.h"
#include "cpu/interp/interp.h"
#include "tcg/translate/translate.h"

#define ARENA_BYTES (256u << 20) /* address space; the host gives pages as they are used */
#define BUCKETS     (1u << 16)

struct translation {
    struct translation *next; /* in the same bucket */
    const struct block *block;
    u32 serial; /* of the block: its place may be another one's by now */
    u32 ops;
    struct translate_mode mode;
    _Alignas(16) u8 code[];
};

static void run_executor(struct executor *executor, struct cpu *cpu)
{
    tcg_run(container_of(executor, struct tcg, executor), cpu);
}

struct tcg *tcg_create(const struct backend *backend, bool optimise)
{
    struct tcg *t = mem_zeroed(1, sizeof *t);
    t->executor.run = run_executor;
    t->backend = backend;
    t->optimise = optimise;
    t->bucket = mem_zeroed(BUCKETS, sizeof(struct translation *));
    t->ir = mem_zeroed(1, sizeof *t->ir);
    t->arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    mem_check(t->arena == MAP_FAILED ? NULL : t->arena);
    return t;
}

void tcg_destroy(struct tcg *t)
{
    munmap(t->arena, ARENA_BYTES);
    free(t->bucket);
    free(t->ir);
    free(t);
}

static struct translation **bucket_of(struct tcg *t, const struct block *b)
{
    uintptr_t h = (uintptr_t)b >> 6;
    return &t->bucket[(h ^ h >> 16) & (BUCKETS - 1)];
}

static void flush(struct tcg *t)
{
    memset(t->bucket, 0, BUCKETS * sizeof *t->bucket);
    t->used = 0;
    t->stats.flushes++;
}

static void make_ir(struct tcg *t, const struct block *b, struct translate_mode mode)
{
    translate(t->ir, b, mode);
    t->stats.blocks++;
    t->stats.insns += b->count;
    t->stats.ops_built += t->ir->count;
    if (t->watch) {
        t->watch(t->watch_opaque, t->ir, b, false);
    }
    if (t->optimise) {
        ir_optimise(t->ir);
        if (t->watch) {
            t->watch(t->watch_opaque, t->ir, b, true);
        }
    }
    t->stats.ops += t->ir->count;
}

/* NULL: no room. */
static struct translation *place(struct tcg *t, const struct block *b, struct translate_mode mode)
{
    struct translation *n = (struct translation *)(void *)(t->arena + t->used);
    size_t left = ARENA_BYTES - t->used;
    if (left < sizeof *n) {
        return NULL;
    }
    size_t size = t->backend->emit(t->ir, b, n->code, left - sizeof *n);
    if (!size) {
        return NULL;
    }
    struct translation **bucket = bucket_of(t, b);
    t->used = (t->used + sizeof *n + size + 63) & ~(size_t)63;
    n->next = *bucket;
    n->block = b;
    n->serial = b->serial;
    n->ops = t->ir->count;
    n->mode = mode;
    return *bucket = n;
}

static u64 now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static bool same_mode(struct translate_mode a, struct translate_mode b)
{
    return a.stack_bytes == b.stack_bytes && a.near_edge == b.near_edge;
}

static struct translation *find(struct tcg *t, const struct cpu *cpu, const struct block *b)
{
    struct translate_mode mode = translate_mode(cpu);
    if (t->icache_flushes != cpu->icache->flushes) { /* decoded blocks move */
        t->icache_flushes = cpu->icache->flushes;
        flush(t);
    }
    struct translation *n = *bucket_of(t, b);
    while (n && !(n->block == b && n->serial == b->serial && same_mode(n->mode, mode))) {
        n = n->next;
    }
    if (n) {
        return n;
    }
    u64 start = now_ns();
    make_ir(t, b, mode);
    n = place(t, b, mode);
    if (!n) {
        flush(t);
        n = place(t, b, mode); /* a block is small against the arena */
    }
    t->stats.translate_ns += now_ns() - start;
    if (t->code_watch) {
        static const struct code_piece none[CODE_PIECES];
        t->code_watch->block(t->code_watch->opaque, cpu, b, none);
    }
    return n;
}

void tcg_run_block(struct tcg *t, struct cpu *cpu)
{
    const struct block *b = interp_block(cpu, cpu->code_mode);
    if (!b || (i64)(cpu->icount_limit - cpu->icount) < b->count) {
        t->stats.stepped++;
        interp_step(cpu);
        return;
    }
    const struct translation *n = find(t, cpu, b);
    t->stats.runs++;
    t->stats.insns_run += b->count;
    t->stats.ops_of_run += n->ops;
    t->backend->run(cpu, n->code);
}

void tcg_run(struct tcg *t, struct cpu *cpu)
{
    while (!__atomic_load_n(&cpu->pending, __ATOMIC_RELAXED) && cpu->icount < cpu->icount_limit) {
        tcg_run_block(t, cpu);
    }
}

static double per(u64 part, u64 whole, double scale)
{
    return whole ? scale * (double)part / (double)whole : 0;
}

void tcg_print(const struct tcg *t, FILE *out)
{
    typedef unsigned long long ull;
    const struct tcg_stats *s = &t->stats;
    fprintf(out, "executor            translated, portable backend\n");
    fprintf(out, "code                %zu KiB of %u KiB used\n", t->used >> 10, ARENA_BYTES >> 10);
    fprintf(out, "translated          %llu blocks, %llu instructions, %.2f ops/instruction (%.2f before the passes), %llu flushes\n",
            (ull)s->blocks, (ull)s->insns, per(s->ops, s->insns, 1), per(s->ops_built, s->insns, 1), (ull)s->flushes);
    fprintf(out, "time in translation %.3f s (%.2f us/block)\n", (double)s->translate_ns / 1e9, per(s->translate_ns, s->blocks, 1e-3));
    fprintf(out, "blocks run          %llu (%.1f instructions each), %.3f %% of them translated before\n", (ull)s->runs,
            per(s->insns_run, s->runs, 1), 100 - per(s->blocks, s->runs, 100));
    fprintf(out, "interpreted         %llu instructions outside blocks\n", (ull)s->stepped);
}
