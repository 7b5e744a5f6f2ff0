/*
 * monitor_state.h: what the monitor's commands share. Private to them.
 */
#ifndef FRONTEND_MONITOR_MONITOR_STATE_H
#define FRONTEND_MONITOR_MONITOR_STATE_H

#include "frontend/monitor/monitor.h"

enum { LINE_MAX_BYTES = 1024, WORDS_MAX = 8 };

/* A command's line while it is carried out. */
struct call {
    struct monitor *monitor;
    struct machine *machine;
    FILE *out;
    const char *rest;   /* what follows the command's name, and the format of x and its like */
    const char *format; /* after the slash; "" if there is none */
    unsigned count;
    char *word[WORDS_MAX]; /* `rest` split at blanks */
};

/* False: `err` says what is wrong with the line or the host. */
typedef bool command_fn(struct call *call, struct error *err);

struct command {
    const char *name, *arguments, *help;
    unsigned least; /* words that must follow */
    command_fn *run;
};

/* Ended by an entry without a name. */
extern const struct command machine_commands[]; /* commands.c */
extern const struct command memory_commands[];  /* memory.c */
extern const struct command media_commands[];   /* media.c */
extern const struct command control_commands[]; /* control.c */
extern const struct command past_commands[];    /* past.c */
extern const struct command look_commands[];    /* look.c */
extern const struct command cross_commands[];   /* cross.c */
extern const struct command why_commands[];     /* why.c */
extern const struct command info_commands[];    /* info.c: what may follow `info` */

/* Said at once, before the command has ended. */
void monitor_say(struct monitor *monitor, const char *format, ...) PRINTF_LIKE(2, 3);
/* A line: why the machine pauses, and where. */
void monitor_where(struct monitor *monitor, FILE *out);
/* Mouse buttons that `mouse_button` holds. */
unsigned *monitor_mouse_buttons(struct monitor *monitor);

/* An expression with the processor's registers and symbols, from `*text` on; the whole of `word`. */
bool call_expression(struct call *call, const char **text, u64 *value, struct error *err);
bool call_number(struct call *call, const char *word, u64 *value, struct error *err);

#endif
