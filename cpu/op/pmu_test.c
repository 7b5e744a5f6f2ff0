/* pmu_test.c: performance counters: what they count, where, when they overflow, and what their registers take. */
#include "cpu/op/op_testing.h"

enum { FIXED_CTRL = 0x38d, STATUS = 0x38e, GLOBAL = 0x38f, OVERFLOW = 0x390, SELECT0 = 0x186, PMC0 = 0xc1, FIXED0 = 0x309 };

static unsigned interrupts;
static u64      interrupt_at;
static i64      timer_at;
static struct bed *current;

static void perf_interrupt(void *opaque)
{
    (void)opaque;
    interrupts++;
    interrupt_at = current->cpu->regs[R_AX];
}

static void perf_timer(void *opaque, i64 at_ns)
{
    (void)opaque;
    timer_at = at_ns;
}

static struct bed *create(const char *model)
{
    struct bed *b = current     = bed_create(model);
    b->cpu->bus.perf_interrupt = perf_interrupt;
    b->cpu->bus.perf_timer     = perf_timer;
    interrupts = 0, timer_at = -1;
    bed_protected(b, 0);
    return b;
}

static u64 get(struct bed *b, u32 index)
{
    u64 value = ~(u64)0;
    assert_true(msr_read(b->cpu, index, &value));
    return value;
}

/* WRMSR by the processor itself, so that counting begins behind it. */
static void set(struct bed *b, u32 index, u64 value)
{
    struct cpu *cpu = b->cpu;
    u64         ip = cpu->ip, ax = cpu->regs[R_AX], cx = cpu->regs[R_CX], dx = cpu->regs[R_DX];
    CODE(b, 0x18000, "\x0f\x30");
    cpu->ip = 0x18000, cpu->regs[R_AX] = (u32)value, cpu->regs[R_CX] = index, cpu->regs[R_DX] = value >> 32;
    step(b);
    assert_int_equal(cpu->ip, 0x18002);
    assert_true(cpu->pending & PENDING_PMU);
    cpu->pending &= ~(u32)PENDING_PMU; /* as the run loop does before anything else */
    pmu_settle(cpu);
    cpu->ip = ip, cpu->regs[R_AX] = ax, cpu->regs[R_CX] = cx, cpu->regs[R_DX] = dx;
}

/* loop: inc eax; dec ecx; jnz loop; cli; hlt. */
static void run_loop(struct bed *b, u32 times)
{
    CODE(b, CODE0, "\x40\x49\x75\xfc\xfa\xf4");
    b->cpu->ip         = CODE0;
    b->cpu->regs[R_AX] = 0;
    b->cpu->regs[R_CX] = times;
    while (cpu_run(b->cpu)) {
    }
    b->cpu->activity = ACTIVITY_RUN;
}

static void leaf(void **state)
{
    (void)state;
    struct bed         *b = create("x86-64-v2");
    struct cpuid_result r = cpu_cpuid(b->cpu, 0xa, 0);
    assert_int_equal(r.eax, 0x07300402);
    assert_int_equal(r.ebx, 0x78);
    assert_int_equal(r.edx, 0x603);
    bed_destroy(b);
    b = create("core2duo");
    assert_int_equal(cpu_cpuid(b->cpu, 0xa, 0).eax, 0x07280202);
    bed_destroy(b);
    b = create("Haswell,pmu=off");
    assert_int_equal(cpu_cpuid(b->cpu, 0xa, 0).eax, 0);
    u64 value;
    assert_false(msr_read(b->cpu, PMC0, &value));
    bed_destroy(b);
}

static void instructions_are_exact(void **state)
{
    (void)state;
    struct bed *b = create("max");
    set(b, FIXED_CTRL, 3);
    set(b, SELECT0, 0x4300c0);
    set(b, GLOBAL, BIT(32) | 1);
    u64 before = get(b, FIXED0);
    run_loop(b, 1000);
    assert_int_equal(get(b, FIXED0) - before, 3002);
    assert_int_equal(get(b, PMC0), get(b, FIXED0));
    assert_true(b->cpu->counted);
    set(b, GLOBAL, 0);
    assert_false(b->cpu->counted);
    before = get(b, FIXED0);
    run_loop(b, 10);
    assert_int_equal(get(b, FIXED0), before);
    bed_destroy(b);
}

/* The overflow is seen at the very instruction: `left` instructions from here. */
static void overflow_is_exact(void **state)
{
    (void)state;
    struct bed *b = create("max");
    set(b, SELECT0, 0x5300c0);
    for (unsigned left = 1; left < 200; left += 7) {
        interrupts = 0;
        set(b, GLOBAL, 0);
        set(b, PMC0, -(u64)left & 0xffffffff);
        set(b, OVERFLOW, 1);
        assert_int_equal(get(b, STATUS), 0);
        set(b, GLOBAL, 1);
        run_loop(b, 100);
        assert_int_equal(interrupts, 1);
        assert_int_equal(interrupt_at, (left + 2) / 3);
        assert_int_equal(get(b, PMC0), 302 - left);
        assert_int_equal(get(b, STATUS), 1);
    }
    bed_destroy(b);
}

static void rings(void **state)
{
    (void)state;
    struct bed *b = create("max");
    set(b, FIXED_CTRL, 2); /* user only */
    set(b, SELECT0, 0x4200c0); /* kernel only */
    set(b, GLOBAL, BIT(32) | 1);
    u64 user = get(b, FIXED0), kernel = get(b, PMC0);
    bed_protected(b, 0);
    run_loop(b, 10);
    assert_int_equal(get(b, FIXED0), user);
    assert_int_equal(get(b, PMC0), kernel + 32);
    kernel = get(b, PMC0);
    set_idt(b, 0x40, KCODE, 0xee);
    bed_protected(b, 3);
    CODE(b, CODE3, "\x90\x90\x90\xcd\x40");
    CODE(b, HANDLERS + 16 * 0x40, "\x90\x90\xfa\xf4");
    set_idt(b, 0x40, KCODE, 0xee);
    while (cpu_run(b->cpu)) {
    }
    b->cpu->activity = ACTIVITY_RUN;
    assert_int_equal(get(b, FIXED0), user + 3);      /* INT n completes in the kernel */
    assert_int_equal(get(b, PMC0), kernel + 5);
    bed_destroy(b);
}

static void cycles(void **state)
{
    (void)state;
    struct bed *b = create("max"); /* 2 GHz */
    set(b, FIXED_CTRL, 0xb0);
    set(b, SELECT0, 0x43003c);
    set(b, GLOBAL, BIT(33) | 1);
    assert_false(b->cpu->counted); /* they cost nothing */
    b->now += 1000;
    assert_int_equal(get(b, FIXED0 + 1), 2000);
    assert_int_equal(get(b, PMC0), 2000);
    run_loop(b, 1); /* ends with HLT */
    b->now += 5000;
    assert_int_equal(get(b, PMC0), 2000);
    cpu_raise_nmi(b->cpu);
    step(b);
    b->now += 1;
    assert_int_equal(get(b, PMC0), 2002);
    set(b, FIXED0 + 1, BIT(48) - 4000);
    assert_in_range(timer_at, b->now + 2000, b->now + 2001);
    b->now = timer_at;
    pmu_expired(b->cpu);
    assert_int_equal(interrupts, 1);
    assert_int_equal(get(b, STATUS), BIT(33));
    cpu_reset(b->cpu, false);
    assert_int_equal(get(b, STATUS), 0);
    assert_int_equal(get(b, GLOBAL), 15); /* the general ones, each behind its own bit */
    bed_destroy(b);
}

static bool takes(const char *model, u32 index, u64 value)
{
    struct bed *b  = create(model);
    bool        ok = msr_write(b->cpu, index, value);
    bed_destroy(b);
    return ok;
}

static void registers(void **state)
{
    (void)state;
    struct bed *b = create("max");
    assert_true(msr_write(b->cpu, PMC0 + 3, 0x80000000)); /* sign-extended */
    assert_int_equal(get(b, PMC0 + 3), 0xffff80000000);
    bed_destroy(b);
    assert_true(takes("max", PMC0, ~(u64)0));
    assert_false(takes("max", PMC0 + 4, 0));
    assert_false(takes("max", SELECT0, BIT(32)));
    assert_false(takes("max", SELECT0, BIT(21)));
    assert_true(takes("Nehalem", SELECT0, BIT(21)));
    assert_false(takes("max", FIXED0, BIT(48)));
    assert_false(takes("core2duo", FIXED0, BIT(40)));
    assert_false(takes("max", FIXED_CTRL, 4));
    assert_true(takes("Haswell", FIXED_CTRL, 0xfff));
    assert_false(takes("max", FIXED_CTRL, 0x1000));
    assert_false(takes("max", GLOBAL, BIT(4)));
    assert_false(takes("max", GLOBAL, BIT(35)));
    assert_false(takes("max", STATUS, 0));
    assert_true(takes("max", OVERFLOW, BIT(63) | BIT(62)));
    assert_false(takes("pentium3", FIXED_CTRL, 0));
    assert_true(takes("pentium3", SELECT0 + 1, 0x79));
    assert_false(takes("pentium3", SELECT0 + 2, 0));
    assert_false(takes("pentium", SELECT0, 0));
}

static void p6(void **state)
{
    (void)state;
    struct bed *b = create("pentium3");
    set(b, SELECT0 + 1, 0x300c0);
    set(b, SELECT0, 0x430079);
    u64 before = get(b, PMC0 + 1);
    run_loop(b, 10);
    assert_int_equal(get(b, PMC0 + 1) - before, 32);
    b->cpu->regs[R_CX] = 1;
    bed_protected(b, 0);
    CODE(b, CODE0, "\x0f\x33");
    step(b);
    assert_int_equal(b->cpu->regs[R_AX], before + 32);
    bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaf),   cmocka_unit_test(instructions_are_exact), cmocka_unit_test(overflow_is_exact),
        cmocka_unit_test(rings),  cmocka_unit_test(cycles),                 cmocka_unit_test(registers),
        cmocka_unit_test(p6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
