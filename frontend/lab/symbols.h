/*
 * symbols.h: names of addresses in the guest: from ELF files (32 and 64 bits, .symtab or .dynsym) and from System.map files or what
 * `nm` prints.
 *
 * The address of a symbol is a linear one. What was moved since it was linked (position-independent programs, kernels that choose
 * their place at random) needs the distance as an offset. Files may be damaged: what cannot be read is left out, or is an error.
 */
#ifndef FRONTEND_LAB_SYMBOLS_H
#define FRONTEND_LAB_SYMBOLS_H

#include <stddef.h>

#include "cpu/base/error.h"

enum { SYMBOL_TEXT = 96 };

struct symbol {
    u64 address, size; /* size 0: not known */
    const char *name;
    bool function; /* or anything else */
    bool by_name;  /* its value is no address (an offset, a constant): found by its name only */
    u8 rank;       /* of several at one address the lowest is its name */
};

struct symbols;

struct symbols *symbols_create(void);
void symbols_free(struct symbols *symbols);
/* Adds those of a file, each `offset` bytes higher than it says. */
bool symbols_load(struct symbols *symbols, const char *path, u64 offset, struct error *err);
size_t symbols_count(const struct symbols *symbols);

/* The nearest symbol that is not above the address, and may reach up to it. NULL: none. `symbols` may be NULL here and below. */
const struct symbol *symbols_find(const struct symbols *symbols, u64 address);
const struct symbol *symbols_named(const struct symbols *symbols, const char *name);
/* "start_kernel+0x1f". False: the address has no name; the text is empty then. */
bool symbols_text(const struct symbols *symbols, u64 address, char text[SYMBOL_TEXT]);
/* The same, for the lone address in an instruction's text: "call 0x1234", "mov eax, dword ptr [0x1234]", "lea rax, [rip + 0x12]",
 * which is followed by `next`. */
bool symbols_operand(const struct symbols *symbols, const char *insn, u64 next, u64 code_base, char text[SYMBOL_TEXT]);
/* The names that begin with these letters, in order, from the `nth` on. NULL: there are no more. */
const char *symbols_complete(const struct symbols *symbols, const char *letters, size_t nth);

#endif
