/*
 * options_clock.c: what drives guest time: -clock, and QEMU's -icount, which says the same; what is kept of the past.
 */
#include <string.h>

#include "frontend/lab/crossings.h"
#include "frontend/lab/history.h"
#include "frontend/options_parts.h"

enum { SHIFT_MAX = 10 }; /* 2^10 ns an instruction: slower than any PC was */

static bool count(struct parsing *p, struct keyvals *list, bool sleeps)
{
    struct machine_config *m = &p->options->machine;
    const char *shift = keyvals_get(list, "shift"), *sleep = keyvals_get(list, "sleep");
    u64 number = 0;
    m->counted = p->clock_given = true;
    m->count_sleeps = sleeps;
    if (shift && !parse_number(shift, SHIFT_MAX, &number, p->err)) {
        return false;
    }
    m->count_shift = (unsigned)number;
    return !sleep || parse_on_off(sleep, &m->count_sleeps, p->err);
}

bool option_clock(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"type", "shift", "sleep", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, "type", p->err)) {
        return false;
    }
    p->clock_given = true;
    const char *type = keyvals_get(&list, "type");
    bool ok = true;
    if (type && !strcmp(type, "counted")) {
        ok = count(p, &list, false);
    } else if (type && !strcmp(type, "host")) {
        p->options->machine.counted = false;
    } else {
        ok = error_set(p->err, "-clock %s: it is host (guest time follows the host's) or counted (executed instructions)", value);
    }
    ok = ok && keyvals_end(&list, "-clock", keys, p->err);
    keyvals_free(&list);
    return ok;
}

bool option_checkpoints(struct parsing *p, const char *value)
{
    bool on = true;
    u64 *bytes = &p->options->checkpoint_bytes;
    if (strspn(value, "0123456789")) {
        return parse_size(value, (u64)1 << 20, bytes, p->err) &&
               ((*bytes >= (u64)1 << 20 && *bytes <= (u64)1 << 40) ||
                error_set(p->err, "-checkpoints %s: say 1 to 1048576 MiB", value));
    }
    if (!parse_on_off(value, &on, p->err)) {
        return false;
    }
    *bytes = on ? HISTORY_BYTES : 0;
    return true;
}

bool option_report(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"file", "from", "to", "rows", NULL};
    struct report_spec *spec = &p->options->report;
    struct keyvals list;
    u64 rows = REPORT_ROWS;
    if (!keyvals_parse(&list, value, "file", p->err)) {
        return false;
    }
    const char *file = keyvals_get(&list, "file"), *from = keyvals_get(&list, "from"), *to = keyvals_get(&list, "to");
    const char *count = keyvals_get(&list, "rows");
    bool ok = (file && *file) || error_set(p->err, "-report needs a file: .html, .svg or .png");
    ok = ok && (!count || parse_number(count, REPORT_ROWS_MAX, &rows, p->err)) && keyvals_end(&list, "-report", keys, p->err);
    if (ok) {
        *spec = (struct report_spec){.path = keep(p, file), .from = from ? keep(p, from) : NULL, .to = to ? keep(p, to) : NULL,
                                     .rows = (unsigned)rows};
    }
    keyvals_free(&list);
    return ok;
}

bool option_hypercalls(struct parsing *p, const char *value)
{
    p->hypercalls_given = true;
    return parse_on_off(value, &p->options->machine.hypercalls, p->err);
}

bool option_crossings(struct parsing *p, const char *value)
{
    bool on = true;
    u64 *count = &p->options->crossings;
    if (strspn(value, "0123456789")) {
        return parse_number(value, CROSSINGS_MAX, count, p->err) &&
               (*count || error_set(p->err, "-crossings 0: say 1 to %d, or off", CROSSINGS_MAX));
    }
    if (!parse_on_off(value, &on, p->err)) {
        return false;
    }
    *count = on ? CROSSINGS_DEFAULT : 0;
    return true;
}

/* What QEMU's words would mean, and we do not do. */
static bool refuse_icount(struct parsing *p, struct keyvals *list)
{
    const char *shift = keyvals_get(list, "shift"), *align = keyvals_get(list, "align");
    bool aligned = false;
    if (shift && !strcmp(shift, "auto")) {
        return error_set(p->err, "-icount shift=auto: a speed that adapts to the host would not repeat itself; say shift=0 to %d",
                         SHIFT_MAX);
    }
    if (align && !parse_on_off(align, &aligned, p->err)) {
        return false;
    }
    return !aligned || error_set(p->err, "-icount align=on is not in this version");
}

bool option_icount(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"shift", "align", "sleep", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, "shift", p->err)) {
        return false;
    }
    bool ok = refuse_icount(p, &list) && count(p, &list, true) && keyvals_end(&list, "-icount", keys, p->err);
    keyvals_free(&list);
    return ok;
}
