/*
 * rig.h: a processor in a little memory, put into any state, executing single blocks by an executor
 * of one's choice.
 */
#ifndef TESTS_DIFF_RIG_H
#define TESTS_DIFF_RIG_H

#include "cpu/cpu.h"
#include "tcg/tcg.h"

/* Linear addresses are physical ones. With paging, what lies outside these ranges is not mapped. */
enum {
    RIG_TABLES = 0x1000, /* four pages: one table of each level */
    RIG_CODE = 0x6000,
    RIG_DATA = 0x8000,
    RIG_STACK = 0x10000,
    RIG_END = 0x12000,
    RIG_CODE_PAGES = (RIG_DATA - RIG_CODE) / 0x1000,
    RIG_DATA_PAGES = (RIG_STACK - RIG_DATA) / 0x1000,
};

enum rig_mode { RIG_64, RIG_32, RIG_32_SEGMENTS, RIG_16, RIG_REAL, RIG_MODES };

/* Where everything begins. */
struct rig_start {
    enum rig_mode mode;
    u8 cpl;
    u64 regs[16];
    u64 ip;
    u32 flags;
    u8 vectors[256];     /* what XMM and x87 registers are filled from */
    u8 memory[RIG_END];  /* from RIG_CODE on */
    unsigned fault_page; /* a page number without rights; 0: none */
    bool read_only;      /* it may be read */
};

struct rig {
    struct space *memory, *ports;
    struct region ram;
    struct mapping mapping;
    struct cpu *cpu;
    struct tcg *tcg;   /* NULL: the interpreter, and perhaps: */
    struct executor *native;
    struct cpu *fresh; /* copy of the processor after reset */
    /* the outcome */
    enum rule rule;
    u32 error;
    u64 cr2;
    unsigned blocks;
};

struct rig *rig_create(struct tcg *tcg);
/* On translated code for this host, from the first execution on. NULL: there is none for it. */
struct rig *rig_create_native(void);
void rig_destroy(struct rig *rig);

unsigned rig_code_bytes(enum rig_mode mode);
u64 rig_code_base(enum rig_mode mode);
u64 rig_data_base(enum rig_mode mode);

/* Executes up to `blocks` blocks from `start`, stopping at an exception, which is not delivered. */
void rig_run(struct rig *rig, const struct rig_start *start, unsigned blocks);
/* Whether two rigs came to the same end; if not, what differs. */
bool rig_same(struct rig *a, struct rig *b, char *what, size_t size);

#endif
