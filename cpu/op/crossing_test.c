/* crossing_test.c: what is told of crossings, kind by kind. */
#include "cpu/op/op_testing.h"

#include "cpu/crossing.h"

enum { SEEN = 8 };

struct watch {
    struct crossing_listener listener;
    unsigned count;
    struct crossing seen[SEEN];
};

static void note(void *opaque, const struct crossing *c)
{
    struct watch *w = opaque;
    assert_true(w->count < SEEN);
    w->seen[w->count++] = *c;
}

static struct bed *watched(struct watch *w, const char *model)
{
    struct bed *b = bed_create(model);
    *w = (struct watch){.listener = {.crossed = note, .opaque = w}};
    crossing_listen(b->cpu, &w->listener);
    return b;
}

static void end(struct watch *w, struct bed *b)
{
    crossing_ignore(b->cpu, &w->listener);
    assert_null(b->cpu->crossing);
    bed_destroy(b);
}

/* The one that the step has led to. */
static const struct crossing *one(struct watch *w, struct bed *b, enum crossing_kind kind)
{
    w->count = 0;
    step(b);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->seen[0].kind, kind);
    assert_int_equal(w->seen[0].to.ip, b->cpu->ip);
    assert_int_equal(w->seen[0].to.ring, b->cpu->cpl);
    assert_int_equal(w->seen[0].to.sp, b->cpu->regs[R_SP]);
    return &w->seen[0];
}

static void int_and_iret(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "qemu32");
    char name[CROSSING_NAME];
    bed_protected(b, 3);
    set_idt(b, 0x80, KCODE, 0xee);
    CODE(b, CODE3, "\x90\xcd\x80");
    CODE(b, HANDLERS + 16 * 0x80, "\xcf");
    step(b);
    assert_int_equal(w.count, 0);
    const struct crossing *c = one(&w, b, CROSSING_INT);
    assert_int_equal(c->vector, 0x80);
    assert_int_equal(c->count, 1);
    assert_int_equal(c->from.ip, CODE3 + 1);
    assert_int_equal(c->from.cs, UCODE);
    assert_int_equal(c->from.ring, 3);
    assert_int_equal(c->from.mode, MODE_IS_32);
    assert_int_equal(c->from.sp, STACK3);
    assert_int_equal(c->to.cs, KCODE);
    assert_int_equal(c->to.ss, KDATA);
    assert_int_equal(c->source.source, SOURCE_IDT);
    assert_int_equal(c->source.at, IDT + 8 * 0x80);
    assert_int_equal(c->source.data[0], peek(b, IDT + 8 * 0x80, 8));
    assert_int_equal(c->stack.source, STACK_TSS);
    assert_int_equal(c->stack.index, 0);
    assert_int_equal(c->stack.at, TSS + 4);
    assert_int_equal(c->stack.data[0], STACK0);
    assert_int_equal(c->frame.at, STACK0 - 20);
    assert_int_equal(c->frame.width, 4);
    assert_int_equal(c->frame.count, 5);
    for (unsigned n = 0; n < 5; n++) {
        assert_int_equal(c->frame.value[n], stack32(b, n));
    }
    assert_false(c->frame.popped || c->has_error || c->during);
    assert_string_equal(crossing_name(c, name), "INT 80h");
    c = one(&w, b, CROSSING_IRET);
    assert_int_equal(c->count, 2);
    assert_int_equal(c->from.ring, 0);
    assert_int_equal(c->to.ring, 3);
    assert_int_equal(c->stack.source, STACK_POPPED);
    assert_true(c->frame.popped);
    assert_int_equal(c->frame.at, STACK0 - 20);
    assert_int_equal(c->frame.count, 5);
    assert_int_equal(c->frame.value[0], CODE3 + 3);
    assert_int_equal(c->frame.value[4], UDATA);
    end(&w, b);
}

static void exceptions(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "qemu32");
    bed_protected(b, 3);
    CODE(b, CODE3, "\xcd\x80"); /* the gate's DPL is 0 */
    const struct crossing *c = one(&w, b, CROSSING_EXCEPTION);
    assert_int_equal(c->vector, VEC_GP);
    assert_int_equal(c->rule, RULE_GP_IDT_DPL);
    assert_true(c->has_error);
    assert_int_equal(c->error_code, 0x80 * 8 + 2);
    assert_int_equal(c->during, CROSSING_INT + 1);
    assert_int_equal(c->during_vector, 0x80);
    assert_int_equal(c->from.ip, CODE3);
    assert_int_equal(c->frame.count, 6);
    assert_int_equal(c->frame.value[0], c->error_code);
    bed_protected(b, 0);
    set_idt(b, VEC_GP, KCODE, 0x0e); /* #GP, #NP: #DF */
    CODE(b, CODE0, "\x8e\xd0");
    c = one(&w, b, CROSSING_EXCEPTION);
    assert_int_equal(c->vector, VEC_DF);
    assert_int_equal(c->during, CROSSING_EXCEPTION + 1);
    assert_int_equal(c->during_vector, VEC_GP);
    assert_int_equal(c->stack.source, STACK_SAME);
    bed_protected(b, 0);
    set_idt(b, VEC_GP, KCODE, 0x0e);
    set_idt(b, VEC_DF, KCODE, 0x0e);
    w.count = 0;
    step(b);
    step(b);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.seen[0].kind, CROSSING_SHUTDOWN);
    cpu_reset(b->cpu, false);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.seen[1].kind, CROSSING_RESET);
    assert_int_equal(w.seen[1].to.mode, MODE_IS_REAL);
    end(&w, b);
}

static void gate_and_retf(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "qemu32");
    bed_protected(b, 3);
    set_gate(b, GDT + SEL_GATE, KCODE, CODE0, 0xec, 2);
    CODE(b, CODE3, "\x6a\x11\x6a\x22\x9a\x00\x00\x00\x00\x3b\x00"); /* push 11h; push 22h; call gate */
    CODE(b, CODE0, "\xca\x08\x00");                                 /* retf 8 */
    step(b);
    step(b);
    const struct crossing *c = one(&w, b, CROSSING_GATE);
    assert_int_equal(c->source.source, SOURCE_GATE);
    assert_int_equal(c->source.selector, SEL_GATE | 3);
    assert_int_equal(c->source.at, GDT + SEL_GATE);
    assert_int_equal(c->from.ip, CODE3 + 4);
    assert_int_equal(c->frame.count, 6);
    assert_int_equal(c->frame.value[0], CODE3 + 11);
    assert_int_equal(c->frame.value[2], 0x22);
    assert_int_equal(c->frame.value[5], UDATA);
    assert_false(c->jump);
    c = one(&w, b, CROSSING_RETF);
    assert_int_equal(c->frame.count, 4);
    assert_int_equal(c->frame.value[0], CODE3 + 11);
    assert_int_equal(c->to.sp, STACK3);
    set_gate(b, GDT + SEL_GATE, KCODE, CODE0, 0xec, 31); /* more than there is room for */
    b->cpu->ip = CODE3 + 4;
    c = one(&w, b, CROSSING_GATE);
    assert_int_equal(c->frame.count, 35);
    assert_int_equal(c->frame.value[0], CODE3 + 11);
    assert_int_equal(c->frame.value[CROSSING_VALUES - 2], STACK3);
    assert_int_equal(c->frame.value[CROSSING_VALUES - 1], UDATA);
    end(&w, b);
}

static void prepare_task(struct bed *b)
{
    poke(b, TSS2 + 32, CODE0 + 0x100, 4);
    poke(b, TSS2 + 36, FLAG_1, 4);
    poke(b, TSS2 + 56, STACK0 - 0x100, 4);
    for (unsigned n = 0; n < 6; n++) {
        poke(b, TSS2 + 72 + 4 * n, n == SEG_CS ? KCODE : KDATA, 4);
    }
}

static void tasks(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "qemu32");
    bed_protected(b, 0);
    prepare_task(b);
    CODE(b, CODE0, "\x9a\x00\x00\x00\x00\x30\x00"); /* call SEL_TSS2:0 */
    CODE(b, CODE0 + 0x100, "\xcf");
    const struct crossing *c = one(&w, b, CROSSING_TASK);
    assert_int_equal(c->source.source, SOURCE_TSS);
    assert_int_equal(c->task_from, SEL_TSS);
    assert_int_equal(c->task_to, SEL_TSS2);
    c = one(&w, b, CROSSING_TASK);
    assert_int_equal(c->source.source, SOURCE_LINK);
    assert_int_equal(c->source.selector, SEL_TSS);
    assert_int_equal(c->task_to, SEL_TSS);
    poke(b, TSS2 + 72 + 4 * SEG_DS, SEL_GATE, 4); /* not a segment: a fault in the new task */
    poke(b, TSS2 + 32, CODE0 + 0x100, 4);
    CODE(b, CODE0, "\xea\x00\x00\x00\x00\x30\x00");
    b->cpu->ip = CODE0;
    w.count = 0;
    step(b);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.seen[0].kind, CROSSING_TASK);
    assert_true(w.seen[0].jump);
    assert_int_equal(w.seen[0].to.ip, CODE0 + 0x100);
    assert_int_equal(w.seen[1].kind, CROSSING_EXCEPTION);
    assert_int_equal(w.seen[1].from.ip, CODE0 + 0x100);
    assert_int_equal(w.seen[1].rule, RULE_TS_TASK_DATA_TYPE);
    assert_int_equal(w.seen[1].during, CROSSING_TASK + 1);
    bed_protected(b, 0);
    prepare_task(b);
    set_gate(b, IDT + 8 * VEC_UD, SEL_TSS2, 0, 0x85, 0); /* an exception through a task gate */
    CODE(b, CODE0, "\x0f\x0b");
    c = one(&w, b, CROSSING_EXCEPTION);
    assert_int_equal(c->source.source, SOURCE_IDT);
    assert_int_equal(c->stack.source, STACK_TASK);
    assert_int_equal(c->task_to, SEL_TSS2);
    end(&w, b);
}

static void vm86(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "qemu32");
    bed_protected(b, 0);
    const u32 frame[] = {0x100, 0x6000, FLAG_VM | FLAG_1, 0x200, 0x6100, 0x6200, 0x6300, 0x6400, 0x6500};
    b->cpu->regs[R_SP] = STACK0 - sizeof frame;
    for (unsigned n = 0; n < ARRAY_LEN(frame); n++) {
        poke(b, STACK0 - sizeof frame + 4 * n, frame[n], 4);
    }
    CODE(b, CODE0, "\xcf");
    CODE(b, 0x60100, "\xcd\x21");
    const struct crossing *c = one(&w, b, CROSSING_IRET);
    assert_int_equal(c->to.mode, MODE_IS_VM86);
    assert_int_equal(c->to.ring, 3);
    assert_int_equal(c->frame.count, 9);
    assert_int_equal(c->frame.value[8], 0x6500);
    c = one(&w, b, CROSSING_EXCEPTION); /* IOPL is 0 */
    assert_int_equal(c->rule, RULE_GP_VM86_IOPL);
    assert_int_equal(c->from.mode, MODE_IS_VM86);
    assert_int_equal(c->frame.count, 10);
    assert_int_equal(c->frame.value[9], 0x6500);
    end(&w, b);
}

static void long_mode(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "x86-64-v2");
    bed_long(b, 3);
    poke(b, IDT + 16 * VEC_UD + 4, 1, 1); /* IST 1 */
    poke(b, TSS + 36, 0x48000, 8);
    CODE(b, CODE3, "\x0f\x0b");
    CODE(b, HANDLERS + 16 * VEC_UD, "\x48\xcf");
    const struct crossing *c = one(&w, b, CROSSING_EXCEPTION);
    assert_int_equal(c->stack.source, STACK_IST);
    assert_int_equal(c->stack.index, 1);
    assert_int_equal(c->stack.at, TSS + 36);
    assert_int_equal(c->from.mode, MODE_IS_64);
    assert_int_equal(c->frame.width, 8);
    assert_int_equal(c->frame.at, 0x48000 - 40);
    one(&w, b, CROSSING_IRET);
    b->cpu->msr.star = (u64)0x13 << 48 | (u64)KCODE << 32;
    b->cpu->msr.lstar = CODE0;
    b->cpu->msr.sfmask = FLAG_IF;
    CODE(b, CODE3, "\x0f\x05");
    CODE(b, CODE0, "\x48\x0f\x07");
    c = one(&w, b, CROSSING_SYSCALL);
    assert_int_equal(c->source.source, SOURCE_SYSCALL);
    assert_int_equal(c->source.data[1], CODE0);
    assert_int_equal(c->stack.source, STACK_KEPT);
    assert_int_equal(c->stack.data[0], FLAG_IF);
    assert_int_equal(c->frame.count, 0);
    c = one(&w, b, CROSSING_SYSRET);
    assert_int_equal(c->to.ring, 3);
    b->cpu->msr.sysenter_cs = KCODE;
    b->cpu->msr.sysenter_eip = CODE0;
    b->cpu->msr.sysenter_esp = STACK0;
    CODE(b, CODE3 + 2, "\x0f\x34");
    CODE(b, CODE0, "\x48\x0f\x35");
    c = one(&w, b, CROSSING_SYSENTER);
    assert_int_equal(c->stack.source, STACK_MSR);
    b->cpu->regs[R_DX] = CODE3;
    b->cpu->regs[R_CX] = STACK3;
    c = one(&w, b, CROSSING_SYSEXIT);
    assert_int_equal(c->stack.source, STACK_REGISTER);
    assert_int_equal(c->to.ip, CODE3);
    end(&w, b);
}

static void events(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "max");
    bed_protected(b, 0);
    CODE(b, CODE0, "\xf4");
    CODE(b, 0x38000, "\x0f\xaa");
    CODE(b, HANDLERS + 16 * VEC_NMI, "\xcf");
    const struct crossing *c = one(&w, b, CROSSING_HALT);
    assert_true(c->to.halted && !c->from.halted);
    cpu_raise_smi(b->cpu);
    c = one(&w, b, CROSSING_SMI);
    assert_true(c->to.smm && !c->to.halted && c->from.halted);
    c = one(&w, b, CROSSING_RSM);
    assert_true(c->from.smm && !c->to.smm && c->to.halted);
    cpu_raise_nmi(b->cpu);
    c = one(&w, b, CROSSING_NMI);
    assert_int_equal(c->frame.value[0], CODE0 + 1);
    one(&w, b, CROSSING_IRET);
    cpu_set_intr(b->cpu, true);
    c = one(&w, b, CROSSING_IRQ);
    assert_int_equal(c->vector, 0x40);
    assert_int_equal(c->from.ip, CODE0 + 1);
    end(&w, b);
}

static void modes(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "max");
    struct cpu *cpu = b->cpu;
    char name[CROSSING_NAME];
    bed_tables(b);
    segment_load_real(cpu, SEG_CS, 0x1000);
    cpu->ip = 0;
    cpu_update_mode(cpu);
    CODE(b, CODE0, "\x0f\x22\xc0\x0f\x22\xc0"); /* mov cr0, eax, twice */
    cpu->regs[R_AX] = CR0_PE | CR0_ET;
    const struct crossing *c = one(&w, b, CROSSING_MODE);
    assert_int_equal(c->from.mode, MODE_IS_REAL);
    assert_int_equal(c->to.mode, MODE_IS_16);
    assert_string_equal(crossing_name(c, name), "PE on");
    w.count = 0;
    step(b); /* nothing changes */
    assert_int_equal(w.count, 0);
    bed_long(b, 0);
    cpu->cr0 &= ~(u64)CR0_PG;
    cpu->efer &= ~(u64)EFER_LMA;
    cpu->seg[SEG_CS] = bed_segment(b, KCODE);
    cpu->regs[R_AX] = cpu->cr0 | CR0_PG;
    cpu_update_mode(cpu);
    c = one(&w, b, CROSSING_MODE);
    assert_int_equal(c->to.mode, MODE_IS_COMPAT32);
    assert_string_equal(crossing_name(c, name), "long on");
    end(&w, b);
}

/* CR0 is written, and the mode stays: what comes later has interrupted nothing. */
static void no_change_of_mode(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "qemu32");
    bed_protected(b, 0);
    CODE(b, CODE0, "\x0f\x20\xc0\x0f\x22\xc0\x0f\x0b"); /* mov eax, cr0; mov cr0, eax; ud2 */
    step(b);
    step(b);
    assert_int_equal(w.count, 0);
    const struct crossing *c = one(&w, b, CROSSING_EXCEPTION);
    assert_int_equal(c->vector, VEC_UD);
    assert_int_equal(c->during, 0);
    end(&w, b);
}

static void real_mode(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "386");
    struct cpu *cpu = b->cpu;
    segment_load_real(cpu, SEG_CS, 0);
    cpu->ip = 0x500;
    cpu->regs[R_SP] = 0x400;
    cpu->idtr = (struct table_register){0, 0x3ff};
    cpu_update_mode(cpu);
    poke(b, 0x21 * 4, 0x00400600, 4);
    CODE(b, 0x500, "\xcd\x21");
    CODE(b, 0xa00, "\xcf");
    const struct crossing *c = one(&w, b, CROSSING_INT);
    assert_int_equal(c->source.source, SOURCE_IVT);
    assert_int_equal(c->source.at, 0x84);
    assert_int_equal(c->source.data[0], 0x00400600);
    assert_int_equal(c->frame.width, 2);
    assert_int_equal(c->frame.value[0], 0x502);
    c = one(&w, b, CROSSING_IRET);
    assert_int_equal(c->frame.count, 3);
    assert_int_equal(c->stack.source, STACK_SAME);
    end(&w, b);
}

/* Whoever is told may end it. */
struct ending {
    struct crossing_listener listener;
    struct bed *bed;
};

static void ends(void *opaque, const struct crossing *c)
{
    struct ending *e = opaque;
    (void)c;
    crossing_ignore(e->bed->cpu, &e->listener);
}

static void listeners_come_and_go(void **state)
{
    (void)state;
    struct watch w;
    struct bed *b = watched(&w, "386");
    struct ending e = {.listener = {.crossed = ends, .opaque = &e}, .bed = b};
    bed_protected(b, 0);
    CODE(b, CODE0, "\xcd\x40");
    CODE(b, HANDLERS + 16 * 0x40, "\xcf");
    crossing_listen(b->cpu, &e.listener);
    step(b);
    assert_int_equal(w.count, 1);
    crossing_ignore(b->cpu, &w.listener);
    assert_null(b->cpu->crossing);
    crossing_listen(b->cpu, &e.listener);
    step(b);
    assert_null(b->cpu->crossing);
    assert_int_equal(w.count, 1);
    bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int_and_iret), cmocka_unit_test(exceptions), cmocka_unit_test(gate_and_retf), cmocka_unit_test(tasks),
        cmocka_unit_test(vm86),         cmocka_unit_test(long_mode),  cmocka_unit_test(events),        cmocka_unit_test(modes),
        cmocka_unit_test(real_mode),    cmocka_unit_test(listeners_come_and_go),
        cmocka_unit_test(no_change_of_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
