/*
 * model.h: processor models by name: what CPUID says and, therefore, what the decoder accepts.
 */
#ifndef CPU_MODEL_H
#define CPU_MODEL_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

enum cpuid_word { WORD_1D, WORD_1C, WORD_6A, WORD_7B, WORD_7C, WORD_7D, WORD_81D, WORD_81C, WORD_87D, WORD_D1A, CPUID_WORDS };

/*
 * A feature is word * 32 + bit, plus one: 0 is "every processor from the 386 on". FEATURE_I486: from the 486 on, FEATURE_I586: from
 * the Pentium on. FEATURE_CPUID: there is CPUID, and CR4. FEATURE_RDPMC: from the Pentium with MMX on. FEATURE_MMX2: what SSE added to
 * MMX, which AMD's Athlon had without SSE.
 */
enum feature {
    FEATURE_NONE = 0,
#define FEATURE(name, word, bit) FEATURE_##name = WORD_##word * 32 + (bit) + 1,
#include "cpu/features.def"
#undef FEATURE
    FEATURE_I486 = CPUID_WORDS * 32 + 1,
    FEATURE_I586,
    FEATURE_I686,
    FEATURE_CPUID,
    FEATURE_RDPMC,
    FEATURE_MMX2,
    FEATURE_HYPERCALLS, /* of ours: cpu/op/hypercall.c */
};

struct cpu_features {
    u32  word[CPUID_WORDS];
    u8   family; /* 3, 4, 5, 6, ... */
    bool cpuid;
    bool no_pmu;
    bool ignore_msrs; /* registers that do not exist raise nothing */
    bool hypercalls;  /* no processor has them: whoever creates it may set it */
};

static inline bool feature_bit(const struct cpu_features *features, enum feature feature)
{
    return features->word[(feature - 1) / 32] >> ((feature - 1) % 32) & 1;
}

static inline bool feature_on(const struct cpu_features *features, enum feature feature)
{
    switch (feature) {
    case FEATURE_NONE:
        return true;
    case FEATURE_I486:
    case FEATURE_I586:
    case FEATURE_I686:
        return features->family >= 4 + (feature - FEATURE_I486);
    case FEATURE_CPUID:
        return features->cpuid;
    case FEATURE_RDPMC:
        return features->family >= 6 || (features->family == 5 && feature_bit(features, FEATURE_MMX));
    case FEATURE_MMX2:
        return feature_bit(features, FEATURE_SSE) || feature_bit(features, FEATURE_MMXEXT);
    case FEATURE_HYPERCALLS:
        return features->hypercalls;
    default:
        return feature_bit(features, feature);
    }
}

enum cache_type { CACHE_NONE, CACHE_DATA, CACHE_CODE, CACHE_UNIFIED };
struct cpu_cache {
    u8  type, level, ways, line;
    u32 kib;
};

/* Whose model-specific registers the processor has. */
enum cpu_kind {
    KIND_I386    = 1 << 0, /* and 486: none */
    KIND_P5      = 1 << 1,
    KIND_P6      = 1 << 2,
    KIND_CORE    = 1 << 3,
    KIND_NEHALEM = 1 << 4,
    KIND_HASWELL = 1 << 5,
    KIND_GENERIC = 1 << 6, /* Ringside's own, called Intel's */
    KIND_K7      = 1 << 7,
    KIND_K8      = 1 << 8,
};

struct cpu_model {
    const char *name, *description;
    const char *vendor; /* the 12 letters of leaf 0 */
    const char *brand;
    u8          family, model, stepping;
    u8          phys_bits;
    u8          brand_index; /* leaf 1 EBX */
    u8          banks;       /* of machine-check registers */
    u16         kind;        /* enum cpu_kind */
    u32         max_leaf, max_extended; /* 0: no CPUID */
    u32         word[CPUID_WORDS];
    /* what CPUID tells of caches: leaf 2 (EAX, EBX, ECX, EDX), leaf 4 or 80000005h and 80000006h */
    u32              descriptors[4];
    struct cpu_cache caches[4];
    u32              tlb[4]; /* AMD: 80000005h EAX, EBX; 80000006h EAX, EBX */
};

extern const struct cpu_model cpu_models[]; /* the first one is the default */
extern const unsigned         cpu_model_count;

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
