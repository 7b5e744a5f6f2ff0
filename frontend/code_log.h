/*
 * code_log.h: code as it is translated: to the log (-d in_asm, op, op_opt, out_asm), and to a map for perf (-perfmap).
 */
#ifndef FRONTEND_CODE_LOG_H
#define FRONTEND_CODE_LOG_H

#include "cpu/base/error.h"
#include "tcg/watch.h"

struct code_log *code_log_create(bool perf_map, struct error *err);
void code_log_destroy(struct code_log *log);
/* For struct accel_config; lives as long as the log. */
const struct code_watch *code_log_watch(const struct code_log *log);

#endif
