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
    return !insn->length && insn->row != ROW_NONE;
}

/* Jcc, LOOP, JCXZ */
bool native_profile_ends_run(const struct insn *insn)
{
    unsigned map = insn->opcode >> 8, byte = insn->opcode & 0xff;
    return insn->row == ROW_NONE || (map == M1 && ((byte & 0xf0) == 0x70 || (byte & 0xfc) == 0xe0)) || (map == M0F && (byte & 0xf0) == 0x80);
}

unsigned native_profile_run(const struct insn *insn)
{
    unsigned n = 0;
    while (!is_end(insn + n)) {
        n++;
        if (native_profile_ends_run(insn + n - 1)) {
            break;
        }
    }
    return n;
}

void native_profile_exit(struct native_profile *p, struct cpu *cpu, const struct insn *insn)
{
    p->seen = cpu->icount;
    if (insn && is_end(insn)) {
        p->seen += insn->number;
    } else if (insn) {
        p->seen += insn->number - 1u;
        cpu->host.insns -= native_profile_run(insn);
        if (insn->row != ROW_NONE) {
            p->left[insn->row]++;
        }
    }
}

void native_profile_call(struct native_profile *p, const struct insn *insn, unsigned run)
{
    p->calling     = insn;
    p->calling_run = run;
    p->calls[insn->row]++;
}

void native_profile_called(struct native_profile *p)
{
    p->calling = NULL;
}

void native_profile_raised(struct native_profile *p, struct cpu *cpu)
{
    if (p->calling) {
        cpu->host.insns -= p->calling_run;
        p->seen    = cpu->icount + p->calling->number - 1u;
        p->calling = NULL;
    }
}
