/*
 * registers.c: where guest registers are, and what the temporaries hold of those that live in struct cpu.
 */
#include "tcg/backend/x86_64/emit.h"

unsigned host_of(unsigned guest)
{
    static const u8 hosts[16] = {
        [R_AX] = RAX, [R_CX] = RCX,    [R_DX] = RDX,     [R_BX] = RBX,     [R_SP] = R15,  [R_BP] = RBP,  [R_SI] = RSI,  [R_DI] = RDI,
        [R_8] = R8,   [R_9] = NO_REG, [R_10] = NO_REG, [R_11] = NO_REG, [R_12] = R12, [R_13] = R13, [R_14] = R14, [R_15] = NO_REG};
    return hosts[guest];
}

static bool is_high(unsigned at)
{
    return at & 7;
}

bool operand_wants_rex(unsigned at)
{
    unsigned host = host_of(at >> 3);
    return host == NO_REG || host >= R8;
}

/* ---- temporaries */

void held_forget(struct emit *e)
{
    for (unsigned k = 0; k < ARRAY_LEN(e->held); k++) {
        e->held[k] = HELD_NOTHING;
    }
    e->hot.written = 0;
    e->nears       = 0;
}

static void held_update(struct emit *e)
{
    for (unsigned k = 0; k < ARRAY_LEN(e->held); k++) {
        if (e->hot.written >> (T0 + k) & 1) {
            e->held[k] = HELD_NOTHING;
        }
    }
    e->hot.written = 0;
}

unsigned held_find(struct emit *e, unsigned what)
{
    held_update(e);
    for (unsigned k = 0; k < ARRAY_LEN(e->held); k++) {
        if (e->held[k] == what) {
            return T0 + k;
        }
    }
    return NO_REG;
}

void held_drop(struct emit *e, unsigned what)
{
    unsigned t;
    while ((t = held_find(e, what)) != NO_REG) {
        e->held[t - T0] = HELD_NOTHING;
    }
}

void held_set(struct emit *e, unsigned temp, unsigned what)
{
    held_drop(e, what);
    e->held[temp - T0] = (u8)what;
}

unsigned temp_free(struct emit *e, u16 busy)
{
    held_update(e);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned k = ARRAY_LEN(e->held); k-- > 0;) {
            if (!(busy >> (T0 + k) & 1) && (pass || e->held[k] == HELD_NOTHING)) {
                return T0 + k;
            }
        }
    }
    e->hot.full = true; /* nobody is to need a fourth: such a block would not be translated */
    return T2;
}

unsigned temp_lasting(struct emit *e, unsigned otherwise)
{
    held_update(e);
    return e->held[T2 - T0] == HELD_NOTHING ? (unsigned)T2 : otherwise;
}

u16 busy_in(const struct rm *rm)
{
    unsigned base = rm->memory && rm->base != NO_REG ? 1u << rm->base : 0, index = rm->memory && rm->index != NO_REG ? 1u << rm->index : 0;
    return (u16)(base | index);
}

/* ---- operands */

struct place operand_in(struct emit *e, unsigned at, u16 *busy, bool rex, bool read)
{
    unsigned host = host_of(at >> 3), temp;
    if (host != NO_REG && (!is_high(at) || !rex)) {
        return (struct place){.reg = (u8)(is_high(at) ? host + 4 : host), .high = is_high(at)};
    }
    if (host != NO_REG) {
        temp = temp_free(e, *busy);
        put_store(&e->hot, 8, CPU(host.scratch), host);
        put_zext(&e->hot, 1, temp, rm_cpu(offsetof(struct cpu, host.scratch) + 1));
    } else if ((temp = held_find(e, HELD_GUEST + (at >> 3))) == NO_REG) {
        temp = temp_free(e, *busy);
        if (read) {
            put_load(&e->hot, 8, temp, rm_cpu(at));
            held_set(e, temp, HELD_GUEST + (at >> 3));
        }
    }
    *busy |= (u16)(1u << temp);
    return (struct place){.reg = (u8)temp, .temporary = true};
}

void operand_out(struct emit *e, unsigned at, bool written, struct place p)
{
    if (!p.temporary) {
        return;
    }
    if (is_high(at)) {
        if (written) {
            put_store(&e->hot, 1, rm_cpu(offsetof(struct cpu, host.scratch) + 1), p.reg);
            put_load(&e->hot, 8, host_of(at >> 3), CPU(host.scratch));
        }
        return;
    }
    if (written) {
        put_store(&e->hot, 8, rm_cpu(at), p.reg); /* all of it: who reads it soon must not wait for a part */
    }
    held_set(e, p.reg, HELD_GUEST + (at >> 3));
}
