/*
 * string.c: MOVS, STOS, LODS, SCAS and CMPS in flat memory; REP MOVS and REP STOS going up inside a page of RAM, which the host
 * executes as what they are. All else is their C functions'.
 */
#include "tcg/backend/x86_64/emit.h"

enum { OPCODE_MOVS = 0xa4, OPCODE_CMPS = 0xa6, OPCODE_STOS = 0xaa, OPCODE_LODS = 0xac, OPCODE_SCAS = 0xae };

static unsigned string_of(const struct insn *i)
{
    return i->opcode & 0xfe;
}

static bool has_source(const struct insn *i)
{
    return string_of(i) <= OPCODE_CMPS || string_of(i) == OPCODE_LODS;
}

static bool is_plain(const struct emit *e, const struct insn *i)
{
    unsigned target = e->code_bytes == 8 ? SEG_FLAT : SEG_ES;
    return e->code_bytes != 2 && i->asize == e->code_bytes && memory_is_flat(e, target) && (!has_source(i) || memory_is_flat(e, i->seg));
}

static void put_goes_up(struct emit *e, const u8 *otherwise)
{
    put_test8(&e->hot, rm_cpu(offsetof(struct cpu, eflags) + 1), FLAG_DF >> 8);
    put_jcc(&e->hot, CC_NE, otherwise);
}

/* ---- once */

/* The element at SI or DI. */
static struct rm element(struct emit *e, unsigned reg, bool write)
{
    put_mov(&e->hot, e->code_bytes, T0, reg);
    return memory_check(e, T0, e->insn->w, write);
}

/* By the element's size: cpu->host.kept[1], which the checks leave alone. */
static void put_step(struct emit *e)
{
    const u8 *down = e->cold.p;
    put_store_imm(&e->hot, 8, CPU(host.kept[1]), e->insn->w);
    put_goes_up(e, down);
    put_store_imm(&e->cold, 8, CPU(host.kept[1]), -(u32)e->insn->w);
    put_jmp(&e->cold, e->hot.p);
}

static void advance(struct emit *e, unsigned reg)
{
    put_load(&e->hot, 8, T0, CPU(host.kept[1]));
    put_lea(&e->hot, e->code_bytes, reg, rm_index(reg, T0, 0, 0));
}

/* op `reg`, element */
static void put_sized(struct emit *e, unsigned byte, unsigned reg, struct rm rm)
{
    unsigned w = e->insn->w;
    put_insn(&e->hot, (struct opcode){.byte = (u8)(byte | (w > 1)), .wide = w == 8, .size16 = w == 2}, reg, rm);
}

static void put_once(struct emit *e)
{
    const struct insn *i = e->insn;
    put_step(e);
    switch (string_of(i)) {
    case OPCODE_MOVS: /* the checks leave T2 alone */
        put_sized(e, 0x8a, T2, element(e, RSI, false));
        put_store(&e->hot, i->w, element(e, RDI, true), T2);
        break;
    case OPCODE_CMPS:
        put_sized(e, 0x8a, T2, element(e, RSI, false));
        put_sized(e, 0x3a, T2, element(e, RDI, false));
        break;
    case OPCODE_STOS: put_store(&e->hot, i->w, element(e, RDI, true), RAX); break;
    case OPCODE_LODS: put_sized(e, 0x8a, RAX, element(e, RSI, false)); break;
    default: put_sized(e, 0x3a, RAX, element(e, RDI, false)); break; /* SCAS */
    }
    if (has_source(i)) {
        advance(e, RSI);
    }
    if (string_of(i) != OPCODE_LODS) {
        advance(e, RDI);
    }
    if (string_of(i) == OPCODE_CMPS || string_of(i) == OPCODE_SCAS) {
        flags_written(e, (struct flags_effect){.writes = FLAG_ARITH}, 0, NULL, REPLAY_NONE);
    }
}

/* ---- with REP */

/* T0 = the host's address of the elements from `reg` on, all in one page with the right to access it; T2 = a page less their bytes. */
static void put_elements(struct emit *e, unsigned reg, bool write, const u8 *otherwise)
{
    put_mov(&e->hot, e->code_bytes, T0, reg);
    u8 *miss = memory_lookup(e, write, T2);
    if (!e->hot.full) {
        patch_jump(miss, otherwise);
    }
    put_alu(&e->hot, ALU_ADD, 8, T0, rm_reg(T1));
}

/* `reg` = the host's address `at`, `temp` = the distance. */
static void put_move_to_host(struct out *o, unsigned reg, unsigned at, unsigned temp)
{
    put_mov(o, 8, temp, at);
    put_alu(o, ALU_SUB, 8, temp, rm_reg(reg));
    put_mov(o, 8, reg, at);
}

static void put_repeated(struct emit *e)
{
    const struct insn *i         = e->insn;
    struct out        *o         = &e->hot;
    const u8          *otherwise = e->cold.p;
    u8                *back      = put_call_instead(e);
    put_op(o, 0x85, e->code_bytes, RCX, rm_reg(RCX));
    u8 *none = put_jcc_ahead(o, CC_E);
    put_goes_up(e, otherwise);
    put_alu_imm(o, ALU_CMP, e->code_bytes, rm_reg(RCX), (i32)(PAGE_SIZE / i->w));
    put_jcc(o, CC_A, otherwise);
    put_mov(o, 4, T2, RCX);
    if (i->w > 1) {
        put_shift_imm(o, SHIFT_SHL, 4, T2, (unsigned)__builtin_ctz(i->w));
    }
    put_op(o, 0xf7, 8, 3, rm_reg(T2)); /* neg */
    put_alu_imm(o, ALU_ADD, 8, rm_reg(T2), PAGE_SIZE);
    if (has_source(i)) {
        put_elements(e, RSI, false, otherwise);
        put_store(o, 8, CPU(host.kept[0]), T0);
    }
    put_elements(e, RDI, true, otherwise);
    if (has_source(i)) {
        put_load(o, 8, T1, CPU(host.kept[0]));
        put_move_to_host(o, RSI, T1, T2);
    }
    put_move_to_host(o, RDI, T0, T1);
    if (e->code_bytes == 4) {
        put_mov(o, 4, RCX, RCX);
    }
    put8(o, 0xf3);
    put_bare(o, (struct opcode){.byte = (u8)(string_of(i) | (i->w > 1)), .wide = i->w == 8, .size16 = i->w == 2});
    put_alu(o, ALU_SUB, e->code_bytes, RDI, rm_reg(T1));
    if (has_source(i)) {
        put_alu(o, ALU_SUB, e->code_bytes, RSI, rm_reg(T2));
    }
    put_alu_imm(o, ALU_AND, 4, CPU(eflags), ~FLAG_RF); /* set if it was interrupted before */
    put_jump_here(o, none);
    called_instead(e, back);
}

void lower_string(struct emit *e)
{
    const struct insn *i = e->insn;
    if (i->rep && e->mode & MODE_COUNTED) {
        lower_out(e);
    } else if (!is_plain(e, i)) {
        lower_call(e);
    } else {
        flags_save(e);
        flags_clobber(e);
        (i->rep ? put_repeated : put_once)(e);
    }
}
