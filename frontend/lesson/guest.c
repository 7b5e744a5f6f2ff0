/*
 * guest.c: see guest.h. What firmware does for a boot sector is done from outside, before the machine runs: the text mode and its
 * font, the program at 7C00h, CS:IP. VGA registers of mode 3: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".
 */
#include "frontend/lesson/guest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "frontend/lab/crossings.h"
#include "frontend/lab/explain.h"
#include "frontend/lab/history.h"
#include "frontend/lab/inspect.h"
#include "frontend/machine/counted.h"
#include "frontend/machine/firmware.h"
#include "frontend/ui/font.h"

enum { TEXT_SCREEN = 0xb8000, FONT_AT = 0xa0000, FONT_PITCH = 32, IDLE_MAX = 100000, VGA_BIOS_MAX = 1 << 20 };

/* ---- what firmware would have done */

static void out(struct machine *m, u16 port, u32 value, unsigned size)
{
    space_write(m->ports, port, value, size, false);
}

static void out_indexed(struct machine *m, u16 port, const u8 *values, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        out(m, port, n, 1);
        out(m, port + 1, values[n], 1);
    }
}

static void load_font(struct machine *m)
{
    /* plane 2, at A0000h, in order, all bits */
    static const u8 planes[] = {3, 0, 4, 0, 6}, access[] = {0, 0, 0, 0, 2, 0, 4, 0, 0xff};
    struct firmware_image rom;
    struct font font;
    bool found = firmware_load(FIRMWARE_VGA_BIOS, m->config.firmware_dirs, VGA_BIOS_MAX, &rom, NULL);
    if (!found || !font_from_vga_bios(&font, rom.bytes, rom.size)) {
        font_plain(&font);
    }
    if (found) {
        free(rom.bytes);
    }
    out_indexed(m, 0x3c4, planes, sizeof planes);
    out_indexed(m, 0x3ce, access, sizeof access);
    for (unsigned n = 0; n < 256 * FONT_HEIGHT; n++) {
        space_write(m->memory, FONT_AT + n / FONT_HEIGHT * FONT_PITCH + n % FONT_HEIGHT,
                    font.rows[n / FONT_HEIGHT][n % FONT_HEIGHT], 1, false);
    }
}

static void load_palette(struct machine *m)
{
    out(m, 0x3c6, 0xff, 1);
    out(m, 0x3c8, 0, 1);
    for (unsigned n = 0; n < 64; n++) { /* rgbRGB: each colour has a strong bit and a weak one */
        for (unsigned bit = 3; bit-- > 0;) {
            out(m, 0x3c9, (n >> bit & 1) * 0x2a + (n >> (bit + 3) & 1) * 0x15, 1);
        }
    }
}

static void set_text_mode(struct machine *m)
{
    static const u8 sequencer[] = {3, 0, 3, 0, 2}, graphics[] = {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
                    attribute[] = {0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8, 0},
                    crtc[] = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x2d, 0x0e, 0,
                              0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff};
    out(m, 0xcf8, 0x80001004, 4); /* PCI: the display adapter answers (device 2, command) */
    out(m, 0xcfc, 3, 2);
    out(m, 0x3c2, 0x67, 1);
    load_font(m);
    out_indexed(m, 0x3c4, sequencer, sizeof sequencer);
    out(m, 0x3d4, 0x11, 1); /* registers 0 to 7 are not protected */
    out(m, 0x3d5, 0, 1);
    out_indexed(m, 0x3d4, crtc, sizeof crtc);
    out_indexed(m, 0x3ce, graphics, sizeof graphics);
    space_read(m->ports, 0x3da, 1, false);
    for (unsigned n = 0; n < sizeof attribute; n++) {
        out(m, 0x3c0, n, 1);
        out(m, 0x3c0, attribute[n], 1);
    }
    out(m, 0x3c0, 0x20, 1);
    load_palette(m);
    for (unsigned n = 0; n < 80 * 25; n++) {
        space_write(m->memory, TEXT_SCREEN + 2 * n, 0x0720, 2, false);
    }
}

static void put_program(struct machine *m, const struct program *p)
{
    space_written(m->memory, &m->ram, PROGRAM_ADDRESS & PAGE_MASK, PAGE_SIZE);
    for (u64 at = 0; at < p->size; at++) {
        space_write(m->memory, PROGRAM_ADDRESS + at, p->image[at], 1, false);
    }
}

static void start_there(struct cpu *cpu)
{
    segment_load_real(cpu, SEG_CS, 0);
    cpu->ip = PROGRAM_ADDRESS;
    cpu->regs[R_SP] = PROGRAM_ADDRESS;
    cpu_update_mode(cpu);
}

/* ---- events */

/* The processor has crossed, by an instruction or by an event's delivery, which is then a step of its own. */
static void crossed(void *opaque, const struct crossing *c)
{
    struct guest *g = opaque;
    g->crossed = true;
    g->crossing = *c;
    if (c->kind <= CROSSING_NMI) {
        g->last = *c;
    }
    g->exceptions += c->kind == CROSSING_EXCEPTION;
    g->interrupts += c->kind == CROSSING_IRQ || c->kind == CROSSING_NMI;
    if (c->from.ring != c->to.ring) {
        g->crossings++;
        g->ring_before = c->from.ring;
    }
    cpu_kick(g->machine->cpu);
}

/* ---- life */

/* The lab's pages name addresses by the program's labels. Without them they do without. */
static void load_symbols(struct machine *m, const struct program *p)
{
    char path[] = "/tmp/ringside-symbols.XXXXXX";
    int fd = mkstemp(path);
    if (fd >= 0) {
        close(fd);
        if (program_write_symbols(p, path)) {
            inspect_load_symbols(m, path, 0, NULL);
        }
        unlink(path);
    }
}

static void forget(struct guest *g, const struct program *program)
{
    g->program = program;
    g->last = (struct crossing){.kind = CROSSING_KINDS};
    g->exceptions = g->interrupts = g->crossings = 0;
    g->shutdown = g->halted = false;
    g->ring_before = 0;
}

bool guest_create(struct guest *g, struct machine *m, const struct program *program, u64 history_bytes, struct error *err)
{
    if (!m->vga || !m->config.counted) {
        return error_set(err, "a lesson's machine has a display adapter and counted time");
    }
    if (PROGRAM_ADDRESS + program->size > m->ram.size) {
        return error_set(err, "the program does not fit into the machine's memory");
    }
    *g = (struct guest){.machine = m, .listener = {.crossed = crossed, .opaque = g}};
    set_text_mode(m);
    put_program(m, program);
    load_symbols(m, program);
    start_there(m->cpu);
    forget(g, program);
    g->started_at = cpu_icount(m->cpu);
    history_create(m, history_bytes);
    crossings_start(m, 0);
    explain_start(m);
    return true;
}

bool guest_restart(struct guest *g, const struct program *program, struct error *err)
{
    struct machine *m = g->machine;
    m->requests &= ~(unsigned)REQUEST_RESET;
    if (!history_go(m->history, g->started_at, err)) {
        return false;
    }
    put_program(m, program);
    forget(g, program);
    return true;
}

/* ---- execution */

/* Whether there is nothing more to come: it is halted with interrupts off, or a triple fault asks for a reset. */
static void see_end(struct guest *g)
{
    const struct cpu *cpu = g->machine->cpu;
    g->halted = cpu->activity == ACTIVITY_HALT && !(cpu->eflags & FLAG_IF);
    g->shutdown = g->machine->requests & REQUEST_RESET || cpu->activity == ACTIVITY_SHUTDOWN;
}

bool guest_step(struct guest *g)
{
    struct machine *m = g->machine;
    u64 before = cpu_icount(m->cpu);
    if (g->shutdown || g->halted) {
        return false;
    }
    g->crossed = false;
    crossing_listen(m->cpu, &g->listener);
    i64 wait = 0;
    for (unsigned n = 0; n < IDLE_MAX && wait >= 0 && cpu_icount(m->cpu) == before && !g->crossed && !g->shutdown &&
         !g->halted; n++) {
        m->stop_at = before + 1 < m->stop_at ? before + 1 : m->stop_at;
        wait = counted_run(m);
        see_end(g);
    }
    crossing_ignore(m->cpu, &g->listener);
    g->halted |= cpu_icount(m->cpu) == before && !g->crossed && !g->shutdown;
    return true;
}

u64 guest_at(const struct guest *g)
{
    const struct cpu *cpu = g->machine->cpu;
    u64 la = cpu->code_base + cpu->ip;
    return cpu->long_mode ? la : (u32)la;
}

static bool is_vector(const struct guest *g, const struct condition *c, u64 vector)
{
    return !*c->argument || g->crossing.vector == vector;
}

/* "crossing": to another ring; "crossing IRET": of that kind. */
static bool is_crossing(const struct guest *g, const char *kind)
{
    return *kind ? !strcasecmp(crossing_kind_name(g->crossing.kind), kind) : g->crossing.from.ring != g->crossing.to.ring;
}

/* Whether the condition holds now, after a step. */
static bool holds(struct guest *g, const struct condition *c, u64 value, unsigned ring, unsigned steps, struct error *err)
{
    u64 truth = 0;
    switch (c->kind) {
    case RUN_AT:
        return guest_at(g) == value;
    case RUN_RING:
        return g->machine->cpu->cpl == value && ring != value;
    case RUN_CROSSING:
        return g->crossed && is_crossing(g, c->argument);
    case RUN_EXCEPTION:
        return g->crossed && g->crossing.kind == CROSSING_EXCEPTION && is_vector(g, c, value);
    case RUN_INTERRUPT:
        return g->crossed && g->crossing.kind <= CROSSING_NMI && g->crossing.kind != CROSSING_EXCEPTION && is_vector(g, c, value);
    case RUN_HALT:
        return g->halted || g->machine->cpu->activity == ACTIVITY_HALT;
    case RUN_SHUTDOWN:
        return g->shutdown;
    case RUN_STEPS:
        return steps == value;
    default:
        return guest_eval(g, c->argument, &truth, err) && truth;
    }
}

static bool not_reached(struct guest *g, const struct condition *c, struct error *err)
{
    static const char *const words[RUN_KINDS] = {"at", "ring", "crossing", "exception", "interrupt", "halt", "shutdown", "steps",
                                                 "when"};
    u64 distance = 0;
    const char *label = program_label(g->program, guest_at(g), &distance);
    char where[100];
    snprintf(where, sizeof where, "%.60s+%llu", label ? label : "?", (unsigned long long)distance);
    return error_set(err, "the program does not come to '%s %.60s': it %s at %s, ring %u%s", words[c->kind], c->argument,
                     g->shutdown ? "died of a triple fault" : g->halted ? "halts for good" : "is still running", where,
                     g->machine->cpu->cpl,
                     g->last.kind == CROSSING_EXCEPTION ? ", after an exception" : "");
}

/* "GP", "13" */
static bool vector_number(struct guest *g, const char *name, u64 *value, struct error *err)
{
    for (unsigned n = 0; n < 32; n++) {
        const char *known = exception_name(n);
        if (known && !strcasecmp(name + (*name == '#'), known + (*known == '#'))) {
            *value = n;
            return true;
        }
    }
    return guest_eval(g, name, value, err);
}

bool guest_run(struct guest *g, const struct condition *c, struct error *err)
{
    u64 value = 0;
    struct error unused = {""};
    if (*c->argument && c->kind != RUN_WHEN && c->kind != RUN_CROSSING) {
        bool vector = c->kind == RUN_EXCEPTION || c->kind == RUN_INTERRUPT;
        if (!(vector ? vector_number(g, c->argument, &value, err) : guest_eval(g, c->argument, &value, err))) {
            return false;
        }
    }
    for (unsigned n = 1; n <= GUEST_LIMIT; n++) {
        unsigned ring = g->machine->cpu->cpl;
        if (!guest_step(g)) {
            break;
        }
        if (holds(g, c, value, ring, n, &unused)) {
            return true;
        }
        if (*unused.text) {
            *err = unused;
            return false;
        }
    }
    return not_reached(g, c, err);
}
