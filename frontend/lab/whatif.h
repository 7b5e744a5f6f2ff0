/*
 * whatif.h: what would happen if a register, memory, a descriptor or a page-table entry were another: the machine executes some
 * instructions as it is, goes back (history.h), executes them once more with the change, and goes back again. Both runs are shown
 * side by side.
 *
 * Changes, several of them with commas between, are TARGET=VALUE, TARGET|=VALUE or TARGET&=VALUE, with numbers as in expression.h:
 *
 *   $eax $ip $eflags $cr3 ...     registers; of control registers only bits that do not change the mode; $cpl
 *   $ds.base .limit .attr .sel    what the processor holds of a segment register, of $tr and $ldtr; $gdtr.base, $idtr.limit
 *   b[ADDR] w[ADDR] d[ADDR] q[ADDR]  memory of 1, 2, 4, 8 bytes at a linear address; [ADDR] is d[ADDR]
 *   pte[ADDR]                     the last page-table entry on the way to the address
 *   pde[ADDR] pdpte pml4e pml5e   those before it
 *   gdt[SELECTOR] ldt[SELECTOR] idt[VECTOR]  8 bytes of a descriptor
 */
#ifndef FRONTEND_LAB_WHATIF_H
#define FRONTEND_LAB_WHATIF_H

#include "cpu/base/error.h"
#include "frontend/lab/view.h"
#include "frontend/machine/machine.h"

enum { WHATIF_MOST = 1000, WHATIF_USUAL = 16 };

/* Changes the machine for good. Not while it is recorded or has a past. */
bool whatif_set(struct machine *machine, const char *changes, struct error *err);
/* Both runs, of `most` instructions at most, each up to its first exception or change of the ring. The machine, which has a past,
 * is paused, and is then where it was. */
bool whatif_page(struct view *page, struct machine *machine, const char *changes, unsigned most, struct error *err);

#endif
