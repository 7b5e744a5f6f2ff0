/*
 * judge.h: compares what the host and our processor made of one case, and says what differs.
 */
#ifndef TESTS_HOST_JUDGE_H
#define TESTS_HOST_JUDGE_H

#include <stdio.h>

#include "cpu/decode.h"
#include "tests/host/host_case.h"

/* True: equal, but for what the manual leaves undefined. */
bool judge(const struct host_case *c, const struct insn *i, const struct host_result *host, const struct host_result *ours);

/* The instruction, its input and every difference, as text. */
void judge_explain(FILE *out, const struct host_case *c, const struct insn *i, const struct host_result *host,
                   const struct host_result *ours);

#endif
