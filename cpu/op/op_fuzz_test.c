/* op_fuzz_test.c: random system instructions over random descriptor tables never break the emulator, in any mode. */
#include "cpu/op/op_testing.h"

struct rng {
    u64 x;
};

static u64 next(struct rng *r)
{
    r->x ^= r->x << 13;
    r->x ^= r->x >> 7;
    r->x ^= r->x << 17;
    return r->x;
}

/* Openings that lead into cpu/op; random bytes follow. */
static const char *const openings[] = {
    "\x8e",     "\x8c",     "\x9a",     "\xea",     "\xcb",     "\xca",     "\xcf",     "\xcd",     "\xcc",     "\xce",
    "\x9c",     "\x9d",     "\xfa",     "\xfb",     "\x0f\x00", "\x0f\x01", "\x0f\x02", "\x0f\x03", "\x0f\x05", "\x0f\x07",
    "\x0f\x20", "\x0f\x22", "\x0f\x21", "\x0f\x23", "\x0f\x30", "\x0f\x32", "\x0f\x34", "\x0f\x35", "\x0f\xa2", "\x0f\xaa",
    "\xff",     "\xc8",     "\x60",     "\x61",     "\x62",     "\x63",     "\x06",     "\x07",     "\x17",     "\x1f",
    "\x0f\xa1", "\x0f\xa9", "\xc4",     "\xc5",     "\x0f\xb2", "\xe4",     "\xec",     "\xee",     "\x6c",     "\x6e",
    "\x0f\xc7", "\xf1",     "\x48\xcf", "\x48\xcb", "\x48\x0f\x07", "\xf3\x0f\xae", "\x66\xcf", "\x66\x9d", "\x66\xcb",
};

static void scramble(struct bed *b, struct rng *r)
{
    static const u8 attrs[] = {0x93, 0x9b, 0xfb, 0xf3, 0x9f, 0x97, 0x89, 0x8b, 0x81, 0x8c, 0xec, 0x84, 0xe5, 0x8e, 0x8f, 0xee, 0x86, 0x82};
    unsigned        selector = (unsigned)next(r) & 0xf8;
    set_descriptor(b, (u16)selector, (u32)next(r) & 0x3fff00, (u32)next(r) & 0xfffff,
                   attrs[next(r) % ARRAY_LEN(attrs)] | ((unsigned)next(r) & 0xf000));
    unsigned vector = (unsigned)next(r) & 0x1f;
    poke(b, IDT + 8 * vector, next(r), 8);
    set_gate(b, IDT + 8 * vector, (u16)next(r) & 0xff, CODE0 + ((u32)next(r) & 0xff), attrs[next(r) % ARRAY_LEN(attrs)], (u32)next(r) & 31);
    poke(b, TSS + (next(r) & 0x7f), next(r) & 0xffff, 4);
    poke(b, TSS2 + (next(r) & 0x7f), next(r) & 0xffff, 4);
}

static void random_system_code(void **state)
{
    (void)state;
    static const char *const names[] = {"max", "qemu64", "pentium", "486", "x86-64-v2", "386", "athlon"};
    struct rng               r = {0x1234567890abcdef};
    for (unsigned round = 0; round < 1500; round++) {
        struct bed *b = bed_create(names[round % ARRAY_LEN(names)]);
        unsigned    mode = (unsigned)next(&r) % 5;
        if (mode >= 3 && feature_on(&b->cpu->features, FEATURE_LM)) {
            bed_long(b, mode == 3 ? 0 : 3);
        } else if (mode) {
            bed_protected(b, mode == 1 ? 0 : 3);
        } else {
            b->cpu->seg[SEG_CS].base = 0;
            cpu_update_mode(b->cpu);
        }
        for (unsigned n = 0; n < 40; n++) {
            const char *opening = openings[next(&r) % ARRAY_LEN(openings)];
            paddr       at = (b->cpu->seg[SEG_CS].base * (b->cpu->code_bytes != 8) + b->cpu->ip) & (BED_RAM - 1) & ~(paddr)0xf00000;
            for (unsigned k = 0; k < 12; k++) {
                poke(b, at + k, next(&r), 1);
            }
            put_code(b, at, opening, (unsigned)strlen(opening));
            if (next(&r) % 3 == 0) {
                scramble(b, &r);
            }
            for (unsigned g = 0; g < 8; g++) {
                u64 v = next(&r);
                b->cpu->regs[g] = g == R_SP ? v & 0x3ffff0 : v % 3 == 0 ? v & 0xff : v % 3 == 1 ? v & 0x3fffff : v;
            }
            if (next(&r) % 5 == 0) {
                flags_set(b->cpu, (u32)next(&r) & (eflags_valid(b->cpu) & ~(u32)(b->cpu->protected_mode && !b->cpu->long_mode ? 0 : FLAG_VM)));
                if (b->cpu->vm86) {
                    b->cpu->cpl = 3;
                }
                cpu_update_mode(b->cpu);
            }
            if (next(&r) % 16 == 0) {
                cpu_raise_smi(b->cpu);
            }
            step(b);
        }
        bed_destroy(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_system_code)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
