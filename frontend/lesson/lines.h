/*
 * lines.h: a lesson as plain lines: nothing but text out and lines in, for pipes, screen readers and terminals of any kind.
 */
#ifndef FRONTEND_LESSON_LINES_H
#define FRONTEND_LESSON_LINES_H

#include "frontend/lesson/player.h"

/* To its end, or that of the input. False: the lesson is wrong. */
bool lines_run(struct player *player, FILE *in, FILE *out, struct error *err);

#endif
