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
#include "tcg/codebuf.h"
#include "tcg/native_profile.h"
#include "tcg/watch.h"

#define NATIVE_JUMPS 16384
#define NATIVE_MODES 32

/* Register files of the host that hold the guest's registers (cpu->host.live). */
enum { NATIVE_LIVE_XMM = 1, NATIVE_LIVE_X87 = 2 /* and MMX */ };

/* How translated code returns: what it returns, in its lower bits. */
enum {
    NATIVE_EXIT_IP   = 0, /* cpu->ip says where to go on */
    NATIVE_EXIT_LINK = 1, /* a jump inside the page that is not linked: the rest is its number */
    NATIVE_EXIT_INSN = 2, /* the rest points to the instruction at which the interpreter goes on */
    NATIVE_EXIT_MASK = 3,
};

/* Where computed jumps find code: by the host address of the guest's. */
struct native_jump {
    const u8 *host;
    const u8 *code;
};

struct native_stats {
    u64 blocks, insns, bytes, flushes, stale; /* translated */
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
#define NATIVE_CACHE_BYTES ((size_t)32 << 20)
#define NATIVE_THRESHOLD   64

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
    u8                 *from;   /* displacement of the jump */
    const u8           *otherwise; /* the code that leaves by this link */
    const struct block *block;  /* of the jump */
    u32                 offset; /* of the target in the page */
    bool                split;  /* to the rest of the block, translated without shared checks */
    u32                 next;   /* link to the same target; 0: none */
};

struct translation {
    struct block *block;
    u8           *entry; /* at its writable address */
    const u8     *left;  /* code that leaves before the first instruction */
    u32           incoming;
    u32           bytes;
};

struct native {
    struct executor     executor;
    struct cpu         *cpu;
    struct codebuf      code;
    u8                 *hot, *cold, *hot_end, *cold_end, *stubs_end; /* writable addresses */
    struct rule_of_row *rules;
    struct {
        const u8 *enter, *exit, *miss, *miss_range, *call, *load_xmm, *load_x87;
        /* By view (supervisor, user), to the IP in T0; if there is no code for it: */
        const u8 *jump[2];   /* the interpreter executes instruction cpu->host.from */
        const u8 *ret[2][2]; /* the same; when it is found, 8 or 4 bytes are popped */
        const u8 *go[2];     /* C looks for it */
    } stub;
    struct link        *link; /* the first one stays unused */
    u32                 links, links_max;
    struct translation *translation;
    u32                 translations, translations_max;
    u16                 mode[NATIVE_MODES]; /* those that have a table */
    unsigned            modes;
    struct jump_table  *tables; /* in the order of mode[] */
    struct native_stats stats;
    unsigned            threshold;
    struct native_profile   *profile; /* NULL: guest instructions are not counted */
    const struct code_watch *watch;
};

/* A new link: the value with which its jump leaves. */
u64 native_link(struct native *n, const struct block *block, u8 *displacement, unsigned offset, bool split);
/* A memory access, in 32 bits for native_miss(). */
/* An instruction, as cpu->host.from holds it. */
static inline u32 native_insn(const struct native *n, const struct insn *insn)
{
    return (u32)(((const u8 *)insn - n->cpu->icache->arena) / 8);
}
u32 native_site(const struct native *n, const struct insn *insn, unsigned bytes, bool write);

struct native_pointer {
    u64 host; /* 0: none */
    u64 exit; /* then: how to leave */
};
/* Called by translated code. */
struct native_pointer native_miss(struct cpu *cpu, u64 la, u64 site);
/* range: bytes << 1 | write. 0: not in one page of plain RAM. */
u64 native_miss_range(struct cpu *cpu, u64 la, u64 range);
u64                   native_call(struct cpu *cpu, const struct insn *insn);

/* ---- the backend: tcg/backend/x86_64 */
struct rule_of_row *rules_create(void);
bool                rules_host_fits(void);
void                x86_64_stubs(struct native *n, struct out *o);
/* False: no room. */
bool x86_64_emit(struct native *n, struct block *b, struct out *hot, struct out *cold, const u8 **left);
/* x87 and MMX registers between struct cpu and the host's; XMM registers stay as they are. */
void x87_to_host(struct cpu *cpu);
void x87_from_host(struct cpu *cpu);
/* Executes a transcendental function of registers that are in the host, and leaves them there. False: it has not been
 * executed. */
bool x87_function(struct cpu *cpu, const struct insn *i);

#endif
