/*
 * words.h: QEMU's way of writing options: lists of key=value with doubled commas, sizes with a
 * suffix, on and off; and the nearest word to a mistyped one.
 */
#ifndef FRONTEND_WORDS_H
#define FRONTEND_WORDS_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

enum { KEYVALS_MAX = 32 };

/* A parsed list. Whoever reads a key marks it as used; keyvals_end() complains about what is left.
 */
struct keyvals {
    char *text; /* owned: the strings that the arrays point into */
    unsigned count;
    struct {
        const char *key, *value;
        bool used;
    } item[KEYVALS_MAX];
};

/* `first_key` is what an initial word without "=" gives the value of (NULL: such a word is an
 * error). A later word without "=" means "on", or "off" if it begins with "no". */
bool keyvals_parse(struct keyvals *list, const char *text, const char *first_key,
                   struct error *err);
void keyvals_free(struct keyvals *list);
/* The last value of `key`, or NULL. It lives as long as the list. */
const char *keyvals_get(struct keyvals *list, const char *key);
/* False and `err`: a key that nobody has read; `where` is the option's name. `known` (ended by
 * NULL) feeds the suggestion. */
bool keyvals_end(const struct keyvals *list, const char *where, const char *const *known,
                 struct error *err);

/* "on", "yes", "true" or "off", "no", "false". */
bool parse_on_off(const char *text, bool *value, struct error *err);
bool parse_number(const char *text, u64 max, u64 *value, struct error *err);
/* A number of bytes with K, M, G or T; without a suffix in units of `unit`. */
bool parse_size(const char *text, u64 unit, u64 *bytes, struct error *err);

/* How many letters must be changed, added, dropped or swapped to make one of the other. */
unsigned word_distance(const char *a, const char *b);
/* The nearest of `words` (ended by NULL), or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words);

#endif
