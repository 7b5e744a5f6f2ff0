/*
 * shared.c: one check for several memory accesses of a block.
 *
 * Accesses at constant distances from one value, or from one and another that is scaled, near to each other, are checked together by the
 * first of them; the others find the host's address in cpu->host.shared. Registers keep their value when constants are added, and hand it
 * on to those that they are moved to. If one of the accesses writes, all are checked as writes; but where the first one reads, only a page
 * that is dirty already will do, for the write may not come. Where the range is not in one page of plain RAM, or may not be written yet, the rest of the block is executed by a translation that shares nothing; a
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

/* What the addresses of a group have in common: two values, of which one is scaled. */
struct key {
    u16  base, index; /* numbers of values; NO_VALUE: no index */
    u8   scale;
    bool table; /* of the bytes that index it nothing else is known */
};
#define NO_VALUE 0xffff

struct group {
    struct key key;
    i64        origin; /* of its first address: what was added to the two values */
    u8         first_insn, first_kind; /* where it is checked */
    bool       closed, write, write_later;
    i32        low, high; /* from there */
    u8         members;
    u16        registers; /* of that address */
};

/* A register: a value of the block's, and what is added to it. */
struct known {
    u16 value;
    i64 add;
};

struct analysis {
    struct emit *e;
    struct known known[16]; /* by register */
    u16          values;
    u16          bytes;     /* registers that are known to be below 256 */
    u16          no_table;  /* bases of tables that were found not to be in reach at once */
    struct group group[SHARED_MAX];
    unsigned     groups;
    u16          written; /* registers: bit per guest register */
};

static bool is_known_width(const struct emit *e, unsigned w)
{
    return w == (e->code_bytes == 8 ? 8u : 4u);
}

static bool is_same_key(const struct key *a, const struct key *b)
{
    return a->base == b->base && a->index == b->index && a->scale == b->scale && a->table == b->table;
}

static struct group *find_group(struct analysis *a, const struct key *key)
{
    for (unsigned k = 0; k < a->groups; k++) {
        if (!a->group[k].closed && is_same_key(&a->group[k].key, key)) {
            return &a->group[k];
        }
    }
    return NULL;
}

/* From `low` to `high`, from the address of `new` on. */
static void access_range(struct analysis *a, struct group new, i64 low, i64 high)
{
    struct shared *s = &a->e->shared[new.first_insn][new.first_kind];
    struct group  *g = find_group(a, &new.key);
    if (g) {
        i64 by = new.origin - g->origin, at = low + by, end = high + by;
        i64 first = at < g->low ? at : g->low, last = end > g->high ? end : g->high;
        if ((g->write || !new.write || !a->e->block->unwritten) && last - first <= (new.key.table ? PAGE_SIZE : RANGE_MAX) && g->members < 255) {
            g->low  = (i32)first;
            g->high = (i32)last;
            g->write_later |= new.write && !g->write;
            g->write |= new.write;
            g->members++;
            *s = (struct shared){.use = true, .table = new.key.table, .slot = (u8)(g - a->group), .disp = (i32)at};
            return;
        }
        g->closed = true;
    }
    if (a->groups == SHARED_MAX || low < -0x10000 || high > 0x10000) {
        return;
    }
    *s = (struct shared){.use = true, .table = new.key.table, .slot = (u8)a->groups, .disp = (i32)low};
    new.low     = (i32)low;
    new.high    = (i32)high;
    new.members = 1;
    a->group[a->groups++] = new;
}

static void access(struct analysis *a, unsigned k, enum access_kind_of kind, unsigned reg, i64 disp, unsigned size, bool write)
{
    const struct known *base = &a->known[reg];
    struct group        new  = {.key = {.base = base->value, .index = NO_VALUE}, .origin = base->add, .first_insn = (u8)k,
                                .first_kind = (u8)kind, .write = write, .registers = (u16)(1u << reg)};
    access_range(a, new, disp, disp + size);
}

/* The operand of instruction k, which has an index. */
static void indexed_access(struct analysis *a, unsigned k, unsigned size, bool write)
{
    const struct insn  *i    = &a->e->block->insn[k];
    const struct known *base = &a->known[i->base], *index = &a->known[i->index];
    struct group        new  = {.key = {.base = base->value, .index = index->value, .scale = i->scale},
                                .origin = base->add + (i64)((u64)index->add << i->scale), .first_insn = (u8)k, .first_kind = ACCESS_OPERAND,
                                .write = write, .registers = (u16)(1u << i->base | 1u << i->index)};
    access_range(a, new, i->disp, i->disp + size);
}

/* The same, read from an element of a table. False: it is none. */
static bool table_access(struct analysis *a, unsigned k, unsigned size)
{
    const struct insn *i    = &a->e->block->insn[k];
    bool               swap = !i->scale && a->bytes >> i->base & 1;
    unsigned           base = swap ? i->index : i->base, index = swap ? i->base : i->index;
    struct group       new  = {.key = {.base = a->known[base].value, .index = NO_VALUE, .table = true}, .origin = a->known[base].add,
                               .first_insn = (u8)k, .first_kind = ACCESS_OPERAND, .registers = (u16)(1u << base)};
    if (!(a->bytes >> index & 1)) {
        return false;
    }
    a->no_table |= (u16)(block_is_spread(a->e->block, k) << base);
    if (a->no_table >> base & 1) {
        return false;
    }
    access_range(a, new, i->disp, (i64)i->disp + (255 << i->scale) + size);
    a->e->shared[k][ACCESS_OPERAND].index = (u8)index;
    return true;
}

/* The registers get other values. */
static void forget_registers(struct analysis *a, u16 registers)
{
    a->written |= registers;
    for (unsigned k = 0; k < 16; k++) {
        if (registers >> k & 1) {
            a->known[k] = (struct known){.value = a->values++};
        }
    }
    a->bytes &= (u16)~registers;
}

/* `reg` becomes what `from` is, and `by` more. */
static void set_register(struct analysis *a, unsigned reg, unsigned from, i64 by)
{
    struct known v = {.value = a->known[from].value, .add = a->known[from].add + by};
    forget_registers(a, (u16)(1u << reg));
    if (v.add > -0x10000 && v.add < 0x10000) {
        a->known[reg] = v;
    }
}

/* The stack pointer moves; where it has 16 bits, it may wrap. */
static void moved(struct analysis *a, i64 by)
{
    if (is_known_width(a->e, a->e->stack_bytes)) {
        set_register(a, R_SP, R_SP, by);
    } else {
        forget_registers(a, 1u << R_SP);
    }
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
    } else if (i->index < 16 && (write || !table_access(a, k, size))) {
        indexed_access(a, k, size, write);
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

/* MOV of registers, and ADD, SUB, LEA of a constant: true, and what register becomes which one, and how much more. */
static bool keeps_value(const struct emit *e, const struct insn *i, unsigned *reg, unsigned *from, i64 *by)
{
    unsigned opcode = i->opcode;
    *reg = *from = i->rm >> 3;
    if (!is_known_width(e, i->w)) {
        return false;
    }
    if ((opcode == 0x81 || opcode == 0x83) && !i->mem && ((i->modrm & 0x38) == 0 || (i->modrm & 0x38) == 0x28)) {
        *by = (i->modrm & 0x38) ? -(i64)(i32)i->imm : (i64)(i32)i->imm;
        return true;
    }
    if (opcode == 0x8d && i->index == R_ZERO && i->base < 16 && i->asize == i->w) {
        *reg  = i->reg >> 3;
        *from = i->base;
        *by   = i->disp;
        return true;
    }
    if ((opcode == 0x89 || opcode == 0x8b) && !i->mem) {
        *(opcode == 0x89 ? from : reg) = i->reg >> 3;
        *by = 0;
        return true;
    }
    return false;
}

static void one(struct analysis *a, unsigned k)
{
    struct emit              *e    = a->e;
    const struct insn        *i    = &e->block->insn[k];
    const struct rule_of_row *rule = &e->rules[i->row];
    unsigned                  size, reg, from;
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
        moved(a, -(i64)i->w);
        return;
    case LOWER_PUSH_SEG: case LOWER_PUSHF:
        stack_access(a, k, R_SP, -(i64)i->opsize, i->opsize, true);
        moved(a, -(i64)i->opsize);
        return;
    case LOWER_STORE_SEG:
        operand_access(a, k, i, 2, true);
        forget_registers(a, i->mem ? 0 : (u16)(1u << (i->rm >> 3)));
        return;
    case LOWER_POP:
        stack_access(a, k, R_SP, 0, i->w, false);
        moved(a, i->w);
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
        if (keeps_value(e, i, &reg, &from, &by)) {
            unsigned byte = makes_byte(a, i);
            set_register(a, reg, from, by);
            a->bytes |= byte == NO_REG ? 0 : (u16)(1u << byte);
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
    forget_registers(&a, 0xffff);
    a.written = 0;
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
        e->shared_low[g]          = group->low;
        first->carried            = group->first_insn < e->loop.end && !(changed & group->registers);
        if (first->carried) {
            e->loop.twice = true;
            e->loop.from  = group->first_insn > e->loop.from ? group->first_insn : e->loop.from;
        }
        first->use                = group->members > 1 || first->carried;
        first->opens              = first->use;
        first->write              = group->write;
        first->write_later        = group->write_later;
        first->table              = group->key.table;
        first->indexed            = group->key.index != NO_VALUE;
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
