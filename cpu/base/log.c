/*
 * log.c: see log.h.
 */
#include "cpu/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu/base/error.h"

u32 log_mask;
static FILE *log_file; /* NULL: standard error */

static const struct {
    const char *word;
    const char *help;
} log_words[LOG_ITEM_COUNT] = {
#define X(name, word, help) [name] = {word, help},
    LOG_ITEMS(X)
#undef X
};

void log_write(const char *format, ...)
{
    FILE *out = log_file ? log_file : stderr;
    va_list args;
    va_start(args, format);
    flockfile(out); /* workers log too: keep a line whole */
    vfprintf(out, format, args);
    putc('\n', out);
    funlockfile(out);
    va_end(args);
}

static bool unknown_word(const char *word, size_t length, struct error *err)
{
    char known[256] = "";
    size_t used = 0;
    for (unsigned i = 0; i < LOG_ITEM_COUNT; i++) {
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 log_words[i].word);
    }
    return error_set(err, "-d %.*s: no such log item; there are: %s", (int)length, word, known);
}

static bool select_word(const char *word, size_t length, u32 *mask, struct error *err)
{
    for (unsigned i = 0; i < LOG_ITEM_COUNT; i++) {
        if (strlen(log_words[i].word) == length && !strncmp(log_words[i].word, word, length)) {
            *mask |= (u32)1 << i;
            return true;
        }
    }
    return unknown_word(word, length < 64 ? length : 64, err);
}

bool log_select(const char *words, struct error *err)
{
    u32 mask = 0;
    for (const char *p = words;;) {
        size_t length = strcspn(p, ",");
        if (!select_word(p, length, &mask, err)) {
            return false;
        }
        if (!p[length]) {
            break;
        }
        p += length + 1;
    }
    log_mask |= mask;
    return true;
}

bool log_open(const char *path, struct error *err)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        return error_set(err, "-D %s: %s", path, strerror(errno));
    }
    setvbuf(file, NULL, _IOLBF, 0);
    if (log_file) {
        fclose(log_file);
    }
    log_file = file;
    return true;
}
