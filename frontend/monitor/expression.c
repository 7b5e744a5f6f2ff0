/*
 * expression.c: see expression.h. Recursive descent by precedence.
 */
#include "frontend/monitor/expression.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, LEVELS = 9, NAME_BYTES = 256 };

struct reader {
    const char *at;
    const struct expression_names *names;
    struct error *err;
    unsigned depth;
};

enum sign {
    OR_ELSE, AND_ALSO, OR, XOR, AND, EQUAL, UNEQUAL, LESS_EQUAL, MORE_EQUAL, SHIFT_LEFT, SHIFT_RIGHT, LESS, MORE, ADD, SUBTRACT,
    MULTIPLY, DIVIDE, REST, OPERATORS
};

/* Levels go from the loosest to the tightest. Unlike C's, comparisons are looser than & ^ |: $cr0 & 1 == 0 is what one means.
 * Of two operators that begin alike the longer one stands first. */
static const struct {
    const char *text;
    u8 level;
} operators[OPERATORS] = {
    [OR_ELSE] = {"||", 0},     [AND_ALSO] = {"&&", 1},   [OR] = {"|", 3},         [XOR] = {"^", 4},
    [AND] = {"&", 5},          [EQUAL] = {"==", 2},      [UNEQUAL] = {"!=", 2},   [LESS_EQUAL] = {"<=", 2},
    [MORE_EQUAL] = {">=", 2},  [SHIFT_LEFT] = {"<<", 6}, [SHIFT_RIGHT] = {">>", 6}, [LESS] = {"<", 2},
    [MORE] = {">", 2},         [ADD] = {"+", 7},         [SUBTRACT] = {"-", 7},   [MULTIPLY] = {"*", 8},
    [DIVIDE] = {"/", 8},       [REST] = {"%", 8},
};

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

/* "b[", "w[", "d[", "q[" or "[". */
static bool is_memory(const char *at)
{
    return *at == '[' || (*at && strchr("bwdq", *at) && at[1] == '[');
}

static bool read_memory(struct reader *r, u64 *value)
{
    u64 address;
    unsigned bytes = *r->at == 'b' ? 1 : *r->at == 'w' ? 2 : *r->at == 'q' ? 8 : 4;
    r->at += *r->at == '[' ? 1 : 2;
    if (!read_level(r, 0, &address)) {
        return false;
    }
    skip(r);
    if (*r->at++ != ']') {
        return error_set(r->err, "a ] is missing");
    }
    return r->names && r->names->read_memory ? r->names->read_memory(r->names->opaque, address, bytes, value, r->err)
                                             : error_set(r->err, "there is no memory to read");
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
    } else if (c && strchr("+-~!", c)) {
        r->at++;
        ok = read_primary(r, value);
        *value = c == '-' ? 0 - *value : c == '~' ? ~*value : c == '!' ? !*value : *value;
    } else if (is_memory(r->at)) {
        ok = read_memory(r, value);
    } else if (c == '$') {
        r->at++;
        ok = read_register(r, value);
    } else if (isdigit((u8)c)) {
        const char *start = r->at;
        char *end;
        *value = strtoull(start, &end, 0);
        r->at = end;
        ok = !isalnum((u8)*end) || error_set(r->err, "%.20s is not a number", start);
    } else if (isalpha((u8)c) || c == '_') {
        ok = read_symbol(r, value);
    } else {
        return c ? error_set(r->err, "%.20s: a number, a $register or a symbol is expected", r->at)
                 : error_set(r->err, "a number or a $register is missing");
    }
    r->depth--;
    return ok;
}

static bool apply(struct reader *r, enum sign op, u64 *value, u64 other)
{
    u64 v = *value;
    if ((op == DIVIDE || op == REST) && !other) {
        return error_set(r->err, "division by zero");
    }
    switch (op) {
    case OR_ELSE: *value = v || other; break;
    case AND_ALSO: *value = v && other; break;
    case OR: *value = v | other; break;
    case XOR: *value = v ^ other; break;
    case AND: *value = v & other; break;
    case EQUAL: *value = v == other; break;
    case UNEQUAL: *value = v != other; break;
    case LESS_EQUAL: *value = v <= other; break;
    case MORE_EQUAL: *value = v >= other; break;
    case LESS: *value = v < other; break;
    case MORE: *value = v > other; break;
    case SHIFT_LEFT: *value = other < 64 ? v << other : 0; break;
    case SHIFT_RIGHT: *value = other < 64 ? v >> other : 0; break;
    case ADD: *value = v + other; break;
    case SUBTRACT: *value = v - other; break;
    case MULTIPLY: *value = v * other; break;
    case DIVIDE: *value = v / other; break;
    case REST: *value = v % other; break;
    case OPERATORS: break;
    }
    return true;
}

/* OPERATORS: none is there. */
static enum sign operator_at(const char *at)
{
    unsigned op = 0;
    while (op < OPERATORS && strncmp(at, operators[op].text, strlen(operators[op].text))) {
        op++;
    }
    return (enum sign)op;
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
        enum sign op = operator_at(r->at);
        if (op == OPERATORS || operators[op].level != level) {
            r->at = before;
            break;
        }
        r->at += strlen(operators[op].text);
        ok = read_level(r, level + 1, &other) && apply(r, op, value, other);
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
