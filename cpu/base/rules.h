/*
 * rules.h: one id for every check of the manual that can raise an exception; cpu/rules.def describes each.
 */
#ifndef CPU_BASE_RULES_H
#define CPU_BASE_RULES_H

#include "cpu/base/types.h"

enum vector {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_NMI = 2,
    VEC_BP = 3,
    VEC_OF = 4,
    VEC_BR = 5,
    VEC_UD = 6,
    VEC_NM = 7,
    VEC_DF = 8,
    VEC_TS = 10,
    VEC_NP = 11,
    VEC_SS = 12,
    VEC_GP = 13,
    VEC_PF = 14,
    VEC_MF = 16,
    VEC_AC = 17,
    VEC_MC = 18,
    VEC_XM = 19,
    VEC_CP = 21,
};

enum rule {
#define RULE(name, vector, section, sentence) RULE_##name,
#include "cpu/rules.def"
#undef RULE
    RULE_COUNT
};

struct rule_info {
    const char *name, *section, *sentence;
    u8          vector;
};
extern const struct rule_info rule_table[RULE_COUNT];

/* "#GP" and "general protection": what vectors are for the processor itself (SDM Vol. 3A table 6-1). NULL: this one is for nothing, or
 * has no mnemonic. */
const char *exception_name(unsigned vector);
const char *exception_title(unsigned vector);

#endif
