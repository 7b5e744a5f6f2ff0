/*
 * inspect.h: what the processor and the tables in the guest's memory hold, as pages to read. Looking changes nothing: accessed
 * bits, device registers and the TLB stay as they are.
 *
 * Pages are readable at 80 columns and put more on a line where there is room. A machine needs no more than its processor and
 * memory for the first ones; what else it lacks is said.
 */
#ifndef FRONTEND_LAB_INSPECT_H
#define FRONTEND_LAB_INSPECT_H

#include "frontend/lab/view.h"
#include "frontend/machine/machine.h"

struct i8259;

/* General registers, flags, where the next instruction is, and in which mode and ring. */
void inspect_registers_page(struct view *page, struct machine *machine);
/* Bit by bit: EFLAGS, CR0 to CR4, EFER, XCR0; and the debug registers. */
void inspect_control_page(struct view *page, struct machine *machine);
/* Segment registers with their hidden parts, and what their descriptors say now. */
void inspect_segments_page(struct view *page, struct machine *machine);
/* Descriptor tables, each entry with what uses it; the IDT, or the vectors of real mode. */
void inspect_gdt_page(struct view *page, struct machine *machine);
void inspect_ldt_page(struct view *page, struct machine *machine);
void inspect_idt_page(struct view *page, struct machine *machine);
/* The running task's TSS: stacks of the inner rings, what a task switch keeps, ports that are allowed. */
void inspect_tss_page(struct view *page, struct machine *machine);
/* How a linear address becomes a physical one: each table entry on the way, what it allows, who may access the page. */
void inspect_walk_page(struct view *page, struct machine *machine, u64 linear);
/* Stacks, of the ring that runs and of the others, with guesses of what is on them. */
void inspect_stacks_page(struct view *page, struct machine *machine);
/* What asks for interrupts and what holds them back: processor, 8259s, local APIC, IOAPIC. */
void inspect_interrupts_page(struct view *page, struct machine *machine);
/* Of these only the 16 lines of the 8259s. */
void inspect_lines(struct view *page, const struct i8259 *pic);
/* Instructions around CS:IP. */
void inspect_code_page(struct view *page, struct machine *machine);
/* `before` and `after` instructions around a linear address, as the processor would execute them now. */
void inspect_code(struct view *page, struct machine *machine, u64 linear, unsigned before, unsigned after);

/* Numbers as people write them: 0x10, $eip+4, start_kernel: expression.h, with this machine's registers and symbols. From *text on,
 * which moves behind it; and all of it. */
bool inspect_expression(struct machine *machine, const char **text, u64 *value, struct error *err);
bool inspect_number(struct machine *machine, const char *text, u64 *value, struct error *err);
/* Adds the symbols of a file to machine->symbols, which its owner frees. */
bool inspect_load_symbols(struct machine *machine, const char *path, u64 offset, struct error *err);

/* Pages by name, for those who let people choose. */
struct inspect_page {
    const char *name, *title;
    const char *argument; /* of what may be said behind the name: an address; NULL: nothing */
    void (*write)(struct view *page, struct machine *machine);
    void (*write_at)(struct view *page, struct machine *machine, u64 argument); /* with the argument */
};
/* Ended by one without a name. */
extern const struct inspect_page inspect_pages[];
const struct inspect_page *inspect_find(const char *name);

#endif
