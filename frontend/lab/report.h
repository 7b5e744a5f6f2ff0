/*
 * report.h: what crossed the rings in a run, or between two marks of it, as one page for a browser, which fetches nothing: numbers,
 * timeline, crossings, exceptions explained, what the guest said, and the state at the end. Or the timeline alone, as a picture.
 */
#ifndef FRONTEND_LAB_REPORT_H
#define FRONTEND_LAB_REPORT_H

#include "cpu/base/error.h"
#include "frontend/lab/view.h"
#include "frontend/machine/machine.h"

enum { REPORT_ROWS = 300, REPORT_ROWS_MAX = 20000, REPORT_COLUMNS = 132 };

struct report_spec {
    const char *path;      /* .html; or .svg or .png: the timeline alone */
    const char *from, *to; /* marks of the guest's, or moments (crossings.h) as numbers; NULL: beginning and end */
    unsigned rows;         /* crossings that are listed at most */
    const char *title;     /* what the machine was; may be NULL */
};

/* How a picture of dots is made of a page: by whoever has letters. */
typedef bool report_png(const struct view *page, const char *path, struct error *err);

struct report;

/* From now on: crossings are noted (in the machine's log) and exceptions explained, unless that is done already. The strings must
 * stay. NULL: the file cannot be written. */
struct report *report_open(struct machine *machine, const struct report_spec *spec, report_png *png, struct error *err);
/* Writes it. `trouble`: how the run ended, if not well; may be NULL. The report is gone. NULL is allowed. */
bool report_close(struct report *report, const char *trouble, struct error *err);

/* At once, of what has been noted. */
bool report_now(struct machine *machine, const struct report_spec *spec, struct error *err);

#endif
