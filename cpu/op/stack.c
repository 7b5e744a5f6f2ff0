/*
 * stack.c: frames: several values pushed at once, on the current stack or on that of another ring. Everything is checked
 * before the first byte is written, so that a fault in the middle leaves memory and registers as they were.
 */
#include "cpu/op/crossing_note.h"
#include "cpu/op/op.h"

bool segment_covers(const struct segment *s, u64 offset, unsigned size)
{
    u64 last = offset + size - 1;
    if ((s->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN) {
        return offset > s->limit && last <= (s->attr & ATTR_DB ? 0xffffffff : 0xffff);
    }
    return last <= s->limit;
}

u64 segment_stack_mask(const struct segment *ss)
{
    return ss->attr & ATTR_DB ? 0xffffffff : 0xffff;
}

void frame_begin(struct cpu *cpu, struct frame *f, unsigned width)
{
    f->ss = cpu->seg[SEG_SS];
    f->sp = cpu->regs[R_SP] & cpu->stack_mask;
    f->mask = cpu->stack_mask;
    f->limit_rule = RULE_SS_LIMIT;
    f->canonical_rule = RULE_SS_CANONICAL;
    f->error = 0;
    f->wide = cpu->code_bytes == 8;
    f->user = cpu->cpl == 3;
    f->width = (u8)width;
    f->count = 0;
}

void frame_begin_on(struct frame *f, const struct segment *ss, u64 sp, bool wide, unsigned cpl, unsigned width,
                    u32 error)
{
    f->ss = *ss;
    f->mask = wide ? ~(u64)0 : segment_stack_mask(ss);
    f->sp = sp & f->mask;
    f->limit_rule = RULE_SS_NEW_LIMIT;
    f->canonical_rule = RULE_SS_NEW_CANONICAL;
    f->error = error;
    f->wide = wide;
    f->user = cpl == 3;
    f->width = (u8)width;
    f->count = 0;
}

static vaddr frame_linear(const struct frame *f, u64 offset)
{
    return f->wide ? offset : (u32)(f->ss.base + offset);
}

static void check_range(struct cpu *cpu, const struct frame *f, u64 offset, unsigned size)
{
    if (f->wide) {
        cpu_check(cpu, cpu_canonical(cpu, offset) && cpu_canonical(cpu, offset + size - 1), f->canonical_rule, f->error);
    } else {
        cpu_check(cpu, segment_covers(&f->ss, offset, size), f->limit_rule, f->error);
    }
}

/* The frame lies in one piece, without wrapping around the end of the segment or of linear memory. */
static bool in_one_piece(const struct frame *f, u64 low, unsigned size)
{
    return low + size - 1 <= f->mask && low + size - 1 >= low &&
           (f->wide || frame_linear(f, low) <= 0xffffffff - (size - 1));
}

/* The TLB's entries are permissions: a hit for the whole frame needs no further check of paging. */
static u8 *frame_host(struct cpu *cpu, const struct frame *f, u64 low, unsigned size)
{
    enum tlb_view view = f->user ? TLB_USER : TLB_SUPERVISOR;
    return tlb_hit(cpu->tlb.data[view][TLB_WRITE], frame_linear(f, low), size);
}

/* The same of an entry that the TLB holds back: each push is then to be seen. */
static bool is_held(const struct cpu *cpu, const struct frame *f, u64 low, unsigned size)
{
    vaddr la = frame_linear(f, low);
    return unlikely(cpu->stops) && (la & (PAGE_SIZE - 1)) + size <= PAGE_SIZE &&
           tlb_held(&cpu->tlb, f->user ? TLB_USER : TLB_SUPERVISOR, TLB_WRITE, la);
}

/* From the top down, once per page, so that CR2 is that of the first push that fails. */
static void probe_paging(struct cpu *cpu, const struct frame *f)
{
    vaddr probed = ~(vaddr)0;
    for (unsigned n = 1; n <= f->count; n++) {
        vaddr la = frame_linear(f, (f->sp - n * f->width) & f->mask);
        if ((la & PAGE_MASK) != probed) {
            lin_probe_write_as(cpu, la, f->width, f->user);
            probed = la & PAGE_MASK;
        }
    }
}

/* A push at ring 3: SDM Vol. 3A table 6-7 (pushes to an inner ring's stack are not checked). */
static void check_aligned(struct cpu *cpu, const struct frame *f, u64 low)
{
    cpu_check(cpu, !(cpu->align_check && f->user && frame_linear(f, low) & (f->width - 1u)), RULE_AC_UNALIGNED, 0);
}

void frame_check(struct cpu *cpu, const struct frame *f)
{
    unsigned size = f->count * f->width;
    u64      low = (f->sp - size) & f->mask;
    if (unlikely(cpu->explain) && !explain_frame(cpu, f)) {
        return;
    }
    if (in_one_piece(f, low, size)) {
        check_range(cpu, f, low, size);
        check_aligned(cpu, f, low);
        if (!frame_host(cpu, f, low, size) && !is_held(cpu, f, low, size)) {
            probe_paging(cpu, f);
        }
        return;
    }
    for (unsigned n = 1; n <= f->count; n++) {
        check_range(cpu, f, (f->sp - n * f->width) & f->mask, f->width);
    }
    check_aligned(cpu, f, low);
    probe_paging(cpu, f);
}

u64 frame_write(struct cpu *cpu, const struct frame *f)
{
    unsigned size = f->count * f->width;
    u64      low = (f->sp - size) & f->mask;
    frame_check(cpu, f);
    crossing_frame(cpu, f, low);
    u8 *host = in_one_piece(f, low, size) ? frame_host(cpu, f, low, size) : NULL;
    for (unsigned n = 0; n < f->count; n++) {
        if (host) {
            store_le(host + size - (n + 1) * f->width, f->value[n], f->width);
        } else {
            u64 offset = (f->sp - (n + 1) * f->width) & f->mask;
            lin_write_as(cpu, frame_linear(f, offset), f->value[n], f->width, f->user);
        }
    }
    return low;
}
