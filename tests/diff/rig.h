/*
 * rig.h: a processor in a little memory, put into any state, executing single blocks or whole programs by an executor of one's
 * choice.
 */
#ifndef TESTS_DIFF_RIG_H
#define TESTS_DIFF_RIG_H

#include "cpu/cpu.h"
#include "tcg/tcg.h"

/*
 * Linear addresses are physical ones, except that programs have two pages that are elsewhere: the twin page of code, which a device
 * exchanges with another one, and one page of data with address bit 20 set, so that the A20 gate exchanges it. With paging, what
 * lies outside these ranges is not mapped.
 */
enum {
    RIG_TABLES = 0x1000, /* four pages: one table of each level */
    RIG_GDT    = 0x5000, /* for the supervisor */
    RIG_CODE   = 0x6000,
    RIG_TWIN   = 0x9000, /* the last page of code */
    RIG_DATA   = 0xa000,
    RIG_HIGH_DATA = 0xb000,
    RIG_STACK  = 0x10000,
    RIG_END    = 0x12000,
    RIG_DEVICE = 0x13000, /* a page of registers: what is written to one is an action, as at ports */
    RIG_HIGH   = 0x100000, /* RAM up to here + RIG_END */
    RIG_PORTS  = 0xe0,
    RIG_CODE_PAGES = (RIG_DATA - RIG_CODE) / 0x1000,
    RIG_DATA_PAGES = (RIG_STACK - RIG_DATA) / 0x1000,
    RIG_SPOTS_MAX  = 8,
    RIG_SPOT_BYTES = 16,
    RIG_EVENTS_MAX = 160,
};

enum rig_mode { RIG_64, RIG_32, RIG_32_SEGMENTS, RIG_16, RIG_REAL, RIG_MODES };

/* What the device does; the number is that of a port, or of a register (8 bytes each). */
enum rig_action { ACTION_SHOW, ACTION_KICK, ACTION_A20, ACTION_TWIN, ACTION_DMA, ACTION_FLUSH, RIG_ACTIONS };

/* Selectors, without RPL. */
enum {
    RIG_SEL_CODE = 0x10, RIG_SEL_CODE_OTHER = 0x18, /* of another size */
    RIG_SEL_DATA = 0x20, RIG_SEL_FLAT = 0x28, RIG_SEL_SHORT = 0x30, RIG_SEL_DOWN = 0x38, RIG_SEL_READ_ONLY = 0x40,
    RIG_SEL_END = 0x48,
};

/* Where everything begins. */
struct rig_start {
    enum rig_mode mode;
    u8            cpl;
    u64           regs[16];
    u64           ip;
    u32           flags;
    u16           x87_control, x87_status;
    u32           mxcsr;
    bool          smap, task_switched, no_avx;
    bool          short_stack;     /* 32-bit code has a stack of 16 bits */
    u32           code_limit;      /* not flat: of CS */
    u8            vectors[256];    /* what XMM and x87 registers are filled from */
    u8            memory[RIG_END]; /* from RIG_CODE on */
    unsigned      fault_page;      /* a page number without rights; 0: none */
    bool          read_only;       /* it may be read */
    /* programs only */
    bool     program;
    bool     counted; /* time */
    u64      end; /* linear address at which it ends */
    u8       high[RIG_END - RIG_TWIN];
    unsigned spots;
    u32      spot[RIG_SPOTS_MAX], other[RIG_SPOTS_MAX]; /* code that DMA exchanges with other code */
};

/* What can be seen of the processor at an exception, or by the device. */
enum { REST_XMM, REST_MXCSR, REST_X87, REST_X87_CONTROL, REST_X87_RECORD, REST_SEGMENTS, REST_SYSTEM, RESTS };

struct rig_event {
    u64       regs[16], ip;
    u64       count; /* instructions until then, in counted time */
    u32       flags;
    enum rule rule;
    u32       error;
    u64       cr2, rest[RESTS]; /* hashes of the other registers */
};

struct rig {
    struct space    *memory, *ports;
    struct region    ram, high, device, port;
    struct mapping   mapping, high_mapping, device_mapping, port_mapping;
    struct cpu      *cpu;
    struct tcg      *tcg; /* NULL: the interpreter, and perhaps: */
    struct executor *native;
    struct cpu      *fresh; /* copy of the processor after reset */
    const struct rig_start *start;
    /* the outcome of a block */
    enum rule rule;
    u32       error;
    u64       cr2;
    unsigned  blocks;
    /* of a program */
    struct rig_event event[RIG_EVENTS_MAX];
    unsigned         events, kicks;
    bool             stopped;
    bool             kicked;  /* by the device */
    bool             beyond;  /* it has executed more instructions than it was allowed to */
    bool             unclear; /* a string instruction that had overwritten itself was interrupted: who knows what runs next */
    u64              noise;
};

struct rig *rig_create(struct tcg *tcg);
/* On translated code for this host, from the first execution on. NULL: there is none for it. */
struct rig *rig_create_native(void);
void        rig_destroy(struct rig *rig);

unsigned rig_code_bytes(enum rig_mode mode);
u64      rig_code_base(enum rig_mode mode);
u64      rig_data_base(enum rig_mode mode);

/* Puts everything as `start` says. */
void rig_load(struct rig *rig, const struct rig_start *start);
/* Executes up to `blocks` blocks from `start`, stopping at an exception, which is not delivered. */
void rig_run(struct rig *rig, const struct rig_start *start, unsigned blocks);
/* Whether `r`, step by step from `start`, comes by where `other` has come to. Interpreted. */
bool rig_meets(struct rig *r, const struct rig_start *start, struct rig *other);
/* Whether two rigs came to the same end; if not, what differs. */
bool rig_same(struct rig *a, struct rig *b, char *what, size_t size);
/* One form of lazy flags, and nothing pending, to compare. */
void rig_finish(struct rig *rig);

/* ---- programs: run.c */
/* Connects the device. */
void rig_device_create(struct rig *rig);
void rig_device_destroy(struct rig *rig);
/*
 * Executes a program. An instruction that raises is noted and skipped. `disturb`: at times that nobody can foretell, execution is
 * interrupted for something that programs must not notice. False: it took too long.
 */
bool rig_run_program(struct rig *rig, const struct rig_start *start, bool disturb);
bool rig_same_program(struct rig *a, struct rig *b, char *what, size_t size);

#endif
