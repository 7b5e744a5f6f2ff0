/*
 * native_print.c: `info jit` for translated code of the host's own.
 */
#include <stdlib.h>

#include "cpu/base/mem.h"
#include "cpu/state.h"
#include "tcg/native.h"

typedef unsigned long long ull;

enum { TABLE_LINES = 24 };

static double per(u64 part, u64 whole, double scale)
{
    return whole ? scale * (double)part / (double)whole : 0;
}

static void print_cache(const struct native *n, FILE *out)
{
    const struct native_stats *s    = &n->stats;
    const struct icache       *c    = n->cpu->icache;
    size_t                     used = (size_t)(n->stubs_end - n->code.write), blocks = 0;
    for (unsigned k = 0; k < NATIVE_PARTS; k++) {
        const struct native_part *p = &n->part[k];
        used += (size_t)(p->hot - p->begin + (p->cold - p->hot_end) + (p->end - p->data));
        blocks += p->translations;
    }
    fprintf(out, "executor            translated, host x86-64; a block is translated after %u executions\n", n->threshold);
    fprintf(out, "code                %zu KiB of %zu KiB used, %zu blocks in it\n", used >> 10, n->code.bytes >> 10, blocks);
    fprintf(out, "decoded blocks      %llu, %llu decoded again, %llu flushes\n", (ull)c->blocks, (ull)c->again, (ull)c->flushes);
    fprintf(out, "translated          %llu blocks, %llu instructions, %llu bytes (%.1f bytes/instruction)\n", (ull)s->blocks,
            (ull)s->insns, (ull)s->bytes, per(s->bytes, s->insns, 1));
    fprintf(out, "evicted             %llu times an eighth of the code\n", (ull)s->evictions);
    fprintf(out, "invalidated         %llu blocks\n", (ull)s->stale);
    fprintf(out, "time in translation %.3f s (%.2f us/block)\n", (double)s->translate_ns / 1e9, per(s->translate_ns, s->blocks, 1e-3));
    fprintf(out, "entered             %llu times, %llu jumps linked\n", (ull)s->enters, (ull)s->links);
    fprintf(out, "left                %llu times for an instruction that the interpreter executes\n", (ull)s->left);
    fprintf(out, "calls to C          %llu\n", (ull)s->calls);
    fprintf(out, "TLB misses to C     %llu\n", (ull)s->misses);
}

struct line {
    const struct row *row;
    u64               calls, left;
};

static int more_first(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    u64                m = x->calls + x->left, n = y->calls + y->left;
    return (m < n) - (m > n);
}

static void print_opcode(const struct row *row, char text[16])
{
    static const char *const maps[] = {"", "0f", "0f38", "0f3a"};
    int                      n      = snprintf(text, 16, "%s%02x", maps[row->map], row->opcode);
    if (row->slash < 8) {
        snprintf(text + n, 16 - (size_t)n, "/%u", row->slash);
    } else if (row->slash & 0x100) {
        snprintf(text + n, 16 - (size_t)n, " %02x", row->slash & 0xff);
    }
}

/* What C executes most. */
static void print_rows(const struct native_profile *p, u64 insns, FILE *out)
{
    struct line *line = mem_zeroed(row_count, sizeof *line);
    for (unsigned k = 0; k < row_count; k++) {
        line[k] = (struct line){.row = &row_table[k], .calls = p->calls[k], .left = p->left[k]};
    }
    qsort(line, row_count, sizeof *line, more_first);
    fprintf(out, "%-12s %-8s %12s %12s %9s\n", "instruction", "opcode", "called", "left", "per 1000");
    for (unsigned k = 0; k < row_count && k < TABLE_LINES && line[k].calls + line[k].left; k++) {
        const struct line *l = &line[k];
        char               opcode[16];
        print_opcode(l->row, opcode);
        fprintf(out, "%-12s %-8s %12llu %12llu %9.4f\n", l->row->name, opcode, (ull)l->calls, (ull)l->left,
                per(l->calls + l->left, insns, 1000));
    }
    free(line);
}

static void print_profile(const struct native *n, FILE *out)
{
    const struct native_stats *s = &n->stats;
    u64 translated = n->cpu->host.insns, interpreted = native_profile_interpreted(n->profile, n->cpu), all = translated + interpreted;
    fprintf(out, "guest instructions  %llu, of them in translated code %.3f %%\n", (ull)all, per(translated, all, 100));
    fprintf(out, "blocks run          %llu translated (%.1f instructions each), %.3f %% of them reached without C\n",
            (ull)n->cpu->host.blocks, per(translated, n->cpu->host.blocks, 1),
            100 - per(s->enters + s->links, n->cpu->host.blocks, 100));
    fprintf(out, "per 1000 guest instructions: %.3f OP calls (%.3f called, %.3f left to the interpreter), %.3f TLB misses to C;\n",
            per(s->calls + s->left, all, 1000), per(s->calls, all, 1000), per(s->left, all, 1000), per(s->misses, all, 1000));
    fprintf(out, "                             %.3f interpreted (with cold code; each iteration of REP is one)\n",
            per(interpreted, all, 1000));
    print_rows(n->profile, all, out);
}

void native_print(const struct executor *executor, FILE *out)
{
    const struct native *n = container_of(executor, struct native, executor);
    print_cache(n, out);
    if (n->profile) {
        print_profile(n, out);
    } else {
        fprintf(out, "guest instructions  not counted: -accel tcg,profile=on counts them, and what C executes\n");
    }
}
