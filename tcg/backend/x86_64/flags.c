/*
 * flags.c: the guest's arithmetic flags between the host's EFLAGS and cpu->cc.
 *
 * They are saved when something is about to destroy them that they outlive. LAHF and SETO are the cheap way: PUSHF and POPF take
 * longer than the block. What hosts leave undefined is made ours on the way: the formulas of cpu/isa/arith.h.
 */
#include "tcg/backend/x86_64/emit.h"

#define SAVED   offsetof(struct cpu, cc.source)
#define SAVED_O rm_cpu(SAVED)     /* OF */
#define SAVED_H rm_cpu(SAVED + 1) /* as LAHF loads AH */

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
    if (row->operand[1] == CL) {
        return -1;
    }
    return row->operand[1] == I1 ? 1 : (int)(i->imm & (i->w == 8 ? 63 : 31));
}

struct flags_effect flags_effect(const struct rule_of_row *rule, const struct insn *i)
{
    struct flags_effect f = {.writes = rule->writes, .merges = rule->notes & RULE_MERGE, .undefined = rule->undefined};
    if (rule->undefined >= SHL) {
        int n      = shift_count(i);
        f.by_cl    = n < 0;
        f.merges   = f.merges || f.by_cl;
        f.writes   = n ? f.writes : 0;
        if (n == 1 && rule->undefined >= ROL) {
            f.undefined = DEFINED;
        }
    }
    return f;
}

/* Its only access to memory was checked by another instruction; alignment is looked at once more. */
static bool is_checked(const struct emit *e, const struct insn *i)
{
    const struct shared *s = &e->shared[i - e->block->insn][ACCESS_OPERAND];
    return s->use && !s->opens && !(row_table[i->row].attr & ALIGN16) && row_table[i->row].operand[0] != Mx && i->opcode != (M0F << 8 | 0xc7);
}

/* Whether executing `i` destroys the host's flags before it is done, or shows the guest's to somebody. */
static bool shows_flags(const struct emit *e, const struct insn *i)
{
    const struct rule_of_row *rule = &e->rules[i->row];
    if (i->row == ROW_NONE) {
        return true;
    }
    switch ((enum how)rule->how) {
    case LOWER_NOP: case LOWER_LEA: case LOWER_JCC: return false;
    case COPY: case USE: case SWAP: case COPY_REG: case USE_REG: case LOWER_SCAN:
        return (insn_has_memory(i) && !is_checked(e, i)) || copy_must_call(e, i);
    case LOWER_WAIT: return !(e->mode & MODE_X87);
    default: return true;
    }
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

static void save_defined(struct emit *e)
{
    struct out *o = &e->hot;
    put_mov(o, 8, T2, RAX);
    put8(o, 0x9f);                                                           /* lahf */
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = 0x90}, 0, rm_reg(RAX)); /* seto al */
    put_store(o, 2, SAVED_O, RAX);
    put_mov(o, 8, RAX, T2);
}

void flags_save(struct emit *e)
{
    if (!e->saved_flags) {
        save_defined(e);
        e->saved_flags = true;
    }
}

void flags_clobber(struct emit *e)
{
    flags_save(e);
    e->host_flags = false;
}

void flags_need(struct emit *e, unsigned mask)
{
    struct out *o = &e->hot;
    if (e->host_flags || !mask) {
        return;
    }
    if (mask == FLAG_CF) { /* bt word [saved], 8 */
        put_insn(o, (struct opcode){.map = MAP_0F, .byte = 0xba, .size16 = true}, 4, SAVED_O);
        put8(o, 8);
        return; /* the others are not there */
    }
    put_mov(o, 8, T2, RAX);
    put_zext(o, 2, RAX, SAVED_O);
    put8(o, 0x04); /* add al, 127: OF = AL was 1 */
    put8(o, 0x7f);
    put8(o, 0x9e); /* sahf */
    put_mov(o, 8, RAX, T2);
    e->host_flags = true;
}

enum host_cc flags_test(struct emit *e, unsigned cc)
{
    static const u8 bits[6] = {1, 0x01, 0x40, 0x41, 0x80, 0x04}; /* O: in its own byte */
    if (e->host_flags || cc >> 1 >= 6) {
        flags_need(e, flags_condition_mask(cc));
        return (enum host_cc)cc;
    }
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

/* AL = OF of a shift or rotate by n, -1: by CL, with result `in`, from it and from AH. Shifts by a constant do without the result. */
static void shift_overflow(struct emit *e, enum undefined kind, unsigned w, int n, unsigned in)
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
    case ROL: bit_to_al(o, w, in, msb); break;
    default: bit_to_al(o, w, in, msb - 1); break;
    }
    xor_al_ah(o);
}

/* After a product whose lower half is in `in`: CF = OF in the host's flags; SF, ZF, PF follow the lower half. BITS: CF in the host's
 * flags, OF is 0, and the others follow the result in `in`. */
static void save_product(struct emit *e, enum undefined kind, unsigned w, unsigned in)
{
    struct out *o = &e->hot;
    put_mov(o, 8, T2, RAX);
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = kind == BITS ? 0x92 : 0x90}, 0, rm_reg(RAX)); /* setc or seto al */
    in = in == RAX ? (unsigned)T2 : in;
    put_insn(o, (struct opcode){.byte = w == 1 ? 0x84 : 0x85, .wide = w == 8, .size16 = w == 2, .rex = w == 1}, in, rm_reg(in));
    put8(o, 0x9f); /* lahf */
    put8(o, 0x08); /* or ah, al */
    put8(o, 0xc4);
    if (kind == BITS) { /* mov al, 0 */
        put16(o, 0x00b0);
    }
    put_store(o, 2, SAVED_O, RAX);
    put_mov(o, 8, RAX, T2);
}

/* After a shift or rotate with result `in`. `count_at`: where the count by CL is, which may be zero. */
static void save_shift(struct emit *e, enum undefined kind, unsigned w, unsigned in, const struct rm *count_at)
{
    struct out *o    = &e->hot;
    u8         *zero = NULL;
    put_mov(o, 8, T2, RAX);
    put8(o, 0x9f); /* lahf */
    shift_overflow(e, kind, w, shift_count(e->insn), in == RAX ? (unsigned)T2 : in);
    if (kind < ROL) { /* AF */
        put8(o, 0x80); /* and ah, ~10h */
        put8(o, 0xe4);
        put8(o, 0xef);
    }
    if (count_at) {
        put_test8(o, *count_at, w == 8 ? 63 : 31);
        zero = put_jcc_ahead(o, CC_E);
    }
    put_store(o, 2, SAVED_O, RAX);
    if (zero) {
        put_jump_here(o, zero);
    }
    put_mov(o, 8, RAX, T2);
}

void flags_written(struct emit *e, struct flags_effect f, unsigned result, const struct rm *count_at)
{
    if (!f.writes) {
        return;
    }
    e->host_flags  = true;
    e->saved_flags = false;
    if (!e->needed_now || f.undefined == DEFINED) {
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
