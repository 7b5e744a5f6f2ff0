/*
 * mem.h: guest memory as instructions see it: segment checks, linear addresses, TLB, faults.
 *
 * mem_* take a segment and an offset, and check limit, type, canonical form, paging and (where on) alignment at the current
 * privilege. lin_* take a linear address. sys_* are implicit supervisor accesses (descriptor tables, TSS: SDM Vol. 3A 4.6.1).
 * All raise. An access that spans two pages touches neither unless both are permitted.
 */
#ifndef CPU_MEM_H
#define CPU_MEM_H

#include "cpu/base/bits.h"
#include "cpu/state.h"

/* As the paging mode has it: SDM Vol. 1 3.3.7.1, Vol. 3A 4.5.1. */
static inline bool cpu_canonical(const struct cpu *cpu, vaddr la)
{
    return (u64)((i64)(la << cpu->linear_spare) >> cpu->linear_spare) == la;
}

u64  mem_read_slow(struct cpu *cpu, unsigned seg, u64 offset, unsigned size);
void mem_write_slow(struct cpu *cpu, unsigned seg, u64 offset, u64 value, unsigned size);

/* size: 1, 2, 4, 8. */
ALWAYS_INLINE u64 mem_read(struct cpu *cpu, unsigned seg, u64 offset, unsigned size)
{
    const struct segment *s = &cpu->seg[seg];
    if (likely(offset + size <= s->read_bytes)) {
        const void *host = tlb_hit(cpu->tlb_read, s->base + offset, size);
        if (likely(host)) {
            return size == 1 ? *(const u8 *)host : size == 2 ? load16(host) : size == 4 ? load32(host) : load64(host);
        }
    }
    return mem_read_slow(cpu, seg, offset, size);
}

ALWAYS_INLINE void mem_write(struct cpu *cpu, unsigned seg, u64 offset, u64 value, unsigned size)
{
    const struct segment *s = &cpu->seg[seg];
    if (likely(offset + size <= s->write_bytes)) {
        void *host = tlb_hit(cpu->tlb_write, s->base + offset, size);
        if (likely(host)) {
            store_le(host, value, size);
            return;
        }
    }
    mem_write_slow(cpu, seg, offset, value, size);
}

/* Checks that a write of `size` bytes (1..4096) would pass, without writing: read-modify-write reports W=1. */
void mem_probe_write(struct cpu *cpu, unsigned seg, u64 offset, unsigned size);
void mem_probe_read(struct cpu *cpu, unsigned seg, u64 offset, unsigned size);
/* #AC for an operand that is not accessed as one power of two: it must be aligned to `align` (SDM Vol. 3A table 6-7), where alignment
 * is checked at all. The faults of its segment come first. */
void mem_check_aligned_slow(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, unsigned align, bool write);
static inline void mem_check_aligned(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, unsigned align, bool write)
{
    if (unlikely(cpu->align_check)) {
        mem_check_aligned_slow(cpu, seg, offset, size, align, write);
    }
}
/* 1..4096 bytes, all or nothing: every byte is checked before the first is written. No alignment check. */
void mem_read_bytes(struct cpu *cpu, unsigned seg, u64 offset, void *buffer, unsigned size);
void mem_write_bytes(struct cpu *cpu, unsigned seg, u64 offset, const void *buffer, unsigned size);

/* Where the host keeps 1..4096 bytes inside one page, all of which the caller writes at once. NULL: they are no plain RAM. No
 * alignment check. */
u8  *mem_open_write(struct cpu *cpu, unsigned seg, u64 offset, unsigned size);

/* For translated code: where the host keeps `size` bytes at a linear address, if nothing but the access itself is to be done about them
 * (then the TLB knows too, if it can). NULL: access them in the usual way, which may raise. Raises nothing. */
enum direct {
    DIRECT_READ,
    DIRECT_WRITE,       /* some of them, now; others may be read */
    DIRECT_WRITE_LATER, /* they are read now, and perhaps written then: the page is dirty already, or NULL */
    DIRECT_READ_SOME,   /* some of them; also in two pages that the host has side by side, if the TLB knows both (neither may be marked as
                         * accessed, for perhaps only the other one is) */
};
void *mem_direct(struct cpu *cpu, vaddr la, unsigned size, enum direct how);

/* The linear address of an offset, with segment checks for `size` bytes. */
vaddr mem_linear(struct cpu *cpu, unsigned seg, u64 offset, unsigned size, bool write);

/* At the current privilege, no segment. */
u64  lin_read(struct cpu *cpu, vaddr la, unsigned size);
void lin_write(struct cpu *cpu, vaddr la, u64 value, unsigned size);
/* `user`: as CPL 3, whatever the current CPL is (stack switches push with the new privilege). */
u64  lin_read_as(struct cpu *cpu, vaddr la, unsigned size, bool user);
void lin_write_as(struct cpu *cpu, vaddr la, u64 value, unsigned size, bool user);
void lin_probe_write_as(struct cpu *cpu, vaddr la, unsigned size, bool user);
/* Implicit supervisor accesses. */
u64  sys_read(struct cpu *cpu, vaddr la, unsigned size);
void sys_write(struct cpu *cpu, vaddr la, u64 value, unsigned size);
void sys_probe_write(struct cpu *cpu, vaddr la, unsigned size);

/* Shadow stacks: SDM Vol. 3A 4.6. `user`: the user's, else the supervisor's; addresses are multiples of 4. shadow_probe() raises what
 * writes there would; up to 24 bytes. */
u64  shadow_read(struct cpu *cpu, vaddr la, unsigned size, bool user);
void shadow_write(struct cpu *cpu, vaddr la, u64 value, unsigned size, bool user);
void shadow_probe(struct cpu *cpu, vaddr la, unsigned size, bool user);

/* Before a read of a device register. */
static inline void cpu_sync_devices(struct cpu *cpu)
{
    if (cpu->bus.sync) {
        cpu->bus.sync(cpu->bus.opaque);
    }
}

/* Physical accesses with A20 and SMRAM as the processor sees them now. */
u64  phys_read(struct cpu *cpu, paddr addr, unsigned size);
void phys_write(struct cpu *cpu, paddr addr, u64 value, unsigned size);

/* Code: the host page of the linear page of `la`, which also enters the fetch TLB, and where in which region that page lies; NULL
 * when it is no memory. Raises #PF. */
const u8 *mem_fetch_page(struct cpu *cpu, vaddr la, struct region **region, u64 *offset);
/* The host page of code at `la` that the TLB holds back, or NULL. */
const u8 *mem_held_code(const struct cpu *cpu, vaddr la);
/* Whether somebody asks about instructions in the page of `la` (stop.h): then the TLB holds it back. */
bool mem_page_asked(const struct cpu *cpu, vaddr la);
/* One byte of code from anywhere. Raises #PF. */
u8 mem_fetch_byte(struct cpu *cpu, vaddr la);

/* For the monitor and the debugger: no fault, no side effect on A/D bits. False: not mapped. */
bool mem_peek(struct cpu *cpu, vaddr la, void *buffer, unsigned size);

/* Recomputes everything that derives from CR0, CR3, CR4, EFER, EFLAGS.VM/AC, CPL, segments and SMM. Call after changing one. */
void cpu_update_mode(struct cpu *cpu);
/* The same after a change of CS, SS, CPL, EFLAGS.VM or EFLAGS.AC only: a system call or an interrupt pays no more. */
void cpu_update_privilege(struct cpu *cpu);
/* PENDING_TRACKER follows the tracker of the current CPL. */
void cpu_update_tracker(struct cpu *cpu);
/* After a change of PKRU or IA32_PKRS only. */
void cpu_update_keys(struct cpu *cpu);
/* The same after a change of CR3 only. */
void cpu_update_paging(struct cpu *cpu);
/* Only cpu->code_mode: after a change of MXCSR or of the x87's control or status word that may mask or unmask an exception. */
void cpu_update_code_mode(struct cpu *cpu);
/* Whether instructions are counted: for the clock, or for performance counters. */
void cpu_update_counted(struct cpu *cpu);
/* Only the derived members of one segment register (after loading it). */
void cpu_update_segment(struct cpu *cpu, unsigned seg);

#endif
