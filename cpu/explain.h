/*
 * explain.h: executing an instruction once more, on a copy of the processor, with everything written down that decides whether it
 * may: checks in the order in which they are made, operands, descriptors, gates, TSS and page tables; then the delivery of its
 * exception in the same way, up to a triple fault.
 *
 * The copy has empty translation caches, so that every access takes the slow path, where cpu->explain is looked at. What it
 * writes to memory is kept apart, devices are not reached: the guest's own state does not change.
 */
#ifndef CPU_EXPLAIN_H
#define CPU_EXPLAIN_H

#include "cpu/state.h"

enum explain_kind {
    EXPLAIN_CHECK,      /* a check: rule, ok, error, cpl */
    EXPLAIN_ACCESS,     /* an access by segment and offset: seg, address (the offset), size, access, linear; value once known */
    EXPLAIN_LINEAR,     /* an access of its own to linear memory (a stack, a table, a TSS): linear, size, access, value */
    EXPLAIN_WALK,       /* a page walk: linear, access, user, override, walk; rule (RULE_NONE: passed), value (physical) */
    EXPLAIN_DESCRIPTOR, /* selector; ok: it lies in its table (base, limit); linear, value: 8 bytes, upper: 8 more in long mode */
    EXPLAIN_GATE,       /* of the IDT: vector, linear, value, upper, size */
    EXPLAIN_FRAME,      /* values to be pushed: selector, base, limit, address (the stack pointer), size (of each), count, pushed */
    EXPLAIN_PORT,       /* address, size, access */
    EXPLAIN_NUMBER,     /* what is about to be compared, and is not to be seen otherwise: name, value */
    EXPLAIN_DELIVERY,   /* an event begins to be delivered: vector, error (has_value: there is one), rule */
    EXPLAIN_ENTERED,    /* it is delivered: selector and address (CS:IP), base (SP), error (flags), cpl, value (SS) */
};

enum { EXPLAIN_EVENTS = 640, EXPLAIN_WRITES = 1024, EXPLAIN_PUSHED = 12 };

struct explain_event {
    u8   kind, cpl, seg, access, vector, count;
    bool ok, user, override /* of SMAP, by EFLAGS.AC */, has_value, implicit /* a supervisor's access, whoever runs */;
    u16  rule, size, selector, attr;
    u32  error, limit;
    u64  address, linear, value, upper, base;
    union {
        struct walk_trace walk;
        u64               pushed[EXPLAIN_PUSHED];
        const char       *name;
    };
};

/* What is written down. */
struct explain {
    unsigned             count;   /* of events */
    unsigned             skipped; /* events in the middle that found no room: before event[EXPLAIN_EVENTS / 2] */
    unsigned             writes;
    unsigned             length; /* of the instruction; 0: it was not decoded */
    struct explain_event event[EXPLAIN_EVENTS];
    struct {
        paddr at;
        u8    value;
    } write[EXPLAIN_WRITES];
};

/* What the copy is to do. */
enum explain_begin {
    EXPLAIN_INSTRUCTION, /* execute the instruction at its IP */
    EXPLAIN_RAISED,      /* deliver `rule`, an exception that no instruction raises by itself (a breakpoint, a single step) */
    EXPLAIN_INTERRUPT,   /* deliver `vector` */
};
struct explain_request {
    enum explain_begin begin;
    enum rule          rule; /* that was raised: what depends on devices comes out the same */
    u32                error;
    u64                pending_db; /* RAISED: what DR6 will tell */
    unsigned           vector;
    bool               has_error;
    int                kind; /* enum delivery */
};

/* A copy of a processor: room for one, again and again. */
struct cpu *explain_copy_create(void);
void        explain_copy_destroy(struct cpu *copy);
/* Makes `copy` what `cpu` is now. An instruction that is under way has not begun there. */
void explain_copy_take(struct cpu *copy, const struct cpu *cpu);
/* Executes, and delivers what is raised. */
void explain_execute(struct cpu *copy, struct explain *trace, const struct explain_request *request);

/* ---- for those who are executed: cpu->explain is not NULL */
void explain_check(struct cpu *cpu, bool ok, enum rule rule, u32 error);
void explain_access(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, bool write);
void explain_linear(struct cpu *cpu, vaddr la, unsigned size, enum access_kind access, bool implicit);
/* What the access that was told last has read, or is about to write. */
void explain_value(struct cpu *cpu, u64 value);
struct walk_result explain_walk(struct cpu *cpu, vaddr la, enum access_kind access, bool user, bool override);
u64                explain_read(struct cpu *cpu, paddr at, unsigned size);
void               explain_write(struct cpu *cpu, paddr at, u64 value, unsigned size);
void               explain_port(struct cpu *cpu, u16 port, unsigned size, bool write);

struct descriptor;
struct frame;
void explain_descriptor(struct cpu *cpu, u16 selector, u64 base, u32 limit, const struct descriptor *d);
void explain_upper(struct cpu *cpu, u64 upper);
void explain_gate(struct cpu *cpu, unsigned vector, const struct descriptor *d);
/* False: this one was checked before, and is about to be written. */
bool explain_frame(struct cpu *cpu, const struct frame *f);
void explain_delivery(struct cpu *cpu, unsigned vector, bool has_error, u32 error);
void explain_entered(struct cpu *cpu);

/* Names a number that a check behind it compares; names are those of frontend/lab/explain.def. */
void explain_number(struct cpu *cpu, const char *name, u64 value);
#define explain_note(cpu, name, value)                                                             \
    do {                                                                                           \
        if (unlikely((cpu)->explain)) {                                                            \
            explain_number(cpu, name, value);                                                      \
        }                                                                                          \
    } while (0)

#endif
