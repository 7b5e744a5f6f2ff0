/*
 * x87_insn_host_test.c: every x87 encoding, decoded and executed by us, against the host processor,
 * on x86-64 hosts.
 *
 * Random register stacks, tags, TOP, masks, flags and memory operands. The whole state must match:
 * all eight registers (the contents of empty ones too), tags, status and control word, memory,
 * EFLAGS and RAX. Transcendental instructions may differ in the last place. Not compared: FIP, FDP
 * and FOP, which AMD's FXSAVE keeps only while an exception is pending.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "cpu/decode.h"
#include "cpu/flags.h"
#include "cpu/operand.h"
#include "tests/host/float_cases.h"

#if defined(__x86_64__)

enum { CASES_PER_ENCODING = 8000, MEMORY_BYTES = 128 };

/* The image of FXSAVE. */
struct image {
    u16 control, status;
    u8 valid, reserved;
    u16 opcode;
    u64 ip, dp;
    u32 mxcsr, mxcsr_mask;
    struct {
        u64 mantissa;
        u16 sign_exponent, pad[3];
    } st[8];
    u8 rest[512 - 160];
} __attribute__((aligned(64)));

struct state {
    struct image image;
    u8 memory[MEMORY_BYTES];
    u64 flags, rax;
};

struct bench {
    u8 *code; /* one page */
    u8 *memory;
    struct cpu *cpu;
    struct decoder *decoder;
    struct cpu_features all; /* the decoder looks at them as long as it lives */
};

static const u8 prologue[] = {
    0x0f, 0xae, 0x0f, /* fxrstor (rdi) */ 0x48, 0x89, 0xf0, /* mov rax, rsi */ 0x52,
    0x9d /* push rdx; popf */};
static const u8 epilogue[] = {0x9c,
                              0x5a,
                              /* pushf; pop rdx */ 0x0f,
                              0xae,
                              0x07,
                              /* fxsave (rdi) */ 0xdb,
                              0xe3, /* fninit */
                              0x48,
                              0x89,
                              0x11,
                              /* mov (rcx), rdx */ 0xc3};

static void run_host(struct bench *b, const u8 insn[2], struct state *s)
{
    memcpy(b->code, prologue, sizeof prologue);
    memcpy(b->code + sizeof prologue, insn, 2);
    memcpy(b->code + sizeof prologue + 2, epilogue, sizeof epilogue);
    memcpy(b->memory, s->memory, MEMORY_BYTES);
    u64 (*call)(struct image *, u8 *, u64, u64 *);
    memcpy(&call, &b->code, sizeof call);
    s->rax = call(&s->image, b->memory, s->flags, &s->flags);
    memcpy(s->memory, b->memory, MEMORY_BYTES);
}

static void load_state(struct cpu *cpu, const struct state *s)
{
    cpu->x87.control = s->image.control;
    cpu->x87.status = s->image.status & (u16) ~(7 << 11);
    cpu->x87.top = s->image.status >> 11 & 7;
    cpu->x87.valid = s->image.valid;
    for (unsigned n = 0; n < 8; n++) {
        cpu->x87.reg[(cpu->x87.top + n) & 7] =
            (struct float80){s->image.st[n].mantissa, s->image.st[n].sign_exponent};
    }
    flags_set_arith(cpu, (u32)s->flags);
}

static void store_state(struct cpu *cpu, struct state *s)
{
    s->image.control = cpu->x87.control;
    s->image.status = (u16)(cpu->x87.status | cpu->x87.top << 11);
    s->image.valid = cpu->x87.valid;
    for (unsigned n = 0; n < 8; n++) {
        struct float80 v = cpu->x87.reg[(cpu->x87.top + n) & 7];
        s->image.st[n].mantissa = v.mantissa;
        s->image.st[n].sign_exponent = v.sign_exponent;
    }
    s->flags = (s->flags & ~(u64)FLAG_ARITH) | flags_arith(cpu);
    s->rax = cpu->regs[R_AX];
}

/* False: the decoder refuses the encoding. */
static bool run_ours(struct bench *b, const u8 insn[2], struct state *s)
{
    struct insn i;
    enum rule rule;
    struct cpu *cpu = b->cpu;
    memset(&i, 0, sizeof i);
    if (decode(b->decoder, insn, 2, 8, 0, &i, &rule) != DECODE_OK) {
        return false;
    }
    load_state(cpu, s);
    memcpy(b->memory, s->memory, MEMORY_BYTES);
    cpu->regs[R_AX] = (u64)(uintptr_t)b->memory;
    cpu->current = &i;
    row_table[i.row].op(cpu, &i);
    store_state(cpu, s);
    memcpy(s->memory, b->memory, MEMORY_BYTES);
    return true;
}

static void random_state(struct random *r, struct state *s)
{
    memset(s, 0, sizeof *s);
    u64 how = random_u64(r);
    struct float80 other = {0, 0x3fff};
    s->image.control =
        (u16)((how & 3) << 10 | (how >> 2 & 3) << 8 | 0x40 | (how >> 4 & 3 ? 63 : how >> 8 & 63));
    s->image.control |= (u16)((how >> 14 & 1) << 12);
    if ((s->image.control >> 8 & 3) == 1) {
        s->image.control |= 0x200; /* PC = 01 is reserved */
    }
    s->image.status = how >> 16 & (0x7f40 | (s->image.control & 7));
    s->image.valid = how >> 32 & 1 ? 0xff : (u8)(how >> 40 | (how >> 33 & 1 ? how >> 48 : 0));
    s->image.mxcsr = 0x1f80;
    if (how >> 34 & 1) { /* ST(0) and ST(1) there, ST(7) not */
        unsigned top = s->image.status >> 11 & 7;
        s->image.valid |= (u8)(1 << top | 1 << ((top + 1) & 7));
        s->image.valid &= (u8) ~(1 << ((top + 7) & 7));
    }
    for (unsigned n = 0; n < 8; n++) {
        other = random_f80(r, other);
        s->image.st[n].mantissa = other.mantissa;
        s->image.st[n].sign_exponent = other.sign_exponent;
    }
    s->flags = 0x202 | (random_u64(r) & FLAG_ARITH);
}

static void random_memory(struct random *r, struct state *s, const u8 insn[2])
{
    for (unsigned n = 0; n < MEMORY_BYTES; n += 8) {
        store64(s->memory + n, random_u64(r));
    }
    unsigned digit = insn[1] >> 3 & 7;
    if (insn[0] == 0xd8 || insn[0] == 0xd9) {
        store32(s->memory, random_f32(r, 0x3f800000));
    } else if (insn[0] == 0xdc || insn[0] == 0xdd) {
        store64(s->memory, random_f64(r, 0x3ff0000000000000ull));
    } else if (insn[0] == 0xdb && digit == 5) {
        struct float80 v = random_f80(r, (struct float80){0, 0x3fff});
        store64(s->memory, v.mantissa);
        store16(s->memory + 8, v.sign_exponent);
    } else if (insn[0] == 0xdf && digit == 4) {
        for (unsigned n = 0; n < 9; n++) {
            s->memory[n] = (u8)(random_u64(r) % 10 << 4 | random_u64(r) % 10);
        }
    }
    if ((insn[0] == 0xd9 && digit == 4) || (insn[0] == 0xdd && digit == 4)) {
        s->memory[1] &= 0xfe; /* PC = 01 is reserved */
    }
}

/* Images of FNSTENV and FNSAVE: pointers and opcode are not compared. */
static void mask_environment(const u8 insn[2], struct state *s)
{
    bool environment =
        (insn[0] == 0xd9 || insn[0] == 0xdd) && insn[1] < 0xc0 && (insn[1] >> 3 & 7) == 6;
    if (environment) {
        memset(s->memory + 12, 0, 16);
    }
}

static bool is_transcendental(const u8 insn[2])
{
    static const u8 list[] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff};
    return insn[0] == 0xd9 && memchr(list, insn[1], sizeof list);
}

/* A number's place among all numbers of its sign. */
static u128 place(const struct state *s, unsigned n)
{
    return (u128)s->image.st[n].sign_exponent << 63 | (s->image.st[n].mantissa & ~((u64)1 << 63));
}

static bool same_register(const struct state *a, const struct state *b, unsigned n,
                          unsigned tolerance)
{
    if (tolerance) {
        return place(a, n) - place(b, n) + tolerance <= 2 * tolerance;
    }
    return a->image.st[n].sign_exponent == b->image.st[n].sign_exponent &&
           a->image.st[n].mantissa == b->image.st[n].mantissa;
}

/* FCOMI and its kind clear C1 by the SDM; AMD leaves it alone. */
static bool is_comi(const u8 insn[2])
{
    return (insn[0] == 0xdb || insn[0] == 0xdf) && insn[1] >= 0xe8 && insn[1] < 0xf8;
}

static bool same(const u8 insn[2], struct state *host, struct state *ours)
{
    bool loose = is_transcendental(insn);
    u16 ignore = loose           ? 0x230
                 : is_comi(insn) ? 0x200
                                 : 0; /* C1; exact results of logarithms are inexact to some */
    mask_environment(insn, host);
    mask_environment(insn, ours);
    for (unsigned n = 0; n < 8; n++) {
        if (!same_register(host, ours, n, loose ? 2 : 0)) {
            return false;
        }
    }
    return host->image.control == ours->image.control &&
           (host->image.status | ignore) == (ours->image.status | ignore) &&
           host->image.valid == ours->image.valid &&
           !memcmp(host->memory, ours->memory, MEMORY_BYTES) &&
           ((host->flags ^ ours->flags) & FLAG_ARITH) == 0 && host->rax == ours->rax;
}

static void print_state(const char *name, const struct state *s)
{
    printf("  %s cw=%04x sw=%04x valid=%02x flags=%03llx rax=%llx mem=%016llx %016llx\n   ", name,
           s->image.control, s->image.status, s->image.valid, (unsigned long long)s->flags,
           (unsigned long long)s->rax, (unsigned long long)load64(s->memory),
           (unsigned long long)load64(s->memory + 8));
    for (unsigned n = 0; n < 8; n++) {
        printf(" %04x:%016llx", s->image.st[n].sign_exponent,
               (unsigned long long)s->image.st[n].mantissa);
    }
    printf("\n");
}

/* Encodings that hardware treats in its own way, or whose operands are outside of what is defined.
 */
static bool is_compared(const u8 insn[2], const struct state *s)
{
    unsigned exponent = s->image.st[0].sign_exponent & 0x7fff;
    bool load = (insn[0] == 0xd9 || insn[0] == 0xdd) && insn[1] < 0x08;
    if (load && !(s->image.control & FP_DENORMAL)) {
        return false; /* an unmasked denormal: SDM Vol. 1 8.5.2 does not push, AMD does */
    }
    if (is_transcendental(insn) && ~s->image.control & (FP_INEXACT | FP_UNDERFLOW)) {
        return false; /* an exact logarithm that is inexact to the host would leave its exception
                         pending */
    }
    if (insn[0] != 0xd9) {
        return true;
    }
    switch (insn[1]) {
    case 0xf0: /* F2XM1 */
        return exponent < 0x3fff;
    case 0xf2: /* FPTAN, FSINCOS, FSIN, FCOS: processors differ in their pi */
    case 0xfb:
    case 0xfe:
    case 0xff:
        return exponent < 0x3ffe || exponent == 0x7fff || exponent >= 0x403e;
    case 0xf9: /* FYL2XP1 */
        return exponent < 0x3ffd;
    default:
        return true;
    }
}

static unsigned run_encoding(struct bench *b, const u8 insn[2])
{
    struct random random = {insn[0] * 256u + insn[1]};
    unsigned mismatches = 0;
    for (unsigned n = 0; n < CASES_PER_ENCODING; n++) {
        struct state start, host, ours;
        random_state(&random, &start);
        random_memory(&random, &start, insn);
        if (!is_compared(insn, &start)) {
            continue;
        }
        host = ours = start;
        if (!run_ours(b, insn, &ours)) {
            return 0;
        }
        run_host(b, insn, &host);
        if (!same(insn, &host, &ours) && mismatches++ < 2) {
            printf("%02x %02x\n", insn[0], insn[1]);
            print_state("start", &start);
            print_state("host ", &host);
            print_state("ours ", &ours);
        }
    }
    if (mismatches) {
        printf("%02x %02x: %u of %u differ\n", insn[0], insn[1], mismatches, CASES_PER_ENCODING);
    }
    return mismatches;
}

static void run_opcode(void **state, u8 opcode)
{
    struct bench *b = *state;
    unsigned mismatches = 0;
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        u8 insn[2] = {opcode, (u8)modrm};
        if (modrm >= 0xc0 || (modrm & 0xc7) == 0) {
            mismatches += run_encoding(b, insn);
        }
    }
    assert_int_equal(mismatches, 0);
}

#define TEST(opcode)                                                                               \
    static void test_##opcode(void **state)                                                        \
    {                                                                                              \
        run_opcode(state, 0x##opcode);                                                             \
    }
TEST(d8)
TEST(d9)
TEST(da)
TEST(db)
TEST(dc)
TEST(dd)
TEST(de)
TEST(df)

/* A processor whose one page of memory is reached through the TLB at its host address. */
static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->cpu = calloc(1, sizeof *b->cpu);
    b->code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    b->memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(b->code != MAP_FAILED && b->memory != MAP_FAILED);
    memset(b->all.word, 0xff, sizeof b->all.word);
    b->all.family = 6;
    b->decoder = decoder_create(&b->all);
    vaddr la = (u64)(uintptr_t)b->memory;
    struct cpu *c = b->cpu;
    c->cr0 = CR0_PE | CR0_NE | CR0_MP;
    c->code_bytes = 8;
    c->long_mode = true;
    c->protected_mode = true;
    c->ip_mask = ~(u64)0;
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        c->seg[n].read_bytes = c->seg[n].write_bytes = ~(u64)0;
    }
    tlb_init(&c->tlb);
    c->tlb_read = c->tlb.data[0][TLB_READ];
    c->tlb_write = c->tlb.data[0][TLB_WRITE];
    c->tlb.data[0][TLB_READ][tlb_index(la)] = (struct tlb_entry){la, la};
    c->tlb.data[0][TLB_WRITE][tlb_index(la)] = (struct tlb_entry){la, la};
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    decoder_destroy(b->decoder);
    munmap(b->code, 4096);
    munmap(b->memory, 4096);
    free(b->cpu);
    free(b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_d8), cmocka_unit_test(test_d9), cmocka_unit_test(test_da),
        cmocka_unit_test(test_db), cmocka_unit_test(test_dc), cmocka_unit_test(test_dd),
        cmocka_unit_test(test_de), cmocka_unit_test(test_df),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#else

int main(void)
{
    printf("skipped: the judge is an x86-64 host\n");
    return 0;
}

#endif
