/*
 * mem.h: small host allocations that are bounded by the machine's own wiring, never by guest input.
 *
 * When the host has not even those, nothing useful can go on: the program ends. Sizes that a user
 * or an image file chooses (RAM, disk tables) must be allocated with a check and a struct error
 * instead.
 */
#ifndef CPU_BASE_MEM_H
#define CPU_BASE_MEM_H

#include <stdio.h>
#include <stdlib.h>

#include "cpu/base/types.h"

static inline void *mem_check(void *p)
{
    if (!p) {
        fputs("ringside: the host is out of memory\n", stderr);
        abort();
    }
    return p;
}

/* `count` zeroed objects of `size` bytes. */
static inline void *mem_zeroed(size_t count, size_t size)
{
    return mem_check(calloc(count ? count : 1, size));
}

static inline void *mem_resize(void *p, size_t size)
{
    return mem_check(realloc(p, size ? size : 1));
}

#endif
