/*
 * state.h: struct cpu: every architectural register of one processor, and what is derived from them.
 *
 * Between instructions the architectural part means the same to every executor.
 */
#ifndef CPU_STATE_H
#define CPU_STATE_H

#include <setjmp.h>

#include "cpu/base/fields.h"
#include "cpu/base/irq.h"
#include "cpu/base/rules.h"
#include "cpu/base/types.h"
#include "cpu/model.h"
#include "mmu/phys.h"
#include "mmu/tlb.h"
#include "mmu/walk.h"

enum {
    R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI,
    R_8, R_9, R_10, R_11, R_12, R_13, R_14, R_15,
    R_IPBASE, /* RIP of the first byte of the current linear page: RIP-relative operands and jumps add to it */
    R_ZERO,   /* always 0: "no base", "no index" */
    REG_COUNT
};

/* Segment registers in their encoding order; then the two flat ones that 64-bit code uses for ES, CS, SS, DS. */
enum seg_name { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_FLAT, SEG_FLAT_STACK, SEG_COUNT };

/* Descriptor bits 40-55, as struct segment keeps them. */
enum {
    ATTR_TYPE     = 0x000f,
    ATTR_ACCESSED = 0x0001,
    ATTR_WRITE    = 0x0002, /* data: writable; code: readable */
    ATTR_DOWN     = 0x0004, /* data: expand-down; code: conforming */
    ATTR_CODE     = 0x0008,
    ATTR_S        = 0x0010, /* code or data, not system */
    ATTR_DPL      = 0x0060,
    ATTR_P        = 0x0080,
    ATTR_AVL      = 0x1000,
    ATTR_L        = 0x2000,
    ATTR_DB       = 0x4000,
    ATTR_G        = 0x8000,
};
#define ATTR_DPL_SHIFT 5

struct segment {
    u64 base;
    u64 read_bytes, write_bytes; /* derived: offsets below these pass every segment check; 0 takes the slow path */
    u32 limit;                   /* in bytes, granularity applied */
    u16 selector;
    u16 attr; /* ATTR_*; without ATTR_P the register is null or unusable */
};

struct table_register {
    u64 base;
    u16 limit;
};

enum {
    FLAG_CF = 1 << 0, FLAG_1 = 1 << 1, FLAG_PF = 1 << 2, FLAG_AF = 1 << 4, FLAG_ZF = 1 << 6, FLAG_SF = 1 << 7,
    FLAG_TF = 1 << 8, FLAG_IF = 1 << 9, FLAG_DF = 1 << 10, FLAG_OF = 1 << 11, FLAG_IOPL = 3 << 12, FLAG_NT = 1 << 14,
    FLAG_RF = 1 << 16, FLAG_VM = 1 << 17, FLAG_AC = 1 << 18, FLAG_VIF = 1 << 19, FLAG_VIP = 1 << 20, FLAG_ID = 1 << 21,
    FLAG_ARITH = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
};

enum {
    CR0_PE = 1u << 0, CR0_MP = 1u << 1, CR0_EM = 1u << 2, CR0_TS = 1u << 3, CR0_ET = 1u << 4, CR0_NE = 1u << 5,
    CR0_WP = 1u << 16, CR0_AM = 1u << 18, CR0_NW = 1u << 29, CR0_CD = 1u << 30, CR0_PG = 1u << 31,
    CR4_VME = 1 << 0, CR4_PVI = 1 << 1, CR4_TSD = 1 << 2, CR4_DE = 1 << 3, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5,
    CR4_MCE = 1 << 6, CR4_PGE = 1 << 7, CR4_PCE = 1 << 8, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_UMIP = 1 << 11, CR4_LA57 = 1 << 12,
    CR4_FSGSBASE = 1 << 16, CR4_PCIDE = 1 << 17, CR4_OSXSAVE = 1 << 18, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21,
    CR4_PKE = 1 << 22, CR4_CET = 1 << 23, CR4_PKS = 1 << 24,
    XCR0_X87 = 1 << 0, XCR0_SSE = 1 << 1, XCR0_AVX = 1 << 2, XCR0_PKRU = 1 << 9, XSS_CET_U = 1 << 11, XSS_CET_S = 1 << 12, XCR0_YMM = XCR0_SSE | XCR0_AVX,
    EFER_SCE = 1 << 0, EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11,
};

/* An 80-bit extended real as it lies in memory. */
struct float80 {
    u64 mantissa;
    u16 sign_exponent;
};

/* x87 state. Register numbers are physical (not relative to TOP); MMX registers are the mantissas of the same ones. */
struct x87 {
    struct float80 reg[8];
    u16            control, status; /* status without TOP: TOP is kept apart */
    u8             top;
    u8             valid; /* bit per physical register: 1 = not empty (the abridged tag word of FXSAVE) */
    u16            opcode;           /* FOP: 11 bits */
    u16            ip_selector, dp_selector;
    u64            ip, dp;
};

/* A vector register, YMM: XMM is its low 16 bytes. */
union vec {
    u8  b[32];
    u16 w[16];
    u32 d[8];
    u64 q[4];
};

/* Lazy arithmetic flags; cpu/flags.h says how they are read back. */
struct lazy_flags {
    u32 op; /* enum cc_kind << 2 | log2(width in bytes) */
    u64 result, source;
};

/* Why the run loop must look up before the next block. */
enum {
    PENDING_INTR  = 1 << 0, /* the interrupt controller asks, and EFLAGS.IF is set */
    PENDING_NMI   = 1 << 1,
    PENDING_SMI   = 1 << 2,
    PENDING_INIT  = 1 << 3,
    PENDING_SIPI  = 1 << 4,
    PENDING_EXIT  = 1 << 5, /* the machine loop wants control */
    PENDING_DEBUG = 1 << 6, /* single-step or breakpoints: TF, DR7, a debugger's step */
    PENDING_RESET = 1 << 7,
    PENDING_STEP  = 1 << 8, /* the run loop is executing exactly one instruction */
    PENDING_MCE   = 1 << 9, /* a machine check */
    PENDING_PMU   = 1 << 10, /* performance counters are to be set up */
    PENDING_TRACKER = 1 << 11, /* the tracker of indirect branches looks at every instruction */
    PENDING_ASK   = 1 << 12, /* somebody looks at every instruction: stop.h */
    PENDING_BLOCK = 1 << 13, /* the run loop is executing exactly one block */
    PENDING_AFTER = 1 << 14, /* somebody looks at what an instruction has done */
};

/* MWAIT: as HALT, and an interrupt ends it while it is masked, too. */
enum cpu_activity { ACTIVITY_RUN, ACTIVITY_HALT, ACTIVITY_WAIT_SIPI, ACTIVITY_SHUTDOWN, ACTIVITY_MWAIT };

struct cpu;

/* Performance counters (op/pmu.c): general ones, then fixed ones. */
enum { PMU_GENERAL = 4, PMU_FIXED = 3, PMU_COUNTERS = PMU_GENERAL + PMU_FIXED };
struct pmu {
    u64 select[PMU_GENERAL], counter[PMU_COUNTERS], fixed_ctrl, global_ctrl, global_status;
    /* derived: what counts, and since when */
    u64  icount_at, ticks_at, limit; /* limit: of cpu->icount, when the next counter overflows */
    bool on, split, instructions;    /* any; some in one of the rings only; some instructions */
    bool user, asleep, timed;
};

/* What the processor asks of the machine around it. */
struct cpu_bus {
    void *opaque;
    int (*acknowledge)(void *opaque); /* INTA: the vector */
    /* Local APIC registers by MSR (1Bh, 6E0h, 800h-8FFh); false: #GP. May be NULL (no APIC). */
    bool (*apic_read_msr)(void *opaque, u32 index, u64 *value);
    bool (*apic_write_msr)(void *opaque, u32 index, u64 value);
    u8 (*get_cr8)(void *opaque);
    void (*set_cr8)(void *opaque, u8 value);
    void (*shutdown)(void *opaque); /* triple fault */
    void (*smm_changed)(void *opaque, bool in_smm);
    i64 (*now_ns)(void *opaque);
    /* Brings devices up to the present before the processor reads one: it must never see a deadline passed whose event has not
     * happened, however the host's scheduler delayed us. May be NULL. */
    void (*sync)(void *opaque);
    /* An overflow of a performance counter; and the time of the next one (CLOCK_NEVER: none), when pmu_expired() is to be called.
     * May be NULL. */
    void (*perf_interrupt)(void *opaque);
    void (*perf_timer)(void *opaque, i64 at_ns);
    void (*hypercall)(void *opaque);    /* the guest speaks to the lab; NULL: nobody listens */
    void (*exception)(struct cpu *cpu); /* -d int: says more of an exception, before it is delivered; may be NULL */
};

/* What decoded and translated code depends on, beside its bytes. */
enum {
    MODE_APART      = 1,       /* never of cpu->code_mode: a twin of the block without it, for where that one's translation does not fit */
    MODE_CODE_BYTES = 14,      /* 2, 4, 8 */
    MODE_LIMITED    = 1 << 4,  /* cpu->code_limited */
    MODE_VIEW_SHIFT = 5,       /* enum tlb_view, two bits */
    MODE_STACK16    = 1 << 7,
    MODE_FLAT       = 1 << 8,  /* CS, DS, ES, SS: base 0, limit 4 GiB, read and write */
    MODE_SSE        = 1 << 9,  /* SSE instructions raise nothing: all exceptions are masked */
    MODE_X87        = 1 << 10, /* the same of x87 and MMX */
    MODE_ALIGN      = 1 << 11, /* alignment is checked */
    MODE_REAL       = 1 << 12, /* real or virtual-8086 mode: no VEX prefixes */
    MODE_AVX        = 1 << 13, /* AVX instructions are enabled */
    MODE_COUNTED    = 1 << 14, /* cpu->counted */
    MODE_CET        = 1 << 15, /* shadow stacks or indirect-branch tracking are on at this CPL */
};

struct insn;
struct icache;
struct crossing_notes;
struct executor;
struct decoder;
struct explain;

/* Told of exceptions, in a list: cpu->watch. Nothing may be changed. Functions may be NULL. */
struct cpu_watch {
    /* cpu->raised is about to be delivered: nothing has changed since before the instruction, which is at cpu->ip, but what
     * instructions change before they fault. cpu->delivering says what else was being delivered. */
    void (*exception)(void *opaque, struct cpu *cpu);
    /* An interrupt, or an event like one, is about to be delivered; `kind`: enum delivery of op.h. */
    void (*interrupt)(void *opaque, struct cpu *cpu, unsigned vector, int kind, bool has_error, u32 error);
    /* A task switch is about to begin, in an instruction (cpu->current) or a delivery: faults in its second half belong to the new
     * task. */
    void (*task_switch)(void *opaque, struct cpu *cpu);
    void *opaque;
    struct cpu_watch *next;
};

/* A jump that translated code has made: to this IP, as long as the stamp is cpu->tlb.code.stamp. */
struct host_target {
    u64 ip, stamp, base; /* base: R_IPBASE there */
    const u8 *code;
};
#define HOST_TARGETS 2048

#define ICOUNT_FOREVER ((u64)INT64_MAX)

/* While translated code runs, the host's stack pointer points to struct cpu: there is room below it for return addresses, and for what a
 * host's signal puts there. */
#define CPU_ROOM_BELOW 32768

struct cpu {
    /* ---- hot, architectural */
    u64               regs[REG_COUNT];
    struct lazy_flags cc;
    u64               ip;     /* RIP; between blocks only: inside one it is R_IPBASE + insn->offset */
    u64               icount; /* instructions retired up to the start of the current block: cpu_icount() */
    u32               eflags; /* all but the arithmetic flags, which live in cc (those bits are 0 here) */
    u8                cpl;
    struct segment    seg[SEG_COUNT];

    /* ---- hot, derived */
    const struct tlb_entry *tlb_read, *tlb_write, *tlb_fetch; /* of the current view */
    u64                     stack_mask; /* of SP: 0xffff, 0xffffffff or ~0 */
    u64                     ip_mask;    /* of IP, by CS: the same */
    u16                     code_mode;  /* what decoded and translated code depends on: MODE_ */
    u8                      code_bytes; /* default operand size of code: 2, 4 or 8 (64-bit mode) */
    bool                    long_mode;  /* EFER.LMA: system structures have their 64-bit form */
    bool                    protected_mode, vm86; /* CR0.PE; PE and EFLAGS.VM */
    bool                    align_check;          /* CR0.AM, EFLAGS.AC and CPL 3 */
    enum tlb_view           view;
    u8                      stack_seg;  /* SEG_SS, or SEG_FLAT_STACK in 64-bit mode */
    bool                    intr;         /* level of INTR: the interrupt controller asks */
    bool                    code_limited; /* the end of CS is near enough to be run into: blocks check it */
    u64                     code_base;  /* CS base, 0 in 64-bit mode */
    u64                     code_low, code_span; /* IP is valid when IP - code_low <= code_span */
    u8                      linear_spare; /* upper bits of an address that are copies of the next one: 16, or 7 with CR4.LA57 */
    u32                     pending; /* PENDING_*: atomic, other threads set PENDING_EXIT */
    const struct insn      *current; /* the instruction being executed, for faults */
    const struct insn      *next;    /* where a build without tail calls goes on */
    struct block           *next_block; /* the same */

    /* ---- architectural */
    struct segment        ldtr, tr;
    struct table_register gdtr, idtr;
    u64                   cr0, cr2, cr3, cr4, cr8, efer, xcr0;
    u64                   dr[8];
    struct x87            x87;
    union vec             xmm[16];
    u32                   mxcsr, pkru;
    u64                   ssp; /* of the shadow stack */
    struct {
        u64 star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux, tsc_offset;
        u64 sysenter_cs, sysenter_esp, sysenter_eip;
        u64 pat, misc_enable, mtrr_def_type, mtrr_fixed[11], mtrr_base[8], mtrr_mask[8], microcode, debugctl, feature_control;
        u64 last_branch[4]; /* from, to; the same of what went before the last event */
        u64 p5_mc[2], monitor_filter;
        u64 mcg_status, mcg_ctl, mc_ctl[10], mc_status[10], mc_addr[10], mc_misc[10], smbase, spec_ctrl, tsc_deadline, apic_base, de_cfg, hwcr, xss, pkrs;
        u64 u_cet, s_cet, pl_ssp[4], ssp_table;
    } msr;
    u64               shadow_at;  /* icount at which the instruction after STI or MOV SS begins; ~0: none */
    u64               pending_db; /* DR6 bits of a trap to be taken after this instruction */
    u64               rng;        /* state of RDRAND's generator; the machine seeds it */
    bool              shadow_ss;  /* that was MOV SS or POP SS, which hold #DB back too (SDM Vol. 3A 6.8.3) */
    bool              nmi_blocked, in_smm;
    bool              ferr; /* FERR#: IRQ 13 is asserted */
    enum cpu_activity activity;

    /* ---- derived or host-side: not saved */
    struct tlb               tlb;
    struct paging            paging;
    const struct cpu_model  *model;
    struct cpu_features      features; /* what CPUID offers and the decoder accepts */
    struct space            *memory, *ports;
    struct space_listener    listener;
    struct cpu_bus           bus;
    struct irq              *ferr_irq; /* x87 errors: IRQ 13 */
    bool                     a20; /* the A20 gate: true = address bit 20 passes */
    struct decoder          *decoder;
    struct icache           *icache;
    struct executor         *executor; /* NULL: the interpreter */
    /* what translated code keeps here for itself */
    struct {
        void       *c_stack; /* where the stack pointer was before it went to struct cpu */
        const void *jumps; /* where computed jumps find code, in this mode */
        u64         unlinked; /* an IP for which there is no code */
        u64         scratch, spare, target, target_base, shared[16];
        u32         from;  /* the instruction that jumps */
        u32         mxcsr; /* the host's own */
        i32         patience; /* so often code finds a page in the TLB's second level before C enters it in the first */
        u8          live;  /* register files of the host that hold the guest's registers */
        u8          count; /* of a shift */
        u64         x87_base; /* R_IPBASE of: */
        u32         x87_note; /* the last x87 instruction: offset in the page, FOP from bit 16 on, bit 31 set; 0: cpu->x87 knows */
        u64         before, kept[3]; /* an operand whose flags may be made again; temporaries meanwhile */
        u64         insns, blocks; /* -accel tcg,profile=on: instructions and blocks that translated code has begun */
        /* Where jumps led, by IP: by view (user, supervisor), targets of returns apart. */
        struct host_target known[2][2][HOST_TARGETS];
    } host;
    struct {
        i32 left;          /* PAUSEs until somebody looks at the time; below 0: now */
        i64 began, until; /* since when it has been spinning, and until when it would be if somebody looked */
        i64 rest_ns;       /* the machine is asked to rest */
    } spin;
    struct insn             *single; /* the interpreter's room for one instruction outside the cache, and its end */
    struct insn             *isolated; /* the same for one of a block that translated code executes, by a function of ours */
    u64                      tsc_hz;
    /* an exception on its way from cpu_raise() to the run loop */
    struct {
        enum rule rule;
        u32       error_code;
        u64       cr2;
    } raised;
    /* while an exception or interrupt is being delivered: its vector, or -1; double faults derive from it */
    int        delivering;
    bool       delivering_ac; /* an alignment check was among what led to it */
    sigjmp_buf fault_exit; /* where cpu_raise() goes */
    struct pmu pmu;
    /* Counted time: icount is exact wherever a device is reached, and instructions are executed while it is below the limit. */
    bool counted, clock_counted; /* for performance counters, or because the clock follows it */
    bool alone;        /* the instruction at cpu->ip reaches a device: it is executed by itself */
    u64  icount_limit; /* ICOUNT_FOREVER: none; the lower one of the clock's and the performance counters' */
    u64  clock_limit;
    i64  budget;       /* while translated code runs: the limit minus what it has begun */
    u64  budget_end;   /* the limit as it was then */
    /* Somebody looks at rings: CPL may have changed. NULL: nobody. */
    void (*privilege)(void *opaque);
    void *privilege_opaque;
    struct crossing_notes *crossing; /* who looks at crossings (cpu/crossing.h); NULL: nobody */
    const struct cpu_stops *stops; /* stop.h; NULL: nobody */
    /* Those who look at exceptions; NULL: nobody. */
    struct cpu_watch *watch;
    struct explain   *explain; /* cpu/explain.h: this is a copy that executes to be explained; NULL: it is not */
};

extern const struct field cpu_fields[];

#endif
