/*
 * crossing.h: who wants to know when the processor crosses from one privilege, or one mode, to another, and what is told of it.
 *
 * A crossing is what may change the ring or leaves the program's own flow: interrupts, exceptions and the returns from them, also
 * within a ring; transfers through gates; task switches; SYSENTER, SYSCALL and their returns; SMI and RSM; changes of mode;
 * resets. Far calls, jumps and returns within a ring are none. VMRUN and #VMEXIT do not exist in this processor.
 *
 * All of these are executed by C functions of cpu/op, by whatever executor: when nobody listens they test one pointer, and
 * translated code is the same with and without listeners.
 */
#ifndef CPU_CROSSING_H
#define CPU_CROSSING_H

#include "cpu/base/bits.h"
#include "cpu/base/rules.h"
#include "cpu/base/types.h"

struct cpu;

enum crossing_kind {
    CROSSING_INT,       /* INT n, INT3, INTO, INT1 */
    CROSSING_EXCEPTION, /* also a machine check, which has no rule */
    CROSSING_IRQ,
    CROSSING_NMI,
    CROSSING_IRET,
    CROSSING_GATE, /* CALL or JMP through a call gate */
    CROSSING_RETF, /* to an outer ring */
    CROSSING_TASK, /* task switch by CALL, JMP or IRET; one by an interrupt is of the interrupt's kind */
    CROSSING_SYSENTER,
    CROSSING_SYSEXIT,
    CROSSING_SYSCALL,
    CROSSING_SYSRET,
    CROSSING_SMI,
    CROSSING_RSM,
    CROSSING_MODE, /* CR0.PE or EFER.LMA has changed */
    CROSSING_HALT, /* HLT or MWAIT: what comes next ends it */
    CROSSING_RESET,
    CROSSING_INIT,
    CROSSING_SHUTDOWN, /* a triple fault, and RSM with a bad state */
    CROSSING_KINDS
};

/* How code runs. */
enum crossing_mode {
    MODE_IS_REAL, MODE_IS_VM86, MODE_IS_16, MODE_IS_32, MODE_IS_COMPAT16, MODE_IS_COMPAT32, MODE_IS_64, MODE_IS_COUNT
};

/* Where the processor is. */
struct crossing_point {
    u64 ip, sp;
    u32 flags;
    u16 cs, ss;
    u8  ring, mode; /* mode: enum crossing_mode */
    bool smm, halted;
};

/* What said where to go, and which stack to use there. */
enum crossing_source {
    SOURCE_NONE,
    SOURCE_IVT,       /* at: the entry of the real-mode table; data: segment << 16 | offset */
    SOURCE_IDT,       /* at: the entry; data: the gate */
    SOURCE_GATE,      /* a call gate: selector; at: its descriptor; data: the gate */
    SOURCE_TASK_GATE, /* the same of a task gate in the GDT or an LDT */
    SOURCE_TSS,       /* a task switch without a gate: selector of the TSS */
    SOURCE_LINK,      /* IRET in a nested task: selector of the previous TSS, from the present one's link, at: its address */
    SOURCE_SYSENTER,  /* data: IA32_SYSENTER_CS, IA32_SYSENTER_EIP */
    SOURCE_SYSCALL,   /* data: STAR, LSTAR or CSTAR (outside long mode STAR alone) */
    SOURCE_STACK,     /* popped */
    SOURCE_REGISTERS, /* SYSRET: RCX, SYSEXIT: RDX */
    SOURCE_SMBASE,    /* at: SMBASE; entering and leaving SMM */
    SOURCE_FIXED,     /* the reset vector */
    STACK_SAME,       /* goes on on the same stack */
    STACK_TSS,        /* index: the ring; at: the address of the field in the TSS; data: pointer, SS (not in long mode) */
    STACK_IST,        /* index: 1 to 7; the same */
    STACK_MSR,        /* IA32_SYSENTER_ESP */
    STACK_KEPT,       /* SYSCALL, SYSRET: RSP is not changed, SS is; data, of SYSCALL: SFMASK, which clears flags */
    STACK_POPPED,
    STACK_REGISTER, /* SYSEXIT: RCX */
    STACK_TASK,     /* the new task's TSS */
    STACK_FIXED,
};

struct crossing_origin {
    u8  source; /* enum crossing_source */
    u8  index;
    u16 selector;
    u64 at; /* linear address */
    u64 data[2];
};

enum { CROSSING_VALUES = 12 };

struct crossing {
    u64 count; /* instructions executed before it: exact in counted time. There the crossing is about to happen */
    u8  kind;  /* enum crossing_kind */
    u8  vector;
    bool has_error, jump; /* jump: a JMP, not a CALL, through the gate or to the task */
    u8  during;           /* an exception that came in the middle of another crossing: its kind + 1, or 0 */
    u8  during_vector;
    u16 rule; /* enum rule, of exceptions; 0: none */
    u32 error_code;
    u64 cr2;  /* of page faults */
    struct crossing_point from, to; /* from.ip: of the instruction that crosses, or, for interrupts, of the one that comes next */
    struct crossing_origin source, stack;
    u16 task_from, task_to; /* TR before and after a task switch; 0: there was none */
    /* What was pushed or popped: `count` values of `width` bytes; if there is no room for all, those in the middle are left out. */
    struct {
        u64  at; /* linear address of the lowest one */
        u8   width, count;
        bool popped;
        u64  value[CROSSING_VALUES]; /* lowest address first */
    } frame;
};

/* Somebody who looks. */
struct crossing_listener {
    /* It has happened: the processor stands before the first instruction after it. Must not raise, nor change what the guest can
     * see. */
    void (*crossed)(void *opaque, const struct crossing *crossing);
    void *opaque;
    struct crossing_listener *next;
};

/* From now on, and no more. Not while an instruction is executed; a listener may stop itself in crossed(). */
void crossing_listen(struct cpu *cpu, struct crossing_listener *listener);
void crossing_ignore(struct cpu *cpu, struct crossing_listener *listener);

/* "IRQ", "SYSCALL" and so on; a short name of a crossing with its vector: "INT 80h", "#PF", "IRQ 20h", in `text`. */
const char *crossing_kind_name(enum crossing_kind kind);
enum { CROSSING_NAME = 24 };
const char *crossing_name(const struct crossing *crossing, char text[CROSSING_NAME]);
/* "real", "VM86", "16-bit" and so on. */
const char *crossing_mode_name(unsigned mode);
/* Where the processor is now. */
struct crossing_point crossing_here(const struct cpu *cpu);

#endif
