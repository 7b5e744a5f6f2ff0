/*
 * generate.c: encodes a row of isa/opcodes.def with random prefixes and operand forms, then aims its memory operands.
 *
 * Our decoder tells which registers form the address, so that the base register can be chosen for a wanted target: inside the data,
 * across its pages, at its edges, in read-only memory, not mapped, not canonical. A decoder that is wrong there shows as a difference.
 */
#include "tests/host/generate.h"

#include <string.h>

#include "cpu/base/bits.h"
#include "tests/host/segments.h"
#include "tests/host/values.h"

/* ---- what cannot be compared */

/* By name: kernel-visible, time, identity, and the FS base that libc needs. */
static const char *const excluded[] = {
    "CPUID",    "INT",     "INT1",   "INT3",     "INTO",     "LFS",    "MONITOR", "MWAIT",   "RDFSBASE", "RDGSBASE", "RDPID",
    "RDPMC",    "RDRAND",  "RDSEED", "RDTSC",    "RDTSCP",   "SGDT",   "SIDT",    "SLDT",    "SMSW",     "STR",      "SYSCALL",
    "SYSENTER", "SYSEXIT", "SYSRET", "WRFSBASE", "WRGSBASE", "XGETBV", "XSETBV",  "STAC",    "CLAC",     "XSAVE",    "XRSTOR",
    "XSAVEOPT", "FXSAVE",  "FXRSTOR", "RSM",     "SWAPGS",   "INVPCID",
};

static bool writes_fs(const struct row *row)
{
    return row->operand[0] == sFS && strcmp(row->name, "PUSH") != 0;
}

bool generate_can(unsigned row)
{
    for (unsigned k = 0; k < ARRAY_LEN(excluded); k++) {
        if (strcmp(row_table[row].name, excluded[k]) == 0) {
            return false;
        }
    }
    return !writes_fs(&row_table[row]);
}

/* ---- encoding */

struct encoder {
    u8       byte[32];
    unsigned count;
    int      disp_at; /* of a displacement of 16 or 32 bits, or -1 */
    unsigned disp_bytes;
    bool     is_register; /* mod = 3 */
};

static void put(struct encoder *e, unsigned byte)
{
    e->byte[e->count++] = (u8)byte;
}

static bool row_is(const struct row *row, const char *name)
{
    return strcmp(row->name, name) == 0;
}

static bool uses(const struct row *row, unsigned a, unsigned b)
{
    for (unsigned k = 0; k < 4; k++) {
        if (row->operand[k] == a || row->operand[k] == b) {
            return true;
        }
    }
    return false;
}

static void put_prefixes(struct encoder *e, struct random *r, const struct row *row, unsigned code_bytes)
{
    bool opsize = row->prefix == P66 || (row->prefix == ANY && random_once(r, 4)) ||
                  ((row->prefix == PF3 || row->prefix == PF2) && random_once(r, 8));
    u8       list[6];
    unsigned n = 0;
    if (row->attr & VEX) { /* stands for 66, F2 and F3, and does not stand them */
        opsize = random_once(r, 200);
    }
    /* Intel ignores 66 before near branches in 64-bit mode, as we do; AMD truncates RIP. */
    opsize &= !(row->attr & F64 && code_bytes == 8);
    if (opsize) {
        list[n++] = 0x66;
    }
    if (row->attr & VEX) {
        if (random_once(r, 200)) {
            list[n++] = random_once(r, 2) ? 0xf3 : 0xf2;
        }
    } else if (row->prefix == PF3 || row->prefix == PF2) {
        list[n++] = row->prefix == PF3 ? 0xf3 : 0xf2;
    } else if (row->map == M1 && (row->opcode | 1) == 0xe1) {
        /* a REP before LOOPcc changes its condition on AMD */
    } else if (row->attr & REPS ? random_once(r, 2) : (row->prefix == ANY && random_once(r, 32))) {
        list[n++] = random_once(r, 2) ? 0xf3 : 0xf2;
    }
    if (random_once(r, 10)) {
        list[n++] = 0x67;
    }
    if (random_once(r, 16)) {
        static const u8 overrides[4] = { 0x26, 0x2e, 0x36, 0x3e };
        list[n++]                    = code_bytes == 8 && random_once(r, 2) ? 0x65 : overrides[random_below(r, 4)];
    }
    /* LOCK before MOV CR0 is CR8 on AMD, and there VERW looks at memory first */
    bool may_lock = !uses(row, Cd, Cd) && !(row->map == M0F && row->opcode == 0);
    if (may_lock && random_once(r, row->attr & LOCKABLE ? 6 : 100)) {
        list[n++] = 0xf0;
    }
    while (n) {
        unsigned k = random_below(r, n);
        put(e, list[k]);
        list[k] = list[--n];
    }
}

static void put_opcode(struct encoder *e, struct random *r, const struct row *row, unsigned code_bytes)
{
    /* far pointers with 64-bit offsets are Intel's only */
    bool w = row->attr & W1 || (!(row->attr & W0) && !uses(row, Mp, Mp) && random_once(r, 3));
    if (row->attr & VEX) {
        static const u8 pp[] = { [ANY] = 0, [NP] = 0, [P66] = 1, [PF3] = 2, [PF2] = 3 };
        static const u8 mmmmm[] = { [M1] = 0, [M0F] = 1, [M38] = 2, [M3A] = 3 };
        unsigned        free = code_bytes == 8 ? random_below(r, 8) : 7;
        bool     has_vvvv = uses(row, By, Hx), l = row->attr & L1 || (row->attr & LIG && random_once(r, 2));
        unsigned vvvv     = has_vvvv || random_once(r, 200) ? random_below(r, 16) | (code_bytes == 8 ? 0 : 8) : 15;
        unsigned last     = vvvv << 3 | (unsigned)(l ^ random_once(r, 200)) << 2 | pp[row->prefix];
        w                 = w ^ random_once(r, 200);
        if (row->map == M0F && !w && random_once(r, 2)) {
            put(e, 0xc5);
            put(e, (free & 4) << 5 | last);
        } else {
            put(e, 0xc4);
            put(e, free << 5 | mmmmm[row->map]);
            put(e, (unsigned)w << 7 | last);
        }
        put(e, row->opcode);
        return;
    }
    if (code_bytes == 8 && (w || random_once(r, 2))) {
        put(e, 0x40 | (unsigned)w << 3 | random_below(r, 8));
    }
    if (row->map != M1) {
        put(e, 0x0f);
    }
    if (row->map == M38 || row->map == M3A) {
        put(e, row->map == M38 ? 0x38 : 0x3a);
    }
    put(e, row->opcode);
}

enum form { FORM_NONE, FORM_ANY, FORM_MEMORY, FORM_REGISTER };

static enum form form_of(const struct row *row)
{
    enum form form = row->slash == __ ? FORM_NONE : FORM_ANY;
    for (unsigned k = 0; k < 4; k++) {
        switch (row->operand[k]) {
        case Mb: case Mw: case Md: case Mq: case Mv: case My: case Mp: case Mx: case Mo: case Mt: case M:
            return FORM_MEMORY;
        case Rv: case Ry: case Rw: case Rd: case Rq: case Ux: case Nq: case STi:
            return FORM_REGISTER;
        case Eb: case Ew: case Ed: case Eq: case Ev: case Ey: case Gb: case Gw: case Gd: case Gq: case Gv: case Gy:
        case Wx: case Wo: case Wq: case Wd: case Ww: case Wb: case Qq: case Qd: case Sw: case Cd: case Dd: case Vx: case Pq:
            form = FORM_ANY;
            break;
        default:
            break;
        }
    }
    return form;
}

static void put_displacement(struct encoder *e, struct random *r, unsigned bytes)
{
    if (bytes > 1) {
        e->disp_at    = (int)e->count;
        e->disp_bytes = bytes;
    }
    for (u64 v = random_once(r, 2) ? random_below(r, 256) : random_next(r); bytes; bytes--, v >>= 8) {
        put(e, (u8)v);
    }
}

static void put_modrm(struct encoder *e, struct random *r, const struct row *row, bool address16)
{
    enum form form = form_of(row);
    if (row->slash != __ && row->slash & 0x100) {
        put(e, row->slash & 0xff);
        return;
    }
    if (form == FORM_NONE) {
        return;
    }
    unsigned reg = row->slash == __ ? random_below(r, 8) : row->slash;
    bool     is_register = form == FORM_REGISTER || (form == FORM_ANY && random_once(r, 2));
    if (random_once(r, 200)) {
        is_register = !is_register; /* a form that may not exist */
    }
    unsigned rm = random_below(r, 8), mod = is_register ? 3 : random_below(r, 3);
    if (row->attr & VSIB && !random_once(r, 50)) {
        rm = 4;
    }
    put(e, mod << 6 | reg << 3 | rm);
    e->is_register = is_register;
    if (is_register) {
        return;
    }
    if (address16) {
        put_displacement(e, r, mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
        return;
    }
    unsigned base = rm;
    if (rm == 4) {
        base = random_below(r, 8);
        put(e, random_below(r, 4) << 6 | random_below(r, 8) << 3 | base);
    }
    put_displacement(e, r, mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0);
}

static bool has_prefix(const struct encoder *e, u8 prefix)
{
    for (unsigned k = 0; k < e->count && e->byte[k] != 0x0f && (e->byte[k] & 0xfe) != 0xc4; k++) {
        if (e->byte[k] == prefix) {
            return true;
        }
    }
    return false;
}

/* Immediates: the decoder says how many of these bytes count. */
static void put_immediates(struct encoder *e, struct random *r)
{
    u64 v = random_once(r, 2) ? random_next(r) : value_integer(r);
    if (random_once(r, 4)) {
        v &= 0x3f;
    }
    for (unsigned k = 0; k < 8; k++, v >>= 8) {
        put(e, (u8)v);
    }
}

/* ---- aiming memory operands */

/* Near one of the ends of a segment that is not flat. */
static u64 pick_near_limit(struct random *r, const struct host_descriptor *d)
{
    u64 end = random_once(r, 3) ? (random_once(r, 2) ? 0x10000 : 0) : (u64)host_descriptor_limit(d) + 1;
    return (u32)(d->base + end + 6 - random_below(r, 24));
}

/* A linear address worth an access of some bytes through `seg`. */
static u64 pick_target(struct random *r, const struct host_case *c, unsigned seg)
{
    unsigned kind = random_below(r, 64), off = random_below(r, 32);
    u64      middle = DATA_AT + PAGE_SIZE;
    if (c->code_bytes != 8 && seg <= SEG_GS && c->in.seg[seg] & 4 && host_descriptor_of(c->in.seg[seg]) && random_once(r, 6)) {
        return pick_near_limit(r, host_descriptor_of(c->in.seg[seg]));
    }
    switch (kind) {
    case 0:
        return DATA_AT - off;
    case 1: case 2: case 3:
        return FIXED_END - off;
    case 4: case 5:
        return FIXED_AT - off;
    case 6: case 7:
        return FIXED_AT + random_below(r, PAGE_SIZE);
    case 8:
        return random_once(r, 2) ? FIXED_END + off : off;
    case 9:
        return c->code_bytes == 8
                   ? (random_once(r, 2) ? 0x0000800000000000ull : 0xffff800000000000ull) - random_below(r, 20)
                   : 0xfffffff0 + random_below(r, 16);
    case 10: case 11: case 12: case 13: case 14:
        return middle - off;
    default:
        break;
    }
    u64 t = DATA_AT + 64 + random_below(r, DATA_END - DATA_AT - 128);
    return random_once(r, 3) ? t : t & ~(u64)31;
}

/* The offset that reaches linear address `target` through `seg`. */
static u64 offset_of(const struct host_case *c, unsigned seg, u64 target)
{
    return target - host_segment_base(c, seg);
}

static u64 pick_offset(struct random *r, const struct host_case *c, unsigned seg)
{
    return offset_of(c, seg, pick_target(r, c, seg));
}

/* x with x * odd = v modulo 2^64. */
static u64 divide_modulo(u64 v, u64 odd)
{
    u64 inverse = odd;
    for (unsigned k = 0; k < 6; k++) {
        inverse *= 2 - odd * inverse;
    }
    return v * inverse;
}

static void patch_displacement(struct host_case *c, const struct encoder *e, u64 delta)
{
    if (e->disp_at >= 0) {
        u8 *at = c->code + e->disp_at;
        store_le(at, load_le(at, e->disp_bytes) + delta, e->disp_bytes);
    }
}

/* Chooses registers (or the displacement) so that the operand of `i` has offset `ea`. */
static void aim(struct random *r, struct host_case *c, const struct insn *i, const struct encoder *e, u64 ea)
{
    u64 *gpr = c->in.gpr;
    if (i->base == R_IPBASE || (i->base == R_ZERO && i->index == R_ZERO)) {
        u64 now = (u64)i->disp + (i->base == R_IPBASE ? c->in.ip - (c->code_at & (PAGE_SIZE - 1)) : 0);
        patch_displacement(c, e, ea - now);
        return;
    }
    if (i->base == R_ZERO) {
        gpr[i->index] = random_once(r, 2) ? random_below(r, 64) : (ea - (u64)i->disp) >> i->scale;
        patch_displacement(c, e, ea - (u64)i->disp - (gpr[i->index] << i->scale));
        return;
    }
    if (i->index == i->base) {
        u64 v        = ea - (u64)i->disp;
        gpr[i->base] = i->scale ? divide_modulo(v, 1 + (1u << i->scale)) : v / 2;
        return;
    }
    if (i->index != R_ZERO && random_once(r, 2)) {
        gpr[i->index] = random_below(r, 256);
    }
    u64 index    = i->index == R_ZERO ? 0 : gpr[i->index] << i->scale;
    gpr[i->base] = ea - (u64)i->disp - index;
    if (i->asize < c->code_bytes && random_once(r, 2)) {
        gpr[i->base] += random_next(r) << (8 * i->asize);
    }
}

/* Counts of string instructions: short, or longer than what is mapped. */
static u64 pick_count(struct random *r)
{
    return random_once(r, 8) ? random_below(r, 9000) : random_below(r, 40);
}

static void aim_implicit(struct random *r, struct host_case *c, const struct row *row, const struct insn *i)
{
    u64     *gpr   = c->in.gpr;
    unsigned stack = c->code_bytes == 8 ? SEG_FLAT : SEG_SS;
    if (uses(row, Xb, Xv)) {
        gpr[R_SI] = pick_offset(r, c, i->seg);
    }
    if (uses(row, Yb, Yv)) {
        gpr[R_DI] = pick_offset(r, c, c->code_bytes == 8 ? SEG_FLAT : SEG_ES);
    } else if (row_is(row, "MASKMOVQ") || row_is(row, "MASKMOVDQU") || row_is(row, "VMASKMOVDQU")) {
        gpr[R_DI] = pick_offset(r, c, i->seg);
    }
    if (row->attr & REPS || row_is(row, "LOOP")) {
        gpr[R_CX] = pick_count(r);
    } else if (row_is(row, "XLAT")) {
        gpr[R_BX] = pick_offset(r, c, i->seg) - (u8)gpr[R_AX];
    } else if (row_is(row, "ENTER") || row_is(row, "LEAVE")) {
        gpr[R_BP] = offset_of(c, stack, DATA_AT + 0x800 + 8 * random_below(r, 0x200) + random_below(r, 2));
    }
    if (uses(row, CL, __) && row->operand[1] == CL && random_once(r, 2)) {
        gpr[R_CX] = (gpr[R_CX] & ~(u64)0xff) | random_below(r, 70);
    }
    if ((row_is(row, "DIV") || row_is(row, "IDIV")) && random_once(r, 2)) {
        gpr[R_DX] = random_once(r, 2) ? 0 : (u64)-random_below(r, 2);
    }
}

/* ---- selectors and far pointers */

static u16 pick_selector(struct random *r)
{
    static const u16 others[] = { 0, 1, 2, 3, 0x08, 0x10, 0x18, 0x20, 0x2a, 0x2b, 0x30, 0x33, 0x9f, 0xa7 };
    switch (random_below(r, 6)) {
    case 0:
        return others[random_below(r, ARRAY_LEN(others))];
    case 1:
        return SELECTOR_DATA;
    case 2:
        return random_once(r, 2) ? SELECTOR_CODE32 : SELECTOR_CODE64;
    case 3:
        return (u16)(random_below(r, LDT_COUNT) << 3 | 4 | random_below(r, 4));
    default:
        return LDT_SELECTOR(random_below(r, LDT_COUNT));
    }
}

/* Where a far pointer leads. The stack of a far call from other code into 64-bit code is not well defined. */
static u16 pick_far_selector(struct random *r, const struct row *row, unsigned code_bytes)
{
    u16 selector = pick_selector(r);
    return row_is(row, "CALLF") && code_bytes != 8 && selector >> 3 == SELECTOR_CODE64 >> 3 ? SELECTOR_CODE32 : selector;
}

/* An offset in the code that `selector` describes. */
static u64 pick_entry(struct random *r, u16 selector)
{
    const struct host_descriptor *d = host_descriptor_of(selector);
    u64                           at = CODE_AT + 0x900 + random_below(r, 256);
    return random_once(r, 20) ? random_next(r) : at - (d ? d->base : 0);
}

/* Puts what a far return or IRET pops, or what POP of a segment register takes, on the stack of the case. */
static void put_stack(struct random *r, struct host_case *c, const struct row *row, const struct insn *i)
{
    u64      sp = c->in.gpr[R_SP] + host_segment_base(c, SEG_SS), at = sp - DATA_AT;
    u16      cs = random_once(r, 3) ? c->in.seg[SEG_CS] : pick_selector(r), ss = pick_selector(r);
    bool     far = row_is(row, "RETF") || row_is(row, "IRET");
    u64      flags = c->in.flags ^ (random_next(r) & (FLAG_ARITH | FLAG_DF));
    u64      frame[5] = { pick_entry(r, cs), cs, flags, c->in.gpr[R_SP] + 16, ss };
    unsigned w        = i->opsize;
    if (at > DATA_END - DATA_AT - 64 || !(far || row->operand[0] >= sES)) {
        return;
    }
    c->window_at = (u32)at;
    if (!far) {
        store16(c->window, pick_selector(r));
        return;
    }
    if (row_is(row, "RETF")) {
        u64 released = row->operand[0] == Iw ? i->imm : 0;
        frame[2]     = frame[3];
        frame[3]     = frame[4];
        if (released && released < 40) {
            return; /* the outer stack lies elsewhere: whatever is there */
        }
    }
    for (unsigned k = 0; k < 5; k++) {
        store_le(c->window + k * w, frame[k], w);
    }
}

/* Operands that hold selectors or far pointers. */
static void put_selectors(struct random *r, struct host_case *c, const struct row *row, const struct insn *i)
{
    u16 selector = pick_far_selector(r, row, c->code_bytes);
    if (uses(row, Ap, Ap)) {
        store16(c->code + c->length - 2, selector);
        store_le(c->code + c->length - 2 - i->opsize, pick_entry(r, selector), i->opsize);
    } else if (uses(row, Mp, Mp)) {
        store64(c->window, pick_entry(r, selector));
        store16(c->window + (i->opsize == 2 ? 2 : 4), selector);
    } else if (row->operand[0] == Sw || row_is(row, "LAR") || row_is(row, "LSL") || row_is(row, "VERR") || row_is(row, "VERW")) {
        if (i->mem) {
            store16(c->window, selector);
        } else {
            c->in.gpr[i->rm / 8] = (c->in.gpr[i->rm / 8] & ~(u64)0xffff) | selector;
        }
    }
    put_stack(r, c, row, i);
}

/* Bit strings reach far from their operand: keep most bit offsets near. */
static void tame_bit_offset(struct random *r, struct host_case *c, const struct row *row, const struct insn *i)
{
    if (row->map == M0F && (row->opcode & 0xe7) == 0xa3 && i->mem && i->reg / 8 != i->base && i->reg / 8 != i->index &&
        !random_once(r, 8)) {
        c->in.gpr[i->reg / 8] = random_next(r) << 32 | (u32)((i32)random_below(r, 4000) - 2000);
        if (i->w == 8) {
            c->in.gpr[i->reg / 8] = (u64)(i64)(i32)c->in.gpr[i->reg / 8];
        }
    }
}

/* Indices of a gather near its base, most of the time. */
static void tame_indices(struct random *r, struct host_case *c, const struct row *row, const struct insn *i)
{
    unsigned size = i->opcode & 1 ? 8 : 4;
    if (!(row->attr & VSIB) || random_once(r, 16)) {
        return;
    }
    for (unsigned at = 0; at < 32; at += size) {
        u8 *half = at < 16 ? c->in.fx + FX_XMM + 16 * i->rm + at : c->in.upper + 16 * i->rm + at - 16;
        store_le(half, (u64)(i64)((i32)random_below(r, 64) - 32), size);
    }
}

/* Makes CMPXCHG* succeed now and then. */
static void match_compare(struct random *r, struct host_case *c, const struct row *row, const struct insn *i)
{
    if (!i->mem || strncmp(row->name, "CMPXCHG", 7) != 0 || random_once(r, 2)) {
        return;
    }
    u64      *gpr  = c->in.gpr;
    unsigned  half = row_is(row, "CMPXCHG16B") ? 8 : 4;
    if (i->base == R_AX || i->base == R_DX || i->index == R_AX || i->index == R_DX) {
        return;
    }
    gpr[R_AX] = load64(c->window);
    if (row->opcode == 0xc7) {
        gpr[R_AX] = load_le(c->window, half);
        gpr[R_DX] = load_le(c->window + half, half);
    }
}

/* ---- registers and memory */

/* The segments that a program may hold; absent and null ones come from what it loads. */
static void fill_segments(struct random *r, struct host_case *c)
{
    static const u8 data[] = { LDT_DATA16, LDT_DATA_SHORT, LDT_DATA_PAGES, LDT_DATA_FIXED, LDT_DOWN16, LDT_DOWN32, LDT_STACK16,
                               LDT_STACK32, LDT_CODE16, LDT_CODE32 };
    static const u8 stacks[] = { LDT_STACK16, LDT_STACK32, LDT_DATA16, LDT_DOWN32, LDT_DATA_SHORT };
    u16            *seg      = c->in.seg;
    unsigned        flat     = c->code_bytes == 2 ? 8 : 2;
    seg[SEG_CS] = SELECTOR_CODE64;
    seg[SEG_ES] = seg[SEG_SS] = seg[SEG_DS] = SELECTOR_DATA;
    if (c->code_bytes == 8) {
        return;
    }
    seg[SEG_CS] = c->code_bytes == 2 ? LDT_SELECTOR(random_once(r, 8) ? LDT_CODE_HIDDEN : LDT_CODE16)
                                     : random_once(r, 3) ? LDT_SELECTOR(LDT_CODE32) : SELECTOR_CODE32;
    seg[SEG_GS] = random_once(r, 4) ? 0 : LDT_SELECTOR(data[random_below(r, ARRAY_LEN(data))]);
    for (unsigned k = SEG_ES; k <= SEG_DS; k += SEG_DS - SEG_ES) {
        if (!random_once(r, flat)) {
            seg[k] = random_once(r, 16) ? 0 : LDT_SELECTOR(data[random_below(r, ARRAY_LEN(data))]);
        }
    }
    if (!random_once(r, flat)) {
        seg[SEG_SS] = LDT_SELECTOR(stacks[random_below(r, ARRAY_LEN(stacks))]);
    }
}

static void fill_stack_pointer(struct random *r, struct host_case *c)
{
    unsigned                      seg = c->code_bytes == 8 ? SEG_FLAT : SEG_SS;
    const struct host_descriptor *d   = host_descriptor_of(c->in.seg[SEG_SS]);
    u64 t = random_once(r, 12) ? pick_target(r, c, seg) : DATA_AT + 0x800 + 8 * random_below(r, 0x280);
    u64 sp = offset_of(c, seg, t);
    if (c->code_bytes != 8 && d && !d->big) {
        sp = (sp & 0xffff) | (u64)random_below(r, 0x10000) << 16;
    }
    c->in.gpr[R_SP] = sp;
}

static void fill_state(struct random *r, struct host_case *c)
{
    for (unsigned k = 0; k < 16; k++) {
        c->in.gpr[k] = value_integer(r);
    }
    fill_stack_pointer(r, c);
    c->in.flags     = FLAG_1 | FLAG_IF | (random_next(r) & FLAG_ARITH) | (random_once(r, 4) ? FLAG_DF : 0);
    if (random_once(r, 24)) {
        c->in.flags |= FLAG_AC;
    }
    if (random_once(r, 40)) {
        c->in.flags |= FLAG_TF;
    }
    value_fx(r, c->in.fx);
    for (unsigned k = 0; k < 16; k++) {
        value_vector(r, c->in.upper + 16 * k, c->in.fx + FX_XMM + 16 * k);
        if (random_once(r, 4)) {
            memset(c->in.upper + 16 * k, 0, 16);
        }
    }
    value_vector(r, c->window, NULL);
    for (unsigned k = 16; k < 64; k += 16) {
        value_vector(r, c->window + k, c->window);
    }
}

/* `no_modrm`: processors differ in whether they fetch the ModRM byte of UD0 and UD1. */
static u32 pick_ip(struct random *r, unsigned length, bool no_modrm)
{
    unsigned kind = random_below(r, 32);
    if (kind < 3 && length > 1) {
        return CODE_AT + PAGE_SIZE - 1 - random_below(r, length - 1);
    }
    if (kind == 3) {
        return CODE_END - length;
    }
    if (kind == 4 && length > 1 && !no_modrm) {
        return CODE_END - length + 1 + random_below(r, length - 1);
    }
    return CODE_AT + 0x800 + random_below(r, 64);
}

static void truncate_registers(struct host_case *c)
{
    if (c->code_bytes == 8) {
        return;
    }
    for (unsigned k = 0; k < 16; k++) {
        c->in.gpr[k] = k < 8 ? (u32)c->in.gpr[k] : 0;
    }
}

/* Relative jumps into their own bytes would run forever or run something else. */
static bool jumps_into_itself(const struct host_case *c, const struct row *row, const struct insn *i)
{
    if (!uses(row, Jb, Jz)) {
        return false;
    }
    u64 target = (c->in.ip + i->length + i->imm) & (i->opsize == 2 ? 0xffff : ~(u64)0);
    if (c->code_bytes == 4) {
        target = (u32)target;
    }
    return target >= c->in.ip && target < c->in.ip + i->length;
}

/* MOV to and from a constant offset: the offset field follows the opcode. */
static int moffs_at(const struct host_case *c, const struct row *row, const struct insn *i)
{
    return uses(row, Ob, Ov) && c->length >= i->asize ? c->length - i->asize : -1;
}

bool generate(struct random *r, const struct decoder *decoder, unsigned number, unsigned code_bytes, struct host_case *c,
              struct insn *i)
{
    const struct row *row = &row_table[number];
    struct encoder    e   = { .disp_at = -1 };
    enum rule         rule;
    memset(c, 0, sizeof *c);
    c->code_bytes = (u8)code_bytes;
    c->row        = (u16)number;
    if ((row->attr & NO64 && code_bytes == 8) || (row->attr & ONLY64 && code_bytes != 8)) {
        return false;
    }
    put_prefixes(&e, r, row, code_bytes);
    put_opcode(&e, r, row, code_bytes);
    put_modrm(&e, r, row, code_bytes == 8 ? false : (code_bytes == 2) != has_prefix(&e, 0x67));
    put_immediates(&e, r);
    memset(c->code, 0xcc, sizeof c->code);
    memcpy(c->code, e.byte, e.count < 15 ? e.count : 15);

    enum decode_status status = decode(decoder, c->code, 15, code_bytes, CODE_AT & 0xfff, i, &rule);
    if (status == DECODE_MORE || i->length > 15 || (status == DECODE_BAD && (rule == RULE_GP_LENGTH || random_below(r, 4)))) {
        return false;
    }
    c->length = i->length;
    memset(c->code + c->length, 0xcc, sizeof c->code - c->length);
    if (status == DECODE_OK) {
        row = &row_table[i->row];
        if (!generate_can(i->row)) {
            return false;
        }
    } else if (row->map == M0F && row->opcode == 0x01 && e.is_register) {
        return false; /* others' extensions: SVM, SNP, ... */
    }
    if (status == DECODE_OK) {
        c->row = i->row;
    }
    fill_segments(r, c);
    c->code_at = status == DECODE_OK ? pick_ip(r, c->length, row_is(row, "UD0") || row_is(row, "UD1")) : CODE_AT + 0x800;
    c->in.ip   = c->code_at - (code_bytes == 8 ? 0 : host_descriptor_of(c->in.seg[SEG_CS])->base);
    fill_state(r, c);
    u64 target   = pick_target(r, c, i->seg);
    c->window_at = (u32)(target >= DATA_AT && target + 64 <= DATA_END ? target - DATA_AT : DATA_END - DATA_AT - 64);
    if (status == DECODE_OK) {
        decode(decoder, c->code, 15, code_bytes, c->code_at & 0xfff, i, &rule);
        aim_implicit(r, c, row, i);
        int moffs = moffs_at(c, row, i);
        if (moffs >= 0) {
            store_le(c->code + moffs, offset_of(c, i->seg, target), i->asize);
        } else if (i->mem && (form_of(row) == FORM_ANY || form_of(row) == FORM_MEMORY)) {
            aim(r, c, i, &e, offset_of(c, i->seg, target));
        }
        tame_bit_offset(r, c, row, i);
        tame_indices(r, c, row, i);
        match_compare(r, c, row, i);
        put_selectors(r, c, row, i);
        truncate_registers(c);
        decode(decoder, c->code, 15, code_bytes, c->code_at & 0xfff, i, &rule);
        return !jumps_into_itself(c, row, i);
    }
    truncate_registers(c);
    return true;
}
