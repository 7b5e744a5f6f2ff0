/*
 * x87.c: x87 and MMX registers between struct cpu and the host's, by way of an FXSAVE image (SDM Vol. 1 10.5.1).
 */
#include <string.h>

#include "cpu/base/bits.h"
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
}

void x87_from_host(struct cpu *cpu)
{
    struct x87  *x = &cpu->x87;
    struct image image;
    if (!(cpu->host.live & NATIVE_LIVE_X87)) {
        return;
    }
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
