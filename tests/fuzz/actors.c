/*
 * actors.c: what the guest, the user and time may do to the devices of a PC, chosen at random. Long conversations with the
 * drives and the display are in files of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "cpu/mem.h"
#include "devices/chipset/pci.h"
#include "devices/chipset/piix4_pm.h"
#include "devices/display/vga.h"
#include "devices/irq/lapic.h"
#include "devices/storage/fdc.h"
#include "devices/storage/ide.h"
#include "frontend/machine/input.h"
#include "tests/fuzz/bench.h"

static unsigned any_size(struct fuzz *f)
{
    return 1u << below(f, 4);
}

static void touch(struct fuzz *f, struct space *space, paddr addr, unsigned size)
{
    bool smm = one_in(f, 16);
    if (one_in(f, 2)) {
        space_read(space, addr, size, smm);
    } else {
        u64 value = odd_value(f);
        space_write(space, addr, size == 8 ? value : value & (BIT(8 * size) - 1), size, smm);
    }
}

/* ---- anything anywhere */

static const struct {
    u16 base, count;
} known_ports[] = {
    {0x00, 0x10},  {0x20, 2},     {0x40, 4},    {0x60, 5},    {0x70, 8},    {0x80, 0x20}, {0xa0, 2},     {0xb2, 2},
    {0xc0, 0x20},  {0xe0, 16},    {0xf0, 2},    {0x170, 8},   {0x1ce, 4},   {0x1f0, 8},   {0x2e8, 8},    {0x2f8, 8},
    {0x376, 2},    {0x378, 8},    {0x3b0, 16},  {0x3c0, 32},  {0x3e8, 8},   {0x3f0, 8},   {0x3f8, 8},    {0x402, 1},
    {0x4d0, 2},    {0x501, 4},    {0x510, 12},  {0x600, 0x40}, {0x700, 16}, {0xae00, 32}, {0xafe0, 4}, {0xcd6, 2},    {0xcf8, 8},
    {0xc000, 16},  {0xb000, 64},  {0x2000, 32}, {0x5658, 4},  {0xf4, 4},
};

static void act_any_port(struct fuzz *f)
{
    unsigned i    = below(f, ARRAY_LEN(known_ports));
    u32      port = one_in(f, 16) ? below(f, 0x10000) : known_ports[i].base + below(f, known_ports[i].count);
    touch(f, f->m->ports, port, 1u << below(f, 3));
}

static void act_any_memory(struct fuzz *f)
{
    static const struct {
        paddr base;
        u32   size;
    } known[] = {{0xa0000, 0x20000},    {0xc0000, 0x40000},      {0xfec00000, 0x100}, {0xfed00000, 0x400},
                 {0xfee00000, 0x400},   {0xff000000, 0x1000000}, {VGA_FB, 0x1000000}, {VGA_MMIO, 0x1000},
                 {0xfffc0000, 0x40000}, {0, 0x1100000}};
    unsigned i    = below(f, ARRAY_LEN(known));
    paddr    addr = one_in(f, 16) ? odd_value(f) : known[i].base + below(f, known[i].size);
    touch(f, f->m->memory, addr, any_size(f));
}

/* ---- chipset */

static void act_pci(struct fuzz *f)
{
    static const u8  functions[] = {DEVFN_HOST, DEVFN_ISA, DEVFN_IDE, DEVFN_PM, DEVFN_VGA};
    static const u32 places[]    = {0, 0x1000, 0xa0000, 0xfffe0000, 0xfec00000, 0xfee00000, 0xfed00000, VGA_FB,
                                    VGA_MMIO, 0x60, 0x1f0, 0x3c0, 0xcf8, 0xfff0, 0xfffff000, 0x1000000};
    unsigned         devfn       = one_in(f, 16) ? below(f, 256) : PICK(f, functions);
    switch (below(f, 8)) {
    case 0: /* the size of a BAR */
        pci_write(f, devfn, 0x10 + 4 * below(f, 6), 0xffffffff, 4);
        pci_read(f, devfn, 0x10 + 4 * below(f, 6));
        break;
    case 1: /* a BAR over something else */
        pci_write(f, devfn, 0x10 + 4 * below(f, 6), PICK(f, places) | below(f, 2), 4);
        break;
    case 2: /* the expansion ROM */
        pci_write(f, devfn, 0x30, PICK(f, places) | below(f, 2), 4);
        break;
    case 3:
        pci_write(f, devfn, 4, one_in(f, 2) ? 7 : odd_value(f), 2);
        break;
    case 4: /* PAM and SMRAM */
        pci_write(f, DEVFN_HOST, 0x59 + below(f, 0x1a), odd_value(f), 1);
        break;
    case 5:
        out(f, 0xcf8, any64(f), 1u << below(f, 3));
        touch(f, f->m->ports, 0xcfc + below(f, 4), 1u << below(f, 3));
        break;
    case 6:
        pci_write(f, devfn, below(f, 256), odd_value(f), 1u << below(f, 3));
        break;
    default:
        bench_configure(f);
        break;
    }
}

static void act_power(struct fuzz *f)
{
    switch (below(f, 8)) {
    case 0: /* PM1_CNT: SLP_EN with each type */
        out(f, PM_BASE + 4, 0x2000 | below(f, 8) << 10 | below(f, 2), 2);
        break;
    case 1:
        out(f, 0xcf9, below(f, 16), 1);
        break;
    case 2:
        out(f, 0x64, 0xfe, 1);
        break;
    case 3: /* an SMBus transfer */
        out(f, SMB_BASE + 4, 0xa0 | below(f, 16), 1);
        out(f, SMB_BASE + 3, below(f, 256), 1);
        out(f, SMB_BASE + 5, below(f, 256), 1);
        out(f, SMB_BASE + 7, below(f, 256), 1);
        out(f, SMB_BASE + 2, 0x40 | below(f, 8) << 2 | below(f, 4), 1);
        in(f, SMB_BASE, 1);
        break;
    case 4:
        out(f, 0xb2 + below(f, 2), below(f, 256), 1);
        break;
    case 5:
        outside_power_button(f->m);
        break;
    default:
        touch(f, f->m->ports, PM_BASE + below(f, 0x40), 1u << below(f, 3));
        break;
    }
}

static void act_fw_cfg(struct fuzz *f)
{
    static const u16 selectors[] = {0, 1, 2, 3, 4, 5, 7, 8, 0xb, 0xc, 0xd, 0xe, 0xf, 0x11, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
                                    0x20, 0x21, 0x22, 0x25, 0x28, 0x2a, 0x8000, 0x8001, 0x8002, 0x8003, 0xc000, 0xffff};
    u16              selector    = one_in(f, 4) ? (u16)odd_value(f) : PICK(f, selectors);
    if (one_in(f, 2)) {
        out(f, 0x510, selector, 2);
        for (unsigned n = below(f, 200); n > 0; n--) {
            touch(f, f->m->ports, 0x511, 1u << below(f, 3));
        }
        return;
    }
    paddr at      = some_address(f);
    u32   control = (u32)selector << 16 | below(f, 32);
    u32   length  = below(f, one_in(f, 64) ? 0xffffffff : 5000);
    poke(f, at, __builtin_bswap32(control), 4);
    poke(f, at + 4, __builtin_bswap32(length), 4);
    poke(f, at + 8, __builtin_bswap64(some_address(f)), 8);
    if (one_in(f, 4)) {
        out(f, 0x514, __builtin_bswap32((u32)(at >> 32)), 4);
    }
    out(f, 0x518, __builtin_bswap32((u32)at), 4);
}

/* ---- interrupts, timers, DMA */

static void act_pics(struct fuzz *f)
{
    u32 base = one_in(f, 2) ? 0x20 : 0xa0;
    if (one_in(f, 4)) { /* ICW1 to ICW4, or some of them */
        out(f, base, 0x10 | below(f, 32), 1);
        for (unsigned n = below(f, 4); n > 0; n--) {
            out(f, base + 1, below(f, 256), 1);
        }
    } else if (one_in(f, 3)) {
        out(f, base + 1, odd_value(f), 1);
    } else if (one_in(f, 2)) {
        out(f, base, below(f, 256), 1);
        in(f, base + below(f, 2), 1);
    } else {
        out(f, 0x4d0 + below(f, 2), odd_value(f), 1);
    }
    if (one_in(f, 4)) { /* the processor takes an interrupt */
        struct cpu *cpu = f->m->cpu;
        if (cpu->intr) {
            cpu->bus.acknowledge(cpu->bus.opaque);
        }
    }
}

static void act_pit(struct fuzz *f)
{
    unsigned counter = below(f, 4);
    out(f, 0x43, counter << 6 | below(f, 64), 1);
    for (unsigned n = below(f, 4); n > 0; n--) {
        if (one_in(f, 2)) {
            out(f, 0x40 + below(f, 3), one_in(f, 2) ? below(f, 4) : below(f, 256), 1);
        } else {
            in(f, 0x40 + below(f, 3), 1);
        }
    }
    out(f, 0x61, below(f, 256), 1);
    in(f, 0x61, 1);
}

static void act_rtc(struct fuzz *f)
{
    unsigned reg = below(f, one_in(f, 2) ? 0x10 : 0x100);
    out(f, 0x70, reg, 1);
    if (one_in(f, 2)) {
        out(f, 0x71, one_in(f, 2) ? below(f, 256) : odd_value(f), 1);
    } else {
        in(f, 0x71, 1);
    }
    if (one_in(f, 4)) {
        out(f, 0x70, 0x0b, 1);
        out(f, 0x71, below(f, 128), 1);
        out(f, 0x70, 0x0a, 1);
        out(f, 0x71, 0x20 | below(f, 16), 1);
    }
}

static void act_hpet(struct fuzz *f)
{
    paddr base = 0xfed00000, timer = base + 0x100 + 0x20 * below(f, 4);
    switch (below(f, 6)) {
    case 0:
        poke(f, base + 0x10, below(f, 4), one_in(f, 2) ? 4 : 8);
        break;
    case 1:
        poke(f, base + 0xf0, odd_value(f), one_in(f, 2) ? 4 : 8);
        break;
    case 2:
        poke(f, timer, odd_value(f) & 0x7fff, 4);
        break;
    case 3: /* periods of a few ticks too */
        poke(f, timer, 0x4c, 4);
        poke(f, timer + 8, one_in(f, 2) ? below(f, 1000) : odd_value(f), one_in(f, 2) ? 4 : 8);
        poke(f, timer + 8, one_in(f, 2) ? below(f, 16) : odd_value(f), one_in(f, 2) ? 4 : 8);
        break;
    case 4:
        poke(f, base + 0x20, odd_value(f), 4);
        break;
    default:
        touch(f, f->m->memory, base + below(f, 0x400), any_size(f));
        break;
    }
}

static void act_apics(struct fuzz *f)
{
    static const u16 registers[] = {0x20, 0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310, 0x320,
                                    0x330, 0x340, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3e0, 0x3f0};
    struct lapic    *lapic       = f->m->lapic;
    u64              value;
    if (!lapic) {
        return;
    }
    switch (below(f, 6)) {
    case 0: /* IOAPIC */
        poke(f, 0xfec00000, one_in(f, 8) ? below(f, 256) : below(f, 0x40), 4);
        poke(f, 0xfec00010, odd_value(f), 4);
        poke(f, 0xfec00040, odd_value(f), 4);
        break;
    case 1: /* a message-signalled interrupt */
        poke(f, 0xfee00000 + below(f, 0x100000), below(f, 0x10000), 4);
        break;
    case 2: /* the timer */
        poke(f, 0xfee003e0, below(f, 16), 4);
        poke(f, 0xfee00320, below(f, 4) << 17 | below(f, 2) << 16 | below(f, 256), 4);
        poke(f, 0xfee00380, one_in(f, 2) ? below(f, 4) : odd_value(f), 4);
        break;
    case 3: /* IA32_APIC_BASE, x2APIC, TSC deadline */
        lapic_write_msr(lapic, one_in(f, 2) ? 0x1b : one_in(f, 4) ? 0x6e0 : 0x800 + below(f, 0x40),
                        one_in(f, 2) ? 0xfee00900 | below(f, 2) << 10 | below(f, 2) << 11 : odd_value(f));
        lapic_read_msr(lapic, 0x800 + below(f, 0x40), &value);
        break;
    default:
        poke(f, 0xfee00000 + (one_in(f, 4) ? 16 * below(f, 64) : PICK(f, registers)), odd_value(f), 4);
        peek(f, 0xfee00000 + 16 * below(f, 64), 4);
        break;
    }
    lapic_set_cr8(lapic, below(f, 16));
    if (f->m->cpu->intr && one_in(f, 2)) {
        lapic_acknowledge(lapic);
        poke(f, 0xfee000b0, 0, 4);
    }
}

static void act_dma(struct fuzz *f)
{
    bool word = one_in(f, 2);
    u32  reg  = below(f, 16);
    out(f, word ? 0xc0 + 2 * reg : reg, odd_value(f), 1);
    in(f, word ? 0xc0 + 2 * below(f, 16) : below(f, 16), 1);
    out(f, 0x80 + below(f, 16), below(f, 256), 1);
}

/* ---- ISA devices and people */

static void act_keyboard(struct fuzz *f)
{
    static const u8 controller[] = {0x20, 0x21, 0x60, 0x61, 0xa4, 0xa5, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xad, 0xae, 0xc0,
                                    0xc1, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xdd, 0xdf, 0xe0, 0xf0, 0xfe, 0xff};
    static const u8 device[]     = {0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xf0, 0xf2, 0xf3, 0xf4,
                                    0xf5, 0xf6, 0xf7, 0xf8, 0xfa, 0xfc, 0xfd, 0xfe, 0xff};
    if (one_in(f, 2)) {
        out(f, 0x64, one_in(f, 8) ? below(f, 256) : PICK(f, controller), 1);
    }
    if (one_in(f, 2)) {
        out(f, 0x60, one_in(f, 2) ? below(f, 256) : PICK(f, device), 1);
    }
    for (unsigned n = below(f, 8); n > 0; n--) {
        in(f, one_in(f, 2) ? 0x60 : 0x64, 1);
    }
    out(f, 0x92, below(f, 4) & (one_in(f, 16) ? 3 : 2), 1);
}

static void act_user(struct fuzz *f)
{
    static const char *const texts[]  = {"dir\n", "\xc3\xa9\xff\xfe", "", "AbC~|\\\t\x1b", "\xf0\x9f\x98\x80"};
    static const char *const chords[] = {"ctrl-alt-delete", "a", "shift-", "no-such-key", "f12-f11-f10-a-b-c-d-e-f-g-h"};
    struct input            *input    = f->m->input;
    struct error             err;
    switch (below(f, 8)) {
    case 0:
        input_type(input, PICK(f, texts));
        break;
    case 1:
        input_chord(input, PICK(f, chords), below(f, 2000), &err);
        break;
    case 2:
        input_release_all(input);
        break;
    case 3:
    case 4:
        input_mouse(input, (int)odd_value(f), (int)below(f, 600) - 300, (int)below(f, 20) - 10, below(f, 32));
        break;
    default:
        input_key(input, 1 + below(f, KEY_COUNT - 1), one_in(f, 2));
        break;
    }
}

static void act_ports(struct fuzz *f)
{
    static const u16 com[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    u16              base  = PICK(f, com);
    char             text[64];
    for (unsigned n = below(f, 24); n > 0; n--) {
        touch(f, f->m->ports, base + below(f, 8), 1);
    }
    out(f, 0x378 + below(f, 3), below(f, 256), 1);
    if (one_in(f, 2)) { /* the host's end */
        memset(text, (int)below(f, 256), sizeof text);
        if (write(f->host_end, text, below(f, sizeof text)) < 0 || read(f->host_end, text, sizeof text) < 0) {
            /* full or empty: as good as anything */
        }
    }
    if (one_in(f, 8)) {
        out(f, PICK(f, ((const u16[]){0xe9, 0x402, 0x501, 0xe0, 0xe4, 0xe8, 0xec, 0x2000})), any64(f), 1u << below(f, 3));
    }
}

static void act_media(struct fuzz *f)
{
    struct error         err;
    struct block_options read_only = {.format = "raw", .read_only = true};
    bool                 floppy    = one_in(f, 2);
    unsigned             unit      = floppy ? below(f, 2) : 2 + below(f, 2);
    char                 path[128];
    if (!floppy && !ide_is_cdrom(f->m->ide, unit)) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s", f->folder, one_in(f, 8) ? "disk" : floppy ? "b" : "cd");
    struct block *medium = one_in(f, 3) ? NULL : block_open(path, &read_only, &err);
    bool          done   = floppy ? fdc_change_media(f->m->fdc, unit, medium, &err)
                                  : ide_change_media(f->m->ide, unit, medium, one_in(f, 2), &err);
    if (!done) {
        block_close(medium);
    }
}

/* The monitor and the window only look, whatever state things are in. */
static void act_look(struct fuzz *f)
{
    struct machine *m = f->m;
    char           *text;
    size_t          size;
    FILE           *sink = open_memstream(&text, &size);
    pci_bus_print(m->pci, sink);
    space_print(m->memory, sink);
    if (m->lapic) {
        lapic_print(m->lapic, sink);
    }
    for (unsigned i = 0; i < m->device_count; i++) {
        if (m->devices[i]->class->fields && one_in(f, 8)) {
            fields_print(m->devices[i]->class->fields, m->devices[i], sink);
        }
    }
    fclose(sink);
    free(text);
    for (unsigned unit = 0; unit < 4; unit++) {
        ide_activity(m->ide, unit);
    }
    fdc_activity(m->fdc, below(f, 2));
}

/* ---- time and the processor */

static void act_time(struct fuzz *f)
{
    static const i64 jumps[] = {1, 100, 1000, 10000, 1000000, 20000000, 1000000000};
    if (one_in(f, 4000)) { /* the host slept */
        pass_time(f, (i64)below(f, 40) * 86400 * 1000000000);
    }
    pass_time(f, (i64)below(f, 3) * PICK(f, jumps));
}

/* Some instructions out of random memory, so that devices are also reached as the processor reaches them. */
static void act_processor(struct fuzz *f)
{
    struct cpu *cpu = f->m->cpu;
    paddr       at  = 0x1000 + below(f, 0x8000) * 16;
    for (unsigned n = 0; n < 64; n += 8) {
        poke(f, at + n, any64(f), 8);
    }
    static const u8 io[] = {0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0x6c, 0x6d, 0x6e, 0x6f, 0xa4, 0xab, 0xf3};
    for (unsigned n = 0; n < 16; n++) {
        poke(f, at + below(f, 64), PICK(f, io), 1);
    }
    for (unsigned r = 0; r < 8; r++) {
        cpu->regs[r] = odd_value(f);
    }
    if (!cpu->protected_mode) {
        cpu->seg[SEG_CS].base = at & ~(paddr)15;
        cpu->ip               = 0;
        cpu_update_mode(cpu);
    }
    cpu->activity = ACTIVITY_RUN;
    for (unsigned n = below(f, 40); n > 0; n--) {
        cpu_step(cpu);
    }
}

static void act_reset(struct fuzz *f)
{
    if (one_in(f, 8)) {
        f->m->requests |= REQUEST_RESET;
    } else {
        device_reset(f->m->devices[below(f, f->m->device_count)]);
    }
}

/* "true": also moves what is no device's state. */
static const struct actor actors[] = {
    {"any port", act_any_port, 200, false},
    {"any memory", act_any_memory, 200, false},
    {"pci", act_pci, 20, false},
    {"power", act_power, 10, false},
    {"fw_cfg", act_fw_cfg, 20, false},
    {"pics", act_pics, 30, false},
    {"pit", act_pit, 20, false},
    {"rtc", act_rtc, 20, false},
    {"hpet", act_hpet, 30, false},
    {"apics", act_apics, 30, false},
    {"dma", act_dma, 20, false},
    {"keyboard", act_keyboard, 30, false},
    {"ide", act_ide, 40, false},
    {"floppy", act_floppy, 30, false},
    {"vga", act_vga, 30, false},
    {"time", act_time, 100, false},
    {"reset", act_reset, 1, false},
    {"look", act_look, 1, false},
    {"user", act_user, 10, true},
    {"ports", act_ports, 20, true},
    {"media", act_media, 4, true},
    {"processor", act_processor, 10, true},
};

static struct actor chosen(struct fuzz *f, bool guest_only)
{
    unsigned total = 0, i;
    for (i = 0; i < ARRAY_LEN(actors); i++) {
        total += guest_only && actors[i].host ? 0 : actors[i].weight;
    }
    unsigned at = below(f, total);
    for (i = 0;; i++) {
        unsigned weight = guest_only && actors[i].host ? 0 : actors[i].weight;
        if (at < weight) {
            return actors[i];
        }
        at -= weight;
    }
}

void act(struct fuzz *f, bool guest_only)
{
    struct actor actor = chosen(f, guest_only);
    f->actor           = actor.name;
    f->steps++;
    actor.act(f);
    bench_requests(f);
}
