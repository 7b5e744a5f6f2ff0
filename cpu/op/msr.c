/*
 * msr.c: model-specific registers, the time-stamp counter. Intel SDM Vol. 4; AMD BKDG for C001_xxxxh.
 *
 * One table says which registers exist for which kind of model, where they are kept and which bits software may set. MTRRs and PAT
 * are kept but have no effect: memory is always write-back. Machine-check registers: machine_check.c; performance counters: pmu.c.
 */
#include "cpu/op/op.h"

#include "cpu/base/clock.h"
#include "cpu/base/log.h"

enum msr_kind {
    MSR_STORE,     /* kept at `offset`; bits outside `mask` are reserved: #GP */
    MSR_CANONICAL, /* the same; the value must be canonical */
    MSR_TYPES,     /* the same; each byte must be a memory type (MTRR; PAT: also UC-) */
    MSR_PAT,
    MSR_DEFAULT_TYPE, /* as MSR_STORE; the low byte must be a memory type (SDM Vol. 3A 11.11.2.1) */
    MSR_READ,     /* kept; may not be written */
    MSR_CONSTANT, /* reads `mask`, may not be written */
    MSR_IGNORE,   /* reads `mask`, writes are dropped */
    MSR_SPECIAL,  /* more than storage: msr_read() and msr_write() know it */
};

/* Kinds of models. */
enum {
    ANY_VENDOR   = 0xffff,
    AMD_ONLY     = KIND_K7 | KIND_K8,
    INTEL_ONLY   = ANY_VENDOR & ~AMD_ONLY,
    NEHALEM_ON   = KIND_NEHALEM | KIND_HASWELL | KIND_GENERIC,
    CORE_ON      = KIND_CORE | NEHALEM_ON,
    P6_ON        = KIND_P6 | CORE_ON,
    WITHOUT_COUNTING = KIND_P5 | AMD_ONLY, /* their performance counters read 0 */
};

struct msr_row {
    u32              first, count;
    enum feature     feature;
    u16              kinds; /* enum cpu_kind */
    enum msr_kind    kind;
    u32              offset, stride;
    u64              mask;
};

#define AT(member) offsetof(struct cpu, msr.member), 8
#define NOWHERE    0, 0
#define ALL        (~(u64)0)

/* SDM Vol. 4 2.1, IA32_MISC_ENABLE: fast strings, no BTS, no PEBS. */
#define MISC_ENABLE_FIXED 0x1800

/*
 * IA32_ARCH_CAPABILITIES: what never happens here. Instructions run one after the other, no load or branch is executed ahead of
 * its checks, and no buffer is shared with another context: RDCL_NO, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO,
 * FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO; SKIP_L1DFL_VMENTRY.
 */
#define ARCH_CAPABILITIES                                                                          \
    (BIT(0) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(13) | BIT(14) | BIT(15) | BIT(20) | BIT(24) |         \
     BIT(26) | BIT(27) | BIT(62))

static const struct msr_row msr_rows[] = {
    {0x000, 2, FEATURE_MCE, INTEL_ONLY, MSR_STORE, AT(p5_mc[0]), 0},              /* P5_MC_ADDR, P5_MC_TYPE: may be cleared */
    {0x002, 1, FEATURE_NONE, KIND_P5, MSR_IGNORE, NOWHERE, 0},                    /* test registers: TR1, */
    {0x004, 6, FEATURE_NONE, KIND_P5, MSR_IGNORE, NOWHERE, 0},                    /* TR2 to TR7, */
    {0x00b, 4, FEATURE_NONE, KIND_P5, MSR_IGNORE, NOWHERE, 0},                    /* TR9 to TR12 */
    {0x006, 1, FEATURE_MONITOR, CORE_ON, MSR_STORE, AT(monitor_filter), 0xffff},  /* MONITOR_FILTER_SIZE */
    {0x010, 1, FEATURE_TSC, ANY_VENDOR, MSR_SPECIAL, NOWHERE, 0},
    {0x011, 3, FEATURE_NONE, KIND_P5, MSR_IGNORE, NOWHERE, 0},                    /* CESR, CTR0, CTR1: they do not count */
    {0x017, 1, FEATURE_NONE, P6_ON, MSR_CONSTANT, NOWHERE, 0},                    /* PLATFORM_ID */
    {0x02a, 1, FEATURE_NONE, P6_ON, MSR_IGNORE, NOWHERE, 0},                      /* EBL_CR_POWERON */
    {0x033, 1, FEATURE_NONE, KIND_P6, MSR_IGNORE, NOWHERE, 0},                    /* TEST_CTL */
    {0x034, 1, FEATURE_NONE, NEHALEM_ON, MSR_CONSTANT, NOWHERE, 0},               /* SMI_COUNT */
    {0x03a, 1, FEATURE_NONE, CORE_ON, MSR_CONSTANT, NOWHERE, 1},                  /* FEATURE_CONTROL: locked */
    {0x03b, 1, FEATURE_TSC_ADJUST, ANY_VENDOR, MSR_SPECIAL, NOWHERE, 0},
    {0x079, 1, FEATURE_NONE, P6_ON, MSR_IGNORE, NOWHERE, 0},                      /* BIOS_UPDT_TRIG */
    {0x088, 3, FEATURE_NONE, KIND_P6, MSR_IGNORE, NOWHERE, 0},                    /* BBL_CR_D0 to D2 */
    {0x08b, 1, FEATURE_NONE, P6_ON, MSR_IGNORE, NOWHERE, (u64)0x219 << 32},       /* BIOS_SIGN_ID */
    {0x08b, 1, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0x01000065},          /* PATCH_LEVEL */
    {0x0cd, 1, FEATURE_NONE, KIND_CORE, MSR_CONSTANT, NOWHERE, 0},                /* FSB_FREQ: 266 MHz */
    {0x0ce, 1, FEATURE_NONE, NEHALEM_ON, MSR_SPECIAL, NOWHERE, 0},                /* PLATFORM_INFO */
    {0x0e2, 1, FEATURE_NONE, NEHALEM_ON, MSR_IGNORE, NOWHERE, 0x8000},            /* PKG_CST_CONFIG_CONTROL: locked */
    {0x0fe, 1, FEATURE_MTRR, ANY_VENDOR, MSR_CONSTANT, NOWHERE, 0x508},           /* MTRRCAP: 8, fixed, WC */
    {0x10a, 1, FEATURE_ARCH_CAPABILITIES, ANY_VENDOR, MSR_CONSTANT, NOWHERE, ARCH_CAPABILITIES},
    {0x116, 6, FEATURE_NONE, KIND_P6, MSR_IGNORE, NOWHERE, 0},                    /* BBL_CR_ADDR, DECC, CTL, TRIG, BUSY */
    {0x119, 1, FEATURE_NONE, CORE_ON, MSR_IGNORE, NOWHERE, 0},                    /* BBL_CR_CTL */
    {0x11e, 1, FEATURE_NONE, P6_ON, MSR_IGNORE, NOWHERE, 0},                      /* BBL_CR_CTL3 */
    {0x174, 1, FEATURE_SEP, ANY_VENDOR, MSR_STORE, AT(sysenter_cs), ALL},
    {0x175, 1, FEATURE_SEP, ANY_VENDOR, MSR_CANONICAL, AT(sysenter_esp), ALL},
    {0x176, 1, FEATURE_SEP, ANY_VENDOR, MSR_CANONICAL, AT(sysenter_eip), ALL},
    {0x198, 1, FEATURE_NONE, CORE_ON, MSR_SPECIAL, NOWHERE, 0},                   /* PERF_STATUS */
    {0x199, 4, FEATURE_NONE, CORE_ON, MSR_IGNORE, NOWHERE, 0},                    /* PERF_CTL, clock, thermal */
    {0x1a0, 1, FEATURE_NONE, CORE_ON, MSR_SPECIAL, NOWHERE, 0},                   /* MISC_ENABLE */
    {0x1ad, 1, FEATURE_NONE, NEHALEM_ON, MSR_CONSTANT, NOWHERE, 0},               /* TURBO_RATIO_LIMIT */
    {0x1d9, 1, FEATURE_NONE, KIND_P6, MSR_STORE, AT(debugctl), 0x7f},
    {0x1d9, 1, FEATURE_NONE, KIND_CORE, MSR_STORE, AT(debugctl), 0x5fc3},
    {0x1d9, 1, FEATURE_NONE, KIND_NEHALEM | KIND_HASWELL, MSR_STORE, AT(debugctl), 0x7fc3},
    {0x1d9, 1, FEATURE_NONE, KIND_GENERIC, MSR_STORE, AT(debugctl), 0xffff},
    {0x1d9, 1, FEATURE_NONE, AMD_ONLY, MSR_STORE, AT(debugctl), 0x3f},
    {0x1db, 4, FEATURE_NONE, KIND_P6 | KIND_GENERIC | AMD_ONLY, MSR_READ, AT(last_branch[0]), 0}, /* last branch and exception */
    {0x1dd, 2, FEATURE_NONE, KIND_CORE | KIND_NEHALEM | KIND_HASWELL, MSR_READ, AT(last_branch[2]), 0}, /* last exception */
    {0x200, 16, FEATURE_MTRR, ANY_VENDOR, MSR_SPECIAL, NOWHERE, 0},               /* variable ranges */
    {0x250, 1, FEATURE_MTRR, ANY_VENDOR, MSR_TYPES, AT(mtrr_fixed[0]), ALL},
    {0x258, 2, FEATURE_MTRR, ANY_VENDOR, MSR_TYPES, AT(mtrr_fixed[1]), ALL},
    {0x268, 8, FEATURE_MTRR, ANY_VENDOR, MSR_TYPES, AT(mtrr_fixed[3]), ALL},
    {0x277, 1, FEATURE_PAT, ANY_VENDOR, MSR_PAT, AT(pat), ALL},
    {0x2ff, 1, FEATURE_MTRR, ANY_VENDOR, MSR_DEFAULT_TYPE, AT(mtrr_def_type), 0xcff},
    {0xda0, 1, FEATURE_XSAVES, ANY_VENDOR, MSR_STORE, AT(xss), XSS_CET_U | XSS_CET_S},
    {0x6e1, 1, FEATURE_PKS, ANY_VENDOR, MSR_STORE, AT(pkrs), 0xffffffff},
    {0xc0000080, 1, FEATURE_SYSCALL, ANY_VENDOR, MSR_SPECIAL, NOWHERE, 0},        /* EFER */
    {0xc0000080, 1, FEATURE_NX, ANY_VENDOR, MSR_SPECIAL, NOWHERE, 0},
    {0xc0000080, 1, FEATURE_LM, ANY_VENDOR, MSR_SPECIAL, NOWHERE, 0},
    {0xc0000100, 2, FEATURE_LM, ANY_VENDOR, MSR_SPECIAL, NOWHERE, 0},             /* bases of FS and GS */
    {0xc0000081, 1, FEATURE_SYSCALL, ANY_VENDOR, MSR_STORE, AT(star), ALL},
    {0xc0000082, 1, FEATURE_LM, ANY_VENDOR, MSR_CANONICAL, AT(lstar), ALL},
    {0xc0000083, 1, FEATURE_LM, ANY_VENDOR, MSR_CANONICAL, AT(cstar), ALL},
    {0xc0000084, 1, FEATURE_LM, ANY_VENDOR, MSR_STORE, AT(sfmask), 0xffffffff},
    {0xc0000102, 1, FEATURE_LM, ANY_VENDOR, MSR_CANONICAL, AT(kernel_gs_base), ALL},
    {0xc0000103, 1, FEATURE_RDTSCP, ANY_VENDOR, MSR_STORE, AT(tsc_aux), 0xffffffff},
    {0xc0000103, 1, FEATURE_RDPID, ANY_VENDOR, MSR_STORE, AT(tsc_aux), 0xffffffff},
    {0xc0010000, 8, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* PERF_CTL, PERF_CTR */
    {0xc0010010, 1, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* SYSCFG */
    {0xc0010015, 1, FEATURE_NONE, AMD_ONLY, MSR_STORE, AT(hwcr), ALL},
    {0xc0010016, 16, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},             /* IORR, TOP_MEM, NB_CFG */
    {0xc0010055, 1, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* INT_PENDING_MSG */
    {0xc0010058, 1, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* MMIO_CFG_BASE */
    {0xc0010061, 11, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},             /* P-states */
    {0xc0010111, 7, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* SMBASE ... VM_HSAVE_PA */
    {0xc0010140, 2, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* OSVW */
    {0xc0011020, 9, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* LS_CFG ... */
    {0xc0011029, 1, FEATURE_NONE, AMD_ONLY, MSR_STORE, AT(de_cfg), ALL},
    {0xc001102a, 6, FEATURE_NONE, AMD_ONLY, MSR_IGNORE, NOWHERE, 0},              /* BU_CFG2 ... */
};

static const struct msr_row *find_row(const struct cpu *cpu, u32 index)
{
    for (unsigned n = 0; n < ARRAY_LEN(msr_rows); n++) {
        const struct msr_row *row = &msr_rows[n];
        if (index - row->first < row->count && row->kinds & cpu->model->kind && feature_on(&cpu->features, row->feature)) {
            return row;
        }
    }
    return NULL;
}

static u64 *row_place(struct cpu *cpu, const struct msr_row *row, u32 index)
{
    return (u64 *)((u8 *)cpu + row->offset + (size_t)(index - row->first) * row->stride);
}

static bool row_read(struct cpu *cpu, u32 index, u64 *value)
{
    const struct msr_row *row = find_row(cpu, index);
    if (!row || row->kind == MSR_SPECIAL) {
        return false;
    }
    *value = row->kind == MSR_CONSTANT || row->kind == MSR_IGNORE ? row->mask : *row_place(cpu, row, index);
    return true;
}

/* Memory types 0, 1, 4, 5, 6; PAT also knows 7 (UC-). SDM Vol. 3A 11.11, 11.12. */
static bool types_valid(u64 value, u32 types)
{
    for (unsigned n = 0; n < 64; n += 8) {
        unsigned type = value >> n & 0xff;
        if (type > 7 || !(types >> type & 1)) {
            return false;
        }
    }
    return true;
}

static bool row_accepts(const struct cpu *cpu, const struct msr_row *row, u64 value)
{
    switch (row->kind) {
    case MSR_STORE:
        return !(value & ~row->mask);
    case MSR_DEFAULT_TYPE:
        return !(value & ~row->mask) && types_valid(value & 0xff, 0x73);
    case MSR_CANONICAL:
        return base_canonical(cpu, value);
    case MSR_TYPES:
        return types_valid(value, 0x73);
    case MSR_PAT:
        return types_valid(value, 0xf3);
    case MSR_IGNORE:
        return true;
    default:
        return false;
    }
}

static bool row_write(struct cpu *cpu, u32 index, u64 value)
{
    const struct msr_row *row = find_row(cpu, index);
    if (!row || !row_accepts(cpu, row, value)) {
        return false;
    }
    if (row->kind != MSR_IGNORE) {
        *row_place(cpu, row, index) = value;
    }
    return true;
}

/* ---- time */

static u64 raw_tsc(struct cpu *cpu)
{
    return cpu->bus.now_ns ? muldiv64((u64)cpu->bus.now_ns(cpu->bus.opaque), cpu->tsc_hz, NS_PER_SECOND) : 0;
}

u64 cpu_tsc(struct cpu *cpu)
{
    return raw_tsc(cpu) + cpu->msr.tsc_offset;
}

/* A TSC deadline is a value of the counter: when the counter jumps, the local APIC must look at it again. */
static void set_tsc_offset(struct cpu *cpu, u64 offset)
{
    u64 deadline = 0;
    cpu->msr.tsc_offset = offset;
    if (feature_on(&cpu->features, FEATURE_TSC_DEADLINE) && cpu->bus.apic_read_msr &&
        cpu->bus.apic_read_msr(cpu->bus.opaque, 0x6e0, &deadline) && deadline) {
        cpu->bus.apic_write_msr(cpu->bus.opaque, 0x6e0, deadline);
    }
}

/* ---- registers that are more than storage */

static bool write_efer(struct cpu *cpu, u64 value)
{
    if (value & ~efer_valid(cpu)) {
        return false;
    }
    if ((value ^ cpu->efer) & EFER_LME && cpu->cr0 & CR0_PG) {
        return false;
    }
    u64 changed = value ^ cpu->efer;
    cpu->efer = merge_bits(value, EFER_LMA, cpu->efer);
    if (changed & EFER_NXE) {
        tlb_flush(&cpu->tlb);
    }
    cpu_update_mode(cpu);
    return true;
}

static bool write_segment_base(struct cpu *cpu, unsigned seg, u64 value)
{
    if (!base_canonical(cpu, value)) {
        return false;
    }
    cpu->seg[seg].base = value;
    cpu_update_segment(cpu, seg);
    return true;
}

/* Variable-range MTRRs 200h-20Fh: base, mask by turns. */
static u64 *mtrr_place(struct cpu *cpu, u32 index)
{
    unsigned n = (index - 0x200) / 2;
    return index & 1 ? &cpu->msr.mtrr_mask[n] : &cpu->msr.mtrr_base[n];
}

static bool write_mtrr(struct cpu *cpu, u32 index, u64 value)
{
    u64 reserved = phys_reserved(cpu) | (index & 1 ? 0x7ff : 0xf00);
    if (value & reserved || (!(index & 1) && !types_valid(value & 0xff, 0x73))) {
        return false;
    }
    *mtrr_place(cpu, index) = value;
    return true;
}

static bool is_apic_msr(const struct cpu *cpu, u32 index)
{
    return feature_on(&cpu->features, FEATURE_APIC) &&
           ((index == 0x1b && cpu->features.family >= 6) ||
            (index >= 0x800 && index <= 0x8ff && feature_on(&cpu->features, FEATURE_X2APIC)) ||
            (index == 0x6e0 && feature_on(&cpu->features, FEATURE_TSC_DEADLINE)));
}

static bool is_mtrr(const struct cpu *cpu, u32 index)
{
    return index >= 0x200 && index <= 0x20f && feature_on(&cpu->features, FEATURE_MTRR);
}

/* Whether the processor has the register, whatever may be read from it or written to it. */
static bool msr_exists(const struct cpu *cpu, u32 index)
{
    return is_apic_msr(cpu, index) || machine_check_has(cpu, index) || pmu_has(cpu, index) || cet_has_msr(cpu, index) ||
           find_row(cpu, index);
}

bool msr_read(struct cpu *cpu, u32 index, u64 *value)
{
    if (is_apic_msr(cpu, index)) {
        return cpu->bus.apic_read_msr && cpu->bus.apic_read_msr(cpu->bus.opaque, index, value);
    }
    if (is_mtrr(cpu, index)) {
        *value = *mtrr_place(cpu, index);
        return true;
    }
    if (cet_has_msr(cpu, index)) {
        *value = cet_read_msr(cpu, index);
        return true;
    }
    if (machine_check_has(cpu, index)) {
        *value = machine_check_read(cpu, index);
        return true;
    }
    if (pmu_has(cpu, index)) {
        *value = pmu_read(cpu, index);
        return true;
    }
    bool lm = feature_on(&cpu->features, FEATURE_LM);
    switch (index) {
    case 0x10:
        *value = cpu_tsc(cpu);
        return feature_on(&cpu->features, FEATURE_TSC);
    case 0x3b: /* TSC_ADJUST: the counter starts at 0 with the machine, so the offset is all there is */
        *value = cpu->msr.tsc_offset;
        return feature_on(&cpu->features, FEATURE_TSC_ADJUST);
    case 0x9e: /* SMBASE: SDM Vol. 4, readable in SMM */
        *value = cpu->msr.smbase;
        return cpu->in_smm;
    case 0xce:  /* PLATFORM_INFO */
    case 0x198: /* PERF_STATUS: the ratio to 100 MHz */
        *value = cpu->tsc_hz / 100000000 << 8;
        return find_row(cpu, index);
    case 0x1a0:
        *value = cpu->msr.misc_enable;
        return find_row(cpu, index);
    case 0xc0000080:
        *value = cpu->efer;
        return efer_valid(cpu) != 0;
    case 0xc0000100:
        *value = cpu->seg[SEG_FS].base;
        return lm;
    case 0xc0000101:
        *value = cpu->seg[SEG_GS].base;
        return lm;
    default:
        return row_read(cpu, index, value);
    }
}

bool msr_write(struct cpu *cpu, u32 index, u64 value)
{
    if (is_apic_msr(cpu, index)) {
        return cpu->bus.apic_write_msr && cpu->bus.apic_write_msr(cpu->bus.opaque, index, value);
    }
    if (is_mtrr(cpu, index)) {
        return write_mtrr(cpu, index, value);
    }
    if (cet_has_msr(cpu, index)) {
        return cet_write_msr(cpu, index, value);
    }
    if (machine_check_has(cpu, index)) {
        return machine_check_write(cpu, index, value);
    }
    if (pmu_has(cpu, index)) {
        return pmu_write(cpu, index, value);
    }
    bool lm = feature_on(&cpu->features, FEATURE_LM);
    switch (index) {
    case 0x10:
        if (!feature_on(&cpu->features, FEATURE_TSC)) {
            return false;
        }
        set_tsc_offset(cpu, value - raw_tsc(cpu));
        return true;
    case 0x3b:
        if (!feature_on(&cpu->features, FEATURE_TSC_ADJUST)) {
            return false;
        }
        set_tsc_offset(cpu, value);
        return true;
    case 0x1d9: /* DEBUGCTL: LBR and BTF are looked at while single instructions are executed */
        if (!row_write(cpu, index, value)) {
            return false;
        }
        cpu_update_debug(cpu);
        return true;
    case 0xda0:
        return !(value & ~xss_valid(cpu)) && row_write(cpu, index, value);
    case 0x6e1:
        if (!row_write(cpu, index, value)) {
            return false;
        }
        cpu_update_keys(cpu);
        return true;
    case 0x1a0: /* bits for features that are not there do not stick: CPUID limit (22), XD disable (34) */
        if (!find_row(cpu, index)) {
            return false;
        }
        cpu->msr.misc_enable = (value & ~(BIT(22) | BIT(34))) | MISC_ENABLE_FIXED;
        return true;
    case 0xc0000080:
        return efer_valid(cpu) && write_efer(cpu, value);
    case 0xc0000100:
        return lm && write_segment_base(cpu, SEG_FS, value);
    case 0xc0000101:
        return lm && write_segment_base(cpu, SEG_GS, value);
    default:
        return row_write(cpu, index, value);
    }
}

/* ---- instructions */

static void set_edx_eax(struct cpu *cpu, u64 value)
{
    cpu->regs[R_AX] = (u32)value;
    cpu->regs[R_DX] = value >> 32;
}

/* -cpu NAME,ignore-msrs=on: a register that does not exist reads 0 and takes what is written, as if it were not there to object. */
static bool ignored(const struct cpu *cpu, u32 index)
{
    if (!cpu->features.ignore_msrs || msr_exists(cpu, index)) {
        return false;
    }
    log_at(LOG_UNIMP, "msr %08x at %04x:%llx: no such register, ignored", index, cpu->seg[SEG_CS].selector,
           (unsigned long long)cpu->ip);
    return true;
}

OP(rdmsr)
{
    (void)i;
    require_cpl0(cpu);
    u32 index = (u32)cpu->regs[R_CX];
    u64 value = 0;
    bool known = msr_read(cpu, index, &value);
    if (!known && !ignored(cpu, index)) {
        log_at(LOG_UNIMP, "rdmsr %08x at %04x:%llx: no such register", index, cpu->seg[SEG_CS].selector,
               (unsigned long long)cpu->ip);
        cpu_raise(cpu, RULE_GP_RDMSR, 0);
    }
    set_edx_eax(cpu, known ? value : 0);
}

OP(wrmsr)
{
    (void)i;
    require_cpl0(cpu);
    u32 index = (u32)cpu->regs[R_CX];
    u64 value = (u32)cpu->regs[R_AX] | cpu->regs[R_DX] << 32;
    if (!msr_write(cpu, index, value) && !ignored(cpu, index)) {
        log_at(LOG_UNIMP, "wrmsr %08x = %016llx at %04x:%llx: no such register, or a reserved bit", index,
               (unsigned long long)value, cpu->seg[SEG_CS].selector, (unsigned long long)cpu->ip);
        cpu_raise(cpu, RULE_GP_WRMSR, 0);
    }
}

static void check_tsc(struct cpu *cpu)
{
    cpu_check(cpu, !(cpu->cr4 & CR4_TSD) || cpu->cpl == 0 || !cpu->protected_mode, RULE_GP_TSC_DISABLED, 0);
}

OP(rdtsc)
{
    (void)i;
    check_tsc(cpu);
    set_edx_eax(cpu, cpu_tsc(cpu));
}

OP(rdtscp)
{
    (void)i;
    check_tsc(cpu);
    set_edx_eax(cpu, cpu_tsc(cpu));
    cpu->regs[R_CX] = (u32)cpu->msr.tsc_aux;
}

OP(rdpid)
{
    gpr_write(cpu, i->rm, cpu->code_bytes == 8 ? 8 : 4, (u32)cpu->msr.tsc_aux);
}

OP(rdpmc)
{
    (void)i;
    cpu_check(cpu, cpu->cr4 & CR4_PCE || cpu->cpl == 0 || !cpu->protected_mode, RULE_GP_RDPMC_PCE, 0);
    u64  value = 0;
    bool known = pmu_rdpmc(cpu, (u32)cpu->regs[R_CX], &value) || (cpu->model->kind & WITHOUT_COUNTING && (u32)cpu->regs[R_CX] < 4);
    cpu_check(cpu, known, RULE_GP_RDPMC_INDEX, 0);
    set_edx_eax(cpu, value);
}
