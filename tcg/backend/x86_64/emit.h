/*
 * emit.h: one block of guest code on its way to x86-64 code. What the files of this folder share.
 *
 * Registers, in every block of every mode:
 *
 *   guest  AX  CX  DX  BX  BP  SI  DI  SP   8  12  13  14    9  10  11  15
 *   host  rax rcx rdx rbx rbp rsi rdi r15  r8 r12 r13 r14    in struct cpu
 *
 *   r9 r10 r11  temporaries: the offset in a page, the host's page, anything
 *   RSP         struct cpu: what blocks call returns through the room below it, and goes to the C stack to call C
 *
 * Between blocks the arithmetic flags lie in cpu->cc as CC_LAHF. Inside a block they may be in the host's flags instead, or as
 * well. XMM, x87 and MMX registers are the host's once a block has asked for them (cpu->host.live).
 *
 * Nothing that an instruction does is seen before its last check has passed; a check that fails leaves the block before that
 * instruction, and the interpreter executes it, faults included.
 */
#ifndef TCG_BACKEND_X86_64_EMIT_H
#define TCG_BACKEND_X86_64_EMIT_H

#include "cpu/interp/icache.h"
#include "cpu/isa/form.h"
#include "tcg/backend/x86_64/host.h"
#include "tcg/native.h"

#define CPU(member) rm_cpu(offsetof(struct cpu, member))

enum { T0 = R9, T1 = R10, T2 = R11 };

/* How a meaning is lowered: rules.def. */
enum how {
    CALL, COPY, USE, SWAP, COPY_REG, USE_REG, LOWER_NOP, LOWER_LEA, LOWER_SCAN, LOWER_PUSH, LOWER_POP, LOWER_LEAVE, LOWER_JMP_REL,
    LOWER_JCC, LOWER_CALL_REL, LOWER_JMP_ABS, LOWER_CALL_ABS, LOWER_RET, LOWER_LOOP, LOWER_FLDCW, LOWER_WAIT, LOWER_DF,
    LOWER_OUT, LOWER_DIV, LOWER_CLI, LOWER_STI, LOWER_SWAPGS, LOWER_PAUSE, LOWER_CALL_ON,
    LOWER_PUSHF, LOWER_POPF, LOWER_PUSH_SEG, LOWER_STORE_SEG, LOWER_STRING,
};

/* Flags that hosts set as they like. */
enum undefined { DEFINED, PRODUCT, BITS /* of BMI */, SHL, SHR, SAR, ROL, ROR, DOUBLE /* SHLD, SHRD */ };

enum {
    RULE_CONDITION = 1 << 0, /* reads the flags of its condition code */
    RULE_MERGE     = 1 << 1, /* flags that it does not write stay */
    RULE_SHIFT     = 1 << 2,
    RULE_CLEARS_C1 = 1 << 3, /* of the x87, but not on this host */
};

struct rule_of_row {
    u16 reads, writes; /* FLAG_ bits */
    u8  how, undefined, notes;
    u8  live; /* NATIVE_LIVE_: the register files that it uses when it is copied */
};

/* VEX-encoded, on vectors: 128 bits of AES and PCLMULQDQ too. */
static inline bool row_is_avx(const struct row *row)
{
    return row->attr & VEX && row->feature != FEATURE_BMI1 && row->feature != FEATURE_BMI2;
}

/* By row: how this host executes it. The caller frees the table. */
struct rule_of_row *rules_create(void);
/* Whether translated code can run on this host at all. */
bool rules_host_fits(void);
bool rules_host_has_bmi2(void);

/* How an instruction's memory accesses are checked: see shared.c. */
enum access_kind_of { ACCESS_OPERAND, ACCESS_STACK, ACCESS_KINDS };
enum { SHARED_MAX = ARRAY_LEN(((struct cpu *)0)->host.shared) };
struct shared {
    bool use;       /* the host's address of the first byte that is checked is in cpu->host.shared[slot] */
    bool opens;     /* this is the first one: checks bytes low to high for all */
    bool write;
    bool write_later; /* it begins with a read, and is checked as a write for what follows */
    bool indexed;   /* the base register and an index make the address at the first access */
    bool table;     /* of a table: this register of the guest's, a byte, is its index */
    u8   index;
    bool carried;   /* and for the next rounds of the loop that the block is */
    u8   slot;
    i32  disp;      /* from the address of the first access, but for its constant */
    i32  low, high; /* from there too */
};

/* How the flags of an instruction can be made again by what leaves the block later, instead of being saved: replay.c. */
enum replay {
    REPLAY_NONE,
    REPLAY_AGAIN, /* CMP, TEST, BT of registers: the same again */
    REPLAY_TEST,  /* logic: TEST of the result */
    REPLAY_UNDO,  /* ADD, SUB: undone and done again */
    REPLAY_SHIFT, /* by a constant: of the operand as it was, kept in cpu->host.before */
    REPLAY_VALUE, /* CMP, TEST of memory: with its value, kept in cpu->host.before */
};

/* Where a general register is for an instruction. */
struct place {
    u8   reg;       /* as ModRM names it */
    bool temporary; /* a copy of a register that lives in struct cpu, or of AH to BH */
    bool high;      /* AH to BH as such: no REX prefix may stand before it */
};

/* A general register operand. */
struct gpr {
    bool         used, read, written;
    u8           at, bytes; /* where in cpu->regs, how wide */
    struct place place;
};

/* What stands in the ModRM byte and beside it. */
struct operands {
    struct gpr rm, reg, vvvv;
    bool       has_modrm, memory, in_opcode; /* in_opcode: rm is in the opcode's low bits */
    u8         memory_bytes;
    bool       memory_written;
    u8         live; /* NATIVE_LIVE_: which register files it touches besides */
};

struct operands_found {
    u64             known; /* bit per instruction */
    struct operands of[BLOCK_INSNS_MAX];
    struct operands other; /* of one that stands for an instruction of the block */
};

/* Where a conditional jump goes on when it is taken. */
struct leg {
    const struct insn *insn, *writer; /* of the flags */
    u8                *from;          /* the jump's displacement */
    bool               saved_flags;
    enum replay        replay;
};

struct emit {
    struct native            *native;
    const struct block       *block;
    const struct insn        *insn;
    const struct rule_of_row *rules, *rule;
    struct out                hot, cold;
    u16                       mode; /* block->mode */
    u8                        code_bytes, stack_bytes;
    bool                      host_flags, saved_flags; /* where the guest's flags are now */
    bool                      needed_now;              /* the flags after this instruction matter to somebody */
    enum replay               replay;                  /* of the flags that are in the host's, or were */
    const struct insn        *writer;                  /* who has set them */
    const u8                 *recipe;                  /* cold code that makes them again and saves them; NULL: not written yet */
    u8                        held[3];                 /* HELD_, by temporary */
    bool                      ended;                   /* nothing after this instruction is reached */
    bool                      dead_end;                /* where the block goes on after its last instruction, flags do not matter */
    u8                        live;                    /* register files that the block uses: NATIVE_LIVE_ */
    u8                        given_back;              /* counted time: what the taken jump that is being written has given back already */
    struct {
        u32 note; /* of the last x87 instruction, as cpu->host.x87_note has it; 0: struct cpu knows of it */
        u8  data; /* the segment register of the last one's operand in memory, + 1; 0: the same */
    } x87;
    struct {
        i64       page; /* distance from R_IPBASE */
        const u8 *data; /* struct native_near, which is valid from here on */
    } near[4];
    unsigned                  nears;
    struct { /* the block jumps to its own beginning */
        u8                 jumps, end;   /* how often; what is behind the last one of them */
        bool               twice, again; /* there is a second copy, which they go to; it is being written */
        u8                 from;         /* but those before this instruction do not: what the second copy takes for checked is not yet */
        enum replay        replay;       /* the second copy begins with flags that are not saved, and can be made again; NONE: they are saved */
        const struct insn *writer;       /* of those flags */
    } loop;
    unsigned                  legs;
    struct operands_found    *found;
    const u8                 *left;                    /* cold code that sets cpu->ip to the block's beginning and leaves */
    /* as far as the block reaches */
    bool                      needed[BLOCK_INSNS_MAX];
    struct shared             shared[BLOCK_INSNS_MAX][ACCESS_KINDS];
    i32                       shared_low[SHARED_MAX]; /* by slot: what is checked begins there */
    struct leg                leg[BLOCK_INSNS_MAX];    /* taken jumps, emitted behind the rest */
};

/* ---- registers: registers.c */
/* The host register of a guest register, or NO_REG: it lives in struct cpu. */
unsigned host_of(unsigned guest);
/* Whether naming the register at byte offset `at` of cpu->regs takes a REX prefix. */
bool operand_wants_rex(unsigned at);
/* The register at that offset: as it is, or brought to a temporary that is not in *busy (bit per host register), and then is. `rex`: the
 * instruction will have a REX prefix; `read`: it uses the value. */
struct place operand_in(struct emit *e, unsigned at, u16 *busy, bool rex, bool read);
/* After the instruction, which may have written there, all of the register or, if it was brought, a part of it. */
void operand_out(struct emit *e, unsigned at, bool written, struct place p);

/* Temporaries go on holding what they were loaded with until they are written: a guest register that lives in struct cpu, which
 * holds the same; or an address that accesses share. */
enum { HELD_NOTHING, HELD_GUEST, HELD_SLOT = 32 };
void held_forget(struct emit *e);
/* The temporary that holds it, or NO_REG. */
unsigned held_find(struct emit *e, unsigned what);
void     held_set(struct emit *e, unsigned temp, unsigned what);
void     held_drop(struct emit *e, unsigned what);
/* A temporary that is not busy, best one that holds nothing. One of them must not be. */
unsigned temp_free(struct emit *e, u16 busy);
/* One that address checks leave alone, if it is free; or that one. */
unsigned temp_lasting(struct emit *e, unsigned otherwise);
/* The registers of a memory operand. */
u16 busy_in(const struct rm *rm);

/* ---- flags: flags.c */
struct flags_effect {
    u16  writes;
    bool merges, by_cl;
    u8   undefined;
};
struct flags_effect flags_effect_of_shift(const struct rule_of_row *rule, const struct insn *i);
static inline struct flags_effect flags_effect(const struct rule_of_row *rule, const struct insn *i)
{
    if (rule->undefined >= SHL) {
        return flags_effect_of_shift(rule, i);
    }
    return (struct flags_effect){.writes = rule->writes, .merges = rule->notes & RULE_MERGE, .undefined = rule->undefined};
}
u16                 flags_read_by(const struct rule_of_row *rule, const struct insn *i);
u16                 flags_condition_mask(unsigned cc);
/* Fills e->needed. */
void flags_find(struct emit *e);
/* Whether nobody sees the flags from before the block, if it can be left before they are overwritten or not. */
bool flags_dead_at(const struct emit *e, const struct block *b);
/* How the flags that e->insn finds could be made again before it, with no value kept for that. */
enum replay flags_replay_now(const struct emit *e);
/* Flags are not saved: cold code that makes them again and saves them, or NULL: they are in the host's. */
const u8 *flags_recipe(struct emit *e);
/* The guest's flags are in cpu->cc too. */
void flags_save(struct emit *e);
/* Saves what is in the host's flags, which are as defined; RAX is kept in `temp`. */
void flags_put_save(struct out *o, unsigned temp);
/* The host's flags are about to be destroyed. */
void flags_clobber(struct emit *e);
/* `to`, a temporary = EFLAGS. Flags are saved and clobbered. */
void flags_put_image(struct emit *e, unsigned to);
/* The guest's arithmetic flags become those of an image of EFLAGS; both registers, temporaries, are used. The host's are destroyed already. */
void flags_take_image(struct emit *e, unsigned image, unsigned temp);
/* The host's flags become the guest's, as far as `mask`; temporaries that are busy stay. */
void flags_need(struct emit *e, unsigned mask, u16 busy);
/* Makes a condition of the guest's one of the host's. */
enum host_cc flags_test(struct emit *e, unsigned cc);
/* Whether the flags of e->insn, which somebody sees, can be made again wherever that is. */
enum replay flags_plan(struct emit *e);
/* The same for flags from before the block, whose remaking takes these registers. */
bool flags_last(const struct emit *e, enum replay replay, u16 uses);
/* Saves the flags that e->insn, a shift by a constant, has just set. */
void flags_save_shift(struct emit *e, struct flags_effect f, unsigned result);
/* Cold code begins that may leave the block. */
void flags_recover(struct emit *e);
/* This instruction has set the host's flags. `result`: the register of the result where f.undefined needs it; count_at: of a shift
 * by CL, where CL was. */
void flags_written(struct emit *e, struct flags_effect f, unsigned result, const struct rm *count_at, enum replay replay);

/* ---- memory: memory.c */
bool insn_has_memory(const struct insn *i);
bool memory_is_flat(const struct emit *e, unsigned seg);
/* base + index + displacement of the operand, in guest registers; T0 to T2 may be used. */
struct rm memory_offset(struct emit *e, const struct insn *i);
/* The linear address of the memory operand in a register: T0, or its base register itself. */
unsigned memory_address(struct emit *e, const struct insn *i, unsigned size, bool write);
/* To the offset in T0: adds the segment's base, and checks its limit. */
void memory_segment(struct emit *e, unsigned seg, unsigned size, bool write);
/* Checks an access at the linear address in `la`, and returns the host's operand: [T0 + T1]. */
struct rm memory_check(struct emit *e, unsigned la, unsigned size, bool write);
void memory_aligned(struct emit *e, unsigned la, unsigned size);
/* Looks up the linear address in T0, of so many bytes that their page less them is in `bound`: T0 = the offset in the page, T1 = the host's
 * page. Returns the displacement of the jump that is taken if they are not there. */
u8 *memory_lookup(struct emit *e, bool write, unsigned bound);

/* Offset in struct cpu of the TLB for a kind of access. */
size_t memory_tlb(unsigned view, bool write);

/* The host's operand for the memory operand of e->insn, checked: by T0 and T1, or a temporary that holds a shared address. */
struct rm memory_operand(struct emit *e, unsigned size, bool write, bool aligned);
/* The same for the unit of a string of bits that holds the one whose number is in the guest register `index`. */
struct rm memory_bits(struct emit *e, unsigned index, unsigned size, bool write);
/* The same for the stack, `disp` bytes from the register of guest number `base`: SP or BP. */
struct rm memory_stack(struct emit *e, unsigned base, i32 disp, unsigned size, bool write);

/* Room beside the code for what it remembers (the room is full, and so is e->hot, if there is none); and that as an operand. */
u8       *put_remembered(struct emit *e, const void *data, size_t bytes);
struct rm rm_remembered(const struct emit *e, const u8 *data);

/* ---- one check for many: shared.c */
void shared_find(struct emit *e);
/* The second copy of a loop begins. */
void shared_carry(struct emit *e);

/* ---- leaving, calling: block.c */
/* Code that leaves the block; the interpreter goes on at `insn`. Flags must be saved. */
const u8 *leave_to_interpreter(struct emit *e, const struct insn *insn);
/* Cold code leaves, for the same; x87's record and the flags are as they should be. */
void put_leave(struct emit *e, const struct insn *insn);
/* The run of instructions that was counted is left before e->insn, in cold code, other than for the interpreter. T2 is used. */
void profile_take_back(struct emit *e);
/* Counted time: the block is left with so many of its instructions executed, other than for the interpreter. The host's flags are destroyed.
 * Returns how many were given back. */
unsigned counted_give_back(const struct emit *e, struct out *o, unsigned executed);
/* The C function of the instruction. */
void lower_call(struct emit *e);
/* The same in cold code, for an instruction that ends its block. Flags have been clobbered. Returns the jump behind it, for called_instead(),
 * where hot code is done with the instruction. */
u8  *put_call_instead(struct emit *e);
void called_instead(struct emit *e, u8 *back);
/* The same of one that ends its block, but most often leaves the mode as it is and nothing pending: native_call() looks. */
void lower_call_on(struct emit *e);
/* The rest of the block is the interpreter's. */
void lower_out(struct emit *e);

/* ---- copying: copy.c */
void lower_copy(struct emit *e);
/* What x87 instructions of the block have left undone of their record is done: in hot code, before other code than the next
 * instruction's; in cold code that may leave the block, and keeps all registers. */
void x87_note_now(struct emit *e);
void x87_note_cold(struct emit *e);
void lower_scan(struct emit *e);
void lower_lea(struct emit *e);
void lower_fldcw(struct emit *e);
void lower_div(struct emit *e);
/* Whether an instruction with a rule to be copied takes its C function after all. */
bool copy_must_call(const struct emit *e, const struct insn *i);
/* The memory operand of a copied instruction; false: it has none. */
bool copy_memory(const struct emit *e, const struct insn *i, unsigned *size, bool *write);
/* The general registers that a copied instruction may write: bit per guest register. */
u16 copy_writes(const struct emit *e, const struct insn *i);
/* How the flags of e->insn could be made again while the general registers of *uses are unchanged (bit per guest register). */
enum replay copy_replay(const struct emit *e, const struct insn *i, u16 *uses);
/* Writes cold code that does so, saves them, and returns. */
const u8 *copy_put_replay(struct emit *e, const struct insn *i, enum replay replay);
/* The register files that a copied instruction of the row uses. */
unsigned copy_live(const struct row *row);
/* Those whose instructions raise nothing in this mode, and so can be copied. */
static inline unsigned copy_live_usable(unsigned mode)
{
    return (mode & MODE_SSE ? NATIVE_LIVE_XMM : 0u) | (mode & MODE_X87 ? NATIVE_LIVE_X87 : 0u) |
           (mode & MODE_SSE && mode & MODE_AVX ? NATIVE_LIVE_YMM : 0u);
}

static inline struct rm rm_selector(unsigned seg)
{
    return rm_cpu(offsetof(struct cpu, seg) + seg * sizeof(struct segment) + offsetof(struct segment, selector));
}

/* ---- system.c */
/* Whether the C function is called for one that has a rule of its own: PUSHF in real mode and virtual-8086 mode, a segment register that is
 * none. */
bool system_must_call(const struct emit *e, const struct insn *i);
void lower_df(struct emit *e);
void lower_cli(struct emit *e);
void lower_sti(struct emit *e);
void lower_swapgs(struct emit *e);
void lower_pause(struct emit *e);
void lower_pushf(struct emit *e);
void lower_popf(struct emit *e);
void lower_push_seg(struct emit *e);
void lower_store_seg(struct emit *e);

/* ---- string.c */
void lower_string(struct emit *e);

/* ---- jumps and the stack: flow.c */
void lower_push(struct emit *e);
void lower_pop(struct emit *e);
void lower_leave(struct emit *e);
void lower_jmp_rel(struct emit *e);
void lower_jcc(struct emit *e);
void lower_call_rel(struct emit *e);
void lower_jmp_abs(struct emit *e);
void lower_call_abs(struct emit *e);
void lower_ret(struct emit *e);
void lower_loop(struct emit *e);
/* Finds e->dead_end. */
void find_dead_end(struct emit *e);
/* Whether it jumps to the block's own beginning, with no more to look at than what is pending. */
bool jumps_to_beginning(const struct emit *e, const struct insn *i);
/* Goes elsewhere if something is pending. */
void put_poll(struct emit *e, const u8 *otherwise);
/* The guest's SP = `base`, a host register, + delta; T1 may be used. */
void put_stack_pointer(struct emit *e, unsigned base, i32 delta);
/* Cold: cpu->ip = `offset` in the page, and out. */
const u8 *leave_at(struct emit *e, u64 offset);
/* The jump with its displacement at `d` goes to the code at `offset` in the page, once there is any. Flags are saved. Returns the link. */
u32  put_link(struct emit *e, u8 *d, u64 offset, bool apart);
/* For the common code of jumps: T0 holds the new IP: T0 = its struct native_jump, T2 = R_IPBASE there. */
void put_probe(struct emit *e, const u8 *otherwise);
enum { KNOWN_JUMP, KNOWN_RETURN };
/* T1 = what leads to the place of the IP in T0 among cpu->host.known. */
void put_known_index(struct out *o, unsigned kind);
/* A member of it. */
struct rm known_member(unsigned view, unsigned kind, size_t member);
/* The taken legs of conditional jumps. */
void put_legs(struct emit *e);
/* On to the instruction at `offset` in the page, after the last one. */
void fall_through(struct emit *e, unsigned offset);

#endif
