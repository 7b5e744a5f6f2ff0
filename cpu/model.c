/*
 * model.c: processor models by name, and the words of -cpu.
 *
 * A model offers only what Ringside executes; what it does not offer is #UD, a reserved bit or a stuck flag. The default is an
 * in-order Intel processor (family 6, model 1Ch) with the x86-64-v2 instructions: like this interpreter, that model does not
 * speculate, and operating systems know that it needs none of the mitigations for speculative execution.
 */
#include "cpu/model.h"

#include <ctype.h>
#include <string.h>

#define INTEL "GenuineIntel"
#define AMD   "AuthenticAMD"

/* Bit of a feature in its word. */
#define B(name) (1u << ((FEATURE_##name - 1) % 32))

#define BASIC_586   (B(FPU) | B(VME) | B(DE) | B(PSE) | B(TSC) | B(MSR) | B(MCE) | B(CX8) | B(APIC) | B(MMX))
#define BASIC_686   (BASIC_586 | B(PAE) | B(SEP) | B(MTRR) | B(PGE) | B(MCA) | B(CMOV) | B(PAT) | B(PSE36) | B(FXSR) | B(SSE))
#define BASIC_64    (BASIC_686 | B(CLFSH) | B(SSE2))
#define EXTENDED_64 (B(SYSCALL) | B(NX) | B(LM))
#define V2_1C       (B(SSE3) | B(SSSE3) | B(CX16) | B(SSE41) | B(SSE42) | B(POPCNT) | B(HYPERVISOR))
#define FAST_1C     (B(PCLMULQDQ) | B(MOVBE) | B(AES) | B(RDRAND) | B(TSC_DEADLINE))
#define V3_1C       (B(XSAVE) | B(AVX) | B(F16C) | B(FMA))
#define MAX_7B                                                                                     \
    (B(FSGSBASE) | B(TSC_ADJUST) | B(BMI1) | B(SMEP) | B(BMI2) | B(ERMS) | B(INVPCID) | B(RDSEED) | B(ADX) | B(SMAP) |     \
     B(CLFLUSHOPT) | B(CLWB) | B(AVX2) | B(SHA))

static const struct cpu_model models[] = {
    {.name = "x86-64-v2",
     .description = "64-bit, SSE4.2, AES; needs no mitigations",
     .vendor = INTEL,
     .brand = "Ringside x86-64-v2",
     .family = 6,
     .model = 28,
     .stepping = 10,
     .phys_bits = 40,
     .max_leaf = 0x16,
     .max_extended = 0x80000008,
     .word = {[WORD_1D] = BASIC_64,
              [WORD_1C] = V2_1C | FAST_1C,
              [WORD_7B] = B(FSGSBASE) | B(TSC_ADJUST) | B(ERMS),
              [WORD_7D] = B(ARCH_CAPABILITIES),
              [WORD_81D] = EXTENDED_64 | B(RDTSCP) | B(PDPE1GB),
              [WORD_81C] = B(LAHF_LM)}},
    {.name = "x86-64-v3",
     .description = "64-bit, AVX2, FMA, BMI; needs no mitigations",
     .vendor = INTEL,
     .brand = "Ringside x86-64-v3",
     .family = 6,
     .model = 28,
     .stepping = 10,
     .phys_bits = 40,
     .max_leaf = 0x16,
     .max_extended = 0x80000008,
     .word = {[WORD_1D] = BASIC_64,
              [WORD_1C] = V2_1C | FAST_1C | V3_1C,
              [WORD_7B] = B(FSGSBASE) | B(TSC_ADJUST) | B(ERMS) | B(BMI1) | B(BMI2) | B(AVX2),
              [WORD_7D] = B(ARCH_CAPABILITIES),
              [WORD_81D] = EXTENDED_64 | B(RDTSCP) | B(PDPE1GB),
              [WORD_81C] = B(LAHF_LM) | B(ABM),
              [WORD_D1A] = B(XSAVEOPT) | B(XSAVEC) | B(XGETBV1)}},
    {.name = "max",
     .description = "everything that Ringside executes",
     .vendor = INTEL,
     .brand = "Ringside max",
     .family = 6,
     .model = 28,
     .stepping = 10,
     .phys_bits = 40,
     .max_leaf = 0x16,
     .max_extended = 0x80000008,
     .word = {[WORD_1D] = BASIC_64,
              [WORD_1C] = V2_1C | FAST_1C | V3_1C | B(PCID) | B(X2APIC) | B(MONITOR),
              [WORD_7B] = MAX_7B,
              [WORD_7C] = B(UMIP) | B(VAES) | B(VPCLMULQDQ) | B(LA57) | B(PKU) | B(PKS) |
                          B(RDPID),
              [WORD_7D] = B(ARCH_CAPABILITIES),
              [WORD_81D] = EXTENDED_64 | B(RDTSCP) | B(PDPE1GB) | B(3DNOW) | B(3DNOWEXT),
              [WORD_81C] = B(LAHF_LM) | B(ABM) | B(PREFETCHW),
              [WORD_D1A] = B(XSAVEOPT) | B(XSAVEC) | B(XGETBV1) | B(XSAVES)}},
    {.name = "qemu64",
     .description = "64-bit, SSE3; named as QEMU's",
     .vendor = AMD,
     .brand = "Ringside qemu64",
     .family = 15,
     .model = 107,
     .stepping = 1,
     .phys_bits = 40,
     .max_leaf = 0xd,
     .max_extended = 0x80000008,
     .word = {[WORD_1D] = BASIC_64,
              [WORD_1C] = B(SSE3) | B(CX16) | B(HYPERVISOR),
              [WORD_81D] = EXTENDED_64,
              [WORD_81C] = B(LAHF_LM)}},
    {.name = "qemu32",
     .description = "32-bit, SSE3; named as QEMU's",
     .vendor = INTEL,
     .brand = "Ringside qemu32",
     .family = 6,
     .model = 6,
     .stepping = 3,
     .phys_bits = 36,
     .max_leaf = 4,
     .max_extended = 0x80000004,
     .word = {[WORD_1D] = BASIC_686 | B(SSE2), [WORD_1C] = B(SSE3) | B(HYPERVISOR)}},
    {.name = "pentium3",
     .description = "Pentium III: SSE",
     .vendor = INTEL,
     .brand = "",
     .family = 6,
     .model = 8,
     .stepping = 3,
     .phys_bits = 36,
     .max_leaf = 2,
     .max_extended = 0,
     .word = {[WORD_1D] = BASIC_686}},
    {.name = "pentium",
     .description = "Pentium with MMX",
     .vendor = INTEL,
     .brand = "",
     .family = 5,
     .model = 4,
     .stepping = 3,
     .phys_bits = 32,
     .max_leaf = 1,
     .max_extended = 0,
     .word = {[WORD_1D] = BASIC_586}},
    {.name = "486",
     .description = "80486DX: no CPUID, no CR4",
     .vendor = INTEL,
     .brand = "",
     .family = 4,
     .model = 3,
     .stepping = 3,
     .phys_bits = 32,
     .word = {[WORD_1D] = B(FPU)}},
    {.name = "base",
     .description = "the x86-64 baseline; add features with +name",
     .vendor = INTEL,
     .brand = "Ringside base",
     .family = 6,
     .model = 28,
     .stepping = 10,
     .phys_bits = 40,
     .max_leaf = 0x16,
     .max_extended = 0x80000008,
     .word = {[WORD_1D] = BASIC_64, [WORD_7D] = B(ARCH_CAPABILITIES), [WORD_81D] = EXTENDED_64}},
};

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
    return models[0].name;
}

const char *cpu_model_list(unsigned index, const char **description)
{
    if (index >= ARRAY_LEN(models)) {
        return NULL;
    }
    *description = models[index].description;
    return models[index].name;
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
    for (unsigned n = 0; n < ARRAY_LEN(models); n++) {
        char name[NAME_MAX_LETTERS];
        plain_name(name, models[n].name, strlen(models[n].name));
        unsigned d = distance(plain, name);
        if (d < best) {
            best = d;
            *nearest = &models[n];
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

static const struct cpu_model *max_model(void)
{
    return &models[2];
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
    if (on && !(max_model()->word[word] & bit)) {
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
    const struct cpu_model *nearest = &models[0];
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
    for (const char *p = words + length; *p;) {
        size_t n = strcspn(++p, ",");
        if (!apply_word(features, asked, p, n, err)) {
            return NULL;
        }
        p += n;
    }
    return apply_dependencies(features, asked, err) ? model : NULL;
}
