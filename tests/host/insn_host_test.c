/*
 * insn_host_test.c: the host processor judges whole instructions: every user-level row of opcodes.def, random operands and state,
 * on the host and on ours; registers, flags, memory, vectors and error codes must be equal.
 *
 * insn_host_test [--cases N] [--seed N] [--row NAME] [--feature NAME] [--each 1] [--vex 1] [--bits 16|32|64] [--show N]
 *                [--translated 1]
 *
 * A family of instructions is what one feature of features.def brings (BASE: what every processor has). The long form is
 * --each 1 --cases 1000000: so many cases of every family, with a line for each; and the same with --translated 1.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/host/emulated.h"
#include "tests/host/generate.h"
#include "tests/host/judge.h"
#include "tests/host/native.h"

struct options {
    u64         cases, seed;
    const char *row;  /* only rows of this name */
    const char *feature; /* only this family */
    bool        each;    /* every family on its own */
    unsigned    bits; /* 0: both */
    unsigned    show; /* differences printed in full */
    bool        vex;        /* only VEX-encoded rows */
    bool        translated; /* ours runs translated code */
};

struct run {
    struct options     options;
    struct random      random;
    struct native     *native;
    struct emulated   *emulated;
    struct decoder    *decoder;
    struct host_case   cases[NATIVE_BATCH];
    struct insn        insns[NATIVE_BATCH];
    struct host_result ours, again;
    unsigned           count; /* in the batch */
    u64                done, failed;
    unsigned          *row_failed, *row_done; /* by row */
};

static bool parse(int argc, char **argv, struct options *o)
{
    for (int k = 1; k + 1 < argc; k += 2) {
        const char *word = argv[k], *value = argv[k + 1];
        if (!strcmp(word, "--cases")) {
            o->cases = strtoull(value, NULL, 0);
        } else if (!strcmp(word, "--seed")) {
            o->seed = strtoull(value, NULL, 0);
        } else if (!strcmp(word, "--row")) {
            o->row = value;
        } else if (!strcmp(word, "--feature")) {
            o->feature = value;
        } else if (!strcmp(word, "--each")) {
            o->each = atoi(value);
        } else if (!strcmp(word, "--vex")) {
            o->vex = atoi(value);
        } else if (!strcmp(word, "--bits")) {
            o->bits = (unsigned)atoi(value);
        } else if (!strcmp(word, "--show")) {
            o->show = (unsigned)atoi(value);
        } else if (!strcmp(word, "--translated")) {
            o->translated = atoi(value);
        } else {
            return false;
        }
    }
    return argc % 2 == 1;
}

static const struct {
    const char  *name;
    enum feature feature;
} families[] = {
    {"BASE", FEATURE_NONE}, {"I486", FEATURE_I486}, {"I586", FEATURE_I586}, {"I686", FEATURE_I686},
#define FEATURE(name, word, bit) {#name, FEATURE_##name},
#include "cpu/features.def"
#undef FEATURE
};

static const char *family_of(enum feature feature)
{
    for (unsigned k = 0; k < ARRAY_LEN(families); k++) {
        if (families[k].feature == feature) {
            return families[k].name;
        }
    }
    return "?";
}

/* A row is tried if the host has it; what only we have, or neither, proves nothing. */
static bool wanted(const struct run *run, const struct cpu_features *host, unsigned row)
{
    const struct row     *r = &row_table[row];
    const struct options *o = &run->options;
    if (!generate_can(row) || !feature_on(host, r->feature) || (o->vex && !(r->attr & VEX))) {
        return false;
    }
    return (!o->row || !strcasecmp(o->row, r->name)) && (!o->feature || !strcasecmp(o->feature, family_of(r->feature)));
}

/* A host that is a guest itself loses RF once in a million faults: a difference counts if it happens again. */
static bool differs(struct run *run, const struct host_result *host, unsigned k)
{
    const struct host_case *c = &run->cases[k];
    if (judge(c, &run->insns[k], &host[k], &run->ours)) {
        return false;
    }
    run->again = *native_run(run->native, c, 1); /* in the place of the first result, which is judged by now */
    return !judge(c, &run->insns[k], &run->again, &run->ours);
}

static void judge_batch(struct run *run)
{
    const struct host_result *host = run->native ? native_run(run->native, run->cases, run->count) : NULL;
    for (unsigned k = 0; k < run->count; k++) {
        const struct host_case *c = &run->cases[k];
        emulated_run(run->emulated, c, random_once(&run->random, 2) && !run->options.translated, &run->ours);
        run->done++;
        run->row_done[c->row]++;
        if (!host || !differs(run, host, k)) {
            continue;
        }
        run->failed++;
        if (run->row_failed[c->row]++ < 2 && run->options.show) {
            run->options.show--;
            judge_explain(stdout, c, &run->insns[k], &run->again, &run->ours);
        }
    }
    run->count = 0;
}

static void add_case(struct run *run, unsigned row)
{
    unsigned bits = run->options.bits ? run->options.bits : random_once(&run->random, 2) ? 64 : 16u << random_below(&run->random, 2);
    for (unsigned tries = 0; tries < 8; tries++) {
        if (generate(&run->random, run->decoder, row, bits / 8, &run->cases[run->count], &run->insns[run->count])) {
            if (++run->count == NATIVE_BATCH) {
                judge_batch(run);
            }
            return;
        }
    }
}

static void summarize(const struct run *run, unsigned rows)
{
    unsigned covered = 0, lines = 0;
    for (unsigned row = 0; row < row_count; row++) {
        covered += run->row_done[row] > 0;
        if (run->row_failed[row] && lines++ < 50) {
            const struct row *r = &row_table[row];
            printf("%-12s map %u opcode %02x prefix %u: %u of %u differ\n", r->name, r->map, r->opcode, r->prefix,
                   run->row_failed[row], run->row_done[row]);
        }
    }
    if (run->options.feature) {
        printf("%-12s ", run->options.feature);
    }
    printf("%llu cases of %u rows (%u wanted, %u in the table), seed %llu: %llu differ\n", (unsigned long long)run->done, covered,
           rows, row_count, (unsigned long long)run->options.seed, (unsigned long long)run->failed);
}

static void run_wanted(struct run *run)
{
    struct cpu_features host;
    unsigned           *rows = calloc(row_count, sizeof *rows), count = 0;
    native_features(&host);
    for (unsigned row = 0; row < row_count; row++) {
        if (wanted(run, &host, row)) {
            rows[count++] = row;
        }
    }
    u64 tries = run->options.cases * 2 + 1000; /* rows of the other mode yield nothing */
    for (u64 k = 0; count && run->done + run->count < run->options.cases && k < tries; k++) {
        add_case(run, rows[k % count]);
    }
    judge_batch(run);
    if (count) {
        summarize(run, count);
    }
    free(rows);
}

static u64 run_all(struct run *run)
{
    u64 failed = 0;
    if (!run->options.each) {
        run_wanted(run);
        return run->failed;
    }
    for (unsigned k = 0; k < ARRAY_LEN(families); k++) {
        run->options.feature = families[k].name;
        run->done = run->failed = 0;
        memset(run->row_done, 0, row_count * sizeof *run->row_done);
        memset(run->row_failed, 0, row_count * sizeof *run->row_failed);
        run_wanted(run);
        failed += run->failed;
    }
    return failed;
}

int main(int argc, char **argv)
{
    static struct run run = { .options = { .cases = 100000, .seed = 1, .show = 20 } };
    struct error      err;
    struct cpu_features features;
    if (!parse(argc, argv, &run.options)) {
        fprintf(stderr, "usage: insn_host_test [--cases N] [--seed N] [--row NAME] [--feature NAME] [--each 1] [--vex 1] "
                        "[--bits 16|32|64] [--show N] [--translated 1]\n");
        return 2;
    }
    run.native = native_open();
    if (!run.native) {
        printf("no judge here: the cases only run on our processor\n");
    }
    run.random.state = run.options.seed;
    run.emulated     = emulated_open("max", run.options.translated, &err);
    if (!run.emulated || !cpu_model_find("max", &features, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    run.decoder    = decoder_create(&features);
    run.row_failed = calloc(row_count, sizeof *run.row_failed);
    run.row_done   = calloc(row_count, sizeof *run.row_done);
    u64 failed     = run_all(&run);
    if (run.native) {
        native_close(run.native);
    }
    emulated_close(run.emulated);
    decoder_destroy(run.decoder);
    free(run.row_failed);
    free(run.row_done);
    return failed != 0;
}
