/*
 * registers.h: the processor's registers as gdb counts them, and the target description that tells it so (Debugging with GDB,
 * appendix G). One table says which there are, in the order of the g packet.
 *
 * gdb keeps one architecture for as long as it is connected. A processor with long mode is described as x86-64 in all its modes, as
 * QEMU does it, any other as i386; GDB_I386 for 16- and 32-bit guests on a 64-bit processor is somebody's choice.
 */
#ifndef FRONTEND_GDB_REGISTERS_H
#define FRONTEND_GDB_REGISTERS_H

#include "cpu/base/error.h"
#include "cpu/cpu.h"

enum { GDB_REGISTERS_MAX = 160, GDB_REGISTER_BYTES = 16 };

enum gdb_architecture { GDB_BY_MODEL, GDB_I386, GDB_X86_64 };

struct gdb_register {
    char name[12];
    const char *feature, *type; /* gdb's */
    u8 bytes, kind, index;
};

struct gdb_registers {
    struct cpu *cpu;
    bool wide;   /* x86-64 */
    bool linear; /* pc, sp and bp are told with the base of their segment */
    unsigned count, pc; /* pc: its number */
    struct gdb_register table[GDB_REGISTERS_MAX];
};

void gdb_registers_init(struct gdb_registers *registers, struct cpu *cpu, enum gdb_architecture architecture);
/* Appends the description, XML. */
void gdb_registers_describe(const struct gdb_registers *registers, struct blob *out);
/* Little-endian, table[n].bytes. */
void gdb_register_read(const struct gdb_registers *registers, unsigned n, u8 value[GDB_REGISTER_BYTES]);
/* With all that follows from it. False: the processor refuses the value, or cannot be given one there. What is equal is no
 * change. */
bool gdb_register_write(const struct gdb_registers *registers, unsigned n, const u8 value[GDB_REGISTER_BYTES], struct error *err);

#endif
