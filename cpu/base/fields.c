/*
 * fields.c: see fields.h.
 *
 * Saved form: for each field a name (length byte, bytes), the number of data bytes (u32), and the
 * data; a nested table is its fields in a row, an array of structs one after the other. An empty
 * name ends a table. A reader must meet the very names and sizes of its own table: what changed in
 * between is the business of device_class.version.
 */
#include "cpu/base/fields.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

void blob_free(struct blob *blob)
{
    free(blob->data);
    *blob = (struct blob){0};
}

void blob_put(struct blob *blob, const void *data, size_t size)
{
    if (size > blob->capacity - blob->size) {
        size_t capacity = blob->capacity * 2 + size + 256;
        blob->data = mem_resize(blob->data, capacity);
        blob->capacity = capacity;
    }
    if (size) {
        memcpy(blob->data + blob->size, data, size);
    }
    blob->size += size;
}

bool blob_get(struct blob *blob, void *data, size_t size)
{
    if (blob->pos > blob->size || size > blob->size - blob->pos) {
        memset(data, 0, size);
        return false;
    }
    if (size) {
        memcpy(data, blob->data + blob->pos, size);
    }
    blob->pos += size;
    return true;
}

static const void *field_data(const struct field *f, const void *object)
{
    const u8 *member = (const u8 *)object + f->offset;
    switch (f->kind) {
    case FIELD_KIND_TIMER:
        return &((const struct timer *)member)->deadline_ns;
    case FIELD_KIND_BUFFER: {
        const void *buffer;
        memcpy(&buffer, member, sizeof buffer);
        return buffer;
    }
    default:
        return member;
    }
}

static u32 field_bytes(const struct field *f)
{
    switch (f->kind) {
    case FIELD_KIND_TIMER:
        return sizeof(i64);
    case FIELD_KIND_STRUCTS:
        return f->count; /* for the header: how many */
    default:
        return f->size * f->count;
    }
}

static const void *element(const struct field *f, const void *object, u32 index)
{
    return (const u8 *)object + f->offset + (size_t)index * f->size;
}

static bool is_left_out(const struct field *f, const struct blob *blob)
{
    return blob->without_buffers && f->kind == FIELD_KIND_BUFFER;
}

void fields_save(const struct field *table, const void *object, struct blob *blob)
{
    for (const struct field *f = table; f->name; f++) {
        if (is_left_out(f, blob)) {
            continue;
        }
        size_t length = strlen(f->name);
        assert(length > 0 && length < 256);
        u8 name_length = (u8)length;
        u32 bytes = field_bytes(f);
        blob_put(blob, &name_length, 1);
        blob_put(blob, f->name, length);
        blob_put(blob, &bytes, 4);
        if (f->kind != FIELD_KIND_STRUCTS) {
            blob_put(blob, field_data(f, object), bytes);
            continue;
        }
        for (u32 i = 0; i < f->count; i++) {
            fields_save(f->sub, element(f, object, i), blob);
        }
    }
    blob_put(blob, &(u8){0}, 1);
}

static bool check_header(const struct field *f, struct blob *blob, struct error *err)
{
    u8 length;
    char name[256];
    u32 bytes;
    if (!blob_get(blob, &length, 1) || !blob_get(blob, name, length)) {
        return error_set(err, "saved state ends before field '%s'", f->name);
    }
    if (length != strlen(f->name) || memcmp(name, f->name, length)) {
        return error_set(err, "saved state has another field in the place of '%s'", f->name);
    }
    if (!blob_get(blob, &bytes, 4) || bytes != field_bytes(f)) {
        return error_set(err, "saved field '%s' has another size", f->name);
    }
    return true;
}

static bool check_data(const struct field *f, struct blob *blob, struct error *err)
{
    u32 bytes = field_bytes(f);
    if (bytes > blob->size - blob->pos) {
        return error_set(err, "saved state ends within field '%s'", f->name);
    }
    if (f->kind == FIELD_KIND_BOOL) {
        for (u32 i = 0; i < bytes; i++) {
            if (blob->data[blob->pos + i] > 1) {
                return error_set(err, "saved field '%s' is neither true nor false", f->name);
            }
        }
    }
    blob->pos += bytes;
    return true;
}

/* Walks one saved table without touching any object. */
static bool check_table(const struct field *table, struct blob *blob, struct error *err)
{
    for (const struct field *f = table; f->name; f++) {
        if (is_left_out(f, blob)) {
            continue;
        }
        if (!check_header(f, blob, err)) {
            return false;
        }
        if (f->kind != FIELD_KIND_STRUCTS) {
            if (!check_data(f, blob, err)) {
                return false;
            }
            continue;
        }
        for (u32 i = 0; i < f->count; i++) {
            if (!check_table(f->sub, blob, err)) {
                return false;
            }
        }
    }
    u8 end;
    if (!blob_get(blob, &end, 1) || end != 0) {
        return error_set(err, "saved state has more fields than expected");
    }
    return true;
}

/* Reads a table that check_table() has passed. */
static void load_table(const struct field *table, void *object, struct blob *blob)
{
    for (const struct field *f = table; f->name; f++) {
        if (is_left_out(f, blob)) {
            continue;
        }
        blob->pos += 1 + strlen(f->name) + 4;
        if (f->kind == FIELD_KIND_STRUCTS) {
            for (u32 i = 0; i < f->count; i++) {
                load_table(f->sub, (u8 *)object + f->offset + (size_t)i * f->size, blob);
            }
        } else if (f->kind == FIELD_KIND_TIMER) {
            i64 deadline;
            blob_get(blob, &deadline, sizeof deadline);
            timer_set((struct timer *)((u8 *)object + f->offset), deadline); /* NEVER disarms */
        } else {
            blob_get(blob, (void *)field_data(f, object), field_bytes(f));
        }
    }
    blob->pos++;
}

bool fields_load(const struct field *table, void *object, struct blob *blob, struct error *err)
{
    size_t start = blob->pos;
    if (start > blob->size) {
        return error_set(err, "saved state is empty");
    }
    bool good = check_table(table, blob, err);
    blob->pos = start;
    if (good) {
        load_table(table, object, blob);
    }
    return good;
}

/* Appends ".name" or ".name[i]" to path; returns the new length. */
static size_t path_append(char *path, size_t size, size_t used, const struct field *f, u32 index)
{
    const char *dot = used ? "." : "";
    int n = f->count > 1 ? snprintf(path + used, size - used, "%s%s[%u]", dot, f->name, index)
                         : snprintf(path + used, size - used, "%s%s", dot, f->name);
    size_t end = used + (size_t)n;
    return end < size ? end : size - 1;
}

static u32 first_difference(const struct field *f, const void *a, const void *b)
{
    for (u32 i = 0; f->count > 1 && i < f->count; i++) {
        if (memcmp((const u8 *)a + (size_t)i * f->size, (const u8 *)b + (size_t)i * f->size,
                   f->size)) {
            return i;
        }
    }
    return 0;
}

static bool differ_at(const struct field *table, const void *a, const void *b, char *path,
                      size_t size, size_t used)
{
    for (const struct field *f = table; f->name; f++) {
        if (f->kind == FIELD_KIND_STRUCTS) {
            for (u32 i = 0; i < f->count; i++) {
                size_t end = path_append(path, size, used, f, i);
                if (differ_at(f->sub, element(f, a, i), element(f, b, i), path, size, end)) {
                    return true;
                }
                path[used] = 0;
            }
            continue;
        }
        const void *x = field_data(f, a), *y = field_data(f, b);
        if (memcmp(x, y, field_bytes(f))) {
            path_append(path, size, used, f, first_difference(f, x, y));
            return true;
        }
    }
    return false;
}

bool fields_differ(const struct field *table, const void *a, const void *b, char *path,
                   size_t path_size)
{
    assert(path_size > 0);
    path[0] = 0;
    return differ_at(table, a, b, path, path_size, 0);
}

static void print_bytes(const u8 *data, u32 size, FILE *out)
{
    enum { SHOWN = 32 };
    for (u32 i = 0; i < size && i < SHOWN; i++) {
        fprintf(out, "%s%02x", i ? " " : "", data[i]);
    }
    if (size > SHOWN) {
        fprintf(out, " ... (%u bytes)", size);
    }
}

static void print_value(const struct field *f, const void *object, FILE *out)
{
    const u8 *data = field_data(f, object);
    if (f->kind == FIELD_KIND_TIMER) {
        i64 deadline = (i64)load64(data);
        if (deadline == CLOCK_NEVER) {
            fputs("not armed", out);
        } else {
            fprintf(out, "%" PRId64 " ns", deadline);
        }
        return;
    }
    bool integer = f->kind == FIELD_KIND_UINT || f->kind == FIELD_KIND_BOOL;
    if (!integer || f->size > 8) {
        print_bytes(data, field_bytes(f), out);
        return;
    }
    for (u32 i = 0; i < f->count; i++) {
        fprintf(out, "%s0x%" PRIx64, i ? " " : "", load_le(data + (size_t)i * f->size, f->size));
    }
}

static void print_table(const struct field *table, const void *object, FILE *out, char *path,
                        size_t size, size_t used)
{
    for (const struct field *f = table; f->name; f++) {
        if (f->kind == FIELD_KIND_STRUCTS) {
            for (u32 i = 0; i < f->count; i++) {
                size_t end = path_append(path, size, used, f, i);
                print_table(f->sub, element(f, object, i), out, path, size, end);
            }
        } else {
            path[used] = 0;
            fprintf(out, "%s%s%s = ", path, used ? "." : "", f->name);
            print_value(f, object, out);
            putc('\n', out);
        }
        path[used] = 0;
    }
}

void fields_print(const struct field *table, const void *object, FILE *out)
{
    char path[256] = "";
    print_table(table, object, out, path, sizeof path, 0);
}
