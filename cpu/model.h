/*
 * model.h: processor models by name: what CPUID says and, therefore, what the decoder accepts.
 */
#ifndef CPU_MODEL_H
#define CPU_MODEL_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

enum cpuid_word { WORD_1D, WORD_1C, WORD_7B, WORD_7C, WORD_7D, WORD_81D, WORD_81C, WORD_D1A, CPUID_WORDS };

/* A feature is word * 32 + bit, plus one: 0 is "every processor from the 386 on". FEATURE_I486: from the 486 on, FEATURE_I586: from the Pentium on. */
enum feature {
    FEATURE_NONE = 0,
#define FEATURE(name, word, bit) FEATURE_##name = WORD_##word * 32 + (bit) + 1,
#include "cpu/features.def"
#undef FEATURE
    FEATURE_I486 = CPUID_WORDS * 32 + 1,
    FEATURE_I586,
    FEATURE_I686,
};

struct cpu_features {
    u32 word[CPUID_WORDS];
    u8  family; /* 3, 4, 5, 6, ... */
};

static inline bool feature_on(const struct cpu_features *features, enum feature feature)
{
    if (feature == FEATURE_NONE) {
        return true;
    }
    if (feature >= FEATURE_I486) {
        return features->family >= 4 + (feature - FEATURE_I486);
    }
    return features->word[(feature - 1) / 32] >> ((feature - 1) % 32) & 1;
}

struct cpu_model {
    const char *name, *description;
    const char *vendor; /* the 12 letters of leaf 0 */
    const char *brand;
    u8          family, model, stepping;
    u8          phys_bits;
    u32         max_leaf, max_extended;
    u32         word[CPUID_WORDS];
};

/* Family, model and stepping as in CPUID leaf 1 EAX and as EDX after a reset. */
u32  cpu_model_signature(const struct cpu_model *model);
bool cpu_model_is_amd(const struct cpu_model *model);

/* By -cpu NAME[,+feature,-feature,feature=on|off]; on an error the message names the nearest model or feature. */
const struct cpu_model *cpu_model_find(const char *words, struct cpu_features *features, struct error *err);
const char             *cpu_model_name(const struct cpu_model *model);
const char             *cpu_model_default(void);
/* The i-th model's name and one-line description, or NULL past the last (for -cpu help). */
const char *cpu_model_list(unsigned index, const char **description);

#endif
