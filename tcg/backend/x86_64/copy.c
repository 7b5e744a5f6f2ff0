/*
 * copy.c: instructions that the host executes as what they are, with registers and memory operand substituted.
 */
#include "tcg/backend/x86_64/emit.h"

/* A general register operand. */
struct gpr {
    bool         used, written;
    unsigned     at, bytes; /* where in cpu->regs, how wide */
    struct place place;
};

/* What stands in the ModRM byte and beside it. */
struct operands {
    struct gpr rm, reg, vvvv;
    bool       has_modrm, memory, in_opcode; /* in_opcode: rm is in the opcode's low bits */
    unsigned   memory_bytes;
    bool       memory_written;
    unsigned   live; /* NATIVE_LIVE_: which register files it touches besides */
};

static bool is_x87(const struct insn *i)
{
    return i->opcode >> 8 == M1 && (i->opcode & 0xf8) == 0xd8;
}

/* Instructions of the classic kind, whose operand size prefix and REX.W say how wide they are. */
static bool is_integer(const struct operands *o, const struct insn *i)
{
    return !o->live && !is_x87(i);
}

static bool is_crc32(const struct insn *i)
{
    return (i->opcode & ~1u) == (M38 << 8 | 0xf0) && row_table[i->row].prefix == PF2;
}

static unsigned operand_bytes(const struct insn *i, unsigned operand, bool integer)
{
    switch (OPERAND_WIDTH(operand)) {
    case 0:
        if (OPERAND_VARIANT(operand) == 1 && OPERAND_CLASS(operand) != OPERAND_IMMEDIATE) { /* y */
            return (integer ? i->w == 8 : i->rex_w) ? 8 : 4;
        }
        return i->w;
    case OPERAND_X: return row_table[i->row].attr & L1 ? 32 : 16;
    case OPERAND_O: return 16;
    case OPERAND_T: return 10;
    default: return OPERAND_WIDTH(operand);
    }
}

unsigned copy_live(const struct insn *i)
{
    const struct row *row  = &row_table[i->row];
    unsigned          live = is_x87(i) || row->feature == FEATURE_MMX ? NATIVE_LIVE_X87 : 0;
    if (row_is_avx(row)) {
        return NATIVE_LIVE_XMM | NATIVE_LIVE_YMM;
    }
    for (unsigned k = 0; k < 4; k++) {
        switch (row->operand[k] == __ ? 0 : OPERAND_CLASS(row->operand[k])) {
        case OPERAND_XMM_FIELD: case OPERAND_RM_XMM: case OPERAND_XMM: live |= NATIVE_LIVE_XMM; break;
        case OPERAND_MMX_FIELD: case OPERAND_RM_MMX: case OPERAND_MMX: live |= NATIVE_LIVE_X87; break;
        default: break;
        }
    }
    return i->opcode == (M0F << 8 | 0xae) ? NATIVE_LIVE_XMM : live; /* STMXCSR */
}

static struct operands find_operands(const struct insn *i, const struct rule_of_row *rule)
{
    const struct row *row     = &row_table[i->row];
    struct operands   o       = {.live = copy_live(i)};
    bool              integer = is_integer(&o, i), use = rule->how == USE || rule->how == USE_REG;
    struct form form = {.operand = {row->operand[0], row->operand[1], row->operand[2], row->operand[3]}, .mem = i->mem};
    for (unsigned k = 0; k < 4; k++) {
        unsigned operand = row->operand[k], bytes = operand == __ ? 0 : operand_bytes(i, operand, integer);
        if (operand == Ev && is_crc32(i)) {
            bytes = i->opsize;
        }
        bool     written = (k == 0 && !use) || (k == 1 && rule->how == SWAP);
        struct gpr gpr   = {.used = true, .written = written, .bytes = bytes};
        if (operand == __) {
            continue;
        }
        switch (OPERAND_CLASS(operand)) {
        case OPERAND_RM: case OPERAND_RM_GPR: case OPERAND_MEMORY: case OPERAND_MOFFS:
        case OPERAND_RM_XMM: case OPERAND_XMM: case OPERAND_RM_MMX: case OPERAND_MMX:
            o.has_modrm = true;
            if (i->mem || OPERAND_CLASS(operand) == OPERAND_MOFFS) {
                o.memory         = true;
                o.memory_bytes   = bytes;
                o.memory_written = written;
            } else if (OPERAND_CLASS(operand) == OPERAND_RM || OPERAND_CLASS(operand) == OPERAND_RM_GPR) {
                o.rm    = gpr;
                o.rm.at = i->rm;
            }
            break;
        case OPERAND_GPR_FIELD:
            o.has_modrm = true;
            o.reg       = gpr;
            o.reg.at    = i->reg;
            break;
        case OPERAND_OPCODE_GPR:
            o.in_opcode = true;
            o.rm        = gpr;
            o.rm.at     = form_register(&form, i, k);
            break;
        case OPERAND_VVVV:
            o.vvvv    = gpr;
            o.vvvv.at = i->vreg;
            break;
        default: break;
        }
    }
    if (i->opcode == (M0F << 8 | 0xc7)) { /* CMPXCHG8B, CMPXCHG16B */
        o.memory_bytes = i->rex_w ? 16 : 8;
    }
    return o;
}

static struct opcode opcode_of(const struct insn *i, const struct operands *o)
{
    static const u8   mandatory[] = {[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2, [NFX] = 0};
    const struct row *row         = &row_table[i->row];
    struct opcode     op = {.map = row->map, .byte = (u8)(i->opcode & 0xff), .mandatory = mandatory[row->prefix], .vex = row->attr & VEX,
                        .l = row->attr & L1};
    if (op.map == M1 && op.byte == 0x82) {
        op.byte = 0x80; /* its alias is gone in 64-bit mode */
    }
    if (op.map == MAP_38 && (op.byte & 0xfe) == 0xf0 && op.mandatory == 0x66) {
        op.mandatory = 0; /* MOVBE: the prefix is the operand size's, which may be another one here */
    }
    if (is_integer(o, i)) {
        op.size16 = i->w == 2 && !op.vex && i->opcode != (M0F << 8 | 0xc7);
        if (is_crc32(i)) { /* its destination has another size than its source */
            op.size16 = i->opcode & 1 && i->opsize == 2;
        }
        op.wide   = i->w == 8 || (i->opcode == (M0F << 8 | 0xc7) && i->rex_w);
    } else {
        op.wide = (i->rex_w && !is_x87(i)) || (op.vex && row->attr & W1);
    }
    return op;
}

static void put_immediate(struct out *o, const struct insn *i)
{
    const struct row *row = &row_table[i->row];
    for (unsigned k = 0; k < 4; k++) {
        switch (row->operand[k]) {
        case Ib: case sIb: case Lx: put8(o, (u8)i->imm); return;
        case Iw: put16(o, (u16)i->imm); return;
        case Iz: case Iv:
            if (i->w == 2) {
                put16(o, (u16)i->imm);
            } else if (i->w == 8 && row->operand[k] == Iv) {
                put64(o, i->imm);
            } else {
                put32(o, (u32)i->imm);
            }
            return;
        default: break;
        }
    }
}

bool copy_memory(const struct emit *e, const struct insn *i, unsigned *size, bool *write)
{
    struct operands o = find_operands(i, &e->rules[i->row]);
    *size             = o.memory_bytes;
    *write            = o.memory_written;
    return o.memory;
}

u16 copy_writes(const struct emit *e, const struct insn *i)
{
    struct operands o    = find_operands(i, &e->rules[i->row]);
    u16             mask = 0;
    const struct gpr *const gprs[] = {&o.rm, &o.reg, &o.vvvv};
    for (unsigned k = 0; k < ARRAY_LEN(gprs); k++) {
        if (gprs[k]->used && gprs[k]->written) {
            mask |= (u16)(1u << (gprs[k]->at >> 3));
        }
    }
    if (!o.has_modrm && !o.in_opcode && !is_x87(i)) {
        return row_is_avx(&row_table[i->row]) ? 0 : 0xffff; /* names no operand */
    }
    switch (i->opcode) {
    case 0xa0: case 0xa1: case 0xf6: case 0xf7: case M0F << 8 | 0xb0: case M0F << 8 | 0xb1: case M0F << 8 | 0xc7: return mask | 1u << R_AX | 1u << R_DX;
    case M3A << 8 | 0x61: case M3A << 8 | 0x63: return mask | 1u << R_CX;
    default: break;
    }
    if (o.in_opcode || is_x87(i)) {
        mask |= 1u << R_AX; /* XCHG, FNSTSW */
    }
    return mask;
}

/* ---- x87's record of its last instruction */

/* FLDCW, FNSTSW and their like leave no record. */
static bool is_control(const struct insn *i)
{
    switch (i->opcode & 0xff) {
    case 0xd9: case 0xdd: return i->mem && (i->modrm >> 3 & 7) >= 4;
    case 0xdf: return i->modrm == 0xe0 && !i->mem;
    default: return false;
    }
}

/* Whether the next instruction overwrites the record before anybody can see it. */
static bool record_is_dead(const struct emit *e, const struct insn *i)
{
    const struct insn *next = i + 1;
    return (unsigned)(next - e->block->insn) < e->block->count && next->row != ROW_NONE && is_x87(next) && !next->mem &&
           e->rules[next->row].how == COPY && !is_control(next);
}

static void copy_selector(struct out *o, struct rm to, unsigned seg)
{
    put_zext(o, 2, T2, rm_cpu(offsetof(struct cpu, seg) + seg * sizeof(struct segment) + offsetof(struct segment, selector)));
    put_store(o, 2, to, T2);
}

/* FOP, FIP, FCS, FDP, FDS (SDM Vol. 1 8.1.8). */
static void record_x87(struct emit *e, const struct insn *i)
{
    struct out *o = &e->hot;
    if (i->mem) {
        put_lea(o, i->asize == 8 ? 8 : 4, T2, memory_offset(e, i));
        if (i->asize == 2) {
            put_zext(o, 2, T2, rm_reg(T2));
        }
        put_store(o, 8, CPU(x87.dp), T2);
        copy_selector(o, CPU(x87.dp_selector), i->seg);
    }
    if (record_is_dead(e, i)) {
        return;
    }
    put_load(o, 8, T2, CPU(regs[R_IPBASE]));
    put_lea(o, e->code_bytes == 8 ? 8 : 4, T2, rm_mem(T2, i->offset));
    put_store(o, 8, CPU(x87.ip), T2);
    copy_selector(o, CPU(x87.ip_selector), SEG_CS);
    put_store_imm(o, 2, CPU(x87.opcode), (u32)((i->opcode & 7) << 8 | i->modrm));
}

/* ---- one instruction */

static void bring(struct emit *e, struct gpr *g, unsigned temp, bool rex)
{
    if (g->used) {
        g->place = operand_in(e, g->at, temp, rex);
    }
}

static void take_back(struct emit *e, const struct gpr *g)
{
    if (g->used && g->written) {
        operand_out(e, g->at, g->bytes, g->place);
    }
}

static bool byte_wants_rex(const struct gpr *g)
{
    return g->used && g->bytes == 1 && !g->place.high && g->place.reg >= RSP;
}

/* The opcode's bytes with its operands. */
static void put_encoded(struct emit *e, struct opcode op, const struct operands *o, struct rm rm)
{
    const struct insn *i   = e->insn;
    const struct row  *row = &row_table[i->row];
    struct out        *out = &e->hot;
    if (is_x87(i) && !i->mem) {
        put8(out, op.byte);
        put8(out, i->modrm);
    } else if (o->in_opcode && op.map == M1 && (op.byte & 0xf0) == 0x40) { /* 40-4F are REX prefixes here */
        unsigned digit = op.byte >> 3 & 1;
        op.byte        = 0xff;
        put_insn(out, op, digit, rm);
    } else if (o->in_opcode) {
        put_in_opcode(out, op, rm.reg);
    } else if (o->has_modrm && OPERAND_CLASS(row->operand[0]) != OPERAND_MOFFS && OPERAND_CLASS(row->operand[1]) != OPERAND_MOFFS) {
        bool     field = row->slash != __;
        unsigned reg   = o->reg.used ? o->reg.place.reg : field ? i->modrm >> 3 & 7u : i->reg;
        put_insn(out, op, reg, rm);
    } else if (o->memory) { /* A0-A3 hold an absolute address */
        op.byte = op.byte == 0xa0 ? 0x8a : op.byte == 0xa1 ? 0x8b : op.byte == 0xa2 ? 0x88 : 0x89;
        put_insn(out, op, RAX, rm);
    } else {
        put_bare(out, op);
    }
    put_immediate(out, i);
}

/* The register with the result that undefined flags are derived from. */
static unsigned result_of(struct emit *e, const struct operands *o, struct flags_effect f)
{
    if (f.undefined == PRODUCT && !(o->reg.used && o->reg.written)) {
        return RAX;
    }
    unsigned reg = f.undefined >= SHL ? o->rm.place.reg : o->vvvv.written ? o->vvvv.place.reg : o->reg.place.reg;
    if (reg == T2) {
        put_mov(&e->hot, 8, T1, T2);
        return T1;
    }
    return reg;
}

bool copy_must_call(const struct emit *e, const struct insn *i)
{
    const struct rule_of_row *rule          = &e->rules[i->row];
    struct operands           o             = find_operands(i, rule);
    bool                      register_only = rule->how == COPY_REG || rule->how == USE_REG;
    struct flags_effect f = flags_effect(rule, i);
    bool from_result      = f.undefined >= ROL || (f.undefined >= SHL && f.by_cl); /* which is to be in a register */
    /* outside 64-bit mode VZEROUPPER leaves YMM8 to YMM15 alone */
    bool few_registers    = row_is_avx(&row_table[i->row]) && !o.has_modrm && e->code_bytes != 8;
    bool no_room          = o.vvvv.used && host_of(o.vvvv.at >> 3) == NO_REG; /* it takes the place of an address */
    bool one_target       = o.vvvv.written && o.reg.used && o.vvvv.at == o.reg.at; /* of MULX's two */
    return (o.memory && (register_only || no_room || from_result)) || one_target || o.live & ~copy_live_usable(e->mode) || few_registers;
}

void lower_copy(struct emit *e)
{
    const struct insn  *i   = e->insn;
    const struct row   *row = &row_table[i->row];
    struct operands     o   = find_operands(i, e->rule);
    struct flags_effect f   = flags_effect(e->rule, i);
    struct opcode       op  = opcode_of(i, &o);
    struct rm           rm  = rm_reg(o.rm.used ? 0 : i->rm);
    if (copy_must_call(e, i)) {
        lower_call(e);
        return;
    }
    if (i->opcode >> 8 == M1 && (i->opcode & 0xf8) == 0x90 && o.rm.at == R_AX * 8) {
        return; /* NOP */
    }
    if (f.by_cl && e->needed_now) { /* for a count of zero */
        flags_save(e);
    }
    if (o.memory) {
        bool aligned = row->attr & ALIGN16 || (o.memory_bytes == 16 && !op.vex && (row->operand[0] == Mx || op.byte == 0xc7));
        rm           = memory_operand(e, o.memory_bytes, o.memory_written, aligned);
    }
    if (is_x87(i) && !is_control(i)) {
        if (o.memory) { /* the record takes the registers that hold the operand's address */
            put_lea(&e->hot, 8, T2, rm);
            put_store(&e->hot, 8, CPU(host.spare), T2);
        }
        record_x87(e, i);
        if (o.memory) {
            put_load(&e->hot, 8, T1, CPU(host.spare));
            rm = rm_mem(T1, 0);
        }
    }
    if (e->rule->notes & RULE_CLEARS_C1) { /* FDECSTP, FINCSTP */
        put32(&e->hot, 0xf7d9f6d9);
    }
    flags_need(e, f.merges && f.writes && e->needed_now ? FLAG_ARITH : flags_read_by(e->rule, i));
    bool rex = o.memory || op.wide || (o.rm.used && operand_wants_rex(o.rm.at)) || (o.reg.used && operand_wants_rex(o.reg.at)) ||
               (f.undefined >= SHL && e->needed_now);
    bring(e, &o.vvvv, T0, true);
    bring(e, &o.rm, T1, rex);
    bring(e, &o.reg, T2, rex);
    if (o.rm.used) {
        rm = rm_reg(o.rm.place.reg);
    }
    op.vvvv = o.vvvv.used ? o.vvvv.place.reg : i->vreg; /* which is 0, and 1111b, for no operand */
    op.rex  = byte_wants_rex(&o.rm) || byte_wants_rex(&o.reg);
    struct rm count = rm_reg(RCX);
    if (f.by_cl && e->needed_now && !o.memory && rm.reg == RCX) {
        put_store(&e->hot, 1, CPU(host.count), RCX);
        count = CPU(host.count);
    }
    put_encoded(e, op, &o, rm);
    take_back(e, &o.reg); /* first: XADD of a register with itself leaves the sum */
    take_back(e, &o.rm);
    take_back(e, &o.vvvv);
    if (f.writes) {
        flags_written(e, f, f.undefined == DEFINED ? 0 : result_of(e, &o, f), f.by_cl ? &count : NULL);
    }
}

/* ---- others of the kind */

/* BSF, BSR: our flags follow the source, on every host. */
void lower_scan(struct emit *e)
{
    const struct insn *i = e->insn;
    struct operands    o = find_operands(i, e->rule);
    struct out        *h = &e->hot;
    if (o.memory) {
        put_op(h, 0x8b, i->w, T1, memory_operand(e, o.memory_bytes, false, false));
    } else {
        struct place source = operand_in(e, i->rm, T1, true);
        if (source.reg != T1) {
            put_mov(h, 8, T1, source.reg);
        }
    }
    bring(e, &o.reg, T2, true);
    put_insn(h, (struct opcode){.map = MAP_0F, .byte = (u8)i->opcode, .wide = i->w == 8, .size16 = i->w == 2}, o.reg.place.reg, rm_reg(T1));
    take_back(e, &o.reg);
    put_op(h, 0x85, i->w, T1, rm_reg(T1));
    flags_written(e, (struct flags_effect){.writes = FLAG_ARITH}, 0, NULL);
}

void lower_lea(struct emit *e)
{
    const struct insn *i    = e->insn;
    struct out        *h    = &e->hot;
    unsigned           host = host_of(i->reg >> 3), to = host == NO_REG || i->w == 2 || i->asize == 2 ? (unsigned)T0 : host;
    put_lea(h, i->w == 8 && i->asize == 8 ? 8 : 4, to, memory_offset(e, i));
    if (i->asize == 2) {
        put_zext(h, 2, to, rm_reg(to));
    }
    if (host == NO_REG) {
        put_store(h, i->w == 2 ? 2 : 8, rm_cpu(i->reg), T0);
    } else if (to != host) {
        put_op(h, 0x8b, i->w, host, rm_reg(T0));
    }
}

/* While all exceptions stay masked. */
void lower_fldcw(struct emit *e)
{
    const struct insn *i = e->insn;
    struct out        *h = &e->hot;
    if (!(e->mode & MODE_X87)) {
        lower_call(e);
        return;
    }
    struct rm rm = memory_operand(e, 2, false, false);
    flags_clobber(e);
    put_zext(h, 2, T2, rm);
    put_insn(h, (struct opcode){.byte = 0xf7}, 2, rm_reg(T2)); /* not */
    put_insn(h, (struct opcode){.byte = 0xf6, .rex = true}, 0, rm_reg(T2));
    put8(h, 0x3f);
    put_jcc(h, CC_NE, leave_to_interpreter(e, i));
    put_insn(h, (struct opcode){.byte = 0xd9}, 5, rm);
}

/* DIV, IDIV, where it is plain that the quotient fits; elsewhere, and for #DE, the interpreter. Flags stay as they are. */
void lower_div(struct emit *e)
{
    const struct insn *i      = e->insn;
    struct out        *h      = &e->hot;
    bool               sign   = (i->modrm >> 3 & 7) == 7;
    struct rm          source = rm_reg(T2);
    if (i->w == 1) {
        lower_call(e);
        return;
    }
    flags_clobber(e);
    if (i->mem) {
        put_op(h, 0x8b, i->w, T2, memory_operand(e, i->w, false, false));
    } else {
        struct place p = operand_in(e, i->rm, T2, true);
        if (p.reg != T2) {
            put_mov(h, 8, T2, p.reg);
        }
    }
    const u8 *otherwise = leave_to_interpreter(e, i);
    if (!sign) {
        put_alu(h, ALU_CMP, i->w, RDX, source);
        put_jcc(h, CC_AE, otherwise); /* 0 too */
    } else {
        put_op(h, 0x8b, i->w, T0, rm_reg(RAX));
        put_shift_imm(h, SHIFT_SAR, i->w, T0, 8 * i->w - 1);
        put_alu(h, ALU_CMP, i->w, T0, rm_reg(RDX));
        put_jcc(h, CC_NE, otherwise);
        put_op(h, 0x8d, i->w == 8 ? 8 : 4, T0, rm_mem(T2, 1));
        put_alu_imm(h, ALU_CMP, i->w, rm_reg(T0), 1); /* -1 and 0 */
        put_jcc(h, CC_BE, otherwise);
    }
    put_op(h, 0xf7, i->w, sign ? 7 : 6, source);
}
