/*
 * debug.c: debug registers and breakpoints. Intel SDM Vol. 3B chapter 17. Data breakpoints are tested by the slow paths of
 * memory accesses: while DR7 enables one, debug_page_watched() keeps its pages out of the TLB.
 */
#include "cpu/op/op.h"

enum { WATCH_EXECUTE, WATCH_WRITE, WATCH_IO, WATCH_ACCESS };

static unsigned watch_kind(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (16 + 4 * n) & 3;
}

static bool watch_enabled(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (2 * n) & 3;
}

/* Length encodings 0-3: 1, 2, 8, 4 bytes. */
static unsigned watch_bytes(const struct cpu *cpu, unsigned n)
{
    static const u8 bytes[] = {1, 2, 8, 4};
    return bytes[cpu->dr[7] >> (18 + 4 * n) & 3];
}

static bool overlaps(u64 a, u64 a_size, u64 b, u64 b_size)
{
    return a - b < b_size || b - a < a_size;
}

static bool watch_hits(const struct cpu *cpu, unsigned n, u64 at, u64 size)
{
    unsigned bytes = watch_bytes(cpu, n);
    return overlaps(cpu->dr[n] & ~(u64)(bytes - 1), bytes, at, size);
}

void cpu_update_debug(struct cpu *cpu)
{
    bool wanted = cpu->eflags & (FLAG_TF | FLAG_RF) || debug_breakpoints_on(cpu) || cpu->pending_db || cpu->msr.debugctl & DEBUGCTL_LBR;
    if (wanted) {
        __atomic_fetch_or(&cpu->pending, PENDING_DEBUG, __ATOMIC_RELAXED);
    } else if (cpu->pending & PENDING_DEBUG) {
        __atomic_fetch_and(&cpu->pending, ~(u32)PENDING_DEBUG, __ATOMIC_RELAXED);
    }
}

void debug_branched(struct cpu *cpu, u64 from)
{
    if (cpu->msr.debugctl & DEBUGCTL_LBR) {
        cpu->msr.last_branch[0] = from;
        cpu->msr.last_branch[1] = cpu->ip;
    }
}

u32 debug_instruction_hits(const struct cpu *cpu, vaddr la)
{
    u32 hits = 0;
    if (cpu->eflags & FLAG_RF) {
        return 0;
    }
    for (unsigned n = 0; n < 4; n++) {
        if (watch_enabled(cpu, n) && watch_kind(cpu, n) == WATCH_EXECUTE && cpu->dr[n] == la) {
            hits |= 1u << n;
        }
    }
    return hits;
}

u32 debug_data_hits(const struct cpu *cpu, vaddr la, u64 size, bool write)
{
    u32 hits = 0;
    for (unsigned n = 0; n < 4; n++) {
        unsigned kind = watch_kind(cpu, n);
        bool     wanted = kind == WATCH_ACCESS || (kind == WATCH_WRITE && write);
        if (watch_enabled(cpu, n) && wanted && watch_hits(cpu, n, la, size)) {
            hits |= 1u << n;
        }
    }
    return hits;
}

u32 debug_io_hits(const struct cpu *cpu, u16 port, unsigned size)
{
    u32 hits = 0;
    if (!(cpu->cr4 & CR4_DE)) {
        return 0;
    }
    for (unsigned n = 0; n < 4; n++) {
        if (watch_enabled(cpu, n) && watch_kind(cpu, n) == WATCH_IO && watch_hits(cpu, n, port, size)) {
            hits |= 1u << n;
        }
    }
    return hits;
}

bool debug_page_watched(const struct cpu *cpu, vaddr la)
{
    for (unsigned n = 0; n < 4; n++) {
        if (watch_enabled(cpu, n) && (watch_kind(cpu, n) & 1) && watch_hits(cpu, n, la & PAGE_MASK, PAGE_SIZE)) {
            return true;
        }
    }
    return false;
}

/* DR4 and DR5 are DR6 and DR7, unless CR4.DE. */
static unsigned register_number(struct cpu *cpu, const struct insn *i)
{
    cpu_check(cpu, i->reg < 8, RULE_UD_DEBUG_REGISTER, 0);
    if (i->reg == 4 || i->reg == 5) {
        cpu_check(cpu, !(cpu->cr4 & CR4_DE), RULE_UD_DR4, 0);
        return i->reg + 2u;
    }
    return i->reg;
}

static void check_access(struct cpu *cpu)
{
    require_cpl0(cpu);
    cpu_check(cpu, !(cpu->dr[7] & DR7_GD), RULE_DB_GENERAL_DETECT, 0);
}

OP(mov_to_dr)
{
    unsigned number = register_number(cpu, i);
    check_access(cpu);
    u64  value   = gpr_read(cpu, i->rm, cpu->code_bytes == 8 ? 8 : 4);
    bool watched = debug_breakpoints_on(cpu);
    if (number >= 6) {
        explain_note(cpu, "value", value);
        cpu_check(cpu, !(value >> 32), RULE_GP_DR_UPPER, 0);
    }
    switch (number) {
    case 6:
        cpu->dr[6] = (value & 0xe00f) | DR6_FIXED;
        break;
    case 7:
        cpu->dr[7] = (value & 0xffff23ff) | DR7_FIXED;
        break;
    default:
        cpu->dr[number] = value;
        break;
    }
    if (watched || debug_breakpoints_on(cpu)) {
        tlb_flush(&cpu->tlb); /* watched pages leave it, others may come back */
    }
    cpu_update_debug(cpu);
}

OP(mov_from_dr)
{
    unsigned number = register_number(cpu, i);
    check_access(cpu);
    gpr_write(cpu, i->rm, cpu->code_bytes == 8 ? 8 : 4, cpu->dr[number]);
}
