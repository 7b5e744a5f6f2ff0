/*
 * rules.c: rules.def by row of opcodes.def, for this host.
 */
#include <cpuid.h>
#include <stdlib.h>

#include "cpu/base/mem.h"
#include "cpu/isa/rows.h"
#include "tcg/backend/x86_64/emit.h"

struct named_rule {
    const char        *meaning;
    struct rule_of_row rule;
};

/* The columns of rules.def. */
enum { CF = FLAG_CF, OF = FLAG_OF, ALL = FLAG_ARITH, MERGE = 1 << 14, SHIFT = 1 << 13, C1 = 1 << 12, CONDITION = 1 << 15 };

static const struct named_rule named[] = {
#define NATIVE(meaning_, how_, reads_, writes_, undefined_)                                                             \
    {#meaning_, {.how = how_, .reads = (reads_)&FLAG_ARITH, .writes = (writes_) ? FLAG_ARITH : 0, .undefined = undefined_, \
                 .notes = ((reads_)&CONDITION ? RULE_CONDITION : 0) | ((writes_)&MERGE ? RULE_MERGE : 0) |                \
                          ((writes_)&SHIFT ? RULE_SHIFT : 0) | ((writes_)&C1 ? RULE_CLEARS_C1 : 0)}},
#include "tcg/backend/x86_64/rules.def"
#undef NATIVE
};

static const struct {
    const char *meaning;
    bool        vec;
} rows[] = {
#define ROW_SEM(fn, ...) {#fn, false},
#define ROW_OP(fn, ...)  {#fn, false},
#define ROW_VEC(fn, ...) {#fn, true},
#include "cpu/isa/opcodes.def"
#undef ROW_SEM
#undef ROW_OP
#undef ROW_VEC
};

static void host_words(u32 word[CPUID_WORDS])
{
    u32 a, b, c, d;
    memset(word, 0, CPUID_WORDS * sizeof *word);
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        word[WORD_1D] = d;
        word[WORD_1C] = c;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        word[WORD_7B] = b;
        word[WORD_7C] = c;
        word[WORD_7D] = d;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        word[WORD_81D] = d;
        word[WORD_81C] = c;
    }
}

/* Whether the host has the feature: one that it need not have for our own code to run on it. */
static bool host_has(const struct cpu_features *host, unsigned feature)
{
    return feature >= FEATURE_I486 || feature == FEATURE_NONE || feature == FEATURE_LM || feature == FEATURE_LAHF_LM ||
           feature_on(host, (enum feature)feature);
}

bool rules_host_fits(void)
{
    struct cpu_features host;
    host_words(host.word);
    return feature_on(&host, FEATURE_LAHF_LM) && feature_on(&host, FEATURE_SSE2) && feature_on(&host, FEATURE_FXSR);
}

bool rules_host_has_bmi2(void)
{
    struct cpu_features host;
    host_words(host.word);
    return feature_on(&host, FEATURE_BMI2);
}

/* FCOMI and its like clear C1 (SDM Vol. 2 FCOMI), but AMD's leave it as it is. */
static bool comparisons_clear_c1(void)
{
    u16 status;
    __asm__ volatile("fninit; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fld1; fcomi; fnstsw %0; fninit" : "=m"(status));
    return !(status & 0x200); /* the ninth FLD had set it */
}

struct rule_of_row *rules_create(void)
{
    struct rule_of_row *table = mem_zeroed(row_count, sizeof *table);
    struct cpu_features host  = {.family = 6};
    bool                clears_c1 = comparisons_clear_c1();
    bool                has_avx   = __builtin_cpu_supports("avx"); /* and the host's system has enabled it */
    host_words(host.word);
    for (unsigned k = 0; k < row_count; k++) {
        table[k] = (struct rule_of_row){.how = rows[k].vec ? COPY : CALL};
        for (unsigned n = 0; n < ARRAY_LEN(named); n++) {
            if (!strcmp(named[n].meaning, rows[k].meaning)) {
                table[k] = named[n].rule;
                break;
            }
        }
        if (clears_c1) {
            table[k].notes &= (u8)~RULE_CLEARS_C1; /* as a matter of course */
        }
        if ((row_is_avx(&row_table[k]) && !has_avx) || !host_has(&host, row_table[k].feature)) {
            table[k] = (struct rule_of_row){.how = CALL};
        }
        table[k].live = (u8)copy_live(&row_table[k]);
    }
    return table;
}
