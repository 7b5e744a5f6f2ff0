/*
 * op.h: what the system instructions of cpu/op share with each other and offer to the run loop: descriptors, stack frames,
 * far transfers, delivery of exceptions and interrupts, task switches, control registers, debug registers, SMM, I/O rights.
 */
#ifndef CPU_OP_OP_H
#define CPU_OP_OP_H

#include "cpu/explain.h"
#include "cpu/flags.h"
#include "cpu/operand.h"
#include "cpu/raise.h"
#include "cpu/state.h"

/* ---- descriptors (descriptor.c): SDM Vol. 3A 3.4.5, 3.5 */

/* Types of system descriptors; in long mode the 32-bit ones are the 64-bit ones. */
enum system_type {
    SYS_TSS16 = 1,
    SYS_LDT = 2,
    SYS_TSS16_BUSY = 3,
    SYS_CALL16 = 4,
    SYS_TASK_GATE = 5,
    SYS_INT16 = 6,
    SYS_TRAP16 = 7,
    SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11,
    SYS_CALL32 = 12,
    SYS_INT32 = 14,
    SYS_TRAP32 = 15,
    TYPE_S = 16, /* code or data */
};

struct descriptor {
    u32   lo, hi;
    u64   upper; /* bytes 8-15 of a long-mode system descriptor */
    vaddr address;
    u16   selector;
};

static inline unsigned desc_type(const struct descriptor *d)
{
    return d->hi >> 8 & 0x1f;
}
static inline unsigned desc_dpl(const struct descriptor *d)
{
    return d->hi >> 13 & 3;
}
static inline bool desc_present(const struct descriptor *d)
{
    return d->hi >> 15 & 1;
}
static inline bool desc_is_code(const struct descriptor *d)
{
    return (desc_type(d) & 0x18) == 0x18;
}
static inline bool desc_is_data(const struct descriptor *d)
{
    return (desc_type(d) & 0x18) == 0x10;
}
static inline bool desc_conforming(const struct descriptor *d)
{
    return (desc_type(d) & 0x1c) == 0x1c;
}
static inline bool desc_writable_data(const struct descriptor *d)
{
    return (desc_type(d) & 0x1a) == 0x12;
}
static inline bool desc_readable(const struct descriptor *d)
{
    return desc_is_data(d) || (desc_type(d) & 0x1a) == 0x1a;
}
static inline bool desc_long(const struct descriptor *d)
{
    return d->hi >> 21 & 1;
}
static inline bool desc_default32(const struct descriptor *d)
{
    return d->hi >> 22 & 1;
}
u32 desc_limit(const struct descriptor *d);
u64 desc_base(const struct descriptor *d);
/* Gates: target selector and offset. */
static inline u16 gate_selector(const struct descriptor *d)
{
    return (u16)(d->lo >> 16);
}
u64 gate_offset(const struct descriptor *d, bool wide);

/* The error code of a selector: without its RPL. */
static inline u32 selector_error(u16 selector)
{
    return selector & 0xfffc;
}
static inline bool selector_null(u16 selector)
{
    return !(selector & 0xfffc);
}

/* Reads the descriptor from GDT or LDT; false: beyond the table's limit, or there is no LDT. */
bool descriptor_fetch(struct cpu *cpu, u16 selector, struct descriptor *d);
/* The second half of a long-mode system descriptor; false: beyond the limit, or its type bits are not zero. */
bool descriptor_fetch_upper(struct cpu *cpu, struct descriptor *d);
struct segment descriptor_segment(const struct descriptor *d, u16 selector);
struct segment segment_null(u16 selector);
/* Sets the accessed bit of a code or data descriptor in memory. */
void descriptor_set_accessed(struct cpu *cpu, struct descriptor *d);
/* Sets or clears the busy bit of a TSS descriptor in memory. */
void descriptor_set_busy(struct cpu *cpu, struct descriptor *d, bool busy);
/* A linear address of a system structure: 32 bits wide outside long mode. */
static inline vaddr system_linear(const struct cpu *cpu, u64 address)
{
    return cpu->long_mode ? address : (u32)address;
}
/* What bases of segments and tables, MSRs and INVPCID take: canonical for the widest addresses that the processor has, whatever CR4.LA57
 * says. So do Intel's processors; SDM Vol. 3A leaves it open. */
static inline bool base_canonical(const struct cpu *cpu, u64 address)
{
    unsigned spare = feature_on(&cpu->features, FEATURE_LA57) ? 7 : 16;
    return (u64)((i64)(address << spare) >> spare) == address;
}

/* ---- segment registers (segment.c) */

/* Real mode and VM86: the base follows the selector, and in real mode limit and rights stay (unreal mode). */
void segment_load_real(struct cpu *cpu, unsigned seg, u16 selector);
/* MOV, POP and LxS to any segment register but CS, in any mode, with all checks. */
void segment_load(struct cpu *cpu, unsigned seg, u16 selector);

/* The rules that the checks of a stack segment violate depend on where its selector came from. */
struct stack_rules {
    enum rule null, limit, rpl, type, dpl, not_present;
};
extern const struct stack_rules stack_rules_tss, stack_rules_return, stack_rules_task;
/* Checks `selector` as SS for privilege `cpl` and fetches its descriptor. */
void stack_segment_check(struct cpu *cpu, u16 selector, unsigned cpl, const struct stack_rules *rules,
                         struct descriptor *d);
/* After a return to an outer ring, and cpu_update_privilege(): data segments that it may not use become null. */
void segments_drop_inner(struct cpu *cpu);

/* ---- stacks (stack.c) */

static inline unsigned stack_segment(const struct cpu *cpu)
{
    return cpu->stack_seg;
}
/* The stack `offset` bytes above the top, at the current privilege. */
static inline u64 stack_read(struct cpu *cpu, u64 offset, unsigned width)
{
    return mem_read(cpu, stack_segment(cpu), (cpu->regs[R_SP] + offset) & cpu->stack_mask, width);
}
static inline void stack_adjust(struct cpu *cpu, u64 bytes)
{
    cpu->regs[R_SP] = stack_merge(cpu->regs[R_SP], cpu->stack_mask, cpu->regs[R_SP] + bytes);
}

#define FRAME_MAX 56
/* What is to be pushed at once: all of it, or nothing and an exception. */
struct frame {
    struct segment ss;
    u64            sp, mask;
    enum rule      limit_rule, canonical_rule;
    u32            error;
    bool           wide; /* 64-bit: no segment, canonical check */
    bool           user; /* pushed with CPL 3 */
    u8             width, count;
    u64            value[FRAME_MAX];
};
/* On the current stack. */
void frame_begin(struct cpu *cpu, struct frame *f, unsigned width);
/* On another one. `error` is that of #SS. */
void frame_begin_on(struct frame *f, const struct segment *ss, u64 sp, bool wide, unsigned cpl, unsigned width,
                    u32 error);
static inline void frame_push(struct frame *f, u64 value)
{
    f->value[f->count++] = value;
}
/* Checks segment limit and paging for all of it. Raises. */
void frame_check(struct cpu *cpu, const struct frame *f);
/* Checks and writes; returns the new stack pointer. Does not change registers. */
u64 frame_write(struct cpu *cpu, const struct frame *f);
/* Does [offset, offset + size) lie inside the segment's limit? */
bool segment_covers(const struct segment *s, u64 offset, unsigned size);
u64  segment_stack_mask(const struct segment *ss);

/* ---- far transfers (far.c) */

/* Raises unless `ip` is inside the code segment (or canonical, for 64-bit code). */
void code_check_ip(struct cpu *cpu, const struct descriptor *d, u64 ip);
/* CS, CPL and IP of a checked target. cpu_update_privilege() is left to the caller. */
void code_enter(struct cpu *cpu, const struct descriptor *d, unsigned cpl, u64 ip);
bool desc_code64(const struct cpu *cpu, const struct descriptor *d);
/* Checks `selector` as the CS of RETF or IRET. */
void code_return_check(struct cpu *cpu, u16 selector, struct descriptor *d);
/* The stack for an inner ring from the current TSS (SDM Vol. 3A 7.2, 7.7): `ist` 1-7 in long mode, else 0. */
struct inner_stack {
    u64            sp;
    struct segment ss;
    bool           wide;
};
void inner_stack_fetch(struct cpu *cpu, unsigned cpl, unsigned ist, struct inner_stack *stack);

/* ---- tasks (task.c): SDM Vol. 3A 7.3 */
enum task_reason { TASK_JMP, TASK_CALL, TASK_IRET, TASK_INT };
/* The TSS descriptor has been checked for type and presence. `flags`: what the old TSS keeps. Ends with the new task's state in `cpu`. */
void task_switch(struct cpu *cpu, struct descriptor *tss, enum task_reason reason, u32 flags, bool has_error, u32 error);
/* Checks the TSS that a task gate names, then switches. */
void task_gate(struct cpu *cpu, const struct descriptor *gate, enum task_reason reason, u32 flags, bool has_error,
               u32 error);
/* IRET with EFLAGS.NT. */
void task_return(struct cpu *cpu);

/* ---- control-flow enforcement (cet.c): SDM Vol. 1 chapter 17 */
enum {
    CET_SH_STK_EN = 1 << 0, CET_WR_SHSTK_EN = 1 << 1, CET_ENDBR_EN = 1 << 2, CET_LEG_IW_EN = 1 << 3, CET_NO_TRACK_EN = 1 << 4,
    CET_SUPPRESS_DIS = 1 << 5, CET_SUPPRESS = 1 << 10, CET_TRACKER = 1 << 11,
    CET_IBT_BITS = CET_ENDBR_EN | CET_LEG_IW_EN | CET_NO_TRACK_EN | CET_SUPPRESS_DIS | CET_SUPPRESS | CET_TRACKER,
};
/* Shadow stacks are on at this CPL. */
bool cet_shadow_on(const struct cpu *cpu, unsigned cpl);
/* What checks of a token raise; region: RULE_NONE, none. */
struct token_rules {
    enum rule aligned, region, token;
    u32       error;
};
/* What a far call or a delivery does to the shadow stack, checked. */
struct shadow_frame {
    bool on, save /* the user's SSP */, user;
    u64  token, hole, top; /* token: of the new stack; else 4 bytes at `hole` become 0 */
    u64  word[3];
    u8   words;
};
/* To the same ring and stack; to another ring, or by a stack of the interrupt SSP table (ist 1 to 7). `to64`: to 64-bit code. Raise. */
void shadow_call_check(struct cpu *cpu, struct shadow_frame *f, bool to64);
void shadow_inner_check(struct cpu *cpu, struct shadow_frame *f, unsigned cpl, unsigned ist, bool to64);
void shadow_frame_write(struct cpu *cpu, const struct shadow_frame *f);
/* Far JMP. */
void shadow_jump_check(struct cpu *cpu, bool to64);
/* Far RET and IRET. */
enum return_kind { RETURN_FAR, RETURN_IRET, RETURN_VM86 };
struct shadow_return {
    u64  ssp, token;
    bool frees; /* the token */
};
void shadow_return_check(struct cpu *cpu, struct shadow_return *r, const struct descriptor *cs, u64 ip, enum return_kind kind);
void shadow_return(struct cpu *cpu, const struct shadow_return *r);
void shadow_save_user(struct cpu *cpu);
/* A task switch: what the old task leaves, before and after the commit point, and what the new one finds. */
struct shadow_task {
    u64  ssp, cs, lip, token;
    bool iret, save, push, verify, frees;
};
void shadow_task_leave(struct cpu *cpu, struct shadow_task *t, bool iret, unsigned cpl);
void shadow_task_left(struct cpu *cpu, const struct shadow_task *t);
void shadow_task_enter(struct cpu *cpu, const struct shadow_task *t, bool call);
/* SYSCALL, SYSENTER in their new ring (was_on: shadow stacks were on before), SYSRET, SYSEXIT. */
void cet_enter_kernel(struct cpu *cpu, bool was_on);
void cet_leave_kernel(struct cpu *cpu);
/* After a far transfer to the current CPL: its target must be ENDBRANCH. */
void cet_track_far(struct cpu *cpu);
/* With PENDING_TRACKER: `i` is the next instruction. Raises. */
void cet_track(struct cpu *cpu, const struct insn *i);
/* The function that a near CALL, RET or indirect JMP is in blocks of MODE_CET; NULL: it is none. */
op_fn cet_near(const struct insn *i);
bool cet_register_valid(const struct cpu *cpu, u64 value);
bool cet_ssp_valid(const struct cpu *cpu, u64 value);
bool cet_has_msr(const struct cpu *cpu, u32 index);
u64  cet_read_msr(struct cpu *cpu, u32 index);
bool cet_write_msr(struct cpu *cpu, u32 index, u64 value);

/* ---- exceptions and interrupts (intr.c): SDM Vol. 3A chapter 6 */

enum delivery {
    DELIVER_EXCEPTION,
    DELIVER_INTERRUPT, /* external, NMI */
    DELIVER_SOFT,      /* INT n, INT3, INTO */
    DELIVER_ICEBP,
};
/* cpu->delivering while something else than an exception is delivered: benign for double faults. */
enum { DELIVERING_EXTERNAL = 256, DELIVERING_SOFT = 257 };

/* Enters the handler of `vector`; cpu->ip is the IP to push. May raise; then nothing has changed. */
void cpu_deliver(struct cpu *cpu, int vector, enum delivery kind, bool has_error, u32 error);
/* Delivers cpu->raised, with cpu->ip at the faulting instruction. May raise again (then call it again): double faults
 * derive from cpu->delivering. False: a triple fault, the processor is in shutdown. */
bool cpu_exception(struct cpu *cpu);
/* An NMI: blocks further ones until IRET. */
void cpu_deliver_nmi(struct cpu *cpu);
/* Traps in cpu->pending_db (single step, data and I/O breakpoints, the TSS's T bit): #DB with cpu->ip at the next
 * instruction. */
void cpu_debug_trap(struct cpu *cpu);

/* ---- control registers (cr.c) */
void cr0_write(struct cpu *cpu, u64 value);
/* CR3 in a task switch or MOV: PAE directory entries have been read into `pdpte` when paging is PAE. */
void cr3_write(struct cpu *cpu, u64 value);
/* As MOV from and to CR0, CR2, CR3, CR4 and CR8 does, at CPL 0. */
u64  cr_read(struct cpu *cpu, unsigned number);
void cr_write(struct cpu *cpu, unsigned number, u64 value);
/* Reads and checks the four PAE directory entries; raises RULE_GP_PDPTE. */
void pdptes_fetch(struct cpu *cpu, u64 cr3, u64 pdpte[4]);
bool paging_is_pae(const struct cpu *cpu);
/* Bits that the processor model lets software set. */
u64 cr4_valid(const struct cpu *cpu);
u64 efer_valid(const struct cpu *cpu);
u64 xcr0_valid(const struct cpu *cpu);
u64 xss_valid(const struct cpu *cpu);
u32 eflags_valid(const struct cpu *cpu);
u64 phys_reserved(const struct cpu *cpu); /* address bits above the physical width */

/* ---- debug registers (debug.c): SDM Vol. 3B chapter 17 */
enum { DEBUGCTL_LBR = 1 << 0, DEBUGCTL_BTF = 1 << 1 };
enum { DR6_B = 15, DR6_BD = 1 << 13, DR6_BS = 1 << 14, DR6_BT = 1 << 15, DR7_LE_GE = 3 << 8, DR7_GD = 1 << 13 };
#define DR6_FIXED 0xffff0ff0u
#define DR7_FIXED 0x00000400u
/* PENDING_DEBUG follows TF, RF, enabled breakpoints, cpu->pending_db and DEBUGCTL.LBR. */
void cpu_update_debug(struct cpu *cpu);
/* A branch, interrupt or exception has been taken from there to cpu->ip: SDM Vol. 3B 17.4, the records of the P6 family. */
void debug_branched(struct cpu *cpu, u64 from);
/* Bits B0-B3 of DR6 that an instruction fetch from, a data access to, or an I/O access to this place meets; 0: none. Not
 * enabled ones are left out; EFLAGS.RF is taken into account for instructions. */
u32 debug_instruction_hits(const struct cpu *cpu, vaddr la);
u32 debug_data_hits(const struct cpu *cpu, vaddr la, u64 size, bool write);
u32 debug_io_hits(const struct cpu *cpu, u16 port, unsigned size);
/* Does any enabled data breakpoint lie in this page? Such pages must not enter the TLB. */
bool debug_page_watched(const struct cpu *cpu, vaddr la);
static inline bool debug_breakpoints_on(const struct cpu *cpu)
{
    return cpu->dr[7] & 0xff;
}

/* ---- time and MSRs (msr.c) */
#define APIC_BUS_HZ 1000000000u /* of the local APIC's timer, and the crystal of CPUID leaf 15h */
u64  cpu_tsc(struct cpu *cpu);
bool msr_read(struct cpu *cpu, u32 index, u64 *value);
bool msr_write(struct cpu *cpu, u32 index, u64 value);

/* ---- machine checks (machine_check.c): SDM Vol. 3B chapter 15 */
#define MCG_CTL_P BIT(8) /* in MCG_CAP: there is MCG_CTL */
#define MCG_MCIP  BIT(2) /* in MCG_STATUS: one is being handled */
u64  machine_check_cap(const struct cpu *cpu);
bool machine_check_has(const struct cpu *cpu, u32 index);
u64  machine_check_read(struct cpu *cpu, u32 index);
bool machine_check_write(struct cpu *cpu, u32 index, u64 value);
/* What hardware found is logged in a bank and, if it is uncorrected, reported. NULL, or why there is none. */
struct machine_check {
    unsigned bank;
    u64      status, mcg_status, address, misc;
};
const char *machine_check_inject(struct cpu *cpu, const struct machine_check *check);
/* Takes the pending one: #MC, or shutdown. */
void machine_check_take(struct cpu *cpu);
/* After a triple fault, or a machine check that cannot be reported. */
void cpu_shut_down(struct cpu *cpu);

/* ---- CPUID (cpuid.c) */
struct cpuid_result {
    u32 eax, ebx, ecx, edx;
};
struct cpuid_result cpu_cpuid(const struct cpu *cpu, u32 leaf, u32 subleaf);

/* ---- performance counters (pmu.c) */
struct cpuid_result pmu_leaf(const struct cpu *cpu); /* 0Ah */
bool pmu_has(const struct cpu *cpu, u32 index);
u64  pmu_read(struct cpu *cpu, u32 index);
bool pmu_write(struct cpu *cpu, u32 index, u64 value);
bool pmu_rdpmc(struct cpu *cpu, u32 index, u64 *value);
void pmu_reset(struct cpu *cpu);
/* Between instructions: begins to count as the registers say (PENDING_PMU). */
void pmu_settle(struct cpu *cpu);
/* CPL may have changed; while cpu->pmu.split only. */
void pmu_ring(struct cpu *cpu);
/* cpu->pmu.limit, or the time of bus.perf_timer(), has come. */
void pmu_expired(struct cpu *cpu);
/* The processor halts, and goes on. */
void pmu_sleep(struct cpu *cpu);
void pmu_wake(struct cpu *cpu);
/* The registers come from a saved state. */
void pmu_loaded(struct cpu *cpu);

/* ---- I/O (io.c) */
/* Raises #GP unless CPL, IOPL and the TSS's bitmap allow this access. */
void io_check(struct cpu *cpu, u16 port, unsigned size);
u32  io_read(struct cpu *cpu, u16 port, unsigned size);
void io_write(struct cpu *cpu, u16 port, u32 value, unsigned size);

/* ---- SMM (smm.c) */
void cpu_enter_smm(struct cpu *cpu);

/* ---- reset (reset.c) */
/* Power-on, or INIT (which leaves FPU, MSRs, TSC and the caches' state alone). */
void cpu_reset(struct cpu *cpu, bool init);
/* A start-up IPI: begins at vector:0000 if the processor waits for one. */
void cpu_sipi(struct cpu *cpu, u8 vector);

/* Common checks. */
static inline void require_cpl0(struct cpu *cpu)
{
    cpu_check(cpu, cpu->cpl == 0, RULE_GP_PRIVILEGED, 0);
}
static inline bool real_or_vm86(const struct cpu *cpu)
{
    return !cpu->protected_mode || cpu->vm86;
}
static inline unsigned iopl(const struct cpu *cpu)
{
    return cpu->eflags >> 12 & 3;
}
/* The instruction after this one runs before any interrupt is looked at: MOV SS, POP SS, STI. */
static inline void shadow_next(struct cpu *cpu, const struct insn *i, bool ss)
{
    cpu->shadow_at = cpu->icount + i->number;
    cpu->shadow_ss = ss;
}

#endif
