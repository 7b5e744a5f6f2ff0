/*
 * sse_str.c: the string compares of SSE4.2 and CRC32.
 *
 * Document: Intel SDM Vol. 2 4.1 (imm8 control of PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM), CRC32 page.
 */
#include "cpu/flags.h"
#include "cpu/fpu/check.h"
#include "cpu/fpu/lanes.h"
#include "cpu/fpu/mmx.h"
#include "cpu/fpu/vex.h"

enum aggregation { EQUAL_ANY, RANGES, EQUAL_EACH, EQUAL_ORDERED };

/* One operand as numbers, and how many of them are valid. */
struct string {
    i32      element[16];
    unsigned length;
};

static void string_unpack(struct string *s, const union vec *v, u8 control)
{
    for (unsigned k = 0; k < (control & 1 ? 8u : 16u); k++) {
        switch (control & 3) {
        case 0:
            s->element[k] = v->b[k];
            break;
        case 1:
            s->element[k] = v->w[k];
            break;
        case 2:
            s->element[k] = (i8)v->b[k];
            break;
        default:
            s->element[k] = (i16)v->w[k];
            break;
        }
    }
}

/* Implicit length: up to the first zero. */
static unsigned implicit_length(const struct string *s, unsigned count)
{
    unsigned n = 0;
    while (n < count && s->element[n]) {
        n++;
    }
    return n;
}

/* Explicit length: the absolute value of a general register, saturated. */
static unsigned explicit_length(const struct cpu *cpu, unsigned reg, bool wide, unsigned count)
{
    u64 v = wide ? cpu->regs[reg] : (u64)(i64)(i32)cpu->regs[reg];
    u64 n = (i64)v < 0 ? 0 - v : v;
    return n > count ? count : (unsigned)n;
}

static bool in_set(const struct string *set, i32 element)
{
    for (unsigned k = 0; k < set->length; k++) {
        if (set->element[k] == element) {
            return true;
        }
    }
    return false;
}

/* Pairs of bounds; a pair whose second bound is not valid matches nothing. */
static bool in_ranges(const struct string *ranges, i32 element)
{
    for (unsigned k = 0; k + 1 < ranges->length; k += 2) {
        if (ranges->element[k] <= element && element <= ranges->element[k + 1]) {
            return true;
        }
    }
    return false;
}

/* Whether all of `needle` that fits into the register stands at `at`. */
static bool found_at(const struct string *needle, const struct string *text, unsigned at, unsigned count)
{
    for (unsigned k = 0; k < needle->length && at + k < count; k++) {
        if (at + k >= text->length || needle->element[k] != text->element[at + k]) {
            return false;
        }
    }
    return true;
}

/* IntRes1, with what table 4-7 says of elements past the end. a: the first operand (XMM), b: the second. */
static u32 aggregate(const struct string *a, const struct string *b, unsigned count, enum aggregation how)
{
    u32 r = 0;
    for (unsigned k = 0; k < count; k++) {
        bool a_valid = k < a->length, b_valid = k < b->length, match;
        switch (how) {
        case EQUAL_ANY:
            match = b_valid && in_set(a, b->element[k]);
            break;
        case RANGES:
            match = b_valid && in_ranges(a, b->element[k]);
            break;
        case EQUAL_EACH:
            match = a_valid == b_valid && (!a_valid || a->element[k] == b->element[k]);
            break;
        default:
            match = found_at(a, b, k, count);
            break;
        }
        r |= (u32)match << k;
    }
    return r;
}

/* Compares, sets the flags and returns IntRes2. */
static u32 compare_strings(struct cpu *cpu, const struct insn *i, bool explicit)
{
    union vec     b_value;
    struct string a, b;
    u8            control = (u8)i->imm;
    unsigned      count   = control & 1 ? 8 : 16;
    vec_check(cpu, i);
    if (i->mem) {
        mem_read_vec(cpu, i, &b_value, false);
    } else {
        b_value = cpu->xmm[i->rm];
    }
    string_unpack(&a, &cpu->xmm[i->reg], control);
    string_unpack(&b, &b_value, control);
    a.length = explicit ? explicit_length(cpu, R_AX, i->rex_w, count) : implicit_length(&a, count);
    b.length = explicit ? explicit_length(cpu, R_DX, i->rex_w, count) : implicit_length(&b, count);
    u32 all  = (1u << count) - 1;
    u32 r    = aggregate(&a, &b, count, control >> 2 & 3);
    switch (control >> 4 & 3) {
    case 1: /* negative polarity */
        r ^= all;
        break;
    case 3: /* masked negative: only where the second operand is valid */
        r ^= (1u << b.length) - 1;
        break;
    default:
        break;
    }
    flags_set_arith(cpu, (r ? FLAG_CF : 0) | (b.length < count ? FLAG_ZF : 0) | (a.length < count ? FLAG_SF : 0) |
                             (r & 1 ? FLAG_OF : 0));
    return r;
}

/* ECX: index of the lowest, or with imm[6] of the highest, set bit; the element count when there is none. */
static void string_index(struct cpu *cpu, const struct insn *i, u32 r)
{
    u32 index = i->imm & 1 ? 8 : 16;
    if (r) {
        index = i->imm & 0x40 ? 31 - (u32)__builtin_clz(r) : (u32)__builtin_ctz(r);
    }
    cpu->regs[R_CX] = index;
}

/* XMM0: IntRes2 as bits, or with imm[6] as bytes or words of ones. */
static void string_mask(struct cpu *cpu, const struct insn *i, u32 r)
{
    union vec *v = &cpu->xmm[0];
    v->q[0] = v->q[1] = 0;
    vec_clear_upper(cpu, i, 0);
    if (!(i->imm & 0x40)) {
        v->d[0] = r;
        return;
    }
    for (unsigned k = 0; k < 16; k++) {
        v->b[k] = r >> (i->imm & 1 ? k / 2 : k) & 1 ? 0xff : 0;
    }
}

OP(pcmpestri)
{
    string_index(cpu, i, compare_strings(cpu, i, true));
}

OP(pcmpestrm)
{
    string_mask(cpu, i, compare_strings(cpu, i, true));
}

OP(pcmpistri)
{
    string_index(cpu, i, compare_strings(cpu, i, false));
}

OP(pcmpistrm)
{
    string_mask(cpu, i, compare_strings(cpu, i, false));
}

/* ---- CRC32: polynomial 11EDC6F41h, bit-reflected */

static u32 crc32c(u32 crc, u64 data, unsigned bytes)
{
    for (unsigned k = 0; k < bytes; k++) {
        crc ^= (u8)(data >> 8 * k);
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        }
    }
    return crc;
}

OP(crc32)
{
    unsigned size = i->opcode & 1 ? i->opsize : 1;
    u64      data = rm_read(cpu, i, size);
    gpr_write(cpu, i->reg, 8, crc32c((u32)gpr_read(cpu, i->reg, 4), data, size));
}
