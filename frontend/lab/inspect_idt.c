/*
 * inspect_idt.c: what each vector leads to: gates of the IDT in protected and long mode, segment:offset pairs in real mode. SDM
 * Vol. 3A 6.10 to 6.12, 20.1.4.
 */
#include <string.h>

#include "frontend/lab/inspect_users.h"
#include "frontend/lab/inspect_vectors.h"

enum { EXCEPTIONS = 32, ROW_LEAST = 4, INDENT = 6 };

/* ---- gates */

/* Gates in a row that differ by their offsets only, each by as much as the one before, take one line: handlers that a loop made. */
static bool continues(struct machine *m, unsigned vector, const struct descriptor *first, const struct descriptor *before,
                      u64 stride, struct descriptor *d)
{
    char name[VECTOR_TEXT];
    bool wide = m->cpu->long_mode;
    return vector < VECTORS && inspect_gate(m->cpu, vector, d) && !inspect_vector_name(m, vector, name) &&
           !((d->hi ^ first->hi) & 0xffff) && !((d->lo ^ first->lo) >> 16) &&
           gate_offset(d, wide) - gate_offset(before, wide) == stride;
}

/* The last vector of such a row. */
static unsigned row_end(struct machine *m, unsigned vector, const struct descriptor *first, u64 *stride)
{
    struct descriptor before = *first, d;
    char name[VECTOR_TEXT];
    unsigned last = vector;
    *stride = 0;
    bool empty = !first->lo && !first->hi;
    if ((vector < EXCEPTIONS && !empty) || inspect_vector_name(m, vector, name) || vector + 1 >= VECTORS ||
        !inspect_gate(m->cpu, vector + 1, &d)) {
        return vector;
    }
    *stride = gate_offset(&d, m->cpu->long_mode) - gate_offset(first, m->cpu->long_mode);
    while (continues(m, last + 1, first, &before, *stride, &d)) {
        before = d;
        last++;
    }
    return last - vector >= ROW_LEAST - 1 || (!*stride && last > vector) ? last : vector;
}

static void put_gate_line(struct view *page, struct machine *m, unsigned first, unsigned last, u64 stride,
                          const struct descriptor *d)
{
    struct cpu *cpu = m->cpu;
    char name[VECTOR_TEXT];
    unsigned column = cpu->long_mode ? 46 : 38;
    view_printf(page, STYLE_TEXT, last > first ? "%02x-%02x: " : "%02x: ", first, last);
    if (!d->lo && !d->hi) {
        view_put(page, STYLE_DIM, "empty: #GP");
    } else if (!inspect_is_gate(cpu, desc_type(d))) {
        view_put(page, STYLE_BAD, "no gate: #GP");
    } else {
        inspect_put_gate(page, m, d);
    }
    if (m->cpu->long_mode && inspect_is_gate(m->cpu, desc_type(d)) && d->hi & 7) {
        view_printf(page, STYLE_TEXT, " IST%u", d->hi & 7);
    }
    if (last > first && stride) {
        view_printf(page, STYLE_DIM, ", %llx bytes apart", (ull)stride);
    }
    if (first == last && inspect_vector_name(m, first, name)) {
        view_put(page, STYLE_TEXT, "  ");
        view_tab(page, column);
        view_put(page, STYLE_STRONG, name);
    }
    if (inspect_is_gate(cpu, desc_type(d))) {
        view_put(page, STYLE_TEXT, " ");
        view_tab(page, column);
        inspect_put_gate_target(page, m, d, INDENT);
    }
    view_put(page, STYLE_TEXT, "\n");
}

static void put_gates(struct view *page, struct machine *m)
{
    struct cpu *cpu = m->cpu;
    unsigned size = cpu->long_mode ? 16 : 8, vector = 0;
    while (vector < VECTORS && vector * size + size - 1 <= cpu->idtr.limit) {
        struct descriptor d;
        if (!inspect_gate(cpu, vector, &d)) {
            view_printf(page, STYLE_NOTE, "%02x: not mapped\n", vector);
            return;
        }
        u64 stride;
        unsigned last = row_end(m, vector, &d, &stride);
        put_gate_line(page, m, vector, last, stride, &d);
        vector = last + 1;
    }
    if (vector < VECTORS) {
        view_printf(page, STYLE_DIM, "%02x-ff: beyond the limit: #GP\n", vector);
    }
}

/* ---- real mode */

static bool same_pointer(struct cpu *cpu, unsigned vector, u64 pointer)
{
    u64 next;
    return vector < VECTORS && vector * 4 + 3 <= cpu->idtr.limit && inspect_peek(cpu, cpu->idtr.base + vector * 4, 4, &next) &&
           next == pointer;
}

static void put_pointers(struct view *page, struct machine *m)
{
    struct cpu *cpu = m->cpu;
    for (unsigned vector = 0; vector < VECTORS && vector * 4 + 3 <= cpu->idtr.limit; vector++) {
        char name[VECTOR_TEXT];
        u64 pointer;
        unsigned last = vector;
        if (!inspect_peek(cpu, cpu->idtr.base + vector * 4, 4, &pointer)) {
            view_printf(page, STYLE_NOTE, "%02x: no memory\n", vector);
            return;
        }
        while (vector >= EXCEPTIONS && same_pointer(cpu, last + 1, pointer)) {
            last++;
        }
        u32 linear = (u32)(pointer >> 16 << 4) + (u16)pointer;
        view_printf(page, STYLE_TEXT, last > vector ? "%02x-%02x: " : "%02x: ", vector, last);
        view_printf(page, pointer ? STYLE_TEXT : STYLE_DIM, "%04x:%04x", (unsigned)(pointer >> 16), (unsigned)(u16)pointer);
        view_tab(page, 18);
        view_printf(page, STYLE_DIM, "%05x  ", linear);
        if (vector == last && inspect_vector_name(m, vector, name)) {
            view_put(page, STYLE_STRONG, name);
        }
        inspect_put_symbol(page, m, linear);
        view_put(page, STYLE_TEXT, "\n");
        vector = last;
    }
}

void inspect_idt_page(struct view *page, struct machine *m)
{
    const struct cpu *cpu = m->cpu;
    view_printf(page, STYLE_TITLE, "IDT base=%llx limit=%04x", (ull)cpu->idtr.base, cpu->idtr.limit);
    if (!cpu->protected_mode) {
        view_put(page, STYLE_TEXT, "  real mode: segment:offset, and the linear address\n");
        put_pointers(page, m);
        return;
    }
    view_printf(page, STYLE_TEXT, "  %s\n", cpu->long_mode ? "gates of 16 bytes" : "gates of 8 bytes");
    put_gates(page, m);
    view_put(page, STYLE_TEXT, "\n");
    view_wrap(
        page, STYLE_DIM, 0,
        "INT n from ring R needs DPL >= R; interrupts and exceptions do not look at DPL. An int gate clears IF, a trap gate does "
        "not. The handler's ring is the DPL of the code segment that the selector names.\n");
}
