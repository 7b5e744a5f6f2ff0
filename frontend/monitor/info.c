/*
 * info.c: what may follow the monitor's `info`.
 */
#include "frontend/monitor/info.h"

#include <stdlib.h>

#include "cpu/base/mem.h"
#include "devices/chipset/pci.h"
#include "devices/display/vga.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "frontend/lab/inspect.h"
#include "frontend/monitor/paging.h"
#include "frontend/monitor/registers.h"
#include "frontend/text.h"

typedef unsigned long long ull;

static bool info_registers(struct call *c, struct error *err)
{
    (void)err;
    registers_print(c->machine->cpu, c->out);
    return true;
}

static bool info_gdt(struct call *c, struct error *err)
{
    (void)err;
    look_print(c, inspect_gdt_page);
    return true;
}

static bool info_idt(struct call *c, struct error *err)
{
    (void)err;
    look_print(c, inspect_idt_page);
    return true;
}

static bool info_tss(struct call *c, struct error *err)
{
    (void)err;
    look_print(c, inspect_tss_page);
    return true;
}

static bool info_mem(struct call *c, struct error *err)
{
    (void)err;
    paging_print_ranges(c->machine->cpu, c->out);
    return true;
}

static bool info_tlb(struct call *c, struct error *err)
{
    (void)err;
    paging_print_pages(c->machine->cpu, c->out);
    return true;
}

static bool info_pic(struct call *c, struct error *err)
{
    (void)err;
    i8259_print(c->machine->pic, c->out);
    if (c->machine->ioapic) {
        ioapic_print(c->machine->ioapic, c->out);
    }
    return true;
}

static bool info_lapic(struct call *c, struct error *err)
{
    if (!c->machine->lapic) {
        return error_set(err, "this processor has no local APIC");
    }
    lapic_print(c->machine->lapic, c->out);
    return true;
}

static void put_lines(struct view *page, struct machine *m)
{
    inspect_lines(page, m->pic);
}

/* The 8259s' view, line by line. */
static bool info_irq(struct call *c, struct error *err)
{
    (void)err;
    look_print(c, put_lines);
    return true;
}

static bool info_pci(struct call *c, struct error *err)
{
    (void)err;
    pci_bus_print(c->machine->pci, c->out);
    return true;
}

static bool info_mtree(struct call *c, struct error *err)
{
    (void)err;
    space_print(c->machine->memory, c->out);
    space_print(c->machine->ports, c->out);
    return true;
}

static bool info_status(struct call *c, struct error *err)
{
    (void)err;
    fprintf(c->out, "VM status: %s\n", c->machine->paused ? "paused" : "running");
    return true;
}

static bool info_cpus(struct call *c, struct error *err)
{
    const struct cpu *cpu = c->machine->cpu;
    (void)err;
    fprintf(c->out, "* CPU #0: pc=0x%016llx ring %u%s, %llu instructions%s, %s\n",
            (ull)(cpu->code_base + cpu->ip), cpu->cpl, cpu->in_smm ? " (SMM)" : "",
            (ull)cpu->icount, cpu->executor && !cpu->counted ? " (translated code does not count)" : "",
            cpu_model_name(cpu->model));
    return true;
}

static bool info_version(struct call *c, struct error *err)
{
    (void)err;
    fprintf(c->out, "Ringside %s\n", RINGSIDE_VERSION);
    return true;
}

static bool info_machine(struct call *c, struct error *err)
{
    (void)err;
    fprintf(c->out, "%llu MiB, %u resets\n", (ull)(c->machine->ram.size >> 20), c->machine->resets);
    return true;
}

static bool info_jit(struct call *c, struct error *err)
{
    (void)err;
    accel_print(c->machine->cpu, c->out);
    return true;
}

static bool info_screen(struct call *c, struct error *err)
{
    if (!c->machine->vga) {
        return error_set(err, "there is no display adapter");
    }
    struct vga_text *text = mem_zeroed(1, sizeof *text);
    bool ok = vga_text(c->machine->vga, text);
    if (ok) {
        text_print(text, c->out);
    } else {
        vga_update(c->machine->vga);
        const struct surface *s = vga_surface(c->machine->vga);
        fprintf(c->out, "(%ux%u graphics)\n", s->width, s->height);
    }
    free(text);
    return true;
}

const struct command info_commands[] = {
    {"registers", "", "the processor's registers", 0, info_registers},
    {"mem", "", "mapped linear addresses, by rights", 0, info_mem},
    {"tlb", "", "each page of the page tables", 0, info_tlb},
    {"gdt", "", "the global descriptor table", 0, info_gdt},
    {"idt", "", "the interrupt descriptor table", 0, info_idt},
    {"tss", "", "the task state segment", 0, info_tss},
    {"cpus", "", "the processor, in a line", 0, info_cpus},
    {"pic", "", "the interrupt controllers", 0, info_pic},
    {"irq", "", "the 16 interrupt lines", 0, info_irq},
    {"lapic", "", "the local APIC", 0, info_lapic},
    {"pci", "", "PCI functions", 0, info_pci},
    {"mtree", "", "what is mapped where, memory and ports", 0, info_mtree},
    {"block", "", "drives and their media", 0, info_block},
    {"screen", "", "the text on the screen", 0, info_screen},
    {"jit", "", "how the guest is executed: blocks, their translation, what C executes", 0, info_jit},
    {"status", "", "running or paused", 0, info_status},
    {"machine", "", "memory size, resets", 0, info_machine},
    {"breakpoints", "", "where the machine pauses", 0, info_breakpoints},
    {"crossings", "", "crossings between rings: how many of each kind, and what ran in each ring", 0, info_crossings},
    {"exceptions", "", "the last ones, a line each; `why` explains them", 0, info_exceptions},
    {"marks", "", "what the guest has said by hypercalls", 0, info_marks},
    {"history", "", "the past that is kept: checkpoints, memory", 0, info_history},
    {"version", "", "of the emulator", 0, info_version},
    {0},
};
