/* string_test.c: string instructions in chunks against the same ones an element at a time, and what SDM Vol. 2 REP says of faults. */
#include "cpu/op/op_testing.h"

enum {
    DATA = 0x60000, /* 64 KiB of it */
    DATA_BYTES = 0x10000,
    LINEAR64 = 0x200000, /* where paging shows it in long mode */
    TABLE64 = PAGES + 0x3000,
    SEL_SOURCE = SEL_SPARE,
    DEVICE = 0x500000,
};

/* ---- random cases */

struct noise {
    u64 state;
};

static u64 noise(struct noise *n, u64 below)
{
    n->state = n->state * 6364136223846793005u + 1442695040888963407u;
    return (n->state >> 33) % below;
}

struct string_case {
    unsigned bytes_of_code; /* 2, 4, 8 */
    char     code[8];
    unsigned length;
    u64      cx, si, di, ax;
    u32      flags, limit;
    unsigned hole, read_only, alias; /* pages of DATA in long mode; 16: none */
    unsigned code_at;                /* offset in DATA where code has been run; 0: none */
    u8       fill;
};

/* Mostly runs of one value, so that comparisons go on for a while. */
static void fill_data(struct bed *b, const struct string_case *c)
{
    struct noise n = {c->fill};
    for (unsigned at = 0; at < DATA_BYTES; at++) {
        b->ram.host[DATA + at] = noise(&n, 600) ? (u8)(c->fill & 1 ? c->fill : at / 8) : (u8)noise(&n, 256);
    }
}

static void enter_long(struct bed *b, const struct string_case *c)
{
    bed_long(b, 0);
    poke(b, PAGES + 0x2008, TABLE64 | 7, 8);
    for (unsigned n = 0; n < DATA_BYTES >> PAGE_SHIFT; n++) {
        unsigned page  = n == c->alias ? 0 : n;
        u64      flags = n == c->hole ? 0 : n == c->read_only ? 1 : 7;
        poke(b, TABLE64 + 8 * n, (DATA + ((u64)page << PAGE_SHIFT)) | flags, 8);
    }
    b->cpu->cr0 |= CR0_WP;
    cpu_update_mode(b->cpu);
}

static void enter(struct bed *b, const struct string_case *c)
{
    struct cpu *cpu = b->cpu;
    if (c->bytes_of_code == 8) {
        enter_long(b, c);
        return;
    }
    bed_protected(b, 0);
    set_descriptor(b, SEL_SOURCE, DATA, c->limit, 0x4093);
    cpu->seg[SEG_DS] = cpu->seg[SEG_ES] = bed_segment(b, SEL_SOURCE);
    if (c->bytes_of_code == 2) {
        cpu->seg[SEG_CS].attr &= (u16)~ATTR_DB;
    }
    cpu_update_mode(cpu);
}

static void run_until_halt(struct bed *b, bool by_step)
{
    struct cpu *cpu = b->cpu;
    for (unsigned n = 0; cpu->activity == ACTIVITY_RUN && n < 100000; n++) {
        if (by_step) {
            cpu_step(cpu);
        } else {
            cpu_run(cpu);
        }
    }
    assert_int_equal(cpu->activity, ACTIVITY_HALT);
    cpu->activity = ACTIVITY_RUN;
}

static struct bed *run_case(const struct string_case *c, bool by_step)
{
    struct bed *b   = bed_create("qemu64");
    struct cpu *cpu = b->cpu;
    fill_data(b, c);
    enter(b, c);
    for (unsigned v = 0; v < 32; v++) {
        poke(b, HANDLERS + 16 * v, 0xf4, 1);
    }
    if (c->code_at) {
        poke(b, DATA + c->code_at, 0xf4, 1);
        cpu->ip = (c->bytes_of_code == 8 ? LINEAR64 : DATA) + c->code_at;
        if (c->bytes_of_code != 8 || (c->code_at >> PAGE_SHIFT != c->hole && c->code_at >> PAGE_SHIFT != c->alias)) {
            run_until_halt(b, by_step);
        }
        cpu->icount = 0;
    }
    cpu->ip         = CODE0;
    cpu->regs[R_CX] = c->cx;
    cpu->regs[R_SI] = c->si;
    cpu->regs[R_DI] = c->di;
    cpu->regs[R_AX] = c->ax;
    flags_set(cpu, c->flags);
    put_code(b, CODE0, c->code, c->length);
    poke(b, CODE0 + c->length, 0xf4, 1);
    run_until_halt(b, by_step);
    return b;
}

static u64 pick_offset(struct noise *n, const struct string_case *c)
{
    u64 at = noise(n, 4) ? noise(n, DATA_BYTES) : noise(n, 16) * PAGE_SIZE + noise(n, 64) - 32;
    return c->bytes_of_code == 8 ? LINEAR64 + at : at;
}

static u64 pick_count(struct noise *n)
{
    switch (noise(n, 4)) {
    case 0: return noise(n, 4);
    case 1: return noise(n, 70);
    case 2: return noise(n, 1000);
    default: return noise(n, 9000);
    }
}

static void pick_code(struct noise *n, struct string_case *c)
{
    static const u8 opcodes[] = {0xa4, 0xa4, 0xa6, 0xaa, 0xac, 0xae};
    u8              wide      = (u8)noise(n, 2);
    if (!noise(n, 6)) {
        c->code[c->length++] = 0x67;
    }
    if (wide && !noise(n, 3)) {
        c->code[c->length++] = 0x66;
    }
    if (noise(n, 8)) {
        c->code[c->length++] = (char)(noise(n, 2) ? 0xf3 : 0xf2);
    }
    if (c->bytes_of_code == 8 && noise(n, 2)) {
        c->code[c->length++] = 0x48;
    }
    c->code[c->length++] = (char)(opcodes[noise(n, sizeof opcodes)] | wide);
}

static struct string_case pick_case(struct noise *n)
{
    static const u8    sizes[] = {2, 4, 8, 8};
    struct string_case c       = {.bytes_of_code = sizes[noise(n, 4)], .fill = (u8)noise(n, 256), .hole = 16, .read_only = 16, .alias = 16};
    c.limit                    = noise(n, 3) ? 0xffff : (u32)noise(n, 0xffff);
    c.flags                    = FLAG_1 | (noise(n, 3) ? 0 : FLAG_DF) | (noise(n, 2) ? FLAG_ZF | FLAG_CF : 0);
    c.hole                     = (unsigned)noise(n, 24);
    c.read_only                = (unsigned)noise(n, 24);
    c.alias                    = (unsigned)noise(n, 24);
    c.code_at                  = noise(n, 3) ? 0 : (unsigned)noise(n, DATA_BYTES);
    c.cx                       = pick_count(n);
    c.si                       = pick_offset(n, &c);
    c.di                       = noise(n, 2) ? c.si + noise(n, 40) - 20 : pick_offset(n, &c);
    c.ax                       = noise(n, 2) ? c.fill * 0x0101010101010101u : noise(n, 1u << 31);
    pick_code(n, &c);
    return c;
}

static void assert_same(const struct bed *a, const struct bed *b, unsigned number)
{
    bool same = !memcmp(a->cpu->regs, b->cpu->regs, sizeof a->cpu->regs) && a->cpu->ip == b->cpu->ip &&
                flags_get(a->cpu) == flags_get(b->cpu) && a->cpu->cr2 == b->cpu->cr2 && a->cpu->icount == b->cpu->icount &&
                !memcmp(a->ram.host, b->ram.host, 0x200000);
    if (!same) {
        fail_msg("case %u: ip %llx %llx cx %llx %llx si %llx %llx di %llx %llx icount %llu %llu", number,
                 (unsigned long long)a->cpu->ip, (unsigned long long)b->cpu->ip, (unsigned long long)a->cpu->regs[R_CX],
                 (unsigned long long)b->cpu->regs[R_CX], (unsigned long long)a->cpu->regs[R_SI],
                 (unsigned long long)b->cpu->regs[R_SI], (unsigned long long)a->cpu->regs[R_DI],
                 (unsigned long long)b->cpu->regs[R_DI], (unsigned long long)a->cpu->icount, (unsigned long long)b->cpu->icount);
    }
}

static void chunks_equal_elements(void **state)
{
    (void)state;
    struct noise n = {1};
    for (unsigned k = 0; k < 2000; k++) {
        struct string_case c = pick_case(&n);
        struct bed        *a = run_case(&c, false), *b = run_case(&c, true);
        assert_same(a, b, k);
        bed_destroy(a);
        bed_destroy(b);
    }
}

/* ---- directed ones */

static struct bed *prepare(const char *code, unsigned length, u64 cx, u64 si, u64 di, u32 flags)
{
    struct bed *b = bed_create("qemu64");
    bed_protected(b, 0);
    for (unsigned v = 0; v < 32; v++) {
        poke(b, HANDLERS + 16 * v, 0xf4, 1);
    }
    put_code(b, CODE0, code, length);
    poke(b, CODE0 + length, 0xf4, 1);
    b->cpu->regs[R_CX] = cx;
    b->cpu->regs[R_SI] = si;
    b->cpu->regs[R_DI] = di;
    flags_set(b->cpu, FLAG_1 | flags);
    for (unsigned at = 0; at < DATA_BYTES; at++) {
        b->ram.host[DATA + at] = (u8)(at * 7 + at / 256);
    }
    return b;
}
#define PREPARE(code, ...) prepare(code, sizeof(code) - 1, __VA_ARGS__)

/* The destination one byte above the source: the first byte fills everything. */
static void forward_overlap_fills(void **state)
{
    (void)state;
    struct bed *b = PREPARE("\xf3\xa4", 10000, DATA + 5, DATA + 6, 0);
    u8          v = b->ram.host[DATA + 5], beyond = b->ram.host[DATA + 10006];
    run_until_halt(b, false);
    for (unsigned at = 5; at < 10006; at++) {
        assert_int_equal(b->ram.host[DATA + at], v);
    }
    assert_int_equal(b->ram.host[DATA + 10006], beyond);
    assert_int_equal(b->cpu->regs[R_CX], 0);
    assert_int_equal(b->cpu->regs[R_SI], DATA + 10005);
    assert_int_equal(b->cpu->icount, 10001); /* and HLT */
    bed_destroy(b);
}

/* Every distance of overlap, both ways, in all widths, as C defines it byte by byte. */
static void overlap_is_exact(void **state)
{
    (void)state;
    static const char *const code[] = {"\x90\xf3\xa4", "\x66\xf3\xa5", "\x90\xf3\xa5"};
    static const unsigned    width[] = {1, 2, 4};
    static u8                expected[0x400];
    for (int ahead = -12; ahead <= 12; ahead++) {
        for (unsigned k = 0; k < 6; k++) {
            unsigned    w     = width[k / 2], count = 60;
            bool        down  = k & 1;
            u64         start = DATA + 0x200 + (down ? (count - 1) * w : 0);
            struct bed *b     = prepare(code[k / 2], 3, count, start, start + (u64)(i64)ahead, down ? FLAG_DF : 0);
            memcpy(expected, b->ram.host + DATA, sizeof expected);
            for (unsigned n = 0; n < count; n++) {
                u8 *from = expected + 0x200 + (down ? count - 1 - n : n) * w;
                memmove(from + ahead, from, w);
            }
            run_until_halt(b, false);
            assert_memory_equal(b->ram.host + DATA, expected, sizeof expected);
            bed_destroy(b);
        }
    }
}

/* 16-bit addresses: SI and DI wrap, upper halves stay. */
static void index_wraps_at_64k(void **state)
{
    (void)state;
    struct bed *b = PREPARE("\x67\xf3\xa4", 0x50020, 0xabcdfff0, 0x1234fff8, 0);
    struct cpu *cpu = b->cpu;
    set_descriptor(b, SEL_SOURCE, DATA, 0xffff, 0x4093);
    cpu->seg[SEG_DS] = cpu->seg[SEG_ES] = bed_segment(b, SEL_SOURCE);
    cpu_update_mode(cpu);
    static u8 model[DATA_BYTES];
    memcpy(model, b->ram.host + DATA, sizeof model);
    for (unsigned n = 0; n < 0x20; n++) {
        model[(0xfff8 + n) & 0xffff] = model[(0xfff0 + n) & 0xffff];
    }
    run_until_halt(b, false);
    assert_memory_equal(b->ram.host + DATA, model, sizeof model);
    assert_int_equal(cpu->regs[R_SI], 0xabcd0010);
    assert_int_equal(cpu->regs[R_DI], 0x12340018);
    assert_int_equal(cpu->regs[R_CX], 0x50000);
    bed_destroy(b);
}

/* A fault shows what is done, and the instruction goes on from there. */
static void limit_fault_is_precise(void **state)
{
    (void)state;
    struct bed *b = PREPARE("\xf3\xab", 0x1000, 0, 0x100, 0);
    struct cpu *cpu = b->cpu;
    set_descriptor(b, SEL_SOURCE, DATA, 0x2101, 0x4093);
    cpu->seg[SEG_ES] = bed_segment(b, SEL_SOURCE);
    cpu->regs[R_AX]  = 0x11223344;
    cpu_update_mode(cpu);
    u64 beyond = peek(b, DATA + 0x2100, 4);
    run_until_halt(b, false);
    assert_int_equal(cpu->ip, HANDLERS + 16 * VEC_GP + 1);
    assert_int_equal(cpu->regs[R_DI], 0x2100);
    assert_int_equal(cpu->regs[R_CX], 0x1000 - 0x800);
    assert_int_equal(peek(b, DATA + 0x20fc, 4), 0x11223344);
    assert_int_equal(peek(b, DATA + 0x2100, 4), beyond);
    assert_int_equal(stack32(b, 1), CODE0);
    bed_destroy(b);
}

static void page_fault_is_precise(void **state)
{
    (void)state;
    for (unsigned down = 0; down < 2; down++) {
        struct string_case c = {
            .bytes_of_code = 8, .code = "\xf3\x48\xa5", .length = 3, .cx = 2000, .hole = 16, .read_only = 4, .alias = 16,
            .flags = FLAG_1 | (down ? FLAG_DF : 0), .fill = 1,
        };
        c.si = LINEAR64 + 0x8000;
        c.di = LINEAR64 + (down ? 0x6804 : 0x2804); /* the last element before page 4, or the first after it, lies in both */
        struct bed *b    = run_case(&c, false);
        u64         done = down ? (0x6804 - 0x5004) / 8 + 1 : (0x4000 - 0x2804) / 8;
        assert_int_equal(b->cpu->ip, HANDLERS + 16 * VEC_PF + 1);
        assert_int_equal(b->cpu->regs[R_CX], 2000 - done);
        assert_int_equal(b->cpu->regs[R_DI], down ? c.di - 8 * done : c.di + 8 * done);
        assert_int_equal(b->cpu->cr2, down ? LINEAR64 + 0x4ffc : LINEAR64 + 0x4000);
        bed_destroy(b);
    }
}

/* Code that a REP STOS overwrites is gone, wherever in the page it was. */
static void code_is_overwritten(void **state)
{
    (void)state;
    struct bed *b = PREPARE("\xf3\xaa", 0x1000, 0, DATA, 0);
    struct cpu *cpu = b->cpu;
    for (unsigned round = 0; round < 2; round++) {
        poke(b, DATA + 0x800, round ? 0x42f4 : 0xf441, 2); /* inc ecx; hlt, and then plain hlt */
        cpu->ip         = DATA + 0x800;
        cpu->regs[R_CX] = 0;
        run_until_halt(b, false);
        assert_int_equal(cpu->regs[R_CX], round ? 0 : 1);
    }
    cpu->ip         = CODE0;
    cpu->regs[R_CX] = 0x1000;
    cpu->regs[R_AX] = 0x43; /* inc ebx */
    cpu->regs[R_BX] = 0;
    run_until_halt(b, false);
    poke(b, DATA + 0x810, 0xf4, 1);
    cpu->ip = DATA + 0x800;
    run_until_halt(b, false);
    assert_int_equal(cpu->regs[R_BX], 0x10);
    bed_destroy(b);
}

/* ---- devices */

struct tap {
    struct bed *bed;
    unsigned    writes;
};

static u64 tap_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)size;
    return 0;
}

static void tap_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct tap *t = opaque;
    (void)offset;
    (void)value;
    (void)size;
    if (++t->writes == 5) {
        cpu_set_intr(t->bed->cpu, true);
    }
}

/* An interrupt is taken between two iterations. */
static void interrupt_is_taken_at_once(void **state)
{
    (void)state;
    static const struct region_ops ops = {tap_read, tap_write, 1, 4};
    struct bed   *b   = PREPARE("\xf3\xa5", 20, DATA, DEVICE, FLAG_IF);
    struct tap    tap = {.bed = b};
    struct region region;
    struct mapping map = {0};
    region_init_io(&region, "tap", PAGE_SIZE, &ops, &tap);
    space_map(b->memory, &map, &region, DEVICE, 0);
    poke(b, HANDLERS + 16 * 0x40, 0xf4, 1);
    run_until_halt(b, false);
    assert_int_equal(tap.writes, 5);
    assert_int_equal(b->cpu->regs[R_CX], 15);
    assert_int_equal(b->cpu->regs[R_SI], DATA + 20);
    assert_int_equal(stack32(b, 0), CODE0);
    space_unmap(&map);
    bed_destroy(b);
}

/* The flags are those of the last pair compared; none were, they stay. */
static void scan_flags(void **state)
{
    (void)state;
    struct bed *b = PREPARE("\xf2\xae", 0x3000, 0, DATA, 0);
    memset(b->ram.host + DATA, 0x55, DATA_BYTES);
    b->ram.host[DATA + 0x2345] = 0x66;
    b->cpu->regs[R_AX]         = 0x66;
    run_until_halt(b, false);
    assert_int_equal(b->cpu->regs[R_DI], DATA + 0x2346);
    assert_int_equal(b->cpu->regs[R_CX], 0x3000 - 0x2346);
    assert_true(flags_get(b->cpu) & FLAG_ZF);
    assert_int_equal(b->cpu->icount, 0x2346 + 1);
    b->cpu->ip         = CODE0;
    b->cpu->regs[R_CX] = 0;
    flags_set(b->cpu, FLAG_1 | FLAG_CF);
    run_until_halt(b, false);
    assert_int_equal(flags_get(b->cpu) & FLAG_ARITH, FLAG_CF);
    bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_overlap_fills),
        cmocka_unit_test(overlap_is_exact),
        cmocka_unit_test(index_wraps_at_64k),
        cmocka_unit_test(limit_fault_is_precise),
        cmocka_unit_test(page_fault_is_precise),
        cmocka_unit_test(code_is_overwritten),
        cmocka_unit_test(interrupt_is_taken_at_once),
        cmocka_unit_test(scan_flags),
        cmocka_unit_test(chunks_equal_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
