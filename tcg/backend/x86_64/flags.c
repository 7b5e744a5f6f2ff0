/*
 * flags.c: the guest's arithmetic flags between the host's EFLAGS and cpu->cc.
 *
 * They are saved when something is about to destroy them that they outlive. LAHF and SETO are the cheap way: PUSHF and POPF take
 * longer than the block. What hosts leave undefined is made ours on the way: the formulas of cpu/isa/arith.h.
 */
#include "tcg/backend/x86_64/emit.h"

#define SAVED   offsetof(struct cpu, cc.source)
/* Stored and loaded as 32 bits, of which the upper 16 are anything: hosts forward such stores to loads at no cost, smaller ones slowly. */
#define FLAGS_SAVED rm_cpu(SAVED)
#define SAVED_O     rm_cpu(SAVED)     /* OF */
#define SAVED_H     rm_cpu(SAVED + 1) /* as LAHF loads AH */
#define SAVED_MASK 0xd5 /* SF, ZF, AF, PF, CF there */
#define OF_BIT     11

u16 flags_condition_mask(unsigned cc)
{
    static const u16 masks[8] = {FLAG_OF, FLAG_CF, FLAG_ZF, FLAG_CF | FLAG_ZF,
                                 FLAG_SF, FLAG_PF, FLAG_SF | FLAG_OF, FLAG_SF | FLAG_OF | FLAG_ZF};
    return masks[cc >> 1 & 7];
}

u16 flags_read_by(const struct rule_of_row *rule, const struct insn *i)
{
    return rule->notes & RULE_CONDITION ? flags_condition_mask(i->opcode & 15) : rule->reads;
}

/* The count of a shift or rotate, masked; -1: CL. */
static int shift_count(const struct insn *i)
{
    const struct row *row = &row_table[i->row];
    if (row->operand[1] == CL || row->operand[2] == CL) {
        return -1;
    }
    return row->operand[1] == I1 ? 1 : (int)(i->imm & (i->w == 8 ? 63 : 31));
}

struct flags_effect flags_effect_of_shift(const struct rule_of_row *rule, const struct insn *i)
{
    int n = shift_count(i);
    return (struct flags_effect){.writes    = n ? rule->writes : 0,
                                 .merges    = rule->notes & RULE_MERGE || n < 0,
                                 .by_cl     = n < 0,
                                 .undefined = n == 1 && (rule->undefined == ROL || rule->undefined == ROR) ? DEFINED : rule->undefined};
}

/* Its only access to memory was checked by another instruction; alignment is looked at once more. */
static bool is_checked(const struct emit *e, const struct insn *i)
{
    const struct shared *s = &e->shared[i - e->block->insn][ACCESS_OPERAND];
    return s->use && !s->opens && !(row_table[i->row].attr & ALIGN16) && row_table[i->row].operand[0] != Mx && i->opcode != (M0F << 8 | 0xc7);
}

/* Whether executing `i` destroys the host's flags before it is done, and shows the guest's to somebody: if it leaves the block, or
 * whatever happens. */
enum shows { SHOWS_NOT, SHOWS_LEAVING, SHOWS_ALWAYS };

static enum shows shows_flags_unless(const struct emit *e, const struct insn *i, bool checked)
{
    const struct rule_of_row *rule = &e->rules[i->row];
    if (i->row == ROW_NONE || system_must_call(e, i)) {
        return SHOWS_ALWAYS;
    }
    switch ((enum how)rule->how) {
    case LOWER_NOP: case LOWER_LEA: case LOWER_JCC: return SHOWS_NOT;
    case COPY: case USE: case SWAP: case COPY_REG: case USE_REG: case LOWER_SCAN:
        return copy_must_call(e, i) ? SHOWS_ALWAYS : insn_has_memory(i) && !checked ? SHOWS_LEAVING : SHOWS_NOT;
    case LOWER_WAIT: return e->mode & MODE_X87 ? SHOWS_NOT : SHOWS_ALWAYS;
    case LOWER_PUSH: case LOWER_POP: case LOWER_LEAVE: case LOWER_PUSH_SEG: return SHOWS_LEAVING;
    case LOWER_STORE_SEG: return i->mem ? SHOWS_LEAVING : SHOWS_NOT;
    default: return SHOWS_ALWAYS;
    }
}

static enum shows shows_flags(const struct emit *e, const struct insn *i)
{
    return shows_flags_unless(e, i, is_checked(e, i));
}

bool flags_dead_at(const struct emit *e, const struct block *b)
{
    if (b->spanning || e->mode & (MODE_LIMITED | MODE_COUNTED)) { /* they may be left at the entry */
        return false;
    }
    for (const struct insn *i = b->insn; i < b->insn + b->count; i++) {
        if (i->row == ROW_NONE || shows_flags_unless(e, i, false)) {
            return false;
        }
        const struct rule_of_row *rule = &e->rules[i->row];
        struct flags_effect       f    = flags_effect(rule, i);
        if (rule->how == LOWER_JCC || flags_read_by(rule, i)) {
            return false;
        }
        if (f.writes && !f.merges) {
            return true;
        }
    }
    return false;
}

void flags_find(struct emit *e)
{
    bool needed = true; /* by what follows the block */
    for (unsigned k = e->block->count; k-- > 0;) {
        const struct insn *i   = &e->block->insn[k];
        e->needed[k]           = needed;
        if (i->row == ROW_NONE || shows_flags(e, i)) {
            needed = true;
            continue;
        }
        const struct rule_of_row *rule = &e->rules[i->row];
        struct flags_effect       f    = flags_effect(rule, i);
        if (rule->how == LOWER_JCC || flags_read_by(rule, i)) {
            needed = true;
        } else if (f.writes && !f.merges) {
            needed = false;
        }
    }
}

/* The general registers that it writes. */
static u16 writes_of(const struct emit *e, const struct insn *i)
{
    u16 sp = 1u << R_SP;
    switch ((enum how)e->rules[i->row].how) {
    case LOWER_NOP: case LOWER_WAIT: case LOWER_JCC: return 0;
    case LOWER_PUSH: case LOWER_PUSH_SEG: return sp;
    case LOWER_POP: return (u16)(sp | 1u << (i->rm >> 3));
    case LOWER_LEAVE: return sp | 1u << R_BP;
    case LOWER_LEA: return (u16)(1u << (i->reg >> 3));
    default: return copy_writes(e, i);
    }
}

/* Before `first` flags are in the host's, or only to be made again from registers of `uses`. `replay`, if that will do until they are
 * overwritten. */
static enum replay plan(const struct emit *e, const struct insn *first, bool in_host, enum replay replay, u16 uses)
{
    u16                written = 0;
    const struct insn *end     = e->block->insn + e->block->count;
    for (const struct insn *i = first; replay != REPLAY_NONE && i < end; i++) {
        enum shows shows = shows_flags(e, i);
        if (e->dead_end && i + 1 == end && i->row != ROW_NONE && e->rules[i->row].how == LOWER_JMP_REL) {
            break;
        }
        if (shows == SHOWS_ALWAYS || (shows == SHOWS_LEAVING && written & uses)) {
            return REPLAY_NONE;
        }
        const struct rule_of_row *rule = &e->rules[i->row];
        struct flags_effect       f    = flags_effect(rule, i);
        in_host                        = in_host && shows == SHOWS_NOT;
        if (rule->how == LOWER_JCC || flags_read_by(rule, i) || (f.writes && f.merges)) {
            if (!in_host || replay == REPLAY_SHIFT || (f.writes && f.merges)) {
                return REPLAY_NONE;
            }
        }
        if (f.writes) {
            return replay;
        }
        written |= writes_of(e, i);
    }
    return e->dead_end && !(written & uses) ? replay : REPLAY_NONE;
}

enum replay flags_plan(struct emit *e)
{
    u16         uses;
    enum replay replay = copy_replay(e, e->insn, &uses);
    return plan(e, e->insn + 1, true, replay, uses);
}

bool flags_last(const struct emit *e, enum replay replay, u16 uses)
{
    return plan(e, e->block->insn, false, replay, uses) != REPLAY_NONE;
}

enum replay flags_replay_now(const struct emit *e)
{
    u16         uses;
    enum replay replay = e->writer && e->host_flags ? copy_replay(e, e->writer, &uses) : REPLAY_NONE;
    if (!replay || ((replay == REPLAY_VALUE || replay == REPLAY_SHIFT) && e->replay != replay)) { /* or nothing was kept */
        return REPLAY_NONE;
    }
    for (const struct insn *i = e->writer + 1; i < e->insn; i++) {
        if (writes_of(e, i) & uses) {
            return REPLAY_NONE;
        }
    }
    return replay;
}

void flags_put_save(struct out *o, unsigned temp)
{
    put_mov(o, 8, temp, RAX);
    put8(o, 0x9f);                                                           /* lahf */
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = 0x90}, 0, rm_reg(RAX)); /* seto al */
    put_store(o, 4, FLAGS_SAVED, RAX);
    put_mov(o, 8, RAX, temp);
}

static void save_defined(struct emit *e)
{
    flags_put_save(&e->hot, temp_free(e, 0));
}

static void write_recipe(struct emit *e)
{
    if (!e->recipe) {
        e->recipe = copy_put_replay(e, e->writer, e->replay);
    }
}

const u8 *flags_recipe(struct emit *e)
{
    if (e->host_flags && e->replay != REPLAY_SHIFT) {
        return NULL;
    }
    write_recipe(e);
    return e->recipe;
}

void flags_save(struct emit *e)
{
    if (!e->saved_flags && (e->recipe || e->replay == REPLAY_SHIFT)) {
        write_recipe(e);
        put_call(&e->hot, e->recipe);
    } else if (!e->saved_flags) {
        save_defined(e);
    }
    e->saved_flags = true;
}

void flags_clobber(struct emit *e)
{
    if (e->replay == REPLAY_NONE) {
        flags_save(e);
    } else if (!e->saved_flags) {
        write_recipe(e);
    }
    e->host_flags = false;
}

void flags_recover(struct emit *e)
{
    if (!e->saved_flags) {
        put_call(&e->cold, e->recipe);
    }
}

void flags_put_image(struct emit *e, unsigned to)
{
    struct out *o = &e->hot;
    put_zext(o, 1, to, SAVED_O);
    put_shift_imm(o, SHIFT_SHL, 4, to, OF_BIT);
    put_alu(o, ALU_OR, 4, to, CPU(eflags));
    put_insn(o, (struct opcode){.byte = 0x0a}, to, SAVED_H); /* or `to`, byte */
    put_alu_imm(o, ALU_OR, 4, rm_reg(to), FLAG_1);
}

void flags_take_image(struct emit *e, unsigned image, unsigned temp)
{
    struct out *o = &e->hot;
    put_mov(o, 4, temp, image);
    put_shift_imm(o, SHIFT_SHL, 4, temp, 8);
    put_alu_imm(o, ALU_AND, 4, rm_reg(temp), SAVED_MASK << 8);
    put_shift_imm(o, SHIFT_SHR, 4, image, OF_BIT);
    put_alu_imm(o, ALU_AND, 4, rm_reg(image), 1);
    put_alu(o, ALU_OR, 4, temp, rm_reg(image));
    put_store(o, 4, FLAGS_SAVED, temp);
    e->host_flags  = false;
    e->saved_flags = true;
}

void flags_need(struct emit *e, unsigned mask, u16 busy)
{
    struct out *o = &e->hot;
    if (e->host_flags || !mask) {
        return;
    }
    flags_save(e);
    if (mask == FLAG_CF) {
        put_0f(o, 0xba, 4, 4, FLAGS_SAVED); /* BT */
        put8(o, 8);
        return; /* the others are not there */
    }
    unsigned temp = temp_free(e, busy);
    put_mov(o, 8, temp, RAX);
    put_load(o, 4, RAX, FLAGS_SAVED);
    put8(o, 0x04); /* add al, 127: OF = AL was 1 */
    put8(o, 0x7f);
    put8(o, 0x9e); /* sahf */
    put_mov(o, 8, RAX, temp);
    e->host_flags = true;
}

enum host_cc flags_test(struct emit *e, unsigned cc)
{
    static const u8 bits[6] = {1, 0x01, 0x40, 0x41, 0x80, 0x04}; /* O: in its own byte */
    if (e->host_flags || cc >> 1 >= 6) {
        flags_need(e, flags_condition_mask(cc), 0);
        return (enum host_cc)cc;
    }
    flags_save(e);
    put_test8(&e->hot, cc >> 1 ? SAVED_H : SAVED_O, bits[cc >> 1]);
    return cc & 1 ? CC_E : CC_NE;
}

/* bt `in`, bit; setc al */
static void bit_to_al(struct out *o, unsigned w, unsigned in, unsigned bit)
{
    put_0f(o, 0xba, w == 8 ? 8 : 4, 4, rm_reg(in));
    put8(o, bit);
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = 0x92}, 0, rm_reg(RAX));
}

static void xor_al_ah(struct out *o)
{
    put8(o, 0x30); /* xor al, ah */
    put8(o, 0xe0);
    put8(o, 0x24); /* and al, 1 */
    put8(o, 1);
}

/* AL = OF of a shift or rotate by n, -1: by CL, with result `in`, from it and from AH. Shifts by a constant do without the result. Temporaries
 * that are busy stay. */
static void shift_overflow(struct emit *e, enum undefined kind, unsigned w, int n, unsigned in, u16 busy)
{
    struct out *o   = &e->hot;
    unsigned    msb = 8 * w - 1;
    switch (kind) {
    case SHL: /* SF ^ CF */
        put8(o, 0x88); /* mov al, ah */
        put8(o, 0xe0);
        put8(o, 0xc0); /* shr al, 7 */
        put8(o, 0xe8);
        put8(o, 7);
        xor_al_ah(o);
        return;
    case SHR:
        if (n == 1) { /* the host's own */
            put_insn(o, (struct opcode){.map = MAP_0F, .byte = 0x90}, 0, rm_reg(RAX)); /* seto al */
            return;
        }
        if (n < 0) {
            bit_to_al(o, w, in, msb - 1);
            return;
        }
        __attribute__((fallthrough)); /* the upper two bits are 0 */
    case SAR: put8(o, 0xb0); put8(o, 0); return; /* mov al, 0 */
    case DOUBLE: { /* the sign changes */
        unsigned temp = temp_free(e, (u16)(1u << in | busy));
        put_load(o, 8, temp, CPU(host.before));
        put_alu(o, ALU_XOR, 8, temp, rm_reg(in));
        put_shift_imm(o, SHIFT_SHR, w, temp, msb);
        put_insn(o, (struct opcode){.byte = 0x8a}, RAX, rm_reg(temp)); /* mov al, `temp` */
        return;
    }
    case ROL: bit_to_al(o, w, in, msb); break;
    default: bit_to_al(o, w, in, msb - 1); break;
    }
    xor_al_ah(o);
}

/* After a product whose lower half is in `in`: CF = OF in the host's flags; SF, ZF, PF follow the lower half. BITS: CF in the host's
 * flags, OF is 0, and the others follow the result in `in`. */
static void save_product(struct emit *e, enum undefined kind, unsigned w, unsigned in)
{
    struct out *o    = &e->hot;
    unsigned    temp = temp_free(e, (u16)(1u << in));
    put_mov(o, 8, temp, RAX);
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = kind == BITS ? 0x92 : 0x90}, 0, rm_reg(RAX)); /* setc or seto al */
    in = in == RAX ? temp : in;
    put_insn(o, (struct opcode){.byte = w == 1 ? 0x84 : 0x85, .wide = w == 8, .size16 = w == 2, .rex = w == 1}, in, rm_reg(in));
    put8(o, 0x9f); /* lahf */
    put8(o, 0x08); /* or ah, al */
    put8(o, 0xc4);
    if (kind == BITS) { /* mov al, 0 */
        put16(o, 0x00b0);
    }
    put_store(o, 4, FLAGS_SAVED, RAX);
    put_mov(o, 8, RAX, temp);
}

/* After a shift or rotate with result `in`. `count_at`: where the count by CL is, which may be zero. */
static void save_shift(struct emit *e, enum undefined kind, unsigned w, unsigned in, const struct rm *count_at)
{
    struct out *o    = &e->hot;
    u8         *zero = NULL;
    unsigned    temp = temp_free(e, (u16)(1u << in));
    put_mov(o, 8, temp, RAX);
    put8(o, 0x9f); /* lahf */
    shift_overflow(e, kind, w, shift_count(e->insn), in == RAX ? temp : in, (u16)(1u << temp));
    if (kind < ROL || kind == DOUBLE) { /* AF */
        put8(o, 0x80); /* and ah, ~10h */
        put8(o, 0xe4);
        put8(o, 0xef);
    }
    if (count_at) {
        put_test8(o, *count_at, w == 8 ? 63 : 31);
        zero = put_jcc_ahead(o, CC_E);
    }
    put_store(o, 4, FLAGS_SAVED, RAX);
    if (zero) {
        put_jump_here(o, zero);
    }
    put_mov(o, 8, RAX, temp);
}

void flags_save_shift(struct emit *e, struct flags_effect f, unsigned result)
{
    save_shift(e, (enum undefined)f.undefined, e->insn->w, result, NULL);
}

void flags_written(struct emit *e, struct flags_effect f, unsigned result, const struct rm *count_at, enum replay replay)
{
    if (!f.writes) {
        return;
    }
    e->host_flags  = true;
    e->saved_flags = false;
    e->replay      = replay;
    e->writer      = e->insn;
    e->recipe      = NULL;
    if (!e->needed_now || replay != REPLAY_NONE || f.undefined == DEFINED) {
        return;
    }
    if (f.undefined == PRODUCT || f.undefined == BITS) {
        save_product(e, (enum undefined)f.undefined, e->insn->w, result);
    } else {
        save_shift(e, (enum undefined)f.undefined, e->insn->w, result, count_at);
    }
    e->host_flags  = false;
    e->saved_flags = true;
}
