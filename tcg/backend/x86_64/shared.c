/*
 * shared.c: one check for several memory accesses of a block.
 *
 * Accesses at constant distances from one register, near to each other and with no change to that register but by constants, are
 * checked together by the first of them; the others find the host's address in cpu->host.shared. If one of them writes, all are
 * checked as writes; but where the first one reads, only a page that is dirty already will do, for the write may not come. Where the range
 * is not in one page of plain RAM, or may not be written yet, the rest of the block is executed by a translation that shares nothing; a
 * block to which the latter happens often is translated anew (block->unwritten).
 *
 * Reads of a table, [base + index * scale + constant] with an index that is known to be a byte, are checked together too: all that they can
 * reach, which may lie in two pages that the host has side by side.
 *
 * A block that jumps to its own beginning is a loop, and is written twice: the entry leads to the first copy, whose jump back leads to the
 * second, which goes round. What the first copy has checked near registers that the loop leaves alone the second does not check again, for
 * nothing between two rounds changes what the TLB says: C functions of instructions could, and count as writing all registers; and whoever
 * comes back from C, where pages become code and the like, comes by the entry. A single access is worth that too.
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
    bool write, write_later, table;
    i32  low, high;
    u8   members, base;
};

struct analysis {
    struct emit *e;
    struct run   run[16], table[16]; /* by base register */
    u16          bytes;              /* registers that are known to be below 256 */
    u16          no_table;           /* bases of tables that were found not to be in reach at once */
    struct group group[SHARED_MAX];
    unsigned     groups;
    u16          written; /* registers: bit per guest register */
};

static bool is_known_width(const struct emit *e, unsigned w)
{
    return w == (e->code_bytes == 8 ? 8u : 4u);
}

/* `r`: of this register, for plain accesses or for tables. */
static void access_run(struct analysis *a, struct run *r, struct shared *s, struct group new, i64 low, i64 high)
{
    i64  at    = low + r->delta, end = high + r->delta;
    bool write = new.write;
    if (r->open) {
        struct group *g = &a->group[r->slot];
        i64 first = at < g->low ? at : g->low, last = end > g->high ? end : g->high;
        if ((g->write || !write || !a->e->block->unwritten) && last - first <= (g->table ? PAGE_SIZE : RANGE_MAX) && g->members < 255) {
            g->low  = (i32)first;
            g->high = (i32)last;
            g->write_later |= write && !g->write;
            g->write |= write;
            g->members++;
            *s = (struct shared){.use = true, .table = g->table, .slot = r->slot, .disp = (i32)at};
            return;
        }
        r->open = false;
    }
    if (a->groups == SHARED_MAX || low < -0x10000 || high > 0x10000) {
        return;
    }
    *r = (struct run){.open = true, .slot = (u8)a->groups};
    *s = (struct shared){.use = true, .table = new.table, .slot = r->slot, .disp = (i32)low};
    new.low     = (i32)low;
    new.high    = (i32)high;
    new.members = 1;
    a->group[a->groups++] = new;
}

static void access(struct analysis *a, unsigned k, enum access_kind_of kind, unsigned reg, i64 disp, unsigned size, bool write)
{
    struct group new = {.first_insn = (u8)k, .first_kind = (u8)kind, .write = write, .base = (u8)reg};
    access_run(a, &a->run[reg], &a->e->shared[k][kind], new, disp, disp + size);
}

/* The operand of instruction k, which reads `size` bytes of an element of a table. */
static void table_access(struct analysis *a, unsigned k, unsigned size)
{
    const struct insn *i    = &a->e->block->insn[k];
    bool               swap = !i->scale && a->bytes >> i->base & 1;
    unsigned           base = swap ? i->index : i->base, index = swap ? i->base : i->index;
    struct group       new  = {.first_insn = (u8)k, .first_kind = ACCESS_OPERAND, .table = true, .base = (u8)base};
    if (!(a->bytes >> index & 1)) {
        return;
    }
    a->no_table |= (u16)((a->e->block->spread >> k & 1) << base);
    if (!(a->no_table >> base & 1)) {
        struct shared *s = &a->e->shared[k][ACCESS_OPERAND];
        access_run(a, &a->table[base], s, new, i->disp, (i64)i->disp + (255 << i->scale) + size);
        s->index = (u8)index;
    }
}

static void moved(struct analysis *a, unsigned reg, i64 by)
{
    struct run *r = &a->run[reg];
    i64         d = r->delta + by;
    a->written |= (u16)(1u << reg);
    if (r->open && d > -0x10000 && d < 0x10000) {
        r->delta = (i32)d;
    } else {
        r->open = false;
    }
    a->table[reg].open = false;
    a->bytes &= (u16)~(1u << reg);
}

static void forget_registers(struct analysis *a, u16 registers)
{
    a->written |= registers;
    for (unsigned k = 0; k < 16; k++) {
        if (registers >> k & 1) {
            a->run[k].open = a->table[k].open = false;
        }
    }
    a->bytes &= (u16)~registers;
}

/* An operand that is [base + constant], or that and an index, in a flat segment. */
static bool is_simple(const struct emit *e, const struct insn *i)
{
    return i->mem && i->base < 16 && is_known_width(e, i->asize) && memory_is_flat(e, i->seg);
}

static void operand_access(struct analysis *a, unsigned k, const struct insn *i, unsigned size, bool write)
{
    if (!is_simple(a->e, i)) {
        return;
    }
    if (i->index == R_ZERO) {
        access(a, k, ACCESS_OPERAND, i->base, i->disp, size, write);
    } else if (i->index < 16 && !write) {
        table_access(a, k, size);
    }
}

/* The register that the instruction, which writes no other, leaves below 256, or NO_REG. */
static unsigned makes_byte(const struct analysis *a, const struct insn *i)
{
    unsigned reg = i->reg >> 3, rm = i->rm >> 3;
    bool     both = !i->mem && a->bytes >> reg & 1 && a->bytes >> rm & 1;
    if (i->w < 4) {
        return NO_REG;
    }
    switch (i->opcode) {
    case M0F << 8 | 0xb6: return reg; /* MOVZX */
    case 0x25: return i->imm < 256 ? R_AX : NO_REG;
    case 0x81: case 0x83: return !i->mem && (i->modrm & 0x38) == 0x20 && i->imm < 256 ? rm : NO_REG; /* AND */
    case 0xc1: return !i->mem && (i->modrm & 0x38) == 0x28 && i->w == 4 && (i->imm & 31) >= 24 ? rm : NO_REG; /* SHR */
    case 0x09: case 0x21: case 0x31: case 0x89: return both || (!i->mem && i->opcode == 0x89 && a->bytes >> reg & 1) ? rm : NO_REG;
    case 0x0b: case 0x23: case 0x33: case 0x8b: return both || (!i->mem && i->opcode == 0x8b && a->bytes >> rm & 1) ? reg : NO_REG;
    default: return NO_REG;
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
    case LOWER_NOP: case LOWER_JCC: case LOWER_JMP_REL: case LOWER_WAIT: case LOWER_DF: case LOWER_CLI: case LOWER_STI: case LOWER_SWAPGS:
    case LOWER_PAUSE: return;
    case LOWER_LOOP: forget_registers(a, 1u << R_CX); return;
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
        reg = makes_byte(a, i);
        forget_registers(a, copy_writes(e, i));
        a->bytes |= reg == NO_REG ? 0 : (u16)(1u << reg);
        return;
    default: forget_registers(a, 0xffff); return;
    }
}

void shared_find(struct emit *e)
{
    struct analysis a       = {.e = e};
    u16             changed = 0; /* by the loop */
    for (unsigned k = 0; k < e->block->count && e->block->insn[k].row != ROW_NONE; k++) {
        one(&a, k);
        if (jumps_to_beginning(e, &e->block->insn[k])) {
            e->loop.jumps++;
            e->loop.end = (u8)(k + 1);
            changed     = a.written;
        }
    }
    for (unsigned g = 0; g < a.groups; g++) {
        const struct group *group = &a.group[g];
        struct shared      *first = &e->shared[group->first_insn][group->first_kind];
        first->carried            = group->first_insn < e->loop.end && !(changed >> group->base & 1);
        if (first->carried) {
            e->loop.twice = true;
            e->loop.from  = group->first_insn > e->loop.from ? group->first_insn : e->loop.from;
        }
        first->use                = group->members > 1 || first->carried;
        first->opens              = first->use;
        first->write              = group->write;
        first->write_later        = group->write_later;
        first->table              = group->table;
        first->low                = group->low;
        first->high               = group->high;
    }
}

void shared_carry(struct emit *e)
{
    for (unsigned k = 0; k < e->loop.end; k++) {
        for (unsigned kind = 0; kind < ACCESS_KINDS; kind++) {
            struct shared *s = &e->shared[k][kind];
            s->opens         = s->opens && !s->carried;
        }
    }
}
