/*
 * segments.c: descriptors of the judged cases.
 */
#include "tests/host/segments.h"

#include "cpu/base/bits.h"

enum { DATA_TYPE = 3, FIXED_TYPE = 1, DOWN_TYPE = 7, CODE_TYPE = 11, HIDDEN_TYPE = 9 };

const struct host_descriptor host_ldt[LDT_COUNT] = {
    [LDT_CODE16]      = { CODE_AT, 0x1fff, CODE_TYPE, false, false, true },
    [LDT_CODE32]      = { CODE_AT - 0x10000, 0x11fff, CODE_TYPE, true, false, true },
    [LDT_CODE_HIDDEN] = { CODE_AT, 0x1fff, HIDDEN_TYPE, false, false, true },
    [LDT_DATA16]      = { DATA_AT - 0x1000, 0xffff, DATA_TYPE, false, false, true },
    [LDT_DATA_SHORT]  = { DATA_AT - 0x100, 0x12fb, DATA_TYPE, true, false, true },
    [LDT_DATA_PAGES]  = { DATA_AT + 0x10, 0, DATA_TYPE, true, true, true },
    [LDT_DATA_FIXED]  = { DATA_AT, 0x2fff, FIXED_TYPE, true, false, true },
    [LDT_DOWN16]      = { DATA_AT, 0x07f3, DOWN_TYPE, false, false, true },
    [LDT_DOWN32]      = { DATA_AT - 0x800, 0x0bff, DOWN_TYPE, true, false, true },
    [LDT_STACK16]     = { DATA_AT, 0x1fff, DATA_TYPE, false, false, true },
    [LDT_STACK32]     = { DATA_AT - 0x1000, 0x2fff, DATA_TYPE, true, false, true },
    [LDT_ABSENT]      = { DATA_AT, 0x1fff, DATA_TYPE, true, false, false },
};

static const struct host_descriptor gdt_code32 = { 0, 0xfffff, CODE_TYPE, true, true, true };
static const struct host_descriptor gdt_data   = { 0, 0xfffff, DATA_TYPE, true, true, true };

const struct host_descriptor *host_descriptor_of(u16 selector)
{
    unsigned index = selector >> 3;
    if (!(selector & 4)) {
        return index == SELECTOR_CODE32 >> 3 ? &gdt_code32 : index == SELECTOR_DATA >> 3 ? &gdt_data : NULL;
    }
    return index > LDT_NONE && index < LDT_COUNT ? &host_ldt[index] : NULL;
}

u64 host_descriptor_bytes(const struct host_descriptor *d)
{
    u64 base = d->base, limit = d->limit, flags = (u64)d->big << 2 | (u64)d->pages << 3;
    if (!d->type) {
        return 0;
    }
    return (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)(d->type | 0x70 | d->present << 7) << 40 | (limit >> 16) << 48 |
           flags << 52 | (base >> 24) << 56;
}

u32 host_descriptor_limit(const struct host_descriptor *d)
{
    return d->pages ? d->limit << 12 | 0xfff : d->limit;
}

u64 host_segment_base(const struct host_case *c, unsigned seg)
{
    if (c->code_bytes == 8) {
        return seg == SEG_GS ? GS_BASE : 0;
    }
    const struct host_descriptor *d = seg <= SEG_GS ? host_descriptor_of(c->in.seg[seg]) : NULL;
    return d ? d->base : 0;
}
