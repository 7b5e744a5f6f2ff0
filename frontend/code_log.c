/*
 * code_log.c: see code_log.h.
 *
 * Intermediate code is made anew here for printing: the portable backend makes the same, other backends none. The map has a
 * line for each piece of code, in the format of Linux's tools/perf/Documentation/jit-interface.txt; blocks whose place has
 * been used again appear again.
 */
#include "frontend/code_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/base/log.h"
#include "cpu/base/mem.h"
#include "frontend/monitor/disas.h"
#include "tcg/translate/translate.h"

typedef unsigned long long ull;

struct code_log {
    struct code_watch watch;
    FILE *map;     /* NULL: none */
    struct ir *ir; /* NULL: not needed yet */
};

static unsigned code_bytes_of(const struct block *b)
{
    return b->mode & MODE_CODE_BYTES;
}

/* ---- the log */

static void print_guest(const struct cpu *cpu, const struct block *b, FILE *out)
{
    u64 ip = code_watch_ip(cpu, b);
    fprintf(out, "IN: %u-bit, ring %u, %u instruction%s\n", code_bytes_of(b) * 8, cpu->cpl, b->count,
            b->count == 1 ? "" : "s");
    disas_print(out, b->host, b->bytes, cpu->code_base + ip, ip, code_bytes_of(b));
}

static void print_ir(struct code_log *l, const struct cpu *cpu, const struct block *b, FILE *out)
{
    if (!l->ir) {
        l->ir = mem_zeroed(1, sizeof *l->ir);
    }
    translate(l->ir, b, translate_mode(cpu));
    if (log_on(LOG_OP)) {
        fprintf(out, "OP:\n");
        ir_print(l->ir, out);
    }
    if (log_on(LOG_OP_OPT)) {
        ir_optimise(l->ir);
        fprintf(out, "OP after the passes:\n");
        ir_print(l->ir, out);
    }
}

static void print_host(const struct code_piece piece[CODE_PIECES], FILE *out)
{
    fprintf(out, "OUT: %zu + %zu bytes\n", piece[0].bytes, piece[1].bytes);
    for (unsigned k = 0; k < CODE_PIECES; k++) {
        u64 at = (u64)(uintptr_t)piece[k].code;
        fprintf(out, "%s", k && piece[k].bytes ? "  -- what seldom runs:\n" : "");
        disas_print(out, piece[k].code, piece[k].bytes, at, at, 8);
    }
}

static void log_block(struct code_log *l, const struct cpu *cpu, const struct block *b,
                      const struct code_piece piece[CODE_PIECES])
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return;
    }
    if (log_on(LOG_IN_ASM)) {
        print_guest(cpu, b, out);
    }
    if (log_on(LOG_OP) || log_on(LOG_OP_OPT)) {
        print_ir(l, cpu, b, out);
    }
    if (log_on(LOG_OUT_ASM) && piece[0].bytes) {
        print_host(piece, out);
    }
    if (!fclose(out) && size) {
        log_write("----------------\n%s", text);
    }
    free(text);
}

/* ---- the map */

static void map_piece(struct code_log *l, struct code_piece piece, const char *name, const char *suffix)
{
    if (piece.bytes) {
        fprintf(l->map, "%llx %zx %s%s\n", (ull)(uintptr_t)piece.code, piece.bytes, name, suffix);
    }
}

static void map_block(struct code_log *l, const struct cpu *cpu, const struct block *b,
                      const struct code_piece piece[CODE_PIECES])
{
    char name[64];
    snprintf(name, sizeof name, "guest%u_ring%u_0x%llx", code_bytes_of(b) * 8, cpu->cpl,
             (ull)(cpu->code_base + code_watch_ip(cpu, b)));
    map_piece(l, piece[0], name, "");
    map_piece(l, piece[1], name, "_cold");
}

/* Everybody may write to /tmp: nothing is written through a link that is there already. */
static FILE *open_map(struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    FILE *map = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!map) {
        error_set(err, "-perfmap: %s: %s", path, strerror(errno));
        return NULL;
    }
    setvbuf(map, NULL, _IOLBF, 0);
    return map;
}

/* ---- struct code_watch */

static void on_block(void *opaque, const struct cpu *cpu, const struct block *b,
                     const struct code_piece piece[CODE_PIECES])
{
    struct code_log *l = opaque;
    if (log_on(LOG_IN_ASM) || log_on(LOG_OP) || log_on(LOG_OP_OPT) || log_on(LOG_OUT_ASM)) {
        log_block(l, cpu, b, piece);
    }
    if (l->map) {
        map_block(l, cpu, b, piece);
    }
}

static void on_stub(void *opaque, const char *name, struct code_piece piece)
{
    struct code_log *l = opaque;
    if (log_on(LOG_OUT_ASM)) {
        u64 at = (u64)(uintptr_t)piece.code;
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        if (out) {
            disas_print(out, piece.code, piece.bytes, at, at, 8);
            fclose(out);
            log_write("----------------\nSTUB: %s\n%s", name, text);
            free(text);
        }
    }
    if (l->map) {
        map_piece(l, piece, "stub_", name);
    }
}

struct code_log *code_log_create(bool perf_map, struct error *err)
{
    FILE *map = perf_map ? open_map(err) : NULL;
    if (perf_map && !map) {
        return NULL;
    }
    struct code_log *l = mem_zeroed(1, sizeof *l);
    l->map = map;
    l->watch = (struct code_watch){.opaque = l, .block = on_block, .stub = on_stub};
    return l;
}

void code_log_destroy(struct code_log *l)
{
    if (l->map) {
        fclose(l->map);
    }
    free(l->ir);
    free(l);
}

const struct code_watch *code_log_watch(const struct code_log *l)
{
    return &l->watch;
}
