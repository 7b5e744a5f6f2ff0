/*
 * marks.h: what guests have said by hypercalls (frontend/machine/hypercall.h), kept in order: names of moments, lines of text,
 * assertions, snapshots. MARKS_MAX of them at most; when there are more, the oldest quarter goes. What is said again, because the
 * machine went back in time, is kept once.
 *
 * Tracing of crossings starts and stops as guests ask. The first assertions that fail are told at once, on standard error or in the
 * log.
 */
#ifndef FRONTEND_LAB_MARKS_H
#define FRONTEND_LAB_MARKS_H

#include "frontend/lab/view.h"
#include "frontend/machine/hypercall.h"

enum { MARKS_MAX = 4096 };

struct mark {
    u64 count, ns; /* instructions executed before it (counted time; otherwise 0), and guest time */
    struct hypercall call;
};

struct marks;

/* machine->marks; for a machine with hypercalls, once it is built. Others have none. */
void marks_create(struct machine *machine);
void marks_destroy(struct machine *machine);

/* Those that are kept; `marks` may be NULL: none. */
unsigned marks_count(const struct marks *marks);
const struct mark *marks_at(const struct marks *marks, unsigned nth);
/* The latest mark or snapshot of that name. NULL: there is none. */
const struct mark *marks_named(const struct marks *marks, const char *name);
/* A word for a moment: *mark is the mark of that name, or NULL: it is to be read as a number. False: a name that no mark has. */
bool marks_find(const struct marks *marks, const char *word, const struct mark **mark, struct error *err);
/* The moment of a mark, as crossings.h counts moments in this machine. */
u64 marks_moment(const struct machine *machine, const struct mark *mark);

/* All of them, in order, the latest `rows` of them. */
void marks_page(struct view *page, const struct machine *machine, unsigned rows);

#endif
