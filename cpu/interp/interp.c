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

static void find_block(struct cpu *cpu, const struct insn *from);

/* Goes on with the block at cpu->ip, unless something is pending. */
ALWAYS_INLINE void next_block(struct cpu *cpu)
{
    if (unlikely(cpu->pending)) {
        return;
    }
    vaddr                   la = cpu->code_base + cpu->ip;
    const struct tlb_entry *e  = &cpu->tlb_fetch[tlb_fetch_index(la)];
    if (likely(e->tag == (la & PAGE_MASK))) {
        const u8           *host = (const u8 *)(uintptr_t)(la + e->addend);
        const struct block *b    = icache_find(cpu->icache, host, cpu->code_mode);
        if (likely(b && (!cpu->code_limited || cpu->ip + b->bytes - 1 <= cpu->code_span))) {
            cpu->regs[R_IPBASE] = cpu->ip - (la & (PAGE_SIZE - 1));
            dispatch(cpu, b->insn);
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
        dispatch(cpu, i->link);
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

/* ---- the executor that translates hot blocks */

static struct block *block_of_first(const struct insn *i)
{
    return (struct block *)(uintptr_t)((const u8 *)i - offsetof(struct block, insn));
}

/* The first instruction of a translated block. */
static void enter(struct cpu *cpu, const struct insn *i)
{
    struct block *b = block_of_first(i);
    if (unlikely(b->mode != cpu->code_mode)) { /* a link from before the mode changed */
        cpu->ip = insn_ip(cpu, i) & cpu->ip_mask;
        find_block(cpu, NULL);
        return;
    }
    const struct insn *next = cpu->executor->enter(cpu->executor, cpu, b);
    if (!next) {
        next_block(cpu);
    } else if (next->fn == enter) { /* what translated code does not do itself */
        exec_fn first = block_of_first(next)->first;
        first(cpu, next);
    } else {
        dispatch(cpu, next);
    }
}

/* The first instruction of a block that may become hot. */
static void count(struct cpu *cpu, const struct insn *i)
{
    struct block *b = block_of_first(i);
    if (unlikely(!b->heat--)) {
        bool ok           = b->mode == cpu->code_mode && cpu->executor->translate(cpu->executor, b);
        b->insn[0].fn     = ok ? enter : b->first;
        dispatch(cpu, i);
        return;
    }
    exec_fn first = b->first;
    first(cpu, i);
}

void interp_translated(struct block *b)
{
    b->insn[0].fn = enter;
}

void interp_count(struct block *b, unsigned heat)
{
    b->heat       = (u16)heat;
    b->insn[0].fn = count;
}

/* ---- building blocks */

struct icache *interp_create(void)
{
    return icache_create(stale);
}

static void bad_insn(struct insn *i, enum rule rule)
{
    i->fn  = raise_rule;
    i->row = ROW_NONE;
    i->imm = rule;
}

/* Chooses the handler; returns whether the instruction ends its block. */
static bool prepare(struct insn *i)
{
    const struct row *row = &row_table[i->row];
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

/* The first and only instruction of a block that goes on in the next page. */
static void run_spanning(struct cpu *cpu, const struct insn *i)
{
    const struct block *b    = block_of_first(i);
    vaddr               next = (cpu->code_base + cpu->regs[R_IPBASE] + PAGE_SIZE) & cpu->ip_mask;
    struct region      *region;
    u64                 offset;
    cpu->ip      = insn_ip(cpu, i) & cpu->ip_mask;
    cpu->current = NULL;
    const struct tlb_entry *e    = &cpu->tlb_fetch[tlb_fetch_index(next)];
    const u8               *page = e->tag == next ? (const u8 *)(uintptr_t)(next + e->addend) : mem_fetch_page(cpu, next, &region, &offset);
    if (likely(page == b->second)) {
        exec_fn whole = b->whole;
        whole(cpu, i);
    } else {
        step_here(cpu);
    }
}

/* How decode() is to read code. */
static unsigned decode_mode(const struct cpu *cpu)
{
    return cpu->code_bytes | (cpu->code_mode & MODE_REAL ? DECODE_REAL : 0u);
}

/* Makes a block of the instruction at the end of the page, which goes on in the next one. False: it must run alone. Raises. */
static bool build_spanning(struct cpu *cpu, struct block *b, unsigned offset)
{
    vaddr          next = (cpu->code_base + cpu->ip - offset + PAGE_SIZE) & cpu->ip_mask;
    unsigned       here = PAGE_SIZE - offset;
    struct insn   *i    = &b->insn[0];
    u8             bytes[INSN_BYTES_MAX];
    enum rule      rule;
    struct region *region;
    u64            page_offset;
    if (cpu->code_limited || here >= INSN_BYTES_MAX || !next || next - cpu->code_low > cpu->code_span) {
        return false;
    }
    const u8 *page = mem_fetch_page(cpu, next, &region, &page_offset);
    if (!page) {
        return false;
    }
    memcpy(bytes, b->host, here);
    memcpy(bytes + here, page, INSN_BYTES_MAX - here);
    if (decode(cpu->decoder, bytes, INSN_BYTES_MAX, decode_mode(cpu), offset, i, &rule) != DECODE_OK || i->length <= here) {
        return false;
    }
    struct block *tail  = (struct block *)(void *)((u8 *)b + block_bytes(1));
    bool          fresh = !(region->pages[page_offset >> PAGE_SHIFT].flags & PAGE_HAS_CODE);
    *tail               = (struct block){.host = page, .mode = BLOCK_TAIL, .bytes = (u16)(i->length - here), .spans = b};
    icache_add(cpu->icache, tail, region, page_offset);
    if (fresh) {
        tlb_flush_writes(&cpu->tlb, page);
    }
    prepare(i);
    i->number = b->count = 1;
    b->second            = page;
    b->whole             = i->fn;
    i->fn                = run_spanning;
    return !tail->stale;
}

/* Decodes the block at `host`. NULL: its first instruction must run alone. */
static struct block *build(struct cpu *cpu, const u8 *host, struct region *region, u64 page_offset)
{
    unsigned      offset = (unsigned)((uintptr_t)host & (PAGE_SIZE - 1)), start = offset;
    const u8     *page   = host - offset;
    struct block *b      = icache_room(cpu->icache);
    if (!b) {
        icache_flush(cpu->icache);
        b = icache_room(cpu->icache);
    }
    *b       = (struct block){.host = host, .mode = cpu->code_mode};
    bool end = false;
    while (!end && b->count < BLOCK_INSNS_MAX && offset < PAGE_SIZE) {
        struct insn       *i = &b->insn[b->count];
        enum rule          rule;
        enum decode_status status =
            decode(cpu->decoder, page + offset, PAGE_SIZE - offset, decode_mode(cpu), offset, i, &rule);
        if (status == DECODE_MORE) {
            break;
        }
        i->number = ++b->count;
        if (status == DECODE_BAD) {
            bad_insn(i, rule);
            end = true;
        } else {
            end = prepare(i);
        }
        offset += i->length;
    }
    if (!b->count) {
        if (!build_spanning(cpu, b, start)) {
            return NULL;
        }
        offset = start + b->insn[0].length;
    }
    b->first          = b->insn[0].fn;
    if (cpu->executor && cpu->executor->translate) {
        interp_count(b, cpu->executor->heat);
    }
    struct insn *last = &b->insn[b->count];
    *last             = (struct insn){.fn = fall_through, .offset = (u16)offset, .number = b->count};
    b->bytes          = (u16)(offset - start);
    bool fresh       = !(region->pages[page_offset >> PAGE_SHIFT].flags & PAGE_HAS_CODE);
    icache_add(cpu->icache, b, region, page_offset);
    if (fresh) {
        tlb_flush_writes(&cpu->tlb, page); /* the page may have been open for writing */
    }
    return b;
}

/* The block at cpu->ip, decoded if need be. NULL: the instruction there must run alone. Raises. */
static NOINLINE struct block *get_block(struct cpu *cpu, const struct insn *from)
{
    vaddr          la = cpu->code_base + cpu->ip;
    struct region *region;
    u64            page_offset;
    if (!cpu->long_mode) {
        la = (u32)la;
    }
    const struct tlb_entry *e    = &cpu->tlb_fetch[tlb_fetch_index(la)];
    const u8               *host = (const u8 *)(uintptr_t)(la + e->addend);
    struct block           *b    = e->tag == (la & PAGE_MASK) ? icache_find(cpu->icache, host, cpu->code_mode) : NULL;
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
        b    = icache_find(cpu->icache, host, cpu->code_mode);
    }
    if (!b) {
        b    = build(cpu, host, region, page_offset);
        from = NULL; /* the cache may have been flushed */
    }
    if (!b || (cpu->code_limited && cpu->ip + b->bytes - 1 > cpu->code_span)) {
        return NULL;
    }
    if (from && !cpu->code_limited && insn_ip(cpu, from) >> PAGE_SHIFT == cpu->ip >> PAGE_SHIFT) {
        ((struct insn *)(uintptr_t)from)->link = b->insn;
    }
    cpu->regs[R_IPBASE] = cpu->ip - (la & (PAGE_SIZE - 1));
    return b;
}

/* The slow half of next_block(). `from` is a relative jump that may be linked. */
static NOINLINE void find_block(struct cpu *cpu, const struct insn *from)
{
    const struct block *b = get_block(cpu, from);
    if (b) {
        dispatch(cpu, b->insn);
    } else {
        step_here(cpu);
    }
}

/* ---- one instruction, outside the cache */

/* Fetches more bytes of the instruction at `la`, of which there are `n`: one, and what follows it in the same page of memory,
 * for those can neither fault nor do anything else. Returns how many there are then. */
static unsigned fetch_more(struct cpu *cpu, vaddr la, u8 *bytes, unsigned n)
{
    do {
        if (cpu->ip + n - cpu->code_low > cpu->code_span) {
            cpu_raise(cpu, cpu->code_bytes == 8 ? RULE_GP_CODE_CANONICAL : RULE_GP_CODE_LIMIT, 0);
        }
        bytes[n] = mem_fetch_byte(cpu, la + n);
        n++;
    } while (n < INSN_BYTES_MAX && (la + n) & (PAGE_SIZE - 1) && cpu->ip + n - cpu->code_low <= cpu->code_span &&
             cpu->tlb_fetch[tlb_fetch_index(la + n)].tag == ((la + n) & PAGE_MASK));
    return n;
}

/* Decodes the instruction at cpu->ip into `i`: it may span pages, reach the end of CS, or lie in no memory. */
static NOINLINE void fetch_one(struct cpu *cpu, struct insn *i)
{
    u8                 bytes[INSN_BYTES_MAX];
    enum rule          rule   = RULE_NONE;
    enum decode_status status = DECODE_MORE;
    vaddr              la     = cpu->code_base + cpu->ip;
    if (!cpu->long_mode) {
        la = (u32)la;
    }
    struct lone_insn *known = &cpu->icache->lone[(la ^ la >> PAGE_SHIFT) % ICACHE_LONE];
    cpu->current            = NULL;
    cpu->regs[R_IPBASE]     = cpu->ip - (la & (PAGE_SIZE - 1));
    bool promising = known->la == la && known->mode == decode_mode(cpu);
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
        status = decode(cpu->decoder, bytes, n, decode_mode(cpu), (unsigned)(la & (PAGE_SIZE - 1)), i, &rule);
    }
    i->number = 1;
    if (status != DECODE_OK) {
        bad_insn(i, rule);
        return;
    }
    prepare(i);
    known->la   = la;
    known->mode = (u8)decode_mode(cpu);
    known->insn = *i;
    memcpy(known->bytes, bytes, i->length);
}

static void leave(struct cpu *cpu, const struct insn *i)
{
    cpu->icount += i->number;
    cpu->ip = (cpu->regs[R_IPBASE] + i->offset) & cpu->ip_mask;
}

/* The instruction runs from cpu->single, followed by `then`. */
static void run_single(struct cpu *cpu, exec_fn then)
{
    struct insn *i = cpu->single;
    fetch_one(cpu, i);
    i[1] = (struct insn){.fn = then, .offset = (u16)(i->offset + i->length), .number = 1};
    dispatch(cpu, i);
}

static void step_here(struct cpu *cpu)
{
    run_single(cpu, fall_through);
}

static void run_dispatched(struct cpu *cpu)
{
#if !TAIL_CALLS
    while (cpu->next) {
        const struct insn *n = cpu->next;
        cpu->next            = NULL;
        n->fn(cpu, n);
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
    struct insn      *alone = cpu->single;
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
    cpu->next = NULL;
}

void interp_step(struct cpu *cpu)
{
    __atomic_fetch_or(&cpu->pending, PENDING_STEP, __ATOMIC_RELAXED);
    cpu->next = NULL;
    run_single(cpu, leave);
    run_dispatched(cpu);
    __atomic_fetch_and(&cpu->pending, ~(u32)PENDING_STEP, __ATOMIC_RELAXED);
}

const struct block *interp_block(struct cpu *cpu)
{
    const struct block *b = get_block(cpu, NULL);
    return b && b->second ? NULL : b;
}

void interp_run_block(struct cpu *cpu)
{
    cpu->next = NULL;
    find_block(cpu, NULL);
    run_dispatched(cpu);
}

void interp_run(struct cpu *cpu)
{
    cpu->next = NULL;
    next_block(cpu);
    run_dispatched(cpu);
}
