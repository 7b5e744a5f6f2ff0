/*
 * journal.h: the file of a recording: what a machine was, and what came to it from outside, and when.
 *
 * Format, version 1, all numbers little-endian: the 8 bytes "RINGREC1", then chunks. A chunk is
 *
 *   u32 kind        1 HEAD (the first), 2 EVENTS, 3 END (the last)
 *   u32 size        of its content, at most 16 MiB
 *   u32 packed      bytes that follow: the content, compressed by zlib
 *   u32 check       CRC-32 of these
 *
 * HEAD holds texts, in pairs: a name and a value, each u32 length and bytes. EVENTS holds
 *
 *   u64 count, u64 ns, u8 kind, u8 unit, u32 size, size bytes
 *
 * each: instructions executed and guest time when it came; kinds of outside.h, and 255, a check: the 8 bytes of a hash of the
 * processor's registers. END is an event too, of kind 254, with 8 bytes of a hash of the whole state. Without one the recording
 * was cut off; what there is can be replayed.
 */
#ifndef FRONTEND_LAB_JOURNAL_H
#define FRONTEND_LAB_JOURNAL_H

#include "cpu/base/error.h"
#include "cpu/base/fields.h"

enum { JOURNAL_CHECK = 255, JOURNAL_END = 254, JOURNAL_DATA_MAX = 1 << 16, JOURNAL_TEXTS_MAX = 512 };

struct journal_event {
    u64 count, ns;
    u8 kind, unit;
    u32 size;
    const u8 *data;
};

/* ---- writing */

struct journal_writer;

/* `head`: pairs of texts, as journal_put_text() makes them. */
struct journal_writer *journal_create(const char *path, const struct blob *head, struct error *err);
void journal_put_text(struct blob *head, const char *name, const char *value);
void journal_put(struct journal_writer *writer, const struct journal_event *event);
/* Writes what is gathered. False: something could not be written (any time). `writer` is gone. */
bool journal_close(struct journal_writer *writer, struct error *err);

/* ---- reading */

struct journal_reader;

/* NULL: not a recording, or its beginning is damaged. */
struct journal_reader *journal_open(const char *path, struct error *err);
/* A text of the head, or NULL; the number of texts of that name before it in `nth`. */
const char *journal_text(const struct journal_reader *reader, const char *name, unsigned nth);
/* The next event, which stays until it is taken; NULL: there are no more. What is damaged ends it, *damaged says so (may be
 * NULL). */
const struct journal_event *journal_next(struct journal_reader *reader, const char **damaged);
void journal_take(struct journal_reader *reader);
void journal_free(struct journal_reader *reader);

#endif
