/*
 * host.h: writing x86-64 instructions (Intel SDM Vol. 2 chapter 2).
 */
#ifndef TCG_BACKEND_X86_64_HOST_H
#define TCG_BACKEND_X86_64_HOST_H

#include <string.h>

#include "cpu/base/types.h"

enum host_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    NO_REG = 0xff
};

enum host_cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

enum host_map { MAP_1, MAP_0F, MAP_38, MAP_3A };

/* Where code goes. Past `end` nothing is written, and `full` says so. */
struct out {
    u8  *p, *end;
    bool full;
    u16  written; /* registers that may have been written since somebody cleared it */
    u8   pushed;  /* bytes on the stack there, below struct cpu */
};

/* A ModRM operand: a register, or [base + index << scale + disp], or that of struct cpu; or data beside the code, of an
 * instruction without immediate operand. */
struct rm {
    const u8 *data;
    bool memory, cpu;
    u8   reg;         /* register operand */
    u8   base, index; /* NO_REG: none */
    u8   scale;
    i32  disp;
};

/* An opcode with what decides its prefixes. */
struct opcode {
    u8   map, byte;
    u8   mandatory; /* 0, 66h, F2h, F3h */
    bool size16;    /* operand size prefix */
    bool wide;      /* REX.W */
    bool rex;       /* a REX prefix even if empty: SPL, BPL, SIL, DIL */
    bool vex;
    bool l;    /* of VEX */
    u8   vvvv;
};

static inline struct rm rm_reg(unsigned reg)
{
    return (struct rm){.reg = (u8)reg};
}

static inline struct rm rm_mem(unsigned base, i32 disp)
{
    return (struct rm){.memory = true, .base = (u8)base, .index = NO_REG, .disp = disp};
}

static inline struct rm rm_index(unsigned base, unsigned index, unsigned scale, i32 disp)
{
    return (struct rm){.memory = true, .base = (u8)base, .index = (u8)index, .scale = (u8)scale, .disp = disp};
}

static inline struct rm rm_data(const u8 *data)
{
    return (struct rm){.data = data, .memory = true, .base = NO_REG, .index = NO_REG};
}

/* A member of struct cpu. */
static inline struct rm rm_cpu(size_t offset)
{
    return (struct rm){.memory = true, .cpu = true, .base = RSP, .index = NO_REG, .disp = (i32)offset};
}

/* The same, of a table: at byte offset `reg`. */
static inline struct rm rm_cpu_at(unsigned reg, size_t offset)
{
    return (struct rm){.memory = true, .cpu = true, .base = RSP, .index = (u8)reg, .disp = (i32)offset};
}

static inline void put8(struct out *o, unsigned b)
{
    if (o->p < o->end) {
        *o->p++ = (u8)b;
    } else {
        o->full = true;
    }
}

static inline void put_bytes(struct out *o, const void *from, size_t bytes)
{
    if ((size_t)(o->end - o->p) < bytes) {
        o->full = true;
    } else {
        memcpy(o->p, from, bytes);
        o->p += bytes;
    }
}

static inline void put_number(struct out *o, u64 n, size_t bytes)
{
    put_bytes(o, &n, bytes);
}

static inline void put16(struct out *o, unsigned n)
{
    put_number(o, n, 2);
}

static inline void put32(struct out *o, u32 n)
{
    put_number(o, n, 4);
}

static inline void put64(struct out *o, u64 n)
{
    put_number(o, n, 8);
}

/* Data at the end of the room. */
static inline const u8 *put_data(struct out *o, const void *data, size_t bytes)
{
    size_t size = (bytes + 7) & ~(size_t)7;
    if ((size_t)(o->end - o->p) < size) {
        o->full = true;
    } else {
        o->end -= size;
        memcpy(o->end, data, bytes);
    }
    return o->end;
}

/* One instruction but for its immediate. */
void put_insn(struct out *o, struct opcode op, unsigned reg, struct rm rm);

/* Prefixes, map and opcode of an instruction without ModRM byte; `low` is or-ed to the opcode. */
static inline void put_prefixed(struct out *o, struct opcode op, unsigned low, unsigned b)
{
    if (op.size16) {
        put8(o, 0x66);
    }
    if (op.mandatory && !(op.size16 && op.mandatory == 0x66)) {
        put8(o, op.mandatory);
    }
    unsigned rex = (unsigned)op.wide << 3 | b;
    if (rex || op.rex) {
        put8(o, 0x40 | rex);
    }
    if (op.map != MAP_1) {
        put8(o, 0x0f);
    }
    put8(o, op.byte | low);
}

static inline void put_bare(struct out *o, struct opcode op)
{
    if (op.vex) { /* VZEROUPPER, VZEROALL */
        put8(o, 0xc5);
        put8(o, 0xf8 | (unsigned)op.l << 2);
        put8(o, op.byte);
        return;
    }
    put_prefixed(o, op, 0, 0);
}

/* With a register in the opcode's low bits. */
static inline void put_in_opcode(struct out *o, struct opcode op, unsigned reg)
{
    op.byte &= 0xf8;
    o->written |= (u16)(1u << reg);
    put_prefixed(o, op, reg & 7, reg >> 3);
}

/* ---- the instructions that the translator itself uses; w is 8 or 4 bytes where not said otherwise */

static inline void put_op(struct out *o, unsigned byte, unsigned w, unsigned reg, struct rm rm)
{
    put_insn(o, (struct opcode){.byte = (u8)byte, .wide = w == 8, .size16 = w == 2}, reg, rm);
}

static inline void put_0f(struct out *o, unsigned byte, unsigned w, unsigned reg, struct rm rm)
{
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = (u8)byte, .wide = w == 8}, reg, rm);
}

static inline void put_mov(struct out *o, unsigned w, unsigned to, unsigned from)
{
    put_op(o, 0x8b, w, to, rm_reg(from));
}

static inline void put_load(struct out *o, unsigned w, unsigned to, struct rm from)
{
    put_op(o, 0x8b, w, to, from);
}

/* w: 1, 2, 4, 8 */
static inline void put_store(struct out *o, unsigned w, struct rm to, unsigned from)
{
    u16 written = o->written;
    put_insn(o, (struct opcode){.byte = w == 1 ? 0x88 : 0x89, .wide = w == 8, .size16 = w == 2, .rex = w == 1 && from >= RSP},
             from, to);
    o->written = written;
}

static inline void put_lea(struct out *o, unsigned w, unsigned to, struct rm at)
{
    if (at.base != NO_REG && at.index == NO_REG && !at.disp && !at.cpu) { /* hosts do that by renaming */
        put_mov(o, w, to, at.base);
    } else {
        put_op(o, 0x8d, w, to, at);
    }
}

enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

static inline void put_alu(struct out *o, enum alu alu, unsigned w, unsigned reg, struct rm rm)
{
    put_op(o, (unsigned)alu << 3 | 3, w, reg, rm);
}

/* w: 2, 4, 8 */
static inline void put_alu_imm(struct out *o, enum alu alu, unsigned w, struct rm rm, i32 imm)
{
    bool small = imm >= -128 && imm <= 127;
    put_op(o, small ? 0x83 : 0x81, w, alu, rm);
    if (small) {
        put8(o, (u8)imm);
    } else if (w == 2) {
        put16(o, (u32)imm & 0xffff);
    } else {
        put32(o, (u32)imm);
    }
}

static inline void put_shift_imm(struct out *o, unsigned digit, unsigned w, unsigned reg, unsigned n)
{
    put_op(o, 0xc1, w, digit, rm_reg(reg));
    put8(o, n);
}
enum { SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };

/* The shortest move of a constant; leaves flags alone. */
static inline void put_const(struct out *o, unsigned to, u64 n)
{
    o->written |= (u16)(1u << to);
    if (n == (u32)n) {
        if (to >= R8) {
            put8(o, 0x41);
        }
        put8(o, 0xb8 | (to & 7));
        put32(o, (u32)n);
    } else if ((i64)n == (i32)n) {
        put_op(o, 0xc7, 8, 0, rm_reg(to));
        put32(o, (u32)n);
    } else {
        put8(o, 0x48 | to >> 3);
        put8(o, 0xb8 | (to & 7));
        put64(o, n);
    }
}

/* movzx from 1 or 2 bytes */
static inline void put_zext(struct out *o, unsigned from_bytes, unsigned to, struct rm from)
{
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = from_bytes == 1 ? 0xb6 : 0xb7,
                                .rex = from_bytes == 1 && !from.memory && from.reg >= RSP}, to, from);
}

static inline void put_store_imm(struct out *o, unsigned w, struct rm to, u32 imm)
{
    put_op(o, w == 1 ? 0xc6 : 0xc7, w, 0, to);
    if (w == 1) {
        put8(o, imm & 0xff);
    } else if (w == 2) {
        put16(o, imm & 0xffff);
    } else {
        put32(o, imm);
    }
}

/* test byte [rm], imm */
static inline void put_test8(struct out *o, struct rm rm, unsigned imm)
{
    put_op(o, 0xf6, 1, 0, rm);
    put8(o, imm);
}

/* A jump whose target is not known yet: returns where its displacement is. */
static inline u8 *put_jcc_ahead(struct out *o, enum host_cc cc)
{
    put8(o, 0x0f);
    put8(o, 0x80 | cc);
    put32(o, 0);
    return o->p - 4;
}

static inline u8 *put_jmp_ahead(struct out *o)
{
    put8(o, 0xe9);
    put32(o, 0);
    return o->p - 4;
}

static inline void patch_jump(u8 *displacement, const u8 *target)
{
    i32 d = (i32)(target - (displacement + 4));
    memcpy(displacement, &d, 4);
}

static inline void put_jump_here(struct out *o, u8 *displacement)
{
    if (!o->full) {
        patch_jump(displacement, o->p);
    }
}

static inline void put_jmp(struct out *o, const u8 *target)
{
    u8 *d = put_jmp_ahead(o);
    if (!o->full) {
        patch_jump(d, target);
    }
}

static inline void put_jcc(struct out *o, enum host_cc cc, const u8 *target)
{
    u8 *d = put_jcc_ahead(o, cc);
    if (!o->full) {
        patch_jump(d, target);
    }
}

static inline void put_call(struct out *o, const u8 *target)
{
    put8(o, 0xe8);
    put32(o, 0);
    if (!o->full) {
        patch_jump(o->p - 4, target);
    }
}

static inline void put_jmp_reg(struct out *o, struct rm rm)
{
    put_op(o, 0xff, 4, 4, rm);
}

#endif
