/*
 * timeline.h: the log of crossings as pages: who ran when, a list, one crossing in full, and the numbers.
 */
#ifndef FRONTEND_LAB_TIMELINE_H
#define FRONTEND_LAB_TIMELINE_H

#include "frontend/lab/crossings.h"
#include "frontend/lab/view.h"

/* What the timeline shows: moments (crossings.h), the last one not included; and the crossing that is chosen. */
struct timeline_range {
    u64 first, last;
    bool chosen;
    u64 number;
};

/* All of it; the latest n units. */
struct timeline_range timeline_all(const struct crossings *crossings);
struct timeline_range timeline_latest(const struct crossings *crossings, u64 units);
/* Twice as much, or half as much, around its middle, or the chosen crossing if that is seen. */
void timeline_zoom(struct timeline_range *range, const struct crossings *crossings, bool in);
/* By that many eighths of its length; negative: back. */
void timeline_move(struct timeline_range *range, const struct crossings *crossings, int eighths);
/* Chooses the next or the previous crossing, or the first that is seen, and moves so that it is seen. */
void timeline_choose(struct timeline_range *range, const struct crossings *crossings, int by);

void timeline_page(struct view *page, const struct crossings *crossings, const struct timeline_range *range);
/* Up to `rows` of those that match, the latest ones before `end` (a number; crossings_count(): all). filter may be NULL. */
void crossings_page(struct view *page, const struct crossings *crossings, const struct crossings_filter *filter, u64 end,
                    unsigned rows);
/* One of them in full. Symbols may be NULL. */
struct symbols;
void crossing_page(struct view *page, const struct crossing_record *record, const struct symbols *symbols);
void crossings_stats_page(struct view *page, const struct crossings *crossings);

/* 1,234,567. Long enough: 28 bytes. */
enum { TIMELINE_NUMBER = 28 };
const char *timeline_number(u64 number, char text[TIMELINE_NUMBER]);
/* A moment or a length: "1,234 instructions", "0.001234 s"; `text` of 48 bytes. */
enum { TIMELINE_MOMENT = 48 };
const char *timeline_moment(enum crossings_unit unit, u64 moment, char text[TIMELINE_MOMENT]);

#endif
