/*
 * string.c: MOVS, STOS, LODS, SCAS, CMPS with REP, and INS, OUTS. SDM Vol. 2, REP/REPE/REPNE. Without REP: isa/string.sem.h.
 *
 * What lies in one page of plain RAM, either way, is one chunk at the speed of the host's memory functions; everything else goes
 * element by element. Registers follow every chunk, so that a fault or an interrupt finds a restartable instruction. One iteration
 * counts as one instruction.
 */
#include "cpu/isa/arith.h"
#include "cpu/op/op.h"

/* The state of one string instruction. Addresses and count have the address size. */
struct string {
    const struct insn *i;
    u64                mask;    /* of addresses and count */
    u64                count;   /* iterations left; 1 without REP */
    i64                step;    /* +-width */
    unsigned           shift;   /* log2(width) */
    vaddr              missed;  /* the page of an element to be written that the TLB did not know; ~0: none */
    bool               asked;   /* whether it is RAM */
};

/* A chunk: the host's address of its first element, which is the highest one when going down, and its iterations. */
struct run {
    u8 *first;
    u64 n;
};

static struct string string_begin(const struct cpu *cpu, const struct insn *i, unsigned w)
{
    struct string s = {.i = i, .mask = ~(u64)0 >> (64 - 8 * i->asize), .shift = (unsigned)__builtin_ctz(w), .missed = ~(u64)0};
    s.step          = cpu->eflags & FLAG_DF ? -(i64)w : (i64)w;
    s.count         = i->rep ? cpu->regs[R_CX] & s.mask : 1;
    return s;
}

static unsigned destination_segment(const struct cpu *cpu)
{
    return cpu->code_bytes == 8 ? SEG_FLAT : SEG_ES;
}

static u64 offset_in(const struct cpu *cpu, const struct string *s, unsigned reg)
{
    return cpu->regs[reg] & s->mask;
}

static void advance(struct cpu *cpu, const struct string *s, unsigned reg, u64 n)
{
    gpr_write(cpu, reg * 8, s->i->asize, (cpu->regs[reg] + n * (u64)s->step) & s->mask);
}

static bool is_pending(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->pending, __ATOMIC_RELAXED);
}

/* How many iterations counted time has left, at least one. */
static u64 left(const struct cpu *cpu, const struct string *s)
{
    u64 now = cpu->icount + s->i->number - 1u;
    return now < cpu->icount_limit ? cpu->icount_limit - now : 1;
}

/* `n` iterations are complete; `more`: their condition holds. Returns whether to go on at once. */
static bool iterated(struct cpu *cpu, struct string *s, u64 n, bool more)
{
    s->count -= n;
    if (s->i->rep) {
        gpr_write(cpu, R_CX * 8, s->i->asize, s->count);
    }
    if (more && s->count && !is_pending(cpu) && left(cpu, s) > n) {
        cpu->icount += n;
        return true;
    }
    cpu->icount += n - 1; /* the last one is counted with the instruction */
    if (more && s->count) {
        cpu->ip = insn_ip(cpu, s->i) & cpu->ip_mask; /* it will run again */
        cpu->eflags |= FLAG_RF; /* until it is complete: SDM Vol. 3B 17.3.1.1 */
    } else {
        cpu->eflags &= ~(u32)FLAG_RF;
    }
    return false;
}

/* ---- chunks */

/* Something pending (a single step, for one) is looked at after every iteration. */
static bool in_chunks(const struct cpu *cpu, const struct string *s)
{
    return s->count > 1 && !is_pending(cpu);
}

/* How many iterations from `offset` on stay in the page and in the segment's window and do not wrap the address. */
static u64 room(const struct cpu *cpu, const struct string *s, unsigned seg, u64 offset, u64 window)
{
    unsigned in_page = (cpu->seg[seg].base + offset) & (PAGE_SIZE - 1), w = 1u << s->shift;
    u64      n;
    if (s->step < 0) {
        u64 below = in_page < offset ? in_page : offset;
        n         = in_page + w <= PAGE_SIZE && offset + w <= window ? (below >> s->shift) + 1 : 0;
    } else {
        u64 left = PAGE_SIZE - in_page, wrap = s->mask - offset; /* wrap is one less than the bytes that are left, which may be 2^64 */
        u64 inside = offset < window ? window - offset : 0;
        left       = left < inside ? left : inside;
        n          = (left <= wrap ? left : wrap + 1) >> s->shift;
    }
    n = n < s->count ? n : s->count;
    return likely(n <= left(cpu, s)) ? n : left(cpu, s);
}

static struct run source_run(const struct cpu *cpu, const struct string *s, unsigned seg, unsigned reg)
{
    u64        offset = offset_in(cpu, s, reg);
    struct run r      = {.n = room(cpu, s, seg, offset, cpu->seg[seg].read_bytes)};
    r.first           = tlb_hit(cpu->tlb_read, cpu->seg[seg].base + offset, 1u << s->shift);
    if (!r.first) {
        r.n = 0; /* an element made alone fills the TLB, if it can be */
    }
    return r;
}

/*
 * A page that the TLB does not know: an element made alone enters it. If that did not help, it is a page with code, which is dropped
 * for the whole chunk at once, or no RAM.
 */
static u8 *open_page(struct cpu *cpu, struct string *s, u64 offset, u64 n)
{
    unsigned seg  = destination_segment(cpu);
    vaddr    page = (cpu->seg[seg].base + offset) & PAGE_MASK;
    u64      last = (n - 1) << s->shift;
    if (page != s->missed) {
        s->missed = page;
        s->asked  = false;
        return NULL;
    }
    if (s->asked) {
        return NULL;
    }
    s->asked   = true;
    u8 *lowest = mem_open_write(cpu, seg, s->step < 0 ? offset - last : offset, (unsigned)(last + (1u << s->shift)));
    return lowest && s->step < 0 ? lowest + last : lowest;
}

/* At most `most` iterations. Raises. */
static struct run target_run(struct cpu *cpu, struct string *s, u64 most)
{
    unsigned   seg    = destination_segment(cpu);
    u64        offset = offset_in(cpu, s, R_DI);
    struct run r      = {.n = room(cpu, s, seg, offset, cpu->seg[seg].write_bytes)};
    r.n               = r.n < most ? r.n : most;
    r.first           = tlb_hit(cpu->tlb_write, cpu->seg[seg].base + offset, 1u << s->shift);
    if (unlikely(!r.first)) {
        r.first = r.n > 1 ? open_page(cpu, s, offset, r.n) : NULL;
        r.n     = r.first ? r.n : 0;
    }
    return r;
}

/* The lowest byte of a chunk. */
static u8 *lowest(const struct string *s, const u8 *first, u64 n)
{
    return (u8 *)(uintptr_t)(s->step < 0 ? first - ((n - 1) << s->shift) : first);
}

/* ---- MOVS */

/* Upward into what is still to be read, `ahead` bytes on: it repeats with that period, unless an element overlaps its own copy. */
static void repeat(u8 *to, const u8 *from, u64 bytes, unsigned w)
{
    u64 ahead = (u64)(to - from);
    if (ahead < w) {
        for (u64 k = 0; k < bytes; k += w) {
            store_le(to + k, load_le(from + k, w), w);
        }
        return;
    }
    for (u64 n; bytes; bytes -= n, to += n) {
        n = (u64)(to - from);
        n = n < bytes ? n : bytes;
        memcpy(to, from, n);
    }
}

static void repeat_down(u8 *to, const u8 *from, u64 bytes, unsigned w)
{
    for (u64 k = bytes; k; k -= w) {
        store_le(to + k - w, load_le(from + k - w, w), w);
    }
}

/* Moves a chunk; returns the iterations made, 0 when the next one must be made alone. */
static u64 move_chunk(struct cpu *cpu, struct string *s)
{
    struct run source = source_run(cpu, s, s->i->seg, R_SI);
    struct run target = source.n ? target_run(cpu, s, source.n) : source;
    u64        n = target.n, bytes = n << s->shift;
    if (!n) {
        return 0;
    }
    u8 *from = lowest(s, source.first, n), *to = lowest(s, target.first, n);
    if (s->step > 0 && to > from && to < from + bytes) {
        repeat(to, from, bytes, 1u << s->shift);
    } else if (s->step < 0 && to < from && from < to + bytes) {
        repeat_down(to, from, bytes, 1u << s->shift);
    } else {
        memmove(to, from, bytes);
    }
    return n;
}

OP(rep_movs)
{
    struct string s  = string_begin(cpu, i, i->w);
    bool          go = s.count;
    while (go) {
        u64 n = in_chunks(cpu, &s) ? move_chunk(cpu, &s) : 0;
        if (!n) {
            u64 v = mem_read(cpu, i->seg, offset_in(cpu, &s, R_SI), i->w);
            mem_write(cpu, destination_segment(cpu), offset_in(cpu, &s, R_DI), v, i->w);
            n = 1;
        }
        advance(cpu, &s, R_SI, n);
        advance(cpu, &s, R_DI, n);
        go = iterated(cpu, &s, n, true);
    }
}

/* ---- STOS */

/* An element of w bytes, as often as it fits in 8. */
static u64 repeated(u64 v, unsigned w)
{
    return w == 1 ? (u8)v * 0x0101010101010101u : w == 2 ? (u16)v * 0x0001000100010001u : w == 4 ? (u32)v * 0x0000000100000001u : v;
}

static void fill(u8 *to, u64 pattern, u64 bytes)
{
    u64 k = 0;
    if (pattern == repeated(pattern, 1)) {
        memset(to, (int)(u8)pattern, bytes);
        return;
    }
    for (; k + 8 <= bytes; k += 8) {
        store64(to + k, pattern);
    }
    memcpy(to + k, &pattern, bytes - k);
}

static u64 fill_chunk(struct cpu *cpu, struct string *s)
{
    struct run target = target_run(cpu, s, s->count);
    if (target.n) {
        fill(lowest(s, target.first, target.n), repeated(cpu->regs[R_AX], 1u << s->shift), target.n << s->shift);
    }
    return target.n;
}

OP(rep_stos)
{
    struct string s  = string_begin(cpu, i, i->w);
    bool          go = s.count;
    while (go) {
        u64 n = in_chunks(cpu, &s) ? fill_chunk(cpu, &s) : 0;
        if (!n) {
            mem_write(cpu, destination_segment(cpu), offset_in(cpu, &s, R_DI), gpr_read(cpu, R_AX * 8, i->w), i->w);
            n = 1;
        }
        advance(cpu, &s, R_DI, n);
        go = iterated(cpu, &s, n, true);
    }
}

/* ---- LODS */

OP(rep_lods)
{
    struct string s  = string_begin(cpu, i, i->w);
    bool          go = s.count;
    while (go) {
        struct run source = in_chunks(cpu, &s) ? source_run(cpu, &s, i->seg, R_SI) : (struct run){NULL, 0};
        if (source.n) {
            gpr_write(cpu, R_AX * 8, i->w, load_le(source.first + (i64)(source.n - 1) * s.step, i->w));
        } else {
            gpr_write(cpu, R_AX * 8, i->w, mem_read(cpu, i->seg, offset_in(cpu, &s, R_SI), i->w));
            source.n = 1;
        }
        advance(cpu, &s, R_SI, source.n);
        go = iterated(cpu, &s, source.n, true);
    }
}

/* ---- SCAS and CMPS */

/* CMP a, b: sets the flags; returns whether the loop's condition on ZF still holds. */
static bool compare(struct cpu *cpu, const struct insn *i, u64 a, u64 b)
{
    cpu->cc.op     = CC_OP(CC_SUB, (unsigned)__builtin_ctz(i->w));
    cpu->cc.result = (a - b) & arith_mask(i->w);
    cpu->cc.source = b;
    return (a == b) == (i->rep == REP_E);
}

/* The iterations up to and with the first whose element is equal to v (REPNE) or is not (REPE); n if there is none. */
ALWAYS_INLINE u64 scan_run(struct run r, i64 step, u64 v, bool until_equal)
{
    unsigned w = (unsigned)(step < 0 ? -step : step);
    u64      k = 0;
    if (step == 1 && until_equal) {
        const u8 *hit = memchr(r.first, (int)v, r.n);
        return hit ? (u64)(hit - r.first) + 1 : r.n;
    }
    if (step > 0 && !until_equal) {
        for (u64 pattern = repeated(v, w); (k + 8 / w) <= r.n && load64(r.first + k * w) == pattern;) {
            k += 8 / w;
        }
    }
    for (const u8 *p = r.first + (i64)k * step; k < r.n; k++, p += step) {
        if ((load_le(p, w) == v) == until_equal) {
            return k + 1;
        }
    }
    return r.n;
}

/* The same for two strings: the first pair of elements that are equal, or are not. */
ALWAYS_INLINE u64 match_run(const u8 *a, const u8 *b, u64 n, i64 step, bool until_equal)
{
    unsigned w = (unsigned)(step < 0 ? -step : step);
    u64      k = 0;
    if (step > 0 && !until_equal) {
        while (k + 8 / w <= n && load64(a + k * w) == load64(b + k * w)) {
            k += 8 / w;
        }
    }
    for (i64 at = (i64)k * step; k < n; k++, at += step) {
        if ((load_le(a + at, w) == load_le(b + at, w)) == until_equal) {
            return k + 1;
        }
    }
    return n;
}

/* `call` with the step a constant. */
#define BY_STEP(step, call)                                                                        \
    ((step) == 1 ? call(1) : (step) == 2 ? call(2) : (step) == 4 ? call(4) : (step) == 8 ? call(8) \
     : (step) == -1 ? call(-1) : (step) == -2 ? call(-2) : (step) == -4 ? call(-4) : call(-8))

OP(rep_scas)
{
    struct string s  = string_begin(cpu, i, i->w);
    u64           a  = gpr_read(cpu, R_AX * 8, i->w);
    bool          go = s.count;
    while (go) {
        struct run target = in_chunks(cpu, &s) ? source_run(cpu, &s, destination_segment(cpu), R_DI) : (struct run){NULL, 0};
        u64        n = 1, b;
        if (target.n) {
#define SCAN(step) scan_run(target, step, a, i->rep == REP_NE)
            n = BY_STEP(s.step, SCAN);
#undef SCAN
            b = load_le(target.first + (i64)(n - 1) * s.step, i->w);
        } else {
            b = mem_read(cpu, destination_segment(cpu), offset_in(cpu, &s, R_DI), i->w);
        }
        bool more = compare(cpu, i, a, b);
        advance(cpu, &s, R_DI, n);
        go = iterated(cpu, &s, n, more);
    }
}

OP(rep_cmps)
{
    struct string s  = string_begin(cpu, i, i->w);
    bool          go = s.count;
    while (go) {
        struct run x = in_chunks(cpu, &s) ? source_run(cpu, &s, i->seg, R_SI) : (struct run){NULL, 0};
        struct run y = x.n ? source_run(cpu, &s, destination_segment(cpu), R_DI) : x;
        u64        n = 1, a, b;
        if (y.n) {
#define MATCH(step) match_run(x.first, y.first, x.n < y.n ? x.n : y.n, step, i->rep == REP_NE)
            n = BY_STEP(s.step, MATCH);
#undef MATCH
            a = load_le(x.first + (i64)(n - 1) * s.step, i->w);
            b = load_le(y.first + (i64)(n - 1) * s.step, i->w);
        } else {
            a = mem_read(cpu, i->seg, offset_in(cpu, &s, R_SI), i->w);
            b = mem_read(cpu, destination_segment(cpu), offset_in(cpu, &s, R_DI), i->w);
        }
        bool more = compare(cpu, i, a, b);
        advance(cpu, &s, R_SI, n);
        advance(cpu, &s, R_DI, n);
        go = iterated(cpu, &s, n, more);
    }
}

/* ---- INS and OUTS */

/* Ports take 8, 16 or 32 bits: REX.W does not widen INS and OUTS. */
static unsigned port_width(const struct insn *i)
{
    return i->w == 8 ? 4 : i->w;
}

OP(ins)
{
    unsigned      w    = port_width(i);
    struct string s    = string_begin(cpu, i, w);
    u16           port = (u16)cpu->regs[R_DX];
    bool          go   = s.count;
    io_check(cpu, port, w);
    while (go) {
        u64 di = offset_in(cpu, &s, R_DI);
        mem_probe_write(cpu, destination_segment(cpu), di, w); /* before the port is read */
        mem_write(cpu, destination_segment(cpu), di, io_read(cpu, port, w), w);
        advance(cpu, &s, R_DI, 1);
        go = iterated(cpu, &s, 1, true);
    }
}

OP(outs)
{
    unsigned      w    = port_width(i);
    struct string s    = string_begin(cpu, i, w);
    u16           port = (u16)cpu->regs[R_DX];
    bool          go   = s.count;
    io_check(cpu, port, w);
    while (go) {
        u64 v = mem_read(cpu, i->seg, offset_in(cpu, &s, R_SI), w);
        io_write(cpu, port, (u32)v, w);
        advance(cpu, &s, R_SI, 1);
        go = iterated(cpu, &s, 1, true);
    }
}
