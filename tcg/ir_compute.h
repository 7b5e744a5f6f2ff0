/*
 * ir_compute.h: what the pure ops compute, on numbers: for the folder and for the portable backend.
 */
#ifndef TCG_IR_COMPUTE_H
#define TCG_IR_COMPUTE_H

#include "cpu/isa/arith.h"
#include "tcg/ir.h"

/* The value of a PURE op for arguments of their right widths. */
static inline u64 ir_compute(const struct ir_op *op, u64 a, u64 b, u64 c)
{
    unsigned w = op->width, count = 8 * w - 1;
    u64 m = w ? arith_mask(w) : 0;
    /* clang-format off */
    switch (op->code) {
    case IR_add: return arith_add(a, b, w);
    case IR_sub: return arith_sub(a, b, w);
    case IR_mul: return arith_mul(a, b, w);
    case IR_mulhu: return arith_mulhu(a, b, w);
    case IR_mulhs: return arith_mulhs(a, b, w);
    case IR_and: return arith_and(a, b, w);
    case IR_or: return arith_or(a, b, w);
    case IR_xor: return arith_xor(a, b, w);
    case IR_shl: return arith_shl(a, b & count, w);
    case IR_shr: return arith_shr(a, b & count, w);
    case IR_sar: return arith_sar(a, b & count, w);
    case IR_rol: return arith_rol(a, b & count, w);
    case IR_shld: return arith_double_left(a, b, c & count, w);
    case IR_shrd: return arith_double_right(a, b, c & count, w);
    case IR_bswap: return arith_bswap(a, w);
    case IR_ctz: return arith_ctz(a, w);
    case IR_clz: return arith_clz(a, w);
    case IR_popcnt: return (u64)__builtin_popcountll(a);
    case IR_zext8: return (u8)a;
    case IR_zext16: return (u16)a;
    case IR_zext32: return (u32)a;
    case IR_sext8: return (u64)arith_sext(a, 1) & m;
    case IR_sext16: return (u64)arith_sext(a, 2) & m;
    case IR_sext32: return (u64)arith_sext(a, 4);
    case IR_trunc: return (u32)a;
    case IR_nonzero: return a != 0;
    case IR_is_zero: return a == 0;
    case IR_ltu: return a < b;
    case IR_select: return a ? b : c;
    case IR_ea: return (a + (b << op->aux) + c) & m;
    case IR_add_flags: return arith_add_flags(a & m, b & m, c & m, w);
    case IR_sub_flags: return arith_sub_flags(a & m, b & m, c & m, w);
    case IR_mulu_flags: return arith_mulu_flags(a, b, w);
    case IR_muls_flags: return arith_muls_flags(a, b, w);
    case IR_shl_flags: return arith_shl_flags(a, b, w);
    case IR_shr_flags: return arith_shr_flags(a, b, w);
    case IR_sar_flags: return arith_sar_flags(a, b, w);
    default: return 0;
    }
    /* clang-format on */
}

#endif
