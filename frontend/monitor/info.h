/*
 * info.h: the parts of `info` that stand in other files. Private to the monitor.
 */
#ifndef FRONTEND_MONITOR_INFO_H
#define FRONTEND_MONITOR_INFO_H

#include "frontend/monitor/monitor_state.h"

bool info_block(struct call *call, struct error *err);   /* media.c */
bool info_marks(struct call *call, struct error *err);     /* cross.c */
bool info_crossings(struct call *call, struct error *err); /* cross.c */
bool info_exceptions(struct call *call, struct error *err); /* why.c */
bool info_history(struct call *call, struct error *err); /* past.c */
bool info_breakpoints(struct call *call, struct error *err); /* control.c */

/* Prints one of the lab's pages: look.c. */
struct view;
void look_print(struct call *call, void (*write)(struct view *page, struct machine *machine));

#endif
