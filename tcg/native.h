/*
 * native.h: the translator for hosts of the guest's own family: hot decoded blocks become host code, which is linked and cached.
 *
 * The interpreter executes a block until it is hot, and whatever translated code leaves to it: both work on the same decoded
 * blocks and the same struct cpu, instruction by instruction.
 */
#ifndef TCG_NATIVE_H
#define TCG_NATIVE_H

#include <stdio.h>

#include "cpu/base/error.h"
#include "cpu/exec.h"
#include "cpu/interp/icache.h"
#include "cpu/mem.h"
#include "tcg/codebuf.h"
#include "tcg/native_profile.h"
#include "tcg/watch.h"

#define NATIVE_JUMPS 65536
#define NATIVE_MODES 32
#define NATIVE_PARTS 8 /* of the room for code: when all is used, the oldest goes */
#define NATIVE_NEAR  16 /* beside that room a sixteenth of it, for what code remembers */

/* Register files of the host that hold the guest's registers (cpu->host.live). */
enum { NATIVE_LIVE_XMM = 1, NATIVE_LIVE_X87 = 2 /* and MMX */, NATIVE_LIVE_YMM = 4 /* upper halves; never without XMM */ };

/* How translated code returns: what it returns, in its lower bits. */
enum {
    NATIVE_EXIT_IP   = 0, /* cpu->ip says where to go on */
    NATIVE_EXIT_LINK = 1, /* a jump inside the page that is not linked: the rest is its number */
    NATIVE_EXIT_INSN = 2, /* the rest names the instruction at which the interpreter goes on: native_insn() */
    NATIVE_EXIT_MASK = 3,
    NATIVE_EXIT_GONE = 4, /* NATIVE_EXIT_IP, from the entry of a block, whose code may be void; nothing else is in the upper bits */
};

/* Where computed jumps find code: by the host address of the guest's; in a place or, as the one that was there before, beside it. */
struct native_jump {
    const u8 *host;
    const u8 *code;
};

struct native_stats {
    u64 blocks, insns, bytes, stale; /* translated */
    u64 evictions;                   /* of parts */
    u64 translate_ns;
    u64 enters, links, left, calls, misses; /* C's part in running it */
};

struct native;

struct native_config {
    size_t   cache_bytes; /* of translated code */
    unsigned threshold;   /* executions after which a block is translated; 0: the default */
    bool     at_once;     /* at the first execution: for tests */
    bool     profile;     /* guest instructions are counted */
    const struct code_watch *watch; /* told of all code; NULL: nobody */
};

/* The room for translated code when nothing is said. */
#define NATIVE_CACHE_BYTES ((size_t)40 << 20)
#define NATIVE_THRESHOLD   20

/* Becomes the executor of `cpu`, which has not executed anything yet. NULL: error says why. Destroy it before the processor. */
struct executor    *native_create(struct cpu *cpu, const struct native_config *config, struct error *error);
void                native_destroy(struct executor *executor);
struct native_stats native_stats(const struct executor *executor);
/* native_print.c: the monitor's `info jit`. */
void native_print(const struct executor *executor, FILE *out);

/* ---- for the backend */
struct rule_of_row;
struct out;

struct link {
    u32  from;        /* displacement of the jump, in the room for code */
    u32  otherwise;   /* the code that leaves by this link */
    u32  translation; /* that jumps */
    u32  next;        /* link to the same target; 0: none */
    u32  early;       /* link to the same target that has not saved the flags; 0: none */
    u16  offset;      /* of the target in the page */
    bool apart;       /* to the rest of the block, translated without shared checks */
};

struct translation {
    struct block *block;
    u8           *entry; /* at its writable address */
    const u8     *left;  /* code that leaves before the first instruction */
    const u8     *lengths; /* of the instructions */
    u32           incoming;
    u32           bytes;
    u8            unready;    /* how often a range that may be written later was not ready for that */
    u8            spread;     /* how often a table was not all in reach */
    bool          flags_dead; /* where it begins, nobody asks for the flags from before */
};

/* What was translated in one stretch of time. */
struct native_part {
    u8 *begin, *hot, *hot_end, *cold, *data, *end; /* what usually runs goes from `begin` to `hot`, other code from `hot_end` to `cold`, */
                                                   /* data from `data` to `end` */
    u8 *near, *near_begin, *near_end;        /* what code remembers: struct native_near, struct native_far */
    u32 links, translations;                /* of links_max, translations_max each part has */
};

/* A call of an instruction's C function. */
struct native_call_site {
    u32         at;  /* native_insn() */
    u32         run; /* native_profile_run() */
    struct insn insn;
};

/* What code knows of a page at a fixed distance from its own: where the host has it, as long as R_IPBASE and cpu->tlb.near.stamp are these. */
struct native_near {
    u64 base, stamp, host;
    u64 page;          /* the distance */
    u64 offset, range; /* of the first access: its place in the page; as native_miss_range() is asked */
};

/* Where a jump to a fixed distance in another page leads, as long as R_IPBASE and cpu->tlb.code.stamp are these. */
struct native_far {
    u64       base, stamp;
    u64       to; /* R_IPBASE there */
    const u8 *code;
};

/* Room for what code of the translation that is being made remembers; NULL: there is none. */
u8 *native_remember(struct native *n, const void *data, size_t bytes);

/* R_IPBASE of no page. */
#define NATIVE_NOWHERE 1

struct native {
    struct executor     executor;
    struct cpu         *cpu;
    struct codebuf      code;
    u8                 *stubs_end; /* all addresses are writable ones */
    struct native_part  part[NATIVE_PARTS];
    unsigned            now; /* the part that is being filled */
    u64                 hot_bytes, cold_bytes;
    struct rule_of_row *rules;
    struct {
        const u8 *enter, *exit, *call, *load_xmm, *load_ymm, *load_x87, *save_flags;
        const u8 *miss[TLB_VIEWS][TLB_KINDS], *miss_range, *miss_table[TLB_VIEWS][2], *near[TLB_VIEWS]; /* tables: by 32- or 64-bit code */
        const u8 *leave[2], *gone[2]; /* to the IP at the distance T0 from the beginning of the page; IP has 4 bytes, or 8; NATIVE_EXIT_GONE */
        /* By view (user, supervisor), for returns and others: the target at the IP in T0 becomes known. If there is no code for it, the
         * return address is skipped by a jump; if it is not canonical, the interpreter executes instruction cpu->host.from. */
        const u8 *find[2][2], *far[2];
        const u8 *unlinked; /* leaves to that IP */
    } stub;
    struct link        *link; /* the first one of each part stays unused */
    struct translation *translation;
    u32                 links_max, translations_max;
    u32                 current;            /* the translation that is being made */
    u16                 mode[NATIVE_MODES]; /* those that have a table */
    unsigned            modes;
    u16                 mode_now;           /* of cpu->host.jumps */
    u64                 wanted;             /* the IP that was left for */
    struct jump_table  *tables; /* in the order of mode[] */
    struct native_stats stats;
    unsigned            threshold;
    bool                has_rorx; /* the host has BMI2 */
    unsigned            gone; /* how often code has left with NATIVE_EXIT_GONE */
    unsigned            heat_again; /* the threshold for a block whose code was evicted */
    struct {
        u64 at, translate_ns, evictions;
    } adapted; /* when the thresholds were last looked at, and what stats said then */
    struct native_profile   *profile; /* NULL: guest instructions are not counted */
    const struct code_watch *watch;
};

/* A new link of the translation that is being made: the value with which its jump leaves. */
u32 native_link(struct native *n, const u8 *displacement, unsigned offset, bool apart);
/* The same jump, where it has not saved the flags yet: goes there too if they do not matter at the target. */
void native_link_early(struct native *n, u32 link, const u8 *displacement);
/* The link's jump goes to the second copy of the loop that is being translated, for as long as the translation is valid. */
void native_link_loop(struct native *n, u32 link);
/* Where that copy is. */
void native_loop_begins(struct native *n, const u8 *at);
/* An instruction of the block that is being translated: its number in the block and that of the translation. */
static inline u32 native_insn(const struct native *n, const struct insn *insn)
{
    return n->current << 7 | (u32)(insn - n->translation[n->current].block->insn);
}
/* A memory access, for native_miss(). It stands behind the call, and for those who read the code looks like MOV RAX and MOV AL. */
struct __attribute__((packed)) native_access {
    u8  mov_rax[2];
    u32 back; /* where the access is, in the room for code */
    u32 at;   /* native_insn() */
    u8  mov_al;
    u8  how; /* bytes << 1 | write, and NATIVE_TABLE */
};
#define NATIVE_TABLE 128u /* of native_access.how: what was looked up is the page where a table begins */

struct native_pointer {
    u64 host; /* 0: none */
    u64 exit; /* then: how to leave */
};
/* Called by translated code. */
struct native_pointer native_miss(struct cpu *cpu, u64 la, const struct native_access *access);
/* What native_miss_range() is asked: so many bytes for all accesses of a block, from that of the instruction native_insn() on. */
#define NATIVE_RANGE_SHIFT 2
#define NATIVE_RANGE_MAX   0x3fff
static inline u64 native_range(u32 insn, unsigned bytes, enum direct how)
{
    return (u64)insn << 16 | bytes << NATIVE_RANGE_SHIFT | how;
}
/* 0: not in one page of plain RAM, or not ready. */
u64 native_miss_range(struct cpu *cpu, u64 la, u64 range);
u64 native_call(struct cpu *cpu, const struct native_call_site *site);

/* ---- the backend: tcg/backend/x86_64 */
struct rule_of_row *rules_create(void);
bool                rules_host_fits(void);
bool                rules_host_has_bmi2(void);
void                x86_64_stubs(struct native *n, struct out *o);
/* False: no room. */
bool x86_64_emit(struct native *n, struct block *b, struct out *hot, struct out *cold, struct translation *t);
#define NATIVE_X87_NOTE (1u << 31) /* of cpu->host.x87_note: it is one */

/* x87 and MMX registers between struct cpu and the host's; XMM registers stay as they are. */
void x87_to_host(struct cpu *cpu);
void x87_from_host(struct cpu *cpu);
/* Executes a transcendental function of registers that are in the host, and leaves them there. False: it has not been
 * executed. */
bool x87_function(struct cpu *cpu, const struct insn *i);

#endif
