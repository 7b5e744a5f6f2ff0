/*
 * string_bench.c: nanoseconds of one REP string instruction, by size, in the interpreter: what it costs to begin one, and how fast
 * the bytes go then. One line for each instruction. Not a test.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cpu/cpu.h"
#include "cpu/mem.h"

enum { CODE_AT = 0x1000, SOURCE = 0x100000, TARGET = 0x300010, RAM_BYTES = 8 << 20 };

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

/* Runs `rounds` times: load ESI, EDI, ECX, and the instruction. */
static double measure(struct cpu *cpu, u8 *ram, const u8 *insn, u32 count, u32 rounds)
{
    u8 *p = ram + CODE_AT;
    *p++  = 0xbd; /* mov ebp, rounds */
    store32(p, rounds);
    u8 *loop = p += 4;
    const u32 values[3] = {SOURCE, TARGET, count};
    static const u8 opcodes[3] = {0xbe, 0xbf, 0xb9};
    for (unsigned k = 0; k < 3; k++) {
        *p++ = opcodes[k];
        store32(p, values[k]);
        p += 4;
    }
    *p++ = insn[0];
    *p++ = insn[1];
    *p++ = 0x4d; /* dec ebp */
    *p++ = 0x75; /* jnz loop */
    *p   = (u8)(loop - (p + 1));
    p[1] = 0xf4;
    tlb_flush(&cpu->tlb);
    cpu->ip       = CODE_AT;
    cpu->activity = ACTIVITY_RUN;
    double start  = seconds();
    while (cpu_run(cpu)) {
    }
    return (seconds() - start) * 1e9 / rounds;
}

int main(void)
{
    static const struct {
        const char *name;
        u8          code[2], width;
    } insns[] = {{"rep movsb", {0xf3, 0xa4}, 1},  {"rep movsd", {0xf3, 0xa5}, 4},   {"rep stosb", {0xf3, 0xaa}, 1},
                 {"rep stosd", {0xf3, 0xab}, 4},  {"rep lodsd", {0xf3, 0xad}, 4},   {"repne scasb", {0xf2, 0xae}, 1},
                 {"repne scasd", {0xf2, 0xaf}, 4}, {"repe scasb", {0xf3, 0xae}, 1}, {"repe cmpsb", {0xf3, 0xa6}, 1},
                 {"repe cmpsd", {0xf3, 0xa7}, 4}, {"repne cmpsb", {0xf2, 0xa6}, 1}};
    static const u32  sizes[] = {0, 8, 64, 512, 4096, 65536, 1 << 20};
    struct cpu_config config  = {.bus = {.now_ns = no_time}, .tsc_hz = NS_PER_SECOND};
    struct region     ram;
    struct mapping    map = {0};
    config.model          = cpu_model_find(cpu_model_default(), &config.features, NULL);
    config.memory         = space_create("memory", 40);
    config.ports          = space_create("ports", 16);
    if (!region_init_ram(&ram, "ram", RAM_BYTES)) {
        return 1;
    }
    space_map(config.memory, &map, &ram, 0, 0);
    printf("%-12s", "bytes:");
    for (unsigned k = 0; k < ARRAY_LEN(sizes); k++) {
        printf("%10u", sizes[k]);
    }
    puts("");
    for (unsigned n = 0; n < ARRAY_LEN(insns); n++) {
        bool until_equal = insns[n].code[0] == 0xf2;
        memset(ram.host + SOURCE, until_equal ? 1 : 0, 1 << 20); /* no comparison ends early */
        memset(ram.host + TARGET, until_equal ? 2 : 0, 1 << 20);
        printf("%-12s", insns[n].name);
        for (unsigned k = 0; k < ARRAY_LEN(sizes); k++) {
            struct cpu *cpu = cpu_create(&config);
            cpu->cr0 |= CR0_PE;
            for (unsigned seg = SEG_ES; seg <= SEG_GS; seg++) {
                cpu->seg[seg] = (struct segment){.limit = 0xffffffff, .attr = seg == SEG_CS ? 0xc09b : 0xc093};
            }
            cpu_update_mode(cpu);
            u32 rounds = sizes[k] < 4096 ? 1000000 : (1u << 28) / sizes[k];
            printf("%10.1f", measure(cpu, ram.host, insns[n].code, sizes[k] / insns[n].width, rounds));
            cpu_destroy(cpu);
        }
        puts("");
    }
    return 0;
}
