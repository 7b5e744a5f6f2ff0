/*
 * decode.h: bytes -> struct insn, from isa/opcodes.def.
 *
 * Operand kinds carry the manual's own letters (SDM Vol. 2 A.2.1, A.2.2). Everything that can be known from the bytes, the mode and
 * the processor model is known here, so that executors do not look at prefixes again.
 */
#ifndef CPU_DECODE_H
#define CPU_DECODE_H

#include "cpu/base/rules.h"
#include "cpu/base/types.h"
#include "cpu/state.h"

struct insn;

/* Runs one instruction and then its successors; the executor's own kind of function. */
typedef void (*exec_fn)(struct cpu *cpu, const struct insn *insn);
/* OP: the whole instruction as one C function. */
typedef void (*op_fn)(struct cpu *cpu, const struct insn *insn);
/* VEC: a pure computation on vector, MMX or x87 operands already fetched. */
typedef void (*vec_fn)(struct cpu *cpu, void *dst, const void *src, u8 imm);

/*
 * Operand kinds. First letter: where; second: how wide.
 *   E modrm r/m (register or memory)   G modrm.reg general   M r/m, memory only   R r/m, general register only
 *   I immediate   J relative jump   O moffs   Z register in the opcode's low bits   X [seg:rSI]   Y [ES:rDI]
 *   A far pointer immediate   S modrm.reg segment register   C/D modrm.reg control/debug register
 *   V modrm.reg XMM   W r/m XMM or memory   U r/m XMM only   P modrm.reg MMX   Q r/m MMX or memory   N r/m MMX only
 *   B VEX.vvvv general register     ST(i) r/m x87 register
 * widths: b 8, w 16, d 32, q 64, v by operand size (16/32/64), z 16/32 (immediates: 32 sign-extended for 64), y 32 (64 with REX.W),
 *   p far pointer 16:16/32/64, x 128, t 80, ss/sd scalar
 */
enum operand {
    __ = 0xff, /* none; in the slash column: any ModRM */
    OPERAND_FIRST = 0,
    Eb = OPERAND_FIRST, Ew, Ed, Eq, Ev, Ey, /* Eq: 64-bit always */
    Gb, Gw, Gd, Gq, Gv, Gy,
    Mb, Mw, Md, Mq, Mv, My, Mp, Mx, Mt, M, /* M: address only, or a size that the OP knows */
    Rv, Ry, Rw, Rd, Rq,
    Ib, /* unsigned byte */
    sIb, /* sign-extended to the operand width */
    Iw, Iz, Iv, I1 /* the constant 1 */,
    Jb, Jz, Ap, Ob, Ov,
    Zb, Zv, Zw,
    AL, rAX /* by operand size */, AX, eAX, CL, DX,
    Xb, Xv, Yb, Yv,
    Sw, Cd, Dd,
    By, /* VEX.vvvv */
    Vx, Wx, Wq, Wd, Ww, Ux, /* W + memory size when not a register: 16, 8, 4, 2 bytes */
    Pq, Qq, Qd, Nq,
    ST0, STi,
    sES, sCS, sSS, sDS, sFS, sGS,
    OPERAND_COUNT
};

/* Attributes of a row. */
enum row_attr {
    LOCKABLE = 1 << 0,  /* LOCK is allowed when the destination is memory */
    END      = 1 << 1,  /* ends a block: may change IP, mode, or what comes next. cpu->ip holds the next instruction when it runs */
    NO64     = 1 << 2,  /* #UD in 64-bit mode */
    ONLY64   = 1 << 3,
    D64      = 1 << 4,  /* operand size defaults to 64 in 64-bit mode (66 gives 16) */
    F64      = 1 << 5,  /* operand size is 64 in 64-bit mode */
    BYTE     = 1 << 6,  /* operand width is 1 */
    REPS     = 1 << 7,  /* F3/F2 are REP/REPNE */
    ALIGN16  = 1 << 8,  /* VEC: the 16-byte memory operand must be aligned */
    STORE    = 1 << 9,  /* VEC: operand 0 is written to memory or register r/m, and is not read */
    VEX      = 1 << 10, /* VEX-encoded (BMI) */
    W0       = 1 << 11, /* REX.W = 0 only */
    W1       = 1 << 12, /* REX.W = 1 only */
};

enum insn_rep { REP_NONE, REP_E /* F3 */, REP_NE /* F2 */ };

/* What never varies between two decodings of one row. */
struct row {
    u8          map;     /* enum opcode_map */
    u8          opcode;
    u16         slash;   /* __ any; 0-7 /digit; 0x100|b: the whole ModRM byte */
    u8          prefix;  /* enum mandatory_prefix */
    u8          kind;    /* enum meaning_kind */
    u32         attr;
    u16         feature; /* enum feature */
    u8          operand[4];
    const char *name;
    op_fn       op;  /* KIND_OP */
    vec_fn      vec; /* KIND_VEC */
};
enum opcode_map { M1, M0F, M38, M3A, OPCODE_MAPS };
enum mandatory_prefix { ANY, NP, P66, PF3, PF2 };
enum meaning_kind { KIND_SEM, KIND_OP, KIND_VEC };

struct insn {
    exec_fn fn;
    union {
        op_fn              op;
        vec_fn             vec;
        const struct insn *link; /* direct jumps inside the page: the target, once known */
    };
    u64 imm;    /* immediate, sign-extended where the manual says so; jumps: the displacement; far pointers: selector << 32 | offset */
    i64 disp;   /* memory operand; RIP-relative ones include the offset of the next instruction in the page */
    u8  base, index, scale; /* register numbers (R_ZERO: none; R_IPBASE: RIP-relative), shift */
    u8  seg;                /* enum seg_name of the memory operand */
    u8  ea_shift;           /* offset mask = ~0ull >> ea_shift */
    u8  mem;                /* r/m is memory */
    u8  reg, rm, vreg;      /* byte offsets of general registers in cpu->regs (AH is 1), or plain numbers of other registers (XMM, MMX, ST, segment, CR) */
    u8  w;                  /* operand width in bytes: 1, 2, 4, 8 */
    u8  opsize, asize;      /* effective operand and address size: 2, 4, 8 */
    u8  length;
    u8  number;             /* 1-based place in its block: instructions retired after it */
    u8  rep;                /* enum insn_rep (REPS rows) */
    u8  lock;
    u16 offset;             /* of its first byte in the page */
    u16 row;                /* index in the table of rows */
    u16 opcode;             /* map << 8 | last opcode byte */
    u8  modrm;
    u8  rex_w;
};

struct decoder;

/* A decoder knows one processor model: rows that it lacks are #UD. */
struct decoder *decoder_create(const struct cpu_features *features);
void            decoder_destroy(struct decoder *decoder);

enum decode_status {
    DECODE_OK,
    DECODE_MORE, /* the instruction goes on past `available` bytes */
    DECODE_BAD,  /* *rule says what is wrong (#UD or #GP); the length is that of what was looked at */
};

/* Decodes the instruction at `bytes`, of which `available` (1..15) may be read. `code_bytes`: 2, 4, 8 (64-bit mode). `offset`: of its
 * first byte in its page. fn and op/link are left to the executor. */
enum decode_status decode(const struct decoder *decoder, const u8 *bytes, unsigned available, unsigned code_bytes, unsigned offset,
                          struct insn *insn, enum rule *rule);

extern const struct row row_table[];
extern const unsigned   row_count;

#endif
