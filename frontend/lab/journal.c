/*
 * journal.c: see journal.h. The reader believes nothing: each length is compared with what there is.
 */
#include "frontend/lab/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "cpu/base/bits.h"
#include "cpu/base/clock.h"
#include "cpu/base/mem.h"

static const char magic[8] = "RINGREC1";
enum { CHUNK_HEAD = 1, CHUNK_EVENTS, CHUNK_END, CHUNK_HEADER = 16, CHUNK_MAX = 16 << 20, GATHER = 32 << 10, EVENT_HEADER = 22 };
#define FLUSH_NS 1000000000 /* no more than that of a run is lost with the emulator */

/* ---- writing */

struct journal_writer {
    FILE *file;
    char *path;
    struct blob events;
    i64 flush_at; /* of the host's time */
    int error; /* errno of the first failure */
};

static void write_bytes(struct journal_writer *w, const void *data, size_t size)
{
    if (!w->error && fwrite(data, 1, size, w->file) != size) {
        w->error = errno ? errno : EIO;
    }
}

static void write_chunk(struct journal_writer *w, u32 kind, const struct blob *content)
{
    uLongf packed = compressBound(content->size);
    u8 *bytes = mem_zeroed(1, packed), header[CHUNK_HEADER];
    if (compress2(bytes, &packed, content->data, content->size, 6) != Z_OK) {
        w->error = w->error ? w->error : ENOMEM;
    }
    store32(header, kind);
    store32(header + 4, (u32)content->size);
    store32(header + 8, (u32)packed);
    store32(header + 12, (u32)crc32(0, bytes, (uInt)packed));
    write_bytes(w, header, sizeof header);
    write_bytes(w, bytes, packed);
    free(bytes);
}

void journal_put_text(struct blob *head, const char *name, const char *value)
{
    for (unsigned k = 0; k < 2; k++) {
        const char *text = k ? value : name;
        u8 length[4];
        store32(length, (u32)strlen(text));
        blob_put(head, length, sizeof length);
        blob_put(head, text, strlen(text));
    }
}

struct journal_writer *journal_create(const char *path, const struct blob *head, struct error *err)
{
    FILE *file = fopen(path, "wbe");
    if (!file) {
        error_set(err, "-record %s: %s", path, strerror(errno));
        return NULL;
    }
    struct journal_writer *w = mem_zeroed(1, sizeof *w);
    w->file = file;
    w->path = mem_check(strdup(path));
    write_bytes(w, magic, sizeof magic);
    write_chunk(w, CHUNK_HEAD, head);
    fflush(w->file);
    return w;
}

static void flush_events(struct journal_writer *w, u32 kind)
{
    if (w->events.size) {
        write_chunk(w, kind, &w->events);
        fflush(w->file); /* as far as it is written it can be replayed, however the emulator ends */
        w->events.size = 0;
    }
    w->flush_at = host_now() + FLUSH_NS;
}

void journal_put(struct journal_writer *w, const struct journal_event *e)
{
    u8 header[EVENT_HEADER];
    if (e->kind == JOURNAL_END) {
        flush_events(w, CHUNK_EVENTS);
    }
    store64(header, e->count);
    store64(header + 8, e->ns);
    header[16] = e->kind;
    header[17] = e->unit;
    store32(header + 18, e->size);
    blob_put(&w->events, header, sizeof header);
    blob_put(&w->events, e->data, e->size);
    if (e->kind == JOURNAL_END || w->events.size >= GATHER || host_now() >= w->flush_at) {
        flush_events(w, e->kind == JOURNAL_END ? CHUNK_END : CHUNK_EVENTS);
    }
}

bool journal_close(struct journal_writer *w, struct error *err)
{
    flush_events(w, CHUNK_EVENTS);
    if (fclose(w->file) && !w->error) {
        w->error = errno;
    }
    bool ok = !w->error || error_set(err, "-record %s: %s", w->path, strerror(w->error));
    blob_free(&w->events);
    free(w->path);
    free(w);
    return ok;
}

/* ---- reading */

struct journal_reader {
    FILE *file;
    struct blob head, chunk;
    u32 kind; /* of chunk */
    struct journal_event event;
    bool has_event;
    const char *damaged;
};

/* The next chunk becomes r->chunk. False: there is none, or it is damaged. */
static bool read_chunk(struct journal_reader *r)
{
    u8 header[CHUNK_HEADER];
    size_t n = fread(header, 1, sizeof header, r->file);
    blob_free(&r->chunk);
    r->chunk = (struct blob){0};
    if (n < sizeof header) {
        r->damaged = n ? "it ends within a chunk" : NULL;
        return false;
    }
    u32 size = load32(header + 4), packed = load32(header + 8);
    r->kind = load32(header);
    if (size > CHUNK_MAX || packed > CHUNK_MAX || !size || !packed) {
        r->damaged = "a chunk has no sensible size";
        return false;
    }
    u8 *bytes = mem_zeroed(1, packed);
    uLongf got = size;
    r->chunk = (struct blob){.data = mem_zeroed(1, size), .size = size, .capacity = size};
    if (fread(bytes, 1, packed, r->file) != packed) {
        r->damaged = "it ends within a chunk";
    } else if (crc32(0, bytes, packed) != load32(header + 12)) {
        r->damaged = "a chunk's check sum is wrong";
    } else if (uncompress(r->chunk.data, &got, bytes, packed) != Z_OK || got != size) {
        r->damaged = "a chunk cannot be unpacked";
    }
    free(bytes);
    return !r->damaged;
}

/* The text at *at in the head; NULL: none. */
static const char *text_at(struct blob *head, u32 *length)
{
    u8 word[4];
    if (!blob_get(head, word, sizeof word)) {
        return NULL;
    }
    *length = load32(word);
    if (*length > head->size - head->pos) {
        return NULL;
    }
    const char *text = (const char *)head->data + head->pos;
    head->pos += *length;
    return text;
}

/* Texts are given out as C strings: each is kept with a zero behind it. */
static bool prepare_head(struct journal_reader *r, struct blob *raw)
{
    u32 length;
    unsigned texts = 0;
    for (const char *text; (text = text_at(raw, &length)); texts++) {
        if (memchr(text, 0, length) || texts == 2 * JOURNAL_TEXTS_MAX) {
            return false;
        }
        blob_put(&r->head, text, length);
        blob_put(&r->head, "", 1);
    }
    return raw->pos == raw->size && texts % 2 == 0;
}

struct journal_reader *journal_open(const char *path, struct error *err)
{
    char found[8];
    FILE *file = fopen(path, "rbe");
    if (!file) {
        error_set(err, "-replay %s: %s", path, strerror(errno));
        return NULL;
    }
    struct journal_reader *r = mem_zeroed(1, sizeof *r);
    r->file = file;
    bool magical = fread(found, 1, sizeof found, file) == sizeof found && !memcmp(found, magic, 7);
    if (!magical) {
        error_set(err, "-replay %s: this is no recording", path);
    } else if (found[7] != magic[7]) {
        error_set(err, "-replay %s: a recording of another version than %c", path, magic[7]);
    } else if (!read_chunk(r) || r->kind != CHUNK_HEAD || !prepare_head(r, &r->chunk)) {
        error_set(err, "-replay %s: its beginning is damaged", path);
    } else {
        return r;
    }
    journal_free(r);
    return NULL;
}

const char *journal_text(const struct journal_reader *r, const char *name, unsigned nth)
{
    const char *p = (const char *)r->head.data, *end = p + r->head.size;
    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (!strcmp(p, name) && !nth--) {
            return value;
        }
        p = value + strlen(value) + 1;
    }
    return NULL;
}

static bool parse_event(struct journal_reader *r)
{
    u8 header[EVENT_HEADER];
    struct blob *c = &r->chunk;
    if (!blob_get(c, header, sizeof header)) {
        return false;
    }
    struct journal_event e = {.count = load64(header), .ns = load64(header + 8), .kind = header[16], .unit = header[17],
                              .size = load32(header + 18)};
    bool ends = e.kind == JOURNAL_END;
    if (e.size > JOURNAL_DATA_MAX || e.size > c->size - c->pos || e.count < r->event.count || e.ns < r->event.ns ||
        e.ns > INT64_MAX || e.count > INT64_MAX || ends != (r->kind == CHUNK_END) ||
        ((ends || e.kind == JOURNAL_CHECK) && e.size != 8)) {
        return false;
    }
    e.data = c->data + c->pos;
    c->pos += e.size;
    r->event = e;
    return true;
}

const struct journal_event *journal_next(struct journal_reader *r, const char **damaged)
{
    while (!r->has_event && !r->damaged) {
        if (r->chunk.pos == r->chunk.size || r->kind == CHUNK_HEAD) {
            if (r->kind == CHUNK_END || !read_chunk(r)) {
                break;
            }
            if (r->kind != CHUNK_EVENTS && r->kind != CHUNK_END) {
                r->damaged = "a chunk is of no known kind";
            }
        } else if (parse_event(r)) {
            r->has_event = true;
        } else {
            r->damaged = "an event makes no sense";
        }
    }
    if (damaged) {
        *damaged = r->damaged;
    }
    return r->has_event ? &r->event : NULL;
}

void journal_take(struct journal_reader *r)
{
    r->has_event = false;
}

void journal_free(struct journal_reader *r)
{
    if (r) {
        fclose(r->file);
        blob_free(&r->head);
        blob_free(&r->chunk);
        free(r);
    }
}
