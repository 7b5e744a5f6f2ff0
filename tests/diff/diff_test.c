/*
 * diff_test.c: random blocks on the interpreter, and on the portable backend with and without
 * passes, must end in the same state: registers, flags, memory, counts, and which rule of the
 * processor was broken, if one was.
 *
 *   diff_test [BLOCKS [SEED]]
 *
 * Every data page that a block names is also made to fault, absent or read-only. The IR is verified
 * after each pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "tests/diff/blocks.h"

struct bench {
    struct noise noise;
    struct decoder *decoder;
    struct rig *reference, *plain, *optimised, *native; /* native: NULL where the host has none */
    struct rig_start *start;
    unsigned cases, failures, invalid, faults;
    u64 executed;
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
    struct rig *again = rig_create(tcg_create(&backend_portable, true));
    again->tcg->watch = show_ir;
    rig_run(again, s, 4);
    rig_destroy(again);
}

static void run_case(struct bench *b)
{
    char what[200];
    unsigned blocks = 1 + (b->cases & 3);
    b->cases++;
    rig_run(b->reference, b->start, blocks);
    rig_run(b->plain, b->start, blocks);
    rig_run(b->optimised, b->start, blocks);
    b->faults += b->reference->rule != RULE_NONE;
    b->executed += b->reference->cpu->icount;
    bool same = rig_same(b->reference, b->plain, what, sizeof what);
    if (!same && b->failures++ < 5) {
        show(b, "as built", what);
    } else if (same && !rig_same(b->reference, b->optimised, what, sizeof what) &&
               b->failures++ < 5) {
        show(b, "optimised", what);
    }
    if (b->native) {
        rig_run(b->native, b->start, blocks);
        b->native->cpu->icount = b->reference->cpu->icount; /* counted in counted mode only */
        if (b->native->cpu->shadow_at != ~(u64)0) {
            b->native->cpu->shadow_at = b->reference->cpu->shadow_at;
        }
        if (!rig_same(b->reference, b->native, what, sizeof what) && b->failures++ < 5) {
            show(b, "native", what);
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
    fill(&b);
    while (b.cases < wanted) {
        run_block(&b);
    }
    const struct tcg_stats *s = &b.optimised->tcg->stats;
    printf("%u blocks (%u raised, %.2f instructions executed each), %u differ, %u invalid\n",
           b.cases, b.faults, (double)b.executed / b.cases, b.failures, b.invalid);
    printf("%llu translated, IR ops per instruction: %.2f as built, %.2f after the passes\n",
           (unsigned long long)s->blocks, (double)s->ops_built / (double)s->insns,
           (double)s->ops / (double)s->insns);
    rig_destroy(b.reference);
    rig_destroy(b.plain);
    rig_destroy(b.optimised);
    if (b.native) {
        rig_destroy(b.native);
    }
    free(b.start);
    return b.failures || b.invalid;
}
