/*
 * words.c: see words.h.
 */
#include "frontend/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpu/base/mem.h"

/* Cuts the next item off `*rest` in place; a doubled comma is a comma of the value. */
static char *cut_item(char **rest)
{
    char *item = *rest, *to = item, *from = item;
    while (*from && !(from[0] == ',' && from[1] != ',')) {
        from += from[0] == ',';
        *to++ = *from++;
    }
    *rest = *from ? from + 1 : NULL;
    *to = 0;
    return item;
}

static bool add_item(struct keyvals *list, char *item, const char *first_key, struct error *err)
{
    if (list->count == KEYVALS_MAX) {
        return error_set(err, "too many settings in one option");
    }
    unsigned n = list->count++;
    char *equal = strchr(item, '=');
    const char *key = item, *value = "on";
    if (equal) {
        *equal = 0;
        value = equal + 1;
    } else if (n == 0) {
        if (!first_key) {
            return error_set(err, "expected KEY=VALUE, not `%s`", item);
        }
        key = first_key;
        value = item;
    } else if (!strncmp(item, "no", 2) && strlen(item) > 3) {
        key = item + 2;
        value = "off";
    }
    list->item[n].key = key;
    list->item[n].value = value;
    list->item[n].used = false;
    return true;
}

bool keyvals_parse(struct keyvals *list, const char *text, const char *first_key, struct error *err)
{
    *list = (struct keyvals){.text = mem_check(strdup(text))};
    char *rest = list->text;
    while (rest) {
        char *item = cut_item(&rest);
        if (*item && !add_item(list, item, first_key, err)) {
            keyvals_free(list);
            return false;
        }
    }
    return true;
}

void keyvals_free(struct keyvals *list)
{
    free(list->text);
    list->text = NULL;
    list->count = 0;
}

const char *keyvals_get(struct keyvals *list, const char *key)
{
    const char *value = NULL;
    for (unsigned i = 0; i < list->count; i++) {
        if (!strcmp(list->item[i].key, key)) {
            list->item[i].used = true;
            value = list->item[i].value;
        }
    }
    return value;
}

bool keyvals_end(const struct keyvals *list, const char *where, const char *const *known,
                 struct error *err)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (!list->item[i].used) {
            const char *key = list->item[i].key, *near = known ? nearest_word(key, known) : NULL;
            return near ? error_set(err, "%s: there is no setting `%s`; did you mean `%s`?", where,
                                    key, near)
                        : error_set(err, "%s: there is no setting `%s`", where, key);
        }
    }
    return true;
}

bool parse_on_off(const char *text, bool *value, struct error *err)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strcasecmp(text, words[i])) {
            *value = i & 1;
            return true;
        }
    }
    return error_set(err, "`%s` is neither on nor off", text);
}

bool parse_number(const char *text, u64 max, u64 *value, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 0);
    if (end == text || *end || *text == '-' || errno || n > max) {
        return error_set(err, "`%s` is no number up to %llu", text, (unsigned long long)max);
    }
    *value = n;
    return true;
}

bool parse_size(const char *text, u64 unit, u64 *bytes, struct error *err)
{
    static const char suffixes[] = "BKMGT";
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    bool bad = end == text || *text == '-' || errno;
    if (!bad && *end) {
        const char *suffix = strchr(suffixes, *end >= 'a' ? *end - 'a' + 'A' : *end);
        bad = !suffix || (end[1] && strcasecmp(end + 1, "B") && strcasecmp(end + 1, "iB"));
        unit = bad ? 1 : (u64)1 << 10 * (unsigned)(suffix - suffixes);
    }
    if (bad || __builtin_mul_overflow(n, unit, bytes)) {
        return error_set(err, "`%s` is no size such as 512M or 2G", text);
    }
    return true;
}

enum { WORD_MAX = 64 };

unsigned word_distance(const char *a, const char *b)
{
    size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
    unsigned row[3][WORD_MAX + 1]; /* of the last three letters of a */
    for (size_t j = 0; j <= lb; j++) {
        row[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= la; i++) {
        unsigned *now = row[i % 3], *up = row[(i - 1) % 3], *upper = row[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);
            best = up[j] + 1 < best ? up[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && upper[j - 2] + 1 < best) {
                best = upper[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return row[la % 3][lb];
}

const char *nearest_word(const char *word, const char *const *words)
{
    const char *near = NULL;
    unsigned least = (unsigned)strnlen(word, WORD_MAX) / 2 + 2;
    for (; *words; words++) {
        unsigned distance = word_distance(word, *words);
        if (distance < least) {
            least = distance;
            near = *words;
        }
    }
    return near;
}
