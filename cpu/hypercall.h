/*
 * hypercall.h: what guests say by hypercalls. roms/lab/ringside.h and ringside.inc are the same for guests.
 */
#ifndef CPU_HYPERCALL_H
#define CPU_HYPERCALL_H

#include "cpu/base/types.h"

/* EAX of VMCALL and VMMCALL. Port HYPERCALL_PORT reads so, and a write to it is a hypercall too. */
#define HYPERCALL_MAGIC 0x52494e47u /* "RING" */
#define HYPERCALL_PORT  0x5249

/* EBX; ECX (RCX in 64-bit mode) is the argument: the address of a text that ends with a zero, by DS, or a number. */
enum hypercall_function {
    HYPERCALL_MARK_MOMENT = 1, /* a text or 0: gives the moment a name */
    HYPERCALL_LOG,             /* a text */
    HYPERCALL_ASSERT_RING,     /* 0 to 3: the caller thinks that it runs in that ring */
    HYPERCALL_TRACE_START,     /* of crossings */
    HYPERCALL_TRACE_STOP,
    HYPERCALL_SNAPSHOT, /* a text: a moment to which one can go back */
    HYPERCALL_FUNCTIONS
};

#endif
