/*
 * block.c: one block of decoded guest code -> x86-64 code.
 */
#include "cpu/op/op.h"
#include "tcg/backend/x86_64/emit.h"

void put_leave(struct emit *e, const struct insn *insn)
{
    if (e->given_back) { /* C expects all of the block taken */
        put_alu_imm(&e->cold, ALU_SUB, 8, CPU(budget), e->given_back);
    }
    put_const(&e->cold, T0, (u64)native_insn(e->native, insn) << 2 | NATIVE_EXIT_INSN);
    put_jmp(&e->cold, e->native->stub.exit);
}

const u8 *leave_to_interpreter(struct emit *e, const struct insn *insn)
{
    flags_clobber(e); /* by what decides to leave */
    const u8 *at = e->cold.p;
    x87_note_cold(e);
    flags_recover(e);
    put_leave(e, insn);
    return at;
}

/* Register files that the block uses become the guest's, if they are not. Flags are saved. */
static void ensure_live(struct emit *e)
{
    static const struct {
        u8     bit;
        size_t stub;
    } files[] = {{NATIVE_LIVE_XMM, offsetof(struct native, stub.load_xmm)}, {NATIVE_LIVE_YMM, offsetof(struct native, stub.load_ymm)},
                 {NATIVE_LIVE_X87, offsetof(struct native, stub.load_x87)}};
    unsigned live = e->live & NATIVE_LIVE_YMM ? e->live & ~(unsigned)NATIVE_LIVE_XMM : e->live; /* they come together */
    for (unsigned k = 0; k < ARRAY_LEN(files); k++) {
        if (!(live & files[k].bit)) {
            continue;
        }
        put_test8(&e->hot, CPU(host.live), files[k].bit);
        put_jcc(&e->hot, CC_E, e->cold.p);
        put_call(&e->cold, *(const u8 *const *)((const u8 *)e->native + files[k].stub));
        put_jmp(&e->cold, e->hot.p);
    }
}

/* Beside the code, where the instruction outlives the decoded block: its address. */
static const u8 *put_call_site(struct emit *e)
{
    struct native_call_site site = {.at = native_insn(e->native, e->insn), .run = e->native->profile ? native_profile_run(e->insn) : 0, .insn = *e->insn};
    return codebuf_run(&e->native->code, put_data(&e->cold, &site, sizeof site));
}

void lower_call(struct emit *e)
{
    x87_note_now(e);
    flags_save(e);
    e->host_flags = false;
    put_const(&e->hot, T1, (u64)(uintptr_t)put_call_site(e));
    put_call(&e->hot, e->native->stub.call);
    held_forget(e);
    ensure_live(e);
}

u8 *put_call_instead(struct emit *e)
{
    const u8 *site = put_call_site(e);
    x87_note_cold(e);
    flags_recover(e);
    put_const(&e->cold, T1, (u64)(uintptr_t)site);
    put_call(&e->cold, e->native->stub.call);
    return put_jmp_ahead(&e->cold);
}

void called_instead(struct emit *e, u8 *back)
{
    if (!e->hot.full && !e->cold.full) {
        patch_jump(back, e->hot.p);
    }
    held_forget(e);
}

void lower_out(struct emit *e)
{
    flags_save(e);
    put_jmp(&e->hot, leave_to_interpreter(e, e->insn));
    e->ended = true;
}

/* Counts in struct cpu; flags stay. T2 is free between instructions. */
static void put_count(struct out *o, struct rm counter, i32 n)
{
    put_load(o, 8, T2, counter);
    put_lea(o, 8, T2, rm_mem(T2, n));
    put_store(o, 8, counter, T2);
}

/* Before instruction k of a block whose execution is profiled. */
static void put_profile(struct emit *e, unsigned k)
{
    const struct insn *i = &e->block->insn[k];
    if (!k) {
        put_count(&e->hot, CPU(host.blocks), 1);
    }
    if (!k || native_profile_ends_run(i - 1)) {
        put_count(&e->hot, CPU(host.insns), (i32)native_profile_run(i));
    }
}

void profile_take_back(struct emit *e)
{
    if (e->native->profile) {
        put_count(&e->cold, CPU(host.insns), -(i32)native_profile_run(e->insn));
    }
}

unsigned counted_give_back(const struct emit *e, struct out *o, unsigned executed)
{
    unsigned rest = e->mode & MODE_COUNTED ? e->block->count - executed : 0;
    if (rest) {
        put_alu_imm(o, ALU_ADD, 8, CPU(budget), (i32)rest);
    }
    return rest;
}

/* Counted time: at the entry all of the block is taken from the budget. If that is too much the interpreter does what can be done. */
static void counted_take(struct emit *e)
{
    if (e->mode & MODE_COUNTED) {
        put_alu_imm(&e->hot, ALU_SUB, 8, CPU(budget), e->block->count);
        put_jcc(&e->hot, CC_L, e->cold.p);
        counted_give_back(e, &e->cold, 0);
        put_jmp(&e->cold, e->left);
    }
}

static bool is_jump(enum how how)
{
    return how == LOWER_JMP_REL || how == LOWER_JCC || how == LOWER_CALL_REL || how == LOWER_JMP_ABS || how == LOWER_CALL_ABS ||
           how == LOWER_RET || how == LOWER_LOOP;
}

/* What loads SS inhibits interrupts, and where time is counted RDTSC must know how many instructions were executed. */
void lower_call_on(struct emit *e)
{
    const struct row *row      = &row_table[e->insn->row];
    bool              loads_ss = row->operand[0] == sSS || (row->operand[0] == Sw && (e->insn->modrm >> 3 & 7) == SEG_SS);
    if (loads_ss || (e->mode & MODE_COUNTED && row->feature == FEATURE_TSC)) {
        lower_out(e);
    } else {
        lower_call(e);
    }
}

static void lower(struct emit *e)
{
    const struct row *row = &row_table[e->insn->row];
    if (is_jump((enum how)e->rule->how)) {
        x87_note_now(e);
    }
    if (e->mode & MODE_CET && cet_near(e->insn)) {
        lower_out(e);
        return;
    }
    if (system_must_call(e, e->insn)) {
        lower_call(e);
        return;
    }
    switch ((enum how)e->rule->how) {
    case COPY: case USE: case SWAP: case COPY_REG: case USE_REG: lower_copy(e); break;
    case LOWER_NOP: break;
    case LOWER_WAIT:
        if (!(e->mode & MODE_X87)) {
            lower_call(e);
        }
        break;
    case LOWER_LEA: lower_lea(e); break;
    case LOWER_SCAN: lower_scan(e); break;
    case LOWER_PUSH: lower_push(e); break;
    case LOWER_POP: lower_pop(e); break;
    case LOWER_LEAVE: lower_leave(e); break;
    case LOWER_JMP_REL: lower_jmp_rel(e); break;
    case LOWER_JCC: lower_jcc(e); break;
    case LOWER_CALL_REL: lower_call_rel(e); break;
    case LOWER_JMP_ABS: lower_jmp_abs(e); break;
    case LOWER_CALL_ABS: lower_call_abs(e); break;
    case LOWER_RET: lower_ret(e); break;
    case LOWER_LOOP: lower_loop(e); break;
    case LOWER_FLDCW: lower_fldcw(e); break;
    case LOWER_DF: lower_df(e); break;
    case LOWER_OUT: lower_out(e); break;
    case LOWER_DIV: lower_div(e); break;
    case LOWER_CLI: lower_cli(e); break;
    case LOWER_STI: lower_sti(e); break;
    case LOWER_SWAPGS: lower_swapgs(e); break;
    case LOWER_PAUSE: lower_pause(e); break;
    case LOWER_CALL_ON: lower_call_on(e); break;
    case LOWER_STRING: lower_string(e); break;
    case LOWER_PUSHF: lower_pushf(e); break;
    case LOWER_POPF: lower_popf(e); break;
    case LOWER_PUSH_SEG: lower_push_seg(e); break;
    case LOWER_STORE_SEG: lower_store_seg(e); break;
    case CALL:
        if (row->attr & END || (e->insn->rep && e->mode & MODE_COUNTED)) {
            lower_out(e);
        } else {
            lower_call(e);
        }
        break;
    }
}

static unsigned live_in_block(const struct emit *e)
{
    unsigned live = 0;
    for (unsigned k = 0; k < e->block->count; k++) {
        const struct insn *i = &e->block->insn[k];
        if (i->row != ROW_NONE && e->rules[i->row].how != CALL) {
            live |= e->rules[i->row].live;
        }
    }
    return live & copy_live_usable(e->mode);
}

/* The instruction goes on in the next page, which must be the one that it was decoded from. */
static void check_second_page(struct emit *e)
{
    struct out *o     = &e->hot;
    unsigned    view  = (e->mode >> MODE_VIEW_SHIFT & 3) == TLB_USER ? TLB_USER : TLB_SUPERVISOR;
    size_t      table = offsetof(struct cpu, tlb.fetch) + view * TLB_FETCH_ENTRIES * sizeof(struct tlb_entry);
    const u8   *otherwise = leave_to_interpreter(e, e->block->insn);
    put_load(o, 8, T0, CPU(regs[R_IPBASE]));
    put_lea(o, 8, T0, rm_mem(T0, PAGE_SIZE)); /* behind the last page of 32 bits there is none */
    put_mov(o, 8, T1, T0);
    put_shift_imm(o, SHIFT_SHR, 8, T1, PAGE_SHIFT - 4);
    put_alu_imm(o, ALU_AND, 4, rm_reg(T1), (TLB_FETCH_ENTRIES - 1) << 4);
    put_alu(o, ALU_CMP, 8, T0, rm_cpu_at(T1, table + offsetof(struct tlb_entry, tag)));
    put_jcc(o, CC_NE, otherwise);
    put_const(o, T0, (u64)(uintptr_t)icache_other(e->native->cpu->icache, e->block)->host);
    put_alu(o, ALU_CMP, 8, T0, rm_cpu_at(T1, table + offsetof(struct tlb_entry, host)));
    put_jcc(o, CC_NE, otherwise);
}

/* The entry: where links and jumps arrive. Its first bytes are overwritten when the block becomes stale. */
static void put_entry(struct emit *e)
{
    const struct block *b     = e->block;
    unsigned            start = b->insn[0].offset;
    e->left                   = e->cold.p;
    put_const(&e->cold, T0, start);
    put_jmp(&e->cold, e->native->stub.gone[e->code_bytes == 8]);
    if (e->mode & MODE_LIMITED) { /* the end of CS may lie inside */
        put_load(&e->hot, 8, T0, CPU(regs[R_IPBASE]));
        put_lea(&e->hot, 8, T0, rm_mem(T0, (i32)(start + b->bytes - 1u)));
        put_alu(&e->hot, ALU_CMP, 8, T0, CPU(code_span));
        put_jcc(&e->hot, CC_A, e->left);
    }
    counted_take(e);
    if (b->spanning) {
        check_second_page(e);
    }
    ensure_live(e);
}

/* The block's first `end` instructions, and where it goes on from there. */
static void put_insns(struct emit *e, unsigned end)
{
    const struct block *b = e->block;
    for (unsigned k = 0; k < end && !e->ended; k++) {
        e->insn       = &b->insn[k];
        e->needed_now = e->needed[k];
        if (e->native->profile) {
            put_profile(e, k);
        }
        if (e->insn->row == ROW_NONE) {
            lower_out(e);
        } else {
            e->rule = &e->rules[e->insn->row];
            lower(e);
        }
    }
    if (!e->ended) {
        fall_through(e, b->insn[end].offset);
    }
    put_legs(e);
}

/* The second copy of a loop: from its second round on. All is as at the entry, but what shared checks have found holds, and perhaps
 * flags are not saved. */
static void put_loop(struct emit *e)
{
    const u8 *at = e->hot.p;
    e->loop.again = true;
    e->loop.from  = 0;
    shared_carry(e);
    flags_find(e);
    held_forget(e);
    e->dead_end = e->dead_end && e->loop.end == e->block->count;
    e->ended = e->host_flags = false;
    e->saved_flags           = e->loop.replay == REPLAY_NONE;
    e->replay                = e->loop.replay;
    e->writer                = e->loop.writer;
    e->recipe                = NULL;
    e->x87.note = e->x87.data = 0;
    e->legs                  = 0;
    put_insns(e, e->loop.end);
    if (!e->hot.full && !e->cold.full) {
        native_loop_begins(e->native, at);
    }
}

bool x86_64_emit(struct native *n, struct block *b, struct out *hot, struct out *cold, struct translation *t)
{
    struct operands_found found;
    struct emit           e;
    memset(&e, 0, offsetof(struct emit, needed)); /* not all of it: that would take as long as some blocks */
    memset(e.shared, 0, b->count * sizeof e.shared[0]);
    found.known   = 0;
    e.native      = n;
    e.block       = b;
    e.rules       = n->rules;
    e.hot         = *hot;
    e.cold        = *cold;
    e.mode        = b->mode & (u16)~MODE_APART;
    e.code_bytes  = b->mode & MODE_CODE_BYTES;
    e.saved_flags = true;
    e.found       = &found;
    e.stack_bytes = e.code_bytes == 8 ? 8 : e.mode & MODE_STACK16 ? 2 : 4;
    e.live        = (u8)live_in_block(&e);
    if (!(b->mode & MODE_APART) && !b->spanning) {
        shared_find(&e);
    }
    find_dead_end(&e);
    flags_find(&e);
    put_entry(&e);
    put_insns(&e, b->count);
    if (e.loop.twice) {
        put_loop(&e);
    }
    t->left       = e.left;
    t->flags_dead = flags_dead_at(&e, b);
    *hot          = e.hot;
    *cold         = e.cold;
    return !e.hot.full && !e.cold.full;
}
