/* intr_test.c: exceptions, interrupts, IRET, double faults, task switches, virtual-8086 mode, debugging. */
#include "cpu/op/op_testing.h"

static void int_n_from_ring3_and_iret(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 3);
    set_idt(b, 0x80, KCODE, 0xee);
    CODE(b, CODE3, "\xcd\x80");
    CODE(b, HANDLERS + 16 * 0x80, "\xcf");
    step(b);
    assert_vector(b, 0x80);
    assert_int_equal(b->cpu->cpl, 0);
    assert_int_equal(b->cpu->regs[R_SP], STACK0 - 20);
    assert_int_equal(stack32(b, 0), CODE3 + 2);
    assert_int_equal(stack32(b, 1), UCODE);
    assert_int_equal(stack32(b, 2), FLAG_IF | FLAG_1);
    assert_int_equal(stack32(b, 3), STACK3);
    assert_int_equal(stack32(b, 4), UDATA);
    assert_false(b->cpu->eflags & FLAG_IF);
    step(b);
    assert_int_equal(b->cpu->cpl, 3);
    assert_int_equal(b->cpu->ip, CODE3 + 2);
    assert_int_equal(b->cpu->regs[R_SP], STACK3);
    assert_true(b->cpu->eflags & FLAG_IF);
    bed_destroy(b);
}

static void int_n_checks(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 3);
    CODE(b, CODE3, "\xcd\x80");
    step(b); /* gate DPL 0 */
    assert_vector(b, VEC_GP);
    assert_int_equal(stack32(b, 0), 0x80 * 8 + 2); /* no EXT for a software interrupt */
    assert_int_equal(stack32(b, 1), CODE3);
    bed_protected(b, 3);
    set_idt(b, 0x80, KCODE, 0x6e);
    step(b);
    assert_vector(b, VEC_NP);
    assert_int_equal(stack32(b, 0), 0x80 * 8 + 2);
    bed_destroy(b);
}

static void external_interrupt_fault_has_ext(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    set_idt(b, 0x40, KCODE, 0x0e); /* not present */
    CODE(b, CODE0, "\x90\x90");
    cpu_set_intr(b->cpu, true);
    step(b);
    assert_vector(b, VEC_NP);
    assert_int_equal(stack32(b, 0), 0x40 * 8 + 3);
    assert_int_equal(stack32(b, 1), CODE0);
    bed_destroy(b);
}

static void sti_shadow(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    flags_set(b->cpu, FLAG_1);
    CODE(b, CODE0, "\xfb\x90\x90");
    cpu_set_intr(b->cpu, true);
    step(b);
    assert_int_equal(b->cpu->ip, CODE0 + 1);
    step(b); /* the shadow: one more instruction */
    assert_int_equal(b->cpu->ip, CODE0 + 2);
    step(b);
    assert_vector(b, 0x40);
    assert_int_equal(stack32(b, 0), CODE0 + 2);
    bed_destroy(b);
}

/* Contributory classes (SDM Vol. 3A table 6-5), made by missing gates. */
static void double_fault(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    set_idt(b, VEC_GP, KCODE, 0x0e); /* #GP -> #NP -> #DF */
    CODE(b, CODE0, "\x8e\xd0");
    step(b);
    assert_vector(b, VEC_DF);
    assert_int_equal(stack32(b, 0), 0);
    assert_int_equal(stack32(b, 1), CODE0);
    bed_protected(b, 0);
    set_idt(b, VEC_UD, KCODE, 0x0e); /* #UD is benign: #NP is delivered in its place, with EXT */
    CODE(b, CODE0, "\x0f\x0b");
    step(b);
    assert_vector(b, VEC_NP);
    assert_int_equal(stack32(b, 0), VEC_UD * 8 + 3);
    assert_int_equal(stack32(b, 1), CODE0);
    bed_protected(b, 0);
    set_idt(b, VEC_GP, KCODE, 0x0e);
    set_idt(b, VEC_DF, KCODE, 0x0e);
    CODE(b, CODE0, "\x8e\xd0");
    step(b);
    step(b);
    assert_true(b->shut_down);
    assert_int_equal(b->cpu->activity, ACTIVITY_SHUTDOWN);
    bed_destroy(b);
}

static void page_fault_sets_cr2(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 3);
    poke(b, PAGES, 0x87, 4); /* 4 MiB */
    b->cpu->cr3 = PAGES;
    b->cpu->cr4 |= CR4_PSE;
    b->cpu->cr0 |= CR0_PG;
    cpu_update_mode(b->cpu);
    CODE(b, CODE3, "\xa1\x78\x56\x34\x12"); /* mov eax, [12345678h] */
    step(b);
    assert_vector(b, VEC_PF);
    assert_int_equal(b->cpu->cr2, 0x12345678);
    assert_int_equal(stack32(b, 0), 4);
    assert_int_equal(stack32(b, 1), CODE3);
    assert_int_equal(stack32(b, 3), FLAG_IF | FLAG_RF | FLAG_1);
    bed_destroy(b);
}

/* A #PF on the handler's own stack: nothing is half done, and it becomes a double fault through a task gate. */
static void double_fault_task(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 3);
    poke(b, PAGES, 0x87, 4);
    b->cpu->cr3 = PAGES;
    b->cpu->cr4 |= CR4_PSE;
    b->cpu->cr0 |= CR0_PG;
    poke(b, TSS + 4, 0x900000, 4); /* not mapped */
    set_gate(b, IDT + 8 * VEC_DF, SEL_TSS2, 0, 0x85, 0);
    poke(b, TSS2 + 28, PAGES, 4);
    poke(b, TSS2 + 32, CODE0, 4);
    poke(b, TSS2 + 36, FLAG_1, 4);
    poke(b, TSS2 + 56, STACK0, 4);
    for (unsigned n = 0; n < 6; n++) {
        poke(b, TSS2 + 72 + 4 * n, n == SEG_CS ? KCODE : KDATA, 4);
    }
    cpu_update_mode(b->cpu);
    CODE(b, CODE3, "\xa1\x78\x56\x34\x12");
    b->cpu->regs[R_BX] = 0x1234;
    step(b);
    assert_int_equal(b->cpu->ip, CODE0);
    assert_int_equal(b->cpu->tr.selector, SEL_TSS2);
    assert_int_equal(b->cpu->regs[R_SP], STACK0 - 4);
    assert_int_equal(stack32(b, 0), 0);
    assert_true(b->cpu->eflags & FLAG_NT);
    assert_int_equal(peek(b, TSS2, 2), SEL_TSS);
    assert_int_equal(peek(b, TSS + 32, 4), CODE3); /* the old task as it was */
    assert_int_equal(peek(b, TSS + 52, 4), 0x1234);
    assert_int_equal(peek(b, TSS + 56, 4), STACK3);
    assert_int_equal(peek(b, TSS + 76, 2), UCODE);
    assert_int_equal(b->cpu->cr2, 0x8ffffc); /* the second page fault's: the first push */
    bed_destroy(b);
}

static void prepare_task(struct bed *b, u16 cs)
{
    poke(b, TSS2 + 32, CODE0 + 0x100, 4);
    poke(b, TSS2 + 36, FLAG_1 | FLAG_CF, 4);
    poke(b, TSS2 + 40, 0xaaaa, 4);
    poke(b, TSS2 + 56, STACK0 - 0x100, 4);
    for (unsigned n = 0; n < 6; n++) {
        poke(b, TSS2 + 72 + 4 * n, n == SEG_CS ? cs : KDATA, 4);
    }
    poke(b, TSS2 + 96, SEL_LDT, 2);
}

static void task_call_and_iret(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    prepare_task(b, KCODE);
    CODE(b, CODE0, "\x9a\x00\x00\x00\x00\x30\x00"); /* call SEL_TSS2:0 */
    CODE(b, CODE0 + 0x100, "\xcf");
    b->cpu->regs[R_DX] = 0x5555;
    step(b);
    assert_int_equal(b->cpu->ip, CODE0 + 0x100);
    assert_int_equal(b->cpu->regs[R_AX], 0xaaaa);
    assert_int_equal(b->cpu->ldtr.base, LDT);
    assert_true(b->cpu->eflags & FLAG_NT);
    assert_true(flags_arith(b->cpu) & FLAG_CF);
    assert_true(b->cpu->cr0 & CR0_TS);
    assert_int_equal(access_byte(b, SEL_TSS), 0x8b);
    assert_int_equal(access_byte(b, SEL_TSS2), 0x8b);
    step(b);
    assert_int_equal(b->cpu->ip, CODE0 + 7);
    assert_int_equal(b->cpu->regs[R_DX], 0x5555);
    assert_int_equal(b->cpu->tr.selector, SEL_TSS);
    assert_int_equal(access_byte(b, SEL_TSS2), 0x89);
    assert_int_equal(access_byte(b, SEL_TSS), 0x8b);
    assert_false(peek(b, TSS2 + 36, 4) & FLAG_NT);
    assert_false(b->cpu->eflags & FLAG_NT);
    bed_destroy(b);
}

static void task_jmp_fault_after_commit(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    prepare_task(b, KCODE);
    poke(b, TSS2 + 72 + 4 * SEG_DS, SEL_GATE, 4); /* not a segment */
    CODE(b, CODE0, "\xea\x00\x00\x00\x00\x30\x00");
    step(b);
    assert_vector(b, VEC_TS);
    assert_int_equal(stack32(b, 0), SEL_GATE);
    assert_int_equal(stack32(b, 1), CODE0 + 0x100); /* in the new task */
    assert_int_equal(b->cpu->tr.selector, SEL_TSS2);
    assert_int_equal(access_byte(b, SEL_TSS), 0x89); /* JMP: no longer busy */
    bed_destroy(b);
}

static void task_switch_checks(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    prepare_task(b, KCODE);
    set_descriptor(b, SEL_TSS2, TSS2, 0x66, 0x89); /* too small */
    CODE(b, CODE0, "\xea\x00\x00\x00\x00\x30\x00");
    step(b);
    assert_vector(b, VEC_TS);
    assert_int_equal(stack32(b, 0), SEL_TSS2);
    assert_int_equal(stack32(b, 1), CODE0);
    assert_int_equal(b->cpu->tr.selector, SEL_TSS);
    bed_destroy(b);
}

/* ---- virtual-8086 mode */

static void enter_vm86(struct bed *b, u32 flags)
{
    struct cpu *cpu = b->cpu;
    bed_protected(b, 0);
    const u32 frame[] = {0x100, 0x6000, flags | FLAG_VM | FLAG_1, 0x200, 0x6100, 0x6200, 0x6300, 0x6400, 0x6500};
    cpu->regs[R_SP] = STACK0 - sizeof frame;
    for (unsigned n = 0; n < ARRAY_LEN(frame); n++) {
        poke(b, STACK0 - sizeof frame + 4 * n, frame[n], 4);
    }
    CODE(b, CODE0, "\xcf");
    step(b);
    assert_true(cpu->vm86);
    assert_int_equal(cpu->cpl, 3);
    assert_int_equal(cpu->ip, 0x100);
    assert_int_equal(cpu->seg[SEG_CS].base, 0x60000);
    assert_int_equal(cpu->seg[SEG_GS].base, 0x65000);
    assert_int_equal(cpu->regs[R_SP], 0x200);
}

static void vm86_interrupt(void **state)
{
    (void)state;
    struct bed *b = bed_create("pentium");
    enter_vm86(b, FLAG_IOPL | FLAG_IF);
    set_idt(b, 0x21, KCODE, 0xee);
    CODE(b, 0x60100, "\xcd\x21");
    step(b);
    assert_vector(b, 0x21);
    assert_false(b->cpu->vm86);
    assert_int_equal(b->cpu->cpl, 0);
    const u32 frame[] = {0x102, 0x6000, FLAG_VM | FLAG_IOPL | FLAG_IF | FLAG_1, 0x200, 0x6100, 0x6200, 0x6300, 0x6400,
                         0x6500};
    for (unsigned n = 0; n < ARRAY_LEN(frame); n++) {
        assert_int_equal(stack32(b, n), frame[n]);
    }
    assert_int_equal(b->cpu->seg[SEG_DS].attr, 0);
    CODE(b, HANDLERS + 16 * 0x21, "\xcf");
    step(b);
    assert_true(b->cpu->vm86);
    assert_int_equal(b->cpu->ip, 0x102);
    bed_destroy(b);
}

static void vm86_iopl(void **state)
{
    (void)state;
    static const char *const code[] = {"\xfa", "\xfb", "\x9c", "\x9d", "\xcf", "\xcd\x21", "\xe4\x60"};
    for (unsigned n = 0; n < ARRAY_LEN(code); n++) {
        struct bed *b = bed_create("pentium");
        enter_vm86(b, FLAG_IF);
        put_code(b, 0x60100, code[n], 2);
        step(b);
        assert_vector(b, VEC_GP);
        assert_int_equal(stack32(b, 0), 0);
        assert_int_equal(stack32(b, 1), 0x100);
        bed_destroy(b);
    }
}

static void vm86_vme_redirection(void **state)
{
    (void)state;
    struct bed *b = bed_create("pentium");
    enter_vm86(b, FLAG_VIF);
    b->cpu->cr4 |= CR4_VME;
    set_descriptor(b, SEL_TSS, TSS, 0x67 + 32, 0x8b);
    b->cpu->tr = bed_segment(b, SEL_TSS);
    poke(b, TSS + 102, 0x68 + 32, 2); /* the redirection bitmap, all clear, ends there */
    poke(b, 0x21 * 4, 0x70001234 & 0xffff0000, 4);
    poke(b, 0x21 * 4, 0x1234, 2);
    CODE(b, 0x60100, "\xcd\x21");
    step(b);
    assert_true(b->cpu->vm86);
    assert_int_equal(b->cpu->ip, 0x1234);
    assert_int_equal(b->cpu->seg[SEG_CS].selector, 0x7000);
    assert_int_equal(peek(b, 0x61000 + 0x1fe, 2), FLAG_IF | FLAG_IOPL | FLAG_1);
    assert_false(b->cpu->eflags & FLAG_VIF);
    bed_destroy(b);
}

/* ---- long mode */

static void long_mode_ist_and_iretq(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_long(b, 3);
    poke(b, IDT + 16 * VEC_UD + 4, 1, 1); /* IST 1 */
    poke(b, TSS + 36, 0x48008, 8);
    CODE(b, CODE3, "\x0f\x0b");
    CODE(b, HANDLERS + 16 * VEC_UD, "\x48\xcf");
    step(b);
    assert_vector(b, VEC_UD);
    assert_int_equal(b->cpu->regs[R_SP], 0x48000 - 40); /* aligned to 16 first */
    assert_int_equal(b->cpu->seg[SEG_SS].selector, 0);
    assert_int_equal(peek(b, 0x48000 - 40, 8), CODE3);
    assert_int_equal(peek(b, 0x48000 - 32, 8), UCODE64);
    assert_int_equal(peek(b, 0x48000 - 16, 8), STACK3);
    assert_int_equal(peek(b, 0x48000 - 8, 8), UDATA);
    step(b);
    assert_int_equal(b->cpu->ip, CODE3);
    assert_int_equal(b->cpu->cpl, 3);
    assert_int_equal(b->cpu->regs[R_SP], STACK3);
    bed_destroy(b);
}

static void syscall_sysret(void **state)
{
    (void)state;
    struct bed *b = bed_create("x86-64-v2");
    bed_long(b, 3);
    b->cpu->msr.star = (u64)0x13 << 48 | (u64)KCODE << 32;
    b->cpu->msr.lstar = CODE0;
    b->cpu->msr.sfmask = FLAG_IF;
    CODE(b, CODE3, "\x0f\x05");
    CODE(b, CODE0, "\x48\x0f\x07");
    step(b);
    assert_int_equal(b->cpu->ip, CODE0);
    assert_int_equal(b->cpu->cpl, 0);
    assert_int_equal(b->cpu->regs[R_CX], CODE3 + 2);
    assert_int_equal(b->cpu->regs[R_11], FLAG_IF | FLAG_1);
    assert_false(b->cpu->eflags & FLAG_IF);
    step(b);
    assert_int_equal(b->cpu->ip, CODE3 + 2);
    assert_int_equal(b->cpu->cpl, 3);
    assert_int_equal(b->cpu->seg[SEG_CS].selector, 0x23);
    assert_int_equal(b->cpu->seg[SEG_SS].selector, 0x1b);
    assert_true(b->cpu->eflags & FLAG_IF);
    bed_long(b, 0);
    b->cpu->regs[R_CX] = 0x800000000000;
    b->cpu->ip = CODE0;
    step(b); /* #GP in ring 0, on its stack */
    assert_vector(b, VEC_GP);
    assert_int_equal(b->cpu->cpl, 0);
    assert_int_equal(b->cpu->regs[R_SP], STACK0 - 48);
    bed_destroy(b);
}

static void call_gate_64(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_long(b, 3);
    set_gate(b, GDT + 0x90, KCODE64, CODE0, 0xec, 0);
    poke(b, GDT + 0x98, 0, 8);
    poke(b, 0x60000, (u64)0x93 << 32, 8);
    CODE(b, CODE3, "\xff\x1c\x25\x00\x00\x06\x00"); /* call far [60000h] */
    CODE(b, CODE0, "\x48\xcb");                     /* retfq */
    step(b);
    assert_int_equal(b->cpu->ip, CODE0);
    assert_int_equal(b->cpu->cpl, 0);
    assert_int_equal(b->cpu->regs[R_SP], STACK0 - 32);
    assert_int_equal(peek(b, STACK0 - 32, 8), CODE3 + 7);
    assert_int_equal(peek(b, STACK0 - 8, 8), UDATA);
    step(b);
    assert_int_equal(b->cpu->ip, CODE3 + 7);
    assert_int_equal(b->cpu->regs[R_SP], STACK3);
    bed_destroy(b);
}

/* ---- debugging */

static void single_step_and_breakpoints(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_protected(b, 0);
    flags_set(b->cpu, FLAG_TF | FLAG_1);
    CODE(b, CODE0, "\x90\x90");
    step(b);
    step(b);
    assert_vector(b, VEC_DB);
    assert_true(b->cpu->dr[6] & DR6_BS);
    assert_int_equal(stack32(b, 0), CODE0 + 1);
    assert_int_equal(stack32(b, 2), FLAG_TF | FLAG_1);
    bed_protected(b, 0);
    b->cpu->dr[6] = DR6_FIXED;
    b->cpu->dr[0] = CODE0;
    b->cpu->dr[1] = 0x60002;
    b->cpu->dr[7] = DR7_FIXED | 2 | 8 | (u64)0xd << 20; /* execute at DR0; write of 4 bytes at DR1 */
    cpu_update_debug(b->cpu);
    CODE(b, CODE0, "\xc6\x05\x03\x00\x06\x00\x01\x90"); /* mov byte [60003h], 1 */
    step(b);
    assert_vector(b, VEC_DB);
    assert_int_equal(b->cpu->dr[6] & 0xf, 1);
    assert_int_equal(stack32(b, 0), CODE0);
    assert_int_equal(stack32(b, 2) & FLAG_RF, 0);
    b->cpu->dr[6] = DR6_FIXED;
    b->cpu->ip = CODE0;
    flags_set(b->cpu, FLAG_RF | FLAG_1); /* as the handler's IRET does */
    cpu_update_debug(b->cpu);
    step(b);
    step(b);
    assert_vector(b, VEC_DB);
    assert_int_equal(b->cpu->dr[6] & 0xf, 2);
    assert_int_equal(stack32(b, 0), CODE0 + 7);
    bed_destroy(b);
}

/* A breakpoint on a repeated string instruction is met once, however often it is interrupted: RF stays set until it is complete, and is in
 * what a trap between two iterations pushes (SDM Vol. 3B 17.3.1.1). */
static void breakpoint_on_rep(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_protected(b, 0);
    b->cpu->dr[0] = CODE0;
    b->cpu->dr[7] = DR7_FIXED | 2;
    CODE(b, CODE0, "\xf3\xaa\x90"); /* rep stosb */
    b->cpu->regs[R_CX] = 3;
    b->cpu->regs[R_DI] = 0x60000;
    flags_set(b->cpu, FLAG_RF | FLAG_1); /* as the handler's IRET does */
    cpu_update_debug(b->cpu);
    step(b);
    assert_int_equal(b->cpu->regs[R_CX], 2);
    assert_int_equal(b->cpu->ip, CODE0);
    step(b);
    assert_int_equal(b->cpu->regs[R_CX], 1);
    step(b);
    assert_int_equal(b->cpu->regs[R_CX], 0);
    assert_int_equal(b->cpu->ip, CODE0 + 2);
    assert_int_equal(b->cpu->eflags & FLAG_RF, 0);
    b->cpu->ip = CODE0;
    b->cpu->regs[R_CX] = 2;
    flags_set(b->cpu, FLAG_RF | FLAG_TF | FLAG_1);
    cpu_update_debug(b->cpu);
    step(b);
    step(b);
    assert_vector(b, VEC_DB);
    assert_int_equal(b->cpu->dr[6] & (DR6_BS | DR6_B), DR6_BS);
    assert_int_equal(stack32(b, 0), CODE0);
    assert_int_equal(stack32(b, 2), FLAG_RF | FLAG_TF | FLAG_1);
    bed_destroy(b);
}

/* INT n clears TF: the handler's first instruction is reached without a trap; IRET brings TF back. */
static void no_trap_after_int(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    flags_set(b->cpu, FLAG_TF | FLAG_1);
    CODE(b, CODE0, "\xcd\x80\x90\x90");
    CODE(b, HANDLERS + 16 * 0x80, "\x90\xcf");
    step(b);
    step(b);
    assert_int_equal(b->cpu->ip, HANDLERS + 16 * 0x80 + 1);
    step(b);
    assert_int_equal(b->cpu->ip, CODE0 + 2);
    step(b);
    assert_int_equal(b->cpu->ip, CODE0 + 3);
    step(b);
    assert_vector(b, VEC_DB);
    assert_int_equal(stack32(b, 0), CODE0 + 3);
    bed_destroy(b);
}

static void smi_wakes_and_halt_goes_on(void **state)
{
    (void)state;
    struct bed *b = bed_create("max");
    bed_protected(b, 0);
    CODE(b, CODE0, "\xf4");
    CODE(b, 0x38000, "\x0f\xaa");
    step(b);
    assert_int_equal(b->cpu->activity, ACTIVITY_HALT);
    cpu_raise_smi(b->cpu);
    step(b);
    assert_int_equal(b->cpu->activity, ACTIVITY_RUN);
    step(b);
    assert_int_equal(b->cpu->activity, ACTIVITY_HALT);
    assert_int_equal(b->cpu->ip, CODE0 + 1);
    bed_destroy(b);
}

static void nmi_blocks_until_iret(void **state)
{
    (void)state;
    struct bed *b = bed_create("qemu32");
    bed_protected(b, 0);
    CODE(b, CODE0, "\x90");
    CODE(b, HANDLERS + 16 * VEC_NMI, "\x90\xcf");
    cpu_raise_nmi(b->cpu);
    step(b);
    assert_vector(b, VEC_NMI);
    cpu_raise_nmi(b->cpu);
    step(b);
    assert_int_equal(b->cpu->ip, HANDLERS + 16 * VEC_NMI + 1);
    step(b);
    step(b);
    assert_vector(b, VEC_NMI);
    bed_destroy(b);
}

static void real_mode_interrupt(void **state)
{
    (void)state;
    struct bed *b = bed_create("486");
    b->cpu->seg[SEG_CS].base = 0;
    b->cpu->seg[SEG_CS].selector = 0;
    b->cpu->ip = 0x500;
    b->cpu->regs[R_SP] = 0x480;
    cpu_update_mode(b->cpu);
    poke(b, 0x10 * 4, 0x00500020, 4);
    CODE(b, 0x500, "\xcd\x10");
    CODE(b, 0x520, "\xcf");
    step(b);
    assert_int_equal(b->cpu->ip, 0x20);
    assert_int_equal(b->cpu->seg[SEG_CS].base, 0x500);
    assert_int_equal(peek(b, 0x47a, 4), 0x502);
    step(b);
    assert_int_equal(b->cpu->ip, 0x502);
    assert_int_equal(b->cpu->regs[R_SP], 0x480);
    b->cpu->idtr.limit = 0x1f; /* then #GP, #DF: no vector 8: shutdown */
    b->cpu->ip = 0x500;
    step(b);
    for (unsigned n = 0; n < 3 && !b->shut_down; n++) {
        step(b);
    }
    assert_true(b->shut_down);
    bed_destroy(b);
}

int main(void)
{

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int_n_from_ring3_and_iret), cmocka_unit_test(int_n_checks),
        cmocka_unit_test(external_interrupt_fault_has_ext), cmocka_unit_test(sti_shadow),
        cmocka_unit_test(double_fault),              cmocka_unit_test(page_fault_sets_cr2),
        cmocka_unit_test(double_fault_task),         cmocka_unit_test(task_call_and_iret),
        cmocka_unit_test(task_jmp_fault_after_commit), cmocka_unit_test(task_switch_checks),
        cmocka_unit_test(vm86_interrupt),            cmocka_unit_test(vm86_iopl),
        cmocka_unit_test(vm86_vme_redirection),      cmocka_unit_test(long_mode_ist_and_iretq),
        cmocka_unit_test(syscall_sysret),            cmocka_unit_test(call_gate_64),
        cmocka_unit_test(single_step_and_breakpoints), cmocka_unit_test(nmi_blocks_until_iret),
        cmocka_unit_test(breakpoint_on_rep),         cmocka_unit_test(no_trap_after_int),
        cmocka_unit_test(smi_wakes_and_halt_goes_on), cmocka_unit_test(real_mode_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
