/*
 * accel.c: choosing an executor.
 */
#include "tcg/accel.h"

#include "cpu/cpu.h"
#include "tcg/tcg.h"

#ifdef RINGSIDE_NATIVE
#include "tcg/native.h"

bool accel_attach(struct cpu *cpu, const struct accel_config *config, struct error *error)
{
    struct native_config native = {.cache_bytes = config->cache_bytes, .threshold = config->threshold};
    return config->accel == ACCEL_INTERP || native_create(cpu, &native, error);
}

void accel_detach(struct cpu *cpu)
{
    if (cpu && cpu->executor) {
        native_destroy(cpu->executor);
    }
}

#else

bool accel_attach(struct cpu *cpu, const struct accel_config *config, struct error *error)
{
    (void)error;
    if (config->accel == ACCEL_TCG) {
        cpu->executor = &tcg_create(&backend_portable, true)->executor;
    }
    return true;
}

void accel_detach(struct cpu *cpu)
{
    if (cpu && cpu->executor) {
        tcg_destroy(container_of(cpu->executor, struct tcg, executor));
    }
}

#endif
