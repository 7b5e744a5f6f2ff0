/*
 * paging.h: the guest's page tables as text: `info mem` and `info tlb`. Reads RAM only, and changes
 * nothing.
 */
#ifndef FRONTEND_MONITOR_PAGING_H
#define FRONTEND_MONITOR_PAGING_H

#include <stdio.h>

#include "cpu/cpu.h"

/* Ranges of linear addresses with equal rights. */
void paging_print_ranges(struct cpu *cpu, FILE *out);
/* Each page on a line. */
void paging_print_pages(struct cpu *cpu, FILE *out);

#endif
