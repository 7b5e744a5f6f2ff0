/*
 * reset.c: the processor's state after power-on and INIT, and the table of all that is saved. Intel SDM Vol. 3A 9.1, table 9-1.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

#include "cpu/base/log.h"
#include "cpu/fpu/check.h"

static struct segment reset_segment(u16 selector, u64 base, unsigned attr)
{
    return (struct segment){.base = base, .limit = 0xffff, .selector = selector, .attr = (u16)attr};
}

static void reset_segments(struct cpu *cpu)
{
    const unsigned data = ATTR_P | ATTR_S | ATTR_WRITE | ATTR_ACCESSED;
    for (unsigned n = SEG_ES; n <= SEG_GS; n++) {
        cpu->seg[n] = reset_segment(0, 0, data);
    }
    cpu->seg[SEG_CS] = reset_segment(0xf000, 0xffff0000, data | ATTR_CODE);
    cpu->ldtr = reset_segment(0, 0, ATTR_P | SYS_LDT);
    cpu->tr = reset_segment(0, 0, ATTR_P | SYS_TSS32_BUSY);
    cpu->gdtr = cpu->idtr = (struct table_register){.base = 0, .limit = 0xffff};
}

/* What INIT leaves alone. */
static void reset_power_on(struct cpu *cpu)
{
    memset(&cpu->msr, 0, sizeof cpu->msr);
    cpu->msr.mcg_ctl = machine_check_cap(cpu) & MCG_CTL_P ? ~(u64)0 : 0;
    cpu->msr.monitor_filter = 64;
    cpu->msr.pat = 0x0007040600070406;
    cpu->msr.misc_enable = 0x1801;
    cpu->msr.smbase = 0x30000;
    cpu->msr.apic_base = 0xfee00900;
    memset(&cpu->x87, 0, sizeof cpu->x87);
    cpu->x87.control = 0x40;
    cpu->x87.valid = 0xff; /* FTW = 5555h: all zero, none empty */
    memset(cpu->xmm, 0, sizeof cpu->xmm);
    cpu->mxcsr = 0x1f80;
    cpu->pkru = 0;
    cpu->ssp = 0;
    cpu->xcr0 = 1;
    cpu->cr0 = feature_on(&cpu->features, FEATURE_I486) ? CR0_CD | CR0_NW : 0;
    x87_clear_ferr(cpu);
    pmu_reset(cpu);
    cpu->icount = cpu->clock_counted ? cpu->icount : 0; /* counted time never goes back */
}

void cpu_reset(struct cpu *cpu, bool init)
{
    cpu->alone = false;
    crossing_begin(cpu, init ? CROSSING_INIT : CROSSING_RESET, 0);
    crossing_source(cpu, SOURCE_FIXED, 0, 0, 0, 0);
    crossing_stack(cpu, STACK_FIXED, 0, 0, 0, 0);
    if (!init) {
        reset_power_on(cpu);
    }
    memset(cpu->regs, 0, sizeof cpu->regs);
    cpu->regs[R_DX] = cpu_model_signature(cpu->model);
    cpu->ip = 0xfff0;
    cpu->cpl = 0;
    cpu->eflags = 0;
    cpu_update_intr(cpu);
    flags_set_arith(cpu, 0);
    cpu->cr0 = (cpu->cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
    cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->cr8 = cpu->efer = 0;
    memset(cpu->dr, 0, sizeof cpu->dr);
    cpu->dr[6] = DR6_FIXED;
    cpu->dr[7] = DR7_FIXED;
    reset_segments(cpu);
    cpu->shadow_at = ~(u64)0;
    cpu->shadow_ss = false;
    cpu->pending_db = 0;
    cpu->nmi_blocked = false;
    if (cpu->in_smm) {
        cpu->in_smm = false;
        if (cpu->bus.smm_changed) {
            cpu->bus.smm_changed(cpu->bus.opaque, false);
        }
    }
    cpu->activity = ACTIVITY_RUN;
    cpu->delivering = -1;
    cpu->current = NULL;
    memset(cpu->paging.pdpte, 0, sizeof cpu->paging.pdpte);
    const u32 dropped = PENDING_NMI | PENDING_SMI | PENDING_INIT | PENDING_SIPI | PENDING_RESET | PENDING_MCE | PENDING_PMU;
    __atomic_fetch_and(&cpu->pending, ~dropped, __ATOMIC_RELAXED);
    tlb_flush(&cpu->tlb);
    flags_set(cpu, FLAG_1);
    cpu_update_mode(cpu);
    cpu_update_debug(cpu);
    crossing_end(cpu);
    log_at(LOG_CPU_RESET, "processor %s", init ? "INIT" : "reset");
}

void cpu_sipi(struct cpu *cpu, u8 vector)
{
    if (cpu->activity != ACTIVITY_WAIT_SIPI) {
        return;
    }
    cpu->seg[SEG_CS].selector = (u16)(vector << 8);
    cpu->seg[SEG_CS].base = (u64)vector << 12;
    cpu->ip = 0;
    cpu->activity = ACTIVITY_RUN;
    cpu_update_mode(cpu);
}

/* ---- saved form */

static const struct field segment_fields[] = {FIELD(struct segment, base), FIELD(struct segment, limit),
                                              FIELD(struct segment, selector), FIELD(struct segment, attr), FIELD_END};
static const struct field table_fields[] = {FIELD(struct table_register, base), FIELD(struct table_register, limit),
                                            FIELD_END};
static const struct field cc_fields[] = {FIELD(struct lazy_flags, op), FIELD(struct lazy_flags, result),
                                         FIELD(struct lazy_flags, source), FIELD_END};
static const struct field float80_fields[] = {FIELD(struct float80, mantissa), FIELD(struct float80, sign_exponent),
                                              FIELD_END};
static const struct field x87_fields[] = {
    FIELD_STRUCTS(struct x87, reg, float80_fields),
    FIELD(struct x87, control),
    FIELD(struct x87, status),
    FIELD(struct x87, top),
    FIELD(struct x87, valid),
    FIELD(struct x87, opcode),
    FIELD(struct x87, ip_selector),
    FIELD(struct x87, dp_selector),
    FIELD(struct x87, ip),
    FIELD(struct x87, dp),
    FIELD_END};
static const struct field vec_fields[] = {FIELD_ARRAY(union vec, q), FIELD_END};

#define MSR(member) FIELD(struct cpu, msr.member)
#define MSRS(member) FIELD_ARRAY(struct cpu, msr.member)

const struct field cpu_fields[] = {
    {"regs", FIELD_KIND_UINT, offsetof(struct cpu, regs), 8, 16, NULL},
    FIELD_STRUCT(struct cpu, cc, cc_fields),
    FIELD(struct cpu, ip),
    FIELD(struct cpu, icount),
    FIELD(struct cpu, eflags),
    FIELD(struct cpu, cpl),
    {"seg", FIELD_KIND_STRUCTS, offsetof(struct cpu, seg), sizeof(struct segment), 6, segment_fields},
    FIELD(struct cpu, pending),
    FIELD_STRUCT(struct cpu, ldtr, segment_fields),
    FIELD_STRUCT(struct cpu, tr, segment_fields),
    FIELD_STRUCT(struct cpu, gdtr, table_fields),
    FIELD_STRUCT(struct cpu, idtr, table_fields),
    FIELD(struct cpu, cr0),
    FIELD(struct cpu, cr2),
    FIELD(struct cpu, cr3),
    FIELD(struct cpu, cr4),
    FIELD(struct cpu, cr8),
    FIELD(struct cpu, efer),
    FIELD(struct cpu, xcr0),
    FIELD_ARRAY(struct cpu, dr),
    FIELD_STRUCT(struct cpu, x87, x87_fields),
    FIELD_STRUCTS(struct cpu, xmm, vec_fields),
    FIELD(struct cpu, mxcsr),
    FIELD(struct cpu, pkru),
    FIELD(struct cpu, ssp),
    MSR(star),
    MSR(lstar),
    MSR(cstar),
    MSR(sfmask),
    MSR(kernel_gs_base),
    MSR(tsc_aux),
    MSR(tsc_offset),
    MSR(sysenter_cs),
    MSR(sysenter_esp),
    MSR(sysenter_eip),
    MSR(pat),
    MSR(misc_enable),
    MSR(mtrr_def_type),
    MSRS(mtrr_fixed),
    MSRS(mtrr_base),
    MSRS(mtrr_mask),
    MSR(microcode),
    MSR(debugctl),
    MSRS(last_branch),
    MSR(feature_control),
    MSRS(p5_mc),
    MSR(monitor_filter),
    MSR(mcg_status),
    MSR(mcg_ctl),
    MSRS(mc_ctl),
    MSRS(mc_status),
    MSRS(mc_addr),
    MSRS(mc_misc),
    MSR(smbase),
    MSR(spec_ctrl),
    MSR(xss),
    MSR(tsc_deadline),
    MSR(apic_base),
    MSR(de_cfg),
    MSR(hwcr),
    MSR(pkrs),
    MSR(u_cet),
    MSR(s_cet),
    MSRS(pl_ssp),
    MSR(ssp_table),
    FIELD_ARRAY(struct cpu, pmu.select),
    FIELD_ARRAY(struct cpu, pmu.counter),
    FIELD(struct cpu, pmu.fixed_ctrl),
    FIELD(struct cpu, pmu.global_ctrl),
    FIELD(struct cpu, pmu.global_status),
    FIELD_ARRAY(struct cpu, paging.pdpte),
    FIELD(struct cpu, shadow_at),
    FIELD(struct cpu, shadow_ss),
    FIELD(struct cpu, pending_db),
    FIELD(struct cpu, rng),
    FIELD(struct cpu, nmi_blocked),
    FIELD(struct cpu, in_smm),
    FIELD(struct cpu, ferr),
    FIELD(struct cpu, activity),
    FIELD_END,
};
