/*
 * diff_test.c: random blocks and programs on the interpreter, on the portable backend with and without passes, and on translated
 * code where the host has it, must end in the same state: registers, flags, memory, and which rules of the processor were broken
 * on the way, if any.
 *
 *   diff_test [CASES [SEED [b|p [FIRST]]]]    b: blocks only, p: programs only, FIRST: the case to begin with
 *   SHOW=n in the environment shows n failures, DUMP=file writes the memory of a program that failed.
 *
 * Blocks: every data page that one names is also made to fault, absent or read-only. The IR is verified after each pass.
 * Programs: see program.c, run.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "tests/diff/blocks.h"
#include "tests/diff/known.h"
#include "tests/diff/program.h"
#ifdef RINGSIDE_NATIVE
#include "tcg/native.h"
#endif

struct bench {
    struct noise noise;
    struct decoder *decoder;
    struct rig *reference, *plain, *optimised, *native; /* native: NULL where the host has none */
    struct rig_start *start;
    unsigned cases, failures, invalid, faults;
    u64 executed;
    unsigned programs, endless, unclear;
    u64 program_insns, events;
    unsigned show; /* failures */
    unsigned only; /* program to begin with */
    const char *dump; /* file for the memory of a program that fails */
};

/* ---- the passes one by one */

static void check(struct bench *b, const struct ir *ir, const char *after)
{
    char why[200];
    if (!ir_verify(ir, why, sizeof why)) {
        printf("invalid IR after %s: %s\n", after, why);
        ir_print(ir, stdout);
        b->invalid++;
    }
}

static void watch(void *opaque, const struct ir *ir, const struct block *block, bool optimised)
{
    static const struct {
        const char *name;
        void (*pass)(struct ir *ir);
    } passes[] = {
        {"copy", ir_copy}, {"fold", ir_fold}, {"deadflags", ir_deadflags}, {"dce", ir_dce}};
    struct bench *b = opaque;
    (void)block;
    if (optimised || b->invalid > 3) {
        return;
    }
    struct ir *copy = mem_check(malloc(sizeof *copy));
    copy->count = ir->count;
    copy->constants = ir->constants;
    memcpy(copy->op, ir->op, ir->count * sizeof *ir->op);
    memcpy(copy->constant, ir->constant, ir->constants * sizeof *ir->constant);
    check(b, copy, "translate");
    for (unsigned k = 0; k < ARRAY_LEN(passes); k++) {
        passes[k].pass(copy);
        check(b, copy, passes[k].name);
    }
    free(copy);
}

/* ---- cases */

static void show_ir(void *opaque, const struct ir *ir, const struct block *block, bool optimised)
{
    (void)opaque;
    (void)block;
    printf("  IR, %s:\n", optimised ? "after the passes" : "as built");
    ir_print(ir, stdout);
}

static void show(struct bench *b, const char *who, const char *what)
{
    const struct rig_start *s = b->start;
    u64 from = s->ip + rig_code_base(s->mode);
    printf("case %u: %s: %s\n  mode %d cpl %u ip %llx fault page %x read-only %d rule %d; code",
           b->cases, who, what, (int)s->mode, s->cpl, (unsigned long long)s->ip, s->fault_page,
           s->read_only, (int)b->reference->rule);
    for (unsigned k = 0;
         k < 100 && from + k < RIG_DATA && load32(s->memory + from + k) != 0xf4f4f4f4; k++) {
        printf(" %02x", s->memory[from + k]);
    }
    printf("\n  regs");
    for (unsigned k = 0; k < 16; k++) {
        printf(" %llx/%llx", (unsigned long long)s->regs[k],
               (unsigned long long)b->reference->cpu->regs[k]);
    }
    printf("\n");
    if (!strncmp(who, "native", 6)) {
        return;
    }
    struct rig *again = rig_create(tcg_create(&backend_portable, true));
    again->tcg->watch = show_ir;
    rig_run(again, s, 4);
    rig_destroy(again);
}

/* Counted in counted time only. */
static void take_counts(struct rig *to, const struct rig *from)
{
    if (!to->cpu->counted) {
        to->cpu->icount = from->cpu->icount;
    }
    to->cpu->shadow_at = from->cpu->shadow_at;
    to->blocks         = from->blocks;
}

/* Translated code may go on where the interpreter ends a block, or the other way round: where code changes, or where a check shared by several
 * accesses fails. Then the interpreter must come by. */
static bool same_native(struct bench *b, unsigned blocks, char *what, size_t size)
{
    rig_run(b->native, b->start, blocks);
    take_counts(b->native, b->reference);
    return rig_same(b->reference, b->native, what, size) || rig_meets(b->reference, b->start, b->native);
}

static void run_case(struct bench *b)
{
    char what[200];
    unsigned blocks = 1 + (b->cases & 3);
    if (++b->cases < b->only) {
        return;
    }
    rig_run(b->reference, b->start, blocks);
    rig_run(b->plain, b->start, blocks);
    rig_run(b->optimised, b->start, blocks);
    b->faults += b->reference->rule != RULE_NONE;
    b->executed += b->reference->cpu->icount;
    bool same = rig_same(b->reference, b->plain, what, sizeof what);
    if (!same && b->failures++ < b->show) {
        show(b, "as built", what);
    } else if (same && !rig_same(b->reference, b->optimised, what, sizeof what) &&
               b->failures++ < b->show) {
        show(b, "optimised", what);
    }
    if (b->native && !same_native(b, blocks, what, sizeof what) && b->failures++ < b->show) {
        show(b, "native", what);
    }
}

/* ---- programs */

static void show_program(struct bench *b, const char *who, const char *what)
{
    const struct rig_start *s = b->start;
    printf("program %u: %s: %s\n  mode %d cpl %u ip %llx end %llx\n", b->programs, who, what, (int)s->mode, s->cpl, (unsigned long long)s->ip,
           (unsigned long long)s->end);
    const struct cpu *cpu = b->native ? b->native->cpu : b->reference->cpu;
    printf("  native now: ip %llx code_mode %x pending %x events %u kicks %u; reference ip %llx, %u events, %llu instructions\n", (unsigned long long)cpu->ip, cpu->code_mode,
           cpu->pending, b->native ? b->native->events : 0, b->native ? b->native->kicks : 0, (unsigned long long)b->reference->cpu->ip,
           b->reference->events, (unsigned long long)b->reference->cpu->icount);
    if (b->dump) {
        FILE *f = fopen(b->dump, "wb");
        if (f) {
            fwrite(s->memory, 1, sizeof s->memory, f);
            fwrite(s->high, 1, sizeof s->high, f); /* of RIG_TWIN */
            fclose(f);
        }
    }
}

static void compare_program(struct bench *b, struct rig *r, const char *who, bool disturbed)
{
    char what[1000];
    r->noise = b->programs;
    bool ended = rig_run_program(r, b->start, disturbed);
    take_counts(r, b->reference);
    if (!ended) {
        snprintf(what, sizeof what, "does not end");
    }
    if (r->unclear || b->reference->unclear) {
        b->unclear++;
        return;
    }
    if ((!ended || !rig_same_program(b->reference, r, what, sizeof what)) && b->failures++ < b->show) {
        show_program(b, who, what);
    }
}

static void run_program(struct bench *b)
{
    program_make(&b->noise, b->decoder, b->start);
    u64 choice = noise_next(&b->noise);
    b->programs++;
    if (b->only && b->programs < b->only) {
        return;
    }
    if (!rig_run_program(b->reference, b->start, false)) {
        b->endless++;
        return;
    }
    b->cases++;
    b->program_insns += b->reference->cpu->icount;
    b->events += b->reference->events;
    if (choice % 8 == 0) {
        compare_program(b, choice & 8 ? b->plain : b->optimised, "portable", false);
    }
    if (b->native) {
        b->native->native->heat = (u16)(choice >> 8 & 1 ? 0 : choice >> 9 & 3);
        compare_program(b, b->native, "native", false);
        if (choice >> 16 & 1) {
            compare_program(b, b->native, "native, disturbed", true);
        }
        b->native->native->heat = 0;
    }
}

static void run_known(struct bench *b)
{
    for (unsigned k = 0; k < 2 * known_count(); k++) {
        const char *what = known_make(k / 2, b->start);
        unsigned failures = b->failures;
        b->start->counted = k & 1;
        rig_run_program(b->reference, b->start, false);
        compare_program(b, b->plain, "portable", false);
        compare_program(b, b->optimised, "portable, optimised", false);
        if (b->native) {
            compare_program(b, b->native, "native", false);
        }
        if (b->failures > failures) {
            printf("  which was: %s\n", what);
        }
    }
}

static void run_block(struct bench *b)
{
    u8 pages[16];
    unsigned count;
    block_make(&b->noise, b->decoder, b->start, pages, &count);
    run_case(b);
    for (unsigned k = 0; k < count && b->start->mode != RIG_REAL; k++) {
        b->start->fault_page = pages[k];
        b->start->read_only = noise_once(&b->noise, 2);
        run_case(b);
    }
}

static void fill(struct bench *b)
{
    for (unsigned k = RIG_DATA; k < RIG_END; k += 8) {
        store64(b->start->memory + k, noise_next(&b->noise));
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    unsigned wanted = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 100000;
    struct bench b = {.noise = {argc > 2 ? strtoull(argv[2], NULL, 0) : 1}};
    b.reference = rig_create(NULL);
    b.plain = rig_create(tcg_create(&backend_portable, false));
    b.optimised = rig_create(tcg_create(&backend_portable, true));
    b.native = rig_create_native();
    b.decoder = b.reference->cpu->decoder;
    b.start = mem_zeroed(1, sizeof *b.start);
    b.plain->tcg->watch = watch;
    b.plain->tcg->watch_opaque = &b;
    b.only = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 0) : 0;
    b.dump = getenv("DUMP");
    b.show = getenv("SHOW") ? (unsigned)atoi(getenv("SHOW")) : 5;
    run_known(&b);
    fill(&b);
    const char *kind = argc > 3 ? argv[3] : "";
    while (b.cases < wanted) {
        if (*kind ? *kind == 'p' : noise_once(&b.noise, 4)) {
            run_program(&b);
        } else {
            run_block(&b);
        }
    }
    printf("%u programs (%u endless, %u unclear), %.1f instructions, %.1f events each\n", b.programs, b.endless, b.unclear,
           (double)b.program_insns / (b.programs + 1), (double)b.events / (b.programs + 1));
    const struct tcg_stats *s = &b.optimised->tcg->stats;
    printf("%u blocks (%u raised, %.2f instructions executed each), %u differ, %u invalid\n",
           b.cases, b.faults, (double)b.executed / b.cases, b.failures, b.invalid);
    printf("%llu translated, IR ops per instruction: %.2f as built, %.2f after the passes\n",
           (unsigned long long)s->blocks, (double)s->ops_built / (double)s->insns,
           (double)s->ops / (double)s->insns);
#ifdef RINGSIDE_NATIVE
    struct native_stats stats = native_stats(b.native->native);
    printf("native: %llu blocks, %llu emptied caches, %llu stale, %llu enters, %llu links, %llu calls, %llu misses, %llu left\n",
           (unsigned long long)stats.blocks, (unsigned long long)stats.evictions, (unsigned long long)stats.stale,
           (unsigned long long)stats.enters, (unsigned long long)stats.links, (unsigned long long)stats.calls,
           (unsigned long long)stats.misses, (unsigned long long)stats.left);
#endif
    rig_destroy(b.reference);
    rig_destroy(b.plain);
    rig_destroy(b.optimised);
    if (b.native) {
        rig_destroy(b.native);
    }
    free(b.start);
    return b.failures || b.invalid;
}
