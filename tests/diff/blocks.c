/*
 * blocks.c: random blocks: rows of isa/opcodes.def encoded with random prefixes and operands, most
 * of which meet memory.
 *
 * An operand may name its page outright (so that page can be made to fault at just that
 * instruction), go through a register that points into the data, at page ends too, name the code
 * that is being executed, or lie anywhere.
 */
#include "tests/diff/blocks.h"

#include <string.h>

#include "cpu/base/bits.h"

u64 noise_next(struct noise *n)
{
    n->state += 0x9e3779b97f4a7c15;
    u64 z = n->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

unsigned noise_below(struct noise *n, unsigned limit)
{
    return (unsigned)((noise_next(n) >> 32) * limit >> 32);
}

bool noise_once(struct noise *n, unsigned k)
{
    return !noise_below(n, k);
}

static void put(struct maker *m, u64 value, unsigned bytes)
{
    for (; bytes; bytes--, value >>= 8) {
        m->byte[m->count++] = (u8)value;
    }
}

/* ---- addresses */

static u32 in_page(struct noise *n)
{
    return noise_once(n, 4) ? 0xff8 + noise_below(n, 8)
                            : noise_below(n, 0xff0) & (noise_once(n, 3) ? ~0u : ~15u);
}

u32 maker_address(struct maker *m)
{
    struct noise *n = m->n;
    if (noise_once(n, 16)) {
        return m->at + noise_below(n, 40); /* the code that follows */
    }
    unsigned page = noise_below(n, RIG_DATA_PAGES);
    u32 at = RIG_DATA + page * 0x1000 + in_page(n);
    if (m->pages && m->page_count < 16) {
        m->pages[m->page_count++] = (u8)(at >> 12);
    }
    return at;
}

u64 noise_value(struct noise *n)
{
    static const u64 special[] = {0,
                                  1,
                                  0x7f,
                                  0x80,
                                  0xff,
                                  0x7fff,
                                  0x8000,
                                  0xffff,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  0x7fffffffffffffff,
                                  0x8000000000000000,
                                  ~(u64)0};
    u64 v = noise_once(n, 2) ? special[noise_below(n, ARRAY_LEN(special))] : noise_next(n);
    return noise_once(n, 4) ? v & 0x3f : v;
}

/* ---- encoding */

static bool has(const struct row *row, unsigned a, unsigned b)
{
    for (unsigned k = 0; k < 4; k++) {
        if (row->operand[k] == a || row->operand[k] == b) {
            return true;
        }
    }
    return false;
}

enum form { FORM_NONE, FORM_ANY, FORM_MEMORY, FORM_REGISTER };

static enum form form_of(const struct row *row)
{
    enum form form = row->slash == __ ? FORM_NONE : FORM_ANY;
    for (unsigned k = 0; k < 4; k++) {
        switch (row->operand[k] == __ ? OPERAND_NONE : OPERAND_CLASS(row->operand[k])) {
        case OPERAND_MEMORY:
            return FORM_MEMORY;
        case OPERAND_RM_GPR:
        case OPERAND_XMM:
        case OPERAND_MMX:
            return FORM_REGISTER;
        case OPERAND_ST:
            return row->operand[k] == STi ? FORM_REGISTER : form;
        case OPERAND_RM:
        case OPERAND_GPR_FIELD:
        case OPERAND_RM_XMM:
        case OPERAND_RM_MMX:
        case OPERAND_SEGMENT:
        case OPERAND_CONTROL:
        case OPERAND_DEBUG:
        case OPERAND_XMM_FIELD:
        case OPERAND_MMX_FIELD:
            form = FORM_ANY;
            break;
        default:
            break;
        }
    }
    return form;
}

static void put_prefixes(struct maker *m, const struct row *row)
{
    struct noise *n = m->n;
    bool vex = row->attr & VEX; /* it stands for 66, F2 and F3 */
    if (!vex && (row->prefix == P66 || (row->prefix == ANY && noise_once(n, 6)))) {
        put(m, 0x66, 1);
    }
    if (!vex && (row->prefix == PF3 || row->prefix == PF2)) {
        put(m, row->prefix == PF3 ? 0xf3 : 0xf2, 1);
    } else if (row->attr & REPS && noise_once(n, 2)) {
        put(m, 0xf2 + noise_below(n, 2), 1);
    }
    m->address16 = m->code_bytes == 2;
    if (noise_once(n, 24)) {
        put(m, 0x67, 1);
        m->address16 = m->code_bytes == 4;
    }
    if (noise_once(n, 24)) {
        static const u8 overrides[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
        put(m, overrides[noise_below(n, 6)], 1);
    }
    if (row->attr & LOCKABLE && noise_once(n, 10)) {
        put(m, 0xf0, 1);
    }
}

static void put_opcode(struct maker *m, const struct row *row)
{
    struct noise *n = m->n;
    bool w = row->attr & W1 || (!(row->attr & W0) && noise_once(n, 2));
    bool long_mode = m->code_bytes == 8, upper = m->near && m->upper;
    if (row->attr & VEX) {
        static const u8 pp[] = {[ANY] = 0, [NP] = 0, [P66] = 1, [PF3] = 2, [PF2] = 3};
        static const u8 mmmmm[] = {[M1] = 0, [M0F] = 1, [M38] = 2, [M3A] = 3};
        put(m, 0xc4, 1);
        unsigned vvvv = has(row, By, Hx) ? noise_below(n, 16) | (long_mode ? 0 : 8) : 15;
        bool     l    = row->attr & L1 || (row->attr & LIG && noise_once(n, 2));
        put(m, (long_mode ? noise_below(n, 8) & (upper ? 4u : 7u) : 7) << 5 | mmmmm[row->map], 1);
        put(m, (unsigned)w << 7 | vvvv << 3 | (unsigned)l << 2 | pp[row->prefix], 1);
    } else {
        if (long_mode && (w || upper || noise_once(n, 2))) {
            put(m, 0x40 | (unsigned)w << 3 | noise_below(n, 8) | (upper ? 3 : 0), 1);
        }
        static const u32 escape[] = {[M1] = 0, [M0F] = 0x0f, [M38] = 0x380f, [M3A] = 0x3a0f};
        put(m, escape[row->map], row->map == M1 ? 0 : row->map == M0F ? 1 : 2);
    }
    put(m, row->opcode, 1);
}

/* By a register that points into the data (or by any), with a small displacement. */
static void put_by_register(struct maker *m, unsigned reg)
{
    struct noise *n = m->n;
    static const u8 pointers[] = {R_BX, R_SI, R_DI, R_BP};
    unsigned mod = noise_below(n, 3);
    if (m->near && !m->address16 && !m->vsib) {
        bool indexed = noise_once(n, 2);
        put(m, 1 << 6 | reg << 3 | (indexed ? R_SP : m->base), 1);
        put(m, (unsigned)m->scale << 6 | (unsigned)m->index << 3 | m->base, indexed);
        put(m, noise_below(n, 160) - 40, 1);
        return;
    }
    if (m->address16) {
        static const u8 pointers16[] = {7, 4, 5, 6};
        put(m,
            mod << 6 | reg << 3 |
                (noise_once(n, 4) ? noise_below(n, 4) : pointers16[noise_below(n, 4)]),
            1);
        put(m, noise_next(n), mod == 1 || (mod == 0 && (m->byte[m->count - 1] & 7) == 6) ? 2 : mod);
        return;
    }
    unsigned base = noise_once(n, 8) ? noise_below(n, 8) : pointers[noise_below(n, 4)];
    bool sib = base == 4 || m->vsib || noise_once(n, 3);
    put(m, mod << 6 | reg << 3 | (sib ? 4 : base), 1);
    if (sib) {
        unsigned index = noise_once(n, 8)   ? noise_below(n, 8)
                         : noise_once(n, 2) ? R_CX
                                            : 4 /* none */;
        put(m, noise_below(n, 4) << 6 | index << 3 | base, 1);
    }
    if (mod == 2 || (mod == 0 && base == 5)) {
        put(m, noise_below(n, 0x400) - 0x200, 4);
    } else {
        put(m, noise_next(n), mod);
    }
}

static void put_by_name(struct maker *m, unsigned reg)
{
    u32 at = maker_address(m), offset = at - (u32)rig_data_base(m->start->mode);
    if (m->address16) {
        put(m, reg << 3 | 6, 1);
        put(m, offset, 2);
    } else if (m->code_bytes == 8 && noise_once(m->n, 2)) {
        put(m, reg << 3 | 5, 1);
        m->rip_disp_at = (int)m->count;
        m->rip_target = at;
        put(m, 0, 4);
    } else if (m->code_bytes == 8) {
        put(m, (reg << 3 | 4) | 0x2500, 2);
        put(m, offset, 4);
    } else {
        put(m, reg << 3 | 5, 1);
        put(m, offset, 4);
    }
}

static void put_modrm(struct maker *m, const struct row *row)
{
    struct noise *n = m->n;
    enum form form = form_of(row);
    if (row->slash != __ && row->slash & 0x100) {
        put(m, row->slash & 0xff, 1);
        return;
    }
    if (form == FORM_NONE) {
        return;
    }
    unsigned reg = row->slash == __ ? noise_below(n, 8) : row->slash;
    m->vsib      = row->attr & VSIB;
    m->is_memory = form == FORM_MEMORY || (form == FORM_ANY && noise_once(n, 2));
    if (!m->is_memory) {
        put(m, 0xc0 | reg << 3 | noise_below(n, 8), 1);
    } else if (m->vsib || (m->near ? !noise_once(n, 6) : noise_once(n, 3))) {
        put_by_register(m, reg);
    } else {
        put_by_name(m, reg);
    }
}

static void put_immediates(struct maker *m, const struct row *row)
{
    u64 v = noise_value(m->n);
    if (has(row, Jz, Jz)) {
        v = noise_below(m->n, 64) - 16;
    } else if (has(row, Ob, Ov)) {
        v = maker_address(m) - (u32)rig_data_base(m->start->mode);
    }
    put(m, v, 8);
}

unsigned maker_insn(struct maker *m, const struct decoder *decoder, const struct row *row, struct insn *insn)
{
    enum rule rule;
    m->count = 0;
    m->rip_disp_at = -1;
    m->is_memory = false;
    put_prefixes(m, row);
    put_opcode(m, row);
    put_modrm(m, row);
    put_immediates(m, row);
    if (decode(decoder, m->byte, 15, m->code_bytes, 0, insn, &rule) != DECODE_OK) {
        return noise_once(m->n, 200) ? m->count & 7 : 0; /* nonsense, seldom */
    }
    if (m->rip_disp_at >= 0) {
        store32(m->byte + m->rip_disp_at, m->rip_target - (m->at + insn->length));
    }
    return insn->length;
}

/* Rarely: what ends a block, and what is not lowered. */
static bool wanted(struct noise *n, const struct row *row)
{
    if (row->kind == KIND_SEM) {
        return !(row->attr & END) || noise_once(n, 8);
    }
    return row->attr & END || row->attr & REPS ? noise_once(n, 100)
                                               : noise_once(n, row->kind == KIND_VEC ? 40 : 12);
}

static const struct row *pick_row(struct noise *n)
{
    for (;;) {
        const struct row *row = &row_table[noise_below(n, row_count)];
        if (wanted(n, row)) {
            return row;
        }
    }
}

static void make_code(struct maker *m, const struct decoder *decoder)
{
    struct noise *n = m->n;
    unsigned count = 1 + noise_below(n, 16), start = RIG_CODE + 0x100 + noise_below(n, 64);
    if (noise_once(n, 6)) {
        start = RIG_CODE + 0x1000 - 1 - noise_below(n, 40); /* into the next page */
    }
    memset(m->start->memory + RIG_CODE, 0xf4, RIG_DATA - RIG_CODE);
    m->at = start;
    m->start->ip = start - rig_code_base(m->start->mode);
    if (noise_once(n, 4)) {
        m->start->code_limit = (u32)m->start->ip + noise_below(n, 32);
    }
    while (count) {
        struct insn insn;
        unsigned length = maker_insn(m, decoder, pick_row(n), &insn);
        if (length && m->at + length < RIG_DATA) {
            memcpy(m->start->memory + m->at, m->byte, length);
            m->at += length;
            count--;
        }
    }
}

/* ---- state */

u64 maker_data_pointer(struct maker *m)
{
    return RIG_DATA + noise_below(m->n, RIG_DATA_PAGES) * 0x1000 + in_page(m->n) -
           rig_data_base(m->start->mode);
}

void maker_state(struct maker *m)
{
    struct noise *n = m->n;
    struct rig_start *s = m->start;
    bool wide = s->mode == RIG_64;
    for (unsigned k = 0; k < 16; k++) {
        s->regs[k] = noise_value(n);
        if (!wide) {
            s->regs[k] = (u32)s->regs[k];
        }
    }
    for (unsigned k = R_BX; k < 16; k++) {
        if (k < R_8 || k == R_9 || k == R_12 || noise_once(n, 2)) {
            s->regs[k] = maker_data_pointer(m);
        }
    }
    s->regs[R_SP] = (s->short_stack ? RIG_STACK - 0x1000 : RIG_STACK + 0x1000) - rig_data_base(s->mode) + noise_below(n, 0x20) - 0x10;
    if (noise_once(n, 2)) {
        s->regs[R_AX] = m->start->ip + noise_below(n, 64); /* a place to jump to */
    }
    if (!noise_once(n, 4)) {
        s->regs[R_CX] = noise_below(n, 70);
    }
    s->flags = FLAG_1 | FLAG_IF | ((u32)noise_next(n) & FLAG_ARITH) |
               (noise_once(n, 4) ? FLAG_DF : 0) | (noise_once(n, 16) ? FLAG_AC : 0);
    for (unsigned k = 0; k < sizeof s->vectors; k++) {
        s->vectors[k] = (u8)noise_next(n);
    }
    /* rounding, precision, flushing to zero; seldom an exception that is not masked */
    s->x87_control = (u16)(0x037f ^ (noise_once(n, 2) ? noise_next(n) & 0x0f00 : 0) ^ (noise_once(n, 12) ? noise_next(n) & 0x3f : 0));
    s->x87_status  = (u16)(noise_next(n) & (0x4740 | (s->x87_control & 0x3f)));
    s->mxcsr       = (u32)(0x1f80 ^ (noise_once(n, 2) ? noise_next(n) & 0xe040 : 0) ^ (noise_once(n, 12) ? noise_next(n) & 0x1fbf : 0));
    s->task_switched = noise_once(n, 40);
    s->no_avx        = noise_once(n, 40);
    s->smap          = s->cpl == 0 && s->mode != RIG_REAL && noise_once(n, 4);
    if (s->smap && !noise_once(n, 8)) {
        s->flags |= FLAG_AC;
    }
}

void block_make(struct noise *n, const struct decoder *decoder, struct rig_start *start,
                u8 pages[16], unsigned *page_count)
{
    struct maker m = {.n = n, .start = start, .pages = pages};
    start->mode = (enum rig_mode)(noise_once(n, 2) ? RIG_64 : noise_below(n, RIG_MODES));
    start->cpl = start->mode == RIG_REAL || noise_once(n, 8) ? 0 : 3;
    start->fault_page = 0;
    start->program    = false;
    start->short_stack = start->mode == RIG_32 && noise_once(n, 4);
    start->code_limit = 0x5fff;
    start->read_only = false;
    m.code_bytes = rig_code_bytes(start->mode);
    make_code(&m, decoder);
    maker_state(&m);
    for (unsigned k = 0; k < 64; k++) { /* some new data at places */
        store64(start->memory + RIG_DATA + noise_below(n, RIG_END - RIG_DATA - 8), noise_value(n));
    }
    *page_count = m.page_count;
}
