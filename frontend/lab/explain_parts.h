/*
 * explain_parts.h: what the files of the explainer share. Private to them.
 */
#ifndef FRONTEND_LAB_EXPLAIN_PARTS_H
#define FRONTEND_LAB_EXPLAIN_PARTS_H

#include "cpu/interp/icache.h"
#include "cpu/explain.h"
#include "cpu/op/op.h"
#include "frontend/lab/explain.h"

enum { EXPLAIN_TEXT = 400, EXPLAIN_CHANGES = 8, EXPLAIN_FAILURES = 5 };

/* The registers before the instruction. */
struct explain_state {
    u64 regs[16], ip, cr0, cr2, cr3, cr4, cr8, efer, xcr0, dr[8], ssp, pkrs, xss;
    u64 u_cet, s_cet, pl_ssp[4], ssp_table, sysenter_cs, star, lstar, tsc_aux;
    u64 pdpte[4], pending_db;
    u32 eflags, mxcsr, pkru;
    u8 cpl, code_bytes, stack_seg, phys_bits;
    bool long_mode, protected_mode, vm86, in_smm;
    struct segment seg[SEG_COUNT], ldtr, tr;
    struct table_register gdtr, idtr;
    u16 x87_status, x87_control;
};

/* A check that failed, and what came of the change that would have helped. */
struct failure {
    unsigned at; /* its event */
    bool tried, passes;
    enum rule next; /* tried: what failed then; RULE_NONE: nothing */
};

struct explanation {
    u64 number, icount;
    struct explain_request request;
    enum rule rule; /* that was raised; `error`: its code */
    u32 error;
    bool same;
    struct explain_state before;
    u8 bytes[INSN_BYTES_MAX], available, length; /* available: how many can be read; length: how many the instruction has */
    vaddr code; /* linear address of the instruction */
    struct failure failure[EXPLAIN_FAILURES];
    unsigned failures;
    unsigned count, skipped;
    struct explain_event *event;
};

/* What surrounds an event: the last one of each kind before it, or NULL. */
struct scene {
    const struct explanation *e;
    unsigned at;
    const struct explain_event *now, *memory /* access or linear */, *access, *descriptor, *gate, *frame, *walk, *port, *delivery;
};
struct scene scene_at(const struct explanation *e, unsigned at);

/* ---- what rules say (explain.def) */
struct explain_row {
    const char *needs;  /* what is required */
    const char *found;  /* what was compared, with {names} */
    const char *change; /* the smallest change, as "target=value; ..." ("" : in words only) */
    const char *words;  /* more about it, or instead of it; NULL: nothing */
};
extern const struct explain_row explain_rows[RULE_COUNT];

/* ---- names (explain_names.c) */
enum format { FORMAT_HEX, FORMAT_DEC, FORMAT_TEXT };
struct value {
    enum format format;
    u64 number;
    char text[96];
};
/* False: there is no such name, or nothing of the kind was looked at. */
bool scene_value(const struct scene *s, const char *name, struct value *v);
/* Replaces {names}. False: one is not known; it stands there as "?". */
bool scene_expand(const struct scene *s, const char *text, char *out, size_t size);
const char *segment_name(unsigned seg);
const char *vector_name(int vector);  /* "#GP" */
const char *vector_title(int vector); /* "general protection" */
/* A descriptor's second word, in words: "data, writable, DPL 3, present". */
void descriptor_words(const struct explain_state *state, u64 raw, char *text, size_t size);
/* " (data, writable)" */
void descriptor_type(const struct explain_state *state, unsigned type, char *text, size_t size);
const char *walk_level_name(const struct walk_trace *walk, unsigned n); /* "PDE" */

/* ---- steps (explain_steps.c): an event as a person reads it */
enum step_kind { STEP_CHECK, STEP_LOOK, STEP_DELIVERY, STEP_ENTERED };
struct step {
    enum step_kind kind;
    bool ok;           /* of a check */
    enum rule rule;    /* of a check; RULE_NONE: a whole page walk */
    const char *what;  /* "check", "access", "walk", "descriptor", "gate", "table", "stack", "port", "delivery", "entered" */
    char text[EXPLAIN_TEXT], detail[EXPLAIN_TEXT]; /* detail: "", or what was compared, or bytes */
};
/* False: it is part of another step. */
bool step_of(const struct explanation *e, unsigned n, struct step *step);
/* The checks that a page walk has passed before the one that failed, as events. Returns how many there are, at most `room`. */
unsigned walk_checks(const struct explain_state *state, const struct explain_event *walk, struct explain_event *checks,
                     unsigned room);
/* Registers that the instruction names, with their values. */
struct named_operand {
    char name[16];
    u64 value;
};
enum { EXPLAIN_OPERANDS = 8 };
unsigned operands_of(const struct explanation *e, struct named_operand operands[EXPLAIN_OPERANDS]);
/* As text: capstone's. */
void instruction_text(const struct explanation *e, char *text, size_t size);
/* "0e 1f": separated by blanks. */
void bytes_text(const u8 *bytes, unsigned count, char *text, size_t size);
/* Why the nth failure led to the delivery that follows it: "", or a double or triple fault with its reason. */
void failure_outcome(const struct explanation *e, unsigned n, char *text, size_t size);
bool vector_has_error(int vector);

/* ---- changes (explain_change.c) */
struct change {
    char text[EXPLAIN_TEXT];
    bool known; /* how to make it */
    bool void_of_effect; /* it is so already */
    char target[24];
    u64 value;
    vaddr at;  /* of bytes in memory: their place, ... */
    paddr physical;
    bool is_physical;
    unsigned size; /* ... how many, 0: none */
    u64 before, after;
};
/* The changes that would let the failed check pass; returns how many. */
unsigned changes_of(const struct explanation *e, const struct failure *f, struct change changes[EXPLAIN_CHANGES]);
/* Makes one: in the copy, or in memory (undone by changes_undo). False: it cannot be made. */
struct poke {
    u8 *host, old[8];
    unsigned size;
};
bool change_make(struct cpu *copy, const struct explanation *e, const struct failure *f, const struct change *change,
                 struct poke *poke);
void change_undo(const struct poke *poke);

/* ---- (explain.c) */
struct explainer {
    struct machine *machine;
    struct cpu_watch watch;
    struct cpu *copy;
    struct explain trace;
    struct explanation *kept[EXPLAIN_KEPT]; /* a ring */
    unsigned first, count;
    u64 number;
    unsigned part_of; /* exceptions still to come that the last explanation has explained already */
    struct explain_request interrupt; /* the last one that began to be delivered */
    struct explanation *ahead; /* of an instruction that switches tasks, made before it did */
    explain_told *told;
    void *told_opaque;
};
int failed_vector(const struct explanation *e, unsigned n); /* of failure n: what was delivered for it */

#endif
