/*
 * descriptor.c: descriptors of the GDT and LDT: how they are found, read, taken apart and marked.
 * Intel SDM Vol. 3A 3.4.5, 3.5, 7.2.2; long mode 7.2.3.
 */
#include "cpu/op/op.h"

u32 desc_limit(const struct descriptor *d)
{
    u32 limit = (d->lo & 0xffff) | (d->hi & 0xf0000);
    return d->hi & BIT(23) ? limit << 12 | 0xfff : limit;
}

u64 desc_base(const struct descriptor *d)
{
    return d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000) | d->upper << 32;
}

u64 gate_offset(const struct descriptor *d, bool wide)
{
    u64 offset = (d->lo & 0xffff) | (d->hi & 0xffff0000);
    return wide ? offset | d->upper << 32 : desc_type(d) & 8 ? offset : offset & 0xffff;
}

/* Base and limit of the table that a selector names; false: no LDT is loaded. */
static bool table_of(const struct cpu *cpu, u16 selector, u64 *base, u32 *limit)
{
    if (selector & 4) {
        *base = cpu->ldtr.base;
        *limit = cpu->ldtr.limit;
        return cpu->ldtr.attr & ATTR_P;
    }
    *base = cpu->gdtr.base;
    *limit = cpu->gdtr.limit;
    return true;
}

bool descriptor_fetch(struct cpu *cpu, u16 selector, struct descriptor *d)
{
    u64 base;
    u32 limit, offset = selector & 0xfff8;
    if (!table_of(cpu, selector, &base, &limit) || (u64)offset + 7 > limit) {
        if (unlikely(cpu->explain)) {
            explain_descriptor(cpu, selector, base, limit, NULL);
        }
        return false;
    }
    vaddr address = system_linear(cpu, base + offset);
    u64   raw = sys_read(cpu, address, 8);
    *d = (struct descriptor){
        .lo = (u32)raw, .hi = (u32)(raw >> 32), .address = address, .selector = selector};
    if (unlikely(cpu->explain)) {
        explain_descriptor(cpu, selector, base, limit, d);
    }
    return true;
}

bool descriptor_fetch_upper(struct cpu *cpu, struct descriptor *d)
{
    u64 base;
    u32 limit;
    if (!table_of(cpu, d->selector, &base, &limit) || (u64)(d->selector & 0xfff8) + 15 > limit) {
        return false;
    }
    u64 raw = sys_read(cpu, system_linear(cpu, d->address + 8), 8);
    d->upper = (u32)raw;
    if (unlikely(cpu->explain)) {
        explain_upper(cpu, raw);
    }
    return !(raw >> 40 & 0x1f);
}

struct segment descriptor_segment(const struct descriptor *d, u16 selector)
{
    return (struct segment){.base = desc_base(d),
                            .limit = desc_limit(d),
                            .selector = selector,
                            .attr = (u16)(d->hi >> 8 & 0xf0ff)};
}

struct segment segment_null(u16 selector)
{
    return (struct segment){.selector = selector};
}

void descriptor_set_accessed(struct cpu *cpu, struct descriptor *d)
{
    if (desc_type(d) & TYPE_S && !(d->hi & BIT(8))) {
        d->hi |= BIT(8);
        sys_write(cpu, system_linear(cpu, d->address + 5), d->hi >> 8 & 0xff, 1);
    }
}

void descriptor_set_busy(struct cpu *cpu, struct descriptor *d, bool busy)
{
    d->hi = (u32)merge_bits(d->hi, BIT(9), busy ? BIT(9) : 0);
    sys_write(cpu, system_linear(cpu, d->address + 5), d->hi >> 8 & 0xff, 1);
}
