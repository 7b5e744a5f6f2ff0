/*
 * x87.c: x87 and MMX registers between struct cpu and the host's, by way of an FXSAVE image (SDM Vol. 1 10.5.1).
 */
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/fpu/f80_trans.h"
#include "cpu/fpu/x87.h"
#include "tcg/native.h"

enum { IMAGE_BYTES = 512, IMAGE_STATUS = 2, IMAGE_TAG = 4, IMAGE_ST = 32 };
#define STATUS_TOP_SHIFT 11

struct image {
    _Alignas(16) u8 byte[IMAGE_BYTES];
};

static void save(struct image *image)
{
    __asm__ volatile("fxsave64 %0" : "=m"(*image));
}

void x87_to_host(struct cpu *cpu)
{
    const struct x87 *x = &cpu->x87;
    struct image      image;
    save(&image); /* XMM registers and MXCSR go back as they are */
    store16(image.byte, x->control);
    store16(image.byte + IMAGE_STATUS, (u16)(x->status | x->top << STATUS_TOP_SHIFT));
    image.byte[IMAGE_TAG] = x->valid;
    for (unsigned k = 0; k < 8; k++) {
        const struct float80 *r = &x->reg[(x->top + k) & 7];
        store64(image.byte + IMAGE_ST + 16 * k, r->mantissa);
        store16(image.byte + IMAGE_ST + 16 * k + 8, r->sign_exponent);
    }
    __asm__ volatile("fxrstor64 %0" : : "m"(image));
    cpu->host.live |= NATIVE_LIVE_X87;
    cpu->host.x87_note = 0;
}

/* What translated code has noted of its last x87 instruction becomes FIP, FCS, FOP. */
static void take_note(struct cpu *cpu)
{
    struct x87 *x    = &cpu->x87;
    u32         note = cpu->host.x87_note;
    if (note) {
        x->ip              = (cpu->host.x87_base + (note & 0xffff)) & cpu->ip_mask;
        x->ip_selector     = cpu->seg[SEG_CS].selector;
        x->opcode          = note >> 16 & 0x7ff;
        cpu->host.x87_note = 0;
    }
}

void x87_from_host(struct cpu *cpu)
{
    struct x87  *x = &cpu->x87;
    struct image image;
    if (!(cpu->host.live & NATIVE_LIVE_X87)) {
        return;
    }
    take_note(cpu);
    save(&image);
    __asm__ volatile("fninit");
    u16 status = load16(image.byte + IMAGE_STATUS);
    x->control = load16(image.byte);
    x->top     = status >> STATUS_TOP_SHIFT & 7;
    x->status  = (u16)(status & ~(7u << STATUS_TOP_SHIFT));
    x->valid   = image.byte[IMAGE_TAG];
    for (unsigned k = 0; k < 8; k++) {
        struct float80 *r = &x->reg[(x->top + k) & 7];
        r->mantissa       = load64(image.byte + IMAGE_ST + 16 * k);
        r->sign_exponent  = load16(image.byte + IMAGE_ST + 16 * k + 8);
    }
    cpu->host.live &= (u8)~NATIVE_LIVE_X87;
}

/* ---- transcendental functions, computed by C while the other registers stay in the host's
 *
 * FXSAVE, FNINIT and FXRSTOR take longer than the functions. So operands are popped, and the host itself rounds the result: it
 * adds what lies behind the last bit, which makes C1 and the flags too. All else is for the interpreter's function. */

enum {
    CONTROL_PLAIN = 0x33f,                /* all exceptions masked, 64 bits of precision */
    TAIL_BIAS = 1023, TAIL_E_MAX = 800,   /* the tail is a double, and nothing near its limits */
};

static bool function_of(const struct insn *i, enum f80_function *f)
{
    if (i->opcode != (M1 << 8 | 0xd9) || i->mem) {
        return false;
    }
    switch (i->modrm) {
    case 0xf0: *f = F80_2XM1; return true;
    case 0xf1: *f = F80_YL2X; return true;
    case 0xf3: *f = F80_ATAN2; return true;
    case 0xf9: *f = F80_YL2XP1; return true;
    case 0xfe: *f = F80_SINE; return true;
    case 0xff: *f = F80_COSINE; return true;
    default: return false;
    }
}

/* Empty operands set SF, without a change of anything but flags. */
static u16 status_with_operands(bool two)
{
    u16 status;
    if (two) {
        __asm__ volatile("fucomi %%st(1), %%st\n\tfnstsw %0" : "=m"(status) : : "cc");
    } else {
        __asm__ volatile("fucomi %%st(0), %%st\n\tfnstsw %0" : "=m"(status) : : "cc");
    }
    return status;
}

static struct float80 pop(void)
{
    struct float80 value;
    __asm__ volatile("fstpt %0" : "=m"(value));
    return value;
}

static void push(const struct float80 *value)
{
    __asm__ volatile("fldt %0" : : "m"(*value));
}

/* high + tail, where the tail's significand is what follows high's; rounded by the host. */
static void push_rounded(const struct f80_wide *r)
{
    u64            low  = (u64)r->m;
    struct float80 high = {(u64)(r->m >> 64), (u16)(r->sign << 15 | (r->e + 16383))};
    union {
        u64    bits;
        double value;
    } tail = {(u64)(r->e - 127 + 11 + TAIL_BIAS) << 52};
    tail.value *= (double)(i64)(low >> 11 | ((low & 0x7ff) != 0)); /* exact */
    tail.bits |= (u64)r->sign << 63;
    push(&high);
    __asm__ volatile("faddl %0" : : "m"(tail));
}

/* All registers to struct cpu, as if nothing had been tried. */
static bool give_up(struct cpu *cpu, u16 status)
{
    x87_from_host(cpu);
    cpu->x87.status = status & (u16)~(7u << STATUS_TOP_SHIFT);
    return false;
}

bool x87_function(struct cpu *cpu, const struct insn *i)
{
    enum f80_function f;
    struct f80_wide   r;
    struct float80    x, y = {0, 0};
    u16               control, status;
    if (!function_of(i, &f)) {
        return false;
    }
    bool two = f >= F80_ATAN2;
    __asm__ volatile("fnstcw %0\n\tfnstsw %1" : "=m"(control), "=m"(status));
    if ((control & CONTROL_PLAIN) != CONTROL_PLAIN || status & (X87_SF | X87_C2) || cpu->cr0 & (CR0_EM | CR0_TS)) {
        return false;
    }
    if (status_with_operands(two) & X87_SF) {
        return give_up(cpu, status);
    }
    x = pop();
    if (two) {
        y = pop();
    }
    if (!f80_unrounded(f, y, x, &r) || r.e > TAIL_E_MAX || r.e < -TAIL_E_MAX) {
        if (two) {
            push(&y);
        }
        push(&x);
        return give_up(cpu, status);
    }
    push_rounded(&r);
    cpu->host.x87_note = 0;
    x87_note(cpu, i);
    return true;
}
