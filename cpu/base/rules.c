/* rules.c: cpu/rules.def as a table. */
#include "cpu/base/rules.h"

const struct rule_info rule_table[RULE_COUNT] = {
#define RULE(name, vector, section, sentence) {#name, section, sentence, vector},
#include "cpu/rules.def"
#undef RULE
};
