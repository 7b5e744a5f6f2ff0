/* system_test.c: flags, I/O rights, control registers, MSRs, CPUID, SMM, reset and saved form, decimal arithmetic. */
#include "cpu/op/op_testing.h"

static void popf_respects_iopl(void **state)
{
    (void)state;
    static const struct {
        unsigned cpl;
        u32      before, image, after;
    } cases[] = {
        {0, 0, 0x247fd5, FLAG_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_ID},
        {3, FLAG_IF, FLAG_IOPL | FLAG_NT, FLAG_IF | FLAG_NT},           /* neither IF nor IOPL */
        {3, FLAG_IOPL | FLAG_IF, 0, FLAG_IOPL},                          /* IF, not IOPL */
        {0, 0, FLAG_VM | FLAG_RF | FLAG_VIF | FLAG_VIP, 0},
    };
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct bed *b = bed_create("max");
        bed_protected(b, cases[n].cpl);
        CODE(b, b->cpu->ip, "\x9d");
        flags_set(b->cpu, cases[n].before);
        poke(b, b->cpu->regs[R_SP], cases[n].image, 4);
        step(b);
        assert_int_equal(flags_get(b->cpu), cases[n].after | FLAG_1);
        bed_destroy(b);
    }
}

/* A 486 cannot set ID, and so has no CPUID; it can set AC. */
static void flags_of_a_486(void **state)
{
    (void)state;
    struct bed *b = bed_create("486");
    bed_protected(b, 0);
    CODE(b, CODE0, "\x9d\x0f\xa2");
    poke(b, b->cpu->regs[R_SP], FLAG_AC | FLAG_ID, 4);
    step(b);
    assert_int_equal(b->cpu->eflags, FLAG_AC);
    step(b);
    assert_vector(b, VEC_UD);
    bed_protected(b, 0);
    CODE(b, CODE0, "\x0f\x20\xe0"); /* mov eax, cr4 */
    step(b);
    assert_vector(b, VEC_UD);
    bed_destroy(b);
}

static void io_bitmap(void **state)
{
    (void)state;
    static const struct {
        unsigned port, size;
        bool     allowed;
    } cases[] = {{0x60, 1, true}, {0x61, 1, false}, {0x60, 2, false}, {0x5f, 1, true}, {0x5d, 4, true}, {0x5e, 4, false},
                 {0x3f8, 1, false} /* beyond the TSS */};
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct bed *b = bed_create("qemu32");
        bed_protected(b, 3);
        set_descriptor(b, SEL_TSS, TSS, 0x68 + 0x10, 0x8b);
        b->cpu->tr = bed_segment(b, SEL_TSS);
        poke(b, TSS + 0x68 + 0xc, 2, 1); /* port 61h is forbidden */
        CODE(b, CODE3, "\xec");
        poke(b, CODE3, cases[n].size == 1 ? 0xec : cases[n].size == 2 ? 0xed66 : 0xed, 2);
        b->cpu->regs[R_DX] = cases[n].port;
        b->cpu->regs[R_AX] = 0;
        step(b);
        if (cases[n].allowed) {
            assert_int_equal(b->cpu->regs[R_AX], 0xffffffff >> (32 - 8 * cases[n].size));
        } else {
            assert_vector(b, VEC_GP);
        }
        bed_destroy(b);
    }
}

static bool mov_cr_works(unsigned number, u64 value, bool in_long)
{
    struct bed *b = bed_create("max");
    if (in_long) {
        bed_long(b, 0);
    } else {
        bed_protected(b, 0);
    }
    const char code[] = {0x0f, 0x22, (char)(0xc0 | number << 3)};
    put_code(b, CODE0, code, 3);
    b->cpu->regs[R_AX] = value;
    step(b);
    bool ok = b->cpu->ip == CODE0 + 3;
    if (!ok) {
        assert_vector(b, VEC_GP);
    }
    bed_destroy(b);
    return ok;
}

static void control_register_checks(void **state)
{
    (void)state;
    assert_true(mov_cr_works(0, CR0_PE | CR0_ET | CR0_WP, false));
    assert_false(mov_cr_works(0, CR0_PG, false));
    assert_false(mov_cr_works(0, CR0_PE | CR0_NW, false));
    assert_false(mov_cr_works(0, CR0_PE, true)); /* paging off in 64-bit mode */
    assert_false(mov_cr_works(0, CR0_PE | CR0_PG | BIT(32), true));
    assert_true(mov_cr_works(4, CR4_PSE | CR4_SMEP, false));
    assert_false(mov_cr_works(4, 1 << 14, false));
    assert_false(mov_cr_works(4, CR4_PCIDE, false));
    assert_true(mov_cr_works(4, CR4_PAE | CR4_PCIDE, true));
    assert_false(mov_cr_works(4, 0, true)); /* PAE off in long mode */
    assert_false(mov_cr_works(3, BIT(50), true));
    assert_true(mov_cr_works(3, PAGES, true));
}

static bool wrmsr_works(const char *model, u32 index, u64 value)
{
    struct bed *b = bed_create(model);
    bed_protected(b, 0);
    CODE(b, CODE0, "\x0f\x30\x0f\x32");
    b->cpu->regs[R_CX] = index;
    b->cpu->regs[R_AX] = (u32)value;
    b->cpu->regs[R_DX] = value >> 32;
    step(b);
    bool ok = b->cpu->ip == CODE0 + 2;
    if (ok) {
        step(b);
        assert_int_equal(b->cpu->ip, CODE0 + 4);
    } else {
        assert_vector(b, VEC_GP);
    }
    bed_destroy(b);
    return ok;
}

static void msr_checks(void **state)
{
    (void)state;
    assert_true(wrmsr_works("max", 0xc0000080, EFER_SCE | EFER_NXE | EFER_LME));
    assert_false(wrmsr_works("max", 0xc0000080, BIT(1)));
    assert_false(wrmsr_works("pentium3", 0xc0000080, 0));
    assert_false(wrmsr_works("max", 0xc0000100, BIT(63))); /* FS base: canonical */
    assert_true(wrmsr_works("max", 0xc0000101, ~(u64)0));
    assert_true(wrmsr_works("max", 0x277, 0x0007040600070406));
    assert_false(wrmsr_works("max", 0x277, 2));
    assert_true(wrmsr_works("max", 0x200, 0xfe000006));
    assert_false(wrmsr_works("max", 0x200, 0xfe000002));
    assert_false(wrmsr_works("max", 0x10a, 0)); /* read-only */
    assert_false(wrmsr_works("max", 0x12345, 0));
    assert_false(wrmsr_works("qemu64", 0x1a0, 0)); /* AMD has none */
    assert_true(wrmsr_works("qemu64", 0xc0010015, 0));
    assert_true(wrmsr_works("max", 0x10, 12345));
    assert_false(wrmsr_works("max", 0x401, 1));
    assert_true(wrmsr_works("max", 0x427, 0));
}

/* SDM Vol. 4: each processor has its own list. */
static void msrs_of_models(void **state)
{
    (void)state;
    static const struct {
        u32         index;
        const char *with, *without;
    } rows[] = {{0x11, "pentium", "pentium2"},     {0x0e, "pentium-mmx", "pentium3"}, {0x1b, "pentium2", "athlon,-apic"},
                {0x17, "pentium2", "athlon"},      {0x33, "pentium3", "core2duo"},    {0x1a0, "core2duo", "pentium3"},
                {0x3a, "core2duo", "pentium3"},    {0xce, "Nehalem", "core2duo"},     {0xcd, "core2duo", "Nehalem"},
                {0x3b, "Haswell", "Nehalem"},      {0x34, "Haswell", "core2duo"},     {0x1db, "pentium3", "core2duo"},
                {0x1dd, "core2duo", "pentium"},    {0xc0010015, "athlon", "Haswell"}, {0xc0000080, "athlon", "pentium3"},
                {0xc0000082, "core2duo", "athlon"}, {0x277, "pentium2", "pentium"},   {0x0fe, "athlon", "pentium"},
                {0x179, "pentium2", "pentium"},    {0x17b, "pentium3", "core2duo"},   {0x417, "core2duo", "pentium3"},
                {0x413, "pentium3", "athlon"},     {0x0, "pentium", "athlon"},        {0x10a, "max", "Haswell"}};
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        u64         value;
        struct bed *with = bed_create(rows[n].with), *without = bed_create(rows[n].without);
        if (rows[n].index != 0x1b) { /* the local APIC's, which is not here */
            assert_true(msr_read(with->cpu, rows[n].index, &value));
        }
        assert_false(msr_read(without->cpu, rows[n].index, &value));
        bed_destroy(with);
        bed_destroy(without);
    }
    assert_false(wrmsr_works("pentium3", 0x1d9, 0x80));
    assert_true(wrmsr_works("pentium3", 0x1d9, 0x7f & ~3));
    assert_false(wrmsr_works("core2duo", 0x1d9, 4));
    assert_false(wrmsr_works("athlon", 0x401, 1));
    assert_false(wrmsr_works("pentium", 0, 1));
    assert_true(wrmsr_works("pentium", 0, 0));
}

/* What does not exist is ignored; what exists goes on having its rules. */
static void ignored_msrs(void **state)
{
    (void)state;
    struct cpu_features f;
    struct error        err;
    assert_true(wrmsr_works("max,ignore-msrs=on", 0x12345, 7));
    assert_true(wrmsr_works("core2duo,ignore_msrs=on", 0xce, 7));
    assert_false(wrmsr_works("max,ignore-msrs=on", 0xc0000080, BIT(1)));
    assert_false(wrmsr_works("max,ignore-msrs=on", 0x10a, 0));
    assert_false(wrmsr_works("max,ignore-msrs=off", 0x12345, 7));
    assert_null(cpu_model_find("max,ignore-msrs=perhaps", &f, &err));
}

static void machine_checks(void **state)
{
    (void)state;
    const u64   valid = BIT(63), uc = BIT(61), over = BIT(62);
    struct bed *b = bed_create("max");
    struct cpu *cpu = b->cpu;
    u64         value;
    struct machine_check check = {.bank = 2, .status = valid | 0x135, .mcg_status = 1, .address = 0x1234, .misc = 5};
    bed_protected(b, 0);
    CODE(b, CODE0, "\x90\x90");
    assert_null(machine_check_inject(cpu, &check)); /* corrected: logged, no more */
    step(b);
    assert_int_equal(cpu->ip, CODE0 + 1);
    assert_true(msr_read(cpu, 0x409, &value));
    assert_int_equal(value, check.status);
    assert_true(msr_read(cpu, 0x40a, &value));
    assert_int_equal(value, 0x1234);
    check.status |= uc;
    assert_non_null(machine_check_inject(cpu, &check)); /* MC2_CTL is 0 */
    assert_true(msr_write(cpu, 0x408, ~(u64)0));
    cpu->cr4 |= CR4_MCE;
    assert_null(machine_check_inject(cpu, &check));
    step(b);
    assert_vector(b, VEC_MC);
    assert_int_equal(stack32(b, 0), CODE0 + 1);
    assert_true(msr_read(cpu, 0x409, &value));
    assert_int_equal(value, check.status | over);
    assert_true(msr_read(cpu, 0x17a, &value));
    assert_int_equal(value, 5);
    assert_false(b->shut_down);
    check.status &= ~uc;
    assert_null(machine_check_inject(cpu, &check)); /* the uncorrected one stays */
    assert_true(msr_read(cpu, 0x409, &value));
    assert_true(value & uc);
    check.status |= uc;
    assert_null(machine_check_inject(cpu, &check)); /* MCIP is set */
    assert_true(b->shut_down);
    check.bank = 10;
    assert_non_null(machine_check_inject(cpu, &check));
    check.bank = 2, check.status = uc;
    assert_non_null(machine_check_inject(cpu, &check));
    bed_destroy(b);
    b = bed_create("pentium");
    assert_non_null(machine_check_inject(b->cpu, &check));
    bed_destroy(b);
    b = bed_create("pentium3"); /* CR4.MCE is clear */
    assert_true(msr_write(b->cpu, 0x400, ~(u64)0));
    check.bank = 0, check.status = valid | uc;
    assert_null(machine_check_inject(b->cpu, &check));
    assert_true(b->shut_down);
    bed_destroy(b);
}

static void tsc_follows_the_clock(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    b->now = 1000000000;
    assert_int_equal(cpu_tsc(b->cpu), 2000000000);
    assert_true(msr_write(b->cpu, 0x10, 5));
    assert_int_equal(cpu_tsc(b->cpu), 5);
    b->now += 1000;
    assert_int_equal(cpu_tsc(b->cpu), 2005);
    b->now = INT64_MAX; /* no overflow on the way */
    cpu_tsc(b->cpu);
    bed_destroy(b);
}

static void cpuid_leaves(void **state)
{
    (void)state;
    struct bed         *b = bed_create("x86-64-v2");
    struct cpuid_result r = cpu_cpuid(b->cpu, 0, 0);
    assert_int_equal(r.eax, 0x16);
    assert_int_equal(r.ebx, 0x756e6547);
    assert_int_equal(r.edx, 0x49656e69);
    assert_int_equal(r.ecx, 0x6c65746e);
    assert_int_equal(cpu_cpuid(b->cpu, 1, 0).eax, 0x106ca);
    r = cpu_cpuid(b->cpu, 0x15, 0); /* frequency = ECX * EBX / EAX */
    assert_int_equal((u64)r.ecx * r.ebx / r.eax, 2000000000);
    assert_int_equal(cpu_cpuid(b->cpu, 0x40000010, 0).eax, 2000000);
    assert_int_equal(cpu_cpuid(b->cpu, 0x80000008, 0).eax, 0x3028);
    r = cpu_cpuid(b->cpu, 4, 0); /* 32 KiB: ways * sets * 64 */
    assert_int_equal(((r.ebx >> 22) + 1) * (r.ecx + 1) * 64, 32768);
    assert_int_equal(cpu_cpuid(b->cpu, 0x80000001, 0).edx & 1 << 11, 0); /* SYSCALL: 64-bit mode only */
    bed_long(b, 0);
    assert_int_equal(cpu_cpuid(b->cpu, 0x80000001, 0).edx & 1 << 11, 1 << 11);
    bed_destroy(b);
}

static void model_words(void **state)
{
    (void)state;
    struct cpu_features f;
    struct error        err;
    assert_non_null(cpu_model_find("qemu64,+sse4.1,-nx,popcnt=on", &f, &err));
    assert_true(feature_on(&f, FEATURE_SSE41));
    assert_true(feature_on(&f, FEATURE_POPCNT));
    assert_false(feature_on(&f, FEATURE_NX));
    assert_null(cpu_model_find("penitum3", &f, &err));
    assert_non_null(strstr(err.text, "pentium3"));
    assert_null(cpu_model_find("max,+sse43", &f, &err));
    assert_non_null(strstr(err.text, "sse4"));
    assert_null(cpu_model_find("max,+sse4a", &f, &err));
    assert_null(cpu_model_find("x86-64-v2,+avx2", &f, &err));
    assert_non_null(strstr(err.text, "'avx2' needs 'avx'"));
    assert_non_null(cpu_model_find("x86-64-v2,+xsave,+avx,+avx2", &f, &err));
    assert_true(feature_on(&f, FEATURE_AVX2));
    assert_non_null(cpu_model_find("max,-xsave", &f, &err));
    assert_false(feature_on(&f, FEATURE_VAES));
    assert_null(cpu_model_find("max,sse2=maybe", &f, &err));
    const char *description;
    for (unsigned n = 0; cpu_model_list(n, &description); n++) {
        assert_non_null(cpu_model_find(cpu_model_list(n, &description), &f, &err));
    }
    assert_non_null(cpu_model_find(cpu_model_default(), &f, &err));
}

/* ---- SMM */

static void smm_round_trip(const char *model, bool in_long)
{
    struct bed *b = bed_create(model);
    if (in_long) {
        bed_long(b, 3);
    } else {
        bed_protected(b, 3);
    }
    struct cpu *cpu = b->cpu;
    for (unsigned n = 0; n < 8; n++) {
        cpu->regs[n] = 0x1000u + n;
    }
    CODE(b, 0x38000, "\x0f\xaa");
    struct cpu *before = malloc(sizeof *before);
    *before = *cpu;
    cpu_raise_smi(cpu);
    step(b);
    assert_true(cpu->in_smm);
    assert_int_equal(cpu->ip, 0x8000);
    assert_int_equal(cpu->seg[SEG_CS].base, 0x30000);
    assert_int_equal(cpu->code_bytes, 2);
    assert_int_equal(peek(b, 0x3fefc, 4), feature_on(&cpu->features, FEATURE_LM) ? 0x20064 : 0x20000);
    step(b);
    assert_false(cpu->in_smm);
    before->icount = cpu->icount;
    char path[64];
    bool differ = fields_differ(cpu_fields, before, cpu, path, sizeof path);
    if (differ) {
        print_message("%s\n", path);
    }
    assert_false(differ);
    free(before);
    bed_destroy(b);
}

static void smm_restores_everything(void **state)
{
    (void)state;
    smm_round_trip("qemu32", false);
    smm_round_trip("max", false);
    smm_round_trip("max", true);
}

static void smm_relocates(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_protected(b, 0);
    CODE(b, 0x38000, "\x0f\xaa");
    cpu_raise_smi(b->cpu);
    step(b);
    poke(b, 0x3ff00, 0xa0000, 4);
    step(b);
    assert_int_equal(b->cpu->msr.smbase, 0xa0000);
    assert_int_equal(b->cpu->cr0 & CR0_PE, CR0_PE);
    CODE(b, CODE0, "\x0f\xaa"); /* outside SMM */
    step(b);
    assert_vector(b, VEC_UD);
    bed_destroy(b);
}

/* ---- reset, saved form */

static void reset_equals_fresh(void **state)
{
    (void)state;
    struct bed *fresh = bed_create("max"), *used = bed_create("max");
    bed_long(used, 3);
    for (unsigned n = 0; n < 16; n++) {
        used->cpu->regs[n] = n;
        used->cpu->xmm[n].q[0] = n + 1;
    }
    CODE(used, CODE3, "\x0f\x0b");
    step(used);
    cpu_reset(used->cpu, false);
    char path[64];
    assert_false(fields_differ(cpu_fields, fresh->cpu, used->cpu, path, sizeof path));
    assert_int_equal(used->cpu->ip, 0xfff0);
    assert_int_equal(used->cpu->seg[SEG_CS].base, 0xffff0000);
    assert_int_equal(used->cpu->regs[R_DX], 0x106ca);
    bed_destroy(fresh);
    bed_destroy(used);
}

static void init_keeps_fpu(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_protected(b, 0);
    b->cpu->xmm[3].q[0] = 77;
    b->cpu->msr.smbase = 0xa0000;
    cpu_raise_init(b->cpu);
    step(b);
    assert_int_equal(b->cpu->ip, 0xfff0);
    assert_false(b->cpu->protected_mode);
    assert_int_equal(b->cpu->xmm[3].q[0], 77);
    assert_int_equal(b->cpu->msr.smbase, 0xa0000);
    bed_destroy(b);
}

static void save_load_save(void **state)
{
    (void)state;
    struct bed *a = bed_create("max"), *b = bed_create("max");
    struct blob first = {0}, second = {0};
    struct error err;
    bed_long(a, 3);
    a->cpu->x87.reg[2].mantissa = 5;
    fields_save(cpu_fields, a->cpu, &first);
    assert_true(fields_load(cpu_fields, b->cpu, &first, &err));
    cpu_update_mode(b->cpu);
    fields_save(cpu_fields, b->cpu, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    blob_free(&first);
    blob_free(&second);
    bed_destroy(a);
    bed_destroy(b);
}

/* ---- decimal arithmetic: the manual's examples, and packed sums of all digit pairs */

static u64 run_al(struct bed *b, const char *code, unsigned size, u64 ax, u32 flags)
{
    bed_protected(b, 0);
    put_code(b, CODE0, code, size);
    b->cpu->regs[R_AX] = ax;
    flags_set(b->cpu, flags | FLAG_1);
    step(b);
    return b->cpu->regs[R_AX] & 0xffff;
}

static void decimal(void **state)
{
    (void)state;
    struct bed *b = bed_create("486");
    for (unsigned x = 0; x < 100; x++) {
        for (unsigned y = 0; y < 100; y++) {
            unsigned bx = x / 10 << 4 | x % 10, by = y / 10 << 4 | y % 10, sum = bx + by;
            unsigned cf = sum > 0xff ? FLAG_CF : 0, af = (bx & 0xf) + (by & 0xf) > 0xf ? FLAG_AF : 0;
            unsigned total = x + y;
            assert_int_equal(run_al(b, "\x27", 1, sum & 0xff, cf | af), (total / 10 % 10) << 4 | total % 10);
            assert_int_equal(!!(flags_arith(b->cpu) & FLAG_CF), total > 99);
            unsigned diff = bx - by;
            cf = bx < by ? FLAG_CF : 0, af = (bx & 0xf) < (by & 0xf) ? FLAG_AF : 0;
            total = (100 + x - y) % 100;
            assert_int_equal(run_al(b, "\x2f", 1, diff & 0xff, cf | af), total / 10 << 4 | total % 10);
            assert_int_equal(!!(flags_arith(b->cpu) & FLAG_CF), x < y);
        }
    }
    assert_int_equal(run_al(b, "\x37", 1, 0x010b, 0), 0x0201);     /* AAA */
    assert_int_equal(run_al(b, "\x3f", 1, 0x02fe, FLAG_AF), 0x0108); /* AAS */
    assert_int_equal(run_al(b, "\xd4\x0a", 2, 63, 0), 0x0603);     /* AAM */
    assert_int_equal(run_al(b, "\xd5\x0a", 2, 0x0603, 0), 63);     /* AAD */
    run_al(b, "\xd4\x00", 2, 63, 0);
    assert_vector(b, VEC_DE);
    bed_destroy(b);
}

static void enter_nested(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    CODE(b, CODE0, "\xc8\x10\x00\x03"); /* enter 16, 3 */
    b->cpu->regs[R_BP] = 0x60000;
    poke(b, 0x60000 - 4, 0x1111, 4);
    poke(b, 0x60000 - 8, 0x2222, 4);
    step(b);
    assert_int_equal(b->cpu->regs[R_BP], STACK0 - 4);
    assert_int_equal(b->cpu->regs[R_SP], STACK0 - 4 - 12 - 16);
    assert_int_equal(peek(b, STACK0 - 4, 4), 0x60000);
    assert_int_equal(peek(b, STACK0 - 8, 4), 0x1111);
    assert_int_equal(peek(b, STACK0 - 12, 4), 0x2222);
    assert_int_equal(peek(b, STACK0 - 16, 4), STACK0 - 4);
    bed_destroy(b);
}

static void pusha_popa(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    CODE(b, CODE0, "\x60\x61");
    for (unsigned n = 0; n < 8; n++) {
        b->cpu->regs[n] = n == R_SP ? STACK0 : 0x100 + n;
    }
    step(b);
    assert_int_equal(b->cpu->regs[R_SP], STACK0 - 32);
    assert_int_equal(peek(b, STACK0 - 4, 4), 0x100);
    assert_int_equal(peek(b, STACK0 - 20, 4), STACK0);
    for (unsigned n = 0; n < 8; n++) {
        b->cpu->regs[n] = n == R_SP ? STACK0 - 32 : 0;
    }
    step(b);
    for (unsigned n = 0; n < 8; n++) {
        assert_int_equal(b->cpu->regs[n], n == R_SP ? STACK0 : 0x100 + n);
    }
    bed_destroy(b);
}

static void cmpxchg8b_and_16b(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_long(b, 0);
    CODE(b, CODE0, "\x0f\xc7\x0e\x48\x0f\xc7\x0e\x48\x0f\xc7\x4e\x08"); /* cmpxchg8b [rsi]; 16b [rsi]; 16b [rsi+8] */
    b->cpu->regs[R_SI] = 0x60000;
    poke(b, 0x60000, 0x1122334455667788, 8);
    poke(b, 0x60008, 9, 8);
    b->cpu->regs[R_AX] = 0x55667788;
    b->cpu->regs[R_DX] = 0x11223344;
    b->cpu->regs[R_BX] = 1;
    b->cpu->regs[R_CX] = 2;
    step(b);
    assert_true(flags_arith(b->cpu) & FLAG_ZF);
    assert_int_equal(peek(b, 0x60000, 8), 0x200000001);
    step(b);
    assert_false(flags_arith(b->cpu) & FLAG_ZF);
    assert_int_equal(b->cpu->regs[R_AX], 0x200000001);
    assert_int_equal(b->cpu->regs[R_DX], 9);
    step(b);
    assert_vector(b, VEC_GP);
    bed_destroy(b);
}

/* PAUSE again and again: the host may rest, ever longer; PAUSE now and then: not. */
static void pause_rests(void **state)
{
    (void)state;
    struct bed *b = bed_create("base");
    bed_protected(b, 0);
    CODE(b, CODE0, "\xf3\x90\xeb\xfc"); /* pause; jmp $-2 */
    i64 longest = 0;
    for (unsigned n = 0; n < 2000; n++) {
        b->now += 50;
        step(b);
        i64 rest = cpu_rest(b->cpu);
        assert_true(rest <= b->now / 2);
        b->now += rest;
        longest = rest > longest ? rest : longest;
    }
    assert_int_equal(longest, 50000);
    b->now += 1000000000;
    for (unsigned n = 0; n < 2000; n++) {
        b->now += 1000;
        step(b);
        assert_int_equal(cpu_rest(b->cpu), 0);
    }
    bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(popf_respects_iopl),     cmocka_unit_test(flags_of_a_486),
        cmocka_unit_test(io_bitmap),              cmocka_unit_test(control_register_checks),
        cmocka_unit_test(msr_checks),             cmocka_unit_test(msrs_of_models),
        cmocka_unit_test(ignored_msrs),           cmocka_unit_test(machine_checks),
                   cmocka_unit_test(tsc_follows_the_clock),
        cmocka_unit_test(cpuid_leaves),           cmocka_unit_test(model_words),
        cmocka_unit_test(smm_restores_everything), cmocka_unit_test(smm_relocates),
        cmocka_unit_test(reset_equals_fresh),     cmocka_unit_test(init_keeps_fpu),
        cmocka_unit_test(save_load_save),         cmocka_unit_test(decimal),
        cmocka_unit_test(enter_nested),           cmocka_unit_test(pusha_popa),
        cmocka_unit_test(cmpxchg8b_and_16b),      cmocka_unit_test(pause_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
