/*
 * loop_bench.c: guest instructions per second of the interpreter on a plain integer loop with one load and one store, in flat 32-bit
 * protected mode, without a machine around it. Prints one line. Not a test.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cpu/cpu.h"
#include "cpu/mem.h"

static i64 no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void)
{
    static const u8 code[] = {
        0xb9, 0, 0, 0, 4,          /*       mov  ecx, 4000000h */
        0x01, 0xc8,                /* loop: add  eax, ecx */
        0x31, 0xc2,                /*       xor  edx, eax */
        0x8b, 0x1d, 0, 0x20, 0, 0, /*       mov  ebx, [2000h] */
        0x01, 0xd3,                /*       add  ebx, edx */
        0x89, 0x1d, 0, 0x20, 0, 0, /*       mov  [2000h], ebx */
        0x49,                      /*       dec  ecx */
        0x75, 0xeb,                /*       jnz  loop */
        0xf4,                      /*       hlt */
    };
    struct cpu_config config = {.bus = {.now_ns = no_time}, .tsc_hz = NS_PER_SECOND};
    struct region     ram;
    struct mapping    map = {0};
    config.model          = cpu_model_find(cpu_model_default(), &config.features, NULL);
    config.memory         = space_create("memory", 40);
    config.ports          = space_create("ports", 16);
    if (!region_init_ram(&ram, "ram", 1u << 20)) {
        return 1;
    }
    space_map(config.memory, &map, &ram, 0, 0);
    memcpy(ram.host + 0x1000, code, sizeof code);

    struct cpu *cpu = cpu_create(&config);
    cpu->cr0 |= CR0_PE;
    for (unsigned seg = SEG_ES; seg <= SEG_GS; seg++) {
        cpu->seg[seg] = (struct segment){.limit = 0xffffffff, .attr = seg == SEG_CS ? 0xc09b : 0xc093};
    }
    cpu->ip = 0x1000;
    cpu_update_mode(cpu);

    double start = seconds();
    while (cpu_run(cpu)) {
    }
    double took = seconds() - start;
    printf("%llu instructions in %.3f CPU s: %.0f MIPS\n", (unsigned long long)cpu->icount, took, (double)cpu->icount / took / 1e6);
    cpu_destroy(cpu);
    return 0;
}
