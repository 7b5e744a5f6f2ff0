/*
 * segments.h: the descriptors that both sides have: Linux's user segments in the GDT, and an LDT of our own.
 */
#ifndef TESTS_HOST_SEGMENTS_H
#define TESTS_HOST_SEGMENTS_H

#include "cpu/state.h"
#include "tests/host/host_case.h"

struct host_descriptor {
    u32  base, limit; /* the limit as stored: in pages if `pages` */
    u8   type;        /* with the accessed bit, as Linux sets it */
    bool big, pages, present;
};

enum {
    LDT_NONE,
    LDT_CODE16,      /* base CODE_AT, 8 KiB */
    LDT_CODE32,      /* base below CODE_AT */
    LDT_CODE_HIDDEN, /* 16-bit, execute-only */
    LDT_DATA16,      /* 64 KiB from below DATA */
    LDT_DATA_SHORT,  /* ends in the middle of DATA */
    LDT_DATA_PAGES,
    LDT_DATA_FIXED,  /* read-only */
    LDT_DOWN16,      /* expand-down, up to FFFFh */
    LDT_DOWN32,      /* expand-down, up to FFFFFFFFh */
    LDT_STACK16,
    LDT_STACK32,
    LDT_ABSENT,
    LDT_COUNT
};
/* Linux keeps the processor's number in the limit of a segment: whoever reads it gets another value than this. */
#define NODE_LIMIT 0xabcd

#define LDT_SELECTOR(index) ((u16)((index) * 8 | 7))

extern const struct host_descriptor host_ldt[LDT_COUNT];

/* NULL: a selector that cannot be in a data or code segment register of a program. */
const struct host_descriptor *host_descriptor_of(u16 selector);
u64                           host_descriptor_bytes(const struct host_descriptor *d);

/* In bytes. */
u32 host_descriptor_limit(const struct host_descriptor *d);

/* The base that an access of `c` through segment register `seg` (enum seg_name) adds. */
u64 host_segment_base(const struct host_case *c, unsigned seg);

#endif
