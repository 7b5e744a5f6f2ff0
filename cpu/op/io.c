/*
 * io.c: IN, OUT, and the rights to ports that string I/O shares: IOPL and the TSS's bitmap. Intel SDM Vol. 1 19.5.
 */
#include "cpu/op/op.h"

/* The bitmap of a 32-bit TSS (or the one of long mode): all bits of the access must be clear. */
static bool bitmap_allows(struct cpu *cpu, u16 port, unsigned size)
{
    if (!(cpu->tr.attr & ATTR_P) || !(cpu->tr.attr & 8) || cpu->tr.limit < 103) {
        return false;
    }
    u32 map = (u32)sys_read(cpu, system_linear(cpu, cpu->tr.base + 102), 2);
    u32 at = map + port / 8;
    explain_note(cpu, "map", map);
    explain_note(cpu, "map.byte", at);
    if (at + 1 > cpu->tr.limit) { /* two bytes are always read */
        return false;
    }
    u32 bits = (u32)sys_read(cpu, system_linear(cpu, cpu->tr.base + at), 2);
    return !(bits >> (port & 7) & ((1u << size) - 1));
}

void io_check(struct cpu *cpu, u16 port, unsigned size)
{
    if (!cpu->protected_mode || (!cpu->vm86 && cpu->cpl <= iopl(cpu))) {
        return;
    }
    if (unlikely(cpu->explain)) {
        explain_port(cpu, port, size, false);
    }
    cpu_check(cpu, bitmap_allows(cpu, port, size), RULE_GP_IO_BITMAP, 0);
}

static void note_breakpoint(struct cpu *cpu, u16 port, unsigned size)
{
    if (unlikely(debug_breakpoints_on(cpu))) {
        cpu->pending_db |= debug_io_hits(cpu, port, size);
    }
}

u32 io_read(struct cpu *cpu, u16 port, unsigned size)
{
    note_breakpoint(cpu, port, size);
    if (unlikely(cpu->explain)) {
        return 0;
    }
    cpu_sync_devices(cpu);
    return (u32)space_read(cpu->ports, port, size, cpu->in_smm);
}

void io_write(struct cpu *cpu, u16 port, u32 value, unsigned size)
{
    note_breakpoint(cpu, port, size);
    if (unlikely(cpu->explain)) {
        return;
    }
    space_write(cpu->ports, port, size == 4 ? value : value & ((1u << 8 * size) - 1), size, cpu->in_smm);
}

static unsigned io_width(const struct insn *i)
{
    return i->w > 4 ? 4 : i->w;
}

static void in(struct cpu *cpu, const struct insn *i, u16 port)
{
    unsigned size = io_width(i);
    io_check(cpu, port, size);
    gpr_write(cpu, R_AX * 8, size, io_read(cpu, port, size));
}

static void out(struct cpu *cpu, const struct insn *i, u16 port)
{
    unsigned size = io_width(i);
    io_check(cpu, port, size);
    io_write(cpu, port, (u32)cpu->regs[R_AX], size);
}

OP(in_imm)
{
    in(cpu, i, (u8)i->imm);
}

OP(in_dx)
{
    in(cpu, i, (u16)cpu->regs[R_DX]);
}

OP(out_imm)
{
    out(cpu, i, (u8)i->imm);
}

OP(out_dx)
{
    out(cpu, i, (u16)cpu->regs[R_DX]);
}
