/*
 * known.c: what executors have differed in, each for itself.
 */
#include "tests/diff/known.h"

#include <string.h>

#include "cpu/base/bits.h"

enum { AT = RIG_CODE + 0x100, POINTER = RIG_DATA + 0x800 };

/* BX points to data, and so does what is at POINTER. */
static const struct known known[] = {
    {"FCOMI clears C1, which a load that found no room has set",
     RIG_64, 0x037f, 25,
     {0xdb, 0xe3, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee,
      0xd9, 0xe8, 0xdb, 0xf0, 0x0f, 0x0b, 0x90}},
    {"FUCOMIP clears C1",
     RIG_32, 0x037f, 25,
     {0xdb, 0xe3, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee, 0xd9, 0xee,
      0xd9, 0xe8, 0xdf, 0xe9, 0x0f, 0x0b, 0x90}},
    {"CVTPI2PS from memory enters MMX state",
     RIG_64, 0x037f, 7,
     {0xd9, 0xee, 0x0f, 0x2a, 0x03, 0x0f, 0x0b}},
    {"AX loaded from an absolute address points elsewhere",
     RIG_64, 0x037f, 21,
     {0x48, 0x89, 0xd8, 0x8b, 0x48, 0x08, 0x48, 0xa1, 0x00, 0xa8, 0, 0, 0, 0, 0, 0, 0x8b, 0x50, 0x08, 0x0f, 0x0b}},
    {"an absolute address of more than 32 bits",
     RIG_64, 0x037f, 11,
     {0x8a, 0x03, 0xa0, 0x00, 0xa0, 0, 0, 0x01, 0, 0, 0}},
    {"an FLDCW that is a call, and stores near to it",
     RIG_64, 0x0340, 13,
     {0xd9, 0x6b, 0x10, 0x8b, 0x4b, 0x14, 0x8b, 0x53, 0x18, 0x0f, 0x0b, 0x90, 0x90}},
    {"a call over nearly 2 GiB",
     RIG_64, 0x037f, 5,
     {0xe8, 0xf0, 0xff, 0xff, 0x7f}},
    {"a misaligned store of 16 bytes does not make a page dirty",
     RIG_64, 0x037f, 9,
     {0x0f, 0x29, 0x43, 0x01, 0x89, 0x4b, 0x10, 0x0f, 0x0b}},
    {"BSF of the last two bytes of a page",
     RIG_64, 0x037f, 11,
     {0x66, 0x0f, 0xbc, 0x83, 0xfe, 0x0f, 0x00, 0x00, 0x0f, 0x0b, 0x90}},
};

unsigned known_count(void)
{
    return ARRAY_LEN(known);
}

const char *known_make(unsigned number, struct rig_start *s)
{
    const struct known *k = &known[number];
    *s = (struct rig_start){.mode = k->mode, .cpl = 3, .ip = AT, .flags = FLAG_1 | FLAG_IF, .x87_control = k->control, .mxcsr = 0x1f80,
                            .code_limit = 0x5fff, .program = true};
    for (unsigned r = 0; r < 16; r++) {
        s->regs[r] = RIG_DATA + 0x400u + 0x40u * r;
    }
    s->regs[R_BX] = RIG_DATA;
    s->regs[R_SP] = RIG_STACK + 0x1000;
    memset(s->memory + RIG_CODE, 0xcc, RIG_DATA - RIG_CODE);
    for (unsigned at = RIG_DATA; at < RIG_END; at += 8) {
        store64(s->memory + at, at * 0x9e3779b97f4a7c15);
    }
    store64(s->memory + POINTER, RIG_DATA + 0x1800);
    store16(s->memory + RIG_DATA + 0x10, k->control);
    memcpy(s->memory + AT, k->code, k->bytes);
    s->end = AT + k->bytes - 1; /* an INT3 ends what does not end by itself: too many exceptions */
    return k->what;
}
