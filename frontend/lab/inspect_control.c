/*
 * inspect_control.c: control registers and flags, bit by bit. SDM Vol. 3A 2.3 (EFLAGS), 2.5 (control registers), 2.2.1 (EFER), 2.6
 * (XCR0); Vol. 3B 17.2 (debug registers).
 */
#include "frontend/lab/inspect_parts.h"

struct bit_name {
    u8 bit, bits;               /* bits: 1 unless it is a field */
    const char *name, *meaning; /* meaning: of 1 */
};

/* A page so wide has two bits on a line. */
enum { TWO_COLUMNS = 200 };

static const struct bit_name flag_bits[] = {
    {0, 1, "CF", "carry or borrow out of the result"},
    {2, 1, "PF", "the low byte of the result has an even number of ones"},
    {4, 1, "AF", "carry out of bit 3 (decimal arithmetic)"},
    {6, 1, "ZF", "the result was zero"},
    {7, 1, "SF", "the result's highest bit"},
    {8, 1, "TF", "single step: #DB after each instruction"},
    {9, 1, "IF", "maskable interrupts are taken"},
    {10, 1, "DF", "string instructions go downwards"},
    {11, 1, "OF", "signed overflow"},
    {12, 2, "IOPL", "rings up to this one may use all ports, CLI and STI"},
    {14, 1, "NT", "nested task: IRET returns to the task of the back link"},
    {16, 1, "RF", "no instruction breakpoint for the next instruction"},
    {17, 1, "VM", "virtual-8086 mode"},
    {18, 1, "AC", "alignment is checked in ring 3 (with CR0.AM); overrides SMAP in rings 0 to 2"},
    {19, 1, "VIF", "virtual IF (CR4.VME or PVI)"},
    {20, 1, "VIP", "a virtual interrupt is pending (CR4.VME or PVI)"},
    {21, 1, "ID", "can be changed, so there is CPUID"},
    {0}};

static const struct bit_name cr0_bits[] = {
    {0, 1, "PE", "protected mode: selectors name descriptors, rings are enforced"},
    {1, 1, "MP", "WAIT raises #NM while TS is set"},
    {2, 1, "EM", "no x87: its instructions raise #NM"},
    {3, 1, "TS", "task switched: x87 and SSE raise #NM, so that their state can be switched late"},
    {4, 1, "ET", "387 or later: always 1"},
    {5, 1, "NE", "x87 errors raise #MF, not IRQ 13"},
    {16, 1, "WP", "read-only pages are so for rings 0 to 2, too"},
    {18, 1, "AM", "EFLAGS.AC makes ring 3 raise #AC for unaligned data"},
    {29, 1, "NW", "not write-through (caches)"},
    {30, 1, "CD", "caches are disabled"},
    {31, 1, "PG", "paging"},
    {0}};

static const struct bit_name cr3_bits[] = {
    {3, 1, "PWT", "page-level write-through for the top table"}, {4, 1, "PCD", "page-level cache disable for the top table"}, {0}};

static const struct bit_name cr4_bits[] = {{0, 1, "VME", "virtual-8086 mode extensions: virtual interrupts, interrupt redirection"},
                                           {1, 1, "PVI", "virtual interrupts in ring 3 of protected mode"},
                                           {2, 1, "TSD", "RDTSC in ring 0 only"},
                                           {3, 1, "DE", "debugging extensions: I/O breakpoints; DR4 and DR5 raise #UD"},
                                           {4, 1, "PSE", "pages of 4 MiB in 32-bit paging"},
                                           {5, 1, "PAE", "page-table entries of 64 bits"},
                                           {6, 1, "MCE", "machine checks raise #MC"},
                                           {7, 1, "PGE", "global pages stay in the TLB when CR3 is loaded"},
                                           {8, 1, "PCE", "RDPMC in all rings"},
                                           {9, 1, "OSFXSR", "SSE may be used"},
                                           {10, 1, "OSXMMEXCPT", "unmasked SSE errors raise #XM"},
                                           {11, 1, "UMIP", "SGDT, SIDT, SLDT, STR, SMSW in ring 0 only"},
                                           {12, 1, "LA57", "5-level paging: linear addresses of 57 bits"},
                                           {13, 1, "VMXE", "virtual machines (VMX)"},
                                           {16, 1, "FSGSBASE", "RDFSBASE and the like, in all rings"},
                                           {17, 1, "PCIDE", "TLB entries are tagged with a process number from CR3"},
                                           {18, 1, "OSXSAVE", "XSAVE and XCR0"},
                                           {20, 1, "SMEP", "rings 0 to 2 may not execute user pages"},
                                           {21, 1, "SMAP", "rings 0 to 2 may not access user pages, unless EFLAGS.AC is set"},
                                           {22, 1, "PKE", "protection keys for user pages (PKRU)"},
                                           {23, 1, "CET", "shadow stacks and indirect-branch tracking"},
                                           {24, 1, "PKS", "protection keys for supervisor pages"},
                                           {0}};

static const struct bit_name efer_bits[] = {
    {0, 1, "SCE", "SYSCALL and SYSRET"},       {8, 1, "LME", "long mode begins when paging is switched on"},
    {10, 1, "LMA", "long mode is active"},     {11, 1, "NXE", "page-table entries may forbid execution (NX)"},
    {12, 1, "SVME", "virtual machines (SVM)"}, {0}};

static const struct bit_name xcr0_bits[] = {{0, 1, "X87", "XSAVE keeps the x87; always 1"},
                                            {1, 1, "SSE", "and XMM registers"},
                                            {2, 1, "AVX", "and the upper halves of YMM registers: AVX may be used"},
                                            {9, 1, "PKRU", "and the rights of protection keys"},
                                            {0}};

static const struct bit_name dr6_bits[] = {{0, 1, "B0", "breakpoint 0 was met"},
                                           {1, 1, "B1", "breakpoint 1 was met"},
                                           {2, 1, "B2", "breakpoint 2 was met"},
                                           {3, 1, "B3", "breakpoint 3 was met"},
                                           {13, 1, "BD", "somebody touched a debug register (DR7.GD)"},
                                           {14, 1, "BS", "single step"},
                                           {15, 1, "BT", "a task switch to a TSS with the T bit"},
                                           {0}};

/* ---- writing */

static unsigned field_of(u64 value, const struct bit_name *b)
{
    return (unsigned)(value >> b->bit & ((1u << b->bits) - 1));
}

static void put_bit(struct view *page, u64 value, const struct bit_name *b, unsigned left)
{
    unsigned n = field_of(value, b);
    view_tab(page, left);
    view_printf(page, STYLE_DIM, b->bits > 1 ? "%2u-%-2u" : "%2u   ", b->bit, b->bit + b->bits - 1);
    view_printf(page, n ? STYLE_STRONG : STYLE_DIM, " %-10s %u  ", b->name, n);
    view_wrap(page, n ? STYLE_TEXT : STYLE_DIM, page->x, b->meaning);
}

/* Down the left column, then down the right one, if there is room for two. */
static void put_bits(struct view *page, u64 value, const struct bit_name *list)
{
    unsigned count = 0;
    while (list[count].name) {
        count++;
    }
    bool two = page->columns >= TWO_COLUMNS;
    unsigned rows = two ? (count + 1) / 2 : count;
    for (unsigned n = 0; n < rows; n++) {
        put_bit(page, value, &list[n], 2);
        if (n + rows < count) {
            put_bit(page, value, &list[n + rows], TWO_COLUMNS / 2 + 2);
        }
        view_put(page, STYLE_TEXT, "\n");
    }
}

/* A register's line: its value, and which bits are set. */
static void put_set(struct view *page, const char *name, u64 value, const struct bit_name *list)
{
    view_printf(page, STYLE_TITLE, "%s %08llx", name, (ull)value);
    for (const struct bit_name *b = list; b->name; b++) {
        unsigned n = field_of(value, b);
        if (n && b->bits > 1) {
            inspect_wrap(page, STYLE_STRONG, 2, " %s=%u", b->name, n);
        } else if (n) {
            inspect_wrap(page, STYLE_STRONG, 2, " %s", b->name);
        }
    }
    view_put(page, STYLE_TEXT, "\n");
    put_bits(page, value, list);
}

static void put_register(struct view *page, const char *name, u64 value, int digits, const char *words)
{
    view_printf(page, STYLE_TITLE, "%s %0*llx", name, digits, (ull)value);
    if (words[0]) {
        view_put(page, STYLE_TEXT, "  ");
        view_wrap(page, STYLE_TEXT, 2, words);
    }
    view_put(page, STYLE_TEXT, "\n");
}

static const char *paging_words(const struct cpu *cpu)
{
    static const char *const words[] = {[PAGING_NONE] = "no paging: linear addresses are physical ones",
                                        [PAGING_32] = "32-bit paging, two levels",
                                        [PAGING_PAE] = "PAE paging, three levels",
                                        [PAGING_4LEVEL] = "4-level paging",
                                        [PAGING_5LEVEL] = "5-level paging"};
    return words[cpu->paging.mode];
}

static void put_breakpoints(struct view *page, const struct cpu *cpu)
{
    static const char *const kinds[] = {"execution", "writes", "I/O", "reads and writes"};
    static const u8 sizes[] = {1, 2, 8, 4};
    u64 dr7 = cpu->dr[7];
    for (unsigned n = 0; n < 4; n++) {
        if (dr7 >> (2 * n) & 3) {
            unsigned kind = dr7 >> (16 + 4 * n) & 3;
            view_printf(page, STYLE_TEXT, "  breakpoint %u at %0*llx: %s, %u bytes\n", n, inspect_digits(cpu), (ull)cpu->dr[n],
                        kinds[kind], kind ? sizes[dr7 >> (18 + 4 * n) & 3] : 1);
        }
    }
    if (!(dr7 & 0xff)) {
        view_put(page, STYLE_DIM, "  no breakpoint is enabled\n");
    }
}

void inspect_control_page(struct view *page, struct machine *m)
{
    const struct cpu *cpu = m->cpu;
    int digits = inspect_digits(cpu);
    inspect_title(page, "Control registers and flags, bit by bit: %s", inspect_mode(cpu));
    put_set(page, cpu->long_mode ? "RFLAGS" : "EFLAGS", flags_get(cpu), flag_bits);
    put_set(page, "CR0", (u32)cpu->cr0, cr0_bits);
    put_register(page, "CR2", cpu->cr2, digits, "linear address of the last page fault");
    put_register(page, "CR3", cpu->cr3, digits, "");
    view_tab(page, 2);
    inspect_wrap(page, STYLE_TEXT, 2, "physical address of the top page table: %llx; %s", (ull)cpu->paging.root, paging_words(cpu));
    view_put(page, STYLE_TEXT, "\n");
    if (cpu->cr4 & CR4_PCIDE) {
        view_printf(page, STYLE_TEXT, "  process number (PCID): %03x\n", (unsigned)(cpu->cr3 & 0xfff));
    } else {
        put_bits(page, cpu->cr3, cr3_bits);
    }
    put_set(page, "CR4", (u32)cpu->cr4, cr4_bits);
    put_set(page, "EFER", cpu->efer, efer_bits);
    put_set(page, "XCR0", cpu->xcr0, xcr0_bits);
    put_register(page, "DR6", cpu->dr[6], 8, "why the last #DB was raised");
    put_bits(page, cpu->dr[6], dr6_bits);
    put_register(page, "DR7", cpu->dr[7], 8, cpu->dr[7] & DR7_GD ? "GD: touching a debug register raises #DB" : "");
    put_breakpoints(page, cpu);
}
