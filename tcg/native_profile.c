/*
 * native_profile.c: see native_profile.h.
 */
#include "tcg/native_profile.h"

#include "cpu/base/mem.h"

struct native_profile *native_profile_create(void)
{
    struct native_profile *p = mem_zeroed(1, sizeof *p);
    p->calls                 = mem_zeroed(row_count, sizeof *p->calls);
    p->left                  = mem_zeroed(row_count, sizeof *p->left);
    return p;
}

void native_profile_destroy(struct native_profile *p)
{
    if (p) {
        free(p->calls);
        free(p->left);
        free(p);
    }
}

/* A reset sets cpu->icount to 0. */
u64 native_profile_interpreted(const struct native_profile *p, const struct cpu *cpu)
{
    return p->interpreted + (cpu->icount >= p->seen ? cpu->icount - p->seen : cpu->icount);
}

void native_profile_enter(struct native_profile *p, const struct cpu *cpu)
{
    p->interpreted = native_profile_interpreted(p, cpu);
    p->seen        = cpu->icount;
}

/* Behind the last instruction of a block stands one without length, which nobody counts; it has the last one's number. */
static bool is_end(const struct insn *insn)
{
    return !insn->length;
}

void native_profile_exit(struct native_profile *p, struct cpu *cpu, const struct insn *insn)
{
    p->seen = cpu->icount;
    if (insn && is_end(insn)) {
        p->seen += insn->number;
    } else if (insn) {
        p->seen += insn->number - 1u;
        cpu->host.insns--;
        if (insn->row != ROW_NONE) {
            p->left[insn->row]++;
        }
    }
}

void native_profile_call(struct native_profile *p, const struct insn *insn)
{
    p->calling = insn;
    p->calls[insn->row]++;
}

/* Code is left before the next instruction has begun: native_profile_exit() will take it back all the same. */
void native_profile_called(struct native_profile *p, struct cpu *cpu, bool leaves)
{
    const struct insn *next = p->calling + 1;
    p->calling              = NULL;
    if (leaves && !is_end(next)) {
        cpu->host.insns++;
        if (next->row != ROW_NONE) {
            p->left[next->row]--;
        }
    }
}

void native_profile_raised(struct native_profile *p, struct cpu *cpu)
{
    if (p->calling) {
        cpu->host.insns--;
        p->seen    = cpu->icount + p->calling->number - 1u;
        p->calling = NULL;
    }
}
