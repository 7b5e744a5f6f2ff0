/*
 * host_case.h: one user-level instruction with everything that it can see, and what became of it.
 *
 * The same case runs on the host processor (native.c) and on ours (emulated.c). Both have this memory at these linear addresses:
 *   CODE_AT .. CODE_END    user, read and execute; filled with INT3 around the instruction
 *   DATA_AT .. DATA_END    user, read and write, no execute
 *   FIXED_AT .. FIXED_END  user, read only, no execute
 * and nothing around them.
 */
#ifndef TESTS_HOST_HOST_CASE_H
#define TESTS_HOST_HOST_CASE_H

#include "cpu/base/types.h"

#define CODE_AT   0x10000000u
#define CODE_END  0x10002000u
#define DATA_AT   0x20001000u
#define DATA_END  0x20003000u
#define FIXED_AT  0x20003000u
#define FIXED_END 0x20004000u

#define GS_BASE (DATA_AT + 0x420) /* in 64-bit mode */

/* Selectors of Linux. */
enum { SELECTOR_CODE32 = 0x23, SELECTOR_DATA = 0x2b, SELECTOR_CODE64 = 0x33 };

#define CODE_ROOM 24 /* bytes of the instruction and of the INT3s after it */

/* An FXSAVE image in the 64-bit layout; bytes 0-415 count. */
#define FX_BYTES 416
enum { FX_FCW = 0, FX_FSW = 2, FX_FTW = 4, FX_MXCSR = 24, FX_ST = 32, FX_XMM = 160 };

struct host_state {
    u64 gpr[16];
    u64 ip;
    u64 flags;
    u16 seg[6]; /* selectors, by enum seg_name; FS is not looked at: libc needs it */
    u8  fx[FX_BYTES];
    u8  upper[256]; /* halves of the YMM registers */
};

struct host_case {
    struct host_state in;
    u8                code_bytes; /* 8: 64-bit mode; 4, 2: 32- and 16-bit code */
    u8                length;     /* of the instruction, as our decoder sees it */
    u16               row;        /* in row_table; what it was generated from */
    u8                code[CODE_ROOM];
    u32               code_at; /* linear address of the instruction */
    u32               window_at; /* offset in DATA of memory that was chosen for the operand */
    u8                window[64];
};

#define VECTOR_LOST 0xfe /* the process that ran it died or hung */

struct host_result {
    struct host_state out;
    u8                vector; /* 3: ran to the INT3 after it */
    u32               error;
    u64               cr2;
    u8                data[DATA_END - DATA_AT];
};

/* DATA and FIXED before an instruction runs. `background` is the same for all cases. */
void host_memory_background(u8 *data, u8 *fixed);
void host_memory_prepare(const struct host_case *c, const u8 *background, u8 *data);

#endif
