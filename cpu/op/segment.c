/*
 * segment.c: loads and stores of the segment registers ES, SS, DS, FS, GS (CS: far.c): Intel SDM Vol. 3A 3.4, 5.6, 5.7;
 * Vol. 2 MOV, POP, PUSH, LDS/LES/LFS/LGS/LSS; the FS and GS bases of 64-bit mode.
 */
#include "cpu/op/op.h"

void segment_load_real(struct cpu *cpu, unsigned seg, u16 selector)
{
    struct segment *s = &cpu->seg[seg];
    s->selector = selector;
    s->base = (u64)selector << 4;
    if (cpu->eflags & FLAG_VM) {
        s->limit = 0xffff;
        s->attr = ATTR_P | ATTR_S | ATTR_DPL | ATTR_WRITE | ATTR_ACCESSED;
    } else if (!(s->attr & ATTR_P)) { /* null since protected mode: usable again with the reset limit */
        s->limit = 0xffff;
        s->attr = ATTR_P | ATTR_S | ATTR_WRITE | ATTR_ACCESSED;
    }
}

const struct stack_rules stack_rules_tss = {RULE_TS_SS_NULL, RULE_TS_SS_LIMIT, RULE_TS_SS_RPL,
                                            RULE_TS_SS_TYPE, RULE_TS_SS_DPL,   RULE_SS_TSS_NOT_PRESENT};
const struct stack_rules stack_rules_return = {RULE_GP_RETURN_SS_NULL, RULE_GP_RETURN_SS_LIMIT,
                                               RULE_GP_RETURN_SS_RPL,  RULE_GP_RETURN_SS_TYPE,
                                               RULE_GP_RETURN_SS_DPL,  RULE_SS_RETURN_NOT_PRESENT};
const struct stack_rules stack_rules_task = {RULE_TS_TASK_SS_NULL, RULE_TS_TASK_SS_LIMIT,
                                             RULE_TS_TASK_SS_RPL,  RULE_TS_TASK_SS_TYPE,
                                             RULE_TS_TASK_SS_DPL,  RULE_SS_TASK_NOT_PRESENT};
static const struct stack_rules stack_rules_load = {RULE_GP_SS_NULL, RULE_GP_SS_LIMIT, RULE_GP_SS_RPL,
                                                    RULE_GP_SS_TYPE, RULE_GP_SS_DPL,   RULE_SS_LOAD_NOT_PRESENT};

void stack_segment_check(struct cpu *cpu, u16 selector, unsigned cpl, const struct stack_rules *rules,
                         struct descriptor *d)
{
    u32 error = selector_error(selector);
    explain_note(cpu, "ss.sel", selector);
    explain_note(cpu, "ring", cpl);
    cpu_check(cpu, !selector_null(selector), rules->null, error);
    cpu_check(cpu, descriptor_fetch(cpu, selector, d), rules->limit, error);
    cpu_check(cpu, (selector & 3u) == cpl, rules->rpl, error);
    cpu_check(cpu, desc_writable_data(d), rules->type, error);
    cpu_check(cpu, desc_dpl(d) == cpl, rules->dpl, error);
    cpu_check(cpu, desc_present(d), rules->not_present, error);
}

static struct segment load_stack_segment(struct cpu *cpu, u16 selector)
{
    /* 64-bit mode: a null SS is allowed in rings 0-2, with RPL = CPL. */
    if (selector_null(selector) && cpu->code_bytes == 8 && cpu->cpl < 3 && selector == cpu->cpl) {
        return segment_null(selector);
    }
    struct descriptor d;
    stack_segment_check(cpu, selector, cpu->cpl, &stack_rules_load, &d);
    descriptor_set_accessed(cpu, &d);
    return descriptor_segment(&d, selector);
}

static struct segment load_data_segment(struct cpu *cpu, u16 selector)
{
    if (selector_null(selector)) {
        return segment_null(selector);
    }
    struct descriptor d;
    u32               error = selector_error(selector);
    cpu_check(cpu, descriptor_fetch(cpu, selector, &d), RULE_GP_DATA_SELECTOR_LIMIT, error);
    cpu_check(cpu, desc_readable(&d), RULE_GP_DATA_TYPE, error);
    if (!desc_conforming(&d)) {
        cpu_check(cpu, (selector & 3u) <= desc_dpl(&d), RULE_GP_DATA_RPL, error);
        cpu_check(cpu, cpu->cpl <= desc_dpl(&d), RULE_GP_DATA_DPL, error);
    }
    cpu_check(cpu, desc_present(&d), RULE_NP_DATA, error);
    descriptor_set_accessed(cpu, &d);
    return descriptor_segment(&d, selector);
}

static bool is_same(const struct segment *a, const struct segment *b)
{
    return a->selector == b->selector && a->base == b->base && a->limit == b->limit && a->attr == b->attr;
}

void segment_load(struct cpu *cpu, unsigned seg, u16 selector)
{
    if (real_or_vm86(cpu)) {
        segment_load_real(cpu, seg, selector);
    } else {
        struct segment s = seg == SEG_SS ? load_stack_segment(cpu, selector) : load_data_segment(cpu, selector);
        if (is_same(&s, &cpu->seg[seg])) {
            return;
        }
        cpu->seg[seg] = s;
    }
    if (seg == SEG_SS) {
        cpu_update_privilege(cpu); /* the width of SP follows SS.B */
    } else {
        cpu_update_segment(cpu, seg);
    }
}

void segments_drop_inner(struct cpu *cpu)
{
    static const u8 data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned n = 0; n < ARRAY_LEN(data); n++) {
        struct segment *s = &cpu->seg[data[n]];
        bool conforming = (s->attr & (ATTR_CODE | ATTR_DOWN)) == (ATTR_CODE | ATTR_DOWN);
        if (selector_null(s->selector)) {
            s->selector = 0; /* 1 to 3 too (SDM Vol. 2A IRET); the base, which FS and GS may have, stays */
        } else if (s->attr & ATTR_P && !conforming && (s->attr & ATTR_DPL) >> ATTR_DPL_SHIFT < cpu->cpl) {
            *s = segment_null(0);
            cpu_update_segment(cpu, data[n]);
        }
    }
}

OP(mov_sw)
{
    cpu_check(cpu, i->reg <= SEG_GS && i->reg != SEG_CS, RULE_UD_SEGMENT_REGISTER, 0);
    u16 selector = (u16)rm_read(cpu, i, 2);
    segment_load(cpu, i->reg, selector);
    if (i->reg == SEG_SS) {
        shadow_next(cpu, i, true);
    }
}

OP(mov_ws)
{
    cpu_check(cpu, i->reg <= SEG_GS, RULE_UD_SEGMENT_REGISTER, 0);
    rm_write(cpu, i, i->mem ? 2 : i->opsize, cpu->seg[i->reg].selector);
}

OP(push_seg)
{
    u64 sp = (cpu->regs[R_SP] - i->opsize) & cpu->stack_mask;
    mem_write(cpu, stack_segment(cpu), sp, cpu->seg[i->reg].selector, i->opsize);
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, sp);
}

OP(pop_seg)
{
    u16 selector = (u16)stack_read(cpu, 0, i->opsize);
    u64 sp = stack_merge(cpu->regs[R_SP], cpu->stack_mask, cpu->regs[R_SP] + i->opsize);
    segment_load(cpu, i->reg, selector);
    cpu->regs[R_SP] = sp;
    if (i->reg == SEG_SS) {
        shadow_next(cpu, i, true);
    }
}

OP(lxs)
{
    u64 ea = insn_ea(cpu, i);
    u64 offset = mem_read(cpu, i->seg, ea, i->opsize);
    u16 selector = (u16)mem_read(cpu, i->seg, (ea + i->opsize) & (~(u64)0 >> i->ea_shift), 2);
    segment_load(cpu, i->vreg, selector);
    gpr_write(cpu, i->reg, i->opsize, offset);
}

static void check_fsgsbase(struct cpu *cpu)
{
    cpu_check(cpu, cpu->cr4 & CR4_FSGSBASE, RULE_UD_FSGSBASE, 0);
}

static void write_base(struct cpu *cpu, const struct insn *i, unsigned seg)
{
    check_fsgsbase(cpu);
    u64 base = gpr_read(cpu, i->rm, i->rex_w ? 8 : 4);
    explain_note(cpu, "base", base);
    cpu_check(cpu, base_canonical(cpu, base), RULE_GP_BASE_CANONICAL, 0);
    cpu->seg[seg].base = base;
    cpu_update_segment(cpu, seg);
}

OP(rdfsbase)
{
    check_fsgsbase(cpu);
    gpr_write(cpu, i->rm, i->rex_w ? 8 : 4, cpu->seg[SEG_FS].base);
}

OP(rdgsbase)
{
    check_fsgsbase(cpu);
    gpr_write(cpu, i->rm, i->rex_w ? 8 : 4, cpu->seg[SEG_GS].base);
}

OP(wrfsbase)
{
    write_base(cpu, i, SEG_FS);
}

OP(wrgsbase)
{
    write_base(cpu, i, SEG_GS);
}

OP(swapgs)
{
    (void)i;
    require_cpl0(cpu);
    u64 base = cpu->seg[SEG_GS].base;
    cpu->seg[SEG_GS].base = cpu->msr.kernel_gs_base;
    cpu->msr.kernel_gs_base = base;
    cpu_update_segment(cpu, SEG_GS);
}
