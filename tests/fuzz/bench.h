/*
 * bench.h: whole PCs for tests of abuse: scratch images on every drive, blank firmware, a counted clock, and a repeatable
 * sequence of random numbers. The processor stands still unless a test steps it.
 */
#ifndef TESTS_FUZZ_BENCH_H
#define TESTS_FUZZ_BENCH_H

#include "cpu/base/bits.h"
#include "frontend/machine/machine.h"

struct fuzz {
    struct machine *m;
    u64             seed, steps;
    const char     *actor; /* who is at work, for reports */
    char            folder[64];
    int             host_end; /* what is written here arrives at COM1; what COM1 sends can be read */
    struct chardev *com1;
};

/* ---- random numbers; compilers evaluate arguments in different orders, so a seed leads elsewhere on another host */

static inline u64 any64(struct fuzz *f)
{
    f->seed += 0x9e3779b97f4a7c15; /* SplitMix64 */
    u64 z = f->seed;
    z     = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z     = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline u32 below(struct fuzz *f, u32 n)
{
    return (u32)((any64(f) >> 32) * n >> 32);
}

static inline bool one_in(struct fuzz *f, u32 n)
{
    return below(f, n) == 0;
}

#define PICK(f, array) ((array)[below(f, ARRAY_LEN(array))])

/* Values at which things break: 0, ones, single bits and their neighbours, and any. */
u64 odd_value(struct fuzz *f);
/* A place in RAM, mostly aligned and mostly low; now and then at an edge or outside. */
paddr some_address(struct fuzz *f);

/* ---- the bus */

static inline void out(struct fuzz *f, u32 port, u64 value, unsigned size)
{
    space_write(f->m->ports, port & 0xffff, size == 8 ? value : value & (BIT(8 * size) - 1), size, false);
}

static inline u32 in(struct fuzz *f, u32 port, unsigned size)
{
    return (u32)space_read(f->m->ports, port & 0xffff, size, false);
}

static inline void poke(struct fuzz *f, paddr addr, u64 value, unsigned size)
{
    space_write(f->m->memory, addr, size == 8 ? value : value & (BIT(8 * size) - 1), size, false);
}

static inline u64 peek(struct fuzz *f, paddr addr, unsigned size)
{
    return space_read(f->m->memory, addr, size, false);
}

u32  pci_read(struct fuzz *f, unsigned devfn, unsigned reg);
void pci_write(struct fuzz *f, unsigned devfn, unsigned reg, u64 value, unsigned size);

/* Guest time goes on, timers fire, host events are taken. */
void pass_time(struct fuzz *f, i64 ns);

/* ---- machines */

/* `plain`: the machine that state tests compare; else model, size of RAM and drives vary with the seed. At guest time `now`. */
bool bench_create(struct fuzz *f, u64 seed, bool plain, i64 now);
void bench_destroy(struct fuzz *f);
/* Bases as firmware would set them, so that every device answers where the actors look. */
void bench_configure(struct fuzz *f);
/* What the run loop does with requests: a reset happens, power-off and quit are survived. */
void bench_requests(struct fuzz *f);

enum { IDE_BASE = 0xc000, PM_BASE = 0x600, SMB_BASE = 0x700, VGA_FB = 0xfd000000, VGA_MMIO = 0xfebf0000 };
enum { DEVFN_HOST = 0x00, DEVFN_ISA = 0x08, DEVFN_IDE = 0x09, DEVFN_PM = 0x0b, DEVFN_VGA = 0x10 };

/* ---- actors: each does one plausible or senseless thing to one device */

struct actor {
    const char *name;
    void (*act)(struct fuzz *f);
    unsigned weight;
    bool     host; /* also moves what is no device's state: the processor, the user, files */
};
/* One step of an actor chosen by weight. */
void act(struct fuzz *f, bool guest_only);

void act_ide(struct fuzz *f);
void act_floppy(struct fuzz *f);
void act_vga(struct fuzz *f);

#endif
