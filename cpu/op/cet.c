/*
 * cet.c: control-flow enforcement: shadow stacks in near and far transfers, the tracker of indirect branches, and their
 * instructions. Intel SDM Vol. 1 chapter 17; Vol. 2 by instruction.
 *
 * Near CALL, RET and indirect JMP are these functions only in blocks of MODE_CET. A tracker that waits for ENDBRANCH, or that is suppressed,
 * keeps PENDING_TRACKER set: the run loop then executes one instruction at a time, and shows each to cet_track().
 */
#include "cpu/interp/icache.h"
#include "cpu/op/op.h"

enum { ERROR_NEAR_RET = 1, ERROR_FAR_RET, ERROR_ENDBRANCH, ERROR_RSTORSSP, ERROR_SETSSBSY };

#define TOKEN_BUSY 1u

static bool cet_on(const struct cpu *cpu, unsigned cpl, u64 what)
{
    return cpu->cr4 & CR4_CET && cpu->protected_mode && !cpu->vm86 && (cpl == 3 ? cpu->msr.u_cet : cpu->msr.s_cet) & what;
}

bool cet_shadow_on(const struct cpu *cpu, unsigned cpl)
{
    return cet_on(cpu, cpl, CET_SH_STK_EN);
}

static u64 *cet_register(struct cpu *cpu)
{
    return cpu->cpl == 3 ? &cpu->msr.u_cet : &cpu->msr.s_cet;
}

static bool in_64bit(const struct cpu *cpu)
{
    return cpu->code_bytes == 8;
}

static u64 code_address(const struct cpu *cpu)
{
    u64 la = cpu->code_base + cpu->ip;
    return in_64bit(cpu) ? la : (u32)la;
}

/* ---- the token of a supervisor's shadow stack: its own address, and whether it is in use (SDM Vol. 1 17.2.3) */

/* Both find the stack where shadow_probe() has found it. */
static bool token_is(struct cpu *cpu, u64 at, u64 value, bool user)
{
    return shadow_read(cpu, at, 8, user) == value;
}

/* Raises unless the token at `ssp` may be taken. */
static void token_check(struct cpu *cpu, u64 ssp, bool to64, bool user, const struct token_rules *rules)
{
    explain_note(cpu, "new.ssp", ssp);
    cpu_check(cpu, !(ssp & 7), rules->aligned, rules->error);
    if (rules->region != RULE_NONE) {
        cpu_check(cpu, !((ssp ^ (ssp - 24)) & ~(u64)0x1f), rules->region, rules->error);
    }
    cpu_check(cpu, to64 || !(ssp >> 32), RULE_GP_SSP_4G, 0);
    shadow_probe(cpu, ssp, 8, user);
    cpu_check(cpu, token_is(cpu, ssp, ssp, user), rules->token, rules->error);
}

static void token_free(struct cpu *cpu, u64 ssp, bool user)
{
    if (token_is(cpu, ssp, ssp | TOKEN_BUSY, user)) {
        shadow_write(cpu, ssp, ssp, 8, user);
    }
}

/* ---- calls, interrupts: first all checks, then shadow_frame_write() */

static void frame_words(struct shadow_frame *f, u64 cs, u64 lip, u64 ssp)
{
    f->word[0] = ssp;
    f->word[1] = lip;
    f->word[2] = cs;
    f->words   = 3;
}

void shadow_call_check(struct cpu *cpu, struct shadow_frame *f, bool to64)
{
    f->words = 0;
    f->token = f->hole = 0;
    f->on    = cet_shadow_on(cpu, cpu->cpl);
    f->save  = false;
    f->user  = cpu->cpl == 3;
    if (!f->on) {
        return;
    }
    cpu_check(cpu, to64 || !(cpu->ssp >> 32), RULE_GP_SSP_4G, 0);
    f->hole = cpu->ssp - 4;
    f->top  = cpu->ssp & ~(u64)7;
    frame_words(f, cpu->seg[SEG_CS].selector, code_address(cpu), cpu->ssp);
    shadow_probe(cpu, f->hole, 4, f->user);
    shadow_probe(cpu, f->top - 8, 8, f->user);
    shadow_probe(cpu, f->top - 24, 16, f->user);
}

void shadow_jump_check(struct cpu *cpu, bool to64)
{
    cpu_check(cpu, to64 || !cet_shadow_on(cpu, cpu->cpl) || !(cpu->ssp >> 32), RULE_GP_SSP_4G, 0);
}

static const struct token_rules stack_switch_rules = {RULE_GP_TOKEN_UNALIGNED, RULE_GP_TOKEN_REGION, RULE_GP_TOKEN, 0};

void shadow_inner_check(struct cpu *cpu, struct shadow_frame *f, unsigned cpl, unsigned ist, bool to64)
{
    f->words = 0;
    f->token = f->hole = 0;
    f->save  = cpu->cpl == 3 && cpl != 3 && cet_shadow_on(cpu, 3);
    f->user  = cpl == 3;
    /* the interrupted program may be virtual-8086's, whose handler is not */
    f->on    = cpu->cr4 & CR4_CET && (cpl == 3 ? cpu->msr.u_cet : cpu->msr.s_cet) & CET_SH_STK_EN;
    if (!f->on) {
        return;
    }
    u64 ssp = ist ? sys_read(cpu, cpu->msr.ssp_table + 8 * ist, 8) : cpu->msr.pl_ssp[cpl];
    token_check(cpu, ssp, to64, f->user, &stack_switch_rules);
    f->token = f->top = ssp;
    if (cpu->cpl != 3) {
        frame_words(f, cpu->seg[SEG_CS].selector, code_address(cpu), cpu->ssp);
        shadow_probe(cpu, f->top - 24, 24, f->user);
    }
}

/* SDM Vol. 2 SYSCALL: bits above the processor's addresses become copies. */
static u64 adjusted(const struct cpu *cpu, u64 ssp)
{
    unsigned spare = feature_on(&cpu->features, FEATURE_LA57) ? 7 : 16;
    return cpu->long_mode ? (u64)((i64)(ssp << spare) >> spare) : ssp;
}

void shadow_save_user(struct cpu *cpu)
{
    cpu->msr.pl_ssp[3] = adjusted(cpu, cpu->ssp);
}

void shadow_frame_write(struct cpu *cpu, const struct shadow_frame *f)
{
    if (f->save) {
        shadow_save_user(cpu);
    }
    if (!f->on) {
        return;
    }
    if (f->token) {
        shadow_write(cpu, f->token, f->token | TOKEN_BUSY, 8, f->user);
    } else {
        shadow_write(cpu, f->hole, 0, 4, f->user);
    }
    cpu->ssp = f->top - 8 * f->words;
    for (unsigned n = 0; n < f->words; n++) {
        shadow_write(cpu, cpu->ssp + 8 * n, f->word[n], 8, f->user);
    }
}

/* ---- far returns: first all checks, then shadow_return() */

/* What a far call has pushed must be where this return goes. Returns the SSP from there. */
static u64 popped_ssp(struct cpu *cpu, u16 cs, u64 lip)
{
    bool user = cpu->cpl == 3;
    u64  old_cs = shadow_read(cpu, cpu->ssp + 16, 8, user), old_lip = shadow_read(cpu, cpu->ssp + 8, 8, user);
    u64  ssp = shadow_read(cpu, cpu->ssp, 8, user);
    explain_note(cpu, "cs.new", cs);
    explain_note(cpu, "cs.saved", old_cs);
    explain_note(cpu, "lip.new", lip);
    explain_note(cpu, "lip.saved", old_lip);
    explain_note(cpu, "new.ssp", ssp);
    cpu_check(cpu, old_cs == cs, RULE_CP_FAR_RET_CS, ERROR_FAR_RET);
    cpu_check(cpu, old_lip == lip, RULE_CP_FAR_RET_LIP, ERROR_FAR_RET);
    cpu_check(cpu, !(ssp & 3), RULE_CP_FAR_RET_PREVIOUS, ERROR_FAR_RET);
    return ssp;
}

static void check_new_ssp(struct cpu *cpu, u64 ssp, bool to64)
{
    explain_note(cpu, "new.ssp", ssp);
    cpu_check(cpu, to64 || !(ssp >> 32), RULE_GP_SSP_4G, 0);
    cpu_check(cpu, !to64 || cpu_canonical(cpu, ssp), RULE_GP_SSP_CANONICAL, 0);
}

void shadow_return_check(struct cpu *cpu, struct shadow_return *r, const struct descriptor *cs, u64 ip, enum return_kind kind)
{
    unsigned cpl = kind == RETURN_VM86 ? 3 : cs->selector & 3;
    bool     to64 = kind != RETURN_VM86 && desc_code64(cpu, cs), outer = cpl > cpu->cpl;
    bool     was_on = cet_shadow_on(cpu, cpu->cpl), is_on = kind != RETURN_VM86 && cet_shadow_on(cpu, cpl);
    *r = (struct shadow_return){.ssp = cpu->ssp};
    if (kind == RETURN_VM86) {
        cpu_check(cpu, !(cpu->cr4 & CR4_CET && cpu->msr.u_cet & (CET_SH_STK_EN | CET_ENDBR_EN)), RULE_GP_IRET_VM86_CET, 0);
    }
    if (was_on) {
        cpu_check(cpu, !(cpu->ssp & 7), RULE_CP_FAR_RET_UNALIGNED, ERROR_FAR_RET);
        r->token = cpu->ssp;
        if (cpl != 3 || !outer) {
            u64 lip = (to64 ? 0 : desc_base(cs)) + ip;
            r->ssp  = popped_ssp(cpu, (u16)((cs->selector & ~3u) | cpl), to64 ? lip : (u32)lip);
            r->token += 24;
        }
        /* the same ring: only an IRET of long mode may leave a stack of the interrupt table */
        r->frees = outer || (kind == RETURN_IRET && cpu->long_mode && r->ssp != r->token);
    }
    if (is_on) {
        r->ssp = cpl == 3 && outer ? cpu->msr.pl_ssp[3] : r->ssp;
        check_new_ssp(cpu, r->ssp, to64);
    }
    if (r->frees) {
        shadow_probe(cpu, r->token, 8, false);
    }
}

void shadow_return(struct cpu *cpu, const struct shadow_return *r)
{
    if (r->frees) {
        token_free(cpu, r->token, false);
    }
    cpu->ssp = r->ssp;
}

/* ---- fast system calls: SDM Vol. 2 SYSCALL, SYSENTER, SYSRET, SYSEXIT */

void cet_enter_kernel(struct cpu *cpu, bool was_on)
{
    if (was_on) {
        shadow_save_user(cpu);
    }
    if (cet_shadow_on(cpu, 0)) {
        cpu->ssp = 0;
    }
    cet_track_far(cpu);
}

void cet_leave_kernel(struct cpu *cpu)
{
    if (cet_shadow_on(cpu, 3)) {
        cpu->ssp = cpu->msr.pl_ssp[3];
    }
}

/* ---- tasks: SDM Vol. 3A 7.3 */

static const struct token_rules task_rules = {RULE_TS_TASK_SSP_UNALIGNED, RULE_NONE, RULE_TS_TASK_TOKEN, 0};

void shadow_task_leave(struct cpu *cpu, struct shadow_task *t, bool iret, unsigned cpl)
{
    *t = (struct shadow_task){.ssp = cpu->ssp, .cs = cpu->seg[SEG_CS].selector, .lip = code_address(cpu), .iret = iret};
    if (!cet_shadow_on(cpu, cpu->cpl)) {
        return;
    }
    if (!iret) {
        t->save = cpu->cpl == 3 && cpl != 3;
        t->push = !t->save;
        return;
    }
    t->token = cpu->ssp;
    t->frees = true;
    if (cpl == cpu->cpl || cpl != 3) {
        bool user = cpu->cpl == 3;
        t->ssp    = shadow_read(cpu, cpu->ssp, 8, user);
        t->lip    = shadow_read(cpu, cpu->ssp + 8, 8, user);
        t->cs     = shadow_read(cpu, cpu->ssp + 16, 8, user);
        t->verify = true;
        t->token += 24;
    } else {
        t->ssp = cpu->msr.pl_ssp[3];
    }
    shadow_probe(cpu, t->token, 8, cpu->cpl == 3);
}

void shadow_task_left(struct cpu *cpu, const struct shadow_task *t)
{
    if (t->save) {
        shadow_save_user(cpu);
    }
    if (t->frees) {
        token_free(cpu, t->token, cpu->cpl == 3);
    }
}

static void enter_by_call(struct cpu *cpu, const struct shadow_task *t, bool call)
{
    u32                error = selector_error(cpu->tr.selector);
    struct token_rules rules = task_rules;
    rules.error              = error;
    explain_note(cpu, "tss.limit", cpu->tr.limit);
    cpu_check(cpu, cpu->tr.attr & 8 && cpu->tr.limit >= 107, RULE_TS_TASK_SSP_LIMIT, error);
    u64 ssp = sys_read(cpu, system_linear(cpu, cpu->tr.base + 104), 4);
    bool push = t->push && call, user = cpu->cpl == 3;
    token_check(cpu, ssp, false, user, &rules);
    if (push) {
        shadow_probe(cpu, ssp - 24, 24, user);
    }
    shadow_write(cpu, ssp, ssp | TOKEN_BUSY, 8, user);
    if (push) {
        shadow_write(cpu, ssp - 8, t->cs, 8, user);
        shadow_write(cpu, ssp - 16, t->lip, 8, user);
        shadow_write(cpu, ssp - 24, t->ssp, 8, user);
    }
    cpu->ssp = push ? ssp - 24 : ssp;
}

void shadow_task_enter(struct cpu *cpu, const struct shadow_task *t, bool call)
{
    if (cpu->vm86) {
        cpu_check(cpu, !(cpu->cr4 & CR4_CET && cpu->msr.u_cet & (CET_SH_STK_EN | CET_ENDBR_EN)), RULE_TS_TASK_VM86_CET,
                  selector_error(cpu->tr.selector));
        return;
    }
    if (t->verify) {
        explain_note(cpu, "cs.new", cpu->seg[SEG_CS].selector);
        explain_note(cpu, "cs.saved", t->cs);
        explain_note(cpu, "lip.new", code_address(cpu));
        explain_note(cpu, "lip.saved", t->lip);
        cpu_check(cpu, t->cs == cpu->seg[SEG_CS].selector, RULE_CP_FAR_RET_CS, ERROR_FAR_RET);
        cpu_check(cpu, t->lip == code_address(cpu), RULE_CP_FAR_RET_LIP, ERROR_FAR_RET);
    }
    if (cet_shadow_on(cpu, cpu->cpl)) {
        if (t->iret) {
            explain_note(cpu, "new.ssp", t->ssp);
            cpu_check(cpu, !(t->ssp & 3), RULE_CP_FAR_RET_PREVIOUS, ERROR_FAR_RET);
            cpu_check(cpu, !(t->ssp >> 32), RULE_GP_SSP_4G, 0);
            cpu->ssp = t->ssp;
        } else {
            enter_by_call(cpu, t, call);
        }
    }
    if (!t->iret) {
        cet_track_far(cpu);
    }
}

/* ---- the tracker: SDM Vol. 1 17.3 */

void cet_track_far(struct cpu *cpu)
{
    if (cet_on(cpu, cpu->cpl, CET_ENDBR_EN)) {
        u64 *r = cet_register(cpu);
        *r     = (*r | CET_TRACKER) & ~(u64)CET_SUPPRESS;
        cpu_update_tracker(cpu);
    }
}

/* ENDBRANCH stands at the branch's target, and nothing can come between: it is executed with the branch. */
static bool fuse_endbranch(struct cpu *cpu)
{
    vaddr                   la = cpu->code_base + cpu->ip;
    const struct tlb_entry *e  = &cpu->tlb_fetch[tlb_fetch_index(la)];
    if (cpu->pending || cpu->counted || cpu->code_limited || e->tag != (la & PAGE_MASK) || (la & (PAGE_SIZE - 1)) > PAGE_SIZE - 4 ||
        load32((const u8 *)(uintptr_t)(la - e->tag + e->host)) != (in_64bit(cpu) ? 0xfa1e0ff3 : 0xfb1e0ff3)) {
        return false;
    }
    cpu->ip += 4;
    cpu->icount++;
    return true;
}

/* After a near indirect branch. */
static void track_near(struct cpu *cpu, const struct insn *i)
{
    u64 *r = cet_register(cpu);
    if (cet_on(cpu, cpu->cpl, CET_ENDBR_EN) && !(*r & CET_SUPPRESS) && !(i->notrack && *r & CET_NO_TRACK_EN) && !fuse_endbranch(cpu)) {
        *r |= CET_TRACKER;
        cpu_update_tracker(cpu);
    }
}

/* For the tracker alone; else a NOP. */
OP(endbr)
{
    (void)cpu;
    (void)i;
}

static bool is_endbranch(const struct cpu *cpu, const struct insn *i)
{
    return i->row != ROW_NONE && row_table[i->row].op == op_endbr && i->modrm == (in_64bit(cpu) ? 0xfa : 0xfb);
}

/* Does the legacy code page bitmap know the page of `la`? SDM Vol. 1 17.3.6. */
static bool is_legacy_page(struct cpu *cpu, u64 cet, u64 la)
{
    u64 offset = in_64bit(cpu) ? la << cpu->linear_spare >> cpu->linear_spare : la;
    return lin_read(cpu, (cet & PAGE_MASK) + (offset >> 15), 1) >> (offset >> 12 & 7) & 1;
}

void cet_track(struct cpu *cpu, const struct insn *i)
{
    u64 *r = cet_register(cpu);
    if (is_endbranch(cpu, i)) {
        *r &= ~(u64)(CET_TRACKER | CET_SUPPRESS);
        cpu_update_tracker(cpu);
        return;
    }
    if (!(*r & CET_TRACKER) || i->opcode == 0xcc) { /* INT3 may stand where a debugger has put it: SDM Vol. 1 17.3.5 */
        return;
    }
    cpu->current = i;
    cpu_check(cpu, *r & CET_LEG_IW_EN && is_legacy_page(cpu, *r, cpu->code_base + cpu->ip), RULE_CP_ENDBRANCH, ERROR_ENDBRANCH);
    *r = (*r & ~(u64)CET_TRACKER) | (*r & CET_SUPPRESS_DIS ? 0 : CET_SUPPRESS);
    cpu_update_tracker(cpu);
}

/* ---- near CALL, RET, JMP */

static void check_target(struct cpu *cpu, u64 ip)
{
    explain_note(cpu, "target", ip);
    cpu_check(cpu, ip - cpu->code_low <= cpu->code_span, in_64bit(cpu) ? RULE_GP_CODE_CANONICAL : RULE_GP_CODE_LIMIT, 0);
}

static void near_call(struct cpu *cpu, const struct insn *i, u64 target, bool shadow)
{
    unsigned seg = stack_segment(cpu), width = i->w == 8 ? 8 : 4;
    u64      sp = (cpu->regs[R_SP] - i->w) & cpu->stack_mask, back = i->w == 8 ? cpu->ip : i->w == 4 ? (u32)cpu->ip : (u16)cpu->ip;
    bool     user = cpu->cpl == 3;
    check_target(cpu, target);
    if (shadow) {
        mem_probe_write(cpu, seg, sp, i->w);
        shadow_probe(cpu, cpu->ssp - width, width, user);
    }
    mem_write(cpu, seg, sp, back, i->w);
    if (shadow) {
        cpu->ssp -= width;
        shadow_write(cpu, cpu->ssp, back, width, user);
    }
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
    cpu->ip = target;
}

static u64 ip_of_width(u64 ip, unsigned width)
{
    return width == 8 ? ip : width == 4 ? (u32)ip : (u16)ip;
}

static void cet_call_rel(struct cpu *cpu, const struct insn *i)
{
    /* a call of the next instruction is there to learn its address: SDM Vol. 2 CALL */
    near_call(cpu, i, ip_of_width(cpu->ip + i->imm, i->opsize), i->imm && cet_shadow_on(cpu, cpu->cpl));
}

static void cet_call_abs(struct cpu *cpu, const struct insn *i)
{
    near_call(cpu, i, rm_read(cpu, i, i->w), cet_shadow_on(cpu, cpu->cpl));
    track_near(cpu, i);
}

static void cet_jmp_abs(struct cpu *cpu, const struct insn *i)
{
    u64 target = rm_read(cpu, i, i->w);
    check_target(cpu, target);
    cpu->ip = target;
    track_near(cpu, i);
}

static void cet_ret(struct cpu *cpu, const struct insn *i)
{
    u64      target = stack_read(cpu, 0, i->w);
    unsigned width = i->w == 8 ? 8 : 4;
    check_target(cpu, target);
    if (cet_shadow_on(cpu, cpu->cpl)) {
        cpu_check(cpu, shadow_read(cpu, cpu->ssp, width, cpu->cpl == 3) == target, RULE_CP_NEAR_RET, ERROR_NEAR_RET);
        cpu->ssp += width;
    }
    stack_adjust(cpu, i->w + i->imm);
    cpu->ip = target;
}

op_fn cet_near(const struct insn *i)
{
    unsigned digit = i->modrm >> 3 & 7;
    switch (i->opcode) {
    case 0xc2:
    case 0xc3: return cet_ret;
    case 0xe8: return cet_call_rel;
    case 0xff: return digit == 2 ? cet_call_abs : digit == 4 ? cet_jmp_abs : NULL;
    default: return NULL;
    }
}

/* ---- instructions */

static void require_shadow(struct cpu *cpu, unsigned cpl)
{
    cpu_check(cpu, cet_shadow_on(cpu, cpl), RULE_UD_SHADOW_OFF, 0);
}

static void set_carry(struct cpu *cpu, bool carry)
{
    flags_set_arith(cpu, carry ? FLAG_CF : 0);
}

/* Without shadow stacks a NOP: SDM Vol. 2 RDSSP. */
OP(rdssp)
{
    if (cet_shadow_on(cpu, cpu->cpl)) {
        gpr_write(cpu, i->rm, i->rex_w ? 8 : 4, cpu->ssp);
    }
}

OP(incssp)
{
    unsigned width = i->rex_w ? 8 : 4;
    require_shadow(cpu, cpu->cpl);
    u64 count = gpr_read(cpu, i->rm, 4) & 0xff;
    shadow_read(cpu, cpu->ssp, width, cpu->cpl == 3);
    if (count) {
        shadow_read(cpu, cpu->ssp + width * (count - 1), width, cpu->cpl == 3);
    }
    cpu->ssp += width * count;
}

OP(saveprevssp)
{
    (void)i;
    bool user = cpu->cpl == 3, wide = in_64bit(cpu), hole = flags_arith(cpu) & FLAG_CF;
    require_shadow(cpu, cpu->cpl);
    cpu_check(cpu, !(cpu->ssp & 7), RULE_GP_SAVEPREVSSP_UNALIGNED, 0);
    u64 token = shadow_read(cpu, cpu->ssp, 8, user);
    cpu_check(cpu, !hole || !wide, RULE_GP_SAVEPREVSSP_CARRY, 0);
    if (hole) {
        cpu_check(cpu, !shadow_read(cpu, cpu->ssp + 8, 4, user), RULE_GP_SAVEPREVSSP_HOLE, 0);
    }
    explain_note(cpu, "token", token);
    cpu_check(cpu, token & 2, RULE_GP_SAVEPREVSSP_TOKEN, 0);
    cpu_check(cpu, wide || !(token >> 32), RULE_GP_SSP_4G, 0);
    u64 old = token & ~(u64)3, top = old & ~(u64)7;
    shadow_probe(cpu, old - 4, 4, user);
    shadow_probe(cpu, top - 8, 8, user);
    shadow_write(cpu, old - 4, 0, 4, user);
    shadow_write(cpu, top - 8, old | wide, 8, user);
    cpu->ssp += hole ? 12 : 8;
}

/* The operand's linear address. */
static vaddr shadow_operand(struct cpu *cpu, const struct insn *i, unsigned bytes)
{
    vaddr la = mem_linear(cpu, i->seg, insn_ea(cpu, i), bytes, true);
    explain_note(cpu, "address", la);
    cpu_check(cpu, !(la & (bytes - 1)), RULE_GP_SHADOW_UNALIGNED, 0);
    return la;
}

OP(rstorssp)
{
    bool user = cpu->cpl == 3, wide = in_64bit(cpu);
    require_shadow(cpu, cpu->cpl);
    vaddr la = shadow_operand(cpu, i, 8);
    shadow_probe(cpu, la, 8, user);
    u64 token = shadow_read(cpu, la, 8, user);
    explain_note(cpu, "token", token);
    cpu_check(cpu, (token & 3) == wide, RULE_CP_RSTORSSP_MODE, ERROR_RSTORSSP);
    cpu_check(cpu, wide || !(token >> 32), RULE_CP_RSTORSSP_4G, ERROR_RSTORSSP);
    cpu_check(cpu, (((token & ~(u64)1) - 8) & ~(u64)7) == la, RULE_CP_RSTORSSP_ADDRESS, ERROR_RSTORSSP);
    shadow_write(cpu, la, cpu->ssp | wide | 2, 8, user);
    cpu->ssp = la;
    set_carry(cpu, token & 4);
}

OP(setssbsy)
{
    (void)i;
    u64 ssp = cpu->msr.pl_ssp[0];
    require_shadow(cpu, 0);
    require_cpl0(cpu);
    explain_note(cpu, "address", ssp);
    cpu_check(cpu, !(ssp & 7), RULE_GP_SHADOW_UNALIGNED, 0);
    cpu_check(cpu, in_64bit(cpu) || !(ssp >> 32), RULE_CP_SETSSBSY, ERROR_SETSSBSY);
    shadow_probe(cpu, ssp, 8, false);
    cpu_check(cpu, token_is(cpu, ssp, ssp, false), RULE_CP_SETSSBSY, ERROR_SETSSBSY);
    shadow_write(cpu, ssp, ssp | TOKEN_BUSY, 8, false);
    cpu->ssp = ssp;
}

OP(clrssbsy)
{
    require_shadow(cpu, 0);
    require_cpl0(cpu);
    vaddr la = shadow_operand(cpu, i, 8);
    shadow_probe(cpu, la, 8, false);
    bool valid = token_is(cpu, la, la | TOKEN_BUSY, false);
    if (valid) {
        shadow_write(cpu, la, la, 8, false);
    }
    set_carry(cpu, !valid);
    cpu->ssp = 0;
}

static void write_operand(struct cpu *cpu, const struct insn *i, bool user)
{
    unsigned width = i->rex_w ? 8 : 4;
    vaddr    la = shadow_operand(cpu, i, width);
    shadow_write(cpu, la, gpr_read(cpu, i->reg, width), width, user);
}

OP(wrss)
{
    require_shadow(cpu, cpu->cpl);
    cpu_check(cpu, *cet_register(cpu) & CET_WR_SHSTK_EN, RULE_UD_WRSS_OFF, 0);
    write_operand(cpu, i, cpu->cpl == 3);
}

OP(wruss)
{
    cpu_check(cpu, cpu->cr4 & CR4_CET && cpu->protected_mode && !cpu->vm86, RULE_UD_WRUSS_OFF, 0);
    require_cpl0(cpu);
    write_operand(cpu, i, true);
}

/* ---- registers */

bool cet_register_valid(const struct cpu *cpu, u64 value)
{
    u64 valid = (feature_on(&cpu->features, FEATURE_SHSTK) ? CET_SH_STK_EN | CET_WR_SHSTK_EN : 0) |
                (feature_on(&cpu->features, FEATURE_IBT) ? CET_IBT_BITS | PAGE_MASK : 0);
    return !(value & ~valid) && (value & (CET_SUPPRESS | CET_TRACKER)) != (CET_SUPPRESS | CET_TRACKER) && base_canonical(cpu, value & PAGE_MASK);
}

bool cet_ssp_valid(const struct cpu *cpu, u64 value)
{
    return !(value & 3) && base_canonical(cpu, value);
}

static u64 *register_place(struct cpu *cpu, u32 index)
{
    switch (index) {
    case 0x6a0: return &cpu->msr.u_cet;
    case 0x6a2: return &cpu->msr.s_cet;
    case 0x6a8: return &cpu->msr.ssp_table;
    default: return &cpu->msr.pl_ssp[index & 3];
    }
}

bool cet_has_msr(const struct cpu *cpu, u32 index)
{
    bool shadow = feature_on(&cpu->features, FEATURE_SHSTK);
    switch (index) {
    case 0x6a0:
    case 0x6a2: return shadow || feature_on(&cpu->features, FEATURE_IBT);
    case 0x6a4:
    case 0x6a5:
    case 0x6a6:
    case 0x6a7: return shadow;
    case 0x6a8: return shadow && feature_on(&cpu->features, FEATURE_LM);
    default: return false;
    }
}

u64 cet_read_msr(struct cpu *cpu, u32 index)
{
    return *register_place(cpu, index);
}

bool cet_write_msr(struct cpu *cpu, u32 index, u64 value)
{
    bool valid = index <= 0x6a2   ? cet_register_valid(cpu, value)
                 : index == 0x6a8 ? base_canonical(cpu, value)
                                  : cet_ssp_valid(cpu, value);
    if (!valid) {
        return false;
    }
    *register_place(cpu, index) = value;
    cpu_update_privilege(cpu);
    return true;
}
