/*
 * area.h: the legacy area of FXSAVE and XSAVE: SDM Vol. 1 10.5.1, 13.4.1.
 */
#ifndef CPU_FPU_AREA_H
#define CPU_FPU_AREA_H

#include "cpu/state.h"

enum { MXCSR_VALID = 0xffff, MXCSR_RESET = 0x1f80 };
enum { AREA_MXCSR = 24, AREA_ST = 32, AREA_XMM = 160, AREA_HEADER = 512, AREA_BYTES = 576 };

static inline unsigned xmm_count(const struct cpu *cpu)
{
    return cpu->code_bytes == 8 ? 16 : 8;
}

static inline unsigned xmm_end(const struct cpu *cpu)
{
    return AREA_XMM + 16 * xmm_count(cpu);
}

/* From and to the first AREA_HEADER bytes of an area. */
void area_put_x87(const struct cpu *cpu, u8 *area, bool rex_w);
void area_get_x87(struct cpu *cpu, const u8 *area, bool rex_w);
void area_put_mxcsr(const struct cpu *cpu, u8 *area);
void area_put_xmm(const struct cpu *cpu, u8 *area);
void area_get_xmm(struct cpu *cpu, const u8 *area);

#endif
