/*
 * tcg_boot.c: a PC that executes translated code by the portable backend: for booting whole
 * systems, and for counting IR ops.
 *
 *   tcg_boot [-plain] KERNEL INITRD COMMAND-LINE
 *
 * The serial line is on standard input and output; figures go to standard error. -plain: without
 * passes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frontend/machine/machine.h"
#include "tcg/tcg.h"

static void print_stats(const struct tcg_stats *s)
{
    fprintf(stderr, "blocks translated %llu with %llu instructions, flushes %llu\n",
            (unsigned long long)s->blocks, (unsigned long long)s->insns,
            (unsigned long long)s->flushes);
    fprintf(stderr,
            "IR ops per instruction: %.2f as built, %.2f after the passes; of blocks as they were "
            "entered: %.2f\n",
            (double)s->ops_built / (double)s->insns, (double)s->ops / (double)s->insns,
            (double)s->ops_of_run / (double)s->insns_run);
    fprintf(stderr, "blocks entered %llu, of %.1f instructions\n", (unsigned long long)s->runs,
            (double)s->insns_run / (double)s->runs);
}

int main(int argc, char **argv)
{
    bool plain = argc > 1 && strcmp(argv[1], "-plain") == 0;
    if (argc != 4 + plain) {
        fprintf(stderr, "usage: tcg_boot [-plain] KERNEL INITRD COMMAND-LINE\n");
        return 2;
    }
    char **words = argv + 1 + plain;
    struct machine_config config = {.ram_bytes = 256 << 20,
                                    .cpu = "qemu64",
                                    .vga = true,
                                    .accel = {.accel = ACCEL_INTERP},
                                    .boot_order = "c",
                                    .has_serial = {true},
                                    .kernel = words[0],
                                    .initrd = words[1],
                                    .append = words[2],
                                    .no_reboot = true};
    struct machine *m = machine_create();
    struct chardev *line = config.serial[0] =
        chardev_fds(m->loop, STDIN_FILENO, STDOUT_FILENO, false);
    struct tcg *tcg = tcg_create(&backend_portable, !plain);
    struct error err;
    int status = 1;
    if (pc_build(m, &config, &err)) {
        m->cpu->executor = &tcg->executor;
        status = machine_run(m);
        print_stats(&tcg->stats);
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    m->cpu->executor = NULL;
    machine_dismantle(m);
    chardev_destroy(line);
    machine_destroy(m);
    tcg_destroy(tcg);
    return status;
}
