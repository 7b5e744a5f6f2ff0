/*
 * crossing_note.h: how the functions of cpu/op tell of crossings (cpu/crossing.h). A crossing begins before anything can fail, is
 * given its details on the way, and ends when it has happened. One that a fault has stopped is never told of; the exception that
 * follows says what it interrupted.
 */
#ifndef CPU_OP_CROSSING_NOTE_H
#define CPU_OP_CROSSING_NOTE_H

#include "cpu/crossing.h"
#include "cpu/op/op.h"

/* struct cpu has one as long as somebody listens. */
struct crossing_notes {
    struct crossing_listener *listeners;
    bool open, committed; /* begun; what has happened of it stays, even if it faults from now on */
    struct crossing now;
};

void crossing_note_begin(struct cpu *cpu, enum crossing_kind kind, unsigned vector);
void crossing_note_frame(struct cpu *cpu, const struct frame *f, u64 sp);
void crossing_note_end(struct cpu *cpu);

static inline void crossing_begin(struct cpu *cpu, enum crossing_kind kind, unsigned vector)
{
    if (unlikely(cpu->crossing)) {
        crossing_note_begin(cpu, kind, vector);
    }
}

/* NULL: nobody looks, or it is no crossing. */
static inline struct crossing *crossing_now(const struct cpu *cpu)
{
    return unlikely(cpu->crossing) && cpu->crossing->open ? &cpu->crossing->now : NULL;
}

static inline void crossing_source(const struct cpu *cpu, enum crossing_source source, u16 selector, u64 at, u64 data0, u64 data1)
{
    struct crossing *c = crossing_now(cpu);
    if (unlikely(c)) {
        c->source = (struct crossing_origin){.source = (u8)source, .selector = selector, .at = at, .data = {data0, data1}};
    }
}

static inline void crossing_gate(const struct cpu *cpu, enum crossing_source source, const struct descriptor *gate)
{
    crossing_source(cpu, source, gate->selector, gate->address, (u64)gate->hi << 32 | gate->lo, gate->upper);
}

static inline void crossing_stack(const struct cpu *cpu, enum crossing_source source, unsigned index, u64 at, u64 sp, u16 ss)
{
    struct crossing *c = crossing_now(cpu);
    if (unlikely(c)) {
        c->stack = (struct crossing_origin){.source = (u8)source, .index = (u8)index, .at = at, .data = {sp, ss}};
    }
}

/* A frame that is about to be written, and will end at `sp`. */
static inline void crossing_frame(struct cpu *cpu, const struct frame *f, u64 sp)
{
    if (unlikely(cpu->crossing)) {
        crossing_note_frame(cpu, f, sp);
    }
}

void crossing_note_return(struct cpu *cpu, unsigned width, unsigned n, const u64 *value, bool stack);

/* `n` values of `width` bytes are about to be popped; two more, the new stack, are among them if `stack`. */
static inline void crossing_return(struct cpu *cpu, unsigned width, unsigned n, const u64 *value, bool stack)
{
    if (unlikely(cpu->crossing)) {
        crossing_note_return(cpu, width, n, value, stack);
    }
}

static inline void crossing_is_jump(const struct cpu *cpu, bool jump)
{
    struct crossing *c = crossing_now(cpu);
    if (unlikely(c)) {
        c->jump = jump;
    }
}

/* Another task, whatever led to it. */
static inline void crossing_task(const struct cpu *cpu, u16 from, u16 to)
{
    struct crossing *c = crossing_now(cpu);
    if (unlikely(c)) {
        c->task_from = from;
        c->task_to = to;
        c->stack.source = STACK_TASK;
    }
}

/* It was none. */
static inline void crossing_drop(const struct cpu *cpu)
{
    if (unlikely(cpu->crossing)) {
        cpu->crossing->open = false;
    }
}

/* From here on it has happened, even if a fault follows. */
static inline void crossing_commit(const struct cpu *cpu)
{
    if (unlikely(cpu->crossing)) {
        cpu->crossing->committed = true;
    }
}

static inline void crossing_end(struct cpu *cpu)
{
    if (unlikely(cpu->crossing)) {
        crossing_note_end(cpu);
    }
}

#endif
