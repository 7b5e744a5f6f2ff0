/*
 * xsave.c: XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR, XRSTORS. SDM Vol. 1 chapter 13; Vol. 2, the instruction pages.
 *
 * x87 and SSE state lie in the legacy area, all other components behind the header: where CPUID says, or one after the other.
 */
#include <string.h>

#include "cpu/fpu/area.h"
#include "cpu/fpu/vex.h"
#include "cpu/fpu/x87.h"
#include "cpu/op/op.h"
#include "cpu/raise.h"

#define COMPACTED BIT(63)

/* ---- components */

static void put_ymm(const struct cpu *cpu, u8 *at)
{
    for (unsigned n = 0; n < xmm_count(cpu); n++) {
        memcpy(at + 16 * n, &cpu->xmm[n].q[2], 16);
    }
}

static void get_ymm(struct cpu *cpu, const u8 *at)
{
    for (unsigned n = 0; n < xmm_count(cpu); n++) {
        memcpy(&cpu->xmm[n].q[2], at + 16 * n, 16);
    }
}

static bool ymm_in_use(const struct cpu *cpu)
{
    u64 any = 0;
    for (unsigned n = 0; n < xmm_count(cpu); n++) {
        any |= cpu->xmm[n].q[2] | cpu->xmm[n].q[3];
    }
    return any;
}

static void put_pkru(const struct cpu *cpu, u8 *at)
{
    store64(at, cpu->pkru);
}

static void get_pkru(struct cpu *cpu, const u8 *at)
{
    cpu->pkru = load32(at);
    cpu_update_keys(cpu);
}

static bool pkru_in_use(const struct cpu *cpu)
{
    return cpu->pkru;
}

static void put_cet_u(const struct cpu *cpu, u8 *at)
{
    store64(at, cpu->msr.u_cet);
    store64(at + 8, cpu->msr.pl_ssp[3]);
}

static void get_cet_u(struct cpu *cpu, const u8 *at)
{
    cpu->msr.u_cet     = load64(at);
    cpu->msr.pl_ssp[3] = load64(at + 8);
    cpu_update_privilege(cpu);
}

static bool cet_u_in_use(const struct cpu *cpu)
{
    return cpu->msr.u_cet | cpu->msr.pl_ssp[3];
}

static bool cet_u_valid(const struct cpu *cpu, const u8 *at)
{
    return cet_register_valid(cpu, load64(at)) && cet_ssp_valid(cpu, load64(at + 8));
}

static void put_cet_s(const struct cpu *cpu, u8 *at)
{
    for (unsigned n = 0; n < 3; n++) {
        store64(at + 8 * n, cpu->msr.pl_ssp[n]);
    }
}

static void get_cet_s(struct cpu *cpu, const u8 *at)
{
    for (unsigned n = 0; n < 3; n++) {
        cpu->msr.pl_ssp[n] = load64(at + 8 * n);
    }
}

static bool cet_s_in_use(const struct cpu *cpu)
{
    return cpu->msr.pl_ssp[0] | cpu->msr.pl_ssp[1] | cpu->msr.pl_ssp[2];
}

static bool cet_s_valid(const struct cpu *cpu, const u8 *at)
{
    return cet_ssp_valid(cpu, load64(at)) && cet_ssp_valid(cpu, load64(at + 8)) && cet_ssp_valid(cpu, load64(at + 16));
}

#define COMPONENT_MAX 256

/* In the order of their bits. SDM Vol. 1 13.4.2, 13.4.3, 13.5. */
static const struct component {
    u8   bit;
    u16  offset, bytes; /* in the standard form; a supervisor's component has no place there */
    void (*put)(const struct cpu *cpu, u8 *at);
    void (*get)(struct cpu *cpu, const u8 *at); /* the initial state: from zeroes */
    bool (*in_use)(const struct cpu *cpu);
    bool (*valid)(const struct cpu *cpu, const u8 *at); /* may it be loaded? NULL: always */
} components[] = {
    {2, 576, 256, put_ymm, get_ymm, ymm_in_use, NULL},
    {9, 2688, 8, put_pkru, get_pkru, pkru_in_use, NULL},
    {11, 0, 16, put_cet_u, get_cet_u, cet_u_in_use, cet_u_valid},
    {12, 0, 24, put_cet_s, get_cet_s, cet_s_in_use, cet_s_valid},
};

/* What an instruction touches: half of the YMM registers outside 64-bit mode. */
static unsigned touched_bytes(const struct cpu *cpu, const struct component *c)
{
    return c->bit == 2 ? 16 * xmm_count(cpu) : c->bytes;
}

/* Where component n lies, in an area whose XCOMP_BV is `layout` (SDM Vol. 1 13.4.3). */
static unsigned component_at(unsigned n, u64 layout)
{
    if (!(layout & COMPACTED)) {
        return components[n].offset;
    }
    unsigned at = AREA_BYTES;
    for (unsigned k = 0; k < n; k++) {
        at += layout >> components[k].bit & 1 ? components[k].bytes : 0;
    }
    return at;
}

bool xsave_component(unsigned bit, u32 *offset, u32 *bytes)
{
    for (unsigned n = 0; n < ARRAY_LEN(components); n++) {
        if (components[n].bit == bit) {
            *offset = components[n].offset;
            *bytes  = components[n].bytes;
            return true;
        }
    }
    return false;
}

u32 xsave_area_bytes(u64 set, bool compacted)
{
    u32 end = AREA_BYTES;
    for (unsigned n = 0; n < ARRAY_LEN(components); n++) {
        if (set >> components[n].bit & 1) {
            end = component_at(n, set | (compacted ? COMPACTED : 0)) + components[n].bytes;
        }
    }
    return end;
}

/* ---- what is in use: SDM Vol. 1 13.6 */

static bool x87_in_use(const struct cpu *cpu)
{
    const struct x87 *x = &cpu->x87;
    if (x->control != 0x37f || x->status || x->top || x->valid || x->opcode || x->ip || x->dp ||
        x->ip_selector || x->dp_selector) {
        return true;
    }
    for (unsigned r = 0; r < 8; r++) {
        if (x->reg[r].mantissa || x->reg[r].sign_exponent) {
            return true;
        }
    }
    return false;
}

static bool sse_in_use(const struct cpu *cpu)
{
    u64 any = 0;
    for (unsigned n = 0; n < xmm_count(cpu); n++) {
        any |= cpu->xmm[n].q[0] | cpu->xmm[n].q[1];
    }
    return any;
}

static u64 in_use(const struct cpu *cpu)
{
    u64 used = (x87_in_use(cpu) ? XCR0_X87 : 0) | (sse_in_use(cpu) ? XCR0_SSE : 0);
    for (unsigned n = 0; n < ARRAY_LEN(components); n++) {
        used |= (u64)components[n].in_use(cpu) << components[n].bit;
    }
    return used;
}

u64 xsave_in_use(const struct cpu *cpu)
{
    return in_use(cpu) & cpu->xcr0;
}

/* ---- saving */

/* Checks; returns the offset, and the requested-feature bitmap out of `enabled`. */
static u64 xsave_begin(struct cpu *cpu, const struct insn *i, u64 enabled, u64 *rfbm)
{
    cpu_check(cpu, cpu->cr4 & CR4_OSXSAVE, RULE_UD_XSAVE_OFF, 0);
    cpu_check(cpu, !(cpu->cr0 & CR0_TS), RULE_NM_TASK_SWITCHED, 0);
    u64 offset = insn_ea(cpu, i);
    explain_note(cpu, "address", cpu->seg[i->seg].base + offset);
    cpu_check(cpu, !((cpu->seg[i->seg].base + offset) & 63), RULE_GP_XSAVE_UNALIGNED, 0);
    *rfbm = enabled & ((u64)(u32)cpu->regs[R_DX] << 32 | (u32)cpu->regs[R_AX]);
    return offset;
}

/* `wanted`: components to write; the rest of the area keeps what it holds (SDM Vol. 1 13.7, 13.9, 13.10). The header is written last:
 * XSTATE_BV, and XCOMP_BV if that is not 0. */
static void save_components(struct cpu *cpu, const struct insn *i, u64 offset, u64 wanted, bool mxcsr, const u64 header[2])
{
    u8       area[AREA_HEADER + 8], bytes[COMPONENT_MAX];
    unsigned seg = i->seg, end = xmm_end(cpu);
    mem_probe_write(cpu, seg, offset, AREA_BYTES);
    for (unsigned n = 0; n < ARRAY_LEN(components); n++) {
        if (wanted >> components[n].bit & 1) {
            mem_probe_write(cpu, seg, offset + component_at(n, header[1]), touched_bytes(cpu, &components[n]));
        }
    }
    if (wanted & XCR0_X87) {
        area_put_x87(cpu, area, i->rex_w);
        mem_write_bytes(cpu, seg, offset, area, AREA_MXCSR);
        mem_write_bytes(cpu, seg, offset + AREA_ST, area + AREA_ST, AREA_XMM - AREA_ST);
    }
    if (mxcsr) {
        area_put_mxcsr(cpu, area);
        mem_write_bytes(cpu, seg, offset + AREA_MXCSR, area + AREA_MXCSR, 8);
    }
    if (wanted & XCR0_SSE) {
        area_put_xmm(cpu, area);
        mem_write_bytes(cpu, seg, offset + AREA_XMM, area + AREA_XMM, end - AREA_XMM);
    }
    for (unsigned n = 0; n < ARRAY_LEN(components); n++) {
        if (wanted >> components[n].bit & 1) {
            components[n].put(cpu, bytes);
            mem_write_bytes(cpu, seg, offset + component_at(n, header[1]), bytes, touched_bytes(cpu, &components[n]));
        }
    }
    mem_write_bytes(cpu, seg, offset + AREA_HEADER, header, header[1] ? 16 : 8);
}

static void save_standard(struct cpu *cpu, const struct insn *i, bool only_in_use)
{
    u64 rfbm, offset = xsave_begin(cpu, i, cpu->xcr0, &rfbm), used = in_use(cpu);
    u64 header[2] = {(mem_read(cpu, i->seg, offset + AREA_HEADER, 8) & ~rfbm) | (used & rfbm), 0};
    save_components(cpu, i, offset, only_in_use ? rfbm & used : rfbm, rfbm & XCR0_YMM, header);
}

OP(xsave)
{
    save_standard(cpu, i, false);
}

/* The init optimization only: it is always allowed to write a component that was not modified. */
OP(xsaveopt)
{
    save_standard(cpu, i, true);
}

/* A changed MXCSR too makes SSE state used: SDM Vol. 1 13.10. */
static void save_compacted(struct cpu *cpu, const struct insn *i, u64 enabled)
{
    u64 rfbm, offset = xsave_begin(cpu, i, enabled, &rfbm), used = in_use(cpu);
    if (cpu->mxcsr != MXCSR_RESET) {
        used |= XCR0_SSE;
    }
    const u64 header[2] = {rfbm & used, rfbm | COMPACTED};
    save_components(cpu, i, offset, rfbm & used, rfbm & used & XCR0_SSE, header);
}

OP(xsavec)
{
    save_compacted(cpu, i, cpu->xcr0);
}

OP(xsaves)
{
    cpu_check(cpu, !cpu->cpl, RULE_GP_XSAVES_CPL, 0);
    save_compacted(cpu, i, cpu->xcr0 | cpu->msr.xss);
}

/* ---- loading */

static void init_x87_registers(struct cpu *cpu)
{
    x87_init(cpu);
    memset(cpu->x87.reg, 0, sizeof cpu->x87.reg);
}

static void init_xmm(struct cpu *cpu)
{
    for (unsigned n = 0; n < xmm_count(cpu); n++) {
        memset(&cpu->xmm[n], 0, 16);
    }
}

/* SDM Vol. 1 13.8.1, 13.8.2, 13.12. */
static void check_header(struct cpu *cpu, const u8 *header, u64 enabled)
{
    u64 present = load64(header), layout = load64(header + 8), rest = 0;
    explain_note(cpu, "xstate_bv", present);
    explain_note(cpu, "xcomp_bv", layout);
    explain_note(cpu, "enabled", enabled);
    if (layout & COMPACTED) {
        cpu_check(cpu, feature_on(&cpu->features, FEATURE_XSAVEC), RULE_GP_XRSTOR_COMPACTED, 0);
        cpu_check(cpu, !(layout & ~(enabled | COMPACTED)) && !(present & ~layout), RULE_GP_XRSTOR_LAYOUT, 0);
        for (unsigned at = 16; at < 64; at += 8) {
            rest |= load64(header + at);
        }
    } else {
        cpu_check(cpu, !(present & ~enabled), RULE_GP_XRSTOR_BV, 0);
        rest = layout | load64(header + 16);
    }
    cpu_check(cpu, !rest, RULE_GP_XRSTOR_HEADER, 0);
}

/* MXCSR, where it is loaded: from the area in its standard form, even where XSTATE_BV says that SSE state is the initial one. */
static bool restored_mxcsr(struct cpu *cpu, const u8 *area, u64 rfbm, u32 *mxcsr)
{
    bool compacted = load64(area + AREA_HEADER + 8) & COMPACTED;
    *mxcsr         = load32(area + AREA_MXCSR);
    if (compacted && !(load64(area + AREA_HEADER) & XCR0_SSE)) {
        *mxcsr = MXCSR_RESET;
    }
    if (!(rfbm & (compacted ? (u64)XCR0_SSE : (u64)XCR0_YMM))) {
        return false;
    }
    explain_note(cpu, "new.mxcsr", *mxcsr);
    cpu_check(cpu, !(*mxcsr & ~(u32)MXCSR_VALID), RULE_GP_MXCSR, 0);
    return true;
}

static void load_legacy(struct cpu *cpu, const u8 *area, u64 rfbm, u64 present, bool rex_w)
{
    if (rfbm & XCR0_X87) {
        if (present & XCR0_X87) {
            area_get_x87(cpu, area, rex_w);
        } else {
            init_x87_registers(cpu);
        }
    }
    if (rfbm & XCR0_SSE) {
        if (present & XCR0_SSE) {
            area_get_xmm(cpu, area);
        } else {
            init_xmm(cpu);
        }
    }
}

static void restore(struct cpu *cpu, const struct insn *i, u64 enabled)
{
    u8  area[AREA_BYTES], bytes[ARRAY_LEN(components)][COMPONENT_MAX];
    u32 mxcsr;
    u64 rfbm, offset = xsave_begin(cpu, i, enabled, &rfbm);
    mem_read_bytes(cpu, i->seg, offset, area, sizeof area);
    check_header(cpu, area + AREA_HEADER, enabled);
    u64  present = load64(area + AREA_HEADER), layout = load64(area + AREA_HEADER + 8);
    bool loads_mxcsr = restored_mxcsr(cpu, area, rfbm, &mxcsr);
    for (unsigned n = 0; n < ARRAY_LEN(components); n++) {
        const struct component *c = &components[n];
        memset(bytes[n], 0, c->bytes);
        if (rfbm & present & BIT(c->bit)) {
            mem_read_bytes(cpu, i->seg, offset + component_at(n, layout), bytes[n], touched_bytes(cpu, c));
            cpu_check(cpu, !c->valid || c->valid(cpu, bytes[n]), RULE_GP_XRSTORS_CET, 0);
        }
    }
    load_legacy(cpu, area, rfbm, present, i->rex_w);
    if (loads_mxcsr) {
        cpu->mxcsr = mxcsr;
        cpu_update_code_mode(cpu);
    }
    for (unsigned n = 0; n < ARRAY_LEN(components); n++) {
        if (rfbm & BIT(components[n].bit)) {
            components[n].get(cpu, bytes[n]);
        }
    }
}

OP(xrstor)
{
    restore(cpu, i, cpu->xcr0);
}

OP(xrstors)
{
    u64 rfbm;
    cpu_check(cpu, !cpu->cpl, RULE_GP_XSAVES_CPL, 0);
    u64 offset = xsave_begin(cpu, i, cpu->xcr0 | cpu->msr.xss, &rfbm);
    u64 layout = mem_read(cpu, i->seg, offset + AREA_HEADER + 8, 8);
    explain_note(cpu, "xcomp_bv", layout);
    cpu_check(cpu, layout & COMPACTED, RULE_GP_XRSTORS_STANDARD, 0);
    restore(cpu, i, cpu->xcr0 | cpu->msr.xss);
}
