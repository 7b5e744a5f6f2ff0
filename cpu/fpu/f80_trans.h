/*
 * f80_trans.h: the transcendental functions of the x87. Precision control does not apply to them (SDM Vol. 1 8.1.5.2).
 */
#ifndef CPU_FPU_F80_TRANS_H
#define CPU_FPU_F80_TRANS_H

#include "cpu/fpu/softfloat.h"

/* (-1)^sign * m * 2^(e - 127), bit 127 of m set. */
struct f80_wide {
    u128 m;
    i32 e;
    bool sign;
};

enum f80_function { F80_SINE, F80_COSINE, F80_2XM1, F80_ATAN2, F80_YL2X, F80_YL2XP1 };

/* f(x) or f(y, x) before it is rounded; m's last bit stands for all that fell off. False: something
 * other than rounding is to be done, see the functions below. */
bool f80_unrounded(enum f80_function f, struct float80 y, struct float80 x, struct f80_wide *r);

/* False: |a| >= 2^63, which is C2. */
bool f80_sine(struct float80 a, bool cosine, struct float80 *r, struct fp_status *s);
bool f80_sincos(struct float80 a, struct float80 *sine, struct float80 *cosine, struct fp_status *s);
bool f80_tan(struct float80 a, struct float80 *r, struct fp_status *s);
/* atan(y / x) in the quadrant of (x, y). */
struct float80 f80_atan2(struct float80 y, struct float80 x, struct fp_status *s);
/* 2^a - 1, |a| <= 1. */
struct float80 f80_2xm1(struct float80 a, struct fp_status *s);
/* y * log2(x) and y * log2(x + 1). */
struct float80 f80_yl2x(struct float80 y, struct float80 x, struct fp_status *s);
struct float80 f80_yl2xp1(struct float80 y, struct float80 x, struct fp_status *s);

#endif
