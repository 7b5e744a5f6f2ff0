/*
 * misc.c: instructions of several subjects that are too large or too rare to lower: BCD arithmetic, PUSHA/POPA, ENTER, XLAT,
 * CMPXCHG8B/16B, RDRAND/RDSEED, transactions, MONITOR/MWAIT, PAUSE, UD. Intel SDM Vol. 2 by instruction.
 *
 * Random numbers come from a xorshift generator in the processor's state: the machine seeds it, so that a recording replays.
 */
#include "cpu/cpu.h"
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

/* ---- decimal arithmetic; flags that the manual leaves undefined keep what the result gives */

static u32 parity_sign_zero(u8 v)
{
    return (__builtin_parity(v) ? 0 : FLAG_PF) | (v & 0x80 ? FLAG_SF : 0) | (v ? 0 : FLAG_ZF);
}

static u8 al(const struct cpu *cpu)
{
    return (u8)cpu->regs[R_AX];
}

static void set_ax(struct cpu *cpu, u16 ax)
{
    gpr_write(cpu, R_AX * 8, 2, ax);
}

/* DAA with sign +1, DAS with -1. */
static void decimal_adjust(struct cpu *cpu, int sign)
{
    u8   old = al(cpu), v = old;
    u32  flags = flags_arith(cpu);
    bool cf = flags & FLAG_CF, carry = false, half = (old & 0xf) > 9 || flags & FLAG_AF;
    if (half) {
        v = (u8)(v + 6 * sign);
        carry = cf || (sign < 0 && old < 6);
    }
    if (old > 0x99 || cf) {
        v = (u8)(v + 0x60 * sign);
        carry = true;
    } else if (sign > 0) {
        carry = false;
    }
    gpr_write(cpu, R_AX * 8, 1, v);
    flags_set_arith(cpu, parity_sign_zero(v) | (carry ? FLAG_CF : 0) | (half ? FLAG_AF : 0));
}

OP(daa)
{
    (void)i;
    decimal_adjust(cpu, 1);
}

OP(das)
{
    (void)i;
    decimal_adjust(cpu, -1);
}

static void ascii_adjust(struct cpu *cpu, int sign)
{
    u16  ax = (u16)cpu->regs[R_AX];
    bool adjust = (ax & 0xf) > 9 || flags_arith(cpu) & FLAG_AF;
    if (adjust) {
        ax = (u16)(ax + 0x106 * sign);
    }
    ax &= 0xff0f;
    set_ax(cpu, ax);
    flags_set_arith(cpu, parity_sign_zero((u8)ax) | (adjust ? FLAG_CF | FLAG_AF : 0));
}

OP(aaa)
{
    (void)i;
    ascii_adjust(cpu, 1);
}

OP(aas)
{
    (void)i;
    ascii_adjust(cpu, -1);
}

OP(aam)
{
    u8 base = (u8)i->imm;
    cpu_check(cpu, base != 0, RULE_DE_AAM, 0);
    u8 v = al(cpu);
    set_ax(cpu, (u16)(v / base << 8 | v % base));
    flags_set_arith(cpu, parity_sign_zero((u8)(v % base)));
}

OP(aad)
{
    u16 ax = (u16)cpu->regs[R_AX];
    u8  v = (u8)((ax >> 8) * (u8)i->imm + ax);
    set_ax(cpu, v);
    flags_set_arith(cpu, parity_sign_zero(v));
}

OP(salc)
{
    (void)i;
    gpr_write(cpu, R_AX * 8, 1, flags_arith(cpu) & FLAG_CF ? 0xff : 0);
}

OP(xlat)
{
    u64 mask = i->asize == 8 ? ~(u64)0 : i->asize == 4 ? 0xffffffff : 0xffff;
    u64 offset = (cpu->regs[R_BX] + al(cpu)) & mask;
    gpr_write(cpu, R_AX * 8, 1, mem_read(cpu, i->seg, offset, 1));
}

/* ---- stack */

OP(pusha)
{
    struct frame f;
    frame_begin(cpu, &f, i->opsize);
    for (unsigned n = R_AX; n <= R_DI; n++) {
        frame_push(&f, cpu->regs[n]);
    }
    u64 sp = frame_write(cpu, &f);
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
}

OP(popa)
{
    u64 value[8];
    for (unsigned n = 0; n < 8; n++) {
        value[n] = stack_read(cpu, n * i->opsize, i->opsize);
    }
    for (unsigned n = 0; n < 8; n++) {
        if (7 - n != R_SP) {
            gpr_write(cpu, (7 - n) * 8, i->opsize, value[n]);
        }
    }
    stack_adjust(cpu, 8u * i->opsize);
}

OP(enter)
{
    unsigned     w = i->opsize, level = (i->imm >> 16) & 0x1f, segment = stack_segment(cpu);
    u64          bytes = i->imm & 0xffff, mask = cpu->stack_mask;
    u64          frame_pointer = stack_merge(cpu->regs[R_SP], mask, cpu->regs[R_SP] - w); /* ESP, of a 16-bit stack too */
    struct frame f;
    frame_begin(cpu, &f, w);
    frame_push(&f, cpu->regs[R_BP]);
    for (unsigned n = 1; n < level; n++) {
        frame_push(&f, mem_read(cpu, segment, (cpu->regs[R_BP] - (u64)n * w) & mask, w));
    }
    if (level) {
        frame_push(&f, frame_pointer);
    }
    frame_check(cpu, &f);
    u64 sp = (f.sp - (u64)f.count * w - bytes) & mask;
    mem_probe_write(cpu, segment, sp, w); /* the manual's check of the final stack pointer */
    for (unsigned n = 0; n < f.count; n++) { /* one by one: what is pushed may overlap the frame pointers yet to be read */
        u64 v = n && n < level ? mem_read(cpu, segment, (cpu->regs[R_BP] - (u64)n * w) & mask, w) : f.value[n];
        mem_write(cpu, segment, (f.sp - (u64)(n + 1) * w) & mask, v, w);
    }
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], mask, sp);
    gpr_write(cpu, R_BP * 8, w, frame_pointer);
}

/* ---- compare and exchange */

static void set_zf(struct cpu *cpu, bool zf)
{
    flags_set_arith(cpu, (flags_arith(cpu) & ~(u32)FLAG_ZF) | (zf ? FLAG_ZF : 0));
}

OP(cmpxchg8b)
{
    u64 ea = insn_ea(cpu, i);
    mem_probe_write(cpu, i->seg, ea, 8);
    u64  old = mem_read(cpu, i->seg, ea, 8);
    bool equal = old == ((u32)cpu->regs[R_AX] | cpu->regs[R_DX] << 32);
    if (equal) {
        mem_write(cpu, i->seg, ea, (u32)cpu->regs[R_BX] | cpu->regs[R_CX] << 32, 8);
    } else {
        cpu->regs[R_AX] = (u32)old;
        cpu->regs[R_DX] = old >> 32;
    }
    set_zf(cpu, equal);
}

OP(cmpxchg16b)
{
    u64 ea = insn_ea(cpu, i);
    explain_note(cpu, "address", cpu->seg[i->seg].base + ea);
    cpu_check(cpu, !((cpu->seg[i->seg].base + ea) & 15), RULE_GP_CMPXCHG16B_UNALIGNED, 0);
    mem_probe_write(cpu, i->seg, ea, 16);
    u64  low = mem_read(cpu, i->seg, ea, 8), high = mem_read(cpu, i->seg, ea + 8, 8);
    bool equal = low == cpu->regs[R_AX] && high == cpu->regs[R_DX];
    if (equal) {
        mem_write(cpu, i->seg, ea, cpu->regs[R_BX], 8);
        mem_write(cpu, i->seg, ea + 8, cpu->regs[R_CX], 8);
    } else {
        cpu->regs[R_AX] = low;
        cpu->regs[R_DX] = high;
    }
    set_zf(cpu, equal);
}

/* ---- random numbers */

static void random_to_register(struct cpu *cpu, const struct insn *i)
{
    u64 x = cpu->rng ? cpu->rng : 0x9e3779b97f4a7c15; /* xorshift64* has no zero state */
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    cpu->rng = x;
    u64 value = x * 0x2545f4914f6cdd1d;
    gpr_write(cpu, i->rm, i->opsize, value >> (64 - 8 * i->opsize));
    flags_set_arith(cpu, FLAG_CF);
}

OP(rdrand)
{
    random_to_register(cpu, i);
}

OP(rdseed)
{
    random_to_register(cpu, i);
}

/* ---- transactions: each one aborts where it begins, for no reason that trying again would help (SDM Vol. 1 16.3.5) */

OP(xbegin)
{
    u64 target = (cpu->ip + i->imm) & cpu->ip_mask;
    if (cpu->code_bytes == 8) {
        explain_note(cpu, "target", target);
        cpu_check(cpu, cpu_canonical(cpu, target), RULE_GP_TARGET_CANONICAL, 0);
    } else {
        explain_note(cpu, "target", target);
        explain_note(cpu, "target.limit", cpu->seg[SEG_CS].limit);
        cpu_check(cpu, target <= cpu->seg[SEG_CS].limit, RULE_GP_TARGET_LIMIT, 0);
    }
    gpr_write(cpu, R_AX * 8, 4, 0);
    cpu->ip = target;
}

OP(xend)
{
    (void)i;
    cpu_raise(cpu, RULE_GP_XEND, 0);
}

OP(xabort)
{
    (void)cpu;
    (void)i;
}

OP(xtest)
{
    (void)i;
    flags_set_arith(cpu, FLAG_ZF);
}

/* ---- waiting */

/* Who executes PAUSE again and again waits for time to pass, or for an interrupt: there is no other processor. Then the host's may rest,
 * the longer the longer this has lasted, but not so long that a delay loop becomes half as long again. */
enum { PAUSES = 64, PAUSES_SPINNING = 16, PAUSES_NS = 16000, REST_NS_MIN = 5000, REST_NS_MAX = 50000, REST_LATE_NS = 100000 };

static void look_at_time(struct cpu *cpu)
{
    i64  now      = cpu->bus.now_ns ? cpu->bus.now_ns(cpu->bus.opaque) : 0, rest;
    bool spinning = now < cpu->spin.until;
    cpu->spin.began = spinning ? cpu->spin.began : now;
    cpu->spin.until = now + PAUSES_NS;
    cpu->spin.left  = spinning ? PAUSES_SPINNING : PAUSES;
    rest            = (now - cpu->spin.began) / 2;
    if (rest >= REST_NS_MIN && !cpu->counted) {
        cpu->spin.rest_ns = rest < REST_NS_MAX ? rest : REST_NS_MAX;
        cpu->spin.until += cpu->spin.rest_ns + REST_LATE_NS;
        cpu_kick(cpu);
    }
}

OP(pause)
{
    (void)i;
    if (--cpu->spin.left < 0) {
        look_at_time(cpu);
    }
}

OP(monitor)
{
    cpu_check(cpu, cpu->cpl == 0, RULE_UD_MONITOR_CPL, 0);
    cpu_check(cpu, (u32)cpu->regs[R_CX] == 0, RULE_GP_MONITOR_EXTENSIONS, 0);
    u64 mask = i->asize == 8 ? ~(u64)0 : i->asize == 4 ? 0xffffffff : 0xffff;
    mem_probe_read(cpu, i->seg, cpu->regs[R_AX] & mask, 1);
}

/* One processor: nothing but an interrupt can change the monitored line, so MWAIT sleeps as HLT does where an interrupt
 * can end it (ECX bit 0: a masked one too), and otherwise does nothing, which the manual allows. */
OP(mwait)
{
    (void)i;
    cpu_check(cpu, cpu->cpl == 0, RULE_UD_MONITOR_CPL, 0);
    cpu_check(cpu, !((u32)cpu->regs[R_CX] & ~1u), RULE_GP_MONITOR_EXTENSIONS, 0);
    if (cpu->eflags & FLAG_IF || cpu->regs[R_CX] & 1) {
        crossing_begin(cpu, CROSSING_HALT, 0);
        pmu_sleep(cpu);
        cpu->activity = cpu->eflags & FLAG_IF ? ACTIVITY_HALT : ACTIVITY_MWAIT;
        crossing_end(cpu);
        cpu_kick(cpu); /* the run loop sees the new activity */
    }
}

OP(ud)
{
    (void)i;
    cpu_raise(cpu, RULE_UD_UD, 0);
}
