/*
 * rows.c: isa/opcodes.def as a table, and the declarations of what it names.
 */
#include "cpu/decode.h"
#include "cpu/isa/rows.h"

#define ROW_SEM(...)
#define ROW_OP(fn, ...)  void op_##fn(struct cpu *cpu, const struct insn *i);
#define ROW_VEC(fn, ...) void vec_##fn(struct cpu *cpu, void *dst, const void *src, u8 imm);
#include "cpu/isa/opcodes.def"
#undef ROW_SEM
#undef ROW_OP
#undef ROW_VEC

#define ROW_FIELDS(map_, opcode_, slash_, prefix_, name_, o0, o1, o2, o3, attr_, feature_)         \
    .map = map_, .opcode = opcode_, .slash = slash_, .prefix = prefix_,                            \
    .operand = {o0, o1, o2, o3}, .attr = (attr_), .name = #name_,               \
    .feature = FEATURE_##feature_
#define ROW_SEM(fn, ...) {.kind = KIND_SEM, ROW_FIELDS(__VA_ARGS__)},
#define ROW_OP(fn, ...)  {.kind = KIND_OP, .op = op_##fn, ROW_FIELDS(__VA_ARGS__)},
#define ROW_VEC(fn, ...) {.kind = KIND_VEC, .vec = vec_##fn, ROW_FIELDS(__VA_ARGS__)},
const struct row row_table[] = {
#include "cpu/isa/opcodes.def"
};
const unsigned row_count = ARRAY_LEN(row_table);
