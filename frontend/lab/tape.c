/*
 * tape.c: see tape.h.
 */
#include "frontend/lab/tape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "devices/storage/fdc.h"
#include "devices/storage/ide.h"
#include "frontend/lab/history.h"
#include "frontend/lab/state.h"
#include "frontend/machine/counted.h"

struct tape {
    struct outside_watch watch;
    struct machine *machine;
    const struct options *options;
    struct journal_writer *out;
    struct journal_reader *in;
    u64 next_check;
    u64 end_hash;
    bool at_end, compared;
    struct error trouble; /* of a replay; "" if there is none */
};

/* ---- what a machine is */

static void put_number(struct blob *head, const char *name, u64 number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    journal_put_text(head, name, text);
}

static void put_content(struct blob *head, const char *name, const char *path, u64 size, u64 hash)
{
    char text[64];
    (void)path;
    snprintf(text, sizeof text, "%" PRIu64 " bytes, %016" PRIx64, size, hash);
    journal_put_text(head, name, text);
}

enum { PIECE = 1 << 20 };

static void put_file(struct blob *head, const char *name, const char *path)
{
    FILE *file = path ? fopen(path, "rbe") : NULL;
    u64 size = 0, hash = 0;
    if (file) {
        u8 *piece = mem_zeroed(1, PIECE);
        for (size_t n; (n = fread(piece, 1, PIECE, file)) > 0; size += n) {
            hash = hash_bytes(hash, piece, n);
        }
        free(piece);
        fclose(file);
    }
    put_content(head, name, path, size, hash);
}

static void note_error(void *opaque, int error)
{
    *(int *)opaque |= error;
}

static void put_image(struct blob *head, const char *name, struct block *image)
{
    u64 size = image ? block_size(image) : 0, hash = 0;
    u8 *piece = mem_zeroed(1, PIECE);
    int error = 0;
    for (u64 at = 0; at < size && !error; at += PIECE) {
        size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;
        block_read(image, at, piece, n, note_error, &error);
        hash = hash_bytes(hash, piece, n);
    }
    free(piece);
    put_content(head, name, "", size, hash);
}

/* What must be the same; a difference is told by name. */
static void describe(struct machine *m, struct blob *head)
{
    const struct machine_config *c = &m->config;
    char name[32];
    put_number(head, "memory", c->ram_bytes);
    journal_put_text(head, "processor", c->cpu);
    put_number(head, "nanoseconds an instruction, log 2", c->count_shift);
    put_file(head, "kernel", c->kernel);
    put_file(head, "initrd", c->initrd);
    journal_put_text(head, "command line", c->append ? c->append : "");
    for (unsigned k = 0; k < IDE_UNITS; k++) {
        snprintf(name, sizeof name, "IDE drive %u", k);
        put_image(head, name, ide_image(m->ide, k));
    }
    for (unsigned k = 0; k < FDC_UNITS; k++) {
        snprintf(name, sizeof name, "floppy drive %u", k);
        put_image(head, name, fdc_image(m->fdc, k));
    }
    snprintf(name, sizeof name, "%016" PRIx64, state_hash(m));
    journal_put_text(head, "board", name);
}

/* Values of the recording that the machine takes over. */
static void put_given(const struct machine_config *c, struct blob *head)
{
    char text[2 * sizeof c->seed + 1];
    put_number(head, "epoch", (u64)c->epoch);
    put_number(head, "graphic", c->graphic);
    put_number(head, "hypercalls", c->hypercalls);
    for (unsigned k = 0; k < sizeof c->seed; k++) {
        snprintf(text + 2 * k, 3, "%02x", c->seed[k]);
    }
    journal_put_text(head, "seed", text);
}

static bool take_given(const struct journal_reader *in, struct machine_config *c, struct error *err)
{
    const char *epoch = journal_text(in, "epoch", 0), *graphic = journal_text(in, "graphic", 0),
               *seed = journal_text(in, "seed", 0), *hypercalls = journal_text(in, "hypercalls", 0);
    if (!epoch || !graphic || !seed || strlen(seed) != 2 * sizeof c->seed) {
        return error_set(err, "-replay: the recording lacks something");
    }
    c->epoch = (i64)strtoull(epoch, NULL, 10);
    c->graphic = !strcmp(graphic, "1");
    c->hypercalls = hypercalls && !strcmp(hypercalls, "1"); /* older recordings say nothing: there were none */
    for (unsigned k = 0; k < sizeof c->seed; k++) {
        char byte[3] = {seed[2 * k], seed[2 * k + 1], 0};
        c->seed[k] = (u8)strtoul(byte, NULL, 16);
    }
    return true;
}

static bool compare(const struct journal_reader *in, struct blob *head, struct error *err)
{
    u8 length[4];
    char *text[2] = {NULL, NULL};
    bool same = true;
    while (same && head->pos < head->size) {
        for (unsigned k = 0; k < 2; k++) {
            blob_get(head, length, sizeof length);
            text[k] = mem_zeroed(1, load32(length) + 1);
            blob_get(head, text[k], load32(length));
        }
        const char *then = journal_text(in, text[0], 0);
        same = then && !strcmp(then, text[1]);
        if (!same) {
            error_set(err, "-replay: this is another machine than the recorded one: its %s is %.60s, was %.60s", text[0], text[1],
                      then ? then : "unknown");
        }
        free(text[0]);
        free(text[1]);
    }
    return same;
}

/* ---- moments */

static struct journal_event event_now(struct machine *m, u8 kind)
{
    return (struct journal_event){.count = cpu_icount(m->cpu), .ns = (u64)clock_now(m->clock), .kind = kind};
}

static bool check_is_due(struct tape *t)
{
    if (cpu_icount(t->machine->cpu) < t->next_check) {
        return false;
    }
    t->next_check = t->machine->round_end;
    return true;
}

static void put_hash(struct tape *t, u8 kind, u64 hash)
{
    u8 data[8];
    struct journal_event e = event_now(t->machine, kind);
    store64(data, hash);
    e.data = data;
    e.size = sizeof data;
    journal_put(t->out, &e);
}

static bool record_pass(void *opaque, const struct outside_event *event)
{
    struct tape *t = opaque;
    struct journal_event e = event_now(t->machine, (u8)event->kind);
    if (event->size > JOURNAL_DATA_MAX) {
        return false; /* more than anybody can type */
    }
    e.unit = (u8)event->unit;
    e.size = (u32)event->size;
    e.data = event->data;
    journal_put(t->out, &e);
    return true;
}

static void record_moment(void *opaque)
{
    struct tape *t = opaque;
    if (check_is_due(t)) {
        put_hash(t, JOURNAL_CHECK, state_hash_registers(t->machine));
    }
}

static bool record_due(void *opaque)
{
    (void)opaque;
    return false;
}

static bool replay_pass(void *opaque, const struct outside_event *event)
{
    (void)opaque;
    (void)event;
    return false;
}

static bool has_failed(const struct tape *t)
{
    return t->trouble.text[0];
}

static void fail(struct tape *t, const char *what)
{
    if (!has_failed(t)) {
        error_set(&t->trouble, "-replay: after %" PRIu64 " instructions: %s", cpu_icount(t->machine->cpu), what);
    }
    machine_quit(t->machine, 1);
}

static void compare_end(struct tape *t)
{
    u64 hash = state_hash(t->machine);
    if (hash != t->end_hash) {
        error_set(&t->trouble, "-replay: the state at the end, %016" PRIx64 ", is not the recorded one, %016" PRIx64, hash,
                  t->end_hash);
    }
}

/* The recording ends. If there is a past to look at, the machine stays here, or comes here again. */
static void end_here(struct tape *t)
{
    struct machine *m = t->machine;
    if (!m->history) {
        machine_quit(m, 0);
        return;
    }
    if (!t->compared && !(m->requests & REQUEST_RESET)) {
        t->compared = true;
        compare_end(t);
        fprintf(stderr, "ringside: %s\n", has_failed(t) ? t->trouble.text : "the recording ends here, in the recorded state");
    }
    m->requests &= REQUEST_QUIT;
    m->stop_at = cpu_icount(m->cpu);
    machine_pause(m);
}

static void replay_event(struct tape *t, const struct journal_event *e)
{
    struct outside_event event = {.kind = e->kind, .unit = e->unit, .size = e->size, .data = e->data};
    if (e->kind == JOURNAL_CHECK) {
        if (load64(e->data) != state_hash_registers(t->machine)) {
            fail(t, "the processor is not where it was when this was recorded");
        }
    } else if (e->kind == JOURNAL_END) {
        t->at_end = true;
        t->end_hash = load64(e->data);
        end_here(t);
    } else if (e->kind >= OUTSIDE_KINDS || !outside_apply(t->machine, &event)) {
        fail(t, "something came from outside that cannot come now");
    }
}

static void replay_moment(void *opaque)
{
    struct tape *t = opaque;
    struct machine *m = t->machine;
    const char *damaged = NULL;
    const struct journal_event *e;
    m->stop_at = ICOUNT_FOREVER;
    while (!t->at_end && !has_failed(t) && (e = journal_next(t->in, &damaged))) {
        u64 count = cpu_icount(m->cpu), now = (u64)clock_now(m->clock);
        if (e->count > count || (e->count == count && e->ns > now)) {
            m->stop_at = e->count > count ? e->count : count + 1; /* in the second case it is about to be idle */
            return;
        }
        if (e->count < count || e->ns < now) {
            fail(t, "something came from outside at another time");
            return;
        }
        replay_event(t, e);
        journal_take(t->in);
    }
    if (t->at_end && m->history) {
        end_here(t);
    } else if (!t->at_end && !has_failed(t)) {
        fail(t, damaged ? damaged : "the recording was cut off here");
    }
}

static bool replay_due(void *opaque)
{
    struct tape *t = opaque;
    const struct journal_event *e = journal_next(t->in, NULL);
    return e && e->count == cpu_icount(t->machine->cpu) && e->ns == (u64)clock_now(t->machine->clock);
}

/* ---- life */

bool tape_open(const struct options *o, struct machine_config *config, struct tape **tape, struct error *err)
{
    *tape = NULL;
    if (!o->record && !o->replay) {
        return true;
    }
    struct tape *t = mem_zeroed(1, sizeof *t);
    t->options = o;
    t->watch = o->record ? (struct outside_watch){.pass = record_pass, .moment = record_moment, .due = record_due, .opaque = t}
                         : (struct outside_watch){.pass = replay_pass, .moment = replay_moment, .due = replay_due,
                                                  .opaque = t, .closed = true};
    if (o->replay) {
        t->in = journal_open(o->replay, err);
        if (!t->in || !take_given(t->in, config, err)) {
            tape_free(t);
            return false;
        }
    }
    *tape = t;
    return true;
}

/* All words but those about the recording itself, and about who looks on. */
static void put_words(const struct options *o, struct blob *head)
{
    for (unsigned k = 0; k < o->word_count; k++) {
        const char *word = o->words[k] + (o->words[k][0] == '-' && o->words[k][1] == '-');
        if (!strcmp(word, "-record") || !strcmp(word, "-gdb")) {
            k++;
        } else if (strcmp(word, "-lab") && strcmp(word, "-s") && strcmp(word, "-S")) {
            journal_put_text(head, "word", o->words[k]);
        }
    }
}

bool tape_start(struct tape *t, struct machine *m, struct error *err)
{
    struct blob head = {0};
    bool ok;
    if (!t) {
        return true;
    }
    t->machine = m;
    t->next_check = m->round_end;
    describe(m, &head);
    if (t->in) {
        ok = compare(t->in, &head, err);
    } else {
        put_given(&m->config, &head);
        put_words(t->options, &head);
        t->out = journal_create(t->options->record, &head, err);
        ok = t->out;
    }
    blob_free(&head);
    m->outside = ok ? &t->watch : NULL;
    return ok;
}

static bool end_replay(struct tape *t, struct error *err)
{
    struct machine *m = t->machine;
    if (has_failed(t)) {
        *err = t->trouble;
        return false;
    }
    if (!t->at_end) {
        fprintf(stderr, "ringside: the replay was ended after %" PRIu64 " instructions\n", cpu_icount(m->cpu));
        return true;
    }
    if (t->compared) {
        return true;
    }
    compare_end(t);
    if (has_failed(t)) {
        *err = t->trouble;
        return false;
    }
    fprintf(stderr, "ringside: replayed %" PRIu64 " instructions; the state at the end is the recorded one, %016" PRIx64 "\n",
            cpu_icount(m->cpu), t->end_hash);
    return true;
}

bool tape_end(struct tape *t, struct error *err)
{
    if (!t || !t->machine) {
        return true;
    }
    if (t->in) {
        return end_replay(t, err);
    }
    if (t->machine->history) {
        history_return(t->machine->history);
    }
    put_hash(t, JOURNAL_END, state_hash(t->machine));
    struct journal_writer *out = t->out;
    t->out = NULL;
    return journal_close(out, err);
}

void tape_free(struct tape *t)
{
    struct error ignored;
    if (t) {
        journal_free(t->in);
        if (t->out) {
            journal_close(t->out, &ignored);
        }
        free(t);
    }
}
