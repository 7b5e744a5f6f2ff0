/*
 * state.c: saving and loading x87, MMX and SSE state: FSTENV, FSAVE, FXSAVE and their counterparts, MXCSR, EMMS. XSAVE: xsave.c.
 *
 * SDM Vol. 1 8.1.10 (images of FSTENV), 10.5 (FXSAVE); Vol. 2, the instruction pages.
 */
#include <string.h>

#include "cpu/fpu/area.h"
#include "cpu/fpu/vex.h"
#include "cpu/fpu/x87.h"
#include "cpu/raise.h"

/* ---- FSTENV, FSAVE */

/* Tag word: two bits per physical register (SDM Vol. 1 8.1.7). */
static u16 tag_word(const struct cpu *cpu)
{
    u16 tags = 0;
    for (unsigned r = 0; r < 8; r++) {
        enum fp_class class = f80_classify(cpu->x87.reg[r]);
        unsigned tag = class == FP_NORMAL ? 0 : class == FP_ZERO_CLASS ? 1 : 2;
        tags |= (u16)((cpu->x87.valid >> r & 1 ? tag : 3) << (2 * r));
    }
    return tags;
}

static u8 valid_of_tags(u16 tags)
{
    u8 valid = 0;
    for (unsigned r = 0; r < 8; r++) {
        valid |= (u8)(((tags >> (2 * r) & 3) != 3) << r);
    }
    return valid;
}

static u16 status_word(const struct cpu *cpu)
{
    return cpu->x87.status | (u16)(cpu->x87.top << 11);
}

static void set_status_word(struct cpu *cpu, u16 status)
{
    cpu->x87.top = status >> 11 & 7;
    cpu->x87.status = (status & (u16) ~(7 << 11 | X87_ES | X87_B)) | (cpu->x87.status & X87_ES);
}

static bool real_form(const struct cpu *cpu)
{
    return !cpu->protected_mode || cpu->vm86;
}

static u32 linear20(u16 selector, u64 offset)
{
    return ((u32)selector << 4) + (u32)offset;
}

/* The 14 or 28 bytes of the environment. */
static unsigned put_environment(const struct cpu *cpu, u8 *b, bool wide)
{
    const struct x87 *x = &cpu->x87;
    u32 word[7] = {x->control,     status_word(cpu), tag_word(cpu), (u32)x->ip,
                   x->ip_selector, (u32)x->dp,       x->dp_selector};
    if (real_form(cpu)) {
        u32 ip = linear20(x->ip_selector, x->ip), dp = linear20(x->dp_selector, x->dp);
        word[3] = ip & 0xffff;
        word[4] = ip >> 16 << 12 | x->opcode;
        word[5] = dp & 0xffff;
        word[6] = dp >> 16 << 12;
    } else if (wide) {
        word[4] |= (u32)x->opcode << 16;
    }
    u8 reserved = real_form(cpu)
                      ? 0x2f
                      : 0x47; /* words of the 32-bit forms whose upper halves read as ones */
    for (unsigned k = 0; k < 7; k++) {
        if (wide) {
            store32(b + 4 * k, word[k] | (reserved >> k & 1 ? 0xffff0000 : 0));
        } else {
            store16(b + 2 * k, (u16)word[k]);
        }
    }
    return wide ? 28 : 14;
}

static void get_environment(struct cpu *cpu, const u8 *b, bool wide)
{
    struct x87 *x = &cpu->x87;
    u32 word[7];
    for (unsigned k = 0; k < 7; k++) {
        word[k] = wide ? load32(b + 4 * k) : load16(b + 2 * k);
    }
    x->control = (word[0] & 0x1f7f) | 0x40;
    set_status_word(cpu, (u16)word[1]);
    x->valid = valid_of_tags((u16)word[2]);
    if (real_form(cpu)) {
        x->ip = (word[3] & 0xffff) | (word[4] >> 12 & 0xffff) << 16;
        x->ip_selector = 0;
        x->dp = (word[5] & 0xffff) | (word[6] >> 12 & 0xffff) << 16;
        x->dp_selector = 0;
        x->opcode = word[4] & 0x7ff;
    } else {
        x->ip = word[3];
        x->ip_selector = (u16)word[4];
        x->dp = word[5];
        x->dp_selector = (u16)word[6];
        if (wide) {
            x->opcode = word[4] >> 16 & 0x7ff;
        }
    }
    x87_update_ferr(cpu);
}

/* An image of words or doublewords: SDM Vol. 3A table 6-7. */
static void check_image_aligned(struct cpu *cpu, const struct insn *i, unsigned size, bool write)
{
    mem_check_aligned(cpu, i->seg, insn_ea(cpu, i), size, i->opsize == 2 ? 2 : 4, write);
}

OP(fnstenv)
{
    u8 image[28];
    x87_check_no_wait(cpu);
    unsigned size = put_environment(cpu, image, i->opsize != 2);
    check_image_aligned(cpu, i, size, true);
    mem_write_bytes(cpu, i->seg, insn_ea(cpu, i), image, size);
    cpu->x87.control |= FP_ALL;
    x87_update_ferr(cpu);
}

OP(fldenv)
{
    u8 image[28];
    bool wide = i->opsize != 2;
    x87_check(cpu);
    check_image_aligned(cpu, i, wide ? 28 : 14, false);
    mem_read_bytes(cpu, i->seg, insn_ea(cpu, i), image, wide ? 28 : 14);
    get_environment(cpu, image, wide);
}

OP(fnsave)
{
    u8 image[28 + 80];
    x87_check_no_wait(cpu);
    unsigned size = put_environment(cpu, image, i->opsize != 2);
    for (unsigned n = 0; n < 8; n++, size += 10) {
        store64(image + size, x87_st(cpu, n)->mantissa);
        store16(image + size + 8, x87_st(cpu, n)->sign_exponent);
    }
    check_image_aligned(cpu, i, size, true);
    mem_write_bytes(cpu, i->seg, insn_ea(cpu, i), image, size);
    x87_init(cpu);
}

OP(frstor)
{
    u8 image[28 + 80];
    bool wide = i->opsize != 2;
    unsigned at = wide ? 28 : 14;
    x87_check(cpu);
    check_image_aligned(cpu, i, at + 80, false);
    mem_read_bytes(cpu, i->seg, insn_ea(cpu, i), image, at + 80);
    get_environment(cpu, image, wide);
    for (unsigned n = 0; n < 8; n++, at += 10) {
        *x87_st(cpu, n) = (struct float80){load64(image + at), load16(image + at + 8)};
    }
}

/* ---- the legacy area of FXSAVE and XSAVE: SDM Vol. 1 10.5.1, 13.4.1 */

void area_put_x87(const struct cpu *cpu, u8 *area, bool rex_w)
{
    const struct x87 *x = &cpu->x87;
    store16(area, x->control);
    store16(area + 2, status_word(cpu));
    area[4] = x->valid;
    area[5] = 0;
    store16(area + 6, x->opcode);
    store64(area + 8, rex_w ? x->ip : (u32)x->ip | (u64)x->ip_selector << 32);
    store64(area + 16, rex_w ? x->dp : (u32)x->dp | (u64)x->dp_selector << 32);
    for (unsigned n = 0; n < 8; n++) {
        const struct float80 *st = &x->reg[(x->top + n) & 7];
        store64(area + AREA_ST + 16 * n, st->mantissa);
        store64(area + AREA_ST + 16 * n + 8, st->sign_exponent);
    }
}

void area_get_x87(struct cpu *cpu, const u8 *area, bool rex_w)
{
    struct x87 *x = &cpu->x87;
    x->control = (load16(area) & 0x1f7f) | 0x40;
    set_status_word(cpu, load16(area + 2));
    x->valid = area[4];
    x->opcode = load16(area + 6) & 0x7ff;
    x->ip = rex_w ? load64(area + 8) : load32(area + 8);
    x->ip_selector = rex_w ? 0 : load16(area + 12);
    x->dp = rex_w ? load64(area + 16) : load32(area + 16);
    x->dp_selector = rex_w ? 0 : load16(area + 20);
    for (unsigned n = 0; n < 8; n++) {
        const u8 *st = area + AREA_ST + 16 * n;
        *x87_st(cpu, n) = (struct float80){load64(st), load16(st + 8)};
    }
    x87_update_ferr(cpu);
}

void area_put_mxcsr(const struct cpu *cpu, u8 *area)
{
    store32(area + AREA_MXCSR, cpu->mxcsr);
    store32(area + AREA_MXCSR + 4, MXCSR_VALID);
}

void area_put_xmm(const struct cpu *cpu, u8 *area)
{
    for (unsigned n = 0; n < xmm_count(cpu); n++) {
        memcpy(area + AREA_XMM + 16 * n, &cpu->xmm[n], 16);
    }
}

void area_get_xmm(struct cpu *cpu, const u8 *area)
{
    for (unsigned n = 0; n < xmm_count(cpu); n++) {
        memcpy(&cpu->xmm[n], area + AREA_XMM + 16 * n, 16);
    }
}

/* FXSAVE and FXRSTOR: #NM, then alignment; pending x87 exceptions are not looked at. Returns the
 * offset. */
static u64 fx_begin(struct cpu *cpu, const struct insn *i)
{
    x87_check_no_wait(cpu);
    u64 offset = insn_ea(cpu, i);
    explain_note(cpu, "address", cpu->seg[i->seg].base + offset);
    cpu_check(cpu, !((cpu->seg[i->seg].base + offset) & 15), RULE_GP_FXSAVE_UNALIGNED, 0);
    return offset;
}

OP(fxsave)
{
    u8 area[AREA_HEADER];
    u64 offset = fx_begin(cpu, i);
    area_put_x87(cpu, area, i->rex_w);
    area_put_mxcsr(cpu, area);
    area_put_xmm(cpu, area);
    mem_write_bytes(cpu, i->seg, offset, area, xmm_end(cpu));
}

OP(fxrstor)
{
    u8 area[AREA_HEADER];
    u64 offset = fx_begin(cpu, i);
    mem_read_bytes(cpu, i->seg, offset, area, xmm_end(cpu));
    u32 mxcsr = load32(area + AREA_MXCSR);
    explain_note(cpu, "new.mxcsr", mxcsr);
    cpu_check(cpu, !(mxcsr & ~(u32)MXCSR_VALID), RULE_GP_MXCSR, 0);
    area_get_x87(cpu, area, i->rex_w);
    cpu->mxcsr = mxcsr;
    cpu_update_code_mode(cpu);
    area_get_xmm(cpu, area);
}

/* ---- MXCSR, EMMS */

OP(ldmxcsr)
{
    vec_check(cpu, i);
    u32 mxcsr = (u32)mem_read(cpu, i->seg, insn_ea(cpu, i), 4);
    explain_note(cpu, "new.mxcsr", mxcsr);
    cpu_check(cpu, !(mxcsr & ~(u32)MXCSR_VALID), RULE_GP_MXCSR, 0);
    cpu->mxcsr = mxcsr;
    cpu_update_code_mode(cpu);
}

OP(stmxcsr)
{
    vec_check(cpu, i);
    mem_write(cpu, i->seg, insn_ea(cpu, i), cpu->mxcsr, 4);
}

OP(emms)
{
    (void)i;
    mmx_check(cpu);
    cpu->x87.top = 0;
    cpu->x87.valid = 0;
}
