/*
 * log.h: diagnostic output, chosen by `-d` and sent to `-D FILE` or to standard error.
 *
 * The log is the one mutable global of the program.
 */
#ifndef CPU_BASE_LOG_H
#define CPU_BASE_LOG_H

#include "cpu/base/types.h"

/* QEMU's -d words; LOG_ITEMS(X) gives X(enumerator, "word", "help"). */
#define LOG_ITEMS(X)                                                                               \
    X(LOG_INT, "int", "interrupts and exceptions, with their rule and the instruction")            \
    X(LOG_IN_ASM, "in_asm", "guest code of each block as it is translated, or first interpreted")  \
    X(LOG_OP, "op", "intermediate code of each such block; hosts with a translator of their own "  \
                    "have no use for it but this")                                                 \
    X(LOG_OP_OPT, "op_opt", "the same after the passes")                                           \
    X(LOG_OUT_ASM, "out_asm", "host code of each block that is translated")                        \
    X(LOG_CPU_RESET, "cpu_reset", "processor state at a reset")                                    \
    X(LOG_PCALL, "pcall", "far calls, returns and task switches")                                  \
    X(LOG_MMU, "mmu", "page faults and TLB flushes")                                               \
    X(LOG_UNIMP, "unimp", "guest use of what is not modelled")                                     \
    X(LOG_GUEST_ERROR, "guest_errors", "guest accesses that a datasheet forbids")                  \
    X(LOG_DEVICE, "device", "device commands")                                                     \
    X(LOG_HYPERCALL, "hypercall", "what the guest says by hypercalls")

enum log_item {
#define X(name, word, help) name,
    LOG_ITEMS(X)
#undef X
    LOG_ITEM_COUNT
};

extern u32 log_mask; /* bit per enum log_item */

static inline bool log_on(enum log_item item)
{
    return log_mask >> item & 1;
}

/* Writes a line (the newline is added) if `item` is on. */
#define log_at(item, ...)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(log_on(item), 0)) {                                                   \
            log_write(__VA_ARGS__);                                                                \
        }                                                                                          \
    } while (0)

void log_write(const char *format, ...) PRINTF_LIKE(1, 2);

struct error;
/* Turns on the items of a comma-separated list of words ("int,guest_errors"). */
bool log_select(const char *words, struct error *err);
/* Sends the log to `path` instead of standard error. */
bool log_open(const char *path, struct error *err);

#endif
