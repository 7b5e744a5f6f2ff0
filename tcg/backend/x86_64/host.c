/*
 * host.c: one instruction of the host's: prefixes, opcode, ModRM, SIB, displacement.
 */
#include "tcg/backend/x86_64/host.h"

#define ROOM 16 /* more than an instruction takes */

static u8 *put_displacement(u8 *p, i32 disp)
{
    memcpy(p, &disp, 4);
    return p + 4;
}

static u8 *put_modrm(u8 *p, unsigned reg, const struct rm *rm)
{
    unsigned r = (reg & 7) << 3, index = rm->index == NO_REG ? 4u : rm->index & 7u;
    if (!rm->memory) {
        *p++ = (u8)(0xc0 | r | (rm->reg & 7));
        return p;
    }
    if (rm->data) { /* RIP-relative */
        *p++ = (u8)(r | 5);
        return put_displacement(p, (i32)(rm->data - (p + 4)));
    }
    if (rm->base == NO_REG) { /* [disp32] or [index << scale + disp32] */
        *p++ = (u8)(r | 4);
        *p++ = (u8)((unsigned)rm->scale << 6 | index << 3 | 5);
        return put_displacement(p, rm->disp);
    }
    bool     small = rm->disp >= -128 && rm->disp <= 127;
    bool     sib   = rm->index != NO_REG || (rm->base & 7) == 4;
    unsigned mod   = !rm->disp && (rm->base & 7) != 5 ? 0 : small ? 1 : 2;
    *p++           = (u8)(mod << 6 | r | (sib ? 4u : rm->base & 7u));
    if (sib) {
        *p++ = (u8)((unsigned)rm->scale << 6 | index << 3 | (rm->base & 7u));
    }
    if (mod == 1) {
        *p++ = (u8)rm->disp;
    }
    return mod == 2 ? put_displacement(p, rm->disp) : p;
}

/* r, x, b: bit 3 of the registers' numbers. */
static u8 *put_vex(u8 *p, struct opcode op, unsigned r, unsigned x, unsigned b)
{
    unsigned pp   = op.mandatory == 0x66 ? 1 : op.mandatory == 0xf3 ? 2 : op.mandatory == 0xf2 ? 3 : 0;
    unsigned last = (~(unsigned)op.vvvv & 15) << 3 | (unsigned)op.l << 2 | pp;
    if (op.map == MAP_0F && !x && !b && !op.wide) {
        *p++ = 0xc5;
        *p++ = (u8)((~r & 1) << 7 | last);
    } else {
        *p++ = 0xc4;
        *p++ = (u8)((~r & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | op.map);
        *p++ = (u8)((unsigned)op.wide << 7 | last);
    }
    return p;
}

static u8 *put_prefixes(u8 *p, struct opcode op, unsigned r, unsigned x, unsigned b)
{
    unsigned rex = (unsigned)op.wide << 3 | r << 2 | x << 1 | b;
    if (op.size16) {
        *p++ = 0x66;
    }
    if (op.mandatory && !(op.size16 && op.mandatory == 0x66)) {
        *p++ = op.mandatory;
    }
    if (rex || op.rex) {
        *p++ = (u8)(0x40 | rex);
    }
    if (op.map != MAP_1) {
        *p++ = 0x0f;
    }
    if (op.map >= MAP_38) {
        *p++ = op.map == MAP_38 ? 0x38 : 0x3a;
    }
    return p;
}

void put_insn(struct out *o, struct opcode op, unsigned reg, struct rm rm)
{
    unsigned x = rm.memory && rm.index != NO_REG ? rm.index >> 3 : 0;
    unsigned b = !rm.memory ? rm.reg >> 3 : rm.base != NO_REG ? rm.base >> 3 : 0;
    u8      *p = o->p;
    o->written |= (u16)(1u << reg | (rm.memory ? 0u : 1u << rm.reg));
    if (o->end - p < ROOM) {
        o->full = true;
        return;
    }
    if (rm.cpu) {
        rm.disp += o->pushed;
    }
    p    = op.vex ? put_vex(p, op, reg >> 3, x, b) : put_prefixes(p, op, reg >> 3, x, b);
    *p++ = op.byte;
    o->p = put_modrm(p, reg, &rm);
}
