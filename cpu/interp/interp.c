/*
 * interp.c: the interpreter.
 *
 * Every row of opcodes.def whose meaning is a SEM becomes one handler per operand width and memory or register form; OPs and
 * VECs have one handler each that calls their C function. A handler ends by calling the next instruction's handler as a tail
 * call. Where the compiler does not make tail calls (no optimisation, sanitizers) it returns to a loop instead.
 */
#include "cpu/interp/interp.h"

#include <string.h>

#include "cpu/base/log.h"
#include "cpu/exec.h"
#include "cpu/fpu/check.h"
#include "cpu/fpu/mmx.h"
#include "cpu/interp/eval.h"
#include "cpu/isa/rows.h"
#include "cpu/op/op.h"
#include "cpu/stop.h"

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TAIL_CALLS 1
#else
#define TAIL_CALLS 0
#endif

/* Goes on with instruction `n`; must be the last thing that a handler does. */
ALWAYS_INLINE void dispatch(struct cpu *cpu, const struct insn *n)
{
#if TAIL_CALLS
    n->fn(cpu, n);
#else
    cpu->next = n;
#endif
}

/* The same with a block. */
ALWAYS_INLINE void dispatch_block(struct cpu *cpu, struct block *b)
{
#if TAIL_CALLS
    b->run(cpu, b);
#else
    cpu->next_block = b;
#endif
}

static void find_block(struct cpu *cpu, const struct insn *from);

/* Goes on with the block at cpu->ip, unless something is pending. */
ALWAYS_INLINE void next_block(struct cpu *cpu)
{
    if (unlikely(cpu->pending)) {
        return;
    }
    vaddr                   la = (cpu->code_base + cpu->ip) & cpu->ip_mask;
    const struct tlb_entry *e  = &cpu->tlb_fetch[tlb_fetch_index(la)];
    if (likely(e->tag == (la & PAGE_MASK))) {
        const u8     *host = (const u8 *)(uintptr_t)(la - e->tag + e->host);
        struct block *b    = icache_find(cpu->icache, host, cpu->code_mode);
        if (likely(b && (!cpu->code_limited || cpu->ip + b->bytes - 1 <= cpu->code_span))) {
            cpu->regs[R_IPBASE] = cpu->ip - (la & (PAGE_SIZE - 1));
            dispatch_block(cpu, b);
            return;
        }
    }
    find_block(cpu, NULL);
}

/* A relative jump was taken: by its link, or by looking up, which links it when it stays in the page. */
ALWAYS_INLINE void take_jump(struct cpu *cpu, const struct insn *i)
{
    cpu->icount += i->number;
    if (likely(i->link && !cpu->pending)) {
        dispatch_block(cpu, i->link);
        return;
    }
    cpu->ip = (insn_next_ip(cpu, i) + i->imm) & arith_mask(i->opsize);
    if ((cpu->ip ^ insn_ip(cpu, i)) & PAGE_MASK) {
        next_block(cpu);
    } else if (likely(!cpu->pending)) {
        find_block(cpu, i);
    }
}

/* The end of a SEM handler. */
ALWAYS_INLINE void finish(struct cpu *cpu, const struct insn *i, const struct ctx *c)
{
    if (c->flow == FLOW_RELATIVE) {
        take_jump(cpu, i);
    } else if (c->flow == FLOW_JUMP) {
        cpu->icount += i->number;
        cpu->ip = c->target;
        next_block(cpu);
    } else {
        dispatch(cpu, i + 1);
    }
}

/* ---- handlers of SEM rows */

#include "cpu/isa/alu.sem.h"
#include "cpu/isa/bit.sem.h"
#include "cpu/isa/flow.sem.h"
#include "cpu/isa/move.sem.h"
#include "cpu/isa/muldiv.sem.h"
#include "cpu/isa/shift.sem.h"
#include "cpu/isa/string.sem.h"

/* Which forms a row can have. A handler that no instruction can choose stays empty. */
#define IS_RM(o)     (OPERAND_CLASS(o) == OPERAND_RM)
#define IS_MEMORY(o) (OPERAND_CLASS(o) == OPERAND_MEMORY || OPERAND_CLASS(o) == OPERAND_MOFFS)
#define FORM_FITS(mem, o0, o1, o2)                                                                 \
    ((mem) ? IS_RM(o0) || IS_RM(o1) || IS_RM(o2) || IS_MEMORY(o0) || IS_MEMORY(o1)                 \
           : !IS_MEMORY(o0) && !IS_MEMORY(o1))
#define WIDTH_FITS(w, attr) (((attr)&BYTE) ? (w) == 1 : (w) != 1)

#define HANDLER(handler, sem, w, mem_, opcode_, o0, o1, o2, o3, attr)                              \
    static void handler(struct cpu *cpu, const struct insn *i)                                     \
    {                                                                                              \
        if (WIDTH_FITS(w, attr) && FORM_FITS(mem_, o0, o1, o2)) {                                  \
            struct ctx c = {.cpu  = cpu,                                                           \
                            .form = {.operand = {o0, o1, o2, o3}, .mem = mem_, .opcode = opcode_}}; \
            sem(&c, i, w);                                                                         \
            finish(cpu, i, &c);                                                                    \
        }                                                                                          \
    }
#define HANDLERS(id, sem, opcode, o0, o1, o2, o3, attr)                                            \
    HANDLER(h1r_##id, sem, 1, false, opcode, o0, o1, o2, o3, attr)                                 \
    HANDLER(h1m_##id, sem, 1, true, opcode, o0, o1, o2, o3, attr)                                  \
    HANDLER(h2r_##id, sem, 2, false, opcode, o0, o1, o2, o3, attr)                                 \
    HANDLER(h2m_##id, sem, 2, true, opcode, o0, o1, o2, o3, attr)                                  \
    HANDLER(h4r_##id, sem, 4, false, opcode, o0, o1, o2, o3, attr)                                 \
    HANDLER(h4m_##id, sem, 4, true, opcode, o0, o1, o2, o3, attr)                                  \
    HANDLER(h8r_##id, sem, 8, false, opcode, o0, o1, o2, o3, attr)                                 \
    HANDLER(h8m_##id, sem, 8, true, opcode, o0, o1, o2, o3, attr)
#define ROW_SEM(fn, map, opcode, slash, prefix, name, o0, o1, o2, o3, attr, feature)               \
    HANDLERS(name##map##opcode##slash##prefix, sem_##fn, opcode, o0, o1, o2, o3, attr)
#define ROW_OP(...)
#define ROW_VEC(...)
#include "cpu/isa/opcodes.def"
#undef ROW_SEM
#undef ROW_OP
#undef ROW_VEC

/* Of one row: [log2 width][memory form]. */
struct handlers {
    exec_fn fn[4][2];
};
#define HANDLERS_OF(id)                                                                            \
    {{{h1r_##id, h1m_##id}, {h2r_##id, h2m_##id}, {h4r_##id, h4m_##id}, {h8r_##id, h8m_##id}}},
#define ROW_SEM(fn, map, opcode, slash, prefix, name, ...) HANDLERS_OF(name##map##opcode##slash##prefix)
#define ROW_OP(...)  {{{NULL}}},
#define ROW_VEC(...) {{{NULL}}},
static const struct handlers handler_table[] = {
#include "cpu/isa/opcodes.def"
};

/* ---- handlers of OPs and VECs */

static void run_op(struct cpu *cpu, const struct insn *i)
{
    cpu->current = i;
    i->op(cpu, i);
    dispatch(cpu, i + 1);
}

/* An OP that ends its block. */
static void run_op_end(struct cpu *cpu, const struct insn *i)
{
    cpu->current = i;
    cpu->ip      = insn_next_ip(cpu, i);
    i->op(cpu, i);
    cpu->icount += i->number;
    next_block(cpu);
}

static unsigned vec_operand_bytes(unsigned operand)
{
    switch (operand) {
    case Wx: case Mx: return 16;
    case Wq: case Qq: case Mq: return 8;
    case Wd: case Qd: case Md: return 4;
    default: return 2;
    }
}

static bool is_mmx_operand(unsigned o)
{
    return o == Pq || o == Qq || o == Qd || o == Nq;
}

static void *vec_register(struct cpu *cpu, unsigned operand, unsigned number)
{
    return is_mmx_operand(operand) ? (void *)&cpu->x87.reg[number].mantissa : (void *)&cpu->xmm[number];
}

/* Memory operands of VECs go through this buffer. */
NOINLINE void interp_vec(struct cpu *cpu, const struct insn *i)
{
    const struct row *row   = &row_table[i->row];
    unsigned          o0 = row->operand[0], o1 = row->operand[1];
    if (row->attr & VEX) {
        interp_vex(cpu, i);
        return;
    }
    bool              mmx   = is_mmx_operand(o0) || is_mmx_operand(o1);
    bool              store = row->attr & STORE;
    unsigned          size  = vec_operand_bytes(store ? o0 : o1);
    union vec         memory = {.q = {0}};
    if (mmx) {
        mmx_check(cpu);
    } else {
        sse_check(cpu);
    }
    void *reg = vec_register(cpu, store ? o1 : o0, i->reg);
    void *rm  = vec_register(cpu, store ? o0 : o1, i->rm);
    if (i->mem) {
        u64 ea = insn_ea(cpu, i);
        if (size == 16) {
            vec_check_aligned(cpu, i->seg, ea, 16, row->attr & ALIGN16, store);
        }
        if (!store && size == 16) {
            mem_read_bytes(cpu, i->seg, ea, &memory, size);
        } else if (!store) {
            memory.q[0] = mem_read(cpu, i->seg, ea, size);
        }
        rm = &memory;
    }
    if (o0 == Ux || o0 == Nq) {
        reg = vec_register(cpu, o0, i->rm); /* shifts by an immediate */
    }
    i->vec(cpu, store ? rm : reg, store ? reg : rm, (u8)i->imm);
    if (mmx) {
        mmx_enter(cpu);
        mmx_written(cpu, o0 == Nq ? i->rm : i->reg);
    }
    if (store && i->mem && size == 16) {
        mem_write_bytes(cpu, i->seg, insn_ea(cpu, i), &memory, size);
    } else if (store && i->mem) {
        mem_write(cpu, i->seg, insn_ea(cpu, i), memory.q[0], size);
    }
}

static void run_vec(struct cpu *cpu, const struct insn *i)
{
    cpu->current = i;
    interp_vec(cpu, i);
    dispatch(cpu, i + 1);
}

/* ---- what stands at the end of a block */

/* After the last instruction of a block that falls through. */
static void fall_through(struct cpu *cpu, const struct insn *i)
{
    cpu->icount += i->number;
    cpu->ip = (cpu->regs[R_IPBASE] + i->offset) & cpu->ip_mask;
    next_block(cpu);
}

/* The bytes from this instruction on have changed: look up again. `number` counts this instruction, which has not run. */
static void stale(struct cpu *cpu, const struct insn *i)
{
    cpu->icount += i->number - (i->length ? 1u : 0u);
    cpu->ip = (cpu->regs[R_IPBASE] + i->offset) & cpu->ip_mask;
    if (unlikely(cpu->pending)) {
        return;
    }
    find_block(cpu, NULL);
}

/* The bytes are no instruction: imm holds the rule. */
static void raise_rule(struct cpu *cpu, const struct insn *i)
{
    cpu->current = i;
    cpu_raise(cpu, (enum rule)i->imm, 0);
}

/* ---- blocks */

static void decode_again(struct cpu *cpu, struct block *b);

static void run_decoded(struct cpu *cpu, struct block *b)
{
    if (unlikely(!b->insn)) {
        decode_again(cpu, b);
    }
    dispatch(cpu, b->insn);
}

/* Looks up again where the block began. */
static void run_elsewhere(struct cpu *cpu, struct block *b)
{
    cpu->ip = (cpu->regs[R_IPBASE] + ((uintptr_t)b->host & (PAGE_SIZE - 1))) & cpu->ip_mask;
    if (likely(!cpu->pending)) {
        find_block(cpu, NULL);
    }
}

/* A translated one. */
static void run_translated(struct cpu *cpu, struct block *b)
{
    if (unlikely(b->mode != cpu->code_mode)) { /* a link from before the mode changed */
        run_elsewhere(cpu, b);
        return;
    }
    const struct insn *next = cpu->executor->enter(cpu->executor, cpu, b);
    if (next) {
        dispatch(cpu, next);
    } else {
        next_block(cpu);
    }
}

static void interpreted(struct block *b);

/* One that may become hot. */
static void count(struct cpu *cpu, struct block *b)
{
    if (unlikely(!b->insn)) {
        decode_again(cpu, b);
    }
    if (unlikely(!b->heat--)) {
        bool ok = b->mode == cpu->code_mode && cpu->executor->translate(cpu->executor, b);
        (ok ? interp_translated : interpreted)(b);
        dispatch_block(cpu, b);
        return;
    }
    dispatch(cpu, b->insn);
}

/* ---- counted time: the same, as long as the whole block may be executed */

static bool run_single(struct cpu *cpu, exec_fn then);
static void leave(struct cpu *cpu, const struct insn *i);

/* There is not enough left for the whole block: its first instruction, or nothing. */
static NOINLINE void run_part(struct cpu *cpu, const struct block *b)
{
    cpu->ip = (cpu->regs[R_IPBASE] + ((uintptr_t)b->host & (PAGE_SIZE - 1))) & cpu->ip_mask;
    if (cpu->icount < cpu->icount_limit && !cpu->pending) {
        run_single(cpu, leave);
    }
}

#define COUNTED(name, run)                                                                         \
    static void name(struct cpu *cpu, struct block *b)                                             \
    {                                                                                              \
        if (unlikely((i64)(cpu->icount_limit - cpu->icount) < b->count)) {                         \
            run_part(cpu, b);                                                                      \
        } else {                                                                                   \
            run(cpu, b);                                                                           \
        }                                                                                          \
    }
COUNTED(counted_decoded, run_decoded)
COUNTED(counted_translated, run_translated)
COUNTED(counted_count, count)

static void interpreted(struct block *b)
{
    b->run = b->mode & MODE_COUNTED ? counted_decoded : run_decoded;
}

void interp_translated(struct block *b)
{
    b->run = b->mode & MODE_COUNTED ? counted_translated : run_translated;
}

void interp_count(struct block *b, unsigned heat)
{
    b->heat = (u16)heat;
    b->run  = b->mode & MODE_COUNTED ? counted_count : count;
}

/* ---- building blocks */

struct icache *interp_create(void)
{
    return icache_create(stale, run_elsewhere);
}

static void bad_insn(struct insn *i, enum rule rule)
{
    i->fn  = raise_rule;
    i->row = ROW_NONE;
    i->imm = rule;
}

/* Chooses the handler; returns whether the instruction ends its block. */
static bool prepare(struct insn *i, unsigned mode)
{
    const struct row *row  = &row_table[i->row];
    op_fn             near = mode & MODE_CET ? cet_near(i) : NULL;
    if (unlikely(near)) {
        i->op = near;
        i->fn = run_op_end;
        return true;
    }
    switch (row->kind) {
    case KIND_SEM:
        i->fn = handler_table[i->row].fn[__builtin_ctz(i->w)][i->mem];
        return row->attr & END;
    case KIND_VEC:
        i->vec = row->vec;
        i->fn  = run_vec;
        return false;
    default:
        i->op = row->op;
        i->fn = row->attr & END || i->rep ? run_op_end : run_op;
        return row->attr & END || i->rep;
    }
}

static void step_here(struct cpu *cpu);

/* Whether code at R_IPBASE may go on in the next page: it does not where CS, or the canonical addresses, end. */
static bool goes_on(const struct cpu *cpu, u64 ip_base)
{
    return ip_base + PAGE_SIZE - cpu->code_low <= cpu->code_span;
}

/* The page of code behind that at R_IPBASE, on the host. NULL: there is none, or it is no memory. Raises. */
static NOINLINE const u8 *second_page(struct cpu *cpu)
{
    vaddr          la = (cpu->code_base + cpu->regs[R_IPBASE] + PAGE_SIZE) & cpu->ip_mask;
    struct region *region;
    u64            offset;
    if (unlikely(!goes_on(cpu, cpu->regs[R_IPBASE]))) {
        return NULL;
    }
    const struct tlb_entry *e = &cpu->tlb_fetch[tlb_fetch_index(la)];
    return e->tag == la ? (const u8 *)(uintptr_t)e->host : mem_fetch_page(cpu, la, &region, &offset);
}

/* The first and only instruction of a block that goes on in the next page. With variables in memory its last jump would become a call, and a
 * loop would use up the stack. */
static void run_spanning(struct cpu *cpu, const struct insn *i)
{
    const struct decoded *d = icache_decoded(i);
    cpu->ip      = insn_ip(cpu, i) & cpu->ip_mask;
    cpu->current = NULL;
    if (likely(second_page(cpu) == icache_other(cpu->icache, d->block)->host)) {
        exec_fn whole = d->whole;
        whole(cpu, i);
    } else {
        step_here(cpu);
    }
}

/* How decode() is to read code, of a block's mode. */
static unsigned decode_mode(unsigned mode)
{
    return (mode & MODE_CODE_BYTES) | (mode & MODE_REAL ? DECODE_REAL : 0u);
}

static void end_decoded(struct decoded *d, unsigned count, unsigned offset)
{
    d->insn[count] = (struct insn){.fn = fall_through, .offset = (u16)offset, .number = (u8)count};
}

/* Decodes a block at `host`, of `most` instructions at most. Returns how many there are; 0: the first one goes on in the next page. */
static unsigned decode_block(struct cpu *cpu, struct decoded *d, const u8 *host, unsigned mode, unsigned most)
{
    unsigned  offset = (unsigned)((uintptr_t)host & (PAGE_SIZE - 1)), n = 0;
    const u8 *page   = host - offset;
    bool      end    = false;
    while (!end && n < most && offset < PAGE_SIZE) {
        struct insn       *i = &d->insn[n];
        enum rule          rule;
        enum decode_status status = decode(cpu->decoder, page + offset, PAGE_SIZE - offset, decode_mode(mode), offset, i, &rule);
        if (status == DECODE_MORE) {
            break;
        }
        i->number = (u8)++n;
        if (status == DECODE_BAD) {
            bad_insn(i, rule);
            end = true;
        } else {
            end = prepare(i, mode);
        }
        offset += i->length;
    }
    end_decoded(d, n, offset);
    return n;
}

/* Decodes the instruction at the end of the page, of which `second` holds the rest. False: it is none, or ends in its page. */
static bool decode_spanning(struct cpu *cpu, struct decoded *d, const u8 *host, const u8 *second, unsigned mode)
{
    unsigned     offset = (unsigned)((uintptr_t)host & (PAGE_SIZE - 1)), here = PAGE_SIZE - offset;
    struct insn *i      = &d->insn[0];
    u8           bytes[INSN_BYTES_MAX];
    enum rule    rule;
    memcpy(bytes, host, here);
    memcpy(bytes + here, second, INSN_BYTES_MAX - here);
    if (decode(cpu->decoder, bytes, INSN_BYTES_MAX, decode_mode(mode), offset, i, &rule) != DECODE_OK || i->length <= here) {
        return false;
    }
    prepare(i, mode);
    i->number = 1;
    d->whole  = i->fn;
    i->fn     = run_spanning;
    end_decoded(d, 1, offset + i->length);
    return true;
}

/* The instructions of a block have gone from the ring; its bytes are as they were. What follows them may have changed. */
static NOINLINE void decode_again(struct cpu *cpu, struct block *b)
{
    struct decoded *d = icache_room(cpu->icache);
    if (b->spanning) {
        decode_spanning(cpu, d, b->host, icache_other(cpu->icache, b)->host, b->mode);
    } else {
        decode_block(cpu, d, b->host, b->mode, b->count);
    }
    icache_keep(cpu->icache, d, b);
    cpu->icache->again++;
}

const struct insn *interp_decoded(struct cpu *cpu, struct block *b)
{
    if (!b->insn) {
        decode_again(cpu, b);
    }
    return b->insn;
}

static void add_block(struct cpu *cpu, struct block *b, struct region *region, u64 page_offset)
{
    bool fresh = !(region->pages[page_offset >> PAGE_SHIFT].flags & PAGE_HAS_CODE);
    icache_add(cpu->icache, b, region, page_offset);
    if (fresh) {
        tlb_flush_writes(&cpu->tlb, (const u8 *)((uintptr_t)b->host & ~(uintptr_t)(PAGE_SIZE - 1))); /* it may have been open for writing */
    }
}

/* A block of the instruction at the end of the page, which goes on in the next one. NULL: it must run alone. Raises. */
static struct block *new_spanning(struct cpu *cpu, struct decoded *d, const u8 *host, unsigned mode)
{
    unsigned       offset = (unsigned)((uintptr_t)host & (PAGE_SIZE - 1)), here = PAGE_SIZE - offset;
    vaddr          next = (cpu->code_base + cpu->ip - offset + PAGE_SIZE) & cpu->ip_mask;
    struct region *region;
    u64            page_offset;
    if (cpu->code_limited || here >= INSN_BYTES_MAX || !goes_on(cpu, cpu->ip - offset)) {
        return NULL;
    }
    const u8 *page = mem_fetch_page(cpu, next, &region, &page_offset);
    if (!page || !decode_spanning(cpu, d, host, page, mode)) {
        return NULL;
    }
    struct block *b    = icache_new(cpu->icache, host, mode);
    struct block *tail = icache_new(cpu->icache, page, BLOCK_TAIL);
    b->count           = 1;
    b->spanning        = true;
    b->other           = icache_number(cpu->icache, tail);
    tail->bytes        = (u16)(d->insn[0].length - here);
    tail->other        = icache_number(cpu->icache, b);
    tail->run          = run_elsewhere;
    add_block(cpu, tail, region, page_offset);
    return tail->stale ? NULL : b;
}

/* Decodes the block at `host`. NULL: its first instruction must run alone. */
static struct block *build(struct cpu *cpu, const u8 *host, unsigned mode, struct region *region, u64 page_offset)
{
    struct block *b;
    if (icache_full(cpu->icache)) {
        icache_flush(cpu->icache);
    }
    struct decoded *d     = icache_room(cpu->icache);
    unsigned        count = decode_block(cpu, d, host, mode, BLOCK_INSNS_MAX);
    if (count) {
        b        = icache_new(cpu->icache, host, mode);
        b->count = (u8)count;
    } else {
        b = new_spanning(cpu, d, host, mode);
        if (!b) {
            return NULL;
        }
    }
    b->bytes = (u16)(d->insn[b->count].offset - d->insn[0].offset);
    if (cpu->executor && cpu->executor->translate) {
        interp_count(b, cpu->executor->heat);
    } else {
        interpreted(b);
    }
    icache_keep(cpu->icache, d, b);
    add_block(cpu, b, region, page_offset);
    return b;
}

/* Whether one of the bytes of code at `la` is asked about; as a page, such code is never in the TLB. */
static bool is_asked(const struct cpu *cpu, vaddr la, unsigned bytes)
{
    return unlikely(cpu->stops) && cpu->stops->code_range(cpu->stops->opaque, la, bytes);
}

/* The block at cpu->ip in this mode, decoded if need be. NULL: the instruction there must run alone. Raises. */
static NOINLINE struct block *get_block(struct cpu *cpu, const struct insn *from, unsigned mode)
{
    vaddr          la = (cpu->code_base + cpu->ip) & cpu->ip_mask;
    struct region *region;
    u64            page_offset;
    const struct tlb_entry *e    = &cpu->tlb_fetch[tlb_fetch_index(la)];
    const u8               *host = (const u8 *)(uintptr_t)(la - e->tag + e->host);
    const u8               *held = mem_held_code(cpu, la);
    if (unlikely(held)) {
        host = held + (la & (PAGE_SIZE - 1));
    }
    struct block *b = held || e->tag == (la & PAGE_MASK) ? icache_find(cpu->icache, host, mode) : NULL;
    cpu->current                 = NULL;
    if (cpu->ip - cpu->code_low > cpu->code_span) {
        return NULL; /* fetching byte by byte, the end of CS comes before paging */
    }
    if (!b) {
        const u8 *page = mem_fetch_page(cpu, la, &region, &page_offset);
        if (!page) {
            return NULL;
        }
        host = page + (la & (PAGE_SIZE - 1));
        b    = icache_find(cpu->icache, host, mode);
    }
    if (!b) {
        b    = build(cpu, host, mode, region, page_offset);
        from = NULL; /* it may have made way for the new ones */
    }
    if (!b || (cpu->code_limited && cpu->ip + b->bytes - 1 > cpu->code_span) || is_asked(cpu, la, b->bytes)) {
        return NULL;
    }
    if (from && !mem_page_asked(cpu, la) && !cpu->code_limited && insn_ip(cpu, from) >> PAGE_SHIFT == cpu->ip >> PAGE_SHIFT) {
        ((struct insn *)(uintptr_t)from)->link = b;
    }
    cpu->regs[R_IPBASE] = cpu->ip - (la & (PAGE_SIZE - 1));
    return b;
}

/* In a page with instructions that are asked about: this block, and no other by its links. */
static NOINLINE void run_block_alone(struct cpu *cpu, struct block *b)
{
    if (cpu->counted && (i64)(cpu->icount_limit - cpu->icount) < b->count) {
        step_here(cpu);
        return;
    }
    __atomic_fetch_or(&cpu->pending, PENDING_BLOCK, __ATOMIC_RELAXED);
    dispatch(cpu, interp_decoded(cpu, b));
}

/* The slow half of next_block(). `from` is a relative jump that may be linked. */
static NOINLINE void find_block(struct cpu *cpu, const struct insn *from)
{
    if (cpu->icount >= cpu->icount_limit) {
        return; /* before a page fault */
    }
    struct block *b = get_block(cpu, from, cpu->code_mode);
    if (!b) {
        step_here(cpu);
    } else if (unlikely(cpu->stops) && mem_page_asked(cpu, cpu->code_base + cpu->ip)) {
        run_block_alone(cpu, b);
    } else {
        dispatch_block(cpu, b);
    }
}

/* ---- one instruction, outside the cache */

/* Fetches more bytes of the instruction at `la`, of which there are `n`: one, and what follows it in the same page of memory,
 * for those can neither fault nor do anything else. Returns how many there are then. */
static unsigned fetch_more(struct cpu *cpu, vaddr la, u8 *bytes, unsigned n)
{
    do {
        cpu_check(cpu, cpu->ip + n - cpu->code_low <= cpu->code_span,
                  cpu->code_bytes == 8 ? RULE_GP_CODE_CANONICAL : RULE_GP_CODE_LIMIT, 0);
        bytes[n] = mem_fetch_byte(cpu, (la + n) & cpu->ip_mask);
        n++;
    } while (n < INSN_BYTES_MAX && (la + n) & (PAGE_SIZE - 1) && cpu->ip + n - cpu->code_low <= cpu->code_span &&
             cpu->tlb_fetch[tlb_fetch_index(la + n)].tag == ((la + n) & PAGE_MASK));
    return n;
}

/* What an instruction outside the cache depends on. */
static u8 lone_mode(const struct cpu *cpu)
{
    return (u8)(decode_mode(cpu->code_mode) | (cpu->code_mode & MODE_CET ? 128u : 0u));
}

/* Decodes the instruction at cpu->ip into `i`: it may span pages, reach the end of CS, or lie in no memory. */
static NOINLINE void fetch_one(struct cpu *cpu, struct insn *i)
{
    u8                 bytes[INSN_BYTES_MAX];
    enum rule          rule   = RULE_NONE;
    enum decode_status status = DECODE_MORE;
    vaddr              la     = (cpu->code_base + cpu->ip) & cpu->ip_mask;
    struct lone_insn *known = &cpu->icache->lone[(la ^ la >> PAGE_SHIFT) % ICACHE_LONE];
    cpu->current            = NULL;
    cpu->regs[R_IPBASE]     = cpu->ip - (la & (PAGE_SIZE - 1));
    bool promising = known->la == la && known->mode == lone_mode(cpu);
    for (unsigned n = 0; status == DECODE_MORE && n < sizeof bytes;) {
        n = fetch_more(cpu, la, bytes, n);
        if (promising && n < known->insn.length && !memcmp(known->bytes, bytes, n)) {
            continue;
        }
        if (promising && n >= known->insn.length && !memcmp(known->bytes, bytes, known->insn.length)) {
            *i = known->insn;
            return;
        }
        promising = false;
        status = decode(cpu->decoder, bytes, n, decode_mode(cpu->code_mode), (unsigned)(la & (PAGE_SIZE - 1)), i, &rule);
    }
    i->number = 1;
    if (status != DECODE_OK) {
        bad_insn(i, rule);
        return;
    }
    prepare(i, cpu->code_mode);
    known->la   = la;
    known->mode = lone_mode(cpu);
    known->insn = *i;
    memcpy(known->bytes, bytes, i->length);
}

static void leave(struct cpu *cpu, const struct insn *i)
{
    cpu->icount += i->number;
    cpu->ip = (cpu->regs[R_IPBASE] + i->offset) & cpu->ip_mask;
}

/* The instruction runs from cpu->single, followed by `then`. False: not now. */
static bool run_single(struct cpu *cpu, exec_fn then)
{
    struct insn *i = cpu->single;
    fetch_one(cpu, i);
    if (unlikely(cpu->stops) && cpu->stops->before(cpu->stops->opaque)) {
        return false;
    }
    if (unlikely(cpu->pending & PENDING_TRACKER)) {
        cet_track(cpu, i);
    }
    i[1] = (struct insn){.fn = then, .offset = (u16)(i->offset + i->length), .number = 1};
    dispatch(cpu, i);
    return true;
}

static void step_here(struct cpu *cpu)
{
    run_single(cpu, fall_through);
}

static void run_dispatched(struct cpu *cpu)
{
#if !TAIL_CALLS
    while (cpu->next || cpu->next_block) {
        const struct insn *n = cpu->next;
        struct block      *b = cpu->next_block;
        cpu->next            = NULL;
        cpu->next_block      = NULL;
        if (n) {
            n->fn(cpu, n);
        } else {
            b->run(cpu, b);
        }
    }
#else
    (void)cpu;
#endif
}

static void nothing_more(struct cpu *cpu, const struct insn *i)
{
    (void)cpu;
    (void)i;
}

void interp_isolated(struct cpu *cpu, const struct insn *i)
{
    const struct row *row = &row_table[i->row];
    struct insn      *alone = cpu->isolated; /* not cpu->single: it may have to be executed by itself, for a device */
    cpu->current = i;
    switch (row->kind) {
    case KIND_OP: i->op(cpu, i); return;
    case KIND_VEC: interp_vec(cpu, i); return;
    default: break;
    }
    alone[0] = *i;
    alone[1] = (struct insn){.fn = nothing_more};
    exec_fn fn = handler_table[i->row].fn[__builtin_ctz(i->w)][i->mem];
    fn(cpu, alone);
    cpu->next       = NULL;
    cpu->next_block = NULL;
}

bool interp_step(struct cpu *cpu)
{
    __atomic_fetch_or(&cpu->pending, PENDING_STEP, __ATOMIC_RELAXED);
    cpu->next       = NULL;
    cpu->next_block = NULL;
    bool done = run_single(cpu, leave);
    run_dispatched(cpu);
    __atomic_fetch_and(&cpu->pending, ~(u32)PENDING_STEP, __ATOMIC_RELAXED);
    return done;
}

struct block *interp_block(struct cpu *cpu, unsigned mode)
{
    struct block *b = get_block(cpu, NULL, mode);
    if (!b || b->spanning) {
        return NULL;
    }
    interp_decoded(cpu, b);
    return b;
}

void interp_run_block(struct cpu *cpu)
{
    cpu->next       = NULL;
    cpu->next_block = NULL;
    find_block(cpu, NULL);
    run_dispatched(cpu);
}

void interp_run(struct cpu *cpu)
{
    cpu->next       = NULL;
    cpu->next_block = NULL;
    next_block(cpu);
    run_dispatched(cpu);
}
