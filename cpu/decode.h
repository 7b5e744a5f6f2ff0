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

struct block;
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
 *   B VEX.vvvv general register   H VEX.vvvv XMM   L XMM in bits 7:4 of an immediate     ST(i) r/m x87 register
 * widths: b 8, w 16, d 32, q 64, v by operand size (16/32/64), z 16/32 (immediates: 32 sign-extended for 64), y 32 (64 with REX.W),
 *   p far pointer 16:16/32/64, x 128 (256 in rows with L1), o 128, t 80
 */
/* What an operand's name says, as bits: tests on a constant operand then cost a compiler nothing. */
enum operand_class {
    OPERAND_NONE, OPERAND_RM /* E */, OPERAND_GPR_FIELD /* G */, OPERAND_MEMORY /* M */, OPERAND_RM_GPR /* R */, OPERAND_IMMEDIATE /* I */,
    OPERAND_JUMP /* J */, OPERAND_FAR /* A */, OPERAND_MOFFS /* O */, OPERAND_OPCODE_GPR /* Z */, OPERAND_FIXED_GPR /* AL, CL, DX ... */,
    OPERAND_SOURCE /* X */, OPERAND_TARGET /* Y */, OPERAND_SEGMENT /* S */, OPERAND_CONTROL /* C */, OPERAND_DEBUG /* D */,
    OPERAND_VVVV /* B */, OPERAND_XMM_FIELD /* V */, OPERAND_RM_XMM /* W */, OPERAND_XMM /* U */, OPERAND_MMX_FIELD /* P */,
    OPERAND_RM_MMX /* Q */, OPERAND_MMX /* N */, OPERAND_ST /* ST(0), ST(i) */, OPERAND_FIXED_SEGMENT, OPERAND_VVVV_XMM /* H */,
};
/* width: 0 that of the instruction, 1, 2, 4, 8 bytes, or one of these; variant: tells apart what is alike otherwise, or names the
 * fixed register. */
enum { OPERAND_P = 9, OPERAND_X = 10, OPERAND_T = 11, OPERAND_ANY = 12, OPERAND_O = 13 };
#define OPERAND(class, width, variant) ((OPERAND_##class) << 8 | (width) << 4 | (variant))
#define OPERAND_CLASS(o)               ((unsigned)(o) >> 8)
#define OPERAND_WIDTH(o)               ((unsigned)(o) >> 4 & 15)
#define OPERAND_VARIANT(o)             ((unsigned)(o)&15)

enum operand {
    __ = 0xff, /* none; in the slash column: any ModRM */
    Eb = OPERAND(RM, 1, 0),
    Ew = OPERAND(RM, 2, 0),
    Ed = OPERAND(RM, 4, 0),
    Eq = OPERAND(RM, 8, 0),
    Ev = OPERAND(RM, 0, 0),
    Ey = OPERAND(RM, 0, 1),
    Gb = OPERAND(GPR_FIELD, 1, 0),
    Gw = OPERAND(GPR_FIELD, 2, 0),
    Gd = OPERAND(GPR_FIELD, 4, 0),
    Gq = OPERAND(GPR_FIELD, 8, 0),
    Gv = OPERAND(GPR_FIELD, 0, 0),
    Gy = OPERAND(GPR_FIELD, 0, 1),
    Mb = OPERAND(MEMORY, 1, 0),
    Mw = OPERAND(MEMORY, 2, 0),
    Md = OPERAND(MEMORY, 4, 0),
    Mq = OPERAND(MEMORY, 8, 0),
    Mv = OPERAND(MEMORY, 0, 0),
    My = OPERAND(MEMORY, 0, 1),
    Mp = OPERAND(MEMORY, OPERAND_P, 0),
    Mx = OPERAND(MEMORY, OPERAND_X, 0),
    Mo = OPERAND(MEMORY, OPERAND_O, 0),
    Mt = OPERAND(MEMORY, OPERAND_T, 0),
    M = OPERAND(MEMORY, OPERAND_ANY, 0),
    Rv = OPERAND(RM_GPR, 0, 0),
    Ry = OPERAND(RM_GPR, 0, 1),
    Rw = OPERAND(RM_GPR, 2, 0),
    Rd = OPERAND(RM_GPR, 4, 0),
    Rq = OPERAND(RM_GPR, 8, 0),
    Ib = OPERAND(IMMEDIATE, 1, 0), /* unsigned byte */
    sIb = OPERAND(IMMEDIATE, 1, 1), /* sign-extended to the operand width */
    Iw = OPERAND(IMMEDIATE, 2, 0),
    Iz = OPERAND(IMMEDIATE, 0, 1),
    Iv = OPERAND(IMMEDIATE, 0, 0),
    I1 = OPERAND(IMMEDIATE, 1, 2), /* the constant 1 */
    Lx = OPERAND(IMMEDIATE, 1, 3),
    Jb = OPERAND(JUMP, 1, 0),
    Jz = OPERAND(JUMP, 0, 0),
    Ap = OPERAND(FAR, OPERAND_P, 0),
    Ob = OPERAND(MOFFS, 1, 0),
    Ov = OPERAND(MOFFS, 0, 0),
    Zb = OPERAND(OPCODE_GPR, 1, 0),
    Zv = OPERAND(OPCODE_GPR, 0, 0),
    Zw = OPERAND(OPCODE_GPR, 2, 0),
    AL = OPERAND(FIXED_GPR, 1, R_AX),
    AX = OPERAND(FIXED_GPR, 2, R_AX),
    rAX = OPERAND(FIXED_GPR, 0, R_AX), /* by operand size */
    eAX = OPERAND(FIXED_GPR, OPERAND_ANY, R_AX), /* of IN and OUT: 16 or 32 bits */
    CL = OPERAND(FIXED_GPR, 1, R_CX),
    DX = OPERAND(FIXED_GPR, 2, R_DX),
    Xb = OPERAND(SOURCE, 1, 0),
    Xv = OPERAND(SOURCE, 0, 0),
    Yb = OPERAND(TARGET, 1, 0),
    Yv = OPERAND(TARGET, 0, 0),
    Sw = OPERAND(SEGMENT, 2, 0),
    Cd = OPERAND(CONTROL, 4, 0),
    Dd = OPERAND(DEBUG, 4, 0),
    By = OPERAND(VVVV, 0, 1),
    Hx = OPERAND(VVVV_XMM, OPERAND_X, 0),
    Vx = OPERAND(XMM_FIELD, OPERAND_X, 0),
    Wx = OPERAND(RM_XMM, OPERAND_X, 0), /* W and the memory's size: 16, 8, 4, 2 bytes */
    Wq = OPERAND(RM_XMM, 8, 0),
    Wd = OPERAND(RM_XMM, 4, 0),
    Ww = OPERAND(RM_XMM, 2, 0),
    Wb = OPERAND(RM_XMM, 1, 0),
    Wo = OPERAND(RM_XMM, OPERAND_O, 0),
    Ux = OPERAND(XMM, OPERAND_X, 0),
    Pq = OPERAND(MMX_FIELD, 8, 0),
    Qq = OPERAND(RM_MMX, 8, 0),
    Qd = OPERAND(RM_MMX, 4, 0),
    Nq = OPERAND(MMX, 8, 0),
    ST0 = OPERAND(ST, 0, 0),
    STi = OPERAND(ST, 0, 1),
    sES = OPERAND(FIXED_SEGMENT, 2, SEG_ES),
    sCS = OPERAND(FIXED_SEGMENT, 2, SEG_CS),
    sSS = OPERAND(FIXED_SEGMENT, 2, SEG_SS),
    sDS = OPERAND(FIXED_SEGMENT, 2, SEG_DS),
    sFS = OPERAND(FIXED_SEGMENT, 2, SEG_FS),
    sGS = OPERAND(FIXED_SEGMENT, 2, SEG_GS),
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
    ALIGN16  = 1 << 8,  /* VEC: the memory operand of 16 bytes (L1: 32) must be aligned */
    STORE    = 1 << 9,  /* VEC: operand 0 is written to memory or register r/m, and is not read */
    VEX      = 1 << 10, /* VEX-encoded; VEX.L = 0 unless L1 or LIG */
    W0       = 1 << 11, /* REX.W (VEX.W) = 0 only */
    W1       = 1 << 12, /* REX.W (VEX.W) = 1 only */
    L1       = 1 << 13, /* VEX.L = 1: vectors of 256 bits */
    LIG      = 1 << 14, /* VEX.L does not matter */
    VSIB     = 1 << 15, /* the index of the memory operand is a vector register: its number is in insn->rm */
    READS    = 1 << 16, /* VEC: operand 0 is only read */
    MARKED   = 1 << 17, /* its memory operand is [eAX + eAX + HYPERCALL_MARK]; any other is that of the row behind it */
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
    u16         operand[4];
    const char *name;
    op_fn       op;  /* KIND_OP */
    vec_fn      vec; /* KIND_VEC */
};
enum opcode_map { M1, M0F, M38, M3A, OPCODE_MAPS };
enum mandatory_prefix { ANY, NP, P66, PF3, PF2, NFX /* neither F3 nor F2; 66 is the operand size */ };
enum meaning_kind { KIND_SEM, KIND_OP, KIND_VEC };

/* The displacement of the NOP that is a hypercall: the bytes "RING". */
#define HYPERCALL_MARK 0x474e4952

struct insn {
    exec_fn fn;
    union {
        op_fn              op;
        vec_fn             vec;
        struct block      *link; /* direct jumps inside the page: the target, once known */
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
    u8  rex_w : 1;
    u8  notrack : 1; /* prefix 3E: of near indirect branches */
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

/* May be added to code_bytes: real or virtual-8086 mode, where there is no VEX prefix. */
enum { DECODE_REAL = 16 };

/* Decodes the instruction at `bytes`, of which `available` (1..15) may be read. `code_bytes`: 2, 4, 8 (64-bit mode). `offset`: of its
 * first byte in its page. fn and op/link are left to the executor. */
enum decode_status decode(const struct decoder *decoder, const u8 *bytes, unsigned available, unsigned code_bytes, unsigned offset,
                          struct insn *insn, enum rule *rule);

extern const struct row row_table[];
extern const unsigned   row_count;

#endif
