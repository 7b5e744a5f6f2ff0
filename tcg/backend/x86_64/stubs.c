/*
 * stubs.c: the code between C and translated code.
 */
#include "tcg/backend/x86_64/emit.h"

/* Host registers that a C function may change, as far as they hold guest registers; and those that it keeps. */
static const u8 caller_saved[] = {R_AX, R_CX, R_DX, R_SI, R_DI, R_8};
static const u8 callee_saved[] = {R_BX, R_BP, R_SP, R_12, R_13, R_14};

static void put_all(struct out *o, const u8 *guests, unsigned count, bool load)
{
    for (unsigned k = 0; k < count; k++) {
        struct rm rm = rm_cpu(guests[k] * 8u);
        if (load) {
            put_load(o, 8, host_of(guests[k]), rm);
        } else {
            put_store(o, 8, rm, host_of(guests[k]));
        }
    }
}

static void put_xmm(struct out *o, bool load)
{
    for (unsigned k = 0; k < 16; k++) { /* MOVUPS */
        put_insn(o, (struct opcode){.map = MAP_0F, .byte = load ? 0x10 : 0x11}, k, rm_cpu(offsetof(struct cpu, xmm) + k * sizeof(union vec)));
    }
}

/* The upper halves, if they are the guest's. When they are stored the host's become zero, and C code is none the slower for them. */
static void put_ymm_if_live(struct out *o, bool load)
{
    put_test8(o, CPU(host.live), NATIVE_LIVE_YMM);
    u8 *skip = put_jcc_ahead(o, CC_E);
    for (unsigned k = 0; k < 16; k++) { /* VINSERTF128, VEXTRACTF128 */
        struct opcode op = {.map = MAP_3A, .byte = load ? 0x18 : 0x19, .mandatory = 0x66, .vex = true, .l = true, .vvvv = load ? (u8)k : 0};
        put_insn(o, op, k, rm_cpu(offsetof(struct cpu, xmm) + k * sizeof(union vec) + 16));
        put8(o, 1);
    }
    if (!load) {
        put_bare(o, (struct opcode){.vex = true, .byte = 0x77});
    }
    put_jump_here(o, skip);
}

static void put_mxcsr(struct out *o, bool load, struct rm rm)
{
    put_insn(o, (struct opcode){.map = MAP_0F, .byte = 0xae}, load ? 2 : 3, rm);
}

/* Skips what follows unless XMM registers are the guest's. */
static u8 *put_unless_live(struct out *o)
{
    put_test8(o, CPU(host.live), NATIVE_LIVE_XMM);
    return put_jcc_ahead(o, CC_E);
}

static const u8 *begin(struct out *o)
{
    while ((uintptr_t)o->p & 15) {
        put8(o, 0xcc);
    }
    o->pushed = 0;
    return o->p;
}

/* The same of what blocks call. */
static const u8 *begin_called(struct out *o)
{
    const u8 *at = begin(o);
    o->pushed    = 8;
    return at;
}

/* It does not return: nor does it go back there. */
static void put_drop_return(struct out *o)
{
    put_alu_imm(o, ALU_ADD, 8, rm_reg(RSP), o->pushed);
    o->pushed = 0;
}

/* A function of struct cpu, on the C stack. RCX is used. */
static void put_call_c(struct out *o, const void *function)
{
    put_lea(o, 8, RDI, rm_cpu(0));
    put_load(o, 8, RSP, CPU(host.c_stack));
    put_const(o, RAX, (u64)(uintptr_t)function);
    put_op(o, 0xff, 4, 2, rm_reg(RAX));
    put_load(o, 8, RCX, rm_mem(RSP, 0));
    put_lea(o, 8, RSP, rm_mem(RCX, -o->pushed));
}

static void put_push_pop(struct out *o, bool push, unsigned reg)
{
    if (reg >= R8) {
        put8(o, 0x41);
    }
    put8(o, (push ? 0x50u : 0x58u) | (reg & 7));
}

static const u8 kept_by_c[] = {RBX, RBP, R12, R13, R14, R15};

/* u64 enter(const void *code, struct cpu *cpu): all state from struct cpu, where RSP points from here on. */
static void put_enter(struct out *o)
{
    for (unsigned k = 0; k < ARRAY_LEN(kept_by_c); k++) {
        put_push_pop(o, true, kept_by_c[k]);
    }
    put_push_pop(o, true, RSI);
    put_store(o, 8, rm_mem(RSI, offsetof(struct cpu, host.c_stack)), RSP);
    put_mov(o, 8, RSP, RSI);
    put_mov(o, 8, T0, RDI);
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), true);
    put_all(o, callee_saved, ARRAY_LEN(callee_saved), true);
    put_jmp_reg(o, rm_reg(T0));
}

/* Returns T0 from enter(); all state but x87 to struct cpu. */
static void put_exit(struct out *o)
{
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), false);
    put_all(o, callee_saved, ARRAY_LEN(callee_saved), false);
    u8 *skip = put_unless_live(o);
    put_ymm_if_live(o, false);
    put_xmm(o, false);
    put_mxcsr(o, false, CPU(mxcsr));
    put_mxcsr(o, true, CPU(host.mxcsr));
    put_jump_here(o, skip);
    put_mov(o, 8, RAX, T0);
    put_load(o, 8, RSP, CPU(host.c_stack));
    put_push_pop(o, false, RCX);
    for (unsigned k = ARRAY_LEN(kept_by_c); k-- > 0;) {
        put_push_pop(o, false, kept_by_c[k]);
    }
    put8(o, 0xc3);
}

/* Asks C where the linear address in T0 is; T1: what for. T1, T0 = the two halves of its answer; T0 is kept in cpu->host.scratch. */
static void put_ask(struct out *o, const void *function)
{
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), false);
    put_store(o, 8, CPU(host.scratch), T0);
    u8 *skip = put_unless_live(o);
    put_ymm_if_live(o, false);
    put_xmm(o, false);
    put_jump_here(o, skip);
    put_mov(o, 8, RSI, T0);
    put_mov(o, 8, RDX, T1);
    put_call_c(o, function);
    put_mov(o, 8, T1, RAX);
    put_mov(o, 8, T0, RDX);
    skip = put_unless_live(o);
    put_xmm(o, true);
    put_ymm_if_live(o, true);
    put_jump_here(o, skip);
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), true);
}

/* T0 = the offset in its page of the address in cpu->host.scratch. */
static void put_offset(struct out *o)
{
    put_load(o, 4, T0, CPU(host.scratch));
    put_alu_imm(o, ALU_AND, 4, rm_reg(T0), PAGE_SIZE - 1);
}

/* T1 = where the linear address is: T0 = its offset in the page, T1 = the page; T2 as it was. */
static void put_answer(struct out *o)
{
    put_offset(o);
    put_alu(o, ALU_SUB, 8, T1, rm_reg(T0));
    put_load(o, 8, T2, CPU(host.spare));
}

/* Where a way ends that goes on as all others do: jumps to what is not there yet. */
struct ahead {
    u8      *jump[12];
    unsigned count;
};

static void put_out_if(struct out *o, struct ahead *a, enum host_cc cc)
{
    a->jump[a->count++] = put_jcc_ahead(o, cc);
}

static void put_ahead_here(struct out *o, const struct ahead *a)
{
    for (unsigned k = 0; k < a->count; k++) {
        put_jump_here(o, a->jump[k]);
    }
}

static struct rm rm_second(size_t member)
{
    return rm_mem(T1, (i32)member);
}

/* T1 = where the page in T0 would be in the TLB's second level, with the age at `age` in struct cpu; out if it is not there. */
static void put_find_second(struct out *o, size_t age, struct ahead *out)
{
    put_op(o, 0x69, 8, T1, rm_cpu(age)); /* IMUL */
    put32(o, TLB_AGE_FACTOR);
    put_mov(o, 8, T2, T0);
    put_shift_imm(o, SHIFT_SHR, 8, T2, PAGE_SHIFT);
    put_alu(o, ALU_ADD, 8, T1, rm_reg(T2));
    put_const(o, T2, TLB_HASH_FACTOR);
    put_0f(o, 0xaf, 8, T1, rm_reg(T2)); /* IMUL */
    put_shift_imm(o, SHIFT_SHR, 8, T1, TLB_SECOND_SHIFT);
    put_shift_imm(o, SHIFT_SHL, 4, T1, 5);
    put_alu(o, ALU_ADD, 8, T1, CPU(tlb.second));
    put_alu(o, ALU_CMP, 8, T0, rm_second(offsetof(struct tlb_second, page)));
    put_out_if(o, out, CC_NE);
    put_load(o, 8, T2, rm_cpu(age));
    put_alu(o, ALU_CMP, 8, T2, rm_second(offsetof(struct tlb_second, age)));
    put_out_if(o, out, CC_NE);
}
_Static_assert(sizeof(struct tlb_second) == 1 << 5, "as put_find_second() scales");

/* What tlb_refill() does, without entering the page in the first level: that is left to C, every eighth time. cpu->host.scratch holds the
 * address. T1 = the host's page; or out. */
static void put_refill(struct out *o, unsigned view, unsigned kind, struct ahead *out)
{
    const size_t ages[] = {offsetof(struct cpu, tlb.local_age), offsetof(struct cpu, tlb.global_age)};
    unsigned     table  = view * TLB_KINDS + kind;
    bool         global = view != TLB_USER; /* likelier */
    struct ahead other  = {.count = 0};
    put_alu_imm(o, ALU_SUB, 4, CPU(host.patience), 1);
    put_out_if(o, out, CC_S);
    put_test8(o, CPU(dr[7]), 0xff);
    put_out_if(o, out, CC_NE);
    put_alu_imm(o, ALU_CMP, 8, CPU(tlb.held), 0);
    put_out_if(o, out, CC_NE);
    put_alu_imm(o, ALU_CMP, 4, CPU(tlb.denied[table]), 0);
    put_out_if(o, out, CC_NE);
    put_alu_imm(o, ALU_AND, 8, rm_reg(T0), -PAGE_SIZE);
    put_find_second(o, ages[global], &other);
    u8 *found = put_jmp_ahead(o);
    put_ahead_here(o, &other);
    put_find_second(o, ages[!global], out);
    put_jump_here(o, found);
    put_test8(o, rm_second(offsetof(struct tlb_second, tables)), 1u << table);
    put_out_if(o, out, CC_E);
    if (kind == TLB_WRITE) {
        put_load(o, 4, T2, CPU(tlb.write_age));
        put_alu(o, ALU_CMP, 4, T2, rm_second(offsetof(struct tlb_second, write_age)));
        put_out_if(o, out, CC_NE);
    }
    put_offset(o);
    put_load(o, 8, T2, rm_mem(RSP, 0));
    put_zext(o, 1, T2, rm_mem(T2, offsetof(struct native_access, how)));
    put_alu_imm(o, ALU_AND, 4, rm_reg(T2), ~NATIVE_TABLE);
    put_shift_imm(o, SHIFT_SHR, 4, T2, 1);
    put_alu(o, ALU_ADD, 4, T2, rm_reg(T0));
    put_alu_imm(o, ALU_CMP, 4, rm_reg(T2), PAGE_SIZE); /* across the page's end? */
    put_out_if(o, out, CC_A);
    put_load(o, 8, T1, rm_second(offsetof(struct tlb_second, host)));
}
_Static_assert(TLB_VIEWS * TLB_KINDS <= 8, "put_refill() looks at the low byte of `tables`");

/* The return address becomes that of the access. T0, T2 are used. */
static void put_back(const struct native *n, struct out *o)
{
    put_load(o, 8, T2, rm_mem(RSP, 0));
    put_load(o, 4, T2, rm_mem(T2, offsetof(struct native_access, back)));
    put_const(o, T0, (u64)(uintptr_t)n->code.run);
    put_alu(o, ALU_ADD, 8, T2, rm_reg(T0));
    put_store(o, 8, rm_mem(RSP, 0), T2);
}

/* Called where a struct native_access follows, with what put_lookup() (memory.c) has left in T0 and T1. Goes on at `back`: T0 = the offset in
 * the page, T1 = the host's page, T2 kept; or leaves the block. */
static void put_miss(const struct native *n, struct out *o, unsigned view, unsigned kind, const u8 *exit)
{
    struct ahead ask = {.count = 0};
    size_t       tag = memory_tlb(view, kind == TLB_WRITE) + offsetof(struct tlb_entry, tag);
    put_alu(o, ALU_ADD, 8, T0, rm_cpu_at(T1, tag)); /* the linear address again */
    put_store(o, 8, CPU(host.spare), T2);
    put_store(o, 8, CPU(host.scratch), T0);
    put_store(o, 8, CPU(host.kept[0]), T1);
    put_refill(o, view, kind, &ask);
    put_back(n, o);
    put_offset(o);
    put_load(o, 8, T2, CPU(host.spare));
    put8(o, 0xc3);
    put_ahead_here(o, &ask);
    put_load(o, 8, T0, CPU(host.scratch));
    put_load(o, 8, T1, rm_mem(RSP, 0));
    put_ask(o, (const void *)(uintptr_t)native_miss);
    put_op(o, 0x85, 8, T1, rm_reg(T1));
    u8 *none = put_jcc_ahead(o, CC_E);
    put_back(n, o);
    put_answer(o);
    put8(o, 0xc3);
    put_jump_here(o, none); /* T0 says how to leave */
    put_drop_return(o);
    put_jmp(o, exit);
}

/* T0: linear address, T1: native_miss_range()'s range. Returns the same, or T1 = 0. A range across the end of a page is answered here, unless
 * somebody keeps count of it. */
static void put_miss_range(struct out *o)
{
    struct ahead ask = {.count = 0};
    put_store(o, 8, CPU(host.spare), T2);
    put_test8(o, rm_reg(T1), DIRECT_WRITE_LATER & DIRECT_READ_SOME);
    put_out_if(o, &ask, CC_NE);
    put_mov(o, 4, T2, T1);
    put_shift_imm(o, SHIFT_SHR, 4, T2, NATIVE_RANGE_SHIFT);
    put_alu_imm(o, ALU_AND, 4, rm_reg(T2), NATIVE_RANGE_MAX);
    put_lea(o, 8, T2, rm_index(T0, T2, 0, -1));
    put_alu(o, ALU_XOR, 8, T2, rm_reg(T0));
    put_alu_imm(o, ALU_CMP, 8, rm_reg(T2), PAGE_SIZE);
    put_out_if(o, &ask, CC_B);
    put_alu(o, ALU_XOR, 4, T1, rm_reg(T1));
    put_load(o, 8, T2, CPU(host.spare));
    put8(o, 0xc3);
    put_ahead_here(o, &ask);
    put_ask(o, (const void *)(uintptr_t)native_miss_range);
    put_op(o, 0x85, 8, T1, rm_reg(T1));
    u8 *none = put_jcc_ahead(o, CC_E);
    put_answer(o);
    put_jump_here(o, none);
    put8(o, 0xc3);
}
_Static_assert(!((DIRECT_READ | DIRECT_WRITE) & DIRECT_WRITE_LATER & DIRECT_READ_SOME), "as put_miss_range() tells them apart");

/* To `otherwise` unless the TLB's first level knows the page in T0; T1 leads to its entry at `entry`. */
static void put_find_first(struct out *o, size_t entry, struct ahead *otherwise)
{
    put_mov(o, 8, T1, T0);
    put_shift_imm(o, SHIFT_SHR, 8, T1, PAGE_SHIFT - 4);
    put_alu_imm(o, ALU_AND, 4, rm_reg(T1), (TLB_ENTRIES - 1) << 4);
    put_alu(o, ALU_CMP, 8, T0, rm_cpu_at(T1, entry + offsetof(struct tlb_entry, tag)));
    put_out_if(o, otherwise, CC_NE);
}

/* As miss_range, for a table in two pages, if the TLB's first level knows that the host has them side by side. `w`: of addresses. */
static void put_miss_table(const struct native *n, struct out *o, unsigned view, unsigned w)
{
    struct ahead ask = {.count = 0};
    size_t       entry = memory_tlb(view, false), host = entry + offsetof(struct tlb_entry, host);
    put_store(o, 8, CPU(host.spare), T2);
    put_store(o, 8, CPU(host.scratch), T0);
    put_store(o, 8, CPU(host.kept[0]), T1);
    put_alu_imm(o, ALU_AND, 8, rm_reg(T0), -PAGE_SIZE);
    put_find_first(o, entry, &ask);
    put_load(o, 8, T2, rm_cpu_at(T1, host));
    put_alu_imm(o, ALU_ADD, w, rm_reg(T0), PAGE_SIZE);
    put_find_first(o, entry, &ask);
    put_lea(o, 8, T0, rm_mem(T2, PAGE_SIZE));
    put_alu(o, ALU_CMP, 8, T0, rm_cpu_at(T1, host));
    put_out_if(o, &ask, CC_NE);
    put_mov(o, 8, T1, T2);
    put_offset(o);
    put_load(o, 8, T2, CPU(host.spare));
    put8(o, 0xc3);
    put_ahead_here(o, &ask);
    put_load(o, 8, T2, CPU(host.spare));
    put_load(o, 8, T1, CPU(host.kept[0]));
    put_load(o, 8, T0, CPU(host.scratch));
    put_jmp(o, n->stub.miss_range);
}

/* T0: R_IPBASE, T1: a struct native_near. T1 = the host's page, which is noted there, or 0; T2 is kept. A flush that
 * may concern the page will change the stamp. */
static void put_near(struct out *o, unsigned view)
{
    struct ahead ask = {.count = 0}, none = {.count = 0};
    size_t       entry = memory_tlb(view, false), filled = offsetof(struct cpu, tlb.fills[view * TLB_KINDS + TLB_READ].global);
    unsigned     of    = view == TLB_USER ? TLB_USER : TLB_SUPERVISOR;
#define NEAR(member) rm_mem(T2, offsetof(struct native_near, member))
    put_store(o, 8, CPU(host.spare), T2);
    put_store(o, 8, CPU(host.kept[0]), T1);
    put_mov(o, 8, T2, T1);
    put_alu(o, ALU_ADD, 8, T0, NEAR(page));
    put_store(o, 8, CPU(host.kept[1]), T0);
    put_find_first(o, entry, &ask);
    u8 *found = put_jmp_ahead(o);
    put_ahead_here(o, &ask);
    put_alu(o, ALU_ADD, 8, T0, NEAR(offset));
    put_load(o, 8, T1, NEAR(range));
    put_ask(o, (const void *)(uintptr_t)native_miss_range);
    put_op(o, 0x85, 8, T1, rm_reg(T1));
    put_out_if(o, &none, CC_E);
    put_load(o, 8, T2, CPU(host.kept[0]));
    put_load(o, 8, T0, CPU(host.kept[1]));
    put_find_first(o, entry, &none);
    put_jump_here(o, found);
    put_alu(o, ALU_SUB, 8, T0, NEAR(page));
    put_store(o, 8, NEAR(base), T0);
    put_load(o, 8, T0, CPU(tlb.near.stamp[of]));
    put_store(o, 8, NEAR(stamp), T0);
    put_load(o, 8, T0, rm_cpu_at(T1, entry + offsetof(struct tlb_entry, host)));
    put_store(o, 8, NEAR(host), T0);
    put_shift_imm(o, SHIFT_SHR, 4, T1, 4); /* the entry's number: whether its page is global */
    put_0f(o, 0xa3, 8, T1, rm_cpu(filled)); /* BT */
    put_alu(o, ALU_SBB, 8, T1, rm_reg(T1));
    put_op(o, 0x80, 1, ALU_OR, rm_cpu_at(T1, offsetof(struct cpu, tlb.near.local)));
    put8(o, 1u << of);
    put_load(o, 8, T0, CPU(host.kept[1]));
    put_mov(o, 8, T1, T0); /* as tlb.c: stamp_word() */
    put_shift_imm(o, SHIFT_SHR, 8, T1, PAGE_SHIFT);
    put_mov(o, 8, T2, T0);
    put_shift_imm(o, SHIFT_SHR, 8, T2, 25);
    put_alu(o, ALU_XOR, 8, T1, rm_reg(T2));
    put_alu_imm(o, ALU_AND, 4, rm_reg(T1), TLB_STAMP_FILTER / 2 - 1);
    put_shift_imm(o, SHIFT_SHR, 8, T0, 63);
    put_op(o, 0x69, 8, T0, rm_reg(T0)); /* IMUL */
    put32(o, TLB_STAMP_FILTER / 2);
    put_alu(o, ALU_ADD, 8, T1, rm_reg(T0));
    put_0f(o, 0xab, 8, T1, rm_cpu(offsetof(struct cpu, tlb.near.filter) + of * sizeof(((struct tlb_stamps *)0)->filter[0]))); /* BTS */
    put_load(o, 8, T2, CPU(host.kept[0]));
    put_load(o, 8, T1, NEAR(host));
    put_load(o, 8, T2, CPU(host.spare));
    put8(o, 0xc3);
    put_ahead_here(o, &none);
    put_load(o, 8, T2, CPU(host.spare));
    put_const(o, T1, 0);
    put8(o, 0xc3);
#undef NEAR
}
_Static_assert(offsetof(struct tlb_stamps, global) + 1 == offsetof(struct tlb_stamps, local), "put_near() chooses by subtraction");

/* T1: the instruction whose C function is called, with all state in struct cpu. */
static void put_call_stub(struct out *o, const u8 *exit)
{
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), false);
    put_all(o, callee_saved, ARRAY_LEN(callee_saved), false);
    u8 *skip = put_unless_live(o);
    put_ymm_if_live(o, false);
    put_xmm(o, false);
    put_mxcsr(o, false, CPU(mxcsr));
    put_mxcsr(o, true, CPU(host.mxcsr));
    put_op(o, 0x80, 1, ALU_AND, CPU(host.live));
    put8(o, (u8)~(NATIVE_LIVE_XMM | NATIVE_LIVE_YMM));
    put_jump_here(o, skip);
    put_mov(o, 8, RSI, T1);
    put_call_c(o, (const void *)(uintptr_t)native_call);
    put_mov(o, 8, T0, RAX);
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), true);
    put_all(o, callee_saved, ARRAY_LEN(callee_saved), true);
    put_op(o, 0x85, 8, T0, rm_reg(T0));
    u8 *leave = put_jcc_ahead(o, CC_NE);
    put8(o, 0xc3);
    put_jump_here(o, leave);
    put_drop_return(o);
    put_jmp(o, exit);
}

/* The flags of the host's are saved; all else is kept. */
static void put_save_flags(struct out *o)
{
    put_store(o, 8, CPU(host.kept[0]), T0);
    flags_put_save(o, T0);
    put_load(o, 8, T0, CPU(host.kept[0]));
    put8(o, 0xc3);
}

static void put_take_xmm(struct out *o)
{
    put_xmm(o, true);
    put_mxcsr(o, true, CPU(mxcsr));
    put_op(o, 0x80, 1, ALU_OR, CPU(host.live));
    put8(o, NATIVE_LIVE_XMM);
}

static void put_load_xmm(struct out *o)
{
    put_take_xmm(o);
    put8(o, 0xc3);
}

/* XMM registers too, if they are not there yet. */
static void put_load_ymm(struct out *o)
{
    put_test8(o, CPU(host.live), NATIVE_LIVE_XMM);
    u8 *skip = put_jcc_ahead(o, CC_NE);
    put_take_xmm(o);
    put_jump_here(o, skip);
    put_op(o, 0x80, 1, ALU_OR, CPU(host.live));
    put8(o, NATIVE_LIVE_YMM);
    put_ymm_if_live(o, true);
    put8(o, 0xc3);
}

/* The C function keeps XMM registers, and YMM's upper halves. */
static void put_load_x87(struct out *o)
{
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), false);
    put_call_c(o, (const void *)(uintptr_t)x87_to_host);
    put_all(o, caller_saved, ARRAY_LEN(caller_saved), true);
    put8(o, 0xc3);
}

/* Called with the IP in T0: what put_known() looks for becomes known; T0 is kept. Goes to `none` if there is no code. */
static void put_find(struct native *n, struct out *o, unsigned view, unsigned kind, const u8 *none)
{
    struct emit e = {.native = n, .hot = *o, .code_bytes = 8, .mode = (u16)(view << MODE_VIEW_SHIFT | MODE_FLAT | 8)};
    put_store(&e.hot, 8, CPU(host.target), T0);
    put_probe(&e, none);
    *o = e.hot;
    put_load(o, 8, T0, rm_mem(T0, offsetof(struct native_jump, code)));
    put_store(o, 8, CPU(host.scratch), T0);
    put_load(o, 8, T0, CPU(host.target));
    put_known_index(o, kind);
    put_store(o, 8, known_member(view, kind, offsetof(struct host_target, ip)), T0);
    put_store(o, 8, known_member(view, kind, offsetof(struct host_target, base)), T2);
    put_load(o, 8, T2, CPU(host.scratch));
    put_store(o, 8, known_member(view, kind, offsetof(struct host_target, code)), T2);
    put_load(o, 8, T2, CPU(tlb.code.stamp[view]));
    put_store(o, 8, known_member(view, kind, offsetof(struct host_target, stamp)), T2);
    put8(o, 0xc3);
}

static void put_finds(struct native *n, struct out *o)
{
    const u8 *again = begin_called(o); /* the interpreter executes cpu->host.from */
    put_drop_return(o);
    put_load(o, 4, T0, CPU(host.from));
    put_shift_imm(o, SHIFT_SHL, 8, T0, 2);
    put_alu_imm(o, ALU_OR, 8, rm_reg(T0), NATIVE_EXIT_INSN);
    put_jmp(o, n->stub.exit);
    n->stub.unlinked = begin(o);
    put_load(o, 8, T0, CPU(host.unlinked));
    put_store(o, 8, CPU(ip), T0);
    put_const(o, T0, NATIVE_EXIT_IP);
    put_jmp(o, n->stub.exit);
    const u8 *none = begin_called(o);
    put_load(o, 8, T0, CPU(host.target));
    put_mov(o, 8, T1, T0);
    put_shift_imm(o, SHIFT_SAR, 8, T1, 47);
    put_alu_imm(o, ALU_ADD, 4, rm_reg(T1), 1);
    put_alu_imm(o, ALU_CMP, 4, rm_reg(T1), 1);
    put_jcc(o, CC_A, again);
    put_store(o, 8, CPU(host.unlinked), T0);
    put_alu_imm(o, ALU_ADD, 8, rm_mem(RSP, 0), 5); /* past the jump that looks again */
    put8(o, 0xc3);
    for (unsigned view = TLB_USER; view <= TLB_SUPERVISOR; view++) {
        for (unsigned kind = KNOWN_JUMP; kind <= KNOWN_RETURN; kind++) {
            n->stub.find[view][kind] = begin_called(o);
            put_find(n, o, view, kind, none);
        }
    }
}

/* Called with the IP in T0 and a struct native_far in T1, where it is noted where that leads; if there is no code, or something is pending, to
 * where it leaves, until it is asked again. All temporaries are used. */
static void put_far(const struct native *n, struct out *o, unsigned view)
{
#define FAR(member) rm_mem(T0, offsetof(struct native_far, member))
    struct ahead find = {.count = 0};
    put_store(o, 8, CPU(host.kept[2]), T1);
    o->pushed = 0; /* POP finds its operand with RSP as it leaves it (SDM Vol. 2 POP) */
    put_op(o, 0x8f, 4, 0, CPU(host.kept[1])); /* who leaves from there expects one return address */
    put_alu_imm(o, ALU_CMP, 4, CPU(pending), 0);
    put_out_if(o, &find, CC_NE);
    put_known_index(o, KNOWN_JUMP); /* another jump may have led there */
    put_alu(o, ALU_CMP, 8, T0, known_member(view, KNOWN_JUMP, offsetof(struct host_target, ip)));
    put_out_if(o, &find, CC_NE);
    put_load(o, 8, T2, CPU(tlb.code.stamp[view]));
    put_alu(o, ALU_CMP, 8, T2, known_member(view, KNOWN_JUMP, offsetof(struct host_target, stamp)));
    put_out_if(o, &find, CC_NE);
    u8 *known = put_jmp_ahead(o);
    put_ahead_here(o, &find);
    put_call(o, n->stub.find[view][KNOWN_JUMP]);
    u8 *found = put_jmp_ahead(o);
    put_load(o, 8, T0, CPU(host.kept[2]));
    put_const(o, T1, (u64)(uintptr_t)codebuf_run(&n->code, n->stub.unlinked));
    put_store(o, 8, FAR(code), T1);
    put_store_imm(o, 8, FAR(stamp), 0); /* there is no such stamp */
    put_load(o, 8, T1, CPU(regs[R_IPBASE]));
    put_store(o, 8, FAR(base), T1);
    put_jmp_reg(o, CPU(host.kept[1]));
    put_jump_here(o, found);
    put_known_index(o, KNOWN_JUMP);
    put_jump_here(o, known);
    put_load(o, 8, T0, CPU(host.kept[2]));
    put_load(o, 8, T2, known_member(view, KNOWN_JUMP, offsetof(struct host_target, base)));
    put_store(o, 8, FAR(to), T2);
    put_load(o, 8, T2, known_member(view, KNOWN_JUMP, offsetof(struct host_target, code)));
    put_store(o, 8, FAR(code), T2);
    put_load(o, 8, T2, known_member(view, KNOWN_JUMP, offsetof(struct host_target, stamp)));
    put_store(o, 8, FAR(stamp), T2);
    put_load(o, 8, T2, CPU(regs[R_IPBASE]));
    put_store(o, 8, FAR(base), T2);
    put_jmp_reg(o, CPU(host.kept[1]));
#undef FAR
}

static void put_leave_to(const struct native *n, struct out *o, unsigned ip_bytes, u64 exit)
{
    put_alu(o, ALU_ADD, ip_bytes, T0, CPU(regs[R_IPBASE]));
    put_store(o, 8, CPU(ip), T0);
    put_const(o, T0, exit);
    put_jmp(o, n->stub.exit);
}

void x86_64_stubs(struct native *n, struct out *o)
{
    n->stub.enter = begin(o);
    put_enter(o);
    n->stub.exit = begin(o);
    put_exit(o);
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
            n->stub.miss[view][kind] = begin_called(o);
            put_miss(n, o, view, kind, n->stub.exit);
        }
    }
    n->stub.save_flags = begin_called(o);
    put_save_flags(o);
    for (unsigned k = 0; k < 2; k++) {
        n->stub.leave[k] = begin(o);
        put_leave_to(n, o, k ? 8 : 4, NATIVE_EXIT_IP);
        n->stub.gone[k] = begin(o);
        put_leave_to(n, o, k ? 8 : 4, NATIVE_EXIT_GONE);
    }
    n->stub.miss_range = begin_called(o);
    put_miss_range(o);
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        for (unsigned wide = 0; wide < 2; wide++) {
            n->stub.miss_table[view][wide] = begin_called(o);
            put_miss_table(n, o, view, wide ? 8 : 4);
        }
    }
    for (unsigned view = 0; view < TLB_VIEWS; view++) {
        n->stub.near[view] = begin_called(o);
        put_near(o, view);
    }
    n->stub.call = begin_called(o);
    put_call_stub(o, n->stub.exit);
    n->stub.load_xmm = begin_called(o);
    put_load_xmm(o);
    n->stub.load_ymm = begin_called(o);
    put_load_ymm(o);
    n->stub.load_x87 = begin_called(o);
    put_load_x87(o);
    put_finds(n, o);
    for (unsigned view = TLB_USER; view <= TLB_SUPERVISOR; view++) {
        n->stub.far[view] = begin_called(o);
        put_far(n, o, view);
    }
    begin(o);
}
