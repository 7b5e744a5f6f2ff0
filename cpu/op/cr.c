/*
 * cr.c: control registers, XCR0, PKRU, and the instructions that drop cached translations. Intel SDM Vol. 3A 2.5, 2.6, 4.1,
 * 4.4.1, 4.6.2, 4.10.4, 9.8.5; Vol. 2 MOV (control registers), INVLPG, INVPCID, XSETBV, RDPKRU. What a processor model lacks, its
 * control registers do not let software set.
 */
#include "cpu/fpu/check.h"
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

static bool has(const struct cpu *cpu, enum feature feature)
{
    return feature_on(&cpu->features, feature);
}

u64 phys_reserved(const struct cpu *cpu)
{
    return ~(u64)0 << cpu->paging.phys_bits;
}

u64 cr4_valid(const struct cpu *cpu)
{
    static const struct {
        u32          bits;
        enum feature feature;
    } rows[] = {
        {CR4_VME | CR4_PVI, FEATURE_VME},
        {CR4_TSD, FEATURE_TSC},
        {CR4_DE, FEATURE_DE},
        {CR4_PSE, FEATURE_PSE},
        {CR4_PAE, FEATURE_PAE},
        {CR4_MCE, FEATURE_MCE},
        {CR4_PGE, FEATURE_PGE},
        {CR4_PCE, FEATURE_RDPMC},
        {CR4_OSFXSR, FEATURE_FXSR},
        {CR4_OSXMMEXCPT, FEATURE_SSE},
        {CR4_UMIP, FEATURE_UMIP},
        {CR4_LA57, FEATURE_LA57},
        {CR4_FSGSBASE, FEATURE_FSGSBASE},
        {CR4_PCIDE, FEATURE_PCID},
        {CR4_OSXSAVE, FEATURE_XSAVE},
        {CR4_SMEP, FEATURE_SMEP},
        {CR4_SMAP, FEATURE_SMAP},
        {CR4_PKE, FEATURE_PKU},
        {CR4_PKS, FEATURE_PKS},
        {CR4_CET, FEATURE_SHSTK},
        {CR4_CET, FEATURE_IBT},
    };
    u64 valid = 0;
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        valid |= has(cpu, rows[n].feature) ? rows[n].bits : 0;
    }
    return valid;
}

u64 efer_valid(const struct cpu *cpu)
{
    return (has(cpu, FEATURE_SYSCALL) ? EFER_SCE : 0) | (has(cpu, FEATURE_LM) ? EFER_LME | EFER_LMA : 0) |
           (has(cpu, FEATURE_NX) ? EFER_NXE : 0) | (has(cpu, FEATURE_FFXSR) ? BIT(14) : 0);
}

u64 xcr0_valid(const struct cpu *cpu)
{
    return XCR0_X87 | XCR0_SSE | (has(cpu, FEATURE_AVX) ? XCR0_AVX : 0) | (has(cpu, FEATURE_PKU) ? XCR0_PKRU : 0);
}

u64 xss_valid(const struct cpu *cpu)
{
    bool cet = has(cpu, FEATURE_SHSTK) || has(cpu, FEATURE_IBT);
    return has(cpu, FEATURE_XSAVES) && cet ? XSS_CET_U | XSS_CET_S : 0;
}

u32 eflags_valid(const struct cpu *cpu)
{
    u32 valid = FLAG_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM;
    if (has(cpu, FEATURE_I486)) {
        valid |= FLAG_AC;
    }
    if (has(cpu, FEATURE_CPUID)) {
        valid |= FLAG_ID;
    }
    if (has(cpu, FEATURE_VME)) {
        valid |= FLAG_VIF | FLAG_VIP;
    }
    return valid;
}

/* ---- PAE directory pointers */

static bool is_pae(u64 cr0, u64 cr4, u64 efer)
{
    return cr0 & CR0_PG && cr4 & CR4_PAE && !(efer & EFER_LME);
}

bool paging_is_pae(const struct cpu *cpu)
{
    return is_pae(cpu->cr0, cpu->cr4, cpu->efer);
}

void pdptes_fetch(struct cpu *cpu, u64 cr3, u64 pdpte[4])
{
    u64 reserved = phys_reserved(cpu) | 0x1e6;
    for (unsigned n = 0; n < 4; n++) {
        pdpte[n] = phys_read(cpu, (cr3 & 0xffffffe0) + 8 * n, 8);
        explain_note(cpu, "pdpte", pdpte[n]);
        cpu_check(cpu, !(pdpte[n] & 1) || !(pdpte[n] & reserved), RULE_GP_PDPTE, 0);
    }
}

static void load_pdptes(struct cpu *cpu, u64 cr0, u64 cr4, u64 cr3)
{
    if (is_pae(cr0, cr4, cpu->efer)) {
        u64 pdpte[4];
        pdptes_fetch(cpu, cr3, pdpte);
        memcpy(cpu->paging.pdpte, pdpte, sizeof pdpte);
    }
}

/* ---- CR0 */

static void check_long_mode_entry(struct cpu *cpu)
{
    cpu_check(cpu, cpu->cr4 & CR4_PAE, RULE_GP_LONG_NO_PAE, 0);
    cpu_check(cpu, !(cpu->seg[SEG_CS].attr & ATTR_L), RULE_GP_LONG_CS_L, 0);
    cpu_check(cpu, !(cpu->tr.attr & ATTR_P) || cpu->tr.attr & 8, RULE_GP_LONG_TSS16, 0);
}

/* Others read 0. NE, WP, AM, NW and CD came with the 486 (Intel 240440, 2.1.2). */
static u64 cr0_defined(const struct cpu *cpu)
{
    const u64 i386 = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_PG;
    return has(cpu, FEATURE_I486) ? i386 | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD : i386;
}

static void write_cr0(struct cpu *cpu, u64 value)
{
    explain_note(cpu, "value", value);
    cpu_check(cpu, !(value >> 32), RULE_GP_CR0_RESERVED, 0);
    value = (value & cr0_defined(cpu)) | CR0_ET;
    u64 changed = value ^ cpu->cr0;
    cpu_check(cpu, value & CR0_PE || !(value & CR0_PG), RULE_GP_CR0_PG_WITHOUT_PE, 0);
    cpu_check(cpu, value & CR0_CD || !(value & CR0_NW), RULE_GP_CR0_NW_WITHOUT_CD, 0);
    cpu_check(cpu, value & CR0_WP || !(cpu->cr4 & CR4_CET), RULE_GP_CR0_WP_WITH_CET, 0);
    if (changed & CR0_PG) {
        if (value & CR0_PG) {
            if (cpu->efer & EFER_LME) {
                check_long_mode_entry(cpu);
            }
        } else {
            cpu_check(cpu, cpu->code_bytes != 8, RULE_GP_CR0_PG_IN_64, 0);
            cpu_check(cpu, !(cpu->cr4 & CR4_PCIDE), RULE_GP_CR0_PG_WITH_PCIDE, 0);
        }
    }
    if (changed & (CR0_PG | CR0_CD | CR0_NW)) {
        load_pdptes(cpu, value, cpu->cr4, cpu->cr3);
    }
    if (changed & CR0_PG) {
        cpu->efer = merge_bits(cpu->efer, EFER_LMA, value & CR0_PG && cpu->efer & EFER_LME ? EFER_LMA : 0);
    }
    cpu->cr0 = value;
    if (changed & (CR0_PG | CR0_WP | CR0_PE)) {
        tlb_flush(&cpu->tlb);
    }
    if (changed & ~(u64)(CR0_TS | CR0_MP | CR0_EM | CR0_NE)) {
        cpu_update_mode(cpu);
    } else { /* only what x87 and SSE instructions check derives from these */
        cpu_update_code_mode(cpu);
    }
}

void cr0_write(struct cpu *cpu, u64 value)
{
    bool was_protected = cpu->protected_mode, was_long = cpu->efer & EFER_LMA;
    crossing_begin(cpu, CROSSING_MODE, 0);
    write_cr0(cpu, value);
    if (was_protected != cpu->protected_mode || was_long != (bool)(cpu->efer & EFER_LMA)) {
        crossing_end(cpu);
    } else {
        crossing_drop(cpu);
    }
}

/* ---- CR3, CR4, CR8 */

static void load_cr3(struct cpu *cpu, u64 value, bool keep)
{
    cpu->cr3 = value;
    cpu_update_paging(cpu); /* with the PCID */
    if (!keep) {
        tlb_flush_local(&cpu->tlb);
    }
}

void cr3_write(struct cpu *cpu, u64 value)
{
    load_cr3(cpu, value, false);
}

/* With CR4.PCIDE, bit 63 keeps what is known of the new PCID (SDM Vol. 3A 4.10.4.1). */
static void cr3_move(struct cpu *cpu, u64 value)
{
    bool keep = cpu->cr4 & CR4_PCIDE && value >> 63;
    if (cpu->cr4 & CR4_PCIDE) {
        value &= ~BIT(63);
    }
    if (cpu->long_mode) {
        explain_note(cpu, "value", value);
        cpu_check(cpu, !(value & phys_reserved(cpu)), RULE_GP_CR3_RESERVED, 0);
    }
    load_pdptes(cpu, cpu->cr0, cpu->cr4, value);
    load_cr3(cpu, value, keep);
}

static void cr4_write(struct cpu *cpu, u64 value)
{
    u64 changed = value ^ cpu->cr4;
    explain_note(cpu, "value", value);
    cpu_check(cpu, !(value & ~cr4_valid(cpu)), RULE_GP_CR4_RESERVED, 0);
    cpu_check(cpu, value & CR4_PAE || !cpu->long_mode, RULE_GP_CR4_PAE_IN_LONG, 0);
    cpu_check(cpu, !(changed & CR4_LA57) || !cpu->long_mode, RULE_GP_CR4_LA57_IN_LONG, 0);
    cpu_check(cpu, !(value & CR4_CET) || cpu->cr0 & CR0_WP, RULE_GP_CR4_CET_WITHOUT_WP, 0);
    if (changed & value & CR4_PCIDE) {
        cpu_check(cpu, cpu->long_mode, RULE_GP_CR4_PCIDE_NOT_LONG, 0);
        cpu_check(cpu, !(cpu->cr3 & 0xfff), RULE_GP_CR4_PCIDE_CR3, 0);
    }
    if (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)) {
        load_pdptes(cpu, cpu->cr0, value, cpu->cr3);
    }
    cpu->cr4 = value;
    if (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP | CR4_SMAP | CR4_PCIDE)) {
        tlb_flush(&cpu->tlb);
    }
    cpu_update_mode(cpu);
    cpu_update_debug(cpu);
}

static u64 cr8_read(struct cpu *cpu)
{
    return cpu->bus.get_cr8 ? cpu->bus.get_cr8(cpu->bus.opaque) & 0xf : cpu->cr8;
}

static void cr8_write(struct cpu *cpu, u64 value)
{
    explain_note(cpu, "value", value);
    cpu_check(cpu, !(value & ~(u64)0xf), RULE_GP_CR8_RESERVED, 0);
    cpu->cr8 = value;
    if (cpu->bus.set_cr8) {
        cpu->bus.set_cr8(cpu->bus.opaque, (u8)value);
    }
}

/* Which registers exist: CR4 came with CPUID, CR8 with long mode. */
static void check_number(struct cpu *cpu, unsigned number)
{
    bool known = number == 0 || number == 2 || number == 3 || (number == 4 && has(cpu, FEATURE_CPUID)) ||
                 (number == 8 && has(cpu, FEATURE_LM));
    cpu_check(cpu, known, RULE_UD_CONTROL_REGISTER, 0);
}

static unsigned system_width(const struct cpu *cpu)
{
    return cpu->code_bytes == 8 ? 8 : 4;
}

void cr_write(struct cpu *cpu, unsigned number, u64 value)
{
    switch (number) {
    case 0:
        cr0_write(cpu, value);
        break;
    case 2:
        cpu->cr2 = value;
        break;
    case 3:
        cr3_move(cpu, value);
        break;
    case 4:
        cr4_write(cpu, value);
        break;
    default:
        cr8_write(cpu, value);
        break;
    }
}

u64 cr_read(struct cpu *cpu, unsigned number)
{
    switch (number) {
    case 0:
        return cpu->cr0;
    case 2:
        return cpu->cr2;
    case 3:
        return cpu->cr3;
    case 4:
        return cpu->cr4;
    default:
        return cr8_read(cpu);
    }
}

OP(mov_to_cr)
{
    check_number(cpu, i->reg);
    require_cpl0(cpu);
    cr_write(cpu, i->reg, gpr_read(cpu, i->rm, system_width(cpu)));
}

OP(mov_from_cr)
{
    check_number(cpu, i->reg);
    require_cpl0(cpu);
    gpr_write(cpu, i->rm, system_width(cpu), cr_read(cpu, i->reg));
}

/* ---- caches and translations */

OP(invlpg)
{
    require_cpl0(cpu);
    u64 la = cpu->seg[i->seg].base + insn_ea(cpu, i);
    tlb_flush_page(&cpu->tlb, cpu->code_bytes == 8 ? la : (u32)la);
}

OP(invd)
{
    (void)i;
    require_cpl0(cpu);
}

OP(wbinvd)
{
    (void)i;
    require_cpl0(cpu);
}

enum { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL, INVPCID_ALL_NON_GLOBAL };

/* Of another PCID than the current one, one page is not worth looking for: all of it goes. */
static void flush_page_of(struct cpu *cpu, unsigned pcid, vaddr address)
{
    if (pcid == cpu->tlb.pcid) {
        tlb_flush_page(&cpu->tlb, address);
    } else {
        tlb_flush_pcid(&cpu->tlb, pcid);
    }
}

OP(invpcid)
{
    require_cpl0(cpu);
    u64 type = gpr_read(cpu, i->reg, system_width(cpu));
    u64 ea = insn_ea(cpu, i);
    u64 pcid = mem_read(cpu, i->seg, ea, 8);
    u64 address = mem_read(cpu, i->seg, (ea + 8) & (~(u64)0 >> i->ea_shift), 8);
    explain_note(cpu, "invpcid.type", type);
    explain_note(cpu, "pcid", pcid);
    explain_note(cpu, "address", address);
    cpu_check(cpu, type <= INVPCID_ALL_NON_GLOBAL, RULE_GP_INVPCID_TYPE, 0);
    cpu_check(cpu, !(pcid >> 12), RULE_GP_INVPCID_RESERVED, 0);
    if (type <= INVPCID_CONTEXT) {
        cpu_check(cpu, cpu->cr4 & CR4_PCIDE || !pcid, RULE_GP_INVPCID_NO_PCIDE, 0);
    }
    switch (type) {
    case INVPCID_ADDRESS:
        cpu_check(cpu, base_canonical(cpu, address), RULE_GP_INVPCID_CANONICAL, 0);
        flush_page_of(cpu, (unsigned)pcid, address);
        break;
    case INVPCID_CONTEXT:
        tlb_flush_pcid(&cpu->tlb, (unsigned)pcid);
        break;
    case INVPCID_ALL:
        tlb_flush(&cpu->tlb);
        break;
    default:
        tlb_flush_all_pcids(&cpu->tlb);
        break;
    }
}

/* ---- XCR0 */

static void check_osxsave(struct cpu *cpu)
{
    cpu_check(cpu, cpu->cr4 & CR4_OSXSAVE, RULE_UD_OSXSAVE, 0);
}

OP(xgetbv)
{
    (void)i;
    check_osxsave(cpu);
    bool in_use = (u32)cpu->regs[R_CX] == 1 && has(cpu, FEATURE_XGETBV1);
    cpu_check(cpu, (u32)cpu->regs[R_CX] == 0 || in_use, RULE_GP_XCR_INDEX, 0);
    u64 value = in_use ? xsave_in_use(cpu) : cpu->xcr0;
    cpu->regs[R_AX] = (u32)value;
    cpu->regs[R_DX] = value >> 32;
}

OP(xsetbv)
{
    (void)i;
    check_osxsave(cpu);
    require_cpl0(cpu);
    u64 value = (u32)cpu->regs[R_AX] | cpu->regs[R_DX] << 32;
    cpu_check(cpu, (u32)cpu->regs[R_CX] == 0, RULE_GP_XCR_INDEX, 0);
    explain_note(cpu, "value", value);
    cpu_check(cpu, !(value & ~xcr0_valid(cpu)), RULE_GP_XCR0_RESERVED, 0);
    cpu_check(cpu, value & 1, RULE_GP_XCR0_X87, 0);
    cpu_check(cpu, value & 2 || !(value & 4), RULE_GP_XCR0_AVX_WITHOUT_SSE, 0);
    cpu->xcr0 = value;
    cpu_update_mode(cpu);
}

/* ---- protection keys */

static void check_pkru(struct cpu *cpu)
{
    cpu_check(cpu, cpu->cr4 & CR4_PKE, RULE_UD_PKE, 0);
    cpu_check(cpu, (u32)cpu->regs[R_CX] == 0, RULE_GP_PKRU_ECX, 0);
}

OP(rdpkru)
{
    (void)i;
    check_pkru(cpu);
    cpu->regs[R_AX] = cpu->pkru;
    cpu->regs[R_DX] = 0;
}

OP(wrpkru)
{
    (void)i;
    check_pkru(cpu);
    cpu_check(cpu, (u32)cpu->regs[R_DX] == 0, RULE_GP_PKRU_EDX, 0);
    cpu->pkru = (u32)cpu->regs[R_AX];
    cpu_update_keys(cpu);
}
