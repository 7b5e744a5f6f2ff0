/*
 * string.c: MOVS, STOS, LODS, SCAS, CMPS, INS, OUTS with REP. SDM Vol. 2, REP/REPE/REPNE.
 *
 * Registers follow every iteration, so a fault or an interrupt between two iterations finds a restartable instruction. Upward moves
 * and fills inside pages of plain RAM run in chunks. One iteration counts as one instruction.
 */
#include "cpu/isa/arith.h"
#include "cpu/op/op.h"

/* The state of one string instruction; index registers are masked to the address size. */
struct string {
    const struct insn *i;
    u64                mask;  /* of addresses and count */
    i64                step;  /* +-width */
    u64                count; /* iterations left; 1 without REP */
    u64                done;
};

static struct string string_begin(const struct cpu *cpu, const struct insn *i)
{
    struct string s = {.i = i, .mask = ~(u64)0 >> (64 - 8 * i->asize)};
    s.step          = cpu->eflags & FLAG_DF ? -(i64)i->w : (i64)i->w;
    s.count         = i->rep ? cpu->regs[R_CX] & s.mask : 1;
    return s;
}

static unsigned destination_segment(const struct cpu *cpu)
{
    return cpu->code_bytes == 8 ? SEG_FLAT : SEG_ES;
}

static void advance(struct cpu *cpu, const struct string *s, unsigned reg, i64 bytes)
{
    gpr_write(cpu, reg * 8, s->i->asize, (cpu->regs[reg] + (u64)bytes) & s->mask);
}

/* `n` iterations are complete. Returns whether to go on at once. */
static bool iterated(struct cpu *cpu, struct string *s, u64 n)
{
    s->count -= n;
    s->done += n;
    if (s->i->rep) {
        gpr_write(cpu, R_CX * 8, s->i->asize, s->count);
    }
    return s->count && !__atomic_load_n(&cpu->pending, __ATOMIC_RELAXED);
}

/* Leaves the instruction: with iterations left it will run again. */
static void string_end(struct cpu *cpu, const struct string *s, bool finished)
{
    if (!finished && s->count) {
        cpu->ip = insn_ip(cpu, s->i) & cpu->ip_mask;
    }
    if (s->done > 1) {
        cpu->icount += s->done - 1;
    }
}

/* Bytes from `offset` upward that stay in the page, in the segment's window and do not wrap the address. */
static u64 run_length(const struct cpu *cpu, const struct string *s, unsigned seg, u64 offset, bool write, u8 **host)
{
    const struct segment *segment = &cpu->seg[seg];
    u64                   window  = write ? segment->write_bytes : segment->read_bytes;
    if (offset >= window) {
        return 0;
    }
    vaddr la = segment->base + offset;
    *host    = tlb_hit(write ? cpu->tlb_write : cpu->tlb_read, la, 1);
    if (!*host) {
        return 0;
    }
    u64 n = PAGE_SIZE - (la & (PAGE_SIZE - 1));
    n     = n < window - offset ? n : window - offset;
    u64 wrap = s->mask - offset; /* one less than what is left, which may be 2^64 */
    return n - 1 < wrap ? n : wrap + 1;
}

static u64 min_iterations(const struct string *s, u64 bytes)
{
    u64 n = bytes / s->i->w;
    return n < s->count ? n : s->count;
}

/* Something pending (a single step, for one) is looked at after every iteration. */
static bool chunks(const struct cpu *cpu, const struct string *s)
{
    return s->step > 0 && s->count > 1 && !__atomic_load_n(&cpu->pending, __ATOMIC_RELAXED);
}

/* Moves a chunk upward; returns the iterations made, 0 when the general path must do the next one. */
static u64 move_chunk(struct cpu *cpu, const struct string *s)
{
    u8 *from = NULL, *to = NULL;
    u64 si = cpu->regs[R_SI] & s->mask, di = cpu->regs[R_DI] & s->mask;
    u64 source = run_length(cpu, s, s->i->seg, si, false, &from);
    u64 target = source ? run_length(cpu, s, destination_segment(cpu), di, true, &to) : 0;
    u64 n      = min_iterations(s, source < target ? source : target);
    u64 bytes  = n * s->i->w;
    if (n && to > from && to < from + bytes) {
        for (u64 k = 0; k < bytes; k += s->i->w) { /* later elements read what earlier ones wrote */
            store_le(to + k, load_le(from + k, s->i->w), s->i->w);
        }
    } else if (n) {
        memmove(to, from, bytes);
    }
    return n;
}

OP(movs)
{
    struct string s  = string_begin(cpu, i);
    bool          go = s.count;
    while (go) {
        u64 n = chunks(cpu, &s) ? move_chunk(cpu, &s) : 0;
        if (!n) {
            u64 v = mem_read(cpu, i->seg, cpu->regs[R_SI] & s.mask, i->w);
            mem_write(cpu, destination_segment(cpu), cpu->regs[R_DI] & s.mask, v, i->w);
            n = 1;
        }
        advance(cpu, &s, R_SI, (i64)n * s.step);
        advance(cpu, &s, R_DI, (i64)n * s.step);
        go = iterated(cpu, &s, n);
    }
    string_end(cpu, &s, false);
}

static u64 fill_chunk(struct cpu *cpu, const struct string *s)
{
    u8 *to = NULL;
    u64 v = cpu->regs[R_AX];
    u64 n = min_iterations(s, run_length(cpu, s, destination_segment(cpu), cpu->regs[R_DI] & s->mask, true, &to));
    if (s->i->w == 1 || v == 0) {
        if (n) {
            memset(to, (int)(u8)v, n * s->i->w);
        }
        return n;
    }
    for (u64 k = 0; k < n; k++) {
        store_le(to + k * s->i->w, v, s->i->w);
    }
    return n;
}

OP(stos)
{
    struct string s  = string_begin(cpu, i);
    bool          go = s.count;
    while (go) {
        u64 n = chunks(cpu, &s) ? fill_chunk(cpu, &s) : 0;
        if (!n) {
            mem_write(cpu, destination_segment(cpu), cpu->regs[R_DI] & s.mask, gpr_read(cpu, R_AX * 8, i->w), i->w);
            n = 1;
        }
        advance(cpu, &s, R_DI, (i64)n * s.step);
        go = iterated(cpu, &s, n);
    }
    string_end(cpu, &s, false);
}

OP(lods)
{
    struct string s  = string_begin(cpu, i);
    bool          go = s.count;
    while (go) {
        u64 v = mem_read(cpu, i->seg, cpu->regs[R_SI] & s.mask, i->w);
        gpr_write(cpu, R_AX * 8, i->w, v);
        advance(cpu, &s, R_SI, s.step);
        go = iterated(cpu, &s, 1);
    }
    string_end(cpu, &s, false);
}

/* CMP a, b: sets the flags; returns whether the loop's condition on ZF still holds. */
static bool compare(struct cpu *cpu, const struct insn *i, u64 a, u64 b)
{
    cpu->cc.op     = CC_OP(CC_SUB, (unsigned)__builtin_ctz(i->w));
    cpu->cc.result = (a - b) & arith_mask(i->w);
    cpu->cc.source = b;
    return i->rep == REP_NONE || (a == b) == (i->rep == REP_E);
}

OP(scas)
{
    struct string s = string_begin(cpu, i);
    bool          go = s.count, more = true;
    while (go && more) {
        u64 b = mem_read(cpu, destination_segment(cpu), cpu->regs[R_DI] & s.mask, i->w);
        more  = compare(cpu, i, gpr_read(cpu, R_AX * 8, i->w), b);
        advance(cpu, &s, R_DI, s.step);
        go = iterated(cpu, &s, 1);
    }
    string_end(cpu, &s, !more);
}

OP(cmps)
{
    struct string s = string_begin(cpu, i);
    bool          go = s.count, more = true;
    while (go && more) {
        u64 a = mem_read(cpu, i->seg, cpu->regs[R_SI] & s.mask, i->w);
        u64 b = mem_read(cpu, destination_segment(cpu), cpu->regs[R_DI] & s.mask, i->w);
        more  = compare(cpu, i, a, b);
        advance(cpu, &s, R_SI, s.step);
        advance(cpu, &s, R_DI, s.step);
        go = iterated(cpu, &s, 1);
    }
    string_end(cpu, &s, !more);
}

/* Ports take 8, 16 or 32 bits: REX.W does not widen INS and OUTS. */
static unsigned port_width(const struct insn *i)
{
    return i->w == 8 ? 4 : i->w;
}

static struct string port_string_begin(const struct cpu *cpu, const struct insn *i)
{
    struct string s = string_begin(cpu, i);
    s.step          = s.step > 0 ? (i64)port_width(i) : -(i64)port_width(i);
    return s;
}

OP(ins)
{
    struct string s    = port_string_begin(cpu, i);
    unsigned      w    = port_width(i);
    u16           port = (u16)cpu->regs[R_DX];
    bool          go   = s.count;
    io_check(cpu, port, w);
    while (go) {
        u64 di = cpu->regs[R_DI] & s.mask;
        mem_probe_write(cpu, destination_segment(cpu), di, w); /* before the port is read */
        mem_write(cpu, destination_segment(cpu), di, io_read(cpu, port, w), w);
        advance(cpu, &s, R_DI, s.step);
        go = iterated(cpu, &s, 1);
    }
    string_end(cpu, &s, false);
}

OP(outs)
{
    struct string s    = port_string_begin(cpu, i);
    unsigned      w    = port_width(i);
    u16           port = (u16)cpu->regs[R_DX];
    bool          go   = s.count;
    io_check(cpu, port, w);
    while (go) {
        u64 v = mem_read(cpu, i->seg, cpu->regs[R_SI] & s.mask, w);
        io_write(cpu, port, (u32)v, w);
        advance(cpu, &s, R_SI, s.step);
        go = iterated(cpu, &s, 1);
    }
    string_end(cpu, &s, false);
}
