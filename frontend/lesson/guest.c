/*
 * guest.c: see guest.h. What firmware does for a boot sector is done from outside, before the machine runs: the text mode and its font,
 * the program at 7C00h, CS:IP. VGA registers of mode 3: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".
 */
#include "frontend/lesson/guest.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "frontend/lab/history.h"
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
    static const u8 planes[] = {3, 0, 4, 0, 6}, access[] = {0, 0, 0, 0, 2, 0, 4}; /* plane 2, at A0000h, in order */
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
        space_write(m->memory, FONT_AT + n / FONT_HEIGHT * FONT_PITCH + n % FONT_HEIGHT, font.rows[n / FONT_HEIGHT][n % FONT_HEIGHT], 1, false);
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

/* The processor's privilege may have changed, by an instruction or by an event's delivery, which is then a step of its own. */
static void noted(void *opaque)
{
    struct guest *g = opaque;
    struct cpu *cpu = g->machine->cpu;
    struct guest_event *e = &g->event;
    e->kind = GUEST_OTHER;
    if (cpu->delivering >= 0 && cpu->delivering < DELIVERING_EXTERNAL) {
        bool double_fault = cpu->delivering == VEC_DF;
        *e = (struct guest_event){.kind = GUEST_EXCEPTION, .vector = (u32)cpu->delivering, .rule = cpu->raised.rule,
                                  .error = double_fault ? 0 : cpu->raised.error_code};
    } else if (cpu->delivering == DELIVERING_EXTERNAL) {
        *e = (struct guest_event){.kind = GUEST_INTERRUPT, .vector = g->acknowledged >= 0 ? (u32)g->acknowledged : VEC_NMI};
    } else if (cpu->delivering == DELIVERING_SOFT) {
        *e = (struct guest_event){.kind = GUEST_SOFT, .vector = cpu->current ? (u8)cpu->current->imm : 0};
    }
    cpu_kick(cpu);
}

static int acknowledge(void *opaque)
{
    struct machine *m = opaque;
    struct guest *g = m->cpu->privilege_opaque;
    return g->acknowledged = g->acknowledge(opaque);
}

/* ---- life */

static void forget(struct guest *g, const struct program *program)
{
    g->program = program;
    g->event = g->last = (struct guest_event){0};
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
    *g = (struct guest){.machine = m, .acknowledge = m->cpu->bus.acknowledge};
    set_text_mode(m);
    put_program(m, program);
    start_there(m->cpu);
    forget(g, program);
    g->started_at = cpu_icount(m->cpu);
    history_create(m, history_bytes);
    return true;
}

void guest_destroy(struct guest *g)
{
    if (g->machine && g->machine->cpu) {
        g->machine->cpu->privilege = NULL;
    }
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

static void count_event(struct guest *g, unsigned ring)
{
    const struct cpu *cpu = g->machine->cpu;
    g->exceptions += g->event.kind == GUEST_EXCEPTION;
    g->interrupts += g->event.kind == GUEST_INTERRUPT;
    if (g->event.kind >= GUEST_EXCEPTION && g->event.kind <= GUEST_SOFT) {
        g->last = g->event;
    }
    if (cpu->cpl != ring) {
        g->crossings++;
        g->ring_before = ring;
    }
    /* halted for good: interrupts are off */
    g->halted = cpu->activity == ACTIVITY_HALT && !(cpu->eflags & FLAG_IF);
    g->shutdown = g->machine->requests & REQUEST_RESET || cpu->activity == ACTIVITY_SHUTDOWN;
}

/* The hooks are the guest's only while it is executed here. */
static void listen(struct guest *g, bool on)
{
    struct cpu *cpu = g->machine->cpu;
    cpu->privilege_opaque = g;
    cpu->privilege = on ? noted : NULL;
    cpu->bus.acknowledge = on ? acknowledge : g->acknowledge;
}

bool guest_step(struct guest *g)
{
    struct machine *m = g->machine;
    u64 before = cpu_icount(m->cpu);
    unsigned ring = m->cpu->cpl;
    if (g->shutdown || g->halted) {
        return false;
    }
    g->event = (struct guest_event){0};
    g->acknowledged = -1;
    i64 wait = 0;
    for (unsigned n = 0; n < IDLE_MAX && wait >= 0 && cpu_icount(m->cpu) == before && !g->event.kind && !g->shutdown && !g->halted; n++) {
        m->stop_at = before + 1 < m->stop_at ? before + 1 : m->stop_at;
        listen(g, true);
        wait = counted_run(m);
        listen(g, false);
        count_event(g, ring);
    }
    g->halted |= cpu_icount(m->cpu) == before && !g->event.kind && !g->shutdown;
    return true;
}

u64 guest_at(const struct guest *g)
{
    const struct cpu *cpu = g->machine->cpu;
    u64 la = cpu->code_base + cpu->ip;
    return cpu->long_mode ? la : (u32)la;
}

static bool is_vector(const struct guest *g, enum guest_event_kind kind, bool any, u64 vector)
{
    return g->event.kind == kind && (any || g->event.vector == vector);
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
        return g->machine->cpu->cpl != ring;
    case RUN_EXCEPTION:
        return is_vector(g, GUEST_EXCEPTION, !*c->argument, value);
    case RUN_INTERRUPT:
        return is_vector(g, GUEST_INTERRUPT, !*c->argument, value) || is_vector(g, GUEST_SOFT, !*c->argument, value);
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
    static const char *const words[RUN_KINDS] = {"at", "ring", "crossing", "exception", "interrupt", "halt", "shutdown", "steps", "when"};
    u64 distance = 0;
    const char *label = program_label(g->program, guest_at(g), &distance);
    char where[100];
    snprintf(where, sizeof where, "%.60s+%llu", label ? label : "?", (unsigned long long)distance);
    return error_set(err, "the program does not come to '%s %.60s': it %s at %s, ring %u%s", words[c->kind], c->argument,
                     g->shutdown ? "died of a triple fault" : g->halted ? "halts for good" : "is still running", where, g->machine->cpu->cpl,
                     g->last.kind == GUEST_EXCEPTION ? ", after an exception" : "");
}

/* "GP", "13" */
static bool vector_number(struct guest *g, const char *name, u64 *value, struct error *err)
{
    static const char *const names[] = {"DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "", "TS", "NP", "SS", "GP", "PF", "", "MF", "AC", "MC", "XM"};
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
        if (*name && !strcasecmp(name + (*name == '#'), names[n])) {
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
    if (*c->argument && c->kind != RUN_WHEN) {
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
