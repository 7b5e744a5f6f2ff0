/*
 * explain_file.h: -explain FILE: every exception, explained, into a file: JSON objects, a line each, when its name ends in .json or
 * .jsonl, one page for a browser when it ends in .html, else text; "-" is standard output.
 */
#ifndef FRONTEND_LAB_EXPLAIN_FILE_H
#define FRONTEND_LAB_EXPLAIN_FILE_H

#include "cpu/base/error.h"
#include "frontend/lab/explain.h"

struct explain_file;

/* Starts to explain; NULL and `err`: the file cannot be written. */
struct explain_file *explain_file_open(struct machine *machine, const char *path, struct error *err);
/* NULL is allowed. False: not all could be written. */
bool explain_file_close(struct explain_file *file, struct error *err);

#endif
