/*
 * program.h: a lesson's program: assembled by nasm to a flat image, with the addresses of its labels and, for each address, the
 * line of the source it comes from.
 *
 * The build assembles the lessons it brings along, so nasm is needed only to change a program and for lessons of one's own.
 */
#ifndef FRONTEND_LESSON_PROGRAM_H
#define FRONTEND_LESSON_PROGRAM_H

#include <stddef.h>

#include "cpu/base/error.h"

/* Where programs are loaded and begin: where a PC's firmware puts a boot sector. */
enum { PROGRAM_ADDRESS = 0x7c00, PROGRAM_BYTES_MAX = 0x90000 };

struct program_symbol {
    const char *name;
    u64 value;
};

struct program_line {
    u32 address, line; /* line: of the source, from 1 on */
};

struct program {
    u8 *image;
    size_t size;
    struct program_symbol *symbol;
    size_t symbols;
    struct program_line *map; /* by address */
    size_t map_count;
    char *source;             /* its lines end in 0 */
    const char **line;
    size_t lines;
    char *map_text;           /* where the names lie */
};

/* From what the build has assembled, or, when that is not there, by nasm. NULL: and why. */
struct program *program_load(const char *folder, const char *file, struct error *err);
/* By nasm; `path` may be anywhere, `folder` (may be NULL) is searched for what it includes. */
struct program *program_assemble(const char *path, const char *folder, struct error *err);
/* The same program with the line that ends with "; @MARK" replaced (its label stays; see program_marked()). */
struct program *program_edit(const struct program *program, const char *folder, const char *mark, const char *text,
                             struct error *err);
void program_free(struct program *program);

bool program_symbol(const struct program *program, const char *name, u64 *value);
/* The label at an address or the nearest one before it, and how far; NULL: none is near. */
const char *program_label(const struct program *program, u64 address, u64 *distance);
/* Writes the labels as System.map has them, for inspect_load_symbols(), to a file of that path. */
bool program_write_symbols(const struct program *program, const char *path);
/* The source line of the instruction at an address; 0: none. */
unsigned program_line_at(const struct program *program, u64 address);
/* The line that ends with "; @MARK"; 0: there is none. `text` (at least 256 bytes) becomes what of it can be edited. */
unsigned program_marked(const struct program *program, const char *mark, char *text);

#endif
