/*
 * decode.c: the decoder: prefixes, opcode maps, ModRM, SIB, displacement, immediates.
 *
 * Intel SDM Vol. 2 chapter 2 and appendix A. EVEX is not known.
 */
#include "cpu/decode.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"

/* Where a register number comes from; 8: of byte registers. */
enum register_field { FIELD_NONE, FIELD_GPR, FIELD_GPR8, FIELD_NUMBER, FIELD_LOW /* three bits, whatever REX says */, FIELD_OPCODE, FIELD_OPCODE8 };
enum immediate { IMMEDIATE_NONE, IMMEDIATE_U8, IMMEDIATE_S8, IMMEDIATE_Z, IMMEDIATE_V };
enum mod { MOD_NONE, MOD_ANY, MOD_MEMORY, MOD_REGISTER, MOD_IGNORED };

/* A row of opcodes.def, and what follows from it. */
struct encoding {
    u32  attr;
    u16  row, slash;
    u8   prefix;
    u8   mod;      /* enum mod: what the ModRM byte's may be, if there is one */
    u8   reg, rm;  /* enum register_field */
    u8   immediate;
    bool odd;      /* has operands that reg, rm and immediate do not describe */
    bool has_y;    /* is as wide as REX.W says, whatever the operand size */
};

struct opcode {
    u16  first; /* in list */
    u8   count;
    bool modrm;
    bool lacking; /* the model lacks a row of this opcode */
};

struct decoder {
    struct opcode entry[OPCODE_MAPS][256];
    struct encoding *list; /* by opcode */

    const struct cpu_features *features;
};

/* The bytes still to be read. */
struct cursor {
    const u8 *bytes;
    unsigned  pos, available;
    bool      more;
};

ALWAYS_INLINE u64 take(struct cursor *c, unsigned size)
{
    if (c->pos + size > c->available) {
        c->more = true;
        return 0;
    }
    u64 v = load_le(c->bytes + c->pos, size);
    c->pos += size;
    return v;
}

ALWAYS_INLINE u64 take_signed(struct cursor *c, unsigned size)
{
    u64 v = take(c, size);
    return size == 8 ? v : (u64)((i64)(v << (64 - 8 * size)) >> (64 - 8 * size));
}

enum modrm_use { NO_MODRM, REG_FIELD, RM_ANY, RM_MEMORY, RM_REGISTER };

static enum modrm_use modrm_use(unsigned operand)
{
    switch (OPERAND_CLASS(operand)) {
    case OPERAND_GPR_FIELD: case OPERAND_SEGMENT: case OPERAND_CONTROL: case OPERAND_DEBUG: case OPERAND_XMM_FIELD:
    case OPERAND_MMX_FIELD:
        return REG_FIELD;
    case OPERAND_RM: case OPERAND_RM_XMM: case OPERAND_RM_MMX: return RM_ANY;
    case OPERAND_MEMORY: return RM_MEMORY;
    case OPERAND_RM_GPR: case OPERAND_XMM: case OPERAND_MMX: return RM_REGISTER;
    case OPERAND_ST: return operand == STi ? RM_REGISTER : NO_MODRM;
    default: return NO_MODRM;
    }
}

static bool row_has_modrm(const struct row *row)
{
    if (row->slash != __) {
        return true;
    }
    for (unsigned k = 0; k < 4; k++) {
        if (modrm_use(row->operand[k]) != NO_MODRM) {
            return true;
        }
    }
    return false;
}

/* MOV to and from control and debug registers ignores mod: SDM Vol. 2 MOV. */
static bool row_moves_control(const struct row *row)
{
    return row->operand[0] == Cd || row->operand[0] == Dd || row->operand[1] == Cd || row->operand[1] == Dd;
}

static enum mod mod_of(const struct row *row)
{
    enum mod mod = row_has_modrm(row) ? MOD_ANY : MOD_NONE;
    if (row_moves_control(row)) {
        return MOD_IGNORED;
    }
    for (unsigned k = 0; k < 4; k++) {
        enum modrm_use use = modrm_use(row->operand[k]);
        mod                = use == RM_MEMORY ? MOD_MEMORY : use == RM_REGISTER ? MOD_REGISTER : mod;
    }
    return mod;
}

/* False: the operand is of a rarer kind. */
static bool describe_operand(struct encoding *f, unsigned operand)
{
    switch (operand) {
    case Gb: f->reg = FIELD_GPR8; return true;
    case Gw: case Gd: case Gq: case Gv: case Gy: f->reg = FIELD_GPR; return true;
    case Vx: case Cd: case Dd: f->reg = FIELD_NUMBER; return true;
    case Pq: case Sw: f->reg = FIELD_LOW; return true;
    case Eb: f->rm = FIELD_GPR8; return true;
    case Ew: case Ed: case Eq: case Ev: case Ey: case Rv: case Ry: case Rw: case Rd: case Rq: f->rm = FIELD_GPR; return true;
    case Wx: case Wo: case Wq: case Wd: case Ww: case Wb: case Ux: f->rm = FIELD_NUMBER; return true;
    case Qq: case Qd: case Nq: case STi: f->rm = FIELD_LOW; return true;
    case Zb: f->rm = FIELD_OPCODE8; return true;
    case Zv: case Zw: f->rm = FIELD_OPCODE; return true;
    case Ib: f->immediate = IMMEDIATE_U8; return true;
    case sIb: case Jb: f->immediate = IMMEDIATE_S8; return true;
    case Iz: case Jz: f->immediate = IMMEDIATE_Z; return true;
    case Iv: f->immediate = IMMEDIATE_V; return true;
    case Iw: case Ap: case Ob: case Ov: case By: case Hx: case Lx: case I1: return false;
    case sES: case sCS: case sSS: case sDS: case sFS: case sGS: return false;
    default: return true;
    }
}

static bool has_y_operand(const struct row *row)
{
    for (unsigned k = 0; k < 4; k++) {
        unsigned o = row->operand[k];
        if (o == Gy || o == Ey || o == Ry || o == My || o == By) {
            return true;
        }
    }
    return false;
}

static struct encoding describe(const struct row *row)
{
    struct encoding f = {.attr = row->attr, .row = (u16)(row - row_table), .slash = row->slash, .prefix = row->prefix, .mod = (u8)mod_of(row),
                     .has_y = has_y_operand(row)};
    for (unsigned k = 0; k < 4; k++) {
        f.odd |= !describe_operand(&f, row->operand[k]);
    }
    return f;
}

struct decoder *decoder_create(const struct cpu_features *features)
{
    struct decoder *d = calloc(1, sizeof *d);
    d->list           = calloc(row_count, sizeof *d->list);
    d->features       = features;
    unsigned used     = 0;
    for (unsigned r = 0; r < row_count; r++) {
        const struct row *row = &row_table[r];
        struct opcode    *o   = &d->entry[row->map][row->opcode];
        if (feature_on(features, row->feature)) {
            o->count++;
            o->modrm |= row_has_modrm(row);
        } else {
            o->lacking = true;
        }
    }
    for (unsigned k = 0; k < OPCODE_MAPS * 256; k++) {
        struct opcode *o = &d->entry[k >> 8][k & 255];
        o->first         = (u16)used;
        used += o->count;
        o->count = 0;
    }
    for (unsigned r = 0; r < row_count; r++) {
        const struct row *row = &row_table[r];
        struct opcode    *o   = &d->entry[row->map][row->opcode];
        if (feature_on(features, row->feature)) {
            d->list[o->first + o->count++] = describe(row);
        }
    }
    return d;
}

void decoder_destroy(struct decoder *decoder)
{
    if (decoder) {
        free(decoder->list);
        free(decoder);
    }
}

/* Everything that prefixes say. */
struct prefixes {
    bool opsize, addrsize, lock;
    u8   rep; /* the last of F2, F3 */
    u8   rex; /* 0: none */
    int  seg; /* override or -1 */
    bool vex;
    u8   vex_vvvv, vex_pp;
    bool vex_l, vex_w;
};

static u8 take_prefixes(struct cursor *c, unsigned code_bytes, struct prefixes *p)
{
    static const i8 seg_of[8] = {SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, 0, 0};
    for (;;) {
        u8 b = (u8)take(c, 1);
        if (c->more) {
            return 0;
        }
        switch (b) {
        case 0x66: p->opsize = true; break;
        case 0x67: p->addrsize = true; break;
        case 0xf0: p->lock = true; break;
        case 0xf2: p->rep = 0xf2; break;
        case 0xf3: p->rep = 0xf3; break;
        case 0x26: case 0x2e: case 0x36: case 0x3e: p->seg = seg_of[(b >> 3) & 3]; break;
        case 0x64: case 0x65: p->seg = seg_of[b & 7]; break;
        default:
            if (code_bytes == 8 && (b & 0xf0) == 0x40) {
                p->rex = b; /* counts only when the opcode follows at once: SDM Vol. 2 2.2.1 */
                continue;
            }
            return b;
        }
        p->rex = 0;
    }
}

/* C4/C5 after their first byte: SDM Vol. 2 2.3.5. Returns the opcode map, or OPCODE_MAPS. */
static unsigned take_vex(struct cursor *c, u8 first, unsigned code_bytes, struct prefixes *p)
{
    u8       b   = (u8)take(c, 1);
    unsigned map = 1, rex = 0x40;
    if (!(b & 0x80)) {
        rex |= 4;
    }
    if (first == 0xc4) {
        map = b & 31;
        rex |= (b & 0x40 ? 0 : 2) | (b & 0x20 ? 0 : 1);
        b = (u8)take(c, 1);
        rex |= b & 0x80 ? 8 : 0;
    }
    p->vex_w = rex & 8;
    if (code_bytes != 8) {
        rex &= 0x40; /* W too: it selects 64-bit general registers in 64-bit mode only */
    }
    p->vex      = true;
    p->rex      = (u8)rex;
    p->vex_vvvv = (~b >> 3) & (code_bytes == 8 ? 15 : 7);
    p->vex_l    = b & 4;
    p->vex_pp   = b & 3;
    return map == 1 ? M0F : map == 2 ? M38 : map == 3 ? M3A : OPCODE_MAPS;
}

/* Memory operand of a 16-bit address: SDM Vol. 2 table 2-1. */
static void take_address16(struct cursor *c, struct insn *i, unsigned mod, unsigned rm, unsigned *seg)
{
    static const u8 base[8]  = {R_BX, R_BX, R_BP, R_BP, R_SI, R_DI, R_BP, R_BX};
    static const u8 index[8] = {R_SI, R_DI, R_SI, R_DI, R_ZERO, R_ZERO, R_ZERO, R_ZERO};
    i->base                  = base[rm];
    i->index                 = index[rm];
    *seg                     = base[rm] == R_BP ? SEG_SS : SEG_DS;
    if (mod == 0 && rm == 6) {
        i->base = R_ZERO;
        *seg    = SEG_DS;
        i->disp = (i64)take_signed(c, 2);
    } else if (mod) {
        i->disp = (i64)take_signed(c, mod == 1 ? 1 : 2);
    }
}

/* 32- and 64-bit addresses: SDM Vol. 2 tables 2-2, 2-3, 2.2.1.6. Returns whether it is RIP-relative. */
static bool take_address32(struct cursor *c, struct insn *i, unsigned mod, unsigned rm, unsigned rex, unsigned code_bytes,
                           unsigned *seg)
{
    bool rip = false;
    if (rm == 4) {
        u8       sib   = (u8)take(c, 1);
        unsigned index = (sib >> 3 & 7) | (rex & 2) << 2;
        i->scale       = sib >> 6;
        i->index       = index == 4 ? R_ZERO : (u8)index;
        rm             = sib & 7;
        i->base        = (u8)(rm | (rex & 1) << 3);
        if (rm == 5 && mod == 0) {
            i->base = R_ZERO;
        }
    } else {
        i->base = (u8)(rm | (rex & 1) << 3);
        if (rm == 5 && mod == 0) {
            rip     = code_bytes == 8;
            i->base = rip ? R_IPBASE : R_ZERO;
        }
    }
    if (mod == 1) {
        i->disp = (i64)take_signed(c, 1);
    } else if (mod == 2 || i->base == R_ZERO || rip) {
        i->disp = (i64)take_signed(c, 4);
    }
    *seg = i->base == R_BP || i->base == R_SP ? SEG_SS : SEG_DS;
    return rip;
}

/* The byte offset of a general register in cpu->regs; AH..BH are byte 1 of the first four. */
static u8 gpr_at(unsigned number, bool byte, bool rex)
{
    if (byte && !rex && number >= 4 && number < 8) {
        return (u8)((number - 4) * 8 + 1);
    }
    return (u8)(number * 8);
}

/* A VEX.vvvv that names no operand must be 1111b: SDM Vol. 2 2.3.5.6. */
static bool vvvv_fits(const struct row *row, const struct prefixes *p)
{
    for (unsigned k = 0; k < 4; k++) {
        if (row->operand[k] == By || row->operand[k] == Hx) {
            return true;
        }
    }
    return !p->vex_vvvv;
}

/* What is wrong with the fields of the VEX prefix for this row: SDM Vol. 2 2.3.5, 2.3.6. */
static enum rule vex_rule(const struct row *row, const struct prefixes *p)
{
    if (!(row->attr & LIG) && !(row->attr & L1) != !p->vex_l) {
        return RULE_UD_VEX_L;
    }
    if ((row->attr & W0 && p->vex_w) || (row->attr & W1 && !p->vex_w)) {
        return RULE_UD_VEX_W;
    }
    return vvvv_fits(row, p) ? RULE_NONE : RULE_UD_VEX_VVVV;
}

static bool prefix_fits(const struct encoding *f, u8 opcode, const struct prefixes *p)
{
    static const u8 of_vex[4] = {NP, P66, PF3, PF2};
    if (p->vex || f->attr & VEX) {
        return p->vex && f->attr & VEX && f->prefix == of_vex[p->vex_pp];
    }
    switch (f->prefix) {
    case NP: return !p->opsize && !p->rep;
    case P66: return p->opsize && !p->rep;
    case PF3: return p->rep == 0xf3 && !(opcode == 0x90 && p->rex & 1 && row_table[f->row].map == M1); /* PAUSE is F3 90; F3 REX.B 90 exchanges R8 */
    case PF2: return p->rep == 0xf2;
    case NFX: return !p->rep;
    default: return true;
    }
}

static bool mod_fits(const struct encoding *f, u8 modrm, bool *register_only)
{
    bool memory = modrm < 0xc0;
    if (f->slash & 0x100) {
        return modrm == (f->slash & 0xff);
    }
    if (f->slash != __ && f->slash != (modrm >> 3 & 7)) {
        return false;
    }
    if (f->mod == MOD_MEMORY && !memory) {
        *register_only = true;
        return false;
    }
    return f->mod != MOD_REGISTER || !memory;
}

/* Is this an instruction that the model lacks? */
static bool lacks(const struct decoder *d, unsigned map, u8 opcode, u8 modrm, const struct prefixes *p)
{
    bool register_only;
    for (unsigned r = 0; d->entry[map][opcode].lacking && r < row_count; r++) {
        const struct row *row = &row_table[r];
        if (row->map == map && row->opcode == opcode && !feature_on(d->features, row->feature)) {
            struct encoding f = describe(row);
            if (prefix_fits(&f, opcode, p) && mod_fits(&f, modrm, &register_only)) {
                return true;
            }
        }
    }
    return false;
}

/* The first row that fits, or NULL and why. */
static const struct encoding *find_encoding(const struct decoder *d, unsigned map, u8 opcode, u8 modrm, const struct prefixes *p,
                                            unsigned code_bytes, enum rule *rule)
{
    bool                 register_only = false;
    enum rule            vex           = RULE_NONE;
    const struct opcode *o             = &d->entry[map][opcode];
    u32                  refused       = (code_bytes == 8 ? NO64 : ONLY64) | (p->vex ? 0u : p->rex & 8 ? W0 : W1);
    for (const struct encoding *f = &d->list[o->first], *end = f + o->count; f < end; f++) {
        if (f->attr & refused || !prefix_fits(f, opcode, p) || (o->modrm && !mod_fits(f, modrm, &register_only))) {
            continue;
        }
        enum rule wrong = p->vex ? vex_rule(&row_table[f->row], p) : RULE_NONE;
        if (wrong == RULE_NONE) {
            return f;
        }
        vex = vex == RULE_NONE || vex == RULE_UD_VEX_L ? wrong : vex; /* of the form that comes nearest */
    }
    *rule = vex != RULE_NONE                  ? vex
            : lacks(d, map, opcode, modrm, p) ? RULE_UD_FEATURE
            : register_only                   ? RULE_UD_REGISTER_FORM
                                              : RULE_UD_OPCODE;
    return NULL;
}

static u8 operand_width(const struct encoding *f, const struct prefixes *p, unsigned opsize)
{
    return (u8)(f->attr & BYTE ? 1 : !f->has_y ? opsize : p->rex & 8 ? 8 : 4);
}

static unsigned operand_size(const struct encoding *f, const struct prefixes *p, unsigned code_bytes)
{
    if (code_bytes == 8) {
        if (p->rex & 8 || f->attr & F64) {
            return 8;
        }
        return p->opsize ? 2 : f->attr & D64 ? 8 : 4;
    }
    return (code_bytes == 2) != p->opsize ? 2 : 4;
}

/* A register that a field of the ModRM byte names, or the opcode; `high`: bit 3 of the number. */
static u8 take_field(enum register_field field, unsigned low, unsigned high, u8 opcode, const struct prefixes *p)
{
    switch (field) {
    case FIELD_GPR: return gpr_at(low | high, false, p->rex);
    case FIELD_GPR8: return gpr_at(low | high, true, p->rex);
    case FIELD_NUMBER: return (u8)(low | high);
    case FIELD_LOW: return (u8)low;
    case FIELD_OPCODE: return gpr_at((opcode & 7) | high, false, p->rex);
    case FIELD_OPCODE8: return gpr_at((opcode & 7) | high, true, p->rex);
    default: return 0;
    }
}

/* The usual operands. */
static void take_described(struct cursor *c, const struct encoding *f, const struct prefixes *p, u8 modrm, u8 opcode, struct insn *i)
{
    i->reg = take_field((enum register_field)f->reg, modrm >> 3 & 7, (p->rex & 4) << 1, opcode, p);
    i->rm  = take_field((enum register_field)f->rm, modrm & 7, (p->rex & 1) << 3, opcode, p);
    switch ((enum immediate)f->immediate) {
    case IMMEDIATE_U8: i->imm = take(c, 1); break;
    case IMMEDIATE_S8: i->imm = take_signed(c, 1); break;
    case IMMEDIATE_Z: i->imm = i->opsize == 2 ? take_signed(c, 2) : take_signed(c, 4); break;
    case IMMEDIATE_V: i->imm = i->opsize == 8 ? take(c, 8) : i->opsize == 4 ? take_signed(c, 4) : take_signed(c, 2); break;
    default: break;
    }
}

/* Fills register fields and takes immediates, operand by operand, whatever they are. */
static void take_operands(struct cursor *c, const struct row *row, const struct prefixes *p, u8 modrm, u8 opcode, unsigned code_bytes,
                          struct insn *i)
{
    unsigned rex = p->rex, reg = (modrm >> 3 & 7) | (rex & 4) << 1, rm = (modrm & 7) | (rex & 1) << 3;
    bool     second = false; /* a second immediate: ENTER */
    for (unsigned k = 0; k < 4; k++) {
        unsigned o = row->operand[k];
        switch (o) {
        case Gb: i->reg = gpr_at(reg, true, rex); break;
        case Gw: case Gd: case Gq: case Gv: case Gy: i->reg = gpr_at(reg, false, rex); break;
        case Vx: case Cd: case Dd: i->reg = (u8)reg; break;
        case Pq: case Sw: i->reg = modrm >> 3 & 7; break;
        case Eb: i->rm = gpr_at(rm, true, rex); break;
        case Ew: case Ed: case Eq: case Ev: case Ey: case Rv: case Ry: case Rw: case Rd: case Rq:
            i->rm = gpr_at(rm, false, rex);
            break;
        case Wx: case Wo: case Wq: case Wd: case Ww: case Wb: case Ux: i->rm = (u8)rm; break;
        case Qq: case Qd: case Nq: case STi: i->rm = modrm & 7; break;
        case Zb: i->rm = gpr_at((opcode & 7) | (rex & 1) << 3, true, rex); break;
        case Zv: case Zw: i->rm = gpr_at((opcode & 7) | (rex & 1) << 3, false, rex); break;
        case By: i->vreg = gpr_at(p->vex_vvvv, false, rex); break;
        case Hx: i->vreg = p->vex_vvvv; break;
        case Lx: i->imm = take(c, 1) & (code_bytes == 8 ? 0xff : 0x7f); break;
        case sES: case sCS: case sSS: case sDS: case sFS: case sGS:
            *(k ? &i->vreg : &i->reg) = (u8)OPERAND_VARIANT(o);
            break;
        case Ib:
            if (second) {
                i->imm |= take(c, 1) << 16;
            } else {
                i->imm = take(c, 1);
            }
            break;
        case I1: i->imm = 1; break;
        case sIb: case Jb: i->imm = take_signed(c, 1); break;
        case Iw:
            i->imm = take(c, 2);
            second = true;
            break;
        case Iz: case Jz: i->imm = take_signed(c, i->opsize == 2 ? 2 : 4); break;
        case Iv: i->imm = take_signed(c, i->opsize); break;
        case Ap:
            i->imm = take(c, i->opsize);
            i->imm |= take(c, 2) << 32;
            break;
        case Ob: case Ov:
            i->mem  = 1;
            i->disp = (i64)take(c, i->asize);
            break;
        default: break;
        }
    }
}

/* The bytes behind the ModRM byte are an SIB byte of 0 and the mark. */
static bool is_marked(struct cursor *c, unsigned asize)
{
    if (asize == 2) {
        return false;
    }
    u64 sib = take(c, 1), mark = take(c, 4);
    if (c->more) {
        return true;
    }
    c->pos -= 5;
    return !sib && mark == HYPERCALL_MARK;
}

/* ES, CS, SS and DS are flat in 64-bit mode. */
static u8 final_segment(unsigned default_seg, int override, unsigned code_bytes)
{
    unsigned seg = override >= 0 ? (unsigned)override : default_seg;
    if (code_bytes == 8 && seg != SEG_FS && seg != SEG_GS) {
        return default_seg == SEG_SS ? SEG_FLAT_STACK : SEG_FLAT;
    }
    return (u8)seg;
}

enum decode_status decode(const struct decoder *decoder, const u8 *bytes, unsigned available, unsigned mode,
                          unsigned offset, struct insn *i, enum rule *rule)
{
    struct cursor   c   = {.bytes = bytes, .available = available < 15 ? available : 15};
    struct prefixes p   = {.seg = -1};
    unsigned        map = M1, code_bytes = mode & 15;
    bool            rip = false;

    memset(i, 0, sizeof *i);
    i->base = i->index = R_ZERO;
    i->offset          = (u16)offset;
    *rule              = RULE_NONE;

    u8 opcode = take_prefixes(&c, code_bytes, &p);
    if (opcode == 0x0f && !c.more) {
        map    = M0F;
        opcode = (u8)take(&c, 1);
        if (!c.more && (opcode == 0x38 || opcode == 0x3a)) {
            map    = opcode == 0x38 ? M38 : M3A;
            opcode = (u8)take(&c, 1);
        }
    } else if ((opcode == 0xc4 || opcode == 0xc5) && !c.more) {
        u8 next = (u8)take(&c, 1);
        c.pos -= c.more ? 0 : 1;
        if (code_bytes == 8 || next >= 0xc0) {
            bool bad = p.rex || p.opsize || p.rep || p.lock;
            map      = take_vex(&c, opcode, code_bytes, &p);
            opcode   = (u8)take(&c, 1);
            if (!c.more && (bad || map == OPCODE_MAPS || mode & DECODE_REAL)) {
                *rule     = mode & DECODE_REAL ? RULE_UD_VEX_REAL : bad ? RULE_UD_VEX_PREFIX : RULE_UD_VEX_MAP;
                i->length = (u8)c.pos;
                return DECODE_BAD;
            }
        }
    }
    if (c.more) {
        goto more;
    }

    u8 modrm = 0;
    if (decoder->entry[map][opcode].modrm) {
        modrm = (u8)take(&c, 1);
        if (c.more) {
            goto more;
        }
    }
    const struct encoding *f = find_encoding(decoder, map, opcode, modrm, &p, code_bytes, rule);
    if (!f) {
        i->length = (u8)c.pos;
        return DECODE_BAD;
    }

    unsigned asize = code_bytes == 8 ? (p.addrsize ? 4 : 8) : (code_bytes == 2) != p.addrsize ? 2 : 4;
    if (unlikely(f->attr & MARKED) && !is_marked(&c, asize)) {
        f++;
    }
    if (c.more) {
        goto more;
    }

    i->row    = f->row;
    i->opcode = (u16)(map << 8 | opcode);
    i->modrm  = modrm;
    i->rex_w  = p.rex >> 3 & 1;
    i->notrack = p.seg == SEG_DS;
    i->opsize = (u8)operand_size(f, &p, code_bytes);
    i->w      = operand_width(f, &p, i->opsize);
    i->asize  = (u8)asize;
    i->lock   = p.lock;
    if (f->attr & REPS) {
        i->rep = p.rep == 0xf3 ? REP_E : p.rep == 0xf2 ? REP_NE : REP_NONE;
    }

    unsigned seg = SEG_DS;
    i->ea_shift  = (u8)(64 - 8 * i->asize);
    if (modrm < 0xc0 && f->mod != MOD_NONE && f->mod != MOD_IGNORED) {
        i->mem = 1;
        u8 sib = c.pos < c.available ? bytes[c.pos] : 0;
        if (i->asize == 2) {
            take_address16(&c, i, modrm >> 6, modrm & 7, &seg);
        } else {
            rip = take_address32(&c, i, modrm >> 6, modrm & 7, p.rex, code_bytes, &seg);
        }
        if (f->attr & VSIB) {
            if (!c.more && (i->asize == 2 || (modrm & 7) != 4)) {
                *rule     = RULE_UD_VSIB;
                i->length = (u8)c.pos;
                return DECODE_BAD;
            }
            i->index = R_ZERO;
            i->rm    = (sib >> 3 & 7) | (p.rex & 2) << 2;
        }
    }
    i->seg = final_segment(seg, p.seg, code_bytes);
    if (f->odd) {
        take_operands(&c, &row_table[f->row], &p, modrm, opcode, code_bytes, i);
    } else {
        take_described(&c, f, &p, modrm, opcode, i);
    }
    if (c.more) {
        goto more;
    }
    i->length = (u8)c.pos;
    if (rip) {
        i->disp += (i64)(offset + c.pos);
    }
    if (p.lock && !(f->attr & LOCKABLE && i->mem)) {
        *rule = RULE_UD_LOCK;
        return DECODE_BAD;
    }
    return DECODE_OK;

more:
    if (available >= 15) {
        *rule     = RULE_GP_LENGTH;
        i->length = 15;
        return DECODE_BAD;
    }
    return DECODE_MORE;
}
