/*
 * copy.c: instructions that the host executes as what they are, with registers and memory operand substituted.
 */
#include "tcg/backend/x86_64/emit.h"

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

unsigned copy_live(const struct row *row)
{
    bool     x87  = row->map == M1 && (row->opcode & 0xf8) == 0xd8;
    unsigned live = x87 || row->feature == FEATURE_MMX ? NATIVE_LIVE_X87 : 0;
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
    return row->map == M0F && row->opcode == 0xae ? NATIVE_LIVE_XMM : live; /* STMXCSR */
}

/* Whether it writes all of its destination, 4 bytes or more, without looking at it. */
static bool only_writes(const struct insn *i)
{
    switch (i->opcode >> 8 == M1 ? i->opcode & 0xf8 : i->opcode >> 8 == M0F ? 0x100u | (i->opcode & 0xfeu) : 0) {
    case 0x88: return (i->opcode & 0xff) <= 0x8b; /* MOV */
    case 0xb8: return true;
    case 0x60: return (i->opcode & 0xff) == 0x63 || (i->opcode & 0xfd) == 0x69; /* MOVSXD, IMUL of three operands */
    case 0x68: return (i->opcode & 0xfd) == 0x69;
    case 0xc0: return (i->opcode & 0xff) == 0xc7;
    case 0x1b6: case 0x1be: return true; /* MOVZX, MOVSX */
    default: return false;
    }
}

static void find_operands_anew(struct operands *o, const struct insn *i, const struct rule_of_row *rule)
{
    const struct row *row     = &row_table[i->row];
    struct form       form    = {.operand = {row->operand[0], row->operand[1], row->operand[2], row->operand[3]}, .mem = i->mem};
    *o                        = (struct operands){.live = rule->live};
    bool              integer = is_integer(o, i), use = rule->how == USE || rule->how == USE_REG;
    for (unsigned k = 0; k < 4; k++) {
        unsigned operand = row->operand[k], bytes = operand == __ ? 0 : operand_bytes(i, operand, integer);
        if (operand == Ev && is_crc32(i)) {
            bytes = i->opsize;
        }
        bool     written = (k == 0 && !use) || (k == 1 && rule->how == SWAP);
        struct gpr gpr   = {.used = true, .read = !written || bytes < 4 || !only_writes(i), .written = written, .bytes = (u8)bytes};
        if (operand == __) {
            continue;
        }
        switch (OPERAND_CLASS(operand)) {
        case OPERAND_RM: case OPERAND_RM_GPR: case OPERAND_MEMORY: case OPERAND_MOFFS:
        case OPERAND_RM_XMM: case OPERAND_XMM: case OPERAND_RM_MMX: case OPERAND_MMX:
            o->has_modrm = true;
            if (i->mem || OPERAND_CLASS(operand) == OPERAND_MOFFS) {
                o->memory         = true;
                o->memory_bytes   = (u8)bytes;
                o->memory_written = written;
            } else if (OPERAND_CLASS(operand) == OPERAND_RM || OPERAND_CLASS(operand) == OPERAND_RM_GPR) {
                o->rm    = gpr;
                o->rm.at = i->rm;
            }
            break;
        case OPERAND_GPR_FIELD:
            o->has_modrm = true;
            o->reg       = gpr;
            o->reg.at    = i->reg;
            break;
        case OPERAND_OPCODE_GPR:
            o->in_opcode = true;
            o->rm        = gpr;
            o->rm.at     = (u8)form_register(&form, i, k);
            break;
        case OPERAND_VVVV:
            o->vvvv    = gpr;
            o->vvvv.at = i->vreg;
            break;
        default: break;
        }
    }
    if (i->opcode == (M0F << 8 | 0xc7)) { /* CMPXCHG8B, CMPXCHG16B */
        o->memory_bytes = i->rex_w ? 16 : 8;
    }
}

/* Of an instruction of the block they are found once. They stay as long as no other one is asked for that stands for one of the block. */
static const struct operands *find_operands(const struct emit *e, const struct insn *i)
{
    const struct rule_of_row *rule = &e->rules[i->row];
    size_t                    k    = ((uintptr_t)i - (uintptr_t)e->block->insn) / sizeof *i;
    struct operands_found    *f    = e->found;
    if (k >= e->block->count) {
        find_operands_anew(&f->other, i, rule);
        return &f->other;
    }
    if (!(f->known >> k & 1)) {
        find_operands_anew(&f->of[k], i, rule);
        f->known |= (u64)1 << k;
    }
    return &f->of[k];
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

/* BT, BTS, BTR, BTC with a register: a bit of a string that begins at the operand (SDM Vol. 2 BT). */
static bool is_in_bit_string(const struct insn *i)
{
    return i->opcode >> 8 == M0F && (i->opcode & 0xe7) == 0xa3 && i->mem;
}

bool copy_memory(const struct emit *e, const struct insn *i, unsigned *size, bool *write)
{
    const struct operands *o = find_operands(e, i);
    *size                    = o->memory_bytes;
    *write                   = o->memory_written;
    return o->memory && !is_in_bit_string(i);
}

u16 copy_writes(const struct emit *e, const struct insn *i)
{
    const struct operands  *o      = find_operands(e, i);
    u16                     mask   = 0;
    const struct gpr *const gprs[] = {&o->rm, &o->reg, &o->vvvv};
    for (unsigned k = 0; k < ARRAY_LEN(gprs); k++) {
        if (gprs[k]->used && gprs[k]->written) {
            mask |= (u16)(1u << (gprs[k]->at >> 3));
        }
    }
    if (!o->has_modrm && !o->in_opcode && !is_x87(i)) { /* names no operand */
        bool immediate = i->opcode < 0x40 || (i->opcode & ~1u) == 0xa8;
        return row_is_avx(&row_table[i->row]) ? 0 : immediate || i->opcode == 0x98 ? 1u << R_AX : i->opcode == 0x99 ? 1u << R_DX : 0xffff;
    }
    switch (i->opcode) {
    case 0xa0: case 0xa1: case 0xf6: case 0xf7: case M0F << 8 | 0xb0: case M0F << 8 | 0xb1: case M0F << 8 | 0xc7: return mask | 1u << R_AX | 1u << R_DX;
    case M3A << 8 | 0x61: case M3A << 8 | 0x63: return mask | 1u << R_CX;
    default: break;
    }
    if ((o->in_opcode && i->opcode >> 8 == M1 && (i->opcode & 0xf8) == 0x90) || is_x87(i)) {
        mask |= 1u << R_AX; /* XCHG, FNSTSW */
    }
    return mask;
}

/* ---- x87's record of its last instruction: FOP, FIP, FCS, FDP, FDS */

/* FLDCW, FNSTSW and their like leave no record. */
static bool is_control(const struct insn *i)
{
    switch (i->opcode & 0xff) {
    case 0xd9: case 0xdd: return i->mem && (i->modrm >> 3 & 7) >= 4;
    case 0xdf: return i->modrm == 0xe0 && !i->mem;
    default: return false;
    }
}

static void copy_selector(struct out *o, unsigned seg, unsigned temp)
{
    put_zext(o, 2, temp, rm_selector(seg));
    put_store(o, 2, CPU(x87.dp_selector), temp);
}

/* `to` = the offset of the memory operand, with no temporary changed but `to`; false: that cannot be. */
static bool put_offset(struct emit *e, const struct insn *i, unsigned to)
{
    const u8  guest[2] = {i->base, i->index};
    struct rm rm       = {.memory = true, .base = NO_REG, .index = NO_REG, .scale = i->scale, .disp = (i32)i->disp};
    unsigned  load     = R_ZERO;
    if (i->asize == 8 && (i64)rm.disp != i->disp) {
        return false;
    }
    for (unsigned k = 0; k < 2; k++) {
        unsigned at = guest[k] == R_IPBASE || guest[k] == R_ZERO ? (unsigned)NO_REG : host_of(guest[k]);
        if (at == NO_REG && guest[k] != R_ZERO && (at = held_find(e, HELD_GUEST + guest[k])) == NO_REG) {
            load = guest[k];
            at   = to;
        }
        *(k ? &rm.index : &rm.base) = (u8)at;
    }
    if (load != R_ZERO) {
        if (rm.base == rm.index) { /* the other one is needed too */
            return false;
        }
        put_load(&e->hot, 8, to, rm_cpu(load * 8u));
    }
    put_lea(&e->hot, i->asize == 8 ? 8 : 4, to, rm);
    if (i->asize == 2) {
        put_zext(&e->hot, 2, to, rm_reg(to));
    }
    return true;
}

/* FDP (SDM Vol. 1 8.1.8), at once; the operand is at *rm, which may become another one. The rest is noted when the block is left. */
static void record_x87(struct emit *e, const struct insn *i, struct rm *rm)
{
    struct out *o = &e->hot;
    if (i->mem) {
        unsigned temp = temp_free(e, busy_in(rm));
        if (!put_offset(e, i, temp)) { /* it takes the registers that hold the operand's address */
            put_lea(o, 8, T2, *rm);
            put_store(o, 8, CPU(host.spare), T2);
            put_lea(o, i->asize == 8 ? 8 : 4, T2, memory_offset(e, i));
            put_load(o, 8, T1, CPU(host.spare));
            temp = T2;
            *rm  = rm_mem(T1, 0);
        }
        put_store(o, 8, CPU(x87.dp), temp);
        e->x87.data = (u8)(i->seg + 1);
    }
    e->x87.note = NATIVE_X87_NOTE | (u32)((i->opcode & 7) << 8 | i->modrm) << 16 | i->offset;
}

void x87_note_now(struct emit *e)
{
    struct out *o = &e->hot;
    if (e->x87.note) {
        unsigned temp = temp_free(e, 0);
        put_load(o, 8, temp, CPU(regs[R_IPBASE]));
        put_store(o, 8, CPU(host.x87_base), temp);
        put_store_imm(o, 4, CPU(host.x87_note), e->x87.note);
        if (e->x87.data) {
            copy_selector(o, e->x87.data - 1u, temp);
        }
    }
    e->x87.note = e->x87.data = 0;
}

void x87_note_cold(struct emit *e)
{
    struct out *c = &e->cold;
    if (e->x87.note) {
        put_op(c, 0xff, 4, 6, CPU(regs[R_IPBASE])); /* push */
        put_op(c, 0x8f, 4, 0, CPU(host.x87_base));  /* pop */
        put_store_imm(c, 4, CPU(host.x87_note), e->x87.note);
    }
    if (e->x87.data) {
        put_store(c, 8, CPU(host.kept[0]), T0);
        copy_selector(c, e->x87.data - 1u, T0);
        put_load(c, 8, T0, CPU(host.kept[0]));
    }
}

/* ---- one instruction */

static void bring(struct emit *e, struct gpr *g, u16 *busy, bool rex)
{
    if (g->used) {
        g->place = operand_in(e, g->at, busy, rex, g->read || g->bytes <= 2); /* what is written in part is stored whole */
    }
}

static void take_back(struct emit *e, const struct gpr *g)
{
    if (g->used) {
        operand_out(e, g->at, g->written, g->place);
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
static unsigned result_of(const struct operands *o, struct flags_effect f)
{
    if (f.undefined == PRODUCT && !(o->reg.used && o->reg.written)) {
        return RAX;
    }
    return f.undefined >= SHL ? o->rm.place.reg : o->vvvv.written ? o->vvvv.place.reg : o->reg.place.reg;
}

bool copy_must_call(const struct emit *e, const struct insn *i)
{
    const struct rule_of_row *rule          = &e->rules[i->row];
    const struct operands    *o             = find_operands(e, i);
    bool                      register_only = rule->how == COPY_REG || rule->how == USE_REG;
    struct flags_effect f = flags_effect(rule, i);
    bool narrow           = f.undefined == DOUBLE && i->w == 2; /* where hosts do as they like */
    /* outside 64-bit mode VZEROUPPER leaves YMM8 to YMM15 alone */
    bool few_registers    = row_is_avx(&row_table[i->row]) && !o->has_modrm && e->code_bytes != 8;
    bool one_target       = o->vvvv.written && o->reg.used && o->vvvv.at == o->reg.at; /* of MULX's two */
    return (o->memory && (register_only || f.undefined == DOUBLE)) || one_target || narrow || few_registers ||
           o->live & ~copy_live_usable(e->mode);
}

/* Whether flags of a shift are made from its result, which is to be in a register. */
static bool is_from_result(struct flags_effect f)
{
    return f.undefined >= ROL || (f.undefined >= SHL && f.by_cl);
}

/* `to` = a value of 1 to 8 bytes, zero-extended. */
static void put_bytes_in(struct out *out, unsigned bytes, unsigned to, struct rm rm)
{
    if (bytes <= 2) {
        put_zext(out, bytes, to, rm);
    } else {
        put_load(out, bytes, to, rm);
    }
}

/* It is brought to a temporary: it lives in struct cpu, or is one of AH to BH. */
static bool takes_temporary(const struct gpr *g)
{
    return g->used && (host_of(g->at >> 3) == NO_REG || g->at & 7);
}

void lower_copy(struct emit *e)
{
    const struct insn  *i   = e->insn;
    const struct row   *row = &row_table[i->row];
    struct operands     o   = *find_operands(e, i);
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
    enum replay replay = f.writes && e->needed_now ? flags_plan(e) : REPLAY_NONE;
    if (o.memory) {
        bool aligned = row->attr & ALIGN16 || (o.memory_bytes == 16 && !op.vex && (row->operand[0] == Mx || op.byte == 0xc7));
        rm           = is_in_bit_string(i) ? memory_bits(e, i->reg >> 3, i->w, o.memory_written)
                                           : memory_operand(e, o.memory_bytes, o.memory_written, aligned);
    }
    if (is_x87(i) && !is_control(i)) {
        record_x87(e, i, &rm);
    }
    if (e->rule->notes & RULE_CLEARS_C1) { /* FDECSTP, FINCSTP */
        put32(&e->hot, 0xf7d9f6d9);
    }
    u16 busy = busy_in(&rm);
    flags_need(e, f.merges && f.writes && e->needed_now ? FLAG_ARITH : flags_read_by(e->rule, i), busy);
    struct rm memory = rm;
    bool      crowd  = o.memory && takes_temporary(&o.vvvv); /* three operands, three temporaries: none is left for an address */
    bool      away   = is_in_bit_string(i) || (o.memory && is_from_result(f) && e->needed_now);
    if (away || crowd) { /* the result is made in a temporary, or the operand kept there */
        rm = rm_reg(o.rm.place.reg = (u8)temp_free(e, busy));
        put_bytes_in(&e->hot, o.memory_bytes, rm.reg, memory);
        busy = (u16)((crowd ? 0 : busy) | 1u << rm.reg);
    }
    bool rex = o.memory || op.wide || (o.rm.used && operand_wants_rex(o.rm.at)) || (o.reg.used && operand_wants_rex(o.reg.at)) ||
               (f.undefined >= SHL && e->needed_now);
    bring(e, &o.vvvv, &busy, true);
    bring(e, &o.rm, &busy, rex);
    bring(e, &o.reg, &busy, rex);
    if (o.rm.used) {
        rm = rm_reg(o.rm.place.reg);
    }
    op.vvvv = o.vvvv.used ? o.vvvv.place.reg : i->vreg; /* which is 0, and 1111b, for no operand */
    op.rex  = byte_wants_rex(&o.rm) || byte_wants_rex(&o.reg);
    if (replay == REPLAY_VALUE) {
        bool     none = busy >> T0 & busy >> T1 & busy >> T2 & 1; /* then rm.base is one, and not wanted any more */
        unsigned to   = rm.base == T0 || none ? rm.base : temp_free(e, busy);
        put_bytes_in(&e->hot, o.memory_bytes, to, rm);
        rm = rm_reg(to);
    }
    if (replay == REPLAY_VALUE || replay == REPLAY_SHIFT || (f.undefined == DOUBLE && f.writes && e->needed_now)) {
        put_store(&e->hot, 8, CPU(host.before), rm.reg);
    }
    struct rm count = rm_reg(RCX);
    if (f.by_cl && e->needed_now && !o.memory && rm.reg == RCX) {
        put_store(&e->hot, 1, CPU(host.count), RCX);
        count = CPU(host.count);
    }
    put_encoded(e, op, &o, rm);
    if (away && o.memory_written) {
        put_store(&e->hot, o.memory_bytes, memory, rm.reg);
    }
    take_back(e, &o.reg); /* first: XADD of a register with itself leaves the sum */
    take_back(e, &o.rm);
    take_back(e, &o.vvvv);
    if (f.writes) {
        flags_written(e, f, f.undefined == DEFINED || replay != REPLAY_NONE ? 0 : result_of(&o, f), f.by_cl ? &count : NULL, replay);
    }
}

/* ---- flags made again */

static bool is_legacy_alu(const struct insn *i)
{
    return i->opcode >> 8 == M1 && i->opcode < 0x40 && (i->opcode & 7) < 6;
}

static bool is_immediate_group(const struct insn *i)
{
    return i->opcode >> 8 == M1 && (i->opcode & 0xfc) == 0x80;
}

static bool is_neg(const struct insn *i)
{
    return i->opcode >> 8 == M1 && (i->opcode & 0xfe) == 0xf6 && (i->modrm >> 3 & 7) == 3;
}

/* The register operand that ADD and their like write. */
static const struct gpr *destination(const struct operands *o)
{
    return o->reg.used && o->reg.written ? &o->reg : &o->rm;
}

static u16 registers_of(const struct operands *o)
{
    u16 mask = o->has_modrm ? 0 : 1u << R_AX; /* AL, eAX */
    mask |= o->rm.used ? 1u << (o->rm.at >> 3) : 0u;
    return (u16)(mask | (o->reg.used ? 1u << (o->reg.at >> 3) : 0u));
}

enum replay copy_replay(const struct emit *e, const struct insn *i, u16 *uses)
{
    const struct rule_of_row *rule = &e->rules[i->row];
    const struct operands    *o    = find_operands(e, i);
    struct flags_effect       f    = flags_effect(rule, i);
    *uses                          = registers_of(o);
    if (i->opcode >> 8 != M1 || f.merges || o->live) {
        return REPLAY_NONE;
    }
    if (rule->how == USE) { /* CMP, TEST; MUL */
        return f.undefined ? REPLAY_NONE : o->memory ? REPLAY_VALUE : REPLAY_AGAIN;
    }
    if (f.undefined >= SHL && f.undefined <= SAR && !o->memory) {
        *uses = 0;
        return REPLAY_SHIFT;
    }
    if (is_neg(i)) {
        return o->memory ? REPLAY_NONE : REPLAY_UNDO;
    }
    if ((!is_legacy_alu(i) && !is_immediate_group(i)) || (o->memory && o->memory_written)) {
        return REPLAY_NONE;
    }
    switch (is_legacy_alu(i) ? i->opcode >> 3 & 7 : i->modrm >> 3 & 7) {
    case ALU_OR: case ALU_AND: case ALU_XOR: return REPLAY_TEST;
    case ALU_ADD: case ALU_SUB:
        return !o->memory && !(o->reg.used && o->rm.at >> 3 == o->reg.at >> 3) ? REPLAY_UNDO : REPLAY_NONE;
    default: return REPLAY_NONE;
    }
}

/* ADD for SUB, and SUB for ADD; NEG is its own contrary. */
static struct insn contrary(const struct insn *i)
{
    struct insn c = *i;
    if (is_legacy_alu(i)) {
        c.opcode ^= 0x28;
    } else if (is_immediate_group(i)) {
        c.modrm ^= 0x28;
    }
    return c;
}

static void put_again(struct emit *e, const struct insn *i, struct operands *o, struct rm rm)
{
    struct opcode op = opcode_of(i, o);
    op.rex           = true; /* no operand is AH to BH here */
    e->insn          = i;
    put_encoded(e, op, o, rm);
}

/* In hot code: makes the flags of `i` the host's; T0 to T2 are free. Returns the register of a shift's result. */
static unsigned put_replay(struct emit *e, const struct insn *i, enum replay replay)
{
    struct out     *h = &e->hot;
    struct operands o = *find_operands(e, i);
    struct insn     undo;
    u16             busy = 1u << T0;
    bring(e, &o.rm, &busy, true);
    bring(e, &o.reg, &busy, true);
    struct rm rm = rm_reg(o.rm.place.reg);
    switch (replay) {
    case REPLAY_TEST: {
        unsigned at = o.has_modrm ? destination(&o)->place.reg : (unsigned)RAX;
        put_insn(h, (struct opcode){.byte = i->w == 1 ? 0x84 : 0x85, .wide = i->w == 8, .size16 = i->w == 2, .rex = true}, at, rm_reg(at));
        break;
    }
    case REPLAY_UNDO:
        undo = contrary(i);
        put_again(e, &undo, &o, rm);
        put_again(e, i, &o, rm);
        break;
    case REPLAY_SHIFT: case REPLAY_VALUE:
        rm.reg = T0;
        put_load(h, 8, rm.reg, CPU(host.before));
        put_again(e, i, &o, rm);
        break;
    default: put_again(e, i, &o, rm); break;
    }
    return rm.reg;
}

/* The temporaries that put_replay() and what follows it may write. */
static unsigned temps_for_replay(const struct emit *e, const struct insn *i, enum replay replay)
{
    const struct operands *o = find_operands(e, i);
    if (replay == REPLAY_SHIFT || takes_temporary(&o->rm) || takes_temporary(&o->reg)) {
        return 1u << T0 | 1u << T1 | 1u << T2;
    }
    return replay == REPLAY_VALUE ? 1u << T0 : 0;
}

/* In hot code: the temporaries of the set are kept in struct cpu, or brought back. */
static void put_kept(struct emit *e, unsigned set, bool load)
{
    for (unsigned k = 0; k < 3; k++) {
        if (!(set >> (T0 + k) & 1)) {
            continue;
        }
        if (load) {
            put_load(&e->hot, 8, T0 + k, CPU(host.kept[k]));
        } else {
            put_store(&e->hot, 8, CPU(host.kept[k]), T0 + k);
        }
    }
}

const u8 *copy_put_replay(struct emit *e, const struct insn *i, enum replay replay)
{
    const struct insn *insn = e->insn;
    struct out         hot  = e->hot;
    u8                 held[ARRAY_LEN(e->held)];
    memcpy(held, e->held, sizeof held);
    held_forget(e);
    e->hot        = e->cold;
    e->hot.pushed = 8;
    const u8 *at  = e->hot.p;
    unsigned kept = temps_for_replay(e, i, replay);
    put_kept(e, kept, false);
    unsigned result = put_replay(e, i, replay);
    if (replay == REPLAY_SHIFT) {
        e->insn = i;
        flags_save_shift(e, flags_effect(&e->rules[i->row], i), result);
    }
    put_kept(e, kept, true);
    if (replay == REPLAY_SHIFT) {
        put8(&e->hot, 0xc3);
    } else {
        put_jmp(&e->hot, e->native->stub.save_flags);
    }
    e->hot.pushed = 0;
    e->cold       = e->hot;
    e->hot        = hot;
    e->insn       = insn;
    memcpy(e->held, held, sizeof held);
    return at;
}

/* ---- others of the kind */

/* BSF, BSR: our flags follow the source, on every host. */
void lower_scan(struct emit *e)
{
    const struct insn *i = e->insn;
    struct operands    o = *find_operands(e, i);
    struct out        *h = &e->hot;
    u16                busy = 1u << T1;
    put_op(h, 0x8b, i->w, T1, o.memory ? memory_operand(e, o.memory_bytes, false, false) : rm_reg(operand_in(e, i->rm, &busy, true, true).reg));
    bring(e, &o.reg, &busy, true);
    put_insn(h, (struct opcode){.map = MAP_0F, .byte = (u8)i->opcode, .wide = i->w == 8, .size16 = i->w == 2}, o.reg.place.reg, rm_reg(T1));
    take_back(e, &o.reg);
    put_op(h, 0x85, i->w, T1, rm_reg(T1));
    flags_written(e, (struct flags_effect){.writes = FLAG_ARITH}, 0, NULL, REPLAY_NONE);
}

void lower_lea(struct emit *e)
{
    const struct insn *i    = e->insn;
    struct out        *h    = &e->hot;
    unsigned           host = host_of(i->reg >> 3), to = host;
    struct rm          rm   = memory_offset(e, i);
    if (host == NO_REG || i->w == 2 || i->asize == 2) {
        to = temp_lasting(e, T0);
    }
    put_lea(h, i->w == 8 && i->asize == 8 ? 8 : 4, to, rm);
    if (i->asize == 2) {
        put_zext(h, 2, to, rm_reg(to));
    }
    if (host == NO_REG) {
        put_store(h, i->w == 2 ? 2 : 8, rm_cpu(i->reg), to);
        held_drop(e, HELD_GUEST + (i->reg >> 3));
        if (i->w != 2) {
            held_set(e, to, HELD_GUEST + (i->reg >> 3));
        }
    } else if (to != host) {
        put_op(h, 0x8b, i->w, host, rm_reg(to));
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
    flags_clobber(e);
    struct rm rm = memory_operand(e, 2, false, false);
    unsigned temp = temp_free(e, busy_in(&rm));
    put_zext(h, 2, temp, rm);
    put_insn(h, (struct opcode){.byte = 0xf7}, 2, rm_reg(temp)); /* not */
    put_insn(h, (struct opcode){.byte = 0xf6, .rex = true}, 0, rm_reg(temp));
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
    u16 busy = 1u << T2;
    put_op(h, 0x8b, i->w, T2, i->mem ? memory_operand(e, i->w, false, false) : rm_reg(operand_in(e, i->rm, &busy, true, true).reg));
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
