/*
 * stop.h: which instructions and accesses to memory somebody outside, a debugger or the ring lab, wants to be asked about.
 * cpu->stops is NULL when nobody does; then nothing is slower. With somebody there, only what he asks about is: the TLB holds back
 * (tlb_hold()) the pages of code and of data that he names.
 *
 * Whoever wants the processor to stop behind the present instruction or delivery calls cpu_kick(): cpu_run() returns there.
 */
#ifndef CPU_STOP_H
#define CPU_STOP_H

#include "cpu/base/types.h"

struct cpu_stops {
    void *opaque;
    /* ---- instructions */
    /* Whether some instruction of this linear page is asked about; then code_range() says which. */
    bool (*code_page)(void *opaque, vaddr page);
    bool (*code_range)(void *opaque, vaddr la, unsigned bytes);
    /* The instruction at cpu->ip has been fetched, into cpu->single, and is executed next. True: not now; cpu_kick() was called.
     * Asked at least for all that code_range() says, and for every instruction after cpu_ask(). */
    bool (*before)(void *opaque);
    /* ---- data, by linear address */
    bool (*data_page)(void *opaque, vaddr page, bool write);
    bool (*data_range)(void *opaque, vaddr la, u64 bytes, bool write);
    /* Bytes for which data_range() said yes are accessed: before it happens, and it may still fault; and when it has (`done`). */
    void (*access)(void *opaque, vaddr la, u64 bytes, bool write, bool done);
    /* Between two instructions, after cpu_ask_after(). */
    void (*after)(void *opaque);
};

struct cpu;

/* From now on; `stops` stays the caller's. Call it again when the answers of code_page() or data_page() have changed. Not while an
 * instruction is executed; before() is called between two. */
void cpu_set_stops(struct cpu *cpu, const struct cpu_stops *stops);
/* before() is called for every instruction, and each is executed alone. */
void cpu_ask(struct cpu *cpu, bool every);
/* after() is called once, behind the present instruction or delivery. */
void cpu_ask_after(struct cpu *cpu);

#endif
