/*
 * explain.h: why an exception: for each one the instruction with its operands, the checks in the order in which the processor
 * makes them, what they looked at, the rule that failed, and the smallest change with which it would have passed; then how the
 * exception was delivered, and what failed there (double and triple faults).
 *
 * At the moment of an exception the instruction is executed once more on a copy of the processor (cpu/explain.h), and a third time
 * with the change, to see that it helps. The guest cannot see it. Nothing is done until explain_start().
 *
 * How a rule is explained: explain.def.
 */
#ifndef FRONTEND_LAB_EXPLAIN_H
#define FRONTEND_LAB_EXPLAIN_H

#include <stdio.h>

#include "frontend/lab/view.h"
#include "frontend/machine/machine.h"

enum { EXPLAIN_KEPT = 64 };

struct explainer;
struct explanation;

/* From now on exceptions are explained; it becomes machine->explainer. Once is enough. */
void explain_start(struct machine *machine);
/* No more, and what is kept goes. Before machine_dismantle(). */
void explain_stop(struct machine *machine);

/* Of the last EXPLAIN_KEPT ones; back: 0 is the last. NULL: there is none, or it is not kept. It lives until the next exception. */
const struct explanation *explain_last(const struct machine *machine, unsigned back);
/* Exceptions ever, of the past that the machine is in. */
u64 explain_count(const struct machine *machine);

/* Told of each, when it is made. NULL: nobody. */
typedef void explain_told(void *opaque, const struct explanation *explanation);
void explain_tell(struct machine *machine, explain_told *told, void *opaque);

/* What it is about. */
enum rule explanation_rule(const struct explanation *e);
int explanation_vector(const struct explanation *e);
u64 explanation_icount(const struct explanation *e); /* of the machine, before the instruction: exact in counted time */
/* How far it came: the exception's own vector, VEC_DF, or -1, a triple fault. */
int explanation_end(const struct explanation *e);
/* Whether executing the instruction again failed in the same way. */
bool explanation_same(const struct explanation *e);
/* A line: "#GP(0018) at 0008:00001234, ring 0: GP_DATA_DPL: the CPL is above the DPL of the data segment". */
void explanation_line(const struct explanation *e, char *text, size_t size);

/* All of it. */
void explain_page(struct view *page, const struct explanation *e);
/* One JSON object, on one line; frontend/lab/explain.schema.json is its schema. */
void explain_json(FILE *out, const struct explanation *e);
/* The last ones, a line each. */
void exceptions_page(struct view *page, const struct machine *machine);

#endif
