/*
 * native_profile.h: -accel tcg,profile=on: guest instructions are counted, and which of them C executes.
 *
 * Translated code counts the instructions of each run, up to a conditional jump, as the run begins (cpu->host.insns); when it is
 * left on the way, the rest is taken back. The interpreter counts from the beginning of a block in cpu->icount even when it enters
 * in the middle: `seen` is icount without that. An iteration of a repeated string instruction counts as an instruction.
 */
#ifndef TCG_NATIVE_PROFILE_H
#define TCG_NATIVE_PROFILE_H

#include "cpu/interp/icache.h"

struct native_profile {
    u64                interpreted;  /* instructions, up to `seen` */
    u64                seen;         /* of cpu->icount */
    const struct insn *calling;      /* whose C function is running */
    unsigned           calling_run;  /* its native_profile_run() */
    u64               *calls, *left; /* by row: C functions called; instructions left to the interpreter */
};

struct native_profile *native_profile_create(void);
/* NULL is allowed. */
void native_profile_destroy(struct native_profile *profile);

/* The instructions from `insn` to the end of its run. */
unsigned native_profile_run(const struct insn *insn);
/* Whether a run ends with it. */
bool native_profile_ends_run(const struct insn *insn);

/* Translated code is entered, and left: by EXIT_INSN with `insn`, else with NULL. */
void native_profile_enter(struct native_profile *profile, const struct cpu *cpu);
void native_profile_exit(struct native_profile *profile, struct cpu *cpu, const struct insn *insn);
/* The C function of `insn` is called, `run` instructions before the end of its run; it returned, or raised. */
void native_profile_call(struct native_profile *profile, const struct insn *insn, unsigned run);
void native_profile_called(struct native_profile *profile);
void native_profile_raised(struct native_profile *profile, struct cpu *cpu);
/* Instructions that the interpreter has executed. */
u64 native_profile_interpreted(const struct native_profile *profile, const struct cpu *cpu);

#endif
