/*
 * flow.c: near jumps, calls, returns and the stack.
 *
 * A jump inside its page is linked to its target's code when that exists. A jump to another page, or to an address that was computed,
 * asks the instruction TLB for the host's page and a table for the code there: page tables may change at any time without a word
 * from a block that jumps. Where that fails, nothing has happened yet, and the interpreter executes the instruction.
 * Interrupts are looked for at backward jumps and at every jump that is not linked.
 */
#include "tcg/backend/x86_64/emit.h"

static bool is_limited(const struct emit *e)
{
    return e->mode & MODE_LIMITED;
}

static u64 target_offset(const struct insn *i)
{
    return i->offset + i->length + i->imm;
}

static bool stays_in_page(const struct insn *i)
{
    return target_offset(i) < PAGE_SIZE;
}

static unsigned ip_bytes(const struct emit *e)
{
    return e->code_bytes == 8 ? 8 : 4;
}

/* `to` (T1 only if the distance is small), which holds R_IPBASE, = the IP at that distance from it, which may be a little more than 2 GiB. */
static void put_distance(struct emit *e, struct out *o, unsigned to, u64 offset)
{
    if ((i64)offset == (i32)offset) {
        put_lea(o, ip_bytes(e), to, rm_mem(to, (i32)offset));
    } else {
        put_const(o, T1, offset);
        put_lea(o, ip_bytes(e), to, rm_index(to, T1, 0, 0));
    }
}

static void put_ip(struct emit *e, unsigned to, u64 offset)
{
    put_load(&e->hot, 8, to, CPU(regs[R_IPBASE]));
    put_distance(e, &e->hot, to, offset);
}

void put_poll(struct emit *e, const u8 *otherwise)
{
    put_alu_imm(&e->hot, ALU_CMP, 4, CPU(pending), 0);
    put_jcc(&e->hot, CC_NE, otherwise);
}

const u8 *leave_at(struct emit *e, u64 offset)
{
    const u8 *at = e->cold.p;
    put_const(&e->cold, T0, offset);
    put_jmp(&e->cold, e->native->stub.leave[e->code_bytes == 8]);
    return at;
}

/* The jump with its displacement at `d` goes to the code at `offset`, once there is any. */
u32 put_link(struct emit *e, u8 *d, u64 offset, bool apart)
{
    struct out *c = &e->cold;
    if (e->hot.full || c->full) {
        return 0;
    }
    patch_jump(d, c->p);
    u32 link = native_link(e->native, d, (unsigned)offset, apart);
    put_const(c, T0, (u64)link << 2 | NATIVE_EXIT_LINK);
    put_jmp(c, e->native->stub.exit);
    return link;
}

bool jumps_to_beginning(const struct emit *e, const struct insn *i)
{
    enum how how = (enum how)e->rules[i->row].how;
    return (how == LOWER_JMP_REL || how == LOWER_JCC || how == LOWER_LOOP) && target_offset(i) == e->block->insn->offset &&
           i->opsize != 2 && !(e->block->mode & (MODE_LIMITED | MODE_COUNTED | MODE_APART));
}

/* If `i`, which jumps by the link, goes on in the second copy of a loop, it does so at once. */
static void link_loop(struct emit *e, const struct insn *i, u32 link)
{
    if (link && e->loop.twice && jumps_to_beginning(e, i) && i - e->block->insn >= e->loop.from) {
        u32 early = e->native->link[link].early;
        native_link_loop(e->native, early ? early : link);
    }
}

/* Whether the flags will not matter at `offset` in the page, as far as one can tell. */
static bool is_dead_at(const struct emit *e, u64 offset)
{
    const u8           *page = (const u8 *)((uintptr_t)e->block->host & ~(uintptr_t)(PAGE_SIZE - 1));
    const struct block *b    = icache_find(e->native->cpu->icache, page + offset, e->mode);
    return b && (b->translation ? b->translation->flags_dead : b->insn && flags_dead_at(e, b));
}

/* On to `offset` in the page, where the flags do not matter. They are not saved, but by cold code if there is no code there, or it must be
 * left: by `recipe`, or as they are. `poll`: looks whether something is pending, for which there must be a recipe. Returns the link, or 0. */
static u32 go_dead(struct emit *e, u64 offset, const u8 *recipe, bool poll)
{
    struct out *o = &e->hot, *c = &e->cold;
    const u8   *save = recipe ? recipe : e->native->stub.save_flags, *leave = c->p;
    if (poll) {
        put_call(c, save);
        leave_at(e, offset);
        put_poll(e, leave);
    }
    u8 *early = put_jmp_ahead(o);
    if (!o->full && !c->full) {
        patch_jump(early, c->p);
    }
    put_call(c, save);
    u32 link = put_link(e, put_jmp_ahead(c), offset, false);
    if (link) {
        native_link_early(e->native, link, early);
    }
    return link;
}

/* T0 holds the new IP: T0 = address of the code, T2 = R_IPBASE there. `otherwise`: where to go when there is none. */
void put_probe(struct emit *e, const u8 *otherwise)
{
    struct out *o     = &e->hot;
    unsigned    view  = (e->mode >> MODE_VIEW_SHIFT & 3) == TLB_USER ? TLB_USER : TLB_SUPERVISOR;
    size_t      table = offsetof(struct cpu, tlb.fetch) + view * TLB_FETCH_ENTRIES * sizeof(struct tlb_entry);
    bool        based = e->code_bytes != 8 && !(e->mode & MODE_FLAT);
    put_poll(e, otherwise);
    if (is_limited(e)) {
        put_alu(o, ALU_CMP, 8, T0, CPU(code_span));
        put_jcc(o, CC_A, otherwise);
    }
    put_mov(o, 8, T2, T0);
    if (based) {
        put_store(o, 8, CPU(host.scratch), T0);
        put_alu(o, ALU_ADD, 4, T2, CPU(code_base));
        put_mov(o, 8, T0, T2);
    }
    put_mov(o, 8, T1, T2);
    put_shift_imm(o, SHIFT_SHR, 8, T1, PAGE_SHIFT - 4);
    put_alu_imm(o, ALU_AND, 4, rm_reg(T1), (TLB_FETCH_ENTRIES - 1) << 4);
    put_alu_imm(o, ALU_AND, 8, rm_reg(T2), -PAGE_SIZE);
    put_alu(o, ALU_CMP, 8, T2, rm_cpu_at(T1, table + offsetof(struct tlb_entry, tag)));
    put_jcc(o, CC_NE, otherwise);
    put_load(o, 8, T1, rm_cpu_at(T1, table + offsetof(struct tlb_entry, host)));
    put_alu(o, ALU_ADD, 8, T1, rm_reg(T0));
    put_alu(o, ALU_SUB, 8, T1, rm_reg(T2));
    if (based) { /* R_IPBASE = page - linear address + IP */
        put_alu(o, ALU_SUB, 8, T2, rm_reg(T0));
        put_alu(o, ALU_ADD, 8, T2, CPU(host.scratch));
    }
    put_mov(o, 8, T0, T1);
    put_shift_imm(o, SHIFT_SHR, 8, T0, PAGE_SHIFT);
    put_alu(o, ALU_XOR, 8, T0, rm_reg(T1));
    put_alu_imm(o, ALU_AND, 4, rm_reg(T0), NATIVE_JUMPS - 1);
    put_shift_imm(o, SHIFT_SHL, 4, T0, 4);
    put_alu(o, ALU_ADD, 8, T0, CPU(host.jumps));
    put_alu(o, ALU_CMP, 8, T1, rm_mem(T0, offsetof(struct native_jump, host)));
    u8 *found = put_jcc_ahead(o, CC_E);
    put_alu(o, ALU_SUB, 8, T0, CPU(host.jumps)); /* in the other place then, where the last one was before this */
    put_alu_imm(o, ALU_XOR, 8, rm_reg(T0), sizeof(struct native_jump));
    put_alu(o, ALU_ADD, 8, T0, CPU(host.jumps));
    put_alu(o, ALU_CMP, 8, T1, rm_mem(T0, offsetof(struct native_jump, host)));
    put_jcc(o, CC_NE, otherwise);
    put_jump_here(o, found);
}

static void put_jump_found(struct emit *e)
{
    put_store(&e->hot, 8, CPU(regs[R_IPBASE]), T2);
    put_jmp_reg(&e->hot, rm_mem(T0, offsetof(struct native_jump, code)));
}

void put_known_index(struct out *o, unsigned kind)
{
    put_mov(o, 4, T1, T0);
    if (kind == KNOWN_RETURN) {
        put_shift_imm(o, SHIFT_SHL, 4, T1, 5);
        put_alu_imm(o, ALU_AND, 4, rm_reg(T1), (HOST_TARGETS - 1) << 5);
    } else { /* functions lie at multiples of 16 */
        put_alu_imm(o, ALU_AND, 4, rm_reg(T1), (HOST_TARGETS - 1) << 4);
    }
}

struct rm known_member(unsigned view, unsigned kind, size_t member)
{
    size_t at = offsetof(struct cpu, host.known) + (view * 2 + kind) * HOST_TARGETS * sizeof(struct host_target) + member;
    return (struct rm){.memory = true, .cpu = true, .base = RSP, .index = T1, .scale = kind == KNOWN_RETURN ? 0 : 1, .disp = (i32)at};
}
_Static_assert(sizeof(struct host_target) == 32, "as put_known_index() scales");
#define KNOWN(e, kind, member) known_member(view_of(e), kind, offsetof(struct host_target, member))

static unsigned view_of(const struct emit *e)
{
    return (e->mode >> MODE_VIEW_SHIFT & 3) == TLB_USER ? TLB_USER : TLB_SUPERVISOR;
}

/* The common code finds the target: only where CS is flat. */
static bool is_plain(const struct emit *e)
{
    return !is_limited(e) && (e->code_bytes == 8 || e->mode & MODE_FLAT);
}

/* Only where CS is flat: the target at the IP in T0 is known by KNOWN(), or becomes so. Cold code that the caller goes on with is reached if
 * there is no code for it, or something is pending. If it is not canonical, the interpreter executes e->insn. */
static void put_known(struct emit *e, unsigned kind)
{
    struct out *o = &e->hot, *c = &e->cold;
    const u8   *find = c->p;
    put_store_imm(c, 4, CPU(host.from), native_insn(e->native, e->insn));
    put_call(c, e->native->stub.find[view_of(e)][kind]);
    put_jmp(c, o->p);
    put_poll(e, find);
    put_known_index(o, kind);
    put_alu(o, ALU_CMP, 8, T0, KNOWN(e, kind, ip));
    put_jcc(o, CC_NE, find);
    put_load(o, 8, T2, CPU(tlb.code.stamp[view_of(e)]));
    put_alu(o, ALU_CMP, 8, T2, KNOWN(e, kind, stamp));
    put_jcc(o, CC_NE, find);
}

static void go_known(struct emit *e, unsigned kind)
{
    put_load(&e->hot, 8, T2, KNOWN(e, kind, base));
    put_store(&e->hot, 8, CPU(regs[R_IPBASE]), T2);
    put_jmp_reg(&e->hot, KNOWN(e, kind, code));
}

/* To the IP in T0. */
static void put_jump_to(struct emit *e, const struct insn *insn)
{
    if (is_plain(e) && !e->given_back) {
        e->insn = insn;
        put_known(e, KNOWN_JUMP);
        put_jmp(&e->cold, e->native->stub.unlinked);
        go_known(e, KNOWN_JUMP);
    } else {
        put_probe(e, leave_to_interpreter(e, insn));
        put_jump_found(e);
    }
}

/* Only where CS is flat: what is remembered of the code at the distance `offset`, valid from here on. Flags are saved. */
static const u8 *put_far(struct emit *e, const struct insn *insn, u64 offset)
{
    struct out       *o = &e->hot, *c = &e->cold;
    struct native_far far = {.base = NATIVE_NOWHERE};
    u8               *data = put_remembered(e, &far, sizeof far);
    const u8         *find = c->p;
    put_load(o, 8, T0, CPU(regs[R_IPBASE]));
    put_alu(o, ALU_CMP, 8, T0, rm_remembered(e, data + offsetof(struct native_far, base)));
    put_jcc(o, CC_NE, find);
    put_load(o, 8, T1, CPU(tlb.code.stamp[view_of(e)]));
    put_alu(o, ALU_CMP, 8, T1, rm_remembered(e, data + offsetof(struct native_far, stamp)));
    put_jcc(o, CC_NE, find);
    put_poll(e, find);
    put_distance(e, c, T0, offset);
    put_store_imm(c, 4, CPU(host.from), native_insn(e->native, insn));
    put_const(c, T1, (u64)(uintptr_t)data);
    put_call(c, e->native->stub.far[view_of(e)]);
    put_jmp(c, o->p);
    held_forget(e);
    return data;
}

static void go_far(struct emit *e, const u8 *data)
{
    put_load(&e->hot, 8, T2, rm_remembered(e, data + offsetof(struct native_far, to)));
    put_store(&e->hot, 8, CPU(regs[R_IPBASE]), T2);
    put_jmp_reg(&e->hot, rm_remembered(e, data + offsetof(struct native_far, code)));
}

/* On to the IP at that distance, in another page. */
static void put_jump_far(struct emit *e, const struct insn *insn, u64 offset)
{
    if (is_plain(e) && !e->given_back) {
        go_far(e, put_far(e, insn, offset));
    } else {
        put_ip(e, T0, offset);
        put_jump_to(e, insn);
    }
}

/* A relative target in T0 that wraps at 64 KiB or lies beyond the limit of CS is the interpreter's. */
static void check_limited(struct emit *e, const struct insn *i, const u8 *otherwise)
{
    struct out *o = &e->hot;
    put_ip(e, T0, target_offset(i));
    if (i->opsize == 2) {
        put_zext(o, 2, T1, rm_reg(T0));
        put_alu(o, ALU_CMP, 8, T1, rm_reg(T0));
        put_jcc(o, CC_NE, otherwise);
    }
    put_alu(o, ALU_CMP, 8, T0, CPU(code_span));
    put_jcc(o, CC_A, otherwise);
}

/* Whether a link to `offset` in the page may leave the flags as they are. */
static bool may_be_dead(const struct emit *e, u64 offset)
{
    return offset < PAGE_SIZE && !(e->mode & (MODE_LIMITED | MODE_COUNTED));
}

void find_dead_end(struct emit *e)
{
    const struct insn *last   = &e->block->insn[e->block->count - 1];
    bool               jumps  = last->row != ROW_NONE && e->rules[last->row].how == LOWER_JMP_REL;
    u64                offset = jumps ? target_offset(last) : (u64)last->offset + last->length;
    e->dead_end               = may_be_dead(e, offset) && !(jumps && last->opsize == 2) && is_dead_at(e, offset);
}

/* The relative jump `i` is taken. Returns the link, or 0. */
static u32 go_relative(struct emit *e, const struct insn *i)
{
    flags_save(e);
    e->given_back = (u8)counted_give_back(e, &e->hot, i->number);
    if (is_limited(e) || i->opsize == 2) {
        check_limited(e, i, leave_to_interpreter(e, i));
    }
    u32 link = 0;
    if (!stays_in_page(i)) {
        put_jump_far(e, i, target_offset(i));
    } else {
        if (target_offset(i) <= i->offset) {
            put_poll(e, leave_at(e, target_offset(i)));
        }
        link = put_link(e, put_jmp_ahead(&e->hot), target_offset(i), false);
        if (e->loop.replay == REPLAY_NONE) { /* else it takes up flags that are not saved, and what they are made from may not be kept */
            link_loop(e, i, link);
        }
    }
    e->given_back = 0;
    return link;
}

void fall_through(struct emit *e, unsigned offset)
{
    x87_note_now(e);
    if (e->dead_end && !e->saved_flags) {
        go_dead(e, offset, flags_recipe(e), false);
        return;
    }
    flags_save(e);
    if (offset < PAGE_SIZE) {
        put_link(e, put_jmp_ahead(&e->hot), offset, false);
    } else {
        put_jump_far(e, &e->block->insn[e->block->count], offset);
    }
}

static struct leg leg_of(const struct emit *e, u8 *from)
{
    return (struct leg){.insn = e->insn, .from = from, .saved_flags = e->saved_flags, .writer = e->writer, .replay = flags_replay_now(e)};
}

/* Whether the leg goes to the second copy of a loop with flags that are not saved. */
static bool carries_flags(struct emit *e, const struct leg *l)
{
    u16 uses;
    if (e->loop.jumps != 1 || !jumps_to_beginning(e, l->insn)) {
        return false;
    }
    if (!e->loop.again && copy_replay(e, l->writer, &uses) && flags_last(e, l->replay, uses)) {
        e->loop.twice  = true;
        e->loop.replay = l->replay;
        e->loop.writer = l->writer;
    }
    return e->loop.writer == l->writer && e->loop.replay == l->replay;
}

/* The taken jump of a leg. */
static void go(struct emit *e, const struct leg *l)
{
    const struct insn *i      = l->insn;
    u64                target = target_offset(i);
    bool               back   = target <= i->offset, dead = !l->saved_flags && i->opsize != 2 && may_be_dead(e, target);
    if (dead && back && l->replay && (is_dead_at(e, target) || carries_flags(e, l))) {
        link_loop(e, i, go_dead(e, target, copy_put_replay(e, l->writer, l->replay), true));
        return;
    }
    u32 link = go_relative(e, i);
    if (link && dead && !back) {
        native_link_early(e->native, link, l->from);
    }
}

void lower_jmp_rel(struct emit *e)
{
    const struct insn *i      = e->insn;
    bool               back   = target_offset(i) <= i->offset, dead = e->dead_end && !e->saved_flags;
    enum replay        replay = back ? flags_replay_now(e) : REPLAY_NONE;
    const u8          *recipe = !dead ? NULL : replay ? copy_put_replay(e, e->writer, replay) : flags_recipe(e);
    if (dead && (!back || recipe)) {
        link_loop(e, i, go_dead(e, target_offset(i), recipe, back));
    } else {
        go_relative(e, i);
    }
    e->ended = true;
}

void lower_jcc(struct emit *e)
{
    const struct insn *i  = e->insn;
    enum host_cc       cc = flags_test(e, i->opcode & 15);
    u8                *d  = put_jcc_ahead(&e->hot, cc);
    bool forward          = stays_in_page(i) && target_offset(i) > i->offset;
    bool counts           = e->mode & MODE_COUNTED && i->number < e->block->count;
    if (forward && e->saved_flags && !is_limited(e) && i->opsize != 2 && !counts) {
        put_link(e, d, target_offset(i), false);
    } else {
        e->leg[e->legs++] = leg_of(e, d);
    }
}

void put_legs(struct emit *e)
{
    for (unsigned k = 0; k < e->legs; k++) {
        const struct leg *l = &e->leg[k];
        e->insn             = l->insn;
        e->host_flags       = true;
        e->saved_flags      = l->saved_flags;
        e->recipe           = NULL;
        e->replay           = REPLAY_NONE;
        e->x87.note = e->x87.data = 0;
        put_jump_here(&e->hot, l->from);
        held_forget(e);
        go(e, l);
    }
}

/* LOOP, JrCXZ. The check of a target that may be refused comes before CX changes. */
void lower_loop(struct emit *e)
{
    const struct insn *i    = e->insn;
    struct out        *o    = &e->hot;
    bool               loop = (i->opcode & 0xff) == 0xe2;
    flags_clobber(e);
    if (!stays_in_page(i)) {
        lower_out(e);
        return;
    }
    if (is_limited(e) || i->opsize == 2) {
        check_limited(e, i, leave_to_interpreter(e, i));
    }
    put_lea(o, i->asize == 8 ? 8 : 4, T0, rm_mem(RCX, loop ? -1 : 0));
    if (i->asize == 2) {
        put_zext(o, 2, T0, rm_reg(T0));
    }
    if (loop) {
        put_op(o, 0x8b, i->asize, RCX, rm_reg(T0));
    }
    put_op(o, 0x85, 8, T0, rm_reg(T0));
    e->leg[e->legs++] = leg_of(e, put_jcc_ahead(o, loop ? CC_NE : CC_E));
}

/* ---- the stack */

void put_stack_pointer(struct emit *e, unsigned base, i32 delta)
{
    struct out *o = &e->hot;
    if (e->stack_bytes == 2) {
        put_lea(o, 4, T1, rm_mem(base, delta));
        put_op(o, 0x8b, 2, R15, rm_reg(T1));
    } else {
        put_lea(o, e->stack_bytes, R15, rm_mem(base, delta));
    }
}

void lower_push(struct emit *e)
{
    const struct insn *i   = e->insn;
    const struct row  *row = &row_table[i->row];
    struct out        *o   = &e->hot;
    if (OPERAND_CLASS(row->operand[0]) == OPERAND_IMMEDIATE) {
        put_store_imm(o, i->w, memory_stack(e, R_SP, -(i32)i->w, i->w, true), (u32)i->imm);
    } else if (i->mem) { /* the checks leave T2 alone, saving flags does not */
        flags_clobber(e);
        struct rm rm = memory_operand(e, i->w, false, false);
        if (i->w == 2) {
            put_zext(o, 2, T2, rm);
        } else {
            put_load(o, i->w, T2, rm);
        }
        put_store(o, i->w, memory_stack(e, R_SP, -(i32)i->w, i->w, true), T2);
    } else {
        struct rm    rm    = memory_stack(e, R_SP, -(i32)i->w, i->w, true);
        u16          busy  = busy_in(&rm);
        struct place place = operand_in(e, i->rm, &busy, true, true);
        put_store(o, i->w, rm, place.reg);
    }
    put_stack_pointer(e, R15, -(i32)i->w);
}

/* `reg` = w bytes */
static void put_pop(struct emit *e, unsigned w, unsigned reg, struct rm rm)
{
    put_op(&e->hot, 0x8b, w, reg, rm);
}

void lower_pop(struct emit *e)
{
    const struct insn *i    = e->insn;
    unsigned           host = host_of(i->rm >> 3);
    struct rm          rm   = memory_stack(e, R_SP, 0, i->w, false);
    unsigned           to   = host == NO_REG || host == R15 ? temp_free(e, 1u << T1) : host;
    put_pop(e, i->w, to, rm);
    put_stack_pointer(e, R15, i->w);
    if (host == R15) {
        put_op(&e->hot, 0x8b, i->w, host, rm_reg(to));
    } else if (host == NO_REG) {
        put_store(&e->hot, i->w == 2 ? 2 : 8, rm_cpu(i->rm), to);
        held_drop(e, HELD_GUEST + (i->rm >> 3));
        if (i->w != 2) {
            held_set(e, to, HELD_GUEST + (i->rm >> 3));
        }
    }
}

void lower_leave(struct emit *e)
{
    const struct insn *i  = e->insn;
    struct rm          rm = memory_stack(e, R_BP, 0, i->w, false);
    unsigned           to = temp_free(e, 1u << T1);
    put_pop(e, i->w, to, rm);
    put_stack_pointer(e, RBP, i->w);
    put_op(&e->hot, 0x8b, i->w, RBP, rm_reg(to));
}

/* ---- calls, returns, computed jumps */

/* `base`: where R_IPBASE is. */
static void push_return_address(struct emit *e, struct rm base)
{
    const struct insn *i  = e->insn;
    struct rm          rm = memory_stack(e, R_SP, -(i32)i->w, i->w, true);
    unsigned           to = temp_free(e, busy_in(&rm));
    put_load(&e->hot, 8, to, base);
    put_lea(&e->hot, ip_bytes(e), to, rm_mem(to, i->offset + i->length));
    put_store(&e->hot, i->w, rm, to);
    put_stack_pointer(e, R15, -(i32)i->w);
}

/* Calls the target at T0. */
static void call_to(struct emit *e)
{
    struct out *o = &e->hot;
    if (is_plain(e)) {
        put_known(e, KNOWN_JUMP);
        put_load(o, 8, T0, KNOWN(e, KNOWN_JUMP, code));
        put_load(o, 8, T2, KNOWN(e, KNOWN_JUMP, base));
        put_const(&e->cold, T0, (u64)(uintptr_t)codebuf_run(&e->native->code, e->native->stub.unlinked));
        put_jmp(&e->cold, o->p);
    } else {
        put_probe(e, leave_to_interpreter(e, e->insn));
        put_load(o, 8, T0, rm_mem(T0, offsetof(struct native_jump, code)));
    }
    put_store(o, 8, CPU(host.target), T0);
    put_store(o, 8, CPU(host.target_base), T2);
    push_return_address(e, CPU(regs[R_IPBASE]));
    put_load(o, 8, T2, CPU(host.target_base));
    put_store(o, 8, CPU(regs[R_IPBASE]), T2);
    put_jmp_reg(o, CPU(host.target));
}

void lower_call_rel(struct emit *e)
{
    const struct insn *i = e->insn;
    flags_clobber(e);
    e->ended = true;
    if (!stays_in_page(i)) {
        if (is_limited(e) || i->opsize == 2) {
            check_limited(e, i, leave_to_interpreter(e, i));
            call_to(e);
        } else if (is_plain(e)) {
            const u8 *data = put_far(e, i, target_offset(i));
            push_return_address(e, rm_remembered(e, data + offsetof(struct native_far, base))); /* not from what the jump before has stored */
            go_far(e, data);
        } else {
            put_ip(e, T0, target_offset(i));
            call_to(e);
        }
        return;
    }
    if (is_limited(e) || i->opsize == 2) {
        check_limited(e, i, leave_to_interpreter(e, i));
    }
    push_return_address(e, CPU(regs[R_IPBASE]));
    if (target_offset(i) <= i->offset) {
        put_poll(e, leave_at(e, target_offset(i)));
    }
    put_link(e, put_jmp_ahead(&e->hot), target_offset(i), false);
}

/* T0 = operand 0 */
static void put_target(struct emit *e)
{
    const struct insn *i = e->insn;
    struct out        *o = &e->hot;
    struct rm          rm;
    flags_clobber(e);
    if (i->mem) {
        rm = memory_operand(e, i->w, false, false);
    } else {
        u16 busy = 0;
        rm       = rm_reg(operand_in(e, i->rm, &busy, true, true).reg);
    }
    if (i->w == 2) {
        put_zext(o, 2, T0, rm);
    } else {
        put_load(o, i->w, T0, rm);
    }
}

void lower_jmp_abs(struct emit *e)
{
    put_target(e);
    put_jump_to(e, e->insn);
    e->ended = true;
}

void lower_call_abs(struct emit *e)
{
    put_target(e);
    e->ended = true;
    call_to(e);
}

void lower_ret(struct emit *e)
{
    const struct insn *i = e->insn;
    struct out        *o = &e->hot;
    flags_clobber(e);
    struct rm rm = memory_stack(e, R_SP, 0, i->w, false);
    if (i->w == 2) {
        put_zext(o, 2, T0, rm);
    } else {
        put_load(o, i->w, T0, rm);
    }
    e->ended = true;
    if (is_plain(e) && !i->imm && i->w == ip_bytes(e) && e->stack_bytes == i->w) {
        put_known(e, KNOWN_RETURN);
        put_lea(&e->cold, e->stack_bytes, R15, rm_mem(R15, i->w));
        put_jmp(&e->cold, e->native->stub.unlinked);
        put_stack_pointer(e, R15, i->w);
        go_known(e, KNOWN_RETURN);
        return;
    }
    put_probe(e, leave_to_interpreter(e, i));
    put_stack_pointer(e, R15, (i32)(i->w + i->imm));
    put_jump_found(e);
}
