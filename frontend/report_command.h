/*
 * report_command.h: `ringside report`: a recording is replayed, and a report of it written (frontend/lab/report.h).
 */
#ifndef FRONTEND_REPORT_COMMAND_H
#define FRONTEND_REPORT_COMMAND_H

#include "frontend/options.h"

/* The words behind `report`, as options for a replay. As options_parse() otherwise. */
enum options_result report_command_parse(struct options *options, int argc, char **argv, struct error *err);

/* A report_png: with the letters that the window has. */
bool picture_png(const struct view *page, const char *path, struct error *err);

#endif
