/*
 * disas.h: guest instructions as text (Intel syntax, by capstone), and what `-d int` prints of an
 * exception.
 */
#ifndef FRONTEND_MONITOR_DISAS_H
#define FRONTEND_MONITOR_DISAS_H

#include <stdio.h>

#include "cpu/cpu.h"

enum { DISAS_TEXT = 192 };

/* One instruction of `available` bytes that runs at `address`. `code_bytes` is 2, 4 or 8 as in
 * struct cpu. Returns its length; of what is no instruction, a byte and "(bad)". */
unsigned disas_bytes(const u8 *bytes, unsigned available, u64 address, unsigned code_bytes,
                     char text[DISAS_TEXT]);

/* All instructions of `size` bytes, a line each with address and bytes. The first is shown as being at
 * `shown`, and runs at `address`. */
void disas_print(FILE *out, const u8 *bytes, size_t size, u64 shown, u64 address,
                 unsigned code_bytes);

/* The instruction at a linear address of `cpu`, in its current mode: 0 when its first byte is not
 * mapped. `address` is what jumps are relative to (the offset in the code segment). */
unsigned disas_linear(struct cpu *cpu, vaddr la, u64 address, char text[DISAS_TEXT]);

/* Writes registers and the instruction at CS:IP to the log: cpu_bus.exception. */
void disas_log_exception(struct cpu *cpu);

#endif
