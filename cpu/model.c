/*
 * model.c: the words of -cpu: processor models by name (the table is cpu/models.c), features added and taken away.
 */
#include "cpu/model.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char  *name;
    enum feature feature;
} feature_names[] = {
#define FEATURE(name, word, bit) {#name, FEATURE_##name},
#include "cpu/features.def"
#undef FEATURE
    {"PNI", FEATURE_SSE3},
    {"LZCNT", FEATURE_ABM},
    {"CMPXCHG16B", FEATURE_CX16},
    {"CMPXCHG8B", FEATURE_CX8},
    {"XD", FEATURE_NX},
    {"3DNOWPREFETCH", FEATURE_PREFETCHW},
    {"SHA_NI", FEATURE_SHA},
};

u32 cpu_model_signature(const struct cpu_model *m)
{
    u32 family = m->family > 15 ? 15 : m->family;
    return (u32)m->stepping | (m->model & 0xfu) << 4 | family << 8 | (u32)(m->model >> 4) << 16 |
           (u32)(m->family - family) << 20;
}

bool cpu_model_is_amd(const struct cpu_model *model)
{
    return model->vendor[0] == 'A';
}

const char *cpu_model_name(const struct cpu_model *model)
{
    return model->name;
}

const char *cpu_model_default(void)
{
    return cpu_models[0].name;
}

const char *cpu_model_list(unsigned index, const char **description)
{
    if (index >= cpu_model_count) {
        return NULL;
    }
    *description = cpu_models[index].description;
    return cpu_models[index].name;
}

/* ---- names: case, '-', '_' and '.' do not count */

#define NAME_MAX_LETTERS 32

static void plain_name(char out[NAME_MAX_LETTERS], const char *name, size_t length)
{
    size_t n = 0;
    for (size_t k = 0; k < length && n < NAME_MAX_LETTERS - 1; k++) {
        if (isalnum((unsigned char)name[k])) {
            out[n++] = (char)tolower((unsigned char)name[k]);
        }
    }
    out[n] = 0;
}

/* How many letters must be changed, added or left out to get from a to b. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LETTERS];
    size_t   length = strlen(b);
    for (size_t k = 0; k <= length; k++) {
        row[k] = (unsigned)k;
    }
    for (size_t n = 1; a[n - 1]; n++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)n;
        for (size_t k = 1; k <= length; k++) {
            unsigned best = diagonal + (a[n - 1] != b[k - 1]);
            diagonal = row[k];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
        }
    }
    return row[length];
}

static const struct cpu_model *find_model(const char *plain, const struct cpu_model **nearest)
{
    unsigned best = ~0u;
    for (unsigned n = 0; n < cpu_model_count; n++) {
        char name[NAME_MAX_LETTERS];
        plain_name(name, cpu_models[n].name, strlen(cpu_models[n].name));
        unsigned d = distance(plain, name);
        if (d < best) {
            best = d;
            *nearest = &cpu_models[n];
        }
    }
    return best == 0 ? *nearest : NULL;
}

/* The feature of this name, or FEATURE_NONE; *nearest is an index in feature_names. */
static enum feature find_feature(const char *plain, unsigned *nearest)
{
    unsigned best = ~0u;
    for (unsigned n = 0; n < ARRAY_LEN(feature_names); n++) {
        char name[NAME_MAX_LETTERS];
        plain_name(name, feature_names[n].name, strlen(feature_names[n].name));
        unsigned d = distance(plain, name);
        if (d < best) {
            best = d;
            *nearest = n;
        }
    }
    return best == 0 ? feature_names[*nearest].feature : FEATURE_NONE;
}

/* Whether any model has it: whether Ringside executes it. */
static bool feature_exists(enum feature feature)
{
    for (unsigned n = 0; n < cpu_model_count; n++) {
        if (cpu_models[n].word[(feature - 1) / 32] >> ((feature - 1) % 32) & 1) {
            return true;
        }
    }
    return false;
}

/* Of feature_names[n]. */
static void lower_name(char lower[NAME_MAX_LETTERS], unsigned n)
{
    memset(lower, 0, NAME_MAX_LETTERS);
    for (unsigned k = 0; feature_names[n].name[k] && k < NAME_MAX_LETTERS - 1; k++) {
        lower[k] = (char)tolower((unsigned char)feature_names[n].name[k]);
    }
}

static bool apply_feature(struct cpu_features *features, u32 *asked, const char *name, size_t length, bool on, struct error *err)
{
    char     plain[NAME_MAX_LETTERS];
    unsigned nearest = 0;
    plain_name(plain, name, length);
    enum feature feature = find_feature(plain, &nearest);
    if (feature == FEATURE_NONE) {
        char lower[NAME_MAX_LETTERS];
        lower_name(lower, nearest);
        return error_set(err, "-cpu: no processor feature is called '%.*s'; did you mean '%s'?", (int)length, name,
                         lower);
    }
    unsigned word = (feature - 1) / 32;
    u32      bit = 1u << ((feature - 1) % 32);
    if (on && !feature_exists(feature)) {
        return error_set(err, "-cpu: Ringside does not have the feature '%.*s' yet", (int)length, name);
    }
    features->word[word] = on ? features->word[word] | bit : features->word[word] & ~bit;
    asked[word] = on ? asked[word] | bit : asked[word] & ~bit;
    return true;
}

/* One word after the model's name: +feature, -feature, feature, feature=on|off. */
static bool apply_word(struct cpu_features *features, u32 *asked, const char *word, size_t length, struct error *err)
{
    if (length && (*word == '+' || *word == '-')) {
        return apply_feature(features, asked, word + 1, length - 1, *word == '+', err);
    }
    const char *equals = memchr(word, '=', length);
    if (!equals) {
        return apply_feature(features, asked, word, length, true, err);
    }
    size_t      name = (size_t)(equals - word), rest = length - name - 1;
    const char *value = equals + 1;
    bool        on = (rest == 2 && !memcmp(value, "on", 2)) || (rest == 3 && !memcmp(value, "yes", 3));
    bool        off = (rest == 3 && !memcmp(value, "off", 3)) || (rest == 2 && !memcmp(value, "no", 2));
    if (!on && !off) {
        return error_set(err, "-cpu: '%.*s' must be on or off", (int)length, word);
    }
    char plain[NAME_MAX_LETTERS];
    plain_name(plain, word, name);
    if (!strcmp(plain, "ignoremsrs")) {
        features->ignore_msrs = on;
        return true;
    }
    if (!strcmp(plain, "pmu")) {
        features->no_pmu = !on;
        return true;
    }
    return apply_feature(features, asked, word, name, on, err);
}

/* Features that are nothing without another one; what others need stands first. */
static const struct {
    enum feature feature, needs;
} dependencies[] = {
    {FEATURE_XSAVEOPT, FEATURE_XSAVE}, {FEATURE_XSAVEC, FEATURE_XSAVE}, {FEATURE_XGETBV1, FEATURE_XSAVE},
    {FEATURE_XSAVES, FEATURE_XSAVEC},  {FEATURE_AVX, FEATURE_XSAVE},    {FEATURE_AVX2, FEATURE_AVX},
    {FEATURE_FMA, FEATURE_AVX},        {FEATURE_F16C, FEATURE_AVX},     {FEATURE_VAES, FEATURE_AVX},
    {FEATURE_VPCLMULQDQ, FEATURE_AVX},
    {FEATURE_3DNOWEXT, FEATURE_3DNOW}, {FEATURE_LA57, FEATURE_LM},
    {FEATURE_PKU, FEATURE_XSAVE},      {FEATURE_PKU, FEATURE_LM},          {FEATURE_PKS, FEATURE_LM},
};

static unsigned feature_number(enum feature feature)
{
    unsigned n = 0;
    while (feature_names[n].feature != feature) {
        n++;
    }
    return n;
}

/* What lacks its basis goes too, unless somebody has asked for it: that is an error. */
static bool apply_dependencies(struct cpu_features *features, const u32 *asked, struct error *err)
{
    for (unsigned k = 0; k < ARRAY_LEN(dependencies); k++) {
        enum feature feature = dependencies[k].feature, needs = dependencies[k].needs;
        unsigned     word = (feature - 1) / 32;
        u32          bit  = 1u << ((feature - 1) % 32);
        if (feature_on(features, needs)) {
            continue;
        }
        if (asked[word] & bit) {
            char name[NAME_MAX_LETTERS], basis[NAME_MAX_LETTERS];
            lower_name(name, feature_number(feature));
            lower_name(basis, feature_number(needs));
            return error_set(err, "-cpu: the feature '%s' needs '%s'", name, basis);
        }
        features->word[word] &= ~bit;
    }
    return true;
}

const struct cpu_model *cpu_model_find(const char *words, struct cpu_features *features, struct error *err)
{
    size_t                  length = strcspn(words, ",");
    const struct cpu_model *nearest = &cpu_models[0];
    char                    plain[NAME_MAX_LETTERS];
    plain_name(plain, words, length);
    const struct cpu_model *model = find_model(plain, &nearest);
    if (!model) {
        error_set(err, "-cpu: no processor model is called '%.*s'; did you mean '%s'?", (int)length, words,
                  nearest->name);
        return NULL;
    }
    u32 asked[CPUID_WORDS] = {0};
    memcpy(features->word, model->word, sizeof features->word);
    features->family = model->family;
    features->ignore_msrs = features->no_pmu = features->hypercalls = false;
    features->cpuid = model->max_leaf != 0;
    for (const char *p = words + length; *p;) {
        size_t n = strcspn(++p, ",");
        if (!apply_word(features, asked, p, n, err)) {
            return NULL;
        }
        p += n;
    }
    return apply_dependencies(features, asked, err) ? model : NULL;
}
