/*
 * integer.c: general-register instructions that run as whole functions: division, rotates through carry, bit strings,
 * POP to memory, PDEP, PEXT, MULX, CLAC, STAC.
 */
#include "cpu/isa/arith.h"
#include "cpu/op/op.h"

/* ---- DIV, IDIV: flags are undefined; ours stay as they were */

/* The dividend: AX, or DX:AX of the width. */
static u128 dividend(const struct cpu *cpu, unsigned w)
{
    if (w == 1) {
        return gpr_read(cpu, R_AX * 8, 2);
    }
    return (u128)gpr_read(cpu, R_DX * 8, w) << (8 * w) | gpr_read(cpu, R_AX * 8, w);
}

static void set_quotient(struct cpu *cpu, unsigned w, u64 quotient, u64 remainder)
{
    if (w == 1) {
        gpr_write(cpu, R_AX * 8, 2, (remainder & 0xff) << 8 | (quotient & 0xff));
    } else {
        gpr_write(cpu, R_AX * 8, w, quotient & arith_mask(w));
        gpr_write(cpu, R_DX * 8, w, remainder & arith_mask(w));
    }
}

OP(div)
{
    unsigned w       = i->w;
    u64      divisor = rm_read(cpu, i, w);
    u128     a       = dividend(cpu, w);
    explain_note(cpu, "divisor", (u64)divisor);
    cpu_check(cpu, divisor, RULE_DE_ZERO, 0);
    if (a >> 64 == 0) {
        u64 n = (u64)a, q = n / divisor;
        cpu_check(cpu, q <= arith_mask(w), RULE_DE_OVERFLOW, 0);
        set_quotient(cpu, w, q, n % divisor);
        return;
    }
    cpu_check(cpu, (u64)(a >> 64) < divisor, RULE_DE_OVERFLOW, 0);
    set_quotient(cpu, w, (u64)(a / divisor), (u64)(a % divisor));
}

OP(idiv)
{
    unsigned w       = i->w;
    i64      divisor = arith_sext(rm_read(cpu, i, w), w);
    i128     a       = (i128)dividend(cpu, w);
    explain_note(cpu, "divisor", (u64)divisor);
    cpu_check(cpu, divisor, RULE_DE_ZERO, 0);
    if (w < 8) {
        i64 n = arith_sext((u64)a, 2 * w), q;
        cpu_check(cpu, !(divisor == -1 && n == INT64_MIN), RULE_DE_OVERFLOW, 0);
        q = n / divisor;
        cpu_check(cpu, q == arith_sext((u64)q, w), RULE_DE_OVERFLOW, 0);
        set_quotient(cpu, w, (u64)q, (u64)(n % divisor));
        return;
    }
    const i128 least = (i128)((u128)1 << 127);
    cpu_check(cpu, !(divisor == -1 && a == least), RULE_DE_OVERFLOW, 0);
    i128 q = a / divisor;
    cpu_check(cpu, q == (i64)q, RULE_DE_OVERFLOW, 0);
    set_quotient(cpu, w, (u64)q, (u64)(a % divisor));
}

/* ---- RCL, RCR: the count is masked, then taken modulo width + 1 (8 and 16 bits); a masked count of zero changes nothing */

static unsigned carry_count(struct cpu *cpu, const struct insn *i)
{
    bool     by_cl = (i->opcode & 0xfe) == 0xd2;
    unsigned n     = by_cl ? (unsigned)cpu->regs[R_CX] & 0xff : (unsigned)i->imm;
    n &= i->w == 8 ? 63 : 31;
    return n % (8 * i->w + 1);
}

static void set_cf_of(struct cpu *cpu, bool cf, bool of)
{
    u32 f = flags_arith(cpu) & ~(u32)(FLAG_CF | FLAG_OF);
    flags_set_arith(cpu, f | (cf ? FLAG_CF : 0) | (of ? FLAG_OF : 0));
}

static u64 rm_read_for_write(struct cpu *cpu, const struct insn *i, unsigned w)
{
    if (i->mem) {
        mem_probe_write(cpu, i->seg, insn_ea(cpu, i), w);
    }
    return rm_read(cpu, i, w);
}

OP(rcl)
{
    unsigned w = i->w, n = carry_count(cpu, i);
    u64      a    = rm_read_for_write(cpu, i, w);
    u128     wide = (u128)(flags_arith(cpu) & FLAG_CF) << (8 * w) | a; /* width + 1 bits: carry on top */
    u128     r    = n ? wide << n | wide >> (8 * w + 1 - n) : wide;
    rm_write(cpu, i, w, (u64)r & arith_mask(w));
    if (n) {
        bool cf = r >> (8 * w) & 1;
        set_cf_of(cpu, cf, cf != (bool)(r >> (8 * w - 1) & 1));
    }
}

OP(rcr)
{
    unsigned w = i->w, n = carry_count(cpu, i);
    u64      a    = rm_read_for_write(cpu, i, w);
    u128     wide = (u128)(flags_arith(cpu) & FLAG_CF) << (8 * w) | a;
    u128     r    = n ? wide >> n | wide << (8 * w + 1 - n) : wide;
    rm_write(cpu, i, w, (u64)r & arith_mask(w));
    if (n) {
        u64 low = (u64)r;
        set_cf_of(cpu, r >> (8 * w) & 1, (low >> (8 * w - 1) ^ low >> (8 * w - 2)) & 1);
    }
}

/* ---- BT, BTS, BTR, BTC with a register index: in memory the index selects a bit of a string, SDM Vol. 2 BT */

struct bit {
    u64      ea; /* of the unit that holds the bit, in memory */
    unsigned n;
};

static struct bit bit_place(struct cpu *cpu, const struct insn *i)
{
    i64        index = arith_sext(gpr_read(cpu, i->reg, i->w), i->w);
    unsigned   width = 8u * i->w;
    struct bit b     = {0, (unsigned)index & (width - 1)};
    if (i->mem) {
        i64 unit = index >> (i->w == 2 ? 4 : i->w == 4 ? 5 : 6);
        b.ea     = (insn_ea(cpu, i) + (u64)(unit * i->w)) & (~(u64)0 >> i->ea_shift);
    }
    return b;
}

static u64 bit_read(struct cpu *cpu, const struct insn *i, const struct bit *b)
{
    return i->mem ? mem_read(cpu, i->seg, b->ea, i->w) : gpr_read(cpu, i->rm, i->w);
}

static void set_carry(struct cpu *cpu, bool cf)
{
    flags_set_arith(cpu, (flags_arith(cpu) & ~(u32)FLAG_CF) | (cf ? FLAG_CF : 0));
}

OP(bt)
{
    struct bit b = bit_place(cpu, i);
    set_carry(cpu, bit_read(cpu, i, &b) >> b.n & 1);
}

enum bit_change { BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static void bit_change(struct cpu *cpu, const struct insn *i, enum bit_change change)
{
    struct bit b = bit_place(cpu, i);
    if (i->mem) {
        mem_probe_write(cpu, i->seg, b.ea, i->w);
    }
    u64 a    = bit_read(cpu, i, &b);
    u64 mask = (u64)1 << b.n;
    u64 r    = change == BIT_SET ? a | mask : change == BIT_RESET ? a & ~mask : a ^ mask;
    if (i->mem) {
        mem_write(cpu, i->seg, b.ea, r, i->w);
    } else {
        gpr_write(cpu, i->rm, i->w, r);
    }
    set_carry(cpu, a & mask);
}

OP(bts)
{
    bit_change(cpu, i, BIT_SET);
}

OP(btr)
{
    bit_change(cpu, i, BIT_RESET);
}

OP(btc)
{
    bit_change(cpu, i, BIT_COMPLEMENT);
}

/* ---- POP Ev: an address that uses SP sees it already incremented, SDM Vol. 2 POP */
OP(pop_ev)
{
    u64 v   = stack_read(cpu, 0, i->w);
    u64 old = cpu->regs[R_SP];
    stack_adjust(cpu, i->w);
    if (i->mem) {
        u64 sp = cpu->regs[R_SP], ea = insn_ea(cpu, i);
        cpu->regs[R_SP] = old; /* the write may fault */
        mem_write(cpu, i->seg, ea, v, i->w);
        cpu->regs[R_SP] = sp;
    } else {
        gpr_write(cpu, i->rm, i->w, v);
    }
}

/* ---- BMI2 */
OP(pdep)
{
    u64 src = gpr_read(cpu, i->vreg, i->w), mask = rm_read(cpu, i, i->w), r = 0;
    for (unsigned k = 0; mask; k++, mask &= mask - 1) {
        r |= src >> k & 1 ? mask & -mask : 0;
    }
    gpr_write(cpu, i->reg, i->w, r);
}

OP(pext)
{
    u64 src = gpr_read(cpu, i->vreg, i->w), mask = rm_read(cpu, i, i->w), r = 0;
    for (unsigned k = 0; mask; k++, mask &= mask - 1) {
        r |= (u64)(src & mask & -mask ? 1 : 0) << k;
    }
    gpr_write(cpu, i->reg, i->w, r);
}

OP(mulx)
{
    u128 product = (u128)gpr_read(cpu, R_DX * 8, i->w) * rm_read(cpu, i, i->w);
    gpr_write(cpu, i->vreg, i->w, (u64)product & arith_mask(i->w));
    gpr_write(cpu, i->reg, i->w, (u64)(product >> (8 * i->w)) & arith_mask(i->w));
}

/* ---- SMAP: SDM Vol. 2 CLAC, STAC */
static void set_ac(struct cpu *cpu, bool on)
{
    cpu_check(cpu, cpu->cpl == 0 && !cpu->vm86, RULE_UD_SMAP_CPL, 0);
    u32 flags = flags_get(cpu);
    flags_set(cpu, on ? flags | FLAG_AC : flags & ~(u32)FLAG_AC);
}

OP(clac)
{
    (void)i;
    set_ac(cpu, false);
}

OP(stac)
{
    (void)i;
    set_ac(cpu, true);
}
