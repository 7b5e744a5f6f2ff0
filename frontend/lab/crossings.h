/*
 * crossings.h: a log of crossings between rings (cpu/crossing.h): the latest ones with all details, and for all of them since the
 * log was begun: how many of each kind, and how much was executed in each ring, and when.
 *
 * A moment is a number of instructions in counted time, otherwise nanoseconds of guest time. When the machine goes back in time
 * (history.h), what is known of its future stays; crossings that come again are not noted twice. Should it go another way than
 * before, what it does instead takes their place.
 *
 * The log never holds more than it was given room for; what it counts in pieces of time becomes coarser the longer it runs.
 */
#ifndef FRONTEND_LAB_CROSSINGS_H
#define FRONTEND_LAB_CROSSINGS_H

#include "cpu/crossing.h"
#include "frontend/machine/machine.h"

/* What may be spent time in. Real mode is ring 0, virtual-8086 mode ring 3. */
enum crossings_lane { LANE_RING0, LANE_RING1, LANE_RING2, LANE_RING3, LANE_SMM, LANE_IDLE, LANES };

/* What a span of time is measured in. */
enum crossings_unit { UNIT_INSTRUCTIONS, UNIT_NS, UNITS };

struct crossing_record {
    u64 number; /* from 0 on since the log was begun */
    u64 at[UNITS];    /* when; instructions are 0 unless time is counted */
    u64 spent[UNITS]; /* in `lane`, since the crossing before it */
    u8  lane;
    struct crossing crossing;
};

struct crossings;

/* Begins a log, or another one: machine->crossings. Capacity: records kept; 0: some. Bounded to 2^20, of 320 bytes each. */
enum { CROSSINGS_DEFAULT = 1 << 16, CROSSINGS_MAX = 1 << 20 };
void crossings_start(struct machine *machine, size_t capacity);
/* Notes no more; the log stays, and goes on with crossings_resume(). */
void crossings_stop(struct machine *machine);
void crossings_resume(struct machine *machine);
/* Records that have room. */
size_t crossings_capacity(const struct crossings *crossings);
bool crossings_running(const struct crossings *crossings);
/* Whose log it is. */
const struct machine *crossings_machine(const struct crossings *crossings);
/* Before machine_destroy(), while the machine still has its processor. */
void crossings_destroy(struct machine *machine);

/* What moments are counted in here. */
enum crossings_unit crossings_unit(const struct crossings *crossings);
/* Noted so far; of these, the ones from crossings_oldest() on are kept. */
u64 crossings_count(const struct crossings *crossings);
u64 crossings_oldest(const struct crossings *crossings);
/* NULL: it is not kept, or has not happened. */
const struct crossing_record *crossings_at(const struct crossings *crossings, u64 number);
/* The number of the first one at a moment, or after it; crossings_count() if there is none. Those not kept are left out. */
u64 crossings_find(const struct crossings *crossings, u64 moment);
/* Since when there is a log, the present moment, and the latest one that is known (in the past of a machine that went back). */
u64 crossings_began(const struct crossings *crossings);
u64 crossings_now(const struct crossings *crossings);
u64 crossings_latest(const struct crossings *crossings);

/* Whole numbers since the log was begun, the present span included. */
struct crossings_stats {
    u64 kinds[CROSSING_KINDS];
    u64 exceptions[32], interrupts[256], calls[256]; /* by vector; calls: INT n */
    u64 spent[UNITS][LANES];
    u64 changes; /* crossings that led to another ring */
};
void crossings_stats(const struct crossings *crossings, struct crossings_stats *stats);

/* What was spent from one moment to another, and how many crossings there were in between. Exact where they are kept, otherwise as
 * fine as is known. */
struct crossings_span {
    u64 spent[LANES];
    u64 crossings;
};
void crossings_span(const struct crossings *crossings, u64 first, u64 last, struct crossings_span *span);

/* The first one ever of a sort (a kind; of interrupts and exceptions, a vector), the nth of them in order of time. NULL: there are
 * no more. */
const struct crossing_record *crossings_first(const struct crossings *crossings, unsigned nth);

/* Which ones somebody wants to see. */
struct crossings_filter {
    u32 kinds;        /* bit per kind; 0: all */
    int vector;       /* or -1 */
    int from, to;     /* rings, or -1 */
    bool changes;     /* only those that lead to another ring */
};
bool crossings_match(const struct crossings_filter *filter, const struct crossing_record *record);
/* Adds a word to a filter: "irq", "syscall", "int", "exception", "#PF", "int80", "to3", "from0", "changes". False: it is none of
 * these. */
bool crossings_filter_word(struct crossings_filter *filter, const char *word, struct error *err);

enum crossings_lane crossings_lane_of(const struct crossing_point *point);
/* "ring 0", "SMM", "halted". */
const char *crossings_lane_name(unsigned lane);

#endif
