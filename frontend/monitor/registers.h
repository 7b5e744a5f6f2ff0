/*
 * registers.h: the processor's registers as text, and by name.
 */
#ifndef FRONTEND_MONITOR_REGISTERS_H
#define FRONTEND_MONITOR_REGISTERS_H

#include <stdio.h>

#include "cpu/cpu.h"

/* "real mode", "VM86", "16-bit", "32-bit" or "64-bit". */
const char *registers_mode(const struct cpu *cpu);

enum { REGISTERS_KIND = 24 };

/* What a segment's attributes (ATTR_) say, in a word or two: "CS32 [-RA]", "TSS64-busy", "call gate 32". */
const char *registers_kind(const struct cpu *cpu, unsigned attr, char text[REGISTERS_KIND]);

/* All of them: `info registers`. */
void registers_print(struct cpu *cpu, FILE *out);
/* General registers, EIP, flags, segments and control registers: a few lines. */
void registers_print_short(struct cpu *cpu, FILE *out);
/* "eax", "rip", "cs", "cr3", "eflags"; "pc" is the linear address of the next instruction. False:
 * no such register. */
bool registers_find(struct cpu *cpu, const char *name, u64 *value);

#endif
