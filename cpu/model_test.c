/* model_test.c: every model's CPUID leaves against each other, its reset values, and the words of -cpu. */
#include "cpu/op/op_testing.h"

#include <ctype.h>
#include <string.h>

static struct bed *current; /* of the checks below */

static struct cpuid_result leaf(u32 number, u32 sub)
{
    return cpu_cpuid(current->cpu, number, sub);
}

static bool has(enum feature feature)
{
    return feature_on(&current->cpu->features, feature);
}

/* ---- features that need others */

static void features_fit_each_other(void)
{
    static const struct {
        enum feature feature, needs;
    } rows[] = {
        {FEATURE_PSE36, FEATURE_PSE},      {FEATURE_PAE, FEATURE_PSE},         {FEATURE_PGE, FEATURE_PAE},
        {FEATURE_APIC, FEATURE_MSR},       {FEATURE_MCE, FEATURE_MSR},         {FEATURE_MCA, FEATURE_MCE},
        {FEATURE_MTRR, FEATURE_MSR},       {FEATURE_PAT, FEATURE_MTRR},        {FEATURE_SEP, FEATURE_MSR},
        {FEATURE_FXSR, FEATURE_FPU},       {FEATURE_SSE, FEATURE_FXSR},        {FEATURE_SSE, FEATURE_MMX},
        {FEATURE_SSE2, FEATURE_SSE},       {FEATURE_SSE3, FEATURE_SSE2},       {FEATURE_SSSE3, FEATURE_SSE3},
        {FEATURE_SSE41, FEATURE_SSSE3},    {FEATURE_SSE42, FEATURE_SSE41},     {FEATURE_PCLMULQDQ, FEATURE_SSE2},
        {FEATURE_AES, FEATURE_SSE2},       {FEATURE_XSAVE, FEATURE_FXSR},      {FEATURE_AVX, FEATURE_XSAVE},
        {FEATURE_AVX2, FEATURE_AVX},       {FEATURE_FMA, FEATURE_AVX},         {FEATURE_F16C, FEATURE_AVX},
        {FEATURE_XSAVEOPT, FEATURE_XSAVE}, {FEATURE_XSAVES, FEATURE_XSAVEC},   {FEATURE_LM, FEATURE_PAE},
        {FEATURE_LM, FEATURE_SSE2},        {FEATURE_LM, FEATURE_NX},           {FEATURE_LM, FEATURE_SYSCALL},
        {FEATURE_LAHF_LM, FEATURE_LM},     {FEATURE_CX16, FEATURE_LM},         {FEATURE_PDPE1GB, FEATURE_LM},
        {FEATURE_PCID, FEATURE_LM},        {FEATURE_FSGSBASE, FEATURE_LM},     {FEATURE_NX, FEATURE_PAE},
        {FEATURE_TSC_DEADLINE, FEATURE_APIC}, {FEATURE_X2APIC, FEATURE_APIC},  {FEATURE_TSC_ADJUST, FEATURE_TSC},
        {FEATURE_RDTSCP, FEATURE_TSC},     {FEATURE_3DNOW, FEATURE_MMX},       {FEATURE_3DNOWEXT, FEATURE_3DNOW},
        {FEATURE_MMXEXT, FEATURE_MMX},     {FEATURE_SYSCALL, FEATURE_MSR},     {FEATURE_BMI2, FEATURE_BMI1},
        {FEATURE_VAES, FEATURE_AES},       {FEATURE_VPCLMULQDQ, FEATURE_PCLMULQDQ}, {FEATURE_PKU, FEATURE_XSAVE},
        {FEATURE_LA57, FEATURE_LM},        {FEATURE_PKS, FEATURE_LM},
    };
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        if (has(rows[n].feature) && !has(rows[n].needs)) {
            fail_msg("%s: feature %u without %u", cpu_model_name(current->cpu->model), rows[n].feature, rows[n].needs);
        }
    }
}

/* ---- leaves */

static void leaf_0_and_1(const struct cpu_model *m)
{
    struct cpuid_result r = leaf(0, 0);
    assert_int_equal(r.eax, m->max_leaf);
    assert_memory_equal(&r.ebx, m->vendor, 4);
    assert_memory_equal(&r.edx, m->vendor + 4, 4);
    assert_memory_equal(&r.ecx, m->vendor + 8, 4);
    r = leaf(1, 0);
    u32 family = (r.eax >> 8 & 15) == 15 ? 15 + (r.eax >> 20 & 0xff) : r.eax >> 8 & 15;
    assert_int_equal(family, m->family);
    assert_int_equal((r.eax >> 4 & 15) | (family >= 6 ? r.eax >> 12 & 0xf0 : 0), m->model);
    assert_int_equal(r.eax & 15, m->stepping);
    assert_int_equal(r.eax & 0xf000f000, 0);
    assert_int_equal(!(r.edx & BIT(19)), !(r.ebx & 0xff00)); /* CLFLUSH and its line */
    assert_int_equal(r.edx & BIT(28), 0);                    /* no hyper-threading */
}

/* The highest leaf is there for a reason: what lies above it would be needed by no feature. */
static void highest_leaf(const struct cpu_model *m)
{
    u32 words[CPUID_WORDS];
    memcpy(words, current->cpu->features.word, sizeof words);
    u32 needed = words[WORD_D1A] || has(FEATURE_XSAVE)         ? 0xd
                 : words[WORD_7B] | words[WORD_7C] | words[WORD_7D] ? 7
                 : words[WORD_6A]                              ? 6
                 : has(FEATURE_MONITOR)                        ? 5
                                                               : 1;
    assert_true(m->max_leaf >= needed);
    u32 extended = words[WORD_87D]                           ? 0x80000007
                   : words[WORD_81D] | words[WORD_81C]       ? 0x80000001
                   : m->brand[0]                             ? 0x80000004
                                                             : 0;
    assert_true(m->max_extended >= extended);
    assert_true(!has(FEATURE_LM) || m->max_extended >= 0x80000008);
    assert_true(!has(FEATURE_X2APIC) || m->max_leaf >= 0xb);
    for (u32 n = m->max_leaf + 1; n < 0x20; n++) { /* SDM Vol. 2 CPUID: the highest leaf's; AMD: zeros */
        struct cpuid_result r = leaf(n, 0), top = cpu_model_is_amd(m) ? (struct cpuid_result){0} : leaf(m->max_leaf, 0);
        assert_memory_equal(&r, &top, sizeof r);
    }
}

static void brand(const struct cpu_model *m)
{
    char text[49] = {0};
    if (m->max_extended < 0x80000004) {
        assert_string_equal(m->brand, "");
        return;
    }
    for (u32 n = 0; n < 3; n++) {
        struct cpuid_result r = leaf(0x80000002 + n, 0);
        memcpy(text + 16 * n, &r.eax, 4);
        memcpy(text + 16 * n + 4, &r.ebx, 4);
        memcpy(text + 16 * n + 8, &r.ecx, 4);
        memcpy(text + 16 * n + 12, &r.edx, 4);
    }
    assert_true(strlen(m->brand) < 48);
    assert_string_equal(text, m->brand);
}

/* Leaf 2's descriptors that name sizes, in KiB (SDM Vol. 2 table 3-12): they must be those of leaf 4. */
static u32 descriptor_kib(u8 descriptor, unsigned *level)
{
    static const struct {
        u8  descriptor, level;
        u32 kib;
    } rows[] = {{0x0c, 1, 16}, {0x2c, 1, 32}, {0x43, 2, 512}, {0x82, 2, 256}, {0x21, 2, 256}, {0x49, 2, 4096}, {0xe4, 3, 8192}};
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        if (rows[n].descriptor == descriptor) {
            *level = rows[n].level;
            return rows[n].kib;
        }
    }
    return 0;
}

static u32 leaf4_kib(unsigned level)
{
    for (u32 n = 0; n < 4; n++) {
        struct cpuid_result r = leaf(4, n);
        if ((r.eax & 31) && (r.eax & 31) != CACHE_CODE && (r.eax >> 5 & 7) == level) {
            return ((r.ebx >> 22) + 1) * ((r.ebx & 0xfff) + 1) * (r.ecx + 1) / 1024;
        }
    }
    return 0;
}

static void caches_of_intel(const struct cpu_model *m)
{
    if (m->max_leaf < 2) {
        return;
    }
    struct cpuid_result r = leaf(2, 0);
    u8                  bytes[16];
    memcpy(bytes, &r, sizeof bytes);
    assert_int_equal(bytes[0], 1); /* once is enough */
    for (unsigned n = 1; n < 16; n++) {
        unsigned level = 0;
        u32      kib   = r.eax >> 31 ? 0 : descriptor_kib(bytes[n], &level);
        if (kib && m->max_leaf >= 4) {
            assert_int_equal(kib, leaf4_kib(level));
        }
    }
    if (m->max_leaf >= 4) {
        assert_int_equal(leaf(4, 4).eax, 0);
        assert_true(leaf4_kib(1) && leaf4_kib(2));
    }
    if (m->max_extended >= 0x80000006) {
        assert_int_equal(leaf(0x80000006, 0).ecx >> 16, leaf4_kib(2));
        assert_int_equal(leaf(0x80000005, 0).ecx, 0);
    }
}

static void caches_of_amd(const struct cpu_model *m)
{
    assert_int_equal(leaf(2, 0).eax, 0);
    assert_int_equal(leaf(4, 0).eax, 0);
    struct cpuid_result l1 = leaf(0x80000005, 0), l2 = leaf(0x80000006, 0);
    assert_int_equal(l1.ecx >> 24, m->caches[0].kib);
    assert_int_equal(l1.edx >> 24, m->caches[1].kib);
    assert_int_equal(l2.ecx >> 16, m->caches[2].kib);
    assert_int_equal(l2.ecx & 0xff, 64);
}

static void extended_features(const struct cpu_model *m)
{
    if (m->max_extended < 0x80000001) {
        return;
    }
    u32 edx = leaf(0x80000001, 0).edx, base = leaf(1, 0).edx;
    if (cpu_model_is_amd(m)) {
        assert_int_equal((edx ^ base) & 0x0183f3ff, 0);
        assert_int_equal(leaf(0x80000001, 0).eax, leaf(1, 0).eax);
    } else {
        assert_int_equal(edx & 0x0183f3ff, 0);
    }
    if (has(FEATURE_LM)) {
        assert_int_equal(leaf(0x80000008, 0).eax, m->phys_bits | (has(FEATURE_LA57) ? 57u : 48u) << 8);
    }
}

/* SDM Vol. 1 13.2: the sizes of the save area follow XCR0. */
static void save_areas(void)
{
    struct cpu *cpu = current->cpu;
    if (cpu->model->max_leaf < 0xd) {
        return;
    }
    struct cpuid_result r = leaf(0xd, 0);
    if (!has(FEATURE_XSAVE)) {
        assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0);
        return;
    }
    assert_int_equal(r.eax, (has(FEATURE_AVX) ? 7u : 3u) | (has(FEATURE_PKU) ? 1u << 9 : 0));
    u32 end = 576, supervisor = leaf(0xd, 1).ecx;
    assert_int_equal(r.eax & supervisor, 0);
    assert_true(!supervisor || has(FEATURE_XSAVES));
    for (u32 n = 2; n < 63; n++) {
        struct cpuid_result part = leaf(0xd, n);
        assert_int_equal(!part.eax, !(n < 32 && (r.eax | supervisor) >> n & 1));
        assert_int_equal(part.ecx & 1, n < 32 && supervisor >> n & 1);
        end = part.eax && !(part.ecx & 1) && part.eax + part.ebx > end ? part.eax + part.ebx : end;
    }
    assert_int_equal(r.ecx, end);
    u64 xcr0 = cpu->xcr0;
    cpu->xcr0 = r.eax;
    assert_int_equal(leaf(0xd, 0).ebx, end);
    cpu->xcr0 = 3;
    assert_int_equal(leaf(0xd, 0).ebx, 576);
    cpu->xcr0 = xcr0;
}

static void topology(const struct cpu_model *m)
{
    if (m->max_leaf < 0xb) {
        return;
    }
    bool intel = !cpu_model_is_amd(m);
    for (u32 n = 0; n < 4; n++) {
        struct cpuid_result r = leaf(0xb, n);
        assert_int_equal(r.ecx, intel ? (n < 2 ? (n + 1) << 8 | n : n) : 0);
        assert_int_equal(r.ebx, intel && n < 2);
        assert_int_equal(r.edx, 0);
    }
}

/* ---- what the processor starts with, and what may be set */

static void reset_values(const struct cpu_model *m)
{
    struct cpu *cpu = current->cpu;
    assert_int_equal(cpu->regs[R_DX], cpu_model_signature(m));
    assert_int_equal(cpu->cr0, m->family >= 4 ? 0x60000010 : 0x10);
    assert_int_equal(cpu->eflags | FLAG_1, 2);
    assert_int_equal(cpu->paging.phys_bits, m->phys_bits);
    u32 flags = eflags_valid(cpu);
    assert_int_equal(!!(flags & FLAG_AC), m->family >= 4);
    assert_int_equal(!!(flags & FLAG_ID), m->max_leaf != 0);
    assert_int_equal(!!(flags & FLAG_VIF), has(FEATURE_VME));
    assert_int_equal(!!(cr4_valid(cpu) & CR4_PCE), has(FEATURE_RDPMC));
    if (!m->max_leaf) {
        assert_int_equal(cr4_valid(cpu), 0);
    }
}

static bool works(const char *code, unsigned size)
{
    struct bed *b = current;
    bed_protected(b, 0);
    put_code(b, CODE0, code, size);
    step(b);
    return b->cpu->ip == CODE0 + size;
}
#define WORKS(code) works(code, sizeof(code) - 1)

static void instructions(const struct cpu_model *m)
{
    assert_int_equal(WORKS("\x0f\xc8"), m->family >= 4);             /* BSWAP */
    assert_int_equal(WORKS("\x0f\xb1\xc8"), m->family >= 4);         /* CMPXCHG */
    assert_int_equal(WORKS("\x0f\xc1\xc8"), m->family >= 4);         /* XADD */
    assert_int_equal(WORKS("\x0f\x09"), m->family >= 4);             /* WBINVD */
    assert_int_equal(WORKS("\x0f\x01\x3d\x00\x00\x00\x00"), m->family >= 4); /* INVLPG */
    assert_int_equal(WORKS("\x0f\xa2"), m->max_leaf != 0);           /* CPUID */
    assert_int_equal(WORKS("\x0f\x20\xe0"), m->max_leaf != 0);       /* MOV EAX, CR4 */
    assert_int_equal(WORKS("\x0f\x31"), has(FEATURE_TSC));
    assert_int_equal(WORKS("\x0f\x40\xc0"), has(FEATURE_CMOV));
    assert_int_equal(WORKS("\x0f\x1f\xc0"), m->family >= 6);         /* NOP with an operand */
    assert_int_equal(WORKS("\x0f\x70\xc0\x00"), has(FEATURE_MMX2));  /* PSHUFW */
    assert_int_equal(WORKS("\x0f\x77"), has(FEATURE_MMX));           /* EMMS */
    assert_int_equal(WORKS("\x0f\x0e"), has(FEATURE_3DNOW));         /* FEMMS */
    assert_int_equal(WORKS("\x0f\x01\xd6"), has(FEATURE_RTM));       /* XTEST */
    current->cpu->regs[R_CX] = 0x10;
    assert_int_equal(WORKS("\x0f\x32"), has(FEATURE_MSR));
}

static void models(void **state)
{
    (void)state;
    for (unsigned n = 0; n < cpu_model_count; n++) {
        const struct cpu_model *m = &cpu_models[n];
        current                   = bed_create(m->name);
        reset_values(m);
        features_fit_each_other();
        if (m->max_leaf) {
            leaf_0_and_1(m);
            highest_leaf(m);
            brand(m);
            extended_features(m);
            save_areas();
            topology(m);
            if (cpu_model_is_amd(m)) {
                caches_of_amd(m);
            } else {
                caches_of_intel(m);
            }
        }
        instructions(m);
        bed_destroy(current);
    }
}

/* By these names people will ask for them. */
static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32         signature;
    } rows[] = {{"386", 0x308},         {"486", 0x404},          {"486dx4", 0x480},      {"pentium", 0x52c},
                {"pentium-mmx", 0x543}, {"pentium2", 0x652},     {"pentium3", 0x683},    {"athlon", 0x642},
                {"core2duo", 0x6fb},    {"Nehalem", 0x106a3},    {"Haswell", 0x306c4},   {"Haswell-noTSX", 0x306c1},
                {"haswell", 0x306c4},   {"qemu64", 0x60fb1},     {"qemu32", 0x663},      {"Core2Duo", 0x6fb}};
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        struct cpu_features f;
        struct error        err;
        const struct cpu_model *m = cpu_model_find(rows[n].name, &f, &err);
        assert_non_null(m);
        assert_int_equal(cpu_model_signature(m), rows[n].signature);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models), cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
