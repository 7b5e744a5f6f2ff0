/*
 * cpuid.c: CPUID. Intel SDM Vol. 2 CPUID; AMD APM Vol. 3 appendix E for the extended leaves.
 *
 * Feature words, caches and the highest leaves come from the model (cpu/models.c); some bits follow control registers. Leaves 15h and 16h and the hypervisor's
 * timing leaf 40000010h give the frequency of the TSC and of the local APIC's timer, so that systems need not measure them.
 */
#include "cpu/fpu/check.h"
#include "cpu/op/op.h"

#include <string.h>

static bool has(const struct cpu *cpu, enum feature feature)
{
    return feature_on(&cpu->features, feature);
}

static u32 word(const struct cpu *cpu, enum cpuid_word w)
{
    return cpu->features.word[w];
}

static struct cpuid_result vendor_leaf(u32 max, const char vendor[13])
{
    return (struct cpuid_result){
        .eax = max, .ebx = load32(vendor), .edx = load32(vendor + 4), .ecx = load32(vendor + 8)};
}

static bool apic_enabled(const struct cpu *cpu)
{
    u64 base;
    return cpu->bus.apic_read_msr && cpu->bus.apic_read_msr(cpu->bus.opaque, 0x1b, &base) && base & BIT(11);
}

static struct cpuid_result features_leaf(const struct cpu *cpu)
{
    u32 edx = word(cpu, WORD_1D), ecx = word(cpu, WORD_1C);
    if (!apic_enabled(cpu)) {
        edx &= ~(u32)BIT(9);
    }
    if (cpu->cr4 & CR4_OSXSAVE) {
        ecx |= (u32)BIT(27);
    }
    u32 ebx = cpu->model->brand_index | (has(cpu, FEATURE_CLFSH) ? 1 << 16 | 8 << 8 : 0);
    return (struct cpuid_result){.eax = cpu_model_signature(cpu->model), .ebx = ebx, .ecx = ecx, .edx = edx};
}

static struct cpuid_result cache_descriptors(const struct cpu *cpu)
{
    const u32 *d = cpu->model->descriptors;
    return (struct cpuid_result){.eax = d[0], .ebx = d[1], .ecx = d[2], .edx = d[3]};
}

/* Leaf 4: deterministic cache parameters. */
static struct cpuid_result cache_leaf(const struct cpu *cpu, u32 n)
{
    if (n >= ARRAY_LEN(cpu->model->caches) || !cpu->model->caches[n].type) {
        return (struct cpuid_result){0};
    }
    const struct cpu_cache *c = &cpu->model->caches[n];
    return (struct cpuid_result){.eax = c->type | (u32)c->level << 5 | 1 << 8,
                                 .ebx = (c->ways - 1u) << 22 | (c->line - 1u),
                                 .ecx = c->kib * 1024 / c->line / c->ways - 1};
}

static const struct cpu_cache *find_cache(const struct cpu *cpu, enum cache_type type, unsigned level)
{
    for (unsigned n = 0; n < ARRAY_LEN(cpu->model->caches); n++) {
        if (cpu->model->caches[n].type == type && cpu->model->caches[n].level == level) {
            return &cpu->model->caches[n];
        }
    }
    return NULL;
}

/* AMD APM Vol. 3 E.4.5: KiB, ways as they are, lines per tag, bytes of a line. */
static u32 l1_word(const struct cpu *cpu, enum cache_type type)
{
    const struct cpu_cache *c = find_cache(cpu, type, 1);
    return c ? c->kib << 24 | (u32)c->ways << 16 | 1 << 8 | c->line : 0;
}

/* The same of the second level, E.4.6, where ways have a code. Intel leaves the lines per tag out. */
static u32 l2_word(const struct cpu *cpu)
{
    static const u8         codes[] = {[1] = 1, [2] = 2, [4] = 4, [8] = 6, [16] = 8};
    const struct cpu_cache *c       = find_cache(cpu, CACHE_UNIFIED, 2);
    return c ? c->kib << 16 | (u32)codes[c->ways] << 12 | (cpu_model_is_amd(cpu->model) ? 1 << 8 : 0) | c->line : 0;
}

/* MONITOR works on lines of 64 bytes; MWAIT: extensions are enumerated, interrupts may end it while they are masked; C1. */
static struct cpuid_result monitor_leaf(const struct cpu *cpu)
{
    return has(cpu, FEATURE_MONITOR) ? (struct cpuid_result){.eax = 64, .ebx = 64, .ecx = 3, .edx = 1 << 4}
                                     : (struct cpuid_result){0};
}

/* The one thread of the one core. */
static struct cpuid_result topology_leaf(u32 level)
{
    if (level > 1) {
        return (struct cpuid_result){.ecx = level};
    }
    return (struct cpuid_result){.ebx = 1, .ecx = (level + 1) << 8 | level};
}

static struct cpuid_result xsave_leaf(const struct cpu *cpu, u32 n)
{
    if (!has(cpu, FEATURE_XSAVE)) {
        return (struct cpuid_result){0};
    }
    u32 offset, bytes;
    switch (n) {
    case 0:
        return (struct cpuid_result){.eax = (u32)xcr0_valid(cpu),
                                     .ebx = xsave_area_bytes(cpu->xcr0, false),
                                     .ecx = xsave_area_bytes(xcr0_valid(cpu), false)};
    case 1:
        return (struct cpuid_result){.eax = word(cpu, WORD_D1A),
                                     .ebx = has(cpu, FEATURE_XSAVEC) ? xsave_area_bytes(cpu->xcr0 | cpu->msr.xss, true) : 0,
                                     .ecx = (u32)xss_valid(cpu)};
    default:
        if (n > 63 || !((xcr0_valid(cpu) | xss_valid(cpu)) >> n & 1) || !xsave_component(n, &offset, &bytes)) {
            return (struct cpuid_result){0};
        }
        return (struct cpuid_result){.eax = bytes, .ebx = offset, .ecx = xss_valid(cpu) >> n & 1};
    }
}

static u64 gcd(u64 a, u64 b)
{
    while (b) {
        u64 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static struct cpuid_result tsc_leaf(const struct cpu *cpu)
{
    u64 common = gcd(cpu->tsc_hz, APIC_BUS_HZ);
    return (struct cpuid_result){.eax = (u32)(APIC_BUS_HZ / (common ? common : 1)),
                                 .ebx = (u32)(cpu->tsc_hz / (common ? common : 1)),
                                 .ecx = APIC_BUS_HZ};
}

static struct cpuid_result basic(const struct cpu *cpu, u32 leaf, u32 sub)
{
    u32 mhz = (u32)(cpu->tsc_hz / 1000000);
    switch (leaf) {
    case 0:
        return vendor_leaf(cpu->model->max_leaf, cpu->model->vendor);
    case 1:
        return features_leaf(cpu);
    case 2:
        return cache_descriptors(cpu);
    case 4:
        return cpu_model_is_amd(cpu->model) ? (struct cpuid_result){0} : cache_leaf(cpu, sub);
    case 5:
        return monitor_leaf(cpu);
    case 6: /* ARAT: the local APIC's timer never stops */
        return (struct cpuid_result){.eax = word(cpu, WORD_6A)};
    case 7:
        return sub ? (struct cpuid_result){0}
                   : (struct cpuid_result){
                         .ebx = word(cpu, WORD_7B), .ecx = word(cpu, WORD_7C) | (cpu->cr4 & CR4_PKE ? 1 << 4 /* OSPKE */ : 0), .edx = word(cpu, WORD_7D)};
    case 0xa:
        return pmu_leaf(cpu);
    case 0xb:
        return cpu_model_is_amd(cpu->model) ? (struct cpuid_result){0} : topology_leaf(sub);
    case 0xd:
        return xsave_leaf(cpu, sub);
    case 0x15:
        return tsc_leaf(cpu);
    case 0x16:
        return (struct cpuid_result){.eax = mhz, .ebx = mhz, .ecx = 100};
    default:
        return (struct cpuid_result){0};
    }
}

static struct cpuid_result hypervisor(const struct cpu *cpu, u32 leaf)
{
    switch (leaf) {
    case 0x40000000: {
        struct cpuid_result r = vendor_leaf(0x40000010, "Ringside\0\0\0\0");
        u32                 third = r.ecx; /* EBX, ECX, EDX here */
        r.ecx = r.edx;
        r.edx = third;
        return r;
    }
    case 0x40000010:
        return (struct cpuid_result){.eax = (u32)(cpu->tsc_hz / 1000), .ebx = APIC_BUS_HZ / 1000};
    default:
        return (struct cpuid_result){0};
    }
}

static struct cpuid_result extended_features(const struct cpu *cpu)
{
    u32 edx = word(cpu, WORD_81D);
    if (cpu_model_is_amd(cpu->model)) {
        edx |= word(cpu, WORD_1D) & 0x0183f3ff; /* AMD repeats the basic word here */
        if (!apic_enabled(cpu)) {
            edx &= ~(u32)BIT(9);
        }
    } else if (cpu->code_bytes != 8) {
        edx &= ~(u32)BIT(11); /* SYSCALL is for 64-bit mode only: SDM Vol. 2 CPUID */
    }
    return (struct cpuid_result){.eax = cpu_model_is_amd(cpu->model) ? cpu_model_signature(cpu->model) : 0,
                                 .ecx = word(cpu, WORD_81C),
                                 .edx = edx};
}

static struct cpuid_result extended(const struct cpu *cpu, u32 leaf)
{
    char brand[48] = {0};
    bool amd = cpu_model_is_amd(cpu->model), lm = has(cpu, FEATURE_LM);
    const u32 *tlb = cpu->model->tlb;
    switch (leaf) {
    case 0x80000000:
        return amd ? vendor_leaf(cpu->model->max_extended, cpu->model->vendor)
                   : (struct cpuid_result){.eax = cpu->model->max_extended};
    case 0x80000001:
        return extended_features(cpu);
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
        memcpy(brand, cpu->model->brand, strnlen(cpu->model->brand, sizeof brand - 1));
        const char *part = brand + (leaf - 0x80000002) * 16;
        return (struct cpuid_result){
            .eax = load32(part), .ebx = load32(part + 4), .ecx = load32(part + 8), .edx = load32(part + 12)};
    }
    case 0x80000005:
        return amd ? (struct cpuid_result){
                         .eax = tlb[0], .ebx = tlb[1], .ecx = l1_word(cpu, CACHE_DATA), .edx = l1_word(cpu, CACHE_CODE)}
                   : (struct cpuid_result){0};
    case 0x80000006:
        return (struct cpuid_result){.eax = tlb[2], .ebx = tlb[3], .ecx = l2_word(cpu)};
    case 0x80000007:
        return (struct cpuid_result){.edx = word(cpu, WORD_87D)};
    case 0x80000008:
        return (struct cpuid_result){.eax = cpu->model->phys_bits | (has(cpu, FEATURE_LA57) ? 57 : lm ? 48 : 32) << 8};
    default:
        return (struct cpuid_result){0};
    }
}

struct cpuid_result cpu_cpuid(const struct cpu *cpu, u32 leaf, u32 subleaf)
{
    if (leaf >= 0x40000000 && leaf < 0x40000100 && has(cpu, FEATURE_HYPERVISOR)) {
        return hypervisor(cpu, leaf);
    }
    if (leaf >= 0x80000000 && leaf <= cpu->model->max_extended) {
        return extended(cpu, leaf);
    }
    if (leaf > cpu->model->max_leaf) {
        if (cpu_model_is_amd(cpu->model)) {
            return (struct cpuid_result){0};
        }
        leaf = cpu->model->max_leaf; /* SDM Vol. 2 CPUID: data of the highest basic leaf */
    }
    return basic(cpu, leaf, subleaf);
}

OP(cpuid)
{
    (void)i;
    struct cpuid_result r = cpu_cpuid(cpu, (u32)cpu->regs[R_AX], (u32)cpu->regs[R_CX]);
    cpu->regs[R_AX] = r.eax;
    cpu->regs[R_BX] = r.ebx;
    cpu->regs[R_CX] = r.ecx;
    cpu->regs[R_DX] = r.edx;
}
