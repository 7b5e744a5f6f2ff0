/*
 * cpuid.c: CPUID. Intel SDM Vol. 2 CPUID; AMD APM Vol. 3 appendix E for the extended leaves.
 *
 * Feature words come from the model (cpu/model.c); some bits follow control registers. Leaves 15h and 16h and the hypervisor's
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
    return (struct cpuid_result){.eax = cpu_model_signature(cpu->model),
                                 .ebx = 1 << 16 | (has(cpu, FEATURE_CLFSH) ? 8 << 8 : 0),
                                 .ecx = ecx,
                                 .edx = edx};
}

/* Descriptors of leaf 2: "see leaf 4", or a Pentium III's caches. */
static struct cpuid_result cache_descriptors(const struct cpu *cpu)
{
    if (cpu->model->max_leaf >= 4) {
        return (struct cpuid_result){.eax = 0x00feff01};
    }
    return (struct cpuid_result){.eax = 0x03020101, .edx = 0x0c040882};
}

enum cache_type { CACHE_DATA = 1, CACHE_CODE = 2, CACHE_UNIFIED = 3 };
struct cache {
    u8  type, level, ways;
    u32 kib;
};
static const struct cache caches[] = {
    {CACHE_DATA, 1, 8, 32}, {CACHE_CODE, 1, 8, 32}, {CACHE_UNIFIED, 2, 8, 512}, {CACHE_UNIFIED, 3, 16, 16384}};

static struct cpuid_result cache_leaf(u32 n)
{
    if (n >= ARRAY_LEN(caches)) {
        return (struct cpuid_result){0};
    }
    const struct cache *c = &caches[n];
    return (struct cpuid_result){.eax = c->type | (u32)c->level << 5 | 1 << 8,
                                 .ebx = (c->ways - 1u) << 22 | 63,
                                 .ecx = c->kib * 1024 / 64 / c->ways - 1};
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
        return cpu_model_is_amd(cpu->model) ? (struct cpuid_result){0} : cache_descriptors(cpu);
    case 4:
        return cpu_model_is_amd(cpu->model) ? (struct cpuid_result){0} : cache_leaf(sub);
    case 6: /* ARAT: the local APIC's timer never stops */
        return (struct cpuid_result){.eax = 4};
    case 7:
        return sub ? (struct cpuid_result){0}
                   : (struct cpuid_result){
                         .ebx = word(cpu, WORD_7B), .ecx = word(cpu, WORD_7C) | (cpu->cr4 & CR4_PKE ? 1 << 4 /* OSPKE */ : 0), .edx = word(cpu, WORD_7D)};
    case 0xb:
        return has(cpu, FEATURE_X2APIC) ? topology_leaf(sub) : (struct cpuid_result){0};
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
    case 0x80000005: /* AMD: L1 data and code, 64 KB, 2-way, 64-byte lines */
        return amd ? (struct cpuid_result){
                         .eax = 0x01ff01ff, .ebx = 0x01ff01ff, .ecx = 0x40020140, .edx = 0x40020140}
                   : (struct cpuid_result){0};
    case 0x80000006: /* L2: 512 KB, 8-way */
        return (struct cpuid_result){.ecx = 512 << 16 | 6 << 12 | (amd ? 1 << 8 : 0) | 64};
    case 0x80000007: /* invariant TSC */
        return (struct cpuid_result){.edx = 1 << 8};
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
