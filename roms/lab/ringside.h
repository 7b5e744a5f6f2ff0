/*
 * ringside.h: for programs that run in Ringside: speaks to the ring lab that watches the machine. Freestanding C, 16-bit (gcc -m16),
 * 32-bit and 64-bit, any ring, gcc and clang. Nothing is linked; no register and no flag changes.
 *
 *   ringside_mark("before the call gate");   gives this moment a name: timeline, goto, report
 *   ringside_log("three rings later");       a line of text, kept with the ring it came from
 *   ringside_assert_ring(3);                 says so if this is not ring 3
 *   ringside_trace_start(); ringside_trace_stop();   crossings between rings are noted, no more
 *   ringside_snapshot("ready");              a moment to which the lab's `goto ready` returns
 *
 * By default each is a NOP that only Ringside understands: on any other machine, and in Ringside unless it was started with -lab,
 * -record, -crossings, -checkpoints or -hypercalls on, it does nothing. With RINGSIDE_VMCALL defined before this file they are VMCALL
 * instead, as a guest calls a hypervisor, and raise #UD where nobody listens; with RINGSIDE_VMMCALL, AMD's.
 *
 * Texts end with a zero and are at most 119 bytes; what is longer is cut off. They are read by DS.
 */
#ifndef RINGSIDE_H
#define RINGSIDE_H

#define RINGSIDE_MAGIC 0x52494e47
#define RINGSIDE_PORT  0x5249 /* reads RINGSIDE_MAGIC if somebody listens; any OUT to it is a call, too (needs IOPL) */

enum { RINGSIDE_MARK = 1, RINGSIDE_LOG, RINGSIDE_ASSERT_RING, RINGSIDE_TRACE_START, RINGSIDE_TRACE_STOP, RINGSIDE_SNAPSHOT };

static inline void ringside_call(int function, unsigned long argument)
{
#if defined RINGSIDE_VMCALL
    __asm__ volatile("vmcall" : : "a"(RINGSIDE_MAGIC), "b"(function), "c"(argument) : "memory");
#elif defined RINGSIDE_VMMCALL
    __asm__ volatile("vmmcall" : : "a"(RINGSIDE_MAGIC), "b"(function), "c"(argument) : "memory");
#elif defined __x86_64__
    __asm__ volatile("nopl 0x474e4952(%%rax,%%rax,1)" : : "b"(function), "c"(argument) : "memory");
#else
    __asm__ volatile("nopl 0x474e4952(%%eax,%%eax,1)" : : "b"(function), "c"(argument) : "memory");
#endif
}

/* Reads the text before the call: what an operating system has not yet put into memory could not be read by the lab. */
static inline unsigned long ringside_text(const char *text)
{
    for (volatile const char *at = text; text && *at; at++) {
    }
    return (unsigned long)text;
}

static inline void ringside_mark(const char *name)
{
    ringside_call(RINGSIDE_MARK, ringside_text(name));
}

static inline void ringside_log(const char *text)
{
    ringside_call(RINGSIDE_LOG, ringside_text(text));
}

static inline void ringside_assert_ring(int ring)
{
    ringside_call(RINGSIDE_ASSERT_RING, (unsigned long)ring);
}

static inline void ringside_trace_start(void)
{
    ringside_call(RINGSIDE_TRACE_START, 0);
}

static inline void ringside_trace_stop(void)
{
    ringside_call(RINGSIDE_TRACE_STOP, 0);
}

static inline void ringside_snapshot(const char *name)
{
    ringside_call(RINGSIDE_SNAPSHOT, ringside_text(name));
}

#endif
