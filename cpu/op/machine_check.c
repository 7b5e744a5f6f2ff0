/*
 * machine_check.c: machine-check registers and #MC. Intel SDM Vol. 3B chapter 15; AMD APM Vol. 2 chapter 9 for HWCR.
 *
 * Nothing ever fails here: errors come from the monitor's command `mce`. How many banks there are, and whether MCG_CTL, is the
 * model's. Not modelled: corrected-error interrupts (CMCI), local machine checks, extended state registers, overwrite rules of
 * uncorrected errors with software recovery.
 */
#include "cpu/op/op.h"

#include "cpu/base/log.h"

enum { MCG_CAP = 0x179, MCG_STATUS = 0x17a, MCG_CTL = 0x17b, MC0_CTL = 0x400 };
enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC };
#define MCG_RIPV     BIT(0)
#define MCG_EIPV     BIT(1)
#define STATUS_VAL   BIT(63)
#define STATUS_OVER  BIT(62)
#define STATUS_UC    BIT(61)
#define HWCR_WRITE   BIT(18) /* McStatusWrEn */
#define KINDS_OF_CTL (KIND_P6 | KIND_GENERIC | KIND_K7 | KIND_K8)

u64 machine_check_cap(const struct cpu *cpu)
{
    if (!feature_on(&cpu->features, FEATURE_MCA)) {
        return 0;
    }
    return cpu->model->banks | (cpu->model->kind & KINDS_OF_CTL ? MCG_CTL_P : 0);
}

bool machine_check_has(const struct cpu *cpu, u32 index)
{
    u64 cap = machine_check_cap(cpu);
    if (index == MCG_CTL) {
        return cap & MCG_CTL_P;
    }
    return cap && (index == MCG_CAP || index == MCG_STATUS || (index >= MC0_CTL && index < MC0_CTL + 4 * (cap & 0xff)));
}

/* CTL, STATUS, ADDR, MISC by turns. */
static u64 *bank_place(struct cpu *cpu, u32 index)
{
    unsigned n       = (index - MC0_CTL) / 4;
    u64     *place[] = {&cpu->msr.mc_ctl[n], &cpu->msr.mc_status[n], &cpu->msr.mc_addr[n], &cpu->msr.mc_misc[n]};
    return place[index & 3];
}

u64 machine_check_read(struct cpu *cpu, u32 index)
{
    switch (index) {
    case MCG_CAP: return machine_check_cap(cpu);
    case MCG_STATUS: return cpu->msr.mcg_status;
    case MCG_CTL: return cpu->msr.mcg_ctl;
    default: return *bank_place(cpu, index);
    }
}

bool machine_check_write(struct cpu *cpu, u32 index, u64 value)
{
    switch (index) {
    case MCG_CAP:
        return false;
    case MCG_STATUS:
        if (value & ~(MCG_RIPV | MCG_EIPV | MCG_MCIP)) {
            return false;
        }
        cpu->msr.mcg_status = value;
        return true;
    case MCG_CTL:
        cpu->msr.mcg_ctl = value;
        return true;
    default:
        /* SDM Vol. 3B 15.3.2: what was logged may be cleared, not written; AMD lets HWCR allow it, for tests */
        if ((index & 3) != BANK_CTL && value && !(cpu_model_is_amd(cpu->model) && cpu->msr.hwcr & HWCR_WRITE)) {
            return false;
        }
        *bank_place(cpu, index) = value;
        return true;
    }
}

static void log_error(struct cpu *cpu, const struct machine_check *check, u64 status)
{
    cpu->msr.mc_status[check->bank] = status;
    cpu->msr.mc_addr[check->bank]   = check->address;
    cpu->msr.mc_misc[check->bank]   = check->misc;
}

const char *machine_check_inject(struct cpu *cpu, const struct machine_check *check)
{
    u64 cap = machine_check_cap(cpu);
    if (!cap) {
        return "this processor has no machine-check registers";
    }
    if (check->bank >= (cap & 0xff)) {
        return "this processor has no such bank";
    }
    if (!(check->status & STATUS_VAL)) {
        return "bit 63 (VAL) of the status must be set";
    }
    u64 old = cpu->msr.mc_status[check->bank], over = old & STATUS_VAL ? STATUS_OVER : 0;
    if (!(check->status & STATUS_UC)) {
        if (old & STATUS_VAL && old & STATUS_UC) { /* the uncorrected one stays: table 15-8 */
            cpu->msr.mc_status[check->bank] |= STATUS_OVER;
        } else {
            log_error(cpu, check, check->status | over);
        }
        return NULL;
    }
    if ((cap & MCG_CTL_P && cpu->msr.mcg_ctl != ~(u64)0) || cpu->msr.mc_ctl[check->bank] != ~(u64)0) {
        return "reporting of uncorrected errors is disabled in MCG_CTL or MCi_CTL";
    }
    log_error(cpu, check, check->status | over);
    if (cpu->msr.mcg_status & MCG_MCIP || !(cpu->cr4 & CR4_MCE)) {
        log_at(LOG_INT, "machine check: shutdown");
        cpu_shut_down(cpu);
        return NULL;
    }
    cpu->msr.mcg_status = (check->mcg_status & (MCG_RIPV | MCG_EIPV)) | MCG_MCIP;
    __atomic_fetch_or(&cpu->pending, PENDING_MCE, __ATOMIC_RELEASE);
    return NULL;
}

void machine_check_take(struct cpu *cpu)
{
    cpu->activity = ACTIVITY_RUN;
    if (!(cpu->cr4 & CR4_MCE)) { /* cleared since */
        cpu_shut_down(cpu);
        return;
    }
    cpu_deliver(cpu, VEC_MC, DELIVER_INTERRUPT, false, 0);
}
