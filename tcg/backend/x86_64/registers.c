/*
 * registers.c: where guest registers are.
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

struct place operand_in(struct emit *e, unsigned at, unsigned temp, bool rex)
{
    unsigned host = host_of(at >> 3);
    if (!is_high(at)) {
        if (host == NO_REG) {
            put_load(&e->hot, 8, temp, rm_cpu(at));
            return (struct place){.reg = (u8)temp, .temporary = true};
        }
        return (struct place){.reg = (u8)host};
    }
    if (!rex) {
        return (struct place){.reg = (u8)(host + 4), .high = true};
    }
    put_store(&e->hot, 8, CPU(host.scratch), host);
    put_zext(&e->hot, 1, temp, rm_cpu(offsetof(struct cpu, host.scratch) + 1));
    return (struct place){.reg = (u8)temp, .temporary = true};
}

void operand_out(struct emit *e, unsigned at, unsigned w, struct place p)
{
    if (!p.temporary) {
        return;
    }
    if (is_high(at)) {
        put_store(&e->hot, 1, rm_cpu(offsetof(struct cpu, host.scratch) + 1), p.reg);
        put_load(&e->hot, 8, host_of(at >> 3), CPU(host.scratch));
    } else {
        put_store(&e->hot, w <= 2 ? w : 8, rm_cpu(at), p.reg);
    }
}
