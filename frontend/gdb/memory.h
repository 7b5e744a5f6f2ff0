/*
 * memory.h: guest memory as gdb asks for it: linear addresses by the page tables of now, or physical ones. RAM and ROM only:
 * reading a device's registers may change the device.
 */
#ifndef FRONTEND_GDB_MEMORY_H
#define FRONTEND_GDB_MEMORY_H

#include "cpu/cpu.h"

/* Returns how many bytes could be read, from the first on. */
size_t gdb_memory_read(struct cpu *cpu, bool physical, u64 address, u8 *bytes, size_t size);
/* All of them, into RAM, or none. */
bool gdb_memory_write(struct cpu *cpu, bool physical, u64 address, const u8 *bytes, size_t size);

#endif
