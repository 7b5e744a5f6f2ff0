/*
 * shared.c: one check for several memory accesses of a block.
 *
 * Accesses at constant distances from one register, near to each other and with no change to that register but by constants, are
 * checked together by the first of them; the others find the host's address in cpu->host.shared. If one of them writes, all are
 * checked as writes; but where the first one reads, only a page that is dirty already will do, for the write may not come. Where the range
 * is not in one page of plain RAM, the rest of the block is executed by a translation that shares nothing. Where it may not be
 * written yet, the interpreter executes the rest; a block to which that happens often is translated anew (block->unwritten).
 */
#include "tcg/backend/x86_64/emit.h"

#define RANGE_MAX 512

/* Accesses by one base register so far. */
struct run {
    bool open;
    u8   slot;
    i32  delta; /* of the register since the first access */
};

struct group {
    u8   first_insn, first_kind; /* where it is checked */
    bool write, write_later;
    i32  low, high;
    u8   members;
};

struct analysis {
    struct emit *e;
    struct run   run[16];
    struct group group[SHARED_MAX];
    unsigned     groups;
};

static bool is_known_width(const struct emit *e, unsigned w)
{
    return w == (e->code_bytes == 8 ? 8u : 4u);
}

static void access(struct analysis *a, unsigned k, enum access_kind_of kind, unsigned reg, i64 disp, unsigned size, bool write)
{
    struct run    *r = &a->run[reg];
    struct shared *s = &a->e->shared[k][kind];
    i64            at = disp + r->delta;
    if (r->open) {
        struct group *g = &a->group[r->slot];
        i64 low = at < g->low ? at : g->low, high = at + size > g->high ? at + size : g->high;
        if ((g->write || !write || !a->e->block->unwritten) && high - low <= RANGE_MAX && g->members < 255) {
            g->low  = (i32)low;
            g->high = (i32)high;
            g->write_later |= write && !g->write;
            g->write |= write;
            g->members++;
            *s = (struct shared){.use = true, .slot = r->slot, .disp = (i32)at};
            return;
        }
        r->open = false;
    }
    if (a->groups == SHARED_MAX || disp < -0x10000 || disp > 0x10000) {
        return;
    }
    *r = (struct run){.open = true, .slot = (u8)a->groups};
    *s = (struct shared){.use = true, .slot = r->slot, .disp = (i32)disp};
    a->group[a->groups++] = (struct group){
        .first_insn = (u8)k, .first_kind = (u8)kind, .write = write, .low = (i32)disp, .high = (i32)(disp + size), .members = 1};
}

static void moved(struct analysis *a, unsigned reg, i64 by)
{
    struct run *r = &a->run[reg];
    i64         d = r->delta + by;
    if (r->open && d > -0x10000 && d < 0x10000) {
        r->delta = (i32)d;
    } else {
        r->open = false;
    }
}

static void forget_registers(struct analysis *a, u16 registers)
{
    for (unsigned k = 0; k < 16; k++) {
        if (registers >> k & 1) {
            a->run[k].open = false;
        }
    }
}

/* An operand that is [base + constant] in a flat segment. */
static bool is_simple(const struct emit *e, const struct insn *i)
{
    return i->mem && i->base < 16 && i->index == R_ZERO && is_known_width(e, i->asize) &&
           memory_is_flat(e, i->seg);
}

static void operand_access(struct analysis *a, unsigned k, const struct insn *i, unsigned size, bool write)
{
    if (is_simple(a->e, i)) {
        access(a, k, ACCESS_OPERAND, i->base, i->disp, size, write);
    }
}

static void stack_access(struct analysis *a, unsigned k, unsigned reg, i64 disp, unsigned size, bool write)
{
    const struct emit *e = a->e;
    if (is_known_width(e, e->stack_bytes) && memory_is_flat(e, e->code_bytes == 8 ? SEG_FLAT_STACK : SEG_SS)) {
        access(a, k, ACCESS_STACK, reg, disp, size, write);
    }
}

/* ADD, SUB, LEA of a constant to a register: true, and by how much. */
static bool adds_constant(const struct emit *e, const struct insn *i, unsigned *reg, i64 *by)
{
    unsigned opcode = i->opcode;
    if (!is_known_width(e, i->w)) {
        return false;
    }
    if ((opcode == 0x81 || opcode == 0x83) && !i->mem && ((i->modrm & 0x38) == 0 || (i->modrm & 0x38) == 0x28)) {
        *reg = i->rm >> 3;
        *by  = (i->modrm & 0x38) ? -(i64)(i32)i->imm : (i64)(i32)i->imm;
        return true;
    }
    if (opcode == 0x8d && i->index == R_ZERO && i->base == i->reg >> 3 && i->asize == i->w) {
        *reg = i->base;
        *by  = i->disp;
        return true;
    }
    return false;
}

static void one(struct analysis *a, unsigned k)
{
    struct emit              *e    = a->e;
    const struct insn        *i    = &e->block->insn[k];
    const struct rule_of_row *rule = &e->rules[i->row];
    unsigned                  size, reg;
    bool                      write;
    i64                       by;
    if (system_must_call(e, i)) {
        forget_registers(a, 0xffff);
        return;
    }
    switch ((enum how)rule->how) {
    case LOWER_NOP: case LOWER_JCC: case LOWER_WAIT: case LOWER_DF: case LOWER_CLI: case LOWER_STI: case LOWER_SWAPGS:
    case LOWER_PAUSE: return;
    case LOWER_FLDCW:
        if (e->mode & MODE_X87) {
            operand_access(a, k, i, 2, false);
        } else { /* a call */
            forget_registers(a, 0xffff);
        }
        return;
    case LOWER_DIV:
        if (i->w == 1) {
            forget_registers(a, 0xffff);
            return;
        }
        operand_access(a, k, i, i->w, false);
        forget_registers(a, 1u << R_AX | 1u << R_DX);
        return;
    case LOWER_PUSH:
        operand_access(a, k, i, i->w, false);
        if (!i->mem) { /* else the operand would have to be read first: its fault must not leave the stack's page dirty */
            stack_access(a, k, R_SP, -(i64)i->w, i->w, true);
        }
        moved(a, R_SP, -(i64)i->w);
        return;
    case LOWER_PUSH_SEG: case LOWER_PUSHF:
        stack_access(a, k, R_SP, -(i64)i->opsize, i->opsize, true);
        moved(a, R_SP, -(i64)i->opsize);
        return;
    case LOWER_STORE_SEG:
        operand_access(a, k, i, 2, true);
        forget_registers(a, i->mem ? 0 : (u16)(1u << (i->rm >> 3)));
        return;
    case LOWER_POP:
        stack_access(a, k, R_SP, 0, i->w, false);
        moved(a, R_SP, i->w);
        forget_registers(a, (u16)(1u << (i->rm >> 3)));
        return;
    case LOWER_LEAVE:
        stack_access(a, k, R_BP, 0, i->w, false);
        forget_registers(a, 1u << R_SP | 1u << R_BP);
        return;
    case LOWER_CALL_ABS:
        operand_access(a, k, i, i->w, false);
        stack_access(a, k, R_SP, -(i64)i->w, i->w, true);
        return;
    case LOWER_CALL_REL: stack_access(a, k, R_SP, -(i64)i->w, i->w, true); return;
    case LOWER_JMP_ABS: operand_access(a, k, i, i->w, false); return;
    case LOWER_RET: stack_access(a, k, R_SP, 0, i->w, false); return;
    case LOWER_LEA: case COPY: case USE: case SWAP: case COPY_REG: case USE_REG: case LOWER_SCAN:
        if (rule->how != LOWER_LEA && copy_must_call(e, i)) {
            forget_registers(a, 0xffff);
            return;
        }
        if (adds_constant(e, i, &reg, &by)) {
            moved(a, reg, by);
            return;
        }
        if (rule->how != LOWER_LEA && copy_memory(e, i, &size, &write)) {
            operand_access(a, k, i, size, write);
        }
        forget_registers(a, copy_writes(e, i));
        return;
    default: forget_registers(a, 0xffff); return;
    }
}

void shared_find(struct emit *e)
{
    struct analysis a = {.e = e};
    for (unsigned k = 0; k < e->block->count && e->block->insn[k].row != ROW_NONE; k++) {
        one(&a, k);
    }
    for (unsigned g = 0; g < a.groups; g++) {
        const struct group *group = &a.group[g];
        struct shared      *first = &e->shared[group->first_insn][group->first_kind];
        first->use                = group->members > 1;
        first->opens              = first->use;
        first->write              = group->write;
        first->write_later        = group->write_later;
        first->low                = group->low;
        first->high               = group->high;
    }
}
