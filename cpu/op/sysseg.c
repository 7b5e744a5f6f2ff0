/*
 * sysseg.c: the system-segment registers and questions about selectors: LGDT, LIDT, LLDT, LTR and their stores; LAR, LSL,
 * VERR, VERW, ARPL; LMSW, SMSW, CLTS. Intel SDM Vol. 2 by instruction, Vol. 3A 2.4, 5.10.
 */
#include "cpu/op/op.h"

static void require_protected(struct cpu *cpu)
{
    cpu_check(cpu, !real_or_vm86(cpu), RULE_UD_NOT_PROTECTED, 0);
}

/* SGDT, SIDT, SLDT, STR, SMSW (SDM Vol. 3A 2.5, CR4.UMIP). */
static void check_umip(struct cpu *cpu)
{
    cpu_check(cpu, cpu->cpl == 0 || !(cpu->cr4 & CR4_UMIP), RULE_GP_UMIP, 0);
}

static void set_zf(struct cpu *cpu, bool zf)
{
    flags_set_arith(cpu, (flags_arith(cpu) & ~(u32)FLAG_ZF) | (zf ? FLAG_ZF : 0));
}

static u64 operand_at(const struct insn *i, u64 ea, unsigned offset)
{
    return (ea + offset) & (~(u64)0 >> i->ea_shift);
}

static void store_table(struct cpu *cpu, const struct insn *i, const struct table_register *t)
{
    check_umip(cpu);
    u64      ea = insn_ea(cpu, i);
    unsigned width = cpu->code_bytes == 8 ? 8 : 4;
    mem_check_aligned(cpu, i->seg, ea, 2, 2, true); /* a word, then the rest: SDM Vol. 3A 3.5.1 */
    mem_check_aligned(cpu, i->seg, operand_at(i, ea, 2), width, width, true);
    mem_probe_write(cpu, i->seg, ea, 2 + width);
    mem_write(cpu, i->seg, ea, t->limit, 2);
    mem_write(cpu, i->seg, operand_at(i, ea, 2), t->base, width);
}

static void load_table(struct cpu *cpu, const struct insn *i, struct table_register *t)
{
    require_cpl0(cpu);
    u64      ea = insn_ea(cpu, i);
    unsigned width = cpu->code_bytes == 8 ? 8 : 4;
    u16      limit = (u16)mem_read(cpu, i->seg, ea, 2);
    u64      base = mem_read(cpu, i->seg, operand_at(i, ea, 2), width);
    explain_note(cpu, "base", base);
    cpu_check(cpu, base_canonical(cpu, base) || width == 4, RULE_GP_TABLE_CANONICAL, 0);
    if (i->opsize == 2 && width == 4) {
        base &= 0xffffff; /* the 80286 form: a 24-bit base */
    }
    t->base = base;
    t->limit = limit;
}

OP(sgdt)
{
    store_table(cpu, i, &cpu->gdtr);
}

OP(sidt)
{
    store_table(cpu, i, &cpu->idtr);
}

OP(lgdt)
{
    load_table(cpu, i, &cpu->gdtr);
}

OP(lidt)
{
    load_table(cpu, i, &cpu->idtr);
}

static void store_selector(struct cpu *cpu, const struct insn *i, u16 selector)
{
    require_protected(cpu);
    check_umip(cpu);
    rm_write(cpu, i, i->mem ? 2 : i->opsize, selector);
}

OP(sldt)
{
    store_selector(cpu, i, cpu->ldtr.selector);
}

OP(str)
{
    store_selector(cpu, i, cpu->tr.selector);
}

OP(lldt)
{
    require_protected(cpu);
    require_cpl0(cpu);
    u16               selector = (u16)rm_read(cpu, i, 2);
    u32               error = selector_error(selector);
    struct descriptor d;
    if (selector_null(selector)) {
        cpu->ldtr = segment_null(selector);
        return;
    }
    explain_note(cpu, "selector", selector);
    cpu_check(cpu, !(selector & 4), RULE_GP_LDT_NOT_GDT, error);
    cpu_check(cpu, descriptor_fetch(cpu, selector, &d), RULE_GP_LDT_LIMIT, error);
    cpu_check(cpu, desc_type(&d) == SYS_LDT, RULE_GP_LDT_TYPE, error);
    cpu_check(cpu, desc_present(&d), RULE_NP_LDT, error);
    if (cpu->long_mode) {
        cpu_check(cpu, descriptor_fetch_upper(cpu, &d), RULE_GP_LDT_UPPER, error);
        cpu_check(cpu, base_canonical(cpu, desc_base(&d)), RULE_GP_LDT_CANONICAL, error);
    }
    cpu->ldtr = descriptor_segment(&d, selector);
}

OP(ltr)
{
    require_protected(cpu);
    require_cpl0(cpu);
    u16               selector = (u16)rm_read(cpu, i, 2);
    u32               error = selector_error(selector);
    struct descriptor d;
    explain_note(cpu, "selector", selector);
    cpu_check(cpu, !selector_null(selector), RULE_GP_TR_NULL, 0);
    cpu_check(cpu, !(selector & 4), RULE_GP_TR_NOT_GDT, error);
    cpu_check(cpu, descriptor_fetch(cpu, selector, &d), RULE_GP_TR_LIMIT, error);
    cpu_check(cpu, desc_type(&d) == SYS_TSS32 || (desc_type(&d) == SYS_TSS16 && !cpu->long_mode), RULE_GP_TR_TYPE,
              error);
    cpu_check(cpu, desc_present(&d), RULE_NP_TR, error);
    if (cpu->long_mode) {
        cpu_check(cpu, descriptor_fetch_upper(cpu, &d), RULE_GP_TR_UPPER, error);
        cpu_check(cpu, base_canonical(cpu, desc_base(&d)), RULE_GP_TR_CANONICAL, error);
    }
    descriptor_set_busy(cpu, &d, true);
    cpu->tr = descriptor_segment(&d, selector);
}

/* May CPL and RPL see this descriptor? Conforming code is seen by all. */
static bool visible(const struct cpu *cpu, const struct descriptor *d)
{
    return desc_conforming(d) || (desc_dpl(d) >= cpu->cpl && desc_dpl(d) >= (d->selector & 3u));
}

/* Fetches what LAR and LSL look at; false: nothing valid for these system types (a bit set). */
static bool fetch_visible(struct cpu *cpu, u16 selector, u32 legacy_types, u32 long_types, struct descriptor *d)
{
    if (selector_null(selector) || !descriptor_fetch(cpu, selector, d) || !visible(cpu, d)) {
        return false;
    }
    if (desc_type(d) & TYPE_S) {
        return true;
    }
    if (!((cpu->long_mode ? long_types : legacy_types) >> desc_type(d) & 1)) {
        return false;
    }
    return !cpu->long_mode || descriptor_fetch_upper(cpu, d);
}

OP(lar)
{
    require_protected(cpu);
    u32               legacy = BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(9) | BIT(11) | BIT(12);
    u32               in_long = BIT(2) | BIT(9) | BIT(11) | BIT(12);
    u16               selector = (u16)rm_read(cpu, i, 2);
    struct descriptor d;
    bool              ok = fetch_visible(cpu, selector, legacy, in_long, &d);
    if (ok) {
        gpr_write(cpu, i->reg, i->opsize, d.hi & (i->opsize == 2 ? 0xff00 : 0x00f0ff00));
    }
    set_zf(cpu, ok);
}

OP(lsl)
{
    require_protected(cpu);
    u32               legacy = BIT(1) | BIT(2) | BIT(3) | BIT(9) | BIT(11);
    u32               in_long = BIT(2) | BIT(9) | BIT(11);
    u16               selector = (u16)rm_read(cpu, i, 2);
    struct descriptor d;
    bool              ok = fetch_visible(cpu, selector, legacy, in_long, &d);
    if (ok) {
        gpr_write(cpu, i->reg, i->opsize, desc_limit(&d));
    }
    set_zf(cpu, ok);
}

OP(verr)
{
    require_protected(cpu);
    u16               selector = (u16)rm_read(cpu, i, 2);
    struct descriptor d;
    set_zf(cpu, fetch_visible(cpu, selector, 0, 0, &d) && desc_readable(&d));
}

OP(verw)
{
    require_protected(cpu);
    u16               selector = (u16)rm_read(cpu, i, 2);
    struct descriptor d;
    set_zf(cpu, fetch_visible(cpu, selector, 0, 0, &d) && desc_writable_data(&d));
}

OP(arpl)
{
    require_protected(cpu);
    u16 selector = (u16)rm_read(cpu, i, 2); /* written only if it changes, as processors do */
    u16 rpl = (u16)gpr_read(cpu, i->reg, 2) & 3;
    if ((selector & 3) < rpl) {
        rm_write(cpu, i, 2, (selector & ~3u) | rpl);
        set_zf(cpu, true);
    } else {
        set_zf(cpu, false);
    }
}

OP(smsw)
{
    check_umip(cpu);
    rm_write(cpu, i, i->mem ? 2 : i->opsize, i->mem ? cpu->cr0 & 0xffff : cpu->cr0);
}

OP(lmsw)
{
    require_cpl0(cpu);
    u64 word = rm_read(cpu, i, 2) & 0xf;
    cr0_write(cpu, (cpu->cr0 & ~(u64)(CR0_MP | CR0_EM | CR0_TS)) | word); /* PE can be set, not cleared */
}

OP(clts)
{
    (void)i;
    require_cpl0(cpu);
    cpu->cr0 &= ~(u64)CR0_TS;
    cpu_update_code_mode(cpu);
}
