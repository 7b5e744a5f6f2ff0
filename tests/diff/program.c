/*
 * program.c: random programs: functions that loop, jump, call each other in every way, change modes, modify code, and have random
 * instructions in between.
 *
 * Functions call only those behind them, and keep their stack pointer in memory, so that whatever random instructions push or pop,
 * they return. Loops end by a counter in memory, or by CX unless something random gets at it: then somebody stops waiting.
 * The twin page has its functions twice, with other bodies.
 */
#include "tests/diff/program.h"

#include <string.h>

#include "cpu/base/bits.h"

enum {
    FUNCTIONS_MAX = 8,
    FUNCTION_BYTES = 0x3c0,
    LAST_DATA = RIG_STACK - 0x1000, /* a page of data that belongs to the program's own needs */
    OTHERS = LAST_DATA,             /* what spots are exchanged with */
    FUEL = LAST_DATA + 0x800,
    SLOTS = LAST_DATA + 0x840, /* of stack pointers */
    POINTERS = LAST_DATA + 0x900,
    CONTROLS = LAST_DATA + 0xa00, /* words for FLDCW and LDMXCSR */
    CONTROLS_COUNT = 8,
};

struct author {
    struct maker          m;
    const struct decoder *decoder;
    u8                   *image; /* of memory, by linear address */
    unsigned              functions, current, depth, begin;
    u32                   entry[FUNCTIONS_MAX];
    u32                   hole; /* some bytes between code, for data; 0: none yet */
    u16                   kept; /* registers that random instructions leave alone, nearly always */
};

/* ---- writing */

static struct noise *noise(struct author *a)
{
    return a->m.n;
}

static void emit(struct author *a, u64 value, unsigned bytes)
{
    for (; bytes; bytes--, value >>= 8) {
        a->image[a->m.at++] = (u8)value;
    }
}

static unsigned word(const struct author *a)
{
    return a->m.code_bytes == 2 ? 2 : 4;
}

static unsigned pointer_bytes(const struct author *a)
{
    return a->m.code_bytes;
}

static u64 offset_of(const struct author *a, u32 linear)
{
    return linear - (u32)rig_data_base(a->m.start->mode);
}

static u64 ip_of(const struct author *a, u32 linear)
{
    return linear - (u32)rig_code_base(a->m.start->mode);
}

static bool full(const struct author *a)
{
    return a->m.at - a->begin > FUNCTION_BYTES - 0x140;
}

/* opcode, ModRM with [linear] */
static void emit_absolute(struct author *a, u32 opcode, unsigned opcode_bytes, unsigned reg, u32 linear)
{
    emit(a, opcode, opcode_bytes);
    if (a->m.code_bytes == 2) {
        emit(a, reg << 3 | 6, 1);
    } else if (a->m.code_bytes == 4) {
        emit(a, reg << 3 | 5, 1);
    } else {
        emit(a, reg << 3 | 4, 1);
        emit(a, 0x25, 1);
    }
    emit(a, offset_of(a, linear), word(a));
}

static void emit_load(struct author *a, unsigned reg, u64 value)
{
    emit(a, 0xb8 | reg, 1);
    emit(a, value, word(a));
}

/* The whole stack pointer, to or from a word of memory. */
static void emit_stack_pointer(struct author *a, bool load, u32 linear)
{
    if (a->m.code_bytes == 8) {
        emit(a, 0x48, 1);
    }
    emit_absolute(a, load ? 0x8b : 0x89, 1, R_SP, linear);
}

/* ---- random instructions */

enum flavour { ANYTHING, FLOATS, VECTORS, SHIFTS, STACK, PLAIN, FLAVOURS };

static bool has_flavour(const struct row *row, enum flavour flavour)
{
    bool one = row->map == M1;
    switch (flavour) {
    case FLOATS: return one && (row->opcode & 0xf8) == 0xd8;
    case VECTORS: return row->kind == KIND_VEC || row->feature == FEATURE_SSE || row->feature == FEATURE_SSE2 || row->feature == FEATURE_MMX || row->feature == FEATURE_MMX2;
    case SHIFTS: return one && ((row->opcode & 0xfe) == 0xc0 || (row->opcode & 0xfc) == 0xd0);
    case STACK: return one && ((row->opcode & 0xf0) == 0x50 || row->opcode == 0x68 || row->opcode == 0x6a || row->opcode == 0x8f || (row->opcode == 0xff && row->slash == 6));
    case PLAIN: return (one && (row->opcode < 0x40 || (row->opcode & 0xf8) == 0x80 || (row->opcode & 0xfc) == 0x88)) ||
                       (row->map == M0F && ((row->opcode & 0xf6) == 0xb6 || row->opcode == 0xaf));
    default: return row->kind == KIND_SEM || row->kind == KIND_VEC;
    }
}

static const struct row *pick_row(struct author *a, enum flavour flavour)
{
    struct noise *n = noise(a);
    for (;;) {
        const struct row *row = &row_table[noise_below(n, row_count)];
        if (row->attr & END ? noise_once(n, 3000) : has_flavour(row, flavour) || noise_once(n, 30)) {
            return row;
        }
    }
}

/* Without the stack the program soon comes to nothing. */
static bool spoils_stack(struct noise *n, const struct insn *i)
{
    unsigned opcode = i->opcode;
    bool     spoils = (!i->mem && i->rm == R_SP * 8) || i->reg == R_SP * 8 || opcode == 0xc8 || opcode == 0xc9;
    return spoils && !noise_once(n, 16);
}

static bool spoils_kept(const struct author *a, const struct insn *i)
{
    bool spoils = (!i->mem && a->kept >> (i->rm >> 3 & 15) & 1) || a->kept >> (i->reg >> 3 & 15) & 1;
    return spoils && !noise_once(a->m.n, 24);
}

static void random_insn(struct author *a, enum flavour flavour)
{
    for (;;) {
        struct insn i;
        unsigned    length = maker_insn(&a->m, a->decoder, pick_row(a, flavour), &i);
        if (length && !spoils_stack(noise(a), &i) && !spoils_kept(a, &i)) {
            memcpy(a->image + a->m.at, a->m.byte, length);
            a->m.at += length;
            return;
        }
    }
}

/* A register that points to data again. */
static void random_pointer(struct author *a)
{
    static const u8 pointers[] = {R_BX, R_SI, R_DI, R_BP};
    emit_load(a, pointers[noise_below(noise(a), 4)], maker_data_pointer(&a->m));
}

static void random_insns(struct author *a)
{
    enum flavour flavour = noise_once(noise(a), 2) ? ANYTHING : (enum flavour)noise_below(noise(a), FLAVOURS);
    for (unsigned k = 1 + noise_below(noise(a), 5); k; k--) {
        if (noise_once(noise(a), 4)) {
            random_pointer(a);
        } else {
            random_insn(a, flavour);
        }
    }
}

/* A forward jump to what is not there yet; returns where its displacement ends. */
static u32 emit_forward(struct author *a)
{
    struct noise *n = noise(a);
    if (noise_once(n, 3)) {
        emit(a, noise_once(n, 8) ? 0xe3 : 0x70 | noise_below(n, 16), 1); /* may turn out too short */
        emit(a, 0, 1);
    } else {
        emit(a, noise_once(n, 8) ? 0xe990u : 0x800f | noise_below(n, 16) << 8, 2);
        emit(a, 0, word(a));
    }
    return a->m.at;
}

static void land(struct author *a, u32 from, unsigned bytes)
{
    u32 distance = a->m.at - from;
    if (bytes == 1) {
        a->image[from - 1] = (u8)(distance < 128 ? distance : 0);
    } else if (bytes == 2) {
        store16(a->image + from - 2, (u16)distance);
    } else {
        store32(a->image + from - 4, distance);
    }
}

/* Half of the operands that are near to each other will have this index, if there is one. */
static void choose_index(struct author *a)
{
    struct noise *n = noise(a);
    a->m.index      = noise_once(n, 3) ? R_SP : R_DX;
    a->m.scale      = (u8)noise_below(n, 4);
    if (a->m.index == R_DX) {
        emit(a, 0x41, a->m.upper);
        emit_load(a, R_DX, noise_below(n, 20));
    }
}

static void emit_wide(struct author *a)
{
    if (a->m.code_bytes == 8) {
        emit(a, 0x48 | a->m.upper, 1);
    }
}

/* Accesses near to each other: one check will do for them, unless something comes in between. */
static void near_insns(struct author *a)
{
    static const u8 pointers[] = {R_BX, R_SI, R_DI, R_BP};
    struct noise   *n = noise(a);
    a->m.base         = pointers[noise_below(n, 4)];
    a->m.near         = true;
    a->m.upper        = a->m.code_bytes == 8 && noise_once(n, 3);
    emit(a, 0x41, a->m.upper);
    emit_load(a, a->m.base, maker_data_pointer(&a->m) & (noise_once(n, 4) ? ~(u64)0 : ~(u64)0xf0f));
    choose_index(a);
    for (unsigned k = 2 + noise_below(n, 8); k; k--) {
        if (noise_once(n, 6)) { /* add, sub */
            emit_wide(a);
            emit(a, 0x83, 1);
            emit(a, (noise_once(n, 2) ? 0xc0 : 0xe8) | (noise_once(n, 2) ? (unsigned)R_DX : a->m.base), 1);
            emit(a, 8, 1);
        } else if (!a->m.upper && noise_once(n, 8)) { /* mov, lea: another register is the same, or near to it */
            u8   from = a->m.base, to = pointers[noise_below(n, 4)];
            bool lea = noise_once(n, 2);
            emit_wide(a);
            emit(a, lea ? 0x8d : 0x89, 1);
            emit(a, lea ? 0x40u | (unsigned)to << 3 | from : 0xc0u | (unsigned)from << 3 | to, 1);
            emit(a, 4, lea);
            a->m.base = to;
        } else if (noise_once(n, 8)) {
            emit(a, 0x50 | noise_below(n, 4) | noise_below(n, 2) << 3, 1); /* push, pop */
        } else if (noise_once(n, 12)) {
            u32 start = a->m.at, from = emit_forward(a);
            random_insn(a, ANYTHING);
            land(a, from, from - start == 2 ? 1 : word(a));
        } else {
            random_insn(a, noise_once(n, 3) ? VECTORS : ANYTHING);
        }
    }
    a->m.near = a->m.upper = false;
}

/* Elements of a table, by bytes in AX, CX and DX, or in R8 to R10; `high`: R9 is its base. */
static void table_reads(struct author *a, unsigned base, bool high, unsigned count)
{
    static const u16 reads[] = {0x8b, 0x03, 0x33, 0x3b, 0x3b, 0x3a, 0x84, 0x0f | 0xb6 << 8, 0x0f | 0xaf << 8};
    struct noise    *n       = noise(a);
    unsigned         scale   = noise_below(n, 4);
    bool             upper   = a->m.code_bytes == 8 && noise_once(n, 3);
    for (; count; count--) {
        unsigned index = noise_below(n, 3), rex = high | (upper ? 0x42 | noise_below(n, 2) << 2 : 0);
        u16      read  = reads[noise_below(n, ARRAY_LEN(reads))];
        if (!noise_once(n, 6)) { /* movzx index, a byte register; or and index, a constant */
            bool constant = noise_once(n, 4);
            emit(a, constant ? 0x41 : 0x44, upper);
            emit(a, constant ? 0x7fe083 | index << 8 : 0xc0b60f | index << 19 | noise_below(n, 8) << 16, 3);
        }
        emit(a, 0x40 | rex, rex != 0);
        emit(a, read, read < 256 ? 1 : 2);
        emit(a, 0x44 | noise_below(n, 3) << 3 | (scale << 6 | index << 3 | (high ? 1 : base)) << 8, 2);
        emit(a, noise_next(n), 1);
        if (noise_once(n, 3)) {
            random_insn(a, ANYTHING);
        } else if (noise_once(n, 3)) { /* push: a check of another kind */
            emit(a, 0x50 | noise_below(n, 3), 1);
        }
    }
}

/* One check will do for all that bytes can reach, in a page or in two. */
static void table_insns(struct author *a)
{
    static const u8 pointers[] = {R_BX, R_SI, R_DI, R_BP};
    struct noise   *n          = noise(a);
    unsigned        base       = pointers[noise_below(n, 4)];
    if (a->m.code_bytes == 2) {
        return;
    }
    emit_load(a, base, maker_data_pointer(&a->m));
    bool high = a->m.code_bytes == 8 && noise_once(n, 3);
    if (high) { /* mov r9, base */
        emit(a, 0xc18949 | base << 19, 3);
    }
    table_reads(a, base, high, 2 + noise_below(n, 5));
}

/* ---- control flow */

static void element(struct author *a);
static void modify(struct author *a);
static void device(struct author *a);

static void forward_jump(struct author *a)
{
    u32      start = a->m.at, from = emit_forward(a);
    unsigned bytes = from - start == 2 ? 1 : word(a);
    element(a);
    land(a, from, bytes);
}

static void emit_relative(struct author *a, u32 opcode, unsigned opcode_bytes, u32 target)
{
    emit(a, opcode, opcode_bytes);
    emit(a, target - (a->m.at + word(a)), word(a));
}

/* Back to `top` while a condition holds, and not for ever. */
static void loop_by_fuel(struct author *a, u32 top)
{
    emit_absolute(a, 0xff, 1, 1, FUEL); /* dec */
    if (noise_once(noise(a), 2)) {
        random_insn(a, ANYTHING);
        emit_absolute(a, 0x83, 1, 7, FUEL); /* cmp, 0 */
        emit(a, 0, 1);
    }
    emit_relative(a, noise_once(noise(a), 2) ? 0x8f0f : 0x8d0f, 2, top); /* jg, jge */
}

static void loop_by_counter(struct author *a, u32 top)
{
    if (top + 120 < a->m.at || noise_once(noise(a), 3)) {
        switch (noise_below(noise(a), 4)) {
        case 0: emit(a, 0x01e983, 3); break; /* sub cx, 1 */
        case 1: /* add cx, -1; test cx, cx */
            emit(a, 0xffc183, 3);
            emit(a, 0xc985, 2);
            break;
        default: emit(a, a->m.code_bytes == 8 ? 0xc9ff : 0x49, a->m.code_bytes == 8 ? 2 : 1); break; /* dec cx */
        }
        emit_relative(a, noise_once(noise(a), 2) ? 0x850f : 0x8f0f, 2, top);
    } else {
        emit(a, 0xe2, 1);
        emit(a, top - (a->m.at + 1), 1);
    }
}

static void loop(struct author *a)
{
    bool counter = noise_once(noise(a), 2);
    if (counter) {
        emit_load(a, R_CX, 1 + noise_below(noise(a), 7));
    }
    u32 top = a->m.at;
    element(a);
    if (counter) {
        loop_by_counter(a, top);
    } else {
        loop_by_fuel(a, top);
    }
}

/* A loop around accesses near to what registers point to that it leaves alone: what was checked in one round need not be in the next. */
static void near_loop(struct author *a)
{
    static const u8 pointers[] = {R_BX, R_SI, R_DI, R_BP};
    struct noise   *n       = noise(a);
    unsigned        first   = noise_below(n, 4), outs = 0;
    bool            counter = noise_once(n, 2);
    u32             out[4];
    for (unsigned k = 0; k < 2; k++) {
        u64 to  = noise_once(n, 8) ? offset_of(a, a->m.at + noise_below(n, 80)) : maker_data_pointer(&a->m);
        u8  reg = pointers[(first + k) & 3];
        emit_load(a, reg, noise_once(n, 6) ? (to | 0xfff) - noise_below(n, 160) : to);
        a->kept |= (u16)(1u << reg);
    }
    if (counter) {
        emit_load(a, R_CX, 1 + noise_below(n, 15));
        a->kept |= 1u << R_CX;
    }
    choose_index(a);
    u32 top = a->m.at;
    for (unsigned k = 1 + noise_below(n, 6); k; k--) {
        a->m.near = true;
        a->m.base = pointers[(first + noise_below(n, 2)) & 3];
        random_insn(a, noise_once(n, 6) ? ANYTHING : noise_once(n, 6) ? VECTORS : PLAIN);
        a->m.near = false;
        if (!counter && a->m.code_bytes != 2 && noise_once(n, 5)) {
            table_reads(a, a->m.base, false, 1 + noise_below(n, 2));
        }
        if (noise_once(n, 12) && outs < ARRAY_LEN(out)) { /* a way out */
            emit(a, 0x800f | noise_below(n, 16) << 8, 2);
            emit(a, 0, word(a));
            out[outs++] = a->m.at;
        } else if (noise_once(n, 16)) {
            switch (noise_below(n, 3)) {
            case 0: modify(a); break;
            case 1: device(a); break;
            default: loop_by_fuel(a, top); break;
            }
        }
    }
    if (counter) {
        loop_by_counter(a, top);
    } else {
        loop_by_fuel(a, top);
    }
    a->kept = 0;
    while (outs) {
        land(a, out[--outs], word(a));
    }
}

/* Calls or jumps to `target` through a register or memory. */
static void go_indirectly(struct author *a, u32 target, bool call)
{
    struct noise *n     = noise(a);
    unsigned      digit = call ? 2 : 4;
    if (noise_once(n, 2)) {
        unsigned reg = noise_once(n, 2) ? R_AX : R_DX;
        emit_load(a, reg, ip_of(a, target));
        emit(a, 0xff, 1);
        emit(a, 0xc0 | digit << 3 | reg, 1);
        return;
    }
    u32 at = POINTERS + 8 * noise_below(n, 16);
    if (call) {
        at = POINTERS + 8 * a->current;
    }
    if (!call || noise_once(n, 2)) { /* mov word [at], target */
        emit_absolute(a, 0xc7, 1, 0, at);
        emit(a, ip_of(a, target), word(a));
        if (pointer_bytes(a) == 8) {
            emit_absolute(a, 0xc7, 1, 0, at + 4);
            emit(a, 0, 4);
        }
    }
    emit_absolute(a, 0xff, 1, digit, at);
}

static void call(struct author *a)
{
    if (a->current + 1 >= a->functions) {
        random_insns(a);
        return;
    }
    u32 target = a->entry[a->current + 1 + noise_below(noise(a), a->functions - a->current - 1)];
    switch (noise_below(noise(a), 4)) {
    case 0: case 1: emit_relative(a, 0xe8, 1, target); break;
    case 2: go_indirectly(a, target, true); break;
    default: { /* the return address by hand, and a jump */
        u32 start = a->m.at;
        emit(a, 0x68, 1);
        emit(a, 0, word(a));
        emit_relative(a, 0xe9, 1, target);
        u64 back = ip_of(a, a->m.at);
        if (word(a) == 2) {
            store16(a->image + start + 1, (u16)back);
        } else {
            store32(a->image + start + 1, (u32)back);
        }
        break;
    }
    }
}

static void jump_next(struct author *a)
{
    struct noise *n = noise(a);
    u32           start = a->m.at;
    unsigned      skip = noise_below(n, 3);
    /* how long the jump will be is known only then */
    for (unsigned round = 0; round < 2; round++) {
        u32           target = a->m.at + skip;
        struct noise  same   = *n;
        a->m.at              = start;
        go_indirectly(a, target, false);
        if (!round) {
            *n = same;
        }
    }
    for (; skip; skip--) {
        emit(a, 0x90, 1);
    }
}

/* ---- code that changes */

/* Four bytes that make sense alone, whatever stands in two of them. */
static u32 group(struct noise *n)
{
    u32 v = (u32)noise_next(n);
    switch (noise_below(n, 4)) {
    case 0: return 0xb0 | noise_below(n, 4) | (v & 0xff) << 8 | 0x04b40000u | (v & 0xff000000); /* mov, mov ah */
    case 1: return 0x9000c083u | (v & 0xff) << 16;                                                  /* add ax */
    case 2: return 0xc0fe9090u | noise_below(n, 4) << 24;                                           /* inc */
    default: return 0x04u | (v & 0xff) << 8 | 0x2c0000u | (v & 0xff000000);                         /* add al, sub al */
    }
}

static void spot(struct author *a)
{
    struct rig_start *s = a->m.start;
    u32               at = a->m.at;
    if (s->spots < RIG_SPOTS_MAX && at < RIG_TWIN - 32) {
        u32 other = OTHERS + 32 * s->spots;
        s->spot[s->spots]    = at;
        s->other[s->spots++] = other;
        for (unsigned k = 0; k < RIG_SPOT_BYTES; k += 4) {
            store32(s->memory + other + k, group(noise(a)));
        }
    }
    for (unsigned k = 0; k < RIG_SPOT_BYTES; k += 4) {
        emit(a, group(noise(a)), 4);
    }
}

static void copy_by_stack(struct author *a, u32 to, u32 from)
{
    u32 slot = SLOTS + 8 * FUNCTIONS_MAX;
    emit_stack_pointer(a, false, slot);
    emit_load(a, R_SP, offset_of(a, to + 8));
    emit_absolute(a, 0xff, 1, 6, from);
    emit_stack_pointer(a, true, slot);
}

/* Writes to code: now, or when that code is reached again. */
static void modify(struct author *a)
{
    struct noise     *n = noise(a);
    struct rig_start *s = a->m.start;
    if (!s->spots) {
        spot(a);
        return;
    }
    unsigned k  = noise_once(n, 2) ? s->spots - 1 : noise_below(n, s->spots);
    u32      to = s->spot[k] + 4 * noise_below(n, 4), from = s->other[k] + 4 * noise_below(n, 4);
    switch (noise_below(n, 9)) {
    case 0:
        emit_absolute(a, 0x8b, 1, R_AX, from);
        emit_absolute(a, 0x89, 1, R_AX, to);
        break;
    case 1:
        emit_absolute(a, 0x100f, 2, 3, s->other[k]);
        emit_absolute(a, 0x110f, 2, 3, s->spot[k]);
        break;
    case 2:
        emit_absolute(a, 0x6f0f, 2, 3, s->other[k]);
        emit_absolute(a, 0x7f0f, 2, 3, s->spot[k]);
        break;
    case 3:
        emit_absolute(a, 0xdf, 1, 5, s->other[k]); /* fild, fistp */
        emit_absolute(a, 0xdf, 1, 7, s->spot[k]);
        break;
    case 4:
        emit_load(a, R_SI, offset_of(a, s->other[k]));
        emit_load(a, R_DI, offset_of(a, s->spot[k]));
        emit_load(a, R_CX, 16u / word(a));
        emit(a, 0xfc, 1);
        emit(a, noise_once(n, 2) ? 0xa5f3 : 0xa590, 2); /* movs, repeated or not */
        break;
    case 5: copy_by_stack(a, to, from); break;
    case 6:
        emit_absolute(a, noise_once(n, 2) ? 0xfe : 0xff, 1, noise_below(n, 2), s->spot[k] + 1); /* inc, dec */
        break;
    case 7:
        emit(a, noise_next(n) << 8 | 0xb0, 2); /* DMA */
        emit(a, (RIG_PORTS + ACTION_DMA) << 8 | 0xe6, 2);
        break;
    default:
        emit_absolute(a, 0x87, 1, R_DX, to); /* exchanges: something random, from then on */
        emit_absolute(a, 0x87, 1, R_DX, to);
        break;
    }
    if (noise_once(n, 2)) {
        spot(a);
    }
}

/* Data between code. */
static void hole(struct author *a)
{
    struct noise *n = noise(a);
    if (!a->hole || noise_once(n, 4)) {
        unsigned bytes = noise_once(n, 2) ? 16 : 100;
        emit(a, 0xeb | bytes << 8, 2);
        a->hole = a->m.at;
        emit(a, 0, bytes);
    }
    u32 at = a->hole + noise_below(n, 12);
    if (noise_once(n, 2)) {
        emit_absolute(a, 0x01, 1, noise_below(n, 3), at);
    } else {
        emit_absolute(a, noise_once(n, 2) ? 0x110f : 0x7f0f, 2, noise_below(n, 8), a->hole);
    }
}

/* ---- modes */

static void controls(struct author *a)
{
    u32 at = CONTROLS + 8 * noise_below(noise(a), CONTROLS_COUNT);
    switch (noise_below(noise(a), 5)) {
    case 0: case 1: emit_absolute(a, 0xd9, 1, 5, at); break;         /* fldcw */
    case 2: case 3: emit_absolute(a, 0xae0f, 2, 2, at + 4); break;   /* ldmxcsr */
    default: emit(a, noise_once(noise(a), 2) ? 0xe2db : 0xe3db, 2); break; /* fnclex, fninit */
    }
}

static void segments(struct author *a)
{
    struct noise *n = noise(a);
    static const u8 names[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS, SEG_SS, SEG_ES, SEG_FS};
    unsigned seg = names[noise_below(n, 7)];
    unsigned sel = RIG_SEL_DATA + 8 * noise_below(n, 5);
    if (a->m.start->mode == RIG_REAL) {
        sel = (unsigned)rig_data_base(RIG_REAL) >> 4;
    } else if (seg == SEG_DS || seg == SEG_SS) { /* they are needed */
        sel = noise_once(n, 4) ? sel : RIG_SEL_DATA;
    }
    emit_load(a, R_AX, sel | a->m.start->cpl);
    emit(a, 0xc08e | seg << 11, 2);
}

static void mode(struct author *a)
{
    struct noise *n = noise(a);
    switch (noise_below(n, 8)) {
    case 0: case 1: case 2: controls(a); break;
    case 3: segments(a); break;
    case 4: emit(a, noise_once(n, 2) ? 0xfc : 0xfd, 1); break;
    case 5:
        if (a->m.start->cpl == 0 && a->m.start->mode != RIG_REAL) {
            emit(a, 0xcb010f, 3); /* stac */
            random_insns(a);
            emit(a, noise_once(n, 4) ? 0xca010f : 0xcb010f, 3);
        }
        break;
    case 6: /* TS, and off again */
        if (a->m.start->cpl == 0) {
            emit(a, 0xc0200f, 3);
            emit(a, 0x080c, 2); /* or al, 8 */
            emit(a, 0xc0220f, 3);
            random_insns(a);
            emit(a, 0x060f, 2);
        }
        break;
    default: /* flags by the stack, seldom with TF or AC */
        emit(a, 0x9c, 1);
        if (noise_once(n, 8)) {
            emit_load(a, R_AX, noise_once(n, 4) ? FLAG_TF : noise_once(n, 2) ? FLAG_AC : FLAG_DF);
            emit(a, 0x5a, 1);    /* pop dx */
            emit(a, 0xc231, 2);  /* xor dx, ax */
            emit(a, 0x52, 1);    /* push dx */
        }
        emit(a, 0x9d, 1);
        break;
    }
}

static void device(struct author *a)
{
    struct noise *n      = noise(a);
    unsigned      action = noise_below(n, RIG_ACTIONS);
    if (noise_once(n, 2)) {
        emit(a, 0xe6 | (RIG_PORTS + action) << 8, 2);
    } else {
        emit_absolute(a, noise_once(n, 2) ? 0x89 : 0x31, 1, noise_below(n, 4), RIG_DEVICE + 8 * action);
    }
}

/* ---- functions */

static void element(struct author *a)
{
    if (a->depth > 3 || full(a)) {
        if (!full(a)) {
            random_insn(a, ANYTHING);
        }
        return;
    }
    a->depth++;
    switch (noise_below(noise(a), 19)) {
    case 0: case 1: case 2: forward_jump(a); break;
    case 3: case 4: loop(a); break;
    case 5: case 6: call(a); break;
    case 7: jump_next(a); break;
    case 8: modify(a); break;
    case 9: spot(a); break;
    case 10: hole(a); break;
    case 11: mode(a); break;
    case 12: device(a); break;
    case 13: near_insns(a); break;
    case 14: table_insns(a); break;
    case 15: case 16: near_loop(a); break;
    default: random_insns(a); break;
    }
    a->depth--;
}

static void function(struct author *a, unsigned number)
{
    struct noise *n    = noise(a);
    u32           slot = SLOTS + 8 * number;
    a->current         = number;
    a->m.at = a->begin = a->entry[number];
    if (number) {
        emit_stack_pointer(a, false, slot);
    }
    u32 top = a->m.at;
    for (unsigned k = 1 + noise_below(n, 6); k && !full(a); k--) {
        element(a);
    }
    if (!number) {
        emit_absolute(a, 0xff, 1, 1, FUEL);
        emit_relative(a, 0x8f0f, 2, top);
        a->m.start->end = a->m.at;
        emit(a, 0x0b0f, 2);
        return;
    }
    if (noise_once(n, 8) && number + 1 < a->functions) {
        emit_stack_pointer(a, true, slot);
        emit_relative(a, 0xe9, 1, a->entry[number + 1]);
        return;
    }
    emit_stack_pointer(a, true, slot);
    if (noise_once(n, 4)) {
        emit(a, 0xc2 | noise_below(n, 3) * pointer_bytes(a) << 8, 3);
    } else {
        emit(a, 0xc3, 1);
    }
}

/* Where functions are; some begin so that they go on in the next page. */
static void place(struct author *a)
{
    static const u32 places[] = {0x6040, 0x6480, 0x6fa0, 0x7400, 0x7800, 0x7fd0, 0x8400, 0x8900, 0x8fb0, 0x9400, 0x9800};
    struct noise    *n = noise(a);
    u8               order[ARRAY_LEN(places)];
    for (unsigned k = 0; k < ARRAY_LEN(places); k++) {
        unsigned other = noise_below(n, k + 1);
        order[k]       = order[other];
        order[other]   = (u8)k;
    }
    unsigned first = 0;
    while (places[order[first]] >= RIG_TWIN) { /* the end is in one place */
        first++;
    }
    u8 keep      = order[first];
    order[first] = order[0];
    order[0]     = keep;
    a->functions = 2 + noise_below(n, FUNCTIONS_MAX - 1);
    for (unsigned k = 0; k < a->functions; k++) {
        a->entry[k] = places[order[k]] + noise_below(n, 0x40);
    }
}

static void data(struct author *a)
{
    struct noise     *n = noise(a);
    struct rig_start *s = a->m.start;
    memset(s->memory + LAST_DATA, 0, 0x1000);
    store64(s->memory + FUEL, 3 + noise_below(n, noise_once(n, 4) ? 200 : 20));
    for (unsigned k = 0; k < 16; k++) {
        unsigned f = k + 1 < a->functions ? k + 1 + noise_below(n, a->functions - k - 1) : a->functions - 1;
        store64(s->memory + POINTERS + 8 * k, ip_of(a, a->entry[f]));
    }
    for (unsigned k = 0; k < CONTROLS_COUNT; k++) {
        store32(s->memory + CONTROLS + 8 * k, 0x037f ^ ((u32)noise_next(n) & 0x0f00) ^ (noise_once(n, 6) ? (u32)noise_next(n) & 0x3f : 0));
        store32(s->memory + CONTROLS + 8 * k + 4, 0x1f80 ^ ((u32)noise_next(n) & 0xe040) ^ (noise_once(n, 6) ? (u32)noise_next(n) & 0x1f80 : 0));
    }
}

void program_make(struct noise *n, const struct decoder *decoder, struct rig_start *s)
{
    struct author a = {.m = {.n = n, .start = s}, .decoder = decoder};
    s->mode         = (enum rig_mode)(noise_once(n, 2) ? RIG_64 : noise_below(n, RIG_MODES));
    s->cpl          = s->mode == RIG_REAL || noise_once(n, 3) ? 0 : 3;
    s->fault_page   = 0;
    s->program      = true;
    s->counted      = noise_once(n, 6);
    s->short_stack  = false;
    s->spots        = 0;
    s->code_limit   = noise_once(n, 6) ? 0x2800 + noise_below(n, 0x800) : 0x5fff;
    a.m.code_bytes  = rig_code_bytes(s->mode);
    memset(s->memory + RIG_CODE, 0xcc, RIG_DATA - RIG_CODE);
    place(&a);
    data(&a);
    memcpy(s->high, s->memory + RIG_TWIN, sizeof s->high);
    for (unsigned k = a.functions; k-- > 0;) {
        a.image = s->memory;
        function(&a, k);
        if (a.entry[k] >= RIG_TWIN) {
            a.image = s->high - RIG_TWIN;
            function(&a, k);
        } else if (a.m.at > RIG_TWIN) { /* it goes on in the twin page: perhaps in the midst of an instruction with two ends */
            memcpy(s->high, s->memory + RIG_TWIN, a.m.at - RIG_TWIN);
            s->high[noise_below(n, 4)] ^= (u8)(noise_once(n, 2) ? noise_next(n) : 0);
        }
    }
    a.m.at = a.entry[0];
    s->ip  = ip_of(&a, a.entry[0]);
    maker_state(&a.m);
    s->flags |= FLAG_IOPL;
    s->regs[R_SP] = (RIG_STACK + 0x1000 - rig_data_base(s->mode)) & ~(u64)7;
    for (unsigned k = 0; k < 16; k++) {
        store64(s->memory + RIG_DATA + noise_below(n, LAST_DATA - RIG_DATA - 8), noise_value(n));
    }
}
