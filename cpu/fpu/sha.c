/*
 * sha.c: the SHA extensions.
 *
 * Documents: Intel SDM Vol. 2 (instruction pages by name), FIPS 180-4. The first word of a state or message is in the highest lane of
 * SHA-1's registers; SHA-256 has its messages the other way round.
 */
#include "cpu/fpu/lanes.h"

static u32 rotate_left(u32 v, unsigned n)
{
    return v << n | v >> (32 - n);
}

/* FIPS 180-4 4.1.1, 4.2.1: function and constant of 20 rounds. */
static u32 sha1_function(unsigned which, u32 b, u32 c, u32 d)
{
    switch (which) {
    case 0: return ((b & c) ^ (~b & d)) + 0x5a827999;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1;
    case 2: return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc;
    default: return (b ^ c ^ d) + 0xca62c1d6;
    }
}

/* The first word of the message has E in it already (SHA1NEXTE). */
VEC(sha1rnds4)
{
    u32 d[4], w[4], e = 0;
    (void)cpu;
    memcpy(d, dst, 16);
    memcpy(w, src, 16);
    for (unsigned k = 4; k-- > 0;) {
        u32 a = sha1_function(imm & 3, d[2], d[1], d[0]) + rotate_left(d[3], 5) + w[k] + e;
        e     = d[0];
        d[0]  = d[1];
        d[1]  = rotate_left(d[2], 30);
        d[2]  = d[3];
        d[3]  = a;
    }
    memcpy(dst, d, 16);
}

MIX_OF(sha1nexte, u32, u32, 16, k == 3 ? s[3] + rotate_left(d[3], 30) : s[k])
MIX_OF(sha1msg1, u32, u32, 16, d[k] ^ (k > 1 ? d[k - 2] : s[k + 2]))

VEC(sha1msg2)
{
    u32 d[4], s[4];
    (void)cpu;
    (void)imm;
    memcpy(d, dst, 16);
    memcpy(s, src, 16);
    for (unsigned k = 4; k-- > 0;) {
        d[k] = rotate_left(d[k] ^ (k ? s[k - 1] : d[3]), 1);
    }
    memcpy(dst, d, 16);
}

/* FIPS 180-4 4.1.2. */
static u32 sum(u32 v, unsigned a, unsigned b, unsigned c)
{
    return rotate_left(v, 32 - a) ^ rotate_left(v, 32 - b) ^ rotate_left(v, 32 - c);
}

static u32 sigma(u32 v, unsigned a, unsigned b, unsigned shift)
{
    return rotate_left(v, 32 - a) ^ rotate_left(v, 32 - b) ^ v >> shift;
}

/* XMM0: two words of the message, constants added. */
VEC(sha256rnds2)
{
    u32 d[4], s[4];
    (void)imm;
    memcpy(d, dst, 16);
    memcpy(s, src, 16);
    for (unsigned k = 0; k < 2; k++) {
        u32 a = s[3], b = s[2], c = d[3], e = s[1], f = s[0], g = d[1];
        u32 t = ((e & f) ^ (~e & g)) + sum(e, 6, 11, 25) + cpu->xmm[0].d[k] + d[0];
        s[1]  = t + d[2];
        s[3]  = t + ((a & b) ^ (a & c) ^ (b & c)) + sum(a, 2, 13, 22);
        s[2]  = a;
        s[0]  = e;
        d[3]  = b;
        d[2]  = c;
        d[1]  = f;
        d[0]  = g;
    }
    memcpy(dst, s, 16);
}

MIX_OF(sha256msg1, u32, u32, 16, d[k] + sigma(k < 3 ? d[k + 1] : s[0], 7, 18, 3))

VEC(sha256msg2)
{
    u32 d[4], s[4];
    (void)cpu;
    (void)imm;
    memcpy(d, dst, 16);
    memcpy(s, src, 16);
    for (unsigned k = 0; k < 4; k++) {
        d[k] += sigma(k < 2 ? s[k + 2] : d[k - 2], 17, 19, 10);
    }
    memcpy(dst, d, 16);
}
