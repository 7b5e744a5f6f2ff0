/* rules.c: cpu/rules.def as a table. */
#include "cpu/base/rules.h"

#include "cpu/base/bits.h"

const struct rule_info rule_table[RULE_COUNT] = {
#define RULE(name, vector, section, sentence) {#name, section, sentence, vector},
#include "cpu/rules.def"
#undef RULE
};

static const struct {
    const char *name, *title;
} vectors[] = {
    [VEC_DE] = {"#DE", "divide error"},
    [VEC_DB] = {"#DB", "debug exception"},
    [VEC_NMI] = {"NMI", "non-maskable interrupt"},
    [VEC_BP] = {"#BP", "breakpoint"},
    [VEC_OF] = {"#OF", "overflow"},
    [VEC_BR] = {"#BR", "bound range exceeded"},
    [VEC_UD] = {"#UD", "invalid opcode"},
    [VEC_NM] = {"#NM", "device not available"},
    [VEC_DF] = {"#DF", "double fault"},
    [9] = {NULL, "coprocessor segment overrun"},
    [VEC_TS] = {"#TS", "invalid TSS"},
    [VEC_NP] = {"#NP", "segment not present"},
    [VEC_SS] = {"#SS", "stack fault"},
    [VEC_GP] = {"#GP", "general protection"},
    [VEC_PF] = {"#PF", "page fault"},
    [VEC_MF] = {"#MF", "x87 floating-point error"},
    [VEC_AC] = {"#AC", "alignment check"},
    [VEC_MC] = {"#MC", "machine check"},
    [VEC_XM] = {"#XM", "SIMD floating-point exception"},
    [20] = {"#VE", "virtualization exception"},
    [VEC_CP] = {"#CP", "control protection"},
};

const char *exception_name(unsigned vector)
{
    return vector < ARRAY_LEN(vectors) ? vectors[vector].name : NULL;
}

const char *exception_title(unsigned vector)
{
    return vector < ARRAY_LEN(vectors) ? vectors[vector].title : NULL;
}
