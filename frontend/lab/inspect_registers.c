/*
 * inspect_registers.c: the registers that programs use, and in which mode and ring the processor is.
 */
#include <string.h>

#include "frontend/lab/inspect_parts.h"
#include "frontend/monitor/disas.h"

/* Beside its digits, what a register takes on a page with symbols. */
enum { SYMBOL_WIDTH = 32 };

static void put_mode(struct view *page, const struct cpu *cpu)
{
    static const char *const activities[] = {[ACTIVITY_HALT] = "halted: it waits for an interrupt (HLT)",
                                             [ACTIVITY_WAIT_SIPI] = "waits for a start-up message (SIPI)",
                                             [ACTIVITY_SHUTDOWN] = "shut down: after a triple fault",
                                             [ACTIVITY_MWAIT] = "waits for an interrupt or a write (MWAIT)"};
    inspect_title(page, "Registers: %s", inspect_mode(cpu));
    view_printf(page, inspect_ring_style(cpu), "ring %u%s", cpu->cpl, cpu->in_smm ? " in system-management mode" : "");
    view_printf(page, STYLE_TEXT, "   paging %s   interrupts %s", cpu->cr0 & CR0_PG ? "on" : "off",
                cpu->eflags & FLAG_IF ? "on (IF=1)" : "off (IF=0)");
    if (cpu->activity != ACTIVITY_RUN) {
        view_printf(page, STYLE_NOTE, "\n%s", activities[cpu->activity]);
    } else if (cpu->shadow_at == cpu->icount) {
        view_printf(page, STYLE_NOTE, "\nand held back for one instruction (%s)", cpu->shadow_ss ? "MOV SS" : "STI");
    }
    view_put(page, STYLE_TEXT, "\n\n");
}

static void put_next(struct view *page, struct machine *m)
{
    struct cpu *cpu = m->cpu;
    char text[DISAS_TEXT], symbol[SYMBOL_TEXT];
    u64 linear = cpu->code_base + cpu->ip;
    unsigned length = disas_linear(cpu, linear, cpu->ip, text);
    view_printf(page, STYLE_STRONG, "CS:%s", cpu->long_mode ? "RIP" : cpu->code_bytes == 4 ? "EIP" : "IP");
    view_printf(page, STYLE_TEXT, " %04x:%0*llx", cpu->seg[SEG_CS].selector, cpu->code_bytes == 2 ? 4 : inspect_digits(cpu),
                (ull)cpu->ip);
    inspect_put_symbol(page, m, linear);
    view_put(page, STYLE_TEXT, "\n  next: ");
    view_put(page, length ? STYLE_STRONG : STYLE_NOTE, length ? text : "not mapped: the fetch would fault");
    if (length && symbols_operand(m->symbols, text, linear + length, cpu->code_base, symbol)) {
        view_printf(page, STYLE_STRONG, " <%s>", symbol);
    }
    view_put(page, STYLE_TEXT, "\n\n");
}

/* " <start_kernel+0x12>", cut off where the next register stands. */
static void put_short_symbol(struct view *page, const struct machine *m, u64 linear, unsigned room)
{
    char text[SYMBOL_TEXT];
    if (symbols_text(m->symbols, linear, text)) {
        int most = room > 4 ? (int)room - 4 : 0;
        view_printf(page, STYLE_STRONG, " <%.*s%s", most, text, (int)strlen(text) > most ? "" : ">");
    }
}

static void put_general(struct view *page, struct machine *m)
{
    static const char *const names[] = {"AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI"};
    static const u8 order[] = {R_AX, R_BX, R_CX, R_DX, R_SI, R_DI, R_BP, R_SP, R_8, R_9, R_10, R_11, R_12, R_13, R_14, R_15};
    const struct cpu *cpu = m->cpu;
    unsigned count = cpu->long_mode ? 16 : 8, digits = (unsigned)inspect_digits(cpu);
    bool symbols = symbols_count(m->symbols) && cpu->code_bytes > 2; /* registers of 16 bits hold no linear addresses */
    unsigned width = symbols ? SYMBOL_WIDTH + digits : digits + 5, columns = page->columns / width;
    columns = columns >= 4 ? 4 : columns >= 2 ? 2 : 1;
    for (unsigned n = 0; n < count; n++) {
        unsigned r = order[n];
        u64 value = digits == 16 ? cpu->regs[r] : (u32)cpu->regs[r];
        view_tab(page, n % columns * width);
        if (r < 8) {
            view_printf(page, STYLE_STRONG, "%c%s ", digits == 16 ? 'R' : 'E', names[r]);
        } else {
            view_printf(page, STYLE_STRONG, "R%-2u ", r);
        }
        view_printf(page, STYLE_TEXT, "%0*llx", (int)digits, (ull)value);
        if (symbols) {
            put_short_symbol(page, m, value, columns > 1 ? width - 4 - digits : SYMBOL_TEXT);
        }
        view_put(page, STYLE_TEXT, n % columns == columns - 1 ? "\n" : "");
    }
}

static void put_flags(struct view *page, const struct cpu *cpu)
{
    static const struct {
        u32 bit;
        const char *name;
    } flags[] = {{FLAG_CF, "CF"}, {FLAG_PF, "PF"},   {FLAG_AF, "AF"},   {FLAG_ZF, "ZF"}, {FLAG_SF, "SF"}, {FLAG_TF, "TF"},
                 {FLAG_IF, "IF"}, {FLAG_DF, "DF"},   {FLAG_OF, "OF"},   {FLAG_NT, "NT"}, {FLAG_RF, "RF"}, {FLAG_VM, "VM"},
                 {FLAG_AC, "AC"}, {FLAG_VIF, "VIF"}, {FLAG_VIP, "VIP"}, {FLAG_ID, "ID"}};
    u32 value = flags_get(cpu);
    bool any = false;
    view_printf(page, STYLE_STRONG, "\n%s", cpu->long_mode ? "RFLAGS" : "EFLAGS");
    view_printf(page, STYLE_TEXT, " %08x  set:", value);
    for (unsigned n = 0; n < ARRAY_LEN(flags); n++) {
        if (value & flags[n].bit) {
            view_printf(page, STYLE_STRONG, " %s", flags[n].name);
            any = true;
        }
    }
    view_printf(page, STYLE_TEXT, "%s   IOPL %u\n", any ? "" : " none", iopl(cpu));
}

static void put_segments(struct view *page, const struct cpu *cpu)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    static const u8 order[] = {SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    for (unsigned n = 0; n < ARRAY_LEN(order); n++) {
        view_printf(page, STYLE_STRONG, "%s%s ", n ? "   " : "", names[order[n]]);
        view_printf(page, STYLE_TEXT, "%04x", cpu->seg[order[n]].selector);
    }
    view_put(page, STYLE_TEXT, "\n");
    int digits = inspect_digits(cpu);
    view_printf(page, STYLE_TEXT, "CR0 %08x   CR2 %0*llx   CR3 %0*llx   CR4 %08x\n", (u32)cpu->cr0, digits, (ull)cpu->cr2, digits,
                (ull)cpu->cr3, (u32)cpu->cr4);
}

void inspect_registers_page(struct view *page, struct machine *m)
{
    put_mode(page, m->cpu);
    put_next(page, m);
    put_general(page, m);
    put_flags(page, m->cpu);
    put_segments(page, m->cpu);
}
