/*
 * hypercall.c: see hypercall.h.
 */
#include "frontend/machine/hypercall.h"

#include "cpu/mem.h"

/* A byte of RAM or ROM; false: there is none, or it is a device's. */
static bool peek(struct machine *m, u64 la, u8 *byte)
{
    return mem_peek(m->cpu, m->cpu->code_bytes == 8 ? la : (u32)la, byte, 1);
}

static bool has_text(const struct hypercall *call)
{
    return call->argument && (call->function == HYPERCALL_MARK_MOMENT || call->function == HYPERCALL_LOG ||
                              call->function == HYPERCALL_SNAPSHOT);
}

/* Control characters become blanks; what is too long is cut off. */
static void take_text(struct machine *m, struct hypercall *call)
{
    u64 base = m->cpu->code_bytes == 8 ? 0 : m->cpu->seg[SEG_DS].base;
    u8 byte;
    for (unsigned n = 0; n + 1 < HYPERCALL_TEXT && peek(m, base + call->argument + n, &byte) && byte; n++) {
        call->text[n] = (char)(byte < ' ' || byte == 0x7f ? ' ' : byte);
    }
}

static void called(void *opaque)
{
    struct machine *m = opaque;
    const struct cpu *cpu = m->cpu;
    u32 function = (u32)cpu->regs[R_BX];
    struct hypercall call = {.function = (enum hypercall_function)function, .ring = cpu->cpl,
                             .argument = cpu->code_bytes == 8 ? cpu->regs[R_CX] : (u32)cpu->regs[R_CX]};
    if (!function || function >= HYPERCALL_FUNCTIONS) {
        return;
    }
    call.failed = call.function == HYPERCALL_ASSERT_RING && call.argument != call.ring;
    if (has_text(&call)) {
        take_text(m, &call);
    }
    for (struct hypercall_watch *w = m->hypercall_watch, *next; w; w = next) {
        next = w->next;
        w->called(w->opaque, &call);
    }
}

static u64 port_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)size;
    return HYPERCALL_MAGIC >> (8 * offset);
}

static void port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)offset;
    (void)value;
    (void)size;
    called(opaque);
}

static const struct region_ops port_ops = {.read = port_read, .write = port_write, .min_size = 1, .max_size = 4};

void hypercall_create(struct machine *m)
{
    region_init_io(&m->hypercall_port, "hypercalls", 4, &port_ops, m);
    space_map(m->ports, &m->hypercall_mapping, &m->hypercall_port, HYPERCALL_PORT, 0);
    m->cpu->bus.hypercall = called;
}

void hypercall_destroy(struct machine *m)
{
    if (m->hypercall_port.ops) {
        space_unmap(&m->hypercall_mapping);
        m->hypercall_port.ops = NULL;
    }
}

void hypercall_listen(struct machine *m, struct hypercall_watch *watch)
{
    watch->next = m->hypercall_watch;
    m->hypercall_watch = watch;
}

void hypercall_ignore(struct machine *m, struct hypercall_watch *watch)
{
    struct hypercall_watch **at = &m->hypercall_watch;
    while (*at && *at != watch) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = watch->next;
    }
}
