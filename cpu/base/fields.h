/*
 * fields.h: tables that describe a struct's state, so that save, load, compare and print are written once.
 *
 * Every device and the processor has one table. What is not in the table is derived or host-side.
 */
#ifndef CPU_BASE_FIELDS_H
#define CPU_BASE_FIELDS_H

#include <stdio.h>

#include "cpu/base/clock.h"
#include "cpu/base/error.h"
#include "cpu/base/types.h"

enum field_kind {
    FIELD_KIND_UINT,    /* integer of `size` bytes (1, 2, 4, 8), `count` of them */
    FIELD_KIND_BOOL,    /* a bool, `count` of them: any other value than 0 and 1 is refused by a load */
    FIELD_KIND_BYTES,   /* `size` raw bytes */
    FIELD_KIND_STRUCTS, /* `count` structs of `size` bytes, each described by `sub` */
    FIELD_KIND_TIMER,   /* a struct timer: its deadline */
    FIELD_KIND_BUFFER,  /* a pointer to `size` bytes allocated at create */
};

struct field {
    const char         *name; /* NULL ends a table */
    enum field_kind     kind;
    u32                 offset, size, count;
    const struct field *sub;
};

#define FIELD_SIZEOF(type, member) sizeof(((type *)0)->member)
#define FIELD_INT_KIND(type, member)                                                               \
    _Generic(((type *)0)->member, bool: FIELD_KIND_BOOL, default: FIELD_KIND_UINT)

/* An integer, enum or bool member. */
#define FIELD(type, member)                                                                        \
    {                                                                                              \
        #member, FIELD_INT_KIND(type, member), offsetof(type, member), FIELD_SIZEOF(type, member), \
            1, NULL                                                                                \
    }
/* An array of integers. */
#define FIELD_ARRAY(type, member)                                                                  \
    {                                                                                              \
        #member, FIELD_INT_KIND(type, member[0]), offsetof(type, member),                          \
            FIELD_SIZEOF(type, member[0]),                                                         \
            FIELD_SIZEOF(type, member) / FIELD_SIZEOF(type, member[0]), NULL                       \
    }
/* Raw bytes embedded in the struct. */
#define FIELD_BYTES(type, member)                                                                  \
    {                                                                                              \
        #member, FIELD_KIND_BYTES, offsetof(type, member), FIELD_SIZEOF(type, member), 1, NULL     \
    }
/* One embedded struct, or an array of them, with a table of its own. */
#define FIELD_STRUCT(type, member, table)                                                          \
    {                                                                                              \
        #member, FIELD_KIND_STRUCTS, offsetof(type, member), FIELD_SIZEOF(type, member), 1, table  \
    }
#define FIELD_STRUCTS(type, member, table)                                                         \
    {                                                                                              \
        #member, FIELD_KIND_STRUCTS, offsetof(type, member), FIELD_SIZEOF(type, member[0]),        \
            FIELD_SIZEOF(type, member) / FIELD_SIZEOF(type, member[0]), table                      \
    }
#define FIELD_TIMER(type, member)                                                                  \
    {                                                                                              \
        #member, FIELD_KIND_TIMER, offsetof(type, member), FIELD_SIZEOF(type, member), 1, NULL     \
    }
/* A pointer member to `bytes` allocated bytes. */
#define FIELD_BUFFER(type, member, bytes)                                                          \
    {                                                                                              \
        #member, FIELD_KIND_BUFFER, offsetof(type, member), bytes, 1, NULL                         \
    }
#define FIELD_END                                                                                  \
    {                                                                                              \
        NULL, FIELD_KIND_UINT, 0, 0, 0, NULL                                                       \
    }

/* A growing byte buffer that fields are saved to and loaded from. */
struct blob {
    u8    *data;
    size_t size, capacity, pos;
    bool   without_buffers; /* buffers are neither saved nor loaded: somebody else keeps them */
};
void blob_free(struct blob *blob);
void blob_put(struct blob *blob, const void *data, size_t size);
/* False, and zeroes, when fewer than `size` bytes remain. */
bool blob_get(struct blob *blob, void *data, size_t size);

/* Appends the fields of `object` to `blob`, little-endian, with names, so that a reader can check the layout. */
void fields_save(const struct field *table, const void *object, struct blob *blob);
/* Reads what fields_save() wrote. On an error `object` is unchanged; damaged input never reads outside `blob`. */
bool fields_load(const struct field *table, void *object, struct blob *blob, struct error *err);
/* The name (dotted path) of the first field that differs, in `path`, or false when all are equal. */
bool fields_differ(const struct field *table, const void *a, const void *b, char *path, size_t path_size);
/* One line a field: "name = 0x...". */
void fields_print(const struct field *table, const void *object, FILE *out);

#endif
