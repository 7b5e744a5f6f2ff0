/*
 * accel.c: choosing an executor.
 *
 * Of three: the translator of this host, the portable one, or, when everything is interpreted and somebody wants to see the code,
 * one that is asked to translate each block and refuses.
 */
#include "tcg/accel.h"

#include "cpu/base/mem.h"
#include "cpu/cpu.h"
#include "cpu/interp/icache.h"
#include "tcg/tcg.h"
#include "tcg/watch.h"

#ifdef RINGSIDE_NATIVE
#include "tcg/native.h"
#endif

typedef unsigned long long ull;

/* ---- interpreted, and watched */

struct shown {
    struct executor executor;
    const struct code_watch *watch;
    struct cpu *cpu;
};

static bool show(struct executor *executor, struct block *b)
{
    const struct shown *s = container_of(executor, struct shown, executor);
    static const struct code_piece none[CODE_PIECES];
    s->watch->block(s->watch->opaque, s->cpu, b, none);
    return false;
}

static void forget_nothing(struct executor *executor)
{
    (void)executor;
}

static void attach_shown(struct cpu *cpu, const struct code_watch *watch)
{
    struct shown *s = mem_zeroed(1, sizeof *s);
    *s = (struct shown){.executor = {.translate = show, .forget_all = forget_nothing}, .watch = watch, .cpu = cpu};
    cpu->executor = cpu->icache->executor = &s->executor;
}

static void detach_shown(struct cpu *cpu)
{
    struct shown *s = container_of(cpu->executor, struct shown, executor);
    cpu->executor = cpu->icache->executor = NULL;
    free(s);
}

/* ---- all of them */

static bool attach_translator(struct cpu *cpu, const struct accel_config *config, struct error *error)
{
#ifdef RINGSIDE_NATIVE
    struct native_config native = {
        .cache_bytes = config->cache_bytes, .threshold = config->threshold, .profile = config->profile, .watch = config->watch};
    return native_create(cpu, &native, error);
#else
    (void)error;
    struct tcg *tcg = tcg_create(&backend_portable, true);
    tcg->code_watch = config->watch;
    cpu->executor = &tcg->executor;
    return true;
#endif
}

static bool wants_translator(enum accel accel)
{
#ifdef RINGSIDE_NATIVE
    return accel != ACCEL_INTERP;
#else
    return accel == ACCEL_TCG;
#endif
}

bool accel_attach(struct cpu *cpu, const struct accel_config *config, struct error *error)
{
    if (wants_translator(config->accel)) {
        return attach_translator(cpu, config, error);
    }
    if (config->watch) {
        attach_shown(cpu, config->watch);
    }
    return true;
}

void accel_detach(struct cpu *cpu)
{
    if (!cpu || !cpu->executor) {
        return;
    }
    if (cpu->executor->translate == show) {
        detach_shown(cpu);
        return;
    }
#ifdef RINGSIDE_NATIVE
    native_destroy(cpu->executor);
#else
    tcg_destroy(container_of(cpu->executor, struct tcg, executor));
#endif
}

void accel_print(const struct cpu *cpu, FILE *out)
{
    const struct icache *c = cpu->icache;
    if (cpu->executor && cpu->executor->translate != show) {
#ifdef RINGSIDE_NATIVE
        native_print(cpu->executor, out);
#else
        tcg_print(container_of(cpu->executor, struct tcg, executor), out);
#endif
        return;
    }
    fprintf(out, "executor            interpreted\n");
    fprintf(out, "decoded blocks      %llu, %llu flushes\n", (ull)c->blocks, (ull)c->flushes);
    fprintf(out, "guest instructions  %llu since the last reset\n", (ull)cpu->icount);
}
