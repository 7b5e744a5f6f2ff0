/*
 * expression.c: see expression.h. Recursive descent by precedence.
 */
#include "frontend/monitor/expression.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, LEVELS = 5, NAME_BYTES = 256 };

struct reader {
    const char *at;
    const struct expression_names *names;
    struct error *err;
    unsigned depth;
};

/* From the loosest to the tightest. */
static const char *const operators[LEVELS] = {"|", "^", "&", "+-", "*/%"};

static bool read_level(struct reader *r, unsigned level, u64 *value);

static void skip(struct reader *r)
{
    while (isspace((u8)*r->at)) {
        r->at++;
    }
}

/* False: there is no name, or one too long for any. */
static bool read_name(struct reader *r, char name[NAME_BYTES])
{
    size_t length = 0;
    while (isalnum((u8)r->at[length]) || (r->at[length] && strchr("_.@", r->at[length]))) {
        length++;
    }
    if (!length || length >= NAME_BYTES) {
        return false;
    }
    memcpy(name, r->at, length);
    name[length] = 0;
    r->at += length;
    return true;
}

static bool read_register(struct reader *r, u64 *value)
{
    char name[NAME_BYTES];
    if (!read_name(r, name)) {
        return error_set(r->err, "$ needs the name of a register");
    }
    return (r->names && r->names->find_register && r->names->find_register(r->names->opaque, name, value)) ||
           error_set(r->err, "there is no register $%.40s", name);
}

static bool read_symbol(struct reader *r, u64 *value)
{
    char name[NAME_BYTES];
    if (!read_name(r, name) || !r->names || !r->names->find_symbol) {
        return error_set(r->err, "%.20s: a number or a $register is expected", r->at);
    }
    return r->names->find_symbol(r->names->opaque, name, value, r->err);
}

static bool read_primary(struct reader *r, u64 *value)
{
    skip(r);
    if (++r->depth > DEPTH_MAX) {
        return error_set(r->err, "the expression is nested too deeply");
    }
    bool ok = true;
    char c = *r->at;
    if (c == '(') {
        r->at++;
        ok = read_level(r, 0, value);
        skip(r);
        if (ok && *r->at++ != ')') {
            return error_set(r->err, "a ) is missing");
        }
    } else if (c && strchr("+-~", c)) {
        r->at++;
        ok = read_primary(r, value);
        *value = c == '-' ? 0 - *value : c == '~' ? ~*value : *value;
    } else if (c == '$') {
        r->at++;
        ok = read_register(r, value);
    } else if (isdigit((u8)c)) {
        char *end;
        *value = strtoull(r->at, &end, 0);
        r->at = end;
        ok = !isalnum((u8)*end) || error_set(r->err, "%.20s is no part of a number", end);
    } else if (isalpha((u8)c) || c == '_') {
        ok = read_symbol(r, value);
    } else {
        return c ? error_set(r->err, "%.20s: a number, a $register or a symbol is expected", r->at)
                 : error_set(r->err, "a number or a $register is missing");
    }
    r->depth--;
    return ok;
}

static bool apply(struct reader *r, char sign, u64 *value, u64 other)
{
    switch (sign) {
    case '|':
        *value |= other;
        return true;
    case '^':
        *value ^= other;
        return true;
    case '&':
        *value &= other;
        return true;
    case '+':
        *value += other;
        return true;
    case '-':
        *value -= other;
        return true;
    case '*':
        *value *= other;
        return true;
    default:
        if (!other) {
            return error_set(r->err, "division by zero");
        }
        *value = sign == '/' ? *value / other : *value % other;
        return true;
    }
}

static bool read_level(struct reader *r, unsigned level, u64 *value)
{
    *value = 0;
    if (level == LEVELS) {
        return read_primary(r, value);
    }
    bool ok = read_level(r, level + 1, value);
    while (ok) {
        const char *before = r->at;
        u64 other;
        skip(r);
        char sign = *r->at;
        if (!sign || !strchr(operators[level], sign)) {
            r->at = before;
            break;
        }
        r->at++;
        ok = read_level(r, level + 1, &other) && apply(r, sign, value, other);
    }
    return ok;
}

bool expression_read(const char **text, const struct expression_names *names, u64 *value, struct error *err)
{
    struct reader r = {.at = *text, .names = names, .err = err};
    bool ok = read_level(&r, 0, value);
    *text = r.at;
    return ok;
}
